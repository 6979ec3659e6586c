//! What a cut may contain: rules 6 and 7.

use alloc::boxed::Box;

use super::decided::{FairStream, Sizes};
use super::entry::{Bodies, Cut, Entry, EntryKind, LoggedId};
use super::error::{CutError, CutRefusal};
use super::outcome::{Charge, LossReason};
use super::records::{Members, only};
use crate::bounded::{fixed_slice, fixed_slice_bytes};
use crate::types::Height;

/// Where an entry of a cut stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct At {
    member: u32,
    entry: u32,
}

/// What checking a cut works with.
#[derive(Debug)]
pub(super) struct CutScratch {
    order: Box<[At]>,
    charges: Box<[Charge]>,
}

impl CutScratch {
    pub(super) fn new(sizes: Sizes) -> Self {
        Self {
            order: fixed_slice(sizes.entries, At::default()),
            charges: fixed_slice(sizes.charges, Charge::default()),
        }
    }

    pub(super) const fn footprint_bytes(sizes: Sizes) -> u64 {
        fixed_slice_bytes::<At>(sizes.entries) + fixed_slice_bytes::<Charge>(sizes.charges)
    }
}

/// One id of a cut: the logs in which an entry of it comes to count.
#[derive(Clone, Copy, Debug)]
struct Shown {
    id: LoggedId,
    rollup: usize,
    record: Option<u32>,
    heads: Members,
    /// Those among them that are charged for the first time.
    charged: Members,
}

impl FairStream {
    /// Rules 6 and 7: whether a voter may accept the cut. Changes nothing but scratch memory.
    /// O(k log k) for a cut of k entries.
    ///
    /// # Errors
    /// [`CutRefusal`] with the member and the rule.
    pub fn check(&mut self, cut: &Cut<'_>) -> Result<(), CutRefusal> {
        self.walk(cut, |_, _| ())
    }

    /// Visits, in the order of ids, what T logs hold once the cut is applied and whose body neither
    /// the state nor the host has seen.
    ///
    /// # Errors
    /// As [`FairStream::check`].
    pub fn bodies_needed(
        &mut self,
        cut: &Cut<'_>,
        bodies: &impl Bodies,
        mut visit: impl FnMut(&LoggedId),
    ) -> Result<(), CutRefusal> {
        self.walk(cut, |stream, shown| {
            let known = shown.record.map(|number| stream.records.get(number));
            let has_facts = known.is_some_and(|record| record.facts.is_some());
            let heads = shown.heads | known.map_or(0, |record| record.heads);
            let is_candidate = heads.count_ones() >= stream.parameters.threshold();
            if is_candidate && !has_facts && bodies.facts(&shown.id).is_none() {
                visit(&shown.id);
            }
        })
    }

    /// Why an entry of an id is void in a slot that counts for age or not (rule 9).
    pub(super) fn void(&self, base: Height, id: &LoggedId, counts: bool) -> Option<LossReason> {
        if base < self.age.floor(counts) {
            return Some(LossReason::BaseTooOld);
        }
        let drained = self.past.find(id).filter(|past| base < past.height);
        drained.map(|_| LossReason::DrainedSince)
    }

    /// Whether the slot of a cut counts for age.
    pub(super) fn counts_for_age(&self, cut: &Cut<'_>) -> bool {
        let moved = cut.extents.iter().filter(|extent| extent.has_moved());
        let least = self.parameters.n() - self.parameters.f();
        self.weakened.age_every_slot() || moved.count() >= least as usize
    }

    /// Whether an entry charges its member if it is the first of its id in that log: its id was not
    /// live at its base.
    pub(super) fn is_first_hand(&self, record: u32, base: Height) -> bool {
        let record = self.records.get(record);
        if self.weakened.charge_first_sight() {
            !record.is_live()
        } else {
            !record.was_live_at(base)
        }
    }

    /// Checks the cut, and visits each id of it in the order of ids.
    fn walk(
        &mut self,
        cut: &Cut<'_>,
        mut visit: impl FnMut(&Self, &Shown),
    ) -> Result<(), CutRefusal> {
        let entry_count = self.lay_out(cut)?;
        let counts = self.counts_for_age(cut);
        let charges = self.records.charges();
        self.cut_scratch.charges.copy_from_slice(charges);
        let mut start = 0;
        while start < entry_count {
            let id = id_at(cut, self.cut_scratch.order[start]);
            let mut end = start + 1;
            while end < entry_count && id_at(cut, self.cut_scratch.order[end]) == id {
                end += 1;
            }
            let shown = self.shown(cut, id, start..end, counts);
            for member in super::records::members_of(shown.charged) {
                let at = member * self.rollups.len() + shown.rollup;
                let charge = &mut self.cut_scratch.charges[at];
                charge.count += 1;
                charge.bytes += u64::from(id.body_bytes);
            }
            visit(self, &shown);
            start = end;
        }
        self.check_charges()
    }

    /// Checks all that needs no count, and sorts the cut's ids; returns how many entries name one.
    fn lay_out(&mut self, cut: &Cut<'_>) -> Result<usize, CutRefusal> {
        let whole = |reason| CutRefusal {
            member: None,
            reason,
        };
        if self.end.is_some() {
            return Err(whole(CutError::LogsEnded));
        }
        if cut.height.get() != self.height.get().wrapping_add(1) {
            return Err(whole(CutError::WrongHeight));
        }
        if cut.extents.len() != self.parameters.n() as usize {
            return Err(whole(CutError::WrongLogCount));
        }
        let mut entry_count = 0;
        for (member, extent) in (0..).zip(cut.extents) {
            let refusal = |reason| CutRefusal {
                member: Some(member),
                reason,
            };
            if extent.entries.len() > self.limits.extent_entries_max as usize {
                return Err(refusal(CutError::ExtentTooLong));
            }
            for (place, entry) in (0..).zip(extent.entries) {
                if entry.base >= cut.height {
                    return Err(refusal(CutError::BaseAhead));
                }
                let EntryKind::Id(id) = entry.kind else {
                    continue;
                };
                if self.rollup_number(id.rollup).is_none() {
                    return Err(refusal(CutError::RollupNotOrdered));
                }
                self.cut_scratch.order[entry_count] = At {
                    member,
                    entry: place,
                };
                entry_count += 1;
            }
        }
        let order = &mut self.cut_scratch.order[..entry_count];
        order.sort_unstable_by(|a, b| {
            let by_id = id_at(cut, *a).cmp(&id_at(cut, *b));
            by_id.then(a.cmp(b))
        });
        Ok(entry_count)
    }

    /// What the entries of one id come to; in each log the first one that is not void counts.
    fn shown(
        &self,
        cut: &Cut<'_>,
        id: LoggedId,
        places: core::ops::Range<usize>,
        counts: bool,
    ) -> Shown {
        let record = self.records.find(&id);
        let held = record.map_or(0, |number| self.records.get(number).heads);
        let charged = record.map_or(0, |number| self.records.get(number).charged);
        let mut shown = Shown {
            id,
            rollup: self.rollup_number(id.rollup).unwrap_or(0),
            record,
            heads: 0,
            charged: 0,
        };
        for at in &self.cut_scratch.order[places] {
            let own = only(at.member as usize);
            let entry = entry_at(cut, *at);
            if (held | shown.heads) & own != 0 || self.void(entry.base, &id, counts).is_some() {
                continue;
            }
            let first_seen = !self.weakened.charge_first_sight() || shown.heads == 0;
            let is_first_hand = record.is_none_or(|number| self.is_first_hand(number, entry.base));
            if is_first_hand && self.is_past_closing(entry.base) {
                continue;
            }
            shown.heads |= own;
            if is_first_hand && first_seen {
                shown.charged |= own & !charged;
            }
        }
        shown
    }

    fn check_charges(&self) -> Result<(), CutRefusal> {
        let by_member = self.cut_scratch.charges.chunks(self.rollups.len());
        // Those that have left bring nothing new.
        for (member, charges) in (0..self.parameters.n()).zip(by_member) {
            let refuse = |reason| {
                Err(CutRefusal {
                    member: Some(member),
                    reason,
                })
            };
            let count: u64 = charges.iter().map(|charge| u64::from(charge.count)).sum();
            let bytes: u64 = charges.iter().map(|charge| charge.bytes).sum();
            if count > u64::from(self.limits.first_hand_count_max) {
                return refuse(CutError::FirstHandCountExceeded);
            }
            if bytes > self.limits.first_hand_bytes_max {
                return refuse(CutError::FirstHandBytesExceeded);
            }
            if self.weakened.one_budget_for_all_rollups() {
                continue;
            }
            for (charge, rollup) in charges.iter().zip(self.rollups.iter()) {
                if charge.count > rollup.part.first_hand_count_max {
                    return refuse(CutError::RollupCountExceeded);
                }
                if charge.bytes > rollup.part.first_hand_bytes_max {
                    return refuse(CutError::RollupBytesExceeded);
                }
            }
        }
        Ok(())
    }
}

fn entry_at<'a>(cut: &Cut<'a>, at: At) -> &'a Entry {
    &cut.extents[at.member as usize].entries[at.entry as usize]
}

/// The id that an entry names; only entries that name one are laid out.
fn id_at(cut: &Cut<'_>, at: At) -> LoggedId {
    match entry_at(cut, at).kind {
        EntryKind::Id(id) => id,
        EntryKind::Stamp(_) | EntryKind::Closed => LoggedId::default(),
    }
}

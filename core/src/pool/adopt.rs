//! A slot that another member proposed, and that was decided: what it means for the pool here.
//!
//! # Rules
//! 1. No slot is in flight here meanwhile, so every nonce below a cursor is used for good.
//! 2. A transaction of the slot that waits here ends as included at its place, whether it waits in
//!    a line or as a leg. One that was never here leaves a trace only: its identity among those
//!    seen, and its sender's cursor behind its nonce.
//! 3. Whatever else waits with a nonce that the slot used ends as superseded. A sender whose base
//!    was a guess has its base now: the first nonce that was included.
//! 4. A window moves on until it reaches the nonce that the slot used; what it leaves behind counts
//!    as used.
//! 5. Forced inputs end with the outcome that the slot records. Those of smaller indexes that it
//!    passed over can stand in no slot any more, and end as evicted. Indexes that have not come yet
//!    are used up.
//! 6. A bundle of which a leg stands in the slot ends: such legs as included, those whose nonces
//!    were used as superseded, the others as evicted.
//! 7. Where expiry keeps replays out, a cursor is never left out: if its sender finds no place, and
//!    no idle one may be forgotten, senders that only wait give theirs up, and their transactions
//!    end as evicted; after them those kept for forced inputs are used. All members have as many
//!    places as the proposer had, so there is one for each cursor that is needed. Where the host
//!    keeps replays out, the cursor is left out instead.
//!
//! All ends are counted before the first one is written down. Cost: O(log n) for each transaction
//! of the slot and each that ends here; O(senders) only where rule 7 needs it.

mod set;

use set::OfSender;
pub(crate) use set::{DecidedSet, DecidedTransaction};

use super::TransactionPool;
use super::entry::{Entry, Sender, Window};
use super::line::LineMode;
use crate::bounded::NONE;
use crate::config::ReplayProtection;
use crate::error::Code;
use crate::event::Ledger;
use crate::types::{Candidate, Height, Nonce, SelectionRule, UnixNs};

/// What taking a decided slot over comes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct AdoptionPlan {
    /// Transactions that end here.
    pub event_count: usize,
    /// Senders that give their places up.
    pub(super) victim_count: usize,
}

/// Where and when a decided slot stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DecidedAt {
    pub height: Height,
    pub time: UnixNs,
}

/// More cursors are needed than there are places for senders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoPlaceForCursor;

impl TransactionPool {
    /// Says what taking over the slot of these transactions will come to, and changes nothing but
    /// the set's order. `time` is the slot's.
    pub(crate) fn plan_adoption(
        &self,
        set: &mut DecidedSet,
        time: UnixNs,
    ) -> Result<AdoptionPlan, NoPlaceForCursor> {
        set.sort();
        self.find_legs(set);
        let (mut event_count, mut new_count) = (0_usize, 0_usize);
        for own in set.senders() {
            let Some(place) = self.sender_of_decided(own.first()) else {
                new_count = new_count.saturating_add(1);
                continue;
            };
            event_count = event_count.saturating_add(self.ending_count(place, &own));
        }
        event_count = event_count
            .saturating_add(self.forced_ending_count(set))
            .saturating_add(self.hit_leg_count(set));
        let victim_count = self.count_victims(set, new_count, time)?;
        let lines = self.victims(set, time, 0).take(victim_count);
        event_count = lines.fold(event_count, |sum, (_, own)| {
            sum.saturating_add(own.pending_count as usize)
        });
        Ok(AdoptionPlan {
            event_count,
            victim_count,
        })
    }

    /// Takes over the slot that `plan` was made for; the ledger has room for what it says. Returns
    /// how many of those that waited here the slot includes.
    pub(crate) fn adopt<R: SelectionRule>(
        &mut self,
        set: &DecidedSet,
        plan: AdoptionPlan,
        at: DecidedAt,
        rule: &R,
        ledger: &mut Ledger<'_>,
    ) -> u32 {
        let mut included_count = 0;
        self.decided_time = at.time;
        self.end_victims(set, plan.victim_count, at.time, ledger);
        for row in set.rows() {
            let held = self.pop_decided_input(row, ledger);
            if row.uses_nonce() {
                let included = self.include_decided(row, held.is_some(), at, rule, ledger);
                included_count = u32::saturating_add(included_count, included);
            }
            if let Some(code) = held {
                let is_included = u32::from(code == Code::Included);
                included_count = included_count.saturating_add(is_included);
                ledger.end_in_slot(code, row.id, row.rollup, at.height, row.position);
            }
        }
        included_count.saturating_add(self.end_hit_bundles(set, at, ledger))
    }

    /// Ends ahead of the slot, as far as there is room to say so, what it will supersede or have
    /// evicted, and no transaction of its own.
    ///
    /// For a slot that ends more here than events can ever wait: it takes what is left in one step.
    pub(crate) fn thin_out(&mut self, set: &DecidedSet, time: UnixNs, ledger: &mut Ledger<'_>) {
        for own in set.senders() {
            let Some(place) = self.sender_of_decided(own.first()) else {
                continue;
            };
            let (mode, last) = (self.mode_of_sender(place), own.last_nonce());
            let sender = self.senders.get(place).copied().unwrap_or_default();
            self.end_line(place, Code::Superseded, ledger, &|entry| {
                is_used_up(mode, &sender, entry.nonce, last) && !own.uses(entry.nonce)
            });
        }
        let new_count = set
            .senders()
            .filter(|own| self.sender_of_decided(own.first()).is_none())
            .count();
        let victim_count = self.count_victims(set, new_count, time).unwrap_or(0);
        self.end_victims(set, victim_count, time, ledger);
    }

    /// How many of a sender's transactions end with the slot.
    fn ending_count(&self, place: u32, used: &OfSender<'_>) -> usize {
        let own = self.senders.get(place).copied().unwrap_or_default();
        let (mode, last) = (self.mode_of_sender(place), used.last_nonce());
        let mut at = own.first;
        let line = core::iter::from_fn(|| {
            let entry = self.entries.get(at)?;
            at = entry.after;
            Some(entry.nonce)
        });
        let is_below = |nonce: &Nonce| is_used_up(mode, &own, *nonce, last);
        match mode {
            LineMode::Window => line.filter(|own| is_below(own) || used.uses(*own)).count(),
            _ => line.take_while(is_below).count(),
        }
    }

    /// Moves a sender's cursor past a nonce that the slot used, and ends what waits with it.
    /// Returns how many of those the slot includes: one, or none.
    fn include_decided<R: SelectionRule>(
        &mut self,
        row: &DecidedTransaction,
        was_held: bool,
        at: DecidedAt,
        rule: &R,
        ledger: &mut Ledger<'_>,
    ) -> u32 {
        let mut included_count = 0_u32;
        self.seen.insert(row.id.as_bytes(), Code::Included.number());
        let Some(place) = self.sender_for_decided(row) else {
            return included_count;
        };
        self.note_busy(place);
        self.note_decided(place, row.nonce, row.expiry);
        let before = self.senders.get(place).copied().unwrap_or_default();
        let id = (!was_held).then_some(row.id);
        let mut end = |pool: &mut Self, index: u32, entry: &Entry| {
            let included = pool.pooled(index).filter(|_| Some(entry.id) == id);
            let Some(included) = included else {
                return pool.end(index, entry, Code::Superseded, ledger);
            };
            pool.forget(index, entry);
            let Candidate {
                envelope, arrival, ..
            } = included.candidate;
            ledger.measure_included(envelope.fee, arrival.tick);
            ledger.end_included(row.id, row.rollup, at.height, row.position);
            included_count = included_count.saturating_add(1);
        };
        match self.mode_of_sender(place) {
            LineMode::Window => self.use_in_window(place, &before, row.nonce, &mut end),
            _ => self.use_in_line(place, &before, row.nonce, rule, &mut end),
        }
        self.note_idle(place);
        included_count
    }

    /// One nonce after another: moves the cursor behind `nonce`, unless it stands there already,
    /// and ends what it passes.
    fn use_in_line<R: SelectionRule>(
        &mut self,
        place: u32,
        before: &Sender,
        nonce: Nonce,
        rule: &R,
        end: &mut dyn FnMut(&mut Self, u32, &Entry),
    ) {
        if nonce < before.next && before.is_base_fixed {
            return;
        }
        self.withdraw_head(place);
        let next = nonce.saturating_add(1);
        if let Some(own) = self.senders.get_mut(place) {
            // A base that was guessed too high tears the line.
            own.ready_end = match next < before.next {
                true => next,
                false => before.ready_end.max(next),
            };
            own.next = next;
            own.is_base_fixed = true;
        }
        let mut index = before.first;
        while let Some(entry) = self.entries.get(index).copied() {
            if entry.nonce >= next {
                break;
            }
            end(self, index, &entry);
            index = entry.after;
        }
        self.extend_ready(place);
        self.offer_head(place, rule);
    }

    /// A window of nonces: notes `nonce`, unless it is noted already, moves the window on where it
    /// does not reach that far, and ends what has that nonce or is left behind.
    fn use_in_window(
        &mut self,
        place: u32,
        before: &Sender,
        nonce: Nonce,
        end: &mut dyn FnMut(&mut Self, u32, &Entry),
    ) {
        let ahead = nonce.saturating_distance(before.next);
        if nonce < before.next || before.included.contains(ahead) {
            return;
        }
        let start = window_start(before.next, nonce);
        if let Some(own) = self.senders.get_mut(place) {
            own.use_in_window(nonce);
            own.is_base_fixed = true;
        }
        if let Some(index) = self.at_nonce(place, nonce)
            && let Some(entry) = self.entries.get(index).copied()
        {
            end(self, index, &entry);
        }
        let mut index = match start > before.next {
            true => self.senders.get(place).map_or(NONE, |own| own.first),
            false => NONE,
        };
        while let Some(entry) = self.entries.get(index).copied() {
            if entry.nonce < start {
                end(self, index, &entry);
            }
            index = entry.after;
        }
    }

    /// The place of a sender of the slot; a new one if there is one to be had.
    fn sender_for_decided(&mut self, row: &DecidedTransaction) -> Option<u32> {
        if let Some(place) = self.sender_of_decided(row) {
            return Some(place);
        }
        if self.senders.len() >= self.rules.sender_count_max as usize {
            let forgotten = self.forget_idle_sender();
            // The places beyond are for senders of forced inputs, and for cursors that must stay.
            if self.rules.replay_protection == ReplayProtection::ByHost {
                forgotten.ok()?;
            }
        }
        let next = match self.line_mode(row.rollup) {
            LineMode::Window => Nonce::new(row.nonce.get().saturating_sub(Window::LEN / 2)),
            LineMode::Sequential | LineMode::Logged => row.nonce,
        };
        self.insert_sender(row.rollup, row.sender, next, false)
    }

    fn sender_of_decided(&self, row: &DecidedTransaction) -> Option<u32> {
        self.sender_of(row.rollup, row.sender)
    }

    /// Ends those of a sender's line for which `ends` holds, as long as there is room to say so.
    fn end_line(
        &mut self,
        place: u32,
        code: Code,
        ledger: &mut Ledger<'_>,
        ends: &dyn Fn(&Entry) -> bool,
    ) {
        let mut index = self.senders.get(place).map_or(NONE, |own| own.first);
        while let Some(entry) = self.entries.get(index).copied() {
            if ends(&entry) {
                if ledger.room() == 0 {
                    return;
                }
                self.end(index, &entry, code, ledger);
            }
            index = entry.after;
        }
    }

    /// How many senders must give their places up so that `new_count` cursors find one.
    fn count_victims(
        &self,
        set: &DecidedSet,
        new_count: usize,
        time: UnixNs,
    ) -> Result<usize, NoPlaceForCursor> {
        let free = (self.rules.sender_count_max as usize).saturating_sub(self.senders.len());
        let short = new_count.saturating_sub(free);
        if short == 0 || self.rules.replay_protection == ReplayProtection::ByHost {
            return Ok(0);
        }
        let idle = self.senders.iter().filter(|(place, own)| {
            let may_go = || may_go(set, own, time);
            self.is_idle(*place) && may_go()
        });
        let short = short.saturating_sub(idle.count());
        let victim_count = self.victims(set, time, 0).take(short).count();
        let used = self.senders.len().max(self.rules.sender_count_max as usize);
        let kept = self.senders.capacity().saturating_sub(used);
        if short.saturating_sub(victim_count) > kept {
            return Err(NoPlaceForCursor);
        }
        Ok(victim_count)
    }

    /// Senders from a place on whose cursors are not needed, and who only wait in their lines.
    fn victims(
        &self,
        set: &DecidedSet,
        time: UnixNs,
        first: u32,
    ) -> impl Iterator<Item = (u32, &Sender)> {
        self.senders.iter_from(first).filter(move |(place, own)| {
            let only_waits = own.pending_count > 0 && self.pins.of(*place).count == 0;
            only_waits && may_go(set, own, time)
        })
    }

    /// Ends the lines of the first so many of those, as long as there is room to say so.
    fn end_victims(
        &mut self,
        set: &DecidedSet,
        count: usize,
        time: UnixNs,
        ledger: &mut Ledger<'_>,
    ) {
        let mut first = 0;
        for _ in 0..count {
            let victim = self.victims(set, time, first).next();
            let Some(place) = victim.map(|(place, _)| place) else {
                return;
            };
            self.end_line(place, Code::Evicted, ledger, &|_| true);
            first = place.saturating_add(1);
        }
    }
}

/// Whether nothing that was included from a sender can come again, and the slot uses no nonce of
/// it.
fn may_go(set: &DecidedSet, own: &Sender, time: UnixNs) -> bool {
    own.keep_until <= time && !set.has_sender(own.rollup, own.address)
}

/// Where a window has to start to hold `nonce`.
pub(super) fn window_start(next: Nonce, nonce: Nonce) -> Nonce {
    let reaching = nonce.get().saturating_sub(Window::LEN.saturating_sub(1));
    next.max(Nonce::new(reaching))
}

/// Whether a sender's nonce lies below its cursor once the slot has used `last`.
fn is_used_up(mode: LineMode, own: &Sender, nonce: Nonce, last: Nonce) -> bool {
    let next = match mode {
        LineMode::Window => window_start(own.next, last),
        _ if own.is_base_fixed => own.next.max(last.saturating_add(1)),
        _ => last.saturating_add(1),
    };
    nonce < next
}

//! What follows from a decided cut, step by step.

use super::decided::FairStream;
use super::entry::{Bodies, Cut, Entry, EntryKind, LoggedId, RollupSlot};
use super::error::ApplyError;
use super::outcome::{GraphEvent, LossReason, LostEntry};
use super::records::{Members, Place, members_of, only};
use crate::types::UnixNs;

impl FairStream {
    /// Applies a decided cut: entries, agreed time, update, form, release, drain, lapse.
    ///
    /// `rollups` holds a record for each configured rollup, in their order. Cost: O(k log k) for a
    /// cut of k entries, O(n · live ids) to lapse, and what the graphs cost.
    ///
    /// # Errors
    /// [`ApplyError`]; then nothing has changed.
    pub fn apply(
        &mut self,
        cut: &Cut<'_>,
        rollups: &[RollupSlot],
        bodies: &impl Bodies,
    ) -> Result<(), ApplyError> {
        if rollups.len() != self.rollups.len() {
            return Err(ApplyError::WrongRollupCount);
        }
        let mut missing = None;
        self.bodies_needed(cut, bodies, |id| missing = missing.or(Some(*id)))?;
        if let Some(id) = missing {
            return Err(ApplyError::FactsMissing(id));
        }
        self.outcome.clear();
        let counts = self.counts_for_age(cut);
        self.raise_clocks(counts);
        self.apply_entries(cut, counts, bodies);
        self.height = cut.height;
        if counts {
            self.age.advance(cut.height);
        }
        self.agree_on_time();
        if counts {
            self.note_time();
        }
        self.update_graphs();
        self.waiting.clear();
        for number in 0..self.rollups.len() {
            self.form(number);
        }
        for number in 0..self.rollups.len() {
            self.release(number);
            self.release_by_median(number);
        }
        for (number, slot) in rollups.iter().enumerate() {
            self.drain(number, slot);
        }
        self.cursors
            .free(self.time, self.records.capacity() as usize);
        self.lapse();
        self.end_charges();
        self.note_end();
        Ok(())
    }

    fn apply_entries(&mut self, cut: &Cut<'_>, counts: bool, bodies: &impl Bodies) {
        for (log, extent) in cut.extents.iter().enumerate() {
            for entry in extent.entries {
                match entry.kind {
                    EntryKind::Stamp(stamp) => {
                        self.stamps[log] = stamp;
                        if let Some(median) = &mut self.median {
                            median.stamp(log, stamp);
                        }
                    }
                    EntryKind::Closed => self.note_closed(log, entry.base),
                    EntryKind::Id(id) => self.apply_id(cut, log, entry, id, counts, bodies),
                }
            }
        }
        let lost = self.outcome.lost.all_mut();
        let kept = merge_lost(lost);
        self.outcome.lost.truncate(kept);
    }

    fn apply_id(
        &mut self,
        cut: &Cut<'_>,
        log: usize,
        entry: &Entry,
        id: LoggedId,
        counts: bool,
        bodies: &impl Bodies,
    ) {
        let found = self.records.find(&id);
        if found.is_some_and(|number| self.records.get(number).heads & only(log) != 0) {
            return;
        }
        if let Some(reason) = self.void(entry.base, &id, counts) {
            self.outcome.lost.push(LostEntry {
                id,
                members: only(log),
                reason,
            });
            return;
        }
        let is_first_hand = found.is_none_or(|number| self.is_first_hand(number, entry.base));
        if is_first_hand && self.is_past_closing(entry.base) {
            self.outcome.lost.push(LostEntry {
                id,
                members: only(log),
                reason: LossReason::AfterClosing,
            });
            return;
        }
        let number = match found {
            Some(number) => number,
            None => {
                let rollup = self.rollup_number(id.rollup).unwrap_or(0);
                let Some(number) = self.records.add(id, rollup, cut.height) else {
                    debug_assert!(false, "each record is charged to somebody");
                    return;
                };
                number
            }
        };
        if is_first_hand {
            self.records.charge(number, log);
        }
        let age = self.age.now() + u64::from(counts);
        self.records.enter(number, log, age, cut.height);
        let threshold = self.parameters.threshold();
        let record = self.records.get_mut(number);
        if record.facts.is_none() && record.head_count() >= threshold {
            record.facts = bodies.facts(&id);
        }
        if let Some(median) = &mut self.median
            && record.place == Place::Outside
        {
            median.append(record.rollup as usize, log, &id);
        }
        if let Place::Graph { slot, vertex } = record.place {
            let line = &mut self.rollups[record.rollup as usize].line;
            let appended = line.in_slot_mut(slot as usize).append(log as u32, vertex);
            debug_assert!(appended.is_ok(), "logs and vertices were checked");
        }
    }

    /// The lower median of the logs' last stamps, unless that lies before the time that was agreed.
    fn agree_on_time(&mut self) {
        let logs = self.records.logs();
        let stamps = &mut self.form_scratch.stamps[..logs];
        stamps.copy_from_slice(&self.stamps[..logs]);
        stamps.sort_unstable();
        let median: UnixNs = stamps[(stamps.len() - 1) / 2];
        self.time = self.time.max(median);
    }

    /// Rule 10: draws the missing edges that the logs decide by now.
    fn update_graphs(&mut self) {
        for own in &mut self.rollups {
            for place in 0..own.line.len() {
                let Some(graph) = own.line.graph_mut(place) else {
                    continue;
                };
                let drawn_count = graph.update().unwrap_or(0);
                let missing_count = graph.missing_count();
                if drawn_count > 0 {
                    self.outcome.events.push(GraphEvent::Updated {
                        rollup: own.part.rollup,
                        place: place as u32,
                        drawn_count,
                        missing_count,
                    });
                }
            }
        }
    }

    /// Rule 8: entries outside graphs lapse, each A slots after the cut that covered it; rule 23:
    /// that an epoch carried an id over counts as long.
    fn lapse(&mut self) {
        let (now, height) = (self.age.now(), self.height);
        let span = u64::from(self.limits.log_age_slots_max);
        let void_count = self.outcome.lost.all().len();
        for number in 0..self.records.capacity() {
            let record = *self.records.get(number);
            if !record.is_live() || !record.is_outside() {
                continue;
            }
            let mut lapsed: Members = 0;
            let is_old = |log: usize| now - self.records.covered_age(number, log) >= span;
            if self.weakened.lapse_ids() {
                // The age of the id is that of its oldest entry.
                if members_of(record.heads).any(is_old) {
                    lapsed = record.heads;
                }
            } else {
                for log in members_of(record.heads).filter(|log| is_old(*log)) {
                    lapsed |= only(log);
                }
            }
            let mut is_gone = false;
            for log in members_of(lapsed) {
                is_gone = self.records.leave(number, log, now, height);
                self.lapse_by_median(number, log);
            }
            if record.carried.is_some_and(|age| now - age >= span) {
                is_gone = self.records.end_carrying(number, now, height);
            }
            if is_gone {
                self.outcome.lapsed.push(record.id);
                self.end_holding(number);
            }
            if lapsed != 0 {
                self.outcome.lost.push(LostEntry {
                    id: record.id,
                    members: lapsed,
                    reason: LossReason::Lapsed,
                });
            }
        }
        self.outcome.lapsed.all_mut().sort_unstable();
        self.outcome.lost.all_mut()[void_count..].sort_unstable_by_key(|lost| lost.id);
    }

    /// Rule 6: a charge ends once more than A slots have passed since the id's last entry lapsed;
    /// rule 9: so does the memory of what was drained.
    fn end_charges(&mut self) {
        let now = self.age.now();
        let span = u64::from(self.limits.log_age_slots_max);
        for number in 0..self.records.capacity() {
            let record = self.records.get(number);
            if record.charged != 0 && !record.is_live() && now - record.lapsed_age > span {
                self.records.remove(number);
            }
        }
        self.past.forget(now, span);
    }
}

/// Sorts void entries by id and joins those of one id and reason; returns how many are left.
fn merge_lost(lost: &mut [LostEntry]) -> usize {
    lost.sort_unstable_by_key(|lost| (lost.id, lost.reason, lost.members));
    let mut kept = 0;
    for at in 0..lost.len() {
        let next = lost[at];
        if kept > 0 && (lost[kept - 1].id, lost[kept - 1].reason) == (next.id, next.reason) {
            lost[kept - 1].members |= next.members;
        } else {
            lost[kept] = next;
            kept += 1;
        }
    }
    kept
}

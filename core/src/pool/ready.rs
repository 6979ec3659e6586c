//! What ordering sees while a slot is built.

use super::TransactionPool;
use super::ahead::TAKES_BETWEEN;
use super::line::LineMode;
use crate::bounded::Handle;
use crate::error::Code;
use crate::event::Ledger;
use crate::types::{Candidate, CandidateSource, RollupId, SelectionKey, SelectionRule, TradeHint};

/// What can be taken, best first, as long as one slot is built.
///
/// When it goes, what was put aside comes back.
#[derive(Debug)]
pub struct ReadyView<'a, R: SelectionRule> {
    pool: &'a mut TransactionPool,
    rule: &'a R,
    taken: &'a mut [Handle],
    taken_count: usize,
}

impl<'a, R: SelectionRule> ReadyView<'a, R> {
    pub(super) fn new(pool: &'a mut TransactionPool, rule: &'a R, taken: &'a mut [Handle]) -> Self {
        Self {
            pool,
            rule,
            taken,
            taken_count: 0,
        }
    }

    /// How many transactions were taken through this view.
    #[must_use]
    pub const fn taken_count(&self) -> usize {
        self.taken_count
    }

    /// Ends the rollup's best candidate as expired; false where there is no room to say so.
    pub fn expire_best(&mut self, rollup: RollupId, ledger: &mut Ledger<'_>) -> bool {
        let Some(index) = self.best_index(rollup).filter(|_| ledger.room() > 0) else {
            return false;
        };
        let Some(entry) = self.pool.entries.get(index).copied() else {
            return false;
        };
        self.pool.end(index, &entry, Code::Expired, ledger);
        true
    }

    /// The trade of the rollup's best candidate, where the pool keeps one.
    #[must_use]
    pub fn best_hint(&self, rollup: RollupId) -> Option<TradeHint> {
        self.pool.hints.get(self.best_index(rollup)?)
    }

    fn best_index(&self, rollup: RollupId) -> Option<u32> {
        self.pool
            .ready
            .peek(self.pool.heap_of(rollup)?)
            .map(|(_, index)| index)
    }
}

impl<R: SelectionRule> CandidateSource for ReadyView<'_, R> {
    fn best_key(&self, rollup: RollupId) -> Option<SelectionKey> {
        self.pool
            .ready
            .peek(self.pool.heap_of(rollup)?)
            .map(|(key, _)| key)
    }

    fn best(&self, rollup: RollupId) -> Option<Candidate> {
        let entry = self.pool.entries.get(self.best_index(rollup)?)?;
        self.pool.candidate(entry)
    }

    fn take_best(&mut self, rollup: RollupId) -> bool {
        let place_count = self.taken.len();
        let index = self.best_index(rollup);
        let (Some(index), Some(place)) = (index, self.taken.get_mut(self.taken_count)) else {
            return false;
        };
        let pool = &mut *self.pool;
        let (Some(handle), Some(entry)) =
            (pool.entries.handle(index), pool.entries.get(index).copied())
        else {
            return false;
        };
        *place = handle;
        // Who takes only a few is done sooner without.
        if place_count >= TAKES_BETWEEN && self.taken_count.is_multiple_of(TAKES_BETWEEN) {
            pool.heap_of(rollup)
                .into_iter()
                .for_each(|heap| pool.look_ahead_in_queue(heap));
        }
        self.taken_count = self.taken_count.saturating_add(1);
        pool.withdraw(index);
        pool.stop_waiting(index, &entry);
        if let Some(entry) = pool.entries.get_mut(index) {
            entry.is_taken = true;
        }
        pool.taken_count = pool.taken_count.saturating_add(1);
        let mode = pool.line_mode(rollup);
        let next = entry.nonce.saturating_add(1);
        if let Some(own) = pool.senders.get_mut(entry.sender) {
            own.taken_count = own.taken_count.saturating_add(1);
            if mode == LineMode::Sequential {
                own.next = next;
            }
        }
        // A line rises by nonce, so its next head can only be the one behind.
        let after = pool.entries.get(entry.after);
        if mode == LineMode::Sequential && after.is_some_and(|after| after.nonce == next) {
            pool.offer(entry.after, self.rule);
        }
        true
    }

    fn set_aside_best(&mut self, rollup: RollupId) -> bool {
        let index = self.best_index(rollup);
        let pool = &mut *self.pool;
        let (Some(index), Some(place)) = (index, pool.aside.get_mut(pool.aside_count)) else {
            return false;
        };
        *place = index;
        pool.aside_count = pool.aside_count.saturating_add(1);
        pool.withdraw(index);
        true
    }
}

impl<R: SelectionRule> Drop for ReadyView<'_, R> {
    fn drop(&mut self) {
        while let Some(last) = self.pool.aside_count.checked_sub(1) {
            self.pool.aside_count = last;
            if let Some(index) = self.pool.aside.get(last).copied() {
                self.pool.offer(index, self.rule);
            }
        }
    }
}

//! What ordering sees while a slot is built.

use super::{PooledTransaction, TransactionPool};
use crate::bounded::Handle;
use crate::types::{Candidate, CandidateSource, RollupId, SelectionKey, SelectionRule};

/// The heads of all lines, best first, as long as one slot is built.
///
/// When it goes, senders that were put aside come back.
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

    /// Removes the rollup's best candidate from the pool for good.
    pub fn remove_best(&mut self, rollup: RollupId) -> Option<PooledTransaction> {
        let index = self.best_index(rollup)?;
        let handle = self.pool.entries.handle(index)?;
        self.pool.remove(handle).ok()
    }

    fn best_index(&self, rollup: RollupId) -> Option<u32> {
        let (_, place) = self.pool.ready.peek(self.pool.heap_of(rollup)?)?;
        let next = self.pool.senders.get(place)?.next;
        self.pool.waiting_or_taken(place, next)
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
        let index = self.best_index(rollup);
        let (Some(index), Some(place)) = (index, self.taken.get_mut(self.taken_count)) else {
            return false;
        };
        let pool = &mut *self.pool;
        let (Some(handle), Some(entry)) = (pool.entries.handle(index), pool.entries.get_mut(index))
        else {
            return false;
        };
        *place = handle;
        self.taken_count = self.taken_count.saturating_add(1);
        entry.is_taken = true;
        let (own, nonce) = (entry.sender, entry.nonce);
        pool.taken_count = pool.taken_count.saturating_add(1);
        pool.withdraw_head(own);
        if let Some(sender) = pool.senders.get_mut(own) {
            sender.taken_count = sender.taken_count.saturating_add(1);
            sender.next = nonce.saturating_add(1);
        }
        pool.offer_head(own, self.rule);
        true
    }

    fn set_aside_best(&mut self, rollup: RollupId) -> bool {
        let pool = &mut *self.pool;
        let Some(heap) = pool.heap_of(rollup) else {
            return false;
        };
        let (Some((_, own)), Some(place)) =
            (pool.ready.peek(heap), pool.aside.get_mut(pool.aside_count))
        else {
            return false;
        };
        *place = own;
        pool.aside_count = pool.aside_count.saturating_add(1);
        pool.ready.remove(heap, own);
        true
    }
}

impl<R: SelectionRule> Drop for ReadyView<'_, R> {
    fn drop(&mut self) {
        while let Some(last) = self.pool.aside_count.checked_sub(1) {
            self.pool.aside_count = last;
            if let Some(place) = self.pool.aside.get(last).copied() {
                self.pool.offer_head(place, self.rule);
            }
        }
    }
}

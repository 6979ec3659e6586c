//! Forced inputs, when a decided slot of another member holds some of them.

use super::code_of;
use crate::error::Code;
use crate::event::Ledger;
use crate::limits::ROLLUP_COUNT_MAX;
use crate::pool::TransactionPool;
use crate::pool::adopt::{DecidedSet, DecidedTransaction};
use crate::types::InboxIndex;

impl TransactionPool {
    /// How many forced inputs end here with a slot: all up to the last of each rollup's that it
    /// holds.
    pub(in crate::pool) fn forced_ending_count(&self, set: &DecidedSet) -> usize {
        let mut last: [Option<InboxIndex>; ROLLUP_COUNT_MAX] = [None; ROLLUP_COUNT_MAX];
        for row in set.rows() {
            let heap = self.heap_of(row.rollup).map(|heap| heap as usize);
            let last = heap.and_then(|heap| last.get_mut(heap));
            if let (Some((index, _)), Some(last)) = (row.forced, last) {
                *last = (*last).max(Some(index));
            }
        }
        let ending = (0_u32..).zip(last).map(|(heap, last)| {
            let len = self.forced.queue(heap).len;
            let inputs = (0..len).filter_map(|at| self.forced.get(heap, at));
            inputs.take_while(|own| Some(own.index) <= last).count()
        });
        ending.fold(0, usize::saturating_add)
    }

    /// Takes the inputs of a rollup's inbox up to that of `row` out of their queue, and uses its
    /// index up. Returns how the input ends, if it was here.
    ///
    /// What the slot passed over, or what the inbox here holds in its stead, ends as evicted: no
    /// slot can hold it any more. Nothing is done for a transaction that was not forced in.
    pub(in crate::pool) fn pop_decided_input(
        &mut self,
        row: &DecidedTransaction,
        ledger: &mut Ledger<'_>,
    ) -> Option<Code> {
        let (index, outcome) = row.forced?;
        let heap = self.heap_of(row.rollup)?;
        let mut was_held = false;
        while let Some(head) = self.forced.get(heap, 0).copied() {
            if head.index > index {
                break;
            }
            self.forced.pop(heap)?;
            was_held = (head.index, head.id) == (index, row.id);
            if !was_held {
                ledger.end(Code::Evicted, head.id, row.rollup);
            }
            self.unpin_sender(head.sender);
        }
        let queue = self.forced.queues.get_mut(heap as usize)?;
        queue.next_index = queue.next_index.max(index.saturating_add(1));
        was_held.then_some(code_of(outcome))
    }
}

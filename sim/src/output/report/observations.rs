//! What a report needs of the slots, noted while they pass.

use hauptbuch_core::batch::SubBatch;
use hauptbuch_core::types::Tick;

/// The slots of a run, and the fees in them.
#[derive(Debug, Default)]
pub(in crate::output) struct Observations {
    /// When each slot was taken, and how many transactions it holds.
    pub(super) slots: Vec<(Tick, u32)>,
    /// Where in its sub-batch a transaction stands, from 0 (first) to 1,000 (last), and its fee.
    ///
    /// A transaction alone in its sub-batch has no place, and is left out.
    pub(super) fees_by_place: Vec<(u16, u64)>,
}

impl Observations {
    pub(in crate::output) fn begin_slot(&mut self, tick: Tick, transaction_count: u32) {
        self.slots.push((tick, transaction_count));
    }

    pub(in crate::output) fn add_sub_batch(&mut self, sub_batch: &SubBatch<'_>) {
        let last = sub_batch.header.counts.pool.saturating_sub(1);
        if last == 0 {
            return;
        }
        for (position, (_, transaction, _)) in (0_u64..).zip(sub_batch.iter()) {
            let place = position * 1_000 / u64::from(last);
            self.fees_by_place
                .push((place as u16, transaction.envelope.fee.get()));
        }
    }
}

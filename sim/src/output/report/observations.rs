//! What a report needs of the slots, noted while they pass.

use hauptbuch_core::batch::SubBatch;
use hauptbuch_core::types::Tick;

/// The slots of a run, and the fees in them.
#[derive(Debug, Default)]
pub(in crate::output) struct Observations {
    /// When each slot was taken, and how many transactions it holds.
    pub(super) slots: Vec<(Tick, u32)>,
    /// A transaction alone in its sub-batch has no place, and is left out.
    pub(super) fees_by_place: Vec<FeeByPlace>,
}

/// A transaction's place and fee beside the others of its sub-batch.
#[derive(Clone, Copy, Debug)]
pub(super) struct FeeByPlace {
    /// From 0 (first) to 1,000 (last).
    pub(super) place: u16,
    /// Its fee in thousandths of the sub-batch's median.
    pub(super) fee_per_mille: u64,
}

impl Observations {
    pub(in crate::output) fn begin_slot(&mut self, tick: Tick, transaction_count: u32) {
        self.slots.push((tick, transaction_count));
    }

    pub(in crate::output) fn add_sub_batch(&mut self, sub_batch: &SubBatch<'_>) {
        let fees = || sub_batch.iter().map(|(_, it, _)| it.envelope.fee.get());
        let mut sorted: Vec<u64> = fees().collect();
        let last = sorted.len().saturating_sub(1) as u64;
        if last == 0 {
            return;
        }
        let middle = sorted.len() / 2;
        let median = *sorted.select_nth_unstable(middle).1;
        for (position, fee) in (0_u64..).zip(fees()) {
            // Where most pay nothing, whoever pays something pays more than any multiple.
            let multiple = (u128::from(fee) * 1_000).checked_div(u128::from(median));
            let multiple = multiple.unwrap_or(if fee == 0 { 1_000 } else { u128::MAX });
            self.fees_by_place.push(FeeByPlace {
                place: (position * 1_000 / last) as u16,
                fee_per_mille: u64::try_from(multiple).unwrap_or(u64::MAX),
            });
        }
    }
}

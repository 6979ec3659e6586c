//! Puts transactions in order: which go into a slot, and in which order they stand there.
//!
//! # Rules
//! 1. Each policy gives a candidate a [`SelectionKey`] that depends on the candidate alone. No two
//!    keys are equal, because each ends in the arrival index.
//! 2. Only the head of each sender's line is a candidate. The engine takes the smallest key over
//!    all rollups, again and again, until the slot is full.
//! 3. A candidate that does not fit what is left of the slot ends the slot, so that nobody passes
//!    it; under [`Policy::PriorityFee`] its sender is put aside for this slot instead, up to
//!    `set_aside_count_max` senders.
//! 4. A candidate whose expiry is not after the slot's time is dropped. One that expires beyond the
//!    horizon, as seen from a slot that was open before it came, counts as one that does not fit.
//! 5. Under [`Policy::Shuffle`] and [`Policy::Greedy`] rules 1 to 4 fix a set, first come, first
//!    served. [`shuffle`] and [`greedy`] then say how it is ordered.
//! 6. A slot can come in slices. Rules 1 to 4 hold within each, and what a slice holds stands
//!    before all that later ones hold. The policies of rule 5 order whole slots.
//!
//! | policy | key | a slot can come in slices |
//! |---|---|---|
//! | [`Policy::Fcfs`] | (0, 0, arrival index) | yes |
//! | [`Policy::PriorityFee`] | (0, 2^64-1 - fee, arrival index) | yes |
//! | [`Policy::TimeBucket`] | (⌊arrival tick / width⌋, 2^64-1 - fee, arrival index) | yes |
//! | [`Policy::Shuffle`], [`Policy::Greedy`] | (0, 0, arrival index), then ordered | no |
//!
//! # The verifier's twin
//! Within one slice of a rollup rules 1 and 2 mean: each transaction's key is smaller than the key
//! of every one after it that was a candidate too, which is from the place of its sender's
//! predecessor on, or from the start of the slice. [`OrderVerifier`] checks exactly that, from the
//! slot's bytes alone, in O(n log n). [`shuffle::ShuffleVerifier`] checks rising keys, and the twin
//! of the greedy rule is [`greedy::GreedyArranger`] itself.
//!
//! # Order fairness
//! [`fair`] makes an order of what the members of a committee received, and checks it;
//! [`fair::stream`] does so slot after slot, in fixed memory. [`median`] makes a simpler one, of
//! the members' clocks.
//!
//! # What it does not promise
//! Under [`Policy::PriorityFee`] a slot need not be full. More than `set_aside_count_max` senders
//! whose next transactions pay most and do not fit end the search: with the default limits, 257
//! transactions as large as a slot behind one small one leave a slot with that one alone, for its
//! price, for as long as new small ones come. An index by size would find what fits behind them,
//! but even one byte a transaction for it is more than the 320 bytes leave. A quota of gas for an
//! origin is what holds it back.
//!
//! With one sequencer the arrival index and the clock are that sequencer's word: the twin shows
//! that the order is the one of the record, not that the record is true. So a bucket promises that
//! who pays more within `width_ns` goes first, as far as the recorded ticks are honest; whoever
//! writes them can move a transaction over an edge.

mod engine;
pub mod fair;
pub mod greedy;
pub mod median;
mod rooms;
mod setup;
pub mod shuffle;
mod verify;

pub use engine::{OrderingEngine, SelectionHooks, SlotRoom, SlotUse};
pub use rooms::SegmentRooms;
pub use setup::{FairSetup, RollupSlots, check_logs};
pub use verify::{OrderVerifier, OrderViolation};

use crate::config::Policy;
use crate::types::{Candidate, SelectionKey, SelectionRule};

impl SelectionRule for Policy {
    fn key(&self, candidate: &Candidate) -> SelectionKey {
        let index = candidate.arrival.index;
        let fee = !candidate.envelope.fee.get();
        match self {
            Self::Fcfs | Self::Shuffle | Self::Greedy | Self::Fair(_) | Self::Median(_) => {
                SelectionKey([0, 0, index])
            }
            Self::PriorityFee => SelectionKey([0, fee, index]),
            Self::TimeBucket { width_ns } => {
                // A width of 0 is refused with the configuration.
                let bucket = candidate.arrival.tick.get().checked_div(*width_ns);
                SelectionKey([bucket.unwrap_or(0), fee, index])
            }
        }
    }
}

#[cfg(test)]
mod tests;

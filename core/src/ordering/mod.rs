//! Puts transactions in order: which go into a slot, and in which order they stand there.
//!
//! # Rules
//! 1. Each policy gives a candidate a [`SelectionKey`] that depends on the candidate alone. No two
//!    keys are equal, because each ends in the arrival index.
//! 2. Only the head of each sender's line is a candidate. The engine takes the smallest key over
//!    all rollups, again and again, until the slot is full.
//! 3. A candidate that does not fit what is left of the slot ends the slot under
//!    [`Policy::Fcfs`], so that nobody passes it; under [`Policy::PriorityFee`] its sender is put
//!    aside for this slot, up to `set_aside_count_max` senders.
//! 4. A candidate whose expiry is not after the slot's time is dropped.
//!
//! # The verifier's twin
//! Within one rollup rules 1 and 2 mean: each transaction's key is smaller than the key of every
//! one after it that was a candidate too, which is from the place of its sender's predecessor on.
//! [`OrderVerifier`] checks exactly that, from the slot's bytes alone, in O(n log n).
//!
//! # Order fairness
//! [`fair`] makes an order of what the members of a committee received, and checks it.
//!
//! # What it does not promise
//! With one sequencer the arrival index and the clock are that sequencer's word: the twin of
//! [`Policy::Fcfs`] shows that the order is the recorded one, not that the record is true.

mod engine;
pub mod fair;
mod verify;

pub use engine::{OrderingEngine, SlotRoom, SlotUse};
pub use verify::{OrderVerifier, OrderViolation};

use crate::config::Policy;
use crate::types::{Candidate, SelectionKey, SelectionRule};

impl SelectionRule for Policy {
    fn key(&self, candidate: &Candidate) -> SelectionKey {
        let index = candidate.arrival.index;
        match self {
            Self::Fcfs => SelectionKey([0, index]),
            Self::PriorityFee => SelectionKey([!candidate.envelope.fee.get(), index]),
        }
    }
}

#[cfg(test)]
mod tests;

//! What ordering sees of the pool: candidates, one at a time, best first.

use super::{Envelope, RollupId, Tick, TxId};

/// When a transaction reached this sequencer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Arrival {
    /// Its running number in the order of admission; no two transactions share one.
    pub index: u64,
    /// The local clock at admission. It never goes back as `index` grows.
    pub tick: Tick,
}

/// A transaction that could be next: all that a policy may base its decision on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Which transaction it is.
    pub id: TxId,
    /// Its numbers.
    pub envelope: Envelope,
    /// When it arrived.
    pub arrival: Arrival,
    /// The length of its canonical bytes.
    pub encoded_len: u32,
}

/// A place in a policy's order: the smaller key goes first.
///
/// Keys of two transactions are never equal, because the last word is the arrival index.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct SelectionKey(pub [u64; 3]);

/// Ranks candidates; the pool keeps its ready senders in the order that this gives.
pub trait SelectionRule {
    /// The candidate's place. A pure function of the candidate.
    fn key(&self, candidate: &Candidate) -> SelectionKey;
}

/// A view of what is ready, rollup by rollup.
///
/// Only the head of each sender's line is ever offered, so whoever takes from here keeps every
/// sender's nonces in order whatever else it does.
pub trait CandidateSource {
    /// The key of the rollup's best candidate, or nothing if it has none left.
    fn best_key(&self, rollup: RollupId) -> Option<SelectionKey>;
    /// The rollup's best candidate.
    fn best(&self, rollup: RollupId) -> Option<Candidate>;
    /// Takes the rollup's best candidate; the next of its sender, if there, becomes ready.
    fn take_best(&mut self, rollup: RollupId) -> bool;
    /// Puts the sender of the rollup's best candidate aside until this slot is built.
    ///
    /// False if no more senders can be put aside.
    fn set_aside_best(&mut self, rollup: RollupId) -> bool;
}

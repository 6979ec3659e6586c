//! Slots: what a network decides, as bytes that verify alone.
//!
//! A slot holds one sub-batch for every configured rollup, in the order of their numbers. A
//! sub-batch holds its transactions in their order, and the evidence that the policy's verifier
//! needs beside them. Every header names the hash of the one before it, so a slot's hash stands
//! for all that was ever decided. The layouts are drawn in `docs/formats.md`.
//!
//! - [`SlotBuilder`] writes a slot from what the pool gave.
//! - [`SlotReader`] takes a slot apart without trusting it.
//! - [`SlotVerifier`] follows a chain of slots with nothing but the configuration, and says of each
//!   whether it keeps every rule that its bytes and the slots before it can show.
//!
//! Cost of building and of verifying: one hash over each transaction, a third of a permutation for
//! its place in the Merkle tree, and an eighth for its evidence.

mod build;
mod chain;
mod header;
mod read;
#[cfg(test)]
mod tests;
mod verify;

pub use build::{BuildError, BuiltSlot, SlotBuilder};
pub use chain::{ChainTip, RollupTip};
pub use header::{SegmentCounts, SlotHeader, SubBatchHeader};
pub use read::{SlotReader, SubBatch};
pub use verify::{SlotVerifier, VerifiedSlot, VerifyError};

use crate::limits::{Limits, ROLLUP_COUNT_MAX};

/// Bytes of evidence beside each transaction of the pool segment: its arrival index and tick.
pub const EVIDENCE_LEN: usize = 16;

/// The most bytes that a slot can have under these limits.
#[must_use]
pub const fn slot_encoded_len_max(limits: &Limits) -> u64 {
    let headers = SlotHeader::LEN + ROLLUP_COUNT_MAX * SubBatchHeader::LEN;
    let evidence = (limits.slot_count_max as u64).saturating_mul(EVIDENCE_LEN as u64);
    (headers as u64)
        .saturating_add(limits.slot_bytes_max as u64)
        .saturating_add(evidence)
}

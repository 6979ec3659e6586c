//! Slots: what a network decides, as bytes that verify alone.
//!
//! A slot holds the changes to the membership that it decides, and one sub-batch for every
//! configured rollup, in the order of their numbers. A sub-batch holds its transactions in their
//! order, perhaps in slices that were promised one by one, and the evidence that the policy's
//! verifier needs beside them. Every header names the hash of the one before it, so a slot's hash
//! stands for all that was ever decided. The layouts are drawn in `docs/formats.md`.
//!
//! - [`SlotBuilder`] writes a slot from what the pool gave.
//! - [`SlotReader`] takes a slot apart without trusting it.
//! - [`FairVerifier`] does the same where receive logs give the order, beside the logs.
//! - [`SlotVerifier`] follows a chain of slots with nothing but the configuration, and says of each
//!   whether it keeps every rule that its bytes and the slots before it can show.
//!
//! Cost of building and of verifying: one hash over each transaction, a third of a permutation for
//! its place in the Merkle tree, and an eighth for its evidence.

mod audit;
mod build;
mod chain;
mod context;
mod decided;
mod evidence;
mod fair;
mod header;
mod logged;
mod order;
mod read;
mod receipt;
mod segments;
#[cfg(test)]
mod tests;
mod verify;

pub use audit::{ForcedAudit, InboxView};
pub use build::{BuildError, BuiltSlot, SlotBuilder, SlotPlan};
pub use chain::{ChainTip, RollupTip};
pub use context::{ContextError, SlotContext, StateParts};
pub(crate) use decided::follow;
pub use evidence::{ARRIVAL_LEN, Evidence, POOL_LEN, SLICE_END_LEN, TRADE_LEN};
pub use fair::FairVerifier;
pub use header::{SegmentCounts, SlotHeader, SubBatchHeader};
pub(crate) use logged::DrainedBytes;
pub use logged::{CUT_LEN_MAX, NO_OP_LEN, NoOpRow};
pub use read::{SlotReader, SubBatch};
pub use receipt::SliceReceipt;
pub use segments::{FORCED_LEN, ForcedRow, LEG_LEN, LegRow};
pub use verify::{SlotVerifier, VerifiedSlot, VerifyError};

use crate::limits::{CHANGES_BYTES_MAX, Limits, ROLLUP_COUNT_MAX, SLICE_COUNT_MAX};

/// The most bytes that a slot can have under these limits, whatever its policy.
#[must_use]
pub const fn slot_encoded_len_max(limits: &Limits) -> u64 {
    // Slices, greedy trades, and cuts never meet, but the sum is simple and not far off. A no-op
    // takes a place of the slot and less than the evidence of a trade.
    const { assert!(NO_OP_LEN <= ARRIVAL_LEN + TRADE_LEN + POOL_LEN) };
    const SUB_BATCH: usize = SubBatchHeader::LEN + SLICE_COUNT_MAX * SLICE_END_LEN + 4;
    const HEAD: usize = SlotHeader::LEN + CHANGES_BYTES_MAX as usize;
    const FIXED: usize = HEAD + CUT_LEN_MAX + ROLLUP_COUNT_MAX * SUB_BATCH;
    const EACH: usize = ARRIVAL_LEN + TRADE_LEN + POOL_LEN;
    let evidence = (limits.slot_count_max as u64).saturating_mul(EACH as u64);
    (FIXED as u64)
        .saturating_add(limits.slot_bytes_max as u64)
        .saturating_add(evidence)
}

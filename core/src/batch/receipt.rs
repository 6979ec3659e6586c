//! What a sequencer promises when it adds a slice to a slot that is still open.

use super::chain::{RunningStep, running_step};
use crate::config::Policy;
use crate::types::{Epoch, Hash, Height, RollupId};

/// A preconfirmation: what one slice holds of one rollup, and in which order.
///
/// It binds, through the running hash, everything that was promised for the rollup before it, and
/// of itself rollup, policy, epoch, height, the number of the slice, how many transactions it
/// holds, which ones, and their order. Whoever holds two receipts of the same rollup, height and
/// slice with different running hashes holds proof of a broken promise, once receipts are signed;
/// these are not.
///
/// It does not bind the agreed time of the slot, nor what later slices hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SliceReceipt {
    /// Whose transactions.
    pub rollup: RollupId,
    /// How they are ordered.
    pub policy: Policy,
    /// The epoch of the slot.
    pub epoch: Epoch,
    /// The number of the slot that will hold them.
    pub height: Height,
    /// The number of the slice in the slot, from 0.
    pub slice: u16,
    /// The position of its first transaction in the rollup's sub-batch.
    pub first_position: u32,
    /// How many transactions of the rollup it holds.
    pub transaction_count: u32,
    /// The Merkle root over their ids; binds their number too.
    pub transaction_root: Hash,
    /// The rollup's running hash behind it.
    pub running_hash: Hash,
}

impl SliceReceipt {
    /// Whether it continues the rollup's running hash `before`: that of the receipt before it, or
    /// of the sub-batch before its slot. Cost: one permutation.
    #[must_use]
    pub fn follows(&self, before: Hash) -> bool {
        let expected = running_step(RunningStep {
            before,
            rollup: self.rollup,
            policy: self.policy,
            epoch: self.epoch,
            height: self.height,
            slice: self.slice,
            transaction_root: self.transaction_root,
        });
        expected == self.running_hash
    }
}

//! Where a chain of slots stands.

use super::{SlotHeader, SubBatchHeader};
use crate::config::{Config, Policy, RollupConfig};
use crate::crypto::hash::{Domain, hash_parts};
use crate::limits::{Limits, ROLLUP_COUNT_MAX};
use crate::types::{Epoch, Hash, Height, RollupId, Round, UnixNs};

/// Where one rollup's chain of sub-batches stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RollupTip {
    /// Whose chain.
    pub rollup: RollupId,
    /// The hash of the last sub-batch's header, or of the genesis.
    pub sub_batch: Hash,
    /// The running hash of the last sub-batch, or of the genesis.
    pub running_hash: Hash,
}

/// Where a chain of slots stands: all that the next slot follows from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainTip {
    /// The last slot's number; [`Height::ZERO`] before the first.
    pub height: Height,
    /// The epoch of the next slot.
    pub epoch: Epoch,
    /// The last slot's hash, or the genesis hash.
    pub hash: Hash,
    /// The last slot's agreed time; zero before the first.
    pub time: UnixNs,
    /// The rollups' chains, in the order of their numbers.
    pub rollups: heapless::Vec<RollupTip, ROLLUP_COUNT_MAX>,
}

impl ChainTip {
    /// Where a network starts.
    #[must_use]
    pub fn genesis(config: &Config, limits: &Limits) -> Self {
        let genesis = config.genesis_hash(limits);
        let tip_of = |rollup: &RollupConfig| RollupTip {
            rollup: rollup.id,
            sub_batch: genesis,
            running_hash: genesis,
        };
        Self {
            height: Height::ZERO,
            epoch: Epoch::ZERO,
            hash: genesis,
            time: UnixNs::ZERO,
            rollups: config.rollups.iter().map(tip_of).collect(),
        }
    }

    /// Moves on to `slot`, whose sub-batches were all handed to [`RollupTip::advance`].
    pub(super) fn advance(&mut self, slot: &SlotHeader) {
        self.height = slot.height;
        self.epoch = slot.epoch_after();
        self.hash = slot.hash();
        self.time = slot.time;
    }
}

impl RollupTip {
    /// Moves on to `sub_batch`, and returns its hash.
    pub(super) fn advance(&mut self, sub_batch: &SubBatchHeader) -> Hash {
        self.sub_batch = sub_batch.hash();
        self.running_hash = sub_batch.running_hash;
        self.sub_batch
    }

    /// Moves the running hash on by one slice with this root over its transactions.
    ///
    /// One step a slice rather than one a transaction: the root binds every transaction and its
    /// position, and the step stays a single permutation.
    pub(super) fn promise(
        &mut self,
        policy: Policy,
        epoch: Epoch,
        height: Height,
        slice: u16,
        transaction_root: Hash,
    ) {
        self.running_hash = running_step(RunningStep {
            before: self.running_hash,
            rollup: self.rollup,
            policy,
            epoch,
            height,
            slice,
            transaction_root,
        });
    }
}

/// What one step of a running hash binds.
#[derive(Clone, Copy, Debug)]
pub(super) struct RunningStep {
    pub before: Hash,
    pub rollup: RollupId,
    pub policy: Policy,
    pub epoch: Epoch,
    pub height: Height,
    pub slice: u16,
    pub transaction_root: Hash,
}

/// The running hash after a step.
pub(super) fn running_step(step: RunningStep) -> Hash {
    // A slot is the same in whichever round it is proposed, so that it can be proposed again; what
    // is promised for one round names it beside this hash.
    let round = Round::ZERO;
    hash_parts(
        Domain::RUNNING_HASH,
        &[
            step.before.as_bytes(),
            &step.rollup.get().to_le_bytes(),
            &[step.policy.byte()],
            &step.epoch.get().to_le_bytes(),
            &step.height.get().to_le_bytes(),
            &round.get().to_le_bytes(),
            &step.slice.to_le_bytes(),
            step.transaction_root.as_bytes(),
        ],
    )
}

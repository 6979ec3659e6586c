//! What a sequencer promises when it adds a slice to a slot that is still open.

use super::SubBatch;
use super::chain::{RunningStep, running_step};
use super::segments::BUNDLES_STEP;
use crate::config::Policy;
use crate::crypto::hash::{Domain, hash, transaction_id};
use crate::crypto::merkle::Folding;
use crate::types::{Epoch, Hash, Height, RollupId, TxId};

/// A preconfirmation: what one slice holds of one rollup, and in which order.
///
/// It binds, through the running hash, everything that was promised for the rollup before it, and
/// of itself rollup, policy, epoch, height, the number of the slice, how many transactions it
/// holds, which ones, and their order. Whoever holds two receipts of the same rollup, height and
/// slice with different running hashes holds proof of a broken promise, where they are signed: see
/// [`receipt`](crate::receipt).
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

impl SubBatch<'_> {
    /// Whether its transactions and its evidence are those that its header binds. Cost: a hash over
    /// each transaction; no memory beside the stack.
    #[must_use]
    pub fn is_bound(&self) -> bool {
        let mut folding = Folding::default();
        for (canonical, _) in self.all() {
            folding.push(hash(Domain::TRANSACTION, canonical));
        }
        folding.finish() == self.header.transaction_root
            && hash(Domain::EVIDENCE, self.evidence.bytes) == self.header.evidence_root
    }

    /// The transaction at this position, counted from the first of all segments.
    #[must_use]
    pub fn id_at(&self, position: u32) -> Option<TxId> {
        let (canonical, _) = self.all().nth(position as usize)?;
        Some(transaction_id(canonical))
    }

    /// Whether what follows `running_hash`, promised for the slice of this number in this epoch,
    /// leads to the header's: the slices behind it, and the legs of bundles. Only for a sub-batch
    /// that [is bound](Self::is_bound). Cost: a hash over each transaction behind the slice.
    #[must_use]
    pub fn continues(&self, epoch: Epoch, slice: u16, running_hash: Hash) -> bool {
        let step = |before, slice, transaction_root| {
            running_step(RunningStep {
                before,
                rollup: self.header.rollup,
                policy: self.header.policy,
                epoch,
                height: self.header.height,
                slice,
                transaction_root,
            })
        };
        let id = |canonical| hash(Domain::TRANSACTION, canonical);
        let ends = || self.evidence.slice_ends();
        let Some(promised_end) = ends().nth(usize::from(slice)) else {
            return false;
        };
        let mut running = running_hash;
        let mut start = promised_end;
        let mut ids = self.iter().skip(start as usize);
        let behind = (0_u16..)
            .zip(ends())
            .skip(usize::from(slice).saturating_add(1));
        for (number, end) in behind {
            let mut folding = Folding::default();
            for (canonical, ..) in ids.by_ref().take(end.saturating_sub(start) as usize) {
                folding.push(id(canonical));
            }
            running = step(running, number, folding.finish());
            start = end;
        }
        let mut legs = Folding::default();
        self.legs()
            .for_each(|(canonical, _)| legs.push(id(canonical)));
        if !legs.is_empty() {
            running = step(running, BUNDLES_STEP, legs.finish());
        }
        running == self.header.running_hash
    }
}

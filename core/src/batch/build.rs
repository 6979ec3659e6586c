//! Writes a slot from what the pool gave.

use alloc::boxed::Box;
use core::ops::Range;

use super::evidence::{EvidenceRow, RecordedTrade, encode_pool};
use super::{ChainTip, RollupTip, SegmentCounts, SliceReceipt, SlotHeader, SubBatchHeader};
use crate::bounded::{Handle, fixed_slice, fixed_slice_bytes};
use crate::codec::{EncodeError, Writer};
use crate::config::Policy;
use crate::crypto::hash::{Domain, hash};
use crate::crypto::merkle;
use crate::error::operation_error;
use crate::limits::{Limits, ROLLUP_COUNT_MAX};
use crate::ordering::shuffle::SetRoot;
use crate::pool::{PooledTransaction, TransactionPool};
use crate::types::{Hash, PoolReserves, RollupId, UnixNs};

operation_error! {
    /// Why a slot can't be built.
    BuildError { BufferTooSmall, StaleHandle }
}

impl From<EncodeError> for BuildError {
    fn from(_: EncodeError) -> Self {
        Self::BufferTooSmall
    }
}

/// A slot that was written, and where the chain stands after it.
#[derive(Clone, Debug)]
pub struct BuiltSlot {
    /// Its header.
    pub header: SlotHeader,
    /// How many bytes it has.
    pub len: usize,
    /// Where the chain stands after it.
    pub tip: ChainTip,
}

/// Writes slots. Its memory is what one slot needs beside its bytes.
///
/// Memory: 33 bytes for each transaction of a slot.
#[derive(Debug)]
pub struct SlotBuilder {
    policy: Policy,
    /// The ids of the sub-batch that is being written; folded into its root.
    leaves: Box<[Hash]>,
    /// For each transaction the place of its rollup.
    rollups: Box<[u8]>,
}

impl SlotBuilder {
    /// Makes a builder.
    #[must_use]
    pub fn new(policy: Policy, limits: &Limits) -> Self {
        let count = limits.slot_count_max as usize;
        Self {
            policy,
            leaves: fixed_slice(count, Hash::ZERO),
            rollups: fixed_slice(count, 0),
        }
    }

    /// The bytes that [`SlotBuilder::new`] takes.
    #[must_use]
    pub const fn footprint_bytes(limits: &Limits) -> u64 {
        let count = limits.slot_count_max as usize;
        fixed_slice_bytes::<Hash>(count).saturating_add(fixed_slice_bytes::<u8>(count))
    }

    /// Writes the slot that `plan` says.
    ///
    /// # Errors
    /// [`BuildError::BufferTooSmall`] where the slot is longer than `out`, which can't be where it
    /// keeps the limits and `out` has [`slot_encoded_len_max`](super::slot_encoded_len_max) bytes,
    /// or where the plan has more handles than a slot can hold. [`BuildError::StaleHandle`] where
    /// one of them stands for nothing, for a transaction of a rollup that its tip does not know, or
    /// where a trade is with none of the pools. What `out` holds then is not to be used.
    pub fn build(&mut self, plan: &SlotPlan<'_>, out: &mut [u8]) -> Result<BuiltSlot, BuildError> {
        self.sort_by_rollup(plan.pool, plan.taken, plan.tip)?;
        let mut tip = plan.tip.clone();
        let mut header = SlotHeader {
            height: tip.height.next(),
            epoch: tip.epoch,
            parent: tip.hash,
            time: plan.time.max(tip.time),
            sub_batch_count: tip.rollups.len() as u16,
            slice_count: plan.slice_ends.len().max(1) as u16,
            sub_batch_root: Hash::ZERO,
        };
        let (header_bytes, body) = out
            .split_at_mut_checked(SlotHeader::LEN)
            .ok_or(BuildError::BufferTooSmall)?;
        let mut body = Writer::new(body);
        let mut hashes = [Hash::ZERO; ROLLUP_COUNT_MAX];
        for (place, hash) in (0..tip.rollups.len()).zip(&mut hashes) {
            let own = tip.rollups.get_mut(place).ok_or(BuildError::StaleHandle)?;
            *hash = self.write_sub_batch(plan, own, place, header, &mut body)?;
        }
        let hashes = hashes.get_mut(..tip.rollups.len()).unwrap_or_default();
        header.sub_batch_root = merkle::root(hashes);
        header.encode(&mut Writer::new(header_bytes))?;
        tip.advance(&header);
        Ok(BuiltSlot {
            header,
            len: SlotHeader::LEN.saturating_add(body.len()),
            tip,
        })
    }

    /// Says what one slice more promises, and moves the running hashes of `promised` on.
    ///
    /// `taken` are the transactions of the slice; `first_positions` how many each rollup has in
    /// the slices before it, and with it afterwards.
    ///
    /// # Errors
    /// As [`SlotBuilder::build`].
    pub fn promise(
        &mut self,
        pool: &TransactionPool,
        taken: &[Handle],
        slice: u16,
        promised: &mut ChainTip,
        first_positions: &mut [u32; ROLLUP_COUNT_MAX],
    ) -> Result<heapless::Vec<SliceReceipt, ROLLUP_COUNT_MAX>, BuildError> {
        self.sort_by_rollup(pool, taken, promised)?;
        let (epoch, height) = (promised.epoch, promised.height.next());
        let mut receipts = heapless::Vec::new();
        let rollups = promised.rollups.iter_mut().zip(first_positions);
        for (place, (own, first_position)) in rollups.enumerate() {
            let count = self.gather_leaves(pool, taken, 0..taken.len(), place);
            let root = merkle::root(self.leaves.get_mut(..count).unwrap_or_default());
            own.promise(self.policy, epoch, height, slice, root);
            let receipt = SliceReceipt {
                rollup: own.rollup,
                policy: self.policy,
                epoch,
                height,
                slice,
                first_position: *first_position,
                transaction_count: count as u32,
                transaction_root: root,
                running_hash: own.running_hash,
            };
            *first_position = first_position.saturating_add(count as u32);
            receipts
                .push(receipt)
                .map_err(|_| BuildError::BufferTooSmall)?;
        }
        Ok(receipts)
    }

    /// Binds the set of a slot's transactions, whatever their order.
    ///
    /// # Errors
    /// As [`SlotBuilder::build`].
    pub fn set_root(
        &mut self,
        pool: &TransactionPool,
        taken: &[Handle],
        tip: &ChainTip,
        time: UnixNs,
    ) -> Result<Hash, BuildError> {
        self.sort_by_rollup(pool, taken, tip)?;
        let mut root = SetRoot::new(&tip.hash, tip.height.next(), time);
        for (place, own) in tip.rollups.iter().enumerate() {
            let count = self.gather_leaves(pool, taken, 0..taken.len(), place);
            root.add(own.rollup, self.leaves.get_mut(..count).unwrap_or_default());
        }
        Ok(root.finish())
    }

    /// Notes the place of each transaction's rollup, so that the pool is asked only once for it.
    fn sort_by_rollup(
        &mut self,
        pool: &TransactionPool,
        taken: &[Handle],
        tip: &ChainTip,
    ) -> Result<(), BuildError> {
        let places = self
            .rollups
            .get_mut(..taken.len())
            .ok_or(BuildError::BufferTooSmall)?;
        for (handle, place) in taken.iter().zip(places) {
            let transaction = pool.get(*handle).ok_or(BuildError::StaleHandle)?;
            let rollup = transaction.candidate.envelope.rollup;
            let own = tip.rollups.iter().position(|own| own.rollup == rollup);
            *place = own.ok_or(BuildError::StaleHandle)? as u8;
        }
        Ok(())
    }

    /// Puts the ids of one rollup's transactions among `taken[range]` into `leaves`, and returns
    /// how many there are.
    fn gather_leaves(
        &mut self,
        pool: &TransactionPool,
        taken: &[Handle],
        range: Range<usize>,
        place: usize,
    ) -> usize {
        let mut count = 0_usize;
        let own = own(pool, taken, &self.rollups, range, place);
        for ((_, transaction), leaf) in own.zip(self.leaves.iter_mut()) {
            *leaf = Hash::new(*transaction.candidate.id.as_bytes());
            count = count.saturating_add(1);
        }
        count
    }

    /// Writes one rollup's sub-batch, moves its chain on, and returns the sub-batch's hash.
    fn write_sub_batch(
        &mut self,
        plan: &SlotPlan<'_>,
        tip: &mut RollupTip,
        place: usize,
        slot: SlotHeader,
        out: &mut Writer<'_>,
    ) -> Result<Hash, BuildError> {
        let header_start = out.len();
        out.reserve(SubBatchHeader::LEN)?;
        let (mut count, mut bytes, mut gas) = (0_u32, 0_u64, 0_u64);
        for (_, transaction) in plan.own(&self.rollups, place) {
            write_transaction(plan.pool, &transaction, out)?;
            count = count.saturating_add(1);
            bytes = bytes.saturating_add(u64::from(transaction.candidate.encoded_len));
            gas = gas.saturating_add(transaction.candidate.envelope.gas.get());
        }
        let evidence_start = out.len();
        self.write_evidence(plan, place, tip.rollup, out)?;
        let evidence = out.written().get(evidence_start..).unwrap_or_default();
        let evidence_root = hash(Domain::EVIDENCE, evidence);
        let mut running = *tip;
        let mut slice_root = Hash::ZERO;
        for (slice, range) in (0..).zip(plan.slices()) {
            let own_count = self.gather_leaves(plan.pool, plan.taken, range, place);
            slice_root = merkle::root(self.leaves.get_mut(..own_count).unwrap_or_default());
            running.promise(self.policy, slot.epoch, slot.height, slice, slice_root);
        }
        let transaction_root = if plan.slice_ends.len() > 1 {
            let all = 0..plan.taken.len();
            let own_count = self.gather_leaves(plan.pool, plan.taken, all, place);
            merkle::root(self.leaves.get_mut(..own_count).unwrap_or_default())
        } else {
            slice_root
        };
        let header = SubBatchHeader {
            rollup: tip.rollup,
            height: slot.height,
            parent: tip.sub_batch,
            policy: self.policy,
            seed: plan.seed,
            evidence_root,
            transaction_root,
            counts: SegmentCounts {
                pool: count,
                ..SegmentCounts::default()
            },
            bytes,
            gas,
            running_hash: running.running_hash,
        };
        header.encode(&mut Writer::new(
            out.rewrite(header_start, SubBatchHeader::LEN)?,
        ))?;
        Ok(tip.advance(&header))
    }

    /// Writes what the policy's verifier needs beside one rollup's transactions.
    fn write_evidence(
        &self,
        plan: &SlotPlan<'_>,
        place: usize,
        rollup: RollupId,
        out: &mut Writer<'_>,
    ) -> Result<(), BuildError> {
        let mut end = 0_u32;
        for range in plan.slices() {
            let own = own(plan.pool, plan.taken, &self.rollups, range, place);
            end = end.saturating_add(own.count() as u32);
            out.u32(end)?;
        }
        let first = plan.reserves.partition_point(|own| own.rollup < rollup);
        let behind = plan.reserves.partition_point(|own| own.rollup <= rollup);
        let pools = plan.reserves.get(first..behind).unwrap_or_default();
        if self.policy.needs_hints() {
            out.u32(pools.len() as u32)?;
            pools.iter().try_for_each(|pool| encode_pool(pool, out))?;
        }
        for (handle, transaction) in plan.own(&self.rollups, place) {
            let hint = plan.pool.hint(handle);
            let trade = hint.map(|hint| {
                let pool = pools.binary_search_by_key(&hint.pool, |own| own.pool);
                pool.map(|pool| RecordedTrade {
                    pool: pool as u32,
                    side: hint.side,
                    amount: hint.amount,
                })
            });
            let trade = trade.transpose().map_err(|_| BuildError::StaleHandle)?;
            if trade.is_some() != self.policy.needs_hints() {
                return Err(BuildError::StaleHandle);
            }
            let arrival = transaction.candidate.arrival;
            EvidenceRow { arrival, trade }.encode(out)?;
        }
        Ok(())
    }
}

/// What a slot is written from.
#[derive(Clone, Copy, Debug)]
pub struct SlotPlan<'a> {
    /// Where the transactions are.
    pub pool: &'a TransactionPool,
    /// The transactions; each rollup's stand in their order.
    pub taken: &'a [Handle],
    /// How many of them belong to the slices up to and with each; empty for one slice of all.
    pub slice_ends: &'a [u32],
    /// What the slot follows.
    pub tip: &'a ChainTip,
    /// Its agreed time; that of `tip` where that is later.
    pub time: UnixNs,
    /// The shuffle's seed; zero under every other policy.
    pub seed: Hash,
    /// The pools that the transactions trade with under the greedy rule, each of them used, in the
    /// order of rollup and address.
    pub reserves: &'a [PoolReserves],
}

impl<'a> SlotPlan<'a> {
    /// One rollup's transactions in their order.
    fn own(
        &self,
        rollups: &'a [u8],
        place: usize,
    ) -> impl Iterator<Item = (Handle, PooledTransaction)> + 'a {
        own(self.pool, self.taken, rollups, 0..self.taken.len(), place)
    }

    /// The slices as ranges of `taken`.
    fn slices(&self) -> impl Iterator<Item = Range<usize>> + 'a {
        let all = [self.taken.len() as u32];
        let count = self.slice_ends.len().max(1);
        let ends = self.slice_ends;
        let end = move |slice: usize| ends.get(slice).or(all.first()).copied().unwrap_or(0);
        (0..count).map(move |slice| {
            let start = slice.checked_sub(1).map_or(0, end);
            start as usize..end(slice) as usize
        })
    }
}

/// One rollup's transactions among `taken[range]`; `rollups` says whose each is.
fn own<'a>(
    pool: &'a TransactionPool,
    taken: &'a [Handle],
    rollups: &'a [u8],
    range: Range<usize>,
    place: usize,
) -> impl Iterator<Item = (Handle, PooledTransaction)> + 'a {
    let handles = taken.get(range.clone()).unwrap_or_default();
    let places = rollups.get(range).unwrap_or_default();
    handles
        .iter()
        .zip(places)
        .filter(move |(_, own)| usize::from(**own) == place)
        .filter_map(move |(handle, _)| Some((*handle, pool.get(*handle)?)))
}

/// Writes a transaction's canonical bytes, its payload chunk by chunk.
fn write_transaction(
    pool: &TransactionPool,
    transaction: &PooledTransaction,
    out: &mut Writer<'_>,
) -> Result<(), EncodeError> {
    transaction
        .candidate
        .envelope
        .encode_header(transaction.payload.len(), out)?;
    pool.payload_parts(transaction.payload)
        .try_for_each(|part| out.bytes(part))
}

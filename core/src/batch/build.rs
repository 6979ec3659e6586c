//! Writes a slot from what the pool gave.

use alloc::boxed::Box;
use core::ops::Range;

use super::evidence::{EvidenceRow, RecordedTrade, encode_pool};
use super::logged::DrainedBytes;
use super::segments::{BUNDLES_STEP, FORCED_STEP, ForcedRow, LegRow, bundle_root};
use super::{
    ChainTip, RollupTip, SegmentCounts, SliceReceipt, SlotContext, SlotHeader, SubBatchHeader,
};
use crate::bounded::{Handle, fixed_slice, fixed_slice_bytes};
use crate::codec::{EncodeError, Writer};
use crate::config::Policy;
use crate::crypto::hash::{Domain, hash};
use crate::crypto::merkle;
use crate::error::operation_error;
use crate::limits::{CHANGES_BYTES_MAX, Limits, ROLLUP_COUNT_MAX};
use crate::ordering::shuffle::SetRoot;
use crate::pool::{ForcedCounts, OutsideTransaction, PooledTransaction, TransactionPool};
use crate::sequencer::changes_hash;
use crate::types::{ForcedOutcome, Hash, InboxIndex, PoolReserves, RollupId, TxId, UnixNs};

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
    /// or where the plan has more handles than a slot can hold, or more membership changes.
    /// [`BuildError::StaleHandle`] where one of the handles stands for nothing, for a transaction
    /// of a rollup that its tip does not know, or where a trade is with none of the pools. What
    /// `out` holds then is not to be used.
    pub fn build(&mut self, plan: &SlotPlan<'_>, out: &mut [u8]) -> Result<BuiltSlot, BuildError> {
        if plan.context.changes.len() > CHANGES_BYTES_MAX as usize {
            return Err(BuildError::BufferTooSmall);
        }
        self.sort_by_rollup(plan.pool, plan.taken, plan.tip)?;
        let mut tip = plan.tip.clone();
        let mut header = SlotHeader {
            height: tip.height.next(),
            epoch: tip.epoch,
            parent: tip.hash,
            time: plan.time.max(tip.time),
            changes_hash: changes_hash(plan.context.changes),
            changes_len: plan.context.changes.len() as u32,
            next_membership: plan.context.next_membership,
            sub_batch_count: tip.rollups.len() as u16,
            slice_count: plan.slice_ends.len().max(1) as u16,
            sub_batch_root: Hash::ZERO,
            bundle_root: self.bundle_root(plan)?,
            state_root: plan.context.state_root,
        };
        let (header_bytes, body) = out
            .split_at_mut_checked(SlotHeader::LEN)
            .ok_or(BuildError::BufferTooSmall)?;
        let mut body = Writer::new(body);
        body.bytes(plan.context.changes)?;
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

    /// The root over the ids of a slot's bundles.
    fn bundle_root(&mut self, plan: &SlotPlan<'_>) -> Result<Hash, BuildError> {
        for (at, handle) in plan.bundles.iter().enumerate() {
            let (id, _) = plan.pool.bundle(*handle).ok_or(BuildError::StaleHandle)?;
            let leaf = self.leaves.get_mut(at).ok_or(BuildError::BufferTooSmall)?;
            *leaf = Hash::new(*id.as_bytes());
        }
        let ids = self.leaves.get_mut(..plan.bundles.len());
        Ok(bundle_root(ids.unwrap_or_default()))
    }

    /// Moves the running hashes of `promised` on by the forced inputs that were taken last.
    ///
    /// # Errors
    /// As [`SlotBuilder::build`].
    pub(crate) fn promise_forced(
        &mut self,
        pool: &TransactionPool,
        forced: &ForcedCounts,
        promised: &mut ChainTip,
    ) -> Result<(), BuildError> {
        let (epoch, height) = (promised.epoch, promised.height.next());
        for ((place, own), count) in (0..).zip(&mut promised.rollups).zip(forced) {
            let ids = pool
                .forced_taken_last(place, *count)
                .map(|(.., own)| own.id);
            let end = put_leaves(&mut self.leaves, 0, ids)?;
            if end > 0 {
                let root = merkle::root(self.leaves.get_mut(..end).unwrap_or_default());
                own.promise(self.policy, epoch, height, FORCED_STEP, root);
            }
        }
        Ok(())
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
        let mut counts = SegmentCounts::default();
        let body_start = out.len();
        let mut gas = 0_u64;
        for (.., transaction) in plan.forced(place) {
            write_outside(&transaction, out)?;
            counts.forced = counts.forced.saturating_add(1);
            gas = gas.saturating_add(transaction.envelope.gas.get());
        }
        for (_, transaction) in plan.own(&self.rollups, place) {
            write_transaction(plan.pool, &transaction, out)?;
            counts.pool = counts.pool.saturating_add(1);
            gas = gas.saturating_add(transaction.candidate.envelope.gas.get());
        }
        for (_, transaction) in plan.legs(tip.rollup) {
            write_outside(&transaction, out)?;
            counts.bundles = counts.bundles.saturating_add(1);
            gas = gas.saturating_add(transaction.envelope.gas.get());
        }
        let bytes = out.len().saturating_sub(body_start) as u64;
        let evidence_start = out.len();
        self.write_evidence(plan, place, tip.rollup, out)?;
        let evidence = out.written().get(evidence_start..).unwrap_or_default();
        let evidence_root = hash(Domain::EVIDENCE, evidence);
        let (transaction_root, running_hash) = self.roots(plan, tip, place, &slot)?;
        let header = SubBatchHeader {
            rollup: tip.rollup,
            height: slot.height,
            parent: tip.sub_batch,
            policy: self.policy,
            seed: plan.seed,
            evidence_root,
            transaction_root,
            counts,
            bytes,
            gas,
            running_hash,
        };
        header.encode(&mut Writer::new(
            out.rewrite(header_start, SubBatchHeader::LEN)?,
        ))?;
        Ok(tip.advance(&header))
    }

    /// A sub-batch's transaction root, and its running hash: a step for the forced inputs if there
    /// are any, one for each slice, and one for the legs of bundles if there are any.
    fn roots(
        &mut self,
        plan: &SlotPlan<'_>,
        tip: &RollupTip,
        place: usize,
        slot: &SlotHeader,
    ) -> Result<(Hash, Hash), BuildError> {
        let mut running = *tip;
        let policy = self.policy;
        let mut step = |slice, root| running.promise(policy, slot.epoch, slot.height, slice, root);
        let mut only_root = None;
        let forced = plan.forced(place).map(|(.., own)| own.id);
        let end = put_leaves(&mut self.leaves, 0, forced)?;
        let has_forced = end > 0;
        if has_forced {
            let root = merkle::root(self.leaves.get_mut(..end).unwrap_or_default());
            step(FORCED_STEP, root);
        }
        for (slice, range) in (0..).zip(plan.slices()) {
            let own_count = self.gather_leaves(plan.pool, plan.taken, range, place);
            let root = merkle::root(self.leaves.get_mut(..own_count).unwrap_or_default());
            step(slice, root);
            only_root = Some(root);
        }
        let legs = || plan.legs(tip.rollup).map(|(_, own)| own.id);
        let end = put_leaves(&mut self.leaves, 0, legs())?;
        let has_legs = end > 0;
        if has_legs {
            let root = merkle::root(self.leaves.get_mut(..end).unwrap_or_default());
            step(BUNDLES_STEP, root);
        }
        if let Some(root) = only_root
            && !has_forced
            && !has_legs
            && plan.slice_ends.len() <= 1
        {
            return Ok((root, running.running_hash));
        }
        let forced = plan.forced(place).map(|(.., own)| own.id);
        let end = put_leaves(&mut self.leaves, 0, forced)?;
        let own = plan.own(&self.rollups, place);
        let end = put_leaves(&mut self.leaves, end, own.map(|(_, own)| own.candidate.id))?;
        let end = put_leaves(&mut self.leaves, end, legs())?;
        let root = merkle::root(self.leaves.get_mut(..end).unwrap_or_default());
        Ok((root, running.running_hash))
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
        if self.policy.orders_by_logs() {
            write_drained(&plan.drained, place == 0, rollup, out)?;
            return write_outside_rows(plan, place, rollup, out);
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
        write_outside_rows(plan, place, rollup, out)
    }
}

/// Writes the evidence of forced inputs and legs.
fn write_outside_rows(
    plan: &SlotPlan<'_>,
    place: usize,
    rollup: RollupId,
    out: &mut Writer<'_>,
) -> Result<(), BuildError> {
    for (index, outcome, _) in plan.forced(place) {
        ForcedRow { index, outcome }.encode(out)?;
    }
    for (row, _) in plan.legs(rollup) {
        row.encode(out)?;
    }
    Ok(())
}

/// Writes the cut into the first sub-batch, and each rollup's no-ops into its own.
fn write_drained(
    drained: &DrainedBytes<'_>,
    is_first: bool,
    rollup: RollupId,
    out: &mut Writer<'_>,
) -> Result<(), EncodeError> {
    if is_first {
        out.bytes(drained.cut)?;
    }
    out.u32(drained.no_ops(rollup).count() as u32)?;
    drained.no_ops(rollup).try_for_each(|row| row.encode(out))
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
    /// How many of the forced inputs taken last it holds, by the place of their rollup.
    pub forced: &'a [u32],
    /// Its bundles in their order.
    pub bundles: &'a [Handle],
    /// What it carries beside transactions.
    pub context: SlotContext<'a>,
    /// The cut and what was drained at it, under a policy that orders by receive logs.
    pub(crate) drained: DrainedBytes<'a>,
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

    /// One rollup's forced inputs in their order.
    fn forced(
        &self,
        place: usize,
    ) -> impl Iterator<Item = (InboxIndex, ForcedOutcome, OutsideTransaction<'a>)> + use<'a> {
        let count = self.forced.get(place).copied().unwrap_or(0);
        self.pool.forced_taken_last(place as u32, count)
    }

    /// One rollup's legs in their order.
    fn legs(
        &self,
        rollup: RollupId,
    ) -> impl Iterator<Item = (LegRow, OutsideTransaction<'a>)> + use<'a> {
        let pool = self.pool;
        let bundles = (0_u32..).zip(self.bundles);
        let legs = bundles.flat_map(move |(bundle, handle)| {
            let leg_count = pool
                .bundle(*handle)
                .map_or(0, |(_, legs)| legs.count() as u8);
            let legs = pool.bundle(*handle).into_iter().flat_map(|(_, legs)| legs);
            (0_u8..).zip(legs).map(move |(leg, own)| {
                let row = LegRow {
                    bundle,
                    leg,
                    leg_count,
                };
                (row, own)
            })
        });
        legs.filter(move |(_, own)| own.envelope.rollup == rollup)
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

/// Puts ids behind the first `start` leaves, and returns how many leaves that makes.
fn put_leaves(
    leaves: &mut [Hash],
    start: usize,
    ids: impl Iterator<Item = TxId>,
) -> Result<usize, BuildError> {
    let mut end = start;
    for id in ids {
        *leaves.get_mut(end).ok_or(BuildError::BufferTooSmall)? = Hash::new(*id.as_bytes());
        end = end.saturating_add(1);
    }
    Ok(end)
}

/// Writes the canonical bytes of a forced input or a leg.
fn write_outside(
    transaction: &OutsideTransaction<'_>,
    out: &mut Writer<'_>,
) -> Result<(), EncodeError> {
    let payload = transaction.payload;
    transaction.envelope.encode_header(payload.len(), out)?;
    let mut parts = transaction.payloads.parts(payload);
    parts.try_for_each(|part| out.bytes(part))
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

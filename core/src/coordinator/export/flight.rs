//! Slots in flight in a snapshot.

use super::super::in_flight::{InFlight, NoOp, NoOpCode};
use super::{check, export_tip, restore_tip};
use crate::batch::{ChainTip, SlotReader};
use crate::codec::{Reader, Sink};
use crate::crypto::hash::transaction_id;
use crate::limits::{Limits, ROLLUP_COUNT_MAX};
use crate::pool::{Broken, ForcedCounts, TransactionPool};
use crate::types::Tick;

impl InFlight {
    /// Writes the slot: where the chain stood before it, its transactions' places, those of its
    /// no-ops where receive logs give the order, its bytes.
    pub fn export(&self, is_logged: bool, out: &mut impl Sink) {
        if let Some(before) = self.tip_before() {
            export_tip(before, out);
        }
        out.u64(self.sealed_at.get());
        out.u32(self.taken().len() as u32);
        self.taken().iter().for_each(|handle| out.u32(handle.index));
        if is_logged {
            out.u32(self.no_ops().len() as u32);
            let places = self.no_ops().iter().map(|own| own.handle.index);
            places.for_each(|place| out.u32(place));
        }
        let bytes = self.slot().bytes;
        out.u32(bytes.len() as u32);
        out.bytes(bytes);
    }

    /// Reads a slot; `any` shows which rollups a tip has.
    ///
    /// Forced inputs, transactions of the pool and bundles are taken again in this order, as they
    /// were when it was sealed. Which inputs and bundles it holds, its bytes say.
    pub fn restore(
        &mut self,
        is_logged: bool,
        pool: &mut TransactionPool,
        any: &ChainTip,
        limits: &Limits,
        input: &mut Reader<'_>,
    ) -> Result<(), Broken> {
        let before = restore_tip(any, input)?;
        self.sealed_at = Tick::new(input.u64()?);
        let count = input.u32()? as usize;
        let places = input.bytes(count.saturating_mul(4))?;
        let no_op_count = match is_logged {
            true => input.u32()? as usize,
            false => 0,
        };
        let no_op_places = input.bytes(no_op_count.saturating_mul(4))?;
        let len = input.u32()? as usize;
        let bytes = input.bytes(len)?;
        self.set(bytes, count, before, limits)
            .ok_or(Broken("a slot has a header, and its limit of bytes"))?;
        let forced = self.restore_forced(pool, limits)?;
        let handles = self.handles_mut(count);
        check(
            handles.len() == count,
            "a slot keeps its limit of transactions",
        )?;
        let (places, _) = places.as_chunks::<4>();
        for (handle, place) in handles.iter_mut().zip(places) {
            *handle = pool.restore_taken(u32::from_le_bytes(*place))?;
        }
        self.restore_no_ops(pool, no_op_places, bytes, limits)?;
        let [bundle_count, leg_count] = self.restore_bundles(bytes, pool, limits)?;
        self.set_outside(&forced, bundle_count as usize, leg_count);
        self.check_content(pool, limits)
    }

    /// Takes the forced inputs again that the slot's bytes hold.
    fn restore_forced(
        &self,
        pool: &mut TransactionPool,
        limits: &Limits,
    ) -> Result<ForcedCounts, Broken> {
        let mut counts = [0_u32; ROLLUP_COUNT_MAX];
        let mut reader = self.reader(limits)?;
        while let Some(sub_batch) = reader.next_sub_batch()? {
            let rollup = sub_batch.header.rollup;
            for ((canonical, _), row) in sub_batch.forced().zip(sub_batch.evidence.forced()) {
                let row = (row.index, row.outcome);
                let heap = pool.restore_forced_taken(rollup, row, transaction_id(canonical))?;
                if let Some(count) = counts.get_mut(heap as usize) {
                    *count = count.saturating_add(1);
                }
            }
        }
        Ok(counts)
    }

    /// Takes the no-ops again that the pool had when the slot was taken: those at `places`, in the
    /// order of the slot's bytes.
    fn restore_no_ops(
        &mut self,
        pool: &mut TransactionPool,
        places: &[u8],
        bytes: &[u8],
        limits: &Limits,
    ) -> Result<(), Broken> {
        let (places, _) = places.as_chunks::<4>();
        let mut places = places
            .iter()
            .map(|place| u32::from_le_bytes(*place))
            .peekable();
        let mut reader = SlotReader::new(bytes, limits)?;
        while let Some(sub_batch) = reader.next_sub_batch()? {
            for row in sub_batch.evidence.no_ops() {
                let own = pool.waiting(row.id).filter(|own| {
                    places.peek() == Some(&own.handle.index)
                        && own.candidate.envelope.rollup == sub_batch.header.rollup
                        && own.candidate.encoded_len == row.body_bytes
                });
                let (Some(own), Some(code)) = (own, NoOpCode::of(row.outcome)) else {
                    continue;
                };
                places.next();
                let handle = pool.restore_taken(own.handle.index)?;
                let position = row.position;
                let no_op = NoOp {
                    handle,
                    position,
                    code,
                };
                check(self.push_no_op(no_op), "a slot has room for its no-ops")?;
            }
        }
        check(
            places.next().is_none(),
            "a slot's no-ops stand in its evidence",
        )
    }

    /// Takes the bundles again that the slot's bytes hold; returns how many, and their legs.
    fn restore_bundles(
        &mut self,
        bytes: &[u8],
        pool: &mut TransactionPool,
        limits: &Limits,
    ) -> Result<[u32; 2], Broken> {
        let mut bundle_count = 0_u32;
        let mut reader = SlotReader::new(bytes, limits)?;
        while let Some(sub_batch) = reader.next_sub_batch()? {
            let legs = sub_batch.legs().zip(sub_batch.evidence.legs());
            for ((canonical, _), row) in legs.filter(|(_, row)| row.leg == 0) {
                let handle = pool.waiting_bundle(transaction_id(canonical));
                let place = self.bundles_mut().get_mut(row.bundle as usize);
                let (Some(handle), Some(place)) = (handle, place) else {
                    return Err(Broken("a slot's bundles are taken once"));
                };
                *place = handle;
                bundle_count = bundle_count.saturating_add(1);
            }
        }
        // A number that no first leg had leaves a place that stands for no bundle, or one of a
        // bundle that is taken twice; which legs each has is compared behind this.
        let mut leg_count = 0_u32;
        for handle in self.bundles_range(bundle_count as usize) {
            leg_count = leg_count.saturating_add(pool.restore_bundle_taken(*handle)?.count);
        }
        Ok([bundle_count, leg_count])
    }

    /// Whether the slot's bytes hold exactly its transactions and legs, each rollup's in their
    /// order; forced inputs were compared when they were taken.
    fn check_content(&self, pool: &TransactionPool, limits: &Limits) -> Result<(), Broken> {
        let (mut count, mut leg_count) = (0_usize, 0_u32);
        let mut reader = self.reader(limits)?;
        while let Some(sub_batch) = reader.next_sub_batch()? {
            let own = self.taken().iter().filter_map(|handle| {
                let candidate = pool.get(*handle)?.candidate;
                (candidate.envelope.rollup == sub_batch.header.rollup).then_some(candidate.id)
            });
            let ids = sub_batch.iter().map(|(bytes, ..)| transaction_id(bytes));
            check(own.eq(ids), "a slot holds its transactions")?;
            count = count.saturating_add(sub_batch.header.counts.pool as usize);
            let mut before = None;
            for ((bytes, leg), row) in sub_batch.legs().zip(sub_batch.evidence.legs()) {
                let handle = self.bundles().get(row.bundle as usize);
                let own = handle.and_then(|handle| {
                    let (_, mut legs) = pool.bundle(*handle)?;
                    legs.nth(usize::from(row.leg))
                });
                let is_own = own.is_some_and(|own| own.id == transaction_id(bytes))
                    && leg.envelope.rollup == sub_batch.header.rollup;
                let follows = before < Some((row.bundle, row.leg));
                check(is_own && follows, "a slot holds its bundles")?;
                before = Some((row.bundle, row.leg));
                leg_count = leg_count.saturating_add(1);
            }
        }
        check(
            count == self.taken().len() && leg_count == self.leg_count(),
            "a slot holds all of its transactions and legs",
        )
    }

    /// Whether the chain stands at `tip` after this slot.
    pub fn check_leads_to(&self, tip: &ChainTip, limits: &Limits) -> Result<(), Broken> {
        let slot = self.slot();
        let header = slot.header;
        let own = (header.height, header.epoch_after(), slot.hash, header.time);
        let is_next = own == (tip.height, tip.epoch, tip.hash, tip.time);
        let parent = self
            .tip_before()
            .map(|before| (before.hash, before.height.next(), before.epoch));
        let follows = parent == Some((header.parent, header.height, header.epoch));
        check(is_next && follows, "slots follow one another")?;
        let mut reader = self.reader(limits)?;
        for rollup in &tip.rollups {
            let header = reader.next_sub_batch()?.map(|own| own.header);
            let leads = header.is_some_and(|own| {
                let (hash, running_hash) = (own.hash(), own.running_hash);
                (own.rollup, hash, running_hash)
                    == (rollup.rollup, rollup.sub_batch, rollup.running_hash)
            });
            check(leads, "sub-batches follow one another")?;
        }
        Ok(())
    }
}

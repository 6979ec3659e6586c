//! Writes a slot from what the pool gave.

use alloc::boxed::Box;

use super::{ChainTip, SegmentCounts, SlotHeader, SubBatchHeader};
use crate::bounded::{Handle, fixed_slice, fixed_slice_bytes};
use crate::codec::{EncodeError, Writer};
use crate::config::Policy;
use crate::crypto::hash::{Domain, Hasher};
use crate::crypto::merkle;
use crate::error::operation_error;
use crate::limits::{Limits, ROLLUP_COUNT_MAX};
use crate::pool::{PooledTransaction, TransactionPool};
use crate::types::{Hash, UnixNs};

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

    /// Writes the slot after `tip` with the transactions of `taken`, which stand in their order.
    ///
    /// # Errors
    /// [`BuildError::BufferTooSmall`] where the slot is longer than `out`, which can't be where it
    /// keeps the limits and `out` has [`slot_encoded_len_max`](super::slot_encoded_len_max) bytes,
    /// or where `taken` has more handles than a slot can hold. [`BuildError::StaleHandle`] where
    /// one of them stands for nothing, or for a transaction of a rollup that `tip` does not know.
    /// What `out` holds then is not to be used.
    pub fn build(
        &mut self,
        pool: &TransactionPool,
        taken: &[Handle],
        tip: &ChainTip,
        time: UnixNs,
        out: &mut [u8],
    ) -> Result<BuiltSlot, BuildError> {
        self.sort_by_rollup(pool, taken, tip)?;
        let mut tip = tip.clone();
        let mut header = SlotHeader {
            height: tip.height.next(),
            epoch: tip.epoch,
            parent: tip.hash,
            time: time.max(tip.time),
            sub_batch_count: tip.rollups.len() as u16,
            sub_batch_root: Hash::ZERO,
        };
        let (header_bytes, body) = out
            .split_at_mut_checked(SlotHeader::LEN)
            .ok_or(BuildError::BufferTooSmall)?;
        let mut body = Writer::new(body);
        let mut hashes = [Hash::ZERO; ROLLUP_COUNT_MAX];
        for (place, hash) in (0..tip.rollups.len()).zip(&mut hashes) {
            *hash = self.write_sub_batch(pool, taken, &mut tip, place, header, &mut body)?;
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

    /// Writes one rollup's sub-batch, moves its chain on, and returns the sub-batch's hash.
    fn write_sub_batch(
        &mut self,
        pool: &TransactionPool,
        taken: &[Handle],
        tip: &mut ChainTip,
        place: usize,
        slot: SlotHeader,
        out: &mut Writer<'_>,
    ) -> Result<Hash, BuildError> {
        let Self {
            policy,
            leaves,
            rollups,
        } = self;
        let own = || {
            let places = taken.iter().zip(rollups.iter());
            places
                .filter(move |(_, own)| usize::from(**own) == place)
                .filter_map(|(handle, _)| pool.get(*handle))
        };
        let header_start = out.len();
        out.reserve(SubBatchHeader::LEN)?;
        let (mut count, mut bytes, mut gas) = (0_usize, 0_u64, 0_u64);
        for (transaction, leaf) in own().zip(leaves.iter_mut()) {
            write_transaction(pool, &transaction, out)?;
            *leaf = Hash::new(*transaction.candidate.id.as_bytes());
            count = count.saturating_add(1);
            bytes = bytes.saturating_add(u64::from(transaction.candidate.encoded_len));
            gas = gas.saturating_add(transaction.candidate.envelope.gas.get());
        }
        let mut evidence = Hasher::new(Domain::EVIDENCE);
        for transaction in own() {
            let arrival = transaction.candidate.arrival;
            for number in [arrival.index, arrival.tick.get()] {
                out.u64(number)?;
                evidence.update(&number.to_le_bytes());
            }
        }
        let transaction_root = merkle::root(leaves.get_mut(..count).unwrap_or_default());
        let rollup = tip.rollups.get_mut(place).ok_or(BuildError::StaleHandle)?;
        let header = SubBatchHeader {
            rollup: rollup.rollup,
            height: slot.height,
            parent: rollup.sub_batch,
            policy: *policy,
            policy_parameter: 0,
            seed: Hash::ZERO,
            evidence_root: evidence.finish(),
            transaction_root,
            counts: SegmentCounts {
                pool: count as u32,
                ..SegmentCounts::default()
            },
            bytes,
            gas,
            running_hash: rollup.next_running_hash(
                *policy,
                slot.epoch,
                slot.height,
                transaction_root,
            ),
        };
        header.encode(&mut Writer::new(
            out.rewrite(header_start, SubBatchHeader::LEN)?,
        ))?;
        Ok(rollup.advance(&header))
    }
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

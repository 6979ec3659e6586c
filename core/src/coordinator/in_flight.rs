//! Slots that were taken and neither acknowledged nor rolled back.

use alloc::boxed::Box;

use crate::batch::{ChainTip, SlotBuilder, SlotHeader, SlotReader, slot_encoded_len_max};
use crate::bounded::{Handle, fixed_slice, fixed_slice_bytes};
use crate::codec::DecodeError;
use crate::limits::Limits;
use crate::pool::TransactionPool;
use crate::types::{Epoch, Hash, Height, UnixNs};

/// A slot in flight, as the host sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot<'a> {
    /// Its header.
    pub header: SlotHeader,
    /// Its hash.
    pub hash: Hash,
    /// Its bytes, which [`crate::batch::SlotVerifier`] checks.
    pub bytes: &'a [u8],
    /// Its transactions, over all rollups.
    pub transaction_count: u32,
}

/// The memory of one slot in flight; reused from slot to slot.
#[derive(Debug)]
pub(super) struct InFlight {
    handles: Box<[Handle]>,
    count: usize,
    bytes: Box<[u8]>,
    len: usize,
    header: SlotHeader,
    tip_before: Option<ChainTip>,
    hash: Hash,
}

impl InFlight {
    pub fn new(limits: &Limits) -> Self {
        Self {
            handles: fixed_slice(limits.slot_count_max as usize, Handle::default()),
            count: 0,
            bytes: fixed_slice(slot_encoded_len_max(limits) as usize, 0),
            len: 0,
            header: SlotHeader {
                height: Height::ZERO,
                epoch: Epoch::ZERO,
                parent: Hash::ZERO,
                time: UnixNs::ZERO,
                sub_batch_count: 0,
                sub_batch_root: Hash::ZERO,
            },
            tip_before: None,
            hash: Hash::ZERO,
        }
    }

    /// The bytes that all slots in flight take.
    pub const fn footprint_bytes(limits: &Limits) -> u64 {
        let each = fixed_slice_bytes::<Self>(1)
            .saturating_add(fixed_slice_bytes::<Handle>(limits.slot_count_max as usize))
            .saturating_add(slot_encoded_len_max(limits));
        each.saturating_mul(limits.in_flight_count_max as u64)
    }

    pub const fn height(&self) -> Height {
        self.header.height
    }

    pub const fn handles_mut(&mut self) -> &mut [Handle] {
        &mut self.handles
    }

    pub fn taken(&self) -> &[Handle] {
        self.handles.get(..self.count).unwrap_or_default()
    }

    pub const fn tip_before(&self) -> Option<&ChainTip> {
        self.tip_before.as_ref()
    }

    pub fn slot(&self) -> Slot<'_> {
        Slot {
            header: self.header,
            hash: self.hash,
            bytes: self.bytes.get(..self.len).unwrap_or_default(),
            transaction_count: self.count as u32,
        }
    }

    /// A reader of its bytes.
    pub fn reader(&self, limits: &Limits) -> Result<SlotReader<'_>, DecodeError> {
        SlotReader::new(self.slot().bytes, limits)
    }

    /// Holds a slot of these bytes and of the first `count` handles; nothing where the bytes have
    /// no header, or are more than there is room for.
    pub fn set(
        &mut self,
        bytes: &[u8],
        count: usize,
        tip_before: ChainTip,
        limits: &Limits,
    ) -> Option<()> {
        let header = *SlotReader::new(bytes, limits).ok()?.header();
        self.bytes.get_mut(..bytes.len())?.copy_from_slice(bytes);
        self.len = bytes.len();
        self.count = count;
        self.header = header;
        self.hash = header.hash();
        self.tip_before = Some(tip_before);
        Some(())
    }

    /// Writes the slot of the first `count` handles, and returns where the chain stands after it.
    pub fn build(
        &mut self,
        builder: &mut SlotBuilder,
        pool: &TransactionPool,
        tip: &ChainTip,
        count: usize,
        time: UnixNs,
    ) -> Option<ChainTip> {
        let taken = self.handles.get(..count)?;
        let built = builder
            .build(pool, taken, tip, time, &mut self.bytes)
            .ok()?;
        self.count = count;
        self.len = built.len;
        self.header = built.header;
        self.hash = built.tip.hash;
        self.tip_before = Some(tip.clone());
        Some(built.tip)
    }
}

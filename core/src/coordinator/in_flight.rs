//! Slots that were taken and neither acknowledged nor rolled back.

use alloc::boxed::Box;
use core::ops::Range;

use crate::batch::{
    ChainTip, DrainedBytes, SlotBuilder, SlotContext, SlotHeader, SlotPlan, SlotReader,
    slot_encoded_len_max,
};
use crate::bounded::{Handle, fixed_slice, fixed_slice_bytes};
use crate::codec::DecodeError;
use crate::error::Code;
use crate::limits::{Limits, ROLLUP_COUNT_MAX};
use crate::ordering::fair::stream::DrainOutcome;
use crate::pool::{ForcedCounts, TransactionPool};
use crate::types::{Epoch, Hash, Height, PoolReserves, Tick, UnixNs};

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

/// What a slot in flight is written from, beside the handles that it has.
#[derive(Clone, Copy, Debug)]
pub(super) struct SlotEnd<'a> {
    pub count: usize,
    pub slice_ends: &'a [u32],
    pub time: UnixNs,
    pub seed: Hash,
    pub reserves: &'a [PoolReserves],
    pub forced: &'a ForcedCounts,
    pub bundle_count: usize,
    pub leg_count: u32,
    pub context: SlotContext<'a>,
    pub drained: DrainedBytes<'a>,
}

/// A transaction that a slot drained and does not hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct NoOp {
    pub handle: Handle,
    /// How many transactions of its rollup's pool segment stand before it.
    pub position: u32,
    pub code: NoOpCode,
}

/// How a no-op ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum NoOpCode {
    #[default]
    Evicted,
    Expired,
    Superseded,
}

impl NoOpCode {
    /// The end that an outcome other than inclusion comes to.
    pub const fn of(outcome: DrainOutcome) -> Option<Self> {
        match outcome {
            DrainOutcome::Included => None,
            DrainOutcome::Expired => Some(Self::Expired),
            DrainOutcome::Superseded | DrainOutcome::Duplicate => Some(Self::Superseded),
            DrainOutcome::Gap | DrainOutcome::Unfit | DrainOutcome::NoCursor => Some(Self::Evicted),
        }
    }

    pub const fn code(self) -> Code {
        match self {
            Self::Evicted => Code::Evicted,
            Self::Expired => Code::Expired,
            Self::Superseded => Code::Superseded,
        }
    }
}

/// The memory of one slot in flight; reused from slot to slot.
#[derive(Debug)]
pub(super) struct InFlight {
    handles: Box<[Handle]>,
    count: usize,
    /// Its forced inputs, by rollup, and its bundles in their order.
    forced: ForcedCounts,
    bundles: Box<[Handle]>,
    bundle_count: usize,
    leg_count: u32,
    /// What it drained and does not hold, of that what the pool has: `no_ops[..no_op_count]`.
    no_ops: Box<[NoOp]>,
    no_op_count: usize,
    bytes: Box<[u8]>,
    len: usize,
    header: SlotHeader,
    tip_before: Option<ChainTip>,
    hash: Hash,
    /// The local clock when it was sealed.
    pub sealed_at: Tick,
}

impl InFlight {
    pub fn new(limits: &Limits) -> Self {
        Self {
            handles: fixed_slice(limits.slot_count_max as usize, Handle::default()),
            count: 0,
            forced: [0; ROLLUP_COUNT_MAX],
            bundles: fixed_slice(limits.bundle_count_max as usize, Handle::default()),
            bundle_count: 0,
            leg_count: 0,
            no_ops: fixed_slice(limits.slot_count_max as usize, NoOp::default()),
            no_op_count: 0,
            bytes: fixed_slice(slot_encoded_len_max(limits) as usize, 0),
            len: 0,
            header: SlotHeader {
                height: Height::ZERO,
                epoch: Epoch::ZERO,
                parent: Hash::ZERO,
                time: UnixNs::ZERO,
                changes_hash: Hash::ZERO,
                changes_len: 0,
                next_membership: Hash::ZERO,
                sub_batch_count: 0,
                slice_count: 1,
                sub_batch_root: Hash::ZERO,
                bundle_root: Hash::ZERO,
                state_root: Hash::ZERO,
            },
            tip_before: None,
            hash: Hash::ZERO,
            sealed_at: Tick::ZERO,
        }
    }

    /// The bytes that all slots in flight take.
    pub const fn footprint_bytes(limits: &Limits) -> u64 {
        let each = fixed_slice_bytes::<Self>(1)
            .saturating_add(fixed_slice_bytes::<Handle>(limits.slot_count_max as usize))
            .saturating_add(fixed_slice_bytes::<Handle>(
                limits.bundle_count_max as usize,
            ))
            .saturating_add(fixed_slice_bytes::<NoOp>(limits.slot_count_max as usize))
            .saturating_add(slot_encoded_len_max(limits));
        each.saturating_mul(limits.in_flight_count_max as u64)
    }

    pub const fn height(&self) -> Height {
        self.header.height
    }

    pub const fn time(&self) -> UnixNs {
        self.header.time
    }

    /// The places for handles from `start` on.
    pub fn handles_from(&mut self, start: usize) -> &mut [Handle] {
        self.handles.get_mut(start..).unwrap_or_default()
    }

    /// The first `count` handles, to put in order.
    pub fn handles_mut(&mut self, count: usize) -> &mut [Handle] {
        self.handles.get_mut(..count).unwrap_or_default()
    }

    /// A range of the handles.
    pub fn handles(&self, range: Range<usize>) -> &[Handle] {
        self.handles.get(range).unwrap_or_default()
    }

    pub fn taken(&self) -> &[Handle] {
        self.handles.get(..self.count).unwrap_or_default()
    }

    /// Its forced inputs, by rollup.
    pub const fn forced(&self) -> &ForcedCounts {
        &self.forced
    }

    /// Its bundles in their order.
    pub fn bundles(&self) -> &[Handle] {
        self.bundles.get(..self.bundle_count).unwrap_or_default()
    }

    /// The first `count` handles of bundles.
    pub fn bundles_range(&self, count: usize) -> &[Handle] {
        self.bundles.get(..count).unwrap_or_default()
    }

    /// The places for handles of bundles.
    pub fn bundles_mut(&mut self) -> &mut [Handle] {
        &mut self.bundles
    }

    /// What it drained and does not hold, as far as the pool has it.
    pub fn no_ops(&self) -> &[NoOp] {
        self.no_ops.get(..self.no_op_count).unwrap_or_default()
    }

    /// Forgets the no-ops of the slot before.
    pub const fn clear_no_ops(&mut self) {
        self.no_op_count = 0;
    }

    /// Notes one more; false where there is no room.
    pub fn push_no_op(&mut self, no_op: NoOp) -> bool {
        let place = self.no_ops.get_mut(self.no_op_count);
        let is_there = place.map(|place| *place = no_op).is_some();
        self.no_op_count = self.no_op_count.saturating_add(usize::from(is_there));
        is_there
    }

    pub const fn tip_before(&self) -> Option<&ChainTip> {
        self.tip_before.as_ref()
    }

    pub fn slot(&self) -> Slot<'_> {
        Slot {
            header: self.header,
            hash: self.hash,
            bytes: self.bytes.get(..self.len).unwrap_or_default(),
            transaction_count: self
                .forced
                .iter()
                .fold(self.count as u32, |sum, count| sum.saturating_add(*count))
                .saturating_add(self.leg_count),
        }
    }

    /// A reader of its bytes.
    pub fn reader(&self, limits: &Limits) -> Result<SlotReader<'_>, DecodeError> {
        SlotReader::new(self.slot().bytes, limits)
    }

    /// Holds a slot of these bytes and of the first `count` handles; nothing where the bytes
    /// have no header, or are more than there is room for.
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
        self.clear_no_ops();
        self.header = header;
        self.hash = header.hash();
        self.tip_before = Some(tip_before);
        Some(())
    }

    /// Notes the forced inputs and the first `bundle_count` bundles that the slot holds.
    pub const fn set_outside(
        &mut self,
        forced: &ForcedCounts,
        bundle_count: usize,
        leg_count: u32,
    ) {
        self.forced = *forced;
        self.bundle_count = bundle_count;
        self.leg_count = leg_count;
    }

    /// Legs of its bundles.
    pub const fn leg_count(&self) -> u32 {
        self.leg_count
    }

    /// Writes the slot of the first `end.count` handles, and returns where the chain stands after.
    pub fn build(
        &mut self,
        builder: &mut SlotBuilder,
        pool: &TransactionPool,
        tip: &ChainTip,
        end: SlotEnd<'_>,
    ) -> Option<ChainTip> {
        let plan = SlotPlan {
            pool,
            taken: self.handles.get(..end.count)?,
            slice_ends: end.slice_ends,
            tip,
            time: end.time,
            seed: end.seed,
            reserves: end.reserves,
            forced: end.forced,
            bundles: self.bundles.get(..end.bundle_count)?,
            context: end.context,
            drained: end.drained,
        };
        let built = builder.build(&plan, &mut self.bytes).ok()?;
        self.count = end.count;
        self.forced = *end.forced;
        self.bundle_count = end.bundle_count;
        self.leg_count = end.leg_count;
        self.len = built.len;
        self.header = built.header;
        self.hash = built.tip.hash;
        self.tip_before = Some(tip.clone());
        Some(built.tip)
    }
}

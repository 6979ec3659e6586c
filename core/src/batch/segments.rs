//! What stands in a sub-batch before and behind its pool segment.

use alloc::boxed::Box;

use super::evidence::EvidenceRow;
use crate::bounded::{fixed_slice, fixed_slice_bytes};
use crate::codec::{DecodeError, EncodeError, Reader, Writer};
use crate::config::Config;
use crate::crypto::merkle;
use crate::error::Code;
use crate::limits::{BUNDLE_LEG_COUNT_MAX, Limits};
use crate::ordering::{SegmentRooms, SlotRoom};
use crate::pool::bundle_id;
use crate::types::{ForcedOutcome, Hash, InboxIndex, TxId};

/// Bytes of evidence beside a forced input: its inbox index and its outcome.
pub const FORCED_LEN: usize = 9;
/// Bytes of evidence beside a leg: the number of its bundle in the slot, its own in the bundle,
/// and how many legs the bundle has.
pub const LEG_LEN: usize = 6;

/// The numbers that stand for the forced inputs and the bundles among the slices of a running
/// hash.
pub(super) const FORCED_STEP: u16 = u16::MAX;
pub(super) const BUNDLES_STEP: u16 = u16::MAX - 1;

/// The evidence of a forced input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForcedRow {
    /// Its running number in its rollup's inbox.
    pub index: InboxIndex,
    /// What it does at its place.
    pub outcome: ForcedOutcome,
}

impl ForcedRow {
    pub(super) fn encode(&self, out: &mut Writer<'_>) -> Result<(), EncodeError> {
        out.u64(self.index.get())?;
        out.u8(self.outcome.byte())
    }

    pub(super) fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let index = InboxIndex::new(input.u64()?);
        let outcome = ForcedOutcome::from_byte(input.u8()?).ok_or(DecodeError::UnknownOutcome)?;
        Ok(Self { index, outcome })
    }
}

/// The evidence of a leg.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct LegRow {
    /// The number of its bundle in the slot, from 0.
    pub bundle: u32,
    /// Its number in the bundle, from 0.
    pub leg: u8,
    /// How many legs the bundle has.
    pub leg_count: u8,
}

impl LegRow {
    pub(super) fn encode(&self, out: &mut Writer<'_>) -> Result<(), EncodeError> {
        out.u32(self.bundle)?;
        out.u8(self.leg)?;
        out.u8(self.leg_count)
    }

    pub(super) fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            bundle: input.u32()?,
            leg: input.u8()?,
            leg_count: input.u8()?,
        })
    }
}

/// A transaction's segment, with the evidence beside it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Segment {
    Forced(ForcedRow),
    Pool(EvidenceRow),
    Leg(LegRow),
}

/// What is left of a slot, and of each side's part of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct RoomLeft {
    pub slot: SlotRoom,
    pool: SlotRoom,
    others: SlotRoom,
}

impl RoomLeft {
    pub fn of(config: &Config, limits: &Limits) -> Self {
        let rooms = SegmentRooms::of(config, limits);
        Self {
            slot: SlotRoom::of(limits),
            pool: rooms.pool,
            others: rooms.others,
        }
    }

    /// What is left after a transaction of this size; nothing where it does not fit.
    pub fn after(self, segment: &Segment, size: SlotRoom) -> Option<Self> {
        let slot = self.slot.without(size)?;
        let (mut pool, mut others) = (self.pool, self.others);
        match segment {
            Segment::Pool(_) => pool = pool.without(size)?,
            Segment::Forced(_) | Segment::Leg(_) => others = others.without(size)?,
        }
        Some(Self { slot, pool, others })
    }
}

impl RoomLeft {
    /// What is left after no-ops of the pool segment; nothing where they do not fit.
    pub fn after_no_ops(self, count: u32) -> Option<Self> {
        let size = SlotRoom {
            count,
            ..SlotRoom::NONE
        };
        Some(Self {
            slot: self.slot.without(size)?,
            pool: self.pool.without(size)?,
            others: self.others,
        })
    }
}

/// The legs of a slot, gathered over its sub-batches.
///
/// Memory: 40 bytes for each transaction of a slot.
#[derive(Debug)]
pub(super) struct LegTable {
    legs: Box<[(LegRow, TxId)]>,
    count: usize,
}

impl LegTable {
    pub fn new(count_max: u32) -> Self {
        Self {
            legs: fixed_slice(count_max as usize, (LegRow::default(), TxId::ZERO)),
            count: 0,
        }
    }

    pub const fn footprint_bytes(count_max: u32) -> u64 {
        fixed_slice_bytes::<(LegRow, TxId)>(count_max as usize)
    }

    pub const fn clear(&mut self) {
        self.count = 0;
    }

    pub fn push(&mut self, row: LegRow, id: TxId) -> Result<(), Code> {
        let place = self.legs.get_mut(self.count).ok_or(Code::SlotOverLimit)?;
        *place = (row, id);
        self.count = self.count.saturating_add(1);
        Ok(())
    }

    /// Checks that every bundle has all of its legs, and gives the root over the bundles' ids.
    ///
    /// `ids` is memory for an id of each.
    pub fn root(&mut self, ids: &mut [Hash]) -> Result<Hash, Code> {
        let mut rest = self.legs.get_mut(..self.count).unwrap_or_default();
        rest.sort_unstable();
        let mut bundle_count = 0_usize;
        while let Some((first, _)) = rest.first().copied() {
            let leg_count = usize::from(first.leg_count);
            let is_whole = (1..=BUNDLE_LEG_COUNT_MAX).contains(&leg_count);
            let split = rest.split_at_mut_checked(leg_count).filter(|_| is_whole);
            let (legs, others) = split.ok_or(Code::WrongBundle)?;
            let stands = (0_u8..).zip(legs.iter()).all(|(leg, (row, _))| {
                let expected = LegRow { leg, ..first };
                *row == expected && row.bundle as usize == bundle_count
            });
            let id = bundle_id(legs.iter().map(|(_, id)| *id)).filter(|_| stands);
            let id = id.ok_or(Code::WrongBundle)?;
            let place = ids.get_mut(bundle_count).ok_or(Code::SlotOverLimit)?;
            *place = Hash::new(*id.as_bytes());
            bundle_count = bundle_count.saturating_add(1);
            rest = others;
        }
        Ok(bundle_root(ids.get_mut(..bundle_count).unwrap_or_default()))
    }
}

/// The root over bundles' ids; zero where there are none. The ids are used up.
pub(super) fn bundle_root(ids: &mut [Hash]) -> Hash {
    if ids.is_empty() {
        Hash::ZERO
    } else {
        merkle::root(ids)
    }
}

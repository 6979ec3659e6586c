//! What a slot records of a cut and of what it drained, under a policy that orders by receive logs.

use crate::codec::{DecodeError, EncodeError, Reader, Writer};
use crate::ordering::fair::stream::{DrainOutcome, Drained, LoggedId};
use crate::receive_log::Cut;
use crate::types::{RollupId, TxId};

/// Bytes of evidence of a no-op: its place, the length of its body, its identity, why.
pub const NO_OP_LEN: usize = 41;
/// The most bytes that a cut has: through as many logs as a committee can keep.
pub const CUT_LEN_MAX: usize = Cut::encoded_len_of(u8::MAX as usize);
/// Bytes of a drained id in memory and in a journal.
const DRAINED_LEN: usize = 41;

/// A drained id that does nothing at its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoOpRow {
    /// How many transactions of the sub-batch's pool segment stand before it.
    pub position: u32,
    /// How long its body is, as logs say.
    pub body_bytes: u32,
    /// Its identity.
    pub id: TxId,
    /// Why it does nothing; never [`DrainOutcome::Included`].
    pub outcome: DrainOutcome,
}

impl NoOpRow {
    pub(super) fn encode(&self, out: &mut Writer<'_>) -> Result<(), EncodeError> {
        out.u32(self.position)?;
        out.u32(self.body_bytes)?;
        out.bytes(self.id.as_bytes())?;
        out.u8(outcome_byte(self.outcome))
    }

    pub(super) fn decode(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let row = Self {
            position: input.u32()?,
            body_bytes: input.u32()?,
            id: TxId::new(input.array()?),
            outcome: outcome_of(input.u8()?).ok_or(DecodeError::UnknownOutcome)?,
        };
        if row.outcome == DrainOutcome::Included {
            return Err(DecodeError::UnknownOutcome);
        }
        Ok(row)
    }
}

/// A cut and what a slot drained at it, as bytes: one after another in the memory of a coordinator,
/// and in its journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DrainedBytes<'a> {
    /// The cut's canonical bytes.
    pub cut: &'a [u8],
    /// The drained ids in their order.
    rows: &'a [[u8; DRAINED_LEN]],
}

impl<'a> DrainedBytes<'a> {
    /// No cut, and nothing drained.
    pub const NONE: Self = Self {
        cut: &[],
        rows: &[],
    };

    /// The bytes of a cut through as many logs as can be, and of a whole slot.
    pub const fn len_max(slot_count_max: u32) -> usize {
        (slot_count_max as usize)
            .saturating_mul(DRAINED_LEN)
            .saturating_add(CUT_LEN_MAX)
    }

    /// Writes both, as [`DrainedBytes::read`] reads them.
    pub fn write(cut: &Cut, drained: &[Drained], out: &mut Writer<'_>) -> Result<(), EncodeError> {
        cut.encode(out)?;
        drained.iter().try_for_each(|one| {
            out.u32(one.id.rollup.get())?;
            out.u32(one.id.body_bytes)?;
            out.bytes(one.id.id.as_bytes())?;
            out.u8(outcome_byte(one.outcome))
        })
    }

    /// Takes bytes apart.
    ///
    /// # Errors
    /// A [`DecodeError`] where they are not a cut and drained ids.
    pub fn read(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut input = Reader::new(bytes);
        let (_, cut) = Cut::split_off(&mut input)?;
        let (rows, rest) = input.rest().as_chunks::<DRAINED_LEN>();
        if !rest.is_empty() {
            return Err(DecodeError::TrailingBytes);
        }
        let own = Self { cut, rows };
        if own.iter().count() != rows.len() {
            return Err(DecodeError::UnknownOutcome);
        }
        Ok(own)
    }

    /// How many ids were drained.
    pub const fn len(&self) -> usize {
        self.rows.len()
    }

    /// The drained ids in their order.
    pub fn iter(&self) -> impl Iterator<Item = Drained> + use<'a> {
        self.rows.iter().filter_map(|row| {
            let mut input = Reader::new(row);
            let rollup = RollupId::new(input.u32().ok()?);
            let body_bytes = input.u32().ok()?;
            let id = TxId::new(input.array().ok()?);
            Some(Drained {
                id: LoggedId {
                    rollup,
                    id,
                    body_bytes,
                },
                outcome: outcome_of(input.u8().ok()?)?,
            })
        })
    }

    /// The no-ops of one rollup, with their places.
    pub fn no_ops(&self, rollup: RollupId) -> impl Iterator<Item = NoOpRow> + use<'a> {
        no_op_rows(self.iter(), rollup)
    }
}

/// The no-ops of one rollup among what was drained, with their places.
pub(super) fn no_op_rows(
    drained: impl Iterator<Item = Drained>,
    rollup: RollupId,
) -> impl Iterator<Item = NoOpRow> {
    let mut position = 0_u32;
    let own = drained.filter(move |one| one.id.rollup == rollup);
    own.filter_map(move |one| {
        if one.outcome == DrainOutcome::Included {
            position = position.saturating_add(1);
            return None;
        }
        Some(NoOpRow {
            position,
            body_bytes: one.id.body_bytes,
            id: one.id.id,
            outcome: one.outcome,
        })
    })
}

/// The byte that stands for an outcome.
const fn outcome_byte(outcome: DrainOutcome) -> u8 {
    match outcome {
        DrainOutcome::Included => 0,
        DrainOutcome::Expired => 1,
        DrainOutcome::Superseded => 2,
        DrainOutcome::Duplicate => 3,
        DrainOutcome::Gap => 4,
        DrainOutcome::Unfit => 5,
        DrainOutcome::NoCursor => 6,
    }
}

const fn outcome_of(byte: u8) -> Option<DrainOutcome> {
    Some(match byte {
        0 => DrainOutcome::Included,
        1 => DrainOutcome::Expired,
        2 => DrainOutcome::Superseded,
        3 => DrainOutcome::Duplicate,
        4 => DrainOutcome::Gap,
        5 => DrainOutcome::Unfit,
        6 => DrainOutcome::NoCursor,
        _ => return None,
    })
}

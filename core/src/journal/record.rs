//! One record: an input, and what became of it.

use super::Clocks;
use crate::codec::{DecodeError, EncodeError, Reader, Writer};
use crate::error::Code;
use crate::types::{Address, Fee, Hash, Height, Nonce, RollupId, Tick, TxId, UnixNs};

/// An input that changed a coordinator's state, and what became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Record<'a> {
    /// Events were read, or the clocks moved on.
    Gathered {
        /// Events that were read since the record before.
        read_count: u32,
    },
    /// A transaction came.
    Submitted {
        /// Whether through a lane, so that an event says what became of it.
        is_from_lane: bool,
        /// What the host knew of its sender's account.
        account_nonce: Option<Nonce>,
        /// Where it came from.
        origin: u32,
        /// What became of it.
        outcome: Code,
        /// Its bytes, as they came.
        canonical: &'a [u8],
    },
    /// A transaction came whose payload was longer than the limit.
    TooLong,
    /// A slot was asked for.
    Taken {
        /// Whether it was wanted without transactions too.
        is_empty_wanted: bool,
        /// The slot, if there was one.
        outcome: Option<(Height, Hash)>,
    },
    /// A slot was acknowledged.
    Acknowledged {
        /// Which.
        height: Height,
    },
    /// Slots were rolled back.
    RolledBack {
        /// The first of them.
        height: Height,
        /// How many.
        slot_count: u32,
    },
    /// What can't become ready was ended.
    UnreadyExpired {
        /// How many transactions.
        ended_count: u32,
        /// Whether none is left.
        is_finished: bool,
    },
    /// A transaction was cancelled by its identity.
    Cancelled {
        /// Which.
        id: TxId,
        /// Whether it waited, so that it ended at once.
        has_ended: bool,
    },
    /// A transaction was cancelled by its sender and nonce.
    NonceCancelled {
        /// On which rollup.
        rollup: RollupId,
        /// Whose.
        sender: Address,
        /// Which.
        nonce: Nonce,
        /// The transaction that ended at once; zero where none did.
        ended: TxId,
    },
    /// The pressure was set.
    PressureSet {
        /// Transactions in one slot.
        slot_count_max: u32,
        /// Bytes of transactions in one slot.
        slot_bytes_max: u32,
        /// Gas in one slot.
        slot_gas_max: u64,
        /// The fee floor.
        fee_floor: Fee,
        /// Whether only what is ready is admitted.
        refuses_gaps: bool,
    },
}

/// A record with the clocks at which its input was handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamped<'a> {
    pub clocks: Clocks,
    pub record: Record<'a>,
}

/// Bytes before the fields: length, kind and clocks.
const HEAD_LEN: usize = 21;
/// Bytes of the longest record without what has a length of its own: a cancellation by nonce.
pub(super) const FIELDS_LEN_MAX: usize = HEAD_LEN + 64;
/// Bytes of a [`Record::Gathered`].
pub(super) const GATHERED_LEN: usize = HEAD_LEN + 4 + Hash::LEN;
/// Bytes of a [`Record::Submitted`] beside the transaction.
pub(super) const SUBMITTED_OVERHEAD_LEN: usize = HEAD_LEN + SUBMITTED_FIELDS_LEN + Hash::LEN;

const SUBMITTED_FIELDS_LEN: usize = 1 + 8 + 4 + 2;
const FLAG_LANE: u8 = 1;
const FLAG_ACCOUNT_NONCE: u8 = 2;

impl<'a> Record<'a> {
    /// The byte that stands for its kind.
    const fn kind(&self) -> u8 {
        match self {
            Self::Gathered { .. } => 1,
            Self::Submitted { .. } => 2,
            Self::TooLong => 3,
            Self::Taken { .. } => 4,
            Self::Acknowledged { .. } => 5,
            Self::RolledBack { .. } => 6,
            Self::UnreadyExpired { .. } => 7,
            Self::Cancelled { .. } => 8,
            Self::NonceCancelled { .. } => 9,
            Self::PressureSet { .. } => 10,
        }
    }

    /// Bytes of its fields, without what has a length of its own.
    const fn fields_len(&self) -> usize {
        match self {
            Self::Gathered { .. } => 4,
            Self::Submitted { .. } => SUBMITTED_FIELDS_LEN,
            Self::TooLong => 0,
            Self::Taken { .. } => 1 + 8 + 32,
            Self::Acknowledged { .. } => 8,
            Self::RolledBack { .. } => 8 + 4,
            Self::UnreadyExpired { .. } => 4 + 1,
            Self::Cancelled { .. } => 32 + 1,
            Self::NonceCancelled { .. } => 4 + 20 + 8 + 32,
            Self::PressureSet { .. } => 4 + 4 + 8 + 8 + 1,
        }
    }

    /// What stands between its fields and its checksum.
    pub const fn body(&self) -> &'a [u8] {
        match self {
            Self::Submitted { canonical, .. } => canonical,
            _ => &[],
        }
    }

    /// Bytes of the whole record.
    pub const fn encoded_len(&self) -> usize {
        let own = HEAD_LEN.saturating_add(self.fields_len());
        own.saturating_add(self.body().len())
            .saturating_add(Hash::LEN)
    }

    /// Writes all that goes before its body, and returns it.
    pub fn encode_fields<'b>(&self, clocks: Clocks, out: &'b mut [u8; FIELDS_LEN_MAX]) -> &'b [u8] {
        let mut fields = Writer::new(out);
        let written = self.write_fields(clocks, &mut fields);
        debug_assert!(written.is_ok(), "FIELDS_LEN_MAX is too small");
        let len = fields.len();
        out.get(..len).unwrap_or_default()
    }

    fn write_fields(&self, clocks: Clocks, out: &mut Writer<'_>) -> Result<(), EncodeError> {
        let length = self.encoded_len().saturating_sub(size_of::<u32>());
        out.u32(u32::try_from(length).unwrap_or(u32::MAX))?;
        out.u8(self.kind())?;
        out.u64(clocks.now.get())?;
        out.u64(clocks.time.get())?;
        self.write_own_fields(out)
    }

    fn write_own_fields(&self, out: &mut Writer<'_>) -> Result<(), EncodeError> {
        match *self {
            Self::Gathered { read_count } => out.u32(read_count),
            Self::Submitted {
                is_from_lane,
                account_nonce,
                origin,
                outcome,
                canonical: _,
            } => {
                let lane = if is_from_lane { FLAG_LANE } else { 0 };
                let nonce = account_nonce.map_or(0, |_| FLAG_ACCOUNT_NONCE);
                out.u8(lane | nonce)?;
                out.u64(account_nonce.map_or(0, Nonce::get))?;
                out.u32(origin)?;
                out.u16(outcome.number())
            }
            Self::TooLong => Ok(()),
            Self::Taken {
                is_empty_wanted,
                outcome,
            } => {
                let (height, hash) = outcome.unwrap_or_default();
                out.u8(u8::from(is_empty_wanted))?;
                out.u64(height.get())?;
                out.bytes(hash.as_bytes())
            }
            Self::Acknowledged { height } => out.u64(height.get()),
            Self::RolledBack { height, slot_count } => {
                out.u64(height.get())?;
                out.u32(slot_count)
            }
            Self::UnreadyExpired {
                ended_count,
                is_finished,
            } => {
                out.u32(ended_count)?;
                out.u8(u8::from(is_finished))
            }
            Self::Cancelled { id, has_ended } => {
                out.bytes(id.as_bytes())?;
                out.u8(u8::from(has_ended))
            }
            Self::NonceCancelled {
                rollup,
                sender,
                nonce,
                ended,
            } => {
                out.u32(rollup.get())?;
                out.bytes(sender.as_bytes())?;
                out.u64(nonce.get())?;
                out.bytes(ended.as_bytes())
            }
            Self::PressureSet {
                slot_count_max,
                slot_bytes_max,
                slot_gas_max,
                fee_floor,
                refuses_gaps,
            } => {
                out.u32(slot_count_max)?;
                out.u32(slot_bytes_max)?;
                out.u64(slot_gas_max)?;
                out.u64(fee_floor.get())?;
                out.u8(u8::from(refuses_gaps))
            }
        }
    }

    /// Reads a record of this kind from its fields and body.
    fn decode(kind: u8, input: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(match kind {
            1 => Self::Gathered {
                read_count: input.u32()?,
            },
            2 => return Self::decode_submitted(input),
            3 => Self::TooLong,
            4 => {
                let is_empty_wanted = flag(input)?;
                let (height, hash) = (Height::new(input.u64()?), Hash::new(input.array()?));
                let is_slot = height != Height::ZERO;
                if !is_slot && hash != Hash::ZERO {
                    return Err(DecodeError::FieldNotEmpty);
                }
                Self::Taken {
                    is_empty_wanted,
                    outcome: is_slot.then_some((height, hash)),
                }
            }
            5 => Self::Acknowledged {
                height: Height::new(input.u64()?),
            },
            6 => Self::RolledBack {
                height: Height::new(input.u64()?),
                slot_count: input.u32()?,
            },
            7 => Self::UnreadyExpired {
                ended_count: input.u32()?,
                is_finished: flag(input)?,
            },
            8 => Self::Cancelled {
                id: TxId::new(input.array()?),
                has_ended: flag(input)?,
            },
            9 => Self::NonceCancelled {
                rollup: RollupId::new(input.u32()?),
                sender: Address::new(input.array()?),
                nonce: Nonce::new(input.u64()?),
                ended: TxId::new(input.array()?),
            },
            10 => Self::PressureSet {
                slot_count_max: input.u32()?,
                slot_bytes_max: input.u32()?,
                slot_gas_max: input.u64()?,
                fee_floor: Fee::new(input.u64()?),
                refuses_gaps: flag(input)?,
            },
            _ => return Err(DecodeError::UnknownKind),
        })
    }

    fn decode_submitted(input: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let flags = input.u8()?;
        let nonce = input.u64()?;
        let has_nonce = flags & FLAG_ACCOUNT_NONCE != 0;
        if flags & !(FLAG_LANE | FLAG_ACCOUNT_NONCE) != 0 || (!has_nonce && nonce != 0) {
            return Err(DecodeError::FieldNotEmpty);
        }
        let origin = input.u32()?;
        let outcome = Code::from_number(input.u16()?).ok_or(DecodeError::UnknownKind)?;
        Ok(Self::Submitted {
            is_from_lane: flags & FLAG_LANE != 0,
            account_nonce: has_nonce.then(|| Nonce::new(nonce)),
            origin,
            outcome,
            canonical: input.bytes(input.rest().len())?,
        })
    }
}

/// Reads a record that is all of `bytes`, its length and its checksum left out.
pub(crate) fn decode_stamped(bytes: &[u8]) -> Result<Stamped<'_>, DecodeError> {
    let mut input = Reader::new(bytes);
    let kind = input.u8()?;
    let clocks = Clocks {
        now: Tick::new(input.u64()?),
        time: UnixNs::new(input.u64()?),
    };
    let record = Record::decode(kind, &mut input)?;
    input.finish()?;
    Ok(Stamped { clocks, record })
}

fn flag(input: &mut Reader<'_>) -> Result<bool, DecodeError> {
    match input.u8()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(DecodeError::FieldNotEmpty),
    }
}

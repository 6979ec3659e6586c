//! Reads a record.

use super::body::{Legs, POOL_LEN, Pools, decode_pool};
use super::{
    FLAG_ACCOUNT_NONCE, FLAG_EMPTY_WANTED, FLAG_HINT, FLAG_LANE, FLAG_LAST_POOL, FLAG_LOGGED,
    Record, SliceRoom, Stamped,
};
use crate::codec::{DecodeError, Reader};
use crate::error::Code;
use crate::journal::Clocks;
use crate::types::{
    Address, Fee, Hash, Height, InboxIndex, Nonce, RollupId, Side, Tick, TradeHint, Transaction,
    TxId, UnixNs,
};

impl<'a> Record<'a> {
    /// Reads a record of this kind from its fields and body.
    fn decode(kind: u8, input: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(match kind {
            1 => Self::Gathered {
                read_count: input.u32()?,
            },
            2 => return Self::decode_submitted(input),
            3 => Self::TooLong,
            4 => return Self::decode_taken(input),
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
            _ => return Self::decode_outside_or_open(kind, input),
        })
    }

    fn decode_submitted(input: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let flags = input.u8()?;
        let is_both = flags & FLAG_LANE != 0 && flags & FLAG_LOGGED != 0;
        if flags & !(FLAG_LANE | FLAG_ACCOUNT_NONCE | FLAG_HINT | FLAG_LOGGED) != 0 || is_both {
            return Err(DecodeError::FieldNotEmpty);
        }
        let account_nonce = account_nonce(flags, input)?;
        let origin = input.u32()?;
        let outcome = code(input)?;
        let hint = if flags & FLAG_HINT == 0 {
            None
        } else {
            Some(TradeHint {
                pool: Address::new(input.array()?),
                side: Side::from_byte(input.u8()?).ok_or(DecodeError::UnknownSide)?,
                amount: input.u128()?,
            })
        };
        Ok(Self::Submitted {
            is_from_lane: flags & FLAG_LANE != 0,
            is_logged: flags & FLAG_LOGGED != 0,
            account_nonce,
            origin,
            hint,
            outcome,
            canonical: rest(input)?,
        })
    }

    fn decode_taken(input: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let flags = input.u8()?;
        if flags & !(FLAG_EMPTY_WANTED | FLAG_LAST_POOL) != 0 {
            return Err(DecodeError::FieldNotEmpty);
        }
        let outcome = slot(input)?;
        let last_pool = match flags & FLAG_LAST_POOL {
            0 => None,
            _ => Some(decode_pool(input)?),
        };
        let pools = rest(input)?;
        if !pools.len().is_multiple_of(POOL_LEN) {
            return Err(DecodeError::Truncated);
        }
        Ok(Self::Taken {
            is_empty_wanted: flags & FLAG_EMPTY_WANTED != 0,
            outcome,
            pools: Pools::Encoded(pools),
            last_pool,
        })
    }

    /// Reads what stands outside the pool's lines, and what is done to a slot that is open.
    fn decode_outside_or_open(kind: u8, input: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(match kind {
            11 => return Self::decode_forced(input),
            12 => Self::ForcedTooLarge {
                rollup: RollupId::new(input.u32()?),
                id: TxId::new(input.array()?),
                index: InboxIndex::new(input.u64()?),
                outcome: code(input)?,
            },
            13 => return Self::decode_bundle(input),
            14 => Self::BundleMisshapen {
                outcome: code(input)?,
            },
            15 => Self::SlotOpened {
                height: Height::new(input.u64()?),
            },
            16 => Self::SliceAdded {
                room: SliceRoom {
                    count: input.u32()?,
                    bytes: input.u32()?,
                    gas: input.u64()?,
                },
                count: input.u32()?,
                running_hash: Hash::new(input.array()?),
            },
            17 => Self::SetFixed {
                is_empty_wanted: flag(input)?,
                outcome: slot(input)?,
            },
            18 => {
                let (has_seed, seed) = (flag(input)?, Hash::new(input.array()?));
                if !has_seed && seed != Hash::ZERO {
                    return Err(DecodeError::FieldNotEmpty);
                }
                Self::Sealed {
                    seed: has_seed.then_some(seed),
                    hash: Hash::new(input.array()?),
                }
            }
            19 => Self::Drained {
                time: UnixNs::new(input.u64()?),
                outcome: slot(input)?.ok_or(DecodeError::FieldNotEmpty)?,
                bytes: rest(input)?,
            },
            20 => Self::LogMarked {
                id: TxId::new(input.array()?),
                is_logged: flag(input)?,
            },
            21 => Self::ContextSet {
                next_membership: Hash::new(input.array()?),
                state_root: Hash::new(input.array()?),
                changes: rest(input)?,
            },
            22 => Self::Adopted {
                outcome: slot(input)?,
                bytes: rest(input)?,
            },
            _ => return Err(DecodeError::UnknownKind),
        })
    }

    fn decode_forced(input: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let index = InboxIndex::new(input.u64()?);
        let deadline = UnixNs::new(input.u64()?);
        let flags = input.u8()?;
        if flags & !FLAG_ACCOUNT_NONCE != 0 {
            return Err(DecodeError::FieldNotEmpty);
        }
        let account_nonce = account_nonce(flags, input)?;
        let outcome = code(input)?;
        let canonical = rest(input)?;
        Transaction::decode(canonical, u32::MAX)?;
        Ok(Self::ForcedSubmitted {
            index,
            deadline,
            account_nonce,
            outcome,
            canonical,
        })
    }

    fn decode_bundle(input: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let expiry = UnixNs::new(input.u64()?);
        let outcome = code(input)?;
        let blamed = input.u8()?.checked_sub(1).map(u32::from);
        let count = usize::from(input.u8()?);
        let legs = Legs::Encoded(rest(input)?);
        if legs.decoded()?.len() != count {
            return Err(DecodeError::Truncated);
        }
        Ok(Self::BundleSubmitted {
            expiry,
            outcome,
            blamed,
            legs,
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

/// Reads height and hash; nothing where both are zero.
fn slot(input: &mut Reader<'_>) -> Result<Option<(Height, Hash)>, DecodeError> {
    let (height, hash) = (Height::new(input.u64()?), Hash::new(input.array()?));
    let is_slot = height != Height::ZERO;
    if !is_slot && hash != Hash::ZERO {
        return Err(DecodeError::FieldNotEmpty);
    }
    Ok(is_slot.then_some((height, hash)))
}

fn account_nonce(flags: u8, input: &mut Reader<'_>) -> Result<Option<Nonce>, DecodeError> {
    let nonce = input.u64()?;
    let has_nonce = flags & FLAG_ACCOUNT_NONCE != 0;
    if !has_nonce && nonce != 0 {
        return Err(DecodeError::FieldNotEmpty);
    }
    Ok(has_nonce.then(|| Nonce::new(nonce)))
}

fn code(input: &mut Reader<'_>) -> Result<Code, DecodeError> {
    Code::from_number(input.u16()?).ok_or(DecodeError::UnknownKind)
}

fn rest<'a>(input: &mut Reader<'a>) -> Result<&'a [u8], DecodeError> {
    input.bytes(input.rest().len())
}

//! Writes a record.

use super::body::encode_pool;
use super::{
    FIELDS_LEN_MAX, FLAG_ACCOUNT_NONCE, FLAG_EMPTY_WANTED, FLAG_HINT, FLAG_LANE, FLAG_LAST_POOL,
    FLAG_LOGGED, Record,
};
use crate::codec::{EncodeError, Writer};
use crate::journal::Clocks;
use crate::types::{Hash, Height, Nonce, TradeHint};

impl Record<'_> {
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
                is_logged,
                account_nonce,
                origin,
                hint,
                outcome,
                canonical: _,
            } => {
                let lane = if is_from_lane { FLAG_LANE } else { 0 };
                let nonce = account_nonce.map_or(0, |_| FLAG_ACCOUNT_NONCE);
                let trade = hint.map_or(0, |_| FLAG_HINT);
                let logged = if is_logged { FLAG_LOGGED } else { 0 };
                out.u8(lane | nonce | trade | logged)?;
                out.u64(account_nonce.map_or(0, Nonce::get))?;
                out.u32(origin)?;
                out.u16(outcome.number())?;
                hint.map_or(Ok(()), |hint| write_hint(&hint, out))
            }
            Self::TooLong => Ok(()),
            Self::Taken {
                is_empty_wanted,
                outcome,
                pools: _,
                last_pool,
            } => {
                let empty = if is_empty_wanted {
                    FLAG_EMPTY_WANTED
                } else {
                    0
                };
                out.u8(empty | last_pool.map_or(0, |_| FLAG_LAST_POOL))?;
                write_slot(outcome, out)?;
                last_pool.map_or(Ok(()), |pool| out.bytes(&encode_pool(&pool)))
            }
            Self::Acknowledged { height } => out.u64(height.get()),
            Self::RolledBack { height, slot_count } => {
                out.u64(height.get())?;
                out.u32(slot_count)
            }
            Self::UnreadyExpired { .. }
            | Self::Cancelled { .. }
            | Self::NonceCancelled { .. }
            | Self::LogMarked { .. }
            | Self::ContextSet { .. }
            | Self::PressureSet { .. } => self.write_verb(out),
            Self::Drained {
                time,
                outcome,
                bytes: _,
            } => {
                out.u64(time.get())?;
                write_slot(Some(outcome), out)
            }
            Self::Adopted { outcome, bytes: _ } => write_slot(outcome, out),
            _ => self.write_outside_or_open(out),
        }
    }

    /// The same for verbs that no slot is part of.
    fn write_verb(&self, out: &mut Writer<'_>) -> Result<(), EncodeError> {
        match *self {
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
            Self::LogMarked { id, is_logged } => {
                out.bytes(id.as_bytes())?;
                out.u8(u8::from(is_logged))
            }
            Self::ContextSet {
                next_membership,
                state_root,
                changes: _,
            } => {
                out.bytes(next_membership.as_bytes())?;
                out.bytes(state_root.as_bytes())
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
            _ => Ok(()),
        }
    }

    /// The same for what stands outside the pool's lines, and for a slot that is open.
    fn write_outside_or_open(&self, out: &mut Writer<'_>) -> Result<(), EncodeError> {
        match *self {
            Self::ForcedSubmitted {
                index,
                deadline,
                account_nonce,
                outcome,
                canonical: _,
            } => {
                out.u64(index.get())?;
                out.u64(deadline.get())?;
                out.u8(account_nonce.map_or(0, |_| FLAG_ACCOUNT_NONCE))?;
                out.u64(account_nonce.map_or(0, Nonce::get))?;
                out.u16(outcome.number())
            }
            Self::ForcedTooLarge {
                rollup,
                id,
                index,
                outcome,
            } => {
                out.u32(rollup.get())?;
                out.bytes(id.as_bytes())?;
                out.u64(index.get())?;
                out.u16(outcome.number())
            }
            Self::BundleSubmitted {
                expiry,
                outcome,
                blamed,
                legs,
            } => {
                out.u64(expiry.get())?;
                out.u16(outcome.number())?;
                out.u8(blamed.map_or(0, |leg| leg.saturating_add(1) as u8))?;
                out.u8(legs.count() as u8)
            }
            Self::BundleMisshapen { outcome } => out.u16(outcome.number()),
            Self::SlotOpened { height } => out.u64(height.get()),
            Self::SliceAdded {
                room,
                count,
                running_hash,
            } => {
                out.u32(room.count)?;
                out.u32(room.bytes)?;
                out.u64(room.gas)?;
                out.u32(count)?;
                out.bytes(running_hash.as_bytes())
            }
            Self::SetFixed {
                is_empty_wanted,
                outcome,
            } => {
                out.u8(u8::from(is_empty_wanted))?;
                write_slot(outcome, out)
            }
            Self::Sealed { seed, hash } => {
                out.u8(u8::from(seed.is_some()))?;
                out.bytes(seed.unwrap_or(Hash::ZERO).as_bytes())?;
                out.bytes(hash.as_bytes())
            }
            _ => Ok(()),
        }
    }
}

fn write_hint(hint: &TradeHint, out: &mut Writer<'_>) -> Result<(), EncodeError> {
    out.bytes(hint.pool.as_bytes())?;
    out.u8(hint.side.byte())?;
    out.u128(hint.amount)
}

/// Writes height and hash; both are zero where there is none.
fn write_slot(slot: Option<(Height, Hash)>, out: &mut Writer<'_>) -> Result<(), EncodeError> {
    let (height, hash) = slot.unwrap_or_default();
    out.u64(height.get())?;
    out.bytes(hash.as_bytes())
}

//! Receipts as bytes.

use super::{Opening, Place, Receipt, ReceiptError};
use crate::codec::{DecodeError, EncodeError, Reader, Writer};
use crate::config::Policy;
use crate::crypto::merkle::{LEVEL_COUNT_MAX, Proof};
use crate::crypto::signature::{SIGNATURE_BYTES, Suite};
use crate::types::{Epoch, Hash, Height, LogPosition, RollupId, Round, TxId, UnixNs};

/// The version of the encoding.
const VERSION: u8 = 1;
/// Bytes before the opening's own fields.
const HEADER_LEN: usize = 148;

impl<'a> Receipt<'a> {
    /// Bytes of the longest receipt.
    pub const LEN_MAX: usize = HEADER_LEN + 10 + LEVEL_COUNT_MAX * 3 * Hash::LEN + SIGNATURE_BYTES;

    /// Writes its bytes.
    ///
    /// # Errors
    /// [`EncodeError::BufferTooSmall`]: [`Receipt::LEN_MAX`] bytes are enough.
    pub fn encode(&self, out: &mut Writer<'_>) -> Result<(), EncodeError> {
        out.u8(VERSION)?;
        out.u8(self.suite.number())?;
        out.u8(self.place.kind())?;
        out.u32(self.rollup.get())?;
        out.u8(self.policy.byte())?;
        out.u64(self.policy.parameter())?;
        out.u64(self.epoch.get())?;
        out.u64(self.height.get())?;
        out.u32(self.round.get())?;
        out.u64(self.place.number())?;
        out.bytes(self.id.as_bytes())?;
        out.bytes(self.running_hash.as_bytes())?;
        out.u64(self.deadline.get())?;
        match &self.opening {
            Opening::Slice {
                before,
                slice,
                proof,
            } => {
                out.bytes(before.as_bytes())?;
                out.u16(*slice)?;
                out.u32(u32::try_from(proof.leaf_count).unwrap_or(u32::MAX))?;
                out.u32(u32::try_from(proof.position).unwrap_or(u32::MAX))?;
                let mut siblings = proof.siblings.iter();
                siblings.try_for_each(|sibling| out.bytes(sibling.as_bytes()))?;
            }
            Opening::Entry {
                before,
                sealed,
                body_bytes,
            } => {
                out.bytes(before.as_bytes())?;
                out.u8(u8::from(*sealed))?;
                out.u32(*body_bytes)?;
            }
        }
        out.bytes(self.signature)
    }

    /// Reads a receipt off the front of `input`. Whether it holds together and is signed,
    /// [`Receipt::verify`] says.
    ///
    /// ```text
    ///   0  version        1   1
    ///   1  suite          1   1 = ML-DSA-65, 2 = Dilithium3
    ///   2  kind           1   1 = position, 2 = log index
    ///   3  rollup         4
    ///   7  policy         1   1 to 5 for a position, 6 or 7 for an index
    ///   8  parameter      8
    ///  16  epoch          8
    ///  24  height         8
    ///  32  round          4   0 for an index
    ///  36  place          8   a position has at most 2^32-1
    ///  44  id            32
    ///  76  running hash  32
    /// 108  deadline       8
    /// 116  before        32   the running hash before the slice, or before the entry
    /// 148  opening            1: slice 2, transactions of the slice 4 (at most 2^20), place in
    ///                            the slice 4, siblings of the Merkle proof, 32 each
    ///                         2: sealed 1, body bytes 4
    ///      signature  3,309
    /// ```
    ///
    /// # Errors
    /// One for each way in which bytes can fail to be one: see [`ReceiptError`].
    pub fn decode(input: &mut Reader<'a>) -> Result<Self, ReceiptError> {
        input.version(VERSION)?;
        let suite = Suite::from_number(input.u8()?).ok_or(ReceiptError::UnknownSuite)?;
        let kind = input.u8()?;
        if !(1..=2).contains(&kind) {
            return Err(ReceiptError::UnknownPlace);
        }
        let rollup = RollupId::new(input.u32()?);
        let policy = Policy::from_byte(input.u8()?).ok_or(ReceiptError::UnknownPolicy)?;
        let policy = policy.with_parameter(input.u64()?);
        let policy = policy.ok_or(ReceiptError::ParameterOutOfRange)?;
        if policy.orders_by_logs() != (kind == 2) {
            return Err(ReceiptError::UnknownPlace);
        }
        let epoch = Epoch::new(input.u64()?);
        let height = Height::new(input.u64()?);
        let round = Round::new(input.u32()?);
        let place = input.u64()?;
        let id = TxId::new(input.array()?);
        let running_hash = Hash::new(input.array()?);
        let deadline = UnixNs::new(input.u64()?);
        let before = Hash::new(input.array()?);
        let (place, opening) = if kind == 1 {
            let position = u32::try_from(place).map_err(|_| ReceiptError::FieldNotEmpty)?;
            (Place::Position(position), decode_slice(before, input)?)
        } else {
            if round != Round::ZERO {
                return Err(ReceiptError::FieldNotEmpty);
            }
            let index = LogPosition::new(place);
            (Place::LogIndex(index), decode_entry(before, input)?)
        };
        let signature = input.bytes(SIGNATURE_BYTES)?.first_chunk();
        Ok(Self {
            suite,
            rollup,
            policy,
            epoch,
            height,
            round,
            place,
            id,
            running_hash,
            deadline,
            opening,
            signature: signature.ok_or(ReceiptError::Truncated)?,
        })
    }
}

fn decode_slice(before: Hash, input: &mut Reader<'_>) -> Result<Opening, DecodeError> {
    let slice = input.u16()?;
    let leaf_count = u64::from(input.u32()?);
    let position = u64::from(input.u32()?);
    let count = Proof::sibling_count(leaf_count, position);
    let mut siblings = heapless::Vec::new();
    for _ in 0..count.ok_or(DecodeError::LengthOverLimit)? {
        let pushed = siblings.push(Hash::new(input.array()?));
        pushed.map_err(|_| DecodeError::LengthOverLimit)?;
    }
    Ok(Opening::Slice {
        before,
        slice,
        proof: Proof {
            leaf_count,
            position,
            siblings,
        },
    })
}

fn decode_entry(before: Hash, input: &mut Reader<'_>) -> Result<Opening, DecodeError> {
    let sealed = match input.u8()? {
        0 => false,
        1 => true,
        _ => return Err(DecodeError::FieldNotEmpty),
    };
    Ok(Opening::Entry {
        before,
        sealed,
        body_bytes: input.u32()?,
    })
}

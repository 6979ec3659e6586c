//! The canonical bytes of a transaction.

use super::{DecodeError, EncodeError, Reader, Writer};
use crate::types::{
    Address, Envelope, Fee, Gas, Nonce, RollupId, Transaction, TransactionKind, UnixNs,
};

const VERSION: u8 = 1;

impl Envelope {
    /// Writes the fixed part of a transaction whose payload has `payload_len` bytes.
    ///
    /// # Errors
    /// [`EncodeError::BufferTooSmall`].
    pub fn encode_header(&self, payload_len: u32, out: &mut Writer<'_>) -> Result<(), EncodeError> {
        out.u8(VERSION)?;
        out.u8(self.kind.byte())?;
        out.u32(self.rollup.get())?;
        out.bytes(self.sender.as_bytes())?;
        out.bytes(self.recipient.as_bytes())?;
        out.u128(self.amount)?;
        out.u64(self.nonce.get())?;
        out.u64(self.fee.get())?;
        out.u64(self.gas.get())?;
        out.u64(self.expiry.get())?;
        out.u32(payload_len)
    }
}

impl<'a> Transaction<'a> {
    /// Bytes of the canonical encoding before the payload.
    pub const HEADER_LEN: u32 = 98;

    /// Bytes of the canonical encoding.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        self.payload.len().saturating_add(Self::HEADER_LEN as usize)
    }

    /// Writes the canonical bytes.
    ///
    /// # Errors
    /// [`EncodeError::BufferTooSmall`]; also for a payload of 4 GiB and more.
    pub fn encode(&self, out: &mut Writer<'_>) -> Result<(), EncodeError> {
        let payload_len =
            u32::try_from(self.payload.len()).map_err(|_| EncodeError::BufferTooSmall)?;
        self.envelope.encode_header(payload_len, out)?;
        out.bytes(self.payload)
    }

    /// Reads a transaction off the front of `input`; the payload stays where it is.
    ///
    /// # Errors
    /// A [`DecodeError`] that says what is wrong with the bytes.
    pub fn decode_from(
        input: &mut Reader<'a>,
        payload_bytes_max: u32,
    ) -> Result<Self, DecodeError> {
        input.version(VERSION)?;
        let kind = TransactionKind::from_byte(input.u8()?).ok_or(DecodeError::UnknownKind)?;
        let envelope = Envelope {
            kind,
            rollup: RollupId::new(input.u32()?),
            sender: Address::new(input.array()?),
            recipient: Address::new(input.array()?),
            amount: input.u128()?,
            nonce: Nonce::new(input.u64()?),
            fee: Fee::new(input.u64()?),
            gas: Gas::new(input.u64()?),
            expiry: UnixNs::new(input.u64()?),
        };
        let payload_len = input.u32()?;
        if payload_len > payload_bytes_max {
            return Err(DecodeError::LengthOverLimit);
        }
        let payload = input.bytes(payload_len as usize)?;
        Ok(Self { envelope, payload })
    }

    /// Reads a transaction that is all of `bytes`.
    ///
    /// # Errors
    /// A [`DecodeError`] that says what is wrong with the bytes.
    pub fn decode(bytes: &'a [u8], payload_bytes_max: u32) -> Result<Self, DecodeError> {
        let mut input = Reader::new(bytes);
        let transaction = Self::decode_from(&mut input, payload_bytes_max)?;
        input.finish()?;
        Ok(transaction)
    }
}

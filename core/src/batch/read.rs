//! Takes a slot's bytes apart.

use super::{Evidence, SlotHeader, SubBatchHeader};
use crate::codec::{DecodeError, Reader};
use crate::limits::Limits;
use crate::types::{Arrival, Transaction};

/// Reads a slot front to back. It checks the form of the bytes, not what they say.
#[derive(Clone, Copy, Debug)]
pub struct SlotReader<'a> {
    header: SlotHeader,
    input: Reader<'a>,
    sub_batches_left: u16,
    payload_bytes_max: u32,
    count_max: u32,
}

impl<'a> SlotReader<'a> {
    /// Reads the slot's header.
    ///
    /// # Errors
    /// A [`DecodeError`] that says what is wrong with the bytes.
    pub fn new(bytes: &'a [u8], limits: &Limits) -> Result<Self, DecodeError> {
        let mut input = Reader::new(bytes);
        let header = SlotHeader::decode(&mut input)?;
        Ok(Self {
            header,
            input,
            sub_batches_left: header.sub_batch_count,
            payload_bytes_max: limits.payload_bytes_max,
            count_max: limits.slot_count_max,
        })
    }

    /// The slot's header.
    #[must_use]
    pub const fn header(&self) -> &SlotHeader {
        &self.header
    }

    /// Reads the next sub-batch; nothing after the last, where the bytes must end too.
    ///
    /// # Errors
    /// A [`DecodeError`] that says what is wrong with the bytes.
    pub fn next_sub_batch(&mut self) -> Result<Option<SubBatch<'a>>, DecodeError> {
        let Some(left) = self.sub_batches_left.checked_sub(1) else {
            return self.input.finish().map(|()| None);
        };
        self.sub_batches_left = left;
        let header = SubBatchHeader::decode(&mut self.input)?;
        if header.counts.pool > self.count_max {
            return Err(DecodeError::LengthOverLimit);
        }
        let body = self.input;
        for _ in 0..header.counts.pool {
            Transaction::decode_from(&mut self.input, self.payload_bytes_max)?;
        }
        let body_len = body.rest().len().saturating_sub(self.input.rest().len());
        let transactions = body.rest().get(..body_len).ok_or(DecodeError::Truncated)?;
        let evidence = Evidence::decode(&mut self.input, &header, self.header.slice_count)?;
        let payload_bytes_max = self.payload_bytes_max;
        Ok(Some(SubBatch {
            header,
            transactions,
            evidence,
            payload_bytes_max,
        }))
    }
}

/// One rollup's part of a slot.
#[derive(Clone, Copy, Debug)]
pub struct SubBatch<'a> {
    /// Its header.
    pub header: SubBatchHeader,
    /// The canonical bytes of its transactions, one after another.
    pub transactions: &'a [u8],
    /// What the policy's verifier needs beside them.
    pub evidence: Evidence<'a>,
    payload_bytes_max: u32,
}

impl<'a> SubBatch<'a> {
    /// Its transactions in their order, each with its canonical bytes and its recorded arrival.
    pub fn iter(&self) -> impl Iterator<Item = (&'a [u8], Transaction<'a>, Arrival)> {
        let mut input = Reader::new(self.transactions);
        let mut arrivals = self.evidence.arrivals();
        let payload_bytes_max = self.payload_bytes_max;
        core::iter::from_fn(move || {
            let before = input.rest();
            let transaction = Transaction::decode_from(&mut input, payload_bytes_max).ok()?;
            let canonical = before.get(..transaction.encoded_len())?;
            Some((canonical, transaction, arrivals.next()?))
        })
    }
}

//! Takes a slot's bytes apart.

use super::{Evidence, SlotHeader, SubBatchHeader};
use crate::codec::{DecodeError, Reader};
use crate::limits::Limits;
use crate::sequencer::{Change, ChangeError};
use crate::types::{Arrival, Transaction};

/// Reads a slot front to back. It checks the form of the bytes, not what they say.
#[derive(Clone, Copy, Debug)]
pub struct SlotReader<'a> {
    header: SlotHeader,
    changes: &'a [u8],
    input: Reader<'a>,
    sub_batches_left: u16,
    payload_bytes_max: u32,
    count_max: u32,
}

impl<'a> SlotReader<'a> {
    /// Reads the slot's header, and past its membership changes.
    ///
    /// # Errors
    /// A [`DecodeError`] that says what is wrong with the bytes.
    pub fn new(bytes: &'a [u8], limits: &Limits) -> Result<Self, DecodeError> {
        let mut input = Reader::new(bytes);
        let header = SlotHeader::decode(&mut input)?;
        let changes = input.bytes(header.changes_len as usize)?;
        Ok(Self {
            header,
            changes,
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

    /// The bytes of its membership changes, one after another.
    #[must_use]
    pub const fn changes_bytes(&self) -> &'a [u8] {
        self.changes
    }

    /// The changes to the membership that it decides, in their order; nothing follows one that
    /// does not decode. In a slot that was verified all of them do. Whether they are right, the
    /// registry says.
    ///
    /// ```
    /// # use hauptbuch_core::{batch::SlotReader, config::Config, limits::Limits, types::*};
    /// # use hauptbuch_core::coordinator::{TransactionCoordinator, WhenEmpty};
    /// # use hauptbuch_core::{batch::SlotContext, codec::Writer, sequencer::Change};
    /// # let limits = Limits::default();
    /// # let mut own = TransactionCoordinator::new(&Config::default(), &limits).unwrap();
    /// let decided = Change::Suspend(SequencerId::new(3));
    /// let mut bytes = [0; 16];
    /// let mut out = Writer::new(&mut bytes);
    /// decided.encode(&mut out).unwrap();
    /// let context = SlotContext { changes: out.written(), ..SlotContext::NONE };
    /// own.set_slot_context(&context).unwrap();
    /// # let (now, time) = (Tick::new(1), UnixNs::new(1));
    /// let slot = own.take(now, time, WhenEmpty::EmptySlot).unwrap().unwrap();
    ///
    /// let reader = SlotReader::new(slot.bytes, &limits).unwrap();
    /// assert!(reader.changes().eq([Ok(decided)]));
    /// ```
    pub fn changes(&self) -> impl Iterator<Item = Result<Change<'a>, ChangeError>> + use<'a> {
        Change::all_in(self.changes)
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
        if header.counts.total() > self.count_max {
            return Err(DecodeError::LengthOverLimit);
        }
        let forced = self.read_transactions(header.counts.forced)?;
        let transactions = self.read_transactions(header.counts.pool)?;
        let legs = self.read_transactions(header.counts.bundles)?;
        let evidence = Evidence::decode(
            &mut self.input,
            &header,
            self.header.slice_count,
            self.header.sub_batch_count.checked_sub(1) == Some(left),
            self.count_max,
        )?;
        let payload_bytes_max = self.payload_bytes_max;
        Ok(Some(SubBatch {
            header,
            forced,
            transactions,
            legs,
            evidence,
            payload_bytes_max,
        }))
    }
}

impl<'a> SlotReader<'a> {
    /// Reads `count` transactions, and returns their bytes.
    fn read_transactions(&mut self, count: u32) -> Result<&'a [u8], DecodeError> {
        let body = self.input;
        for _ in 0..count {
            Transaction::decode_from(&mut self.input, self.payload_bytes_max)?;
        }
        let len = body.rest().len().saturating_sub(self.input.rest().len());
        body.rest().get(..len).ok_or(DecodeError::Truncated)
    }
}

/// One rollup's part of a slot.
#[derive(Clone, Copy, Debug)]
pub struct SubBatch<'a> {
    /// Its header.
    pub header: SubBatchHeader,
    /// The canonical bytes of its forced inputs, one after another.
    pub forced: &'a [u8],
    /// The canonical bytes of its pool segment's transactions, one after another.
    pub transactions: &'a [u8],
    /// The canonical bytes of its bundles' legs, one after another.
    pub legs: &'a [u8],
    /// What the policy's verifier needs beside them.
    pub evidence: Evidence<'a>,
    payload_bytes_max: u32,
}

impl<'a> SubBatch<'a> {
    /// The transactions of all segments in their order, each with its canonical bytes.
    pub fn all(&self) -> impl Iterator<Item = (&'a [u8], Transaction<'a>)> {
        let payload_bytes_max = self.payload_bytes_max;
        let segments = [self.forced, self.transactions, self.legs];
        segments
            .into_iter()
            .flat_map(move |bytes| transactions(bytes, payload_bytes_max))
    }

    /// Its forced inputs in their order, each with its canonical bytes.
    pub fn forced(&self) -> impl Iterator<Item = (&'a [u8], Transaction<'a>)> {
        transactions(self.forced, self.payload_bytes_max)
    }

    /// The legs of bundles in their order, each with its canonical bytes.
    pub fn legs(&self) -> impl Iterator<Item = (&'a [u8], Transaction<'a>)> {
        transactions(self.legs, self.payload_bytes_max)
    }

    /// The transactions of its pool segment in their order, each with its canonical bytes and its
    /// recorded arrival.
    pub fn iter(&self) -> impl Iterator<Item = (&'a [u8], Transaction<'a>, Arrival)> {
        transactions(self.transactions, self.payload_bytes_max)
            .zip(self.evidence.arrivals())
            .map(|((canonical, transaction), arrival)| (canonical, transaction, arrival))
    }
}

/// The transactions that these bytes hold, which were read before.
fn transactions(
    bytes: &[u8],
    payload_bytes_max: u32,
) -> impl Iterator<Item = (&[u8], Transaction<'_>)> {
    let mut input = Reader::new(bytes);
    core::iter::from_fn(move || {
        let before = input.rest();
        let transaction = Transaction::decode_from(&mut input, payload_bytes_max).ok()?;
        let canonical = before.get(..transaction.encoded_len())?;
        Some((canonical, transaction))
    })
}

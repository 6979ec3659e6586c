//! The memory that carries a transaction across a lane.

use alloc::boxed::Box;
use alloc::vec;

use crate::codec::{EncodeError, Writer};
use crate::limits::{BUFFER_CLASS_COUNT, Limits};
use crate::types::{Nonce, Submission, TradeHint, Transaction};

/// Memory for one transaction's canonical bytes.
///
/// It is made at construction and moves by value: free list, producer, lane, owner, free list.
/// Whoever holds it is the only one who can read or write it.
#[derive(Debug)]
pub(super) struct LaneBuffer {
    bytes: Box<[u8]>,
    /// Invariant: at most `bytes.len()`.
    len: u32,
    /// Invariant: below `BUFFER_CLASS_COUNT`.
    class: u8,
}

impl LaneBuffer {
    fn new(class: u8, capacity: u32) -> Self {
        Self {
            bytes: vec![0; capacity as usize].into_boxed_slice(),
            len: 0,
            class,
        }
    }

    /// The free list that it belongs to.
    pub(super) fn class(&self) -> usize {
        usize::from(self.class)
    }

    /// The canonical bytes of the transaction in it.
    pub(super) fn canonical(&self) -> &[u8] {
        self.bytes.get(..self.len as usize).unwrap_or_default()
    }

    /// Writes the transaction's canonical bytes over what was there.
    fn fill(&mut self, transaction: &Transaction<'_>) -> Result<(), EncodeError> {
        let mut out = Writer::new(&mut self.bytes);
        transaction.encode(&mut out)?;
        self.len = u32::try_from(out.len()).map_err(|_| EncodeError::BufferTooSmall)?;
        Ok(())
    }
}

/// What moves through a lane.
#[derive(Debug)]
pub(super) struct LaneItem {
    pub(super) buffer: LaneBuffer,
    pub(super) account_nonce: Option<Nonce>,
    pub(super) origin: u32,
    pub(super) hint: Option<TradeHint>,
}

impl LaneItem {
    /// Copies the submission into `buffer`; the buffer comes back where it is too small.
    pub(super) fn new(mut buffer: LaneBuffer, from: &Submission<'_>) -> Result<Self, LaneBuffer> {
        match buffer.fill(&from.transaction) {
            Ok(()) => Ok(Self {
                buffer,
                account_nonce: from.account_nonce,
                origin: from.origin,
                hint: from.hint,
            }),
            Err(_) => Err(buffer),
        }
    }
}

/// How many buffers a lane has in each class, and how large they are.
#[derive(Clone, Copy, Debug)]
pub(super) struct BufferClasses {
    pub(super) counts: [u32; BUFFER_CLASS_COUNT],
    pub(super) bytes: [u32; BUFFER_CLASS_COUNT],
}

impl BufferClasses {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            counts: limits.lane_buffer_counts,
            bytes: limits.buffer_bytes(),
        }
    }

    /// Makes one lane's buffers and gives each to `put`.
    pub(super) fn for_each_new(&self, mut put: impl FnMut(LaneBuffer)) {
        for (class, (count, bytes)) in (0..).zip(self.counts.into_iter().zip(self.bytes)) {
            for _ in 0..count {
                put(LaneBuffer::new(class, bytes));
            }
        }
    }

    /// A free buffer of the smallest class that holds `len` bytes and has one.
    ///
    /// `pop` takes one from a class's free list.
    pub(super) fn take<L>(
        &self,
        len: usize,
        lists: impl IntoIterator<Item = L>,
        pop: impl Fn(L) -> Option<LaneBuffer>,
    ) -> Option<LaneBuffer> {
        self.bytes
            .into_iter()
            .zip(lists)
            .filter(|(bytes, _)| len <= *bytes as usize)
            .find_map(|(_, list)| pop(list))
    }
}

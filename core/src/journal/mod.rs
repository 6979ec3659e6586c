//! The journal: every input that changes a coordinator's state, as bytes for the host to keep.
//!
//! A journal is a header and one record after another. The header binds the network, the limits
//! and the snapshot that it starts from. Each record ends with a checksum over itself and the
//! checksum before it, so that none can be changed, dropped, repeated or moved unnoticed.
//!
//! Records wait in a buffer of fixed size until the host has drained them. Whoever is about to
//! write one asks for room first, and does nothing where there is none. A host that must not lose
//! what it acted upon drains the journal, and makes it durable, before it acts on what a call
//! returned.
//!
//! Two things are gathered rather than written each time, because they are frequent and small:
//! how many events were read, and clocks that moved without anything else. Both go into the next
//! record, or one of their own when the journal is drained.
//!
//! Each method that changes a coordinator has a record of its own; there is none that a journal
//! leaves out. What a record can hold is bounded by [`Limits::journal_bytes_min`]: what is too
//! large for any slot is recorded by its identity or its refusal alone, and of the pools that a
//! host tells of only those that the slot looked at.
//!
//! Cost: a copy and a hash of each record; a branch where the journal is off.
//!
//! What it does not do: it performs no I/O, and does not read journals; that is for
//! [`snapshot`](mod@crate::snapshot).

mod buffer;
mod header;
mod identity;
mod record;
#[cfg(test)]
mod tests;

pub use header::HEADER_LEN;
pub(crate) use header::{Header, VERSION};
pub(crate) use identity::Identity;
pub(crate) use record::{Legs, Pools, Record, SliceRoom, Stamped, decode_stamped};

use crate::crypto::hash::{Domain, Hasher};
use crate::limits::{JournalBytes, Limits};
use crate::types::{Hash, Tick, UnixNs};
use buffer::ByteRing;

/// Both clocks of a coordinator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Clocks {
    /// The local clock.
    pub now: Tick,
    /// The agreed time.
    pub time: UnixNs,
}

// `Limits` stands a floor below, and has to know what records take.
const _: () = {
    assert!(JournalBytes::HEAD == (HEADER_LEN + record::GATHERED_LEN) as u64);
    assert!(JournalBytes::SUBMITTED == record::SUBMITTED_OVERHEAD_LEN as u64);
    assert!(JournalBytes::TAKEN == record::TAKEN_OVERHEAD_LEN as u64);
    assert!(JournalBytes::POOL == record::POOL_LEN as u64);
    assert!(JournalBytes::BUNDLE == record::BUNDLE_OVERHEAD_LEN as u64);
    assert!(JournalBytes::LEG == record::LEG_OVERHEAD_LEN as u64);
    assert!(JournalBytes::CONTEXT == record::CONTEXT_OVERHEAD_LEN as u64);
};

/// Records that wait to be drained.
#[derive(Debug)]
pub(crate) struct Journal {
    buffer: ByteRing,
    /// The checksum of the last record, or of the header.
    chain: Hash,
    /// The clocks of the last record, or those that the journal started with.
    recorded: Clocks,
    /// Events that were read since the last record.
    read_count: u32,
    /// While a journal is being replayed, nothing is written.
    is_paused: bool,
}

impl Journal {
    /// Makes an empty journal; one without memory is off for good.
    pub fn new(limits: &Limits) -> Self {
        Self {
            buffer: ByteRing::new(limits.journal_bytes_max),
            chain: Hash::ZERO,
            recorded: Clocks::default(),
            read_count: 0,
            is_paused: false,
        }
    }

    /// The bytes that [`Journal::new`] takes.
    pub const fn footprint_bytes(limits: &Limits) -> u64 {
        limits.journal_bytes_max as u64
    }

    /// Whether records are written.
    pub const fn is_on(&self) -> bool {
        self.buffer.capacity() > 0 && !self.is_paused
    }

    /// Bytes that wait to be drained.
    pub const fn len(&self) -> usize {
        self.buffer.len()
    }

    /// Whether there is room for the record of a transaction with this many canonical bytes, and
    /// a trade.
    pub fn has_room_for(&self, canonical_len: usize) -> bool {
        self.fits(canonical_len.saturating_add(record::SUBMITTED_OVERHEAD_LEN))
    }

    /// Whether there is room for the record of a slot that trades with this many pools.
    pub fn has_room_for_pools(&self, pool_count: usize) -> bool {
        let pools = pool_count.saturating_mul(record::POOL_LEN);
        self.fits(record::TAKEN_OVERHEAD_LEN.saturating_add(pools))
    }

    /// Whether there is room for a record.
    pub fn has_room(&self, record: &Record<'_>) -> bool {
        self.fits(record.encoded_len())
    }

    /// Whether there is room for a record of `len` bytes beside what was gathered.
    const fn fits(&self, len: usize) -> bool {
        if !self.is_on() {
            return true;
        }
        let gathered = if self.read_count > 0 {
            record::GATHERED_LEN
        } else {
            0
        };
        len.saturating_add(gathered) <= self.buffer.room()
    }

    /// Whether its buffer can hold a record of `len` bytes at all, behind what is gathered.
    pub const fn can_hold(&self, len: usize) -> bool {
        let with_gathered = len.saturating_add(record::GATHERED_LEN);
        !self.is_on() || with_gathered <= self.buffer.capacity()
    }

    /// Starts a journal behind `header`. Whatever waited is gone.
    pub fn start(&mut self, header: &Header, clocks: Clocks) {
        self.buffer.clear();
        self.resume(header.checksum(), clocks);
        if self.is_on() {
            self.buffer.push(&header.encode());
        }
    }

    /// Goes on behind a journal that was read up to the checksum `chain`; nothing waits then.
    pub fn go_on(&mut self, chain: Hash, clocks: Clocks) {
        self.buffer.clear();
        self.resume(chain, clocks);
    }

    /// Writes nothing until [`Journal::go_on`].
    pub const fn pause(&mut self) {
        self.is_paused = true;
    }

    /// Notes that an event was read.
    pub const fn note_read(&mut self) {
        if self.is_on() {
            self.read_count = self.read_count.saturating_add(1);
        }
    }

    /// Writes a record. Whoever calls has asked for room.
    pub fn write(&mut self, record: &Record<'_>, clocks: Clocks) {
        if !self.is_on() {
            return;
        }
        if self.read_count > 0 {
            let count = core::mem::take(&mut self.read_count);
            let recorded = self.recorded;
            self.append(&Record::Gathered { read_count: count }, recorded);
        }
        self.append(record, clocks);
    }

    /// Copies what waits to the front of `out`, as much as fits, and returns how many bytes.
    pub fn drain(&mut self, out: &mut [u8], clocks: Clocks) -> usize {
        let has_gathered = self.read_count > 0 || clocks != self.recorded;
        let gathered = Record::Gathered {
            read_count: self.read_count,
        };
        if self.is_on() && has_gathered && gathered.encoded_len() <= self.buffer.room() {
            self.read_count = 0;
            self.append(&gathered, clocks);
        }
        self.buffer.pop(out)
    }

    fn append(&mut self, record: &Record<'_>, clocks: Clocks) {
        let mut fields = [0; record::FIELDS_LEN_MAX];
        let fields = record.encode_fields(clocks, &mut fields);
        let mut hasher = Hasher::new(Domain::JOURNAL);
        hasher.update(self.chain.as_bytes());
        let buffer = &mut self.buffer;
        let mut put = |part: &[u8]| {
            hasher.update(part);
            buffer.push(part);
        };
        put(fields);
        record.body().for_each_part(put);
        self.chain = hasher.finish();
        self.recorded = clocks;
        self.buffer.push(self.chain.as_bytes());
    }

    const fn resume(&mut self, chain: Hash, clocks: Clocks) {
        self.chain = chain;
        self.recorded = clocks;
        self.read_count = 0;
        self.is_paused = false;
    }
}

/// The checksum of a record with these bytes behind the checksum `before`.
pub(crate) fn chained(before: Hash, content: &[u8]) -> Hash {
    let mut hasher = Hasher::new(Domain::JOURNAL);
    hasher.update(before.as_bytes());
    hasher.update(content);
    hasher.finish()
}

//! The log that an honest member writes.

mod state;

pub use state::newest_log_record;

use alloc::boxed::Box;

use super::extension::{Parts, write_extension};
use super::{Entry, LogId, LogSigner, Point, ReceiveLogLimits, Statement, next_running_hash};
use crate::bounded::{fixed_slice, fixed_slice_bytes};
use crate::codec::{EncodeError, Reader, Writer};
use crate::crypto::hash::{Domain, hash};
use crate::error::operation_error;
use crate::types::{Epoch, Hash, Height, LogPosition, UnixNs};

const RECORD_VERSION: u8 = 1;
const RECORD_FIELDS_LEN: usize = 75;

operation_error! {
    /// Why one's own log does not go on; nothing changed.
    OwnLogError { LogFull, LogBaseTooLow, LogLost, BufferTooSmall, SigningFailed }
}

operation_error! {
    /// Why a record is not taken.
    RecordError { Corrupt, UnsupportedVersion }
}

/// How far a member signed its log: what must be durable, together with the extension's bytes,
/// before those bytes leave the node.
///
/// A member that starts again from its newest record signs no second thing for one position. One
/// that has lost it signs nothing before the next epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnRecord {
    /// Which log.
    pub log: LogId,
    /// Where the newest signature ends.
    pub end: Point,
    /// The base under which it was signed.
    pub base: Height,
    /// The last stamp.
    pub stamp: UnixNs,
}

impl OwnRecord {
    /// Bytes of a record, its checksum included.
    pub const LEN: usize = RECORD_FIELDS_LEN + Hash::LEN;

    /// Its bytes.
    #[must_use]
    pub fn encode(&self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        let mut out = Writer::new(&mut bytes);
        let written = self.write(&mut out);
        let checksum = hash(Domain::LOG_RECORD, out.written());
        let written = written.and_then(|()| out.bytes(checksum.as_bytes()));
        debug_assert!(written.is_ok(), "LEN is a record's length");
        bytes
    }

    fn write(&self, out: &mut Writer<'_>) -> Result<(), EncodeError> {
        out.u8(RECORD_VERSION)?;
        out.u64(self.log.chain_id)?;
        out.u64(self.log.epoch.get())?;
        out.u16(self.log.member)?;
        out.u64(self.end.position.get())?;
        out.bytes(self.end.running.as_bytes())?;
        out.u64(self.base.get())?;
        out.u64(self.stamp.get())
    }

    /// Reads a record.
    ///
    /// # Errors
    /// [`RecordError::Corrupt`] where the checksum does not fit, as after a torn write;
    /// [`RecordError::UnsupportedVersion`].
    pub fn decode(bytes: &[u8; Self::LEN]) -> Result<Self, RecordError> {
        let (fields, checksum) = bytes.split_at(RECORD_FIELDS_LEN);
        if hash(Domain::LOG_RECORD, fields).as_bytes() != checksum {
            return Err(RecordError::Corrupt);
        }
        let mut input = Reader::new(fields);
        if input.version(RECORD_VERSION).is_err() {
            return Err(RecordError::UnsupportedVersion);
        }
        Self::read(&mut input).ok_or(RecordError::Corrupt)
    }

    fn read(input: &mut Reader<'_>) -> Option<Self> {
        Some(Self {
            log: LogId {
                chain_id: input.u64().ok()?,
                epoch: Epoch::new(input.u64().ok()?),
                member: input.u16().ok()?,
            },
            end: Point {
                position: LogPosition::new(input.u64().ok()?),
                running: Hash::new(input.array().ok()?),
            },
            base: Height::new(input.u64().ok()?),
            stamp: UnixNs::new(input.u64().ok()?),
        })
    }
}

/// What a member has logged, up to where it signed and a little further.
///
/// Entries wait until [`OwnLog::extend`] signs them. What was signed is kept by the host, and in
/// its [`Extents`](super::Extents) like any other member's.
///
/// Memory: [`OwnLog::footprint_bytes`].
#[derive(Debug)]
pub struct OwnLog {
    record: OwnRecord,
    /// Where the newest decided cut stands in this log.
    decided: LogPosition,
    /// Invariant: at most `extent_entries_max` entries beyond `decided`, these included.
    waiting: Box<[Entry]>,
    waiting_count: usize,
    /// The last stamp, that of a waiting entry included.
    stamp: UnixNs,
    /// The agreed time of the newest decided slot: no stamp is below it.
    agreed: UnixNs,
    signature: Box<[u8]>,
    /// Whether what was signed is not known any more.
    is_lost: bool,
}

impl OwnLog {
    /// Goes on from a record: of a new log, whose end is [`LogId::start`] at position 0, or the
    /// newest one before a restart. `decided` is where the newest decided cut stands in it.
    #[must_use]
    pub fn new(limits: &ReceiveLogLimits, record: &OwnRecord, decided: LogPosition) -> Self {
        Self {
            record: *record,
            decided,
            waiting: fixed_slice(limits.extent_entries_max as usize, Entry::Closed),
            waiting_count: 0,
            stamp: record.stamp,
            agreed: UnixNs::ZERO,
            signature: fixed_slice(limits.signature_bytes_max as usize, 0),
            is_lost: false,
        }
    }

    /// The bytes that [`OwnLog::new`] takes.
    #[must_use]
    pub const fn footprint_bytes(limits: &ReceiveLogLimits) -> u64 {
        fixed_slice_bytes::<Entry>(limits.extent_entries_max as usize)
            .saturating_add(fixed_slice_bytes::<u8>(limits.signature_bytes_max as usize))
    }

    /// What has to be durable before the newest extension leaves.
    #[must_use]
    pub const fn record(&self) -> &OwnRecord {
        &self.record
    }

    /// Entries that wait for a signature, in their order.
    #[must_use]
    pub fn waiting(&self) -> &[Entry] {
        &self.waiting[..self.waiting_count]
    }

    /// How many more entries the log may take before a further cut is decided.
    #[must_use]
    pub const fn room(&self) -> usize {
        let signed = self.record.end.position.saturating_distance(self.decided);
        let room = self.waiting.len() - self.waiting_count;
        if self.is_lost || signed >= room as u64 {
            0
        } else {
            room - signed as usize
        }
    }

    /// Appends an entry. A stamp below the last one or below the agreed time of the newest decided
    /// slot, as from a clock that is slow or was set back, is logged as the higher of the two.
    ///
    /// Ids take the stamp before them, so a stamp belongs before those of each extension.
    ///
    /// # Errors
    /// [`OwnLogError::LogFull`]: what does not fit waits unlogged until a further cut is decided;
    /// [`OwnLogError::LogLost`].
    pub fn append(&mut self, entry: Entry) -> Result<(), OwnLogError> {
        if self.is_lost {
            return Err(OwnLogError::LogLost);
        }
        if self.room() == 0 {
            return Err(OwnLogError::LogFull);
        }
        let entry = match entry {
            Entry::Stamp(time) => {
                self.stamp = self.stamp.max(time).max(self.agreed);
                Entry::Stamp(self.stamp)
            }
            other => other,
        };
        self.waiting[self.waiting_count] = entry;
        self.waiting_count += 1;
        Ok(())
    }

    /// Signs all that waits, knowing slot `base`, and writes the extension to the front of `out`;
    /// returns its length. Before these bytes leave, they and [`OwnLog::record`] must be durable.
    ///
    /// Without waiting entries it signs the end that was signed before, as a sign of life.
    ///
    /// # Errors
    /// [`OwnLogError::LogBaseTooLow`] below the base signed last, [`OwnLogError::BufferTooSmall`],
    /// [`OwnLogError::SigningFailed`]; the entries go on waiting. [`OwnLogError::LogLost`] where
    /// the member does not know any more what it signed.
    pub fn extend(
        &mut self,
        base: Height,
        signer: &mut impl LogSigner,
        out: &mut [u8],
    ) -> Result<usize, OwnLogError> {
        if self.is_lost {
            return Err(OwnLogError::LogLost);
        }
        let OwnRecord { log, end, .. } = self.record;
        if base < self.record.base {
            return Err(OwnLogError::LogBaseTooLow);
        }
        let waiting = &self.waiting[..self.waiting_count];
        let running = waiting.iter().fold(end.running, |running, entry| {
            next_running_hash(&running, base, entry)
        });
        let position = end.position.saturating_add(waiting.len() as u64);
        let statement = Statement {
            log,
            end: position,
            running,
            base,
        };
        let bytes = statement.bytes(signer.suite());
        let signature = signer
            .sign(&bytes, &mut self.signature)
            .and_then(|len| self.signature.get(..len))
            .ok_or(OwnLogError::SigningFailed)?;
        let parts = Parts {
            log,
            first: end.position,
            previous: end.running,
            base,
            signature,
        };
        let mut out = Writer::new(out);
        let entries = waiting.iter().map(|entry| (base, entry));
        write_extension(&mut out, &parts, entries).map_err(|_| OwnLogError::BufferTooSmall)?;
        self.record = OwnRecord {
            log,
            end: Point { position, running },
            base,
            stamp: self.stamp,
        };
        self.waiting_count = 0;
        Ok(out.len())
    }

    /// A slot was decided: its cut stands at `position` of this log, and `time` is its agreed time.
    pub fn handle_decided(&mut self, position: LogPosition, time: UnixNs) {
        self.decided = self.decided.max(position);
        self.agreed = self.agreed.max(time);
    }
}

//! One's own log as bytes, and back; and what a member does that has lost it.

use super::super::{Entry, LogId, Point, ReceiveLogLimits};
use super::{OwnLog, OwnRecord, RecordError};
use crate::codec::{Reader, Sink, StateError, StateFormat, Writer};
use crate::crypto::hash::Domain;
use crate::receive_log::ENTRY_BYTES_MAX;
use crate::types::{Epoch, Hash, Height, LogPosition, UnixNs};

const FORMAT: StateFormat = StateFormat {
    domain: Domain::OWN_LOG_STATE,
    version: 1,
};

/// The newer of the two records on disk; nothing where none was ever acknowledged.
///
/// The host writes records into two places in turn, so that a torn write spares the other. A place
/// that was never written is given as no bytes, or as zeros.
///
/// # Errors
/// [`RecordError::Corrupt`] where both places were written and neither holds a whole record: only
/// one can have been torn, so the disk lost what it had acknowledged. Such a member is one that has
/// lost its log: see [`OwnLog::resume`].
pub fn newest_log_record(places: [&[u8]; 2]) -> Result<Option<OwnRecord>, RecordError> {
    let mut newest: Option<OwnRecord> = None;
    let mut torn_count = 0;
    for place in places {
        if place.iter().all(|byte| *byte == 0) {
            continue;
        }
        let whole = place.first_chunk().map(OwnRecord::decode);
        match whole {
            Some(Ok(record)) => {
                // Neither end nor base goes back, and a later epoch's log is a new one.
                let age = |record: &OwnRecord| (record.log.epoch, record.end.position, record.base);
                if newest.is_none_or(|newest| age(&record) > age(&newest)) {
                    newest = Some(record);
                }
            }
            _ => torn_count += 1,
        }
    }
    if newest.is_none() && torn_count > 1 {
        return Err(RecordError::Corrupt);
    }
    Ok(newest)
}

impl OwnLog {
    /// Goes on after a restart, with the newest record from disk ([`newest_log_record`]), or with
    /// none where the disk is lost. `decided` is where the newest decided cut stands in the log.
    ///
    /// Without a record of this very log, or with one that ends before what is decided of it, the
    /// member has lost what it signed. Whatever it would sign now could contradict that, so it
    /// signs nothing before the next epoch [rule 19]: see [`OwnLog::is_lost`]. Its place in cuts
    /// stays where it is, and its votes count.
    ///
    /// So a host makes the first record of a new log durable as the epoch begins, before anything
    /// of it is signed.
    #[must_use]
    pub fn resume(
        limits: &ReceiveLogLimits,
        log: LogId,
        record: Option<&OwnRecord>,
        decided: &Point,
    ) -> Self {
        let own = record.filter(|record| {
            let is_stale = record.end.position < decided.position;
            let is_other = record.end.position == decided.position && record.end != *decided;
            record.log == log && !is_stale && !is_other
        });
        let lost = OwnRecord {
            log,
            end: *decided,
            base: Height::ZERO,
            stamp: UnixNs::ZERO,
        };
        let mut resumed = Self::new(limits, own.unwrap_or(&lost), decided.position);
        resumed.is_lost = own.is_none();
        resumed
    }

    /// Whether the member has lost what it signed of this log, so that it signs nothing more of it.
    #[must_use]
    pub const fn is_lost(&self) -> bool {
        self.is_lost
    }

    /// Bytes of the state as it is now, at most 157 and 42 for each entry that waits.
    #[must_use]
    pub fn state_len(&self) -> usize {
        StateFormat::len(|out| self.write_content(out))
    }

    /// Writes the whole state to the front of `out`, entries that wait for a signature included,
    /// and returns how many bytes that took. `docs/formats.md` draws them.
    ///
    /// To be durable before an extension leaves, a record suffices; this is for those that want to
    /// lose nothing at a restart that is meant.
    ///
    /// # Errors
    /// [`StateError::BufferTooSmall`] where `out` is shorter than [`state_len`](Self::state_len);
    /// nothing is written then.
    pub fn write_state(&self, out: &mut [u8]) -> Result<usize, StateError> {
        FORMAT.write(out, |out| self.write_content(out))
    }

    /// Makes a log from its bytes; it goes on as the one that wrote them would have.
    ///
    /// # Errors
    /// [`StateError::Truncated`], [`StateError::TrailingBytes`],
    /// [`StateError::UnsupportedVersion`], [`StateError::Corrupt`] for damaged bytes,
    /// [`StateError::WrongNetwork`] for another log's, [`StateError::WrongSettings`] for those
    /// under other limits, and [`StateError::Inconsistent`] where they contradict themselves.
    pub fn restore(
        limits: &ReceiveLogLimits,
        log: LogId,
        bytes: &[u8],
    ) -> Result<Self, StateError> {
        let mut input = FORMAT.open(bytes)?;
        let own = LogId {
            chain_id: input.u64()?,
            epoch: Epoch::new(input.u64()?),
            member: input.u16()?,
        };
        if own != log {
            return Err(StateError::WrongNetwork);
        }
        if input.u32()? != limits.extent_entries_max {
            return Err(StateError::WrongSettings);
        }
        let record = OwnRecord {
            log,
            end: Point {
                position: LogPosition::new(input.u64()?),
                running: Hash::new(input.array()?),
            },
            base: Height::new(input.u64()?),
            stamp: UnixNs::new(input.u64()?),
        };
        let decided = LogPosition::new(input.u64()?);
        let mut restored = Self::new(limits, &record, decided);
        restored.agreed = UnixNs::new(input.u64()?);
        restored.is_lost = match input.u8()? {
            0 => false,
            1 => true,
            _ => return Err(StateError::Inconsistent),
        };
        restored.read_waiting(&mut input)?;
        input.finish()?;
        Ok(restored)
    }

    fn write_content(&self, out: &mut dyn Sink) {
        let OwnRecord {
            log,
            end,
            base,
            stamp,
        } = self.record;
        out.u64(log.chain_id);
        out.u64(log.epoch.get());
        out.u16(log.member);
        out.u32(self.waiting.len() as u32);
        out.u64(end.position.get());
        out.bytes(end.running.as_bytes());
        out.u64(base.get());
        out.u64(stamp.get());
        out.u64(self.decided.get());
        out.u64(self.agreed.get());
        out.u8(u8::from(self.is_lost));
        out.u32(self.waiting_count as u32);
        for entry in self.waiting() {
            let mut bytes = [0; ENTRY_BYTES_MAX];
            let mut writer = Writer::new(&mut bytes);
            let written = entry.encode(&mut writer);
            debug_assert!(written.is_ok(), "ENTRY_BYTES_MAX holds every entry");
            out.bytes(writer.written());
        }
    }

    fn read_waiting(&mut self, input: &mut Reader<'_>) -> Result<(), StateError> {
        let count = input.u32()? as usize;
        // A lost log takes no entries, and a record has no more than fits.
        let signed = self.record.end.position.saturating_distance(self.decided);
        StateError::unless(signed.saturating_add(count as u64) <= self.waiting.len() as u64)?;
        StateError::unless(count == 0 || !self.is_lost)?;
        for place in self.waiting.iter_mut().take(count) {
            let entry = Entry::decode(input).map_err(|_| StateError::Inconsistent)?;
            if let Entry::Stamp(time) = entry {
                StateError::unless(time >= self.stamp)?;
                self.stamp = time;
            }
            *place = entry;
        }
        self.waiting_count = count;
        Ok(())
    }
}

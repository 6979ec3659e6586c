//! A coordinator's state as bytes, and back; and the journal of what came after.
//!
//! # Promise
//! A coordinator that is restored from a snapshot, and has replayed the journal that followed it,
//! gives the same slots and events as the one that wrote them would have given, byte for byte.
//! `snapshot(restore(s))` is `s`. Bytes that were changed, cut or mixed up are reported, never
//! skipped or guessed at.
//!
//! # How to survive a crash
//! 1. Give the journal a buffer ([`Limits::journal_bytes_max`]). Before acting on what a call
//!    returned, move the journal to a file until
//!    [`poll_journal`](TransactionCoordinator::poll_journal) gives 0, and make that durable.
//! 2. Now and then take a [`checkpoint`](TransactionCoordinator::checkpoint): it writes a snapshot,
//!    and begins a new journal behind it. Keep the old pair until the new snapshot is durable.
//! 3. After a crash [`restore`](TransactionCoordinator::restore) the newest snapshot, and
//!    [`replay`] its journal. A crash in the middle of a write leaves a torn tail: the
//!    [`JournalError`] says up to where all is good. Whoever decides to cut the file there can go
//!    on with the coordinator, which stands exactly at that point.
//!
//! What was in the lanes is not in a snapshot: it was never admitted, and is its producers' to send
//! again. Handles to transactions and registered producers end with the process. Events that were
//! read after the last durable record are read again.
//!
//! # What it holds
//! Everything that a coordinator does, under every policy: waiting transactions, forced inputs and
//! bundles, the slots in flight, and a slot that is open. After a restart its slices are promised
//! again, with the same running hashes, and a set that waits for its seed is asked for with
//! [`fixed_set`](TransactionCoordinator::fixed_set). Every input has a record: of reserves, those
//! of the pools that a slot looked at; of what is too large for any slot, the identity or the
//! refusal.
//!
//! # Cost
//! A snapshot takes one pass over the state, which is written and hashed. To restore is to hash
//! every transaction once more, and to verify every structure. Nothing is allocated but what a new
//! coordinator takes.
//!
//! # What it does not do
//! It performs no I/O. A checksum tells of accidents, not of somebody who writes a whole new file:
//! what decodes and holds together is believed.
//!
//! ```
//! use hauptbuch_core::config::Config;
//! use hauptbuch_core::coordinator::{TransactionCoordinator, WhenEmpty};
//! use hauptbuch_core::limits::Limits;
//! use hauptbuch_core::snapshot::replay;
//! use hauptbuch_core::types::{Tick, UnixNs};
//!
//! let config = Config::default();
//! let limits = Limits { journal_bytes_max: 1 << 21, ..Limits::default() };
//! let mut coordinator = TransactionCoordinator::new(&config, &limits).unwrap();
//! let mut snapshot = vec![0; coordinator.snapshot_len()];
//! coordinator.snapshot(&mut snapshot).unwrap();
//!
//! coordinator.take(Tick::new(1), UnixNs::new(1), WhenEmpty::EmptySlot).unwrap();
//! let mut journal = vec![0; coordinator.journal_len()];
//! coordinator.poll_journal(&mut journal);
//!
//! let mut again = TransactionCoordinator::restore(&config, &limits, &snapshot).unwrap();
//! let replayed = replay(&mut again, &journal).unwrap();
//! assert_eq!(replayed.records, 1);
//! assert_eq!(again.tip(), coordinator.tip());
//! ```

mod error;
mod replay;
#[cfg(test)]
mod tests;

pub use error::{JournalError, JournalFault, RestoreError, SnapshotError};
pub use replay::{Replayed, replay};

use crate::codec::{Filled, Reader};
use crate::config::Config;
use crate::coordinator::{SNAPSHOT_HEAD_LEN, SNAPSHOT_VERSION, TransactionCoordinator};
use crate::crypto::hash::{Domain, hash};
use crate::journal::Identity;
use crate::limits::Limits;
use crate::types::Hash;

impl TransactionCoordinator {
    /// Bytes of a snapshot of the state as it is now. Cost: O(state), without a hash.
    #[must_use]
    pub fn snapshot_len(&self) -> usize {
        self.exported_len()
    }

    /// Writes the whole state to the front of `out`, and returns how many bytes that took.
    ///
    /// The bytes are canonical: equal states give equal bytes. Nothing changes, the journal
    /// included.
    ///
    /// # Errors
    /// [`SnapshotError::BufferTooSmall`] where `out` is shorter than
    /// [`snapshot_len`](TransactionCoordinator::snapshot_len), and [`SnapshotError::Poisoned`];
    /// nothing is written then.
    pub fn snapshot(&self, out: &mut [u8]) -> Result<usize, SnapshotError> {
        self.write_snapshot(out).map(|(len, _)| len)
    }

    /// As [`snapshot`](TransactionCoordinator::snapshot), and begins a new journal behind it: its
    /// header is what [`poll_journal`](TransactionCoordinator::poll_journal) gives next.
    ///
    /// # Errors
    /// A [`SnapshotError`]; [`SnapshotError::JournalNotDrained`] where bytes of the old journal
    /// still wait. Nothing changes then.
    pub fn checkpoint(&mut self, out: &mut [u8]) -> Result<usize, SnapshotError> {
        if self.journal_len() > 0 {
            return Err(SnapshotError::JournalNotDrained);
        }
        let (len, checksum) = self.write_snapshot(out)?;
        self.start_journal(checksum);
        Ok(len)
    }

    /// Makes a coordinator from a snapshot, with all the memory that it will ever use.
    ///
    /// With a journal, that starts behind the snapshot; [`replay`] goes on behind another one.
    ///
    /// # Errors
    /// A [`RestoreError`] that says whether the configuration can't be used, the bytes are damaged,
    /// they belong elsewhere, or they contradict themselves.
    pub fn restore(config: &Config, limits: &Limits, bytes: &[u8]) -> Result<Self, RestoreError> {
        config.check().map_err(RestoreError::Config)?;
        limits
            .check()
            .map_err(|error| RestoreError::Config(error.into()))?;
        let (mut input, checksum) = open(config, limits, bytes)?;
        let mut restored = Self::new(config, limits).map_err(RestoreError::Config)?;
        restored.restore_state(&mut input)?;
        input.finish()?;
        restored.verify()?;
        restored.start_journal(checksum);
        Ok(restored)
    }

    fn write_snapshot(&self, out: &mut [u8]) -> Result<(usize, Hash), SnapshotError> {
        if self.is_poisoned() {
            return Err(SnapshotError::Poisoned);
        }
        let len = self.exported_len();
        let out = out.get_mut(..len).ok_or(SnapshotError::BufferTooSmall)?;
        let content_len = len.saturating_sub(Hash::LEN);
        let (content, checksum_place) = out.split_at_mut(content_len);
        let mut filled = Filled::new(content);
        self.export(len, &mut filled);
        debug_assert_eq!(filled.room(), 0, "the state is as long as it was counted");
        let checksum = hash(Domain::SNAPSHOT, content);
        checksum_place.copy_from_slice(checksum.as_bytes());
        Ok((len, checksum))
    }
}

/// Checks all of a snapshot but its state, and returns a reader of that, and the checksum.
fn open<'a>(
    config: &Config,
    limits: &Limits,
    bytes: &'a [u8],
) -> Result<(Reader<'a>, Hash), RestoreError> {
    let mut input = Reader::new(bytes);
    let version = input.u8().map_err(|_| RestoreError::Truncated)?;
    if version != SNAPSHOT_VERSION {
        return Err(RestoreError::UnsupportedVersion);
    }
    let len = input.u64().map_err(|_| RestoreError::Truncated)?;
    if len > bytes.len() as u64 {
        return Err(RestoreError::Truncated);
    }
    if len < bytes.len() as u64 {
        return Err(RestoreError::TrailingBytes);
    }
    let (content, checksum) = bytes
        .split_last_chunk::<{ Hash::LEN }>()
        .filter(|(content, _)| content.len() >= SNAPSHOT_HEAD_LEN)
        .ok_or(RestoreError::Truncated)?;
    let checksum = Hash::new(*checksum);
    if hash(Domain::SNAPSHOT, content) != checksum {
        return Err(RestoreError::Corrupt);
    }
    let own = Identity::new(config, limits);
    let state = content.get(SNAPSHOT_HEAD_LEN..).unwrap_or_default();
    let genesis = Hash::new(input.array().map_err(|_| RestoreError::Truncated)?);
    let settings = Hash::new(input.array().map_err(|_| RestoreError::Truncated)?);
    if genesis != own.genesis {
        return Err(RestoreError::WrongNetwork);
    }
    if settings != own.settings {
        return Err(RestoreError::WrongSettings);
    }
    Ok((Reader::new(state), checksum))
}

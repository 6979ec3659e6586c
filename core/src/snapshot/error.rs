//! What can be wrong with snapshots and journals.

use core::fmt;

use crate::codec::DecodeError;
use crate::config::ConfigError;
use crate::error::{Code, operation_error};
use crate::pool::Broken;

operation_error! {
    /// Why no snapshot was written.
    SnapshotError { BufferTooSmall, JournalNotDrained, Poisoned }
}

operation_error! {
    /// What is wrong with a journal, or with one of its records.
    JournalFault {
        Truncated,
        UnsupportedVersion,
        Corrupt,
        WrongNetwork,
        WrongSettings,
        WrongSnapshot,
        UnknownKind,
        Inconsistent,
        OutcomeDiffers,
        Poisoned,
    }
}

/// Why a coordinator can't be made from a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RestoreError {
    /// The configuration or the limits can't be used.
    Config(ConfigError),
    /// See [`Code::Truncated`].
    Truncated,
    /// See [`Code::TrailingBytes`].
    TrailingBytes,
    /// See [`Code::UnsupportedVersion`].
    UnsupportedVersion,
    /// See [`Code::Corrupt`].
    Corrupt,
    /// See [`Code::WrongNetwork`].
    WrongNetwork,
    /// See [`Code::WrongSettings`].
    WrongSettings,
    /// The bytes are as they were written, and contradict themselves: this does not hold. See
    /// [`Code::Inconsistent`].
    Inconsistent(Broken),
}

impl RestoreError {
    /// The stable number and message behind it.
    #[must_use]
    pub const fn code(self) -> Code {
        match self {
            Self::Config(error) => error.code(),
            Self::Truncated => Code::Truncated,
            Self::TrailingBytes => Code::TrailingBytes,
            Self::UnsupportedVersion => Code::UnsupportedVersion,
            Self::Corrupt => Code::Corrupt,
            Self::WrongNetwork => Code::WrongNetwork,
            Self::WrongSettings => Code::WrongSettings,
            Self::Inconsistent(_) => Code::Inconsistent,
        }
    }
}

impl fmt::Display for RestoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inconsistent(Broken(what)) => write!(f, "{}: {what}", self.code()),
            _ => f.write_str(self.code().message()),
        }
    }
}

impl core::error::Error for RestoreError {}

impl From<RestoreError> for Code {
    fn from(error: RestoreError) -> Self {
        error.code()
    }
}

impl From<Broken> for RestoreError {
    fn from(broken: Broken) -> Self {
        Self::Inconsistent(broken)
    }
}

/// Only a state whose checksum is right is decoded, so that this is a contradiction.
impl From<DecodeError> for RestoreError {
    fn from(error: DecodeError) -> Self {
        Self::Inconsistent(error.into())
    }
}

/// Where a journal is not good, and why. All before that place was replayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JournalError {
    /// Bytes of the journal that are good: the header or record from there on is not.
    pub at: usize,
    /// Records that were replayed.
    pub records: u64,
    /// What is wrong.
    pub why: JournalFault,
}

impl fmt::Display for JournalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, records, why } = self;
        write!(
            f,
            "journal, at byte {at}, after {records} good records: {why}"
        )
    }
}

impl core::error::Error for JournalError {}

impl From<JournalError> for Code {
    fn from(error: JournalError) -> Self {
        error.why.code()
    }
}

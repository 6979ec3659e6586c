//! What is refused, why, and whose fault it is.

use core::fmt;

use super::entry::LoggedId;
use crate::error::{Code, operation_error};

operation_error! {
    /// Why limits and rollups give no stream.
    StreamConfigError {
        LimitOutOfRange, LimitsContradict, NoRollup, TooManyRollups, DuplicateRollup,
        TooFewCursors, PartsOverWhole, TooManyLogs,
    }
}

operation_error! {
    /// What is wrong with a cut.
    CutError {
        WrongHeight, WrongLogCount, ExtentTooLong, BaseAhead, RollupNotOrdered,
        FirstHandCountExceeded, FirstHandBytesExceeded, RollupCountExceeded, RollupBytesExceeded,
        LogsEnded,
    }
}

operation_error! {
    /// Why bytes are no state of this stream.
    StateError {
        Truncated, TrailingBytes, UnsupportedVersion, WrongSettings, Inconsistent, BufferTooSmall,
    }
}

operation_error! {
    /// Why a member refused what it was told; nothing changed.
    MemberError { WrongTail, EpochNotEnded, UnknownMember }
}

operation_error! {
    /// Why an epoch is not closed, or the next one does not begin; nothing changed.
    EpochError {
        LogsEnded, EpochNotEnded, ClosingNotAhead, ClosingDecided, SeatsContradict, TooManyMembers,
        TooManyLeavers, OrderKindChanged,
    }
}

/// A cut that no voter may accept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CutRefusal {
    /// The member whose extent breaks the rule; nothing where the cut as a whole does.
    pub member: Option<u32>,
    /// The rule.
    pub reason: CutError,
}

impl fmt::Display for CutRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.member {
            Some(member) => write!(f, "member {member}: {}", self.reason),
            None => self.reason.fmt(f),
        }
    }
}

impl core::error::Error for CutRefusal {}

/// Why a slot was not applied; nothing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ApplyError {
    /// The cut breaks a rule; its proposer's fault.
    Refused(CutRefusal),
    /// With this cut the id is held by T logs, so that somebody honest has its body; this host does
    /// not. [`FairStream::bodies_needed`](super::FairStream::bodies_needed) lists them all.
    FactsMissing(LoggedId),
    /// The slot's facts are not one record for each configured rollup.
    WrongRollupCount,
}

impl ApplyError {
    /// The stable number and message behind it.
    #[must_use]
    pub const fn code(self) -> Code {
        match self {
            Self::Refused(refusal) => refusal.reason.code(),
            Self::FactsMissing(_) => Code::FactsMissing,
            Self::WrongRollupCount => Code::WrongRollupCount,
        }
    }
}

impl fmt::Display for ApplyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refusal) => refusal.fmt(f),
            _ => f.write_str(self.code().message()),
        }
    }
}

impl core::error::Error for ApplyError {}

impl From<CutRefusal> for ApplyError {
    fn from(refusal: CutRefusal) -> Self {
        Self::Refused(refusal)
    }
}

/// A structure that contradicts another: a defect of this library, or bytes that were changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken(pub &'static str);

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl core::error::Error for Broken {}

//! Why a producer's call failed.

use core::fmt;

use crate::error::{Code, operation_error};
use crate::types::Submission;

operation_error! {
    /// Why a thread can't have a lane of its own.
    ///
    /// `NoFreeLane`: `producer_count_max` producers exist. `StaleHandle`: the owner is gone.
    RegisterError { NoFreeLane, StaleHandle }
}

/// Why a transaction did not enter a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SubmitError<'a> {
    /// The lane has no room, or no free buffer that is long enough; here is what did not fit.
    ///
    /// See [`Code::LaneFull`].
    Full(Submission<'a>),
    /// The payload is longer than `payload_bytes_max`; see [`Code::PayloadTooLarge`].
    PayloadTooLarge,
    /// There is no shared lane, because `shared_lane_count_max` is 0: register instead.
    ///
    /// See [`Code::InvalidArgument`].
    NoSharedLane,
    /// The owner is gone, and nobody would ever read it; see [`Code::StaleHandle`].
    StaleHandle,
}

impl SubmitError<'_> {
    /// The stable number and message behind it.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Self::Full(_) => Code::LaneFull,
            Self::PayloadTooLarge => Code::PayloadTooLarge,
            Self::NoSharedLane => Code::InvalidArgument,
            Self::StaleHandle => Code::StaleHandle,
        }
    }
}

impl fmt::Display for SubmitError<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSharedLane => f.write_str("there is no shared lane; register a producer"),
            _ => f.write_str(self.code().message()),
        }
    }
}

impl core::error::Error for SubmitError<'_> {}

impl From<SubmitError<'_>> for Code {
    fn from(error: SubmitError<'_>) -> Self {
        error.code()
    }
}

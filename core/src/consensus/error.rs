//! Why messages and calls are refused.

use crate::codec::DecodeError;
use crate::consensus::{CommitteeError, ConsensusConfigError, ConsensusLimitsError};
use crate::error::{Code, operation_error};

operation_error! {
    /// Why a message of a peer changes nothing. All are the peer's doing, and many are harmless:
    /// a network delivers twice and late.
    RefusedMessage {
        WrongEpoch, HeightBehind, HeightAhead, UnknownMember, RoundBehind, RoundAhead,
        DuplicateMessage, ConflictKnown, InvalidVote, WrongSignatureLength, CertificateTooLight,
        CertificateNotNeeded, RateExceeded, VerificationFull, OwnMessage,
    }
}

operation_error! {
    /// Why bytes are no message.
    MessageError {
        Truncated, TrailingBytes, UnsupportedVersion, UnknownMessage, LengthOverLimit,
        UnknownMember, InvalidVote, WrongSignatureLength, FieldNotEmpty,
    }
}

impl From<DecodeError> for MessageError {
    fn from(error: DecodeError) -> Self {
        match error {
            DecodeError::TrailingBytes => Self::TrailingBytes,
            DecodeError::UnsupportedVersion => Self::UnsupportedVersion,
            DecodeError::LengthOverLimit => Self::LengthOverLimit,
            // The fields of fixed width can only end too early.
            _ => Self::Truncated,
        }
    }
}

operation_error! {
    /// What the host did wrong.
    ConsensusMisuse {
        TimeWentBack, InvalidArgument, HeightNotNext, UnknownPersist, BufferTooSmall,
    }
}

operation_error! {
    /// Why a record can't be gone on from.
    RecordError { Corrupt, WrongNetwork, WrongSettings, RecordAhead, Inconsistent }
}

/// A broken invariant: a defect of this library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConsensusBroken(pub &'static str);

impl core::fmt::Display for ConsensusBroken {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "broken invariant: {}", self.0)
    }
}

impl core::error::Error for ConsensusBroken {}

/// Why an engine can't be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConsensusError {
    /// A limit is out of its range.
    Limits(ConsensusLimitsError),
    /// A timeout or rate is out of its range.
    Config(ConsensusConfigError),
    /// The committee can't vote.
    Committee(CommitteeError),
    /// The record does not belong here.
    Record(RecordError),
    /// The epoch or the height lies before what the engine knows.
    Misuse(ConsensusMisuse),
}

impl ConsensusError {
    /// The stable number and message behind it.
    #[must_use]
    pub const fn code(self) -> Code {
        match self {
            Self::Limits(error) => error.code(),
            Self::Config(error) => error.code(),
            Self::Committee(error) => error.code(),
            Self::Record(error) => error.code(),
            Self::Misuse(error) => error.code(),
        }
    }
}

impl core::fmt::Display for ConsensusError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.code().message())
    }
}

impl core::error::Error for ConsensusError {}

impl From<ConsensusError> for Code {
    fn from(error: ConsensusError) -> Self {
        error.code()
    }
}

macro_rules! from_cause {
    ($($cause:ident => $variant:ident),*) => {$(
        impl From<$cause> for ConsensusError {
            fn from(cause: $cause) -> Self {
                Self::$variant(cause)
            }
        }
    )*};
}
from_cause! {
    ConsensusLimitsError => Limits, ConsensusConfigError => Config, CommitteeError => Committee,
    RecordError => Record, ConsensusMisuse => Misuse
}

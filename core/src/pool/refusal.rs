//! Why a transaction is refused.

use core::fmt;

use crate::error::Code;
use crate::types::Nonce;

/// Why a transaction was refused. The pool is as it was before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AdmissionError {
    /// See [`Code::PayloadTooLarge`].
    PayloadTooLarge,
    /// See [`Code::GasTooLarge`].
    GasTooLarge,
    /// See [`Code::FeeTooLow`].
    FeeTooLow,
    /// See [`Code::AlreadyExpired`].
    AlreadyExpired,
    /// See [`Code::ExpiryMissing`].
    ExpiryMissing,
    /// See [`Code::ExpiryTooFar`].
    ExpiryTooFar,
    /// See [`Code::UnknownRollup`].
    UnknownRollup,
    /// See [`Code::Duplicate`].
    Duplicate,
    /// See [`Code::AlreadyEnded`].
    AlreadyEnded,
    /// See [`Code::CancelledBefore`].
    CancelledBefore,
    /// See [`Code::LoggedStays`].
    LoggedStays,
    /// See [`Code::NonceUsed`].
    NonceUsed,
    /// See [`Code::NonceOccupied`].
    NonceOccupied,
    /// See [`Code::ReplacementUnderpriced`].
    ReplacementUnderpriced,
    /// The sender has as many transactions that wait for a missing nonce as it may have. See
    /// [`Code::MissingPredecessor`].
    MissingPredecessor {
        /// The nonce to send first.
        nonce: Nonce,
    },
    /// See [`Code::NonceBeyondWindow`].
    NonceBeyondWindow,
    /// See [`Code::NonceTooLarge`].
    NonceTooLarge,
    /// See [`Code::SenderQuotaExceeded`].
    SenderQuotaExceeded,
    /// See [`Code::OriginQuotaExceeded`].
    OriginQuotaExceeded,
    /// See [`Code::PoolFull`].
    PoolFull,
    /// See [`Code::PoolBytesFull`].
    PoolBytesFull,
    /// See [`Code::SenderTableFull`].
    SenderTableFull,
    /// See [`Code::HintMissing`].
    HintMissing,
    /// See [`Code::HintInvalid`].
    HintInvalid,
    /// See [`Code::HintTableFull`].
    HintTableFull,
    /// It would displace or replace others, and there is no room to say so. See
    /// [`Code::EventsFull`].
    EventsFull,
    /// It was not looked at, because the journal has no room for it. The pool itself never says
    /// so. See [`Code::JournalFull`].
    JournalFull,
}

impl AdmissionError {
    /// The stable number and message behind it.
    #[must_use]
    pub const fn code(self) -> Code {
        match self {
            Self::PayloadTooLarge => Code::PayloadTooLarge,
            Self::GasTooLarge => Code::GasTooLarge,
            Self::FeeTooLow => Code::FeeTooLow,
            Self::AlreadyExpired => Code::AlreadyExpired,
            Self::ExpiryMissing => Code::ExpiryMissing,
            Self::ExpiryTooFar => Code::ExpiryTooFar,
            Self::UnknownRollup => Code::UnknownRollup,
            Self::Duplicate => Code::Duplicate,
            Self::AlreadyEnded => Code::AlreadyEnded,
            Self::CancelledBefore => Code::CancelledBefore,
            Self::LoggedStays => Code::LoggedStays,
            Self::NonceUsed => Code::NonceUsed,
            Self::NonceOccupied => Code::NonceOccupied,
            Self::ReplacementUnderpriced => Code::ReplacementUnderpriced,
            Self::MissingPredecessor { .. } => Code::MissingPredecessor,
            Self::NonceBeyondWindow => Code::NonceBeyondWindow,
            Self::NonceTooLarge => Code::NonceTooLarge,
            Self::SenderQuotaExceeded => Code::SenderQuotaExceeded,
            Self::OriginQuotaExceeded => Code::OriginQuotaExceeded,
            Self::PoolFull => Code::PoolFull,
            Self::PoolBytesFull => Code::PoolBytesFull,
            Self::SenderTableFull => Code::SenderTableFull,
            Self::HintMissing => Code::HintMissing,
            Self::HintInvalid => Code::HintInvalid,
            Self::HintTableFull => Code::HintTableFull,
            Self::EventsFull => Code::EventsFull,
            Self::JournalFull => Code::JournalFull,
        }
    }
}

impl fmt::Display for AdmissionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MissingPredecessor { nonce } => write!(f, "{}: {nonce}", self.code()),
            _ => f.write_str(self.code().message()),
        }
    }
}

impl core::error::Error for AdmissionError {}

impl From<AdmissionError> for Code {
    fn from(error: AdmissionError) -> Self {
        error.code()
    }
}

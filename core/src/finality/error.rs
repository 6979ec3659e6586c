//! Why the engine refuses.

use crate::certificate::{CertificateError, ElectorateError};
use crate::error::operation_error;

operation_error! {
    /// Why an engine can't start.
    FinalitySetupError { LimitOutOfRange, LimitsContradict }
}

operation_error! {
    /// Why a step towards finality is refused; nothing has changed then, except that
    /// [`FinalityError::FinalityConflict`] halts the engine.
    FinalityError {
        EventsFull,
        UnknownSlot,
        NotFinal,
        AlreadyFinal,
        HeightOutOfWindow,
        FinalityHalted,
        WrongHeight,
        WrongParent,
        WrongEpoch,
        HeightBehind,
        CertificateOfOtherHeight,
        CertificateOfOtherValue,
        CertificateOfOtherSet,
        EpochEnded,
        EpochNotNext,
        HandOverMissing,
        WrongMembership,
        FinalityConflict,
        CatchUpTooLong,
        CertificateNotNeeded,
        UnknownSuite,
        MemberCountOutOfRange,
        ProviderMissing,
    }
}

impl From<ElectorateError> for FinalityError {
    fn from(error: ElectorateError) -> Self {
        match error {
            ElectorateError::ProviderMissing => Self::ProviderMissing,
            ElectorateError::UnknownSuite => Self::UnknownSuite,
            ElectorateError::MemberCountOutOfRange => Self::MemberCountOutOfRange,
        }
    }
}

impl FinalityError {
    /// What it means that a proof is not of the slot that it came with.
    pub(super) const fn of_mismatch(error: CertificateError) -> Self {
        match error {
            CertificateError::CertificateOfOtherHeight => Self::CertificateOfOtherHeight,
            _ => Self::CertificateOfOtherValue,
        }
    }
}

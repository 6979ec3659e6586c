//! Why the registry refuses.

use crate::codec::DecodeError;
use crate::crypto::signature::KeyError;
use crate::error::operation_error;

operation_error! {
    /// Why a registry can't start.
    SequencerSetupError {
        LimitOutOfRange,
        LimitsContradict,
        MemberCountOutOfRange,
        HeadsTooFew,
        WeightsUnequal,
        WeightOutOfRange,
        PossessionUnproven,
        SequencerIdTaken,
        PublicKeyTaken,
        AddressTaken,
        ProviderMissing,
    }
}

operation_error! {
    /// Why a change to the membership is refused, or its bytes are none.
    ChangeError {
        Truncated,
        TrailingBytes,
        UnsupportedVersion,
        UnknownChange,
        AuditFull,
        WrongHeight,
        WeightOutOfRange,
        WeightsUnequal,
        PossessionUnproven,
        SequencerIdTaken,
        PublicKeyTaken,
        AddressTaken,
        UnknownSequencer,
        StatusChangeNotAllowed,
        ChangeWithoutEffect,
        RegistryFull,
        CommitteeFull,
        TooManyLeavers,
        EvidenceInvalid,
        SignatureInvalid,
        InvalidVote,
    }
}

operation_error! {
    /// Why two statements convict nobody.
    EvidenceError {
        Truncated,
        TrailingBytes,
        UnsupportedVersion,
        UnknownMessage,
        FieldNotEmpty,
        InvalidVote,
        EvidenceInvalid,
        SignatureInvalid,
    }
}

operation_error! {
    /// Why bytes or members are no membership.
    MembershipError {
        Truncated,
        TrailingBytes,
        UnsupportedVersion,
        UnknownSuite,
        MemberCountOutOfRange,
        WeightOutOfRange,
        MembersOutOfOrder,
        PublicKeyTaken,
        BufferTooSmall,
    }
}

operation_error! {
    /// What is wrong with a record of the audit log.
    AuditError {
        Truncated,
        UnsupportedVersion,
        UnknownStatus,
        AuditOutOfOrder,
        StatusChangeNotAllowed,
        WrongRunningHash,
    }
}

/// Maps what a reader says: none of these formats has more ways to fail.
macro_rules! from_decode_error {
    ($($name:ident),*) => {$(
        impl From<DecodeError> for $name {
            fn from(error: DecodeError) -> Self {
                match error {
                    DecodeError::TrailingBytes => Self::TrailingBytes,
                    DecodeError::UnsupportedVersion => Self::UnsupportedVersion,
                    _ => Self::Truncated,
                }
            }
        }
    )*};
}
from_decode_error!(ChangeError, EvidenceError, MembershipError);

impl From<DecodeError> for AuditError {
    fn from(error: DecodeError) -> Self {
        match error {
            DecodeError::UnsupportedVersion => Self::UnsupportedVersion,
            _ => Self::Truncated,
        }
    }
}

impl From<EvidenceError> for ChangeError {
    fn from(error: EvidenceError) -> Self {
        match error {
            EvidenceError::Truncated => Self::Truncated,
            EvidenceError::TrailingBytes => Self::TrailingBytes,
            EvidenceError::UnsupportedVersion => Self::UnsupportedVersion,
            EvidenceError::InvalidVote => Self::InvalidVote,
            EvidenceError::SignatureInvalid => Self::SignatureInvalid,
            EvidenceError::UnknownMessage
            | EvidenceError::FieldNotEmpty
            | EvidenceError::EvidenceInvalid => Self::EvidenceInvalid,
        }
    }
}

impl From<KeyError> for SequencerSetupError {
    /// Only a missing provider keeps a public key from being prepared.
    fn from(_: KeyError) -> Self {
        Self::ProviderMissing
    }
}

impl From<ChangeError> for SequencerSetupError {
    /// What can be wrong with a member of the first epoch.
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::WeightOutOfRange => Self::WeightOutOfRange,
            ChangeError::WeightsUnequal => Self::WeightsUnequal,
            ChangeError::PossessionUnproven => Self::PossessionUnproven,
            ChangeError::SequencerIdTaken => Self::SequencerIdTaken,
            ChangeError::PublicKeyTaken => Self::PublicKeyTaken,
            ChangeError::AddressTaken => Self::AddressTaken,
            _ => Self::MemberCountOutOfRange,
        }
    }
}

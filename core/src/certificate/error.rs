//! Why a certificate is refused.

use crate::codec::DecodeError;
use crate::crypto::signature::KeyError;
use crate::error::operation_error;

operation_error! {
    /// Why a certificate proves nothing.
    CertificateError {
        Truncated,
        TrailingBytes,
        UnsupportedVersion,
        UnknownMessage,
        FieldNotEmpty,
        InvalidVote,
        WrongSignatureLength,
        WrongEpoch,
        UnknownMember,
        CertificateTooLight,
        SignatureInvalid,
        CertificateOfOtherHeight,
        CertificateOfOtherValue,
    }
}

operation_error! {
    /// Why keys can't be prepared.
    ElectorateError { ProviderMissing, UnknownSuite, MemberCountOutOfRange }
}

impl From<DecodeError> for CertificateError {
    fn from(error: DecodeError) -> Self {
        match error {
            DecodeError::TrailingBytes => Self::TrailingBytes,
            DecodeError::UnsupportedVersion => Self::UnsupportedVersion,
            _ => Self::Truncated,
        }
    }
}

impl From<KeyError> for ElectorateError {
    /// Only a missing provider keeps a public key from being prepared.
    fn from(_: KeyError) -> Self {
        Self::ProviderMissing
    }
}

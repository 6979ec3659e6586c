//! Why a receipt is none, and why an accusation does not hold.

use crate::codec::DecodeError;
use crate::error::operation_error;

operation_error! {
    /// Why bytes are no receipt, or one that nobody is bound by.
    ReceiptError {
        Truncated,
        TrailingBytes,
        UnsupportedVersion,
        LengthOverLimit,
        UnknownSuite,
        UnknownPlace,
        UnknownPolicy,
        ParameterOutOfRange,
        FieldNotEmpty,
        WrongPromise,
        SignatureInvalid,
    }
}

operation_error! {
    /// Why bytes are no accusation, or one that convicts nobody.
    AccusationError {
        Truncated,
        TrailingBytes,
        UnsupportedVersion,
        LengthOverLimit,
        UnknownSuite,
        UnknownPlace,
        UnknownPolicy,
        ParameterOutOfRange,
        FieldNotEmpty,
        WrongPromise,
        SignatureInvalid,
        UnknownAccusation,
        PromisesAgree,
        PromiseKept,
        PromiseLapsed,
        RoundLeftBehind,
        CertificateOfOtherHeight,
        CertificateOfOtherValue,
        WrongEpoch,
        OtherSlot,
        UnknownRollup,
        ForeignLog,
        LogElsewhere,
    }
}

impl From<DecodeError> for ReceiptError {
    fn from(error: DecodeError) -> Self {
        match error {
            DecodeError::TrailingBytes => Self::TrailingBytes,
            DecodeError::UnsupportedVersion => Self::UnsupportedVersion,
            DecodeError::LengthOverLimit => Self::LengthOverLimit,
            DecodeError::UnknownPolicy => Self::UnknownPolicy,
            DecodeError::ParameterOutOfRange => Self::ParameterOutOfRange,
            DecodeError::FieldNotEmpty => Self::FieldNotEmpty,
            _ => Self::Truncated,
        }
    }
}

impl From<DecodeError> for AccusationError {
    fn from(error: DecodeError) -> Self {
        ReceiptError::from(error).into()
    }
}

impl From<ReceiptError> for AccusationError {
    fn from(error: ReceiptError) -> Self {
        match error {
            ReceiptError::Truncated => Self::Truncated,
            ReceiptError::TrailingBytes => Self::TrailingBytes,
            ReceiptError::UnsupportedVersion => Self::UnsupportedVersion,
            ReceiptError::LengthOverLimit => Self::LengthOverLimit,
            ReceiptError::UnknownSuite => Self::UnknownSuite,
            ReceiptError::UnknownPlace => Self::UnknownPlace,
            ReceiptError::UnknownPolicy => Self::UnknownPolicy,
            ReceiptError::ParameterOutOfRange => Self::ParameterOutOfRange,
            ReceiptError::FieldNotEmpty => Self::FieldNotEmpty,
            ReceiptError::WrongPromise => Self::WrongPromise,
            ReceiptError::SignatureInvalid => Self::SignatureInvalid,
        }
    }
}

//! Why a coordinator can't be made, refuses a message, or is not called so.

use crate::certificate::ElectorateError;
use crate::consensus::{
    ConsensusConfigError, ConsensusError, ConsensusLimitsError, ConsensusMisuse, MessageError,
    RefusedMessage,
};
use crate::error::{Code, operation_error};

operation_error! {
    /// Why a body, or the question for one, changes nothing. All are the peer's doing.
    RefusedBody {
        BodyNotWanted, BodyNotOfValue, BodyNotHeld, BodiesFull, RateExceeded, OwnMessage,
        HeightAhead,
    }
}

operation_error! {
    /// What the host did wrong.
    CoordinatorMisuse {
        TimeWentBack, InvalidArgument, HeightNotNext, UnknownPersist, NotDecided, BodyTooLarge,
    }
}

/// Declares an error that is one of several others.
macro_rules! one_of {
    ($(#[$doc:meta])* $name:ident {
        $($(#[$what:meta])* $variant:ident($cause:ident)),* $(,)?
    }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum $name { $($(#[$what])* $variant($cause)),* }

        impl $name {
            /// The stable number and message behind it.
            #[must_use]
            pub const fn code(self) -> Code {
                match self { $(Self::$variant(error) => error.code()),* }
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(self.code().message())
            }
        }

        impl core::error::Error for $name {}

        impl From<$name> for Code {
            fn from(error: $name) -> Self {
                error.code()
            }
        }

        $(impl From<$cause> for $name {
            fn from(cause: $cause) -> Self {
                Self::$variant(cause)
            }
        })*
    };
}

one_of! {
    /// Why a coordinator can't be made, or an epoch can't begin.
    CoordinatorError {
        /// A limit is out of its range.
        Limits(ConsensusLimitsError),
        /// A time or rate is out of its range.
        Config(ConsensusConfigError),
        /// The members' keys can't be prepared.
        Electorate(ElectorateError),
        /// The members can't vote.
        Consensus(ConsensusError),
        /// The call does not fit where the coordinator stands.
        Misuse(CoordinatorMisuse),
    }
}

one_of! {
    /// Why nothing, or not everything, of a peer's message was taken. Many reasons are harmless: a
    /// network delivers twice and late.
    RefusedInput {
        /// The bytes are no message.
        Undecodable(MessageError),
        /// The engine has no use for it.
        Message(RefusedMessage),
        /// It is about a body.
        Body(RefusedBody),
    }
}

impl From<ConsensusMisuse> for CoordinatorMisuse {
    fn from(misuse: ConsensusMisuse) -> Self {
        match misuse {
            ConsensusMisuse::TimeWentBack => Self::TimeWentBack,
            ConsensusMisuse::HeightNotNext => Self::HeightNotNext,
            ConsensusMisuse::UnknownPersist => Self::UnknownPersist,
            ConsensusMisuse::InvalidArgument | ConsensusMisuse::BufferTooSmall => {
                Self::InvalidArgument
            }
        }
    }
}

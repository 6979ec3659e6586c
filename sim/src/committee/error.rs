//! Why a committee does not go on.

use core::fmt;

use hauptbuch_core::certificate::ElectorateError;
use hauptbuch_core::config::ConfigError;
use hauptbuch_core::consensus::{CoordinatorError, CoordinatorMisuse};
use hauptbuch_core::crypto::signature::KeyError;
use hauptbuch_core::error::Code;
use hauptbuch_core::limits::LimitsError;
use hauptbuch_core::ordering::fair::stream::MemberError;
use hauptbuch_core::receive_log::{CutError, ExtensionError, OwnLogError};
use hauptbuch_core::sequencer::MembershipError;

/// Why a committee can't be made, or what refused a step. Honest members give no reason to refuse
/// any, so that a refusal of a step is a defect of this library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CommitteeError {
    /// The configuration gives no committee.
    Config(ConfigError),
    /// The sizes of logs are out of their ranges.
    Limits(LimitsError),
    /// Arrivals are not those of as many sequencers as the committee has.
    WrongSequencerCount,
    /// A member's side refused what was decided.
    Member(MemberError),
    /// A member could not write its log.
    OwnLog(OwnLogError),
    /// A member's extension was refused.
    Extension(ExtensionError),
    /// A cut was refused.
    Cut(CutError),
    /// Members have no keys of the suite.
    Keys(KeyError),
    /// The members can't be an epoch's.
    Membership(MembershipError),
    /// The members' keys can't be prepared.
    Electorate(ElectorateError),
    /// The members can't agree on anything.
    Coordinator(CoordinatorError),
    /// A step of agreeing did not fit where a member stands.
    Misuse(CoordinatorMisuse),
    /// A member refused a step of its own.
    Refused(Code),
    /// Members do not come to a decision.
    Undecided,
    /// Members came to different orders or slots.
    Diverged,
}

impl CommitteeError {
    /// The stable number and message behind it; nothing where it is the caller's arrivals, or the
    /// members as a whole.
    #[must_use]
    pub const fn code(self) -> Option<Code> {
        Some(match self {
            Self::Config(error) => error.code(),
            Self::Limits(error) => error.code(),
            Self::WrongSequencerCount | Self::Undecided | Self::Diverged => return None,
            Self::Member(error) => error.code(),
            Self::OwnLog(error) => error.code(),
            Self::Extension(error) => error.code(),
            Self::Cut(error) => error.code(),
            Self::Keys(error) => error.code(),
            Self::Membership(error) => error.code(),
            Self::Electorate(error) => error.code(),
            Self::Coordinator(error) => error.code(),
            Self::Misuse(error) => error.code(),
            Self::Refused(code) => code,
        })
    }
}

impl fmt::Display for CommitteeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (self, self.code()) {
            (_, Some(code)) => code.message(),
            (Self::Undecided, _) => "members do not come to a decision",
            (Self::Diverged, _) => "members came to different orders or slots",
            _ => "arrivals are those of another number of sequencers",
        })
    }
}

impl core::error::Error for CommitteeError {}

macro_rules! from {
    ($($variant:ident($error:ty)),*) => {
        $(impl From<$error> for CommitteeError {
            fn from(error: $error) -> Self {
                Self::$variant(error)
            }
        })*
    };
}

from! {
    Config(ConfigError), Limits(LimitsError), Member(MemberError),
    OwnLog(OwnLogError), Extension(ExtensionError), Cut(CutError), Keys(KeyError),
    Membership(MembershipError), Electorate(ElectorateError), Coordinator(CoordinatorError),
    Misuse(CoordinatorMisuse)
}

//! Why a committee does not go on.

use core::fmt;

use hauptbuch_core::certificate::ElectorateError;
use hauptbuch_core::config::ConfigError;
use hauptbuch_core::crypto::signature::KeyError;
use hauptbuch_core::error::Code;
use hauptbuch_core::limits::LimitsError;
use hauptbuch_core::ordering::fair::stream::{ApplyError, MemberError};
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
    /// A slot was not applied.
    Apply(ApplyError),
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
}

impl CommitteeError {
    /// The stable number and message behind it; nothing where it is the caller's arrivals.
    #[must_use]
    pub const fn code(self) -> Option<Code> {
        Some(match self {
            Self::Config(error) => error.code(),
            Self::Limits(error) => error.code(),
            Self::WrongSequencerCount => return None,
            Self::Apply(error) => error.code(),
            Self::Member(error) => error.code(),
            Self::OwnLog(error) => error.code(),
            Self::Extension(error) => error.code(),
            Self::Cut(error) => error.code(),
            Self::Keys(error) => error.code(),
            Self::Membership(error) => error.code(),
            Self::Electorate(error) => error.code(),
        })
    }
}

impl fmt::Display for CommitteeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code() {
            Some(code) => f.write_str(code.message()),
            None => f.write_str("arrivals are those of another number of sequencers"),
        }
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
    Config(ConfigError), Limits(LimitsError), Apply(ApplyError), Member(MemberError),
    OwnLog(OwnLogError), Extension(ExtensionError), Cut(CutError), Keys(KeyError),
    Membership(MembershipError), Electorate(ElectorateError)
}

//! Whether a member prevotes for another's slot, and why not.

use core::fmt;

use hauptbuch_core::batch::VerifyError;
use hauptbuch_core::coordinator::Repeated;
use hauptbuch_core::error::Code;
use hauptbuch_core::types::Hash;

use super::{CommitteeError, PoolMember};

/// Why a member does not prevote for another's slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SlotRefusal {
    /// Its form, its chain or its order are wrong.
    Invalid(VerifyError),
    /// The bytes are those of another slot than the one that is voted on.
    OtherSlot,
    /// It repeats what was decided before.
    Repeats {
        /// How many of its transactions do.
        count: u32,
        /// The first of them.
        first: Repeated,
    },
    /// It changes the members as the registry does not take it or as this member did not agree to,
    /// or names another outcome than follows.
    Members(Code),
}

impl SlotRefusal {
    /// The stable number and message behind it.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Self::Invalid(error) => error.code,
            Self::OtherSlot => Code::OtherSlot,
            Self::Repeats { first, .. } => first.code,
            Self::Members(code) => *code,
        }
    }
}

impl fmt::Display for SlotRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(error) => error.fmt(f),
            Self::OtherSlot | Self::Members(_) => f.write_str(self.code().message()),
            Self::Repeats { count, first } => {
                let Repeated {
                    rollup, position, ..
                } = first;
                let message = first.code.message();
                write!(f, "{message} (rollup {rollup}, transaction {position})")?;
                match count {
                    0 | 1 => Ok(()),
                    count => write!(f, ", {count} in all"),
                }
            }
        }
    }
}

impl core::error::Error for SlotRefusal {}

impl PoolMember {
    /// Judges another member's slot by its bytes, and by what was decided before.
    pub(super) fn check(
        &mut self,
        value: Hash,
        body: &[u8],
    ) -> Result<Result<(), SlotRefusal>, CommitteeError> {
        match self.verifier.check(body) {
            Err(error) => return Ok(Err(SlotRefusal::Invalid(error))),
            Ok(slot) if slot.hash != value => return Ok(Err(SlotRefusal::OtherSlot)),
            Ok(_) => {}
        }
        if let Err(code) = self.check_members(body) {
            return Ok(Err(SlotRefusal::Members(code)));
        }
        // Pool and verifier stand at the same slot, so that the one takes what the other took.
        let checked = self.node.check_adoption(body);
        let checked = checked.map_err(|error| CommitteeError::Refused(error.code()))?;
        Ok(match checked.first {
            None => Ok(()),
            Some(first) => Err(SlotRefusal::Repeats {
                count: checked.repeated_count,
                first,
            }),
        })
    }
}

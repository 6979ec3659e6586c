//! What a sequencer may do, and how that can change.

/// What a sequencer may do.
///
/// | from, to | inactive | active | suspended | banned |
/// |---|---|---|---|---|
/// | inactive | | joins | | evidence |
/// | active | leaves | | silence | evidence |
/// | suspended | steps back | returns | | evidence |
/// | banned | | | | |
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum SequencerStatus {
    /// Registered, and no member.
    #[default]
    Inactive = 0,
    /// A member of the epoch: proposes, votes and keeps a log.
    Active = 1,
    /// No member, because it was silent; may return.
    Suspended = 2,
    /// No member ever again, because it signed what contradicts itself.
    Banned = 3,
}

impl SequencerStatus {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 4] = [Self::Inactive, Self::Active, Self::Suspended, Self::Banned];

    /// The number that stands in formats.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The status with this number, if there is one.
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::Inactive),
            1 => Some(Self::Active),
            2 => Some(Self::Suspended),
            3 => Some(Self::Banned),
            _ => None,
        }
    }

    /// Whether one decision can lead from here to `to`.
    #[must_use]
    pub const fn may_become(self, to: Self) -> bool {
        matches!(
            (self, to),
            (Self::Inactive, Self::Active | Self::Banned)
                | (
                    Self::Active,
                    Self::Inactive | Self::Suspended | Self::Banned
                )
                | (
                    Self::Suspended,
                    Self::Inactive | Self::Active | Self::Banned
                )
        )
    }

    /// Its name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Inactive => "inactive",
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Banned => "banned",
        }
    }
}

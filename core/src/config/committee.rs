//! The committees and sizes of the policies that order by receive logs.

use super::{Config, SegmentShares};
use crate::codec::{EncodeError, Writer};
use crate::limits::Limits;

/// Over which members the share gamma of order fairness is meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FairCounted {
    /// Over all members.
    #[default]
    All,
    /// Over those that do not lie.
    Honest,
}

/// How order fairness ranks transactions whose order no share of the members binds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FairRank {
    /// By how many others each beats, with local improvements.
    #[default]
    Copeland,
    /// By the strongest pairs first.
    RankedPairs,
    /// In the order of ids, each before the first that it beats.
    Path,
}

/// The committee of order fairness, as every header names it.
///
/// Its numbers take a byte each of a policy's parameter, so that a header says by which thresholds
/// it was ordered. Whether they promise anything,
/// [`FairSetup`](crate::ordering::FairSetup) says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FairCommittee {
    /// Members, called n, each of which keeps a receive log.
    pub member_count: u8,
    /// How many of them may lie, called f.
    pub fault_count: u8,
    /// How many of those that count bind the order of two transactions: gamma of them, rounded up.
    pub quorum: u8,
    /// Which of them count.
    pub counted: FairCounted,
    /// How what is not bound is ranked.
    pub rank: FairRank,
}

impl FairCommittee {
    /// Five members, one of which may lie, at gamma 1.
    pub const FIVE: Self = Self {
        member_count: 5,
        fault_count: 1,
        quorum: 5,
        counted: FairCounted::All,
        rank: FairRank::Copeland,
    };

    /// The largest committee of n members at gamma 1: f = ⌊(n − 1) / 4⌋ may lie.
    #[must_use]
    pub const fn of(member_count: u8) -> Self {
        Self {
            member_count,
            fault_count: member_count.saturating_sub(1) / 4,
            quorum: member_count,
            ..Self::FIVE
        }
    }

    /// A byte each, from the lowest: n, f, the quorum, who counts, how it is ranked.
    pub(super) const fn parameter(self) -> u64 {
        let counted = match self.counted {
            FairCounted::All => 0,
            FairCounted::Honest => 1,
        };
        let rank = match self.rank {
            FairRank::Copeland => 0,
            FairRank::RankedPairs => 1,
            FairRank::Path => 2,
        };
        u64::from_le_bytes([
            self.member_count,
            self.fault_count,
            self.quorum,
            counted,
            rank,
            0,
            0,
            0,
        ])
    }

    /// The committee of that parameter; nothing where it has the form of none.
    pub(super) const fn from_parameter(parameter: u64) -> Option<Self> {
        let [member_count, fault_count, quorum, counted, rank, rest @ ..] = parameter.to_le_bytes();
        let counted = match counted {
            0 => FairCounted::All,
            1 => FairCounted::Honest,
            _ => return None,
        };
        let rank = match rank {
            0 => FairRank::Copeland,
            1 => FairRank::RankedPairs,
            2 => FairRank::Path,
            _ => return None,
        };
        if member_count == 0 || !matches!(rest, [0, 0, 0]) {
            return None;
        }
        Some(Self {
            member_count,
            fault_count,
            quorum,
            counted,
            rank,
        })
    }
}

/// The committee of median timestamps. Up to ⌊(n − 1) / 2⌋ of its n members may lie or be silent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MedianCommittee {
    /// Members, each of which keeps a receive log.
    pub member_count: u8,
}

impl MedianCommittee {
    /// Five members.
    pub const FIVE: Self = Self { member_count: 5 };

    pub(super) const fn parameter(self) -> u64 {
        self.member_count as u64
    }

    pub(super) const fn from_parameter(parameter: u64) -> Option<Self> {
        match parameter {
            1..=0xff => Some(Self {
                member_count: parameter as u8,
            }),
            _ => None,
        }
    }
}

/// The sizes of receive logs that decide what a slot drains; the genesis binds them.
///
/// Their ranges and reasons are those of
/// [`FairLimits`](crate::ordering::fair::stream::FairLimits), which follow from them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogSizes {
    /// First-hand ids that one member may be charged with, over all rollups.
    pub first_hand_count_max: u32,
    /// Bytes of their bodies.
    pub first_hand_bytes_max: u64,
    /// Entries by which a cut advances a log.
    pub extent_entries_max: u32,
    /// Slots, counted by age, after which an entry lapses.
    pub log_age_slots_max: u32,
    /// Graphs of one rollup that stand in line.
    pub graph_count_max: u32,
    /// Cursors of senders, over all rollups.
    pub cursor_count_max: u32,
    /// Drained ids that are remembered.
    pub drained_count_max: u32,
    /// The largest component that is ranked by ranked pairs.
    pub ranked_pairs_max: u32,
}

impl LogSizes {
    /// Bytes in a genesis.
    pub(super) const LEN: usize = 36;

    pub(super) fn encode(&self, out: &mut Writer<'_>) -> Result<(), EncodeError> {
        out.u32(self.first_hand_count_max)?;
        out.u64(self.first_hand_bytes_max)?;
        out.u32(self.extent_entries_max)?;
        out.u32(self.log_age_slots_max)?;
        out.u32(self.graph_count_max)?;
        out.u32(self.cursor_count_max)?;
        out.u32(self.drained_count_max)?;
        out.u32(self.ranked_pairs_max)
    }
}

impl Default for LogSizes {
    /// For the default committee of five: 256 first-hand ids of 1 MiB a member.
    fn default() -> Self {
        Self {
            first_hand_count_max: 256,
            first_hand_bytes_max: 1 << 20,
            extent_entries_max: 576,
            log_age_slots_max: 16,
            graph_count_max: 4,
            cursor_count_max: 1 << 14,
            drained_count_max: 1 << 14,
            ranked_pairs_max: 0,
        }
    }
}

/// What one rollup has for itself under a policy that orders by receive logs: a k-th of each, of k
/// rollups, rounded down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoggedPart {
    /// First-hand ids that one member may bring.
    pub first_hand_count_max: u32,
    /// Bytes of their bodies.
    pub first_hand_bytes_max: u64,
    /// Transactions of a slot.
    pub slot_count: u32,
    /// Bytes of a slot.
    pub slot_bytes: u64,
    /// Gas of a slot.
    pub slot_gas: u64,
}

impl Config {
    /// What each rollup has for itself under a policy that orders by receive logs: of the pool
    /// segment's share of every slot, and of each member's budget.
    #[must_use]
    pub fn logged_part(&self, limits: &Limits) -> LoggedPart {
        let rollups = self.rollups.len() as u64;
        let own = |of: u64| of.checked_div(rollups).unwrap_or(0);
        let share = |of: u64| own(SegmentShares::part(of, self.shares.pool_percent));
        LoggedPart {
            first_hand_count_max: own(self.logs.first_hand_count_max.into()) as u32,
            first_hand_bytes_max: own(self.logs.first_hand_bytes_max),
            slot_count: share(limits.slot_count_max.into()) as u32,
            slot_bytes: share(limits.slot_bytes_max.into()),
            slot_gas: share(limits.slot_gas_max),
        }
    }
}

//! The committee as `genesis.json` spells it.

use hauptbuch_core::config::{
    EpochSizes, FairCounted, FairRank, LogSizes, MedianCommittee, Policy,
};
use serde::{Deserialize, Serialize};

use super::json::Number;
use crate::run::RunConfig;

/// Who orders, by which thresholds, with logs of which sizes.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct CommitteeSpelling {
    faults: u32,
    quorum: u32,
    counted: String,
    rank: String,
    first_hand_count_max: u32,
    first_hand_bytes_max: Number,
    extent_entries_max: u32,
    log_age_slots_max: u32,
    graph_count_max: u32,
    cursor_count_max: u32,
    drained_count_max: u32,
    ranked_pairs_max: u32,
}

impl CommitteeSpelling {
    /// Nothing under a policy that keeps no logs.
    pub(super) fn of(config: &RunConfig) -> Option<Self> {
        let (faults, quorum, counted, rank) = match config.policy {
            Policy::Fair(committee) => (
                committee.fault_count,
                committee.quorum,
                match committee.counted {
                    FairCounted::All => "all",
                    FairCounted::Honest => "honest",
                },
                match committee.rank {
                    FairRank::Copeland => "copeland",
                    FairRank::RankedPairs => "ranked-pairs",
                    FairRank::Path => "path",
                },
            ),
            Policy::Median(MedianCommittee { member_count }) => {
                let faults = member_count.saturating_sub(1) / 2;
                (faults, member_count - faults, "all", "none")
            }
            _ => return None,
        };
        let LogSizes {
            first_hand_count_max,
            first_hand_bytes_max,
            extent_entries_max,
            log_age_slots_max,
            graph_count_max,
            cursor_count_max,
            drained_count_max,
            ranked_pairs_max,
        } = config.logs;
        Some(Self {
            faults: faults.into(),
            quorum: quorum.into(),
            counted: counted.into(),
            rank: rank.into(),
            first_hand_count_max,
            first_hand_bytes_max: Number(first_hand_bytes_max),
            extent_entries_max,
            log_age_slots_max,
            graph_count_max,
            cursor_count_max,
            drained_count_max,
            ranked_pairs_max,
        })
    }

    pub(super) const fn log_sizes(&self) -> LogSizes {
        LogSizes {
            first_hand_count_max: self.first_hand_count_max,
            first_hand_bytes_max: self.first_hand_bytes_max.0,
            extent_entries_max: self.extent_entries_max,
            log_age_slots_max: self.log_age_slots_max,
            graph_count_max: self.graph_count_max,
            cursor_count_max: self.cursor_count_max,
            drained_count_max: self.drained_count_max,
            ranked_pairs_max: self.ranked_pairs_max,
        }
    }
}

/// How far the members can change.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct EpochsSpelling {
    member_count_max: u8,
    leaver_count_max: u8,
    lead_slots: u16,
    closing_slots_max: u16,
}

impl EpochsSpelling {
    /// Nothing where they stay as they are.
    pub(super) fn of(sizes: &EpochSizes) -> Option<Self> {
        sizes.is_changeable().then_some(Self {
            member_count_max: sizes.member_count_max,
            leaver_count_max: sizes.leaver_count_max,
            lead_slots: sizes.lead_slots,
            closing_slots_max: sizes.closing_slots_max,
        })
    }

    pub(super) const fn sizes(&self) -> EpochSizes {
        EpochSizes {
            member_count_max: self.member_count_max,
            leaver_count_max: self.leaver_count_max,
            lead_slots: self.lead_slots,
            closing_slots_max: self.closing_slots_max,
        }
    }
}

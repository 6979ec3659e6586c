//! Configurations and the genesis hashes that bind them.

use hauptbuch_core::config::{
    Config, EpochSizes, FairCommittee, FairCounted, FairRank, LogSizes, MedianCommittee, NonceMode,
    Policy, ReplayProtection, RollupConfig, SegmentShares,
};
use hauptbuch_core::limits::Limits;
use hauptbuch_core::types::{Fee, RollupId};
use serde::{Deserialize, Serialize};

/// Configurations and the genesis hashes that bind them.
#[derive(Debug, Deserialize, Serialize)]
pub struct GenesisFile {
    /// What the file holds.
    pub about: String,
    /// One configuration each.
    pub configurations: Vec<GenesisVector>,
}

/// A configuration and its genesis hash.
#[derive(Debug, Deserialize, Serialize)]
pub struct GenesisVector {
    /// What is special about it.
    pub name: String,
    /// What it says.
    pub config: ConfigVector,
    /// The parent of its first slot.
    pub genesis_hash: String,
}

/// What a genesis binds.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct ConfigVector {
    /// The network's number.
    pub chain_id: String,
    /// The policy's byte: 1 for `fcfs`, 2 for `priority`, 3 for `time-bucket`, 4 for `shuffle`, 5
    /// for `greedy`, 6 for `fair`, 7 for `median`.
    pub policy: u8,
    /// The policy's parameter.
    pub policy_parameter: String,
    /// The lowest fee per gas.
    pub fee_floor: String,
    /// Nanoseconds to the latest expiry; 0 where the host's nonces keep replays out.
    pub expiry_horizon_ns: String,
    /// Bytes of one payload.
    pub payload_bytes_max: u32,
    /// Transactions in a slot.
    pub slot_count_max: u32,
    /// Bytes of transactions in a slot.
    pub slot_bytes_max: u32,
    /// Gas in a slot.
    pub slot_gas_max: String,
    /// What forced inputs and bundles can't take of a slot, in percent.
    pub pool_percent: u8,
    /// What the pool segment can't take of a slot, in percent.
    pub others_percent: u8,
    /// The rollups, ascending.
    pub rollups: Vec<u32>,
    /// How the nonces of each work: 0 for one after another, 1 for windows.
    pub nonce_modes: Vec<u8>,
    /// The sizes of receive logs, under policies 6 and 7.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logs: Option<LogSizesVector>,
    /// How members can change, where they can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epochs: Option<EpochSizesVector>,
}

/// How a network's members can change, as a genesis binds it.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct EpochSizesVector {
    /// The most members of any epoch.
    pub member_count_max: u8,
    /// The most that leave with one epoch.
    pub leaver_count_max: u8,
    /// Slots from the one that decides another membership to the closing one.
    pub lead_slots: u16,
    /// Slots after the closing one at which an epoch ends all the same.
    pub closing_slots_max: u16,
}

impl EpochSizesVector {
    fn of(epochs: &EpochSizes) -> Self {
        Self {
            member_count_max: epochs.member_count_max,
            leaver_count_max: epochs.leaver_count_max,
            lead_slots: epochs.lead_slots,
            closing_slots_max: epochs.closing_slots_max,
        }
    }
}

/// The sizes of receive logs that a genesis binds.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct LogSizesVector {
    /// First-hand ids that one member may be charged with.
    pub first_hand_count_max: u32,
    /// Bytes of their bodies.
    pub first_hand_bytes_max: String,
    /// Entries by which a cut advances a log.
    pub extent_entries_max: u32,
    /// Slots after which an entry lapses.
    pub log_age_slots_max: u32,
    /// Graphs of one rollup that stand in line.
    pub graph_count_max: u32,
    /// Cursors of senders.
    pub cursor_count_max: u32,
    /// Drained ids that are remembered.
    pub drained_count_max: u32,
    /// The largest component that is ranked by ranked pairs.
    pub ranked_pairs_max: u32,
}

impl LogSizesVector {
    fn of(logs: &LogSizes) -> Self {
        Self {
            first_hand_count_max: logs.first_hand_count_max,
            first_hand_bytes_max: logs.first_hand_bytes_max.to_string(),
            extent_entries_max: logs.extent_entries_max,
            log_age_slots_max: logs.log_age_slots_max,
            graph_count_max: logs.graph_count_max,
            cursor_count_max: logs.cursor_count_max,
            drained_count_max: logs.drained_count_max,
            ranked_pairs_max: logs.ranked_pairs_max,
        }
    }
}

impl ConfigVector {
    pub(super) fn of(config: &Config, limits: &Limits) -> Self {
        let expiry_horizon_ns = match config.replay_protection {
            ReplayProtection::ByExpiry { horizon_ns } => horizon_ns,
            _ => 0,
        };
        Self {
            chain_id: config.chain_id.to_string(),
            policy: config.policy.byte(),
            policy_parameter: config.policy.parameter().to_string(),
            fee_floor: config.fee_floor.to_string(),
            expiry_horizon_ns: expiry_horizon_ns.to_string(),
            payload_bytes_max: limits.payload_bytes_max,
            slot_count_max: limits.slot_count_max,
            slot_bytes_max: limits.slot_bytes_max,
            slot_gas_max: limits.slot_gas_max.to_string(),
            pool_percent: config.shares.pool_percent,
            others_percent: config.shares.others_percent,
            rollups: config
                .rollups
                .iter()
                .map(|rollup| rollup.id.get())
                .collect(),
            nonce_modes: config
                .rollups
                .iter()
                .map(|rollup| rollup.nonce_mode.byte())
                .collect(),
            logs: config
                .policy
                .orders_by_logs()
                .then(|| LogSizesVector::of(&config.logs)),
            epochs: config
                .epochs
                .is_changeable()
                .then(|| EpochSizesVector::of(&config.epochs)),
        }
    }
}

pub(super) fn compute() -> GenesisFile {
    let limits = Limits::default();
    let plain = Config::default();
    let full = Config {
        chain_id: u64::MAX,
        policy: Policy::TimeBucket {
            width_ns: 50_000_000,
        },
        fee_floor: Fee::new(1_000_000_000),
        replay_protection: ReplayProtection::ByExpiry {
            horizon_ns: 3_600_000_000_000,
        },
        shares: SegmentShares {
            pool_percent: 60,
            others_percent: 25,
        },
        ..Config::default()
    };
    let rollups: Vec<RollupConfig> = (0..16)
        .rev()
        .map(|n| RollupConfig {
            id: RollupId::new(n * 1_000),
            nonce_mode: [NonceMode::Sequential, NonceMode::Window][n as usize % 2],
        })
        .collect();
    let full = full
        .with_rollups(&rollups)
        .expect("sixteen distinct rollups");
    let small = Limits {
        payload_bytes_max: 1_024,
        slot_count_max: 10,
        slot_bytes_max: 4_096,
        slot_gas_max: 1_000_000,
        ..Limits::default()
    };
    let [fair, median] = by_logs();
    let [changing, taking_turns] = changing(&fair);
    let cases = [
        ("order fairness", &fair, &limits),
        ("median timestamps", &median, &small),
        ("the defaults", &plain, &limits),
        ("every choice away from its default", &full, &limits),
        ("small slots", &plain, &small),
        ("members that change, by logs", &changing, &limits),
        ("members that change, by turns", &taking_turns, &small),
    ];
    GenesisFile {
        about: "Configurations and the genesis hashes that bind them. The encoding is drawn in \
                docs/formats.md."
            .into(),
        configurations: cases
            .into_iter()
            .map(|(name, config, limits)| GenesisVector {
                name: name.into(),
                config: ConfigVector::of(config, limits),
                genesis_hash: config.genesis_hash(limits).to_string(),
            })
            .collect(),
    }
}

/// Networks whose members can change: one that orders by receive logs, and one that takes turns.
fn changing(by_logs: &Config) -> [Config; 2] {
    let by_logs = Config {
        epochs: EpochSizes {
            member_count_max: 21,
            leaver_count_max: 3,
            lead_slots: 260,
            closing_slots_max: 1_000,
        },
        ..by_logs.clone()
    };
    let by_turns = Config {
        epochs: EpochSizes {
            member_count_max: 4,
            ..EpochSizes::FIXED
        },
        ..Config::default()
    };
    [by_logs, by_turns]
}

/// The policies that order by receive logs, with every choice away from its default.
fn by_logs() -> [Config; 2] {
    let fair = Config {
        policy: Policy::Fair(FairCommittee {
            member_count: 9,
            fault_count: 1,
            quorum: 8,
            counted: FairCounted::Honest,
            rank: FairRank::RankedPairs,
        }),
        logs: LogSizes {
            first_hand_count_max: 128,
            first_hand_bytes_max: 1 << 33,
            extent_entries_max: 300,
            log_age_slots_max: 12,
            graph_count_max: 3,
            cursor_count_max: 9_000,
            drained_count_max: 8_000,
            ranked_pairs_max: 40,
        },
        ..Config::default()
    };
    let median = Config {
        policy: Policy::Median(MedianCommittee { member_count: 7 }),
        ..Config::default()
    };
    [fair, median]
}

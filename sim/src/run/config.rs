//! What a run decides beside its workload.

use std::sync::Arc;

use hauptbuch_core::config::{
    Config, ConfigError, LogSizes, NonceMode, Policy, PoolConfig, ReplayProtection, RollupConfig,
    SegmentShares,
};
use hauptbuch_core::crypto::signature::Suite;
use hauptbuch_core::limits::Limits;
use hauptbuch_core::types::{Fee, RollupId, Tick};

use crate::arrivals::{ArrivalModel, Arrivals, ArrivalsError, Origin, Sourcelog, Spread};
use crate::committee::MembershipPlan;
use crate::workload::{Format, Workload};

/// When transactions reach each of several sequencers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ArrivalSource {
    /// Drawn from the run's seed: spread as measured between continents, scaled by so many
    /// thousandths.
    Modelled {
        /// 1,000 leaves the spread as it was measured.
        scale_permille: u32,
    },
    /// Noted by nodes, in a file.
    Recorded(Arc<Sourcelog>),
}

/// What a run decides beside its workload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunConfig {
    /// Names the network.
    pub chain_id: u64,
    /// How transactions are put in order.
    pub policy: Policy,
    /// The lowest fee per gas that is admitted.
    pub fee_floor: Fee,
    /// What keeps a transaction from being included twice.
    pub replay_protection: ReplayProtection,
    /// How the nonces of every rollup work.
    pub nonce_mode: NonceMode,
    /// How the pool treats those who want in.
    pub pool: PoolConfig,
    /// Nanoseconds between slots; at least 1.
    pub slot_interval_ns: u64,
    /// Where all randomness comes from.
    pub seed: u64,
    /// Every maximum.
    pub limits: Limits,
    /// The sizes of receive logs, under a policy that orders by them.
    pub logs: LogSizes,
    /// When transactions reach each sequencer, where there are several.
    pub arrivals: ArrivalSource,
    /// What members of a committee sign with.
    pub suite: Suite,
    /// How many sequencers there are, under a policy that takes slots from pools; a policy that
    /// orders by receive logs says itself. Several are a committee that agrees on every slot.
    pub sequencers: u32,
    /// What the members change about themselves while the run goes on.
    pub membership: MembershipPlan,
}

impl Default for RunConfig {
    /// First come, first served, a slot every 200 ms, default limits, seed 0.
    fn default() -> Self {
        Self {
            chain_id: 1,
            policy: Policy::Fcfs,
            fee_floor: Fee::ZERO,
            replay_protection: ReplayProtection::ByHost,
            nonce_mode: NonceMode::Sequential,
            pool: PoolConfig::default(),
            slot_interval_ns: 200_000_000,
            seed: 0,
            // One producer and no shared lane: the run has one thread.
            limits: Limits {
                producer_count_max: 1,
                shared_lane_count_max: 0,
                // Nothing is forced in and nothing bundled, so no memory waits for either.
                forced_count_max: 0,
                forced_bytes_max: 0,
                bundle_count_max: 0,
                bundle_bytes_max: 0,
                ..Limits::default()
            },
            logs: log_sizes(5),
            arrivals: ArrivalSource::Modelled {
                scale_permille: 1_000,
            },
            suite: Suite::MlDsa65,
            sequencers: 1,
            membership: MembershipPlan::default(),
        }
    }
}

impl RunConfig {
    /// The core's configuration for a workload with this many rollups.
    ///
    /// # Errors
    /// A [`ConfigError`] where there are none, or more than a network can serve.
    pub fn core_config(&self, rollup_count: usize) -> Result<Config, ConfigError> {
        let rollups: Vec<RollupConfig> = (0..rollup_count as u32)
            .map(|id| RollupConfig {
                id: RollupId::new(id),
                nonce_mode: self.nonce_mode,
            })
            .collect();
        Config {
            chain_id: self.chain_id,
            policy: self.policy,
            logs: self.logs,
            epochs: self.membership.epoch_sizes(self.policy.orders_by_logs())?,
            fee_floor: self.fee_floor,
            replay_protection: self.replay_protection,
            pool: self.pool,
            shares: SegmentShares::default(),
            index_key: index_key(self.seed),
            rollups: Default::default(),
        }
        .with_rollups(&rollups)
    }

    /// What [`run`](super::run()) uses for this workload: the same, with room for each of its
    /// senders.
    ///
    /// Cost: nothing for a workload with no more records than the limit, else a sort of senders.
    #[must_use]
    pub fn for_workload(&self, workload: &Workload) -> Self {
        let mut config = self.clone();
        if workload.len() > config.limits.sender_count_max as usize {
            let records = workload.records().iter();
            let mut senders: Vec<_> = records
                .map(|record| (record.envelope.rollup, record.envelope.sender))
                .collect();
            senders.sort_unstable();
            senders.dedup();
            let sender_count = u32::try_from(senders.len()).unwrap_or(u32::MAX);
            config.limits.sender_count_max = config.limits.sender_count_max.max(sender_count);
        }
        if self.policy.orders_by_logs() {
            // New senders wait while fewer cursors are free than ids can be live.
            let budgets = self.membership.budget_count(self.sequencer_count());
            let live = budgets.saturating_mul(config.logs.first_hand_count_max);
            let cursors = config.limits.sender_count_max.saturating_add(live);
            config.logs.cursor_count_max = config.logs.cursor_count_max.max(cursors);
        }
        config
    }

    /// How many sequencers there are in the first epoch.
    #[must_use]
    pub const fn sequencer_count(&self) -> u32 {
        match self.policy {
            Policy::Fair(committee) => committee.member_count as u32,
            Policy::Median(committee) => committee.member_count as u32,
            _ => self.sequencers,
        }
    }

    /// What an output must say of arrivals at several sequencers.
    #[must_use]
    pub fn arrivals_text(&self, workload: &Workload) -> &'static str {
        match (&self.arrivals, &workload.provenance().format) {
            (ArrivalSource::Recorded(_), _) => Origin::Recorded.description(),
            (_, Format::Generated) => Origin::GeneratedAndModelled.description(),
            _ => Origin::Modelled.description(),
        }
    }

    /// When the workload's transactions reach each of several sequencers.
    ///
    /// What recorded arrivals do not have reaches every sequencer when it was sent; nothing arrives
    /// before it was sent.
    ///
    /// # Errors
    /// An [`ArrivalsError`]: too few sources, or none of the transactions in them.
    pub fn arrivals(&self, workload: &Workload) -> Result<Arrivals, ArrivalsError> {
        // Those that join later hear of transactions from the beginning.
        let later = self.membership.sequencer_count();
        let sequencer_count = self.sequencer_count().max(later);
        match &self.arrivals {
            ArrivalSource::Modelled { scale_permille } => ArrivalModel {
                spread: Spread::Measured {
                    scale_permille: *scale_permille,
                },
                ..ArrivalModel::new(sequencer_count)
            }
            .of_workload(workload, self.seed),
            ArrivalSource::Recorded(log) => {
                let sent: Vec<Tick> = workload.records().iter().map(|it| it.arrival).collect();
                Ok(log.join(workload, sequencer_count)?.not_before(&sent))
            }
        }
    }
}

/// The sizes of receive logs that a run with this many sequencers has where nobody chose.
///
/// All of them together have as many first-hand ids as five have, so that graphs stay as small; a
/// member signs twice its own a slot, and some stamps.
#[must_use]
pub const fn log_sizes(sequencer_count: u32) -> LogSizes {
    let shared = match (5 * FIRST_HAND_COUNT_OF_FIVE).checked_div(sequencer_count) {
        Some(shared) if shared < FIRST_HAND_COUNT_OF_FIVE => shared,
        _ => FIRST_HAND_COUNT_OF_FIVE,
    };
    LogSizes {
        first_hand_count_max: shared,
        first_hand_bytes_max: 1 << 20,
        extent_entries_max: 2 * FIRST_HAND_COUNT_OF_FIVE + 64,
        log_age_slots_max: 16,
        graph_count_max: 4,
        cursor_count_max: 1 << 16,
        drained_count_max: 5 * FIRST_HAND_COUNT_OF_FIVE * 18,
        ranked_pairs_max: 0,
    }
}

/// First-hand ids that each of five members may be charged with in a run: several slots' worth of
/// the built-in workload, of which each slot gets 400.
pub const FIRST_HAND_COUNT_OF_FIVE: u32 = 1_024;

/// The key of indexes. Not secret here, because nobody attacks a simulation; it changes no result,
/// but one of few bits would spread badly.
pub(crate) const fn index_key(seed: u64) -> [u64; 2] {
    [
        seed ^ 0x6a09_e667_f3bc_c908,
        seed.rotate_left(32) ^ 0xbb67_ae85_84ca_a73b,
    ]
}

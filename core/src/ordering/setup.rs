//! What configuration and limits come to for order fairness.

use super::fair::stream::{
    FairLimits, FairMember, FairStream, ReplayProtection as StreamReplay, RollupPart, RollupSlot,
    Room, StreamConfigError, StreamTwin,
};
use super::fair::{GammaMode, Parameters, ParametersError, Rank};
use super::{SegmentRooms, SlotRoom};
use crate::config::{
    Config, ConfigError, FairCommittee, FairCounted, FairRank, NonceMode, Policy, ReplayProtection,
};
use crate::limits::{Limits, ROLLUP_COUNT_MAX};
use crate::types::Gas;

/// What a stream is made from: the same for every member and verifier of a network.
///
/// Each of k rollups has a k-th of the pool segment's share of a slot, and a k-th of each member's
/// budget, for itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FairSetup {
    /// The committee and its thresholds.
    pub parameters: Parameters,
    /// Every maximum of a stream.
    pub limits: FairLimits,
    /// The rollups in their order.
    pub parts: heapless::Vec<RollupPart, ROLLUP_COUNT_MAX>,
    /// How what is not bound is ranked; of no use to median timestamps.
    pub rank: Rank,
    /// The policy of the first epoch.
    pub first: Policy,
}

/// What a slot says of each rollup's draining, in the order of their numbers.
pub type RollupSlots = heapless::Vec<RollupSlot, ROLLUP_COUNT_MAX>;

impl FairSetup {
    /// What the order by receive logs is made from under this configuration: order fairness, or
    /// median timestamps, which [`Parameters::orders_by_median`] then says.
    ///
    /// # Errors
    /// [`ConfigError::PolicyParameterOutOfRange`] where the policy is another one; those of
    /// [`Parameters::with_quorum`] for its committee, as [`ConfigError::FairnessInfeasible`]; those
    /// of [`FairLimits::check`] for the sizes.
    pub fn of(config: &Config, limits: &Limits) -> Result<Self, ConfigError> {
        let parameters = parameters_of(config.policy)?;
        let rank = match config.policy {
            Policy::Fair(committee) => rank_of(committee),
            _ => Rank::Copeland,
        };
        let (logs, epochs) = (&config.logs, &config.epochs);
        let limits_of_stream = FairLimits {
            member_count_max: epochs.member_count_max.into(),
            leaver_count_max: epochs.leaver_count_max.into(),
            closing_slots_max: match epochs.closing_slots_max {
                0 => FairLimits::default().closing_slots_max,
                slots => slots.into(),
            },
            first_hand_count_max: logs.first_hand_count_max,
            first_hand_bytes_max: logs.first_hand_bytes_max,
            extent_entries_max: logs.extent_entries_max,
            log_age_slots_max: logs.log_age_slots_max,
            graph_count_max: logs.graph_count_max,
            cursor_count_max: logs.cursor_count_max,
            drained_count_max: logs.drained_count_max,
            ranked_pairs_max: logs.ranked_pairs_max,
            arrival_count_max: limits.pending_count_max,
            slot_room: room_of(SegmentRooms::of(config, limits).pool),
        };
        let parts = parts_of(config, limits);
        limits_of_stream
            .check(parameters, &parts)
            .map_err(from_stream)?;
        Ok(Self {
            parameters,
            limits: limits_of_stream,
            parts,
            rank,
            first: config.policy,
        })
    }

    /// The thresholds of an epoch with so many members: see [`Policy::with_members`].
    ///
    /// # Errors
    /// [`ConfigError::CommitteeSizeOutOfRange`] for more members than there is room for, and those
    /// of [`Parameters::with_quorum`] as in [`FairSetup::of`].
    pub fn parameters_of_epoch(&self, member_count: u32) -> Result<Parameters, ConfigError> {
        let out_of_range = ConfigError::CommitteeSizeOutOfRange;
        if member_count > self.limits.log_count_max(self.parameters) {
            return Err(out_of_range);
        }
        let member_count = u8::try_from(member_count).map_err(|_| out_of_range)?;
        parameters_of(self.first.with_members(member_count))
    }

    /// The decided state before the first slot; `key` as for [`FairStream::new`].
    ///
    /// # Errors
    /// Those of [`FairSetup::of`], for a setup that was changed since.
    pub fn stream(&self, key: [u64; 2]) -> Result<FairStream, ConfigError> {
        FairStream::new(self.parameters, &self.limits, &self.parts, self.rank, key)
            .map_err(from_stream)
    }

    /// The side of member `me`; `key` as for [`FairMember::new`].
    ///
    /// # Errors
    /// As [`FairSetup::stream`]; [`ConfigError::LimitOutOfRange`] for a member that is none.
    pub fn member(&self, me: u32, key: [u64; 2]) -> Result<FairMember, ConfigError> {
        FairMember::new(self.parameters, &self.limits, &self.parts, me, key).map_err(from_stream)
    }

    /// The twin before the first slot.
    ///
    /// # Errors
    /// As [`FairSetup::stream`].
    pub fn twin(&self) -> Result<StreamTwin, ConfigError> {
        StreamTwin::new(self.parameters, &self.limits, &self.parts, self.rank).map_err(from_stream)
    }

    /// The bytes that [`FairSetup::twin`] takes.
    #[must_use]
    pub fn twin_footprint_bytes(&self) -> u64 {
        StreamTwin::footprint_bytes(self.parameters, &self.limits, &self.parts)
    }

    /// How a slot's `room` for the pool segment is shared between the rollups: what goes beyond
    /// their own parts is divided equally, rounded down.
    ///
    /// Whoever drains and whoever verifies computes it from the same slot: its room for the pool
    /// segment is what its forced inputs leave.
    #[must_use]
    pub fn slots(&self, room: SlotRoom) -> RollupSlots {
        let own = self.parts.iter().fold(SlotRoom::NONE, |sum, part| {
            sum.plus(SlotRoom {
                count: part.room.count,
                bytes: u32::try_from(part.room.bytes).unwrap_or(u32::MAX),
                gas: part.room.gas.get(),
            })
        });
        let rest = room_of(room.minus(own));
        let rollups = self.parts.len() as u64;
        let part = |of: u64| of.checked_div(rollups).unwrap_or(0);
        let spare = Room {
            count: part(rest.count.into()) as u32,
            bytes: part(rest.bytes),
            gas: Gas::new(part(rest.gas.get())),
        };
        let slot = RollupSlot {
            is_paused: false,
            spare,
        };
        self.parts.iter().map(|_| slot).collect()
    }
}

/// Checks what a policy that orders by receive logs needs of configuration and limits; any other
/// needs nothing.
///
/// # Errors
/// [`ConfigError::WindowsNotOrdered`] for a rollup with windows of nonces;
/// [`ConfigError::OutsideNeedsHostNonces`] for forced inputs or bundles without rollups that refuse
/// replays themselves; [`ConfigError::PoolBelowLogs`] where the pool can't hold all that can be
/// live beside what slots in flight hold; and those of [`FairSetup::of`].
pub fn check_logs(config: &Config, limits: &Limits) -> Result<(), ConfigError> {
    if !config.policy.orders_by_logs() {
        return Ok(());
    }
    let setup = FairSetup::of(config, limits)?;
    let has_windows = |own: &crate::config::RollupConfig| own.nonce_mode == NonceMode::Window;
    if config.rollups.iter().any(has_windows) {
        return Err(ConfigError::WindowsNotOrdered);
    }
    // The cursors of the fair order know nothing of forced inputs and bundles.
    let has_outside = limits.forced_count_max > 0 || limits.bundle_count_max > 0;
    if has_outside && config.replay_protection != ReplayProtection::ByHost {
        return Err(ConfigError::OutsideNeedsHostNonces);
    }
    let first_hand = u64::from(config.logs.first_hand_count_max);
    let live = u64::from(setup.limits.live_ids_max(setup.parameters));
    // Those of the largest committee, and of those that have left: all ranges are checked.
    let members = live.checked_div(first_hand).unwrap_or(0);
    let in_flight =
        u64::from(limits.slot_count_max).saturating_mul(limits.in_flight_count_max.into());
    let kept = u64::from(limits.rollup_reserved_count).saturating_mul(config.rollups.len() as u64);
    let chunks = first_hand.saturating_mul(CHUNK_OVERHEAD_BYTES);
    let bytes = config.logs.first_hand_bytes_max.saturating_add(chunks);
    let in_flight_bytes =
        u64::from(limits.slot_bytes_max).saturating_mul(limits.in_flight_count_max.into());
    let has_room = u64::from(limits.pending_count_max)
        >= live.saturating_add(in_flight).saturating_add(kept)
        && u64::from(limits.sender_count_max) > live
        && limits.pending_bytes_max
            >= members
                .saturating_mul(bytes)
                .saturating_add(in_flight_bytes);
    has_room.then_some(()).ok_or(ConfigError::PoolBelowLogs)
}

/// What rounding a payload up to chunks can add.
const CHUNK_OVERHEAD_BYTES: u64 = 128;

fn parameters_of(policy: Policy) -> Result<Parameters, ConfigError> {
    let committee = match policy {
        Policy::Fair(committee) => committee,
        Policy::Median(committee) => {
            let parameters = Parameters::median(committee.member_count.into());
            return parameters.map_err(from_parameters);
        }
        _ => return Err(ConfigError::PolicyParameterOutOfRange),
    };
    let mode = match committee.counted {
        FairCounted::All => GammaMode::All,
        FairCounted::Honest => GammaMode::Honest,
    };
    Parameters::with_quorum(
        committee.member_count.into(),
        committee.fault_count.into(),
        committee.quorum.into(),
        mode,
    )
    .map_err(from_parameters)
}

const fn rank_of(committee: FairCommittee) -> Rank {
    match committee.rank {
        FairRank::Copeland => Rank::Copeland,
        FairRank::RankedPairs => Rank::RankedPairs,
        FairRank::Path => Rank::Path,
    }
}

const fn from_parameters(error: ParametersError) -> ConfigError {
    match error {
        ParametersError::CommitteeSizeOutOfRange => ConfigError::CommitteeSizeOutOfRange,
        ParametersError::FaultCountOutOfRange => ConfigError::FaultCountOutOfRange,
        ParametersError::GammaOutOfRange => ConfigError::GammaOutOfRange,
        ParametersError::FairnessInfeasible => ConfigError::FairnessInfeasible,
    }
}

/// Each rollup's own part of a slot and of a member's budget.
fn parts_of(config: &Config, limits: &Limits) -> heapless::Vec<RollupPart, ROLLUP_COUNT_MAX> {
    let own = config.logged_part(limits);
    let replay = match config.replay_protection {
        ReplayProtection::ByHost => StreamReplay::ByHost,
        ReplayProtection::ByExpiry { .. } => StreamReplay::ByExpiry,
    };
    let part = |rollup: &crate::config::RollupConfig| RollupPart {
        rollup: rollup.id,
        first_hand_count_max: own.first_hand_count_max,
        first_hand_bytes_max: own.first_hand_bytes_max,
        room: Room {
            count: own.slot_count,
            bytes: own.slot_bytes,
            gas: Gas::new(own.slot_gas),
        },
        replay,
    };
    config.rollups.iter().map(part).collect()
}

fn room_of(room: SlotRoom) -> Room {
    Room {
        count: room.count,
        bytes: room.bytes.into(),
        gas: Gas::new(room.gas),
    }
}

const fn from_stream(error: StreamConfigError) -> ConfigError {
    match error {
        StreamConfigError::LimitOutOfRange => ConfigError::LimitOutOfRange,
        StreamConfigError::LimitsContradict => ConfigError::LimitsContradict,
        StreamConfigError::NoRollup => ConfigError::NoRollup,
        StreamConfigError::TooManyRollups => ConfigError::TooManyRollups,
        StreamConfigError::DuplicateRollup => ConfigError::DuplicateRollup,
        StreamConfigError::TooFewCursors => ConfigError::TooFewCursors,
        StreamConfigError::PartsOverWhole => ConfigError::PartsOverWhole,
        StreamConfigError::TooManyLogs => ConfigError::TooManyLogs,
    }
}

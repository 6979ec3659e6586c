//! Every maximum of order fairness over slots, with its range and its reason.

use super::entry::Room;
use super::error::StreamConfigError;
use crate::limits::ROLLUP_COUNT_MAX;
use crate::ordering::fair::parameters::{Parameters, VERTEX_COUNT_MAX};
use crate::types::{Gas, RollupId};

/// The most logs that a stream counts: who is charged with an id is a set of 128 bits.
pub const STREAM_LOG_COUNT_MAX: u32 = 128;

/// Every maximum of a stream; all nodes of a network have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FairLimits {
    /// The most members of any epoch; where the first one has more, as many as that has.
    ///
    /// Range: 0 ..= 128. Why: memory is taken once, for the largest committee that there will be.
    pub member_count_max: u32,
    /// How many members' budgets may be charged to members that have left.
    ///
    /// Range: 0 ..= 128, and with one or more at most 127 members. Why: what they are charged with
    /// stays live until it is drained or has lapsed, beside what the next committee brings. With
    /// none, only members that are charged with nothing can leave.
    pub leaver_count_max: u32,
    /// Slots after the closing slot at whose end an epoch ends, whatever stands in line.
    ///
    /// Range: 5 ..= 65,536. Why: far above what an epoch takes to end, 13 slots on a slow network,
    /// so that members and clients that hold it up delay a change of the committee and no more.
    pub closing_slots_max: u32,
    /// First-hand ids that one member may be charged with, called FH.
    ///
    /// Range: 1 ..= 4,096, and live ids at most 32,766. Why: bounds what one Byzantine member can
    /// make everybody keep; at 256 five members fill a slot of 1,280 transactions.
    pub first_hand_count_max: u32,
    /// Bytes of the bodies of first-hand ids that one member may be charged with.
    ///
    /// Range: 1 ..= 2^36. Why: bodies are kept until they are drained, by everybody.
    pub first_hand_bytes_max: u64,
    /// Entries by which a cut advances a log, and that a member signs beyond its last decided
    /// position, called E.
    ///
    /// Range: 1 ..= 65,536. Why: bounds what a voter has to fetch for one proposal. Twice FH and
    /// some stamps let a member log its own ids and those of another one in one slot.
    pub extent_entries_max: u32,
    /// Slots, counted by age, after which an entry outside a graph lapses, called A.
    ///
    /// Range: 1 ..= 4,096. Why: longer than members are away for a restart, and short enough that
    /// ids without bodies give their budget back; the rules were tried out with 12 to 20.
    pub log_age_slots_max: u32,
    /// Graphs of one rollup that stand in line.
    ///
    /// Range: 1 ..= 64. Why: two or three were the most under every attack that was tried.
    pub graph_count_max: u32,
    /// Cursors of senders, over all rollups.
    ///
    /// Range: above the most live ids ..= 2^24. Why: while fewer than those are free, new senders
    /// wait; so the excess over them is how many senders are served at once without that.
    pub cursor_count_max: u32,
    /// Drained ids that are remembered for A slots.
    ///
    /// Range: 1 ..= 2^24. Why: draining waits while it is full, so that it bounds what drains in A
    /// slots; (A + 2) times the most live ids is never reached while slots age.
    pub drained_count_max: u32,
    /// Bodies from clients that wait at a member for a nonce or for its budget.
    ///
    /// Range: 0 ..= 2^24. Why: beyond it the member pushes back on its clients.
    pub arrival_count_max: u32,
    /// The largest component that is ranked by ranked pairs.
    ///
    /// Range: 0 ..= 32,766. Why: that takes O(k³ / 64); unused with another rank.
    pub ranked_pairs_max: u32,
    /// The room of a whole slot.
    ///
    /// Range: at least the sum of the rollups' rooms. Why: what one slot holds is bounded for
    /// whoever builds, sends and checks it.
    pub slot_room: Room,
}

impl Default for FairLimits {
    /// For the default committee of five, which stays as it is.
    fn default() -> Self {
        Self {
            member_count_max: 0,
            leaver_count_max: 0,
            closing_slots_max: 64,
            first_hand_count_max: 256,
            first_hand_bytes_max: 1 << 20,
            extent_entries_max: 576,
            log_age_slots_max: 16,
            graph_count_max: 4,
            cursor_count_max: 1 << 14,
            drained_count_max: 1 << 14,
            arrival_count_max: 1 << 12,
            ranked_pairs_max: 0,
            slot_room: Room {
                count: 4_096,
                bytes: 4 << 20,
                gas: Gas::MAX,
            },
        }
    }
}

/// How nothing is included twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReplayProtection {
    /// A sender's cursor lives until everything included from it has expired.
    #[default]
    ByExpiry,
    /// The rollup's own nonces make a replay a no-op; cursors are a cache, and the one that was
    /// used longest ago goes first.
    ByHost,
}

/// One rollup's part of the limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RollupPart {
    /// Which rollup.
    pub rollup: RollupId,
    /// First-hand ids of this rollup that one member may be charged with.
    ///
    /// Range: 1 ..= FH; over all rollups at most FH. Why: a rollup that is paused, and so drains
    /// nothing, keeps no more than its part of anybody's budget.
    pub first_hand_count_max: u32,
    /// Bytes of their bodies.
    ///
    /// Range: 1 ..= the member's; over all rollups at most the member's. Why: as above.
    pub first_hand_bytes_max: u64,
    /// Its share of every slot, which forced inputs, messages and bundles cannot take. An id that
    /// is larger than this room is a no-op, because nothing larger is sure to fit ever.
    pub room: Room,
    /// How nothing is included twice.
    pub replay: ReplayProtection,
}

impl RollupPart {
    /// The whole of the limits for one rollup.
    #[must_use]
    pub const fn whole(rollup: RollupId, limits: &FairLimits) -> Self {
        Self {
            rollup,
            first_hand_count_max: limits.first_hand_count_max,
            first_hand_bytes_max: limits.first_hand_bytes_max,
            room: limits.slot_room,
            replay: ReplayProtection::ByExpiry,
        }
    }
}

impl FairLimits {
    /// How many logs there are room for: those of the largest committee.
    #[must_use]
    pub const fn log_count_max(&self, parameters: Parameters) -> u32 {
        match parameters.n() < self.member_count_max {
            true => self.member_count_max,
            false => parameters.n(),
        }
    }

    /// How many members can be charged with something at once: those of the largest committee, and
    /// those that have left.
    pub(super) const fn budget_count_max(&self, parameters: Parameters) -> u32 {
        self.log_count_max(parameters)
            .saturating_add(self.leaver_count_max)
    }

    /// How many ids can be live: FH for each member of the largest committee and for each that has
    /// left, so n · FH where the committee stays as it is. It bounds the counted entries of every
    /// log, the candidates and the queues too.
    #[must_use]
    pub const fn live_ids_max(&self, parameters: Parameters) -> u32 {
        self.budget_count_max(parameters)
            .saturating_mul(self.first_hand_count_max)
    }

    /// Checks every range, and that the parts of the rollups, in the order of their ids, fit into
    /// the whole.
    ///
    /// # Errors
    /// [`StreamConfigError`], the first one found.
    pub fn check(
        &self,
        parameters: Parameters,
        rollups: &[RollupPart],
    ) -> Result<(), StreamConfigError> {
        let live_ids_max = self.live_ids_max(parameters);
        let in_range = within(self.member_count_max, 0, STREAM_LOG_COUNT_MAX)
            && within(self.leaver_count_max, 0, STREAM_LOG_COUNT_MAX)
            && within(self.closing_slots_max, 5, 1 << 16)
            && within(self.first_hand_count_max, 1, 4_096)
            && live_ids_max <= VERTEX_COUNT_MAX
            && self.first_hand_bytes_max >= 1
            && self.first_hand_bytes_max <= 1 << 36
            && within(self.extent_entries_max, 1, 1 << 16)
            && within(self.log_age_slots_max, 1, 4_096)
            && within(self.graph_count_max, 1, 64)
            && within(self.drained_count_max, 1, 1 << 24)
            && within(self.cursor_count_max, 1, 1 << 24)
            && within(self.arrival_count_max, 0, 1 << 24)
            && within(self.ranked_pairs_max, 0, VERTEX_COUNT_MAX);
        // Those that have left share one place in the set of who is charged.
        let logs = self.log_count_max(parameters);
        let places = logs.saturating_add(self.leaver_count_max.min(1));
        if places > STREAM_LOG_COUNT_MAX {
            return Err(StreamConfigError::TooManyLogs);
        }
        if !in_range {
            return Err(StreamConfigError::LimitOutOfRange);
        }
        if self.cursor_count_max <= live_ids_max {
            return Err(StreamConfigError::TooFewCursors);
        }
        self.check_rollups(rollups)
    }

    fn check_rollups(&self, rollups: &[RollupPart]) -> Result<(), StreamConfigError> {
        if rollups.is_empty() {
            return Err(StreamConfigError::NoRollup);
        }
        if rollups.len() > ROLLUP_COUNT_MAX {
            return Err(StreamConfigError::TooManyRollups);
        }
        let follow = |pair: &[RollupPart]| pair[0].rollup < pair[1].rollup;
        if !rollups.windows(2).all(follow) {
            return Err(StreamConfigError::DuplicateRollup);
        }
        let is_empty = |part: &RollupPart| {
            part.first_hand_count_max == 0 || part.first_hand_bytes_max == 0 || part.room.count == 0
        };
        if rollups.iter().any(is_empty) {
            return Err(StreamConfigError::LimitOutOfRange);
        }
        let sum = |part: fn(&RollupPart) -> u64| -> u128 {
            rollups.iter().map(|rollup| u128::from(part(rollup))).sum()
        };
        let fits = sum(|part| u64::from(part.first_hand_count_max))
            <= u128::from(self.first_hand_count_max)
            && sum(|part| part.first_hand_bytes_max) <= u128::from(self.first_hand_bytes_max)
            && sum(|part| u64::from(part.room.count)) <= u128::from(self.slot_room.count)
            && sum(|part| part.room.bytes) <= u128::from(self.slot_room.bytes)
            && sum(|part| part.room.gas.get()) <= u128::from(self.slot_room.gas.get());
        if fits {
            Ok(())
        } else {
            Err(StreamConfigError::PartsOverWhole)
        }
    }
}

const fn within(value: u32, min: u32, max: u32) -> bool {
    value >= min && value <= max
}

//! Chooses what goes into a slot.

use crate::config::{Config, Policy, ReplayProtection};
use crate::limits::{Limits, ROLLUP_COUNT_MAX};
use crate::types::{Candidate, CandidateSource, RollupId, UnixNs};

/// What one slot can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotRoom {
    /// Transactions.
    pub count: u32,
    /// Bytes of canonical transactions.
    pub bytes: u32,
    /// Gas.
    pub gas: u64,
}

impl SlotRoom {
    /// More than any slot has.
    pub const UNLIMITED: Self = Self {
        count: u32::MAX,
        bytes: u32::MAX,
        gas: u64::MAX,
    };

    /// All that the limits allow.
    #[must_use]
    pub const fn of(limits: &Limits) -> Self {
        Self {
            count: limits.slot_count_max,
            bytes: limits.slot_bytes_max,
            gas: limits.slot_gas_max,
        }
    }

    /// What both allow.
    #[must_use]
    pub fn min(self, other: Self) -> Self {
        Self {
            count: self.count.min(other.count),
            bytes: self.bytes.min(other.bytes),
            gas: self.gas.min(other.gas),
        }
    }

    /// What is left of `self` without `other`; nothing where that is more.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self {
            count: self.count.saturating_sub(other.count),
            bytes: self.bytes.saturating_sub(other.bytes),
            gas: self.gas.saturating_sub(other.gas),
        }
    }

    /// What is left after a candidate; nothing if it does not fit.
    #[must_use]
    pub fn after(self, candidate: &Candidate) -> Option<Self> {
        self.without(Self {
            count: 1,
            bytes: candidate.encoded_len,
            gas: candidate.envelope.gas.get(),
        })
    }

    /// What is left without `other`; nothing if that does not fit.
    #[must_use]
    pub fn without(self, other: Self) -> Option<Self> {
        Some(Self {
            count: self.count.checked_sub(other.count)?,
            bytes: self.bytes.checked_sub(other.bytes)?,
            gas: self.gas.checked_sub(other.gas)?,
        })
    }

    /// What both come to.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            count: self.count.saturating_add(other.count),
            bytes: self.bytes.saturating_add(other.bytes),
            gas: self.gas.saturating_add(other.gas),
        }
    }

    /// Nothing.
    pub const NONE: Self = Self {
        count: 0,
        bytes: 0,
        gas: 0,
    };
}

/// What became of one selection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SlotUse {
    /// Transactions taken.
    pub taken: u32,
    /// Candidates dropped because they had expired.
    pub expired: u32,
    /// Senders put aside because their candidate did not fit, or lacks what the policy needs.
    pub set_aside: u32,
}

/// Chooses what goes into a slot, by one policy.
#[derive(Clone, Debug)]
pub struct OrderingEngine {
    policy: Policy,
    replay_protection: ReplayProtection,
    rollups: heapless::Vec<RollupId, ROLLUP_COUNT_MAX>,
}

/// What the engine asks of whoever holds the candidates.
pub trait SelectionHooks<S> {
    /// Drops a rollup's best candidate, which has expired; false if it can't be dropped now.
    fn expire_best(&mut self, source: &mut S, rollup: RollupId) -> bool;

    /// Whether the rollup's best candidate has all that the policy needs in this slot.
    fn is_eligible(&self, _source: &S, _rollup: RollupId) -> bool {
        true
    }
}

impl OrderingEngine {
    /// Takes the policy and the rollups. Allocates nothing.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        Self {
            policy: config.policy,
            replay_protection: config.replay_protection,
            rollups: config.rollups.iter().map(|rollup| rollup.id).collect(),
        }
    }

    /// The policy.
    #[must_use]
    pub const fn policy(&self) -> Policy {
        self.policy
    }

    /// Takes candidates for a slot at the agreed time `time` until `room` is full or none is left;
    /// `room` is what is left afterwards.
    ///
    /// Cost: for each candidate looked at O(rollups), and what the source takes.
    pub fn select<S: CandidateSource>(
        &self,
        source: &mut S,
        time: UnixNs,
        room: &mut SlotRoom,
        hooks: &mut impl SelectionHooks<S>,
    ) -> SlotUse {
        let mut slot_use = SlotUse::default();
        while room.count > 0 {
            let Some((rollup, candidate)) = self.best(source) else {
                break;
            };
            if candidate.envelope.expiry <= time {
                if hooks.expire_best(source, rollup) {
                    slot_use.expired = slot_use.expired.saturating_add(1);
                    continue;
                }
            } else if !hooks.is_eligible(source, rollup) {
                // Its sender waits for a slot that can order it.
            } else if let Some(left) = self.room_after(*room, &candidate, time) {
                if !source.take_best(rollup) {
                    break;
                }
                *room = left;
                slot_use.taken = slot_use.taken.saturating_add(1);
                continue;
            } else if self.policy != Policy::PriorityFee {
                break;
            }
            if !source.set_aside_best(rollup) {
                break;
            }
            slot_use.set_aside = slot_use.set_aside.saturating_add(1);
        }
        slot_use
    }

    /// What is left after a candidate; nothing if it does not fit, or expires too far from `time`.
    ///
    /// It can only expire too far where a slot has been open since before it was admitted.
    fn room_after(&self, room: SlotRoom, candidate: &Candidate, time: UnixNs) -> Option<SlotRoom> {
        let is_near = match self.replay_protection {
            ReplayProtection::ByHost => true,
            ReplayProtection::ByExpiry { horizon_ns } => {
                candidate.envelope.expiry.saturating_distance(time) <= horizon_ns
            }
        };
        room.after(candidate).filter(|_| is_near)
    }

    /// The best candidate over all rollups.
    fn best<S: CandidateSource>(&self, source: &S) -> Option<(RollupId, Candidate)> {
        let keys = self
            .rollups
            .iter()
            .map(|rollup| (source.best_key(*rollup), *rollup));
        let (_, rollup) = keys.filter(|(key, _)| key.is_some()).min()?;
        Some((rollup, source.best(rollup)?))
    }
}

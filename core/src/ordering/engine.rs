//! Chooses what goes into a slot.

use crate::config::{Config, Policy};
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
    /// All that the limits allow.
    #[must_use]
    pub const fn of(limits: &Limits) -> Self {
        Self {
            count: limits.slot_count_max,
            bytes: limits.slot_bytes_max,
            gas: limits.slot_gas_max,
        }
    }

    /// What is left after a candidate; nothing if it does not fit.
    #[must_use]
    pub fn after(self, candidate: &Candidate) -> Option<Self> {
        Some(Self {
            count: self.count.checked_sub(1)?,
            bytes: self.bytes.checked_sub(candidate.encoded_len)?,
            gas: self.gas.checked_sub(candidate.envelope.gas.get())?,
        })
    }
}

/// What became of one selection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SlotUse {
    /// Transactions taken.
    pub taken: u32,
    /// Candidates dropped because they had expired.
    pub expired: u32,
    /// Senders put aside because their candidate did not fit.
    pub set_aside: u32,
}

/// Chooses what goes into a slot, by one policy.
#[derive(Clone, Debug)]
pub struct OrderingEngine {
    policy: Policy,
    rollups: heapless::Vec<RollupId, ROLLUP_COUNT_MAX>,
    room: SlotRoom,
}

/// Drops a rollup's best candidate, which has expired; false if it can't be dropped now.
type ExpireBest<'a, S> = &'a mut dyn FnMut(&mut S, RollupId) -> bool;

impl OrderingEngine {
    /// Takes the policy, the rollups and the room of a slot. Allocates nothing.
    #[must_use]
    pub fn new(config: &Config, limits: &Limits) -> Self {
        Self {
            policy: config.policy,
            rollups: config.rollups.iter().map(|rollup| rollup.id).collect(),
            room: SlotRoom::of(limits),
        }
    }

    /// The policy.
    #[must_use]
    pub const fn policy(&self) -> Policy {
        self.policy
    }

    /// Takes candidates for a slot at the agreed time `time` until it is full or none is left.
    ///
    /// Cost: for each candidate looked at O(rollups), and what the source takes.
    pub fn select<S: CandidateSource>(
        &self,
        source: &mut S,
        time: UnixNs,
        expire_best: ExpireBest<'_, S>,
    ) -> SlotUse {
        let mut room = self.room;
        let mut slot_use = SlotUse::default();
        while room.count > 0 {
            let Some((rollup, candidate)) = self.best(source) else {
                break;
            };
            if candidate.envelope.expiry <= time {
                if expire_best(source, rollup) {
                    slot_use.expired = slot_use.expired.saturating_add(1);
                    continue;
                }
            } else if let Some(left) = room.after(&candidate) {
                if !source.take_best(rollup) {
                    break;
                }
                room = left;
                slot_use.taken = slot_use.taken.saturating_add(1);
                continue;
            } else if self.policy == Policy::Fcfs {
                break;
            }
            if !source.set_aside_best(rollup) {
                break;
            }
            slot_use.set_aside = slot_use.set_aside.saturating_add(1);
        }
        slot_use
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

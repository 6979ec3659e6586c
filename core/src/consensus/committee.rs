//! Who votes, with what weight, and when weight is enough.

use alloc::boxed::Box;

use super::ConsensusLimits;
use crate::bounded::{fixed_slice, fixed_slice_bytes};
use crate::error::operation_error;
use crate::types::MemberIndex;
use crate::vote::{MEMBER_COUNT_MAX, MemberSet};

/// The largest weight of one member.
pub const WEIGHT_MAX: u64 = 1 << 32;

/// The largest sum of weights: three times as much still fits 64 bits.
pub const WEIGHT_SUM_MAX: u64 = 1 << 61;

operation_error! {
    /// Why a committee is refused.
    CommitteeError { MemberCountOutOfRange, WeightOutOfRange, WeightSumOutOfRange, UnknownSelf }
}

/// A committee as those who keep it show it.
#[derive(Clone, Copy, Debug)]
pub struct CommitteeView<'a> {
    /// Each member's weight.
    pub weights: &'a [u64],
    /// Which of them this node is; nothing for an observer, which follows and never votes.
    pub me: Option<MemberIndex>,
}

/// The members of an epoch and their weights.
///
/// Two thresholds follow from the sum W: *quorum*, more than two thirds of W, and *honest*, more
/// than one third. While the Byzantine ones weigh less than a third, two quorums share a correct
/// member, and what is honest contains one.
#[derive(Clone, Debug)]
pub struct Committee {
    weights: Box<[u64]>,
    count: u16,
    sum: u64,
    me: Option<MemberIndex>,
}

impl Committee {
    /// Checks a committee and copies it.
    ///
    /// # Errors
    /// - [`CommitteeError::MemberCountOutOfRange`] for none, or more than the limit;
    /// - [`CommitteeError::WeightOutOfRange`] unless each weight is in 1 ..= 2^32;
    /// - [`CommitteeError::WeightSumOutOfRange`] where they come to more than 2^61;
    /// - [`CommitteeError::UnknownSelf`] where `me` is no member.
    pub fn new(view: CommitteeView<'_>, limits: &ConsensusLimits) -> Result<Self, CommitteeError> {
        let mut committee = Self {
            weights: fixed_slice(usize::from(limits.validator_count_max), 0),
            count: 0,
            sum: 0,
            me: None,
        };
        committee.replace(view)?;
        Ok(committee)
    }

    /// Takes another epoch's members in their place, without allocating.
    ///
    /// # Errors
    /// As [`Committee::new`]; nothing has changed then.
    pub fn replace(&mut self, view: CommitteeView<'_>) -> Result<(), CommitteeError> {
        let count_max = self.weights.len().min(usize::from(MEMBER_COUNT_MAX));
        let count = u16::try_from(view.weights.len())
            .ok()
            .filter(|count| (1..=count_max).contains(&usize::from(*count)))
            .ok_or(CommitteeError::MemberCountOutOfRange)?;
        let mut sum = 0_u64;
        for weight in view.weights {
            if !(1..=WEIGHT_MAX).contains(weight) {
                return Err(CommitteeError::WeightOutOfRange);
            }
            sum = sum.saturating_add(*weight);
        }
        if sum > WEIGHT_SUM_MAX {
            return Err(CommitteeError::WeightSumOutOfRange);
        }
        if view.me.is_some_and(|me| me.get() >= count) {
            return Err(CommitteeError::UnknownSelf);
        }
        // Who is no member weighs nothing.
        self.weights.fill(0);
        for (place, weight) in self.weights.iter_mut().zip(view.weights) {
            *place = *weight;
        }
        self.count = count;
        self.sum = sum;
        self.me = view.me;
        Ok(())
    }

    /// The bytes that [`Committee::new`] takes.
    #[must_use]
    pub const fn footprint_bytes(limits: &ConsensusLimits) -> u64 {
        fixed_slice_bytes::<u64>(limits.validator_count_max as usize)
    }

    /// How many members there are.
    #[must_use]
    pub const fn len(&self) -> u16 {
        self.count
    }

    /// Whether there is none; no committee is made so.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Which member this node is.
    #[must_use]
    pub const fn me(&self) -> Option<MemberIndex> {
        self.me
    }

    /// All members.
    #[must_use]
    pub const fn members(&self) -> MemberSet {
        MemberSet::first(self.count)
    }

    /// All members but this node.
    #[must_use]
    pub fn others(&self) -> MemberSet {
        let mut others = self.members();
        if let Some(me) = self.me {
            others.remove(me);
        }
        others
    }

    /// Whether `member` is one.
    #[must_use]
    pub const fn contains(&self, member: MemberIndex) -> bool {
        member.get() < self.count
    }

    /// The weight of a member; 0 for who is none.
    #[must_use]
    pub fn weight(&self, member: MemberIndex) -> u64 {
        let weight = self.weights.get(usize::from(member.get()));
        weight.copied().unwrap_or(0)
    }

    /// The weight of a set. O(members in it).
    #[must_use]
    pub fn weight_of(&self, members: MemberSet) -> u64 {
        let weights = members.iter().map(|member| self.weight(member));
        weights.fold(0, u64::saturating_add)
    }

    /// The weight of all.
    #[must_use]
    pub const fn weight_sum(&self) -> u64 {
        self.sum
    }

    /// Each member's weight, in order.
    pub fn weights(&self) -> impl Iterator<Item = u64> {
        self.weights.iter().take(usize::from(self.count)).copied()
    }

    /// Q: whether this is more than two thirds.
    #[must_use]
    pub const fn is_quorum(&self, weight: u64) -> bool {
        weight.saturating_mul(3) > self.sum.saturating_mul(2)
    }

    /// H: whether this is more than a third, so that a correct member is among them.
    #[must_use]
    pub const fn has_honest(&self, weight: u64) -> bool {
        weight.saturating_mul(3) > self.sum
    }
}

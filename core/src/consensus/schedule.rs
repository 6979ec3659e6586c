//! Whose turn it is to propose.
//!
//! A table is filled once an epoch by smooth weighted round-robin: in each step every member gains
//! its weight in credit, and the one with most credit has the turn and pays the sum of weights.
//! Each member so has its share of every stretch of the table, within one or two turns. The
//! proposer of a height and round is a look-up, so that catching up needs no state.

use alloc::boxed::Box;

use super::{Committee, ConsensusLimits};
use crate::bounded::{fixed_slice, fixed_slice_bytes};
use crate::types::{Height, MemberIndex, Round};

/// The proposers of an epoch.
#[derive(Clone, Debug)]
pub struct Schedule {
    turns: Box<[MemberIndex]>,
    /// Coprime to the length, so that the rounds of one height come to every turn, and so that the
    /// next member does not inherit each failed height.
    stride: u64,
}

impl Schedule {
    /// Fills the table. O(entries · members), once an epoch.
    #[must_use]
    pub fn new(committee: &Committee, limits: &ConsensusLimits) -> Self {
        let len = usize::from(limits.schedule_count_max.max(1));
        let mut schedule = Self {
            turns: fixed_slice(len, MemberIndex::ZERO),
            stride: 1,
        };
        schedule.replace(committee);
        schedule
    }

    /// Fills the table for another epoch's members, without allocating. O(entries · members).
    pub fn replace(&mut self, committee: &Committee) {
        // Credits stay within the sum of weights on either side, so 64 bits hold them.
        let mut credits = [0_i64; crate::vote::MEMBER_COUNT_MAX as usize];
        let sum = committee.weight_sum() as i64;
        for turn in &mut self.turns {
            let mut best: Option<(i64, usize)> = None;
            for (at, (credit, weight)) in credits.iter_mut().zip(committee.weights()).enumerate() {
                *credit = credit.saturating_add(weight as i64);
                // Equal credit goes to the member with the smaller number.
                if best.is_none_or(|(most, _)| *credit > most) {
                    best = Some((*credit, at));
                }
            }
            let at = best.map_or(0, |(_, at)| at);
            if let Some(credit) = credits.get_mut(at) {
                *credit = credit.saturating_sub(sum);
            }
            *turn = MemberIndex::new(at as u16);
        }
        self.stride = stride_for(self.turns.len() as u64, u64::from(committee.len()));
    }

    /// The bytes that [`Schedule::new`] takes.
    #[must_use]
    pub const fn footprint_bytes(limits: &ConsensusLimits) -> u64 {
        fixed_slice_bytes::<MemberIndex>(limits.schedule_count_max as usize)
    }

    /// Who proposes in a round of a height.
    #[must_use]
    pub fn proposer(&self, height: Height, round: Round) -> MemberIndex {
        let len = self.turns.len().max(1) as u128;
        let rounds = u128::from(round.get()).saturating_mul(u128::from(self.stride));
        let step = u128::from(height.get()).saturating_add(rounds);
        let turn = step.checked_rem(len).unwrap_or(0) as usize;
        self.turns.get(turn).copied().unwrap_or(MemberIndex::ZERO)
    }
}

/// The smallest number above half of the members that has no factor in common with the length.
///
/// Half of the members: with equal weights the table repeats them in order, so a failed round goes
/// to somebody far from the next height's turn.
fn stride_for(len: u64, member_count: u64) -> u64 {
    let first = (member_count >> 1).saturating_add(1);
    // 1 has no factor in common with anything, so one is found before `first + len`.
    (first..first.saturating_add(len).saturating_add(1))
        .find(|stride| greatest_common_divisor(*stride, len) == 1)
        .unwrap_or(1)
}

/// Euclid's algorithm; ends within 93 steps for numbers of 64 bits.
const fn greatest_common_divisor(mut a: u64, mut b: u64) -> u64 {
    while let Some(rest) = a.checked_rem(b) {
        a = b;
        b = rest;
    }
    a
}

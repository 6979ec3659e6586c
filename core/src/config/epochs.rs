//! How a network's committee may change from epoch to epoch.

use super::{Config, FairCommittee, MedianCommittee, Policy};
use crate::codec::{EncodeError, Writer};
use crate::types::Height;

/// How a committee may change; the genesis binds it.
///
/// The default is a committee that stays as it is: its genesis has no bytes of this.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EpochSizes {
    /// The most members of any epoch; 0 for a committee that stays as it is.
    ///
    /// Range: 0 ..= 128. Why: memory is taken once, for the largest committee that there will be.
    pub member_count_max: u8,
    /// How many members' budgets may be charged to members that have left. No more leave with one
    /// epoch.
    ///
    /// Range: 0 ..= 128, and with one or more at most 127 members. Why: under a policy that orders
    /// by receive logs what a member brought stays live after it has left.
    pub leaver_count_max: u8,
    /// Slots from the one that decides another membership to the one that closes the epoch.
    ///
    /// Range: 0 ..= 4,096, and at least 1 under a policy that orders by receive logs. Why: members
    /// have to know the closing slot before it comes. Without logs nothing has to be finished, and
    /// the epoch may end with the slot that decides.
    pub lead_slots: u16,
    /// Slots after the closing one at whose end an epoch of receive logs ends, whatever stands in
    /// line; 0 stands for 64.
    ///
    /// Range: 0, or 5 ..= 4,096. Why: members and clients that hold an epoch up delay a change of
    /// the committee and no more.
    pub closing_slots_max: u16,
}

impl EpochSizes {
    /// A committee that stays as it is.
    pub const FIXED: Self = Self {
        member_count_max: 0,
        leaver_count_max: 0,
        lead_slots: 0,
        closing_slots_max: 0,
    };

    /// Bytes in a genesis that has them.
    pub(super) const LEN: usize = 6;

    /// Whether the committee can change at all.
    #[must_use]
    pub const fn is_changeable(&self) -> bool {
        self.member_count_max > 0
    }

    /// The slot that closes the epoch in which the slot `height` decided another membership.
    #[must_use]
    pub const fn closing_after(&self, height: Height) -> Height {
        height.saturating_add(self.lead_slots as u64)
    }

    /// Whether every size is in its range for the policy.
    pub(super) const fn is_in_range(&self, policy: Policy) -> bool {
        if !self.is_changeable() {
            return self.leaver_count_max == 0 && self.lead_slots == 0;
        }
        // Those that have left share one place in the set of who is charged.
        let places =
            (self.member_count_max as u32).saturating_add((self.leaver_count_max > 0) as u32);
        let closing_fits = matches!(self.closing_slots_max, 0 | 5..=4_096);
        let lead_min = policy.orders_by_logs() as u16;
        places <= 128
            && self.leaver_count_max <= 128
            && self.lead_slots >= lead_min
            && self.lead_slots <= 4_096
            && closing_fits
    }

    pub(super) fn encode(&self, out: &mut Writer<'_>) -> Result<(), EncodeError> {
        out.u8(self.member_count_max)?;
        out.u8(self.leaver_count_max)?;
        out.u16(self.lead_slots)?;
        out.u16(self.closing_slots_max)
    }
}

impl FairCommittee {
    /// This committee with another number of members, as a later epoch has it.
    ///
    /// Who counts, how the rest is ranked, and how far the quorum lies below all that count stay.
    /// Where f is the most that gamma 1 allows for the first committee, it is so for every other;
    /// where it is fewer, it was chosen, and stays.
    #[must_use]
    pub const fn with_members(self, member_count: u8) -> Self {
        let largest = Self::of(self.member_count).fault_count;
        let fault_count = match self.fault_count == largest {
            true => Self::of(member_count).fault_count,
            false => self.fault_count,
        };
        let spared = self.counted_members().saturating_sub(self.quorum);
        let next = Self {
            member_count,
            fault_count,
            ..self
        };
        Self {
            quorum: next.counted_members().saturating_sub(spared),
            ..next
        }
    }

    /// How many members count.
    const fn counted_members(self) -> u8 {
        match self.counted {
            super::FairCounted::All => self.member_count,
            super::FairCounted::Honest => self.member_count.saturating_sub(self.fault_count),
        }
    }

    /// Whether any two solid transactions get an order: the last line of
    /// [`Parameters`](crate::ordering::fair::Parameters).
    const fn is_feasible(self) -> bool {
        let (n, f) = (self.member_count as u32, self.fault_count as u32);
        let liars = match self.counted {
            super::FairCounted::All => f,
            super::FairCounted::Honest => 0,
        };
        let least = n.saturating_add(2_u32.saturating_mul(f.saturating_add(liars)));
        f < n && 2_u32.saturating_mul(self.quorum as u32) > least
    }
}

impl Policy {
    /// The policy as an epoch with so many members has it: the thresholds of order fairness follow
    /// from [`FairCommittee::with_members`], all else stays.
    #[must_use]
    pub const fn with_members(self, member_count: u8) -> Self {
        match self {
            Self::Fair(committee) => Self::Fair(committee.with_members(member_count)),
            Self::Median(_) => Self::Median(MedianCommittee { member_count }),
            other => other,
        }
    }
}

impl Config {
    /// The most logs of any epoch, where the first one has so many.
    pub(crate) const fn log_count_max(&self, first_count: u8) -> u16 {
        match self.epochs.member_count_max > first_count {
            true => self.epochs.member_count_max as u16,
            false => first_count as u16,
        }
    }

    /// The fewest members that an epoch of this network may have, which begins with `first_count`:
    /// as many as it takes for one that lies or is silent, if the first committee stands that.
    ///
    /// Order fairness: the fewest for which [`FairCommittee::with_members`] is feasible with an f
    /// of 1 or more, or with f = 0 where the first committee has that. Median timestamps: 3.
    /// Consensus alone: 4. Never more than `first_count`.
    #[must_use]
    pub const fn heads_min(&self, first_count: u8) -> u8 {
        let wanted = match self.policy {
            Policy::Fair(committee) => {
                let mut count = 1;
                loop {
                    let next = committee.with_members(count);
                    let stands_one = next.fault_count > 0 || committee.fault_count == 0;
                    if count >= first_count || (stands_one && next.is_feasible()) {
                        break count;
                    }
                    count = count.saturating_add(1);
                }
            }
            Policy::Median(_) => 3,
            _ => 4,
        };
        if wanted < first_count {
            wanted
        } else {
            first_count
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::FairCounted;

    #[test]
    fn thresholds_follow_the_size() {
        let nine = FairCommittee::FIVE.with_members(9);
        assert_eq!(nine, FairCommittee::of(9));
        assert_eq!(nine.fault_count, 2);
        assert_eq!(nine.with_members(5), FairCommittee::FIVE);
        // An f that was chosen stays, and so does what gamma spares.
        let chosen = FairCommittee {
            member_count: 9,
            fault_count: 1,
            quorum: 8,
            counted: FairCounted::All,
            ..FairCommittee::FIVE
        };
        let larger = chosen.with_members(11);
        assert_eq!((larger.fault_count, larger.quorum), (1, 10));
        assert_eq!(larger.with_members(9), chosen);
    }

    #[test]
    fn an_epoch_keeps_the_heads_that_its_promise_takes() {
        let heads = |policy: Policy, count: u8| {
            let config = Config {
                policy,
                ..Config::default()
            };
            config.heads_min(count)
        };
        assert_eq!(heads(Policy::Fair(FairCommittee::FIVE), 5), 5);
        assert_eq!(heads(Policy::Fair(FairCommittee::of(9)), 9), 5);
        assert_eq!(heads(Policy::Fair(FairCommittee::of(3)), 3), 1);
        let two = FairCommittee {
            fault_count: 2,
            ..FairCommittee::of(13)
        };
        assert_eq!(heads(Policy::Fair(two), 13), 9);
        assert_eq!(heads(Policy::Median(MedianCommittee::FIVE), 5), 3);
        assert_eq!(heads(Policy::Fcfs, 5), 4);
        assert_eq!(heads(Policy::Fcfs, 2), 2);
    }

    #[test]
    fn sizes_have_ranges() {
        let sizes = EpochSizes {
            member_count_max: 9,
            leaver_count_max: 4,
            lead_slots: 4,
            closing_slots_max: 0,
        };
        let fair = Policy::Fair(FairCommittee::FIVE);
        assert!(EpochSizes::FIXED.is_in_range(fair) && sizes.is_in_range(fair));
        assert_eq!(sizes.closing_after(Height::new(7)), Height::new(11));
        let without_lead = EpochSizes {
            lead_slots: 0,
            ..sizes
        };
        assert!(!without_lead.is_in_range(fair) && without_lead.is_in_range(Policy::Fcfs));
        let bad = [
            EpochSizes {
                member_count_max: 128,
                ..sizes
            },
            EpochSizes {
                closing_slots_max: 4,
                ..sizes
            },
            EpochSizes {
                lead_slots: 4_097,
                ..sizes
            },
            EpochSizes {
                member_count_max: 0,
                ..sizes
            },
        ];
        assert!(bad.iter().all(|sizes| !sizes.is_in_range(fair)));
    }
}

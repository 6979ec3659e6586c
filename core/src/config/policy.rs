//! How a network puts transactions in order.

use super::committee::{FairCommittee, MedianCommittee};

/// How a network puts transactions in order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Policy {
    /// First come, first served: in the order of arrival.
    #[default]
    Fcfs,
    /// The highest fee per gas first, and within one fee first come, first served.
    PriorityFee,
    /// Arrivals fall into buckets of local time. An earlier bucket goes first; within one the
    /// highest fee per gas, and within one fee first come, first served.
    TimeBucket {
        /// Nanoseconds of one bucket, over 0.
        width_ns: u64,
    },
    /// First come, first served decides who is in. Then a seed that nobody knew before shuffles
    /// the senders; each sender's transactions stand together.
    Shuffle,
    /// First come, first served decides who is in. Then the greedy sequencing rule orders the
    /// trades of each pool, so that buys and sells alternate around the price at its start.
    Greedy,
    /// The members' receive logs decide: what enough of them received first goes first.
    Fair(FairCommittee),
    /// The members' receive logs decide: by the lower median of the members' clocks.
    Median(MedianCommittee),
}

/// Nanoseconds of a time bucket where nobody chose: as long as many rollups' slots.
pub const BUCKET_WIDTH_NS_DEFAULT: u64 = 250_000_000;

impl Policy {
    /// Every policy, with the parameter that it has where nobody chose.
    pub const ALL: &'static [Self] = &[
        Self::Fcfs,
        Self::PriorityFee,
        Self::TimeBucket {
            width_ns: BUCKET_WIDTH_NS_DEFAULT,
        },
        Self::Shuffle,
        Self::Greedy,
        Self::Fair(FairCommittee::FIVE),
        Self::Median(MedianCommittee::FIVE),
    ];

    /// Those that take their candidates from the pool of whoever proposes.
    pub const BY_POOL: &'static [Self] = Self::ALL.split_at(5).0;

    /// The byte that stands for it in every encoding.
    #[must_use]
    pub const fn byte(self) -> u8 {
        match self {
            Self::Fcfs => 1,
            Self::PriorityFee => 2,
            Self::TimeBucket { .. } => 3,
            Self::Shuffle => 4,
            Self::Greedy => 5,
            Self::Fair(_) => 6,
            Self::Median(_) => 7,
        }
    }

    /// The policy that a byte stands for, with its usual parameter, if any.
    #[must_use]
    pub fn from_byte(byte: u8) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|policy| policy.byte() == byte)
    }

    /// Its parameter, as headers carry it: the width of a bucket in nanoseconds, the numbers of a
    /// committee one byte each, or 0.
    #[must_use]
    pub const fn parameter(self) -> u64 {
        match self {
            Self::TimeBucket { width_ns } => width_ns,
            Self::Fair(committee) => committee.parameter(),
            Self::Median(committee) => committee.parameter(),
            _ => 0,
        }
    }

    /// The same policy with this parameter; nothing where it can't have it.
    #[must_use]
    pub const fn with_parameter(self, parameter: u64) -> Option<Self> {
        match (self, parameter) {
            (Self::TimeBucket { .. }, 0) => None,
            (Self::TimeBucket { .. }, width_ns) => Some(Self::TimeBucket { width_ns }),
            (Self::Fair(_), parameter) => match FairCommittee::from_parameter(parameter) {
                Some(committee) => Some(Self::Fair(committee)),
                None => None,
            },
            (Self::Median(_), parameter) => match MedianCommittee::from_parameter(parameter) {
                Some(committee) => Some(Self::Median(committee)),
                None => None,
            },
            (other, 0) => Some(other),
            _ => None,
        }
    }

    /// Whether it needs a seed once the set of a slot's transactions is fixed.
    #[must_use]
    pub const fn needs_seed(self) -> bool {
        matches!(self, Self::Shuffle)
    }

    /// Whether it needs the trade of each transaction, and what the pools hold.
    #[must_use]
    pub const fn needs_hints(self) -> bool {
        matches!(self, Self::Greedy)
    }

    /// Whether it fixes a whole set before it orders it, so that slots can't come in slices.
    #[must_use]
    pub const fn orders_whole_slots(self) -> bool {
        self.needs_seed() || self.needs_hints() || self.orders_by_logs()
    }

    /// Whether the members' receive logs give the order, and not what one pool holds. What a log
    /// holds then stays in the pool until a slot drains it.
    #[must_use]
    pub const fn orders_by_logs(self) -> bool {
        matches!(self, Self::Fair(_) | Self::Median(_))
    }

    /// How many receive logs there are, where they give the order.
    #[must_use]
    pub const fn log_count(self) -> Option<u8> {
        match self {
            Self::Fair(FairCommittee { member_count, .. })
            | Self::Median(MedianCommittee { member_count }) => Some(member_count),
            _ => None,
        }
    }

    /// The name that people use for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fcfs => "fcfs",
            Self::PriorityFee => "priority",
            Self::TimeBucket { .. } => "time-bucket",
            Self::Shuffle => "shuffle",
            Self::Greedy => "greedy",
            Self::Fair(_) => "fair",
            Self::Median(_) => "median",
        }
    }

    /// The policy of that name, with its usual parameter, if any.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|policy| policy.name() == name)
    }
}

//! Every maximum of the core, with its range and its reason, and the memory that follows.
//!
//! All memory is allocated by constructors, and how much is a function of [`Limits`]: see
//! [`Limits::footprint`]. Nothing grows afterwards.

use crate::error::operation_error;
use crate::types::Transaction;

mod footprint;
pub use footprint::{Footprint, FootprintPart};

/// The most rollups that one network can serve.
pub const ROLLUP_COUNT_MAX: usize = 16;

/// The most slices that one slot can have.
///
/// Why: a slot of several seconds with a slice every 100 ms; a bit for each fits a word.
pub const SLICE_COUNT_MAX: usize = 64;

/// The most bytes of membership changes that one slot can carry.
///
/// Why: two of the largest, a ban that two votes prove and an admission with its key, or two
/// thousand of the smallest; what does not fit waits for the next slot.
pub const CHANGES_BYTES_MAX: u32 = 16 * 1024;

/// The most legs that a bundle can have.
pub const BUNDLE_LEG_COUNT_MAX: usize = 8;

/// How many sizes of buffers carry transactions across a lane.
pub const BUFFER_CLASS_COUNT: usize = 3;

/// What a journal's records take, in bytes.
pub(crate) struct JournalBytes;

impl JournalBytes {
    /// A journal's header, and a record of events that were read.
    pub const HEAD: u64 = 186;
    /// A submission beside its transaction.
    pub const SUBMITTED: u64 = 105;
    /// A slot that was taken, beside the pools that it trades with.
    pub const TAKEN: u64 = 150;
    /// One of those pools.
    pub const POOL: u64 = 56;
    /// A bundle beside its legs.
    pub const BUNDLE: u64 = 65;
    /// A leg beside its transaction.
    pub const LEG: u64 = 9;
    /// What a slot is to carry, beside its membership changes.
    pub const CONTEXT: u64 = 117;
}

/// Every maximum of the core.
///
/// ```
/// use hauptbuch_core::limits::Limits;
///
/// let limits = Limits::default();
/// limits.check().unwrap();
/// assert_eq!(limits.transaction_bytes_max(), 98 + 256 * 1024);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Transactions that the pool holds, taken ones included.
    ///
    /// Range: 1 ..= 2^24. Why: the default takes 26 slots of the default size.
    pub pending_count_max: u32,
    /// Bytes that the pool keeps for payloads.
    ///
    /// Range: at least one payload of `payload_bytes_max` ..= 2^36. Why: 512 bytes for each
    /// pending transaction by default, twice what real ones have in the mean.
    pub pending_bytes_max: u64,
    /// Bytes of one payload.
    ///
    /// Range: 0 ..= 2^24. Why: real transactions with 128,370 bytes exist.
    pub payload_bytes_max: u32,
    /// Senders whose next nonce the pool remembers, over all rollups.
    ///
    /// Range: 1 ..= 2^24. Why: twice what 87 real blocks with 24,920 transactions have.
    pub sender_count_max: u32,
    /// Transactions of one sender that wait for a missing nonce.
    ///
    /// Range: 0 ..= 4,096. Why: bounds the walk to a place among them; wallets send few ahead.
    pub sender_gapped_count_max: u32,
    /// What one sender's transactions in the pool may come to.
    ///
    /// Range: at least one transaction of every admissible size. Why: one real sender has 1,408
    /// transactions in one block; this lets it through and leaves most of the pool to others.
    pub sender_quota: Quota,
    /// What the transactions of one origin may come to.
    ///
    /// Range: as `sender_quota`. Why: answers those who split themselves into many senders. The
    /// default allows all, because a host that does not number its peers has one origin.
    pub origin_quota: Quota,
    /// Origins that are told apart; origins that differ by a multiple of it share a quota.
    ///
    /// Range: 1 ..= 2^20. Why: the peers of a busy node.
    pub origin_count_max: u32,
    /// Places that each rollup has for itself, where there are several.
    ///
    /// Range: 0 ..= `pending_count_max` / 16. Why: a rollup under load can't shut another one out.
    pub rollup_reserved_count: u32,
    /// Places for senders with few transactions in the pool.
    ///
    /// Range: 0 ..= `pending_count_max` / 2. Why: a flood can't shut out who sends now and then.
    pub quiet_reserved_count: u32,
    /// Transactions that are remembered after their end, so that they are not admitted again.
    ///
    /// Range: 0 ..= 2^24. Why: gossip brings back what was included a few slots ago.
    pub seen_count_max: u32,
    /// Cancellations that are remembered before their transaction comes, by id and by nonce each.
    ///
    /// Range: 1 ..= 2^20. Why: a cancellation can overtake what it cancels by a few seconds.
    pub cancel_count_max: u32,
    /// Trades that the pool keeps beside its transactions, for a policy that looks at trades.
    ///
    /// Range: 0 ..= 2^24. Why: six slots of the default size.
    pub hint_count_max: u32,
    /// Forced inputs that wait or are taken; each of k rollups may hold a k-th of them.
    ///
    /// Range: 0 for no forced inputs, or the number of rollups ..= 2^16. Why: what another chain's
    /// inbox brings in some slots.
    pub forced_count_max: u32,
    /// Bytes that are kept for their payloads; each of k rollups may hold a k-th of them.
    ///
    /// Range: a payload of `payload_bytes_max` for each rollup ..= 2^32. Why: no load of the pool
    /// can take them.
    pub forced_bytes_max: u64,
    /// Bundles that wait or are taken.
    ///
    /// Range: 0 ..= 4,096. Why: every slot looks at each of them.
    pub bundle_count_max: u32,
    /// Legs of one bundle.
    ///
    /// Range: 1 ..= 8. Why: all of them must be ready at once.
    pub bundle_leg_count_max: u32,
    /// Bytes that are kept for the payloads of bundles.
    ///
    /// Range: one payload of `payload_bytes_max` ..= 2^32. Why: 4 KiB a bundle by default.
    pub bundle_bytes_max: u64,
    /// How far above its sender's next nonce a transaction's may lie.
    ///
    /// Range: 1 ..= 2^32-1. Why: one real sender has 1,408 transactions in one block.
    pub nonce_gap_max: u32,
    /// Transactions in one slot, over all rollups.
    ///
    /// Range: 1 ..= 2^20. Why: more than the 1,414 of the largest real block at hand.
    pub slot_count_max: u32,
    /// Bytes of transactions in one slot, in their canonical encoding.
    ///
    /// Range: one transaction of the largest payload ..= 2^30.
    /// Why: four times the largest transaction, and more than the largest real block at hand.
    pub slot_bytes_max: u32,
    /// Gas of the transactions in one slot.
    ///
    /// Range: 1 ..= 2^63. Why: several blocks of Ethereum; real ones declare up to 36 million.
    pub slot_gas_max: u64,
    /// Senders that one slot may pass over because their next transaction does not fit.
    ///
    /// Range: 0 ..= `sender_count_max`. Why: bounds the search for smaller transactions, at 4 bytes
    /// each. More than this many that pay most and do not fit end the search, and leave the slot
    /// as it is then; `origin_quota.gas_max` below as many whole slots keeps one origin from that.
    pub set_aside_count_max: u32,
    /// Slots that are taken and neither acknowledged nor rolled back.
    ///
    /// Range: 1 ..= 16. Why: one that is being decided, and one that is being built.
    pub in_flight_count_max: u32,
    /// Events that wait to be read.
    ///
    /// Range: two slots ..= 2^24. Why: a slot that is acknowledged ends all its transactions at
    /// once.
    pub event_count_max: u32,
    /// Bytes of the journal that wait to be drained; 0 for no journal.
    ///
    /// Range: 0, or [`Limits::journal_bytes_min`] ..= 2^30. Why: off unless the host keeps it.
    pub journal_bytes_max: u32,
    /// Producers that can have a lane of their own at the same time.
    ///
    /// Range: 0 ..= 1,024. Why: one a thread of a busy node.
    pub producer_count_max: u32,
    /// Transactions that wait in one producer's lane.
    ///
    /// Range: 1 ..= 2^20. Why: what arrives at a million a second while the owner works 0.5 ms.
    pub lane_count_max: u32,
    /// Transactions that wait in the lane that all threads share; 0 for none.
    ///
    /// Range: 0 ..= 2^20. Why: a stalled producer can block this lane (see the ingress), so
    /// a host that needs a bound on every call turns it off.
    pub shared_lane_count_max: u32,
    /// Buffers of a lane, by size class; see [`Limits::buffer_bytes`].
    ///
    /// Range: 0 ..= 2^20 each, with at least one of the last class where there is a lane.
    /// Why: most real transactions fit the smallest class.
    pub lane_buffer_counts: [u32; BUFFER_CLASS_COUNT],
}

/// What somebody's transactions in the pool may come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Transactions.
    pub count_max: u32,
    /// Bytes of their payloads.
    pub bytes_max: u64,
    /// Gas.
    pub gas_max: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            pending_count_max: 1 << 16,
            pending_bytes_max: 32 << 20,
            payload_bytes_max: 256 << 10,
            sender_count_max: 1 << 15,
            sender_gapped_count_max: 64,
            sender_quota: Quota {
                count_max: 4_096,
                bytes_max: 8 << 20,
                gas_max: 1 << 40,
            },
            origin_quota: Quota {
                count_max: u32::MAX,
                bytes_max: u64::MAX,
                gas_max: u64::MAX,
            },
            origin_count_max: 4_096,
            rollup_reserved_count: 1_024,
            quiet_reserved_count: 8_192,
            seen_count_max: 1 << 15,
            cancel_count_max: 1_024,
            hint_count_max: 1 << 14,
            forced_count_max: 1_024,
            forced_bytes_max: 4 << 20,
            bundle_count_max: 256,
            bundle_leg_count_max: 4,
            bundle_bytes_max: 1 << 20,
            nonce_gap_max: 4_096,
            slot_count_max: 2_500,
            slot_bytes_max: 1 << 20,
            slot_gas_max: 200_000_000,
            set_aside_count_max: 256,
            in_flight_count_max: 2,
            event_count_max: 1 << 14,
            journal_bytes_max: 0,
            producer_count_max: 8,
            lane_count_max: 512,
            shared_lane_count_max: 1_024,
            lane_buffer_counts: [512, 64, 2],
        }
    }
}

operation_error! {
    /// Why limits can't be used.
    LimitsError { LimitOutOfRange, LimitsContradict }
}

impl Limits {
    /// Checks every range, and that no two limits contradict each other.
    ///
    /// # Errors
    /// [`LimitsError::LimitOutOfRange`] and [`LimitsError::LimitsContradict`].
    pub fn check(&self) -> Result<(), LimitsError> {
        let pending = u64::from(self.pending_count_max);
        let in_range = [
            (1, pending, 1 << 24),
            (
                u64::from(self.payload_bytes_max),
                self.pending_bytes_max,
                1 << 36,
            ),
            (0, u64::from(self.payload_bytes_max), 1 << 24),
            (1, u64::from(self.sender_count_max), 1 << 24),
            (0, u64::from(self.sender_gapped_count_max), 4_096),
            (1, u64::from(self.origin_count_max), 1 << 20),
            (
                0,
                u64::from(self.rollup_reserved_count).saturating_mul(16),
                pending,
            ),
            (
                0,
                u64::from(self.quiet_reserved_count).saturating_mul(2),
                pending,
            ),
            (0, u64::from(self.seen_count_max), 1 << 24),
            (1, u64::from(self.cancel_count_max), 1 << 20),
            (0, u64::from(self.hint_count_max), 1 << 24),
            (1, u64::from(self.nonce_gap_max), u64::from(u32::MAX)),
            (1, u64::from(self.slot_count_max), 1 << 20),
            (1, u64::from(self.slot_bytes_max), 1 << 30),
            (1, self.slot_gas_max, 1 << 63),
            (
                0,
                u64::from(self.set_aside_count_max),
                u64::from(self.sender_count_max),
            ),
            (1, u64::from(self.in_flight_count_max), 16),
            (1, u64::from(self.event_count_max), 1 << 24),
            (0, u64::from(self.journal_bytes_max), 1 << 30),
            (0, u64::from(self.producer_count_max), 1_024),
            (1, u64::from(self.lane_count_max), 1 << 20),
            (0, u64::from(self.shared_lane_count_max), 1 << 20),
        ]
        .iter()
        .all(|(low, value, high)| low <= value && value <= high)
            && self.are_outside_limits_in_range();
        if !in_range {
            return Err(LimitsError::LimitOutOfRange);
        }
        let [.., largest_class_count] = self.lane_buffer_counts;
        let holds_largest = |quota: &Quota| {
            quota.count_max > 0
                && quota.bytes_max >= u64::from(self.payload_bytes_max)
                && quota.gas_max >= self.slot_gas_max
        };
        let journal_bytes = u64::from(self.journal_bytes_max);
        let consistent = (journal_bytes == 0 || journal_bytes >= self.journal_bytes_min())
            && holds_largest(&self.sender_quota)
            && holds_largest(&self.origin_quota)
            && self.transaction_bytes_max() <= self.slot_bytes_max
            && (self.bundle_count_max == 0
                || self.bundle_bytes_max >= u64::from(self.payload_bytes_max))
            && u64::from(self.slot_count_max).saturating_mul(2) <= u64::from(self.event_count_max)
            && ((self.producer_count_max == 0 && self.shared_lane_count_max == 0)
                || largest_class_count > 0);
        if consistent {
            Ok(())
        } else {
            Err(LimitsError::LimitsContradict)
        }
    }

    /// The ranges of what stands outside the pool's lines, and of buffers.
    fn are_outside_limits_in_range(&self) -> bool {
        let in_range = [
            (0, u64::from(self.forced_count_max), 1 << 16),
            (0, self.forced_bytes_max, 1 << 32),
            (0, u64::from(self.bundle_count_max), 4_096),
            (
                1,
                u64::from(self.bundle_leg_count_max),
                BUNDLE_LEG_COUNT_MAX as u64,
            ),
            (0, self.bundle_bytes_max, 1 << 32),
        ];
        in_range
            .iter()
            .all(|(low, value, high)| low <= value && value <= high)
            && self
                .lane_buffer_counts
                .iter()
                .all(|count| *count <= 1 << 20)
    }

    /// Bytes of the longest canonical transaction.
    #[must_use]
    pub const fn transaction_bytes_max(&self) -> u32 {
        self.payload_bytes_max
            .saturating_add(Transaction::HEADER_LEN)
    }

    /// The fewest bytes that a journal's buffer must have: a header, and the longest record behind
    /// one that says how many events were read.
    ///
    /// The longest is that of a bundle or a transaction of the largest size, or where there can be
    /// trades that of a slot in which each is with a pool of its own. The membership changes of a
    /// slot, which only networks with a committee have, take up to 117 + [`CHANGES_BYTES_MAX`]
    /// bytes beside the header; with less room the largest of them are refused.
    #[must_use]
    pub const fn journal_bytes_min(&self) -> u64 {
        JournalBytes::HEAD.saturating_add(self.journal_record_bytes_max())
    }

    /// Bytes of a journal's longest record.
    pub(crate) const fn journal_record_bytes_max(&self) -> u64 {
        let transaction = self.transaction_bytes_max() as u64;
        let submitted = JournalBytes::SUBMITTED.saturating_add(transaction);
        let trades = if self.hint_count_max < self.slot_count_max {
            self.hint_count_max
        } else {
            self.slot_count_max
        };
        let taken =
            JournalBytes::TAKEN.saturating_add(JournalBytes::POOL.saturating_mul(trades as u64));
        let legs = self.bundle_leg_count_max as u64;
        let (whole, slot) = (legs.saturating_mul(transaction), self.slot_bytes_max as u64);
        let bundle = match self.bundle_count_max {
            0 => 0,
            _ => JournalBytes::BUNDLE
                .saturating_add(JournalBytes::LEG.saturating_mul(legs))
                .saturating_add(if whole < slot { whole } else { slot }),
        };
        larger(larger(submitted, taken), bundle)
    }

    /// The sizes of a lane's buffers in bytes, smallest first.
    ///
    /// A transaction takes a buffer of the smallest class that has one free and can hold it.
    #[must_use]
    pub fn buffer_bytes(&self) -> [u32; BUFFER_CLASS_COUNT] {
        let largest = self.transaction_bytes_max();
        [512.min(largest), 8_192.min(largest), largest]
    }
}

const fn larger(one: u64, other: u64) -> u64 {
    if one > other { one } else { other }
}

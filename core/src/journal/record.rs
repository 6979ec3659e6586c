//! One record: an input, and what became of it.

mod body;
mod decode;
mod encode;

pub(crate) use body::{Body, LEG_OVERHEAD_LEN, Legs, POOL_LEN, Pools};
pub(crate) use decode::decode_stamped;

use super::Clocks;
use crate::error::Code;
use crate::types::{
    Address, Fee, Hash, Height, InboxIndex, Nonce, PoolReserves, RollupId, TradeHint, TxId, UnixNs,
};

/// An input that changed a coordinator's state, and what became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Record<'a> {
    /// Events were read, or the clocks moved on.
    Gathered {
        /// Events that were read since the record before.
        read_count: u32,
    },
    /// A transaction came.
    Submitted {
        /// Whether through a lane, so that an event says what became of it.
        is_from_lane: bool,
        /// Whether a decided cut showed it, so that it came in past quotas.
        is_logged: bool,
        /// What the host knew of its sender's account.
        account_nonce: Option<Nonce>,
        /// Where it came from.
        origin: u32,
        /// The trade that it makes, where the policy looks at trades and the host said so.
        hint: Option<TradeHint>,
        /// What became of it.
        outcome: Code,
        /// Its bytes, as they came.
        canonical: &'a [u8],
    },
    /// A transaction came whose payload was longer than the limit.
    TooLong,
    /// A slot was asked for.
    Taken {
        /// Whether it was wanted without transactions too.
        is_empty_wanted: bool,
        /// The slot, if there was one.
        outcome: Option<(Height, Hash)>,
        /// The pools that its transactions trade with, where the policy looks at trades.
        pools: Pools<'a>,
        /// The pool that was asked for last and found, if any: its trade may not have fitted.
        last_pool: Option<PoolReserves>,
    },
    /// A slot was acknowledged.
    Acknowledged {
        /// Which.
        height: Height,
    },
    /// Slots were rolled back.
    RolledBack {
        /// The first of them.
        height: Height,
        /// How many.
        slot_count: u32,
    },
    /// What can't become ready was ended.
    UnreadyExpired {
        /// How many transactions.
        ended_count: u32,
        /// Whether none is left.
        is_finished: bool,
    },
    /// A transaction was cancelled by its identity.
    Cancelled {
        /// Which.
        id: TxId,
        /// Whether it waited, so that it ended at once.
        has_ended: bool,
    },
    /// A transaction was cancelled by its sender and nonce.
    NonceCancelled {
        /// On which rollup.
        rollup: RollupId,
        /// Whose.
        sender: Address,
        /// Which.
        nonce: Nonce,
        /// The transaction that ended at once; zero where none did.
        ended: TxId,
    },
    /// The pressure was set.
    PressureSet {
        /// Transactions in one slot.
        slot_count_max: u32,
        /// Bytes of transactions in one slot.
        slot_bytes_max: u32,
        /// Gas in one slot.
        slot_gas_max: u64,
        /// The fee floor.
        fee_floor: Fee,
        /// Whether only what is ready is admitted.
        refuses_gaps: bool,
    },
    /// A forced input came that some slot has room for.
    ForcedSubmitted {
        /// Its running number in the inbox.
        index: InboxIndex,
        /// After which agreed time no slot may leave it out.
        deadline: UnixNs,
        /// What the host knew of its sender's account.
        account_nonce: Option<Nonce>,
        /// What became of it.
        outcome: Code,
        /// Its canonical bytes.
        canonical: &'a [u8],
    },
    /// A forced input came that no slot can hold.
    ForcedTooLarge {
        /// On which rollup.
        rollup: RollupId,
        /// Which.
        id: TxId,
        /// Its running number in the inbox.
        index: InboxIndex,
        /// What became of it.
        outcome: Code,
    },
    /// A bundle came.
    BundleSubmitted {
        /// When it ends at the latest.
        expiry: UnixNs,
        /// What became of it.
        outcome: Code,
        /// The leg that was to blame, if one was.
        blamed: Option<u32>,
        /// Its legs in their order.
        legs: Legs<'a>,
    },
    /// A bundle was refused for its size or shape alone.
    BundleMisshapen {
        /// Why.
        outcome: Code,
    },
    /// A slot was opened, to be filled in slices.
    SlotOpened {
        /// Its height.
        height: Height,
    },
    /// A slice was added to the open slot, or nothing was ready.
    SliceAdded {
        /// What it could hold.
        room: SliceRoom,
        /// Its transactions; none where no slice was added.
        count: u32,
        /// The running hash of the last rollup of which it holds any; zero where it holds none.
        running_hash: Hash,
    },
    /// The set of a slot was fixed.
    SetFixed {
        /// Whether it was wanted without transactions too.
        is_empty_wanted: bool,
        /// The slot's height and the root of its set, if there was one.
        outcome: Option<(Height, Hash)>,
    },
    /// A slot was taken of what a cut drained.
    Drained {
        /// The time that its cut gives.
        time: UnixNs,
        /// The slot.
        outcome: (Height, Hash),
        /// The cut and what was drained at it.
        bytes: &'a [u8],
    },
    /// A slot that another member proposed was taken over, or made room for ahead of that.
    Adopted {
        /// The slot; nothing where as much as events had room for has ended ahead of it.
        outcome: Option<(Height, Hash)>,
        /// Its bytes.
        bytes: &'a [u8],
    },
    /// It was said whether a log holds a transaction.
    LogMarked {
        /// Which.
        id: TxId,
        /// Whether one does.
        is_logged: bool,
    },
    /// It was said what the next slot carries beside transactions.
    ContextSet {
        /// The membership of the next epoch; zero where the slot ends none.
        next_membership: Hash,
        /// The state that follows; zero where nobody keeps it.
        state_root: Hash,
        /// The bytes of its membership changes.
        changes: &'a [u8],
    },
    /// The open slot was sealed.
    Sealed {
        /// The seed that ordered it, if its set was fixed first.
        seed: Option<Hash>,
        /// The slot's hash.
        hash: Hash,
    },
}

/// A record with the clocks at which its input was handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamped<'a> {
    pub clocks: Clocks,
    pub record: Record<'a>,
}

/// What one slice may hold at most; the floor above has a type of its own for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SliceRoom {
    /// Transactions.
    pub count: u32,
    /// Bytes of canonical transactions.
    pub bytes: u32,
    /// Gas.
    pub gas: u64,
}

/// Bytes before the fields: length, kind and clocks.
const HEAD_LEN: usize = 21;
/// Bytes of the longest record without what has a length of its own: a slot and a pool.
pub(super) const FIELDS_LEN_MAX: usize = HEAD_LEN + TAKEN_FIELDS_LEN + POOL_LEN;
/// Bytes of a [`Record::Gathered`].
pub(super) const GATHERED_LEN: usize = HEAD_LEN + 4 + Hash::LEN;
/// Bytes of a [`Record::Submitted`] beside the transaction, with a trade.
pub(super) const SUBMITTED_OVERHEAD_LEN: usize =
    HEAD_LEN + SUBMITTED_FIELDS_LEN + HINT_LEN + Hash::LEN;
/// Bytes of a [`Record::ForcedSubmitted`] beside the transaction.
const FORCED_OVERHEAD_LEN: usize = HEAD_LEN + FORCED_FIELDS_LEN + Hash::LEN;
/// Bytes of a [`Record::Taken`] beside the pools.
pub(super) const TAKEN_OVERHEAD_LEN: usize = FIELDS_LEN_MAX + Hash::LEN;
/// Bytes of a [`Record::BundleSubmitted`] beside the legs.
pub(super) const BUNDLE_OVERHEAD_LEN: usize = HEAD_LEN + BUNDLE_FIELDS_LEN + Hash::LEN;

/// Bytes of a [`Record::ContextSet`] beside the changes.
pub(super) const CONTEXT_OVERHEAD_LEN: usize = HEAD_LEN + CONTEXT_FIELDS_LEN + Hash::LEN;

// A buffer that can hold the longest submission can hold the longest forced input.
const _: () = assert!(FORCED_OVERHEAD_LEN <= SUBMITTED_OVERHEAD_LEN);

const SUBMITTED_FIELDS_LEN: usize = 1 + 8 + 4 + 2;
const HINT_LEN: usize = 20 + 1 + 16;
const TAKEN_FIELDS_LEN: usize = 1 + 8 + 32;
const FORCED_FIELDS_LEN: usize = 8 + 8 + 1 + 8 + 2;
const BUNDLE_FIELDS_LEN: usize = 8 + 2 + 1 + 1;
const CONTEXT_FIELDS_LEN: usize = 32 + 32;

const FLAG_LANE: u8 = 1;
const FLAG_ACCOUNT_NONCE: u8 = 2;
const FLAG_HINT: u8 = 4;
const FLAG_LOGGED: u8 = 8;
const FLAG_EMPTY_WANTED: u8 = 1;
const FLAG_LAST_POOL: u8 = 2;

impl<'a> Record<'a> {
    /// The byte that stands for its kind.
    const fn kind(&self) -> u8 {
        match self {
            Self::Gathered { .. } => 1,
            Self::Submitted { .. } => 2,
            Self::TooLong => 3,
            Self::Taken { .. } => 4,
            Self::Acknowledged { .. } => 5,
            Self::RolledBack { .. } => 6,
            Self::UnreadyExpired { .. } => 7,
            Self::Cancelled { .. } => 8,
            Self::NonceCancelled { .. } => 9,
            Self::PressureSet { .. } => 10,
            Self::ForcedSubmitted { .. } => 11,
            Self::ForcedTooLarge { .. } => 12,
            Self::BundleSubmitted { .. } => 13,
            Self::BundleMisshapen { .. } => 14,
            Self::SlotOpened { .. } => 15,
            Self::SliceAdded { .. } => 16,
            Self::SetFixed { .. } => 17,
            Self::Sealed { .. } => 18,
            Self::Drained { .. } => 19,
            Self::LogMarked { .. } => 20,
            Self::ContextSet { .. } => 21,
            Self::Adopted { .. } => 22,
        }
    }

    /// Bytes of its fields, without what has a length of its own.
    const fn fields_len(&self) -> usize {
        match self {
            Self::Gathered { .. } => 4,
            Self::Submitted { hint: None, .. } => SUBMITTED_FIELDS_LEN,
            Self::Submitted { hint: Some(_), .. } => SUBMITTED_FIELDS_LEN + HINT_LEN,
            Self::TooLong => 0,
            Self::Taken {
                last_pool: None, ..
            }
            | Self::SetFixed { .. } => TAKEN_FIELDS_LEN,
            Self::Taken {
                last_pool: Some(_), ..
            } => TAKEN_FIELDS_LEN + POOL_LEN,
            Self::Acknowledged { .. } | Self::SlotOpened { .. } => 8,
            Self::RolledBack { .. } => 8 + 4,
            Self::UnreadyExpired { .. } => 4 + 1,
            Self::Cancelled { .. } | Self::LogMarked { .. } => 32 + 1,
            Self::Drained { .. } => 8 + 8 + 32,
            Self::Adopted { .. } => 8 + 32,
            Self::NonceCancelled { .. } => 4 + 20 + 8 + 32,
            Self::PressureSet { .. } => 4 + 4 + 8 + 8 + 1,
            Self::ForcedSubmitted { .. } => FORCED_FIELDS_LEN,
            Self::ForcedTooLarge { .. } => 4 + 32 + 8 + 2,
            Self::BundleSubmitted { .. } => BUNDLE_FIELDS_LEN,
            Self::BundleMisshapen { .. } => 2,
            Self::SliceAdded { .. } => 16 + 4 + 32,
            Self::Sealed { .. } => 1 + 32 + 32,
            Self::ContextSet { .. } => CONTEXT_FIELDS_LEN,
        }
    }

    /// What stands between its fields and its checksum.
    pub const fn body(&self) -> Body<'a> {
        match *self {
            Self::Submitted { canonical, .. } | Self::ForcedSubmitted { canonical, .. } => {
                Body::Bytes(canonical)
            }
            Self::Taken { pools, .. } => Body::Pools(pools),
            Self::Drained { bytes, .. } | Self::Adopted { bytes, .. } => Body::Bytes(bytes),
            Self::ContextSet { changes, .. } => Body::Bytes(changes),
            Self::BundleSubmitted { legs, .. } => Body::Legs(legs),
            _ => Body::Bytes(&[]),
        }
    }

    /// Bytes of the whole record.
    pub fn encoded_len(&self) -> usize {
        let own = HEAD_LEN.saturating_add(self.fields_len());
        own.saturating_add(self.body().len())
            .saturating_add(Hash::LEN)
    }
}

//! What the pool keeps of a transaction and of a sender.

use super::InUse;
use crate::bounded::{ChunkList, NONE};
use crate::types::{
    Address, Arrival, Envelope, Fee, Gas, Nonce, RollupId, Tick, TransactionKind, TxId, UnixNs,
};

/// A transaction in the pool. Its sender and rollup stand in its [`Sender`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub id: TxId,
    pub recipient: Address,
    /// Bytes, because the alignment of a `u128` would cost 8 bytes an entry.
    amount: [u8; 16],
    pub nonce: Nonce,
    pub fee: Fee,
    pub gas: Gas,
    pub expiry: UnixNs,
    pub arrival: Arrival,
    pub payload: ChunkList,
    /// The place of its sender.
    pub sender: u32,
    /// The place of its origin.
    pub origin: u32,
    /// Its neighbours in its sender's line, by nonce.
    pub before: u32,
    pub after: u32,
    kind: TransactionKind,
    /// Whether a slot in flight holds it.
    pub is_taken: bool,
    /// Whether its sender had only few others when it came.
    pub is_quiet: bool,
    /// Whether a receive log holds it, so that only a slot that drains it ends it.
    pub is_logged: bool,
}

// Memory a transaction is promised to stay below 320 bytes; this is its largest part.
const _: () = assert!(size_of::<Entry>() <= 144);

impl Entry {
    pub fn new(
        id: TxId,
        envelope: &Envelope,
        payload: ChunkList,
        arrival: Arrival,
        [sender, origin]: [u32; 2],
    ) -> Self {
        Self {
            id,
            recipient: envelope.recipient,
            amount: envelope.amount.to_le_bytes(),
            nonce: envelope.nonce,
            fee: envelope.fee,
            gas: envelope.gas,
            expiry: envelope.expiry,
            arrival,
            payload,
            sender,
            origin,
            before: NONE,
            after: NONE,
            kind: envelope.kind,
            is_taken: false,
            is_quiet: false,
            is_logged: false,
        }
    }

    pub fn envelope(&self, sender: &Sender) -> Envelope {
        Envelope {
            rollup: sender.rollup,
            sender: sender.address,
            recipient: self.recipient,
            amount: u128::from_le_bytes(self.amount),
            nonce: self.nonce,
            fee: self.fee,
            gas: self.gas,
            expiry: self.expiry,
            kind: self.kind,
        }
    }
}

impl Default for Entry {
    fn default() -> Self {
        let arrival = Arrival {
            index: 0,
            tick: Tick::ZERO,
        };
        Self::new(
            TxId::ZERO,
            &Envelope::default(),
            ChunkList::EMPTY,
            arrival,
            [NONE, NONE],
        )
    }
}

// Memory a transaction counts half a sender more, because there are half as many.
const _: () = assert!(size_of::<Sender>() <= 96);

/// A sender on one rollup. What only few have, those with something outside their line, stands in
/// [`Pins`](super::pinned::Pins).
#[derive(Clone, Copy, Debug)]
pub(super) struct Sender {
    pub address: Address,
    pub rollup: RollupId,
    /// One nonce after another: the nonce that may be taken next. Window: where the window starts.
    pub next: Nonce,
    /// One nonce after another: the first nonce from `next` on that the pool does not hold.
    pub ready_end: Nonce,
    /// Window: which nonces from `next` on decided slots used. One nonce after another: behind the
    /// last nonce that they used, in the same bytes; see [`Sender::decided_next`].
    pub included: Window,
    /// The latest expiry of what was included from it.
    pub keep_until: UnixNs,
    /// Gas of its transactions in the pool.
    pub pending_gas: u64,
    /// Bytes of their payloads; a quota keeps them below 2^32.
    pub pending_bytes: u32,
    /// Its transactions in the pool.
    pub pending_count: u32,
    /// Those of them that slots in flight hold.
    pub taken_count: u32,
    /// The ends of its line.
    pub first: u32,
    pub last: u32,
    /// Whether `next` can't become smaller any more: the host gave it, or something was included.
    pub is_base_fixed: bool,
    /// Window: so many nonces right below `next` are known to be used up; [`Sender::ALL_USED`]
    /// where all are.
    pub used_below: u8,
}

impl Default for Sender {
    fn default() -> Self {
        Self {
            address: Address::ZERO,
            rollup: RollupId::ZERO,
            next: Nonce::ZERO,
            ready_end: Nonce::ZERO,
            included: Window::default(),
            keep_until: UnixNs::ZERO,
            pending_gas: 0,
            pending_bytes: 0,
            pending_count: 0,
            taken_count: 0,
            first: NONE,
            last: NONE,
            is_base_fixed: false,
            used_below: 0,
        }
    }
}

impl Sender {
    /// What its transactions in the pool come to.
    pub fn in_use(&self) -> InUse {
        InUse {
            count: self.pending_count,
            bytes: u64::from(self.pending_bytes),
            gas: self.pending_gas,
        }
    }

    /// One nonce after another: its transactions that wait for a missing nonce.
    pub fn gapped_count(&self) -> u32 {
        let waiting = self.pending_count.saturating_sub(self.taken_count);
        let ready = u32::try_from(self.ready_end.saturating_distance(self.next));
        waiting.saturating_sub(ready.unwrap_or(u32::MAX))
    }
}

/// Nonces of one window that decided slots used, as bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Window([u64; 2]);

impl Window {
    /// Nonces that a window spans.
    pub const LEN: u64 = 128;

    fn bits(self) -> u128 {
        let Self([low, high]) = self;
        u128::from(low) | (u128::from(high) << 64)
    }

    /// Its bits, the nonce at its start lowest.
    pub const fn words(self) -> [u64; 2] {
        self.0
    }

    /// One nonce in the place of a window.
    pub const fn of_nonce(nonce: Nonce) -> Self {
        Self([nonce.get(), 0])
    }

    /// The window of these bits; nothing where the start was included, which moves a window on.
    pub fn from_words(words: [u64; 2]) -> Option<Self> {
        let [low, _] = words;
        (low & 1 == 0).then_some(Self(words))
    }

    const fn of(bits: u128) -> Self {
        Self([bits as u64, (bits >> 64) as u64])
    }

    /// Whether the nonce `ahead` of the window's start was included.
    pub fn contains(self, ahead: u64) -> bool {
        ahead < Self::LEN && (self.bits() >> ahead) & 1 == 1
    }

    /// Takes the nonce `ahead` of the start out again.
    pub fn remove(&mut self, ahead: u64) {
        if ahead < Self::LEN {
            *self = Self::of(self.bits() & !(1 << ahead));
        }
    }

    /// How many nonces are noted.
    pub fn count(self) -> u32 {
        self.bits().count_ones()
    }

    /// Moves the start on by `moved`.
    pub fn move_on(&mut self, moved: u64) {
        let moved = u32::try_from(moved).unwrap_or(u32::MAX);
        *self = Self::of(self.bits().checked_shr(moved).unwrap_or(0));
    }

    /// Sets the nonce `ahead` of the start; the window stays where it is.
    pub fn set(&mut self, ahead: u64) {
        if ahead < Self::LEN {
            *self = Self::of(self.bits() | (1 << ahead));
        }
    }

    /// Notes the nonce `ahead` of the start, and returns by how much the window moves on.
    pub fn insert(&mut self, ahead: u64) -> u64 {
        if ahead >= Self::LEN {
            return 0;
        }
        let bits = self.bits() | (1 << ahead);
        let moved = bits.trailing_ones();
        *self = Self::of(bits.checked_shr(moved).unwrap_or(0));
        u64::from(moved)
    }
}

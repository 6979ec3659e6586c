//! What the pool keeps of a transaction and of a sender.

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
    kind: TransactionKind,
    /// Whether a slot in flight holds it.
    pub is_taken: bool,
}

// Memory a transaction is promised to stay below 320 bytes; this is its largest part.
const _: () = assert!(size_of::<Entry>() <= 136);

impl Entry {
    pub fn new(
        id: TxId,
        envelope: &Envelope,
        payload: ChunkList,
        arrival: Arrival,
        sender: u32,
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
            kind: envelope.kind,
            is_taken: false,
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
            NONE,
        )
    }
}

/// A sender on one rollup.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sender {
    pub address: Address,
    pub rollup: RollupId,
    /// The nonce that may be taken next.
    pub next: Nonce,
    /// No transaction of the sender in the pool has a higher nonce; it may lie too high.
    pub highest: Nonce,
    /// The latest expiry of what was included from it.
    pub keep_until: UnixNs,
    /// Its transactions in the pool.
    pub pending_count: u32,
    /// Those of them that slots in flight hold.
    pub taken_count: u32,
    /// Whether `next` can't become smaller any more: the host gave it, or something was included.
    pub is_base_fixed: bool,
}

impl Default for Sender {
    fn default() -> Self {
        Self {
            address: Address::ZERO,
            rollup: RollupId::ZERO,
            next: Nonce::ZERO,
            highest: Nonce::ZERO,
            keep_until: UnixNs::ZERO,
            pending_count: 0,
            taken_count: 0,
            is_base_fixed: false,
        }
    }
}

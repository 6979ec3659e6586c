//! What somebody would write with the standard collections and a scalar hash.
//!
//! It does less than this library: no second phase, no bytes of a slot, no arrivals as evidence,
//! no events, memory that grows. It is the floor of the work, not a rival.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use hauptbuch_core::codec::Writer;
use hauptbuch_core::types::{Address, Submission, Transaction};
use sha3::{Digest as _, Sha3_256};

/// A digest.
pub type Digest = [u8; 32];

/// A transaction as its owner keeps it.
#[derive(Clone, Debug)]
pub struct Entry {
    id: Digest,
    sender: Address,
    nonce: u64,
    fee: u64,
    bytes: Vec<u8>,
}

/// Canonical bytes in memory of their own.
///
/// # Panics
/// Never: the buffer has the encoding's length.
#[must_use]
pub fn copy(transaction: &Transaction<'_>) -> Vec<u8> {
    let mut bytes = vec![0; transaction.encoded_len()];
    let written = transaction.encode(&mut Writer::new(&mut bytes));
    assert!(written.is_ok(), "the buffer has the encoding's length");
    bytes
}

/// SHA3-256 of a transaction's canonical bytes, with its domain.
#[must_use]
pub fn id(bytes: &[u8]) -> Digest {
    let mut hasher = Sha3_256::new();
    hasher.update(b"hb/tx/1");
    hasher.update(bytes);
    hasher.finalize().into()
}

/// The root of a tree with two children a node; an odd one goes up alone.
#[must_use]
pub fn binary_root(leaves: &[Digest]) -> Digest {
    let mut level = leaves.to_vec();
    while level.len() > 1 {
        let parents = level.chunks(2).map(|pair| match pair {
            [left, right] => {
                let mut hasher = Sha3_256::new();
                hasher.update(left);
                hasher.update(right);
                hasher.finalize().into()
            }
            _ => pair[0],
        });
        level = parents.collect();
    }
    level.first().copied().unwrap_or_default()
}

/// Copy, id, dedupe, queue, order, root: first come, first served.
#[derive(Debug, Default)]
pub struct Pipeline {
    lane: VecDeque<Vec<u8>>,
    seen: HashSet<Digest>,
    next_nonces: HashMap<Address, u64>,
    queue: VecDeque<Entry>,
}

impl Pipeline {
    /// Copies a transaction into the lane.
    pub fn submit(&mut self, submission: &Submission<'_>) {
        self.lane.push_back(copy(&submission.transaction));
    }

    /// Admits what stands in the lane.
    pub fn admit(&mut self) {
        while let Some(bytes) = self.lane.pop_front() {
            let id = id(&bytes);
            let Ok(transaction) = Transaction::decode(&bytes, 1 << 18) else {
                continue;
            };
            if !self.seen.insert(id) {
                continue;
            }
            let envelope = transaction.envelope;
            self.queue.push_back(Entry {
                id,
                sender: envelope.sender,
                nonce: envelope.nonce.get(),
                fee: envelope.fee.get(),
                bytes,
            });
        }
    }

    /// Takes all that waits, forgets it, and returns the root over its ids and its bytes in all.
    pub fn take(&mut self) -> (Digest, usize) {
        let (mut leaves, mut bytes) = (Vec::with_capacity(self.queue.len()), 0);
        while let Some(entry) = self.queue.pop_front() {
            let next = self.next_nonces.entry(entry.sender).or_default();
            if *next != entry.nonce {
                continue;
            }
            *next += 1;
            self.seen.remove(&entry.id);
            leaves.push(entry.id);
            bytes += entry.bytes.len();
        }
        (binary_root(&leaves), bytes)
    }
}

/// A pool by fee: a tree for the order, a map for duplicates, a map for nonces.
#[derive(Debug, Default)]
pub struct Pool {
    /// By fee from the highest, then by arrival.
    order: BTreeMap<(u64, u64), Entry>,
    by_id: HashMap<Digest, (u64, u64)>,
    by_nonce: HashMap<(Address, u64), Digest>,
    arrivals: u64,
    count_max: usize,
}

impl Pool {
    /// An empty pool for so many transactions.
    #[must_use]
    pub fn new(count_max: usize) -> Self {
        Self {
            count_max,
            ..Self::default()
        }
    }

    /// Whether the transaction was inserted: it is new, its nonce is free, and there is room.
    pub fn insert(&mut self, id: Digest, submission: &Submission<'_>) -> bool {
        let envelope = &submission.transaction.envelope;
        let slot = (envelope.sender, envelope.nonce.get());
        let is_known = self.by_id.contains_key(&id) || self.by_nonce.contains_key(&slot);
        if is_known || self.by_id.len() == self.count_max {
            return false;
        }
        let key = (!envelope.fee.get(), self.arrivals);
        self.arrivals += 1;
        self.by_id.insert(id, key);
        self.by_nonce.insert(slot, id);
        self.order.insert(
            key,
            Entry {
                id,
                sender: envelope.sender,
                nonce: envelope.nonce.get(),
                fee: envelope.fee.get(),
                bytes: submission.transaction.payload.to_vec(),
            },
        );
        true
    }

    /// Whether the transaction was there; it no longer is.
    pub fn remove(&mut self, id: &Digest) -> bool {
        let entry = self
            .by_id
            .remove(id)
            .and_then(|key| self.order.remove(&key));
        entry.is_some_and(|entry| self.by_nonce.remove(&(entry.sender, entry.nonce)).is_some())
    }

    /// Whether the transaction took the place of one of its sender and nonce that pays less.
    pub fn replace(&mut self, id: Digest, submission: &Submission<'_>) -> bool {
        let envelope = &submission.transaction.envelope;
        let slot = (envelope.sender, envelope.nonce.get());
        let old = self.by_nonce.get(&slot).copied();
        let pays_less = |old: &Digest| {
            let key = self.by_id.get(old);
            key.is_some_and(|(fee, _)| !fee < envelope.fee.get())
        };
        let Some(old) = old.filter(pays_less) else {
            return false;
        };
        self.remove(&old) && self.insert(id, submission)
    }

    /// Whether there was one to end: who pays least, and of these who came last.
    pub fn remove_worst(&mut self) -> bool {
        let worst = self.order.last_key_value().map(|(_, entry)| entry.id);
        worst.is_some_and(|id| self.remove(&id))
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// Takes the best one out for good, and returns its fee.
    pub fn take_best(&mut self) -> Option<u64> {
        let (_, entry) = self.order.pop_first()?;
        self.by_id.remove(&entry.id);
        self.by_nonce.remove(&(entry.sender, entry.nonce));
        Some(entry.fee)
    }
}

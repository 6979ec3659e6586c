//! The transaction pool: fixed memory, every sender's nonces in order, two-phase taking.
//!
//! A transaction is *waiting* from its admission on, and *taken* while a slot in flight holds it.
//! An acknowledged slot ends it; a slot that is rolled back makes it wait again, at the place that
//! it had. Nothing leaves the pool in any other way than through a method that says so.
//!
//! Each sender has a line per rollup, in the order of its nonces. Only the head of a line, the
//! transaction with the sender's next nonce, can be taken, and the best head of each rollup is at
//! hand. What arrives before its predecessors waits for them.
//!
//! Cost (n transactions or senders): admission O(1) expected and O(log n) where it becomes a head;
//! taking, acknowledging and rolling back O(log n) each. Bytes: see
//! [`TransactionPool::footprint_bytes`]; 272 for each transaction with a sender of its own, beyond
//! its payload.
//!
//! What it does not do: it checks no signature and no balance; the host has done both.

mod admission;
mod entry;
mod ready;
#[cfg(test)]
mod tests;

pub use admission::AdmissionError;
pub use ready::ReadyView;

use alloc::boxed::Box;

use crate::bounded::{
    ChunkArena, ChunkList, Handle, HandleIndex, HeapSet, KeyedHash, LinkedSet, Slab, fixed_slice,
    fixed_slice_bytes,
};
use crate::config::{Config, ReplayProtection};
use crate::error::operation_error;
use crate::limits::{Limits, ROLLUP_COUNT_MAX};
use crate::types::{
    Address, Candidate, Envelope, Fee, Gas, Nonce, RollupId, SelectionKey, SelectionRule,
    Transaction, TxId, UnixNs,
};
use entry::{Entry, Sender};

/// A transaction that the pool holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PooledTransaction {
    /// Its handle, until it ends.
    pub handle: Handle,
    /// All that ordering may see of it.
    pub candidate: Candidate,
    /// Where its payload lies.
    pub payload: ChunkList,
    /// Whether a slot in flight holds it.
    pub is_taken: bool,
}

operation_error! {
    /// Why a transaction in the pool can't be ended or given back.
    HandleError { StaleHandle }
}

/// All transactions that were admitted and have not ended.
#[derive(Debug)]
pub struct TransactionPool {
    rules: Rules,
    hash: KeyedHash,
    entries: Slab<Entry>,
    by_id: HandleIndex,
    /// By sender and nonce.
    by_nonce: HandleIndex,
    payloads: ChunkArena,
    senders: Slab<Sender>,
    by_address: HandleIndex,
    /// One queue a rollup, over the places of senders whose head waits.
    ready: HeapSet<SelectionKey>,
    /// Senders without a transaction, the one longest so first.
    idle: LinkedSet,
    /// Senders whose head is put aside while a slot is built: `aside[..aside_count]`.
    aside: Box<[u32]>,
    aside_count: usize,
    taken_count: usize,
    arrivals: u64,
}

/// What admission checks against; fixed when the pool is made.
#[derive(Clone, Debug)]
struct Rules {
    rollups: heapless::Vec<RollupId, ROLLUP_COUNT_MAX>,
    fee_floor: Fee,
    replay_protection: ReplayProtection,
    payload_bytes_max: u32,
    slot_gas_max: Gas,
    nonce_gap_max: u32,
}

impl TransactionPool {
    /// Makes an empty pool.
    #[must_use]
    pub fn new(config: &Config, limits: &Limits) -> Self {
        Self {
            rules: Rules {
                rollups: config.rollups.clone(),
                fee_floor: config.fee_floor,
                replay_protection: config.replay_protection,
                payload_bytes_max: limits.payload_bytes_max,
                slot_gas_max: Gas::new(limits.slot_gas_max),
                nonce_gap_max: limits.nonce_gap_max,
            },
            hash: KeyedHash::new(config.index_key),
            entries: Slab::new(limits.pending_count_max),
            by_id: HandleIndex::new(limits.pending_count_max),
            by_nonce: HandleIndex::new(limits.pending_count_max),
            payloads: ChunkArena::new(limits.pending_bytes_max),
            senders: Slab::new(limits.sender_count_max),
            by_address: HandleIndex::new(limits.sender_count_max),
            ready: HeapSet::new(ROLLUP_COUNT_MAX as u32, limits.sender_count_max),
            idle: LinkedSet::new(limits.sender_count_max),
            aside: fixed_slice(limits.set_aside_count_max as usize, 0),
            aside_count: 0,
            taken_count: 0,
            arrivals: 0,
        }
    }

    /// The bytes that [`TransactionPool::new`] takes: for transactions, for payloads, for senders.
    #[must_use]
    pub const fn footprint_bytes(limits: &Limits) -> [u64; 3] {
        let (pending, senders) = (limits.pending_count_max, limits.sender_count_max);
        let transactions = Slab::<Entry>::footprint_bytes(pending)
            .saturating_add(HandleIndex::footprint_bytes(pending))
            .saturating_add(HandleIndex::footprint_bytes(pending));
        let of_senders = Slab::<Sender>::footprint_bytes(senders)
            .saturating_add(HandleIndex::footprint_bytes(senders))
            .saturating_add(HeapSet::<SelectionKey>::footprint_bytes(
                ROLLUP_COUNT_MAX as u32,
                senders,
            ))
            .saturating_add(LinkedSet::footprint_bytes(senders))
            .saturating_add(fixed_slice_bytes::<u32>(
                limits.set_aside_count_max as usize,
            ));
        [
            transactions,
            ChunkArena::footprint_bytes(limits.pending_bytes_max),
            of_senders,
        ]
    }

    /// How many transactions it holds, taken ones included.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it holds no transaction.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many transactions wait for a slot.
    #[must_use]
    pub const fn waiting_count(&self) -> usize {
        self.len().saturating_sub(self.taken_count)
    }

    /// How many senders have a transaction that can be taken now.
    #[must_use]
    pub fn ready_sender_count(&self) -> usize {
        (0..ROLLUP_COUNT_MAX as u32).fold(0, |sum, heap| self.ready.len(heap).saturating_add(sum))
    }

    /// Bytes that payloads can still take.
    #[must_use]
    pub const fn free_bytes(&self) -> u64 {
        self.payloads.free_bytes()
    }

    /// The transaction of this identity, if it is in the pool. Cost: O(1) expected.
    #[must_use]
    pub fn find(&self, id: TxId) -> Option<PooledTransaction> {
        self.pooled(self.index_of(id)?)
    }

    /// The transaction that a handle stands for, if it has not ended.
    #[must_use]
    pub fn get(&self, handle: Handle) -> Option<PooledTransaction> {
        self.entries.resolve(handle)?;
        self.pooled(handle.index)
    }

    /// The payload's parts in order.
    pub fn payload_parts(&self, payload: ChunkList) -> impl Iterator<Item = &[u8]> {
        self.payloads.parts(payload)
    }

    /// The next nonce that would be taken from a sender, if the pool remembers the sender.
    #[must_use]
    pub fn next_nonce(&self, rollup: RollupId, address: Address) -> Option<Nonce> {
        self.senders
            .get(self.sender_of(rollup, address)?)
            .map(|sender| sender.next)
    }

    /// A view of what is ready, for one slot at the agreed time `time`.
    ///
    /// Each transaction that is taken through it goes to `taken`, in that order.
    pub fn ready<'a, R: SelectionRule>(
        &'a mut self,
        rule: &'a R,
        taken: &'a mut [Handle],
    ) -> ReadyView<'a, R> {
        ReadyView::new(self, rule, taken)
    }

    /// Ends a taken transaction as included.
    ///
    /// # Errors
    /// [`HandleError::StaleHandle`] where it is not a taken transaction; nothing changes then.
    pub fn acknowledge(&mut self, handle: Handle) -> Result<(), HandleError> {
        let entry = *self.taken(handle)?;
        self.taken_count = self.taken_count.saturating_sub(1);
        if let Some(sender) = self.senders.get_mut(entry.sender) {
            sender.taken_count = sender.taken_count.saturating_sub(1);
            sender.is_base_fixed = true;
            if entry.expiry != UnixNs::NEVER {
                sender.keep_until = sender.keep_until.max(entry.expiry);
            }
        }
        self.forget(handle.index, &entry);
        Ok(())
    }

    /// Makes a taken transaction wait again. Whoever gives several back starts with the last.
    ///
    /// # Errors
    /// [`HandleError::StaleHandle`] where it is not a taken transaction; nothing changes then.
    pub fn roll_back<R: SelectionRule>(
        &mut self,
        handle: Handle,
        rule: &R,
    ) -> Result<(), HandleError> {
        let (nonce, place) = self
            .taken(handle)
            .map(|entry| (entry.nonce, entry.sender))?;
        self.taken_count = self.taken_count.saturating_sub(1);
        if let Some(entry) = self.entries.get_mut(handle.index) {
            entry.is_taken = false;
        }
        self.withdraw_head(place);
        if let Some(sender) = self.senders.get_mut(place) {
            sender.taken_count = sender.taken_count.saturating_sub(1);
            sender.next = sender.next.min(nonce);
        }
        self.offer_head(place, rule);
        Ok(())
    }

    /// Removes a waiting transaction. Those behind it in its sender's line wait for its nonce.
    ///
    /// # Errors
    /// [`HandleError::StaleHandle`] where it is not a waiting transaction; nothing changes then.
    pub fn remove(&mut self, handle: Handle) -> Result<PooledTransaction, HandleError> {
        let removed = self
            .get(handle)
            .filter(|transaction| !transaction.is_taken)
            .ok_or(HandleError::StaleHandle)?;
        let entry = *self
            .entries
            .get(handle.index)
            .ok_or(HandleError::StaleHandle)?;
        let is_head = self
            .senders
            .get(entry.sender)
            .is_some_and(|own| own.next == entry.nonce);
        if is_head {
            self.withdraw_head(entry.sender);
        }
        self.forget(handle.index, &entry);
        Ok(removed)
    }

    /// A waiting transaction that can't be taken before another one arrives, at or after a place.
    ///
    /// Whoever empties the pool starts at place 0, removes what this returns, and goes on from its
    /// place. Cost: O(places passed over), and for each the part of its line that is there.
    #[must_use]
    pub fn unready_from(&self, place: u32) -> Option<PooledTransaction> {
        self.entries
            .iter_from(place)
            .find(|(_, entry)| {
                let head = self
                    .senders
                    .get(entry.sender)
                    .map_or(Nonce::ZERO, |own| own.next);
                !entry.is_taken && !self.is_line_whole(entry.sender, head, entry.nonce)
            })
            .and_then(|(index, _)| self.pooled(index))
    }

    /// Whether all structures agree with each other. Cost: O(everything); for tests and fuzzing.
    #[must_use]
    pub fn is_consistent(&self) -> bool {
        let entries_agree = self.entries.iter().all(|(index, entry)| {
            let Some(sender) = self.senders.get(entry.sender) else {
                return false;
            };
            self.index_of(entry.id) == Some(index)
                && self.waiting_or_taken(entry.sender, entry.nonce) == Some(index)
                && entry.is_taken == (entry.nonce < sender.next)
                && entry.nonce <= sender.highest
        });
        let senders_agree = self.senders.iter().all(|(place, sender)| {
            let own = || {
                self.entries
                    .iter()
                    .filter(|(_, entry)| entry.sender == place)
            };
            let has_head = self.waiting_or_taken(place, sender.next).is_some();
            self.sender_of(sender.rollup, sender.address) == Some(place)
                && own().count() == sender.pending_count as usize
                && own().filter(|(_, entry)| entry.is_taken).count() == sender.taken_count as usize
                && self.ready.contains(place) == has_head
                && self.idle.contains(place) == (sender.pending_count == 0)
        });
        entries_agree
            && senders_agree
            && self.aside_count == 0
            && self.by_id.len() == self.entries.len()
            && self.by_nonce.len() == self.entries.len()
            && self.by_address.len() == self.senders.len()
            && self
                .entries
                .iter()
                .filter(|(_, entry)| entry.is_taken)
                .count()
                == self.taken_count
            && self.ready.is_consistent()
            && self
                .payloads
                .is_consistent(self.entries.iter().map(|(_, entry)| entry.payload))
    }

    fn pooled(&self, index: u32) -> Option<PooledTransaction> {
        let entry = self.entries.get(index)?;
        Some(PooledTransaction {
            handle: self.entries.handle(index)?,
            candidate: self.candidate(entry)?,
            payload: entry.payload,
            is_taken: entry.is_taken,
        })
    }

    fn candidate(&self, entry: &Entry) -> Option<Candidate> {
        let envelope: Envelope = entry.envelope(self.senders.get(entry.sender)?);
        let encoded_len = entry.payload.len().saturating_add(Transaction::HEADER_LEN);
        Some(Candidate {
            id: entry.id,
            envelope,
            arrival: entry.arrival,
            encoded_len,
        })
    }

    fn taken(&self, handle: Handle) -> Result<&Entry, HandleError> {
        self.entries
            .resolve(handle)
            .filter(|entry| entry.is_taken)
            .ok_or(HandleError::StaleHandle)
    }

    fn index_of(&self, id: TxId) -> Option<u32> {
        self.by_id.find(self.hash.bytes32(id.as_bytes()), |index| {
            self.entries.get(index).is_some_and(|entry| entry.id == id)
        })
    }

    fn sender_of(&self, rollup: RollupId, address: Address) -> Option<u32> {
        let hash = self
            .hash
            .number_and_bytes20(rollup.get(), address.as_bytes());
        self.by_address.find(hash, |place| {
            self.senders
                .get(place)
                .is_some_and(|sender| sender.address == address && sender.rollup == rollup)
        })
    }

    fn waiting_or_taken(&self, place: u32, nonce: Nonce) -> Option<u32> {
        self.by_nonce
            .find(self.hash.words([u64::from(place), nonce.get()]), |index| {
                self.entries
                    .get(index)
                    .is_some_and(|entry| entry.sender == place && entry.nonce == nonce)
            })
    }

    /// Whether the pool holds every nonce of the sender from `from` to `to`.
    fn is_line_whole(&self, place: u32, from: Nonce, to: Nonce) -> bool {
        let count = to.saturating_distance(from);
        (0..count).all(|ahead| {
            self.waiting_or_taken(place, from.saturating_add(ahead))
                .is_some()
        })
    }

    /// The queue of a rollup: its place among the configured ones.
    fn heap_of(&self, rollup: RollupId) -> Option<u32> {
        self.rules
            .rollups
            .iter()
            .position(|own| *own == rollup)
            .map(|heap| heap as u32)
    }

    /// Puts the head of a sender's line into its rollup's queue, if there is one.
    fn offer_head<R: SelectionRule>(&mut self, place: u32, rule: &R) {
        let head = self.senders.get(place).and_then(|sender| {
            let index = self.waiting_or_taken(place, sender.next)?;
            let candidate = self.candidate(self.entries.get(index)?)?;
            Some((self.heap_of(sender.rollup)?, rule.key(&candidate)))
        });
        if let Some((heap, key)) = head {
            self.ready.push(heap, key, place);
        }
    }

    /// Takes a sender out of its rollup's queue, if it stands there.
    fn withdraw_head(&mut self, place: u32) {
        if let Some(heap) = self
            .senders
            .get(place)
            .and_then(|sender| self.heap_of(sender.rollup))
        {
            self.ready.remove(heap, place);
        }
    }

    /// Frees all that a transaction takes up, and notes a sender who has no other one.
    fn forget(&mut self, index: u32, entry: &Entry) {
        self.by_id
            .remove(self.hash.bytes32(entry.id.as_bytes()), index);
        let nonce_hash = self
            .hash
            .words([u64::from(entry.sender), entry.nonce.get()]);
        self.by_nonce.remove(nonce_hash, index);
        self.payloads.free(entry.payload);
        self.entries.remove(index);
        let is_idle = self.senders.get_mut(entry.sender).is_some_and(|sender| {
            sender.pending_count = sender.pending_count.saturating_sub(1);
            sender.pending_count == 0
        });
        if is_idle {
            self.idle.append(entry.sender);
        }
    }
}

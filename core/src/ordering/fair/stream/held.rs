//! The bodies that a member holds, in the order in which they came.

use alloc::boxed::Box;

use super::entry::{Facts, LoggedId};
use super::records::hash_of;
use crate::bounded::{HandleIndex, KeyedHash, LinkedSet, NONE, fixed_slice, fixed_slice_bytes};
use crate::types::{Address, Nonce, UnixNs};

/// A body that the member holds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Held {
    pub(super) id: LoggedId,
    pub(super) facts: Facts,
    /// The number of its rollup.
    pub(super) rollup: u32,
    /// Whether a client brought it here.
    pub(super) is_first_hand: bool,
    /// Whether an undecided entry of the member's log names it.
    pub(super) is_in_tail: bool,
    /// Whether the member's entry of it no longer counts, so that it is logged again.
    pub(super) is_lost: bool,
    /// Whether the member's log of the last epoch held it, so that its log of this one begins with
    /// it.
    pub(super) is_carried: bool,
    /// The running number of its last entry in the member's log, and the stamp that it had there.
    pub(super) logged: u64,
    pub(super) stamp: UnixNs,
}

const FREE: Held = Held {
    id: LoggedId {
        rollup: crate::types::RollupId::ZERO,
        id: crate::types::TxId::ZERO,
        body_bytes: 0,
    },
    facts: Facts {
        sender: Address::ZERO,
        nonce: Nonce::ZERO,
        gas: crate::types::Gas::ZERO,
        expiry: UnixNs::ZERO,
    },
    rollup: NONE,
    is_first_hand: false,
    is_in_tail: false,
    is_lost: false,
    is_carried: false,
    logged: 0,
    stamp: UnixNs::ZERO,
};

/// All of them.
#[derive(Debug)]
pub(super) struct HeldBodies {
    slots: Box<[Held]>,
    free: Box<[u32]>,
    free_count: usize,
    index: HandleIndex,
    hash: KeyedHash,
    /// In the order in which they came.
    arrivals: LinkedSet,
    first_hand_count: u32,
}

impl HeldBodies {
    pub(super) fn new(capacity: u32, key: [u64; 2]) -> Self {
        let mut free = fixed_slice(capacity as usize, 0);
        for (number, free) in (0..).zip(free.iter_mut().rev()) {
            *free = number;
        }
        Self {
            slots: fixed_slice(capacity as usize, FREE),
            free,
            free_count: capacity as usize,
            index: HandleIndex::new(capacity),
            hash: KeyedHash::new(key),
            arrivals: LinkedSet::new(capacity),
            first_hand_count: 0,
        }
    }

    pub(super) const fn footprint_bytes(capacity: u32) -> u64 {
        fixed_slice_bytes::<Held>(capacity as usize)
            + fixed_slice_bytes::<u32>(capacity as usize)
            + HandleIndex::footprint_bytes(capacity)
            + LinkedSet::footprint_bytes(capacity)
    }

    pub(super) fn get(&self, number: u32) -> &Held {
        &self.slots[number as usize]
    }

    pub(super) fn get_mut(&mut self, number: u32) -> &mut Held {
        &mut self.slots[number as usize]
    }

    pub(super) fn find(&self, id: &LoggedId) -> Option<u32> {
        let is_it = |number: u32| self.slots[number as usize].id == *id;
        self.index.find(hash_of(&self.hash, id), is_it)
    }

    /// How many a client brought.
    pub(super) const fn first_hand_count(&self) -> u32 {
        self.first_hand_count
    }

    /// Adds a body that is not held yet; false where there is no room.
    pub(super) fn add(&mut self, held: Held) -> bool {
        let Some(free_count) = self.free_count.checked_sub(1) else {
            return false;
        };
        self.free_count = free_count;
        let number = self.free[free_count];
        self.slots[number as usize] = held;
        self.index.insert(hash_of(&self.hash, &held.id), number);
        self.arrivals.append(number);
        self.first_hand_count += u32::from(held.is_first_hand);
        true
    }

    /// Takes a body over as one that a client brought.
    pub(super) fn set_first_hand(&mut self, number: u32) {
        let held = &mut self.slots[number as usize];
        self.first_hand_count += u32::from(!held.is_first_hand);
        held.is_first_hand = true;
    }

    pub(super) fn remove(&mut self, number: u32) {
        let held = self.slots[number as usize];
        self.first_hand_count -= u32::from(held.is_first_hand);
        self.index.remove(hash_of(&self.hash, &held.id), number);
        self.arrivals.remove(number);
        self.slots[number as usize] = FREE;
        self.free[self.free_count] = number;
        self.free_count += 1;
    }

    /// The numbers in the order in which the bodies came.
    pub(super) fn iter(&self) -> impl Iterator<Item = u32> {
        self.arrivals.iter()
    }

    pub(super) fn first(&self) -> Option<u32> {
        self.arrivals.first()
    }

    pub(super) fn after(&self, number: u32) -> Option<u32> {
        self.arrivals.after(number)
    }
}

/// Up to which nonce each sender's line has no gap, worked out anew for every poll.
#[derive(Debug)]
pub(super) struct Lines {
    senders: Box<[Sender]>,
    sender_count: usize,
    by_sender: HandleIndex,
    /// What stands in the member's log, in a graph or in a queue.
    taken: Box<[(u32, Address, Nonce)]>,
    taken_count: usize,
    by_nonce: HandleIndex,
    hash: KeyedHash,
}

#[derive(Clone, Copy, Debug, Default)]
struct Sender {
    rollup: u32,
    address: Address,
    next: Nonce,
}

impl Lines {
    pub(super) fn new(capacity: u32, key: [u64; 2]) -> Self {
        Self {
            senders: fixed_slice(capacity as usize, Sender::default()),
            sender_count: 0,
            by_sender: HandleIndex::new(capacity),
            taken: fixed_slice(capacity as usize, (0, Address::ZERO, Nonce::ZERO)),
            taken_count: 0,
            by_nonce: HandleIndex::new(capacity),
            hash: KeyedHash::new(key),
        }
    }

    pub(super) const fn footprint_bytes(capacity: u32) -> u64 {
        fixed_slice_bytes::<Sender>(capacity as usize)
            + fixed_slice_bytes::<(u32, Address, Nonce)>(capacity as usize)
            + 2 * HandleIndex::footprint_bytes(capacity)
    }

    /// Forgets all lines. O(lines and nonces of the last poll): there is room for many more.
    pub(super) fn begin(&mut self) {
        let Self { hash, .. } = *self;
        let senders = self.senders[..self.sender_count].iter();
        let of_sender = |(rollup, address): (u32, &Address)| {
            hash.number_and_bytes20(rollup, address.as_bytes())
        };
        let hashes = senders.map(|sender| of_sender((sender.rollup, &sender.address)));
        self.by_sender.clear_keys(hashes);
        let taken = self.taken[..self.taken_count].iter();
        let hashes = taken
            .map(|(rollup, sender, nonce)| hash.words([of_sender((*rollup, sender)), nonce.get()]));
        self.by_nonce.clear_keys(hashes);
        self.sender_count = 0;
        self.taken_count = 0;
    }

    /// Names a sender whose line starts at `base`, or, without one, at its smallest nonce named.
    pub(super) fn name(&mut self, rollup: u32, facts: &Facts, base: Option<Nonce>) {
        let start = base.unwrap_or(facts.nonce);
        if let Some(at) = self.find(rollup, &facts.sender) {
            let next = &mut self.senders[at].next;
            *next = (*next).min(start);
        } else if self.sender_count < self.senders.len() {
            let own = Sender {
                rollup,
                address: facts.sender,
                next: start,
            };
            self.senders[self.sender_count] = own;
            let hash = self.hash_of(rollup, &facts.sender);
            self.by_sender.insert(hash, self.sender_count as u32);
            self.sender_count += 1;
        }
    }

    /// Notes that an id with this nonce stands in the log, in a graph or in a queue.
    pub(super) fn take(&mut self, rollup: u32, facts: &Facts) {
        if self.taken_count < self.taken.len() && !self.is_taken(rollup, facts.sender, facts.nonce)
        {
            self.taken[self.taken_count] = (rollup, facts.sender, facts.nonce);
            let hash = self.nonce_hash(rollup, &facts.sender, facts.nonce);
            self.by_nonce.insert(hash, self.taken_count as u32);
            self.taken_count += 1;
        }
    }

    /// Whether no nonce between the start of its sender's line and its own is missing.
    pub(super) fn is_in_line(&mut self, rollup: u32, facts: &Facts) -> bool {
        let Some(at) = self.find(rollup, &facts.sender) else {
            return false;
        };
        // Each step is made once a poll, because the line is kept.
        while self.senders[at].next < facts.nonce
            && self.is_taken(rollup, facts.sender, self.senders[at].next)
        {
            self.senders[at].next = self.senders[at].next.saturating_add(1);
        }
        facts.nonce <= self.senders[at].next
    }

    fn find(&self, rollup: u32, sender: &Address) -> Option<usize> {
        let is_it = |number: u32| {
            let own = &self.senders[number as usize];
            own.rollup == rollup && own.address == *sender
        };
        let found = self.by_sender.find(self.hash_of(rollup, sender), is_it)?;
        Some(found as usize)
    }

    fn is_taken(&self, rollup: u32, sender: Address, nonce: Nonce) -> bool {
        let hash = self.nonce_hash(rollup, &sender, nonce);
        let is_it = |number: u32| self.taken[number as usize] == (rollup, sender, nonce);
        self.by_nonce.find(hash, is_it).is_some()
    }

    fn hash_of(&self, rollup: u32, sender: &Address) -> u64 {
        self.hash.number_and_bytes20(rollup, sender.as_bytes())
    }

    fn nonce_hash(&self, rollup: u32, sender: &Address, nonce: Nonce) -> u64 {
        self.hash.words([self.hash_of(rollup, sender), nonce.get()])
    }
}

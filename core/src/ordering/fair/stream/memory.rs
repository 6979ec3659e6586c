//! How old slots are, and which ids were drained lately.

use alloc::boxed::Box;

use super::entry::LoggedId;
use super::records::hash_of;
use crate::bounded::{HandleIndex, KeyedHash, fixed_slice, fixed_slice_bytes};
use crate::types::{Address, Height, Nonce};

/// Counts slots whose cut moved at least n − f logs.
#[derive(Debug)]
pub(super) struct Age {
    /// The height that reached each age, at the age modulo the length, which is A + 1.
    reached: Box<[Height]>,
    now: u64,
}

impl Age {
    pub(super) fn new(log_age_slots_max: u32) -> Self {
        Self {
            reached: fixed_slice(log_age_slots_max as usize + 1, Height::ZERO),
            now: 0,
        }
    }

    pub(super) const fn footprint_bytes(log_age_slots_max: u32) -> u64 {
        fixed_slice_bytes::<Height>(log_age_slots_max as usize + 1)
    }

    pub(super) const fn now(&self) -> u64 {
        self.now
    }

    /// The earliest base that lies at most A slots back, as seen from a slot that counts or not.
    pub(super) fn floor(&self, counts: bool) -> Height {
        let span = self.reached.len() as u64 - 1;
        match (self.now + u64::from(counts)).checked_sub(span) {
            Some(age) => self.reached[(age % self.reached.len() as u64) as usize],
            None => Height::ZERO,
        }
    }

    pub(super) fn advance(&mut self, height: Height) {
        self.now += 1;
        let at = self.now % self.reached.len() as u64;
        self.reached[at as usize] = height;
    }

    /// The heights that reached the last ages, at most A + 1 of them, oldest first.
    pub(super) fn history(&self) -> impl Iterator<Item = Height> {
        let len = self.reached.len() as u64;
        let first = (self.now + 1).saturating_sub(len);
        (first..=self.now).map(move |age| self.reached[(age % len) as usize])
    }

    /// How many heights the history has.
    pub(super) fn history_len(&self) -> usize {
        (self.now + 1).min(self.reached.len() as u64) as usize
    }

    pub(super) fn restore(&mut self, now: u64) {
        self.now = now;
        self.reached.fill(Height::ZERO);
    }

    /// Sets the height at a place of the history.
    pub(super) fn restore_height(&mut self, place: usize, height: Height) {
        let len = self.reached.len() as u64;
        let age = (self.now + 1).saturating_sub(len) + place as u64;
        self.reached[(age % len) as usize] = height;
    }
}

/// An id that was drained.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Past {
    pub(super) id: LoggedId,
    pub(super) height: Height,
    pub(super) age: u64,
    pub(super) sender: Address,
    pub(super) nonce: Nonce,
    /// Whether it stands in the slot, so that it used its nonce.
    pub(super) is_included: bool,
    /// Whether the same id was drained again since.
    pub(super) is_outdated: bool,
}

/// The ids drained in the last A slots, in the order in which they were.
#[derive(Debug)]
pub(super) struct DrainedMemory {
    pasts: Box<[Past]>,
    first: usize,
    len: usize,
    by_id: HandleIndex,
    by_nonce: HandleIndex,
    hash: KeyedHash,
}

impl DrainedMemory {
    pub(super) fn new(capacity: u32, key: [u64; 2]) -> Self {
        Self {
            pasts: fixed_slice(capacity as usize, Past::default()),
            first: 0,
            len: 0,
            by_id: HandleIndex::new(capacity),
            by_nonce: HandleIndex::new(capacity),
            hash: KeyedHash::new(key),
        }
    }

    pub(super) const fn footprint_bytes(capacity: u32) -> u64 {
        fixed_slice_bytes::<Past>(capacity as usize) + 2 * HandleIndex::footprint_bytes(capacity)
    }

    pub(super) const fn room(&self) -> usize {
        self.pasts.len() - self.len
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }

    pub(super) fn clear(&mut self) {
        self.first = 0;
        self.len = 0;
        self.by_id.clear();
        self.by_nonce.clear();
    }

    /// The last time that an id was drained, as far as it is remembered.
    pub(super) fn find(&self, id: &LoggedId) -> Option<&Past> {
        let number = self.number(id)?;
        Some(&self.pasts[number as usize])
    }

    /// The id that used a nonce, as far as it is remembered.
    pub(super) fn user(&self, rollup: u32, sender: &Address, nonce: Nonce) -> Option<&Past> {
        let is_it = |number: u32| {
            let past = &self.pasts[number as usize];
            past.id.rollup.get() == rollup && past.sender == *sender && past.nonce == nonce
        };
        let hash = nonce_hash(&self.hash, rollup, sender, nonce);
        let number = self.by_nonce.find(hash, is_it)?;
        Some(&self.pasts[number as usize])
    }

    /// Remembers an id; there must be room.
    pub(super) fn push(&mut self, past: Past) {
        if self.room() == 0 {
            debug_assert!(false, "draining waits while there is no room");
            return;
        }
        if !past.is_outdated {
            self.forget_id(&past.id);
        }
        let at = (self.first + self.len) % self.pasts.len();
        self.pasts[at] = past;
        self.len += 1;
        if !past.is_outdated {
            let added = self.by_id.insert(hash_of(&self.hash, &past.id), at as u32);
            debug_assert!(added, "the index has room for every one");
        }
        if past.is_included {
            let added = self.by_nonce.insert(self.hash_of_nonce(&past), at as u32);
            debug_assert!(added, "the index has room for every one");
        }
    }

    /// Forgets what was drained more than `span` slots before the age `now`.
    pub(super) fn forget(&mut self, now: u64, span: u64) {
        while self.len > 0 && now - self.pasts[self.first].age > span {
            let past = self.pasts[self.first];
            let number = self.first as u32;
            if !past.is_outdated {
                let removed = self.by_id.remove(hash_of(&self.hash, &past.id), number);
                debug_assert!(removed, "what is up to date is in the index");
            }
            if past.is_included {
                let removed = self.by_nonce.remove(self.hash_of_nonce(&past), number);
                debug_assert!(removed, "what was included is in the index");
            }
            self.first = (self.first + 1) % self.pasts.len();
            self.len -= 1;
        }
    }

    /// All of them, oldest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Past> {
        (0..self.len).map(|place| &self.pasts[(self.first + place) % self.pasts.len()])
    }

    fn number(&self, id: &LoggedId) -> Option<u32> {
        let is_it = |number: u32| self.pasts[number as usize].id == *id;
        self.by_id.find(hash_of(&self.hash, id), is_it)
    }

    /// Marks the entry of an id that is drained again.
    fn forget_id(&mut self, id: &LoggedId) {
        if let Some(number) = self.number(id) {
            self.pasts[number as usize].is_outdated = true;
            self.by_id.remove(hash_of(&self.hash, id), number);
        }
    }

    fn hash_of_nonce(&self, past: &Past) -> u64 {
        nonce_hash(&self.hash, past.id.rollup.get(), &past.sender, past.nonce)
    }
}

fn nonce_hash(hash: &KeyedHash, rollup: u32, sender: &Address, nonce: Nonce) -> u64 {
    let own = hash.number_and_bytes20(rollup, sender.as_bytes());
    hash.words([own, nonce.get()])
}

//! What came by lately.

mod export;

use alloc::boxed::Box;

use super::{HandleIndex, KeyedHash, fixed_slice, fixed_slice_bytes};

/// A fixed number of 32-byte keys, each with a small note; the oldest makes place for a new one.
///
/// Memory: 34 bytes a key, and 12 in its index.
#[derive(Debug)]
pub struct RecentSet {
    keys: Box<[[u8; 32]]>,
    notes: Box<[u16]>,
    index: HandleIndex,
    /// The place that is written next; the keys before it, going round, are the newest.
    next: usize,
    hash: KeyedHash,
}

/// Marks a place whose key was taken out.
const GONE: u16 = u16::MAX;

impl RecentSet {
    /// Makes an empty set.
    #[must_use]
    pub fn new(capacity: u32, hash: KeyedHash) -> Self {
        Self {
            keys: fixed_slice(capacity as usize, [0; 32]),
            notes: fixed_slice(capacity as usize, GONE),
            index: HandleIndex::new(capacity),
            next: 0,
            hash,
        }
    }

    /// The bytes that [`RecentSet::new`] takes.
    #[must_use]
    pub const fn footprint_bytes(capacity: u32) -> u64 {
        fixed_slice_bytes::<[u8; 32]>(capacity as usize)
            + fixed_slice_bytes::<u16>(capacity as usize)
            + HandleIndex::footprint_bytes(capacity)
    }

    /// How many keys it holds.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether it holds no key.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The note of a key (below 2^16 - 1), if it is there.
    #[must_use]
    pub fn get(&self, key: &[u8; 32]) -> Option<u16> {
        self.place_of(key).map(|place| self.notes[place as usize])
    }

    /// Reads where the search for a key with this hash starts; the value means nothing.
    #[must_use]
    pub fn home_of(&self, hash: u64) -> u64 {
        self.index.home_of(hash)
    }

    /// Adds a key or changes its note. The oldest place is written anew, whatever stands there.
    pub fn insert(&mut self, key: &[u8; 32], note: u16) {
        let hash = self.hash.bytes32(key);
        if let Some(place) = self.find(hash, key) {
            self.notes[place as usize] = note;
            return;
        }
        if self.keys.is_empty() {
            return;
        }
        let place = self.next;
        self.next = (place + 1) % self.keys.len();
        if self.notes[place] != GONE {
            let oldest = self.hash.bytes32(&self.keys[place]);
            self.index.remove(oldest, place as u32);
        }
        self.keys[place] = *key;
        self.notes[place] = note;
        self.index.insert(hash, place as u32);
    }

    /// Takes a key out, and returns its note.
    pub fn remove(&mut self, key: &[u8; 32]) -> Option<u16> {
        let hash = self.hash.bytes32(key);
        let place = self.find(hash, key)?;
        self.index.remove(hash, place);
        Some(core::mem::replace(&mut self.notes[place as usize], GONE))
    }

    fn place_of(&self, key: &[u8; 32]) -> Option<u32> {
        self.find(self.hash.bytes32(key), key)
    }

    fn find(&self, hash: u64, key: &[u8; 32]) -> Option<u32> {
        self.index
            .find(hash, |place| self.keys[place as usize] == *key)
    }
}

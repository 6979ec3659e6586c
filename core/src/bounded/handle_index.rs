//! From a key's hash to a small number.

use alloc::boxed::Box;

use super::{NONE, fixed_slice, fixed_slice_bytes};

/// A hash under a secret key, so that nobody outside can choose keys that collide.
///
/// Two multiplications a word. It hides the key from somebody who sees no timings to speak of; it
/// is no cryptographic hash, and nothing but the speed of an index rests on it.
#[derive(Clone, Copy, Debug)]
pub struct KeyedHash {
    key: [u64; 2],
}

impl KeyedHash {
    /// Takes the key from the host, which draws it at random.
    #[must_use]
    pub const fn new(key: [u64; 2]) -> Self {
        Self {
            key: [key[0] ^ 0x9e37_79b9_7f4a_7c15, key[1] | 1],
        }
    }

    /// The hash of some words.
    #[must_use]
    pub fn words<const N: usize>(&self, words: [u64; N]) -> u64 {
        let mixed = words.iter().fold(self.key[0], |state, word| {
            folded_product(state ^ word, self.key[1]).wrapping_add(word.rotate_left(32))
        });
        folded_product(mixed, 0xd6e8_feb8_6659_fd93 ^ self.key[1])
    }

    /// The hash of 32 bytes.
    #[must_use]
    pub fn bytes32(&self, bytes: &[u8; 32]) -> u64 {
        self.words(words_of::<32, 4>(bytes))
    }

    /// The hash of a number and 20 bytes.
    #[must_use]
    pub fn number_and_bytes20(&self, number: u32, bytes: &[u8; 20]) -> u64 {
        let mut padded = [0; 24];
        padded[..20].copy_from_slice(bytes);
        padded[20..].copy_from_slice(&number.to_le_bytes());
        self.words(words_of::<24, 3>(&padded))
    }
}

fn words_of<const BYTES: usize, const WORDS: usize>(bytes: &[u8; BYTES]) -> [u64; WORDS] {
    const { assert!(BYTES == 8 * WORDS) };
    let (chunks, _) = bytes.as_chunks::<8>();
    core::array::from_fn(|i| u64::from_le_bytes(chunks[i]))
}

fn folded_product(a: u64, b: u64) -> u64 {
    let product = u128::from(a).wrapping_mul(u128::from(b));
    (product as u64) ^ ((product >> 64) as u64)
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    /// The upper half of the hash, whose upper bits name the slot where the search starts.
    tag: u32,
    /// The number, or `NONE` for an empty slot.
    value: u32,
}

const EMPTY: Slot = Slot {
    tag: 0,
    value: NONE,
};

/// A hash table from keys that lie elsewhere to small numbers.
///
/// The caller brings each key's hash, and a closure that says whether the key of a number is the
/// one that is searched. Linear probing at a load of two thirds at most: eight slots lie in a cache
/// line, so a few steps more cost less than the memory of a sparser table. A removal moves the
/// entries behind it up, so that no trace of it stays.
///
/// Memory: 8 bytes a slot, with ⌊3/2 · capacity⌋ + 1 slots.
#[derive(Debug)]
pub struct HandleIndex {
    slots: Box<[Slot]>,
    capacity: usize,
    len: usize,
}

impl HandleIndex {
    /// Makes an empty index for `capacity` keys (at most 2^30).
    #[must_use]
    pub fn new(capacity: u32) -> Self {
        Self {
            slots: fixed_slice(slot_count(capacity), EMPTY),
            capacity: capacity as usize,
            len: 0,
        }
    }

    /// The bytes that [`HandleIndex::new`] takes.
    #[must_use]
    pub const fn footprint_bytes(capacity: u32) -> u64 {
        fixed_slice_bytes::<Slot>(slot_count(capacity))
    }

    /// How many keys it holds.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether it holds no key.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The number of the key with this hash for which `is_key` holds.
    pub fn find(&self, hash: u64, is_key: impl FnMut(u32) -> bool) -> Option<u32> {
        self.search(hash, is_key).map(|at| self.slots[at].value)
    }

    /// Reads the slot where the search for a hash starts, so that it is near when it is needed; the
    /// value means nothing.
    #[must_use]
    pub fn home_of(&self, hash: u64) -> u64 {
        u64::from(self.slots[self.home(tag_of(hash))].tag)
    }

    /// Adds a key that is not there yet; false where there is no room.
    pub fn insert(&mut self, hash: u64, value: u32) -> bool {
        if self.len == self.capacity {
            return false;
        }
        let tag = tag_of(hash);
        let mut at = self.home(tag);
        while self.slots[at].value != NONE {
            at = self.after(at);
        }
        self.slots[at] = Slot { tag, value };
        self.len += 1;
        true
    }

    /// Removes the number `value`, whose key has this hash; false if it is not there.
    pub fn remove(&mut self, hash: u64, value: u32) -> bool {
        let Some(mut hole) = self.search(hash, |found| found == value) else {
            return false;
        };
        let mut at = self.after(hole);
        while self.slots[at].value != NONE {
            // An entry may move into the hole unless its search starts behind it.
            let home = self.home(self.slots[at].tag);
            if self.distance(home, hole) < self.distance(home, at) {
                self.slots[hole] = self.slots[at];
                hole = at;
            }
            at = self.after(at);
        }
        self.slots[hole].value = NONE;
        self.len -= 1;
        true
    }

    /// Removes all keys. Cost: O(slots).
    pub fn clear(&mut self) {
        self.slots.fill(EMPTY);
        self.len = 0;
    }

    /// Removes all keys, whose hashes these are. Cost: O(keys), where [`HandleIndex::clear`] takes
    /// O(slots): for a table of which little is used.
    pub fn clear_keys(&mut self, hashes: impl Iterator<Item = u64>) {
        for hash in hashes {
            // A key lies in the run of used slots behind its home, and every key goes.
            let mut at = self.home(tag_of(hash));
            while self.slots[at].value != NONE {
                self.slots[at] = EMPTY;
                at = self.after(at);
                self.len -= 1;
            }
        }
        debug_assert!(self.len == 0, "these are the hashes of all keys");
    }

    fn search(&self, hash: u64, mut is_key: impl FnMut(u32) -> bool) -> Option<usize> {
        let tag = tag_of(hash);
        let mut at = self.home(tag);
        loop {
            let slot = self.slots[at];
            if slot.value == NONE {
                return None;
            }
            if slot.tag == tag && is_key(slot.value) {
                return Some(at);
            }
            at = self.after(at);
        }
    }

    const fn home(&self, tag: u32) -> usize {
        // The tag as a fraction of 2^32: any number of slots is met evenly, without a division.
        ((tag as u64 * self.slots.len() as u64) >> 32) as usize
    }

    const fn after(&self, at: usize) -> usize {
        let next = at + 1;
        if next == self.slots.len() { 0 } else { next }
    }

    const fn distance(&self, from: usize, to: usize) -> usize {
        if to >= from {
            to - from
        } else {
            to + self.slots.len() - from
        }
    }
}

const fn slot_count(capacity: u32) -> usize {
    // One slot more than keys is always empty, which ends every search.
    capacity as usize + capacity as usize / 2 + 1
}

const fn tag_of(hash: u64) -> u32 {
    (hash >> 32) as u32
}

//! A priority queue of numbers whose keys stand elsewhere.

use alloc::boxed::Box;

use super::{NONE, fixed_slice, fixed_slice_bytes};

/// Children of a node: they lie side by side, and the tree is half as deep as with two.
const ARITY: usize = 4;

/// Numbers below a capacity, each at most once, the one with the smallest key first.
///
/// It keeps no key: whoever calls says with `key_of` where the keys are. No two numbers have equal
/// keys, a member's key does not change, and every call finds the same ones. Any member can be
/// removed, because its place is known.
///
/// Memory: `capacity · 8` bytes, as a [`LinkedSet`](super::LinkedSet). Cost: O(log n) keys that are
/// looked up for a change, O(1) for a question.
#[derive(Debug)]
pub struct IndirectHeap {
    /// Invariant: `numbers[..len]` are the members, and no member's key is smaller than that of
    /// the one at a quarter of its place.
    numbers: Box<[u32]>,
    len: usize,
    /// Invariant: for a member its place in `numbers`, else `NONE`.
    places: Box<[u32]>,
}

impl IndirectHeap {
    /// Makes an empty queue of numbers below `capacity`.
    #[must_use]
    pub fn new(capacity: u32) -> Self {
        Self {
            numbers: fixed_slice(capacity as usize, NONE),
            len: 0,
            places: fixed_slice(capacity as usize, NONE),
        }
    }

    /// The bytes that [`IndirectHeap::new`] takes.
    #[must_use]
    pub const fn footprint_bytes(capacity: u32) -> u64 {
        fixed_slice_bytes::<[u32; 2]>(capacity as usize)
    }

    /// The numbers below this can be members.
    #[must_use]
    pub const fn capacity(&self) -> u32 {
        self.places.len() as u32
    }

    /// How many members it has.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether it has no member.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The member with the smallest key.
    #[must_use]
    pub fn first(&self) -> Option<u32> {
        self.numbers[..self.len].first().copied()
    }

    /// Whether `number` is a member.
    #[must_use]
    pub fn contains(&self, number: u32) -> bool {
        self.places
            .get(number as usize)
            .is_some_and(|place| *place != NONE)
    }

    /// Adds `number`; false if it is a member already or not below the capacity.
    pub fn push<K: Ord>(&mut self, number: u32, key_of: impl Fn(u32) -> K) -> bool {
        if number as usize >= self.places.len() || self.contains(number) {
            return false;
        }
        let place = self.len;
        self.len += 1;
        self.sift_up(place, number, key_of);
        true
    }

    /// Removes `number`; false if it is no member.
    pub fn remove<K: Ord>(&mut self, number: u32, key_of: impl Fn(u32) -> K) -> bool {
        if !self.contains(number) {
            return false;
        }
        let place = self.places[number as usize] as usize;
        self.len -= 1;
        self.places[number as usize] = NONE;
        let last = self.numbers[self.len];
        if place < self.len {
            // The last member takes the empty place, and goes up or down from there.
            let parent = place.saturating_sub(1) / ARITY;
            if place > 0 && key_of(last) < key_of(self.numbers[parent]) {
                self.sift_up(place, last, key_of);
            } else {
                self.sift_down(place, last, key_of);
            }
        }
        true
    }

    /// Whether all members are ordered and every place is right. Cost: O(n).
    #[must_use]
    pub fn is_consistent<K: Ord>(&self, key_of: impl Fn(u32) -> K) -> bool {
        let members = &self.numbers[..self.len];
        let stand_right = (0_usize..).zip(members).all(|(place, number)| {
            let parent = members[place.saturating_sub(1) / ARITY];
            self.places[*number as usize] as usize == place
                && (place == 0 || key_of(parent) < key_of(*number))
        });
        let standing = self.places.iter().filter(|place| **place != NONE).count();
        stand_right && standing == self.len
    }

    fn sift_up<K: Ord>(&mut self, mut place: usize, number: u32, key_of: impl Fn(u32) -> K) {
        let key = key_of(number);
        while place > 0 {
            let above = (place - 1) / ARITY;
            let parent = self.numbers[above];
            if key_of(parent) < key {
                break;
            }
            self.put(place, parent);
            place = above;
        }
        self.put(place, number);
    }

    fn sift_down<K: Ord>(&mut self, mut place: usize, number: u32, key_of: impl Fn(u32) -> K) {
        let key = key_of(number);
        loop {
            let first = place * ARITY + 1;
            let end = self.len.min(first + ARITY);
            let children = (first..end).map(|below| (key_of(self.numbers[below]), below));
            let Some((child, below)) = children.min() else {
                break;
            };
            if key < child {
                break;
            }
            self.put(place, self.numbers[below]);
            place = below;
        }
        self.put(place, number);
    }

    fn put(&mut self, place: usize, number: u32) {
        self.numbers[place] = number;
        self.places[number as usize] = place as u32;
    }
}

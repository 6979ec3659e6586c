//! The next nonce of each sender from whom something was included.

use alloc::boxed::Box;

use crate::bounded::{HandleIndex, KeyedHash, LinkedSet, NONE, fixed_slice, fixed_slice_bytes};
use crate::types::{Address, Nonce, UnixNs};

/// What is known of one sender on one rollup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cursor {
    /// The number of the rollup; `NONE` where the cursor is free.
    pub(super) rollup: u32,
    pub(super) sender: Address,
    pub(super) next: Nonce,
    /// When everything included from it has expired.
    pub(super) expiry: UnixNs,
    /// The running number of its last use.
    pub(super) used: u64,
    /// Whether it is a cache of what the rollup knows.
    pub(super) is_cache: bool,
}

const FREE: Cursor = Cursor {
    rollup: NONE,
    sender: Address::ZERO,
    next: Nonce::ZERO,
    expiry: UnixNs::ZERO,
    used: 0,
    is_cache: false,
};

/// All cursors. Memory: see [`Cursors::footprint_bytes`].
#[derive(Debug)]
pub(super) struct Cursors {
    slots: Box<[Cursor]>,
    free: Box<[u32]>,
    free_count: usize,
    index: HandleIndex,
    hash: KeyedHash,
    /// Those that are a cache, the one that was used longest ago first.
    cached: LinkedSet,
    /// Before this time no cursor expires that is no cache.
    first_expiry: UnixNs,
    use_count: u64,
    /// `order[..sorted_count]`: the numbers by rollup and sender, as [`Cursors::sort`] left them. One
    /// that was freed since may stand for another cursor, which is among those added.
    order: Box<[u32]>,
    sorted_count: usize,
    /// `added[..added_count]`: the numbers of cursors that were added since, some of them gone
    /// again.
    added: Box<[u32]>,
    added_count: usize,
    /// Whether a cursor was added since, by number.
    is_added: Box<[bool]>,
}

impl Cursors {
    pub(super) fn new(capacity: u32, key: [u64; 2]) -> Self {
        let mut cursors = Self {
            slots: fixed_slice(capacity as usize, FREE),
            free: fixed_slice(capacity as usize, 0),
            free_count: 0,
            index: HandleIndex::new(capacity),
            hash: KeyedHash::new(key),
            cached: LinkedSet::new(capacity),
            first_expiry: UnixNs::NEVER,
            use_count: 0,
            order: fixed_slice(capacity as usize, 0),
            sorted_count: 0,
            added: fixed_slice(capacity as usize, 0),
            added_count: 0,
            is_added: fixed_slice(capacity as usize, false),
        };
        cursors.clear();
        cursors
    }

    pub(super) const fn footprint_bytes(capacity: u32) -> u64 {
        fixed_slice_bytes::<Cursor>(capacity as usize)
            + 3 * fixed_slice_bytes::<u32>(capacity as usize)
            + fixed_slice_bytes::<bool>(capacity as usize)
            + HandleIndex::footprint_bytes(capacity)
            + LinkedSet::footprint_bytes(capacity)
    }

    pub(super) fn clear(&mut self) {
        while let Some(first) = self.cached.first() {
            self.cached.remove(first);
        }
        self.slots.fill(FREE);
        self.index.clear();
        self.first_expiry = UnixNs::NEVER;
        self.use_count = 0;
        self.is_added.fill(false);
        (self.sorted_count, self.added_count) = (0, 0);
        self.free_count = self.slots.len();
        for (number, free) in (0..).zip(self.free.iter_mut().rev()) {
            *free = number;
        }
    }

    pub(super) const fn free_count(&self) -> usize {
        self.free_count
    }

    pub(super) const fn use_count(&self) -> u64 {
        self.use_count
    }

    pub(super) fn next(&self, rollup: usize, sender: &Address) -> Option<Nonce> {
        let number = self.find(rollup, sender)?;
        Some(self.slots[number as usize].next)
    }

    /// Moves a sender's cursor to `next`; false where there is none and no room for it.
    pub(super) fn advance(
        &mut self,
        (rollup, sender): (usize, Address),
        next: Nonce,
        expiry: UnixNs,
        is_cache: bool,
    ) -> bool {
        let cursor = Cursor {
            rollup: rollup as u32,
            sender,
            next,
            expiry,
            used: self.use_count + 1,
            is_cache,
        };
        let Some(number) = self.find(rollup, &sender) else {
            return self.insert(cursor);
        };
        self.use_count += 1;
        self.note_expiry(&cursor);
        let own = &mut self.slots[number as usize];
        *own = Cursor {
            expiry: own.expiry.max(expiry),
            ..cursor
        };
        if is_cache {
            self.cached.remove(number);
            self.cached.append(number);
        }
        true
    }

    /// Adds a cursor, whose use is the last one so far; false where there is no room.
    pub(super) fn insert(&mut self, cursor: Cursor) -> bool {
        let Some(free_count) = self.free_count.checked_sub(1) else {
            return false;
        };
        self.free_count = free_count;
        let number = self.free[free_count];
        self.slots[number as usize] = cursor;
        self.note_added(number);
        self.note_expiry(&cursor);
        self.use_count = self.use_count.max(cursor.used);
        let added = self.index.insert(self.hash_of(&cursor), number);
        debug_assert!(added, "the index has room for every cursor");
        if cursor.is_cache {
            self.cached.append(number);
        }
        true
    }

    /// Sets the running number of the last use, and puts the caches in the order of their uses.
    pub(super) fn restore_use(&mut self, use_count: u64) {
        self.use_count = self.use_count.max(use_count);
        let count = self.sort();
        let slots = &self.slots;
        let order = &mut self.order[..count];
        order.sort_unstable_by_key(|number| slots[*number as usize].used);
        for number in order.iter() {
            if self.cached.remove(*number) {
                self.cached.append(*number);
            }
        }
        order.sort_unstable_by_key(|number| slots[*number as usize].place());
    }

    /// Sorts the cursors by rollup and sender; returns how many there are.
    ///
    /// Cost: O(cursors + a · log a), where a of them were added since the last time.
    pub(super) fn sort(&mut self) -> usize {
        let Self {
            slots,
            order,
            added,
            is_added,
            ..
        } = self;
        let added = &mut added[..self.added_count];
        let left = keep(&mut order[..self.sorted_count], |number| {
            slots[number as usize].rollup != NONE && !is_added[number as usize]
        });
        let fresh = keep(added, |number| {
            is_added[number as usize] = false;
            slots[number as usize].rollup != NONE
        });
        let fresh = &mut added[..fresh];
        fresh.sort_unstable_by_key(|number| slots[*number as usize].place());
        let count = left + fresh.len();
        merge(order, left, fresh, |number| slots[number as usize].place());
        (self.sorted_count, self.added_count) = (count, 0);
        count
    }

    /// The cursor at a place of the order that [`Cursors::sort`] made.
    pub(super) fn sorted(&self, place: usize) -> &Cursor {
        &self.slots[self.order[place] as usize]
    }

    /// Notes that a number stands for a cursor that no order holds yet.
    fn note_added(&mut self, number: u32) {
        if !core::mem::replace(&mut self.is_added[number as usize], true) {
            self.added[self.added_count] = number;
            self.added_count += 1;
        }
    }

    /// Frees what has expired by `time`, and then, where fewer than `free_min` are free, caches
    /// that were used longest ago. O(capacity) where something has expired.
    pub(super) fn free(&mut self, time: UnixNs, free_min: usize) {
        if self.first_expiry <= time {
            self.free_expired(time);
        }
        while self.free_count < free_min {
            let Some(oldest) = self.cached.first() else {
                return;
            };
            self.cached.remove(oldest);
            self.remove(oldest);
        }
    }

    fn free_expired(&mut self, time: UnixNs) {
        self.first_expiry = UnixNs::NEVER;
        for number in 0..self.slots.len() as u32 {
            let cursor = self.slots[number as usize];
            if cursor.rollup == NONE {
                continue;
            }
            if !cursor.is_cache && cursor.expiry <= time {
                self.remove(number);
            } else {
                self.note_expiry(&cursor);
            }
        }
    }

    /// A cursor whose expiry was raised since may make it too early, which costs a search.
    fn note_expiry(&mut self, cursor: &Cursor) {
        if !cursor.is_cache {
            self.first_expiry = self.first_expiry.min(cursor.expiry);
        }
    }

    /// The cursors in use, in no order that means anything.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &Cursor)> {
        let numbered = (0..).zip(self.slots.iter());
        numbered.filter(|(_, cursor)| cursor.rollup != NONE)
    }

    fn find(&self, rollup: usize, sender: &Address) -> Option<u32> {
        let hash = self
            .hash
            .number_and_bytes20(rollup as u32, sender.as_bytes());
        self.index.find(hash, |number| {
            let cursor = &self.slots[number as usize];
            cursor.rollup as usize == rollup && cursor.sender == *sender
        })
    }

    fn remove(&mut self, number: u32) {
        let hash = self.hash_of(&self.slots[number as usize]);
        let removed = self.index.remove(hash, number);
        debug_assert!(removed, "every cursor is in the index");
        self.slots[number as usize] = FREE;
        self.free[self.free_count] = number;
        self.free_count += 1;
    }

    fn hash_of(&self, cursor: &Cursor) -> u64 {
        let Cursor { rollup, sender, .. } = cursor;
        self.hash.number_and_bytes20(*rollup, sender.as_bytes())
    }
}

impl Cursor {
    /// What cursors are sorted by; no two have the same.
    const fn place(&self) -> (u32, Address) {
        (self.rollup, self.sender)
    }
}

/// Moves those for which `keeps` holds to the front, in their order; returns how many they are.
fn keep(numbers: &mut [u32], mut keeps: impl FnMut(u32) -> bool) -> usize {
    let mut count = 0;
    for at in 0..numbers.len() {
        let number = numbers[at];
        if keeps(number) {
            numbers[count] = number;
            count += 1;
        }
    }
    count
}

/// Merges two sorted lists into `order`, of which `order[..left]` is the one.
fn merge<K: Ord>(order: &mut [u32], left: usize, added: &[u32], key: impl Fn(u32) -> K) {
    let (mut left, mut right) = (left, added.len());
    // From the back, so that nothing is overwritten before it was moved.
    while right > 0 {
        let is_old = left > 0 && key(order[left - 1]) > key(added[right - 1]);
        let number = match is_old {
            true => order[left - 1],
            false => added[right - 1],
        };
        order[left + right - 1] = number;
        if is_old {
            left -= 1;
        } else {
            right -= 1;
        }
    }
}

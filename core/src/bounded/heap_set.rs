//! Several priority queues that share one memory.

use alloc::boxed::Box;

use super::{NONE, fixed_slice, fixed_slice_bytes};

/// Entries of a chunk, the unit in which queues take memory.
const CHUNK_ENTRIES: usize = 64;
/// Children of a node: the keys of four lie in a cache line, and the tree is half as deep.
const ARITY: usize = 4;

/// A fixed number of min-queues over small numbers; each number stands in at most one of them.
///
/// Any number can be removed, because its place is known. All queues together hold `capacity`
/// numbers, however they share them.
///
/// Memory: for each chunk of 64 entries `64 · (size of K + 4) + 4` bytes, with
/// ⌈capacity / 64⌉ + `heap_count` chunks; `heap_count` tables of 4 bytes for each chunk, and a
/// length each; 4 bytes for each number.
#[derive(Debug)]
pub struct HeapSet<K> {
    keys: Box<[K]>,
    /// The number of each key; apart from it, because together they would be padded.
    numbers: Box<[u32]>,
    /// Invariant: `tables[heap · chunk_count ..][.. ⌈len / 64⌉]` are the chunks of `heap`.
    tables: Box<[u32]>,
    lens: Box<[u32]>,
    free_chunks: Box<[u32]>,
    free_chunk_len: usize,
    /// Invariant: for a number in a queue its place in that queue, else `NONE`.
    places: Box<[u32]>,
}

impl<K: Copy + Ord + Default> HeapSet<K> {
    /// Makes `heap_count` empty queues over numbers below `capacity`.
    #[must_use]
    pub fn new(heap_count: u32, capacity: u32) -> Self {
        let chunks = chunk_count(heap_count, capacity);
        let mut free_chunks = fixed_slice(chunks, 0_u32);
        for (place, chunk) in free_chunks.iter_mut().zip(0..) {
            *place = chunk;
        }
        Self {
            keys: fixed_slice(chunks * CHUNK_ENTRIES, K::default()),
            numbers: fixed_slice(chunks * CHUNK_ENTRIES, NONE),
            tables: fixed_slice(chunks * heap_count as usize, NONE),
            lens: fixed_slice(heap_count as usize, 0),
            free_chunks,
            free_chunk_len: chunks,
            places: fixed_slice(capacity as usize, NONE),
        }
    }

    /// The bytes that [`HeapSet::new`] takes.
    #[must_use]
    pub const fn footprint_bytes(heap_count: u32, capacity: u32) -> u64 {
        let chunks = chunk_count(heap_count, capacity);
        fixed_slice_bytes::<K>(chunks * CHUNK_ENTRIES)
            + fixed_slice_bytes::<u32>(chunks * CHUNK_ENTRIES)
            + fixed_slice_bytes::<u32>(chunks * heap_count as usize)
            + fixed_slice_bytes::<u32>(heap_count as usize)
            + fixed_slice_bytes::<u32>(chunks)
            + fixed_slice_bytes::<u32>(capacity as usize)
    }

    /// How many numbers stand in `heap`.
    #[must_use]
    pub fn len(&self, heap: u32) -> usize {
        self.lens.get(heap as usize).map_or(0, |len| *len as usize)
    }

    /// Whether `heap` is empty.
    #[must_use]
    pub fn is_empty(&self, heap: u32) -> bool {
        self.len(heap) == 0
    }

    /// Whether `number` stands in a queue.
    #[must_use]
    pub fn contains(&self, number: u32) -> bool {
        self.places
            .get(number as usize)
            .is_some_and(|place| *place != NONE)
    }

    /// Whether `number` stands in this queue.
    #[must_use]
    pub fn stands_in(&self, heap: u32, number: u32) -> bool {
        let place = self.places.get(number as usize).copied().unwrap_or(NONE) as usize;
        place < self.len(heap) && self.entry(heap, place).1 == number
    }

    /// The smallest key of `heap` with its number.
    #[must_use]
    pub fn peek(&self, heap: u32) -> Option<(K, u32)> {
        (!self.is_empty(heap)).then(|| self.entry(heap, 0))
    }

    /// Adds a number; false if it stands in a queue already, or the number or queue is unknown.
    pub fn push(&mut self, heap: u32, key: K, number: u32) -> bool {
        let known = (heap as usize) < self.lens.len() && (number as usize) < self.places.len();
        if !known || self.contains(number) {
            return false;
        }
        let place = self.len(heap);
        if place.is_multiple_of(CHUNK_ENTRIES) {
            // There is one, because each queue wastes less than a chunk.
            let Some(last) = self.free_chunk_len.checked_sub(1) else {
                return false;
            };
            self.free_chunk_len = last;
            let table = self.table_at(heap, place);
            self.tables[table] = self.free_chunks[last];
        }
        self.lens[heap as usize] += 1;
        self.sift_up(heap, place, (key, number));
        true
    }

    /// Removes the smallest key.
    pub fn pop(&mut self, heap: u32) -> Option<(K, u32)> {
        let smallest = self.peek(heap)?;
        self.remove(heap, smallest.1);
        Some(smallest)
    }

    /// Removes `number` from `heap`; false if it does not stand there.
    pub fn remove(&mut self, heap: u32, number: u32) -> bool {
        if !self.stands_in(heap, number) {
            return false;
        }
        let place = self.places[number as usize] as usize;
        let last_place = self.len(heap) - 1;
        let last = self.entry(heap, last_place);
        self.lens[heap as usize] -= 1;
        self.places[number as usize] = NONE;
        if last_place.is_multiple_of(CHUNK_ENTRIES) {
            let table = self.table_at(heap, last_place);
            self.free_chunks[self.free_chunk_len] = self.tables[table];
            self.free_chunk_len += 1;
        }
        if place < last_place {
            // The last entry takes the empty place, and goes up or down from there.
            if place > 0 && last < self.entry(heap, (place - 1) / ARITY) {
                self.sift_up(heap, place, last);
            } else {
                self.sift_down(heap, place, last);
            }
        }
        true
    }

    /// Whether every queue is ordered and every place is right. Cost: O(n).
    #[must_use]
    pub fn is_consistent(&self) -> bool {
        let heaps = 0..self.lens.len() as u32;
        let in_order = heaps.clone().all(|heap| {
            (0..self.len(heap)).all(|place| {
                let entry = self.entry(heap, place);
                self.places[entry.1 as usize] as usize == place
                    && (place == 0 || self.entry(heap, (place - 1) / ARITY) <= entry)
            })
        });
        let standing = self.places.iter().filter(|place| **place != NONE).count();
        let used_chunks: usize = heaps
            .clone()
            .map(|heap| self.len(heap).div_ceil(CHUNK_ENTRIES))
            .sum();
        in_order
            && standing == heaps.map(|heap| self.len(heap)).sum::<usize>()
            && used_chunks + self.free_chunk_len == self.free_chunks.len()
    }

    fn sift_up(&mut self, heap: u32, mut place: usize, entry: (K, u32)) {
        while place > 0 {
            let parent_place = (place - 1) / ARITY;
            let parent = self.entry(heap, parent_place);
            if parent <= entry {
                break;
            }
            self.put(heap, place, parent);
            place = parent_place;
        }
        self.put(heap, place, entry);
    }

    fn sift_down(&mut self, heap: u32, mut place: usize, entry: (K, u32)) {
        let len = self.len(heap);
        loop {
            let first = place * ARITY + 1;
            let children = first..(first + ARITY).min(len);
            let Some((child, child_place)) =
                children.map(|child| (self.entry(heap, child), child)).min()
            else {
                break;
            };
            if entry <= child {
                break;
            }
            self.put(heap, place, child);
            place = child_place;
        }
        self.put(heap, place, entry);
    }

    fn put(&mut self, heap: u32, place: usize, entry: (K, u32)) {
        let at = self.entry_at(heap, place);
        (self.keys[at], self.numbers[at]) = entry;
        self.places[entry.1 as usize] = place as u32;
    }

    fn entry(&self, heap: u32, place: usize) -> (K, u32) {
        let at = self.entry_at(heap, place);
        (self.keys[at], self.numbers[at])
    }

    fn entry_at(&self, heap: u32, place: usize) -> usize {
        let chunk = self.tables[self.table_at(heap, place)] as usize;
        chunk * CHUNK_ENTRIES + place % CHUNK_ENTRIES
    }

    const fn table_at(&self, heap: u32, place: usize) -> usize {
        heap as usize * self.free_chunks.len() + place / CHUNK_ENTRIES
    }
}

const fn chunk_count(heap_count: u32, capacity: u32) -> usize {
    (capacity as usize).div_ceil(CHUNK_ENTRIES) + heap_count as usize
}

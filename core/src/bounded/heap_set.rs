//! Several priority queues that share one memory.

use alloc::boxed::Box;

use super::{NONE, fixed_slice, fixed_slice_bytes};

/// Entries of a chunk, the unit in which queues take memory.
const CHUNK_ENTRIES: usize = 64;
/// Children of a node: they lie side by side, and the tree is half as deep as with two.
const ARITY: usize = 4;
/// Where the root stands in its chunk, so that four children never stand in two chunks, and begin
/// where a cache line of numbers may begin.
const ROOT: usize = ARITY - 1;

/// A fixed number of min-queues over small numbers; each number stands in at most one of them.
///
/// Any number can be removed, because its place is known. All queues together hold `capacity`
/// numbers, however they share them.
///
/// Memory: for each chunk of 64 entries `64 · (size of K + 4) + 4` bytes, with
/// ⌈(capacity + 3 · `heap_count`) / 64⌉ + `heap_count` chunks; `heap_count` tables of
/// 4 bytes for each chunk, and a length each; 4 bytes for each number.
#[derive(Debug)]
pub struct HeapSet<K> {
    chunks: Box<[Chunk<K>]>,
    /// Invariant: `tables[heap · chunk_count ..][.. ⌈(len + 3) / 64⌉]` are the chunks of `heap`.
    tables: Box<[u32]>,
    lens: Box<[u32]>,
    free_chunks: Box<[u32]>,
    free_chunk_len: usize,
    /// Invariant: for a number in a queue its place in that queue, else `NONE`.
    places: Box<[u32]>,
}

/// Entries that take memory together. Keys and numbers stand apart, because pairs would be padded,
/// and in one chunk, so that one page holds both.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
struct Chunk<K> {
    keys: [K; CHUNK_ENTRIES],
    numbers: [u32; CHUNK_ENTRIES],
}

/// Where an entry stands: its chunk, and its place in that.
#[derive(Clone, Copy, Debug)]
struct At {
    chunk: usize,
    entry: usize,
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
            chunks: fixed_slice(
                chunks,
                Chunk {
                    keys: [K::default(); CHUNK_ENTRIES],
                    numbers: [NONE; CHUNK_ENTRIES],
                },
            ),
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
        fixed_slice_bytes::<Chunk<K>>(chunks)
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

    /// The numbers of the first three levels of `heap`, the smallest key's first: the next to come
    /// to the front are most likely among them.
    #[must_use]
    pub fn front(&self, heap: u32) -> &[u32] {
        let len = self.len(heap).min(1 + ARITY + ARITY * ARITY);
        if len == 0 {
            return &[];
        }
        let At { chunk, entry } = self.at(heap, 0);
        &self.chunks[chunk].numbers[entry..entry + len]
    }

    /// Reads what removing `number` from `heap` looks at first, so that it is near when it is
    /// needed; says whether the number stands there.
    #[must_use]
    pub fn read_around(&self, heap: u32, number: u32) -> bool
    where
        K: PartialEq,
    {
        let place = self.places.get(number as usize).copied().unwrap_or(NONE) as usize;
        if place >= self.len(heap) {
            return false;
        }
        let (key, found) = self.entry(heap, place);
        let (parent, _) = self.entry(heap, place.saturating_sub(1) / ARITY);
        let below = (place * ARITY + 1).min(self.len(heap) - 1);
        let (child, _) = self.entry(heap, below);
        found == number && (key != parent || key != child)
    }

    /// Adds a number; false if it stands in a queue already, or the number or queue is unknown.
    pub fn push(&mut self, heap: u32, key: K, number: u32) -> bool {
        let known = (heap as usize) < self.lens.len() && (number as usize) < self.places.len();
        if !known || self.contains(number) {
            return false;
        }
        let place = self.len(heap);
        if starts_chunk(place) {
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
        if starts_chunk(last_place) {
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
        let used_chunks: usize = heaps.clone().map(|heap| chunks_of(self.len(heap))).sum();
        in_order
            && standing == heaps.map(|heap| self.len(heap)).sum::<usize>()
            && used_chunks + self.free_chunk_len == self.free_chunks.len()
    }

    fn sift_up(&mut self, heap: u32, mut place: usize, entry: (K, u32)) {
        let mut at = self.at(heap, place);
        while place > 0 {
            let parent_place = (place - 1) / ARITY;
            let parent_at = self.at(heap, parent_place);
            let parent = self.entry_at(parent_at);
            if parent <= entry {
                break;
            }
            self.put(at, place, parent);
            (place, at) = (parent_place, parent_at);
        }
        self.put(at, place, entry);
    }

    fn sift_down(&mut self, heap: u32, mut place: usize, entry: (K, u32)) {
        let len = self.len(heap);
        let mut at = self.at(heap, place);
        loop {
            let first = place * ARITY + 1;
            if first >= len {
                break;
            }
            let first_at = self.at(heap, first);
            let children =
                self.chunks[first_at.chunk].range(first_at.entry, ARITY.min(len - first));
            let Some((child, which)) = children.zip(0..).min() else {
                break;
            };
            if entry <= child {
                break;
            }
            self.put(at, place, child);
            place = first + which;
            at = At {
                entry: first_at.entry + which,
                ..first_at
            };
        }
        self.put(at, place, entry);
    }

    fn put(&mut self, at: At, place: usize, entry: (K, u32)) {
        let chunk = &mut self.chunks[at.chunk];
        (chunk.keys[at.entry], chunk.numbers[at.entry]) = entry;
        self.places[entry.1 as usize] = place as u32;
    }

    fn entry(&self, heap: u32, place: usize) -> (K, u32) {
        self.entry_at(self.at(heap, place))
    }

    fn entry_at(&self, at: At) -> (K, u32) {
        let chunk = &self.chunks[at.chunk];
        (chunk.keys[at.entry], chunk.numbers[at.entry])
    }

    fn at(&self, heap: u32, place: usize) -> At {
        At {
            chunk: self.tables[self.table_at(heap, place)] as usize,
            entry: (place + ROOT) % CHUNK_ENTRIES,
        }
    }

    const fn table_at(&self, heap: u32, place: usize) -> usize {
        heap as usize * self.free_chunks.len() + (place + ROOT) / CHUNK_ENTRIES
    }
}

impl<K: Copy> Chunk<K> {
    /// `count` entries from `first` on.
    fn range(&self, first: usize, count: usize) -> impl Iterator<Item = (K, u32)> {
        let keys = self.keys[first..first + count].iter();
        let numbers = self.numbers[first..first + count].iter();
        keys.copied().zip(numbers.copied())
    }
}

/// Whether the entry at `place` of a queue is the first in its chunk.
const fn starts_chunk(place: usize) -> bool {
    place == 0 || (place + ROOT).is_multiple_of(CHUNK_ENTRIES)
}

/// The chunks of a queue of `len` entries.
const fn chunks_of(len: usize) -> usize {
    if len == 0 {
        0
    } else {
        (len + ROOT).div_ceil(CHUNK_ENTRIES)
    }
}

const fn chunk_count(heap_count: u32, capacity: u32) -> usize {
    (capacity as usize + ROOT * heap_count as usize).div_ceil(CHUNK_ENTRIES) + heap_count as usize
}

//! Byte strings of any length without fragmentation.

use alloc::boxed::Box;

use super::{NONE, fixed_slice, fixed_slice_bytes};

/// Bytes of a chunk: two cache lines, and half of the mean payload of real transactions.
pub const CHUNK_BYTES: usize = 128;

/// A byte string in a [`ChunkArena`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChunkList {
    first: u32,
    len: u32,
}

impl ChunkList {
    /// The empty byte string.
    pub const EMPTY: Self = Self {
        first: NONE,
        len: 0,
    };

    /// How many bytes it has.
    #[must_use]
    pub const fn len(&self) -> u32 {
        self.len
    }

    /// Whether it is empty.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }
}

impl Default for ChunkList {
    fn default() -> Self {
        Self::EMPTY
    }
}

/// A fixed memory for byte strings, each in a chain of chunks that may lie anywhere.
///
/// Whether a string fits depends on the number of free chunks alone, never on what came and went
/// before. On average half a chunk a string stays unused.
///
/// Memory: 132 bytes a chunk.
#[derive(Debug)]
pub struct ChunkArena {
    bytes: Box<[u8]>,
    /// Invariant: for a chunk of a string the one after it; for a free chunk the next free one.
    next: Box<[u32]>,
    first_free: u32,
    free_count: usize,
}

impl ChunkArena {
    /// Makes room for `capacity_bytes`, rounded up to whole chunks (at most 2^32 - 2 of them).
    #[must_use]
    pub fn new(capacity_bytes: u64) -> Self {
        let count = chunk_count(capacity_bytes);
        let mut next = fixed_slice(count, NONE);
        for (link, chunk) in next.iter_mut().zip(1..count as u32) {
            *link = chunk;
        }
        Self {
            bytes: fixed_slice(count * CHUNK_BYTES, 0),
            next,
            first_free: if count == 0 { NONE } else { 0 },
            free_count: count,
        }
    }

    /// The bytes that [`ChunkArena::new`] takes.
    #[must_use]
    pub const fn footprint_bytes(capacity_bytes: u64) -> u64 {
        let count = chunk_count(capacity_bytes);
        fixed_slice_bytes::<[u8; CHUNK_BYTES]>(count) + fixed_slice_bytes::<u32>(count)
    }

    /// Bytes in free chunks.
    #[must_use]
    pub const fn free_bytes(&self) -> u64 {
        (self.free_count * CHUNK_BYTES) as u64
    }

    /// Bytes in all chunks.
    #[must_use]
    pub const fn capacity_bytes(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// Bytes of the chunks that a string of `len` bytes takes.
    #[must_use]
    pub const fn rounded_bytes(&self, len: usize) -> u64 {
        rounded_bytes(len)
    }

    /// Whether a string of `len` bytes fits now.
    #[must_use]
    pub const fn has_room(&self, len: usize) -> bool {
        len.div_ceil(CHUNK_BYTES) <= self.free_count
    }

    /// Copies a string in; nothing, and nothing changed, where it does not fit.
    pub fn store(&mut self, bytes: &[u8]) -> Option<ChunkList> {
        let len = u32::try_from(bytes.len()).ok()?;
        if !self.has_room(bytes.len()) {
            return None;
        }
        let first = if bytes.is_empty() {
            NONE
        } else {
            self.first_free
        };
        let mut last = NONE;
        for part in bytes.chunks(CHUNK_BYTES) {
            let chunk = self.first_free;
            let at = chunk as usize * CHUNK_BYTES;
            self.bytes[at..at + part.len()].copy_from_slice(part);
            self.first_free = self.next[chunk as usize];
            self.free_count -= 1;
            last = chunk;
        }
        if last != NONE {
            self.next[last as usize] = NONE;
        }
        Some(ChunkList { first, len })
    }

    /// Copies a string out to the front of `out`; false if that is too short.
    pub fn copy_to(&self, list: ChunkList, out: &mut [u8]) -> bool {
        let Some(out) = out.get_mut(..list.len as usize) else {
            return false;
        };
        let mut places = out.chunks_mut(CHUNK_BYTES);
        self.parts(list).all(|part| {
            places.next().is_some_and(|place| {
                place.copy_from_slice(part);
                true
            })
        })
    }

    /// The string's parts in order, each of at most [`CHUNK_BYTES`].
    pub fn parts(&self, list: ChunkList) -> impl Iterator<Item = &[u8]> {
        let mut chunk = list.first;
        let mut rest = list.len as usize;
        core::iter::from_fn(move || {
            if rest == 0 {
                return None;
            }
            let at = chunk as usize * CHUNK_BYTES;
            let part_len = rest.min(CHUNK_BYTES);
            rest -= part_len;
            chunk = self.next[chunk as usize];
            Some(&self.bytes[at..at + part_len])
        })
    }

    /// The chunk after a string's first one; a number without a meaning where it has no other.
    #[must_use]
    pub fn second_chunk(&self, list: ChunkList) -> u32 {
        self.next.get(list.first as usize).copied().unwrap_or(NONE)
    }

    /// Frees a string's chunks. The string must not be used afterwards.
    pub fn free(&mut self, list: ChunkList) {
        let count = (list.len as usize).div_ceil(CHUNK_BYTES);
        if count == 0 {
            return;
        }
        let mut last = list.first;
        for _ in 1..count {
            last = self.next[last as usize];
        }
        self.next[last as usize] = self.first_free;
        self.first_free = list.first;
        self.free_count += count;
    }

    /// Whether exactly the chunks outside the given strings are free. Cost: O(chunks).
    #[must_use]
    pub fn is_consistent(&self, used: impl Iterator<Item = ChunkList>) -> bool {
        let used_count: usize = used
            .map(|list| (list.len as usize).div_ceil(CHUNK_BYTES))
            .sum();
        let chain = core::iter::successors(
            (self.first_free != NONE).then_some(self.first_free),
            |chunk| {
                let next = self.next[*chunk as usize];
                (next != NONE).then_some(next)
            },
        );
        chain.take(self.next.len() + 1).count() == self.free_count
            && used_count + self.free_count == self.next.len()
    }
}

/// Bytes of the chunks that a string of `len` bytes takes.
#[must_use]
pub const fn rounded_bytes(len: usize) -> u64 {
    (len.div_ceil(CHUNK_BYTES) * CHUNK_BYTES) as u64
}

const fn chunk_count(capacity_bytes: u64) -> usize {
    capacity_bytes.div_ceil(CHUNK_BYTES as u64) as usize
}

//! Containers that never grow.
//!
//! Each takes its capacity when it is made, allocates once, and says by a sum how many bytes that
//! is. An operation that finds no room says so and changes nothing. None of them shows an order
//! that depends on addresses or on a hash.
//!
//! | container | for | cost |
//! |---|---|---|
//! | [`ChunkArena`] | byte strings of any length, without fragmentation | O(length) |
//! | [`HandleIndex`] | from a key's hash to a small number | O(1) expected |
//! | [`HeapSet`] | several priority queues that share one memory | O(log n) |
//! | [`IndirectHeap`] | a priority queue of numbers whose keys stand elsewhere | O(log n) |
//! | [`LinkedSet`] | numbers in the order in which they came, any of them removable | O(1) |
//! | [`MinTree`] | the smallest value of a range of numbers | O(log n) |
//! | [`RecentSet`] | keys that came by lately | O(1) expected |
//! | [`Ring`] | a queue | O(1) |
//! | [`Slab`] | values behind handles that notice reuse | O(1) |
#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "every index is a number that the container made itself, below its fixed capacity"
)]

mod chunk_arena;
mod handle_index;
mod heap_set;
mod indirect_heap;
mod linked_set;
mod min_tree;
mod recent_set;
mod ring;
mod slab;
#[cfg(test)]
mod tests;

pub use chunk_arena::{CHUNK_BYTES, ChunkArena, ChunkList, rounded_bytes};
pub use handle_index::{HandleIndex, KeyedHash};
pub use heap_set::HeapSet;
pub use indirect_heap::IndirectHeap;
pub use linked_set::LinkedSet;
pub use min_tree::MinTree;
pub use recent_set::RecentSet;
pub use ring::Ring;
pub use slab::{Handle, Slab};

use alloc::boxed::Box;
use alloc::vec;

/// Stands for "none" where a number of a place is kept.
pub(crate) const NONE: u32 = u32::MAX;

/// Allocates `len` copies of `value`: together with the lanes' queues the only way to memory here.
pub(crate) fn fixed_slice<T: Clone>(len: usize, value: T) -> Box<[T]> {
    vec![value; len].into_boxed_slice()
}

/// The bytes that [`fixed_slice`] takes for `len` values.
pub(crate) const fn fixed_slice_bytes<T>(len: usize) -> u64 {
    (len as u64).saturating_mul(size_of::<T>() as u64)
}

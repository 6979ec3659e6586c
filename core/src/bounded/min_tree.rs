//! The smallest of a range of numbered values, while values come and go.

use alloc::boxed::Box;

use super::{NONE, fixed_slice, fixed_slice_bytes};

/// Values behind the numbers below a capacity; the smallest of any range of numbers is at hand.
///
/// Where values are equal, the smaller number counts as smaller. `u64::MAX` is no value.
///
/// Memory: 32 bytes for each number. Cost: O(log n) for a change and for a question.
#[derive(Debug)]
pub struct MinTree {
    /// Invariant: `nodes[at]` is the smaller of `nodes[2·at]` and `nodes[2·at + 1]`; the leaf of
    /// number i stands at `len + i`.
    nodes: Box<[(u64, u32)]>,
    len: usize,
}

const EMPTY: (u64, u32) = (u64::MAX, NONE);

impl MinTree {
    /// Makes a tree for up to `capacity` numbers; none has a value.
    #[must_use]
    pub fn new(capacity: u32) -> Self {
        Self {
            nodes: fixed_slice(2 * capacity as usize, EMPTY),
            len: 0,
        }
    }

    /// The bytes that [`MinTree::new`] takes.
    #[must_use]
    pub const fn footprint_bytes(capacity: u32) -> u64 {
        fixed_slice_bytes::<(u64, u32)>(2 * capacity as usize)
    }

    /// Forgets all values, and takes the numbers below `len` from now on; at most the capacity.
    pub fn reset(&mut self, len: u32) {
        self.len = (len as usize).min(self.nodes.len() / 2);
        self.nodes[..2 * self.len].fill(EMPTY);
    }

    /// Gives a number a value, or takes it away.
    pub fn set(&mut self, number: u32, value: Option<u64>) {
        if number as usize >= self.len {
            return;
        }
        let mut at = self.len + number as usize;
        self.nodes[at] = value.map_or(EMPTY, |value| (value, number));
        while at > 1 {
            at /= 2;
            self.nodes[at] = self.nodes[2 * at].min(self.nodes[2 * at + 1]);
        }
    }

    /// The number with the smallest value in `first .. end`.
    #[must_use]
    pub fn min_in(&self, first: u32, end: u32) -> Option<u32> {
        let (mut low, mut high) = (
            self.len + (first as usize).min(self.len),
            self.len + (end as usize).min(self.len),
        );
        let mut smallest = EMPTY;
        while low < high {
            if low % 2 == 1 {
                smallest = smallest.min(self.nodes[low]);
                low += 1;
            }
            if high % 2 == 1 {
                high -= 1;
                smallest = smallest.min(self.nodes[high]);
            }
            low /= 2;
            high /= 2;
        }
        (smallest.1 != NONE).then_some(smallest.1)
    }

    /// The number with the smallest value.
    #[must_use]
    pub fn min(&self) -> Option<u32> {
        self.min_in(0, self.len as u32)
    }
}

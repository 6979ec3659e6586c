//! Rows of bits.

use alloc::boxed::Box;

use crate::bounded::{fixed_slice, fixed_slice_bytes};

/// How many columns a word holds.
pub(super) const WORD_BITS: usize = 64;

/// How many words hold `columns` bits.
pub(super) const fn words_for(columns: usize) -> usize {
    columns.div_ceil(WORD_BITS)
}

/// A word with the bits below `count` set; all of them from 64 on.
pub(super) const fn low_bits(count: usize) -> u64 {
    if count >= WORD_BITS {
        !0
    } else {
        (1 << count) - 1
    }
}

pub(super) fn get(words: &[u64], index: usize) -> bool {
    words[index / WORD_BITS] >> (index % WORD_BITS) & 1 == 1
}

pub(super) fn set(words: &mut [u64], index: usize) {
    words[index / WORD_BITS] |= 1 << (index % WORD_BITS);
}

pub(super) fn clear(words: &mut [u64], index: usize) {
    words[index / WORD_BITS] &= !(1 << (index % WORD_BITS));
}

/// How many bits two rows have in common; words that are empty or full cost no counting.
pub(super) fn count_common(left: &[u64], right: &[u64]) -> u32 {
    let common = left.iter().zip(right).map(|(a, b)| a & b);
    common
        .map(|word| match word {
            0 => 0,
            u64::MAX => 64,
            word => word.count_ones(),
        })
        .sum()
}

/// The numbers of the set bits, rising.
pub(super) fn ones(words: impl Iterator<Item = u64>) -> impl Iterator<Item = usize> {
    words.enumerate().flat_map(|(at, word)| {
        let next = |rest: &u64| Some(rest & rest.wrapping_sub(1)).filter(|rest| *rest != 0);
        core::iter::successors(Some(word).filter(|word| *word != 0), next)
            .map(move |rest| at * WORD_BITS + rest.trailing_zeros() as usize)
    })
}

/// Swaps rows and columns of a square of 64 bits by 64.
pub(super) fn transpose(square: &mut [u64; WORD_BITS]) {
    let mut width = WORD_BITS / 2;
    let mut mask = low_bits(width);
    while width > 0 {
        for start in (0..WORD_BITS).step_by(2 * width) {
            for row in start..start + width {
                let moved = (square[row] >> width ^ square[row + width]) & mask;
                square[row + width] ^= moved;
                square[row] ^= moved << width;
            }
        }
        width /= 2;
        mask ^= mask << width;
    }
}

/// A square of bits, in rows of whole words.
///
/// Memory: `side_max · ⌈side_max / 64⌉ · 8` bytes.
#[derive(Debug)]
pub(super) struct BitMatrix {
    words: Box<[u64]>,
    /// Words a row, for the side in use.
    stride: usize,
}

impl BitMatrix {
    pub(super) fn new(side_max: usize) -> Self {
        Self {
            words: fixed_slice(side_max * words_for(side_max), 0),
            stride: 0,
        }
    }

    pub(super) const fn footprint_bytes(side_max: usize) -> u64 {
        fixed_slice_bytes::<u64>(side_max * words_for(side_max))
    }

    /// Makes it an empty square of `side`, which is at most the side of its construction.
    pub(super) fn begin(&mut self, side: usize) {
        self.stride = words_for(side);
        self.words[..side * self.stride].fill(0);
    }

    pub(super) fn row(&self, row: usize) -> &[u64] {
        &self.words[row * self.stride..][..self.stride]
    }

    pub(super) fn row_mut(&mut self, row: usize) -> &mut [u64] {
        &mut self.words[row * self.stride..][..self.stride]
    }

    pub(super) fn get(&self, row: usize, column: usize) -> bool {
        get(self.row(row), column)
    }

    pub(super) fn set(&mut self, row: usize, column: usize) {
        set(self.row_mut(row), column);
    }

    pub(super) fn clear(&mut self, row: usize, column: usize) {
        clear(self.row_mut(row), column);
    }
}

//! Counters of one bit a plane: many pairs are counted by each operation on words.

use core::ops::{BitAnd, BitOr, BitXor, Not};

use super::bits::WORD_BITS;

/// How many words a lane has.
pub(super) const LANE_WORDS: usize = 2;

/// How many pairs a lane counts at once.
pub(super) const LANE_BITS: usize = LANE_WORDS * WORD_BITS;

/// How many lists are added at once.
pub(super) const GROUP: usize = 8;

/// How many planes hold a count of up to 255 lists.
pub(super) const PLANES: usize = 8;

/// How many planes a group touches at least.
pub(super) const PLANES_MIN: usize = 3;

/// One bit of the counters of [`LANE_BITS`] pairs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Lane(pub(super) [u64; LANE_WORDS]);

impl Lane {
    pub(super) const NONE: Self = Self([0; LANE_WORDS]);
    pub(super) const ALL: Self = Self([!0; LANE_WORDS]);

    fn zip(self, other: Self, of: impl Fn(u64, u64) -> u64) -> Self {
        Self(core::array::from_fn(|word| of(self.0[word], other.0[word])))
    }
}

impl BitAnd for Lane {
    type Output = Self;
    fn bitand(self, other: Self) -> Self {
        self.zip(other, |a, b| a & b)
    }
}

impl BitOr for Lane {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        self.zip(other, |a, b| a | b)
    }
}

impl BitXor for Lane {
    type Output = Self;
    fn bitxor(self, other: Self) -> Self {
        self.zip(other, |a, b| a ^ b)
    }
}

impl Not for Lane {
    type Output = Self;
    fn not(self) -> Self {
        Self(self.0.map(|word| !word))
    }
}

/// Sum and carry of three bits.
fn add_three(a: Lane, b: Lane, c: Lane) -> (Lane, Lane) {
    let half = a ^ b;
    (half ^ c, (a & b) | (half & c))
}

/// Adds [`GROUP`] bits to counters of at least [`PLANES_MIN`] planes, which must hold the sum: a
/// tree of adders touches each plane once.
pub(super) fn add_group(planes: &mut [Lane], group: &[Lane; GROUP]) {
    let [ones, twos, fours, higher @ ..] = planes else {
        debug_assert!(false, "counters have three planes at least");
        return;
    };
    let [a, b, c, d, e, f, g, h] = *group;
    let (sum, first) = add_three(*ones, a, b);
    let (sum, second) = add_three(sum, c, d);
    let (sum, third) = add_three(sum, e, f);
    let (sum, fourth) = add_three(sum, g, h);
    *ones = sum;
    let (sum, left) = add_three(*twos, first, second);
    let (sum, right) = add_three(sum, third, fourth);
    *twos = sum;
    let (sum, mut carry) = add_three(*fours, left, right);
    *fours = sum;
    for plane in higher {
        (*plane, carry) = (*plane ^ carry, *plane & carry);
    }
}

/// Adds one bit to counters.
pub(super) fn add_one(planes: &mut [Lane; PLANES], mut carry: Lane) {
    for plane in planes {
        if carry == Lane::NONE {
            return;
        }
        (*plane, carry) = (*plane ^ carry, *plane & carry);
    }
}

/// `left + right + lowest`, plane by plane; the sum must fit `N` planes.
pub(super) fn add<const N: usize>(left: &[Lane; N], right: &[Lane; N], lowest: Lane) -> [Lane; N] {
    let mut carry = lowest;
    core::array::from_fn(|plane| {
        let (sum, next) = add_three(left[plane], right[plane], carry);
        carry = next;
        sum
    })
}

/// Where a counter is at least `bound`, which must fit the planes.
pub(super) fn at_least(planes: &[Lane], bound: u32) -> Lane {
    let (mut above, mut equal) = (Lane::NONE, Lane::ALL);
    for (bit, plane) in planes.iter().enumerate().rev() {
        if bound >> bit & 1 == 0 {
            above = above | (equal & *plane);
            equal = equal & !*plane;
        } else {
            equal = equal & *plane;
        }
    }
    above | equal
}

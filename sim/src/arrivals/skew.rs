//! How far apart in time one object reaches several nodes: what was measured.
//!
//! # Where the figures come from
//! A public study of block propagation noted when the same object was first seen by nodes in New
//! York, London, Frankfurt and Tokyo, and the time between the first and the last of them. Of its
//! 191,596 objects, 102,430 were seen by two to four nodes within a minute; [`QUANTILES`] are of
//! these, in milliseconds as the study has them. The one at a share p of N sorted spreads is the
//! one at index ⌊p·N⌋, the last for p = 1. A test does it again where the data are at hand.
//!
//! # What is made of them
//! A spread is drawn by inverting that distribution: a uniform number picks a share, and between
//! two quantiles the spread rises in a straight line. Up to four nodes this gives back what was
//! measured. More sequencers lie within the same spread, so that a larger committee is drawn as
//! close as a small one; more distant ones need a larger scale.
//!
//! The objects of the study are blocks of up to megabytes. Transactions are smaller and travel
//! faster; whoever knows how much faster scales the spread.

use crate::workload::Random;

/// Shares of objects in thousandths, and the spread in milliseconds that so many stay below.
pub const QUANTILES: [(u32, u32); 15] = [
    (0, 0),
    (1, 7),
    (5, 28),
    (10, 48),
    (50, 142),
    (100, 197),
    (250, 292),
    (500, 403),
    (750, 568),
    (900, 980),
    (950, 2_000),
    (990, 10_332),
    (995, 13_834),
    (999, 26_133),
    (1_000, 59_550),
];

/// The largest factor by which a spread is scaled: a thousand times.
pub const SCALE_PERMILLE_MAX: u32 = 1_000_000;

const NS_PER_MS: u64 = 1_000_000;

/// The spread in nanoseconds that a share of objects, in 2^-32 parts, stays below.
#[must_use]
pub fn spread_ns(share: u32) -> u64 {
    // In thousandths, with 32 bits behind the point.
    let scaled = u64::from(share) * 1_000;
    let above = QUANTILES.partition_point(|(permille, _)| u64::from(*permille) << 32 <= scaled);
    let (Some((low_share, low)), Some((high_share, high))) =
        (QUANTILES.get(above.wrapping_sub(1)), QUANTILES.get(above))
    else {
        return u64::from(QUANTILES[QUANTILES.len() - 1].1) * NS_PER_MS;
    };
    let rise_ns = u128::from(high - low) * u128::from(NS_PER_MS);
    let past = u128::from(scaled - (u64::from(*low_share) << 32));
    let width = u128::from(high_share - low_share) << 32;
    u64::from(*low) * NS_PER_MS + (rise_ns * past / width) as u64
}

/// Draws a spread in nanoseconds.
pub(crate) fn draw_ns(random: &mut Random) -> u64 {
    spread_ns(random.next_u32())
}

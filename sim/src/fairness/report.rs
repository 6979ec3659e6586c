//! The figures, as they stand in `summary.json`.

use serde::{Deserialize, Serialize};

use crate::output::Number;

/// How fair an order is. Shares are parts per million; everything is a whole number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FairnessReport {
    /// Where arrivals came from, as in `real transactions, modelled arrivals`.
    pub arrivals: String,
    /// n.
    pub sequencers: u32,
    /// f.
    pub faults: u32,
    /// q: how many sequencers bind an order.
    pub quorum: u32,
    /// T: how many lists an edge takes.
    pub threshold: u32,
    /// How many transactions there were.
    pub transactions: Number,
    /// How many of them the order has.
    pub ordered: Number,
    /// The distance of the order to each sequencer's own, by sequencer.
    pub kendall: Vec<Agreement>,
    /// The mean of their shares.
    pub kendall_mean_ppm: u32,
    /// The largest of their shares.
    pub kendall_max_ppm: u32,
    /// The distance to the order of sending; nothing where that is not known.
    pub kendall_sent: Option<Agreement>,
    /// What pairs of transactions say.
    pub pairs: PairFigures,
    /// The promise, checked.
    pub gamma: GammaFigures,
    /// How many places transactions lie from where they were sent, or where that is not known, from
    /// their median place among the sequencers.
    pub displacement: Quantity,
    /// The batches of order fairness.
    pub components: ComponentFigures,
    /// How many rounds transactions waited after the first that could have ordered them.
    pub deferred_rounds: Quantity,
}

/// How far two orders agree (Kendall tau): over all pairs that both have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agreement {
    /// How many pairs both have.
    pub pairs: Number,
    /// How many of them stand the other way round.
    pub discordant: Number,
    /// The share of those; tau is 1 less twice this share.
    pub discordant_ppm: u32,
}

/// What the sequencers have to say of pairs of transactions. The weight of one way round is how
/// many received the one first, or it alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PairFigures {
    /// Pairs that stand up to so many places apart in the order were compared.
    pub places_max: u32,
    /// How many pairs that is.
    pub compared: Number,
    /// Pairs that a majority has the other way round.
    pub backward: Number,
    /// By how much, summed over those pairs: over all pairs the Kemeny excess.
    pub backward_weight: Number,
    /// By the difference of the two weights, from 0 to n: how many pairs have it.
    pub by_distance: Vec<Number>,
    /// The same for backward pairs alone.
    pub backward_by_distance: Vec<Number>,
}

/// What the checker of the promise found; see
/// [`GammaChecker`](hauptbuch_core::ordering::fair::GammaChecker).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GammaFigures {
    /// Pairs were checked within windows of so many transactions of the order.
    pub window: u32,
    /// How many pairs a quorum binds.
    pub bound: Number,
    /// Bound pairs that stand the other way round although no cycle excuses it.
    pub violations: Number,
    /// Bound pairs that stand the other way round within a cycle.
    pub reversed_in_cycles: Number,
}

/// How a whole number is spread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quantity {
    /// How many there are.
    pub count: Number,
    /// A thousand times the mean, rounded down.
    pub mean_permille: Number,
    /// What half of them do not exceed.
    pub p50: u32,
    /// What 95 % of them do not exceed.
    pub p95: u32,
    /// The largest.
    pub max: u32,
}

/// How large batches are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ComponentFigures {
    /// How many there are.
    pub count: Number,
    /// How many transactions the largest has.
    pub largest: u32,
    /// How many transactions stand in batches of more than one.
    pub in_cycles: Number,
    /// The share of those.
    pub in_cycles_ppm: u32,
    /// By size, empty classes left out.
    pub sizes: Vec<SizeClass>,
}

/// Batches of a like size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SizeClass {
    /// The smallest size: a power of two; the largest is one less than the next power.
    pub from: u32,
    /// How many batches there are.
    pub batches: Number,
    /// How many transactions stand in them.
    pub transactions: Number,
}

impl FairnessReport {
    /// The one spelling as JSON, on one line without a line feed.
    #[must_use]
    pub fn to_json(&self) -> String {
        let text = serde_json::to_string(self);
        debug_assert!(text.is_ok(), "whole numbers and plain text have a spelling");
        text.unwrap_or_default()
    }
}

impl Agreement {
    pub(super) fn new(pairs: u64, discordant: u64) -> Self {
        Self {
            pairs: pairs.into(),
            discordant: discordant.into(),
            discordant_ppm: ppm(discordant, pairs),
        }
    }
}

impl Quantity {
    /// Of these numbers.
    #[must_use]
    pub fn of(mut all: Vec<u32>) -> Self {
        all.sort_unstable();
        let Some(last) = all.len().checked_sub(1) else {
            return Self::default();
        };
        let sum: u64 = all.iter().copied().map(u64::from).sum();
        // The nearest rank: the smallest number that so many do not exceed.
        let quantile = |percent: usize| all[(all.len() * percent).div_ceil(100).max(1) - 1];
        let mean = u128::from(sum) * 1_000 / all.len() as u128;
        Self {
            count: (all.len() as u64).into(),
            mean_permille: (mean as u64).into(),
            p50: quantile(50),
            p95: quantile(95),
            max: all[last],
        }
    }
}

impl ComponentFigures {
    /// Of batches of these sizes.
    #[must_use]
    pub fn of(sizes: &[u32]) -> Self {
        let mut figures = Self {
            count: (sizes.len() as u64).into(),
            largest: sizes.iter().copied().max().unwrap_or(0),
            ..Self::default()
        };
        let mut classes = [SizeClass::default(); 32];
        for size in sizes.iter().copied().filter(|size| *size > 0) {
            let class = &mut classes[size.ilog2() as usize];
            class.from = 1 << size.ilog2();
            class.batches.0 += 1;
            class.transactions.0 += u64::from(size);
            figures.in_cycles.0 += if size > 1 { u64::from(size) } else { 0 };
        }
        let all: u64 = classes.iter().map(|class| class.transactions.0).sum();
        figures.in_cycles_ppm = ppm(figures.in_cycles.0, all);
        figures.sizes = classes.into_iter().filter(|it| it.batches.0 > 0).collect();
        figures
    }
}

/// A share in parts per million, rounded down; of nothing it is 0.
pub(super) const fn ppm(part: u64, whole: u64) -> u32 {
    if whole == 0 {
        return 0;
    }
    (part as u128 * 1_000_000 / whole as u128) as u32
}

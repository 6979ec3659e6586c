//! How long transactions waited, in simulated time.

use hauptbuch_core::types::Tick;

/// How long each included transaction waited from its arrival to its slot.
#[derive(Clone, Debug, Default)]
pub struct Delays {
    delays_ns: Vec<u64>,
}

/// A distribution in a few numbers, all in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quantiles {
    /// How many values it is made of.
    pub count: u64,
    /// The smallest.
    pub min: u64,
    /// Half are at most this.
    pub p50: u64,
    /// Nine tenths are at most this.
    pub p90: u64,
    /// 99 of 100 are at most this.
    pub p99: u64,
    /// 999 of 1,000 are at most this.
    pub p999: u64,
    /// The largest.
    pub max: u64,
}

impl Quantiles {
    /// The distribution of these values, which are put in order.
    #[must_use]
    pub fn of(values: &mut [u64]) -> Self {
        values.sort_unstable();
        let at = |parts: usize| {
            // The smallest value that at least `parts` of 1,000 values do not exceed.
            let rank = (values.len() * parts).div_ceil(1_000).max(1) - 1;
            values.get(rank).copied().unwrap_or(0)
        };
        Self {
            count: values.len() as u64,
            min: values.first().copied().unwrap_or(0),
            p50: at(500),
            p90: at(900),
            p99: at(990),
            p999: at(999),
            max: values.last().copied().unwrap_or(0),
        }
    }
}

impl Delays {
    /// Adds a transaction that arrived at one tick and was included at another.
    pub(super) fn add(&mut self, included: Tick, arrived: Tick) {
        self.delays_ns.push(included.saturating_distance(arrived));
    }

    /// Every delay in nanoseconds, in the order of inclusion.
    #[must_use]
    pub fn as_ns(&self) -> &[u64] {
        &self.delays_ns
    }

    /// The distribution.
    #[must_use]
    pub fn quantiles(&self) -> Quantiles {
        Quantiles::of(&mut self.delays_ns.clone())
    }
}

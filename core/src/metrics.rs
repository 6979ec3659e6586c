//! Counters: how often each thing happened.

use crate::error::Code;

/// A counter for each code, and a few sums. Counters stop at their largest value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metrics {
    by_code: [u64; Code::ALL.len()],
    /// Transactions that were handed in, by whichever way.
    pub submitted: u64,
    /// Slots that were built, those rolled back later included.
    pub slots_taken: u64,
    /// Slots that were acknowledged.
    pub slots_acknowledged: u64,
    /// Slots that were rolled back.
    pub slots_rolled_back: u64,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            by_code: [0; Code::ALL.len()],
            submitted: 0,
            slots_taken: 0,
            slots_acknowledged: 0,
            slots_rolled_back: 0,
        }
    }
}

impl Metrics {
    /// Counts `code` once more.
    pub fn count(&mut self, code: Code) {
        if let Some(counter) = self.by_code.get_mut(code.position()) {
            *counter = counter.saturating_add(1);
        }
    }

    /// How often `code` was counted.
    #[must_use]
    pub fn of(&self, code: Code) -> u64 {
        self.by_code.get(code.position()).copied().unwrap_or(0)
    }

    /// Sets how often `code` was counted.
    pub(crate) fn set(&mut self, code: Code, count: u64) {
        if let Some(counter) = self.by_code.get_mut(code.position()) {
            *counter = count;
        }
    }

    /// Every code that was counted, in the order of their numbers.
    pub fn counted(&self) -> impl Iterator<Item = (Code, u64)> {
        Code::ALL
            .iter()
            .copied()
            .zip(self.by_code)
            .filter(|(_, count)| *count > 0)
    }
}

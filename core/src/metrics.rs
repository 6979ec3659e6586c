//! Counters: how often each thing happened, and how large things were.
//!
//! All of it lies in fixed memory, and all of it is whole numbers. [`Metrics::visit`] lists every
//! figure with its name, its help and its label, so that a host can turn them into the text of
//! whatever system it has; it formats nothing itself.
//!
//! Cost: [`Metrics::count`] O(1), [`Histogram::add`] one search among at most
//! [`HISTOGRAM_EDGE_COUNT_MAX`] edges.

mod histogram;
#[cfg(test)]
mod tests;

pub use histogram::{HISTOGRAM_EDGE_COUNT_MAX, Histogram};

use crate::error::Code;

/// A counter for each code, a few sums, and histograms. Counters stop at their largest value.
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
    /// Decided slots of other members that were taken over.
    pub slots_adopted: u64,
    /// Transactions of those that waited here and ended as included.
    pub adopted_included: u64,
    /// Transactions of those that repeat what was decided before.
    pub adopted_repeated: u64,
    /// Nanoseconds of the local clock from a transaction's arrival until the slot that includes it
    /// was sealed; counted when the slot is acknowledged.
    pub time_to_batch_ns: Histogram,
    /// Fees per gas of the transactions that were included.
    pub included_fees: Histogram,
    /// Transactions in the pool, taken ones included, when a slot was sealed.
    pub pending_at_take: Histogram,
    /// Transactions a slot.
    pub slot_transactions: Histogram,
    /// Bytes a slot, with its headers and receipts.
    pub slot_bytes: Histogram,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            by_code: [0; Code::ALL.len()],
            submitted: 0,
            slots_taken: 0,
            slots_acknowledged: 0,
            slots_rolled_back: 0,
            slots_adopted: 0,
            adopted_included: 0,
            adopted_repeated: 0,
            time_to_batch_ns: Histogram::new(&TIME_EDGES_NS),
            included_fees: Histogram::new(&FEE_EDGES),
            pending_at_take: Histogram::new(&COUNT_EDGES),
            slot_transactions: Histogram::new(&COUNT_EDGES),
            slot_bytes: Histogram::new(&BYTE_EDGES),
        }
    }
}

/// One figure, for hosts that pass them on.
#[derive(Clone, Copy, Debug)]
pub struct Metric<'a> {
    /// What it is called: lower-case words with underscores, its unit last.
    pub name: &'static str,
    /// What it says, in one line of English.
    pub help: &'static str,
    /// The name and value of its label, where several figures share a name.
    pub label: Option<(&'static str, &'static str)>,
    /// What it comes to.
    pub value: MetricValue<'a>,
}

/// What a [`Metric`] comes to.
#[derive(Clone, Copy, Debug)]
pub enum MetricValue<'a> {
    /// A number that only grows.
    Counter(u64),
    /// A number that can fall.
    Gauge(u64),
    /// How large things were.
    Histogram(&'a Histogram),
}

impl Metrics {
    /// Counts `code` once more.
    pub fn count(&mut self, code: Code) {
        if let Some(counter) = self.by_code.get_mut(code.position()) {
            *counter = counter.saturating_add(1);
        }
    }

    /// Counts a slot that was taken over.
    pub(crate) fn count_adopted(&mut self, included_count: u32, repeated_count: u32) {
        for (sum, count) in [
            (&mut self.slots_adopted, 1),
            (&mut self.adopted_included, included_count),
            (&mut self.adopted_repeated, repeated_count),
        ] {
            *sum = sum.saturating_add(u64::from(count));
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

    /// Shows every figure, those that share a name one after another.
    ///
    /// What became of transactions comes as one figure for each code that can: 1 to 8 under
    /// `transactions_total`, refusals under `refused_total`, zeros included, so that a rate can be
    /// taken from the first one on.
    pub fn visit(&self, mut each: impl FnMut(&Metric<'_>)) {
        let counter = |name, help, value| Metric {
            name,
            help,
            label: None,
            value: MetricValue::Counter(value),
        };
        each(&counter(
            "submitted_total",
            "Transactions that were handed in.",
            self.submitted,
        ));
        for code in Code::ALL.iter().filter(|code| is_outcome(**code)) {
            each(&self.by_code(*code, "transactions_total", OUTCOME_HELP, "outcome"));
        }
        for code in Code::ALL.iter().filter(|code| is_refusal(**code)) {
            each(&self.by_code(*code, "refused_total", REFUSED_HELP, "reason"));
        }
        for (name, help, value) in [
            (
                "slots_taken_total",
                "Slots that were sealed.",
                self.slots_taken,
            ),
            (
                "slots_acknowledged_total",
                "Slots that were acknowledged.",
                self.slots_acknowledged,
            ),
            (
                "slots_rolled_back_total",
                "Slots that were rolled back.",
                self.slots_rolled_back,
            ),
            (
                "slots_adopted_total",
                "Decided slots of other members that were taken over.",
                self.slots_adopted,
            ),
            (
                "adopted_included_total",
                "Transactions of slots that were taken over which waited here.",
                self.adopted_included,
            ),
            (
                "adopted_repeated_total",
                "Transactions of slots that were taken over which repeat what was decided before.",
                self.adopted_repeated,
            ),
        ] {
            each(&counter(name, help, value));
        }
        for (name, help, histogram) in self.histograms() {
            each(&Metric {
                name,
                help,
                label: None,
                value: MetricValue::Histogram(histogram),
            });
        }
    }

    /// Every histogram with its name and its help.
    #[must_use]
    pub const fn histograms(&self) -> [(&'static str, &'static str, &Histogram); 5] {
        [
            (
                "time_to_batch_ns",
                "Nanoseconds from a transaction's arrival until its slot was sealed.",
                &self.time_to_batch_ns,
            ),
            (
                "included_fee",
                "Fees per gas of the transactions that were included.",
                &self.included_fees,
            ),
            (
                "pending_at_take",
                "Transactions in the pool when a slot was sealed.",
                &self.pending_at_take,
            ),
            (
                "slot_transactions",
                "Transactions a slot.",
                &self.slot_transactions,
            ),
            ("slot_bytes", "Bytes a slot.", &self.slot_bytes),
        ]
    }

    /// The same histograms in the same order.
    pub(crate) const fn histograms_mut(&mut self) -> [&mut Histogram; 5] {
        [
            &mut self.time_to_batch_ns,
            &mut self.included_fees,
            &mut self.pending_at_take,
            &mut self.slot_transactions,
            &mut self.slot_bytes,
        ]
    }

    fn by_code(
        &self,
        code: Code,
        name: &'static str,
        help: &'static str,
        label: &'static str,
    ) -> Metric<'static> {
        Metric {
            name,
            help,
            label: Some((label, code.name())),
            value: MetricValue::Counter(self.of(code)),
        }
    }
}

const fn is_outcome(code: Code) -> bool {
    matches!(code, Code::Admitted) || code.is_terminal()
}

/// Refusals of transactions, and the one of the events' queue, which admission gives too.
const fn is_refusal(code: Code) -> bool {
    matches!(code.number(), 100..=199) || matches!(code, Code::EventsFull)
}

const OUTCOME_HELP: &str = "What became of transactions.";
const REFUSED_HELP: &str = "Transactions that were refused, by reason.";

/// 1 ms to 8.7 minutes, each twice the one before.
const TIME_EDGES_NS: [u64; 20] = doubled(1_000_000);
/// 1 to 524,288 by factors of two.
const COUNT_EDGES: [u64; 20] = doubled(1);
/// 256 bytes to 128 MiB by factors of two.
const BYTE_EDGES: [u64; 20] = doubled(256);
/// 0, 1, and then by factors of eight up to 2^54.
#[allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "evaluated while compiling, where a slip is an error"
)]
const FEE_EDGES: [u64; 20] = {
    let mut edges = [0; 20];
    let mut at = 1;
    while at < edges.len() {
        edges[at] = 1 << (3 * (at - 1));
        at += 1;
    }
    edges
};

#[allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "evaluated while compiling, where a slip is an error"
)]
const fn doubled<const N: usize>(first: u64) -> [u64; N] {
    let mut edges = [first; N];
    let mut at = 1;
    while at < N {
        edges[at] = edges[at - 1] * 2;
        at += 1;
    }
    edges
}

//! When each of several sequencers receives each transaction.
//!
//! A [`Workload`](crate::workload::Workload) says when a transaction was sent. Order fairness is
//! about when it *arrives*, at each sequencer for itself. [`Arrivals`] hold that, from one of two
//! sources, and say from which:
//!
//! - [`ArrivalModel`]: drawn from a seed. The spread of one transaction over the sequencers follows
//!   a distribution that was measured ([`skew`]), or a plain one. The output then says *real
//!   transactions, modelled arrivals*.
//! - [`Sourcelog`]: read from a file in which several nodes noted what reached them and when. The
//!   output then says *recorded arrivals*.
//!
//! Integers decide everything: the same seed gives the same arrivals on every machine.
//!
//! Cost: 16 bytes for each transaction and sequencer, O(n·m log m) to sort them.
//!
//! ```
//! use hauptbuch_sim::arrivals::ArrivalModel;
//! use hauptbuch_sim::workload::{GeneratorConfig, generate};
//!
//! let config = GeneratorConfig { count: 100, ..GeneratorConfig::default() };
//! let workload = generate(&config).unwrap();
//! let arrivals = ArrivalModel::new(5).of_workload(&workload, 7).unwrap();
//! assert_eq!(arrivals.sequencer_count(), 5);
//! assert!(arrivals.lists().all(|list| list.len() == 100));
//! assert_eq!(arrivals.description(), "generated transactions, modelled arrivals");
//! ```

mod error;
mod model;
pub mod skew;
mod sourcelog;
#[cfg(test)]
mod tests;

use hauptbuch_core::types::Tick;

pub use error::ArrivalsError;
pub use model::{ArrivalModel, Spread};
pub use sourcelog::Sourcelog;

/// One transaction at one sequencer.
///
/// Arrivals are ordered by time, those of one time by the transaction's number, then the
/// sequencer's: a sequencer breaks ties itself, before it signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Arrival {
    /// When, in nanoseconds from the start of the run.
    pub at: Tick,
    /// The transaction's number: its index in the workload, or in [`Sourcelog::hashes`].
    pub transaction: u32,
    /// The sequencer's number.
    pub sequencer: u32,
}

/// Where arrivals came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Transactions of the built-in generator, arrivals drawn from a model.
    GeneratedAndModelled,
    /// Transactions of a file, arrivals drawn from a model.
    Modelled,
    /// Arrivals that nodes noted.
    Recorded,
}

impl Origin {
    /// What an output must say about arrivals from there.
    #[must_use]
    pub const fn description(self) -> &'static str {
        match self {
            Self::GeneratedAndModelled => "generated transactions, modelled arrivals",
            Self::Modelled => "real transactions, modelled arrivals",
            Self::Recorded => "recorded arrivals",
        }
    }
}

/// What reached each sequencer, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrivals {
    origin: Origin,
    sequencers: Vec<String>,
    /// By sequencer. Invariant: each sorted, no transaction twice in one.
    lists: Vec<Vec<Arrival>>,
    transaction_count: u32,
    notes: Vec<String>,
}

impl Arrivals {
    /// Sorts the lists, which may come in any order.
    fn new(
        origin: Origin,
        sequencers: Vec<String>,
        mut lists: Vec<Vec<Arrival>>,
        transaction_count: u32,
        notes: Vec<String>,
    ) -> Self {
        for list in &mut lists {
            list.sort_unstable();
        }
        Self {
            origin,
            sequencers,
            lists,
            transaction_count,
            notes,
        }
    }

    /// The same with nothing that arrives before it was sent, by transaction; and what reached
    /// nobody reaches everybody when it was sent.
    #[must_use]
    pub fn not_before(mut self, sent: &[Tick]) -> Self {
        let mut is_seen = vec![false; sent.len()];
        for arrival in self.lists.iter_mut().flatten() {
            if let Some(sent) = sent.get(arrival.transaction as usize) {
                arrival.at = arrival.at.max(*sent);
                is_seen[arrival.transaction as usize] = true;
            }
        }
        for (sequencer, list) in (0..).zip(&mut self.lists) {
            let unseen = (0..)
                .zip(sent)
                .zip(&is_seen)
                .filter(|(_, is_seen)| !**is_seen);
            list.extend(unseen.map(|((transaction, at), _)| Arrival {
                at: *at,
                transaction,
                sequencer,
            }));
            list.sort_unstable();
        }
        if is_seen.contains(&false) {
            let note = "what the log does not have reached every sequencer when it was sent";
            self.notes.push(note.into());
        }
        self
    }

    /// How many sequencers there are.
    #[must_use]
    pub fn sequencer_count(&self) -> u32 {
        self.lists.len() as u32
    }

    /// What the sequencers are called: `sequencer-0` and so on, or the sources of the log.
    #[must_use]
    pub fn sequencers(&self) -> &[String] {
        &self.sequencers
    }

    /// How many transactions there are, whether any sequencer received them or not.
    #[must_use]
    pub const fn transaction_count(&self) -> u32 {
        self.transaction_count
    }

    /// The list of each sequencer, in the order in which transactions reached it.
    pub fn lists(&self) -> impl ExactSizeIterator<Item = &[Arrival]> {
        self.lists.iter().map(Vec::as_slice)
    }

    /// The numbers of the transactions of each list, as the fairness kernel takes them.
    #[must_use]
    pub fn orders(&self) -> Vec<Vec<u32>> {
        let numbers = |list: &Vec<Arrival>| list.iter().map(|it| it.transaction).collect();
        self.lists.iter().map(numbers).collect()
    }

    /// All arrivals in the order of time, as a simulated run takes them in. O(n·m log(n·m)).
    #[must_use]
    pub fn by_time(&self) -> Vec<Arrival> {
        let mut all: Vec<Arrival> = self.lists.iter().flatten().copied().collect();
        all.sort_unstable();
        all
    }

    /// Where they came from.
    #[must_use]
    pub const fn origin(&self) -> Origin {
        self.origin
    }

    /// What an output must say about them.
    #[must_use]
    pub const fn description(&self) -> &'static str {
        self.origin.description()
    }

    /// What else a report should say: whole sentences without a full stop.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }
}

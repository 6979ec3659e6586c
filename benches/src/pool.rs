//! A pool that is full, and stays so.

use hauptbuch_core::bounded::Handle;
use hauptbuch_core::config::{Config, Policy};
use hauptbuch_core::pool::{AdmissionError, TransactionPool};
use hauptbuch_core::types::{CandidateSource as _, RollupId, Submission, Tick, TxId};

use crate::transactions::{TIME, Transactions, limits_of};

/// The order in which they are taken.
pub const RULE: Policy = Policy::PriorityFee;

/// Transactions that are inserted, or taken, one after another.
pub const BURST: usize = 256;

/// Admits one transaction whose id is known.
///
/// # Errors
/// What the pool says.
pub fn admit(
    pool: &mut TransactionPool,
    known: &(TxId, Submission<'_>),
) -> Result<Handle, AdmissionError> {
    pool.admit(known.0, &known.1, Tick::ZERO, TIME, &RULE)
}

/// A full pool and what it holds.
#[derive(Debug)]
pub struct Filled {
    /// The pool.
    pub pool: TransactionPool,
    /// Its transactions, one for each of as many senders.
    pub transactions: Transactions,
}

impl Filled {
    /// A pool that holds `pending` transactions and has room for no more.
    #[must_use]
    pub fn new(pending: usize) -> Self {
        let config = Config {
            policy: RULE,
            ..Config::default()
        };
        let pool = TransactionPool::new(&config, &limits_of(pending as u32));
        let mut filled = Self {
            pool,
            transactions: Transactions::new(0, pending),
        };
        filled.fill();
        filled
    }

    /// Takes and acknowledges everything, in bursts, best first.
    ///
    /// # Panics
    /// Where something can't be taken, so that a benchmark never measures less than it says.
    pub fn drain(&mut self) {
        let mut handles = [Handle::default(); BURST];
        while !self.pool.is_empty() {
            self.take(&mut handles);
            for handle in handles {
                assert!(self.pool.acknowledge(handle).is_ok(), "it was taken");
            }
        }
    }

    /// Takes the best ones, as many as there are places for.
    ///
    /// # Panics
    /// Where there are not as many.
    pub fn take(&mut self, handles: &mut [Handle]) {
        let count = handles.len();
        let mut view = self.pool.ready(&RULE, handles);
        for _ in 0..count {
            // Whoever orders looks at the candidate before it takes it.
            let best = view.best(RollupId::ZERO);
            assert!(best.is_some() && view.take_best(RollupId::ZERO));
        }
    }

    /// Fills the pool that was drained with each sender's next transaction.
    pub fn refill(&mut self) {
        self.transactions.advance();
        self.fill();
    }

    /// Removes so many of the transactions, the first ones.
    ///
    /// # Panics
    /// Where they are not there.
    pub fn remove(&mut self, count: usize) {
        for (id, _) in self.transactions.with_ids().iter().take(count) {
            let found = self.pool.find(*id).expect("it is in the pool");
            assert!(self.pool.remove(found.handle).is_ok(), "it waits");
        }
    }

    fn fill(&mut self) {
        for known in &self.transactions.with_ids() {
            assert!(admit(&mut self.pool, known).is_ok(), "there is room");
        }
    }
}

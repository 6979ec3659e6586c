//! A pool that is full, and stays so.

use hauptbuch_core::bounded::Handle;
use hauptbuch_core::config::{Config, Policy};
use hauptbuch_core::event::{EventQueue, Ledger};
use hauptbuch_core::metrics::Metrics;
use hauptbuch_core::pool::{AdmissionError, Arriving, Cancelled, TransactionPool};
use hauptbuch_core::types::{CandidateSource as _, RollupId, Submission, Tick, TxId};

use crate::transactions::{TIME, Transactions, id_of, limits_of};

/// The order in which they are taken.
pub const RULE: Policy = Policy::PriorityFee;

/// Transactions that are inserted, or taken, one after another.
pub const BURST: usize = 256;

/// A full pool and what it holds.
#[derive(Debug)]
pub struct Filled {
    /// The pool.
    pub pool: TransactionPool,
    /// Its transactions, one for each of as many senders.
    pub transactions: Transactions,
    events: EventQueue,
    metrics: Metrics,
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
            events: EventQueue::new(BURST as u32),
            metrics: Metrics::default(),
        };
        filled.fill();
        filled
    }

    /// Admits one transaction whose id is known.
    ///
    /// # Errors
    /// What the pool says.
    pub fn admit(&mut self, known: &(TxId, Submission<'_>)) -> Result<Handle, AdmissionError> {
        while self.events.pop().is_some() {}
        let arriving = Arriving {
            id: known.0,
            submission: &known.1,
            tick: Tick::ZERO,
            time: TIME,
        };
        let mut ledger = Ledger::new(&mut self.events, &mut self.metrics, Tick::ZERO);
        self.pool.admit(&arriving, &RULE, &mut ledger)
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

    /// Cancels transactions that wait.
    ///
    /// # Panics
    /// Where they are not there.
    pub fn cancel(&mut self, transactions: &[(TxId, Submission<'_>)]) {
        for (id, _) in transactions {
            assert!(self.cancel_one(*id), "it waits");
        }
    }

    /// Cancels one; whether it waited.
    pub fn cancel_one(&mut self, id: TxId) -> bool {
        while self.events.pop().is_some() {}
        let mut ledger = Ledger::new(&mut self.events, &mut self.metrics, Tick::ZERO);
        self.pool.cancel(id, &mut ledger) == Ok(Cancelled::Now(id))
    }

    /// Ends the one that expires first, if it expires right after [`TIME`]; whether there was one.
    pub fn expire_one(&mut self) -> bool {
        while self.events.pop().is_some() {}
        let others = self.events.room() - 1;
        let ledger = Ledger::new(&mut self.events, &mut self.metrics, Tick::ZERO);
        self.pool
            .expire(TIME.saturating_add(1), &mut ledger.keeping(others));
        self.events.len() == 1
    }

    /// Fills the pool again where all was taken.
    pub fn refill_if_empty(&mut self) {
        if self.pool.is_empty() {
            self.refill();
        }
    }

    fn fill(&mut self) {
        let transactions = self.transactions.clone();
        for submission in transactions.submissions() {
            let known = (id_of(&submission.transaction), submission);
            assert!(self.admit(&known).is_ok(), "there is room");
        }
    }
}

//! The pool's operations one by one, each with the state that it needs, to be timed as one likes.

use std::hint::black_box;
use std::time::{Duration, Instant};

use hauptbuch_core::bounded::Handle;
use hauptbuch_core::pool::{AHEAD_COUNT, AdmissionError};
use hauptbuch_core::types::{CandidateSource as _, RollupId};

use crate::plain;
use crate::pool::{BURST, Filled, RULE};
use crate::transactions::{Transactions, id_of};

/// Guests that come and go, in bursts: more than a pool remembers of those that ended.
const GUEST_COUNT: usize = 64 * BURST;

/// Transactions that are taken before they are acknowledged: a slot, or the whole pool.
pub const SLOT_COUNT: usize = 2_048;

/// How steps are timed.
pub trait Watch {
    /// Takes the time of `count` steps, each of which says whether it did what is measured.
    fn run(&mut self, count: usize, step: impl FnMut(usize) -> bool);
}

/// Nothing is timed: what only prepares.
struct Untimed;

impl Watch for Untimed {
    fn run(&mut self, count: usize, step: impl FnMut(usize) -> bool) {
        assert!((0..count).all(step), "nothing was prepared");
    }
}

/// The time of many steps as one; it reads the clock twice in all.
#[derive(Clone, Copy, Debug, Default)]
pub struct Whole {
    /// The time of all steps.
    pub spent: Duration,
    /// How many steps that were.
    pub count: usize,
}

impl Watch for Whole {
    fn run(&mut self, count: usize, step: impl FnMut(usize) -> bool) {
        let start = Instant::now();
        let is_done = (0..count).map(step).fold(true, |all, own| all & own);
        self.spent += start.elapsed();
        self.count += count;
        assert!(is_done, "something else was measured");
    }
}

/// The time of each step in nanoseconds; it reads the clock for each.
#[derive(Clone, Debug, Default)]
pub struct Each {
    /// One figure a step.
    pub ns: Vec<u64>,
}

impl Watch for Each {
    fn run(&mut self, count: usize, mut step: impl FnMut(usize) -> bool) {
        for at in 0..count {
            let start = Instant::now();
            let is_done = black_box(step(at));
            let spent = start.elapsed();
            assert!(is_done, "something else was measured");
            self.ns.push(spent.as_nanos() as u64);
        }
    }
}

/// What can be done with a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// The last places of a pool are filled.
    Insert,
    /// Into a full pool, for another one that pays less.
    Displace,
    /// Into a full pool, for less than all others pay.
    Refuse,
    /// What the pool holds already.
    Duplicate,
    /// What has expired: the cheapest refusal.
    Reject,
    /// The same sender and nonce for twice the fee.
    Replace,
    /// The end of one that waits, by its id.
    Cancel,
    /// The end of one that waits, by its time.
    Expire,
    /// The best one is looked at and taken, up to a slot.
    Take,
    /// One of a slot that was taken whole.
    Acknowledge,
    /// The best one is taken and acknowledged at once, before the next one is looked at.
    TakeAndAcknowledge,
}

impl Operation {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Insert,
        Self::Displace,
        Self::Refuse,
        Self::Duplicate,
        Self::Reject,
        Self::Replace,
        Self::Cancel,
        Self::Expire,
        Self::Take,
        Self::Acknowledge,
        Self::TakeAndAcknowledge,
    ];

    /// Its name in tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Insert => "insert",
            Self::Displace => "insert_when_full",
            Self::Refuse => "refuse_when_full",
            Self::Duplicate => "refuse_duplicate",
            Self::Reject => "refuse_expired",
            Self::Replace => "replace",
            Self::Cancel => "cancel",
            Self::Expire => "expire",
            Self::Take => "take",
            Self::Acknowledge => "acknowledge",
            Self::TakeAndAcknowledge => "take_and_acknowledge",
        }
    }
}

/// A pool that one operation is done to.
#[derive(Debug)]
pub struct Subject {
    operation: Operation,
    filled: Filled,
    guests: Transactions,
    bursts: usize,
    handles: Vec<Handle>,
}

impl Subject {
    /// A pool of `pending` transactions, full but for what the operation needs.
    #[must_use]
    pub fn new(operation: Operation, pending: usize) -> Self {
        let mut filled = Filled::new(pending);
        if operation.has_guests() {
            filled.cancel(&filled.transactions.part(0, BURST).with_ids());
        }
        Self {
            operation,
            filled,
            guests: Transactions::new(1 << 40, GUEST_COUNT),
            bursts: 0,
            handles: vec![Handle::default(); SLOT_COUNT.min(pending)],
        }
    }

    /// Some steps of the operation; what they need before and leave behind is not timed.
    pub fn burst(&mut self, watch: &mut impl Watch) {
        self.bursts += 1;
        let first = self.bursts * BURST;
        let guests = self.guests.part(first % GUEST_COUNT, BURST);
        let filled = &mut self.filled;
        match self.operation {
            Operation::Insert => insert(filled, &guests, watch, &mut Untimed),
            Operation::Cancel => insert(filled, &guests, &mut Untimed, watch),
            Operation::Replace => replace(filled, &guests, watch),
            Operation::Expire => expire(filled, &guests.expiring_next(), watch),
            Operation::Refuse => {
                refuse(
                    filled,
                    &guests.for_nothing(),
                    AdmissionError::PoolFull,
                    watch,
                );
            }
            Operation::Reject => {
                let late = guests.expired();
                refuse(filled, &late, AdmissionError::AlreadyExpired, watch);
            }
            Operation::Duplicate => {
                let count = filled.transactions.len();
                let known = filled.transactions.part(first % count, BURST);
                refuse(filled, &known, AdmissionError::Duplicate, watch);
            }
            Operation::Displace => {
                let count = filled.transactions.len();
                let known = Transactions::new((1 << 41) + first as u64, BURST);
                let known = known.paying_above(rising_floor(first, count));
                let known = known.with_ids();
                watch.run(BURST, |at| filled.admit(&known[at]).is_ok());
                assert_eq!(filled.pool.len(), count, "each displaced one");
            }
            Operation::Take => take(filled, &mut self.handles, watch, &mut Untimed),
            Operation::Acknowledge => take(filled, &mut self.handles, &mut Untimed, watch),
            Operation::TakeAndAcknowledge => {
                let mut handle = [Handle::default()];
                watch.run(self.handles.len(), |_| {
                    filled.take(&mut handle);
                    filled.pool.acknowledge(handle[0]).is_ok()
                });
                filled.refill_if_empty();
            }
        }
    }
}

impl Operation {
    /// Whether it is done to guests, who need free places.
    const fn has_guests(self) -> bool {
        matches!(
            self,
            Self::Insert | Self::Cancel | Self::Replace | Self::Expire
        )
    }
}

/// What newcomers pay at least: more than the cheapest, so that each displaces one. It rises so
/// slowly that the pool's fees stay as far apart as they were.
fn rising_floor(newcomers: usize, pending: usize) -> u64 {
    Transactions::FEE_END / 16 + newcomers as u64 * (Transactions::FEE_END / pending as u64)
}

fn insert(
    filled: &mut Filled,
    guests: &Transactions,
    inserting: &mut impl Watch,
    cancelling: &mut impl Watch,
) {
    let known = guests.with_ids();
    inserting.run(known.len(), |at| filled.admit(&known[at]).is_ok());
    cancelling.run(known.len(), |at| filled.cancel_one(known[at].0));
}

fn replace(filled: &mut Filled, guests: &Transactions, watch: &mut impl Watch) {
    let (known, dearer) = (guests.with_ids(), guests.clone().for_twice());
    let dearer = dearer.with_ids();
    Untimed.run(known.len(), |at| filled.admit(&known[at]).is_ok());
    watch.run(dearer.len(), |at| filled.admit(&dearer[at]).is_ok());
    filled.cancel(&dearer);
}

fn expire(filled: &mut Filled, guests: &Transactions, watch: &mut impl Watch) {
    let known = guests.with_ids();
    Untimed.run(known.len(), |at| filled.admit(&known[at]).is_ok());
    let len = filled.pool.len();
    watch.run(known.len(), |_| filled.expire_one());
    assert_eq!(filled.pool.len(), len - known.len(), "each expired");
}

fn refuse(
    filled: &mut Filled,
    transactions: &Transactions,
    error: AdmissionError,
    watch: &mut impl Watch,
) {
    let known = transactions.with_ids();
    watch.run(known.len(), |at| {
        filled.admit(black_box(&known[at])) == Err(error)
    });
}

fn take(
    filled: &mut Filled,
    handles: &mut [Handle],
    taking: &mut impl Watch,
    acknowledging: &mut impl Watch,
) {
    let count = handles.len();
    let mut view = filled.pool.ready(&RULE, handles);
    taking.run(count, |_| {
        // Whoever orders looks at the candidate before it takes it.
        black_box(view.best(RollupId::ZERO)).is_some() && view.take_best(RollupId::ZERO)
    });
    drop(view);
    acknowledging.run(handles.len(), |at| {
        if at % AHEAD_COUNT == 0 {
            let end = (at + AHEAD_COUNT).min(handles.len());
            filled.pool.look_ahead(&handles[at..end]);
        }
        filled.pool.acknowledge(handles[at]).is_ok()
    });
    filled.refill_if_empty();
}

/// The same with standard collections, for the operations that those have.
#[derive(Debug)]
pub struct PlainSubject {
    operation: Operation,
    pool: plain::Pool,
    residents: Transactions,
    guests: Transactions,
    bursts: usize,
}

impl PlainSubject {
    /// Whether it has this operation.
    #[must_use]
    pub const fn knows(operation: Operation) -> bool {
        matches!(
            operation,
            Operation::Insert
                | Operation::Displace
                | Operation::Refuse
                | Operation::Duplicate
                | Operation::Replace
                | Operation::Cancel
                | Operation::TakeAndAcknowledge
        )
    }

    /// A pool of `pending` transactions, full but for what the operation needs.
    #[must_use]
    pub fn new(operation: Operation, pending: usize) -> Self {
        let mut subject = Self {
            operation,
            pool: plain::Pool::new(pending),
            residents: Transactions::new(0, pending),
            guests: Transactions::new(1 << 40, GUEST_COUNT),
            bursts: 0,
        };
        subject.fill(if operation.has_guests() { BURST } else { 0 });
        subject
    }

    /// Some steps of the operation; what they need before and leave behind is not timed.
    pub fn burst(&mut self, watch: &mut impl Watch) {
        self.bursts += 1;
        let first = self.bursts * BURST;
        let guests = self.guests.part(first % GUEST_COUNT, BURST);
        let (known, pool) = (guests.with_ids(), &mut self.pool);
        match self.operation {
            Operation::Insert | Operation::Replace | Operation::Cancel => {
                let dearer = guests.clone().for_twice();
                let dearer = dearer.with_ids();
                let mut inserts = |at: usize| pool.insert(*known[at].0.as_bytes(), &known[at].1);
                if self.operation == Operation::Insert {
                    watch.run(BURST, inserts);
                } else {
                    Untimed.run(BURST, &mut inserts);
                }
                let mut left = &known;
                if self.operation == Operation::Replace {
                    watch.run(BURST, |at| {
                        pool.replace(*dearer[at].0.as_bytes(), &dearer[at].1)
                    });
                    left = &dearer;
                }
                let removes = |at: usize| pool.remove(left[at].0.as_bytes());
                if self.operation == Operation::Cancel {
                    watch.run(BURST, removes);
                } else {
                    Untimed.run(BURST, removes);
                }
            }
            Operation::Refuse => watch.run(BURST, |at| {
                !pool.insert(*known[at].0.as_bytes(), &known[at].1)
            }),
            Operation::Duplicate => {
                let residents = self.residents.part(first % self.residents.len(), BURST);
                let known = residents.with_ids();
                watch.run(BURST, |at| {
                    !pool.insert(*known[at].0.as_bytes(), &known[at].1)
                });
            }
            Operation::Displace => {
                let known = Transactions::new((1 << 41) + first as u64, BURST);
                let known = known.paying_above(rising_floor(first, self.residents.len()));
                let known = known.with_ids();
                watch.run(BURST, |at| {
                    pool.remove_worst() && pool.insert(*known[at].0.as_bytes(), &known[at].1)
                });
            }
            // Without a second phase, taking is all.
            _ => {
                watch.run(BURST, |_| pool.take_best().is_some());
                if pool.is_empty() {
                    self.fill(0);
                }
            }
        }
    }

    fn fill(&mut self, without: usize) {
        for submission in self.residents.submissions().skip(without) {
            let id = id_of(&submission.transaction);
            assert!(self.pool.insert(*id.as_bytes(), &submission));
        }
    }
}

//! A sequencer that is driven the whole way, round after round.

use hauptbuch_core::config::{Config, Policy};
use hauptbuch_core::coordinator::{TransactionCoordinator, WhenEmpty};
use hauptbuch_core::ingress::Producer;
use hauptbuch_core::limits::Limits;
use hauptbuch_core::types::{Hash, Tick};

use crate::transactions::{TIME, Transactions};

/// Transactions that go into the lane before the owner empties it.
const BURST: usize = 256;

/// One sequencer, its producer, and the transactions of a round.
#[derive(Debug)]
pub struct Chain {
    coordinator: TransactionCoordinator,
    producer: Producer,
    transactions: Transactions,
    count: usize,
    now: Tick,
}

impl Chain {
    /// Makes a sequencer whose slot holds `count` transactions.
    ///
    /// # Panics
    /// Where the limits contradict `count`: a mistake in a benchmark.
    #[must_use]
    pub fn new(policy: Policy, count: u32) -> Self {
        let config = Config {
            policy,
            ..Config::default()
        };
        let coordinator = TransactionCoordinator::new(&config, &Self::limits(count));
        let coordinator = coordinator.expect("the limits fit each other");
        let producer = coordinator.ingress().register();
        Self {
            producer: producer.expect("a lane is free"),
            coordinator,
            transactions: Transactions::new(0, count as usize),
            count: count as usize,
            now: Tick::ZERO,
        }
    }

    /// The limits of such a sequencer.
    #[must_use]
    pub fn limits(count: u32) -> Limits {
        Limits {
            slot_count_max: count,
            event_count_max: 2 * count + 1_024,
            ..crate::transactions::limits_of(1 << 16)
        }
    }

    /// Every transaction of the round the whole way: through the lane, into the pool, into a slot,
    /// to its end. Returns the slot's hash; `see` is shown its bytes.
    ///
    /// # Panics
    /// Where a transaction got lost, so that a benchmark never measures less than it says.
    pub fn round(&mut self, see: impl FnOnce(&[u8])) -> Hash {
        self.now = self.now.saturating_add(1);
        let mut events = 0;
        let mut submissions = self.transactions.submissions();
        while submissions.len() > 0 {
            for submission in submissions.by_ref().take(BURST) {
                assert!(
                    self.producer.submit(&submission).is_ok(),
                    "the lane is empty"
                );
            }
            let drained = self.coordinator.handle_ingress(self.now, TIME);
            assert!(drained.is_ok_and(|progress| progress.is_finished));
            while self.coordinator.poll_event().is_some() {
                events += 1;
            }
        }
        let slot = self.coordinator.take(self.now, TIME, WhenEmpty::NoSlot);
        let slot = slot.ok().flatten().expect("transactions are ready");
        assert_eq!(slot.transaction_count as usize, self.count);
        let (height, hash) = (slot.header.height, slot.hash);
        see(slot.bytes);
        let acknowledged = self.coordinator.acknowledge(height, self.now);
        assert!(acknowledged.is_ok(), "the slot is in flight");
        while self.coordinator.poll_event().is_some() {
            events += 1;
        }
        assert_eq!(events, 2 * self.count, "admitted and included");
        hash
    }

    /// New transactions for the next round; not part of what is measured.
    pub fn advance(&mut self) {
        self.transactions.advance();
    }
}

//! How far a flood of transactions that do not fit can empty a slot under priority, in numbers.
//!
//! The search for something smaller is bounded by `set_aside_count_max`. So whoever keeps more
//! large transactions than that in front of the others, and one small one before them, has a slot
//! to themselves for the price of the small one. What this comes to stands in `SAFETY.md` and with
//! the limit; these tests hold the numbers.

mod common;

use common::config;
use hauptbuch_core::config::Policy;
use hauptbuch_core::coordinator::{TransactionCoordinator, WhenEmpty};
use hauptbuch_core::error::Code;
use hauptbuch_core::limits::Limits;
use hauptbuch_core::types::{Address, Envelope, Fee, Gas, Submission, Tick, Transaction, UnixNs};

/// Gas of an ordinary transaction.
const SMALL_GAS: u64 = 21_000;
const HONEST_FEE: u64 = 10;
const ATTACK_FEE: u64 = 20;
const NOW: (Tick, UnixNs) = (Tick::new(1), UnixNs::new(1));

struct Node {
    own: TransactionCoordinator,
    senders: u32,
}

impl Node {
    /// With more honest transactions than a slot holds.
    fn busy(limits: &Limits) -> Self {
        let own = TransactionCoordinator::new(&config(Policy::PriorityFee), limits).unwrap();
        let mut node = Self { own, senders: 0 };
        for _ in 0..2 * limits.slot_count_max {
            node.submit(HONEST_FEE, SMALL_GAS, 0).unwrap();
        }
        node
    }

    fn submit(&mut self, fee: u64, gas: u64, origin: u32) -> Result<(), Code> {
        self.senders += 1;
        let mut sender = [0; 20];
        sender[..4].copy_from_slice(&self.senders.to_le_bytes());
        let envelope = Envelope {
            rollup: common::ROLLUPS[0],
            sender: Address::new(sender),
            fee: Fee::new(fee),
            gas: Gas::new(gas),
            expiry: UnixNs::NEVER,
            ..Envelope::default()
        };
        let submission = Submission {
            origin,
            ..Submission::from(Transaction {
                envelope,
                payload: b"",
            })
        };
        self.own.submit(&submission, NOW.0, NOW.1).map(|_| ())
    }

    /// Transactions of the next slot.
    fn take(&mut self) -> u32 {
        let slot = self.own.take(NOW.0, NOW.1, WhenEmpty::NoSlot);
        let slot = slot.unwrap().unwrap();
        let (height, count) = (slot.header.height, slot.transaction_count);
        self.own.acknowledge(height, NOW.0).unwrap();
        while self.own.poll_event().is_some() {}
        count
    }

    /// Puts `large_count` transactions as large as a slot, and one small before them, in front.
    fn attack(&mut self, large_count: u32) {
        let whole = self.own.limits().slot_gas_max;
        for _ in 0..large_count {
            self.submit(ATTACK_FEE, whole, 1).unwrap();
        }
        self.submit(ATTACK_FEE + 1, SMALL_GAS, 1).unwrap();
    }
}

#[test]
fn as_many_as_may_be_set_aside_cost_nobody_a_place() {
    let limits = Limits::default();
    let mut node = Node::busy(&limits);
    node.attack(limits.set_aside_count_max);
    assert_eq!(limits.set_aside_count_max, 256);
    assert_eq!(node.take(), limits.slot_count_max);
}

#[test]
fn one_more_leaves_a_slot_with_a_single_small_transaction() {
    let limits = Limits::default();
    let mut node = Node::busy(&limits);
    node.attack(limits.set_aside_count_max + 1);
    // 21,000 gas of 200,000,000 are used, and a small one before each slot does it again.
    assert_eq!(node.take(), 1);
    node.submit(ATTACK_FEE + 1, SMALL_GAS, 1).unwrap();
    assert_eq!(node.take(), 1);
    // Without a small one before them they are taken one a slot, each at the price of a whole slot;
    // then they are too few, and the slots are full again.
    assert_eq!((node.take(), node.own.pool().len()), (1, 5_000 + 256));
    node.submit(ATTACK_FEE + 1, SMALL_GAS, 1).unwrap();
    assert_eq!(node.take(), limits.slot_count_max);
}

/// Senders cost nothing, but the host knows where transactions come from.
#[test]
fn a_quota_of_gas_for_an_origin_keeps_the_flood_below_the_bound() {
    let mut limits = Limits::default();
    limits.origin_quota.gas_max = u64::from(limits.set_aside_count_max) * limits.slot_gas_max;
    let mut node = Node::busy(&limits);
    let mut refused = None;
    for _ in 0..=limits.set_aside_count_max {
        let told = node.submit(ATTACK_FEE, limits.slot_gas_max, 1);
        refused = refused.or(told.err());
    }
    assert_eq!(refused, Some(Code::OriginQuotaExceeded));
    // The small one has to come from elsewhere, too.
    node.submit(ATTACK_FEE + 1, SMALL_GAS, 2).unwrap();
    assert_eq!(node.take(), limits.slot_count_max);
}

//! The engine and its twin against the definition, in every order that a few transactions can have.

use std::collections::BTreeMap;
use std::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::config::Config;
use crate::limits::Limits;
use crate::types::{
    Address, Arrival, CandidateSource, Envelope, Fee, Gas, Nonce, RollupId, Tick, TxId, UnixNs,
};

/// Nothing expires here, and nothing lacks what its policy needs.
struct NoHooks;

impl<S> SelectionHooks<S> for NoHooks {
    fn expire_best(&mut self, _: &mut S, _: RollupId) -> bool {
        unreachable!()
    }
}

/// The plain pool: all lines in a map, heads found by looking at everything.
struct PlainSource {
    lines: BTreeMap<Address, Vec<Candidate>>,
    aside: Vec<Address>,
    taken: Vec<Candidate>,
    policy: Policy,
}

impl PlainSource {
    fn best_of(&self, rollup: RollupId) -> Option<Candidate> {
        self.lines
            .iter()
            .filter(|(sender, _)| !self.aside.contains(sender))
            .filter_map(|(_, line)| line.first())
            .filter(|head| head.envelope.rollup == rollup)
            .min_by_key(|head| self.policy.key(head))
            .copied()
    }
}

impl CandidateSource for PlainSource {
    fn best_key(&self, rollup: RollupId) -> Option<SelectionKey> {
        self.best_of(rollup).map(|head| self.policy.key(&head))
    }
    fn best(&self, rollup: RollupId) -> Option<Candidate> {
        self.best_of(rollup)
    }
    fn take_best(&mut self, rollup: RollupId) -> bool {
        let head = self.best_of(rollup).unwrap();
        self.lines.get_mut(&head.envelope.sender).unwrap().remove(0);
        self.taken.push(head);
        true
    }
    fn set_aside_best(&mut self, rollup: RollupId) -> bool {
        let head = self.best_of(rollup).unwrap();
        self.aside.push(head.envelope.sender);
        true
    }
}

fn candidates() -> impl Strategy<Value = Vec<Candidate>> {
    proptest::collection::vec((0_u8..4, 1_u64..4, 1_u64..50), 0..9).prop_map(|rows| {
        let mut nonces = BTreeMap::<u8, u64>::new();
        let make = |(index, (sender, fee, gas)): (u64, (u8, u64, u64))| {
            let nonce = nonces.entry(sender).or_default();
            *nonce += 1;
            Candidate {
                id: TxId::new([index as u8; 32]),
                envelope: Envelope {
                    sender: Address::new([sender; 20]),
                    nonce: Nonce::new(*nonce),
                    fee: Fee::new(fee),
                    gas: Gas::new(gas),
                    expiry: UnixNs::NEVER,
                    ..Envelope::default()
                },
                // Later nonces may have arrived earlier.
                arrival: Arrival {
                    index: (index * 5) % 11,
                    tick: Tick::new((index * 5) % 11),
                },
                encoded_len: 100,
            }
        };
        (0..).zip(rows).map(make).collect()
    })
}

fn policies() -> impl Strategy<Value = Policy> {
    prop_oneof![
        Just(Policy::Fcfs),
        Just(Policy::PriorityFee),
        (1_u64..6).prop_map(|width_ns| Policy::TimeBucket { width_ns }),
    ]
}

fn verifies(order: &[Candidate], policy: Policy) -> bool {
    let mut verifier = OrderVerifier::new(order.len() as u32);
    verifier.begin();
    order.iter().enumerate().all(|(position, candidate)| {
        let same_sender = |other: &Candidate| other.envelope.sender == candidate.envelope.sender;
        let predecessor = order[..position]
            .iter()
            .rposition(same_sender)
            .map(|at| at as u32);
        verifier
            .check_next(policy.key(candidate), predecessor)
            .is_ok()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_twin_accepts_the_engines_order_and_no_other(
        all in candidates(),
        policy in policies(),
        gas_max in 1_u64..200,
    ) {
        let config = Config { policy, ..Config::default() };
        let limits = Limits { slot_gas_max: gas_max, ..Limits::default() };
        let mut lines = BTreeMap::<Address, Vec<Candidate>>::new();
        for candidate in &all {
            lines.entry(candidate.envelope.sender).or_default().push(*candidate);
        }
        let mut source = PlainSource { lines, aside: Vec::new(), taken: Vec::new(), policy };
        let engine = OrderingEngine::new(&config);
        let mut room = SlotRoom::of(&limits);
        let slot_use = engine.select(&mut source, UnixNs::ZERO, &mut room, &mut NoHooks);
        prop_assert_eq!(SlotRoom::of(&limits).minus(room).count, slot_use.taken);
        let order = source.taken;
        prop_assert_eq!(slot_use.taken as usize, order.len());
        prop_assert!(order.iter().map(|one| one.envelope.gas.get()).sum::<u64>() <= gas_max);
        prop_assert!(verifies(&order, policy));
        // Any other order of the same transactions that keeps nonces in line is refused.
        for (a, b) in (0..order.len()).flat_map(|a| (a + 1..order.len()).map(move |b| (a, b))) {
            let mut other = order.clone();
            other[a..=b].rotate_right(1);
            let keeps_nonces = (0..other.len()).all(|i| (i + 1..other.len()).all(|j| {
                other[i].envelope.sender != other[j].envelope.sender
                    || other[i].envelope.nonce < other[j].envelope.nonce
            }));
            if keeps_nonces {
                prop_assert!(!verifies(&other, policy), "{a} {b}");
            }
        }
    }
}

#[test]
fn fcfs_lets_nobody_pass_and_priority_does() {
    let candidate = |sender: u8, index: u64, gas: u64| Candidate {
        id: TxId::new([sender; 32]),
        envelope: Envelope {
            sender: Address::new([sender; 20]),
            gas: Gas::new(gas),
            expiry: UnixNs::NEVER,
            ..Envelope::default()
        },
        arrival: Arrival {
            index,
            tick: Tick::ZERO,
        },
        encoded_len: 100,
    };
    let taken_under = |policy| {
        let lines = [
            candidate(1, 0, 60),
            candidate(2, 1, 60),
            candidate(3, 2, 30),
        ]
        .map(|own| (own.envelope.sender, std::vec![own]))
        .into();
        let mut source = PlainSource {
            lines,
            aside: Vec::new(),
            taken: Vec::new(),
            policy,
        };
        let limits = Limits {
            slot_gas_max: 100,
            ..Limits::default()
        };
        let engine = OrderingEngine::new(&Config {
            policy,
            ..Config::default()
        });
        let mut room = SlotRoom::of(&limits);
        engine.select(&mut source, UnixNs::ZERO, &mut room, &mut NoHooks);
        source
            .taken
            .iter()
            .map(|own| own.arrival.index)
            .collect::<Vec<_>>()
    };
    assert_eq!(taken_under(Policy::Fcfs), [0]);
    assert_eq!(taken_under(Policy::PriorityFee), [0, 2]);
    // In one bucket or several: nobody passes.
    for width_ns in [1, 1_000] {
        assert_eq!(taken_under(Policy::TimeBucket { width_ns }), [0]);
    }
}

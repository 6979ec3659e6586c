//! A proposer that repeats what was decided, and members that know it.

use std::collections::BTreeSet;

use hauptbuch_core::config::{Config, ReplayProtection};
use hauptbuch_core::coordinator::Repeated;
use hauptbuch_core::crypto::hash::transaction_id;
use hauptbuch_core::types::{Address, RollupId, Submission, Transaction, UnixNs};

use super::*;
use crate::workload::{Provenance, WorkloadBuilder};

/// Follows the chain without hearing what stands in it, so that it can include it again.
#[derive(Debug)]
pub struct Repeater {
    own: TransactionCoordinator,
    limits: Limits,
    decided: Vec<Vec<u8>>,
    made: Option<Hash>,
}

impl Repeater {
    fn new(config: &Config, limits: &Limits) -> Self {
        Self {
            own: TransactionCoordinator::new(config, limits).unwrap(),
            limits: limits.clone(),
            decided: Vec::new(),
            made: None,
        }
    }

    /// A slot of good form that holds what was decided before.
    pub fn propose(&mut self, tick: Tick) -> Vec<u8> {
        self.give_back();
        let (tick, time) = (tick.max(self.own.now()), agreed_time(tick));
        for bytes in &self.decided {
            let transaction = Transaction::decode(bytes, self.limits.payload_bytes_max).unwrap();
            let submission = Submission::from(transaction);
            // What it holds or includes already needs no second place.
            let _refused = self.own.submit(&submission, tick, time);
        }
        let slot = self.own.take(tick, time, WhenEmpty::EmptySlot);
        let slot = slot.unwrap().unwrap();
        self.made = Some(slot.hash);
        let bytes = slot.bytes.to_vec();
        while self.own.poll_event().is_some() {}
        bytes
    }

    pub fn made(&self, value: Hash) -> bool {
        self.made == Some(value)
    }

    /// Takes over a decided slot whose transactions have other senders: the hash of a slot binds
    /// them by roots, which whoever takes over has compared before.
    pub fn follow(&mut self, slot: &[u8], tick: Tick) {
        const SENDER_AT: usize = 6;
        self.give_back();
        let mut disguised = slot.to_vec();
        let mut reader = SlotReader::new(slot, &self.limits).unwrap();
        while let Some(sub_batch) = reader.next_sub_batch().unwrap() {
            for (transaction, _) in sub_batch.all() {
                let at = transaction.as_ptr() as usize - slot.as_ptr() as usize;
                disguised[at + SENDER_AT] ^= 0xff;
                self.decided.push(transaction.to_vec());
            }
        }
        let tick = tick.max(self.own.now());
        self.own.adopt(&disguised, tick).unwrap();
        while self.own.poll_event().is_some() {}
    }

    fn give_back(&mut self) {
        let next = self.own.acknowledged_height().next();
        if self.own.slot(next).is_some() {
            self.own.roll_back(next).unwrap();
        }
    }
}

const TICK_NS: u64 = 100_000_000;

/// Four senders with six transactions each.
fn expiring() -> Workload {
    let mut builder = WorkloadBuilder::with_capacity(24);
    let rollup = builder.rollup("one").unwrap();
    for number in 0..24_u64 {
        let arrival = Tick::new(number / 4 * TICK_NS);
        let envelope = Envelope {
            rollup,
            sender: Address::new([1 + (number % 4) as u8; 20]),
            nonce: Nonce::new(number / 4),
            expiry: UnixNs::new(agreed_time(arrival).get() + 40 * TICK_NS),
            ..Envelope::default()
        };
        builder.push(arrival, envelope, None, |_| ()).unwrap();
    }
    builder.finish(Provenance::default())
}

fn ids_of(slot: &[u8], limits: &Limits) -> Vec<(RollupId, u32, TxId)> {
    let mut ids = Vec::new();
    let mut reader = SlotReader::new(slot, limits).unwrap();
    while let Some(sub_batch) = reader.next_sub_batch().unwrap() {
        let all = (0..).zip(sub_batch.all());
        ids.extend(all.map(|(at, (bytes, own))| (own.envelope.rollup, at, transaction_id(bytes))));
    }
    ids
}

/// One of five proposes, whenever it leads a first round, what was decided before. Nobody else
/// prevotes for that: the next round decides another slot, and nothing is included twice.
#[test]
fn a_proposer_that_repeats_what_was_decided_gets_no_prevote() {
    let by_expiry = ReplayProtection::ByExpiry {
        horizon_ns: 60 * TICK_NS,
    };
    for replay_protection in [ReplayProtection::ByHost, by_expiry] {
        let workload = expiring();
        let run = RunConfig {
            replay_protection,
            ..config(Policy::Fcfs)
        }
        .for_workload(&workload);
        let core_config = run.core_config(workload.rollups().len()).unwrap();
        let keys = MemberKeys::new(Suite::MlDsa65, 1, 5).unwrap();
        let parts = Parts {
            config: &core_config,
            limits: &run.limits,
            keys: &keys,
            plan: &MembershipPlan::default(),
        };
        let arrivals = run.arrivals(&workload).unwrap();
        let mut committee = PoolCommittee::new(&parts, 1, &arrivals).unwrap();
        let byzantine = 2;
        committee.seats[byzantine].mind.repeater = Some(Repeater::new(&core_config, &run.limits));
        for (record, own) in (0_u32..).zip(workload.records()) {
            let transaction = Transaction {
                envelope: own.envelope,
                payload: b"",
            };
            let mut bytes = vec![0; transaction.encoded_len()];
            let mut out = hauptbuch_core::codec::Writer::new(&mut bytes);
            transaction.encode(&mut out).unwrap();
            let (id, len) = (transaction_id(&bytes), bytes.len() as u32);
            committee.admit(record, id, len, &own.envelope, None);
        }
        let mut included = BTreeSet::new();
        let mut refused_heights = 0;
        for number in 1..=30 {
            let tick = Tick::new(number * TICK_NS);
            let agreed = committee.decide(tick, &workload, &Pools::new()).unwrap();
            let certificate = CommitCertificate::decode(agreed.certificate).unwrap();
            let round = certificate.round.get();
            let ids = ids_of(agreed.bytes, &run.limits);
            let refusals: Vec<_> = committee.refusals().collect();
            assert_eq!(round > 0, !refusals.is_empty());
            if round > 0 {
                refused_heights += 1;
                assert_eq!((round, refusals.len()), (1, 4));
                for (member, refusal) in refusals {
                    let SlotRefusal::Repeats { count, first } = refusal else {
                        panic!("member {member}: {refusal}");
                    };
                    let Repeated { id, code, .. } = first;
                    assert!(count >= 1 && included.contains(&id));
                    assert_eq!((code, refusal.code()), (Code::AlreadyEnded, code));
                    assert!(refusal.to_string().starts_with(code.message()));
                }
            }
            for (_, _, id) in ids {
                assert!(included.insert(id), "{id} is included twice");
                committee.end(&id, true);
            }
        }
        assert_eq!(included.len(), 24);
        assert!(refused_heights >= 4, "{refused_heights}");
        committee.check_agreement().unwrap();
    }
}

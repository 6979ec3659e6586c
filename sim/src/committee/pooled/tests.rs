//! Members that take slots from their own pools.

mod repeats;

use core::ops::ControlFlow;

use hauptbuch_core::batch::{SlotReader, SlotVerifier};
use hauptbuch_core::certificate::{CommitCertificate, Electorate};
use hauptbuch_core::config::Policy;
use hauptbuch_core::coordinator::Slot;
use hauptbuch_core::crypto::signature::Suite;
use hauptbuch_core::error::Code;
use hauptbuch_core::event::Event;
use hauptbuch_core::types::{Height, TxId};

use super::*;
use crate::committee::{MemberKeys, MembershipPlan, MembershipStep, PlannedChange};
use crate::run::{Observer, RunConfig, RunReport, run};
use crate::workload::{GeneratorConfig, generate};

pub(super) use repeats::Repeater;

/// The bytes of a slot of which its hash does not tell that they were changed.
pub(super) fn changed(mut bytes: Vec<u8>) -> Vec<u8> {
    if let Some(last) = bytes.last_mut() {
        *last ^= 1;
    }
    bytes
}

/// Follows the chain with public keys alone.
struct Follower {
    verifier: SlotVerifier,
    electorate: Electorate,
    last: (Height, Hash),
    certified: u64,
    included: Vec<TxId>,
    ended: Vec<TxId>,
}

impl Observer for Follower {
    fn on_slot(&mut self, slot: &Slot<'_>) {
        let verified = self.verifier.verify(slot.bytes).unwrap();
        assert_eq!((verified.header, verified.hash), (slot.header, slot.hash));
        self.last = (slot.header.height, slot.hash);
        let mut reader = SlotReader::new(slot.bytes, &RunConfig::default().limits).unwrap();
        let mut count = 0;
        while let Some(sub_batch) = reader.next_sub_batch().unwrap() {
            count += sub_batch.iter().count();
        }
        assert_eq!(count, slot.transaction_count as usize);
    }

    fn on_final(&mut self, height: Height, certificate: &[u8]) {
        let certificate = CommitCertificate::decode(certificate).unwrap();
        let proof = certificate.verify(&self.electorate).unwrap();
        proof.expect(self.last.0, self.last.1).unwrap();
        assert_eq!(height, self.last.0);
        self.certified += 1;
    }

    fn on_event(&mut self, event: &Event) {
        if event.code == Code::Included {
            self.included.push(event.id);
        }
        if event.code.is_terminal() {
            self.ended.push(event.id);
        }
    }

    fn on_progress(&mut self, _: usize) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

fn workload(count: u32) -> Workload {
    let config = GeneratorConfig {
        count,
        seed: 4,
        rollup_count: 2,
    };
    generate(&config).unwrap()
}

fn config(policy: Policy) -> RunConfig {
    RunConfig {
        policy,
        sequencers: 5,
        seed: 2,
        ..RunConfig::default()
    }
}

fn followed(workload: &Workload, config: &RunConfig) -> (Follower, RunReport) {
    let config = config.for_workload(workload);
    let core_config = config.core_config(workload.rollups().len()).unwrap();
    let keys = MemberKeys::new(config.suite, config.seed, 5).unwrap();
    let genesis = core_config.genesis_hash(&config.limits);
    let mut follower = Follower {
        verifier: SlotVerifier::new(&core_config, &config.limits),
        electorate: keys.electorate(&genesis).unwrap(),
        last: (Height::ZERO, Hash::ZERO),
        certified: 0,
        included: Vec::new(),
        ended: Vec::new(),
    };
    let report = run(workload, &config, &mut follower).unwrap();
    (follower, report)
}

#[test]
fn members_take_turns_and_include_everything_once() {
    let workload = workload(120);
    for policy in [Policy::Fcfs, Policy::PriorityFee, Policy::Shuffle] {
        let (mut follower, report) = followed(&workload, &config(policy));
        assert_eq!(follower.included.len(), 120, "{policy:?}");
        follower.ended.sort_unstable();
        follower.ended.dedup();
        assert_eq!(follower.ended.len(), 120);
        let consensus = report.consensus.unwrap();
        assert_eq!(consensus.heights, report.slot_count);
        assert_eq!(follower.certified, report.slot_count);
        assert_eq!((consensus.rounds_max, consensus.round_changes), (1, 0));
        assert_eq!(follower.last, (report.last_height, report.last_hash));
        assert!(report.committee.is_none());
    }
}

#[test]
fn the_same_seed_gives_the_same_slots() {
    let workload = workload(60);
    let own = config(Policy::PriorityFee);
    let [one, two] = [(); 2].map(|()| followed(&workload, &own).1);
    assert_eq!(
        (one.last_hash, one.slot_count),
        (two.last_hash, two.slot_count)
    );
    assert_eq!(one.consensus, two.consensus);
}

#[test]
fn a_slot_whose_bytes_were_changed_gets_no_prevote() {
    let workload = workload(40);
    let own = config(Policy::Fcfs).for_workload(&workload);
    let core_config = own.core_config(workload.rollups().len()).unwrap();
    let keys = MemberKeys::new(Suite::MlDsa65, 1, 5).unwrap();
    let parts = Parts {
        config: &core_config,
        limits: &own.limits,
        keys: &keys,
        plan: &MembershipPlan::default(),
    };
    let arrivals = own.arrivals(&workload).unwrap();
    let mut committee = PoolCommittee::new(&parts, 1, &arrivals).unwrap();
    for seat in &mut committee.seats {
        seat.mind.lies_first = true;
    }
    let agreed = committee.decide(Tick::new(1), &workload, &Pools::new());
    let round = CommitCertificate::decode(agreed.unwrap().certificate)
        .unwrap()
        .round;
    assert_eq!(round.get(), 1);
    let report = committee.consensus_report();
    assert_eq!(
        (report.heights, report.rounds_max, report.proposals),
        (1, 2, 2)
    );
    committee.check_agreement().unwrap();
}

#[test]
fn members_refuse_changes_that_they_did_not_agree_to() {
    let change = |slot| PlannedChange {
        slot,
        step: MembershipStep::Replace(2),
    };
    let workload = workload(20);
    let mut own = config(Policy::Fcfs);
    own.membership = MembershipPlan::new(5, &[change(1_000)]).unwrap();
    let own = own.for_workload(&workload);
    let core_config = own.core_config(workload.rollups().len()).unwrap();
    let keys = MemberKeys::with_later(Suite::MlDsa65, 1, 5, 1).unwrap();
    let parts = Parts {
        config: &core_config,
        limits: &own.limits,
        keys: &keys,
        plan: &own.membership,
    };
    let arrivals = own.arrivals(&workload).unwrap();
    let now = Arc::new(MembershipPlan::new(5, &[change(1)]).unwrap());
    let mut failed = 0;
    for liar in 0..5 {
        let mut committee = PoolCommittee::new(&parts, 1, &arrivals).unwrap();
        let genesis = committee.kit.genesis();
        let registrar = Registrar::new(&core_config, &genesis, &keys, &now).unwrap();
        committee.seats[liar].mind.registrar = Some(registrar);
        let agreed = committee.decide(Tick::new(1), &workload, &Pools::new());
        let reader = SlotReader::new(agreed.unwrap().bytes, &own.limits).unwrap();
        assert!(reader.changes_bytes().is_empty());
        let refusals: Vec<_> = committee.refusals().map(|(_, why)| why).collect();
        if !refusals.is_empty() {
            failed += 1;
            assert_eq!(refusals, [SlotRefusal::Members(Code::ChangeNotAgreed); 4]);
        }
        assert_eq!(
            committee.consensus_report().round_changes,
            u64::from(!refusals.is_empty())
        );
        committee.check_agreement().unwrap();
    }
    assert_eq!(failed, 1, "one of the five had the first turn");
}

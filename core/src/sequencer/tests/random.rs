//! Random histories: what must hold, holds after every step.

use super::kit::*;
use crate::sequencer::*;
use crate::types::{Epoch, Tick};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::vec::Vec;

#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    Admit(u32),
    Activate(u32),
    Deactivate(u32),
    Suspend(u32),
    Ban(u32),
    Remove(u32),
    SetWeight(u32, u64),
    Advance,
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    let number = 1_u32..12;
    prop_oneof![
        1 => number.clone().prop_map(Step::Admit),
        4 => number.clone().prop_map(Step::Activate),
        2 => number.clone().prop_map(Step::Deactivate),
        2 => number.clone().prop_map(Step::Suspend),
        1 => number.clone().prop_map(Step::Ban),
        1 => number.clone().prop_map(Step::Remove),
        1 => (number, 1_u64..9).prop_map(|(n, w)| Step::SetWeight(n, w)),
        2 => Just(Step::Advance),
    ]
}

/// What a refused change must leave as it was.
fn state(manager: &SequencerManager) -> (u64, crate::types::Hash, crate::types::Hash) {
    (
        manager.audit_count(),
        manager.audit_hash(),
        manager.next_membership_hash(),
    )
}

/// An applicant of that epoch; signing takes a while, so one signature serves all histories.
pub(super) fn signed(number: u32, epoch: u64) -> Applicant {
    static SIGNED: Mutex<BTreeMap<(u32, u64), Applicant>> = Mutex::new(BTreeMap::new());
    let mut signed = SIGNED.lock().unwrap();
    let applicant = signed.entry((number, epoch));
    applicant
        .or_insert_with(|| Applicant::new(number, 1, epoch))
        .clone()
}

fn run(heads_min: u16, steps: &[Step]) -> Vec<u8> {
    let rules = SequencerRules {
        heads_min,
        ..SequencerRules::default()
    };
    let mut manager = registry(&[1; 4], rules);
    let mut log = Vec::new();
    let mut banned = Vec::new();
    for (at, step) in (1..).zip(steps) {
        for record in records(&mut manager) {
            log.extend(record.to_bytes());
        }
        let epoch = manager.epoch().get();
        let applicant;
        let change = match *step {
            Step::Admit(n) => {
                applicant = signed(n, epoch);
                Change::Admit(applicant.view())
            }
            Step::Activate(n) => Change::Activate(id(n)),
            Step::Deactivate(n) => Change::Deactivate(id(n)),
            Step::Suspend(n) => Change::Suspend(id(n)),
            Step::Ban(n) => Change::Ban(id(n), BanReason::Checked(NETWORK)),
            Step::Remove(n) => Change::Remove(id(n)),
            Step::SetWeight(n, weight) => Change::SetWeight(id(n), weight),
            Step::Advance => {
                let announced = manager.next_membership_hash();
                let summary = manager.advance_epoch(height(at), Tick::ZERO).unwrap();
                assert_eq!(summary.epoch, Epoch::new(epoch + 1));
                assert_eq!(manager.membership_hash(), announced);
                assert_eq!(usize::from(summary.member_count), manager.members().count());
                continue;
            }
        };
        let (before, members) = (state(&manager), manager.membership_hash());
        match manager.decide_change(height(at), &change) {
            Ok(()) => assert_ne!(state(&manager).0, before.0),
            Err(_) => assert_eq!(state(&manager), before),
        }
        assert_eq!(
            manager.membership_hash(),
            members,
            "decided is not yet effective"
        );
        if let (Step::Ban(n), true) = (step, manager.sequencer(change.id()).is_some()) {
            banned.push(*n);
        }
        check(&manager, heads_min, &banned);
    }
    for record in records(&mut manager) {
        log.extend(record.to_bytes());
    }
    let mut verifier = AuditVerifier::new(NETWORK);
    verifier.verify(&log).unwrap();
    assert_eq!(verifier.hash(), manager.audit_hash());
    log
}

fn check(manager: &SequencerManager, heads_min: u16, banned: &[u32]) {
    let limits = manager.setup().limits;
    let ids: Vec<u32> = manager.sequencers().iter().map(|s| s.id.get()).collect();
    assert!(ids.is_sorted_by(|a, b| a < b));
    let members = manager.members().count();
    let next = manager.sequencers().iter().filter(|s| s.is_next_member());
    for count in [members, next.count()] {
        assert!((usize::from(heads_min)..=usize::from(limits.member_count_max)).contains(&count));
    }
    for number in banned {
        assert!(manager.sequencer(id(*number)).unwrap().is_convicted());
    }
    for entry in manager.sequencers() {
        assert!(!entry.is_held || (entry.is_member() && !entry.is_planned_member()));
        assert_eq!(entry.address, sequencer_address(&entry.public_key));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn histories_keep_the_rules_and_repeat(
        heads_min in 1_u16..5,
        steps in prop::collection::vec(step(), 1..40),
    ) {
        let first = run(heads_min, &steps);
        prop_assert!(first == run(heads_min, &steps));
    }
}

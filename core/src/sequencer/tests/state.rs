//! The registry as bytes: restarts after every step, damage, contradictions, and the one hash.

use super::kit::*;
use super::random::{Step, signed, step};
use crate::codec::StateError;
use crate::codec::tests::damage::{Forgery, every_byte_counts};
use crate::crypto::hash::Domain;
use crate::sequencer::*;
use crate::types::{Hash, MemberIndex, Tick};
use crate::vote::MemberSet;
use proptest::prelude::*;
use std::vec;
use std::vec::Vec;

fn bytes(manager: &SequencerManager) -> Vec<u8> {
    let mut bytes = vec![0xEE; manager.state_len() + 1];
    let len = manager.write_state(&mut bytes).unwrap();
    assert_eq!(len, manager.state_len());
    assert_eq!(bytes.pop(), Some(0xEE), "no more than it says");
    let short = &mut vec![0xEE; len - 1][..];
    assert_eq!(manager.write_state(short), Err(StateError::BufferTooSmall));
    assert!(short.iter().all(|byte| *byte == 0xEE), "nothing is written");
    bytes
}

fn restored(manager: &SequencerManager) -> SequencerManager {
    let bytes_before = bytes(manager);
    let again = SequencerManager::restore(*manager.setup(), &bytes_before).unwrap();
    assert!(bytes(&again) == bytes_before, "one spelling");
    assert_eq!(again.state_hash(), manager.state_hash());
    again
}

/// Two members, one that wants to leave and has to stay, one that was never a member, one banned.
fn sample() -> SequencerManager {
    let rules = SequencerRules {
        heads_min: 2,
        ..SequencerRules::default()
    };
    let mut manager = registry(&[1, 2, 3], rules);
    let other = signed(4, 0);
    let changes = [
        Change::Admit(other.view()),
        Change::Ban(id(1), BanReason::Checked(NETWORK)),
        Change::Suspend(id(2)),
        Change::SetWeight(id(3), 9),
    ];
    for (at, change) in (1..).zip(&changes) {
        manager.decide_change(height(at), change).unwrap();
    }
    let turn = SlotTurn {
        height: height(5),
        proposer: MemberIndex::new(2),
        missed: MemberSet::first(1),
        voters: MemberSet::first(2),
    };
    manager.handle_slot(&turn, Tick::new(77));
    let _read = manager.poll_audit();
    manager
}

fn apply(
    manager: &mut SequencerManager,
    at: u64,
    step: &Step,
) -> Result<Option<EpochSummary>, ChangeError> {
    let applicant;
    let change = match *step {
        Step::Admit(n) => {
            applicant = signed(n, manager.epoch().get());
            Change::Admit(applicant.view())
        }
        Step::Activate(n) => Change::Activate(id(n)),
        Step::Deactivate(n) => Change::Deactivate(id(n)),
        Step::Suspend(n) => Change::Suspend(id(n)),
        Step::Ban(n) => Change::Ban(id(n), BanReason::Checked(NETWORK)),
        Step::Remove(n) => Change::Remove(id(n)),
        Step::SetWeight(n, weight) => Change::SetWeight(id(n), weight),
        Step::Advance => return manager.advance_epoch(height(at), Tick::new(at)).map(Some),
    };
    manager.decide_change(height(at), &change).map(|()| None)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    /// One registry lives on, the other is written and restored after every step.
    #[test]
    fn a_restart_after_any_step_changes_nothing(
        heads_min in 1_u16..5,
        steps in prop::collection::vec(step(), 1..24),
        reads in prop::collection::vec(0_usize..3, 24),
    ) {
        let rules = SequencerRules { heads_min, ..SequencerRules::default() };
        let mut alive = registry(&[1; 4], rules);
        let mut other = restored(&alive);
        for ((at, step), reads) in (1..).zip(&steps).zip(reads) {
            prop_assert_eq!(apply(&mut alive, at, step), apply(&mut other, at, step));
            for _ in 0..reads {
                prop_assert_eq!(alive.poll_audit(), other.poll_audit());
            }
            while alive.audit.room() < 40 {
                prop_assert_eq!(alive.poll_audit(), other.poll_audit());
            }
            let turn = SlotTurn {
                height: height(at),
                proposer: MemberIndex::new(reads as u16),
                missed: MemberSet::from_bits(u128::from(at)),
                voters: MemberSet::from_bits(u128::from(at) >> 1),
            };
            for manager in [&mut alive, &mut other] {
                manager.handle_slot(&turn, Tick::new(at * 1_000));
            }
            other = restored(&other);
            prop_assert!(bytes(&alive) == bytes(&other), "after {:?}", step);
            let due = |manager: &SequencerManager| {
                manager.suspensions_due(Tick::new(40_000_000_000)).collect::<Vec<_>>()
            };
            prop_assert_eq!(due(&alive), due(&other));
        }
    }
}

#[test]
fn every_byte_that_is_changed_or_missing_is_noticed() {
    let manager = registry(&[1, 1], SequencerRules::default());
    let setup = *manager.setup();
    every_byte_counts(&bytes(&manager), |bytes| {
        SequencerManager::restore(setup, bytes).unwrap_err()
    });
}

/// Whoever recomputes the checksum meets the other checks: what passes has one spelling.
#[test]
fn a_state_that_contradicts_itself_is_refused() {
    const KEY_BYTES: usize = crate::crypto::signature::PUBLIC_KEY_BYTES;
    let manager = sample();
    let setup = *manager.setup();
    let good = bytes(&manager);
    let first = 9 + 64 + 58;
    let forgery = Forgery {
        good: &good,
        domain: Domain::REGISTRY_STATE,
        flips: &[1, 0x80],
    };
    // Of each key the first bytes stand for all.
    let places = forgery.places().filter(|at| {
        let in_entry = (at.max(&first) - first) % (KEY_BYTES + 42);
        *at < first || !(12..KEY_BYTES).contains(&in_entry)
    });
    let restore = |bad: &[u8]| {
        let again = SequencerManager::restore(setup, bad)?;
        assert!(again.members().count() >= 2);
        Ok(bytes(&again))
    };
    let counts = forgery.try_at(places, restore, |at| match at {
        9..50 => StateError::WrongNetwork,
        50..73 => StateError::WrongSettings,
        _ => StateError::Inconsistent,
    });
    assert!(counts.refused > 300 && counts.taken > 100, "{counts:?}");
}

#[test]
fn a_state_belongs_to_one_network_and_one_set_of_rules() {
    let manager = sample();
    let good = bytes(&manager);
    let setup = *manager.setup();
    let refused = |setup| SequencerManager::restore(setup, &good).unwrap_err();
    let other = SequencerSetup {
        network: Hash::new([6; 32]),
        ..setup
    };
    assert_eq!(refused(other), StateError::WrongNetwork);
    let other = SequencerSetup {
        chain_id: setup.chain_id + 1,
        ..setup
    };
    assert_eq!(refused(other), StateError::WrongNetwork);
    let mut other = setup;
    other.rules.silence_ns_max += 1;
    assert_eq!(refused(other), StateError::WrongSettings);
    let mut other = setup;
    other.limits.audit_count_max += 1;
    assert_eq!(refused(other), StateError::WrongSettings);
    let mut other = setup;
    other.limits.member_count_max = 0;
    assert_eq!(refused(other), StateError::LimitOutOfRange);
    let mut other = setup;
    other.limits.audit_count_max = 1;
    assert_eq!(refused(other), StateError::LimitsContradict);
}

/// What a node saw and what its host has read is no part of the hash; every decided change is.
#[test]
fn the_hash_is_over_what_is_decided_and_nothing_else() {
    let mut one = registry(&[1; 3], SequencerRules::default());
    let mut two = registry(&[1; 3], SequencerRules::default());
    let mut seen = vec![one.state_hash()];
    let turn = SlotTurn {
        height: height(1),
        proposer: MemberIndex::new(1),
        missed: MemberSet::first(1),
        voters: MemberSet::first(3),
    };
    two.handle_slot(&turn, Tick::new(9));
    two.handle_alive(id(1), Tick::new(10));
    let _read = records(&mut two);
    let applicant = signed(5, 0);
    let steps = [
        Change::Admit(applicant.view()),
        Change::Activate(id(5)),
        Change::SetWeight(id(2), 7),
        Change::Deactivate(id(3)),
        Change::Ban(id(1), BanReason::Checked(NETWORK)),
        Change::Ban(id(1), BanReason::Checked(Hash::ZERO)),
        Change::Remove(id(3)),
    ];
    for (at, change) in (1..).zip(&steps) {
        for manager in [&mut one, &mut two] {
            manager.decide_change(height(at), change).unwrap();
        }
        assert_eq!(one.state_hash(), two.state_hash());
        assert!(bytes(&one) != bytes(&two), "what they saw differs");
        assert!(!seen.contains(&one.state_hash()), "{change:?}");
        seen.push(one.state_hash());
    }
    one.advance_epoch(height(9), Tick::new(1)).unwrap();
    two.advance_epoch(height(9), Tick::new(2)).unwrap();
    assert_eq!(one.state_hash(), two.state_hash());
    assert!(!seen.contains(&one.state_hash()));
}

//! What takes effect when, and what is held back.

use super::kit::*;
use crate::crypto::signature::Suite;
use crate::sequencer::*;
use crate::types::{Epoch, Tick};
use std::vec::Vec;

fn rules(heads_min: u16) -> SequencerRules {
    SequencerRules {
        heads_min,
        ..SequencerRules::default()
    }
}

fn member_ids(manager: &SequencerManager) -> Vec<u32> {
    manager.members().map(|member| member.id.get()).collect()
}

fn held(manager: &SequencerManager) -> Vec<u32> {
    let all = manager.sequencers().iter().filter(|entry| entry.is_held);
    all.map(|entry| entry.id.get()).collect()
}

#[test]
fn changes_take_effect_with_the_next_epoch() {
    let mut manager = registry(&[1, 2, 3], rules(1));
    let before = manager.membership_hash();
    let newcomer = Applicant::new(7, 9, 0);
    for change in [
        Change::Admit(newcomer.view()),
        Change::Activate(id(7)),
        Change::Suspend(id(1)),
        Change::SetWeight(id(2), 20),
        Change::Remove(id(3)),
    ] {
        manager.decide_change(height(5), &change).unwrap();
    }
    assert_eq!(manager.membership_hash(), before, "one epoch, one set");
    assert_eq!(
        (member_ids(&manager), manager.weight_sum()),
        (std::vec![1, 2, 3], 6)
    );
    let announced = manager.next_membership_hash();
    let mut next = Membership::with_room(6, Suite::MlDsa65);
    manager.fill_next_membership(&mut next).unwrap();
    assert_eq!(next.hash(), announced);
    records(&mut manager);
    let summary = manager.advance_epoch(height(6), Tick::new(8)).unwrap();
    assert_eq!(summary.membership, announced);
    assert_eq!(manager.membership_hash(), announced);
    assert_eq!(
        (summary.joined_count, summary.left_count, summary.held_count),
        (1, 2, 0)
    );
    assert_eq!(
        (member_ids(&manager), manager.weight_sum()),
        (std::vec![2, 7], 29)
    );
    assert!(manager.sequencer(id(3)).is_none());
    assert_eq!(
        manager.sequencer(id(1)).unwrap().status,
        SequencerStatus::Suspended
    );
    assert_eq!(
        manager.sequencer(id(7)).unwrap().metrics.last_alive,
        Tick::new(8)
    );
    let mut now = Membership::with_room(6, Suite::MlDsa65);
    manager.fill_membership(&mut now).unwrap();
    assert_eq!(now, next);
    let told: Vec<_> = records(&mut manager)
        .iter()
        .map(|record| (record.kind, record.id.get(), record.epoch.get()))
        .collect();
    assert_eq!(
        told,
        [
            (AuditKind::EpochBegan, 0, 1),
            (AuditKind::Effective, 1, 1),
            (AuditKind::Removed, 3, 1),
            (AuditKind::Effective, 7, 1),
        ]
    );
}

#[test]
fn a_suspended_one_returns_and_a_removed_one_starts_anew() {
    let mut manager = registry(&[1, 2, 3], rules(1));
    for change in [Change::Suspend(id(1)), Change::Remove(id(3))] {
        manager.decide_change(height(5), &change).unwrap();
    }
    manager.advance_epoch(height(6), Tick::ZERO).unwrap();
    manager
        .decide_change(height(7), &Change::Activate(id(1)))
        .unwrap();
    let old = Applicant::new(3, 3, 0);
    let refused = manager.decide_change(height(7), &Change::Admit(old.view()));
    assert_eq!(refused, Err(ChangeError::PossessionUnproven));
    let again = Applicant::new(3, 3, 1);
    manager
        .decide_change(height(7), &Change::Admit(again.view()))
        .unwrap();
    manager.advance_epoch(height(8), Tick::new(9)).unwrap();
    assert_eq!(member_ids(&manager), [1, 2]);
    let again = manager.sequencer(id(3)).unwrap();
    assert_eq!(again.status, SequencerStatus::Inactive);
}

#[test]
fn a_decision_can_be_taken_back_before_it_takes_effect() {
    let mut manager = registry(&[1, 1], rules(1));
    let unchanged = manager.next_membership_hash();
    manager
        .decide_change(height(1), &Change::Suspend(id(1)))
        .unwrap();
    assert_ne!(manager.next_membership_hash(), unchanged);
    manager
        .decide_change(height(2), &Change::Activate(id(1)))
        .unwrap();
    assert_eq!(manager.next_membership_hash(), unchanged);
    records(&mut manager);
    manager.advance_epoch(height(3), Tick::ZERO).unwrap();
    assert_eq!(records(&mut manager).len(), 1, "only that the epoch began");
}

#[test]
fn who_would_leave_too_few_heads_stays_until_somebody_comes() {
    let mut manager = registry(&[1; 5], rules(5));
    records(&mut manager);
    manager
        .decide_change(height(1), &Change::Suspend(id(2)))
        .unwrap();
    assert_eq!(held(&manager), [2]);
    let kinds: Vec<_> = records(&mut manager).iter().map(|r| r.kind).collect();
    assert_eq!(kinds, [AuditKind::Decided, AuditKind::Held]);
    let summary = manager.advance_epoch(height(2), Tick::ZERO).unwrap();
    assert_eq!(
        (summary.member_count, summary.left_count, summary.held_count),
        (5, 0, 1)
    );
    assert_eq!(member_ids(&manager), [1, 2, 3, 4, 5]);
    assert_eq!(manager.sequencer(id(2)).unwrap().weight, 1);
    // A ban of another goes before the suspension once there is one replacement.
    let ban = Change::Ban(id(4), BanReason::Checked(NETWORK));
    manager.decide_change(height(3), &ban).unwrap();
    assert_eq!(held(&manager), [2, 4]);
    let newcomer = Applicant::new(7, 1, 1);
    manager
        .decide_change(height(3), &Change::Admit(newcomer.view()))
        .unwrap();
    manager
        .decide_change(height(3), &Change::Activate(id(7)))
        .unwrap();
    assert_eq!(held(&manager), [2]);
    assert!(manager.sequencer(id(4)).unwrap().is_convicted());
    manager.advance_epoch(height(4), Tick::ZERO).unwrap();
    assert_eq!(member_ids(&manager), [1, 2, 3, 5, 7]);
    assert_eq!(
        manager.sequencer(id(4)).unwrap().status,
        SequencerStatus::Banned
    );
    assert_eq!(held(&manager), [2]);
    // A second replacement lets the suspension through.
    let newcomer = Applicant::new(8, 1, 2);
    manager
        .decide_change(height(5), &Change::Admit(newcomer.view()))
        .unwrap();
    manager
        .decide_change(height(5), &Change::Activate(id(8)))
        .unwrap();
    assert_eq!(held(&manager), [0_u32; 0]);
    manager.advance_epoch(height(6), Tick::ZERO).unwrap();
    assert_eq!(member_ids(&manager), [1, 3, 5, 7, 8]);
    // The banned one can't be removed, so its key can't return under another number.
    let removed = manager.decide_change(height(7), &Change::Remove(id(4)));
    assert_eq!(removed, Err(ChangeError::StatusChangeNotAllowed));
    let disguised = Applicant::under(9, 4, 1, 3);
    let refused = manager.decide_change(height(7), &Change::Admit(disguised.view()));
    assert_eq!(refused, Err(ChangeError::PublicKeyTaken));
}

#[test]
fn a_member_that_is_removed_and_held_stays_whole() {
    let mut manager = registry(&[1; 3], rules(3));
    manager
        .decide_change(height(1), &Change::Remove(id(1)))
        .unwrap();
    manager.advance_epoch(height(2), Tick::ZERO).unwrap();
    assert_eq!(member_ids(&manager), [1, 2, 3]);
    assert!(manager.sequencer(id(1)).unwrap().is_leaving);
    let newcomer = Applicant::new(9, 1, 1);
    manager
        .decide_change(height(3), &Change::Admit(newcomer.view()))
        .unwrap();
    manager
        .decide_change(height(3), &Change::Activate(id(9)))
        .unwrap();
    manager.advance_epoch(height(4), Tick::ZERO).unwrap();
    assert_eq!(member_ids(&manager), [2, 3, 9]);
    assert!(manager.sequencer(id(1)).is_none());
}

#[test]
fn of_several_that_leave_the_gravest_goes_first() {
    let mut manager = registry(&[1; 6], rules(4));
    manager
        .decide_change(height(1), &Change::Remove(id(1)))
        .unwrap();
    manager
        .decide_change(height(2), &Change::Suspend(id(2)))
        .unwrap();
    assert_eq!(held(&manager), [0_u32; 0]);
    let ban = Change::Ban(id(3), BanReason::Checked(NETWORK));
    manager.decide_change(height(3), &ban).unwrap();
    assert_eq!(held(&manager), [1], "a ban takes the place of a leaving");
    manager
        .decide_change(height(4), &Change::Suspend(id(5)))
        .unwrap();
    assert_eq!(held(&manager), [1, 5], "earlier suspensions go first");
    manager.advance_epoch(height(5), Tick::ZERO).unwrap();
    assert_eq!(member_ids(&manager), [1, 4, 5, 6]);
}

#[test]
fn an_epoch_ends_only_with_room_to_say_so_and_never_back_in_time() {
    let mut manager = registry(&[1, 1], rules(1));
    manager
        .decide_change(height(5), &Change::SetWeight(id(1), 2))
        .unwrap();
    let back = manager.advance_epoch(height(4), Tick::ZERO);
    assert_eq!(back, Err(ChangeError::WrongHeight));
    for weight in 3..60 {
        manager
            .decide_change(height(5), &Change::SetWeight(id(1), weight))
            .unwrap();
        if manager.audit_count() == 60 {
            break;
        }
    }
    assert_eq!(manager.audit_count(), 60);
    let full = manager.advance_epoch(height(6), Tick::ZERO);
    assert_eq!(full, Err(ChangeError::AuditFull));
    assert_eq!(manager.epoch(), Epoch::ZERO);
    records(&mut manager);
    manager.advance_epoch(height(6), Tick::ZERO).unwrap();
}

//! Who gets in, and what is refused.

use super::kit::*;
use crate::crypto::signature::{SIGNATURE_BYTES, Suite};
use crate::sequencer::*;
use crate::types::{MemberIndex, Tick};
use crate::vote::MemberSet;
use std::vec::Vec;

fn decide(manager: &mut SequencerManager, change: &Change<'_>) -> Result<(), ChangeError> {
    manager.decide_change(height(1), change)
}

#[test]
fn first_members_stand_in_order_and_are_active() {
    let views = [Applicant::new(3, 5, 0), Applicant::new(1, 7, 0)];
    let views: Vec<_> = views.iter().map(Applicant::view).collect();
    let setup = setup(SequencerRules::default());
    let mut manager = SequencerManager::new(setup, &views, Tick::ZERO).unwrap();
    let ids: Vec<u32> = manager.members().map(|member| member.id.get()).collect();
    assert_eq!(ids, [1, 3]);
    assert_eq!(manager.weight_sum(), 12);
    assert_eq!(manager.member_index(id(3)), Some(MemberIndex::new(1)));
    assert_eq!(manager.member(MemberIndex::new(0)).unwrap().weight, 7);
    let mut weights = [0; 2];
    assert_eq!(manager.fill_weights(&mut weights), 2);
    assert_eq!(weights, [7, 5]);
    let address = sequencer_address(key(3).public_key());
    assert_eq!(manager.sequencer_by_address(address).unwrap().id, id(3));
    let kinds: Vec<AuditKind> = records(&mut manager).iter().map(|r| r.kind).collect();
    let registered = AuditKind::Registered;
    assert_eq!(kinds, [registered, registered, AuditKind::EpochBegan]);
}

#[test]
fn a_registry_that_breaks_its_own_rules_does_not_start() {
    let start = |weights: &[u64], change: fn(&mut SequencerSetup)| {
        let first: Vec<_> = (1..)
            .zip(weights)
            .map(|(n, w)| Applicant::new(n, *w, 0))
            .collect();
        let views: Vec<_> = first.iter().map(Applicant::view).collect();
        let mut setup = setup(SequencerRules::default());
        change(&mut setup);
        SequencerManager::new(setup, &views, Tick::ZERO).map(|_| ())
    };
    use SequencerSetupError as E;
    assert_eq!(start(&[1, 1], |_| {}), Ok(()));
    assert_eq!(start(&[], |_| {}), Err(E::MemberCountOutOfRange));
    assert_eq!(start(&[1; 7], |_| {}), Err(E::MemberCountOutOfRange));
    assert_eq!(start(&[0], |_| {}), Err(E::WeightOutOfRange));
    assert_eq!(start(&[(1 << 32) + 1], |_| {}), Err(E::WeightOutOfRange));
    assert_eq!(start(&[1 << 32; 6], |_| {}), Ok(()));
    assert_eq!(
        start(&[1, 1], |s| s.rules.heads_min = 3),
        Err(E::HeadsTooFew)
    );
    assert_eq!(
        start(&[1, 1], |s| s.rules.heads_min = 0),
        Err(E::LimitOutOfRange)
    );
    assert_eq!(
        start(&[1, 1], |s| s.rules.heads_min = 7),
        Err(E::LimitOutOfRange)
    );
    assert_eq!(
        start(&[1, 2], |s| s.rules.equal_weights = true),
        Err(E::WeightsUnequal)
    );
    assert_eq!(
        start(&[1], |s| s.limits.member_count_max = 129),
        Err(E::LimitOutOfRange)
    );
    assert_eq!(
        start(&[1], |s| s.limits.audit_count_max = 27),
        Err(E::LimitsContradict)
    );
    assert_eq!(
        start(&[1], |s| s.limits.sequencer_count_max = 5),
        Err(E::LimitsContradict)
    );
    assert_eq!(start(&[1], |s| s.chain_id += 1), Err(E::PossessionUnproven));
}

#[test]
fn admission_is_secure() {
    let mut manager = registry(&[4, 4], SequencerRules::default());
    let good = Applicant::new(5, 9, 0);
    let with = |change: fn(&mut Applicant)| {
        let mut applicant = good.clone();
        change(&mut applicant);
        applicant
    };
    let cases = [
        (with(|a| a.weight = 0), ChangeError::WeightOutOfRange),
        (with(|a| a.weight = u64::MAX), ChangeError::WeightOutOfRange),
        (Applicant::under(1, 5, 9, 0), ChangeError::SequencerIdTaken),
        (Applicant::under(6, 2, 9, 0), ChangeError::PublicKeyTaken),
        // Of another epoch, under another number, with another's key, and none at all.
        (Applicant::new(5, 9, 1), ChangeError::PossessionUnproven),
        (with(|a| a.id = id(6)), ChangeError::PossessionUnproven),
        (
            with(|a| *a.public_key = *key(6).public_key().as_bytes()),
            ChangeError::PossessionUnproven,
        ),
        (
            with(|a| *a.possession = [0; SIGNATURE_BYTES]),
            ChangeError::PossessionUnproven,
        ),
        (
            with(|a| a.possession[9] ^= 1),
            ChangeError::PossessionUnproven,
        ),
    ];
    let (count, hash) = (manager.audit_count(), manager.audit_hash());
    for (at, (applicant, error)) in cases.iter().enumerate() {
        let refused = decide(&mut manager, &Change::Admit(applicant.view()));
        assert_eq!(refused, Err(*error), "case {at}");
    }
    assert_eq!((manager.audit_count(), manager.audit_hash()), (count, hash));
    decide(&mut manager, &Change::Admit(good.view())).unwrap();
    let admitted = manager.sequencer(id(5)).unwrap();
    assert_eq!(admitted.status, SequencerStatus::Inactive);
    assert_eq!(admitted.weight, 9);
    assert_eq!(manager.members().count(), 2);
    let again = decide(&mut manager, &Change::Admit(good.view()));
    assert_eq!(again, Err(ChangeError::SequencerIdTaken));
}

#[test]
fn a_full_registry_and_a_full_committee_say_so() {
    let mut manager = registry(&[1; 6], SequencerRules::default());
    for number in 7..=10 {
        let applicant = Applicant::new(number, 1, 0);
        decide(&mut manager, &Change::Admit(applicant.view())).unwrap();
    }
    let eleventh = Applicant::new(11, 1, 0);
    let refused = decide(&mut manager, &Change::Admit(eleventh.view()));
    assert_eq!(refused, Err(ChangeError::RegistryFull));
    let full = decide(&mut manager, &Change::Activate(id(7)));
    assert_eq!(full, Err(ChangeError::CommitteeFull));
    decide(&mut manager, &Change::Deactivate(id(1))).unwrap();
    decide(&mut manager, &Change::Activate(id(7))).unwrap();
}

#[test]
fn transitions_are_those_of_the_table() {
    use SequencerStatus::{Active, Banned, Inactive, Suspended};
    let allowed = [
        (Inactive, Active),
        (Inactive, Banned),
        (Active, Inactive),
        (Active, Suspended),
        (Active, Banned),
        (Suspended, Inactive),
        (Suspended, Active),
        (Suspended, Banned),
    ];
    for from in SequencerStatus::ALL {
        assert_eq!(SequencerStatus::from_number(from.number()), Some(from));
        for to in SequencerStatus::ALL {
            assert_eq!(
                from.may_become(to),
                allowed.contains(&(from, to)),
                "{from:?} {to:?}"
            );
        }
    }
    assert_eq!(SequencerStatus::from_number(4), None);
}

#[test]
fn changes_that_a_status_does_not_allow_are_refused() {
    let mut manager = registry(&[4, 4, 4], SequencerRules::default());
    let cases = [
        (Change::Activate(id(1)), ChangeError::ChangeWithoutEffect),
        (Change::Activate(id(9)), ChangeError::UnknownSequencer),
        (
            Change::SetWeight(id(1), 4),
            ChangeError::ChangeWithoutEffect,
        ),
        (Change::SetWeight(id(1), 0), ChangeError::WeightOutOfRange),
        (Change::SetWeight(id(9), 1), ChangeError::UnknownSequencer),
        (Change::Remove(id(9)), ChangeError::UnknownSequencer),
    ];
    for (change, error) in cases {
        assert_eq!(decide(&mut manager, &change), Err(error), "{change:?}");
    }
    let ban = Change::Ban(id(1), BanReason::Checked(NETWORK));
    decide(&mut manager, &Change::Remove(id(1))).unwrap();
    let refused = decide(&mut manager, &Change::Remove(id(1)));
    assert_eq!(refused, Err(ChangeError::ChangeWithoutEffect));
    let refused = decide(&mut manager, &Change::Suspend(id(1)));
    assert_eq!(refused, Err(ChangeError::StatusChangeNotAllowed));
    // Who leaves can still be banned, and then does not leave.
    decide(&mut manager, &ban).unwrap();
    assert!(!manager.sequencer(id(1)).unwrap().is_leaving);
    for change in [
        Change::Activate(id(1)),
        Change::Deactivate(id(1)),
        Change::Suspend(id(1)),
        Change::Remove(id(1)),
        Change::SetWeight(id(1), 5),
    ] {
        let refused = decide(&mut manager, &change);
        assert_eq!(
            refused,
            Err(ChangeError::StatusChangeNotAllowed),
            "{change:?}"
        );
    }
    // More evidence is written down, and changes nothing else.
    decide(&mut manager, &ban).unwrap();
    assert_eq!(manager.sequencer(id(1)).unwrap().metrics.evidence, 2);
    let before = manager.decide_change(height(0), &Change::Suspend(id(2)));
    assert_eq!(before, Err(ChangeError::WrongHeight));
}

#[test]
fn equal_weights_stay_equal() {
    let rules = SequencerRules {
        equal_weights: true,
        ..SequencerRules::default()
    };
    let mut manager = registry(&[3, 3], rules);
    let heavy = Applicant::new(5, 4, 0);
    let refused = decide(&mut manager, &Change::Admit(heavy.view()));
    assert_eq!(refused, Err(ChangeError::WeightsUnequal));
    let refused = decide(&mut manager, &Change::SetWeight(id(1), 4));
    assert_eq!(refused, Err(ChangeError::WeightsUnequal));
    let equal = Applicant::new(5, 3, 0);
    decide(&mut manager, &Change::Admit(equal.view())).unwrap();
}

#[test]
fn a_full_audit_log_holds_changes_back_and_loses_none() {
    let mut manager = registry(&[4, 4], SequencerRules::default());
    let mut decided = 0_u64;
    let full = loop {
        let weight = 5 + decided;
        match decide(&mut manager, &Change::SetWeight(id(1), weight)) {
            Ok(()) => decided += 1,
            Err(error) => break error,
        }
        assert!(decided < 1_000);
    };
    assert_eq!(full, ChangeError::AuditFull);
    let read = records(&mut manager);
    assert_eq!(read.len() as u64, manager.audit_count());
    assert_eq!(manager.audit_count(), 3 + decided);
    decide(&mut manager, &Change::SetWeight(id(1), 1)).unwrap();
}

#[test]
fn silence_makes_a_suspension_due_and_a_vote_takes_it_back() {
    let rules = SequencerRules {
        missed_turns_max: 3,
        silence_ns_max: 100,
        ..SequencerRules::default()
    };
    let mut manager = registry(&[1, 1, 1], rules);
    let due = |manager: &SequencerManager, now| {
        let due = manager.suspensions_due(Tick::new(now));
        due.map(|id| id.get()).collect::<Vec<_>>()
    };
    let turn = |missed: &[u16], voters: &[u16]| {
        let set = |members: &[u16]| {
            let mut set = MemberSet::EMPTY;
            members
                .iter()
                .for_each(|m| set.insert(MemberIndex::new(*m)));
            set
        };
        SlotTurn {
            height: height(1),
            proposer: MemberIndex::new(0),
            missed: set(missed),
            voters: set(voters),
        }
    };
    for now in [10, 20] {
        manager.handle_slot(&turn(&[2], &[0, 1]), Tick::new(now));
    }
    assert_eq!(due(&manager, 50), [0_u32; 0]);
    manager.handle_slot(&turn(&[2], &[0, 1]), Tick::new(30));
    assert_eq!(due(&manager, 50), [3]);
    let metrics = manager.sequencer(id(3)).unwrap().metrics;
    assert_eq!((metrics.turns_missed, metrics.turns_missed_in_row), (3, 3));
    manager.handle_slot(&turn(&[], &[2]), Tick::new(40));
    assert_eq!(due(&manager, 50), [0_u32; 0]);
    let metrics = manager.sequencer(id(1)).unwrap().metrics;
    assert_eq!((metrics.turns_taken, metrics.votes), (4, 3));
    // 100 ns of silence; any sign of life counts.
    assert_eq!(due(&manager, 130), [2]);
    manager.handle_alive(id(2), Tick::new(100));
    assert_eq!(due(&manager, 140), [1, 3]);
    decide(&mut manager, &Change::Suspend(id(3))).unwrap();
    assert_eq!(due(&manager, 140), [1]);
}

#[test]
fn a_ban_rests_on_two_votes_that_contradict_each_other() {
    let mut manager = registry(&[1, 1, 1], SequencerRules::default());
    let (first, second) = (precommit(9, 2, 1), precommit(9, 2, 2));
    let both = |number| [first, second].map(|s| sign(number, &s, &context(0)));
    let by_two = both(2);
    let epoch = manager.epoch();
    let [a, b] = &by_two;
    let good = ConflictProof::new(epoch, manager.suite(), [first, second], [a, b]).unwrap();
    let wrong_member = Change::Ban(id(3), BanReason::Votes(good));
    assert_eq!(
        decide(&mut manager, &wrong_member),
        Err(ChangeError::SignatureInvalid)
    );
    let later = crate::types::Epoch::new(1);
    let other_epoch = ConflictProof::new(later, manager.suite(), [first, second], [a, b]).unwrap();
    let refused = decide(
        &mut manager,
        &Change::Ban(id(2), BanReason::Votes(other_epoch)),
    );
    assert_eq!(refused, Err(ChangeError::SignatureInvalid));
    let swapped = ConflictProof::new(epoch, manager.suite(), [first, second], [b, a]).unwrap();
    let refused = decide(&mut manager, &Change::Ban(id(2), BanReason::Votes(swapped)));
    assert_eq!(refused, Err(ChangeError::SignatureInvalid));
    decide(&mut manager, &Change::Ban(id(2), BanReason::Votes(good))).unwrap();
    assert!(manager.sequencer(id(2)).unwrap().is_convicted());
    let mut convicted = MemberSet::EMPTY;
    convicted.insert(MemberIndex::new(1));
    assert_eq!(manager.convicted(), convicted);
    let ban = records(&mut manager).pop().unwrap();
    assert_eq!((ban.kind, ban.detail), (AuditKind::Decided, good.hash()));
}

#[test]
fn votes_that_do_not_contradict_each_other_convict_nobody() {
    let suite = Suite::MlDsa65;
    let signature = [0; SIGNATURE_BYTES];
    let new = |a, b| {
        let both = [&signature, &signature];
        ConflictProof::new(crate::types::Epoch::ZERO, suite, [a, b], both).map(|_| ())
    };
    let base = precommit(9, 2, 1);
    let invalid = Err(EvidenceError::EvidenceInvalid);
    assert_eq!(new(base, base), invalid);
    assert_eq!(new(base, precommit(8, 2, 2)), invalid);
    assert_eq!(new(base, precommit(9, 3, 2)), invalid);
    let mut prevote = precommit(9, 2, 2);
    prevote.kind = crate::vote::VoteKind::Prevote;
    assert_eq!(new(base, prevote), invalid);
    let mut odd = precommit(9, 2, 2);
    odd.valid_round = 1;
    assert_eq!(new(base, odd), Err(EvidenceError::InvalidVote));
    let nil = crate::vote::Statement {
        value: None,
        ..base
    };
    assert_eq!(new(base, nil), Ok(()));
}

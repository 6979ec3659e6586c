//! When epochs close, and whose the next one is.

use std::vec::Vec;

use super::kit::*;
use crate::codec::Writer;
use crate::sequencer::*;
use crate::types::{Epoch, Hash, Height, Tick};

const RULES: SuccessionRules = SuccessionRules {
    lead_slots: 3,
    leaver_count_max: 2,
};

fn rules() -> SequencerRules {
    SequencerRules {
        heads_min: 3,
        equal_weights: true,
        ..SequencerRules::default()
    }
}

/// Of the members 1 ..= 4.
fn succession(rules_of: SuccessionRules) -> Succession {
    Succession::new(rules_of, registry(&[1; 4], rules()), None).unwrap()
}

fn bytes(changes: &[Change<'_>]) -> Vec<u8> {
    let mut all = std::vec![0; 16_384];
    let mut out = Writer::new(&mut all);
    changes
        .iter()
        .for_each(|change| change.encode(&mut out).unwrap());
    let len = out.len();
    all.truncate(len);
    all
}

fn members(registry: &SequencerManager) -> Vec<u32> {
    registry.members().map(|member| member.id.get()).collect()
}

#[test]
fn a_replacement_closes_the_epoch_a_lead_later() {
    let mut own = succession(RULES);
    let newcomer = Applicant::new(7, 1, 0);
    let start = *own.standing();
    assert_eq!(start.closing, None);
    assert!(!own.registry().has_successor());
    // To admit somebody changes no membership.
    let admit = bytes(&[Change::Admit(newcomer.view())]);
    let admitted = own.decide(height(5), &admit).unwrap();
    assert_ne!(admitted.registry, start.registry);
    assert_eq!(
        (admitted.closing, admitted.next_membership),
        (None, start.next_membership)
    );
    let swap = bytes(&[Change::Remove(id(2)), Change::Activate(id(7))]);
    let considered = own.consider(height(6), &swap).unwrap();
    assert_eq!(considered.closing, Some(height(9)));
    assert_eq!(*own.standing(), admitted, "nothing is decided");
    assert_eq!(own.consider(height(6), &[]).unwrap(), admitted);
    // What another candidate would do leaves no trace in the first one.
    let other = bytes(&[Change::Activate(id(7))]);
    assert_ne!(own.consider(height(6), &other).unwrap(), considered);
    assert_eq!(own.consider(height(6), &swap).unwrap(), considered);
    assert_eq!(own.decide(height(6), &swap).unwrap(), considered);
    assert!(!considered.closes_with(height(8)) && considered.closes_with(height(9)));
    assert_eq!(considered.named_if(false), Hash::ZERO);
    assert_eq!(considered.named_if(true), considered.next_membership);
    let early = own.begin_epoch(height(8), Tick::ZERO);
    assert_eq!(early, Err(ChangeError::WrongHeight));
    // A change that comes before the end takes effect with the same epoch, and moves no closing.
    let more = bytes(&[Change::Remove(id(3)), Change::Activate(id(2))]);
    assert_eq!(
        own.consider(height(7), &more),
        Err(ChangeError::StatusChangeNotAllowed)
    );
    let late = own
        .decide(height(9), &bytes(&[Change::Deactivate(id(4))]))
        .unwrap();
    assert_eq!(late.closing, Some(height(9)));
    assert_ne!(late.next_membership, considered.next_membership);
    let mut next = Membership::with_room(6, own.registry().suite());
    own.fill_next_membership(&mut next).unwrap();
    assert_eq!(next.hash(), late.next_membership);
    let summary = own.begin_epoch(height(10), Tick::ZERO).unwrap();
    assert_eq!(
        (summary.epoch, summary.membership),
        (Epoch::new(1), next.hash())
    );
    assert_eq!(members(own.registry()), [1, 3, 7]);
    assert_eq!((own.epoch(), own.standing().closing), (Epoch::new(1), None));
    assert_eq!(own.standing().registry, own.registry().state_hash());
}

#[test]
fn without_a_lead_the_epoch_closes_with_the_slot_that_decides() {
    let mut own = succession(SuccessionRules {
        lead_slots: 0,
        ..RULES
    });
    let leave = bytes(&[Change::Remove(id(1))]);
    let standing = own.decide(height(4), &leave).unwrap();
    assert!(standing.closes_with(height(4)));
    own.begin_epoch(height(4), Tick::ZERO).unwrap();
    assert_eq!(members(own.registry()), [2, 3, 4]);
    // Three are the fewest: who would leave too few stays, and no epoch closes for it.
    let held = own.decide(height(5), &bytes(&[Change::Remove(id(2))]));
    assert_eq!(held.unwrap().closing, None);
    assert!(own.registry().sequencer(id(2)).unwrap().is_held);
}

#[test]
fn what_the_registry_refuses_changes_nothing() {
    let mut own = succession(RULES);
    let start = *own.standing();
    let mut unproven = Applicant::new(7, 1, 0);
    unproven.possession[9] ^= 1;
    let of_another_epoch = Applicant::new(8, 1, 1);
    let fine = Applicant::new(9, 1, 0);
    let cases = [
        (
            std::vec![Change::Admit(fine.view()), Change::Admit(unproven.view())],
            ChangeError::PossessionUnproven,
        ),
        (
            std::vec![Change::Admit(of_another_epoch.view())],
            ChangeError::PossessionUnproven,
        ),
        (
            std::vec![Change::Remove(id(1)), Change::Remove(id(9))],
            ChangeError::UnknownSequencer,
        ),
        (
            std::vec![Change::SetWeight(id(1), 2)],
            ChangeError::WeightsUnequal,
        ),
    ];
    for (changes, error) in cases {
        assert_eq!(own.decide(height(3), &bytes(&changes)), Err(error));
        assert_eq!(*own.standing(), start);
        assert_eq!(own.registry().state_hash(), start.registry);
    }
    assert_eq!(
        own.consider(height(3), &[1, 9, 0, 0, 0, 0]),
        Err(ChangeError::UnknownChange)
    );
    let truncated = bytes(&[Change::Remove(id(1))]);
    assert_eq!(
        own.consider(height(3), &truncated[..5]),
        Err(ChangeError::Truncated)
    );
}

#[test]
fn no_more_leave_than_sizes_allow() {
    let registry = registry(
        &[1; 6],
        SequencerRules {
            heads_min: 1,
            ..rules()
        },
    );
    let mut own = Succession::new(RULES, registry, None).unwrap();
    own.decide(height(1), &bytes(&[Change::Remove(id(1))]))
        .unwrap();
    own.decide(height(2), &bytes(&[Change::Suspend(id(2))]))
        .unwrap();
    let third = own.decide(height(3), &bytes(&[Change::Deactivate(id(3))]));
    assert_eq!(third, Err(ChangeError::TooManyLeavers));
    own.begin_epoch(height(4), Tick::ZERO).unwrap();
    own.decide(height(5), &bytes(&[Change::Deactivate(id(3))]))
        .unwrap();
}

#[test]
fn the_genesis_gives_the_registry_that_proofs_give() {
    let proven = registry(&[1; 4], rules());
    let mut membership = Membership::with_room(6, proven.suite());
    proven.fill_membership(&mut membership).unwrap();
    let setup = setup(rules());
    let given = SequencerManager::of_genesis(setup, &membership, Tick::ZERO).unwrap();
    assert_eq!(given.state_hash(), proven.state_hash());
    assert_eq!(given.audit_hash(), proven.audit_hash());
    let mut later = Membership::with_room(6, proven.suite());
    let rows = membership.members().iter();
    let rows = rows.map(|member| (member.id, member.weight, &member.public_key));
    later
        .fill(Epoch::new(1), proven.suite(), rows.clone())
        .unwrap();
    let refused = SequencerManager::of_genesis(setup, &later, Tick::ZERO);
    assert_eq!(
        refused.unwrap_err(),
        SequencerSetupError::MemberCountOutOfRange
    );
    later
        .fill(Epoch::ZERO, proven.suite(), rows.take(2))
        .unwrap();
    let refused = SequencerManager::of_genesis(setup, &later, Tick::ZERO);
    assert_eq!(refused.unwrap_err(), SequencerSetupError::HeadsTooFew);
}

#[test]
fn a_restored_registry_goes_on_alike() {
    let mut own = succession(RULES);
    own.decide(height(2), &bytes(&[Change::Deactivate(id(1))]))
        .unwrap();
    let registry = own.registry();
    let mut state = std::vec![0; registry.state_len()];
    registry.write_state(&mut state).unwrap();
    let restored = SequencerManager::restore(setup(rules()), &state).unwrap();
    let mut again = Succession::new(RULES, restored, own.standing().closing).unwrap();
    assert_eq!(again.standing(), own.standing());
    let back = bytes(&[Change::Activate(id(1))]);
    assert_eq!(
        own.decide(height(3), &back).unwrap(),
        again.decide(height(3), &back).unwrap()
    );
    // Nobody leaves any more, and the epoch ends all the same.
    assert_eq!(own.standing().closing, Some(Height::new(5)));
    own.begin_epoch(height(5), Tick::ZERO).unwrap();
    assert_eq!(members(own.registry()), [1, 2, 3, 4]);
}

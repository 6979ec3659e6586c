//! Changes of the members that are refused, and states of peers that are.

use std::sync::Arc;

use hauptbuch_core::codec::Writer;
use hauptbuch_core::sequencer::Change;
use hauptbuch_core::types::{Epoch, Height, SequencerId};

use super::super::super::MembershipPlan;
use super::super::super::inbox::Inbox;
use super::super::super::registrar::Registrar;
use super::super::Offer;
use super::*;

const REPLACE: PlannedChange = PlannedChange {
    slot: 1,
    step: MembershipStep::Replace(2),
};

fn bytes(changes: &[Change<'_>]) -> Vec<u8> {
    let mut all = vec![0; 16_384];
    let mut out = Writer::new(&mut all);
    for change in changes {
        change.encode(&mut out).unwrap();
    }
    let len = out.len();
    all.truncate(len);
    all
}

/// A stage on which all logs are known everywhere, with the cut that everybody would propose.
fn ready(changes: &[PlannedChange]) -> (Stage, Vec<u8>) {
    let mut stage = Stage::with_plan(40, changes);
    let extensions = stage.extend();
    stage.admit_everywhere(&extensions);
    let cut = stage.with(0, |member, _| member.propose_cut().unwrap());
    (stage, cut)
}

#[test]
fn changes_that_nobody_agreed_to_or_proved_are_refused() {
    let (mut stage, cut) = ready(&[REPLACE]);
    let keys = stage.committee.kit.keys.clone();
    let id = SequencerId::new;
    let own = keys.application(5, 1, Epoch::ZERO).unwrap();
    let mut unproven = own.clone();
    unproven.possession = keys.application(5, 1, Epoch::new(1)).unwrap().possession;
    let others = MemberKeys::with_later(Suite::MlDsa65, 9, 5, 1).unwrap();
    let stranger = others.application(5, 1, Epoch::ZERO).unwrap();
    let swap = [Change::Remove(id(2)), Change::Activate(id(5))];
    let with = |first: Change<'_>| bytes(&[first, swap[0], swap[1]]);
    let agreed = with(Change::Admit(own.view()));
    let cases = [
        (
            with(Change::Admit(unproven.view())),
            Code::PossessionUnproven,
        ),
        (with(Change::Admit(stranger.view())), Code::ChangeNotAgreed),
        (
            bytes(&[Change::Admit(own.view()), swap[0]]),
            Code::ChangeNotAgreed,
        ),
        (bytes(&[Change::Remove(id(2))]), Code::ChangeNotAgreed),
        (bytes(&[Change::Activate(id(5))]), Code::UnknownSequencer),
        (agreed[..agreed.len() - 1].to_vec(), Code::Truncated),
    ];
    let plain = stage.with(1, |member, world| {
        member.evaluate(&cut, TICK, world).unwrap()
    });
    for (changes, code) in cases {
        let body = [cut.clone(), changes].concat();
        let refused = stage.with(1, |member, world| member.evaluate(&body, TICK, world));
        assert_eq!(refused.unwrap_err().code(), code);
    }
    // Those that were agreed on make another slot of the same cut, the same one for everybody.
    let body = [cut.clone(), agreed].concat();
    let slots: Vec<Hash> = (0..5)
        .map(|at| {
            stage.with(at, |member, world| {
                assert_eq!(member.propose_content().unwrap(), body);
                member.evaluate(&body, TICK, world).unwrap()
            })
        })
        .collect();
    assert!(slots.iter().all(|slot| *slot == slots[0] && *slot != plain));
}

#[test]
fn who_would_leave_too_few_stays() {
    // Five members with one liar are the fewest: the registry holds whoever would go.
    let leave = PlannedChange {
        slot: 1,
        step: MembershipStep::Remove(4),
    };
    let (mut stage, _) = ready(&[leave]);
    stage
        .committee
        .log(TICK, agreed_time(TICK), &stage.workload)
        .unwrap();
    let decided = stage.committee.decide(TICK, &stage.workload).unwrap();
    assert!(!decided.changes.is_empty());
    assert_eq!(decided.stream.closing(), None);
}

#[test]
fn a_proposer_with_changes_of_its_own_gets_no_prevote() {
    let late = PlannedChange {
        slot: 1_000,
        ..REPLACE
    };
    let mut failed = 0;
    for liar in 0..5 {
        let (mut stage, _) = ready(&[late]);
        let kit = &stage.committee.kit;
        let plan = Arc::new(MembershipPlan::new(5, &[REPLACE]).unwrap());
        let own = Registrar::new(&kit.config, &kit.genesis(), &kit.keys, &plan).unwrap();
        stage.committee.seats[liar].mind.registrar = Some(own);
        let decided = stage.committee.decide(TICK, &stage.workload).unwrap();
        assert!(decided.changes.is_empty());
        let report = stage.committee.consensus_report();
        failed += report.round_changes;
    }
    // One of the five had the first turn.
    assert_eq!(failed, 1);
}

#[test]
fn a_node_that_joins_believes_no_peer_that_gives_another_state() {
    let (mut stage, _) = ready(&[REPLACE]);
    for number in 1..4_u64 {
        let tick = Tick::new(2_000_000_000 + number * 100_000_000);
        let stamp = agreed_time(tick);
        stage.committee.log(tick, stamp, &stage.workload).unwrap();
        let decided = stage.committee.decide(tick, &stage.workload).unwrap();
        let drained: Vec<Drained> = decided.stream.drained().to_vec();
        for one in drained {
            stage.committee.end(&one.id.id, true);
        }
    }
    let committee = &mut stage.committee;
    let certificate = committee.seats[0].certificate().to_vec();
    let offer = committee.seats[0].mind.give_state(&certificate).unwrap();
    let trusted = committee.trail.electorates().unwrap();
    let join = |offer: &Offer| {
        let id = SequencerId::new(3);
        let record = *committee.seats[3].mind.record();
        Member::join(
            id,
            &committee.kit,
            offer,
            &trusted,
            Inbox::default(),
            Some(&record),
        )
    };
    let joined = join(&offer).unwrap();
    assert_eq!(joined.stream().height(), Height::new(3));
    assert_eq!(joined.number, 3);
    let error = |change: &dyn Fn(&mut Offer)| {
        let mut other = offer.clone();
        change(&mut other);
        join(&other).err()
    };
    let root = Some(CommitteeError::Refused(Code::WrongStateRoot));
    let earlier = committee.seats[1].mind.settled().slot.clone();
    assert_eq!(error(&|_| ()), None);
    assert_eq!(error(&|it| it.marks.swap(0, 1)), root);
    assert_eq!(error(&|it| it.marks.truncate(4)), root);
    // The state before this slot is well-formed, and not the one that follows.
    let fresh = committee.kit.setup.stream().unwrap();
    let mut fresh = hauptbuch_core::ordering::fair::stream::TrialStream::new(fresh);
    let before = fresh.decided_bytes().unwrap().to_vec();
    assert_eq!(error(&|it| it.stream.clone_from(&before)), root);
    let registry = committee.kit.registrar().unwrap().unwrap().state().unwrap();
    assert_eq!(error(&|it| it.registrar = registry.clone()), root);
    let node = Member::new(0, &committee.kit, Inbox::default())
        .unwrap()
        .node;
    let mut of_genesis = vec![0; node.snapshot_len()];
    node.snapshot(&mut of_genesis).unwrap();
    assert_eq!(error(&|it| it.node.clone_from(&of_genesis)), root);
    let forged = |it: &mut Offer| {
        let last = it.certificate.len() - 1;
        it.certificate[last] ^= 1;
    };
    assert_eq!(
        error(&forged),
        Some(CommitteeError::Refused(Code::SignatureInvalid))
    );
    let other_slot = |it: &mut Offer| {
        it.slot.clone_from(&earlier);
        it.slot[60] ^= 1;
    };
    assert!(error(&other_slot).is_some());
}

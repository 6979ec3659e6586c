//! Mistakes that other implementations shipped, each by name.

use super::kit::{Bench, context, engine, limits, member, round, sign};
use crate::consensus::*;
use crate::types::{Hash, Height};
use crate::vote::NO_ROUND;
use std::vec;

const V: Hash = Hash::new([1; 32]);
const W: Hash = Hash::new([2; 32]);

fn bystander() -> (Bench, [u16; 3]) {
    let probe = engine(&[1; 4], Some(0), &ConsensusConfig::default());
    let proposers = [0, 1].map(|at| probe.proposer(Height::new(1), round(at)).get());
    let me = (0..4).find(|me| !proposers.contains(me)).unwrap();
    let bench = Bench::new(me);
    let others = bench.others().try_into().unwrap();
    (bench, others)
}

/// Hands in several statements that are then verified in one batch, so that several rules have
/// their guard at once.
fn at_once(bench: &mut Bench, votes: &[(u16, Statement)]) {
    for (by, statement) in votes {
        let signature = sign(member(*by), &statement.sign_bytes(&context()));
        let vote = SignedVote {
            statement: *statement,
            member: member(*by),
            signature: &signature,
        };
        bench.body(*by, MessageBody::Vote(vote)).unwrap();
    }
    bench.drain();
}

#[test]
fn a_polka_certificate_must_match_the_proposals_value() {
    let (mut bench, others) = bystander();
    bench.precommit(&others, 0, None);
    bench.propose(1, W, 0);
    let polka = bench.polka_bytes(&others, 0, V, NO_ROUND);
    bench.bytes(others[0], &polka).unwrap();
    assert_eq!(bench.said(VoteKind::Prevote, 1), None);
    assert_eq!(bench.engine.step(), Step::Propose);
}

#[test]
fn skipping_a_round_does_not_hide_a_decision_in_it() {
    let (mut bench, others) = bystander();
    bench.propose(0, V, NO_ROUND);
    let precommit = bench.statement(VoteKind::Precommit, 1, Some(V), NO_ROUND);
    at_once(&mut bench, &others.map(|by| (by, precommit)));
    assert_eq!(bench.engine.decided(), Some((round(1), V)));
    assert_eq!(bench.engine.round(), round(0), "R7 goes before R8");
}

#[test]
fn precommits_for_anything_do_not_hide_a_polka() {
    let (mut bench, others) = bystander();
    bench.propose(0, V, NO_ROUND);
    let prevote = bench.statement(VoteKind::Prevote, 0, Some(V), NO_ROUND);
    let nil = bench.statement(VoteKind::Precommit, 0, None, NO_ROUND);
    let votes = [
        &others.map(|by| (by, prevote))[..],
        &others.map(|by| (by, nil)),
    ]
    .concat();
    at_once(&mut bench, &votes);
    assert_eq!(
        bench.engine.locked(),
        Some((round(0), V)),
        "R4 goes before R6"
    );
    assert_eq!(
        bench.said(VoteKind::Precommit, 0),
        Some((Some(V), NO_ROUND))
    );
    assert_eq!(bench.engine.round(), round(1));
}

#[test]
fn prevotes_for_anything_do_not_hide_a_quorum_of_nil() {
    let (mut bench, others) = bystander();
    bench.propose(0, V, NO_ROUND);
    let nil = bench.statement(VoteKind::Prevote, 0, None, NO_ROUND);
    at_once(&mut bench, &others.map(|by| (by, nil)));
    assert_eq!(bench.said(VoteKind::Precommit, 0), Some((None, NO_ROUND)));
    assert!(
        bench.engine.timer(TimerKind::Prevote).is_none(),
        "R5 goes before R3"
    );
}

#[test]
fn duplicates_do_not_grow_anything() {
    let (mut bench, others) = bystander();
    bench.prevote(&others[..1], 0, Some(V), NO_ROUND);
    let before = std::format!("{:?}", bench.engine);
    let statement = bench.statement(VoteKind::Prevote, 0, Some(V), NO_ROUND);
    for fill in 0..100 {
        // Signed anew, so that the bytes differ and the content does not.
        let vote = SignedVote {
            statement,
            member: member(others[0]),
            signature: &[fill; 16],
        };
        let refused = bench.body(others[1], MessageBody::Vote(vote));
        assert_eq!(refused, Err(RefusedMessage::DuplicateMessage));
    }
    assert_eq!(std::format!("{:?}", bench.engine), before);
}

#[test]
fn a_refused_message_loses_no_state() {
    let (mut bench, others) = bystander();
    bench.propose(0, V, NO_ROUND);
    bench.prevote(&others, 0, Some(V), NO_ROUND);
    let before = std::format!("{:?}", bench.engine);
    for (kind, at, by) in [
        (VoteKind::Prevote, 0, others[0]),
        (VoteKind::Proposal, 0, 9),
        (VoteKind::Precommit, 0, 200),
    ] {
        let statement = bench.statement(kind, at, Some(V), NO_ROUND);
        assert!(bench.relay(others[1], by, statement).is_err());
    }
    assert_eq!(std::format!("{:?}", bench.engine), before);
}

#[test]
fn nothing_of_one_height_counts_in_the_next() {
    let (mut bench, others) = bystander();
    bench.prevote(&others, 1, Some(V), NO_ROUND);
    let polka = bench.polka_bytes(&others, 0, V, NO_ROUND);
    bench.bytes(others[0], &polka).unwrap();
    let commit = bench.certificate_bytes(VoteKind::Precommit, &others, 0, V, NO_ROUND);
    bench.engine.start_height(Height::new(2)).unwrap();
    bench.drain();
    let status = bench.engine.status();
    // It may propose and prevote itself.
    let mut own = MemberSet::EMPTY;
    own.insert(bench.engine.committee().me().unwrap());
    assert!(status.prevotes.without(own).is_empty() && status.claims == [None; 2]);
    assert_eq!(bench.engine.round(), round(0));
    assert_eq!(
        bench.bytes(others[0], &polka),
        Err(RefusedMessage::HeightBehind)
    );
    assert_eq!(
        bench.bytes(others[0], &commit),
        Err(RefusedMessage::HeightBehind)
    );
    bench.engine.verify().unwrap();
}

#[test]
fn a_skipped_round_takes_its_timers_along() {
    let (mut bench, others) = bystander();
    bench.propose(0, V, NO_ROUND);
    bench.prevote(&others[..1], 0, None, NO_ROUND);
    bench.prevote(&others[1..2], 0, None, NO_ROUND);
    assert!(bench.engine.timer(TimerKind::Prevote).is_some());
    bench.prevote(&others[..2], 4, None, NO_ROUND);
    assert_eq!(bench.engine.round(), round(4));
    assert!(bench.engine.timer(TimerKind::Prevote).is_none());
    assert!(bench.engine.timer(TimerKind::Precommit).is_none());
    assert!(bench.engine.timer(TimerKind::Propose).is_some());
}

#[test]
fn a_commit_certificate_of_a_later_round_waits_for_its_value() {
    let (mut bench, others) = bystander();
    bench.unknown.push(V);
    let commit = bench.certificate_bytes(VoteKind::Precommit, &others, 7, V, NO_ROUND);
    bench.bytes(others[0], &commit).unwrap();
    assert_eq!(bench.engine.decided(), None);
    assert_eq!(bench.engine.round(), round(7), "its signers are there");
    let good = Validity::Valid {
        extension_hash: Hash::ZERO,
    };
    assert!(bench.engine.handle_validity(Height::new(1), V, good));
    assert_eq!(bench.engine.decided(), Some((round(7), V)));
}

#[test]
fn a_polka_for_an_invalid_value_locks_nobody() {
    let (mut bench, others) = bystander();
    bench.invalid.push(V);
    bench.propose(0, V, NO_ROUND);
    bench.prevote(&others, 0, Some(V), NO_ROUND);
    let polka = bench.polka_bytes(&others, 0, V, NO_ROUND);
    let refused = bench.bytes(others[0], &polka);
    assert_eq!(refused, Err(RefusedMessage::CertificateNotNeeded));
    bench.time_out(TimerKind::Prevote);
    assert_eq!(bench.said(VoteKind::Precommit, 0), Some((None, NO_ROUND)));
    assert_eq!((bench.engine.locked(), bench.engine.valid()), (None, None));
    // Nor does a quorum of precommits decide it: this member stops rather than agree.
    bench.precommit(&others, 0, Some(V));
    assert_eq!(bench.engine.decided(), None);
}

#[test]
fn one_bad_signature_spoils_a_certificate() {
    for kind in [VoteKind::Prevote, VoteKind::Precommit] {
        let (mut bench, others) = bystander();
        let mut bytes = bench.certificate_bytes(kind, &others, 0, V, NO_ROUND);
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        bench.bytes(others[0], &bytes).unwrap();
        assert_eq!((bench.engine.valid(), bench.engine.decided()), (None, None));
        assert_eq!(bench.engine.status().claims, [None; 2]);
        bytes[last] ^= 1;
        bench.bytes(others[0], &bytes).unwrap();
        assert_ne!(bench.engine.status().claims, [None; 2]);
        bench.engine.verify().unwrap();
    }
}

#[test]
fn certificates_of_other_heights_are_refused() {
    let (mut bench, others) = bystander();
    let commit = bench.certificate_bytes(VoteKind::Precommit, &others, 0, V, NO_ROUND);
    for (height, refused) in [
        (3_u64, RefusedMessage::HeightAhead),
        (0, RefusedMessage::HeightBehind),
    ] {
        let mut other = commit.clone();
        other[10..18].copy_from_slice(&height.to_le_bytes());
        assert_eq!(bench.bytes(others[0], &other), Err(refused));
    }
}

#[test]
fn equivocation_is_found_after_the_decision_too() {
    let (mut bench, others) = bystander();
    bench.propose(0, V, NO_ROUND);
    bench.prevote(&others, 0, Some(V), NO_ROUND);
    bench.precommit(&others, 0, Some(V));
    assert_eq!(bench.engine.step(), Step::Decided);
    bench.prevote(&others[..1], 0, Some(W), NO_ROUND);
    assert_eq!(bench.evidence.len(), 1);
    assert_eq!(bench.evidence[0].0, member(others[0]));
    let other = bench.statement(VoteKind::Prevote, 0, None, NO_ROUND);
    let refused = bench.say(others[0], other);
    assert_eq!(
        refused,
        Err(RefusedMessage::ConflictKnown),
        "one pair is enough"
    );
    assert_eq!(bench.evidence.len(), 1);
    bench.engine.verify().unwrap();
}

#[test]
fn records_follow_the_height() {
    let (mut bench, others) = bystander();
    bench.propose(0, V, NO_ROUND);
    bench.prevote(&others, 0, Some(V), NO_ROUND);
    bench.precommit(&others, 0, Some(V));
    bench.engine.start_height(Height::new(2)).unwrap();
    bench.drain();
    bench.pass(300);
    let record = record::Record::decode(&bench.record, &limits(4)).unwrap();
    assert_eq!(record.height, Height::new(2));
    assert_eq!((record.locked, record.valid), (None, None));
    assert!(record.polka.is_none());
    assert!(record.votes().all(|vote| vote.height == Height::new(2)));
}

#[test]
fn only_the_proposer_proposes() {
    let (mut bench, others) = bystander();
    bench.propose(0, V, NO_ROUND);
    let proposer = bench.engine.proposer(Height::new(1), round(0)).get();
    for by in others.into_iter().filter(|by| *by != proposer) {
        let statement = bench.statement(VoteKind::Proposal, 0, Some(W), NO_ROUND);
        assert_eq!(bench.say(by, statement), Err(RefusedMessage::InvalidVote));
    }
}

#[test]
fn a_proposer_that_says_two_things_is_on_record() {
    let (mut bench, others) = bystander();
    bench.propose(0, V, NO_ROUND);
    bench.propose(0, W, NO_ROUND);
    let proposer = bench.engine.proposer(Height::new(1), round(0));
    assert_eq!(bench.evidence.len(), 1);
    assert_eq!(bench.evidence[0].0, proposer);
    assert_eq!(
        bench.said(VoteKind::Prevote, 0),
        Some((Some(V), NO_ROUND)),
        "the first counts"
    );
    // Either may get the polka.
    bench.prevote(&others, 0, Some(W), NO_ROUND);
    assert_eq!(bench.engine.locked(), Some((round(0), W)));
    let third = bench.statement(VoteKind::Proposal, 0, Some(Hash::ZERO), NO_ROUND);
    assert_eq!(
        bench.say(proposer.get(), third),
        Err(RefusedMessage::ConflictKnown)
    );
}

#[test]
fn weights_that_would_overflow_are_refused() {
    let config = ConsensusConfig::default();
    let make = |weights: &[u64]| {
        let view = CommitteeView { weights, me: None };
        ConsensusEngine::new(&limits(128), &config, context(), view).map(|_| ())
    };
    assert_eq!(make(&[WEIGHT_MAX; 128]), Ok(()));
    let above = ConsensusError::Committee(CommitteeError::WeightOutOfRange);
    assert_eq!(make(&[WEIGHT_MAX + 1]), Err(above));
    assert_eq!(make(&[0]), Err(above));
    const { assert!(WEIGHT_MAX as u128 * 128 <= WEIGHT_SUM_MAX as u128) };
    const { assert!(WEIGHT_SUM_MAX.checked_mul(3).is_some()) };
}

#[test]
fn a_flood_of_future_rounds_takes_no_memory() {
    let (mut bench, others) = bystander();
    bench.auto_verify = false;
    let mut taken = 0;
    for at in 2..2_000_u32 {
        let statement = bench.statement(VoteKind::Prevote, at, Some(V), NO_ROUND);
        taken += usize::from(bench.say(others[0], statement).is_ok());
    }
    let places = usize::from(bench.engine.limits().pending_per_peer_max);
    assert_eq!(taken, places, "a peer fills its own places and no others");
    bench.prevote(&others[1..], 0, None, NO_ROUND);
    bench.engine.verify().unwrap();
}

#[test]
fn a_decision_in_round_1_reaches_a_member_in_round_0() {
    let (mut bench, others) = bystander();
    bench.propose(0, V, NO_ROUND);
    let commit = bench.certificate_bytes(VoteKind::Precommit, &others, 1, V, NO_ROUND);
    bench.bytes(others[2], &commit).unwrap();
    assert_eq!(bench.engine.decided(), Some((round(1), V)));
    let mut out = vec![0; message_bytes_max(bench.engine.limits())];
    let len = bench
        .engine
        .write_message(&Outgoing::CommitCertificate, &mut out)
        .unwrap();
    assert_eq!(out[..len], commit, "it can pass the proof on");
}

/// A proposer that contradicted itself in one round is still heard once in another. Members differ
/// in what they know of it, and those that know most must not be the ones that hear least.
#[test]
fn a_liar_is_heard_once_in_each_round() {
    let mut bench = Bench::new(0);
    bench.propose(0, V, NO_ROUND);
    bench.propose(0, W, NO_ROUND);
    let liar = bench.engine.proposer(bench.engine.height(), round(0));
    assert_eq!(bench.evidence.len(), 1);
    let again = (1..64)
        .find(|at| bench.engine.proposer(bench.engine.height(), round(*at)) == liar)
        .unwrap();
    let others = bench.others();
    let third = Hash::new([3; 32]);
    bench.prevote(&others[..2], again, None, NO_ROUND);
    assert_eq!(bench.engine.round(), round(again), "R8");
    bench.propose(again, third, NO_ROUND);
    assert_eq!(
        bench.said(VoteKind::Prevote, again),
        Some((Some(third), NO_ROUND))
    );
    let second = bench.statement(VoteKind::Proposal, again, Some(V), NO_ROUND);
    let refused = bench.say(liar.get(), second);
    assert_eq!(refused, Err(RefusedMessage::ConflictKnown));
}

//! S1 to S3: what members tell each other when nothing moves.

use super::kit::{Bench, MS, engine, member, round};
use crate::consensus::*;
use crate::types::{Hash, Height};
use crate::vote::NO_ROUND;
use std::vec::Vec;

const V: Hash = Hash::new([1; 32]);

fn bystander() -> (Bench, [u16; 3]) {
    let probe = engine(&[1; 4], Some(0), &ConsensusConfig::default());
    let proposers = [0, 1].map(|at| probe.proposer(Height::new(1), round(at)).get());
    let me = (0..4).find(|me| !proposers.contains(me)).unwrap();
    let bench = Bench::new(me);
    let others = bench.others().try_into().unwrap();
    (bench, others)
}

fn empty(at: u32) -> Status {
    Status {
        round: round(at),
        step: Step::Propose,
        has_proposal: false,
        prevotes: MemberSet::EMPTY,
        precommits: MemberSet::EMPTY,
        claims: [None; 2],
    }
}

/// What a member is sent in answer to a status.
fn answers(bench: &mut Bench, by: u16, status: Status) -> Vec<Vec<u8>> {
    bench.take_sent();
    bench.body(by, MessageBody::Status(status)).unwrap();
    bench.drain();
    let sent = bench.take_sent().into_iter();
    sent.filter(|(to, _)| *to == Recipient::One(member(by)))
        .map(|(_, bytes)| bytes)
        .collect()
}

fn kinds(messages: &[Vec<u8>]) -> Vec<u8> {
    messages.iter().map(|bytes| bytes[1]).collect()
}

#[test]
fn s1_whoever_does_not_move_says_where_it_stands_ever_less_often() {
    let (mut bench, _) = bystander();
    bench.time_out(TimerKind::Propose);
    bench.take_sent();
    let mut at = Vec::new();
    for ms in 1..=3_000_u64 {
        bench.pass(1);
        let sent = bench.take_sent();
        let is_status = |(to, bytes): &(Recipient, Vec<u8>)| *to == Recipient::All && bytes[1] == 3;
        if sent.iter().any(is_status) {
            at.push(ms);
        }
    }
    assert_eq!(at, [50, 150, 350, 750, 1_550, 2_550]);
    assert!(bench.engine.next_deadline().unwrap().get() > 3_000 * MS);
}

#[test]
fn s2_a_peer_in_the_same_round_gets_what_it_lacks() {
    let (mut bench, others) = bystander();
    bench.propose(0, V, NO_ROUND);
    bench.prevote(&others[..1], 0, Some(V), NO_ROUND);
    let sent = answers(&mut bench, others[1], empty(0));
    assert_eq!(kinds(&sent), [1, 2], "the proposal, and two prevotes");
    let known = Status {
        has_proposal: true,
        prevotes: bench.engine.status().prevotes,
        ..empty(0)
    };
    assert_eq!(kinds(&answers(&mut bench, others[1], known)), [0_u8; 0]);
}

#[test]
fn s2_no_more_votes_are_sent_than_a_message_holds() {
    let mut limits = super::kit::limits(10);
    limits.votes_per_message_max = 3;
    let view = CommitteeView {
        weights: &[1; 10],
        me: Some(member(9)),
    };
    let config = ConsensusConfig::default();
    let engine = ConsensusEngine::new(&limits, &config, super::kit::context(), view).unwrap();
    let mut bench = Bench::of(engine);
    bench.prevote(&[0, 1, 2, 3, 4, 5], 0, None, NO_ROUND);
    let sent = answers(&mut bench, 7, empty(0));
    assert_eq!(kinds(&sent), [2]);
    let message = Message::decode(&sent[0], &limits).unwrap();
    assert!(matches!(message.body, MessageBody::Votes(votes) if votes.len() == 3));
}

#[test]
fn s2_a_peer_in_an_earlier_round_gets_own_votes_of_two_rounds() {
    let (mut bench, others) = bystander();
    bench.precommit(&others, 0, None);
    bench.propose(1, V, NO_ROUND);
    assert_eq!(bench.engine.round(), round(1));
    let sent = answers(&mut bench, others[0], empty(0));
    let own = bench.engine.committee().me().unwrap();
    let mut rounds = Vec::new();
    for bytes in &sent {
        let message = Message::decode(bytes, bench.engine.limits()).unwrap();
        if let MessageBody::Vote(vote) = message.body {
            assert_eq!(vote.member, own);
            rounds.push((vote.statement.kind, vote.statement.round.get()));
        }
    }
    let expected = [
        (VoteKind::Prevote, 1),
        (VoteKind::Prevote, 0),
        (VoteKind::Precommit, 0),
    ];
    assert_eq!(rounds, expected);
}

#[test]
fn s2_a_peer_in_a_later_round_is_told_where_this_member_stands() {
    let (mut bench, others) = bystander();
    assert_eq!(kinds(&answers(&mut bench, others[0], empty(4))), [3]);
}

#[test]
fn s2_a_claim_is_followed_once_and_again_when_time_has_passed() {
    let (mut bench, others) = bystander();
    bench.pass(1);
    let claim = Claim {
        kind: VoteKind::Prevote,
        round: round(0),
        value: V,
    };
    let status = Status {
        claims: [Some(claim), None],
        ..empty(0)
    };
    assert_eq!(kinds(&answers(&mut bench, others[0], status)), [4]);
    assert_eq!(kinds(&answers(&mut bench, others[0], status)), [0_u8; 0]);
    assert_eq!(
        kinds(&answers(&mut bench, others[1], status)),
        [0_u8; 0],
        "somebody was asked"
    );
    bench.pass(200);
    let asked = answers(&mut bench, others[1], status);
    assert!(kinds(&asked).contains(&4), "the first did not answer");
}

#[test]
fn s2_a_polka_is_shown_to_who_asks() {
    let (mut bench, others) = bystander();
    bench.propose(0, V, NO_ROUND);
    bench.prevote(&others, 0, Some(V), NO_ROUND);
    bench.take_sent();
    let request = Request::Polka {
        round: round(0),
        value: V,
    };
    bench
        .body(others[0], MessageBody::Request(request))
        .unwrap();
    bench.drain();
    let sent = bench.take_sent();
    assert_eq!(sent.len(), 1);
    // The member that asked can use it.
    let mut other = Bench::new(others[0]);
    let me = bench.engine.committee().me().unwrap().get();
    other.bytes(me, &sent[0].1).unwrap();
    assert_eq!(other.engine.valid(), Some((round(0), V)));
    let unknown = Request::Polka {
        round: round(0),
        value: Hash::ZERO,
    };
    let refused = bench.body(others[0], MessageBody::Request(unknown));
    assert_eq!(refused, Err(RefusedMessage::CertificateNotNeeded));
}

#[test]
fn s2_whoever_has_decided_shows_it() {
    let (mut bench, others) = bystander();
    bench.propose(0, V, NO_ROUND);
    bench.prevote(&others, 0, Some(V), NO_ROUND);
    bench.precommit(&others, 0, Some(V));
    assert_eq!(kinds(&answers(&mut bench, others[0], empty(0))), [6]);
    let decided = Status {
        step: Step::Decided,
        ..empty(0)
    };
    assert_eq!(kinds(&answers(&mut bench, others[0], decided)), [0_u8; 0]);
}

#[test]
fn s3_a_peer_behind_gets_what_is_stored_and_one_ahead_is_asked() {
    let (mut bench, others) = bystander();
    bench.engine.start_height(Height::new(5)).unwrap();
    bench.drain();
    bench.take_sent();
    let at = |height| Message {
        epoch: super::kit::context().epoch,
        height: Height::new(height),
        body: MessageBody::Status(empty(0)),
    };
    bench
        .engine
        .handle_message(member(others[0]), &at(3))
        .unwrap();
    bench.drain();
    let sends = Effect::SendDecided {
        to: member(others[0]),
        height: Height::new(3),
    };
    assert_eq!(bench.effects.last(), Some(&sends));
    bench
        .engine
        .handle_message(member(others[1]), &at(6))
        .unwrap();
    bench.drain();
    let sent = bench.take_sent();
    assert_eq!(sent[0].0, Recipient::One(member(others[1])));
    let message = Message::decode(&sent[0].1, bench.engine.limits()).unwrap();
    assert_eq!(message.body, MessageBody::Request(Request::Commit));
    assert_eq!(message.height, Height::new(5));
    // Who was there first is greeted when this member comes.
    bench.engine.start_height(Height::new(6)).unwrap();
    bench.drain();
    let greeted = bench.take_sent();
    assert!(
        greeted
            .iter()
            .any(|(to, bytes)| { *to == Recipient::One(member(others[1])) && bytes[1] == 3 })
    );
}

#[test]
fn peers_that_ask_too_much_are_not_answered() {
    let (mut bench, others) = bystander();
    let burst = bench.engine.config().reply_rate.burst_count;
    for _ in 0..burst {
        bench
            .body(others[0], MessageBody::Status(empty(0)))
            .unwrap();
    }
    let refused = bench.body(others[0], MessageBody::Status(empty(0)));
    assert_eq!(refused, Err(RefusedMessage::RateExceeded));
    bench
        .body(others[1], MessageBody::Status(empty(0)))
        .unwrap();
    bench.pass(5);
    bench
        .body(others[0], MessageBody::Status(empty(0)))
        .unwrap();
    bench.engine.verify().unwrap();
}

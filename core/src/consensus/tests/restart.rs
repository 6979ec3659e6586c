//! A restarted member is a slow member: it says the same again, and goes on.

use super::kit::{Bench, engine, round};
use crate::consensus::*;
use crate::types::{Hash, Height};
use crate::vote::NO_ROUND;

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

fn restarted(bench: &Bench) -> Bench {
    let me = bench.engine.committee().me().unwrap().get();
    let mut again = Bench::idle(engine(&[1; 4], Some(me), &ConsensusConfig::default()));
    again
        .engine
        .resume_height(bench.engine.height(), &bench.record)
        .unwrap();
    again.drain();
    again.engine.verify().unwrap();
    again
}

#[test]
fn what_was_said_is_said_again() {
    let (mut bench, others) = bystander();
    bench.propose(0, V, NO_ROUND);
    bench.prevote(&others, 0, Some(V), NO_ROUND);
    let again = restarted(&bench);
    assert_eq!(again.own_statements(), bench.own_statements());
    assert_eq!(again.engine.step(), Step::Precommit);
    assert_eq!(again.engine.locked(), Some((round(0), V)));
    assert_eq!(again.engine.valid(), Some((round(0), V)));
}

#[test]
fn votes_of_two_rounds_come_back() {
    let (mut bench, others) = bystander();
    bench.propose(0, V, NO_ROUND);
    bench.prevote(&others, 0, Some(V), NO_ROUND);
    bench.precommit(&others[..2], 0, None);
    bench.propose(1, V, 0);
    let again = restarted(&bench);
    assert_eq!(again.engine.round(), round(1));
    assert_eq!(again.engine.step(), Step::Prevote);
    assert_eq!(
        again.said(VoteKind::Precommit, 0),
        Some((Some(V), NO_ROUND))
    );
    assert_eq!(again.said(VoteKind::Prevote, 1), Some((Some(V), 0)));
}

#[test]
fn a_lock_survives_the_power_failing_everywhere() {
    let (mut bench, others) = bystander();
    bench.propose(0, V, NO_ROUND);
    bench.prevote(&others, 0, Some(V), NO_ROUND);
    bench.precommit(&others[..2], 0, None);
    bench.pass(400);
    assert_eq!(bench.said(VoteKind::Prevote, 1), Some((None, NO_ROUND)));
    let mut again = restarted(&bench);
    again.precommit(&others, 1, None);
    assert_eq!(again.engine.round(), round(2));
    again.take_sent();
    again.propose(2, W, NO_ROUND);
    assert_eq!(again.said(VoteKind::Prevote, 2), Some((None, NO_ROUND)));
    let request = Request::Polka {
        round: round(0),
        value: V,
    };
    again
        .body(others[0], MessageBody::Request(request))
        .unwrap();
    again.drain();
    let shown = again.sent.iter().any(|(_, bytes)| {
        let message = Message::decode(bytes, again.engine.limits()).unwrap();
        matches!(message.body, MessageBody::PolkaCertificate(_))
    });
    assert!(shown, "the polka came back from disk");
}

#[test]
fn a_proposer_does_not_propose_twice() {
    let probe = engine(&[1; 4], Some(0), &ConsensusConfig::default());
    let me = probe.proposer(Height::new(1), round(0)).get();
    let bench = Bench::new(me);
    let first = bench.said(VoteKind::Proposal, 0);
    let mut again = Bench::idle(engine(&[1; 4], Some(me), &ConsensusConfig::default()));
    again.proposal = Some(W);
    again
        .engine
        .resume_height(Height::new(1), &bench.record)
        .unwrap();
    again.drain();
    assert_eq!(again.said(VoteKind::Proposal, 0), first);
    assert!(
        !again
            .effects
            .iter()
            .any(|effect| matches!(effect, Effect::GetValue { .. }))
    );
}

#[test]
fn counters_of_records_go_on() {
    let (mut bench, others) = bystander();
    bench.propose(0, V, NO_ROUND);
    bench.prevote(&others, 0, Some(V), NO_ROUND);
    let mut again = restarted(&bench);
    again.precommit(&others[..2], 0, None);
    again.propose(1, V, 0);
    let seqs = again.effects.iter().filter_map(|effect| match effect {
        Effect::Persist { seq } => Some(*seq),
        _ => None,
    });
    assert!(seqs.eq([3]), "two were written before");
}

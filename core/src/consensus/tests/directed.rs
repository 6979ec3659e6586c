//! What each rule is for: a schedule that does harm without it, and none with it.

use super::kit::{Bench, context, engine, round, sign, value};
use crate::consensus::*;
use crate::types::{Hash, Height};
use crate::vote::NO_ROUND;
use std::vec;
use std::vec::Vec;

const V: Hash = Hash::new([1; 32]);
const W: Hash = Hash::new([2; 32]);

/// A member that proposes in none of the first `rounds` rounds, weakened so.
fn bystander(rounds: u32, breaks: Breaks) -> (Bench, [u16; 3]) {
    let probe = engine(&[1; 4], Some(0), &ConsensusConfig::default());
    let proposes =
        |me: &u16| (0..rounds).any(|at| probe.proposer(Height::new(1), round(at)).get() == *me);
    let me = (0..4).find(|me| !proposes(me)).unwrap();
    let mut bench = Bench::idle(engine(&[1; 4], Some(me), &ConsensusConfig::default()));
    bench.engine.weaken(breaks);
    bench.engine.start_height(Height::new(1)).unwrap();
    bench.drain();
    let others = bench.others().try_into().unwrap();
    (bench, others)
}

/// Leads a member through a round that ends with nothing.
fn skip_round(bench: &mut Bench, others: &[u16; 3], at: u32) {
    bench.precommit(others, at, None);
    assert_eq!(bench.engine.round(), round(at + 1));
}

/// A polka of the round before was for V; the proposal claims that it was for W.
fn prevote_behind_another_polka(breaks: Breaks) -> Option<(Option<Hash>, i32)> {
    let (mut bench, others) = bystander(2, breaks);
    bench.propose(0, V, NO_ROUND);
    bench.prevote(&others, 0, Some(V), NO_ROUND);
    assert_eq!(bench.engine.locked(), Some((round(0), V)));
    bench.precommit(&others[..2], 0, None);
    assert_eq!(bench.engine.round(), round(1));
    bench.propose(1, W, 0);
    bench.said(VoteKind::Prevote, 1)
}

#[test]
fn a_polka_proves_its_own_value_only() {
    assert_eq!(prevote_behind_another_polka(Breaks::default()), None);
    let blind = Breaks {
        ignores_polka_value: true,
        ..Breaks::default()
    };
    let unlocked = prevote_behind_another_polka(blind);
    assert_eq!(
        unlocked,
        Some((Some(W), 0)),
        "a member locked on V votes for W"
    );
}

/// The same by a certificate, which proves V whatever the proposal claims.
#[test]
fn a_certificate_proves_its_own_value_only() {
    for (ignores_polka_value, is_harmed) in [(false, false), (true, true)] {
        let breaks = Breaks {
            ignores_polka_value,
            ..Breaks::default()
        };
        let (mut bench, others) = bystander(3, breaks);
        skip_round(&mut bench, &others, 0);
        bench.propose(1, V, NO_ROUND);
        bench.prevote(&others, 1, Some(V), NO_ROUND);
        assert_eq!(bench.engine.locked(), Some((round(1), V)));
        bench.precommit(&others[..2], 1, None);
        bench.propose(2, W, 1);
        let polka = bench.polka_bytes(&others, 1, V, NO_ROUND);
        let refused = bench.bytes(others[0], &polka);
        assert_eq!(refused, Err(RefusedMessage::CertificateNotNeeded));
        let voted = bench.said(VoteKind::Prevote, 2);
        assert_eq!(voted == Some((Some(W), 1)), is_harmed);
    }
}

/// A member locked on (1, V) is shown an older polka, for W in round 0, that a proposal needs.
fn after_an_old_polka(breaks: Breaks) -> Bench {
    let (mut bench, others) = bystander(3, breaks);
    bench.pass(300);
    skip_round(&mut bench, &others, 0);
    bench.propose(1, V, NO_ROUND);
    bench.prevote(&others, 1, Some(V), NO_ROUND);
    assert_eq!(bench.engine.locked(), Some((round(1), V)));
    bench.precommit(&others[..2], 1, None);
    bench.propose(2, W, 0);
    let old = bench.polka_bytes(&others, 0, W, NO_ROUND);
    bench.bytes(others[0], &old).unwrap();
    assert_eq!(
        bench.said(VoteKind::Prevote, 2),
        Some((None, NO_ROUND)),
        "the lock holds"
    );
    bench.take_sent();
    skip_round(&mut bench, &others, 2);
    skip_round(&mut bench, &others, 3);
    bench
}

/// Whether a member can prove the polka of what it is locked on, after a restart from its record.
fn can_prove_its_lock(bench: &mut Bench) -> bool {
    bench.record = vec![0; record_bytes_max(bench.engine.limits())];
    bench.engine.write_record(&mut bench.record).unwrap();
    let me = bench.engine.committee().me().unwrap().get();
    let mut again = Bench::idle(engine(&[1; 4], Some(me), &ConsensusConfig::default()));
    again
        .engine
        .resume_height(Height::new(1), &bench.record)
        .unwrap();
    again.drain();
    assert_eq!(again.engine.locked(), Some((round(1), V)));
    let peer = bench.others()[0];
    let request = Request::Polka {
        round: round(1),
        value: V,
    };
    let answered = again.body(peer, MessageBody::Request(request));
    again.drain();
    answered.is_ok()
        && again.sent.iter().any(|(_, bytes)| {
            let message = Message::decode(bytes, again.engine.limits()).unwrap();
            let MessageBody::PolkaCertificate(polka) = message.body else {
                return false;
            };
            let statement = polka.statement(VoteKind::Prevote, message.height, Hash::ZERO);
            let bytes = statement.sign_bytes(&context());
            assert_eq!((polka.round, polka.value), (round(1), V));
            polka
                .iter()
                .all(|entry| entry.signature == sign(entry.member, &bytes))
        })
}

#[test]
fn an_old_polka_never_takes_the_place_of_the_valid_values() {
    let mut bench = after_an_old_polka(Breaks::default());
    bench.engine.verify().unwrap();
    assert!(can_prove_its_lock(&mut bench));
    let single = Breaks {
        has_single_polka_slot: true,
        ..Breaks::default()
    };
    let mut weak = after_an_old_polka(single);
    assert_eq!(weak.engine.locked(), Some((round(1), V)));
    assert!(
        !can_prove_its_lock(&mut weak),
        "others can never be shown why it refuses"
    );
}

#[test]
fn a_lock_outlives_its_round() {
    for (forgets_lock, voted) in [(false, None), (true, Some(W))] {
        let breaks = Breaks {
            forgets_lock,
            ..Breaks::default()
        };
        let (mut bench, others) = bystander(2, breaks);
        bench.propose(0, V, NO_ROUND);
        bench.prevote(&others, 0, Some(V), NO_ROUND);
        bench.precommit(&others[..2], 0, None);
        bench.propose(1, W, NO_ROUND);
        let prevote = bench.said(VoteKind::Prevote, 1);
        assert_eq!(prevote, Some((voted, NO_ROUND)));
    }
}

/// Three correct members and a liar that proposes in round 1. All lock V in round 0; one of them
/// decides it, with the liar's precommit. What do the other two decide?
fn decided_by_the_others(breaks: Breaks) -> [Option<Hash>; 2] {
    let probe = engine(&[1; 4], Some(0), &ConsensusConfig::default());
    let proposer = |at| probe.proposer(Height::new(1), round(at)).get();
    let (first, liar) = (proposer(0), proposer(1));
    assert_ne!(first, liar);
    let v = value(99);
    let members: Vec<u16> = (0..4).filter(|by| *by != liar).collect();
    let mut benches: Vec<Bench> = members
        .iter()
        .map(|me| {
            let mut bench = Bench::idle(engine(&[1; 4], Some(*me), &ConsensusConfig::default()));
            bench.engine.weaken(breaks);
            bench.engine.start_height(Height::new(1)).unwrap();
            bench.drain();
            if *me != first {
                bench.propose(0, v, NO_ROUND);
            }
            let others = bench.others();
            bench.prevote(&others, 0, Some(v), NO_ROUND);
            assert_eq!(bench.engine.locked(), Some((round(0), v)));
            bench
        })
        .collect();
    benches[0].precommit(&[members[1], liar], 0, Some(v));
    assert_eq!(benches[0].engine.decided(), Some((round(0), v)));
    for (at, other) in [(1, members[2]), (2, members[1])] {
        benches[at].precommit(&[other], 0, Some(v));
        benches[at].precommit(&[liar], 0, None);
        benches[at].time_out(TimerKind::Precommit);
        benches[at].propose(1, W, NO_ROUND);
    }
    // Each hears what the other really says, and the liar.
    for (at, other) in [(1, 2), (2, 1)] {
        let (vote, valid_round) = benches[other].said(VoteKind::Prevote, 1).unwrap();
        benches[at].prevote(&[members[other]], 1, vote, valid_round);
        benches[at].prevote(&[liar], 1, Some(W), NO_ROUND);
    }
    for (at, other) in [(1, 2), (2, 1)] {
        if let Some((vote, _)) = benches[other].said(VoteKind::Precommit, 1) {
            benches[at].precommit(&[members[other]], 1, vote);
        }
        benches[at].precommit(&[liar], 1, Some(W));
    }
    [1, 2].map(|at| benches[at].engine.decided().map(|(_, value)| value))
}

#[test]
fn a_forgotten_lock_breaks_agreement() {
    assert_eq!(decided_by_the_others(Breaks::default()), [None; 2]);
    let forgets = Breaks {
        forgets_lock: true,
        ..Breaks::default()
    };
    let harm = decided_by_the_others(forgets);
    assert_eq!(harm, [Some(W); 2], "while another decided V");
}

#[test]
fn a_hidden_lock_is_found_by_claims() {
    for (has_no_claims, is_found) in [(false, true), (true, false)] {
        let breaks = Breaks {
            has_no_claims,
            ..Breaks::default()
        };
        let probe = engine(&[1; 4], Some(0), &ConsensusConfig::default());
        let me = probe.proposer(Height::new(1), round(1)).get();
        let mut bench = Bench::idle(engine(&[1; 4], Some(me), &ConsensusConfig::default()));
        bench.engine.weaken(breaks);
        bench.engine.start_height(Height::new(1)).unwrap();
        bench.drain();
        let others: [u16; 3] = bench.others().try_into().unwrap();
        skip_round(&mut bench, &others, 0);
        // One member claims a polka of round 0 that this proposer never saw.
        let claim = Claim {
            kind: VoteKind::Prevote,
            round: round(0),
            value: V,
        };
        let status = |claims| Status {
            round: round(1),
            step: Step::Propose,
            has_proposal: false,
            prevotes: MemberSet::EMPTY,
            precommits: MemberSet::EMPTY,
            claims,
        };
        bench
            .body(others[0], MessageBody::Status(status([Some(claim), None])))
            .unwrap();
        bench.drain();
        for by in &others[1..] {
            bench
                .body(*by, MessageBody::Status(status([None; 2])))
                .unwrap();
            bench.drain();
        }
        if is_found {
            assert_eq!(
                bench.said(VoteKind::Proposal, 1),
                None,
                "the certificate is on its way"
            );
            let polka = bench.polka_bytes(&others, 0, V, NO_ROUND);
            bench.bytes(others[0], &polka).unwrap();
        }
        let proposed = bench.said(VoteKind::Proposal, 1);
        let wanted = if is_found {
            (Some(V), 0)
        } else {
            (Some(value(99)), NO_ROUND)
        };
        assert_eq!(proposed, Some(wanted));
    }
}

#[test]
fn a_polka_that_equivocation_hides_is_shown_by_its_certificate() {
    let (mut bench, others) = bystander(1, Breaks::default());
    bench.propose(0, V, NO_ROUND);
    // The liar told this member nil and others V: here the polka is never seen.
    bench.prevote(&others[..1], 0, None, NO_ROUND);
    bench.prevote(&others[1..2], 0, Some(V), NO_ROUND);
    assert_eq!(bench.engine.locked(), None);
    let polka = bench.polka_bytes(&others, 0, V, NO_ROUND);
    bench.bytes(others[1], &polka).unwrap();
    assert_eq!(bench.engine.locked(), Some((round(0), V)));
    assert_eq!(
        bench.said(VoteKind::Precommit, 0),
        Some((Some(V), NO_ROUND))
    );
}

#[test]
fn own_votes_of_the_round_before_help_those_behind() {
    for (keeps_one_round, is_helped) in [(false, true), (true, false)] {
        let breaks = Breaks {
            keeps_one_round,
            ..Breaks::default()
        };
        let (mut bench, others) = bystander(2, breaks);
        bench.propose(0, V, NO_ROUND);
        bench.prevote(&others, 0, Some(V), NO_ROUND);
        bench.precommit(&others[..2], 0, None);
        assert_eq!(bench.engine.round(), round(1));
        // The power fails; what is left is the record. Nobody else has this member's precommit.
        bench.propose(1, V, 0);
        let record = bench.record.clone();
        let me = bench.engine.committee().me().unwrap().get();
        let mut again = Bench::idle(engine(&[1; 4], Some(me), &ConsensusConfig::default()));
        again.engine.weaken(breaks);
        again.engine.resume_height(Height::new(1), &record).unwrap();
        again.drain();
        again.take_sent();
        let status = Status {
            round: round(0),
            step: Step::Precommit,
            has_proposal: true,
            prevotes: MemberSet::first(4),
            precommits: MemberSet::EMPTY,
            claims: [None; 2],
        };
        again.body(others[0], MessageBody::Status(status)).unwrap();
        again.drain();
        let has_it = again.said(VoteKind::Precommit, 0) == Some((Some(V), NO_ROUND));
        assert_eq!(has_it, is_helped);
    }
}

#[test]
fn who_forgets_what_it_signed_contradicts_itself() {
    for (forgets_signed, is_harmed) in [(false, false), (true, true)] {
        let (bench, _) = bystander(1, Breaks::default());
        let me = bench.engine.committee().me().unwrap().get();
        let mut bench = Bench::with(me, &ConsensusConfig::default());
        bench.propose(0, V, NO_ROUND);
        assert_eq!(bench.said(VoteKind::Prevote, 0), Some((Some(V), NO_ROUND)));
        let mut again = Bench::idle(engine(&[1; 4], Some(me), &ConsensusConfig::default()));
        again.engine.weaken(Breaks {
            forgets_signed,
            ..Breaks::default()
        });
        again
            .engine
            .resume_height(Height::new(1), &bench.record)
            .unwrap();
        again.drain();
        again.pass(300);
        let voted = again.said(VoteKind::Prevote, 0).unwrap();
        assert_eq!(voted == (None, NO_ROUND), is_harmed, "{voted:?}");
    }
}

//! Each rule of the table in `docs/consensus.md`, alone.

use super::kit::{Bench, MS, engine, member, round, value};
use crate::consensus::*;
use crate::types::{Hash, Height};
use crate::vote::NO_ROUND;

const V: Hash = Hash::new([1; 32]);
const W: Hash = Hash::new([2; 32]);

/// A member that does not propose in the first three rounds of height 1, and the others.
fn bystander() -> (Bench, [u16; 3]) {
    let probe = engine(&[1; 4], Some(0), &ConsensusConfig::default());
    let proposers = [0, 1, 2].map(|at| probe.proposer(Height::new(1), round(at)).get());
    let me = (0..4).find(|me| !proposers.contains(me)).unwrap();
    let bench = Bench::new(me);
    let others = bench.others().try_into().unwrap();
    (bench, others)
}

/// The same, which proposes in `at` and in no round before.
fn proposer_of(at: u32, config: &ConsensusConfig) -> Bench {
    let probe = engine(&[1; 4], Some(0), config);
    let me = probe.proposer(Height::new(1), round(at));
    assert!((0..at).all(|before| probe.proposer(Height::new(1), round(before)) != me));
    Bench::with(me.get(), config)
}

#[test]
fn r0_the_proposer_asks_for_a_value_and_proposes_it() {
    let bench = proposer_of(0, &ConsensusConfig::default());
    assert_eq!(
        bench.said(VoteKind::Proposal, 0),
        Some((Some(value(99)), NO_ROUND))
    );
    assert_eq!(
        bench.said(VoteKind::Prevote, 0),
        Some((Some(value(99)), NO_ROUND))
    );
    let asked = bench.effects.iter().find_map(|effect| match effect {
        Effect::GetValue { deadline, .. } => Some(*deadline),
        _ => None,
    });
    assert_eq!(asked.unwrap().get(), 300 * MS, "others wait so long");
}

#[test]
fn r0_a_proposer_without_a_value_lets_the_round_pass() {
    let config = ConsensusConfig::default();
    let me = engine(&[1; 4], Some(0), &config).proposer(Height::new(1), round(0));
    let mut bench = Bench::idle(engine(&[1; 4], Some(me.get()), &config));
    bench.proposal = None;
    bench.engine.start_height(Height::new(1)).unwrap();
    bench.drain();
    bench.pass(299);
    assert_eq!(bench.said(VoteKind::Prevote, 0), None);
    bench.pass(1);
    assert_eq!(bench.said(VoteKind::Prevote, 0), Some((None, NO_ROUND)));
    assert_eq!(bench.said(VoteKind::Proposal, 0), None);
    assert!(
        !bench
            .engine
            .handle_value(Height::new(2), round(0), V, Hash::ZERO),
        "another height's value is stale"
    );
}

#[test]
fn r1_a_valid_proposal_gets_a_prevote() {
    let (mut bench, _) = bystander();
    bench.propose(0, V, NO_ROUND);
    assert_eq!(bench.said(VoteKind::Prevote, 0), Some((Some(V), NO_ROUND)));
    assert_eq!(bench.engine.step(), Step::Prevote);
}

#[test]
fn r1_an_invalid_proposal_gets_a_prevote_for_nil() {
    let (mut bench, _) = bystander();
    bench.invalid.push(V);
    bench.propose(0, V, NO_ROUND);
    assert_eq!(bench.said(VoteKind::Prevote, 0), Some((None, NO_ROUND)));
}

#[test]
fn r1_waits_for_the_host_to_say_whether_a_value_is_valid() {
    let (mut bench, _) = bystander();
    bench.unknown.push(V);
    bench.propose(0, V, NO_ROUND);
    assert_eq!(bench.engine.step(), Step::Propose);
    let good = Validity::Valid {
        extension_hash: Hash::ZERO,
    };
    assert!(bench.engine.handle_validity(Height::new(1), V, good));
    assert!(
        !bench
            .engine
            .handle_validity(Height::new(1), V, Validity::Invalid)
    );
    assert!(
        !bench.engine.handle_validity(Height::new(1), W, good),
        "nobody asked"
    );
    bench.drain();
    assert_eq!(bench.said(VoteKind::Prevote, 0), Some((Some(V), NO_ROUND)));
}

/// Locks a member on V in round 0 and leads it into round 1.
fn locked() -> (Bench, [u16; 3]) {
    let (mut bench, others) = bystander();
    bench.propose(0, V, NO_ROUND);
    bench.prevote(&others, 0, Some(V), NO_ROUND);
    assert_eq!(bench.engine.locked(), Some((round(0), V)));
    // Two for nil and one for V: nothing can be decided any more (E2).
    bench.precommit(&others[..2], 0, None);
    assert_eq!(bench.engine.round(), round(1));
    (bench, others)
}

#[test]
fn r1_a_locked_member_refuses_another_fresh_value() {
    let (mut bench, _) = locked();
    bench.propose(1, W, NO_ROUND);
    assert_eq!(bench.said(VoteKind::Prevote, 1), Some((None, NO_ROUND)));
}

#[test]
fn r1_a_locked_member_takes_its_own_value_again() {
    let (mut bench, _) = locked();
    bench.propose(1, V, NO_ROUND);
    assert_eq!(bench.said(VoteKind::Prevote, 1), Some((Some(V), NO_ROUND)));
}

#[test]
fn r2_a_value_with_its_polka_is_taken_again() {
    let (mut bench, _) = locked();
    bench.propose(1, V, 0);
    assert_eq!(bench.said(VoteKind::Prevote, 1), Some((Some(V), 0)));
}

#[test]
fn r2_waits_for_the_polka_and_asks_the_proposer_for_it() {
    let (mut bench, others) = bystander();
    bench.pass(300);
    bench.prevote(&others, 0, None, NO_ROUND);
    bench.precommit(&others, 0, None);
    assert_eq!(bench.engine.round(), round(1));
    bench.take_sent();
    bench.propose(1, V, 0);
    assert_eq!(bench.engine.step(), Step::Propose, "no polka is known");
    let proposer = bench.engine.proposer(Height::new(1), round(1));
    let asked = bench.sent.iter().any(|(to, bytes)| {
        let message = Message::decode(bytes, bench.engine.limits()).unwrap();
        let wanted = Request::Polka {
            round: round(0),
            value: V,
        };
        *to == Recipient::One(proposer) && message.body == MessageBody::Request(wanted)
    });
    assert!(asked);
}

#[test]
fn r2_a_later_polka_overrides_a_lock() {
    let (mut bench, others) = locked();
    // Round 1: the others find W, which this member did not hear of.
    bench.prevote(&others, 1, Some(W), NO_ROUND);
    bench.precommit(&others, 1, None);
    assert_eq!(bench.engine.round(), round(2));
    assert_eq!(bench.engine.locked(), Some((round(0), V)));
    bench.propose(2, W, 1);
    assert_eq!(bench.said(VoteKind::Prevote, 2), Some((Some(W), 1)));
}

#[test]
fn r2_an_earlier_polka_does_not_override_a_lock() {
    let (mut bench, others) = bystander();
    // A polka for W in round 0, which this member sees only after it prevoted nil.
    bench.pass(300);
    bench.prevote(&others, 0, Some(W), NO_ROUND);
    bench.precommit(&others, 0, None);
    // It locks on V in round 1.
    bench.propose(1, V, NO_ROUND);
    bench.prevote(&others, 1, Some(V), NO_ROUND);
    assert_eq!(bench.engine.locked(), Some((round(1), V)));
    bench.precommit(&others, 1, None);
    bench.propose(2, W, 0);
    assert_eq!(
        bench.said(VoteKind::Prevote, 2),
        None,
        "votes of round 0 are gone"
    );
    let polka = bench.polka_bytes(&others, 0, W, NO_ROUND);
    bench.bytes(others[0], &polka).unwrap();
    assert_eq!(bench.said(VoteKind::Prevote, 2), Some((None, NO_ROUND)));
    assert_eq!(
        bench.engine.valid(),
        Some((round(1), V)),
        "the later polka stays"
    );
}

#[test]
fn r3_a_quorum_of_any_prevotes_starts_the_timer_once() {
    let (mut bench, others) = bystander();
    bench.propose(0, V, NO_ROUND);
    assert!(bench.engine.timer(TimerKind::Prevote).is_none());
    bench.prevote(&others[..1], 0, None, NO_ROUND);
    assert!(bench.engine.timer(TimerKind::Prevote).is_none());
    bench.prevote(&others[1..2], 0, Some(W), NO_ROUND);
    let (tag, deadline) = bench.engine.timer(TimerKind::Prevote).unwrap();
    assert_eq!(deadline.get(), 100 * MS);
    bench.pass(1);
    bench.prevote(&others[2..], 0, None, NO_ROUND);
    assert_eq!(
        bench.engine.timer(TimerKind::Prevote),
        Some((tag, deadline))
    );
}

#[test]
fn r4_a_polka_locks_and_precommits() {
    let (mut bench, others) = bystander();
    bench.propose(0, V, NO_ROUND);
    bench.prevote(&others[..1], 0, Some(V), NO_ROUND);
    assert_eq!(bench.engine.locked(), None, "two of four are no quorum");
    bench.prevote(&others[1..2], 0, Some(V), NO_ROUND);
    assert_eq!(bench.engine.locked(), Some((round(0), V)));
    assert_eq!(bench.engine.valid(), Some((round(0), V)));
    assert_eq!(
        bench.said(VoteKind::Precommit, 0),
        Some((Some(V), NO_ROUND))
    );
}

#[test]
fn r4_after_the_precommit_only_the_valid_value_changes() {
    let (mut bench, others) = bystander();
    bench.pass(300);
    bench.prevote(&others[..2], 0, None, NO_ROUND);
    assert_eq!(bench.said(VoteKind::Precommit, 0), Some((None, NO_ROUND)));
    let (mut late, others) = bystander();
    late.propose(0, V, NO_ROUND);
    late.prevote(&others[..1], 0, Some(V), NO_ROUND);
    late.prevote(&others[1..2], 0, None, NO_ROUND);
    late.time_out(TimerKind::Prevote);
    assert_eq!(late.said(VoteKind::Precommit, 0), Some((None, NO_ROUND)));
    late.prevote(&others[2..], 0, Some(V), NO_ROUND);
    assert_eq!(late.engine.locked(), None);
    assert_eq!(late.engine.valid(), Some((round(0), V)));
}

#[test]
fn r4_counts_only_prevotes_with_the_proposals_valid_round() {
    let (mut bench, others) = locked();
    bench.propose(1, V, 0);
    bench.prevote(&others[..2], 1, Some(V), NO_ROUND);
    assert_eq!(
        bench.engine.locked(),
        Some((round(0), V)),
        "their valid round is another"
    );
    bench.prevote(&others[2..], 1, Some(V), 0);
    assert_eq!(bench.engine.locked(), Some((round(0), V)));
}

#[test]
fn r4_binds_what_the_host_adds() {
    let (mut bench, others) = bystander();
    bench.unknown.push(V);
    bench.propose(0, V, NO_ROUND);
    let extension_hash = value(7);
    bench
        .engine
        .handle_validity(Height::new(1), V, Validity::Valid { extension_hash });
    bench.drain();
    bench.prevote(&others, 0, Some(V), NO_ROUND);
    let statements = bench.own_statements();
    let precommit = statements
        .iter()
        .find(|s| s.kind == VoteKind::Precommit)
        .unwrap();
    assert_eq!(precommit.extension_hash, extension_hash);
}

#[test]
fn r5_a_quorum_of_nil_precommits_nil() {
    let (mut bench, others) = bystander();
    bench.propose(0, V, NO_ROUND);
    bench.prevote(&others[..2], 0, None, NO_ROUND);
    assert_eq!(bench.engine.step(), Step::Prevote);
    bench.prevote(&others[2..], 0, None, NO_ROUND);
    assert_eq!(bench.said(VoteKind::Precommit, 0), Some((None, NO_ROUND)));
}

#[test]
fn r6_a_quorum_of_any_precommits_starts_the_timer() {
    let (mut bench, others) = bystander();
    bench.precommit(&others[..1], 0, Some(V));
    bench.precommit(&others[1..2], 0, Some(V));
    assert!(bench.engine.timer(TimerKind::Precommit).is_none());
    bench.precommit(&others[2..], 0, None);
    assert!(
        bench.engine.timer(TimerKind::Precommit).is_some(),
        "this member's may decide"
    );
    assert_eq!(bench.engine.round(), round(0));
}

#[test]
fn e2_a_round_in_which_nothing_can_be_decided_is_left_at_once() {
    let (mut bench, others) = bystander();
    bench.precommit(&others[..1], 0, Some(V));
    bench.precommit(&others[1..], 0, None);
    assert_eq!(bench.engine.round(), round(1));
    let config = ConsensusConfig {
        hurries_split: false,
        ..ConsensusConfig::default()
    };
    let me = bench.engine.committee().me().unwrap().get();
    let mut slow = Bench::with(me, &config);
    slow.precommit(&others[..1], 0, Some(V));
    slow.precommit(&others[1..], 0, None);
    assert_eq!(slow.engine.round(), round(0));
    slow.time_out(TimerKind::Precommit);
    assert_eq!(slow.engine.round(), round(1));
}

#[test]
fn r7_a_quorum_of_precommits_decides() {
    let (mut bench, others) = bystander();
    bench.propose(0, V, NO_ROUND);
    bench.prevote(&others, 0, Some(V), NO_ROUND);
    bench.precommit(&others[..2], 0, Some(V));
    assert_eq!(bench.engine.decided(), Some((round(0), V)));
    let told = bench
        .effects
        .iter()
        .filter(|effect| matches!(effect, Effect::Decide { .. }));
    assert_eq!(told.count(), 1);
    assert_eq!(
        bench.engine.next_deadline(),
        None,
        "nothing is left to wait for"
    );
}

#[test]
fn r7_decides_in_an_earlier_and_in_a_later_round() {
    let (mut bench, others) = locked();
    bench.precommit(&others[2..], 0, Some(V));
    assert_eq!(bench.engine.decided(), None, "two for V, two for nil");
    let (mut bench, others) = bystander();
    bench.unknown.push(V);
    bench.precommit(&others, 1, Some(V));
    assert_eq!(bench.engine.round(), round(1), "R8 moves it on");
    assert_eq!(bench.engine.decided(), None, "the value is not known yet");
    let good = Validity::Valid {
        extension_hash: Hash::ZERO,
    };
    assert!(bench.engine.handle_validity(Height::new(1), V, good));
    assert_eq!(bench.engine.decided(), Some((round(1), V)));
}

#[test]
fn r8_more_than_a_third_in_later_rounds_pull_a_member_along() {
    let (mut bench, others) = bystander();
    bench.prevote(&others[..1], 5, None, NO_ROUND);
    assert_eq!(bench.engine.round(), round(0), "one of four may lie");
    bench.prevote(&others[1..2], 3, None, NO_ROUND);
    assert_eq!(
        bench.engine.round(),
        round(3),
        "two of four reached round 3, one round 5"
    );
    assert_eq!(
        bench.said(VoteKind::Prevote, 0),
        Some((None, NO_ROUND)),
        "before it leaves"
    );
    assert_eq!(bench.said(VoteKind::Precommit, 0), Some((None, NO_ROUND)));
}

#[test]
fn r9_timers_of_another_round_are_stale() {
    let (mut bench, others) = bystander();
    let (tag, _) = bench.engine.timer(TimerKind::Propose).unwrap();
    bench.precommit(&others, 0, None);
    assert_eq!(bench.engine.round(), round(1));
    assert!(!bench.engine.handle_timer(tag));
    assert_eq!(bench.engine.step(), Step::Propose);
    let back = bench.engine.now();
    bench.pass(5);
    assert_eq!(
        bench.engine.handle_now(back),
        Err(ConsensusMisuse::TimeWentBack)
    );
}

#[test]
fn r9_timeouts_grow_and_are_capped() {
    let timeout = Timeout {
        base_ns: 10,
        increment_ns: 7,
    };
    assert_eq!(timeout.in_round(round(0), 100), 10);
    assert_eq!(timeout.in_round(round(3), 100), 31);
    assert_eq!(timeout.in_round(round(u32::MAX), 100), 100);
}

#[test]
fn leaving_without_votes_is_a_choice() {
    let classic = ConsensusConfig::classic();
    let (probe, others) = bystander();
    let me = probe.engine.committee().me().unwrap().get();
    let mut bench = Bench::with(me, &classic);
    bench.prevote(&others[..2], 1, None, NO_ROUND);
    assert_eq!(bench.engine.round(), round(1));
    assert_eq!(bench.own_statements(), []);
}

#[test]
fn r10_a_height_follows_the_one_before() {
    let (mut bench, others) = bystander();
    bench.propose(0, V, NO_ROUND);
    bench.prevote(&others, 0, Some(V), NO_ROUND);
    bench.precommit(&others, 0, Some(V));
    let misuse = Err(ConsensusMisuse::HeightNotNext);
    assert_eq!(bench.engine.start_height(Height::new(1)), misuse);
    bench.engine.start_height(Height::new(2)).unwrap();
    bench.drain();
    let engine = &bench.engine;
    assert_eq!(
        (engine.height(), engine.round()),
        (Height::new(2), round(0))
    );
    assert_eq!(
        (engine.locked(), engine.valid(), engine.decided()),
        (None, None, None)
    );
}

#[test]
fn e1_a_silent_proposer_is_waited_for_less_long() {
    let mut config = ConsensusConfig::default();
    for (hurries, waits_ms) in [(true, 20), (false, 300)] {
        config.hurries_inactive = hurries;
        let (probe, _) = bystander();
        let me = probe.engine.committee().me().unwrap().get();
        let mut bench = Bench::with(me, &config);
        let silent = bench.engine.proposer(Height::new(5), round(0)).get();
        assert_ne!(silent, me);
        for height in 1..5 {
            // The others are heard in each height, and the silent one never is.
            let heard = bench.others().into_iter().filter(|by| *by != silent);
            for by in heard {
                bench.prevote(&[by], 0, None, NO_ROUND);
            }
            bench.engine.start_height(Height::new(height + 1)).unwrap();
            bench.drain();
        }
        let (_, deadline) = bench.engine.timer(TimerKind::Propose).unwrap();
        assert_eq!(deadline.get(), waits_ms * MS);
    }
}

#[test]
fn a_proposer_of_a_later_round_hears_everybody_first() {
    let mut bench = proposer_of(1, &ConsensusConfig::default());
    let others = bench.others();
    bench.precommit(&others, 0, None);
    assert_eq!(bench.engine.round(), round(1));
    assert_eq!(bench.said(VoteKind::Proposal, 1), None);
    let status = Status {
        round: round(1),
        step: Step::Propose,
        has_proposal: false,
        prevotes: MemberSet::EMPTY,
        precommits: MemberSet::EMPTY,
        claims: [None; 2],
    };
    for by in &others {
        assert_eq!(bench.said(VoteKind::Proposal, 1), None);
        bench.body(*by, MessageBody::Status(status)).unwrap();
        bench.drain();
    }
    assert_eq!(
        bench.said(VoteKind::Proposal, 1),
        Some((Some(value(99)), NO_ROUND))
    );
}

#[test]
fn a_proposer_that_hears_nobody_proposes_when_half_its_time_is_over() {
    let mut bench = proposer_of(1, &ConsensusConfig::default());
    let others = bench.others();
    bench.precommit(&others, 0, None);
    bench.pass(199);
    assert_eq!(bench.said(VoteKind::Proposal, 1), None);
    bench.pass(1);
    assert_eq!(
        bench.said(VoteKind::Proposal, 1),
        Some((Some(value(99)), NO_ROUND))
    );
}

#[test]
fn a_proposer_proposes_the_value_of_the_latest_polka() {
    let mut bench = proposer_of(1, &ConsensusConfig::default());
    let others = bench.others();
    bench.propose(0, V, NO_ROUND);
    bench.prevote(&others, 0, Some(V), NO_ROUND);
    bench.precommit(&others[..2], 0, None);
    bench.time_out(TimerKind::Claims);
    assert_eq!(bench.said(VoteKind::Proposal, 1), Some((Some(V), 0)));
    assert_eq!(bench.said(VoteKind::Prevote, 1), Some((Some(V), 0)));
}

#[test]
fn one_member_alone_decides_by_itself() {
    let mut bench = Bench::of(engine(&[5], Some(0), &ConsensusConfig::default()));
    assert_eq!(bench.engine.decided(), Some((round(0), value(99))));
    assert!(bench.sent.is_empty());
    bench.engine.start_height(Height::new(2)).unwrap();
    bench.drain();
    assert_eq!(bench.engine.decided(), Some((round(0), value(99))));
}

#[test]
fn an_observer_follows_and_says_nothing() {
    let mut bench = Bench::of(engine(&[1; 4], None, &ConsensusConfig::default()));
    bench.propose(0, V, NO_ROUND);
    bench.prevote(&[0, 1, 2], 0, Some(V), NO_ROUND);
    bench.precommit(&[0, 1, 2], 0, Some(V));
    assert_eq!(bench.engine.decided(), Some((round(0), V)));
    assert_eq!(bench.own_statements(), []);
    assert!(
        !bench
            .effects
            .iter()
            .any(|effect| matches!(effect, Effect::Sign { .. }))
    );
    assert_eq!(bench.engine.committee().others().len(), 4);
    assert!(bench.engine.committee().contains(member(3)));
}

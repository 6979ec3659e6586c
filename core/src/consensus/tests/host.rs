//! Whose turns are skipped, and values that a host no longer holds.

use super::kit::{Bench, engine, member, round};
use crate::consensus::*;
use crate::types::{Hash, Height, MemberIndex};
use crate::vote::NO_ROUND;

const V: Hash = Hash::new([1; 32]);

fn set(members: &[u16]) -> MemberSet {
    let mut set = MemberSet::EMPTY;
    members.iter().for_each(|at| set.insert(member(*at)));
    set
}

#[test]
fn turns_of_the_skipped_go_to_who_stands_next_from_the_next_height_on() {
    let mut one = engine(&[1, 2, 1, 1], Some(0), &ConsensusConfig::default());
    one.start_height(Height::new(1)).unwrap();
    let turns = |engine: &ConsensusEngine| -> std::vec::Vec<MemberIndex> {
        let places = (1..40).flat_map(|height| (0..6).map(move |at| (height, at)));
        places
            .map(|(height, at)| engine.proposer(Height::new(height), round(at)))
            .collect()
    };
    let before = turns(&one);
    one.skip(set(&[1]));
    assert_eq!(
        turns(&one),
        before,
        "a height that has begun keeps its proposers"
    );
    one.start_height(Height::new(2)).unwrap();
    assert_eq!(one.skipped(), set(&[1]));
    let after = turns(&one);
    assert!(after.iter().all(|turn| *turn != member(1)));
    for (was, is) in before.iter().zip(&after) {
        assert!(was == is || *was == member(1), "the turns of others stay");
    }
    // Another engine that begins there agrees.
    let mut other = engine(&[1, 2, 1, 1], Some(2), &ConsensusConfig::default());
    other.skip(set(&[1]));
    other.start_height(Height::new(2)).unwrap();
    assert_eq!(turns(&other), after);
    // Where nobody is left, nobody is skipped.
    one.skip(set(&[0, 1, 2, 3]));
    one.start_height(Height::new(3)).unwrap();
    assert_eq!(turns(&one), before);
}

/// A proposal by a skipped member is refused; its votes count.
#[test]
fn the_skipped_do_not_propose_and_their_votes_count() {
    let probe = engine(&[1; 4], Some(0), &ConsensusConfig::default());
    let first = probe.proposer(Height::new(1), round(0)).get();
    let me = (first + 2) % 4;
    let mut bench = Bench::idle(engine(&[1; 4], Some(me), &ConsensusConfig::default()));
    bench.engine.skip(set(&[first]));
    bench.engine.start_height(Height::new(1)).unwrap();
    bench.drain();
    let next = bench.engine.proposer(Height::new(1), round(0)).get();
    assert_ne!(next, first);
    let proposal = bench.statement(VoteKind::Proposal, 0, Some(V), NO_ROUND);
    assert_eq!(bench.say(first, proposal), Err(RefusedMessage::InvalidVote));
    bench.propose(0, V, NO_ROUND);
    let others = bench.others();
    let voters = [first, *others.iter().find(|at| **at != first).unwrap()];
    bench.prevote(&voters, 0, Some(V), NO_ROUND);
    assert_eq!(bench.engine.locked(), Some((round(0), V)));
    bench.precommit(&voters, 0, Some(V));
    assert_eq!(bench.engine.decided(), Some((round(0), V)));
}

/// A member of four that proposes in neither of two rounds, with a proposal for V in round 0.
fn with_proposal() -> Bench {
    let probe = engine(&[1; 4], Some(0), &ConsensusConfig::default());
    let proposes =
        |me: &u16| (0..2).any(|at| probe.proposer(Height::new(1), round(at)).get() == *me);
    let me = (0..4).find(|me| !proposes(me)).unwrap();
    let mut bench = Bench::new(me);
    bench.propose(0, V, NO_ROUND);
    assert_eq!(bench.engine.proposed(), Some(V));
    bench
}

fn asked(bench: &Bench) -> usize {
    let effects = bench.effects.iter();
    let asks =
        effects.filter(|effect| matches!(effect, Effect::Validate { value, .. } if *value == V));
    asks.count()
}

#[test]
fn a_value_that_the_host_has_dropped_is_asked_about_again_before_a_vote() {
    let mut bench = with_proposal();
    let others = bench.others();
    assert_eq!(asked(&bench), 1);
    assert!(!bench.engine.must_keep(V));
    assert!(
        !bench.engine.handle_dropped(Height::new(2), V),
        "another height"
    );
    assert!(bench.engine.handle_dropped(Height::new(1), V));
    assert!(
        !bench.engine.handle_dropped(Height::new(1), V),
        "nothing to forget any more"
    );
    // A polka for what is not held locks nobody.
    bench.prevote(&others, 0, Some(V), NO_ROUND);
    assert_eq!(bench.engine.locked(), None);
    // Proposed again, it is asked about again; until then there is no vote.
    bench.unknown.push(V);
    bench.precommit(&others, 0, None);
    assert_eq!(bench.engine.round(), round(1));
    bench.propose(1, V, 0);
    assert_eq!(asked(&bench), 2);
    assert_eq!(bench.said(VoteKind::Prevote, 1), None);
    let valid = Validity::Valid {
        extension_hash: Hash::ZERO,
    };
    assert!(bench.engine.handle_validity(Height::new(1), V, valid));
    bench.drain();
    assert_eq!(bench.said(VoteKind::Prevote, 1), Some((Some(V), 0)));
    bench.engine.verify().unwrap();
}

#[test]
fn what_binds_can_not_be_dropped() {
    let mut bench = with_proposal();
    let others = bench.others();
    bench.prevote(&others, 0, Some(V), NO_ROUND);
    assert_eq!(bench.engine.locked(), Some((round(0), V)));
    assert!(bench.engine.must_keep(V));
    assert!(!bench.engine.handle_dropped(Height::new(1), V));
    assert_eq!(bench.engine.proven(), None);
    bench.precommit(&others, 0, Some(V));
    assert_eq!(bench.engine.proven(), Some(V));
    assert!(!bench.engine.handle_dropped(Height::new(1), V));
}

/// A decision whose value was dropped is asked for again, and then taken.
#[test]
fn a_decision_for_a_dropped_value_waits_for_it() {
    let mut bench = with_proposal();
    let others = bench.others();
    assert!(bench.engine.handle_dropped(Height::new(1), V));
    bench.unknown.push(V);
    bench.precommit(&others, 0, Some(V));
    assert_eq!(
        (bench.engine.proven(), bench.engine.decided()),
        (Some(V), None)
    );
    assert_eq!(asked(&bench), 2);
    let valid = Validity::Valid {
        extension_hash: Hash::ZERO,
    };
    assert!(bench.engine.handle_validity(Height::new(1), V, valid));
    assert_eq!(bench.engine.decided(), Some((round(0), V)));
}

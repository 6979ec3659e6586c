//! The shipped consensus engine, walked through by a model checker.
//!
//! A committee of four equal members decides one height. Three run `ConsensusEngine` as it is given
//! out, with its default configuration; the fourth says whatever it likes, to each of them anew.
//! There are two values and two rounds. What is said is heard by any member at any time, or never;
//! timers go off whenever they run. Members persist, sign and verify at once, and nobody restarts.
//!
//! Members hear no more than makes them act ([`bursts`]), which loses no behaviour. What the model
//! does leave out: certificates, statuses and what is pulled, conflicts after the first vote (they
//! are evidence, and count nothing), and rounds after the second. No symmetry is used: the two
//! rounds have proposers of their own, so that at most two of the correct members are alike, and
//! their states name themselves.
//!
//! What two engines have in common once each has been spelt out is taken to be the same state
//! (`ConsensusEngine::hash_state`). One round is walked through to its end. Two rounds have more
//! states than memory has room for: they are walked breadth first up to a bound, and beyond it by
//! chance. What was covered is printed: `HAUPTBUCH_MODEL_STATES` is the bound, for each Byzantine
//! member, of either walk.

mod bursts;
mod committee;
mod member;
mod words;

use std::time::Instant;

use committee::Committee;
use hauptbuch_core::consensus::Breaks;
use stateright::{Checker, HasDiscoveries, Model, UniformChooser};
use words::ROUND_COUNT;

const DISAGREEMENT: &str = "no two members decide differently";

/// States of each walk breadth first in an ordinary run.
const STATE_COUNT: usize = 20_000;
/// As many states fewer are walked by chance: each is new to its members and costs steps of theirs.
const CHANCE_SHARE: usize = 20;

/// The bound that was asked for; nothing in an ordinary run.
fn bound() -> Option<usize> {
    let count = std::env::var("HAUPTBUCH_MODEL_STATES").ok()?;
    Some(count.parse().unwrap())
}

fn state_count() -> usize {
    bound().unwrap_or(STATE_COUNT)
}

/// The proposers of the two rounds, and somebody else.
fn byzantines() -> [(&'static str, u16); 3] {
    let proposers = [Committee::proposer(0), Committee::proposer(1)];
    let other = (0..4).find(|member| !proposers.contains(member)).unwrap();
    [
        ("the first proposer", proposers[0]),
        ("the second proposer", proposers[1]),
        ("no proposer", other),
    ]
}

/// Says what was covered.
fn report(walk: &str, liar: &str, checker: &impl Checker<Committee>, begun: Instant) {
    let (members, steps) = checker.model().known_counts();
    println!(
        "{walk}, {liar} lies: {} states ({} generated), depth {}; {members} states of one member, \
         {steps} steps of it; {:.1} s",
        checker.unique_state_count(),
        checker.state_count(),
        checker.max_depth(),
        begun.elapsed().as_secs_f64(),
    );
}

fn assert_good(checker: &impl Checker<Committee>) {
    for property in checker.model().properties() {
        if property.expectation == stateright::Expectation::Always {
            checker.assert_no_discovery(property.name);
        }
    }
}

/// In an ordinary run without the proposer's lies, which lead to fifty times as many states.
#[test]
fn one_round_is_walked_through() {
    let all = byzantines();
    let liars = if bound().is_some() {
        &all[..]
    } else {
        &all[1..]
    };
    for &(liar, byzantine) in liars {
        let begun = Instant::now();
        let model = Committee::new(byzantine, 1, Breaks::default());
        let checker = model.checker().threads(2).spawn_bfs().join();
        report("one round, exhaustive", liar, &checker, begun);
        assert!(checker.is_done());
        checker.assert_properties();
    }
}

#[test]
fn two_rounds_are_walked_up_to_a_bound() {
    for (liar, byzantine) in byzantines() {
        let begun = Instant::now();
        let model = Committee::new(byzantine, ROUND_COUNT, Breaks::default());
        let bounded = model.checker().threads(2).target_state_count(state_count());
        let checker = bounded.spawn_bfs().join();
        report(
            "two rounds, breadth first, not exhaustive",
            liar,
            &checker,
            begun,
        );
        assert_good(&checker);
    }
}

#[test]
fn two_rounds_are_walked_by_chance() {
    for (liar, byzantine) in byzantines() {
        let begun = Instant::now();
        let model = Committee::new(byzantine, ROUND_COUNT, Breaks::default());
        let count = (state_count() / CHANCE_SHARE).max(10_000);
        let bounded = model.checker().threads(2).target_state_count(count);
        let checker = bounded.spawn_simulation(1, UniformChooser).join();
        report("two rounds, by chance", liar, &checker, begun);
        assert_good(&checker);
        checker.assert_any_discovery("all decide");
        checker.assert_any_discovery("somebody decides in the last round");
    }
}

/// A model that could not fail would prove nothing: without the lock, members decide differently.
#[test]
#[cfg_attr(
    debug_assertions,
    ignore = "takes seconds with optimisation, a minute without"
)]
fn a_lock_that_is_forgotten_is_found() {
    let forgets = Breaks {
        forgets_lock: true,
        ..Breaks::default()
    };
    let (_, byzantine) = byzantines()[2];
    let begun = Instant::now();
    let model = Committee::new(byzantine, ROUND_COUNT, forgets);
    let found = HasDiscoveries::AllOf([DISAGREEMENT].into());
    let bounded = model
        .checker()
        .finish_when(found)
        .target_state_count(20_000_000);
    let checker = bounded.spawn_simulation(1, UniformChooser).join();
    report("without the lock", "no proposer", &checker, begun);
    let path = checker.assert_any_discovery(DISAGREEMENT);
    println!(
        "members decide differently after {} steps",
        path.into_actions().len()
    );
}

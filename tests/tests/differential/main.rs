//! The consensus engine against another implementation of the paper, malachite's driver 0.8.2: the
//! same inputs lead both to the same statements, timers, locks and decisions.
//!
//! Ours runs as `ConsensusConfig::classic`: classic prevotes, no votes on leaving a round, neither
//! of the two hurries, no wait for claims. Inputs are drawn by chance: proposals and votes of all
//! other members, who may say anything and contradict themselves, timers and values in whatever
//! order. After each input the two have to agree on round, step, lock, valid value, decision, what
//! was said, which timers run, whether a value to propose is awaited, and who contradicted itself.
//!
//! Where the two are meant to differ, an input is left out and counted by its reason
//! ([`schedule::Excluded`]), or mapped:
//!
//! - *Rounds kept.* Theirs keeps all rounds of a height, ours those around its own and that of its
//!   valid value; what is older it pulls as a certificate. Inputs keep to the rounds that ours
//!   keeps, and to a look-ahead of one.
//! - *Skipping.* Theirs goes to a round in which members of more than a third have voted, ours to
//!   one that they have at least reached, and counts proposals. `skipping_counts_who_is_further`
//!   shows it.
//! - *Deciding.* Theirs decides (r, v) with a proposal of exactly that round, ours once v is known
//!   to be valid, whichever round's proposal brought it. Theirs is then given that proposal, unless
//!   it makes it itself, and has to decide the same value (in a later round, where that has a quorum
//!   for it too).
//! - *Timers.* Ours are stopped where theirs go off in vain. A proposer with a valid value starts
//!   none in theirs; both prevote at once.
//! - *Late values.* Ours also proposes after its time for it ran out, theirs doesn't: a value comes
//!   in time or not at all.
//! - *One value twice.* Of two proposals of a round for one value with two valid rounds, ours takes
//!   the one that a polka fits. Theirs looks at the first alone once the polka comes after them; a
//!   proposer's second word on one value is left out.
//! - *Too many lies.* Quorums for two values or for an invalid one are beyond what either promises.
//!
//! `HAUPTBUCH_DIFFERENTIAL_SCHEDULES` is how many schedules run; a failure prints its own.

mod context;
mod pair;
mod schedule;

use std::collections::BTreeMap;

use hauptbuch_core::consensus::VoteKind;
use hauptbuch_core::types::Hash;
use pair::{Input, NO_ROUND, Pair, View};
use schedule::{Chance, Excluded, Given};

/// Schedules of an ordinary run.
const SCHEDULE_COUNT: u64 = if cfg!(debug_assertions) {
    1_000
} else {
    10_000
};
/// Heights of a schedule.
const HEIGHT_COUNT: u64 = 3;
/// Draws of a height, unless it is decided before.
const DRAW_COUNT: u64 = 160;

const COMMITTEES: [&[u64]; 4] = [
    &[1, 1, 1, 1],
    &[1, 2, 3, 4, 5],
    &[1, 1, 2, 3, 5, 8, 13],
    &[1, 1, 1, 1, 1, 1, 1],
];

/// Three values that are good and, last, one that is not.
fn values() -> [Hash; 4] {
    [1, 2, 3, 9].map(|number| Hash::new([number; 32]))
}

/// What happened, so that it is seen that something did.
#[derive(Debug, Default)]
struct Coverage {
    inputs: u64,
    statements: u64,
    decisions: u64,
    /// Decided without a proposal of the deciding round.
    decided_early: u64,
    locks_moved: u64,
    /// Prevotes for a value that was proposed again.
    prevoted_again: u64,
    skips: u64,
    conflicts: u64,
    round_max: u32,
    excluded: BTreeMap<Excluded, u64>,
}

#[test]
fn both_say_and_decide_the_same() {
    let count = std::env::var("HAUPTBUCH_DIFFERENTIAL_SCHEDULES");
    let count = count.map_or(SCHEDULE_COUNT, |count| count.parse().unwrap());
    let mut coverage = Coverage::default();
    for seed in 0..count {
        run(seed, &mut coverage);
    }
    println!("{count} schedules: {coverage:#?}");
    assert!(coverage.decisions > count / 4);
    assert!(coverage.locks_moved > 0 && coverage.prevoted_again > 0);
    assert!(coverage.skips > 0 && coverage.decided_early > 0 && coverage.conflicts > 0);
    assert!(coverage.round_max > 3);
}

fn run(seed: u64, coverage: &mut Coverage) {
    let mut chance = Chance::new(seed);
    let weights = COMMITTEES[(seed % COMMITTEES.len() as u64) as usize];
    let me = chance.below(weights.len() as u64) as u16;
    let values = values();
    let mut pair = Pair::new(weights, me, &values[3..]);
    for height in 1..=HEIGHT_COUNT {
        let mut trace = Vec::new();
        let mut given = Given::default();
        let (ours, theirs) = pair.start(height);
        compare(seed, &trace, &ours, &theirs);
        given.note_own(&pair, &ours);
        let mut view = ours;
        for _ in 0..DRAW_COUNT {
            let Some(input) = given.draw(&mut chance, &pair, &view, &values) else {
                continue;
            };
            let is_valid = |value| !values[3..].contains(&value);
            if let Err(reason) = given.check(&pair, &view, input, is_valid) {
                *coverage.excluded.entry(reason).or_default() += 1;
                continue;
            }
            trace.push(input);
            let (ours, theirs) = pair.apply(input);
            given.note(&pair, input, &ours);
            coverage.note(&view, input, &ours);
            if let Some((round, value)) = ours.decided
                && !given.has_proposal(round, value)
            {
                // Theirs went on for want of that round's proposal, unless it made that itself.
                let theirs = match theirs.decided {
                    Some(_) => theirs,
                    None => pair.complete_theirs(round, value),
                };
                let decided = theirs.decided.map(|(_, value)| value);
                assert_eq!(decided, Some(value), "seed {seed}: {trace:#?}");
                coverage.decided_early += 1;
                break;
            }
            compare(seed, &trace, &ours, &theirs);
            compare_evidence(seed, &pair, &given);
            view = ours;
            if view.decided.is_some() {
                break;
            }
        }
        coverage.conflicts += given.conflicts.len() as u64;
    }
}

fn compare(seed: u64, trace: &[Input], ours: &View, theirs: &View) {
    assert!(
        ours == theirs,
        "seed {seed}\n{trace:#?}\nours {ours:#?}\ntheirs {theirs:#?}"
    );
}

/// Ours tells of everybody who contradicted itself and of nobody else; so does theirs, as far as
/// it keeps count.
fn compare_evidence(seed: u64, pair: &Pair, given: &Given) {
    let is_vote = |(_, kind): &&(u16, VoteKind)| *kind != VoteKind::Proposal;
    let ours: Vec<_> = pair.our_evidence.iter().filter(is_vote).collect();
    let truth: Vec<_> = given.conflicts.iter().collect();
    assert_eq!(ours, truth, "seed {seed}");
    let (theirs, full) = pair.their_evidence();
    assert!(theirs.is_subset(&given.conflicts), "seed {seed}");
    let mut missing = given.conflicts.difference(&theirs);
    assert!(
        missing.all(|(member, _)| full.contains(member)),
        "seed {seed}: {:?} {theirs:?}",
        given.conflicts
    );
}

impl Coverage {
    fn note(&mut self, before: &View, input: Input, after: &View) {
        self.inputs += 1;
        self.statements += after.said.len() as u64;
        self.decisions += u64::from(after.decided.is_some());
        self.locks_moved += u64::from(before.locked.is_some() && before.locked != after.locked);
        self.round_max = self.round_max.max(after.round);
        let is_timeout = matches!(input, Input::Timeout(_));
        self.skips += u64::from(after.round > before.round && !is_timeout);
        if let Input::Proposal { valid_round, .. } = input {
            let prevotes = after.said.iter();
            let has_prevoted = prevotes
                .filter(|(kind, ..)| *kind == VoteKind::Prevote)
                .any(|(_, _, value, _)| value.is_some());
            self.prevoted_again += u64::from(valid_round != NO_ROUND && has_prevoted);
        }
    }
}

fn prevote(member: u16, round: u32) -> Input {
    Input::Vote {
        kind: VoteKind::Prevote,
        member,
        round,
        value: None,
    }
}

/// The one difference that shows in when a member moves: two of four are in later rounds, but not
/// in the same. Ours goes where both have been, theirs waits for a second vote there.
#[test]
fn skipping_counts_who_is_further() {
    let mut pair = Pair::new(&[1; 4], 0, &[]);
    pair.start(1);
    let (ours, theirs) = pair.apply(prevote(1, 1));
    assert_eq!((ours.round, theirs.round), (0, 0));
    let (ours, theirs) = pair.apply(prevote(2, 2));
    assert_eq!((ours.round, theirs.round), (1, 0));
    let (ours, theirs) = pair.apply(prevote(3, 1));
    assert_eq!((ours.round, theirs.round), (1, 1));
}

/// A comparison that could not fail would prove nothing: what only one of the two hears shows.
#[test]
fn a_difference_is_seen() {
    let mut pair = Pair::new(&[1; 4], 0, &[]);
    let height = (1..=4).find(|height| {
        pair.start(*height);
        pair.proposer(0) != 0
    });
    assert!(height.is_some(), "somebody else proposes too");
    let (ours, theirs) = pair.apply(prevote(1, 0));
    assert_eq!(ours, theirs);
    let theirs = pair.complete_theirs(0, values()[0]);
    assert_ne!(ours, theirs);
}

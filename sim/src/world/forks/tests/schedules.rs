//! The schedules, step by step. Members are numbered so that the liar, member 1, proposes in round
//! 0 of height 1, and member 4 in round 1.

use std::collections::BTreeSet;
use std::rc::Rc;

use hauptbuch_core::consensus::{Message, MessageBody};
use hauptbuch_core::ordering::fair::{Gamma, GammaMode, Parameters};
use hauptbuch_core::receive_log::{CutError, Entry, LogMark, verify_fork};
use hauptbuch_core::types::{Hash, Height, LogPosition, Round, UnixNs};
use hauptbuch_core::vote::{NO_ROUND, Statement, VoteKind};

use super::super::ForkBreaks;
use super::super::host::{Host, log_start};
use super::super::liar::{Fork, Liar};
use super::super::signing::LogKeys;
use super::super::stage::{Packet, World, new_id};
use super::ForkSettings;
use crate::fair_world::shipped::{ShippedState, logged_id};
use crate::fair_world::{Cut as FairCut, Entry as FairEntry, Kind as FairKind};
use crate::fair_world::{Decided as _, Envelope, Rules};
use crate::world::plan::MS;

const LIAR: u16 = 1;
const LATE: u16 = 4;

fn settings(heights: u64, breaks: ForkBreaks) -> ForkSettings {
    ForkSettings {
        breaks,
        ..ForkSettings::new(5, &[LIAR], heights)
    }
}

fn statement(kind: VoteKind, value: Hash) -> Statement {
    Statement {
        kind,
        height: Height::new(1),
        round: Round::ZERO,
        value: Some(value),
        valid_round: NO_ROUND,
        extension_hash: Hash::ZERO,
    }
}

fn host(world: &World, at: u16) -> &Host {
    world.hosts[usize::from(at)].as_ref().unwrap()
}

fn round_of(world: &World, at: u16) -> u32 {
    let engine = host(world, at).engine.as_ref();
    engine.map_or(0, |engine| engine.round().get())
}

/// A branch of the liar's log in height 1, with an id of its own.
fn branch(world: &mut World, number: u64) -> Fork {
    let mark = LogMark {
        at: log_start(LIAR).end,
        ..LogMark::default()
    };
    world.fork(0, &mark, Height::new(1), &[new_id(number, LIAR)])
}

fn give(world: &mut World, fork: &Fork, to: &[u16]) {
    for to in to {
        let packet = Packet::Extension(Rc::clone(&fork.bytes));
        world.send(LIAR, *to, packet);
    }
}

/// What keeps the polka of round 0 from all but member 0: what that could tell of it in the rounds
/// 0 and 1 is lost, and the late member gets no proposal of round 0.
fn only_one_sees_the_polka(from: u16, to: u16, packet: &Packet) -> bool {
    let Packet::Consensus(bytes) = packet else {
        return true;
    };
    let limits = hauptbuch_core::consensus::ConsensusLimits {
        validator_count_max: 5,
        ..Default::default()
    };
    let message = Message::decode(bytes, &limits).unwrap();
    let is_first = |statement: &Statement| statement.round == Round::ZERO;
    match message.body {
        _ if message.height != Height::new(1) => true,
        MessageBody::Vote(vote) if to == LATE && vote.statement.kind == VoteKind::Proposal => {
            !is_first(&vote.statement)
        }
        _ if from != 0 => true,
        MessageBody::Status(status) => status.round > Round::new(1),
        MessageBody::Votes(votes) => votes.iter().all(|vote| !is_first(&vote.statement)),
        _ => true,
    }
}

/// Round 0 names branch A of the liar's log, and only member 0 sees the polka for it. In round 1 it
/// is branch B; all pull that. From then on nothing is lost, and the liar is silent. `stops` makes
/// member 0 stop in round 1 and come back.
fn two_branches(breaks: ForkBreaks, stops: bool) -> (World, Hash) {
    let mut world = World::new(&settings(1, breaks), 1);
    world.script = Some(only_one_sees_the_polka);
    world.liars[0].is_obliging = true;
    world.begin();
    let [a, b, c] = [1, 2, 3].map(|number| branch(&mut world, number));
    give(&mut world, &c, &[0, 2, 3]);
    give(&mut world, &b, &[LATE]);
    assert!(world.run_until(50 * MS, |world| {
        let holds = |at, fork: &Fork| {
            host(world, at)
                .extents
                .newest(LIAR)
                .is_some_and(|(end, _)| end == fork.end)
        };
        [0, 2, 3].into_iter().all(|at| holds(at, &c)) && holds(LATE, &b)
    }));
    let value = world.forged_slot(0, Height::new(1), LIAR, Some(a.end));
    for to in [0, 2, 3] {
        world.say(0, to, &statement(VoteKind::Proposal, value));
    }
    world.say(0, 0, &statement(VoteKind::Prevote, value));
    let is_locked = |world: &World| {
        let engine = host(world, 0).engine.as_ref();
        engine.and_then(|engine| engine.locked()) == Some((Round::ZERO, value))
    };
    assert!(
        world.run_until(280 * MS, is_locked),
        "member 0 sees the polka"
    );
    // Its precommit leaves, so its record is on disk.
    assert!(world.run_until(30 * MS, |world| host(world, 0).disk.record.is_some()));
    world.run_until(20 * MS, |_| false);
    world.liars[0].answers_until_ns = world.now_ns;
    let is_named = world.run_until(2_000 * MS, |world| {
        let names_b = |at: u16| {
            let (value, round) = host(world, at).current?;
            let slot = world.slots.get(&value)?;
            let is_b = slot.cut.points()[usize::from(LIAR)] == b.end;
            (is_b && round == Round::new(1) && host(world, at).extents.covers(&slot.cut))
                .then_some(())
        };
        [0, 2, 3].into_iter().all(|at| names_b(at).is_some())
    });
    assert!(is_named, "all pull the branch of round 1");
    for at in [2, 3] {
        let slot = &world.slots[&value];
        assert!(
            !host(&world, at).extents.covers(&slot.cut),
            "who has no lock makes room"
        );
    }
    world.script = Some(|_, _, _| true);
    if stops {
        world.stop_now(0, true);
    }
    (world, value)
}

fn value_of(world: &World, at: u16) -> Option<Hash> {
    host(world, at)
        .disk
        .decided
        .first()
        .map(|stored| stored.value)
}

const CORRECT: [u16; 4] = [0, 2, 3, LATE];

/// Runs until all correct members have decided.
fn decide(world: &mut World) {
    let is_decided = |world: &World| CORRECT.iter().all(|at| value_of(world, *at).is_some());
    assert!(world.run_until(20_000 * MS, is_decided), "decision");
}

/// Runs for forty rounds of a network that loses nothing, in which nobody decides.
fn stand_still(world: &mut World) {
    let has_decided = |world: &World| CORRECT.iter().any(|at| value_of(world, *at).is_some());
    let is_over = |world: &World| {
        let is_late = CORRECT.iter().all(|at| round_of(world, *at) >= 41);
        is_late || has_decided(world)
    };
    assert!(world.run_until(3_600_000 * MS, is_over));
    assert!(!has_decided(world), "no decision");
}

/// [Rule 17, the schedule] The member that is locked kept branch A, gives it to the others, and all
/// decide it.
#[test]
fn rule_17_a_branch_that_a_lock_names_is_kept_until_the_height_is_decided() {
    let (mut world, value) = two_branches(ForkBreaks::default(), false);
    decide(&mut world);
    for at in CORRECT {
        assert_eq!(value_of(&world, at), Some(value), "branch A");
    }
    let report = world.finish();
    assert!(report.is_good(), "{report:?}");
    assert!(report.round_max < 8, "{report:?}");
}

/// Without it: no decision in forty rounds of a network that loses nothing.
#[test]
fn rule_17_weakened_forty_rounds_decide_nothing() {
    let breaks = ForkBreaks {
        forgets_what_binds: true,
        ..ForkBreaks::default()
    };
    let (mut world, _) = two_branches(breaks, false);
    stand_still(&mut world);
    assert!(
        world.finish().lost_extents > 0,
        "member 0 has lost what it is locked on"
    );
}

/// [Rule 17, the durable part] What was voted for is on disk before the vote leaves: the member
/// that alone holds branch A stops and comes back.
#[test]
fn rule_17_what_a_precommit_names_survives_a_restart() {
    let (mut world, value) = two_branches(ForkBreaks::default(), true);
    decide(&mut world);
    assert_eq!(value_of(&world, 0), Some(value));
    assert!(world.finish().is_good());
}

#[test]
fn rule_17_weakened_a_vote_before_its_extents_are_durable_stops_everybody() {
    let breaks = ForkBreaks {
        votes_before_durable: true,
        ..ForkBreaks::default()
    };
    let (mut world, _) = two_branches(breaks, true);
    stand_still(&mut world);
}

/// [Rule 18] Evidence is found when the second branch comes, before the height is decided and its
/// extents are dropped; afterwards the same bytes say nothing. It verifies with the key alone, and
/// an honest prefix that is signed again is none.
#[test]
fn rule_18_evidence_is_checked_before_extents_are_dropped() {
    let mut world = World::new(&settings(2, ForkBreaks::default()), 3);
    world.script = Some(|_, _, _| true);
    world.begin();
    let a = branch(&mut world, 1);
    let mark = LogMark {
        at: log_start(LIAR).end,
        ..LogMark::default()
    };
    let entries = [new_id(3, LIAR), new_id(4, LIAR)];
    let c = world.fork(0, &mark, Height::new(1), &entries);
    give(&mut world, &c, &CORRECT);
    world.run_until(10 * MS, |_| false);
    give(&mut world, &a, &[2]);
    world.run_until(10 * MS, |_| false);
    for at in CORRECT {
        assert_eq!(host(&world, at).evidence.contains_key(&LIAR), at == 2);
        assert!(
            host(&world, at).disk.decided.is_empty(),
            "nothing is dropped yet"
        );
    }
    let proof = Rc::clone(&host(&world, 2).evidence[&LIAR]);
    let named = verify_fork(&proof, &world.logs, &LogKeys(&world.keys)).unwrap();
    assert_eq!(named.member, LIAR);

    // The same end again, and a beginning of it: an honest member's bytes in any order.
    let mut honest = world.hosts[0].take().unwrap();
    let before = honest.evidence.len();
    for stored in [&c.bytes, &c.bytes] {
        world.admit(&mut honest, stored);
    }
    assert_eq!(honest.evidence.len(), before);
    world.hosts[0] = Some(honest);

    // Once the cut is decided, the branches are gone; what was found before was not.
    assert!(world.run_until(20_000 * MS, |world| {
        CORRECT
            .iter()
            .all(|at| !host(world, *at).disk.decided.is_empty())
    }));
    let mut late = world.hosts[3].take().unwrap();
    world.admit(&mut late, &a.bytes);
    assert!(!late.evidence.contains_key(&LIAR), "too late to be found");
    world.hosts[3] = Some(late);
    assert_eq!(world.report.false_evidence, 0);
}

/// A member that runs an honest engine over a log that it forks, in the liar's place.
fn with_a_forking_member(heights: u64, breaks: ForkBreaks) -> World {
    let mut world = World::new(&settings(heights, breaks), 5);
    world.script = Some(|_, _, _| true);
    world.hosts[usize::from(LIAR)] = Some(Host::new(&world.logs, LIAR));
    world.begin();
    let forks = [7, 8].map(|number| branch(&mut world, number));
    for fork in &forks {
        give(&mut world, fork, &CORRECT);
    }
    assert_eq!(world.liars.len(), 1);
    // It says nothing in the liar's way any more.
    world
        .liars
        .iter_mut()
        .for_each(|liar| liar.answers_until_ns = 0);
    world
}

/// [Rule 19] From the slot after decided evidence a cut that moves the log is invalid, and the
/// member's rounds are skipped; what was counted stays, and its votes count: with one more member
/// away, nothing could be decided without them.
#[test]
fn rule_19_evidence_closes_a_log_and_leaves_its_votes() {
    let mut world = with_a_forking_member(12, ForkBreaks::default());
    let is_convicted = |world: &World| {
        [0, 2, 3]
            .iter()
            .all(|at| host(world, *at).extents.is_closed(LIAR))
    };
    assert!(world.run_until(20_000 * MS, is_convicted));
    let closed_at = *host(&world, 0).extents.decided(LIAR).unwrap();
    let begun = host(&world, 0).disk.decided.len();
    assert!(begun < 6, "{begun}");
    world.stop_now(LATE, false);
    let is_done = |world: &World| {
        [0, 2, 3]
            .iter()
            .all(|at| host(world, *at).disk.decided.len() >= 12)
    };
    assert!(
        world.run_until(120_000 * MS, is_done),
        "four of five decide, the convicted among them"
    );
    let three = host(&world, 0);
    assert_eq!(
        *three.extents.decided(LIAR).unwrap(),
        closed_at,
        "what was counted stays"
    );
    let engine = three.engine.as_ref().unwrap();
    for height in 1..40 {
        for round in 0..5 {
            let turn = engine.proposer(Height::new(height), Round::new(round));
            assert_ne!(turn.get(), LIAR, "its rounds are skipped");
        }
    }
    let mut cut = Host::blank_cut(&world.logs);
    let height = three.height();
    three.extents.propose(height, &mut cut).unwrap();
    assert_eq!(three.extents.check_cut(&cut, height), Ok(()));
    cut.points_mut()[usize::from(LIAR)].position =
        LogPosition::new(closed_at.at.position.get() + 1);
    assert_eq!(
        three.extents.check_cut(&cut, height),
        Err(CutError::CutMovesClosedLog)
    );
    assert_eq!(world.report.false_evidence, 0);
}

/// The rounds of heights after the conviction in which a silent convicted member would propose:
/// none is waited for. Without the skip each of its turns costs a timeout.
#[test]
fn rule_19_the_rounds_of_the_convicted_cost_nothing() {
    let time_ns = |waits_for_convicted| {
        let breaks = ForkBreaks {
            waits_for_convicted,
            ..ForkBreaks::default()
        };
        let mut world = World::new(&settings(12, breaks), 5);
        world.script = Some(|_, _, _| true);
        world.begin();
        for number in [7, 8] {
            let fork = branch(&mut world, number);
            give(&mut world, &fork, &CORRECT);
        }
        let is_convicted = |world: &World| world.correct().all(|host| host.extents.is_closed(LIAR));
        assert!(world.run_until(20_000 * MS, is_convicted));
        world.report.round_max = 0;
        let (from_ns, before) = (world.now_ns, host(&world, 0).disk.decided.len());
        // Before E1 notices that it is silent, which takes three heights.
        world.run_until(20_000 * MS, |world| {
            world
                .correct()
                .all(|host| host.disk.decided.len() >= before + 10)
        });
        (world.now_ns - from_ns, world.report.round_max)
    };
    let (skipped_ns, skipped_round) = time_ns(false);
    let (waited_ns, waited_round) = time_ns(true);
    println!(
        "ten heights: {} ms, waiting {} ms",
        skipped_ns / MS,
        waited_ns / MS
    );
    assert_eq!(
        skipped_round, 0,
        "every height is decided in its first round"
    );
    assert!(waited_round > 0 && waited_ns > skipped_ns);
}

/// One Byzantine member that logs a transaction and is silent from then on, and one honest member
/// whose log stands still for some heights. Gives the ids that lapsed, and how many slots aged.
fn two_silent_logs(breaks: ForkBreaks) -> (BTreeSet<u32>, u64) {
    let mut world = World::new(&settings(24, breaks), 9);
    world.script = Some(|_, _, _| true);
    world.logs_ids = false;
    world.begin();
    let book = vec![Envelope {
        rollup: 0,
        sender: 0,
        nonce: 0,
        gas: 1,
        body_bytes: 1,
        expiry_ns: u64::MAX,
    }];
    let ghost = logged_id(&book, 0);
    let mark = LogMark {
        at: log_start(LIAR).end,
        ..LogMark::default()
    };
    let entries = [
        Entry::Stamp(UnixNs::new(1)),
        Entry::Id {
            rollup: ghost.rollup,
            id: ghost.id,
            sealed: false,
            body_bytes: ghost.body_bytes,
        },
    ];
    let fork = world.fork(0, &mark, Height::new(1), &entries);
    give(&mut world, &fork, &CORRECT);
    let decided =
        |world: &World, count: usize| world.correct().all(|host| host.disk.decided.len() >= count);
    assert!(world.run_until(20_000 * MS, |world| decided(world, 2)));
    world.hosts[3].as_mut().unwrap().is_log_paused = true;
    assert!(world.run_until(60_000 * MS, |world| decided(world, 7)));
    world.hosts[3].as_mut().unwrap().is_log_paused = false;
    assert!(world.run_until(200_000 * MS, |world| decided(world, 24)));

    // What the decided cuts mean, by the library's own state.
    let parameters = Parameters::new(
        5,
        1,
        Gamma {
            numerator: 1,
            denominator: 1,
        },
        GammaMode::All,
    );
    let mut rules = Rules::new(parameters.unwrap(), 3, 8);
    rules.log_age_slots_max = 6;
    let mut state = ShippedState::new(&rules);
    let mut lapsed = BTreeSet::new();
    let stored = &host(&world, 0).disk.decided;
    for at in 0..24 {
        let cut: FairCut = (0..5_usize)
            .map(|log| entries_of(&world, at, log, &stored[..]))
            .collect();
        state.check(&book, &cut).unwrap();
        lapsed.extend(state.apply(&book, &cut).lapsed);
    }
    (lapsed, state.stream.age_slots())
}

/// The entries that a decided cut covers of a log, from what is kept for those who lag behind.
fn entries_of(
    world: &World,
    at: usize,
    log: usize,
    stored: &[super::super::host::Stored],
) -> Vec<FairEntry> {
    let Some(bytes) = &stored[at].extents[log] else {
        return Vec::new();
    };
    let read = hauptbuch_core::receive_log::Extension::decode(bytes, &world.logs).unwrap();
    let to = world.slots[&stored[at].value].cut.points()[log].position;
    let count = to.get() - read.first.get();
    let entries = read.entries().take(count as usize);
    entries
        .map(|(base, entry)| FairEntry {
            base: base.get(),
            kind: match entry {
                Entry::Stamp(time) => FairKind::Stamp(time.get()),
                _ => FairKind::Id(0),
            },
        })
        .collect()
}

/// [Rule 19, the schedule] A log that was silent counts again when a cut moves it: slots age, and
/// the silent member's transaction lapses.
#[test]
fn rule_19_a_log_that_was_silent_counts_again_when_a_cut_moves_it() {
    let (lapsed, age) = two_silent_logs(ForkBreaks::default());
    assert_eq!(lapsed.into_iter().collect::<Vec<_>>(), [0]);
    assert!(age > 12, "{age}");
}

/// Without it: with both logs closed, fewer than n - f move for good; no slot ages, nothing lapses.
#[test]
fn rule_19_weakened_a_log_ignored_for_silence_stops_all_ageing() {
    let breaks = ForkBreaks {
        silence_closes_after: Some(3),
        ..ForkBreaks::default()
    };
    let (lapsed, age) = two_silent_logs(breaks);
    assert!(lapsed.is_empty() && age < 6, "{lapsed:?}, {age}");
}

/// A liar is one only for what it signed: members without a second log are never accused.
#[test]
fn rule_18_nobody_else_is_accused() {
    let liar = Liar::new(LIAR);
    assert!(liar.forks.is_empty());
    let report = super::run(&ForkSettings::new(4, &[], 6), 11);
    assert!(report.is_good() && report.convicted == 0, "{report:?}");
}

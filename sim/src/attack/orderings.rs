//! The orders that each way to order gives, round after round.

use hauptbuch_core::ordering::fair::{Parameters, Rank, Rounds};

use super::stage::{Releases, Stage};
use super::{Ordering, RELAY_NS, ROUND_COUNT, Relay, Scenario};
use crate::workload::Random;

pub(super) fn run(
    stage: &Stage,
    scenario: &Scenario,
    parameters: Parameters,
    ordering: Ordering,
    seed: u64,
) -> Releases {
    match ordering {
        Ordering::Fcfs => by_key(stage, |number| stage.claims[number][stage.proposer]),
        Ordering::Median => by_key(stage, |number| lower_median(&stage.claims[number])),
        Ordering::Shuffle => shuffle(stage, seed),
        Ordering::Fair(rank) => fair(stage, scenario.relay == Relay::Cuts, parameters, rank),
    }
}

/// The lower median of all members' stamps, a missing one being later than all.
fn lower_median(stamps: &[Option<u64>]) -> Option<u64> {
    let mut sorted: Vec<u64> = stamps.iter().map(|it| it.unwrap_or(u64::MAX)).collect();
    sorted.sort_unstable();
    let median = sorted.get(sorted.len().saturating_sub(1) / 2).copied();
    median.filter(|time| *time < u64::MAX)
}

/// By a time, ties by id. The order of rounds is that of times, so one sort is enough.
fn by_key(stage: &Stage, key: impl Fn(usize) -> Option<u64>) -> Releases {
    let all = (0..stage.ids.len()).filter_map(|number| Some((key(number)?, number)));
    let mut all: Vec<(u64, usize)> = all.collect();
    all.sort_unstable_by_key(|(time, number)| (*time, stage.ids[*number]));
    let mut releases = vec![None; stage.ids.len()];
    for (place, (time, number)) in all.into_iter().enumerate() {
        let round = Stage::round_of(time);
        releases[number] = (round < ROUND_COUNT).then_some((place, round));
    }
    releases
}

/// What reached one member within a round, in a seeded order.
fn shuffle(stage: &Stage, seed: u64) -> Releases {
    let mut random = Random::from_seed(b"hauptbuch/sim/shuffle/01", seed);
    let own = by_key(stage, |number| stage.claims[number][stage.proposer]);
    let mut rows: Vec<(u64, u64, usize)> = Vec::new();
    for (number, release) in own.iter().enumerate() {
        let drawn = random.next_u64();
        rows.extend(release.map(|(_, round)| (round, drawn, number)));
    }
    rows.sort_unstable();
    let mut releases = vec![None; own.len()];
    for (place, (round, _, number)) in rows.into_iter().enumerate() {
        releases[number] = Some((place, round));
    }
    releases
}

/// The kernel over all rounds; lists are given whole, without what is out already.
fn fair(stage: &Stage, learns: bool, parameters: Parameters, rank: Rank) -> Releases {
    let count = stage.ids.len();
    let mut numbers: Vec<usize> = (0..count).collect();
    numbers.sort_unstable_by_key(|number| stage.ids[*number]);
    let mut releases = vec![None; count];
    let rounds = Rounds::new(parameters, rank, count as u32, ROUND_COUNT as u32, 0);
    let Ok(mut rounds) = rounds else {
        return releases;
    };
    let mut claims = stage.claims.clone();
    let mut lists: Vec<Vec<u32>> = vec![Vec::new(); stage.n];
    let mut place = 0;
    for round in 0..ROUND_COUNT {
        let left_out = stage.left_out.as_ref().filter(|(at, _)| *at == round);
        for (member, list) in lists.iter_mut().enumerate() {
            let stays = left_out.is_some_and(|(_, left_out)| left_out[member]);
            let cut = Stage::cut(if stays { round - 1 } else { round });
            *list = list_of(&claims, &numbers, &releases, member, cut);
        }
        let played = rounds.round(&lists, &lists);
        debug_assert!(played.is_ok(), "every graph of a play has a place in line");
        for id in rounds.released() {
            releases[numbers[*id as usize]] = Some((place, round));
            place += 1;
        }
        if learns {
            learn(stage, &mut claims, &lists, &numbers, Stage::cut(round));
        }
    }
    releases
}

/// A member's list at a cut, as numbers in the order of ids; what is out is left out.
fn list_of(
    claims: &[Vec<Option<u64>>],
    numbers: &[usize],
    releases: &Releases,
    member: usize,
    cut: u64,
) -> Vec<u32> {
    let entries = (0..)
        .zip(numbers)
        .filter(|(_, it)| releases[**it].is_none());
    let stamped = entries.filter_map(|(id, number)| Some((claims[*number][member]?, id)));
    let mut stamped: Vec<(u64, u32)> = stamped.filter(|(at, _)| *at <= cut).collect();
    stamped.sort_unstable();
    stamped.into_iter().map(|(_, id)| id).collect()
}

/// Honest members log what the cut's lists have and theirs lack.
fn learn(
    stage: &Stage,
    claims: &mut [Vec<Option<u64>>],
    lists: &[Vec<u32>],
    numbers: &[usize],
    cut: u64,
) {
    let learned = cut + RELAY_NS;
    for number in lists.iter().flatten().map(|id| numbers[*id as usize]) {
        for (claim, is_malicious) in claims[number].iter_mut().zip(&stage.is_malicious) {
            if !is_malicious && claim.is_none_or(|at| at > learned) {
                *claim = Some(learned);
            }
        }
    }
}

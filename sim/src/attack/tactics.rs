//! What attackers do to arrivals, lists and cuts.
//!
//! A client chooses when its own transactions reach whom. A malicious member writes in its list
//! what it likes, but it can't know a transaction before that was sent, and what a cut has taken
//! stands: it holds the victim back until it has something to put before it.

use super::stage::{Claim, Stage};
use super::{ROUND_NS, Scenario, Tactic};
use crate::arrivals::ArrivalModel;
use crate::workload::Random;

const NS_PER_MS: u64 = 1_000_000;

/// The smallest id: ties go its way.
const LOW_ID: u64 = 0;
/// Far behind all honest ids.
const HIGH_ID: u64 = u64::MAX;

pub(super) fn apply(
    stage: &mut Stage,
    scenario: &Scenario,
    model: &ArrivalModel,
    random: &mut Random,
) {
    let own = stage.own[0];
    stage.ids[own] = LOW_ID;
    match scenario.tactic {
        Tactic::Condorcet => condorcet(stage, scenario, own),
        Tactic::Ambush => {
            // One honest member fewer than would make it solid.
            let waiting = (stage.n - 2 * stage.f).saturating_sub(1);
            lie_in_wait(stage, own, last_cut(stage) + 1, waiting);
            put_before_victim(stage, own);
        }
        Tactic::LongAmbush => {
            // At fewer members than T it stands in no graph.
            let lead = scenario.lead_ms * NS_PER_MS;
            let since = stage.sent[stage.victim].saturating_sub(lead);
            lie_in_wait(stage, own, since, stage.f);
            put_before_victim(stage, own);
        }
        Tactic::Reversal => put_before_victim(stage, own),
        Tactic::SelectiveCut => {
            put_before_victim(stage, own);
            leave_out(stage, own);
        }
        Tactic::Partial => partial(stage, scenario),
        Tactic::DisjointFlood => disjoint_flood(stage, scenario),
        Tactic::ShiftedFlood => shifted_flood(stage, scenario),
        Tactic::Copies => {
            for copy in 1..scenario.count {
                let sent = stage.sent[own];
                let number = stage.send(sent, model, random);
                stage.ids[number] = LOW_ID + copy;
                stage.own.push(number);
            }
        }
    }
}

/// A third of the members sees victim, own, x, y; a third y, victim, own, x; a third x, y, victim,
/// own. The ids y < victim < x < own make a path by insertion reverse the pair.
fn condorcet(stage: &mut Stage, scenario: &Scenario, own: usize) {
    let victim = stage.victim;
    let early = stage.sent[victim].saturating_sub(scenario.lead_ms * NS_PER_MS);
    let gap = scenario.gap_ms * NS_PER_MS;
    let (mut x, mut y) = (Vec::new(), Vec::new());
    for member in 0..stage.n {
        let pair = [victim, own].map(|number| stage.claims[number][member].unwrap_or(0));
        let late = pair[0].max(pair[1]) + gap;
        let (x_at, y_at) = match member * 3 / stage.n {
            0 => (late, late + gap),
            1 => (late, early),
            _ => (early, early + gap),
        };
        x.push(Some(x_at));
        y.push(Some(y_at));
    }
    stage.ids[own] = HIGH_ID;
    stage.add(HIGH_ID - 1, early, x);
    stage.add(LOW_ID, early, y);
}

/// The last cut before the victim is sent: the attacker has one lie in wait after each.
fn last_cut(stage: &Stage) -> u64 {
    stage.sent[stage.victim] / ROUND_NS * ROUND_NS
}

/// Its transaction reaches so many honest members before the victim, and the others after it.
fn lie_in_wait(stage: &mut Stage, own: usize, since: u64, waiting_count: usize) {
    let honest = (0..stage.n).filter(|member| !stage.is_malicious[*member]);
    let waiting: Vec<usize> = honest.take(waiting_count).collect();
    for member in waiting {
        stage.claims[own][member] = Some(since);
    }
}

/// Malicious members log the victim only once they can write the other one before it.
fn put_before_victim(stage: &mut Stage, own: usize) {
    let (victim, sent) = (stage.victim, stage.sent[own]);
    for member in 0..stage.n {
        if stage.is_malicious[member] {
            let at = stage.claims[victim][member].unwrap_or(0).max(sent);
            stage.claims[own][member] = Some(at);
            stage.claims[victim][member] = Some(at + 1);
        }
    }
}

/// In the first cut that makes the victim solid, up to f lists that have it first stay where they
/// were.
fn leave_out(stage: &mut Stage, own: usize) {
    let (victim, solid_min) = (stage.victim, stage.n - 2 * stage.f);
    let mut times: Vec<u64> = stage.claims[victim].iter().copied().flatten().collect();
    times.sort_unstable();
    let Some(solid_at) = times.get(solid_min - 1) else {
        return;
    };
    let round = Stage::round_of(*solid_at);
    let cut = Stage::cut(round);
    let mut left_out = vec![false; stage.n];
    let mut left_count = 0;
    for (member, is_left_out) in left_out.iter_mut().enumerate() {
        let [first, second] = [victim, own].map(|number| stage.claims[number][member]);
        let is_against = first.is_some_and(|at| at <= cut && second.is_none_or(|own| at < own));
        if is_against && !stage.is_malicious[member] && left_count < stage.f {
            *is_left_out = true;
            left_count += 1;
        }
    }
    stage.left_out = Some((round, left_out));
}

/// Pairs at 2f honest members, half of them each way round; malicious members say nothing at all.
fn partial(stage: &mut Stage, scenario: &Scenario) {
    for claims in &mut stage.claims {
        for (claim, is_malicious) in claims.iter_mut().zip(&stage.is_malicious) {
            if *is_malicious {
                *claim = None;
            }
        }
    }
    let honest = (0..stage.n).filter(|member| !stage.is_malicious[*member]);
    let reached: Vec<usize> = honest.take(2 * stage.f).collect();
    for (pair, at) in (0..).zip(times(stage, scenario)) {
        let mut claims: [Vec<Claim>; 2] = [vec![None; stage.n], vec![None; stage.n]];
        for (place, member) in reached.iter().enumerate() {
            let is_turned = place < stage.f;
            claims[0][*member] = Some(at + u64::from(is_turned));
            claims[1][*member] = Some(at + u64::from(!is_turned));
        }
        let [first, second] = claims;
        stage.add(LOW_ID + 1 + 2 * pair, at, first);
        stage.add(LOW_ID + 2 + 2 * pair, at, second);
    }
}

fn disjoint_flood(stage: &mut Stage, scenario: &Scenario) {
    for member in 0..stage.n {
        for (number, at) in (0..).zip(times(stage, scenario)) {
            let mut claims = vec![None; stage.n];
            claims[member] = Some(at);
            let id = LOW_ID + 1 + member as u64 * scenario.count + number;
            stage.add(id, at, claims);
        }
    }
}

fn shifted_flood(stage: &mut Stage, scenario: &Scenario) {
    let times = times(stage, scenario);
    let count = times.len();
    for number in 0..count {
        let at_member = |member: usize| Some(times[(number + member * count / stage.n) % count]);
        let claims = (0..stage.n).map(at_member).collect();
        stage.add(LOW_ID + 1 + number as u64, times[0], claims);
    }
}

/// As many times as the scenario counts, evenly round the sending of the victim.
fn times(stage: &Stage, scenario: &Scenario) -> Vec<u64> {
    let duration = scenario.duration_ms * NS_PER_MS;
    let start = stage.sent[stage.victim].saturating_sub(duration / 2);
    let numbers = 0..scenario.count;
    numbers
        .map(|number| start + duration * number / scenario.count)
        .collect()
}

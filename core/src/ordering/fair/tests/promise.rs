//! What the definition promises, whatever f liars do.

use std::vec;
use std::vec::Vec;

use super::model::append_all;
use super::random::Random;
use crate::ordering::fair::{
    Class, Gamma, GammaChecker, GammaMode, GammaReport, Graph, Parameters, Rank, Rounds, Workspace,
};

fn five() -> Parameters {
    Parameters::new(5, 1, Gamma::ONE, GammaMode::All).unwrap()
}

/// Every prefix of every permutation of some of three ids.
fn all_lists() -> Vec<Vec<u32>> {
    let mut lists = vec![vec![]];
    let mut at = 0;
    while at < lists.len() {
        for id in 0..3 {
            if !lists[at].contains(&id) {
                let mut longer = lists[at].clone();
                longer.push(id);
                lists.push(longer);
            }
        }
        at += 1;
    }
    lists
}

/// All four honest members of five receive 0 before 1; 2 comes anywhere, lists may end early, and
/// the fifth list is anything.
#[test]
fn no_list_of_one_liar_reverses_what_all_honest_members_received() {
    let lists = all_lists();
    let place = |list: &[u32], id| list.iter().position(|own| *own == id).unwrap_or(9);
    let honest: Vec<&Vec<u32>> = lists
        .iter()
        .filter(|list| place(list, 0) < place(list, 1) || !list.contains(&1))
        .collect();
    let mut graph = Graph::new(five(), 3).unwrap();
    let mut workspace = Workspace::new(five(), 3, 0);
    let mut kept_both = 0;
    let base = honest.len();
    for choice in 0..base.pow(4) {
        let picks = [
            choice % base,
            choice / base % base,
            choice / base.pow(2) % base,
        ];
        let last = choice / base.pow(3);
        // Logs are alike, so that it is enough to look at sorted choices.
        if !(picks[0] <= picks[1] && picks[1] <= picks[2] && picks[2] <= last) {
            continue;
        }
        for liar in &lists {
            graph.begin(3).unwrap();
            for (log, pick) in (0..).zip([picks[0], picks[1], picks[2], last]) {
                for id in honest[pick] {
                    graph.append(log, *id).unwrap();
                }
            }
            for id in liar {
                graph.append(4, *id).unwrap();
            }
            graph.propose(&mut workspace).unwrap();
            assert!(!graph.has_edge(1, 0), "{picks:?} {last} {liar:?}");
            // Solid, 1 does not get in without 0.
            let solid = graph.class(1) == Class::Solid;
            assert!(!solid || graph.has_edge(0, 1), "{picks:?} {last} {liar:?}");
            kept_both += u32::from(graph.has_edge(0, 1));
        }
    }
    assert!(kept_both > 1_000);
}

#[test]
fn changing_f_lists_reverses_no_pair_that_a_quorum_received() {
    let mut bound_pairs = 0;
    for seed in 0..400 {
        let mut random = Random(seed);
        let parameters = random.parameters();
        let n = parameters.n();
        let ids: Vec<u32> = (0..12).collect();
        let spread = 1 + random.below(12);
        let receive = |random: &mut Random| {
            let mut arrivals: Vec<(u64, u32)> = (0..)
                .zip(&ids)
                .map(|(at, id)| (at + random.below(spread), *id))
                .collect();
            arrivals.sort_unstable();
            arrivals.into_iter().map(|(_, id)| id).collect::<Vec<u32>>()
        };
        let received: Vec<Vec<u32>> = (0..n).map(|_| receive(&mut random)).collect();
        let before = |list: &&Vec<u32>, a: u32, b: u32| {
            let place = |id| list.iter().position(|own| *own == id).unwrap();
            place(a) < place(b)
        };
        // In the honest reading of gamma only the members that do not lie count.
        let honest = &received[parameters.f() as usize..];
        let mut lists = received.clone();
        for list in &mut lists[..parameters.f() as usize] {
            random.shuffle(list);
            list.truncate(random.below(13) as usize);
        }
        for list in &mut lists[parameters.f() as usize..] {
            if random.chance(20) {
                list.truncate(random.below(13) as usize);
            }
        }
        let all_mode = parameters.threshold() == n + parameters.f() + 1 - parameters.quorum();
        let counted = if all_mode { &received[..] } else { honest };
        let mut graph = Graph::new(parameters, 12).unwrap();
        let mut workspace = Workspace::new(parameters, 12, 0);
        graph.begin(12).unwrap();
        append_all(&mut graph, &lists);
        graph.propose(&mut workspace).unwrap();
        for a in 0..12 {
            for b in (0..12).filter(|b| *b != a) {
                let votes = counted.iter().filter(|list| before(list, a, b)).count() as u32;
                if votes >= parameters.quorum() {
                    bound_pairs += 1;
                    assert!(!graph.has_edge(b, a), "seed {seed}: {a} {b}");
                    let solid = graph.class(b) == Class::Solid;
                    assert!(!solid || graph.has_edge(a, b), "seed {seed}: {a} {b}");
                }
            }
        }
    }
    assert!(bound_pairs > 5_000, "{bound_pairs}");
}

/// Five members, one of whom lies; lists grow over rounds, and every output is checked against what
/// the honest ones received, over the whole history.
fn check_history(seed: u64) -> GammaReport {
    const ID_COUNT: u32 = 15;
    let parameters = five();
    let mut random = Random(seed);
    let mut ids: Vec<u32> = (0..ID_COUNT).collect();
    random.shuffle(&mut ids);
    let spread = 1 + random.below(8);
    let receive = |random: &mut Random| {
        let mut arrivals: Vec<(u64, u32)> = (0..)
            .zip(&ids)
            .map(|(at, id)| (at + random.below(spread), *id))
            .collect();
        arrivals.sort_unstable();
        arrivals.into_iter().map(|(_, id)| id).collect::<Vec<u32>>()
    };
    let received: Vec<Vec<u32>> = (0..5).map(|_| receive(&mut random)).collect();
    let mut claimed = received.clone();
    random.shuffle(&mut claimed[0]);
    let mut rounds = Rounds::new(parameters, Rank::Copeland, ID_COUNT, 12, 0).unwrap();
    let mut checker = GammaChecker::new(parameters, ID_COUNT).unwrap();
    // Gamma 1 over all five: the liar, too, received something, and the definition binds by it.
    checker.begin(ID_COUNT, &received).unwrap();
    let (mut lengths, mut output) = ([0_usize; 5], vec![]);
    let mut committed = vec![];
    for round in 0..12 {
        for length in &mut lengths {
            *length = (*length + random.below(4) as usize).min(ID_COUNT as usize);
            if round == 11 {
                *length = ID_COUNT as usize;
            }
        }
        let all: Vec<Vec<u32>> = claimed
            .iter()
            .zip(lengths)
            .map(|(list, length)| list[..length].to_vec())
            .collect();
        rounds.round(&all, &all).unwrap();
        let open: Vec<Vec<u32>> = all
            .iter()
            .map(|list| {
                list.iter()
                    .filter(|id| !committed.contains(*id))
                    .copied()
                    .collect()
            })
            .collect();
        checker.add_evidence(&open).unwrap();
        checker.add_evidence(&all).unwrap();
        let graph = rounds.graph().unwrap();
        committed.extend(graph.kept().map(|vertex| rounds.id(vertex).unwrap()));
        output.extend_from_slice(rounds.released());
    }
    assert_eq!(output.len(), ID_COUNT as usize, "seed {seed}");
    checker.check(&output).unwrap()
}

#[test]
fn a_history_with_a_liar_has_no_violation() {
    let mut total = GammaReport::default();
    for seed in 0..300 {
        let report = check_history(seed);
        assert_eq!(report.violations, 0, "seed {seed}: {report:?}");
        total.bound_pairs += report.bound_pairs;
        total.reversed_in_cycles += report.reversed_in_cycles;
    }
    assert!(
        total.bound_pairs > 10_000 && total.reversed_in_cycles > 0,
        "{total:?}"
    );
}

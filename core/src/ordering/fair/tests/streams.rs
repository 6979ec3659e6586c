//! Rounds, the line and the twin against the model.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::vec;
use std::vec::Vec;

use super::model::{Model, append_all};
use super::random::Random;
use crate::ordering::fair::{
    Evidence, Gamma, GammaMode, Graph, Line, LineError, Parameters, Rank, RoundError, Rounds, Twin,
    TwinError, Workspace,
};

fn five() -> Parameters {
    Parameters::new(5, 1, Gamma::ONE, GammaMode::All).unwrap()
}

/// The stream in sets and maps: graphs in line, and ids that some graph has kept.
#[derive(Default)]
struct ModelStream {
    line: VecDeque<Model>,
    committed: BTreeSet<u32>,
}

impl ModelStream {
    /// The round's graph, and what it releases; nothing where a cycle has to be turned.
    fn round(
        &mut self,
        parameters: Parameters,
        lists: &[Vec<u32>],
        updates: &[Vec<u32>],
    ) -> Option<(Model, Vec<u32>)> {
        for graph in &mut self.line {
            if !graph.missing.is_empty() {
                graph.update(parameters, updates);
            }
        }
        let strip = |list: &Vec<u32>| -> Vec<u32> {
            let open = list.iter().filter(|id| !self.committed.contains(id));
            open.copied().collect()
        };
        let lists: Vec<Vec<u32>> = lists.iter().map(strip).collect();
        let model = Model::propose(parameters, &lists, &[]);
        self.committed.extend(&model.kept);
        if !model.kept.is_empty() {
            self.line.push_back(model.clone());
        }
        let mut released = vec![];
        while self
            .line
            .front()
            .is_some_and(|graph| graph.missing.is_empty())
        {
            let graph = self.line.pop_front().unwrap();
            released.extend(graph.ranked(Rank::Copeland)?.concat());
        }
        Some((model, released))
    }
}

fn run_stream(seed: u64) -> (u32, usize) {
    const ID_COUNT: u32 = 24;
    let mut random = Random(seed);
    let parameters = random.parameters();
    let mut ids: Vec<u32> = (0..ID_COUNT).collect();
    random.shuffle(&mut ids);
    let mut rounds = Rounds::new(parameters, Rank::Copeland, ID_COUNT, 8, 0).unwrap();
    let mut model = ModelStream::default();
    let mut waited = 0;
    let mut all_released = vec![];
    for round in 1..8 {
        let known = &ids[..(round * 4).min(ids.len())];
        let lists = random.lists(parameters, known);
        let updates = random.lists(parameters, known);
        rounds.round(&lists, &updates).unwrap();
        let Some((expected, released)) = model.round(parameters, &lists, &updates) else {
            break;
        };
        let graph = rounds.graph().unwrap();
        let kept: Vec<u32> = graph
            .kept()
            .map(|vertex| rounds.id(vertex).unwrap())
            .collect();
        assert_eq!(kept, expected.kept.iter().copied().collect::<Vec<_>>());
        let missing: BTreeSet<(u32, u32)> = graph
            .missing_pairs()
            .map(|(a, b)| (rounds.id(a).unwrap(), rounds.id(b).unwrap()))
            .collect();
        assert_eq!(missing, expected.missing);
        for vertex in 0..graph.vertex_count() {
            assert_eq!(
                graph.class(vertex),
                expected.classes[&rounds.id(vertex).unwrap()]
            );
        }
        assert_eq!(graph.vertex_count() as usize, expected.classes.len());
        assert_eq!(rounds.released(), released);
        let components: Vec<&[u32]> = rounds.released_components().collect();
        assert_eq!(components.concat(), released);
        assert!(components.iter().all(|it| !it.is_empty() && it.len() != 2));
        assert_eq!(rounds.waiting_count(), model.line.len());
        assert_eq!(rounds.order().is_ok(), expected.missing.is_empty());
        waited += rounds.waiting_count();
        all_released.extend(released);
    }
    let once: BTreeSet<u32> = all_released.iter().copied().collect();
    assert_eq!(once.len(), all_released.len(), "an id is released once");
    (u32::from(!all_released.is_empty()), waited)
}

#[test]
fn streams_agree_with_the_model() {
    let mut seen = (0, 0);
    for seed in 0..1_500 {
        let run = std::panic::catch_unwind(|| run_stream(seed));
        let run = run.unwrap_or_else(|_| panic!("seed {seed}"));
        seen = (seen.0 + run.0, seen.1 + run.1);
    }
    assert!(seen.0 > 500 && seen.1 > 100, "{seen:?}");
}

/// ids: A, B, C, Z are 0, 1, 2, 3.
#[test]
fn an_incomplete_graph_holds_back_the_complete_one_behind_it() {
    let mut rounds = Rounds::new(five(), Rank::Copeland, 4, 2, 0).unwrap();
    let none: [Vec<u32>; 0] = [];
    rounds
        .round(&[vec![0, 1, 3], vec![1, 0, 3], vec![3], vec![3]], &none)
        .unwrap();
    assert!(rounds.released().is_empty());
    assert!(rounds.order().is_err());
    rounds.round(&[[2], [2], [2], [2]], &[]).unwrap();
    assert!(rounds.released().is_empty());
    assert_eq!(rounds.order().unwrap().vertices(), [0]);
    assert_eq!(rounds.id(0), Some(2));
    // The line is full now, which is said before anything changes.
    assert_eq!(rounds.round(&none, &none), Err(RoundError::LineFull));
    assert_eq!(rounds.waiting_count(), 2);
    let mut rounds = Rounds::new(five(), Rank::Copeland, 4, 3, 0).unwrap();
    rounds
        .round(&[vec![0, 1, 3], vec![1, 0, 3], vec![3], vec![3]], &none)
        .unwrap();
    rounds.round(&[[2], [2], [2], [2]], &[]).unwrap();
    rounds
        .round(&none[..], &[vec![0, 1], vec![1, 0], vec![0], vec![]])
        .unwrap();
    assert_eq!(rounds.released(), [0, 1, 3, 2]);
    assert_eq!(rounds.waiting_count(), 0);
    // What was kept once never comes again.
    rounds
        .round(&[[0, 2], [0, 2], [0, 2], [0, 2]], &[])
        .unwrap();
    assert!(rounds.released().is_empty());
    assert_eq!(rounds.graph().unwrap().vertex_count(), 0);
}

#[test]
fn a_round_refuses_bad_input_and_stays_as_it_was() {
    let mut rounds = Rounds::new(five(), Rank::Path, 3, 2, 0).unwrap();
    rounds.round(&[[0, 1], [0, 1], [0, 1]], &[]).unwrap();
    assert_eq!(rounds.released(), [0, 1]);
    let six = [[2]; 6];
    assert_eq!(rounds.round(&six, &[]), Err(RoundError::UnknownLog));
    assert_eq!(rounds.round(&[], &six), Err(RoundError::UnknownLog));
    assert_eq!(rounds.round(&[[3]], &[]), Err(RoundError::UnknownVertex));
    assert_eq!(
        rounds.round(&[[2]], &[[u32::MAX]]),
        Err(RoundError::UnknownVertex)
    );
    assert_eq!(rounds.released(), [0, 1]);
    assert!(Rounds::new(five(), Rank::Path, 3, 0, 0).is_err());
    assert!(Rounds::new(five(), Rank::Path, 0, 3, 0).is_err());
}

#[test]
fn a_line_releases_from_its_front_only() {
    let parameters = five();
    let mut line = Line::new(parameters, 3, 2).unwrap();
    let mut workspace = Workspace::new(parameters, 3, 0);
    assert_eq!(line.stand(), Err(LineError::WrongPhase));
    let incomplete = [vec![0, 1, 2], vec![1, 0, 2], vec![2], vec![2]];
    let complete = [vec![0, 1], vec![0, 1], vec![0, 1], vec![]];
    for lists in [&incomplete, &complete] {
        let graph = line.draft().unwrap();
        graph.begin(3).unwrap();
        append_all(graph, lists);
        graph.propose(&mut workspace).unwrap();
        line.stand().unwrap();
    }
    assert_eq!(line.draft().map(|_| ()), Err(LineError::LineFull));
    assert_eq!(line.stand(), Err(LineError::LineFull));
    assert!(
        line.release(&mut workspace, Rank::Copeland)
            .unwrap()
            .is_none()
    );
    // The lists of the front graph go on where they stand: log 2 shows both, then log 3.
    let front = line.graph_mut(0).unwrap();
    assert!(front.append(2, 1).unwrap());
    assert!(front.append(2, 0).unwrap());
    assert_eq!(front.update(), Ok(1));
    assert_eq!(
        front.append(3, 0),
        Ok(false),
        "a complete graph needs no more evidence"
    );
    assert!(line.graph(1).is_some() && line.graph(2).is_none() && line.graph_mut(2).is_none());
    let first = line
        .release(&mut workspace, Rank::Copeland)
        .unwrap()
        .unwrap();
    assert_eq!(first.vertices(), [1, 0, 2]);
    let second = line
        .release(&mut workspace, Rank::Copeland)
        .unwrap()
        .unwrap();
    assert_eq!(second.vertices(), [0, 1]);
    assert!(line.is_empty());
    assert!(
        line.release(&mut workspace, Rank::Copeland)
            .unwrap()
            .is_none()
    );
    let mut nowhere = Line::new(parameters, 3, 0).unwrap();
    assert_eq!(nowhere.draft().map(|_| ()), Err(LineError::LineFull));
    assert!(nowhere.graph(0).is_none());
}

/// A and B are shaded, in two lists each; A is in two fresh lists only, so it is not solid there.
#[test]
fn the_source_of_an_edge_that_comes_late_must_be_solid() {
    let mut graph = Graph::new(five(), 3).unwrap();
    let mut workspace = Workspace::new(five(), 3, 0);
    graph.begin(3).unwrap();
    append_all(
        &mut graph,
        &[vec![0, 1, 2], vec![1, 0, 2], vec![2], vec![2]],
    );
    graph.propose(&mut workspace).unwrap();
    assert_eq!(graph.missing_pairs().collect::<Vec<_>>(), [(0, 1)]);
    for (lists, drawn) in [
        (vec![vec![0, 1], vec![0, 1], vec![], vec![]], 0),
        // The heavier direction has a source that is not solid, the other is too light.
        (vec![vec![0, 1], vec![0, 1], vec![1], vec![]], 0),
        (vec![vec![0, 1], vec![0, 1], vec![1], vec![0]], 1),
    ] {
        graph.begin_update().unwrap();
        append_all(&mut graph, &lists);
        assert_eq!(graph.update(), Ok(drawn), "{lists:?}");
    }
    assert!(graph.has_edge(0, 1));
}

#[test]
fn of_two_solid_ends_with_equal_votes_the_smaller_id_comes_first() {
    let mut graph = Graph::new(five(), 3).unwrap();
    let mut workspace = Workspace::new(five(), 3, 0);
    // With one solid end alone, that one comes first whatever its id.
    let cases = [
        (vec![vec![0, 1], vec![1, 0], vec![0, 1], vec![1, 0]], (0, 1)),
        (
            vec![vec![0, 1], vec![1, 0], vec![1], vec![0], vec![1]],
            (1, 0),
        ),
        (vec![vec![0, 1], vec![1, 0], vec![1]], (1, 0)),
    ];
    for (updates, edge) in cases {
        graph.begin(3).unwrap();
        append_all(
            &mut graph,
            &[vec![0, 1, 2], vec![1, 0, 2], vec![2], vec![2]],
        );
        graph.propose(&mut workspace).unwrap();
        graph.begin_update().unwrap();
        append_all(&mut graph, &updates);
        assert_eq!(graph.update(), Ok(1));
        assert!(graph.has_edge(edge.0, edge.1), "{updates:?}");
    }
}

#[test]
fn the_twin_accepts_the_order_and_no_other() {
    let mut accepted = BTreeMap::<bool, u32>::new();
    for seed in 0..300 {
        let mut random = Random(seed);
        let parameters = random.parameters();
        let ids: Vec<u32> = (0..6).collect();
        let lists = random.lists(parameters, &ids);
        let updates = random.lists(parameters, &ids);
        let evidence = Evidence {
            vertex_count: 6,
            lists: &lists[..],
            updates: &[&updates[..]],
        };
        let mut twin = Twin::new(parameters, 6, 6).unwrap();
        twin.build(&evidence).unwrap();
        let order = match twin.order(Rank::RankedPairs) {
            Ok(order) => order.vertices().to_vec(),
            Err(error) => {
                assert_eq!(error, TwinError::EdgesMissing);
                assert!(twin.graph().missing_count() > 0);
                continue;
            }
        };
        assert_eq!(twin.verify(&evidence, Rank::RankedPairs, &order), Ok(()));
        *accepted.entry(order.len() > 1).or_default() += 1;
        for at in 1..order.len() {
            let mut other = order.clone();
            other.swap(at - 1, at);
            let refused = twin.verify(&evidence, Rank::RankedPairs, &other);
            assert_eq!(refused, Err(TwinError::OrderViolated));
            let refused = twin.verify(&evidence, Rank::RankedPairs, &order[..at]);
            assert_eq!(refused, Err(TwinError::OrderViolated));
        }
    }
    assert!(accepted[&true] > 50, "{accepted:?}");
}

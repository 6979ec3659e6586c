//! Any sequence of calls gives an answer.

use std::vec::Vec;

use super::random::Random;
use crate::ordering::fair::{
    Class, FinalizeError, Gamma, GammaMode, Graph, GraphError, Parameters, Rank, Twin, Workspace,
};

fn five() -> Parameters {
    Parameters::new(5, 1, Gamma::ONE, GammaMode::All).unwrap()
}

#[test]
fn each_misuse_has_its_error_and_changes_nothing() {
    let mut graph = Graph::new(five(), 4).unwrap();
    let mut workspace = Workspace::new(five(), 4, 0);
    assert_eq!(graph.begin(5), Err(GraphError::TooManyVertices));
    graph.begin(3).unwrap();
    assert_eq!(graph.append(5, 0), Err(GraphError::UnknownLog));
    assert_eq!(
        graph.append(u32::MAX, u32::MAX),
        Err(GraphError::UnknownLog)
    );
    assert_eq!(graph.append(0, 3), Err(GraphError::UnknownVertex));
    assert_eq!(graph.append(0, u32::MAX), Err(GraphError::UnknownVertex));
    assert_eq!(graph.append(0, 1), Ok(true));
    assert_eq!(graph.append(0, 1), Ok(false));
    assert_eq!(graph.begin_update(), Err(GraphError::WrongPhase));
    assert_eq!(graph.update(), Err(GraphError::WrongPhase));
    assert_eq!(graph.hold_back(&[0]), Err(GraphError::WrongPhase));
    assert!(!graph.is_complete());
    let refused = workspace.finalize(&graph, Rank::Path).map(|_| ());
    assert_eq!(refused, Err(FinalizeError::WrongPhase));
    for (n, vertices) in [(1, 4), (5, 3)] {
        let parameters = Parameters::new(n, 0, Gamma::ONE, GammaMode::All).unwrap();
        let mut small = Workspace::new(parameters, vertices, 0);
        assert_eq!(graph.propose(&mut small), Err(GraphError::LimitOutOfRange));
    }
    graph.propose(&mut workspace).unwrap();
    assert_eq!(graph.propose(&mut workspace), Err(GraphError::WrongPhase));
    assert_eq!(graph.hold_back(&[0, 3]), Err(GraphError::UnknownVertex));
    graph.begin_update().unwrap();
    assert_eq!(graph.hold_back(&[0]), Err(GraphError::WrongPhase));
    assert_eq!(graph.class(3), Class::Blank);
    assert_eq!(graph.weights(0, 3), (0, 0));
    assert_eq!(graph.weights(1, 1), (0, 0));
    assert!(!graph.has_edge(u32::MAX, 0) && !graph.is_missing(0, u32::MAX));
    assert!(!graph.is_kept(u32::MAX) && !graph.is_held_back(u32::MAX));
}

#[test]
fn nothing_at_all_is_an_empty_order() {
    let mut twin = Twin::new(five(), 3, 3).unwrap();
    let lists: [Vec<u32>; 0] = [];
    for vertex_count in [0, 3] {
        let evidence = crate::ordering::fair::Evidence {
            vertex_count,
            lists: &lists[..],
            updates: &[],
        };
        assert_eq!(twin.verify(&evidence, Rank::Copeland, &[]), Ok(()));
        assert!(twin.graph().is_complete() && !twin.graph().has_solid());
    }
}

#[test]
fn any_sequence_of_calls_is_answered() {
    for seed in 0..2_000 {
        let mut random = Random(seed);
        let parameters = random.parameters();
        let vertex_count_max = 1 + random.below(70) as u32;
        let mut graph = Graph::new(parameters, vertex_count_max).unwrap();
        let mut workspace = Workspace::new(parameters, vertex_count_max, random.below(80) as u32);
        for _ in 0..60 {
            let number = random.below(80) as u32;
            match random.below(12) {
                0 => _ = graph.begin(number),
                1 => _ = graph.propose(&mut workspace),
                2 => _ = graph.hold_back(&[number, number / 2]),
                3 => _ = graph.begin_update(),
                4 => _ = graph.update(),
                5 => {
                    let rank = [Rank::Copeland, Rank::RankedPairs, Rank::Path][number as usize % 3];
                    if let Ok(order) = workspace.finalize(&graph, rank) {
                        assert_eq!(order.vertices().len(), graph.kept_count() as usize);
                        assert_eq!(
                            order.components().map(<[u32]>::len).sum::<usize>(),
                            order.vertices().len()
                        );
                        let _ = order.kemeny_excess();
                    }
                }
                6 => _ = (graph.missing_pairs().count(), graph.dropped().count()),
                _ => {
                    for vertex in 0..number {
                        let log = random.below(12) as u32;
                        let vertex = random.below(u64::from(vertex) + 1) as u32;
                        let _ = graph.append(log, vertex);
                    }
                }
            }
            assert!(graph.kept_count() <= graph.vertex_count().max(vertex_count_max));
            assert_eq!(
                graph.kept().count(),
                graph.kept_count() as usize,
                "seed {seed}"
            );
        }
    }
}

/// A full house: as many logs as can be, and one of them against all others.
#[test]
fn counters_hold_255_lists() {
    let parameters = Parameters::new(255, 63, Gamma::ONE, GammaMode::All).unwrap();
    let mut graph = Graph::new(parameters, 130).unwrap();
    let mut workspace = Workspace::new(parameters, 130, 0);
    for turned in [0, 1, 127, 128, 254, 255] {
        graph.begin(130).unwrap();
        for log in 0..255 {
            for place in 0..130 {
                let vertex = if log < turned { 129 - place } else { place };
                graph.append(log, vertex).unwrap();
            }
        }
        graph.propose(&mut workspace).unwrap();
        assert_eq!(graph.weights(3, 100), (255 - turned, turned));
        let order = workspace.finalize(&graph, Rank::Copeland).unwrap();
        let rising: Vec<u32> = (0..130).collect();
        let falling: Vec<u32> = (0..130).rev().collect();
        assert_eq!(
            order.vertices(),
            if turned < 128 { rising } else { falling }
        );
    }
}

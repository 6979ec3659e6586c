//! What every ranking promises: a path, and a solid vertex at the end.

use std::vec::Vec;

use crate::ordering::fair::{
    FinalizeError, Gamma, GammaMode, Graph, Parameters, Rank, Workspace, component_sizes,
};

fn parameters() -> Parameters {
    Parameters::new(5, 1, Gamma::ONE, GammaMode::All).unwrap()
}

/// The order of a tournament of five; `arcs` has a bit for each pair a < b, set if a wins.
fn order_of_five(
    arcs: u32,
    solid: u32,
    rank: Rank,
    graph: &mut Graph,
    workspace: &mut Workspace,
) -> (Vec<u32>, bool) {
    let pair = |a: u32, b: u32| (0..a).map(|row| 4 - row).sum::<u32>() + b - a - 1;
    let wins = |a: u32, b: u32| arcs >> pair(a, b) & 1 == 1;
    graph.set_tournament(5, wins, |vertex| solid >> vertex & 1 == 1);
    let order = workspace.finalize(graph, rank).unwrap();
    (order.vertices().to_vec(), order.was_rotated())
}

#[test]
fn every_tournament_of_five_gives_a_path_that_ends_in_a_solid_vertex() {
    let mut graph = Graph::new(parameters(), 5).unwrap();
    let mut workspace = Workspace::new(parameters(), 5, 5);
    for rank in [Rank::Copeland, Rank::RankedPairs, Rank::Path] {
        let mut rotations = 0;
        for arcs in 0..1 << 10 {
            for solid in 1..1 << 5 {
                let (order, rotated) = order_of_five(arcs, solid, rank, &mut graph, &mut workspace);
                let kept: Vec<u32> = graph.kept().collect();
                let mut sorted = order.clone();
                sorted.sort_unstable();
                assert_eq!(sorted, kept);
                assert!(
                    order
                        .windows(2)
                        .all(|pair| graph.has_edge(pair[0], pair[1]))
                );
                let last = order.last().unwrap();
                assert!(solid >> last & 1 == 1, "{arcs} {solid} {order:?}");
                rotations += u32::from(rotated);
            }
        }
        assert!(rotations > 0, "{rank:?} never has to turn a cycle here");
    }
}

/// d → s, s → {a, b, c}, a → b → c → a, {a, b, c} → d, and only s is solid: putting each vertex
/// back wherever it fits goes round for ever; to the left of s it ends.
#[test]
fn putting_vertices_back_to_the_left_of_the_solid_one_ends() {
    // a, b, c, d, s are 0 to 4; the path in the order of ids comes to d s before the rest.
    let edges = [
        (3, 4),
        (4, 0),
        (4, 1),
        (4, 2),
        (0, 1),
        (1, 2),
        (2, 0),
        (0, 3),
        (1, 3),
        (2, 3),
    ];
    let mut graph = Graph::new(parameters(), 5).unwrap();
    let mut workspace = Workspace::new(parameters(), 5, 5);
    for rank in [Rank::Copeland, Rank::RankedPairs, Rank::Path] {
        graph.set_tournament(5, |a, b| edges.contains(&(a, b)), |vertex| vertex == 4);
        let order = workspace.finalize(&graph, rank).unwrap();
        assert_eq!(order.vertices().last(), Some(&4));
        assert!(
            order
                .vertices()
                .windows(2)
                .all(|pair| graph.has_edge(pair[0], pair[1]))
        );
    }
}

/// p → s, s → {x, y, z}, p → {y, z}, x → p, x → y → z → x: on the path p s x y z the last one beats
/// nothing up to s, so the cycle is turned.
#[test]
fn a_vertex_without_a_place_turns_the_cycle() {
    // p, s, x, y, z are 0 to 4.
    let edges = [
        (0, 1),
        (1, 2),
        (1, 3),
        (1, 4),
        (0, 3),
        (0, 4),
        (2, 0),
        (2, 3),
        (3, 4),
        (4, 2),
    ];
    let mut graph = Graph::new(parameters(), 5).unwrap();
    let mut workspace = Workspace::new(parameters(), 5, 5);
    graph.set_tournament(5, |a, b| edges.contains(&(a, b)), |vertex| vertex == 1);
    let order = workspace.finalize(&graph, Rank::Copeland).unwrap();
    assert!(order.was_rotated());
    assert_eq!(order.vertices(), [3, 4, 2, 0, 1]);
}

#[test]
fn components_too_large_for_ranked_pairs_are_counted() {
    let mut graph = Graph::new(parameters(), 8).unwrap();
    let mut workspace = Workspace::new(parameters(), 8, 3);
    // Two cycles of three and four, one after the other.
    let cycles = |a: u32, b: u32| (a, b) != (0, 2) && (a, b) != (3, 6);
    graph.set_tournament(7, cycles, |_| true);
    let order = workspace.finalize(&graph, Rank::RankedPairs).unwrap();
    assert_eq!(order.beyond_ranked_pairs(), 1);
    let sizes = component_sizes(&order);
    assert_eq!(
        (sizes.component_count, sizes.largest, sizes.in_cycles),
        (2, 4, 7)
    );
    let order = workspace.finalize(&graph, Rank::Copeland).unwrap();
    assert_eq!(order.beyond_ranked_pairs(), 0);
}

#[test]
fn a_smaller_workspace_is_refused() {
    let mut graph = Graph::new(parameters(), 8).unwrap();
    graph.set_tournament(7, |_, _| true, |_| true);
    let mut small = Workspace::new(parameters(), 6, 0);
    let refused = small.finalize(&graph, Rank::Copeland).map(|_| ());
    assert_eq!(refused, Err(FinalizeError::LimitOutOfRange));
}

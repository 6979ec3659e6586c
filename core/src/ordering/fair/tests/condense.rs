//! Scores against Tarjan's algorithm against reachability.

use std::vec;
use std::vec::Vec;

use super::random::Random;
use crate::ordering::fair::condense::{Condensation, score_boundaries};

/// The component of each vertex, numbered so that a component leads only to larger numbers.
fn tarjan(relation: &[Vec<bool>]) -> Vec<u32> {
    let count = relation.len() as u32;
    let mut condensation = Condensation::new(count);
    condensation.run(count, |vertex, from| {
        (from..count).find(|other| relation[vertex as usize][*other as usize])
    });
    (0..count)
        .map(|vertex| condensation.component(vertex).unwrap())
        .collect()
}

/// Whether each vertex reaches each other one.
fn closure(relation: &[Vec<bool>]) -> Vec<Vec<bool>> {
    let count = relation.len();
    let mut reach = relation.to_vec();
    for (vertex, row) in reach.iter_mut().enumerate() {
        row[vertex] = true;
    }
    for via in 0..count {
        let through = reach[via].clone();
        for row in reach.iter_mut().filter(|row| row[via]) {
            row.iter_mut()
                .zip(&through)
                .for_each(|(to, more)| *to |= more);
        }
    }
    reach
}

#[test]
fn scores_agree_with_tarjan_on_every_tournament_of_six() {
    for arcs in 0..1_u32 << 15 {
        let mut relation = vec![vec![false; 6]; 6];
        let pairs = (0..6).flat_map(|a| (a + 1..6).map(move |b| (a, b)));
        for (bit, (a, b)) in pairs.enumerate() {
            relation[a][b] = arcs >> bit & 1 == 1;
            relation[b][a] = !relation[a][b];
        }
        let score =
            |vertex: &usize| relation[*vertex].iter().filter(|beats| **beats).count() as u32;
        let mut order: Vec<usize> = (0..6).collect();
        order.sort_by_key(|vertex| u32::MAX - score(vertex));
        let mut ends = vec![];
        score_boundaries(order.iter().map(score), |end| ends.push(end as usize));
        let component = tarjan(&relation);
        let mut expected = vec![0; 6];
        for (place, vertex) in order.iter().enumerate() {
            expected[*vertex] = ends.iter().filter(|end| **end <= place).count() as u32;
        }
        assert_eq!(component, expected, "tournament {arcs}");
    }
}

#[test]
fn tarjan_agrees_with_reachability_on_any_relation() {
    for seed in 0..500 {
        let mut random = Random(seed);
        let count = 1 + random.below(12) as usize;
        let percent = 1 + random.below(50);
        let mut relation = vec![vec![false; count]; count];
        for row in &mut relation {
            for cell in row.iter_mut() {
                *cell = random.chance(percent);
            }
        }
        let (component, reach) = (tarjan(&relation), closure(&relation));
        for a in 0..count {
            for b in 0..count {
                let together = component[a] == component[b];
                assert_eq!(together, reach[a][b] && reach[b][a], "seed {seed}");
                assert!(!reach[a][b] || component[a] <= component[b], "seed {seed}");
            }
        }
    }
}

#[test]
fn an_acyclic_triple_is_not_merged() {
    let mut relation = vec![vec![false; 3]; 3];
    for (from, to) in [(0, 1), (0, 2), (2, 1)] {
        relation[from][to] = true;
    }
    assert_eq!(tarjan(&relation), [0, 2, 1]);
}

#[test]
fn a_long_chain_needs_no_stack_of_calls() {
    let count = 200_000;
    let mut condensation = Condensation::new(count);
    condensation.run(count, |vertex, from| {
        Some((vertex + 1) % count).filter(|next| *next >= from)
    });
    assert_eq!(condensation.component_count(), 1);
    // Answers beyond the vertices, or before the place asked for, count as none.
    condensation.run(3, |_, _| Some(7));
    assert_eq!(condensation.component_count(), 3);
    assert_eq!(condensation.component(3), None);
}

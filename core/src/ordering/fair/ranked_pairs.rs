//! Ranked pairs: the heaviest edges first, each unless it closes a cycle.

use alloc::boxed::Box;

use super::bits::{get, set, words_for};
use super::graph::Graph;
use super::rank::beats;
use crate::bounded::{fixed_slice, fixed_slice_bytes};

/// What ranking by pairs works with.
///
/// Memory: `4 · k · (k − 1)` bytes of edges and `k · ⌈k / 64⌉ · 8` bytes of rows for k vertices.
#[derive(Debug)]
pub(super) struct RankedPairs {
    vertex_count_max: usize,
    /// Edges as numbers that sort by falling weight, then by winner and loser.
    edges: Box<[u64]>,
    /// Row after row, what a vertex leads to by locked edges.
    reach: Box<[u64]>,
}

impl RankedPairs {
    pub(super) fn new(vertex_count_max: usize) -> Self {
        Self {
            vertex_count_max,
            edges: fixed_slice(edge_count(vertex_count_max), 0),
            reach: fixed_slice(vertex_count_max * words_for(vertex_count_max), 0),
        }
    }

    pub(super) const fn footprint_bytes(vertex_count_max: usize) -> u64 {
        fixed_slice_bytes::<u64>(edge_count(vertex_count_max))
            + fixed_slice_bytes::<u64>(vertex_count_max * words_for(vertex_count_max))
    }

    pub(super) const fn vertex_count_max(&self) -> usize {
        self.vertex_count_max
    }

    /// Ranks a component that comes in the order of ids.
    ///
    /// Of two vertices one leads to the other in the end, so that the number of vertices that one
    /// leads to is its place from the end. Neighbours are joined by an edge: had the later one
    /// beaten the earlier, that edge would have been passed over for a locked way round, which can
    /// have no vertex between the two.
    pub(super) fn rank(&mut self, graph: &Graph, component: &mut [u16], spare: &mut [u16]) {
        let count = component.len();
        let words = words_for(count);
        let edge_count = self.sort_edges(graph, component);
        let reach = &mut self.reach[..count * words];
        reach.fill(0);
        for edge in &self.edges[..edge_count] {
            let (winner, loser) = ((edge >> 16) as u16 as usize, *edge as u16 as usize);
            lock(reach, words, winner, loser);
        }
        spare[..count].copy_from_slice(component);
        for (at, position) in spare[..count].iter().enumerate() {
            let row = &reach[at * words..][..words];
            let led_to: u32 = row.iter().map(|word| word.count_ones()).sum();
            component[count - 1 - led_to as usize] = *position;
        }
    }

    fn sort_edges(&mut self, graph: &Graph, component: &[u16]) -> usize {
        let mut edge_count = 0;
        for left in 0..component.len() {
            for right in left + 1..component.len() {
                let (a, b) = (component[left], component[right]);
                let (a_first, b_first) =
                    graph.weights(graph.vertex_at(a.into()), graph.vertex_at(b.into()));
                let (weight, winner, loser) = if beats(graph, a, b) {
                    (a_first, left, right)
                } else {
                    (b_first, right, left)
                };
                self.edges[edge_count] =
                    u64::from(u32::MAX - weight) << 32 | (winner << 16 | loser) as u64;
                edge_count += 1;
            }
        }
        self.edges[..edge_count].sort_unstable();
        edge_count
    }
}

/// Locks an edge unless the loser leads to the winner already.
fn lock(reach: &mut [u64], words: usize, winner: usize, loser: usize) {
    let leads = |reach: &[u64], from: usize, to: usize| get(&reach[from * words..][..words], to);
    if leads(reach, loser, winner) || leads(reach, winner, loser) {
        return;
    }
    for from in 0..reach.len() / words {
        if from == winner || leads(reach, from, winner) {
            for word in 0..words {
                reach[from * words + word] |= reach[loser * words + word];
            }
            set(&mut reach[from * words..][..words], loser);
        }
    }
}

const fn edge_count(vertex_count: usize) -> usize {
    vertex_count * vertex_count.saturating_sub(1) / 2
}

//! A proposed graph from its edges, as a stored state holds them.

use super::{BitMatrix, Class, Graph, Phase, set, words_for};
use crate::ordering::fair::bits::get;
use crate::ordering::fair::tally::NO_POSITION;

/// How two vertices stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::ordering::fair) enum Edge {
    Missing,
    FirstBeats,
    SecondBeats,
}

impl Graph {
    /// The edge between two vertices that it keeps.
    pub(in crate::ordering::fair) fn edge(&self, a: u32, b: u32) -> Edge {
        if self.has_edge(a, b) {
            Edge::FirstBeats
        } else if self.has_edge(b, a) {
            Edge::SecondBeats
        } else {
            Edge::Missing
        }
    }

    /// The vertices of a proposal's list that it keeps, in their order.
    pub(in crate::ordering::fair) fn proposal_list(&self, log: usize) -> impl Iterator<Item = u32> {
        let entries = self.lists.entries(log).iter();
        entries
            .map(|vertex| u32::from(*vertex))
            .filter(|vertex| self.is_kept(*vertex))
    }

    /// Takes the lists that were appended as those of a proposal that kept every vertex, with these
    /// classes and edges; `edge(a, b)` is asked once for each a < b, in their order.
    pub(in crate::ordering::fair) fn restore(
        &mut self,
        is_solid: impl Fn(u32) -> bool,
        mut edge: impl FnMut(u32, u32) -> Edge,
    ) {
        let count = self.vertex_count;
        let words = words_for(count);
        self.phase = Phase::Proposed;
        self.updated = false;
        self.member_count = count;
        self.beats.begin(count);
        self.missing.begin(count);
        self.missing_count = 0;
        for row in [&mut self.solid, &mut self.held_back, &mut self.kept] {
            row[..words].fill(0);
        }
        self.positions[..count].fill(NO_POSITION);
        for a in 0..count {
            self.vertices[a] = a as u16;
            self.positions[a] = a as u16;
            set(&mut self.kept, a);
            self.classes[a] = Class::Shaded;
            if is_solid(a as u32) {
                self.classes[a] = Class::Solid;
                set(&mut self.solid, a);
            }
            for b in a + 1..count {
                match edge(a as u32, b as u32) {
                    Edge::FirstBeats => self.beats.set(a, b),
                    Edge::SecondBeats => self.beats.set(b, a),
                    Edge::Missing => {
                        mark(&mut self.missing, a, b);
                        self.missing_count += 1;
                    }
                }
            }
        }
        self.some_missing = self.missing_count > 0;
        debug_assert!(
            count == 0 || get(&self.kept, count - 1),
            "all of them are kept"
        );
    }
}

fn mark(matrix: &mut BitMatrix, a: usize, b: usize) {
    matrix.set(a, b);
    matrix.set(b, a);
}

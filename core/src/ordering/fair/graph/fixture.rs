//! Graphs with given edges, for tests.

use super::{Class, Graph, Phase, set};

impl Graph {
    /// A complete graph: `beats(a, b)` for a < b says who wins; `solid` says which are.
    pub(in crate::ordering::fair) fn set_tournament(
        &mut self,
        count: u32,
        beats: impl Fn(u32, u32) -> bool,
        solid: impl Fn(u32) -> bool,
    ) {
        self.begin(count).unwrap();
        self.phase = Phase::Proposed;
        self.member_count = count as usize;
        self.beats.begin(count as usize);
        self.missing.begin(count as usize);
        self.some_missing = false;
        for bits in [&mut self.solid, &mut self.held_back, &mut self.kept] {
            bits.fill(0);
        }
        for vertex in 0..count as usize {
            self.vertices[vertex] = vertex as u16;
            self.positions[vertex] = vertex as u16;
            self.classes[vertex] = Class::Shaded;
            if solid(vertex as u32) {
                self.classes[vertex] = Class::Solid;
                set(&mut self.solid, vertex);
            }
            for other in vertex + 1..count as usize {
                if beats(vertex as u32, other as u32) {
                    self.beats.set(vertex, other);
                } else {
                    self.beats.set(other, vertex);
                }
            }
        }
        self.drop_tail();
    }
}

//! What a graph answers.

use super::{Class, Graph, Phase};
use crate::ordering::fair::bits::{BitMatrix, get, words_for};
use crate::ordering::fair::parameters::Parameters;
use crate::ordering::fair::tally::NO_POSITION;

impl Graph {
    /// The parameters that it was made with.
    #[must_use]
    pub const fn parameters(&self) -> Parameters {
        self.parameters
    }

    /// How many vertices it has now, whatever their class.
    #[must_use]
    pub const fn vertex_count(&self) -> u32 {
        self.vertex_count as u32
    }

    /// The class of a vertex at the proposal; blank for a number that is no vertex.
    #[must_use]
    pub fn class(&self, vertex: u32) -> Class {
        if self.phase == Phase::Proposed && (vertex as usize) < self.vertex_count {
            self.classes[vertex as usize]
        } else {
            Class::Blank
        }
    }

    /// Whether the proposal kept a vertex: neither blank, nor held back, nor in the shaded tail.
    #[must_use]
    pub fn is_kept(&self, vertex: u32) -> bool {
        (vertex as usize) < self.vertex_count && self.is_kept_at(vertex as usize)
    }

    /// Whether a vertex is held back.
    #[must_use]
    pub fn is_held_back(&self, vertex: u32) -> bool {
        let position = self.position(vertex);
        position.is_some_and(|position| get(&self.held_back, position))
    }

    /// The vertices that it keeps, in the order of ids.
    pub fn kept(&self) -> impl Iterator<Item = u32> {
        (0..self.vertex_count()).filter(|vertex| self.is_kept(*vertex))
    }

    /// The shaded tail that it dropped, in the order of ids; what is held back is not in it.
    pub fn dropped(&self) -> impl Iterator<Item = u32> {
        (0..self.vertex_count()).filter(|vertex| {
            self.class(*vertex) == Class::Shaded
                && !self.is_kept(*vertex)
                && !self.is_held_back(*vertex)
        })
    }

    /// How many vertices it keeps.
    #[must_use]
    pub fn kept_count(&self) -> u32 {
        let proposed = self.phase == Phase::Proposed;
        let words = if proposed {
            words_for(self.member_count)
        } else {
            0
        };
        self.kept[..words]
            .iter()
            .map(|word| word.count_ones())
            .sum()
    }

    /// Whether it has been proposed and no edge between vertices that it keeps is missing.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.phase == Phase::Proposed && self.missing_count == 0
    }

    /// How many edges between vertices that it keeps are missing.
    #[must_use]
    pub const fn missing_count(&self) -> u32 {
        self.missing_count
    }

    /// The pairs without an edge, smaller id first, in the order of ids. O(m²) to walk through.
    pub fn missing_pairs(&self) -> impl Iterator<Item = (u32, u32)> {
        let some = self.missing_count > 0;
        let firsts = (0..self.vertex_count()).filter(move |_| some);
        firsts.flat_map(move |a| {
            let seconds = a.saturating_add(1)..self.vertex_count();
            seconds
                .filter(move |b| self.is_missing(a, *b))
                .map(move |b| (a, b))
        })
    }

    /// Whether the edge between two vertices that it keeps is missing.
    #[must_use]
    pub fn is_missing(&self, a: u32, b: u32) -> bool {
        self.kept_bit(&self.missing, a, b)
    }

    /// Whether there is an edge from `a` to `b`, both of them kept.
    #[must_use]
    pub fn has_edge(&self, a: u32, b: u32) -> bool {
        self.kept_bit(&self.beats, a, b)
    }

    /// How many lists have `a` before `b`, and how many `b` before `a`.
    ///
    /// Counted in the proposal's lists, and for a pair that they left without an edge, in the
    /// latest lists for missing edges. (0, 0) for numbers that are no vertices. O(n).
    #[must_use]
    pub fn weights(&self, a: u32, b: u32) -> (u32, u32) {
        let (a, b) = (a as usize, b as usize);
        if a.max(b) >= self.vertex_count || a == b {
            return (0, 0);
        }
        let weights = self.lists.weights(a, b);
        if self.updated && weights.0.max(weights.1) < self.parameters.threshold() {
            return self.updates.weights(a, b);
        }
        weights
    }

    fn kept_bit(&self, matrix: &BitMatrix, a: u32, b: u32) -> bool {
        match (self.position(a), self.position(b)) {
            (Some(row), Some(column)) => {
                matrix.get(row, column) && get(&self.kept, row) && get(&self.kept, column)
            }
            _ => false,
        }
    }

    fn position(&self, vertex: u32) -> Option<usize> {
        if self.phase != Phase::Proposed || vertex as usize >= self.vertex_count {
            return None;
        }
        let position = self.positions[vertex as usize];
        (position != NO_POSITION).then_some(usize::from(position))
    }

    pub(super) fn is_kept_at(&self, vertex: usize) -> bool {
        let position = self.position(vertex as u32);
        position.is_some_and(|position| get(&self.kept, position))
    }

    /// The same over positions, which is what a ranking works on.
    pub(in crate::ordering::fair) fn beats_at(&self, row: usize, column: usize) -> bool {
        self.beats.get(row, column)
    }

    pub(in crate::ordering::fair) fn vertex_at(&self, position: usize) -> u32 {
        u32::from(self.vertices[position])
    }

    pub(in crate::ordering::fair) fn is_solid_at(&self, position: usize) -> bool {
        get(&self.solid, position)
    }

    /// The positions that it keeps, in the order of ids.
    pub(in crate::ordering::fair) fn kept_positions(&self) -> impl Iterator<Item = usize> {
        let positions = self.positions[..self.vertex_count].iter();
        positions
            .filter(|position| **position != NO_POSITION)
            .map(|position| usize::from(*position))
            .filter(|position| get(&self.kept, *position))
    }

    /// How many kept vertices the one at `position` beats.
    pub(in crate::ordering::fair) fn score_at(&self, position: usize) -> u32 {
        super::count_common(self.beats.row(position), &self.kept)
    }
}

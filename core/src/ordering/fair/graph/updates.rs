//! FairUpdate: edges that come after the proposal.

use super::{Graph, GraphError, Phase};
use crate::ordering::fair::bits::{get, ones};
use crate::ordering::fair::tally::NO_POSITION;

impl Graph {
    /// Starts lists of their own for the missing edges, in place of the proposal's lists going on.
    ///
    /// # Errors
    /// [`GraphError::WrongPhase`] before the proposal.
    pub fn begin_update(&mut self) -> Result<(), GraphError> {
        if self.phase != Phase::Proposed {
            return Err(GraphError::WrongPhase);
        }
        self.updates.begin(self.vertex_count);
        self.updated = true;
        Ok(())
    }

    /// FairUpdate: draws those missing edges that the lists decide by now; returns how many.
    ///
    /// A missing edge goes from a to b if at least T lists, and at least as many as the other way,
    /// have a before b, and a is solid in these lists. Where both directions qualify, the smaller
    /// id comes first. Edges that exist never change. Cost: O(n) for each missing edge with an end
    /// that is solid by now, and O(m² / 64).
    ///
    /// # Errors
    /// [`GraphError::WrongPhase`] before the proposal.
    pub fn update(&mut self) -> Result<u32, GraphError> {
        if self.phase != Phase::Proposed {
            return Err(GraphError::WrongPhase);
        }
        if self.missing_count == 0 {
            return Ok(0);
        }
        self.continue_lists();
        let before = self.missing_count;
        for row in 0..self.member_count {
            let vertex = usize::from(self.vertices[row]);
            if !self.is_kept_at(vertex) {
                continue;
            }
            for word in row / 64..self.missing.row(row).len() {
                let columns = self.missing.row(row)[word] & self.kept[word];
                for bit in ones(core::iter::once(columns)) {
                    if word * 64 + bit > row {
                        self.try_edge(row, word * 64 + bit);
                    }
                }
            }
        }
        Ok(before - self.missing_count)
    }

    /// Lets the proposal's lists go on as the evidence for its missing edges.
    pub(super) fn continue_lists(&mut self) {
        if !self.updated {
            self.updated = true;
            let (positions, kept) = (&self.positions, &self.kept);
            self.updates
                .copy_from(&self.lists, self.vertex_count, |vertex| {
                    let position = positions[vertex];
                    position != NO_POSITION && get(kept, usize::from(position))
                });
        }
    }

    /// Draws every missing edge between vertices that it keeps from the smaller id to the larger,
    /// which no rule does: tests show why.
    pub(in crate::ordering::fair) fn draw_by_id(&mut self) {
        for a in 0..self.vertex_count() {
            for b in a + 1..self.vertex_count() {
                if self.is_missing(a, b) {
                    let position = |vertex: u32| usize::from(self.positions[vertex as usize]);
                    let (left, right) = (position(a), position(b));
                    self.beats.set(left, right);
                    self.missing.clear(left, right);
                    self.missing.clear(right, left);
                    self.missing_count -= 1;
                }
            }
        }
    }

    /// Draws the missing edge between two positions if the lists decide it.
    fn try_edge(&mut self, left: usize, right: usize) {
        let (a, b) = (
            usize::from(self.vertices[left]),
            usize::from(self.vertices[right]),
        );
        let solid_min = self.parameters.solid_min();
        let (a_solid, b_solid) = (
            self.updates.heads(a) >= solid_min,
            self.updates.heads(b) >= solid_min,
        );
        if !a_solid && !b_solid {
            return;
        }
        let (a_first, b_first) = self.updates.weights(a, b);
        let threshold = self.parameters.threshold();
        let a_wins = a_solid && a_first >= threshold && a_first >= b_first;
        let b_wins = b_solid && b_first >= threshold && b_first >= a_first;
        let (winner, loser) = match (a_wins, b_wins) {
            (false, false) => return,
            (true, true) if a < b => (left, right),
            (true, true) => (right, left),
            (true, false) => (left, right),
            (false, true) => (right, left),
        };
        self.beats.set(winner, loser);
        self.missing.clear(left, right);
        self.missing.clear(right, left);
        self.missing_count -= 1;
    }
}

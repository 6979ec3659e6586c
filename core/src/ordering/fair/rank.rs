//! FairFinalize: components in order, and an order inside each.

use alloc::boxed::Box;

use super::condense::score_boundaries;
use super::cycle::close_cycle;
use super::graph::Graph;
use super::ranked_pairs::RankedPairs;
use super::workspace::Workspace;
use crate::bounded::{fixed_slice, fixed_slice_bytes};
use crate::error::operation_error;

/// How the vertices of one component are ranked; each way gives a Hamiltonian path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rank {
    /// By how many others each beats, then each moved left past every neighbour that it beats
    /// (local Kemenization). O(k + moves), at most O(k²).
    #[default]
    Copeland,
    /// Edges by falling weight, each locked unless it closes a cycle. O(k³ / 64); components larger
    /// than the workspace's `ranked_pairs_max` go by [`Rank::Copeland`].
    RankedPairs,
    /// In the order of ids, each before the first resident that it beats. O(k²), and of no quality.
    Path,
}

operation_error! {
    /// Why a graph could not be ranked.
    FinalizeError { EdgesMissing, WrongPhase, LimitOutOfRange }
}

/// What ranking works with.
#[derive(Debug)]
pub(super) struct RankScratch {
    scores: Box<[u32]>,
    /// How many vertices have each score, then where the next of them goes.
    buckets: Box<[u32]>,
    /// Positions, in the order to come.
    order: Box<[u16]>,
    ends: Box<[u32]>,
    spare: Box<[u16]>,
    output: Box<[u32]>,
    pairs: RankedPairs,
}

impl RankScratch {
    pub(super) fn new(vertices: usize, ranked_pairs_max: usize) -> Self {
        Self {
            scores: fixed_slice(vertices, 0),
            buckets: fixed_slice(vertices, 0),
            order: fixed_slice(vertices, 0),
            ends: fixed_slice(vertices, 0),
            spare: fixed_slice(vertices, 0),
            output: fixed_slice(vertices, 0),
            pairs: RankedPairs::new(ranked_pairs_max),
        }
    }

    pub(super) const fn footprint_bytes(vertices: usize, ranked_pairs_max: usize) -> u64 {
        4 * fixed_slice_bytes::<u32>(vertices)
            + 2 * fixed_slice_bytes::<u16>(vertices)
            + RankedPairs::footprint_bytes(ranked_pairs_max)
    }
}

/// The order that a complete graph gives.
#[derive(Clone, Copy, Debug)]
pub struct RankedOrder<'a> {
    graph: &'a Graph,
    order: &'a [u32],
    ends: &'a [u32],
    rotated: bool,
    beyond_ranked_pairs: u32,
}

impl<'a> RankedOrder<'a> {
    /// The vertices in order. Each has an edge to the next, and the last one is solid.
    #[must_use]
    pub const fn vertices(&self) -> &'a [u32] {
        self.order
    }

    /// The components in order, each of them ranked.
    pub fn components(&self) -> impl Iterator<Item = &'a [u32]> + use<'a> {
        let (order, ends) = (self.order, self.ends);
        let starts = core::iter::once(0).chain(ends.iter().copied());
        starts
            .zip(ends)
            .map(move |(start, end)| &order[start as usize..*end as usize])
    }

    /// How much weight the order inside components goes against: the sum, over pairs whose later
    /// vertex beats the earlier one, of the difference between their weights. O(k²) questions for a
    /// component of k vertices, and O(n) for each such pair.
    #[must_use]
    pub fn kemeny_excess(&self) -> u64 {
        let excess = |earlier: u32, later: u32| {
            let (with, against) = self.graph.weights(earlier, later);
            u64::from(against.saturating_sub(with))
        };
        let components = self.components();
        components
            .map(|component| {
                let pairs = (0..component.len()).flat_map(|at| {
                    component[at + 1..]
                        .iter()
                        .map(move |later| (component[at], *later))
                });
                let reversed =
                    pairs.filter(|(earlier, later)| self.graph.has_edge(*later, *earlier));
                reversed
                    .map(|(earlier, later)| excess(earlier, later))
                    .sum::<u64>()
            })
            .sum()
    }

    /// Whether the last component had to be turned as a cycle to end in a solid vertex.
    #[must_use]
    pub const fn was_rotated(&self) -> bool {
        self.rotated
    }

    /// How many components were too large for [`Rank::RankedPairs`].
    #[must_use]
    pub const fn beyond_ranked_pairs(&self) -> u32 {
        self.beyond_ranked_pairs
    }
}

impl Workspace {
    /// FairFinalize: the order that a complete graph gives.
    ///
    /// Components stand in the order of the condensation, which is unique; the last one is ranked
    /// so that it ends in a solid vertex. Cost: O(m² / 64) and the ranking of each component.
    ///
    /// # Errors
    /// [`FinalizeError::WrongPhase`] before the proposal; [`FinalizeError::EdgesMissing`] while an
    /// edge is; [`FinalizeError::LimitOutOfRange`] if the workspace is for fewer vertices.
    pub fn finalize<'a>(
        &'a mut self,
        graph: &'a Graph,
        rank: Rank,
    ) -> Result<RankedOrder<'a>, FinalizeError> {
        if graph.missing_count() > 0 {
            return Err(FinalizeError::EdgesMissing);
        }
        if !graph.is_complete() {
            return Err(FinalizeError::WrongPhase);
        }
        if !self.fits(graph.parameters(), graph.vertex_count()) {
            return Err(FinalizeError::LimitOutOfRange);
        }
        let scratch = &mut self.rank;
        let count = scratch.sort_by_score(graph);
        let RankScratch {
            scores,
            ends,
            order,
            ..
        } = scratch;
        let falling = order[..count]
            .iter()
            .map(|position| scores[usize::from(*position)]);
        let mut component_count = 0;
        score_boundaries(falling, |end| {
            ends[component_count] = end;
            component_count += 1;
        });
        let mut beyond_ranked_pairs = 0;
        let mut start = 0;
        for component in 0..component_count {
            let end = scratch.ends[component] as usize;
            beyond_ranked_pairs += scratch.rank_component(graph, rank, start..end);
            start = end;
        }
        let last = component_count
            .checked_sub(2)
            .map_or(0, |before| scratch.ends[before]);
        let RankScratch {
            order,
            spare,
            output,
            ends,
            ..
        } = scratch;
        let rotated = end_in_solid(graph, &mut order[last as usize..count], spare);
        for (vertex, position) in output.iter_mut().zip(&order[..count]) {
            *vertex = graph.vertex_at(usize::from(*position));
        }
        Ok(RankedOrder {
            graph,
            order: &output[..count],
            ends: &ends[..component_count],
            rotated,
            beyond_ranked_pairs,
        })
    }
}

impl RankScratch {
    /// Puts the kept positions into `order` by falling score, then by id; returns how many.
    fn sort_by_score(&mut self, graph: &Graph) -> usize {
        let mut count = 0;
        for position in graph.kept_positions() {
            self.scores[position] = graph.score_at(position);
            count += 1;
        }
        // A score is below the count, so a counting sort has as many buckets as vertices.
        self.buckets[..count].fill(0);
        for position in graph.kept_positions() {
            self.buckets[self.scores[position] as usize] += 1;
        }
        let mut start = 0;
        for bucket in self.buckets[..count].iter_mut().rev() {
            (*bucket, start) = (start, start + *bucket);
        }
        for position in graph.kept_positions() {
            let place = &mut self.buckets[self.scores[position] as usize];
            self.order[*place as usize] = position as u16;
            *place += 1;
        }
        count
    }

    /// Ranks the component at `range` of the order; returns 1 if it was too large for ranked pairs.
    fn rank_component(&mut self, graph: &Graph, rank: Rank, range: core::ops::Range<usize>) -> u32 {
        let component = &mut self.order[range];
        if component.len() < 3 {
            return 0;
        }
        match rank {
            Rank::RankedPairs if component.len() <= self.pairs.vertex_count_max() => {
                component.sort_unstable_by_key(|position| graph.vertex_at(usize::from(*position)));
                self.pairs.rank(graph, component, &mut self.spare);
                0
            }
            Rank::Copeland | Rank::RankedPairs => {
                kemenize(graph, component);
                u32::from(rank == Rank::RankedPairs)
            }
            Rank::Path => {
                component.sort_unstable_by_key(|position| graph.vertex_at(usize::from(*position)));
                insert_each(graph, component);
                0
            }
        }
    }
}

/// Moves each vertex left past every neighbour that it beats.
fn kemenize(graph: &Graph, order: &mut [u16]) {
    for at in 1..order.len() {
        let moving = order[at];
        let mut place = at;
        while place > 0 && beats(graph, moving, order[place - 1]) {
            order[place] = order[place - 1];
            place -= 1;
        }
        order[place] = moving;
    }
}

/// Puts each vertex before the first one to its left that it beats.
fn insert_each(graph: &Graph, order: &mut [u16]) {
    for at in 1..order.len() {
        let moving = order[at];
        let first = order[..at]
            .iter()
            .position(|resident| beats(graph, moving, *resident));
        if let Some(place) = first {
            order[place..=at].rotate_right(1);
        }
    }
}

/// Makes the last component end in a solid vertex; true if it had to be turned as a cycle.
///
/// Each vertex after the last solid one, from the end, is put into the rightmost place to the left
/// of that solid one where it beats its right neighbour and its left neighbour beats it. Going only
/// to the left of the solid one, each vertex moves once. A vertex without such a place beats
/// nothing up to there; then the path is closed to a cycle and turned.
fn end_in_solid(graph: &Graph, order: &mut [u16], spare: &mut [u16]) -> bool {
    let is_solid = |position: &u16| graph.is_solid_at(usize::from(*position));
    let Some(solid) = order.iter().rposition(is_solid) else {
        return false;
    };
    for moved in 0..order.len() - 1 - solid {
        let (last, end) = (order.len() - 1, solid + moved);
        let moving = order[last];
        let place = (0..=end).rev().find(|place| {
            beats(graph, moving, order[*place])
                && (*place == 0 || beats(graph, order[*place - 1], moving))
        });
        match place {
            Some(place) => order[place..].rotate_right(1),
            None => {
                let anchor = order[end];
                close_cycle(graph, order, spare);
                let at = order
                    .iter()
                    .position(|position| *position == anchor)
                    .unwrap_or(last);
                order.rotate_left((at + 1) % order.len());
                return true;
            }
        }
    }
    false
}

/// Whether the vertex at one position beats that at another.
pub(super) fn beats(graph: &Graph, winner: u16, loser: u16) -> bool {
    graph.beats_at(usize::from(winner), usize::from(loser))
}

//! Memory that graphs share.

use super::parameters::{Parameters, VERTEX_COUNT_MAX};
use super::rank::RankScratch;
use super::tally::Tally;

/// What graphs need while they are proposed or ranked, and not between: one serves them all.
///
/// Memory: see [`Workspace::footprint_bytes`].
#[derive(Debug)]
pub struct Workspace {
    log_count: u32,
    vertex_count_max: u32,
    pub(super) tally: Tally,
    pub(super) rank: RankScratch,
}

impl Workspace {
    /// Makes a workspace for graphs of these parameters and up to `vertex_count_max` vertices;
    /// components of up to `ranked_pairs_max` vertices can be ranked by ranked pairs. More than
    /// [`VERTEX_COUNT_MAX`] vertices are of no use to a graph, so that much is made at most.
    #[must_use]
    pub fn new(parameters: Parameters, vertex_count_max: u32, ranked_pairs_max: u32) -> Self {
        let vertex_count_max = vertex_count_max.min(VERTEX_COUNT_MAX);
        let (logs, vertices) = (parameters.n() as usize, vertex_count_max as usize);
        Self {
            log_count: parameters.n(),
            vertex_count_max,
            tally: Tally::new(logs, vertices),
            rank: RankScratch::new(vertices, ranked_pairs_max.min(vertex_count_max) as usize),
        }
    }

    /// The bytes that [`Workspace::new`] takes.
    #[must_use]
    pub const fn footprint_bytes(
        parameters: Parameters,
        vertex_count_max: u32,
        ranked_pairs_max: u32,
    ) -> u64 {
        let vertices = smaller(vertex_count_max, VERTEX_COUNT_MAX);
        let pairs_max = smaller(ranked_pairs_max, vertices) as usize;
        Tally::footprint_bytes(parameters.n() as usize, vertices as usize)
            + RankScratch::footprint_bytes(vertices as usize, pairs_max)
    }

    pub(super) const fn fits(&self, parameters: Parameters, vertex_count_max: u32) -> bool {
        parameters.n() <= self.log_count && vertex_count_max <= self.vertex_count_max
    }
}

const fn smaller(a: u32, b: u32) -> u32 {
    if a < b { a } else { b }
}

//! What can be seen of the graphs that stand in line.

use super::decided::FairStream;
use super::entry::LoggedId;
use crate::types::RollupId;

impl FairStream {
    /// The pairs without an edge of a graph of a rollup's line, place 0 being the front: the
    /// smaller id first, in the order of ids. O(m²) to walk through.
    pub fn missing_pairs(
        &self,
        rollup: RollupId,
        place: u32,
    ) -> impl Iterator<Item = (LoggedId, LoggedId)> + '_ {
        self.pairs(rollup, place, |graph, a, b| a < b && graph.is_missing(a, b))
    }

    /// The edges of a graph of a rollup's line, from whom to whom, in the order of ids. O(m²) to
    /// walk through.
    pub fn edges(
        &self,
        rollup: RollupId,
        place: u32,
    ) -> impl Iterator<Item = (LoggedId, LoggedId)> + '_ {
        self.pairs(rollup, place, |graph, a, b| graph.has_edge(a, b))
    }

    fn pairs(
        &self,
        rollup: RollupId,
        place: u32,
        is_wanted: impl Fn(&super::super::Graph, u32, u32) -> bool + Copy,
    ) -> impl Iterator<Item = (LoggedId, LoggedId)> {
        let number = self.rollup_number(rollup);
        let own = number.map(|number| &self.rollups[number]);
        let own = own.filter(|own| (place as usize) < own.line.len());
        own.into_iter().flat_map(move |own| {
            let slot = own.line.slot(place as usize);
            let vertices = &own.vertices[slot * own.vertex_count_max..];
            let graph = own.line.in_slot(slot);
            let id = |vertex: u32| self.records.get(vertices[vertex as usize]).id;
            graph.kept().flat_map(move |a| {
                let others = graph.kept().filter(move |b| is_wanted(graph, a, *b));
                others.map(move |b| (id(a), id(b)))
            })
        })
    }
}

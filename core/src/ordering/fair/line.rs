//! Graphs that stand in a line until their edges are complete.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::graph::{Graph, GraphError};
use super::parameters::Parameters;
use super::rank::{FinalizeError, Rank, RankedOrder};
use super::workspace::Workspace;
use crate::bounded::fixed_slice_bytes;
use crate::error::operation_error;

operation_error! {
    /// Why a line refused a call; the call changed nothing.
    LineError { LineFull, WrongPhase }
}

/// The graphs of one rollup, oldest first: only the front one is released, once it is complete.
///
/// A graph is drafted, proposed, and then stands in the line if it keeps a vertex. While it stands
/// there its owner appends to its lists and updates it. A complete graph waits for the ones before
/// it: its vertices were blank or dropped when those were formed, so they come after.
///
/// Memory: see [`Line::footprint_bytes`].
#[derive(Debug)]
pub struct Line {
    graphs: Box<[Graph]>,
    first: usize,
    len: usize,
}

impl Line {
    /// Makes room for `graph_count_max` graphs of up to `vertex_count_max` vertices each.
    ///
    /// # Errors
    /// [`GraphError::LimitOutOfRange`] as for [`Graph::new`].
    pub fn new(
        parameters: Parameters,
        vertex_count_max: u32,
        graph_count_max: u32,
    ) -> Result<Self, GraphError> {
        let mut graphs = Vec::with_capacity(graph_count_max as usize);
        for _ in 0..graph_count_max {
            graphs.push(Graph::new(parameters, vertex_count_max)?);
        }
        Ok(Self {
            graphs: graphs.into_boxed_slice(),
            first: 0,
            len: 0,
        })
    }

    /// The bytes that [`Line::new`] takes.
    #[must_use]
    pub const fn footprint_bytes(
        parameters: Parameters,
        vertex_count_max: u32,
        graph_count_max: u32,
    ) -> u64 {
        fixed_slice_bytes::<Graph>(graph_count_max as usize)
            + graph_count_max as u64 * Graph::footprint_bytes(parameters, vertex_count_max)
    }

    /// How many graphs stand in the line.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether no graph does.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The graph behind the last one: begin and propose it, then let it stand.
    ///
    /// # Errors
    /// [`LineError::LineFull`] if there is no room for another one.
    pub fn draft(&mut self) -> Result<&mut Graph, LineError> {
        let slot = self.draft_slot().ok_or(LineError::LineFull)?;
        Ok(&mut self.graphs[slot])
    }

    /// Puts the drafted graph at the end of the line.
    ///
    /// # Errors
    /// [`LineError::WrongPhase`] unless it has been proposed and keeps a vertex;
    /// [`LineError::LineFull`] if there is no room.
    pub fn stand(&mut self) -> Result<(), LineError> {
        let slot = self.draft_slot().ok_or(LineError::LineFull)?;
        if self.graphs[slot].kept_count() == 0 {
            return Err(LineError::WrongPhase);
        }
        self.len += 1;
        Ok(())
    }

    /// The graph at a place of the line, 0 being the front.
    #[must_use]
    pub fn graph(&self, place: usize) -> Option<&Graph> {
        (place < self.len).then(|| &self.graphs[self.slot(place)])
    }

    /// The same, to append to its lists and to update it.
    pub fn graph_mut(&mut self, place: usize) -> Option<&mut Graph> {
        let slot = self.slot(place);
        (place < self.len).then(|| &mut self.graphs[slot])
    }

    /// Releases the front graph if no edge of it is missing: its order, and it has left the line.
    ///
    /// # Errors
    /// [`FinalizeError::LimitOutOfRange`] if the workspace is for fewer vertices; the line is as it
    /// was.
    pub fn release<'a>(
        &'a mut self,
        workspace: &'a mut Workspace,
        rank: Rank,
    ) -> Result<Option<RankedOrder<'a>>, FinalizeError> {
        let slot = self.first;
        if self.len == 0 || !self.graphs[slot].is_complete() {
            return Ok(None);
        }
        let order = workspace.finalize(&self.graphs[slot], rank)?;
        self.first = (slot + 1) % self.graphs.len();
        self.len -= 1;
        Ok(Some(order))
    }

    /// Lets no graph stand in it.
    pub(super) const fn clear(&mut self) {
        self.len = 0;
    }

    /// Lets no graph stand in it, and is another committee's from now on, of at most as many logs
    /// as it was made for.
    pub(super) fn reform(&mut self, parameters: Parameters) {
        self.clear();
        for graph in &mut self.graphs {
            graph.reform(parameters);
        }
    }

    /// The slot of a place, whether a graph stands there or not.
    pub(super) fn slot(&self, place: usize) -> usize {
        (self.first + place) % self.graphs.len().max(1)
    }

    pub(super) fn in_slot(&self, slot: usize) -> &Graph {
        &self.graphs[slot]
    }

    pub(super) fn in_slot_mut(&mut self, slot: usize) -> &mut Graph {
        &mut self.graphs[slot]
    }

    /// The slot of the graph behind the last one.
    pub(super) fn draft_slot(&self) -> Option<usize> {
        (self.len < self.graphs.len()).then(|| self.slot(self.len))
    }
}

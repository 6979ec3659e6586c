//! Order fairness over a stream of rounds.

use alloc::boxed::Box;

use super::graph::{Graph, GraphError};
use super::line::Line;
use super::parameters::Parameters;
use super::rank::{FinalizeError, Rank, RankedOrder};
use super::workspace::Workspace;
use crate::bounded::{fixed_slice, fixed_slice_bytes};
use crate::error::operation_error;

operation_error! {
    /// Why a round was refused; nothing changed.
    RoundError { UnknownLog, UnknownVertex, LineFull }
}

/// Where an id stands that some graph keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    slot: u32,
    vertex: u32,
}

/// No graph has kept the id.
const NOWHERE: Place = Place {
    slot: u32::MAX,
    vertex: 0,
};

/// Its graph has been released.
const RELEASED: Place = Place {
    slot: u32::MAX - 1,
    vertex: 0,
};

/// Round after round of lists, a graph each, and the ids that leave the front of their line.
///
/// Ids are numbers in their ascending order. A round first gives its updates to the graphs that
/// still stand in line, then forms a graph from its lists without what an earlier graph has kept,
/// then releases from the front while the first graph has no missing edge. What a graph leaves out,
/// blank or dropped, comes again with the lists of a later round.
///
/// Memory: see [`Rounds::footprint_bytes`].
#[derive(Debug)]
pub struct Rounds {
    parameters: Parameters,
    rank: Rank,
    line: Line,
    workspace: Workspace,
    id_count_max: u32,
    /// Slot after slot of the line, the id of each vertex.
    ids: Box<[u32]>,
    places: Box<[Place]>,
    /// The slot of this round's graph.
    current: Option<usize>,
    released: Box<[u32]>,
    released_count: usize,
    /// Where each component ends among the released ids.
    released_ends: Box<[u32]>,
    released_component_count: usize,
}

impl Rounds {
    /// Makes room for ids below `id_count_max` and `graph_count_max` graphs in line.
    ///
    /// # Errors
    /// [`GraphError::LimitOutOfRange`] as for [`Graph::new`], or if no graph can stand in line.
    pub fn new(
        parameters: Parameters,
        rank: Rank,
        id_count_max: u32,
        graph_count_max: u32,
        ranked_pairs_max: u32,
    ) -> Result<Self, GraphError> {
        if graph_count_max == 0 || graph_count_max >= RELEASED.slot {
            return Err(GraphError::LimitOutOfRange);
        }
        let ids = id_count_max as usize;
        Ok(Self {
            parameters,
            rank,
            line: Line::new(parameters, id_count_max, graph_count_max)?,
            workspace: Workspace::new(parameters, id_count_max, ranked_pairs_max),
            id_count_max,
            ids: fixed_slice(ids * graph_count_max as usize, 0),
            places: fixed_slice(ids, NOWHERE),
            current: None,
            released: fixed_slice(ids, 0),
            released_count: 0,
            released_ends: fixed_slice(ids, 0),
            released_component_count: 0,
        })
    }

    /// The bytes that [`Rounds::new`] takes.
    #[must_use]
    pub const fn footprint_bytes(
        parameters: Parameters,
        id_count_max: u32,
        graph_count_max: u32,
        ranked_pairs_max: u32,
    ) -> u64 {
        let ids = id_count_max as usize;
        Line::footprint_bytes(parameters, id_count_max, graph_count_max)
            + Workspace::footprint_bytes(parameters, id_count_max, ranked_pairs_max)
            + fixed_slice_bytes::<u32>(ids * graph_count_max as usize)
            + fixed_slice_bytes::<Place>(ids)
            + 2 * fixed_slice_bytes::<u32>(ids)
    }

    /// Runs one round; the list of each log stands at the log's number, in both sets of lists.
    ///
    /// # Errors
    /// [`RoundError::UnknownLog`] for more lists than logs, [`RoundError::UnknownVertex`] for an id
    /// that is no number below the limit, [`RoundError::LineFull`] if every graph of the line
    /// waits.
    pub fn round<List: AsRef<[u32]>>(
        &mut self,
        lists: &[List],
        updates: &[List],
    ) -> Result<(), RoundError> {
        if lists.len().max(updates.len()) > self.parameters.n() as usize {
            return Err(RoundError::UnknownLog);
        }
        let mut all = lists.iter().chain(updates).flat_map(AsRef::as_ref);
        if all.any(|id| *id >= self.id_count_max) {
            return Err(RoundError::UnknownVertex);
        }
        let slot = self.line.draft_slot().ok_or(RoundError::LineFull)?;
        self.released_count = 0;
        self.released_component_count = 0;
        self.current = Some(slot);
        self.update(updates);
        self.form(slot, lists);
        self.release();
        Ok(())
    }

    /// The graph of the last round; before the first one there is none.
    #[must_use]
    pub fn graph(&self) -> Option<&Graph> {
        self.current.map(|slot| self.line.in_slot(slot))
    }

    /// The id of a vertex of the last round's graph.
    #[must_use]
    pub fn id(&self, vertex: u32) -> Option<u32> {
        let vertex_count = self.graph()?.vertex_count();
        let start = self.current? * self.id_count_max as usize;
        (vertex < vertex_count).then(|| self.ids[start + vertex as usize])
    }

    /// The order of the last round's graph, whether its turn in line has come or not.
    ///
    /// # Errors
    /// [`FinalizeError::EdgesMissing`] while one is; [`FinalizeError::WrongPhase`] before the first
    /// round.
    pub fn order(&mut self) -> Result<RankedOrder<'_>, FinalizeError> {
        let slot = self.current.ok_or(FinalizeError::WrongPhase)?;
        self.workspace.finalize(self.line.in_slot(slot), self.rank)
    }

    /// The ids that the last round released, in order.
    #[must_use]
    pub fn released(&self) -> &[u32] {
        &self.released[..self.released_count]
    }

    /// The same by component: batches within which the ranking alone decided.
    pub fn released_components(&self) -> impl Iterator<Item = &[u32]> {
        let ends = &self.released_ends[..self.released_component_count];
        let starts = core::iter::once(0).chain(ends.iter().copied());
        starts
            .zip(ends)
            .map(|(start, end)| &self.released[start as usize..*end as usize])
    }

    /// How many graphs stand in line.
    #[must_use]
    pub const fn waiting_count(&self) -> usize {
        self.line.len()
    }

    fn update<List: AsRef<[u32]>>(&mut self, updates: &[List]) {
        for place in 0..self.line.len() {
            let slot = self.line.slot(place) as u32;
            let Some(graph) = self
                .line
                .graph_mut(place)
                .filter(|graph| !graph.is_complete())
            else {
                continue;
            };
            let begun = graph.begin_update();
            debug_assert!(begun.is_ok(), "what stands in line has been proposed");
            for (log, list) in (0..).zip(updates) {
                for id in list.as_ref() {
                    let own = self.places[*id as usize];
                    if own.slot == slot {
                        let appended = graph.append(log, own.vertex);
                        debug_assert!(appended.is_ok(), "logs and vertices were checked");
                    }
                }
            }
            let updated = graph.update();
            debug_assert!(updated.is_ok(), "what stands in line has been proposed");
        }
    }

    fn form<List: AsRef<[u32]>>(&mut self, slot: usize, lists: &[List]) {
        let own = slot as u32;
        let in_lists = lists.iter().flat_map(AsRef::as_ref);
        for id in in_lists.clone() {
            if self.places[*id as usize] == NOWHERE {
                self.places[*id as usize].slot = own;
            }
        }
        // The slot's last graph has been released, so that no other id is in it.
        let ids = &mut self.ids[slot * self.id_count_max as usize..];
        let mut vertex_count = 0;
        for (id, place) in (0..).zip(self.places.iter_mut()) {
            if place.slot == own {
                place.vertex = vertex_count;
                ids[vertex_count as usize] = id;
                vertex_count += 1;
            }
        }
        let Ok(graph) = self.line.draft() else {
            return;
        };
        let begun = graph.begin(vertex_count);
        debug_assert!(begun.is_ok(), "there are no more vertices than ids");
        for (log, list) in (0..).zip(lists) {
            for id in list.as_ref() {
                let place = self.places[*id as usize];
                if place.slot == own {
                    let appended = graph.append(log, place.vertex);
                    debug_assert!(appended.is_ok(), "logs and vertices were checked");
                }
            }
        }
        let proposed = graph.propose(&mut self.workspace);
        debug_assert!(proposed.is_ok(), "the workspace was made for these graphs");
        for id in in_lists {
            let place = &mut self.places[*id as usize];
            if place.slot == own && !graph.is_kept(place.vertex) {
                *place = NOWHERE;
            }
        }
        if graph.kept_count() > 0 {
            let stands = self.line.stand();
            debug_assert!(stands.is_ok(), "the draft has a slot");
        }
    }

    fn release(&mut self) {
        loop {
            let slot = self.line.slot(0);
            let Ok(Some(order)) = self.line.release(&mut self.workspace, self.rank) else {
                return;
            };
            let ids = &self.ids[slot * self.id_count_max as usize..];
            for component in order.components() {
                for vertex in component {
                    let id = ids[*vertex as usize];
                    self.places[id as usize] = RELEASED;
                    self.released[self.released_count] = id;
                    self.released_count += 1;
                }
                self.released_ends[self.released_component_count] = self.released_count as u32;
                self.released_component_count += 1;
            }
        }
    }
}

//! The verifier's twin: an order recomputed from everybody's lists.

use super::graph::{Graph, GraphError};
use super::parameters::Parameters;
use super::rank::{Rank, RankedOrder};
use super::workspace::Workspace;
use crate::error::operation_error;

operation_error! {
    /// Why lists give no order, or not the one that was claimed.
    TwinError { UnknownLog, UnknownVertex, TooManyVertices, EdgesMissing, OrderViolated }
}

/// Recomputes the order of one graph from its lists, and compares.
///
/// Memory: see [`Twin::footprint_bytes`].
#[derive(Debug)]
pub struct Twin {
    graph: Graph,
    workspace: Workspace,
}

/// What one graph follows from.
#[derive(Debug)]
pub struct Evidence<'a, List> {
    /// How many vertices there are, numbered in the order of ids.
    pub vertex_count: u32,
    /// The list of each log, in the order of the logs.
    pub lists: &'a [List],
    /// The lists that came for missing edges, one set after another.
    pub updates: &'a [&'a [List]],
}

impl Twin {
    /// Makes a twin for graphs of up to `vertex_count_max` vertices.
    ///
    /// # Errors
    /// [`GraphError::LimitOutOfRange`] as for [`Graph::new`].
    pub fn new(
        parameters: Parameters,
        vertex_count_max: u32,
        ranked_pairs_max: u32,
    ) -> Result<Self, GraphError> {
        Ok(Self {
            graph: Graph::new(parameters, vertex_count_max)?,
            workspace: Workspace::new(parameters, vertex_count_max, ranked_pairs_max),
        })
    }

    /// The bytes that [`Twin::new`] takes.
    #[must_use]
    pub const fn footprint_bytes(
        parameters: Parameters,
        vertex_count_max: u32,
        ranked_pairs_max: u32,
    ) -> u64 {
        Graph::footprint_bytes(parameters, vertex_count_max)
            + Workspace::footprint_bytes(parameters, vertex_count_max, ranked_pairs_max)
    }

    /// Builds the graph that the evidence gives; [`Twin::graph`] shows it.
    ///
    /// # Errors
    /// [`TwinError::UnknownLog`] for more lists than logs, [`TwinError::UnknownVertex`] and
    /// [`TwinError::TooManyVertices`].
    pub fn build<List: AsRef<[u32]>>(
        &mut self,
        evidence: &Evidence<'_, List>,
    ) -> Result<&Graph, TwinError> {
        self.graph.begin(evidence.vertex_count).map_err(narrow)?;
        append_all(&mut self.graph, evidence.lists)?;
        self.graph.propose(&mut self.workspace).map_err(narrow)?;
        for lists in evidence.updates {
            self.graph.begin_update().map_err(narrow)?;
            append_all(&mut self.graph, lists)?;
            self.graph.update().map_err(narrow)?;
        }
        Ok(&self.graph)
    }

    /// The graph that was built last.
    #[must_use]
    pub const fn graph(&self) -> &Graph {
        &self.graph
    }

    /// The order of the graph that was built last.
    ///
    /// # Errors
    /// [`TwinError::EdgesMissing`] while its order is open.
    pub fn order(&mut self, rank: Rank) -> Result<RankedOrder<'_>, TwinError> {
        let order = self.workspace.finalize(&self.graph, rank);
        order.map_err(|_| TwinError::EdgesMissing)
    }

    /// Checks that the evidence gives exactly the order `claimed`.
    ///
    /// # Errors
    /// [`TwinError::OrderViolated`] if it gives another one, and what [`Twin::build`] and
    /// [`Twin::order`] refuse.
    pub fn verify<List: AsRef<[u32]>>(
        &mut self,
        evidence: &Evidence<'_, List>,
        rank: Rank,
        claimed: &[u32],
    ) -> Result<(), TwinError> {
        self.build(evidence)?;
        if self.order(rank)?.vertices() == claimed {
            Ok(())
        } else {
            Err(TwinError::OrderViolated)
        }
    }
}

fn append_all<List: AsRef<[u32]>>(graph: &mut Graph, lists: &[List]) -> Result<(), TwinError> {
    if lists.len() > graph.parameters().n() as usize {
        return Err(TwinError::UnknownLog);
    }
    for (log, list) in (0..).zip(lists) {
        for vertex in list.as_ref() {
            graph.append(log, *vertex).map_err(narrow)?;
        }
    }
    Ok(())
}

/// A twin begins each graph itself and has a workspace that fits, so that only its input can fail.
const fn narrow(error: GraphError) -> TwinError {
    match error {
        GraphError::UnknownLog => TwinError::UnknownLog,
        GraphError::UnknownVertex => TwinError::UnknownVertex,
        GraphError::TooManyVertices | GraphError::WrongPhase | GraphError::LimitOutOfRange => {
            TwinError::TooManyVertices
        }
    }
}

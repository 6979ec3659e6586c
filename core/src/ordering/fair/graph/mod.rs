//! One proposal: a graph over the candidates of one cut.

use alloc::boxed::Box;

use super::bits::{BitMatrix, clear, count_common, low_bits, ones, set, words_for};
use super::lists::Lists;
use super::parameters::{Parameters, VERTEX_COUNT_MAX};
use super::tally::{Members, NO_POSITION};
use super::workspace::Workspace;
use crate::bounded::{fixed_slice, fixed_slice_bytes};
use crate::error::operation_error;

#[cfg(test)]
mod fixture;
mod queries;
mod restore;
mod updates;

pub(super) use restore::Edge;

/// How many lists hold a vertex.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Fewer than T: it takes no part in this graph.
    Blank,
    /// At least T.
    Shaded,
    /// At least n − 2f.
    Solid,
}

operation_error! {
    /// Why a graph refused a call; the call changed nothing.
    GraphError {
        UnknownLog, UnknownVertex, TooManyVertices, WrongPhase, LimitOutOfRange,
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Lists are being appended to.
    Collecting,
    /// Edges are fixed; missing ones may come by updates.
    Proposed,
}

/// One proposal: lists come in entry by entry, edges follow from them, missing edges from updates.
///
/// Vertices are the numbers below the count given to [`Graph::begin`]; the caller numbers ids in
/// ascending order, so that the smaller number is the smaller id wherever a tie is broken. One
/// graph serves one proposal after another.
///
/// Memory: see [`Graph::footprint_bytes`].
#[derive(Debug)]
pub struct Graph {
    parameters: Parameters,
    vertex_count_max: u32,
    vertex_count: usize,
    phase: Phase,
    /// What the edges of the proposal follow from; fixed by it.
    lists: Lists,
    /// What its missing edges follow from afterwards.
    updates: Lists,
    updated: bool,
    classes: Box<[Class]>,
    /// Where each vertex stands in the matrices, or [`NO_POSITION`]: blank ones do not.
    positions: Box<[u16]>,
    vertices: Box<[u16]>,
    member_count: usize,
    /// Invariant: of two members exactly one beats the other, or their edge is missing.
    beats: BitMatrix,
    missing: BitMatrix,
    /// Rows of bits over positions.
    solid: Box<[u64]>,
    held_back: Box<[u64]>,
    kept: Box<[u64]>,
    /// Members not known to reach a solid one, and those whose predecessors are not looked at yet.
    unreached: Box<[u64]>,
    frontier: Box<[u64]>,
    missing_count: u32,
    /// Whether the proposal left an edge missing, be it between vertices that were dropped.
    some_missing: bool,
}

impl Graph {
    /// Makes a graph for up to `vertex_count_max` vertices.
    ///
    /// # Errors
    /// [`GraphError::LimitOutOfRange`] unless 1 ≤ `vertex_count_max` ≤ [`VERTEX_COUNT_MAX`].
    pub fn new(parameters: Parameters, vertex_count_max: u32) -> Result<Self, GraphError> {
        if vertex_count_max == 0 || vertex_count_max > VERTEX_COUNT_MAX {
            return Err(GraphError::LimitOutOfRange);
        }
        let (logs, vertices) = (parameters.n() as usize, vertex_count_max as usize);
        Ok(Self {
            parameters,
            vertex_count_max,
            vertex_count: 0,
            phase: Phase::Collecting,
            lists: Lists::new(logs, vertices),
            updates: Lists::new(logs, vertices),
            updated: false,
            classes: fixed_slice(vertices, Class::Blank),
            positions: fixed_slice(vertices, NO_POSITION),
            vertices: fixed_slice(vertices, 0),
            member_count: 0,
            beats: BitMatrix::new(vertices),
            missing: BitMatrix::new(vertices),
            solid: fixed_slice(words_for(vertices), 0),
            held_back: fixed_slice(words_for(vertices), 0),
            kept: fixed_slice(words_for(vertices), 0),
            unreached: fixed_slice(words_for(vertices), 0),
            frontier: fixed_slice(words_for(vertices), 0),
            missing_count: 0,
            some_missing: false,
        })
    }

    /// The bytes that [`Graph::new`] takes.
    #[must_use]
    pub const fn footprint_bytes(parameters: Parameters, vertex_count_max: u32) -> u64 {
        let (logs, vertices) = (parameters.n() as usize, vertex_count_max as usize);
        2 * Lists::footprint_bytes(logs, vertices)
            + fixed_slice_bytes::<Class>(vertices)
            + 2 * fixed_slice_bytes::<u16>(vertices)
            + 2 * BitMatrix::footprint_bytes(vertices)
            + 5 * fixed_slice_bytes::<u64>(words_for(vertices))
    }

    /// Starts a proposal over the vertices below `vertex_count`, with empty lists. O(n·m).
    ///
    /// # Errors
    /// [`GraphError::TooManyVertices`] above the limit of the construction.
    pub fn begin(&mut self, vertex_count: u32) -> Result<(), GraphError> {
        if vertex_count > self.vertex_count_max {
            return Err(GraphError::TooManyVertices);
        }
        self.vertex_count = vertex_count as usize;
        self.phase = Phase::Collecting;
        self.updated = false;
        self.lists.begin(self.vertex_count);
        self.member_count = 0;
        self.missing_count = 0;
        Ok(())
    }

    /// Appends `vertex` to the list of `log`. O(1).
    ///
    /// Before the proposal it is evidence for the proposal, afterwards for its missing edges.
    /// Returns false where it counts for nothing: the list holds it already, of which the first
    /// place counts, or the graph has dropped it.
    ///
    /// # Errors
    /// [`GraphError::UnknownLog`] unless `log` < n; [`GraphError::UnknownVertex`] unless `vertex`
    /// is below the vertex count.
    pub fn append(&mut self, log: u32, vertex: u32) -> Result<bool, GraphError> {
        if log >= self.parameters.n() {
            return Err(GraphError::UnknownLog);
        }
        let (log, vertex) = (log as usize, vertex as usize);
        if vertex >= self.vertex_count {
            return Err(GraphError::UnknownVertex);
        }
        Ok(match self.phase {
            Phase::Collecting => self.lists.append(log, vertex),
            Phase::Proposed if self.missing_count > 0 && self.is_kept_at(vertex) => {
                self.continue_lists();
                self.updates.append(log, vertex)
            }
            Phase::Proposed => false,
        })
    }

    /// Whether some vertex is solid by what the lists hold so far; without one there is no
    /// proposal.
    #[must_use]
    pub fn has_solid(&self) -> bool {
        let solid_min = self.parameters.solid_min();
        (0..self.vertex_count).any(|vertex| self.lists.heads(vertex) >= solid_min)
    }

    /// FairPropose: classifies vertices, counts pairs, draws edges and drops the shaded tail.
    ///
    /// From here on lists serve the missing edges: they go on where they stand, or start anew with
    /// [`Graph::begin_update`]. Without a solid vertex nothing is kept. Cost: O(n·m·c / 128) for
    /// the edges, c the width of the contested band, O(m² / 64) for the rest.
    ///
    /// # Errors
    /// [`GraphError::WrongPhase`] if it has been proposed already; [`GraphError::LimitOutOfRange`]
    /// if the workspace is for fewer logs or vertices.
    pub fn propose(&mut self, workspace: &mut Workspace) -> Result<(), GraphError> {
        if self.phase != Phase::Collecting {
            return Err(GraphError::WrongPhase);
        }
        if !workspace.fits(self.parameters, self.vertex_count_max) {
            return Err(GraphError::LimitOutOfRange);
        }
        self.classify();
        let members = &mut self.vertices[..self.member_count];
        workspace.tally.arrange(&self.lists, members);
        for (position, vertex) in members.iter().enumerate() {
            self.positions[usize::from(*vertex)] = position as u16;
        }
        let words = words_for(self.member_count);
        self.solid[..words].fill(0);
        self.held_back[..words].fill(0);
        for (position, vertex) in members.iter().enumerate() {
            if self.classes[usize::from(*vertex)] == Class::Solid {
                set(&mut self.solid, position);
            }
        }
        self.beats.begin(self.member_count);
        self.missing.begin(self.member_count);
        self.missing_count = 0;
        self.some_missing = false;
        if self.solid[..words].iter().any(|word| *word != 0) {
            let members = Members {
                vertices: &self.vertices[..self.member_count],
                positions: &self.positions[..self.vertex_count],
            };
            let matrices = (&mut self.beats, &mut self.missing);
            let lists = &self.lists;
            self.some_missing = workspace
                .tally
                .count(self.parameters, lists, members, matrices);
        }
        self.phase = Phase::Proposed;
        self.drop_tail();
        Ok(())
    }

    /// Forms the graph again without `vertices`, whose edges stay counted. O(m² / 64).
    ///
    /// # Errors
    /// [`GraphError::WrongPhase`] before the proposal, or once evidence came for its missing edges;
    /// [`GraphError::UnknownVertex`] for a number that is no vertex.
    pub fn hold_back(&mut self, vertices: &[u32]) -> Result<(), GraphError> {
        if self.phase != Phase::Proposed || self.updated {
            return Err(GraphError::WrongPhase);
        }
        if vertices
            .iter()
            .any(|vertex| *vertex as usize >= self.vertex_count)
        {
            return Err(GraphError::UnknownVertex);
        }
        for vertex in vertices {
            let position = self.positions[*vertex as usize];
            if position != NO_POSITION {
                set(&mut self.held_back, usize::from(position));
            }
        }
        self.drop_tail();
        Ok(())
    }

    /// Forms the graph again without those of `vertices` that it keeps, and without whatever can be
    /// reached from them: what is left comes before all of them, or has no word about them.
    /// O(m² / 64).
    ///
    /// # Errors
    /// As [`Graph::hold_back`].
    pub fn hold_back_with_followers(&mut self, vertices: &[u32]) -> Result<(), GraphError> {
        if self.phase != Phase::Proposed || self.updated {
            return Err(GraphError::WrongPhase);
        }
        if vertices
            .iter()
            .any(|vertex| *vertex as usize >= self.vertex_count)
        {
            return Err(GraphError::UnknownVertex);
        }
        let words = words_for(self.member_count);
        self.frontier[..words].fill(0);
        for vertex in vertices {
            if self.is_kept_at(*vertex as usize) {
                let position = self.positions[*vertex as usize];
                set(&mut self.frontier, usize::from(position));
            }
        }
        while let Some(member) = first_one(&self.frontier[..words]) {
            clear(&mut self.frontier, member);
            set(&mut self.held_back, member);
            let rows = self.beats.row(member).iter().zip(self.kept.iter());
            let sets = self.held_back.iter().zip(self.frontier.iter_mut());
            for ((held, frontier), (beats, kept)) in sets.zip(rows) {
                *frontier |= beats & kept & !held;
            }
        }
        self.drop_tail();
        Ok(())
    }

    /// Is a graph of another committee from now on, of at most as many logs as it was made for; it
    /// has no vertices then.
    pub(super) fn reform(&mut self, parameters: Parameters) {
        debug_assert!(parameters.n() as usize <= self.lists.lengths().len());
        self.parameters = parameters;
        self.lists.set_log_count(parameters.n() as usize);
        self.updates.set_log_count(parameters.n() as usize);
        let begun = self.begin(0);
        debug_assert!(begun.is_ok(), "no vertices are within the limit");
    }

    fn classify(&mut self) {
        let (threshold, solid_min) = (self.parameters.threshold(), self.parameters.solid_min());
        self.member_count = 0;
        for vertex in 0..self.vertex_count {
            let heads = self.lists.heads(vertex);
            self.classes[vertex] = match heads {
                heads if heads >= solid_min => Class::Solid,
                heads if heads >= threshold => Class::Shaded,
                _ => Class::Blank,
            };
            self.positions[vertex] = NO_POSITION;
            if heads >= threshold {
                self.vertices[self.member_count] = vertex as u16;
                self.member_count += 1;
            }
        }
    }

    /// Keeps what reaches a solid vertex that is not held back.
    ///
    /// In a tournament this cuts after the last component with a solid vertex. What is dropped
    /// comes after every solid vertex, so that it can stand in a later graph.
    fn drop_tail(&mut self) {
        let words = words_for(self.member_count);
        let rows = self.solid.iter().zip(self.held_back.iter());
        let sets = self.kept.iter_mut().zip(self.unreached.iter_mut());
        for (word, ((kept, unreached), (solid, held))) in sets.zip(rows).take(words).enumerate() {
            *kept = solid & !held;
            *unreached = low_bits(self.member_count - word * 64) & !solid & !held;
        }
        self.frontier[..words].fill(0);
        for word in 0..words {
            for member in ones_of_word(self.unreached[word], word) {
                let row = self.beats.row(member);
                if row
                    .iter()
                    .zip(self.kept.iter())
                    .any(|(beaten, kept)| beaten & kept != 0)
                {
                    set(&mut self.frontier, member);
                }
            }
        }
        for (unreached, frontier) in self.unreached[..words].iter_mut().zip(&self.frontier) {
            *unreached &= !frontier;
        }
        while let Some(member) = first_one(&self.frontier[..words]) {
            clear(&mut self.frontier, member);
            set(&mut self.kept, member);
            let rows = self.beats.row(member).iter().zip(self.missing.row(member));
            let sets = self.unreached.iter_mut().zip(self.frontier.iter_mut());
            for ((unreached, frontier), (beats, missing)) in sets.zip(rows) {
                let reached = *unreached & !beats & !missing;
                *frontier |= reached;
                *unreached &= !reached;
            }
        }
        if self.some_missing {
            let rows = ones(self.kept[..words].iter().copied())
                .map(|member| count_common(self.missing.row(member), &self.kept));
            self.missing_count = rows.sum::<u32>() / 2;
        }
    }
}

/// The number of the first set bit of a row.
fn first_one(words: &[u64]) -> Option<usize> {
    ones(words.iter().copied()).next()
}

/// The numbers of the set bits of the word at `index` of a row.
fn ones_of_word(word: u64, index: usize) -> impl Iterator<Item = usize> {
    ones(core::iter::once(word)).map(move |bit| index * 64 + bit)
}

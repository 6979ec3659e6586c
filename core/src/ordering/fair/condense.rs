//! Condensation: the strongly connected components of a relation, in order.

use alloc::boxed::Box;

use crate::bounded::{fixed_slice, fixed_slice_bytes};

/// Finds where the components of a tournament end, from its scores alone.
///
/// `scores` are the out-degrees, falling. The first k vertices are a union of leading components
/// exactly if they beat every other one, which is if their scores sum to k·(k−1)/2 + k·(m−k). Calls
/// `end` with each such k, rising; the last one is m. O(m).
pub(super) fn score_boundaries(
    scores: impl ExactSizeIterator<Item = u32>,
    mut end: impl FnMut(u32),
) {
    let count = scores.len() as u64;
    let mut sum = 0;
    for (prefix, score) in (1_u64..).zip(scores) {
        sum += u64::from(score);
        if sum == prefix * (prefix - 1) / 2 + prefix * (count - prefix) {
            end(prefix as u32);
        }
    }
}

/// The strongly connected components of any relation, by Tarjan's algorithm with a stack of its
/// own.
///
/// For relations that are no tournaments: graphs with a missing edge, and what binds ids over the
/// whole history of a network. Cost: one question a vertex and successor.
///
/// Memory: 24 bytes a vertex.
#[derive(Debug)]
pub struct Condensation {
    /// When a vertex was met, from 1; 0 before.
    met: Box<[u32]>,
    /// The earliest vertex of the open component that it reaches.
    low: Box<[u32]>,
    component: Box<[u32]>,
    /// Vertices whose component is open.
    open: Box<[u32]>,
    /// Vertices on the way from the root, and where each goes on looking for successors.
    path: Box<[(u32, u32)]>,
    vertex_count: usize,
    component_count: u32,
}

/// The component of a vertex that is in none yet.
const UNASSIGNED: u32 = u32::MAX;

impl Condensation {
    /// Makes room for `vertex_count_max` vertices.
    #[must_use]
    pub fn new(vertex_count_max: u32) -> Self {
        let vertices = vertex_count_max as usize;
        Self {
            met: fixed_slice(vertices, 0),
            low: fixed_slice(vertices, 0),
            component: fixed_slice(vertices, UNASSIGNED),
            open: fixed_slice(vertices, 0),
            path: fixed_slice(vertices, (0, 0)),
            vertex_count: 0,
            component_count: 0,
        }
    }

    /// The bytes that [`Condensation::new`] takes.
    #[must_use]
    pub const fn footprint_bytes(vertex_count_max: u32) -> u64 {
        4 * fixed_slice_bytes::<u32>(vertex_count_max as usize)
            + fixed_slice_bytes::<(u32, u32)>(vertex_count_max as usize)
    }

    /// Condenses a relation over the numbers below `vertex_count`, which is cut to the room.
    ///
    /// `successor(v, from)` is the smallest w ≥ `from` to which v is related. It must give the same
    /// answers throughout; what it says beyond `vertex_count` counts as none.
    pub fn run(&mut self, vertex_count: u32, successor: impl Fn(u32, u32) -> Option<u32>) {
        self.vertex_count = (vertex_count as usize).min(self.met.len());
        self.component_count = 0;
        self.met[..self.vertex_count].fill(0);
        self.component[..self.vertex_count].fill(UNASSIGNED);
        let mut clock = 0;
        let mut open_count = 0;
        for root in 0..self.vertex_count as u32 {
            if self.met[root as usize] != 0 {
                continue;
            }
            let mut depth = 0;
            self.meet(root, &mut clock, &mut open_count, &mut depth);
            while depth > 0 {
                let (vertex, from) = self.path[depth - 1];
                let next = successor(vertex, from)
                    .filter(|next| (*next as usize) < self.vertex_count && *next >= from);
                match next {
                    Some(next) => {
                        self.path[depth - 1].1 = next + 1;
                        self.look_at(vertex, next, &mut clock, &mut open_count, &mut depth);
                    }
                    None => {
                        depth -= 1;
                        self.leave(vertex, &mut open_count, depth);
                    }
                }
            }
        }
    }

    /// How many components the last run found.
    #[must_use]
    pub const fn component_count(&self) -> u32 {
        self.component_count
    }

    /// The component of a vertex; a component's number is smaller than that of any it leads to.
    #[must_use]
    pub fn component(&self, vertex: u32) -> Option<u32> {
        let found = self.component[..self.vertex_count].get(vertex as usize)?;
        Some(self.component_count - 1 - found)
    }

    fn meet(&mut self, vertex: u32, clock: &mut u32, open_count: &mut usize, depth: &mut usize) {
        *clock += 1;
        self.met[vertex as usize] = *clock;
        self.low[vertex as usize] = *clock;
        self.open[*open_count] = vertex;
        *open_count += 1;
        self.path[*depth] = (vertex, 0);
        *depth += 1;
    }

    fn look_at(
        &mut self,
        vertex: u32,
        next: u32,
        clock: &mut u32,
        open_count: &mut usize,
        depth: &mut usize,
    ) {
        let met = self.met[next as usize];
        if met == 0 {
            self.meet(next, clock, open_count, depth);
        } else if self.component[next as usize] == UNASSIGNED {
            let low = &mut self.low[vertex as usize];
            *low = (*low).min(met);
        }
    }

    /// Closes the component of `vertex` if it is the first one met of it.
    fn leave(&mut self, vertex: u32, open_count: &mut usize, depth: usize) {
        let low = self.low[vertex as usize];
        if low == self.met[vertex as usize] {
            while *open_count > 0 {
                *open_count -= 1;
                let member = self.open[*open_count];
                self.component[member as usize] = self.component_count;
                if member == vertex {
                    break;
                }
            }
            self.component_count += 1;
        }
        if depth > 0 {
            let parent = &mut self.low[self.path[depth - 1].0 as usize];
            *parent = (*parent).min(low);
        }
    }
}

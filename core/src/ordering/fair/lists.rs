//! The members' lists of vertices.

use alloc::boxed::Box;

use crate::bounded::{fixed_slice, fixed_slice_bytes};

/// The rank of a vertex that a list does not hold: after everything that it holds.
pub(super) const ABSENT: i16 = i16::MAX;

/// One list of vertices a log, and where in each list a vertex stands.
///
/// Memory: `log_count · (4 · vertex_count_max + 2) + vertex_count_max` bytes.
#[derive(Debug)]
pub(super) struct Lists {
    log_count: usize,
    vertex_count_max: usize,
    /// List after list, each with room for every vertex.
    entries: Box<[u16]>,
    /// Vertex after vertex, its rank in each list. Invariant: `ranks[entries[i]]` of a log is i.
    ranks: Box<[i16]>,
    lengths: Box<[u16]>,
    /// How many lists hold a vertex.
    heads: Box<[u8]>,
}

impl Lists {
    pub(super) fn new(log_count: usize, vertex_count_max: usize) -> Self {
        Self {
            log_count,
            vertex_count_max,
            entries: fixed_slice(log_count * vertex_count_max, 0),
            ranks: fixed_slice(log_count * vertex_count_max, ABSENT),
            lengths: fixed_slice(log_count, 0),
            heads: fixed_slice(vertex_count_max, 0),
        }
    }

    pub(super) const fn footprint_bytes(log_count: usize, vertex_count_max: usize) -> u64 {
        fixed_slice_bytes::<u16>(log_count * vertex_count_max)
            + fixed_slice_bytes::<i16>(log_count * vertex_count_max)
            + fixed_slice_bytes::<u16>(log_count)
            + fixed_slice_bytes::<u8>(vertex_count_max)
    }

    /// Makes it `log_count` lists, at most as many as it was made for; what they hold is lost, and
    /// they have to be emptied before they are used.
    pub(super) const fn set_log_count(&mut self, log_count: usize) {
        self.log_count = log_count;
    }

    /// Empties the lists of the first `vertex_count` vertices.
    pub(super) fn begin(&mut self, vertex_count: usize) {
        self.ranks[..vertex_count * self.log_count].fill(ABSENT);
        self.lengths.fill(0);
        self.heads[..vertex_count].fill(0);
    }

    /// Takes over what `other` holds of the first `vertex_count` vertices, restricted to `keep`.
    pub(super) fn copy_from(
        &mut self,
        other: &Self,
        vertex_count: usize,
        keep: impl Fn(usize) -> bool,
    ) {
        self.begin(vertex_count);
        for log in 0..self.log_count {
            for vertex in other.entries(log) {
                if keep(usize::from(*vertex)) {
                    self.append(log, usize::from(*vertex));
                }
            }
        }
    }

    /// Appends `vertex` to a list; false if the list holds it already, which changes nothing.
    pub(super) fn append(&mut self, log: usize, vertex: usize) -> bool {
        let rank = &mut self.ranks[vertex * self.log_count + log];
        if *rank != ABSENT {
            return false;
        }
        let length = self.lengths[log];
        *rank = length as i16;
        self.entries[log * self.vertex_count_max + usize::from(length)] = vertex as u16;
        self.lengths[log] = length + 1;
        self.heads[vertex] += 1;
        true
    }

    pub(super) const fn log_count(&self) -> usize {
        self.log_count
    }

    pub(super) fn entries(&self, log: usize) -> &[u16] {
        &self.entries[log * self.vertex_count_max..][..usize::from(self.lengths[log])]
    }

    /// How many lists hold `vertex`.
    pub(super) fn heads(&self, vertex: usize) -> u32 {
        u32::from(self.heads[vertex])
    }

    pub(super) fn lengths(&self) -> &[u16] {
        &self.lengths
    }

    /// The ranks of `vertex`, list by list.
    pub(super) fn ranks(&self, vertex: usize) -> &[i16] {
        &self.ranks[vertex * self.log_count..][..self.log_count]
    }

    /// How many lists vote for `a` before `b`, and for `b` before `a`.
    ///
    /// A list that holds one of them votes for it; a list that holds neither does not vote.
    pub(super) fn weights(&self, a: usize, b: usize) -> (u32, u32) {
        let pairs = self.ranks(a).iter().zip(self.ranks(b));
        let (forth, back) = pairs.fold((0_u16, 0_u16), |(forth, back), (a, b)| {
            (forth + u16::from(a < b), back + u16::from(b < a))
        });
        (u32::from(forth), u32::from(back))
    }
}

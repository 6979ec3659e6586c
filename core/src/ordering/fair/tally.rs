//! The tally: for every pair of vertices, which of them more lists have first.
//!
//! Vertices are laid out by their mean rank, so that lists which nearly agree contradict each other
//! only near the diagonal. Where no list has a later block of vertices before an earlier one, the
//! pairs between them are not counted at all: every list that holds the earlier one votes for it.
//! The rest is counted once for both directions, bit-sliced: walking down a list, the columns that
//! it has not shown yet are the vertices that the present one stands before; [`GROUP`] such rows
//! are added at once into counters of one bit a plane.
//!
//! With A the lists that have a before b, Z the lists that hold neither and L all lists, b stands
//! before a in L − Z − A. So a wins if 2A + Z > L, or if they are equal and a is the smaller id:
//! the order of ids votes as half a list.
//!
//! Cost: O(n·m) to lay out, O(n·m·c / 128) to count, c the width of the contested band (at most m).

use alloc::boxed::Box;
use core::ops::Range;

use super::bits::BitMatrix;
use super::bits::{WORD_BITS, low_bits, ones, set, transpose, words_for};
use super::lane::{
    GROUP, LANE_BITS, LANE_WORDS, Lane, PLANES, PLANES_MIN, add, add_group, add_one, at_least,
};
use super::lists::Lists;
use super::parameters::Parameters;
use crate::bounded::{fixed_slice, fixed_slice_bytes};

/// A place in a list beyond its end.
const BEYOND: u16 = u16::MAX;

/// What the tally works with while it counts; nothing of it lives on.
#[derive(Debug)]
pub(super) struct Tally {
    member_count_max: usize,
    /// How many members there are now.
    member_count: usize,
    keys: Box<[u64]>,
    /// List after list, the positions of its members in its order.
    walks: Box<[u16]>,
    walk_lengths: Box<[u16]>,
    /// How much of each walk is left while blocks are taken off its positions, the last one first.
    walk_ends: Box<[u16]>,
    /// The logs that hold a member.
    voting: Box<[u8]>,
    voting_count: usize,
    /// The first and the last place at which a log shows a block of positions.
    spans: Box<[Span]>,
    /// Log after log, which positions its list holds; kept only for lists with a gap.
    present: Box<[u64]>,
    /// Of each list of a group, for each row the columns that it stands before.
    groups: Box<[Lane]>,
    /// For each position the columns that stay open behind it: all but its own, where it has one.
    open_behind: Box<[Lane]>,
    ahead: Box<[[Lane; PLANES]]>,
    neither: Box<[[Lane; PLANES]]>,
    ties: Box<[Lane]>,
    wins: Box<[Lane]>,
    misses: Box<[Lane]>,
}

/// Where a list shows a block of positions.
#[derive(Clone, Copy, Debug)]
struct Span {
    /// The first place, or [`BEYOND`] if it shows none of them.
    first: u16,
    /// The place after the last, or 0.
    end: u16,
    /// Whether it holds every position of the block.
    whole: bool,
}

const NO_SPAN: Span = Span {
    first: BEYOND,
    end: 0,
    whole: true,
};

/// The members of a graph, by position.
#[derive(Clone, Copy, Debug)]
pub(super) struct Members<'a> {
    /// The vertex at each position.
    pub(super) vertices: &'a [u16],
    /// The position of each vertex, or [`BEYOND`].
    pub(super) positions: &'a [u16],
}

/// The position of a vertex that is no member.
pub(super) const NO_POSITION: u16 = BEYOND;

impl Tally {
    pub(super) fn new(log_count: usize, member_count_max: usize) -> Self {
        let lanes = member_count_max;
        Self {
            member_count_max,
            member_count: 0,
            keys: fixed_slice(member_count_max, 0),
            walks: fixed_slice(log_count * member_count_max, 0),
            walk_lengths: fixed_slice(log_count, 0),
            walk_ends: fixed_slice(log_count, 0),
            voting: fixed_slice(log_count, 0),
            voting_count: 0,
            spans: fixed_slice(log_count * member_count_max.div_ceil(LANE_BITS), NO_SPAN),
            present: fixed_slice(log_count * words_for(member_count_max), 0),
            groups: fixed_slice(GROUP * lanes, Lane::NONE),
            open_behind: fixed_slice(lanes, Lane::ALL),
            ahead: fixed_slice(lanes, [Lane::NONE; PLANES]),
            neither: fixed_slice(lanes, [Lane::NONE; PLANES]),
            ties: fixed_slice(lanes, Lane::NONE),
            wins: fixed_slice(lanes, Lane::NONE),
            misses: fixed_slice(lanes, Lane::NONE),
        }
    }

    pub(super) const fn footprint_bytes(log_count: usize, member_count_max: usize) -> u64 {
        fixed_slice_bytes::<u64>(member_count_max)
            + fixed_slice_bytes::<u16>(log_count * member_count_max)
            + 2 * fixed_slice_bytes::<u16>(log_count)
            + fixed_slice_bytes::<u8>(log_count)
            + fixed_slice_bytes::<Span>(log_count * member_count_max.div_ceil(LANE_BITS))
            + fixed_slice_bytes::<u64>(log_count * words_for(member_count_max))
            + fixed_slice_bytes::<Lane>(GROUP * member_count_max)
            + 2 * fixed_slice_bytes::<[Lane; PLANES]>(member_count_max)
            + 4 * fixed_slice_bytes::<Lane>(member_count_max)
    }

    /// Sorts `vertices` by mean rank, so that their places become positions.
    pub(super) fn arrange(&mut self, lists: &Lists, vertices: &mut [u16]) {
        let keys = &mut self.keys[..vertices.len()];
        for (key, vertex) in keys.iter_mut().zip(vertices.iter()) {
            // An absent vertex counts as standing at the end of the list.
            let ranks = lists
                .ranks(usize::from(*vertex))
                .iter()
                .zip(lists.lengths());
            let sum: u32 = ranks
                .map(|(rank, length)| u32::from((*rank as u16).min(*length)))
                .sum();
            *key = u64::from(sum) << 16 | u64::from(*vertex);
        }
        keys.sort_unstable();
        for (vertex, key) in vertices.iter_mut().zip(keys.iter()) {
            *vertex = *key as u16;
        }
    }

    /// Counts all pairs into two empty matrices, who beats whom and which edges are missing; some
    /// vertex must be solid. Returns whether an edge is missing.
    pub(super) fn count(
        &mut self,
        parameters: Parameters,
        lists: &Lists,
        members: Members<'_>,
        matrices: (&mut BitMatrix, &mut BitMatrix),
    ) -> bool {
        let (beats, missing) = matrices;
        let mut some_missing = false;
        self.lay_out(lists, members);
        let count = self.member_count;
        let blocks = count.div_ceil(LANE_BITS);
        let all_contested = (0..blocks).all(|block| self.contested_from(block) == 0);
        for block in (0..blocks).rev() {
            let first_block = self.contested_from(block);
            let rows = first_block * LANE_BITS..count.min((block + 1) * LANE_BITS);
            let columns = lane_below(count - block * LANE_BITS);
            for row in 0..rows.start {
                fill(beats.row_mut(row), block, columns);
            }
            self.add_lists(block, rows.clone(), columns, all_contested);
            let gaps = self.add_neither(block, rows.clone(), columns);
            if gaps || self.voting_count.is_multiple_of(2) {
                self.add_ties(block, members, columns);
            } else {
                self.ties[rows.clone()].fill(Lane::NONE);
            }
            self.decide(parameters, rows.clone(), gaps);
            some_missing |= self.write(block, rows, columns, gaps, (beats, missing));
        }
        some_missing
    }

    /// Turns lists of vertices into lists of positions, and finds where each block stands in them.
    fn lay_out(&mut self, lists: &Lists, members: Members<'_>) {
        let count = members.vertices.len();
        let (blocks, words) = (count.div_ceil(LANE_BITS), words_for(count));
        self.member_count = count;
        self.voting_count = 0;
        for log in 0..lists.log_count() {
            let walk = &mut self.walks[log * self.member_count_max..][..count];
            let spans = &mut self.spans[log * blocks..][..blocks];
            spans.fill(NO_SPAN);
            let mut length = 0;
            for vertex in lists.entries(log) {
                let position = members.positions[usize::from(*vertex)];
                if position == NO_POSITION {
                    continue;
                }
                walk[length] = position;
                let span = &mut spans[usize::from(position) / LANE_BITS];
                if span.first == BEYOND {
                    span.first = length as u16;
                }
                length += 1;
                span.end = length as u16;
            }
            self.walk_lengths[log] = length as u16;
            self.walk_ends[log] = length as u16;
            if length == 0 {
                continue;
            }
            self.voting[self.voting_count] = log as u8;
            self.voting_count += 1;
            if length < count {
                let present = &mut self.present[log * words..][..words];
                present.fill(0);
                walk[..length]
                    .iter()
                    .for_each(|position| set(present, usize::from(*position)));
                for (block, span) in spans.iter_mut().enumerate() {
                    let held = lane_at(present, block);
                    span.whole = held == lane_below(count - block * LANE_BITS);
                }
            }
        }
    }

    /// The first block of rows that some list contradicts a position of `block` with.
    fn contested_from(&self, block: usize) -> usize {
        let contests = |row_block: &usize| {
            self.logs().iter().any(|log| {
                let (earlier, later) = (self.span(*log, *row_block), self.span(*log, block));
                later.first < earlier.end || (!earlier.whole && later.first != BEYOND)
            })
        };
        (0..block).find(contests).unwrap_or(block)
    }

    /// The logs that vote.
    fn logs(&self) -> &[u8] {
        &self.voting[..self.voting_count]
    }

    fn span(&self, log: u8, block: usize) -> Span {
        self.spans[usize::from(log) * self.member_count.div_ceil(LANE_BITS) + block]
    }

    /// The places of a list that show `blocks`, and whether it holds all of them.
    fn stretch(&self, log: u8, blocks: Range<usize>) -> (Range<usize>, bool) {
        let none = (BEYOND, 0, true);
        let (first, end, whole) = blocks.fold(none, |(first, end, whole), block| {
            let span = self.span(log, block);
            (
                first.min(span.first),
                end.max(span.end),
                whole && span.whole,
            )
        });
        (usize::from(first.min(end))..usize::from(end), whole)
    }

    /// Counts how many lists have each row before each column of `block`.
    fn add_lists(&mut self, block: usize, rows: Range<usize>, columns: Lane, all_contested: bool) {
        self.ahead[rows.clone()].fill([Lane::NONE; PLANES]);
        let own = block * LANE_BITS..rows.end;
        for (column, open) in self.open_behind[own.clone()].iter_mut().enumerate() {
            close(open, 0, column);
        }
        for first in (0..self.voting_count).step_by(GROUP) {
            for slot in 0..GROUP {
                match self.logs().get(first + slot) {
                    Some(log) if all_contested => self.walk_off(*log, slot, block, columns),
                    Some(log) => self.walk(*log, slot, block, rows.clone(), columns),
                    None => {
                        self.groups[slot * self.member_count_max..][rows.clone()].fill(Lane::NONE)
                    }
                }
            }
            self.add_group(rows.clone());
        }
        self.open_behind[own].fill(Lane::ALL);
    }

    /// Walks down a list: before which columns of `block` each row stands.
    fn walk(&mut self, log: u8, slot: usize, block: usize, rows: Range<usize>, columns: Lane) {
        let (stretch, whole) = self.stretch(log, rows.start / LANE_BITS..block + 1);
        let group = &mut self.groups[slot * self.member_count_max..][..self.member_count];
        if !whole {
            group[rows].fill(Lane::NONE);
        }
        let list = usize::from(log) * self.member_count_max;
        let open_behind = &self.open_behind[..group.len()];
        let mut open = columns;
        for position in &self.walks[list..][stretch] {
            let position = usize::from(*position);
            open = open & open_behind[position];
            group[position] = open;
        }
    }

    /// The same where every pair is contested: down all that is left of a list, from which the
    /// positions of `block` go. So a step is made for each row once a block, and not for each of a
    /// list.
    fn walk_off(&mut self, log: u8, slot: usize, block: usize, columns: Lane) {
        let log = usize::from(log);
        let group = &mut self.groups[slot * self.member_count_max..][..self.member_count];
        if usize::from(self.walk_lengths[log]) < self.member_count {
            group.fill(Lane::NONE);
        }
        let open_behind = &self.open_behind[..group.len()];
        let start = block * LANE_BITS;
        let walk = &mut self.walks[log * self.member_count_max..];
        let walk = &mut walk[..usize::from(self.walk_ends[log])];
        let mut open = columns;
        let mut left = 0;
        for place in 0..walk.len() {
            let position = usize::from(walk[place]);
            open = open & open_behind[position];
            group[position] = open;
            walk[left] = position as u16;
            left += usize::from(position < start);
        }
        self.walk_ends[log] = left as u16;
    }

    /// Adds what a group of lists says of `rows`.
    fn add_group(&mut self, rows: Range<usize>) {
        let plane_count = self.plane_count();
        let of_slot = |slot: usize| &self.groups[slot * self.member_count_max..][rows.clone()];
        let groups: [&[Lane]; GROUP] = core::array::from_fn(of_slot);
        let counters = self.ahead[rows.clone()].iter_mut();
        for (row, planes) in counters.enumerate() {
            let group = core::array::from_fn(|slot| groups[slot][row]);
            add_group(&mut planes[..plane_count], &group);
        }
    }

    /// How many planes hold a count of the lists that vote.
    const fn plane_count(&self) -> usize {
        let bits = usize::BITS - self.voting_count.leading_zeros();
        if bits < PLANES_MIN as u32 {
            PLANES_MIN
        } else {
            bits as usize
        }
    }

    /// Counts how many lists hold neither the row nor the column; false if none does anywhere.
    fn add_neither(&mut self, block: usize, rows: Range<usize>, columns: Lane) -> bool {
        let words = words_for(self.member_count);
        let mut gaps = false;
        for log in &self.voting[..self.voting_count] {
            let log = usize::from(*log);
            if usize::from(self.walk_lengths[log]) == self.member_count {
                continue;
            }
            let present = &self.present[log * words..][..words];
            let absent = columns & !lane_at(present, block);
            if absent == Lane::NONE {
                continue;
            }
            if !gaps {
                self.neither[rows.clone()].fill([Lane::NONE; PLANES]);
                gaps = true;
            }
            let first_word = rows.start / WORD_BITS;
            let row_words = &present[first_word..words.min(rows.end.div_ceil(WORD_BITS))];
            for row in ones(row_words.iter().map(|word| !word)) {
                if let Some(planes) = self.neither[rows.clone()].get_mut(row) {
                    add_one(planes, absent);
                }
            }
        }
        gaps
    }

    /// Lays out, for each row, the columns of `block` with a larger id.
    fn add_ties(&mut self, block: usize, members: Members<'_>, columns: Lane) {
        let mut open = columns;
        for position in members.positions {
            if *position != NO_POSITION {
                let position = usize::from(*position);
                close(&mut open, block, position);
                self.ties[position] = open;
            }
        }
    }

    /// Turns counts into edges: where a row wins, and where neither side has enough lists.
    ///
    /// Without gaps every list holds the columns, so they are solid and no edge can be missing.
    fn decide(&mut self, parameters: Parameters, rows: Range<usize>, gaps: bool) {
        let threshold = parameters.threshold();
        let lists = self.voting_count as u32;
        let planes = self.plane_count();
        for row in rows {
            let ahead = &self.ahead[row];
            let mut twice = [Lane::NONE; PLANES + 2];
            twice[1..=planes].copy_from_slice(&ahead[..planes]);
            if !gaps {
                twice[0] = self.ties[row];
                self.wins[row] = at_least(&twice[..=planes], lists + 1);
                continue;
            }
            let neither = widened(&self.neither[row]);
            let doubled = add(&twice, &neither, self.ties[row]);
            self.wins[row] = at_least(&doubled[..planes + 2], lists + 1);
            // The other side has L − A − Z lists, which are fewer than T if A + Z > L − T.
            let not_behind = add(&widened(ahead), &neither, Lane::NONE);
            let few_behind = match (lists + 1).checked_sub(threshold) {
                Some(bound) => at_least(&not_behind[..planes], bound),
                None => Lane::ALL,
            };
            self.misses[row] = few_behind & !at_least(ahead, threshold);
        }
    }

    /// Writes what was decided about `rows` and the columns of `block`, in both directions; true if
    /// an edge is missing.
    fn write(
        &self,
        block: usize,
        rows: Range<usize>,
        columns: Lane,
        gaps: bool,
        matrices: (&mut BitMatrix, &mut BitMatrix),
    ) -> bool {
        let (beats, missing) = matrices;
        let mut some_missing = false;
        let words = words_for(self.member_count);
        for (lane_word, valid) in columns.0.into_iter().enumerate() {
            let column = block * LANE_WORDS + lane_word;
            if column >= words {
                break;
            }
            // Of the squares below the diagonal each is the mirror of one above it.
            for row_word in rows.start / WORD_BITS..words.min(column + 1) {
                let start = row_word * WORD_BITS;
                let square_rows = start..rows.end.min(start + WORD_BITS);
                let mut square = [0; WORD_BITS];
                let mut mirror = [0; WORD_BITS];
                for (at, row) in square_rows.clone().enumerate() {
                    let miss = if gaps {
                        self.misses[row].0[lane_word] & valid
                    } else {
                        0
                    };
                    let win = self.wins[row].0[lane_word] & valid & !miss;
                    beats.row_mut(row)[column] = win;
                    mirror[at] = valid & !win & !miss;
                    if miss != 0 {
                        some_missing = true;
                        missing.row_mut(row)[column] = miss;
                        square[at] = miss;
                    }
                }
                if row_word < column {
                    mirror_into(beats, &mut mirror, row_word, column, self.member_count);
                    if gaps {
                        mirror_into(missing, &mut square, row_word, column, self.member_count);
                    }
                }
            }
        }
        some_missing
    }
}

/// Writes the mirror image of a square of bits to the other side of the diagonal.
fn mirror_into(
    matrix: &mut BitMatrix,
    square: &mut [u64; WORD_BITS],
    row_word: usize,
    column: usize,
    side: usize,
) {
    transpose(square);
    let start = column * WORD_BITS;
    for (row, word) in (start..side.min(start + WORD_BITS)).zip(square.iter()) {
        matrix.row_mut(row)[row_word] = *word;
    }
}

/// The lane with the first `count` columns.
fn lane_below(count: usize) -> Lane {
    Lane(core::array::from_fn(|word| {
        low_bits(count.saturating_sub(word * WORD_BITS))
    }))
}

/// The lane of `block` within a row; what lies beyond the row is empty.
fn lane_at(row: &[u64], block: usize) -> Lane {
    Lane(core::array::from_fn(|word| {
        row.get(block * LANE_WORDS + word).copied().unwrap_or(0)
    }))
}

/// Sets the columns of `block` in a row.
fn fill(row: &mut [u64], block: usize, columns: Lane) {
    for (word, bits) in row.iter_mut().skip(block * LANE_WORDS).zip(columns.0) {
        *word = bits;
    }
}

/// Takes `position` out of the columns of `block`, if it is one of them.
fn close(open: &mut Lane, block: usize, position: usize) {
    for (word, bits) in open.0.iter_mut().enumerate() {
        let inside = u64::from(position / WORD_BITS == block * LANE_WORDS + word);
        *bits &= !(inside << (position % WORD_BITS));
    }
}

/// The same counters with room for a sum.
fn widened(planes: &[Lane; PLANES]) -> [Lane; PLANES + 2] {
    let mut wide = [Lane::NONE; PLANES + 2];
    wide[..PLANES].copy_from_slice(planes);
    wide
}

//! Votes of one kind, a row for each round that is kept.

use alloc::boxed::Box;

use super::{SigRef, SignatureStore};
use crate::bounded::{fixed_slice, fixed_slice_bytes};
use crate::types::{Hash, Height, MemberIndex, Round};
use crate::vote::{MemberSet, NO_ROUND, Statement, VoteKind};

/// Stands for nil where the number of a tally is kept, and for "no tally".
const NIL: u16 = u16::MAX;

/// The votes of a few rounds with running sums.
///
/// Invariant: in each row, `cast` is the disjoint union of the tallies' sets and of those who voted
/// nil; `total` is its weight. A free row is empty.
#[derive(Clone, Debug)]
pub(in crate::consensus) struct VoteRows {
    kind: VoteKind,
    heads: Box<[RowHead]>,
    entries: Box<[Entry]>,
    tallies: Box<[Tally]>,
    width: usize,
}

#[derive(Clone, Debug, Default)]
struct RowHead {
    round: Option<Round>,
    cast: MemberSet,
    /// Who has a vote that waits to be verified: one that it sent itself, one sent by others. Two,
    /// so that others can't keep a member's own vote out by a false one in its name.
    waiting: [MemberSet; 2],
    total: u64,
    nil_weight: u64,
    tally_count: u16,
    /// The heaviest tally.
    best: u16,
}

#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    tally: u16,
    signature: SigRef,
    extension_hash: Hash,
}

/// Votes for one value and valid round.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::consensus) struct Tally {
    pub value: Hash,
    pub valid_round: i32,
    pub weight: u64,
    pub members: MemberSet,
}

impl VoteRows {
    /// Makes `row_count` free rows for as many members as `member_count`.
    pub fn new(kind: VoteKind, row_count: usize, member_count: u16) -> Self {
        let width = usize::from(member_count);
        Self {
            kind,
            heads: fixed_slice(row_count, RowHead::default()),
            entries: fixed_slice(row_count * width, Entry::default()),
            tallies: fixed_slice(row_count * width, Tally::default()),
            width,
        }
    }

    /// The bytes that [`VoteRows::new`] takes.
    pub const fn footprint_bytes(row_count: usize, member_count: u16) -> u64 {
        let places = row_count * member_count as usize;
        fixed_slice_bytes::<RowHead>(row_count)
            + fixed_slice_bytes::<Entry>(places)
            + fixed_slice_bytes::<Tally>(places)
    }

    /// Frees the rows whose round is not wanted any more, and opens those that are wanted and
    /// missing, as far as there are free ones.
    pub fn keep(&mut self, wanted: &[Option<Round>], signatures: &mut SignatureStore) {
        for row in 0..self.heads.len() {
            let round = self.heads[row].round;
            if round.is_some() && !wanted.contains(&round) {
                self.clear(row, signatures);
            }
        }
        for round in wanted.iter().flatten() {
            if self.row(*round).is_some() {
                continue;
            }
            let free = self.heads.iter_mut().find(|head| head.round.is_none());
            debug_assert!(free.is_some(), "a row for each round that is wanted");
            if let Some(head) = free {
                *head = RowHead {
                    round: Some(*round),
                    best: NIL,
                    ..RowHead::default()
                };
            }
        }
    }

    fn clear(&mut self, row: usize, signatures: &mut SignatureStore) {
        let head = core::mem::take(&mut self.heads[row]);
        for member in head.cast.iter() {
            signatures.release(&mut self.entries[row * self.width + place(member)].signature);
        }
    }

    /// The row of a round.
    pub fn row(&self, round: Round) -> Option<usize> {
        self.heads.iter().position(|head| head.round == Some(round))
    }

    /// The rounds that are kept, with their rows.
    pub fn rounds(&self) -> impl Iterator<Item = (usize, Round)> + Clone {
        let rounds = self.heads.iter().map(|head| head.round);
        rounds
            .enumerate()
            .filter_map(|(row, round)| Some((row, round?)))
    }

    /// Who voted.
    pub fn cast(&self, row: usize) -> MemberSet {
        self.heads[row].cast
    }

    /// Marks that a vote of `member` waits to be verified; false where one does already.
    pub fn start_waiting(&mut self, row: usize, member: MemberIndex, is_relayed: bool) -> bool {
        let waiting = &mut self.heads[row].waiting[usize::from(is_relayed)];
        let is_first = !waiting.contains(member);
        waiting.insert(member);
        is_first
    }

    /// Marks that it no longer does.
    pub fn stop_waiting(&mut self, row: usize, member: MemberIndex, is_relayed: bool) {
        self.heads[row].waiting[usize::from(is_relayed)].remove(member);
    }

    /// Whether such a vote waits.
    pub fn is_waiting(&self, row: usize, member: MemberIndex, is_relayed: bool) -> bool {
        self.heads[row].waiting[usize::from(is_relayed)].contains(member)
    }

    /// The weight of all votes.
    pub fn total(&self, row: usize) -> u64 {
        self.heads[row].total
    }

    /// The weight of the votes for nil.
    pub fn nil_weight(&self, row: usize) -> u64 {
        self.heads[row].nil_weight
    }

    /// The heaviest tally of a value.
    pub fn best(&self, row: usize) -> Option<&Tally> {
        let head = &self.heads[row];
        (head.best != NIL).then(|| &self.tallies[row * self.width + usize::from(head.best)])
    }

    /// Counts a vote of a member that has none in the row. O(1), and O(values) to find the value,
    /// of which there is one unless somebody lies.
    pub fn insert(
        &mut self,
        row: usize,
        member: MemberIndex,
        weight: u64,
        statement: &Statement,
        signature: SigRef,
    ) {
        debug_assert!(!self.heads[row].cast.contains(member), "one vote a member");
        let tally = match statement.value {
            None => NIL,
            Some(value) => self.tally_for(row, value, statement.valid_round),
        };
        let head = &mut self.heads[row];
        head.cast.insert(member);
        head.total += weight;
        if tally == NIL {
            head.nil_weight += weight;
        } else {
            let base = row * self.width;
            let counted = &mut self.tallies[base + usize::from(tally)];
            counted.weight += weight;
            counted.members.insert(member);
            let sum = counted.weight;
            if head.best == NIL || sum > self.tallies[base + usize::from(head.best)].weight {
                head.best = tally;
            }
        }
        self.entries[row * self.width + place(member)] = Entry {
            tally,
            signature,
            extension_hash: statement.extension_hash,
        };
    }

    fn tally_for(&mut self, row: usize, value: Hash, valid_round: i32) -> u16 {
        let head = &mut self.heads[row];
        let base = row * self.width;
        let known = &self.tallies[base..][..usize::from(head.tally_count)];
        let found = known
            .iter()
            .position(|tally| tally.value == value && tally.valid_round == valid_round);
        if let Some(found) = found {
            return found as u16;
        }
        let number = head.tally_count;
        // Each member votes once, so there are never more tallies than members.
        self.tallies[base + usize::from(number)] = Tally {
            value,
            valid_round,
            weight: 0,
            members: MemberSet::EMPTY,
        };
        head.tally_count += 1;
        number
    }

    /// What a member voted, and its signature.
    pub fn vote(&self, row: usize, member: MemberIndex, height: Height) -> Option<Cast> {
        let head = &self.heads[row];
        if !head.cast.contains(member) {
            return None;
        }
        let entry = &self.entries[row * self.width + place(member)];
        let tally = (entry.tally != NIL)
            .then(|| &self.tallies[row * self.width + usize::from(entry.tally)]);
        let statement = Statement {
            kind: self.kind,
            height,
            round: head.round?,
            value: tally.map(|tally| tally.value),
            valid_round: tally.map_or(NO_ROUND, |tally| tally.valid_round),
            extension_hash: entry.extension_hash,
        };
        Some((statement, entry.signature))
    }

    /// Whether the running sums are those of the votes.
    pub fn sums_agree(&self, weight_of: impl Fn(MemberSet) -> u64) -> bool {
        self.heads.iter().enumerate().all(|(row, head)| {
            let tallies = &self.tallies[row * self.width..][..usize::from(head.tally_count)];
            let voted = tallies
                .iter()
                .fold(MemberSet::EMPTY, |set, tally| set.union(tally.members));
            let best = self.best(row).map_or(0, |best| best.weight);
            head.total == weight_of(head.cast)
                && head.nil_weight == weight_of(head.cast.without(voted))
                && voted.without(head.cast).is_empty()
                && tallies
                    .iter()
                    .map(|tally| tally.members.len())
                    .sum::<usize>()
                    == voted.len()
                && tallies
                    .iter()
                    .all(|t| t.weight == weight_of(t.members) && t.weight <= best)
        })
    }

    /// How many signatures the rows hold.
    pub fn held_count(&self) -> usize {
        self.heads.iter().map(|head| head.cast.len()).sum()
    }

    /// What a member added to its vote, and its signature; for those that have one.
    pub fn entry(&self, row: usize, member: MemberIndex) -> (Hash, SigRef) {
        let entry = &self.entries[row * self.width + place(member)];
        (entry.extension_hash, entry.signature)
    }
}

/// A vote and its signature.
pub(in crate::consensus) type Cast = (Statement, SigRef);

fn place(member: MemberIndex) -> usize {
    usize::from(member.get())
}

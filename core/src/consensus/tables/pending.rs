//! Votes whose signatures wait to be verified.

use alloc::boxed::Box;

use super::{SigRef, SignatureStore};
use crate::bounded::{fixed_slice, fixed_slice_bytes};
use crate::types::{Hash, Height, MemberIndex, Round};
use crate::vote::{NO_ROUND, Statement, VoteKind};

/// The most signatures of a batch: the answer is a mask of 128 bits.
pub(in crate::consensus) const BATCH_COUNT_MAX: u64 = 128;

/// A vote that nobody has vouched for yet.
#[derive(Clone, Copy, Debug)]
pub(in crate::consensus) struct PendingVote {
    pub statement: Statement,
    pub member: MemberIndex,
    /// Who sent it.
    pub source: MemberIndex,
    pub signature: SigRef,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    vote: PendingVote,
    /// Of the first vote of a batch: how many there are. 0 for the others, and once answered.
    batch_count: u8,
    is_done: bool,
}

/// A queue of votes, of which the front part is out to be verified in batches.
///
/// Votes are numbered from the beginning of time; `head ≤ batched ≤ tail`. Batches may be answered
/// in any order; a vote leaves once it and all before it are done.
#[derive(Clone, Debug)]
pub(in crate::consensus) struct Pending {
    entries: Box<[Entry]>,
    counts: Box<[u8]>,
    count_max: u8,
    head: u64,
    batched: u64,
    tail: u64,
}

impl Pending {
    /// Makes room for `count_max` votes of each of so many peers.
    pub fn new(count_max: u8, member_count: u16) -> Self {
        let statement = Statement {
            kind: VoteKind::Prevote,
            height: Height::ZERO,
            round: Round::ZERO,
            value: None,
            valid_round: NO_ROUND,
            extension_hash: Hash::ZERO,
        };
        let vote = PendingVote {
            statement,
            member: MemberIndex::ZERO,
            source: MemberIndex::ZERO,
            signature: SigRef::NONE,
        };
        let entry = Entry {
            vote,
            batch_count: 0,
            is_done: true,
        };
        Self {
            entries: fixed_slice(usize::from(member_count) * usize::from(count_max), entry),
            counts: fixed_slice(usize::from(member_count), 0),
            count_max,
            head: 0,
            batched: 0,
            tail: 0,
        }
    }

    /// The bytes that [`Pending::new`] takes.
    pub const fn footprint_bytes(count_max: u8, member_count: u16) -> u64 {
        fixed_slice_bytes::<Entry>(member_count as usize * count_max as usize)
            + fixed_slice_bytes::<u8>(member_count as usize)
    }

    /// Whether a peer has room for one more. A batch that is never answered keeps its places, and
    /// the queue then ends at a full circle.
    pub fn has_room(&self, source: MemberIndex) -> bool {
        self.counts[usize::from(source.get())] < self.count_max
            && self.tail - self.head < self.entries.len() as u64
    }

    /// Appends a vote; whoever calls has asked for room.
    pub fn push(&mut self, vote: PendingVote) {
        self.counts[usize::from(vote.source.get())] += 1;
        let at = self.at(self.tail);
        self.entries[at] = Entry {
            vote,
            batch_count: 0,
            is_done: false,
        };
        self.tail += 1;
    }

    /// Makes a batch of what waits: its first number and how many.
    pub fn next_batch(&mut self) -> Option<(u64, u8)> {
        let count = (self.tail - self.batched).min(BATCH_COUNT_MAX) as u8;
        if count == 0 {
            return None;
        }
        let first = self.batched;
        let at = self.at(first);
        self.entries[at].batch_count = count;
        self.batched += u64::from(count);
        Some((first, count))
    }

    /// How many votes the batch has that starts with this number; nothing for none, or one that
    /// has been answered.
    pub fn batch_count(&self, first: u64) -> Option<u8> {
        let is_out = (self.head..self.batched).contains(&first);
        let count = is_out.then(|| self.entries[self.at(first)].batch_count)?;
        (count > 0).then_some(count)
    }

    /// The vote with this number.
    pub fn vote(&self, number: u64) -> &PendingVote {
        &self.entries[self.at(number)].vote
    }

    /// Marks a vote as done, and takes its signature over.
    pub fn finish(&mut self, number: u64) -> PendingVote {
        let at = self.at(number);
        let entry = &mut self.entries[at];
        entry.is_done = true;
        entry.batch_count = 0;
        let vote = entry.vote;
        entry.vote.signature = SigRef::NONE;
        self.counts[usize::from(vote.source.get())] -= 1;
        vote
    }

    /// Forgets all votes; an answer about one of them comes too late then.
    pub fn clear(&mut self, signatures: &mut SignatureStore) {
        for number in self.head..self.tail {
            if !self.entries[self.at(number)].is_done {
                let mut vote = self.finish(number);
                signatures.release(&mut vote.signature);
            }
        }
        self.head = self.tail;
        self.batched = self.tail;
    }

    /// Lets the votes at the front go that are done.
    pub fn advance(&mut self) {
        while self.head < self.batched && self.entries[self.at(self.head)].is_done {
            self.head += 1;
        }
    }

    /// How many signatures wait.
    pub fn held_count(&self) -> usize {
        self.entries
            .iter()
            .filter(|entry| entry.vote.signature != SigRef::NONE)
            .count()
    }

    const fn at(&self, number: u64) -> usize {
        (number % self.entries.len() as u64) as usize
    }
}

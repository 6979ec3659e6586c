//! What this member itself has said in its last two rounds, and what is on disk of it.

use super::{SigRef, SignatureStore};
use crate::types::Round;
use crate::vote::{Statement, VoteKind};

/// Rounds that own statements are kept of.
pub(in crate::consensus) const OWN_ROUND_COUNT: usize = 2;

/// How far a statement has come on its way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OwnStage {
    /// The record with this number must be durable first.
    Persisting { seq: u64 },
    /// The host signs it.
    Signing,
    /// It may be sent.
    ToSend,
    /// It has been.
    Sent,
}

/// A statement of this member.
#[derive(Clone, Copy, Debug)]
pub(in crate::consensus) struct OwnVote {
    pub statement: Statement,
    stage: OwnStage,
    pub signature: SigRef,
}

/// The statements of the current round, then those of the last one before it with any, and the
/// numbers of the records that hold them.
///
/// Invariant: `persisted ≤ emitted ≤ wanted ≤ emitted + 1`.
#[derive(Clone, Debug, Default)]
pub(in crate::consensus) struct OwnVotes {
    votes: [[Option<OwnVote>; 3]; OWN_ROUND_COUNT],
    /// Statements that wait for something that [`OwnVotes::next_to_sign`] or
    /// [`OwnVotes::next_to_send`] gives.
    open_count: usize,
    pub wanted: u64,
    pub emitted: u64,
    pub persisted: u64,
}

impl OwnVote {
    /// Whether it has left.
    #[cfg(any(test, feature = "weakened"))]
    pub fn is_sent(&self) -> bool {
        self.stage == OwnStage::Sent
    }
}

impl OwnVotes {
    /// What was said of this kind in this round.
    pub fn get(&self, kind: VoteKind, round: Round) -> Option<&OwnVote> {
        let of_kind = self.votes.iter().map(|votes| &votes[kind as usize]);
        let mut of_round = of_kind.flatten();
        of_round.find(|vote| vote.statement.round == round)
    }

    /// All statements, those of the current round first.
    pub fn iter(&self) -> impl Iterator<Item = &OwnVote> + Clone {
        self.votes.iter().flatten().flatten()
    }

    /// Says something in the current round; it waits for the next record.
    pub fn cast(&mut self, statement: Statement) {
        self.wanted = self.emitted + 1;
        let stage = OwnStage::Persisting { seq: self.wanted };
        self.place(0, statement, stage);
    }

    /// Says again what a record holds; `age` is 0 for the current round.
    pub fn restore(&mut self, age: usize, statement: Statement) {
        self.place(age, statement, OwnStage::Persisting { seq: 0 });
    }

    fn place(&mut self, age: usize, statement: Statement, stage: OwnStage) {
        let place = &mut self.votes[age][statement.kind as usize];
        debug_assert!(place.is_none(), "one statement of a kind in a round");
        *place = Some(OwnVote {
            statement,
            stage,
            signature: SigRef::NONE,
        });
        self.recount();
    }

    /// Begins a round: what was said in the one before is kept, what is older goes.
    pub fn start_round(&mut self, signatures: &mut SignatureStore) {
        if self.votes[0].iter().all(Option::is_none) {
            return;
        }
        self.forget(1, signatures);
        self.votes.swap(0, 1);
    }

    /// Begins a height.
    pub fn clear(&mut self, signatures: &mut SignatureStore) {
        self.forget(0, signatures);
        self.forget(1, signatures);
    }

    /// Forgets what was said before the current round.
    #[cfg(any(test, feature = "weakened"))]
    pub fn forget_older(&mut self, signatures: &mut SignatureStore) {
        self.forget(1, signatures);
    }

    fn forget(&mut self, age: usize, signatures: &mut SignatureStore) {
        for vote in self.votes[age].iter_mut().flatten() {
            signatures.release(&mut vote.signature);
        }
        self.votes[age] = [None; 3];
        self.recount();
    }

    /// The number of a record that the host has yet to write. One is written at a time: the record
    /// before it is then whole, whatever becomes of this one.
    pub fn next_record(&mut self) -> Option<u64> {
        let is_new = self.wanted > self.emitted && self.persisted == self.emitted;
        if !is_new {
            return None;
        }
        self.emitted = self.wanted;
        Some(self.emitted)
    }

    /// The next statement whose record is durable.
    pub fn next_to_sign(&mut self) -> Option<Statement> {
        if self.open_count == 0 {
            return None;
        }
        let persisted = self.persisted;
        let vote =
            self.votes.iter_mut().flatten().flatten().find(
                |vote| matches!(vote.stage, OwnStage::Persisting { seq } if seq <= persisted),
            )?;
        vote.stage = OwnStage::Signing;
        let statement = vote.statement;
        self.recount();
        Some(statement)
    }

    /// Takes a signature in; false unless it was asked for.
    pub fn sign(&mut self, statement: &Statement, signature: SigRef) -> bool {
        let mut votes = self.votes.iter_mut().flatten().flatten();
        let vote =
            votes.find(|vote| vote.stage == OwnStage::Signing && vote.statement == *statement);
        let Some(vote) = vote else {
            return false;
        };
        vote.signature = signature;
        vote.stage = OwnStage::ToSend;
        self.recount();
        true
    }

    /// The next statement to send to everybody.
    pub fn next_to_send(&mut self) -> Option<Statement> {
        if self.open_count == 0 {
            return None;
        }
        let mut votes = self.votes.iter_mut().flatten().flatten();
        let vote = votes.find(|vote| vote.stage == OwnStage::ToSend)?;
        vote.stage = OwnStage::Sent;
        let statement = vote.statement;
        self.recount();
        Some(statement)
    }

    /// How many signatures are held.
    pub fn held_count(&self) -> usize {
        self.iter()
            .filter(|vote| vote.signature != SigRef::NONE)
            .count()
    }

    /// Whether the numbers of records follow each other.
    pub const fn is_in_order(&self) -> bool {
        self.persisted <= self.emitted && self.emitted <= self.wanted
    }

    fn recount(&mut self) {
        let votes = self.votes.iter().flatten().flatten();
        let open = votes
            .filter(|vote| matches!(vote.stage, OwnStage::Persisting { .. } | OwnStage::ToSend));
        self.open_count = open.count();
    }
}

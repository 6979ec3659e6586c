//! The proposals of a few rounds.

use super::{SigRef, SignatureStore};
use crate::types::{Hash, Round};

/// Rounds that proposals are kept of: this one, the next, and that of the valid value.
const ROW_COUNT: usize = 3;

/// Two contradict each other, which is all that can be learned of a proposer.
const CONFLICT_COUNT: usize = 2;

/// A proposal whose signature is good.
#[derive(Clone, Copy, Debug)]
pub(in crate::consensus) struct StoredProposal {
    pub value: Hash,
    pub valid_round: i32,
    pub signature: SigRef,
}

#[derive(Clone, Copy, Debug, Default)]
struct ProposalRow {
    round: Option<Round>,
    stored: [Option<StoredProposal>; CONFLICT_COUNT],
}

/// Proposals by round, in the order in which they came.
#[derive(Clone, Debug, Default)]
pub(in crate::consensus) struct Proposals {
    rows: [ProposalRow; ROW_COUNT],
}

impl Proposals {
    /// Frees rows that are not wanted any more, and opens those that are wanted and missing.
    pub fn keep(&mut self, wanted: &[Option<Round>], signatures: &mut SignatureStore) {
        for row in &mut self.rows {
            if row.round.is_some() && !wanted.contains(&row.round) {
                for stored in row.stored.iter_mut().flatten() {
                    signatures.release(&mut stored.signature);
                }
                *row = ProposalRow::default();
            }
        }
        for round in wanted.iter().flatten() {
            if self.keeps(*round) {
                continue;
            }
            if let Some(row) = self.rows.iter_mut().find(|row| row.round.is_none()) {
                row.round = Some(*round);
            }
        }
    }

    /// Whether proposals of this round are kept.
    pub fn keeps(&self, round: Round) -> bool {
        self.rows.iter().any(|row| row.round == Some(round))
    }

    /// The proposals of a round.
    pub fn of(&self, round: Round) -> impl Iterator<Item = &StoredProposal> {
        let rows = self.rows.iter().filter(move |row| row.round == Some(round));
        rows.flat_map(|row| row.stored.iter().flatten())
    }

    /// The rounds that are kept.
    #[cfg(any(test, feature = "weakened"))]
    pub fn rounds(&self) -> impl Iterator<Item = Round> + Clone {
        self.rows.iter().filter_map(|row| row.round)
    }

    /// All values that are proposed.
    pub fn values(&self) -> impl Iterator<Item = Hash> {
        let stored = self.rows.iter().flat_map(|row| row.stored.iter().flatten());
        stored.map(|stored| stored.value)
    }

    /// Keeps one more; false where there is no room.
    pub fn insert(&mut self, round: Round, proposal: StoredProposal) -> bool {
        let row = self.rows.iter_mut().find(|row| row.round == Some(round));
        let place = row.and_then(|row| row.stored.iter_mut().find(|stored| stored.is_none()));
        let Some(place) = place else {
            return false;
        };
        *place = Some(proposal);
        true
    }
}

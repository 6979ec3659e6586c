//! Whether all tables of an engine agree with each other.

use super::ConsensusEngine;
use crate::consensus::{ConsensusBroken, Step};
use crate::types::Height;

fn check(holds: bool, invariant: &'static str) -> Result<(), ConsensusBroken> {
    if holds {
        Ok(())
    } else {
        Err(ConsensusBroken(invariant))
    }
}

impl ConsensusEngine {
    /// Walks through everything. O(members · rounds kept); for tests and fuzzing.
    ///
    /// # Errors
    /// The first invariant that does not hold.
    pub fn verify(&self) -> Result<(), ConsensusBroken> {
        self.verify_signatures()?;
        for rows in [&self.prevotes, &self.precommits] {
            check(
                rows.sums_agree(|set| self.committee.weight_of(set)),
                "sums of votes are those of the members that cast them",
            )?;
        }
        let proven = self
            .valid
            .is_none_or(|(round, value)| self.polka.proves(round, value));
        #[cfg(any(test, feature = "weakened"))]
        let proven = proven || self.breaks(|breaks| breaks.has_single_polka_slot);
        check(proven, "the valid value has its polka")?;
        for slot in [&self.polka, &self.examined, &self.commit] {
            let weight = self.committee.weight_of(slot.signers);
            check(
                !slot.is_verified() || self.committee.is_quorum(weight),
                "a verified certificate has a quorum",
            )?;
        }
        let is_behind = |held: Option<(crate::types::Round, _)>| {
            held.is_none_or(|(round, _)| round <= self.round)
        };
        check(
            is_behind(self.locked),
            "a lock is of this round or one before",
        )?;
        let is_decided = self.decision.is_some();
        check(
            is_decided == (self.step == Step::Decided) || self.height == Height::ZERO,
            "the last step is that of a decided height",
        )?;
        check(
            self.own.is_in_order(),
            "records are asked for before they are durable",
        )
    }

    fn verify_signatures(&self) -> Result<(), ConsensusBroken> {
        let slots = [&self.polka, &self.examined, &self.commit];
        let held = [
            self.prevotes.held_count(),
            self.precommits.held_count(),
            self.proposals.values().count(),
            slots.iter().map(|slot| slot.signers.len()).sum(),
            self.own.held_count(),
            self.pending.held_count(),
            self.evidence.held_count(),
        ];
        check(
            held.iter().sum::<usize>() == self.signatures.holder_count(),
            "each signature has as many holders as are counted",
        )
    }
}

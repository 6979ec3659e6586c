//! The state of an engine in one spelling, so that a model checker sees which ones are the same.

use core::hash::{Hash as _, Hasher};

use super::{ConsensusEngine, GetValue};
use crate::consensus::tables::{CertificateSlot, ValueState, VoteRows};
use crate::types::Round;
use crate::vote::VoteKind;

impl ConsensusEngine {
    /// Feeds all that further behaviour depends on into `into`, in one order whatever way led here.
    ///
    /// For a host that has carried all effects out and whose clock stands still. Left out are the
    /// numbers of records, batches and certificates, the places of signatures, and the allowances
    /// of peers: two engines that differ in nothing else say the same to the same inputs, as long
    /// as no allowance runs out.
    pub fn hash_state(&self, into: &mut impl Hasher) {
        self.committee.me().hash(into);
        let decision = self.decision.as_ref();
        let decision = decision.map(|held| (held.round, held.value, held.is_told));
        (self.height, self.round, self.step as u8, decision).hash(into);
        (self.locked, self.valid, self.early, &self.timers).hash(into);
        (&self.highest, &self.seen_at, self.status_interval_ns).hash(into);
        for own in self.own.iter() {
            (own.statement, own.is_sent()).hash(into);
        }
        for rows in [&self.prevotes, &self.precommits] {
            self.hash_rows(rows, into);
        }
        self.hash_proposals(into);
        for slot in [&self.polka, &self.examined, &self.commit] {
            hash_certificate(slot, into);
        }
        for member in self.committee.members().iter() {
            for kind in VoteKind::ALL {
                self.evidence.is_known(member, kind).hash(into);
            }
        }
        for pull in &self.pulls {
            let pull = pull.map(|pull| {
                let claim = pull.claim;
                (claim.kind, claim.round, claim.value, pull.until)
            });
            pull.hash(into);
        }
        let flags = &self.in_round;
        let get_value = match flags.get_value {
            GetValue::NotNeeded => 0_u8,
            GetValue::ToAsk => 1,
            GetValue::Asked => 2,
        };
        (
            (flags.has_polka, flags.waits_for_prevotes),
            (flags.waits_for_precommits, flags.hears_claims),
            (flags.heard, get_value),
            (self.pending.held_count(), self.replies.len()),
        )
            .hash(into);
    }

    fn hash_rows(&self, rows: &VoteRows, into: &mut impl Hasher) {
        for (round, row) in in_order(rows.rounds().map(|(row, round)| (round, row))) {
            round.hash(into);
            for member in self.committee.members().iter() {
                let held = rows.vote(row, member, self.height);
                held.map(|(statement, _)| statement).hash(into);
                for is_relayed in [false, true] {
                    rows.is_waiting(row, member, is_relayed).hash(into);
                }
            }
        }
    }

    /// Proposals in the order in which they came, which says which one is looked at first; values
    /// in their own.
    fn hash_proposals(&self, into: &mut impl Hasher) {
        for (round, ()) in in_order(self.proposals.rounds().map(|round| (round, ()))) {
            round.hash(into);
            for proposal in self.proposals.of(round) {
                (proposal.value, proposal.valid_round).hash(into);
            }
        }
        let mut last = None;
        // A handful of values: each time the smallest that was not yet looked at.
        while let Some((value, state)) = self
            .values
            .iter()
            .filter(|(value, _)| last.is_none_or(|last| *value > last))
            .min_by_key(|(value, _)| *value)
        {
            let number = match state {
                ValueState::ToAsk => 0_u8,
                ValueState::Asked => 1,
                ValueState::Valid { extension_hash } => {
                    extension_hash.hash(into);
                    2
                }
                ValueState::Invalid => 3,
            };
            (value, number).hash(into);
            last = Some(value);
        }
    }
}

/// What belongs to rounds, by round: the rows stand in the order in which they fell free.
fn in_order<T>(held: impl Iterator<Item = (Round, T)> + Clone) -> impl Iterator<Item = (Round, T)> {
    let mut last = None;
    core::iter::from_fn(move || {
        let rest = held
            .clone()
            .filter(|(round, _)| last.is_none_or(|last| *round > last));
        let next = rest.min_by_key(|(round, _)| *round)?;
        last = Some(next.0);
        Some(next)
    })
}

fn hash_certificate(slot: &CertificateSlot, into: &mut impl Hasher) {
    (slot.stage as u8).hash(into);
    // What an empty one held before is never looked at.
    if slot.stage as u8 != 0 {
        (slot.round, slot.value, slot.valid_round, slot.signers).hash(into);
        slot.source.hash(into);
    }
}

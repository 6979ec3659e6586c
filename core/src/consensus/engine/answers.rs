//! The host's answers to effects. Those that come too late are ignored.

use super::{ConsensusEngine, GetValue};
use crate::consensus::tables::{Conflict, PendingVote, SigRef, Stage, StoredProposal, ValueState};
use crate::consensus::{BatchId, ConsensusMisuse, SignTicket, Step, Validity};
use crate::types::{Hash, Height, MemberIndex, Round};
use crate::vote::{NO_ROUND, Statement, VoteKind};

/// What a batch holds: the lowest bits of its number.
pub(super) const BATCH_VOTES: u64 = 0;
pub(super) const BATCH_POLKA: u64 = 1;
pub(super) const BATCH_COMMIT: u64 = 2;
/// How far the rest of the number is shifted.
pub(super) const BATCH_KIND_BITS: u32 = 2;

impl ConsensusEngine {
    /// The record with this number, and all before it, are durable.
    ///
    /// # Errors
    /// [`ConsensusMisuse::UnknownPersist`] for one that was never asked for.
    pub fn handle_persisted(&mut self, seq: u64) -> Result<(), ConsensusMisuse> {
        if seq > self.own.emitted {
            return Err(ConsensusMisuse::UnknownPersist);
        }
        self.own.persisted = self.own.persisted.max(seq);
        Ok(())
    }

    /// The signature that was asked for; false where the statement is over.
    ///
    /// # Errors
    /// [`ConsensusMisuse::InvalidArgument`] for a signature that is empty or longer than the limit.
    pub fn handle_signed(
        &mut self,
        ticket: &SignTicket,
        signature: &[u8],
    ) -> Result<bool, ConsensusMisuse> {
        let len_max = usize::from(self.limits.signature_bytes_max);
        if signature.is_empty() || signature.len() > len_max {
            return Err(ConsensusMisuse::InvalidArgument);
        }
        let statement = &ticket.statement;
        let Some(mut held) = self.signatures.insert(signature) else {
            debug_assert!(false, "the store has a place for each own statement");
            return Ok(false);
        };
        if statement.height != self.height || !self.own.sign(statement, held) {
            self.signatures.release(&mut held);
            return Ok(false);
        }
        if let Some(me) = self.committee.me() {
            // The own vote counts once it can be shown, so that certificates are whole.
            let shared = self.signatures.share(held);
            self.count(me, statement, shared);
        }
        self.run_rules();
        Ok(true)
    }

    /// A value to propose, which the host holds, has stored durably, and vouches for; false where
    /// the round is over. `extension_hash` is as in [`Validity::Valid`].
    pub fn handle_value(
        &mut self,
        height: Height,
        round: Round,
        value: Hash,
        extension_hash: Hash,
    ) -> bool {
        let is_asked = self.in_round.get_value == GetValue::Asked
            && (height, round) == (self.height, self.round);
        let Some(me) = self.committee.me().filter(|_| is_asked) else {
            return false;
        };
        self.in_round.get_value = GetValue::NotNeeded;
        self.want_value(value, me);
        self.values
            .settle(value, ValueState::Valid { extension_hash });
        // A polka may have been heard of meanwhile: then its value goes before a new one.
        if self
            .valid
            .is_some_and(|(valid_round, _)| valid_round < round)
        {
            self.propose();
        } else {
            self.cast(VoteKind::Proposal, Some(value), NO_ROUND, Hash::ZERO);
        }
        self.run_rules();
        true
    }

    /// What the host found out about a value; false where nobody waits for it. Only its first
    /// answer in a height counts.
    pub fn handle_validity(&mut self, height: Height, value: Hash, validity: Validity) -> bool {
        let state = match validity {
            Validity::Valid { extension_hash } => ValueState::Valid { extension_hash },
            Validity::Invalid => ValueState::Invalid,
        };
        let is_wanted = height == self.height && self.values.settle(value, state);
        if is_wanted {
            self.run_rules();
        }
        is_wanted
    }

    /// Which signatures of a batch are good, one bit each; false for a batch that is over, or has
    /// been answered.
    ///
    /// # Errors
    /// [`ConsensusMisuse::InvalidArgument`] for bits beyond the batch; nothing changes then.
    pub fn handle_verified(&mut self, batch: BatchId, good: u128) -> Result<bool, ConsensusMisuse> {
        let number = batch.0 >> BATCH_KIND_BITS;
        match batch.0 & ((1 << BATCH_KIND_BITS) - 1) {
            BATCH_VOTES => self.votes_verified(number, good),
            BATCH_POLKA => self.certificate_verified(VoteKind::Prevote, number, good),
            BATCH_COMMIT => self.certificate_verified(VoteKind::Precommit, number, good),
            _ => Ok(false),
        }
    }

    fn votes_verified(&mut self, first: u64, good: u128) -> Result<bool, ConsensusMisuse> {
        let Some(count) = self.pending.batch_count(first) else {
            return Ok(false);
        };
        check_mask(good, count)?;
        let mut rest = good;
        for number in first..first.saturating_add(u64::from(count)) {
            let vote = self.pending.finish(number);
            self.vote_verified(vote, rest & 1 == 1);
            rest >>= 1;
        }
        self.pending.advance();
        self.run_rules();
        Ok(true)
    }

    fn vote_verified(&mut self, vote: PendingVote, is_good: bool) {
        let PendingVote {
            statement,
            member,
            source,
            mut signature,
        } = vote;
        if statement.height == self.height {
            let round = statement.round;
            if let Some(rows) = self.rows_mut(statement.kind)
                && let Some(row) = rows.row(round)
            {
                rows.stop_waiting(row, member, source != member);
            }
        }
        if !is_good {
            self.verify_buckets.take(source, self.now);
            self.signatures.release(&mut signature);
            return;
        }
        if statement.height != self.height {
            self.signatures.release(&mut signature);
            return;
        }
        self.note_seen(member, statement.round);
        self.count(member, &statement, signature);
    }

    /// A verified statement of a member shows that it lives, and in which round.
    fn note_seen(&mut self, member: MemberIndex, round: Round) {
        let at = usize::from(member.get());
        if let Some(seen_at) = self.seen_at.get_mut(at) {
            *seen_at = self.height;
        }
        let reached = round.get().saturating_add(1);
        if let Some(highest) = self.highest.get_mut(at)
            && reached > *highest
        {
            *highest = reached;
            if round > self.round {
                self.count_ahead();
            }
        }
    }

    /// Counts a verified statement, or records that it contradicts one. Takes the signature over.
    fn count(&mut self, member: MemberIndex, statement: &Statement, mut signature: SigRef) {
        let held = match statement.kind {
            VoteKind::Proposal => {
                self.count_proposal(member, statement, signature);
                return;
            }
            VoteKind::Prevote => &mut self.prevotes,
            VoteKind::Precommit => &mut self.precommits,
        };
        let Some(row) = held.row(statement.round) else {
            self.signatures.release(&mut signature);
            return;
        };
        match held.vote(row, member, self.height) {
            None => {
                let weight = self.committee.weight(member);
                held.insert(row, member, weight, statement, signature);
            }
            Some((first, first_signature)) => {
                if first != *statement {
                    let conflict = Conflict {
                        member,
                        statements: [first, *statement],
                        signatures: [first_signature, signature],
                    };
                    self.evidence.record(conflict, &mut self.signatures);
                }
                self.signatures.release(&mut signature);
            }
        }
    }

    fn count_proposal(&mut self, member: MemberIndex, statement: &Statement, signature: SigRef) {
        let mut signature = signature;
        let Some(value) = statement.value else {
            self.signatures.release(&mut signature);
            return;
        };
        let proposal = StoredProposal {
            value,
            valid_round: statement.valid_round,
            signature,
        };
        let held = self.proposals.of(statement.round).next().copied();
        let is_same = held
            .is_some_and(|held| held.value == value && held.valid_round == statement.valid_round);
        if is_same || !self.proposals.insert(statement.round, proposal) {
            self.signatures.release(&mut signature);
            return;
        }
        if let Some(held) = held {
            let first = Statement {
                value: Some(held.value),
                valid_round: held.valid_round,
                ..*statement
            };
            let conflict = Conflict {
                member,
                statements: [first, *statement],
                signatures: [held.signature, signature],
            };
            self.evidence.record(conflict, &mut self.signatures);
        }
        self.want_value(value, member);
    }

    fn certificate_verified(
        &mut self,
        kind: VoteKind,
        generation: u64,
        good: u128,
    ) -> Result<bool, ConsensusMisuse> {
        let slot = match kind {
            VoteKind::Precommit => &mut self.commit,
            _ => &mut self.examined,
        };
        if slot.stage != Stage::Verifying || slot.generation != generation {
            return Ok(false);
        }
        let count = slot.signers.len() as u8;
        check_mask(good, count)?;
        let (round, value, source, signers) = (slot.round, slot.value, slot.source, slot.signers);
        // One bad signature and the certificate proves nothing.
        if good.count_ones() < u32::from(count) {
            slot.clear(&mut self.signatures);
            self.verify_buckets.take(source, self.now);
            self.end_pulls(kind, round, value);
            return Ok(true);
        }
        slot.stage = Stage::Verified;
        let me = self.committee.me();
        for member in signers.iter().filter(|member| Some(*member) != me) {
            self.note_seen(member, round);
        }
        self.end_pulls(kind, round, value);
        self.want_value(value, source);
        if self.step != Step::Decided {
            self.run_rules();
        }
        Ok(true)
    }
}

/// Whether a mask has no bits beyond the signatures that it is about.
fn check_mask(good: u128, count: u8) -> Result<(), ConsensusMisuse> {
    let beyond = good.checked_shr(u32::from(count)).unwrap_or(0);
    if beyond == 0 {
        Ok(())
    } else {
        Err(ConsensusMisuse::InvalidArgument)
    }
}

//! What peers send: checks from the cheapest to the dearest, and nothing is kept of what fails.

use super::ConsensusEngine;
use crate::consensus::message::CertificateMessage;
use crate::consensus::tables::{CertificateSlot, PendingVote, Stage};
use crate::consensus::{
    Message, MessageBody, Outgoing, Recipient, RefusedMessage, Request, SignedVote,
};
use crate::types::{Height, MemberIndex, Round};
use crate::vote::{NO_ROUND, VoteKind};

impl ConsensusEngine {
    /// A message of the member `from`, whom the host's channel has authenticated.
    ///
    /// Of a list of votes all that are wanted are taken, and the first refusal is told.
    ///
    /// # Errors
    /// [`RefusedMessage`]: why nothing, or not everything, was taken. Many are harmless; of those
    /// that are retryable the sender sends again by itself once this member has moved.
    pub fn handle_message(
        &mut self,
        from: MemberIndex,
        message: &Message<'_>,
    ) -> Result<(), RefusedMessage> {
        if !self.committee.contains(from) {
            return Err(RefusedMessage::UnknownMember);
        }
        if message.epoch != self.context.epoch {
            return Err(RefusedMessage::WrongEpoch);
        }
        if self.committee.me() == Some(from) {
            return Err(RefusedMessage::OwnMessage);
        }
        if message.height != self.height || self.height == Height::ZERO {
            return self.handle_other_height(from, message);
        }
        match &message.body {
            MessageBody::Vote(vote) => self.admit_vote(from, vote),
            MessageBody::Votes(votes) => {
                let mut result = Ok(());
                for vote in votes.iter() {
                    let admitted = self.admit_vote(from, &vote);
                    result = result.and(admitted);
                }
                result
            }
            MessageBody::Status(status) => self.handle_status(from, status),
            MessageBody::Request(request) => self.handle_request(from, *request),
            MessageBody::PolkaCertificate(certificate) => self.admit_polka(from, certificate),
            MessageBody::CommitCertificate(certificate) => self.admit_commit(from, certificate),
        }
    }

    /// S3: somebody is behind, or ahead.
    fn handle_other_height(
        &mut self,
        from: MemberIndex,
        message: &Message<'_>,
    ) -> Result<(), RefusedMessage> {
        let is_status = matches!(message.body, MessageBody::Status(_));
        if message.height > self.height || self.height == Height::ZERO {
            if message.height == self.height.next() {
                self.early.insert(from);
            }
            if is_status && self.decision.is_none() && self.height > Height::ZERO {
                self.take_reply_token(from)?;
                self.request(from, Request::Commit);
                return Ok(());
            }
            return Err(RefusedMessage::HeightAhead);
        }
        let wants = is_status || matches!(message.body, MessageBody::Request(Request::Commit));
        if wants && message.height > Height::ZERO {
            self.take_reply_token(from)?;
            let _dropped = self
                .replies
                .push(super::Reply::Decided(from, message.height));
            return Ok(());
        }
        Err(RefusedMessage::HeightBehind)
    }

    /// A token for an answer.
    pub(super) fn take_reply_token(&mut self, from: MemberIndex) -> Result<(), RefusedMessage> {
        let has_any = self.reply_buckets.take(from, self.now);
        has_any.then_some(()).ok_or(RefusedMessage::RateExceeded)
    }

    /// A token for a signature that may turn out wrong or useless.
    fn take_verify_token(&mut self, from: MemberIndex) -> Result<(), RefusedMessage> {
        let has_any = self.verify_buckets.take(from, self.now);
        has_any.then_some(()).ok_or(RefusedMessage::RateExceeded)
    }

    /// One signed statement.
    fn admit_vote(
        &mut self,
        from: MemberIndex,
        vote: &SignedVote<'_>,
    ) -> Result<(), RefusedMessage> {
        let (statement, member) = (&vote.statement, vote.member);
        if vote.signature.is_empty()
            || vote.signature.len() > usize::from(self.limits.signature_bytes_max)
        {
            return Err(RefusedMessage::WrongSignatureLength);
        }
        if !self.committee.contains(member) {
            return Err(RefusedMessage::UnknownMember);
        }
        if self.committee.me() == Some(member) {
            return Err(RefusedMessage::OwnMessage);
        }
        // Whoever counts classic prevotes and whoever doesn't can't be of one committee.
        let is_classic = self.config.prevotes == crate::consensus::PrevoteRule::Classic;
        let has_round = statement.kind == VoteKind::Prevote && statement.valid_round != NO_ROUND;
        if statement.height != self.height
            || !statement.is_well_formed()
            || (is_classic && has_round)
        {
            return Err(RefusedMessage::InvalidVote);
        }
        let is_proposal = statement.kind == VoteKind::Proposal;
        if is_proposal && self.proposer(self.height, statement.round) != member {
            return Err(RefusedMessage::InvalidVote);
        }
        let is_kept = match statement.kind {
            VoteKind::Proposal => self.check_proposal(vote)?,
            VoteKind::Prevote | VoteKind::Precommit => self.check_vote(from, vote)?,
        };
        if !is_kept {
            self.check_unkept(vote)?;
        }
        if !self.verify_buckets.has_any(from, self.now) {
            return Err(RefusedMessage::RateExceeded);
        }
        if !self.pending.has_room(from) {
            return Err(RefusedMessage::VerificationFull);
        }
        if !is_kept {
            self.take_verify_token(from)?;
        }
        let signature = self
            .signatures
            .insert(vote.signature)
            .ok_or(RefusedMessage::VerificationFull)?;
        if let Some(row) = self
            .rows(statement.kind)
            .and_then(|rows| rows.row(statement.round))
        {
            let is_relayed = from != member;
            if let Some(rows) = self.rows_mut(statement.kind) {
                rows.start_waiting(row, member, is_relayed);
            }
        }
        self.pending.push(PendingVote {
            statement: *statement,
            member,
            source: from,
            signature,
        });
        Ok(())
    }

    /// The rows of a kind of votes; none for proposals.
    pub(super) const fn rows(&self, kind: VoteKind) -> Option<&crate::consensus::tables::VoteRows> {
        match kind {
            VoteKind::Proposal => None,
            VoteKind::Prevote => Some(&self.prevotes),
            VoteKind::Precommit => Some(&self.precommits),
        }
    }

    pub(super) const fn rows_mut(
        &mut self,
        kind: VoteKind,
    ) -> Option<&mut crate::consensus::tables::VoteRows> {
        match kind {
            VoteKind::Proposal => None,
            VoteKind::Prevote => Some(&mut self.prevotes),
            VoteKind::Precommit => Some(&mut self.precommits),
        }
    }

    /// Whether a proposal's round is kept, and a place is left in it.
    fn check_proposal(&self, vote: &SignedVote<'_>) -> Result<bool, RefusedMessage> {
        let statement = &vote.statement;
        if !self.proposals.keeps(statement.round) {
            return Ok(false);
        }
        let mut count = 0_usize;
        for held in self.proposals.of(statement.round) {
            let is_same =
                Some(held.value) == statement.value && held.valid_round == statement.valid_round;
            if is_same {
                return Err(RefusedMessage::DuplicateMessage);
            }
            count = count.saturating_add(1);
        }
        // Whoever contradicted itself in one round is still heard once in each of the others, or
        // members that know of it would hear less than those that don't.
        let is_known = self.evidence.is_known(vote.member, VoteKind::Proposal);
        if count > 1 || (count > 0 && is_known) {
            return Err(RefusedMessage::ConflictKnown);
        }
        Ok(true)
    }

    /// Whether a vote's round is kept, and the vote is new.
    fn check_vote(&self, from: MemberIndex, vote: &SignedVote<'_>) -> Result<bool, RefusedMessage> {
        let (statement, member) = (&vote.statement, vote.member);
        let Some(rows) = self.rows(statement.kind) else {
            return Ok(false);
        };
        let Some(row) = rows.row(statement.round) else {
            return Ok(false);
        };
        // Content is compared and never signatures, since a vote may be signed anew.
        match rows.vote(row, member, self.height) {
            Some((held, _)) if held == *statement => {
                return Err(RefusedMessage::DuplicateMessage);
            }
            Some(_) if self.evidence.is_known(member, statement.kind) => {
                return Err(RefusedMessage::ConflictKnown);
            }
            _ => {}
        }
        if rows.is_waiting(row, member, from != member) {
            return Err(RefusedMessage::DuplicateMessage);
        }
        Ok(true)
    }

    /// A statement of a round that is not kept is worth verifying only if it tells that its member
    /// is further than was known.
    fn check_unkept(&self, vote: &SignedVote<'_>) -> Result<(), RefusedMessage> {
        let round = vote.statement.round;
        if round <= self.round {
            return Err(RefusedMessage::RoundBehind);
        }
        let highest = self.highest.get(usize::from(vote.member.get()));
        let is_news = highest.is_some_and(|highest| round.get() >= *highest);
        is_news.then_some(()).ok_or(RefusedMessage::RoundAhead)
    }

    /// S2: a polka certificate.
    fn admit_polka(
        &mut self,
        from: MemberIndex,
        certificate: &CertificateMessage<'_>,
    ) -> Result<(), RefusedMessage> {
        #[cfg(any(test, feature = "weakened"))]
        if self.breaks(|breaks| breaks.has_no_claims) {
            return Err(RefusedMessage::CertificateNotNeeded);
        }
        let (round, value) = (certificate.round, certificate.value);
        if self.decision.is_some() || !self.needs_polka(round, value) {
            return Err(RefusedMessage::CertificateNotNeeded);
        }
        self.check_certificate(certificate)?;
        // What is being verified is let finish, and what the current proposal needs goes before
        // what may only be useful.
        let is_busy = matches!(self.examined.stage, Stage::Waiting | Stage::Verifying);
        let is_held_needed = self.examined.stage == Stage::Verified
            && self.is_proposed_again(self.examined.round, self.examined.value);
        let is_needed = self.is_proposed_again(round, value);
        if is_busy || (is_held_needed && !is_needed) {
            return Err(RefusedMessage::VerificationFull);
        }
        self.take_verify_token(from)?;
        let is_in = self
            .examined
            .fill_from_message(certificate, from, &mut self.signatures);
        is_in.then_some(()).ok_or(RefusedMessage::VerificationFull)
    }

    /// Whether a polka would tell this member something.
    pub(super) fn needs_polka(&self, round: Round, value: crate::types::Hash) -> bool {
        if self.has_polka(round, value) {
            return false;
        }
        let is_later = self.valid.is_none_or(|(valid, _)| round > valid);
        is_later || self.is_proposed_again(round, value)
    }

    /// Whether a proposal of this round refers to such a polka.
    fn is_proposed_again(&self, round: Round, value: crate::types::Hash) -> bool {
        self.proposals.of(self.round).any(|proposal| {
            proposal.value == value && i64::from(proposal.valid_round) == i64::from(round.get())
        })
    }

    /// S2, S3: a commit certificate of this height.
    fn admit_commit(
        &mut self,
        from: MemberIndex,
        certificate: &CertificateMessage<'_>,
    ) -> Result<(), RefusedMessage> {
        if self.commit.stage != Stage::Empty {
            return Err(match self.commit.stage {
                Stage::Verified => RefusedMessage::CertificateNotNeeded,
                _ => RefusedMessage::VerificationFull,
            });
        }
        self.check_certificate(certificate)?;
        self.take_verify_token(from)?;
        let is_in = self
            .commit
            .fill_from_message(certificate, from, &mut self.signatures);
        is_in.then_some(()).ok_or(RefusedMessage::VerificationFull)
    }

    /// What can be said of a certificate before its signatures are looked at.
    fn check_certificate(
        &self,
        certificate: &CertificateMessage<'_>,
    ) -> Result<(), RefusedMessage> {
        let signers = certificate.signers;
        if !signers.without(self.committee.members()).is_empty() {
            return Err(RefusedMessage::UnknownMember);
        }
        let weight = self.committee.weight_of(signers);
        let is_heavy = self.committee.is_quorum(weight);
        is_heavy
            .then_some(())
            .ok_or(RefusedMessage::CertificateTooLight)
    }

    /// Whether a slot holds a certificate that can be passed on.
    pub(super) fn send_certificate(
        &mut self,
        from: MemberIndex,
        slot: fn(&Self) -> &CertificateSlot,
        message: Outgoing,
    ) -> bool {
        let is_held = slot(self).is_verified();
        if is_held {
            self.reply(Recipient::One(from), message);
        }
        is_held
    }
}

//! Effects, and the bytes that belong to them.

use super::answers::{BATCH_COMMIT, BATCH_KIND_BITS, BATCH_POLKA, BATCH_VOTES};
use super::sync::PolkaPlace;
use super::{ConsensusEngine, GetValue, Reply};
use crate::codec::{EncodeError, Writer};
use crate::consensus::message::{
    CertificateFields, write_certificate, write_request, write_status, write_vote, write_vote_body,
    write_votes_header,
};
use crate::consensus::record::{Record, RecordPolka};
use crate::consensus::tables::{CertificateSlot, Stage};
use crate::consensus::{
    BatchId, ConsensusMisuse, Effect, EvidencePair, Outgoing, Recipient, SignTicket, SignedVote,
    VerifyItem,
};
use crate::types::{Hash, MemberIndex, Round};
use crate::vote::{MemberSet, NO_ROUND, Statement, VoteKind};

impl ConsensusEngine {
    /// The next thing to do; nothing once all is done.
    ///
    /// A statement of this member is given out to be signed only after the record that holds it
    /// was reported durable, and sent only after it was signed.
    pub fn poll_effect(&mut self) -> Option<Effect> {
        self.evidence.dismiss(&mut self.signatures);
        if let Some(seq) = self.own.next_record() {
            return Some(Effect::Persist { seq });
        }
        if let Some(statement) = self.own.next_to_sign() {
            return Some(Effect::Sign {
                ticket: SignTicket { statement },
                bytes: statement.sign_bytes(&self.context),
            });
        }
        while let Some(statement) = self.own.next_to_send() {
            if !self.committee.others().is_empty() {
                return Some(own_message(Recipient::All, &statement));
            }
        }
        self.poll_decision()
            .or_else(|| self.poll_verify())
            .or_else(|| self.poll_value())
            .or_else(|| self.poll_reply())
            .or_else(|| {
                let conflict = self.evidence.show_next()?;
                let [first, _] = conflict.statements;
                Some(Effect::Evidence {
                    member: conflict.member,
                    kind: first.kind,
                })
            })
    }

    fn poll_decision(&mut self) -> Option<Effect> {
        let decision = self
            .decision
            .as_mut()
            .filter(|decision| !decision.is_told)?;
        decision.is_told = true;
        Some(Effect::Decide {
            height: self.height,
            round: decision.round,
            value: decision.value,
        })
    }

    fn poll_verify(&mut self) -> Option<Effect> {
        let slots = [
            (&mut self.commit, BATCH_COMMIT),
            (&mut self.examined, BATCH_POLKA),
        ];
        for (slot, kind) in slots {
            if slot.stage == Stage::Waiting {
                slot.stage = Stage::Verifying;
                return Some(Effect::Verify {
                    batch: BatchId((slot.generation << BATCH_KIND_BITS) | kind),
                    count: slot.signers.len() as u8,
                });
            }
        }
        let (first, count) = self.pending.next_batch()?;
        Some(Effect::Verify {
            batch: BatchId((first << BATCH_KIND_BITS) | BATCH_VOTES),
            count,
        })
    }

    fn poll_value(&mut self) -> Option<Effect> {
        if let Some((value, source)) = self.values.next_to_ask() {
            return Some(Effect::Validate {
                height: self.height,
                value,
                source,
            });
        }
        if self.in_round.get_value != GetValue::ToAsk {
            return None;
        }
        self.in_round.get_value = GetValue::Asked;
        Some(Effect::GetValue {
            height: self.height,
            round: self.round,
            deadline: self
                .timer(crate::consensus::TimerKind::Propose)
                .map_or(self.now, |(_, deadline)| deadline),
        })
    }

    fn poll_reply(&mut self) -> Option<Effect> {
        Some(match self.replies.pop()? {
            Reply::Message(to, message) => Effect::Send { to, message },
            Reply::Decided(to, height) => Effect::SendDecided { to, height },
        })
    }

    /// A signature of a batch that is out; nothing for one that is over, or beyond its end.
    #[must_use]
    pub fn verify_item(&self, batch: BatchId, position: usize) -> Option<VerifyItem<'_>> {
        let number = batch.0 >> BATCH_KIND_BITS;
        let (member, statement, signature) = match batch.0 & ((1 << BATCH_KIND_BITS) - 1) {
            BATCH_VOTES => {
                let count = usize::from(self.pending.batch_count(number)?);
                if position >= count {
                    return None;
                }
                let vote = self.pending.vote(number.saturating_add(position as u64));
                (vote.member, vote.statement, vote.signature)
            }
            kind => {
                let slot = if kind == BATCH_COMMIT {
                    &self.commit
                } else {
                    &self.examined
                };
                let is_out = slot.stage == Stage::Verifying && slot.generation == number;
                if !is_out {
                    return None;
                }
                slot.entry(position, self.height)?
            }
        };
        Some(VerifyItem {
            member,
            bytes: statement.sign_bytes(&self.context),
            signature: self.signatures.get(signature),
        })
    }

    /// How many signatures a batch that is out has; 0 for one that is over.
    pub(in crate::consensus) fn verify_count(&self, batch: BatchId) -> u8 {
        let number = batch.0 >> BATCH_KIND_BITS;
        let slot = match batch.0 & ((1 << BATCH_KIND_BITS) - 1) {
            BATCH_VOTES => return self.pending.batch_count(number).unwrap_or(0),
            BATCH_COMMIT => &self.commit,
            _ => &self.examined,
        };
        let is_out = slot.stage == Stage::Verifying && slot.generation == number;
        if is_out { slot.signers.len() as u8 } else { 0 }
    }

    /// The two statements that the last [`Effect::Evidence`] is about.
    #[must_use]
    pub fn evidence(&self) -> Option<EvidencePair<'_>> {
        let conflict = self.evidence.shown()?;
        Some(EvidencePair {
            member: conflict.member,
            statements: conflict.statements,
            signatures: conflict.signatures.map(|held| self.signatures.get(held)),
        })
    }

    /// Writes the message of an [`Effect::Send`] to the front of `out` and returns its length; 0
    /// where there is nothing to say any more.
    /// [`message_bytes_max`](crate::consensus::message_bytes_max) bytes are always enough.
    ///
    /// # Errors
    /// [`EncodeError::BufferTooSmall`].
    pub fn write_message(&self, message: &Outgoing, out: &mut [u8]) -> Result<usize, EncodeError> {
        let mut writer = Writer::new(out);
        let (epoch, height) = (self.context.epoch, self.height);
        match *message {
            Outgoing::Own { kind, round } => self.write_own(&mut writer, kind, round)?,
            Outgoing::Proposal { round } => self.write_proposal(&mut writer, round)?,
            Outgoing::Votes {
                kind,
                round,
                members,
            } => self.write_votes(&mut writer, kind, round, members)?,
            Outgoing::Status => write_status(&mut writer, epoch, height, &self.status())?,
            Outgoing::Request(request) => write_request(&mut writer, epoch, height, request)?,
            Outgoing::PolkaCertificate { round, value } => {
                self.write_polka(&mut writer, round, value)?;
            }
            Outgoing::CommitCertificate if self.commit.is_verified() => {
                self.write_slot(&mut writer, &self.commit, false)?;
            }
            Outgoing::CommitCertificate => {}
        }
        Ok(writer.len())
    }

    fn write_own(
        &self,
        writer: &mut Writer<'_>,
        kind: VoteKind,
        round: Round,
    ) -> Result<(), EncodeError> {
        let own = self.own.get(kind, round).zip(self.committee.me());
        let Some((own, member)) = own else {
            return Ok(());
        };
        let signature = self.signatures.get(own.signature);
        if signature.is_empty() {
            return Ok(());
        }
        let vote = SignedVote {
            statement: own.statement,
            member,
            signature,
        };
        write_vote(writer, self.context.epoch, &vote)
    }

    fn write_proposal(&self, writer: &mut Writer<'_>, round: Round) -> Result<(), EncodeError> {
        let Some(held) = self.proposals.of(round).next() else {
            return Ok(());
        };
        let statement = Statement {
            kind: VoteKind::Proposal,
            height: self.height,
            round,
            value: Some(held.value),
            valid_round: held.valid_round,
            extension_hash: Hash::ZERO,
        };
        let vote = SignedVote {
            statement,
            member: self.schedule.proposer(self.height, round),
            signature: self.signatures.get(held.signature),
        };
        write_vote(writer, self.context.epoch, &vote)
    }

    fn write_votes(
        &self,
        writer: &mut Writer<'_>,
        kind: VoteKind,
        round: Round,
        members: MemberSet,
    ) -> Result<(), EncodeError> {
        let Some(rows) = self.rows(kind) else {
            return Ok(());
        };
        let Some(row) = rows.row(round) else {
            return Ok(());
        };
        let absent = members.without(rows.cast(row));
        let held = members.without(absent);
        if held.is_empty() {
            return Ok(());
        }
        write_votes_header(writer, self.context.epoch, self.height, held.len() as u8)?;
        for member in held.iter() {
            let Some((statement, signature)) = rows.vote(row, member, self.height) else {
                continue;
            };
            let vote = SignedVote {
                statement,
                member,
                signature: self.signatures.get(signature),
            };
            write_vote_body(writer, &vote)?;
        }
        Ok(())
    }

    fn write_polka(
        &self,
        writer: &mut Writer<'_>,
        round: Round,
        value: Hash,
    ) -> Result<(), EncodeError> {
        match self.provable_polka(round, value) {
            Some(PolkaPlace::Valid) => self.write_slot(writer, &self.polka, true),
            Some(PolkaPlace::Examined) => self.write_slot(writer, &self.examined, true),
            Some(PolkaPlace::Row(row)) => {
                let Some(best) = self.prevotes.best(row) else {
                    return Ok(());
                };
                let fields = self.fields(true, round, value, best.valid_round, best.members);
                let entries = best.members.iter().map(|member| {
                    let (extension_hash, signature) = self.prevotes.entry(row, member);
                    (extension_hash, self.signatures.get(signature))
                });
                write_certificate(writer, &fields, entries)
            }
            None => Ok(()),
        }
    }

    fn write_slot(
        &self,
        writer: &mut Writer<'_>,
        slot: &CertificateSlot,
        is_polka: bool,
    ) -> Result<(), EncodeError> {
        let valid_round = if is_polka { slot.valid_round } else { NO_ROUND };
        let fields = self.fields(is_polka, slot.round, slot.value, valid_round, slot.signers);
        write_certificate(writer, &fields, slot.entries(&self.signatures))
    }

    const fn fields(
        &self,
        is_polka: bool,
        round: Round,
        value: Hash,
        valid_round: i32,
        signers: MemberSet,
    ) -> CertificateFields {
        CertificateFields {
            epoch: self.context.epoch,
            height: self.height,
            is_polka,
            round,
            value,
            valid_round,
            signers,
        }
    }

    /// Writes the record of an [`Effect::Persist`] to the front of `out` and returns its length.
    /// [`record_bytes_max`](crate::consensus::record_bytes_max) bytes are always enough.
    ///
    /// The record holds all that was said up to this call, so one record serves for several
    /// requests. The host writes it into one of two places in turn, record n into place n mod 2,
    /// so that a torn write spares the other.
    ///
    /// # Errors
    /// [`ConsensusMisuse::BufferTooSmall`].
    pub fn write_record(&self, out: &mut [u8]) -> Result<usize, ConsensusMisuse> {
        let record = Record {
            counter: self.own.emitted,
            chain_id: self.context.chain_id,
            epoch: self.context.epoch,
            suite_id: self.context.suite_id,
            member: self.committee.me().unwrap_or(MemberIndex::ZERO),
            height: self.height,
            round: self.round,
            locked: self.locked,
            valid: self.valid,
            polka: None,
            votes: &[],
        };
        let polka = self.polka.is_verified().then_some(RecordPolka {
            slot: &self.polka,
            signatures: &self.signatures,
        });
        let votes = self.own.iter().map(|vote| vote.statement);
        record
            .encode(votes, polka, out)
            .map_err(|_| ConsensusMisuse::BufferTooSmall)
    }
}

fn own_message(to: Recipient, statement: &Statement) -> Effect {
    Effect::Send {
        to,
        message: Outgoing::Own {
            kind: statement.kind,
            round: statement.round,
        },
    }
}

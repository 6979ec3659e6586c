//! A member's part in agreeing on a slot: what its coordinator of consensus wants done.

use hauptbuch_core::consensus::{
    ConsensusConfig, ConsensusCoordinator, ConsensusLimits, CoordinatorConfig, CoordinatorEffect,
    CoordinatorLimits, CoordinatorSetup, Destination, Validity, Verdict, VoteKind,
};
use hauptbuch_core::error::Code;
use hauptbuch_core::receive_log::Cut;
use hauptbuch_core::types::{Hash, Height, Round, SequencerId, Tick};

use super::Member;
use crate::committee::known::World;
use crate::committee::{CommitteeError, MemberKeys, Setup, network_hash};

/// A message on its way: from whom, to whom, its bytes.
#[derive(Clone, Debug)]
pub(in crate::committee) struct Letter {
    pub from: SequencerId,
    pub to: Destination,
    pub bytes: Vec<u8>,
}

/// What a member brings to agreeing, beside what it says about values.
#[derive(Debug)]
pub(super) struct Voter {
    pub(super) coordinator: ConsensusCoordinator,
    scratch: Vec<u8>,
    outbox: Vec<Letter>,
    decided: Option<(Round, Hash)>,
    /// The certificate of the slot that was decided last, and which was checked.
    certificate: Vec<u8>,
    proposals: u64,
    votes: u64,
    made: u64,
    verified: u64,
    /// In a first round it proposes what its cut gives in reverse.
    #[cfg(test)]
    pub(super) reverses_first_round: bool,
}

/// What one member said and checked since it was made.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::committee) struct Said {
    pub proposals: u64,
    pub votes: u64,
    pub signatures_made: u64,
    pub signatures_verified: u64,
}

impl Voter {
    pub(super) fn new(
        number: u16,
        setup: &Setup,
        keys: &MemberKeys,
    ) -> Result<Self, CommitteeError> {
        let limits = limits_of(setup.member_count());
        let config = CoordinatorConfig {
            consensus: ConsensusConfig::default(),
            ..CoordinatorConfig::default()
        };
        let coordinator = ConsensusCoordinator::new(&CoordinatorSetup {
            limits: &limits,
            config: &config,
            network: network_hash(&setup.boundary, keys.membership()),
            provider: keys.provider(),
            membership: keys.membership(),
            me: Some(SequencerId::new(number.into())),
            identify: named_slot,
        })?;
        Ok(Self {
            coordinator,
            scratch: vec![0; limits.message_bytes_max()],
            outbox: Vec::new(),
            decided: None,
            certificate: Vec::new(),
            proposals: 0,
            votes: 0,
            made: 0,
            verified: 0,
            #[cfg(test)]
            reverses_first_round: false,
        })
    }
}

/// Maxima for a committee of so many whose values are slots of receive logs.
fn limits_of(member_count: u32) -> CoordinatorLimits {
    CoordinatorLimits {
        consensus: ConsensusLimits {
            // A committee has 128 members at most.
            validator_count_max: member_count as u16,
            ..ConsensusLimits::default()
        },
        value_bytes_max: (Hash::LEN + Cut::encoded_len_of(member_count as usize)) as u32,
        // Nobody is behind in a run.
        certificate_count_max: 4,
        ..CoordinatorLimits::default()
    }
}

/// What travels for a slot: its hash, and the cut that it follows from. The hash binds the cut,
/// which whoever votes finds out by computing the slot.
fn named_slot(body: &[u8]) -> Option<Hash> {
    body.first_chunk().copied().map(Hash::new)
}

impl Member {
    /// Begins to agree on the slot after the one that was decided last.
    pub(in crate::committee) fn begin_height(&mut self, now: Tick) -> Result<(), CommitteeError> {
        let height = self.next_height();
        let voter = &mut self.voter;
        voter.decided = None;
        voter.outbox.clear();
        voter.coordinator.handle_now(now)?;
        match height.get() {
            1 => voter.coordinator.start(height)?,
            _ => voter.coordinator.start_next()?,
        }
        Ok(())
    }

    /// Takes in the messages that have come, and does whatever follows; what it has to say to
    /// others waits in [`Member::take_letters`].
    pub(in crate::committee) fn take_turn(
        &mut self,
        now: Tick,
        letters: &[&Letter],
        tick: Tick,
        world: &World<'_>,
    ) -> Result<(), CommitteeError> {
        self.voter.coordinator.handle_now(now)?;
        for letter in letters {
            // What is refused of a peer's message is the peer's doing, and counted.
            let _refused = self
                .voter
                .coordinator
                .handle_message(letter.from, &letter.bytes);
        }
        while let Some(effect) = self.voter.coordinator.poll_effect() {
            self.carry_out(effect, tick, world)?;
        }
        Ok(())
    }

    fn carry_out(
        &mut self,
        effect: CoordinatorEffect,
        tick: Tick,
        world: &World<'_>,
    ) -> Result<(), CommitteeError> {
        let voter = &mut self.voter;
        match effect {
            // A run's members do not stop, so that what they write is there at once.
            CoordinatorEffect::Persist { seq } => voter.coordinator.handle_persisted(seq)?,
            CoordinatorEffect::StoreBody { height, value } => {
                voter.coordinator.handle_stored(height, value);
            }
            CoordinatorEffect::LoadBody { height, value } => {
                voter.coordinator.handle_loaded(height, value, None)?;
            }
            CoordinatorEffect::Sign { ticket, bytes } => {
                let signature = self.signer.sign(&bytes)?;
                voter.made += 1;
                match ticket.statement.kind {
                    VoteKind::Proposal => voter.proposals += 1,
                    VoteKind::Prevote | VoteKind::Precommit => voter.votes += 1,
                }
                let signature = signature.as_bytes();
                voter.coordinator.handle_signed(&ticket, signature)?;
            }
            CoordinatorEffect::Send { to, message } => {
                let len = voter
                    .coordinator
                    .write_message(&message, &mut voter.scratch);
                let len = len.map_err(|error| CommitteeError::Refused(error.code()))?;
                if len > 0 {
                    voter.outbox.push(Letter {
                        from: SequencerId::new(self.number.into()),
                        to,
                        bytes: voter.scratch[..len].to_vec(),
                    });
                }
            }
            CoordinatorEffect::Verify { batch, count } => {
                let good = voter.coordinator.verify_batch(batch).verify();
                voter.verified += u64::from(count);
                voter.coordinator.handle_verified(batch, good)?;
            }
            CoordinatorEffect::GetValue { height, round, .. } => {
                self.name_value(height, round, tick, world)?;
            }
            CoordinatorEffect::Validate { height, value } => {
                self.validate(height, value, tick, world)?;
            }
            CoordinatorEffect::Decide {
                height,
                round,
                value,
            } => self.note_decision(height, round, value)?,
            // Nobody is behind, contradicts itself or stalls; and no disk has what memory lacks.
            _ => {}
        }
        Ok(())
    }

    /// Proposes the slot that follows from all that the logs hold here.
    fn name_value(
        &mut self,
        height: Height,
        round: Round,
        tick: Tick,
        world: &World<'_>,
    ) -> Result<(), CommitteeError> {
        let cut = self.propose()?;
        let slot = self.evaluate(&cut, tick, world);
        let slot = slot.map_err(|refusal| CommitteeError::Refused(refusal.code()))?;
        #[cfg(test)]
        let slot = match self.voter.reverses_first_round && round == Round::ZERO {
            true => self.reversed(tick),
            false => slot,
        };
        let body = [slot.as_bytes().as_slice(), &cut].concat();
        let coordinator = &mut self.voter.coordinator;
        coordinator.handle_value(height, round, &body, Hash::ZERO)?;
        Ok(())
    }

    /// Says whether a proposed slot is the one that follows from its cut.
    ///
    /// Another slot than the body names says nothing about that slot, which may follow from another
    /// cut: the body is not its own, and whoever sent it is to blame.
    fn validate(
        &mut self,
        height: Height,
        value: Hash,
        tick: Tick,
        world: &World<'_>,
    ) -> Result<(), CommitteeError> {
        let body = self.voter.coordinator.body(value).unwrap_or_default();
        let cut = body.get(Hash::LEN..).unwrap_or_default().to_vec();
        let verdict = match self.evaluate(&cut, tick, world) {
            Ok(slot) if slot == value => Verdict::Known(Validity::Valid {
                extension_hash: Hash::ZERO,
            }),
            Err(refusal) if refusal.code() == Code::Poisoned => {
                return Err(CommitteeError::Refused(Code::Poisoned));
            }
            Ok(_) | Err(_) => Verdict::WrongBody,
        };
        let coordinator = &mut self.voter.coordinator;
        coordinator.handle_validity(height, value, verdict);
        Ok(())
    }

    /// Checks the certificate of what was decided, with nothing but public keys.
    fn note_decision(
        &mut self,
        height: Height,
        round: Round,
        value: Hash,
    ) -> Result<(), CommitteeError> {
        let voter = &mut self.voter;
        let certificate = voter.coordinator.certificate(height).unwrap_or_default();
        let proof = voter
            .coordinator
            .validator()
            .verify_certificate(certificate);
        let proof = proof.map_err(|error| CommitteeError::Refused(error.code()))?;
        voter.verified += proof.signers().len() as u64;
        let expected = proof.expect(height, value);
        expected.map_err(|error| CommitteeError::Refused(error.code()))?;
        voter.certificate.clear();
        voter.certificate.extend_from_slice(certificate);
        voter.decided = Some((round, value));
        Ok(())
    }

    /// The round and slot that were decided, once they are.
    pub(in crate::committee) const fn decided(&self) -> Option<(Round, Hash)> {
        self.voter.decided
    }

    /// The cut of a slot that was proposed in this height.
    pub(in crate::committee) fn cut_of(&self, value: Hash) -> Option<Vec<u8>> {
        let body = self.voter.coordinator.body(value)?;
        Some(body.get(Hash::LEN..)?.to_vec())
    }

    /// The certificate of the slot that was decided last.
    pub(in crate::committee) fn certificate(&self) -> &[u8] {
        &self.voter.certificate
    }

    /// What it has to say to others, in its order.
    pub(in crate::committee) fn take_letters(&mut self) -> Vec<Letter> {
        std::mem::take(&mut self.voter.outbox)
    }

    /// When it has something to do without a message.
    pub(in crate::committee) fn next_deadline(&self) -> Option<Tick> {
        self.voter.coordinator.next_deadline()
    }

    /// What it has said and checked so far, under its log and in agreeing.
    pub(in crate::committee) const fn said(&self) -> Said {
        let voter = &self.voter;
        Said {
            proposals: voter.proposals,
            votes: voter.votes,
            signatures_made: voter.made + self.signatures_made,
            signatures_verified: voter.verified + self.signatures_verified,
        }
    }
}

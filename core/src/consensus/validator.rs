//! Everything about a message that needs the epoch's members and no state.

use super::{
    CertificateMessage, Committee, CommitteeView, ConsensusError, ConsensusLimits,
    CoordinatorError, Message, MessageBody, MessageError, RefusedMessage, Schedule, SignedVote,
    VerifyItem,
};
use crate::certificate::{
    CertificateCheck, CertificateError, CommitCertificate, CommitProof, Electorate,
};
use crate::crypto::signature::{Provider, Signature};
use crate::sequencer::Membership;
use crate::types::{Hash, Height, MemberIndex, Round};
use crate::vote::{MEMBER_COUNT_MAX, SigningContext, VoteKind};

/// Checks form, schedule, certificates and signatures with an epoch's public keys and weights.
///
/// It has no state beside those, so any number of threads can share one: a host gives each its part
/// of a batch ([`ConsensusValidator::is_good`]), or drops on the thread that receives it what no
/// owner need look at ([`ConsensusValidator::check`]). Whether the content of a proposal is right
/// is not for it to say: that is asked of the floor above.
///
/// Memory: [`ConsensusValidator::footprint_bytes`], taken by [`ConsensusValidator::new`]; another
/// epoch's members take the same places.
#[derive(Debug)]
pub struct ConsensusValidator {
    limits: ConsensusLimits,
    electorate: Electorate,
    committee: Committee,
    schedule: Schedule,
}

impl ConsensusValidator {
    /// Prepares the keys of a membership, with room for those of later ones: up to 0.1 ms a key.
    ///
    /// `network` is the hash of the genesis.
    ///
    /// # Errors
    /// [`CoordinatorError`] where limits don't hold, this build lacks the provider, or the members
    /// are too many, sign with another suite, or can't vote.
    pub fn new(
        limits: &ConsensusLimits,
        network: Hash,
        provider: Provider,
        membership: &Membership,
    ) -> Result<Self, CoordinatorError> {
        limits.check()?;
        let room = limits.validator_count_max;
        let electorate = Electorate::new(network, provider, membership, room)?;
        let mut weights = [0; MEMBER_COUNT_MAX as usize];
        let view = view_of(membership, &mut weights, None);
        let committee = Committee::new(view, limits).map_err(ConsensusError::from)?;
        let schedule = Schedule::new(&committee, limits);
        Ok(Self {
            limits: limits.clone(),
            electorate,
            committee,
            schedule,
        })
    }

    /// The bytes that [`ConsensusValidator::new`] takes.
    #[must_use]
    pub fn footprint_bytes(limits: &ConsensusLimits, provider: Provider) -> u64 {
        Electorate::footprint_bytes(provider, limits.validator_count_max)
            .saturating_add(Committee::footprint_bytes(limits))
            .saturating_add(Schedule::footprint_bytes(limits))
    }

    /// Takes another epoch's members in their place, without allocating.
    ///
    /// # Errors
    /// As [`ConsensusValidator::new`]; nothing has changed then.
    pub fn replace(&mut self, membership: &Membership) -> Result<(), CoordinatorError> {
        let mut weights = [0; MEMBER_COUNT_MAX as usize];
        let view = view_of(membership, &mut weights, None);
        self.electorate.replace(membership)?;
        // A membership holds what a committee asks for, so that this can't fail after that.
        self.committee.replace(view).map_err(ConsensusError::from)?;
        self.schedule.replace(&self.committee);
        Ok(())
    }

    /// Keys and weights.
    #[must_use]
    pub const fn electorate(&self) -> &Electorate {
        &self.electorate
    }

    /// What every signature of the epoch binds.
    #[must_use]
    pub const fn context(&self) -> &SigningContext {
        self.electorate.context()
    }

    /// Who proposes in a round of a height.
    #[must_use]
    pub fn proposer(&self, height: Height, round: Round) -> MemberIndex {
        self.schedule.proposer(height, round)
    }

    /// Reads a message of the engine: its form.
    ///
    /// # Errors
    /// See [`MessageError`].
    pub fn decode<'a>(&self, bytes: &'a [u8]) -> Result<Message<'a>, MessageError> {
        Message::decode(bytes, &self.limits)
    }

    /// Whether a message could be one of this epoch: its number, that whoever it names is a member,
    /// that proposals are of those whose turn it is, that certificates weigh enough. No signature
    /// is looked at.
    ///
    /// # Errors
    /// [`RefusedMessage`]: the engine would refuse it for the same reason.
    pub fn check(&self, message: &Message<'_>) -> Result<(), RefusedMessage> {
        if message.epoch != self.electorate.epoch() {
            return Err(RefusedMessage::WrongEpoch);
        }
        match &message.body {
            MessageBody::Vote(vote) => self.check_vote(message.height, vote),
            MessageBody::Votes(votes) => votes
                .iter()
                .try_for_each(|vote| self.check_vote(message.height, &vote)),
            MessageBody::PolkaCertificate(certificate)
            | MessageBody::CommitCertificate(certificate) => self.check_weight(certificate),
            MessageBody::Status(_) | MessageBody::Request(_) => Ok(()),
        }
    }

    fn check_vote(&self, height: Height, vote: &SignedVote<'_>) -> Result<(), RefusedMessage> {
        let statement = &vote.statement;
        if !self.committee.contains(vote.member) {
            return Err(RefusedMessage::UnknownMember);
        }
        let is_of_turn = statement.kind != VoteKind::Proposal
            || self.schedule.proposer(height, statement.round) == vote.member;
        is_of_turn.then_some(()).ok_or(RefusedMessage::InvalidVote)
    }

    fn check_weight(&self, certificate: &CertificateMessage<'_>) -> Result<(), RefusedMessage> {
        let signers = certificate.signers;
        if !signers.without(self.committee.members()).is_empty() {
            return Err(RefusedMessage::UnknownMember);
        }
        let is_heavy = self.committee.is_quorum(self.committee.weight_of(signers));
        is_heavy
            .then_some(())
            .ok_or(RefusedMessage::CertificateTooLight)
    }

    /// Whether a signature verifies. 0.04 to 0.12 ms by provider, and up to
    /// [`STACK_BYTES_MAX`](crate::crypto::signature::STACK_BYTES_MAX) of stack.
    #[must_use]
    pub fn is_good(&self, item: &VerifyItem<'_>) -> bool {
        let key = self.electorate.key(item.member);
        let signature = Signature::from_slice(item.signature);
        match (key, signature) {
            (Some(key), Some(signature)) => key.verify(&item.bytes, &signature),
            _ => false,
        }
    }

    /// Which of at most 128 signatures verify, the first one in the lowest bit: what
    /// [`ConsensusEngine::handle_verified`](super::ConsensusEngine::handle_verified) takes.
    #[must_use]
    pub fn verify<'a>(&self, items: impl IntoIterator<Item = VerifyItem<'a>>) -> u128 {
        let mut good = 0;
        for (item, position) in items.into_iter().zip(0..u128::BITS) {
            good |= u128::from(self.is_good(&item)).wrapping_shl(position);
        }
        good
    }

    /// Reads a commit certificate of this epoch and looks at all that needs no signature; what it
    /// gives out are jobs that run anywhere.
    ///
    /// # Errors
    /// [`CertificateError`].
    pub fn check_certificate<'a>(
        &'a self,
        bytes: &'a [u8],
    ) -> Result<CertificateCheck<'a>, CertificateError> {
        CommitCertificate::decode(bytes)?.check(&self.electorate)
    }

    /// The same with its signatures, on this thread.
    ///
    /// # Errors
    /// [`CertificateError`].
    pub fn verify_certificate(&self, bytes: &[u8]) -> Result<CommitProof, CertificateError> {
        CommitCertificate::decode(bytes)?.verify(&self.electorate)
    }
}

/// The weights of a membership, written into `weights`, and which of its members this node is.
pub(super) fn view_of<'a>(
    membership: &Membership,
    weights: &'a mut [u64; MEMBER_COUNT_MAX as usize],
    me: Option<MemberIndex>,
) -> CommitteeView<'a> {
    let members = membership.members();
    for (place, member) in weights.iter_mut().zip(members) {
        *place = member.weight;
    }
    let count = members.len().min(weights.len());
    CommitteeView {
        weights: weights.get(..count).unwrap_or_default(),
        me,
    }
}

//! Who signs, and what was signed, as `genesis.json`, `certificates.jsonl` and `summary.json`
//! spell it.

use hauptbuch_core::certificate::CommitCertificate;
use hauptbuch_core::crypto::signature::{PublicKey, Suite};
use hauptbuch_core::sequencer::Membership;
use hauptbuch_core::types::{Epoch, SequencerId};
use hauptbuch_core::vote::MEMBER_COUNT_MAX;
use serde::{Deserialize, Serialize};

use super::json::{Digest, Number};
use crate::hex;
use crate::run::ConsensusReport;

/// The members of the first epoch, in `genesis.json`.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct MembershipSpelling {
    suite: String,
    epoch: Number,
    members: Vec<MemberSpelling>,
    hash: Digest,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct MemberSpelling {
    id: u32,
    weight: Number,
    public_key: String,
}

impl MembershipSpelling {
    pub(super) fn of(membership: &Membership) -> Self {
        let members = membership.members().iter().map(|member| MemberSpelling {
            id: member.id.get(),
            weight: Number(member.weight),
            public_key: hex::text(member.public_key.as_bytes()),
        });
        Self {
            suite: membership.suite().name().into(),
            epoch: Number(membership.epoch().get()),
            members: members.collect(),
            hash: membership.hash().into(),
        }
    }

    /// How many members there are.
    pub(super) const fn count(&self) -> usize {
        self.members.len()
    }

    /// The membership that it describes; where there is none, why.
    pub(super) fn membership(&self) -> Result<Membership, String> {
        let known = [Suite::MlDsa65, Suite::Dilithium3];
        let suite = known.into_iter().find(|suite| suite.name() == self.suite);
        let suite = suite.ok_or("the suite of signatures is unknown")?;
        let mut keys = Vec::new();
        for member in &self.members {
            let key = hex::decode_array(member.public_key.as_bytes()).map(PublicKey::new);
            keys.push(key.ok_or_else(|| format!("the key of member {} is none", member.id))?);
        }
        let members = self.members.iter().zip(&keys);
        let members =
            members.map(|(member, key)| (SequencerId::new(member.id), member.weight.0, key));
        let mut membership = Membership::with_room(MEMBER_COUNT_MAX, suite);
        let filled = membership.fill(Epoch::new(self.epoch.0), suite, members);
        filled.map_err(|error| error.to_string())?;
        if Digest::from(membership.hash()) != self.hash {
            return Err("the membership's hash is not that of its members".into());
        }
        Ok(membership)
    }
}

/// A line of `certificates.jsonl`: that a quorum decided one slot.
#[derive(Debug, Serialize)]
pub(super) struct CertificateLine<'a> {
    height: Number,
    epoch: Number,
    round: u32,
    /// The slot's hash.
    value: Digest,
    /// The certificate's bytes in hexadecimal digits; all else follows from them.
    certificate: &'a str,
}

impl<'a> CertificateLine<'a> {
    pub(super) fn new(certificate: &CommitCertificate<'_>, digits: &'a str) -> Self {
        Self {
            height: Number(certificate.height.get()),
            epoch: Number(certificate.epoch.get()),
            round: certificate.round.get(),
            value: certificate.value.into(),
            certificate: digits,
        }
    }
}

/// The part of a [`CertificateLine`] that all else follows from.
#[derive(Debug, Deserialize)]
pub(super) struct EncodedCertificate<'a> {
    pub(super) certificate: &'a str,
}

/// How a run's slots were agreed on, in `summary.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConsensusSummary {
    /// What members sign with.
    pub suite: String,
    /// How many members there are in the first epoch.
    pub members: u32,
    /// The hash of who they are, with their keys and weights.
    pub membership_hash: Digest,
    /// Slots that were decided.
    pub heights: Number,
    /// The most rounds that one of them took.
    pub rounds_max: u32,
    /// Rounds that ended without a decision.
    pub round_changes: Number,
    /// Bytes of all certificates.
    pub certificate_bytes: Number,
    /// By member, how many certificates bear its signature: by the number of each sequencer, over
    /// all epochs.
    pub certificates_signed: Vec<Number>,
    /// Proposals that members sent. Nothing else in an output says how many.
    pub proposals: Number,
    /// Prevotes and precommits that members sent. Nothing else says how many.
    pub votes: Number,
    /// Signatures that members made. Nothing else says how many.
    pub signatures_made: Number,
    /// Signatures that members checked. Nothing else says how many.
    pub signatures_verified: Number,
    /// Whose the epochs were, where members can change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epochs: Option<Vec<EpochSummary>>,
}

/// One epoch, in `summary.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EpochSummary {
    /// Its number, from 0.
    pub epoch: Number,
    /// Its first slot, which may be the one behind the last of all.
    pub first_height: Number,
    /// How many members it has.
    pub members: u32,
    /// The numbers of those members.
    pub sequencers: Vec<u32>,
    /// The hash of who they are, with their keys and weights.
    pub membership_hash: Digest,
}

/// What a summary says of messages between members, which leave no other trace.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub(super) struct MessageCounts {
    proposals: Number,
    votes: Number,
    signatures_made: Number,
    signatures_verified: Number,
}

impl MessageCounts {
    pub(super) const fn of(report: &ConsensusReport) -> Self {
        Self {
            proposals: Number(report.proposals),
            votes: Number(report.votes),
            signatures_made: Number(report.signatures_made),
            signatures_verified: Number(report.signatures_verified),
        }
    }
}

/// Adds up certificates.
#[derive(Debug)]
pub(super) struct CertificateTally {
    /// The members of the first epoch.
    pub(super) membership: Membership,
    pub(super) heights: u64,
    rounds_max: u32,
    round_changes: u64,
    certificate_bytes: u64,
    /// By the number of a sequencer.
    signed: Vec<u64>,
    epochs: Vec<EpochSummary>,
    is_changeable: bool,
}

impl CertificateTally {
    /// Begins with the members of the first epoch.
    pub(super) fn new(membership: Membership, is_changeable: bool) -> Self {
        let mut tally = Self {
            signed: Vec::new(),
            epochs: Vec::new(),
            is_changeable,
            heights: 0,
            rounds_max: 0,
            round_changes: 0,
            certificate_bytes: 0,
            membership: membership.clone(),
        };
        tally.begin_epoch(&membership);
        tally
    }

    /// Certificates behind those that were added are by these members.
    pub(super) fn begin_epoch(&mut self, membership: &Membership) {
        let members = membership.members();
        let sequencers: Vec<u32> = members.iter().map(|member| member.id.get()).collect();
        let count = sequencers.iter().max().map_or(0, |most| *most as usize + 1);
        self.signed.resize(self.signed.len().max(count), 0);
        self.epochs.push(EpochSummary {
            epoch: Number(membership.epoch().get()),
            first_height: Number(self.heights + 1),
            members: members.len() as u32,
            sequencers,
            membership_hash: membership.hash().into(),
        });
    }

    /// Adds the certificate of the next height, which has so many bytes.
    pub(super) fn add(&mut self, certificate: &CommitCertificate<'_>, len: usize) {
        let round = certificate.round.get();
        self.heights += 1;
        self.rounds_max = self.rounds_max.max(round.saturating_add(1));
        self.round_changes += u64::from(round);
        self.certificate_bytes += len as u64;
        let members = self.epochs.last().map(|epoch| &epoch.sequencers);
        for member in certificate.signers.iter() {
            let own = members.and_then(|all| all.get(usize::from(member.get())));
            let count = own.and_then(|own| self.signed.get_mut(*own as usize));
            if let Some(count) = count {
                *count += 1;
            }
        }
    }

    /// Signatures under all certificates.
    pub(super) fn signature_count(&self) -> u64 {
        self.signed.iter().sum()
    }

    /// Whether a run counted the same.
    pub(super) fn agrees_with(&self, report: &ConsensusReport) -> bool {
        let ours = (self.heights, self.rounds_max, self.round_changes);
        ours == (report.heights, report.rounds_max, report.round_changes)
            && self.certificate_bytes == report.certificate_bytes
    }

    pub(super) fn summary(&self, messages: &MessageCounts) -> ConsensusSummary {
        ConsensusSummary {
            suite: self.membership.suite().name().into(),
            members: self.membership.members().len() as u32,
            membership_hash: self.membership.hash().into(),
            heights: Number(self.heights),
            rounds_max: self.rounds_max,
            round_changes: Number(self.round_changes),
            certificate_bytes: Number(self.certificate_bytes),
            certificates_signed: self.signed.iter().copied().map(Number).collect(),
            proposals: messages.proposals,
            votes: messages.votes,
            signatures_made: messages.signatures_made,
            signatures_verified: messages.signatures_verified,
            epochs: self.is_changeable.then(|| self.epochs.clone()),
        }
    }
}

//! What members of a committee tell each other.
//!
//! A [`Message`] borrows from the bytes that it was decoded from. Decoding is total, and what it
//! gives is well formed: statements don't contradict themselves, lists hold what they promise and
//! no more than the limits allow. Whether a message is wanted is for the engine to say.
//!
//! Statements are signed. Everything else goes over the host's authenticated channel: who sent it
//! is known, and a lie costs others a bounded amount of work and nothing else.

mod decode;
mod encode;

pub(super) use encode::{
    CertificateFields, write_certificate, write_request, write_status, write_vote, write_vote_body,
    write_votes_header,
};

use super::ConsensusLimits;
use crate::types::{Epoch, Hash, Height, MemberIndex, Round};
use crate::vote::{MemberSet, Statement, VoteKind};

/// The version of all messages.
pub const MESSAGE_VERSION: u8 = 1;

/// Bytes before what a message says.
pub(super) const HEADER_LEN: usize = 18;
/// Bytes of a signed statement without its signature.
pub(super) const VOTE_OVERHEAD_LEN: usize = 78;
/// Bytes of the longest status.
pub(super) const STATUS_LEN_MAX: usize = HEADER_LEN + 39 + 2 * CLAIM_LEN;
/// Bytes of a claim.
pub(super) const CLAIM_LEN: usize = 37;
/// Bytes of a certificate before its signatures.
pub(super) const CERTIFICATE_OVERHEAD_LEN: usize = HEADER_LEN + 57;
/// Bytes beside each signature of a certificate.
pub(super) const CERTIFICATE_ENTRY_LEN: usize = 34;

/// The most claims in a status.
pub const CLAIM_COUNT_MAX: usize = 2;

/// One message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// The committee that it is meant for.
    pub epoch: Epoch,
    /// The slot that it is about.
    pub height: Height,
    /// What it says.
    pub body: MessageBody<'a>,
}

/// What a message says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageBody<'a> {
    /// One signed statement: a proposal, a prevote or a precommit.
    Vote(SignedVote<'a>),
    /// Several of them, in answer to a status.
    Votes(VoteList<'a>),
    /// Where the sender stands and what it holds.
    Status(Status),
    /// A certificate is asked for.
    Request(Request),
    /// Proof that a quorum prevoted for a value.
    PolkaCertificate(CertificateMessage<'a>),
    /// Proof that a quorum precommitted a value: that it is decided.
    CommitCertificate(CertificateMessage<'a>),
}

/// A statement with its signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignedVote<'a> {
    /// What was signed.
    pub statement: Statement,
    /// Who says that it signed.
    pub member: MemberIndex,
    /// The signature, opaque here.
    pub signature: &'a [u8],
}

/// Signed statements that have been checked for form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VoteList<'a> {
    height: Height,
    count: u8,
    bytes: &'a [u8],
}

/// Steps of a round.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Step {
    /// Waits for the round's proposal.
    #[default]
    Propose = 0,
    /// Has prevoted.
    Prevote = 1,
    /// Has precommitted.
    Precommit = 2,
    /// The height is decided.
    Decided = 3,
}

/// Where a member stands and what it holds of its round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// Its round.
    pub round: Round,
    /// Its step.
    pub step: Step,
    /// Whether it holds the round's proposal.
    pub has_proposal: bool,
    /// Whose prevotes of the round it holds.
    pub prevotes: MemberSet,
    /// Whose precommits of the round it holds.
    pub precommits: MemberSet,
    /// Quorums that it can prove.
    pub claims: [Option<Claim>; CLAIM_COUNT_MAX],
}

/// That a quorum voted for a value in a round of the height.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Prevotes or precommits.
    pub kind: VoteKind,
    /// In which round.
    pub round: Round,
    /// For which value.
    pub value: Hash,
}

/// Which certificate is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// Prevotes of a quorum for a value in a round.
    Polka {
        /// The round.
        round: Round,
        /// The value.
        value: Hash,
    },
    /// That the height is decided, in whatever round.
    Commit,
}

/// A certificate as it travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CertificateMessage<'a> {
    /// The round of the votes.
    pub round: Round,
    /// Their value.
    pub value: Hash,
    /// Prevotes: the valid round that all of them carry.
    pub valid_round: i32,
    /// Who signed.
    pub signers: MemberSet,
    has_extensions: bool,
    bytes: &'a [u8],
}

/// One vote of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CertificateEntry<'a> {
    /// Who signed.
    pub member: MemberIndex,
    /// What the member's host added to a precommit.
    pub extension_hash: Hash,
    /// The signature.
    pub signature: &'a [u8],
}

/// Bytes of the longest message that members send each other.
#[must_use]
#[allow(
    clippy::arithmetic_side_effects,
    reason = "limits of 16 bits and less: the sum stays below 2^22"
)]
pub const fn message_bytes_max(limits: &ConsensusLimits) -> usize {
    let signature = limits.signature_bytes_max as usize;
    let votes = (signature + VOTE_OVERHEAD_LEN) * limits.votes_per_message_max as usize;
    let entries = (signature + CERTIFICATE_ENTRY_LEN) * limits.validator_count_max as usize;
    let certificate = CERTIFICATE_OVERHEAD_LEN + entries;
    let votes = HEADER_LEN + 1 + votes;
    let longer = if votes > certificate {
        votes
    } else {
        certificate
    };
    if longer > STATUS_LEN_MAX {
        longer
    } else {
        STATUS_LEN_MAX
    }
}

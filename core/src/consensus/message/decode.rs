//! From bytes to messages.

use super::{
    CLAIM_COUNT_MAX, CertificateEntry, CertificateMessage, Claim, MESSAGE_VERSION, Message,
    MessageBody, Request, SignedVote, Status, Step, VoteList,
};
use crate::codec::Reader;
use crate::consensus::{ConsensusLimits, MessageError};
use crate::types::{Epoch, Hash, Height, MemberIndex, Round};
use crate::vote::{MemberSet, NO_ROUND, ROUND_MAX, Statement, VoteKind};

impl<'a> Message<'a> {
    /// Reads a message. O(length), in at most `validator_count_max` steps.
    ///
    /// ```text
    ///   0  version     1   1
    ///   1  kind        1   1 = vote, 2 = votes, 3 = status, 4 = request, 5 = polka certificate,
    ///                      6 = commit certificate
    ///   2  epoch       8
    ///  10  height      8
    ///  18  body            by kind
    /// ```
    ///
    /// # Errors
    /// One for each way in which bytes can fail to be a message: see [`MessageError`].
    pub fn decode(bytes: &'a [u8], limits: &ConsensusLimits) -> Result<Self, MessageError> {
        let mut reader = Reader::new(bytes);
        reader.version(MESSAGE_VERSION)?;
        let kind = reader.u8()?;
        let epoch = Epoch::new(reader.u64()?);
        let height = Height::new(reader.u64()?);
        let body = match kind {
            1 => MessageBody::Vote(vote(&mut reader, height, limits)?),
            2 => MessageBody::Votes(votes(&mut reader, height, limits)?),
            3 => MessageBody::Status(status(&mut reader, limits)?),
            4 => MessageBody::Request(request(&mut reader)?),
            5 => MessageBody::PolkaCertificate(certificate(&mut reader, limits, true)?),
            6 => MessageBody::CommitCertificate(certificate(&mut reader, limits, false)?),
            _ => return Err(MessageError::UnknownMessage),
        };
        reader.finish()?;
        Ok(Self {
            epoch,
            height,
            body,
        })
    }
}

impl<'a> VoteList<'a> {
    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.count as usize
    }

    /// Whether there is none; no message holds such a list.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The votes, in the order of the message.
    pub fn iter(&self) -> impl Iterator<Item = SignedVote<'a>> {
        let mut reader = Reader::new(self.bytes);
        let height = self.height;
        (0..self.count).map_while(move |_| vote_fields(&mut reader, height).ok())
    }
}

impl<'a> CertificateMessage<'a> {
    /// The votes, in the order of the members.
    pub fn iter(&self) -> impl Iterator<Item = CertificateEntry<'a>> + Clone + use<'a> {
        let mut reader = Reader::new(self.bytes);
        let has_extensions = self.has_extensions;
        self.signers.iter().map_while(move |member| {
            let (extension_hash, signature) = entry_fields(&mut reader, has_extensions).ok()?;
            Some(CertificateEntry {
                member,
                extension_hash,
                signature,
            })
        })
    }

    /// A certificate without extensions, whose signatures stand in `bytes` with their lengths.
    pub(in crate::consensus) const fn from_signatures(
        round: Round,
        value: Hash,
        valid_round: i32,
        signers: MemberSet,
        bytes: &'a [u8],
    ) -> Self {
        Self {
            round,
            value,
            valid_round,
            signers,
            has_extensions: false,
            bytes,
        }
    }

    /// The statement that a member of it signed.
    #[must_use]
    pub const fn statement(
        &self,
        kind: VoteKind,
        height: Height,
        extension_hash: Hash,
    ) -> Statement {
        Statement {
            kind,
            height,
            round: self.round,
            value: Some(self.value),
            valid_round: self.valid_round,
            extension_hash,
        }
    }
}

fn flag(reader: &mut Reader<'_>) -> Result<bool, MessageError> {
    match reader.u8()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(MessageError::UnknownMessage),
    }
}

fn round(reader: &mut Reader<'_>) -> Result<Round, MessageError> {
    let round = Round::new(reader.u32()?);
    let is_good = round <= ROUND_MAX;
    is_good.then_some(round).ok_or(MessageError::InvalidVote)
}

fn hash(reader: &mut Reader<'_>) -> Result<Hash, MessageError> {
    Ok(Hash::new(reader.array()?))
}

/// Bytes of a signature behind their length; never none, and never more than `len_max`.
fn signature<'a>(reader: &mut Reader<'a>, len_max: u16) -> Result<&'a [u8], MessageError> {
    let len = reader.u16()?;
    if len == 0 || len > len_max {
        return Err(MessageError::WrongSignatureLength);
    }
    Ok(reader.bytes(usize::from(len))?)
}

/// ```text
///   0  kind             1   0 = proposal, 1 = prevote, 2 = precommit
///   1  round            4
///   5  member           2
///   7  has a value      1
///   8  value           32   zero for nil
///  40  valid round      4
///  44  extension hash  32
///  76  signature        2 + n
/// ```
fn vote<'a>(
    reader: &mut Reader<'a>,
    height: Height,
    limits: &ConsensusLimits,
) -> Result<SignedVote<'a>, MessageError> {
    let vote = vote_fields(reader, height)?;
    if vote.signature.len() > usize::from(limits.signature_bytes_max) {
        return Err(MessageError::WrongSignatureLength);
    }
    if vote.member.get() >= limits.validator_count_max {
        return Err(MessageError::UnknownMember);
    }
    if !vote.statement.is_well_formed() {
        return Err(MessageError::InvalidVote);
    }
    Ok(vote)
}

fn vote_fields<'a>(
    reader: &mut Reader<'a>,
    height: Height,
) -> Result<SignedVote<'a>, MessageError> {
    let kind = VoteKind::from_number(reader.u8()?).ok_or(MessageError::UnknownMessage)?;
    let round = round(reader)?;
    let member = MemberIndex::new(reader.u16()?);
    let has_value = flag(reader)?;
    let value = hash(reader)?;
    if !has_value && value != Hash::ZERO {
        return Err(MessageError::FieldNotEmpty);
    }
    let valid_round = i32::from_le_bytes(reader.array()?);
    let extension_hash = hash(reader)?;
    let statement = Statement {
        kind,
        height,
        round,
        value: has_value.then_some(value),
        valid_round,
        extension_hash,
    };
    Ok(SignedVote {
        statement,
        member,
        signature: signature(reader, u16::MAX)?,
    })
}

fn votes<'a>(
    reader: &mut Reader<'a>,
    height: Height,
    limits: &ConsensusLimits,
) -> Result<VoteList<'a>, MessageError> {
    let count = reader.u8()?;
    if count == 0 || count > limits.votes_per_message_max {
        return Err(MessageError::LengthOverLimit);
    }
    let bytes = reader.rest();
    for _ in 0..count {
        vote(reader, height, limits)?;
    }
    let read = bytes.len().saturating_sub(reader.rest().len());
    Ok(VoteList {
        height,
        count,
        bytes: bytes.get(..read).unwrap_or_default(),
    })
}

/// ```text
///   0  round            4
///   4  step             1   0 = propose, 1 = prevote, 2 = precommit, 3 = decided
///   5  has a proposal   1
///   6  prevotes        16   a bit for each member held
///  22  precommits      16
///  38  claims           1   0 ..= 2, each: kind 1 (1 = prevote, 2 = precommit), round 4, value 32
/// ```
fn status(reader: &mut Reader<'_>, limits: &ConsensusLimits) -> Result<Status, MessageError> {
    let round = round(reader)?;
    let step = match reader.u8()? {
        0 => Step::Propose,
        1 => Step::Prevote,
        2 => Step::Precommit,
        3 => Step::Decided,
        _ => return Err(MessageError::UnknownMessage),
    };
    let has_proposal = flag(reader)?;
    let prevotes = members(reader, limits)?;
    let precommits = members(reader, limits)?;
    let count = usize::from(reader.u8()?);
    if count > CLAIM_COUNT_MAX {
        return Err(MessageError::LengthOverLimit);
    }
    let mut claims = [None; CLAIM_COUNT_MAX];
    for claim in claims.iter_mut().take(count) {
        *claim = Some(self::claim(reader)?);
    }
    Ok(Status {
        round,
        step,
        has_proposal,
        prevotes,
        precommits,
        claims,
    })
}

fn claim(reader: &mut Reader<'_>) -> Result<Claim, MessageError> {
    let kind = match VoteKind::from_number(reader.u8()?) {
        Some(kind @ (VoteKind::Prevote | VoteKind::Precommit)) => kind,
        _ => return Err(MessageError::UnknownMessage),
    };
    Ok(Claim {
        kind,
        round: round(reader)?,
        value: hash(reader)?,
    })
}

/// A set of members, none of them beyond the limit.
fn members(reader: &mut Reader<'_>, limits: &ConsensusLimits) -> Result<MemberSet, MessageError> {
    let members = MemberSet::from_bits(reader.u128()?);
    let known = MemberSet::first(limits.validator_count_max);
    let is_good = members.without(known).is_empty();
    is_good
        .then_some(members)
        .ok_or(MessageError::UnknownMember)
}

/// ```text
///   0  kind    1   1 = polka, 2 = commit
///   1  round   4   polka only
///   5  value  32   polka only
/// ```
fn request(reader: &mut Reader<'_>) -> Result<Request, MessageError> {
    match reader.u8()? {
        1 => Ok(Request::Polka {
            round: round(reader)?,
            value: hash(reader)?,
        }),
        2 => Ok(Request::Commit),
        _ => Err(MessageError::UnknownMessage),
    }
}

/// ```text
///   0  round              4
///   4  value             32
///  36  valid round        4   -1 in a commit certificate
///  40  signers           16   a bit each
///  56  has extensions     1   0 in a polka certificate, and where all of them are zero
///  57  for each signer:       extension hash 32 where there are some, signature 2 + n
/// ```
fn certificate<'a>(
    reader: &mut Reader<'a>,
    limits: &ConsensusLimits,
    is_polka: bool,
) -> Result<CertificateMessage<'a>, MessageError> {
    let round = round(reader)?;
    let value = hash(reader)?;
    let valid_round = i32::from_le_bytes(reader.array()?);
    let is_below = i64::from(valid_round) < i64::from(round.get());
    let is_round_good = valid_round == NO_ROUND || (is_polka && valid_round >= 0 && is_below);
    if !is_round_good {
        return Err(MessageError::InvalidVote);
    }
    let signers = members(reader, limits)?;
    let has_extensions = flag(reader)?;
    let bytes = reader.rest();
    let mut any_extension = false;
    for _ in signers.iter() {
        let (extension_hash, signature) = entry_fields(reader, has_extensions)?;
        any_extension |= extension_hash != Hash::ZERO;
        if signature.len() > usize::from(limits.signature_bytes_max) {
            return Err(MessageError::WrongSignatureLength);
        }
    }
    // One spelling: extensions stand there only where one of them says something.
    if any_extension != has_extensions || (is_polka && has_extensions) {
        return Err(MessageError::FieldNotEmpty);
    }
    let read = bytes.len().saturating_sub(reader.rest().len());
    Ok(CertificateMessage {
        round,
        value,
        valid_round,
        signers,
        has_extensions,
        bytes: bytes.get(..read).unwrap_or_default(),
    })
}

fn entry_fields<'a>(
    reader: &mut Reader<'a>,
    has_extensions: bool,
) -> Result<(Hash, &'a [u8]), MessageError> {
    let extension_hash = if has_extensions {
        hash(reader)?
    } else {
        Hash::ZERO
    };
    Ok((extension_hash, signature(reader, u16::MAX)?))
}

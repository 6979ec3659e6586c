//! The certificate of a decision.

use super::{CertificateError, Electorate};
use crate::codec::{DecodeError, EncodeError, Reader, Sink, Writer};
use crate::crypto::signature::{SIGNATURE_BYTES, Signature, Suite, VerifyingKey};
use crate::sequencer::{ConflictProof, EvidenceError};
use crate::types::{Epoch, Hash, Height, MemberIndex, Round};
use crate::vote::{MemberSet, NO_ROUND, ROUND_MAX, SignBytes, Statement, VoteKind};

/// The version of the encoding, which is that of consensus messages.
const VERSION: u8 = 1;
/// What kind of message a commit certificate is.
const KIND: u8 = 6;

/// Bytes before the first signature.
pub const CERTIFICATE_HEADER_LEN: usize = 75;
/// Bytes of a signer without an extension.
pub const CERTIFICATE_ENTRY_LEN: usize = 2 + SIGNATURE_BYTES;

/// A certificate that was decoded and not yet checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommitCertificate<'a> {
    /// The epoch whose members signed.
    pub epoch: Epoch,
    /// The slot that is decided.
    pub height: Height,
    /// The round of the precommits.
    pub round: Round,
    /// The value that is decided: the slot's hash.
    pub value: Hash,
    /// Who signed.
    pub signers: MemberSet,
    has_extensions: bool,
    entries: &'a [u8],
}

impl<'a> CommitCertificate<'a> {
    /// Reads a certificate. O(signers).
    ///
    /// ```text
    ///  0  version          1   1
    ///  1  kind             1   6
    ///  2  epoch            8
    /// 10  height           8
    /// 18  round            4
    /// 22  value           32
    /// 54  valid round      4   -1
    /// 58  signers         16   a bit each; bit 0 is the first member
    /// 74  has extensions   1   0 where all of them are zero
    /// 75  for each signer:     extension hash 32 where there are some, length 2 (3,309), signature
    /// ```
    ///
    /// # Errors
    /// One for each way in which bytes can fail to be one: see [`CertificateError`].
    pub fn decode(bytes: &'a [u8]) -> Result<Self, CertificateError> {
        let mut reader = Reader::new(bytes);
        reader.version(VERSION)?;
        if reader.u8()? != KIND {
            return Err(CertificateError::UnknownMessage);
        }
        let epoch = Epoch::new(reader.u64()?);
        let height = Height::new(reader.u64()?);
        let round = Round::new(reader.u32()?);
        let value = Hash::new(reader.array()?);
        let valid_round = i32::from_le_bytes(reader.array()?);
        if round > ROUND_MAX || valid_round != NO_ROUND {
            return Err(CertificateError::InvalidVote);
        }
        let signers = MemberSet::from_bits(reader.u128()?);
        let has_extensions = match reader.u8()? {
            0 => false,
            1 => true,
            _ => return Err(CertificateError::UnknownMessage),
        };
        let entries = reader.rest();
        let mut any_extension = false;
        for _ in signers.iter() {
            let (extension, _) = entry(&mut reader, has_extensions)?;
            any_extension |= extension != Hash::ZERO;
        }
        reader.finish()?;
        if any_extension != has_extensions {
            return Err(CertificateError::FieldNotEmpty);
        }
        Ok(Self {
            epoch,
            height,
            round,
            value,
            signers,
            has_extensions,
            entries,
        })
    }

    /// Looks at all that needs no signature.
    ///
    /// # Errors
    /// - [`CertificateError::WrongEpoch`] unless it is of the electorate's epoch;
    /// - [`CertificateError::UnknownMember`] where a signer is none of its members;
    /// - [`CertificateError::CertificateTooLight`] unless the signers weigh more than two thirds.
    pub fn check(
        &self,
        electorate: &'a Electorate,
    ) -> Result<CertificateCheck<'a>, CertificateError> {
        if self.epoch != electorate.epoch() {
            return Err(CertificateError::WrongEpoch);
        }
        if !self.signers.without(electorate.members()).is_empty() {
            return Err(CertificateError::UnknownMember);
        }
        let weight = electorate.weight_of(self.signers);
        if !electorate.is_quorum(weight) {
            return Err(CertificateError::CertificateTooLight);
        }
        Ok(CertificateCheck {
            certificate: *self,
            electorate,
            weight,
        })
    }

    /// Checks everything on this thread: a signature check a signer.
    ///
    /// # Errors
    /// As [`CommitCertificate::check`], and [`CertificateError::SignatureInvalid`].
    pub fn verify(&self, electorate: &'a Electorate) -> Result<CommitProof, CertificateError> {
        let check = self.check(electorate)?;
        let mut good = MemberSet::EMPTY;
        for job in check.jobs() {
            if !job.run() {
                return Err(CertificateError::SignatureInvalid);
            }
            good.insert(job.member);
        }
        check.conclude(good)
    }

    /// The signers' extensions and signatures, in the order of the members.
    pub fn entries(
        &self,
    ) -> impl Iterator<Item = (MemberIndex, Hash, &'a [u8; SIGNATURE_BYTES])> + use<'a> {
        let mut reader = Reader::new(self.entries);
        let has_extensions = self.has_extensions;
        self.signers.iter().map_while(move |member| {
            let (extension, signature) = entry(&mut reader, has_extensions).ok()?;
            Some((member, extension, signature))
        })
    }

    /// What a signer with this extension signed.
    #[must_use]
    pub const fn statement(&self, extension_hash: Hash) -> Statement {
        Statement {
            kind: VoteKind::Precommit,
            height: self.height,
            round: self.round,
            value: Some(self.value),
            valid_round: NO_ROUND,
            extension_hash,
        }
    }

    /// Proof against a member that signed two certificates of one height and round for different
    /// values.
    ///
    /// # Errors
    /// [`EvidenceError::EvidenceInvalid`] where they are not that, or the member did not sign both.
    pub fn conflict_with(
        &self,
        other: &Self,
        suite: Suite,
        member: MemberIndex,
    ) -> Result<ConflictProof<'a>, EvidenceError> {
        if self.epoch != other.epoch {
            return Err(EvidenceError::EvidenceInvalid);
        }
        let signed = |certificate: &Self| {
            let found = certificate.entries().find(|(signer, ..)| *signer == member);
            let (_, extension, signature) = found?;
            Some((certificate.statement(extension), signature))
        };
        let ours = signed(self).ok_or(EvidenceError::EvidenceInvalid)?;
        let theirs = signed(other).ok_or(EvidenceError::EvidenceInvalid)?;
        ConflictProof::new(self.epoch, suite, [ours.0, theirs.0], [ours.1, theirs.1])
    }
}

/// A certificate whose signatures are to be verified; everything else about it is right.
#[derive(Clone, Copy, Debug)]
pub struct CertificateCheck<'a> {
    certificate: CommitCertificate<'a>,
    electorate: &'a Electorate,
    weight: u64,
}

/// One signature to verify; may be sent to any thread.
#[derive(Clone, Copy, Debug)]
pub struct SignatureJob<'a> {
    /// Whose it is.
    pub member: MemberIndex,
    /// What it is checked with.
    pub key: &'a VerifyingKey,
    /// What was signed.
    pub message: SignBytes,
    /// The signature.
    pub signature: &'a [u8; SIGNATURE_BYTES],
}

impl SignatureJob<'_> {
    /// Whether it verifies.
    #[must_use]
    pub fn run(&self) -> bool {
        self.key
            .verify(&self.message, &Signature::new(*self.signature))
    }
}

impl<'a> CertificateCheck<'a> {
    /// The signatures to verify: one a signer, in the order of the members.
    pub fn jobs(&self) -> impl Iterator<Item = SignatureJob<'a>> + use<'a> {
        let Self {
            certificate,
            electorate,
            ..
        } = *self;
        certificate.entries().filter_map(move |entry| {
            let (member, extension, signature) = entry;
            let statement = certificate.statement(extension);
            Some(SignatureJob {
                member,
                key: electorate.key(member)?,
                message: statement.sign_bytes(electorate.context()),
                signature,
            })
        })
    }

    /// How many signatures there are.
    #[must_use]
    pub const fn job_count(&self) -> usize {
        self.certificate.signers.len()
    }

    /// Concludes from the members whose signatures were good.
    ///
    /// # Errors
    /// [`CertificateError::SignatureInvalid`] unless all of them were.
    pub fn conclude(&self, good: MemberSet) -> Result<CommitProof, CertificateError> {
        let CommitCertificate {
            epoch,
            height,
            round,
            value,
            signers,
            ..
        } = self.certificate;
        if !signers.without(good).is_empty() {
            return Err(CertificateError::SignatureInvalid);
        }
        Ok(CommitProof {
            epoch,
            height,
            round,
            value,
            signers,
            weight: self.weight,
            membership: self.electorate.membership_hash(),
        })
    }
}

/// That a quorum decided a value: what is left of a certificate once it was checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommitProof {
    epoch: Epoch,
    height: Height,
    round: Round,
    value: Hash,
    signers: MemberSet,
    weight: u64,
    membership: Hash,
}

impl CommitProof {
    /// The epoch whose members decided.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// The slot that is decided.
    #[must_use]
    pub const fn height(&self) -> Height {
        self.height
    }

    /// In which round.
    #[must_use]
    pub const fn round(&self) -> Round {
        self.round
    }

    /// What is decided.
    #[must_use]
    pub const fn value(&self) -> Hash {
        self.value
    }

    /// Who signed.
    #[must_use]
    pub const fn signers(&self) -> MemberSet {
        self.signers
    }

    /// Their weight.
    #[must_use]
    pub const fn weight(&self) -> u64 {
        self.weight
    }

    /// The membership that it was checked against, by its hash.
    #[must_use]
    pub const fn membership_hash(&self) -> Hash {
        self.membership
    }

    /// Writes it for the state of a node: 108 bytes, which prove nothing to anybody else.
    pub(crate) fn write(&self, out: &mut dyn Sink) {
        out.u64(self.epoch.get());
        out.u64(self.height.get());
        out.u32(self.round.get());
        out.bytes(self.value.as_bytes());
        out.bytes(&self.signers.bits().to_le_bytes());
        out.u64(self.weight);
        out.bytes(self.membership.as_bytes());
    }

    /// Reads what [`CommitProof::write`] wrote, and believes it.
    pub(crate) fn read(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            epoch: Epoch::new(input.u64()?),
            height: Height::new(input.u64()?),
            round: Round::new(input.u32()?),
            value: Hash::new(input.array()?),
            signers: MemberSet::from_bits(input.u128()?),
            weight: input.u64()?,
            membership: Hash::new(input.array()?),
        })
    }

    /// Whether it decides this slot this way.
    ///
    /// # Errors
    /// [`CertificateError::CertificateOfOtherHeight`] and
    /// [`CertificateError::CertificateOfOtherValue`].
    pub fn expect(&self, height: Height, value: Hash) -> Result<(), CertificateError> {
        if self.height != height {
            return Err(CertificateError::CertificateOfOtherHeight);
        }
        let is_value = self.value == value;
        is_value
            .then_some(())
            .ok_or(CertificateError::CertificateOfOtherValue)
    }
}

/// Writes a certificate from precommits in ascending order of the members.
///
/// `decided` is the statement without its extension. Where a member comes twice, or not in order,
/// what is written does not decode.
///
/// # Errors
/// [`EncodeError::BufferTooSmall`].
pub fn write_commit_certificate<'a>(
    out: &mut Writer<'_>,
    epoch: Epoch,
    decided: &Statement,
    entries: impl Iterator<Item = (MemberIndex, Hash, &'a Signature)> + Clone,
) -> Result<(), EncodeError> {
    let mut signers = MemberSet::EMPTY;
    let mut has_extensions = false;
    for (member, extension, _) in entries.clone() {
        signers.insert(member);
        has_extensions |= extension != Hash::ZERO;
    }
    out.u8(VERSION)?;
    out.u8(KIND)?;
    out.u64(epoch.get())?;
    out.u64(decided.height.get())?;
    out.u32(decided.round.get())?;
    out.bytes(decided.value.unwrap_or(Hash::ZERO).as_bytes())?;
    out.bytes(&NO_ROUND.to_le_bytes())?;
    out.u128(signers.bits())?;
    out.u8(u8::from(has_extensions))?;
    for (_, extension, signature) in entries {
        if has_extensions {
            out.bytes(extension.as_bytes())?;
        }
        out.u16(SIGNATURE_BYTES as u16)?;
        out.bytes(signature.as_bytes())?;
    }
    Ok(())
}

fn entry<'a>(
    reader: &mut Reader<'a>,
    has_extensions: bool,
) -> Result<(Hash, &'a [u8; SIGNATURE_BYTES]), CertificateError> {
    let extension = if has_extensions {
        Hash::new(reader.array()?)
    } else {
        Hash::ZERO
    };
    if usize::from(reader.u16()?) != SIGNATURE_BYTES {
        return Err(CertificateError::WrongSignatureLength);
    }
    let signature = reader.bytes(SIGNATURE_BYTES)?.first_chunk();
    Ok((extension, signature.ok_or(CertificateError::Truncated)?))
}

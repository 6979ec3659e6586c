//! From messages to bytes.

use super::{
    CertificateMessage, Claim, MESSAGE_VERSION, Message, MessageBody, Request, SignedVote, Status,
};
use crate::codec::{EncodeError, Writer};
use crate::types::{Epoch, Hash, Height, Round};
use crate::vote::MemberSet;

impl Message<'_> {
    /// Writes the message to the front of `out` and returns its length.
    ///
    /// # Errors
    /// [`EncodeError::BufferTooSmall`].
    pub fn encode(&self, out: &mut [u8]) -> Result<usize, EncodeError> {
        let mut writer = Writer::new(out);
        let (writer_ref, epoch, height) = (&mut writer, self.epoch, self.height);
        match &self.body {
            MessageBody::Vote(vote) => write_vote(writer_ref, epoch, vote)?,
            MessageBody::Votes(votes) => {
                write_votes_header(writer_ref, epoch, height, votes.len() as u8)?;
                for vote in votes.iter() {
                    write_vote_body(writer_ref, &vote)?;
                }
            }
            MessageBody::Status(status) => write_status(writer_ref, epoch, height, status)?,
            MessageBody::Request(request) => write_request(writer_ref, epoch, height, *request)?,
            MessageBody::PolkaCertificate(certificate) => {
                write_received(writer_ref, (epoch, height), certificate, true)?;
            }
            MessageBody::CommitCertificate(certificate) => {
                write_received(writer_ref, (epoch, height), certificate, false)?;
            }
        }
        Ok(writer.len())
    }
}

fn header(
    writer: &mut Writer<'_>,
    kind: u8,
    epoch: Epoch,
    height: Height,
) -> Result<(), EncodeError> {
    writer.u8(MESSAGE_VERSION)?;
    writer.u8(kind)?;
    writer.u64(epoch.get())?;
    writer.u64(height.get())
}

/// Writes a message of one vote.
pub(in crate::consensus) fn write_vote(
    writer: &mut Writer<'_>,
    epoch: Epoch,
    vote: &SignedVote<'_>,
) -> Result<(), EncodeError> {
    header(writer, 1, epoch, vote.statement.height)?;
    write_vote_body(writer, vote)
}

/// Writes what goes before `count` votes.
pub(in crate::consensus) fn write_votes_header(
    writer: &mut Writer<'_>,
    epoch: Epoch,
    height: Height,
    count: u8,
) -> Result<(), EncodeError> {
    header(writer, 2, epoch, height)?;
    writer.u8(count)
}

/// Writes one vote of several.
pub(in crate::consensus) fn write_vote_body(
    writer: &mut Writer<'_>,
    vote: &SignedVote<'_>,
) -> Result<(), EncodeError> {
    let statement = &vote.statement;
    writer.u8(statement.kind as u8)?;
    writer.u32(statement.round.get())?;
    writer.u16(vote.member.get())?;
    writer.u8(u8::from(statement.value.is_some()))?;
    writer.bytes(statement.value.unwrap_or(Hash::ZERO).as_bytes())?;
    writer.bytes(&statement.valid_round.to_le_bytes())?;
    writer.bytes(statement.extension_hash.as_bytes())?;
    write_signature(writer, vote.signature)
}

/// Writes a status.
pub(in crate::consensus) fn write_status(
    writer: &mut Writer<'_>,
    epoch: Epoch,
    height: Height,
    status: &Status,
) -> Result<(), EncodeError> {
    header(writer, 3, epoch, height)?;
    writer.u32(status.round.get())?;
    writer.u8(status.step as u8)?;
    writer.u8(u8::from(status.has_proposal))?;
    writer.u128(status.prevotes.bits())?;
    writer.u128(status.precommits.bits())?;
    writer.u8(status.claims.iter().flatten().count() as u8)?;
    for Claim { kind, round, value } in status.claims.iter().flatten() {
        writer.u8(*kind as u8)?;
        writer.u32(round.get())?;
        writer.bytes(value.as_bytes())?;
    }
    Ok(())
}

/// Writes a request.
pub(in crate::consensus) fn write_request(
    writer: &mut Writer<'_>,
    epoch: Epoch,
    height: Height,
    request: Request,
) -> Result<(), EncodeError> {
    header(writer, 4, epoch, height)?;
    match request {
        Request::Polka { round, value } => {
            writer.u8(1)?;
            writer.u32(round.get())?;
            writer.bytes(value.as_bytes())
        }
        Request::Commit => writer.u8(2),
    }
}

/// What a certificate is made of.
#[derive(Clone, Copy, Debug)]
pub(in crate::consensus) struct CertificateFields {
    pub epoch: Epoch,
    pub height: Height,
    pub is_polka: bool,
    pub round: Round,
    pub value: Hash,
    pub valid_round: i32,
    pub signers: MemberSet,
}

/// Writes a certificate; `entries` gives what each signer added, and its signature.
pub(in crate::consensus) fn write_certificate<'a>(
    writer: &mut Writer<'_>,
    fields: &CertificateFields,
    entries: impl Iterator<Item = (Hash, &'a [u8])> + Clone,
) -> Result<(), EncodeError> {
    let kind = if fields.is_polka { 5 } else { 6 };
    header(writer, kind, fields.epoch, fields.height)?;
    writer.u32(fields.round.get())?;
    writer.bytes(fields.value.as_bytes())?;
    writer.bytes(&fields.valid_round.to_le_bytes())?;
    writer.u128(fields.signers.bits())?;
    let has_extensions = entries
        .clone()
        .any(|(extension, _)| extension != Hash::ZERO);
    writer.u8(u8::from(has_extensions))?;
    for (extension_hash, signature) in entries {
        if has_extensions {
            writer.bytes(extension_hash.as_bytes())?;
        }
        write_signature(writer, signature)?;
    }
    Ok(())
}

fn write_received(
    writer: &mut Writer<'_>,
    (epoch, height): (Epoch, Height),
    certificate: &CertificateMessage<'_>,
    is_polka: bool,
) -> Result<(), EncodeError> {
    let fields = CertificateFields {
        epoch,
        height,
        is_polka,
        round: certificate.round,
        value: certificate.value,
        valid_round: certificate.valid_round,
        signers: certificate.signers,
    };
    let entries = certificate.iter();
    write_certificate(
        writer,
        &fields,
        entries.map(|e| (e.extension_hash, e.signature)),
    )
}

/// Writes a signature behind its length.
fn write_signature(writer: &mut Writer<'_>, signature: &[u8]) -> Result<(), EncodeError> {
    let len = u16::try_from(signature.len()).map_err(|_| EncodeError::BufferTooSmall)?;
    writer.u16(len)?;
    writer.bytes(signature)
}

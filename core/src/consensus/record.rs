//! What a member keeps on disk, so that it never contradicts itself after a restart.
//!
//! ```text
//!   0  checksum        32   H("hb/cr/1", all that follows)
//!  32  version          1   1
//!  33  counter          8   grows with each record
//!  41  chain id        32
//!  73  epoch            8
//!  81  suite id         1
//!  82  member           2
//!  84  height           8
//!  92  round            4
//!  96  locked          37   flag 1, round 4, value 32; zero without the flag
//! 133  valid           37   the same
//! 170  statements       1   0 ..= 6, each: kind 1, round 4, has a value 1, value 32,
//!                           valid round 4, extension hash 32
//!      polka            1   0 or 1, and then: valid round 4, signers 16, and for each of them
//!                           a signature 2 + n; round and value are those of `valid`
//! ```
//!
//! The host alternates between two places. A write that is torn leaves the other place whole, and
//! nothing of the torn one was acknowledged, so nothing of it had left.

use super::message::CertificateMessage;
use super::tables::{CertificateSlot, SignatureStore};
use super::{ConsensusLimits, RecordError};
use crate::codec::{DecodeError, EncodeError, Reader, Writer};
use crate::crypto::hash::{Domain, hash};
use crate::types::{Epoch, Hash, Height, MemberIndex, Round};
use crate::vote::{MemberSet, ROUND_MAX, Statement, VoteKind};

const VERSION: u8 = 1;
const CHECKSUM_LEN: usize = 32;
const STATEMENT_LEN: usize = 74;
const STATEMENT_COUNT_MAX: usize = 6;
/// Bytes of a record with nothing in it that varies.
const FIXED_LEN: usize = 172;
const POLKA_OVERHEAD_LEN: usize = 20;

/// Bytes of the longest record.
#[must_use]
#[allow(
    clippy::arithmetic_side_effects,
    reason = "limits of 16 bits: the sum stays below 2^21"
)]
pub const fn record_bytes_max(limits: &ConsensusLimits) -> usize {
    let signatures =
        (limits.signature_bytes_max as usize + 2) * limits.validator_count_max as usize;
    FIXED_LEN + STATEMENT_COUNT_MAX * STATEMENT_LEN + POLKA_OVERHEAD_LEN + signatures
}

/// The newer of the two records on disk; nothing where none was ever acknowledged.
///
/// A place that was never written is given as no bytes, or as zeros. Bytes behind a record, left of
/// a longer one before, are ignored.
///
/// # Errors
/// [`RecordError::Corrupt`] where both places were written and neither holds a whole record: only
/// one can have been torn, so the disk lost what it had acknowledged. Such a member must not vote.
pub fn newest_record<'a>(
    places: [&'a [u8]; 2],
    limits: &ConsensusLimits,
) -> Result<Option<&'a [u8]>, RecordError> {
    let mut newest: Option<(u64, &[u8])> = None;
    let mut torn_count = 0_u32;
    for place in places {
        if place.iter().all(|byte| *byte == 0) {
            continue;
        }
        match Record::decode(place, limits) {
            Ok(record) if newest.is_none_or(|(counter, _)| record.counter > counter) => {
                newest = Some((record.counter, place));
            }
            Ok(_) => {}
            Err(_) => torn_count = torn_count.saturating_add(1),
        }
    }
    if newest.is_none() && torn_count > 1 {
        return Err(RecordError::Corrupt);
    }
    Ok(newest.map(|(_, place)| place))
}

/// The contents of a record.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record<'a> {
    pub counter: u64,
    pub chain_id: Hash,
    pub epoch: Epoch,
    pub suite_id: u8,
    pub member: MemberIndex,
    pub height: Height,
    pub round: Round,
    pub locked: Option<(Round, Hash)>,
    pub valid: Option<(Round, Hash)>,
    /// The polka of `valid`, when decoded.
    pub polka: Option<CertificateMessage<'a>>,
    /// The statements, when decoded.
    pub votes: &'a [u8],
}

/// A polka to be written.
pub(super) struct RecordPolka<'a> {
    pub slot: &'a CertificateSlot,
    pub signatures: &'a SignatureStore,
}

impl<'a> Record<'a> {
    /// Writes the record with these statements and this polka, and returns its length.
    pub fn encode(
        &self,
        votes: impl Iterator<Item = Statement> + Clone,
        polka: Option<RecordPolka<'_>>,
        out: &mut [u8],
    ) -> Result<usize, EncodeError> {
        let mut writer = Writer::new(out);
        writer.reserve(CHECKSUM_LEN)?;
        writer.u8(VERSION)?;
        writer.u64(self.counter)?;
        writer.bytes(self.chain_id.as_bytes())?;
        writer.u64(self.epoch.get())?;
        writer.u8(self.suite_id)?;
        writer.u16(self.member.get())?;
        writer.u64(self.height.get())?;
        writer.u32(self.round.get())?;
        write_pair(&mut writer, self.locked)?;
        write_pair(&mut writer, self.valid)?;
        writer.u8(votes.clone().count() as u8)?;
        for vote in votes {
            write_statement(&mut writer, &vote)?;
        }
        writer.u8(u8::from(polka.is_some()))?;
        if let Some(polka) = polka {
            writer.bytes(&polka.slot.valid_round.to_le_bytes())?;
            writer.u128(polka.slot.signers.bits())?;
            for (_, signature) in polka.slot.entries(polka.signatures) {
                writer.u16(signature.len() as u16)?;
                writer.bytes(signature)?;
            }
        }
        let len = writer.len();
        let body = out.get(CHECKSUM_LEN..len).unwrap_or_default();
        let checksum = hash(Domain::CONSENSUS_RECORD, body);
        if let Some(place) = out.first_chunk_mut::<CHECKSUM_LEN>() {
            *place = *checksum.as_bytes();
        }
        Ok(len)
    }

    /// Reads a record; what stands behind it is ignored.
    pub fn decode(bytes: &'a [u8], limits: &ConsensusLimits) -> Result<Self, RecordError> {
        let mut reader = Reader::new(bytes);
        let checksum: [u8; CHECKSUM_LEN] = reader.array().map_err(corrupt)?;
        let body = reader.rest();
        let record = Self::fields(&mut reader, limits).map_err(corrupt)?;
        let len = body.len().saturating_sub(reader.rest().len());
        let body = body.get(..len).unwrap_or_default();
        if hash(Domain::CONSENSUS_RECORD, body) != Hash::new(checksum) {
            return Err(RecordError::Corrupt);
        }
        record.check()?;
        Ok(record)
    }

    fn fields(reader: &mut Reader<'a>, limits: &ConsensusLimits) -> Result<Self, DecodeError> {
        reader.version(VERSION)?;
        let counter = reader.u64()?;
        let chain_id = Hash::new(reader.array()?);
        let epoch = Epoch::new(reader.u64()?);
        let suite_id = reader.u8()?;
        let member = MemberIndex::new(reader.u16()?);
        let height = Height::new(reader.u64()?);
        let round = Round::new(reader.u32()?);
        let locked = read_pair(reader)?;
        let valid = read_pair(reader)?;
        let count = usize::from(reader.u8()?);
        if count > STATEMENT_COUNT_MAX {
            return Err(DecodeError::LengthOverLimit);
        }
        let votes = reader.bytes(count.saturating_mul(STATEMENT_LEN))?;
        let has_polka = reader.u8()?;
        let polka = match (has_polka, valid) {
            (0, _) => None,
            (1, Some((round, value))) => Some(read_polka(reader, round, value, limits)?),
            _ => return Err(DecodeError::FieldNotEmpty),
        };
        Ok(Self {
            counter,
            chain_id,
            epoch,
            suite_id,
            member,
            height,
            round,
            locked,
            valid,
            polka,
            votes,
        })
    }

    /// Whether the parts agree: each statement is of this round or one before, and of one kind and
    /// round there is one.
    fn check(&self) -> Result<(), RecordError> {
        let mut older: Option<Round> = None;
        let is_rounds_good = [self.locked, self.valid]
            .iter()
            .flatten()
            .all(|(round, _)| *round <= self.round);
        let mut is_good = is_rounds_good && self.round <= ROUND_MAX;
        for (at, vote) in self.votes().enumerate() {
            is_good &= vote.is_well_formed() && vote.round <= self.round;
            if vote.round < self.round {
                is_good &= older.is_none_or(|round| round == vote.round);
                older = Some(vote.round);
            }
            let mut before = self.votes().take(at);
            is_good &= !before.any(|other| (other.kind, other.round) == (vote.kind, vote.round));
        }
        let count = self.votes.len().checked_div(STATEMENT_LEN).unwrap_or(0);
        is_good &= self.votes().count() == count;
        is_good.then_some(()).ok_or(RecordError::Inconsistent)
    }

    /// The statements.
    pub fn votes(&self) -> impl Iterator<Item = Statement> + use<'a> {
        let mut reader = Reader::new(self.votes);
        let height = self.height;
        core::iter::from_fn(move || read_statement(&mut reader, height))
    }
}

fn corrupt(_: DecodeError) -> RecordError {
    RecordError::Corrupt
}

fn write_pair(writer: &mut Writer<'_>, pair: Option<(Round, Hash)>) -> Result<(), EncodeError> {
    let (round, value) = pair.unwrap_or((Round::ZERO, Hash::ZERO));
    writer.u8(u8::from(pair.is_some()))?;
    writer.u32(round.get())?;
    writer.bytes(value.as_bytes())
}

fn read_pair(reader: &mut Reader<'_>) -> Result<Option<(Round, Hash)>, DecodeError> {
    let has_any = reader.u8()?;
    let pair = (Round::new(reader.u32()?), Hash::new(reader.array()?));
    match has_any {
        0 => Ok(None),
        1 => Ok(Some(pair)),
        _ => Err(DecodeError::FieldNotEmpty),
    }
}

fn write_statement(writer: &mut Writer<'_>, vote: &Statement) -> Result<(), EncodeError> {
    writer.u8(vote.kind as u8)?;
    writer.u32(vote.round.get())?;
    writer.u8(u8::from(vote.value.is_some()))?;
    writer.bytes(vote.value.unwrap_or(Hash::ZERO).as_bytes())?;
    writer.bytes(&vote.valid_round.to_le_bytes())?;
    writer.bytes(vote.extension_hash.as_bytes())
}

/// The next statement; nothing at the end, or where the bytes are none.
fn read_statement(reader: &mut Reader<'_>, height: Height) -> Option<Statement> {
    let kind = VoteKind::from_number(reader.u8().ok()?)?;
    let round = Round::new(reader.u32().ok()?);
    let has_value = reader.u8().ok()?;
    let value = Hash::new(reader.array().ok()?);
    Some(Statement {
        kind,
        height,
        round,
        value: (has_value == 1).then_some(value),
        valid_round: i32::from_le_bytes(reader.array().ok()?),
        extension_hash: Hash::new(reader.array().ok()?),
    })
}

fn read_polka<'a>(
    reader: &mut Reader<'a>,
    round: Round,
    value: Hash,
    limits: &ConsensusLimits,
) -> Result<CertificateMessage<'a>, DecodeError> {
    let valid_round = i32::from_le_bytes(reader.array()?);
    let signers = MemberSet::from_bits(reader.u128()?);
    let known = MemberSet::first(limits.validator_count_max);
    if !signers.without(known).is_empty() {
        return Err(DecodeError::LengthOverLimit);
    }
    let bytes = reader.rest();
    for _ in signers.iter() {
        let len = reader.u16()?;
        if len > limits.signature_bytes_max {
            return Err(DecodeError::LengthOverLimit);
        }
        reader.bytes(usize::from(len))?;
    }
    let len = bytes.len().saturating_sub(reader.rest().len());
    let bytes = bytes.get(..len).unwrap_or_default();
    Ok(CertificateMessage::from_signatures(
        round,
        value,
        valid_round,
        signers,
        bytes,
    ))
}

//! Bytes read and written by other code than the core's: records for the judge, certificates for
//! those who lie.

use hauptbuch_core::consensus::Statement;
use hauptbuch_core::types::{Epoch, Hash, Height, Round};
use hauptbuch_core::vote::VoteKind;

/// What a record says, read as `docs/formats.md` and its own page lay it out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RecordView {
    pub height: Height,
    pub locked: Option<(Round, Hash)>,
    pub valid: Option<(Round, Hash)>,
    pub statements: Vec<Statement>,
    pub polka: Option<PolkaView>,
}

/// The polka of a record's valid value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PolkaView {
    pub valid_round: i32,
    pub signers: u128,
    pub signatures: Vec<Vec<u8>>,
}

impl RecordView {
    /// Reads a record; nothing where the bytes are none. The checksum is the core's business.
    pub fn read(record: &[u8]) -> Option<Self> {
        let mut bytes = record.get(84..)?;
        let height = Height::new(u64::from_le_bytes(take(&mut bytes)?));
        let _round: [u8; 4] = take(&mut bytes)?;
        let locked = pair(&mut bytes)?;
        let valid = pair(&mut bytes)?;
        let [count] = take(&mut bytes)?;
        let statements = (0..count).map(|_| statement(&mut bytes, height));
        let statements = statements.collect::<Option<Vec<_>>>()?;
        let [has_polka] = take(&mut bytes)?;
        let polka = match has_polka {
            0 => None,
            _ => Some(polka(&mut bytes)?),
        };
        Some(Self {
            height,
            locked,
            valid,
            statements,
            polka,
        })
    }
}

fn take<const LEN: usize>(bytes: &mut &[u8]) -> Option<[u8; LEN]> {
    let (front, rest) = bytes.split_first_chunk::<LEN>()?;
    *bytes = rest;
    Some(*front)
}

fn pair(bytes: &mut &[u8]) -> Option<Option<(Round, Hash)>> {
    let [flag] = take(bytes)?;
    let round = Round::new(u32::from_le_bytes(take(bytes)?));
    let value = Hash::new(take(bytes)?);
    Some((flag == 1).then_some((round, value)))
}

fn statement(bytes: &mut &[u8], height: Height) -> Option<Statement> {
    let [kind] = take(bytes)?;
    let round = Round::new(u32::from_le_bytes(take(bytes)?));
    let [has_value] = take(bytes)?;
    let value = Hash::new(take(bytes)?);
    Some(Statement {
        kind: VoteKind::from_number(kind)?,
        height,
        round,
        value: (has_value == 1).then_some(value),
        valid_round: i32::from_le_bytes(take(bytes)?),
        extension_hash: Hash::new(take(bytes)?),
    })
}

fn polka(bytes: &mut &[u8]) -> Option<PolkaView> {
    let valid_round = i32::from_le_bytes(take(bytes)?);
    let signers = u128::from_le_bytes(take(bytes)?);
    let mut signatures = Vec::new();
    for _ in 0..signers.count_ones() {
        let len = usize::from(u16::from_le_bytes(take(bytes)?));
        let (signature, rest) = bytes.split_at_checked(len)?;
        *bytes = rest;
        signatures.push(signature.to_vec());
    }
    Some(PolkaView {
        valid_round,
        signers,
        signatures,
    })
}

/// A certificate to be written, whatever it is worth.
#[derive(Clone, Debug)]
pub(super) struct CertificateDraft {
    pub epoch: Epoch,
    pub height: Height,
    pub kind: VoteKind,
    pub round: Round,
    pub value: Hash,
    pub valid_round: i32,
    /// Who signed, in the order of members, with what each host added and the signature.
    pub entries: Vec<(u16, Hash, Vec<u8>)>,
}

impl CertificateDraft {
    /// The message.
    pub fn bytes(&self) -> Vec<u8> {
        let number = if self.kind == VoteKind::Prevote { 5 } else { 6 };
        let mut out = vec![1, number];
        out.extend_from_slice(&self.epoch.get().to_le_bytes());
        out.extend_from_slice(&self.height.get().to_le_bytes());
        out.extend_from_slice(&self.round.get().to_le_bytes());
        out.extend_from_slice(self.value.as_bytes());
        out.extend_from_slice(&self.valid_round.to_le_bytes());
        let signers = self.entries.iter().map(|(member, ..)| 1_u128 << member);
        let signers = signers.fold(0, |set, bit| set | bit);
        out.extend_from_slice(&signers.to_le_bytes());
        let extends = self.entries.iter().any(|(_, hash, _)| *hash != Hash::ZERO);
        out.push(u8::from(extends));
        for (_, hash, signature) in &self.entries {
            if extends {
                out.extend_from_slice(hash.as_bytes());
            }
            out.extend_from_slice(&(signature.len() as u16).to_le_bytes());
            out.extend_from_slice(signature);
        }
        out
    }
}

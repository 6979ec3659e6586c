//! Two statements that one member signed and that contradict each other: what a ban rests on.

use super::EvidenceError;
use crate::codec::{EncodeError, Reader, Writer};
use crate::crypto::hash::{Domain, hash};
use crate::crypto::signature::{SIGNATURE_BYTES, Signature, Suite, VerifyingKey};
use crate::types::{Epoch, Hash, Height, Round};
use crate::vote::{SigningContext, Statement, VoteKind};

/// The version of the encoding.
const VERSION: u8 = 1;

/// Proof that a member signed two things of which a correct one signs one: for a height, a round
/// and a kind of statement.
///
/// It names no member: whose key the signatures verify with did it. Votes that stand in different
/// rounds never convict by themselves, for a member may change its mind for a reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConflictProof<'a> {
    epoch: Epoch,
    suite: Suite,
    statements: [Statement; 2],
    signatures: [&'a [u8; SIGNATURE_BYTES]; 2],
}

impl<'a> ConflictProof<'a> {
    /// Bytes of its encoding.
    pub const LEN: usize = 23 + 2 * (69 + SIGNATURE_BYTES);

    /// Puts two signed statements together; the smaller one goes first, so that there is one
    /// spelling.
    ///
    /// # Errors
    /// - [`EvidenceError::EvidenceInvalid`] unless they are of one height, round and kind, and
    ///   differ;
    /// - [`EvidenceError::InvalidVote`] where one of them is none that anybody could send.
    pub fn new(
        epoch: Epoch,
        suite: Suite,
        statements: [Statement; 2],
        signatures: [&'a [u8; SIGNATURE_BYTES]; 2],
    ) -> Result<Self, EvidenceError> {
        let ([first, second], [by_first, by_second]) = (statements, signatures);
        if !first.is_well_formed() || !second.is_well_formed() {
            return Err(EvidenceError::InvalidVote);
        }
        let slot = |statement: &Statement| (statement.kind, statement.height, statement.round);
        if slot(&first) != slot(&second) || first == second {
            return Err(EvidenceError::EvidenceInvalid);
        }
        let is_in_order = content(&first) < content(&second);
        let (statements, signatures) = if is_in_order {
            (statements, signatures)
        } else {
            ([second, first], [by_second, by_first])
        };
        Ok(Self {
            epoch,
            suite,
            statements,
            signatures,
        })
    }

    /// The height at which it happened.
    #[must_use]
    pub const fn height(&self) -> Height {
        let [first, _] = &self.statements;
        first.height
    }

    /// The epoch that both statements were signed for.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// What was signed.
    #[must_use]
    pub const fn statements(&self) -> &[Statement; 2] {
        &self.statements
    }

    /// What the proof is known by in records.
    #[must_use]
    pub fn hash(&self) -> Hash {
        let mut bytes = [0; Self::LEN];
        let encoded = self.encode(&mut Writer::new(&mut bytes));
        debug_assert!(encoded.is_ok(), "LEN is the encoding's length");
        hash(Domain::CONFLICT, &bytes)
    }

    /// Checks that the owner of this key signed both, for this network. Two signature checks.
    ///
    /// # Errors
    /// [`EvidenceError::SignatureInvalid`] where one does not verify, or the key is of another
    /// suite.
    pub fn verify(&self, network: Hash, key: &VerifyingKey) -> Result<(), EvidenceError> {
        let context = SigningContext {
            chain_id: network,
            epoch: self.epoch,
            suite_id: self.suite.number(),
        };
        let both = self.statements.iter().zip(self.signatures);
        let is_good = key.suite() == self.suite
            && both.into_iter().all(|(statement, signature)| {
                key.verify(&statement.sign_bytes(&context), &Signature::new(*signature))
            });
        is_good.then_some(()).ok_or(EvidenceError::SignatureInvalid)
    }

    /// Writes its bytes.
    ///
    /// # Errors
    /// [`EncodeError::BufferTooSmall`].
    pub fn encode(&self, out: &mut Writer<'_>) -> Result<(), EncodeError> {
        let [first, _] = &self.statements;
        out.u8(VERSION)?;
        out.u64(self.epoch.get())?;
        out.u8(self.suite.number())?;
        out.u8(first.kind as u8)?;
        out.u64(first.height.get())?;
        out.u32(first.round.get())?;
        for (statement, signature) in self.statements.iter().zip(self.signatures) {
            out.bytes(&content(statement))?;
            out.bytes(signature)?;
        }
        Ok(())
    }

    /// Reads a proof off the front of `input`.
    ///
    /// ```text
    ///  0  version            1   1
    ///  1  epoch              8
    ///  9  suite              1
    /// 10  kind               1   0 = proposal, 1 = prevote, 2 = precommit
    /// 11  height             8
    /// 19  round              4
    /// 23  two statements         the smaller by its first 69 bytes goes first, each:
    ///       has a value      1
    ///       value           32   zero for nil
    ///       valid round      4
    ///       extension hash  32
    ///       signature    3,309
    /// ```
    ///
    /// # Errors
    /// One for each way in which bytes can fail to be one: see [`EvidenceError`].
    pub fn decode(input: &mut Reader<'a>) -> Result<Self, EvidenceError> {
        input.version(VERSION)?;
        let epoch = Epoch::new(input.u64()?);
        let suite = Suite::from_number(input.u8()?).ok_or(EvidenceError::UnknownMessage)?;
        let kind = VoteKind::from_number(input.u8()?).ok_or(EvidenceError::UnknownMessage)?;
        let height = Height::new(input.u64()?);
        let round = Round::new(input.u32()?);
        let (first, by_first) = signed(input, kind, height, round)?;
        let (second, by_second) = signed(input, kind, height, round)?;
        let proof = Self::new(epoch, suite, [first, second], [by_first, by_second])?;
        if proof.statements != [first, second] {
            return Err(EvidenceError::EvidenceInvalid);
        }
        Ok(proof)
    }
}

/// What differs between two statements of one height, round and kind.
fn content(statement: &Statement) -> [u8; 69] {
    let mut bytes = [0; 69];
    let mut out = Writer::new(&mut bytes);
    let value = statement.value.unwrap_or(Hash::ZERO);
    let written = out
        .u8(u8::from(statement.value.is_some()))
        .and_then(|()| out.bytes(value.as_bytes()))
        .and_then(|()| out.bytes(&statement.valid_round.to_le_bytes()))
        .and_then(|()| out.bytes(statement.extension_hash.as_bytes()));
    debug_assert!(written.is_ok(), "1 + 32 + 4 + 32 = 69");
    bytes
}

fn signed<'a>(
    input: &mut Reader<'a>,
    kind: VoteKind,
    height: Height,
    round: Round,
) -> Result<(Statement, &'a [u8; SIGNATURE_BYTES]), EvidenceError> {
    let has_value = input.u8()?;
    let value = Hash::new(input.array()?);
    let value = match (has_value, value) {
        (0, Hash::ZERO) => None,
        (1, value) => Some(value),
        (0, _) => return Err(EvidenceError::FieldNotEmpty),
        _ => return Err(EvidenceError::UnknownMessage),
    };
    let statement = Statement {
        kind,
        height,
        round,
        value,
        valid_round: i32::from_le_bytes(input.array()?),
        extension_hash: Hash::new(input.array()?),
    };
    let signature = input.bytes(SIGNATURE_BYTES)?.first_chunk();
    Ok((statement, signature.ok_or(EvidenceError::Truncated)?))
}

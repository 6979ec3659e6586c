//! Proof that a promise was broken.

use super::{AccusationError, Place, Receipt};
use crate::batch::{SlotReader, SubBatch};
use crate::certificate::{CommitCertificate, CommitProof};
use crate::codec::{EncodeError, Reader, Writer};
use crate::crypto::hash::{Domain, Hasher};
use crate::crypto::merkle::Folding;
use crate::crypto::signature::{Signature, VerifyingKey};
use crate::limits::Limits;
use crate::receive_log::{Extension, ReceiveLogLimits, next_running_hash};
use crate::types::Hash;

/// The version of the encoding.
const VERSION: u8 = 1;

/// What convicts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum AccusationKind {
    /// Another receipt for the same place.
    OtherReceipt = 1,
    /// The slot that was decided in the receipt's round.
    DecidedSlot = 2,
    /// The signer's own receive log.
    SignedLog = 3,
}

/// Proof that whoever signed a receipt broke it. It names nobody: whose key the receipt verifies
/// with did it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accusation<'a> {
    kind: AccusationKind,
    receipt: &'a [u8],
    proof: &'a [u8],
}

/// What is looked at beside an accusation's own bytes.
#[derive(Clone, Copy, Debug)]
pub enum Beside<'a> {
    /// Nothing: two receipts speak for themselves.
    Nothing,
    /// The slot that was decided.
    Slot {
        /// The accusation's certificate, once it was verified.
        decision: &'a CommitProof,
        /// The slot's bytes.
        bytes: &'a [u8],
        /// The network's limits.
        limits: &'a Limits,
    },
    /// The network's logs.
    Logs {
        /// The network's number.
        chain_id: u64,
        /// Their limits.
        limits: &'a ReceiveLogLimits,
    },
}

impl<'a> Accusation<'a> {
    /// Puts two receipts together; the smaller one goes first, so that there is one spelling.
    ///
    /// # Errors
    /// What can be wrong with a receipt, and [`AccusationError::PromisesAgree`] unless they are
    /// for one place and differ.
    pub fn of_receipts(one: &'a [u8], other: &'a [u8]) -> Result<Self, AccusationError> {
        let (receipt, proof) = if one < other {
            (one, other)
        } else {
            (other, one)
        };
        check_conflict(&whole(receipt)?, &whole(proof)?)?;
        Ok(Self {
            kind: AccusationKind::OtherReceipt,
            receipt,
            proof,
        })
    }

    /// Puts a receipt and the certificate of its height together.
    ///
    /// # Errors
    /// What can be wrong with a receipt; [`AccusationError::UnknownPlace`] unless it promises a
    /// position; [`AccusationError::UnknownAccusation`] where the certificate does not decode.
    pub fn of_slot(receipt: &'a [u8], certificate: &'a [u8]) -> Result<Self, AccusationError> {
        if !matches!(whole(receipt)?.place, Place::Position(_)) {
            return Err(AccusationError::UnknownPlace);
        }
        let read = CommitCertificate::decode(certificate);
        read.map_err(|_| AccusationError::UnknownAccusation)?;
        Ok(Self {
            kind: AccusationKind::DecidedSlot,
            receipt,
            proof: certificate,
        })
    }

    /// Puts a receipt and an extension of the signer's log together, which is read when it is
    /// judged.
    ///
    /// # Errors
    /// What can be wrong with a receipt; [`AccusationError::UnknownPlace`] unless it promises an
    /// index.
    pub fn of_log(receipt: &'a [u8], extension: &'a [u8]) -> Result<Self, AccusationError> {
        if !matches!(whole(receipt)?.place, Place::LogIndex(_)) {
            return Err(AccusationError::UnknownPlace);
        }
        Ok(Self {
            kind: AccusationKind::SignedLog,
            receipt,
            proof: extension,
        })
    }

    /// What convicts.
    #[must_use]
    pub const fn kind(&self) -> AccusationKind {
        self.kind
    }

    /// The bytes of what convicts: the other receipt, the certificate or the extension.
    #[must_use]
    pub const fn proof(&self) -> &'a [u8] {
        self.proof
    }

    /// The receipt that was broken; of two the first.
    ///
    /// # Errors
    /// None, for an accusation's receipt was read before.
    pub fn receipt(&self) -> Result<Receipt<'a>, AccusationError> {
        whole(self.receipt)
    }

    /// Checks that it convicts the owner of this key, in this network.
    ///
    /// Cost: two signature checks; beside a slot one, and a hash over each of its transactions;
    /// beside logs two, and a permutation an entry of the extension.
    ///
    /// # Errors
    /// - [`AccusationError::UnknownAccusation`] where what stands beside it is of another kind, or
    ///   an extension does not decode;
    /// - what can be wrong with a receipt, a wrong signature among it;
    /// - of slots: [`AccusationError::CertificateOfOtherHeight`], [`AccusationError::WrongEpoch`],
    ///   [`AccusationError::RoundLeftBehind`] where another height, epoch or round was decided,
    ///   [`AccusationError::CertificateOfOtherValue`] and [`AccusationError::OtherSlot`] where the
    ///   bytes are not the decided ones, [`AccusationError::PromiseLapsed`],
    ///   [`AccusationError::UnknownRollup`];
    /// - of logs: [`AccusationError::ForeignLog`], [`AccusationError::WrongEpoch`],
    ///   [`AccusationError::LogElsewhere`];
    /// - [`AccusationError::PromiseKept`].
    pub fn verify(
        &self,
        network: Hash,
        key: &VerifyingKey,
        beside: Beside<'_>,
    ) -> Result<(), AccusationError> {
        let receipt = self.receipt()?;
        receipt.verify(network, key)?;
        match (self.kind, beside) {
            (AccusationKind::OtherReceipt, Beside::Nothing) => {
                let other = whole(self.proof)?;
                other.verify(network, key)?;
                check_conflict(&receipt, &other)
            }
            (
                AccusationKind::DecidedSlot,
                Beside::Slot {
                    decision,
                    bytes,
                    limits,
                },
            ) => check_slot(&receipt, decision, bytes, limits),
            (AccusationKind::SignedLog, Beside::Logs { chain_id, limits }) => {
                check_log(&receipt, self.proof, (chain_id, limits), key)
            }
            _ => Err(AccusationError::UnknownAccusation),
        }
    }

    /// Writes its bytes.
    ///
    /// # Errors
    /// [`EncodeError::BufferTooSmall`].
    pub fn encode(&self, out: &mut Writer<'_>) -> Result<(), EncodeError> {
        out.u8(VERSION)?;
        out.u8(self.kind as u8)?;
        out.bytes(self.receipt)?;
        out.bytes(self.proof)
    }

    /// Reads an accusation, which is all of `bytes`.
    ///
    /// ```text
    /// 0  version  1   1
    /// 1  kind     1   1 = another receipt, 2 = the decided slot, 3 = the signed log
    /// 2  receipt
    ///    proof        1: the other receipt, whose bytes are the larger; 2: a commit certificate;
    ///                 3: an extension
    /// ```
    ///
    /// # Errors
    /// As [`Accusation::of_receipts`], [`Accusation::of_slot`] and [`Accusation::of_log`];
    /// [`AccusationError::UnsupportedVersion`] and [`AccusationError::UnknownAccusation`].
    pub fn decode(bytes: &'a [u8]) -> Result<Self, AccusationError> {
        let mut input = Reader::new(bytes);
        input.version(VERSION)?;
        let kind = input.u8()?;
        let start = input.rest();
        Receipt::decode(&mut input)?;
        let proof = input.rest();
        let len = start.len().saturating_sub(proof.len());
        let receipt = start.get(..len).ok_or(AccusationError::Truncated)?;
        match kind {
            1 if proof <= receipt => Err(AccusationError::PromisesAgree),
            1 => Self::of_receipts(receipt, proof),
            2 => Self::of_slot(receipt, proof),
            3 => Self::of_log(receipt, proof),
            _ => Err(AccusationError::UnknownAccusation),
        }
    }

    /// What a ban names it by: SHA3-256 of its bytes, with a domain.
    #[must_use]
    pub fn hash(&self) -> Hash {
        let mut hasher = Hasher::new(Domain::BROKEN_PROMISE);
        hasher.update(&[VERSION, self.kind as u8]);
        hasher.update(self.receipt);
        hasher.update(self.proof);
        hasher.finish()
    }
}

/// Reads a receipt that is all of `bytes`.
fn whole(bytes: &[u8]) -> Result<Receipt<'_>, AccusationError> {
    let mut input = Reader::new(bytes);
    let receipt = Receipt::decode(&mut input)?;
    input.finish()?;
    Ok(receipt)
}

/// Whether two receipts are for one place, and differ in what stands there or before it.
///
/// A log has one entry at an index, whatever base or rollup is said of it; a position is one of a
/// rollup's sub-batch in one round's proposal.
fn check_conflict(one: &Receipt<'_>, other: &Receipt<'_>) -> Result<(), AccusationError> {
    let is_one_place = match (one.place, other.place) {
        (Place::LogIndex(a), Place::LogIndex(b)) => a == b,
        (Place::Position(a), Place::Position(b)) => {
            let proposal = |own: &Receipt<'_>| (own.rollup, own.height, own.round);
            a == b && proposal(one) == proposal(other)
        }
        _ => false,
    };
    let differs = (one.id, one.running_hash) != (other.id, other.running_hash);
    let conflicts = is_one_place && one.epoch == other.epoch && differs;
    conflicts
        .then_some(())
        .ok_or(AccusationError::PromisesAgree)
}

/// Whether the slot that was decided in the receipt's round breaks it.
fn check_slot(
    receipt: &Receipt<'_>,
    decision: &CommitProof,
    bytes: &[u8],
    limits: &Limits,
) -> Result<(), AccusationError> {
    let (Place::Position(position), super::Opening::Slice { slice, .. }) =
        (receipt.place, &receipt.opening)
    else {
        return Err(AccusationError::UnknownPlace);
    };
    if decision.height() != receipt.height {
        return Err(AccusationError::CertificateOfOtherHeight);
    }
    if decision.epoch() != receipt.epoch {
        return Err(AccusationError::WrongEpoch);
    }
    if decision.round() != receipt.round {
        return Err(AccusationError::RoundLeftBehind);
    }
    let mut reader = SlotReader::new(bytes, limits).map_err(|_| AccusationError::OtherSlot)?;
    let header = *reader.header();
    if header.hash() != decision.value() {
        return Err(AccusationError::CertificateOfOtherValue);
    }
    if header.height != receipt.height || header.epoch != receipt.epoch {
        return Err(AccusationError::OtherSlot);
    }
    if header.time > receipt.deadline {
        return Err(AccusationError::PromiseLapsed);
    }
    let mut own = None::<SubBatch<'_>>;
    let mut hashes = Folding::default();
    loop {
        let next = reader.next_sub_batch();
        let Some(sub_batch) = next.map_err(|_| AccusationError::OtherSlot)? else {
            break;
        };
        hashes.push(sub_batch.header.hash());
        if sub_batch.header.rollup == receipt.rollup {
            own = Some(sub_batch);
        }
    }
    if hashes.finish() != header.sub_batch_root {
        return Err(AccusationError::OtherSlot);
    }
    let own = own.ok_or(AccusationError::UnknownRollup)?;
    if !own.is_bound() {
        return Err(AccusationError::OtherSlot);
    }
    let is_kept = own.id_at(position) == Some(receipt.id)
        && own.continues(receipt.epoch, *slice, receipt.running_hash);
    if is_kept {
        Err(AccusationError::PromiseKept)
    } else {
        Ok(())
    }
}

/// Whether the signer's log breaks the receipt.
fn check_log(
    receipt: &Receipt<'_>,
    extension: &[u8],
    (chain_id, limits): (u64, &ReceiveLogLimits),
    key: &VerifyingKey,
) -> Result<(), AccusationError> {
    let Place::LogIndex(index) = receipt.place else {
        return Err(AccusationError::UnknownPlace);
    };
    let extension = Extension::decode(extension, limits);
    let extension = extension.map_err(|_| AccusationError::UnknownAccusation)?;
    if extension.log.chain_id != chain_id {
        return Err(AccusationError::ForeignLog);
    }
    if extension.log.epoch != receipt.epoch {
        return Err(AccusationError::WrongEpoch);
    }
    // The running hash behind the entry: at least at the front of what the extension shows.
    let behind = index.checked_add(1);
    let behind = behind.filter(|at| (extension.first..=extension.end()).contains(at));
    let behind = behind.ok_or(AccusationError::LogElsewhere)?;
    let count = behind.saturating_distance(extension.first) as usize;
    let shown = extension.entries().take(count);
    let running = shown.fold(extension.previous, |running, (base, entry)| {
        next_running_hash(&running, base, &entry)
    });
    if running == receipt.running_hash {
        return Err(AccusationError::PromiseKept);
    }
    let message = extension.statement().bytes(receipt.suite.number());
    let signature = Signature::from_slice(extension.signature);
    let is_signed = signature.is_some_and(|signature| key.verify(&message, &signature));
    is_signed
        .then_some(())
        .ok_or(AccusationError::SignatureInvalid)
}

//! A certificate that is held or being checked.

use alloc::boxed::Box;

use super::rows::Tally;
use super::{SigRef, SignatureStore, VoteRows};
use crate::bounded::{fixed_slice, fixed_slice_bytes};
use crate::consensus::message::CertificateMessage;
use crate::types::{Hash, Height, MemberIndex, Round};
use crate::vote::{MemberSet, NO_ROUND, Statement, VoteKind};

/// How far a certificate has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::consensus) enum Stage {
    /// None is there.
    #[default]
    Empty,
    /// Its signatures are to be verified.
    Waiting,
    /// They are being verified.
    Verifying,
    /// They are all good.
    Verified,
}

/// Room for one certificate.
#[derive(Clone, Debug)]
pub(in crate::consensus) struct CertificateSlot {
    pub stage: Stage,
    pub kind: VoteKind,
    pub round: Round,
    pub value: Hash,
    pub valid_round: i32,
    pub signers: MemberSet,
    /// Who sent it.
    pub source: MemberIndex,
    /// Changes with each certificate that comes in, so that an answer about another is noticed.
    pub generation: u64,
    signatures: Box<[SigRef]>,
    extensions: Box<[Hash]>,
}

impl CertificateSlot {
    /// Makes room for the votes of so many members.
    pub fn new(kind: VoteKind, member_count: u16) -> Self {
        Self {
            stage: Stage::Empty,
            kind,
            round: Round::ZERO,
            value: Hash::ZERO,
            valid_round: NO_ROUND,
            signers: MemberSet::EMPTY,
            source: MemberIndex::ZERO,
            generation: 0,
            signatures: fixed_slice(usize::from(member_count), SigRef::NONE),
            extensions: fixed_slice(usize::from(member_count), Hash::ZERO),
        }
    }

    /// The bytes that [`CertificateSlot::new`] takes.
    pub const fn footprint_bytes(member_count: u16) -> u64 {
        fixed_slice_bytes::<SigRef>(member_count as usize)
            + fixed_slice_bytes::<Hash>(member_count as usize)
    }

    /// Whether it holds a certificate whose signatures are good.
    pub fn is_verified(&self) -> bool {
        self.stage == Stage::Verified
    }

    /// Whether it proves this.
    pub fn proves(&self, round: Round, value: Hash) -> bool {
        self.is_verified() && self.round == round && self.value == value
    }

    /// Empties it.
    pub fn clear(&mut self, signatures: &mut SignatureStore) {
        for member in self.signers.iter() {
            signatures.release(&mut self.signatures[usize::from(member.get())]);
        }
        self.signers = MemberSet::EMPTY;
        self.stage = Stage::Empty;
        self.generation += 1;
    }

    /// Takes over the votes of a tally, which were verified one by one.
    pub fn fill_from_rows(
        &mut self,
        rows: &VoteRows,
        row: usize,
        tally: &Tally,
        round: Round,
        signatures: &mut SignatureStore,
    ) {
        self.clear(signatures);
        self.stage = Stage::Verified;
        self.round = round;
        self.value = tally.value;
        self.valid_round = tally.valid_round;
        self.signers = tally.members;
        for member in tally.members.iter() {
            let at = usize::from(member.get());
            let (extension_hash, signature) = rows.entry(row, member);
            self.signatures[at] = signatures.share(signature);
            self.extensions[at] = extension_hash;
        }
    }

    /// Takes over what another slot holds.
    pub fn fill_from_slot(&mut self, other: &Self, signatures: &mut SignatureStore) {
        self.clear(signatures);
        self.stage = other.stage;
        self.round = other.round;
        self.value = other.value;
        self.valid_round = other.valid_round;
        self.signers = other.signers;
        self.source = other.source;
        for member in other.signers.iter() {
            let at = usize::from(member.get());
            self.signatures[at] = signatures.share(other.signatures[at]);
            self.extensions[at] = other.extensions[at];
        }
    }

    /// Takes in a certificate that has yet to be verified, or that a record vouches for; false,
    /// and empty, where there is no room for its signatures.
    pub fn fill_from_message(
        &mut self,
        message: &CertificateMessage<'_>,
        source: MemberIndex,
        signatures: &mut SignatureStore,
    ) -> bool {
        self.clear(signatures);
        self.stage = Stage::Waiting;
        self.round = message.round;
        self.value = message.value;
        self.valid_round = message.valid_round;
        self.source = source;
        for entry in message.iter() {
            let at = usize::from(entry.member.get());
            let Some(signature) = signatures.insert(entry.signature) else {
                self.clear(signatures);
                return false;
            };
            self.signatures[at] = signature;
            self.extensions[at] = entry.extension_hash;
            self.signers.insert(entry.member);
        }
        true
    }

    /// What its `position`-th signer signed, and the signature.
    pub fn entry(
        &self,
        position: usize,
        height: Height,
    ) -> Option<(MemberIndex, Statement, SigRef)> {
        let member = self.signers.iter().nth(position)?;
        let at = usize::from(member.get());
        let statement = Statement {
            kind: self.kind,
            height,
            round: self.round,
            value: Some(self.value),
            valid_round: self.valid_round,
            extension_hash: self.extensions[at],
        };
        Some((member, statement, self.signatures[at]))
    }

    /// What each signer added, and its signature, in the order of the members.
    pub fn entries<'a>(
        &'a self,
        signatures: &'a SignatureStore,
    ) -> impl Iterator<Item = (Hash, &'a [u8])> + Clone {
        self.signers.iter().map(move |member| {
            let at = usize::from(member.get());
            (self.extensions[at], signatures.get(self.signatures[at]))
        })
    }
}

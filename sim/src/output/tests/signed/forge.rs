//! Certificates that nobody should believe, and members that are others than a run's.

use hauptbuch_core::certificate::{CommitCertificate, write_commit_certificate};
use hauptbuch_core::codec::Writer;
use hauptbuch_core::crypto::signature::Signature;
use hauptbuch_core::sequencer::Membership;
use hauptbuch_core::types::{Epoch, Hash, Height, MemberIndex, Round, SequencerId};
use hauptbuch_core::vote::{MEMBER_COUNT_MAX, NO_ROUND, SigningContext, Statement, VoteKind};

use crate::committee::{MemberKeys, network_hash};
use crate::output::members::CertificateLine;

/// What a certificate says, and who signed what in it.
#[derive(Clone)]
pub(in crate::output::tests) struct Forged {
    pub(in crate::output::tests) epoch: u64,
    pub(in crate::output::tests) height: u64,
    pub(in crate::output::tests) round: u32,
    /// The round that the certificate names.
    pub(in crate::output::tests) told_round: u32,
    pub(in crate::output::tests) value: Hash,
    /// Whose bits are set.
    pub(in crate::output::tests) signers: Vec<u16>,
    /// Whose keys signed, in the order of the bits.
    pub(in crate::output::tests) signed_by: Vec<u16>,
}

impl Forged {
    /// What these members sign of a slot.
    pub(in crate::output::tests) fn of(height: u64, value: Hash, signers: &[u16]) -> Self {
        Self {
            epoch: 0,
            height,
            round: 0,
            told_round: 0,
            value,
            signers: signers.to_vec(),
            signed_by: signers.to_vec(),
        }
    }
}

/// The bytes of a certificate.
pub(in crate::output::tests) fn certificate(
    keys: &MemberKeys,
    genesis: &Hash,
    forged: &Forged,
) -> Vec<u8> {
    let context = SigningContext {
        chain_id: network_hash(genesis, keys.membership()),
        epoch: Epoch::new(forged.epoch),
        suite_id: keys.membership().suite().number(),
    };
    let mut decided = Statement {
        kind: VoteKind::Precommit,
        height: Height::new(forged.height),
        round: Round::new(forged.round),
        value: Some(forged.value),
        valid_round: NO_ROUND,
        extension_hash: Hash::ZERO,
    };
    let message = decided.sign_bytes(&context);
    let signed = forged.signed_by.iter().map(|member| {
        let signer = keys.signer(*member).unwrap();
        signer.sign(&message).unwrap()
    });
    let signed: Vec<Signature> = signed.collect();
    let entries = forged.signers.iter().zip(&signed);
    let entries = entries.map(|(member, own)| (MemberIndex::new(*member), Hash::ZERO, own));
    decided.round = Round::new(forged.told_round);
    let mut bytes = vec![0; 1 << 16];
    let mut out = Writer::new(&mut bytes);
    write_commit_certificate(&mut out, context.epoch, &decided, entries).unwrap();
    let len = out.len();
    bytes.truncate(len);
    bytes
}

/// The line of a certificate, whatever it says.
pub(in crate::output::tests) fn line(bytes: &[u8]) -> String {
    let digits = crate::hex::text(bytes);
    match CommitCertificate::decode(bytes) {
        Ok(read) => serde_json::to_string(&CertificateLine::new(&read, &digits)).unwrap() + "\n",
        Err(_) => format!("{{\"certificate\":\"{digits}\"}}\n"),
    }
}

/// The members with one key of another membership.
pub(in crate::output::tests) fn with_key(
    own: &Membership,
    place: usize,
    other: &Membership,
) -> Membership {
    let rows = own.members().iter().zip(other.members()).enumerate();
    let rows = rows.map(|(at, (own, other))| {
        let key = if at == place { other } else { own };
        (own.id, own.weight, &key.public_key)
    });
    let mut made = Membership::with_room(MEMBER_COUNT_MAX, own.suite());
    made.fill(own.epoch(), own.suite(), rows).unwrap();
    made
}

/// The members with higher numbers and other weights.
pub(in crate::output::tests) fn with_numbers(
    own: &Membership,
    more: u32,
    weight: u64,
) -> Membership {
    let rows = own.members().iter();
    let rows = rows.map(|it| (SequencerId::new(it.id.get() + more), weight, &it.public_key));
    let mut made = Membership::with_room(MEMBER_COUNT_MAX, own.suite());
    made.fill(own.epoch(), own.suite(), rows).unwrap();
    made
}

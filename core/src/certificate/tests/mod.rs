//! What a certificate proves, and all that it does not.

mod bytes;
mod replay;
mod threshold;

use std::vec::Vec;

use super::*;
use crate::codec::Writer;
use crate::crypto::signature::{Provider, Signature};
use crate::sequencer::tests::kit::{NETWORK, context, membership, precommit, sign};
use crate::types::{Epoch, Hash, MemberIndex};
use crate::vote::{SigningContext, Statement};

/// The electorate of an epoch whose members have the keys 0 .. count.
pub(crate) fn electorate(epoch: u64, weights: &[u64]) -> Electorate {
    let membership = membership(epoch, weights);
    Electorate::new(NETWORK, Provider::MlDsa65, &membership, 16).unwrap()
}

/// The bytes of a certificate of an epoch, signed by the members with these numbers.
pub(crate) fn certificate(epoch: u64, statement: &Statement, signers: &[u32]) -> Vec<u8> {
    certificate_of(&context(epoch), statement, signers)
}

/// The same with votes for something else: whatever was signed is put in.
fn certificate_of(context: &SigningContext, signed: &Statement, signers: &[u32]) -> Vec<u8> {
    assemble(context.epoch, signed, signed, context, signers)
}

/// A certificate that says `told`, with signatures of `signed`.
fn assemble(
    epoch: Epoch,
    told: &Statement,
    signed: &Statement,
    context: &SigningContext,
    signers: &[u32],
) -> Vec<u8> {
    let signatures: Vec<_> = signers
        .iter()
        .map(|number| {
            let signature = Signature::new(*sign(*number, signed, context));
            (
                MemberIndex::new(*number as u16),
                told.extension_hash,
                signature,
            )
        })
        .collect();
    let entries = signatures
        .iter()
        .map(|(member, extension, by)| (*member, *extension, by));
    let mut bytes = std::vec![0; 16 * 3_400];
    let mut out = Writer::new(&mut bytes);
    write_commit_certificate(&mut out, epoch, told, entries).unwrap();
    out.written().to_vec()
}

fn verify(bytes: &[u8], electorate: &Electorate) -> Result<CommitProof, CertificateError> {
    CommitCertificate::decode(bytes)?.verify(electorate)
}

#[test]
fn a_quorum_proves_what_it_signed() {
    let electorate = electorate(2, &[1; 4]);
    let bytes = certificate(2, &precommit(9, 1, 7), &[0, 2, 3]);
    let proof = verify(&bytes, &electorate).unwrap();
    assert_eq!((proof.height().get(), proof.round().get()), (9, 1));
    assert_eq!(
        (proof.value(), proof.epoch().get()),
        (Hash::new([7; 32]), 2)
    );
    assert_eq!((proof.weight(), proof.signers().bits()), (3, 0b1101));
    assert_eq!(proof.membership_hash(), electorate.membership_hash());
    let other = CertificateError::CertificateOfOtherHeight;
    assert_eq!(
        proof.expect(proof.height().next(), proof.value()),
        Err(other)
    );
    let other = CertificateError::CertificateOfOtherValue;
    assert_eq!(proof.expect(proof.height(), Hash::ZERO), Err(other));
    assert_eq!(proof.expect(proof.height(), proof.value()), Ok(()));
}

#[test]
fn extensions_are_part_of_what_is_signed() {
    let electorate = electorate(2, &[1; 4]);
    let extended = Statement {
        extension_hash: Hash::new([6; 32]),
        ..precommit(9, 1, 7)
    };
    let bytes = certificate(2, &extended, &[0, 1, 2]);
    verify(&bytes, &electorate).unwrap();
    let mut wrong = bytes;
    wrong[CERTIFICATE_HEADER_LEN] ^= 1;
    assert_eq!(
        verify(&wrong, &electorate),
        Err(CertificateError::SignatureInvalid)
    );
}

#[test]
fn jobs_run_on_many_threads() {
    let electorate = electorate(0, &[3, 1, 1, 2]);
    let bytes = certificate(0, &precommit(1, 0, 1), &[0, 1, 3]);
    let certificate = CommitCertificate::decode(&bytes).unwrap();
    let check = certificate.check(&electorate).unwrap();
    assert_eq!((check.job_count(), check.jobs().count()), (3, 3));
    let verdicts: Vec<(MemberIndex, bool)> = std::thread::scope(|scope| {
        let started: Vec<_> = check
            .jobs()
            .map(|job| scope.spawn(move || (job.member, job.run())))
            .collect();
        let ended = started.into_iter().map(|thread| thread.join().unwrap());
        ended.collect()
    });
    let mut good = crate::vote::MemberSet::EMPTY;
    for (member, is_good) in verdicts {
        assert!(is_good);
        good.insert(member);
    }
    let proof = check.conclude(good).unwrap();
    assert_eq!(proof, certificate.verify(&electorate).unwrap());
    for missing in good.iter() {
        let mut fewer = good;
        fewer.remove(missing);
        assert_eq!(
            check.conclude(fewer),
            Err(CertificateError::SignatureInvalid)
        );
    }
}

#[test]
fn an_electorate_goes_on_to_the_next_epoch_in_place() {
    let mut electorate = electorate(0, &[1; 4]);
    let old = certificate(0, &precommit(1, 0, 1), &[0, 1, 2]);
    let new = certificate(1, &precommit(2, 0, 1), &[0, 1]);
    verify(&old, &electorate).unwrap();
    electorate.replace(&membership(1, &[5, 5])).unwrap();
    assert_eq!(verify(&old, &electorate), Err(CertificateError::WrongEpoch));
    assert_eq!(verify(&new, &electorate).unwrap().weight(), 10);
    let made = super::tests::electorate(1, &[5, 5]);
    assert_eq!(made.membership_hash(), electorate.membership_hash());
    assert!(
        electorate.key(MemberIndex::new(2)).is_none(),
        "the old ones are gone"
    );
    assert_eq!(electorate.weight_of(crate::vote::MemberSet::first(4)), 10);
    let other_suite =
        crate::sequencer::Membership::with_room(4, crate::crypto::signature::Suite::Dilithium3);
    assert_eq!(
        electorate.replace(&other_suite),
        Err(ElectorateError::UnknownSuite)
    );
    let nobody =
        crate::sequencer::Membership::with_room(4, crate::crypto::signature::Suite::MlDsa65);
    assert_eq!(
        electorate.replace(&nobody),
        Err(ElectorateError::MemberCountOutOfRange)
    );
    let small = Electorate::new(NETWORK, Provider::MlDsa65, &membership(1, &[1; 3]), 2);
    assert_eq!(
        small.map(|_| ()),
        Err(ElectorateError::MemberCountOutOfRange)
    );
    assert_eq!(
        verify(&new, &electorate).unwrap().weight(),
        10,
        "refusals changed nothing"
    );
}

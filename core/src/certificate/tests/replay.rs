//! Signatures that are good for something else.

use super::*;
use crate::crypto::signature::Suite;
use crate::sequencer::EvidenceError;
use crate::vote::{NO_ROUND, VoteKind};

const SIGNERS: &[u32] = &[0, 1, 2];

/// What becomes of a certificate for one thing with signatures for another.
fn replayed(signed: &Statement, context: &SigningContext) -> Result<(), CertificateError> {
    let told = precommit(9, 1, 7);
    let bytes = assemble(Epoch::new(2), &told, signed, context, SIGNERS);
    verify(&bytes, &electorate(2, &[1; 4])).map(|_| ())
}

const REFUSED: Result<(), CertificateError> = Err(CertificateError::SignatureInvalid);

#[test]
fn replay_across_heights_is_refused() {
    assert_eq!(replayed(&precommit(9, 1, 7), &context(2)), Ok(()));
    assert_eq!(replayed(&precommit(8, 1, 7), &context(2)), REFUSED);
}

#[test]
fn replay_across_rounds_is_refused() {
    assert_eq!(replayed(&precommit(9, 0, 7), &context(2)), REFUSED);
}

#[test]
fn replay_across_values_is_refused() {
    assert_eq!(replayed(&precommit(9, 1, 8), &context(2)), REFUSED);
}

#[test]
fn votes_for_nil_are_no_votes_for_a_value() {
    let nil = Statement {
        value: None,
        ..precommit(9, 1, 7)
    };
    assert_eq!(replayed(&nil, &context(2)), REFUSED);
}

#[test]
fn replay_across_types_is_refused() {
    for kind in [VoteKind::Prevote, VoteKind::Proposal] {
        for valid_round in [NO_ROUND, 0] {
            let other = Statement {
                kind,
                valid_round,
                ..precommit(9, 1, 7)
            };
            assert_eq!(replayed(&other, &context(2)), REFUSED);
        }
    }
}

#[test]
fn replay_across_epochs_is_refused() {
    assert_eq!(replayed(&precommit(9, 1, 7), &context(1)), REFUSED);
    // Nor does it help to tell the true epoch.
    let bytes = certificate(1, &precommit(9, 1, 7), SIGNERS);
    let refused = verify(&bytes, &electorate(2, &[1; 4]));
    assert_eq!(refused, Err(CertificateError::WrongEpoch));
}

#[test]
fn replay_across_suites_is_refused() {
    let other = SigningContext {
        suite_id: Suite::Dilithium3.number(),
        ..context(2)
    };
    assert_eq!(replayed(&precommit(9, 1, 7), &other), REFUSED);
}

#[test]
fn replay_across_chains_is_refused() {
    let other = SigningContext {
        chain_id: Hash::new([6; 32]),
        ..context(2)
    };
    assert_eq!(replayed(&precommit(9, 1, 7), &other), REFUSED);
}

#[test]
fn a_member_cannot_vote_in_another_ones_place() {
    // Three good signatures, the last of them told to be of the fourth member.
    let mut bytes = certificate(2, &precommit(9, 1, 7), SIGNERS);
    bytes[58] = 0b1011;
    assert_eq!(verify(&bytes, &electorate(2, &[1; 4])).map(|_| ()), REFUSED);
}

#[test]
fn a_duplicate_voter_counts_once() {
    let once = certificate(2, &precommit(9, 1, 7), &[0, 1]);
    let light = Err(CertificateError::CertificateTooLight);
    assert_eq!(verify(&once, &electorate(2, &[1; 4])).map(|_| ()), light);
    // Its signature a second time: behind the end, or in the place of somebody else.
    let mut twice = once.clone();
    twice.extend_from_slice(&once[once.len() - CERTIFICATE_ENTRY_LEN..]);
    let refused = verify(&twice, &electorate(2, &[1; 4])).map(|_| ());
    assert_eq!(refused, Err(CertificateError::TrailingBytes));
    twice[58] = 0b111;
    assert_eq!(verify(&twice, &electorate(2, &[1; 4])).map(|_| ()), REFUSED);
}

#[test]
fn unknown_members_are_refused_whatever_else_is_there() {
    let bytes = certificate(2, &precommit(9, 1, 7), &[0, 1, 2, 3, 4]);
    let refused = verify(&bytes, &electorate(2, &[1; 4]));
    assert_eq!(refused, Err(CertificateError::UnknownMember));
}

#[test]
fn another_set_of_members_does_not_take_it() {
    let bytes = certificate(2, &precommit(9, 1, 7), SIGNERS);
    // The same keys in another order, behind the same epoch.
    let keys: Vec<_> = [1, 0, 2, 3]
        .map(|number| {
            crate::sequencer::tests::kit::key(number)
                .public_key()
                .clone()
        })
        .into();
    let mut turned = membership(2, &[1; 4]);
    let rows = keys.iter().enumerate();
    let rows = rows.map(|(at, key)| (crate::types::SequencerId::new(at as u32), 1, key));
    turned.fill(Epoch::new(2), Suite::MlDsa65, rows).unwrap();
    let turned = Electorate::new(NETWORK, Provider::MlDsa65, &turned, 4).unwrap();
    assert_eq!(verify(&bytes, &turned).map(|_| ()), REFUSED);
    assert_ne!(
        turned.membership_hash(),
        electorate(2, &[1; 4]).membership_hash()
    );
}

#[test]
fn one_bad_signature_rejects_though_the_others_would_be_enough() {
    let good = certificate(2, &precommit(9, 1, 7), &[0, 1, 2, 3]);
    let electorate = electorate(2, &[1; 4]);
    verify(&good, &electorate).unwrap();
    for signer in 0..4 {
        let mut bytes = good.clone();
        bytes[CERTIFICATE_HEADER_LEN + signer * CERTIFICATE_ENTRY_LEN + 100] ^= 1;
        assert_eq!(
            verify(&bytes, &electorate).map(|_| ()),
            REFUSED,
            "signer {signer}"
        );
    }
}

#[test]
fn two_certificates_of_a_round_convict_whoever_signed_both() {
    let electorate = electorate(2, &[1; 4]);
    let [a, b] = [7, 8].map(|value| precommit(9, 1, value));
    let (a, b) = (
        certificate(2, &a, &[0, 1, 2]),
        certificate(2, &b, &[1, 2, 3]),
    );
    let (a, b) = (
        CommitCertificate::decode(&a).unwrap(),
        CommitCertificate::decode(&b).unwrap(),
    );
    for member in 0..4 {
        let member = MemberIndex::new(member);
        let proof = a.conflict_with(&b, Suite::MlDsa65, member);
        if [1, 2].contains(&member.get()) {
            let key = electorate.key(member).unwrap();
            proof.unwrap().verify(NETWORK, key).unwrap();
            let of_other = proof.unwrap().verify(Hash::ZERO, key);
            assert_eq!(of_other, Err(EvidenceError::SignatureInvalid));
        } else {
            assert_eq!(proof.map(|_| ()), Err(EvidenceError::EvidenceInvalid));
        }
    }
    let later = certificate(2, &precommit(9, 2, 8), &[1, 2, 3]);
    let later = CommitCertificate::decode(&later).unwrap();
    let refused = a.conflict_with(&later, Suite::MlDsa65, MemberIndex::new(1));
    assert_eq!(refused.map(|_| ()), Err(EvidenceError::EvidenceInvalid));
}

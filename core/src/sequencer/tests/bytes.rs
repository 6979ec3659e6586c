//! Encodings, hashes and the audit log's verifier.

use super::kit::*;
use crate::codec::{Reader, Writer};
use crate::crypto::signature::{SIGNATURE_BYTES, Suite};
use crate::sequencer::*;
use crate::types::{Epoch, Hash, Tick};
use crate::vote::Statement;
use std::boxed::Box;
use std::vec::Vec;

fn encoded(change: &Change<'_>) -> Vec<u8> {
    let mut bytes = std::vec![0; 8_192];
    let mut out = Writer::new(&mut bytes);
    change.encode(&mut out).unwrap();
    out.written().to_vec()
}

fn evidence() -> ([Statement; 2], [Box<[u8; SIGNATURE_BYTES]>; 2]) {
    let statements = [precommit(9, 2, 4), precommit(9, 2, 3)];
    let signed = statements.map(|statement| sign(1, &statement, &context(0)));
    (statements, signed)
}

#[test]
fn changes_are_read_as_they_were_written_and_every_cut_is_refused() {
    let applicant = Applicant::new(5, 9, 0);
    let (statements, signed) = evidence();
    let both = [&*signed[0], &*signed[1]];
    let proof = ConflictProof::new(Epoch::ZERO, Suite::MlDsa65, statements, both).unwrap();
    let changes = [
        Change::Admit(applicant.view()),
        Change::Activate(id(1)),
        Change::Deactivate(id(2)),
        Change::Suspend(id(3)),
        Change::Ban(id(4), BanReason::Votes(proof)),
        Change::Ban(id(4), BanReason::Checked(NETWORK)),
        Change::Remove(id(5)),
        Change::SetWeight(id(6), 77),
    ];
    let mut all = Vec::new();
    for (kind, change) in (1_u8..).zip(&changes) {
        let bytes = encoded(change);
        assert_eq!(bytes[..2], [1, kind]);
        let mut reader = Reader::new(&bytes);
        assert_eq!(Change::decode(&mut reader), Ok(*change));
        reader.finish().unwrap();
        for len in (0..bytes.len()).step_by(bytes.len().div_ceil(40)) {
            let cut = Change::decode(&mut Reader::new(&bytes[..len]));
            assert_eq!(cut, Err(ChangeError::Truncated), "{kind} of {len} bytes");
        }
        all.extend(bytes);
    }
    let unknown = |bytes: [u8; 6]| Change::decode(&mut Reader::new(&bytes)).unwrap_err();
    assert_eq!(unknown([1, 9, 0, 0, 0, 0]), ChangeError::UnknownChange);
    assert_eq!(unknown([2, 2, 0, 0, 0, 0]), ChangeError::UnsupportedVersion);
    assert_eq!(changes_hash(&[]), Hash::ZERO);
    assert_ne!(changes_hash(&all), changes_hash(&all[..all.len() - 1]));
}

#[test]
fn a_proof_of_conflict_has_one_spelling() {
    let (statements, signed) = evidence();
    let [a, b] = statements;
    let (by_a, by_b) = (&*signed[0], &*signed[1]);
    let suite = Suite::MlDsa65;
    let proof = ConflictProof::new(Epoch::ZERO, suite, [a, b], [by_a, by_b]).unwrap();
    let turned = ConflictProof::new(Epoch::ZERO, suite, [b, a], [by_b, by_a]).unwrap();
    assert_eq!(proof, turned);
    assert_eq!(proof.statements(), &[b, a], "the smaller value goes first");
    let mut bytes = [0; ConflictProof::LEN];
    proof.encode(&mut Writer::new(&mut bytes)).unwrap();
    let read = ConflictProof::decode(&mut Reader::new(&bytes)).unwrap();
    assert_eq!((read, read.hash()), (proof, turned.hash()));
    let (first, second) = bytes[23..].split_at_mut(69 + 3_309);
    first.swap_with_slice(second);
    let refused = ConflictProof::decode(&mut Reader::new(&bytes));
    assert_eq!(refused, Err(EvidenceError::EvidenceInvalid));
    for (at, value, error) in [
        (0, 2, EvidenceError::UnsupportedVersion),
        (9, 3, EvidenceError::UnknownMessage),
        (10, 3, EvidenceError::UnknownMessage),
        (23, 2, EvidenceError::UnknownMessage),
        (23, 0, EvidenceError::FieldNotEmpty),
    ] {
        let mut wrong = bytes;
        wrong[at] = value;
        let refused = ConflictProof::decode(&mut Reader::new(&wrong));
        assert_eq!(refused, Err(error), "byte {at}");
    }
}

#[test]
fn memberships_are_read_as_they_were_written() {
    let membership = membership(3, &[1, 1 << 32, 7]);
    let mut bytes = std::vec![0; membership.encoded_len()];
    membership.encode(&mut Writer::new(&mut bytes)).unwrap();
    assert_eq!(bytes[..12], [1, 1, 3, 0, 0, 0, 0, 0, 0, 0, 3, 0]);
    let mut read = Membership::with_room(16, Suite::Dilithium3);
    read.decode(&bytes).unwrap();
    assert_eq!(read, membership);
    let tagged = crate::crypto::hash::hash(crate::crypto::hash::Domain::MEMBERSHIP, &bytes);
    assert_eq!(read.hash(), tagged);
    let mut short = [0; 11];
    let refused = membership.encode(&mut Writer::new(&mut short));
    assert_eq!(refused, Err(MembershipError::BufferTooSmall));
    let mut refusal = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut wrong = bytes.clone();
        change(&mut wrong);
        read.decode(&wrong).unwrap_err()
    };
    use MembershipError as E;
    assert_eq!(refusal(&|b| b[0] = 2), E::UnsupportedVersion);
    assert_eq!(refusal(&|b| b[1] = 3), E::UnknownSuite);
    assert_eq!(refusal(&|b| b[10] = 2), E::TrailingBytes);
    assert_eq!(refusal(&|b| b[10] = 4), E::Truncated);
    assert_eq!(refusal(&|b| b[10] = 17), E::MemberCountOutOfRange);
    assert_eq!(refusal(&|b| b.push(0)), E::TrailingBytes);
    assert_eq!(refusal(&|b| b.truncate(11)), E::Truncated);
    assert_eq!(refusal(&|b| b[16..24].fill(0)), E::WeightOutOfRange);
    assert_eq!(refusal(&|b| b[12] = 1), E::MembersOutOfOrder);
    let second = 12 + Member::LEN;
    let twice = refusal(&|b| b.copy_within(24..second, second + 12));
    assert_eq!(twice, E::PublicKeyTaken);
    assert_eq!(
        refusal(&|b| *b = std::vec![1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
        E::MemberCountOutOfRange
    );
}

#[test]
fn every_field_of_a_membership_counts() {
    let base = membership(3, &[1, 2]).hash();
    assert_ne!(membership(4, &[1, 2]).hash(), base);
    assert_ne!(membership(3, &[1, 3]).hash(), base);
    assert_ne!(membership(3, &[1, 2, 3]).hash(), base);
    assert_eq!(membership(3, &[1, 2]).hash(), base);
}

/// A log with everything in it.
fn log() -> (Vec<u8>, Hash) {
    let rules = SequencerRules {
        heads_min: 3,
        ..SequencerRules::default()
    };
    let mut manager = registry(&[1; 3], rules);
    let newcomer = Applicant::new(7, 1, 0);
    let ban = Change::Ban(id(1), BanReason::Checked(NETWORK));
    let changes = [
        Change::Suspend(id(2)),
        ban,
        ban,
        Change::Remove(id(3)),
        Change::Admit(newcomer.view()),
        Change::Activate(id(7)),
        Change::SetWeight(id(7), 5),
    ];
    for (at, change) in (1..).zip(&changes) {
        manager.decide_change(height(at), change).unwrap();
    }
    manager.advance_epoch(height(9), Tick::ZERO).unwrap();
    manager.advance_epoch(height(10), Tick::ZERO).unwrap();
    let bytes = records(&mut manager)
        .iter()
        .flat_map(AuditRecord::to_bytes)
        .collect();
    (bytes, manager.audit_hash())
}

#[test]
fn an_exported_log_verifies_alone_and_in_pieces() {
    let (bytes, hash) = log();
    let mut whole = AuditVerifier::new(NETWORK);
    whole.verify(&bytes).unwrap();
    assert_eq!(whole.hash(), hash);
    assert_eq!(whole.count() as usize * AUDIT_RECORD_LEN, bytes.len());
    let mut pieces = AuditVerifier::new(NETWORK);
    bytes
        .chunks(3 * AUDIT_RECORD_LEN)
        .for_each(|piece| pieces.verify(piece).unwrap());
    assert_eq!(pieces.hash(), hash);
    for record in bytes.chunks_exact(AUDIT_RECORD_LEN) {
        let read = AuditRecord::decode(&mut Reader::new(record)).unwrap();
        assert_eq!(read.to_bytes(), record);
    }
    let elsewhere = AuditVerifier::new(Hash::ZERO).verify(&bytes).unwrap_err();
    assert_eq!(
        (elsewhere.record, elsewhere.error),
        (0, AuditError::WrongRunningHash)
    );
}

#[test]
fn the_first_bad_record_is_named_whatever_was_done_to_it() {
    let (bytes, hash) = log();
    let count = bytes.len() / AUDIT_RECORD_LEN;
    for record in 0..count {
        let start = record * AUDIT_RECORD_LEN;
        for byte in start..start + AUDIT_RECORD_LEN {
            let mut wrong = bytes.clone();
            wrong[byte] ^= 1;
            let fault = AuditVerifier::new(NETWORK).verify(&wrong).unwrap_err();
            assert_eq!(fault.record, record as u64, "byte {byte}");
        }
        // Left out, and twice.
        let rest = &bytes[start + AUDIT_RECORD_LEN..];
        let left_out = [&bytes[..start], rest].concat();
        let mut verifier = AuditVerifier::new(NETWORK);
        match verifier.verify(&left_out) {
            Err(fault) => assert_eq!(fault.record, record as u64),
            Ok(()) => assert_ne!(verifier.hash(), hash, "only the end can be cut off"),
        }
        let twice = [&bytes[..start + AUDIT_RECORD_LEN], &bytes[start..]].concat();
        let fault = AuditVerifier::new(NETWORK).verify(&twice).unwrap_err();
        assert_eq!(fault.record, record as u64 + 1);
    }
    let cut = AuditVerifier::new(NETWORK).verify(&bytes[..bytes.len() - 1]);
    let fault = cut.unwrap_err();
    assert_eq!(
        (fault.record, fault.error),
        (count as u64 - 1, AuditError::Truncated)
    );
}

#[test]
fn a_log_that_was_rewritten_consistently_must_still_make_sense() {
    let (bytes, _) = log();
    let mut log: Vec<AuditRecord> = bytes
        .chunks_exact(AUDIT_RECORD_LEN)
        .map(|record| AuditRecord::decode(&mut Reader::new(record)).unwrap())
        .collect();
    let place = log
        .iter()
        .position(|record| record.kind == AuditKind::Decided)
        .unwrap();
    let verdict = |log: &mut [AuditRecord]| {
        let mut hash = audit_start(NETWORK);
        for record in log.iter_mut() {
            hash = record.hash_after(hash);
            record.hash = hash;
        }
        let bytes: Vec<u8> = log.iter().flat_map(AuditRecord::to_bytes).collect();
        AuditVerifier::new(NETWORK).verify(&bytes)
    };
    verdict(&mut log).unwrap();
    let mut refusal = |change: fn(&mut AuditRecord)| {
        let before = log[place];
        change(&mut log[place]);
        let fault = verdict(&mut log).unwrap_err();
        log[place] = before;
        assert_eq!(fault.record, place as u64);
        fault.error
    };
    use AuditError::{AuditOutOfOrder, StatusChangeNotAllowed};
    assert_eq!(refusal(|r| r.number += 1), AuditOutOfOrder);
    assert_eq!(refusal(|r| r.epoch = Epoch::new(1)), AuditOutOfOrder);
    assert_eq!(
        refusal(|r| r.from = SequencerStatus::Banned),
        StatusChangeNotAllowed
    );
}

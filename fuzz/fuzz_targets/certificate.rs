//! Certificates, changes to the membership, memberships and audit records from arbitrary bytes:
//! every reader ends, what it reads is canonical, and nothing forged proves anything.
#![no_main]

use std::sync::OnceLock;

use hauptbuch_core::certificate::{CommitCertificate, Electorate};
use hauptbuch_core::codec::{Reader, Writer};
use hauptbuch_core::crypto::signature::{Provider, SecretKey, Seed, Suite};
use hauptbuch_core::sequencer::{AUDIT_RECORD_LEN, AuditRecord, AuditVerifier, Change, Membership};
use hauptbuch_core::types::{Epoch, Hash, SequencerId};
use hauptbuch_core::vote::MemberSet;
use libfuzzer_sys::fuzz_target;

/// Weights by which the sum of twelve needs more than eight.
const WEIGHTS: [u64; 4] = [1, 1, 4, 6];

fn electorate() -> &'static Electorate {
    static ELECTORATE: OnceLock<Electorate> = OnceLock::new();
    ELECTORATE.get_or_init(|| {
        let key = |number: u8| {
            let seed = Seed::new([number; 32]);
            let key = SecretKey::from_seed(Provider::MlDsa65, &seed);
            key.expect("a seed makes a key").public_key().clone()
        };
        let keys = [key(1), key(2), key(3), key(4)];
        let rows = keys.iter().zip(WEIGHTS).enumerate();
        let rows = rows.map(|(at, (key, weight))| (SequencerId::new(at as u32), weight, key));
        let mut membership = Membership::with_room(4, Suite::MlDsa65);
        let filled = membership.fill(Epoch::new(1), Suite::MlDsa65, rows);
        filled.expect("four members");
        Electorate::new(Hash::ZERO, Provider::MlDsa65, &membership, 4).expect("it is built in")
    })
}

fuzz_target!(|data: &[u8]| {
    let Some((kind, bytes)) = data.split_first() else {
        return;
    };
    match kind % 4 {
        0 => certificate(bytes),
        1 => change(bytes),
        2 => membership(bytes),
        _ => audit(bytes),
    }
});

fn certificate(bytes: &[u8]) {
    let Ok(certificate) = CommitCertificate::decode(bytes) else {
        return;
    };
    assert_eq!(certificate.entries().count(), certificate.signers.len());
    let electorate = electorate();
    let signers = certificate.signers.bits();
    let weights = (0..4).filter(|at| signers >> at & 1 == 1);
    let weight: u128 = weights.map(|at| u128::from(WEIGHTS[at])).sum();
    let total: u128 = WEIGHTS.iter().map(|weight| u128::from(*weight)).sum();
    let is_known = signers < 1 << WEIGHTS.len();
    let is_own = certificate.epoch == electorate.epoch();
    let is_enough = weight > total * 2 / 3;
    let check = certificate.check(electorate);
    assert_eq!(check.is_ok(), is_own && is_known && is_enough);
    if let Ok(check) = check {
        assert!(check.conclude(MemberSet::EMPTY).is_err());
        // Nobody has these keys, so that no signature can be good.
        assert!(certificate.verify(electorate).is_err());
    }
}

fn change(bytes: &[u8]) {
    let mut reader = Reader::new(bytes);
    let Ok(change) = Change::decode(&mut reader) else {
        return;
    };
    let mut written = vec![0; bytes.len()];
    let mut out = Writer::new(&mut written);
    change.encode(&mut out).expect("as long as before");
    assert_eq!(out.written(), &bytes[..bytes.len() - reader.rest().len()]);
}

fn membership(bytes: &[u8]) {
    let mut membership = Membership::with_room(4, Suite::MlDsa65);
    if membership.decode(bytes).is_err() {
        return;
    }
    let mut written = vec![0; membership.encoded_len()];
    let encoded = membership.encode(&mut Writer::new(&mut written));
    encoded.expect("as long as it says");
    assert_eq!(written, bytes);
    assert!(!membership.members().is_empty());
}

fn audit(bytes: &[u8]) {
    for record in bytes.chunks_exact(AUDIT_RECORD_LEN) {
        if let Ok(read) = AuditRecord::decode(&mut Reader::new(record)) {
            assert_eq!(read.to_bytes(), record);
        }
    }
    let mut verifier = AuditVerifier::new(Hash::ZERO);
    if let Err(fault) = verifier.verify(bytes) {
        assert_eq!(fault.record, verifier.count());
    }
}

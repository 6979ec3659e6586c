//! Receipts and accusations from arbitrary bytes: every reader ends, what it reads is canonical,
//! and nothing forged binds or convicts anybody.
#![no_main]

use std::sync::OnceLock;

use hauptbuch_core::codec::{Reader, Writer};
use hauptbuch_core::crypto::hash::{Domain, hash};
use hauptbuch_core::crypto::signature::{Provider, SecretKey, Seed, VerifyingKey};
use hauptbuch_core::receipt::{Accusation, Beside, Receipt};
use hauptbuch_core::receive_log::ReceiveLogLimits;
use hauptbuch_core::types::Hash;
use libfuzzer_sys::fuzz_target;

/// A key that has signed nothing.
fn key() -> &'static VerifyingKey {
    static KEY: OnceLock<VerifyingKey> = OnceLock::new();
    KEY.get_or_init(|| {
        let key = SecretKey::from_seed(Provider::MlDsa65, &Seed::new([9; 32]));
        let key = key.expect("a seed makes a key");
        VerifyingKey::new(Provider::MlDsa65, key.public_key()).expect("it is built in")
    })
}

fuzz_target!(|data: &[u8]| {
    let Some((kind, bytes)) = data.split_first() else {
        return;
    };
    match kind % 2 {
        0 => receipt(bytes),
        _ => accusation(bytes),
    }
});

fn receipt(bytes: &[u8]) {
    let mut input = Reader::new(bytes);
    let Ok(receipt) = Receipt::decode(&mut input) else {
        return;
    };
    let mut written = vec![0; Receipt::LEN_MAX];
    let mut out = Writer::new(&mut written);
    receipt.encode(&mut out).expect("the longest fits");
    assert_eq!(out.written(), &bytes[..bytes.len() - input.rest().len()]);
    assert!(receipt.verify(Hash::ZERO, key()).is_err());
}

fn accusation(bytes: &[u8]) {
    let Ok(accusation) = Accusation::decode(bytes) else {
        return;
    };
    let mut written = vec![0; bytes.len()];
    let encoded = accusation.encode(&mut Writer::new(&mut written));
    encoded.expect("as long as before");
    assert_eq!(written, bytes);
    assert_eq!(accusation.hash(), hash(Domain::BROKEN_PROMISE, bytes));
    let limits = ReceiveLogLimits {
        log_count_max: 5,
        extent_entries_max: 64,
        signature_bytes_max: 3_309,
    };
    let logs = Beside::Logs {
        chain_id: 0,
        limits: &limits,
    };
    for beside in [Beside::Nothing, logs] {
        assert!(accusation.verify(Hash::ZERO, key(), beside).is_err());
    }
}

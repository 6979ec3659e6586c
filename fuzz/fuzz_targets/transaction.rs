//! Transactions from arbitrary bytes: what decodes is canonical.
#![no_main]

use hauptbuch_core::codec::Writer;
use hauptbuch_core::types::Transaction;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(transaction) = Transaction::decode(data, 1 << 16) else {
        return;
    };
    let mut bytes = vec![0; transaction.encoded_len()];
    transaction.encode(&mut Writer::new(&mut bytes)).unwrap();
    assert_eq!(bytes, data);
});

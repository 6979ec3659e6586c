//! Round trips and refusals of the canonical transaction.

pub(crate) mod damage;

use proptest::prelude::*;
use std::vec;
use std::vec::Vec;

use super::{DecodeError, Writer};
use crate::types::{
    Address, Envelope, Fee, Gas, Nonce, RollupId, Transaction, TransactionKind, UnixNs,
};

fn encoded(transaction: &Transaction<'_>) -> Vec<u8> {
    let mut bytes = vec![0; transaction.encoded_len()];
    let mut writer = Writer::new(&mut bytes);
    transaction.encode(&mut writer).unwrap();
    assert_eq!(writer.len(), transaction.encoded_len());
    bytes
}

fn envelopes() -> impl Strategy<Value = Envelope> {
    (
        any::<(u32, [u8; 20], [u8; 20], u128, u64)>(),
        any::<(u64, u64, u64)>(),
    )
        .prop_map(
            |((rollup, sender, recipient, amount, nonce), (fee, gas, expiry))| Envelope {
                rollup: RollupId::new(rollup),
                sender: Address::new(sender),
                recipient: Address::new(recipient),
                amount,
                nonce: Nonce::new(nonce),
                fee: Fee::new(fee),
                gas: Gas::new(gas),
                expiry: UnixNs::new(expiry),
                kind: TransactionKind::Plain,
            },
        )
}

proptest! {
    #[test]
    fn what_was_encoded_decodes(envelope in envelopes(), payload in any::<Vec<u8>>()) {
        let transaction = Transaction { envelope, payload: &payload };
        let bytes = encoded(&transaction);
        prop_assert_eq!(Transaction::decode(&bytes, 1 << 20), Ok(transaction));
        for len in 0..bytes.len() {
            let decoded = Transaction::decode(&bytes[..len], 1 << 20);
            prop_assert_eq!(decoded, Err(DecodeError::Truncated));
        }
    }

    #[test]
    fn what_decodes_is_canonical(mut bytes in any::<Vec<u8>>(), plausible in any::<bool>()) {
        if plausible && bytes.len() >= 98 {
            let payload_len = (bytes.len() - 98) as u32;
            bytes[..2].copy_from_slice(&[1, 0]);
            bytes[94..98].copy_from_slice(&payload_len.to_le_bytes());
        }
        if let Ok(transaction) = Transaction::decode(&bytes, 1 << 20) {
            prop_assert_eq!(encoded(&transaction), bytes);
        }
    }
}

#[test]
fn malformed_bytes_are_refused_with_a_reason() {
    let good = encoded(&Transaction {
        envelope: Envelope::default(),
        payload: b"payload",
    });
    let changed = |at: usize, value: u8| {
        let mut bytes = good.clone();
        bytes[at] = value;
        bytes
    };
    let refusal = |bytes: &[u8]| Transaction::decode(bytes, 7).unwrap_err();
    assert!(Transaction::decode(&good, 7).is_ok());
    assert_eq!(refusal(&changed(0, 2)), DecodeError::UnsupportedVersion);
    assert_eq!(refusal(&changed(1, 9)), DecodeError::UnknownKind);
    assert_eq!(refusal(&changed(94, 8)), DecodeError::LengthOverLimit);
    assert_eq!(refusal(&changed(94, 6)), DecodeError::TrailingBytes);
    assert_eq!(refusal(&changed(97, 255)), DecodeError::LengthOverLimit);
}

#[test]
fn a_buffer_too_small_is_an_error() {
    let transaction = Transaction {
        envelope: Envelope::default(),
        payload: b"payload",
    };
    let mut bytes = vec![0; transaction.encoded_len() - 1];
    assert!(transaction.encode(&mut Writer::new(&mut bytes)).is_err());
}

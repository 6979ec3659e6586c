//! Receipts and accusations as bytes: the layout written a second time, and damaged.

use super::*;
use crate::crypto::hash::Domain;

fn two() -> (Vec<u8>, Vec<u8>) {
    let (one, other) = (world(&[&[1, 2, 3]]), world(&[&[1, 8, 3]]));
    let receipt = |world: &World| {
        let told = &world.told[0];
        told.receipt(4, 1, &told.promise(6, TIME))
    };
    (receipt(&one), receipt(&other))
}

#[test]
fn receipts_are_written_as_the_format_says() {
    let world = world(&[&[1, 2, 3]]);
    let told = &world.told[1];
    let promise = told.promise(6, 5_000);
    let bytes = told.receipt(4, 2, &promise);
    let proof = told.proof(2);
    let slice = &told.slice;
    let mut expected = vec![1, 1, 1];
    expected.extend(9_u32.to_le_bytes());
    expected.push(1);
    expected.extend([0; 8]);
    expected.extend(0_u64.to_le_bytes());
    expected.extend(1_u64.to_le_bytes());
    expected.extend(6_u32.to_le_bytes());
    expected.extend(2_u64.to_le_bytes());
    expected.extend(told.ids[2].as_bytes());
    expected.extend(slice.running_hash.as_bytes());
    expected.extend(5_000_u64.to_le_bytes());
    expected.extend(told.before.as_bytes());
    expected.extend(0_u16.to_le_bytes());
    expected.extend(3_u32.to_le_bytes());
    expected.extend(2_u32.to_le_bytes());
    assert_eq!(proof.siblings.len(), 2);
    for sibling in &proof.siblings {
        expected.extend(sibling.as_bytes());
    }
    let mut message = b"hb/rc/1".to_vec();
    message.extend(NETWORK.as_bytes());
    message.extend(0_u64.to_le_bytes());
    message.extend([1, 1]);
    message.extend(9_u32.to_le_bytes());
    message.push(1);
    message.extend([0; 8]);
    message.extend(1_u64.to_le_bytes());
    message.extend(6_u32.to_le_bytes());
    message.extend(0_u16.to_le_bytes());
    message.extend(0_u64.to_le_bytes());
    message.extend(slice.running_hash.as_bytes());
    message.extend(5_000_u64.to_le_bytes());
    assert_eq!(message, promise.sign_bytes(NETWORK, SUITE));
    let by = key(4).sign(&message, &Randomness::ZERO).unwrap();
    expected.extend(by.as_bytes());
    assert_eq!(bytes, expected);
}

#[test]
fn what_is_read_is_written_again_and_shorter_bytes_are_refused() {
    let (one, _) = two();
    let mut input = Reader::new(&one);
    let receipt = Receipt::decode(&mut input).unwrap();
    assert!(input.rest().is_empty());
    assert_eq!(encoded(&receipt), one);
    for len in 0..one.len() {
        let refused = Receipt::decode(&mut Reader::new(&one[..len]));
        assert_eq!(refused, Err(ReceiptError::Truncated), "{len} bytes");
    }
    let with = |at: usize, value: u8| {
        let mut damaged = one.clone();
        damaged[at] = value;
        Receipt::decode(&mut Reader::new(&damaged)).map(|_| ())
    };
    assert_eq!(with(0, 2), Err(ReceiptError::UnsupportedVersion));
    assert_eq!(with(1, 3), Err(ReceiptError::UnknownSuite));
    assert_eq!(with(2, 0), Err(ReceiptError::UnknownPlace));
    assert_eq!(with(2, 3), Err(ReceiptError::UnknownPlace));
    assert_eq!(with(7, 8), Err(ReceiptError::UnknownPolicy));
    assert_eq!(with(8, 1), Err(ReceiptError::ParameterOutOfRange));
    assert_eq!(with(36 + 4, 1), Err(ReceiptError::FieldNotEmpty));
    // A slice of more transactions than a slot can have, and a place behind its end.
    assert_eq!(with(150 + 2, 0x11), Err(ReceiptError::LengthOverLimit));
    assert_eq!(with(154, 3), Err(ReceiptError::LengthOverLimit));
    // An index where the policy keeps no logs.
    assert_eq!(with(2, 2), Err(ReceiptError::UnknownPlace));
}

#[test]
fn no_flipped_bit_leaves_a_receipt_that_binds() {
    let (one, _) = two();
    let key = verifying_key(4);
    for at in 0..one.len() - crate::crypto::signature::SIGNATURE_BYTES + 16 {
        let mut damaged = one.clone();
        damaged[at] ^= 1 << (at % 8);
        let mut input = Reader::new(&damaged);
        let Ok(receipt) = Receipt::decode(&mut input) else {
            continue;
        };
        assert!(receipt.verify(NETWORK, &key).is_err(), "byte {at}");
    }
}

#[test]
fn accusations_have_one_spelling_and_a_hash() {
    let (one, other) = two();
    let accusation = Accusation::of_receipts(&one, &other).unwrap();
    let mut bytes = vec![0; 2 * Receipt::LEN_MAX];
    let mut out = Writer::new(&mut bytes);
    accusation.encode(&mut out).unwrap();
    let bytes = out.written().to_vec();
    let (first, second) = if one < other {
        (&one, &other)
    } else {
        (&other, &one)
    };
    assert_eq!(bytes, [&[1, 1], &first[..], &second[..]].concat());
    assert_eq!(Accusation::decode(&bytes), Ok(accusation));
    assert_eq!(accusation.kind(), AccusationKind::OtherReceipt);
    assert_eq!(accusation.hash(), hash(Domain::BROKEN_PROMISE, &bytes));
    assert_eq!(encoded(&accusation.receipt().unwrap()), *first);
    let swapped = [&[1, 1], &second[..], &first[..]].concat();
    let agree = Err(AccusationError::PromisesAgree);
    assert_eq!(Accusation::decode(&swapped), agree);
    let twice = [&[1, 1], &first[..], &first[..]].concat();
    assert_eq!(Accusation::decode(&twice), agree);
    for len in 0..bytes.len() {
        assert!(Accusation::decode(&bytes[..len]).is_err(), "{len} bytes");
    }
    let longer = [&bytes[..], &[0]].concat();
    assert_eq!(
        Accusation::decode(&longer),
        Err(AccusationError::TrailingBytes)
    );
    let with = |at: usize, value: u8| {
        let mut damaged = bytes.clone();
        damaged[at] = value;
        Accusation::decode(&damaged).map(|_| ())
    };
    assert_eq!(with(0, 9), Err(AccusationError::UnsupportedVersion));
    assert_eq!(with(1, 4), Err(AccusationError::UnknownAccusation));
    assert_eq!(with(1, 2), Err(AccusationError::UnknownAccusation));
    assert_eq!(with(1, 3), Err(AccusationError::UnknownPlace));
}

#[test]
fn an_accusation_by_a_decision_reads_as_it_was_written() {
    let world = world(&[&[1, 2]]);
    let told = &world.told[0];
    let receipt = told.receipt(4, 0, &told.promise(0, TIME));
    let certificate = decided(world.height, 0, world.hash);
    let accusation = Accusation::of_slot(&receipt, &certificate).unwrap();
    assert_eq!(accusation.proof(), certificate);
    let mut bytes = vec![0; receipt.len() + certificate.len() + 2];
    accusation.encode(&mut Writer::new(&mut bytes)).unwrap();
    assert_eq!(Accusation::decode(&bytes), Ok(accusation));
    assert_eq!(
        Accusation::of_slot(&receipt, &certificate[1..]),
        Err(AccusationError::UnknownAccusation)
    );
}

//! Bytes of bodies and of questions for them.

use std::vec;
use std::vec::Vec;

use super::kit::limits;
use crate::consensus::*;
use crate::types::{Epoch, Hash, Height};

fn name() -> BodyName {
    BodyName {
        epoch: Epoch::new(2),
        height: Height::new(9),
        value: Hash::new([7; 32]),
    }
}

fn encoded(message: &PeerMessage<'_>) -> Vec<u8> {
    let mut bytes = vec![0; limits().message_bytes_max()];
    let len = message.encode(&mut bytes).unwrap();
    bytes.truncate(len);
    bytes
}

#[test]
fn what_is_written_is_read_and_has_one_spelling() {
    let limits = limits();
    let longest = vec![5; limits.value_bytes_max as usize];
    for message in [
        PeerMessage::GetBody(name()),
        PeerMessage::PutBody(name(), b"x"),
        PeerMessage::PutBody(name(), &longest),
    ] {
        let bytes = encoded(&message);
        assert_eq!(PeerMessage::decode(&bytes, &limits), Ok(message));
        for len in 0..bytes.len().min(64) {
            assert!(
                PeerMessage::decode(&bytes[..len], &limits).is_err(),
                "{len}"
            );
        }
        let mut longer = bytes.clone();
        longer.push(0);
        let trailing = Err(MessageError::TrailingBytes);
        assert_eq!(PeerMessage::decode(&longer, &limits), trailing);
        let mut other = bytes;
        other[0] = 2;
        let unknown = Err(MessageError::UnsupportedVersion);
        assert_eq!(PeerMessage::decode(&other, &limits), unknown);
    }
    assert_eq!(encoded(&PeerMessage::GetBody(name())).len(), 50);
    assert_eq!(encoded(&PeerMessage::PutBody(name(), b"abc")).len(), 57);
}

#[test]
fn bodies_are_neither_empty_nor_longer_than_the_limit() {
    let limits = limits();
    let over = vec![5; limits.value_bytes_max as usize + 1];
    let mut bytes = vec![0; over.len() + 100];
    let len = write_put_body(&mut bytes, &name(), &over).unwrap();
    let decoded = PeerMessage::decode(&bytes[..len], &limits);
    assert_eq!(decoded, Err(MessageError::LengthOverLimit));
    let len = write_put_body(&mut bytes, &name(), &[]).unwrap();
    let decoded = PeerMessage::decode(&bytes[..len], &limits);
    assert_eq!(decoded, Err(MessageError::LengthOverLimit));
    assert!(write_put_body(&mut bytes[..20], &name(), b"abc").is_err());
}

//! A second reading of the formats that shares nothing with the first but the hash function.

use std::vec::Vec;

use sha3::{Digest as _, Sha3_256};

use super::super::{Entry, LogVerifier};
use super::world::{CHAIN, EPOCH, Keys, id, own, signed, stamp};
use crate::types::{Hash, InboxIndex, RollupId};

/// Bytes of an entry, as `docs/formats.md` has them.
pub fn entry_bytes(entry: &Entry) -> Vec<u8> {
    match entry {
        Entry::Id {
            rollup,
            id,
            sealed,
            body_bytes,
        } => [
            &[1][..],
            &rollup.get().to_le_bytes(),
            id.as_bytes(),
            &[u8::from(*sealed)],
            &body_bytes.to_le_bytes(),
        ]
        .concat(),
        Entry::Stamp(time) => [&[2][..], &time.get().to_le_bytes()].concat(),
        Entry::Closed => [3].to_vec(),
        Entry::Inbox { rollup, position } => [
            &[4][..],
            &rollup.get().to_le_bytes(),
            &position.get().to_le_bytes(),
        ]
        .concat(),
    }
}

fn sha3(parts: &[&[u8]]) -> [u8; 32] {
    Sha3_256::digest(parts.concat()).into()
}

pub fn chained(previous: [u8; 32], base: u64, entry: &Entry) -> [u8; 32] {
    sha3(&[
        b"hb/le/1",
        &previous,
        &base.to_le_bytes(),
        &entry_bytes(entry),
    ])
}

#[test]
fn an_extension_has_the_bytes_of_its_diagram() {
    let first = [id(1), stamp(20), Entry::Closed];
    let second = [
        Entry::Inbox {
            rollup: RollupId::new(2),
            position: InboxIndex::new(9),
        },
        id(4),
    ];
    let mut log = own(2);
    signed(&mut log, 5, &first);
    let bytes = signed(&mut log, 6, &second);

    let epoch = EPOCH.get().to_le_bytes();
    let mut running = sha3(&[
        b"hb/ls/1",
        &CHAIN.to_le_bytes(),
        &epoch,
        &2_u16.to_le_bytes(),
        &[5; 32],
    ]);
    for entry in &first {
        running = chained(running, 5, entry);
    }
    let before = running;
    for entry in &second {
        running = chained(running, 6, entry);
    }
    let statement = [
        &b"hb/lg/1"[..],
        &[9],
        &CHAIN.to_le_bytes(),
        &epoch,
        &2_u16.to_le_bytes(),
        &5_u64.to_le_bytes(),
        &running,
        &6_u64.to_le_bytes(),
    ]
    .concat();
    let (head, signature) = bytes.split_at(bytes.len() - 32);
    assert!(Keys.verify(2, &statement.try_into().unwrap(), signature));
    let plain = [
        &[1][..],
        &CHAIN.to_le_bytes(),
        &epoch,
        &2_u16.to_le_bytes(),
        &3_u64.to_le_bytes(),
        &before,
        &1_u32.to_le_bytes(),
        &6_u64.to_le_bytes(),
        &2_u32.to_le_bytes(),
        &entry_bytes(&second[0]),
        &entry_bytes(&second[1]),
        &32_u16.to_le_bytes(),
    ]
    .concat();
    assert_eq!(head, plain);
    assert_eq!(log.record().end.running, Hash::new(running));
}

//! The vectors of receipts against a second reading of the formats, which shares nothing with the
//! core but the hash function.

use std::path::PathBuf;

use hauptbuch_tests::hex;
use hauptbuch_tests::vectors::ReceiptsFile;
use sha3::{Digest as _, Sha3_256};

type Digest = [u8; 32];

const SIGNATURE_LEN: usize = 3_309;

fn file() -> ReceiptsFile {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("vectors/receipts.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn sha3(domain: &str, parts: &[&[u8]]) -> Digest {
    let mut hasher = Sha3_256::new();
    hasher.update(domain);
    parts.iter().for_each(|part| hasher.update(part));
    hasher.finalize().into()
}

fn number(bytes: &[u8]) -> u64 {
    let mut bytes = bytes.iter().rev();
    bytes
        .try_fold(0_u64, |sum, byte| {
            sum.checked_mul(256).map(|sum| sum | u64::from(*byte))
        })
        .unwrap()
}

/// The root over a leaf and its siblings; how many bytes of siblings that took.
fn root(leaf: &[u8], count: u64, position: u64, siblings: &[u8]) -> (Digest, usize) {
    let mut node: Digest = leaf.try_into().unwrap();
    let (mut width, mut at, mut used) = (count, position, 0);
    while width > 1 {
        let first = at - at % 4;
        let mut children = Vec::new();
        for child in first..width.min(first + 4) {
            if child == at {
                children.extend(node);
            } else {
                children.extend(&siblings[used..used + 32]);
                used += 32;
            }
        }
        node = sha3("hb/mn/1", &[&children]);
        (width, at) = (width.div_ceil(4), at / 4);
    }
    (sha3("hb/mr/1", &[&count.to_le_bytes(), &node]), used)
}

/// Checks that a receipt holds together; returns what is signed of it, and its length.
fn read(network: &[u8], bytes: &[u8]) -> (Vec<u8>, usize) {
    let field = |at: usize, len: usize| &bytes[at..at + len];
    assert_eq!(&bytes[..2], [1, 1]);
    let (kind, rollup, policy) = (bytes[2], field(3, 4), bytes[7]);
    let (epoch, height, place) = (field(16, 8), field(24, 8), field(36, 8));
    let (id, running, before) = (field(44, 32), field(76, 32), field(116, 32));
    let (slice, first, end) = if kind == 1 {
        let (slice, count, at) = (field(148, 2), number(field(150, 4)), number(field(154, 4)));
        let (root, used) = root(id, count, at, &bytes[158..]);
        let step: &[&[u8]] = &[
            before,
            rollup,
            &[policy],
            epoch,
            height,
            &[0; 4],
            slice,
            &root,
        ];
        assert_eq!(sha3("hb/rh/2", step), running);
        let first = number(place).checked_sub(at).unwrap();
        (slice.to_vec(), first.to_le_bytes(), 158 + used)
    } else {
        assert_eq!((kind, field(32, 4)), (2, &[0; 4][..]));
        let entry = [&[1][..], rollup, id, field(148, 5)].concat();
        assert_eq!(sha3("hb/le/1", &[before, height, &entry]), running);
        (vec![0; 2], place.try_into().unwrap(), 153)
    };
    let message = [
        &b"hb/rc/1"[..],
        network,
        epoch,
        &[1, kind],
        rollup,
        field(7, 9),
        height,
        field(32, 4),
        &slice,
        &first,
        running,
        field(108, 8),
    ];
    (message.concat(), end + SIGNATURE_LEN)
}

#[test]
fn receipts_follow_the_documented_format() {
    let file = file();
    let network = hex::decode(&file.network).unwrap();
    assert_eq!(hex::decode(&file.public_key).unwrap().len(), 1_952);
    assert_eq!(file.receipts.len(), 6);
    for vector in &file.receipts {
        let bytes = hex::decode(&vector.bytes).unwrap();
        let (message, len) = read(&network, &bytes);
        assert_eq!(hex::encode(&message), vector.message, "{}", vector.name);
        assert_eq!(len, bytes.len(), "{}", vector.name);
    }
    // One signature serves a whole slice.
    let signature = |at: usize| {
        let digits = &file.receipts[at].bytes;
        &digits[digits.len() - 2 * SIGNATURE_LEN..]
    };
    assert!((1..5).all(|at| signature(at) == signature(0)));
    assert_ne!(signature(5), signature(0));
}

#[test]
fn accusations_follow_the_documented_format() {
    let file = file();
    let network = hex::decode(&file.network).unwrap();
    assert_eq!(file.accusations.len(), 2);
    for vector in &file.accusations {
        let bytes = hex::decode(&vector.bytes).unwrap();
        assert_eq!(bytes[..2], [1, 1], "{}", vector.name);
        let (_, len) = read(&network, &bytes[2..]);
        let (one, other) = bytes[2..].split_at(len);
        assert_eq!(read(&network, other).1, other.len());
        assert!(one < other, "{}", vector.name);
        // One epoch and one place, and another transaction there.
        assert_eq!(
            (&one[2..3], &one[16..24], &one[36..44]),
            (&other[2..3], &other[16..24], &other[36..44])
        );
        assert_ne!(one[44..76], other[44..76]);
        assert_eq!(hex::encode(&sha3("hb/bp/1", &[&bytes])), vector.hash);
    }
}

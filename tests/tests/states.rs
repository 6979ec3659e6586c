//! The committed states of a node: each is read and written again with the same bytes, and none of
//! them passes with a byte changed.

use std::fs;
use std::path::PathBuf;

use hauptbuch_tests::hex;
use hauptbuch_tests::vectors::{StateVector, StatesFile};
use sha3::{Digest as _, Sha3_256};

fn states() -> Vec<StateVector> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("vectors/states.json");
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
    let file: StatesFile = serde_json::from_str(&text).unwrap();
    assert_eq!(file.states.len(), 6);
    file.states
}

fn sha3(domain: &str, bytes: &[u8]) -> Vec<u8> {
    let mut hasher = Sha3_256::new();
    hasher.update(domain);
    hasher.update(bytes);
    hasher.finalize().to_vec()
}

/// Whether the state has the frame with a checksum; the order that logs gave has none.
fn is_framed(state: &StateVector) -> bool {
    state.domain != "hb/fs/1"
}

#[test]
fn each_state_is_read_and_written_again() {
    for state in states() {
        let bytes = hex::decode(&state.bytes).unwrap();
        let (again, hash) = state.rewrite(&bytes).unwrap();
        assert!(again == bytes, "{}", state.name);
        assert_eq!(hash.map(|hash| hash.to_string()), state.hash);
    }
}

/// Frame, checksum and hash as docs/formats.md tells them.
#[test]
fn checksums_and_hashes_are_over_what_the_formats_say() {
    for state in states() {
        let bytes = hex::decode(&state.bytes).unwrap();
        if is_framed(&state) {
            let (content, checksum) = bytes.split_at(bytes.len() - 32);
            assert_eq!(checksum, sha3(&state.domain, content), "{}", state.name);
            assert_eq!(bytes[0], 1);
            let len = u64::from_le_bytes(bytes[1..9].try_into().unwrap());
            assert_eq!(len, bytes.len() as u64);
        } else {
            let hash = state.hash.clone().unwrap();
            assert_eq!(hex::decode(&hash).unwrap(), sha3(&state.domain, &bytes));
        }
    }
}

/// The registry's hash is over its decided part, which ends before what the node saw.
#[test]
fn the_registrys_hash_is_over_its_decided_part() {
    let all = states();
    let registry = all.iter().find(|state| state.name == "registry").unwrap();
    let bytes = hex::decode(&registry.bytes).unwrap();
    let content = &bytes[9..];
    let count = usize::from(u16::from_le_bytes([content[120], content[121]]));
    assert_eq!(count, 3);
    let each = 4 + 1_952 + 8 + 8 + 1 + 1 + 1 + 8 + 4 + 8;
    let decided = &content[64..122 + count * each];
    let hash = sha3("hb/rg/1", &[&[1], decided].concat());
    assert_eq!(hex::encode(&hash), *registry.hash.as_ref().unwrap());
    // What this node saw, and the records that wait, are all the rest.
    let seen = &content[122 + count * each..content.len() - 32];
    let waiting = u32::from_le_bytes(seen[count * 36..count * 36 + 4].try_into().unwrap());
    assert_eq!(seen.len(), count * 36 + 4 + waiting as usize * 104);
}

#[test]
fn no_state_passes_with_a_byte_changed() {
    for state in states() {
        let bytes = hex::decode(&state.bytes).unwrap();
        // To make a state of finality takes a key that is prepared anew.
        let step = if state.name == "finality" { 41 } else { 1 };
        let mut refused = 0;
        for at in (0..bytes.len()).step_by(step) {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            match state.rewrite(&damaged) {
                Err(_) => refused += 1,
                Ok((again, hash)) => {
                    assert!(!is_framed(&state), "{} at {at}", state.name);
                    let hash = hash.map(|hash| hash.to_string());
                    assert!(again == damaged && hash != state.hash);
                }
            }
        }
        // Every byte of a state with a checksum; without one, those that cannot say something else.
        let tried = bytes.len().div_ceil(step);
        let refused_min = if is_framed(&state) { tried } else { 40 };
        assert!(refused >= refused_min, "{}: {refused}", state.name);
        for len in [0, 8, bytes.len() / 2, bytes.len() - 1] {
            state.rewrite(&bytes[..len]).unwrap_err();
        }
        state.rewrite(&[&bytes[..], &[0]].concat()).unwrap_err();
    }
}

//! The vectors of receive logs against a second reading of the formats, which shares nothing with
//! the core but the hash function.

use std::path::PathBuf;

use hauptbuch_tests::hex;
use hauptbuch_tests::vectors::{EntryVector, ExtensionVector, ReceiveLogFile};
use sha3::{Digest as _, Keccak256, Sha3_256};

type Digest = [u8; 32];

fn file() -> ReceiveLogFile {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("vectors/receive_log.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn sha3(domain: &str, parts: &[&[u8]]) -> Digest {
    let mut hasher = Sha3_256::new();
    hasher.update(domain);
    parts.iter().for_each(|part| hasher.update(part));
    hasher.finalize().into()
}

fn number(text: &str) -> u64 {
    text.parse().unwrap()
}

fn bytes(text: &str) -> Vec<u8> {
    hex::decode(text).unwrap()
}

fn digest(text: &str) -> Digest {
    bytes(text).try_into().unwrap()
}

fn entry(vector: &EntryVector) -> Vec<u8> {
    match vector.kind.as_str() {
        "id" => [
            &[1][..],
            &vector.rollup.unwrap().to_le_bytes(),
            &bytes(vector.id.as_ref().unwrap()),
            &[u8::from(vector.sealed.unwrap())],
            &vector.body_bytes.unwrap().to_le_bytes(),
        ]
        .concat(),
        "stamp" => {
            let time = number(vector.time.as_ref().unwrap());
            [&[2][..], &time.to_le_bytes()].concat()
        }
        "closed" => vec![3],
        "inbox" => [
            &[4][..],
            &vector.rollup.unwrap().to_le_bytes(),
            &number(vector.position.as_ref().unwrap()).to_le_bytes(),
        ]
        .concat(),
        kind => panic!("{kind} is no kind of entry"),
    }
}

/// The bytes of an extension and of what it signs, and the running hash at its end.
fn written(file: &ReceiveLogFile, vector: &ExtensionVector) -> (Vec<u8>, Vec<u8>, Digest) {
    let mut runs: Vec<(u64, Vec<&EntryVector>)> = Vec::new();
    for one in &vector.entries {
        match runs.last_mut() {
            Some((base, entries)) if *base == number(&one.base) => entries.push(one),
            _ => runs.push((number(&one.base), vec![one])),
        }
    }
    if runs
        .last()
        .is_none_or(|(base, _)| *base != number(&vector.base))
    {
        runs.push((number(&vector.base), Vec::new()));
    }
    let log = [
        &number(&file.chain_id).to_le_bytes()[..],
        &number(&file.epoch).to_le_bytes(),
        &file.member.to_le_bytes(),
    ]
    .concat();
    let mut out = [
        &[1][..],
        &log,
        &number(&vector.first).to_le_bytes(),
        &bytes(&vector.previous),
        &(runs.len() as u32).to_le_bytes(),
    ]
    .concat();
    for (base, entries) in &runs {
        out.extend(base.to_le_bytes());
        out.extend((entries.len() as u32).to_le_bytes());
        entries.iter().for_each(|one| out.extend(entry(one)));
    }
    let mut running = digest(&vector.previous);
    for (one, expected) in vector.entries.iter().zip(&vector.running) {
        let base = number(&one.base).to_le_bytes();
        running = sha3("hb/le/1", &[&running, &base, &entry(one)]);
        assert_eq!(running, digest(expected));
    }
    let end = number(&vector.first) + vector.entries.len() as u64;
    let statement = [
        &b"hb/lg/1"[..],
        &[file.suite],
        &log,
        &end.to_le_bytes(),
        &running,
        &number(&vector.base).to_le_bytes(),
    ]
    .concat();
    out.extend(32_u16.to_le_bytes());
    out.extend(signature(file, &statement));
    (out, statement, running)
}

fn signature(file: &ReceiveLogFile, statement: &[u8]) -> Digest {
    Keccak256::digest([&file.member.to_le_bytes()[..], statement].concat()).into()
}

#[test]
fn extensions_follow_the_documented_format() {
    let file = file();
    let mut at = (0, digest(&file.start));
    let epoch = number(&file.epoch).to_le_bytes();
    let chain_id = number(&file.chain_id).to_le_bytes();
    let member = file.member.to_le_bytes();
    let parts: [&[u8]; 4] = [&chain_id, &epoch, &member, &bytes(&file.boundary)];
    assert_eq!(sha3("hb/ls/1", &parts), at.1);
    for vector in &file.extensions {
        assert_eq!((number(&vector.first), digest(&vector.previous)), at);
        let (bytes, statement, running) = written(&file, vector);
        assert_eq!(hex::encode(&bytes), vector.bytes);
        assert_eq!(hex::encode(&statement), vector.statement);
        at = (at.0 + vector.entries.len() as u64, running);
    }
    let (bytes, _, running) = written(&file, &file.pulled);
    assert_eq!(hex::encode(&bytes), file.pulled.bytes);
    assert_eq!((number(&file.pulled.first), running), (0, at.1));
    // The record: the same end, the base of the last signature, the only stamp.
    let last = file.extensions.last().unwrap();
    let stamp = file.extensions[0].entries[0].time.as_ref().unwrap();
    let fields = [
        &[1][..],
        &chain_id,
        &epoch,
        &member,
        &at.0.to_le_bytes(),
        &at.1,
        &number(&last.base).to_le_bytes(),
        &number(stamp).to_le_bytes(),
    ]
    .concat();
    let record = [&fields[..], &sha3("hb/lr/1", &[&fields])].concat();
    assert_eq!(hex::encode(&record), file.record);
}

#[test]
fn cuts_follow_the_documented_format() {
    let file = file();
    let mut plain = vec![1];
    plain.extend((file.cut.points.len() as u16).to_le_bytes());
    for (position, running) in &file.cut.points {
        plain.extend(number(position).to_le_bytes());
        plain.extend(digest(running));
    }
    assert_eq!(hex::encode(&plain), file.cut.bytes);
    assert_eq!(sha3("hb/ct/1", &[&plain]), digest(&file.cut.hash));
    // Slot 9 takes what was signed with a base below it: all but the last entry.
    let (position, running) = &file.cut.points[usize::from(file.member)];
    assert_eq!(number(position), 4);
    assert_eq!(Some(running), file.extensions[1].running.last());
}

#[test]
fn evidence_follows_the_documented_format() {
    let file = file();
    assert_eq!(file.forks.len(), 2);
    for fork in &file.forks {
        let bytes = bytes(fork);
        let (shorter, longer) = bytes.split_at(49 + 2 + 32);
        let position = shorter[1..9].to_vec();
        let running: Digest = shorter[9..41].try_into().unwrap();
        assert_eq!((shorter[0], &shorter[49..51]), (1, &[32, 0][..]));
        let statement = [
            &b"hb/lg/1"[..],
            &[file.suite],
            &longer[1..19],
            &position,
            &running,
            &shorter[41..49],
        ]
        .concat();
        assert_eq!(shorter[51..], signature(&file, &statement));
        // The longer log stands at the same position, with another hash.
        assert_eq!(longer[19..27], position[..]);
        assert_ne!(longer[27..59], running);
    }
}

#[test]
fn what_is_malformed_says_why() {
    let expected = [
        "Truncated",
        "TrailingBytes",
        "UnsupportedVersion",
        "RunsOutOfOrder",
        "LengthOverLimit",
        "UnknownEntry",
        "LengthOverLimit",
    ];
    let file = file();
    let outcomes = file.malformed.iter().map(|vector| vector.error.as_str());
    assert!(outcomes.eq(expected));
}

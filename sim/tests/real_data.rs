//! Real blocks, where they are at hand: beside the project in `shared/data`.
//!
//! Without them these tests pass and say so; the same rules are held by generated tables elsewhere.

use std::path::PathBuf;

use hauptbuch_sim::error::ReadError;
use hauptbuch_sim::read::{Nonces, ReadOptions, read_bytes, read_file};
use hauptbuch_sim::workload::{Format, Workload};
use hauptbuch_sim::write::{Compression, write_records};

fn real(path: &str) -> Option<PathBuf> {
    let data = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    let path = data.join(path);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: the real data are not at hand");
    None
}

fn read(path: &std::path::Path, nonces: Nonces) -> Workload {
    read_file(path, &ReadOptions { nonces }).unwrap()
}

#[test]
fn ethereum_blocks_are_read_whole() {
    let Some(path) = real("ethereum-blocks/txs.csv.gz") else {
        return;
    };
    let workload = read(&path, Nonces::Dense);
    let provenance = workload.provenance();
    assert_eq!(provenance.format, Format::Blocks);
    assert_eq!((workload.len(), provenance.rows), (24_920, 24_920));
    assert_eq!(workload.rollups(), ["ethereum", "rise"]);
    assert_eq!(provenance.nonce_gaps_closed, 1_015);
    assert_eq!(
        provenance.notes,
        [
            "86 blocks arriving 12 s apart, the transactions of each at once",
            "1,015 gaps in nonces closed: each sender's nonces renumbered densely",
            "8,931 payloads completed with seeded filler up to the length given",
        ]
    );
    assert_eq!(workload.last_arrival().get(), 85 * 12_000_000_000);
    let payload_lens = workload
        .records()
        .iter()
        .map(|record| workload.payload(record).len());
    assert_eq!(payload_lens.clone().max(), Some(128_370));
    assert_eq!(payload_lens.min(), Some(32));
    assert_eq!(workload.payload_bytes(), 5_281_595);
    let first = &workload.records()[0];
    assert_eq!(workload.payload(first)[..4], [0x5c, 0x50, 0x4e, 0xd4]);
    assert_eq!(first.envelope.fee.get(), 50_000_000_000_000);

    let raw = read(&path, Nonces::Raw);
    assert!(
        raw.records()
            .iter()
            .all(|record| record.account_nonce.is_none())
    );
    let differing = raw.records().iter().zip(workload.records());
    let differing = differing.filter(|(raw, dense)| raw.envelope.nonce != dense.envelope.nonce);
    assert!(differing.count() >= 1_015);
    for workload in [raw, workload] {
        let mut out = Vec::new();
        write_records(&workload, &mut out, Compression::None).unwrap();
        assert_eq!(
            read_bytes(out, "", &ReadOptions::default()).unwrap(),
            workload
        );
    }
}

#[test]
fn tables_without_senders_or_nonces_say_so() {
    for (path, expected) in [
        ("op-mainnet-batch/txs.csv.gz", vec!["sender"]),
        ("mev-blocks/txs.csv.gz", vec!["nonce", "gas"]),
    ] {
        let Some(path) = real(path) else { return };
        let error = read_file(&path, &ReadOptions::default()).unwrap_err();
        let ReadError::Columns(columns) = error else {
            panic!("{error}")
        };
        let missing: Vec<&str> = columns.missing.iter().map(|(field, _)| *field).collect();
        assert_eq!(missing, expected);
        assert!(
            columns.unknown.is_empty() && columns.repeated.is_empty(),
            "{columns}"
        );
    }
}

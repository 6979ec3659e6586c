//! Parquet gives what the same rows give as CSV.
#![cfg(feature = "parquet")]

use std::sync::Arc;

use hauptbuch_sim::arrivals::Sourcelog;
use hauptbuch_sim::error::{Place, ReadError};
use hauptbuch_sim::read::{ReadOptions, read_bytes};
use hauptbuch_sim::workload::{Format, GeneratorConfig, Workload, generate};
use parquet::basic::{Compression, GzipLevel, ZstdLevel};
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int32Type, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;

type Group<'a> = SerializedRowGroupWriter<'a, Vec<u8>>;

/// A file of two row groups of which `write` writes the columns.
fn file(schema: &str, compression: Compression, write: impl Fn(usize, &mut Group<'_>)) -> Vec<u8> {
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let properties = WriterProperties::builder()
        .set_compression(compression)
        .build();
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties)).unwrap();
    for index in 0..2 {
        let mut group = writer.next_row_group().unwrap();
        write(index, &mut group);
        group.close().unwrap();
    }
    writer.into_inner().unwrap()
}

fn longs(group: &mut Group<'_>, values: &[i64], levels: Option<&[i16]>) {
    let mut column = group.next_column().unwrap().unwrap();
    column
        .typed::<Int64Type>()
        .write_batch(values, levels, None)
        .unwrap();
    column.close().unwrap();
}

fn ints(group: &mut Group<'_>, values: &[i32]) {
    let mut column = group.next_column().unwrap().unwrap();
    column
        .typed::<Int32Type>()
        .write_batch(values, None, None)
        .unwrap();
    column.close().unwrap();
}

fn texts(group: &mut Group<'_>, values: &[&[u8]], levels: Option<&[i16]>) {
    let values: Vec<ByteArray> = values.iter().map(|value| value.to_vec().into()).collect();
    let mut column = group.next_column().unwrap().unwrap();
    column
        .typed::<ByteArrayType>()
        .write_batch(&values, levels, None)
        .unwrap();
    column.close().unwrap();
}

fn read(bytes: Vec<u8>) -> Result<Workload, ReadError> {
    read_bytes(bytes, "file", &ReadOptions::default())
}

const A: &str = "0x00000000000000000000000000000000000000aa";

const MEMPOOL: &str = "message m {
    required int64 timestamp (TIMESTAMP_MILLIS);
    required binary hash (UTF8);
    required binary chainId (UTF8);
    required binary from (UTF8);
    optional binary to;
    required int64 nonce (UINT_64);
    required int32 gas (UINT_32);
    optional int64 gasPrice;
    required binary gasTipCap (UTF8);
    required binary gasFeeCap (UTF8);
    required int64 dataSize;
    optional group sources (LIST) { repeated group list { optional binary element (UTF8); } }
}";

fn mempool(compression: Compression) -> Vec<u8> {
    file(MEMPOOL, compression, |index, group| {
        let digits = [["11", "22"], ["33", "44"]][index].map(|digit| digit.repeat(32));
        longs(
            group,
            &[1_700_000_000_000 + index as i64, 1_700_000_000_005],
            None,
        );
        texts(group, &[digits[0].as_bytes(), digits[1].as_bytes()], None);
        texts(group, &[b"1", b"10"], None);
        texts(group, &[A.as_bytes(), A.as_bytes()], None);
        texts(group, &[&[7; 20]], Some(&[0, 1]));
        longs(group, &[if index == 0 { 3 } else { -1 }, 9], None);
        ints(group, &[-1, 21_000]);
        longs(group, &[30], Some(&[1, 0]));
        texts(group, &[b"1", b"1"], None);
        texts(group, &[b"40", b"41"], None);
        longs(group, &[0, 40], None);
        let mut column = group.next_column().unwrap().unwrap();
        let sources: Vec<ByteArray> = vec![b"x".to_vec().into(), b"y".to_vec().into()];
        column
            .typed::<ByteArrayType>()
            .write_batch(&sources, Some(&[3, 3]), Some(&[0, 0]))
            .unwrap();
        column.close().unwrap();
    })
}

/// The same four rows as [`mempool`].
fn mempool_csv() -> String {
    let rows = [
        (0, "11", "1", "", 3_u64, 4_294_967_295_u32, "30", "40", 0),
        (
            5,
            "22",
            "10",
            "0707070707070707070707070707070707070707",
            9,
            21_000,
            "",
            "41",
            40,
        ),
        (1, "33", "1", "", u64::MAX, 4_294_967_295, "30", "40", 0),
        (
            5,
            "44",
            "10",
            "0707070707070707070707070707070707070707",
            9,
            21_000,
            "",
            "41",
            40,
        ),
    ];
    let mut text = "timestamp_ms,hash,chain_id,from,to,nonce,gas,gas_price,gas_tip_cap,\
                    gas_fee_cap,data_size\n"
        .to_owned();
    for (time, digits, chain, to, nonce, gas, price, cap, len) in rows {
        let hash = digits.repeat(32);
        text.push_str(&format!(
            "{},{hash},{chain},{A},{to},{nonce},{gas},{price},1,{cap},{len}\n",
            1_700_000_000_000_u64 + time
        ));
    }
    text
}

#[test]
fn every_codec_gives_what_csv_gives() {
    let csv = read(mempool_csv().into()).unwrap();
    assert_eq!(csv.provenance().format, Format::MempoolDumpster);
    for compression in [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::GZIP(GzipLevel::default()),
        Compression::ZSTD(ZstdLevel::default()),
    ] {
        let workload = read(mempool(compression)).unwrap();
        assert_eq!(workload, csv, "{compression}");
        assert_eq!(workload.provenance().format, Format::MempoolDumpster);
        assert_eq!(workload.provenance().notes, csv.provenance().notes);
        assert!(workload.provenance().sha256.is_some());
    }
}

#[test]
fn a_generated_workload_survives() {
    let schema = "message m {
        required int64 arrival_ns; required binary rollup (UTF8); required binary sender;
        required binary recipient; required binary amount (UTF8); required int64 nonce;
        required int64 fee; required int64 gas; optional int64 expiry_ns; required int32 kind;
        required int64 account_nonce; required binary payload; }";
    // More rows than are decoded at once, and two row groups.
    let config = GeneratorConfig {
        count: 20_000,
        seed: 1,
        rollup_count: 2,
    };
    let workload = generate(&config).unwrap();
    let halves = workload.records().split_at(9_000);
    let bytes = file(schema, Compression::SNAPPY, |index, group| {
        let half = [halves.0, halves.1][index];
        let names = workload.rollups();
        let numbers = |of: fn(&hauptbuch_sim::workload::Record) -> u64| -> Vec<i64> {
            half.iter().map(|record| of(record) as i64).collect()
        };
        let amounts: Vec<String> = half
            .iter()
            .map(|record| record.envelope.amount.to_string())
            .collect();
        longs(group, &numbers(|record| record.arrival.get()), None);
        let rollup = |record: &hauptbuch_sim::workload::Record| record.envelope.rollup.get();
        let column: Vec<&[u8]> = half
            .iter()
            .map(|record| names[rollup(record) as usize].as_bytes())
            .collect();
        texts(group, &column, None);
        let column: Vec<&[u8]> = half
            .iter()
            .map(|record| &record.envelope.sender.as_bytes()[..])
            .collect();
        texts(group, &column, None);
        let column: Vec<&[u8]> = half
            .iter()
            .map(|record| &record.envelope.recipient.as_bytes()[..])
            .collect();
        texts(group, &column, None);
        texts(
            group,
            &amounts.iter().map(String::as_bytes).collect::<Vec<_>>(),
            None,
        );
        longs(group, &numbers(|record| record.envelope.nonce.get()), None);
        longs(group, &numbers(|record| record.envelope.fee.get()), None);
        longs(group, &numbers(|record| record.envelope.gas.get()), None);
        longs(group, &[], Some(&vec![0; half.len()]));
        ints(group, &vec![0; half.len()]);
        longs(group, &vec![0; half.len()], None);
        let column: Vec<&[u8]> = half.iter().map(|record| workload.payload(record)).collect();
        texts(group, &column, None);
    });
    let back = read(bytes).unwrap();
    assert_eq!(back, workload);
    assert_eq!(back.provenance().format, Format::Records);
}

#[test]
fn columns_that_can_not_be_read_are_named() {
    let write = |schema: &str, of_fee: &dyn Fn(&mut Group<'_>)| {
        read(file(schema, Compression::UNCOMPRESSED, |_, group| {
            texts(group, &[A.as_bytes()], None);
            longs(group, &[0], None);
            longs(group, &[1], None);
            of_fee(group);
        }))
        .map(|workload| workload.len())
        .map_err(|error| error.to_string())
    };
    let schema = |fee: &str| {
        format!(
            "message m {{ required binary sender (UTF8); required int64 nonce; \
             required int64 gas; {fee} }}"
        )
    };
    let double = |group: &mut Group<'_>| {
        let mut column = group.next_column().unwrap().unwrap();
        column
            .typed::<DoubleType>()
            .write_batch(&[1.5], None, None)
            .unwrap();
        column.close().unwrap();
    };
    let long = |group: &mut Group<'_>| longs(group, &[7], None);
    assert_eq!(write(&schema("required int64 fee;"), &long), Ok(2));
    let rest = "whole numbers, text and bytes are read";
    assert_eq!(
        write(&schema("required double fee;"), &double).unwrap_err(),
        format!("the Parquet file can't be read: column `fee` holds DOUBLE, and {rest}")
    );
    assert_eq!(
        write(&schema("required int64 fee (DECIMAL(10, 2));"), &long).unwrap_err(),
        format!("the Parquet file can't be read: column `fee` holds decimals, and {rest}")
    );
    assert_eq!(
        write(&schema("required group fee { required int64 x; }"), &long).unwrap_err(),
        "the Parquet file can't be read: column `fee` is nested"
    );
    let unknown = write(&schema("required int64 fea;"), &long).unwrap_err();
    assert!(unknown.starts_with("no column for the fee"), "{unknown}");
    assert!(unknown.contains("unknown columns: `fea`"), "{unknown}");
}

#[test]
fn a_bad_value_is_named_by_its_row() {
    let schema = "message m { required binary sender (UTF8); required int64 nonce;
        required int64 gas; required int64 fee; }";
    let bytes = file(schema, Compression::UNCOMPRESSED, |index, group| {
        texts(group, &[A.as_bytes()], None);
        longs(group, &[index as i64], None);
        longs(group, &[-(index as i64)], None);
        longs(group, &[1], None);
    });
    let ReadError::Cell {
        place,
        column,
        found,
        ..
    } = read(bytes).unwrap_err()
    else {
        panic!("another error");
    };
    assert_eq!(
        (place, column.as_str(), found.as_str()),
        (Place::Row(1), "gas", "-1")
    );
}

#[test]
fn damaged_files_are_refused_and_none_panics() {
    let whole = mempool(Compression::SNAPPY);
    for len in 4..whole.len() {
        let cut = read(whole[..len].to_vec());
        assert!(
            matches!(cut, Err(ReadError::Parquet { .. })),
            "cut at {len}"
        );
    }
    for place in 4..whole.len() {
        for bit in [0, 3, 7] {
            let mut damaged = whole.clone();
            damaged[place] ^= 1 << bit;
            if let Err(error) = read(damaged) {
                assert!(!error.to_string().contains(char::is_control));
            }
        }
    }
}

const SOURCELOG: &str = "message m {
    required int64 timestamp (TIMESTAMP_MILLIS);
    required binary hash;
    required binary source (UTF8);
}";

#[test]
fn a_log_of_arrivals_is_the_same_from_both() {
    let hashes = [[[7_u8; 32], [9; 32]], [[9; 32], [7; 32]]];
    let bytes = file(SOURCELOG, Compression::UNCOMPRESSED, |index, group| {
        longs(group, &[1_000 + index as i64, 1_010], None);
        texts(group, &[&hashes[index][0], &hashes[index][1]], None);
        let name: &[u8] = [b"tokyo", b"paris"][index];
        texts(group, &[name, name], None);
    });
    let mut text = "timestamp_ms,hash,source\n".to_owned();
    for (time, digit, source) in [
        (1_000, "07", "tokyo"),
        (1_010, "09", "tokyo"),
        (1_001, "09", "paris"),
        (1_010, "07", "paris"),
    ] {
        text.push_str(&format!("{time},0x{},{source}\n", digit.repeat(32)));
    }
    let log = Sourcelog::read_bytes(bytes).unwrap();
    assert_eq!(log, Sourcelog::read_bytes(text.into_bytes()).unwrap());
    let arrivals = log.alone(2).unwrap();
    assert_eq!(arrivals.sequencers(), ["paris", "tokyo"]);
    assert_eq!(arrivals.orders(), [[1, 0], [0, 1]]);

    let strange = file(MEMPOOL_LIKE, Compression::UNCOMPRESSED, |_, group| {
        longs(group, &[1], None);
    });
    let line = Sourcelog::read_bytes(strange).unwrap_err().to_string();
    assert!(line.contains("no column for the hash"), "{line}");
}

const MEMPOOL_LIKE: &str = "message m { required int64 timestamp (TIMESTAMP_MILLIS); }";

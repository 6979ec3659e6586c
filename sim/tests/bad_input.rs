//! Every kind of bad input gives one clear line, and says where.

use std::io::Write as _;
use std::path::Path;

use flate2::write::GzEncoder;
use hauptbuch_sim::error::{BuildError, Place, ReadError};
use hauptbuch_sim::read::{
    Column, Nonces, ReadOptions, Table, Values, read_bytes, read_file, read_table,
};

const A: &str = "0x00000000000000000000000000000000000000aa";

fn error(bytes: impl Into<Vec<u8>>) -> ReadError {
    let error = read_bytes(bytes.into(), "bad.csv", &ReadOptions::default()).unwrap_err();
    let line = error.to_string();
    assert!(
        !line.contains('\n') && !line.is_empty(),
        "{line:?} is not one line"
    );
    error
}

/// The text of the error of rows under the least header and one more column.
fn cell_error(column: &str, row: &str) -> String {
    let good = "A,0,1,1,".replace('A', A);
    let filler = match column {
        "hash" => "11".repeat(32),
        _ => String::new(),
    };
    error(format!(
        "sender,nonce,gas,fee,{column}\n{good}{filler}\n{row}\n"
    ))
    .to_string()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn nothing_is_told_from_no_rows() {
    for nothing in ["", "\n", "\n\n\n", "\u{feff}"] {
        assert!(matches!(error(nothing), ReadError::Empty), "{nothing:?}");
    }
    assert!(matches!(error(gzip(b"")), ReadError::Empty));
    let header = "sender,nonce,gas,fee\n";
    assert!(matches!(error(header), ReadError::NoRows));
    assert!(matches!(error(gzip(header.as_bytes())), ReadError::NoRows));
    let columns = ["sender", "nonce", "gas", "fee"];
    let columns = columns
        .map(|name| Column::new(name, Values::U64(Vec::new())))
        .into();
    let read = read_table(&Table { columns }, &ReadOptions::default());
    assert!(matches!(read, Err(ReadError::NoRows)));
    let none = read_table(&Table::default(), &ReadOptions::default());
    assert!(matches!(none, Err(ReadError::Columns(_))));
}

#[test]
fn one_error_lists_all_that_is_wrong_with_the_columns() {
    let ReadError::Columns(columns) = error("to,sneder,value,amount,,gas\n1,2,3,4,5,6\n") else {
        panic!("another error");
    };
    let missing: Vec<&str> = columns.missing.iter().map(|(field, _)| *field).collect();
    assert_eq!(missing, ["sender", "nonce", "fee"]);
    assert_eq!(
        columns.missing[0].1,
        ["sender", "from", "from_address", "tx_from"]
    );
    assert!(
        columns.missing[2].1.contains(&"gas_price") && columns.missing[2].1.contains(&"max_fee")
    );
    assert_eq!(columns.unknown, ["sneder", ""]);
    assert_eq!(
        columns.repeated,
        [("amount", vec!["value".to_owned(), "amount".to_owned()])]
    );
    let line = columns.to_string();
    for part in [
        "no column for the sender (one of sender, from, from_address, tx_from); no column",
        "several columns for the amount: `value`, `amount`",
        "unknown columns: `sneder`, `` (understood are: arrival_ns, ",
    ] {
        assert!(line.contains(part), "{line}");
    }
    let twice = error(format!("sender,sender,nonce,gas,fee\n{A},{A},0,1,1\n"));
    assert_eq!(
        twice.to_string(),
        "several columns for the sender: `sender`, `sender`"
    );
}

#[test]
fn a_number_out_of_range_is_named() {
    let u64_expected = "expected a whole number from 0 to 18446744073709551615, found";
    for (column, row, expected) in [
        (
            "id_",
            "A,18446744073709551616,1,1,",
            "line 3, column `nonce`: U `18446744073709551616`",
        ),
        ("id_", "A,-1,1,1,", "line 3, column `nonce`: U `-1`"),
        ("id_", "A,+1,1,1,", "line 3, column `nonce`: U `+1`"),
        ("id_", "A,,1,1,", "line 3, column `nonce`: U ``"),
        ("id_", "A,1,1.0,1,", "line 3, column `gas`: U `1.0`"),
        ("id_", "A,1,1, 1,", "line 3, column `fee`: U ` 1`"),
        (
            "id_",
            "A,1,1,18446744073709551616,",
            "line 3, column `fee`: U `18446744073709551616`",
        ),
        (
            "expiry_ns",
            "A,1,1,1,never",
            "line 3, column `expiry_ns`: U `never`",
        ),
        (
            "account_nonce",
            "A,1,1,1,x",
            "line 3, column `account_nonce`: U `x`",
        ),
        (
            "max_fee_wei",
            "A,1,1,0,x",
            "line 3, column `max_fee_wei`: U `x`",
        ),
    ] {
        let (column, row) = (column.replace("id_", "miner"), row.replace('A', A));
        assert_eq!(
            cell_error(&column, &row),
            expected.replace('U', u64_expected)
        );
    }
    let over = "340282366920938463463374607431768211456";
    assert_eq!(
        cell_error("value", &format!("{A},1,1,1,{over}")),
        format!(
            "line 3, column `value`: expected a whole number from 0 to 2^128 - 1, found `{over}`"
        )
    );
    assert!(
        cell_error("kind", &format!("{A},1,1,1,1")).contains("column `kind`: expected the number")
    );
    assert!(cell_error("kind", &format!("{A},1,1,1,256")).contains("found `256`"));
    assert!(cell_error("data_size", &format!("{A},1,1,1,16777217")).contains("a length from 0 to"));
}

#[test]
fn an_arrival_out_of_range_is_named() {
    for (column, value) in [
        ("arrival_s", "18446744074"),
        ("timestamp_ms", "18446744073710"),
        ("arrival_ns", ""),
        ("timestamp_s", "2023-01-01"),
    ] {
        let text = format!("sender,nonce,gas,fee,{column}\n{A},0,1,1,0\n{A},1,1,1,{value}\n");
        let line = error(text).to_string();
        assert!(
            line.starts_with(&format!("line 3, column `{column}`: expected a time")),
            "{line}"
        );
    }
}

#[test]
fn bad_bytes_and_wrong_lengths_are_named() {
    for (column, row, expected) in [
        (
            "miner",
            "0x12,1,1,1,",
            "column `sender`: expected an address of 20 bytes",
        ),
        (
            "miner",
            "A00,1,1,1,",
            "column `sender`: expected an address of 20 bytes",
        ),
        (
            "miner",
            ",1,1,1,",
            "column `sender`: expected an address of 20 bytes",
        ),
        (
            "to",
            "A,1,1,1,zz000000000000000000000000000000000000aa",
            "column `to`: expected an add",
        ),
        (
            "hash",
            "A,1,1,1,0x1111",
            "column `hash`: expected a hash of 32 bytes",
        ),
        (
            "hash",
            "A,1,1,1,",
            "column `hash`: expected a hash of 32 bytes",
        ),
        (
            "input",
            "A,1,1,1,0x1",
            "column `input`: expected bytes in hexadecimal digits",
        ),
        (
            "input",
            "A,1,1,1,0xgg",
            "column `input`: expected bytes in hexadecimal digits",
        ),
        (
            "chain",
            "A,1,1,1,",
            "column `chain`: expected the name or number of a rollup",
        ),
    ] {
        let row = row.replace('A', A);
        let line = match column {
            "chain" => {
                error(format!("sender,nonce,gas,fee,chain\n{A},0,1,1,x\n{row}\n")).to_string()
            }
            _ => cell_error(column, &row),
        };
        assert!(line.starts_with(&format!("line 3, {expected}")), "{line}");
    }
}

#[test]
fn the_first_bad_row_is_named_by_its_line() {
    let quoted = "\"a\nb\"";
    let text = format!(
        "sender,nonce,gas,fee,miner\r\n{A},0,1,1,{quoted}\r\n\r\n{A},1,1,1,{quoted}\r\n\
         {A},x,y,1,\r\n{A},z,1,1,\r\n"
    );
    let ReadError::Cell {
        place,
        column,
        found,
        ..
    } = error(text)
    else {
        panic!("another error");
    };
    assert_eq!(
        (place, column.as_str(), found.as_str()),
        (Place::Line(7), "nonce", "x")
    );
    let long = format!("sender,nonce,gas,fee\n{A},{}\u{7},1,1\n", "9".repeat(1_000));
    let line = error(long).to_string();
    assert!(line.len() < 200 && line.contains("9…`"), "{line}");
}

#[test]
fn malformed_lines_are_named() {
    let short = error(format!("sender,nonce,gas,fee\n{A},0,1,1\n{A},1,1\n"));
    assert_eq!(
        short.to_string(),
        "line 3 has 3 fields, and the header has 4"
    );
    let unclosed = error(format!("sender,nonce,gas,fee\n\"{A},0,1,1\n{A},1,1,1\n"));
    assert_eq!(
        unclosed.to_string(),
        "line 2 has 1 fields, and the header has 4"
    );
    let mut bytes = format!("sender,nonce,gas,fee\n{A},0,1,1\n").into_bytes();
    bytes.extend_from_slice(b"\xff\xfe,1,1,1\n");
    assert!(matches!(error(bytes), ReadError::NotText { line: 3 }));
    assert!(matches!(
        error(b"\xff\xfe\x00s".to_vec()),
        ReadError::NotText { line: 1 }
    ));
}

#[test]
fn a_duplicate_hash_names_both_lines() {
    let row = |nonce: u64, digit: char, chain: &str| {
        format!(
            "{A},{nonce},1,1,0x{},{chain}\n",
            digit.to_string().repeat(64)
        )
    };
    let header = "sender,nonce,gas,fee,tx_hash,chain\n".to_owned();
    // The same hash on another rollup is another transaction.
    let good = [header, row(0, 'a', "x"), row(0, 'a', "y"), row(1, 'b', "x")].concat();
    assert!(read_bytes(good.clone().into(), "", &ReadOptions::default()).is_ok());
    let bad = [good, row(2, 'c', "x"), row(3, 'b', "x"), row(4, 'A', "x")].concat();
    assert_eq!(
        error(bad).to_string(),
        format!(
            "line 6, column `tx_hash`: hash 0x{} stands already in line 4",
            "b".repeat(64)
        )
    );
}

#[test]
fn more_rollups_than_a_network_serves_are_refused() {
    let mut text = "sender,nonce,gas,fee,chain\n".to_owned();
    for chain in 0..17 {
        text.push_str(&format!("{A},0,1,1,{chain}\n"));
    }
    let ReadError::TooLarge {
        place,
        error: reason,
    } = error(text)
    else {
        panic!("another error");
    };
    assert_eq!(
        (place, reason),
        (Place::Line(18), BuildError::TooManyRollups)
    );
}

#[test]
fn a_nonce_that_can_not_be_renumbered_is_refused() {
    let text = format!("sender,nonce,gas,fee\n{A},18446744073709551615,1,1\n").into_bytes();
    let twice = [&text[..], &text[21..]].concat();
    assert!(read_bytes(text, "", &ReadOptions::default()).is_ok());
    let line = error(twice.clone()).to_string();
    assert!(
        line.starts_with("line 3, column `nonce`: expected a nonce that leaves room"),
        "{line}"
    );
    let raw = ReadOptions {
        nonces: Nonces::Raw,
    };
    assert_eq!(read_bytes(twice, "", &raw).unwrap().len(), 2);
}

#[test]
fn a_cut_or_damaged_gzip_is_refused_wherever_it_is_cut() {
    let rows: String = (0..50).map(|nonce| format!("{A},{nonce},1,1\n")).collect();
    let whole = gzip(format!("sender,nonce,gas,fee\n{rows}").as_bytes());
    assert!(read_bytes(whole.clone(), "", &ReadOptions::default()).is_ok());
    for len in 2..whole.len() {
        let cut = error(&whole[..len]);
        assert!(
            matches!(cut, ReadError::Gzip { .. }),
            "{cut} at {len} of {}",
            whole.len()
        );
    }
    let mut damaged = whole.clone();
    let end = damaged.len() - 6;
    damaged[end] ^= 1;
    assert!(matches!(error(damaged), ReadError::Gzip { .. }));
    let followed = [&whole[..], b"rubbish"].concat();
    assert!(matches!(error(followed), ReadError::Gzip { .. }));
    // Two members one after another are one stream.
    let header = gzip(b"sender,nonce,gas,fee\n");
    let joined = [header, gzip(rows.as_bytes())].concat();
    assert_eq!(
        read_bytes(joined, "", &ReadOptions::default())
            .unwrap()
            .len(),
        50
    );
}

#[test]
fn other_containers_are_called_by_their_name() {
    for (bytes, name) in [
        (&b"PK\x03\x04rest"[..], "a zip archive"),
        (b"\xfd7zXZ\0rest", "an xz file"),
        (b"\x28\xb5\x2f\xfdrest", "a Zstandard file"),
        (b"BZh9rest", "a bzip2 file"),
        (b"ARROW1rest", "an Arrow file"),
    ] {
        let error = error(bytes);
        assert!(
            matches!(&error, ReadError::Unsupported { what } if *what == name),
            "{error}"
        );
    }
}

#[cfg(not(feature = "parquet"))]
#[test]
fn a_parquet_file_names_the_feature_that_is_missing() {
    let error = error(b"PAR1rest".to_vec());
    assert!(matches!(error, ReadError::ParquetDisabled));
    assert!(error.to_string().contains("feature `parquet`"));
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let read = read_file(Path::new("no/such/file.csv"), &ReadOptions::default());
    let error = read.unwrap_err();
    assert!(matches!(error, ReadError::Io { .. }));
    assert!(
        error
            .to_string()
            .starts_with("cannot read no/such/file.csv: ")
    );
    assert!(std::error::Error::source(&error).is_some());
}

#[test]
fn columns_in_memory_are_held_to_the_same() {
    let column = |name: &str, numbers: &[u64]| Column::new(name, Values::U64(numbers.to_vec()));
    let table = |fee: Column| Table {
        columns: vec![
            Column::text("sender", [A, A]),
            column("nonce", &[0, 1]),
            column("gas", &[1, 1]),
            fee,
        ],
    };
    let read = |fee| read_table(&table(fee), &ReadOptions::default());
    assert!(read(column("fee", &[1, 2])).is_ok());
    for (fee, expected) in [
        (
            column("fee", &[1]),
            "column `fee` has 1 rows, and the first column has 2",
        ),
        (
            Column {
                present: Some(vec![true]),
                ..column("fee", &[1, 2])
            },
            "column `fee` has 1 rows, and the first column has 2",
        ),
        (
            Column {
                present: Some(vec![true, false]),
                ..column("fee", &[1, 2])
            },
            "row 1 (counted from 0), column `fee`: expected a whole number from 0 to \
             18446744073709551615, found ``",
        ),
        (
            Column::new("fee", Values::I64(vec![-5, 1])),
            "row 0 (counted from 0), column `fee`: expected a whole number from 0 to \
             18446744073709551615, found `-5`",
        ),
        (
            Column::new("fee", Values::U128(vec![1, 1 << 64])),
            "row 1 (counted from 0), column `fee`: expected a whole number from 0 to \
             18446744073709551615, found `18446744073709551616`",
        ),
        (
            Column::new("fee", Values::Bytes([[1_u8, 2], [3, 4]].iter().collect())),
            "row 0 (counted from 0), column `fee`: expected a whole number from 0 to \
             18446744073709551615, found `0x0102 (2 bytes)`",
        ),
    ] {
        assert_eq!(read(fee).unwrap_err().to_string(), expected);
    }
}

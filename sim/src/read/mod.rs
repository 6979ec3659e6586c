//! Workloads from files and from columns in memory.
//!
//! What a file is, its first bytes say, not its name: CSV (plain, or as gzip) or Parquet (with the
//! feature `parquet`). Its columns say what the rows mean. All sources become a [`Table`] first, so
//! that a data frame and the file that it came from give the same workload.
//!
//! # Columns
//!
//! Case, underscores, hyphens and spaces don't matter: `gasPrice` is `gas_price`. At most one
//! column may give each field; `sender`, `nonce`, `gas` and one of the fees must be there. A
//! Parquet column `timestamp` takes its unit from its type.
//!
//! | field | columns | where it is missing |
//! |---|---|---|
//! | arrival | `arrival_ns` `arrival_us` `arrival_ms` `arrival_s`: from the start | see below |
//! | | `timestamp_ns` `timestamp_us` `timestamp_ms` `timestamp_s`: from the earliest | |
//! | block | `block_number` | row i arrives at i · 0.5 ms |
//! | rollup | `rollup` `chain` `chain_id` | all on one, `rollup-0` |
//! | sender | `sender` `from` `from_address` `tx_from` | refused |
//! | recipient | `recipient` `to` `to_address` `tx_to` | the zero address |
//! | amount | `amount` `amount_wei` `value` `value_wei` | 0 |
//! | nonce | `nonce` | refused |
//! | fee | `fee` `fee_wei` `gas_price` `gas_price_wei` | the fee cap |
//! | | `effective_gas_price` `effective_gas_price_wei` | |
//! | fee cap | `max_fee` `max_fee_wei` `gas_fee_cap` | none |
//! | | `max_fee_per_gas` `max_fee_per_gas_wei` | |
//! | gas | `gas` `gas_limit` | refused |
//! | expiry | `expiry_ns` | never |
//! | kind | `kind` | 0, a plain transaction |
//! | account nonce | `account_nonce` | see *Nonces* |
//! | payload | `payload` `data` `input` `calldata` | the hash, then filler |
//! | payload length | `payload_len` `input_len` `data_size` | 32 |
//! | hash | `hash` `tx_hash` `transaction_hash` `tx_id` `id` | the payload is filler alone |
//! | pool | `pool` | no trade |
//! | side | `side` | see *Trades* |
//! | first reserve | `reserve0` | see *Trades* |
//! | second reserve | `reserve1` | see *Trades* |
//!
//! Understood and passed over: `access_list_bytes` `access_list_entries` `base_fee_wei`
//! `block_timestamp` `coinbase_transfer_wei` `data_4bytes` `gas_tip_cap` `gas_used`
//! `included_at_block_height` `included_block_timestamp` `included_block_timestamp_ms`
//! `inclusion_delay_ms` `input_zero_bytes` `l2_block_offset` `l2_time_offset_s`
//! `max_priority_fee_wei` `miner` `n_traces` `raw_tx` `reverted` `selector` `sources` `tx_index`
//! `tx_type` `type`. Any other column is refused by name, because a misspelt one would otherwise be
//! missing without a word.
//!
//! - **Arrival** without such a column: block k of the input, counted from 0 wherever the rollup or
//!   `block_number` changes, arrives at k · 12 s, its rows in their order. Rows that stand out of
//!   order are sorted by arrival, those of one time in their order.
//! - **Rollups** are numbered as they come up. The column may hold names or numbers.
//! - **Fee**: where it is empty or 0, the fee cap, if there is one. For blocks (`block_number`,
//!   `tx_hash` and `input_len` without an arrival) it is taken as it is.
//! - **Payload** without such a column: the 32 bytes of the hash, then filler that follows from the
//!   hash, up to the payload length. Two rows of one rollup may not have the same hash.
//! - **Nonces**: see [`Nonces`]. With a column `account_nonce`, both are taken as they are.
//! - **Trades**: where a row has a `pool`, it trades with it: `side` is `buy` or `sell`, seen from
//!   the pool's first token, `amount` what the sender pays, and the reserves what the pool holds
//!   when the row arrives; all of them over 0. An empty `pool` means no trade.
//!
//! # Formats
//!
//! Finished records, as [`write_records`](crate::write::write_records) writes them, have the
//! columns `arrival_ns`, `rollup`, `sender`, `recipient`, `amount`, `nonce`, `fee`, `gas`,
//! `expiry_ns`, `kind`, `account_nonce`, `payload`; reading them gives the workload that was
//! written. Where any record trades, `pool`, `side`, `reserve0` and `reserve1` follow.
//! The transaction table of mempool-dumpster, from CSV or Parquet, is understood as it is.
//!
//! # Cost
//!
//! O(n log n) in the rows, in memory: the input, the columns used, and the workload. A million rows
//! take a few seconds and less than 1 GB beside their payloads.

use std::fs::File;
use std::io::Read as _;
#[cfg(feature = "parquet")]
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use sha2::{Digest as _, Sha256};

use crate::error::ReadError;
use crate::workload::{Provenance, Workload};

pub(crate) mod cell;
#[cfg(feature = "parquet")]
mod columnar;
mod fields;
mod nonces;
mod rows;
mod table;
mod text;

pub(crate) use fields::{RECORD_COLUMNS, TRADE_COLUMNS, normal};
pub(crate) use table::{Cell, Header};
pub use table::{Column, Parts, Table, Values};

/// The most bytes that are read from one input, before and after unpacking: 8 GiB.
pub const INPUT_BYTES_MAX: u64 = 8 << 30;

/// What becomes of the nonces of an input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Nonces {
    /// Each sender's nonces are renumbered without gaps.
    ///
    /// Samples of a chain miss most of a sender's transactions, and one that waits for a nonce
    /// that never comes would wait forever. Per rollup and sender, in the order of the nonces
    /// (equal ones in the order of rows), the first keeps its own, which becomes the account's
    /// nonce, and each other one gets the next.
    #[default]
    Dense,
    /// Nonces stay as they are, and the accounts' nonces are unknown.
    Raw,
}

/// How to read an input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReadOptions {
    /// What becomes of its nonces.
    pub nonces: Nonces,
}

/// Reads a workload from a file.
///
/// # Errors
/// A [`ReadError`] whose text is one line for the user.
pub fn read_file(path: &Path, options: &ReadOptions) -> Result<Workload, ReadError> {
    let (bytes, file_name) = load(path)?;
    read_bytes(bytes, &file_name, options)
}

/// The bytes of a file and its name without directories.
fn load(path: &Path) -> Result<(Vec<u8>, String), ReadError> {
    let io_error = |error| ReadError::Io {
        path: path.display().to_string(),
        error,
    };
    let file = File::open(path).map_err(io_error)?;
    let mut bytes = Vec::new();
    file.take(INPUT_BYTES_MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(io_error)?;
    let file_name = path.file_name().unwrap_or_default().to_string_lossy();
    Ok((bytes, file_name.into_owned()))
}

/// Reads a workload from the bytes of a file of that name.
///
/// # Errors
/// As [`read_file`], but for [`ReadError::Io`].
pub fn read_bytes(
    bytes: Vec<u8>,
    file_name: &str,
    options: &ReadOptions,
) -> Result<Workload, ReadError> {
    if bytes.len() as u64 > INPUT_BYTES_MAX {
        return Err(ReadError::InputTooLarge {
            bytes_max: INPUT_BYTES_MAX,
        });
    }
    let provenance = Provenance {
        file_name: file_name.to_owned(),
        sha256: Some(Sha256::digest(&bytes).into()),
        ..Provenance::default()
    };
    let (table, schema, lines) = read_columns::<fields::Schema>(bytes)?;
    rows::build(&table, &schema, lines.as_deref(), provenance, options)
}

/// A file's table, what its columns mean, and for text the line on which each row starts.
pub(crate) type Columns<H> = (Table, H, Option<Vec<u64>>);

/// The table of a file of one kind, whatever packs it.
pub(crate) fn read_table_file<H: Header>(path: &Path) -> Result<Columns<H>, ReadError> {
    read_columns(load(path)?.0)
}

/// The same from the file's bytes.
pub(crate) fn read_columns<H: Header>(bytes: Vec<u8>) -> Result<Columns<H>, ReadError> {
    match Container::of(&bytes) {
        Container::Nothing => Err(ReadError::Empty),
        Container::Foreign(what) => Err(ReadError::Unsupported { what }),
        Container::Parquet => {
            let table = read_parquet::<H>(bytes)?;
            let schema = checked_schema(&table)?;
            Ok((table, schema, None))
        }
        Container::Text | Container::Gzip => {
            let text = text::read_csv(&bytes)?;
            Ok((text.table, text.schema, Some(text.lines)))
        }
    }
}

/// Makes a workload of columns in memory.
///
/// # Errors
/// As [`read_bytes`]; rows are counted from 0.
pub fn read_table(table: &Table, options: &ReadOptions) -> Result<Workload, ReadError> {
    let schema: fields::Schema = checked_schema(table)?;
    rows::build(table, &schema, None, Provenance::default(), options)
}

/// What the columns mean, once those of use are of one length.
fn checked_schema<H: Header>(table: &Table) -> Result<H, ReadError> {
    let names: Vec<&str> = table
        .columns
        .iter()
        .map(|column| column.name.as_str())
        .collect();
    let schema = H::resolve(&names)?;
    let expected = table
        .columns
        .first()
        .map_or(0, |column| column.values.len());
    for (column, is_used) in table.columns.iter().zip(schema.is_used()) {
        let values_len = column.values.len();
        let present_len = column.present.as_ref().map_or(values_len, Vec::len);
        let odd = [values_len, present_len]
            .into_iter()
            .find(|len| *len != expected);
        if let (Some(found), true) = (odd, *is_used) {
            return Err(ReadError::ColumnLength {
                column: column.name.clone(),
                expected,
                found,
            });
        }
    }
    Ok(schema)
}

#[cfg(feature = "parquet")]
fn read_parquet<H: Header>(bytes: Vec<u8>) -> Result<Table, ReadError> {
    // The decoder asserts what a damaged page does not keep. It owns all that it works on, so
    // nothing half done outlives the unwinding; its message still goes to the panic hook.
    let table = catch_unwind(AssertUnwindSafe(|| columnar::read_parquet::<H>(bytes)));
    table.unwrap_or_else(|_| {
        Err(ReadError::Parquet {
            reason: "a page is damaged".to_owned(),
        })
    })
}

#[cfg(not(feature = "parquet"))]
fn read_parquet<H: Header>(_: Vec<u8>) -> Result<Table, ReadError> {
    Err(ReadError::ParquetDisabled)
}

/// What the first bytes of a file say that it is.
enum Container {
    Nothing,
    Text,
    Gzip,
    Parquet,
    Foreign(&'static str),
}

impl Container {
    fn of(bytes: &[u8]) -> Self {
        const FOREIGN: [(&[u8], &str); 5] = [
            (b"PK\x03\x04", "a zip archive"),
            (b"\xfd7zXZ\0", "an xz file"),
            (b"\x28\xb5\x2f\xfd", "a Zstandard file"),
            (b"BZh", "a bzip2 file"),
            (b"ARROW1", "an Arrow file"),
        ];
        if bytes.is_empty() {
            return Self::Nothing;
        }
        if text::is_gzip(bytes) {
            return Self::Gzip;
        }
        if bytes.starts_with(b"PAR1") {
            return Self::Parquet;
        }
        let foreign = FOREIGN.iter().find(|(magic, _)| bytes.starts_with(magic));
        foreign.map_or(Self::Text, |(_, what)| Self::Foreign(what))
    }
}

#[cfg(test)]
mod tests;

//! Finished records as CSV: one spelling for each workload.
//!
//! The columns are `arrival_ns`, `rollup`, `sender`, `recipient`, `amount`, `nonce`, `fee`, `gas`,
//! `expiry_ns`, `kind`, `account_nonce`, `payload`, in this order; where any record trades, `pool`,
//! `side`, `reserve0` and `reserve1` follow, empty for those that don't. Numbers are decimal, bytes
//! lower-case hexadecimal without `0x`, lines end with a line feed. An empty `expiry_ns` means
//! never, an empty `account_nonce` unknown; `rollup` is the rollup's name. The same workload gives
//! the same bytes, and [`read_bytes`](crate::read::read_bytes) gives it back.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use flate2::write::GzEncoder;
use hauptbuch_core::types::UnixNs;
use sha2::{Digest as _, Sha256};

use crate::hex;
use crate::read::{RECORD_COLUMNS, TRADE_COLUMNS};
use crate::workload::{Record, Trade, Workload};

/// Whether what is written is packed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compression {
    /// Plain text.
    #[default]
    None,
    /// Gzip, without a name or a time in its header; fast, because half of a payload's digits
    /// can't be packed any better. Its bytes may change with the library, its content does not.
    Gzip,
}

impl Compression {
    /// What a file's name asks for: gzip if it ends with `.gz`.
    #[must_use]
    pub fn of_path(path: &Path) -> Self {
        match path.extension() {
            Some(extension) if extension.eq_ignore_ascii_case("gz") => Self::Gzip,
            _ => Self::None,
        }
    }
}

/// Writes a workload as finished records; `out` need not be buffered.
///
/// # Errors
/// What `out` returns.
pub fn write_records(
    workload: &Workload,
    out: impl Write,
    compression: Compression,
) -> io::Result<()> {
    match compression {
        Compression::None => {
            let mut out = BufWriter::with_capacity(1 << 16, out);
            write_plain(workload, &mut out)?;
            out.flush()
        }
        Compression::Gzip => {
            let out = BufWriter::with_capacity(1 << 16, out);
            let mut packed = GzEncoder::new(out, flate2::Compression::fast());
            write_plain(workload, &mut packed)?;
            packed.finish()?.flush()
        }
    }
}

/// Writes a workload to a file, packed if its name ends with `.gz`.
///
/// # Errors
/// What the system returns; the file may then be there in part.
pub fn write_file(workload: &Workload, path: &Path) -> io::Result<()> {
    write_records(workload, File::create(path)?, Compression::of_path(path))
}

/// SHA-256 of the plain file that [`write_records`] writes, without writing it.
///
/// It names a workload that came from no file.
#[must_use]
pub fn canonical_sha256(workload: &Workload) -> [u8; 32] {
    let mut hash = HashWriter(Sha256::new());
    // A hash takes all that it is given, so this can't fail.
    let written = write_plain(workload, &mut hash);
    debug_assert!(written.is_ok());
    hash.0.finalize().into()
}

fn write_plain(workload: &Workload, out: &mut impl Write) -> io::Result<()> {
    let names: Vec<Vec<u8>> = workload.rollups().iter().map(|name| quoted(name)).collect();
    let mut line = RECORD_COLUMNS.join(",").into_bytes();
    if workload.has_trades() {
        line.push(b',');
        line.extend(TRADE_COLUMNS.join(",").bytes());
    }
    line.push(b'\n');
    out.write_all(&line)?;
    for record in workload.records() {
        line.clear();
        let name = names.get(record.envelope.rollup.get() as usize);
        write_line(
            record,
            name.map_or(&[], Vec::as_slice),
            workload.payload(record),
            &mut line,
        )?;
        if workload.has_trades() {
            write_trade(workload.trade(record), &mut line)?;
        }
        line.push(b'\n');
        out.write_all(&line)?;
    }
    Ok(())
}

fn write_line(record: &Record, name: &[u8], payload: &[u8], line: &mut Vec<u8>) -> io::Result<()> {
    let envelope = &record.envelope;
    write!(line, "{},", record.arrival)?;
    line.extend_from_slice(name);
    line.push(b',');
    hex::encode(envelope.sender.as_bytes(), line);
    line.push(b',');
    hex::encode(envelope.recipient.as_bytes(), line);
    write!(line, ",{},{}", envelope.amount, envelope.nonce)?;
    write!(line, ",{},{},", envelope.fee, envelope.gas)?;
    if envelope.expiry != UnixNs::NEVER {
        write!(line, "{}", envelope.expiry)?;
    }
    write!(line, ",{},", envelope.kind.byte())?;
    if let Some(nonce) = record.account_nonce {
        write!(line, "{nonce}")?;
    }
    line.push(b',');
    hex::encode(payload, line);
    Ok(())
}

fn write_trade(trade: Option<&Trade>, line: &mut Vec<u8>) -> io::Result<()> {
    let Some(trade) = trade else {
        return line.write_all(b",,,,");
    };
    line.push(b',');
    hex::encode(trade.hint.pool.as_bytes(), line);
    let side = trade.hint.side.name();
    write!(line, ",{side},{},{}", trade.reserve0, trade.reserve1)
}

/// A field of CSV, in quotes where it needs them.
fn quoted(text: &str) -> Vec<u8> {
    let needs_quotes = text
        .bytes()
        .any(|byte| matches!(byte, b',' | b'"' | b'\n' | b'\r'));
    if needs_quotes {
        format!("\"{}\"", text.replace('"', "\"\"")).into_bytes()
    } else {
        text.as_bytes().to_vec()
    }
}

struct HashWriter(Sha256);

impl Write for HashWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;

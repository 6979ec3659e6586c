//! CSV, plain or as gzip, to a table.

use std::io::{self, ErrorKind, Read};

use flate2::read::MultiGzDecoder;

use super::fields::Schema;
use super::table::{Column, Parts, Table, Values};
use super::{INPUT_BYTES_MAX, ReadError};
use crate::error::BuildError;
use crate::error::Place;
use crate::workload::RECORD_COUNT_MAX;

/// What a CSV file holds.
pub(super) struct TextTable {
    /// Its columns; those of no use have no values.
    pub(super) table: Table,
    pub(super) schema: Schema,
    /// The line on which each row starts, counted from 1.
    pub(super) lines: Vec<u64>,
}

/// Whether the bytes start as gzip does.
pub(super) fn is_gzip(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x1f, 0x8b])
}

/// Reads a whole CSV file.
pub(super) fn read_csv(bytes: &[u8]) -> Result<TextTable, ReadError> {
    if is_gzip(bytes) {
        read_plain(Bounded::new(MultiGzDecoder::new(bytes)))
    } else {
        read_plain(Bounded::new(bytes))
    }
}

fn read_plain(input: impl Read) -> Result<TextTable, ReadError> {
    let mut reader = csv::ReaderBuilder::new()
        .buffer_capacity(1 << 16)
        .from_reader(input);
    let header = reader.headers().map_err(explain)?.clone();
    if header.is_empty() {
        return Err(ReadError::Empty);
    }
    let names: Vec<&str> = header.iter().collect();
    let schema = Schema::resolve(&names)?;
    let mut columns = vec![Parts::default(); names.len()];
    let mut lines = Vec::new();
    let mut row = csv::StringRecord::new();
    loop {
        // The reader stands where the last row ended, which the end of a line may follow; only
        // the row itself knows where it starts.
        if !reader.read_record(&mut row).map_err(explain)? {
            break;
        }
        let line = row.position().map_or(0, csv::Position::line);
        if lines.len() == RECORD_COUNT_MAX {
            return Err(ReadError::TooLarge {
                place: Place::Line(line),
                error: BuildError::TooManyRecords,
            });
        }
        lines.push(line);
        let used = columns.iter_mut().zip(&schema.is_used).zip(&row);
        for ((column, is_used), field) in used {
            if *is_used {
                column.push(field.as_bytes());
            }
        }
    }
    let named = names.iter().zip(columns);
    let columns = named.map(|(name, parts)| Column::new(*name, Values::Text(parts)));
    Ok(TextTable {
        table: Table {
            columns: columns.collect(),
        },
        schema,
        lines,
    })
}

fn explain(error: csv::Error) -> ReadError {
    let line = error.position().map_or(1, csv::Position::line);
    let reason = error.to_string();
    match error.into_kind() {
        csv::ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => ReadError::RowLength {
            line,
            expected: expected_len,
            found: len,
        },
        csv::ErrorKind::Utf8 { .. } => ReadError::NotText { line },
        csv::ErrorKind::Io(error) if error.kind() == ErrorKind::FileTooLarge => {
            ReadError::InputTooLarge {
                bytes_max: INPUT_BYTES_MAX,
            }
        }
        // Plain bytes in memory can't fail to be read; only the decoder can.
        csv::ErrorKind::Io(error) => ReadError::Gzip {
            reason: error.to_string(),
        },
        _ => ReadError::Gzip { reason },
    }
}

/// Fails where a stream goes on past [`INPUT_BYTES_MAX`]: a small gzip file can hold any length.
struct Bounded<R> {
    inner: R,
    bytes_left: u64,
}

impl<R> Bounded<R> {
    const fn new(inner: R) -> Self {
        Self {
            inner,
            bytes_left: INPUT_BYTES_MAX,
        }
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = self.inner.read(buffer)?;
        self.bytes_left = self
            .bytes_left
            .checked_sub(len as u64)
            .ok_or_else(|| io::Error::from(ErrorKind::FileTooLarge))?;
        Ok(len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endless_stream_is_cut() {
        let mut bounded = Bounded {
            inner: io::repeat(b'a'),
            bytes_left: 10,
        };
        let mut bytes = [0; 6];
        assert_eq!(bounded.read(&mut bytes).unwrap(), 6);
        assert_eq!(
            bounded.read(&mut bytes).unwrap_err().kind(),
            ErrorKind::FileTooLarge
        );
        let read = read_plain(Bounded {
            inner: io::repeat(b'a'),
            bytes_left: 100_000,
        });
        assert!(matches!(read, Err(ReadError::InputTooLarge { .. })));
    }
}

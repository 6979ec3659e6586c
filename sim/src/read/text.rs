//! CSV, plain or as gzip, to a table.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read};

use flate2::read::MultiGzDecoder;

use super::table::{Column, Header, Parts, Table, Values};
use super::{INPUT_BYTES_MAX, ReadError};
use crate::error::{BuildError, Place};
use crate::workload::RECORD_COUNT_MAX;

/// What a CSV file holds.
pub(super) struct TextTable<H> {
    /// Its columns; those of no use have no values.
    pub(super) table: Table,
    pub(super) schema: H,
    /// The line on which each row starts, counted from 1.
    pub(super) lines: Vec<u64>,
}

/// Whether the bytes start as gzip does.
pub(super) fn is_gzip(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x1f, 0x8b])
}

/// Reads a whole CSV file.
pub(super) fn read_csv<H: Header>(bytes: &[u8]) -> Result<TextTable<H>, ReadError> {
    if is_gzip(bytes) {
        read_plain(Input::new(MultiGzDecoder::new(bytes), INPUT_BYTES_MAX))
    } else {
        read_plain(Input::new(bytes, INPUT_BYTES_MAX))
    }
}

fn read_plain<H: Header>(input: Input<impl Read>) -> Result<TextTable<H>, ReadError> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .buffer_capacity(1 << 16)
        .from_reader(input);
    let mut row = csv::ByteRecord::new();
    let Some(line) = next_row(&mut reader, &mut row)? else {
        return Err(ReadError::Empty);
    };
    let header: Result<Vec<String>, _> = row
        .iter()
        .map(|name| name.to_vec())
        .map(String::from_utf8)
        .collect();
    let header = header.map_err(|_| ReadError::NotText { line })?;
    let names: Vec<&str> = header.iter().map(String::as_str).collect();
    let schema = H::resolve(&names)?;
    let mut columns = vec![Parts::default(); names.len()];
    let mut lines = Vec::new();
    while let Some(line) = next_row(&mut reader, &mut row)? {
        if lines.len() == RECORD_COUNT_MAX {
            return Err(ReadError::TooLarge {
                place: Place::Line(line),
                error: BuildError::TooManyRecords,
            });
        }
        lines.push(line);
        for ((column, is_used), field) in columns.iter_mut().zip(schema.is_used()).zip(&row) {
            if core::str::from_utf8(field).is_err() {
                return Err(ReadError::NotText { line });
            }
            if *is_used {
                column.push(field);
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

/// Reads a row, as long as the first one, and says on which line it starts.
fn next_row(
    reader: &mut csv::Reader<Input<impl Read>>,
    row: &mut csv::ByteRecord,
) -> Result<Option<u64>, ReadError> {
    let result = reader.read_byte_record(row);
    // The reader's own count is off by one after a carriage return, and by the empty lines that it
    // passes over. What ends a row is one byte, so the newlines before that byte are those of
    // earlier lines, and of the row itself, whose fields still have them.
    let end = reader.position().byte();
    let end_line = reader.get_mut().newlines_before(end.saturating_sub(1)) + 1;
    let own_newlines = row.as_slice().iter().filter(|byte| **byte == b'\n').count() as u64;
    // A quote that never ends takes the newline at the end of the file as its own.
    let reader_line = row.position().map_or(1, csv::Position::line);
    let line = end_line.saturating_sub(own_newlines).max(reader_line);
    match result {
        Ok(is_row) => Ok(is_row.then_some(line)),
        Err(error) => Err(explain(error, line)),
    }
}

fn explain(error: csv::Error, line: u64) -> ReadError {
    let reason = error.to_string();
    match error.into_kind() {
        csv::ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => ReadError::RowLength {
            line,
            expected: expected_len,
            found: len,
        },
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

/// A stream that knows its newlines, and fails where it is too long: a small gzip file can hold
/// any length.
struct Input<R> {
    inner: R,
    bytes_left: u64,
    bytes_read: u64,
    /// Offsets of newlines that were read and not yet counted.
    newlines: VecDeque<u64>,
    newlines_counted: u64,
}

impl<R> Input<R> {
    const fn new(inner: R, bytes_max: u64) -> Self {
        Self {
            inner,
            bytes_left: bytes_max,
            bytes_read: 0,
            newlines: VecDeque::new(),
            newlines_counted: 0,
        }
    }

    /// How many newlines lie before `offset`, which may never fall.
    fn newlines_before(&mut self, offset: u64) -> u64 {
        while self
            .newlines
            .front()
            .is_some_and(|newline| *newline < offset)
        {
            self.newlines.pop_front();
            self.newlines_counted += 1;
        }
        self.newlines_counted
    }
}

impl<R: Read> Read for Input<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = self.inner.read(buffer)?;
        let left = self.bytes_left.checked_sub(len as u64);
        self.bytes_left = left.ok_or_else(|| io::Error::from(ErrorKind::FileTooLarge))?;
        for (offset, byte) in (self.bytes_read..).zip(&buffer[..len]) {
            if *byte == b'\n' {
                self.newlines.push_back(offset);
            }
        }
        self.bytes_read += len as u64;
        Ok(len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::fields::Schema;

    #[test]
    fn an_endless_stream_is_cut() {
        let mut input = Input::new(io::repeat(b'a'), 10);
        let mut bytes = [0; 6];
        assert_eq!(input.read(&mut bytes).unwrap(), 6);
        let error = input.read(&mut bytes).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::FileTooLarge);
        let read = read_plain::<Schema>(Input::new(io::repeat(b'a'), 100_000));
        assert!(matches!(read, Err(ReadError::InputTooLarge { .. })));
    }

    #[test]
    fn lines_are_those_of_an_editor() {
        let rows = [
            "a,1,1,1,",
            "a,1,1,1,\"x\ny\n\"",
            "",
            "",
            "a,1,1,1,",
            "a,1,1,1,\"\n\"",
        ];
        let text = format!("\u{feff}sender,nonce,gas,fee,miner\n{}", rows.join("\n"));
        for text in [text.replace('\n', "\r\n"), text.clone() + "\n", text] {
            let read = read_csv::<Schema>(text.as_bytes()).unwrap();
            assert_eq!(read.lines, [2, 3, 8, 9], "{text:?}");
        }
    }
}

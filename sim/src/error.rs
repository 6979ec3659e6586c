//! Why there is no workload: one clear line each.

use core::fmt;

use hauptbuch_core::limits::ROLLUP_COUNT_MAX;

use crate::workload::{PAYLOAD_BYTES_MAX, PAYLOADS_BYTES_MAX, RECORD_COUNT_MAX};

/// Why a record can't be added to a workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BuildError {
    /// A rollup's name is empty.
    RollupName,
    /// There are more rollups than a network can serve.
    TooManyRollups,
    /// A record names a rollup that the workload does not have.
    UnknownRollup,
    /// There are more than [`RECORD_COUNT_MAX`] records.
    TooManyRecords,
    /// A payload has more than [`PAYLOAD_BYTES_MAX`] bytes.
    PayloadTooLarge,
    /// All payloads together have more than [`PAYLOADS_BYTES_MAX`] bytes.
    PayloadsTooLarge,
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RollupName => f.write_str("the name of the rollup is empty"),
            Self::TooManyRollups => {
                write!(
                    f,
                    "more than {ROLLUP_COUNT_MAX} rollups; a network serves no more"
                )
            }
            Self::UnknownRollup => f.write_str("the rollup was not named before"),
            Self::TooManyRecords => {
                write!(f, "more than {} rows", grouped(RECORD_COUNT_MAX as u64))
            }
            Self::PayloadTooLarge => {
                write!(
                    f,
                    "a payload of more than {} bytes",
                    grouped(PAYLOAD_BYTES_MAX as u64)
                )
            }
            Self::PayloadsTooLarge => write!(
                f,
                "payloads of more than {} bytes in all",
                grouped(PAYLOADS_BYTES_MAX as u64)
            ),
        }
    }
}

impl core::error::Error for BuildError {}

/// Why an input is no workload.
///
/// Everything but [`ReadError::Io`] and [`ReadError::ParquetDisabled`] is wrong with the input.
#[derive(Debug)]
#[non_exhaustive]
pub enum ReadError {
    /// The file can't be read.
    Io {
        /// The file as it was given.
        path: String,
        /// What the system said.
        error: std::io::Error,
    },
    /// The input has no bytes at all.
    Empty,
    /// The input has a header and no rows.
    NoRows,
    /// The input is packed in a way that is not read here.
    Unsupported {
        /// What its first bytes say that it is.
        what: &'static str,
    },
    /// The input is a Parquet file, and this build can't read one.
    ParquetDisabled,
    /// The gzip stream is cut off or damaged.
    Gzip {
        /// What the decoder said.
        reason: String,
    },
    /// The Parquet file is damaged, or holds what has no place in a workload.
    Parquet {
        /// What is wrong with it.
        reason: String,
    },
    /// A line has not as many fields as the header.
    RowLength {
        /// The line, counted from 1.
        line: u64,
        /// Columns of the header.
        expected: u64,
        /// Fields of the line.
        found: u64,
    },
    /// A line is not UTF-8.
    NotText {
        /// The line, counted from 1.
        line: u64,
    },
    /// The columns are not those of a workload: all that is wrong with them.
    Columns(ColumnsError),
    /// A column in memory has not as many rows as the first one.
    ColumnLength {
        /// The column's name.
        column: String,
        /// Rows of the first column.
        expected: usize,
        /// Rows of this one.
        found: usize,
    },
    /// A field does not hold what its column must; the first such one, row by row.
    Cell {
        /// Where it stands.
        place: Place,
        /// The column's name as the input spells it.
        column: String,
        /// What was expected.
        expected: &'static str,
        /// What stands there, cut to 40 characters.
        found: String,
    },
    /// Two transactions of one rollup have the same hash.
    DuplicateHash {
        /// Where the first one stands.
        first: Place,
        /// Where the second one stands.
        second: Place,
        /// The column's name.
        column: String,
        /// The hash, in hexadecimal digits.
        hash: String,
    },
    /// A row makes the workload larger than one can be.
    TooLarge {
        /// The row.
        place: Place,
        /// Which bound it crosses.
        error: BuildError,
    },
    /// The input, unpacked, has more bytes than are read.
    InputTooLarge {
        /// The most bytes.
        bytes_max: u64,
    },
}

/// A row of an input, as its owner would look for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// A line of a text file, counted from 1, where the header usually is line 1.
    Line(u64),
    /// A row of a table without lines, counted from 0.
    Row(u64),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => write!(f, "line {line}"),
            Self::Row(row) => write!(f, "row {row} (counted from 0)"),
        }
    }
}

/// All that is wrong with the columns of an input.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ColumnsError {
    /// What is missing: a field, and the column names that would give it.
    pub missing: Vec<(&'static str, Vec<&'static str>)>,
    /// Columns that mean nothing here, as the input spells them.
    pub unknown: Vec<String>,
    /// Fields that several columns give, with those columns.
    pub repeated: Vec<(&'static str, Vec<String>)>,
    /// Every column name that is understood.
    pub known: Vec<&'static str>,
}

impl fmt::Display for ColumnsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (field, names) in &self.missing {
            write!(
                f,
                "{separator}no column for the {field} (one of {})",
                names.join(", ")
            )?;
            separator = "; ";
        }
        for (field, columns) in &self.repeated {
            let columns = columns.join("`, `");
            write!(f, "{separator}several columns for the {field}: `{columns}`")?;
            separator = "; ";
        }
        if !self.unknown.is_empty() {
            let columns: Vec<String> = self.unknown.iter().map(|name| shown(name)).collect();
            let (columns, known) = (columns.join("`, `"), self.known.join(", "));
            write!(
                f,
                "{separator}unknown columns: `{columns}` (understood are: {known})"
            )?;
        }
        Ok(())
    }
}

impl core::error::Error for ColumnsError {}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { path, error } => write!(f, "cannot read {path}: {error}"),
            Self::Empty => f.write_str("the input is empty"),
            Self::NoRows => f.write_str("the input has a header but no rows"),
            Self::Unsupported { what } => write!(
                f,
                "the input is {what}; unpack it first (CSV is read plain or as gzip)"
            ),
            Self::ParquetDisabled => f.write_str(
                "the input is a Parquet file, and this build reads none: \
                 build with the feature `parquet`",
            ),
            Self::Gzip { reason } => {
                write!(f, "the gzip stream is cut off or damaged: {reason}")
            }
            Self::Parquet { reason } => write!(f, "the Parquet file can't be read: {reason}"),
            Self::RowLength {
                line,
                expected,
                found,
            } => {
                write!(
                    f,
                    "line {line} has {found} fields, and the header has {expected}"
                )
            }
            Self::NotText { line } => write!(f, "line {line} is not UTF-8 text"),
            Self::Columns(error) => error.fmt(f),
            Self::ColumnLength {
                column,
                expected,
                found,
            } => write!(
                f,
                "column `{}` has {found} rows, and the first column has {expected}",
                shown(column)
            ),
            Self::Cell {
                place,
                column,
                expected,
                found,
            } => write!(
                f,
                "{place}, column `{}`: expected {expected}, found `{}`",
                shown(column),
                shown(found)
            ),
            Self::DuplicateHash {
                first,
                second,
                column,
                hash,
            } => write!(
                f,
                "{second}, column `{}`: hash {hash} stands already in {first}",
                shown(column)
            ),
            Self::TooLarge { place, error } => write!(f, "{place}: {error}"),
            Self::InputTooLarge { bytes_max } => {
                write!(
                    f,
                    "the input has more than {} bytes unpacked",
                    grouped(*bytes_max)
                )
            }
        }
    }
}

impl core::error::Error for ReadError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Io { error, .. } => Some(error),
            Self::Columns(error) => Some(error),
            Self::TooLarge { error, .. } => Some(error),
            _ => None,
        }
    }
}

impl From<ColumnsError> for ReadError {
    fn from(error: ColumnsError) -> Self {
        Self::Columns(error)
    }
}

/// Somebody else's text within one line of ours: control characters escaped, cut to 40.
pub(crate) fn shown(text: &str) -> String {
    const SHOWN_MAX: usize = 40;
    let mut line: String = text.chars().take(SHOWN_MAX).flat_map(visible).collect();
    if text.chars().nth(SHOWN_MAX).is_some() {
        line.push('…');
    }
    line
}

fn visible(character: char) -> impl Iterator<Item = char> {
    let escaped = character.is_control().then(|| character.escape_default());
    let plain = (!character.is_control()).then_some(character);
    escaped.into_iter().flatten().chain(plain)
}

/// A number with a comma after every three digits, as reports print it.
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut line = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            line.push(',');
        }
        line.push(digit);
    }
    line
}

/// A number and its noun, as in `1 gap` and `1,015 gaps`.
#[must_use]
pub fn counted(number: u64, noun: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{} {noun}{ending}", grouped(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        for (number, line) in [
            (0, "0"),
            (999, "999"),
            (1_015, "1,015"),
            (1 << 24, "16,777,216"),
        ] {
            assert_eq!(grouped(number), line);
        }
    }

    #[test]
    fn foreign_text_stays_short_and_on_its_line() {
        assert_eq!(shown("a\nb\t\u{1b}"), "a\\nb\\t\\u{1b}");
        assert_eq!(shown(&"é".repeat(41)), "é".repeat(40) + "…");
        assert_eq!(shown(&"é".repeat(40)), "é".repeat(40));
    }
}

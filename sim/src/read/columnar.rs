//! Parquet to a table: flat columns of whole numbers, text and bytes.
//!
//! Columns of no use are not read at all, so that they may be of any type, nested ones too.

use std::io::Cursor;

use bytes::Bytes;
use parquet::basic::{ConvertedType, LogicalType, TimeUnit, Type as Physical};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, DataType, FixedLenByteArray};
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::reader::{ChunkReader, FileReader, Length, SerializedFileReader};
use parquet::schema::types::ColumnDescriptor;

use super::table::{Column, Header, Parts, Table, Values};
use super::{INPUT_BYTES_MAX, ReadError};
use crate::error::{BuildError, Place, shown};
use crate::workload::RECORD_COUNT_MAX;

/// Rows that are decoded at once.
const BATCH_ROWS: usize = 8_192;

/// Reads the columns of use of a whole Parquet file.
pub(super) fn read_parquet<H: Header>(bytes: Vec<u8>) -> Result<Table, ReadError> {
    let reader = SerializedFileReader::new(Input(Bytes::from(bytes))).map_err(explain)?;
    let metadata = reader.metadata();
    let rows = metadata.file_metadata().num_rows();
    let row_count = usize::try_from(rows).map_err(|_| bad("its row count is negative"))?;
    if row_count > RECORD_COUNT_MAX {
        return Err(ReadError::TooLarge {
            place: Place::Row(RECORD_COUNT_MAX as u64),
            error: BuildError::TooManyRecords,
        });
    }
    let unpacked_bytes: i64 = metadata
        .row_groups()
        .iter()
        .map(|group| group.total_byte_size().max(0))
        .fold(0, i64::saturating_add);
    if unpacked_bytes as u64 > INPUT_BYTES_MAX {
        return Err(ReadError::InputTooLarge {
            bytes_max: INPUT_BYTES_MAX,
        });
    }
    let descriptor = metadata.file_metadata().schema_descr();
    let mut columns = Vec::new();
    for field in descriptor.root_schema().get_fields() {
        columns.push(Column::new(field.name(), Values::Bytes(Parts::default())));
    }
    let leaves: Vec<usize> = (0..descriptor.num_columns()).collect();
    for leaf in &leaves {
        let column = &mut columns[descriptor.get_column_root_idx(*leaf)];
        name_unit(descriptor.column(*leaf).as_ref(), &mut column.name);
    }
    let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
    let schema = H::resolve(&names)?;
    let is_used = schema.is_used();
    for leaf in leaves {
        let root = descriptor.get_column_root_idx(leaf);
        if is_used[root] {
            let column =
                Collector::new(descriptor.column(leaf).as_ref())?.collect(&reader, leaf)?;
            columns[root].values = column.values;
            columns[root].present = column.present;
        }
    }
    Ok(Table { columns })
}

/// Writes the unit of a column that is just called `timestamp`, as its type says it.
fn name_unit(leaf: &ColumnDescriptor, name: &mut String) {
    let unit = match (leaf.logical_type_ref(), leaf.converted_type()) {
        (Some(LogicalType::Timestamp(timestamp)), _) => match timestamp.unit {
            TimeUnit::MILLIS => "_ms",
            TimeUnit::MICROS => "_us",
            TimeUnit::NANOS => "_ns",
        },
        (_, ConvertedType::TIMESTAMP_MILLIS) => "_ms",
        (_, ConvertedType::TIMESTAMP_MICROS) => "_us",
        _ => return,
    };
    if name.eq_ignore_ascii_case("timestamp") {
        name.push_str(unit);
    }
}

/// One column as it is read.
struct Collector {
    name: String,
    values: Values,
    /// By row, for a column that can lack values.
    present: Option<Vec<bool>>,
    /// The definition level of a value that is there.
    level_present: i16,
}

impl Collector {
    fn new(leaf: &ColumnDescriptor) -> Result<Self, ReadError> {
        let name = leaf.path().parts().first().cloned().unwrap_or_default();
        if leaf.path().parts().len() > 1 || leaf.max_rep_level() > 0 {
            return Err(bad(format!("column `{}` is nested", shown(&name))));
        }
        let is_decimal = matches!(leaf.logical_type_ref(), Some(LogicalType::Decimal(_)))
            || leaf.converted_type() == ConvertedType::DECIMAL;
        let is_text = matches!(
            leaf.logical_type_ref(),
            Some(LogicalType::String | LogicalType::Enum | LogicalType::Json)
        ) || matches!(
            leaf.converted_type(),
            ConvertedType::UTF8 | ConvertedType::ENUM | ConvertedType::JSON
        );
        let values = match leaf.physical_type() {
            _ if is_decimal => None,
            Physical::INT32 | Physical::INT64 if is_unsigned(leaf) => Some(Values::U64(Vec::new())),
            Physical::INT32 | Physical::INT64 => Some(Values::I64(Vec::new())),
            Physical::BYTE_ARRAY if is_text => Some(Values::Text(Parts::default())),
            Physical::BYTE_ARRAY | Physical::FIXED_LEN_BYTE_ARRAY => {
                Some(Values::Bytes(Parts::default()))
            }
            _ => None,
        };
        let Some(values) = values else {
            let held = if is_decimal {
                "decimals".to_owned()
            } else {
                leaf.physical_type().to_string()
            };
            return Err(bad(format!(
                "column `{}` holds {held}, and whole numbers, text and bytes are read",
                shown(&name)
            )));
        };
        Ok(Self {
            name,
            values,
            present: (leaf.max_def_level() > 0).then(Vec::new),
            level_present: leaf.max_def_level(),
        })
    }

    fn collect(mut self, file: &dyn FileReader, leaf: usize) -> Result<Column, ReadError> {
        for group in 0..file.num_row_groups() {
            let group = file.get_row_group(group).map_err(explain)?;
            let rows = usize::try_from(group.metadata().num_rows())
                .map_err(|_| bad("a row count is negative"))?;
            let read = match group.get_column_reader(leaf).map_err(explain)? {
                ColumnReader::Int32ColumnReader(reader) => self.read(reader, rows),
                ColumnReader::Int64ColumnReader(reader) => self.read(reader, rows),
                ColumnReader::ByteArrayColumnReader(reader) => self.read(reader, rows),
                ColumnReader::FixedLenByteArrayColumnReader(reader) => self.read(reader, rows),
                _ => Err(bad("a row group has columns of another type than the file")),
            };
            read?;
        }
        Ok(Column {
            name: self.name,
            values: self.values,
            present: self.present,
        })
    }

    fn read<T: DataType>(
        &mut self,
        mut reader: ColumnReaderImpl<T>,
        row_count: usize,
    ) -> Result<(), ReadError>
    where
        T::T: Append,
    {
        let (mut levels, mut batch) = (Vec::new(), Vec::new());
        let mut rows_left = row_count;
        while rows_left > 0 {
            levels.clear();
            batch.clear();
            let wanted = rows_left.min(BATCH_ROWS);
            let has_levels = self.present.is_some();
            let (rows, value_count, _) = reader
                .read_records(wanted, has_levels.then_some(&mut levels), None, &mut batch)
                .map_err(explain)?;
            if rows == 0 || rows > wanted || (has_levels && levels.len() != rows) {
                let column = shown(&self.name);
                return Err(bad(format!(
                    "column `{column}` has not as many rows as promised"
                )));
            }
            rows_left -= rows;
            let mut given = batch.iter().take(value_count);
            for row in 0..rows {
                let is_present = !has_levels || levels.get(row) == Some(&self.level_present);
                let value = if is_present { given.next() } else { None };
                if let Some(present) = &mut self.present {
                    present.push(value.is_some());
                } else if value.is_none() {
                    return Err(bad("a column without gaps lacks a value"));
                }
                T::T::append(value, &mut self.values);
            }
        }
        Ok(())
    }
}

/// A Parquet value that knows how to join a column; nothing joins as anything of its kind.
trait Append: Sized {
    fn append(value: Option<&Self>, values: &mut Values);
}

impl Append for i32 {
    fn append(value: Option<&Self>, values: &mut Values) {
        let value = value.copied().unwrap_or(0);
        match values {
            // The bits of an unsigned number, in the only type that Parquet has for them.
            Values::U64(values) => values.push(u64::from(value.cast_unsigned())),
            Values::I64(values) => values.push(i64::from(value)),
            _ => {}
        }
    }
}

impl Append for i64 {
    fn append(value: Option<&Self>, values: &mut Values) {
        let value = value.copied().unwrap_or(0);
        match values {
            Values::U64(values) => values.push(value.cast_unsigned()),
            Values::I64(values) => values.push(value),
            _ => {}
        }
    }
}

impl Append for ByteArray {
    fn append(value: Option<&Self>, values: &mut Values) {
        if let Values::Text(parts) | Values::Bytes(parts) = values {
            parts.push(value.map_or(&[], Self::data));
        }
    }
}

impl Append for FixedLenByteArray {
    fn append(value: Option<&Self>, values: &mut Values) {
        if let Values::Text(parts) | Values::Bytes(parts) = values {
            parts.push(value.map_or(&[], |value| value.data()));
        }
    }
}

fn is_unsigned(leaf: &ColumnDescriptor) -> bool {
    let is_logical = match leaf.logical_type_ref() {
        Some(LogicalType::Integer(integer)) => !integer.is_signed,
        _ => false,
    };
    is_logical
        || matches!(
            leaf.converted_type(),
            ConvertedType::UINT_8
                | ConvertedType::UINT_16
                | ConvertedType::UINT_32
                | ConvertedType::UINT_64
        )
}

/// The bytes of a file; ranges outside it are errors, where the library's own type would panic.
struct Input(Bytes);

impl Length for Input {
    fn len(&self) -> u64 {
        self.0.len() as u64
    }
}

impl ChunkReader for Input {
    type T = Cursor<Bytes>;

    fn get_read(&self, start: u64) -> ParquetResult<Self::T> {
        let rest = self.0.len().saturating_sub(start as usize);
        self.get_bytes(start, rest).map(Cursor::new)
    }

    fn get_bytes(&self, start: u64, length: usize) -> ParquetResult<Bytes> {
        let start = usize::try_from(start).unwrap_or(usize::MAX);
        let end = start.checked_add(length).filter(|end| *end <= self.0.len());
        let end = end.ok_or_else(|| ParquetError::EOF("a range lies past the end".into()))?;
        Ok(self.0.slice(start..end))
    }
}

fn bad(reason: impl Into<String>) -> ReadError {
    ReadError::Parquet {
        reason: reason.into(),
    }
}

fn explain(error: ParquetError) -> ReadError {
    // The library quotes what it found, newlines and all.
    bad(error.to_string().replace(char::is_control, " "))
}

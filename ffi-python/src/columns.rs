//! Columns as they cross between Python and Rust.

use hauptbuch_core::error::Code;
use hauptbuch_sim::read::{Column, Parts, Values};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyByteArray;

use crate::errors::input_error;

/// One column on its way in: name, kind, values, ends of byte strings, which rows have a value.
///
/// Numbers are little-endian: 8 bytes each for `u64` and `i64`, 16 for `u128`. Of `text` and
/// `bytes`, the values stand one after another and `ends` says where each ends (8 bytes each).
/// `present` has a byte for each row, 0 where there is no value.
pub(crate) type ColumnIn = (
    String,
    String,
    PyBackedBytes,
    Option<PyBackedBytes>,
    Option<PyBackedBytes>,
);

/// Reads one column.
///
/// # Errors
/// An `InputError` where lengths do not fit each other; the code in front never sends such.
pub(crate) fn read_column(column: &ColumnIn) -> PyResult<Column> {
    let (name, kind, bytes, ends, present) = column;
    let bad = |what: &str| input_error(format!("column `{name}`: {what}"), Code::InvalidArgument);
    let values = match kind.as_str() {
        "u64" => Values::U64(numbers(bytes, u64::from_le_bytes).ok_or_else(|| bad(ODD))?),
        "i64" => Values::I64(numbers(bytes, i64::from_le_bytes).ok_or_else(|| bad(ODD))?),
        "u128" => Values::U128(numbers(bytes, u128::from_le_bytes).ok_or_else(|| bad(ODD))?),
        "text" | "bytes" => {
            let ends = ends
                .as_deref()
                .and_then(|ends| numbers(ends, u64::from_le_bytes));
            let parts = ends.and_then(|ends| parts(bytes, &ends));
            let parts = parts.ok_or_else(|| bad("the ends of its values are wrong"))?;
            if kind == "text" {
                Values::Text(parts)
            } else {
                Values::Bytes(parts)
            }
        }
        _ => return Err(bad("its kind is unknown")),
    };
    let present = present.as_deref();
    Ok(Column {
        name: name.clone(),
        values,
        present: present.map(|flags| flags.iter().map(|flag| *flag != 0).collect()),
    })
}

const ODD: &str = "its bytes are no whole number of values";

fn numbers<T, const N: usize>(bytes: &[u8], read: impl Fn([u8; N]) -> T) -> Option<Vec<T>> {
    let (chunks, rest) = bytes.as_chunks::<N>();
    rest.is_empty()
        .then(|| chunks.iter().map(|chunk| read(*chunk)).collect())
}

fn parts(bytes: &[u8], ends: &[u64]) -> Option<Parts> {
    let mut parts = Parts::default();
    let mut start = 0;
    for end in ends {
        let end = usize::try_from(*end).ok()?;
        parts.push(bytes.get(start..end)?);
        start = end;
    }
    (start == bytes.len()).then_some(parts)
}

/// Numbers of one column on their way out, 8 little-endian bytes each.
pub(crate) fn u64s<'py>(
    py: Python<'py>,
    values: impl ExactSizeIterator<Item = u64>,
) -> PyResult<Bound<'py, PyByteArray>> {
    fixed(py, values.map(u64::to_le_bytes))
}

/// Values of one length, one after another. One allocation, which numpy then owns and may write.
pub(crate) fn fixed<'py, const N: usize>(
    py: Python<'py>,
    values: impl ExactSizeIterator<Item = [u8; N]>,
) -> PyResult<Bound<'py, PyByteArray>> {
    PyByteArray::new_with(py, values.len() * N, |out| {
        let (places, _) = out.as_chunks_mut::<N>();
        for (place, value) in places.iter_mut().zip(values) {
            *place = value;
        }
        Ok(())
    })
}

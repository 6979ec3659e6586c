//! A table in memory: named columns of typed values, which every source becomes first.

use crate::error::ColumnsError;

/// What the names of a table's columns mean to one kind of reader.
pub(crate) trait Header: Sized {
    /// Reads the names.
    ///
    /// # Errors
    /// One error with everything that is missing, unknown or there twice.
    fn resolve(names: &[&str]) -> Result<Self, ColumnsError>;

    /// By column: whether anything comes from it.
    fn is_used(&self) -> &[bool];
}

/// Named columns of equal length.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// The columns, in any order.
    pub columns: Vec<Column>,
}

/// One column: a name, and a value or nothing for each row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// What the source calls it; see the table of names in [`read`](crate::read).
    pub name: String,
    /// The values.
    pub values: Values,
    /// Whether each row has a value; nothing if all have. What stands in `values` for a row
    /// without one is not looked at.
    pub present: Option<Vec<bool>>,
}

/// The values of one column.
///
/// Numbers may come as text (decimal digits) wherever a number is wanted; addresses, hashes and
/// payloads come as bytes or as text (hexadecimal digits, with or without `0x`).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Values {
    /// Unsigned 64-bit numbers.
    U64(Vec<u64>),
    /// Signed 64-bit numbers; a negative one is refused where it is read.
    I64(Vec<i64>),
    /// Unsigned 128-bit numbers.
    U128(Vec<u128>),
    /// Text; an empty one counts as no value.
    Text(Parts),
    /// Bytes.
    Bytes(Parts),
}

/// Byte strings in one arena, so that a million of them are two allocations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    bytes: Vec<u8>,
    /// Invariant: ends never fall, and the last one is the length of `bytes`.
    ends: Vec<usize>,
}

impl Parts {
    /// Adds one.
    pub fn push(&mut self, part: &[u8]) {
        self.bytes.extend_from_slice(part);
        self.ends.push(self.bytes.len());
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The one at `index`, if there are as many.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<&[u8]> {
        let end = *self.ends.get(index)?;
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        Some(&self.bytes[start..end])
    }
}

impl<T: AsRef<[u8]>> FromIterator<T> for Parts {
    fn from_iter<I: IntoIterator<Item = T>>(parts: I) -> Self {
        let mut all = Self::default();
        for part in parts {
            all.push(part.as_ref());
        }
        all
    }
}

impl Values {
    /// How many rows they cover.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::U64(values) => values.len(),
            Self::I64(values) => values.len(),
            Self::U128(values) => values.len(),
            Self::Text(values) | Self::Bytes(values) => values.len(),
        }
    }

    /// Whether they cover none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Column {
    /// A column that has a value in each row.
    pub fn new(name: impl Into<String>, values: Values) -> Self {
        Self {
            name: name.into(),
            values,
            present: None,
        }
    }

    /// A column of text.
    pub fn text<T: AsRef<str>>(
        name: impl Into<String>,
        values: impl IntoIterator<Item = T>,
    ) -> Self {
        let mut parts = Parts::default();
        for value in values {
            parts.push(value.as_ref().as_bytes());
        }
        Self::new(name, Values::Text(parts))
    }

    /// What stands in one row; nothing also past the end.
    pub(crate) fn cell(&self, row: usize) -> Cell<'_> {
        let is_present = self
            .present
            .as_ref()
            .is_none_or(|all| all.get(row) == Some(&true));
        if !is_present {
            return Cell::Missing;
        }
        let cell = match &self.values {
            Values::U64(values) => values
                .get(row)
                .map(|value| Cell::Number(u128::from(*value))),
            Values::I64(values) => values.get(row).map(|value| match u128::try_from(*value) {
                Ok(number) => Cell::Number(number),
                Err(_) => Cell::Negative(*value),
            }),
            Values::U128(values) => values.get(row).map(|value| Cell::Number(*value)),
            Values::Text(values) => values.get(row).and_then(text),
            Values::Bytes(values) => values.get(row).map(Cell::Bytes),
        };
        cell.unwrap_or(Cell::Missing)
    }
}

fn text(bytes: &[u8]) -> Option<Cell<'_>> {
    if bytes.is_empty() {
        return None;
    }
    Some(core::str::from_utf8(bytes).map_or(Cell::Bytes(bytes), Cell::Text))
}

/// What stands in one row of one column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cell<'a> {
    /// Nothing.
    Missing,
    /// A number.
    Number(u128),
    /// A number below zero, which nothing here can be.
    Negative(i64),
    /// Text that is not empty.
    Text(&'a str),
    /// Bytes.
    Bytes(&'a [u8]),
}

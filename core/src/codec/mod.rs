//! Canonical bytes: fixed-width little-endian integers, length-prefixed byte strings, one version
//! byte an object.
//!
//! Encoding what was decoded gives the same bytes, and anything that could be spelt in two ways is
//! refused. Decoders borrow from their input, allocate nothing, and return for every input. The
//! layouts are drawn in `docs/formats.md`.

mod reader;
mod sink;
mod state;
mod transaction;
mod writer;

pub use reader::Reader;
pub(crate) use sink::{Counted, Filled, Sink};
pub use state::StateError;
pub(crate) use state::StateFormat;
pub use writer::Writer;

use crate::error::operation_error;

operation_error! {
    /// Why bytes don't decode.
    DecodeError {
        Truncated,
        TrailingBytes,
        UnsupportedVersion,
        UnknownKind,
        LengthOverLimit,
        UnknownPolicy,
        FieldNotEmpty,
        ParameterOutOfRange,
        UnknownSide,
        UnknownOutcome,
    }
}

operation_error! {
    /// Why an object can't be encoded.
    EncodeError { BufferTooSmall }
}

#[cfg(test)]
pub(crate) mod tests;

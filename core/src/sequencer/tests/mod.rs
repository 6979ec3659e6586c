//! The registry, record by record.

mod bytes;
mod epochs;
pub(crate) mod kit;
mod random;
mod registry;
mod state;
mod succession;

//! Fixtures and peers of the benchmarks.
//!
//! A fixture makes what is measured repeatable: the same transactions in the same order. A peer is
//! what somebody would write without this library, with the standard collections and a scalar
//! hash, so that a figure has something to be compared with in the same process.

pub mod chain;
pub mod operations;
pub mod plain;
pub mod pool;
pub mod transactions;

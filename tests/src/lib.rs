//! Checks across the crates of Hauptbuch, and the test vectors that all languages share.
//!
//! The checks stand in `tests/`: `vectors` (encodings are frozen), `tidy` (the rules of the house),
//! `no_std` (the core runs without an operating system), `differential` (consensus beside another
//! implementation of it) and `model` (consensus under a model checker). This library writes the
//! vectors; `cargo run -p hauptbuch-tests --bin write-vectors` puts them into `tests/vectors`.

pub mod hex;
pub mod vectors;

/// The example of the README compiles and holds.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct ReadmeExamples;

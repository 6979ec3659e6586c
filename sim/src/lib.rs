//! Worlds around the core of Hauptbuch: first of all what a run takes in.
//!
//! A [`Workload`](workload::Workload) is a list of finished records in the order of their arrival.
//! It comes from the built-in generator ([`workload::generator`]), from a file
//! ([`read::read_file`]: CSV, plain or gzip, and Parquet with the feature `parquet`), or from
//! columns in memory ([`read::read_table`]). [`mod@write`] writes one as CSV that reads back the
//! same.
//!
//! Whoever holds a workload can repeat a run to the byte: nothing here looks at a clock, and what
//! is drawn at random follows from a seed.

pub mod error;
mod hex;
pub mod read;
pub mod run;
pub mod workload;
pub mod write;

//! Worlds around the core of Hauptbuch: first of all what a run takes in.
//!
//! A [`Workload`](workload::Workload) is a list of finished records in the order of their arrival.
//! It comes from the built-in generator ([`workload::generator`]), from a file
//! ([`read::read_file`]: CSV, plain or gzip, and Parquet with the feature `parquet`), or from
//! columns in memory ([`read::read_table`]). [`mod@write`] writes one as CSV that reads back the
//! same.
//!
//! [`run`] drives one sequencer through a workload, and [`output`] writes what comes of it into a
//! directory that anyone can verify.
//!
//! [`order`] is order fairness alone, over lists of strings. [`fair_world`] is a committee that
//! keeps it up over many slots, among faults and attacks.
//!
//! Whoever holds a workload can repeat a run to the byte: what is drawn at random follows from a
//! seed, and a clock is looked at only to say how long the work took ([`output::Timing`]).

pub mod arrivals;
pub mod attack;
pub mod committee;
pub mod error;
pub mod fair_world;
pub mod fairness;
mod hex;
pub mod order;
pub mod output;
pub mod prometheus;
pub mod read;
pub mod run;
pub mod settings;
pub mod workload;
pub mod world;
pub mod write;

//! The core of Hauptbuch: everything that decides, without I/O, in fixed memory.
//!
//! A sequencer takes transactions in and gives out slots whose order anyone can verify. This crate
//! holds its decisions and none of its surroundings: no clock, thread, socket, file or source of
//! randomness. Time and seeds are arguments; bytes come from the host and go back to it. The same
//! inputs give the same bytes on every machine.
//!
//! Memory is a function of [`limits::Limits`]: constructors allocate it, nothing does afterwards.
#![no_std]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::float_arithmetic
)]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects
    )
)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod batch;
pub mod bounded;
pub mod certificate;
pub mod codec;
pub mod config;
pub mod consensus;
pub mod coordinator;
pub mod crypto;
pub mod error;
pub mod event;
pub mod finality;
pub mod ingress;
pub mod journal;
pub mod limits;
pub mod metrics;
pub mod ordering;
pub mod pool;
pub mod receipt;
pub mod receive_log;
pub mod sequencer;
pub mod snapshot;
pub mod types;
pub mod vote;

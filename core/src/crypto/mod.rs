//! Hashes and Merkle trees.

pub mod hash;
pub mod merkle;

//! Hashes, Merkle trees and signatures.

pub mod hash;
pub mod merkle;
pub mod signature;

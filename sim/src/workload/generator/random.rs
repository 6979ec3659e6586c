//! Seeded numbers that are the same on every machine.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

/// A stream of numbers that follows from its key alone.
///
/// ChaCha with 8 rounds under a 256-bit key, read as 64-bit words; everything else is made from
/// those words by integer arithmetic here, so that no other library decides a value.
#[derive(Clone, Debug)]
pub(crate) struct Random(ChaCha8Rng);

impl Random {
    /// The stream of a 32-byte key.
    pub(crate) fn from_key(key: [u8; 32]) -> Self {
        Self(ChaCha8Rng::from_seed(key))
    }

    /// The stream of a number, for one purpose; streams of different purposes are unrelated.
    pub(crate) fn from_seed(purpose: &[u8; 24], seed: u64) -> Self {
        let mut key = [0; 32];
        key[..24].copy_from_slice(purpose);
        key[24..].copy_from_slice(&seed.to_le_bytes());
        Self::from_key(key)
    }

    /// The next 64 bits.
    pub(crate) fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// The next 32 bits; the lower half of the word is thrown away.
    pub(crate) fn next_u32(&mut self) -> u32 {
        (self.next_u64() >> 32) as u32
    }

    /// A number below `bound`; 0 if that is 0.
    ///
    /// Multiply and shift: off from uniform by at most `bound` / 2^64.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next_u64()) * u128::from(bound)) >> 64) as u64
    }

    /// True `share` times in 65,536.
    pub(crate) fn chance(&mut self, share: u32) -> bool {
        self.below(1 << 16) < u64::from(share)
    }

    /// Appends `len` bytes: words in little-endian order, the last one cut.
    pub(crate) fn fill(&mut self, len: usize, out: &mut Vec<u8>) {
        let end = out.len() + len;
        out.reserve(len + 8);
        while out.len() < end {
            out.extend_from_slice(&self.next_u64().to_le_bytes());
        }
        out.truncate(end);
    }
}

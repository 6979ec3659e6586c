//! Where large states are written to: a buffer, a hash, or a count of their bytes.

use crate::crypto::hash::Hasher;

/// Takes the fields of an encoding one after another.
///
/// One description of a state serves three ends: how long it is, what its bytes are, and what its
/// hash is without a buffer for them.
pub(crate) trait Sink {
    /// Takes bytes as they are.
    fn bytes(&mut self, bytes: &[u8]);

    /// Takes one byte.
    fn u8(&mut self, value: u8) {
        self.bytes(&[value]);
    }

    /// Takes a 16-bit number.
    fn u16(&mut self, value: u16) {
        self.bytes(&value.to_le_bytes());
    }

    /// Takes a 32-bit number.
    fn u32(&mut self, value: u32) {
        self.bytes(&value.to_le_bytes());
    }

    /// Takes a 64-bit number.
    fn u64(&mut self, value: u64) {
        self.bytes(&value.to_le_bytes());
    }
}

/// Counts bytes.
#[derive(Debug, Default)]
pub(crate) struct Counted(pub usize);

impl Sink for Counted {
    fn bytes(&mut self, bytes: &[u8]) {
        self.0 = self.0.saturating_add(bytes.len());
    }
}

impl Sink for Hasher {
    fn bytes(&mut self, bytes: &[u8]) {
        self.update(bytes);
    }
}

/// Fills a buffer whose length was counted before; what does not fit is left out.
#[derive(Debug)]
pub(crate) struct Filled<'a> {
    rest: &'a mut [u8],
}

impl<'a> Filled<'a> {
    /// Starts at the front of `buffer`.
    pub const fn new(buffer: &'a mut [u8]) -> Self {
        Self { rest: buffer }
    }

    /// Bytes that were not filled.
    pub const fn room(&self) -> usize {
        self.rest.len()
    }
}

impl Sink for Filled<'_> {
    fn bytes(&mut self, bytes: &[u8]) {
        let rest = core::mem::take(&mut self.rest);
        match rest.split_at_mut_checked(bytes.len()) {
            Some((place, rest)) => {
                place.copy_from_slice(bytes);
                self.rest = rest;
            }
            None => debug_assert!(false, "the buffer was measured before"),
        }
    }
}

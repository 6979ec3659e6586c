//! Bytes that wait, first in, first out.

use alloc::boxed::Box;

use crate::bounded::fixed_slice;

/// A queue of bytes with a fixed capacity.
#[derive(Debug)]
pub(super) struct ByteRing {
    bytes: Box<[u8]>,
    head: usize,
    len: usize,
}

impl ByteRing {
    pub fn new(capacity: u32) -> Self {
        Self {
            bytes: fixed_slice(capacity as usize, 0),
            head: 0,
            len: 0,
        }
    }

    pub const fn capacity(&self) -> usize {
        self.bytes.len()
    }

    pub const fn len(&self) -> usize {
        self.len
    }

    pub const fn room(&self) -> usize {
        self.capacity().saturating_sub(self.len)
    }

    pub const fn clear(&mut self) {
        self.head = 0;
        self.len = 0;
    }

    /// Appends all of `bytes`; nothing where they do not fit.
    pub fn push(&mut self, bytes: &[u8]) {
        if bytes.len() > self.room() {
            debug_assert!(false, "a record was written without room for it");
            return;
        }
        let start = self.place(self.len);
        let (front, back) = self.bytes.split_at_mut(start);
        let fits = bytes.len().min(back.len());
        let (first, second) = bytes.split_at(fits);
        for (place, part) in [(back, first), (front, second)] {
            if let Some(place) = place.get_mut(..part.len()) {
                place.copy_from_slice(part);
            }
        }
        self.len = self.len.saturating_add(bytes.len());
    }

    /// Moves the oldest bytes to the front of `out`, as many as fit; returns how many.
    pub fn pop(&mut self, out: &mut [u8]) -> usize {
        let count = out.len().min(self.len);
        let (front, back) = self.bytes.split_at(self.head);
        let oldest = back.iter().chain(front);
        for (place, byte) in out.iter_mut().zip(oldest.take(count)) {
            *place = *byte;
        }
        self.head = self.place(count);
        self.len = self.len.saturating_sub(count);
        count
    }

    /// Where the byte lies that `position` others go before; below the capacity.
    const fn place(&self, position: usize) -> usize {
        let at = self.head.saturating_add(position);
        if at < self.bytes.len() {
            at
        } else {
            at.saturating_sub(self.bytes.len())
        }
    }
}

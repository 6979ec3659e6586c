//! A queue.

use alloc::boxed::Box;

use super::{fixed_slice, fixed_slice_bytes};
use crate::error::Full;

/// A first-in, first-out queue of fixed capacity.
///
/// Memory: `capacity · size of T` bytes.
#[derive(Clone, Debug)]
pub struct Ring<T> {
    values: Box<[T]>,
    head: usize,
    len: usize,
}

impl<T: Copy + Default> Ring<T> {
    /// Makes an empty queue.
    #[must_use]
    pub fn new(capacity: u32) -> Self {
        Self {
            values: fixed_slice(capacity as usize, T::default()),
            head: 0,
            len: 0,
        }
    }

    /// The bytes that [`Ring::new`] takes.
    #[must_use]
    pub const fn footprint_bytes(capacity: u32) -> u64 {
        fixed_slice_bytes::<T>(capacity as usize)
    }

    /// How many values wait.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing waits.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// How many values fit beside those that wait.
    #[must_use]
    pub const fn room(&self) -> usize {
        self.values.len() - self.len
    }

    /// Appends a value.
    ///
    /// # Errors
    /// The value, where there is no room.
    pub fn push(&mut self, value: T) -> Result<(), Full<T>> {
        if self.room() == 0 {
            return Err(Full(value));
        }
        let at = self.place(self.len);
        self.values[at] = value;
        self.len += 1;
        Ok(())
    }

    /// Removes the oldest value.
    pub fn pop(&mut self) -> Option<T> {
        let value = *self.front()?;
        self.head = self.place(1);
        self.len -= 1;
        Some(value)
    }

    /// Removes the newest value.
    pub fn pop_back(&mut self) -> Option<T> {
        let value = *self.get(self.len.checked_sub(1)?)?;
        self.len -= 1;
        Some(value)
    }

    /// The oldest value.
    #[must_use]
    pub fn front(&self) -> Option<&T> {
        self.get(0)
    }

    /// The value that `position` others go before.
    #[must_use]
    pub fn get(&self, position: usize) -> Option<&T> {
        (position < self.len).then(|| &self.values[self.place(position)])
    }

    /// All values, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        (0..self.len).map(|position| &self.values[self.place(position)])
    }

    const fn place(&self, position: usize) -> usize {
        let at = self.head + position;
        if at < self.values.len() {
            at
        } else {
            at - self.values.len()
        }
    }
}

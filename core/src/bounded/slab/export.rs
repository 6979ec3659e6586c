//! A slab's places as a snapshot needs them: which are free, and in which order they are reused.

use super::{Handle, Slab};

impl<T: Copy + Default> Slab<T> {
    /// The free places in the order in which they were freed, the next to be reused last.
    ///
    /// Places that were never used lie at the bottom, in a falling row from the last place on.
    /// They follow from the capacity and are left out, as far as the row goes.
    pub(crate) fn freed_places(&self) -> &[u32] {
        let free = self.free.get(..self.free_len).unwrap_or_default();
        let unused = free.iter().zip(falling(self.values.len()));
        let unused_count = unused.take_while(|(own, unused)| **own == *unused).count();
        free.get(unused_count..).unwrap_or_default()
    }

    /// Puts a value into a place of an empty slab that is being filled again; nothing if the place
    /// is taken or unknown. The free places must be set before the slab is used.
    pub(crate) fn restore_at(&mut self, index: u32, value: T) -> Option<Handle> {
        let generation = self.generations.get_mut(index as usize)?;
        if *generation != 0 {
            return None;
        }
        *generation = 1;
        *self.values.get_mut(index as usize)? = value;
        Some(Handle {
            index,
            generation: 1,
        })
    }

    /// Sets the free places of a slab that was filled again with `len` values: `freed` as
    /// [`Slab::freed_places`] gave them. False where they are not exactly the places left over.
    pub(crate) fn restore_free(
        &mut self,
        len: usize,
        freed: impl ExactSizeIterator<Item = u32>,
    ) -> bool {
        let Some(free_len) = self.values.len().checked_sub(len) else {
            return false;
        };
        let Some(unused_count) = free_len.checked_sub(freed.len()) else {
            return false;
        };
        let next_unused = falling(self.values.len()).nth(unused_count);
        let mut freed = freed.peekable();
        // Otherwise the same order could be written in two ways.
        if freed.peek().is_some() && freed.peek().copied() == next_unused {
            return false;
        }
        let order = falling(self.values.len()).take(unused_count).chain(freed);
        for (place, index) in self.free.iter_mut().zip(order) {
            // An even generation other than the first marks what was listed.
            match self.generations.get_mut(index as usize) {
                Some(generation) if *generation == 0 => *generation = 2,
                _ => return false,
            }
            *place = index;
        }
        self.free_len = free_len;
        true
    }
}

/// The places from the last down to the first.
fn falling(capacity: usize) -> impl Iterator<Item = u32> {
    (0..capacity as u32).rev()
}

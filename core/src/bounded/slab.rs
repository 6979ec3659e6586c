//! Values behind handles.

mod export;

use alloc::boxed::Box;

use super::{fixed_slice, fixed_slice_bytes};

/// Stands for a value in a [`Slab`]; after the value's removal it stands for nothing.
///
/// A place counts its generations in 32 bits: a handle kept over 2^31 reuses of its place could
/// stand for another value again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Handle {
    /// Which place.
    pub index: u32,
    /// Which use of the place; odd while a value stands there.
    pub generation: u32,
}

/// A fixed number of places for values, reused last in, first out.
///
/// Memory: `capacity · (size of T + 8)` bytes.
#[derive(Debug)]
pub struct Slab<T> {
    values: Box<[T]>,
    /// Invariant: odd exactly for occupied places.
    generations: Box<[u32]>,
    /// Invariant: `free[..free_len]` are the free places, each once.
    free: Box<[u32]>,
    free_len: usize,
}

impl<T: Copy + Default> Slab<T> {
    /// Makes `capacity` free places.
    #[must_use]
    pub fn new(capacity: u32) -> Self {
        let mut free = fixed_slice(capacity as usize, 0_u32);
        for (place, index) in free.iter_mut().zip((0..capacity).rev()) {
            *place = index;
        }
        Self {
            values: fixed_slice(capacity as usize, T::default()),
            generations: fixed_slice(capacity as usize, 0),
            free_len: free.len(),
            free,
        }
    }

    /// The bytes that [`Slab::new`] takes.
    #[must_use]
    pub const fn footprint_bytes(capacity: u32) -> u64 {
        fixed_slice_bytes::<T>(capacity as usize)
            .saturating_add(fixed_slice_bytes::<[u32; 2]>(capacity as usize))
    }

    /// How many values it holds.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.values.len() - self.free_len
    }

    /// How many values it can hold.
    #[must_use]
    pub const fn capacity(&self) -> usize {
        self.values.len()
    }

    /// Whether it holds no value.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether it has no place left.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.free_len == 0
    }

    /// Puts a value into a free place; nothing if there is none.
    pub fn insert(&mut self, value: T) -> Option<Handle> {
        self.free_len = self.free_len.checked_sub(1)?;
        let index = self.free[self.free_len];
        let place = index as usize;
        self.generations[place] = self.generations[place].wrapping_add(1);
        self.values[place] = value;
        Some(Handle {
            index,
            generation: self.generations[place],
        })
    }

    /// Removes and returns the value at `index`.
    pub fn remove(&mut self, index: u32) -> Option<T> {
        let value = *self.get(index)?;
        let place = index as usize;
        self.generations[place] = self.generations[place].wrapping_add(1);
        self.values[place] = T::default();
        self.free[self.free_len] = index;
        self.free_len += 1;
        Some(value)
    }

    /// The value at `index`.
    #[must_use]
    pub fn get(&self, index: u32) -> Option<&T> {
        let generation = *self.generations.get(index as usize)?;
        (generation % 2 == 1).then(|| &self.values[index as usize])
    }

    /// The value at `index`, to change.
    #[must_use]
    pub fn get_mut(&mut self, index: u32) -> Option<&mut T> {
        let generation = *self.generations.get(index as usize)?;
        (generation % 2 == 1).then(|| &mut self.values[index as usize])
    }

    /// The handle of the value at `index`.
    #[must_use]
    pub fn handle(&self, index: u32) -> Option<Handle> {
        self.get(index)?;
        Some(Handle {
            index,
            generation: self.generations[index as usize],
        })
    }

    /// The value that `handle` stands for, if it is still there.
    #[must_use]
    pub fn resolve(&self, handle: Handle) -> Option<&T> {
        let value = self.get(handle.index)?;
        (self.generations[handle.index as usize] == handle.generation).then_some(value)
    }

    /// All values with their places, in the order of the places.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        self.iter_from(0)
    }

    /// All values at `first` or after it with their places, in the order of the places.
    pub fn iter_from(&self, first: u32) -> impl Iterator<Item = (u32, &T)> {
        (first..)
            .zip(self.values.iter().skip(first as usize))
            .filter(|(index, _)| self.generations[*index as usize] % 2 == 1)
    }
}

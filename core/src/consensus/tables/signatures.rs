//! One place for all signatures, which are large and never copied from table to table.

use alloc::boxed::Box;

use crate::bounded::{NONE, fixed_slice, fixed_slice_bytes};

/// Stands for a signature in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::consensus) struct SigRef(u32);

impl SigRef {
    /// No signature.
    pub const NONE: Self = Self(NONE);
}

impl Default for SigRef {
    fn default() -> Self {
        Self::NONE
    }
}

/// Signatures with the number of those who hold them.
///
/// Invariant: whoever keeps a [`SigRef`] is counted in `holders`; a place without holders is free.
#[derive(Clone, Debug)]
pub(in crate::consensus) struct SignatureStore {
    bytes: Box<[u8]>,
    lens: Box<[u16]>,
    holders: Box<[u8]>,
    free: Box<[u32]>,
    free_count: usize,
    stride: usize,
}

impl SignatureStore {
    /// Makes room for `count` signatures of at most `bytes_max` bytes.
    pub fn new(count: usize, bytes_max: u16) -> Self {
        let stride = usize::from(bytes_max);
        let mut free = fixed_slice(count, 0);
        for (place, number) in free.iter_mut().rev().zip(0..) {
            *place = number;
        }
        Self {
            bytes: fixed_slice(count * stride, 0),
            lens: fixed_slice(count, 0),
            holders: fixed_slice(count, 0),
            free,
            free_count: count,
            stride,
        }
    }

    /// The bytes that [`SignatureStore::new`] takes.
    pub const fn footprint_bytes(count: usize, bytes_max: u16) -> u64 {
        fixed_slice_bytes::<u8>(count * bytes_max as usize)
            + fixed_slice_bytes::<u16>(count)
            + fixed_slice_bytes::<u8>(count)
            + fixed_slice_bytes::<u32>(count)
    }

    /// Copies a signature in, for one holder; nothing where there is no room or it is too long.
    pub fn insert(&mut self, signature: &[u8]) -> Option<SigRef> {
        if signature.len() > self.stride {
            return None;
        }
        let last = self.free_count.checked_sub(1)?;
        let at = self.free[last] as usize;
        self.free_count = last;
        self.bytes[at * self.stride..][..signature.len()].copy_from_slice(signature);
        self.lens[at] = signature.len() as u16;
        self.holders[at] = 1;
        Some(SigRef(at as u32))
    }

    /// Counts one holder more.
    pub fn share(&mut self, signature: SigRef) -> SigRef {
        if signature != SigRef::NONE {
            debug_assert!(self.holders[signature.0 as usize] > 0, "it is held");
            self.holders[signature.0 as usize] += 1;
        }
        signature
    }

    /// Counts one holder less; the last one frees the place. `signature` becomes none.
    pub fn release(&mut self, signature: &mut SigRef) {
        let at = core::mem::take(signature).0;
        if at == NONE {
            return;
        }
        debug_assert!(self.holders[at as usize] > 0, "it is held");
        self.holders[at as usize] -= 1;
        if self.holders[at as usize] == 0 {
            self.free[self.free_count] = at;
            self.free_count += 1;
        }
    }

    /// The signature; no bytes for none.
    pub fn get(&self, signature: SigRef) -> &[u8] {
        let at = signature.0 as usize;
        self.lens.get(at).map_or(&[], |len| {
            &self.bytes[at * self.stride..][..usize::from(*len)]
        })
    }

    /// Over all signatures, how many hold them.
    pub fn holder_count(&self) -> usize {
        self.holders.iter().map(|count| usize::from(*count)).sum()
    }
}

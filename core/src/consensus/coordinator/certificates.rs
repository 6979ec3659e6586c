//! The newest certificates as they go to peers that are behind.

use alloc::boxed::Box;

use super::CoordinatorLimits;
use crate::bounded::{fixed_slice, fixed_slice_bytes};
use crate::certificate::{CERTIFICATE_ENTRY_LEN, CERTIFICATE_HEADER_LEN};
use crate::types::{Hash, Height};

/// Bytes of what a precommit may carry beside its signature.
const EXTENSION_LEN: usize = Hash::LEN;

#[derive(Clone, Copy, Debug)]
struct Kept {
    height: Height,
    value: Hash,
    len: usize,
}

/// A ring of certificates, the place of a height following from it.
#[derive(Debug)]
pub(super) struct Certificates {
    kept: Box<[Option<Kept>]>,
    bytes: Box<[u8]>,
    stride: usize,
}

impl Certificates {
    /// Makes room for the certificates that the limits name.
    pub fn new(limits: &CoordinatorLimits) -> Self {
        let stride = Self::stride(limits);
        let count = usize::from(limits.certificate_count_max);
        Self {
            kept: fixed_slice(count, None),
            bytes: fixed_slice(count.saturating_mul(stride), 0),
            stride,
        }
    }

    /// The bytes that [`Certificates::new`] takes.
    pub const fn footprint_bytes(limits: &CoordinatorLimits) -> u64 {
        let count = limits.certificate_count_max as usize;
        fixed_slice_bytes::<Option<Kept>>(count).saturating_add(fixed_slice_bytes::<u8>(
            count.saturating_mul(Self::stride(limits)),
        ))
    }

    /// Bytes of the longest certificate.
    const fn stride(limits: &CoordinatorLimits) -> usize {
        let entry = CERTIFICATE_ENTRY_LEN.saturating_add(EXTENSION_LEN);
        let members = limits.consensus.validator_count_max as usize;
        CERTIFICATE_HEADER_LEN.saturating_add(entry.saturating_mul(members))
    }

    /// Keeps what `write` writes as the certificate of a height, in place of the oldest one.
    pub fn keep(
        &mut self,
        height: Height,
        value: Hash,
        write: impl FnOnce(&mut [u8]) -> Option<usize>,
    ) {
        let (at, start) = self.place(height);
        let end = start.saturating_add(self.stride);
        let len = self.bytes.get_mut(start..end).and_then(write);
        if let Some(kept) = self.kept.get_mut(at) {
            *kept = len.map(|len| Kept { height, value, len });
        }
    }

    /// The certificate of a height, where it is kept.
    pub fn get(&self, height: Height) -> Option<&[u8]> {
        let (at, start) = self.place(height);
        let kept = self.kept.get(at).copied().flatten();
        let kept = kept.filter(|kept| kept.height == height)?;
        self.bytes.get(start..start.saturating_add(kept.len))
    }

    /// What was decided in a height, where its certificate is kept.
    pub fn value(&self, height: Height) -> Option<Hash> {
        let (at, _) = self.place(height);
        let kept = self.kept.get(at).copied().flatten();
        kept.filter(|kept| kept.height == height)
            .map(|kept| kept.value)
    }

    /// The number of a height's place, and where its bytes begin.
    fn place(&self, height: Height) -> (usize, usize) {
        let count = self.kept.len() as u64;
        let at = height.get().checked_rem(count).unwrap_or(0) as usize;
        (at, at.saturating_mul(self.stride))
    }
}

//! How much of the logs fits.

use super::Extents;
use super::extension::{EXTENSION_HEADER_LEN, RUN_HEADER_LEN};
use super::fork::SHORTER_LEN;
use super::{ENTRY_BYTES_MAX, OwnLog};
use crate::limits::LimitsError;

/// The maxima of receive logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceiveLogLimits {
    /// Members of a committee, and so logs.
    ///
    /// Range: 1 ..= 255. Why: order fairness counts that many lists.
    pub log_count_max: u32,
    /// Entries of a log beyond its decided position, in an extension, and that a cut may cover.
    ///
    /// Range: 1 ..= 2^16. Why: all that a member can log in a slot: its own first-hand ids and
    /// those that it learned, with stamps between them.
    pub extent_entries_max: u32,
    /// Bytes of a signature.
    ///
    /// Range: 1 ..= 2^14. Why: 3,309 for ML-DSA-65.
    pub signature_bytes_max: u32,
}

impl Default for ReceiveLogLimits {
    /// Nine members, 1,024 entries, and signatures of ML-DSA-65: 3.5 MB. With 100 members it
    /// would be 37.5 MB.
    fn default() -> Self {
        Self {
            log_count_max: 9,
            extent_entries_max: 1_024,
            signature_bytes_max: 3_309,
        }
    }
}

impl ReceiveLogLimits {
    /// Checks every range.
    ///
    /// # Errors
    /// [`LimitsError::LimitOutOfRange`].
    pub fn check(&self) -> Result<(), LimitsError> {
        let in_range = [
            (self.log_count_max, 255),
            (self.extent_entries_max, 1 << 16),
            (self.signature_bytes_max, 1 << 14),
        ];
        if in_range
            .iter()
            .all(|(value, max)| (1..=*max).contains(value))
        {
            Ok(())
        } else {
            Err(LimitsError::LimitOutOfRange)
        }
    }

    /// Bytes of the longest extension: each entry the longest, and with a base of its own.
    #[must_use]
    pub const fn extension_bytes_max(&self) -> u64 {
        let entries = self.extent_entries_max as u64;
        EXTENSION_HEADER_LEN as u64
            + entries * ENTRY_BYTES_MAX as u64
            + (entries + 1) * RUN_HEADER_LEN as u64
            + 2
            + self.signature_bytes_max as u64
    }

    /// Bytes of the longest evidence of a fork.
    #[must_use]
    pub const fn fork_bytes_max(&self) -> u64 {
        SHORTER_LEN as u64 + 2 + self.signature_bytes_max as u64 + self.extension_bytes_max()
    }

    /// The bytes that [`Extents::new`] and [`OwnLog::new`] take together.
    #[must_use]
    pub fn footprint_bytes(&self) -> u64 {
        Extents::footprint_bytes(self).saturating_add(OwnLog::footprint_bytes(self))
    }
}

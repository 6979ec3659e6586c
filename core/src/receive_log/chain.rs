//! Which log, and the hash that runs through it.

use super::{ENTRY_BYTES_MAX, Entry};
use crate::codec::Writer;
use crate::crypto::hash::{Domain, hash_parts};
use crate::types::{Epoch, Hash, Height};

/// Names one log: a member's, of one epoch of one network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogId {
    /// The network.
    pub chain_id: u64,
    /// The epoch.
    pub epoch: Epoch,
    /// The member's place in the epoch's committee, from 0.
    pub member: u16,
}

impl LogId {
    /// Where the log's running hash starts: `boundary` is the hash of the slot that the epoch
    /// follows, or the genesis hash.
    #[must_use]
    pub fn start(&self, boundary: &Hash) -> Hash {
        let parts: [&[u8]; 4] = [
            &self.chain_id.to_le_bytes(),
            &self.epoch.get().to_le_bytes(),
            &self.member.to_le_bytes(),
            boundary.as_bytes(),
        ];
        hash_parts(Domain::LOG_START, &parts)
    }
}

/// The running hash behind `entry`, from the one before it: one permutation.
///
/// It binds the base entry by entry, so that no base can be moved to another entry.
#[must_use]
pub fn next_running_hash(previous: &Hash, base: Height, entry: &Entry) -> Hash {
    let mut bytes = [0; ENTRY_BYTES_MAX];
    let mut out = Writer::new(&mut bytes);
    let written = entry.encode(&mut out);
    debug_assert!(written.is_ok(), "ENTRY_BYTES_MAX holds every entry");
    let parts: [&[u8]; 3] = [
        previous.as_bytes(),
        &base.get().to_le_bytes(),
        out.written(),
    ];
    hash_parts(Domain::LOG_ENTRY, &parts)
}

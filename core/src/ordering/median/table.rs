//! The stamps of all ids that are followed.

use alloc::boxed::Box;

use crate::bounded::{HandleIndex, KeyedHash, Slab, fixed_slice, fixed_slice_bytes};
use crate::types::{TxId, UnixNs};

/// Stands for the stamp of a log that does not hold an id. A stamp of that size would be the last
/// nanosecond of the clock; it counts as infinite too, which its log can't tell apart.
pub(super) const ABSENT: u64 = u64::MAX;

/// One id.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Followed {
    pub id: TxId,
    pub is_released: bool,
}

/// Ids with their stamps, one row of `log_count` each.
#[derive(Debug)]
pub(super) struct Table {
    log_count: usize,
    hash: KeyedHash,
    index: HandleIndex,
    pub ids: Slab<Followed>,
    stamps: Box<[u64]>,
    /// The last stamp of each log.
    pub last: Box<[u64]>,
}

impl Table {
    pub fn new(log_count: u32, id_count_max: u32, index_key: [u64; 2]) -> Self {
        Self {
            log_count: log_count as usize,
            hash: KeyedHash::new(index_key),
            index: HandleIndex::new(id_count_max),
            ids: Slab::new(id_count_max),
            stamps: fixed_slice(log_count as usize * id_count_max as usize, ABSENT),
            last: fixed_slice(log_count as usize, 0),
        }
    }

    pub const fn footprint_bytes(log_count: u32, id_count_max: u32) -> u64 {
        HandleIndex::footprint_bytes(id_count_max)
            + Slab::<Followed>::footprint_bytes(id_count_max)
            + fixed_slice_bytes::<u64>((id_count_max as usize + 1) * log_count as usize)
    }

    /// A log's clock; false where there is no such log.
    pub fn stamp(&mut self, log: u32, time: UnixNs) -> bool {
        let last = self.last.get_mut(log as usize);
        last.map(|last| *last = time.get().max(*last)).is_some()
    }

    /// No clock counts as less than `time` any more.
    pub fn raise(&mut self, time: UnixNs) {
        for last in &mut self.last {
            *last = time.get().max(*last);
        }
    }

    pub fn find(&self, id: &TxId) -> Option<u32> {
        let hash = self.hash.bytes32(id.as_bytes());
        self.index.find(hash, |at| {
            self.ids.get(at).is_some_and(|held| held.id == *id)
        })
    }

    /// The row of an id, a new one where it has none; nothing where there is no room.
    pub fn find_or_insert(&mut self, id: &TxId) -> Option<u32> {
        if let Some(found) = self.find(id) {
            return Some(found);
        }
        let at = self.ids.insert(Followed {
            id: *id,
            is_released: false,
        })?;
        let hash = self.hash.bytes32(id.as_bytes());
        let inserted = self.index.insert(hash, at.index);
        debug_assert!(inserted, "the index holds as many keys as there are rows");
        self.row_mut(at.index).fill(ABSENT);
        Some(at.index)
    }

    pub fn remove(&mut self, at: u32) {
        if let Some(held) = self.ids.remove(at) {
            let hash = self.hash.bytes32(held.id.as_bytes());
            self.index.remove(hash, at);
        }
    }

    pub fn row(&self, at: u32) -> &[u64] {
        let first = at as usize * self.log_count;
        &self.stamps[first..first + self.log_count]
    }

    pub fn row_mut(&mut self, at: u32) -> &mut [u64] {
        let first = at as usize * self.log_count;
        &mut self.stamps[first..first + self.log_count]
    }
}

//! The stamps of all ids that are followed.

use alloc::boxed::Box;

use crate::bounded::{HandleIndex, KeyedHash, Slab, fixed_slice, fixed_slice_bytes};
use crate::types::{TxId, UnixNs};

/// What can be followed: a name with a total order.
pub trait MedianId: Copy + Ord + Default + core::fmt::Debug {
    /// Its hash under a table's key.
    fn hash_under(&self, hash: &KeyedHash) -> u64;
}

impl MedianId for TxId {
    fn hash_under(&self, hash: &KeyedHash) -> u64 {
        hash.bytes32(self.as_bytes())
    }
}

/// Stands for the stamp of a log that does not hold an id. A stamp of that size would be the last
/// nanosecond of the clock; it counts as infinite too, which its log can't tell apart.
pub(super) const ABSENT: u64 = u64::MAX;

/// One id.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Followed<I> {
    pub id: I,
    pub is_released: bool,
}

/// Ids with their stamps, one row of `log_count` each.
#[derive(Debug)]
pub(super) struct Table<I> {
    log_count: usize,
    hash: KeyedHash,
    index: HandleIndex,
    pub ids: Slab<Followed<I>>,
    stamps: Box<[u64]>,
    /// The last stamp of each log, with room for those of the largest committee.
    last: Box<[u64]>,
}

impl<I: MedianId> Table<I> {
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
            + Slab::<Followed<I>>::footprint_bytes(id_count_max)
            + fixed_slice_bytes::<u64>((id_count_max as usize + 1) * log_count as usize)
    }

    /// The last stamp of each log.
    pub fn last(&self) -> &[u64] {
        &self.last[..self.log_count]
    }

    /// A log's clock; false where there is no such log.
    pub fn stamp(&mut self, log: u32, time: UnixNs) -> bool {
        let last = self.last[..self.log_count].get_mut(log as usize);
        last.map(|last| *last = time.get().max(*last)).is_some()
    }

    /// No clock counts as less than `time` any more.
    pub fn raise(&mut self, time: UnixNs) {
        for last in &mut self.last {
            *last = time.get().max(*last);
        }
    }

    pub fn find(&self, id: &I) -> Option<u32> {
        let hash = id.hash_under(&self.hash);
        self.index.find(hash, |at| {
            self.ids.get(at).is_some_and(|held| held.id == *id)
        })
    }

    /// The row of an id, a new one where it has none; nothing where there is no room.
    pub fn find_or_insert(&mut self, id: &I) -> Option<u32> {
        if let Some(found) = self.find(id) {
            return Some(found);
        }
        let at = self.ids.insert(Followed {
            id: *id,
            is_released: false,
        })?;
        let hash = id.hash_under(&self.hash);
        let inserted = self.index.insert(hash, at.index);
        debug_assert!(inserted, "the index holds as many keys as there are rows");
        self.row_mut(at.index).fill(ABSENT);
        Some(at.index)
    }

    pub fn remove(&mut self, at: u32) {
        if let Some(held) = self.ids.remove(at) {
            let hash = held.id.hash_under(&self.hash);
            self.index.remove(hash, at);
        }
    }

    /// Forgets every id and every stamp, and has `log_count` logs from now on, at most as many as
    /// it was made for. O(ids).
    pub fn begin(&mut self, log_count: u32) {
        for at in 0..(self.stamps.len() / self.last.len().max(1)) as u32 {
            self.remove(at);
        }
        self.last.fill(0);
        debug_assert!(log_count as usize <= self.last.len());
        self.log_count = (log_count as usize).min(self.last.len());
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

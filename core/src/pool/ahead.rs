//! Reading ahead: what the next steps touch is brought near all at once.
//!
//! Transactions leave the pool in an order that has nothing to do with where they stand in memory.
//! One at a time, each waits for its own record, then for its sender's, then for the indexes'. Read
//! for several at once, those waits pass side by side. Nothing but time depends on any of this: the
//! values that are read here are thrown away.

use core::hint::black_box;

use super::TransactionPool;
use super::entry::Entry;
use crate::bounded::Handle;

/// Transactions that are read ahead at once: enough waits side by side, and little enough to stay
/// in the nearest memory until they are needed.
pub const AHEAD_COUNT: usize = 8;

/// Takes between two looks at the front of a queue, which is a little longer than that.
pub(super) const TAKES_BETWEEN: usize = 16;

impl TransactionPool {
    /// Brings near what [`TransactionPool::acknowledge`] needs of these; changes nothing.
    ///
    /// Best called with some transactions right before they are acknowledged. Cost: O(1) each.
    pub fn look_ahead(&self, handles: &[Handle]) {
        let mut read = 0_u64;
        for handle in handles {
            read ^= self.entries.get(handle.index).map_or(0, read_entry);
        }
        black_box(read);
        for handle in handles {
            let Some(entry) = self.entries.get(handle.index) else {
                continue;
            };
            read ^= self.read_end(entry);
            read ^= self.seen.home_of(self.hash.bytes32(entry.id.as_bytes()));
        }
        black_box(read);
    }

    /// Brings near what displacing from the front of a queue needs.
    pub(super) fn look_ahead_at_cheapest(&self, queue: u32) {
        let mut read = 0_u64;
        let front = self.displaceable.front(queue);
        for index in front {
            read ^= self.entries.get(*index).map_or(0, read_entry);
        }
        black_box(read);
        for index in front {
            let Some(entry) = self.entries.get(*index) else {
                continue;
            };
            read ^= self.read_end(entry);
            if let Some(heap) = self.heap_of_sender(entry.sender) {
                read ^= u64::from(self.ready.read_around(heap, *index));
            }
        }
        black_box(read);
    }

    /// Reads what the end of any transaction touches beside its record.
    fn read_end(&self, entry: &Entry) -> u64 {
        let id_hash = self.hash.bytes32(entry.id.as_bytes());
        let nonce_hash = self.nonce_hash(entry.sender, entry.nonce);
        self.by_id.home_of(id_hash)
            ^ self.by_nonce.home_of(nonce_hash)
            ^ self.read_sender(entry.sender)
            ^ u64::from(self.idle.contains(entry.sender))
            ^ u64::from(self.payloads.second_chunk(entry.payload))
    }

    /// Brings near what taking from the front of a rollup's queue needs.
    pub(super) fn look_ahead_in_queue(&self, heap: u32) {
        let mut read = 0_u64;
        let front = self.ready.front(heap);
        for index in front {
            read ^= self.entries.get(*index).map_or(0, read_entry);
        }
        black_box(read);
        for index in front {
            let Some(entry) = self.entries.get(*index) else {
                continue;
            };
            read ^= self.read_sender(entry.sender);
            if let Some(queue) = self.displace_queue(entry) {
                read ^= u64::from(self.displaceable.read_around(queue, *index));
            }
            read ^= self
                .entries
                .get(entry.after)
                .map_or(0, |after| after.nonce.get());
        }
        black_box(read);
    }

    /// Reads something of each cache line of a sender.
    fn read_sender(&self, place: u32) -> u64 {
        self.senders.get(place).map_or(0, |own| {
            own.next.get() ^ own.pending_gas ^ u64::from(own.rollup.get()) ^ u64::from(own.last)
        })
    }
}

/// Reads something of each cache line of a transaction's record.
fn read_entry(entry: &Entry) -> u64 {
    let [first, .., last] = *entry.id.as_bytes();
    let ends = u64::from(first) ^ u64::from(last) ^ u64::from(entry.is_quiet);
    ends ^ entry.nonce.get() ^ entry.arrival.index ^ u64::from(entry.payload.len())
}

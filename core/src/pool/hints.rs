//! The trades that the host told of transactions, beside the transactions.

use super::TransactionPool;
use crate::bounded::{Handle, HandleIndex, KeyedHash, NONE, Slab};
use crate::types::TradeHint;

/// A trade, and the place of its transaction.
#[derive(Clone, Copy, Debug)]
struct Owned {
    entry: u32,
    hint: Option<TradeHint>,
}

impl Default for Owned {
    fn default() -> Self {
        Self {
            entry: NONE,
            hint: None,
        }
    }
}

/// A bounded number of trades by the places of their transactions.
///
/// Memory: 88 bytes a trade, rounded up for the index. Cost: O(1) expected.
#[derive(Debug)]
pub(super) struct HintTable {
    hints: Slab<Owned>,
    by_entry: HandleIndex,
    hash: KeyedHash,
}

impl HintTable {
    pub fn new(hint_count_max: u32, hash: KeyedHash) -> Self {
        Self {
            hints: Slab::new(hint_count_max),
            by_entry: HandleIndex::new(hint_count_max),
            hash,
        }
    }

    pub const fn footprint_bytes(hint_count_max: u32) -> u64 {
        Slab::<Owned>::footprint_bytes(hint_count_max)
            .saturating_add(HandleIndex::footprint_bytes(hint_count_max))
    }

    pub const fn is_full(&self) -> bool {
        self.hints.is_full()
    }

    pub const fn len(&self) -> usize {
        self.hints.len()
    }

    /// Keeps the trade of the transaction at a place that has none; false where there is no room.
    pub fn insert(&mut self, entry: u32, hint: TradeHint) -> bool {
        let hint = Some(hint);
        let Some(handle) = self.hints.insert(Owned { entry, hint }) else {
            return false;
        };
        self.by_entry.insert(self.hash_of(entry), handle.index)
    }

    pub fn get(&self, entry: u32) -> Option<TradeHint> {
        self.hints.get(self.place_of(entry)?)?.hint
    }

    pub fn remove(&mut self, entry: u32) {
        if self.hints.is_empty() {
            return;
        }
        if let Some(place) = self.place_of(entry) {
            self.by_entry.remove(self.hash_of(entry), place);
            self.hints.remove(place);
        }
    }

    /// The places of all transactions that have a trade, in no order that means anything.
    pub fn entries(&self) -> impl Iterator<Item = u32> {
        self.hints.iter().map(|(_, own)| own.entry)
    }

    fn place_of(&self, entry: u32) -> Option<u32> {
        self.by_entry.find(self.hash_of(entry), |place| {
            self.hints.get(place).is_some_and(|own| own.entry == entry)
        })
    }

    fn hash_of(&self, entry: u32) -> u64 {
        self.hash.words([u64::from(entry)])
    }
}

impl TransactionPool {
    /// The trade that the host told of a transaction; kept only for a policy that looks at trades.
    #[must_use]
    pub fn hint(&self, handle: Handle) -> Option<TradeHint> {
        self.entries.resolve(handle)?;
        self.hints.get(handle.index)
    }

    /// How many trades the pool keeps.
    #[must_use]
    pub const fn hint_count(&self) -> usize {
        self.hints.len()
    }
}

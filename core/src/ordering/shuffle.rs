//! Sender-grouped shuffle: who is in is fixed first, and a seed puts the senders in order after.
//!
//! # Rules
//! 1. First come, first served fixes the set of a slot's transactions, and its root is told, see
//!    [`SetRoot`].
//! 2. Then the host gives a seed of 32 bytes, one for all rollups of the slot.
//! 3. A rollup's senders stand in the order of `H(hb/sd/1, seed || rollup || sender)`, and of their
//!    addresses where two digests are equal. A sender's transactions stand together, by nonce; on
//!    a rollup with windows of nonces by arrival.
//!
//! So nobody stands both before and after another sender's transaction: whoever wants to surround
//! one needs two accounts, and luck with both.
//!
//! # What it does not promise
//! A sequencer alone can *grind*: it can draw seeds until one suits it, give the slot back and fix
//! another set, or keep accounts whose digests it computes once it knows a seed. What it can't do
//! is change the set after it told the root, without contradicting itself. The order is fair only
//! as far as the seed comes from somebody else, after the root was told: a beacon, the next block
//! of another chain, a committee. And more accounts are more tickets: the shuffle takes away the
//! place, not the chance.

use alloc::boxed::Box;

use crate::bounded::{fixed_slice, fixed_slice_bytes};
use crate::crypto::hash::{Domain, hash_parts};
use crate::crypto::merkle;
use crate::types::{Address, Hash, Height, RollupId, UnixNs};

/// A place in the shuffled order of one rollup: the smaller goes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ShuffleKey {
    group: Hash,
    sender: Address,
    /// The nonce, or the arrival index where nonces come in windows.
    within: u64,
}

impl ShuffleKey {
    /// The place of a sender's transaction; `within` is its nonce, or its arrival index on a rollup
    /// with windows of nonces. Cost: one permutation.
    #[must_use]
    pub fn new(seed: &Hash, rollup: RollupId, sender: Address, within: u64) -> Self {
        let parts: [&[u8]; 3] = [
            seed.as_bytes(),
            &rollup.get().to_le_bytes(),
            sender.as_bytes(),
        ];
        Self {
            group: hash_parts(Domain::SHUFFLE, &parts),
            sender,
            within,
        }
    }
}

/// Puts a rollup's transactions in the shuffled order.
///
/// Memory: 64 bytes for each transaction of a slot.
#[derive(Debug)]
pub struct Shuffler {
    rows: Box<[(ShuffleKey, u32)]>,
    len: usize,
}

impl Shuffler {
    /// Makes one for up to `count_max` transactions.
    #[must_use]
    pub fn new(count_max: u32) -> Self {
        Self {
            rows: fixed_slice(count_max as usize, (ShuffleKey::default(), 0)),
            len: 0,
        }
    }

    /// The bytes that [`Shuffler::new`] takes.
    #[must_use]
    pub const fn footprint_bytes(count_max: u32) -> u64 {
        fixed_slice_bytes::<(ShuffleKey, u32)>(count_max as usize)
    }

    /// Starts with no transaction.
    pub const fn clear(&mut self) {
        self.len = 0;
    }

    /// Adds a transaction under a number of the caller's; false where there is no room.
    pub fn push(&mut self, key: ShuffleKey, number: u32) -> bool {
        let Some(place) = self.rows.get_mut(self.len) else {
            return false;
        };
        *place = (key, number);
        self.len = self.len.saturating_add(1);
        true
    }

    /// The numbers in the shuffled order. Cost: O(n log n).
    pub fn arrange(&mut self) -> impl Iterator<Item = u32> + '_ {
        let rows = self.rows.get_mut(..self.len).unwrap_or_default();
        rows.sort_unstable();
        rows.iter().map(|(_, number)| *number)
    }
}

/// The twin: checks that a rollup's transactions stand in the shuffled order.
///
/// Keys that rise strictly are the only order of their set, and put each sender's together.
#[derive(Clone, Copy, Debug, Default)]
pub struct ShuffleVerifier {
    last: Option<ShuffleKey>,
}

impl ShuffleVerifier {
    /// Whether the next transaction may stand behind the last.
    pub fn check_next(&mut self, key: ShuffleKey) -> bool {
        let follows = self.last.is_none_or(|last| last < key);
        self.last = Some(key);
        follows
    }
}

/// Binds the set of transactions of one slot before anybody knows their order.
#[derive(Debug)]
pub struct SetRoot {
    root: Hash,
}

impl SetRoot {
    /// Starts with what the slot follows and when it is.
    #[must_use]
    pub fn new(parent: &Hash, height: Height, time: UnixNs) -> Self {
        let parts: [&[u8]; 3] = [
            parent.as_bytes(),
            &height.get().to_le_bytes(),
            &time.get().to_le_bytes(),
        ];
        Self {
            root: hash_parts(Domain::SET, &parts),
        }
    }

    /// Adds a rollup's transactions, in the order of the rollups; `ids` is left in disorder.
    ///
    /// Their ids are sorted first, so that the root says nothing of an order. Cost: O(n log n).
    pub fn add(&mut self, rollup: RollupId, ids: &mut [Hash]) {
        ids.sort_unstable();
        let own = merkle::root(ids);
        let parts: [&[u8]; 3] = [
            self.root.as_bytes(),
            &rollup.get().to_le_bytes(),
            own.as_bytes(),
        ];
        self.root = hash_parts(Domain::SET, &parts);
    }

    /// The root over all that was added.
    #[must_use]
    pub const fn finish(self) -> Hash {
        self.root
    }
}

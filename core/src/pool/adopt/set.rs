//! The transactions of one decided slot, in memory that is made once.

use alloc::boxed::Box;

use crate::bounded::{fixed_slice, fixed_slice_bytes};
use crate::limits::Limits;
use crate::types::{Address, ForcedOutcome, InboxIndex, Nonce, RollupId, TxId, UnixNs};

/// What a pool wants to know of one transaction of a decided slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DecidedTransaction {
    pub id: TxId,
    pub rollup: RollupId,
    pub sender: Address,
    pub nonce: Nonce,
    pub expiry: UnixNs,
    /// Its place in its rollup's sub-batch.
    pub position: u32,
    /// Its running number in the inbox and what it comes to, where it was forced in.
    pub forced: Option<(InboxIndex, ForcedOutcome)>,
}

impl DecidedTransaction {
    /// Stands where there is none.
    const NONE: Self = Self {
        id: TxId::ZERO,
        rollup: RollupId::ZERO,
        sender: Address::ZERO,
        nonce: Nonce::ZERO,
        expiry: UnixNs::ZERO,
        position: 0,
        forced: None,
    };

    /// Whether it uses its nonce where it stands.
    pub fn uses_nonce(&self) -> bool {
        self.forced
            .is_none_or(|(_, outcome)| outcome == ForcedOutcome::Applied)
    }

    const fn line(&self) -> (RollupId, Address) {
        (self.rollup, self.sender)
    }
}

/// A transaction of the slot that is a leg of a bundle here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::pool) struct LegHit {
    /// The place of the leg in the index of bundles.
    pub at: u32,
    /// The place of the transaction in its rollup's sub-batch.
    pub position: u32,
}

/// The transactions of a decided slot: in their order, and those that use nonces by sender.
///
/// Memory: 108 bytes for each transaction of a slot.
#[derive(Debug, Default)]
pub(crate) struct DecidedSet {
    /// `rows[..count]`.
    rows: Box<[DecidedTransaction]>,
    count: usize,
    /// The numbers of rows that use their nonces, by rollup, sender and nonce:
    /// `by_sender[..used_count]`.
    by_sender: Box<[u32]>,
    used_count: usize,
    /// By leg: `hits[..hit_count]`.
    hits: Box<[LegHit]>,
    hit_count: usize,
}

impl DecidedSet {
    pub fn new(limits: &Limits) -> Self {
        let count = limits.slot_count_max as usize;
        Self {
            rows: fixed_slice(count, DecidedTransaction::NONE),
            count: 0,
            by_sender: fixed_slice(count, 0),
            used_count: 0,
            hits: fixed_slice(count, LegHit::default()),
            hit_count: 0,
        }
    }

    /// The bytes that [`DecidedSet::new`] takes.
    pub const fn footprint_bytes(limits: &Limits) -> u64 {
        let count = limits.slot_count_max as usize;
        fixed_slice_bytes::<DecidedTransaction>(count)
            .saturating_add(fixed_slice_bytes::<u32>(count))
            .saturating_add(fixed_slice_bytes::<LegHit>(count))
    }

    /// Forgets the slot before.
    pub const fn clear(&mut self) {
        (self.count, self.used_count, self.hit_count) = (0, 0, 0);
    }

    /// Appends the next transaction; false where a slot can't have so many.
    pub fn push(&mut self, row: DecidedTransaction) -> bool {
        let Some(place) = self.rows.get_mut(self.count) else {
            return false;
        };
        *place = row;
        self.count = self.count.saturating_add(1);
        true
    }

    /// All transactions in the slot's order.
    pub fn rows(&self) -> &[DecidedTransaction] {
        self.rows.get(..self.count).unwrap_or_default()
    }

    /// Puts those that use their nonces in the order of their senders.
    pub(in crate::pool) fn sort(&mut self) {
        let rows = self.rows.get(..self.count).unwrap_or_default();
        let using = (0_u32..).zip(rows).filter(|(_, row)| row.uses_nonce());
        self.used_count = 0;
        for ((number, _), place) in using.zip(&mut self.by_sender) {
            *place = number;
            self.used_count = self.used_count.saturating_add(1);
        }
        let used = self.by_sender.get_mut(..self.used_count);
        used.unwrap_or_default().sort_unstable_by_key(|number| {
            let row = rows.get(*number as usize);
            let row = row.unwrap_or(&DecidedTransaction::NONE);
            (row.line(), row.nonce, *number)
        });
    }

    /// The senders whose nonces the slot uses, each once.
    pub(in crate::pool) fn senders(&self) -> impl Iterator<Item = OfSender<'_>> {
        let used = self.by_sender.get(..self.used_count).unwrap_or_default();
        let groups = used.chunk_by(|one, other| self.row(*one).line() == self.row(*other).line());
        groups.map(|numbers| OfSender { set: self, numbers })
    }

    /// Whether the slot uses a nonce of this sender.
    pub(super) fn has_sender(&self, rollup: RollupId, sender: Address) -> bool {
        let used = self.by_sender.get(..self.used_count).unwrap_or_default();
        let found = used.binary_search_by_key(&(rollup, sender), |number| self.row(*number).line());
        found.is_ok()
    }

    /// Notes those that are legs here; `leg_of` says which leg a transaction is.
    pub(in crate::pool) fn find_hits(&mut self, leg_of: impl Fn(TxId) -> Option<u32>) {
        self.hit_count = 0;
        let rows = self.rows.get(..self.count).unwrap_or_default();
        for row in rows.iter().filter(|row| row.uses_nonce()) {
            let hit = leg_of(row.id).zip(self.hits.get_mut(self.hit_count));
            if let Some((at, place)) = hit {
                let position = row.position;
                *place = LegHit { at, position };
                self.hit_count = self.hit_count.saturating_add(1);
            }
        }
        let hits = self.hits.get_mut(..self.hit_count);
        hits.unwrap_or_default().sort_unstable();
    }

    /// The legs here that stand in the slot, by their places.
    pub(in crate::pool) fn hits(&self) -> &[LegHit] {
        self.hits.get(..self.hit_count).unwrap_or_default()
    }

    /// The place in the slot of a leg here, if it stands there.
    pub(in crate::pool) fn position_of_leg(&self, at: u32) -> Option<u32> {
        let first = self.hits().partition_point(|hit| hit.at < at);
        let hit = self.hits().get(first).filter(|hit| hit.at == at)?;
        Some(hit.position)
    }

    fn row(&self, number: u32) -> &DecidedTransaction {
        let row = self.rows.get(number as usize);
        row.unwrap_or(&DecidedTransaction::NONE)
    }
}

/// The nonces of one sender that a slot uses, lowest first.
#[derive(Clone, Copy, Debug)]
pub(in crate::pool) struct OfSender<'a> {
    set: &'a DecidedSet,
    /// Invariant: at least one.
    numbers: &'a [u32],
}

impl<'a> OfSender<'a> {
    /// The transactions with their numbers in the slot.
    pub fn rows(&self) -> impl Iterator<Item = (u32, &'a DecidedTransaction)> {
        let Self { set, numbers } = *self;
        numbers.iter().map(|number| (*number, set.row(*number)))
    }

    /// The transaction of the lowest nonce.
    pub fn first(&self) -> &'a DecidedTransaction {
        self.set
            .row(self.numbers.first().copied().unwrap_or(u32::MAX))
    }

    /// The highest nonce.
    pub fn last_nonce(&self) -> Nonce {
        let last = self.numbers.last().copied().unwrap_or(u32::MAX);
        self.set.row(last).nonce
    }

    /// Whether the slot uses this nonce. Cost: O(log n).
    pub fn uses(&self, nonce: Nonce) -> bool {
        let nonce_of = |number: &u32| self.set.row(*number).nonce;
        self.numbers.binary_search_by_key(&nonce, nonce_of).is_ok()
    }
}

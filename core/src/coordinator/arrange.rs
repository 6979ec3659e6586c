//! Orders a slot's set, for the policies that fix it first.

use alloc::boxed::Box;

use crate::bounded::{Handle, fixed_slice, fixed_slice_bytes};
use crate::config::{NonceMode, RollupConfig};
use crate::journal::Pools;
use crate::limits::Limits;
use crate::ordering::greedy::{GreedyArranger, Reserves, Trade};
use crate::ordering::shuffle::{ShuffleKey, Shuffler};
use crate::pool::{PooledTransaction, TransactionPool};
use crate::types::{Address, Hash, PoolReserves, RollupId};

/// The memory to order one slot in.
#[derive(Debug)]
pub(super) struct Arrangement {
    shuffler: Shuffler,
    greedy: GreedyArranger,
    /// The transactions in their order.
    arranged: Box<[Handle]>,
    /// The places of one rollup's transactions among those that are ordered.
    places: Box<[u32]>,
    /// The pools that the slot trades with: `pools[..pool_count]`, by rollup and address.
    pools: Box<[PoolReserves]>,
    pool_count: usize,
}

impl Arrangement {
    pub fn new(limits: &Limits) -> Self {
        let count = limits.slot_count_max as usize;
        Self {
            shuffler: Shuffler::new(limits.slot_count_max),
            greedy: GreedyArranger::new(limits.slot_count_max),
            arranged: fixed_slice(count, Handle::default()),
            places: fixed_slice(count, 0),
            pools: fixed_slice(count, NO_POOL),
            pool_count: 0,
        }
    }

    pub const fn footprint_bytes(limits: &Limits) -> u64 {
        let count = limits.slot_count_max as usize;
        Shuffler::footprint_bytes(limits.slot_count_max)
            .saturating_add(GreedyArranger::footprint_bytes(limits.slot_count_max))
            .saturating_add(fixed_slice_bytes::<Handle>(count))
            .saturating_add(fixed_slice_bytes::<u32>(count))
            .saturating_add(fixed_slice_bytes::<PoolReserves>(count))
    }

    /// The pools that the slot ordered last trades with.
    pub fn pools(&self) -> &[PoolReserves] {
        self.pools.get(..self.pool_count).unwrap_or_default()
    }

    /// Memory for a place of each transaction of a slot.
    pub fn places_mut(&mut self) -> &mut [u32] {
        &mut self.places
    }

    /// Forgets the pools of the slot before.
    pub const fn clear(&mut self) {
        self.pool_count = 0;
    }

    /// Puts `taken` in the shuffled order, rollup by rollup. Nothing where a handle is stale.
    pub fn shuffle(
        &mut self,
        pool: &TransactionPool,
        rollups: &[RollupConfig],
        seed: &Hash,
        taken: &mut [Handle],
    ) -> Option<()> {
        let mut end = 0_usize;
        for rollup in rollups {
            self.shuffler.clear();
            for (number, transaction) in own(pool, taken, rollup) {
                let candidate = transaction.candidate;
                let within = match rollup.nonce_mode {
                    NonceMode::Sequential => candidate.envelope.nonce.get(),
                    NonceMode::Window => candidate.arrival.index,
                };
                let key = ShuffleKey::new(seed, rollup.id, candidate.envelope.sender, within);
                self.shuffler.push(key, number).then_some(())?;
            }
            for number in self.shuffler.arrange() {
                *self.arranged.get_mut(end)? = *taken.get(number as usize)?;
                end = end.checked_add(1)?;
            }
        }
        self.write_back(taken, end)
    }

    /// Puts `taken` in the order of the greedy rule, rollup by rollup, and keeps the pools that it
    /// trades with. Nothing where a handle is stale, or has no trade with a known pool.
    pub fn greedy(
        &mut self,
        pool: &TransactionPool,
        rollups: &[RollupConfig],
        known: KnownPools<'_>,
        taken: &mut [Handle],
    ) -> Option<()> {
        self.clear();
        let mut end = 0_usize;
        for rollup in rollups {
            self.gather_pools(pool, rollup, known, taken)?;
            let first_pool = self.pools().partition_point(|own| own.rollup < rollup.id);
            let pools = self.pools.get(first_pool..self.pool_count)?;
            self.greedy.clear();
            for own in pools {
                let (first, second) = (own.reserve0, own.reserve1);
                self.greedy.push_pool(Reserves { first, second })?;
            }
            for ((number, transaction), place) in own(pool, taken, rollup).zip(&mut self.places) {
                let hint = pool.hint(transaction.handle)?;
                let at = pools
                    .binary_search_by_key(&hint.pool, |own| own.pool)
                    .ok()?;
                *place = number;
                self.greedy.push(Trade {
                    sender: transaction.candidate.envelope.sender,
                    nonce: transaction.candidate.envelope.nonce.get(),
                    arrival: transaction.candidate.arrival.index,
                    pool: at as u32,
                    side: hint.side,
                    amount: hint.amount,
                })?;
            }
            let has_lines = rollup.nonce_mode == NonceMode::Sequential;
            for number in self.greedy.arrange(has_lines) {
                let place = *self.places.get(*number as usize)?;
                *self.arranged.get_mut(end)? = *taken.get(place as usize)?;
                end = end.checked_add(1)?;
            }
        }
        self.write_back(taken, end)
    }

    /// Appends the pools that one rollup's transactions trade with, in order, each once.
    fn gather_pools(
        &mut self,
        pool: &TransactionPool,
        rollup: &RollupConfig,
        known: KnownPools<'_>,
        taken: &[Handle],
    ) -> Option<()> {
        let first = self.pool_count;
        for (_, transaction) in own(pool, taken, rollup) {
            let hint = pool.hint(transaction.handle)?;
            let own = known.find((rollup.id, hint.pool))?;
            *self.pools.get_mut(self.pool_count)? = own;
            self.pool_count = self.pool_count.checked_add(1)?;
        }
        let used = self.pools.get_mut(first..self.pool_count)?;
        used.sort_unstable_by_key(|own| own.pool);
        let mut kept = 0_usize;
        for at in 0..used.len() {
            let next = *used.get(at)?;
            let last = kept.checked_sub(1).and_then(|last| used.get(last));
            if last.is_none_or(|last| last.pool != next.pool) {
                *used.get_mut(kept)? = next;
                kept = kept.checked_add(1)?;
            }
        }
        self.pool_count = first.checked_add(kept)?;
        Some(())
    }

    fn write_back(&self, taken: &mut [Handle], end: usize) -> Option<()> {
        let arranged = self.arranged.get(..end)?;
        if end != taken.len() {
            return None;
        }
        taken.copy_from_slice(arranged);
        Some(())
    }
}

const NO_POOL: PoolReserves = PoolReserves {
    rollup: RollupId::ZERO,
    pool: Address::ZERO,
    reserve0: 0,
    reserve1: 0,
};

/// One rollup's transactions with their places among all.
fn own<'a>(
    pool: &'a TransactionPool,
    taken: &'a [Handle],
    rollup: &'a RollupConfig,
) -> impl Iterator<Item = (u32, PooledTransaction)> + 'a {
    let all = (0..).zip(taken.iter().filter_map(|handle| pool.get(*handle)));
    all.filter(|(_, own)| own.candidate.envelope.rollup == rollup.id)
}

/// What is known of pools: what the host gave, or what a journal kept of that.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KnownPools<'a> {
    pub pools: Pools<'a>,
    /// One more, which a journal keeps apart.
    pub last: Option<PoolReserves>,
}

impl<'a> KnownPools<'a> {
    /// What the host gave.
    pub const fn given(reserves: &'a [PoolReserves]) -> Self {
        Self {
            pools: Pools::Given(reserves),
            last: None,
        }
    }

    /// What a pool holds, where it is known. Cost: O(log n).
    pub fn find(&self, key: (RollupId, Address)) -> Option<PoolReserves> {
        let last = self.last.filter(|own| (own.rollup, own.pool) == key);
        last.or_else(|| self.pools.find(key))
    }

    /// Whether reserves are positive, and their pools distinct and in order.
    pub fn are_in_order(&self) -> bool {
        let key = |own: &PoolReserves| (own.rollup, own.pool);
        let is_positive = |own: &PoolReserves| own.reserve0 > 0 && own.reserve1 > 0;
        self.pools
            .iter()
            .chain(self.last)
            .all(|own| is_positive(&own))
            && self
                .pools
                .iter()
                .map(|own| key(&own))
                .is_sorted_by(|before, after| before < after)
    }
}

//! Generates the order that the rule gives.
#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "every index is a number below a count that was checked when it was pushed"
)]

use alloc::boxed::Box;

use super::{Reserves, favoured};
use crate::bounded::{MinTree, NONE, fixed_slice, fixed_slice_bytes};
use crate::types::{Address, Side};

/// A trade of the set, as far as the rule looks at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trade {
    /// Who trades.
    pub sender: Address,
    /// Its nonce.
    pub nonce: u64,
    /// Its arrival index; no two of a set share one.
    pub arrival: u64,
    /// The number of its pool, in the order in which pools were added.
    pub pool: u32,
    /// Which way it goes.
    pub side: Side,
    /// What it pays.
    pub amount: u128,
}

/// A pool of the set.
#[derive(Clone, Copy, Debug, Default)]
struct Pool {
    start: Reserves,
    now: Reserves,
    /// Its trades stand at `ends[0] .. ends[1]` (buys) and `ends[1] .. ends[2]` (sells).
    ends: [u32; 3],
    /// Trades left, by side.
    left: [u32; 2],
    /// The place of the first trade that may be left, by side.
    first: [u32; 2],
}

impl Pool {
    /// The side that comes next, if any trade is left.
    fn wanted(&self) -> Option<Side> {
        let favoured = favoured(self.start.first, self.now.first);
        [favoured, favoured.other()]
            .into_iter()
            .find(|side| self.left[*side as usize] > 0)
    }
}

/// Generates the order that the rule gives for one rollup's set.
///
/// Memory: about 320 bytes for each transaction of a slot. Cost: O(n log n).
#[derive(Debug)]
pub struct GreedyArranger {
    trades: Box<[Trade]>,
    len: usize,
    pools: Box<[Pool]>,
    pool_count: usize,
    /// Trades by pool, side and arrival.
    by_place: Box<[u32]>,
    /// Where each trade stands among those.
    place_of: Box<[u32]>,
    is_placed: Box<[bool]>,
    /// Each trade's line, and the trade behind it there.
    line_of: Box<[u32]>,
    next_in_line: Box<[u32]>,
    /// The head of each line.
    heads: Box<[u32]>,
    /// The arrivals of the heads, by their places.
    ready: MinTree,
    /// The arrival of each pool's first head on its wanted side.
    fitting: MinTree,
    /// The arrival of each pool's first trade on its wanted side, head or not.
    wanting: MinTree,
    order: Box<[u32]>,
}

const NO_TRADE: Trade = Trade {
    sender: Address::ZERO,
    nonce: 0,
    arrival: 0,
    pool: 0,
    side: Side::Buy,
    amount: 0,
};

impl GreedyArranger {
    /// Makes one for up to `count_max` transactions, and as many pools.
    #[must_use]
    pub fn new(count_max: u32) -> Self {
        let count = count_max as usize;
        Self {
            trades: fixed_slice(count, NO_TRADE),
            len: 0,
            pools: fixed_slice(count, Pool::default()),
            pool_count: 0,
            by_place: fixed_slice(count, 0),
            place_of: fixed_slice(count, 0),
            is_placed: fixed_slice(count, false),
            line_of: fixed_slice(count, 0),
            next_in_line: fixed_slice(count, NONE),
            heads: fixed_slice(count, NONE),
            ready: MinTree::new(count_max),
            fitting: MinTree::new(count_max),
            wanting: MinTree::new(count_max),
            order: fixed_slice(count, 0),
        }
    }

    /// The bytes that [`GreedyArranger::new`] takes.
    #[must_use]
    pub const fn footprint_bytes(count_max: u32) -> u64 {
        let count = count_max as usize;
        fixed_slice_bytes::<Trade>(count)
            + fixed_slice_bytes::<Pool>(count)
            + 6 * fixed_slice_bytes::<u32>(count)
            + fixed_slice_bytes::<bool>(count)
            + 3 * MinTree::footprint_bytes(count_max)
    }

    /// Starts with no pool and no trade.
    pub const fn clear(&mut self) {
        self.len = 0;
        self.pool_count = 0;
    }

    /// Adds a pool, and returns its number; nothing where there is no room.
    pub fn push_pool(&mut self, reserves: Reserves) -> Option<u32> {
        let number = self.pool_count;
        *self.pools.get_mut(number)? = Pool {
            start: reserves,
            ..Pool::default()
        };
        self.pool_count += 1;
        Some(number as u32)
    }

    /// Adds a trade, and returns its number; nothing where its pool is unknown or there is no room.
    pub fn push(&mut self, trade: Trade) -> Option<u32> {
        let number = self.len;
        let pool_count = self.pool_count;
        if trade.pool as usize >= pool_count {
            return None;
        }
        *self.trades.get_mut(number)? = trade;
        self.len += 1;
        Some(number as u32)
    }

    /// The trades' numbers in the order that the rule gives.
    ///
    /// With `has_lines` a sender's trades follow their nonces; otherwise each stands alone.
    pub fn arrange(&mut self, has_lines: bool) -> &[u32] {
        self.make_lines(has_lines);
        self.make_places();
        self.ready.reset(self.len as u32);
        self.fitting.reset(self.pool_count as u32);
        self.wanting.reset(self.pool_count as u32);
        for trade in 0..self.len {
            let line = self.line_of[trade] as usize;
            if self.heads[line] as usize == trade {
                self.offer(trade as u32);
            }
        }
        for pool in 0..self.pool_count as u32 {
            self.refresh(pool);
        }
        let mut placed = 0;
        while placed < self.len {
            let Some(next) = self.choose() else { break };
            self.order[placed] = next;
            placed += 1;
            self.execute(next);
        }
        &self.order[..placed]
    }

    /// Puts each sender's trades in a line by nonce.
    fn make_lines(&mut self, has_lines: bool) {
        let Self { trades, len, .. } = self;
        // The memory for places serves to sort in first.
        let sorted = &mut self.by_place[..*len];
        for (place, number) in sorted.iter_mut().zip(0..) {
            *place = number;
        }
        sorted.sort_unstable_by_key(|number| {
            let trade = &trades[*number as usize];
            (trade.sender, trade.nonce, trade.arrival)
        });
        let mut line = 0;
        for at in 0..*len {
            let number = sorted[at] as usize;
            let before = at.checked_sub(1).map(|before| sorted[before] as usize);
            let before =
                before.filter(|own| has_lines && trades[*own].sender == trades[number].sender);
            self.next_in_line[number] = NONE;
            match before {
                Some(before) => self.next_in_line[before] = number as u32,
                None => {
                    line += usize::from(at > 0);
                    self.heads[line] = number as u32;
                }
            }
            self.line_of[number] = line as u32;
        }
    }

    /// Gives each trade its place by pool, side and arrival, and each pool its stretches.
    fn make_places(&mut self) {
        let Self { trades, len, .. } = self;
        let sorted = &mut self.by_place[..*len];
        sorted.sort_unstable_by_key(|number| {
            let trade = &trades[*number as usize];
            (trade.pool, trade.side, trade.arrival)
        });
        for pool in &mut self.pools[..self.pool_count] {
            pool.left = [0; 2];
            pool.now = pool.start;
        }
        for (place, number) in (0_u32..).zip(sorted.iter()) {
            let trade = &trades[*number as usize];
            self.place_of[*number as usize] = place;
            self.is_placed[place as usize] = false;
            self.pools[trade.pool as usize].left[trade.side as usize] += 1;
        }
        let mut end = 0;
        for pool in &mut self.pools[..self.pool_count] {
            let [buys, sells] = pool.left;
            pool.ends = [end, end + buys, end + buys + sells];
            pool.first = [end, end + buys];
            end = pool.ends[2];
        }
    }

    /// The trade that comes next.
    fn choose(&self) -> Option<u32> {
        if let Some(number) = self.fitting.min() {
            // [Rule 4] The first head that its pool wants.
            let pool = &self.pools[number as usize];
            let side = pool.wanted()? as usize;
            let place = self.ready.min_in(pool.ends[side], pool.ends[side + 1])?;
            return Some(self.by_place[place as usize]);
        }
        // [Rule 5] The first trade that its pool wants draws the head of its line.
        let pool = &self.pools[self.wanting.min()? as usize];
        let place = pool.first[pool.wanted()? as usize] as usize;
        let drawing = self.by_place[place] as usize;
        Some(self.heads[self.line_of[drawing] as usize])
    }

    /// Takes a head out of its line, and moves its pool.
    fn execute(&mut self, number: u32) {
        let trade = self.trades[number as usize];
        let place = self.place_of[number as usize];
        self.ready.set(place, None);
        self.is_placed[place as usize] = true;
        let side = trade.side as usize;
        let pool = &mut self.pools[trade.pool as usize];
        pool.left[side] -= 1;
        pool.now = pool.now.execute(trade.side, trade.amount);
        // Each place is passed once.
        while pool.first[side] < pool.ends[side + 1] && self.is_placed[pool.first[side] as usize] {
            pool.first[side] += 1;
        }
        let next = self.next_in_line[number as usize];
        self.heads[self.line_of[number as usize] as usize] = next;
        if next != NONE {
            self.offer(next);
            self.refresh(self.trades[next as usize].pool);
        }
        self.refresh(trade.pool);
    }

    fn offer(&mut self, number: u32) {
        let arrival = self.trades[number as usize].arrival;
        self.ready
            .set(self.place_of[number as usize], Some(arrival));
    }

    /// Notes what a pool wants now.
    fn refresh(&mut self, number: u32) {
        let pool = self.pools[number as usize];
        let Some(side) = pool.wanted() else {
            self.fitting.set(number, None);
            self.wanting.set(number, None);
            return;
        };
        let side = side as usize;
        let arrival = |place: u32| self.trades[self.by_place[place as usize] as usize].arrival;
        let head = self.ready.min_in(pool.ends[side], pool.ends[side + 1]);
        let (head, first) = (head.map(arrival), arrival(pool.first[side]));
        self.fitting.set(number, head);
        self.wanting.set(number, Some(first));
    }
}

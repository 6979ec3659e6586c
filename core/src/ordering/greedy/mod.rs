//! The greedy sequencing rule: trades with a pool of two tokens alternate around the price at its
//! start, so that nobody is led into a worse price and out again.
//!
//! [Ferreira and Parkes, "Credible Decentralized Exchange Design via Verifiable Sequencing Rules",
//! STOC 2023]
//!
//! # Rules
//! 1. First come, first served fixes the set of a slot's transactions. Each brings a
//!    [`TradeHint`](crate::types::TradeHint); a pool without
//!    [`PoolReserves`](crate::types::PoolReserves) has no trade in the set.
//! 2. A pool's *wanted side* is a buy while it holds at least as much of its first token as at its
//!    start, and a sell otherwise; where no trade of that side is left in the set, it is the other.
//! 3. A *head* is a trade whose sender has no smaller nonce left in the set; with windows of nonces
//!    every trade is one.
//! 4. Next comes, over all pools of the rollup, the head on its pool's wanted side that arrived
//!    first.
//! 5. Where there is none, what is wanted stands behind other trades of its sender. Then the trade
//!    on its pool's wanted side that arrived first draws the head of its line out of turn.
//! 6. Each trade is executed on its pool as [`Reserves::execute`] says before the next is chosen.
//!
//! The order is a function of the set, the hints and the reserves, so the twin generates it again
//! and compares.
//!
//! # The sign
//! A buy takes the first token out and makes it dearer. While the pool holds as much of it as at
//! the start, it costs no more than at the start, and the favoured side is the buyers'. The rule
//! with the signs exchanged lets `buy, buy, sell` through, which is the sandwich.
//!
//! # What it promises
//! Without nonces that stand in the way, each user's trade in a pool is executed at least as well
//! as if it were alone in the slot, or whoever ordered the slot gained nothing from it.
//!
//! # What it does not promise
//! - **The hint is the host's word.** A committed transaction whose payload trades otherwise than
//!   its hint says keeps its place, and the rule then says nothing of that pool. Whoever executes
//!   the rollup can compare, because hints and reserves stand in the slot.
//! - Whether the reserves were the pool's, whether fees or other transactions move it, and which
//!   transactions were left out.
//! - A sequencer that spreads an attack over several slots, or over three pools and more, escapes
//!   the rule; so does one who hides its trades behind its own nonces and lets rule 5 draw them.

mod arranger;
#[cfg(test)]
mod tests;

pub use arranger::{GreedyArranger, Trade};

use crate::types::Side;

/// What a pool of two tokens holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reserves {
    /// Of the first token.
    pub first: u128,
    /// Of the second token.
    pub second: u128,
}

impl Reserves {
    /// What the pool holds after a trade that pays `amount`: constant product, exact input, the
    /// output rounded down, no fee.
    ///
    /// `output = ⌊reserve_out · amount / (reserve_in + amount)⌋`, in 256 bits in between. A trade
    /// that the pool could not count in 128 bits fails, and leaves the pool as it is.
    #[must_use]
    pub fn execute(self, side: Side, amount: u128) -> Self {
        let (reserve_in, reserve_out) = match side {
            Side::Buy => (self.second, self.first),
            Side::Sell => (self.first, self.second),
        };
        let Some(after_in) = reserve_in.checked_add(amount) else {
            return self;
        };
        // Nobody pays into a pool of nothing; callers refuse such reserves.
        let output = mul_div(reserve_out, amount, after_in);
        let after_out = reserve_out.saturating_sub(output);
        match side {
            Side::Buy => Self {
                first: after_out,
                second: after_in,
            },
            Side::Sell => Self {
                first: after_in,
                second: after_out,
            },
        }
    }
}

/// A trade whose effect on the first token is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlainTrade {
    /// Which way it goes.
    pub side: Side,
    /// What it takes out of the pool (a buy) or puts into it (a sell), of the first token.
    pub quantity: u128,
}

/// Whether trades on one pool, in this order, keep the rule where no nonce stands in the way.
///
/// `reserve_start` is what the pool holds of the first token before them. Cost: O(n).
///
/// ```
/// use hauptbuch_core::ordering::greedy::{PlainTrade, satisfies_rule};
/// use hauptbuch_core::types::Side;
///
/// let buy = PlainTrade { side: Side::Buy, quantity: 5 };
/// let sell = PlainTrade { side: Side::Sell, quantity: 5 };
/// assert!(satisfies_rule(100, &[buy, sell, buy]));
/// // The sandwich: the attacker buys before its victim and sells after it.
/// assert!(!satisfies_rule(100, &[buy, buy, sell]));
/// ```
#[must_use]
pub fn satisfies_rule(reserve_start: u128, trades: &[PlainTrade]) -> bool {
    let count_of = |side| trades.iter().filter(|trade| trade.side == side).count();
    let (mut buys, mut sells) = (count_of(Side::Buy), count_of(Side::Sell));
    let mut reserve = reserve_start;
    for trade in trades {
        if buys == 0 || sells == 0 {
            return true;
        }
        if trade.side != favoured(reserve_start, reserve) {
            return false;
        }
        match trade.side {
            Side::Buy => {
                buys = buys.saturating_sub(1);
                reserve = reserve.saturating_sub(trade.quantity);
            }
            Side::Sell => {
                sells = sells.saturating_sub(1);
                reserve = reserve.saturating_add(trade.quantity);
            }
        }
    }
    true
}

/// The side whose price is no worse than at the start.
const fn favoured(start: u128, reserve: u128) -> Side {
    if reserve >= start {
        Side::Buy
    } else {
        Side::Sell
    }
}

/// `⌊a · b / d⌋` for `b ≤ d`, so that it is at most `a`; 0 for `d = 0`.
fn mul_div(a: u128, b: u128, d: u128) -> u128 {
    if let Some(product) = a.checked_mul(b) {
        return product.checked_div(d).unwrap_or(0);
    }
    let (high, low) = wide_product(a, b);
    // Long division in base 2: `high < d` because the quotient fits 128 bits.
    let (mut rest, mut quotient) = (high, 0_u128);
    for bit in (0..128).rev() {
        let carries = rest >> 127 == 1;
        rest = (rest << 1) | ((low >> bit) & 1);
        quotient <<= 1;
        if carries || rest >= d {
            rest = rest.wrapping_sub(d);
            quotient |= 1;
        }
    }
    quotient
}

/// The 256 bits of a product: upper half, lower half.
fn wide_product(a: u128, b: u128) -> (u128, u128) {
    const MASK: u128 = u64::MAX as u128;
    let (a_high, a_low, b_high, b_low) = (a >> 64, a & MASK, b >> 64, b & MASK);
    let part = |x: u128, y: u128| x.wrapping_mul(y);
    let low = part(a_low, b_low);
    let cross = part(a_high, b_low).wrapping_add(low >> 64);
    let middle = part(a_low, b_high).wrapping_add(cross & MASK);
    let high = part(a_high, b_high)
        .wrapping_add(cross >> 64)
        .wrapping_add(middle >> 64);
    (high, (middle << 64) | (low & MASK))
}

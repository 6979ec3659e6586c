//! What the host knows of a transaction that trades, for policies that look at trades.
//!
//! Hints are the host's word. They stand beside the transaction, not in it: its identity does not
//! bind them, and nothing here can tell whether the payload does what the hint says.

use super::{Address, RollupId};

/// Which way a trade goes, seen from the pool's first token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Side {
    /// Takes the first token out of the pool and pays with the second one.
    Buy = 0,
    /// Pays with the first token.
    Sell = 1,
}

impl Side {
    /// The byte that stands for it in every encoding.
    #[must_use]
    pub const fn byte(self) -> u8 {
        self as u8
    }

    /// The side that a byte stands for, if any.
    #[must_use]
    pub const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            0 => Some(Self::Buy),
            1 => Some(Self::Sell),
            _ => None,
        }
    }

    /// The name that tables of transactions use for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Buy => "buy",
            Self::Sell => "sell",
        }
    }

    /// The side of that name, if any.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Buy, Self::Sell]
            .into_iter()
            .find(|side| side.name() == name)
    }

    /// The other side.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }
}

/// One trade of a transaction: where, which way, and how much is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TradeHint {
    /// The pool of two tokens that it trades with.
    pub pool: Address,
    /// Which way it goes.
    pub side: Side,
    /// What the sender pays: of the second token for a buy, of the first for a sell. Over 0.
    pub amount: u128,
}

/// What a pool of two tokens holds before a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolReserves {
    /// The rollup that the pool lives on.
    pub rollup: RollupId,
    /// Which pool.
    pub pool: Address,
    /// Of the first token, over 0.
    pub reserve0: u128,
    /// Of the second token, over 0.
    pub reserve1: u128,
}

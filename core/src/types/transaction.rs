//! A user's transaction, as the sequencer sees it: an envelope of numbers and an opaque payload.

use super::{Address, Fee, Gas, Nonce, RollupId, TradeHint, UnixNs};

/// What a transaction is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
#[non_exhaustive]
pub enum TransactionKind {
    /// A transaction whose content everybody may read.
    #[default]
    Plain = 0,
}

impl TransactionKind {
    /// The byte that stands for it in every encoding.
    #[must_use]
    pub const fn byte(self) -> u8 {
        self as u8
    }

    /// The kind that a byte stands for, if any.
    #[must_use]
    pub const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            0 => Some(Self::Plain),
            _ => None,
        }
    }
}

/// Everything of a transaction but its payload.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Envelope {
    /// The rollup that will execute it.
    pub rollup: RollupId,
    /// Who sends it. The host has checked the signature.
    pub sender: Address,
    /// Who receives it; the zero address where it creates a contract.
    pub recipient: Address,
    /// The value that it moves, in the rollup's smallest unit.
    pub amount: u128,
    /// The sender's running number on this rollup.
    pub nonce: Nonce,
    /// What the sender pays per unit of gas.
    pub fee: Fee,
    /// The most gas that its execution may use.
    pub gas: Gas,
    /// The agreed time from which on it must not be included; [`UnixNs::NEVER`] for none.
    pub expiry: UnixNs,
    /// What it is for.
    pub kind: TransactionKind,
}

/// A transaction whose payload lies in somebody else's memory.
///
/// ```
/// use hauptbuch_core::types::{Address, Envelope, Fee, Gas, Nonce, Transaction, UnixNs};
///
/// let transaction = Transaction {
///     envelope: Envelope {
///         sender: Address::new([7; 20]),
///         nonce: Nonce::new(0),
///         fee: Fee::new(30),
///         gas: Gas::new(21_000),
///         expiry: UnixNs::NEVER,
///         ..Envelope::default()
///     },
///     payload: b"transfer",
/// };
/// assert_eq!(transaction.encoded_len(), 98 + 8);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transaction<'a> {
    /// Its numbers.
    pub envelope: Envelope,
    /// What the rollup executes; opaque here.
    pub payload: &'a [u8],
}

/// A transaction together with what the host knows of it and no encoding carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Submission<'a> {
    /// The transaction.
    pub transaction: Transaction<'a>,
    /// The next nonce of the sender's account at the host, where it knows.
    ///
    /// It becomes the sender's cursor if the pool has none. Without it the first nonce of the
    /// sender that is included becomes the base.
    pub account_nonce: Option<Nonce>,
    /// Where it came from, as the host numbers its peers; quotas hold for each origin.
    pub origin: u32,
    /// The trade that it makes, for a policy that looks at trades.
    pub hint: Option<TradeHint>,
}

impl<'a> From<Transaction<'a>> for Submission<'a> {
    fn from(transaction: Transaction<'a>) -> Self {
        Self {
            transaction,
            account_nonce: None,
            origin: 0,
            hint: None,
        }
    }
}

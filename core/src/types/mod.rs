//! The words of the domain as types: identities, amounts, heights and the two kinds of time.
//!
//! Every number that means something has a type of its own, so that a nonce can't be passed where
//! a gas limit is wanted. All are plain integers or byte arrays: `Copy`, totally ordered, without
//! an invalid value.

mod candidate;
mod hint;
mod numbers;
mod transaction;

pub use candidate::{Arrival, Candidate, CandidateSource, SelectionKey, SelectionRule};
pub use hint::{PoolReserves, Side, TradeHint};
pub use numbers::{
    Address, Epoch, Fee, Gas, Hash, Height, Nonce, RollupId, Round, SequencerId, Tick, TxId, UnixNs,
};
pub use transaction::{Envelope, Submission, Transaction, TransactionKind};

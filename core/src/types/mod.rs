//! The words of the domain as types: identities, amounts, heights and the two kinds of time.
//!
//! Every number that means something has a type of its own, so that a nonce can't be passed where
//! a gas limit is wanted. All are plain integers or byte arrays: `Copy`, totally ordered, without
//! an invalid value.

mod candidate;
mod forced;
mod hint;
mod numbers;
mod transaction;

pub use candidate::{Arrival, Candidate, CandidateSource, SelectionKey, SelectionRule};
pub use forced::{ForcedOutcome, InboxEntry};
pub use hint::{PoolReserves, Side, TradeHint};
pub use numbers::{
    Address, BundleId, Epoch, Fee, Gas, Hash, Height, InboxIndex, LogPosition, MemberIndex, Nonce,
    RollupId, Round, SequencerId, Tick, TxId, UnixNs,
};
pub use transaction::{Envelope, Submission, Transaction, TransactionKind};

//! Receipts: what a sequencer promised and signed, and proof that it broke a promise.
//!
//! # What is promised
//! - Where the pool's policy gives the order, a receipt promises that a transaction stands at a
//!   **position** of its rollup's sub-batch, in the proposal that its signer makes at a height in a
//!   round, behind exactly what the running hash binds. It is a signed
//!   [`SliceReceipt`](crate::batch::SliceReceipt) with a Merkle proof: one signature serves all
//!   transactions of a slice.
//! - Where receive logs give the order, nobody can promise a position, and a receipt promises an
//!   **index** in the receive log of its signer. What follows for the order, everybody computes.
//!
//! Receipts are chained: a position's by the rollup's running hash, an index's by that of the log.
//! So a receipt also promises all that its signer promised before it.
//!
//! # Rules for who signs
//! 1. A position only for a round in which the signer proposes, and only once what it proposes is
//!    fixed: in a round in which it must propose another member's valid value, that one. A
//!    sequencer alone has round 0 only.
//! 2. What was promised is not taken back within the round: no open slot with a signed slice is
//!    rolled back and filled anew at the same height and round.
//! 3. An index only once the log's record is durable, as for its extensions.
//!
//! # What breaks a promise
//! An [`Accusation`] convicts the owner of a key by its own signatures:
//! 1. two receipts for the same place, that is the same epoch and, for a position, rollup, height,
//!    round and position, or the same index, with another transaction or another running hash;
//! 2. a position receipt and the slot that was **decided in its round**, which holds another
//!    transaction there, or does not continue the running hash;
//! 3. an index receipt and a signed extension of the same log that has another running hash there.
//!
//! No accusation holds by these rules: a decision in another round, because a change of round
//! leaves promises behind; a slot whose agreed time is past the receipt's deadline; a log that does
//! not reach as far as the index; silence of any kind. Whoever keeps the rules for signers above
//! can't be accused, whatever others do: every accusation needs two of its own signatures, or one
//! and the decision of what it proposed.
//!
//! The deadline is an agreed time. Behind it a promise binds nobody, so that a receipt can be given
//! for a slot whose time is not known yet.
//!
//! # Cost
//! To check a receipt: one signature, and a hash a level of the Merkle tree. To judge the second
//! accusation: a hash over each transaction of one slot. Nothing allocates.
//!
//! # What it does not do
//! It decides no ban: that is a change to the membership, which names an accusation by
//! [its hash](Accusation::hash). It verifies no certificate: see
//! [`certificate`](crate::certificate).

mod accusation;
mod encoding;
mod error;
mod promise;
#[cfg(test)]
mod tests;

pub use accusation::{Accusation, AccusationKind, Beside};
pub use error::{AccusationError, ReceiptError};
pub use promise::{LoggedPlace, Opening, PROMISE_LEN, Place, Promise, Receipt};

//! How far a slot has come, and what makes it final.
//!
//! [`FinalityEngine`] follows every height through five levels ([`Level`]): received, sequenced,
//! proposed, final, settled. The first three can be taken back; what is final stays, and becomes so
//! by a certificate that verifies alone or as an ancestor of one that does. Settled is the word of
//! the host, which watches the base chain.
//!
//! # Guarantees
//! - Nothing is final without a [`CommitProof`](crate::certificate::CommitProof) by the members of
//!   its epoch, for it or for a slot that it is an ancestor of by hashes.
//! - Members of an epoch are those whose hash the last slot of the epoch before named; that slot's
//!   certificate, by the old members, is what authorises them.
//! - A height that is final keeps its value. A proof of another one, or of a slot that does not
//!   descend from it, halts the engine and is kept as evidence: more than a third has lied, and
//!   going on would choose a side.
//! - A candidate that gives way is rolled back, and everything above it is revoked, newest first;
//!   nothing changes where the events would not fit.
//!
//! # Catching up
//! One certificate proves all slots below it in its epoch: the engine takes the newest slot with
//! its proof ([`FinalityEngine::handle_certificate`]), then headers down to what is final here,
//! newest first ([`FinalityEngine::handle_header`]), each checked by its hash alone.
//!
//! # Cost
//! O(window) comparisons of numbers for a step, and of hashes none beside the header's own. Memory
//! is fixed by [`FinalityLimits`]: about 250 KB by default, beside the members' keys.
//!
//! # What it does not do
//! It checks no signature itself, asks for nothing and keeps no bodies; see
//! [`certificate`](crate::certificate).

mod catch_up;
mod engine;
mod error;
#[cfg(test)]
mod tests;
mod types;

pub use engine::{FinalityEngine, Outcome};
pub use error::{FinalityError, FinalitySetupError};
pub use types::{
    FinalityConflict, FinalityEvent, FinalityEventKind, FinalityLimits, Level, Link, Progress,
};

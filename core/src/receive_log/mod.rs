//! Receive logs: what each member of a committee received, in the order in which it did, as bytes
//! that it can't take back.
//!
//! A member writes one log an epoch. It signs the log piece by piece, in [`Extension`]s that follow
//! each other without a gap and are chained by hash, entry by entry, so that a [`Cut`] may stand at
//! any position. A slot fixes a cut; whoever votes on it holds all [`Extents`] up to it and
//! computes the rest from them.
//!
//! # Rules
//! 1. The *running hash* behind an entry is H(running hash before, base, entry). It starts with a
//!    hash over network, epoch, member and the hash at the epoch's boundary, so that no two logs
//!    share one.
//! 2. The *base* of an entry is the last decided slot that its signer knew. Bases and stamps never
//!    go back within a log: a log in which one does is no log, for everybody alike.
//! 3. A signature covers (network, epoch, member, end, running hash there, base): the newest one
//!    covers the whole log, and no older one is kept.
//! 4. An extension without entries is a sign of life: it says which slot its signer knows, moves
//!    nothing, and no cut shows it. Signing the same end with another base is no fork.
//! 5. A *fork* is two signatures of one log, neither of whose prefixes extends the other. It is
//!    looked for when an extension comes, before anything is dropped.
//! 6. A member signs at most `extent_entries_max` entries beyond its decided position, and a cut
//!    moves a log by no more.
//! 7. While a height is undecided a log may have up to [`BRANCH_COUNT`] branches: the one that came
//!    first, and those that lead to the cuts that this member's lock, its valid value and the
//!    current proposal name ([`Naming`]). What nothing names is refused, and can be pulled again.
//! 8. Once evidence is decided, the log is closed: no cut moves it. Silence closes none.
//! 9. A member that has lost what it signed signs nothing of that log any more
//!    ([`OwnLog::resume`]).
//!
//! # Who does what
//! [`OwnLog`] is what an honest member writes. [`Extents`] keeps what all members wrote and is not
//! decided yet. [`verify_fork`] checks evidence with nothing but the public key. What entries
//! *mean* (budgets, lapse, first-hand) is the business of the floor above.
//!
//! # Cost
//! An entry costs one permutation of SHA3-256, and an extension one signature check, which comes
//! last. On one core of an Intel Xeon of 2023, 2026-11-22, in extensions of 1,000 ids: 0.9 µs an
//! entry to sign and as much to admit, nearly all of it the hash; 4 ns an entry to check a cut,
//! read it and drop it. Memory is [`ReceiveLogLimits::footprint_bytes`], to the byte.
//!
//! # What it does not promise
//! A log is its member's word. That it was signed shows who said so, not that it is true.
#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "entry points check members, positions and counts against the limits once; all \
              indices and sums behind them are made here"
)]

mod chain;
mod cut;
mod entry;
mod extension;
mod extents;
mod fork;
mod limits;
mod own;
mod signing;
#[cfg(test)]
mod tests;

pub use chain::{LogId, next_running_hash};
pub use cut::{Cut, CutError, Point};
pub use entry::{ENTRY_BYTES_MAX, Entry};
pub use extension::{Extension, ExtensionError};
#[cfg(any(test, feature = "weakened"))]
pub use extents::ExtentsBreaks;
pub use extents::{
    Admitted, BRANCH_COUNT, CutEntries, CutEntry, Extents, LogMark, Missing, Naming,
};
pub use fork::{ForkError, verify_fork};
pub use limits::ReceiveLogLimits;
pub use own::{OwnLog, OwnLogError, OwnRecord, RecordError, newest_log_record};
pub use signing::{LogSigner, LogVerifier, STATEMENT_LEN, Statement};

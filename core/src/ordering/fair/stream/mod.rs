//! Order fairness over many slots: what an honest member logs, what a cut may contain, and what
//! follows from decided cuts.
#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "entry points check members, rollups and lengths once; indices behind are made here"
)]

mod apply;
mod cursors;
mod cut;
mod decided;
mod entry;
mod error;
mod forming;
mod held;
mod limits;
mod member;
mod memory;
mod outcome;
mod records;
mod release;
mod restore;
mod state;
#[cfg(test)]
mod tests;
mod twin;
mod verify;
mod views;
mod weakened;

pub use decided::FairStream;
pub use entry::{
    Accounts, Bodies, Cut, Entry, EntryKind, Extent, Facts, LoggedId, NoAccounts, RollupSlot, Room,
};
pub use error::{
    ApplyError, Broken, CutError, CutRefusal, MemberError, StateError, StreamConfigError,
};
pub use limits::{FairLimits, ReplayProtection, RollupPart, STREAM_LOG_COUNT_MAX};
pub use member::{BodySource, FairMember};
pub use outcome::{Charge, DrainOutcome, Drained, GraphEvent, LossReason, LostEntry};
pub use twin::StreamTwin;
#[cfg(any(test, feature = "weakened"))]
pub use weakened::Weakened;

//! Order fairness over many slots: what an honest member logs, what a cut may contain, and what
//! follows from decided cuts.
//!
//! Members log ids in the order in which they received them; a slot fixes a cut through all logs;
//! from the decided cuts everybody computes the same order, in memory that is fixed from the start.
//! [`FairStream`] is that computation, [`FairMember`] the honest member's side, and [`StreamTwin`]
//! recomputes slots by plainer means. Entries come decoded: bytes, signatures and forks of logs are
//! somebody else's, and so are sealed ids and who the members are.
//!
//! # Rules
//! Logging, by an honest member:
//! 1. It logs an id only when it holds its body and finds it valid.
//! 2. Its own ids enter in the order of their arrival, when their nonce is next in line, not used,
//!    and its budget allows, counted as rule 6 counts it; where a rollup's part is full, other
//!    rollups pass.
//! 3. It learns of others' ids from decided cuts only, and logs them whatever its budget, once it
//!    holds the body. One waits while a lower nonce of its sender is missing, and is not logged if
//!    its nonce was used before the cut that first showed it. What has its turn needs no more logs.
//! 4. Vertices of a graph with a missing edge in which no entry of its own counts are logged at
//!    once, in the order of their ids.
//! 5. What lapsed or was void is logged again before anything new.
//!
//! What a cut may contain:
//!
//! 6. An entry whose id was not live at its base is first-hand, and charges its member until the id
//!    is drained or until more than A slots have passed since its last entry lapsed. No member is
//!    charged above FH, its bytes, or a rollup's part of either. So at most n · FH ids are live,
//!    and FH more for each member that has left.
//! 7. A cut advances a log by at most E entries.
//!
//! What follows, slot by slot: entries, agreed time, update, form, release, drain, lapse:
//!
//! 8. An entry outside a graph lapses A slots after the cut that covered it; from the slot on in
//!    which its id enters a graph, it counts until the id is drained.
//! 9. An entry is void if its base lies more than A slots back, or before the slot that drained its
//!    id.
//! 10. Graphs of a rollup stand in a line. At most one is formed a slot, and only from the front
//!     are they released.
//! 11. An id stays out of a graph while a nonce between its sender's cursor and its own is in
//!     neither that graph, an earlier one, nor the queue. Without a cursor the sender's smallest
//!     nonce in flight or in the graph is the base; if nothing is in flight, one that is not solid
//!     stays out, and so does whatever can be reached from it.
//! 12. At release a sender's ids fill the places that they hold in nonce order. A used nonce, an
//!     expired id, and a variant of a nonce that stands before it keep their own.
//! 13. The queue drains from its head within the room of the slot. What cannot be included is a
//!     no-op in place, which uses the slot's count: expired, its nonce used, a gap before it,
//!     larger than its rollup's own room, or no cursor free.
//!
//! Age counts only slots whose cut moved at least n − f logs.
//!
//! From one epoch to the next ([`FairStream::close_at`], [`FairStream::begin_epoch`]); rules 14 to
//! 19 are about sealed ids and forks:
//!
//! 20. A slot decides which later one closes the epoch. From there on an entry that is first-hand
//!     with a base at or past it is void; members that know it log no new first-hand id, and say
//!     once that their log is closed.
//! 21. The epoch ends with the first slot from the closing one on after which no graph stands in
//!     line, n − f logs are closed, and no id outside has T heads but those that rule 11 holds
//!     back or whose nonce is used.
//! 22. A number of slots after the closing one it ends all the same. Graphs that stand in line then
//!     are dissolved, and their ids carried over like those outside.
//! 23. Logs begin anew. Queues, live ids and charges, age, cursors and what was drained go on. A
//!     member logs first what its old log held, covered or not, in that order. That an epoch
//!     carried an id over counts like an entry in no log: it lapses A slots later.
//! 24. A member that joins asks those of the old committee for the bodies that wait in their lines,
//!     and one that leaves gives its own to all of the next ([`FairMember::waiting`]).
//!
//! # What the rules leave open, and what is decided here
//! - A no-op's reason is the first that holds, in the order of rule 13.
//! - Draining waits while as many drained ids are remembered as can: where slots do not age, that
//!   alone bounds them.
//! - A cursor goes once everything included from it has expired. Of a rollup whose host refuses
//!   replays itself, the one used longest ago goes, while fewer are free than ids can be live.
//! - What members are charged with that have left is charged to all of them together, and may be as
//!   much as `leaver_count_max` budgets. A next epoch with more is refused.
//! - New logs have no stamp yet. Agreed time stands still until the lower half of them have one.
//! - A candidate's facts are read from its body in the slot in which T logs hold it, and kept.
//!
//! # Median timestamps
//! Where [`Parameters::orders_by_median`](super::Parameters::orders_by_median), no graphs are
//! formed: a [`MedianOrderOf`](crate::ordering::median::MedianOrderOf) a rollup follows the entries
//! that count, and what a cut releases joins the queue at once. Rules 1 to 3 and 5 to 9 and 13 hold
//! as they stand, "in a graph" meaning "released"; a clock counts as the agreed time of A slots ago
//! at least; and age counts slots that moved ⌈(n + 1)/2⌉ logs. In place of rules 10 to 12:
//!
//! - Released ids join the queue in the order of (key, id), behind those that were held.
//! - One is *held* while a nonce between its sender's cursor and its own is neither released nor
//!   queued. It lets others pass, and its entries lapse. Without a cursor the smallest nonce of the
//!   sender that is queued is the base, or else the smallest that any id has whose facts are known.
//! - A sender's ids that join together fill their places in nonce order, as in rule 12.
//!
//! So within a rollup ids stand in the order of their final keys, those aside that a nonce moved.
//! At the end of an epoch ids that are held stay so. In rule 21 an id with T heads has its key, and
//! waits for its turn, at most A slots. A new log begins with what the old one held *and the stamps
//! that this had there*, since these are all that orders it.
//!
//! ⌈n/2⌉ logs that hold an id make its facts known, one of which is honest. A sender whose cursor
//! is not there can have a later nonce made its base by liars, while fewer logs than that hold the
//! earlier one.
//!
//! # Cost
//! One slot of five members is O(k log k) for a cut of k entries and O(n · live ids) to form and to
//! lapse, besides what the graphs cost. One core of an Intel Xeon of 2023 at the default target,
//! 2026-11-22 (`cargo run --release -p hauptbuch-core --example fair_slot_time`), 101 slots in
//! which each member brings a fifth of the ids and the others follow one slot later:
//!
//! | ids a slot | live ids | median ms |
//! |---|---|---|
//! | 160 | 320 | 0.24 |
//! | 640, lists that nearly agree | 1,280 | 1.12 |
//! | 640, lists at random | 1,280 | 1.12 |
//!
//! # What it does not promise
//! Fairness begins at the log entry: under back-pressure learned ids pass those that wait for a
//! budget. Where an honest member's entry lapsed or was void, what stood behind it in that log may
//! go first. A sender who signs one nonce twice gets one of the two. The promise for a pair is that
//! of one committee, the one whose graph decides it: across an epoch that ended at its bound, the
//! liars of the old committee and those of the new one can turn a pair together.
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
mod epoch;
mod error;
mod forming;
mod handover;
mod held;
mod limits;
mod median;
mod member;
mod memory;
mod outcome;
mod records;
mod release;
mod restore;
mod state;
#[cfg(test)]
mod tests;
mod trial;
mod twin;
mod verify;
mod views;
mod weakened;

pub use decided::FairStream;
pub use entry::{
    Accounts, Bodies, Cut, Entry, EntryKind, Extent, Facts, LoggedId, NoAccounts, RollupSlot, Room,
};
pub use epoch::{EpochEnd, NextEpoch};
pub use error::{
    ApplyError, Broken, CutError, CutRefusal, EpochError, MemberError, StateError,
    StreamConfigError,
};
pub use limits::{FairLimits, ReplayProtection, RollupPart, STREAM_LOG_COUNT_MAX};
pub use member::{BodySource, FairMember};
pub use outcome::{Charge, DrainOutcome, Drained, GraphEvent, LossReason, LostEntry};
pub use trial::{TrialError, TrialStream};
pub use twin::StreamTwin;
#[cfg(any(test, feature = "weakened"))]
pub use weakened::Weakened;

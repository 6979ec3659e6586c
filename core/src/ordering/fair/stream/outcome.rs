//! What one slot brought about.

use super::entry::LoggedId;
use crate::types::RollupId;

/// How an id left the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum DrainOutcome {
    /// It stands in the slot.
    Included,
    /// A no-op: its expiry is not after the slot's time.
    Expired,
    /// A no-op: its nonce was used by another transaction.
    Superseded,
    /// A no-op: it was included before.
    Duplicate,
    /// A no-op: a nonce before its own was not used.
    Gap,
    /// A no-op: no slot can hold it, or its nonce has no successor.
    Unfit,
    /// A no-op: the table of cursors has no room for its sender.
    NoCursor,
}

/// An id that left the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drained {
    /// The id.
    pub id: LoggedId,
    /// In the slot, or a no-op in its place.
    pub outcome: DrainOutcome,
}

impl Drained {
    /// Fills room that is not used yet.
    pub(super) fn none() -> Self {
        Self {
            id: LoggedId::default(),
            outcome: DrainOutcome::Included,
        }
    }
}

/// Entries of one id that do not count, all for the same reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LostEntry {
    /// The id that they name.
    pub id: LoggedId,
    /// The logs that they stand in, bit i for log i.
    pub members: u128,
    /// Why.
    pub reason: LossReason,
}

impl LostEntry {
    /// Whether an entry in this member's log was lost.
    #[must_use]
    pub const fn is_of(&self, member: u32) -> bool {
        member < 128 && self.members >> member & 1 == 1
    }

    /// Fills room that is not used yet.
    pub(super) fn none() -> Self {
        Self {
            id: LoggedId::default(),
            members: 0,
            reason: LossReason::Lapsed,
        }
    }
}

/// Why an entry does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LossReason {
    /// It lapsed: its id found no place in a graph for long enough (rule 8).
    Lapsed,
    /// It was void from the start: its base lies too far back (rule 9).
    BaseTooOld,
    /// It was void from the start: its base lies before the slot that drained its id (rule 9).
    DrainedSince,
    /// It was void from the start: it is first-hand, with a base at or past the closing slot (rule
    /// 20).
    AfterClosing,
}

/// Something that happened to a graph of a rollup's line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GraphEvent {
    /// It joined the end of the line.
    Formed {
        /// Whose line.
        rollup: RollupId,
        /// Its vertices.
        vertex_count: u32,
        /// Its pairs without an edge.
        missing_count: u32,
        /// Candidates that were held back for a nonce that is missing.
        held_back_count: u32,
    },
    /// Some of its missing edges came.
    Updated {
        /// Whose line.
        rollup: RollupId,
        /// Its place, 0 being the front, before anything was released.
        place: u32,
        /// Edges that came.
        drawn_count: u32,
        /// Pairs that are still without one.
        missing_count: u32,
    },
    /// It left the front of the line, and its ids joined the queue.
    Released {
        /// Whose line.
        rollup: RollupId,
        /// Its vertices.
        vertex_count: u32,
        /// Whether its last component had to be turned as a cycle.
        was_rotated: bool,
    },
    /// It could be formed, but as many graphs stand in line as can.
    LineFull {
        /// Whose line.
        rollup: RollupId,
    },
}

/// What a member is charged with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Charge {
    /// First-hand ids.
    pub count: u32,
    /// Bytes of their bodies.
    pub bytes: u64,
}

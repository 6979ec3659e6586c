//! What logs hold and what a cut brings: the inputs of the stream, already decoded.

use crate::types::{Address, Gas, Height, Nonce, RollupId, TxId, UnixNs};

/// An id as a log names it. A body that differs in one of the three is not its body.
///
/// Ids are sorted by rollup, then by transaction id, then by length; this order breaks every tie.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LoggedId {
    /// The rollup that it is for.
    pub rollup: RollupId,
    /// The transaction.
    pub id: TxId,
    /// How long its body is; charged to whoever brought the id first.
    pub body_bytes: u32,
}

/// What one entry of a log says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EntryKind {
    /// The member holds this body and finds it valid.
    Id(LoggedId),
    /// The member's clock; an id's stamp in a log is the last one before it.
    Stamp(UnixNs),
    /// The member knows the closing slot, and logs no new first-hand id in this epoch.
    Closed,
}

/// One entry of a member's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The last decided slot that its signer knew; 0 before the first.
    pub base: Height,
    /// What it says.
    pub kind: EntryKind,
}

/// By how much a cut advances one log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extent<'a> {
    /// Whether the log moved at all; an extent with entries has moved, whatever this says.
    pub is_moved: bool,
    /// The entries between the log's last decided position and the cut, in order.
    pub entries: &'a [Entry],
}

impl<'a> Extent<'a> {
    /// An extent that has moved the log by these entries, which may be none.
    #[must_use]
    pub const fn moved(entries: &'a [Entry]) -> Self {
        Self {
            is_moved: true,
            entries,
        }
    }

    /// Whether the log has moved.
    #[must_use]
    pub const fn has_moved(&self) -> bool {
        self.is_moved || !self.entries.is_empty()
    }
}

/// The cut of one slot: an extent for every log.
#[derive(Clone, Copy, Debug)]
pub struct Cut<'a> {
    /// The slot that fixes it.
    pub height: Height,
    /// The extents, that of log i at i.
    pub extents: &'a [Extent<'a>],
}

/// What a body says about its transaction, as every node reads it from the same bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Who sends it.
    pub sender: Address,
    /// Its number among those of its sender on its rollup.
    pub nonce: Nonce,
    /// What it may use.
    pub gas: Gas,
    /// The agreed time from which on it is void.
    pub expiry: UnixNs,
}

/// Bodies that the host holds.
pub trait Bodies {
    /// What the body of `id` says, if the host holds a body with this hash, rollup and length, and
    /// finds it valid.
    fn facts(&self, id: &LoggedId) -> Option<Facts>;
}

/// What accounts say, where the host knows it.
pub trait Accounts {
    /// The nonce that the sender's next transaction has, as its account stood when nothing of it
    /// was decided here; nothing where the host does not know.
    fn next_nonce(&self, rollup: RollupId, sender: &Address) -> Option<Nonce>;
}

/// A host without accounts: the first nonce included of a sender is its base.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoAccounts;

impl Accounts for NoAccounts {
    fn next_nonce(&self, _: RollupId, _: &Address) -> Option<Nonce> {
        None
    }
}

/// Room in a slot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Room {
    /// Transactions, no-ops among them.
    pub count: u32,
    /// Bytes of bodies.
    pub bytes: u64,
    /// Gas.
    pub gas: Gas,
}

/// What a slot says about the draining of one rollup.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RollupSlot {
    /// A paused rollup drains nothing; all else goes on.
    pub is_paused: bool,
    /// What forced inputs, messages and bundles left over beyond the rollup's own room.
    pub spare: Room,
}

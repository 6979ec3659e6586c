//! The decided state: what everybody computes from decided cuts.
#![allow(
    unused_variables,
    clippy::unimplemented,
    clippy::needless_pass_by_value
)]

use super::entry::{Bodies, Cut, LoggedId, RollupSlot};
use super::error::{ApplyError, Broken, CutRefusal, StateError, StreamConfigError};
use super::limits::{FairLimits, RollupPart};
use super::outcome::{Charge, Drained, GraphEvent, LostEntry};
#[cfg(any(test, feature = "weakened"))]
use super::weakened::Weakened;
use crate::ordering::fair::{Parameters, Rank};
use crate::types::{Address, Height, Nonce, RollupId, UnixNs};

/// The state that follows from decided cuts: live ids, charges, graphs, queues and cursors.
///
/// Per slot: [`FairStream::check`] before a vote, [`FairStream::bodies_needed`] to fetch bodies,
/// [`FairStream::apply`] once the cut is decided, then the getters of the slot's outcome, which
/// stay until the next slot.
#[derive(Debug)]
pub struct FairStream {}

impl FairStream {
    /// Makes the state before the first slot. `key` hides the tables' layout from senders; it
    /// changes speed only.
    ///
    /// # Errors
    /// As [`FairLimits::check`].
    pub fn new(
        parameters: Parameters,
        limits: &FairLimits,
        rollups: &[RollupPart],
        rank: Rank,
        key: [u64; 2],
    ) -> Result<Self, StreamConfigError> {
        unimplemented!()
    }

    /// The bytes that [`FairStream::new`] takes.
    #[must_use]
    pub fn footprint_bytes(
        parameters: Parameters,
        limits: &FairLimits,
        rollups: &[RollupPart],
    ) -> u64 {
        unimplemented!()
    }

    /// Leaves rules out, in tests.
    #[cfg(any(test, feature = "weakened"))]
    pub fn weaken(&mut self, weakened: Weakened) {
        unimplemented!()
    }

    /// Rules 6 and 7: whether a voter may accept the cut. Changes nothing but scratch memory.
    ///
    /// # Errors
    /// [`CutRefusal`] with the member and the rule.
    pub fn check(&mut self, cut: &Cut<'_>) -> Result<(), CutRefusal> {
        unimplemented!()
    }

    /// Visits, in the order of ids, what T logs hold once the cut is applied and whose body neither
    /// the state nor the host has seen.
    ///
    /// # Errors
    /// As [`FairStream::check`].
    pub fn bodies_needed(
        &mut self,
        cut: &Cut<'_>,
        bodies: &impl Bodies,
        visit: impl FnMut(&LoggedId),
    ) -> Result<(), CutRefusal> {
        unimplemented!()
    }

    /// Applies a decided cut: entries, agreed time, update, form, release, drain, lapse.
    ///
    /// `rollups` holds a record for each configured rollup, in their order.
    ///
    /// # Errors
    /// [`ApplyError`]; then nothing has changed.
    pub fn apply(
        &mut self,
        cut: &Cut<'_>,
        rollups: &[RollupSlot],
        bodies: &impl Bodies,
    ) -> Result<(), ApplyError> {
        unimplemented!()
    }

    /// The last slot applied; 0 before the first.
    #[must_use]
    pub fn height(&self) -> Height {
        unimplemented!()
    }

    /// Slots so far whose cut moved at least n − f logs.
    #[must_use]
    pub fn age_slots(&self) -> u64 {
        unimplemented!()
    }

    /// The last slot's agreed time.
    #[must_use]
    pub fn time(&self) -> UnixNs {
        unimplemented!()
    }

    /// What the last slot drained: rollup by rollup in their order, each in the order of its queue.
    #[must_use]
    pub fn drained(&self) -> &[Drained] {
        unimplemented!()
    }

    /// Entries that lapsed in the last slot or were void in its cut.
    #[must_use]
    pub fn lost_entries(&self) -> &[LostEntry] {
        unimplemented!()
    }

    /// Ids none of whose entries counts any more since the last slot, though it did not drain them.
    #[must_use]
    pub fn lapsed_ids(&self) -> &[LoggedId] {
        unimplemented!()
    }

    /// What happened to graphs in the last slot.
    #[must_use]
    pub fn graph_events(&self) -> &[GraphEvent] {
        unimplemented!()
    }

    /// What a member is charged with, for one rollup.
    #[must_use]
    pub fn charge(&self, member: u32, rollup: RollupId) -> Charge {
        unimplemented!()
    }

    /// How many ids are live.
    #[must_use]
    pub fn live_count(&self) -> u32 {
        unimplemented!()
    }

    /// How many logs hold an entry of the id that counts; 0 if it is not live.
    #[must_use]
    pub fn heads(&self, id: &LoggedId) -> u32 {
        unimplemented!()
    }

    /// Whether an entry of the id in that member's log counts.
    #[must_use]
    pub fn is_logged_by(&self, member: u32, id: &LoggedId) -> bool {
        unimplemented!()
    }

    /// How many graphs of a rollup stand in line.
    #[must_use]
    pub fn graph_count(&self, rollup: RollupId) -> u32 {
        unimplemented!()
    }

    /// A rollup's queue, from its head.
    pub fn queue(&self, rollup: RollupId) -> impl Iterator<Item = LoggedId> + '_ {
        core::iter::empty()
    }

    /// The next nonce of a sender, if its cursor is there.
    #[must_use]
    pub fn cursor(&self, rollup: RollupId, sender: &Address) -> Option<Nonce> {
        unimplemented!()
    }

    /// How many cursors are free.
    #[must_use]
    pub fn free_cursor_count(&self) -> u32 {
        unimplemented!()
    }

    /// How long the canonical bytes are.
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        unimplemented!()
    }

    /// Writes the canonical bytes of the state; the same at every node with the same cuts.
    ///
    /// # Errors
    /// [`StateError::BufferTooSmall`].
    pub fn encode(&self, buffer: &mut [u8]) -> Result<usize, StateError> {
        unimplemented!()
    }

    /// Takes over the state that the bytes hold, which were made under the same limits and rollups.
    ///
    /// # Errors
    /// [`StateError`]; the state is then as after [`FairStream::new`].
    pub fn decode(&mut self, bytes: &[u8]) -> Result<(), StateError> {
        unimplemented!()
    }

    /// Walks all structures.
    ///
    /// # Errors
    /// [`Broken`] with the first contradiction.
    pub fn verify(&self) -> Result<(), Broken> {
        unimplemented!()
    }
}

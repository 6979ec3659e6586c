//! The honest member's side: which ids it logs next.
#![allow(unused_variables, clippy::unimplemented)]

use super::decided::FairStream;
use super::entry::{Accounts, Entry, Facts, LoggedId};
use super::error::{MemberError, StreamConfigError};
use super::limits::{FairLimits, RollupPart};
#[cfg(any(test, feature = "weakened"))]
use super::weakened::Weakened;
use crate::error::Full;
use crate::ordering::fair::Parameters;
use crate::types::UnixNs;

/// How a body came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodySource {
    /// From a client: the member may bring it as its own.
    FirstHand,
    /// Fetched because a decided cut showed its id.
    Learned,
}

/// What an honest member logs (rules 1 to 5).
///
/// Inputs are [`FairMember::handle_body`] and [`FairMember::handle_decided`], the output is
/// [`FairMember::poll_entries`].
#[derive(Debug)]
pub struct FairMember {}

impl FairMember {
    /// Makes the side of member `me` (its number among the logs).
    ///
    /// # Errors
    /// As [`FairLimits::check`]; [`StreamConfigError::LimitOutOfRange`] unless `me` < n.
    pub fn new(
        parameters: Parameters,
        limits: &FairLimits,
        rollups: &[RollupPart],
        me: u32,
        key: [u64; 2],
    ) -> Result<Self, StreamConfigError> {
        unimplemented!()
    }

    /// The bytes that [`FairMember::new`] takes.
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

    /// A body is held and valid; false if it was known already.
    ///
    /// A learned body that is not live any more counts for nothing.
    ///
    /// # Errors
    /// The id, if as many bodies wait as can.
    pub fn handle_body(
        &mut self,
        stream: &FairStream,
        id: LoggedId,
        facts: Facts,
        source: BodySource,
    ) -> Result<bool, Full<LoggedId>> {
        unimplemented!()
    }

    /// The stream has applied a slot, whose cut covered the next `covered_count` entries of this
    /// member's log.
    ///
    /// # Errors
    /// [`MemberError::WrongTail`] if that is more than it signed.
    pub fn handle_decided(
        &mut self,
        stream: &FairStream,
        covered_count: u32,
    ) -> Result<(), MemberError> {
        unimplemented!()
    }

    /// Forgets a body that has not been logged; false if there is none.
    pub fn forget(&mut self, id: &LoggedId) -> bool {
        unimplemented!()
    }

    /// The next entries to sign, written to `out`; how many.
    ///
    /// A stamp goes first if one is given and an entry follows it or the log has none undecided.
    /// What is returned counts as signed: it is not returned again unless it is lost.
    pub fn poll_entries(
        &mut self,
        stream: &FairStream,
        accounts: &impl Accounts,
        stamp: Option<UnixNs>,
        out: &mut [Entry],
    ) -> usize {
        unimplemented!()
    }

    /// The entries that it signed and no decided cut covers, in order.
    pub fn tail(&self) -> impl Iterator<Item = Entry> + '_ {
        core::iter::empty()
    }

    /// Live ids whose bodies it does not hold, in the order of ids: what to fetch.
    pub fn bodies_missing<'a>(
        &'a self,
        stream: &'a FairStream,
    ) -> impl Iterator<Item = LoggedId> + 'a {
        core::iter::empty()
    }
}

//! The verifier's twin: slots recomputed from their cuts by plainer means.
#![allow(unused_variables, clippy::unimplemented)]

use super::decided::FairStream;
use super::entry::{Bodies, Cut, RollupSlot};
use super::error::{ApplyError, Broken, StreamConfigError};
use super::limits::{FairLimits, RollupPart};
use crate::ordering::fair::{Parameters, Rank};

/// Recomputes every slot from the entries alone, and compares.
#[derive(Debug)]
pub struct StreamTwin {}

impl StreamTwin {
    /// Makes a twin of a stream with the same arguments.
    ///
    /// # Errors
    /// As [`FairLimits::check`].
    pub fn new(
        parameters: Parameters,
        limits: &FairLimits,
        rollups: &[RollupPart],
        rank: Rank,
    ) -> Result<Self, StreamConfigError> {
        unimplemented!()
    }

    /// The bytes that [`StreamTwin::new`] takes.
    #[must_use]
    pub fn footprint_bytes(
        parameters: Parameters,
        limits: &FairLimits,
        rollups: &[RollupPart],
    ) -> u64 {
        unimplemented!()
    }

    /// Applies a decided cut as [`FairStream::apply`] does.
    ///
    /// # Errors
    /// As there.
    pub fn apply(
        &mut self,
        cut: &Cut<'_>,
        rollups: &[RollupSlot],
        bodies: &impl Bodies,
    ) -> Result<(), ApplyError> {
        unimplemented!()
    }

    /// Compares the last slot's outcome and the state with those of a stream.
    ///
    /// # Errors
    /// [`Broken`] with the first difference.
    pub fn compare(&self, stream: &FairStream) -> Result<(), Broken> {
        unimplemented!()
    }
}

//! Candidates for the next slot, tried without spoiling what is decided.
//!
//! Whoever votes on a slot has to know what follows from its cut before it is decided, and another
//! cut may be decided in the end. [`FairStream::apply`] moves on for good; so a [`TrialStream`]
//! keeps the canonical bytes of the decided state, applies the candidate, and goes back by the
//! bytes where another candidate comes.
//!
//! # Why by bytes
//! Nearly every slot is decided as it was first proposed, so what counts is what a candidate costs
//! that is kept. Writing the bytes costs a tenth of what applying the cut does; a second state
//! beside the first would cost as much as the first again, because each cut has to be applied to
//! both, and its memory. Going back costs several times as much as applying, and each of it is a
//! proposal that lost: whoever proposes pays with its turn. The bytes are needed anyway, for the
//! state root. One core of an Intel Xeon of 2023, shared, 2026-11-22
//! (`cargo run --release -p hauptbuch-core --example fair_slot_time`), medians:
//!
//! | ids a slot | live ids | apply ms | try ms | go back and try ms |
//! |---|---|---|---|---|
//! | 160 | 320 | 0.35 | 0.34 | 0.47 |
//! | 640, lists that nearly agree | 1,280 | 1.66 | 1.82 | 6.44 |
//! | 640, lists at random | 1,280 | 1.68 | 1.78 | 6.28 |

use alloc::boxed::Box;
use core::fmt;

use super::decided::FairStream;
use super::entry::{Bodies, Cut, LoggedId, RollupSlot};
use super::epoch::NextEpoch;
use super::error::{ApplyError, CutRefusal, EpochError};
use super::limits::{FairLimits, RollupPart};
use crate::bounded::{fixed_slice, fixed_slice_bytes};
use crate::codec::Filled;
use crate::crypto::hash::{Domain, hash};
use crate::error::Code;
use crate::ordering::fair::Parameters;
use crate::types::{Hash, Height};

/// Why a candidate was not tried or decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TrialError {
    /// The candidate can't be applied; the state is the decided one.
    Apply(ApplyError),
    /// The epoch can't be closed or begun so; the state is the decided one.
    Epoch(EpochError),
    /// Another candidate was tried last, or none; nothing changed.
    NotTried,
    /// The bytes of the decided state gave no state: an invariant broke.
    Poisoned,
}

impl TrialError {
    /// The stable number and message behind it.
    #[must_use]
    pub const fn code(self) -> Code {
        match self {
            Self::Apply(error) => error.code(),
            Self::Epoch(error) => error.code(),
            Self::NotTried => Code::WrongSlot,
            Self::Poisoned => Code::Poisoned,
        }
    }
}

impl fmt::Display for TrialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Apply(error) => error.fmt(f),
            Self::Epoch(error) => error.fmt(f),
            _ => f.write_str(self.code().message()),
        }
    }
}

impl core::error::Error for TrialError {}

impl From<ApplyError> for TrialError {
    fn from(error: ApplyError) -> Self {
        Self::Apply(error)
    }
}

impl From<EpochError> for TrialError {
    fn from(error: EpochError) -> Self {
        Self::Epoch(error)
    }
}

/// The decided state, and at most one candidate for the next slot applied to it.
///
/// Per height: [`TrialStream::bodies_needed`] and [`TrialStream::try_candidate`] for each proposal
/// that comes, [`TrialStream::decide`] for the one that was decided.
///
/// Memory: see [`TrialStream::footprint_bytes`].
#[derive(Debug)]
pub struct TrialStream {
    stream: FairStream,
    /// The canonical bytes of the decided state. Invariant: there while a candidate is applied.
    kept: Bytes,
    /// Those of the state with the candidate that is applied, where somebody asked for its hash.
    next: Bytes,
    tried: Option<Hash>,
    is_poisoned: bool,
}

/// The canonical bytes of a state, or none.
#[derive(Debug)]
struct Bytes {
    room: Box<[u8]>,
    len: usize,
}

impl Bytes {
    fn new(len_max: u64) -> Self {
        Self {
            room: fixed_slice(len_max as usize, 0),
            len: 0,
        }
    }

    fn get(&self) -> &[u8] {
        self.room.get(..self.len).unwrap_or_default()
    }

    /// Writes those of a state, unless they are there.
    fn keep(&mut self, stream: &mut FairStream) -> &[u8] {
        if self.len == 0 {
            let room = self.room.len();
            let mut filled = Filled::new(&mut self.room);
            stream.write(&mut filled);
            self.len = room - filled.room();
        }
        self.get()
    }
}

impl TrialStream {
    /// Goes on from a decided state.
    #[must_use]
    pub fn new(stream: FairStream) -> Self {
        let parts = stream.rollups.iter().map(|own| own.part);
        let parts: heapless::Vec<RollupPart, { crate::limits::ROLLUP_COUNT_MAX }> = parts.collect();
        let len = FairStream::encoded_len_max(stream.parameters, &stream.limits, &parts);
        Self {
            kept: Bytes::new(len),
            next: Bytes::new(len),
            tried: None,
            is_poisoned: false,
            stream,
        }
    }

    /// The bytes that [`TrialStream::new`] takes, and those of the stream that it is made from.
    #[must_use]
    pub fn footprint_bytes(
        parameters: Parameters,
        limits: &FairLimits,
        rollups: &[RollupPart],
    ) -> u64 {
        let len = FairStream::encoded_len_max(parameters, limits, rollups);
        FairStream::footprint_bytes(parameters, limits, rollups)
            .saturating_add(fixed_slice_bytes::<u8>(len as usize).saturating_mul(2))
    }

    /// The state: with the candidate that was tried last, or the decided one where none is.
    #[must_use]
    pub const fn stream(&self) -> &FairStream {
        &self.stream
    }

    /// The decided state; nothing while a candidate is applied to it.
    #[must_use]
    pub const fn decided(&self) -> Option<&FairStream> {
        match self.tried {
            None => Some(&self.stream),
            Some(_) => None,
        }
    }

    /// As [`FairStream::state_hash`], of the state with the candidate that was tried last, or the
    /// decided one where none is. The bytes stay, so that the next height need not write them.
    #[must_use]
    pub fn state_hash(&mut self) -> Hash {
        let bytes = match self.tried {
            None => &mut self.kept,
            Some(_) => &mut self.next,
        };
        hash(Domain::FAIR_STREAM, bytes.keep(&mut self.stream))
    }

    /// The name of the candidate that is applied.
    #[must_use]
    pub const fn tried(&self) -> Option<Hash> {
        self.tried
    }

    /// As [`FairStream::bodies_needed`] of the decided state, to which this goes back.
    ///
    /// # Errors
    /// [`TrialError::Apply`] where the cut breaks a rule; [`TrialError::Poisoned`].
    pub fn bodies_needed(
        &mut self,
        cut: &Cut<'_>,
        bodies: &impl Bodies,
        visit: impl FnMut(&LoggedId),
    ) -> Result<(), TrialError> {
        self.roll_back()?;
        let needed = self.stream.bodies_needed(cut, bodies, visit);
        needed.map_err(|refusal: CutRefusal| TrialError::Apply(refusal.into()))
    }

    /// Applies a candidate to the decided state, and gives the state that would follow. `name`
    /// tells candidates apart: the hash of the cut, where nothing else differs.
    ///
    /// Cost: as [`FairStream::apply`], the first time in a height O(state) more to keep the decided
    /// one, and after another candidate what [`TrialStream::roll_back`] costs. Nothing where the
    /// candidate is applied already.
    ///
    /// # Errors
    /// A [`TrialError`]; the state is the decided one then.
    pub fn try_candidate(
        &mut self,
        name: Hash,
        cut: &Cut<'_>,
        rollups: &[RollupSlot],
        bodies: &impl Bodies,
    ) -> Result<&FairStream, TrialError> {
        if self.tried != Some(name) {
            self.roll_back()?;
            self.kept.keep(&mut self.stream);
            self.stream.apply(cut, rollups, bodies)?;
            self.tried = Some(name);
        }
        Ok(&self.stream)
    }

    /// The candidate of this name is decided: the state with it is the decided one.
    ///
    /// # Errors
    /// [`TrialError::NotTried`]; nothing changes then.
    pub fn decide(&mut self, name: Hash) -> Result<&FairStream, TrialError> {
        if self.tried != Some(name) {
            return Err(TrialError::NotTried);
        }
        self.tried = None;
        self.kept.len = 0;
        core::mem::swap(&mut self.kept, &mut self.next);
        Ok(&self.stream)
    }

    /// The canonical bytes of the decided state, to which this goes back: what a node that joins
    /// asks for. They stay, so that the next height need not write them.
    ///
    /// # Errors
    /// [`TrialError::Poisoned`].
    pub fn decided_bytes(&mut self) -> Result<&[u8], TrialError> {
        self.roll_back()?;
        Ok(self.kept.keep(&mut self.stream))
    }

    /// As [`FairStream::close_at`] of the decided state, to which this goes back.
    ///
    /// # Errors
    /// [`TrialError::Epoch`] where the decided state refuses it; [`TrialError::Poisoned`].
    pub fn close_at(&mut self, height: Height) -> Result<(), TrialError> {
        self.roll_back()?;
        self.stream.close_at(height)?;
        self.kept.len = 0;
        Ok(())
    }

    /// As [`FairStream::begin_epoch`] of the decided state, to which this goes back.
    ///
    /// # Errors
    /// [`TrialError::Epoch`] where the decided state refuses it; [`TrialError::Poisoned`].
    pub fn begin_epoch(&mut self, next: &NextEpoch<'_>) -> Result<(), TrialError> {
        self.roll_back()?;
        self.stream.begin_epoch(next)?;
        self.kept.len = 0;
        Ok(())
    }

    /// Goes back to the decided state, as it was before any candidate; what the last slot brought
    /// about is no part of it. O(state), and nothing where no candidate is applied.
    ///
    /// # Errors
    /// [`TrialError::Poisoned`] where the state is not to be had again, and from then on.
    pub fn roll_back(&mut self) -> Result<(), TrialError> {
        if self.is_poisoned {
            return Err(TrialError::Poisoned);
        }
        if self.tried.take().is_none() {
            return Ok(());
        }
        self.next.len = 0;
        let restored = self.stream.decode(self.kept.get());
        self.is_poisoned = restored.is_err();
        restored.map_err(|_| TrialError::Poisoned)
    }
}

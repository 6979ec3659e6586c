//! The words of finality.

use super::FinalitySetupError;
use crate::batch::SlotHeader;
use crate::certificate::CommitProof;
use crate::types::{Epoch, Hash, Height};

/// How far a slot has come; each level contains those before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Level {
    /// Its bytes are here.
    #[default]
    Received = 1,
    /// Its order is fixed, and a verifier has agreed: what a sequencer alone can promise.
    Sequenced = 2,
    /// It stands before the committee.
    Proposed = 3,
    /// A quorum has decided it.
    Final = 4,
    /// The base chain has it, says the host.
    Settled = 5,
}

/// A level that can be taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Progress {
    /// See [`Level::Received`].
    Received,
    /// See [`Level::Sequenced`].
    Sequenced,
    /// See [`Level::Proposed`].
    Proposed,
}

impl From<Progress> for Level {
    fn from(progress: Progress) -> Self {
        match progress {
            Progress::Received => Self::Received,
            Progress::Sequenced => Self::Sequenced,
            Progress::Proposed => Self::Proposed,
        }
    }
}

/// What finality needs of a header.
///
/// `hash` must bind all other fields; whoever makes a link from bytes of its own computes it from
/// them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Link {
    /// The slot's number.
    pub height: Height,
    /// The epoch that it belongs to.
    pub epoch: Epoch,
    /// The hash of the slot before it.
    pub parent: Hash,
    /// Its own hash, which the committee decides.
    pub hash: Hash,
    /// In the last slot of an epoch the hash of the next one's membership; zero in every other.
    pub next_membership: Hash,
}

impl From<&SlotHeader> for Link {
    /// Hashes the header, and takes over which membership it names.
    fn from(header: &SlotHeader) -> Self {
        Self {
            height: header.height,
            epoch: header.epoch,
            parent: header.parent,
            hash: header.hash(),
            next_membership: header.next_membership,
        }
    }
}

/// Every maximum of the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FinalityLimits {
    /// Heights that are kept: half of them at or below the last final one, half above.
    ///
    /// Range: 4 ..= 2^16. Why: a conflict is noticed at heights that are kept.
    pub window_count_max: u32,
    /// Headers between what is final here and a certificate.
    ///
    /// Range: 1 ..= 2^20. Why: a node that was away for longer catches up in steps.
    pub catch_up_count_max: u32,
    /// Events that wait to be read.
    ///
    /// Range: `window_count_max` and 8 more ..= 2^20. Why: one step can roll back half a window.
    pub event_count_max: u32,
}

impl Default for FinalityLimits {
    fn default() -> Self {
        Self {
            window_count_max: 256,
            catch_up_count_max: 1_024,
            event_count_max: 512,
        }
    }
}

impl FinalityLimits {
    /// Whether every limit is in its range.
    ///
    /// # Errors
    /// [`FinalitySetupError::LimitOutOfRange`] and [`FinalitySetupError::LimitsContradict`].
    pub fn check(&self) -> Result<(), FinalitySetupError> {
        let is_in_range = (4..=1 << 16).contains(&self.window_count_max)
            && (1..=1 << 20).contains(&self.catch_up_count_max)
            && self.event_count_max <= 1 << 20;
        if !is_in_range {
            return Err(FinalitySetupError::LimitOutOfRange);
        }
        let is_consistent = self.event_count_max >= self.window_count_max.saturating_add(8);
        is_consistent
            .then_some(())
            .ok_or(FinalitySetupError::LimitsContradict)
    }
}

/// What happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum FinalityEventKind {
    /// A candidate reached `level`.
    #[default]
    Reached = 1,
    /// A candidate gave way to another one, or was given up.
    RolledBack = 2,
    /// A candidate fell because one below it did.
    Revoked = 3,
    /// The heights from `first` to `height` are final; the last one has `value`.
    Final = 4,
    /// The heights from `first` to `height` are settled.
    Settled = 5,
    /// The epoch ended with this height; `value` is the hash of the next membership.
    EpochEnded = 6,
    /// The next epoch's members are in place.
    EpochBegan = 7,
    /// Two values were certified: see
    /// [`FinalityEngine::conflict`](super::FinalityEngine::conflict).
    Halted = 8,
}

/// Something that happened, for the host to read in order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FinalityEvent {
    /// What.
    pub kind: FinalityEventKind,
    /// The level that was reached, or lost.
    pub level: Level,
    /// The lowest height that it is about.
    pub first: Height,
    /// The highest one.
    pub height: Height,
    /// The value at `height`.
    pub value: Hash,
    /// The epoch.
    pub epoch: Epoch,
}

/// Two values for one height, each with a quorum behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FinalityConflict {
    /// The height.
    pub height: Height,
    /// What is final here.
    pub ours: Hash,
    /// What else was certified, itself or by a descendant.
    pub theirs: Hash,
    /// The proof of ours, where it is not by a descendant.
    pub our_proof: Option<CommitProof>,
    /// The proof that came later; of a greater height where it is by a descendant.
    pub their_proof: CommitProof,
}

impl FinalityConflict {
    /// The members that signed both values in one round, and so convict themselves: with both
    /// certificates at hand,
    /// [`conflict_with`](crate::certificate::CommitCertificate::conflict_with) gives the proof
    /// against each. Nothing where the rounds or heights differ, which takes the votes between them
    /// to tell who lied.
    #[must_use]
    pub fn culprits(&self) -> crate::vote::MemberSet {
        let same = self.our_proof.filter(|ours| {
            let theirs = &self.their_proof;
            (ours.height(), ours.round()) == (theirs.height(), theirs.round())
                && ours.membership_hash() == theirs.membership_hash()
        });
        same.map_or(crate::vote::MemberSet::EMPTY, |ours| {
            let theirs = self.their_proof.signers();
            theirs.without(theirs.without(ours.signers()))
        })
    }
}

//! When an epoch closes, and whose the next one is: a function of the decided slots alone.
//!
//! Everybody who follows a network with changing members (a member, a verifier, a host in any
//! language) keeps a [`Succession`]. It is a registry, and the rule by which slots turn what they
//! decide of it into epochs:
//!
//! 1. A slot's changes are valid where the registry takes them one after another, and no more
//!    members are to leave than [`SuccessionRules::leaver_count_max`]. Otherwise the slot is
//!    invalid, whoever proposed it.
//! 2. The first slot of an epoch behind which the next epoch's members, weights or keys are to be
//!    others decides the *closing slot*: it lies [`SuccessionRules::lead_slots`] further.
//! 3. Where a pool gives the order, the closing slot is the epoch's last one. Where receive logs
//!    do, it closes the logs ([`FairStream::close_at`]), and the epoch ends with the slot that
//!    [`FairStream::epoch_end`] names.
//! 4. Whatever slots decide up to the last one, its own changes included, takes effect with the
//!    next epoch. The header of the last slot names that membership, every other one none.
//!
//! So the hash of the next membership, which a certificate by the old members stands for, follows
//! from slots that everybody has.
//!
//! # Per slot
//! [`Succession::consider`] for each candidate, whose [`Standing`] gives the registry's part of the
//! state root and the hash that the last slot names; [`Succession::decide`] for the one that was
//! decided; behind the last one [`Succession::begin_epoch`].
//!
//! # Cost
//! Nothing for a slot without changes. One with changes costs a copy of the registry and a hash
//! over it, 2 KB a sequencer each, besides what each change costs, twice: once to consider it and
//! once to decide it.
//!
//! [`FairStream::close_at`]: crate::ordering::fair::stream::FairStream::close_at
//! [`FairStream::epoch_end`]: crate::ordering::fair::stream::FairStream::epoch_end

use super::{
    AuditRecord, Change, ChangeError, EpochSummary, Membership, MembershipError, SequencerManager,
    SequencerSetup, changes_hash,
};
use crate::codec::StateError;
use crate::types::{Epoch, Hash, Height, Tick};

/// How decided changes turn into epochs; all nodes of a network have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SuccessionRules {
    /// Slots from the one that decides another membership to the one that closes the epoch.
    ///
    /// Range: 1 and more where receive logs give the order, so that members know the closing slot
    /// before it comes; 0 lets an epoch end with the slot that decides.
    pub lead_slots: u64,
    /// Members that may leave with one epoch.
    ///
    /// Why: what they brought stays charged to them, and sizes allow for so many.
    pub leaver_count_max: u16,
}

/// Where the members stand behind a slot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// The hash of the registry's state: its part of the state root.
    pub registry: Hash,
    /// The epoch's closing slot, once it is decided.
    pub closing: Option<Height>,
    /// What the header names if the slot is the epoch's last one.
    pub next_membership: Hash,
}

impl Standing {
    /// Whether a slot is the closing one, which is the last one where a pool gives the order.
    #[must_use]
    pub fn closes_with(&self, height: Height) -> bool {
        self.closing == Some(height)
    }

    /// What the header of a slot names: the next membership in the epoch's last one, otherwise
    /// nothing.
    #[must_use]
    pub const fn named_if(&self, is_last: bool) -> Hash {
        match is_last {
            true => self.next_membership,
            false => Hash::ZERO,
        }
    }
}

/// A registry, and how its changes turn into epochs, as `docs/committee.md` says.
///
/// Memory: [`Succession::footprint_bytes`].
#[derive(Debug)]
pub struct Succession {
    rules: SuccessionRules,
    decided: SequencerManager,
    /// The registry as a candidate's changes would make it; nothing looks at it in between.
    tried: SequencerManager,
    standing: Standing,
    /// The candidate that was considered last: its height, the hash of its changes, its outcome.
    considered: Option<(Height, Hash, Standing)>,
}

impl Succession {
    /// Begins with a registry: of the genesis, or one that [`SequencerManager::restore`] gave;
    /// `closing` is the closing slot if one was decided in its epoch.
    ///
    /// # Errors
    /// [`StateError::ProviderMissing`] where this build lacks the provider.
    pub fn new(
        rules: SuccessionRules,
        registry: SequencerManager,
        closing: Option<Height>,
    ) -> Result<Self, StateError> {
        let standing = Standing {
            closing,
            ..standing_of(&registry)
        };
        Ok(Self {
            rules,
            tried: SequencerManager::vacant(*registry.setup())?,
            decided: registry,
            standing,
            considered: None,
        })
    }

    /// The bytes that it takes: two registries.
    #[must_use]
    pub const fn footprint_bytes(setup: &SequencerSetup) -> u64 {
        SequencerManager::footprint_bytes(setup).saturating_mul(2)
    }

    /// The registry as it is decided.
    #[must_use]
    pub const fn registry(&self) -> &SequencerManager {
        &self.decided
    }

    /// The registry, for what a node counts beside what is decided: turns and signs of life.
    pub const fn registry_mut(&mut self) -> &mut SequencerManager {
        &mut self.decided
    }

    /// Where the members stand behind the last decided slot.
    #[must_use]
    pub const fn standing(&self) -> &Standing {
        &self.standing
    }

    /// The epoch.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        self.decided.epoch()
    }

    /// Copies the next epoch's membership, as far as it is decided.
    ///
    /// # Errors
    /// As [`SequencerManager::fill_next_membership`].
    pub fn fill_next_membership(&self, out: &mut Membership) -> Result<(), MembershipError> {
        self.decided.fill_next_membership(out)
    }

    /// Where the members would stand behind the slot `height` with these changes: the bytes of
    /// each, one after another. Nothing is decided by it.
    ///
    /// # Errors
    /// A [`ChangeError`] for which the slot is invalid: what the registry refuses, and
    /// [`ChangeError::TooManyLeavers`]. [`ChangeError::AuditFull`] is the caller's doing: the
    /// audit log is to be drained first.
    pub fn consider(&mut self, height: Height, changes: &[u8]) -> Result<Standing, ChangeError> {
        if changes.is_empty() {
            return Ok(self.standing);
        }
        let name = changes_hash(changes);
        if let Some((at, of, standing)) = self.considered
            && (at, of) == (height, name)
        {
            return Ok(standing);
        }
        self.considered = None;
        self.tried.copy_from(&self.decided);
        for change in Change::all_in(changes) {
            self.tried.decide_change(height, &change?)?;
        }
        if self.tried.leaver_count() > usize::from(self.rules.leaver_count_max) {
            return Err(ChangeError::TooManyLeavers);
        }
        let closing = self.standing.closing;
        let lead = self.rules.lead_slots;
        let has_successor = self.tried.has_successor();
        let decided_now = has_successor.then(|| height.saturating_add(lead));
        let standing = Standing {
            closing: closing.or(decided_now),
            ..standing_of(&self.tried)
        };
        self.considered = Some((height, name, standing));
        Ok(standing)
    }

    /// The slot `height` with these changes is decided.
    ///
    /// # Errors
    /// As [`Succession::consider`]; nothing changes then.
    pub fn decide(&mut self, height: Height, changes: &[u8]) -> Result<Standing, ChangeError> {
        let standing = self.consider(height, changes)?;
        for change in Change::all_in(changes) {
            // What was considered is taken: the registry is the one that it was tried on.
            self.decided.decide_change(height, &change?)?;
        }
        self.standing = standing;
        self.considered = None;
        Ok(standing)
    }

    /// The slot `height` was the epoch's last one: what was decided takes effect.
    ///
    /// # Errors
    /// [`ChangeError::WrongHeight`] before the closing slot, or where there is none;
    /// [`ChangeError::AuditFull`] where the audit log is to be drained first. Nothing has changed
    /// then.
    pub fn begin_epoch(&mut self, height: Height, now: Tick) -> Result<EpochSummary, ChangeError> {
        let closing = self.standing.closing.filter(|closing| *closing <= height);
        closing.ok_or(ChangeError::WrongHeight)?;
        let summary = self.decided.advance_epoch(height, now)?;
        self.standing = standing_of(&self.decided);
        // What is still to change without a further decision waits in the new epoch, as what was
        // held back does: it takes a slot with changes to close it.
        self.considered = None;
        Ok(summary)
    }

    /// Reads the oldest record of the audit log that waits.
    pub fn poll_audit(&mut self) -> Option<AuditRecord> {
        self.decided.poll_audit()
    }
}

/// Where the members stand by a registry, in an epoch without a closing slot.
fn standing_of(registry: &SequencerManager) -> Standing {
    Standing {
        registry: registry.state_hash(),
        closing: None,
        next_membership: registry.next_membership_hash(),
    }
}

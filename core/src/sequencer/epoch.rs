//! What an epoch's end brings: changes take effect, except for leavings that would leave too few.

use core::cmp::Reverse;

use super::audit::{AuditKind, AuditRecord};
use super::{ChangeError, Sequencer, SequencerManager, SequencerStatus};
use crate::types::{Epoch, Hash, Height, SequencerId, Tick};

/// What the end of an epoch came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EpochSummary {
    /// The epoch that began.
    pub epoch: Epoch,
    /// The hash of its membership: what the last slot of the old epoch named.
    pub membership: Hash,
    /// Its members.
    pub member_count: u16,
    /// Those of them that were none before.
    pub joined_count: u16,
    /// Those that no longer are.
    pub left_count: u16,
    /// Those whose leaving is decided and waits for others.
    pub held_count: u16,
}

impl SequencerManager {
    /// Ends the epoch with the slot `height`: what was decided takes effect.
    ///
    /// # Errors
    /// [`ChangeError::AuditFull`], where the audit log is to be drained first, and
    /// [`ChangeError::WrongHeight`]; nothing has changed then.
    pub fn advance_epoch(
        &mut self,
        height: Height,
        now: Tick,
    ) -> Result<EpochSummary, ChangeError> {
        if self.audit.room() < self.len.saturating_mul(2).saturating_add(1) {
            return Err(ChangeError::AuditFull);
        }
        if height < self.height {
            return Err(ChangeError::WrongHeight);
        }
        let membership = self.next_membership_hash();
        let next = self.epoch.checked_add(1).ok_or(ChangeError::WrongHeight)?;
        let count = |entries: &[Sequencer], of: fn(&Sequencer) -> bool| {
            entries.iter().filter(|entry| of(entry)).count() as u16
        };
        let all = self.sequencers();
        let summary = EpochSummary {
            epoch: next,
            membership,
            member_count: count(all, Sequencer::is_next_member),
            joined_count: count(all, |entry| !entry.is_member() && entry.is_next_member()),
            left_count: count(all, |entry| entry.is_member() && !entry.is_next_member()),
            held_count: count(all, |entry| entry.is_held),
        };
        self.epoch = next;
        self.height = height;
        for place in 0..self.len {
            self.take_effect(place, now);
        }
        self.write_epoch();
        for place in 0..self.len {
            self.write_effect(place);
        }
        self.drop_leavers();
        self.hold_back();
        debug_assert_eq!(self.membership_hash(), membership);
        Ok(summary)
    }

    /// Makes one sequencer what it was planned to be; keeps what it was in `planned_at`'s stead
    /// for the records that follow.
    fn take_effect(&mut self, place: usize, now: Tick) {
        let Some(entry) = self.entries.get_mut(place) else {
            return;
        };
        entry.weight = entry.planned_weight;
        if entry.is_held {
            entry.metrics.epochs = entry.metrics.epochs.saturating_add(1);
            return;
        }
        let to = if entry.is_leaving {
            SequencerStatus::Inactive
        } else {
            entry.planned_status
        };
        let joins = to == SequencerStatus::Active && !entry.is_member();
        if joins {
            entry.metrics.last_alive = now;
            entry.metrics.turns_missed_in_row = 0;
        }
        // The plan now holds what was, until its record is written.
        entry.planned_status = entry.status;
        entry.status = to;
        let epochs = u64::from(to == SequencerStatus::Active);
        entry.metrics.epochs = entry.metrics.epochs.saturating_add(epochs);
    }

    fn write_effect(&mut self, place: usize) {
        let Some(entry) = self.entries.get_mut(place) else {
            return;
        };
        let (id, weight, is_leaving) = (entry.id, entry.weight, entry.is_leaving);
        if entry.is_held {
            return;
        }
        let (from, to) = (entry.planned_status, entry.status);
        entry.planned_status = to;
        let kind = if is_leaving {
            AuditKind::Removed
        } else {
            AuditKind::Effective
        };
        if from != to || is_leaving {
            let record = self.record(kind, self.height, id, from, to);
            self.audit.write(AuditRecord { weight, ..record });
        }
    }

    /// Frees the places of those who left.
    fn drop_leavers(&mut self) {
        let mut kept = 0_usize;
        for place in 0..self.len {
            let stays = self
                .entries
                .get(place)
                .is_some_and(|entry| !entry.is_leaving || entry.is_held);
            if stays {
                self.entries.swap(kept, place);
                kept = kept.saturating_add(1);
            }
        }
        for gone in self.entries.iter_mut().take(self.len).skip(kept) {
            *gone = Sequencer::vacant();
        }
        self.len = kept;
    }

    /// Decides which leavings wait, and writes down those that begin to.
    ///
    /// With `heads_min` heads needed, so many of the leavings take effect as the next epoch can
    /// spare: bans first, then suspensions, then who leaves of its own will; earlier decisions
    /// before later ones, smaller numbers before larger ones.
    pub(super) fn hold_back(&mut self) {
        for place in 0..self.len {
            let is_held = self.must_stay(place);
            let Some(entry) = self.entries.get_mut(place) else {
                return;
            };
            let begins = is_held && !entry.is_held;
            entry.is_held = is_held;
            let (id, weight, to) = (entry.id, entry.planned_weight, entry.planned_status);
            if begins {
                let from = SequencerStatus::Active;
                let record = self.record(AuditKind::Held, self.height, id, from, to);
                self.audit.write(AuditRecord { weight, ..record });
            }
        }
    }

    /// Whether the leaving of the sequencer at a place has to wait. It follows from what is decided
    /// of all of them.
    pub(super) fn must_stay(&self, place: usize) -> bool {
        let all = self.sequencers();
        let Some(entry) = all.get(place) else {
            return false;
        };
        let planned = all.iter().filter(|entry| entry.is_planned_member()).count();
        let leaving = all.iter().filter(|entry| is_loss(entry)).count();
        let heads_min = usize::from(self.setup.rules.heads_min);
        let spared = planned.saturating_add(leaving).saturating_sub(heads_min);
        let before = all.iter().filter(|other| is_loss(other));
        let before = before.filter(|other| rank(other) < rank(entry)).count();
        is_loss(entry) && before >= spared
    }

    /// Writes down that an epoch began.
    pub(super) fn write_epoch(&mut self) {
        let status = SequencerStatus::Active;
        let id = SequencerId::ZERO;
        let record = self.record(AuditKind::EpochBegan, self.height, id, status, status);
        let (weight, detail) = (self.weight_sum(), self.membership_hash());
        self.audit.write(AuditRecord {
            weight,
            detail,
            ..record
        });
    }
}

/// Whether a member is meant to be none any more.
fn is_loss(entry: &Sequencer) -> bool {
    entry.is_member() && !entry.is_planned_member()
}

/// Who goes first where not all can go.
fn rank(entry: &Sequencer) -> (Reverse<SequencerStatus>, Height, SequencerId) {
    let severity = if entry.is_leaving {
        SequencerStatus::Inactive
    } else {
        entry.planned_status
    };
    (Reverse(severity), entry.planned_at, entry.id)
}

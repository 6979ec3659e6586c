//! The registry before the first slot.

use super::manager::rows;
use super::{
    Admission, Membership, Sequencer, SequencerManager, SequencerSetup, SequencerSetupError,
    SequencerStatus,
};
use crate::crypto::signature::SIGNATURE_BYTES;
use crate::types::{Epoch, Height, Tick};

impl SequencerManager {
    /// The registry of a network whose first members are known, and agreed on with its genesis:
    /// whoever agreed has seen that they hold their keys, so nothing is proven again. It is the
    /// one that [`SequencerManager::new`] makes of the same members with their proofs.
    ///
    /// # Errors
    /// As [`SequencerManager::new`]; [`SequencerSetupError::MemberCountOutOfRange`] too for the
    /// members of a later epoch, which follow from slots.
    pub fn of_genesis(
        setup: SequencerSetup,
        membership: &Membership,
        now: Tick,
    ) -> Result<Self, SequencerSetupError> {
        let mut manager = Self::vacant(setup)?;
        let is_first = membership.epoch() == Epoch::ZERO;
        manager.check_first_count(if is_first {
            membership.members().len()
        } else {
            0
        })?;
        for member in membership.members() {
            let place = manager.admit_checks(&Admission {
                id: member.id,
                weight: member.weight,
                public_key: member.public_key.as_bytes(),
                possession: &[0; SIGNATURE_BYTES],
            })?;
            let row = (member.id, member.weight);
            manager.enter(place, Height::ZERO, row, member.public_key.clone());
        }
        manager.begin_first_epoch(now);
        Ok(manager)
    }

    /// Whether a network can begin with so many.
    pub(super) fn check_first_count(&self, count: usize) -> Result<(), SequencerSetupError> {
        let most = usize::from(self.setup.limits.member_count_max);
        if count == 0 || count > most {
            return Err(SequencerSetupError::MemberCountOutOfRange);
        }
        if count < usize::from(self.setup.rules.heads_min) {
            return Err(SequencerSetupError::HeadsTooFew);
        }
        Ok(())
    }

    /// All that are registered are members.
    pub(super) fn begin_first_epoch(&mut self, now: Tick) {
        for entry in self.entries.iter_mut().take(self.len) {
            entry.status = SequencerStatus::Active;
            entry.planned_status = SequencerStatus::Active;
            entry.metrics.epochs = 1;
            entry.metrics.last_alive = now;
        }
        self.write_epoch();
    }

    /// Whether the next epoch's members, weights or keys are to be others than this one's, as far
    /// as it is decided. O(members) comparisons of keys.
    #[must_use]
    pub fn has_successor(&self) -> bool {
        !rows(self.members()).eq(self.next_rows())
    }

    /// How many members of this epoch are none of the next, as far as it is decided.
    #[must_use]
    pub fn leaver_count(&self) -> usize {
        let leaves = |entry: &&Sequencer| !entry.is_next_member();
        self.members().filter(leaves).count()
    }

    /// Takes over the state of a registry of the same setup, without allocating.
    pub(super) fn copy_from(&mut self, other: &Self) {
        self.entries.clone_from_slice(&other.entries);
        self.len = other.len;
        self.epoch = other.epoch;
        self.height = other.height;
        let is_whole = self.audit.copy_from(&other.audit);
        debug_assert!(is_whole, "registries of one setup have the same room");
    }
}

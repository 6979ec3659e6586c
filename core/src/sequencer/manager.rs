//! The registry.

use alloc::boxed::Box;

use super::audit::{AuditKind, AuditLog, AuditRecord};
use super::membership::membership_hash;
use super::{
    Admission, BanReason, Change, ChangeError, Membership, MembershipError, SEQUENCER_WEIGHT_MAX,
    Sequencer, SequencerSetup, SequencerSetupError, SequencerStatus, possession_bytes,
    sequencer_address,
};
use crate::bounded::{fixed_slice, fixed_slice_bytes};
use crate::crypto::hash::{Domain, hash};
use crate::crypto::signature::{PublicKey, SIGNATURE_BYTES, Signature, Suite, VerifyingKey};
use crate::types::{Address, Epoch, Hash, Height, MemberIndex, SequencerId, Tick};
use crate::vote::MemberSet;

/// The sequencers of a network: see the [module](super).
///
/// - *Verbs*: [`decide_change`](Self::decide_change), [`advance_epoch`](Self::advance_epoch);
/// - *inputs*: [`handle_slot`](Self::handle_slot), [`handle_alive`](Self::handle_alive);
/// - *outputs*: [`poll_audit`](Self::poll_audit);
/// - everything else looks and changes nothing.
#[derive(Debug)]
pub struct SequencerManager {
    pub(super) setup: SequencerSetup,
    /// Invariant: the first `len` stand in ascending order of their numbers.
    pub(super) entries: Box<[Sequencer]>,
    pub(super) len: usize,
    pub(super) epoch: Epoch,
    pub(super) height: Height,
    pub(super) audit: AuditLog,
    /// Where a key is prepared for the few checks that the registry does itself.
    key: VerifyingKey,
}

/// Whose turn a decided slot was, and who took part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotTurn {
    /// The slot.
    pub height: Height,
    /// Who proposed it.
    pub proposer: MemberIndex,
    /// Whose turns came before it at this height, and failed.
    pub missed: MemberSet,
    /// Whose votes its certificate holds.
    pub voters: MemberSet,
}

impl SequencerManager {
    /// Takes in the first members, whose proofs of possession are for epoch 0.
    ///
    /// # Errors
    /// One for each way in which limits, rules and members can be wrong or not go together: see
    /// [`SequencerSetupError`].
    pub fn new(
        setup: SequencerSetup,
        first_members: &[Admission<'_>],
        now: Tick,
    ) -> Result<Self, SequencerSetupError> {
        let mut manager = Self::vacant(setup)?;
        manager.check_first_count(first_members.len())?;
        for admission in first_members {
            manager.register(Height::ZERO, admission)?;
        }
        manager.begin_first_epoch(now);
        Ok(manager)
    }

    /// A registry without anybody, to be filled.
    pub(super) fn vacant(setup: SequencerSetup) -> Result<Self, SequencerSetupError> {
        setup.limits.check()?;
        let heads_min = setup.rules.heads_min;
        if heads_min == 0 || heads_min > setup.limits.member_count_max {
            return Err(SequencerSetupError::LimitOutOfRange);
        }
        let count_max = usize::from(setup.limits.sequencer_count_max);
        Ok(Self {
            setup,
            entries: fixed_slice(count_max, Sequencer::vacant()),
            len: 0,
            epoch: Epoch::ZERO,
            height: Height::ZERO,
            audit: AuditLog::new(setup.network, setup.limits.audit_count_max),
            key: VerifyingKey::new(setup.provider, &Sequencer::vacant().public_key)?,
        })
    }

    /// The bytes that [`SequencerManager::new`] takes.
    #[must_use]
    pub const fn footprint_bytes(setup: &SequencerSetup) -> u64 {
        let limits = &setup.limits;
        fixed_slice_bytes::<Sequencer>(limits.sequencer_count_max as usize)
            .saturating_add(AuditLog::footprint_bytes(limits.audit_count_max))
            .saturating_add(VerifyingKey::footprint_bytes(setup.provider))
    }

    /// Takes in a change that the slot `height` decided. What it changes takes effect with the next
    /// epoch, a registration at once.
    ///
    /// # Errors
    /// Whether a change is refused follows from the decided changes before it, so every node
    /// refuses the same ones, with two exceptions of the caller's making:
    /// [`ChangeError::AuditFull`], where the audit log is to be drained first, and
    /// [`ChangeError::WrongHeight`].
    pub fn decide_change(
        &mut self,
        height: Height,
        change: &Change<'_>,
    ) -> Result<(), ChangeError> {
        if self.audit.room() < self.len.saturating_add(2) {
            return Err(ChangeError::AuditFull);
        }
        if height < self.height {
            return Err(ChangeError::WrongHeight);
        }
        match change {
            Change::Admit(admission) => self.register(height, admission)?,
            Change::Activate(id) => self.activate(height, *id)?,
            Change::Deactivate(id) => {
                self.decide_status(height, *id, SequencerStatus::Inactive, Hash::ZERO)?;
            }
            Change::Suspend(id) => {
                self.decide_status(height, *id, SequencerStatus::Suspended, Hash::ZERO)?;
            }
            Change::Ban(id, reason) => self.ban(height, *id, reason)?,
            Change::Remove(id) => self.leave(height, *id)?,
            Change::SetWeight(id, weight) => self.weigh(height, *id, *weight)?,
        }
        self.height = height;
        self.hold_back();
        Ok(())
    }

    /// Counts what the members did at a decided slot.
    pub fn handle_slot(&mut self, turn: &SlotTurn, now: Tick) {
        let members = self.entries.iter_mut().take(self.len);
        let members = members.filter(|entry| entry.is_member());
        for (at, entry) in members.enumerate() {
            let index = MemberIndex::new(at as u16);
            let metrics = &mut entry.metrics;
            if turn.missed.contains(index) {
                metrics.turns_missed = metrics.turns_missed.saturating_add(1);
                metrics.turns_missed_in_row = metrics.turns_missed_in_row.saturating_add(1);
            }
            let is_proposer = turn.proposer == index;
            let has_voted = turn.voters.contains(index);
            metrics.turns_taken = metrics.turns_taken.saturating_add(u64::from(is_proposer));
            metrics.votes = metrics.votes.saturating_add(u64::from(has_voted));
            if is_proposer || has_voted {
                metrics.turns_missed_in_row = 0;
                metrics.last_alive = metrics.last_alive.max(now);
            }
        }
    }

    /// Takes note of any other sign of life: a message that verified, or a heartbeat.
    pub fn handle_alive(&mut self, id: SequencerId, now: Tick) {
        if let Some(entry) = self.entry_mut(id) {
            entry.metrics.last_alive = entry.metrics.last_alive.max(now);
        }
    }

    /// The members whose suspension this node should propose: silent for too long, or absent in too
    /// many of their turns. A member that is not among them may still be suspended by a slot,
    /// because other nodes saw other things.
    pub fn suspensions_due(&self, now: Tick) -> impl Iterator<Item = SequencerId> {
        let rules = self.setup.rules;
        let members = self.members().filter(|entry| entry.is_planned_member());
        let due = members.filter(move |entry| {
            let silence_ns = now.saturating_distance(entry.metrics.last_alive);
            entry.metrics.turns_missed_in_row >= rules.missed_turns_max
                || silence_ns >= rules.silence_ns_max
        });
        due.map(|entry| entry.id)
    }

    /// Reads the oldest record of the audit log that waits: what happened, in order.
    pub fn poll_audit(&mut self) -> Option<AuditRecord> {
        self.audit.poll()
    }

    /// How many records the audit log has had.
    #[must_use]
    pub const fn audit_count(&self) -> u64 {
        self.audit.count()
    }

    /// The running hash over all of them.
    #[must_use]
    pub const fn audit_hash(&self) -> Hash {
        self.audit.hash()
    }

    /// The epoch.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// What it was set up with.
    #[must_use]
    pub const fn setup(&self) -> &SequencerSetup {
        &self.setup
    }

    /// All that are registered, in the order of their numbers.
    #[must_use]
    pub fn sequencers(&self) -> &[Sequencer] {
        self.entries.get(..self.len).unwrap_or_default()
    }

    /// The sequencer with this number. O(log n).
    #[must_use]
    pub fn sequencer(&self, id: SequencerId) -> Option<&Sequencer> {
        let place = self.place(id).ok()?;
        self.sequencers().get(place)
    }

    /// The sequencer with this address. O(n).
    #[must_use]
    pub fn sequencer_by_address(&self, address: Address) -> Option<&Sequencer> {
        self.sequencers()
            .iter()
            .find(|entry| entry.address == address)
    }

    /// The members of this epoch; a member's place is its index.
    pub fn members(&self) -> impl Iterator<Item = &Sequencer> + Clone {
        self.sequencers().iter().filter(|entry| entry.is_member())
    }

    /// The member with this index.
    #[must_use]
    pub fn member(&self, index: MemberIndex) -> Option<&Sequencer> {
        self.members().nth(usize::from(index.get()))
    }

    /// The index of a member.
    #[must_use]
    pub fn member_index(&self, id: SequencerId) -> Option<MemberIndex> {
        let place = self.members().position(|entry| entry.id == id)?;
        Some(MemberIndex::new(place as u16))
    }

    /// Writes the members' weights to the front of `weights`, and says how many there are.
    pub fn fill_weights(&self, weights: &mut [u64]) -> usize {
        for (place, member) in weights.iter_mut().zip(self.members()) {
            *place = member.weight;
        }
        self.members().count()
    }

    /// The sum of the members' weights.
    #[must_use]
    pub fn weight_sum(&self) -> u64 {
        self.members()
            .fold(0, |sum, member| sum.saturating_add(member.weight))
    }

    /// The members that are convicted: their rounds are skipped and their logs are closed.
    #[must_use]
    pub fn convicted(&self) -> MemberSet {
        let mut set = MemberSet::EMPTY;
        for (at, _) in self.members().enumerate().filter(|(_, m)| m.is_convicted()) {
            set.insert(MemberIndex::new(at as u16));
        }
        set
    }

    /// Copies this epoch's membership.
    ///
    /// # Errors
    /// [`MembershipError::MemberCountOutOfRange`] where `out` has too little room.
    pub fn fill_membership(&self, out: &mut Membership) -> Result<(), MembershipError> {
        out.fill(self.epoch, self.suite(), rows(self.members()))
    }

    /// Copies the next epoch's membership, as far as it is decided.
    ///
    /// # Errors
    /// As [`SequencerManager::fill_membership`].
    pub fn fill_next_membership(&self, out: &mut Membership) -> Result<(), MembershipError> {
        out.fill(self.epoch.saturating_add(1), self.suite(), self.next_rows())
    }

    /// The hash of this epoch's membership.
    #[must_use]
    pub fn membership_hash(&self) -> Hash {
        membership_hash(self.epoch, self.suite(), rows(self.members()))
    }

    /// The hash that the epoch's last slot names, so that its certificate hands over.
    #[must_use]
    pub fn next_membership_hash(&self) -> Hash {
        membership_hash(self.epoch.saturating_add(1), self.suite(), self.next_rows())
    }

    pub(super) fn next_rows(&self) -> impl Iterator<Item = (SequencerId, u64, &PublicKey)> + Clone {
        let next = self.sequencers().iter();
        let next = next.filter(|entry| entry.is_next_member());
        next.map(|entry| (entry.id, entry.planned_weight, &entry.public_key))
    }

    /// What all sign with.
    #[must_use]
    pub const fn suite(&self) -> Suite {
        self.setup.provider.suite()
    }

    fn place(&self, id: SequencerId) -> Result<usize, usize> {
        self.sequencers()
            .binary_search_by_key(&id, |entry| entry.id)
    }

    fn entry_mut(&mut self, id: SequencerId) -> Option<&mut Sequencer> {
        let place = self.place(id).ok()?;
        self.entries.get_mut(place)
    }

    fn find(&mut self, id: SequencerId) -> Result<&mut Sequencer, ChangeError> {
        self.entry_mut(id).ok_or(ChangeError::UnknownSequencer)
    }

    fn register(&mut self, height: Height, admission: &Admission<'_>) -> Result<(), ChangeError> {
        let Admission { id, weight, .. } = *admission;
        let place = self.admit_checks(admission)?;
        let public_key = PublicKey::new(*admission.public_key);
        self.check_possession(id, &public_key, admission.possession)?;
        self.enter(place, height, (id, weight), public_key);
        Ok(())
    }

    fn check_possession(
        &mut self,
        id: SequencerId,
        public_key: &PublicKey,
        possession: &[u8; SIGNATURE_BYTES],
    ) -> Result<(), ChangeError> {
        let message = possession_bytes(
            self.suite(),
            self.setup.chain_id,
            self.epoch,
            id,
            public_key,
        );
        self.key.replace(public_key);
        let is_proven = self.key.verify(&message, &Signature::new(*possession));
        is_proven
            .then_some(())
            .ok_or(ChangeError::PossessionUnproven)
    }

    /// Gives a sequencer that may be registered its place.
    pub(super) fn enter(
        &mut self,
        place: usize,
        height: Height,
        (id, weight): (SequencerId, u64),
        public_key: PublicKey,
    ) {
        // The vacant place behind the last one moves to where the order wants it.
        let moved = self.entries.get_mut(place..=self.len);
        if let Some(moved) = moved {
            moved.rotate_right(1);
        }
        let address = sequencer_address(&public_key);
        let detail = hash(Domain::SEQUENCER_ADDRESS, public_key.as_bytes());
        if let Some(entry) = self.entries.get_mut(place) {
            *entry = Sequencer {
                id,
                address,
                public_key,
                weight,
                planned_weight: weight,
                planned_at: height,
                ..Sequencer::vacant()
            };
        }
        self.len = self.len.saturating_add(1);
        let status = SequencerStatus::Inactive;
        let record = self.record(AuditKind::Registered, height, id, status, status);
        self.audit.write(AuditRecord {
            weight,
            detail,
            ..record
        });
    }

    /// All that can be said against an admission before its signature is looked at; gives its
    /// place.
    pub(super) fn admit_checks(&self, admission: &Admission<'_>) -> Result<usize, ChangeError> {
        if !(1..=SEQUENCER_WEIGHT_MAX).contains(&admission.weight) {
            return Err(ChangeError::WeightOutOfRange);
        }
        let common = self.sequencers().first().map(|entry| entry.planned_weight);
        let differs = common.is_some_and(|weight| weight != admission.weight);
        if self.setup.rules.equal_weights && differs {
            return Err(ChangeError::WeightsUnequal);
        }
        let Err(place) = self.place(admission.id) else {
            return Err(ChangeError::SequencerIdTaken);
        };
        let key = admission.public_key;
        let mut others = self.sequencers().iter();
        if others.any(|entry| entry.public_key.as_bytes() == key) {
            return Err(ChangeError::PublicKeyTaken);
        }
        let address = sequencer_address(&PublicKey::new(*key));
        if self.sequencer_by_address(address).is_some() {
            return Err(ChangeError::AddressTaken);
        }
        if self.len >= self.entries.len() {
            return Err(ChangeError::RegistryFull);
        }
        Ok(place)
    }

    fn activate(&mut self, height: Height, id: SequencerId) -> Result<(), ChangeError> {
        let planned = self.sequencers().iter();
        let planned = planned.filter(|entry| entry.is_planned_member()).count();
        let entry = self.find(id)?;
        // What is not allowed in any case is said before that there is no room for it.
        may_plan(entry, SequencerStatus::Active)?;
        if planned >= usize::from(self.setup.limits.member_count_max) {
            return Err(ChangeError::CommitteeFull);
        }
        self.decide_status(height, id, SequencerStatus::Active, Hash::ZERO)
    }

    fn ban(
        &mut self,
        height: Height,
        id: SequencerId,
        reason: &BanReason<'_>,
    ) -> Result<(), ChangeError> {
        let place = self.place(id).map_err(|_| ChangeError::UnknownSequencer)?;
        let evidence = match reason {
            BanReason::Votes(proof) => {
                if let Some(entry) = self.entries.get(place) {
                    self.key.replace(&entry.public_key);
                }
                proof.verify(self.setup.network, &self.key)?;
                proof.hash()
            }
            BanReason::Checked(evidence) => *evidence,
        };
        let entry = self.find(id)?;
        let weight = entry.planned_weight;
        let (is_known, from) = (entry.is_convicted(), entry.planned_status);
        if is_known {
            let record = self.record(AuditKind::Evidence, height, id, from, from);
            self.audit.write(AuditRecord {
                weight,
                detail: evidence,
                ..record
            });
        } else {
            // Who leaves does not get away: the ban takes the leaving's place.
            entry.is_leaving = false;
            self.decide_status(height, id, SequencerStatus::Banned, evidence)?;
        }
        let metrics = &mut self.find(id)?.metrics;
        metrics.evidence = metrics.evidence.saturating_add(1);
        Ok(())
    }

    fn leave(&mut self, height: Height, id: SequencerId) -> Result<(), ChangeError> {
        let entry = self.find(id)?;
        if entry.is_convicted() {
            return Err(ChangeError::StatusChangeNotAllowed);
        }
        if entry.is_leaving {
            return Err(ChangeError::ChangeWithoutEffect);
        }
        entry.is_leaving = true;
        entry.planned_at = height;
        let (status, weight) = (entry.planned_status, entry.planned_weight);
        let record = self.record(AuditKind::Leaving, height, id, status, status);
        self.audit.write(AuditRecord { weight, ..record });
        Ok(())
    }

    fn weigh(&mut self, height: Height, id: SequencerId, weight: u64) -> Result<(), ChangeError> {
        let is_equal = self.setup.rules.equal_weights;
        let entry = self.find(id)?;
        if !(1..=SEQUENCER_WEIGHT_MAX).contains(&weight) {
            return Err(ChangeError::WeightOutOfRange);
        }
        if entry.is_convicted() || entry.is_leaving {
            return Err(ChangeError::StatusChangeNotAllowed);
        }
        if entry.planned_weight == weight {
            return Err(ChangeError::ChangeWithoutEffect);
        }
        if is_equal {
            return Err(ChangeError::WeightsUnequal);
        }
        entry.planned_weight = weight;
        let status = entry.planned_status;
        let record = self.record(AuditKind::Weighed, height, id, status, status);
        self.audit.write(AuditRecord { weight, ..record });
        Ok(())
    }

    fn decide_status(
        &mut self,
        height: Height,
        id: SequencerId,
        to: SequencerStatus,
        detail: Hash,
    ) -> Result<(), ChangeError> {
        let entry = self.find(id)?;
        may_plan(entry, to)?;
        let (from, weight) = (entry.planned_status, entry.planned_weight);
        entry.planned_status = to;
        entry.planned_at = height;
        let record = self.record(AuditKind::Decided, height, id, from, to);
        self.audit.write(AuditRecord {
            weight,
            detail,
            ..record
        });
        Ok(())
    }

    /// A record of now; the log fills in number and hash.
    pub(super) fn record(
        &self,
        kind: AuditKind,
        height: Height,
        id: SequencerId,
        from: SequencerStatus,
        to: SequencerStatus,
    ) -> AuditRecord {
        AuditRecord {
            kind,
            epoch: self.epoch,
            height,
            id,
            from,
            to,
            ..AuditRecord::default()
        }
    }
}

/// Number, weight and key of each.
pub(super) fn rows<'a>(
    entries: impl Iterator<Item = &'a Sequencer> + Clone,
) -> impl Iterator<Item = (SequencerId, u64, &'a PublicKey)> + Clone {
    entries.map(|entry| (entry.id, entry.weight, &entry.public_key))
}

/// Whether a decision can lead from what is planned to `to`.
fn may_plan(entry: &Sequencer, to: SequencerStatus) -> Result<(), ChangeError> {
    if entry.is_leaving {
        return Err(ChangeError::StatusChangeNotAllowed);
    }
    if entry.planned_status == to {
        return Err(ChangeError::ChangeWithoutEffect);
    }
    let is_allowed = entry.planned_status.may_become(to);
    is_allowed
        .then_some(())
        .ok_or(ChangeError::StatusChangeNotAllowed)
}

//! Members with pools from one epoch to the next.

use std::sync::Arc;

use hauptbuch_core::batch::{SlotContext, SlotReader, SlotVerifier, StateParts};
use hauptbuch_core::certificate::{CommitCertificate, Electorate};
use hauptbuch_core::config::Config;
use hauptbuch_core::coordinator::TransactionCoordinator;
use hauptbuch_core::error::Code;
use hauptbuch_core::limits::Limits;
use hauptbuch_core::sequencer::{Membership, Standing};
use hauptbuch_core::types::{Hash, Height, SequencerId, Tick};

use super::{PoolCommittee, PoolMember};
use crate::committee::inbox::Inbox;
use crate::committee::plan::MembershipPlan;
use crate::committee::registrar::Registrar;
use crate::committee::seat::{Mind as _, Seat};
use crate::committee::{CommitteeError, MemberKeys};

/// What all members, and those that join, are made from.
#[derive(Debug)]
pub(super) struct PoolKit {
    pub config: Config,
    pub limits: Limits,
    pub keys: MemberKeys,
    pub plan: Arc<MembershipPlan>,
}

impl PoolKit {
    /// Where the chain and all votes begin.
    pub fn genesis(&self) -> Hash {
        self.config.genesis_hash(&self.limits)
    }
}

/// A decided slot, as it is kept for whoever lacks it.
#[derive(Debug)]
pub(super) struct Past {
    pub slot: Vec<u8>,
    pub certificate: Vec<u8>,
}

impl PoolMember {
    /// A member before the first slot.
    pub fn new(id: SequencerId, kit: &PoolKit, inbox: Inbox) -> Result<Self, CommitteeError> {
        let PoolKit {
            config,
            limits,
            keys,
            plan,
        } = kit;
        let is_wanted = !plan.is_empty();
        let registrar = is_wanted.then(|| Registrar::new(config, &kit.genesis(), keys, plan));
        Ok(Self {
            id,
            registrar: registrar.transpose()?,
            node: TransactionCoordinator::new(config, limits)?,
            verifier: SlotVerifier::new(config, limits),
            verified: None,
            inbox,
            waiting: Vec::new(),
            taken: None,
            refusal: None,
            #[cfg(test)]
            lies_first: false,
            #[cfg(test)]
            repeater: None,
        })
    }

    /// Says what its next slot carries: the changes that are due, and what follows from them.
    pub(super) fn prepare_context(&mut self) -> Result<(), CommitteeError> {
        let height = self.next_height();
        let Some(registrar) = &mut self.registrar else {
            return Ok(());
        };
        let changes = registrar.due(height)?;
        let standing = registrar.consider(height, &changes);
        let standing = standing.map_err(CommitteeError::Refused)?;
        let (next_membership, state_root) = named(&standing, height);
        let said = self.node.set_slot_context(&SlotContext {
            changes: &changes,
            next_membership,
            state_root,
        });
        said.map_err(|error| CommitteeError::Refused(error.code()))
    }

    /// Whether a slot carries what its registry takes and this member agreed to, and names what
    /// follows; if not, why. Where members stay as they are, a slot carries and names nothing.
    pub(super) fn check_members(&mut self, body: &[u8]) -> Result<(), Code> {
        let reader = SlotReader::new(body, &Limits::default()).map_err(|error| error.code())?;
        let header = *reader.header();
        let Some(registrar) = &mut self.registrar else {
            return match (header.next_membership, header.state_root) {
                _ if !reader.changes_bytes().is_empty() => Err(Code::ChangeNotAgreed),
                (Hash::ZERO, Hash::ZERO) => Ok(()),
                (Hash::ZERO, _) => Err(Code::WrongStateRoot),
                _ => Err(Code::WrongNextMembership),
            };
        };
        let standing = registrar.consider(header.height, reader.changes_bytes())?;
        let (next_membership, state_root) = named(&standing, header.height);
        if header.next_membership != next_membership {
            Err(Code::WrongNextMembership)
        } else if header.state_root != state_root {
            Err(Code::WrongStateRoot)
        } else {
            Ok(())
        }
    }

    /// The registry moves on with a decided slot.
    pub(super) fn note_changes(
        &mut self,
        height: Height,
        body: &[u8],
    ) -> Result<(), CommitteeError> {
        let Some(registrar) = &mut self.registrar else {
            return Ok(());
        };
        let reader = SlotReader::new(body, &Limits::default());
        let reader = reader.map_err(|error| CommitteeError::Refused(error.code()))?;
        registrar.decide(height, reader.changes_bytes()).map(|_| ())
    }

    /// The members of the next epoch, where the slot that was settled last ended this one.
    fn next_members(&self) -> Result<Option<Membership>, CommitteeError> {
        let height = self.node.acknowledged_height();
        let registrar = self.registrar.as_ref();
        let ended = registrar.filter(|own| own.standing().closes_with(height));
        ended.map(Registrar::next_membership).transpose()
    }

    fn begin_epoch(&mut self, now: Tick) -> Result<(), CommitteeError> {
        let height = self.node.acknowledged_height();
        let registrar = self.registrar.as_mut();
        let registrar = registrar.ok_or(CommitteeError::Refused(Code::EpochNotEnded))?;
        registrar.begin_epoch(height, now)
    }

    /// Takes over all slots that it lacks, each of which the members of its epoch decided; what
    /// reached it meanwhile waits in line.
    fn catch_up(
        &mut self,
        history: &[Past],
        trusted: &[Electorate],
        now: Tick,
    ) -> Result<(), CommitteeError> {
        let refused = CommitteeError::Refused;
        self.give_back()?;
        let known = self.node.acknowledged_height().get() as usize;
        for Past { slot, certificate } in history.get(known..).unwrap_or_default() {
            if self.next_members()?.is_some() {
                self.begin_epoch(now)?;
            }
            let verified = self.verifier.verify(slot);
            let verified = verified.map_err(|error| refused(error.code))?;
            let header = verified.header;
            let trusted = trusted.iter().find(|own| own.epoch() == header.epoch);
            let trusted = trusted.ok_or(refused(Code::WrongSlotEpoch))?;
            let decoded = CommitCertificate::decode(certificate);
            let proof = decoded.and_then(|certificate| certificate.verify(trusted));
            let fits = proof.and_then(|proof| proof.expect(header.height, verified.hash));
            fits.map_err(|error| refused(error.code()))?;
            self.note_changes(header.height, slot)?;
            let standing = self.registrar.as_ref().map(|own| *own.standing());
            let follows = named(&standing.unwrap_or_default(), header.height);
            if follows != (header.next_membership, header.state_root) {
                return Err(refused(Code::WrongNextMembership));
            }
            self.adopt(slot, now)?;
            self.verified = Some(verified);
            self.forget_events();
        }
        while let Some(arrival) = self.inbox.pop_before(now) {
            self.waiting.push(arrival.transaction);
        }
        Ok(())
    }
}

/// What a slot's header names: the next membership where it closes the epoch, and the registry's
/// state.
fn named(standing: &Standing, height: Height) -> (Hash, Hash) {
    let parts = StateParts {
        registry: standing.registry,
        ..StateParts::default()
    };
    let next_membership = standing.named_if(standing.closes_with(height));
    (next_membership, parts.root())
}

impl PoolCommittee {
    /// The members of the next epoch, where the last slot ended this one.
    ///
    /// # Errors
    /// [`CommitteeError::Refused`] where there is no such membership.
    pub fn next_membership(&self) -> Result<Option<Membership>, CommitteeError> {
        let first = self.seats.iter().find(|seat| seat.is_up);
        let first = first.ok_or(CommitteeError::WrongSequencerCount)?;
        first.mind.next_members()
    }

    /// Whatever is due before the next slot: members go, come back, and hand over to the next
    /// epoch's.
    pub(super) fn change_members(&mut self, tick: Tick) -> Result<(), CommitteeError> {
        if self.kit.plan.is_empty() {
            return Ok(());
        }
        self.note_absences(tick)?;
        let first = self.seats.iter().find(|seat| seat.is_up);
        let first = first.ok_or(CommitteeError::WrongSequencerCount)?;
        let Some(next) = first.mind.next_members()? else {
            return Ok(());
        };
        let header = first.mind.verified.map(|slot| slot.header);
        let header = header.ok_or(CommitteeError::Undecided)?;
        self.trail.push(header, first.certificate(), &next);
        self.hand_over(&next, tick)
    }

    /// Members that are away from this slot on stop; those that are back catch up.
    fn note_absences(&mut self, tick: Tick) -> Result<(), CommitteeError> {
        let height = self.history.len() as u64 + 1;
        for absence in self.kit.plan.absences().to_vec() {
            let id = SequencerId::new(absence.sequencer);
            let Some(at) = self.seats.iter().position(|seat| seat.mind.id == id) else {
                continue;
            };
            if absence.covers(height) {
                self.seats[at].is_up = false;
            } else if absence.is_over(height) && !self.seats[at].is_up {
                self.bring_back(at, tick)?;
            }
        }
        Ok(())
    }

    fn bring_back(&mut self, at: usize, tick: Tick) -> Result<(), CommitteeError> {
        let trusted = self.trail.electorates()?;
        let seat = self.seats.remove(at);
        let said = seat.said();
        let mut mind = seat.mind;
        mind.catch_up(&self.history, &trusted, tick)?;
        let members = mind.membership()?;
        let mut seat = Seat::new(mind, &self.table, &members)?;
        seat.go_on_from(said);
        self.seats.insert(at, seat);
        Ok(())
    }

    fn hand_over(&mut self, next: &Membership, tick: Tick) -> Result<(), CommitteeError> {
        let stays = |id: SequencerId| next.members().iter().any(|member| member.id == id);
        let (staying, leaving): (Vec<_>, Vec<_>) = std::mem::take(&mut self.seats)
            .into_iter()
            .partition(|seat| stays(seat.mind.id));
        for seat in leaving {
            self.agreement.note_left(seat.said());
            self.unseated.give_back(seat.mind.id, seat.mind.inbox);
        }
        for mut seat in staying {
            if seat.is_up {
                seat.mind.begin_epoch(tick)?;
                seat.next_members = Some(next.clone());
            }
            if seat.is_up && seat.is_fresh() {
                // It was away, and came back with this epoch.
                let said = seat.said();
                seat = Seat::new(seat.mind, &self.table, next)?;
                seat.go_on_from(said);
            }
            self.seats.push(seat);
        }
        let trusted = self.trail.electorates()?;
        for member in next.members() {
            if self.seats.iter().any(|seat| seat.mind.id == member.id) {
                continue;
            }
            let inbox = self.unseated.take(member.id);
            let mut mind = PoolMember::new(member.id, &self.kit, inbox)?;
            mind.catch_up(&self.history, &trusted, tick)?;
            mind.begin_epoch(tick)?;
            self.seats.push(Seat::new(mind, &self.table, next)?);
        }
        let place = |id: SequencerId| next.members().iter().position(|member| member.id == id);
        self.seats.sort_by_key(|seat| place(seat.mind.id));
        Ok(())
    }
}

impl PoolMember {
    fn membership(&self) -> Result<Membership, CommitteeError> {
        let registrar = self.registrar.as_ref();
        registrar
            .ok_or(CommitteeError::Refused(Code::EpochNotEnded))?
            .membership()
    }
}

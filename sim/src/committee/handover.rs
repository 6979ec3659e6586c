//! From one epoch to the next, for a committee with logs; and members that are away for a while.

use hauptbuch_core::batch::SlotReader;
use hauptbuch_core::receive_log::OwnRecord;
use hauptbuch_core::sequencer::Membership;
use hauptbuch_core::types::{SequencerId, Tick};

use super::inbox::Inbox;
use super::member::{Member, Offer};
use super::seat::{Mind as _, Seat};
use super::{Committee, CommitteeError};
use crate::workload::Workload;

impl Committee {
    /// The members of the next epoch, where the last slot ended this one.
    ///
    /// # Errors
    /// [`CommitteeError::Refused`] where there is no such membership.
    pub fn next_membership(&self) -> Result<Option<Membership>, CommitteeError> {
        let first = self.first()?;
        let is_over = first.mind.is_epoch_over();
        is_over.then(|| first.mind.next_membership()).transpose()
    }

    /// Whatever is due before the next slot: members go, come back, and hand over to the next
    /// epoch's.
    pub(super) fn change_members(
        &mut self,
        tick: Tick,
        workload: &Workload,
    ) -> Result<(), CommitteeError> {
        if self.kit.plan.is_empty() {
            return Ok(());
        }
        self.note_absences(tick)?;
        let first = self.first()?;
        if !first.mind.is_epoch_over() {
            return Ok(());
        }
        let next = first.mind.next_membership()?;
        self.remember_end(&next)?;
        self.hand_over(&next, tick, workload)
    }

    /// Members that are away from this slot on stop; those that are back take a peer's state.
    fn note_absences(&mut self, tick: Tick) -> Result<(), CommitteeError> {
        let height = self.first()?.mind.next_height().get();
        for absence in self.kit.plan.absences().to_vec() {
            let id = SequencerId::new(absence.sequencer);
            let Some(at) = self.seats.iter().position(|seat| seat.mind.id() == id) else {
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

    /// What a member that takes part gives to one that joins; nothing while what it could give
    /// does not follow from a slot.
    fn offer(&mut self) -> Result<Option<Offer>, CommitteeError> {
        let present = self.seats.iter_mut().find(|seat| seat.is_up);
        let Some(seat) = present.filter(|seat| seat.mind.can_offer()) else {
            return Ok(None);
        };
        let certificate = seat.certificate().to_vec();
        seat.mind.give_state(&certificate).map(Some)
    }

    /// A member that was away goes on, unless it is to leave now or nobody can offer anything yet.
    fn bring_back(&mut self, at: usize, tick: Tick) -> Result<(), CommitteeError> {
        let id = self.seats[at].mind.id();
        let first = self.first()?;
        let is_over = first.mind.is_epoch_over();
        let stays = |members: &Membership| members.members().iter().any(|it| it.id == id);
        if is_over && !stays(&first.mind.next_membership()?) {
            return Ok(());
        }
        let Some(offer) = self.offer()? else {
            return Ok(());
        };
        let record = *self.seats[at].mind.record();
        let said = self.seats[at].said();
        let inbox = std::mem::take(&mut self.seats[at].mind.inbox);
        let mut seat = self.join(id, &offer, inbox, Some(&record), tick)?;
        seat.go_on_from(said);
        self.seats[at] = seat;
        Ok(())
    }

    /// A sequencer takes its seat, with a peer's state.
    fn join(
        &self,
        id: SequencerId,
        offer: &Offer,
        inbox: Inbox,
        record: Option<&OwnRecord>,
        tick: Tick,
    ) -> Result<Seat<Member>, CommitteeError> {
        let trusted = self.trail.electorates()?;
        let mut mind = Member::join(id, &self.kit, offer, &trusted, inbox, record)?;
        mind.catch_up(tick);
        let members = match mind.is_epoch_over() {
            true => mind.next_membership()?,
            false => mind.membership()?,
        };
        Seat::new(mind, &self.table, &members)
    }

    /// The slot that was settled last ended an epoch: with its certificate it leads to the next
    /// members.
    fn remember_end(&mut self, next: &Membership) -> Result<(), CommitteeError> {
        let first = self.first()?;
        let reader = SlotReader::new(&first.mind.settled().slot, &self.kit.limits);
        let reader = reader.map_err(|error| CommitteeError::Refused(error.code()))?;
        let (header, certificate) = (*reader.header(), first.certificate().to_vec());
        self.trail.push(header, &certificate, next);
        Ok(())
    }

    fn hand_over(
        &mut self,
        next: &Membership,
        tick: Tick,
        workload: &Workload,
    ) -> Result<(), CommitteeError> {
        let stays = |id: SequencerId| next.members().iter().any(|member| member.id == id);
        let joining: Vec<SequencerId> = next
            .members()
            .iter()
            .map(|member| member.id)
            .filter(|id| self.seats.iter().all(|seat| seat.mind.id() != *id))
            .collect();
        let mut joined = self.seats_of(&joining, tick)?;
        // Rule 24, before lines are drawn anew.
        let mut of_leavers: Vec<u32> = Vec::new();
        let mut of_all: Vec<u32> = Vec::new();
        for seat in self.seats.iter().filter(|seat| seat.is_up) {
            let records = seat.mind.waiting_records(&self.outside.known);
            if !stays(seat.mind.id()) {
                of_leavers.extend(&records);
            }
            of_all.extend(records);
        }
        let (staying, leaving): (Vec<_>, Vec<_>) = std::mem::take(&mut self.seats)
            .into_iter()
            .partition(|seat| stays(seat.mind.id()));
        for seat in leaving {
            self.agreement.note_left(seat.said());
            let id = seat.mind.id();
            self.unseated.give_back(id, seat.mind.inbox);
        }
        self.seats = staying;
        self.seats.append(&mut joined);
        let world = self.outside.world(workload);
        for seat in self.seats.iter_mut().filter(|seat| seat.is_up) {
            // It may be one that was away, and came back with this epoch.
            let is_new = seat.mind.is_new();
            seat.mind.begin_epoch(next, tick)?;
            if !is_new {
                seat.next_members = Some(next.clone());
            }
            for record in if is_new { &of_all } else { &of_leavers } {
                seat.mind.take_over(*record, &world);
            }
        }
        let place = |id: SequencerId| next.members().iter().position(|member| member.id == id);
        self.seats.sort_by_key(|seat| place(seat.mind.id()));
        self.extensions.clear();
        self.extensions.resize(self.seats.len(), Vec::new());
        Ok(())
    }

    /// New seats for those that join with the next epoch.
    fn seats_of(
        &mut self,
        joining: &[SequencerId],
        tick: Tick,
    ) -> Result<Vec<Seat<Member>>, CommitteeError> {
        if joining.is_empty() {
            return Ok(Vec::new());
        }
        // The end of an epoch never decides on a closing slot, so that there is an offer.
        let offer = self.offer()?.ok_or(CommitteeError::Undecided)?;
        let mut seats = Vec::new();
        for id in joining {
            let inbox = self.unseated.take(*id);
            seats.push(self.join(*id, &offer, inbox, None, tick)?);
        }
        Ok(seats)
    }
}

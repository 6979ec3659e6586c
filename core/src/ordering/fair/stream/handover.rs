//! The honest member from one epoch to the next: rules 23 and 24.

use super::decided::FairStream;
use super::entry::{EntryKind, Facts, LoggedId};
use super::error::MemberError;
use super::held::Held;
use super::member::{FairMember, Poll, is_charged};
use super::records::Place;
use crate::bounded::NONE;
use crate::types::UnixNs;

impl FairMember {
    /// The epoch has ended, and this node is member `me` of the next one: its new log begins with
    /// what the old one held, covered or not, in that order.
    ///
    /// `stream` is as the epoch's last slot left it: it begins the next epoch after its members
    /// have. What comes first in the new log always fits the budget: what stood uncovered at the
    /// end of the old one fitted it beside everything that is still charged. An id that stood
    /// there though others had brought it, and that has lapsed since, counts as lost; one that was
    /// drained since is done with. O(bodies held).
    ///
    /// # Errors
    /// [`MemberError::EpochNotEnded`] unless the stream's last slot ended its epoch;
    /// [`MemberError::UnknownMember`] for a number that no committee within the limits has.
    pub fn begin_epoch(&mut self, stream: &FairStream, me: u32) -> Result<(), MemberError> {
        if stream.epoch_end().is_none() {
            return Err(MemberError::EpochNotEnded);
        }
        if me as usize >= stream.records.logs_max() {
            return Err(MemberError::UnknownMember);
        }
        while let Some(signed) = self.tail.pop() {
            if signed.held == NONE {
                continue;
            }
            let held = self.bodies.get_mut(signed.held);
            let past = stream.past.find(&held.id);
            let is_over = past.is_some_and(|past| signed.entry.base < past.height);
            held.is_in_tail = false;
            held.is_carried = signed.is_first_hand && !is_over;
            held.is_lost = !signed.is_first_hand && !is_over;
        }
        let mut next = self.bodies.first();
        while let Some(number) = next {
            next = self.bodies.after(number);
            let id = self.bodies.get(number).id;
            let was_logged = self.bodies.get(number).is_lost
                || self.bodies.get(number).is_carried
                || stream.is_logged_by(self.me, &id);
            let comes_first = stream.is_live(&id) || is_charged(stream, self.me, &id);
            let held = self.bodies.get_mut(number);
            if was_logged && comes_first {
                held.is_carried = true;
                held.is_lost = false;
            }
            if self.weakened.carried_waits() {
                (held.is_carried, held.is_lost) = (false, false);
            }
        }
        self.me = me;
        self.is_closed = false;
        if stream.parameters.orders_by_median() {
            self.last_stamp = UnixNs::ZERO;
        }
        Ok(())
    }

    /// Bodies that clients brought and whose turn is not decided, in the order in which they came
    /// (rule 24): what a member that joins asks all members of the old committee for, and what one
    /// that leaves gives to all of the next, because whoever comes in its place may be a liar. They
    /// are taken as brought by clients.
    ///
    /// Live ones are among them: an entry that only a liar made lapses, and then nobody else would
    /// log an id that waits for a nonce.
    pub fn waiting<'a>(
        &'a self,
        stream: &'a FairStream,
    ) -> impl Iterator<Item = (LoggedId, Facts)> + 'a {
        let bodies = self.bodies.iter().map(|number| self.bodies.get(number));
        let has_its_turn = |id: &LoggedId| {
            let record = stream.records.find(id);
            record.is_some_and(|record| !stream.records.get(record).is_outside())
        };
        bodies
            .filter(move |held| held.is_first_hand && !has_its_turn(&held.id))
            .filter(|_| !self.weakened.lines_stay())
            .map(|held| (held.id, held.facts))
    }

    /// Rule 23: what the last epoch's log held, in its order; with the stamps that it had there
    /// where `with_stamps`.
    pub(super) fn log_carried(&mut self, poll: &mut Poll<'_>, with_stamps: bool) {
        let count = self.sort_by_place(|held| held.is_carried);
        for at in 0..count {
            let number = self.scratch[at];
            let held = *self.bodies.get(number);
            let found = poll.stream.records.find(&held.id);
            let record = found.map(|record| poll.stream.records.get(record));
            let has_its_turn = record.is_some_and(|record| record.place == Place::Queued);
            if has_its_turn || self.is_logged(poll.stream, number) {
                self.bodies.get_mut(number).is_carried = false;
                continue;
            }
            if with_stamps && held.stamp > self.last_stamp {
                self.sign_stamp(poll, held.stamp);
            }
            match self.weakened.carried_charged_anew() {
                true => self.log(poll, number, true),
                false => self.try_log(poll, number),
            }
        }
    }

    /// Signs a stamp, which never goes back, if there is room.
    pub(super) fn sign_stamp(&mut self, poll: &mut Poll<'_>, stamp: UnixNs) {
        if self.has_room(poll) {
            self.last_stamp = self.last_stamp.max(stamp);
            self.sign(poll, EntryKind::Stamp(self.last_stamp), NONE, false);
        }
    }

    /// Puts those bodies into scratch that are asked for, in the order in which the member logged
    /// them last; returns how many.
    pub(super) fn sort_by_place(&mut self, is_wanted: impl Fn(&Held) -> bool) -> usize {
        let mut count = 0;
        for number in self.bodies.iter() {
            if is_wanted(self.bodies.get(number)) {
                self.scratch[count] = number;
                count += 1;
            }
        }
        let bodies = &self.bodies;
        self.scratch[..count].sort_unstable_by_key(|number| bodies.get(*number).logged);
        count
    }
}

//! Changes of the committee.

use super::network::Event;
use super::rules::{Decided, Member, Next, Number};
use super::world::World;

/// How far the changes of a world have come.
#[derive(Clone, Debug, Default)]
pub(super) struct Epochs {
    /// How many epochs have ended.
    pub(super) now: u64,
    /// The closing slot that was decided last, while its epoch lasts.
    closing: Option<u64>,
    /// Of each epoch that ended, how many slots after its closing slot, and whether at its bound.
    ends: Vec<(u64, bool)>,
}

impl<D: Decided, M: Member> World<D, M> {
    /// Of each epoch that ended: how many slots after its closing slot that was, and whether it
    /// ended at its bound.
    #[must_use]
    pub fn epoch_ends(&self) -> &[(u64, bool)] {
        &self.epochs.ends
    }

    /// Whether the committee is still to change.
    #[must_use]
    pub fn is_changing(&self) -> bool {
        self.epochs.ends.len() < self.config.changes.len()
    }

    /// The nodes that are members now, in the order of their numbers.
    #[must_use]
    pub fn committee(&self) -> &[u32] {
        &self.committee
    }

    /// After a slot: decides the closing slot if it is time, and begins the next epoch if the slot
    /// was the last one.
    pub(super) fn change(&mut self) {
        let slot = self.slot_count();
        let Some(change) = self.config.changes.get(self.epochs.ends.len()).cloned() else {
            return;
        };
        let Some(closing) = self.epochs.closing else {
            if slot >= change.slot {
                let closing = slot + change.lead_slots;
                self.decided.close_at(closing);
                self.epochs.closing = Some(closing);
                self.last_slot().closing = Some(closing);
            }
            return;
        };
        let Some(is_at_bound) = self.decided.epoch_end() else {
            return;
        };
        let seat = |node: &u32| change.committee.iter().position(|own| own == node);
        let seats = self.committee.iter().map(seat);
        let next = Next {
            parameters: change.parameters,
            seats: seats.map(|seat| seat.map(|seat| seat as u32)).collect(),
        };
        self.epochs.ends.push((slot - closing, is_at_bound));
        self.epochs.closing = None;
        self.epochs.now += 1;
        self.hand_over(&change.committee);
        self.last_slot().next = Some((next.clone(), change.committee.clone()));
        self.decided.begin_epoch(&next);
        self.image = self.decided.image(&self.book);
        self.committee.clone_from(&change.committee);
        for log in &mut self.logs {
            log.clear();
        }
        self.positions.fill(0);
        for seat in &mut self.seats {
            seat.seen.fill(0);
        }
        let parameters = change.parameters;
        self.chronicle
            .begin_epoch(parameters, &change.committee, &self.image);
    }

    /// Gives on what a client sent to a node that is no member any more.
    pub(super) fn pass_on(&mut self, from: u32, number: Number) {
        if self.seats[from as usize].is_honest {
            self.seats[from as usize].sent.insert(number);
            for to in self.committee.clone() {
                self.submit(to, number);
            }
        }
    }

    /// Rule 24: who joins asks all members of the old committee for what waits in their lines; and
    /// who leaves gives it to all of the next one, since whoever comes in its place may be a liar.
    fn hand_over(&mut self, next: &[u32]) {
        let joins = |node: &u32| !self.committee.contains(node);
        let joining: Vec<u32> = next.iter().copied().filter(joins).collect();
        for node in self.committee.clone() {
            let seat = &self.seats[node as usize];
            let leaves = !next.contains(&node);
            if !seat.is_honest {
                continue;
            }
            let to = if leaves { next } else { &joining };
            for number in seat.member.waiting() {
                for to in to {
                    let body = Event::Submitted(number);
                    self.network.send(self.now, *to, body, &mut self.random);
                }
            }
        }
    }

    fn last_slot(&mut self) -> &mut super::world::Slot {
        self.slots.last_mut().expect("a slot was just decided")
    }
}

//! From one epoch to the next.

use std::collections::BTreeSet;

use hauptbuch_sim::fair_world::{Book, LEAVERS, Next, Number};

use super::graph::{Lists, heads};
use super::{Log, Model};

impl Model {
    /// Rules 21 and 22.
    pub(super) fn find_end(&mut self, book: &Book) {
        let Some(closing) = self.closing.filter(|slot| self.slot >= *slot) else {
            return;
        };
        let parameters = self.rules.parameters;
        let enough = (parameters.n() - parameters.f()) as usize;
        let lists = self.lists(|_| true);
        let all: BTreeSet<Number> = lists.iter().flatten().copied().collect();
        let done = self.graphs.iter().all(Vec::is_empty)
            && self.closed.len() >= enough
            && !all.iter().any(|id| self.can_be_ordered(book, *id));

        if done || self.slot >= closing + self.rules.closing_slots_max {
            self.end = Some(!done);
        }
    }

    /// Whether T logs hold an id that stands nowhere, and rule 11 does not hold it back.
    fn can_be_ordered(&self, book: &Book, id: Number) -> bool {
        let heads = heads(&self.lists(|_| true), id);
        let parameters = self.rules.parameters;
        if !self.waiting.contains(&id) || heads < parameters.threshold() {
            return false;
        }
        let queued = self.in_flight(book, id);
        let base = self.cursor(book, id).or(queued.first().copied());
        let own = book[id as usize].nonce;
        base.is_some_and(|base| (base..).find(|nonce| !queued.contains(nonce)) == Some(own))
    }

    /// Notes who has T heads, and neither joins the graph that is formed nor is held back.
    pub(super) fn note_waiting(
        &mut self,
        lists: &Lists,
        held: &BTreeSet<Number>,
        kept: &BTreeSet<Number>,
    ) {
        let least = self.rules.parameters.threshold();
        let all: BTreeSet<Number> = lists.iter().flatten().copied().collect();
        let stays =
            |id: &&Number| heads(lists, **id) >= least && !held.contains(id) && !kept.contains(id);
        self.waiting.extend(all.iter().filter(stays));
    }

    /// Rule 23.
    pub(super) fn turn_over(&mut self, next: &Next) {
        assert!(self.end.is_some());
        let age = self.age();
        for id in self.live[self.slot as usize].clone() {
            self.carried.insert(id, age);
        }
        for line in &mut self.graphs {
            line.clear();
        }
        let charges = std::mem::take(&mut self.charges);
        self.charges = charges
            .into_iter()
            .map(|(member, id)| {
                let seat = next.seats.get(member as usize).copied().flatten();
                (seat.unwrap_or(LEAVERS), id)
            })
            .collect();
        self.rules.parameters = next.parameters;
        self.logs = vec![Log::default(); next.parameters.n() as usize];
        self.closing = None;
        self.closed.clear();
        self.end = None;
    }

    /// Whether its members know the closing slot.
    pub(super) fn is_closing(&self) -> bool {
        self.closing.is_some_and(|slot| self.slot >= slot)
    }

    /// Whether the turn of an id is decided.
    pub(super) fn has_its_turn(&self, id: Number) -> bool {
        self.in_queue(id)
    }
}

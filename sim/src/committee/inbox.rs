//! What reaches a sequencer, in the order of time, and what sequencers without a seat pass on.

use std::collections::VecDeque;

use hauptbuch_core::types::{SequencerId, Tick};

use crate::arrivals::{Arrival, Arrivals};

/// What reaches one sequencer: at first hand, and by those without a seat.
#[derive(Clone, Debug, Default)]
pub(super) struct Inbox {
    /// At first hand, in the order of time.
    own: Vec<Arrival>,
    delivered: usize,
    /// Passed on, in the order of time.
    passed: VecDeque<Arrival>,
}

impl Inbox {
    fn new(own: Vec<Arrival>) -> Self {
        Self {
            own,
            ..Self::default()
        }
    }

    /// When the next body comes; nothing once all have.
    pub fn next_tick(&self) -> Option<Tick> {
        let own = self.own.get(self.delivered).map(|arrival| arrival.at);
        let passed = self.passed.front().map(|arrival| arrival.at);
        own.into_iter().chain(passed).min()
    }

    /// The next body, if it comes before `tick`.
    pub fn pop_before(&mut self, tick: Tick) -> Option<Arrival> {
        self.next_tick().filter(|at| *at < tick)?;
        let own = self.own.get(self.delivered).copied();
        let is_passed = |passed: &Arrival| own.is_none_or(|own| passed.at < own.at);
        if self.passed.front().is_some_and(is_passed) {
            return self.passed.pop_front();
        }
        self.delivered += 1;
        own
    }
}

/// The inboxes of sequencers without a seat. What reaches one of them it passes on to all members
/// at once, so that no transaction waits until its sequencer joins.
#[derive(Clone, Debug)]
pub(super) struct Unseated {
    /// By the sequencer's number; empty where it has a seat.
    inboxes: Vec<Inbox>,
}

impl Unseated {
    /// All sequencers that there will ever be, before any has a seat.
    pub fn new(arrivals: &Arrivals) -> Self {
        let lists = arrivals.lists();
        Self {
            inboxes: lists.map(|list| Inbox::new(list.to_vec())).collect(),
        }
    }

    /// A sequencer takes its seat.
    pub fn take(&mut self, id: SequencerId) -> Inbox {
        let inbox = self.inboxes.get_mut(id.get() as usize);
        inbox.map(std::mem::take).unwrap_or_default()
    }

    /// A sequencer leaves its seat.
    pub fn give_back(&mut self, id: SequencerId, inbox: Inbox) {
        if let Some(place) = self.inboxes.get_mut(id.get() as usize) {
            *place = inbox;
        }
    }

    /// Passes what reaches them before `tick` on to members.
    pub fn pass_on<'a>(&mut self, tick: Tick, members: impl Iterator<Item = &'a mut Inbox>) {
        let mut passed: Vec<Arrival> = Vec::new();
        for inbox in &mut self.inboxes {
            passed.extend(std::iter::from_fn(|| inbox.pop_before(tick)));
        }
        passed.sort_by_key(|arrival| arrival.at);
        for member in members {
            member.passed.extend(&passed);
        }
    }

    /// When the next body reaches one of them.
    pub fn next_tick(&self) -> Option<Tick> {
        self.inboxes.iter().filter_map(Inbox::next_tick).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inbox(list: &[(u64, u32)]) -> Inbox {
        let arrivals = list.iter().map(|(at, transaction)| Arrival {
            at: Tick::new(*at),
            transaction: *transaction,
            sequencer: 0,
        });
        Inbox::new(arrivals.collect())
    }

    fn popped(inbox: &mut Inbox, before: u64) -> Vec<u32> {
        std::iter::from_fn(|| inbox.pop_before(Tick::new(before)))
            .map(|arrival| arrival.transaction)
            .collect()
    }

    #[test]
    fn what_is_passed_on_comes_in_its_place() {
        let mut member = inbox(&[(1, 10), (4, 11), (9, 12)]);
        let mut others = Unseated {
            inboxes: vec![inbox(&[(2, 20), (9, 21)]), inbox(&[(1, 30), (3, 31)])],
        };
        others.pass_on(Tick::new(4), std::iter::once(&mut member));
        assert_eq!(popped(&mut member, 5), [10, 30, 20, 31, 11]);
        assert_eq!(member.next_tick(), Some(Tick::new(9)));
        assert_eq!(others.next_tick(), Some(Tick::new(9)));
        // Who takes its seat gets only what nobody passed on.
        let mut joined = others.take(SequencerId::new(0));
        assert_eq!(popped(&mut joined, 100), [21]);
        assert_eq!((joined.next_tick(), others.next_tick()), (None, None));
        others.give_back(SequencerId::new(1), member);
        assert_eq!(others.next_tick(), Some(Tick::new(9)));
    }
}

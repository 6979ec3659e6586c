//! What is on its way, and when it arrives.

use std::collections::BTreeMap;

use super::random::Random;
use super::rules::Number;

/// What arrives at a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// A client's transaction.
    Submitted(Number),
    /// A body that it asked for.
    Body(Number),
    /// The log that another member writes in an epoch, up to a position.
    Log {
        of: u32,
        epoch: u64,
        position: usize,
    },
    /// A slot was decided.
    Decided,
}

/// Links with random delays; what arrives at one tick does so in the order of sending.
#[derive(Clone, Debug, Default)]
pub(super) struct Network {
    due: BTreeMap<(u64, u64), (u32, Event)>,
    sent_count: u64,
    /// The longest delay of the link to each node, member or not.
    delays: Vec<u64>,
}

impl Network {
    pub(super) fn new(n: u32, delay_ticks_max: u64, random: &mut Random) -> Self {
        Self {
            delays: (0..n).map(|_| 1 + random.below(delay_ticks_max)).collect(),
            ..Self::default()
        }
    }

    /// Sends something that arrives at an exact tick.
    pub(super) fn send_at(&mut self, tick: u64, to: u32, event: Event) {
        self.due.insert((tick, self.sent_count), (to, event));
        self.sent_count += 1;
    }

    /// Sends something over the link to a member.
    pub(super) fn send(&mut self, now: u64, to: u32, event: Event, random: &mut Random) {
        let delay = 1 + random.below(self.delays[to as usize]);
        self.send_at(now + delay, to, event);
    }

    /// The next arrival up to `now`.
    pub(super) fn poll(&mut self, now: u64) -> Option<(u32, Event)> {
        let first = self.due.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }
}

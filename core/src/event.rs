//! What happened, for the host to read in order.

use crate::bounded::Ring;
use crate::error::{Code, Full};
use crate::types::{Height, RollupId, Tick, TxId};

/// Something that became of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// What became of it: [`Code::Admitted`], a refusal, or a terminal code.
    pub code: Code,
    /// Which transaction.
    pub id: TxId,
    /// Its rollup.
    pub rollup: RollupId,
    /// The slot that includes it; [`Height::ZERO`] for every other event.
    pub height: Height,
    /// Its place in its rollup's sub-batch, where a slot includes it.
    pub position: u32,
    /// The local clock when it happened.
    pub tick: Tick,
}

impl Event {
    /// An event that no slot is part of.
    #[must_use]
    pub const fn outside_slot(code: Code, id: TxId, rollup: RollupId, tick: Tick) -> Self {
        Self {
            code,
            id,
            rollup,
            height: Height::ZERO,
            position: 0,
            tick,
        }
    }
}

impl Default for Event {
    fn default() -> Self {
        Self::outside_slot(Code::Ok, TxId::ZERO, RollupId::ZERO, Tick::ZERO)
    }
}

/// The events that the host has not read yet.
///
/// No event is ever dropped: whoever is about to cause one asks for room first, and does nothing
/// where there is none.
#[derive(Debug)]
pub struct EventQueue {
    events: Ring<Event>,
}

impl EventQueue {
    /// Makes an empty queue.
    #[must_use]
    pub fn new(event_count_max: u32) -> Self {
        Self {
            events: Ring::new(event_count_max),
        }
    }

    /// The bytes that [`EventQueue::new`] takes.
    #[must_use]
    pub const fn footprint_bytes(event_count_max: u32) -> u64 {
        Ring::<Event>::footprint_bytes(event_count_max)
    }

    /// How many more events fit.
    #[must_use]
    pub const fn room(&self) -> usize {
        self.events.room()
    }

    /// How many events wait.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.events.len()
    }

    /// Whether no event waits.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// Appends an event.
    ///
    /// # Errors
    /// The event, where there is no room.
    pub fn push(&mut self, event: Event) -> Result<(), Full<Event>> {
        self.events.push(event)
    }

    /// Reads the oldest event.
    pub fn pop(&mut self) -> Option<Event> {
        self.events.pop()
    }
}

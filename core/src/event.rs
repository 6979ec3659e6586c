//! What happened, for the host to read in order.

use crate::bounded::Ring;
use crate::error::{Code, Full};
use crate::metrics::Metrics;
use crate::types::{Fee, Height, RollupId, Tick, TxId};

/// Something that became of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// What became of it: [`Code::Admitted`], a refusal, or a terminal code.
    pub code: Code,
    /// Which transaction.
    pub id: TxId,
    /// Its rollup.
    pub rollup: RollupId,
    /// The transaction that took its place, where it was replaced; zero for every other event.
    pub related: TxId,
    /// The slot that it stands in; [`Height::ZERO`] where it stands in none.
    pub height: Height,
    /// Its place in its rollup's sub-batch, where it stands in a slot.
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
            related: TxId::ZERO,
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

    /// All events that wait, the oldest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Event> {
        self.events.iter()
    }

    /// Reads the oldest event.
    pub fn pop(&mut self) -> Option<Event> {
        self.events.pop()
    }
}

/// Where ends of transactions are written down: in the events and in the counters.
#[derive(Debug)]
pub struct Ledger<'a> {
    events: &'a mut EventQueue,
    metrics: &'a mut Metrics,
    now: Tick,
    kept: usize,
}

impl<'a> Ledger<'a> {
    /// Writes to these, at the local time `now`.
    pub const fn new(events: &'a mut EventQueue, metrics: &'a mut Metrics, now: Tick) -> Self {
        Self {
            events,
            metrics,
            now,
            kept: 0,
        }
    }

    /// The same, with `kept` places of the events left to others.
    #[must_use]
    pub const fn keeping(self, kept: usize) -> Self {
        Self { kept, ..self }
    }

    /// How many more ends can be written down. Whoever ends a transaction asks first.
    #[must_use]
    pub const fn room(&self) -> usize {
        self.events.room().saturating_sub(self.kept)
    }

    /// Writes an end down.
    pub fn end(&mut self, code: Code, id: TxId, rollup: RollupId) {
        self.write(Event::outside_slot(code, id, rollup, self.now));
    }

    /// Writes down that `by` took the place of `id`.
    pub fn end_replaced(&mut self, id: TxId, rollup: RollupId, by: TxId) {
        let event = Event::outside_slot(Code::Replaced, id, rollup, self.now);
        self.write(Event {
            related: by,
            ..event
        });
    }

    /// Writes down that a slot included `id`.
    pub fn end_included(&mut self, id: TxId, rollup: RollupId, height: Height, position: u32) {
        self.end_in_slot(Code::Included, id, rollup, height, position);
    }

    /// Counts what a transaction that a slot of another member includes paid, and how long it was
    /// here.
    pub(crate) fn measure_included(&mut self, fee: Fee, arrived: Tick) {
        let waited_ns = self.now.saturating_distance(arrived);
        self.metrics.time_to_batch_ns.add(waited_ns);
        self.metrics.included_fees.add(fee.get());
    }

    /// Writes down what `id` came to at its place in a slot.
    pub fn end_in_slot(
        &mut self,
        code: Code,
        id: TxId,
        rollup: RollupId,
        height: Height,
        position: u32,
    ) {
        let event = Event::outside_slot(code, id, rollup, self.now);
        self.write(Event {
            height,
            position,
            ..event
        });
    }

    fn write(&mut self, event: Event) {
        self.metrics.count(event.code);
        let pushed = self.events.push(event);
        debug_assert!(
            pushed.is_ok(),
            "a transaction was ended without room to say so"
        );
    }
}

//! The way of a transaction as far as one sequencer goes: submission, pool, order, slot, end.
//!
//! # How to drive it
//! One owner calls it, with `&mut`. There are four kinds of method:
//! - **Getters**: [`pool`](TransactionCoordinator::pool), [`tip`](TransactionCoordinator::tip),
//!   [`slot`](TransactionCoordinator::slot), [`pool_room`](TransactionCoordinator::pool_room),
//!   [`slot_context`](TransactionCoordinator::slot_context),
//!   [`metrics`](TransactionCoordinator::metrics),
//!   [`ingress`](TransactionCoordinator::ingress) (for other threads).
//! - **Inputs**: [`submit`](TransactionCoordinator::submit),
//!   [`submit_batch`](TransactionCoordinator::submit_batch),
//!   [`submit_logged`](TransactionCoordinator::submit_logged),
//!   [`submit_forced`](TransactionCoordinator::submit_forced),
//!   [`submit_bundle`](TransactionCoordinator::submit_bundle),
//!   [`handle_ingress`](TransactionCoordinator::handle_ingress).
//! - **Verbs**: [`take`](TransactionCoordinator::take),
//!   [`acknowledge`](TransactionCoordinator::acknowledge),
//!   [`roll_back`](TransactionCoordinator::roll_back), and both by the slot's hash as
//!   [`acknowledge_slot`](TransactionCoordinator::acknowledge_slot) and
//!   [`roll_back_slot`](TransactionCoordinator::roll_back_slot),
//!   [`take_with_reserves`](TransactionCoordinator::take_with_reserves) where the policy looks at
//!   trades, [`fix_set`](TransactionCoordinator::fix_set) and
//!   [`seal_with_seed`](TransactionCoordinator::seal_with_seed) where it wants a seed,
//!   [`open_slot`](TransactionCoordinator::open_slot),
//!   [`add_slice`](TransactionCoordinator::add_slice) and
//!   [`seal`](TransactionCoordinator::seal) for a slot in slices,
//!   [`take_drained`](TransactionCoordinator::take_drained) and
//!   [`mark_logged`](TransactionCoordinator::mark_logged) where receive logs give the order,
//!   [`adopt`](TransactionCoordinator::adopt) for decided slots of other members, and ahead of the
//!   vote [`check_adoption`](TransactionCoordinator::check_adoption),
//!   [`set_slot_context`](TransactionCoordinator::set_slot_context) for what a slot carries beside
//!   transactions, [`set_pressure`](TransactionCoordinator::set_pressure),
//!   [`expire_unready`](TransactionCoordinator::expire_unready),
//!   [`cancel`](TransactionCoordinator::cancel),
//!   [`cancel_nonce`](TransactionCoordinator::cancel_nonce).
//! - **Outputs**: [`poll_event`](TransactionCoordinator::poll_event),
//!   [`poll_journal`](TransactionCoordinator::poll_journal).
//!
//! State as bytes, and back: [`snapshot`](mod@crate::snapshot).
//!
//! Submissions come at any time. A slot is taken, given to whoever decides (a committee, a disk),
//! and then acknowledged or rolled back. Events are read in between: where there is no room for
//! the events of an acknowledgement, it is refused and nothing changes. A slot is taken all the
//! same: heads that have expired are put aside until there is room to say so.
//!
//! A slot can be open for a while: in slices, each of which promises at once what later ones can't
//! change, or as a set that is fixed before a seed orders it. Rolling it back gives back all of it.
//!
//! # Guarantees
//! - Every admitted transaction ends in exactly one terminal event.
//! - The clock `now` must not go back; the agreed time may, and is raised to the highest seen.
//! - The same calls with the same arguments give the same slots and events.
//! - Nothing allocates after [`TransactionCoordinator::new`].
//! - With a journal ([`Limits::journal_bytes_max`]), each input that changes something leaves a
//!   record in it. Where it has no room for one, the input is refused and nothing changes.

mod adopt;
mod arrange;
mod context;
mod drained;
mod export;
mod hooks;
mod in_flight;
mod open;
mod pressure;
mod segments;
mod submit;
#[cfg(test)]
mod tests;
mod verbs;

pub use adopt::{AdoptError, Adopted, AdoptionCheck, Repeated};
pub(crate) use arrange::KnownPools;
pub use drained::DrainRefusal;
pub(crate) use export::{HEAD_LEN as SNAPSHOT_HEAD_LEN, VERSION as SNAPSHOT_VERSION};
pub use in_flight::Slot;
pub use open::{FixedSet, SealError, Slice, SliceError, SliceReceipts};
pub use pressure::{Pressure, PressureError};
pub use submit::{Admission, IngressProgress, SubmitError};

use alloc::boxed::Box;

use crate::batch::{ChainTip, DrainedBytes, SlotBuilder};
use crate::bounded::{fixed_slice, fixed_slice_bytes};
use crate::config::{Config, ConfigError, Policy, RollupConfig};
use crate::error::{Code, operation_error};
use crate::event::{Event, EventQueue, Ledger};
use crate::ingress::{Ingress, IngressHandle};
use crate::journal::{Clocks, Identity, Journal, Record};
use crate::limits::{Footprint, Limits, ROLLUP_COUNT_MAX};
use crate::metrics::Metrics;
use crate::ordering::{OrderingEngine, SegmentRooms, check_logs};
use crate::pool::{AHEAD_COUNT, Broken, DecidedSet, TransactionPool};
use crate::types::{Height, Tick, UnixNs};
use arrange::Arrangement;
use context::HeldContext;
use in_flight::InFlight;
use open::OpenSlot;

operation_error! {
    /// Why no slot was taken.
    TakeError {
        TimeWentBack,
        TooManyInFlight,
        SlotOpen,
        SeedNeeded,
        SeedNotWanted,
        OrderedByLogs,
        SlicesNotOffered,
        ReservesInvalid,
        JournalFull,
        Poisoned,
    }
}

operation_error! {
    /// Why a slot was neither acknowledged nor rolled back.
    SettleError {
        UnknownSlot,
        WrongSlot,
        NotOldestSlot,
        AlreadyAcknowledged,
        EventsFull,
        TimeWentBack,
        JournalFull,
        Poisoned,
    }
}

/// What to do when no transaction is ready.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenEmpty {
    /// Take no slot.
    #[default]
    NoSlot,
    /// Take a slot without transactions, so that the agreed time goes on.
    EmptySlot,
}

/// How far [`TransactionCoordinator::expire_unready`] came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExpireProgress {
    /// Transactions that ended.
    pub ended: usize,
    /// Whether none is left. If not, read the events and call again.
    pub is_finished: bool,
}

/// Ingress, pool, ordering and batch of one sequencer, wired.
///
/// ```
/// use hauptbuch_core::config::Config;
/// use hauptbuch_core::coordinator::{TransactionCoordinator, WhenEmpty};
/// use hauptbuch_core::error::Code;
/// use hauptbuch_core::limits::Limits;
/// use hauptbuch_core::types::{Envelope, Gas, Tick, Transaction, UnixNs};
///
/// let mut coordinator =
///     TransactionCoordinator::new(&Config::default(), &Limits::default()).unwrap();
/// let (now, time) = (Tick::new(1), UnixNs::new(1_700_000_000_000_000_000));
///
/// let envelope =
///     Envelope { gas: Gas::new(21_000), expiry: UnixNs::NEVER, ..Envelope::default() };
/// let transfer = Transaction { envelope, payload: b"transfer" };
/// let id = coordinator.submit(&transfer.into(), now, time).unwrap();
///
/// let slot = coordinator.take(now, time, WhenEmpty::NoSlot).unwrap().unwrap();
/// let height = slot.header.height;
/// assert_eq!(slot.transaction_count, 1);
///
/// coordinator.acknowledge(height, now).unwrap();
/// let event = coordinator.poll_event().unwrap();
/// assert_eq!((event.code, event.id, event.height), (Code::Included, id, height));
/// ```
#[derive(Debug)]
pub struct TransactionCoordinator {
    /// The network, and the limits and choices, that its bytes belong to.
    identity: Identity,
    limits: Limits,
    policy: Policy,
    rollups: heapless::Vec<RollupConfig, ROLLUP_COUNT_MAX>,
    ingress: Ingress,
    ingress_handle: IngressHandle,
    pool: TransactionPool,
    rooms: SegmentRooms,
    engine: OrderingEngine,
    builder: SlotBuilder,
    arrangement: Arrangement,
    /// What the next slot carries beside transactions.
    context: HeldContext,
    /// The slot that is being filled, in the memory behind those in flight.
    open: Option<OpenSlot>,
    /// Slots in flight, the oldest first: `in_flight[.. in_flight_count]`.
    in_flight: Box<[InFlight]>,
    in_flight_count: usize,
    /// Where the chain stands after the newest slot in flight.
    tip: ChainTip,
    acknowledged: Height,
    events: EventQueue,
    metrics: Metrics,
    pressure: Pressure,
    journal: Journal,
    /// Canonical bytes of what is being submitted.
    scratch: Box<[u8]>,
    /// The bytes of a cut and of what is drained at it.
    drained_scratch: drained::DrainedScratch,
    /// The transactions of a slot that is being taken over.
    decided: DecidedSet,
    now: Tick,
    time: UnixNs,
    is_poisoned: bool,
}

impl TransactionCoordinator {
    /// Makes a coordinator with all the memory that it will ever use.
    ///
    /// # Errors
    /// A [`ConfigError`] where the configuration or the limits contradict themselves.
    pub fn new(config: &Config, limits: &Limits) -> Result<Self, ConfigError> {
        config.check()?;
        limits.check()?;
        SegmentRooms::check(config, limits)?;
        check_logs(config, limits)?;
        drained::check_journal(config.policy, limits)?;
        let in_flight = (0..limits.in_flight_count_max)
            .map(|_| InFlight::new(limits))
            .collect();
        let (ingress, ingress_handle) = Ingress::new(limits);
        let mut fresh = Self {
            identity: Identity::new(config, limits),
            policy: config.policy,
            rollups: config.rollups.clone(),
            ingress,
            ingress_handle,
            pool: TransactionPool::new(config, limits),
            rooms: SegmentRooms::of(config, limits),
            engine: OrderingEngine::new(config),
            builder: SlotBuilder::new(config.policy, limits),
            arrangement: Arrangement::new(limits),
            context: HeldContext::new(),
            open: None,
            in_flight,
            in_flight_count: 0,
            tip: ChainTip::genesis(config, limits),
            acknowledged: Height::ZERO,
            events: EventQueue::new(limits.event_count_max),
            metrics: Metrics::default(),
            pressure: Pressure::NONE,
            journal: Journal::new(limits),
            scratch: fixed_slice(submit::scratch_len(limits), 0),
            drained_scratch: drained::DrainedScratch::new(config, limits),
            decided: DecidedSet::new(limits),
            now: Tick::ZERO,
            time: UnixNs::ZERO,
            is_poisoned: false,
            limits: limits.clone(),
        };
        if fresh.journal.is_on() {
            fresh.start_journal(fresh.state_hash());
        }
        Ok(fresh)
    }

    /// The pool, to look at.
    #[must_use]
    pub const fn pool(&self) -> &TransactionPool {
        &self.pool
    }

    /// Where threads get a lane to this owner; a clone of it can go anywhere.
    #[must_use]
    pub const fn ingress(&self) -> &IngressHandle {
        &self.ingress_handle
    }

    /// The limits that it was made with.
    #[must_use]
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// How it puts transactions in order.
    #[must_use]
    pub const fn policy(&self) -> Policy {
        self.policy
    }

    /// How often each thing happened.
    #[must_use]
    pub const fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Where the chain stands after the newest slot in flight.
    #[must_use]
    pub const fn tip(&self) -> &ChainTip {
        &self.tip
    }

    /// The last slot that was acknowledged.
    #[must_use]
    pub const fn acknowledged_height(&self) -> Height {
        self.acknowledged
    }

    /// The slot in flight at this height.
    #[must_use]
    pub fn slot(&self, height: Height) -> Option<Slot<'_>> {
        let flights = self.in_flight.get(..self.in_flight_count)?;
        flights
            .iter()
            .find(|flight| flight.height() == height)
            .map(InFlight::slot)
    }

    /// Takes the next slot from what is ready; nothing where nothing is, unless `when_empty` says
    /// otherwise.
    ///
    /// Its time is `time`, or the slot's before it where that is later. Cost: O(log n) and one
    /// copy a transaction.
    ///
    /// # Errors
    /// A [`TakeError`]; nothing changes then.
    pub fn take(
        &mut self,
        now: Tick,
        time: UnixNs,
        when_empty: WhenEmpty,
    ) -> Result<Option<Slot<'_>>, TakeError> {
        self.take_with_reserves(now, time, when_empty, &[])
    }

    /// Ends the oldest slot in flight: its transactions are included, and an event says so of each.
    ///
    /// After a rollback another slot can stand at the same height:
    /// [`acknowledge_slot`](TransactionCoordinator::acknowledge_slot) tells them apart.
    ///
    /// # Errors
    /// A [`SettleError`]; nothing changes then.
    pub fn acknowledge(&mut self, height: Height, now: Tick) -> Result<(), SettleError> {
        let place = self.settle_place(height)?;
        if place != 0 {
            return Err(SettleError::NotOldestSlot);
        }
        if self.events.room() < self.settled_event_count() {
            return Err(SettleError::EventsFull);
        }
        let count = self
            .in_flight
            .first()
            .map_or(0, |flight| flight.taken().len());
        let record = Record::Acknowledged { height };
        if !self.journal.has_room(&record) {
            return Err(SettleError::JournalFull);
        }
        self.set_clocks(now, self.time)
            .map_err(|()| SettleError::TimeWentBack)?;
        let mut positions = [0_u32; ROLLUP_COUNT_MAX];
        self.settle_forced(height, &mut positions);
        let starts = positions;
        for at in 0..count {
            if at.is_multiple_of(AHEAD_COUNT)
                && let Some(flight) = self.in_flight.first()
            {
                let end = at.saturating_add(AHEAD_COUNT).min(count);
                self.pool.look_ahead(flight.handles(at..end));
            }
            self.include(at, height, &mut positions);
        }
        self.settle_no_ops(height, &starts);
        self.settle_bundles(height, &mut positions);
        self.acknowledged = height;
        self.metrics.slots_acknowledged = self.metrics.slots_acknowledged.saturating_add(1);
        // The emptied place goes behind those in flight and the open one.
        self.in_flight.rotate_left(1);
        self.in_flight_count = self.in_flight_count.saturating_sub(1);
        self.journal.write(&record, self.clocks());
        if self.is_poisoned {
            Err(SettleError::Poisoned)
        } else {
            Ok(())
        }
    }

    /// Gives the slot of this height back, and every one after it: their transactions wait again,
    /// in the places that they had. Returns how many slots that were, the open one included.
    ///
    /// # Errors
    /// A [`SettleError`]; nothing changes then.
    pub fn roll_back(&mut self, height: Height) -> Result<usize, SettleError> {
        let is_open = !self.is_poisoned && self.open_height() == Some(height);
        let place = if is_open {
            self.in_flight_count
        } else {
            self.settle_place(height)?
        };
        let slots = self.in_flight_count.saturating_sub(place);
        let slots = slots.saturating_add(usize::from(self.open.is_some()));
        let record = Record::RolledBack {
            height,
            slot_count: slots as u32,
        };
        if !self.journal.has_room(&record) {
            return Err(SettleError::JournalFull);
        }
        self.give_back_open();
        while self.in_flight_count > place {
            let last = self.in_flight_count.saturating_sub(1);
            let Some(flight) = self.in_flight.get(last) else {
                break;
            };
            for handle in flight.bundles().iter().rev() {
                self.is_poisoned |= !self.pool.give_bundle_back(*handle, &self.policy);
            }
            for no_op in flight.no_ops().iter().rev() {
                self.is_poisoned |= self.pool.roll_back(no_op.handle, &self.policy).is_err();
            }
            for handle in flight.taken().iter().rev() {
                self.is_poisoned |= self.pool.roll_back(*handle, &self.policy).is_err();
            }
            self.pool.give_forced_back(flight.forced(), &self.policy);
            if let Some(before) = flight.tip_before() {
                self.tip = before.clone();
            }
            self.in_flight_count = last;
            self.metrics.slots_rolled_back = self.metrics.slots_rolled_back.saturating_add(1);
        }
        self.journal.write(&record, self.clocks());
        if self.is_poisoned {
            Err(SettleError::Poisoned)
        } else {
            Ok(slots)
        }
    }

    /// Ends every waiting transaction and bundle that can't become ready before another one
    /// arrives; forced inputs are taken first, so call it when none waits.
    ///
    /// For the end of a run, when none will arrive. Stops where the events have no more room, and
    /// does nothing where the journal has none.
    pub fn expire_unready(&mut self) -> ExpireProgress {
        let record = |ended_count, is_finished| Record::UnreadyExpired {
            ended_count,
            is_finished,
        };
        if !self.journal.has_room(&record(0, false)) {
            return ExpireProgress {
                ended: 0,
                is_finished: false,
            };
        }
        let before = self.metrics.of(Code::Expired);
        let mut ledger = Ledger::new(&mut self.events, &mut self.metrics, self.now);
        let rest = self.pool.expire_unready(0, &mut ledger);
        let are_bundles_finished = rest.is_none() && self.pool.expire_unready_bundles(&mut ledger);
        let ended = self.metrics.of(Code::Expired).saturating_sub(before) as usize;
        self.journal
            .write(&record(ended as u32, are_bundles_finished), self.clocks());
        ExpireProgress {
            ended,
            is_finished: are_bundles_finished,
        }
    }

    /// The oldest event that was not read yet.
    pub fn poll_event(&mut self) -> Option<Event> {
        let event = self.events.pop()?;
        self.journal.note_read();
        Some(event)
    }

    /// How many events wait to be read.
    #[must_use]
    pub const fn event_count(&self) -> usize {
        self.events.len()
    }

    /// Whether all structures agree with each other. Cost: O(everything); for tests and fuzzing.
    ///
    /// # Errors
    /// The first invariant that does not hold.
    pub fn verify(&self) -> Result<(), Broken> {
        if self.is_poisoned {
            Err(Broken("nothing broke before"))
        } else {
            self.pool.verify()
        }
    }

    /// Ends one transaction of the oldest slot as included.
    fn include(&mut self, at: usize, height: Height, positions: &mut [u32; ROLLUP_COUNT_MAX]) {
        let handle = self
            .in_flight
            .first()
            .and_then(|flight| flight.taken().get(at))
            .copied();
        let included = handle.and_then(|handle| self.pool.acknowledge(handle).ok());
        let rollup = included.map(|included| included.candidate.envelope.rollup);
        let place = self
            .tip
            .rollups
            .iter()
            .position(|own| Some(own.rollup) == rollup);
        let next = place.and_then(|place| positions.get_mut(place));
        let (Some(included), Some(rollup), Some(next)) = (included, rollup, next) else {
            self.is_poisoned = true;
            return;
        };
        let position = *next;
        *next = next.saturating_add(1);
        let sealed_at = self.in_flight.first().map_or(self.now, |own| own.sealed_at);
        let waited_ns = sealed_at.saturating_distance(included.candidate.arrival.tick);
        self.metrics.time_to_batch_ns.add(waited_ns);
        let fee = included.candidate.envelope.fee.get();
        self.metrics.included_fees.add(fee);
        let mut ledger = Ledger::new(&mut self.events, &mut self.metrics, self.now);
        ledger.end_included(included.candidate.id, rollup, height, position);
    }

    /// The place of a slot in flight, or why there is none.
    fn settle_place(&self, height: Height) -> Result<usize, SettleError> {
        if self.is_poisoned {
            return Err(SettleError::Poisoned);
        }
        if height <= self.acknowledged && height != Height::ZERO {
            return Err(SettleError::AlreadyAcknowledged);
        }
        let flights = self
            .in_flight
            .get(..self.in_flight_count)
            .unwrap_or_default();
        let place = flights.iter().position(|flight| flight.height() == height);
        place.ok_or(SettleError::UnknownSlot)
    }

    const fn clocks(&self) -> Clocks {
        Clocks {
            now: self.now,
            time: self.time,
        }
    }

    /// Moves both clocks on; refuses a local clock that goes back.
    fn set_clocks(&mut self, now: Tick, time: UnixNs) -> Result<(), ()> {
        if now < self.now {
            return Err(());
        }
        self.now = now;
        self.time = self.time.max(time);
        Ok(())
    }
}

/// Appends an event. Whoever calls has asked for room.
fn emit(events: &mut EventQueue, event: Event) {
    let pushed = events.push(event);
    debug_assert!(pushed.is_ok(), "an event was caused without room for it");
}

impl Limits {
    /// The memory that a [`TransactionCoordinator`] with these limits takes, part by part.
    ///
    /// It is exact: a test compares it with what the allocator gave out.
    #[must_use]
    pub fn footprint(&self) -> Footprint {
        let [
            transactions,
            payloads,
            senders,
            remembered,
            hints,
            forced,
            bundles,
        ] = TransactionPool::footprint_bytes(self);
        Footprint::default()
            .with("ingress: lanes", self.ingress_footprint())
            .with("pool: transactions", transactions)
            .with("pool: payloads", payloads)
            .with("pool: senders", senders)
            .with("pool: remembered", remembered)
            .with("pool: trades", hints)
            .with("pool: forced inputs", forced)
            .with("pool: bundles", bundles)
            .with("ordering", Arrangement::footprint_bytes(self))
            .with("batch: what slots carry", HeldContext::footprint_bytes())
            .with("batch: building", SlotBuilder::footprint_bytes(self))
            .with("batch: slots in flight", InFlight::footprint_bytes(self))
            .with("batch: slots taken over", DecidedSet::footprint_bytes(self))
            .with("journal", Journal::footprint_bytes(self))
            .with("events", EventQueue::footprint_bytes(self.event_count_max))
            .with(
                "submission",
                fixed_slice_bytes::<u8>(submit::scratch_len(self)),
            )
            .with(
                "what is drained",
                fixed_slice_bytes::<u8>(DrainedBytes::len_max(self.slot_count_max)),
            )
    }
}

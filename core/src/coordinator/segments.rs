//! Forced inputs and bundles: what stands in a slot before and behind the pool segment.

use super::TransactionCoordinator;
use crate::codec::Writer;
use crate::crypto::hash::{Domain, Hasher};
use crate::error::Code;
use crate::event::Ledger;
use crate::journal::{Clocks, Legs, Record};
use crate::limits::BUNDLE_LEG_COUNT_MAX;
use crate::ordering::SlotRoom;
use crate::pool::{Arriving, BundleRefusal, BundleSize, ForcedCounts, ForcedError};
use crate::types::{BundleId, Height, InboxIndex, Submission, Tick, Transaction, TxId, UnixNs};

impl TransactionCoordinator {
    /// Takes in what another chain's inbox forces, under its running number there.
    ///
    /// It stands in the next slots before everything else, in the order of the inbox, and can't be
    /// cancelled, replaced or displaced. What it comes to, an event says when its slot is
    /// acknowledged: [`Code::Included`], or [`Code::Superseded`], [`Code::Evicted`] (a nonce before
    /// its own is missing) and [`Code::Expired`] where it stands there and does nothing. One that
    /// no slot can hold ends at once as evicted, and its index is used up.
    ///
    /// No slot after `deadline` may leave it out while there is room for it; see
    /// [`ForcedAudit`](crate::batch::ForcedAudit). Cost: one hash, and a copy of the payload.
    ///
    /// # Errors
    /// A [`ForcedError`]; nothing changes then, but that clocks move on, and that senders with
    /// nothing in the pool may be forgotten.
    pub fn submit_forced(
        &mut self,
        submission: &Submission<'_>,
        index: InboxIndex,
        deadline: UnixNs,
        now: Tick,
        time: UnixNs,
    ) -> Result<TxId, ForcedError> {
        if self.is_poisoned {
            return Err(ForcedError::Poisoned);
        }
        let transaction = &submission.transaction;
        let is_holdable = transaction.payload.len() <= self.limits.payload_bytes_max as usize
            && self.rooms.others.without(size_of(transaction)).is_some();
        let canonical_len = if is_holdable {
            transaction.encoded_len()
        } else {
            0
        };
        if !self.journal.has_room_for(canonical_len) {
            return Err(ForcedError::JournalFull);
        }
        self.set_clocks(now, time)
            .map_err(|()| ForcedError::TimeWentBack)?;
        let id = id_of(transaction);
        let result = self.admit_forced(id, submission, index, deadline, is_holdable);
        let outcome = result.err().map_or(Code::Admitted, ForcedError::code);
        if is_holdable && self.journal.is_on() {
            let mut out = Writer::new(&mut self.scratch);
            let written = transaction.encode(&mut out);
            debug_assert!(
                written.is_ok(),
                "a holdable transaction fits the memory for one"
            );
            let record = Record::ForcedSubmitted {
                index,
                deadline,
                account_nonce: submission.account_nonce,
                outcome,
                canonical: out.written(),
            };
            let clocks = Clocks {
                now: self.now,
                time: self.time,
            };
            self.journal.write(&record, clocks);
        } else {
            let record = Record::ForcedTooLarge {
                rollup: transaction.envelope.rollup,
                id,
                index,
                outcome,
            };
            self.journal.write(&record, self.clocks());
        }
        result.map(|()| id)
    }

    /// Takes in a forced input, or refuses it, and counts it.
    pub(crate) fn admit_forced(
        &mut self,
        id: TxId,
        submission: &Submission<'_>,
        index: InboxIndex,
        deadline: UnixNs,
        is_holdable: bool,
    ) -> Result<(), ForcedError> {
        let arriving = Arriving {
            id,
            submission,
            tick: self.now,
            time: self.time,
        };
        let mut ledger = Ledger::new(&mut self.events, &mut self.metrics, self.now);
        let result = self
            .pool
            .admit_forced(&arriving, index, deadline, is_holdable, &mut ledger);
        self.count_submitted(1, result.err().map_or(Code::Admitted, ForcedError::code));
        result
    }

    /// Counts what became of transactions that were submitted together.
    pub(crate) fn count_submitted(&mut self, count: usize, code: Code) {
        for _ in 0..count {
            self.metrics.submitted = self.metrics.submitted.saturating_add(1);
            self.metrics.count(code);
        }
    }

    /// Takes in transactions, perhaps of several rollups, that go into one slot together, in this
    /// order and behind the pool segment, or into none.
    ///
    /// The bundle ends as a unit, with an event for each leg, at the latest when `expiry` or that
    /// of a leg has come. Quotas don't count its legs; the limits on bundles hold for all.
    /// [`cancel`](TransactionCoordinator::cancel) with the id of a leg cancels all of it. Cost:
    /// O(legs²), one hash a leg, and a copy of the payloads.
    ///
    /// # Errors
    /// A [`BundleRefusal`] that says which leg is to blame, if one is; nothing changes then, but
    /// that clocks move on, that a remembered cancellation is used up, and that senders with
    /// nothing in the pool may be forgotten.
    pub fn submit_bundle(
        &mut self,
        legs: &[Submission<'_>],
        expiry: UnixNs,
        now: Tick,
        time: UnixNs,
    ) -> Result<BundleId, BundleRefusal> {
        if self.is_poisoned {
            return Err(BundleRefusal::whole(Code::Poisoned));
        }
        let shaped = self.check_shape(legs);
        // A refusal for the shape has a record of its own; a bundle that passes can be recorded.
        let misshapen = shaped.as_ref().err().map(|refusal| refusal.code);
        let record = |result: Result<BundleId, BundleRefusal>| match misshapen {
            Some(outcome) => Record::BundleMisshapen { outcome },
            None => Record::BundleSubmitted {
                expiry,
                outcome: result.err().map_or(Code::Admitted, |refusal| refusal.code),
                blamed: result.err().and_then(|refusal| refusal.leg),
                legs: Legs::Given(legs),
            },
        };
        if !self.journal.has_room(&record(Ok(BundleId::default()))) {
            return Err(BundleRefusal::whole(Code::JournalFull));
        }
        self.set_clocks(now, time)
            .map_err(|()| BundleRefusal::whole(Code::TimeWentBack))?;
        let result = shaped.and_then(|ids| self.pool.admit_bundle(legs, &ids, expiry, self.time));
        // A refusal counts once, an admission once a leg: each leg will end.
        match result {
            Ok(_) => self.count_submitted(legs.len(), Code::Admitted),
            Err(refusal) => self.count_submitted(1, refusal.code),
        }
        self.journal.write(&record(result), self.clocks());
        result
    }

    /// Checks what can be said of a bundle without the pool, and gives the ids of its legs.
    fn check_shape(&self, legs: &[Submission<'_>]) -> Result<LegIds, BundleRefusal> {
        let whole = BundleRefusal::whole;
        if legs.is_empty() {
            return Err(whole(Code::BundleEmpty));
        }
        if legs.len() > self.limits.bundle_leg_count_max as usize {
            return Err(whole(Code::BundleTooLong));
        }
        let size = legs.iter().fold(SlotRoom::NONE, |size, leg| {
            size.plus(size_of(&leg.transaction))
        });
        if self.rooms.others.without(size).is_none() {
            return Err(whole(Code::BundleTooLarge));
        }
        let mut ids = LegIds::new();
        for (at, leg) in (0..).zip(legs) {
            if leg.transaction.payload.len() > self.limits.payload_bytes_max as usize {
                return Err(BundleRefusal {
                    leg: Some(at),
                    code: Code::PayloadTooLarge,
                });
            }
            ids.push(id_of(&leg.transaction))
                .map_err(|_| whole(Code::BundleTooLong))?;
        }
        Ok(ids)
    }

    /// Takes forced inputs into the open slot.
    pub(super) fn take_forced(&mut self) {
        let Self {
            pool,
            policy,
            open,
            builder,
            ..
        } = self;
        let Some(open) = open else { return };
        let (mut left, mut others) = (open.left, open.others_left);
        open.forced = pool.take_forced(open.time, &*policy, &mut |bytes, gas| {
            let size = SlotRoom {
                count: 1,
                bytes,
                gas: gas.get(),
            };
            take_room(&mut left, &mut others, size)
        });
        (open.left, open.others_left) = (left, others);
        open.first_positions = open.forced;
        let promised = builder.promise_forced(pool, &open.forced, &mut open.promised);
        self.is_poisoned |= promised.is_err();
    }

    /// Takes bundles into the open slot, behind all else.
    pub(super) fn take_bundles(&mut self) {
        let Self {
            pool,
            policy,
            open,
            in_flight,
            in_flight_count,
            events,
            metrics,
            now,
            ..
        } = self;
        let (Some(open), Some(flight)) = (open, in_flight.get_mut(*in_flight_count)) else {
            return;
        };
        let mut ledger = Ledger::new(events, metrics, *now);
        let (mut left, mut others) = (open.left, open.others_left);
        let mut leg_count = 0_u32;
        let mut fits = |size: BundleSize| {
            let is_taken = take_room(&mut left, &mut others, room_of(size));
            leg_count = leg_count.saturating_add(if is_taken { size.count } else { 0 });
            is_taken
        };
        open.bundle_count = pool.take_bundles(
            open.time,
            &*policy,
            flight.bundles_mut(),
            &mut fits,
            &mut ledger,
        );
        open.leg_count = leg_count;
    }

    /// How many events the acknowledgement of the oldest slot causes.
    pub(super) fn settled_event_count(&self) -> usize {
        self.in_flight.first().map_or(0, |flight| {
            let forced = flight.forced().iter().map(|count| *count as usize);
            forced
                .fold(flight.taken().len(), usize::saturating_add)
                .saturating_add(self.pool.forced_shadow_count(flight.forced()))
                .saturating_add(self.pool.bundle_event_count(flight.bundles()))
                .saturating_add(flight.no_ops().len())
        })
    }

    /// Ends the forced inputs of the oldest slot: the first step of settling it.
    pub(super) fn settle_forced(&mut self, height: Height, positions: &mut ForcedCounts) {
        let Some(flight) = self.in_flight.first() else {
            return;
        };
        // What the slot uses is noted as of its time, by all its segments.
        self.pool.set_decided_time(flight.time());
        let mut ledger = Ledger::new(&mut self.events, &mut self.metrics, self.now);
        self.pool
            .acknowledge_forced(flight.forced(), height, positions, &mut ledger);
    }

    /// Ends the bundles of the oldest slot.
    pub(super) fn settle_bundles(&mut self, height: Height, positions: &mut ForcedCounts) {
        let Some(flight) = self.in_flight.first() else {
            return;
        };
        let mut ledger = Ledger::new(&mut self.events, &mut self.metrics, self.now);
        for handle in flight.bundles() {
            let ended = self
                .pool
                .acknowledge_bundle(*handle, height, positions, &mut ledger);
            self.is_poisoned |= !ended;
        }
    }
}

/// The ids of a bundle's legs.
type LegIds = heapless::Vec<TxId, BUNDLE_LEG_COUNT_MAX>;

/// Takes room out of the slot and out of one side's part; false, and nothing taken, if it is not
/// there in both.
pub(super) fn take_room(slot: &mut SlotRoom, part: &mut SlotRoom, size: SlotRoom) -> bool {
    let (Some(slot_after), Some(part_after)) = (slot.without(size), part.without(size)) else {
        return false;
    };
    (*slot, *part) = (slot_after, part_after);
    true
}

/// What a bundle takes of a slot.
pub(super) const fn room_of(size: BundleSize) -> SlotRoom {
    let BundleSize { count, bytes, gas } = size;
    SlotRoom { count, bytes, gas }
}

/// What a transaction takes of a slot; more than any slot has where its length has no number.
fn size_of(transaction: &Transaction<'_>) -> SlotRoom {
    SlotRoom {
        count: 1,
        bytes: u32::try_from(transaction.encoded_len()).unwrap_or(u32::MAX),
        gas: transaction.envelope.gas.get(),
    }
}

/// A transaction's identity, however long it is.
fn id_of(transaction: &Transaction<'_>) -> TxId {
    let mut header = [0; Transaction::HEADER_LEN as usize];
    let mut out = Writer::new(&mut header);
    let payload_len = u32::try_from(transaction.payload.len()).unwrap_or(u32::MAX);
    let written = transaction.envelope.encode_header(payload_len, &mut out);
    debug_assert!(written.is_ok(), "HEADER_LEN is the header's length");
    let mut hasher = Hasher::new(Domain::TRANSACTION);
    hasher.update(out.written());
    hasher.update(transaction.payload);
    TxId::from_hash(hasher.finish())
}

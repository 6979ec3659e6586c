//! Slots whose order receive logs give: exactly what a cut drained, and nothing else of the pool.

use alloc::boxed::Box;
use core::fmt;

use super::adopt::adopted_record_bytes_max;
use super::in_flight::{NoOp, NoOpCode};
use super::{SealError, Slot, TransactionCoordinator};
use crate::batch::DrainedBytes;
use crate::bounded::fixed_slice;
use crate::codec::Writer;
use crate::config::{Config, ConfigError, Policy};
use crate::crypto::hash::transaction_id;
use crate::error::Code;
use crate::event::Ledger;
use crate::journal::Record;
use crate::limits::{CHANGES_BYTES_MAX, JournalBytes, Limits, ROLLUP_COUNT_MAX};
use crate::ordering::SlotRoom;
use crate::ordering::fair::stream::{DrainOutcome, Drained};
use crate::pool::{AdmissionError, ForcedCounts, LogMarkError};
use crate::receive_log::Cut;
use crate::types::{Epoch, Hash, Height, Submission, Tick, TxId, UnixNs};

/// Why no slot was taken of what was drained. Nothing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DrainRefusal {
    /// Why.
    pub code: Code,
    /// The drained id that is to blame, if one is.
    pub id: Option<TxId>,
}

impl DrainRefusal {
    const fn whole(code: Code) -> Self {
        Self { code, id: None }
    }

    const fn of(code: Code, one: &Drained) -> Self {
        Self {
            code,
            id: Some(one.id.id),
        }
    }
}

impl fmt::Display for DrainRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code.message())?;
        self.id.map_or(Ok(()), |id| write!(f, ": {id}"))
    }
}

impl core::error::Error for DrainRefusal {}

impl TransactionCoordinator {
    /// What the pool segment of the next slot can hold: the slot without the share that is kept
    /// from it, and without the forced inputs that will be taken.
    ///
    /// The decided state drains within it; see [`FairSetup::slots`](crate::ordering::FairSetup).
    /// No-ops count as transactions without bytes and gas. Pressure changes nothing here, because
    /// everybody computes the same slot. Cost: O(forced inputs · rollups).
    #[must_use]
    pub fn pool_room(&self) -> SlotRoom {
        let open = self.new_open(self.time, SlotRoom::UNLIMITED);
        let (mut left, mut others) = (open.left, open.others_left);
        self.pool.peek_forced(&mut |bytes, gas| {
            let gas = gas.get();
            let count = 1;
            super::segments::take_room(&mut left, &mut others, SlotRoom { count, bytes, gas })
        });
        left.min(open.pool_left)
    }

    /// Takes the next slot under a policy that orders by receive logs: its pool segment holds
    /// exactly what `drained` says is included, in that order within each rollup, and its evidence
    /// the cut and the no-ops.
    ///
    /// The state root was said before, by
    /// [`set_slot_context`](TransactionCoordinator::set_slot_context): the decided state's behind
    /// the cut. Its time is `time`, the one that the cut gives, or the slot's before it where that
    /// is later. What is drained is marked as held by a log, if it was not. The pool may lack a
    /// no-op: that has no end here then. Forced inputs stand before and bundles behind, as in any
    /// slot. Cost: O(log n) and one copy a transaction.
    ///
    /// # Errors
    /// A [`DrainRefusal`]; nothing changes then. [`Code::StateRootMissing`] without a state root;
    /// [`Code::BodyMissing`] names an id that is included and that the pool lacks: submit its body
    /// by [`submit_logged`](TransactionCoordinator::submit_logged), and take again.
    pub fn take_drained(
        &mut self,
        now: Tick,
        time: UnixNs,
        cut: &Cut,
        drained: &[Drained],
    ) -> Result<Slot<'_>, DrainRefusal> {
        let mut scratch = core::mem::take(&mut self.drained_scratch.bytes);
        let mut out = Writer::new(&mut scratch);
        let written = DrainedBytes::write(cut, drained, &mut out);
        let len = out.len();
        let bytes = scratch.get(..len).unwrap_or_default();
        let taken = match written {
            Ok(()) => self.take_recorded(now, time, bytes),
            Err(_) => Err(DrainRefusal::whole(Code::DrainedTooMuch)),
        };
        self.drained_scratch.bytes = scratch;
        let height = taken?;
        let poisoned = DrainRefusal::whole(Code::Poisoned);
        self.slot(height).ok_or(poisoned)
    }

    /// The same of what a journal recorded; returns the slot's height.
    pub(crate) fn take_recorded(
        &mut self,
        now: Tick,
        time: UnixNs,
        bytes: &[u8],
    ) -> Result<Height, DrainRefusal> {
        let whole = DrainRefusal::whole;
        let drained = DrainedBytes::read(bytes).map_err(|error| whole(error.code()))?;
        self.check_can_drain(now, &drained).map_err(whole)?;
        let time = time.max(self.tip.time);
        self.check_drained(time, &drained)?;
        let record = |height, hash| Record::Drained {
            time,
            outcome: (height, hash),
            bytes,
        };
        if !self.journal.has_room(&record(Height::ZERO, Hash::ZERO)) {
            return Err(whole(Code::JournalFull));
        }
        self.set_clocks(now, time)
            .map_err(|()| whole(Code::TimeWentBack))?;
        self.open = Some(self.new_open(time, SlotRoom::UNLIMITED));
        self.take_forced();
        self.take_included(&drained);
        self.take_no_ops(&drained);
        let mut ledger = Ledger::new(&mut self.events, &mut self.metrics, self.now);
        self.pool.expire(time, &mut ledger);
        self.take_bundles();
        self.arrangement.clear();
        let sealed = self
            .seal_open(Hash::ZERO, drained)
            .map(|slot| (slot.header.height, slot.hash));
        let (height, hash) = sealed.map_err(|error: SealError| whole(error.code()))?;
        let clocks = self.clocks();
        self.journal.write(&record(height, hash), clocks);
        Ok(height)
    }

    /// Whether a slot can be taken at all.
    fn check_can_drain(&self, now: Tick, drained: &DrainedBytes<'_>) -> Result<(), Code> {
        let first_count = self.policy.log_count().ok_or(Code::NotOrderedByLogs)?;
        if self.is_poisoned {
            Err(Code::Poisoned)
        } else if self.open.is_some() {
            Err(Code::SlotOpen)
        } else if self.in_flight_count == self.in_flight.len() {
            Err(Code::TooManyInFlight)
        } else if now < self.now {
            Err(Code::TimeWentBack)
        } else if self.context.get().state_root == Hash::ZERO {
            Err(Code::StateRootMissing)
        } else if !self.can_have_cut(drained.cut.len(), first_count) {
            Err(Code::WrongLogCount)
        } else {
            Ok(())
        }
    }

    /// Whether a cut is as long as one of this epoch can be: of the first one exactly, of a later
    /// one up to that of the largest committee.
    fn can_have_cut(&self, len: usize, first_count: u8) -> bool {
        let longest = Cut::encoded_len_of(self.drained_scratch.log_count_max.into());
        match self.tip.epoch {
            Epoch::ZERO => len == Cut::encoded_len_of(first_count.into()),
            _ => (Cut::encoded_len_of(1)..=longest).contains(&len),
        }
    }

    /// Whether the pool holds what is included, as it is drained, and the slot has room for it.
    fn check_drained(
        &mut self,
        time: UnixNs,
        drained: &DrainedBytes<'_>,
    ) -> Result<(), DrainRefusal> {
        let mut left = self.pool_room();
        let too_much = DrainRefusal::whole(Code::DrainedTooMuch);
        let places = self.arrangement.places_mut();
        let mut found = 0_usize;
        for one in drained.iter() {
            let refused = |code| Err(DrainRefusal::of(code, &one));
            if !self.rollups.iter().any(|own| own.id == one.id.rollup) {
                return refused(Code::UnknownRollup);
            }
            let known = self.pool.find(one.id.id);
            let is_included = one.outcome == DrainOutcome::Included;
            let mut size = SlotRoom {
                count: 1,
                ..SlotRoom::NONE
            };
            if let Some(own) = known {
                let envelope = &own.candidate.envelope;
                let is_own = envelope.rollup == one.id.rollup
                    && own.candidate.encoded_len == one.id.body_bytes;
                if is_included {
                    if own.is_taken {
                        return refused(Code::DrainedTwice);
                    } else if !is_own {
                        return refused(Code::WrongBody);
                    } else if envelope.expiry <= time {
                        return refused(Code::ExpiredIncluded);
                    }
                    size.bytes = own.candidate.encoded_len;
                    size.gas = envelope.gas.get();
                }
                if is_own && !own.is_taken {
                    *places.get_mut(found).ok_or(too_much)? = own.handle.index;
                    found = found.saturating_add(1);
                }
            } else if is_included {
                return refused(Code::BodyMissing);
            }
            left = left.without(size).ok_or(too_much)?;
        }
        let found = places.get_mut(..found).unwrap_or_default();
        found.sort_unstable();
        if found.is_sorted_by(|before, after| before < after) {
            Ok(())
        } else {
            Err(DrainRefusal::whole(Code::DrainedTwice))
        }
    }

    /// Takes what is included into the open slot.
    fn take_included(&mut self, drained: &DrainedBytes<'_>) {
        let flight = self.in_flight.get_mut(self.in_flight_count);
        let (Some(open), Some(flight)) = (&mut self.open, flight) else {
            return;
        };
        let included = drained
            .iter()
            .filter(|one| one.outcome == DrainOutcome::Included);
        for one in included {
            let own = self.pool.find(one.id.id);
            let place = flight.handles_from(open.count).first_mut();
            let (Some(own), Some(place)) = (own, place) else {
                self.is_poisoned = true;
                return;
            };
            *place = own.handle;
            self.is_poisoned |= self.pool.take_drained(own.handle).is_err();
            let used = SlotRoom {
                count: 1,
                bytes: own.candidate.encoded_len,
                gas: own.candidate.envelope.gas.get(),
            };
            open.left = open.left.minus(used);
            open.count = open.count.saturating_add(1);
        }
        // A no-op takes its place from those behind.
        let no_ops = drained.len().saturating_sub(open.count);
        open.left.count = open.left.count.saturating_sub(no_ops as u32);
    }

    /// Takes what is a no-op, as far as the pool has it, rollup by rollup.
    fn take_no_ops(&mut self, drained: &DrainedBytes<'_>) {
        let Some(flight) = self.in_flight.get_mut(self.in_flight_count) else {
            return;
        };
        flight.clear_no_ops();
        for rollup in &self.rollups {
            for row in drained.no_ops(rollup.id) {
                let own = self.pool.find(row.id).filter(|own| {
                    let candidate = &own.candidate;
                    !own.is_taken
                        && candidate.envelope.rollup == rollup.id
                        && candidate.encoded_len == row.body_bytes
                });
                let (Some(own), Some(code)) = (own, NoOpCode::of(row.outcome)) else {
                    continue;
                };
                let is_noted = flight.push_no_op(NoOp {
                    handle: own.handle,
                    position: row.position,
                    code,
                });
                let is_taken = self.pool.take_drained(own.handle).is_ok();
                self.is_poisoned |= !is_noted || !is_taken;
            }
        }
    }

    /// Ends the no-ops of the oldest slot; `starts` are the positions at which the pool segments of
    /// the rollups begin.
    pub(super) fn settle_no_ops(&mut self, height: Height, starts: &ForcedCounts) {
        let Some(flight) = self.in_flight.first() else {
            return;
        };
        let mut ledger = Ledger::new(&mut self.events, &mut self.metrics, self.now);
        for no_op in flight.no_ops() {
            let code = no_op.code.code();
            let Ok(own) = self.pool.acknowledge_no_op(no_op.handle, code) else {
                self.is_poisoned = true;
                return;
            };
            let rollup = own.candidate.envelope.rollup;
            let heap = self.rollups.iter().position(|own| own.id == rollup);
            let start = heap.and_then(|heap| starts.get(heap)).copied();
            let position = start.unwrap_or(0).saturating_add(no_op.position);
            ledger.end_in_slot(code, own.candidate.id, rollup, height, position);
        }
    }

    /// Says that a receive log holds a transaction, or that none does any more.
    ///
    /// What a log holds stays in the pool until a slot drains it: it is not displaced, replaced or
    /// cancelled, and expires at draining only. A host says so before it signs its own log's entry,
    /// and of what decided cuts show; and takes it back for an id that lapsed from every log. Cost:
    /// O(log n).
    ///
    /// # Errors
    /// A [`LogMarkError`]; nothing changes then.
    pub fn mark_logged(&mut self, id: TxId, is_logged: bool) -> Result<(), LogMarkError> {
        if self.is_poisoned {
            return Err(LogMarkError::Poisoned);
        }
        let record = Record::LogMarked { id, is_logged };
        if !self.journal.has_room(&record) {
            return Err(LogMarkError::JournalFull);
        }
        self.pool.set_logged(id, is_logged)?;
        self.journal.write(&record, self.clocks());
        Ok(())
    }

    /// Takes in the body of an id that a decided cut shows, past fees, quotas and clocks, and marks
    /// it as held by a log; a body that is there already is only marked.
    ///
    /// What no log holds may be displaced for it. Cost: as
    /// [`submit`](TransactionCoordinator::submit).
    ///
    /// # Errors
    /// The code says why it was refused; the pool is as it was before.
    pub fn submit_logged(
        &mut self,
        submission: &Submission<'_>,
        now: Tick,
        time: UnixNs,
    ) -> Result<TxId, Code> {
        if !self.policy.orders_by_logs() {
            return Err(Code::NotOrderedByLogs);
        }
        if self.is_poisoned {
            return Err(Code::Poisoned);
        }
        let transaction = &submission.transaction;
        if transaction.payload.len() > self.limits.payload_bytes_max as usize {
            return Err(Code::PayloadTooLarge);
        }
        if !self.journal.has_room_for(transaction.encoded_len()) {
            return Err(Code::JournalFull);
        }
        self.set_clocks(now, time)
            .map_err(|()| Code::TimeWentBack)?;
        let mut scratch = core::mem::take(&mut self.scratch);
        let mut out = Writer::new(&mut scratch);
        let written = transaction.encode(&mut out);
        debug_assert!(written.is_ok(), "the scratch memory holds any transaction");
        let len = out.len();
        let canonical = scratch.get(..len).unwrap_or_default();
        let id = transaction_id(canonical);
        let result = self.submit_known(id, submission, canonical);
        self.scratch = scratch;
        result.map(|()| id).map_err(AdmissionError::code)
    }
}

/// Where what is drained is written down before it is taken.
#[derive(Debug)]
pub(super) struct DrainedScratch {
    bytes: Box<[u8]>,
    /// The most logs that a cut of any epoch goes through; 0 where logs give no order.
    log_count_max: u16,
}

impl DrainedScratch {
    pub fn new(config: &Config, limits: &Limits) -> Self {
        let first_count = config.policy.log_count();
        Self {
            bytes: fixed_slice(DrainedBytes::len_max(limits.slot_count_max), 0),
            log_count_max: first_count.map_or(0, |count| config.log_count_max(count)),
        }
    }
}

impl TransactionCoordinator {
    /// Bytes of the longest record of the journal.
    pub(crate) fn journal_record_bytes_max(&self) -> u64 {
        let context = JournalBytes::CONTEXT.saturating_add(CHANGES_BYTES_MAX.into());
        let of_limits = self.limits.journal_record_bytes_max().max(context);
        if self.policy.orders_by_logs() {
            of_limits.max(drained_record_bytes_max(&self.limits))
        } else {
            of_limits.max(adopted_record_bytes_max(&self.limits))
        }
    }
}

/// Bytes of the longest record of a slot that was drained.
const fn drained_record_bytes_max(limits: &Limits) -> u64 {
    let bytes = DrainedBytes::len_max(limits.slot_count_max) as u64;
    JournalBytes::TAKEN.saturating_add(bytes)
}

/// Checks that a journal, if there is one, has room for the longest record.
pub(super) fn check_journal(policy: Policy, limits: &Limits) -> Result<(), ConfigError> {
    let bytes = JournalBytes::HEAD.saturating_add(drained_record_bytes_max(limits));
    let journal = u64::from(limits.journal_bytes_max);
    if policy.orders_by_logs() && journal > 0 && journal < bytes {
        Err(ConfigError::LimitsContradict)
    } else {
        Ok(())
    }
}

const _: () = assert!(ROLLUP_COUNT_MAX == size_of::<ForcedCounts>() / size_of::<u32>());

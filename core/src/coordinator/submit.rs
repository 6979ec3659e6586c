//! How transactions get in.

use super::{TransactionCoordinator, emit};
use crate::codec::{DecodeError, Writer};
use crate::config::Policy;
use crate::crypto::hash::{Domain, MICRO_BATCH, hash_many, transaction_id};
use crate::error::{Code, operation_error};
use crate::event::{Event, EventQueue, Ledger};
use crate::ingress::IngressItem;
use crate::journal::{Clocks, Journal, Record};
use crate::limits::Limits;
use crate::metrics::Metrics;
use crate::pool::{AdmissionError, Arriving, TransactionPool};
use crate::types::{Hash, RollupId, Submission, Tick, Transaction, TxId, UnixNs};

operation_error! {
    /// Why a whole call was refused. No transaction of it was looked at.
    SubmitError { TimeWentBack, JournalFull, Poisoned }
}

/// What became of one submitted transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Admission {
    /// Its identity; zero where its payload is longer than the limit, so that it has none.
    pub id: TxId,
    /// Why it was refused, if it was.
    pub result: Result<(), AdmissionError>,
}

/// How far [`TransactionCoordinator::handle_ingress`] came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IngressProgress {
    /// Transactions that were taken out of the lanes; an event says of each what became of it.
    pub handled: usize,
    /// Whether the lanes were found empty. If not, read the events, drain the journal where there
    /// is one, and call again.
    pub is_finished: bool,
}

/// Bytes for the canonical form of what is submitted together: one transaction of any length, or a
/// micro-batch of ordinary ones.
pub(super) const fn scratch_len(limits: &Limits) -> usize {
    let (one, many) = (limits.transaction_bytes_max() as usize, MICRO_BATCH * 512);
    if one > many { one } else { many }
}

impl TransactionCoordinator {
    /// Submits one transaction, on the owner's thread.
    ///
    /// # Errors
    /// The code says why it was refused, whose fault that is, and whether it can be tried again.
    /// The pool is as it was before.
    pub fn submit(
        &mut self,
        submission: &Submission<'_>,
        now: Tick,
        time: UnixNs,
    ) -> Result<TxId, Code> {
        let mut outcome = None;
        self.submit_batch(core::iter::once(*submission), now, time, |admission| {
            outcome = Some(admission);
        })
        .map_err(SubmitError::code)?;
        let admission = outcome.ok_or(Code::InvalidArgument)?;
        admission
            .result
            .map(|()| admission.id)
            .map_err(AdmissionError::code)
    }

    /// Submits transactions in their order; `report` hears of each in the same order.
    ///
    /// Their ids are hashed in micro-batches. Where the journal has no more room, the rest is
    /// refused as [`AdmissionError::JournalFull`], and not looked at.
    ///
    /// # Errors
    /// A [`SubmitError`]; then `report` was not called, and nothing changed.
    pub fn submit_batch<'a>(
        &mut self,
        submissions: impl IntoIterator<Item = Submission<'a>>,
        now: Tick,
        time: UnixNs,
        mut report: impl FnMut(Admission),
    ) -> Result<(), SubmitError> {
        if self.is_poisoned {
            return Err(SubmitError::Poisoned);
        }
        let mut submissions = submissions.into_iter().peekable();
        if let Some(first) = submissions.peek()
            && !self.journal.has_room_for(first.transaction.encoded_len())
        {
            return Err(SubmitError::JournalFull);
        }
        self.set_clocks(now, time)
            .map_err(|()| SubmitError::TimeWentBack)?;
        while submissions.peek().is_some() {
            self.submit_micro_batch(&mut submissions, &mut report);
        }
        Ok(())
    }

    /// Takes transactions out of the lanes and admits or refuses them, in micro-batches.
    ///
    /// An event says what became of each, [`Code::Admitted`] or why it was refused, so this stops
    /// where the events or the journal have no more room. Transactions that were not handled stay
    /// in their lanes.
    /// Cost: as [`TransactionCoordinator::submit_batch`], and one look at each lane a transaction.
    ///
    /// # Errors
    /// A [`SubmitError`]; nothing changes then.
    pub fn handle_ingress(
        &mut self,
        now: Tick,
        time: UnixNs,
    ) -> Result<IngressProgress, SubmitError> {
        if self.is_poisoned {
            return Err(SubmitError::Poisoned);
        }
        self.set_clocks(now, time)
            .map_err(|()| SubmitError::TimeWentBack)?;
        let mut handled = 0_usize;
        loop {
            let count_max = self.events.room().min(MICRO_BATCH);
            let count = self.ingress.pop_batch(count_max).min(count_max);
            let admitted = self.admit_from_lanes(count);
            self.ingress.recycle_first(admitted);
            handled = handled.saturating_add(admitted);
            if admitted < MICRO_BATCH {
                let is_finished = admitted == count && count < count_max;
                return Ok(IngressProgress {
                    handled,
                    is_finished,
                });
            }
        }
    }

    /// Admits or refuses the first `count` transactions of the batch that left the lanes; returns
    /// how many it came to before the events had no more room.
    fn admit_from_lanes(&mut self, count: usize) -> usize {
        let Self {
            ingress,
            pool,
            metrics,
            events,
            journal,
            policy,
            limits,
            now,
            time,
            ..
        } = self;
        let mut ids = [Hash::ZERO; MICRO_BATCH];
        let mut messages: [&[u8]; MICRO_BATCH] = [&[]; MICRO_BATCH];
        for (message, item) in messages.iter_mut().zip(ingress.batch()) {
            *message = item.canonical;
        }
        let messages = messages.get(..count).unwrap_or_default();
        hash_many(Domain::TRANSACTION, messages, &mut ids);
        let clocks = Clocks {
            now: *now,
            time: *time,
        };
        let mut gate = Gate {
            pool,
            metrics,
            events,
            journal,
            policy,
            payload_bytes_max: limits.payload_bytes_max,
            clocks,
        };
        for (at, (item, id)) in (0..).zip(ingress.batch().take(count).zip(ids)) {
            if gate.handle_item(TxId::from_hash(id), &item).is_none() {
                return at;
            }
        }
        count
    }

    /// Takes as many submissions as the scratch memory can hold, at least one.
    fn submit_micro_batch<'a, I: Iterator<Item = Submission<'a>>>(
        &mut self,
        submissions: &mut core::iter::Peekable<I>,
        report: &mut impl FnMut(Admission),
    ) {
        let payload_bytes_max = self.limits.payload_bytes_max as usize;
        let is_too_long =
            |next: &Submission<'_>| next.transaction.payload.len() > payload_bytes_max;
        while submissions.next_if(is_too_long).is_some() {
            // Its canonical bytes fit nowhere, so it gets no id.
            let result = Err(self.gate().refuse_too_long());
            report(Admission {
                id: TxId::ZERO,
                result,
            });
        }
        let mut gathered = heapless::Vec::<Submission<'a>, MICRO_BATCH>::new();
        let mut out = Writer::new(&mut self.scratch);
        while !gathered.is_full() {
            let room = out.room();
            let fits = |next: &Submission<'_>| {
                !is_too_long(next) && next.transaction.encoded_len() <= room
            };
            let Some(submission) = submissions.next_if(fits) else {
                break;
            };
            let written = submission.transaction.encode(&mut out);
            let pushed = gathered.push(submission);
            debug_assert!(written.is_ok() && pushed.is_ok(), "there was room for both");
        }
        let mut ids = [Hash::ZERO; MICRO_BATCH];
        let mut messages: [&[u8]; MICRO_BATCH] = [&[]; MICRO_BATCH];
        let mut rest = out.written();
        for (submission, message) in gathered.iter().zip(&mut messages) {
            (*message, rest) = rest
                .split_at_checked(submission.transaction.encoded_len())
                .unwrap_or_default();
        }
        let messages = messages.get(..gathered.len()).unwrap_or_default();
        hash_many(Domain::TRANSACTION, messages, &mut ids);
        let mut gate = Gate {
            pool: &mut self.pool,
            metrics: &mut self.metrics,
            events: &mut self.events,
            journal: &mut self.journal,
            policy: &self.policy,
            payload_bytes_max: self.limits.payload_bytes_max,
            clocks: Clocks {
                now: self.now,
                time: self.time,
            },
        };
        for ((submission, canonical), id) in gathered.iter().zip(messages).zip(ids) {
            let id = TxId::from_hash(id);
            let result = gate.submit(id, submission, canonical);
            report(Admission { id, result });
        }
    }

    /// Handles a transaction that a journal recorded as it was handled then; says what became of
    /// it, or nothing where it came directly and its bytes are no transaction.
    pub(crate) fn replay_submitted(
        &mut self,
        is_from_lane: bool,
        is_logged: bool,
        item: &IngressItem<'_>,
    ) -> Option<Code> {
        let id = transaction_id(item.canonical);
        let mut gate = self.gate();
        if is_from_lane {
            // One that stays in its lane has met full events, and no other reason is recorded.
            return Some(gate.handle_item(id, item).unwrap_or(Code::EventsFull));
        }
        let submission = gate.decode(item).ok()?;
        let result = match is_logged {
            true => gate.submit_logged(id, &submission, item.canonical),
            false => gate.submit(id, &submission, item.canonical),
        };
        Some(result.err().map_or(Code::Admitted, AdmissionError::code))
    }

    /// Takes in a transaction whose id and bytes are known and that a decided cut shows.
    pub(super) fn submit_known(
        &mut self,
        id: TxId,
        submission: &Submission<'_>,
        canonical: &[u8],
    ) -> Result<(), AdmissionError> {
        self.gate().submit_logged(id, submission, canonical)
    }

    /// Counts a transaction that a journal recorded as longer than the limit.
    pub(crate) fn replay_too_long(&mut self) {
        self.gate().refuse_too_long();
    }

    fn gate(&mut self) -> Gate<'_> {
        let clocks = self.clocks();
        Gate {
            pool: &mut self.pool,
            metrics: &mut self.metrics,
            events: &mut self.events,
            journal: &mut self.journal,
            policy: &self.policy,
            payload_bytes_max: self.limits.payload_bytes_max,
            clocks,
        }
    }
}

/// What admission needs of a coordinator.
struct Gate<'a> {
    pool: &'a mut TransactionPool,
    metrics: &'a mut Metrics,
    events: &'a mut EventQueue,
    journal: &'a mut Journal,
    policy: &'a Policy,
    payload_bytes_max: u32,
    clocks: Clocks,
}

impl Gate<'_> {
    /// Admits or refuses a transaction that was submitted directly, and records it.
    fn submit(
        &mut self,
        id: TxId,
        submission: &Submission<'_>,
        canonical: &[u8],
    ) -> Result<(), AdmissionError> {
        if !self.journal.has_room_for(canonical.len()) {
            return Err(AdmissionError::JournalFull);
        }
        let result = self.admit(id, submission, 0);
        self.record(submission, canonical, result, false);
        result
    }

    /// Admits or refuses a transaction that a decided cut shows, and records it.
    fn submit_logged(
        &mut self,
        id: TxId,
        submission: &Submission<'_>,
        canonical: &[u8],
    ) -> Result<(), AdmissionError> {
        let Clocks { now, time } = self.clocks;
        let arriving = Arriving {
            id,
            submission,
            tick: now,
            time,
        };
        let is_new = self.pool.find(id).is_none();
        let mut ledger = Ledger::new(self.events, self.metrics, now);
        let result = self.pool.admit_logged(&arriving, self.policy, &mut ledger);
        let result = result.map(|_| ());
        if is_new || result.is_err() {
            self.record(submission, canonical, result, true);
        } else {
            let is_logged = true;
            let record = Record::LogMarked { id, is_logged };
            self.journal.write(&record, self.clocks);
        }
        result
    }

    /// Counts what became of a transaction that was submitted directly, and records it.
    fn record(
        &mut self,
        submission: &Submission<'_>,
        canonical: &[u8],
        result: Result<(), AdmissionError>,
        is_logged: bool,
    ) {
        let outcome = result.err().map_or(Code::Admitted, AdmissionError::code);
        self.count(outcome);
        let record = Record::Submitted {
            is_from_lane: false,
            is_logged,
            account_nonce: submission.account_nonce,
            origin: submission.origin,
            hint: submission.hint.filter(|_| self.policy.needs_hints()),
            outcome,
            canonical,
        };
        self.journal.write(&record, self.clocks);
    }

    /// Admits or refuses a transaction from a lane, says so by an event, and records it. Nothing
    /// where it has to stay in its lane until there is room for that.
    fn handle_item(&mut self, id: TxId, item: &IngressItem<'_>) -> Option<Code> {
        if self.events.room() == 0 || !self.journal.has_room_for(item.canonical.len()) {
            return None;
        }
        let (rollup, result) = match self.decode(item) {
            Ok(submission) => {
                // One place stays free to say what became of this one.
                let result = self.admit(id, &submission, 1);
                let rollup = submission.transaction.envelope.rollup;
                (rollup, result.map_err(AdmissionError::code))
            }
            Err(error) => (RollupId::ZERO, Err(error.code())),
        };
        let outcome = result.err().unwrap_or(Code::Admitted);
        let is_handled = outcome != Code::EventsFull;
        if is_handled {
            self.count(outcome);
            let event = Event::outside_slot(outcome, id, rollup, self.clocks.now);
            emit(self.events, event);
        }
        // Also where it stays: its predecessors may have ended on its behalf.
        let record = Record::Submitted {
            is_from_lane: true,
            is_logged: false,
            account_nonce: item.account_nonce,
            origin: item.origin,
            hint: item.hint.filter(|_| self.policy.needs_hints()),
            outcome,
            canonical: item.canonical,
        };
        self.journal.write(&record, self.clocks);
        is_handled.then_some(outcome)
    }

    fn decode<'b>(&self, item: &IngressItem<'b>) -> Result<Submission<'b>, DecodeError> {
        Ok(Submission {
            transaction: Transaction::decode(item.canonical, self.payload_bytes_max)?,
            account_nonce: item.account_nonce,
            origin: item.origin,
            hint: item.hint,
        })
    }

    /// Counts a transaction whose payload is longer than the limit, and says why it is refused.
    fn refuse_too_long(&mut self) -> AdmissionError {
        if !self.journal.has_room(&Record::TooLong) {
            return AdmissionError::JournalFull;
        }
        self.count(Code::PayloadTooLarge);
        self.journal.write(&Record::TooLong, self.clocks);
        AdmissionError::PayloadTooLarge
    }

    /// Admits one transaction whose id is known.
    ///
    /// `kept` places for events are left to the caller.
    fn admit(
        &mut self,
        id: TxId,
        submission: &Submission<'_>,
        kept: usize,
    ) -> Result<(), AdmissionError> {
        let Clocks { now, time } = self.clocks;
        let arriving = Arriving {
            id,
            submission,
            tick: now,
            time,
        };
        let mut ledger = Ledger::new(self.events, self.metrics, now).keeping(kept);
        self.pool
            .admit(&arriving, self.policy, &mut ledger)
            .map(|_| ())
    }

    fn count(&mut self, outcome: Code) {
        self.metrics.submitted = self.metrics.submitted.saturating_add(1);
        self.metrics.count(outcome);
    }
}

//! How transactions get in.

use super::{TransactionCoordinator, emit};
use crate::codec::Writer;
use crate::config::Policy;
use crate::crypto::hash::{Domain, MICRO_BATCH, hash_many};
use crate::error::{Code, operation_error};
use crate::event::{Event, EventQueue, Ledger};
use crate::ingress::IngressItem;
use crate::limits::Limits;
use crate::metrics::Metrics;
use crate::pool::{AdmissionError, Arriving, TransactionPool};
use crate::types::{Hash, RollupId, Submission, Tick, Transaction, TxId, UnixNs};

operation_error! {
    /// Why a whole call was refused. No transaction of it was looked at.
    SubmitError { TimeWentBack, Poisoned }
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
    /// Whether the lanes were found empty. If not, read the events and call again.
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
    /// Their ids are hashed in micro-batches.
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
        self.set_clocks(now, time)
            .map_err(|()| SubmitError::TimeWentBack)?;
        let mut submissions = submissions.into_iter().peekable();
        while submissions.peek().is_some() {
            self.submit_micro_batch(&mut submissions, &mut report);
        }
        Ok(())
    }

    /// Takes transactions out of the lanes and admits or refuses them, in micro-batches.
    ///
    /// An event says what became of each, [`Code::Admitted`] or why it was refused, so this stops
    /// where the events have no more room. Transactions that were not handled stay in their lanes.
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
        let mut gate = Gate {
            pool,
            metrics,
            events,
            policy,
            now: *now,
            time: *time,
        };
        for (at, (item, id)) in (0..).zip(ingress.batch().take(count).zip(ids)) {
            let id = TxId::from_hash(id);
            let decoded = Transaction::decode(item.canonical, limits.payload_bytes_max);
            let (rollup, result) = match decoded {
                Ok(transaction) => {
                    let IngressItem {
                        account_nonce,
                        origin,
                        hint,
                        ..
                    } = item;
                    let submission = Submission {
                        transaction,
                        account_nonce,
                        origin,
                        hint,
                    };
                    // One place stays free to say what became of this one.
                    let result = gate.admit(id, &submission, 1).map_err(AdmissionError::code);
                    (transaction.envelope.rollup, result)
                }
                Err(error) => (RollupId::ZERO, Err(error.code())),
            };
            if gate.events.room() == 0 || result == Err(Code::EventsFull) {
                return at;
            }
            gate.count(result);
            let code = result.err().unwrap_or(Code::Admitted);
            emit(gate.events, Event::outside_slot(code, id, rollup, *now));
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
            let result = Err(AdmissionError::PayloadTooLarge);
            self.gate().count(result.map_err(AdmissionError::code));
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
        for (submission, id) in gathered.iter().zip(ids) {
            let id = TxId::from_hash(id);
            let mut gate = self.gate();
            let result = gate.admit(id, submission, 0);
            gate.count(result.map_err(AdmissionError::code));
            report(Admission { id, result });
        }
    }

    fn gate(&mut self) -> Gate<'_> {
        let Self {
            pool,
            metrics,
            events,
            policy,
            now,
            time,
            ..
        } = self;
        Gate {
            pool,
            metrics,
            events,
            policy,
            now: *now,
            time: *time,
        }
    }
}

/// What admission needs of a coordinator.
struct Gate<'a> {
    pool: &'a mut TransactionPool,
    metrics: &'a mut Metrics,
    events: &'a mut EventQueue,
    policy: &'a Policy,
    now: Tick,
    time: UnixNs,
}

impl Gate<'_> {
    /// Admits one transaction whose id is known.
    ///
    /// `kept` places for events are left to the caller.
    fn admit(
        &mut self,
        id: TxId,
        submission: &Submission<'_>,
        kept: usize,
    ) -> Result<(), AdmissionError> {
        let arriving = Arriving {
            id,
            submission,
            tick: self.now,
            time: self.time,
        };
        let mut ledger = Ledger::new(self.events, self.metrics, self.now).keeping(kept);
        self.pool
            .admit(&arriving, self.policy, &mut ledger)
            .map(|_| ())
    }

    fn count(&mut self, result: Result<(), Code>) {
        self.metrics.submitted = self.metrics.submitted.saturating_add(1);
        self.metrics.count(result.err().unwrap_or(Code::Admitted));
    }
}

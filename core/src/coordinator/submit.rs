//! How transactions get in.

use super::TransactionCoordinator;
use crate::codec::Writer;
use crate::crypto::hash::{Domain, MICRO_BATCH, hash_many};
use crate::error::{Code, operation_error};
use crate::limits::Limits;
use crate::pool::AdmissionError;
use crate::types::{Hash, Submission, Tick, TxId, UnixNs};

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
            self.count_admission(result);
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
            report(Admission {
                id,
                result: self.admit(id, submission),
            });
        }
    }

    /// Admits one transaction whose id is known, and counts what became of it.
    pub(super) fn admit(
        &mut self,
        id: TxId,
        submission: &Submission<'_>,
    ) -> Result<(), AdmissionError> {
        let admitted = self
            .pool
            .admit(id, submission, self.now, self.time, &self.policy);
        let result = admitted.map(|_| ());
        self.count_admission(result);
        result
    }

    fn count_admission(&mut self, result: Result<(), AdmissionError>) {
        self.metrics.submitted = self.metrics.submitted.saturating_add(1);
        self.metrics
            .count(result.err().map_or(Code::Admitted, AdmissionError::code));
    }
}

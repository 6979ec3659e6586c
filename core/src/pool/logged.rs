//! Under a policy that orders by receive logs: what they hold stays until a slot drains it.
//!
//! # Rules
//! 1. Whoever says that a log holds a transaction marks it: from then on it is not displaced,
//!    replaced or cancelled, and does not expire by the pool's clock. What becomes of it, the slot
//!    that drains it says.
//! 2. A transaction whose nonce a marked one of its sender has is refused, unless a log holds it
//!    too. Of two that share a nonce, one can be included; the other one is drained as a no-op.
//! 3. What a decided cut shows comes in past fees, quotas and clocks, because somebody's log holds
//!    it already. There is room for it: the budgets of logs bound it, the configuration is refused
//!    where the pool could not hold as much, and what no log holds goes.
//! 4. The mark goes where an id has lapsed from every log. Then the pool's own rules hold again.

use super::entry::Entry;
use super::line::LineMode;
use super::refusal::AdmissionError;
use super::room::Newcomer;
use super::{Arriving, HandleError, PooledTransaction, TransactionPool};
use crate::bounded::{Handle, NONE};
use crate::config::{Config, SegmentShares};
use crate::error::{Code, operation_error};
use crate::event::Ledger;
use crate::limits::Limits;
use crate::types::{Arrival, Fee, Gas, Nonce, RollupId, SelectionRule, Transaction, TxId, UnixNs};

operation_error! {
    /// Why a transaction was not marked as held by a log, or its mark not taken away.
    LogMarkError { BodyMissing, NotOrderedByLogs, TakenAlready, JournalFull, Poisoned }
}

/// The largest transaction that the pool admits.
#[derive(Clone, Copy, Debug)]
pub(super) struct BodyMax {
    pub payload_bytes: u32,
    pub gas: Gas,
}

impl BodyMax {
    /// What the pool segment can hold; under a policy that orders by receive logs, what one
    /// rollup's own part of it and of a member's budget can.
    pub fn of(config: &Config, limits: &Limits) -> Self {
        if config.policy.orders_by_logs() {
            let part = config.logged_part(limits);
            let body_bytes = part.slot_bytes.min(part.first_hand_bytes_max);
            let payload = body_bytes.saturating_sub(Transaction::HEADER_LEN.into());
            let payload = u32::try_from(payload).unwrap_or(u32::MAX);
            return Self {
                payload_bytes: payload.min(limits.payload_bytes_max),
                gas: Gas::new(part.slot_gas),
            };
        }
        let others = SegmentShares::part(limits.slot_gas_max, config.shares.others_percent);
        Self {
            payload_bytes: limits.payload_bytes_max,
            gas: Gas::new(limits.slot_gas_max.saturating_sub(others)),
        }
    }
}

impl TransactionPool {
    /// Whether a receive log holds this transaction, as far as the pool was told.
    #[must_use]
    pub fn is_logged(&self, id: TxId) -> bool {
        let entry = self.index_of(id).and_then(|index| self.entries.get(index));
        entry.is_some_and(|entry| entry.is_logged)
    }

    /// Marks a transaction as held by a log, or takes its mark away. Cost: O(log n).
    pub(crate) fn set_logged(&mut self, id: TxId, is_logged: bool) -> Result<(), LogMarkError> {
        if !self.rules.by_logs {
            return Err(LogMarkError::NotOrderedByLogs);
        }
        let index = self.index_of(id).ok_or(LogMarkError::BodyMissing)?;
        let entry = self.entries.get(index).copied().unwrap_or_default();
        if entry.is_taken {
            // It was marked when it was taken, and a slot that drained it holds it.
            return is_logged.then_some(()).ok_or(LogMarkError::TakenAlready);
        }
        self.mark(index, is_logged);
        Ok(())
    }

    /// Changes the mark of a transaction that waits.
    fn mark(&mut self, index: u32, is_logged: bool) {
        let Some(before) = self.entries.get(index).copied() else {
            return;
        };
        if before.is_logged == is_logged {
            return;
        }
        if is_logged {
            self.stop_waiting(index, &before);
        }
        if let Some(entry) = self.entries.get_mut(index) {
            entry.is_logged = is_logged;
        }
        if !is_logged {
            let mut after = before;
            after.is_logged = false;
            self.start_waiting(index, &after);
        }
    }

    /// Takes in what a decided cut shows, and marks it; one that is there already is marked only.
    ///
    /// Others that no log holds may be displaced for it. Cost: O(log n) for it and for each.
    ///
    /// # Errors
    /// [`AdmissionError`] where no log may hold it (too large, an unknown rollup, a nonce without
    /// successor), or where there is no room, or none to say who was displaced.
    pub(crate) fn admit_logged<R: SelectionRule>(
        &mut self,
        arriving: &Arriving<'_>,
        rule: &R,
        ledger: &mut Ledger<'_>,
    ) -> Result<Handle, AdmissionError> {
        let Transaction { envelope, payload } = &arriving.submission.transaction;
        let heap = self.heap_of(envelope.rollup);
        let heap = heap.ok_or(AdmissionError::UnknownRollup)?;
        if payload.len() > self.rules.payload_bytes_max as usize {
            return Err(AdmissionError::PayloadTooLarge);
        }
        if envelope.gas > self.rules.slot_gas_max {
            return Err(AdmissionError::GasTooLarge);
        }
        if envelope.nonce == Nonce::MAX {
            return Err(AdmissionError::NonceTooLarge);
        }
        if let Some(index) = self.index_of(arriving.id) {
            let taken = self.entries.get(index).is_some_and(|entry| entry.is_taken);
            if !taken {
                self.mark(index, true);
            }
            return self.entries.handle(index).ok_or(AdmissionError::Duplicate);
        }
        let newcomer = Newcomer {
            fee: Fee::MAX,
            payload_len: payload.len(),
            is_quiet: true,
            is_ready: true,
            sender: NONE,
            heap,
        };
        let displaced = self.plan_room(newcomer)?;
        let known = self.sender_of(envelope.rollup, envelope.sender);
        let sender = match known {
            _ if displaced.len() > ledger.room() => Err(AdmissionError::EventsFull),
            Some(sender) => Ok(sender),
            None => self.new_logged_sender(envelope.rollup, arriving),
        };
        if sender.is_err() {
            self.spare(&displaced);
        }
        let sender = sender?;
        self.displace(&displaced, ledger);
        let arrival = Arrival {
            index: self.arrivals,
            tick: arriving.tick,
        };
        self.arrivals = self.arrivals.saturating_add(1);
        let origin = self.origin_place(arriving.submission.origin);
        let places = [sender, origin.unwrap_or(NONE)];
        let handle = self.enter(arriving, arrival, places, false, rule)?;
        self.mark(handle.index, true);
        Ok(handle)
    }

    fn new_logged_sender(
        &mut self,
        rollup: RollupId,
        arriving: &Arriving<'_>,
    ) -> Result<u32, AdmissionError> {
        let envelope = &arriving.submission.transaction.envelope;
        if self.senders.len() >= self.rules.sender_count_max as usize {
            self.forget_idle_sender()?;
        }
        let account_nonce = arriving.submission.account_nonce;
        let next = account_nonce.unwrap_or(envelope.nonce);
        self.insert_sender(rollup, envelope.sender, next, account_nonce.is_some())
            .ok_or(AdmissionError::SenderTableFull)
    }

    /// The pool's transaction of that identity that waits, to be taken by a slot that drained it.
    pub(crate) fn waiting(&self, id: TxId) -> Option<PooledTransaction> {
        self.find(id).filter(|own| !own.is_taken)
    }

    /// Takes a waiting transaction that a slot drained, as included or as a no-op; it is marked.
    pub(crate) fn take_drained(&mut self, handle: Handle) -> Result<(), HandleError> {
        let waiting = self.entries.resolve(handle).filter(|own| !own.is_taken);
        let entry = *waiting.ok_or(HandleError::StaleHandle)?;
        self.mark(handle.index, true);
        if let Some(own) = self.entries.get_mut(handle.index) {
            own.is_taken = true;
        }
        if let Some(own) = self.senders.get_mut(entry.sender) {
            own.taken_count = own.taken_count.saturating_add(1);
        }
        self.taken_count = self.taken_count.saturating_add(1);
        Ok(())
    }

    /// Ends a transaction that was taken as a no-op, and gives it back for an event.
    pub(crate) fn acknowledge_no_op(
        &mut self,
        handle: Handle,
        code: Code,
    ) -> Result<PooledTransaction, HandleError> {
        let ended = self.get(handle).ok_or(HandleError::StaleHandle)?;
        let entry = *self.taken(handle)?;
        self.taken_count = self.taken_count.saturating_sub(1);
        if let Some(own) = self.senders.get_mut(entry.sender) {
            own.taken_count = own.taken_count.saturating_sub(1);
        }
        if code == Code::Superseded {
            self.seen.insert(entry.id.as_bytes(), code.number());
        }
        self.forget(handle.index, &entry);
        Ok(ended)
    }

    /// Moves a sender's cursor past a transaction that an acknowledged slot includes.
    pub(super) fn move_cursor(&mut self, entry: &Entry, mode: LineMode) {
        let own = self.senders.get_mut(entry.sender);
        let Some(own) = own.filter(|_| mode == LineMode::Logged) else {
            return;
        };
        let next = entry.nonce.saturating_add(1);
        own.next = match own.is_base_fixed {
            true => own.next.max(next),
            false => next,
        };
        own.ready_end = own.next;
        own.is_base_fixed = true;
    }

    /// Whether one of a sender's transactions with this nonce must stay, because a log holds it.
    pub(super) fn holds_logged(&self, sender: u32, nonce: Nonce) -> bool {
        let is_held = |index: u32| {
            let entry = self.entries.get(index);
            entry.is_some_and(|own| {
                own.sender == sender && own.nonce == nonce && (own.is_logged || own.is_taken)
            })
        };
        let hash = self.nonce_hash(sender, nonce);
        self.by_nonce.find(hash, is_held).is_some()
    }

    /// Whether a transaction expires by the pool's clock.
    pub(super) fn expires(entry: &Entry) -> bool {
        !entry.is_taken && !entry.is_logged && entry.expiry != UnixNs::NEVER
    }
}

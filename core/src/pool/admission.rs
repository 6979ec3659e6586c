//! Who may enter the pool.

use super::{Entry, Sender, TransactionPool};
use crate::bounded::Handle;
use crate::config::ReplayProtection;
use crate::error::operation_error;
use crate::types::{
    Arrival, Envelope, Nonce, SelectionRule, Submission, Tick, Transaction, TxId, UnixNs,
};

operation_error! {
    /// Why a transaction was refused. The pool is as it was before.
    AdmissionError {
        PayloadTooLarge,
        GasTooLarge,
        FeeTooLow,
        AlreadyExpired,
        ExpiryMissing,
        ExpiryTooFar,
        UnknownRollup,
        Duplicate,
        NonceUsed,
        NonceOccupied,
        NonceGapTooWide,
        NonceTooLarge,
        PoolFull,
        PoolBytesFull,
        SenderTableFull,
    }
}

/// Where an admitted transaction's line stands.
enum Line {
    /// The pool knows the sender, and its next nonce stays.
    Known(u32),
    /// The pool knows the sender, whose first transaction has this lower nonce after all.
    Lowered(u32),
    /// The pool does not know the sender; its line starts here.
    New { next: Nonce, is_base_fixed: bool },
}

impl TransactionPool {
    /// Admits a transaction, or says why not. Checks go from the cheapest to the dearest.
    ///
    /// `id` must be the hash of its canonical bytes, `tick` must not go back from call to call,
    /// and `time` is the agreed time.
    ///
    /// # Errors
    /// An [`AdmissionError`]; nothing changes then.
    pub fn admit<R: SelectionRule>(
        &mut self,
        id: TxId,
        submission: &Submission<'_>,
        tick: Tick,
        time: UnixNs,
        rule: &R,
    ) -> Result<Handle, AdmissionError> {
        let Transaction { envelope, payload } = &submission.transaction;
        self.check_alone(envelope, payload.len(), time)?;
        if self.index_of(id).is_some() {
            return Err(AdmissionError::Duplicate);
        }
        let line = self.find_line(envelope, submission.account_nonce)?;
        if self.entries.is_full() {
            return Err(AdmissionError::PoolFull);
        }
        if !self.payloads.has_room(payload.len()) {
            return Err(AdmissionError::PoolBytesFull);
        }
        let place = self.join_line(line, envelope, time)?;
        let arrival = Arrival {
            index: self.arrivals,
            tick,
        };
        // Room was checked above, so neither can fail, and nothing has changed if one does.
        let payload = self
            .payloads
            .store(payload)
            .ok_or(AdmissionError::PoolBytesFull)?;
        let entry = Entry::new(id, envelope, payload, arrival, place);
        let handle = self.entries.insert(entry).ok_or(AdmissionError::PoolFull)?;
        self.arrivals = self.arrivals.saturating_add(1);
        self.by_id
            .insert(self.hash.bytes32(id.as_bytes()), handle.index);
        let nonce_hash = self.hash.words([u64::from(place), envelope.nonce.get()]);
        self.by_nonce.insert(nonce_hash, handle.index);
        self.idle.remove(place);
        let is_head = self.senders.get_mut(place).is_some_and(|sender| {
            sender.pending_count = sender.pending_count.saturating_add(1);
            sender.highest = sender.highest.max(envelope.nonce);
            sender.next == envelope.nonce
        });
        if is_head {
            self.offer_head(place, rule);
        }
        Ok(handle)
    }

    /// The checks that need nothing but the transaction and the rules.
    fn check_alone(
        &self,
        envelope: &Envelope,
        payload_len: usize,
        time: UnixNs,
    ) -> Result<(), AdmissionError> {
        if payload_len > self.rules.payload_bytes_max as usize {
            return Err(AdmissionError::PayloadTooLarge);
        }
        if envelope.gas > self.rules.slot_gas_max {
            return Err(AdmissionError::GasTooLarge);
        }
        if envelope.fee < self.rules.fee_floor {
            return Err(AdmissionError::FeeTooLow);
        }
        if envelope.nonce == Nonce::MAX {
            // [EIP-2681] No nonce could follow it.
            return Err(AdmissionError::NonceTooLarge);
        }
        if envelope.expiry <= time {
            return Err(AdmissionError::AlreadyExpired);
        }
        if let ReplayProtection::ByExpiry { horizon_ns } = self.rules.replay_protection {
            if envelope.expiry == UnixNs::NEVER {
                return Err(AdmissionError::ExpiryMissing);
            }
            if envelope.expiry.saturating_distance(time) > horizon_ns {
                return Err(AdmissionError::ExpiryTooFar);
            }
        }
        self.heap_of(envelope.rollup)
            .map(|_| ())
            .ok_or(AdmissionError::UnknownRollup)
    }

    /// The line that a transaction would join, if its nonce has a place there.
    fn find_line(
        &self,
        envelope: &Envelope,
        account_nonce: Option<Nonce>,
    ) -> Result<Line, AdmissionError> {
        let nonce = envelope.nonce;
        let gap_max = u64::from(self.rules.nonce_gap_max);
        let too_far = |from: Nonce, to: Nonce| to.saturating_distance(from) > gap_max;
        let Some(place) = self.sender_of(envelope.rollup, envelope.sender) else {
            let next = account_nonce.unwrap_or(nonce);
            return if nonce < next {
                Err(AdmissionError::NonceUsed)
            } else if too_far(next, nonce) {
                Err(AdmissionError::NonceGapTooWide)
            } else {
                Ok(Line::New {
                    next,
                    is_base_fixed: account_nonce.is_some(),
                })
            };
        };
        let sender = self.senders.get(place).copied().unwrap_or_default();
        if nonce < sender.next {
            let may_lower = !sender.is_base_fixed && sender.taken_count == 0;
            return if !may_lower {
                Err(AdmissionError::NonceUsed)
            } else if too_far(nonce, sender.highest) {
                Err(AdmissionError::NonceGapTooWide)
            } else {
                Ok(Line::Lowered(place))
            };
        }
        if too_far(sender.next, nonce) {
            return Err(AdmissionError::NonceGapTooWide);
        }
        if self.waiting_or_taken(place, nonce).is_some() {
            return Err(AdmissionError::NonceOccupied);
        }
        Ok(Line::Known(place))
    }

    /// Makes the line ready to take the transaction, and returns its sender's place.
    fn join_line(
        &mut self,
        line: Line,
        envelope: &Envelope,
        time: UnixNs,
    ) -> Result<u32, AdmissionError> {
        match line {
            Line::Known(place) => Ok(place),
            Line::Lowered(place) => {
                self.withdraw_head(place);
                if let Some(sender) = self.senders.get_mut(place) {
                    sender.next = envelope.nonce;
                }
                Ok(place)
            }
            Line::New {
                next,
                is_base_fixed,
            } => {
                if self.senders.is_full() {
                    self.forget_idle_sender(time)?;
                }
                let sender = Sender {
                    address: envelope.sender,
                    rollup: envelope.rollup,
                    next,
                    highest: envelope.nonce,
                    is_base_fixed,
                    ..Sender::default()
                };
                let handle = self
                    .senders
                    .insert(sender)
                    .ok_or(AdmissionError::SenderTableFull)?;
                let hash = self
                    .hash
                    .number_and_bytes20(envelope.rollup.get(), envelope.sender.as_bytes());
                self.by_address.insert(hash, handle.index);
                Ok(handle.index)
            }
        }
    }

    /// Makes place for a new sender by forgetting the one that has been idle longest.
    fn forget_idle_sender(&mut self, time: UnixNs) -> Result<(), AdmissionError> {
        let place = self.idle.first().ok_or(AdmissionError::SenderTableFull)?;
        let sender = self
            .senders
            .get(place)
            .copied()
            .ok_or(AdmissionError::SenderTableFull)?;
        let must_keep = match self.rules.replay_protection {
            ReplayProtection::ByHost => false,
            ReplayProtection::ByExpiry { .. } => sender.keep_until > time,
        };
        if must_keep {
            return Err(AdmissionError::SenderTableFull);
        }
        let hash = self
            .hash
            .number_and_bytes20(sender.rollup.get(), sender.address.as_bytes());
        self.by_address.remove(hash, place);
        self.idle.remove(place);
        self.senders.remove(place);
        Ok(())
    }
}

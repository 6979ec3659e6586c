//! Cancelling: by identity, or by sender and nonce.

use super::TransactionPool;
use super::line::LineMode;
use crate::error::{Code, operation_error};
use crate::event::Ledger;
use crate::types::{Address, Nonce, RollupId, TxId};

operation_error! {
    /// Why a transaction was not cancelled. Nothing changed.
    CancelError {
        TakenAlready, EndedAlready, NotCancellable, LoggedStays, EventsFull, JournalFull,
    }
}

/// What a cancellation came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cancelled {
    /// The transaction waited, and has ended.
    Now(TxId),
    /// The pool does not know it. Should it come, it will be refused.
    OnArrival,
}

impl TransactionPool {
    /// Cancels a transaction by its identity.
    ///
    /// A leg takes its whole bundle with it, and a forced input can't be cancelled.
    /// One that has not come yet is remembered, until `cancel_count_max` others were since.
    /// Cost: O(log n).
    ///
    /// # Errors
    /// A [`CancelError`]; nothing changes then.
    pub fn cancel(&mut self, id: TxId, ledger: &mut Ledger<'_>) -> Result<Cancelled, CancelError> {
        if self.seen.get(id.as_bytes()).is_some() {
            return Err(CancelError::EndedAlready);
        }
        match self.index_of(id) {
            Some(index) => self.cancel_at(index, ledger),
            None if self.forced.holds(id) => Err(CancelError::NotCancellable),
            None => {
                if let Some(ended) = self.cancel_leg(id, ledger) {
                    return ended;
                }
                self.cancelled_ids
                    .insert(id.as_bytes(), Code::Cancelled.number());
                Ok(Cancelled::OnArrival)
            }
        }
    }

    /// Cancels whichever transaction of a sender has this nonce.
    ///
    /// # Errors
    /// A [`CancelError`]; nothing changes then.
    pub fn cancel_nonce(
        &mut self,
        rollup: RollupId,
        sender: Address,
        nonce: Nonce,
        ledger: &mut Ledger<'_>,
    ) -> Result<Cancelled, CancelError> {
        let place = self.sender_of(rollup, sender);
        if let Some(index) = place.and_then(|place| self.at_nonce(place, nonce)) {
            return self.cancel_at(index, ledger);
        }
        let is_used = place.is_some_and(|place| self.is_used(place, nonce));
        if is_used {
            return Err(CancelError::EndedAlready);
        }
        let key = nonce_key(rollup, sender, nonce);
        self.cancelled_nonces.insert(&key, Code::Cancelled.number());
        Ok(Cancelled::OnArrival)
    }

    /// Whether the transaction was cancelled before it came; a cancellation is used up by this.
    pub(super) fn use_cancellation(
        &mut self,
        id: TxId,
        rollup: RollupId,
        sender: Address,
        nonce: Nonce,
    ) -> bool {
        let by_id = self.cancelled_ids.remove(id.as_bytes()).is_some();
        let key = nonce_key(rollup, sender, nonce);
        let by_nonce =
            !self.cancelled_nonces.is_empty() && self.cancelled_nonces.remove(&key).is_some();
        by_id || by_nonce
    }

    /// Whether a sender's nonce can't be used any more.
    fn is_used(&self, place: u32, nonce: Nonce) -> bool {
        let own = self.senders.get(place).copied().unwrap_or_default();
        let is_window = self.line_mode(own.rollup) == LineMode::Window;
        let ahead = nonce.saturating_distance(own.next);
        nonce < own.next || (is_window && own.included.contains(ahead))
    }

    fn cancel_at(&mut self, index: u32, ledger: &mut Ledger<'_>) -> Result<Cancelled, CancelError> {
        let entry = *self.entries.get(index).ok_or(CancelError::EndedAlready)?;
        if entry.is_taken {
            return Err(CancelError::TakenAlready);
        }
        if entry.is_logged {
            return Err(CancelError::LoggedStays);
        }
        if ledger.room() == 0 {
            return Err(CancelError::EventsFull);
        }
        self.end(index, &entry, Code::Cancelled, ledger);
        Ok(Cancelled::Now(entry.id))
    }
}

/// A sender's nonce on a rollup as 32 bytes.
fn nonce_key(rollup: RollupId, sender: Address, nonce: Nonce) -> [u8; 32] {
    let mut key = [0; 32];
    let (number, rest) = key.split_at_mut(4);
    let (address, last) = rest.split_at_mut(Address::LEN);
    number.copy_from_slice(&rollup.get().to_le_bytes());
    address.copy_from_slice(sender.as_bytes());
    last.copy_from_slice(&nonce.get().to_le_bytes());
    key
}

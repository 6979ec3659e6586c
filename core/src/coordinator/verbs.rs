//! Verbs that no slot is part of, and what the journal gives.

use super::TransactionCoordinator;
use crate::event::Ledger;
use crate::journal::Record;
use crate::pool::{CancelError, Cancelled};
use crate::types::{Address, Nonce, RollupId, Tick, TxId, UnixNs};

impl TransactionCoordinator {
    /// Cancels a transaction by its identity; see
    /// [`TransactionPool::cancel`](crate::pool::TransactionPool::cancel).
    ///
    /// # Errors
    /// A [`CancelError`]; nothing changes then.
    pub fn cancel(&mut self, id: TxId) -> Result<Cancelled, CancelError> {
        let record = |has_ended| Record::Cancelled { id, has_ended };
        if !self.journal.has_room(&record(false)) {
            return Err(CancelError::JournalFull);
        }
        let mut ledger = Ledger::new(&mut self.events, &mut self.metrics, self.now);
        let cancelled = self.pool.cancel(id, &mut ledger)?;
        let has_ended = matches!(cancelled, Cancelled::Now(_));
        self.journal.write(&record(has_ended), self.clocks());
        Ok(cancelled)
    }

    /// Cancels whichever transaction of a sender has this nonce; see
    /// [`TransactionPool::cancel_nonce`](crate::pool::TransactionPool::cancel_nonce).
    ///
    /// # Errors
    /// A [`CancelError`]; nothing changes then.
    pub fn cancel_nonce(
        &mut self,
        rollup: RollupId,
        sender: Address,
        nonce: Nonce,
    ) -> Result<Cancelled, CancelError> {
        let record = |ended| Record::NonceCancelled {
            rollup,
            sender,
            nonce,
            ended,
        };
        if !self.journal.has_room(&record(TxId::ZERO)) {
            return Err(CancelError::JournalFull);
        }
        let mut ledger = Ledger::new(&mut self.events, &mut self.metrics, self.now);
        let cancelled = self.pool.cancel_nonce(rollup, sender, nonce, &mut ledger)?;
        let ended = match cancelled {
            Cancelled::Now(id) => id,
            Cancelled::OnArrival => TxId::ZERO,
        };
        self.journal.write(&record(ended), self.clocks());
        Ok(cancelled)
    }

    /// Moves what the journal holds to the front of `out`, as much as fits, and returns how many
    /// bytes; 0 where nothing waits. They follow those that were moved before.
    ///
    /// Cost: a copy, and the hash of one small record.
    pub fn poll_journal(&mut self, out: &mut [u8]) -> usize {
        let clocks = self.clocks();
        self.journal.drain(out, clocks)
    }

    /// How many bytes of the journal wait to be drained.
    #[must_use]
    pub const fn journal_len(&self) -> usize {
        self.journal.len()
    }

    /// The local clock of the newest call that brought one. It goes on from here, also after a
    /// restart: a host whose clock starts anew adds this to it.
    #[must_use]
    pub const fn now(&self) -> Tick {
        self.now
    }

    /// The latest agreed time that a call brought.
    #[must_use]
    pub const fn time(&self) -> UnixNs {
        self.time
    }
}

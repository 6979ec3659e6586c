//! Verbs that no slot is part of, and what the journal gives.

use super::{SettleError, TransactionCoordinator};
use crate::event::Ledger;
use crate::journal::Record;
use crate::pool::{CancelError, Cancelled};
use crate::types::{Address, Hash, Height, Nonce, RollupId, Tick, TxId, UnixNs};

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

    /// As [`acknowledge`](TransactionCoordinator::acknowledge), for the slot with this hash only.
    ///
    /// For a host whose answer can come late: after a rollback another slot can stand at the same
    /// height.
    ///
    /// # Errors
    /// A [`SettleError`]; nothing changes then. [`SettleError::WrongSlot`] where the slot at this
    /// height is another one.
    pub fn acknowledge_slot(
        &mut self,
        height: Height,
        hash: Hash,
        now: Tick,
    ) -> Result<(), SettleError> {
        self.check_slot(height, hash)?;
        self.acknowledge(height, now)
    }

    /// As [`roll_back`](TransactionCoordinator::roll_back), for the slot with this hash only. A
    /// slot that is open has no hash yet.
    ///
    /// # Errors
    /// A [`SettleError`]; nothing changes then. [`SettleError::WrongSlot`] where the slot at this
    /// height is another one.
    pub fn roll_back_slot(&mut self, height: Height, hash: Hash) -> Result<usize, SettleError> {
        self.check_slot(height, hash)?;
        self.roll_back(height)
    }

    fn check_slot(&self, height: Height, hash: Hash) -> Result<(), SettleError> {
        self.settle_place(height)?;
        if self.slot(height).is_some_and(|slot| slot.hash == hash) {
            Ok(())
        } else {
            Err(SettleError::WrongSlot)
        }
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

//! What ends because its time has come, or because nothing more will come.

use super::TransactionPool;
use super::entry::Entry;
use super::line::LineMode;
use crate::error::Code;
use crate::event::Ledger;
use crate::types::UnixNs;

impl TransactionPool {
    /// Ends what has expired at the agreed time, as long as there is room to say so.
    ///
    /// Those behind it in its sender's line wait for its nonce. Cost: O(log n) each.
    pub fn expire(&mut self, time: UnixNs, ledger: &mut Ledger<'_>) {
        while let Some((expiry, index)) = self.expiring.peek(0) {
            if expiry > time.get() || ledger.room() == 0 {
                return;
            }
            let Some(entry) = self.entries.get(index).copied() else {
                return;
            };
            self.end(index, &entry, Code::Expired, ledger);
        }
    }

    /// Ends waiting transactions that can't be taken before another one arrives, from a place on.
    ///
    /// Returns the place to go on from where there was no room to say more, and nothing at the end.
    /// Cost: O(places passed over).
    pub fn expire_unready(&mut self, first: u32, ledger: &mut Ledger<'_>) -> Option<u32> {
        let mut place = first;
        loop {
            let found = self
                .entries
                .iter_from(place)
                .find(|(_, entry)| self.is_unready(entry));
            let (index, entry) = found.map(|(index, entry)| (index, *entry))?;
            if ledger.room() == 0 {
                return Some(index);
            }
            self.end(index, &entry, Code::Expired, ledger);
            place = index;
        }
    }

    fn is_unready(&self, entry: &Entry) -> bool {
        let own = self.senders.get(entry.sender);
        let is_unready = match self.mode_of_sender(entry.sender) {
            LineMode::Sequential => own.is_none_or(|own| entry.nonce >= own.ready_end),
            LineMode::Window => false,
            LineMode::Logged => !entry.is_logged,
        };
        !entry.is_taken && is_unready
    }
}

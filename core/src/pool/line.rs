//! A sender's line: its transactions by nonce, and which of them is ready.

use super::TransactionPool;
use super::entry::Entry;
use crate::bounded::NONE;
use crate::config::NonceMode;
use crate::types::{Nonce, RollupId, SelectionRule};

/// How a sender's line works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LineMode {
    /// Nonces follow one another without a gap, and only the head can be taken.
    Sequential,
    /// Each nonce of a window can be taken at once.
    Window,
    /// Receive logs say what is taken. The line keeps bodies in the order of their arrival, and
    /// those that logs hold may share a nonce: its cursor is the fair order's, not the pool's.
    Logged,
}

impl TransactionPool {
    /// How the lines of a rollup's senders work.
    pub(super) fn line_mode(&self, rollup: RollupId) -> LineMode {
        if self.rules.by_logs {
            return LineMode::Logged;
        }
        let own = self.rules.rollups.iter().find(|own| own.id == rollup);
        match own.map(|own| own.nonce_mode) {
            Some(NonceMode::Window) => LineMode::Window,
            _ => LineMode::Sequential,
        }
    }

    pub(super) fn mode_of_sender(&self, place: u32) -> LineMode {
        self.senders
            .get(place)
            .map_or(LineMode::Sequential, |own| self.line_mode(own.rollup))
    }

    /// The pool's transaction of a sender with this nonce.
    pub(super) fn at_nonce(&self, place: u32, nonce: Nonce) -> Option<u32> {
        self.by_nonce.find(self.nonce_hash(place, nonce), |index| {
            self.entries
                .get(index)
                .is_some_and(|entry| entry.sender == place && entry.nonce == nonce)
        })
    }

    pub(super) fn nonce_hash(&self, place: u32, nonce: Nonce) -> u64 {
        self.hash.words([u64::from(place), nonce.get()])
    }

    /// Puts a transaction into its sender's line, and offers what became ready.
    pub(super) fn link<R: SelectionRule>(&mut self, index: u32, rule: &R) {
        let Some(entry) = self.entries.get(index).copied() else {
            return;
        };
        let before = self.place_in_line(&entry);
        let after = match before {
            NONE => self.senders.get(entry.sender).map_or(NONE, |own| own.first),
            before => self.entries.get(before).map_or(NONE, |own| own.after),
        };
        self.join(entry.sender, before, index);
        self.join(entry.sender, index, after);
        self.by_nonce
            .insert(self.nonce_hash(entry.sender, entry.nonce), index);
        if let Some(own) = self.senders.get_mut(entry.sender) {
            own.pending_count = own.pending_count.saturating_add(1);
            own.pending_bytes = own.pending_bytes.saturating_add(entry.payload.len());
            own.pending_gas = own.pending_gas.saturating_add(entry.gas.get());
        }
        self.extend_ready(entry.sender);
        let is_head = match self.mode_of_sender(entry.sender) {
            LineMode::Sequential => self
                .senders
                .get(entry.sender)
                .is_some_and(|own| own.next == entry.nonce),
            LineMode::Window => true,
            LineMode::Logged => false,
        };
        if is_head {
            self.offer(index, rule);
        }
    }

    /// Takes a transaction out of its sender's line.
    pub(super) fn unlink(&mut self, index: u32, entry: &Entry) {
        self.join(entry.sender, entry.before, entry.after);
        self.by_nonce
            .remove(self.nonce_hash(entry.sender, entry.nonce), index);
        if let Some(own) = self.senders.get_mut(entry.sender) {
            own.pending_count = own.pending_count.saturating_sub(1);
            own.pending_bytes = own.pending_bytes.saturating_sub(entry.payload.len());
            own.pending_gas = own.pending_gas.saturating_sub(entry.gas.get());
            if entry.nonce >= own.next {
                own.ready_end = own.ready_end.min(entry.nonce);
            }
        }
    }

    /// Puts the transaction that can be taken now into its rollup's queue.
    pub(super) fn offer<R: SelectionRule>(&mut self, index: u32, rule: &R) {
        if self.rules.by_logs {
            return;
        }
        let offered = self
            .entries
            .get(index)
            .filter(|entry| !entry.is_taken && !self.is_shadowed(entry))
            .and_then(|entry| {
                let candidate = self.candidate(entry)?;
                Some((
                    self.heap_of(candidate.envelope.rollup)?,
                    rule.key(&candidate),
                ))
            });
        if let Some((heap, key)) = offered {
            self.ready.push(heap, key, index);
        }
    }

    /// Offers the head of a sender's line, if it is there.
    pub(super) fn offer_head<R: SelectionRule>(&mut self, place: u32, rule: &R) {
        let next = self.senders.get(place).map(|own| own.next);
        if let Some(head) = next.and_then(|next| self.at_nonce(place, next)) {
            self.offer(head, rule);
        }
    }

    /// Takes a transaction out of its rollup's queue, if it stands there.
    pub(super) fn withdraw(&mut self, index: u32) {
        let rollup = self
            .entries
            .get(index)
            .and_then(|entry| self.senders.get(entry.sender))
            .map(|own| own.rollup);
        if let Some(heap) = rollup.and_then(|rollup| self.heap_of(rollup)) {
            self.ready.remove(heap, index);
        }
    }

    /// Takes the head of a sender's line out of its queue, if it stands there.
    pub(super) fn withdraw_head(&mut self, place: u32) {
        let next = self.senders.get(place).map(|own| own.next);
        if let Some(head) = next.and_then(|next| self.at_nonce(place, next)) {
            self.withdraw(head);
        }
    }

    /// Moves the end of a sender's ready nonces over what the pool holds.
    ///
    /// Each transaction is passed once on its way in, and again where a missing one before it comes
    /// back: then as many steps as follow it in the line, at most its sender's quota.
    pub(super) fn extend_ready(&mut self, place: u32) {
        let Some(mut end) = self
            .senders
            .get(place)
            .map(|own| own.ready_end.max(own.next))
        else {
            return;
        };
        if self.mode_of_sender(place) == LineMode::Sequential {
            let mut at = self.at_nonce(place, end).unwrap_or(NONE);
            while let Some(entry) = self.entries.get(at).filter(|entry| entry.nonce == end) {
                end = end.saturating_add(1);
                at = entry.after;
            }
        }
        if let Some(own) = self.senders.get_mut(place) {
            own.ready_end = end;
        }
    }

    /// The transaction that a new one stands behind in its line; `NONE` for the front.
    fn place_in_line(&self, entry: &Entry) -> u32 {
        let Some(own) = self.senders.get(entry.sender) else {
            return NONE;
        };
        let last = own.last;
        if self.mode_of_sender(entry.sender) != LineMode::Sequential {
            return last;
        }
        let previous_nonce = entry.nonce.get().checked_sub(1).map(Nonce::new);
        if let Some(before) = previous_nonce.and_then(|nonce| self.at_nonce(entry.sender, nonce)) {
            return before;
        }
        // What has no predecessor is gapped or the head. Gapped ones are few: a short walk.
        let is_head = entry.nonce <= own.next && self.in_flight_count(entry.sender) == 0;
        if is_head {
            return NONE;
        }
        let mut at = last;
        while let Some(other) = self
            .entries
            .get(at)
            .filter(|other| other.nonce > entry.nonce)
        {
            at = other.before;
        }
        at
    }

    /// Makes two neighbours in a line; `NONE` stands for an end.
    pub(super) fn join(&mut self, place: u32, before: u32, after: u32) {
        match self.entries.get_mut(before) {
            Some(entry) => entry.after = after,
            None => {
                if let Some(own) = self.senders.get_mut(place) {
                    own.first = after;
                }
            }
        }
        match self.entries.get_mut(after) {
            Some(entry) => entry.before = before,
            None => {
                if let Some(own) = self.senders.get_mut(place) {
                    own.last = before;
                }
            }
        }
    }
}

//! Nonces that are used from outside a sender's line: by forced inputs and by legs of bundles.
//!
//! # Rules
//! 1. Whoever is taken from outside moves the sender's cursor like a transaction of the pool.
//! 2. A transaction of the pool with the same nonce is *shadowed* meanwhile: it can't be taken or
//!    replaced. It ends as superseded when the slot is acknowledged, and waits again when the slot
//!    is rolled back.
//! 3. A sender with something outside its line is *pinned*: it is not forgotten.

use super::TransactionPool;
use super::entry::{Entry, Sender, Window};
use super::line::LineMode;
use crate::error::Code;
use crate::event::Ledger;
use crate::types::{Address, Envelope, Nonce, RollupId, SelectionRule, UnixNs};

/// How a nonce stands to its sender's cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NonceState {
    /// It can be used now.
    Next,
    /// An acknowledged slot used it.
    Used,
    /// A slot in flight used it.
    InFlight,
    /// One before it is missing, or it lies beyond the window, or no account may use it.
    Ahead,
}

impl TransactionPool {
    pub(super) fn nonce_state(&self, place: u32, nonce: Nonce) -> NonceState {
        let own = self.senders.get(place).copied().unwrap_or_default();
        if nonce == Nonce::MAX {
            return NonceState::Ahead;
        }
        if self.mode_of_sender(place) == LineMode::Window {
            return self.window_state(place, &own, nonce);
        }
        // Whatever is in flight stands right below the cursor, one nonce after another.
        let settled = own
            .next
            .get()
            .saturating_sub(self.in_flight_count(place).into());
        if nonce == own.next || self.can_lower(place, &own, nonce) {
            NonceState::Next
        } else if nonce > own.next {
            NonceState::Ahead
        } else if nonce.get() < settled {
            NonceState::Used
        } else {
            NonceState::InFlight
        }
    }

    fn window_state(&self, place: u32, own: &Sender, nonce: Nonce) -> NonceState {
        let ahead = nonce.saturating_distance(own.next);
        let is_taken = || {
            let at = self.at_nonce(place, nonce);
            at.and_then(|at| self.entries.get(at))
                .is_some_and(|entry| entry.is_taken)
        };
        if nonce < own.next || own.included.contains(ahead) {
            NonceState::Used
        } else if ahead >= Window::LEN {
            NonceState::Ahead
        } else if self.pins.of(place).window.contains(ahead) || is_taken() {
            NonceState::InFlight
        } else {
            NonceState::Next
        }
    }

    /// Whether a sender's base was only a guess, and can still become this lower nonce.
    fn can_lower(&self, place: u32, own: &Sender, nonce: Nonce) -> bool {
        nonce < own.next && !own.is_base_fixed && self.in_flight_count(place) == 0
    }

    /// Uses a nonce that is [`NonceState::Next`].
    pub(super) fn use_nonce<R: SelectionRule>(&mut self, place: u32, nonce: Nonce, rule: &R) {
        let mode = self.mode_of_sender(place);
        if mode == LineMode::Sequential {
            self.withdraw_head(place);
        } else if mode == LineMode::Window
            && let Some(shadowed) = self.at_nonce(place, nonce)
        {
            self.withdraw(shadowed);
        }
        if let (Some(own), Some(pinned)) = (self.senders.get_mut(place), self.pins.of_mut(place)) {
            pinned.used_count = pinned.used_count.saturating_add(1);
            match mode {
                LineMode::Sequential | LineMode::Logged => {
                    // A lowered base tears the line, unless it was already at this nonce.
                    if nonce < own.next {
                        own.ready_end = nonce;
                    }
                    own.next = nonce.saturating_add(1);
                }
                LineMode::Window => {
                    pinned.window.set(nonce.saturating_distance(own.next));
                }
            }
        }
        self.extend_ready(place);
        if mode == LineMode::Sequential {
            self.offer_head(place, rule);
        }
    }

    /// Gives a nonce back that was used last of its sender.
    pub(super) fn give_nonce_back<R: SelectionRule>(&mut self, place: u32, nonce: Nonce, rule: &R) {
        let mode = self.mode_of_sender(place);
        if mode == LineMode::Sequential {
            self.withdraw_head(place);
        }
        let shadowed = self.at_nonce(place, nonce);
        if let (Some(own), Some(pinned)) = (self.senders.get_mut(place), self.pins.of_mut(place)) {
            pinned.used_count = pinned.used_count.saturating_sub(1);
            match mode {
                // Meanwhile an acknowledged slot may have moved the cursor past it.
                LineMode::Logged if own.next != nonce.saturating_add(1) => {}
                LineMode::Sequential | LineMode::Logged => {
                    own.next = nonce;
                    if shadowed.is_none() {
                        own.ready_end = nonce;
                    }
                }
                LineMode::Window => {
                    pinned.window.remove(nonce.saturating_distance(own.next));
                }
            }
        }
        if let Some(shadowed) = shadowed {
            self.offer(shadowed, rule);
        }
    }

    /// Makes the use of a nonce final; the transaction that it shadows ends as superseded.
    pub(super) fn settle_nonce(
        &mut self,
        place: u32,
        nonce: Nonce,
        expiry: UnixNs,
        ledger: &mut Ledger<'_>,
    ) {
        if let Some(index) = self.shadowed_at(place, nonce)
            && let Some(entry) = self.entries.get(index).copied()
        {
            self.end(index, &entry, Code::Superseded, ledger);
        }
        let mode = self.mode_of_sender(place);
        self.note_decided(place, nonce, expiry);
        if let (Some(own), Some(pinned)) = (self.senders.get_mut(place), self.pins.of_mut(place)) {
            pinned.used_count = pinned.used_count.saturating_sub(1);
            own.is_base_fixed = true;
            if mode == LineMode::Window {
                pinned.window.remove(nonce.saturating_distance(own.next));
                let moved = own.use_in_window(nonce);
                pinned.window.move_on(moved);
            }
        }
    }

    /// The waiting transaction whose nonce somebody outside its line has taken.
    pub(super) fn shadowed_at(&self, place: u32, nonce: Nonce) -> Option<u32> {
        let index = self.at_nonce(place, nonce)?;
        let entry = self.entries.get(index)?;
        self.is_shadowed(entry).then_some(index)
    }

    /// Whether somebody outside its line has taken its nonce.
    pub(super) fn is_shadowed(&self, entry: &Entry) -> bool {
        let Some(own) = self.senders.get(entry.sender).filter(|_| !entry.is_taken) else {
            return false;
        };
        match self.line_mode(own.rollup) {
            LineMode::Sequential => entry.nonce < own.next,
            LineMode::Logged => false,
            LineMode::Window => self
                .pins
                .of(entry.sender)
                .window
                .contains(entry.nonce.saturating_distance(own.next)),
        }
    }

    /// The place of the sender of something that stands outside its line; a new one if need be.
    ///
    /// `count_max` bounds the senders that there may be. Nothing where no place is free.
    pub(super) fn pin_sender(
        &mut self,
        envelope: &Envelope,
        account_nonce: Option<Nonce>,
        count_max: u32,
    ) -> Option<u32> {
        let known = self.sender_of(envelope.rollup, envelope.sender);
        let place = match known {
            Some(place) => place,
            None => {
                if self.senders.len() >= count_max as usize {
                    self.forget_idle_sender().ok()?;
                }
                let next = self.first_cursor(envelope.rollup, envelope.nonce, account_nonce);
                self.insert_sender(
                    envelope.rollup,
                    envelope.sender,
                    next,
                    account_nonce.is_some(),
                )?
            }
        };
        self.pins.pin(place);
        self.note_busy(place);
        Some(place)
    }

    /// Where the cursor of a sender starts that is heard of from outside first.
    fn first_cursor(&self, rollup: RollupId, nonce: Nonce, account_nonce: Option<Nonce>) -> Nonce {
        let guess = match self.line_mode(rollup) {
            LineMode::Sequential | LineMode::Logged => nonce,
            LineMode::Window => Nonce::new(nonce.get().saturating_sub(Window::LEN / 2)),
        };
        account_nonce.unwrap_or(guess)
    }

    /// Writes a sender into the table, if it has a place.
    pub(super) fn insert_sender(
        &mut self,
        rollup: RollupId,
        address: Address,
        next: Nonce,
        is_base_fixed: bool,
    ) -> Option<u32> {
        let handle = self.senders.insert(Sender {
            address,
            rollup,
            next,
            ready_end: next,
            is_base_fixed,
            ..Sender::default()
        })?;
        let hash = self.address_hash(rollup, address);
        self.by_address.insert(hash, handle.index);
        Some(handle.index)
    }

    /// Lets go of a sender for one thing that stood outside its line.
    pub(super) fn unpin_sender(&mut self, place: u32) {
        self.pins.unpin(place);
        self.note_idle(place);
    }
}

//! Who may enter the pool.

use super::entry::{Entry, Sender, Window};
use super::line::LineMode;
use super::refusal::AdmissionError;
use super::room::Newcomer;
use super::{InUse, TransactionPool};
use crate::bounded::{Handle, NONE};
use crate::config::ReplayProtection;
use crate::error::Code;
use crate::event::Ledger;
use crate::types::{
    Arrival, Envelope, Fee, Nonce, SelectionRule, Submission, Tick, TradeHint, Transaction, TxId,
    UnixNs,
};

/// A transaction at the pool's door.
#[derive(Clone, Copy, Debug)]
pub struct Arriving<'a> {
    /// The hash of its canonical bytes.
    pub id: TxId,
    /// The transaction, and what the host knows of it.
    pub submission: &'a Submission<'a>,
    /// The local clock; it must not go back from call to call.
    pub tick: Tick,
    /// The agreed time.
    pub time: UnixNs,
}

/// Where a transaction would stand.
#[derive(Clone, Copy, Debug)]
enum Place {
    /// In a known sender's line.
    Known { sender: u32 },
    /// In a known sender's line, whose first transaction has this lower nonce after all.
    Lowered { sender: u32 },
    /// In place of another one.
    Replacing { sender: u32, index: u32 },
    /// In a new sender's line, which starts here.
    New { next: Nonce, is_base_fixed: bool },
}

impl Place {
    const fn sender(self) -> u32 {
        match self {
            Self::Known { sender } | Self::Lowered { sender } | Self::Replacing { sender, .. } => {
                sender
            }
            Self::New { .. } => NONE,
        }
    }
}

impl TransactionPool {
    /// Admits a transaction, or says why not. Checks go from the cheapest to the dearest.
    ///
    /// Others may end for it: the one that it replaces, those that it displaces (at most
    /// [`DISPLACED_COUNT_MAX`](super::room::DISPLACED_COUNT_MAX)), and those of its sender whose
    /// nonces the account has used. Cost: O(log n) for it and for each that ends; where it fills a
    /// hole in its sender's line, a step more for each that follows it there.
    ///
    /// # Errors
    /// An [`AdmissionError`]; nothing changes then, but that a remembered cancellation is used up,
    /// and that what the account has moved past has ended.
    pub fn admit<R: SelectionRule>(
        &mut self,
        arriving: &Arriving<'_>,
        rule: &R,
        ledger: &mut Ledger<'_>,
    ) -> Result<Handle, AdmissionError> {
        let Arriving {
            id,
            submission,
            tick,
            time,
        } = *arriving;
        let Transaction { envelope, payload } = &submission.transaction;
        self.check_alone(envelope, payload.len(), time)?;
        self.check_hint(submission.hint)?;
        self.check_identity(id)?;
        self.skip_used_nonces(envelope, submission.account_nonce, rule, ledger);
        let place = self.find_place(envelope, submission.account_nonce)?;
        let is_replacing = matches!(place, Place::Replacing { .. });
        if self.rules.needs_hints && !is_replacing && self.hints.is_full() {
            return Err(AdmissionError::HintTableFull);
        }
        let origin = self.origin_place(submission.origin);
        if self.use_cancellation(id, envelope.rollup, envelope.sender, envelope.nonce) {
            // Who sends it again hears that it has ended.
            self.seen.insert(id.as_bytes(), Code::Cancelled.number());
            return Err(AdmissionError::CancelledBefore);
        }
        if let Place::Replacing { index, .. } = place {
            return self.replace(index, arriving, origin, rule, ledger);
        }
        self.check_quotas(envelope, payload.len(), place.sender(), origin)?;
        let newcomer = self.newcomer(envelope, payload.len(), place)?;
        let displaced = self.plan_room(newcomer)?;
        let joined = if displaced.len() > ledger.room() {
            Err(AdmissionError::EventsFull)
        } else {
            self.join_place(place, envelope)
        };
        if joined.is_err() {
            self.spare(&displaced);
        }
        let sender = joined?;
        self.displace(&displaced, ledger);
        let arrival = Arrival {
            index: self.arrivals,
            tick,
        };
        self.arrivals = self.arrivals.saturating_add(1);
        self.enter(
            arriving,
            arrival,
            [sender, origin.unwrap_or(NONE)],
            newcomer.is_quiet,
            rule,
        )
    }

    /// The checks that need nothing but the transaction and the rules.
    pub(super) fn check_alone(
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
        if envelope.fee < self.rules.fee_floor_now {
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

    /// Whether the transaction brings the trade that the policy needs.
    const fn check_hint(&self, hint: Option<TradeHint>) -> Result<(), AdmissionError> {
        match hint {
            _ if !self.rules.needs_hints => Ok(()),
            None => Err(AdmissionError::HintMissing),
            Some(TradeHint { amount: 0, .. }) => Err(AdmissionError::HintInvalid),
            Some(_) => Ok(()),
        }
    }

    /// Whether the transaction is known already.
    pub(super) fn check_identity(&self, id: TxId) -> Result<(), AdmissionError> {
        if self.index_of(id).is_some() || self.forced.holds(id) || self.bundles.holds(id) {
            return Err(AdmissionError::Duplicate);
        }
        if self.seen.get(id.as_bytes()).is_some() {
            return Err(AdmissionError::AlreadyEnded);
        }
        Ok(())
    }

    /// Ends those of a sender whose nonces the host says are used, as long as there is room.
    fn skip_used_nonces<R: SelectionRule>(
        &mut self,
        envelope: &Envelope,
        account_nonce: Option<Nonce>,
        rule: &R,
        ledger: &mut Ledger<'_>,
    ) {
        let Some(account_nonce) = account_nonce else {
            return;
        };
        let Some(place) = self.sender_of(envelope.rollup, envelope.sender) else {
            return;
        };
        let may_skip = |own: &Sender| own.next < account_nonce && self.in_flight_count(place) == 0;
        if self.line_mode(envelope.rollup) != LineMode::Sequential
            || !self.senders.get(place).is_some_and(may_skip)
        {
            return;
        }
        loop {
            let first = self.senders.get(place).map_or(NONE, |own| own.first);
            let used = self
                .entries
                .get(first)
                .copied()
                .filter(|head| head.nonce < account_nonce);
            let Some(head) = used else { break };
            if ledger.room() == 0 {
                return;
            }
            self.end(first, &head, Code::Superseded, ledger);
        }
        if let Some(own) = self.senders.get_mut(place) {
            own.next = account_nonce;
            own.is_base_fixed = true;
        }
        self.extend_ready(place);
        self.offer_head(place, rule);
    }

    /// Where a transaction would stand, if its nonce has a place.
    fn find_place(
        &self,
        envelope: &Envelope,
        account_nonce: Option<Nonce>,
    ) -> Result<Place, AdmissionError> {
        let mode = self.line_mode(envelope.rollup);
        let known = self.sender_of(envelope.rollup, envelope.sender);
        if mode == LineMode::Logged && account_nonce.is_some_and(|next| envelope.nonce < next) {
            return Err(AdmissionError::NonceUsed);
        }
        if let Some(sender) = known
            && let Some(index) = self.at_nonce(sender, envelope.nonce)
        {
            if mode == LineMode::Logged && self.holds_logged(sender, envelope.nonce) {
                return Err(AdmissionError::LoggedStays);
            }
            return Ok(Place::Replacing { sender, index });
        }
        match (mode, known) {
            (LineMode::Sequential, None) => self.first_in_line(envelope.nonce, account_nonce),
            (LineMode::Sequential, Some(sender)) => self.next_in_line(sender, envelope.nonce),
            (LineMode::Window, None) => first_in_window(envelope.nonce, account_nonce),
            (LineMode::Window, Some(sender)) => self.in_window(sender, envelope.nonce),
            (LineMode::Logged, None) => Ok(Place::New {
                next: account_nonce.unwrap_or(envelope.nonce),
                is_base_fixed: account_nonce.is_some(),
            }),
            (LineMode::Logged, Some(sender)) => Ok(Place::Known { sender }),
        }
    }

    fn first_in_line(
        &self,
        nonce: Nonce,
        account_nonce: Option<Nonce>,
    ) -> Result<Place, AdmissionError> {
        let next = account_nonce.unwrap_or(nonce);
        if nonce < next {
            return Err(AdmissionError::NonceUsed);
        }
        if nonce > next {
            self.check_gap(next, next, nonce, 0)?;
        }
        Ok(Place::New {
            next,
            is_base_fixed: account_nonce.is_some(),
        })
    }

    fn next_in_line(&self, sender: u32, nonce: Nonce) -> Result<Place, AdmissionError> {
        let own = self.senders.get(sender).copied().unwrap_or_default();
        if nonce >= own.next {
            if nonce > own.ready_end {
                self.check_gap(own.next, own.ready_end, nonce, own.gapped_count())?;
            }
            return Ok(Place::Known { sender });
        }
        // Below the first nonce that was seen: that may have been too high a guess.
        if own.is_base_fixed || self.in_flight_count(sender) > 0 {
            return Err(AdmissionError::NonceUsed);
        }
        let follows = nonce.saturating_add(1);
        if let Some(last) = self.entries.get(own.last).filter(|_| follows != own.next) {
            // All that waits would wait for a missing nonce.
            let missing = Nonce::new(own.next.get().saturating_sub(1));
            let others = own.pending_count.saturating_sub(1);
            self.check_gap(nonce, missing, last.nonce, others)?;
        }
        Ok(Place::Lowered { sender })
    }

    /// Whether a sender with `gapped_count` gapped transactions may have one more, `nonce`.
    fn check_gap(
        &self,
        next: Nonce,
        missing: Nonce,
        nonce: Nonce,
        gapped_count: u32,
    ) -> Result<(), AdmissionError> {
        let percent = u64::from(self.rules.choices.gap_refusal_percent);
        let is_crowded = (self.entries.len() as u64).saturating_mul(100)
            >= u64::from(self.rules.pending_count_max).saturating_mul(percent);
        let may_wait = !self.rules.refuses_gaps_now
            && !is_crowded
            && gapped_count < self.rules.gapped_count_max
            && nonce.saturating_distance(next) <= u64::from(self.rules.nonce_gap_max);
        let missing = AdmissionError::MissingPredecessor { nonce: missing };
        if may_wait { Ok(()) } else { Err(missing) }
    }

    fn in_window(&self, sender: u32, nonce: Nonce) -> Result<Place, AdmissionError> {
        let own = self.senders.get(sender).copied().unwrap_or_default();
        let ahead = nonce.saturating_distance(own.next);
        if nonce < own.next || own.included.contains(ahead) {
            Err(AdmissionError::NonceUsed)
        } else if self.pins.of(sender).window.contains(ahead) {
            Err(AdmissionError::NonceOccupied)
        } else if ahead >= Window::LEN {
            Err(AdmissionError::NonceBeyondWindow)
        } else {
            Ok(Place::Known { sender })
        }
    }

    /// The place of an origin among those that are counted; nothing where none are.
    pub(super) fn origin_place(&self, origin: u32) -> Option<u32> {
        origin.checked_rem(self.origins.len() as u32)
    }

    fn newcomer(
        &self,
        envelope: &Envelope,
        payload_len: usize,
        place: Place,
    ) -> Result<Newcomer, AdmissionError> {
        let sender = place.sender();
        let own = self.senders.get(sender).copied().unwrap_or_default();
        let ready_end = match (place, self.line_mode(envelope.rollup)) {
            (_, LineMode::Window | LineMode::Logged) => Nonce::MAX,
            (Place::New { next, .. }, LineMode::Sequential) => next,
            (_, LineMode::Sequential) => own.ready_end,
        };
        Ok(Newcomer {
            fee: envelope.fee,
            payload_len,
            is_quiet: own.pending_count < self.rules.choices.quiet_pending_count_max,
            is_ready: envelope.nonce <= ready_end,
            sender,
            heap: self
                .heap_of(envelope.rollup)
                .ok_or(AdmissionError::UnknownRollup)?,
        })
    }

    /// Makes a line ready to take the transaction, and returns its sender's place.
    fn join_place(&mut self, place: Place, envelope: &Envelope) -> Result<u32, AdmissionError> {
        match place {
            Place::Known { sender } | Place::Replacing { sender, .. } => Ok(sender),
            Place::Lowered { sender } => {
                self.withdraw_head(sender);
                if let Some(own) = self.senders.get_mut(sender) {
                    let tears_line = envelope.nonce.saturating_add(1) != own.next;
                    own.next = envelope.nonce;
                    if tears_line {
                        own.ready_end = envelope.nonce;
                    }
                }
                Ok(sender)
            }
            Place::New {
                next,
                is_base_fixed,
            } => {
                // The places beyond are for senders of forced inputs.
                if self.senders.len() >= self.rules.sender_count_max as usize {
                    self.forget_idle_sender()?;
                }
                self.insert_sender(envelope.rollup, envelope.sender, next, is_base_fixed)
                    .ok_or(AdmissionError::SenderTableFull)
            }
        }
    }

    /// Writes a transaction for which there is room into the pool.
    pub(super) fn enter<R: SelectionRule>(
        &mut self,
        arriving: &Arriving<'_>,
        arrival: Arrival,
        [sender, origin]: [u32; 2],
        is_quiet: bool,
        rule: &R,
    ) -> Result<Handle, AdmissionError> {
        let Transaction { envelope, payload } = &arriving.submission.transaction;
        // Room was made before, so neither can fail.
        let payload = self
            .payloads
            .store(payload)
            .ok_or(AdmissionError::PoolBytesFull)?;
        let mut entry = Entry::new(arriving.id, envelope, payload, arrival, [sender, origin]);
        entry.is_quiet = is_quiet;
        let handle = self.entries.insert(entry).ok_or(AdmissionError::PoolFull)?;
        self.by_id
            .insert(self.hash.bytes32(arriving.id.as_bytes()), handle.index);
        if let Some(hint) = arriving.submission.hint.filter(|_| self.rules.needs_hints) {
            self.hints.insert(handle.index, hint);
        }
        if is_quiet {
            let bytes = self.payloads.rounded_bytes(payload.len() as usize);
            self.quiet_count = self.quiet_count.saturating_add(1);
            self.quiet_bytes = self.quiet_bytes.saturating_add(bytes);
        }
        if let Some(use_of) = self.origins.get_mut(origin as usize) {
            let InUse { count, bytes, gas } = use_of;
            *count = count.saturating_add(1);
            *bytes = bytes.saturating_add(u64::from(payload.len()));
            *gas = gas.saturating_add(envelope.gas.get());
        }
        let heap = self.heap_of(envelope.rollup);
        if let Some(count) = heap.and_then(|heap| self.rollup_counts.get_mut(heap as usize)) {
            *count = count.saturating_add(1);
        }
        self.note_busy(sender);
        self.link(handle.index, rule);
        self.start_waiting(handle.index, &entry);
        Ok(handle)
    }

    /// Puts a transaction in place of a waiting one with the same sender and nonce.
    fn replace<R: SelectionRule>(
        &mut self,
        index: u32,
        arriving: &Arriving<'_>,
        origin: Option<u32>,
        rule: &R,
        ledger: &mut Ledger<'_>,
    ) -> Result<Handle, AdmissionError> {
        let Transaction { envelope, payload } = &arriving.submission.transaction;
        let old = *self
            .entries
            .get(index)
            .ok_or(AdmissionError::NonceOccupied)?;
        if old.is_taken || self.is_shadowed(&old) {
            return Err(AdmissionError::NonceOccupied);
        }
        if !may_replace(
            envelope.fee,
            old.fee,
            self.rules.choices.replacement_bump_percent,
        ) {
            return Err(AdmissionError::ReplacementUnderpriced);
        }
        self.check_quotas_of_replacement(&old, envelope, payload.len(), origin)?;
        let freed = self.payloads.rounded_bytes(old.payload.len() as usize);
        let free_bytes = self.payloads.free_bytes().saturating_add(freed);
        if self.payloads.rounded_bytes(payload.len()) > free_bytes {
            return Err(AdmissionError::PoolBytesFull);
        }
        if ledger.room() == 0 {
            return Err(AdmissionError::EventsFull);
        }
        let arrival = Arrival {
            index: self.arrivals,
            tick: arriving.tick,
        };
        self.arrivals = self.arrivals.saturating_add(1);
        self.seen.insert(old.id.as_bytes(), Code::Replaced.number());
        let ready_end = self.senders.get(old.sender).map(|own| own.ready_end);
        self.forget(index, &old);
        if let (Some(own), Some(ready_end)) = (self.senders.get_mut(old.sender), ready_end) {
            // Its nonce is never missing, so nobody looks through those behind it.
            own.ready_end = ready_end;
        }
        ledger.end_replaced(old.id, envelope.rollup, arriving.id);
        let places = [old.sender, origin.unwrap_or(NONE)];
        self.enter(arriving, arrival, places, old.is_quiet, rule)
    }
}

/// Where a sender's window starts: at the account's nonce, or half a window below the first seen.
fn first_in_window(nonce: Nonce, account_nonce: Option<Nonce>) -> Result<Place, AdmissionError> {
    let half_below = Nonce::new(nonce.get().saturating_sub(Window::LEN / 2));
    let next = account_nonce.unwrap_or(half_below);
    if nonce < next {
        Err(AdmissionError::NonceUsed)
    } else if nonce.saturating_distance(next) >= Window::LEN {
        Err(AdmissionError::NonceBeyondWindow)
    } else {
        Ok(Place::New {
            next,
            is_base_fixed: true,
        })
    }
}

/// Whether `new` is `percent` more than `old`, rounded up, and at least one more.
fn may_replace(new: Fee, old: Fee, percent: u32) -> bool {
    let old = u128::from(old.get());
    let bump = old.saturating_mul(u128::from(percent)).div_ceil(100).max(1);
    u128::from(new.get()) >= old.saturating_add(bump)
}

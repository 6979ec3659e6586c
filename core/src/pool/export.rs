//! The pool's part of a snapshot: what decides its future, and nothing that follows from it.
//!
//! Indexes, queues, sums and what is ready are made anew from senders, transactions and taken
//! places. Places themselves are written, because the reuse of places breaks ties between
//! transactions that expire at the same time.

use super::TransactionPool;
use super::entry::{Entry, Sender, Window};
use super::line::LineMode;
use super::outside::NonceState;
use super::verify::Broken;
use super::{InUse, Rules};
use crate::bounded::{ChunkArena, ChunkList, Handle, NONE, RecentSet};
use crate::codec::{DecodeError, Reader, Sink};
use crate::config::ReplayProtection;
use crate::crypto::hash::transaction_id;
use crate::error::Code;
use crate::types::{
    Address, Arrival, Envelope, InboxIndex, Nonce, RollupId, SelectionRule, Side, Tick, TradeHint,
    Transaction, UnixNs,
};

impl From<DecodeError> for Broken {
    fn from(error: DecodeError) -> Self {
        Self(error.code().message())
    }
}

/// A note of this value stands for a place whose key was taken out.
const GONE: u16 = u16::MAX;

impl TransactionPool {
    /// Writes the pool's state, but for which transactions are taken. See `docs/formats.md`.
    pub(crate) fn export(&self, out: &mut impl Sink) {
        out.u64(self.arrivals);
        for rollup in &self.rules.rollups {
            let next = self.next_inbox_index(rollup.id);
            out.u64(next.unwrap_or(InboxIndex::ZERO).get());
        }
        for freed in [self.senders.freed_places(), self.entries.freed_places()] {
            out.u32(freed.len() as u32);
            freed.iter().for_each(|place| out.u32(*place));
        }
        out.u32(self.senders.len() as u32);
        for (place, sender) in self.senders.iter() {
            export_sender(place, sender, out);
            let mut at = sender.first;
            while let Some(entry) = self.entries.get(at) {
                self.export_entry(at, entry, sender, out);
                at = entry.after;
            }
        }
        self.export_forced(out);
        self.export_bundles(out);
        self.idle.export(out);
        for recent in [&self.seen, &self.cancelled_ids, &self.cancelled_nonces] {
            export_recent(recent, out);
        }
    }

    fn export_entry(&self, place: u32, entry: &Entry, sender: &Sender, out: &mut impl Sink) {
        out.u32(place);
        out.u32(entry.origin);
        out.u64(entry.arrival.index);
        out.u64(entry.arrival.tick.get());
        out.u8(u8::from(entry.is_quiet) | u8::from(entry.is_logged) << 1);
        let payload = (&self.payloads, entry.payload);
        export_transaction(&entry.envelope(sender), payload, out);
        if let Some(hint) = self.hints.get(place) {
            out.bytes(hint.pool.as_bytes());
            out.u8(hint.side.byte());
            out.bytes(&hint.amount.to_le_bytes());
        }
    }

    /// Fills an empty pool with what [`TransactionPool::export`] wrote.
    ///
    /// Afterwards [`TransactionPool::restore_taken`] says what was taken, and
    /// [`TransactionPool::finish_restoring`] makes the rest.
    pub(crate) fn restore(&mut self, input: &mut Reader<'_>, now: Tick) -> Result<(), Broken> {
        self.arrivals = input.u64()?;
        let rollup_count = self.rules.rollups.len();
        for next in self.forced.next_indexes().take(rollup_count) {
            *next = InboxIndex::new(input.u64()?);
        }
        let [freed_senders, freed_entries] = [places(input)?, places(input)?];
        let sender_count = input.u32()?;
        let mut before = None;
        for _ in 0..sender_count {
            let place = self.restore_sender(input, now)?;
            check(
                before < Some(place),
                "senders stand in the order of their places",
            )?;
            before = Some(place);
        }
        let senders_fit = self
            .senders
            .restore_free(sender_count as usize, freed_senders);
        check(
            senders_fit,
            "the free places of senders are those left over",
        )?;
        let entries_fit = self.entries.restore_free(self.by_id.len(), freed_entries);
        check(entries_fit, "the free places are those left over")?;
        self.restore_forced(input)?;
        self.restore_bundles(input)?;
        let restored = self.restore_idle(places(input)?);
        restored.ok_or(Broken("the idle are those who have nothing"))?;
        for recent in [
            &mut self.seen,
            &mut self.cancelled_ids,
            &mut self.cancelled_nonces,
        ] {
            restore_recent(recent, input)?;
        }
        Ok(())
    }

    fn restore_sender(&mut self, input: &mut Reader<'_>, now: Tick) -> Result<u32, Broken> {
        let place = input.u32()?;
        let rollup = RollupId::new(input.u32()?);
        let address = Address::new(input.array()?);
        let next = Nonce::new(input.u64()?);
        let included = [input.u64()?, input.u64()?];
        let keep_until = UnixNs::new(input.u64()?);
        let is_base_fixed = flag(input)?;
        let used_below = input.u8()?;
        let pending_count = input.u32()?;
        let is_known = self.heap_of(rollup).is_some();
        check(is_known, "a sender is one of a configured rollup")?;
        let is_new = self.sender_of(rollup, address).is_none();
        check(is_new, "a sender stands once")?;
        let included = self.restore_used_nonces(rollup, next, included, used_below)?;
        let sender = Sender {
            address,
            rollup,
            next,
            ready_end: next,
            included,
            keep_until,
            is_base_fixed,
            used_below,
            ..Sender::default()
        };
        let restored = self.senders.restore_at(place, sender);
        restored.ok_or(Broken("a sender has a place of its own"))?;
        let hash = self.address_hash(rollup, address);
        check(
            self.by_address.insert(hash, place),
            "a sender's place is known",
        )?;
        for _ in 0..pending_count {
            self.restore_entry(place, input, now)?;
        }
        Ok(place)
    }

    /// Reads what decided slots used of a sender's nonces.
    fn restore_used_nonces(
        &self,
        rollup: RollupId,
        next: Nonce,
        words: [u64; 2],
        used_below: u8,
    ) -> Result<Window, Broken> {
        let [decided, rest] = words;
        if self.line_mode(rollup) == LineMode::Window {
            let is_below = u64::from(used_below) <= Window::LEN.min(next.get());
            check(
                is_below || used_below == Sender::ALL_USED,
                "what is used below a window lies there",
            )?;
            return Window::from_words(words).ok_or(Broken("a window starts at a gap"));
        }
        check(rest == 0 && used_below == 0, "only windows have bits")?;
        // Under policies that order by receive logs it stays zero.
        let is_noted = self.line_mode(rollup) == LineMode::Sequential || decided == 0;
        let lies_below = is_noted && decided <= next.get();
        check(lies_below, "what decided slots used lies below the next")?;
        Ok(Window::of_nonce(Nonce::new(decided)))
    }

    fn restore_entry(
        &mut self,
        sender: u32,
        input: &mut Reader<'_>,
        now: Tick,
    ) -> Result<(), Broken> {
        let place = input.u32()?;
        let origin = input.u32()?;
        let arrival = Arrival {
            index: input.u64()?,
            tick: Tick::new(input.u64()?),
        };
        let flags = input.u8()?;
        let (is_quiet, is_logged) = (flags & 1 != 0, flags & 2 != 0);
        check(
            flags < 4 && (!is_logged || self.rules.by_logs),
            "a transaction has no flags but its own",
        )?;
        let start = input.rest();
        let transaction = Transaction::decode_from(input, self.rules.payload_bytes_max)?;
        let canonical = start.get(..transaction.encoded_len()).unwrap_or_default();
        let Transaction { envelope, payload } = transaction;
        let own = self.senders.get(sender).copied().unwrap_or_default();
        let is_own = (own.rollup, own.address) == (envelope.rollup, envelope.sender);
        check(is_own, "a transaction stands with its sender")?;
        self.rules.check_admissible(&envelope)?;
        let has_arrived = arrival.index < self.arrivals && arrival.tick <= now;
        check(has_arrived, "a transaction arrived before now")?;
        check(
            (origin as usize) < self.origins.len(),
            "an origin is counted",
        )?;
        let follows =
            self.entries
                .get(own.last)
                .is_none_or(|last| match self.line_mode(own.rollup) {
                    LineMode::Sequential => last.nonce < envelope.nonce,
                    LineMode::Window | LineMode::Logged => last.arrival.index < arrival.index,
                });
        check(follows, "a line is in order")?;
        let is_free = self.rules.by_logs || self.at_nonce(sender, envelope.nonce).is_none();
        check(is_free, "a nonce stands once")?;
        let id = transaction_id(canonical);
        check(self.index_of(id).is_none(), "a transaction stands once")?;
        let payload = self.payloads.store(payload);
        let payload = payload.ok_or(Broken("payloads fit into the pool"))?;
        let mut entry = Entry::new(id, &envelope, payload, arrival, [sender, origin]);
        (entry.is_quiet, entry.is_logged) = (is_quiet, is_logged);
        let restored = self.entries.restore_at(place, entry);
        restored.ok_or(Broken("a transaction has a place of its own"))?;
        self.by_id.insert(self.hash.bytes32(id.as_bytes()), place);
        self.append_to_line(place, &entry);
        self.count_in(&entry, own.rollup);
        self.restore_hint(place, input)
    }

    /// Reads the trade of a transaction where the policy looks at trades.
    fn restore_hint(&mut self, place: u32, input: &mut Reader<'_>) -> Result<(), Broken> {
        if !self.rules.needs_hints {
            return Ok(());
        }
        let pool = Address::new(input.array()?);
        let side = Side::from_byte(input.u8()?).ok_or(Broken("a trade has a side"))?;
        let amount = u128::from_le_bytes(input.array()?);
        check(amount > 0, "a trade has an amount")?;
        let hint = TradeHint { pool, side, amount };
        check(self.hints.insert(place, hint), "trades fit into the pool")
    }

    /// Puts a transaction at the end of its sender's line.
    fn append_to_line(&mut self, index: u32, entry: &Entry) {
        let last = self.senders.get(entry.sender).map_or(NONE, |own| own.last);
        self.join(entry.sender, last, index);
        self.join(entry.sender, index, NONE);
        let hash = self.nonce_hash(entry.sender, entry.nonce);
        self.by_nonce.insert(hash, index);
        if let Some(own) = self.senders.get_mut(entry.sender) {
            own.pending_count = own.pending_count.saturating_add(1);
            own.pending_bytes = own.pending_bytes.saturating_add(entry.payload.len());
            own.pending_gas = own.pending_gas.saturating_add(entry.gas.get());
        }
    }

    /// Adds a transaction to the sums over origins, rollups and the quiet.
    fn count_in(&mut self, entry: &Entry, rollup: RollupId) {
        if entry.is_quiet {
            let bytes = self.payloads.rounded_bytes(entry.payload.len() as usize);
            self.quiet_count = self.quiet_count.saturating_add(1);
            self.quiet_bytes = self.quiet_bytes.saturating_add(bytes);
        }
        if let Some(InUse { count, bytes, gas }) = self.origins.get_mut(entry.origin as usize) {
            *count = count.saturating_add(1);
            *bytes = bytes.saturating_add(u64::from(entry.payload.len()));
            *gas = gas.saturating_add(entry.gas.get());
        }
        let heap = self.heap_of(rollup);
        if let Some(count) = heap.and_then(|heap| self.rollup_counts.get_mut(heap as usize)) {
            *count = count.saturating_add(1);
        }
    }

    /// Marks the transaction at `place` as taken, and returns its handle.
    ///
    /// What slots hold is restored in the order in which it was taken.
    pub(crate) fn restore_taken(&mut self, place: u32) -> Result<Handle, Broken> {
        let entry = self.entries.get(place).filter(|own| !own.is_taken);
        let entry = *entry.ok_or(Broken("a slot's transactions are taken once"))?;
        if self.rules.by_logs {
            check(entry.is_logged, "what a slot drained, logs hold")?;
        } else {
            self.restore_next(entry.sender, entry.nonce)?;
        }
        if let Some(entry) = self.entries.get_mut(place) {
            entry.is_taken = true;
        }
        self.taken_count = self.taken_count.saturating_add(1);
        if let Some(own) = self.senders.get_mut(entry.sender) {
            own.taken_count = own.taken_count.saturating_add(1);
        }
        let handle = self.entries.handle(place);
        handle.ok_or(Broken("a slot's transactions are in the pool"))
    }

    /// Uses a nonce from outside its sender's line for a slot.
    pub(super) fn restore_used(&mut self, place: u32, nonce: Nonce) -> Result<(), Broken> {
        self.restore_next(place, nonce)?;
        let mode = self.mode_of_sender(place);
        let next = self.senders.get(place).map(|own| own.next);
        if let (Some(next), Some(pinned)) = (next, self.pins.of_mut(place)) {
            pinned.used_count = pinned.used_count.saturating_add(1);
            if mode == LineMode::Window {
                pinned.window.set(nonce.saturating_distance(next));
            }
        }
        Ok(())
    }

    /// Checks that a nonce can be the next that was taken of its sender.
    ///
    /// One nonce after another: until all is restored `ready_end` is the nonce to be taken next,
    /// which `next` lies behind.
    fn restore_next(&mut self, place: u32, nonce: Nonce) -> Result<(), Broken> {
        let mode = self.mode_of_sender(place);
        let own = self.senders.get(place).copied().unwrap_or_default();
        let is_next = match mode {
            LineMode::Sequential if self.in_flight_count(place) == 0 => nonce < own.next,
            LineMode::Sequential => nonce < own.next && nonce == own.ready_end,
            LineMode::Window => self.nonce_state(place, nonce) == NonceState::Next,
            // An acknowledged slot may have moved the cursor on since.
            LineMode::Logged => nonce < own.next,
        };
        check(is_next, "no nonce is left out in taking, or taken twice")?;
        if let Some(own) = self.senders.get_mut(place)
            && mode == LineMode::Sequential
        {
            own.ready_end = nonce.saturating_add(1);
        }
        Ok(())
    }

    /// Makes what follows from the rest: what is ready, can be displaced, and expires.
    pub(crate) fn finish_restoring<R: SelectionRule>(&mut self, rule: &R) -> Result<(), Broken> {
        let is_sequential = |own: &Sender| self.line_mode(own.rollup) == LineMode::Sequential;
        let is_whole = |place: u32, own: &Sender| {
            self.in_flight_count(place) == 0 || own.ready_end == own.next
        };
        let is_restored =
            |(place, own): (u32, &Sender)| !is_sequential(own) || is_whole(place, own);
        check(
            self.senders.iter().all(is_restored),
            "what is taken ends at the next nonce",
        )?;
        for index in 0..self.rules.pending_count_max {
            let Some(entry) = self.entries.get(index).copied() else {
                continue;
            };
            if entry.is_taken {
                continue;
            }
            let own = self.senders.get(entry.sender).copied().unwrap_or_default();
            let is_sequential = self.line_mode(own.rollup) == LineMode::Sequential;
            self.start_waiting(index, &entry);
            let is_head = own.next == entry.nonce;
            if is_head || !is_sequential {
                self.offer(index, rule);
            }
            if is_head {
                self.extend_ready(entry.sender);
            }
        }
        Ok(())
    }
}

impl Rules {
    /// Whether a transaction could have been admitted at some time.
    pub(super) fn check_admissible(&self, envelope: &Envelope) -> Result<(), Broken> {
        check(envelope.nonce < Nonce::MAX, "a nonce has a successor")?;
        check(envelope.gas <= self.slot_gas_max, "gas fits into a slot")?;
        check(envelope.fee >= self.fee_floor, "a fee reaches the floor")?;
        let may_stay_for_ever = self.replay_protection == ReplayProtection::ByHost;
        let expires = envelope.expiry != UnixNs::NEVER;
        check(may_stay_for_ever || expires, "a transaction expires")
    }
}

/// Writes a transaction's canonical bytes.
pub(super) fn export_transaction(
    envelope: &Envelope,
    (payloads, payload): (&ChunkArena, ChunkList),
    out: &mut impl Sink,
) {
    let mut header = [0; Transaction::HEADER_LEN as usize];
    let mut fields = crate::codec::Writer::new(&mut header);
    let written = envelope.encode_header(payload.len(), &mut fields);
    debug_assert!(written.is_ok(), "HEADER_LEN is the header's length");
    out.bytes(&header);
    payloads.parts(payload).for_each(|part| out.bytes(part));
}

fn export_sender(place: u32, sender: &Sender, out: &mut impl Sink) {
    out.u32(place);
    out.u32(sender.rollup.get());
    out.bytes(sender.address.as_bytes());
    out.u64(sender.next.get());
    sender
        .included
        .words()
        .iter()
        .for_each(|word| out.u64(*word));
    out.u64(sender.keep_until.get());
    out.u8(u8::from(sender.is_base_fixed));
    out.u8(sender.used_below);
    out.u32(sender.pending_count);
}

fn export_recent(recent: &RecentSet, out: &mut impl Sink) {
    out.u32(recent.span() as u32);
    for place in recent.export() {
        out.u16(place.map_or(GONE, |(_, note)| note));
        if let Some((key, _)) = place {
            out.bytes(key);
        }
    }
}

fn restore_recent(recent: &mut RecentSet, input: &mut Reader<'_>) -> Result<(), Broken> {
    let span = input.u32()? as usize;
    check(span <= recent.capacity(), "a memory has room")?;
    // The places before the oldest key stay empty.
    for _ in span..recent.capacity() {
        recent.restore_next(None);
    }
    for position in 0..span {
        let note = input.u16()?;
        if note == GONE {
            check(position > 0, "a memory starts with a key")?;
            recent.restore_next(None);
            continue;
        }
        check(Code::from_number(note).is_some(), "a note is a code")?;
        let key: [u8; 32] = input.array()?;
        let is_new = recent.restore_next(Some((&key, note)));
        check(is_new, "a memory holds a key once")?;
    }
    Ok(())
}

/// Reads a count and as many places.
fn places<'a>(
    input: &mut Reader<'a>,
) -> Result<impl ExactSizeIterator<Item = u32> + use<'a>, Broken> {
    let count = input.u32()? as usize;
    let bytes = input.bytes(count.saturating_mul(4))?;
    let (words, _) = bytes.as_chunks::<4>();
    Ok(words.iter().map(|word| u32::from_le_bytes(*word)))
}

/// Reads a byte that is 0 or 1.
fn flag(input: &mut Reader<'_>) -> Result<bool, Broken> {
    match input.u8()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(Broken("a flag is 0 or 1")),
    }
}

fn check(holds: bool, invariant: &'static str) -> Result<(), Broken> {
    if holds {
        Ok(())
    } else {
        Err(Broken(invariant))
    }
}

//! The pool as plain maps without any fixed memory: every answer is found by looking at everything.

mod adopt;
mod room;
mod settle;

use std::collections::{BTreeMap, BTreeSet};
use std::vec::Vec;

use crate::bounded::CHUNK_BYTES;
use crate::config::{Config, NonceMode, Policy, ReplayProtection};
use crate::error::Code;
use crate::limits::{Limits, Quota};
use crate::pool::{AdmissionError, CancelError, Cancelled};
use crate::types::{
    Address, Arrival, Candidate, Envelope, Fee, Nonce, RollupId, Submission, Tick, TxId, UnixNs,
};
use AdmissionError as Refusal;
pub use adopt::PlainDecided;
use room::Newcomer;

pub type LineKey = (RollupId, Address);

/// What the model keeps of a transaction.
#[derive(Clone, Copy, Debug)]
pub struct PlainTransaction {
    pub id: TxId,
    pub envelope: Envelope,
    pub payload_len: usize,
    pub arrival: Arrival,
    pub origin: u32,
    pub is_taken: bool,
    pub is_quiet: bool,
}

impl PlainTransaction {
    pub fn candidate(&self) -> Candidate {
        Candidate {
            id: self.id,
            envelope: self.envelope,
            arrival: self.arrival,
            encoded_len: 98 + self.payload_len as u32,
        }
    }

    pub fn line(&self) -> LineKey {
        (self.envelope.rollup, self.envelope.sender)
    }

    pub fn nonce(&self) -> u64 {
        self.envelope.nonce.get()
    }
}

/// What the model keeps of a sender on a rollup.
#[derive(Clone, Debug, Default)]
pub struct PlainLine {
    pub next: u64,
    pub is_base_fixed: bool,
    included: BTreeSet<u64>,
    keep_until: u64,
    idle_since: u64,
    /// What decided slots used since the line began, in that order.
    decided: Vec<u64>,
    /// Where its window began.
    base: u64,
}

/// The last so many keys, in places that are written in turn.
struct Recent<K> {
    places: Vec<Option<K>>,
    next: usize,
}

impl<K: PartialEq> Recent<K> {
    fn new(count: u32) -> Self {
        let places = (0..count).map(|_| None).collect();
        Self { places, next: 0 }
    }

    fn contains(&self, key: &K) -> bool {
        self.places.iter().flatten().any(|own| own == key)
    }

    fn insert(&mut self, key: K) {
        if !self.contains(&key) {
            self.places[self.next] = Some(key);
            self.next = (self.next + 1) % self.places.len();
        }
    }

    fn remove(&mut self, key: &K) -> bool {
        let place = self.places.iter_mut().find(|own| own.as_ref() == Some(key));
        place.map(Option::take).is_some()
    }
}

/// The model; `held` is in the order of arrival.
pub struct PlainPool {
    config: Config,
    limits: Limits,
    pub fee_floor: Fee,
    pub refuses_gaps: bool,
    pub held: BTreeMap<u64, PlainTransaction>,
    pub lines: BTreeMap<LineKey, PlainLine>,
    pub aside: BTreeSet<u64>,
    seen: Recent<TxId>,
    /// Of those the ones that were included, and maybe more.
    included_ids: BTreeSet<TxId>,
    pub decided_time: UnixNs,
    cancelled_ids: Recent<TxId>,
    cancelled_nonces: Recent<(LineKey, u64)>,
    /// What ended: how, which, and what took its place.
    pub ended: Vec<(Code, TxId, TxId)>,
    arrivals: u64,
    ends: u64,
}

impl PlainPool {
    pub fn new(config: &Config, limits: &Limits) -> Self {
        Self {
            config: config.clone(),
            limits: limits.clone(),
            fee_floor: config.fee_floor,
            refuses_gaps: false,
            held: BTreeMap::new(),
            lines: BTreeMap::new(),
            aside: BTreeSet::new(),
            seen: Recent::new(limits.seen_count_max),
            included_ids: BTreeSet::new(),
            decided_time: UnixNs::ZERO,
            cancelled_ids: Recent::new(limits.cancel_count_max),
            cancelled_nonces: Recent::new(limits.cancel_count_max),
            ended: Vec::new(),
            arrivals: 0,
            ends: 0,
        }
    }

    pub fn is_configured(&self, rollup: RollupId) -> bool {
        self.config.rollup_position(rollup).is_some()
    }

    /// A slot of another member may have brought more senders than that.
    fn is_full_of_senders(&self) -> bool {
        self.lines.len() >= self.limits.sender_count_max as usize
    }

    pub fn free_bytes(&self) -> u64 {
        let used: u64 = self.held.values().map(|own| rounded(own.payload_len)).sum();
        rounded(self.limits.pending_bytes_max as usize) - used
    }

    fn mode(&self, line: LineKey) -> NonceMode {
        self.config.nonce_mode(line.0)
    }

    fn is_sequential(&self, line: LineKey) -> bool {
        self.mode(line) == NonceMode::Sequential
    }

    fn of_line(&self, line: LineKey) -> impl Iterator<Item = &PlainTransaction> {
        self.held.values().filter(move |own| own.line() == line)
    }

    fn at(&self, line: LineKey, nonce: u64) -> Option<PlainTransaction> {
        self.of_line(line).find(|own| own.nonce() == nonce).copied()
    }

    /// The first nonce from the line's next on that is not held.
    fn ready_end(&self, line: LineKey) -> u64 {
        let next = self.lines[&line].next;
        (next..=u64::MAX)
            .find(|nonce| self.at(line, *nonce).is_none())
            .unwrap()
    }

    /// What stands in the line behind a hole.
    fn gapped_count(&self, line: LineKey) -> usize {
        let end = self.ready_end(line);
        self.of_line(line).filter(|own| own.nonce() > end).count()
    }

    pub fn admit(
        &mut self,
        id: TxId,
        submission: &Submission<'_>,
        tick: Tick,
        time: UnixNs,
        room: usize,
    ) -> Result<u64, AdmissionError> {
        let envelope = submission.transaction.envelope;
        let payload_len = submission.transaction.payload.len();
        let account = submission.account_nonce.map(Nonce::get);
        let (line, nonce) = ((envelope.rollup, envelope.sender), envelope.nonce.get());
        self.check_alone(&envelope, payload_len, time)?;
        if self.held.values().any(|own| own.id == id) {
            return Err(Refusal::Duplicate);
        }
        if self.seen.contains(&id) {
            return Err(Refusal::AlreadyEnded);
        }
        let begun = self.ended.len();
        account.inspect(|account| self.skip_used(line, *account, room));
        let room = room - (self.ended.len() - begun);
        let old = self.at(line, nonce);
        let known = self.lines.get(&line).cloned();
        let after = match (&old, &known) {
            (Some(_), Some(known)) => known.clone(),
            (_, Some(known)) => self.joined(line, known, nonce)?,
            (_, None) => self.begun(line, nonce, account)?,
        };
        let was_cancelled = [
            self.cancelled_ids.remove(&id),
            self.cancelled_nonces.remove(&(line, nonce)),
        ];
        if was_cancelled.contains(&true) {
            self.see(id, Code::Cancelled);
            return Err(Refusal::CancelledBefore);
        }
        let mut own = PlainTransaction {
            id,
            envelope,
            payload_len,
            arrival: Arrival {
                index: self.arrivals,
                tick,
            },
            origin: submission.origin % self.limits.origin_count_max,
            is_taken: false,
            is_quiet: self.is_quiet(line),
        };
        if let Some(old) = old {
            self.replace(&old, &mut own, room)?;
        } else {
            self.check_quotas(&own, None)?;
            let is_new = known.is_none();
            let going = self.who_goes(&self.newcomer(&own, is_new, after.next))?;
            if going.len() > room {
                return Err(Refusal::EventsFull);
            }
            if known.is_none() && self.is_full_of_senders() {
                self.forget_one()?;
            }
            going
                .iter()
                .for_each(|index| self.end(*index, Code::Evicted));
            self.lines.insert(line, after);
        }
        self.arrivals += 1;
        self.held.insert(own.arrival.index, own);
        Ok(own.arrival.index)
    }

    fn newcomer(&self, own: &PlainTransaction, is_new: bool, next: u64) -> Newcomer {
        let line = own.line();
        let ready_end = if is_new { next } else { self.ready_end(line) };
        Newcomer {
            line,
            fee: own.envelope.fee,
            bytes: rounded(own.payload_len),
            is_quiet: own.is_quiet,
            is_ready: !self.is_sequential(line) || own.nonce() <= ready_end,
        }
    }

    fn check_alone(
        &self,
        envelope: &Envelope,
        payload_len: usize,
        time: UnixNs,
    ) -> Result<(), AdmissionError> {
        let lives_ns = i128::from(envelope.expiry.get()) - i128::from(time.get());
        let (needs_expiry, horizon_ns) = match self.config.replay_protection {
            ReplayProtection::ByHost => (false, i128::MAX),
            ReplayProtection::ByExpiry { horizon_ns } => (true, i128::from(horizon_ns)),
        };
        let has_expiry = envelope.expiry != UnixNs::NEVER;
        let too_long = payload_len > self.limits.payload_bytes_max as usize;
        let too_much = envelope.gas.get() > self.limits.slot_gas_max;
        let is_foreign = self.config.rollup_position(envelope.rollup).is_none();
        let refusals = [
            (too_long, Refusal::PayloadTooLarge),
            (too_much, Refusal::GasTooLarge),
            (envelope.fee < self.fee_floor, Refusal::FeeTooLow),
            (envelope.nonce.get() == u64::MAX, Refusal::NonceTooLarge),
            (lives_ns <= 0, Refusal::AlreadyExpired),
            (needs_expiry && !has_expiry, Refusal::ExpiryMissing),
            (lives_ns > horizon_ns, Refusal::ExpiryTooFar),
            (is_foreign, Refusal::UnknownRollup),
        ];
        let first = refusals.iter().find(|(holds, _)| *holds);
        first.map_or(Ok(()), |(_, refusal)| Err(*refusal))
    }

    /// Ends what the account has used the nonces of, lowest first.
    fn skip_used(&mut self, line: LineKey, account: u64, mut room: usize) {
        let Some(own) = self.lines.get(&line) else {
            return;
        };
        let any_taken = self.of_line(line).any(|own| own.is_taken);
        if !self.is_sequential(line) || any_taken || own.next >= account {
            return;
        }
        let used = self.of_line(line).filter(|own| own.nonce() < account);
        let mut used: Vec<_> = used.map(|own| (own.nonce(), own.arrival.index)).collect();
        used.sort_unstable();
        for (_, index) in used {
            if room == 0 {
                return;
            }
            self.end(index, Code::Superseded);
            room -= 1;
        }
        let own = self.lines.get_mut(&line).unwrap();
        (own.next, own.is_base_fixed) = (account, true);
    }

    /// A new sender's line.
    fn begun(
        &self,
        line: LineKey,
        nonce: u64,
        account: Option<u64>,
    ) -> Result<PlainLine, AdmissionError> {
        let sequential = self.is_sequential(line);
        let guess = if sequential {
            nonce
        } else {
            nonce.saturating_sub(64)
        };
        let next = account.unwrap_or(guess);
        if nonce < next {
            return Err(Refusal::NonceUsed);
        }
        if sequential && nonce > next {
            self.check_gap(next, next, nonce, 0)?;
        }
        if !sequential && nonce - next >= 128 {
            return Err(Refusal::NonceBeyondWindow);
        }
        Ok(PlainLine {
            next,
            is_base_fixed: account.is_some() || !sequential,
            base: next,
            ..PlainLine::default()
        })
    }

    /// A known sender's line once it has a place for this nonce, which nothing holds.
    fn joined(
        &self,
        line: LineKey,
        own: &PlainLine,
        nonce: u64,
    ) -> Result<PlainLine, AdmissionError> {
        let mut after = own.clone();
        if !self.is_sequential(line) {
            if nonce < own.next || own.included.contains(&nonce) {
                return Err(Refusal::NonceUsed);
            }
            if nonce - own.next >= 128 {
                return Err(Refusal::NonceBeyondWindow);
            }
            return Ok(after);
        }
        if nonce < own.next {
            let any_taken = self.of_line(line).any(|own| own.is_taken);
            if own.is_base_fixed || any_taken {
                return Err(Refusal::NonceUsed);
            }
            let highest = self.of_line(line).map(PlainTransaction::nonce).max();
            if let Some(highest) = highest.filter(|_| nonce + 1 < own.next) {
                let others = self.of_line(line).count() - 1;
                self.check_gap(nonce, own.next - 1, highest, others)?;
            }
            after.next = nonce;
        } else if nonce > self.ready_end(line) {
            let gapped = self.gapped_count(line);
            self.check_gap(own.next, self.ready_end(line), nonce, gapped)?;
        }
        Ok(after)
    }

    fn check_gap(
        &self,
        next: u64,
        missing: u64,
        nonce: u64,
        gapped: usize,
    ) -> Result<(), AdmissionError> {
        let percent = self.held.len() as u64 * 100 / u64::from(self.limits.pending_count_max);
        let may_wait = !self.refuses_gaps
            && percent < u64::from(self.config.pool.gap_refusal_percent)
            && gapped < self.limits.sender_gapped_count_max as usize
            && nonce - next <= u64::from(self.limits.nonce_gap_max);
        let nonce = Nonce::new(missing);
        may_wait
            .then_some(())
            .ok_or(Refusal::MissingPredecessor { nonce })
    }

    fn is_quiet(&self, line: LineKey) -> bool {
        self.of_line(line).count() < self.config.pool.quiet_pending_count_max as usize
    }

    /// Checks the quotas as if `own` were there and `instead_of` were not.
    fn check_quotas(
        &self,
        own: &PlainTransaction,
        instead_of: Option<u64>,
    ) -> Result<(), AdmissionError> {
        let fits = |quota: &Quota, mine: &dyn Fn(&PlainTransaction) -> bool| {
            let held = self.held.values();
            let held = held.filter(|other| Some(other.arrival.index) != instead_of && mine(other));
            let all: Vec<_> = held.chain([own]).collect();
            all.len() <= quota.count_max as usize
                && all.iter().map(|own| own.payload_len as u64).sum::<u64>() <= quota.bytes_max
                && all.iter().map(|own| own.envelope.gas.get()).sum::<u64>() <= quota.gas_max
        };
        if !fits(&self.limits.sender_quota, &|other| {
            other.line() == own.line()
        }) {
            return Err(Refusal::SenderQuotaExceeded);
        }
        if !fits(&self.limits.origin_quota, &|other| {
            other.origin == own.origin
        }) {
            return Err(Refusal::OriginQuotaExceeded);
        }
        Ok(())
    }

    fn replace(
        &mut self,
        old: &PlainTransaction,
        own: &mut PlainTransaction,
        room: usize,
    ) -> Result<(), AdmissionError> {
        let percent = u128::from(100 + self.config.pool.replacement_bump_percent);
        let [old_fee, fee] = [old, own].map(|own| u128::from(own.envelope.fee.get()));
        if old.is_taken {
            return Err(Refusal::NonceOccupied);
        }
        if fee <= old_fee || fee * 100 < old_fee * percent {
            return Err(Refusal::ReplacementUnderpriced);
        }
        self.check_quotas(own, Some(old.arrival.index))?;
        if rounded(own.payload_len) > self.free_bytes() + rounded(old.payload_len) {
            return Err(Refusal::PoolBytesFull);
        }
        if room == 0 {
            return Err(Refusal::EventsFull);
        }
        own.is_quiet = old.is_quiet;
        self.see(old.id, Code::Replaced);
        self.ended.push((Code::Replaced, old.id, own.id));
        self.forget(old.arrival.index);
        Ok(())
    }

    /// The first in the policy's order among those of the rollup that can be taken.
    pub fn best(&self, rollup: RollupId) -> Option<PlainTransaction> {
        let mine = self.held.values().filter(|own| own.line().0 == rollup);
        let ready =
            mine.filter(|own| self.is_ready(own) && !self.aside.contains(&own.arrival.index));
        ready
            .min_by_key(|own| match self.config.policy {
                Policy::Fcfs => (0, own.arrival.index),
                _ => (
                    i128::from(u64::MAX) - i128::from(own.envelope.fee.get()),
                    own.arrival.index,
                ),
            })
            .copied()
    }

    pub fn is_ready(&self, own: &PlainTransaction) -> bool {
        let is_next = self.lines[&own.line()].next == own.nonce();
        !own.is_taken && (is_next || !self.is_sequential(own.line()))
    }

    pub fn cancel(&mut self, id: TxId, room: usize) -> Result<Cancelled, CancelError> {
        if self.seen.contains(&id) {
            return Err(CancelError::EndedAlready);
        }
        match self.held.values().find(|own| own.id == id).copied() {
            Some(own) => self.cancel_held(&own, room),
            None => {
                self.cancelled_ids.insert(id);
                Ok(Cancelled::OnArrival)
            }
        }
    }

    pub fn cancel_nonce(
        &mut self,
        line: LineKey,
        nonce: u64,
        room: usize,
    ) -> Result<Cancelled, CancelError> {
        if let Some(own) = self.at(line, nonce) {
            return self.cancel_held(&own, room);
        }
        let is_used = |own: &PlainLine| nonce < own.next || own.included.contains(&nonce);
        if self.lines.get(&line).is_some_and(is_used) {
            return Err(CancelError::EndedAlready);
        }
        self.cancelled_nonces.insert((line, nonce));
        Ok(Cancelled::OnArrival)
    }

    fn cancel_held(
        &mut self,
        own: &PlainTransaction,
        room: usize,
    ) -> Result<Cancelled, CancelError> {
        if own.is_taken {
            return Err(CancelError::TakenAlready);
        }
        if room == 0 {
            return Err(CancelError::EventsFull);
        }
        self.end(own.arrival.index, Code::Cancelled);
        Ok(Cancelled::Now(own.id))
    }

    /// Ends a waiting one.
    pub fn end(&mut self, index: u64, code: Code) {
        let own = self.held[&index];
        assert!(!own.is_taken);
        if code != Code::Evicted && code != Code::Expired {
            self.see(own.id, code);
        }
        self.ended.push((code, own.id, TxId::ZERO));
        self.forget(index);
    }

    fn forget(&mut self, index: u64) {
        let line = self.held.remove(&index).unwrap().line();
        self.ends += 1;
        // Only means something while the line is empty, and then it is the latest end.
        self.lines.get_mut(&line).unwrap().idle_since = self.ends;
    }

    /// Waiting ones that have expired at this time.
    pub fn expired(&self, time: u64) -> Vec<u64> {
        let waiting = self.held.values().filter(|own| !own.is_taken);
        let expires = |own: &PlainTransaction| own.envelope.expiry != UnixNs::NEVER;
        waiting
            .filter(|own| expires(own) && own.envelope.expiry.get() <= time)
            .map(|own| own.arrival.index)
            .collect()
    }

    /// Waiting ones with a hole in the line before them.
    pub fn unready(&self) -> Vec<u64> {
        let waiting = self.held.values().filter(|own| !own.is_taken);
        let sequential = waiting.filter(|own| self.is_sequential(own.line()));
        sequential
            .filter(|own| own.nonce() > self.ready_end(own.line()))
            .map(|own| own.arrival.index)
            .collect()
    }
}

fn rounded(len: usize) -> u64 {
    (len.div_ceil(CHUNK_BYTES) * CHUNK_BYTES) as u64
}

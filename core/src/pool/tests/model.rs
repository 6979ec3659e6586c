//! The pool as plain maps without any fixed memory: every answer is found by looking at everything.

use std::collections::{BTreeMap, BTreeSet};
use std::vec::Vec;

use crate::bounded::CHUNK_BYTES;
use crate::config::{Config, Policy, ReplayProtection};
use crate::limits::Limits;
use crate::pool::AdmissionError;
use crate::types::{
    Address, Arrival, Candidate, Envelope, Nonce, RollupId, Submission, Tick, TxId, UnixNs,
};

pub type LineKey = (RollupId, Address);

/// What the model keeps of a transaction.
#[derive(Clone, Copy, Debug)]
pub struct PlainTransaction {
    pub id: TxId,
    pub envelope: Envelope,
    pub payload_len: usize,
    pub arrival: Arrival,
    pub is_taken: bool,
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

    fn line(&self) -> LineKey {
        (self.envelope.rollup, self.envelope.sender)
    }
}

/// What the model keeps of a sender on a rollup.
#[derive(Clone, Copy, Debug)]
struct PlainLine {
    next: u64,
    highest: u64,
    is_base_fixed: bool,
    keep_until: u64,
    idle_since: u64,
}

/// The model; `held` is in the order of arrival.
pub struct PlainPool {
    config: Config,
    limits: Limits,
    pub held: BTreeMap<u64, PlainTransaction>,
    lines: BTreeMap<LineKey, PlainLine>,
    pub aside: BTreeSet<LineKey>,
    arrivals: u64,
    events: u64,
}

impl PlainPool {
    pub fn new(config: &Config, limits: &Limits) -> Self {
        Self {
            config: config.clone(),
            limits: limits.clone(),
            held: BTreeMap::new(),
            lines: BTreeMap::new(),
            aside: BTreeSet::new(),
            arrivals: 0,
            events: 0,
        }
    }

    pub fn free_bytes(&self) -> u64 {
        let chunks_of = |len: usize| len.div_ceil(CHUNK_BYTES) as u64;
        let used: u64 = self
            .held
            .values()
            .map(|own| chunks_of(own.payload_len))
            .sum();
        (chunks_of(self.limits.pending_bytes_max as usize) - used) * CHUNK_BYTES as u64
    }

    pub fn next_nonce(&self, line: LineKey) -> Option<Nonce> {
        self.lines.get(&line).map(|own| Nonce::new(own.next))
    }

    pub fn lines(&self) -> impl Iterator<Item = LineKey> {
        self.lines.keys().copied()
    }

    fn of_line(&self, line: LineKey) -> impl Iterator<Item = &PlainTransaction> {
        self.held.values().filter(move |own| own.line() == line)
    }

    pub fn admit(
        &mut self,
        id: TxId,
        submission: &Submission<'_>,
        tick: Tick,
        time: UnixNs,
    ) -> Result<u64, AdmissionError> {
        use AdmissionError as Refusal;
        let envelope = submission.transaction.envelope;
        let payload_len = submission.transaction.payload.len();
        self.check_alone(&envelope, payload_len, time)?;
        if self.held.values().any(|own| own.id == id) {
            return Err(Refusal::Duplicate);
        }
        let line = (envelope.rollup, envelope.sender);
        let nonce = envelope.nonce.get();
        let gap_max = u64::from(self.limits.nonce_gap_max);
        let known = self.lines.get(&line).copied();
        let account = submission.account_nonce.map(Nonce::get);
        let mut after = known.unwrap_or(PlainLine {
            next: account.unwrap_or(nonce),
            highest: nonce,
            is_base_fixed: account.is_some(),
            keep_until: 0,
            idle_since: 0,
        });
        if nonce < after.next {
            let any_taken = self.of_line(line).any(|own| own.is_taken);
            if after.is_base_fixed || any_taken {
                return Err(Refusal::NonceUsed);
            }
            if after.highest - nonce > gap_max {
                return Err(Refusal::NonceGapTooWide);
            }
            after.next = nonce;
        } else if nonce - after.next > gap_max {
            return Err(Refusal::NonceGapTooWide);
        } else if self
            .of_line(line)
            .any(|own| own.envelope.nonce.get() == nonce)
        {
            return Err(Refusal::NonceOccupied);
        }
        if self.held.len() == self.limits.pending_count_max as usize {
            return Err(Refusal::PoolFull);
        }
        if payload_len.div_ceil(CHUNK_BYTES) as u64 * CHUNK_BYTES as u64 > self.free_bytes() {
            return Err(Refusal::PoolBytesFull);
        }
        if known.is_none() && self.lines.len() == self.limits.sender_count_max as usize {
            self.forget_one(time)?;
        }
        after.highest = after.highest.max(nonce);
        self.lines.insert(line, after);
        let arrival = Arrival {
            index: self.arrivals,
            tick,
        };
        self.arrivals += 1;
        let own = PlainTransaction {
            id,
            envelope,
            payload_len,
            arrival,
            is_taken: false,
        };
        self.held.insert(arrival.index, own);
        Ok(arrival.index)
    }

    fn check_alone(
        &self,
        envelope: &Envelope,
        payload_len: usize,
        time: UnixNs,
    ) -> Result<(), AdmissionError> {
        use AdmissionError as Refusal;
        let lives_ns = i128::from(envelope.expiry.get()) - i128::from(time.get());
        let (needs_expiry, horizon_ns) = match self.config.replay_protection {
            ReplayProtection::ByHost => (false, i128::MAX),
            ReplayProtection::ByExpiry { horizon_ns } => (true, i128::from(horizon_ns)),
        };
        let refusals = [
            (
                payload_len > self.limits.payload_bytes_max as usize,
                Refusal::PayloadTooLarge,
            ),
            (
                envelope.gas.get() > self.limits.slot_gas_max,
                Refusal::GasTooLarge,
            ),
            (envelope.fee < self.config.fee_floor, Refusal::FeeTooLow),
            (envelope.nonce.get() == u64::MAX, Refusal::NonceTooLarge),
            (lives_ns <= 0, Refusal::AlreadyExpired),
            (
                needs_expiry && envelope.expiry == UnixNs::NEVER,
                Refusal::ExpiryMissing,
            ),
            (lives_ns > horizon_ns, Refusal::ExpiryTooFar),
            (
                !self.config.rollups.contains(&envelope.rollup),
                Refusal::UnknownRollup,
            ),
        ];
        refusals
            .iter()
            .find(|(holds, _)| *holds)
            .map_or(Ok(()), |(_, refusal)| Err(*refusal))
    }

    /// Forgets the sender that has had no transaction for longest, if its cursor may go.
    fn forget_one(&mut self, time: UnixNs) -> Result<(), AdmissionError> {
        let idle = self
            .lines
            .iter()
            .filter(|(line, _)| self.of_line(**line).next().is_none());
        let longest = idle
            .min_by_key(|(_, own)| own.idle_since)
            .map(|(line, own)| (*line, *own));
        let (line, own) = longest.ok_or(AdmissionError::SenderTableFull)?;
        let by_expiry = self.config.replay_protection != ReplayProtection::ByHost;
        if by_expiry && own.keep_until > time.get() {
            return Err(AdmissionError::SenderTableFull);
        }
        self.lines.remove(&line);
        Ok(())
    }

    /// The first in the policy's order among the heads of the rollup that are not put aside.
    pub fn best(&self, rollup: RollupId) -> Option<PlainTransaction> {
        let is_head = |own: &&PlainTransaction| {
            !own.is_taken && self.lines[&own.line()].next == own.envelope.nonce.get()
        };
        let heads = self
            .held
            .values()
            .filter(is_head)
            .filter(|own| own.envelope.rollup == rollup && !self.aside.contains(&own.line()));
        heads
            .min_by_key(|own| match self.config.policy {
                Policy::Fcfs => (0, own.arrival.index),
                Policy::PriorityFee => (
                    i128::from(u64::MAX) - i128::from(own.envelope.fee.get()),
                    own.arrival.index,
                ),
            })
            .copied()
    }

    pub fn ready_count(&self) -> usize {
        self.config
            .rollups
            .iter()
            .map(|rollup| self.heads_count(*rollup))
            .sum()
    }

    fn heads_count(&self, rollup: RollupId) -> usize {
        let heads = self.held.values().filter(|own| {
            let next = self.lines[&own.line()].next;
            own.envelope.rollup == rollup && !own.is_taken && own.envelope.nonce.get() == next
        });
        heads.count()
    }

    pub fn take(&mut self, index: u64) {
        let own = self.held.get_mut(&index).unwrap();
        own.is_taken = true;
        let (line, nonce) = (own.line(), own.envelope.nonce.get());
        self.lines.get_mut(&line).unwrap().next = nonce + 1;
    }

    pub fn set_aside(&mut self, index: u64) {
        let line = self.held[&index].line();
        self.aside.insert(line);
    }

    pub fn acknowledge(&mut self, index: u64) -> bool {
        let Some(own) = self.held.get(&index).copied().filter(|own| own.is_taken) else {
            return false;
        };
        let line = self.lines.get_mut(&own.line()).unwrap();
        line.is_base_fixed = true;
        if own.envelope.expiry != UnixNs::NEVER {
            line.keep_until = line.keep_until.max(own.envelope.expiry.get());
        }
        self.drop_held(index);
        true
    }

    pub fn roll_back(&mut self, index: u64) -> bool {
        let Some(own) = self.held.get_mut(&index).filter(|own| own.is_taken) else {
            return false;
        };
        own.is_taken = false;
        let (line, nonce) = (own.line(), own.envelope.nonce.get());
        self.lines.get_mut(&line).unwrap().next = nonce;
        true
    }

    pub fn remove(&mut self, index: u64) -> bool {
        let is_waiting = self.held.get(&index).is_some_and(|own| !own.is_taken);
        if is_waiting {
            self.drop_held(index);
        }
        is_waiting
    }

    fn drop_held(&mut self, index: u64) {
        let line = self.held.remove(&index).unwrap().line();
        self.events += 1;
        // Only means something while the line is empty, and then it is the latest removal.
        self.lines.get_mut(&line).unwrap().idle_since = self.events;
    }

    /// Waiting transactions with a hole in the line before them.
    pub fn unready(&self) -> BTreeSet<TxId> {
        let is_unready = |own: &&PlainTransaction| {
            let nonces: BTreeSet<u64> = self
                .of_line(own.line())
                .map(|other| other.envelope.nonce.get())
                .collect();
            let (from, to) = (self.lines[&own.line()].next, own.envelope.nonce.get());
            !own.is_taken && (from..to).any(|nonce| !nonces.contains(&nonce))
        };
        self.held
            .values()
            .filter(is_unready)
            .map(|own| own.id)
            .collect()
    }

    pub fn taken(&self) -> Vec<u64> {
        self.held
            .values()
            .filter(|own| own.is_taken)
            .map(|own| own.arrival.index)
            .collect()
    }
}

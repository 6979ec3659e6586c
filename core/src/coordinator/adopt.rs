//! Slots that another member proposed: once decided, they are this coordinator's too.
//!
//! In a committee under a policy that takes slots from the proposer's pool, each member has a
//! coordinator of its own, and at each height one of them proposes:
//! 1. The proposer takes a slot, by [`take`](TransactionCoordinator::take) or as its policy wants,
//!    and sends its bytes.
//! 2. Everybody else checks them by [`SlotVerifier`](crate::batch::SlotVerifier), and asks
//!    [`check_adoption`](TransactionCoordinator::check_adoption) whether they repeat what was
//!    decided before, ahead of the vote.
//! 3. Once the slot is decided, its proposer acknowledges it
//!    ([`acknowledge_slot`](TransactionCoordinator::acknowledge_slot)), and everybody else hands
//!    its bytes to [`adopt`](TransactionCoordinator::adopt). Whoever has taken a slot that was not
//!    decided rolls it back first.
//!
//! Afterwards the tips of all are equal, and whatever the slot holds can come into none of their
//! later slots: what waits here ends as included, and what comes later is refused as used. What
//! that means for lines, forced inputs and bundles, the pool has as rules.
//!
//! Events stand in the order of the slot, rollup by rollup; each transaction's is behind those of
//! what it superseded. Legs of bundles follow behind all rollups.

mod check;

pub use check::{AdoptionCheck, Repeated};

use core::fmt;

use super::TransactionCoordinator;
use crate::batch::{
    ChainTip, SlotHeader, SlotReader, SubBatch, VerifyError, follow, slot_encoded_len_max,
};
use crate::codec::DecodeError;
use crate::crypto::hash::{Domain, MICRO_BATCH, hash_many};
use crate::error::Code;
use crate::event::Ledger;
use crate::journal::Record;
use crate::limits::{JournalBytes, Limits};
use crate::pool::{DecidedAt, DecidedSet, DecidedTransaction, NoPlaceForCursor};
use crate::types::{Hash, Tick, TxId};

/// A decided slot that was taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Adopted {
    /// Its header.
    pub header: SlotHeader,
    /// Its hash.
    pub hash: Hash,
    /// Its transactions, over all rollups.
    pub transaction_count: u32,
    /// How many of them waited here, forced inputs that do something and legs of bundles included.
    pub included_count: u32,
    /// How many transactions ended here because of it, those included.
    pub ended_count: u32,
    /// How many of its transactions repeat what was decided before, as
    /// [`check_adoption`](TransactionCoordinator::check_adoption) would have said: no honest
    /// proposer includes one.
    pub repeated_count: u32,
}

/// Why a decided slot was not taken over. Nothing changed, but as [`EventsFull`](Self::EventsFull)
/// says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AdoptError {
    /// The chain stands at this slot already; see [`Code::AlreadyAdopted`].
    AlreadyAdopted,
    /// The slot is an older one, or another one of the last height; see [`Code::SlotBehind`].
    SlotBehind,
    /// See [`Code::SlotsNotSettled`].
    SlotsNotSettled,
    /// The slot does not continue the chain, or its bytes are none.
    Invalid(VerifyError),
    /// See [`Code::OrderedByLogs`].
    OrderedByLogs,
    /// See [`Code::TimeWentBack`].
    TimeWentBack,
    /// Read the events, and call again. Where a slot ends more here than events can ever wait,
    /// some of what it supersedes has ended ahead of it. See [`Code::EventsFull`].
    EventsFull,
    /// Replays are kept out by expiry, and the slot's senders come to more cursors than there are
    /// places, all of them needed. See [`Code::SenderTableFull`].
    SenderTableFull,
    /// See [`Code::JournalFull`].
    JournalFull,
    /// See [`Limits::journal_bytes_min_to_adopt`] and [`Code::JournalTooSmall`].
    JournalTooSmall,
    /// See [`Code::Poisoned`].
    Poisoned,
}

impl AdoptError {
    /// The stable number and message behind it.
    #[must_use]
    pub const fn code(self) -> Code {
        match self {
            Self::AlreadyAdopted => Code::AlreadyAdopted,
            Self::SlotBehind => Code::SlotBehind,
            Self::SlotsNotSettled => Code::SlotsNotSettled,
            Self::Invalid(error) => error.code,
            Self::OrderedByLogs => Code::OrderedByLogs,
            Self::TimeWentBack => Code::TimeWentBack,
            Self::EventsFull => Code::EventsFull,
            Self::SenderTableFull => Code::SenderTableFull,
            Self::JournalFull => Code::JournalFull,
            Self::JournalTooSmall => Code::JournalTooSmall,
            Self::Poisoned => Code::Poisoned,
        }
    }
}

impl fmt::Display for AdoptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(error) => error.fmt(f),
            _ => f.write_str(self.code().message()),
        }
    }
}

impl core::error::Error for AdoptError {}

impl From<AdoptError> for Code {
    fn from(error: AdoptError) -> Self {
        error.code()
    }
}

impl From<VerifyError> for AdoptError {
    fn from(error: VerifyError) -> Self {
        Self::Invalid(error)
    }
}

impl From<DecodeError> for AdoptError {
    fn from(error: DecodeError) -> Self {
        Self::Invalid(error.into())
    }
}

impl From<NoPlaceForCursor> for AdoptError {
    fn from(NoPlaceForCursor: NoPlaceForCursor) -> Self {
        Self::SenderTableFull
    }
}

impl TransactionCoordinator {
    /// Takes over the decided slot of another member: the chain goes on behind it, each of its
    /// transactions that waits here ends as included, and what waits with a nonce that it used ends
    /// as superseded.
    ///
    /// Hand it over only once it is decided, and only after
    /// [`SlotVerifier::verify`](crate::batch::SlotVerifier::verify) has accepted it: this checks
    /// that the slot continues the chain and decodes, and neither roots nor order. Bytes that were
    /// not verified leave the coordinator whole, but may say that a transaction was included that
    /// never was.
    ///
    /// The agreed time moves on to the slot's. Where events have room beyond those of the slot,
    /// what has expired by then ends too. Cost: O(log n) and one hash a transaction; O(senders)
    /// where the table of senders is full and no idle one may be forgotten.
    ///
    /// # Errors
    /// An [`AdoptError`].
    pub fn adopt(&mut self, slot: &[u8], now: Tick) -> Result<Adopted, AdoptError> {
        self.check_can_adopt(slot)?;
        let mut decided = core::mem::take(&mut self.decided);
        let adopted = self.adopt_into(&mut decided, slot, now);
        self.decided = decided;
        adopted
    }

    /// Whether the slot can be taken over now, before its sub-batches are looked at.
    fn check_can_adopt(&self, slot: &[u8]) -> Result<(), AdoptError> {
        self.check_follows(slot)?;
        if self.in_flight_count > 0 || self.open.is_some() {
            return Err(AdoptError::SlotsNotSettled);
        }
        Ok(())
    }

    /// Whether the slot can lie behind what was settled.
    fn check_follows(&self, slot: &[u8]) -> Result<(), AdoptError> {
        if self.is_poisoned {
            return Err(AdoptError::Poisoned);
        }
        if self.policy.orders_by_logs() {
            return Err(AdoptError::OrderedByLogs);
        }
        let header = *SlotReader::new(slot, &self.limits)?.header();
        let settled = self.settled_tip();
        if header.height == settled.height && header.hash() == settled.hash {
            return Err(AdoptError::AlreadyAdopted);
        }
        if header.height <= settled.height {
            return Err(AdoptError::SlotBehind);
        }
        Ok(())
    }

    /// Where the chain stands behind the last slot that was settled.
    pub(super) fn settled_tip(&self) -> &ChainTip {
        let flights = self.in_flight.get(..self.in_flight_count);
        let before = flights.and_then(|flights| flights.first()?.tip_before());
        before.unwrap_or(&self.tip)
    }

    fn adopt_into(
        &mut self,
        decided: &mut DecidedSet,
        slot: &[u8],
        now: Tick,
    ) -> Result<Adopted, AdoptError> {
        decided.clear();
        let (header, tip) = follow(&self.tip, self.policy, &self.limits, slot, |sub_batch| {
            gather(sub_batch, decided)
        })?;
        if now < self.now {
            return Err(AdoptError::TimeWentBack);
        }
        let record = |outcome| Record::Adopted {
            outcome,
            bytes: slot,
        };
        let outcome = Some((header.height, tip.hash));
        if !self.journal.can_hold(record(outcome).encoded_len()) {
            return Err(AdoptError::JournalTooSmall);
        }
        if !self.journal.has_room(&record(outcome)) {
            return Err(AdoptError::JournalFull);
        }
        let time = self.time.max(header.time);
        let repeats = self.pool.find_repeats(decided, header.time);
        let plan = self.pool.plan_adoption(decided, header.time)?;
        if self.events.room() < plan.event_count {
            let capacity = self.events.room().saturating_add(self.events.len());
            if plan.event_count > capacity && self.events.room() > 0 {
                self.now = now;
                let mut ledger = Ledger::new(&mut self.events, &mut self.metrics, now);
                self.pool.thin_out(decided, header.time, &mut ledger);
                self.journal.write(&record(None), self.clocks());
            }
            return Err(AdoptError::EventsFull);
        }
        (self.now, self.time) = (now, time);
        let at = DecidedAt {
            height: header.height,
            time: header.time,
        };
        let room_before = self.events.room();
        let mut ledger = Ledger::new(&mut self.events, &mut self.metrics, now);
        let included_count = self
            .pool
            .adopt(decided, plan, at, &self.policy, &mut ledger);
        let ended = room_before.saturating_sub(ledger.room());
        debug_assert_eq!(ended, plan.event_count, "ends are counted before they come");
        self.pool.expire(time, &mut ledger);
        self.pool.end_lost_bundles(time, &mut ledger);
        self.tip = tip;
        self.acknowledged = header.height;
        // What was said of the next slot was said of this height.
        self.context.clear();
        self.journal.write(&record(outcome), self.clocks());
        let adopted = Adopted {
            header,
            hash: self.tip.hash,
            transaction_count: decided.rows().len() as u32,
            included_count,
            ended_count: ended as u32,
            repeated_count: repeats.count,
        };
        self.metrics
            .count_adopted(adopted.included_count, adopted.repeated_count);
        Ok(adopted)
    }
}

impl Limits {
    /// The fewest bytes that a journal's buffer must have where slots of other members are
    /// [adopted](TransactionCoordinator::adopt), because their bytes are recorded whole.
    #[must_use]
    pub const fn journal_bytes_min_to_adopt(&self) -> u64 {
        let alone = self.journal_bytes_min();
        let adopting = JournalBytes::HEAD.saturating_add(adopted_record_bytes_max(self));
        if adopting > alone { adopting } else { alone }
    }
}

/// Bytes of the longest record of a slot that was taken over.
pub(super) const fn adopted_record_bytes_max(limits: &Limits) -> u64 {
    JournalBytes::TAKEN.saturating_add(slot_encoded_len_max(limits))
}

/// Notes the transactions of a sub-batch in their order.
fn gather(sub_batch: &SubBatch<'_>, decided: &mut DecidedSet) -> Result<(), VerifyError> {
    let rollup = sub_batch.header.rollup;
    let mut messages: [&[u8]; MICRO_BATCH] = [&[]; MICRO_BATCH];
    let mut ids = [Hash::ZERO; MICRO_BATCH];
    let mut ahead = sub_batch.all();
    let mut forced = sub_batch.evidence.forced();
    let mut behind = (0_u32..).zip(sub_batch.all());
    loop {
        let mut gathered = 0_usize;
        for (message, (bytes, _)) in messages.iter_mut().zip(ahead.by_ref()) {
            *message = bytes;
            gathered = gathered.saturating_add(1);
        }
        if gathered == 0 {
            return Ok(());
        }
        let found = messages.get(..gathered).unwrap_or_default();
        hash_many(Domain::TRANSACTION, found, &mut ids);
        for (id, (position, (_, transaction))) in ids.iter().take(gathered).zip(behind.by_ref()) {
            let envelope = &transaction.envelope;
            let wrong = |code| VerifyError {
                code,
                rollup: Some(rollup),
                position: Some(position),
            };
            if envelope.rollup != rollup {
                return Err(wrong(Code::ForeignTransaction));
            }
            let row = DecidedTransaction {
                id: TxId::from_hash(*id),
                rollup,
                sender: envelope.sender,
                nonce: envelope.nonce,
                expiry: envelope.expiry,
                position,
                forced: forced.next().map(|row| (row.index, row.outcome)),
            };
            if !decided.push(row) {
                return Err(wrong(Code::SlotOverLimit));
            }
        }
    }
}

//! Checks slots against the inbox of another chain: whether what had to be in them is.
//!
//! # What is promised
//! Let a rollup's inbox be what the other chain shows. Over a chain of slots that
//! [`SlotVerifier`](super::SlotVerifier) accepted:
//! 1. The forced segment of the rollup is the inbox in its order, without those that no slot can
//!    hold (longer or with more gas than forced inputs may take of a slot).
//! 2. After every slot the next input either fits no more into what forced inputs left of their
//!    part of it, or its deadline is not before the slot's time.
//!
//! So an input is included in the first slot past its deadline at the latest, unless those before
//! it in the forced segments had filled that slot. Not promised: that it does anything there. A
//! nonce that was used, a gap and an expiry make it a no-op, and the recorded outcome of one is
//! checked against cursors only by who executes.

use super::{SlotReader, VerifyError};
use crate::config::Config;
use crate::crypto::hash::transaction_id;
use crate::error::Code;
use crate::limits::{Limits, ROLLUP_COUNT_MAX};
use crate::ordering::{SegmentRooms, SlotRoom};
use crate::types::{InboxEntry, InboxIndex, RollupId, Transaction};

/// What the other chain shows of the inboxes.
pub trait InboxView {
    /// The input of this index; nothing where the inbox does not reach that far.
    fn entry(&self, rollup: RollupId, index: InboxIndex) -> Option<InboxEntry>;
}

/// Entries in the order of rollup and index.
impl InboxView for [InboxEntry] {
    fn entry(&self, rollup: RollupId, index: InboxIndex) -> Option<InboxEntry> {
        let place = self.binary_search_by_key(&(rollup, index), |own| (own.rollup, own.index));
        self.get(place.ok()?).copied()
    }
}

/// Follows a chain of verified slots beside the inboxes. Allocates nothing.
#[derive(Clone, Debug)]
pub struct ForcedAudit {
    limits: Limits,
    room: SlotRoom,
    rollups: heapless::Vec<RollupId, ROLLUP_COUNT_MAX>,
    next: [InboxIndex; ROLLUP_COUNT_MAX],
}

impl ForcedAudit {
    /// Starts before the first slot, and before the first input of each inbox.
    #[must_use]
    pub fn new(config: &Config, limits: &Limits) -> Self {
        Self {
            limits: limits.clone(),
            room: SegmentRooms::of(config, limits).others,
            rollups: config.rollups.iter().map(|own| own.id).collect(),
            next: [InboxIndex::ZERO; ROLLUP_COUNT_MAX],
        }
    }

    /// The index of the next input that a rollup's slots must include or excuse.
    #[must_use]
    pub fn next_index(&self, rollup: RollupId) -> Option<InboxIndex> {
        let place = self.rollups.iter().position(|own| *own == rollup)?;
        self.next.get(place).copied()
    }

    /// Checks the next slot against the inboxes. Cost: one hash a forced input.
    ///
    /// # Errors
    /// [`Code::WrongForced`] where an input is not the one of the inbox, or one was passed over
    /// that a slot could hold; [`Code::ForcedLeftOut`] where the slot left one out past its
    /// deadline; [`Code::InboxIncomplete`] where `inbox` lacks an input that the slot has. The
    /// audit stays where it was then.
    pub fn audit<I: InboxView + ?Sized>(
        &mut self,
        slot: &[u8],
        inbox: &I,
    ) -> Result<(), VerifyError> {
        let mut reader = SlotReader::new(slot, &self.limits)?;
        let time = reader.header().time;
        let mut next = self.next;
        let mut left = self.room;
        for (rollup, next) in self.rollups.iter().zip(&mut next) {
            let wrong = |code| VerifyError::sub_batch(code, *rollup);
            let sub_batch = reader.next_sub_batch()?;
            let sub_batch = sub_batch.filter(|own| own.header.rollup == *rollup);
            let sub_batch = sub_batch.ok_or(wrong(Code::WrongRollupOrder))?;
            let rows = sub_batch.evidence.forced();
            for (position, ((bytes, transaction), row)) in (0..).zip(sub_batch.forced().zip(rows)) {
                let at = |code| VerifyError::transaction(code, *rollup, position);
                self.pass_unholdable(*rollup, next, inbox);
                let entry = inbox.entry(*rollup, *next);
                let entry = entry.ok_or(at(Code::InboxIncomplete))?;
                if row.index != *next || entry.id != transaction_id(bytes) {
                    return Err(at(Code::WrongForced));
                }
                let size = SlotRoom {
                    count: 1,
                    bytes: transaction.encoded_len() as u32,
                    gas: transaction.envelope.gas.get(),
                };
                left = left.without(size).ok_or(at(Code::SlotOverLimit))?;
                *next = next.saturating_add(1);
            }
        }
        for (rollup, next) in self.rollups.iter().zip(&mut next) {
            self.pass_unholdable(*rollup, next, inbox);
            let due = inbox.entry(*rollup, *next);
            let due = due.filter(|own| own.deadline < time);
            if due.is_some_and(|own| left.without(size_of(&own)).is_some()) {
                return Err(VerifyError::sub_batch(Code::ForcedLeftOut, *rollup));
            }
        }
        self.next = next;
        Ok(())
    }

    /// Moves over inputs that no slot can hold.
    fn pass_unholdable<I: InboxView + ?Sized>(
        &self,
        rollup: RollupId,
        next: &mut InboxIndex,
        inbox: &I,
    ) {
        let payload_max = self.limits.payload_bytes_max;
        let len_max = payload_max.saturating_add(Transaction::HEADER_LEN);
        while let Some(entry) = inbox.entry(rollup, *next) {
            let fits = entry.encoded_len <= len_max && self.room.without(size_of(&entry)).is_some();
            if fits || *next == InboxIndex::MAX {
                return;
            }
            *next = next.saturating_add(1);
        }
    }
}

fn size_of(entry: &InboxEntry) -> SlotRoom {
    SlotRoom {
        count: 1,
        bytes: entry.encoded_len,
        gas: entry.gas.get(),
    }
}

//! Senders that have nothing in the pool, and which of them is forgotten first.
//!
//! # Rules
//! 1. A sender's cursor is forgotten only where a new sender needs its place.
//! 2. Where the host protects from replays, the sender that has been idle longest goes first.
//! 3. Where expiry does, a cursor has to stay until all that was included from the sender has
//!    expired at the time of the last slot that was settled; local clocks may be ahead of it, and
//!    then some other member's slot could still include it again. The sender of the earliest such
//!    time goes first, at equal times the smallest rollup and address: so a new sender is refused
//!    only while every idle cursor is still needed, and one that is needed long keeps no place but
//!    its own.

use super::TransactionPool;
use super::entry::Sender;
use super::refusal::AdmissionError;
use crate::bounded::{IndirectHeap, LinkedSet, Slab};
use crate::codec::Sink;
use crate::config::ReplayProtection;
use crate::types::{Address, RollupId, UnixNs};

/// Senders without a transaction, forced input or leg, by who is forgotten first.
#[derive(Debug)]
pub(super) enum Idle {
    /// The one that has been idle longest.
    ByAge(LinkedSet),
    /// The one whose cursor may go earliest.
    ByExpiry(IndirectHeap),
}

// A footprint does not depend on how replays are kept out.
const _: () = assert!(LinkedSet::footprint_bytes(99) == IndirectHeap::footprint_bytes(99));

impl Idle {
    pub fn new(protection: ReplayProtection, capacity: u32) -> Self {
        match protection {
            ReplayProtection::ByHost => Self::ByAge(LinkedSet::new(capacity)),
            ReplayProtection::ByExpiry { .. } => Self::ByExpiry(IndirectHeap::new(capacity)),
        }
    }

    pub const fn footprint_bytes(capacity: u32) -> u64 {
        LinkedSet::footprint_bytes(capacity)
    }

    pub const fn len(&self) -> usize {
        match self {
            Self::ByAge(idle) => idle.len(),
            Self::ByExpiry(idle) => idle.len(),
        }
    }

    pub fn contains(&self, place: u32) -> bool {
        match self {
            Self::ByAge(idle) => idle.contains(place),
            Self::ByExpiry(idle) => idle.contains(place),
        }
    }

    /// The sender that is forgotten first.
    fn first(&self) -> Option<u32> {
        match self {
            Self::ByAge(idle) => idle.first(),
            Self::ByExpiry(idle) => idle.first(),
        }
    }

    /// Notes one; false if it is noted already. Its key must not change as long as it is.
    fn push(&mut self, place: u32, senders: &Slab<Sender>) -> bool {
        match self {
            Self::ByAge(idle) => idle.append(place),
            Self::ByExpiry(idle) => idle.push(place, |other| key_of(other, senders)),
        }
    }

    fn remove(&mut self, place: u32, senders: &Slab<Sender>) {
        match self {
            Self::ByAge(idle) => idle.remove(place),
            Self::ByExpiry(idle) => idle.remove(place, |other| key_of(other, senders)),
        };
    }

    /// Writes what does not follow from the senders: who has been idle longer, where that counts.
    pub fn export(&self, out: &mut impl Sink) {
        match self {
            Self::ByAge(idle) => {
                out.u32(idle.len() as u32);
                idle.iter().for_each(|place| out.u32(place));
            }
            Self::ByExpiry(_) => out.u32(0),
        }
    }

    /// Whether its order is right. Cost: O(n).
    pub fn is_consistent(&self, senders: &Slab<Sender>) -> bool {
        match self {
            Self::ByAge(_) => true,
            Self::ByExpiry(idle) => idle.is_consistent(|other| key_of(other, senders)),
        }
    }
}

/// Until when a sender's cursor is needed, and who it is.
fn key_of(place: u32, senders: &Slab<Sender>) -> Option<(UnixNs, RollupId, Address)> {
    let own = senders.get(place)?;
    Some((own.keep_until, own.rollup, own.address))
}

impl TransactionPool {
    /// Notes a sender that has nothing in the pool.
    pub(super) fn note_idle(&mut self, place: u32) {
        if self.is_idle(place) {
            self.idle.push(place, &self.senders);
        }
    }

    /// Notes that a sender has something in the pool.
    pub(super) fn note_busy(&mut self, place: u32) {
        self.idle.remove(place, &self.senders);
    }

    /// Makes place for a new sender by forgetting an idle one. Cost: O(1) where the host protects
    /// from replays, else O(log n).
    pub(super) fn forget_idle_sender(&mut self) -> Result<(), AdmissionError> {
        let full = AdmissionError::SenderTableFull;
        let place = self.idle.first().ok_or(full)?;
        let own = self.senders.get(place).copied().ok_or(full)?;
        let must_keep = match self.rules.replay_protection {
            ReplayProtection::ByHost => false,
            ReplayProtection::ByExpiry { .. } => own.keep_until > self.decided_time,
        };
        if must_keep {
            return Err(full);
        }
        self.by_address
            .remove(self.address_hash(own.rollup, own.address), place);
        self.note_busy(place);
        self.senders.remove(place);
        Ok(())
    }

    /// Reads what [`Idle::export`] wrote, and notes all who are idle; nothing where they are not
    /// those who have nothing in the pool.
    pub(super) fn restore_idle(
        &mut self,
        mut places: impl ExactSizeIterator<Item = u32>,
    ) -> Option<()> {
        match &self.idle {
            Idle::ByAge(_) => {
                let is_new = |pool: &mut Self, place| {
                    pool.is_idle(place) && pool.idle.push(place, &pool.senders)
                };
                places.all(|place| is_new(self, place)).then_some(())?;
            }
            Idle::ByExpiry(idle) => {
                let all = 0..idle.capacity();
                (places.len() == 0).then_some(())?;
                all.for_each(|place| self.note_idle(place));
            }
        }
        let senders = self.senders.iter();
        let idle = senders.filter(|(place, _)| self.is_idle(*place));
        (idle.count() == self.idle.len()).then_some(())
    }
}

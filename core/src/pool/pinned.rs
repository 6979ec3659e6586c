//! What stands outside the lines of senders, beside the senders.
//!
//! Few senders have forced inputs or legs of bundles, so what is noted of those does not stand with
//! every sender: it would take 24 bytes of each.

use super::TransactionPool;
use super::entry::Window;
use crate::bounded::{HandleIndex, KeyedHash, NONE, Slab};
use crate::limits::Limits;

/// What stands outside the line of one sender.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pinned {
    /// Window: which nonces from the sender's `next` on slots in flight use from outside its line.
    pub window: Window,
    /// Nonces of it that slots in flight use from outside its line.
    pub used_count: u32,
    /// Forced inputs and legs of bundles of it.
    pub count: u32,
    /// The place of the sender.
    sender: u32,
}

impl Default for Pinned {
    fn default() -> Self {
        Self {
            window: Window::default(),
            used_count: 0,
            count: 0,
            sender: NONE,
        }
    }
}

/// The senders that are pinned, by their places.
///
/// Invariant: a sender stands here exactly while something is outside its line.
/// Memory: 52 bytes for each thing that can stand outside. Cost: O(1) expected, and nothing is
/// looked up as long as nobody is pinned.
#[derive(Debug)]
pub(super) struct Pins {
    pinned: Slab<Pinned>,
    by_sender: HandleIndex,
    hash: KeyedHash,
}

impl Pins {
    pub fn new(limits: &Limits, hash: KeyedHash) -> Self {
        Self {
            pinned: Slab::new(count_max(limits)),
            by_sender: HandleIndex::new(count_max(limits)),
            hash,
        }
    }

    pub const fn footprint_bytes(limits: &Limits) -> u64 {
        Slab::<Pinned>::footprint_bytes(count_max(limits))
            .saturating_add(HandleIndex::footprint_bytes(count_max(limits)))
    }

    /// What stands outside the line of a sender.
    pub fn of(&self, sender: u32) -> Pinned {
        let place = self.place_of(sender);
        let own = place.and_then(|place| self.pinned.get(place));
        own.copied().unwrap_or_default()
    }

    /// The same, to change; nothing for a sender that is not pinned.
    pub fn of_mut(&mut self, sender: u32) -> Option<&mut Pinned> {
        self.pinned.get_mut(self.place_of(sender)?)
    }

    /// Notes one thing more outside a sender's line.
    pub fn pin(&mut self, sender: u32) {
        if let Some(own) = self.of_mut(sender) {
            own.count = own.count.saturating_add(1);
            return;
        }
        let pinned = self.pinned.insert(Pinned {
            sender,
            count: 1,
            ..Pinned::default()
        });
        debug_assert!(pinned.is_some(), "there is a place for each that pins");
        if let Some(handle) = pinned {
            self.by_sender.insert(self.hash_of(sender), handle.index);
        }
    }

    /// Notes one thing less.
    pub fn unpin(&mut self, sender: u32) {
        let Some(place) = self.place_of(sender) else {
            return;
        };
        let Some(own) = self.pinned.get_mut(place) else {
            return;
        };
        own.count = own.count.saturating_sub(1);
        if own.count == 0 {
            self.pinned.remove(place);
            self.by_sender.remove(self.hash_of(sender), place);
        }
    }

    /// The places of all pinned senders, in no order that means anything.
    pub fn senders(&self) -> impl Iterator<Item = u32> {
        self.pinned.iter().map(|(_, own)| own.sender)
    }

    fn place_of(&self, sender: u32) -> Option<u32> {
        if self.pinned.is_empty() {
            return None;
        }
        self.by_sender.find(self.hash_of(sender), |place| {
            self.pinned
                .get(place)
                .is_some_and(|own| own.sender == sender)
        })
    }

    fn hash_of(&self, sender: u32) -> u64 {
        self.hash.words([u64::from(sender)])
    }
}

/// At most so many senders have a forced input or a leg of a bundle.
const fn count_max(limits: &Limits) -> u32 {
    let legs = limits
        .bundle_count_max
        .saturating_mul(limits.bundle_leg_count_max);
    limits.forced_count_max.saturating_add(legs)
}

impl TransactionPool {
    /// What slots in flight hold of a sender, from its line and from outside.
    pub(super) fn in_flight_count(&self, place: u32) -> u32 {
        // What receive logs order does not move the pool's cursor until it is acknowledged.
        let taken = match self.senders.get(place) {
            Some(own) if !self.rules.by_logs => own.taken_count,
            _ => 0,
        };
        taken.saturating_add(self.pins.of(place).used_count)
    }

    /// Whether a sender has nothing in the pool.
    pub(super) fn is_idle(&self, place: u32) -> bool {
        let own = self.senders.get(place);
        own.is_some_and(|own| own.pending_count == 0) && self.pins.of(place).count == 0
    }
}

//! Whose nonce is whose: ids sorted by sender and nonce, anew in every slot.

use super::{Address, Facts, Known, NONE, Nonce, Standing, StreamTwin};
use crate::types::RollupId;

/// An id whose facts are known, by the place where it is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct OfSender {
    rollup: RollupId,
    sender: Address,
    nonce: Nonce,
    at: u32,
}

impl StreamTwin {
    /// Sorts everything whose facts are known.
    pub(super) fn sort_senders(&mut self) {
        self.of_senders.clear();
        for (at, known) in (0..).zip(self.known.all_mut()) {
            known.siblings = (0, 0);
            if known.has_facts {
                self.of_senders.push(OfSender {
                    rollup: known.id.rollup,
                    sender: known.facts.sender,
                    nonce: known.facts.nonce,
                    at,
                });
            }
        }
        self.of_senders.all_mut().sort_unstable();
        let mut from = 0;
        let is_same = |a: &OfSender, b: &OfSender| (a.rollup, a.sender) == (b.rollup, b.sender);
        for siblings in self.of_senders.all().chunk_by(is_same) {
            let end = from + siblings.len() as u32;
            for one in siblings {
                self.known.all_mut()[one.at as usize].siblings = (from, end);
            }
            from = end;
        }
    }

    /// The ids of the same sender on the same rollup, the one at this place included, by nonce.
    pub(super) fn siblings(&self, at: u32) -> impl Iterator<Item = &Known> + Clone {
        self.sibling_places(at).map(|sibling| self.at(sibling))
    }

    /// Their places.
    pub(super) fn sibling_places(&self, at: u32) -> impl Iterator<Item = u32> + Clone {
        let (from, end) = self.at(at).siblings;
        let siblings = &self.of_senders.all()[from as usize..end as usize];
        siblings.iter().map(|one| one.at)
    }

    /// Whether a nonce from a base up to the one of an id is missing: there are fewer nonces of
    /// those that are there than numbers between the two.
    pub(super) fn has_gap(&self, at: u32, base: Nonce, is_there: impl Fn(&Known) -> bool) -> bool {
        let own = self.at(at).facts.nonce;
        let (mut count, mut last) = (0, None);
        for sibling in self.siblings(at) {
            let nonce = sibling.facts.nonce;
            let counts = base <= nonce && nonce < own && is_there(sibling);
            if counts && last != Some(nonce) {
                count += 1;
                last = Some(nonce);
            }
        }
        count < own.get().saturating_sub(base.get())
    }

    /// Each place, from the front, takes the smallest nonce of its sender from here on. Ids whose
    /// nonce was used or that have expired stay, and so do variants of what is before them.
    pub(super) fn place_nonces(&mut self, rollup: usize) {
        for known in self.known.all_mut() {
            known.place = NONE;
            known.is_marked = false;
        }
        for place in 0..self.order.all().len() {
            let at = self.order.all()[place];
            self.at_mut(at).place = place as u32;
        }
        for place in 0..self.order.all().len() {
            let at = self.order.all()[place];
            self.at_mut(at).is_marked = self.may_move(rollup, at);
        }
        self.placed.clear();
        for place in 0..self.order.all().len() {
            let at = self.order.all()[place];
            let least = self.least_to_place(at).unwrap_or(at);
            self.at_mut(least).place = NONE;
            self.placed.push(least);
        }
        core::mem::swap(&mut self.order, &mut self.placed);
    }

    /// Whether an id may move: one that is marked already and has its nonce stands before it.
    fn may_move(&self, rollup: usize, at: u32) -> bool {
        let own = self.at(at);
        let Facts {
            sender,
            nonce,
            expiry,
            ..
        } = own.facts;
        let mut siblings = self.siblings(at);
        let has_variant = siblings.any(|sibling| {
            sibling.facts.nonce == nonce
                && (sibling.standing == Standing::Queued || sibling.is_marked)
        });
        let next = self.next_nonce(rollup, &sender);
        own.has_facts && expiry > self.time && next.is_none_or(|next| nonce >= next) && !has_variant
    }

    /// The smallest nonce that is not placed yet among those of a sender that may move, if the id
    /// at this place may.
    fn least_to_place(&self, at: u32) -> Option<u32> {
        let to_place = |sibling: &u32| {
            let sibling = self.at(*sibling);
            sibling.is_marked && sibling.place != NONE
        };
        let mut siblings = self.sibling_places(at);
        self.at(at).is_marked.then(|| siblings.find(to_place))?
    }
}

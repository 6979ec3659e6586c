//! From the front of a line through the queue into the slot: rules 12 and 13.

use super::decided::FairStream;
use super::entry::{Facts, RollupSlot, Room};
use super::forming::OfSender;
use super::limits::ReplayProtection;
use super::memory::Past;
use super::outcome::{DrainOutcome, Drained, GraphEvent};
use super::records::Place;
use crate::bounded::NONE;
use crate::types::UnixNs;

impl FairStream {
    /// Rule 10: releases from the front while the first graph has no missing edge.
    pub(super) fn release(&mut self, number: usize) {
        loop {
            let own = &mut self.rollups[number];
            let slot = own.line.slot(0);
            let Ok(Some(order)) = own.line.release(&mut self.workspace, self.rank) else {
                return;
            };
            let vertices = &own.vertices[slot * own.vertex_count_max..];
            let count = order.vertices().len();
            let records = &mut self.form_scratch.records;
            for (place, vertex) in records.iter_mut().zip(order.vertices()) {
                *place = vertices[*vertex as usize];
            }
            for component in order.components() {
                self.outcome.components.push(component.len() as u32);
            }
            self.outcome.events.push(GraphEvent::Released {
                rollup: own.part.rollup,
                vertex_count: count as u32,
                was_rotated: order.was_rotated(),
            });
            self.fill_nonce_places(number, count);
            for record in &self.form_scratch.records[..count] {
                self.records.get_mut(*record).place = Place::Queued;
                let pushed = self.rollups[number].queue.push(*record);
                debug_assert!(pushed.is_ok(), "the queue has room for every live id");
            }
        }
    }

    /// Rule 12: a sender's ids fill the places that they hold in nonce order; ids whose nonce was
    /// used or that have expired keep their own, and so do those whose nonce one before them has,
    /// ranked earlier or in the queue: a variant that moved would push others of its sender past
    /// ids that they came before.
    pub(super) fn fill_nonce_places(&mut self, number: usize, count: usize) {
        let scratch = &mut self.form_scratch;
        let mut moving = 0;
        for (place, record) in (0..).zip(&scratch.records[..count]) {
            let Some(facts) = self.records.get(*record).facts else {
                continue;
            };
            let cursor = self.cursors.next(number, &facts.sender);
            let is_used = cursor.is_some_and(|next| facts.nonce < next)
                && !self.weakened.used_nonces_take_places();
            if !is_used && !is_expired(&facts, self.time) {
                scratch.senders[moving] = OfSender {
                    sender: facts.sender,
                    nonce: facts.nonce,
                    number: place,
                };
                moving += 1;
            }
        }
        let moving = self.leave_variants(number, moving);
        let scratch = &mut self.form_scratch;
        let by_nonce = &mut scratch.senders[..moving];
        let by_place = &mut scratch.places[..moving];
        by_place.copy_from_slice(by_nonce);
        by_place.sort_unstable_by_key(|id| (id.sender, id.number));
        // The i-th id by nonce goes to the i-th place, sender by sender; first from where it comes.
        for id in by_nonce.iter() {
            scratch.held[id.number as usize] = scratch.records[id.number as usize];
        }
        for (id, place) in by_nonce.iter().zip(by_place.iter()) {
            scratch.records[place.number as usize] = scratch.held[id.number as usize];
        }
    }

    /// Sorts what may move by sender and nonce, and leaves out whose nonce one before it has;
    /// returns how many are left.
    fn leave_variants(&mut self, number: usize, moving: usize) -> usize {
        let of_sender = &mut self.form_scratch.senders[..moving];
        of_sender.sort_unstable();
        if self.weakened.used_nonces_take_places() {
            return moving;
        }
        for record in self.rollups[number].queue.iter() {
            let Some(facts) = self.records.get(*record).facts else {
                continue;
            };
            let key = (facts.sender, facts.nonce);
            let first = of_sender.partition_point(|id| (id.sender, id.nonce) < key);
            let same = |id: &&mut OfSender| (id.sender, id.nonce) == key;
            for id in of_sender[first..].iter_mut().take_while(same) {
                id.number = NONE;
            }
        }
        let mut kept: usize = 0;
        for at in 0..moving {
            let id = of_sender[at];
            let last = kept.checked_sub(1).map(|last: usize| of_sender[last]);
            let is_first =
                last.is_none_or(|last| (last.sender, last.nonce) != (id.sender, id.nonce));
            if id.number != NONE && is_first {
                of_sender[kept] = id;
                kept += 1;
            }
        }
        kept
    }

    /// Rule 13: drains a rollup's queue from its head within the room of the slot. It waits while
    /// as many drained ids are remembered as can.
    pub(super) fn drain(&mut self, number: usize, slot: &RollupSlot) {
        let own = self.rollups[number].part.room;
        let mut room = Room {
            count: own.count.saturating_add(slot.spare.count),
            bytes: own.bytes.saturating_add(slot.spare.bytes),
            gas: own.gas.saturating_add(slot.spare.gas.get()),
        };
        while !slot.is_paused && room.count > 0 && self.past.room() > 0 {
            let Some(record) = self.rollups[number].queue.front().copied() else {
                return;
            };
            let Some(outcome) = self.drain_one(number, record, &mut room) else {
                return;
            };
            room.count -= 1;
            self.end(record, outcome);
            self.rollups[number].queue.pop();
        }
    }

    /// What becomes of the id at the head; nothing if it waits for a slot with more room.
    fn drain_one(&mut self, number: usize, record: u32, room: &mut Room) -> Option<DrainOutcome> {
        let part = self.rollups[number].part;
        let record = *self.records.get(record);
        // An id without facts is in no graph, and so in no queue.
        let facts = record.facts?;
        if is_expired(&facts, self.time) {
            return Some(DrainOutcome::Expired);
        }
        let cursor = self.cursors.next(number, &facts.sender);
        if cursor.is_some_and(|next| facts.nonce < next) {
            let before = self.past.find(&record.id);
            return Some(match before.is_some_and(|past| past.is_included) {
                true => DrainOutcome::Duplicate,
                false => DrainOutcome::Superseded,
            });
        }
        if cursor.is_some_and(|next| facts.nonce > next) {
            return Some(DrainOutcome::Gap);
        }
        let bytes = u64::from(record.id.body_bytes);
        let is_unfit = bytes > part.room.bytes || facts.gas > part.room.gas;
        let next = facts.nonce.checked_add(1).filter(|_| !is_unfit);
        let Some(next) = next else {
            let blocks = self.weakened.unfit_blocks();
            return (!blocks).then_some(DrainOutcome::Unfit);
        };
        if bytes > room.bytes || facts.gas > room.gas {
            return None;
        }
        let is_cache = part.replay == ReplayProtection::ByHost;
        let sender = (number, facts.sender);
        if !self.cursors.advance(sender, next, facts.expiry, is_cache) {
            return Some(DrainOutcome::NoCursor);
        }
        room.bytes -= bytes;
        room.gas = crate::types::Gas::new(room.gas.get() - facts.gas.get());
        Some(DrainOutcome::Included)
    }

    /// Ends a record that leaves the queue.
    fn end(&mut self, number: u32, outcome: DrainOutcome) {
        let record = *self.records.get(number);
        let facts = record.facts.unwrap_or_default();
        self.outcome.drained.push(Drained {
            id: record.id,
            outcome,
        });
        self.past.push(Past {
            id: record.id,
            height: self.height,
            age: self.age.now(),
            sender: facts.sender,
            nonce: facts.nonce,
            is_included: outcome == DrainOutcome::Included,
            is_outdated: false,
        });
        self.records.remove(number);
    }
}

/// Whether the agreed time is past an expiry.
pub(super) fn is_expired(facts: &Facts, time: UnixNs) -> bool {
    facts.expiry <= time
}

//! From the queue into the slot, and what is remembered of it.

use super::{
    Address, DrainOutcome, Drained, Ended, Facts, LoggedId, Next, Nonce, ReplayProtection,
    RollupSlot, Room, Standing, StreamTwin, merge, retain,
};

impl StreamTwin {
    /// Drains a rollup's queue from its head within the room of the slot.
    pub(super) fn drain(&mut self, rollup: usize, slot: &RollupSlot) {
        let own = self.parts[rollup].room;
        let mut left = Room {
            count: own.count.saturating_add(slot.spare.count),
            bytes: own.bytes.saturating_add(slot.spare.bytes),
            gas: own.gas.saturating_add(slot.spare.gas.get()),
        };
        let mut taken = 0;
        while !slot.is_paused
            && left.count > 0
            && taken < self.queues[rollup].all().len()
            && self.ended.all().len() + self.ending.all().len()
                < self.limits.drained_count_max as usize
        {
            let id = self.queues[rollup].all()[taken];
            let Some(at) = self.find(&id) else {
                return;
            };
            let facts = self.known.all()[at].facts;
            let Some(outcome) = self.outcome(rollup, &id, &facts, &mut left) else {
                break;
            };
            left.count -= 1;
            taken += 1;
            self.known.all_mut()[at].standing = Standing::Drained;
            self.drained.push(Drained { id, outcome });
            self.ending.push(Ended {
                id,
                height: self.height,
                age: self.age,
                is_included: outcome == DrainOutcome::Included,
            });
        }
        let mut place = 0;
        retain(&mut self.queues[rollup], |_| {
            place += 1;
            place > taken
        });
    }

    fn outcome(
        &mut self,
        rollup: usize,
        id: &LoggedId,
        facts: &Facts,
        left: &mut Room,
    ) -> Option<DrainOutcome> {
        let next = self.next_nonce(rollup, &facts.sender);
        let part = self.parts[rollup];
        let bytes = u64::from(id.body_bytes);
        if facts.expiry <= self.time {
            return Some(DrainOutcome::Expired);
        }
        match next {
            Some(next) if facts.nonce < next => {
                let again = self.last_end(id).is_some_and(|ended| ended.is_included);
                return Some(if again {
                    DrainOutcome::Duplicate
                } else {
                    DrainOutcome::Superseded
                });
            }
            Some(next) if facts.nonce > next => return Some(DrainOutcome::Gap),
            _ => {}
        }
        let fits_ever = bytes <= part.room.bytes && facts.gas <= part.room.gas;
        if !fits_ever || facts.nonce.get() == u64::MAX {
            return Some(DrainOutcome::Unfit);
        }
        if bytes > left.bytes || facts.gas > left.gas {
            return None;
        }
        let cursor_count = self.nexts.all().len() + self.new_nexts.all().len();
        if next.is_none() && cursor_count >= self.limits.cursor_count_max as usize {
            return Some(DrainOutcome::NoCursor);
        }
        self.use_nonce(rollup, facts, part.replay == ReplayProtection::ByHost);
        left.bytes -= bytes;
        left.gas = crate::types::Gas::new(left.gas.get() - facts.gas.get());
        Some(DrainOutcome::Included)
    }

    /// How an id was drained the last time, as far as that is remembered.
    pub(super) fn last_end(&self, id: &LoggedId) -> Option<&Ended> {
        let ended = self.ended.all();
        let end = ended.partition_point(|ended| ended.id <= *id);
        ended[..end].last().filter(|ended| ended.id == *id)
    }

    /// Forgets what was drained more than A slots ago, and remembers what this slot drained.
    pub(super) fn keep_drained(&mut self) {
        let (now, span) = (self.age, u64::from(self.limits.log_age_slots_max));
        retain(&mut self.ended, |ended| now - ended.age <= span);
        let ending = self.ending.all_mut();
        ending.sort_unstable_by_key(|ended| ended.id);
        let is_before = |a: &Ended, b: &Ended| a.id < b.id;
        merge(&mut self.ended, ending, |ended| *ended, is_before);
        self.ending.clear();
    }

    pub(super) fn next_nonce(&self, rollup: usize, sender: &Address) -> Option<Nonce> {
        let key = (rollup as u32, *sender);
        let lists = [self.nexts.all(), self.new_nexts.all()];
        let mut found = lists.into_iter().filter_map(|nexts| {
            let at = nexts.binary_search_by_key(&key, Next::key);
            Some(nexts[at.ok()?].nonce)
        });
        found.next()
    }

    fn use_nonce(&mut self, rollup: usize, facts: &Facts, is_cache: bool) {
        self.use_count += 1;
        let mut next = Next {
            rollup: rollup as u32,
            sender: facts.sender,
            nonce: facts.nonce.saturating_add(1),
            expiry: facts.expiry,
            used: self.use_count,
            is_cache,
        };
        for nexts in [&mut self.nexts, &mut self.new_nexts] {
            let all = nexts.all_mut();
            if let Ok(at) = all.binary_search_by_key(&next.key(), Next::key) {
                next.expiry = next.expiry.max(all[at].expiry);
                all[at] = next;
                return;
            }
        }
        let new = self.new_nexts.all();
        let at = new.partition_point(|other| other.key() < next.key());
        self.new_nexts.push(next);
        self.new_nexts.all_mut()[at..].rotate_right(1);
    }

    /// Takes the senders in that are new; cursors that have expired go, and then, where too many
    /// are left, caches that were used longest ago.
    pub(super) fn keep_cursors(&mut self) {
        let is_before = |a: &Next, b: &Next| a.key() < b.key();
        let new = self.new_nexts.all();
        merge(&mut self.nexts, new, |next| *next, is_before);
        self.new_nexts.clear();
        let time = self.time;
        retain(&mut self.nexts, |next| next.is_cache || next.expiry > time);
        let live = self.live_ids_max as usize;
        let most = self.limits.cursor_count_max as usize - live;
        let Some(last) = self.nexts.all().len().checked_sub(most + 1) else {
            return;
        };
        self.uses.clear();
        for next in self.nexts.all().iter().filter(|next| next.is_cache) {
            self.uses.push(next.used);
        }
        self.uses.all_mut().sort_unstable();
        // Of as many caches as there are too many cursors, or of all, the last use.
        let uses = self.uses.all();
        if let Some(last) = uses.get(last).or(uses.last()).copied() {
            retain(&mut self.nexts, |next| !next.is_cache || next.used > last);
        }
    }
}

impl Next {
    pub(super) const fn key(&self) -> (u32, Address) {
        (self.rollup, self.sender)
    }
}

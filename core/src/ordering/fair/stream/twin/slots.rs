//! One slot: entries, time, drain and lapse.

use super::{
    Bodies, Charge, Counted, Cut, DrainOutcome, Drained, Ended, EntryKind, Facts, Height, Known,
    LoggedId, Next, ReplayProtection, RollupSlot, Room, Standing, StreamTwin, UNKNOWN, retain,
};
use crate::ordering::fair::stream::error::Broken;

impl StreamTwin {
    /// Applies a decided cut as [`FairStream::apply`](super::FairStream::apply) does.
    ///
    /// # Errors
    /// [`Broken`] if the cut charges a member with more than its part, or a body is missing.
    pub fn apply(
        &mut self,
        cut: &Cut<'_>,
        rollups: &[RollupSlot],
        bodies: &impl Bodies,
    ) -> Result<(), Broken> {
        self.drained.clear();
        self.lapsed.clear();
        self.waiting.clear();
        self.height = cut.height;
        let moved = cut.extents.iter().filter(|extent| extent.has_moved());
        let least = self.parameters.n() - self.parameters.f();
        let has_aged = moved.count() >= least as usize;
        if has_aged {
            self.age += 1;
            self.medians.times.rotate_left(1);
            self.reached.rotate_left(1);
            if let Some(last) = self.reached.last_mut() {
                *last = cut.height;
            }
        }
        let is_old = self.age >= u64::from(self.limits.log_age_slots_max);
        self.medians.raise(is_old);
        for (log, extent) in cut.extents.iter().enumerate() {
            for entry in extent.entries {
                match entry.kind {
                    EntryKind::Stamp(stamp) => {
                        self.stamps[log] = stamp;
                        self.medians.clocks[log] = self.medians.clocks[log].max(stamp);
                    }
                    EntryKind::Closed => self.note_closed(log, entry.base),
                    EntryKind::Id(id) => self.enter(log, id, entry.base)?,
                }
            }
        }
        self.check_charges()?;
        self.count_heads();
        self.learn_facts(bodies)?;
        let logs = self.parameters.n() as usize;
        let stamps = &mut self.median[..logs];
        stamps.copy_from_slice(&self.stamps[..logs]);
        stamps.sort_unstable();
        self.time = self.time.max(stamps[(logs - 1) / 2]);
        if has_aged && let Some(last) = self.medians.times.last_mut() {
            *last = self.time;
        }
        for rollup in 0..self.parts.len() {
            match self.parameters.orders_by_median() {
                true => self.release_by_median(rollup),
                false => self.form(rollup),
            }
        }
        for rollup in 0..self.parts.len() {
            self.release(rollup)?;
        }
        for (rollup, slot) in rollups.iter().enumerate() {
            self.drain(rollup, slot);
        }
        self.free_cursors();
        self.lapse();
        self.find_end();
        Ok(())
    }

    fn enter(&mut self, log: usize, id: LoggedId, base: Height) -> Result<(), Broken> {
        let is_logged = self.logs[log].all().iter().any(|entry| entry.id == id);
        let is_old = self.age >= u64::from(self.limits.log_age_slots_max) && base < self.reached[0];
        let mut ended = self.ended.all().iter();
        let was_drained = ended.any(|ended| ended.id == id && base < ended.height);
        let is_new = self
            .find(&id)
            .is_none_or(|at| !self.known.all()[at].was_live_at(base));
        let is_late = is_new && self.closing.is_some_and(|closing| base >= closing);
        if is_logged || is_old || was_drained || is_late {
            return Ok(());
        }
        let height = self.height;
        let at = match self.find(&id) {
            Some(at) => at,
            None => self.add(id)?,
        };
        let known = &mut self.known.all_mut()[at];
        if is_new {
            known.charged |= 1 << log;
        }
        if !known.is_live() {
            known.turn(height);
        }
        self.logs[log].push(Counted {
            id,
            age: self.age,
            height,
            stamp: self.medians.clocks[log],
        });
        Ok(())
    }

    /// Adds an id at its place; returns the place.
    fn add(&mut self, id: LoggedId) -> Result<usize, Broken> {
        if self.known.all().len() >= self.live_ids_max as usize {
            return Err(Broken("a cut brings more ids than can be live"));
        }
        self.known.push(Known { id, ..UNKNOWN });
        let known = self.known.all_mut();
        let at = known[..known.len() - 1].partition_point(|known| known.id < id);
        known[at..].rotate_right(1);
        Ok(at)
    }

    pub(super) fn charge(&self, member: usize, rollup: usize) -> Charge {
        let own = self.parts[rollup].rollup;
        let known = self.known.all().iter();
        let charged =
            known.filter(|known| known.id.rollup == own && known.charged >> member & 1 == 1);
        charged.fold(Charge::default(), |sum, known| Charge {
            count: sum.count + 1,
            bytes: sum.bytes + u64::from(known.id.body_bytes),
        })
    }

    fn check_charges(&self) -> Result<(), Broken> {
        for member in 0..self.parameters.n() as usize {
            for (rollup, part) in self.parts.iter().enumerate() {
                let charge = self.charge(member, rollup);
                if charge.count > part.first_hand_count_max
                    || charge.bytes > part.first_hand_bytes_max
                {
                    return Err(Broken("a cut charges a member above a rollup's part"));
                }
            }
        }
        Ok(())
    }

    fn count_heads(&mut self) {
        for known in self.known.all_mut() {
            known.heads = 0;
        }
        for log in 0..self.logs.len() {
            for place in 0..self.logs[log].all().len() {
                let id = self.logs[log].all()[place].id;
                if let Some(at) = self.find(&id) {
                    self.known.all_mut()[at].heads += 1;
                }
            }
        }
    }

    fn learn_facts(&mut self, bodies: &impl Bodies) -> Result<(), Broken> {
        let threshold = self.parameters.threshold();
        for known in self.known.all_mut() {
            if known.heads >= threshold && !known.has_facts {
                let facts = bodies.facts(&known.id);
                known.facts = facts.ok_or(Broken("the body of a candidate is missing"))?;
                known.has_facts = true;
            }
        }
        Ok(())
    }

    fn drain(&mut self, rollup: usize, slot: &RollupSlot) {
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
            && self.ended.all().len() < self.limits.drained_count_max as usize
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
            self.drained.push(Drained { id, outcome });
            self.ended.push(Ended {
                id,
                height: self.height,
                age: self.age,
                is_included: outcome == DrainOutcome::Included,
            });
            for log in &mut self.logs {
                retain(log, |entry| entry.id != id);
            }
            retain(&mut self.known, |known| known.id != id);
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
                let ended = self.ended.all().iter().rev().find(|ended| ended.id == *id);
                let again = ended.is_some_and(|ended| ended.is_included);
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
        let full = self.nexts.all().len() >= self.limits.cursor_count_max as usize;
        if next.is_none() && full {
            return Some(DrainOutcome::NoCursor);
        }
        self.use_nonce(rollup, facts, part.replay == ReplayProtection::ByHost);
        left.bytes -= bytes;
        left.gas = crate::types::Gas::new(left.gas.get() - facts.gas.get());
        Some(DrainOutcome::Included)
    }

    fn use_nonce(&mut self, rollup: usize, facts: &Facts, is_cache: bool) {
        self.use_count += 1;
        let found = self.next(rollup, &facts.sender);
        let before = found.map(|at| self.nexts.all()[at].expiry);
        let next = Next {
            rollup: rollup as u32,
            sender: facts.sender,
            nonce: facts.nonce.saturating_add(1),
            expiry: before.map_or(facts.expiry, |before| before.max(facts.expiry)),
            used: self.use_count,
            is_cache,
        };
        match found {
            Some(at) => self.nexts.all_mut()[at] = next,
            None => {
                self.nexts.push(next);
                let key = (next.rollup, next.sender);
                let nexts = self.nexts.all_mut();
                let last = nexts.len() - 1;
                let at = nexts[..last].partition_point(|next| (next.rollup, next.sender) < key);
                nexts[at..].rotate_right(1);
            }
        }
    }

    fn free_cursors(&mut self) {
        let time = self.time;
        retain(&mut self.nexts, |next| next.is_cache || next.expiry > time);
        let live = self.live_ids_max as usize;
        let most = self.limits.cursor_count_max as usize - live;
        while self.nexts.all().len() > most {
            let cached = self.nexts.all().iter().filter(|next| next.is_cache);
            let Some(oldest) = cached.map(|next| next.used).min() else {
                return;
            };
            retain(&mut self.nexts, |next| next.used != oldest);
        }
    }

    fn lapse(&mut self) {
        let (now, span) = (self.age, u64::from(self.limits.log_age_slots_max));
        for known in 0..self.known.all().len() {
            let own = self.known.all()[known];
            let is_outside = matches!(own.standing, Standing::Outside | Standing::Held);
            if !own.is_live() || !is_outside {
                continue;
            }
            let mut left = 0;
            for log in &mut self.logs {
                retain(log, |entry| entry.id != own.id || now - entry.age < span);
                left += u32::from(log.all().iter().any(|entry| entry.id == own.id));
            }
            let own = &mut self.known.all_mut()[known];
            own.heads = left;
            own.carried = own.carried.filter(|age| now - age < span);
            if left == 0 && own.carried.is_none() {
                own.turn(self.height);
                own.lapsed_age = now;
                own.standing = Standing::Outside;
                self.lapsed.push(own.id);
                let id = own.id;
                for held in &mut self.medians.held {
                    retain(held, |own| *own != id);
                }
            }
        }
        retain(&mut self.known, |known| {
            known.is_live() || now - known.lapsed_age <= span
        });
        retain(&mut self.ended, |ended| now - ended.age <= span);
    }
}

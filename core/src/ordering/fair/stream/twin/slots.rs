//! One slot: entries, time and lapse.

use super::{
    Bodies, Charge, Counted, Cut, EntryKind, Height, Known, LoggedId, RollupSlot, Standing,
    StreamTwin, UNKNOWN, merge, retain,
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
        self.make_known(cut)?;
        self.locate();
        for (log, extent) in cut.extents.iter().enumerate() {
            for entry in extent.entries {
                match entry.kind {
                    EntryKind::Stamp(stamp) => {
                        self.stamps[log] = stamp;
                        self.medians.clocks[log] = self.medians.clocks[log].max(stamp);
                    }
                    EntryKind::Closed => self.note_closed(log, entry.base),
                    EntryKind::Id(id) => self.enter(log, id, entry.base),
                }
            }
        }
        self.check_charges()?;
        self.learn_facts(bodies)?;
        self.sort_senders();
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
        self.keep_drained();
        self.keep_cursors();
        self.lapse();
        self.find_end();
        Ok(())
    }

    /// Gives every id that the cut brings a place among those that are known.
    fn make_known(&mut self, cut: &Cut<'_>) -> Result<(), Broken> {
        const FULL: Broken = Broken("a cut brings more ids than can be live");
        self.fresh.clear();
        for entry in cut.extents.iter().flat_map(|extent| extent.entries) {
            let EntryKind::Id(id) = entry.kind else {
                continue;
            };
            let counts = !self.is_void(&id, entry.base) && !self.is_past_closing(entry.base);
            if self.find(&id).is_some() || !counts {
                continue;
            }
            let Err(place) = self.fresh.all().binary_search(&id) else {
                continue;
            };
            let count = self.known.all().len() + self.fresh.all().len();
            if count >= self.live_ids_max as usize {
                return Err(FULL);
            }
            self.fresh.push(id);
            self.fresh.all_mut()[place..].rotate_right(1);
        }
        let unknown = |id: &LoggedId| Known { id: *id, ..UNKNOWN };
        let is_before = |a: &Known, b: &Known| a.id < b.id;
        merge(&mut self.known, self.fresh.all(), unknown, is_before);
        Ok(())
    }

    /// Finds the place of each entry's id among those that are known, and counts anew which logs
    /// hold it.
    pub(super) fn locate(&mut self) {
        let known = self.known.all_mut();
        for known in known.iter_mut() {
            known.heads = 0;
            known.held_by = 0;
        }
        for (log, list) in self.logs.iter_mut().enumerate() {
            for entry in list.all_mut() {
                if let Ok(at) = known.binary_search_by_key(&entry.id, |known| known.id) {
                    entry.at = at as u32;
                    known[at].heads += 1;
                    known[at].held_by |= 1 << log;
                }
            }
        }
    }

    /// Whether an entry counts for nothing: its base is too old, or its id was drained since.
    fn is_void(&self, id: &LoggedId, base: Height) -> bool {
        let is_old = self.age >= u64::from(self.limits.log_age_slots_max) && base < self.reached[0];
        is_old || self.last_end(id).is_some_and(|ended| base < ended.height)
    }

    fn enter(&mut self, log: usize, id: LoggedId, base: Height) {
        if self.is_void(&id, base) {
            return;
        }
        let (height, age) = (self.height, self.age);
        let Some(at) = self.find(&id) else {
            return;
        };
        let is_late = self.is_past_closing(base);
        let known = &mut self.known.all_mut()[at];
        let is_first_hand = !known.was_live_at(base);
        if known.held_by >> log & 1 == 1 || is_first_hand && is_late {
            return;
        }
        if is_first_hand {
            known.charged |= 1 << log;
        }
        if !known.is_live() {
            known.turn(height);
        }
        known.held_by |= 1 << log;
        known.heads += 1;
        self.logs[log].push(Counted {
            id,
            age,
            height,
            stamp: self.medians.clocks[log],
            at: at as u32,
        });
    }

    pub(super) fn charge(&self, member: usize, rollup: usize) -> Charge {
        let known = self.known.all()[self.own(rollup)].iter();
        let charged = known.filter(|known| known.charged >> member & 1 == 1);
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

    /// Takes out what was drained, and the entries that lapse; counts anew what is left.
    fn lapse(&mut self) {
        let (now, span) = (self.age, u64::from(self.limits.log_age_slots_max));
        let known = self.known.all_mut();
        for known in known.iter_mut() {
            known.heads = 0;
        }
        for log in &mut self.logs {
            retain(log, |entry| {
                let own = &mut known[entry.at as usize];
                let stays = match own.standing {
                    Standing::Outside | Standing::Held => now - entry.age < span,
                    Standing::Formed(_) | Standing::Queued => true,
                    Standing::Drained => false,
                };
                own.heads += u32::from(stays);
                stays
            });
        }
        for own in known {
            let lapses = matches!(own.standing, Standing::Outside | Standing::Held);
            if !lapses || !own.is_live() || own.heads > 0 {
                continue;
            }
            own.carried = own.carried.filter(|age| now - age < span);
            if own.heads > 0 || own.carried.is_some() {
                continue;
            }
            own.turn(self.height);
            own.lapsed_age = now;
            own.standing = Standing::Outside;
            self.lapsed.push(own.id);
            for held in &mut self.medians.held {
                retain(held, |id| *id != own.id);
            }
        }
        retain(&mut self.known, |known| {
            let is_charged = known.is_live() || now - known.lapsed_age <= span;
            is_charged && known.standing != Standing::Drained
        });
    }
}

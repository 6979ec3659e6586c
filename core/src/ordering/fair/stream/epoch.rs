//! From one epoch to the next: rules 20 to 23.

use super::decided::FairStream;
use super::error::EpochError;
use super::forming::OfSender;
use super::outcome::Charge;
use super::records::{Members, Place, Record, only};
use crate::bounded::NONE;
use crate::ordering::fair::Parameters;
use crate::types::{Epoch, Height, Nonce};

/// How an epoch ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EpochEnd {
    /// Its last slot.
    pub height: Height,
    /// Whether it ended at its bound, with graphs in line, ids that logs could still order, or logs
    /// that do not show that they are closed (rule 22).
    pub is_at_bound: bool,
}

/// The committee of the epoch that begins.
#[derive(Clone, Copy, Debug)]
pub struct NextEpoch<'a> {
    /// Its thresholds.
    pub parameters: Parameters,
    /// For each member of the epoch that ended, its number in the next one; none if it leaves.
    pub seats: &'a [Option<u32>],
}

impl FairStream {
    /// A slot has decided which slot closes the epoch (rule 20): from there on nothing first-hand
    /// counts any more.
    ///
    /// # Errors
    /// [`EpochError::ClosingNotAhead`] unless it lies above the last slot applied, so that nothing
    /// that counts becomes void; [`EpochError::ClosingDecided`] if the epoch has a closing slot;
    /// [`EpochError::LogsEnded`].
    pub const fn close_at(&mut self, height: Height) -> Result<(), EpochError> {
        if self.end.is_some() {
            return Err(EpochError::LogsEnded);
        }
        if self.closing.is_some() {
            return Err(EpochError::ClosingDecided);
        }
        if height.get() <= self.height.get() {
            return Err(EpochError::ClosingNotAhead);
        }
        self.closing = Some(height);
        Ok(())
    }

    /// How many epochs began before this one.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// The epoch's closing slot, once one is decided.
    #[must_use]
    pub const fn closing(&self) -> Option<Height> {
        self.closing
    }

    /// How the epoch ended, if the last slot was its last one. No cut moves a log then, until
    /// [`FairStream::begin_epoch`].
    #[must_use]
    pub const fn epoch_end(&self) -> Option<EpochEnd> {
        self.end
    }

    /// How many logs show that their members know the closing slot.
    #[must_use]
    pub const fn closed_count(&self) -> u32 {
        self.closed.count_ones()
    }

    /// What members that have left are charged with, for one rollup.
    #[must_use]
    pub fn charge_of_leavers(&self, rollup: crate::types::RollupId) -> Charge {
        let number = self.rollup_number(rollup);
        let row = self.records.leavers().zip(number);
        row.map_or_else(Charge::default, |(row, number)| {
            self.records.charges()[row * self.rollups.len() + number]
        })
    }

    /// Begins the next epoch (rule 23): its logs are empty, graphs that stand in line are
    /// dissolved, and what is live stays so, with its charges. Queues, cursors, age, agreed time
    /// and the memory of what was drained go on; the outcome of the last slot is gone.
    ///
    /// The new logs start at the hash of the last slot: see
    /// [`LogId::start`](crate::receive_log::LogId::start). Cost: O(live ids · members).
    ///
    /// # Errors
    /// [`EpochError`]: the epoch has not ended; `seats` has not one place for each old member, or
    /// names a new one twice or one that is none; there are more members than the limits name;
    /// members that left are charged with more than `leaver_count_max` budgets of a rollup; the
    /// next epoch makes its order by other means.
    pub fn begin_epoch(&mut self, next: &NextEpoch<'_>) -> Result<(), EpochError> {
        self.check_next(next)?;
        self.outcome.clear();
        if self.weakened.missing_edges_by_id() {
            self.release_by_id();
        }
        for number in 0..self.records.capacity() {
            let record = self.records.get_mut(number);
            if matches!(record.place, Place::Graph { .. }) {
                record.place = Place::Outside;
            }
        }
        for own in &mut self.rollups {
            own.line.reform(next.parameters);
        }
        let (now, is_forgotten) = (self.age.now(), self.weakened.carried_charged_anew());
        self.records.begin_epoch(next, now, is_forgotten);
        if let Some(median) = &mut self.median {
            let logs = next.parameters.n();
            median.orders.iter_mut().for_each(|order| order.begin(logs));
        }
        self.parameters = next.parameters;
        self.stamps.fill(crate::types::UnixNs::ZERO);
        self.epoch = self.epoch.saturating_add(1);
        self.closing = None;
        self.closed = 0;
        self.end = None;
        self.outcome.clear();
        Ok(())
    }

    fn check_next(&self, next: &NextEpoch<'_>) -> Result<(), EpochError> {
        if self.end.is_none() {
            return Err(EpochError::EpochNotEnded);
        }
        let n = next.parameters.n();
        if n > self.records.logs_max() as u32 {
            return Err(EpochError::TooManyMembers);
        }
        if next.parameters.orders_by_median() != self.parameters.orders_by_median() {
            return Err(EpochError::OrderKindChanged);
        }
        let mut taken: Members = 0;
        for seat in next.seats.iter().flatten() {
            if *seat >= n || taken & only(*seat as usize) != 0 {
                return Err(EpochError::SeatsContradict);
            }
            taken |= only(*seat as usize);
        }
        if next.seats.len() != self.records.logs() {
            return Err(EpochError::SeatsContradict);
        }
        self.check_leavers(next)
    }

    /// Whether what members that leave or left are charged with has room beside the next epoch's.
    fn check_leavers(&self, next: &NextEpoch<'_>) -> Result<(), EpochError> {
        let mut leavers: Members = self.records.leavers().map_or(0, only);
        for (seat, to) in next.seats.iter().enumerate() {
            if to.is_none() {
                leavers |= only(seat);
            }
        }
        let most = u64::from(self.limits.leaver_count_max);
        for (number, own) in self.rollups.iter().enumerate() {
            let (mut count, mut bytes) = (0, 0);
            for (_, record) in self.records.iter() {
                if record.rollup as usize == number && record.charged & leavers != 0 {
                    count += 1;
                    bytes += u64::from(record.id.body_bytes);
                }
            }
            let fits = count <= most * u64::from(own.part.first_hand_count_max)
                && bytes <= most.saturating_mul(own.part.first_hand_bytes_max);
            if !fits {
                return Err(EpochError::TooManyLeavers);
            }
        }
        Ok(())
    }

    /// Whether an entry that is first-hand is void because its base lies at or past the closing
    /// slot (rule 20).
    pub(super) fn is_past_closing(&self, base: Height) -> bool {
        self.closing.is_some_and(|closing| base >= closing)
            && !self.weakened.first_hand_after_closing()
    }

    /// Whether the closing slot is decided, so that members say that they know it.
    pub(super) fn is_closing_known(&self) -> bool {
        self.closing.is_some_and(|closing| closing <= self.height)
    }

    /// Whether it is, so that members log nothing first-hand any more.
    pub(super) fn is_closing(&self) -> bool {
        self.is_past_closing(self.height)
    }

    /// A log shows that its member knows the closing slot; said before that is known, it means
    /// nothing.
    pub(super) fn note_closed(&mut self, log: usize, base: Height) {
        if self.closing.is_some_and(|closing| base >= closing) {
            self.closed |= only(log);
        }
    }

    /// Rules 21 and 22: whether the slot that was applied is the epoch's last one. Sealed ids, when
    /// there are any, join in here: none may be queued and no opening be due.
    pub(super) fn note_end(&mut self) {
        let Some(closing) = self.closing.filter(|closing| self.height >= *closing) else {
            return;
        };
        let bound = closing.saturating_add(self.limits.closing_slots_max.into());
        let is_at_bound = !self.is_done();
        if is_at_bound && (self.height < bound || self.weakened.no_bound()) {
            return;
        }
        self.end = Some(EpochEnd {
            height: self.height,
            is_at_bound,
        });
    }

    /// Rule 21: no graph stands in line, n − f logs are closed, and no log can order more.
    fn is_done(&mut self) -> bool {
        let least = self.parameters.n() - self.parameters.f();
        if self.rollups.iter().any(|own| !own.line.is_empty()) {
            return false;
        }
        if self.weakened.end_without_logs() {
            return true;
        }
        let mut rollups = 0..self.rollups.len();
        self.closed_count() >= least && rollups.all(|number| !self.can_order_more(number))
    }

    /// Whether an id outside graphs has T heads and is not held back by rule 11: neither was it
    /// when a graph was formed, nor is a nonce missing before it, nor is its sender's first nonce
    /// unknown. Nor does one count whose nonce is used. Under median timestamps each one that has a
    /// key waits for its turn, and for no nonce.
    fn can_order_more(&mut self, number: usize) -> bool {
        let threshold = self.parameters.threshold();
        let waits = |record: &Record| {
            let is_own = record.rollup as usize == number && record.place == Place::Outside;
            is_own && record.head_count() >= threshold
        };
        if self.median.is_some() {
            return self.records.iter().any(|(_, record)| waits(record));
        }
        let waiting = self.waiting.all().iter();
        let waiting = waiting.map(|at| (*at, self.records.get(*at)));
        let waiting = waiting.filter(|(_, record)| waits(record));
        let queue = self.rollups[number].queue.iter();
        let queued = queue.map(|at| (NONE, self.records.get(*at)));
        let mut count = 0;
        for (at, record) in waiting.chain(queued) {
            if let Some(facts) = record.facts {
                self.form_scratch.senders[count] = OfSender {
                    sender: facts.sender,
                    nonce: facts.nonce,
                    number: at,
                };
                count += 1;
            }
        }
        let senders = &mut self.form_scratch.senders[..count];
        senders.sort_unstable();
        let mut of_one = senders.chunk_by(|a, b| a.sender == b.sender);
        of_one.any(|ids| {
            let queued = ids.iter().find(|id| id.number == NONE);
            let cursor = self.cursors.next(number, &ids[0].sender);
            let base = cursor.or(queued.map(|id| id.nonce));
            base.is_some_and(|base| has_one_in_line(ids, base))
        })
    }

    /// What rule 22 is not: missing edges by id, and everything released.
    fn release_by_id(&mut self) {
        for number in 0..self.rollups.len() {
            let line = &mut self.rollups[number].line;
            for place in 0..line.len() {
                if let Some(graph) = line.graph_mut(place) {
                    graph.draw_by_id();
                }
            }
            self.release(number);
        }
    }
}

/// Whether one of a sender's ids that are not queued has the nonce that comes next from `base` on,
/// behind those that are. One whose nonce is used, here or in the queue, can only be a no-op.
fn has_one_in_line(ids: &[OfSender], base: Nonce) -> bool {
    let mut next = Some(base);
    for id in ids.iter().filter(|id| id.number == NONE) {
        if Some(id.nonce) == next {
            next = id.nonce.checked_add(1);
        }
    }
    let mut others = ids.iter().filter(|id| id.number != NONE);
    others.any(|id| Some(id.nonce) == next)
}

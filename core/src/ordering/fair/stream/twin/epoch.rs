//! From one epoch to the next, by looking at everything.

use super::{EpochEnd, Height, Known, Standing, StreamTwin};
use crate::ordering::fair::stream::epoch::NextEpoch;
use crate::ordering::fair::stream::error::EpochError;
use crate::types::UnixNs;

impl StreamTwin {
    /// A slot has decided which slot closes the epoch, as
    /// [`FairStream::close_at`](super::FairStream::close_at).
    ///
    /// # Errors
    /// As there.
    pub fn close_at(&mut self, height: Height) -> Result<(), EpochError> {
        match (self.end, self.closing) {
            (Some(_), _) => Err(EpochError::LogsEnded),
            (None, Some(_)) => Err(EpochError::ClosingDecided),
            (None, None) if height <= self.height => Err(EpochError::ClosingNotAhead),
            (None, None) => {
                self.closing = Some(height);
                Ok(())
            }
        }
    }

    /// How the epoch ended, if the last slot was its last one.
    #[must_use]
    pub const fn epoch_end(&self) -> Option<EpochEnd> {
        self.end
    }

    /// Begins the next epoch as [`FairStream::begin_epoch`](super::FairStream::begin_epoch), which
    /// says whether it may: the twin follows what a stream has taken.
    ///
    /// # Errors
    /// [`EpochError::EpochNotEnded`]; [`EpochError::TooManyMembers`];
    /// [`EpochError::SeatsContradict`] unless there is a seat for each old member.
    pub fn begin_epoch(&mut self, next: &NextEpoch<'_>) -> Result<(), EpochError> {
        let old = self.parameters.n() as usize;
        if self.end.is_none() {
            return Err(EpochError::EpochNotEnded);
        }
        if next.parameters.n() as usize > self.logs.len() {
            return Err(EpochError::TooManyMembers);
        }
        if next.seats.len() != old {
            return Err(EpochError::SeatsContradict);
        }
        for known in self.known.all_mut() {
            let mut charged = 0;
            for member in (0..128).filter(|member| known.charged >> member & 1 == 1) {
                let seat = next.seats.get(member).copied().flatten();
                let to = seat.map(|seat| seat as usize).or(self.leavers);
                charged |= to.map_or(0, |to| 1 << to);
            }
            known.charged = charged;
            known.heads = 0;
            known.held_by = 0;
            if known.is_live() {
                known.carried = Some(self.age);
            }
            if matches!(known.standing, Standing::Formed(_)) {
                known.standing = Standing::Outside;
            }
        }
        for log in &mut self.logs {
            log.clear();
        }
        self.stamps.fill(UnixNs::ZERO);
        self.medians.clocks.fill(UnixNs::ZERO);
        self.parameters = next.parameters;
        self.graph.reform(next.parameters);
        self.drained.clear();
        self.lapsed.clear();
        self.closing = None;
        self.closed = 0;
        self.end = None;
        Ok(())
    }

    pub(super) fn note_closed(&mut self, log: usize, base: Height) {
        if self.is_past_closing(base) {
            self.closed |= 1 << log;
        }
    }

    /// Whether who signed on top of that slot knew that it, or one before it, closes the epoch.
    pub(super) fn is_past_closing(&self, base: Height) -> bool {
        self.closing.is_some_and(|closing| closing <= base)
    }

    /// Whether the slot was the epoch's last one. From the closing slot on it sorts the senders of
    /// what is left once more.
    pub(super) fn find_end(&mut self) {
        let height = self.height;
        let Some(closing) = self.closing.filter(|closing| *closing <= height) else {
            return;
        };
        self.sort_senders();
        let open = self.parameters.n() - self.closed.count_ones();
        let is_empty = |known: &Known| !matches!(known.standing, Standing::Formed(_));
        let is_done = open <= self.parameters.f()
            && self.known.all().iter().all(is_empty)
            && (0..self.parts.len()).all(|rollup| !self.can_order_more(rollup));
        let since = height.get() - closing.get();
        if is_done || since >= u64::from(self.limits.closing_slots_max) {
            self.end = Some(EpochEnd {
                height,
                is_at_bound: !is_done,
            });
        }
    }

    /// Notes those of the listed vertices that stay outside though they are not held back, which
    /// are listed no more.
    pub(super) fn note_passed_over(&mut self, stays: impl Fn(&Self, u32) -> bool) {
        for vertex in 0..self.vertices.all().len() {
            let at = self.vertices.all()[vertex];
            self.at_mut(at).is_passed_over = stays(self, vertex as u32);
        }
    }

    /// Whether an id of a rollup outside graphs has enough heads, was not held back, and comes next
    /// of its sender.
    fn can_order_more(&self, rollup: usize) -> bool {
        let threshold = self.parameters.threshold();
        let by_median = self.parameters.orders_by_median();
        self.own(rollup).any(|at| {
            let known = &self.known.all()[at];
            let waits = known.standing == Standing::Outside && known.heads >= threshold;
            let at = at as u32;
            waits && (by_median || known.is_passed_over && self.comes_next(rollup, at))
        })
    }

    /// Whether each nonce of its sender before that of an id was used or is queued, and its own is
    /// neither.
    fn comes_next(&self, rollup: usize, at: u32) -> bool {
        let is_queued = |known: &Known| known.standing == Standing::Queued;
        let own = self.at(at).facts;
        let queued = self.siblings(at).filter(|known| is_queued(known));
        let mut queued = queued.map(|known| known.facts.nonce);
        let next = self.next_nonce(rollup, &own.sender);
        let base = next.or_else(|| queued.clone().min());
        let is_taken = queued.any(|nonce| nonce == own.nonce);
        base.is_some_and(|base| {
            base <= own.nonce && !is_taken && !self.has_gap(at, base, is_queued)
        })
    }
}

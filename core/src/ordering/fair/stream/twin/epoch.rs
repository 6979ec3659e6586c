//! From one epoch to the next, by looking at everything.

use super::{EpochEnd, Facts, Height, Known, LoggedId, Standing, StreamTwin};
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
        if self.closing.is_some_and(|closing| closing <= base) {
            self.closed |= 1 << log;
        }
    }

    /// Whether the slot was the epoch's last one.
    pub(super) fn find_end(&mut self) {
        let height = self.height;
        let Some(closing) = self.closing.filter(|closing| *closing <= height) else {
            return;
        };
        let open = self.parameters.n() - self.closed.count_ones();
        let is_done = open <= self.parameters.f()
            && self.known.all().iter().all(|known| {
                !matches!(known.standing, Standing::Formed(_)) && !self.can_be_ordered(known)
            });
        let since = height.get() - closing.get();
        if is_done || since >= u64::from(self.limits.closing_slots_max) {
            self.end = Some(EpochEnd {
                height,
                is_at_bound: !is_done,
            });
        }
    }

    /// Notes those of the listed vertices that stay outside, which those that are held back are not
    /// among.
    pub(super) fn note_waiting(&mut self, stays: impl Fn(&Self, u32) -> bool) {
        for vertex in 0..self.vertices.all().len() {
            if stays(self, vertex as u32) {
                let id = self.vertices.all()[vertex];
                self.waiting.push(id);
            }
        }
    }

    /// Whether an id outside graphs has enough heads, was not held back, and waits for no nonce.
    fn can_be_ordered(&self, known: &Known) -> bool {
        if known.standing != Standing::Outside || known.heads < self.parameters.threshold() {
            return false;
        }
        if self.parameters.orders_by_median() {
            return true;
        }
        if !self.waiting.all().contains(&known.id) {
            return false;
        }
        let mut parts = self.parts.iter();
        let rollup = parts.position(|part| part.rollup == known.id.rollup);
        let facts = known.facts;
        let queued = |nonce| self.is_queued(&known.id, &facts, nonce);
        let all = self.known.all().iter();
        let least = all.filter(|other| {
            other.standing == Standing::Queued
                && other.id.rollup == known.id.rollup
                && other.facts.sender == facts.sender
        });
        let least = least.map(|other| other.facts.nonce).min();
        let cursor = rollup.and_then(|rollup| self.next_nonce(rollup, &facts.sender));
        cursor.or(least).is_some_and(|base| {
            let mut nonce = base;
            while nonce < facts.nonce && queued(nonce) {
                nonce = nonce.saturating_add(1);
            }
            nonce == facts.nonce && !queued(nonce)
        })
    }

    fn is_queued(&self, id: &LoggedId, facts: &Facts, nonce: super::Nonce) -> bool {
        self.known.all().iter().any(|other| {
            other.standing == Standing::Queued
                && other.id.rollup == id.rollup
                && (other.facts.sender, other.facts.nonce) == (facts.sender, nonce)
        })
    }
}

//! The verifier's twin: another algorithm, which counts stamps and sorts nothing.

use super::order::{MedianError, MedianLimits};
use super::rank;
use super::table::{ABSENT, Table};
use crate::error::operation_error;
use crate::receive_log::{CutEntry, Entry};
use crate::types::{TxId, UnixNs};

operation_error! {
    /// Why ids are not those that a cut releases.
    MedianViolation { WrongRelease }
}

/// Follows the same entries as [`MedianOrder`](super::MedianOrder), and says of a release whether
/// it is the right one.
///
/// The key of an id is the smallest of its stamps that at least ⌈n/2⌉ of them don't exceed. That
/// keys rise, that each passes the floors of its successor, and the last one's those of all that
/// wait, is all that rule 5 asks; then the best that waits must be held back by something.
///
/// Cost: O(m·n²) for m waiting ids and n logs. Memory: [`MedianTwin::footprint_bytes`].
#[derive(Debug)]
pub struct MedianTwin {
    rank: usize,
    table: Table<TxId>,
}

impl MedianTwin {
    /// Makes one that follows nothing; see [`MedianOrder::new`](super::MedianOrder::new).
    ///
    /// # Errors
    /// [`MedianError::LimitOutOfRange`].
    pub fn new(limits: &MedianLimits, index_key: [u64; 2]) -> Result<Self, MedianError> {
        limits.check()?;
        Ok(Self {
            rank: rank(limits.log_count),
            table: Table::new(limits.log_count, limits.id_count_max, index_key),
        })
    }

    /// The bytes that [`MedianTwin::new`] takes.
    #[must_use]
    pub const fn footprint_bytes(limits: &MedianLimits) -> u64 {
        Table::<TxId>::footprint_bytes(limits.log_count, limits.id_count_max)
    }

    /// A log's next entry is a stamp.
    ///
    /// # Errors
    /// [`MedianError::UnknownLog`].
    pub fn stamp(&mut self, log: u32, time: UnixNs) -> Result<(), MedianError> {
        let is_known = self.table.stamp(log, time);
        is_known.then_some(()).ok_or(MedianError::UnknownLog)
    }

    /// Takes the next entry that a cut covers; see [`MedianOrder::handle_entry`].
    ///
    /// # Errors
    /// [`MedianError::UnknownLog`], [`MedianError::OrderTableFull`].
    ///
    /// [`MedianOrder::handle_entry`]: super::MedianOrder::handle_entry
    pub fn handle_entry(&mut self, entry: &CutEntry<'_>) -> Result<(), MedianError> {
        let log = u32::from(entry.member);
        match entry.entry {
            Entry::Stamp(time) => self.stamp(log, *time),
            Entry::Id { id, .. } => self.append(log, id),
            Entry::Closed | Entry::Inbox { .. } => Ok(()),
        }
    }

    /// Before the entries of a cut: no stamp counts as less than `time` from now on.
    pub fn raise(&mut self, time: UnixNs) {
        self.table.raise(time);
    }

    /// A log's next entry is an id.
    ///
    /// # Errors
    /// [`MedianError::UnknownLog`], [`MedianError::OrderTableFull`].
    pub fn append(&mut self, log: u32, id: &TxId) -> Result<(), MedianError> {
        let last = self.table.last().get(log as usize).copied();
        let last = last.ok_or(MedianError::UnknownLog)?;
        let at = self.table.find_or_insert(id);
        let row = self.table.row_mut(at.ok_or(MedianError::OrderTableFull)?);
        row[log as usize] = row[log as usize].min(last);
        Ok(())
    }

    /// The entry of an id in a log no longer counts; one that was released keeps its entries.
    pub fn lapse(&mut self, log: u32, id: &TxId) {
        let found = self.table.find(id);
        let waiting = found.filter(|at| self.is_waiting(*at));
        if let Some(at) = waiting {
            let row = self.table.row_mut(at);
            if let Some(stamp) = row.get_mut(log as usize) {
                *stamp = ABSENT;
            }
            if row.iter().all(|stamp| *stamp == ABSENT) {
                self.table.remove(at);
            }
        }
    }

    /// Forgets an id.
    pub fn forget(&mut self, id: &TxId) {
        if let Some(at) = self.table.find(id) {
            self.table.remove(at);
        }
    }

    /// All entries of a cut are in: checks that it releases exactly these ids, in this order, and
    /// takes them as released.
    ///
    /// # Errors
    /// [`MedianViolation::WrongRelease`]; nothing changes then.
    pub fn check<'a>(
        &mut self,
        released: impl Iterator<Item = &'a TxId> + Clone,
    ) -> Result<(), MedianViolation> {
        let marked = released.clone().take_while(|id| self.mark(id)).count();
        if marked == released.clone().count() && self.is_right(released.clone()) {
            return Ok(());
        }
        for id in released.take(marked) {
            if let Some(held) = self
                .table
                .find(id)
                .and_then(|at| self.table.ids.get_mut(at))
            {
                held.is_released = false;
            }
        }
        Err(MedianViolation::WrongRelease)
    }

    /// Marks an id that waits as released; false for any other.
    fn mark(&mut self, id: &TxId) -> bool {
        let at = self.table.find(id).filter(|at| self.is_waiting(*at));
        let held = at.and_then(|at| self.table.ids.get_mut(at));
        held.map(|held| held.is_released = true).is_some()
    }

    fn is_right<'a>(&self, released: impl Iterator<Item = &'a TxId>) -> bool {
        let mut before = None::<(u64, &TxId)>;
        for id in released {
            let Some(at) = self.table.find(id) else {
                return false;
            };
            let key = self.key(at);
            let rises =
                before.is_none_or(|before| before < (key, id) && self.is_passed_by(at, before));
            if !rises || self.is_reached(key, |log| self.table.last()[log]) {
                return false;
            }
            before = Some((key, id));
        }
        // Keys rose, so what the last one passes all have passed.
        let mut waiting = self.waiting();
        let is_after_all = |at| before.is_none_or(|before| self.is_passed_by(at, before));
        waiting.all(is_after_all) && !self.can_go_on()
    }

    /// Whether one more id would have to be released.
    fn can_go_on(&self) -> bool {
        let keys = self.waiting().map(|at| (self.key(at), at));
        let with_ids = keys.filter_map(|(key, at)| Some((key, &self.table.ids.get(at)?.id, at)));
        let Some((key, id, best)) = with_ids.min() else {
            return false;
        };
        let mut others = self.waiting().filter(|at| *at != best);
        others.all(|at| self.is_passed_by(at, (key, id)))
            && !self.is_reached(key, |log| self.table.last()[log])
    }

    /// Whether an id can't come before `first` any more: its (floor, id) is greater.
    fn is_passed_by(&self, at: u32, first: (u64, &TxId)) -> bool {
        let floor = |log: usize| match self.table.row(at)[log] {
            ABSENT => self.table.last()[log],
            stamp => stamp,
        };
        let id = self.table.ids.get(at).map(|held| &held.id);
        let (key, first_id) = first;
        let is_below = key
            .checked_sub(1)
            .is_some_and(|below| self.is_reached(below, floor));
        !is_below && (!self.is_reached(key, floor) || id > Some(first_id))
    }

    /// Whether the lower median of these stamps is at most `bound`.
    fn is_reached(&self, bound: u64, stamp: impl Fn(usize) -> u64) -> bool {
        let logs = 0..self.table.last().len();
        logs.filter(|log| stamp(*log) <= bound).count() >= self.rank
    }

    fn key(&self, at: u32) -> u64 {
        let row = self.table.row(at);
        let reached = row.iter().copied();
        let reached = reached.filter(|stamp| self.is_reached(*stamp, |log| row[log]));
        reached.min().unwrap_or(ABSENT)
    }

    fn is_waiting(&self, at: u32) -> bool {
        self.table.ids.get(at).is_some_and(|held| !held.is_released)
    }

    fn waiting(&self) -> impl Iterator<Item = u32> + '_ {
        let ids = self.table.ids.iter();
        ids.filter(|(_, held)| !held.is_released).map(|(at, _)| at)
    }
}

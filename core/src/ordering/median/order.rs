//! The order, by selection and sorting.

use alloc::boxed::Box;

use super::rank;
use super::table::{ABSENT, MedianId, Table};
use crate::bounded::{fixed_slice, fixed_slice_bytes};
use crate::error::operation_error;
use crate::receive_log::{CutEntry, Entry};
use crate::types::{TxId, UnixNs};

operation_error! {
    /// Why the policy does not follow an entry; nothing changed.
    MedianError { UnknownLog, OrderTableFull, LimitOutOfRange }
}

/// The maxima of the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MedianLimits {
    /// Logs, each of which has a stamp in every median.
    ///
    /// Range: 1 ..= 255. Why: as many as a committee has members.
    pub log_count: u32,
    /// Ids that are followed: those that wait, and those that were released and whose entries can
    /// still come.
    ///
    /// Range: 1 ..= 2^20. Why: `log_count · first_hand_max` wait at most, and as many a slot are
    /// remembered until their entries are void.
    pub id_count_max: u32,
}

impl MedianLimits {
    pub(super) fn check(&self) -> Result<(), MedianError> {
        let in_range =
            (1..=255).contains(&self.log_count) && (1..=1 << 20).contains(&self.id_count_max);
        in_range.then_some(()).ok_or(MedianError::LimitOutOfRange)
    }
}

/// An id that was released, with the key that it had then.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Released<I = TxId> {
    /// Its key: the lower median of its stamps.
    pub key: UnixNs,
    /// The id.
    pub id: I,
}

/// A waiting id at a cut.
#[derive(Clone, Copy, Debug, Default)]
struct Waiting<I> {
    key: u64,
    floor: u64,
    id: I,
    at: u32,
}

/// The policy over transaction ids.
pub type MedianOrder = MedianOrderOf<TxId>;

/// The policy: follows the entries of decided cuts and says which ids are released at each.
///
/// Memory: [`MedianOrderOf::footprint_bytes`].
#[derive(Debug)]
pub struct MedianOrderOf<I> {
    log_count: u32,
    table: Table<I>,
    /// Waiting ids by (key, id), and by (floor, id).
    by_key: Box<[Waiting<I>]>,
    by_floor: Box<[Waiting<I>]>,
    /// One row, to sort.
    row: Box<[u64]>,
    /// What the newest cut released.
    released: Box<[Released<I>]>,
}

impl<I: MedianId> MedianOrderOf<I> {
    /// Makes one that follows nothing. `index_key` comes from the host at random; it changes speed
    /// only.
    ///
    /// # Errors
    /// [`MedianError::LimitOutOfRange`].
    pub fn new(limits: &MedianLimits, index_key: [u64; 2]) -> Result<Self, MedianError> {
        limits.check()?;
        let ids = limits.id_count_max as usize;
        Ok(Self {
            log_count: limits.log_count,
            table: Table::new(limits.log_count, limits.id_count_max, index_key),
            by_key: fixed_slice(ids, Waiting::default()),
            by_floor: fixed_slice(ids, Waiting::default()),
            row: fixed_slice(limits.log_count as usize, 0),
            released: fixed_slice(ids, Released::default()),
        })
    }

    /// The bytes that [`MedianOrderOf::new`] takes.
    #[must_use]
    pub const fn footprint_bytes(limits: &MedianLimits) -> u64 {
        let ids = limits.id_count_max as usize;
        Table::<I>::footprint_bytes(limits.log_count, limits.id_count_max)
            + 2 * fixed_slice_bytes::<Waiting<I>>(ids)
            + fixed_slice_bytes::<u64>(limits.log_count as usize)
            + fixed_slice_bytes::<Released<I>>(ids)
    }

    /// A log's next entry is a stamp. One below the log's last is taken as that.
    ///
    /// # Errors
    /// [`MedianError::UnknownLog`].
    pub fn stamp(&mut self, log: u32, time: UnixNs) -> Result<(), MedianError> {
        let is_known = self.table.stamp(log, time);
        is_known.then_some(()).ok_or(MedianError::UnknownLog)
    }

    /// Before the entries of a cut: no stamp counts as less than `time` from now on, which is the
    /// agreed time of the slot A slots before (see the module's rule 2).
    pub fn raise(&mut self, time: UnixNs) {
        self.table.raise(time);
    }

    /// A log's next entry is an id. It is ignored where the log held it before, or it was released.
    ///
    /// # Errors
    /// [`MedianError::UnknownLog`]; [`MedianError::OrderTableFull`] where as many ids are followed
    /// as can be, which the budgets of members exclude.
    pub fn append(&mut self, log: u32, id: &I) -> Result<(), MedianError> {
        let last = self.table.last().get(log as usize);
        let last = *last.ok_or(MedianError::UnknownLog)?;
        let at = self.table.find_or_insert(id);
        let at = at.ok_or(MedianError::OrderTableFull)?;
        let place = &mut self.table.row_mut(at)[log as usize];
        if *place == ABSENT {
            *place = last;
        }
        Ok(())
    }

    /// The entry of an id in a log no longer counts. An id without entries is forgotten.
    ///
    /// Released ids keep theirs, because nothing about them is decided any more.
    pub fn lapse(&mut self, log: u32, id: &I) {
        let Some(at) = self.table.find(id) else {
            return;
        };
        if self.table.ids.get(at).is_some_and(|held| held.is_released) {
            return;
        }
        if let Some(place) = self.table.row_mut(at).get_mut(log as usize) {
            *place = ABSENT;
        }
        if self.table.row(at).iter().all(|stamp| *stamp == ABSENT) {
            self.table.remove(at);
        }
    }

    /// Forgets an id: one that is gone, or one that was released and whose further entries the
    /// caller keeps away from now on.
    pub fn forget(&mut self, id: &I) {
        if let Some(at) = self.table.find(id) {
            self.table.remove(at);
        }
    }

    /// How many ids it follows, released ones that are not forgotten included.
    #[must_use]
    pub const fn followed_count(&self) -> usize {
        self.table.ids.len()
    }

    /// The key that an id has now, for a look at it; nothing where it is unknown or has none yet.
    #[must_use]
    pub fn key(&mut self, id: &I) -> Option<UnixNs> {
        let at = self.table.find(id)?;
        let key = self.kth_smallest(at, false);
        (key != ABSENT).then_some(UnixNs::new(key))
    }

    /// What no id that nobody has seen can get below: the lower median of the logs' last stamps.
    #[must_use]
    pub fn horizon(&mut self) -> UnixNs {
        let row = &mut self.row[..self.log_count as usize];
        row.copy_from_slice(self.table.last());
        row.sort_unstable();
        UnixNs::new(row[rank(self.log_count) - 1])
    }

    /// All entries of a cut are in: the ids that it releases, in their order.
    pub fn release(&mut self) -> &[Released<I>] {
        let waiting = self.sort_waiting();
        let horizon = self.horizon().get();
        let (mut first, mut count) = (0, 0);
        for place in 0..waiting {
            let best = self.by_key[place];
            // The first other one by floor; those before `first` were released.
            while first < waiting && self.is_released(self.by_floor[first].at) {
                first += 1;
            }
            let others = &self.by_floor[first.min(waiting)..waiting];
            let mut others = others
                .iter()
                .filter(|other| other.at != best.at && !self.is_released(other.at));
            let is_first = others
                .next()
                .is_none_or(|other| (best.key, best.id) < (other.floor, other.id));
            if !is_first || best.key >= horizon {
                break;
            }
            if let Some(held) = self.table.ids.get_mut(best.at) {
                held.is_released = true;
            }
            self.released[count] = Released {
                key: UnixNs::new(best.key),
                id: best.id,
            };
            count += 1;
        }
        &self.released[..count]
    }

    /// The last stamp of a log, raised ones included.
    pub(in crate::ordering) fn last(&self, log: usize) -> UnixNs {
        UnixNs::new(self.table.last()[log])
    }

    /// The stamp of an id in a log; the largest there is where the log does not hold it.
    pub(in crate::ordering) fn stamp_of(&self, log: usize, id: &I) -> UnixNs {
        let at = self.table.find(id);
        UnixNs::new(at.map_or(ABSENT, |at| self.table.row(at)[log]))
    }

    /// Sets the stamp of an id in a log; false where there is no room.
    pub(in crate::ordering) fn restore(&mut self, log: usize, id: &I, stamp: UnixNs) -> bool {
        let at = self.table.find_or_insert(id);
        at.map(|at| self.table.row_mut(at)[log] = stamp.get())
            .is_some()
    }

    /// Follows nothing any more, and orders by `log_count` logs without a stamp from now on, at
    /// most as many as it was made for.
    pub(in crate::ordering) fn begin(&mut self, log_count: u32) {
        self.table.begin(log_count);
        self.log_count = log_count;
    }

    fn is_released(&self, at: u32) -> bool {
        self.table.ids.get(at).is_some_and(|held| held.is_released)
    }

    /// Fills both sorted lists with all that wait; how many they are.
    fn sort_waiting(&mut self) -> usize {
        let mut count = 0;
        for at in 0..self.by_key.len() as u32 {
            let Some(held) = self.table.ids.get(at).copied() else {
                continue;
            };
            if held.is_released {
                continue;
            }
            let waiting = Waiting {
                key: self.kth_smallest(at, false),
                floor: self.kth_smallest(at, true),
                id: held.id,
                at,
            };
            self.by_key[count] = waiting;
            self.by_floor[count] = waiting;
            count += 1;
        }
        self.by_key[..count].sort_unstable_by_key(|waiting| (waiting.key, waiting.id));
        self.by_floor[..count].sort_unstable_by_key(|waiting| (waiting.floor, waiting.id));
        count
    }

    /// The key of a row, or its floor.
    fn kth_smallest(&mut self, at: u32, is_floor: bool) -> u64 {
        let stamps = self.table.row(at).iter().zip(self.table.last());
        let row = &mut self.row[..self.log_count as usize];
        for (place, (stamp, last)) in row.iter_mut().zip(stamps) {
            *place = match *stamp {
                ABSENT if is_floor => *last,
                stamp => stamp,
            };
        }
        row.sort_unstable();
        row[rank(self.log_count) - 1]
    }
}

impl MedianOrder {
    /// Takes the next entry that a cut covers: a stamp or an id; others mean nothing here. Void
    /// entries are the caller's to leave out.
    ///
    /// # Errors
    /// Those of [`MedianOrderOf::stamp`] and [`MedianOrderOf::append`].
    pub fn handle_entry(&mut self, entry: &CutEntry<'_>) -> Result<(), MedianError> {
        let log = u32::from(entry.member);
        match entry.entry {
            Entry::Stamp(time) => self.stamp(log, *time),
            Entry::Id { id, .. } => self.append(log, id),
            Entry::Closed | Entry::Inbox { .. } => Ok(()),
        }
    }
}

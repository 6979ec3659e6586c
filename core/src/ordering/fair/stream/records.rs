//! The ids that somebody is charged with, and in which order each log holds them.

use alloc::boxed::Box;

use super::decided::Sizes;
use super::entry::{Facts, LoggedId};
use super::epoch::NextEpoch;
use super::outcome::Charge;
use crate::bounded::{HandleIndex, KeyedHash, NONE, fixed_slice, fixed_slice_bytes};
use crate::types::Height;

/// A set of members.
pub(super) type Members = u128;

/// The set of one member.
pub(super) const fn only(member: usize) -> Members {
    1 << member
}

/// The numbers of a set, rising.
pub(super) fn members_of(set: Members) -> impl Iterator<Item = usize> {
    let next = |rest: &Members| Some(rest & rest.wrapping_sub(1)).filter(|rest| *rest != 0);
    core::iter::successors(Some(set).filter(|set| *set != 0), next)
        .map(|rest| rest.trailing_zeros() as usize)
}

/// Where an id stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In no graph: its entries lapse.
    Outside,
    /// In the graph of this slot of its rollup's line, with this vertex number.
    Graph { slot: u32, vertex: u32 },
    /// Released by median timestamps, while a nonce before its own is missing: its entries lapse.
    Held,
    /// In its rollup's queue.
    Queued,
}

/// Slots after which an id was live: from `since` on, up to before `until`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Period {
    pub(super) since: Height,
    pub(super) until: Height,
}

/// No slot at all.
pub(super) const NEVER: Period = Period {
    since: Height::MAX,
    until: Height::ZERO,
};

/// How many periods are remembered. A period is longer than A slots unless it lasts, so that bases
/// at most A slots back lie in these.
pub(super) const PERIOD_COUNT: usize = 3;

/// An id that somebody is charged with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record {
    pub(super) id: LoggedId,
    /// The number of its rollup; `NONE` where the record is free.
    pub(super) rollup: u32,
    pub(super) place: Place,
    /// Known from the slot on in which T logs held it.
    pub(super) facts: Option<Facts>,
    /// The logs in which an entry of it counts. Invariant: none means that it is not live, unless
    /// an epoch carried it over.
    pub(super) heads: Members,
    /// Who is charged with it; those that have left have one place together. Invariant: never
    /// empty.
    pub(super) charged: Members,
    /// The age at which an epoch carried it over, until that is A slots back.
    pub(super) carried: Option<u64>,
    /// Newest first.
    pub(super) periods: [Period; PERIOD_COUNT],
    /// The age at which its last entry lapsed; of use only while it is not live.
    pub(super) lapsed_age: u64,
    /// The slot whose cut first showed it.
    pub(super) first_shown: Height,
}

const FREE: Record = Record {
    id: LoggedId {
        rollup: crate::types::RollupId::ZERO,
        id: crate::types::TxId::ZERO,
        body_bytes: 0,
    },
    rollup: NONE,
    place: Place::Outside,
    facts: None,
    heads: 0,
    charged: 0,
    carried: None,
    periods: [NEVER; PERIOD_COUNT],
    lapsed_age: 0,
    first_shown: Height::ZERO,
};

impl Record {
    pub(super) const fn is_live(&self) -> bool {
        self.heads != 0 || self.carried.is_some()
    }

    pub(super) const fn is_outside(&self) -> bool {
        matches!(self.place, Place::Outside | Place::Held)
    }

    pub(super) const fn head_count(&self) -> u32 {
        self.heads.count_ones()
    }

    /// Whether it was live after slot `base`.
    pub(super) fn was_live_at(&self, base: Height) -> bool {
        let mut periods = self.periods.iter();
        periods.any(|period| period.since <= base && base < period.until)
    }
}

/// All records, their index, charges, and the order of each log's counted entries.
#[derive(Debug)]
pub(super) struct Records {
    /// The logs of this epoch, and the most of any.
    logs: usize,
    logs_max: usize,
    rollups: usize,
    /// The place of members that have left among those who are charged, if they have one.
    leavers: Option<usize>,
    slots: Box<[Record]>,
    free: Box<[u32]>,
    free_count: usize,
    index: HandleIndex,
    hash: KeyedHash,
    live_count: u32,
    /// Member after member, rollup after rollup; the row behind the last member's is the leavers'.
    charges: Box<[Charge]>,
    /// Log after log, the age of the cut that covered the entry of each record.
    covered: Box<[u64]>,
    /// Log after log, the neighbours of each record's entry among those of its rollup.
    links: Box<[Link]>,
    /// Log after log, rollup after rollup.
    ends: Box<[Link]>,
}

/// Two ends: of a list its first and last entry, of an entry its neighbours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Link {
    before: u32,
    after: u32,
}

const LOOSE: Link = Link {
    before: NONE,
    after: NONE,
};

impl Records {
    pub(super) fn new(sizes: Sizes, key: [u64; 2]) -> Self {
        let Sizes { logs, rollups, .. } = sizes;
        let (slots, capacity) = (sizes.live, sizes.live as u32);
        let mut records = Self {
            logs,
            logs_max: logs,
            rollups,
            leavers: sizes.has_leavers.then_some(logs),
            slots: fixed_slice(slots, FREE),
            free: fixed_slice(slots, 0),
            free_count: 0,
            index: HandleIndex::new(capacity),
            hash: KeyedHash::new(key),
            live_count: 0,
            charges: fixed_slice(sizes.charges, Charge::default()),
            covered: fixed_slice(logs * slots, 0),
            links: fixed_slice(logs * slots, LOOSE),
            ends: fixed_slice(logs * rollups, LOOSE),
        };
        records.clear();
        records
    }

    pub(super) const fn footprint_bytes(sizes: Sizes) -> u64 {
        let (logs, rollups) = (sizes.logs, sizes.rollups);
        let (slots, capacity) = (sizes.live, sizes.live as u32);
        fixed_slice_bytes::<Record>(slots)
            + fixed_slice_bytes::<u32>(slots)
            + HandleIndex::footprint_bytes(capacity)
            + fixed_slice_bytes::<Charge>(sizes.charges)
            + fixed_slice_bytes::<u64>(logs * slots)
            + fixed_slice_bytes::<Link>(logs * slots)
            + fixed_slice_bytes::<Link>(logs * rollups)
    }

    /// Frees every record.
    pub(super) fn clear(&mut self) {
        self.slots.fill(FREE);
        self.index.clear();
        self.charges.fill(Charge::default());
        self.links.fill(LOOSE);
        self.ends.fill(LOOSE);
        self.live_count = 0;
        self.free_count = self.slots.len();
        for (number, free) in (0..).zip(self.free.iter_mut().rev()) {
            *free = number;
        }
    }

    pub(super) fn get(&self, number: u32) -> &Record {
        &self.slots[number as usize]
    }

    pub(super) fn get_mut(&mut self, number: u32) -> &mut Record {
        &mut self.slots[number as usize]
    }

    /// The records in use, in no order that means anything.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &Record)> {
        let numbered = (0..).zip(self.slots.iter());
        numbered.filter(|(_, record)| record.rollup != NONE)
    }

    pub(super) const fn capacity(&self) -> u32 {
        self.slots.len() as u32
    }

    pub(super) const fn live_count(&self) -> u32 {
        self.live_count
    }

    pub(super) fn charges(&self) -> &[Charge] {
        &self.charges
    }

    pub(super) fn find(&self, id: &LoggedId) -> Option<u32> {
        let is_it = |number: u32| self.slots[number as usize].id == *id;
        self.index.find(hash_of(&self.hash, id), is_it)
    }

    /// A new record of an id that has none; nothing where there is no room.
    pub(super) fn add(&mut self, id: LoggedId, rollup: usize, shown: Height) -> Option<u32> {
        self.free_count = self.free_count.checked_sub(1)?;
        let number = self.free[self.free_count];
        self.slots[number as usize] = Record {
            id,
            rollup: rollup as u32,
            first_shown: shown,
            ..FREE
        };
        let added = self.index.insert(hash_of(&self.hash, &id), number);
        debug_assert!(added, "the index has room for every record");
        Some(number)
    }

    /// Ends a record: its entries, charges, and the record itself.
    pub(super) fn remove(&mut self, number: u32) {
        let record = *self.get(number);
        for log in members_of(record.heads) {
            self.unlink(log, number);
        }
        if record.is_live() {
            self.live_count -= 1;
        }
        for member in members_of(record.charged) {
            let charge = &mut self.charges[member * self.rollups + record.rollup as usize];
            charge.count -= 1;
            charge.bytes -= u64::from(record.id.body_bytes);
        }
        let removed = self.index.remove(hash_of(&self.hash, &record.id), number);
        debug_assert!(removed, "every record is in the index");
        self.slots[number as usize] = FREE;
        self.free[self.free_count] = number;
        self.free_count += 1;
    }

    /// Charges a member with an id, once.
    pub(super) fn charge(&mut self, number: u32, member: usize) {
        let record = &mut self.slots[number as usize];
        if record.charged & only(member) == 0 {
            record.charged |= only(member);
            let charge = &mut self.charges[member * self.rollups + record.rollup as usize];
            charge.count += 1;
            charge.bytes += u64::from(record.id.body_bytes);
        }
    }

    /// Lets an entry at the end of a log count, which holds none of the id; from slot `height` on
    /// the id is live.
    pub(super) fn enter(&mut self, number: u32, log: usize, age: u64, height: Height) {
        let record = &mut self.slots[number as usize];
        if !record.is_live() {
            record.periods.rotate_right(1);
            record.periods[0] = Period {
                since: height,
                until: Height::MAX,
            };
            self.live_count += 1;
        }
        record.heads |= only(log);
        let rollup = record.rollup as usize;
        self.link(number, log, rollup, age);
    }

    /// Puts an entry at the end of a log's list; the record has the head already.
    pub(super) fn link(&mut self, number: u32, log: usize, rollup: usize, age: u64) {
        let base = log * self.slots.len();
        self.covered[base + number as usize] = age;
        let ends = &mut self.ends[log * self.rollups + rollup];
        self.links[base + number as usize] = Link {
            before: ends.after,
            after: NONE,
        };
        match ends.after {
            NONE => ends.before = number,
            last => self.links[base + last as usize].after = number,
        }
        ends.after = number;
    }

    /// Lets an entry lapse; true if it was the last one of its id, which is then not live.
    pub(super) fn leave(&mut self, number: u32, log: usize, age: u64, height: Height) -> bool {
        self.unlink(log, number);
        self.slots[number as usize].heads &= !only(log);
        self.end_life(number, age, height)
    }

    /// It counts no more that an epoch carried an id over; true if that was all that kept it live.
    pub(super) fn end_carrying(&mut self, number: u32, age: u64, height: Height) -> bool {
        self.slots[number as usize].carried = None;
        self.end_life(number, age, height)
    }

    /// An id is not live from slot `height` on, if nothing keeps it so any more.
    fn end_life(&mut self, number: u32, age: u64, height: Height) -> bool {
        let record = &mut self.slots[number as usize];
        if record.is_live() {
            return false;
        }
        record.periods[0].until = height;
        record.lapsed_age = age;
        self.live_count -= 1;
        true
    }

    /// Empties all logs, carries over what is live, and hands the charges on to the next epoch's
    /// members. Forgets what stands outside the queues instead where `is_forgotten`.
    pub(super) fn begin_epoch(&mut self, next: &NextEpoch<'_>, age: u64, is_forgotten: bool) {
        if is_forgotten {
            for number in 0..self.capacity() {
                let record = self.get(number);
                if record.rollup != NONE && record.place == Place::Outside {
                    self.remove(number);
                }
            }
        }
        self.links.fill(LOOSE);
        self.ends.fill(LOOSE);
        self.charges.fill(Charge::default());
        self.logs = next.parameters.n() as usize;
        for number in 0..self.capacity() {
            let record = &mut self.slots[number as usize];
            if record.rollup == NONE {
                continue;
            }
            if record.is_live() {
                record.carried = Some(age);
            }
            record.heads = 0;
            let charged = core::mem::take(&mut record.charged);
            for member in members_of(charged) {
                let seat = next.seats.get(member).copied().flatten();
                let to = seat.map(|seat| seat as usize).or(self.leavers);
                debug_assert!(
                    to.is_some(),
                    "there is room for what leavers are charged with"
                );
                if let Some(to) = to {
                    self.charge(number, to);
                }
            }
        }
    }

    /// Has this many logs from now on, at most as many as there is room for; all are empty.
    pub(super) const fn set_logs(&mut self, logs: usize) {
        self.logs = logs;
    }

    /// Counts a record as live that was made so from outside.
    pub(super) fn count_live(&mut self) {
        self.live_count += 1;
    }

    /// The age of the cut that covered an entry.
    pub(super) fn covered_age(&self, number: u32, log: usize) -> u64 {
        self.covered[log * self.slots.len() + number as usize]
    }

    /// The counted entries of a log that are of one rollup, in their order.
    pub(super) fn log(&self, log: usize, rollup: usize) -> impl Iterator<Item = u32> {
        let links = &self.links[log * self.slots.len()..][..self.slots.len()];
        let first = self.ends[log * self.rollups + rollup].before;
        let some = |number: u32| (number != NONE).then_some(number);
        core::iter::successors(some(first), move |number| {
            some(links[*number as usize].after)
        })
    }

    /// How many logs this epoch has.
    pub(super) const fn logs(&self) -> usize {
        self.logs
    }

    /// How many logs the largest committee has.
    pub(super) const fn logs_max(&self) -> usize {
        self.logs_max
    }

    /// The place of members that have left among those who are charged, if they have one.
    pub(super) const fn leavers(&self) -> Option<usize> {
        self.leavers
    }

    fn unlink(&mut self, log: usize, number: u32) {
        let base = log * self.slots.len();
        let rollup = self.slots[number as usize].rollup as usize;
        let Link { before, after } = self.links[base + number as usize];
        let ends = &mut self.ends[log * self.rollups + rollup];
        match before {
            NONE => ends.before = after,
            before => self.links[base + before as usize].after = after,
        }
        match after {
            NONE => ends.after = before,
            after => self.links[base + after as usize].before = before,
        }
        self.links[base + number as usize] = LOOSE;
    }
}

/// The hash of an id under a table's key.
pub(super) fn hash_of(hash: &KeyedHash, id: &LoggedId) -> u64 {
    let (words, _) = id.id.as_bytes().as_chunks::<8>();
    let word = |at: usize| u64::from_le_bytes(words[at]);
    let rest = u64::from(id.rollup.get()) << 32 | u64::from(id.body_bytes);
    hash.words([word(0), word(1), word(2), word(3), rest])
}

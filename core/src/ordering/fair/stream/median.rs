//! The order by median timestamps, in place of graphs.
//!
//! Entries outside the queue are followed by a [`MedianOrderOf`] a rollup. What it releases joins
//! the queue in the slot that released it: behind what was held before, as
//! [rule 12](super) lays a sender's nonces into their places. An id is *held* while a nonce between
//! its sender's cursor and its own is neither released nor queued; others pass it, and its entries
//! lapse as those of any id outside the queue.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::decided::{FairStream, Fixed, vertex_count_max};
use super::entry::LoggedId;
use super::error::StreamConfigError;
use super::forming::OfSender;
use super::limits::{FairLimits, RollupPart};
use super::records::{Place, hash_of, only};
use crate::bounded::{KeyedHash, NONE, fixed_slice, fixed_slice_bytes};
use crate::ordering::fair::Parameters;
use crate::ordering::median::{MedianId, MedianLimits, MedianOrderOf};
use crate::types::UnixNs;

impl MedianId for LoggedId {
    fn hash_under(&self, hash: &KeyedHash) -> u64 {
        hash_of(hash, self)
    }
}

/// What a stream keeps instead of graphs.
#[derive(Debug)]
pub(super) struct MedianState {
    /// Of each rollup the ids whose turn is not decided. Invariant: they are live and outside.
    pub(super) orders: Box<[MedianOrderOf<LoggedId>]>,
    /// Of each rollup the records that are held, in the order in which they were released.
    pub(super) held: Box<[Fixed<u32>]>,
    /// The agreed time of the slot that reached each age, at the age modulo the length, A + 1.
    pub(super) times: Box<[UnixNs]>,
}

/// Marks an id that waits: it is no candidate, and not in flight.
const WAITING: u32 = NONE - 1;

const fn limits_of(parameters: Parameters, limits: &FairLimits, part: &RollupPart) -> MedianLimits {
    MedianLimits {
        log_count: limits.log_count_max(parameters),
        id_count_max: vertex_count_max(parameters, limits, part),
    }
}

impl MedianState {
    pub(super) fn new(
        parameters: Parameters,
        limits: &FairLimits,
        rollups: &[RollupPart],
        key: [u64; 2],
    ) -> Result<Self, StreamConfigError> {
        let mut orders = Vec::with_capacity(rollups.len());
        let mut held = Vec::with_capacity(rollups.len());
        for part in rollups {
            let order = MedianOrderOf::new(&limits_of(parameters, limits, part), key);
            let mut order = order.map_err(|_| StreamConfigError::LimitOutOfRange)?;
            order.begin(parameters.n());
            orders.push(order);
            let held_count_max = vertex_count_max(parameters, limits, part);
            held.push(Fixed::new(held_count_max as usize, 0));
        }
        Ok(Self {
            orders: orders.into_boxed_slice(),
            held: held.into_boxed_slice(),
            times: fixed_slice(limits.log_age_slots_max as usize + 1, UnixNs::ZERO),
        })
    }

    pub(super) fn footprint_bytes(
        parameters: Parameters,
        limits: &FairLimits,
        rollups: &[RollupPart],
    ) -> u64 {
        let own = |part: &RollupPart| {
            let held = vertex_count_max(parameters, limits, part) as usize;
            MedianOrderOf::<LoggedId>::footprint_bytes(&limits_of(parameters, limits, part))
                + Fixed::<u32>::footprint_bytes(held)
        };
        fixed_slice_bytes::<MedianOrderOf<LoggedId>>(rollups.len())
            + fixed_slice_bytes::<Fixed<u32>>(rollups.len())
            + rollups.iter().map(own).sum::<u64>()
            + fixed_slice_bytes::<UnixNs>(limits.log_age_slots_max as usize + 1)
    }

    /// Follows nothing any more, in so many logs.
    pub(super) fn begin(&mut self, logs: u32) {
        self.orders.iter_mut().for_each(|order| order.begin(logs));
        self.held.iter_mut().for_each(Fixed::clear);
        self.times.fill(UnixNs::ZERO);
    }

    pub(super) fn stamp(&mut self, log: usize, stamp: UnixNs) {
        for order in &mut self.orders {
            let known = order.stamp(log as u32, stamp);
            debug_assert!(known.is_ok(), "logs were checked");
        }
    }

    pub(super) fn append(&mut self, rollup: usize, log: usize, id: &LoggedId) {
        let appended = self.orders[rollup].append(log as u32, id);
        debug_assert!(appended.is_ok(), "no more ids of a rollup are live");
    }

    /// The agreed time of the slot that reached an age, one of the last A + 1.
    pub(super) fn time_at(&self, age: u64) -> UnixNs {
        self.times[(age % self.times.len() as u64) as usize]
    }

    pub(super) fn set_time(&mut self, age: u64, time: UnixNs) {
        let at = age % self.times.len() as u64;
        self.times[at as usize] = time;
    }
}

/// Keeps what a question holds for, in its order.
fn retain(list: &mut Fixed<u32>, keep: impl Fn(&u32) -> bool) {
    let all = list.all_mut();
    let mut kept = 0;
    for at in 0..all.len() {
        if keep(&all[at]) {
            all[kept] = all[at];
            kept += 1;
        }
    }
    list.truncate(kept);
}

impl FairStream {
    /// Before the entries of a cut: no clock counts as less than the agreed time A slots ago.
    pub(super) fn raise_clocks(&mut self, counts: bool) {
        let span = u64::from(self.limits.log_age_slots_max);
        let age = (self.age.now() + u64::from(counts)).checked_sub(span);
        if let (Some(median), Some(age)) = (&mut self.median, age) {
            let time = median.time_at(age);
            median.orders.iter_mut().for_each(|order| order.raise(time));
        }
    }

    /// Once a slot that counts for age has its time: for the slots to come.
    pub(super) fn note_time(&mut self) {
        if let Some(median) = &mut self.median {
            median.set_time(self.age.now(), self.time);
        }
    }

    /// An entry of an id outside the queue lapsed.
    pub(super) fn lapse_by_median(&mut self, number: u32, log: usize) {
        if let Some(median) = &mut self.median {
            let record = self.records.get(number);
            median.orders[record.rollup as usize].lapse(log as u32, &record.id);
        }
    }

    /// An id is not live any more, and so is not held either.
    pub(super) fn end_holding(&mut self, number: u32) {
        let record = self.records.get_mut(number);
        if let Some(median) = &mut self.median
            && record.place == Place::Held
        {
            record.place = Place::Outside;
            retain(&mut median.held[record.rollup as usize], |held| {
                *held != number
            });
        }
    }

    /// Releases what a cut decides under median timestamps, behind what was held before.
    /// O(m·n log n + m log m) for m waiting ids of the rollup, and O(live ids).
    pub(super) fn release_by_median(&mut self, number: usize) {
        let Some(median) = &mut self.median else {
            return;
        };
        let list = &mut self.form_scratch.records;
        let mut count = 0;
        for record in median.held[number].all() {
            list[count] = *record;
            count += 1;
        }
        for one in median.orders[number].release() {
            if let Some(record) = self.records.find(&one.id) {
                list[count] = record;
                count += 1;
            }
        }
        median.held[number].clear();
        for record in &list[..count] {
            let record = self.records.get_mut(*record);
            if record.place == Place::Outside {
                median.orders[number].forget(&record.id);
                record.place = Place::Held;
            }
        }
        let ready = self.hold_for_nonces(number, count);
        self.fill_nonce_places(number, ready);
        for record in &self.form_scratch.records[..ready] {
            self.records.get_mut(*record).place = Place::Queued;
            let pushed = self.rollups[number].queue.push(*record);
            debug_assert!(pushed.is_ok(), "the queue has room for every live id");
        }
    }

    /// Takes those before whom a nonce is missing out of the list, and holds them; returns how many
    /// are left in it.
    fn hold_for_nonces(&mut self, number: usize, count: usize) -> usize {
        let senders = self.gather_released(number, count);
        let held_count = self.find_released_gaps(number, senders);
        let Some(median) = &mut self.median else {
            return count;
        };
        let scratch = &mut self.form_scratch;
        let held = &mut scratch.held[..held_count];
        held.sort_unstable();
        let (mut ready, mut next) = (0, 0);
        for place in 0..count {
            let record = scratch.records[place];
            if held.get(next) == Some(&(place as u32)) {
                median.held[number].push(record);
                next += 1;
            } else {
                scratch.records[ready] = record;
                ready += 1;
            }
        }
        ready
    }

    /// Sorts by sender and nonce what was released, by its place in the list, what is queued, and
    /// what waits with a body that is known; returns how many.
    fn gather_released(&mut self, number: usize, count: usize) -> usize {
        let scratch = &mut self.form_scratch;
        let listed = (0..).zip(&scratch.records[..count]);
        let listed = listed.map(|(place, record)| (place, self.records.get(*record)));
        let others = self.records.iter().filter_map(|(_, record)| {
            let is_own = record.rollup as usize == number && record.is_live();
            match record.place {
                Place::Queued if is_own => Some((NONE, record)),
                Place::Outside if is_own => Some((WAITING, record)),
                _ => None,
            }
        });
        let mut gathered = 0;
        for (place, record) in listed.chain(others) {
            if let Some(facts) = record.facts {
                scratch.senders[gathered] = OfSender {
                    sender: facts.sender,
                    nonce: facts.nonce,
                    number: place,
                };
                gathered += 1;
            }
        }
        scratch.senders[..gathered].sort_unstable();
        gathered
    }

    /// Finds, sender by sender, which of the list have a missing nonce before them; returns how
    /// many. Without a cursor the smallest nonce that is queued is the base; without one of those
    /// the smallest that anything of the sender has, so that what is released early waits for it.
    fn find_released_gaps(&mut self, number: usize, count: usize) -> usize {
        let scratch = &mut self.form_scratch;
        let mut held_count = 0;
        for ids in scratch.senders[..count].chunk_by(|a, b| a.sender == b.sender) {
            let cursor = self.cursors.next(number, &ids[0].sender);
            let queued = ids.iter().find(|id| id.number == NONE);
            let mut next = cursor.or(queued.or(ids.first()).map(|id| id.nonce));
            for id in ids {
                let is_listed = id.number < WAITING;
                match next {
                    Some(expected) if id.nonce > expected && is_listed => {
                        scratch.held[held_count] = id.number;
                        held_count += 1;
                    }
                    Some(expected) if id.nonce == expected && id.number != WAITING => {
                        next = expected.checked_add(1);
                    }
                    // A used nonce, one that waits, or no nonce can follow.
                    _ => {}
                }
            }
        }
        held_count
    }

    /// The stamp that a log gives an id that waits; nothing where it does not hold it.
    pub(super) fn waiting_stamp(&self, log: usize, id: &LoggedId) -> Option<UnixNs> {
        let record = self.records.get(self.records.find(id)?);
        let median = self.median.as_ref()?;
        let counts = record.place == Place::Outside && record.heads & only(log) != 0;
        counts.then(|| median.orders[record.rollup as usize].stamp_of(log, id))
    }

    /// The ids of a rollup that are held for a nonce of their sender, in the order in which they
    /// were released; none where graphs make the order.
    pub fn held(&self, rollup: crate::types::RollupId) -> impl Iterator<Item = LoggedId> + '_ {
        let number = self.rollup_number(rollup);
        let own = self.median.as_ref().zip(number);
        let held = own.map(|(median, number)| median.held[number].all());
        let held = held.unwrap_or_default().iter();
        held.map(|record| self.records.get(*record).id)
    }
}

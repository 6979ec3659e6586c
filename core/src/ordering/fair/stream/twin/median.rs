//! Median timestamps by counting: nothing is kept from slot to slot but what is held.

use super::{FairLimits, LoggedId, Nonce, Parameters, RollupPart, Standing, StreamTwin, UnixNs};
use crate::bounded::{fixed_slice, fixed_slice_bytes};
use crate::ordering::fair::stream::decided::{Fixed, vertex_count_max};
use alloc::boxed::Box;
use alloc::vec::Vec;

/// The stamp of a log that does not hold an id.
const INFINITE: UnixNs = UnixNs::NEVER;

/// An id whose turn is not decided, by its place: places stand in the order of ids.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Candidate {
    key: UnixNs,
    at: u32,
    floor: UnixNs,
    /// The least (floor, place) of those with a greater (key, place).
    least_behind: Option<(UnixNs, u32)>,
}

/// What the twin keeps for median timestamps.
#[derive(Debug)]
pub(super) struct Medians {
    /// The last stamp of each log, raised to the agreed time of A slots ago.
    pub(super) clocks: Box<[UnixNs]>,
    /// The agreed times of the slots that reached the last ages, oldest first; A + 1 of them.
    pub(super) times: Box<[UnixNs]>,
    /// Of each rollup what was released while a nonce before it is missing.
    pub(super) held: Box<[Fixed<LoggedId>]>,
    candidates: Fixed<Candidate>,
    /// Row after row, the stamps of the ids of a rollup, one of each log.
    rows: Box<[UnixNs]>,
}

/// How many ids of a rollup can wait or be held.
fn width(parameters: Parameters, limits: &FairLimits, part: &RollupPart) -> usize {
    match parameters.orders_by_median() {
        true => vertex_count_max(parameters, limits, part) as usize,
        false => 0,
    }
}

/// How many ids can be live, where this policy orders them.
fn live(parameters: Parameters, limits: &FairLimits) -> usize {
    match parameters.orders_by_median() {
        true => limits.live_ids_max(parameters) as usize,
        false => 0,
    }
}

impl Medians {
    pub(super) fn new(parameters: Parameters, limits: &FairLimits, rollups: &[RollupPart]) -> Self {
        let logs = limits.log_count_max(parameters) as usize;
        let live = live(parameters, limits);
        let mut held = Vec::with_capacity(rollups.len());
        let none = LoggedId::default();
        held.extend(
            rollups
                .iter()
                .map(|part| Fixed::new(width(parameters, limits, part), none)),
        );
        Self {
            clocks: fixed_slice(logs, UnixNs::ZERO),
            times: fixed_slice(limits.log_age_slots_max as usize + 1, UnixNs::ZERO),
            held: held.into_boxed_slice(),
            candidates: Fixed::new(live, Candidate::default()),
            rows: fixed_slice(live * logs, INFINITE),
        }
    }

    pub(super) fn footprint_bytes(
        parameters: Parameters,
        limits: &FairLimits,
        rollups: &[RollupPart],
    ) -> u64 {
        let held = rollups.iter().map(|part| width(parameters, limits, part));
        let logs = limits.log_count_max(parameters) as usize;
        let live = live(parameters, limits);
        fixed_slice_bytes::<UnixNs>(logs)
            + fixed_slice_bytes::<UnixNs>(limits.log_age_slots_max as usize + 1)
            + fixed_slice_bytes::<Fixed<LoggedId>>(rollups.len())
            + held.map(Fixed::<LoggedId>::footprint_bytes).sum::<u64>()
            + Fixed::<Candidate>::footprint_bytes(live)
            + fixed_slice_bytes::<UnixNs>(live * logs)
    }

    /// Before the entries of a slot of that age: the oldest time is that of A slots ago by now.
    pub(super) fn raise(&mut self, is_old: bool) {
        let least = self.times.first().copied().filter(|_| is_old);
        for clock in &mut self.clocks {
            *clock = (*clock).max(least.unwrap_or(UnixNs::ZERO));
        }
    }
}

/// The smallest of some stamps that at least the lower half of them do not exceed.
fn lower_median(stamps: &[UnixNs]) -> UnixNs {
    let not_above = |bound: UnixNs| stamps.iter().filter(|stamp| **stamp <= bound).count();
    let reached = stamps.iter().copied();
    let reached = reached.filter(|stamp| 2 * not_above(*stamp) >= stamps.len());
    reached.min().unwrap_or(INFINITE)
}

impl StreamTwin {
    /// Releases one id after another: the smallest (key, id), while nothing else can come before.
    pub(super) fn release_by_median(&mut self, rollup: usize) {
        self.gather_candidates(rollup);
        let logs = self.parameters.n() as usize;
        let horizon = lower_median(&self.medians.clocks[..logs]);
        self.order.clear();
        for id in self.medians.held[rollup].all() {
            if let Some(at) = self.find(id) {
                self.order.push(at as u32);
            }
        }
        self.medians.held[rollup].clear();
        for one in self.medians.candidates.all() {
            let first = (one.key, one.at);
            let is_first = one.least_behind.is_none_or(|behind| first < behind);
            if !is_first || one.key >= horizon {
                break;
            }
            self.order.push(one.at);
            self.known.all_mut()[one.at as usize].standing = Standing::Held;
        }
        self.hold_gaps(rollup);
        self.place_nonces(rollup);
        self.queue_order(rollup);
    }

    /// Lists what waits by (key, id), with key and floor counted from the logs.
    fn gather_candidates(&mut self, rollup: usize) {
        let (own, logs) = (self.own(rollup), self.parameters.n() as usize);
        let Medians {
            rows,
            clocks,
            candidates,
            ..
        } = &mut self.medians;
        rows[..own.len() * logs].fill(INFINITE);
        for (log, list) in self.logs[..logs].iter().enumerate() {
            for entry in list.all() {
                if own.contains(&(entry.at as usize)) {
                    rows[(entry.at as usize - own.start) * logs + log] = entry.stamp;
                }
            }
        }
        candidates.clear();
        for (row, at) in rows.chunks_mut(logs).zip(own) {
            let known = &self.known.all()[at];
            if !known.is_live() || known.standing != Standing::Outside {
                continue;
            }
            let key = lower_median(row);
            for (stamp, clock) in row.iter_mut().zip(clocks.iter()) {
                if *stamp == INFINITE {
                    *stamp = *clock;
                }
            }
            candidates.push(Candidate {
                key,
                at: at as u32,
                floor: lower_median(row),
                least_behind: None,
            });
        }
        let all = candidates.all_mut();
        all.sort_unstable();
        let mut least_behind = None;
        for one in all.iter_mut().rev() {
            one.least_behind = least_behind;
            let own = (one.floor, one.at);
            least_behind = Some(least_behind.map_or(own, |behind| own.min(behind)));
        }
    }

    /// Moves those before whom a nonce is missing from the order to what is held.
    fn hold_gaps(&mut self, rollup: usize) {
        self.placed.clear();
        for place in 0..self.order.all().len() {
            let at = self.order.all()[place];
            if self.waits_for_nonce(rollup, at) {
                let id = self.at(at).id;
                self.medians.held[rollup].push(id);
            } else {
                self.placed.push(at);
            }
        }
        core::mem::swap(&mut self.order, &mut self.placed);
    }

    fn waits_for_nonce(&self, rollup: usize, at: u32) -> bool {
        let facts = self.at(at).facts;
        let queued = self
            .siblings(at)
            .filter(|known| known.standing == Standing::Queued);
        let live = self.siblings(at).filter(|known| known.is_live());
        let base: Option<Nonce> = self.next_nonce(rollup, &facts.sender);
        let base = base.or_else(|| queued.map(|known| known.facts.nonce).min());
        let base = base.or_else(|| live.map(|known| known.facts.nonce).min());
        self.has_gap(at, base.unwrap_or(facts.nonce), |known| {
            matches!(known.standing, Standing::Queued | Standing::Held)
        })
    }
}

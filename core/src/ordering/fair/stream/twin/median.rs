//! Median timestamps by counting: no order is kept from slot to slot, and nothing is sorted.

use super::{
    Facts, FairLimits, LoggedId, Nonce, Parameters, RollupPart, Standing, StreamTwin, UnixNs,
};
use crate::bounded::{fixed_slice, fixed_slice_bytes};
use crate::ordering::fair::stream::decided::{Fixed, vertex_count_max};
use alloc::boxed::Box;
use alloc::vec::Vec;

/// The stamp of a log that does not hold an id.
const INFINITE: UnixNs = UnixNs::NEVER;

/// An id whose turn is not decided.
#[derive(Clone, Copy, Debug, Default)]
struct Candidate {
    id: LoggedId,
    key: UnixNs,
    floor: UnixNs,
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
    row: Box<[UnixNs]>,
}

/// How many ids of a rollup can wait or be held.
fn width(parameters: Parameters, limits: &FairLimits, part: &RollupPart) -> usize {
    match parameters.orders_by_median() {
        true => vertex_count_max(parameters, limits, part) as usize,
        false => 0,
    }
}

fn most(parameters: Parameters, limits: &FairLimits, rollups: &[RollupPart]) -> usize {
    let widths = rollups.iter().map(|part| width(parameters, limits, part));
    widths.max().unwrap_or(0)
}

impl Medians {
    pub(super) fn new(parameters: Parameters, limits: &FairLimits, rollups: &[RollupPart]) -> Self {
        let logs = limits.log_count_max(parameters) as usize;
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
            candidates: Fixed::new(most(parameters, limits, rollups), Candidate::default()),
            row: fixed_slice(logs, INFINITE),
        }
    }

    pub(super) fn footprint_bytes(
        parameters: Parameters,
        limits: &FairLimits,
        rollups: &[RollupPart],
    ) -> u64 {
        let held = rollups.iter().map(|part| width(parameters, limits, part));
        2 * fixed_slice_bytes::<UnixNs>(limits.log_count_max(parameters) as usize)
            + fixed_slice_bytes::<UnixNs>(limits.log_age_slots_max as usize + 1)
            + fixed_slice_bytes::<Fixed<LoggedId>>(rollups.len())
            + held.map(Fixed::<LoggedId>::footprint_bytes).sum::<u64>()
            + Fixed::<Candidate>::footprint_bytes(most(parameters, limits, rollups))
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
        for at in 0..self.medians.held[rollup].all().len() {
            self.order.push(self.medians.held[rollup].all()[at]);
        }
        self.medians.held[rollup].clear();
        while let Some(first) = self.first_candidate(horizon) {
            self.order.push(first);
            let list = &mut self.medians.candidates;
            super::retain(list, |other| other.id != first);
            self.stand(&first, Standing::Held);
        }
        self.hold_gaps(rollup);
        self.place_nonces(rollup);
        for place in 0..self.order.all().len() {
            let id = self.order.all()[place];
            self.queues[rollup].push(id);
            self.stand(&id, Standing::Queued);
        }
    }

    fn stand(&mut self, id: &LoggedId, standing: Standing) {
        if let Some(at) = self.find(id) {
            self.known.all_mut()[at].standing = standing;
        }
    }

    /// Lists what waits, with key and floor counted from the logs.
    fn gather_candidates(&mut self, rollup: usize) {
        self.medians.candidates.clear();
        for at in 0..self.known.all().len() {
            let known = self.known.all()[at];
            let is_own = known.id.rollup == self.parts[rollup].rollup && known.is_live();
            if !is_own || known.standing != Standing::Outside {
                continue;
            }
            let Medians { row, clocks, .. } = &mut self.medians;
            let row = &mut row[..self.parameters.n() as usize];
            for (stamp, log) in row.iter_mut().zip(&self.logs) {
                let mut entries = log.all().iter();
                let entry = entries.find(|entry| entry.id == known.id);
                *stamp = entry.map_or(INFINITE, |entry| entry.stamp);
            }
            let key = lower_median(row);
            for (stamp, clock) in row.iter_mut().zip(clocks.iter()) {
                if *stamp == INFINITE {
                    *stamp = *clock;
                }
            }
            let floor = lower_median(row);
            let id = known.id;
            self.medians.candidates.push(Candidate { id, key, floor });
        }
    }

    fn first_candidate(&self, horizon: UnixNs) -> Option<LoggedId> {
        let all = self.medians.candidates.all();
        let best = all.iter().min_by_key(|one| (one.key, one.id))?;
        let mut others = all.iter().filter(|other| other.id != best.id);
        let is_first = others.all(|other| (best.key, best.id) < (other.floor, other.id));
        (is_first && best.key < horizon).then_some(best.id)
    }

    /// Moves those before whom a nonce is missing from the order to what is held.
    fn hold_gaps(&mut self, rollup: usize) {
        self.held.clear();
        for place in 0..self.order.all().len() {
            let id = self.order.all()[place];
            if let Some(facts) = self.facts_of(&id)
                && self.has_gap(rollup, &facts)
            {
                self.held.push(id);
                self.medians.held[rollup].push(id);
            }
        }
        let held = &self.held;
        super::retain(&mut self.order, |id| !held.all().contains(id));
    }

    fn has_gap(&self, rollup: usize, facts: &Facts) -> bool {
        let own = self.parts[rollup].rollup;
        let of_sender = || {
            let known = self.known.all().iter();
            known.filter(|known| {
                known.id.rollup == own && known.has_facts && known.facts.sender == facts.sender
            })
        };
        let queued = of_sender().filter(|known| known.standing == Standing::Queued);
        let live = of_sender().filter(|known| known.is_live());
        let base: Option<Nonce> = self.next_nonce(rollup, &facts.sender);
        let base = base.or_else(|| queued.map(|known| known.facts.nonce).min());
        let base = base.or_else(|| live.map(|known| known.facts.nonce).min());
        let mut nonce = base.unwrap_or(facts.nonce);
        let is_there = |nonce: Nonce| {
            let mut others = of_sender().filter(|known| known.facts.nonce == nonce);
            others.any(|known| matches!(known.standing, Standing::Queued | Standing::Held))
        };
        while nonce < facts.nonce && is_there(nonce) {
            nonce = nonce.saturating_add(1);
        }
        nonce < facts.nonce
    }
}

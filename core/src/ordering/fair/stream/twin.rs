//! The verifier's twin: slots recomputed from their cuts by plainer means.
//!
//! It keeps sorted lists in place of tables, links and indexes. Every slot it counts heads and
//! charges anew, builds each graph in line anew from the logs, slot after slot since it was formed,
//! and forms a graph anew each time that ids are held back.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::decided::{FairStream, Fixed, largest, widest};
use super::entry::{Bodies, Cut, EntryKind, Facts, LoggedId, RollupSlot, Room};
use super::epoch::EpochEnd;
use super::error::{Broken, StreamConfigError};
use super::limits::{FairLimits, ReplayProtection, RollupPart};
use super::outcome::{Charge, DrainOutcome, Drained};
use crate::bounded::{fixed_slice, fixed_slice_bytes};
use crate::ordering::fair::{Class, Graph, Parameters, Rank, Workspace};
use crate::types::{Address, Height, Nonce, UnixNs};

mod compare;
mod epoch;
mod graphs;
mod median;
mod slots;

use median::Medians;

/// Where an id stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Outside,
    /// In a graph that was formed in this slot.
    Formed(Height),
    /// Released by median timestamps, while a nonce before its own is missing.
    Held,
    Queued,
}

/// An id that somebody is charged with.
#[derive(Clone, Copy, Debug)]
struct Known {
    id: LoggedId,
    facts: Facts,
    has_facts: bool,
    standing: Standing,
    charged: u128,
    heads: u32,
    /// The age at which the last epoch ended in which it was live, while that keeps it so.
    carried: Option<u64>,
    /// The slots after which it became live and ceased to be, in turn, the last ones kept.
    turns: [Height; TURN_COUNT],
    turn_count: usize,
    lapsed_age: u64,
}

/// Three periods of being live.
const TURN_COUNT: usize = 6;

const UNKNOWN: Known = Known {
    id: LoggedId {
        rollup: crate::types::RollupId::ZERO,
        id: crate::types::TxId::ZERO,
        body_bytes: 0,
    },
    facts: Facts {
        sender: Address::ZERO,
        nonce: Nonce::ZERO,
        gas: crate::types::Gas::ZERO,
        expiry: UnixNs::ZERO,
    },
    has_facts: false,
    standing: Standing::Outside,
    charged: 0,
    heads: 0,
    carried: None,
    turns: [Height::ZERO; TURN_COUNT],
    turn_count: 0,
    lapsed_age: 0,
};

/// An entry that counts.
#[derive(Clone, Copy, Debug, Default)]
struct Counted {
    id: LoggedId,
    age: u64,
    height: Height,
    /// The last stamp before it in its log, as far as it was raised.
    stamp: UnixNs,
}

#[derive(Clone, Copy, Debug)]
struct Ended {
    id: LoggedId,
    height: Height,
    age: u64,
    is_included: bool,
}

/// The next nonce of a sender; sorted by rollup and sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Next {
    rollup: u32,
    sender: Address,
    nonce: Nonce,
    expiry: UnixNs,
    used: u64,
    is_cache: bool,
}

/// Recomputes every slot from the entries alone, and compares.
///
/// It follows decided slots only: after an error it is of no further use. Memory: see
/// [`StreamTwin::footprint_bytes`].
#[derive(Debug)]
pub struct StreamTwin {
    parameters: Parameters,
    limits: FairLimits,
    rank: Rank,
    parts: Box<[RollupPart]>,
    live_ids_max: u32,
    /// The member that stands for all that have left, if they can be charged.
    leavers: Option<usize>,
    closing: Option<Height>,
    closed: u128,
    end: Option<EpochEnd>,
    height: Height,
    time: UnixNs,
    age: u64,
    /// The slots that reached the last ages, oldest first; A + 1 of them.
    reached: Box<[Height]>,
    stamps: Box<[UnixNs]>,
    median: Box<[UnixNs]>,
    known: Fixed<Known>,
    logs: Box<[Fixed<Counted>]>,
    ended: Fixed<Ended>,
    nexts: Fixed<Next>,
    use_count: u64,
    queues: Box<[Fixed<LoggedId>]>,
    medians: Medians,
    graph: Graph,
    workspace: Workspace,
    /// The vertices of the graph that is built.
    vertices: Fixed<LoggedId>,
    order: Fixed<LoggedId>,
    held: Fixed<LoggedId>,
    /// What could have joined a graph in the last slot, and neither did nor was held back.
    waiting: Fixed<LoggedId>,
    drained: Fixed<Drained>,
    lapsed: Fixed<LoggedId>,
}

impl StreamTwin {
    /// Makes a twin of a stream with the same arguments.
    ///
    /// # Errors
    /// As [`FairLimits::check`].
    pub fn new(
        parameters: Parameters,
        limits: &FairLimits,
        rollups: &[RollupPart],
        rank: Rank,
    ) -> Result<Self, StreamConfigError> {
        limits.check(parameters, rollups)?;
        let live = limits.live_ids_max(parameters) as usize;
        let logs = limits.log_count_max(parameters) as usize;
        let widest = widest(parameters, limits, rollups);
        let graph = Graph::new(largest(parameters, limits), widest);
        let mut graph = graph.map_err(|_| StreamConfigError::LimitOutOfRange)?;
        graph.reform(parameters);
        let none = LoggedId::default();
        let mut log_lists = Vec::with_capacity(logs);
        log_lists.extend((0..logs).map(|_| Fixed::new(live, Counted::default())));
        let mut queues = Vec::with_capacity(rollups.len());
        queues.extend(rollups.iter().map(|_| Fixed::new(live, none)));
        let mut parts = Vec::with_capacity(rollups.len());
        parts.extend_from_slice(rollups);
        Ok(Self {
            parameters,
            limits: *limits,
            rank,
            parts: parts.into_boxed_slice(),
            live_ids_max: live as u32,
            leavers: (limits.leaver_count_max > 0).then_some(logs),
            closing: None,
            closed: 0,
            end: None,
            height: Height::ZERO,
            time: UnixNs::ZERO,
            age: 0,
            reached: fixed_slice(limits.log_age_slots_max as usize + 1, Height::ZERO),
            stamps: fixed_slice(logs, UnixNs::ZERO),
            median: fixed_slice(logs, UnixNs::ZERO),
            known: Fixed::new(live, UNKNOWN),
            logs: log_lists.into_boxed_slice(),
            ended: Fixed::new(limits.drained_count_max as usize, NOT_ENDED),
            nexts: Fixed::new(limits.cursor_count_max as usize, NO_NEXT),
            use_count: 0,
            queues: queues.into_boxed_slice(),
            medians: Medians::new(parameters, limits, rollups),
            graph,
            workspace: Workspace::new(largest(parameters, limits), widest, limits.ranked_pairs_max),
            vertices: Fixed::new(live, none),
            order: Fixed::new(live, none),
            held: Fixed::new(live, none),
            waiting: Fixed::new(live, none),
            drained: Fixed::new(live, Drained::none()),
            lapsed: Fixed::new(live, none),
        })
    }

    /// The bytes that [`StreamTwin::new`] takes.
    #[must_use]
    pub fn footprint_bytes(
        parameters: Parameters,
        limits: &FairLimits,
        rollups: &[RollupPart],
    ) -> u64 {
        let live = limits.live_ids_max(parameters) as usize;
        let logs = limits.log_count_max(parameters) as usize;
        let largest = largest(parameters, limits);
        let widest = widest(parameters, limits, rollups);
        let log = size_of::<Fixed<Counted>>() as u64 + Fixed::<Counted>::footprint_bytes(live);
        let ids = Fixed::<LoggedId>::footprint_bytes(live);
        let queue = size_of::<Fixed<LoggedId>>() as u64 + ids;
        fixed_slice_bytes::<RollupPart>(rollups.len())
            + fixed_slice_bytes::<Height>(limits.log_age_slots_max as usize + 1)
            + 2 * fixed_slice_bytes::<UnixNs>(logs)
            + Medians::footprint_bytes(parameters, limits, rollups)
            + Fixed::<Known>::footprint_bytes(live)
            + logs as u64 * log
            + Fixed::<Ended>::footprint_bytes(limits.drained_count_max as usize)
            + Fixed::<Next>::footprint_bytes(limits.cursor_count_max as usize)
            + rollups.len() as u64 * queue
            + Graph::footprint_bytes(largest, widest)
            + Workspace::footprint_bytes(largest, widest, limits.ranked_pairs_max)
            + 5 * ids
            + Fixed::<Drained>::footprint_bytes(live)
    }

    /// The last slot's agreed time.
    #[must_use]
    pub const fn time(&self) -> UnixNs {
        self.time
    }

    /// What the last slot drained: rollup by rollup in their order, each in the order of its queue.
    #[must_use]
    pub fn drained(&self) -> &[Drained] {
        self.drained.all()
    }

    fn find(&self, id: &LoggedId) -> Option<usize> {
        let known = self.known.all();
        known.binary_search_by_key(id, |known| known.id).ok()
    }

    fn next(&self, rollup: usize, sender: &Address) -> Option<usize> {
        let key = (rollup as u32, *sender);
        let nexts = self.nexts.all();
        nexts
            .binary_search_by_key(&key, |next| (next.rollup, next.sender))
            .ok()
    }

    fn next_nonce(&self, rollup: usize, sender: &Address) -> Option<Nonce> {
        let at = self.next(rollup, sender)?;
        Some(self.nexts.all()[at].nonce)
    }
}

impl Known {
    const fn is_live(&self) -> bool {
        self.turn_count % 2 == 1
    }

    /// Notes that it became live, or that it ceased to be, in a slot.
    fn turn(&mut self, height: Height) {
        if self.turn_count == TURN_COUNT {
            self.turns.rotate_left(2);
            self.turn_count -= 2;
        }
        self.turns[self.turn_count] = height;
        self.turn_count += 1;
    }

    /// Whether an odd number of turns had come by slot `base`.
    fn was_live_at(&self, base: Height) -> bool {
        let turns = self.turns[..self.turn_count].iter();
        turns.filter(|turn| **turn <= base).count() % 2 == 1
    }
}

/// Keeps what a question holds for, in its order.
fn retain<T: Copy>(list: &mut Fixed<T>, mut keep: impl FnMut(&T) -> bool) {
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

const NOT_ENDED: Ended = Ended {
    id: UNKNOWN.id,
    height: Height::ZERO,
    age: 0,
    is_included: false,
};

const NO_NEXT: Next = Next {
    rollup: 0,
    sender: Address::ZERO,
    nonce: Nonce::ZERO,
    expiry: UnixNs::ZERO,
    used: 0,
    is_cache: false,
};

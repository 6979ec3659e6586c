//! The verifier's twin: slots recomputed from their cuts by plainer means.
//!
//! It keeps sorted lists in place of tables, links and indexes. Every slot it counts heads and
//! charges anew, sorts the senders anew, builds each graph in line anew from the logs, slot after
//! slot since it was formed, and forms a graph anew each time that ids are held back.
//!
//! # Cost
//! What a slot adds to a list, and what it takes out, goes through the whole list once, at the end.
//! So a slot with a cut of k entries, l live ids and d remembered drained ones takes
//! O((n·l + k) log(l + d) + d), what the graphs cost beside that.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ops::Range;

use super::decided::{FairStream, Fixed, largest, widest};
use super::entry::{Bodies, Cut, EntryKind, Facts, LoggedId, RollupSlot, Room};
use super::epoch::EpochEnd;
use super::error::{Broken, StreamConfigError};
use super::limits::{FairLimits, ReplayProtection, RollupPart};
use super::outcome::{Charge, DrainOutcome, Drained};
use crate::bounded::{NONE, fixed_slice, fixed_slice_bytes};
use crate::ordering::fair::{Class, Graph, Parameters, Rank, Workspace};
use crate::types::{Address, Height, Nonce, UnixNs};

mod compare;
mod drain;
mod epoch;
mod graphs;
mod lists;
mod median;
mod senders;
mod slots;

use lists::{merge, retain};
use median::Medians;
use senders::OfSender;

/// Where an id stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Outside,
    /// In a graph that was formed in this slot.
    Formed(Height),
    /// Released by median timestamps, while a nonce before its own is missing.
    Held,
    Queued,
    /// Drained in this slot, at whose end it goes.
    Drained,
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
    /// The logs that hold it, by the entries that count; found anew every slot.
    held_by: u128,
    /// Where the ids of its sender stand in the list of senders; none without facts.
    siblings: (u32, u32),
    /// Its number in the graph that is built, or [`NONE`].
    vertex: u32,
    /// Its place in the order that is made, or [`NONE`].
    place: u32,
    /// Whether it is listed: to be held back, or as one that may move to another place.
    is_marked: bool,
    /// Whether it could have joined a graph in the last slot, and neither did nor was held back.
    is_passed_over: bool,
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
    held_by: 0,
    siblings: (0, 0),
    vertex: NONE,
    place: NONE,
    is_marked: false,
    is_passed_over: false,
};

/// An entry that counts.
#[derive(Clone, Copy, Debug, Default)]
struct Counted {
    id: LoggedId,
    age: u64,
    height: Height,
    /// The last stamp before it in its log, as far as it was raised.
    stamp: UnixNs,
    /// The place of its id among those that are known; found anew every slot.
    at: u32,
}

/// An id that was drained; sorted by id and slot.
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
    /// The most live ids under any committee.
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
    /// Sorted by id. Within a slot nothing comes or goes once its entries are in, so that ids are
    /// told by their places here.
    known: Fixed<Known>,
    /// What a cut brings that was not known.
    fresh: Fixed<LoggedId>,
    logs: Box<[Fixed<Counted>]>,
    of_senders: Fixed<OfSender>,
    ended: Fixed<Ended>,
    /// What a slot drained, on its way into the list above.
    ending: Fixed<Ended>,
    nexts: Fixed<Next>,
    /// Senders that a slot saw first, on their way into the list above; sorted as that is.
    new_nexts: Fixed<Next>,
    /// Uses of cursors, to find those that were used longest ago.
    uses: Fixed<u64>,
    use_count: u64,
    queues: Box<[Fixed<LoggedId>]>,
    medians: Medians,
    graph: Graph,
    workspace: Workspace,
    /// Places of the vertices of the graph that is built, rising.
    vertices: Fixed<u32>,
    /// Places of what is released, in the order that is made, and the same while nonces move.
    order: Fixed<u32>,
    placed: Fixed<u32>,
    /// Places of what is held back.
    held: Fixed<u32>,
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
            fresh: Fixed::new(live, none),
            logs: log_lists.into_boxed_slice(),
            of_senders: Fixed::new(live, OfSender::default()),
            ended: Fixed::new(limits.drained_count_max as usize, NOT_ENDED),
            ending: Fixed::new(live, NOT_ENDED),
            nexts: Fixed::new(limits.cursor_count_max as usize, NO_NEXT),
            new_nexts: Fixed::new(live, NO_NEXT),
            uses: Fixed::new(limits.cursor_count_max as usize, 0),
            use_count: 0,
            queues: queues.into_boxed_slice(),
            medians: Medians::new(parameters, limits, rollups),
            graph,
            workspace: Workspace::new(largest(parameters, limits), widest, limits.ranked_pairs_max),
            vertices: Fixed::new(live, NONE),
            order: Fixed::new(live, NONE),
            placed: Fixed::new(live, NONE),
            held: Fixed::new(live, NONE),
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
            + Fixed::<OfSender>::footprint_bytes(live)
            + Fixed::<Ended>::footprint_bytes(limits.drained_count_max as usize)
            + Fixed::<Ended>::footprint_bytes(live)
            + Fixed::<Next>::footprint_bytes(limits.cursor_count_max as usize)
            + Fixed::<Next>::footprint_bytes(live)
            + Fixed::<u64>::footprint_bytes(limits.cursor_count_max as usize)
            + rollups.len() as u64 * queue
            + Graph::footprint_bytes(largest, widest)
            + Workspace::footprint_bytes(largest, widest, limits.ranked_pairs_max)
            + 2 * ids
            + 4 * Fixed::<u32>::footprint_bytes(live)
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

    /// The places of the ids of a rollup: they stand together, because ids are sorted by rollup.
    fn own(&self, rollup: usize) -> Range<usize> {
        let own = self.parts[rollup].rollup;
        let known = self.known.all();
        let from = known.partition_point(|known| known.id.rollup < own);
        from..known.partition_point(|known| known.id.rollup <= own)
    }

    /// What is known of the id at a place.
    fn at(&self, place: u32) -> &Known {
        &self.known.all()[place as usize]
    }

    fn at_mut(&mut self, place: u32) -> &mut Known {
        &mut self.known.all_mut()[place as usize]
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

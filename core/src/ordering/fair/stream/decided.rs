//! The decided state: what everybody computes from decided cuts.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::cursors::Cursors;
use super::cut::CutScratch;
use super::entry::LoggedId;
use super::epoch::EpochEnd;
use super::error::StreamConfigError;
use super::forming::FormScratch;
use super::limits::{FairLimits, RollupPart};
use super::median::MedianState;
use super::memory::{Age, DrainedMemory};
use super::outcome::{Charge, Drained, GraphEvent, LostEntry};
use super::records::{Members, Records, only};
use super::weakened::Weakened;
use crate::bounded::{Ring, fixed_slice, fixed_slice_bytes};
use crate::ordering::fair::line::Line;
use crate::ordering::fair::{Parameters, Rank, Workspace};
use crate::types::{Address, Epoch, Height, Nonce, RollupId, UnixNs};

/// The state that follows from decided cuts: live ids, charges, graphs, queues and cursors.
///
/// Per slot: [`FairStream::check`] before a vote, [`FairStream::bodies_needed`] to fetch bodies,
/// [`FairStream::apply`] once the cut is decided, then the getters of the slot's outcome, which
/// stay until the next slot.
///
/// Memory: see [`FairStream::footprint_bytes`].
#[derive(Debug)]
pub struct FairStream {
    pub(super) parameters: Parameters,
    /// The committee of the first epoch.
    pub(super) first_parameters: Parameters,
    pub(super) limits: FairLimits,
    pub(super) rank: Rank,
    pub(super) weakened: Weakened,
    pub(super) height: Height,
    pub(super) time: UnixNs,
    pub(super) age: Age,
    pub(super) epoch: Epoch,
    /// The epoch's closing slot, once one is decided.
    pub(super) closing: Option<Height>,
    /// The logs that show that their members know it.
    pub(super) closed: Members,
    /// Whether the last slot was the epoch's last one.
    pub(super) end: Option<EpochEnd>,
    /// The last stamp of each log in this epoch.
    pub(super) stamps: Box<[UnixNs]>,
    pub(super) records: Records,
    pub(super) rollups: Box<[Rollup]>,
    pub(super) past: DrainedMemory,
    pub(super) cursors: Cursors,
    /// What makes the order instead of graphs, where median timestamps do.
    pub(super) median: Option<MedianState>,
    pub(super) workspace: Workspace,
    pub(super) cut_scratch: CutScratch,
    pub(super) form_scratch: FormScratch,
    /// While an epoch closes: the records that were candidates in the last slot, and neither joined
    /// a graph nor were held back.
    pub(super) waiting: Fixed<u32>,
    pub(super) outcome: Outcome,
}

/// What stands behind one rollup.
#[derive(Debug)]
pub(super) struct Rollup {
    pub(super) part: RollupPart,
    pub(super) line: Line,
    /// Slot after slot of the line, the record of each vertex.
    pub(super) vertices: Box<[u32]>,
    pub(super) vertex_count_max: usize,
    /// Records whose turn is decided.
    pub(super) queue: Ring<u32>,
}

/// What the last slot brought about.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) drained: Fixed<Drained>,
    pub(super) lost: Fixed<LostEntry>,
    pub(super) lapsed: Fixed<LoggedId>,
    pub(super) events: Fixed<GraphEvent>,
    /// The sizes of the components of all graphs that were released.
    pub(super) components: Fixed<u32>,
}

/// A list with fixed room.
#[derive(Debug)]
pub(super) struct Fixed<T> {
    values: Box<[T]>,
    len: usize,
}

impl<T: Copy> Fixed<T> {
    pub(super) fn new(capacity: usize, value: T) -> Self {
        Self {
            values: fixed_slice(capacity, value),
            len: 0,
        }
    }

    pub(super) const fn footprint_bytes(capacity: usize) -> u64 {
        fixed_slice_bytes::<T>(capacity)
    }

    pub(super) fn push(&mut self, value: T) {
        match self.values.get_mut(self.len) {
            Some(place) => {
                *place = value;
                self.len += 1;
            }
            None => debug_assert!(false, "the room was counted from the limits"),
        }
    }

    pub(super) const fn room(&self) -> usize {
        self.values.len() - self.len
    }

    pub(super) const fn clear(&mut self) {
        self.len = 0;
    }

    pub(super) const fn truncate(&mut self, len: usize) {
        if len < self.len {
            self.len = len;
        }
    }

    pub(super) fn all(&self) -> &[T] {
        &self.values[..self.len]
    }

    pub(super) fn all_mut(&mut self) -> &mut [T] {
        &mut self.values[..self.len]
    }
}

/// The sizes that follow from the limits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    /// Logs of the largest committee.
    pub(super) logs: usize,
    pub(super) rollups: usize,
    /// Whether members that have left can be charged.
    pub(super) has_leavers: bool,
    /// Charges: of each member and of those that have left, for each rollup.
    pub(super) charges: usize,
    pub(super) live: usize,
    /// Entries of a whole cut.
    pub(super) entries: usize,
    /// Events of a slot.
    pub(super) events: usize,
}

impl Sizes {
    pub(super) const fn new(
        parameters: Parameters,
        limits: &FairLimits,
        rollups: &[RollupPart],
    ) -> Self {
        let logs = limits.log_count_max(parameters) as usize;
        let has_leavers = limits.leaver_count_max > 0;
        // A graph of a line can be updated and released in one slot, and one more can be formed.
        let events = rollups.len() * (2 * graph_count_max(parameters, limits) as usize + 2);
        Self {
            logs,
            rollups: rollups.len(),
            has_leavers,
            charges: (logs + has_leavers as usize) * rollups.len(),
            live: limits.live_ids_max(parameters) as usize,
            entries: logs * limits.extent_entries_max as usize,
            events,
        }
    }
}

/// The most graphs of a rollup; none where median timestamps make the order.
const fn graph_count_max(parameters: Parameters, limits: &FairLimits) -> u32 {
    match parameters.orders_by_median() {
        true => 0,
        false => limits.graph_count_max,
    }
}

/// The most vertices that a graph of a rollup can have.
pub(super) const fn vertex_count_max(
    parameters: Parameters,
    limits: &FairLimits,
    part: &RollupPart,
) -> u32 {
    let budgets = limits.budget_count_max(parameters);
    budgets.saturating_mul(part.first_hand_count_max)
}

/// A committee as large as any, for sizes.
pub(super) const fn largest(parameters: Parameters, limits: &FairLimits) -> Parameters {
    Parameters::of_size(limits.log_count_max(parameters))
}

impl Rollup {
    fn new(
        parameters: Parameters,
        limits: &FairLimits,
        part: &RollupPart,
    ) -> Result<Self, StreamConfigError> {
        let vertices = vertex_count_max(parameters, limits, part);
        let graphs = graph_count_max(parameters, limits);
        let line = Line::new(largest(parameters, limits), vertices, graphs);
        let mut line = line.map_err(|_| StreamConfigError::LimitOutOfRange)?;
        line.reform(parameters);
        Ok(Self {
            part: *part,
            line,
            vertices: fixed_slice(graphs as usize * vertices as usize, 0),
            vertex_count_max: vertices as usize,
            queue: Ring::new(limits.live_ids_max(parameters)),
        })
    }

    fn footprint_bytes(parameters: Parameters, limits: &FairLimits, part: &RollupPart) -> u64 {
        let vertices = vertex_count_max(parameters, limits, part);
        let graphs = graph_count_max(parameters, limits);
        Line::footprint_bytes(largest(parameters, limits), vertices, graphs)
            + fixed_slice_bytes::<u32>(graphs as usize * vertices as usize)
            + Ring::<u32>::footprint_bytes(limits.live_ids_max(parameters))
    }
}

impl Outcome {
    fn new(sizes: Sizes) -> Self {
        let id = LoggedId::default();
        let rollup = RollupId::ZERO;
        Self {
            drained: Fixed::new(sizes.live, Drained::none()),
            lost: Fixed::new(sizes.live + sizes.entries, LostEntry::none()),
            lapsed: Fixed::new(sizes.live, id),
            events: Fixed::new(sizes.events, GraphEvent::LineFull { rollup }),
            components: Fixed::new(sizes.live, 0),
        }
    }

    const fn footprint_bytes(sizes: Sizes) -> u64 {
        Fixed::<Drained>::footprint_bytes(sizes.live)
            + Fixed::<LostEntry>::footprint_bytes(sizes.live + sizes.entries)
            + Fixed::<LoggedId>::footprint_bytes(sizes.live)
            + Fixed::<GraphEvent>::footprint_bytes(sizes.events)
            + Fixed::<u32>::footprint_bytes(sizes.live)
    }

    pub(super) const fn clear(&mut self) {
        self.drained.clear();
        self.lost.clear();
        self.lapsed.clear();
        self.events.clear();
        self.components.clear();
    }
}

impl FairStream {
    /// Makes the state before the first slot: by graphs, or by median timestamps where
    /// [`Parameters::orders_by_median`], which needs no `rank`. `key` hides the tables' layout from
    /// senders; it changes speed only.
    ///
    /// # Errors
    /// As [`FairLimits::check`].
    pub fn new(
        parameters: Parameters,
        limits: &FairLimits,
        rollups: &[RollupPart],
        rank: Rank,
        key: [u64; 2],
    ) -> Result<Self, StreamConfigError> {
        limits.check(parameters, rollups)?;
        let sizes = Sizes::new(parameters, limits, rollups);
        let mut parts = Vec::with_capacity(rollups.len());
        for part in rollups {
            parts.push(Rollup::new(parameters, limits, part)?);
        }
        let mut records = Records::new(sizes, key);
        records.set_logs(parameters.n() as usize);
        let median = parameters.orders_by_median();
        let median = median.then(|| MedianState::new(parameters, limits, rollups, key));
        Ok(Self {
            parameters,
            first_parameters: parameters,
            limits: *limits,
            rank,
            weakened: Weakened::NONE,
            epoch: Epoch::ZERO,
            closing: None,
            closed: 0,
            end: None,
            height: Height::ZERO,
            time: UnixNs::ZERO,
            age: Age::new(limits.log_age_slots_max),
            stamps: fixed_slice(sizes.logs, UnixNs::ZERO),
            records,
            rollups: parts.into_boxed_slice(),
            past: DrainedMemory::new(limits.drained_count_max, key),
            cursors: Cursors::new(limits.cursor_count_max, key),
            median: median.transpose()?,
            workspace: Workspace::new(
                largest(parameters, limits),
                widest(parameters, limits, rollups),
                limits.ranked_pairs_max,
            ),
            cut_scratch: CutScratch::new(sizes),
            form_scratch: FormScratch::new(sizes),
            waiting: Fixed::new(sizes.live, 0),
            outcome: Outcome::new(sizes),
        })
    }

    /// The bytes that [`FairStream::new`] takes.
    #[must_use]
    pub fn footprint_bytes(
        parameters: Parameters,
        limits: &FairLimits,
        rollups: &[RollupPart],
    ) -> u64 {
        let sizes = Sizes::new(parameters, limits, rollups);
        let widest = widest(parameters, limits, rollups);
        let parts = rollups.iter();
        let median = match parameters.orders_by_median() {
            true => MedianState::footprint_bytes(parameters, limits, rollups),
            false => 0,
        };
        Age::footprint_bytes(limits.log_age_slots_max)
            + fixed_slice_bytes::<UnixNs>(sizes.logs)
            + Records::footprint_bytes(sizes)
            + fixed_slice_bytes::<Rollup>(sizes.rollups)
            + parts
                .map(|part| Rollup::footprint_bytes(parameters, limits, part))
                .sum::<u64>()
            + DrainedMemory::footprint_bytes(limits.drained_count_max)
            + Cursors::footprint_bytes(limits.cursor_count_max)
            + median
            + Workspace::footprint_bytes(
                largest(parameters, limits),
                widest,
                limits.ranked_pairs_max,
            )
            + CutScratch::footprint_bytes(sizes)
            + FormScratch::footprint_bytes(sizes)
            + Fixed::<u32>::footprint_bytes(sizes.live)
            + Outcome::footprint_bytes(sizes)
    }

    /// Leaves rules out, in tests.
    #[cfg(any(test, feature = "weakened"))]
    pub const fn weaken(&mut self, weakened: Weakened) {
        self.weakened = weakened;
    }

    /// The committee of this epoch and its thresholds.
    #[must_use]
    pub const fn parameters(&self) -> Parameters {
        self.parameters
    }

    /// The last slot applied; 0 before the first.
    #[must_use]
    pub const fn height(&self) -> Height {
        self.height
    }

    /// Slots so far whose cut moved at least n − f logs.
    #[must_use]
    pub const fn age_slots(&self) -> u64 {
        self.age.now()
    }

    /// The last slot's agreed time.
    #[must_use]
    pub const fn time(&self) -> UnixNs {
        self.time
    }

    /// What the last slot drained: rollup by rollup in their order, each in the order of its queue.
    #[must_use]
    pub fn drained(&self) -> &[Drained] {
        self.outcome.drained.all()
    }

    /// Entries that lapsed in the last slot or were void in its cut, in the order of ids.
    #[must_use]
    pub fn lost_entries(&self) -> &[LostEntry] {
        self.outcome.lost.all()
    }

    /// Ids none of whose entries counts any more since the last slot, though it did not drain them.
    #[must_use]
    pub fn lapsed_ids(&self) -> &[LoggedId] {
        self.outcome.lapsed.all()
    }

    /// What happened to graphs in the last slot: all updates, then what was formed, then releases,
    /// each rollup by rollup.
    #[must_use]
    pub fn graph_events(&self) -> &[GraphEvent] {
        self.outcome.events.all()
    }

    /// How many ids each component has of all graphs that were released in the last slot, in the
    /// order of their release: between components the order is bound, within one it is ranked.
    #[must_use]
    pub fn released_components(&self) -> &[u32] {
        self.outcome.components.all()
    }

    /// What a member of this epoch is charged with, for one rollup.
    #[must_use]
    pub fn charge(&self, member: u32, rollup: RollupId) -> Charge {
        let number = self.rollup_number(rollup);
        let number = number.filter(|_| member < self.parameters.n());
        number.map_or_else(Charge::default, |number| {
            let at = member as usize * self.rollups.len() + number;
            self.records.charges().get(at).copied().unwrap_or_default()
        })
    }

    /// How many ids are live.
    #[must_use]
    pub const fn live_count(&self) -> u32 {
        self.records.live_count()
    }

    /// Whether an id is live: an entry of it counts, or an epoch carried it over less than A slots
    /// ago.
    #[must_use]
    pub fn is_live(&self, id: &LoggedId) -> bool {
        let found = self.records.find(id);
        found.is_some_and(|number| self.records.get(number).is_live())
    }

    /// How many logs hold an entry of the id that counts; 0 if it is not live, or carried over
    /// alone.
    #[must_use]
    pub fn heads(&self, id: &LoggedId) -> u32 {
        let found = self.records.find(id);
        found.map_or(0, |number| self.records.get(number).head_count())
    }

    /// Whether an entry of the id in that member's log counts.
    #[must_use]
    pub fn is_logged_by(&self, member: u32, id: &LoggedId) -> bool {
        let found = self.records.find(id);
        member < self.parameters.n()
            && found
                .is_some_and(|number| self.records.get(number).heads & only(member as usize) != 0)
    }

    /// Who of this epoch's members is charged with an id, by number.
    pub fn charged_members(&self, id: &LoggedId) -> impl Iterator<Item = u32> + use<> {
        let leavers = self.records.leavers();
        let set = self.charged_set(id);
        super::records::members_of(set)
            .filter(move |member| Some(*member) != leavers)
            .map(|member| member as u32)
    }

    /// Whether a member that has left is charged with an id.
    #[must_use]
    pub fn is_charged_to_leavers(&self, id: &LoggedId) -> bool {
        let leavers = self.records.leavers();
        leavers.is_some_and(|leavers| self.charged_set(id) & only(leavers) != 0)
    }

    /// Who is charged with an id, members that have left included.
    pub(super) fn charged_set(&self, id: &LoggedId) -> Members {
        let found = self.records.find(id);
        found.map_or(0, |number| self.records.get(number).charged)
    }

    /// The ids of one rollup in a member's log whose entries count, in the order of the log.
    pub fn log(&self, member: u32, rollup: RollupId) -> impl Iterator<Item = LoggedId> + '_ {
        let number = self
            .rollup_number(rollup)
            .filter(|_| member < self.parameters.n());
        let records = &self.records;
        let entries = number.into_iter();
        entries
            .flat_map(move |number| records.log(member as usize, number))
            .map(move |number| records.get(number).id)
    }

    /// How many graphs of a rollup stand in line.
    #[must_use]
    pub fn graph_count(&self, rollup: RollupId) -> u32 {
        let number = self.rollup_number(rollup);
        number.map_or(0, |number| self.rollups[number].line.len() as u32)
    }

    /// The ids of a graph of a rollup's line, place 0 being the front, in the order of ids.
    pub fn graph(&self, rollup: RollupId, place: u32) -> impl Iterator<Item = LoggedId> + '_ {
        let number = self.rollup_number(rollup);
        let own = number.map(|number| &self.rollups[number]);
        let own = own.filter(|own| (place as usize) < own.line.len());
        own.into_iter().flat_map(move |own| {
            let slot = own.line.slot(place as usize);
            let vertices = &own.vertices[slot * own.vertex_count_max..];
            let kept = own.line.in_slot(slot).kept();
            kept.map(move |vertex| self.records.get(vertices[vertex as usize]).id)
        })
    }

    /// How many edges are missing in a graph of a rollup's line; nothing if no graph stands there.
    #[must_use]
    pub fn missing_count(&self, rollup: RollupId, place: u32) -> Option<u32> {
        let own = &self.rollups[self.rollup_number(rollup)?];
        let graph = own.line.graph(place as usize)?;
        Some(graph.missing_count())
    }

    /// A rollup's queue, from its head.
    pub fn queue(&self, rollup: RollupId) -> impl Iterator<Item = LoggedId> + '_ {
        let number = self.rollup_number(rollup).into_iter();
        let queued = number.flat_map(|number| self.rollups[number].queue.iter());
        queued.map(|record| self.records.get(*record).id)
    }

    /// The next nonce of a sender, if its cursor is there.
    #[must_use]
    pub fn cursor(&self, rollup: RollupId, sender: &Address) -> Option<Nonce> {
        self.cursors.next(self.rollup_number(rollup)?, sender)
    }

    /// How many cursors are free.
    #[must_use]
    pub const fn free_cursor_count(&self) -> u32 {
        self.cursors.free_count() as u32
    }

    pub(super) fn rollup_number(&self, rollup: RollupId) -> Option<usize> {
        let parts = self.rollups.iter();
        parts
            .clone()
            .position(|candidate| candidate.part.rollup == rollup)
    }
}

/// The most vertices of any graph.
pub(super) fn widest(parameters: Parameters, limits: &FairLimits, rollups: &[RollupPart]) -> u32 {
    if parameters.orders_by_median() {
        return 1;
    }
    let widths = rollups
        .iter()
        .map(|part| vertex_count_max(parameters, limits, part));
    widths.max().unwrap_or(0)
}

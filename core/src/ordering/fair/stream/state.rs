//! The state as canonical bytes: the same at every node with the same cuts.
//!
//! Records stand in the order of their ids, cursors in that of rollup and sender; everything else
//! names a record by its place. A graph is written as what it keeps: vertices, which of them were
//! solid, the lists of its proposal, and two bits an edge. What is appended to lists since follows
//! from the logs.

use super::decided::{FairStream, widest};
use super::entry::{Facts, LoggedId};
use super::error::StateError;
use super::limits::{FairLimits, RollupPart};
use super::memory::Past;
use super::records::{Place, Record};
use crate::bounded::NONE;
use crate::codec::{Counted, Filled, Sink};
use crate::crypto::hash::{Domain, Hasher};
use crate::ordering::fair::Parameters;
use crate::ordering::fair::graph::{Class, Edge, Graph};
use crate::types::{Hash, Height};

/// The version of the bytes.
pub(super) const STATE_VERSION: u8 = 2;

/// Stands in the place of the rank where median timestamps make the order.
const BY_MEDIAN: u8 = 3;

/// Bytes of the version, of the settings beside the rollups' parts, and of the epoch.
const SETTINGS_LEN: u64 = 100;
/// Bytes of a rollup's part.
const PART_LEN: u64 = 37;
/// The most bytes of a record.
const RECORD_LEN_MAX: u64 = 191;
/// The most bytes of an entry that counts: its record, its age, its stamp.
const LOG_ENTRY_LEN_MAX: u64 = 20;
/// Bytes of an id that was drained.
const PAST_LEN: u64 = 85;
/// Bytes of a cursor.
const CURSOR_LEN: u64 = 46;

impl FairStream {
    /// The most bytes that the canonical bytes of any state under these limits have.
    ///
    /// The vertices of all graphs are ids of their own, so v ids in graphs of at most w have no
    /// more than v · w / 2 pairs, whatever the graphs.
    #[must_use]
    pub fn encoded_len_max(
        parameters: Parameters,
        limits: &FairLimits,
        rollups: &[RollupPart],
    ) -> u64 {
        let logs = u64::from(limits.log_count_max(parameters));
        let parts = rollups.len() as u64;
        let live = u64::from(limits.live_ids_max(parameters));
        let ages = u64::from(limits.log_age_slots_max) + 1;
        let numbers = 8 * (3 + ages + logs) + 8 * (ages + logs);
        let settings = SETTINGS_LEN + parts * PART_LEN;
        let records = 4 + live * RECORD_LEN_MAX;
        let entries = 4 * logs * parts + logs * live * LOG_ENTRY_LEN_MAX;
        let graph_heads = parts * (1 + u64::from(limits.graph_count_max) * (5 + 4 * logs));
        let vertices = live * (5 + 4 * logs);
        let edges = live * u64::from(widest(parameters, limits, rollups)) / 8 + 1;
        let queues = 2 * (4 * parts + 4 * live);
        let past = 4 + u64::from(limits.drained_count_max) * PAST_LEN;
        let cursors = 12 + u64::from(limits.cursor_count_max) * CURSOR_LEN;
        let graphs = graph_heads + vertices + edges;
        settings + numbers + records + entries + graphs + queues + past + cursors
    }

    /// How long the canonical bytes are. O(state).
    #[must_use]
    pub fn encoded_len(&mut self) -> usize {
        let mut counted = Counted::default();
        self.write(&mut counted);
        counted.0
    }

    /// Writes the canonical bytes of the state, and returns how many. Besides scratch memory
    /// nothing changes. O(state).
    ///
    /// # Errors
    /// [`StateError::BufferTooSmall`]; nothing is written then.
    pub fn encode(&mut self, buffer: &mut [u8]) -> Result<usize, StateError> {
        let len = self.encoded_len();
        let Some(buffer) = buffer.get_mut(..len) else {
            return Err(StateError::BufferTooSmall);
        };
        self.write(&mut Filled::new(buffer));
        Ok(len)
    }

    /// The hash of the canonical bytes, for a state root. O(state).
    #[must_use]
    pub fn state_hash(&mut self) -> Hash {
        let mut hasher = Hasher::new(Domain::FAIR_STREAM);
        self.write(&mut hasher);
        hasher.finish()
    }

    pub(super) fn write(&mut self, sink: &mut impl Sink) {
        let count = self.rank_records();
        sink.u8(STATE_VERSION);
        self.write_settings(sink);
        self.write_epoch(sink);
        sink.u64(self.height.get());
        sink.u64(self.time.get());
        sink.u64(self.age.now());
        for height in self.age.history() {
            sink.u64(height.get());
        }
        for stamp in &self.stamps[..self.records.logs()] {
            sink.u64(stamp.get());
        }
        self.write_clocks(sink);
        sink.u32(count as u32);
        for number in &self.form_scratch.records[..count] {
            write_record(sink, self.records.get(*number));
        }
        self.write_logs(sink);
        for number in 0..self.rollups.len() {
            self.write_rollup(sink, number);
        }
        sink.u32(self.past.len() as u32);
        for past in self.past.iter() {
            write_past(sink, past);
        }
        self.write_cursors(sink);
        self.form_scratch.drafted.fill(NONE);
    }

    /// What the bytes can only be read under.
    pub(super) fn write_settings(&self, sink: &mut impl Sink) {
        let limits = &self.limits;
        sink.u32(self.records.logs_max() as u32);
        sink.u32(limits.leaver_count_max);
        sink.u32(limits.closing_slots_max);
        sink.u32(limits.first_hand_count_max);
        sink.u64(limits.first_hand_bytes_max);
        sink.u32(limits.extent_entries_max);
        sink.u32(limits.log_age_slots_max);
        sink.u32(limits.graph_count_max);
        sink.u32(limits.cursor_count_max);
        sink.u32(limits.drained_count_max);
        sink.u8(match self.median {
            Some(_) => BY_MEDIAN,
            None => self.rank as u8,
        });
        sink.u32(limits.ranked_pairs_max);
        sink.u8(self.rollups.len() as u8);
        for own in &self.rollups {
            let part = own.part;
            sink.u32(part.rollup.get());
            sink.u32(part.first_hand_count_max);
            sink.u64(part.first_hand_bytes_max);
            sink.u32(part.room.count);
            sink.u64(part.room.bytes);
            sink.u64(part.room.gas.get());
            sink.u8(part.replay as u8);
        }
    }

    /// The committee, how many epochs began before its own, the closing slot or 0, the logs that
    /// are closed, and 0 while the epoch goes on, 1 once it has ended, 2 at its bound.
    fn write_epoch(&self, sink: &mut impl Sink) {
        let own = self.parameters;
        for number in [own.n(), own.f(), own.quorum(), own.threshold()] {
            sink.u32(number);
        }
        sink.u64(self.epoch.get());
        sink.u64(self.closing.map_or(0, Height::get));
        sink.bytes(&self.closed.to_le_bytes());
        sink.u8(self.end.map_or(0, |end| 1 + u8::from(end.is_at_bound)));
    }

    /// Sorts the records by id into scratch, and notes the place of each; returns how many.
    fn rank_records(&mut self) -> usize {
        let scratch = &mut self.form_scratch;
        let mut count = 0;
        for (number, _) in self.records.iter() {
            scratch.records[count] = number;
            count += 1;
        }
        let records = &self.records;
        scratch.records[..count].sort_unstable_by_key(|number| records.get(*number).id);
        for (place, number) in (0..).zip(&scratch.records[..count]) {
            scratch.drafted[*number as usize] = place;
        }
        count
    }

    fn place_of(&self, record: u32) -> u32 {
        self.form_scratch.drafted[record as usize]
    }

    fn write_logs(&self, sink: &mut impl Sink) {
        for log in 0..self.records.logs() {
            for rollup in 0..self.rollups.len() {
                sink.u32(self.records.log(log, rollup).count() as u32);
                for record in self.records.log(log, rollup) {
                    sink.u32(self.place_of(record));
                    sink.u64(self.records.covered_age(record, log));
                    let own = self.records.get(record);
                    if let Some(median) = &self.median
                        && own.place == Place::Outside
                    {
                        sink.u64(median.orders[rollup].stamp_of(log, &own.id).get());
                    }
                }
            }
        }
    }

    fn write_rollup(&self, sink: &mut impl Sink, number: usize) {
        let own = &self.rollups[number];
        sink.u8(own.line.len() as u8);
        for place in 0..own.line.len() {
            let slot = own.line.slot(place);
            let vertices = &own.vertices[slot * own.vertex_count_max..];
            let graph = own.line.in_slot(slot);
            sink.u32(graph.kept_count());
            for vertex in graph.kept() {
                sink.u32(self.place_of(vertices[vertex as usize]));
                sink.u8(u8::from(graph.class(vertex) == Class::Solid));
            }
            for log in 0..self.records.logs() {
                sink.u32(graph.proposal_list(log).count() as u32);
                for vertex in graph.proposal_list(log) {
                    sink.u32(self.place_of(vertices[vertex as usize]));
                }
            }
            write_edges(sink, graph);
        }
        sink.u32(own.queue.len() as u32);
        for record in own.queue.iter() {
            sink.u32(self.place_of(*record));
        }
        if let Some(median) = &self.median {
            sink.u32(median.held[number].all().len() as u32);
            for record in median.held[number].all() {
                sink.u32(self.place_of(*record));
            }
        }
    }

    /// Under median timestamps: agreed times by age, oldest first, and the logs' raised clocks.
    fn write_clocks(&self, sink: &mut impl Sink) {
        let Some(median) = &self.median else {
            return;
        };
        let oldest = (self.age.now() + 1).saturating_sub(median.times.len() as u64);
        for age in oldest..=self.age.now() {
            sink.u64(median.time_at(age).get());
        }
        for log in 0..self.records.logs() {
            let order = median.orders.first();
            sink.u64(order.map_or(0, |order| order.last(log).get()));
        }
    }

    fn write_cursors(&mut self, sink: &mut impl Sink) {
        let count = self.cursors.sort();
        sink.u64(self.cursors.use_count());
        sink.u32(count as u32);
        for place in 0..count {
            let cursor = self.cursors.sorted(place);
            sink.u8(cursor.rollup as u8);
            sink.bytes(cursor.sender.as_bytes());
            sink.u64(cursor.next.get());
            sink.u64(cursor.expiry.get());
            sink.u64(cursor.used);
            sink.u8(u8::from(cursor.is_cache));
        }
    }
}

pub(super) fn write_id(sink: &mut impl Sink, id: &LoggedId) {
    sink.u32(id.rollup.get());
    sink.bytes(id.id.as_bytes());
    sink.u32(id.body_bytes);
}

fn write_record(sink: &mut impl Sink, record: &Record) {
    write_id(sink, &record.id);
    sink.u8(match record.place {
        Place::Outside => 0,
        Place::Graph { .. } => 1,
        Place::Queued => 2,
        Place::Held => 3,
    });
    sink.u8(u8::from(record.facts.is_some()));
    if let Some(Facts {
        sender,
        nonce,
        gas,
        expiry,
    }) = record.facts
    {
        sink.bytes(sender.as_bytes());
        sink.u64(nonce.get());
        sink.u64(gas.get());
        sink.u64(expiry.get());
    }
    sink.bytes(&record.heads.to_le_bytes());
    sink.bytes(&record.charged.to_le_bytes());
    sink.u8(u8::from(record.carried.is_some()));
    if let Some(age) = record.carried {
        sink.u64(age);
    }
    for period in record.periods {
        sink.u64(period.since.get());
        sink.u64(period.until.get());
    }
    sink.u64(record.lapsed_age);
    sink.u64(record.first_shown.get());
}

fn write_past(sink: &mut impl Sink, past: &Past) {
    write_id(sink, &past.id);
    sink.u64(past.height.get());
    sink.u64(past.age);
    sink.bytes(past.sender.as_bytes());
    sink.u64(past.nonce.get());
    sink.u8(u8::from(past.is_included) | u8::from(past.is_outdated) << 1);
}

/// Two bits for each pair of what a graph keeps, four pairs a byte, smaller ids first.
fn write_edges(sink: &mut impl Sink, graph: &Graph) {
    let (mut byte, mut pairs) = (0, 0);
    for a in graph.kept() {
        for b in graph.kept().filter(|b| *b > a) {
            byte |= (graph.edge(a, b) as u8) << (2 * pairs);
            pairs += 1;
            if pairs == 4 {
                sink.u8(byte);
                (byte, pairs) = (0, 0);
            }
        }
    }
    if pairs > 0 {
        sink.u8(byte);
    }
}

impl Edge {
    /// The edge that two bits stand for.
    pub(super) const fn from_bits(bits: u8) -> Option<Self> {
        match bits {
            0 => Some(Self::Missing),
            1 => Some(Self::FirstBeats),
            2 => Some(Self::SecondBeats),
            _ => None,
        }
    }
}

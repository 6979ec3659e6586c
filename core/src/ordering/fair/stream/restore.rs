//! A state from its canonical bytes.

use super::cursors::Cursor;
use super::decided::FairStream;
use super::entry::{Facts, LoggedId};
use super::epoch::EpochEnd;
use super::error::StateError;
use super::memory::Past;
use super::records::{NEVER, PERIOD_COUNT, Period, Place, only};
use super::state::STATE_VERSION;
use crate::bounded::NONE;
use crate::codec::{DecodeError, Reader, Sink};
use crate::ordering::fair::graph::Edge;
use crate::ordering::fair::parameters::Parameters;
use crate::types::{Address, Epoch, Gas, Height, Nonce, RollupId, TxId, UnixNs};

impl FairStream {
    /// Takes over the state that the bytes hold, which were made under the same limits and rollups.
    /// The outcome of a slot is no part of it. O(state).
    ///
    /// # Errors
    /// [`StateError`]; the state is then as after [`FairStream::new`].
    pub fn decode(&mut self, bytes: &[u8]) -> Result<(), StateError> {
        self.clear();
        let restored = self.restore(bytes);
        self.form_scratch.drafted.fill(NONE);
        let checked = restored.and_then(|()| {
            let mut compared = Compared { rest: Some(bytes) };
            self.write(&mut compared);
            let is_same = compared.rest.is_some_and(<[u8]>::is_empty);
            (is_same && self.verify().is_ok())
                .then_some(())
                .ok_or(StateError::Inconsistent)
        });
        if checked.is_err() {
            self.clear();
        }
        checked
    }

    fn clear(&mut self) {
        self.height = Height::ZERO;
        self.time = UnixNs::ZERO;
        self.age.restore(0);
        self.epoch = Epoch::ZERO;
        self.closing = None;
        self.closed = 0;
        self.end = None;
        self.stamps.fill(UnixNs::ZERO);
        self.records.clear();
        self.seat(self.first_parameters);
        for own in &mut self.rollups {
            while own.queue.pop().is_some() {}
        }
        self.past.clear();
        self.cursors.clear();
        self.outcome.clear();
    }

    /// Gives all structures, which hold nothing, the logs of a committee.
    fn seat(&mut self, parameters: Parameters) {
        self.parameters = parameters;
        self.records.set_logs(parameters.n() as usize);
        for own in &mut self.rollups {
            own.line.reform(parameters);
        }
        if let Some(median) = &mut self.median {
            median.begin(parameters.n());
        }
    }

    fn restore_epoch(&mut self, reader: &mut Reader<'_>) -> Result<(), StateError> {
        let (n, f) = (reader.u32()?, reader.u32()?);
        let (quorum, threshold) = (reader.u32()?, reader.u32()?);
        let by_median = self.median.is_some();
        let parameters = Parameters::from_thresholds((n, f), quorum, threshold, by_median);
        let fits = |own: &Parameters| own.n() as usize <= self.records.logs_max();
        let parameters = parameters.filter(fits).ok_or(StateError::Inconsistent)?;
        self.seat(parameters);
        self.epoch = Epoch::new(reader.u64()?);
        let closing = Height::new(reader.u64()?);
        self.closing = (closing > Height::ZERO).then_some(closing);
        self.closed = reader.u128()?;
        let end = reader.u8()?;
        self.height = Height::new(reader.u64()?);
        self.end = (end > 0).then_some(EpochEnd {
            height: self.height,
            is_at_bound: end > 1,
        });
        Ok(())
    }

    fn restore(&mut self, bytes: &[u8]) -> Result<(), StateError> {
        let mut reader = Reader::new(bytes);
        let reader = &mut reader;
        reader.version(STATE_VERSION)?;
        let mut settings = Compared {
            rest: Some(reader.rest()),
        };
        self.write_settings(&mut settings);
        let rest = settings.rest.ok_or(StateError::WrongSettings)?;
        *reader = Reader::new(rest);
        self.restore_epoch(reader)?;
        self.time = UnixNs::new(reader.u64()?);
        let now = reader.u64()?;
        if now > self.height.get() {
            return Err(StateError::Inconsistent);
        }
        self.age.restore(now);
        for place in 0..self.age.history_len() {
            self.age.restore_height(place, Height::new(reader.u64()?));
        }
        for stamp in &mut self.stamps[..self.records.logs()] {
            *stamp = UnixNs::new(reader.u64()?);
        }
        self.restore_clocks(reader)?;
        let count = self.restore_records(reader)?;
        self.restore_logs(reader, count)?;
        for number in 0..self.rollups.len() {
            self.restore_line(reader, number, count)?;
            self.restore_queue(reader, number, count)?;
            self.restore_held(reader, number, count)?;
        }
        self.restore_past(reader)?;
        self.restore_cursors(reader)?;
        (*reader).finish()?;
        Ok(())
    }

    /// Adds the records, and notes the number of each at its place in scratch; returns how many.
    fn restore_records(&mut self, reader: &mut Reader<'_>) -> Result<usize, StateError> {
        let count = reader.u32()? as usize;
        if count > self.records.capacity() as usize {
            return Err(StateError::Inconsistent);
        }
        let logs = self.records.logs();
        let leavers = self.records.leavers().map_or(0, only);
        let place_kind_max = if self.median.is_some() { 3 } else { 2 };
        for place in 0..count {
            let id = read_id(reader)?;
            let rollup = self.rollup_number(id.rollup);
            let known = self.records.find(&id).is_some();
            let rollup = rollup.filter(|_| !known).ok_or(StateError::Inconsistent)?;
            let place_kind = reader.u8()?;
            let facts = match reader.u8()? {
                0 => None,
                1 => Some(read_facts(reader)?),
                _ => return Err(StateError::Inconsistent),
            };
            let (heads, charged) = (reader.u128()?, reader.u128()?);
            let beyond = |set: u128| logs < 128 && set >> logs != 0;
            if beyond(heads) || beyond(charged & !leavers) || place_kind > place_kind_max {
                return Err(StateError::Inconsistent);
            }
            let carried = match reader.u8()? {
                0 => None,
                1 => Some(reader.u64()?),
                _ => return Err(StateError::Inconsistent),
            };
            let mut periods = [NEVER; PERIOD_COUNT];
            for period in &mut periods {
                *period = Period {
                    since: Height::new(reader.u64()?),
                    until: Height::new(reader.u64()?),
                };
            }
            let (lapsed_age, first_shown) = (reader.u64()?, Height::new(reader.u64()?));
            let number = self.records.add(id, rollup, first_shown);
            let number = number.ok_or(StateError::Inconsistent)?;
            for member in super::records::members_of(charged) {
                self.records.charge(number, member);
            }
            let record = self.records.get_mut(number);
            record.facts = facts;
            record.heads = heads;
            record.carried = carried;
            record.periods = periods;
            record.lapsed_age = lapsed_age;
            match place_kind {
                2 => record.place = Place::Queued,
                3 => record.place = Place::Held,
                _ => {}
            }
            if heads != 0 || carried.is_some() {
                self.records.count_live();
            }
            self.form_scratch.records[place] = number;
        }
        Ok(count)
    }

    /// Under median timestamps: agreed times by age, and the logs' clocks.
    fn restore_clocks(&mut self, reader: &mut Reader<'_>) -> Result<(), StateError> {
        let Some(median) = &mut self.median else {
            return Ok(());
        };
        let oldest = (self.age.now() + 1).saturating_sub(median.times.len() as u64);
        for age in oldest..=self.age.now() {
            median.set_time(age, UnixNs::new(reader.u64()?));
        }
        for log in 0..self.records.logs() {
            median.stamp(log, UnixNs::new(reader.u64()?));
        }
        Ok(())
    }

    /// Under median timestamps: the stamp of an entry whose id is not released.
    fn restore_stamp(
        &mut self,
        reader: &mut Reader<'_>,
        number: u32,
        log: usize,
    ) -> Result<(), StateError> {
        let record = self.records.get(number);
        let Some(median) = &mut self.median else {
            return Ok(());
        };
        if record.place == Place::Outside {
            let stamp = UnixNs::new(reader.u64()?);
            let order = &mut median.orders[record.rollup as usize];
            let restored = order.restore(log, &record.id, stamp);
            restored.then_some(()).ok_or(StateError::Inconsistent)?;
        }
        Ok(())
    }

    fn restore_held(
        &mut self,
        reader: &mut Reader<'_>,
        number: usize,
        count: usize,
    ) -> Result<(), StateError> {
        if self.median.is_none() {
            return Ok(());
        }
        for _ in 0..reader.u32()? {
            let record = self.record_at(reader, count)?;
            let own = self.records.get(record);
            let fits = own.place == Place::Held && own.rollup as usize == number;
            let held = self.median.as_mut().map(|median| &mut median.held[number]);
            let held = held.filter(|held| fits && held.room() > 0);
            held.ok_or(StateError::Inconsistent)?.push(record);
        }
        Ok(())
    }

    fn record_at(&self, reader: &mut Reader<'_>, count: usize) -> Result<u32, StateError> {
        let place = reader.u32()? as usize;
        let known = self.form_scratch.records[..count].get(place).copied();
        known.ok_or(StateError::Inconsistent)
    }

    fn restore_logs(&mut self, reader: &mut Reader<'_>, count: usize) -> Result<(), StateError> {
        let mut entry_count = 0;
        for log in 0..self.records.logs() {
            for rollup in 0..self.rollups.len() {
                let own_count = reader.u32()?;
                for _ in 0..own_count {
                    let number = self.record_at(reader, count)?;
                    let age = reader.u64()?;
                    let mark = log as u32;
                    let record = self.records.get(number);
                    let is_new = self.form_scratch.drafted[number as usize] != mark;
                    let fits = record.heads & only(log) != 0 && record.rollup as usize == rollup;
                    if !is_new || !fits || age > self.age.now() {
                        return Err(StateError::Inconsistent);
                    }
                    self.form_scratch.drafted[number as usize] = mark;
                    self.records.link(number, log, rollup, age);
                    self.restore_stamp(reader, number, log)?;
                    entry_count += 1;
                }
            }
        }
        let heads = self.records.iter().map(|(_, record)| record.head_count());
        if heads.sum::<u32>() == entry_count {
            Ok(())
        } else {
            Err(StateError::Inconsistent)
        }
    }

    fn restore_line(
        &mut self,
        reader: &mut Reader<'_>,
        number: usize,
        count: usize,
    ) -> Result<(), StateError> {
        let graph_count = reader.u8()?;
        for _ in 0..graph_count {
            let width = self.rollups[number].vertex_count_max;
            let slot = self.rollups[number].line.draft_slot();
            let slot = slot.ok_or(StateError::Inconsistent)?;
            let vertex_count = reader.u32()?;
            if vertex_count as usize > width {
                return Err(StateError::Inconsistent);
            }
            for vertex in 0..vertex_count {
                let record = self.record_at(reader, count)?;
                let own = self.records.get_mut(record);
                let is_free = own.is_outside() && own.rollup as usize == number;
                if !is_free || own.facts.is_none() {
                    return Err(StateError::Inconsistent);
                }
                own.place = Place::Graph {
                    slot: slot as u32,
                    vertex,
                };
                self.rollups[number].vertices[slot * width + vertex as usize] = record;
                self.form_scratch.held[vertex as usize] = u32::from(reader.u8()?);
            }
            self.restore_graph(reader, number, slot, (vertex_count, count))?;
        }
        Ok(())
    }

    fn restore_graph(
        &mut self,
        reader: &mut Reader<'_>,
        number: usize,
        slot: usize,
        (vertex_count, count): (u32, usize),
    ) -> Result<(), StateError> {
        let inconsistent = |_| StateError::Inconsistent;
        let vertex_of = |stream: &Self, record: u32| match stream.records.get(record).place {
            Place::Graph { slot: own, vertex } if own == slot as u32 => Ok(vertex),
            _ => Err(StateError::Inconsistent),
        };
        let draft = self.rollups[number].line.in_slot_mut(slot);
        draft.begin(vertex_count).map_err(inconsistent)?;
        for log in 0..self.records.logs() {
            for _ in 0..reader.u32()? {
                let record = self.record_at(reader, count)?;
                let vertex = vertex_of(self, record)?;
                let draft = self.rollups[number].line.in_slot_mut(slot);
                draft.append(log as u32, vertex).map_err(inconsistent)?;
            }
        }
        let mut edges = Edges::read(reader, vertex_count)?;
        let solid = &self.form_scratch.held;
        let draft = self.rollups[number].line.in_slot_mut(slot);
        draft.restore(|vertex| solid[vertex as usize] == 1, |_, _| edges.next());
        for log in 0..self.records.logs() {
            for record in self.records.log(log, number) {
                if let Place::Graph { slot: own, vertex } = self.records.get(record).place
                    && own == slot as u32
                {
                    draft.append(log as u32, vertex).map_err(inconsistent)?;
                }
            }
        }
        let line = &mut self.rollups[number].line;
        line.stand().map_err(|_| StateError::Inconsistent)
    }

    fn restore_queue(
        &mut self,
        reader: &mut Reader<'_>,
        number: usize,
        count: usize,
    ) -> Result<(), StateError> {
        for _ in 0..reader.u32()? {
            let record = self.record_at(reader, count)?;
            let own = self.records.get(record);
            let fits = own.place == Place::Queued && own.rollup as usize == number;
            let pushed = fits && self.rollups[number].queue.push(record).is_ok();
            if !pushed {
                return Err(StateError::Inconsistent);
            }
        }
        Ok(())
    }

    fn restore_past(&mut self, reader: &mut Reader<'_>) -> Result<(), StateError> {
        for _ in 0..reader.u32()? {
            let id = read_id(reader)?;
            let (height, age) = (Height::new(reader.u64()?), reader.u64()?);
            let sender = Address::new(reader.array()?);
            let nonce = Nonce::new(reader.u64()?);
            let flags = reader.u8()?;
            if self.past.room() == 0 || flags > 3 || age > self.age.now() {
                return Err(StateError::Inconsistent);
            }
            self.past.push(Past {
                id,
                height,
                age,
                sender,
                nonce,
                is_included: flags & 1 == 1,
                is_outdated: flags & 2 == 2,
            });
        }
        Ok(())
    }

    fn restore_cursors(&mut self, reader: &mut Reader<'_>) -> Result<(), StateError> {
        let use_count = reader.u64()?;
        for _ in 0..reader.u32()? {
            let cursor = Cursor {
                rollup: u32::from(reader.u8()?),
                sender: Address::new(reader.array()?),
                next: Nonce::new(reader.u64()?),
                expiry: UnixNs::new(reader.u64()?),
                used: reader.u64()?,
                is_cache: reader.u8()? == 1,
            };
            let is_known = cursor.rollup as usize >= self.rollups.len()
                || self
                    .cursors
                    .next(cursor.rollup as usize, &cursor.sender)
                    .is_some();
            if is_known || !self.cursors.insert(cursor) {
                return Err(StateError::Inconsistent);
            }
        }
        self.cursors.restore_use(use_count);
        Ok(())
    }
}

/// The pairs of a graph, two bits each.
struct Edges<'a> {
    bytes: &'a [u8],
    next: usize,
}

impl<'a> Edges<'a> {
    fn read(reader: &mut Reader<'a>, vertex_count: u32) -> Result<Self, StateError> {
        let count = u64::from(vertex_count);
        let pairs = count * count.saturating_sub(1) / 2;
        let bytes = reader.bytes(pairs.div_ceil(4) as usize)?;
        let is_edge = |byte: &u8| (0..4).all(|at| Edge::from_bits(byte >> (2 * at) & 3).is_some());
        if bytes.iter().all(is_edge) {
            Ok(Self { bytes, next: 0 })
        } else {
            Err(StateError::Inconsistent)
        }
    }

    fn next(&mut self) -> Edge {
        let bits = self.bytes[self.next / 4] >> (2 * (self.next % 4)) & 3;
        self.next += 1;
        Edge::from_bits(bits).unwrap_or(Edge::Missing)
    }
}

/// Compares what is written with bytes that are there; nothing is left of them once they differ.
struct Compared<'a> {
    rest: Option<&'a [u8]>,
}

impl Sink for Compared<'_> {
    fn bytes(&mut self, bytes: &[u8]) {
        self.rest = self.rest.and_then(|rest| rest.strip_prefix(bytes));
    }
}

fn read_id(reader: &mut Reader<'_>) -> Result<LoggedId, DecodeError> {
    Ok(LoggedId {
        rollup: RollupId::new(reader.u32()?),
        id: TxId::new(reader.array()?),
        body_bytes: reader.u32()?,
    })
}

fn read_facts(reader: &mut Reader<'_>) -> Result<Facts, DecodeError> {
    Ok(Facts {
        sender: Address::new(reader.array()?),
        nonce: Nonce::new(reader.u64()?),
        gas: Gas::new(reader.u64()?),
        expiry: UnixNs::new(reader.u64()?),
    })
}

/// A reader's cursor and version can only fail in these ways.
impl From<DecodeError> for StateError {
    fn from(error: DecodeError) -> Self {
        match error {
            DecodeError::TrailingBytes => Self::TrailingBytes,
            DecodeError::UnsupportedVersion => Self::UnsupportedVersion,
            _ => Self::Truncated,
        }
    }
}

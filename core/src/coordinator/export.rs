//! The whole state as fields, and back. The envelope around them is the snapshot's.

mod flight;
mod open;

use super::{Pressure, TransactionCoordinator};
use crate::batch::{ChainTip, RollupTip};
use crate::codec::{Counted, Reader, Sink};
use crate::crypto::hash::{Domain, Hasher};
use crate::error::Code;
use crate::event::Event;
use crate::journal::{Clocks, Header, Identity, Journal};
use crate::metrics::Histogram;
use crate::pool::Broken;
use crate::types::{Epoch, Fee, Hash, Height, RollupId, Tick, TxId, UnixNs};

/// The version of snapshots.
pub(crate) const VERSION: u8 = 4;
/// Bytes of a snapshot before the state: version, length, network and settings.
pub(crate) const HEAD_LEN: usize = 1 + 8 + 2 * Hash::LEN;

impl TransactionCoordinator {
    /// What its bytes belong to.
    pub(crate) const fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Whether an invariant broke.
    pub(crate) const fn is_poisoned(&self) -> bool {
        self.is_poisoned
    }

    /// Refuses all further work.
    pub(crate) const fn poison(&mut self) {
        self.is_poisoned = true;
    }

    /// Sets both clocks to where a journal says that they stood.
    pub(crate) const fn replay_clocks(&mut self, clocks: Clocks) {
        self.now = clocks.now;
        self.time = clocks.time;
    }

    pub(crate) const fn journal_mut(&mut self) -> &mut Journal {
        &mut self.journal
    }

    /// Starts the journal anew, behind the snapshot with this checksum.
    pub(crate) fn start_journal(&mut self, snapshot: Hash) {
        let header = Header {
            identity: self.identity,
            snapshot,
        };
        let clocks = self.clocks();
        self.journal.start(&header, clocks);
    }

    /// Bytes of a snapshot.
    pub(crate) fn exported_len(&self) -> usize {
        let mut state = Counted(HEAD_LEN.saturating_add(Hash::LEN));
        self.export_state(&mut state);
        state.0
    }

    /// The checksum that a snapshot would have. Cost: as a snapshot, without a buffer for it.
    pub(crate) fn state_hash(&self) -> Hash {
        let mut hasher = Hasher::new(Domain::SNAPSHOT);
        self.export(self.exported_len(), &mut hasher);
        hasher.finish()
    }

    /// Writes a snapshot of `len` bytes without its checksum. See `docs/formats.md`.
    pub(crate) fn export(&self, len: usize, out: &mut impl Sink) {
        out.u8(VERSION);
        out.u64(len as u64);
        out.bytes(self.identity.genesis.as_bytes());
        out.bytes(self.identity.settings.as_bytes());
        self.export_state(out);
    }

    fn export_state(&self, out: &mut impl Sink) {
        out.u64(self.now.get());
        out.u64(self.time.get());
        out.u64(self.acknowledged.get());
        self.export_pressure(out);
        self.export_metrics(out);
        export_tip(&self.tip, out);
        self.context.export(out);
        self.pool.export(out);
        let flights = self.in_flight.get(..self.in_flight_count);
        out.u8(self.in_flight_count as u8);
        for flight in flights.unwrap_or_default() {
            flight.export(self.policy.orders_by_logs(), out);
        }
        self.export_open(out);
        out.u32(self.events.len() as u32);
        for event in self.events.iter() {
            export_event(event, out);
        }
    }

    fn export_pressure(&self, out: &mut impl Sink) {
        let Pressure {
            slot_count_max,
            slot_bytes_max,
            slot_gas_max,
            fee_floor,
            refuses_gaps,
        } = self.pressure;
        out.u32(slot_count_max);
        out.u32(slot_bytes_max);
        out.u64(slot_gas_max);
        out.u64(fee_floor.get());
        out.u8(u8::from(refuses_gaps));
    }

    fn export_metrics(&self, out: &mut impl Sink) {
        for sum in [
            self.metrics.submitted,
            self.metrics.slots_taken,
            self.metrics.slots_acknowledged,
            self.metrics.slots_rolled_back,
            self.metrics.slots_adopted,
            self.metrics.adopted_included,
            self.metrics.adopted_repeated,
        ] {
            out.u64(sum);
        }
        out.u16(self.metrics.counted().count() as u16);
        for (code, count) in self.metrics.counted() {
            out.u16(code.number());
            out.u64(count);
        }
        for (_, _, histogram) in self.metrics.histograms() {
            let filled = || histogram.filled();
            out.u8(filled().count() as u8);
            for (place, count) in filled() {
                out.u8(place);
                out.u64(count);
            }
            out.bytes(&histogram.sum().to_le_bytes());
        }
    }

    /// Fills a fresh coordinator with the state that [`TransactionCoordinator::export`] wrote.
    ///
    /// # Errors
    /// What contradicts itself; the coordinator is of no use then.
    pub(crate) fn restore_state(&mut self, input: &mut Reader<'_>) -> Result<(), Broken> {
        self.now = Tick::new(input.u64()?);
        self.time = UnixNs::new(input.u64()?);
        self.acknowledged = Height::new(input.u64()?);
        self.restore_pressure(input)?;
        self.restore_metrics(input)?;
        self.tip = restore_tip(&self.tip, input)?;
        self.context.restore(input)?;
        self.pool.restore(input, self.now)?;
        self.in_flight_count = usize::from(input.u8()?);
        let is_logged = self.policy.orders_by_logs();
        let Self {
            in_flight,
            pool,
            limits,
            ..
        } = self;
        let flights = in_flight.get_mut(..self.in_flight_count);
        let flights = flights.ok_or(Broken("slots in flight keep their limit"))?;
        let mut height = self.acknowledged;
        for at in 0..flights.len() {
            let (before, rest) = flights.split_at_mut(at);
            let Some(flight) = rest.first_mut() else {
                break;
            };
            flight.restore(is_logged, pool, &self.tip, limits, input)?;
            check(flight.sealed_at <= self.now, "slots were sealed before now")?;
            let follows = flight.tip_before().map(|tip| tip.height) == Some(height);
            check(follows, "slots in flight follow what was acknowledged")?;
            if let (Some(before), Some(tip)) = (before.last(), flight.tip_before()) {
                before.check_leads_to(tip, limits)?;
            }
            height = flight.height();
        }
        match flights.last() {
            Some(last) => last.check_leads_to(&self.tip, limits)?,
            None => check(
                self.tip.height == height,
                "the chain ends with its last slot",
            )?,
        }
        check(
            self.tip.time <= self.time,
            "slots lie before the agreed time",
        )?;
        let settled = self.settled_tip().time;
        self.pool.set_decided_time(settled);
        self.restore_open(input)?;
        self.pool.finish_restoring(&self.policy)?;
        for _ in 0..input.u32()? {
            let event = restore_event(input)?;
            check(event.tick <= self.now, "events happened before now")?;
            let pushed = self.events.push(event);
            pushed.map_err(|_| Broken("events keep their limit"))?;
        }
        Ok(())
    }

    fn restore_metrics(&mut self, input: &mut Reader<'_>) -> Result<(), Broken> {
        self.metrics.submitted = input.u64()?;
        self.metrics.slots_taken = input.u64()?;
        self.metrics.slots_acknowledged = input.u64()?;
        self.metrics.slots_rolled_back = input.u64()?;
        self.metrics.slots_adopted = input.u64()?;
        self.metrics.adopted_included = input.u64()?;
        self.metrics.adopted_repeated = input.u64()?;
        let mut before = None;
        for _ in 0..input.u16()? {
            let code = code(input)?;
            let count = input.u64()?;
            let is_canonical = before < Some(code) && count > 0;
            check(is_canonical, "counters stand in the order of their codes")?;
            self.metrics.set(code, count);
            before = Some(code);
        }
        self.metrics
            .histograms_mut()
            .into_iter()
            .try_for_each(|histogram| restore_histogram(histogram, input))
    }

    fn restore_pressure(&mut self, input: &mut Reader<'_>) -> Result<(), Broken> {
        let pressure = Pressure {
            slot_count_max: input.u32()?,
            slot_bytes_max: input.u32()?,
            slot_gas_max: input.u64()?,
            fee_floor: Fee::new(input.u64()?),
            refuses_gaps: match input.u8()? {
                0 => false,
                1 => true,
                _ => return Err(Broken("a flag is 0 or 1")),
            },
        };
        self.apply_pressure(pressure);
        Ok(())
    }
}

/// Fills an empty histogram.
fn restore_histogram(histogram: &mut Histogram, input: &mut Reader<'_>) -> Result<(), Broken> {
    let mut before = None;
    for _ in 0..input.u8()? {
        let (place, count) = (input.u8()?, input.u64()?);
        let is_canonical = before < Some(place) && count > 0;
        check(is_canonical, "a histogram's counts stand in order")?;
        check(
            histogram.set_place(place, count),
            "a histogram has a place for each count",
        )?;
        before = Some(place);
    }
    histogram.set_sum(u128::from_le_bytes(input.array()?));
    Ok(())
}

fn export_tip(tip: &ChainTip, out: &mut impl Sink) {
    out.u64(tip.height.get());
    out.u64(tip.epoch.get());
    out.bytes(tip.hash.as_bytes());
    out.u64(tip.time.get());
    for rollup in &tip.rollups {
        out.bytes(rollup.sub_batch.as_bytes());
        out.bytes(rollup.running_hash.as_bytes());
    }
}

/// Reads a tip of the same rollups as `any`.
fn restore_tip(any: &ChainTip, input: &mut Reader<'_>) -> Result<ChainTip, Broken> {
    let mut tip = any.clone();
    tip.height = Height::new(input.u64()?);
    tip.epoch = Epoch::new(input.u64()?);
    tip.hash = Hash::new(input.array()?);
    tip.time = UnixNs::new(input.u64()?);
    for rollup in &mut tip.rollups {
        *rollup = RollupTip {
            rollup: rollup.rollup,
            sub_batch: Hash::new(input.array()?),
            running_hash: Hash::new(input.array()?),
        };
    }
    Ok(tip)
}

fn export_event(event: &Event, out: &mut impl Sink) {
    out.u16(event.code.number());
    out.bytes(event.id.as_bytes());
    out.u32(event.rollup.get());
    out.bytes(event.related.as_bytes());
    out.u64(event.height.get());
    out.u32(event.position);
    out.u64(event.tick.get());
}

fn restore_event(input: &mut Reader<'_>) -> Result<Event, Broken> {
    Ok(Event {
        code: code(input)?,
        id: TxId::new(input.array()?),
        rollup: RollupId::new(input.u32()?),
        related: TxId::new(input.array()?),
        height: Height::new(input.u64()?),
        position: input.u32()?,
        tick: Tick::new(input.u64()?),
    })
}

fn code(input: &mut Reader<'_>) -> Result<Code, Broken> {
    Code::from_number(input.u16()?).ok_or(Broken("a number stands for a code"))
}

pub(super) fn check(holds: bool, invariant: &'static str) -> Result<(), Broken> {
    if holds {
        Ok(())
    } else {
        Err(Broken(invariant))
    }
}

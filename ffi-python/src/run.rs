//! A run over a workload, and what came of it as columns.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use hauptbuch_core::batch::SlotReader;
use hauptbuch_core::config::{FairCommittee, MedianCommittee, Policy};
use hauptbuch_core::coordinator::Slot;
use hauptbuch_core::error::Code;
use hauptbuch_core::event::Event;
use hauptbuch_core::limits::{Footprint, Limits};
use hauptbuch_core::sequencer::Membership;
use hauptbuch_core::types::{Fee, Hash, Height, TxId};
use hauptbuch_sim::committee::Decided;
use hauptbuch_sim::output::{COMMITTEE_MEMORY, Figures, OutputWriter};
use hauptbuch_sim::run::{Observer, RunConfig, RunError, RunReport, Step, log_sizes};
use hauptbuch_sim::settings::{self, LIMIT_NAMES};
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyDict};
use serde::Serialize;

use crate::columns::{fixed, u64s};
use crate::errors::{detached, input_error, internal_error, output_error, run_error};
use crate::workload::Workload;

/// How long work goes on before the interpreter is asked for signals.
const SLICE: Duration = Duration::from_millis(20);

/// What a run came to: columns and counters.
#[pyclass(frozen, module = "hauptbuch._native")]
pub(crate) struct Run {
    slots: Vec<SlotRow>,
    /// By height, rollup and position.
    order: Vec<OrderRow>,
    /// By row of the source.
    outcomes: Vec<Code>,
    report: RunReport,
    sequencer_count: u32,
    memory: Footprint,
    elapsed: Duration,
    /// How fair the order is, as JSON, where logs give it.
    fairness: Option<String>,
    /// How the committee agreed, as JSON, where members sign.
    consensus: Option<String>,
}

struct SlotRow {
    height: Height,
    hash: Hash,
    time_ns: u64,
    transaction_count: u64,
    transaction_bytes: u64,
    gas: u64,
    encoded_bytes: u64,
}

struct OrderRow {
    row: u64,
    id: TxId,
    rollup: u32,
    height: Height,
    position: u32,
    delay_ns: u64,
}

/// Runs one sequencer over a workload.
///
/// `out` is a directory to write as the command line does. `on_progress` is called with the number
/// of records submitted, some fifty times a second.
#[pyfunction]
#[pyo3(signature = (
    workload, *, policy, batch_ns, seed, chain_id, fee_floor, limits, sequencers=None,
    bucket_ns=None, out=None, on_progress=None
))]
#[allow(
    clippy::too_many_arguments,
    reason = "they are keywords on the other side"
)]
pub(crate) fn run(
    py: Python<'_>,
    workload: &Bound<'_, Workload>,
    policy: &str,
    batch_ns: u64,
    seed: u64,
    chain_id: u64,
    fee_floor: u64,
    limits: &Bound<'_, PyDict>,
    sequencers: Option<u8>,
    bucket_ns: Option<u64>,
    out: Option<PathBuf>,
    on_progress: Option<Py<PyAny>>,
) -> PyResult<Run> {
    let policy = with_sequencers(parse_policy(policy, bucket_ns)?, sequencers)?;
    let mut config = RunConfig {
        chain_id,
        policy,
        fee_floor: Fee::new(fee_floor),
        slot_interval_ns: batch_ns,
        seed,
        ..RunConfig::default()
    };
    if !policy.orders_by_logs() {
        config.sequencers = u32::from(sequencers.unwrap_or(1));
    }
    config.logs = log_sizes(config.sequencer_count());
    for (name, value) in limits {
        set_limit(&mut config.limits, &name.extract::<String>()?, &value)?;
    }
    settings::fit_unset(&mut config.limits, |name| {
        limits.contains(name).unwrap_or(true)
    });
    let workload = &workload.get().inner;
    check_trades(policy, workload.has_trades())?;
    detached(py, || {
        let go_on = |_: usize| ControlFlow::Continue(());
        let writer = out.map(|path| OutputWriter::create(workload, &config, &path, go_on));
        let writer = writer.transpose().map_err(output_error)?;
        let figures = Figures::new(workload, &config).map_err(run_error)?;
        let mut recorder = Recorder::new(workload, &config.limits, writer, figures, on_progress);
        let start = Instant::now();
        let report = hauptbuch_sim::run::run(workload, &config, &mut recorder);
        let elapsed = start.elapsed();
        if let Some(stop) = recorder.stop {
            return Err(stop);
        }
        let report = written(report, recorder.writer)?;
        let (fairness, consensus) = figures_of(&recorder.figures, &report)?;
        let mut order = recorder.order;
        order.sort_unstable_by_key(place);
        Ok(Run {
            slots: recorder.slots,
            order,
            outcomes: recorder.outcomes,
            report,
            sequencer_count: config.sequencer_count(),
            memory: config.for_workload(workload).limits.footprint(),
            elapsed,
            fairness,
            consensus,
        })
    })
}

/// The report, once the output is whole; a writer that failed ended the run, and knows why.
fn written<P: FnMut(usize) -> ControlFlow<()>>(
    report: Result<RunReport, RunError>,
    writer: Option<OutputWriter<'_, P>>,
) -> PyResult<RunReport> {
    match (report, writer) {
        (Err(error), writer) => {
            let cause = writer.and_then(OutputWriter::into_error);
            Err(cause.map_or_else(|| run_error(error), output_error))
        }
        (Ok(report), Some(writer)) => {
            writer.finish(&report).map_err(output_error)?;
            Ok(report)
        }
        (Ok(report), None) => Ok(report),
    }
}

/// By height, rollup and position.
const fn place(row: &OrderRow) -> (Height, u32, u32) {
    (row.height, row.rollup, row.position)
}

/// How fair the order is and how slots were agreed on, as JSON, as far as there is any.
fn figures_of(figures: &Figures, report: &RunReport) -> PyResult<(Option<String>, Option<String>)> {
    let fairness = figures.fairness().map_err(output_error)?;
    let consensus = figures.consensus(report);
    Ok((
        fairness.map(|own| json(&own)).transpose()?,
        consensus.map(|own| json(&own)).transpose()?,
    ))
}

/// What an output would say of it.
pub(crate) fn json(value: &impl Serialize) -> PyResult<String> {
    let text = serde_json::to_string(value);
    text.map_err(|error| internal_error(error.to_string(), Code::Poisoned))
}

/// The greedy rule orders trades, so its input must say what they are.
fn check_trades(policy: Policy, has_trades: bool) -> PyResult<()> {
    if !policy.needs_hints() || has_trades {
        return Ok(());
    }
    let message = "the policy `greedy` needs the columns pool, side, amount, reserve0 and reserve1";
    Err(input_error(message, Code::HintMissing))
}

/// Sets one limit by its name in the core; the parts of a quota stand behind a dot.
fn set_limit(limits: &mut Limits, name: &str, value: &Bound<'_, PyAny>) -> PyResult<()> {
    if !LIMIT_NAMES.contains(&name) {
        let message = format!(
            "unknown limit `{name}`; there are: {}",
            LIMIT_NAMES.join(", ")
        );
        return Err(input_error(message, Code::InvalidArgument));
    }
    let number = value.extract().ok();
    let set = number.map(|number| settings::set_limit(limits, name, number));
    if let Some(Ok(())) = set {
        return Ok(());
    }
    let message = format!("limit `{name}`: {value} is no whole number of its range");
    Err(input_error(message, Code::LimitOutOfRange))
}

/// The policy of that name, with the width of its buckets where it has any.
fn parse_policy(name: &str, bucket_ns: Option<u64>) -> PyResult<Policy> {
    let policy = Policy::from_name(name).ok_or_else(|| {
        let names: Vec<&str> = Policy::ALL.iter().map(|policy| policy.name()).collect();
        let message = format!("unknown policy `{name}`; there are: {}", names.join(", "));
        input_error(message, Code::UnknownPolicy)
    })?;
    match (policy, bucket_ns) {
        (Policy::TimeBucket { .. }, width_ns) => {
            policy.with_parameter(width_ns.unwrap_or(BUCKET_NS_DEFAULT))
        }
        (policy, None) => Some(policy),
        _ => None,
    }
    .ok_or_else(|| {
        let message = "only the policy `time-bucket` has buckets, and their width is over 0";
        input_error(message, Code::PolicyParameterOutOfRange)
    })
}

/// The policy with so many sequencers; one that takes slots from pools has no place for them.
fn with_sequencers(policy: Policy, sequencers: Option<u8>) -> PyResult<Policy> {
    let wrong = |message: &str| Err(input_error(message, Code::PolicyParameterOutOfRange));
    match (policy, sequencers) {
        (Policy::Fair(_), Some(1..=100)) => {
            Ok(Policy::Fair(FairCommittee::of(sequencers.unwrap_or(1))))
        }
        (Policy::Median(_), Some(member_count @ 1..=100)) => {
            Ok(Policy::Median(MedianCommittee { member_count }))
        }
        (Policy::Fair(_) | Policy::Median(_), Some(_)) => wrong("there can be 1 to 100 sequencers"),
        (_, None | Some(1..=100)) => Ok(policy),
        _ => wrong("there can be 1 to 100 sequencers"),
    }
}

/// Nanoseconds of a bucket where nobody chose: the command line's.
const BUCKET_NS_DEFAULT: u64 = 100_000_000;

/// Keeps what it hears of a run, by row of the source, and passes it on to whoever writes it down.
struct Recorder<'a, P> {
    workload: &'a hauptbuch_sim::workload::Workload,
    limits: &'a Limits,
    writer: Option<OutputWriter<'a, P>>,
    figures: Figures,
    slots: Vec<SlotRow>,
    order: Vec<OrderRow>,
    outcomes: Vec<Code>,
    /// Records that were admitted and have not ended, by id. Never iterated.
    live: HashMap<TxId, u32>,
    /// Records whose admission or refusal was heard of; it comes in the order of the workload.
    heard_count: usize,
    on_progress: Option<Py<PyAny>>,
    last_look: Instant,
    stop: Option<PyErr>,
}

impl<'a, P: FnMut(usize) -> ControlFlow<()>> Recorder<'a, P> {
    fn new(
        workload: &'a hauptbuch_sim::workload::Workload,
        limits: &'a Limits,
        writer: Option<OutputWriter<'a, P>>,
        figures: Figures,
        on_progress: Option<Py<PyAny>>,
    ) -> Self {
        Self {
            workload,
            limits,
            writer,
            figures,
            slots: Vec::new(),
            order: Vec::new(),
            outcomes: vec![Code::Ok; workload.len()],
            live: HashMap::new(),
            heard_count: 0,
            on_progress,
            last_look: Instant::now(),
            stop: None,
        }
    }

    /// Notes what became of a transaction; nothing where the event is about none of the workload.
    fn note(&mut self, event: &Event) -> Option<()> {
        let index = if event.code.is_terminal() {
            self.live.remove(&event.id)? as usize
        } else {
            let index = self.heard_count;
            self.heard_count += 1;
            if event.code == Code::Admitted {
                self.live.insert(event.id, index as u32);
            }
            index
        };
        let row = self.workload.source_row(index);
        *self.outcomes.get_mut(row)? = event.code;
        if event.code == Code::Included {
            let arrival = self.workload.records().get(index)?.arrival;
            self.order.push(OrderRow {
                row: row as u64,
                id: event.id,
                rollup: event.rollup.get(),
                height: event.height,
                position: event.position,
                delay_ns: event.tick.saturating_distance(arrival),
            });
        }
        Some(())
    }

    /// Lets the interpreter run signal handlers and the caller's progress report.
    fn look_up(&self, submitted: usize) -> PyResult<()> {
        Python::attach(|py| {
            py.check_signals()?;
            if let Some(report) = &self.on_progress {
                report.call1(py, (submitted,))?;
            }
            Ok(())
        })
    }
}

impl<P: FnMut(usize) -> ControlFlow<()>> Observer for Recorder<'_, P> {
    fn on_slot(&mut self, slot: &Slot<'_>) {
        if let Some(writer) = &mut self.writer {
            writer.on_slot(slot);
        }
        let (mut transaction_bytes, mut gas) = (0, 0);
        if let Ok(mut reader) = SlotReader::new(slot.bytes, self.limits) {
            while let Ok(Some(sub_batch)) = reader.next_sub_batch() {
                transaction_bytes += sub_batch.header.bytes;
                gas += sub_batch.header.gas;
            }
        }
        self.slots.push(SlotRow {
            height: slot.header.height,
            hash: slot.hash,
            time_ns: slot.header.time.get(),
            transaction_count: u64::from(slot.transaction_count),
            transaction_bytes,
            gas,
            encoded_bytes: slot.bytes.len() as u64,
        });
    }

    fn on_decided(&mut self, decided: &Decided<'_>) {
        if let Some(writer) = &mut self.writer {
            writer.on_decided(decided);
        }
        self.figures.on_decided(decided);
    }

    fn on_members(&mut self, membership: &Membership) {
        if let Some(writer) = &mut self.writer {
            writer.on_members(membership);
        }
        self.figures.on_members(membership);
    }

    fn on_final(&mut self, height: Height, certificate: &[u8]) {
        if let Some(writer) = &mut self.writer {
            writer.on_final(height, certificate);
        }
        self.figures.on_final(certificate);
    }

    fn on_event(&mut self, event: &Event) {
        if let Some(writer) = &mut self.writer {
            writer.on_event(event);
        }
        self.figures.on_event(event);
        if self.note(event).is_none() && self.stop.is_none() {
            let message = format!("an event about an unknown transaction: {}", event.id);
            self.stop = Some(internal_error(message, Code::Poisoned));
        }
    }

    fn on_progress(&mut self, submitted: usize) -> ControlFlow<()> {
        if self.last_look.elapsed() >= SLICE {
            if let Err(error) = self.look_up(submitted) {
                self.stop = Some(error);
            }
            self.last_look = Instant::now();
        }
        match &mut self.writer {
            _ if self.stop.is_some() => ControlFlow::Break(()),
            Some(writer) => writer.on_progress(submitted),
            None => ControlFlow::Continue(()),
        }
    }

    fn step_begins(&mut self, step: Step) {
        if let Some(writer) = &mut self.writer {
            writer.step_begins(step);
        }
    }

    fn step_ends(&mut self, step: Step, count: usize) {
        if let Some(writer) = &mut self.writer {
            writer.step_ends(step, count);
        }
    }
}

#[pymethods]
impl Run {
    /// The slots as columns: hashes of 32 bytes, numbers of 8.
    fn slots<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let columns = PyDict::new(py);
        let column = |of: fn(&SlotRow) -> u64| u64s(py, self.slots.iter().map(of));
        columns.set_item("height", column(|slot| slot.height.get())?)?;
        columns.set_item(
            "hash",
            fixed(py, self.slots.iter().map(|slot| *slot.hash.as_bytes()))?,
        )?;
        columns.set_item("time_ns", column(|slot| slot.time_ns)?)?;
        columns.set_item("transactions", column(|slot| slot.transaction_count)?)?;
        columns.set_item("bytes", column(|slot| slot.transaction_bytes)?)?;
        columns.set_item("gas", column(|slot| slot.gas)?)?;
        columns.set_item("encoded_bytes", column(|slot| slot.encoded_bytes)?)?;
        Ok(columns)
    }

    /// The included transactions as columns, by height, rollup and position.
    fn order<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let columns = PyDict::new(py);
        let column = |of: fn(&OrderRow) -> u64| u64s(py, self.order.iter().map(of));
        columns.set_item("row", column(|own| own.row)?)?;
        columns.set_item(
            "id",
            fixed(py, self.order.iter().map(|own| *own.id.as_bytes()))?,
        )?;
        columns.set_item("rollup", column(|own| u64::from(own.rollup))?)?;
        columns.set_item("height", column(|own| own.height.get())?)?;
        columns.set_item("position", column(|own| u64::from(own.position))?)?;
        columns.set_item("delay_ns", column(|own| own.delay_ns)?)?;
        Ok(columns)
    }

    /// By row of the input, the number of what became of it, in 8 bytes each.
    fn outcomes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyByteArray>> {
        u64s(
            py,
            self.outcomes.iter().map(|code| u64::from(code.number())),
        )
    }

    /// How often each thing happened: number and count, in the order of the numbers.
    fn counts(&self) -> Vec<(u16, u64)> {
        let counted = self.report.metrics.counted();
        counted
            .map(|(code, count)| (code.number(), count))
            .collect()
    }

    /// Transactions that were handed in.
    #[getter]
    fn submitted(&self) -> u64 {
        self.report.metrics.submitted
    }

    /// The hash of the last slot, or of the genesis, in hexadecimal.
    #[getter]
    fn final_hash(&self) -> String {
        self.report.last_hash.to_string()
    }

    /// How many sequencers there were.
    #[getter]
    fn sequencer_count(&self) -> u32 {
        self.sequencer_count
    }

    /// Bytes that the sequencer took when it was made.
    #[getter]
    fn footprint_bytes(&self) -> u64 {
        let committee = self.report.committee.as_ref();
        let committee = committee.map_or(0, |own| own.footprint_bytes);
        self.report.footprint_bytes.saturating_add(committee)
    }

    /// What those bytes are for.
    fn memory(&self) -> Vec<(&'static str, u64)> {
        let parts = self.memory.parts().iter();
        let committee = self.report.committee.as_ref();
        let committee = committee.map(|own| (COMMITTEE_MEMORY, own.footprint_bytes));
        let parts = parts.map(|part| (part.name, part.bytes));
        parts.chain(committee).collect()
    }

    /// How fair each rollup's order is, as JSON; nothing unless logs give the order.
    fn fairness(&self) -> Option<&str> {
        self.fairness.as_deref()
    }

    /// How the committee agreed, as JSON; nothing unless members sign.
    fn consensus(&self) -> Option<&str> {
        self.consensus.as_deref()
    }

    /// How long the run took by the clock on the wall, in nanoseconds.
    #[getter]
    fn elapsed_ns(&self) -> u64 {
        u64::try_from(self.elapsed.as_nanos()).unwrap_or(u64::MAX)
    }

    /// From arrival to slot in simulated nanoseconds: count, min, p50, p90, p99, p99.9, max.
    fn delay_quantiles(&self) -> [u64; 7] {
        let own = self.report.delays.quantiles();
        [
            own.count, own.min, own.p50, own.p90, own.p99, own.p999, own.max,
        ]
    }
}

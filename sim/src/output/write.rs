//! Writes a run's output while it goes on.

use core::ops::ControlFlow;
use std::path::{Path, PathBuf};

use hauptbuch_core::codec::Writer;
use hauptbuch_core::coordinator::Slot;
use hauptbuch_core::event::Event;
use hauptbuch_core::ordering::fair::stream::DrainOutcome;
use hauptbuch_core::sequencer::Membership;
use hauptbuch_core::types::{Hash, Height, Tick, Transaction, TxId};
use hauptbuch_core::vote::MEMBER_COUNT_MAX;

use super::directory::Staging;
use super::error::{OutputError, ROLLUP_NAME_BYTES_MAX};
use super::format::{
    BATCHES, BatchLine, FORMAT_VERSION, FileEntry, GENESIS, Genesis, InputSummary, KIND, LogLine,
    MANIFEST, Manifest, MemoryPart, RECEIPTS, REPORT, SUMMARY, Summary, TIMING, Timing,
    TransactionCounts,
};
use super::hashed::{HashedFile, write_whole};
use super::json::{Digest, Number, document, push_line};
use super::members::ConsensusSummary;
use super::report::{self, Observations};
use super::signed::{Certificates, LogLines};
use super::tally::Tally;
use super::timing::{Stopwatch, timing_bytes};
use crate::committee::{Decided, Setup};
use crate::fairness::{FairnessReport, LogFigures};
use crate::hex;
use crate::prometheus;
use crate::run::{EPOCH_UNIX_NS, Observer, Quantiles, RunConfig, RunError, RunReport, Step, run};
use crate::workload::Workload;
use crate::write::canonical_sha256;

/// What was written, and where.
#[derive(Clone, Debug)]
pub struct Written {
    /// The directory.
    pub directory: PathBuf,
    /// What `summary.json` says.
    pub summary: Summary,
    /// What `timing.json` says.
    pub timing: Timing,
    /// The run's metrics as text that Prometheus reads; the same input and seed give the same.
    pub prometheus: String,
}

/// Runs one sequencer over the workload, and writes what comes of it to `directory`.
///
/// The directory is replaced whole, and only if it is missing, empty or the output of a run; its
/// parent must be there. On any error it is left as it was, and nothing lies beside it.
/// `progress` hears how many records have been submitted, and can end the run.
///
/// # Errors
/// An [`OutputError`], whose text is one line for the user.
pub fn run_to_directory(
    workload: &Workload,
    config: &RunConfig,
    directory: &Path,
    progress: impl FnMut(usize) -> ControlFlow<()>,
) -> Result<Written, OutputError> {
    let mut writer = OutputWriter::create(workload, config, directory, progress)?;
    match run(workload, config, &mut writer) {
        Ok(report) => writer.finish(&report),
        Err(error) => Err(writer.error.unwrap_or(OutputError::Run(error))),
    }
}

/// Hears of a run and writes its output; dropped before [`OutputWriter::finish`], it leaves nothing
/// behind.
#[derive(Debug)]
pub struct OutputWriter<'a, P> {
    workload: &'a Workload,
    config: RunConfig,
    // Files stand before the directory, so that they are closed when it is removed.
    batches: HashedFile,
    certificates: Certificates,
    logs: LogLines,
    genesis_hash: Hash,
    figures: Option<LogFigures>,
    arrivals: &'static str,
    staging: Staging,
    tally: Tally,
    observations: Observations,
    stopwatch: Stopwatch,
    progress: P,
    error: Option<OutputError>,
    /// Memory for the digits and the line of a slot, used again and again.
    digits: String,
    line: Vec<u8>,
}

impl<'a, P: FnMut(usize) -> ControlFlow<()>> OutputWriter<'a, P> {
    /// Starts the output of a run of `workload` with `config`.
    ///
    /// # Errors
    /// As [`run_to_directory`].
    pub fn create(
        workload: &'a Workload,
        config: &RunConfig,
        directory: &Path,
        progress: P,
    ) -> Result<Self, OutputError> {
        let config = config.for_workload(workload);
        let core_config = config.core_config(workload.rollups().len());
        let core_config = core_config.map_err(RunError::Config)?;
        config
            .limits
            .check()
            .map_err(|error| RunError::Config(error.into()))?;
        let is_too_long = |name: &String| name.len() > ROLLUP_NAME_BYTES_MAX;
        if let Some(rollup) = workload.rollups().iter().position(is_too_long) {
            let rollup = rollup as u32;
            return Err(OutputError::RollupName { rollup });
        }
        let staging = Staging::create(directory)?;
        Ok(Self {
            workload,
            genesis_hash: core_config.genesis_hash(&config.limits),
            batches: HashedFile::create(&staging, BATCHES)?,
            certificates: Certificates::create(&staging, config.membership.is_changeable())?,
            logs: LogLines::create(&staging, u32::from(MEMBER_COUNT_MAX))?,
            figures: figures(&config, workload.rollups().len())?,
            arrivals: config.arrivals_text(workload),
            staging,
            tally: Tally::default(),
            observations: Observations::default(),
            stopwatch: Stopwatch::start(),
            progress,
            error: None,
            digits: String::new(),
            line: Vec::new(),
            config,
        })
    }

    /// Why it ended the run, if it did: what else a run that was interrupted would hide.
    #[must_use]
    pub fn into_error(self) -> Option<OutputError> {
        self.error
    }

    /// Writes what is left once the run has come to its end, and puts the directory in its place.
    ///
    /// # Errors
    /// As [`run_to_directory`].
    pub fn finish(mut self, report: &RunReport) -> Result<Written, OutputError> {
        if let Some(error) = self.error {
            return Err(error);
        }
        let counts = self.tally.counts(report)?;
        let genesis = self.genesis()?;
        let genesis = write_whole(&self.staging, GENESIS, &document(&genesis))?;
        let batches = self.batches.finish()?;
        let logs = self.logs.finish(self.certificates.membership().is_some())?;
        let (certificates, consensus) = self.certificates.finish(report)?;
        let fairness = match &self.figures {
            Some(figures) => Some(fairness(figures, self.arrivals, |id| {
                self.tally.place_of(id)
            })?),
            None => None,
        };
        let receipts = write_receipts(&self.staging, &self.tally, &self.config, self.workload)?;
        let last_hash = match report.slot_count {
            0 => self.genesis_hash,
            _ => report.last_hash,
        };
        let rollup_count = self.workload.rollups().len() as u32;
        let facts = SummaryFacts {
            input: input_summary(self.workload),
            rollup_count,
            counts,
            slot_count: report.slot_count,
            last_hash,
            delays: report.delays.quantiles(),
            fairness,
            consensus,
            memory: memory(&self.config, rollup_count),
        };
        let summary = facts.summary(&self.config);
        let summary_entry = write_whole(&self.staging, SUMMARY, &document(&summary))?;
        let manifest = Manifest {
            kind: KIND.into(),
            format: FORMAT_VERSION,
            files: vec![
                batches,
                certificates,
                genesis,
                logs,
                receipts,
                summary_entry,
            ],
        };
        write_whole(&self.staging, MANIFEST, &document(&manifest))?;
        let submitted = summary.transactions.submitted.0;
        let timing = self.stopwatch.finish(submitted, last_hash.into());
        write_whole(&self.staging, TIMING, &timing_bytes(&timing))?;
        let page = report::Page {
            summary: &summary,
            timing: &timing,
            workload: self.workload,
            delays_ns: report.delays.as_ns(),
            observations: &self.observations,
            config: &self.config,
        };
        write_whole(&self.staging, REPORT, &page.bytes())?;
        Ok(Written {
            directory: self.staging.settle()?,
            summary,
            timing,
            prometheus: prometheus::text(&report.metrics, &report.gauges),
        })
    }

    /// What the run starts from, once it is known who signs.
    fn genesis(&self) -> Result<Genesis, OutputError> {
        let names = self.workload.rollups();
        let core_config = self.config.core_config(names.len());
        let core_config = core_config.map_err(RunError::Config)?;
        let membership = self.certificates.membership();
        Ok(Genesis::new(&self.config, &core_config, names, membership))
    }

    fn write_logs(&mut self, decided: &Decided<'_>) -> Result<(), OutputError> {
        let contradiction = OutputError::Contradiction("a no-op was never admitted");
        let mut no_ops = Vec::new();
        let drained = decided.stream.drained().iter();
        for id in drained.filter(|it| it.outcome != DrainOutcome::Included) {
            let place = self.tally.place_of(&id.id.id);
            let record = place.and_then(|place| self.workload.records().get(place as usize));
            let Some(record) = record else {
                return Err(contradiction);
            };
            let (envelope, payload) = (record.envelope, self.workload.payload(record));
            let transaction = Transaction { envelope, payload };
            let mut canonical = vec![0; transaction.encoded_len()];
            let written = transaction.encode(&mut Writer::new(&mut canonical));
            debug_assert!(written.is_ok(), "the buffer has the encoding's length");
            no_ops.push(hex::text(&canonical));
        }
        let mut cut = vec![0; decided.cut.encoded_len()];
        let written = decided.cut.encode(&mut Writer::new(&mut cut));
        debug_assert!(written.is_ok(), "the buffer has the encoding's length");
        let line = LogLine {
            height: Number(decided.height.get()),
            cut: hex::text(&cut),
            extensions: Vec::new(),
            no_ops,
            signatures: None,
        };
        let ends_epoch = decided.next_membership != Hash::ZERO;
        self.logs.add(line, decided.extensions, ends_epoch)
    }

    fn write_slot(&mut self, slot: &Slot<'_>) -> Result<(), OutputError> {
        let mut digits = std::mem::take(&mut self.digits).into_bytes();
        digits.clear();
        hex::encode(slot.bytes, &mut digits);
        self.digits = String::from_utf8(digits).unwrap_or_default();
        let Self {
            tally,
            observations,
            ..
        } = self;
        let tick = Tick::new(slot.header.time.get().saturating_sub(EPOCH_UNIX_NS));
        observations.begin_slot(tick, slot.transaction_count);
        let line = BatchLine::new(slot.bytes, &self.digits, &self.config.limits, |sub_batch| {
            tally.add_running_hash(sub_batch.header.running_hash);
            observations.add_sub_batch(sub_batch);
        });
        let line = line.map_err(|_| OutputError::Contradiction("a slot does not decode"))?;
        self.certificates.expect(slot.header.height, slot.hash);
        self.line.clear();
        push_line(&line, &mut self.line);
        self.batches.write(&self.line)
    }
}

impl<P: FnMut(usize) -> ControlFlow<()>> Observer for OutputWriter<'_, P> {
    fn on_slot(&mut self, slot: &Slot<'_>) {
        if self.error.is_none() {
            self.error = self.write_slot(slot).err();
        }
    }

    fn on_decided(&mut self, decided: &Decided<'_>) {
        if let Some(figures) = &mut self.figures {
            figures.add(decided.entries, decided.stream);
        }
        if self.error.is_none() {
            self.error = self.write_logs(decided).err();
        }
    }

    fn on_members(&mut self, membership: &Membership) {
        self.certificates.begin(membership);
    }

    fn on_final(&mut self, _height: Height, certificate: &[u8]) {
        self.stopwatch.decided();
        if self.error.is_none() {
            self.error = self.certificates.add(certificate).err();
        }
    }

    fn on_event(&mut self, event: &Event) {
        self.tally.add(event);
    }

    fn on_progress(&mut self, submitted: usize) -> ControlFlow<()> {
        match self.error {
            None => (self.progress)(submitted),
            Some(_) => ControlFlow::Break(()),
        }
    }

    fn step_begins(&mut self, step: Step) {
        self.stopwatch.begin(step);
    }

    fn step_ends(&mut self, step: Step, count: usize) {
        self.stopwatch.end(step, count);
    }
}

/// Writes what became of each transaction.
fn write_receipts(
    staging: &Staging,
    tally: &Tally,
    config: &RunConfig,
    workload: &Workload,
) -> Result<FileEntry, OutputError> {
    let mut receipts = HashedFile::create(staging, RECEIPTS)?;
    tally.write_lines(config.policy.name(), workload.rollups().len(), |line| {
        let written = receipts.write(line);
        line.clear();
        written
    })?;
    receipts.finish()
}

/// All that a summary follows from beside the configuration.
pub(super) struct SummaryFacts {
    pub(super) input: InputSummary,
    pub(super) rollup_count: u32,
    pub(super) counts: TransactionCounts,
    pub(super) slot_count: u64,
    pub(super) last_hash: Hash,
    pub(super) delays: Quantiles,
    pub(super) fairness: Option<Vec<FairnessReport>>,
    pub(super) consensus: Option<ConsensusSummary>,
    /// What was taken from the allocator. It depends on the build, so no other can recompute it.
    pub(super) memory: Vec<MemoryPart>,
}

impl SummaryFacts {
    pub(super) fn summary(self, config: &RunConfig) -> Summary {
        let bytes = self.memory.iter().map(|part| part.bytes.0);
        Summary {
            format: FORMAT_VERSION,
            input: self.input,
            seed: Number(config.seed),
            policy: config.policy.name().into(),
            sequencers: config.sequencer_count(),
            rollups: self.rollup_count,
            slot_interval_ns: Number(config.slot_interval_ns),
            transactions: self.counts,
            batches: Number(self.slot_count),
            final_batch_hash: self.last_hash.into(),
            delay_ns: self.delays.into(),
            memory_bytes: Number(bytes.fold(0, u64::saturating_add)),
            memory: self.memory,
            signed: self.consensus.is_some(),
            fairness: self.fairness,
            consensus: self.consensus,
        }
    }
}

/// What a summary calls the memory that receive logs and their order take at each member.
pub const COMMITTEE_MEMORY: &str = "logs and order fairness";

/// What a run with this configuration takes from the allocator in this build.
fn memory(config: &RunConfig, rollup_count: u32) -> Vec<MemoryPart> {
    let footprint = config.limits.footprint();
    let parts = footprint.parts().iter().map(|part| (part.name, part.bytes));
    let committee = committee_bytes(config, rollup_count);
    parts
        .chain(committee.map(|bytes| (COMMITTEE_MEMORY, bytes)))
        .map(|(name, bytes)| MemoryPart {
            name: name.into(),
            bytes: Number(bytes),
        })
        .collect()
}

/// What order fairness takes at each member, under a policy that orders by logs.
fn committee_bytes(config: &RunConfig, rollup_count: u32) -> Option<u64> {
    let core_config = config.core_config(rollup_count as usize).ok()?;
    let setup = Setup::of(&core_config, &config.limits).ok()?;
    Some(setup.footprint_bytes())
}

/// What follows the logs of a run with this configuration; nothing without logs, nor where members
/// change: the figures are those of one committee.
pub(super) fn figures(
    config: &RunConfig,
    rollup_count: usize,
) -> Result<Option<LogFigures>, RunError> {
    if !config.policy.orders_by_logs() || config.membership.is_changeable() {
        return Ok(None);
    }
    let core_config = config.core_config(rollup_count)?;
    let setup = Setup::of(&core_config, &config.limits)?;
    let parameters = setup.fair.parameters;
    Ok(Some(LogFigures::new(parameters, rollup_count as u32)))
}

/// How fair a run's order is.
pub(super) fn fairness(
    figures: &LogFigures,
    arrivals: &str,
    place: impl Fn(&TxId) -> Option<u32>,
) -> Result<Vec<FairnessReport>, OutputError> {
    let reports = figures.reports(arrivals, place);
    reports.map_err(|_| OutputError::Contradiction("logs and slots do not fit together"))
}

fn input_summary(workload: &Workload) -> InputSummary {
    let provenance = workload.provenance();
    let sha256 = provenance
        .sha256
        .unwrap_or_else(|| canonical_sha256(workload));
    InputSummary {
        name: provenance.file_name.clone(),
        format: provenance.format.name().into(),
        sha256: Digest(sha256),
        rows: Number(workload.len() as u64),
        nonce_gaps_closed: Number(provenance.nonce_gaps_closed),
        notes: provenance.notes.clone(),
    }
}

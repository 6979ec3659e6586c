//! `hauptbuch simulate`.

use std::io::Write as _;

use clap::Args;
use hauptbuch_sim::output::text::{bytes, counted, grouped};
use hauptbuch_sim::world::{Fault, FaultSet, RunReport, Settings, Summary, Violations, run};

use crate::failure::Failure;
use crate::print::{self, Table};

/// The most runs of one call.
const RUN_COUNT_MAX: u64 = 1_000_000_000;
/// Seeds that the table lists at most; `--json` lists more.
const SEED_ROWS_MAX: usize = 10;
/// The policy that a world without transactions can stand for.
const POLICY: &str = "fcfs";

/// Options of `simulate`.
#[derive(Debug, Args)]
pub struct SimulateOptions {
    /// How many sequencers decide, 1 to 100; Byzantine faults need 4.
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub sequencers: u16,
    /// How many heights each correct one has to decide, 1 to 10,000.
    #[arg(long, value_name = "H", default_value_t = 5)]
    pub heights: u64,
    /// What may go wrong, with commas between: `crash`, `power-loss`, `partition`, `loss`, and of
    /// the Byzantine kinds `twins`, `equivocate`, `withhold`, `flood`; or `none`. All that so many
    /// sequencers can bear unless given. Each run draws from them.
    #[arg(long, value_name = "LIST")]
    pub faults: Option<String>,
    /// The seed of the first run; each later run has the next one.
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub seed: u64,
    /// How many runs.
    #[arg(long, value_name = "R", default_value_t = 1)]
    pub runs: u64,
    /// How decided slots are ordered: `fcfs`. What is decided here are slots without content, so
    /// other policies have nothing to order.
    #[arg(long, value_name = "NAME", default_value = POLICY)]
    pub policy: String,
    /// Print everything that happens, for one run: to standard output, or with `--json` to
    /// standard error.
    #[arg(long)]
    pub trace: bool,
}

/// Runs worlds, and says which rules were broken.
pub fn simulate(options: &SimulateOptions, json: bool) -> Result<(), Failure> {
    let settings = settings(options)?;
    let mut summary = Summary::new(&settings, options.seed);
    let bar = print::progress(options.runs).with_message("worlds");
    let mut first = None;
    for number in 0..options.runs {
        let seed = options.seed.wrapping_add(number);
        let report = if options.trace {
            traced(&settings, seed, json)?
        } else {
            run(&settings, seed, None)
        };
        first = first.or_else(|| report.first.clone());
        summary.add(&report);
        bar.inc(1);
    }
    bar.finish_and_clear();
    if json {
        print::json(&summary)?;
    } else {
        print::text(&table(&summary).render())?;
    }
    verdict(&summary, first.as_deref().unwrap_or_default())
}

/// A failure that says how to see the first broken rule again, where one was.
fn verdict(summary: &Summary, first: &str) -> Result<(), Failure> {
    let Some(seed) = summary.failed_seeds.first() else {
        return Ok(());
    };
    let replay = format!(
        "hauptbuch simulate --sequencers {} --heights {} --faults {} --seed {seed} --trace",
        summary.sequencers, summary.heights, summary.faults
    );
    let failed = grouped(summary.failed_runs);
    let runs = counted(summary.runs, "run");
    Err(Failure::failed(format!(
        "{failed} of {runs} broke a rule ({first}); replay the first with `{replay}`"
    )))
}

fn settings(options: &SimulateOptions) -> Result<Settings, Failure> {
    if options.policy != POLICY {
        return Err(Failure::bad_input(format!(
            "--policy {}: `simulate` decides slots without transactions, so there is nothing to \
             order but by `{POLICY}`",
            options.policy
        )));
    }
    if !(1..=RUN_COUNT_MAX).contains(&options.runs) {
        return Err(Failure::bad_input(format!(
            "--runs: 1 to {} worlds",
            grouped(RUN_COUNT_MAX)
        )));
    }
    if options.trace && options.runs > 1 {
        return Err(Failure::bad_input(
            "--trace shows one run; leave --runs out, and name its seed",
        ));
    }
    let faults = match &options.faults {
        Some(list) => FaultSet::parse(list),
        None => Ok(bearable(options.sequencers)),
    };
    let faults = faults.map_err(|error| Failure::bad_input(format!("--faults: {error}")))?;
    let settings = Settings::new(options.sequencers, options.heights, faults);
    settings
        .check()
        .map_err(|error| Failure::bad_input(error.to_string()))?;
    Ok(settings)
}

/// All faults, or those without a liar where one would weigh a third.
fn bearable(sequencers: u16) -> FaultSet {
    let mut faults = FaultSet::NONE;
    for fault in Fault::ALL {
        if sequencers >= 4 || !fault.is_byzantine() {
            faults.insert(fault);
        }
    }
    faults
}

fn traced(settings: &Settings, seed: u64, json: bool) -> Result<RunReport, Failure> {
    let mut written = Ok(());
    let mut out: Box<dyn std::io::Write> = if json {
        Box::new(std::io::stderr().lock())
    } else {
        Box::new(std::io::stdout().lock())
    };
    let mut trace = |line: &str| {
        if written.is_ok() {
            written = writeln!(out, "{line}");
        }
    };
    let report = run(settings, seed, Some(&mut trace));
    written = written.and_then(|()| out.flush());
    print::settle(written)?;
    Ok(report)
}

fn table(summary: &Summary) -> Table {
    let mut table = Table::default();
    let sequencers = counted(u64::from(summary.sequencers), "sequencer");
    table.title(format!("Simulated: {sequencers} under {}", summary.faults));
    table.count("runs", summary.runs, format!("seeds from {}", summary.seed));
    table.count("heights", summary.heights, "wanted of every correct member");
    let fewest = "the fewest of any correct member in any run";
    table.count("heights decided", summary.heights_decided_min, fewest);
    add_broken(&mut table, &summary.violations);
    add_rest(&mut table, summary);
    if !summary.failed_seeds.is_empty() {
        table.title("Seeds that failed");
        for seed in summary.failed_seeds.iter().take(SEED_ROWS_MAX) {
            table.row("seed", seed.to_string(), "");
        }
    }
    table
}

fn add_broken(table: &mut Table, broken: &Violations) {
    table.title("Rules that were broken");
    let mut row = |label, count, remark: &str| table.count(label, count, remark);
    row(
        "agreement",
        broken.agreement_violations,
        "two decisions in one height",
    );
    row(
        "validity",
        broken.validity_violations,
        "a decision that is bad, or was not proposed",
    );
    row(
        "liveness",
        broken.liveness_violations,
        "members that did not decide in time",
    );
    row(
        "double signatures",
        broken.double_signatures,
        "of correct members",
    );
    row(
        "false evidence",
        broken.false_evidence,
        "against correct members, or without proof",
    );
    row(
        "locks",
        broken.lock_violations,
        "votes against the own lock, or without a polka",
    );
    row(
        "barrier",
        broken.barrier_violations,
        "votes before their record was on disk",
    );
    row(
        "certificates",
        broken.certificate_violations,
        "without a quorum of true signatures",
    );
    row(
        "unbounded inputs",
        broken.unbounded_inputs,
        "with more effects than their bound",
    );
    row("invariants", broken.broken_invariants, "of an engine");
}

fn add_rest(table: &mut Table, summary: &Summary) {
    table.title("Beside that");
    let mut row = |label, count, remark: &str| table.count(label, count, remark);
    row("events", summary.events, "");
    row(
        "stops",
        summary.crashes,
        "of members, each with what was not on disk",
    );
    row(
        "evidence",
        summary.evidence,
        "found against members that contradict themselves",
    );
    row(
        "highest round",
        u64::from(summary.round_max),
        "0 where first proposals are decided",
    );
    row("effects", summary.effects_max, "at most, after one input");
    let memory = bytes(summary.memory_bytes_max);
    table.row("memory", memory, "of one member's engine; it never grows");
    table.row(
        "signatures",
        summary.signatures,
        "a test double, no post-quantum scheme",
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_rule_fails_with_the_command_that_replays_it() {
        let settings = Settings::new(4, 3, FaultSet::parse("loss,crash").unwrap());
        let mut summary = Summary::new(&settings, 5);
        let mut report = RunReport {
            seed: 5,
            ..RunReport::default()
        };
        summary.add(&report);
        assert!(verdict(&summary, "").is_ok());
        report.seed = 6;
        report.violations.agreement_violations = 2;
        summary.add(&report);
        let failure = format!("{:?}", verdict(&summary, "two decisions").unwrap_err());
        assert!(failure.contains("exit_code: 1"), "{failure}");
        let line = "1 of 2 runs broke a rule (two decisions); replay the first with `hauptbuch \
                    simulate --sequencers 4 --heights 3 --faults crash,loss --seed 6 --trace`";
        assert!(failure.contains(line), "{failure}");
        assert!(table(&summary).render().contains("Seeds that failed"));
    }
}

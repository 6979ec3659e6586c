//! `hauptbuch run`.

use core::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hauptbuch_core::config::Policy;
use hauptbuch_core::error::{Code, Fault};
use hauptbuch_sim::fairness::FairnessReport;
use hauptbuch_sim::output::text::{bytes, counted, duration, grouped, percent};
use hauptbuch_sim::output::{ConsensusSummary, Summary, Timing, Written, run_to_directory};
use hauptbuch_sim::workload::Workload;
use serde::Serialize;

use crate::args::RunOptions;
use crate::config::{Settings, settings};
use crate::failure::Failure;
use crate::input;
use crate::print::{self, Table};

/// Runs, and says what came of it.
pub fn run(options: &RunOptions, json: bool) -> Result<(), Failure> {
    let Settings {
        run: config,
        rollups,
        nonces,
    } = settings(options)?;
    let workload = match &options.input {
        Some(path) => input::from_file(path, nonces, rollups)?,
        None => input::generated(options.count, config.seed, rollups)?,
    };
    check_trades(&workload, config.policy)?;
    let is_interrupted = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&is_interrupted);
    // Without a handler an interruption ends the process at once, as it would anyway.
    let _ = ctrlc::set_handler(move || flag.store(true, Ordering::Relaxed));
    let bar = print::progress(workload.len() as u64).with_message("submitted");
    let written = run_to_directory(&workload, &config, &options.out, |submitted| {
        bar.set_position(submitted as u64);
        if is_interrupted.load(Ordering::Relaxed) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    bar.finish_and_clear();
    let written = written?;
    if let Some(path) = &options.metrics {
        write_metrics(path, &written)?;
    }
    if json {
        print::json(&RunJson {
            directory: written.directory.display().to_string(),
            summary: &written.summary,
            timing: &written.timing,
        })
    } else {
        print::text(&table(options, &written).render())
    }
}

/// What `--json` prints: the summary, and beside it the timing and the place.
#[derive(Serialize)]
struct RunJson<'a> {
    directory: String,
    #[serde(flatten)]
    summary: &'a Summary,
    timing: &'a Timing,
}

/// The greedy rule orders trades, so its input must say what they are.
fn check_trades(workload: &Workload, policy: Policy) -> Result<(), Failure> {
    if !policy.needs_hints() || workload.has_trades() {
        return Ok(());
    }
    Err(Failure::bad_input(format!(
        "--policy {}: the input names no trades; it needs the columns pool, side, amount, reserve0 \
         and reserve1",
        policy.name()
    )))
}

/// Writes the metrics of a run that has ended.
fn write_metrics(path: &Path, written: &Written) -> Result<(), Failure> {
    let written = std::fs::write(path, &written.prometheus);
    written.map_err(|error| Failure::bad_input(format!("{}: {error}", path.display())))
}

fn table(options: &RunOptions, written: &Written) -> Table {
    let Written {
        directory,
        summary,
        timing,
        ..
    } = written;
    let mut table = Table::default();
    table.title(input_title(summary));
    table.row("rollups", grouped(u64::from(summary.rollups)), "");
    table.count("transactions", summary.input.rows.0, "");
    for note in &summary.input.notes {
        table.row("", "", note);
    }
    table.title(format!(
        "{}, policy {}, a slot every {}, seed {}",
        match summary.sequencers {
            1 => "One sequencer".to_owned(),
            more => format!("{more} sequencers"),
        },
        summary.policy,
        duration(summary.slot_interval_ns.0),
        summary.seed
    ));
    add_outcomes(&mut table, summary);
    table.title("Speed on this machine");
    add_speed(&mut table, timing);
    table.title("Delay from arrival to slot, in simulated time");
    let delay = &summary.delay_ns;
    for (label, value, remark) in [
        ("shortest", delay.min, ""),
        ("median", delay.p50, ""),
        ("90 %", delay.p90, "wait no longer"),
        ("99 %", delay.p99, "wait no longer"),
        ("longest", delay.max, ""),
    ] {
        table.row(label, duration(value.0), remark);
    }
    if let Some(consensus) = &summary.consensus {
        add_consensus(&mut table, consensus, timing);
    }
    for figures in summary.fairness.iter().flatten().enumerate() {
        add_fairness(&mut table, figures);
    }
    table.title("Memory, taken once when the sequencer is made");
    for part in &summary.memory {
        table.row(&part.name, bytes(part.bytes.0), "");
    }
    table.row("in all", bytes(summary.memory_bytes.0), "");
    table.title("Output");
    table.count("slots", summary.batches.0, "");
    table.row("last hash", "", summary.final_batch_hash.to_string());
    table.row("directory", "", directory.display().to_string());
    let (signed, remark) = match summary.signed {
        true => (
            "yes",
            "by the committee, with keys that follow from the seed",
        ),
        false => ("no", "one process alone has nobody to vouch for it"),
    };
    table.row("signed", signed, remark);
    let shown = options.out.display();
    table.row("check it", "", format!("hauptbuch verify {shown}"));
    table
}

fn input_title(summary: &Summary) -> String {
    let input = &summary.input;
    let name = if input.name.is_empty() {
        "built-in workload".to_owned()
    } else {
        format!("{} ({})", input.name, input.format)
    };
    format!("Input: {name}, SHA-256 {:.16}…", input.sha256.to_string())
}

fn add_outcomes(table: &mut Table, summary: &Summary) {
    let counts = &summary.transactions;
    let submitted = counts.submitted.0;
    table.count("submitted", submitted, "");
    let admitted = counts.admitted.0;
    table.count("admitted", admitted, percent(admitted, submitted));
    for (label, count, code) in [
        ("  included", counts.included, Code::Included),
        ("  expired", counts.expired, Code::Expired),
        ("  evicted", counts.evicted, Code::Evicted),
        ("  replaced", counts.replaced, Code::Replaced),
        ("  cancelled", counts.cancelled, Code::Cancelled),
        ("  revoked", counts.revoked, Code::Revoked),
        ("  superseded", counts.superseded, Code::Superseded),
    ] {
        if count.0 > 0 || code == Code::Included {
            let share = percent(count.0, submitted);
            table.count(label, count.0, format!("{share:<7}  {}", code.message()));
        }
    }
    let rejected = counts.rejected.sum();
    table.count("rejected", rejected, percent(rejected, submitted));
    for (code, count) in &counts.rejected.0 {
        let share = percent(*count, submitted);
        let remark = format!("{share:<7}  {} ({})", code.message(), fault(*code));
        table.count(&format!("  {}", code.name()), *count, remark);
    }
}

const fn fault(code: Code) -> &'static str {
    match code.fault() {
        Fault::Sender => "the sender's to change",
        Fault::Operator => "the operator's to change",
        Fault::Caller => "the calling program's to change",
        _ => "nobody's fault",
    }
}

/// How the committee agreed.
fn add_consensus(table: &mut Table, consensus: &ConsensusSummary, timing: &Timing) {
    table.title(format!(
        "Committee of {}, signing with {}",
        consensus.members, consensus.suite
    ));
    for epoch in consensus.epochs.iter().flatten() {
        let numbers: Vec<String> = epoch.sequencers.iter().map(u32::to_string).collect();
        let first = grouped(epoch.first_height.0);
        let remark = format!("from slot {first} on: sequencers {}", numbers.join(", "));
        let label = format!("members in epoch {}", epoch.epoch);
        table.count(&label, u64::from(epoch.members), remark);
    }
    let heights = consensus.heights.0;
    table.count("slots decided", heights, "each with a certificate");
    let remark = match consensus.round_changes.0 {
        0 => "at most; every first proposal was decided".to_owned(),
        some => format!("at most; {} without a decision", counted(some, "round")),
    };
    table.count("rounds", u64::from(consensus.rounds_max), remark);
    let mean = consensus.certificate_bytes.0.checked_div(heights);
    let remark = format!(
        "on average; {} in all",
        bytes(consensus.certificate_bytes.0)
    );
    table.row("certificate", bytes(mean.unwrap_or(0)), remark);
    let signed = consensus.certificates_signed.iter().map(|it| it.0);
    let (least, most) = (signed.clone().min(), signed.max());
    let remark = match (least, most) {
        (Some(least), Some(most)) if least < most => {
            format!(
                "certificates by the member that signed most; {} by the least",
                grouped(least)
            )
        }
        _ => "certificates by each member".to_owned(),
    };
    table.count("signed", most.unwrap_or(0), remark);
    let remark = format!("and {}", counted(consensus.proposals.0, "proposal"));
    table.count("votes", consensus.votes.0, remark);
    let remark = format!("made; {} checked", grouped(consensus.signatures_verified.0));
    table.count("signatures", consensus.signatures_made.0, remark);
    if let Some(decision) = &timing.decision_ns {
        let remark = format!(
            "median on this machine; 99 % within {}",
            duration(decision.p99.0)
        );
        table.row("to a decision", duration(decision.p50.0), remark);
    }
}

/// How fair one rollup's order is.
fn add_fairness(table: &mut Table, (rollup, figures): (usize, &FairnessReport)) {
    table.title(format!(
        "Fairness on rollup {rollup}: {}, n = {}, f = {}",
        figures.arrivals, figures.sequencers, figures.faults
    ));
    let gamma = &figures.gamma;
    let bound = format!("by {} of {}", figures.quorum, figures.sequencers);
    table.count("pairs bound", gamma.bound.0, bound);
    table.count(
        "  reversed",
        gamma.violations.0,
        "though no circle excuses it",
    );
    table.count(
        "  in circles",
        gamma.reversed_in_cycles.0,
        "reversed as the promise allows",
    );
    let pairs = &figures.pairs;
    let share = percent(pairs.backward.0, pairs.compared.0);
    let reach = format!(
        "{share} of {}, up to {} places apart",
        grouped(pairs.compared.0),
        grouped(u64::from(pairs.places_max))
    );
    table.count("against majority", pairs.backward.0, reach);
    let displacement = &figures.displacement;
    let remark = format!(
        "places from where it was sent; 95 % within {}",
        displacement.p95
    );
    table.count(
        "displacement",
        u64::from(displacement.p50),
        format!("median {remark}"),
    );
    let components = &figures.components;
    let largest = format!("the largest has {}", grouped(u64::from(components.largest)));
    table.count("batches", components.count.0, largest);
    let deferred = &figures.deferred_rounds;
    let remark = format!(
        "slots after it was solid at most; 95 % within {}",
        deferred.p95
    );
    table.count("deferred", u64::from(deferred.max), remark);
}

fn add_speed(table: &mut Table, timing: &Timing) {
    table.count(
        "transactions/s",
        timing.transactions_per_s.0,
        "through the sequencer",
    );
    table.row("at work", duration(timing.elapsed_ns.0), "");
    for step in &timing.steps {
        let each = step.total_ns.0.checked_div(step.transactions.0);
        let each = each.map_or_else(String::new, |ns| format!("{} a transaction", duration(ns)));
        table.row(&format!("  {}", step.step), duration(step.total_ns.0), each);
    }
    let total = duration(timing.total_ns.0);
    table.row("with writing", total, "and hashing the output");
}

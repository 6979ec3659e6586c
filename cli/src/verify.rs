//! `hauptbuch verify`.

use hauptbuch_core::types::Hash;
use hauptbuch_sim::output::text::{bytes, counted, grouped};
use hauptbuch_sim::output::{ConsensusSummary, Digest, OutputError, VerifyReport};
use serde::Serialize;

use crate::args::VerifyOptions;
use crate::failure::Failure;
use crate::print::{self, Table};

/// Checks an output, and says what it holds.
pub fn verify(options: &VerifyOptions, json: bool) -> Result<(), Failure> {
    let directory = options.directory.display().to_string();
    match hauptbuch_sim::output::verify(&options.directory) {
        Ok(report) if json => print::json(&VerifyJson::new(directory, &report)),
        Ok(report) => print::text(&table(&directory, &report).render()),
        Err(OutputError::Invalid { file, line, reason }) => {
            let error = OutputError::Invalid { file, line, reason };
            if json {
                print::json(&InvalidJson::new(directory.clone(), &error))?;
            }
            Err(Failure::failed(format!(
                "{directory} does not hold: {error}"
            )))
        }
        Err(error) => Err(error.into()),
    }
}

/// What `--json` prints of an output that holds.
#[derive(Serialize)]
struct VerifyJson {
    valid: bool,
    directory: String,
    signed: bool,
    genesis_hash: Digest,
    final_batch_hash: Digest,
    batches: u64,
    rollups: u32,
    submitted: u64,
    included: u64,
    bytes: u64,
    signatures: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    consensus: Option<ConsensusSummary>,
}

impl VerifyJson {
    fn new(directory: String, report: &VerifyReport) -> Self {
        let digest = |hash: Hash| Digest::from(hash);
        Self {
            valid: true,
            directory,
            signed: report.is_signed,
            genesis_hash: digest(report.genesis_hash),
            final_batch_hash: digest(report.final_batch_hash),
            batches: report.batches,
            rollups: report.rollups,
            submitted: report.submitted,
            included: report.included,
            bytes: report.bytes,
            signatures: report.signatures,
            consensus: report.consensus.clone(),
        }
    }
}

/// What `--json` prints of an output that does not hold.
#[derive(Serialize)]
struct InvalidJson {
    valid: bool,
    directory: String,
    file: Option<String>,
    line: Option<u64>,
    reason: String,
}

impl InvalidJson {
    fn new(directory: String, error: &OutputError) -> Self {
        let (file, line, reason) = match error {
            OutputError::Invalid { file, line, reason } => {
                (Some(file.clone()), *line, reason.clone())
            }
            other => (None, None, other.to_string()),
        };
        Self {
            valid: false,
            directory,
            file,
            line,
            reason,
        }
    }
}

fn table(directory: &str, report: &VerifyReport) -> Table {
    let mut table = Table::default();
    table.title(format!("{directory} holds"));
    table.row("files", bytes(report.bytes), "every byte checked");
    table.count(
        "slots",
        report.batches,
        "hashes, roots, order, limits and nonces recomputed",
    );
    table.count("submitted", report.submitted, "exactly one end each");
    table.count(
        "included",
        report.included,
        "none twice, each with its receipt",
    );
    table.row("rollups", report.rollups.to_string(), "");
    table.row("genesis", "", report.genesis_hash.to_string());
    table.row("last hash", "", report.final_batch_hash.to_string());
    let Some(consensus) = &report.consensus else {
        table.row(
            "signed",
            "no",
            "whole and consistent, but nothing in it proves who made it",
        );
        return table;
    };
    let epochs = consensus.epochs.as_deref().unwrap_or_default();
    let members = match epochs.len() {
        0 | 1 => counted(u64::from(consensus.members), "member"),
        _ => "the members of its epoch".to_owned(),
    };
    table.row(
        "certificates",
        grouped(consensus.heights.0),
        format!("one a slot, by more than two thirds of {members}"),
    );
    for epoch in epochs {
        let label = format!("members in epoch {}", epoch.epoch);
        let first = grouped(epoch.first_height.0);
        let count = grouped(u64::from(epoch.members));
        table.row(&label, count, format!("from slot {first} on"));
    }
    table.row(
        "signatures",
        grouped(report.signatures),
        format!("of {} verified, with public keys alone", consensus.suite),
    );
    table.row("members", "", consensus.membership_hash.to_string());
    table.row(
        "signed",
        "yes",
        "by keys that follow from the seed, so not by anybody in particular",
    );
    table
}

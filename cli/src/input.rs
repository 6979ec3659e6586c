//! Where the transactions come from.

use std::path::Path;

use hauptbuch_core::limits::ROLLUP_COUNT_MAX;
use hauptbuch_core::types::{Address, RollupId};
use hauptbuch_sim::error::BuildError;
use hauptbuch_sim::output::text::grouped;
use hauptbuch_sim::read::read_file;
use hauptbuch_sim::workload::{GeneratorConfig, Workload, WorkloadBuilder, generate};

use crate::args::NonceOption;
use crate::failure::Failure;

/// The workload of a file, on as many rollups as were asked for.
pub fn from_file(
    path: &Path,
    nonces: Option<NonceOption>,
    rollup_count: Option<u32>,
) -> Result<Workload, Failure> {
    let workload = read_file(path, &NonceOption::read_options(nonces)).map_err(|error| {
        let text = error.to_string();
        let name = path.display().to_string();
        // Errors of the system name the file already.
        let named = if text.contains(&name) {
            text
        } else {
            format!("{name}: {text}")
        };
        Failure::bad_input(named)
    })?;
    match rollup_count {
        None => Ok(workload),
        Some(count) => spread(workload, count),
    }
}

/// The built-in workload.
pub fn generated(
    count: Option<u32>,
    seed: u64,
    rollup_count: Option<u32>,
) -> Result<Workload, Failure> {
    let default = GeneratorConfig::default();
    let config = GeneratorConfig {
        count: count.unwrap_or(default.count),
        seed,
        rollup_count: rollup_count.unwrap_or(default.rollup_count),
    };
    generate(&config).map_err(|error| Failure::bad_input(error.to_string()))
}

/// Puts the senders of a workload with one rollup on `count` of them, each on one.
///
/// The place of a sender follows from its address alone, so its nonces stay together.
fn spread(workload: Workload, count: u32) -> Result<Workload, Failure> {
    let found = workload.rollups().len();
    if found == count as usize {
        return Ok(workload);
    }
    if !(1..=ROLLUP_COUNT_MAX as u32).contains(&count) {
        let line = format!("--rollups: the number of rollups must be 1 to {ROLLUP_COUNT_MAX}");
        return Err(Failure::bad_input(line));
    }
    if found != 1 {
        return Err(Failure::bad_input(format!(
            "--rollups {count}: the input names {found} rollups of its own"
        )));
    }
    let failed = |error: BuildError| Failure::bad_input(error.to_string());
    let mut builder = WorkloadBuilder::with_capacity(workload.len());
    for index in 0..count {
        builder.rollup(&format!("rollup-{index}")).map_err(failed)?;
    }
    for record in workload.records() {
        let mut envelope = record.envelope;
        envelope.rollup = RollupId::new(place(&envelope.sender, count));
        let payload = workload.payload(record);
        let pushed = builder.push(record.arrival, envelope, record.account_nonce, |out| {
            out.extend_from_slice(payload);
        });
        pushed.map_err(failed)?;
    }
    let mut provenance = workload.provenance().clone();
    provenance.notes.push(format!(
        "the senders of one rollup spread over {} by their addresses",
        grouped(u64::from(count))
    ));
    Ok(builder.finish(provenance))
}

/// Addresses are the tails of hashes, so their last four bytes are spread evenly.
fn place(sender: &Address, count: u32) -> u32 {
    let [.., a, b, c, d] = *sender.as_bytes();
    u32::from_be_bytes([a, b, c, d]) % count
}

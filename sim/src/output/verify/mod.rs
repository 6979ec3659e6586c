//! Checks a run's output with nothing but its directory.

mod certificates;
mod chain;
mod logs;
mod members;
mod receipts;

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;

use hauptbuch_core::sequencer::Membership;
use hauptbuch_core::types::{Epoch, Hash};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::directory::{MANIFEST_BYTES_MAX, entry_names, read_bounded};
use super::error::OutputError;
use super::format::{
    BOUND_FILES, FILE_NAMES, FORMAT_VERSION, FileEntry, GENESIS, Genesis, InputSummary, KIND,
    MANIFEST, Manifest, MemoryPart, REPORT, SUMMARY, TIMING, Timing, TransactionCounts,
};
use super::json::{Digest, document};
use super::members::{CertificateTally, ConsensusSummary, MembershipSpelling, MessageCounts};
use super::report;
use super::seal::{REPORT_ENDING, TIMING_ENDING, unseal};
use super::timing::{parse_body, rate_per_s};
use super::write::{SummaryFacts, fairness};
use crate::run::{Quantiles, RunConfig};
use chain::Chain;
use members::NUMBER_MAX;
use receipts::Receipts;

/// What a verified output holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyReport {
    /// What the chain of slots starts from.
    pub genesis_hash: Hash,
    /// Its end; the genesis hash where there is no slot.
    pub final_batch_hash: Hash,
    /// Slots, each of them checked.
    pub batches: u64,
    /// Rollups that it serves.
    pub rollups: u32,
    /// Transactions that were handed in.
    pub submitted: u64,
    /// Transactions in slots.
    pub included: u64,
    /// Bytes of all files.
    pub bytes: u64,
    /// Whether a committee signed it. One sequencer alone signs nothing; then this shows that the
    /// output is whole and consistent, and nothing more.
    pub is_signed: bool,
    /// How slots were agreed on, where a committee signed: each certificate was checked.
    pub consensus: Option<ConsensusSummary>,
    /// Signatures that were verified: under certificates, and over the ends of logs.
    pub signatures: u64,
}

/// Checks the output in `directory`: every byte of every file, and that the files agree.
///
/// Slots are checked as a follower of the chain would check them; receipts, summary and all fields
/// beside the slots' bytes are recomputed. Where members sign, every certificate is checked with
/// nothing but their public keys, and so is the signature over each log. Memory: the largest slot
/// and 150 bytes a transaction.
///
/// # Errors
/// [`OutputError::Invalid`] where the output does not hold, [`OutputError::Io`] where it can't be
/// read.
pub fn verify(directory: &Path) -> Result<VerifyReport, OutputError> {
    let mut bytes = check_names(directory)?;
    let entries = read_manifest(directory)?;
    let timing = read_timing(directory)?;
    let report = read_sealed(directory, REPORT, REPORT_ENDING)?;
    for entry in &entries {
        check_file(directory, entry)?;
        bytes += entry.size.0;
    }
    let (genesis, config, membership) = read_genesis(directory)?;
    let genesis_hash = Hash::new(genesis.genesis_hash.0);
    let first = membership.as_ref();
    let mut chain = Chain::new(directory, &config, genesis.rollups.len(), first)?;
    chain.read(directory)?;
    let epochs = chain.members.as_ref().map(|members| &*members.epochs);
    let is_changeable = config.membership.is_changeable();
    let certificates = certificates::read(
        directory,
        epochs.map(|epochs| (epochs, is_changeable)),
        &genesis_hash,
        &chain.hashes,
    )?;
    let tip = chain.tip();
    let facts = Facts {
        rollup_count: genesis.rollups.len() as u32,
        batches: tip.height.get(),
        final_batch_hash: tip.hash,
        log_signatures: chain.logs.as_ref().map_or(0, |logs| logs.signature_count()),
        certificates,
    };
    let (counts, consensus) = check_summary(directory, &config, chain, &facts)?;
    let (submitted, included) = (counts.submitted.0, counts.included.0);
    check_timing(&timing, submitted, facts.final_batch_hash.into())?;
    if !report.starts_with(report::head(facts.final_batch_hash.into()).as_bytes()) {
        return Err(OutputError::invalid(REPORT, "it is about another run"));
    }
    let under_certificates = facts.certificates.as_ref();
    let under_certificates = under_certificates.map_or(0, CertificateTally::signature_count);
    Ok(VerifyReport {
        genesis_hash,
        final_batch_hash: facts.final_batch_hash,
        batches: facts.batches,
        rollups: facts.rollup_count,
        submitted,
        included,
        bytes,
        is_signed: membership.is_some(),
        consensus,
        signatures: under_certificates + facts.log_signatures,
    })
}

/// What is known of an output once its slots and certificates have been checked.
struct Facts {
    rollup_count: u32,
    batches: u64,
    final_batch_hash: Hash,
    log_signatures: u64,
    certificates: Option<CertificateTally>,
}

/// Checks the receipts beside the chain, and that the summary follows from all of it.
fn check_summary(
    directory: &Path,
    config: &RunConfig,
    mut chain: Chain,
    facts: &Facts,
) -> Result<(TransactionCounts, Option<ConsensusSummary>), OutputError> {
    let logs = chain.logs.take();
    let mut receipts = Receipts::new(chain, config.policy.name());
    receipts.read(directory)?;
    let counts = receipts.finish()?;
    let statements = read_statements(directory)?;
    if statements.input.rows != counts.submitted {
        let reason = format!(
            "the input has {} rows, and there are {} receipts",
            statements.input.rows, counts.submitted
        );
        return Err(OutputError::invalid(SUMMARY, reason));
    }
    let arrivals = statements.fairness.first();
    let arrivals = arrivals.map_or("", |figures| figures.arrivals.as_str());
    let figures = logs.and_then(|logs| logs.figures);
    let fairness = figures.map(|own| fairness(&own, arrivals, |id| receipts.place_of(id)));
    let messages = statements.consensus.unwrap_or_default();
    let consensus = facts.certificates.as_ref();
    let consensus = consensus.map(|tally| tally.summary(&messages));
    let expected = SummaryFacts {
        input: statements.input,
        rollup_count: facts.rollup_count,
        counts: counts.clone(),
        slot_count: facts.batches,
        last_hash: facts.final_batch_hash,
        delays: Quantiles::of(&mut receipts.delays_ns),
        fairness: fairness.transpose()?,
        consensus: consensus.clone(),
        memory: statements.memory,
    };
    let expected = document(&expected.summary(config));
    if read_bounded(&directory.join(SUMMARY), SUMMARY_BYTES_MAX)? != expected {
        return Err(OutputError::invalid(
            SUMMARY,
            "it does not say what follows from the other files",
        ));
    }
    Ok((counts, consensus))
}

/// The directory holds its files and nothing else. Returns the bytes of those without a hash.
fn check_names(directory: &Path) -> Result<u64, OutputError> {
    let found = entry_names(directory)?;
    if let Some(missing) = FILE_NAMES
        .iter()
        .find(|name| !found.iter().any(|other| other == *name))
    {
        return Err(OutputError::invalid(missing, "the file is missing"));
    }
    let mut bytes = 0;
    for name in &found {
        let known = FILE_NAMES.iter().find(|known| name == *known);
        let path = directory.join(name);
        let metadata = fs::symlink_metadata(&path).map_err(OutputError::io(&path))?;
        let Some(known) = known.filter(|_| metadata.is_file()) else {
            let name = crate::error::shown(&name.to_string_lossy());
            return Err(OutputError::invalid(
                &name,
                "it is no file of a run's output",
            ));
        };
        if !BOUND_FILES.contains(known) {
            bytes += metadata.len();
        }
    }
    Ok(bytes)
}

/// The manifest's entries, if it has the one spelling.
fn read_manifest(directory: &Path) -> Result<Vec<FileEntry>, OutputError> {
    let bytes = read_bounded(&directory.join(MANIFEST), MANIFEST_BYTES_MAX)?;
    let manifest: Manifest = parse(MANIFEST, &bytes)?;
    if (manifest.kind.as_str(), manifest.format) != (KIND, FORMAT_VERSION) {
        return Err(OutputError::invalid(
            MANIFEST,
            format!("this version reads `{KIND}` of format {FORMAT_VERSION} only"),
        ));
    }
    let names = manifest.files.iter().map(|entry| entry.name.as_str());
    if !names.eq(BOUND_FILES) {
        let names = BOUND_FILES.join(", ");
        return Err(OutputError::invalid(
            MANIFEST,
            format!("it must list {names}"),
        ));
    }
    expect_spelling(MANIFEST, &document(&manifest), &bytes)?;
    Ok(manifest.files)
}

/// A file has the size and the hash that the manifest gives.
fn check_file(directory: &Path, entry: &FileEntry) -> Result<(), OutputError> {
    let path = directory.join(&entry.name);
    let size = fs::metadata(&path).map_err(OutputError::io(&path))?.len();
    if size != entry.size.0 {
        let reason = format!("it has {size} bytes, and the manifest says {}", entry.size);
        return Err(OutputError::invalid(&entry.name, reason));
    }
    let mut file = File::open(&path).map_err(OutputError::io(&path))?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let len = file.read(&mut buffer).map_err(OutputError::io(&path))?;
        if len == 0 {
            break;
        }
        hash.update(&buffer[..len]);
    }
    if Digest(hash.finalize().into()) != entry.sha256 {
        let reason = "its SHA-256 is not the one in the manifest";
        return Err(OutputError::invalid(&entry.name, reason));
    }
    Ok(())
}

/// The body of a file that ends with its own checksum.
fn read_sealed(directory: &Path, name: &str, ending: &str) -> Result<Vec<u8>, OutputError> {
    let bytes = read_bounded(&directory.join(name), SEALED_BYTES_MAX)?;
    let body = unseal(&bytes, ending).ok_or_else(|| {
        OutputError::invalid(name, "it does not end with the checksum of its bytes")
    })?;
    Ok(body.to_vec())
}

fn read_timing(directory: &Path) -> Result<Timing, OutputError> {
    let body = read_sealed(directory, TIMING, TIMING_ENDING)?;
    parse_body(&body)
        .ok_or_else(|| OutputError::invalid(TIMING, "it does not have the form of this version"))
}

/// Figures that follow from others are right, and the run is this one.
fn check_timing(
    timing: &Timing,
    submitted: u64,
    final_batch_hash: Digest,
) -> Result<(), OutputError> {
    if timing.final_batch_hash != final_batch_hash || timing.format != FORMAT_VERSION {
        return Err(OutputError::invalid(TIMING, "it is about another run"));
    }
    let sum = timing
        .steps
        .iter()
        .try_fold(0_u64, |sum, step| sum.checked_add(step.total_ns.0));
    let rate = rate_per_s(submitted, timing.elapsed_ns.0);
    if sum != Some(timing.elapsed_ns.0) || rate != timing.transactions_per_s.0 {
        return Err(OutputError::invalid(
            TIMING,
            "its sums do not follow from its parts",
        ));
    }
    Ok(())
}

/// The genesis, the configuration that it stands for, and who signs, if anybody does.
fn read_genesis(directory: &Path) -> Result<(Genesis, RunConfig, Option<Membership>), OutputError> {
    let bytes = read_bounded(&directory.join(GENESIS), GENESIS_BYTES_MAX)?;
    let genesis: Genesis = parse(GENESIS, &bytes)?;
    let wrong = |reason: &str| OutputError::invalid(GENESIS, reason);
    let config = genesis
        .run_config()
        .ok_or_else(|| wrong("the policy is unknown"))?;
    let core_config = config.core_config(genesis.rollups.len());
    let core_config = core_config.map_err(|error| wrong(&error.to_string()))?;
    let checked = config.limits.check();
    checked.map_err(|error| wrong(&error.to_string()))?;
    if config.slot_interval_ns == 0 {
        return Err(wrong("the interval between slots is zero"));
    }
    let spelled = genesis.membership.as_ref();
    let membership = spelled.map(MembershipSpelling::membership).transpose();
    let membership = membership.map_err(|reason| wrong(&reason))?;
    if let Some(membership) = &membership {
        check_members(membership, &config).map_err(wrong)?;
    }
    // What is not an input of the configuration must be what every run writes.
    let names: Vec<String> = genesis.rollups.iter().map(|it| it.name.clone()).collect();
    let expected = Genesis::new(&config, &core_config, &names, membership.as_ref());
    if genesis.genesis_hash != expected.genesis_hash {
        return Err(wrong("the genesis hash is not that of the configuration"));
    }
    expect_spelling(GENESIS, &document(&expected), &bytes)?;
    Ok((genesis, config, membership))
}

/// Members are those of a run: as many as there are sequencers, from epoch 0 on, all of one weight.
fn check_members(membership: &Membership, config: &RunConfig) -> Result<(), &'static str> {
    let members = membership.members();
    if members.len() as u64 != u64::from(config.sequencer_count()) {
        Err("there are not as many members as sequencers")
    } else if membership.epoch() != Epoch::ZERO {
        Err("the members are not those of the first epoch")
    } else if members.iter().any(|it| it.id.get() >= NUMBER_MAX) {
        Err("a member has a number that no run gives")
    } else if members.iter().any(|it| it.weight != members[0].weight) {
        Err("the members have not equal weights, as order fairness takes")
    } else {
        Ok(())
    }
}

/// What the summary says that follows from no other file: of the input, of arrivals, and of
/// messages between members.
#[derive(Deserialize)]
struct Statements {
    input: InputSummary,
    #[serde(default)]
    fairness: Vec<Arrivals>,
    consensus: Option<MessageCounts>,
    memory: Vec<MemoryPart>,
}

#[derive(Deserialize)]
struct Arrivals {
    arrivals: String,
}

fn read_statements(directory: &Path) -> Result<Statements, OutputError> {
    let bytes = read_bounded(&directory.join(SUMMARY), SUMMARY_BYTES_MAX)?;
    parse(SUMMARY, &bytes)
}

fn parse<'a, T: Deserialize<'a>>(file: &str, bytes: &'a [u8]) -> Result<T, OutputError> {
    serde_json::from_slice(bytes).map_err(|error| {
        OutputError::invalid(
            file,
            format!("it does not have the form of this version: {error}"),
        )
    })
}

/// A document is spelled in the one way that is allowed.
fn expect_spelling(file: &str, expected: &[u8], found: &[u8]) -> Result<(), OutputError> {
    if expected == found {
        return Ok(());
    }
    let same = expected.iter().zip(found).take_while(|(a, b)| a == b);
    let line = 1 + same.filter(|(byte, _)| **byte == b'\n').count() as u64;
    let reason = "it is not spelled in the one way that is allowed";
    Err(OutputError::invalid_line(file, line, reason))
}

/// Hands over each line with its line feed; lines are counted from 1.
fn for_each_line(
    directory: &Path,
    name: &str,
    line_bytes_max: u64,
    mut each: impl FnMut(u64, &[u8]) -> Result<(), OutputError>,
) -> Result<(), OutputError> {
    let path = directory.join(name);
    let file = File::open(&path).map_err(OutputError::io(&path))?;
    let mut reader = BufReader::with_capacity(1 << 18, file);
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let mut bounded = reader.by_ref().take(line_bytes_max);
        bounded
            .read_until(b'\n', &mut line)
            .map_err(OutputError::io(&path))?;
        if line.is_empty() {
            break;
        }
        if line.last() != Some(&b'\n') {
            let reason = "the line is cut off, or longer than any can be";
            return Err(OutputError::invalid_line(name, number, reason));
        }
        each(number, &line)?;
    }
    Ok(())
}

const GENESIS_BYTES_MAX: u64 = 1 << 21;
const SUMMARY_BYTES_MAX: u64 = 1 << 22;
const SEALED_BYTES_MAX: u64 = 1 << 22;

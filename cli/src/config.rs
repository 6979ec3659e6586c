//! A run's configuration: flags over a file over defaults.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use hauptbuch_core::config::{
    Config, FairCommittee, FairCounted, FairRank, LogSizes, MedianCommittee, NonceMode, Policy,
    ReplayProtection,
};
use hauptbuch_core::crypto::signature::Suite;
use hauptbuch_core::limits::BUFFER_CLASS_COUNT;
use hauptbuch_core::ordering::fair::{Gamma, GammaMode, Parameters};
use hauptbuch_core::types::Fee;
use hauptbuch_sim::arrivals::Sourcelog;
use hauptbuch_sim::arrivals::skew::SCALE_PERMILLE_MAX;
use hauptbuch_sim::committee::{MembershipPlan, MembershipStep, PlannedChange};
use hauptbuch_sim::output::text::grouped;
use hauptbuch_sim::run::{ArrivalSource, RunConfig, log_sizes};
use hauptbuch_sim::settings::{LIMIT_NAMES, SettingError, fit_unset, set_limit};
use toml::{Table, Value};

use crate::args::{NonceOption, RunOptions};
use crate::failure::Failure;

/// The largest file that is read.
const FILE_BYTES_MAX: u64 = 1 << 20;
/// The most sequencers.
const SEQUENCER_COUNT_MAX: u32 = 100;
/// How many sequencers there are where nobody chose.
const SEQUENCER_COUNT_DEFAULT: u32 = 5;
/// The policy's bucket where nobody chose one.
const BUCKET_MS_DEFAULT: u64 = 100;

/// All that a run decides beside its input and output.
#[derive(Debug)]
pub struct Settings {
    /// What the sequencer is given.
    pub run: RunConfig,
    /// How many rollups, where somebody said so.
    pub rollups: Option<u32>,
    /// What becomes of an input's nonces, where somebody said so.
    pub nonces: Option<NonceOption>,
}

/// What a file says; nothing where it is silent.
#[derive(Debug, Default)]
struct File {
    run: RunConfig,
    policy: Option<String>,
    bucket_ms: Option<u64>,
    seed: Option<u64>,
    batch_ms: Option<u64>,
    sequencers: Option<u32>,
    rollups: Option<u32>,
    nonces: Option<NonceOption>,
    faults: Option<u32>,
    gamma: Option<Gamma>,
    counted: Option<FairCounted>,
    rank: Option<FairRank>,
    /// Sizes of logs that it names.
    logs: Vec<(String, u64)>,
    /// Limits that it names.
    limits: BTreeSet<String>,
    /// Changes of the members, as it names them.
    changes: Vec<PlannedChange>,
}

/// The configuration of a run.
pub fn settings(options: &RunOptions) -> Result<Settings, Failure> {
    let mut file = match &options.config {
        Some(path) => read(path)?,
        None => File::default(),
    };
    fit_unset(&mut file.run.limits, |name| file.limits.contains(name));
    let named = options.policy.as_ref().or(file.policy.as_ref());
    let chosen = options.sequencers.or(file.sequencers);
    let (name, sequencers) = order_and_sequencers(named.map(String::as_str), chosen)?;
    let policy = policy(name, options.bucket_ms.or(file.bucket_ms))?;
    let policy = with_committee(policy, sequencers, &file)?;
    let by_logs = policy.orders_by_logs();
    let mut logs = log_sizes(if by_logs { sequencers } else { 1 });
    for (name, value) in &file.logs {
        set_log_size(&mut logs, name, *value);
    }
    let arrivals = match &options.arrivals {
        Some(path) => recorded(path, policy, sequencers)?,
        None => file.run.arrivals.clone(),
    };
    let membership = membership(&file.changes, policy, sequencers)?;
    let batch_ms = options.batch_ms.or(file.batch_ms).unwrap_or(200);
    let run = RunConfig {
        policy,
        slot_interval_ns: nanoseconds("--batch-ms", batch_ms)?,
        seed: options.seed.or(file.seed).unwrap_or(1),
        logs,
        arrivals,
        sequencers: if by_logs { 1 } else { sequencers },
        membership,
        ..file.run
    };
    if let Err(error) = run.limits.check() {
        let place = options
            .config
            .as_ref()
            .map(|path| path.display().to_string());
        let place = place.unwrap_or_default();
        return Err(Failure::bad_input(format!("{place}: limits: {error}")));
    }
    Ok(Settings {
        run,
        rollups: options.rollups.or(file.rollups),
        nonces: options.nonces.or(file.nonces),
    })
}

/// The policy's name, and how many sequencers there are where nobody chose: five under order
/// fairness, which is what several sequencers have, and one where slots are taken from a pool.
fn order_and_sequencers(named: Option<&str>, chosen: Option<u32>) -> Result<(&str, u32), Failure> {
    match (named, chosen) {
        (_, Some(0)) => Err(Failure::bad_input(
            "--sequencers: there must be at least one",
        )),
        (_, Some(count)) if count > SEQUENCER_COUNT_MAX => Err(Failure::bad_input(format!(
            "--sequencers {count}: there can be at most {SEQUENCER_COUNT_MAX}"
        ))),
        (None, Some(1)) => Ok(("fcfs", 1)),
        (None, chosen) => Ok(("fair", chosen.unwrap_or(SEQUENCER_COUNT_DEFAULT))),
        (Some(name @ ("fair" | "median")), chosen) => {
            Ok((name, chosen.unwrap_or(SEQUENCER_COUNT_DEFAULT)))
        }
        (Some(name), chosen) => Ok((name, chosen.unwrap_or(1))),
    }
}

/// What the file changes of the members.
fn membership(
    changes: &[PlannedChange],
    policy: Policy,
    sequencers: u32,
) -> Result<MembershipPlan, Failure> {
    let wrong = |what: String| Failure::bad_input(format!("membership_change: {what}"));
    if changes.is_empty() {
        return Ok(MembershipPlan::default());
    }
    if sequencers == 1 {
        return Err(wrong("one sequencer alone has no committee".into()));
    }
    let plan =
        MembershipPlan::new(sequencers, changes).map_err(|error| wrong(error.to_string()))?;
    let config = Config {
        policy,
        ..Config::default()
    };
    let checked = plan.check(&config, sequencers);
    checked.map_err(|error| wrong(error.to_string()))?;
    Ok(plan)
}

/// The committee of a policy that has one, from the file's choices.
fn with_committee(policy: Policy, sequencers: u32, file: &File) -> Result<Policy, Failure> {
    let Policy::Fair(_) = policy else {
        let unused = [
            ("faults", file.faults.is_some()),
            ("gamma", file.gamma.is_some()),
            ("gamma_of", file.counted.is_some()),
            ("rank", file.rank.is_some()),
        ];
        return match unused.iter().find(|(_, is_set)| *is_set) {
            Some((key, _)) => Err(Failure::bad_input(format!(
                "{key}: only the policy fair has it, not {}",
                policy.name()
            ))),
            None if matches!(policy, Policy::Median(_)) => Ok(Policy::Median(MedianCommittee {
                // At most 100, so that it fits a byte.
                member_count: sequencers as u8,
            })),
            None => Ok(policy),
        };
    };
    let faults = file.faults.unwrap_or((sequencers - 1) / 4);
    let gamma = file.gamma.unwrap_or(Gamma::ONE);
    let counted = file.counted.unwrap_or_default();
    let mode = match counted {
        FairCounted::All => GammaMode::All,
        FairCounted::Honest => GammaMode::Honest,
    };
    let parameters = Parameters::new(sequencers, faults, gamma, mode).map_err(|error| {
        Failure::bad_input(format!(
            "{sequencers} sequencers, {faults} faults, gamma {}/{}: {error}",
            gamma.numerator, gamma.denominator
        ))
    })?;
    // At most 100 sequencers, so that each number fits a byte.
    Ok(Policy::Fair(FairCommittee {
        member_count: sequencers as u8,
        fault_count: faults as u8,
        quorum: parameters.quorum() as u8,
        counted,
        rank: file.rank.unwrap_or_default(),
    }))
}

/// Arrivals that nodes noted.
fn recorded(path: &Path, policy: Policy, sequencers: u32) -> Result<ArrivalSource, Failure> {
    let wrong = |what: String| Failure::bad_input(format!("--arrivals {}: {what}", path.display()));
    if !policy.orders_by_logs() && sequencers == 1 {
        return Err(wrong(format!(
            "{} orders by one sequencer's arrivals",
            policy.name()
        )));
    }
    let log = Sourcelog::read_file(path).map_err(|error| wrong(error.to_string()))?;
    Ok(ArrivalSource::Recorded(Arc::new(log)))
}

fn policy(name: &str, bucket_ms: Option<u64>) -> Result<Policy, Failure> {
    let policy = Policy::from_name(name).ok_or_else(|| {
        let known: Vec<&str> = Policy::ALL.iter().map(|policy| policy.name()).collect();
        Failure::bad_input(format!(
            "--policy {name}: no such policy in this version; there are: {}",
            known.join(", ")
        ))
    })?;
    match (policy, bucket_ms) {
        (Policy::TimeBucket { .. }, bucket_ms) => {
            let bucket_ms = bucket_ms.unwrap_or(BUCKET_MS_DEFAULT);
            let width_ns = nanoseconds("--bucket-ms", bucket_ms)?;
            Ok(Policy::TimeBucket { width_ns })
        }
        (policy, None) => Ok(policy),
        (policy, Some(_)) => Err(Failure::bad_input(format!(
            "--bucket-ms: only the policy time-bucket has buckets, not {}",
            policy.name()
        ))),
    }
}

fn nanoseconds(flag: &str, milliseconds: u64) -> Result<u64, Failure> {
    let nanoseconds = milliseconds.checked_mul(1_000_000);
    nanoseconds.filter(|ns| *ns > 0).ok_or_else(|| {
        Failure::bad_input(format!(
            "{flag} {milliseconds}: must be 1 to {}",
            grouped(u64::MAX / 1_000_000)
        ))
    })
}

/// Reads a file; its errors name it, and the key.
fn read(path: &Path) -> Result<File, Failure> {
    let wrong = |what: String| Failure::bad_input(format!("{}: {what}", path.display()));
    let len = fs::metadata(path)
        .map_err(|error| wrong(error.to_string()))?
        .len();
    if len > FILE_BYTES_MAX {
        return Err(wrong(format!("larger than {FILE_BYTES_MAX} bytes")));
    }
    let text = fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    let table: Table = text.parse().map_err(|error: toml::de::Error| {
        let start = error.span().map_or(0, |span| span.start.min(text.len()));
        let line = 1 + text.as_bytes()[..start]
            .iter()
            .filter(|byte| **byte == b'\n')
            .count();
        let message = error.message().lines().collect::<Vec<_>>().join("; ");
        wrong(format!("line {line}: {message}"))
    })?;
    parse(&table).map_err(wrong)
}

/// The keys beside the tables.
const KEYS: [&str; 19] = [
    "policy",
    "bucket_ms",
    "seed",
    "batch_ms",
    "sequencers",
    "rollups",
    "nonces",
    "faults",
    "gamma",
    "gamma_of",
    "rank",
    "arrival_spread_percent",
    "signatures",
    "chain_id",
    "fee_floor",
    "nonce_mode",
    "expiry_horizon_ms",
    "[pool], [logs] and [limits]",
    "[[membership_change]]",
];

const CHANGE_KEYS: [&str; 4] = ["slot", "replace", "add", "remove"];

const LOG_KEYS: [&str; 8] = [
    "first_hand_count_max",
    "first_hand_bytes_max",
    "extent_entries_max",
    "log_age_slots_max",
    "graph_count_max",
    "cursor_count_max",
    "drained_count_max",
    "ranked_pairs_max",
];

const POOL_KEYS: [&str; 3] = [
    "replacement_bump_percent",
    "quiet_pending_count_max",
    "gap_refusal_percent",
];

fn parse(table: &Table) -> Result<File, String> {
    let mut file = File::default();
    for (key, value) in table {
        match key.as_str() {
            "policy" => file.policy = Some(word(key, value)?.to_owned()),
            "bucket_ms" => file.bucket_ms = Some(number(key, value)?),
            "seed" => file.seed = Some(number(key, value)?),
            "batch_ms" => file.batch_ms = Some(number(key, value)?),
            "sequencers" => file.sequencers = Some(small(key, value)?),
            "rollups" => file.rollups = Some(small(key, value)?),
            "nonces" => {
                file.nonces = Some(match word(key, value)? {
                    "dense" => NonceOption::Dense,
                    "raw" => NonceOption::Raw,
                    _ => return Err(format!("{key}: must be \"dense\" or \"raw\"")),
                });
            }
            "signatures" => {
                file.run.suite = match word(key, value)? {
                    "ml-dsa-65" => Suite::MlDsa65,
                    "dilithium3" => Suite::Dilithium3,
                    _ => return Err(format!("{key}: must be \"ml-dsa-65\" or \"dilithium3\"")),
                };
            }
            "faults" | "gamma" | "gamma_of" | "rank" | "arrival_spread_percent" => {
                parse_fairness(key, value, &mut file)?;
            }
            "logs" => parse_logs(part(key, value)?, &mut file)?,
            "chain_id" => file.run.chain_id = number(key, value)?,
            "fee_floor" => file.run.fee_floor = Fee::new(number(key, value)?),
            "nonce_mode" => {
                file.run.nonce_mode = match word(key, value)? {
                    "sequential" => NonceMode::Sequential,
                    "window" => NonceMode::Window,
                    _ => return Err(format!("{key}: must be \"sequential\" or \"window\"")),
                };
            }
            "expiry_horizon_ms" => {
                let horizon_ns = number(key, value)?.checked_mul(1_000_000);
                let horizon_ns = horizon_ns.filter(|horizon_ns| *horizon_ns > 0);
                let horizon_ns = horizon_ns.ok_or_else(|| {
                    format!("{key}: must be 1 to {}", grouped(u64::MAX / 1_000_000))
                })?;
                file.run.replay_protection = ReplayProtection::ByExpiry { horizon_ns };
            }
            "membership_change" => file.changes = parse_changes(key, value)?,
            "pool" => parse_pool(part(key, value)?, &mut file)?,
            "limits" => parse_limits(part(key, value)?, "", &mut file)?,
            _ => return Err(unknown(key, &KEYS)),
        }
    }
    Ok(file)
}

/// A choice of order fairness.
fn parse_fairness(key: &str, value: &Value, file: &mut File) -> Result<(), String> {
    match key {
        "faults" => file.faults = Some(small(key, value)?),
        "gamma" => file.gamma = Some(gamma(key, value)?),
        "gamma_of" => {
            file.counted = Some(match word(key, value)? {
                "all" => FairCounted::All,
                "honest" => FairCounted::Honest,
                _ => return Err(format!("{key}: must be \"all\" or \"honest\"")),
            });
        }
        "rank" => {
            file.rank = Some(match word(key, value)? {
                "copeland" => FairRank::Copeland,
                "ranked-pairs" => FairRank::RankedPairs,
                "path" => FairRank::Path,
                _ => {
                    let known = "\"copeland\", \"ranked-pairs\" or \"path\"";
                    return Err(format!("{key}: must be {known}"));
                }
            });
        }
        _ => {
            let percent = small(key, value)?;
            let scale_permille = percent
                .checked_mul(10)
                .filter(|it| *it <= SCALE_PERMILLE_MAX);
            let scale_permille = scale_permille
                .ok_or_else(|| format!("{key}: must be at most {}", SCALE_PERMILLE_MAX / 10))?;
            file.run.arrivals = ArrivalSource::Modelled { scale_permille };
        }
    }
    Ok(())
}

/// Changes of the members, one table each.
fn parse_changes(key: &str, value: &Value) -> Result<Vec<PlannedChange>, String> {
    let tables = value.as_array();
    let tables = tables.ok_or_else(|| format!("{key}: must be tables, as in [[{key}]]"))?;
    let changes = tables.iter().map(|value| {
        let table = value.as_table();
        let table = table.ok_or_else(|| format!("{key}: must be tables, as in [[{key}]]"))?;
        let (mut slot, mut step) = (None, None);
        for (name, value) in table {
            let shown = format!("{key}.{name}");
            let own = match name.as_str() {
                "slot" => {
                    slot = Some(number(&shown, value)?);
                    continue;
                }
                "replace" => MembershipStep::Replace(small(&shown, value)?),
                "add" => MembershipStep::Add(small(&shown, value)?),
                "remove" => MembershipStep::Remove(small(&shown, value)?),
                _ => return Err(unknown(&shown, &CHANGE_KEYS)),
            };
            if step.replace(own).is_some() {
                return Err(format!("{key}: one of replace, add and remove, and no two"));
            }
        }
        let slot = slot.ok_or_else(|| format!("{key}: it must say at which slot"))?;
        let step =
            step.ok_or_else(|| format!("{key}: one of replace, add and remove is missing"))?;
        Ok(PlannedChange { slot, step })
    });
    changes.collect()
}

fn parse_pool(table: &Table, file: &mut File) -> Result<(), String> {
    let pool = &mut file.run.pool;
    for (key, value) in table {
        let place = match key.as_str() {
            "replacement_bump_percent" => &mut pool.replacement_bump_percent,
            "quiet_pending_count_max" => &mut pool.quiet_pending_count_max,
            "gap_refusal_percent" => &mut pool.gap_refusal_percent,
            _ => return Err(unknown(&format!("pool.{key}"), &POOL_KEYS)),
        };
        *place = small(&format!("pool.{key}"), value)?;
    }
    Ok(())
}

/// Sizes of receive logs.
fn parse_logs(table: &Table, file: &mut File) -> Result<(), String> {
    for (key, value) in table {
        let shown = format!("logs.{key}");
        let number = number(&shown, value);
        if !LOG_KEYS.contains(&key.as_str()) {
            return Err(unknown(&shown, &LOG_KEYS));
        }
        let number = number?;
        if key != "first_hand_bytes_max" && u32::try_from(number).is_err() {
            return Err(format!("{shown}: must be at most {}", u32::MAX));
        }
        file.logs.push((key.clone(), number));
    }
    Ok(())
}

/// Sets a size by one of [`LOG_KEYS`]; its value was checked when it was read.
fn set_log_size(logs: &mut LogSizes, name: &str, value: u64) {
    let place = match name {
        "first_hand_bytes_max" => {
            logs.first_hand_bytes_max = value;
            return;
        }
        "first_hand_count_max" => &mut logs.first_hand_count_max,
        "extent_entries_max" => &mut logs.extent_entries_max,
        "log_age_slots_max" => &mut logs.log_age_slots_max,
        "graph_count_max" => &mut logs.graph_count_max,
        "cursor_count_max" => &mut logs.cursor_count_max,
        "drained_count_max" => &mut logs.drained_count_max,
        _ => &mut logs.ranked_pairs_max,
    };
    *place = u32::try_from(value).unwrap_or(u32::MAX);
}

/// `prefix` names the quota that the table is, with a dot; nothing for the limits themselves.
fn parse_limits(table: &Table, prefix: &str, file: &mut File) -> Result<(), String> {
    for (key, value) in table {
        let name = format!("{prefix}{key}");
        let shown = format!("limits.{name}");
        if let Value::Table(quota) = value
            && prefix.is_empty()
        {
            parse_limits(quota, &format!("{key}."), file)?;
        } else if name == "lane_buffer_counts" {
            file.run.limits.lane_buffer_counts = three(&shown, value)?;
        } else {
            let number = number(&shown, value);
            let set = |number| set_limit(&mut file.run.limits, &name, number);
            match number.map(set) {
                Ok(Ok(())) => {}
                Ok(Err(SettingError::TooLarge(max))) => {
                    return Err(format!("{shown}: must be at most {max}"));
                }
                Ok(Err(SettingError::Unknown)) => return Err(unknown_limit(&shown)),
                Err(_) if !LIMIT_NAMES.contains(&name.as_str()) => {
                    return Err(unknown_limit(&shown));
                }
                Err(wrong) => return Err(wrong),
            }
        }
        file.limits.insert(name);
    }
    Ok(())
}

fn unknown_limit(shown: &str) -> String {
    let mut known = LIMIT_NAMES.to_vec();
    known.push("lane_buffer_counts");
    unknown(shown, &known)
}

fn unknown(key: &str, known: &[&str]) -> String {
    format!("unknown key `{key}`; there are: {}", known.join(", "))
}

fn part<'a>(key: &str, value: &'a Value) -> Result<&'a Table, String> {
    value
        .as_table()
        .ok_or_else(|| format!("{key}: must be a table, as in [{key}]"))
}

fn word<'a>(key: &str, value: &'a Value) -> Result<&'a str, String> {
    value
        .as_str()
        .ok_or_else(|| format!("{key}: must be text in quotes"))
}

/// A whole number; those above 2^63-1, which TOML can't write, as digits in quotes.
fn number(key: &str, value: &Value) -> Result<u64, String> {
    let number = match value {
        Value::Integer(number) => u64::try_from(*number).ok(),
        Value::String(digits) if digits.bytes().all(|digit| digit.is_ascii_digit()) => {
            digits.parse().ok()
        }
        _ => None,
    };
    number.ok_or_else(|| format!("{key}: must be a whole number from 0 to 2^64-1"))
}

fn small(key: &str, value: &Value) -> Result<u32, String> {
    let number = number(key, value)?;
    u32::try_from(number).map_err(|_| format!("{key}: must be at most {}", u32::MAX))
}

/// A share as two whole numbers.
fn gamma(key: &str, value: &Value) -> Result<Gamma, String> {
    let numbers = value.as_array().map(Vec::as_slice);
    let Some([numerator, denominator]) = numbers else {
        return Err(format!(
            "{key}: must be two numbers in brackets, as in [1, 1]"
        ));
    };
    Ok(Gamma {
        numerator: small(key, numerator)?,
        denominator: small(key, denominator)?,
    })
}

fn three(key: &str, value: &Value) -> Result<[u32; BUFFER_CLASS_COUNT], String> {
    let wrong = || format!("{key}: must be {BUFFER_CLASS_COUNT} numbers in brackets");
    let numbers = value.as_array().ok_or_else(wrong)?;
    let numbers: Vec<u32> = numbers
        .iter()
        .map(|number| small(key, number))
        .collect::<Result<_, _>>()?;
    numbers.try_into().map_err(|_| wrong())
}

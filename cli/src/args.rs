//! What can be asked for.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Args, Parser, Subcommand, ValueEnum};
use hauptbuch_sim::read::{Nonces, ReadOptions};

use crate::failure::Failure;
use crate::order::OrderOptions;
use crate::print;
use crate::simulate::SimulateOptions;

/// A sequencer for rollups whose output anyone can verify.
#[derive(Debug, Parser)]
#[command(name = "hauptbuch", version, propagate_version = true)]
#[command(after_help = "Without a command, `run` is meant.")]
pub struct Arguments {
    /// Print one JSON object instead of text.
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run sequencers over a workload, and write what comes of it into a directory.
    Run(RunOptions),
    /// Put ids in a fair order, from lists of who received what first.
    Order(OrderOptions),
    /// Let a committee decide in worlds where things go wrong, and say which rules were broken.
    Simulate(SimulateOptions),
    /// Write a workload as a CSV file that `run --input` reads back the same.
    Generate(GenerateOptions),
    /// Check the output of a run: every byte, every slot, and that all parts agree.
    Verify(VerifyOptions),
}

/// Options of `run`.
#[derive(Debug, Args)]
pub struct RunOptions {
    /// Transactions to run: CSV, plain or as gzip, or Parquet where this build reads it. Without
    /// it a built-in workload is generated.
    #[arg(long, value_name = "FILE")]
    pub input: Option<PathBuf>,
    /// How many sequencers: five unless given, and one under a policy that takes slots from a pool.
    /// Several are a committee that agrees on every slot.
    #[arg(long, value_name = "N")]
    pub sequencers: Option<u32>,
    /// How many rollups: 2 for the built-in workload; an input on one rollup is spread over them
    /// by sender.
    #[arg(long, value_name = "N")]
    pub rollups: Option<u32>,
    /// How transactions are put in order: `fair` (unless given) by what several sequencers received
    /// first, `median` by their clocks; one sequencer alone by `fcfs` (unless given), `priority`,
    /// `time-bucket`, `shuffle` or `greedy`, which needs an input with trades.
    #[arg(long, value_name = "NAME")]
    pub policy: Option<String>,
    /// When transactions reached several nodes: columns `timestamp_ms`, `hash` and `source`, as CSV
    /// or Parquet. Without it arrivals are modelled.
    #[arg(long, value_name = "FILE")]
    pub arrivals: Option<PathBuf>,
    /// Milliseconds of a bucket of `time-bucket`: 100 unless given.
    #[arg(long, value_name = "MS")]
    pub bucket_ms: Option<u64>,
    /// Where all randomness comes from: 1 unless given.
    #[arg(long, value_name = "S")]
    pub seed: Option<u64>,
    /// Milliseconds between slots: 200 unless given.
    #[arg(long, value_name = "MS")]
    pub batch_ms: Option<u64>,
    /// More choices and every limit, as TOML; `docs/config.md` says which. Flags go before it.
    #[arg(long, value_name = "FILE.toml")]
    pub config: Option<PathBuf>,
    /// Where to write metrics as text that Prometheus reads, beside the output.
    #[arg(long, value_name = "FILE.prom")]
    pub metrics: Option<PathBuf>,
    /// What becomes of an input's nonces.
    #[arg(long, value_enum, requires = "input")]
    pub nonces: Option<NonceOption>,
    /// How many transactions the built-in workload has: 100,000 unless given.
    #[arg(long, value_name = "N", conflicts_with = "input")]
    pub count: Option<u32>,
    /// Where the output goes. An earlier run's output there is replaced; anything else is not.
    #[arg(long, value_name = "DIR", default_value = "hauptbuch-out")]
    pub out: PathBuf,
}

/// Options of `generate`.
#[derive(Debug, Args)]
pub struct GenerateOptions {
    /// How many transactions: 100,000 unless given.
    #[arg(long, value_name = "N", conflicts_with = "from")]
    pub count: Option<u32>,
    /// Where all randomness comes from.
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub seed: u64,
    /// How many rollups: 2 unless given; an input on one rollup is spread over them by sender.
    #[arg(long, value_name = "N")]
    pub rollups: Option<u32>,
    /// Rewrite this file as finished records instead of generating.
    #[arg(long, value_name = "FILE")]
    pub from: Option<PathBuf>,
    /// What becomes of the file's nonces.
    #[arg(long, value_enum, requires = "from")]
    pub nonces: Option<NonceOption>,
    /// Where it goes: gzip if the name ends with `.gz`, standard output for `-`.
    #[arg(long, value_name = "FILE.csv[.gz]")]
    pub out: PathBuf,
}

/// Options of `verify`.
#[derive(Debug, Args)]
pub struct VerifyOptions {
    /// The output of a run.
    #[arg(value_name = "DIR")]
    pub directory: PathBuf,
}

/// What becomes of an input's nonces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum NonceOption {
    /// Each sender's nonces are renumbered without gaps.
    Dense,
    /// They stay as they are.
    Raw,
}

impl NonceOption {
    /// How to read a file with it.
    pub fn read_options(option: Option<Self>) -> ReadOptions {
        let nonces = match option {
            Some(Self::Raw) => Nonces::Raw,
            Some(Self::Dense) | None => Nonces::Dense,
        };
        ReadOptions { nonces }
    }
}

/// The arguments; nothing where help or the version was asked for, which is then printed.
pub fn parse(mut words: Vec<OsString>) -> Result<Option<Arguments>, Failure> {
    if means_run(&words) {
        words.insert(1.min(words.len()), "run".into());
    }
    match Arguments::try_parse_from(words) {
        Ok(arguments) => Ok(Some(arguments)),
        Err(error) => match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
                print::text(error.render().to_string().trim_end()).map(|()| None)
            }
            _ => Err(Failure::bad_input(one_line(&error))),
        },
    }
}

/// Whether no command is named: the first word that is not `--json` is missing or an option.
fn means_run(words: &[OsString]) -> bool {
    let first = words.iter().skip(1).find(|word| *word != "--json");
    first.is_none_or(|word| {
        let is_option = word.as_encoded_bytes().starts_with(b"-");
        let is_question = ["-h", "--help", "-V", "--version"]
            .iter()
            .any(|it| word == it);
        is_option && !is_question
    })
}

/// The message without usage and tips, which `--help` gives.
fn one_line(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let message = text.lines().take_while(|line| !line.starts_with("Usage:"));
    let message = message.filter(|line| !line.trim_start().starts_with("tip:"));
    let words: Vec<&str> = message.flat_map(str::split_whitespace).collect();
    let line = words.join(" ");
    let line = line.strip_prefix("error: ").unwrap_or(&line);
    let line = line.trim_end_matches(" For more information, try '--help'.");
    format!("{line} (see `hauptbuch --help`)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        use clap::CommandFactory as _;
        Arguments::command().debug_assert();
    }

    #[test]
    fn no_command_means_run() {
        let words = |line: &str| line.split(' ').map(OsString::from).collect::<Vec<_>>();
        for line in [
            "hauptbuch",
            "hauptbuch --json",
            "hauptbuch --seed 3",
            "hauptbuch --json --seed 3",
        ] {
            assert!(means_run(&words(line)), "{line}");
            let parsed = parse(words(line)).unwrap().unwrap();
            assert!(matches!(parsed.command, Command::Run(_)), "{line}");
            assert_eq!(parsed.json, line.contains("json"));
        }
        for line in [
            "hauptbuch --help",
            "hauptbuch verify x",
            "hauptbuch --json verify x",
        ] {
            assert!(!means_run(&words(line)), "{line}");
        }
    }
}

//! The command line of Hauptbuch.
//!
//! `hauptbuch run` drives one sequencer through a workload and writes what comes of it into a
//! directory; `hauptbuch verify` checks such a directory; `hauptbuch generate` writes a workload.
//! `hauptbuch order` puts the ids of receive lists in a fair order. `hauptbuch simulate` lets a
//! committee decide in deterministic worlds full of faults. Without a subcommand it runs.
//! `--json` makes each print one JSON object.
//!
//! Exit codes: 0 for success; 1 for an output that does not hold, and for what should not happen;
//! 2 for input that can't be used; 130 for an interruption. Whatever went wrong, one line on
//! standard error says it.

mod args;
mod config;
mod failure;
mod generate;
mod input;
mod order;
mod print;
mod run;
mod simulate;
mod verify;

use std::process::ExitCode;

use args::{Command, parse};

fn main() -> ExitCode {
    let result = parse(std::env::args_os().collect()).and_then(|parsed| match parsed {
        None => Ok(()),
        Some(arguments) => match arguments.command {
            Command::Order(options) => order::order(&options, arguments.json),
            Command::Run(options) => run::run(&options, arguments.json),
            Command::Simulate(options) => simulate::simulate(&options, arguments.json),
            Command::Generate(options) => generate::generate(&options, arguments.json),
            Command::Verify(options) => verify::verify(&options, arguments.json),
        },
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

//! A run's output: a directory that anyone can verify, to the byte.
//!
//! | file | what |
//! |---|---|
//! | `genesis.json` | the configuration that the chain of slots starts from |
//! | `batches.jsonl` | a line for each slot, with all its bytes |
//! | `certificates.jsonl` | a line for each slot that a committee decided: who signed it |
//! | `logs.jsonl` | a line for each slot whose order receive logs give: extensions and cut |
//! | `receipts.jsonl` | a line for each submitted transaction, with what became of it |
//! | `summary.json` | what the run came to |
//! | `manifest.json` | the sizes and hashes of the six files above |
//! | `timing.json` | how long the work took; ends with a checksum of itself |
//! | `report.html` | the same to look at; ends with a checksum of itself |
//!
//! [`run_to_directory`] writes one, and [`verify`] checks it with nothing but the directory. The
//! same workload and configuration give the same bytes in the first seven files on every machine.
//! `docs/output.md` has the rules, complete enough to write a verifier without this code.
//!
//! # What it promises
//! No byte of any file can be changed, no line dropped, no file added without [`verify`] failing;
//! neither can a part be changed under a manifest that was rewritten to fit, where another part
//! says otherwise. Where members sign, each slot has a certificate, which is checked with nothing
//! but their public keys. What it can't promise is who wrote it: members' keys follow from the
//! run's seed, one sequencer alone signs nothing, and whoever rewrites all of it consistently has
//! written
//! the output of another run.
//!
//! # Cost
//! Some 2.2 bytes on the disk for each byte of a slot and 450 for each transaction; in memory 150
//! bytes a transaction.
//!
//! ```
//! use core::ops::ControlFlow;
//! use hauptbuch_sim::output::{run_to_directory, verify};
//! use hauptbuch_sim::run::RunConfig;
//! use hauptbuch_sim::workload::{GeneratorConfig, generate};
//!
//! let config = GeneratorConfig { count: 50, ..GeneratorConfig::default() };
//! let workload = generate(&config).unwrap();
//! # let name = format!("hauptbuch-doc-{}", std::process::id());
//! let directory = std::env::temp_dir().join(name);
//! let progress = |_submitted: usize| ControlFlow::Continue(());
//! let written =
//!     run_to_directory(&workload, &RunConfig::default(), &directory, progress).unwrap();
//! let verified = verify(&directory).unwrap();
//! assert_eq!(verified.submitted, 50);
//! assert_eq!(written.summary.final_batch_hash.0, *verified.final_batch_hash.as_bytes());
//! # std::fs::remove_dir_all(&directory).unwrap();
//! ```

mod committee;
mod directory;
mod error;
mod figures;
mod format;
mod hashed;
mod json;
mod limits;
mod members;
mod report;
mod seal;
mod signed;
mod tally;
#[cfg(test)]
mod tests;
pub mod text;
mod timing;
mod verify;
mod write;

pub use error::{OutputError, ROLLUP_NAME_BYTES_MAX};
pub use figures::Figures;
pub use format::{
    Distribution, FILE_NAMES, FORMAT_VERSION, InputSummary, MemoryPart, Rejections, StepTiming,
    Summary, Timing, TransactionCounts,
};
pub use json::{Digest, EXACT_NUMBER_MAX, Number};
pub use members::ConsensusSummary;
pub use report::{fairness_page, fairness_sections};
pub use verify::{VerifyReport, verify};
pub use write::{COMMITTEE_MEMORY, OutputWriter, Written, run_to_directory};

//! Why there is no output, or none that holds.

use core::fmt;
use std::io;
use std::path::Path;

use crate::error::grouped;
use crate::run::RunError;

/// The most bytes of a rollup's name in an output, so that a genesis stays small.
pub const ROLLUP_NAME_BYTES_MAX: usize = 1_024;

/// Why an output was not written, or does not hold what it promises. Its text is one line.
#[derive(Debug)]
#[non_exhaustive]
pub enum OutputError {
    /// The system refused an operation on a file.
    Io {
        /// The file.
        path: String,
        /// What the system said.
        error: io::Error,
    },
    /// What lies at the target is no output of a run, so it is not replaced.
    NotOurs {
        /// The target.
        path: String,
        /// How that shows.
        reason: String,
    },
    /// A rollup's name has more than [`ROLLUP_NAME_BYTES_MAX`] bytes.
    RollupName {
        /// The rollup's number.
        rollup: u32,
    },
    /// The run did not come to its end.
    Run(RunError),
    /// The run's counters and its events contradict each other: a defect of this library.
    Contradiction(&'static str),
    /// The output does not hold: it was changed, or is not complete.
    Invalid {
        /// The file that shows it.
        file: String,
        /// The line of it, counted from 1, where it is one.
        line: Option<u64>,
        /// What is wrong.
        reason: String,
    },
}

impl OutputError {
    pub(super) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.display().to_string();
        move |error| Self::Io { path, error }
    }

    pub(super) fn invalid(file: &str, reason: impl Into<String>) -> Self {
        Self::Invalid {
            file: file.to_owned(),
            line: None,
            reason: reason.into(),
        }
    }

    pub(super) fn invalid_line(file: &str, line: u64, reason: impl Into<String>) -> Self {
        Self::Invalid {
            file: file.to_owned(),
            line: Some(line),
            reason: reason.into(),
        }
    }
}

impl fmt::Display for OutputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { path, error } => write!(f, "{path}: {error}"),
            Self::NotOurs { path, reason } => {
                write!(f, "{path} is not replaced, because {reason}")
            }
            Self::RollupName { rollup } => write!(
                f,
                "the name of rollup {rollup} has more than {} bytes",
                grouped(ROLLUP_NAME_BYTES_MAX as u64)
            ),
            Self::Run(error) => error.fmt(f),
            Self::Contradiction(what) => {
                write!(f, "a defect of this library, please report it: {what}")
            }
            Self::Invalid { file, line, reason } => match line {
                Some(line) => write!(f, "{file}, line {line}: {reason}"),
                None => write!(f, "{file}: {reason}"),
            },
        }
    }
}

impl core::error::Error for OutputError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Io { error, .. } => Some(error),
            Self::Run(error) => Some(error),
            _ => None,
        }
    }
}

impl From<RunError> for OutputError {
    fn from(error: RunError) -> Self {
        Self::Run(error)
    }
}

//! Why a scenario can't be read.

use core::fmt;
use std::io;

use crate::error::{grouped, shown};

/// Why a scenario can't be read: which file, where in it, and what.
#[derive(Debug)]
pub struct ScenarioError {
    /// The file as it was given.
    pub file: String,
    /// The line, counted from 1; nothing where the file as a whole is meant.
    pub line: Option<u64>,
    /// What is wrong.
    pub fault: ScenarioFault,
}

/// What is wrong with a scenario.
#[derive(Debug)]
#[non_exhaustive]
pub enum ScenarioFault {
    /// The file can't be read.
    Io(io::Error),
    /// It has more bytes than a scenario may.
    TooLarge {
        /// The most bytes.
        bytes_max: u64,
    },
    /// It is no TOML, or has a key that is unknown, missing, or of another type.
    Syntax(String),
    /// The tactic needs a key that is missing.
    Missing {
        /// The key.
        key: &'static str,
        /// The tactic.
        tactic: &'static str,
    },
    /// The tactic has no use for a key.
    Useless {
        /// The key.
        key: &'static str,
        /// The tactic.
        tactic: &'static str,
    },
    /// A number is out of range.
    OutOfRange {
        /// The key.
        key: &'static str,
        /// The smallest.
        min: u64,
        /// The largest.
        max: u64,
    },
    /// The tactic takes somebody else to carry it out.
    Controls {
        /// The tactic.
        tactic: &'static str,
        /// Who must be malicious.
        needed: &'static str,
    },
}

impl fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ", line {line}")?;
        }
        f.write_str(": ")?;
        self.fault.fmt(f)
    }
}

impl fmt::Display for ScenarioFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::TooLarge { bytes_max } => write!(f, "more than {} bytes", grouped(*bytes_max)),
            Self::Syntax(message) => f.write_str(message),
            Self::Missing { key, tactic } => write!(f, "the tactic `{tactic}` needs `{key}`"),
            Self::Useless { key, tactic } => {
                write!(f, "the tactic `{tactic}` has no use for `{key}`")
            }
            Self::OutOfRange { key, min, max } => {
                write!(f, "`{key}` must be {min} to {}", grouped(*max))
            }
            Self::Controls { tactic, needed } => {
                write!(f, "the tactic `{tactic}` needs `controls = \"{needed}\"`")
            }
        }
    }
}

impl core::error::Error for ScenarioError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match &self.fault {
            ScenarioFault::Io(error) => Some(error),
            _ => None,
        }
    }
}

impl ScenarioError {
    /// What the TOML reader says, on one line.
    pub(super) fn syntax(file: &str, text: &str, error: &toml::de::Error) -> Self {
        let start = error.span().map_or(0, |span| span.start);
        let message: Vec<String> = error.message().lines().map(shown_message).collect();
        Self {
            file: file.to_owned(),
            line: Some(line_at(text, start)),
            fault: ScenarioFault::Syntax(message.join("; ")),
        }
    }
}

/// The line of a place in a text, counted from 1.
pub(super) fn line_at(text: &str, start: usize) -> u64 {
    let before = text.as_bytes().iter().take(start);
    1 + before.filter(|byte| **byte == b'\n').count() as u64
}

/// A message may quote the file: no control characters, but its whole length.
fn shown_message(line: &str) -> String {
    line.split(' ').map(shown).collect::<Vec<_>>().join(" ")
}

//! Why there are no arrivals.

use core::fmt;

use hauptbuch_core::ordering::fair::LOG_COUNT_MAX;

use super::skew::SCALE_PERMILLE_MAX;
use crate::error::{ReadError, counted, grouped};

/// Why there are no arrivals; the text is one line for the user.
#[derive(Debug)]
#[non_exhaustive]
pub enum ArrivalsError {
    /// The file is no sourcelog.
    Read(ReadError),
    /// There must be between one sequencer and [`LOG_COUNT_MAX`].
    SequencerCount {
        /// How many were wanted.
        wanted: u32,
    },
    /// Base latencies are given, but not one for each sequencer.
    BaseCount {
        /// How many sequencers there are.
        sequencers: u32,
        /// How many latencies there are.
        found: usize,
    },
    /// The scale of the spread is over [`SCALE_PERMILLE_MAX`].
    ScaleTooLarge {
        /// The scale in thousandths.
        permille: u32,
    },
    /// A log has fewer sources than there are to be sequencers.
    TooFewSources {
        /// How many sequencers there are to be.
        wanted: u32,
        /// The sources of the log, in order of name.
        found: Vec<String>,
    },
    /// No transaction of the workload stands in the log.
    NothingJoined {
        /// How many transactions the workload has.
        transactions: u64,
        /// How many different hashes the log has.
        hashes: u64,
    },
}

impl fmt::Display for ArrivalsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(error) => error.fmt(f),
            Self::SequencerCount { wanted } => write!(
                f,
                "{wanted} sequencers: there must be between 1 and {LOG_COUNT_MAX}"
            ),
            Self::BaseCount { sequencers, found } => write!(
                f,
                "{found} base latencies for {}: give one for each, or none",
                counted(u64::from(*sequencers), "sequencer")
            ),
            Self::ScaleTooLarge { permille } => write!(
                f,
                "a spread scaled by {} thousandths: at most {}",
                grouped(u64::from(*permille)),
                grouped(u64::from(SCALE_PERMILLE_MAX))
            ),
            Self::TooFewSources { wanted, found } => {
                let names: Vec<String> =
                    found.iter().map(|name| crate::error::shown(name)).collect();
                write!(
                    f,
                    "{}, and the log has {} (`{}`)",
                    counted(u64::from(*wanted), "sequencer"),
                    counted(found.len() as u64, "source"),
                    names.join("`, `")
                )
            }
            Self::NothingJoined {
                transactions,
                hashes,
            } => write!(
                f,
                "none of the {} stands among the {} of the log: they are joined by the hash of \
                 the payload, or the hash with which the payload begins",
                counted(*transactions, "transaction"),
                match hashes {
                    1 => "1 hash".to_owned(),
                    more => format!("{} hashes", grouped(*more)),
                }
            ),
        }
    }
}

impl core::error::Error for ArrivalsError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Read(error) => Some(error),
            _ => None,
        }
    }
}

impl From<ReadError> for ArrivalsError {
    fn from(error: ReadError) -> Self {
        Self::Read(error)
    }
}

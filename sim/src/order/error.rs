//! Why a question about order has no answer: one clear line each.

use core::fmt;

use hauptbuch_core::ordering::fair::{Gamma, GammaMode, ParametersError};

use super::{
    ID_COUNT_MAX, MEMORY_BYTES_MAX, MISSING_PAIR_COUNT_MAX, RANKED_PAIRS_ID_COUNT_MAX,
    ROUND_COUNT_MAX,
};
use crate::output::text::{bytes, grouped};

/// Why a question about order has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OrderError {
    /// The text is not JSON, or not in the form of a question.
    Json {
        /// Where reading stopped, counted from 1; 0 where it is about the whole.
        line: usize,
        /// Where in that line, in bytes.
        column: usize,
        /// What is wrong there.
        reason: String,
    },
    /// The parameters promise no order.
    Parameters {
        /// How many members.
        n: u32,
        /// How many of them may lie.
        f: u32,
        /// The share of members that binds an order.
        gamma: Gamma,
        /// The members that it is a share of.
        mode: GammaMode,
        /// What the kernel says.
        error: ParametersError,
    },
    /// There are more lists than members.
    TooManyLists {
        /// `lists` or `updates`.
        field: &'static str,
        /// The round of a history, counted from 1.
        round: Option<usize>,
        /// How many lists.
        count: usize,
        /// How many members.
        n: u32,
    },
    /// There are more than [`ID_COUNT_MAX`] different ids.
    TooManyIds,
    /// There are more than [`RANKED_PAIRS_ID_COUNT_MAX`] different ids, to be ranked by pairs.
    TooManyForRankedPairs {
        /// How many.
        count: u32,
    },
    /// There are more than [`ROUND_COUNT_MAX`] rounds.
    TooManyRounds {
        /// How many.
        count: usize,
    },
    /// More than [`MISSING_PAIR_COUNT_MAX`] pairs lack an edge.
    TooManyMissing {
        /// How many, up to the round that went over the limit.
        count: u64,
    },
    /// Graphs of this size take more than [`MEMORY_BYTES_MAX`].
    TooMuchMemory {
        /// How much they would take.
        bytes: u64,
    },
    /// The kernel refused what it was given; its message.
    Refused(String),
}

impl OrderError {
    pub(super) fn refused(error: impl fmt::Display) -> Self {
        Self::Refused(error.to_string())
    }
}

impl fmt::Display for OrderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json {
                line: 0, reason, ..
            } => f.write_str(reason),
            Self::Json {
                line,
                column,
                reason,
            } => {
                write!(f, "line {line}, column {column}: {reason}")
            }
            Self::Parameters {
                n,
                f: faults,
                gamma,
                mode,
                error,
            } => {
                write_parameters(f, (*n, *faults), *gamma, *mode)?;
                write!(f, ": {error}")?;
                if *error == ParametersError::FairnessInfeasible {
                    write_remedy(f, u64::from(*n), u64::from(*faults))?;
                }
                Ok(())
            }
            Self::TooManyLists {
                field,
                round,
                count,
                n,
            } => {
                if let Some(round) = round {
                    write!(f, "round {round}: ")?;
                }
                write!(
                    f,
                    "{field}: {count} lists, but n = {n} members have one each at most"
                )
            }
            Self::Refused(message) => f.write_str(message),
            over_a_limit => over_a_limit.write_limit(f),
        }
    }
}

impl OrderError {
    /// Which limit of this module the question goes beyond, if it is one.
    fn write_limit(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooManyIds => {
                let most = grouped(u64::from(ID_COUNT_MAX));
                write!(f, "the lists hold more than {most} different ids")
            }
            Self::TooManyForRankedPairs { count } => {
                let most = grouped(u64::from(RANKED_PAIRS_ID_COUNT_MAX));
                let count = grouped(u64::from(*count));
                write!(
                    f,
                    "rank: {count} different ids, but ranked-pairs takes at most {most}; "
                )?;
                f.write_str("copeland takes more")
            }
            Self::TooManyRounds { count } => {
                let (count, most) = (grouped(*count as u64), grouped(ROUND_COUNT_MAX as u64));
                write!(
                    f,
                    "rounds: {count} of them, but there may be at most {most}"
                )
            }
            Self::TooManyMissing { count } => {
                let (count, most) = (grouped(*count), grouped(MISSING_PAIR_COUNT_MAX));
                write!(
                    f,
                    "{count} pairs lack an edge, more than the {most} that a report names"
                )
            }
            Self::TooMuchMemory { bytes: wanted } => {
                let (wanted, most) = (bytes(*wanted), bytes(MEMORY_BYTES_MAX));
                write!(
                    f,
                    "graphs over so many ids, lists and rounds take {wanted}, "
                )?;
                write!(f, "more than {most}")
            }
            Self::Json { .. }
            | Self::Parameters { .. }
            | Self::TooManyLists { .. }
            | Self::Refused(_) => Ok(()),
        }
    }
}

fn write_parameters(
    f: &mut fmt::Formatter<'_>,
    (n, faults): (u32, u32),
    gamma: Gamma,
    mode: GammaMode,
) -> fmt::Result {
    let Gamma {
        numerator,
        denominator,
    } = gamma;
    let members = match mode {
        GammaMode::All => "all",
        GammaMode::Honest => "honest",
    };
    write!(
        f,
        "n = {n}, f = {faults}, gamma = {numerator}/{denominator}, mode {members}"
    )
}

/// What would make the parameters promise an order.
fn write_remedy(f: &mut fmt::Formatter<'_>, n: u64, faults: u64) -> fmt::Result {
    // At gamma 1 both modes want 4f + 1 members, and no gamma wants fewer.
    let least = 4 * faults + 1;
    if n < least {
        write!(
            f,
            "; it takes at least 4f + 1 = {least}, and that at gamma 1"
        )
    } else {
        f.write_str("; a larger gamma could do")
    }
}

impl core::error::Error for OrderError {}

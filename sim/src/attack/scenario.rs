//! Scenario files.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use serde::Deserialize;
use toml::Spanned;

use super::error::{ScenarioError, ScenarioFault, line_at};

/// The most bytes of a scenario file.
pub const SCENARIO_BYTES_MAX: u64 = 64 << 10;

/// The longest time in a scenario: the whole play is not longer.
const MS_MAX: u64 = 5_000;
/// The most transactions that an attacker sends, or sends to each member.
const COUNT_MAX: u64 = 1_000;

/// Who is malicious.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Controls {
    /// A client alone; every member is honest.
    Client,
    /// A client, and f members drawn anew for each seed.
    Members,
    /// A client, and the member that proposes the cut.
    Proposer,
}

/// What the attacker wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Goal {
    /// Its transaction before the victim's.
    Overtake,
    /// Honest transactions that wait.
    Stall,
}

/// What members tell each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Relay {
    /// Nothing: a client's transaction is where the client sent it.
    None,
    /// After each cut they log what others' lists have and theirs lack.
    Cuts,
    /// They pass on what they receive at once.
    Receipt,
}

/// What the attacker does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tactic {
    /// Two more transactions close a circle round the victim and its own.
    Condorcet,
    /// After each cut one of its transactions waits at too few members to be solid; if a victim
    /// comes before the next cut, it goes to all.
    Ambush,
    /// Its transaction waits over several cuts, at too few members to stand in a graph.
    LongAmbush,
    /// Its members write its transaction before the victim.
    Reversal,
    /// The proposer leaves out up to f lists that have the victim first.
    SelectiveCut,
    /// Pairs at 2f members, each half the other way round, while its members are silent.
    Partial,
    /// To each member transactions that no other member gets.
    DisjointFlood,
    /// To all members the same transactions, to each from another place on.
    ShiftedFlood,
    /// Its transaction several times.
    Copies,
}

impl Tactic {
    /// The name in a file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Condorcet => "condorcet",
            Self::Ambush => "ambush",
            Self::LongAmbush => "long-ambush",
            Self::Reversal => "reversal",
            Self::SelectiveCut => "selective-cut",
            Self::Partial => "partial",
            Self::DisjointFlood => "disjoint-flood",
            Self::ShiftedFlood => "shifted-flood",
            Self::Copies => "copies",
        }
    }

    /// Whether it uses a key.
    fn uses(self, key: &str) -> bool {
        use Tactic::{Condorcet, Copies, DisjointFlood, LongAmbush, Partial, ShiftedFlood};
        match key {
            "reaction_ms" => !matches!(self, Partial | DisjointFlood | ShiftedFlood),
            "lead_ms" => matches!(self, Condorcet | LongAmbush),
            "gap_ms" => matches!(self, Condorcet),
            "count" => matches!(self, Partial | DisjointFlood | ShiftedFlood | Copies),
            _ => matches!(self, Partial | DisjointFlood | ShiftedFlood),
        }
    }

    /// Who at least must be malicious, where it takes a certain one.
    const fn needs(self) -> Option<(Controls, &'static str)> {
        match self {
            Self::Ambush | Self::LongAmbush | Self::Reversal | Self::Partial => {
                Some((Controls::Members, "members"))
            }
            Self::SelectiveCut => Some((Controls::Proposer, "proposer")),
            _ => None,
        }
    }
}

/// An attacker, as a file describes it. Keys that the tactic does not use are 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// What a table calls it.
    pub title: String,
    /// What the attacker does.
    pub tactic: Tactic,
    /// Who is malicious.
    pub controls: Controls,
    /// What the attacker wants.
    pub goal: Goal,
    /// What members tell each other.
    pub relay: Relay,
    /// How long after the victim first reached somebody whom it watches the attacker sends, in ms.
    pub reaction_ms: u64,
    /// How long before the victim the attacker starts, in ms.
    pub lead_ms: u64,
    /// How far apart the attacker's transactions reach one member, in ms.
    pub gap_ms: u64,
    /// How many transactions, pairs, or transactions for each member the attacker sends.
    pub count: u64,
    /// Over how long the attacker sends them, round the time of the victim, in ms.
    pub duration_ms: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    title: String,
    tactic: Spanned<Tactic>,
    controls: Spanned<Controls>,
    goal: Goal,
    relay: Relay,
    reaction_ms: Option<Spanned<u64>>,
    lead_ms: Option<Spanned<u64>>,
    gap_ms: Option<Spanned<u64>>,
    count: Option<Spanned<u64>>,
    duration_ms: Option<Spanned<u64>>,
}

impl Scenario {
    /// Those that come with the project, from `sim/scenarios`.
    ///
    /// # Errors
    /// None that a test would let pass: the files are part of the program.
    pub fn built_in() -> Result<Vec<Self>, ScenarioError> {
        let files = BUILT_IN.iter();
        files.map(|(file, text)| Self::parse(file, text)).collect()
    }

    /// Reads one from a file.
    ///
    /// # Errors
    /// A [`ScenarioError`] that names the file and the line.
    pub fn read_file(path: &Path) -> Result<Self, ScenarioError> {
        let name = path.display().to_string();
        let whole = |fault| ScenarioError {
            file: name.clone(),
            line: None,
            fault,
        };
        let file = File::open(path).map_err(|error| whole(ScenarioFault::Io(error)))?;
        let mut text = String::new();
        file.take(SCENARIO_BYTES_MAX + 1)
            .read_to_string(&mut text)
            .map_err(|error| whole(ScenarioFault::Io(error)))?;
        if text.len() as u64 > SCENARIO_BYTES_MAX {
            return Err(whole(ScenarioFault::TooLarge {
                bytes_max: SCENARIO_BYTES_MAX,
            }));
        }
        Self::parse(&name, &text)
    }

    /// Reads one from the text of a file of that name.
    ///
    /// # Errors
    /// As [`Scenario::read_file`].
    pub fn parse(file: &str, text: &str) -> Result<Self, ScenarioError> {
        let keys: Keys =
            toml::from_str(text).map_err(|error| ScenarioError::syntax(file, text, &error))?;
        let at = |start: usize, fault| ScenarioError {
            file: file.to_owned(),
            line: Some(line_at(text, start)),
            fault,
        };
        let tactic = *keys.tactic.get_ref();
        let number = |key: &'static str, value: Option<Spanned<u64>>, min: u64, max: u64| {
            let name = tactic.name();
            match value {
                None if tactic.uses(key) => {
                    let fault = ScenarioFault::Missing { key, tactic: name };
                    Err(at(keys.tactic.span().start, fault))
                }
                None => Ok(0),
                Some(value) if !tactic.uses(key) => {
                    let fault = ScenarioFault::Useless { key, tactic: name };
                    Err(at(value.span().start, fault))
                }
                Some(value) if !(min..=max).contains(value.get_ref()) => {
                    let fault = ScenarioFault::OutOfRange { key, min, max };
                    Err(at(value.span().start, fault))
                }
                Some(value) => Ok(value.into_inner()),
            }
        };
        let controls = *keys.controls.get_ref();
        if let Some((_, needed)) = tactic.needs().filter(|(needed, _)| *needed != controls) {
            let fault = ScenarioFault::Controls {
                tactic: tactic.name(),
                needed,
            };
            return Err(at(keys.controls.span().start, fault));
        }
        Ok(Self {
            title: keys.title,
            tactic,
            controls,
            goal: keys.goal,
            relay: keys.relay,
            reaction_ms: number("reaction_ms", keys.reaction_ms, 0, MS_MAX)?,
            lead_ms: number("lead_ms", keys.lead_ms, 0, MS_MAX)?,
            gap_ms: number("gap_ms", keys.gap_ms, 1, MS_MAX)?,
            count: number("count", keys.count, 1, COUNT_MAX)?,
            duration_ms: number("duration_ms", keys.duration_ms, 1, MS_MAX)?,
        })
    }
}

macro_rules! built_in {
    ($($name:literal),+ $(,)?) => {
        &[$(($name, include_str!(concat!("../../scenarios/", $name)))),+]
    };
}

/// In the order of the table.
const BUILT_IN: &[(&str, &str)] = built_in!(
    "condorcet.toml",
    "ambush.toml",
    "ambush-receipt.toml",
    "long-ambush.toml",
    "long-ambush-relay.toml",
    "reversal.toml",
    "selective-cut.toml",
    "copies.toml",
    "partial.toml",
    "partial-relay.toml",
    "disjoint-flood.toml",
    "shifted-flood.toml",
);

//! Attackers, and what each of them achieves under each way to order.
//!
//! A [`Scenario`] comes from a file: who is malicious, what the attacker does to arrivals, lists or
//! cuts, and what it wants. [`play`] plays it once over a small seeded world of honest traffic, and
//! [`measure`] many times; [`table`] prints what comes of all of them.
//!
//! # The world
//! Clients send a transaction every [`SPACING_NS`] or so, for [`ROUND_COUNT`] rounds of
//! [`ROUND_NS`]. Their arrivals spread over the members as was measured between continents, scaled
//! to a tenth (see [`skew`](crate::arrivals::skew)): a median of 40 ms, one in a hundred a second.
//! One transaction of the fourth round is the *victim*. At the end of each round a cut takes all
//! lists as they stand. A scenario says what members tell each other: nothing, after each cut what
//! stands in others' lists, or at once what they receive.
//!
//! # The ways to order
//! - [`Ordering::Fcfs`]: by arrival at one member, drawn for each seed; it lies where it is one of
//!   the attacker's.
//! - [`Ordering::Median`]: by the lower median of the members' stamps, a missing stamp being later
//!   than all; the smaller id breaks ties. A transaction takes part once that median is a time
//!   before the cut.
//! - [`Ordering::Shuffle`]: what reached that one member within the round, in an order that a seed
//!   gives. Each copy is drawn for itself.
//! - [`Ordering::Fair`]: the kernel over rounds, with gamma 1.
//!
//! # What counts as success
//! *Overtake*: one of the attacker's transactions comes out before the victim, and when the
//! attacker first saw the victim it was neither ordered nor sure to be: what it can't take back any
//! more reacts to nothing. Sure is what reached the member that orders alone, more than half of the
//! stamps, or n − 2f lists.
//!
//! *Stall*: some honest transaction that all honest members held at a cut
//! is still not ordered [`PATIENCE_ROUNDS`] cuts later. For each seed the same world is played
//! without the attack too, with the attacker's transaction sent like any other, which tells what
//! luck alone achieves.
//!
//! # What it does not show
//! Fees and censorship; budgets, limits and nonces; many slots; a proposer that picks the stamps of
//! a median, which has all of them here. The attacker of the Condorcet circle is taken to know when
//! the victim is sent.

mod error;
mod orderings;
mod scenario;
mod stage;
mod table;
mod tactics;
#[cfg(test)]
mod tests;

use hauptbuch_core::ordering::fair::{Gamma, GammaMode, Parameters, ParametersError, Rank};

pub use error::{ScenarioError, ScenarioFault};
pub use scenario::{Controls, Goal, Relay, SCENARIO_BYTES_MAX, Scenario, Tactic};
pub use table::{Share, table};

use stage::Stage;

/// How long a round is: half a second.
pub const ROUND_NS: u64 = 500_000_000;

/// How many rounds a play has.
pub const ROUND_COUNT: u64 = 10;

/// How far apart honest clients send, on average: 20 ms.
pub const SPACING_NS: u64 = 20_000_000;

/// The scale of the measured spread of arrivals, in thousandths.
pub const SPREAD_PERMILLE: u32 = 100;

/// How many cuts an honest transaction may wait that all honest members hold.
pub const PATIENCE_ROUNDS: u64 = 3;

/// How long a member needs to log what another one told it: 50 ms.
pub const RELAY_NS: u64 = 50_000_000;

/// The round in which the victim is sent, counted from 0.
const VICTIM_ROUND: u64 = 3;

/// A way to order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ordering {
    /// First come, first served at one member.
    Fcfs,
    /// By the lower median of stamps.
    Median,
    /// A seeded permutation of a round.
    Shuffle,
    /// Order fairness, with this ranking within components.
    Fair(Rank),
}

impl Ordering {
    /// Those that the table compares.
    pub const ALL: [Self; 5] = [
        Self::Fcfs,
        Self::Median,
        Self::Shuffle,
        Self::Fair(Rank::Path),
        Self::Fair(Rank::Copeland),
    ];

    /// The name in the table's head.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fcfs => "FCFS",
            Self::Median => "median",
            Self::Shuffle => "shuffle",
            Self::Fair(Rank::Path) => "fair, plain path",
            Self::Fair(Rank::RankedPairs) => "fair, ranked pairs",
            Self::Fair(Rank::Copeland) => "fair, default",
        }
    }
}

/// What one play came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Whether a transaction of the attacker's overtook the victim.
    pub overtook: bool,
    /// Whether an honest transaction waited for too long.
    pub stalled: bool,
}

impl Outcome {
    /// Whether the attacker got what it wants.
    #[must_use]
    pub const fn meets(self, goal: Goal) -> bool {
        match goal {
            Goal::Overtake => self.overtook,
            Goal::Stall => self.stalled,
        }
    }
}

/// A committee of n members, f of which may lie, at gamma 1.
///
/// # Errors
/// [`ParametersError`] unless n ≥ 4f + 1.
pub const fn committee(n: u32, f: u32) -> Result<Parameters, ParametersError> {
    Parameters::new(n, f, Gamma::ONE, GammaMode::All)
}

/// Plays a scenario once; without the attack if `is_attacked` is false.
///
/// Cost: some milliseconds for five members.
#[must_use]
pub fn play(
    scenario: &Scenario,
    parameters: Parameters,
    ordering: Ordering,
    seed: u64,
    is_attacked: bool,
) -> Outcome {
    let stage = Stage::new(scenario, parameters, seed, is_attacked);
    let releases = orderings::run(&stage, scenario, parameters, ordering, seed);
    stage.judge(&releases, ordering)
}

/// How often a scenario's attacker gets what it wants, over the seeds below `run_count`.
#[must_use]
pub fn measure(
    scenario: &Scenario,
    parameters: Parameters,
    ordering: Ordering,
    run_count: u64,
    is_attacked: bool,
) -> Share {
    let outcomes = (0..run_count)
        .map(|seed| play(scenario, parameters, ordering, seed, is_attacked))
        .filter(|outcome| outcome.meets(scenario.goal));
    Share {
        count: outcomes.count() as u64,
        of: run_count,
    }
}

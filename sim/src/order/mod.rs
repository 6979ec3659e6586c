//! Order fairness over ids that are strings: what one proposal, or a history of rounds, comes to.
//!
//! The kernel, [`hauptbuch_core::ordering::fair`], sees ids as numbers. Here strings become numbers
//! in the ascending order of their bytes, so that equal weights go to the smaller id, and what the
//! kernel finds is told in strings again. [`json`] reads a question as the command line takes it;
//! a [`Report`] is written as the command line prints it.
//!
//! Whatever stands in lists counts, known or not; an id that a list holds already is passed over,
//! so that its first place counts. Ids that stand in updates only are not part of anything: updates
//! serve edges between ids that a graph keeps.
//!
//! ```
//! use hauptbuch_core::ordering::fair::{Gamma, GammaMode, Parameters, Rank};
//! use hauptbuch_sim::order::{Round, order};
//!
//! let parameters = Parameters::new(5, 1, Gamma::ONE, GammaMode::All)?;
//! let round = Round {
//!     lists: vec![vec!["tea", "rum"], vec!["tea", "rum"], vec!["rum", "tea"], vec!["tea"]],
//!     updates: vec![],
//! };
//! let report = order(parameters, Rank::Copeland, &round)?;
//! assert_eq!(report.order, ["tea", "rum"]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Cost: that of the kernel, and O(log m) comparisons for each entry of a list among m ids. Memory:
//! what the kernel's footprint says, at most [`MEMORY_BYTES_MAX`], beside the strings themselves.

mod error;
pub mod json;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use hauptbuch_core::ordering::fair::{
    Class, Evidence, Graph, Parameters, Rank, RankedOrder, RoundError, Rounds, Twin,
    VERTEX_COUNT_MAX,
};
use serde::Serialize;

pub use error::OrderError;

/// The most different ids that the lists of a whole question may hold.
pub const ID_COUNT_MAX: u32 = VERTEX_COUNT_MAX;

/// The most different ids with [`Rank::RankedPairs`], whose time grows with their cube.
pub const RANKED_PAIRS_ID_COUNT_MAX: u32 = 4_096;

/// The most rounds of a history.
pub const ROUND_COUNT_MAX: usize = 4_096;

/// The most missing pairs that the reports of a question name.
pub const MISSING_PAIR_COUNT_MAX: u64 = 1_000_000;

/// The most memory that graphs may take: 2 GiB.
pub const MEMORY_BYTES_MAX: u64 = 1 << 31;

/// How many graphs a line has room for at first; most histories need no more.
const FIRST_LINE_LEN: u32 = 4;

/// The lists of one round, one a member, and those that serve missing edges.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Round<Id> {
    /// In which order ids reached each member; of at most n members.
    pub lists: Vec<Vec<Id>>,
    /// Later lists for missing edges: for a proposal alone those of its own graph, in a history
    /// those of earlier rounds. Empty if there are none.
    pub updates: Vec<Vec<Id>>,
}

/// What one proposal comes to. Sets are sorted by the bytes of ids.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report<'a> {
    /// T: how many lists an edge takes, and how many an id needs to take part.
    pub threshold: u32,
    /// n − 2f: how many lists make an id solid.
    pub solid_min: u32,
    /// Ids in at least `solid_min` lists.
    pub solid: Vec<&'a str>,
    /// Ids in fewer, but at least `threshold`.
    pub shaded: Vec<&'a str>,
    /// Ids in fewer than that.
    pub blank: Vec<&'a str>,
    /// The shaded ids from which no path leads to a solid one.
    pub dropped: Vec<&'a str>,
    /// The pairs whose order is open, each with the smaller id first.
    pub missing: Vec<[&'a str; 2]>,
    /// The components in order, each of them ranked; empty while an edge is missing.
    pub batches: Vec<Vec<&'a str>>,
    /// The same without their borders.
    pub order: Vec<&'a str>,
}

/// What one round of a history comes to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RoundReport<'a> {
    /// Its own graph.
    #[serde(flatten)]
    pub report: Report<'a>,
    /// The ids that left the front of the line in this round, in order.
    pub released: Vec<&'a str>,
}

/// What a history of rounds comes to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RoundsReport<'a> {
    /// Round after round.
    pub rounds: Vec<RoundReport<'a>>,
    /// All that was released, in order.
    pub order: Vec<&'a str>,
}

/// Orders the ids of one proposal.
///
/// # Errors
/// [`OrderError::TooManyLists`] for more lists than members, and whatever lies beyond the limits of
/// this module.
pub fn order<Id: AsRef<str>>(
    parameters: Parameters,
    rank: Rank,
    round: &Round<Id>,
) -> Result<Report<'_>, OrderError> {
    check_list_count(parameters, round, None)?;
    let ids = Ids::of(std::slice::from_ref(round))?;
    let pairs_max = ids.ranked_pairs_max(rank)?;
    let footprint = Twin::footprint_bytes(parameters, ids.count_max(), pairs_max);
    check_memory(footprint)?;
    let mut twin =
        Twin::new(parameters, ids.count_max(), pairs_max).map_err(OrderError::refused)?;
    let (lists, updates) = (ids.numbers(&round.lists), ids.numbers(&round.updates));
    let updates = [updates.as_slice()];
    let updates = if round.updates.is_empty() {
        &updates[..0]
    } else {
        &updates[..]
    };
    let evidence = Evidence {
        vertex_count: ids.count(),
        lists: &lists,
        updates,
    };
    let graph = twin.build(&evidence).map_err(OrderError::refused)?;
    check_missing(u64::from(graph.missing_count()))?;
    let batches = batches_of(twin.order(rank).ok());
    Ok(Report::new(twin.graph(), &batches, |vertex| {
        ids.name(vertex)
    }))
}

/// Orders the ids of a history, round after round.
///
/// A round first gives its updates to the earlier graphs that still wait for an edge, then forms a
/// graph from its lists without what an earlier graph has kept, then releases from the front.
///
/// # Errors
/// As [`order`], and [`OrderError::TooManyRounds`].
pub fn order_rounds<Id: AsRef<str>>(
    parameters: Parameters,
    rank: Rank,
    rounds: &[Round<Id>],
) -> Result<RoundsReport<'_>, OrderError> {
    if rounds.len() > ROUND_COUNT_MAX {
        return Err(OrderError::TooManyRounds {
            count: rounds.len(),
        });
    }
    for (at, round) in (1..).zip(rounds) {
        check_list_count(parameters, round, Some(at))?;
    }
    let ids = Ids::of(rounds)?;
    let pairs_max = ids.ranked_pairs_max(rank)?;
    // How many graphs wait at once is known only at the end. A line for as many as there are rounds
    // would take far more memory than most histories need, so it doubles where it was too short.
    let longest = rounds.len().max(1) as u32;
    let mut line_len = FIRST_LINE_LEN.min(longest);
    loop {
        let count_max = ids.count_max();
        let footprint = Rounds::footprint_bytes(parameters, count_max, line_len, pairs_max);
        check_memory(footprint)?;
        let world = Rounds::new(parameters, rank, count_max, line_len, pairs_max);
        let world = world.map_err(OrderError::refused)?;
        match replay(world, &ids, rounds)? {
            Some(report) => return Ok(report),
            None => line_len = line_len.saturating_mul(2).min(longest),
        }
    }
}

/// Runs all rounds; nothing if more graphs wait than the line has room for.
fn replay<'a, Id: AsRef<str>>(
    mut world: Rounds,
    ids: &Ids<'a>,
    rounds: &[Round<Id>],
) -> Result<Option<RoundsReport<'a>>, OrderError> {
    let mut all = RoundsReport {
        rounds: Vec::with_capacity(rounds.len()),
        order: Vec::new(),
    };
    let mut missing_count = 0;
    for round in rounds {
        match world.round(&ids.numbers(&round.lists), &ids.numbers(&round.updates)) {
            Ok(()) => {}
            Err(RoundError::LineFull) if world.waiting_count() < rounds.len() => return Ok(None),
            Err(error) => return Err(OrderError::refused(error)),
        }
        let batches = batches_of(world.order().ok());
        let Some(graph) = world.graph() else {
            continue;
        };
        missing_count += u64::from(graph.missing_count());
        check_missing(missing_count)?;
        let name = |vertex| world.id(vertex).map_or("", |id| ids.name(id));
        let report = Report::new(graph, &batches, name);
        let released: Vec<&str> = world.released().iter().map(|id| ids.name(*id)).collect();
        all.order.extend_from_slice(&released);
        all.rounds.push(RoundReport { report, released });
    }
    Ok(Some(all))
}

impl<'a> Report<'a> {
    fn new(graph: &Graph, batches: &[Vec<u32>], name: impl Fn(u32) -> &'a str) -> Self {
        let of = |class: Class| {
            let all = (0..graph.vertex_count()).filter(|vertex| graph.class(*vertex) == class);
            all.map(&name).collect()
        };
        let pairs = missing_pairs(graph)
            .into_iter()
            .map(|(a, b)| [name(a), name(b)]);
        let named = |batch: &Vec<u32>| batch.iter().map(|vertex| name(*vertex)).collect();
        let batches: Vec<Vec<&str>> = batches.iter().map(named).collect();
        Self {
            threshold: graph.parameters().threshold(),
            solid_min: graph.parameters().solid_min(),
            solid: of(Class::Solid),
            shaded: of(Class::Shaded),
            blank: of(Class::Blank),
            dropped: graph.dropped().map(&name).collect(),
            missing: pairs.collect(),
            order: batches.concat(),
            batches,
        }
    }
}

/// The components of an order; none while edges are missing.
fn batches_of(order: Option<RankedOrder<'_>>) -> Vec<Vec<u32>> {
    let components = order.iter().flat_map(RankedOrder::components);
    components.map(<[u32]>::to_vec).collect()
}

/// The pairs without an edge, in the order of ids.
///
/// Only what a graph keeps can be in one: where most ids are blank, that is far less to walk
/// through than all pairs of vertices.
fn missing_pairs(graph: &Graph) -> Vec<(u32, u32)> {
    let mut pairs = Vec::new();
    if graph.missing_count() > 0 {
        let kept: Vec<u32> = graph.kept().collect();
        for (at, a) in kept.iter().enumerate() {
            let later = kept[at + 1..].iter();
            let open = later.filter(|b| graph.is_missing(*a, **b));
            pairs.extend(open.map(|b| (*a, *b)));
        }
    }
    pairs
}

/// The ids of all lists, by bytes; the place of one is its number.
struct Ids<'a>(Vec<&'a str>);

impl<'a> Ids<'a> {
    fn of<Id: AsRef<str>>(rounds: &'a [Round<Id>]) -> Result<Self, OrderError> {
        let mut distinct = BTreeSet::new();
        for id in rounds.iter().flat_map(|round| &round.lists).flatten() {
            distinct.insert(id.as_ref());
            if distinct.len() > ID_COUNT_MAX as usize {
                return Err(OrderError::TooManyIds);
            }
        }
        Ok(Self(distinct.into_iter().collect()))
    }

    fn count(&self) -> u32 {
        self.0.len() as u32
    }

    /// A graph has room for one vertex at least.
    fn count_max(&self) -> u32 {
        self.count().max(1)
    }

    fn ranked_pairs_max(&self, rank: Rank) -> Result<u32, OrderError> {
        match rank {
            Rank::RankedPairs if self.count() > RANKED_PAIRS_ID_COUNT_MAX => {
                Err(OrderError::TooManyForRankedPairs {
                    count: self.count(),
                })
            }
            Rank::RankedPairs => Ok(self.count()),
            Rank::Copeland | Rank::Path => Ok(0),
        }
    }

    /// The lists as numbers, without ids that stand in no list of the question.
    fn numbers<Id: AsRef<str>>(&self, lists: &[Vec<Id>]) -> Vec<Vec<u32>> {
        let number = |id: &Id| self.0.binary_search(&id.as_ref()).ok().map(|at| at as u32);
        let numbered = |list: &Vec<Id>| list.iter().filter_map(number).collect();
        lists.iter().map(numbered).collect()
    }

    fn name(&self, number: u32) -> &'a str {
        self.0.get(number as usize).copied().unwrap_or_default()
    }
}

fn check_list_count<Id>(
    parameters: Parameters,
    round: &Round<Id>,
    at: Option<usize>,
) -> Result<(), OrderError> {
    for (field, lists) in [("lists", &round.lists), ("updates", &round.updates)] {
        if lists.len() > parameters.n() as usize {
            let (count, n) = (lists.len(), parameters.n());
            return Err(OrderError::TooManyLists {
                field,
                round: at,
                count,
                n,
            });
        }
    }
    Ok(())
}

fn check_memory(bytes: u64) -> Result<(), OrderError> {
    if bytes > MEMORY_BYTES_MAX {
        return Err(OrderError::TooMuchMemory { bytes });
    }
    Ok(())
}

fn check_missing(count: u64) -> Result<(), OrderError> {
    if count > MISSING_PAIR_COUNT_MAX {
        return Err(OrderError::TooManyMissing { count });
    }
    Ok(())
}

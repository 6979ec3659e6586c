//! Order fairness: an order that follows what most members received first.
//!
//! Each member's list says in which order transactions reached it. From the lists of one cut a
//! [`Graph`] follows, and from a complete graph an order, in which nobody's word counts for more
//! than one list. This is the kernel: it sees logs and vertices as numbers. Signatures, cuts,
//! budgets and nonces are the business of those who call it, such as [`stream`].
//!
//! # Rules
//! 1. *Thresholds* are whole numbers ([`Parameters`]): the quorum q, T for an edge, n − 2f for
//!    solid.
//! 2. *Votes are one-sided*: a list that holds a and not b votes for a before b; a list that holds
//!    neither does not vote. Of an id that a list holds twice, the first place counts.
//! 3. *Propose* ([`Graph::propose`]): ids in fewer than T lists are blank and take no part; in
//!    n − 2f or more they are solid, else shaded. Of two ids the one with more votes comes first,
//!    with equal votes the smaller id, if it has at least T votes; else the edge is missing. Shaded
//!    ids from which no path leads to a solid one are dropped.
//! 4. *Update* ([`Graph::update`]): a missing edge comes once T lists, and no fewer than the other
//!    way, have it, and its source is solid in them. Edges that exist never change.
//! 5. *Finalize* ([`Workspace::finalize`]): the strongly connected components in their only order,
//!    inside each a Hamiltonian path by [`Rank`], the last one ending in a solid id. [`Line`]
//!    releases graphs from the front, and only complete ones. [`Rounds`] does all of it, round
//!    after round; [`Twin`] recomputes an order and compares.
//!
//! # Where this differs from the papers
//! - T is n + f + 1 − ⌈γn⌉, not ⌈n(1 − γ) + f + 1⌉: the latter leaves solid pairs without an edge
//!   where γn is no whole number.
//! - All lists of a cut count, up to n, and not exactly n − f: none of the properties needs fewer.
//! - The source of a late edge must be solid: the later revision of Themis, not the first.
//! - The order inside a component is ranked. A Hamiltonian path alone may reverse most pairs.
//! - A path that does not end in a solid id is repaired by moving the ids behind the last solid one
//!   to its left, from the end, each to the rightmost place that fits. Only where one has no place
//!   is the cycle turned, which [`RankedOrder::was_rotated`] tells.
//!
//! # Properties
//! - *Complete*: at least n − 2f ≥ 2T − 1 lists hold a solid id and vote on each pair with it, so
//!   one side has T votes. Only edges between shaded ids can be missing.
//! - *Sound*: where q members received u before v, at most T − 1 lists vote for v, so no edge leads
//!   from v to u, whatever f lists say; and if v is solid, u stands in the graph with an edge to v.
//! - *Nothing is cut that came before*: every id left out, blank or dropped, has an edge from every
//!   solid one that stays, or would have had. So it may follow in a later graph. An id that the
//!   caller holds back, for the sake of nonces, may have edges the other way.
//! - *A path across graphs*: each id has an edge to the next, and the last of a graph is solid,
//!   which came before whatever that graph left out.
//! - *The condensation of a tournament needs its scores only*: the first k vertices are a union of
//!   leading components exactly if they beat all others.
//!
//! # Cost
//! Time is O(n·m·c / 128 + m² / 64) for n lists of m ids, c being the width of the band in which
//! lists contradict each other. 1,000 ids, median of 101 runs in ms, one core of an Intel Xeon of
//! 2023 at the default target, 2026-11-22, counting to final order with
//! [`Rank::Copeland`] (`cargo run --release --example order_time`):
//!
//! | lists | n = 5 | 21 | 100 |
//! |---|---|---|---|
//! | all agree | 0.07 | 0.11 | 0.34 |
//! | delays up to 25 times the time between two ids | 0.09 | 0.15 | 0.47 |
//! | up to 100 times | 0.09 | 0.16 | 0.50 |
//! | each list a random permutation | 0.18 | 0.32 | 1.08 |
//!
//! Entering the lists costs another 2 ns an entry, as they arrive.
//!
//! # What it does not promise
//! Within a component the definition allows any order, and with delays far above the time between
//! two transactions a component holds most of a slot: there the ranking is all that protects. A
//! client who reaches members at chosen times can make such components. Lists are what members
//! claim; a graph cannot tell a lie from a slow link. [`Graph`] does not say which ids wait outside
//! for how long.
#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "entry points check logs and vertices once; all indices behind them are made here"
)]

mod bits;
mod condense;
mod cycle;
mod graph;
mod lane;
mod line;
mod lists;
mod measure;
mod parameters;
mod rank;
mod ranked_pairs;
mod rounds;
pub mod stream;
mod tally;
#[cfg(test)]
mod tests;
mod twin;
mod workspace;

pub use condense::Condensation;
pub use graph::{Class, Graph, GraphError};
pub use line::{Line, LineError};
pub use measure::{
    ComponentSizes, GammaChecker, GammaReport, KendallTau, MajorityViolations, MeasureError,
    component_sizes, majority_violations,
};
pub use parameters::{
    Gamma, GammaMode, LOG_COUNT_MAX, Parameters, ParametersError, VERTEX_COUNT_MAX,
};
pub use rank::{FinalizeError, Rank, RankedOrder};
pub use rounds::{RoundError, Rounds};
pub use twin::{Evidence, Twin, TwinError};
pub use workspace::Workspace;

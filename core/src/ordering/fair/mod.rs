//! Order fairness: an order that follows what most members received first.
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

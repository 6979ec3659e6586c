//! How fair an order is: figures against what each sequencer received.
//!
//! [`measure`] takes the true receive orders, the order that came out and, where there are any, the
//! lists that it was made from; a [`FairnessReport`] is what it finds, in whole numbers, ready for
//! a run's `summary.json`. [`replay`] orders modelled or recorded [`arrivals`](crate::arrivals)
//! with the kernel alone, for whoever wants the figures without running a network.
//!
//! # Cost
//! O(n·m log m) for the distances between orders; O(n·m·d) for pairs, which are compared up to d
//! places apart: all of them up to some 10,000 transactions of five sequencers, then as many as
//! [`PAIR_WORK_MAX`] allows. The check against gamma takes O(n·w·m) in windows of w =
//! [`GAMMA_WINDOW`], and more only where something looks wrong. Memory: O(n·m), and m² / 4 bytes
//! for the widest window. 100,000 transactions of five sequencers took 1.6 s on one core of an
//! Intel Xeon of 2023 (2026-11-22, other work beside it).
//!
//! ```
//! use hauptbuch_core::ordering::fair::Rank;
//! use hauptbuch_sim::arrivals::ArrivalModel;
//! use hauptbuch_sim::attack::committee;
//! use hauptbuch_sim::fairness::{measure, replay};
//! use hauptbuch_sim::workload::{GeneratorConfig, generate};
//!
//! let config = GeneratorConfig { count: 300, ..GeneratorConfig::default() };
//! let workload = generate(&config).unwrap();
//! let arrivals = ArrivalModel::new(5).of_workload(&workload, 1).unwrap();
//! let replay = replay(&arrivals, committee(5, 1).unwrap(), Rank::Copeland, 200_000_000).unwrap();
//! let report = measure(&replay.observed(&arrivals)).unwrap();
//! assert_eq!((report.ordered.0, report.gamma.violations.0), (300, 0));
//! ```

mod gamma;
mod logs;
mod pairs;
mod replay;
mod report;
#[cfg(test)]
mod tests;

use core::fmt;

use hauptbuch_core::ordering::fair::{KendallTau, Parameters, VERTEX_COUNT_MAX};

pub use gamma::GAMMA_WINDOW;
pub use logs::LogFigures;
pub use pairs::PAIR_WORK_MAX;
pub use replay::{REPLAY_COUNT_MAX, Replay, replay};
pub use report::{
    Agreement, ComponentFigures, FairnessReport, GammaFigures, PairFigures, Quantity, SizeClass,
};

use report::ppm;

/// What is known of an order. Transactions are numbers below `transaction_count`.
#[derive(Clone, Copy, Debug)]
pub struct Observed<'a> {
    /// The committee.
    pub parameters: Parameters,
    /// What an output must say of the arrivals.
    pub arrivals: &'a str,
    /// How many transactions there are.
    pub transaction_count: u32,
    /// By sequencer, the order in which it really received them; empty for one that lies.
    pub received: &'a [Vec<u32>],
    /// By round, the lists that the order was made from; empty for a policy without lists.
    pub evidence: &'a [Vec<Vec<u32>>],
    /// The order in which they were sent, where that is known.
    pub sent: Option<&'a [u32]>,
    /// The order that came out.
    pub output: &'a [u32],
    /// The sizes of its components, in order; empty for a policy without any.
    pub component_sizes: &'a [u32],
    /// Of each transaction of the output, how many rounds it waited after the one that first could
    /// have ordered it; empty where that is not known.
    pub deferred_rounds: &'a [u32],
}

/// Why an order can't be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FairnessError {
    /// An order has a number that is no transaction.
    UnknownTransaction,
    /// An order has a transaction twice.
    Repeated,
    /// There are more receive orders, or lists of a round, than sequencers.
    TooManyLists,
    /// There are more transactions than can be replayed.
    TooManyTransactions {
        /// The most.
        max: u32,
    },
    /// A round takes no time.
    NoRound,
}

impl fmt::Display for FairnessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownTransaction => f.write_str("an order has a number that is no transaction"),
            Self::Repeated => f.write_str("an order has a transaction twice"),
            Self::TooManyLists => f.write_str("there are more lists than sequencers"),
            Self::TooManyTransactions { max } => {
                let max = crate::error::grouped(u64::from(*max));
                write!(f, "more than {max} transactions")
            }
            Self::NoRound => f.write_str("a round must take at least a nanosecond"),
        }
    }
}

impl core::error::Error for FairnessError {}

/// Measures an order.
///
/// # Errors
/// [`FairnessError::UnknownTransaction`], [`FairnessError::Repeated`],
/// [`FairnessError::TooManyLists`].
pub fn measure(observed: &Observed<'_>) -> Result<FairnessReport, FairnessError> {
    let parameters = observed.parameters;
    let n = parameters.n() as usize;
    let rounds = observed.evidence.iter().map(Vec::len);
    if rounds.chain([observed.received.len()]).any(|len| len > n) {
        return Err(FairnessError::TooManyLists);
    }
    let count = observed.transaction_count as usize;
    let output_places = places(observed.output, count)?;
    let mut received_places = Vec::with_capacity(observed.received.len());
    for order in observed.received {
        received_places.push(places(order, count)?);
    }
    let mut lists = observed.evidence.iter().flatten().flatten();
    if lists.any(|id| *id >= observed.transaction_count) {
        return Err(FairnessError::UnknownTransaction);
    }
    let sent_places = observed.sent.map(|sent| places(sent, count)).transpose()?;
    let mut kendall = KendallTau::new(observed.transaction_count);
    let mut agreement = |order: &[u32], own: &[u32]| {
        let kept = |order: &[u32], places: &[u32]| -> Vec<u32> {
            let ids = order.iter().copied();
            ids.filter(|id| places[*id as usize] != NOWHERE).collect()
        };
        let (first, second) = (kept(order, &output_places), kept(observed.output, own));
        let shared = first.len() as u64;
        // Both hold the same numbers, each once: that was checked above.
        let discordant = kendall.distance(&first, &second).unwrap_or(0);
        Agreement::new(shared * shared.saturating_sub(1) / 2, discordant)
    };
    let by_sequencer: Vec<Agreement> = observed
        .received
        .iter()
        .zip(&received_places)
        .map(|(order, own)| agreement(order, own))
        .collect();
    let sent = observed.sent.zip(sent_places.as_ref());
    let sent = sent.map(|(order, own)| agreement(order, own));
    let reference = reference_places(observed, &received_places);
    let displaced = observed
        .output
        .iter()
        .enumerate()
        .filter_map(|(place, id)| {
            let reference = reference[*id as usize];
            (reference != NOWHERE).then(|| (place as u32).abs_diff(reference))
        });
    Ok(FairnessReport {
        arrivals: observed.arrivals.to_owned(),
        sequencers: parameters.n(),
        faults: parameters.f(),
        quorum: parameters.quorum(),
        threshold: parameters.threshold(),
        transactions: u64::from(observed.transaction_count).into(),
        ordered: (observed.output.len() as u64).into(),
        kendall_mean_ppm: mean(&by_sequencer),
        kendall_max_ppm: by_sequencer
            .iter()
            .map(|it| it.discordant_ppm)
            .max()
            .unwrap_or(0),
        kendall: by_sequencer,
        kendall_sent: sent,
        pairs: pairs::compare(observed.output, &received_places, n),
        gamma: gamma::check(observed)?,
        displacement: Quantity::of(displaced.collect()),
        components: ComponentFigures::of(observed.component_sizes),
        deferred_rounds: Quantity::of(observed.deferred_rounds.to_vec()),
    })
}

/// Where a transaction is in no order.
const NOWHERE: u32 = u32::MAX;

/// By transaction its place in an order.
fn places(order: &[u32], count: usize) -> Result<Vec<u32>, FairnessError> {
    let mut places = vec![NOWHERE; count];
    for (place, id) in (0..).zip(order) {
        let own = places
            .get_mut(*id as usize)
            .ok_or(FairnessError::UnknownTransaction)?;
        if *own != NOWHERE {
            return Err(FairnessError::Repeated);
        }
        *own = place;
    }
    Ok(places)
}

/// What displacement is from, over what the output has: the places in which transactions were
/// sent; where that is not known, those by the lower median of their places in the receive orders.
fn reference_places(observed: &Observed<'_>, received: &[Vec<u32>]) -> Vec<u32> {
    let count = observed.transaction_count as usize;
    let mut keyed: Vec<(u32, u32)> = match observed.sent {
        Some(sent) => (0..).zip(sent.iter().copied()).collect(),
        None => (0..observed.transaction_count)
            .filter_map(|id| {
                let mut own: Vec<u32> = received.iter().map(|it| it[id as usize]).collect();
                own.sort_unstable();
                let median = own.get(own.len().saturating_sub(1) / 2).copied();
                Some((median.filter(|place| *place != NOWHERE)?, id))
            })
            .collect(),
    };
    keyed.sort_unstable();
    let mut in_output = vec![false; count];
    for id in observed.output {
        in_output[*id as usize] = true;
    }
    let mut reference = vec![NOWHERE; count];
    let kept = keyed.into_iter().filter(|(_, id)| in_output[*id as usize]);
    for (place, (_, id)) in (0..).zip(kept) {
        reference[id as usize] = place;
    }
    reference
}

fn mean(all: &[Agreement]) -> u32 {
    let sum: u64 = all.iter().map(|it| u64::from(it.discordant_ppm)).sum();
    sum.checked_div(all.len() as u64).unwrap_or(0) as u32
}

const _: () = assert!(gamma::GAMMA_WIDE_WINDOW <= VERTEX_COUNT_MAX as usize);
const _: () = assert!(ppm(1, 3) == 333_333);

//! Arrivals to an order, by the kernel alone.

use hauptbuch_core::ordering::fair::{Parameters, Rank, Rounds};
use hauptbuch_core::types::Tick;

use super::{FairnessError, Observed};
use crate::arrivals::Arrivals;

/// The most transactions of a replay; a graph of them takes 4 MiB.
pub const REPLAY_COUNT_MAX: u32 = 4_096;

/// How many graphs may wait for an edge at one time.
const GRAPH_COUNT_MAX: u32 = 16;

/// What the kernel made of arrivals, cut at fixed times.
#[derive(Clone, Debug)]
pub struct Replay {
    /// The committee.
    pub parameters: Parameters,
    /// By sequencer, in which order it received the transactions.
    pub received: Vec<Vec<u32>>,
    /// By round, the lists at its cut, without what was out already.
    pub evidence: Vec<Vec<Vec<u32>>>,
    /// The order that came out.
    pub output: Vec<u32>,
    /// The sizes of the components of the output, in order.
    pub component_sizes: Vec<u32>,
    /// Of each transaction of the output, how many rounds it waited after the first in which
    /// n − 2f lists held it.
    pub deferred_rounds: Vec<u32>,
}

impl Replay {
    /// What [`measure`](super::measure) takes.
    #[must_use]
    pub fn observed(&self, arrivals: &Arrivals) -> Observed<'_> {
        Observed {
            parameters: self.parameters,
            arrivals: arrivals.description(),
            transaction_count: arrivals.transaction_count(),
            received: &self.received,
            evidence: &self.evidence,
            sent: None,
            output: &self.output,
            component_sizes: &self.component_sizes,
            deferred_rounds: &self.deferred_rounds,
        }
    }
}

/// Orders arrivals in rounds of a fixed length, whose updates are all lists as they stand.
///
/// Rounds go on until all lists are empty; then what is still in line stays there. O(r·n·m) beside
/// the kernel for r rounds.
///
/// # Errors
/// [`FairnessError::TooManyTransactions`] over [`REPLAY_COUNT_MAX`], or where too many graphs wait
/// for an edge; [`FairnessError::TooManyLists`] for more sequencers than the committee has;
/// [`FairnessError::NoRound`] for a length of 0.
pub fn replay(
    arrivals: &Arrivals,
    parameters: Parameters,
    rank: Rank,
    round_ns: u64,
) -> Result<Replay, FairnessError> {
    let count = arrivals.transaction_count();
    let too_many = FairnessError::TooManyTransactions {
        max: REPLAY_COUNT_MAX,
    };
    if arrivals.sequencer_count() > parameters.n() {
        return Err(FairnessError::TooManyLists);
    }
    if round_ns == 0 {
        return Err(FairnessError::NoRound);
    }
    if count > REPLAY_COUNT_MAX {
        return Err(too_many);
    }
    let rounds = Rounds::new(parameters, rank, count.max(1), GRAPH_COUNT_MAX, count);
    let mut rounds = rounds.map_err(|_| too_many)?;
    let mut replay = Replay {
        parameters,
        received: arrivals.orders(),
        evidence: Vec::new(),
        output: Vec::new(),
        component_sizes: Vec::new(),
        deferred_rounds: Vec::new(),
    };
    let mut solid_since = vec![u64::MAX; count as usize];
    let mut is_out = vec![false; count as usize];
    let mut cut = Cut::default();
    while let Some(next) = cut.next(arrivals, &is_out, round_ns) {
        cut = next;
        let lists = lists_at(arrivals, &is_out, Tick::new(cut.at));
        let mut heads = vec![0_u32; count as usize];
        for id in lists.iter().flatten() {
            heads[*id as usize] += 1;
            if heads[*id as usize] == parameters.solid_min() {
                let since = &mut solid_since[*id as usize];
                *since = cut.round.min(*since);
            }
        }
        rounds.round(&lists, &lists).map_err(|_| too_many)?;
        let sizes = rounds.released_components().map(|it| it.len() as u32);
        replay.component_sizes.extend(sizes);
        for id in rounds.released() {
            is_out[*id as usize] = true;
            let since = solid_since[*id as usize].min(cut.round);
            replay.deferred_rounds.push((cut.round - since) as u32);
        }
        replay.output.extend_from_slice(rounds.released());
        replay.evidence.push(lists);
    }
    Ok(replay)
}

/// When lists are taken.
#[derive(Clone, Copy, Debug, Default)]
struct Cut {
    round: u64,
    at: u64,
}

impl Cut {
    /// The next one: a round later, or as many as nothing arrives in; none after the last arrival.
    fn next(self, arrivals: &Arrivals, is_out: &[bool], round_ns: u64) -> Option<Self> {
        let later = arrivals.lists().filter_map(|list| {
            let at = list.partition_point(|it| it.at.get() <= self.at && self.round > 0);
            list.get(at).map(|it| it.at.get())
        });
        let next = later.min();
        let waits = self.round > 0 && is_out.iter().any(|it| !it);
        let round = match next {
            // One more, for what the last arrivals made complete, is not needed: cuts see all.
            None => return None,
            Some(_) if waits => self.round + 1,
            Some(at) => at.div_ceil(round_ns).max(self.round + 1),
        };
        Some(Self {
            round,
            at: round.saturating_mul(round_ns),
        })
    }
}

fn lists_at(arrivals: &Arrivals, is_out: &[bool], cut: Tick) -> Vec<Vec<u32>> {
    let list = arrivals.lists().map(|list| {
        let end = list.partition_point(|it| it.at <= cut);
        let ids = list[..end].iter().map(|it| it.transaction);
        ids.filter(|id| !is_out[*id as usize]).collect()
    });
    list.collect()
}

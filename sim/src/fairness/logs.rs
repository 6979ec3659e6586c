//! The figures of a run, from its members' logs and what its slots drained.

use std::collections::HashMap;

use hauptbuch_core::ordering::fair::stream::{
    DrainOutcome, Entry, EntryKind, FairStream, GraphEvent, LoggedId,
};
use hauptbuch_core::ordering::fair::{Gamma, GammaMode, Parameters};
use hauptbuch_core::types::{RollupId, TxId};

use super::{FairnessError, FairnessReport, Observed, measure};

/// Follows the decided slots of a run. Whoever has the logs can do so, so that the figures follow
/// from what is written.
///
/// What a member received first is what its log says. Order fairness is promised within a rollup,
/// so each has figures of its own.
#[derive(Debug)]
pub struct LogFigures {
    parameters: Parameters,
    rollups: Vec<OfRollup>,
    /// By id, its number in order of first sight. Only looked up, never walked.
    numbers: HashMap<LoggedId, u32>,
    ids: Vec<Seen>,
    slot: u32,
}

#[derive(Clone, Copy, Debug)]
struct Seen {
    id: LoggedId,
    /// The logs that named it so far.
    logs: u128,
    /// The slot in which as many as make it solid did.
    solid_since: u32,
}

#[derive(Clone, Debug)]
struct OfRollup {
    rollup: RollupId,
    received: Vec<Vec<u32>>,
    output: Vec<u32>,
    component_sizes: Vec<u32>,
    deferred_rounds: Vec<u32>,
}

impl LogFigures {
    /// Before the first slot of a network with so many rollups.
    ///
    /// Median timestamps bind no pairs. Their figures are those of what order fairness at gamma 1
    /// would promise to as many members, so that the two can be compared.
    #[must_use]
    pub fn new(parameters: Parameters, rollup_count: u32) -> Self {
        let own = |rollup| OfRollup {
            rollup: RollupId::new(rollup),
            received: vec![Vec::new(); parameters.n() as usize],
            output: Vec::new(),
            component_sizes: Vec::new(),
            deferred_rounds: Vec::new(),
        };
        Self {
            parameters: measured(parameters),
            rollups: (0..rollup_count).map(own).collect(),
            numbers: HashMap::new(),
            ids: Vec::new(),
            slot: 0,
        }
    }

    /// A slot was decided: what each log brought, and the state that followed.
    pub fn add(&mut self, entries: &[Vec<Entry>], stream: &FairStream) {
        self.slot += 1;
        for (log, entries) in entries.iter().enumerate().take(128) {
            for entry in entries {
                if let EntryKind::Id(id) = entry.kind {
                    self.note(log, id);
                }
            }
        }
        for drained in stream.drained() {
            let number = self.numbers.get(&drained.id).copied();
            let Some(number) = number.filter(|_| drained.outcome == DrainOutcome::Included) else {
                continue;
            };
            let since = self.ids[number as usize].solid_since.min(self.slot);
            if let Some(own) = self.rollups.get_mut(drained.id.rollup.get() as usize) {
                own.output.push(number);
                own.deferred_rounds.push(self.slot - since);
            }
        }
        let mut sizes = stream.released_components().iter();
        for event in stream.graph_events() {
            let GraphEvent::Released {
                rollup,
                vertex_count,
                ..
            } = event
            else {
                continue;
            };
            let mut left = *vertex_count;
            while let Some(size) = sizes.next().filter(|_| left > 0) {
                left = left.saturating_sub(*size);
                if let Some(own) = self.rollups.get_mut(rollup.get() as usize) {
                    own.component_sizes.push(*size);
                }
                if left == 0 {
                    break;
                }
            }
        }
    }

    fn note(&mut self, log: usize, id: LoggedId) {
        let next = self.ids.len() as u32;
        let number = *self.numbers.entry(id).or_insert(next);
        if number == next {
            self.ids.push(Seen {
                id,
                logs: 0,
                solid_since: u32::MAX,
            });
        }
        let seen = &mut self.ids[number as usize];
        // An entry that lapsed and was made again says nothing new of when it was received.
        if seen.logs >> log & 1 == 1 {
            return;
        }
        seen.logs |= 1 << log;
        if seen.logs.count_ones() == self.parameters.solid_min() {
            seen.solid_since = self.slot;
        }
        let own = self.rollups.get_mut(id.rollup.get() as usize);
        if let Some(list) = own.and_then(|own| own.received.get_mut(log)) {
            list.push(number);
        }
    }

    /// The figures of each rollup, in their order. `place` says which transaction was sent
    /// how-manyth.
    ///
    /// # Errors
    /// As [`measure`].
    pub fn reports(
        &self,
        arrivals: &str,
        place: impl Fn(&TxId) -> Option<u32>,
    ) -> Result<Vec<FairnessReport>, FairnessError> {
        let mut sent: Vec<(u32, u32)> = (0..)
            .zip(&self.ids)
            .filter_map(|(number, seen)| Some((place(&seen.id.id)?, number)))
            .collect();
        sent.sort_unstable();
        let reports = self.rollups.iter().map(|own| {
            let mut numbers = vec![u32::MAX; self.ids.len()];
            let is_own = |number: &u32| self.ids[*number as usize].id.rollup == own.rollup;
            let sent: Vec<u32> = sent.iter().map(|(_, it)| *it).filter(is_own).collect();
            for (place, number) in (0..).zip(&sent) {
                numbers[*number as usize] = place;
            }
            let renumbered = |list: &Vec<u32>| -> Vec<u32> {
                let all = list.iter().map(|number| numbers[*number as usize]);
                all.filter(|number| *number != u32::MAX).collect()
            };
            let received: Vec<Vec<u32>> = own.received.iter().map(renumbered).collect();
            let evidence = [received.clone()];
            let output = renumbered(&own.output);
            let in_order: Vec<u32> = (0..sent.len() as u32).collect();
            measure(&Observed {
                parameters: self.parameters,
                arrivals,
                transaction_count: sent.len() as u32,
                received: &received,
                evidence: &evidence,
                sent: Some(&in_order),
                output: &output,
                component_sizes: &own.component_sizes,
                deferred_rounds: &own.deferred_rounds,
            })
        });
        reports.collect()
    }
}

/// What the figures are measured against.
fn measured(parameters: Parameters) -> Parameters {
    let (n, f) = (parameters.n(), parameters.n().saturating_sub(1) / 4);
    if !parameters.orders_by_median() {
        return parameters;
    }
    Parameters::new(n, f, Gamma::ONE, GammaMode::All).unwrap_or(parameters)
}

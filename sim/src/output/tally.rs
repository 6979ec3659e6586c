//! Follows each transaction from its submission to its end.

use std::collections::HashMap;

use hauptbuch_core::error::Code;
use hauptbuch_core::event::Event;
use hauptbuch_core::types::{Hash, TxId};

use super::error::OutputError;
use super::format::{EndedLine, IncludedLine, Rejections, TransactionCounts};
use super::json::{Number, push_line};
use crate::run::RunReport;

/// What became of one submission.
#[derive(Clone, Copy, Debug)]
struct Fate {
    id: TxId,
    /// [`Code::Admitted`] until it ends.
    code: Code,
    rollup: u32,
    arrival_tick: u64,
    arrival_index: Option<u64>,
    height: u64,
    position: u32,
}

/// Every submission, in the order of the workload.
#[derive(Debug, Default)]
pub(super) struct Tally {
    fates: Vec<Fate>,
    /// Where each transaction of the pool stands in `fates`. Only looked up, never walked.
    pending: HashMap<TxId, u32>,
    /// Where each admitted transaction stands in `fates`. Only looked up, never walked.
    places: HashMap<TxId, u32>,
    admitted: u64,
    /// The rollups' running hashes after each slot, slot by slot.
    running_hashes: Vec<Hash>,
    contradiction: Option<&'static str>,
}

impl Tally {
    pub(super) fn add_running_hash(&mut self, hash: Hash) {
        self.running_hashes.push(hash);
    }

    pub(super) fn add(&mut self, event: &Event) {
        if event.code.is_terminal() {
            self.end(event);
        } else {
            self.submit(event);
        }
    }

    fn submit(&mut self, event: &Event) {
        let is_admitted = event.code == Code::Admitted;
        if is_admitted {
            let place = self.fates.len() as u32;
            self.places.insert(event.id, place);
            if self.pending.insert(event.id, place).is_some() {
                self.contradiction = Some("a transaction was admitted twice");
            }
        }
        self.fates.push(Fate {
            id: event.id,
            code: event.code,
            rollup: event.rollup.get(),
            arrival_tick: event.tick.get(),
            arrival_index: is_admitted.then_some(self.admitted),
            height: 0,
            position: 0,
        });
        self.admitted += u64::from(is_admitted);
    }

    fn end(&mut self, event: &Event) {
        let place = self.pending.remove(&event.id);
        let fate = place.and_then(|place| self.fates.get_mut(place as usize));
        let Some(fate) = fate else {
            self.contradiction = Some("a transaction ended that was not pending");
            return;
        };
        fate.code = event.code;
        fate.height = event.height.get();
        fate.position = event.position;
    }

    /// How many submissions came before that of an admitted transaction.
    pub(super) fn place_of(&self, id: &TxId) -> Option<u32> {
        self.places.get(id).copied()
    }

    /// The counts, if they agree with the sequencer's own.
    pub(super) fn counts(&self, report: &RunReport) -> Result<TransactionCounts, OutputError> {
        let counts = count(self.fates.iter().map(|fate| fate.code));
        let agrees = |(code, ours): (Code, u64)| report.metrics.of(code) == ours;
        let contradiction = if self.contradiction.is_some() {
            self.contradiction
        } else if !self.pending.is_empty() {
            Some("a transaction did not end")
        } else if counts.submitted.0 != report.metrics.submitted
            || !agrees((Code::Admitted, counts.admitted.0))
            || !agrees((Code::Included, counts.included.0))
            || !counts.rejected.0.iter().copied().all(agrees)
        {
            Some("the counters are not those of the events")
        } else {
            None
        };
        contradiction.map_or(Ok(counts), |what| Err(OutputError::Contradiction(what)))
    }

    /// Appends the line of each submission to `out`, which `flush` empties after each.
    pub(super) fn write_lines(
        &self,
        policy: &'static str,
        rollup_count: usize,
        mut flush: impl FnMut(&mut Vec<u8>) -> Result<(), OutputError>,
    ) -> Result<(), OutputError> {
        let mut line = Vec::new();
        for (index, fate) in (0..).zip(&self.fates) {
            let running_hash = self.running_hash(fate, rollup_count);
            match (fate.arrival_index, running_hash) {
                (Some(arrival_index), Some(running_hash)) if fate.code == Code::Included => {
                    push_line(
                        &IncludedLine {
                            index: Number(index),
                            id: Hash::new(*fate.id.as_bytes()).into(),
                            outcome: fate.code.name(),
                            code: fate.code.number(),
                            rollup: fate.rollup,
                            arrival_tick: Number(fate.arrival_tick),
                            arrival_index: Number(arrival_index),
                            policy,
                            epoch: Number(0),
                            height: Number(fate.height),
                            round: 0,
                            position: fate.position,
                            running_hash: running_hash.into(),
                            deadline: None,
                        },
                        &mut line,
                    );
                }
                _ if fate.code == Code::Included => {
                    return Err(OutputError::Contradiction("a transaction is in no slot"));
                }
                _ => push_line(
                    &EndedLine {
                        index: Number(index),
                        id: Hash::new(*fate.id.as_bytes()).into(),
                        outcome: fate.code.name(),
                        code: fate.code.number(),
                        rollup: fate.rollup,
                        arrival_tick: Number(fate.arrival_tick),
                        arrival_index: fate.arrival_index.map(Number),
                    },
                    &mut line,
                ),
            }
            flush(&mut line)?;
        }
        Ok(())
    }

    fn running_hash(&self, fate: &Fate, rollup_count: usize) -> Option<Hash> {
        let slots_before = usize::try_from(fate.height.checked_sub(1)?).ok()?;
        let place = slots_before.checked_mul(rollup_count)? + fate.rollup as usize;
        self.running_hashes.get(place).copied()
    }
}

/// Counts final codes.
pub(super) fn count(codes: impl Iterator<Item = Code>) -> TransactionCounts {
    let mut by_code = vec![0_u64; Code::ALL.len()];
    codes.for_each(|code| by_code[code.position()] += 1);
    let of = |code: Code| Number(by_code[code.position()]);
    let rejected = Code::ALL.iter().copied();
    let rejected = rejected.filter(|code| is_refusal(*code) && of(*code).0 > 0);
    let rejected = Rejections(rejected.map(|code| (code, of(code).0)).collect());
    let submitted = by_code.iter().sum();
    TransactionCounts {
        submitted: Number(submitted),
        admitted: Number(submitted - rejected.sum()),
        rejected,
        included: of(Code::Included),
        expired: of(Code::Expired),
        evicted: of(Code::Evicted),
        replaced: of(Code::Replaced),
        cancelled: of(Code::Cancelled),
        revoked: of(Code::Revoked),
        superseded: of(Code::Superseded),
    }
}

/// Whether it says that a transaction was never admitted.
pub(super) fn is_refusal(code: Code) -> bool {
    matches!(code.number(), 100..=199 | 400..=499)
}

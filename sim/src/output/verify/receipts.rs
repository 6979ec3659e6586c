//! What became of each transaction, in `receipts.jsonl`, beside what the slots hold.

use std::collections::HashMap;
use std::path::Path;

use hauptbuch_core::error::Code;
use hauptbuch_core::types::{Hash, TxId};

use super::chain::{Chain, Inclusion};
use super::for_each_line;
use crate::output::error::OutputError;
use crate::output::format::{
    BATCHES, EndedLine, IncludedLine, RECEIPTS, ReceiptHead, TransactionCounts,
};
use crate::output::json::{Digest, Number, push_line};
use crate::output::tally::{count, is_refusal};

/// Follows `receipts.jsonl` beside what the slots hold.
pub(super) struct Receipts {
    policy: &'static str,
    rollup_count: usize,
    running_hashes: Vec<Digest>,
    /// By arrival index.
    inclusions: Vec<Inclusion>,
    /// How many of `inclusions` have had their receipt.
    inclusions_done: usize,
    codes: Vec<Code>,
    admitted: u64,
    last_tick: u64,
    pub(super) delays_ns: Vec<u64>,
    /// Of several sequencers slots do not say when a transaction was submitted, but at most when it
    /// reached the proposer: by id, its place in `inclusions`, until its receipt has been read.
    by_id: Option<HashMap<Hash, usize>>,
    /// Where each admitted transaction's line stands. Only looked up, never walked.
    places: HashMap<TxId, u32>,
    rendered: Vec<u8>,
}

impl Receipts {
    pub(super) fn new(chain: Chain, policy: &'static str) -> Self {
        let mut inclusions = chain.inclusions;
        inclusions.sort_by_key(|inclusion| inclusion.arrival_index);
        let ids = || (0..).zip(&inclusions).map(|(place, it)| (it.id, place));
        let by_id = (chain.config.policy.orders_by_logs() || chain.config.sequencer_count() > 1)
            .then(|| ids().collect());
        Self {
            policy,
            rollup_count: chain.rollup_count,
            running_hashes: chain.running_hashes,
            inclusions,
            inclusions_done: 0,
            codes: Vec::new(),
            admitted: 0,
            last_tick: 0,
            delays_ns: Vec::new(),
            by_id,
            places: HashMap::new(),
            rendered: Vec::new(),
        }
    }

    /// How many submissions came before that of an admitted transaction.
    pub(super) fn place_of(&self, id: &TxId) -> Option<u32> {
        self.places.get(id).copied()
    }

    pub(super) fn read(&mut self, directory: &Path) -> Result<(), OutputError> {
        for_each_line(directory, RECEIPTS, RECEIPT_BYTES_MAX, |number, line| {
            let added = self.add(line);
            added.map_err(|reason| OutputError::invalid_line(RECEIPTS, number, reason))
        })
    }

    fn add(&mut self, line: &[u8]) -> Result<(), String> {
        let head: ReceiptHead =
            serde_json::from_slice(line).map_err(|_| "it is no line of this version")?;
        let code = Code::from_number(head.code)
            .filter(|code| code.is_terminal() || is_refusal(*code))
            .ok_or("the code is no end of a transaction")?;
        let is_admitted = !is_refusal(code);
        let expected_index = is_admitted.then_some(Number(self.admitted));
        if head.arrival_index != expected_index {
            return Err("the arrival index is not the number admitted before it".into());
        }
        if head.arrival_tick.0 < self.last_tick {
            return Err("it arrived before the one above it".into());
        }
        self.rendered.clear();
        if code == Code::Included {
            self.render_included(self.codes.len() as u64, &head)?;
        } else {
            push_line(
                &EndedLine {
                    index: Number(self.codes.len() as u64),
                    id: head.id,
                    outcome: code.name(),
                    code: code.number(),
                    rollup: head.rollup,
                    arrival_tick: head.arrival_tick,
                    arrival_index: expected_index,
                },
                &mut self.rendered,
            );
        }
        if self.rendered.as_slice() != line {
            return Err("its fields do not follow from the slots and the lines above".into());
        }
        self.last_tick = head.arrival_tick.0;
        if is_admitted {
            self.places
                .insert(TxId::new(head.id.0), self.codes.len() as u32);
        }
        self.admitted += u64::from(is_admitted);
        self.codes.push(code);
        Ok(())
    }

    /// What a slot says of the transaction whose receipt comes next.
    fn inclusion(&mut self, head: &ReceiptHead) -> Option<Inclusion> {
        let Some(by_id) = &mut self.by_id else {
            let inclusion = self.inclusions.get(self.inclusions_done).copied();
            return inclusion.filter(|inclusion| inclusion.arrival_index == self.admitted);
        };
        let place = by_id.remove(&Hash::new(head.id.0))?;
        let inclusion = *self.inclusions.get(place)?;
        let arrival_tick = head.arrival_tick.0;
        (arrival_tick < inclusion.slot_tick).then_some(Inclusion {
            arrival_index: self.admitted,
            arrival_tick,
            ..inclusion
        })
    }

    /// Renders the receipt of the transaction that arrived next, as its slot has it.
    fn render_included(&mut self, index: u64, head: &ReceiptHead) -> Result<(), String> {
        let inclusion = self.inclusion(head).ok_or("no slot includes it")?;
        let slots_before = inclusion.height.get().saturating_sub(1) as usize;
        let place = slots_before * self.rollup_count + inclusion.rollup.get() as usize;
        let running_hash = self.running_hashes.get(place).copied();
        push_line(
            &IncludedLine {
                index: Number(index),
                id: inclusion.id.into(),
                outcome: Code::Included.name(),
                code: Code::Included.number(),
                rollup: inclusion.rollup.get(),
                arrival_tick: Number(inclusion.arrival_tick),
                arrival_index: Number(inclusion.arrival_index),
                policy: self.policy,
                epoch: Number(0),
                height: Number(inclusion.height.get()),
                round: 0,
                position: inclusion.position,
                running_hash: running_hash.ok_or("no slot includes it")?,
                deadline: None,
            },
            &mut self.rendered,
        );
        self.delays_ns
            .push(inclusion.slot_tick.saturating_sub(inclusion.arrival_tick));
        self.inclusions_done += 1;
        Ok(())
    }

    /// The counts over all lines, once no slot holds a transaction without one.
    pub(super) fn finish(&mut self) -> Result<TransactionCounts, OutputError> {
        let place = match &self.by_id {
            Some(by_id) => by_id.values().copied().min(),
            None => Some(self.inclusions_done),
        };
        if let Some(without) = place.and_then(|place| self.inclusions.get(place)) {
            let reason = format!(
                "no receipt for transaction {} of rollup {} in slot {}",
                without.position, without.rollup, without.height
            );
            return Err(OutputError::invalid(RECEIPTS, reason));
        }
        let mut ids: Vec<Hash> = self.inclusions.iter().map(|it| it.id).collect();
        ids.sort_unstable();
        if let Some(twice) = ids.windows(2).find(|pair| pair[0] == pair[1]) {
            let twice = twice[0];
            let reason = format!("transaction {twice} is included twice");
            return Err(OutputError::invalid(BATCHES, reason));
        }
        Ok(count(self.codes.iter().copied()))
    }
}

/// More than the fields of a receipt can take.
const RECEIPT_BYTES_MAX: u64 = 2_048;

//! Checks a sub-batch's order by the twin of its policy, slice by slice.

use alloc::boxed::Box;

use super::SubBatch;
use super::evidence::EvidenceRow;
use crate::bounded::{fixed_slice, fixed_slice_bytes};
use crate::config::{NonceMode, Policy};
use crate::error::Code;
use crate::limits::SLICE_COUNT_MAX;
use crate::ordering::OrderVerifier;
use crate::ordering::greedy::{GreedyArranger, Reserves, Trade};
use crate::ordering::shuffle::{ShuffleKey, ShuffleVerifier};
use crate::types::{Address, Candidate, Hash, SelectionRule};

/// The twins of all policies, for one sub-batch after another.
#[derive(Debug)]
pub(super) struct OrderTwin {
    policy: Policy,
    seed: Hash,
    keys: OrderVerifier,
    shuffle: ShuffleVerifier,
    greedy: GreedyArranger,
    /// Which of the recorded pools were traded with.
    used: Box<[bool]>,
    pool_count: usize,
    slice_ends: heapless::Vec<u32, SLICE_COUNT_MAX>,
    slice_start: u32,
    slice: usize,
}

impl OrderTwin {
    pub fn new(policy: Policy, count_max: u32) -> Self {
        Self {
            policy,
            seed: Hash::ZERO,
            keys: OrderVerifier::new(count_max),
            shuffle: ShuffleVerifier::default(),
            greedy: GreedyArranger::new(count_max),
            used: fixed_slice(count_max as usize, false),
            pool_count: 0,
            slice_ends: heapless::Vec::new(),
            slice_start: 0,
            slice: 0,
        }
    }

    pub const fn footprint_bytes(count_max: u32) -> u64 {
        OrderVerifier::footprint_bytes(count_max)
            .saturating_add(GreedyArranger::footprint_bytes(count_max))
            .saturating_add(fixed_slice_bytes::<bool>(count_max as usize))
    }

    /// Starts with a sub-batch whose slices divide it.
    pub fn begin(&mut self, sub_batch: &SubBatch<'_>) -> Result<(), Code> {
        self.seed = sub_batch.header.seed;
        self.keys.begin();
        self.shuffle = ShuffleVerifier::default();
        self.slice_ends = sub_batch.evidence.slice_ends().collect();
        (self.slice_start, self.slice) = (0, 0);
        let has_slices = self.slice_ends.len() > 1;
        if has_slices && self.policy.orders_whole_slots() {
            return Err(Code::WrongSlices);
        }
        self.greedy.clear();
        self.pool_count = 0;
        let mut last: Option<Address> = None;
        for pool in sub_batch.evidence.pools() {
            let is_next = last.is_none_or(|last| last < pool.pool);
            let reserves = Reserves {
                first: pool.reserve0,
                second: pool.reserve1,
            };
            if !is_next || reserves.first == 0 || reserves.second == 0 {
                return Err(Code::WrongReserves);
            }
            last = Some(pool.pool);
            let number = self.greedy.push_pool(reserves).ok_or(Code::WrongReserves)?;
            if let Some(used) = self.used.get_mut(number as usize) {
                *used = false;
            }
            self.pool_count = self.pool_count.saturating_add(1);
        }
        Ok(())
    }

    /// Checks the next transaction, as far as that can be done without those behind it;
    /// `predecessor` is the position of its sender's one before it.
    pub fn check_next(
        &mut self,
        candidate: &Candidate,
        row: &EvidenceRow,
        position: u32,
        predecessor: Option<u32>,
        mode: NonceMode,
    ) -> Result<(), Code> {
        let envelope = &candidate.envelope;
        if self.policy.needs_hints() {
            return self.push_trade(candidate, row);
        }
        if self.policy.orders_by_logs() {
            // Only who knows the logs can say; see `FairVerifier`.
            return Ok(());
        }
        if self.policy.needs_seed() {
            let within = match mode {
                NonceMode::Sequential => envelope.nonce.get(),
                NonceMode::Window => candidate.arrival.index,
            };
            let key = ShuffleKey::new(&self.seed, envelope.rollup, envelope.sender, within);
            let stands = self.shuffle.check_next(key);
            return stands.then_some(()).ok_or(Code::OrderViolated);
        }
        while self
            .slice_ends
            .get(self.slice)
            .is_some_and(|end| *end <= position)
        {
            self.slice = self.slice.saturating_add(1);
            self.slice_start = position;
            self.keys.begin();
        }
        // Whoever stood in an earlier slice made room before this one began.
        let within_slice = predecessor.and_then(|own| own.checked_sub(self.slice_start));
        self.keys
            .check_next(self.policy.key(candidate), within_slice)
            .map_err(|violation| violation.code())
    }

    /// Checks what takes the whole sub-batch; names the first transaction that stands wrong.
    pub fn finish(&mut self, mode: NonceMode) -> Result<(), (Code, Option<u32>)> {
        if !self.policy.needs_hints() {
            return Ok(());
        }
        let used = self.used.get(..self.pool_count).unwrap_or_default();
        if used.contains(&false) {
            return Err((Code::WrongReserves, None));
        }
        let order = self.greedy.arrange(mode == NonceMode::Sequential);
        let stands_wrong = (0..).zip(order).find(|(at, number)| at != *number);
        match stands_wrong {
            Some((at, _)) => Err((Code::OrderViolated, Some(at))),
            None => Ok(()),
        }
    }

    fn push_trade(&mut self, candidate: &Candidate, row: &EvidenceRow) -> Result<(), Code> {
        let trade = row.trade.filter(|trade| trade.amount > 0);
        let trade = trade.ok_or(Code::HintInvalid)?;
        let used = self.used.get_mut(..self.pool_count).unwrap_or_default();
        let used = used
            .get_mut(trade.pool as usize)
            .ok_or(Code::WrongReserves)?;
        *used = true;
        let pushed = self.greedy.push(Trade {
            sender: candidate.envelope.sender,
            nonce: candidate.envelope.nonce.get(),
            arrival: candidate.arrival.index,
            pool: trade.pool,
            side: trade.side,
            amount: trade.amount,
        });
        pushed.map(|_| ()).ok_or(Code::SlotOverLimit)
    }
}

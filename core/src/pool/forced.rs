//! Forced inputs: what another chain's inbox brings in, and no load of the pool can keep out.
//!
//! # Rules
//! 1. A rollup's inputs come in the order of its inbox, each index once and none left out.
//! 2. Each of k rollups has a k-th of the places and of the payload bytes for itself. Nothing of
//!    the pool can take them, and nothing here is cancelled, replaced or displaced.
//! 3. Every slot takes them first, a rollup's in the order of its inbox, and between rollups the
//!    one with the earliest deadline (then the smallest rollup), until the next one does not fit.
//! 4. Each is included whatever its nonce says, and does at its place what its [`ForcedOutcome`]
//!    says: it moves its sender's cursor, or it is a no-op.
//! 5. One that no slot can hold ends as evicted when it comes; its index is used up.

mod decided;
mod export;

use alloc::boxed::Box;

use super::outside::NonceState;
use super::{Broken, TransactionPool};
use crate::bounded::{
    ChunkArena, ChunkList, HandleIndex, KeyedHash, NONE, fixed_slice, fixed_slice_bytes,
    rounded_bytes,
};
use crate::error::{Code, operation_error};
use crate::event::Ledger;
use crate::limits::{Limits, ROLLUP_COUNT_MAX};
use crate::pool::Arriving;
use crate::types::{
    Envelope, ForcedOutcome, Gas, Height, InboxIndex, RollupId, SelectionRule, Transaction, TxId,
    UnixNs,
};

operation_error! {
    /// Why a forced input was not taken in. Its inbox index is still the next one.
    ForcedError {
        UnknownRollup,
        InboxOutOfOrder,
        ForcedQueueFull,
        ForcedBytesFull,
        SenderTableFull,
        EventsFull,
        TimeWentBack,
        JournalFull,
        Poisoned,
    }
}

/// Forced inputs by rollup: how many of each a slot holds.
pub type ForcedCounts = [u32; ROLLUP_COUNT_MAX];

/// A transaction of a segment other than the pool's.
#[derive(Clone, Copy, Debug)]
pub struct OutsideTransaction<'a> {
    /// Its identity.
    pub id: TxId,
    /// Its numbers.
    pub envelope: Envelope,
    /// Where its payload lies in `payloads`.
    pub payload: ChunkList,
    /// The memory that it lies in.
    pub payloads: &'a ChunkArena,
}

impl OutsideTransaction<'_> {
    /// The length of its canonical bytes.
    #[must_use]
    pub const fn encoded_len(&self) -> u32 {
        self.payload.len().saturating_add(Transaction::HEADER_LEN)
    }
}

#[derive(Clone, Copy, Debug)]
struct ForcedInput {
    id: TxId,
    envelope: Envelope,
    payload: ChunkList,
    deadline: UnixNs,
    index: InboxIndex,
    sender: u32,
    outcome: ForcedOutcome,
}

impl Default for ForcedInput {
    fn default() -> Self {
        Self {
            id: TxId::ZERO,
            envelope: Envelope::default(),
            payload: ChunkList::EMPTY,
            deadline: UnixNs::ZERO,
            index: InboxIndex::ZERO,
            sender: NONE,
            outcome: ForcedOutcome::Applied,
        }
    }
}

/// One rollup's queue: a ring within its part of the memory.
#[derive(Clone, Copy, Debug, Default)]
struct Queue {
    head: u32,
    /// Those that slots in flight hold, and then those that wait.
    len: u32,
    taken: u32,
    /// Bytes of the chunks that their payloads take.
    bytes: u64,
    next_index: InboxIndex,
}

/// The forced inputs of all rollups.
///
/// Memory: 232 bytes an input, 16 in the index, and 132 for every 128 bytes of payloads.
#[derive(Debug)]
pub(super) struct ForcedQueues {
    inputs: Box<[ForcedInput]>,
    payloads: ChunkArena,
    by_id: HandleIndex,
    hash: KeyedHash,
    queues: [Queue; ROLLUP_COUNT_MAX],
    /// What each rollup has for itself.
    count_max: u32,
    bytes_max: u64,
}

impl ForcedQueues {
    pub fn new(rollup_count: usize, limits: &Limits, hash: KeyedHash) -> Self {
        let rollups = (rollup_count as u32).max(1);
        let part = |of: u64| of.checked_div(u64::from(rollups)).unwrap_or(0);
        Self {
            inputs: fixed_slice(limits.forced_count_max as usize, ForcedInput::default()),
            payloads: ChunkArena::new(payload_bytes(limits)),
            by_id: HandleIndex::new(limits.forced_count_max),
            hash,
            queues: [Queue::default(); ROLLUP_COUNT_MAX],
            count_max: part(limits.forced_count_max.into()) as u32,
            bytes_max: part(limits.forced_bytes_max),
        }
    }

    pub const fn footprint_bytes(limits: &Limits) -> u64 {
        fixed_slice_bytes::<ForcedInput>(limits.forced_count_max as usize)
            .saturating_add(ChunkArena::footprint_bytes(payload_bytes(limits)))
            .saturating_add(HandleIndex::footprint_bytes(limits.forced_count_max))
    }

    /// Whether an input with this identity waits or is taken.
    pub fn holds(&self, id: TxId) -> bool {
        let is_same = |at: u32| self.inputs.get(at as usize).is_some_and(|own| own.id == id);
        !self.by_id.is_empty() && self.by_id.find(self.id_hash(id), is_same).is_some()
    }

    /// The inbox index that comes next, by rollup.
    pub fn next_indexes(&mut self) -> impl Iterator<Item = &mut InboxIndex> {
        self.queues.iter_mut().map(|queue| &mut queue.next_index)
    }

    fn id_hash(&self, id: TxId) -> u64 {
        self.hash.bytes32(id.as_bytes())
    }

    fn queue(&self, heap: u32) -> Queue {
        self.queues.get(heap as usize).copied().unwrap_or_default()
    }

    /// The place of a rollup's input that `position` others of it go before.
    fn place(&self, heap: u32, position: u32) -> usize {
        let at = self.queue(heap).head.saturating_add(position);
        let at = at.checked_rem(self.count_max).unwrap_or(0);
        heap.saturating_mul(self.count_max).saturating_add(at) as usize
    }

    fn get(&self, heap: u32, position: u32) -> Option<&ForcedInput> {
        let is_held = position < self.queue(heap).len;
        self.inputs
            .get(self.place(heap, position))
            .filter(|_| is_held)
    }

    fn push(&mut self, heap: u32, input: ForcedInput) -> Option<()> {
        let place = self.place(heap, self.queue(heap).len);
        *self.inputs.get_mut(place)? = input;
        self.by_id.insert(self.id_hash(input.id), place as u32);
        let queue = self.queues.get_mut(heap as usize)?;
        queue.len = queue.len.saturating_add(1);
        queue.bytes = queue
            .bytes
            .saturating_add(rounded_bytes(input.payload.len() as usize));
        Some(())
    }

    fn pop(&mut self, heap: u32) -> Option<ForcedInput> {
        let place = self.place(heap, 0);
        let input = *self.get(heap, 0)?;
        self.by_id.remove(self.id_hash(input.id), place as u32);
        self.payloads.free(input.payload);
        let count_max = self.count_max;
        let queue = self.queues.get_mut(heap as usize)?;
        queue.head = queue.head.saturating_add(1).checked_rem(count_max)?;
        queue.len = queue.len.saturating_sub(1);
        queue.taken = queue.taken.saturating_sub(1);
        queue.bytes = queue
            .bytes
            .saturating_sub(rounded_bytes(input.payload.len() as usize));
        Some(input)
    }
}

/// The terminal code of a forced input with this outcome.
const fn code_of(outcome: ForcedOutcome) -> Code {
    match outcome {
        ForcedOutcome::Applied => Code::Included,
        ForcedOutcome::Superseded => Code::Superseded,
        ForcedOutcome::Gap => Code::Evicted,
        ForcedOutcome::Expired => Code::Expired,
    }
}

/// No memory for payloads where there can be no forced input.
const fn payload_bytes(limits: &Limits) -> u64 {
    if limits.forced_count_max == 0 {
        0
    } else {
        limits.forced_bytes_max
    }
}

impl TransactionPool {
    /// The inbox index that a rollup's next forced input must have.
    #[must_use]
    pub fn next_inbox_index(&self, rollup: RollupId) -> Option<InboxIndex> {
        Some(self.forced.queue(self.heap_of(rollup)?).next_index)
    }

    /// Forced inputs that wait for a slot, over all rollups.
    #[must_use]
    pub fn forced_waiting_count(&self) -> u32 {
        let waiting = |own: &Queue| own.len.saturating_sub(own.taken);
        self.forced
            .queues
            .iter()
            .map(waiting)
            .fold(0, u32::saturating_add)
    }

    /// Takes a forced input in; `is_holdable` says whether any slot has room for it.
    ///
    /// Cost: O(1) expected, and a copy of the payload.
    pub(crate) fn admit_forced(
        &mut self,
        arriving: &Arriving<'_>,
        index: InboxIndex,
        deadline: UnixNs,
        is_holdable: bool,
        ledger: &mut Ledger<'_>,
    ) -> Result<(), ForcedError> {
        let Transaction { envelope, payload } = &arriving.submission.transaction;
        let heap = self
            .heap_of(envelope.rollup)
            .ok_or(ForcedError::UnknownRollup)?;
        let queue = self.forced.queue(heap);
        if index != queue.next_index || index == InboxIndex::MAX {
            return Err(ForcedError::InboxOutOfOrder);
        }
        if is_holdable {
            if queue.len >= self.forced.count_max {
                return Err(ForcedError::ForcedQueueFull);
            }
            let bytes = queue.bytes.saturating_add(rounded_bytes(payload.len()));
            if bytes > self.forced.bytes_max || !self.forced.payloads.has_room(payload.len()) {
                return Err(ForcedError::ForcedBytesFull);
            }
            let account_nonce = arriving.submission.account_nonce;
            let sender = self
                .pin_sender(envelope, account_nonce, u32::MAX)
                .ok_or(ForcedError::SenderTableFull)?;
            let stored = self.forced.payloads.store(payload);
            let input = ForcedInput {
                id: arriving.id,
                envelope: *envelope,
                payload: stored.unwrap_or_default(),
                deadline,
                index,
                sender,
                outcome: ForcedOutcome::Applied,
            };
            let pushed = self.forced.push(heap, input);
            debug_assert!(stored.is_some() && pushed.is_some(), "room was checked");
        } else if ledger.room() == 0 {
            return Err(ForcedError::EventsFull);
        } else {
            ledger.end(Code::Evicted, arriving.id, envelope.rollup);
        }
        if let Some(queue) = self.forced.queues.get_mut(heap as usize) {
            queue.next_index = index.saturating_add(1);
        }
        Ok(())
    }

    /// Takes forced inputs for a slot at the agreed time `time`, and counts them by rollup.
    ///
    /// `fits` is asked with length and gas of each, and has given it room if it says yes.
    pub(crate) fn take_forced<R: SelectionRule>(
        &mut self,
        time: UnixNs,
        rule: &R,
        fits: &mut dyn FnMut(u32, Gas) -> bool,
    ) -> ForcedCounts {
        let mut counts = [0; ROLLUP_COUNT_MAX];
        let mut is_full = [false; ROLLUP_COUNT_MAX];
        let rollups = self.rules.rollups.len() as u32;
        loop {
            let open = (0..rollups).filter(|heap| is_full.get(*heap as usize) == Some(&false));
            let heads = open.filter_map(|heap| {
                let head = self.forced.get(heap, self.forced.queue(heap).taken)?;
                Some((head.deadline, heap, *head))
            });
            let Some((_, heap, head)) = heads.min_by_key(|(deadline, heap, _)| (*deadline, *heap))
            else {
                return counts;
            };
            let len = head.payload.len().saturating_add(Transaction::HEADER_LEN);
            if !fits(len, head.envelope.gas) {
                if let Some(full) = is_full.get_mut(heap as usize) {
                    *full = true;
                }
                continue;
            }
            self.take_forced_head(heap, &head, time, rule);
            if let Some(count) = counts.get_mut(heap as usize) {
                *count = count.saturating_add(1);
            }
        }
    }

    /// Asks `fits` of the forced inputs that [`take_forced`](Self::take_forced) would take now, in
    /// the same order, and takes none.
    pub(crate) fn peek_forced(&self, fits: &mut dyn FnMut(u32, Gas) -> bool) {
        let mut taken = [0_u32; ROLLUP_COUNT_MAX];
        let mut is_full = [false; ROLLUP_COUNT_MAX];
        let rollups = self.rules.rollups.len() as u32;
        loop {
            let open = (0..rollups).filter(|heap| is_full.get(*heap as usize) == Some(&false));
            let heads = open.filter_map(|heap| {
                let ahead = taken.get(heap as usize).copied()?;
                let at = self.forced.queue(heap).taken.saturating_add(ahead);
                let head = self.forced.get(heap, at)?;
                let len = head.payload.len().saturating_add(Transaction::HEADER_LEN);
                Some((head.deadline, heap, len, head.envelope.gas))
            });
            let next = heads.min_by_key(|(deadline, heap, ..)| (*deadline, *heap));
            let Some((_, heap, len, gas)) = next else {
                return;
            };
            let does_fit = fits(len, gas);
            if let (Some(taken), Some(full)) =
                (taken.get_mut(heap as usize), is_full.get_mut(heap as usize))
            {
                *taken = taken.saturating_add(u32::from(does_fit));
                *full = !does_fit;
            }
        }
    }

    fn take_forced_head<R: SelectionRule>(
        &mut self,
        heap: u32,
        head: &ForcedInput,
        time: UnixNs,
        rule: &R,
    ) {
        let nonce = head.envelope.nonce;
        let outcome = if head.envelope.expiry <= time {
            ForcedOutcome::Expired
        } else {
            match self.nonce_state(head.sender, nonce) {
                NonceState::Next => ForcedOutcome::Applied,
                NonceState::Used | NonceState::InFlight => ForcedOutcome::Superseded,
                NonceState::Ahead => ForcedOutcome::Gap,
            }
        };
        if outcome == ForcedOutcome::Applied {
            self.use_nonce(head.sender, nonce, rule);
        }
        let place = self.forced.place(heap, self.forced.queue(heap).taken);
        if let Some(input) = self.forced.inputs.get_mut(place) {
            input.outcome = outcome;
        }
        if let Some(queue) = self.forced.queues.get_mut(heap as usize) {
            queue.taken = queue.taken.saturating_add(1);
        }
    }

    /// Makes the forced inputs of the newest slot wait again.
    pub(crate) fn give_forced_back<R: SelectionRule>(&mut self, counts: &ForcedCounts, rule: &R) {
        for (heap, count) in (0_u32..).zip(counts) {
            for _ in 0..*count {
                let Some(queue) = self.forced.queues.get_mut(heap as usize) else {
                    return;
                };
                queue.taken = queue.taken.saturating_sub(1);
                let last = queue.taken;
                let Some(input) = self.forced.get(heap, last).copied() else {
                    return;
                };
                if input.outcome == ForcedOutcome::Applied {
                    self.give_nonce_back(input.sender, input.envelope.nonce, rule);
                }
            }
        }
    }

    /// Ends the forced inputs of the oldest slot, with events that say what each came to.
    ///
    /// `positions` are those of the next transaction of each rollup.
    pub(crate) fn acknowledge_forced(
        &mut self,
        counts: &ForcedCounts,
        height: Height,
        positions: &mut ForcedCounts,
        ledger: &mut Ledger<'_>,
    ) {
        for ((heap, count), position) in (0_u32..).zip(counts).zip(positions) {
            for _ in 0..*count {
                let Some(input) = self.forced.pop(heap) else {
                    return;
                };
                let Envelope {
                    rollup,
                    nonce,
                    expiry,
                    ..
                } = input.envelope;
                let code = code_of(input.outcome);
                if input.outcome == ForcedOutcome::Applied {
                    self.settle_nonce(input.sender, nonce, expiry, ledger);
                    self.seen.insert(input.id.as_bytes(), code.number());
                }
                self.unpin_sender(input.sender);
                ledger.end_in_slot(code, input.id, rollup, height, *position);
                *position = position.saturating_add(1);
            }
        }
    }

    /// The last `count` forced inputs of a rollup that were taken, in their order.
    pub(crate) fn forced_taken_last(
        &self,
        heap: u32,
        count: u32,
    ) -> impl Iterator<Item = (InboxIndex, ForcedOutcome, OutsideTransaction<'_>)> {
        let taken = self.forced.queue(heap).taken;
        self.forced_range(heap, taken.saturating_sub(count), taken)
    }

    /// How many transactions of the pool the first `counts` forced inputs shadow.
    pub(crate) fn forced_shadow_count(&self, counts: &ForcedCounts) -> usize {
        let inputs = (0_u32..).zip(counts).flat_map(|(heap, count)| {
            (0..*count).filter_map(move |position| self.forced.get(heap, position))
        });
        let shadowing = inputs.filter(|input| {
            input.outcome == ForcedOutcome::Applied
                && self
                    .shadowed_at(input.sender, input.envelope.nonce)
                    .is_some()
        });
        shadowing.count()
    }

    fn forced_range(
        &self,
        heap: u32,
        from: u32,
        to: u32,
    ) -> impl Iterator<Item = (InboxIndex, ForcedOutcome, OutsideTransaction<'_>)> {
        let inputs = (from..to).filter_map(move |position| self.forced.get(heap, position));
        inputs.map(|input| {
            let transaction = OutsideTransaction {
                id: input.id,
                envelope: input.envelope,
                payload: input.payload,
                payloads: &self.forced.payloads,
            };
            (input.index, input.outcome, transaction)
        })
    }

    /// Nonces that taken forced inputs of a sender use, and how many inputs it has.
    pub(super) fn forced_of_sender(&self, place: u32) -> (usize, usize) {
        let heaps = 0..self.rules.rollups.len() as u32;
        let all = heaps.flat_map(|heap| {
            let queue = self.forced.queue(heap);
            (0..queue.len)
                .filter_map(move |at| Some((at < queue.taken, self.forced.get(heap, at)?)))
        });
        let own = all.filter(|(_, input)| input.sender == place);
        own.fold((0, 0), |(used, held), (is_taken, input)| {
            let uses = is_taken && input.outcome == ForcedOutcome::Applied;
            (
                used.saturating_add(usize::from(uses)),
                held.saturating_add(1),
            )
        })
    }

    /// Whether the queues agree with themselves.
    pub(super) fn verify_forced(&self) -> Result<(), Broken> {
        let mut held = 0_usize;
        for heap in 0..self.rules.rollups.len() as u32 {
            let queue = self.forced.queue(heap);
            if queue.taken > queue.len || queue.len > self.forced.count_max {
                return Err(Broken("a queue of forced inputs stays within its part"));
            }
            held = held.saturating_add(queue.len as usize);
            let inputs = (0..queue.len).filter_map(|at| self.forced.get(heap, at));
            let (mut bytes, mut before) = (0_u64, None);
            for input in inputs {
                bytes = bytes.saturating_add(rounded_bytes(input.payload.len() as usize));
                let rises = before.is_none_or(|before| before < input.index);
                let is_known = self.forced.holds(input.id)
                    && self.heap_of_sender(input.sender) == Some(heap)
                    && input.index < queue.next_index;
                if !rises || !is_known {
                    return Err(Broken("forced inputs stand in the order of their inbox"));
                }
                before = Some(input.index);
            }
            if bytes != queue.bytes || bytes > self.forced.bytes_max {
                return Err(Broken("the bytes of forced inputs are counted"));
            }
        }
        let lists = (0..self.rules.rollups.len() as u32).flat_map(|heap| {
            let len = self.forced.queue(heap).len;
            (0..len).filter_map(move |at| Some(self.forced.get(heap, at)?.payload))
        });
        if self.forced.by_id.len() == held && self.forced.payloads.is_consistent(lists) {
            Ok(())
        } else {
            Err(Broken(
                "forced inputs are indexed, and their chunks used or free",
            ))
        }
    }
}

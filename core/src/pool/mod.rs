//! The transaction pool: fixed memory, every sender's nonces in order, two-phase taking.
//!
//! A transaction is *waiting* from its admission on, and *taken* while a slot in flight holds it.
//! An acknowledged slot ends it; a slot that is rolled back makes it wait again, at the place that
//! it had. A waiting transaction can also end by replacement, cancellation, displacement, expiry,
//! or because the host says that its nonce is used. Each end is written to the [`Ledger`].
//!
//! Each sender has a line per rollup. Where nonces follow one another, only the head of a line can
//! be taken, and what arrives before its predecessors waits for them; where a rollup uses windows
//! of nonces, everything in the window can be taken at once. The best of each rollup is at hand.
//!
//! Who may enter, and who has to go for whom, is written down in [`room`].
//!
//! Cost (n transactions or senders): every operation is O(log n) with a bounded number of steps; no
//! operation looks at all transactions but those that say so. Bytes: see
//! [`TransactionPool::footprint_bytes`].
//!
//! What it does not do: it checks no signature and no balance; the host has done both.

mod admission;
mod adopt;
mod ahead;
mod bundle;
mod cancel;
mod entry;
mod expiry;
mod export;
mod forced;
mod hints;
mod idle;
mod line;
mod logged;
mod outside;
mod pinned;
mod ready;
mod refusal;
mod repeats;
pub mod room;
#[cfg(test)]
mod tests;
mod verify;

pub use admission::Arriving;
pub(crate) use adopt::{DecidedAt, DecidedSet, DecidedTransaction, NoPlaceForCursor};
pub use ahead::AHEAD_COUNT;
pub use bundle::{BundleRefusal, BundleSize, bundle_id};
pub use cancel::{CancelError, Cancelled};
pub use forced::{ForcedCounts, ForcedError, OutsideTransaction};
pub use logged::LogMarkError;
pub use ready::ReadyView;
pub use refusal::AdmissionError;
pub use verify::Broken;

use alloc::boxed::Box;

use crate::bounded::{
    ChunkArena, ChunkList, Handle, HandleIndex, HeapSet, KeyedHash, RecentSet, Slab, fixed_slice,
    fixed_slice_bytes,
};
use crate::config::{Config, PoolConfig, ReplayProtection, RollupConfig};
use crate::error::{Code, operation_error};
use crate::event::Ledger;
use crate::limits::{Limits, Quota, ROLLUP_COUNT_MAX};
use crate::types::{
    Address, Candidate, Fee, Gas, Nonce, RollupId, SelectionKey, SelectionRule, Transaction, TxId,
    UnixNs,
};
use bundle::BundleTable;
use entry::{Entry, Sender};
use forced::ForcedQueues;
use hints::HintTable;
use idle::Idle;
use line::LineMode;
use logged::BodyMax;
use pinned::Pins;
use room::DisplaceKey;

/// A transaction that the pool holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PooledTransaction {
    /// Its handle, until it ends.
    pub handle: Handle,
    /// All that ordering may see of it.
    pub candidate: Candidate,
    /// Where its payload lies.
    pub payload: ChunkList,
    /// Whether a slot in flight holds it.
    pub is_taken: bool,
}

operation_error! {
    /// Why a transaction in the pool can't be ended or given back.
    HandleError { StaleHandle }
}

/// All transactions that were admitted and have not ended.
#[derive(Debug)]
pub struct TransactionPool {
    rules: Rules,
    hash: KeyedHash,
    entries: Slab<Entry>,
    by_id: HandleIndex,
    /// By sender and nonce.
    by_nonce: HandleIndex,
    payloads: ChunkArena,
    /// Trades, where the policy looks at them.
    hints: HintTable,
    senders: Slab<Sender>,
    by_address: HandleIndex,
    /// One queue a rollup, over transactions that can be taken now.
    ready: HeapSet<SelectionKey>,
    /// Waiting transactions by who has to go first: a queue of loud and one of quiet ones a rollup.
    displaceable: HeapSet<DisplaceKey>,
    /// Waiting transactions that expire, by expiry: one queue.
    expiring: HeapSet<u64>,
    /// Inputs that another chain forces in, and bundles: each in memory of its own.
    forced: ForcedQueues,
    bundles: BundleTable,
    /// Senders of those.
    pins: Pins,
    /// Senders without a transaction, the one that is forgotten first at hand.
    idle: Idle,
    /// What the origins hold; several may share a place.
    origins: Box<[InUse]>,
    /// What the rollups hold, by their place among the configured ones.
    rollup_counts: [u32; ROLLUP_COUNT_MAX],
    /// Transactions that ended for good lately.
    seen: RecentSet,
    /// Cancellations that came before their transactions.
    cancelled_ids: RecentSet,
    cancelled_nonces: RecentSet,
    /// Transactions that are put aside while a slot is built: `aside[..aside_count]`.
    aside: Box<[u32]>,
    aside_count: usize,
    taken_count: usize,
    /// The agreed time of the last slot that was settled or is being settled.
    decided_time: UnixNs,
    quiet_count: u32,
    /// Bytes of the chunks that payloads of quiet ones take.
    quiet_bytes: u64,
    arrivals: u64,
}

/// What somebody's transactions in the pool come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct InUse {
    count: u32,
    bytes: u64,
    gas: u64,
}

impl InUse {
    /// The same without one of them.
    fn without(self, entry: &Entry) -> Self {
        Self {
            count: self.count.saturating_sub(1),
            bytes: self.bytes.saturating_sub(u64::from(entry.payload.len())),
            gas: self.gas.saturating_sub(entry.gas.get()),
        }
    }
}

/// What admission checks against; but for the fee floor and gaps fixed when the pool is made.
#[derive(Clone, Debug)]
struct Rules {
    rollups: heapless::Vec<RollupConfig, ROLLUP_COUNT_MAX>,
    choices: PoolConfig,
    fee_floor: Fee,
    /// The fee floor under the pressure of the moment.
    fee_floor_now: Fee,
    /// Whether only what is ready is admitted at the moment.
    refuses_gaps_now: bool,
    replay_protection: ReplayProtection,
    needs_hints: bool,
    /// Whether receive logs give the order.
    by_logs: bool,
    pending_count_max: u32,
    payload_bytes_max: u32,
    slot_gas_max: Gas,
    sender_count_max: u32,
    gapped_count_max: u32,
    nonce_gap_max: u32,
    sender_quota: Quota,
    origin_quota: Quota,
    rollup_reserved_count: u32,
    quiet_reserved_count: u32,
    quiet_reserved_bytes: u64,
}

/// Places for senders: those of forced inputs find one however full the others are.
const fn sender_place_count(limits: &Limits) -> u32 {
    limits
        .sender_count_max
        .saturating_add(limits.forced_count_max)
}

impl TransactionPool {
    /// Makes an empty pool.
    #[must_use]
    pub fn new(config: &Config, limits: &Limits) -> Self {
        let hash = KeyedHash::new(config.index_key);
        let pending = limits.pending_count_max;
        let body = BodyMax::of(config, limits);
        Self {
            rules: Rules {
                rollups: config.rollups.clone(),
                choices: config.pool,
                fee_floor: config.fee_floor,
                fee_floor_now: config.fee_floor,
                refuses_gaps_now: false,
                replay_protection: config.replay_protection,
                needs_hints: config.policy.needs_hints(),
                by_logs: config.policy.orders_by_logs(),
                pending_count_max: pending,
                payload_bytes_max: body.payload_bytes,
                slot_gas_max: body.gas,
                sender_count_max: limits.sender_count_max,
                gapped_count_max: limits.sender_gapped_count_max,
                nonce_gap_max: limits.nonce_gap_max,
                sender_quota: Quota {
                    bytes_max: limits.sender_quota.bytes_max.min(u64::from(u32::MAX)),
                    ..limits.sender_quota
                },
                origin_quota: limits.origin_quota,
                rollup_reserved_count: limits.rollup_reserved_count,
                quiet_reserved_count: limits.quiet_reserved_count,
                quiet_reserved_bytes: room::quiet_reserved_bytes(limits),
            },
            hash,
            entries: Slab::new(pending),
            by_id: HandleIndex::new(pending),
            by_nonce: HandleIndex::new(pending),
            payloads: ChunkArena::new(limits.pending_bytes_max),
            hints: HintTable::new(limits.hint_count_max, hash),
            forced: ForcedQueues::new(config.rollups.len(), limits, hash),
            bundles: BundleTable::new(limits, hash),
            pins: Pins::new(limits, hash),
            senders: Slab::new(sender_place_count(limits)),
            by_address: HandleIndex::new(sender_place_count(limits)),
            ready: HeapSet::new(ROLLUP_COUNT_MAX as u32, pending),
            displaceable: HeapSet::new(room::QUEUE_COUNT, pending),
            expiring: HeapSet::new(1, pending),
            idle: Idle::new(config.replay_protection, sender_place_count(limits)),
            origins: fixed_slice(limits.origin_count_max as usize, InUse::default()),
            rollup_counts: [0; ROLLUP_COUNT_MAX],
            seen: RecentSet::new(limits.seen_count_max, hash),
            cancelled_ids: RecentSet::new(limits.cancel_count_max, hash),
            cancelled_nonces: RecentSet::new(limits.cancel_count_max, hash),
            aside: fixed_slice(limits.set_aside_count_max as usize, 0),
            aside_count: 0,
            taken_count: 0,
            decided_time: UnixNs::ZERO,
            quiet_count: 0,
            quiet_bytes: 0,
            arrivals: 0,
        }
    }

    /// The bytes that [`TransactionPool::new`] takes: for transactions, for payloads, for senders
    /// and origins, for what is remembered of those that ended, for trades.
    #[must_use]
    pub const fn footprint_bytes(limits: &Limits) -> [u64; 7] {
        let (pending, senders) = (limits.pending_count_max, sender_place_count(limits));
        let transactions = Slab::<Entry>::footprint_bytes(pending)
            .saturating_add(HandleIndex::footprint_bytes(pending))
            .saturating_add(HandleIndex::footprint_bytes(pending))
            .saturating_add(HeapSet::<SelectionKey>::footprint_bytes(
                ROLLUP_COUNT_MAX as u32,
                pending,
            ))
            .saturating_add(HeapSet::<DisplaceKey>::footprint_bytes(
                room::QUEUE_COUNT,
                pending,
            ))
            .saturating_add(HeapSet::<u64>::footprint_bytes(1, pending))
            .saturating_add(fixed_slice_bytes::<u32>(
                limits.set_aside_count_max as usize,
            ));
        let of_senders = Slab::<Sender>::footprint_bytes(senders)
            .saturating_add(HandleIndex::footprint_bytes(senders))
            .saturating_add(Idle::footprint_bytes(senders))
            .saturating_add(Pins::footprint_bytes(limits))
            .saturating_add(fixed_slice_bytes::<InUse>(limits.origin_count_max as usize));
        let remembered = RecentSet::footprint_bytes(limits.seen_count_max)
            .saturating_add(RecentSet::footprint_bytes(limits.cancel_count_max))
            .saturating_add(RecentSet::footprint_bytes(limits.cancel_count_max));
        let payloads = ChunkArena::footprint_bytes(limits.pending_bytes_max);
        let hints = HintTable::footprint_bytes(limits.hint_count_max);
        let forced = ForcedQueues::footprint_bytes(limits);
        let bundles = BundleTable::footprint_bytes(limits);
        [
            transactions,
            payloads,
            of_senders,
            remembered,
            hints,
            forced,
            bundles,
        ]
    }

    /// How many transactions it holds, taken ones included.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it holds no transaction.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many transactions wait for a slot.
    #[must_use]
    pub const fn waiting_count(&self) -> usize {
        self.len().saturating_sub(self.taken_count)
    }

    /// How many transactions can be taken now, without those behind them in their lines.
    #[must_use]
    pub fn ready_count(&self) -> usize {
        (0..ROLLUP_COUNT_MAX as u32).fold(0, |sum, heap| self.ready.len(heap).saturating_add(sum))
    }

    /// Bytes that payloads can still take.
    #[must_use]
    pub const fn free_bytes(&self) -> u64 {
        self.payloads.free_bytes()
    }

    /// Senders whose next nonce the pool remembers.
    #[must_use]
    pub const fn sender_count(&self) -> usize {
        self.senders.len()
    }

    /// The transaction of this identity, if it is in the pool. Cost: O(1) expected.
    #[must_use]
    pub fn find(&self, id: TxId) -> Option<PooledTransaction> {
        self.pooled(self.index_of(id)?)
    }

    /// The transaction that a handle stands for, if it has not ended.
    #[must_use]
    pub fn get(&self, handle: Handle) -> Option<PooledTransaction> {
        self.entries.resolve(handle)?;
        self.pooled(handle.index)
    }

    /// The payload's parts in order.
    pub fn payload_parts(&self, payload: ChunkList) -> impl Iterator<Item = &[u8]> {
        self.payloads.parts(payload)
    }

    /// The next nonce that would be taken from a sender, if the pool remembers the sender.
    #[must_use]
    pub fn next_nonce(&self, rollup: RollupId, address: Address) -> Option<Nonce> {
        self.senders
            .get(self.sender_of(rollup, address)?)
            .map(|sender| sender.next)
    }

    /// Raises the fee floor above the configured one, and refuses what is not ready, until told
    /// otherwise. What is in the pool stays.
    pub fn set_pressure(&mut self, fee_floor: Fee, refuses_gaps: bool) {
        self.rules.fee_floor_now = self.rules.fee_floor.max(fee_floor);
        self.rules.refuses_gaps_now = refuses_gaps;
    }

    /// Notes the agreed time of the slot that is settled next: what was included until then and
    /// has expired by then may be forgotten. It never goes back.
    pub fn set_decided_time(&mut self, time: UnixNs) {
        self.decided_time = self.decided_time.max(time);
    }

    /// A view of what is ready, for one slot.
    ///
    /// Each transaction that is taken through it goes to `taken`, in that order.
    pub fn ready<'a, R: SelectionRule>(
        &'a mut self,
        rule: &'a R,
        taken: &'a mut [Handle],
    ) -> ReadyView<'a, R> {
        ReadyView::new(self, rule, taken)
    }

    /// Ends a taken transaction as included at this place.
    ///
    /// # Errors
    /// [`HandleError::StaleHandle`] where it is not a taken transaction; nothing changes then.
    pub fn acknowledge(&mut self, handle: Handle) -> Result<PooledTransaction, HandleError> {
        let included = self.get(handle).ok_or(HandleError::StaleHandle)?;
        let entry = *self.taken(handle)?;
        let mode = self.mode_of_sender(entry.sender);
        self.taken_count = self.taken_count.saturating_sub(1);
        self.note_decided(entry.sender, entry.nonce, entry.expiry);
        if let Some(own) = self.senders.get_mut(entry.sender) {
            own.taken_count = own.taken_count.saturating_sub(1);
            if mode != LineMode::Logged {
                own.is_base_fixed = true;
            }
            if mode == LineMode::Window {
                let moved = own.use_in_window(entry.nonce);
                if let Some(pinned) = self.pins.of_mut(entry.sender) {
                    pinned.window.move_on(moved);
                }
            }
        }
        self.move_cursor(&entry, mode);
        self.seen
            .insert(entry.id.as_bytes(), Code::Included.number());
        self.forget(handle.index, &entry);
        Ok(included)
    }

    /// Makes a taken transaction wait again. Whoever gives several back starts with the last.
    ///
    /// # Errors
    /// [`HandleError::StaleHandle`] where it is not a taken transaction; nothing changes then.
    pub fn roll_back<R: SelectionRule>(
        &mut self,
        handle: Handle,
        rule: &R,
    ) -> Result<(), HandleError> {
        let entry = *self.taken(handle)?;
        self.taken_count = self.taken_count.saturating_sub(1);
        if let Some(entry) = self.entries.get_mut(handle.index) {
            entry.is_taken = false;
        }
        let mode = self.mode_of_sender(entry.sender);
        if mode == LineMode::Sequential {
            self.withdraw_head(entry.sender);
        }
        if let Some(own) = self.senders.get_mut(entry.sender) {
            own.taken_count = own.taken_count.saturating_sub(1);
            if mode == LineMode::Sequential {
                own.next = own.next.min(entry.nonce);
            }
        }
        self.offer(handle.index, rule);
        self.start_waiting(handle.index, &entry);
        Ok(())
    }

    /// Ends a waiting transaction, and writes it down.
    fn end(&mut self, index: u32, entry: &Entry, code: Code, ledger: &mut Ledger<'_>) {
        let rollup = self
            .senders
            .get(entry.sender)
            .map_or(RollupId::ZERO, |own| own.rollup);
        // What was displaced or expired may be sent again; the rest is over for good.
        if !matches!(code, Code::Evicted | Code::Expired) {
            self.seen.insert(entry.id.as_bytes(), code.number());
        }
        self.forget(index, entry);
        ledger.end(code, entry.id, rollup);
    }

    fn pooled(&self, index: u32) -> Option<PooledTransaction> {
        let entry = self.entries.get(index)?;
        Some(PooledTransaction {
            handle: self.entries.handle(index)?,
            candidate: self.candidate(entry)?,
            payload: entry.payload,
            is_taken: entry.is_taken,
        })
    }

    fn candidate(&self, entry: &Entry) -> Option<Candidate> {
        let envelope = entry.envelope(self.senders.get(entry.sender)?);
        let encoded_len = entry.payload.len().saturating_add(Transaction::HEADER_LEN);
        Some(Candidate {
            id: entry.id,
            envelope,
            arrival: entry.arrival,
            encoded_len,
        })
    }

    fn taken(&self, handle: Handle) -> Result<&Entry, HandleError> {
        self.entries
            .resolve(handle)
            .filter(|entry| entry.is_taken)
            .ok_or(HandleError::StaleHandle)
    }

    fn index_of(&self, id: TxId) -> Option<u32> {
        self.by_id.find(self.hash.bytes32(id.as_bytes()), |index| {
            self.entries.get(index).is_some_and(|entry| entry.id == id)
        })
    }

    fn sender_of(&self, rollup: RollupId, address: Address) -> Option<u32> {
        self.by_address
            .find(self.address_hash(rollup, address), |place| {
                self.senders
                    .get(place)
                    .is_some_and(|sender| sender.address == address && sender.rollup == rollup)
            })
    }

    fn address_hash(&self, rollup: RollupId, address: Address) -> u64 {
        self.hash
            .number_and_bytes20(rollup.get(), address.as_bytes())
    }

    /// The queue of a rollup: its place among the configured ones.
    fn heap_of(&self, rollup: RollupId) -> Option<u32> {
        self.rules
            .rollups
            .iter()
            .position(|own| own.id == rollup)
            .map(|heap| heap as u32)
    }

    fn heap_of_sender(&self, place: u32) -> Option<u32> {
        self.heap_of(self.senders.get(place)?.rollup)
    }

    /// Lets a waiting transaction be displaced and expire.
    fn start_waiting(&mut self, index: u32, entry: &Entry) {
        if entry.is_logged {
            return;
        }
        self.allow_displacing(index, entry);
        if entry.expiry != UnixNs::NEVER {
            self.expiring.push(0, entry.expiry.get(), index);
        }
    }

    /// Keeps a transaction that was taken from being displaced, and from expiring.
    fn stop_waiting(&mut self, index: u32, entry: &Entry) {
        if entry.is_logged {
            return;
        }
        if let Some(queue) = self.displace_queue(entry) {
            self.displaceable.remove(queue, index);
        }
        if entry.expiry != UnixNs::NEVER {
            self.expiring.remove(0, index);
        }
    }

    /// Frees all that a transaction takes up, and notes a sender who has no other one.
    fn forget(&mut self, index: u32, entry: &Entry) {
        // What is taken stands in no queue.
        if !entry.is_taken {
            self.withdraw(index);
            self.stop_waiting(index, entry);
        }
        self.unlink(index, entry);
        self.by_id
            .remove(self.hash.bytes32(entry.id.as_bytes()), index);
        self.payloads.free(entry.payload);
        self.hints.remove(index);
        self.entries.remove(index);
        if entry.is_quiet {
            let bytes = self.payloads.rounded_bytes(entry.payload.len() as usize);
            self.quiet_count = self.quiet_count.saturating_sub(1);
            self.quiet_bytes = self.quiet_bytes.saturating_sub(bytes);
        }
        if let Some(origin) = self.origins.get_mut(entry.origin as usize) {
            *origin = origin.without(entry);
        }
        let heap = self.heap_of_sender(entry.sender);
        if let Some(count) = heap.and_then(|heap| self.rollup_counts.get_mut(heap as usize)) {
            *count = count.saturating_sub(1);
        }
        self.note_idle(entry.sender);
    }
}

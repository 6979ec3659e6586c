//! A slot while it is still open: what it holds already can't change, and more can follow.

use super::arrange::KnownPools;
use super::hooks::Hooks;
use super::in_flight::SlotEnd;
use super::{Slot, TakeError, TransactionCoordinator, WhenEmpty};
use crate::batch::{ChainTip, DrainedBytes, SliceReceipt};
use crate::bounded::Handle;
use crate::config::Policy;
use crate::error::operation_error;
use crate::event::Ledger;
use crate::journal::{Pools, Record, SliceRoom};
use crate::limits::{ROLLUP_COUNT_MAX, SLICE_COUNT_MAX};
use crate::ordering::SlotRoom;
use crate::pool::ForcedCounts;
use crate::types::{Hash, Height, PoolReserves, Tick, UnixNs};

operation_error! {
    /// Why a slice was not added.
    SliceError {
        NoOpenSlot,
        SlicesNotOffered,
        TooManySlices,
        TimeWentBack,
        JournalFull,
        Poisoned,
    }
}

operation_error! {
    /// Why an open slot was not sealed.
    SealError { NoOpenSlot, SeedNeeded, SeedNotWanted, JournalFull, Poisoned }
}

/// The set of a slot's transactions, fixed before anybody knows their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FixedSet {
    /// The number of the slot.
    pub height: Height,
    /// Its agreed time.
    pub time: UnixNs,
    /// Binds what the slot follows, its time, and which transactions it holds; to be told before
    /// the seed is known. [`VerifiedSlot::set_root`](crate::batch::VerifiedSlot::set_root) gives
    /// it again.
    pub root: Hash,
    /// How many transactions it holds, over all rollups.
    pub transaction_count: u32,
}

/// A slice that was added to an open slot.
#[derive(Clone, Debug)]
pub struct Slice<'a> {
    /// The number of the slot that will hold it.
    pub height: Height,
    /// Its number in the slot, from 0.
    pub slice: u16,
    /// Its transactions over all rollups, each rollup's in their order; the pool knows them.
    pub transactions: &'a [Handle],
    /// What it promises, for every configured rollup in their order.
    pub receipts: SliceReceipts,
}

/// A receipt for every configured rollup, in their order.
pub type SliceReceipts = heapless::Vec<SliceReceipt, ROLLUP_COUNT_MAX>;

/// What is known of a slot before it is sealed.
#[derive(Clone, Debug)]
pub(super) struct OpenSlot {
    pub height: Height,
    pub time: UnixNs,
    /// The room that the pressure left when it was opened.
    pub(super) pressed: SlotRoom,
    /// What is left of the slot.
    pub(super) left: SlotRoom,
    /// What is left of that for the pool segment, and for forced inputs and bundles.
    pub(super) pool_left: SlotRoom,
    pub(super) others_left: SlotRoom,
    /// Transactions of the pool segment.
    pub count: usize,
    /// Its forced inputs, by rollup.
    pub forced: ForcedCounts,
    /// Its bundles, and their legs.
    pub bundle_count: usize,
    pub leg_count: u32,
    pub(super) slice_ends: heapless::Vec<u32, SLICE_COUNT_MAX>,
    /// The chain before it, with the running hashes behind its last slice.
    pub(super) promised: ChainTip,
    pub(super) first_positions: [u32; ROLLUP_COUNT_MAX],
    /// Whether its set is fixed, and waits for a seed.
    is_set_fixed: bool,
}

impl OpenSlot {
    /// Transactions of all segments.
    fn transaction_count(&self) -> u32 {
        let forced = self
            .forced
            .iter()
            .fold(0_u32, |sum, own| sum.saturating_add(*own));
        forced
            .saturating_add(self.count as u32)
            .saturating_add(self.leg_count)
    }
}

impl TransactionCoordinator {
    /// The height of the slot that is open, if one is.
    #[must_use]
    pub fn open_height(&self) -> Option<Height> {
        self.open.as_ref().map(|open| open.height)
    }

    /// Takes the next slot under a policy that looks at trades; under any other policy the same as
    /// [`take`](TransactionCoordinator::take), and `reserves` are not looked at.
    ///
    /// `reserves` say what each pool holds before this slot, in the order of rollup and address. A
    /// trade with another pool waits for a slot that names its pool. Cost: as
    /// [`take`](TransactionCoordinator::take), and O(n log n) for n transactions of the slot.
    ///
    /// # Errors
    /// A [`TakeError`]; nothing changes then.
    pub fn take_with_reserves(
        &mut self,
        now: Tick,
        time: UnixNs,
        when_empty: WhenEmpty,
        reserves: &[PoolReserves],
    ) -> Result<Option<Slot<'_>>, TakeError> {
        self.take_knowing(now, time, when_empty, KnownPools::given(reserves))
    }

    /// The same with pools as a journal kept them.
    pub(crate) fn take_knowing(
        &mut self,
        now: Tick,
        time: UnixNs,
        when_empty: WhenEmpty,
        known: KnownPools<'_>,
    ) -> Result<Option<Slot<'_>>, TakeError> {
        if self.policy.orders_by_logs() {
            return Err(TakeError::OrderedByLogs);
        }
        if self.policy.needs_seed() {
            return Err(TakeError::SeedNeeded);
        }
        let pool_count_max = if self.policy.needs_hints() {
            if !known.are_in_order() {
                return Err(TakeError::ReservesInvalid);
            }
            known.pools.len().min(self.limits.slot_count_max as usize)
        } else {
            0
        };
        if !self.journal.has_room_for_pools(pool_count_max) {
            return Err(TakeError::JournalFull);
        }
        self.open_next(now, time)?;
        let last_pool = self.select(known, SlotRoom::UNLIMITED);
        self.take_bundles();
        let is_empty_wanted = when_empty == WhenEmpty::EmptySlot;
        if self.is_open_slot_empty() && !is_empty_wanted {
            self.open = None;
            let record = Record::Taken {
                is_empty_wanted,
                outcome: None,
                pools: Pools::NONE,
                last_pool,
            };
            self.journal.write(&record, self.clocks());
            return Ok(None);
        }
        self.arrange(Some(known), &Hash::ZERO);
        if self.seal_open(Hash::ZERO, DrainedBytes::NONE).is_err() {
            return Err(TakeError::Poisoned);
        }
        let (height, hash) = (self.tip.height, self.tip.hash);
        let record = Record::Taken {
            is_empty_wanted,
            outcome: Some((height, hash)),
            pools: Pools::Given(self.arrangement.pools()),
            last_pool,
        };
        let clocks = self.clocks();
        self.journal.write(&record, clocks);
        Ok(self.slot(height))
    }

    /// Opens the next slot, to be filled slice by slice, and returns its height.
    ///
    /// Its agreed time is fixed now. While it is open no other slot can be taken; submissions,
    /// cancellations, the settling of older slots and snapshots go on.
    ///
    /// # Errors
    /// A [`TakeError`]; nothing changes then.
    pub fn open_slot(&mut self, now: Tick, time: UnixNs) -> Result<Height, TakeError> {
        if self.policy.orders_whole_slots() {
            return Err(TakeError::SlicesNotOffered);
        }
        let record = |height| Record::SlotOpened { height };
        if !self.journal.has_room(&record(Height::ZERO)) {
            return Err(TakeError::JournalFull);
        }
        let height = self.open_next(now, time)?;
        self.journal.write(&record(height), self.clocks());
        Ok(height)
    }

    /// Adds what is ready to the open slot as its next slice, and says what that promises; nothing
    /// where nothing is ready or fits.
    ///
    /// `room` bounds the slice; [`SlotRoom::UNLIMITED`] leaves it all that is left of the slot.
    /// What earlier slices hold stays as it is. Cost: O(log n) a transaction, and the hashes of a
    /// Merkle tree over the slice.
    ///
    /// # Errors
    /// A [`SliceError`]; nothing changes then.
    pub fn add_slice(
        &mut self,
        now: Tick,
        room: SlotRoom,
    ) -> Result<Option<Slice<'_>>, SliceError> {
        if self.is_poisoned {
            return Err(SliceError::Poisoned);
        }
        let open = self.open.as_ref().ok_or(SliceError::NoOpenSlot)?;
        if open.is_set_fixed {
            return Err(SliceError::SlicesNotOffered);
        }
        if open.slice_ends.is_full() {
            return Err(SliceError::TooManySlices);
        }
        let start = open.count;
        let record = |count, running_hash| Record::SliceAdded {
            room: SliceRoom {
                count: room.count,
                bytes: room.bytes,
                gas: room.gas,
            },
            count,
            running_hash,
        };
        if !self.journal.has_room(&record(0, Hash::ZERO)) {
            return Err(SliceError::JournalFull);
        }
        self.set_clocks(now, self.time)
            .map_err(|()| SliceError::TimeWentBack)?;
        self.select(KnownPools::given(&[]), room);
        let clocks = self.clocks();
        let count = self.open_count().saturating_sub(start);
        if count == 0 {
            self.journal.write(&record(0, Hash::ZERO), clocks);
            return Ok(None);
        }
        let receipts = self.promise_slice(start).ok_or(SliceError::Poisoned)?;
        let holding = receipts.iter().rev().find(|own| own.transaction_count > 0);
        let running_hash = holding.map_or(Hash::ZERO, |own| own.running_hash);
        self.journal
            .write(&record(count as u32, running_hash), clocks);
        let flight = self.in_flight.get(self.in_flight_count);
        let (Some(open), Some(flight)) = (&self.open, flight) else {
            return Err(SliceError::Poisoned);
        };
        Ok(Some(Slice {
            height: open.height,
            slice: open.slice_ends.len().saturating_sub(1) as u16,
            transactions: flight.handles(start..open.count),
            receipts,
        }))
    }

    /// Fixes the set of the next slot, under a policy that orders it by a seed; nothing where
    /// nothing is ready, unless `when_empty` says otherwise.
    ///
    /// Tell the root before you ask for the seed: then nobody who learns the seed can change the
    /// set, and nobody who chose the set knew the seed. Cost: as
    /// [`take`](TransactionCoordinator::take).
    ///
    /// # Errors
    /// A [`TakeError`]; nothing changes then.
    pub fn fix_set(
        &mut self,
        now: Tick,
        time: UnixNs,
        when_empty: WhenEmpty,
    ) -> Result<Option<FixedSet>, TakeError> {
        if !self.policy.needs_seed() {
            return Err(TakeError::SeedNotWanted);
        }
        let is_empty_wanted = when_empty == WhenEmpty::EmptySlot;
        let record = |outcome| Record::SetFixed {
            is_empty_wanted,
            outcome,
        };
        if !self.journal.has_room(&record(None)) {
            return Err(TakeError::JournalFull);
        }
        self.open_next(now, time)?;
        self.select(KnownPools::given(&[]), SlotRoom::UNLIMITED);
        self.take_bundles();
        if self.is_open_slot_empty() && !is_empty_wanted {
            self.open = None;
            self.journal.write(&record(None), self.clocks());
            return Ok(None);
        }
        let set = self.fixed_set();
        self.is_poisoned |= set.is_none();
        let set = set.ok_or(TakeError::Poisoned)?;
        let clocks = self.clocks();
        self.journal
            .write(&record(Some((set.height, set.root))), clocks);
        Ok(Some(set))
    }

    /// The set of the open slot, where it is fixed and waits for a seed.
    ///
    /// After a restart a host asks here for what was told, and is to be ordered. Cost: a hash over
    /// the sorted ids of the set.
    pub fn fixed_set(&mut self) -> Option<FixedSet> {
        let flight = self.in_flight.get(self.in_flight_count)?;
        let open = self.open.as_ref().filter(|open| open.is_set_fixed)?;
        let taken = flight.handles(0..open.count);
        let root = self
            .builder
            .set_root(&self.pool, taken, &self.tip, open.time);
        Some(FixedSet {
            height: open.height,
            time: open.time,
            root: root.ok()?,
            transaction_count: open.transaction_count(),
        })
    }

    /// Seals the open slot as it is; without a slice it is an empty one.
    ///
    /// # Errors
    /// A [`SealError`]; nothing changes then.
    pub fn seal(&mut self) -> Result<Slot<'_>, SealError> {
        let open = self.open.as_ref().ok_or(SealError::NoOpenSlot)?;
        if open.is_set_fixed {
            return Err(SealError::SeedNeeded);
        }
        self.check_room_to_seal()?;
        self.take_bundles();
        self.seal_recorded(None)
    }

    /// Orders the fixed set by `seed`, and seals its slot.
    ///
    /// # Errors
    /// A [`SealError`]; nothing changes then.
    pub fn seal_with_seed(&mut self, seed: Hash) -> Result<Slot<'_>, SealError> {
        let open = self.open.as_ref().ok_or(SealError::NoOpenSlot)?;
        if !open.is_set_fixed {
            return Err(SealError::SeedNotWanted);
        }
        self.check_room_to_seal()?;
        self.arrange(None, &seed);
        self.seal_recorded(Some(seed))
    }

    fn check_room_to_seal(&self) -> Result<(), SealError> {
        let record = Record::Sealed {
            seed: None,
            hash: Hash::ZERO,
        };
        if self.journal.has_room(&record) {
            Ok(())
        } else {
            Err(SealError::JournalFull)
        }
    }

    fn seal_recorded(&mut self, seed: Option<Hash>) -> Result<Slot<'_>, SealError> {
        let (height, hash) = {
            let slot = self.seal_open(seed.unwrap_or(Hash::ZERO), DrainedBytes::NONE)?;
            (slot.header.height, slot.hash)
        };
        let clocks = self.clocks();
        self.journal.write(&Record::Sealed { seed, hash }, clocks);
        self.slot(height).ok_or(SealError::Poisoned)
    }

    /// Makes the next place in flight an open slot.
    pub(super) fn open_next(&mut self, now: Tick, time: UnixNs) -> Result<Height, TakeError> {
        if self.is_poisoned {
            return Err(TakeError::Poisoned);
        }
        if self.open.is_some() {
            return Err(TakeError::SlotOpen);
        }
        if self.in_flight_count == self.in_flight.len() {
            return Err(TakeError::TooManyInFlight);
        }
        self.set_clocks(now, time)
            .map_err(|()| TakeError::TimeWentBack)?;
        let time = self.time.max(self.tip.time);
        let open = self.new_open(time, self.pressure.room());
        let height = open.height;
        self.open = Some(open);
        self.take_forced();
        Ok(height)
    }

    /// An open slot behind the tip that holds nothing.
    pub(super) fn new_open(&self, time: UnixNs, pressed: SlotRoom) -> OpenSlot {
        OpenSlot {
            height: self.tip.height.next(),
            time,
            pressed,
            left: SlotRoom::of(&self.limits).min(pressed),
            pool_left: self.rooms.pool.min(pressed),
            others_left: self.rooms.others,
            count: 0,
            forced: [0; ROLLUP_COUNT_MAX],
            bundle_count: 0,
            leg_count: 0,
            slice_ends: heapless::Vec::new(),
            promised: self.tip.clone(),
            first_positions: [0; ROLLUP_COUNT_MAX],
            is_set_fixed: self.policy.needs_seed(),
        }
    }

    fn open_count(&self) -> usize {
        self.open.as_ref().map_or(0, |open| open.count)
    }

    fn is_open_slot_empty(&self) -> bool {
        self.open.as_ref().is_none_or(|open| {
            let forced = open.forced.iter().any(|count| *count > 0);
            open.count == 0 && open.bundle_count == 0 && !forced
        })
    }

    /// Takes candidates out of the pool for the open slot, as many as `room` and the slot allow.
    ///
    /// Returns the last pool that was asked for and found, under a policy that looks at trades.
    fn select(&mut self, known: KnownPools<'_>, room: SlotRoom) -> Option<PoolReserves> {
        let Self {
            pool,
            policy,
            engine,
            events,
            metrics,
            now,
            in_flight,
            in_flight_count,
            open,
            ..
        } = self;
        let (Some(flight), Some(open)) = (in_flight.get_mut(*in_flight_count), open) else {
            return None;
        };
        let mut ledger = Ledger::new(events, metrics, *now);
        pool.expire(open.time, &mut ledger);
        let mut view = pool.ready(&*policy, flight.handles_from(open.count));
        let before = open.left.min(open.pool_left).min(room);
        let mut left = before;
        let mut hooks = Hooks {
            ledger,
            known: policy.needs_hints().then_some(known),
            last: None.into(),
        };
        engine.select(&mut view, open.time, &mut left, &mut hooks);
        open.count = open.count.saturating_add(view.taken_count());
        let used = before.minus(left);
        open.left = open.left.minus(used);
        open.pool_left = open.pool_left.minus(used);
        hooks.last.get()
    }

    /// Promises what the open slot holds from `start` on as its next slice.
    pub(super) fn promise_slice(&mut self, start: usize) -> Option<SliceReceipts> {
        let Self {
            builder,
            pool,
            in_flight,
            in_flight_count,
            open,
            is_poisoned,
            ..
        } = self;
        let (open, flight) = (open.as_mut()?, in_flight.get(*in_flight_count)?);
        let receipts = builder
            .promise(
                pool,
                flight.handles(start..open.count),
                open.slice_ends.len() as u16,
                &mut open.promised,
                &mut open.first_positions,
            )
            .ok();
        let ended = open.slice_ends.push(open.count as u32).is_ok();
        *is_poisoned |= receipts.is_none() || !ended;
        receipts
    }

    /// Puts the open slot's transactions in the order of a policy that fixes the set first.
    fn arrange(&mut self, known: Option<KnownPools<'_>>, seed: &Hash) {
        let count = self.open_count();
        self.arrangement.clear();
        let Some(flight) = self.in_flight.get_mut(self.in_flight_count) else {
            return;
        };
        let taken = flight.handles_mut(count);
        let (pool, rollups) = (&self.pool, &self.rollups);
        let arranged = match (self.policy, known) {
            (Policy::Shuffle, _) => self.arrangement.shuffle(pool, rollups, seed, taken),
            (Policy::Greedy, Some(known)) => self.arrangement.greedy(pool, rollups, known, taken),
            _ => Some(()),
        };
        self.is_poisoned |= arranged.is_none();
    }

    /// Writes the open slot, and moves the chain on to it.
    pub(super) fn seal_open(
        &mut self,
        seed: Hash,
        drained: DrainedBytes<'_>,
    ) -> Result<Slot<'_>, SealError> {
        if self.is_poisoned {
            return Err(SealError::Poisoned);
        }
        let open = self.open.as_ref().ok_or(SealError::NoOpenSlot)?;
        let flight = self.in_flight.get_mut(self.in_flight_count);
        let flight = flight.ok_or(SealError::Poisoned)?;
        let end = SlotEnd {
            count: open.count,
            slice_ends: &open.slice_ends,
            time: open.time,
            seed,
            reserves: self.arrangement.pools(),
            forced: &open.forced,
            bundle_count: open.bundle_count,
            leg_count: open.leg_count,
            context: self.context.get(),
            drained,
        };
        let Some(tip_after) = flight.build(&mut self.builder, &self.pool, &self.tip, end) else {
            // The buffers were made for the largest slot, so this is an invariant of ours.
            self.is_poisoned = true;
            return Err(SealError::Poisoned);
        };
        debug_assert!(
            open.slice_ends.is_empty()
                || open.bundle_count > 0
                || (open.promised.rollups.iter().zip(&tip_after.rollups))
                    .all(|(promised, built)| promised.running_hash == built.running_hash),
            "a slot keeps what its slices promised"
        );
        flight.sealed_at = self.now;
        let pending = self.pool.len() as u64;
        self.metrics.pending_at_take.add(pending);
        let slot = flight.slot();
        let (count, bytes) = (slot.transaction_count, slot.bytes.len());
        self.metrics.slot_transactions.add(u64::from(count));
        self.metrics.slot_bytes.add(bytes as u64);
        self.open = None;
        self.context.clear();
        self.tip = tip_after;
        self.in_flight_count = self.in_flight_count.saturating_add(1);
        self.metrics.slots_taken = self.metrics.slots_taken.saturating_add(1);
        Ok(flight.slot())
    }

    /// Makes what the open slot holds wait again, if one is open. Returns whether one was.
    pub(super) fn give_back_open(&mut self) -> bool {
        let Some(open) = self.open.take() else {
            return false;
        };
        if let Some(flight) = self.in_flight.get(self.in_flight_count) {
            let bundles = flight.bundles_range(open.bundle_count);
            for handle in bundles.iter().rev() {
                self.is_poisoned |= !self.pool.give_bundle_back(*handle, &self.policy);
            }
            for handle in flight.handles(0..open.count).iter().rev() {
                self.is_poisoned |= self.pool.roll_back(*handle, &self.policy).is_err();
            }
        }
        self.pool.give_forced_back(&open.forced, &self.policy);
        true
    }
}

//! Structures that the library fills in.

use hauptbuch_core::batch::{VerifiedSlot, VerifyError};
use hauptbuch_core::coordinator::{Adopted, AdoptionCheck, FixedSet, Slot, TransactionCoordinator};
use hauptbuch_core::event::Event;

use crate::boundary::Growing;
use crate::status::hb_status;
use crate::transaction::HB_HASH_LEN;

/// A slot in flight. Set `struct_size` before the call.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct hb_slot {
    /// `sizeof(struct hb_slot)`.
    pub struct_size: u32,
    /// Its transactions, over all rollups.
    pub transaction_count: u32,
    /// Its number; the first slot has 1, and 0 says that there is no slot.
    pub height: u64,
    /// The stretch of slots with one membership that it belongs to.
    pub epoch: u64,
    /// The agreed time, in nanoseconds since the Unix epoch.
    pub time_unix_ns: u64,
    /// How many bytes `hb_coordinator_slot_bytes` gives.
    pub bytes_len: u64,
    /// Its hash.
    pub hash: [u8; HB_HASH_LEN],
    /// The hash of the slot before it, or of the genesis.
    pub parent: [u8; HB_HASH_LEN],
}

/// A decided slot of another member that was taken over. Set `struct_size` before the call.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct hb_adopted {
    /// `sizeof(struct hb_adopted)`.
    pub struct_size: u32,
    /// Its transactions, over all rollups.
    pub transaction_count: u32,
    /// How many of them waited here, forced inputs that do something and legs of bundles included.
    pub included_count: u32,
    /// How many transactions ended here because of it, those included.
    pub ended_count: u32,
    /// How many of its transactions repeat what was decided before, as
    /// `hb_coordinator_check_adoption` would have said: no honest proposer includes one.
    pub repeated_count: u32,
    /// Always 0.
    pub reserved: u32,
    /// Its number.
    pub height: u64,
    /// The agreed time, in nanoseconds since the Unix epoch.
    pub time_unix_ns: u64,
    /// Its hash.
    pub hash: [u8; HB_HASH_LEN],
}

/// What a slot of another member would repeat of what was decided before. Set `struct_size` before
/// the call.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct hb_adoption_check {
    /// `sizeof(struct hb_adoption_check)`.
    pub struct_size: u32,
    /// Its transactions, over all rollups.
    pub transaction_count: u32,
    /// How many of them repeat what was decided before, or one another: no honest proposer includes
    /// one.
    pub repeated_count: u32,
    /// What is wrong with the first of those, in the order of the slot: `HB_STATUS_ALREADY_ENDED`
    /// where it was included before, `HB_STATUS_NONCE_USED` where its nonce was used,
    /// `HB_STATUS_NONCE_OUT_OF_ORDER` where another one of the slot uses it. `HB_STATUS_OK` where
    /// there is none; then the next three fields are zero.
    pub first_code: u32,
    /// Its rollup.
    pub first_rollup: u32,
    /// Its place in its rollup's sub-batch.
    pub first_position: u32,
    /// Its identity.
    pub first_id: [u8; HB_HASH_LEN],
    /// The slot's number.
    pub height: u64,
    /// The slot's agreed time, in nanoseconds since the Unix epoch.
    pub time_unix_ns: u64,
    /// The slot's hash.
    pub hash: [u8; HB_HASH_LEN],
}

/// The set of a slot's transactions, fixed before anybody knows their order. Set `struct_size`
/// before the call.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct hb_fixed_set {
    /// `sizeof(struct hb_fixed_set)`.
    pub struct_size: u32,
    /// Its transactions, over all rollups.
    pub transaction_count: u32,
    /// The number of its slot; 0 says that there is no set.
    pub height: u64,
    /// The slot's agreed time, in nanoseconds since the Unix epoch.
    pub time_unix_ns: u64,
    /// Binds what the slot follows, its time, and which transactions it holds.
    pub root: [u8; HB_HASH_LEN],
}

/// Something that became of a transaction.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct hb_event {
    /// Which transaction.
    pub id: [u8; HB_HASH_LEN],
    /// The transaction that took its place, where it was replaced; zero for every other event.
    pub related: [u8; HB_HASH_LEN],
    /// The slot that it stands in; 0 where it stands in none.
    pub height: u64,
    /// The local clock when it happened.
    pub tick_ns: u64,
    /// What became of it.
    pub status: hb_status,
    /// Its rollup.
    pub rollup: u32,
    /// Its place in its rollup's sub-batch, where it stands in a slot.
    pub position: u32,
    /// Always 0.
    pub reserved: u32,
}

/// Where a coordinator stands. Set `struct_size` before the call.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct hb_counters {
    /// `sizeof(struct hb_counters)`.
    pub struct_size: u32,
    /// Slots that are taken and neither acknowledged nor rolled back.
    pub in_flight_count: u32,
    /// Transactions that were handed in so far.
    pub submitted_count: u64,
    /// Slots that were built so far, those rolled back later included.
    pub slots_taken_count: u64,
    /// Slots that were acknowledged so far.
    pub slots_acknowledged_count: u64,
    /// Slots that were rolled back so far.
    pub slots_rolled_back_count: u64,
    /// Transactions in the pool, taken ones included.
    pub pending_count: u64,
    /// Transactions in the pool that are not taken.
    pub waiting_count: u64,
    /// Transactions that could be taken now: each sender's next one, or, where nonces come in
    /// windows, all within it.
    pub ready_count: u64,
    /// Bytes that the pool has left for payloads.
    pub payload_free_bytes: u64,
    /// Events that wait to be read.
    pub event_count: u64,
    /// The last slot that was acknowledged.
    pub acknowledged_height: u64,
    /// The newest slot, acknowledged or in flight.
    pub tip_height: u64,
    /// The hash of the newest slot, or of the genesis.
    pub tip_hash: [u8; HB_HASH_LEN],
}

/// A slot that was verified. Set `struct_size` before the call.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct hb_verified_slot {
    /// `sizeof(struct hb_verified_slot)`.
    pub struct_size: u32,
    /// Its transactions, over all rollups.
    pub transaction_count: u32,
    /// Its number.
    pub height: u64,
    /// The stretch of slots with one membership that it belongs to.
    pub epoch: u64,
    /// The agreed time, in nanoseconds since the Unix epoch.
    pub time_unix_ns: u64,
    /// Bytes of its transactions in their canonical encoding.
    pub transaction_bytes: u64,
    /// Gas of its transactions.
    pub gas: u64,
    /// Its hash.
    pub hash: [u8; HB_HASH_LEN],
    /// The hash of the slot before it, or of the genesis.
    pub parent: [u8; HB_HASH_LEN],
}

/// What is wrong with a slot, and where. Set `struct_size` before the call.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct hb_verify_fault {
    /// `sizeof(struct hb_verify_fault)`.
    pub struct_size: u32,
    /// What is wrong; the same as the call returns.
    pub status: hb_status,
    /// In which rollup's sub-batch, where `has_rollup` is 1.
    pub rollup: u32,
    /// At which transaction of it, where `has_position` is 1.
    pub position: u32,
    /// Whether it is the fault of one sub-batch.
    pub has_rollup: u8,
    /// Whether it is the fault of one transaction.
    pub has_position: u8,
    /// Always 0.
    pub reserved: [u8; 6],
}

// SAFETY: they are `repr(C)`, and `struct_size` comes first.
unsafe impl Growing for hb_slot {}
// SAFETY: as above.
unsafe impl Growing for hb_adopted {}
// SAFETY: as above.
unsafe impl Growing for hb_adoption_check {}
// SAFETY: as above.
unsafe impl Growing for hb_fixed_set {}
// SAFETY: as above.
unsafe impl Growing for hb_counters {}
// SAFETY: as above.
unsafe impl Growing for hb_verified_slot {}
// SAFETY: as above.
unsafe impl Growing for hb_verify_fault {}

const _: () = assert!(size_of::<hb_slot>() == 104 && align_of::<hb_slot>() == 8);
const _: () = assert!(size_of::<hb_adopted>() == 72 && align_of::<hb_adopted>() == 8);
const _: () =
    assert!(size_of::<hb_adoption_check>() == 104 && align_of::<hb_adoption_check>() == 8);
const _: () = assert!(size_of::<hb_fixed_set>() == 56 && align_of::<hb_fixed_set>() == 8);
const _: () = assert!(size_of::<hb_event>() == 96 && align_of::<hb_event>() == 8);
const _: () = assert!(size_of::<hb_counters>() == 128 && align_of::<hb_counters>() == 8);
const _: () = assert!(size_of::<hb_verified_slot>() == 112 && align_of::<hb_verified_slot>() == 8);
const _: () = assert!(size_of::<hb_verify_fault>() == 24 && align_of::<hb_verify_fault>() == 4);

impl hb_slot {
    /// What stands for no slot.
    pub(crate) const NONE: Self = Self {
        struct_size: Self::SIZE,
        transaction_count: 0,
        height: 0,
        epoch: 0,
        time_unix_ns: 0,
        bytes_len: 0,
        hash: [0; HB_HASH_LEN],
        parent: [0; HB_HASH_LEN],
    };
}

impl hb_fixed_set {
    /// What stands for no set.
    pub(crate) const NONE: Self = Self {
        struct_size: Self::SIZE,
        transaction_count: 0,
        height: 0,
        time_unix_ns: 0,
        root: [0; HB_HASH_LEN],
    };
}

impl From<Adopted> for hb_adopted {
    fn from(adopted: Adopted) -> Self {
        Self {
            struct_size: Self::SIZE,
            transaction_count: adopted.transaction_count,
            included_count: adopted.included_count,
            ended_count: adopted.ended_count,
            repeated_count: adopted.repeated_count,
            reserved: 0,
            height: adopted.header.height.get(),
            time_unix_ns: adopted.header.time.get(),
            hash: *adopted.hash.as_bytes(),
        }
    }
}

impl From<AdoptionCheck> for hb_adoption_check {
    fn from(checked: AdoptionCheck) -> Self {
        let first = checked.first;
        Self {
            struct_size: Self::SIZE,
            transaction_count: checked.transaction_count,
            repeated_count: checked.repeated_count,
            first_code: first.map_or(0, |own| own.code.number().into()),
            first_rollup: first.map_or(0, |own| own.rollup.get()),
            first_position: first.map_or(0, |own| own.position),
            first_id: first.map_or([0; HB_HASH_LEN], |own| *own.id.as_bytes()),
            height: checked.header.height.get(),
            time_unix_ns: checked.header.time.get(),
            hash: *checked.hash.as_bytes(),
        }
    }
}

impl From<FixedSet> for hb_fixed_set {
    fn from(set: FixedSet) -> Self {
        Self {
            struct_size: Self::SIZE,
            transaction_count: set.transaction_count,
            height: set.height.get(),
            time_unix_ns: set.time.get(),
            root: *set.root.as_bytes(),
        }
    }
}

impl From<Slot<'_>> for hb_slot {
    fn from(slot: Slot<'_>) -> Self {
        Self {
            struct_size: Self::SIZE,
            transaction_count: slot.transaction_count,
            height: slot.header.height.get(),
            epoch: slot.header.epoch.get(),
            time_unix_ns: slot.header.time.get(),
            bytes_len: slot.bytes.len() as u64,
            hash: *slot.hash.as_bytes(),
            parent: *slot.header.parent.as_bytes(),
        }
    }
}

impl From<Event> for hb_event {
    fn from(event: Event) -> Self {
        Self {
            id: *event.id.as_bytes(),
            related: *event.related.as_bytes(),
            height: event.height.get(),
            tick_ns: event.tick.get(),
            status: hb_status::of(event.code),
            rollup: event.rollup.get(),
            position: event.position,
            reserved: 0,
        }
    }
}

impl From<&TransactionCoordinator> for hb_counters {
    fn from(coordinator: &TransactionCoordinator) -> Self {
        let (metrics, pool, tip) = (coordinator.metrics(), coordinator.pool(), coordinator.tip());
        let acknowledged_height = coordinator.acknowledged_height().get();
        let in_flight_count = tip.height.get().saturating_sub(acknowledged_height);
        Self {
            struct_size: Self::SIZE,
            // At most 16, because the limits say so.
            in_flight_count: in_flight_count as u32,
            submitted_count: metrics.submitted,
            slots_taken_count: metrics.slots_taken,
            slots_acknowledged_count: metrics.slots_acknowledged,
            slots_rolled_back_count: metrics.slots_rolled_back,
            pending_count: pool.len() as u64,
            waiting_count: pool.waiting_count() as u64,
            ready_count: pool.ready_count() as u64,
            payload_free_bytes: pool.free_bytes(),
            event_count: coordinator.event_count() as u64,
            acknowledged_height,
            tip_height: tip.height.get(),
            tip_hash: *tip.hash.as_bytes(),
        }
    }
}

impl From<VerifiedSlot> for hb_verified_slot {
    fn from(slot: VerifiedSlot) -> Self {
        Self {
            struct_size: Self::SIZE,
            transaction_count: slot.transaction_count,
            height: slot.header.height.get(),
            epoch: slot.header.epoch.get(),
            time_unix_ns: slot.header.time.get(),
            transaction_bytes: slot.transaction_bytes,
            gas: slot.gas,
            hash: *slot.hash.as_bytes(),
            parent: *slot.header.parent.as_bytes(),
        }
    }
}

impl From<VerifyError> for hb_verify_fault {
    fn from(error: VerifyError) -> Self {
        Self {
            struct_size: Self::SIZE,
            status: hb_status::of(error.code),
            rollup: error.rollup.map_or(0, |rollup| rollup.get()),
            position: error.position.unwrap_or(0),
            has_rollup: u8::from(error.rollup.is_some()),
            has_position: u8::from(error.position.is_some()),
            reserved: [0; 6],
        }
    }
}

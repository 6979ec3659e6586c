//! A slot while it is still open: in slices, or as a set that waits for its seed.

use hauptbuch_core::batch::SliceReceipt;
use hauptbuch_core::bounded::Handle;
use hauptbuch_core::coordinator::Slice;
use hauptbuch_core::ordering::SlotRoom;
use hauptbuch_core::pool::TransactionPool;
use hauptbuch_core::types::{Hash, Tick, UnixNs};

use std::mem::MaybeUninit;

use crate::boundary::{
    Growing, Input, array, growing_output, optional_input, output, slice_output,
};
use crate::config::HB_ROLLUP_COUNT_MAX;
use crate::coordinator::{change, hb_coordinator, parse_when_empty, read};
use crate::output::{hb_fixed_set, hb_slot};
use crate::status::hb_status;
use crate::transaction::HB_HASH_LEN;

/// What a slice may hold at most.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct hb_slot_room {
    /// `sizeof(struct hb_slot_room)`.
    pub struct_size: u32,
    /// Transactions.
    pub transaction_count: u32,
    /// Gas.
    pub gas: u64,
    /// Bytes of transactions in their canonical encoding of 98 bytes and the payload.
    pub transaction_bytes: u32,
    /// Must be 0.
    pub reserved: u32,
}

/// What a slice promises of one rollup, and, through the running hash, all that was promised for it
/// before.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct hb_slice_receipt {
    /// Whose transactions.
    pub rollup: u32,
    /// The position of the first one in the rollup's sub-batch.
    pub first_position: u32,
    /// How many of the rollup the slice holds.
    pub transaction_count: u32,
    /// Always 0.
    pub reserved: u32,
    /// The Merkle root over their identities; binds their number too.
    pub transaction_root: [u8; HB_HASH_LEN],
    /// The rollup's running hash behind it.
    pub running_hash: [u8; HB_HASH_LEN],
}

/// A slice that was added to the open slot. Set `struct_size` before the call.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct hb_slice {
    /// `sizeof(struct hb_slice)`.
    pub struct_size: u32,
    /// Its number in the slot, from 0.
    pub slice: u32,
    /// The number of the slot that will hold it; 0 says that nothing was ready or fitted.
    pub height: u64,
    /// The stretch of slots with one membership that the slot belongs to.
    pub epoch: u64,
    /// Its transactions, over all rollups.
    pub transaction_count: u32,
    /// How many of `receipts` count: one for each rollup of the configuration, in their order.
    pub receipt_count: u32,
    /// What it promises.
    pub receipts: [hb_slice_receipt; HB_ROLLUP_COUNT_MAX],
}

/// A transaction of a slice, and the place that it is promised.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct hb_slice_transaction {
    /// Which transaction.
    pub id: [u8; HB_HASH_LEN],
    /// Its rollup.
    pub rollup: u32,
    /// Its place in its rollup's sub-batch.
    pub position: u32,
}

// SAFETY: they are `repr(C)`, and `struct_size` comes first.
unsafe impl Growing for hb_slot_room {}
// SAFETY: as above.
unsafe impl Growing for hb_slice {}
// SAFETY: it consists of integers.
unsafe impl Input for hb_slot_room {
    fn before_growth() -> Self {
        Self {
            struct_size: Self::SIZE,
            transaction_count: 0,
            gas: 0,
            transaction_bytes: 0,
            reserved: 0,
        }
    }
}

const _: () = assert!(size_of::<hb_slot_room>() == 24 && align_of::<hb_slot_room>() == 8);
const _: () = assert!(size_of::<hb_slice_receipt>() == 80 && align_of::<hb_slice_receipt>() == 4);
const _: () = assert!(size_of::<hb_slice>() == 1_312 && align_of::<hb_slice>() == 8);
const _: () = assert!(size_of::<hb_slice_transaction>() == 40);

/// Opens the next slot, to be filled slice by slice, and tells its height.
///
/// Its agreed time is fixed now. While it is open no other slot can be taken; submissions,
/// cancellations and the settling of older slots go on. `hb_coordinator_add_slice` fills it,
/// `hb_coordinator_seal` ends it, `hb_coordinator_roll_back` gives it back.
/// One thread at a time. Cost: O(log n) a forced input that it takes.
///
/// Statuses: `HB_STATUS_OK`, `HB_STATUS_NULL_POINTER`, `HB_STATUS_INVALID_ARGUMENT`,
/// `HB_STATUS_SLICES_NOT_OFFERED`, `HB_STATUS_SLOT_OPEN`, `HB_STATUS_TOO_MANY_IN_FLIGHT`,
/// `HB_STATUS_TIME_WENT_BACK`, those of a journal (240..249), `HB_STATUS_POISONED`.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hb_coordinator_open_slot(
    coordinator: *mut hb_coordinator,
    now_ns: u64,
    time_unix_ns: u64,
    out_height: *mut u64,
) -> hb_status {
    // SAFETY: the header asks for it.
    unsafe {
        change(coordinator, |coordinator| {
            let out = output(out_height)?;
            let (now, time) = (Tick::new(now_ns), UnixNs::new(time_unix_ns));
            out.write(coordinator.open_slot(now, time)?.get());
            Ok(())
        })
    }
}

/// Adds what is ready to the open slot as its next slice, and says what that promises: no later
/// slice changes it.
///
/// `transactions` has room for `transaction_capacity` elements, and the slice holds no more than
/// that. They come with all rollups mixed, each rollup's in their order. `room` (may be null)
/// bounds the slice further. Where nothing is ready or fits, the call succeeds with an `out_slice`
/// whose height is 0. What is promised holds as long as the slot is not rolled back.
/// One thread at a time. Cost: O(log n) a transaction, and the hashes of a Merkle tree over the
/// slice.
///
/// Statuses: `HB_STATUS_OK`, `HB_STATUS_NULL_POINTER`, `HB_STATUS_INVALID_ARGUMENT`,
/// `HB_STATUS_INVALID_STRUCT_SIZE`, `HB_STATUS_NO_OPEN_SLOT`, `HB_STATUS_SLICES_NOT_OFFERED`,
/// `HB_STATUS_TOO_MANY_SLICES`, `HB_STATUS_TIME_WENT_BACK`, those of a journal (240..249),
/// `HB_STATUS_POISONED`.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hb_coordinator_add_slice(
    coordinator: *mut hb_coordinator,
    now_ns: u64,
    room: *const hb_slot_room,
    transactions: *mut hb_slice_transaction,
    transaction_capacity: usize,
    out_slice: *mut hb_slice,
) -> hb_status {
    // SAFETY: the header asks for it.
    unsafe {
        change(coordinator, |coordinator| {
            let room =
                optional_input(room)?.map_or(Ok(SlotRoom::UNLIMITED), |room| room.parse())?;
            let places = slice_output(transactions, transaction_capacity)?;
            let out = growing_output(out_slice)?;
            let capacity = u32::try_from(transaction_capacity).unwrap_or(u32::MAX);
            let room = SlotRoom {
                count: room.count.min(capacity),
                ..room
            };
            let Some(slice) = coordinator.add_slice(Tick::new(now_ns), room)? else {
                out.write(hb_slice::NONE);
                return Ok(());
            };
            let told = hb_slice::from(&slice);
            let places = places.get_mut(..slice.transactions.len());
            // It was bounded by their number.
            let places = places.ok_or(hb_status::Poisoned)?;
            for (place, handle) in places.iter_mut().zip(slice.transactions) {
                place.write(hb_slice_transaction::unresolved(*handle));
            }
            name_transactions(coordinator.pool(), &told, places)?;
            out.write(told);
            Ok(())
        })
    }
}

/// Seals the open slot as it is; without a slice, and with nothing forced, it is an empty one.
///
/// One thread at a time. Cost: one copy a transaction.
///
/// Statuses: `HB_STATUS_OK`, `HB_STATUS_NULL_POINTER`, `HB_STATUS_INVALID_STRUCT_SIZE`,
/// `HB_STATUS_INVALID_ARGUMENT`, `HB_STATUS_NO_OPEN_SLOT`, `HB_STATUS_SEED_NEEDED`, those of a
/// journal (240..249), `HB_STATUS_POISONED`.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hb_coordinator_seal(
    coordinator: *mut hb_coordinator,
    out_slot: *mut hb_slot,
) -> hb_status {
    // SAFETY: the header asks for it.
    unsafe {
        change(coordinator, |coordinator| {
            let out = growing_output(out_slot)?;
            out.write(hb_slot::from(coordinator.seal()?));
            Ok(())
        })
    }
}

/// The height of the slot that is open, in slices or as a fixed set; 0 where none is.
///
/// One thread at a time. Cost: O(1).
///
/// Statuses: `HB_STATUS_OK`, `HB_STATUS_NULL_POINTER`, `HB_STATUS_INVALID_ARGUMENT`,
/// `HB_STATUS_POISONED`.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hb_coordinator_open_height(
    coordinator: *const hb_coordinator,
    out_height: *mut u64,
) -> hb_status {
    // SAFETY: the header asks for it.
    unsafe {
        read(coordinator, |coordinator| {
            let out = output(out_height)?;
            out.write(coordinator.open_height().map_or(0, |height| height.get()));
            Ok(())
        })
    }
}

/// Fixes the set of the next slot, under a policy that orders it by a seed.
///
/// Where nothing is ready, `when_empty` says what to do: with `HB_WHEN_EMPTY_NO_SLOT` the call
/// succeeds with an `out_set` whose height is 0. Tell `root` before you ask for the seed: then
/// nobody who learns the seed can change the set, and nobody who chose the set knew the seed.
/// `hb_coordinator_seal_with_seed` goes on, `hb_coordinator_roll_back` gives it back. One thread at
/// a time. Cost: as `hb_coordinator_take`.
///
/// Statuses: those of `hb_coordinator_take`, `HB_STATUS_SEED_NOT_WANTED`, those of a journal
/// (240..249).
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hb_coordinator_fix_set(
    coordinator: *mut hb_coordinator,
    now_ns: u64,
    time_unix_ns: u64,
    when_empty: u32,
    out_set: *mut hb_fixed_set,
) -> hb_status {
    // SAFETY: the header asks for it.
    unsafe {
        change(coordinator, |coordinator| {
            let out = growing_output(out_set)?;
            let when_empty = parse_when_empty(when_empty)?;
            let (now, time) = (Tick::new(now_ns), UnixNs::new(time_unix_ns));
            let set = coordinator.fix_set(now, time, when_empty)?;
            out.write(set.map_or(hb_fixed_set::NONE, hb_fixed_set::from));
            Ok(())
        })
    }
}

/// Orders the fixed set by a seed, and seals its slot.
///
/// `seed` has `HB_HASH_LEN` bytes. One thread at a time. Cost: O(n log n) for n transactions, and
/// one copy each.
///
/// Statuses: `HB_STATUS_OK`, `HB_STATUS_NULL_POINTER`, `HB_STATUS_INVALID_STRUCT_SIZE`,
/// `HB_STATUS_NO_OPEN_SLOT`, `HB_STATUS_SEED_NOT_WANTED`, those of a journal (240..249),
/// `HB_STATUS_POISONED`.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hb_coordinator_seal_with_seed(
    coordinator: *mut hb_coordinator,
    seed: *const u8,
    out_slot: *mut hb_slot,
) -> hb_status {
    // SAFETY: the header asks for it.
    unsafe {
        change(coordinator, |coordinator| {
            let (seed, out) = (array::<HB_HASH_LEN>(seed)?, growing_output(out_slot)?);
            out.write(hb_slot::from(coordinator.seal_with_seed(Hash::new(seed))?));
            Ok(())
        })
    }
}

/// Puts identity and place where each handle was noted.
fn name_transactions(
    pool: &TransactionPool,
    slice: &hb_slice,
    noted: &mut [MaybeUninit<hb_slice_transaction>],
) -> Result<(), hb_status> {
    let count = (slice.receipt_count as usize).min(HB_ROLLUP_COUNT_MAX);
    let receipts = slice.receipts.get(..count).unwrap_or_default();
    let mut next = [0_u32; HB_ROLLUP_COUNT_MAX];
    for (next, receipt) in next.iter_mut().zip(receipts) {
        *next = receipt.first_position;
    }
    for place in noted {
        // SAFETY: the caller has written every one of them.
        let handle = unsafe { place.assume_init_ref() }.handle();
        let found = pool.get(handle).ok_or(hb_status::Poisoned)?;
        let rollup = found.candidate.envelope.rollup.get();
        let at = receipts.iter().position(|own| own.rollup == rollup);
        let next = at.and_then(|at| next.get_mut(at));
        let next = next.ok_or(hb_status::Poisoned)?;
        place.write(hb_slice_transaction {
            id: *found.candidate.id.as_bytes(),
            rollup,
            position: *next,
        });
        *next = next.saturating_add(1);
    }
    Ok(())
}

impl hb_slot_room {
    fn parse(self) -> Result<SlotRoom, hb_status> {
        if self.reserved != 0 {
            return Err(hb_status::InvalidArgument);
        }
        Ok(SlotRoom {
            count: self.transaction_count,
            bytes: self.transaction_bytes,
            gas: self.gas,
        })
    }
}

impl hb_slice {
    /// What stands for no slice.
    const NONE: Self = Self {
        struct_size: Self::SIZE,
        slice: 0,
        height: 0,
        epoch: 0,
        transaction_count: 0,
        receipt_count: 0,
        receipts: [hb_slice_receipt::NONE; HB_ROLLUP_COUNT_MAX],
    };
}

impl hb_slice_receipt {
    const NONE: Self = Self {
        rollup: 0,
        first_position: 0,
        transaction_count: 0,
        reserved: 0,
        transaction_root: [0; HB_HASH_LEN],
        running_hash: [0; HB_HASH_LEN],
    };
}

impl hb_slice_transaction {
    /// A handle, noted where identity and place will stand. The pool that says what it stands for
    /// can be asked only after the slice was let go of.
    const fn unresolved(handle: Handle) -> Self {
        Self {
            id: [0; HB_HASH_LEN],
            rollup: handle.index,
            position: handle.generation,
        }
    }

    const fn handle(&self) -> Handle {
        Handle {
            index: self.rollup,
            generation: self.position,
        }
    }
}

impl From<&Slice<'_>> for hb_slice {
    fn from(slice: &Slice<'_>) -> Self {
        let mut told = Self {
            slice: u32::from(slice.slice),
            height: slice.height.get(),
            // At most as many as a slot holds, because they are in one.
            transaction_count: slice.transactions.len() as u32,
            receipt_count: slice.receipts.len() as u32,
            ..Self::NONE
        };
        for (place, receipt) in told.receipts.iter_mut().zip(&slice.receipts) {
            told.epoch = receipt.epoch.get();
            *place = receipt.into();
        }
        told
    }
}

impl From<&SliceReceipt> for hb_slice_receipt {
    fn from(receipt: &SliceReceipt) -> Self {
        Self {
            rollup: receipt.rollup.get(),
            first_position: receipt.first_position,
            transaction_count: receipt.transaction_count,
            reserved: 0,
            transaction_root: *receipt.transaction_root.as_bytes(),
            running_hash: *receipt.running_hash.as_bytes(),
        }
    }
}

//! The coordinator's handle: submission, slots, events and counters.

use std::ptr::null;

use hauptbuch_core::coordinator::{TransactionCoordinator, WhenEmpty};
use hauptbuch_core::types::{Hash, Height, Tick, UnixNs};

use crate::boundary::{
    Guarded, Outcome, array, growing_output, guard, optional_output, output, slice, slice_output,
};
use crate::config::{check_allocatable, hb_config, parse};
use crate::output::{hb_adopted, hb_adoption_check, hb_counters, hb_event, hb_slot};
use crate::status::hb_status;
use crate::text::code_of;
use crate::trades::{ReserveTable, submit_all};
use crate::transaction::{hb_admission, hb_transaction};

/// When no transaction is ready: take no slot.
pub const HB_WHEN_EMPTY_NO_SLOT: u32 = 0;
/// When no transaction is ready: take a slot without transactions, so that the agreed time goes on.
pub const HB_WHEN_EMPTY_EMPTY_SLOT: u32 = 1;

/// One sequencer: its pool, its order and its slots. Open it with `hb_coordinator_open`.
pub struct hb_coordinator {
    pub(crate) inner: Guarded<TransactionCoordinator>,
    /// Where reserves become the core's; without room under policies that do not look at trades.
    pub(crate) reserves: ReserveTable,
}

impl hb_coordinator {
    /// Hands a coordinator that was made over to a caller.
    pub(crate) fn hand_over(
        coordinator: TransactionCoordinator,
        reserves_count_max: u32,
    ) -> *mut Self {
        Box::into_raw(Box::new(Self {
            inner: Guarded::new(coordinator),
            reserves: ReserveTable::new(reserves_count_max),
        }))
    }
}

pub(crate) fn parse_when_empty(number: u32) -> Result<WhenEmpty, hb_status> {
    match number {
        HB_WHEN_EMPTY_NO_SLOT => Ok(WhenEmpty::NoSlot),
        HB_WHEN_EMPTY_EMPTY_SLOT => Ok(WhenEmpty::EmptySlot),
        _ => Err(hb_status::InvalidArgument),
    }
}

/// The thread that uses a handle may change.
const _: () = {
    const fn may_move<T: Send>() {}
    may_move::<hb_coordinator>();
};

/// Opens a coordinator with all the memory that it will ever use; see `hb_footprint`.
///
/// The caller owns it and closes it with `hb_coordinator_close`. Any thread. Cost: O(footprint).
///
/// Statuses: `HB_STATUS_OK`, `HB_STATUS_NULL_POINTER`, `HB_STATUS_INVALID_STRUCT_SIZE`,
/// `HB_STATUS_INVALID_ARGUMENT`, `HB_STATUS_UNKNOWN_POLICY`, and those of 300..399.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hb_coordinator_open(
    config: *const hb_config,
    out_coordinator: *mut *mut hb_coordinator,
) -> hb_status {
    guard(|| {
        // SAFETY: the header asks for it.
        let (parsed, out) = unsafe { (parse(config)?, output(out_coordinator)?) };
        check_allocatable(parsed.bytes())?;
        let coordinator = TransactionCoordinator::new(&parsed.config, &parsed.limits)?;
        out.write(hb_coordinator::hand_over(
            coordinator,
            parsed.reserves_count_max,
        ));
        Ok(())
    })
}

/// Submits transactions in their order.
///
/// `records` has `record_count` elements, whose payloads lie anywhere in the `payloads_len` bytes
/// of `payloads`; either may be null where it has none. `out_admissions` (may be null) has
/// `record_count` elements and hears of each transaction, `out_admitted_count` (may be null) how
/// many were admitted. The library keeps no pointer: everything is copied before it returns.
///
/// A transaction that is refused is no failure of the call. A record that can't be read is: where
/// one has an unknown kind, a payload outside of `payloads` or a reserved byte that is not 0,
/// nothing of the call is submitted.
///
/// `now_ns` is the local clock and must not go back; `time_unix_ns` is the agreed time.
/// One thread at a time. Cost: O(log n), one hash and one copy a transaction.
///
/// Statuses: `HB_STATUS_OK`, `HB_STATUS_NULL_POINTER`, `HB_STATUS_INVALID_ARGUMENT`,
/// `HB_STATUS_UNKNOWN_KIND`, `HB_STATUS_TIME_WENT_BACK`, `HB_STATUS_JOURNAL_FULL`,
/// `HB_STATUS_POISONED`.
#[unsafe(no_mangle)]
#[must_use]
#[allow(clippy::too_many_arguments, reason = "a slice is two arguments in C")]
pub unsafe extern "C" fn hb_coordinator_submit(
    coordinator: *mut hb_coordinator,
    records: *const hb_transaction,
    record_count: usize,
    payloads: *const u8,
    payloads_len: usize,
    now_ns: u64,
    time_unix_ns: u64,
    out_admissions: *mut hb_admission,
    out_admitted_count: *mut usize,
) -> hb_status {
    // SAFETY: the header asks for it.
    unsafe {
        let records = (records, null(), record_count);
        let times = (now_ns, time_unix_ns);
        let (payloads, heard) = (
            (payloads, payloads_len),
            (out_admissions, out_admitted_count),
        );
        submit_all(coordinator, records, payloads, times, heard)
    }
}

/// Takes the next slot from what is ready.
///
/// Where nothing is, `when_empty` says what to do: with `HB_WHEN_EMPTY_NO_SLOT` the call succeeds
/// with an `out_slot` whose height is 0. The slot's time is `time_unix_ns`, or the time of the slot
/// before it where that is later. Copy its bytes with `hb_coordinator_slot_bytes` before it is
/// acknowledged. One thread at a time. Cost: O(log n) and one copy a transaction.
///
/// Statuses: `HB_STATUS_OK`, `HB_STATUS_NULL_POINTER`, `HB_STATUS_INVALID_STRUCT_SIZE`,
/// `HB_STATUS_INVALID_ARGUMENT`, `HB_STATUS_TIME_WENT_BACK`, `HB_STATUS_TOO_MANY_IN_FLIGHT`,
/// `HB_STATUS_SLOT_OPEN`, `HB_STATUS_SEED_NEEDED`, `HB_STATUS_JOURNAL_FULL`, `HB_STATUS_POISONED`.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hb_coordinator_take(
    coordinator: *mut hb_coordinator,
    now_ns: u64,
    time_unix_ns: u64,
    when_empty: u32,
    out_slot: *mut hb_slot,
) -> hb_status {
    // SAFETY: the header asks for it.
    unsafe {
        change(coordinator, |coordinator| {
            let out = growing_output(out_slot)?;
            let when_empty = parse_when_empty(when_empty)?;
            let (now, time) = (Tick::new(now_ns), UnixNs::new(time_unix_ns));
            let slot = coordinator.take(now, time, when_empty)?;
            out.write(slot.map_or(hb_slot::NONE, hb_slot::from));
            Ok(())
        })
    }
}

/// Copies the bytes of a slot in flight, as `hb_verifier_verify` checks them.
///
/// `out_bytes_len` is written on success and where the buffer is too small: it then says how many
/// bytes it needs. A null buffer of capacity 0 is allowed, to ask for that.
/// One thread at a time. Cost: one copy.
///
/// Statuses: `HB_STATUS_OK`, `HB_STATUS_BUFFER_TOO_SMALL`, `HB_STATUS_UNKNOWN_SLOT`,
/// `HB_STATUS_NULL_POINTER`, `HB_STATUS_INVALID_ARGUMENT`, `HB_STATUS_POISONED`.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hb_coordinator_slot_bytes(
    coordinator: *const hb_coordinator,
    height: u64,
    buffer: *mut u8,
    buffer_capacity: usize,
    out_bytes_len: *mut usize,
) -> hb_status {
    // SAFETY: the header asks for it.
    unsafe {
        read(coordinator, |coordinator| {
            let buffer = slice_output(buffer, buffer_capacity)?;
            let out = output(out_bytes_len)?;
            let slot = coordinator
                .slot(Height::new(height))
                .ok_or(hb_status::UnknownSlot)?;
            out.write(slot.bytes.len());
            let places = buffer
                .get_mut(..slot.bytes.len())
                .ok_or(hb_status::BufferTooSmall)?;
            let from = slot.bytes.as_ptr();
            // SAFETY: as many places, none of them in the library's memory.
            std::ptr::copy_nonoverlapping(from, places.as_mut_ptr().cast(), slot.bytes.len());
            Ok(())
        })
    }
}

/// Ends the oldest slot in flight: its transactions are included, and an event says so of each.
///
/// One thread at a time. Cost: O(log n) a transaction.
///
/// Statuses: `HB_STATUS_OK`, `HB_STATUS_UNKNOWN_SLOT`, `HB_STATUS_NOT_OLDEST_SLOT`,
/// `HB_STATUS_ALREADY_ACKNOWLEDGED`, `HB_STATUS_EVENTS_FULL`, `HB_STATUS_TIME_WENT_BACK`,
/// `HB_STATUS_JOURNAL_FULL`, `HB_STATUS_NULL_POINTER`, `HB_STATUS_POISONED`. Nothing changes unless
/// it is the first.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hb_coordinator_acknowledge(
    coordinator: *mut hb_coordinator,
    height: u64,
    now_ns: u64,
) -> hb_status {
    // SAFETY: the header asks for it.
    unsafe {
        change(coordinator, |coordinator| {
            coordinator.acknowledge(Height::new(height), Tick::new(now_ns))?;
            Ok(())
        })
    }
}

/// Gives a slot in flight back, and every one after it: their transactions wait again, in the
/// places that they had. `out_slot_count` (may be null) says how many slots that were, the open one
/// included, which is given back alone by its own height.
///
/// One thread at a time. Cost: O(log n) a transaction.
///
/// Statuses: `HB_STATUS_OK`, `HB_STATUS_UNKNOWN_SLOT`, `HB_STATUS_ALREADY_ACKNOWLEDGED`,
/// `HB_STATUS_JOURNAL_FULL`, `HB_STATUS_NULL_POINTER`, `HB_STATUS_INVALID_ARGUMENT`,
/// `HB_STATUS_POISONED`. Nothing changes unless it is the first.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hb_coordinator_roll_back(
    coordinator: *mut hb_coordinator,
    height: u64,
    out_slot_count: *mut usize,
) -> hb_status {
    // SAFETY: the header asks for it.
    unsafe {
        change(coordinator, |coordinator| {
            let out = optional_output(out_slot_count)?;
            let slot_count = coordinator.roll_back(Height::new(height))?;
            if let Some(out) = out {
                out.write(slot_count);
            }
            Ok(())
        })
    }
}

/// As `hb_coordinator_acknowledge`, for the slot with this hash only.
///
/// For a host whose answer can come late: after a rollback another slot can stand at the same
/// height. `hash` has `HB_HASH_LEN` bytes, as `hb_slot` tells them. One thread at a time.
/// Cost: O(log n) a transaction.
///
/// Statuses: those of `hb_coordinator_acknowledge`, and `HB_STATUS_WRONG_SLOT` where the slot at
/// this height is another one. Nothing changes unless it is `HB_STATUS_OK`.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hb_coordinator_acknowledge_slot(
    coordinator: *mut hb_coordinator,
    height: u64,
    hash: *const u8,
    now_ns: u64,
) -> hb_status {
    // SAFETY: the header asks for it.
    unsafe {
        change(coordinator, |coordinator| {
            let (height, hash) = (Height::new(height), Hash::new(array(hash)?));
            coordinator.acknowledge_slot(height, hash, Tick::new(now_ns))?;
            Ok(())
        })
    }
}

/// As `hb_coordinator_roll_back`, for the slot with this hash only.
///
/// `hash` has `HB_HASH_LEN` bytes, as `hb_slot` tells them; a slot that is open has none yet.
/// One thread at a time. Cost: O(log n) a transaction.
///
/// Statuses: those of `hb_coordinator_roll_back`, and `HB_STATUS_WRONG_SLOT` where the slot at this
/// height is another one. Nothing changes unless it is `HB_STATUS_OK`.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hb_coordinator_roll_back_slot(
    coordinator: *mut hb_coordinator,
    height: u64,
    hash: *const u8,
    out_slot_count: *mut usize,
) -> hb_status {
    // SAFETY: the header asks for it.
    unsafe {
        change(coordinator, |coordinator| {
            let out = optional_output(out_slot_count)?;
            let (height, hash) = (Height::new(height), Hash::new(array(hash)?));
            let slot_count = coordinator.roll_back_slot(height, hash)?;
            if let Some(out) = out {
                out.write(slot_count);
            }
            Ok(())
        })
    }
}

/// Takes over the decided slot of another member of the committee: the chain goes on behind it,
/// each of its transactions that waits here ends as included, and what waits with a nonce that it
/// used ends as superseded. What it holds is refused as used afterwards.
///
/// Only once it is decided, and after `hb_verifier_verify` has accepted these bytes: this checks
/// that they continue the chain and decode, and neither roots nor order. Slots that were taken here
/// are settled first. Under every policy that takes slots from the pool.
///
/// Where the slot ends more here than events can ever wait, the call ends some of what it
/// supersedes and answers `HB_STATUS_EVENTS_FULL`: read the events, and call again. Otherwise
/// nothing changes unless it is `HB_STATUS_OK`. With a journal its buffer must hold whole slots, or
/// the answer is `HB_STATUS_JOURNAL_TOO_SMALL`. `out_adopted` may be null.
///
/// One thread at a time. Cost: O(log n) and one hash a transaction.
///
/// Statuses: `HB_STATUS_OK`, `HB_STATUS_ALREADY_ADOPTED` where the chain stands at this slot
/// already, `HB_STATUS_SLOT_BEHIND`, `HB_STATUS_SLOTS_NOT_SETTLED`, `HB_STATUS_EVENTS_FULL`,
/// `HB_STATUS_SENDER_TABLE_FULL`, `HB_STATUS_TIME_WENT_BACK`, `HB_STATUS_JOURNAL_FULL`,
/// `HB_STATUS_JOURNAL_TOO_SMALL`, those of 400..599 where the bytes are at fault,
/// `HB_STATUS_NULL_POINTER`, `HB_STATUS_INVALID_STRUCT_SIZE`, `HB_STATUS_INVALID_ARGUMENT`,
/// `HB_STATUS_POISONED`.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hb_coordinator_adopt(
    coordinator: *mut hb_coordinator,
    slot: *const u8,
    slot_len: usize,
    now_ns: u64,
    out_adopted: *mut hb_adopted,
) -> hb_status {
    // SAFETY: the header asks for it.
    unsafe {
        change(coordinator, |coordinator| {
            let bytes = slice(slot, slot_len)?;
            let out = match out_adopted.is_null() {
                true => None,
                false => Some(growing_output(out_adopted)?),
            };
            let adopted = coordinator.adopt(bytes, Tick::new(now_ns))?;
            if let Some(out) = out {
                out.write(adopted.into());
            }
            Ok(())
        })
    }
}

/// Says what a slot of another member would repeat of what was decided before, and changes nothing:
/// to be asked before a vote, of bytes that `hb_verifier_verify` accepts.
///
/// Slots in flight and an open one may stay. A slot whose `repeated_count` is above zero deserves
/// no vote: no honest proposer makes it, if where the host keeps replays out its hosts give
/// account nonces. Only what was decided counts, and not what this member's host said of accounts.
///
/// One thread at a time. Cost: O(log n) and one hash a transaction.
///
/// Statuses: `HB_STATUS_OK` whatever it repeats, `HB_STATUS_ALREADY_ADOPTED` where the chain stands
/// at this slot already, `HB_STATUS_SLOT_BEHIND`, `HB_STATUS_ORDERED_BY_LOGS`, those of 400..599
/// where the bytes are at fault, `HB_STATUS_NULL_POINTER`, `HB_STATUS_INVALID_STRUCT_SIZE`,
/// `HB_STATUS_INVALID_ARGUMENT`, `HB_STATUS_POISONED`.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hb_coordinator_check_adoption(
    coordinator: *mut hb_coordinator,
    slot: *const u8,
    slot_len: usize,
    out_check: *mut hb_adoption_check,
) -> hb_status {
    // SAFETY: the header asks for it.
    unsafe {
        change(coordinator, |coordinator| {
            let bytes = slice(slot, slot_len)?;
            let out = growing_output(out_check)?;
            let checked = coordinator.check_adoption(bytes)?;
            out.write(checked.into());
            Ok(())
        })
    }
}

/// Ends every waiting transaction and bundle that can't become ready before another one arrives.
///
/// For the end of a run, when none will arrive and no forced input waits. It stops where the events
/// have no more room, and does nothing where the journal has none: where `out_is_finished` is
/// false, read the events, drain the journal where there is one, and call again. `out_ended_count`
/// (may be null) says how many ended in this call. One thread at a time. Cost: O(pool).
///
/// Statuses: `HB_STATUS_OK`, `HB_STATUS_NULL_POINTER`, `HB_STATUS_INVALID_ARGUMENT`,
/// `HB_STATUS_POISONED`.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hb_coordinator_expire_unready(
    coordinator: *mut hb_coordinator,
    out_ended_count: *mut usize,
    out_is_finished: *mut bool,
) -> hb_status {
    // SAFETY: the header asks for it.
    unsafe {
        change(coordinator, |coordinator| {
            let out_ended_count = optional_output(out_ended_count)?;
            let out_is_finished = output(out_is_finished)?;
            let progress = coordinator.expire_unready();
            if let Some(out) = out_ended_count {
                out.write(progress.ended);
            }
            out_is_finished.write(progress.is_finished);
            Ok(())
        })
    }
}

/// Reads the oldest events, at most `event_capacity` of them, and how many they are.
///
/// Each event is given out once. No event is ever dropped: what needs room for one is refused
/// where there is none. One thread at a time. Cost: one copy an event.
///
/// Statuses: `HB_STATUS_OK`, `HB_STATUS_NULL_POINTER`, `HB_STATUS_INVALID_ARGUMENT`,
/// `HB_STATUS_POISONED`.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hb_coordinator_drain_events(
    coordinator: *mut hb_coordinator,
    events: *mut hb_event,
    event_capacity: usize,
    out_event_count: *mut usize,
) -> hb_status {
    // SAFETY: the header asks for it.
    unsafe {
        change(coordinator, |coordinator| {
            let places = slice_output(events, event_capacity)?;
            let out = output(out_event_count)?;
            let mut event_count = 0_usize;
            for place in places {
                let Some(event) = coordinator.poll_event() else {
                    break;
                };
                place.write(event.into());
                event_count += 1;
            }
            out.write(event_count);
            Ok(())
        })
    }
}

/// How often something became of a transaction: `HB_STATUS_ADMITTED`, a refusal, or an end.
///
/// One thread at a time. Cost: O(1).
///
/// Statuses: `HB_STATUS_OK`, `HB_STATUS_INVALID_ARGUMENT` where `status` is no status,
/// `HB_STATUS_NULL_POINTER`, `HB_STATUS_POISONED`.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hb_coordinator_metric(
    coordinator: *const hb_coordinator,
    status: i32,
    out_count: *mut u64,
) -> hb_status {
    // SAFETY: the header asks for it.
    unsafe {
        read(coordinator, |coordinator| {
            let out = output(out_count)?;
            let code = code_of(status).ok_or(hb_status::InvalidArgument)?;
            out.write(coordinator.metrics().of(code));
            Ok(())
        })
    }
}

/// Where a coordinator stands: its sums, its pool, its chain.
///
/// One thread at a time. Cost: O(rollups).
///
/// Statuses: `HB_STATUS_OK`, `HB_STATUS_NULL_POINTER`, `HB_STATUS_INVALID_STRUCT_SIZE`,
/// `HB_STATUS_INVALID_ARGUMENT`, `HB_STATUS_POISONED`.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hb_coordinator_counters(
    coordinator: *const hb_coordinator,
    out_counters: *mut hb_counters,
) -> hb_status {
    // SAFETY: the header asks for it.
    unsafe {
        read(coordinator, |coordinator| {
            growing_output(out_counters)?.write(coordinator.into());
            Ok(())
        })
    }
}

/// Closes a coordinator and frees its memory; null is allowed and does nothing.
///
/// Afterwards the handle must not be used. No other call with it may run. Cost: O(1).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hb_coordinator_close(coordinator: *mut hb_coordinator) {
    if !coordinator.is_null() {
        // SAFETY: it came from `hb_coordinator_open`, which took it from a box, and is used once.
        drop(unsafe { Box::from_raw(coordinator) });
    }
}

/// Runs a body that changes what a handle leads to.
///
/// # Safety
/// See *Pointers* in the crate's documentation.
pub(crate) unsafe fn change(
    handle: *mut hb_coordinator,
    body: impl FnOnce(&mut TransactionCoordinator) -> Outcome,
) -> hb_status {
    // SAFETY: passed on to the caller.
    let handle = unsafe { handle.as_mut() };
    handle.map_or(hb_status::NullPointer, |handle| handle.inner.change(body))
}

/// Runs a body that reads what a handle leads to.
///
/// # Safety
/// See *Pointers* in the crate's documentation.
pub(crate) unsafe fn read(
    handle: *const hb_coordinator,
    body: impl FnOnce(&TransactionCoordinator) -> Outcome,
) -> hb_status {
    // SAFETY: passed on to the caller.
    let handle = unsafe { handle.as_ref() };
    handle.map_or(hb_status::NullPointer, |handle| handle.inner.read(body))
}

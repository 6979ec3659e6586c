//! What stands in a slot before and behind the pool's transactions: forced inputs and bundles.

use hauptbuch_core::limits::BUNDLE_LEG_COUNT_MAX;
use hauptbuch_core::types::{InboxIndex, RollupId, Submission, Tick, Transaction, UnixNs};

use crate::boundary::{optional_output, output, slice};
use crate::coordinator::{change, hb_coordinator, read};
use crate::status::hb_status;
use crate::transaction::{HB_HASH_LEN, hb_transaction};

/// The most legs that a bundle can have; `bundle_leg_count_max` may allow fewer.
pub const HB_BUNDLE_LEG_COUNT_MAX: usize = 8;
/// In place of a leg's number: the bundle as a whole is to blame.
pub const HB_NO_LEG: u32 = u32::MAX;

const _: () = assert!(HB_BUNDLE_LEG_COUNT_MAX == BUNDLE_LEG_COUNT_MAX);

/// Takes in what another chain's inbox forces, under its running number there.
///
/// It stands in the next slots before everything else, in the order of the inbox, and can't be
/// cancelled, replaced or displaced. No slot after `deadline_unix_ns` may leave it out while there
/// is room for it. When its slot is acknowledged, an event says what it came to:
/// `HB_STATUS_INCLUDED`, or `HB_STATUS_SUPERSEDED`, `HB_STATUS_EVICTED` (a nonce before its own is
/// missing) and `HB_STATUS_EXPIRED` where it stands there and does nothing. One that no slot can
/// hold ends at once as evicted, and its index is used up.
///
/// `record` is one transaction, whose payload lies anywhere in the `payloads_len` bytes of
/// `payloads`. Indexes of a rollup follow each other from 0; `hb_coordinator_next_inbox_index`
/// tells the next one. `out_id` (may be null) has `HB_HASH_LEN` bytes.
/// One thread at a time. Cost: one hash, and one copy.
///
/// Statuses: `HB_STATUS_OK`, `HB_STATUS_NULL_POINTER`, `HB_STATUS_INVALID_ARGUMENT`,
/// `HB_STATUS_UNKNOWN_KIND`, `HB_STATUS_UNKNOWN_ROLLUP`, `HB_STATUS_INBOX_OUT_OF_ORDER`,
/// `HB_STATUS_FORCED_QUEUE_FULL`, `HB_STATUS_FORCED_BYTES_FULL`, `HB_STATUS_SENDER_TABLE_FULL`,
/// `HB_STATUS_EVENTS_FULL`, `HB_STATUS_TIME_WENT_BACK`, those of a journal (240..249),
/// `HB_STATUS_POISONED`. Unless it is the first, the index is still the next one.
#[unsafe(no_mangle)]
#[must_use]
#[allow(clippy::too_many_arguments, reason = "a slice is two arguments in C")]
pub unsafe extern "C" fn hb_coordinator_submit_forced(
    coordinator: *mut hb_coordinator,
    record: *const hb_transaction,
    payloads: *const u8,
    payloads_len: usize,
    inbox_index: u64,
    deadline_unix_ns: u64,
    now_ns: u64,
    time_unix_ns: u64,
    out_id: *mut u8,
) -> hb_status {
    // SAFETY: the header asks for it; an array of bytes is as aligned as a byte.
    unsafe {
        change(coordinator, |coordinator| {
            let payloads = slice(payloads, payloads_len)?;
            let records = slice(record, 1)?;
            let record = records.first().ok_or(hb_status::NullPointer)?;
            let out = optional_output(out_id.cast::<[u8; HB_HASH_LEN]>())?;
            record.check(payloads)?;
            let id = coordinator.submit_forced(
                &record.submission(payloads),
                InboxIndex::new(inbox_index),
                UnixNs::new(deadline_unix_ns),
                Tick::new(now_ns),
                UnixNs::new(time_unix_ns),
            )?;
            if let Some(out) = out {
                out.write(*id.as_bytes());
            }
            Ok(())
        })
    }
}

/// The inbox index that a rollup's next forced input must have.
///
/// One thread at a time. Cost: O(rollups).
///
/// Statuses: `HB_STATUS_OK`, `HB_STATUS_NULL_POINTER`, `HB_STATUS_INVALID_ARGUMENT`,
/// `HB_STATUS_UNKNOWN_ROLLUP`, `HB_STATUS_POISONED`.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn hb_coordinator_next_inbox_index(
    coordinator: *const hb_coordinator,
    rollup: u32,
    out_index: *mut u64,
) -> hb_status {
    // SAFETY: the header asks for it.
    unsafe {
        read(coordinator, |coordinator| {
            let out = output(out_index)?;
            let next = coordinator.pool().next_inbox_index(RollupId::new(rollup));
            out.write(next.ok_or(hb_status::UnknownRollup)?.get());
            Ok(())
        })
    }
}

/// Takes in transactions, perhaps of several rollups, that go into one slot together, in this order
/// and behind the pool's transactions, or into none.
///
/// The bundle ends as a unit, with an event for each leg, at the latest when `expiry_unix_ns` or
/// that of a leg has come. `legs` has `leg_count` elements, whose payloads lie anywhere in the
/// `payloads_len` bytes of `payloads`. `out_bundle_id` (may be null) has `HB_HASH_LEN` bytes.
/// `out_refused_leg` (may be null) is written where arguments can be read and the bundle is
/// refused, and only then: the leg that is to blame, or `HB_NO_LEG`. One thread at a time.
/// Cost: O(legs²), and one hash and one copy a leg.
///
/// Statuses: `HB_STATUS_OK`, `HB_STATUS_NULL_POINTER`, `HB_STATUS_INVALID_ARGUMENT`,
/// `HB_STATUS_UNKNOWN_KIND`, those of 100..199, `HB_STATUS_TIME_WENT_BACK`, those of a journal
/// (240..249), `HB_STATUS_POISONED`.
#[unsafe(no_mangle)]
#[must_use]
#[allow(clippy::too_many_arguments, reason = "a slice is two arguments in C")]
pub unsafe extern "C" fn hb_coordinator_submit_bundle(
    coordinator: *mut hb_coordinator,
    legs: *const hb_transaction,
    leg_count: usize,
    payloads: *const u8,
    payloads_len: usize,
    expiry_unix_ns: u64,
    now_ns: u64,
    time_unix_ns: u64,
    out_bundle_id: *mut u8,
    out_refused_leg: *mut u32,
) -> hb_status {
    // SAFETY: the header asks for it; an array of bytes is as aligned as a byte.
    unsafe {
        change(coordinator, |coordinator| {
            let payloads = slice(payloads, payloads_len)?;
            let legs = slice(legs, leg_count)?;
            let out_id = optional_output(out_bundle_id.cast::<[u8; HB_HASH_LEN]>())?;
            let out_refused_leg = optional_output(out_refused_leg)?;
            legs.iter().try_for_each(|leg| leg.check(payloads))?;
            let none = Submission::from(Transaction {
                envelope: Default::default(),
                payload: &[],
            });
            // One that is longer than any may be is refused like one that is longer by a leg.
            let mut submissions = [none; HB_BUNDLE_LEG_COUNT_MAX + 1];
            for (place, leg) in submissions.iter_mut().zip(legs) {
                *place = leg.submission(payloads);
            }
            let count = legs.len().min(submissions.len());
            let submissions = submissions.get(..count).unwrap_or_default();
            let (expiry, time) = (UnixNs::new(expiry_unix_ns), UnixNs::new(time_unix_ns));
            match coordinator.submit_bundle(submissions, expiry, Tick::new(now_ns), time) {
                Ok(id) => {
                    if let Some(out) = out_id {
                        out.write(*id.as_bytes());
                    }
                    Ok(())
                }
                Err(refusal) => {
                    if let Some(out) = out_refused_leg {
                        out.write(refusal.leg.unwrap_or(HB_NO_LEG));
                    }
                    Err(hb_status::of(refusal.code))
                }
            }
        })
    }
}

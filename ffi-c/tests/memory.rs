//! The footprint is what the allocator gives out, and nothing is allocated after opening.
//!
//! The counters are each thread's own: the test harness allocates on its thread when it likes.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::mem::MaybeUninit;
use std::ptr::null_mut;

use hauptbuch::*;

thread_local! {
    static TAKEN_BYTES: Cell<u64> = const { Cell::new(0) };
    static LIVE_BYTES: Cell<u64> = const { Cell::new(0) };
}

/// Counts what goes through it.
struct Counting;

// SAFETY: it hands everything on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        TAKEN_BYTES.set(TAKEN_BYTES.get().wrapping_add(layout.size() as u64));
        LIVE_BYTES.set(LIVE_BYTES.get().wrapping_add(layout.size() as u64));
        // SAFETY: passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        LIVE_BYTES.set(LIVE_BYTES.get().wrapping_sub(layout.size() as u64));
        // SAFETY: passed on.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn taken() -> u64 {
    TAKEN_BYTES.get()
}

fn live() -> u64 {
    LIVE_BYTES.get()
}

#[test]
fn the_footprint_is_exact_and_nothing_is_allocated_afterwards() {
    let mut config = MaybeUninit::uninit();
    // SAFETY: as large as the function is told, and filled by it.
    let config: hb_config = unsafe {
        assert_eq!(
            hb_config_init(config.as_mut_ptr(), size_of::<hb_config>()),
            hb_status::Ok
        );
        config.assume_init()
    };
    let (mut coordinator, mut verifier) = (null_mut(), null_mut());
    let (mut coordinator_bytes, mut verifier_bytes) = (0, 0);
    let at_first = live();
    // SAFETY: everything is as large as its type.
    unsafe {
        assert_eq!(hb_footprint(&config, &mut coordinator_bytes), hb_status::Ok);
        assert_eq!(
            hb_verifier_footprint(&config, &mut verifier_bytes),
            hb_status::Ok
        );
        assert_eq!(
            hb_coordinator_open(&config, &mut coordinator),
            hb_status::Ok
        );
        assert_eq!(live() - at_first, coordinator_bytes);
        assert_eq!(hb_verifier_open(&config, &mut verifier), hb_status::Ok);
        assert_eq!(live() - at_first, coordinator_bytes + verifier_bytes);
    }
    assert!(
        coordinator_bytes < 128 << 20,
        "the defaults take {coordinator_bytes} bytes"
    );

    // What the test needs itself.
    let records: Vec<_> = (0..20_000).map(record).collect();
    let payloads = vec![5; 400];
    let mut events = Vec::<hb_event>::with_capacity(4_096);
    let mut slot_bytes = vec![0; 4 << 20];
    let before = taken();
    let included = drive(
        coordinator,
        verifier,
        &records,
        &payloads,
        &mut events,
        &mut slot_bytes,
    );
    assert_eq!(taken() - before, 0, "something allocated after opening");
    assert_eq!(included, records.len() as u64);
    drop((records, payloads, events, slot_bytes));
    // SAFETY: both are open, and not used afterwards.
    unsafe {
        hb_coordinator_close(coordinator);
        hb_verifier_close(verifier);
    }
    assert_eq!(live(), at_first);
}

fn record(at: u32) -> hb_transaction {
    let mut sender = [0; 20];
    sender[..4].copy_from_slice(&(at % 999).to_le_bytes());
    hb_transaction {
        amount_low: u64::from(at),
        amount_high: 0,
        nonce: u64::from(at / 999),
        fee: 1,
        gas: 21_000,
        expiry_unix_ns: u64::MAX,
        account_nonce: 0,
        payload_offset: 0,
        payload_len: at % 400,
        rollup: 0,
        sender,
        recipient: [0; 20],
        kind: HB_TRANSACTION_PLAIN,
        has_account_nonce: 1,
        reserved: [0; 14],
    }
}

/// Submits all, then takes, verifies and acknowledges until nothing is left; counts inclusions.
fn drive(
    coordinator: *mut hb_coordinator,
    verifier: *mut hb_verifier,
    records: &[hb_transaction],
    payloads: &[u8],
    events: &mut Vec<hb_event>,
    slot_bytes: &mut [u8],
) -> u64 {
    let (time, mut included, mut len) = (1_700_000_000_000_000_000, 0, 0);
    let mut slot = MaybeUninit::<hb_slot>::zeroed();
    let mut verified = MaybeUninit::<hb_verified_slot>::zeroed();
    // SAFETY: the handles are open, lengths are those of the slices, zeroed fields are valid, and
    // as many events are there as the library says.
    unsafe {
        for group in records.chunks(1_024) {
            let (first, payload, admissions) = (group.as_ptr(), payloads.as_ptr(), null_mut());
            let status = hb_coordinator_submit(
                coordinator,
                first,
                group.len(),
                payload,
                payloads.len(),
                1,
                time,
                admissions,
                null_mut(),
            );
            assert_eq!(status, hb_status::Ok);
        }
        let (slot, verified) = (slot.as_mut_ptr(), verified.as_mut_ptr());
        (*slot).struct_size = size_of::<hb_slot>() as u32;
        (*verified).struct_size = size_of::<hb_verified_slot>() as u32;
        loop {
            assert_eq!(
                hb_coordinator_take(coordinator, 2, time, 0, slot),
                hb_status::Ok
            );
            if (*slot).height == 0 {
                return included;
            }
            let (place, capacity) = (slot_bytes.as_mut_ptr(), slot_bytes.len());
            let height = (*slot).height;
            let status = hb_coordinator_slot_bytes(coordinator, height, place, capacity, &mut len);
            assert_eq!(status, hb_status::Ok);
            let status = hb_verifier_verify(verifier, place, len, verified, null_mut());
            assert_eq!(status, hb_status::Ok);
            assert_eq!(
                hb_coordinator_acknowledge(coordinator, height, 2),
                hb_status::Ok
            );
            let (place, capacity, mut count) = (events.as_mut_ptr(), events.capacity(), 0);
            let status = hb_coordinator_drain_events(coordinator, place, capacity, &mut count);
            assert_eq!(status, hb_status::Ok);
            events.set_len(count);
            let is_included = |event: &&hb_event| event.status == hb_status::Included;
            included += events.iter().filter(is_included).count() as u64;
        }
    }
}

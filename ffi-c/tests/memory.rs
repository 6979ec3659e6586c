//! The footprint is what the allocator gives out, and nothing is allocated after opening.
//!
//! The counters are each thread's own: the test harness allocates on its thread when it likes.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::mem::MaybeUninit;
use std::ptr::null_mut;

use hauptbuch::*;
use hauptbuch_core::types::PoolReserves;

mod owner;

use owner::{Follower, Owner};

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
        origin: 0,
        reserved: [0; 10],
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

/// Everything else that can be done with a handle, on one that has all there is to have.
#[test]
fn no_verb_allocates_and_a_restored_coordinator_takes_what_a_fresh_one_does() {
    let config = hb_config {
        policy: HB_POLICY_FCFS,
        bundle_count_max: 4,
        ..owner::config()
    };
    let journalled = hb_config {
        journal_bytes_max: 1 << 16,
        ..config
    };
    let follower = Follower::with(&config);
    let plain = Owner::with(&config);
    let mut buffers = (vec![0; 1 << 16], vec![0; 1 << 16]);
    let before = taken();
    for round in 0..50 {
        outside_and_slices(&plain, &follower, round);
        let (place, capacity, mut len) = (buffers.0.as_mut_ptr(), buffers.0.len(), 0);
        // SAFETY: the capacity is the buffer's, and the handle is open.
        let status = unsafe { hb_coordinator_snapshot(plain.0, place, capacity, &mut len) };
        assert_eq!(status, hb_status::Ok);
    }
    assert_eq!(taken() - before, 0, "a verb allocated");

    let kept = Owner::with(&journalled);
    let (snapshot, mut journal_len) = (kept.snapshot(), 0);
    let before = taken();
    journal_round(&kept, &mut buffers.1, &mut journal_len);
    assert_eq!(taken() - before, 0, "keeping a journal allocated");

    let mut footprint = 0;
    // SAFETY: both lead to what the function wants.
    let status = unsafe { hb_footprint(&journalled, &mut footprint) };
    assert_eq!(status, hb_status::Ok);
    let before = (taken(), live());
    let again = Owner::restored(&journalled, &snapshot);
    assert_eq!(
        (taken() - before.0, live() - before.1),
        (footprint, footprint)
    );
    let before = taken();
    let (status, replayed) = again.replay(&buffers.1[..journal_len]);
    assert_eq!(
        (status, replayed.good_bytes),
        (hb_status::Ok, journal_len as u64)
    );
    assert_eq!(taken() - before, 0, "replaying allocated");
    assert!(again.snapshot() == kept.snapshot());
}

/// One slot in slices with a forced input before and a bundle behind, and its end.
fn outside_and_slices(owner: &Owner, follower: &Follower, round: u64) {
    let other = |sender| owner::transfer(sender, round);
    let transfers = [other(3), other(4)];
    assert_eq!(owner.force(other(1), round).0, hb_status::Ok);
    assert_eq!(owner.bundle(&[other(2), other(1 + 4)]).0, hb_status::Ok);
    assert_eq!(owner.submit(&transfers, &[]), (hb_status::Ok, 2));
    let unknown = [round as u8 + 1; 32];
    assert_eq!(owner.cancel(&unknown), (hb_status::Ok, false));
    let mut slot = owner::empty_slot();
    let mut slice = MaybeUninit::<hb_slice>::zeroed();
    let mut places = [const { MaybeUninit::<hb_slice_transaction>::uninit() }; 8];
    let (mut pressure, mut height) = (MaybeUninit::<hb_pressure>::zeroed(), 0);
    // SAFETY: the handle is open, all fields may be 0, and there is room for as many as is said.
    unsafe {
        let (slice, pressure) = (slice.as_mut_ptr(), pressure.as_mut_ptr());
        (*slice).struct_size = size_of::<hb_slice>() as u32;
        (*pressure).struct_size = size_of::<hb_pressure>() as u32;
        let (now, time, first) = (owner::NOW, owner::TIME, places.as_mut_ptr().cast());
        let statuses = [
            hb_coordinator_pressure(owner.0, pressure),
            hb_coordinator_set_pressure(owner.0, pressure),
            hb_coordinator_open_slot(owner.0, now, time, &mut height),
            hb_coordinator_add_slice(owner.0, now, std::ptr::null(), first, 8, slice),
            hb_coordinator_seal(owner.0, &mut slot),
        ];
        assert_eq!(statuses, [hb_status::Ok; 5]);
        assert_eq!(((*slice).transaction_count, slot.transaction_count), (2, 5));
    }
    let mut bytes = [0; 8_192];
    let (place, capacity, mut len) = (bytes.as_mut_ptr(), bytes.len(), 0);
    // SAFETY: the capacity is the buffer's, and the handle is open.
    let status =
        unsafe { hb_coordinator_slot_bytes(owner.0, slot.height, place, capacity, &mut len) };
    assert_eq!(status, hb_status::Ok);
    assert_eq!(follower.verify(&bytes[..len]), hb_status::Ok);
    assert_eq!(owner.acknowledge(slot.height), hb_status::Ok);
    let mut events = [const { MaybeUninit::<hb_event>::uninit() }; 16];
    let mut count = 0;
    // SAFETY: there is room for as many, and the handle is open.
    let status =
        unsafe { hb_coordinator_drain_events(owner.0, events.as_mut_ptr().cast(), 16, &mut count) };
    assert_eq!((status, count), (hb_status::Ok, 5));
}

/// Transactions, cancellations and slots, with the journal drained behind each.
fn journal_round(owner: &Owner, journal: &mut [u8], journal_len: &mut usize) {
    for round in 0..10 {
        let record = owner::transfer(1, round);
        assert_eq!(owner.submit(&[record], &[]), (hb_status::Ok, 1));
        assert_eq!(owner.cancel(&[round as u8 + 1; 32]), (hb_status::Ok, false));
        let height = owner.take().1.height;
        assert_eq!(owner.acknowledge(height), hb_status::Ok);
        let mut events = [const { MaybeUninit::<hb_event>::uninit() }; 16];
        let (mut count, mut len) = (0, 0);
        let rest = &mut journal[*journal_len..];
        let (place, capacity) = (rest.as_mut_ptr(), rest.len());
        // SAFETY: there is room for as many of both, and the handle is open.
        unsafe {
            let first = events.as_mut_ptr().cast();
            let statuses = [
                hb_coordinator_drain_events(owner.0, first, 16, &mut count),
                hb_coordinator_drain_journal(owner.0, place, capacity, &mut len),
            ];
            assert_eq!((statuses, count), ([hb_status::Ok; 2], 1));
        }
        assert!(len > 0);
        *journal_len += len;
    }
}

#[test]
fn trades_take_memory_only_where_the_policy_looks_at_them() {
    let footprint = |policy, reserves_count_max| {
        let config = hb_config {
            policy,
            reserves_count_max,
            ..owner::config()
        };
        let (mut bytes, before) = (0, live());
        // SAFETY: both lead to what the function wants.
        let status = unsafe { hb_footprint(&config, &mut bytes) };
        assert_eq!(status, hb_status::Ok);
        let owner = Owner::with(&config);
        assert_eq!(live() - before, bytes);
        drop(owner);
        bytes
    };
    assert_eq!(footprint(HB_POLICY_FCFS, 0), footprint(HB_POLICY_FCFS, 999));
    let (without, with) = (
        footprint(HB_POLICY_GREEDY, 0),
        footprint(HB_POLICY_GREEDY, 999),
    );
    assert_eq!(with - without, 999 * size_of::<PoolReserves>() as u64);
}

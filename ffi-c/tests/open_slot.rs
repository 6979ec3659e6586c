//! Slots in slices as C hosts give them out.
#![allow(unsafe_code)]

mod owner;

use std::mem::MaybeUninit;
use std::ptr::{null, null_mut};

use hauptbuch::*;

use owner::{Follower, NOW, Owner, TIME, UNTOUCHED, config, empty_slot, transfer};

const ROLLUPS: [u32; 2] = [3, 8];

fn two_rollups() -> hb_config {
    let mut config = config();
    config.rollup_count = 2;
    config.rollups[..2].copy_from_slice(&ROLLUPS);
    config
}

fn on(rollup: usize, sender: u8) -> hb_transaction {
    hb_transaction {
        rollup: ROLLUPS[rollup],
        ..transfer(sender, 0)
    }
}

fn open(owner: &Owner) -> (hb_status, u64) {
    let mut height = UNTOUCHED as u64;
    // SAFETY: the handle is open.
    let status = unsafe { hb_coordinator_open_slot(owner.0, NOW, TIME, &mut height) };
    (status, height)
}

fn open_height(owner: &Owner) -> u64 {
    let mut height = UNTOUCHED as u64;
    // SAFETY: the handle is open.
    let status = unsafe { hb_coordinator_open_height(owner.0, &mut height) };
    assert_eq!(status, hb_status::Ok);
    height
}

fn room(transaction_count: u32) -> hb_slot_room {
    hb_slot_room {
        struct_size: size_of::<hb_slot_room>() as u32,
        transaction_count,
        gas: u64::MAX,
        transaction_bytes: u32::MAX,
        reserved: 0,
    }
}

struct Added {
    status: hb_status,
    slice: hb_slice,
    transactions: Vec<hb_slice_transaction>,
}

fn add(owner: &Owner, room: Option<&hb_slot_room>, capacity: usize) -> Added {
    let mut slice = MaybeUninit::<hb_slice>::zeroed();
    let mut transactions = Vec::with_capacity(capacity);
    let room = room.map_or(null(), |room| room);
    // SAFETY: all fields may be 0, there is room for as many as is said, which the call fills.
    unsafe {
        let place = slice.as_mut_ptr();
        (*place).struct_size = size_of::<hb_slice>() as u32;
        (*place).transaction_count = UNTOUCHED as u32;
        let first = transactions.as_mut_ptr();
        let status = hb_coordinator_add_slice(owner.0, NOW, room, first, capacity, place);
        let slice = slice.assume_init();
        if status == hb_status::Ok {
            transactions.set_len(slice.transaction_count as usize);
        }
        Added {
            status,
            slice,
            transactions,
        }
    }
}

fn seal(owner: &Owner) -> (hb_status, hb_slot) {
    let mut slot = empty_slot();
    // SAFETY: the handle is open.
    let status = unsafe { hb_coordinator_seal(owner.0, &mut slot) };
    (status, slot)
}

#[test]
fn slices_promise_places_that_the_sealed_slot_keeps() {
    let owner = Owner::with(&two_rollups());
    let follower = Follower::with(&two_rollups());
    let (status, forced) = owner.force(on(1, 9), 0);
    assert_eq!(status, hb_status::Ok);
    assert_eq!(open_height(&owner), 0);
    assert_eq!(open(&owner), (hb_status::Ok, 1));
    assert_eq!(open(&owner), (hb_status::SlotOpen, UNTOUCHED as u64));
    assert_eq!(
        (open_height(&owner), owner.take().0),
        (1, hb_status::SlotOpen)
    );
    assert_eq!(add(&owner, None, 8).slice.height, 0, "nothing is ready");

    let mut promised = Vec::new();
    let records = [on(1, 1), on(0, 1), on(1, 2), on(1, 3)];
    assert_eq!(owner.submit(&records, &[]), (hb_status::Ok, 4));
    // The smaller of both bounds holds.
    for (bound, capacity, expected) in [(Some(1), 8, 1), (None, 2, 2), (Some(8), 8, 1)] {
        let bound = bound.map(room);
        let added = add(&owner, bound.as_ref(), capacity);
        assert_eq!(added.status, hb_status::Ok);
        assert_eq!(added.transactions.len(), expected);
        assert_eq!((added.slice.height, added.slice.receipt_count), (1, 2));
        let receipts = &added.slice.receipts[..2];
        assert_eq!([receipts[0].rollup, receipts[1].rollup], ROLLUPS);
        let sum: u32 = receipts.iter().map(|own| own.transaction_count).sum();
        assert_eq!(sum as usize, expected);
        promised.push(added);
    }
    assert_eq!([0, 1, 2], [0, 1, 2].map(|at| promised[at].slice.slice));
    let (status, slot) = seal(&owner);
    assert_eq!((status, slot.transaction_count), (hb_status::Ok, 5));
    assert_eq!(
        (open_height(&owner), seal(&owner).0),
        (0, hb_status::NoOpenSlot)
    );
    assert_eq!(add(&owner, None, 8).status, hb_status::NoOpenSlot);
    follower.follow(&owner, &slot);

    let mut places: Vec<_> = promised
        .iter()
        .flat_map(|added| &added.transactions)
        .map(|own| (own.id, own.rollup, own.position))
        .collect();
    // The forced input was first in its rollup, and no slice promised it.
    places.push((forced, ROLLUPS[1], 0));
    let mut told: Vec<_> = owner
        .drain(64)
        .iter()
        .map(|event| (event.id, event.rollup, event.position))
        .collect();
    places.sort_unstable();
    told.sort_unstable();
    assert_eq!(places, told);
}

#[test]
fn an_open_slot_is_given_back_whole() {
    let owner = Owner::new();
    let records: Vec<_> = (0..4).map(|sender| transfer(sender, 0)).collect();
    assert_eq!(owner.submit(&records, &[]), (hb_status::Ok, 4));
    assert_eq!(open(&owner), (hb_status::Ok, 1));
    assert_eq!(add(&owner, Some(&room(3)), 8).transactions.len(), 3);
    assert_eq!(owner.counters().waiting_count, 1);
    assert_eq!(owner.roll_back(1), hb_status::Ok);
    assert_eq!(
        (open_height(&owner), owner.counters().waiting_count),
        (0, 4)
    );
    assert_eq!(owner.take().1.transaction_count, 4);
}

/// What is promised in slices outlives the handle that promised it.
#[test]
fn an_open_slot_stands_in_a_snapshot_with_its_promises() {
    let owner = Owner::new();
    assert_eq!(owner.force(transfer(9, 0), 0).0, hb_status::Ok);
    let records: Vec<_> = (0..5).map(|sender| transfer(sender, 0)).collect();
    assert_eq!(owner.submit(&records, &[]), (hb_status::Ok, 5));
    assert_eq!(open(&owner), (hb_status::Ok, 1));
    let promised = [2, 1].map(|count| add(&owner, Some(&room(count)), 8));
    assert_eq!(promised.each_ref().map(|own| own.slice.slice), [0, 1]);
    let snapshot = owner.snapshot();

    let again = Owner::restored(&config(), &snapshot);
    assert_eq!(again.snapshot(), snapshot);
    assert_eq!(
        (open_height(&again), again.take().0),
        (1, hb_status::SlotOpen)
    );
    // Both go on with the same slice, and seal the same slot.
    let goes_on = |own: &Owner| {
        let third = add(own, Some(&room(1)), 8);
        let receipt = third.slice.receipts[0];
        let slot = seal(own).1;
        let bytes = own.slot_bytes(1, slot.bytes_len as usize).2;
        (
            slot,
            (third.slice.slice, receipt.running_hash, slot.hash, bytes),
        )
    };
    let ((_, expected), (slot, sealed)) = (goes_on(&owner), goes_on(&again));
    assert_eq!(sealed, expected);
    assert_eq!(expected.0, 2);
    Follower::with(&config()).follow(&again, &slot);
    let told: Vec<_> = again.drain(64).iter().map(|event| event.id).collect();
    let ids = promised.iter().flat_map(|own| &own.transactions);
    for own in ids {
        // A forced input stands before what the slices promised.
        assert_eq!(told[own.position as usize], own.id);
    }
    assert_eq!(told.len(), 5);
    // Given back instead, it is as if it had never been opened.
    let third = Owner::restored(&config(), &snapshot);
    assert_eq!(third.roll_back(1), hb_status::Ok);
    assert_eq!(
        (open_height(&third), third.counters().waiting_count),
        (0, 5)
    );
    assert_eq!(third.take().1.transaction_count, 6);
}

#[test]
fn slices_have_an_end_and_some_policies_none() {
    let owner = Owner::new();
    let follower = Follower::with(&config());
    assert_eq!(open(&owner).0, hb_status::Ok);
    let full = add(&owner, Some(&room(0)), 8);
    assert_eq!((full.status, full.slice.height), (hb_status::Ok, 0));
    owner.admit(transfer(1, 0));
    let without_room = add(&owner, None, 0);
    assert_eq!(
        (without_room.status, without_room.slice.height),
        (hb_status::Ok, 0)
    );
    assert_eq!(owner.counters().waiting_count, 1);
    let wrong = hb_slot_room {
        reserved: 1,
        ..room(1)
    };
    assert_eq!(
        add(&owner, Some(&wrong), 8).status,
        hb_status::InvalidArgument
    );
    let (_, slot) = seal(&owner);
    assert_eq!(slot.transaction_count, 0);
    follower.follow(&owner, &slot);

    let shuffled = Owner::with(&hb_config {
        policy: HB_POLICY_SHUFFLE,
        ..config()
    });
    assert_eq!(open(&shuffled).0, hb_status::SlicesNotOffered);
}

#[test]
fn null_and_wrong_sizes_are_refused() {
    let owner = Owner::new();
    assert_eq!(open(&owner).0, hb_status::Ok);
    owner.admit(transfer(1, 0));
    let (handle, none) = (owner.0, null_mut::<hb_coordinator>());
    let mut slice = add(&owner, Some(&room(0)), 0).slice;
    let (mut height, mut slot) = (UNTOUCHED as u64, empty_slot());
    let places = null_mut();
    // SAFETY: all that is not null is valid.
    unsafe {
        let statuses = [
            hb_coordinator_open_slot(none, 1, TIME, &mut height),
            hb_coordinator_open_slot(handle, 1, TIME, null_mut()),
            hb_coordinator_open_height(none, &mut height),
            hb_coordinator_open_height(handle, null_mut()),
            hb_coordinator_add_slice(none, 2, null(), places, 0, &mut slice),
            hb_coordinator_add_slice(handle, 2, null(), places, 1, &mut slice),
            hb_coordinator_add_slice(handle, 2, null(), places, 0, null_mut()),
            hb_coordinator_seal(none, &mut slot),
            hb_coordinator_seal(handle, null_mut()),
        ];
        assert_eq!(statuses, [hb_status::NullPointer; 9]);
        slice.struct_size = 32;
        slot.struct_size = 0;
        let wrong = hb_slot_room {
            struct_size: 16,
            ..room(1)
        };
        let statuses = [
            hb_coordinator_add_slice(handle, 2, null(), places, 0, &mut slice),
            hb_coordinator_add_slice(handle, 2, &wrong, places, 0, &mut slice),
            hb_coordinator_seal(handle, &mut slot),
        ];
        assert_eq!(statuses, [hb_status::InvalidStructSize; 3]);
    }
    assert_eq!((height, slot.height), (UNTOUCHED as u64, UNTOUCHED as u64));
    assert_eq!(
        (open_height(&owner), owner.counters().waiting_count),
        (1, 1)
    );
}

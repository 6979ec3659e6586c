//! Slots from taking to verifying, with what can go wrong between the calls.
#![allow(unsafe_code)]

mod owner;

use std::mem::MaybeUninit;
use std::ptr::{null, null_mut};

use hauptbuch::*;

use owner::{NOW, Owner, TIME, UNTOUCHED, config, transfer};

#[test]
fn slots_are_settled_once_and_in_order() {
    let owner = Owner::new();
    let records: Vec<_> = (0..20).map(|sender| transfer(sender, 0)).collect();
    assert_eq!(owner.submit(&records, &[]), (hb_status::Ok, 20));
    assert_eq!(owner.take().1.height, 1);
    assert_eq!(owner.take().1.height, 2);
    let (status, slot) = owner.take();
    assert_eq!(
        (status, slot.height),
        (hb_status::TooManyInFlight, UNTOUCHED as u64)
    );
    assert_eq!(owner.counters().in_flight_count, 2);

    assert_eq!(owner.acknowledge(2), hb_status::NotOldestSlot);
    assert_eq!(owner.acknowledge(3), hb_status::UnknownSlot);
    assert_eq!(owner.acknowledge(1), hb_status::Ok);
    assert_eq!(owner.acknowledge(1), hb_status::AlreadyAcknowledged);
    assert_eq!(owner.slot_bytes(1, 10_000).0, hb_status::UnknownSlot);

    let mut count = UNTOUCHED;
    // SAFETY: the handle is open.
    unsafe {
        let status = hb_coordinator_roll_back(owner.0, 1, &mut count);
        assert_eq!((status, count), (hb_status::AlreadyAcknowledged, UNTOUCHED));
        assert_eq!(
            hb_coordinator_roll_back(owner.0, 2, &mut count),
            hb_status::Ok
        );
        assert_eq!(count, 1);
        assert_eq!(
            hb_coordinator_roll_back(owner.0, 2, null_mut()),
            hb_status::UnknownSlot
        );
    }
    assert_eq!(owner.take().1.height, 2);
    assert_eq!(owner.acknowledge(2), hb_status::Ok);
    assert_eq!(owner.take().1.transaction_count, 4);
    // Two slots of 8 fill the 16 places for events.
    assert_eq!(owner.acknowledge(3), hb_status::EventsFull);
    assert_eq!(owner.drain(0).len(), 0);
    let events = owner.drain(10);
    assert_eq!(events.len(), 10);
    assert!(
        events
            .iter()
            .all(|event| event.status == hb_status::Included)
    );
    assert_eq!((events[8].height, events[8].position), (2, 0));
    assert_eq!(owner.acknowledge(3), hb_status::Ok);
    assert_eq!(owner.drain(100).len(), 10);
    assert_eq!(owner.counters().pending_count, 0);
}

#[test]
fn a_late_answer_settles_no_slot_but_its_own() {
    let owner = Owner::new();
    assert_eq!(owner.submit(&[transfer(1, 0)], &[]), (hb_status::Ok, 1));
    let first = owner.take().1;
    let mut count = UNTOUCHED;
    // SAFETY: the handle is open, and hashes have 32 bytes.
    unsafe {
        let acknowledge = |height, hash: &[u8; 32]| {
            hb_coordinator_acknowledge_slot(owner.0, height, hash.as_ptr(), NOW)
        };
        let roll_back = |height, hash: &[u8; 32], count| {
            hb_coordinator_roll_back_slot(owner.0, height, hash.as_ptr(), count)
        };
        assert_eq!(roll_back(1, &first.hash, &mut count), hb_status::Ok);
        assert_eq!(count, 1);
        count = UNTOUCHED;
        // Another slot stands at that height now.
        assert_eq!(owner.submit(&[transfer(2, 0)], &[]), (hb_status::Ok, 1));
        let second = owner.take().1;
        assert_eq!((second.height, second.transaction_count), (1, 2));
        let wrong = hb_status::WrongSlot;
        assert_eq!(acknowledge(1, &first.hash), wrong);
        assert_eq!(roll_back(1, &first.hash, &mut count), wrong);
        assert_eq!(roll_back(1, &first.hash, null_mut()), wrong);
        assert_eq!(acknowledge(2, &second.hash), hb_status::UnknownSlot);
        let counters = owner.counters();
        assert_eq!((counters.in_flight_count, counters.pending_count), (1, 2));
        assert_eq!(acknowledge(1, &second.hash), hb_status::Ok);
        let again = hb_status::AlreadyAcknowledged;
        assert_eq!(acknowledge(1, &second.hash), again);
        assert_eq!(roll_back(1, &second.hash, &mut count), again);
    }
    assert_eq!(count, UNTOUCHED);
    assert_eq!(owner.drain(4).len(), 2);
}

#[test]
fn a_short_buffer_is_told_how_long_it_must_be() {
    let owner = Owner::new();
    assert_eq!(owner.submit(&[transfer(1, 0)], &[]), (hb_status::Ok, 1));
    let len = owner.take().1.bytes_len as usize;
    for capacity in [0, 1, len - 1] {
        let (status, told, buffer) = owner.slot_bytes(1, capacity);
        assert_eq!((status, told), (hb_status::BufferTooSmall, len));
        assert!(buffer.iter().all(|byte| *byte == 0xaa));
    }
    let (status, told, buffer) = owner.slot_bytes(1, len + 1);
    assert_eq!((status, told, buffer[len]), (hb_status::Ok, len, 0xaa));
    assert_eq!(owner.slot_bytes(2, len).1, UNTOUCHED);
}

#[test]
fn what_cannot_become_ready_expires_as_far_as_events_have_room() {
    let owner = Owner::new();
    // A first transaction makes the base, and the next nonce is missing.
    let records: Vec<_> = (0..30_u8)
        .map(|at| {
            if at == 0 {
                transfer(1, 0)
            } else {
                transfer(1, u64::from(at) + 1)
            }
        })
        .collect();
    assert_eq!(owner.submit(&records, &[]), (hb_status::Ok, 30));
    assert_eq!(owner.take().1.transaction_count, 1);
    assert_eq!(owner.acknowledge(1), hb_status::Ok);
    assert_eq!(owner.drain(16).len(), 1);
    let mut progress = Vec::new();
    loop {
        let (mut ended, mut is_finished) = (UNTOUCHED, false);
        // SAFETY: the handle is open.
        let status =
            unsafe { hb_coordinator_expire_unready(owner.0, &mut ended, &mut is_finished) };
        assert_eq!(status, hb_status::Ok);
        progress.push((ended, is_finished, owner.drain(16).len()));
        if is_finished {
            break;
        }
    }
    assert_eq!(progress, [(16, false, 16), (13, true, 13)]);
}

#[test]
fn a_verifier_says_what_is_wrong_and_where_and_stays() {
    let owner = Owner::new();
    assert_eq!(
        owner.submit(&[transfer(1, 0), transfer(2, 0)], &[]),
        (hb_status::Ok, 2)
    );
    let slot = owner.take().1;
    let (_, len, bytes) = owner.slot_bytes(1, slot.bytes_len as usize);
    let mut damaged = bytes.clone();
    // The fee of the second transaction: behind both headers and the first one's 98 bytes.
    damaged[219 + 246 + 98 + 70] ^= 1;

    let mut verifier = null_mut();
    let mut fault = MaybeUninit::<hb_verify_fault>::zeroed();
    let mut verified = MaybeUninit::<hb_verified_slot>::zeroed();
    // SAFETY: all fields of both may be 0, everything is as large as it says.
    unsafe {
        assert_eq!(hb_verifier_open(&config(), &mut verifier), hb_status::Ok);
        let (out, out_fault) = (verified.as_mut_ptr(), fault.as_mut_ptr());
        let verify = move |bytes: &[u8], out_fault| {
            hb_verifier_verify(verifier, bytes.as_ptr(), bytes.len(), out, out_fault)
        };
        assert_eq!(verify(&bytes, null_mut()), hb_status::InvalidStructSize);
        (*out).struct_size = size_of::<hb_verified_slot>() as u32;
        assert_eq!(verify(&bytes, out_fault), hb_status::InvalidStructSize);
        (*out_fault).struct_size = size_of::<hb_verify_fault>() as u32;

        assert_eq!(verify(&bytes[..len - 1], out_fault), hb_status::Truncated);
        assert_eq!((*out_fault).status, hb_status::Truncated);
        assert_eq!(((*out_fault).has_rollup, (*out_fault).has_position), (0, 0));
        assert_eq!(verify(&damaged, out_fault), hb_status::WrongRoot);
        assert_eq!(((*out_fault).has_rollup, (*out_fault).rollup), (1, 0));
        assert_eq!(
            hb_verifier_verify(verifier, null(), 0, out, null_mut()),
            hb_status::Truncated
        );
        assert_eq!((*out).height, 0);

        assert_eq!(verify(&bytes, out_fault), hb_status::Ok);
        assert_eq!(((*out).height, (*out).transaction_count), (1, 2));
        assert_eq!(((*out).hash, (*out).parent), (slot.hash, slot.parent));
        assert_eq!(verify(&bytes, out_fault), hb_status::WrongHeight);
        hb_verifier_close(verifier);
    }
    let mut genesis = [0; 32];
    // SAFETY: it has 32 bytes.
    let status = unsafe { hb_genesis_hash(&config(), genesis.as_mut_ptr()) };
    assert_eq!((status, genesis), (hb_status::Ok, slot.parent));
}

#[test]
fn a_set_is_fixed_before_a_seed_orders_it() {
    let slot_of = |seed: u8| {
        let config = hb_config {
            policy: HB_POLICY_SHUFFLE,
            ..config()
        };
        let owner = Owner::with(&config);
        let records: Vec<_> = (0..8).map(|sender| transfer(sender, 0)).collect();
        assert_eq!(owner.submit(&records, &[]), (hb_status::Ok, 8));
        assert_eq!(owner.take().0, hb_status::SeedNeeded);
        let mut set = hb_fixed_set {
            struct_size: size_of::<hb_fixed_set>() as u32,
            transaction_count: 0,
            height: 0,
            time_unix_ns: 0,
            root: [0; 32],
        };
        let mut slot = owner.take().1;
        let seed = [seed; 32];
        // SAFETY: the handle is open, and everything is as large as its type.
        unsafe {
            let early = hb_coordinator_seal_with_seed(owner.0, seed.as_ptr(), &mut slot);
            assert_eq!(early, hb_status::NoOpenSlot);
            let fix = |set| hb_coordinator_fix_set(owner.0, 2, TIME, HB_WHEN_EMPTY_NO_SLOT, set);
            assert_eq!(fix(&mut set), hb_status::Ok);
            assert_eq!((set.height, set.transaction_count), (1, 8));
            assert_eq!(fix(&mut set), hb_status::SlotOpen);
            let no_seed = hb_coordinator_seal_with_seed(owner.0, null(), &mut slot);
            assert_eq!(no_seed, hb_status::NullPointer);
            let sealed = hb_coordinator_seal_with_seed(owner.0, seed.as_ptr(), &mut slot);
            assert_eq!(sealed, hb_status::Ok);
        }
        assert_eq!((slot.height, slot.transaction_count), (1, 8));
        (set.root, slot.hash)
    };
    let (one, again, other) = (slot_of(1), slot_of(1), slot_of(2));
    assert_eq!(one, again);
    assert_eq!(one.0, other.0, "the set does not depend on the seed");
    assert_ne!(one.1, other.1, "the order does");
}

#[test]
fn buckets_have_a_width_and_nothing_else_has() {
    let status_of = |policy, bucket_width_ns| {
        let config = hb_config {
            policy,
            bucket_width_ns,
            ..config()
        };
        let mut bytes = 0;
        // SAFETY: both lead to what the function wants.
        unsafe { hb_footprint(&config, &mut bytes) }
    };
    assert_eq!(status_of(HB_POLICY_TIME_BUCKET, 5), hb_status::Ok);
    let out_of_range = hb_status::PolicyParameterOutOfRange;
    assert_eq!(status_of(HB_POLICY_TIME_BUCKET, 0), out_of_range);
    assert_eq!(status_of(HB_POLICY_FCFS, 5), out_of_range);
    assert_eq!(status_of(HB_POLICY_GREEDY, 5), out_of_range);
    for policy in 6..10 {
        // Those that order by receive logs are the core's alone, whatever their parameter.
        for parameter in [0, 5, 0x0005_0105] {
            assert_eq!(status_of(policy, parameter), hb_status::UnknownPolicy);
        }
    }
}

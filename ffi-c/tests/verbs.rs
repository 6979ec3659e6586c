//! Cancelling, pressure, forced inputs and bundles as C hosts drive them.
#![allow(unsafe_code)]

mod owner;

use std::ptr::{null, null_mut};

use hauptbuch::*;

use owner::{Follower, Owner, TIME, UNTOUCHED, config, transfer};

fn ends(owner: &Owner) -> Vec<(hb_status, [u8; 32])> {
    let events = owner.drain(64);
    events
        .into_iter()
        .map(|event| (event.status, event.id))
        .collect()
}

fn cancel_nonce(owner: &Owner, sender: u8, nonce: u64) -> (hb_status, bool, [u8; 32]) {
    let (mut has_ended, mut id, sender) = (false, [7; 32], [sender; 20]);
    let (place, sender) = (id.as_mut_ptr(), sender.as_ptr());
    // SAFETY: 20 bytes of a sender, 32 for an id, and the handle is open.
    let status =
        unsafe { hb_coordinator_cancel_nonce(owner.0, 0, sender, nonce, &mut has_ended, place) };
    (status, has_ended, id)
}

#[test]
fn what_waits_is_cancelled_and_what_comes_later_is_refused() {
    let owner = Owner::new();
    let (first, second) = (owner.admit(transfer(1, 0)), owner.admit(transfer(2, 0)));
    assert_eq!(owner.cancel(&first), (hb_status::Ok, true));
    assert_eq!(owner.cancel(&first).0, hb_status::EndedAlready);
    assert_eq!(ends(&owner), [(hb_status::Cancelled, first)]);
    assert_eq!(
        cancel_nonce(&owner, 2, 0),
        (hb_status::Ok, true, second),
        "by sender and nonce it is found as well"
    );
    assert_eq!(ends(&owner), [(hb_status::Cancelled, second)]);

    // Somebody else's id, learned elsewhere before the transaction comes here.
    let other = Owner::new();
    let third = other.admit(transfer(3, 0));
    assert_eq!(owner.cancel(&third), (hb_status::Ok, false));
    assert_eq!(owner.submit(&[transfer(3, 0)], &[]), (hb_status::Ok, 0));
    assert_eq!(cancel_nonce(&owner, 4, 0), (hb_status::Ok, false, [0; 32]));
    assert_eq!(owner.submit(&[transfer(4, 0)], &[]), (hb_status::Ok, 0));
    let mut count = 0;
    let refused = hb_status::CancelledBefore as i32;
    // SAFETY: the handle is open.
    let status = unsafe { hb_coordinator_metric(owner.0, refused, &mut count) };
    assert_eq!((status, count), (hb_status::Ok, 2));

    let taken = owner.admit(transfer(5, 0));
    assert_eq!(owner.take().1.transaction_count, 1);
    assert_eq!(owner.cancel(&taken), (hb_status::TakenAlready, false));
    let (status, has_ended, id) = cancel_nonce(&owner, 5, 0);
    assert_eq!((status, has_ended), (hb_status::TakenAlready, false));
    assert_eq!(id, [7; 32], "nothing is written without success");
    assert_eq!(owner.counters().event_count, 0);
}

#[test]
fn a_cancellation_waits_for_room_to_say_so() {
    let owner = Owner::new();
    let ids: Vec<_> = (0..17).map(|at| owner.admit(transfer(at, 0))).collect();
    assert!((0..16).all(|at| owner.cancel(&ids[at]) == (hb_status::Ok, true)));
    assert_eq!(owner.cancel(&ids[16]), (hb_status::EventsFull, false));
    assert_eq!(owner.drain(1).len(), 1);
    assert_eq!(owner.cancel(&ids[16]), (hb_status::Ok, true));
}

fn pressure_of(owner: &Owner) -> hb_pressure {
    let mut pressure = level(&config(), 3).1;
    // SAFETY: the handle is open.
    let status = unsafe { hb_coordinator_pressure(owner.0, &mut pressure) };
    assert_eq!(status, hb_status::Ok);
    pressure
}

fn level(config: &hb_config, level: u32) -> (hb_status, hb_pressure) {
    let mut pressure = hb_pressure {
        struct_size: size_of::<hb_pressure>() as u32,
        slot_count_max: 0,
        slot_gas_max: 0,
        fee_floor: 0,
        slot_bytes_max: 0,
        refuses_gaps: 0,
        reserved: [0; 3],
    };
    // SAFETY: both lead to what the function wants.
    let status = unsafe { hb_pressure_level(config, level, &mut pressure) };
    (status, pressure)
}

#[test]
fn pressure_holds_back_from_the_next_slot_on() {
    let owner = Owner::new();
    let set = |pressure: &hb_pressure| {
        // SAFETY: the handle is open.
        unsafe { hb_coordinator_set_pressure(owner.0, pressure) }
    };
    assert_eq!(pressure_of(&owner).slot_count_max, u32::MAX);
    let records: Vec<_> = (0..8).map(|sender| transfer(sender, 0)).collect();
    assert_eq!(owner.submit(&records, &[]), (hb_status::Ok, 8));
    let half = level(&config(), 2).1;
    assert_eq!(
        (half.slot_count_max, half.fee_floor, half.refuses_gaps),
        (4, 2, 1)
    );
    assert_eq!(level(&config(), 4).1.slot_count_max, 2);
    assert_eq!(level(&config(), u32::MAX).1.slot_count_max, 2);
    for wrong in [
        hb_pressure {
            reserved: [0, 0, 1],
            ..half
        },
        hb_pressure {
            refuses_gaps: 2,
            ..half
        },
    ] {
        assert_eq!(set(&wrong), hb_status::InvalidArgument);
    }
    assert_eq!(pressure_of(&owner).slot_count_max, u32::MAX);
    assert_eq!(set(&half), hb_status::Ok);
    assert_eq!(pressure_of(&owner).slot_count_max, 4);
    assert_eq!(owner.take().1.transaction_count, 4);
    // The fee of 1 is below the floor of the moment.
    assert_eq!(owner.submit(&[transfer(9, 0)], &[]), (hb_status::Ok, 0));
    assert_eq!(set(&level(&config(), 0).1), hb_status::Ok);
    assert_eq!(owner.submit(&[transfer(9, 0)], &[]), (hb_status::Ok, 1));
    assert_eq!(owner.take().1.transaction_count, 5);
}

#[test]
fn forced_inputs_stand_first_and_in_the_order_of_their_inbox() {
    let owner = Owner::new();
    let follower = Follower::with(&config());
    let next = |rollup| {
        let mut index = UNTOUCHED as u64;
        // SAFETY: the handle is open.
        let status = unsafe { hb_coordinator_next_inbox_index(owner.0, rollup, &mut index) };
        (status, index)
    };
    let waiting = owner.admit(transfer(1, 0));
    let (status, forced) = owner.force(transfer(2, 0), 0);
    assert_eq!(status, hb_status::Ok);
    let (skipped, untouched) = owner.force(transfer(3, 0), 2);
    assert_eq!(
        (skipped, untouched),
        (hb_status::InboxOutOfOrder, [0; 32]),
        "an index is left out"
    );
    assert_eq!(next(0), (hb_status::Ok, 1));
    assert_eq!(next(9), (hb_status::UnknownRollup, UNTOUCHED as u64));
    // It does nothing, because the nonce before its own is missing, and stands there all the same.
    let gap = owner.force(transfer(2, 5), 1).1;
    assert_eq!(owner.cancel(&forced), (hb_status::NotCancellable, false));
    let slot = owner.take().1;
    assert_eq!(slot.transaction_count, 3);
    follower.follow(&owner, &slot);
    let events = owner.drain(64);
    let told: Vec<_> = events
        .iter()
        .map(|event| (event.status, event.id, event.height, event.position))
        .collect();
    assert_eq!(
        told,
        [
            (hb_status::Included, forced, 1, 0),
            (hb_status::Evicted, gap, 1, 1),
            (hb_status::Included, waiting, 1, 2),
        ]
    );
    let foreign = hb_transaction {
        rollup: 9,
        ..transfer(1, 1)
    };
    assert_eq!(owner.force(foreign, 2).0, hb_status::UnknownRollup);
    let late = hb_transaction {
        kind: 9,
        ..transfer(1, 1)
    };
    assert_eq!(owner.force(late, 2).0, hb_status::UnknownKind);
    assert_eq!(next(0), (hb_status::Ok, 2));
}

#[test]
fn a_bundle_goes_in_whole_or_not_at_all() {
    let owner = Owner::new();
    let follower = Follower::with(&config());
    let legs = [transfer(1, 1), transfer(2, 0)];
    let (status, id, leg) = owner.bundle(&legs);
    assert_eq!((status, leg), (hb_status::Ok, UNTOUCHED as u32));
    assert_ne!(id, [0; 32]);
    // The first leg waits for a nonce that comes with another transaction.
    let first = owner.admit(transfer(1, 0));
    let slot = owner.take().1;
    assert_eq!(slot.transaction_count, 3);
    follower.follow(&owner, &slot);
    let events = owner.drain(64);
    assert!(events.iter().all(|own| own.status == hb_status::Included));
    assert_eq!((events[0].id, events[0].position), (first, 0));
    assert_eq!((events[1].position, events[2].position), (1, 2));

    let used = hb_transaction {
        gas: 22_000,
        ..transfer(1, 0)
    };
    let refused = owner.bundle(&[transfer(3, 0), used]);
    assert_eq!((refused.0, refused.2), (hb_status::NonceUsed, 1));
    assert_eq!(refused.1, [0; 32]);
    assert_eq!(owner.bundle(&[]).0, hb_status::BundleEmpty);
    let too_long = vec![transfer(3, 0); 40];
    let refused = owner.bundle(&too_long);
    assert_eq!(
        (refused.0, refused.2),
        (hb_status::BundleTooLong, HB_NO_LEG)
    );
    let unreadable = hb_transaction {
        kind: 5,
        ..transfer(3, 0)
    };
    let (status, _, leg) = owner.bundle(&[transfer(3, 0), unreadable]);
    assert_eq!((status, leg), (hb_status::UnknownKind, UNTOUCHED as u32));

    // A leg takes all of its bundle along.
    let legs = [transfer(3, 0), transfer(4, 0)];
    let other = Owner::new();
    let leg_id = other.admit(legs[1]);
    assert_eq!(owner.bundle(&legs).0, hb_status::Ok);
    assert_eq!(owner.cancel(&leg_id), (hb_status::Ok, true));
    assert_eq!(
        ends(&owner).iter().map(|own| own.0).collect::<Vec<_>>(),
        [hb_status::Cancelled; 2]
    );
}

#[test]
fn a_configuration_of_the_earlier_header_still_opens_what_it_did() {
    let mut whole = config();
    whole.struct_size = 312;
    let mut old = [0_u64; 40];
    let len = 312;
    // SAFETY: both are longer than that, and aligned alike.
    let old = unsafe {
        let place = old.as_mut_ptr().cast::<u8>();
        std::ptr::copy_nonoverlapping((&raw const whole).cast(), place, len);
        // What follows is none of the library's business.
        place.add(len).write_bytes(0xff, 8);
        place.cast::<hb_config>().cast_const()
    };
    let (mut bytes, mut more, mut handle) = (0, 0, null_mut());
    let (mut hash, mut whole_hash) = ([0; 32], [1; 32]);
    // SAFETY: the first is as large as it says, and all else is as large as its type.
    unsafe {
        assert_eq!(hb_footprint(old, &mut bytes), hb_status::Ok);
        assert_eq!(hb_genesis_hash(old, hash.as_mut_ptr()), hb_status::Ok);
        assert_eq!(hb_coordinator_open(old, &mut handle), hb_status::Ok);
        assert_eq!(hb_footprint(&config(), &mut more), hb_status::Ok);
        let status = hb_genesis_hash(&config(), whole_hash.as_mut_ptr());
        assert_eq!(status, hb_status::Ok);
    }
    let owner = Owner(handle);
    assert_eq!(hash, whole_hash, "the same network");
    assert!(bytes < more, "without what it did not ask for");
    owner.admit(transfer(1, 0));
    assert_eq!(owner.force(transfer(2, 0), 0).0, hb_status::ForcedQueueFull);
    assert_eq!(owner.bundle(&[transfer(2, 0)]).0, hb_status::BundlesFull);

    let mut place = [u64::MAX; 40];
    // SAFETY: it has as many bytes as the function is told, and more.
    let status = unsafe { hb_config_init(place.as_mut_ptr().cast(), len) };
    assert_eq!((status, place[0] as u32), (hb_status::Ok, 312));
    assert_eq!((place[38] >> 32, place[39]), (0, u64::MAX));
}

#[test]
fn a_configuration_says_what_it_can_not_be() {
    let with = |change: fn(&mut hb_config)| {
        let mut changed = config();
        change(&mut changed);
        let mut bytes = UNTOUCHED as u64;
        // SAFETY: both lead to what the function wants.
        let status = unsafe { hb_footprint(&changed, &mut bytes) };
        assert_eq!(bytes, UNTOUCHED as u64);
        status
    };
    let out_of_range = hb_status::LimitOutOfRange;
    assert_eq!(with(|own| own.reserves_count_max = 1 << 21), out_of_range);
    assert_eq!(with(|own| own.forced_count_max = 1 << 17), out_of_range);
    assert_eq!(with(|own| own.bundle_leg_count_max = 9), out_of_range);
    assert_eq!(with(|own| own.pool_percent = 101), out_of_range);
    let contradict = hb_status::LimitsContradict;
    assert_eq!(with(|own| own.forced_bytes_max = 0), contradict);
    assert_eq!(with(|own| own.journal_bytes_max = 1), contradict);
    let invalid = hb_status::InvalidArgument;
    assert_eq!(with(|own| own.reserved_end[1] = 1), invalid);
}

#[test]
fn null_and_wrong_sizes_are_refused_by_every_verb() {
    let owner = Owner::new();
    let (handle, none, record) = (owner.0, null_mut::<hb_coordinator>(), transfer(1, 0));
    let id = [1_u8; 32];
    let mut index = UNTOUCHED as u64;
    let pressure = level(&config(), 1).1;
    let mut wrong = hb_pressure {
        struct_size: 31,
        ..pressure
    };
    let force = |handle, record| {
        // SAFETY: what is not null is a valid record and an open handle.
        unsafe {
            hb_coordinator_submit_forced(handle, record, null(), 0, 0, TIME, 1, TIME, null_mut())
        }
    };
    let bundle = |handle, legs, payloads_len| {
        let (ids, leg) = (null_mut(), null_mut());
        // SAFETY: what is not null is a valid record and an open handle.
        unsafe {
            hb_coordinator_submit_bundle(
                handle,
                legs,
                1,
                null(),
                payloads_len,
                TIME,
                1,
                TIME,
                ids,
                leg,
            )
        }
    };
    // SAFETY: all that is not null is valid.
    unsafe {
        let statuses = [
            hb_coordinator_cancel(none, id.as_ptr(), null_mut()),
            hb_coordinator_cancel(handle, null(), null_mut()),
            hb_coordinator_cancel_nonce(none, 0, id.as_ptr(), 0, null_mut(), null_mut()),
            hb_coordinator_cancel_nonce(handle, 0, null(), 0, null_mut(), null_mut()),
            hb_pressure_level(null(), 1, &mut wrong),
            hb_pressure_level(&config(), 1, null_mut()),
            hb_coordinator_set_pressure(none, &pressure),
            hb_coordinator_set_pressure(handle, null()),
            hb_coordinator_pressure(none, &mut wrong),
            hb_coordinator_pressure(handle, null_mut()),
            hb_coordinator_next_inbox_index(none, 0, &mut index),
            hb_coordinator_next_inbox_index(handle, 0, null_mut()),
            force(none, &record),
            force(handle, null()),
            bundle(none, &record, 0),
            bundle(handle, null(), 0),
            bundle(handle, &record, 1),
        ];
        assert_eq!(statuses, [hb_status::NullPointer; 17]);
        let statuses = [
            hb_pressure_level(&config(), 1, &mut wrong),
            hb_coordinator_set_pressure(handle, &wrong),
            hb_coordinator_pressure(handle, &mut wrong),
        ];
        assert_eq!(statuses, [hb_status::InvalidStructSize; 3]);
    }
    assert_eq!((index, wrong.struct_size), (UNTOUCHED as u64, 31));
    assert_eq!(owner.counters().submitted_count, 0);
}

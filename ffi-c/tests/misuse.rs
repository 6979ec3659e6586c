//! What a C program can do wrong in one call, and what it is told then.
#![allow(unsafe_code)]

mod owner;

use std::ffi::CStr;
use std::mem::MaybeUninit;
use std::ptr::{null, null_mut};

use hauptbuch::*;
use hauptbuch_core::error::{Code, Fault};

use owner::{Owner, TIME, UNTOUCHED, config, empty_slot, transfer};

#[test]
fn null_is_refused_before_anything_is_open() {
    let (config, mut number) = (config(), UNTOUCHED as u64);
    // SAFETY: all that is not null is valid.
    let statuses = unsafe {
        [
            hb_config_init(null_mut(), size_of::<hb_config>()),
            hb_footprint(null(), &mut number),
            hb_footprint(&config, null_mut()),
            hb_verifier_footprint(null(), &mut number),
            hb_verifier_footprint(&config, null_mut()),
            hb_genesis_hash(&config, null_mut()),
            hb_coordinator_open(null(), &mut null_mut()),
            hb_coordinator_open(&config, null_mut()),
            hb_verifier_open(&config, null_mut()),
            hb_verifier_verify(null_mut(), null(), 0, null_mut(), null_mut()),
        ]
    };
    assert_eq!(statuses, [hb_status::NullPointer; 10]);
    assert_eq!(number, UNTOUCHED as u64);
    // SAFETY: null is allowed.
    unsafe {
        hb_coordinator_close(null_mut());
        hb_verifier_close(null_mut());
    }
}

#[test]
fn null_is_refused_by_everything_that_is_done_with_a_handle() {
    let owner = Owner::new();
    let (handle, none) = (owner.0, null_mut::<hb_coordinator>());
    let (mut slot, mut count) = (empty_slot(), UNTOUCHED);
    let record = transfer(1, 0);
    let submit = |handle, records, payloads_len| {
        let (heard, payloads) = (null_mut(), null());
        // SAFETY: what is not null is one valid record and an open handle.
        unsafe {
            hb_coordinator_submit(
                handle,
                records,
                1,
                payloads,
                payloads_len,
                1,
                TIME,
                heard,
                null_mut(),
            )
        }
    };
    // SAFETY: all that is not null is valid.
    let statuses = unsafe {
        [
            submit(none, &record, 0),
            submit(handle, null(), 0),
            submit(handle, &record, 1),
            hb_coordinator_take(none, 1, TIME, 0, &mut slot),
            hb_coordinator_take(handle, 1, TIME, 0, null_mut()),
            hb_coordinator_slot_bytes(none, 1, null_mut(), 0, &mut count),
            hb_coordinator_slot_bytes(handle, 1, null_mut(), 1, &mut count),
            hb_coordinator_slot_bytes(handle, 1, null_mut(), 0, null_mut()),
            hb_coordinator_acknowledge(none, 1, 1),
            hb_coordinator_roll_back(none, 1, &mut count),
            hb_coordinator_acknowledge_slot(none, 1, slot.hash.as_ptr(), 1),
            hb_coordinator_acknowledge_slot(handle, 1, null(), 1),
            hb_coordinator_roll_back_slot(none, 1, slot.hash.as_ptr(), &mut count),
            hb_coordinator_roll_back_slot(handle, 1, null(), &mut count),
            hb_coordinator_adopt(none, null(), 0, 1, null_mut()),
            hb_coordinator_adopt(handle, null(), 1, 1, null_mut()),
            hb_coordinator_check_adoption(none, null(), 0, null_mut()),
            hb_coordinator_check_adoption(handle, null(), 1, null_mut()),
            hb_coordinator_check_adoption(handle, [0].as_ptr(), 1, null_mut()),
            hb_coordinator_expire_unready(handle, &mut count, null_mut()),
            hb_coordinator_drain_events(handle, null_mut(), 1, &mut count),
            hb_coordinator_drain_events(handle, null_mut(), 0, null_mut()),
            hb_coordinator_metric(handle, 1, null_mut()),
            hb_coordinator_counters(handle, null_mut()),
        ]
    };
    assert_eq!(statuses, [hb_status::NullPointer; 24]);
    assert_eq!((count, slot.height), (UNTOUCHED, UNTOUCHED as u64));
    assert_eq!(owner.counters().submitted_count, 0);
}

#[test]
fn a_size_that_no_structure_has_is_refused() {
    let owner = Owner::new();
    for wrong in [0, 4, 199, 201, u32::MAX] {
        let mut place = MaybeUninit::uninit();
        let (mut slot, mut number) = (empty_slot(), UNTOUCHED as u64);
        slot.struct_size = wrong;
        let config = hb_config {
            struct_size: wrong,
            ..config()
        };
        // SAFETY: everything is as large as its type.
        let statuses = unsafe {
            [
                hb_config_init(place.as_mut_ptr(), wrong as usize),
                hb_footprint(&config, &mut number),
                hb_coordinator_open(&config, &mut null_mut()),
                hb_verifier_open(&config, &mut null_mut()),
                hb_coordinator_take(owner.0, 1, TIME, 0, &mut slot),
            ]
        };
        assert_eq!(statuses, [hb_status::InvalidStructSize; 5]);
        assert_eq!((number, slot.height), (UNTOUCHED as u64, UNTOUCHED as u64));
    }
}

#[test]
fn a_configuration_that_contradicts_itself_is_refused() {
    let with = |change: fn(&mut hb_config)| {
        let mut changed = config();
        change(&mut changed);
        changed
    };
    let cases = [
        (with(|c| c.policy = 99), hb_status::UnknownPolicy),
        (with(|c| c.policy = 257), hb_status::UnknownPolicy),
        (
            with(|c| c.replay_protection = 2),
            hb_status::InvalidArgument,
        ),
        (
            with(|c| c.replay_protection = 1),
            hb_status::InvalidArgument,
        ),
        (
            with(|c| c.expiry_horizon_ns = 9),
            hb_status::InvalidArgument,
        ),
        (with(|c| c.reserved = 1), hb_status::InvalidArgument),
        (with(|c| c.rollup_count = 0), hb_status::NoRollup),
        (with(|c| c.rollup_count = 17), hb_status::TooManyRollups),
        (with(|c| c.rollup_count = 2), hb_status::DuplicateRollup),
        (with(|c| c.slot_count_max = 0), hb_status::LimitOutOfRange),
        (
            with(|c| c.event_count_max = 15),
            hb_status::LimitsContradict,
        ),
    ];
    for (config, expected) in cases {
        let (mut coordinator, mut verifier) = (null_mut(), null_mut());
        // SAFETY: everything is as large as its type.
        let statuses = unsafe {
            [
                hb_coordinator_open(&config, &mut coordinator),
                hb_verifier_open(&config, &mut verifier),
                hb_genesis_hash(&config, [0; 32].as_mut_ptr()),
            ]
        };
        assert_eq!(statuses, [expected; 3]);
        assert!(coordinator.is_null() && verifier.is_null());
    }
}

#[test]
fn one_record_that_cannot_be_read_stops_the_whole_call() {
    let owner = Owner::new();
    let good = transfer(1, 0);
    let outside = |offset, len| {
        let mut record = good;
        (record.payload_offset, record.payload_len) = (offset, len);
        record
    };
    let bad = [
        (outside(0, 5), hb_status::InvalidArgument),
        (outside(5, 0), hb_status::InvalidArgument),
        (outside(u64::MAX, 1), hb_status::InvalidArgument),
        (
            hb_transaction {
                has_account_nonce: 2,
                ..good
            },
            hb_status::InvalidArgument,
        ),
        (
            hb_transaction {
                reserved: [1; 10],
                ..good
            },
            hb_status::InvalidArgument,
        ),
        (hb_transaction { kind: 7, ..good }, hb_status::UnknownKind),
    ];
    for (record, expected) in bad {
        assert_eq!(
            owner.submit(&[good, record], b"four"),
            (expected, UNTOUCHED)
        );
    }
    assert_eq!(owner.counters().submitted_count, 0);
    assert_eq!(
        owner.submit(&[good, outside(4, 0)], b"four"),
        (hb_status::Ok, 1)
    );
    assert_eq!(owner.submit(&[], &[]), (hb_status::Ok, 0));
}

#[test]
fn every_transaction_of_a_call_is_answered() {
    let owner = Owner::new();
    let too_long = hb_transaction {
        payload_len: 1_001,
        ..transfer(2, 0)
    };
    let records = [transfer(1, 0), transfer(1, 0), too_long, transfer(1, 1)];
    let (mut heard, mut admitted) = (MaybeUninit::<[hb_admission; 4]>::uninit(), UNTOUCHED);
    let payloads = [7; 1_001];
    let place = heard.as_mut_ptr().cast();
    // SAFETY: the lengths are those of the arrays, and all four are written on success.
    let heard = unsafe {
        let status = hb_coordinator_submit(
            owner.0,
            records.as_ptr(),
            4,
            payloads.as_ptr(),
            1_001,
            1,
            TIME,
            place,
            &mut admitted,
        );
        assert_eq!((status, admitted), (hb_status::Ok, 2));
        heard.assume_init()
    };
    let statuses = heard.map(|admission| admission.status);
    use hb_status::{Admitted, Duplicate, PayloadTooLarge};
    assert_eq!(statuses, [Admitted, Duplicate, PayloadTooLarge, Admitted]);
    assert_eq!(heard[0].id, heard[1].id);
    assert_eq!(heard[2].id, [0; 32]);
    let mut count = 0;
    // SAFETY: the handle is open.
    let status = unsafe { hb_coordinator_metric(owner.0, Duplicate as i32, &mut count) };
    assert_eq!((status, count), (hb_status::Ok, 1));
    // SAFETY: as above.
    let status = unsafe { hb_coordinator_metric(owner.0, 12_345, &mut count) };
    assert_eq!((status, count), (hb_status::InvalidArgument, 1));
}

#[test]
fn time_must_not_go_back_and_choices_must_exist() {
    let owner = Owner::new();
    let mut slot = empty_slot();
    // SAFETY: the handle is open.
    unsafe {
        assert_eq!(
            hb_coordinator_take(owner.0, 9, TIME, 2, &mut slot),
            hb_status::InvalidArgument
        );
        assert_eq!(slot.height, UNTOUCHED as u64);
        assert_eq!(
            hb_coordinator_take(owner.0, 9, TIME, 0, &mut slot),
            hb_status::Ok
        );
        assert_eq!(slot.height, 0);
        assert_eq!(
            hb_coordinator_take(owner.0, 8, TIME, 0, &mut slot),
            hb_status::TimeWentBack
        );
        let empty = HB_WHEN_EMPTY_EMPTY_SLOT;
        assert_eq!(
            hb_coordinator_take(owner.0, 9, TIME, empty, &mut slot),
            hb_status::Ok
        );
        assert_eq!((slot.height, slot.transaction_count), (1, 0));
    }
    assert_eq!(
        owner.submit(&[transfer(1, 0)], &[]),
        (hb_status::TimeWentBack, UNTOUCHED)
    );
}

#[test]
fn every_status_has_a_text_a_name_and_a_fault() {
    let text = |pointer| {
        // SAFETY: the functions give static texts that end with a zero byte.
        unsafe { CStr::from_ptr(pointer) }
            .to_str()
            .expect("the texts are ASCII")
    };
    for code in Code::ALL {
        let status = i32::from(code.number());
        assert_eq!(text(hb_status_message(status)), code.message());
        assert_eq!(text(hb_status_name(status)), code.name());
        assert_eq!(hb_status_is_retryable(status), code.is_retryable());
        let is_library = hb_status_fault(status) == hb_fault::Library;
        assert_eq!(is_library, code.fault() == Fault::Library);
    }
    assert_eq!(
        hb_status_fault(hb_status::PoolFull as i32),
        hb_fault::Operator
    );
    assert_eq!(
        hb_status_fault(hb_status::NonceUsed as i32),
        hb_fault::Sender
    );
    assert_eq!(
        hb_status_fault(hb_status::NullPointer as i32),
        hb_fault::Caller
    );
    assert_eq!(hb_status_fault(hb_status::Included as i32), hb_fault::None);
    for unknown in [-1, 9, 65_536, i32::MIN, i32::MAX] {
        assert_eq!(
            text(hb_status_message(unknown)),
            "no status of this library"
        );
        assert_eq!(text(hb_status_name(unknown)), "Unknown");
        assert_eq!(hb_status_fault(unknown), hb_fault::Unknown);
        assert!(!hb_status_is_retryable(unknown));
    }
    assert_eq!(text(hb_version_string()), env!("CARGO_PKG_VERSION"));
    assert_eq!(hb_abi_version(), HB_ABI_VERSION);
}

//! State and inputs as bytes: what a C host keeps to survive a crash.
#![allow(unsafe_code)]

mod owner;

use std::ptr::{null, null_mut};

use hauptbuch::*;
use hauptbuch_core::journal::HEADER_LEN;

use owner::{NOW, Owner, TIME, UNTOUCHED, config, transfer};

fn journalled() -> hb_config {
    hb_config {
        journal_bytes_max: 1 << 14,
        ..config()
    }
}

/// Some of everything that a journal records, up to a slot in flight.
fn work(owner: &Owner) {
    owner.admit(transfer(1, 0));
    let second = owner.admit(transfer(2, 0));
    assert_eq!(owner.cancel(&second), (hb_status::Ok, true));
    assert_eq!(owner.take().1.height, 1);
    assert_eq!(owner.acknowledge(1), hb_status::Ok);
    assert_eq!(owner.drain(2).len(), 2);
    owner.admit(transfer(1, 1));
    owner.admit(transfer(3, 0));
    assert_eq!(owner.take().1.height, 2);
}

/// What goes on from there.
#[derive(Debug, PartialEq)]
struct Rest {
    slot_hashes: Vec<[u8; 32]>,
    ends: Vec<([u8; 32], hb_status)>,
}

fn rest(owner: &Owner) -> Rest {
    assert_eq!(owner.roll_back(2), hb_status::Ok);
    owner.admit(transfer(4, 0));
    let mut slot_hashes = Vec::new();
    loop {
        let slot = owner.take().1;
        if slot.height == 0 {
            break;
        }
        slot_hashes.push(slot.hash);
        assert_eq!(owner.acknowledge(slot.height), hb_status::Ok);
    }
    let events = owner.drain(64);
    let ends = events
        .iter()
        .map(|event| (event.id, event.status))
        .collect();
    Rest { slot_hashes, ends }
}

#[test]
fn a_restored_coordinator_goes_on_with_the_same_bytes() {
    let owner = Owner::new();
    work(&owner);
    let snapshot = owner.snapshot();
    let again = Owner::restored(&config(), &snapshot);
    assert_eq!(again.snapshot(), snapshot);
    let (mut now, mut time) = (UNTOUCHED as u64, UNTOUCHED as u64);
    // SAFETY: the handle is open.
    let status = unsafe { hb_coordinator_clocks(again.0, &mut now, &mut time) };
    assert_eq!((status, now, time), (hb_status::Ok, NOW, TIME));
    assert_eq!(again.slot_bytes(2, 4_096), owner.slot_bytes(2, 4_096));
    let expected = rest(&owner);
    assert_eq!(rest(&again), expected);
    assert!(!expected.slot_hashes.is_empty() && expected.ends.len() == 3);
}

#[test]
fn what_was_forced_and_bundled_is_as_if_it_never_stopped() {
    let owner = Owner::new();
    assert_eq!(owner.force(transfer(1, 0), 0).0, hb_status::Ok);
    assert_eq!(
        owner.bundle(&[transfer(2, 0), transfer(3, 0)]).0,
        hb_status::Ok
    );
    assert_eq!(owner.take().1.transaction_count, 3);
    assert_eq!(owner.acknowledge(1), hb_status::Ok);
    let again = Owner::restored(&config(), &owner.snapshot());
    for own in [&owner, &again] {
        assert_eq!(own.drain(64).len(), 3);
        assert_eq!(own.force(transfer(1, 1), 0).0, hb_status::InboxOutOfOrder);
        assert_eq!(own.force(transfer(1, 1), 1).0, hb_status::Ok);
    }
    assert_eq!(owner.take().1.hash, again.take().1.hash);
}

#[test]
fn a_short_buffer_is_told_how_long_it_must_be_and_left_alone() {
    let owner = Owner::with(&journalled());
    work(&owner);
    let len = owner.snapshot_len();
    let journal = owner.journal(1 << 14);
    assert!(!journal.is_empty());
    for capacity in [0, 1, len - 1] {
        let (mut buffer, mut told) = (vec![0xaa; capacity], [UNTOUCHED; 2]);
        let place = buffer.as_mut_ptr();
        // SAFETY: the capacity is the buffer's, and the handle is open.
        let statuses = unsafe {
            [
                hb_coordinator_snapshot(owner.0, place, capacity, &mut told[0]),
                hb_coordinator_checkpoint(owner.0, place, capacity, &mut told[1]),
            ]
        };
        assert_eq!(statuses, [hb_status::BufferTooSmall; 2]);
        assert_eq!(told, [len; 2]);
        assert!(buffer.iter().all(|byte| *byte == 0xaa));
    }
    let (mut buffer, mut told) = (vec![0xaa; len + 1], UNTOUCHED);
    let place = buffer.as_mut_ptr();
    // SAFETY: as above.
    let status = unsafe { hb_coordinator_snapshot(owner.0, place, len + 1, &mut told) };
    assert_eq!((status, told, buffer[len]), (hb_status::Ok, len, 0xaa));
    assert_eq!(owner.journal(64), [], "a snapshot leaves the journal alone");
}

#[test]
fn a_journal_leads_to_where_the_crash_was() {
    let owner = Owner::with(&journalled());
    let fresh = owner.snapshot();
    work(&owner);
    let mut waiting = 0;
    // SAFETY: the handle is open.
    let status = unsafe { hb_coordinator_journal_len(owner.0, &mut waiting) };
    assert_eq!(status, hb_status::Ok);
    // In pieces of any size it is the same.
    let journal = owner.journal(7);
    assert!(waiting > 0 && journal.len() >= waiting);

    let again = Owner::restored(&journalled(), &fresh);
    let (status, replayed) = again.replay(&journal);
    assert_eq!((status, replayed.status), (hb_status::Ok, hb_status::Ok));
    assert_eq!(replayed.good_bytes as usize, journal.len());
    assert!(replayed.record_count >= 7);
    assert_eq!(again.snapshot(), owner.snapshot());
    // A fresh coordinator stands where the first journal starts.
    let opened = Owner::with(&journalled());
    assert_eq!(opened.replay(&journal).0, hb_status::Ok);
    assert_eq!(opened.snapshot(), owner.snapshot());
    assert_eq!(rest(&again), rest(&owner));
    assert_eq!(
        again.journal(5_000),
        owner.journal(4_096),
        "and their journals go on alike"
    );
}

#[test]
fn a_torn_tail_is_told_and_all_before_it_stands() {
    let owner = Owner::with(&journalled());
    work(&owner);
    let journal = owner.journal(1_000);
    let whole = Owner::with(&journalled()).replay(&journal).1;
    for cut in [
        0,
        1,
        HEADER_LEN - 1,
        HEADER_LEN,
        HEADER_LEN + 1,
        journal.len() - 1,
    ] {
        let again = Owner::with(&journalled());
        let (status, replayed) = again.replay(&journal[..cut]);
        assert_eq!(status, replayed.status);
        let is_whole = cut == HEADER_LEN;
        let expected = if is_whole {
            hb_status::Ok
        } else {
            hb_status::Truncated
        };
        assert_eq!(status, expected, "cut at {cut}");
        let good = replayed.good_bytes as usize;
        assert!(good <= cut && replayed.record_count < whole.record_count);
        // Whoever cuts there goes on from there.
        if good > 0 {
            assert_eq!(
                Owner::with(&journalled()).replay(&journal[..good]).0,
                hb_status::Ok
            );
        }
    }
    let mut damaged = journal.clone();
    let last = damaged.len() - 40;
    damaged[last] ^= 1;
    let (status, replayed) = Owner::with(&journalled()).replay(&damaged);
    assert_eq!(
        (status, replayed.status),
        (hb_status::Corrupt, hb_status::Corrupt)
    );
    assert!((replayed.good_bytes as usize) < last);
    let other = Owner::with(&hb_config {
        chain_id: 5,
        ..journalled()
    });
    assert_eq!(other.replay(&journal).0, hb_status::WrongNetwork);
    let moved_on = Owner::with(&journalled());
    work(&moved_on);
    assert_eq!(moved_on.replay(&journal).0, hb_status::WrongSnapshot);
}

#[test]
fn a_full_journal_holds_everything_back_and_nothing_is_lost() {
    let small = hb_config {
        journal_bytes_max: 2_000,
        // A longer record than any transaction's would need a larger buffer.
        bundle_count_max: 0,
        hint_count_max: 0,
        ..config()
    };
    let owner = Owner::with(&small);
    let mut admitted = 0;
    while owner.submit(&[transfer(admitted, 0)], &[]) == (hb_status::Ok, 1) {
        admitted += 1;
    }
    assert!((2..50).contains(&admitted));
    let full = hb_status::JournalFull;
    assert_eq!(owner.submit(&[transfer(admitted, 0)], &[]).0, full);
    let mut journal = Vec::new();
    // The smaller record of a slot may fit still.
    let mut is_held_back = false;
    for _ in 0..32 {
        let (status, slot) = owner.take();
        if status == full {
            is_held_back = true;
            journal.extend(owner.journal(333));
            continue;
        }
        assert_eq!(status, hb_status::Ok);
        if slot.height == 0 {
            break;
        }
        while owner.acknowledge(slot.height) == full {
            is_held_back = true;
            journal.extend(owner.journal(333));
        }
        owner.drain(64);
    }
    journal.extend(owner.journal(333));
    assert!(is_held_back);
    assert_eq!(owner.counters().pending_count, 0);
    let again = Owner::with(&small);
    assert_eq!(again.replay(&journal).0, hb_status::Ok);
    assert_eq!(again.counters().tip_hash, owner.counters().tip_hash);
}

#[test]
fn a_checkpoint_begins_a_new_journal() {
    let owner = Owner::with(&journalled());
    work(&owner);
    let (mut bytes, mut len) = (vec![0xaa; owner.snapshot_len()], UNTOUCHED);
    let mut checkpoint = |len: &mut usize| {
        let (place, capacity) = (bytes.as_mut_ptr(), bytes.len());
        // SAFETY: the capacity is the buffer's, and the handle is open.
        let status = unsafe { hb_coordinator_checkpoint(owner.0, place, capacity, len) };
        (status, bytes.clone())
    };
    let (status, untouched) = checkpoint(&mut len);
    assert_eq!((status, len), (hb_status::JournalNotDrained, UNTOUCHED));
    assert!(untouched.iter().all(|byte| *byte == 0xaa));
    let before = owner.journal(1 << 14);
    let (status, bytes) = checkpoint(&mut len);
    assert_eq!(status, hb_status::Ok);
    assert_eq!(len, bytes.len());
    owner.admit(transfer(6, 0));
    let after = owner.journal(1 << 14);
    assert_ne!(before[..HEADER_LEN], after[..HEADER_LEN]);
    let again = Owner::restored(&journalled(), &bytes);
    assert_eq!(again.replay(&before).0, hb_status::WrongSnapshot);
    assert_eq!(again.replay(&after).0, hb_status::Ok);
    assert_eq!(again.snapshot(), owner.snapshot());
}

#[test]
fn bytes_that_are_no_snapshot_open_nothing() {
    let owner = Owner::new();
    work(&owner);
    let good = owner.snapshot();
    let status_of = |config: &hb_config, bytes: &[u8]| {
        let mut handle = null_mut();
        // SAFETY: the bytes are as many as it says, and the rest leads to what is wanted.
        let status =
            unsafe { hb_coordinator_restore(config, bytes.as_ptr(), bytes.len(), &mut handle) };
        assert!(handle.is_null());
        status
    };
    let changed = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        bytes
    };
    let longer = [&good[..], &[0]].concat();
    let cases = [
        (Vec::new(), hb_status::Truncated),
        (good[..good.len() - 1].to_vec(), hb_status::Truncated),
        (longer, hb_status::TrailingBytes),
        (changed(0), hb_status::UnsupportedVersion),
        (changed(20), hb_status::Corrupt),
        (changed(good.len() - 1), hb_status::Corrupt),
    ];
    for (bytes, expected) in cases {
        assert_eq!(status_of(&config(), &bytes), expected);
    }
    let with = |change: fn(&mut hb_config)| {
        let mut changed = config();
        change(&mut changed);
        status_of(&changed, &good)
    };
    assert_eq!(with(|own| own.chain_id = 5), hb_status::WrongNetwork);
    assert_eq!(with(|own| own.seen_count_max = 9), hb_status::WrongSettings);
    assert_eq!(
        with(|own| own.slot_count_max = 0),
        hb_status::LimitOutOfRange
    );
    // Those are nobody's business but this node's.
    let other = hb_config {
        index_key: [8, 9],
        reserves_count_max: 3,
        ..journalled()
    };
    assert_eq!(Owner::restored(&other, &good).snapshot(), good);
}

#[test]
fn null_is_refused() {
    let owner = Owner::new();
    let (handle, none) = (owner.0, null_mut::<hb_coordinator>());
    let (mut len, mut number, mut opened) = (UNTOUCHED, UNTOUCHED as u64, null_mut());
    let mut replayed = owner.replay(&[]).1;
    assert_eq!(replayed.status, hb_status::Truncated);
    replayed.record_count = UNTOUCHED as u64;
    let (place, own) = (null_mut(), config());
    // SAFETY: all that is not null is valid.
    unsafe {
        let statuses = [
            hb_coordinator_snapshot_len(none, &mut len),
            hb_coordinator_snapshot_len(handle, null_mut()),
            hb_coordinator_snapshot(none, place, 0, &mut len),
            hb_coordinator_snapshot(handle, place, 1, &mut len),
            hb_coordinator_snapshot(handle, place, 0, null_mut()),
            hb_coordinator_checkpoint(none, place, 0, &mut len),
            hb_coordinator_checkpoint(handle, place, 1, &mut len),
            hb_coordinator_checkpoint(handle, place, 0, null_mut()),
            hb_coordinator_restore(null(), null(), 0, &mut opened),
            hb_coordinator_restore(&own, null(), 1, &mut opened),
            hb_coordinator_restore(&own, null(), 0, null_mut()),
            hb_coordinator_clocks(none, &mut number, null_mut()),
            hb_coordinator_journal_len(none, &mut len),
            hb_coordinator_journal_len(handle, null_mut()),
            hb_coordinator_drain_journal(none, place, 0, &mut len),
            hb_coordinator_drain_journal(handle, place, 1, &mut len),
            hb_coordinator_drain_journal(handle, place, 0, null_mut()),
            hb_coordinator_replay(none, null(), 0, &mut replayed),
            hb_coordinator_replay(handle, null(), 1, &mut replayed),
            hb_coordinator_replay(handle, null(), 0, null_mut()),
        ];
        assert_eq!(statuses, [hb_status::NullPointer; 20]);
        replayed.struct_size = 23;
        let status = hb_coordinator_replay(handle, null(), 0, &mut replayed);
        assert_eq!(status, hb_status::InvalidStructSize);
        let both = hb_coordinator_clocks(handle, null_mut(), null_mut());
        assert_eq!(both, hb_status::Ok);
    }
    assert_eq!((len, number), (UNTOUCHED, UNTOUCHED as u64));
    assert!(opened.is_null() && replayed.record_count == UNTOUCHED as u64);
}

//! Order fairness over slots takes from the allocator what its footprints say, and nothing
//! afterwards.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use hauptbuch_core::ordering::fair::stream::{
    Bodies, BodySource, Cut, Entry, EntryKind, Extent, Facts, FairLimits, FairMember, FairStream,
    LoggedId, NextEpoch, NoAccounts, ReplayProtection, RollupPart, RollupSlot, Room, StreamTwin,
    TrialStream,
};
use hauptbuch_core::ordering::fair::{Gamma, GammaMode, Parameters, Rank};
use hauptbuch_core::types::{Address, Gas, Hash, Height, Nonce, RollupId, TxId, UnixNs};

/// Counts what each thread takes, so that the test runner's own threads do not disturb.
struct Counting;

thread_local! {
    static BYTES: Cell<u64> = const { Cell::new(0) };
    static CALLS: Cell<u64> = const { Cell::new(0) };
}

fn count(bytes: usize) {
    BYTES.with(|sum| sum.set(sum.get() + bytes as u64));
    CALLS.with(|sum| sum.set(sum.get() + 1));
}

// SAFETY: hands every call on to the system's allocator; counting touches only this thread's
// cells, which need no allocation and no destructor.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller's promise, handed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller's promise, handed on.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size);
        // SAFETY: the caller's promise, handed on.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        CALLS.with(|sum| sum.set(sum.get() + 1));
        // SAFETY: the caller's promise, handed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn taken<T>(make: impl FnOnce() -> T) -> u64 {
    let before = BYTES.get();
    let made = make();
    let bytes = BYTES.get() - before;
    drop(made);
    bytes
}

fn parameters(n: u32) -> Parameters {
    Parameters::new(n, (n - 1) / 4, Gamma::ONE, GammaMode::All).expect("n is at least 4f + 1")
}

fn parts(rollup_count: u32, limits: &FairLimits) -> Vec<RollupPart> {
    let part = |number| RollupPart {
        rollup: RollupId::new(number),
        first_hand_count_max: limits.first_hand_count_max / rollup_count,
        first_hand_bytes_max: limits.first_hand_bytes_max / u64::from(rollup_count),
        room: Room {
            count: limits.slot_room.count / rollup_count,
            bytes: limits.slot_room.bytes / u64::from(rollup_count),
            gas: Gas::new(1_000_000),
        },
        replay: ReplayProtection::ByHost,
    };
    (0..rollup_count).map(part).collect()
}

#[test]
fn footprints_are_exact() {
    for (n, rollups, first_hand) in [(1, 1, 1), (5, 1, 64), (5, 3, 33), (9, 2, 16), (30, 4, 8)] {
        let limits = FairLimits {
            first_hand_count_max: first_hand,
            cursor_count_max: n * first_hand + 77,
            drained_count_max: 91,
            ranked_pairs_max: 20,
            ..FairLimits::default()
        };
        let parts = parts(rollups, &limits);
        let changing = FairLimits {
            member_count_max: 9,
            leaver_count_max: 3,
            cursor_count_max: (n.max(9) + 3) * first_hand + 77,
            ..limits
        };
        footprint_is_exact(parameters(n), &changing, &parts);
        footprint_is_exact(Parameters::median(n).expect("in range"), &changing, &parts);
        for own in [parameters(n), Parameters::median(n).expect("n is in range")] {
            footprint_is_exact(own, &limits, &parts);
        }
    }
}

fn footprint_is_exact(own: Parameters, limits: &FairLimits, parts: &[RollupPart]) {
    let rank = Rank::RankedPairs;
    let bytes = taken(|| FairStream::new(own, limits, parts, rank, [1, 2]).expect("valid"));
    assert_eq!(bytes, FairStream::footprint_bytes(own, limits, parts));
    let make = || FairStream::new(own, limits, parts, rank, [1, 2]).expect("valid");
    let bytes = taken(|| TrialStream::new(make()));
    assert_eq!(bytes, TrialStream::footprint_bytes(own, limits, parts));
    let bytes = taken(|| FairMember::new(own, limits, parts, 0, [1, 2]).expect("valid"));
    assert_eq!(bytes, FairMember::footprint_bytes(own, limits, parts));
    let bytes = taken(|| StreamTwin::new(own, limits, parts, rank).expect("valid"));
    assert_eq!(bytes, StreamTwin::footprint_bytes(own, limits, parts));
}

#[test]
fn the_default_committee_stays_small() {
    let limits = FairLimits::default();
    let parts = [RollupPart::whole(RollupId::new(1), &limits)];
    let bytes = FairStream::footprint_bytes(parameters(5), &limits, &parts)
        + FairMember::footprint_bytes(parameters(5), &limits, &parts);
    assert!(bytes < 32 << 20, "{bytes}");
}

fn id(name: u64) -> LoggedId {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&name.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    bytes[8..16].copy_from_slice(&name.to_be_bytes());
    LoggedId {
        rollup: RollupId::new((name % 2) as u32),
        id: TxId::new(bytes),
        body_bytes: 100,
    }
}

/// Every body, read from its id.
struct All;

impl Bodies for All {
    fn facts(&self, id: &LoggedId) -> Option<Facts> {
        let mut name = [0; 8];
        name.copy_from_slice(&id.id.as_bytes()[8..16]);
        let name = u64::from_be_bytes(name);
        let mut sender = [0; 20];
        sender[0] = (name % 8) as u8;
        Some(Facts {
            sender: Address::new(sender),
            nonce: Nonce::new(name / 8),
            gas: Gas::new(1),
            expiry: UnixNs::NEVER,
        })
    }
}

#[test]
fn nothing_is_taken_after_construction() {
    nothing_is_taken_by(parameters(5));
    nothing_is_taken_by(Parameters::median(5).expect("five are in range"));
}

/// Closes the epoch after slot 10, and begins another one, in which two members change places.
fn change(
    slot: u64,
    (stream, twin, trial): (&mut FairStream, &mut StreamTwin, &mut TrialStream),
    members: &mut [FairMember],
) {
    if slot == 10 {
        let closing = Height::new(slot + 2);
        stream.close_at(closing).expect("it lies ahead");
        twin.close_at(closing).expect("it lies ahead");
        trial.close_at(closing).expect("it lies ahead");
    }
    if stream.epoch_end().is_some() {
        let seats = [Some(1), Some(0), Some(2), Some(3), Some(4)];
        let next = NextEpoch {
            parameters: stream.parameters(),
            seats: &seats,
        };
        for (member, seat) in members.iter_mut().zip([1, 0, 2, 3, 4]) {
            member.begin_epoch(stream, seat).expect("it ended");
        }
        members.swap(0, 1);
        stream.begin_epoch(&next).expect("it ended");
        twin.begin_epoch(&next).expect("it ended");
        trial.begin_epoch(&next).expect("it ended");
    }
}

/// Tries a cut that moves no log before the one that is decided.
fn try_and_decide(trial: &mut TrialStream, cut: &Cut<'_>, slots: &[RollupSlot]) {
    let blank = Cut {
        height: cut.height,
        extents: &[Extent::default(); 5],
    };
    for (name, cut) in [(1, &blank), (2, cut)] {
        let tried = trial.try_candidate(Hash::new([name; 32]), cut, slots, &All);
        assert!(tried.is_ok());
    }
    trial.decide(Hash::new([2; 32])).expect("it was tried");
}

fn nothing_is_taken_by(own: Parameters) {
    let n = own.n();
    let limits = FairLimits {
        member_count_max: 7,
        leaver_count_max: 2,
        first_hand_count_max: 32,
        log_age_slots_max: 4,
        ..FairLimits::default()
    };
    let parts = parts(2, &limits);
    let make = || FairStream::new(own, &limits, &parts, Rank::Copeland, [1, 2]).expect("valid");
    let (mut stream, mut restored) = (make(), make());
    let mut trial = TrialStream::new(make());
    let mut twin = StreamTwin::new(own, &limits, &parts, Rank::Copeland).expect("valid");
    let make = |me| FairMember::new(own, &limits, &parts, me, [1, 2]).expect("valid");
    let mut members: Vec<FairMember> = (0..n).map(make).collect();
    let none = Entry {
        base: Height::ZERO,
        kind: EntryKind::Stamp(UnixNs::ZERO),
    };
    let mut outs = vec![vec![none; limits.extent_entries_max as usize]; n as usize];
    let mut bytes = vec![0; 1 << 20];
    let slots = [RollupSlot::default(); 2];
    let mut drained = 0;
    let before = CALLS.get();
    for slot in 0..30_u64 {
        let mut extents = [Extent::default(); 5];
        for ((at, member), out) in (0..).zip(&mut members).zip(&mut outs) {
            for place in 0..8 {
                // Each member receives the slot's bodies in an order of its own.
                let own = id(slot * 8 + (place * 3 + at) % 8);
                let facts = All.facts(&own).expect("read from the id");
                let source = BodySource::FirstHand;
                let taken = member.handle_body(&stream, own, facts, source);
                assert!(taken.is_ok());
            }
            let stamp = Some(UnixNs::new(slot + 1));
            let count = member.poll_entries(&stream, &NoAccounts, stamp, out);
            extents[at as usize] = Extent::moved(&out[..count]);
        }
        let height = Height::new(slot + 1);
        let cut = Cut {
            height,
            extents: &extents,
        };
        stream.apply(&cut, &slots, &All).expect("a valid cut");
        try_and_decide(&mut trial, &cut, &slots);
        twin.apply(&cut, &slots, &All).expect("a valid cut");
        twin.compare(&stream).expect("the same");
        stream.verify().expect("whole");
        for (member, extent) in members.iter_mut().zip(&extents) {
            let told = member.handle_decided(&stream, extent.entries.len() as u32);
            told.expect("it signed that");
            assert_eq!(member.tail().count(), 0);
        }
        let len = stream.encode(&mut bytes).expect("room");
        restored.decode(&bytes[..len]).expect("the same limits");
        assert_eq!(stream.state_hash(), restored.state_hash());
        assert_eq!(stream.state_hash(), trial.state_hash());
        drained += stream.drained().len();
        let states = (&mut stream, &mut twin, &mut trial);
        change(slot, states, &mut members);
    }
    assert_eq!(CALLS.get(), before, "the allocator was called");
    assert_eq!(stream.epoch().get(), 1);
    assert!(drained > 100, "{drained}");
}

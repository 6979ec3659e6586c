//! Receive logs and the median order take from the allocator what their footprints say, and nothing
//! afterwards.
#![allow(unsafe_code, reason = "an allocator that counts is an unsafe trait")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use hauptbuch_core::ordering::median::{MedianLimits, MedianOrder, MedianTwin};
use hauptbuch_core::receive_log::{
    Cut, Entry, Extents, LogId, LogMark, LogSigner, LogVerifier, Naming, OwnLog, OwnRecord, Point,
    ReceiveLogLimits, STATEMENT_LEN, verify_fork,
};
use hauptbuch_core::types::{Epoch, Hash, Height, LogPosition, RollupId, TxId, UnixNs};

thread_local! {
    /// Bytes given out to this thread, and how often it asked or gave back.
    static BYTES: Cell<u64> = const { Cell::new(0) };
    static CALLS: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

fn count(bytes: usize) {
    BYTES.set(BYTES.get() + bytes as u64);
    CALLS.set(CALLS.get() + 1);
}

// SAFETY: every call goes to the system's allocator unchanged; counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller's promise about `layout` is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        count(new_size);
        // SAFETY: as above, and `place` was given out by the same allocator.
        unsafe { System.realloc(place, layout, new_size) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        count(0);
        // SAFETY: as above.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn bytes_of<T>(make: impl FnOnce() -> T) -> (T, u64) {
    let before = BYTES.get();
    let made = make();
    (made, BYTES.get() - before)
}

/// A signature that any bytes are, as long as they are the statement's end.
struct Echo;

impl LogSigner for Echo {
    fn suite(&self) -> u8 {
        1
    }

    fn sign(&mut self, statement: &[u8; STATEMENT_LEN], out: &mut [u8]) -> Option<usize> {
        let end = &statement[STATEMENT_LEN - 48..];
        out.get_mut(..48)?.copy_from_slice(end);
        Some(48)
    }
}

impl LogVerifier for Echo {
    fn suite(&self) -> u8 {
        1
    }

    fn verify(&self, _: u16, statement: &[u8; STATEMENT_LEN], signature: &[u8]) -> bool {
        statement.ends_with(signature) && signature.len() == 48
    }
}

const LIMITS: ReceiveLogLimits = ReceiveLogLimits {
    log_count_max: 4,
    extent_entries_max: 32,
    signature_bytes_max: 48,
};

fn start(member: u16) -> Point {
    let log = LogId {
        chain_id: 1,
        epoch: Epoch::ZERO,
        member,
    };
    Point {
        position: LogPosition::ZERO,
        running: log.start(&Hash::ZERO),
    }
}

fn own(member: u16) -> OwnLog {
    let record = OwnRecord {
        log: LogId {
            chain_id: 1,
            epoch: Epoch::ZERO,
            member,
        },
        end: start(member),
        base: Height::ZERO,
        stamp: UnixNs::ZERO,
    };
    OwnLog::new(&LIMITS, &record, LogPosition::ZERO)
}

fn id(slot: u64, member: u16, number: u64) -> TxId {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&(slot * 1_000 + number).to_le_bytes());
    bytes[8..10].copy_from_slice(&member.to_le_bytes());
    TxId::new(bytes)
}

#[test]
fn logs_take_what_their_footprint_says_and_nothing_afterwards() {
    let marks: Vec<LogMark> = (0..4)
        .map(|member| LogMark {
            at: start(member),
            ..LogMark::default()
        })
        .collect();
    let (held, bytes) = bytes_of(|| Extents::new(&LIMITS, 1, Epoch::ZERO, &marks));
    assert_eq!(bytes, Extents::footprint_bytes(&LIMITS));
    let mut held = held.unwrap();
    let (first, bytes) = bytes_of(|| own(0));
    assert_eq!(bytes, OwnLog::footprint_bytes(&LIMITS));
    let both = Extents::footprint_bytes(&LIMITS) + OwnLog::footprint_bytes(&LIMITS);
    assert_eq!(LIMITS.footprint_bytes(), both);
    let (mut cut, bytes) = bytes_of(|| Cut::new(4));
    assert_eq!(bytes, Cut::footprint_bytes(4));

    let mut logs = [first, own(1), own(2), own(3)];
    let mut liar = own(3);
    let mut out = vec![0; LIMITS.extension_bytes_max() as usize];
    let mut evidence = vec![0; LIMITS.fork_bytes_max() as usize];
    let calls = CALLS.get();
    let (mut entries, mut forks) = (0, 0);
    for slot in 1..200_u64 {
        for (member, log) in (0..).zip(&mut logs) {
            log.append(Entry::Stamp(UnixNs::new(slot))).unwrap();
            for number in 0..5 {
                let entry = Entry::Id {
                    rollup: RollupId::new(1),
                    id: id(slot, member, number),
                    sealed: false,
                    body_bytes: 9,
                };
                log.append(entry).unwrap();
            }
            let len = log
                .extend(Height::new(slot - 1), &mut Echo, &mut out)
                .unwrap();
            held.admit(&out[..len], &Echo, &mut evidence).unwrap();
        }
        if slot == 1 {
            liar.append(Entry::Closed).unwrap();
            let len = liar.extend(Height::ZERO, &mut Echo, &mut out).unwrap();
            let admitted = held.admit(&out[..len], &Echo, &mut evidence).unwrap();
            verify_fork(&evidence[..admitted.fork_bytes], &LIMITS, &Echo).unwrap();
            forks += 1;
        }
        held.propose(Height::new(slot), &mut cut).unwrap();
        held.name(Naming::Current, &cut).unwrap();
        held.check_cut(&cut, Height::new(slot)).unwrap();
        entries += held.entries(&cut).unwrap().count();
        held.decide(&cut).unwrap();
        for (log, point) in logs.iter_mut().zip(cut.points()) {
            log.handle_decided(point.position, UnixNs::new(slot));
        }
    }
    assert_eq!((entries, forks), (199 * 4 * 6, 1));
    assert_eq!(
        CALLS.get(),
        calls,
        "nothing allocates after the constructors"
    );
}

#[test]
fn states_of_logs_are_written_without_memory_and_restored_in_the_same() {
    let marks: Vec<LogMark> = (0..4)
        .map(|member| LogMark {
            at: start(member),
            ..LogMark::default()
        })
        .collect();
    let mut held = Extents::new(&LIMITS, 1, Epoch::ZERO, &marks).unwrap();
    let mut log = own(0);
    let mut state = vec![0; Extents::state_bytes_max(&LIMITS) as usize];
    let mut out = vec![0; LIMITS.extension_bytes_max() as usize];
    log.append(Entry::Stamp(UnixNs::new(1))).unwrap();
    let len = log.extend(Height::ZERO, &mut Echo, &mut out).unwrap();
    held.admit(&out[..len], &Echo, &mut []).unwrap();

    let calls = CALLS.get();
    let len = held.write_state(&mut state).unwrap();
    assert_eq!((len, CALLS.get()), (held.state_len(), calls));
    let (again, bytes) = bytes_of(|| Extents::restore(&LIMITS, 1, &state[..len]));
    assert!(again.is_ok());
    assert_eq!(bytes, Extents::footprint_bytes(&LIMITS));

    let calls = CALLS.get();
    let len = log.write_state(&mut state).unwrap();
    assert_eq!((len, CALLS.get()), (log.state_len(), calls));
    let (again, bytes) = bytes_of(|| OwnLog::restore(&LIMITS, log.record().log, &state[..len]));
    assert!(again.is_ok());
    assert_eq!(bytes, OwnLog::footprint_bytes(&LIMITS));
}

#[test]
fn the_median_order_takes_what_its_footprint_says_and_nothing_afterwards() {
    let limits = MedianLimits {
        log_count: 5,
        id_count_max: 100,
    };
    let (order, bytes) = bytes_of(|| MedianOrder::new(&limits, [1, 2]));
    assert_eq!(bytes, MedianOrder::footprint_bytes(&limits));
    let (twin, bytes) = bytes_of(|| MedianTwin::new(&limits, [3, 4]));
    assert_eq!(bytes, MedianTwin::footprint_bytes(&limits));
    let (mut order, mut twin) = (order.unwrap(), twin.unwrap());
    let calls = CALLS.get();
    let mut count = 0;
    for slot in 1..200_u64 {
        for log in 0..5 {
            for number in 0..10 {
                let time = UnixNs::new(slot * 100 + (number * 7 + u64::from(log) * 3) % 10);
                let id = id(slot, 0, number);
                order.stamp(log, time).unwrap();
                twin.stamp(log, time).unwrap();
                order.append(log, &id).unwrap();
                twin.append(log, &id).unwrap();
            }
            order.stamp(log, UnixNs::new(slot * 100 + 50)).unwrap();
            twin.stamp(log, UnixNs::new(slot * 100 + 50)).unwrap();
        }
        let released = order.release();
        twin.check(released.iter().map(|one| &one.id)).unwrap();
        count += released.len();
        for number in 0..10 {
            order.forget(&id(slot, 0, number));
            twin.forget(&id(slot, 0, number));
        }
    }
    assert_eq!(count, 1_990);
    assert_eq!(
        CALLS.get(),
        calls,
        "nothing allocates after the constructors"
    );
}

//! Writing snapshots and journals, and replaying, allocates nothing.
#![allow(unsafe_code, reason = "an allocator that counts is an unsafe trait")]

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use common::{ROLLUPS, config, envelope, submission, tiny_limits};
use hauptbuch_core::config::Policy;
use hauptbuch_core::coordinator::{TransactionCoordinator, WhenEmpty};
use hauptbuch_core::limits::Limits;
use hauptbuch_core::snapshot::replay;
use hauptbuch_core::types::{Tick, UnixNs};

thread_local! {
    /// How often this thread asked for memory.
    static CALLS: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: every call goes to the system's allocator unchanged; counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        CALLS.set(CALLS.get() + 1);
        // SAFETY: the caller's promise about `layout` is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: as above, and `place` was given out by the same allocator.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Submissions, slots, reads, and now and then a checkpoint, with the journal behind `journal`.
fn work(own: &mut TransactionCoordinator, snapshot: &mut [u8], journal: &mut [u8]) -> usize {
    let mut len = own.poll_journal(journal);
    for at in 1..40_u64 {
        let (now, time) = (Tick::new(at), UnixNs::new(at));
        let rollup = ROLLUPS[at as usize % 2];
        let own_envelope = envelope(rollup, (at % 5) as u8, at / 10);
        let _ = own.submit(&submission(own_envelope, &[1; 90]), now, time);
        if at % 4 == 0 {
            let _ = own.take(now, time, WhenEmpty::EmptySlot);
            let _ = own.acknowledge(own.acknowledged_height().next(), now);
            while own.poll_event().is_some() {}
        }
        len += own.poll_journal(&mut journal[len..]);
        own.snapshot(snapshot).unwrap();
        if at == 20 {
            own.checkpoint(snapshot).unwrap();
            len = own.poll_journal(journal);
        }
    }
    len
}

#[test]
fn nothing_allocates_but_constructors() {
    let config = config(Policy::Fcfs);
    let limits = Limits {
        journal_bytes_max: 2_048,
        ..tiny_limits()
    };
    let mut own = TransactionCoordinator::new(&config, &limits).unwrap();
    let (mut snapshot, mut journal) = (vec![0; 16_384], vec![0; 65_536]);
    let before = CALLS.get();
    let len = work(&mut own, &mut snapshot, &mut journal);
    assert_eq!(CALLS.get(), before, "writing allocates");
    assert!(len > 3_000, "{len}");

    let mut base = TransactionCoordinator::new(&config, &limits).unwrap();
    let mut first = vec![0; 65_536];
    let len = base.poll_journal(&mut first);
    let (now, time) = (Tick::new(1), UnixNs::new(1));
    base.take(now, time, WhenEmpty::EmptySlot).unwrap();
    let len = len + base.poll_journal(&mut first[len..]);
    let mut again = TransactionCoordinator::new(&config, &limits).unwrap();
    let before = CALLS.get();
    assert_eq!(replay(&mut again, &first[..len]).unwrap().records, 1);
    assert_eq!(CALLS.get(), before, "replaying allocates");
    assert_eq!(again.tip(), base.tip());
}

//! The engines of a world take memory when they are made and never again, whatever comes in.
#![allow(unsafe_code, reason = "an allocator that counts is an unsafe trait")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use hauptbuch_sim::world::{FaultSet, Settings, run_probed};

thread_local! {
    static IS_INSIDE: Cell<bool> = const { Cell::new(false) };
    static CALLS: Cell<u64> = const { Cell::new(0) };
    static ENTRIES: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

fn count() {
    if IS_INSIDE.get() {
        CALLS.set(CALLS.get() + 1);
    }
}

// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promise about `layout` is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        count();
        // SAFETY: as above, and `place` was given out by the same allocator.
        unsafe { System.realloc(place, layout, new_size) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        count();
        // SAFETY: as above.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn probe(is_inside: bool) {
    IS_INSIDE.set(is_inside);
    ENTRIES.set(ENTRIES.get() + u64::from(is_inside));
}

#[test]
fn engines_allocate_nothing_under_any_fault() {
    let settings = Settings::new(7, 3, FaultSet::ALL);
    for seed in 0..20 {
        let report = run_probed(&settings, seed, probe);
        assert_eq!(
            report.violations.total(),
            0,
            "seed {seed}: {:?}",
            report.first
        );
        let bytes = settings.limits().footprint().bytes();
        assert!(report.memory_bytes > bytes, "seed {seed}");
    }
    assert!(ENTRIES.get() > 100_000, "the core was entered");
    assert_eq!(CALLS.get(), 0, "memory was taken or given back in the core");
}

#[test]
fn an_allocation_inside_would_be_counted() {
    probe(true);
    drop(std::hint::black_box(vec![0_u8; 100]));
    probe(false);
    assert_eq!(CALLS.get(), 2);
}

//! The allocator of tests that look at memory: it counts what each thread asks for, so that the
//! test runner's own threads do not disturb, and can end the process where nobody should ask.
//!
//! A test that wants it says `#[path = "common/counting.rs"] mod counting;`.
#![allow(unsafe_code, reason = "an allocator is an unsafe trait")]
#![allow(dead_code, reason = "each test uses its part")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    static HELD_BYTES: Cell<i64> = const { Cell::new(0) };
    static GIVEN_BYTES: Cell<u64> = const { Cell::new(0) };
    static GROWTHS: Cell<u64> = const { Cell::new(0) };
    static CALLS: Cell<u64> = const { Cell::new(0) };
    static IS_FORBIDDEN: Cell<bool> = const { Cell::new(false) };
}

/// Bytes given out to this thread, less those given back.
pub fn held_bytes() -> i64 {
    HELD_BYTES.get()
}

/// Bytes given out to this thread, whatever became of them; what is moved counts again.
pub fn given_bytes() -> u64 {
    GIVEN_BYTES.get()
}

/// How often this thread asked for memory, or for more of it.
pub fn growths() -> u64 {
    GROWTHS.get()
}

/// How often this thread asked, or gave back. Giving back is no less a sign that some was taken.
pub fn calls() -> u64 {
    CALLS.get()
}

/// Runs `work` in a process that dies with the first call on this thread.
pub fn forbidding<T>(work: impl FnOnce() -> T) -> T {
    IS_FORBIDDEN.set(true);
    let result = work();
    IS_FORBIDDEN.set(false);
    result
}

/// Runs `work`, which must neither ask nor give back.
pub fn without_calls<T>(work: impl FnOnce() -> T) -> T {
    let before = calls();
    let result = work();
    assert_eq!(calls(), before, "the allocator was called");
    result
}

fn count(taken: usize, returned: usize) {
    if IS_FORBIDDEN.get() {
        IS_FORBIDDEN.set(false);
        let trace = std::backtrace::Backtrace::force_capture();
        eprintln!("an allocation after construction:\n{trace}");
        std::process::abort();
    }
    HELD_BYTES.set(HELD_BYTES.get() + taken as i64 - returned as i64);
    GIVEN_BYTES.set(GIVEN_BYTES.get() + taken as u64);
    GROWTHS.set(GROWTHS.get() + u64::from(taken > returned));
    CALLS.set(CALLS.get() + 1);
}

struct Counting;

// SAFETY: every call goes to the system's allocator unchanged, or ends the process; counting
// touches only this thread's cells, which need no allocation and no destructor.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 0);
        // SAFETY: the caller's promise about `layout` is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 0);
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        count(new_size, layout.size());
        // SAFETY: as above, and `place` was given out by the same allocator.
        unsafe { System.realloc(place, layout, new_size) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        count(0, layout.size());
        // SAFETY: as above.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

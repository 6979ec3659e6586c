//! The core in a program that has nothing: no standard library, no libc, no start files.
//!
//! It takes a few slots, verifies them, and prints their hashes, a line each. Memory comes from an
//! array that only ever fills up, so what the core allocates after construction would show as
//! exhaustion sooner or later. Linux serves only to print and to end.
#![no_std]
#![no_main]

mod scenario;

use core::alloc::{GlobalAlloc, Layout};
use core::arch::{asm, global_asm};
use core::cell::UnsafeCell;
use core::fmt::{self, Write};
use core::panic::PanicInfo;

// The kernel enters with the stack pointer aligned to 16 bytes and no return address; a call pushes
// one, as the calling convention expects.
global_asm!(
    ".globl _start",
    "_start:",
    "xor ebp, ebp",
    "and rsp, -16",
    "call {main}",
    "ud2",
    main = sym main,
);

extern "C" fn main() -> ! {
    let status = match scenario::run() {
        Ok(hashes) => {
            let printed = hashes
                .iter()
                .try_for_each(|hash| writeln!(StandardOutput, "{hash}"));
            i32::from(printed.is_err())
        }
        Err(code) => {
            // Nothing is left to do where even this cannot be written.
            let _ = writeln!(StandardOutput, "{code}");
            2
        }
    };
    exit(status)
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    // As above.
    let _ = writeln!(StandardOutput, "{info}");
    exit(3)
}

struct StandardOutput;

impl Write for StandardOutput {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text.as_bytes();
        while !rest.is_empty() {
            let written = system_call(1, 1, rest.as_ptr() as usize, rest.len());
            rest = usize::try_from(written)
                .ok()
                .filter(|written| *written > 0)
                .and_then(|written| rest.get(written..))
                .ok_or(fmt::Error)?;
        }
        Ok(())
    }
}

fn exit(status: i32) -> ! {
    loop {
        system_call(60, status as usize, 0, 0);
    }
}

/// Asks Linux on x86-64 for `write` (1) or `exit` (60).
fn system_call(number: usize, first: usize, second: usize, third: usize) -> isize {
    let result;
    // SAFETY: `write` only reads the bytes that the caller borrows, and `exit` does not return. The
    // kernel overwrites no registers but these three.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") number as isize => result,
            in("rdi") first,
            in("rsi") second,
            in("rdx") third,
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
    result
}

/// Bytes of all the memory that the program has.
const MEMORY_BYTES: usize = 1 << 20;

#[repr(align(64))]
struct Memory {
    bytes: UnsafeCell<[u8; MEMORY_BYTES]>,
    used: UnsafeCell<usize>,
}

// SAFETY: the program has one thread.
unsafe impl Sync for Memory {}

#[global_allocator]
static MEMORY: Memory = Memory {
    bytes: UnsafeCell::new([0; MEMORY_BYTES]),
    used: UnsafeCell::new(0),
};

// SAFETY: each call gives out bytes after all that were given out before, aligned as asked for, and
// inside the array.
unsafe impl GlobalAlloc for Memory {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the program has one thread, and no reference to `used` outlives this call.
        let used = unsafe { &mut *self.used.get() };
        let base = self.bytes.get().cast::<u8>();
        let start = (base as usize + *used).next_multiple_of(layout.align()) - base as usize;
        match start.checked_add(layout.size()) {
            Some(end) if end <= MEMORY_BYTES => {
                *used = end;
                // SAFETY: `start` lies inside the array.
                unsafe { base.add(start) }
            }
            _ => core::ptr::null_mut(),
        }
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

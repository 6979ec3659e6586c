//! Where C ends: pointers become references, panics become a status.

use std::cell::Cell;
use std::mem::MaybeUninit;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::status::hb_status;

/// What the body of a function comes to.
pub type Outcome = Result<(), hb_status>;

/// Runs the body of a function; a panic goes no further than here.
pub fn guard(body: impl FnOnce() -> Outcome) -> hb_status {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => hb_status::Ok,
        Ok(Err(status)) => status,
        Err(payload) => {
            // Its destructor could panic once more, and that panic would end in the caller.
            std::mem::forget(payload);
            hb_status::Panicked
        }
    }
}

/// What a handle leads to, with the mark of a panic that may have left it half changed.
#[derive(Debug)]
pub struct Guarded<T> {
    inner: T,
    /// Set once, by whichever call panicked; a call that only reads can be the one.
    is_poisoned: Cell<bool>,
}

impl<T> Guarded<T> {
    /// Wraps what an `open` function made.
    pub const fn new(inner: T) -> Self {
        Self {
            inner,
            is_poisoned: Cell::new(false),
        }
    }

    /// Runs a body that reads.
    pub fn read(&self, body: impl FnOnce(&T) -> Outcome) -> hb_status {
        if self.is_poisoned.get() {
            return hb_status::Poisoned;
        }
        let status = guard(|| body(&self.inner));
        self.note(status)
    }

    /// Runs a body that changes something.
    pub fn change(&mut self, body: impl FnOnce(&mut T) -> Outcome) -> hb_status {
        if self.is_poisoned.get() {
            return hb_status::Poisoned;
        }
        let inner = &mut self.inner;
        let status = guard(|| body(inner));
        self.note(status)
    }

    fn note(&self, status: hb_status) -> hb_status {
        if status == hb_status::Panicked {
            self.is_poisoned.set(true);
        }
        status
    }
}

/// A structure that may grow, and says in its first field how large its owner knows it.
///
/// # Safety
/// It is `repr(C)`, and its first field is the `u32` of that size.
pub unsafe trait Growing: Copy {
    /// Its size in this version, in bytes.
    const SIZE: u32 = size_of::<Self>() as u32;
    /// The sizes that it had before fields were added at its end, each a multiple of its alignment.
    const EARLIER_SIZES: &'static [u32] = &[];

    /// Refuses a size that no version of the structure has.
    fn check_size(size: usize) -> Outcome {
        let is_known = size == Self::SIZE as usize
            || Self::EARLIER_SIZES
                .iter()
                .any(|earlier| size == *earlier as usize);
        if is_known {
            Ok(())
        } else {
            Err(hb_status::InvalidStructSize)
        }
    }
}

/// A structure that callers fill in.
///
/// # Safety
/// Every combination of bytes is a value of it.
pub unsafe trait Input: Growing {
    /// What it would hold if only fields were set that are in its first version: what was so before
    /// the others came.
    fn before_growth() -> Self;
}

/// A structure that the caller filled in, of this version or an earlier one.
///
/// # Safety
/// See *Pointers* in the crate's documentation.
pub unsafe fn input<T: Input>(pointer: *const T) -> Result<T, hb_status> {
    // SAFETY: passed on to the caller.
    let size = unsafe { check_growing(pointer) }?;
    let mut value = T::before_growth();
    let (from, to) = (pointer.cast::<u8>(), (&raw mut value).cast::<u8>());
    // SAFETY: the caller has as many bytes there as the structure says, which is no more than the
    // type has, and all of whose values are valid.
    unsafe { std::ptr::copy_nonoverlapping(from, to, size) };
    Ok(value)
}

/// The same, or nothing where the caller leaves it out.
///
/// # Safety
/// See *Pointers* in the crate's documentation.
pub unsafe fn optional_input<T: Input>(pointer: *const T) -> Result<Option<T>, hb_status> {
    if pointer.is_null() {
        return Ok(None);
    }
    // SAFETY: passed on to the caller.
    unsafe { input(pointer) }.map(Some)
}

/// A structure to fill in, of which the caller has set the size.
///
/// # Safety
/// See *Pointers* in the crate's documentation.
pub unsafe fn growing_output<'a, T: Growing>(
    pointer: *mut T,
) -> Result<&'a mut MaybeUninit<T>, hb_status> {
    // SAFETY: passed on to the caller.
    let size = unsafe { check_growing(pointer.cast_const()) }?;
    if size < T::SIZE as usize {
        // No structure that is given out has grown, so the caller has room for all of it or none.
        return Err(hb_status::InvalidStructSize);
    }
    // SAFETY: passed on to the caller.
    unsafe { output(pointer) }
}

/// Checks a pointer and the size behind it, which it returns.
///
/// # Safety
/// See *Pointers* in the crate's documentation.
unsafe fn check_growing<T: Growing>(pointer: *const T) -> Result<usize, hb_status> {
    check(pointer)?;
    // SAFETY: it is neither null nor misaligned, and the trait says what comes first. Only these
    // four bytes are sure to be there yet.
    let size = unsafe { pointer.cast::<u32>().read() } as usize;
    T::check_size(size)?;
    Ok(size)
}

/// A place to write to.
///
/// # Safety
/// See *Pointers* in the crate's documentation.
pub unsafe fn output<'a, T>(pointer: *mut T) -> Result<&'a mut MaybeUninit<T>, hb_status> {
    check(pointer.cast_const())?;
    // SAFETY: it is neither null nor misaligned, and nobody else uses the place; `MaybeUninit`
    // asks nothing of what stands there.
    unsafe { pointer.cast::<MaybeUninit<T>>().as_mut() }.ok_or(hb_status::NullPointer)
}

/// A place to write to, unless the caller does not want to know.
///
/// # Safety
/// See *Pointers* in the crate's documentation.
pub unsafe fn optional_output<'a, T>(
    pointer: *mut T,
) -> Result<Option<&'a mut MaybeUninit<T>>, hb_status> {
    if pointer.is_null() {
        return Ok(None);
    }
    // SAFETY: passed on to the caller.
    unsafe { output(pointer) }.map(Some)
}

/// Elements to read; null is allowed where there are none.
///
/// # Safety
/// See *Pointers* in the crate's documentation.
pub unsafe fn slice<'a, T>(pointer: *const T, len: usize) -> Result<&'a [T], hb_status> {
    if len == 0 {
        return Ok(&[]);
    }
    check_len(pointer, len)?;
    // SAFETY: it is neither null nor misaligned, no longer than memory can be, and the caller
    // vouches for the elements.
    Ok(unsafe { std::slice::from_raw_parts(pointer, len) })
}

/// An array of bytes to read.
///
/// # Safety
/// See *Pointers* in the crate's documentation.
pub unsafe fn array<const LEN: usize>(pointer: *const u8) -> Result<[u8; LEN], hb_status> {
    check(pointer)?;
    // SAFETY: it is not null, an array of bytes is as aligned as a byte, and the caller vouches for
    // the elements.
    Ok(unsafe { pointer.cast::<[u8; LEN]>().read() })
}

/// Places to write to; null is allowed where there are none.
///
/// # Safety
/// See *Pointers* in the crate's documentation.
pub unsafe fn slice_output<'a, T>(
    pointer: *mut T,
    len: usize,
) -> Result<&'a mut [MaybeUninit<T>], hb_status> {
    if len == 0 {
        return Ok(&mut []);
    }
    check_len(pointer.cast_const(), len)?;
    // SAFETY: as in `slice`, and nobody else uses the places.
    Ok(unsafe { std::slice::from_raw_parts_mut(pointer.cast(), len) })
}

fn check_len<T>(pointer: *const T, len: usize) -> Outcome {
    check(pointer)?;
    let bytes = len.checked_mul(size_of::<T>());
    if bytes.is_some_and(|bytes| isize::try_from(bytes).is_ok()) {
        Ok(())
    } else {
        Err(hb_status::InvalidArgument)
    }
}

fn check<T>(pointer: *const T) -> Outcome {
    if pointer.is_null() {
        Err(hb_status::NullPointer)
    } else if pointer.is_aligned() {
        Ok(())
    } else {
        Err(hb_status::InvalidArgument)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_a_status_and_poisons_the_handle() {
        let mut handle = Guarded::new(7);
        let panicked = handle.change(|inner| {
            *inner = 8;
            panic!("a test wants this panic");
        });
        assert_eq!(panicked, hb_status::Panicked);
        assert_eq!(handle.change(|_| Ok(())), hb_status::Poisoned);
        assert_eq!(handle.read(|_| Ok(())), hb_status::Poisoned);
    }

    #[test]
    fn a_panic_while_reading_poisons_as_well() {
        let handle = Guarded::new(());
        assert_eq!(handle.read(|()| Ok(())), hb_status::Ok);
        assert_eq!(
            handle.read(|()| panic!("a test wants this panic")),
            hb_status::Panicked
        );
        assert_eq!(handle.read(|()| Ok(())), hb_status::Poisoned);
    }

    #[test]
    fn what_a_panic_carries_is_not_dropped_where_it_could_panic_again() {
        struct PanicsWhenDropped;
        impl Drop for PanicsWhenDropped {
            fn drop(&mut self) {
                panic!("this one must not get out");
            }
        }
        let status = guard(|| std::panic::panic_any(PanicsWhenDropped));
        assert_eq!(status, hb_status::Panicked);
    }

    #[test]
    fn pointers_are_checked_before_anything_is_read() {
        let words = [1_u64, 2];
        let misaligned = words.as_ptr().cast::<u8>().wrapping_add(1).cast::<u64>();
        // SAFETY: only the first is read from, and it is valid.
        unsafe {
            assert_eq!(slice(words.as_ptr(), 2), Ok(&words[..]));
            assert_eq!(slice(misaligned, 1), Err(hb_status::InvalidArgument));
            assert_eq!(
                slice(words.as_ptr(), usize::MAX / 8),
                Err(hb_status::InvalidArgument)
            );
            assert_eq!(
                slice::<u64>(std::ptr::null(), 1),
                Err(hb_status::NullPointer)
            );
            assert_eq!(slice::<u64>(std::ptr::null(), 0), Ok(&[][..]));
        }
    }
}

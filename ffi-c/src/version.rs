//! Which library this is.

use std::ffi::c_char;

/// The number of the binary interface; also the end of the shared library's SONAME.
///
/// It grows whenever a program that was built against an older header could break. 0 promises
/// nothing between versions.
pub const HB_ABI_VERSION: u32 = 0;

/// The binary interface that the library has.
///
/// A program compares it with `HB_ABI_VERSION`, the one that it was built for, before anything
/// else. Any thread, at any time.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn hb_abi_version() -> u32 {
    HB_ABI_VERSION
}

/// The library's version, as in "0.1.0". The text is static and ends with a zero byte.
///
/// Any thread, at any time.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn hb_version_string() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}

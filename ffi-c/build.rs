//! Gives the shared library the name that the dynamic linker looks for.
//!
//! Without a SONAME a program would record the path of the build directory. The number is
//! `HB_ABI_VERSION`; a test compares the two.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let is_elf = std::env::var("CARGO_CFG_TARGET_OS")
        .is_ok_and(|system| ["linux", "freebsd", "netbsd", "openbsd"].contains(&system.as_str()));
    if is_elf {
        println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libhauptbuch.so.0");
    }
}

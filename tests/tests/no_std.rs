//! The core without a standard library: a program that has nothing below it runs, and gives the
//! same slots as here; and the core builds for a microcontroller, which has no 64-bit words.

use std::path::{Path, PathBuf};
use std::process::Command;

#[path = "../freestanding/src/scenario.rs"]
mod scenario;

/// The lines that the program prints.
fn expected_lines() -> String {
    let hashes = scenario::run().unwrap();
    hashes.iter().map(|hash| format!("{hash}\n")).collect()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Fails with the command to run where the standard parts of a target are not installed.
fn require_target(target: &str) {
    let printed = Command::new("rustc")
        .args(["--print", "target-libdir", "--target", target])
        .output()
        .expect("rustc is missing: install Rust from https://rustup.rs");
    let folder = String::from_utf8_lossy(&printed.stdout).trim().to_owned();
    assert!(
        Path::new(&folder).is_dir(),
        "the Rust target {target} is missing: run `make setup` or `rustup target add {target}`"
    );
}

/// Builds in `folder` with nothing of the outer build but its cargo: flags for other targets and
/// models would not fit.
fn build(folder: &Path, target_dir: &Path, arguments: &[&str]) {
    let status = Command::new(env!("CARGO"))
        .current_dir(folder)
        .args(["build", "--release", "--quiet", "--target-dir"])
        .arg(target_dir)
        .args(arguments)
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env_remove("CARGO_BUILD_TARGET")
        .status()
        .unwrap();
    assert!(
        status.success(),
        "cargo build failed in {}",
        folder.display()
    );
}

/// Only Linux on x86-64 can start the program; the other test holds `no_std` elsewhere.
#[test]
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn a_program_without_an_operating_system_below_it_gives_the_same_slots() {
    let target = "x86_64-unknown-none";
    require_target(target);
    let target_dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("freestanding");
    build(&root().join("tests/freestanding"), &target_dir, &[]);
    let program = target_dir.join(target).join("release/freestanding");
    let run = Command::new(&program).output().unwrap();
    let printed = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success(), "{}: {printed}", run.status);
    assert_eq!(printed, expected_lines());
}

#[test]
fn the_core_builds_for_a_microcontroller() {
    let target = "thumbv7em-none-eabihf";
    require_target(target);
    let target_dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("microcontroller");
    build(
        &root().join("core"),
        &target_dir,
        &["--lib", "--target", target],
    );
}

#[test]
fn the_scenario_fills_slots_and_leaves_some_waiting() {
    let hashes = scenario::run().unwrap();
    let mut distinct = hashes.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), scenario::SLOT_COUNT);
}

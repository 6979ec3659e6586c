//! Builds C programs against the library as its users would, and runs them.
#![allow(dead_code, reason = "each file of tests uses its part")]

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

/// An example as a program with this name, linked with the static library.
pub fn compile(example: &str, name: &str, flags: &[&str]) -> PathBuf {
    let crate_dir = Path::new(env!("CARGO_MANIFEST_DIR"));
    let program = scratch().join(name);
    let warnings = "-Wall -Wextra -Werror -pedantic -Wconversion -Wshadow -Wstrict-prototypes";
    let done = run(Command::new("cc")
        .args(["-std=c11", "-O1", "-g"])
        .args(warnings.split(' '))
        .args(flags)
        .arg("-I")
        .arg(crate_dir.join("../include"))
        .arg(crate_dir.join(format!("examples/{example}.c")))
        .arg(library_dir().join("libhauptbuch.a"))
        .args(["-lpthread", "-ldl", "-lm", "-o"])
        .arg(&program));
    let told = text(&done.stderr);
    assert!(
        done.status.success(),
        "{example}.c does not build with {flags:?}:\n{told}"
    );
    program
}

/// The command that runs a program under valgrind: it fails for any leak and any stray access.
pub fn valgrind(program: &Path) -> Command {
    let mut command = Command::new("valgrind");
    command
        .args(["--quiet", "--error-exitcode=9", "--leak-check=full"])
        .args(["--show-leak-kinds=all", "--errors-for-leak-kinds=all"])
        .arg(program);
    command
}

/// Where the libraries for C stand.
///
/// A test of Cargo's gets only the Rust library, so this builds the others, once, in a directory
/// of its own: the one of the outer run may be locked, and its layout is Cargo's affair.
pub fn library_dir() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let target = scratch().join("c-library");
        let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        // What the test was built from is there, so nothing needs to be fetched.
        command
            .args([
                "build",
                "--offline",
                "--lib",
                "--package",
                "hauptbuch-ffi-c",
                "--target-dir",
            ])
            .arg(&target)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .env_remove("CARGO_BUILD_TARGET");
        let is_release = !cfg!(debug_assertions);
        if is_release {
            command.arg("--release");
        }
        let done = run(&mut command);
        assert!(
            done.status.success(),
            "the library does not build:\n{}",
            text(&done.stderr)
        );
        target.join(if is_release { "release" } else { "debug" })
    })
}

pub fn scratch() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
}

pub fn write(name: &str, content: &str) -> PathBuf {
    let path = scratch().join(name);
    fs::write(&path, content).expect("the directory for a test's files can be written to");
    path
}

pub fn run(command: &mut Command) -> Output {
    let name = command.get_program().to_owned();
    command
        .output()
        .unwrap_or_else(|error| panic!("this test needs `{}`: {error}", display(&name)))
}

fn display(name: &OsStr) -> String {
    name.to_string_lossy().into_owned()
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

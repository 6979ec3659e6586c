//! Writes the test vectors to `tests/vectors`.
//!
//! Run it after a change of format that is meant, and read the difference before committing it:
//! every changed line is a promise to other languages that changes.

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors");
    for file in hauptbuch_tests::vectors::files() {
        let path = folder.join(file.name);
        if let Err(error) = std::fs::write(&path, &file.text) {
            eprintln!("cannot write {}: {error}", path.display());
            return ExitCode::FAILURE;
        }
        println!("{} ({} bytes)", file.name, file.text.len());
    }
    ExitCode::SUCCESS
}

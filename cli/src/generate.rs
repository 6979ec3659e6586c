//! `hauptbuch generate`.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use hauptbuch_sim::output::Digest;
use hauptbuch_sim::output::text::counted;
use hauptbuch_sim::workload::Workload;
use hauptbuch_sim::write::{Compression, canonical_sha256, write_records};
use serde::Serialize;

use crate::args::GenerateOptions;
use crate::failure::Failure;
use crate::input;
use crate::print;

/// Writes a workload.
pub fn generate(options: &GenerateOptions, json: bool) -> Result<(), Failure> {
    let to_stdout = options.out == Path::new("-");
    if json && to_stdout {
        let line = "--json and --out - both want standard output; write to a file";
        return Err(Failure::bad_input(line));
    }
    let workload = match &options.from {
        Some(path) => input::from_file(path, options.nonces, options.rollups)?,
        None => input::generated(options.count, options.seed, options.rollups)?,
    };
    if to_stdout {
        let written = write_records(&workload, io::stdout().lock(), Compression::None);
        return print::settle(written);
    }
    write_whole(&workload, &options.out)
        .map_err(|error| Failure::bad_input(format!("{}: {error}", options.out.display())))?;
    if json {
        print::json(&GenerateJson {
            file: options.out.display().to_string(),
            rows: workload.len() as u64,
            rollups: workload.rollups(),
            payload_bytes: workload.payload_bytes() as u64,
            records_sha256: Digest(canonical_sha256(&workload)),
            notes: &workload.provenance().notes,
        })
    } else {
        print::text(&format!(
            "{} on {} written to {}",
            counted(workload.len() as u64, "transaction"),
            counted(workload.rollups().len() as u64, "rollup"),
            options.out.display()
        ))
    }
}

/// What `--json` prints.
#[derive(Serialize)]
struct GenerateJson<'a> {
    file: String,
    rows: u64,
    rollups: &'a [String],
    payload_bytes: u64,
    /// Of the records as plain text, whether the file is packed or not.
    records_sha256: Digest,
    notes: &'a [String],
}

/// Writes beside the target and renames, so that nobody finds half a file.
fn write_whole(workload: &Workload, target: &Path) -> io::Result<()> {
    let compression = Compression::of_path(target);
    let is_special = fs::metadata(target).is_ok_and(|found| !found.is_file() && !found.is_dir());
    if is_special {
        // A device or a pipe can be written to, but must not be replaced.
        return write_records(workload, File::create(target)?, compression);
    }
    // A link keeps pointing to the file that it pointed to.
    let target = fs::canonicalize(target).unwrap_or_else(|_| target.to_path_buf());
    let temporary = sibling(&target)?;
    let written = File::create_new(&temporary)
        .and_then(|file| write_records(workload, file, compression))
        .and_then(|()| fs::rename(&temporary, &target));
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written
}

fn sibling(target: &Path) -> io::Result<PathBuf> {
    let name = target.file_name();
    let name = name.ok_or(io::Error::from(io::ErrorKind::InvalidFilename))?;
    let name = format!(".{}.{}.part", name.to_string_lossy(), std::process::id());
    Ok(target.with_file_name(name))
}

//! A directory that is replaced whole or not at all.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::error::OutputError;
use super::format::{FILE_NAMES, KIND, MANIFEST, Manifest};

/// The most bytes of a manifest.
pub(super) const MANIFEST_BYTES_MAX: u64 = 1 << 16;

/// A directory in the making, beside the one that it will replace.
///
/// Dropped before [`Staging::settle`], it leaves nothing behind.
#[derive(Debug)]
pub(super) struct Staging {
    target: PathBuf,
    temporary: PathBuf,
    is_settled: bool,
}

impl Staging {
    /// Makes an empty directory beside `target`, whose parent must be there.
    pub(super) fn create(target: &Path) -> Result<Self, OutputError> {
        let target = resolve(target)?;
        check_replaceable(&target)?;
        let temporary = create_sibling(&target, "part")?;
        Ok(Self {
            target,
            temporary,
            is_settled: false,
        })
    }

    /// Where a file lies until the directory is settled.
    pub(super) fn path_of(&self, name: &str) -> PathBuf {
        self.temporary.join(name)
    }

    /// Puts the directory in the target's place, and returns where that is.
    ///
    /// What lies there is looked at again, because a run takes time, and is put back if the new
    /// directory can't take its place.
    pub(super) fn settle(mut self) -> Result<PathBuf, OutputError> {
        check_replaceable(&self.target)?;
        let Ok(true) = self.target.try_exists() else {
            fs::rename(&self.temporary, &self.target).map_err(OutputError::io(&self.target))?;
            self.is_settled = true;
            return Ok(self.target.clone());
        };
        let aside = create_sibling(&self.target, "old")?;
        // Renaming onto an empty directory replaces it.
        if let Err(error) = fs::rename(&self.target, &aside) {
            let _ = fs::remove_dir(&aside);
            return Err(OutputError::io(&self.target)(error));
        }
        if let Err(error) = fs::rename(&self.temporary, &self.target) {
            let _ = fs::rename(&aside, &self.target);
            return Err(OutputError::io(&self.target)(error));
        }
        self.is_settled = true;
        fs::remove_dir_all(&aside).map_err(OutputError::io(&aside))?;
        Ok(self.target.clone())
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        if !self.is_settled {
            // Nobody is left to hear of a failure, and the name says what the directory is.
            let _ = fs::remove_dir_all(&self.temporary);
        }
    }
}

/// The target with its parent's full path; a link to a directory is followed.
fn resolve(target: &Path) -> Result<PathBuf, OutputError> {
    match fs::canonicalize(target) {
        Ok(found) => return Ok(found),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(OutputError::io(target)(error)),
    }
    let name = target.file_name();
    let Some(name) = name.filter(|_| fs::symlink_metadata(target).is_err()) else {
        return Err(OutputError::NotOurs {
            path: target.display().to_string(),
            reason: "it leads nowhere".into(),
        });
    };
    let parent = match target.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let parent = fs::canonicalize(parent).map_err(OutputError::io(parent))?;
    Ok(parent.join(name))
}

/// Refuses a target that holds anything but the output of a run.
fn check_replaceable(target: &Path) -> Result<(), OutputError> {
    let not_ours = |reason: String| OutputError::NotOurs {
        path: target.display().to_string(),
        reason,
    };
    match fs::symlink_metadata(target) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(OutputError::io(target)(error)),
        Ok(found) if !found.is_dir() => return Err(not_ours("it is not a directory".into())),
        Ok(_) => {}
    }
    let names = entry_names(target)?;
    if names.is_empty() {
        return Ok(());
    }
    let is_known = |name: &OsString| FILE_NAMES.iter().any(|known| name == known);
    if let Some(foreign) = names.iter().find(|name| !is_known(name)) {
        let foreign = crate::error::shown(&foreign.to_string_lossy());
        return Err(not_ours(format!(
            "it holds `{foreign}`, which is no part of a run's output"
        )));
    }
    let manifest = read_bounded(&target.join(MANIFEST), MANIFEST_BYTES_MAX);
    let manifest = manifest.map(|bytes| serde_json::from_slice::<Manifest>(&bytes));
    match manifest {
        Ok(Ok(manifest)) if manifest.kind == KIND => Ok(()),
        _ => Err(not_ours(format!("it has no {MANIFEST} of a run's output"))),
    }
}

/// The names in a directory, sorted.
pub(super) fn entry_names(directory: &Path) -> Result<Vec<OsString>, OutputError> {
    let entries = fs::read_dir(directory).map_err(OutputError::io(directory))?;
    let names = entries.map(|entry| entry.map(|entry| entry.file_name()));
    let names: Result<Vec<_>, _> = names.collect();
    let mut names = names.map_err(OutputError::io(directory))?;
    names.sort_unstable();
    Ok(names)
}

/// A file's bytes, at most one more than `bytes_max`, so that a caller can tell a longer one.
pub(super) fn read_bounded(path: &Path, bytes_max: u64) -> Result<Vec<u8>, OutputError> {
    use std::io::Read as _;
    let file = fs::File::open(path).map_err(OutputError::io(path))?;
    let mut bytes = Vec::new();
    file.take(bytes_max.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(OutputError::io(path))?;
    Ok(bytes)
}

/// Makes a directory with a name of its own beside `target`.
fn create_sibling(target: &Path, role: &str) -> Result<PathBuf, OutputError> {
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    let mut number = 0;
    loop {
        let sibling = format!(".{name}.{}-{number}.{role}", std::process::id());
        let sibling = target.with_file_name(sibling);
        match fs::create_dir(&sibling) {
            Ok(()) => return Ok(sibling),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && number < 1_000 => {
                number += 1;
            }
            Err(error) => return Err(OutputError::io(&sibling)(error)),
        }
    }
}

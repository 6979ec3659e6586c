//! Files that are hashed while they are written.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::PathBuf;

use sha2::{Digest as _, Sha256};

use super::directory::Staging;
use super::error::OutputError;
use super::format::FileEntry;
use super::json::{Digest, Number};

/// Writes a small file at once.
pub(super) fn write_whole(
    staging: &Staging,
    name: &'static str,
    bytes: &[u8],
) -> Result<FileEntry, OutputError> {
    let mut file = HashedFile::create(staging, name)?;
    file.write(bytes)?;
    file.finish()
}

/// A file that is hashed while it is written.
#[derive(Debug)]
pub(super) struct HashedFile {
    name: &'static str,
    path: PathBuf,
    file: BufWriter<File>,
    hash: Sha256,
    size: u64,
}

impl HashedFile {
    pub(super) fn create(staging: &Staging, name: &'static str) -> Result<Self, OutputError> {
        let path = staging.path_of(name);
        let file = File::create_new(&path).map_err(OutputError::io(&path))?;
        Ok(Self {
            name,
            path,
            file: BufWriter::with_capacity(1 << 18, file),
            hash: Sha256::new(),
            size: 0,
        })
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), OutputError> {
        self.hash.update(bytes);
        self.size += bytes.len() as u64;
        let written = self.file.write_all(bytes);
        written.map_err(OutputError::io(&self.path))
    }

    pub(super) fn finish(mut self) -> Result<FileEntry, OutputError> {
        self.file.flush().map_err(OutputError::io(&self.path))?;
        Ok(FileEntry {
            name: self.name.into(),
            size: Number(self.size),
            sha256: Digest(self.hash.finalize().into()),
        })
    }
}

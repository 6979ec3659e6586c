//! The files of the project, as the rules see them.

use std::fmt;
use std::path::Path;
use std::process::Command;

/// One tracked file.
#[derive(Clone, Debug)]
pub struct File {
    /// From the top of the project, with `/` between folders.
    pub path: String,
    /// How many bytes it has.
    pub len: usize,
    /// Its text; empty where it is not UTF-8.
    pub text: String,
}

impl File {
    /// A file that exists only in a test.
    #[cfg(test)]
    pub fn new(path: &str, text: &str) -> Self {
        Self {
            path: path.into(),
            len: text.len(),
            text: text.into(),
        }
    }

    /// Whether its name ends in one of these.
    pub fn has_extension(&self, extensions: &[&str]) -> bool {
        let (_, extension) = self.path.rsplit_once('.').unwrap_or_default();
        extensions.contains(&extension)
    }

    /// Whether it is Rust of the core.
    pub fn is_core(&self) -> bool {
        self.path.starts_with("core/src/") && self.has_extension(&["rs"])
    }

    /// Its lines with their numbers, from 1.
    pub fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        (1..).zip(self.text.lines())
    }

    /// Something wrong with one of its lines.
    pub fn breach(&self, line: usize, what: impl Into<String>) -> Breach {
        Breach {
            path: self.path.clone(),
            line,
            what: what.into(),
        }
    }
}

/// Something that a rule forbids.
#[derive(Debug)]
pub struct Breach {
    path: String,
    line: usize,
    what: String,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.what)
    }
}

/// All tracked files, in the order of their paths.
pub struct Tree {
    /// The files.
    pub files: Vec<File>,
}

impl Tree {
    /// What git tracks, so that new crates are covered without being named.
    pub fn tracked() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let listed = Command::new("git")
            .args([
                "ls-files",
                "-z",
                "--cached",
                "--others",
                "--exclude-standard",
            ])
            .current_dir(&root)
            .output()
            .expect("git is missing: install it from your distribution");
        assert!(
            listed.status.success(),
            "this test reads the list of tracked files, so it needs a git clone: {}",
            String::from_utf8_lossy(&listed.stderr)
        );
        let listed = String::from_utf8(listed.stdout).unwrap();
        let mut files: Vec<File> = listed
            .split_terminator('\0')
            .filter_map(|path| {
                // A file that was deleted and not yet committed is listed, but has no content.
                let bytes = std::fs::read(root.join(path)).ok()?;
                Some(File {
                    path: path.into(),
                    len: bytes.len(),
                    text: String::from_utf8(bytes).unwrap_or_default(),
                })
            })
            .collect();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        files.dedup_by(|a, b| a.path == b.path);
        Self { files }
    }

    /// What a rule for single files finds in all of them.
    pub fn each(&self, rule: fn(&File) -> Vec<Breach>) -> Vec<Breach> {
        self.files.iter().flat_map(rule).collect()
    }
}

//! A directory for one test, and the program in it.
#![allow(dead_code, reason = "each file of tests uses its part")]

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;

/// A directory of its own for one test, gone with it.
pub struct Scratch(pub PathBuf);

impl Scratch {
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("hauptbuch-cli-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    /// Runs the program in this directory.
    pub fn hauptbuch(&self, words: &str) -> Output {
        let mut command = self.command();
        command.args(words.split_whitespace()).output().unwrap()
    }

    pub fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hauptbuch"));
        command.current_dir(&self.0);
        command
    }

    pub fn ok(&self, words: &str) -> String {
        let output = self.hauptbuch(words);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{words}: {stderr}");
        assert_eq!(stderr, "", "{words}");
        String::from_utf8(output.stdout).unwrap()
    }

    pub fn json(&self, words: &str) -> Value {
        let text = self.ok(words);
        assert_eq!(text.lines().count(), 1, "{words}: one object on one line");
        serde_json::from_str(&text).unwrap()
    }

    /// The one line that a failing command leaves.
    pub fn refused(&self, words: &str, exit_code: i32) -> String {
        let output = self.hauptbuch(words);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(exit_code), "{words}: {stderr}");
        assert_eq!(stderr.lines().count(), 1, "{words}: {stderr}");
        let line = stderr.trim_end().strip_prefix("hauptbuch: ");
        line.expect(&stderr).to_owned()
    }

    pub fn entries(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    }

    pub fn read(&self, path: &str) -> Vec<u8> {
        fs::read(self.0.join(path)).unwrap()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

pub fn count(value: &Value) -> u64 {
    value.as_u64().unwrap()
}

/// Everything submitted is accounted for, and nothing is lost: `transactions` of a summary.
pub fn assert_accounted(transactions: &Value) {
    let of = |name: &str| count(&transactions[name]);
    let rejected = transactions["rejected"].as_object().unwrap().values();
    let rejected: u64 = rejected.map(count).sum();
    assert_eq!(of("submitted"), of("admitted") + rejected);
    let ends = [
        "included",
        "expired",
        "evicted",
        "replaced",
        "cancelled",
        "revoked",
        "superseded",
    ];
    assert_eq!(of("admitted"), ends.map(of).iter().sum::<u64>());
}

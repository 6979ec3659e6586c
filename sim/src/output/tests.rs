//! Outputs that hold, and every way in which one can be made not to.

mod edits;
mod epochs;
mod logs;
mod signed;

use core::ops::ControlFlow;
use std::fs;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use hauptbuch_core::config::Policy;
use hauptbuch_core::limits::Limits;
use hauptbuch_core::types::{Address, Envelope, Fee, Nonce, Tick, UnixNs};

use super::format::{BOUND_FILES, MANIFEST, Manifest, RECEIPTS};
use super::json::Digest;
use super::*;
use crate::run::{RunConfig, RunError};
use crate::workload::{GeneratorConfig, Provenance, Workload, WorkloadBuilder, generate};

/// A directory of its own for one test, gone with it.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("hauptbuch-output-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn out(&self) -> PathBuf {
        self.0.join("out")
    }

    fn entry_count(&self) -> usize {
        fs::read_dir(&self.0).unwrap().count()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn small_config() -> RunConfig {
    RunConfig {
        fee_floor: Fee::new(10),
        slot_interval_ns: 1_000_000,
        seed: 7,
        limits: Limits {
            pending_count_max: 16,
            pending_bytes_max: 4_096,
            payload_bytes_max: 8,
            sender_count_max: 16,
            rollup_reserved_count: 1,
            quiet_reserved_count: 4,
            slot_count_max: 3,
            slot_bytes_max: 1_024,
            set_aside_count_max: 4,
            event_count_max: 64,
            lane_count_max: 16,
            lane_buffer_counts: [16, 1, 1],
            ..RunConfig::default().limits
        },
        ..RunConfig::default()
    }
}

/// Two rollups, a full slot and a second one, and one transaction for each kind of end.
fn small_workload() -> Workload {
    let mut builder = WorkloadBuilder::default();
    let rollups = [
        builder.rollup("alpha").unwrap(),
        builder.rollup("beta").unwrap(),
    ];
    // Rollup, sender, nonce, fee, payload length.
    let rows = [
        (0, 1, 0, 30, 4),
        (1, 2, 5, 20, 0),
        (0, 3, 0, 25, 8),
        (0, 1, 1, 90, 2),
        (1, 4, 0, 9, 0),
        (0, 5, 0, 50, 9),
        (0, 1, 9, 50, 1),
    ];
    for (row, (rollup, sender, nonce, fee, len)) in (0..).zip(rows) {
        let envelope = Envelope {
            rollup: rollups[rollup],
            sender: Address::new([sender; 20]),
            nonce: Nonce::new(nonce),
            fee: Fee::new(fee),
            expiry: UnixNs::NEVER,
            ..Envelope::default()
        };
        builder
            .push(Tick::new(row * 1_000), envelope, None, |out| {
                out.extend(vec![7; len]);
            })
            .unwrap();
    }
    builder.finish(Provenance {
        notes: vec!["made \"by hand\"".into()],
        ..Provenance::default()
    })
}

fn go_on(_: usize) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

fn written(scratch: &Scratch) -> Written {
    run_to_directory(&small_workload(), &small_config(), &scratch.out(), go_on).unwrap()
}

fn reason(directory: &Path) -> String {
    let error = verify(directory).unwrap_err();
    assert!(matches!(error, OutputError::Invalid { .. }), "{error}");
    let text = error.to_string();
    assert!(!text.contains('\n'), "{text}");
    text
}

#[test]
fn an_output_holds_and_says_what_happened() {
    let scratch = Scratch::new();
    let written = written(&scratch);
    let counts = &written.summary.transactions;
    let rejected: Vec<_> = counts.rejected.0.iter().map(|it| it.0.name()).collect();
    assert_eq!(rejected, ["PayloadTooLarge", "FeeTooLow"]);
    assert_eq!((counts.submitted.0, counts.admitted.0), (7, 5));
    assert_eq!((counts.included.0, counts.expired.0), (4, 1));
    let report = verify(&scratch.out()).unwrap();
    assert_eq!(
        (report.submitted, report.included, report.batches),
        (7, 4, 2)
    );
    assert!(!report.is_signed);
    assert_eq!(
        Digest::from(report.final_batch_hash),
        written.summary.final_batch_hash
    );
    let sizes = FILE_NAMES.map(|name| fs::metadata(scratch.out().join(name)).unwrap().len());
    assert_eq!(report.bytes, sizes.iter().sum::<u64>());
    assert_eq!(scratch.entry_count(), 1, "nothing else is left");
}

#[test]
fn receipts_follow_the_workload() {
    let scratch = Scratch::new();
    written(&scratch);
    let receipts = fs::read_to_string(scratch.out().join(RECEIPTS)).unwrap();
    let lines: Vec<serde_json::Value> = receipts
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let outcomes: Vec<_> = lines.iter().map(|line| line["outcome"].as_str()).collect();
    let expected = [
        "Included",
        "Included",
        "Included",
        "Included",
        "FeeTooLow",
        "PayloadTooLarge",
        "Expired",
    ];
    assert_eq!(outcomes, expected.map(Some));
    let heights: Vec<_> = lines[..4]
        .iter()
        .map(|line| line["height"].as_u64())
        .collect();
    assert_eq!(heights, [Some(1), Some(1), Some(1), Some(2)]);
    assert_eq!(lines[6]["arrival_index"], 4);
    assert!(lines[4].get("arrival_index").is_none());
    assert!(lines[0]["deadline"].is_null() && lines[0].get("deadline").is_some());
}

#[test]
fn the_same_run_gives_the_same_bytes() {
    let config = GeneratorConfig {
        count: 2_000,
        ..GeneratorConfig::default()
    };
    let workload = generate(&config).unwrap();
    for policy in Policy::BY_POOL {
        let config = RunConfig {
            policy: *policy,
            ..RunConfig::default()
        };
        let scratches = [Scratch::new(), Scratch::new()];
        for scratch in &scratches {
            run_to_directory(&workload, &config, &scratch.out(), go_on).unwrap();
            let report = verify(&scratch.out()).unwrap();
            assert_eq!(report.submitted, 2_000);
        }
        let [one, two] = scratches;
        for name in BOUND_FILES.iter().chain(&[MANIFEST]) {
            let [one, two] = [&one, &two].map(|it| fs::read(it.out().join(name)).unwrap());
            assert!(one == two, "{name} differs");
        }
    }
}

#[test]
fn every_changed_byte_is_found() {
    let scratch = Scratch::new();
    written(&scratch);
    for name in FILE_NAMES {
        let path = scratch.out().join(name);
        let bytes = fs::read(&path).unwrap();
        // In place, byte by byte: replacing the whole file each time takes the system far longer.
        let mut file = fs::OpenOptions::new().write(true).open(&path).unwrap();
        let mut put = |at: usize, byte: u8| {
            file.seek(SeekFrom::Start(at as u64)).unwrap();
            file.write_all(&[byte]).unwrap();
        };
        for (at, byte) in bytes.iter().enumerate() {
            // A letter in the other case at times, another letter or digit at times.
            put(at, byte ^ if at % 2 == 0 { 0x20 } else { 0x01 });
            let result = verify(&scratch.out());
            assert!(
                matches!(result, Err(OutputError::Invalid { .. })),
                "{name}, byte {at}: {result:?}"
            );
            put(at, *byte);
        }
    }
    verify(&scratch.out()).unwrap();
}

#[test]
fn files_must_be_there_whole_and_alone() {
    let scratch = Scratch::new();
    written(&scratch);
    let out = scratch.out();
    for name in FILE_NAMES {
        let path = out.join(name);
        let bytes = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        assert_eq!(reason(&out), format!("{name}: the file is missing"));
        // Without a policy that orders by logs, there are none.
        let lens = [0, 1, bytes.len() / 2, bytes.len().saturating_sub(1)];
        for len in lens.into_iter().filter(|len| *len < bytes.len()) {
            fs::write(&path, &bytes[..len]).unwrap();
            assert!(reason(&out).starts_with(name), "{name} cut to {len}");
        }
        fs::write(&path, [&bytes[..], b"\n"].concat()).unwrap();
        assert!(reason(&out).starts_with(name));
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert!(reason(&out).starts_with(name));
        fs::remove_dir(&path).unwrap();
        fs::write(&path, &bytes).unwrap();
    }
    fs::write(out.join("more.txt"), "").unwrap();
    assert!(reason(&out).starts_with("more.txt: "));
    fs::remove_file(out.join("more.txt")).unwrap();
    verify(&out).unwrap();
    assert!(matches!(
        verify(&scratch.0.join("none")),
        Err(OutputError::Io { .. })
    ));
}

#[test]
fn the_manifest_has_one_spelling() {
    let scratch = Scratch::new();
    written(&scratch);
    let path = scratch.out().join(MANIFEST);
    let text = fs::read_to_string(&path).unwrap();
    let compact = serde_json::to_string(&serde_json::from_str::<Manifest>(&text).unwrap());
    let others = [
        text.replace("  ", "\t"),
        text.trim_end().to_owned(),
        text.replacen("\"format\": 4", "\"format\": 4.0", 1),
        text.replacen("\"format\": 4", "\"format\": 3", 1),
        text.replacen("\"kind\"", "\"more\": 1,\n  \"kind\"", 1),
        text.replacen("batches.jsonl", "genesis.json", 1),
        compact.unwrap(),
    ];
    for other in others {
        assert_ne!(other, text);
        fs::write(&path, &other).unwrap();
        assert!(
            reason(&scratch.out()).starts_with("manifest.json"),
            "{other}"
        );
    }
}

#[test]
fn only_our_own_directories_are_replaced() {
    let scratch = Scratch::new();
    let out = scratch.out();
    let attempt = || run_to_directory(&small_workload(), &small_config(), &out, go_on);
    fs::create_dir(&out).unwrap();
    attempt().unwrap();
    attempt().unwrap();
    verify(&out).unwrap();
    let refused = |why: &str| {
        let error = attempt().unwrap_err();
        assert!(matches!(error, OutputError::NotOurs { .. }), "{error}");
        assert!(error.to_string().ends_with(why), "{error}");
        assert_eq!(scratch.entry_count(), 1);
    };
    fs::write(out.join("notes.txt"), "mine").unwrap();
    refused("it holds `notes.txt`, which is no part of a run's output");
    fs::remove_file(out.join("notes.txt")).unwrap();
    fs::write(
        out.join(MANIFEST),
        "{\"kind\":\"other\",\"format\":1,\"files\":[]}",
    )
    .unwrap();
    refused("it has no manifest.json of a run's output");
    fs::remove_dir_all(&out).unwrap();
    fs::write(&out, "a file").unwrap();
    refused("it is not a directory");
    assert_eq!(fs::read(&out).unwrap(), b"a file");
    fs::remove_file(&out).unwrap();
    let nowhere = scratch.0.join("none/out");
    let error = run_to_directory(&small_workload(), &small_config(), &nowhere, go_on);
    assert!(matches!(error, Err(OutputError::Io { .. })));
}

#[test]
fn a_name_too_long_for_a_genesis_is_refused() {
    let scratch = Scratch::new();
    for (len, fits) in [
        (ROLLUP_NAME_BYTES_MAX, true),
        (ROLLUP_NAME_BYTES_MAX + 1, false),
    ] {
        let mut builder = WorkloadBuilder::default();
        // The longest spelling that a byte can have.
        builder.rollup(&"\u{1}".repeat(len)).unwrap();
        let workload = builder.finish(Provenance::default());
        let result = run_to_directory(&workload, &small_config(), &scratch.out(), go_on);
        assert_eq!(result.is_ok(), fits);
        verify(&scratch.out()).unwrap();
    }
}

#[test]
fn a_run_that_ends_early_leaves_what_was_there() {
    let scratch = Scratch::new();
    written(&scratch);
    let before = fs::read(scratch.out().join(MANIFEST)).unwrap();
    let stop = |_: usize| ControlFlow::Break(());
    let ended = run_to_directory(&small_workload(), &small_config(), &scratch.out(), stop);
    assert!(matches!(
        ended,
        Err(OutputError::Run(RunError::Interrupted))
    ));
    assert_eq!(fs::read(scratch.out().join(MANIFEST)).unwrap(), before);
    assert_eq!(scratch.entry_count(), 1);
    verify(&scratch.out()).unwrap();
    let config = RunConfig {
        slot_interval_ns: 0,
        ..small_config()
    };
    let ended = run_to_directory(&small_workload(), &config, &scratch.out(), go_on);
    assert!(matches!(
        ended,
        Err(OutputError::Run(RunError::ZeroInterval))
    ));
    assert_eq!(scratch.entry_count(), 1);
}

//! Outputs that hold, and every way in which one can be made not to.

use core::ops::ControlFlow;
use std::fs;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use hauptbuch_core::config::Policy;
use hauptbuch_core::limits::Limits;
use hauptbuch_core::types::{Address, Envelope, Fee, Nonce, Tick, Transaction, UnixNs};
use sha2::{Digest as _, Sha256};

use super::format::{BATCHES, BOUND_FILES, GENESIS, MANIFEST, Manifest, RECEIPTS, SUMMARY, TIMING};
use super::json::{Digest, Number, document};
use super::seal::{REPORT_ENDING, seal, unseal};
use super::timing::timing_bytes;
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

/// Makes the manifest fit the files as they are.
fn refit_manifest(out: &Path) {
    let mut manifest: Manifest =
        serde_json::from_slice(&fs::read(out.join(MANIFEST)).unwrap()).unwrap();
    for entry in &mut manifest.files {
        let bytes = fs::read(out.join(&entry.name)).unwrap();
        entry.size = Number(bytes.len() as u64);
        entry.sha256 = Digest(Sha256::digest(&bytes).into());
    }
    fs::write(out.join(MANIFEST), document(&manifest)).unwrap();
}

/// Edits a file, makes the manifest fit, and returns why the output no longer holds.
fn edited(out: &Path, name: &str, edit: impl FnOnce(String) -> String) -> String {
    let before = fs::read_to_string(out.join(name)).unwrap();
    let manifest = fs::read(out.join(MANIFEST)).unwrap();
    let after = edit(before.clone());
    assert_ne!(before, after, "the edit of {name} changes nothing");
    fs::write(out.join(name), after).unwrap();
    refit_manifest(out);
    let text = reason(out);
    fs::write(out.join(name), before).unwrap();
    fs::write(out.join(MANIFEST), manifest).unwrap();
    verify(out).unwrap();
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
    for policy in Policy::ALL {
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
        for len in [0, 1, bytes.len() / 2, bytes.len() - 1] {
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

/// Changes bytes of a slot, found by their digits, in the `encoded` field of a line.
fn in_slot(text: &str, line: usize, from: &[u8], to: &[u8]) -> String {
    let digits = |bytes: &[u8]| {
        let mut out = Vec::new();
        crate::hex::encode(bytes, &mut out);
        String::from_utf8(out).unwrap()
    };
    let edited = text.lines().enumerate().map(|(at, it)| {
        if at == line {
            it.replacen(&digits(from), &digits(to), 1) + "\n"
        } else {
            it.to_owned() + "\n"
        }
    });
    edited.collect()
}

fn canonical(workload: &Workload, row: usize) -> Vec<u8> {
    let record = &workload.records()[row];
    let transaction = Transaction {
        envelope: record.envelope,
        payload: workload.payload(record),
    };
    let mut bytes = vec![0; transaction.encoded_len()];
    let mut out = hauptbuch_core::codec::Writer::new(&mut bytes);
    transaction.encode(&mut out).unwrap();
    bytes
}

#[test]
fn slots_can_not_be_edited_under_a_fitting_manifest() {
    let scratch = Scratch::new();
    written(&scratch);
    let out = scratch.out();
    let workload = small_workload();
    let (first, third) = (canonical(&workload, 0), canonical(&workload, 2));
    let mut dearer = first.clone();
    // The fee stands after version, kind, rollup, two addresses, amount and nonce.
    dearer[1 + 1 + 4 + 20 + 20 + 16 + 8] += 1;
    let text = edited(&out, BATCHES, |text| in_slot(&text, 0, &first, &dearer));
    assert!(
        text.contains("batches.jsonl, line 1: a Merkle root"),
        "{text}"
    );
    let one = [&first[..], &third[..]].concat();
    let other = [&third[..], &first[..]].concat();
    let text = edited(&out, BATCHES, |text| in_slot(&text, 0, &one, &other));
    assert!(text.contains("line 1: a Merkle root"), "{text}");
    let text = edited(&out, BATCHES, |text| {
        text.replacen("\"gas\":0", "\"gas\":1", 1)
    });
    assert!(text.contains("line 1: its fields are not those"), "{text}");
    let text = edited(&out, BATCHES, |text| {
        text.replacen("\"encoded\"", " \"encoded\"", 1)
    });
    assert!(text.contains("line 1: its fields are not those"), "{text}");
    let text = edited(&out, BATCHES, |text| {
        text.lines()
            .take(1)
            .map(|line| line.to_owned() + "\n")
            .collect()
    });
    assert!(
        text.contains("receipts.jsonl, line 4: no slot includes it"),
        "{text}"
    );
    let text = edited(&out, BATCHES, |text| {
        text.lines()
            .rev()
            .map(|line| line.to_owned() + "\n")
            .collect()
    });
    assert!(
        text.contains("line 1: the height does not follow"),
        "{text}"
    );
    let text = edited(&out, BATCHES, |text| text.trim_end().to_owned());
    assert!(text.contains("line 2: the line is cut off"), "{text}");
    let text = edited(&out, BATCHES, |text| text + "{}\n");
    assert!(
        text.contains("line 3: it is no line of this version"),
        "{text}"
    );
}

#[test]
fn receipts_can_not_be_edited_under_a_fitting_manifest() {
    let scratch = Scratch::new();
    written(&scratch);
    let out = scratch.out();
    let without = |text: &str, gone: usize| {
        let kept = text.lines().enumerate().filter(|(at, _)| *at != gone);
        let numbered = kept.enumerate().map(|(index, (at, line))| {
            line.replacen(&format!("\"index\":{at}"), &format!("\"index\":{index}"), 1) + "\n"
        });
        numbered.collect::<String>()
    };
    let text = edited(&out, RECEIPTS, |text| without(&text, 0));
    assert!(
        text.contains("receipts.jsonl, line 1: the arrival index"),
        "{text}"
    );
    let text = edited(&out, RECEIPTS, |text| without(&text, 4));
    assert!(
        text.contains("summary.json: the input has 7 rows"),
        "{text}"
    );
    let text = edited(&out, RECEIPTS, |text| without(&text, 6));
    assert!(
        text.contains("summary.json: the input has 7 rows"),
        "{text}"
    );
    let text = edited(&out, RECEIPTS, |text| {
        text.replace("\"FeeTooLow\",\"code\":102", "\"Duplicate\",\"code\":107")
    });
    assert!(
        text.contains("summary.json: it does not say what follows"),
        "{text}"
    );
    let text = edited(&out, RECEIPTS, |text| text.replace("Expired", "Evicted"));
    assert!(text.contains("line 7: its fields do not follow"), "{text}");
    let text = edited(&out, RECEIPTS, |text| {
        text.replace("\"Expired\",\"code\":3", "\"Included\",\"code\":2")
    });
    assert!(text.contains("line 7: no slot includes it"), "{text}");
    let text = edited(&out, RECEIPTS, |text| {
        let start = text.find(",\"policy\"").unwrap();
        let end = text.find("}\n").unwrap();
        let shorter = text[..start].to_owned() + &text[end..];
        shorter.replacen("\"Included\",\"code\":2", "\"Expired\",\"code\":3", 1)
    });
    assert!(text.contains("line 2: no slot includes it"), "{text}");
    let text = edited(&out, RECEIPTS, |text| {
        text.replacen("\"position\":0", "\"position\":1", 1)
    });
    assert!(text.contains("line 1: its fields do not follow"), "{text}");
    let text = edited(&out, RECEIPTS, |text| {
        text.replace("\"code\":102", "\"code\":1")
    });
    assert!(text.contains("line 5: the code is no end"), "{text}");
}

#[test]
fn documents_can_not_be_edited_under_a_fitting_manifest() {
    let scratch = Scratch::new();
    let written = written(&scratch);
    let out = scratch.out();
    for (from, to) in [
        ("\"included\": 4", "\"included\": 5"),
        ("\"FeeTooLow\": 1", "\"FeeTooLow\": 2"),
        ("\"p50\": ", "\"p50\": 1"),
        ("\"memory_bytes\": ", "\"memory_bytes\": 1"),
        ("\"signed\": false", "\"signed\": true"),
        ("\"seed\": 7", "\"seed\": 8"),
        ("\"batches\": 2", "\"batches\":  2"),
    ] {
        let text = edited(&out, SUMMARY, |text| text.replacen(from, to, 1));
        assert!(
            text.contains("summary.json: it does not say what follows"),
            "{from}: {text}"
        );
    }
    let text = edited(&out, GENESIS, |text| text.replace("fcfs", "priority"));
    assert!(
        text.contains("genesis.json: the genesis hash is not"),
        "{text}"
    );
    let text = edited(&out, GENESIS, |text| text.replace("fcfs", "median"));
    assert!(
        text.contains("genesis.json: the policy is unknown"),
        "{text}"
    );
    let text = edited(&out, GENESIS, |text| {
        text.replace("\"public_keys\": []", "\"public_keys\": [\"00\"]")
    });
    assert!(text.contains("it is not spelled in the one way"), "{text}");
    let text = edited(&out, GENESIS, |text| {
        text.replace("\"pending_count_max\": 16", "\"pending_count_max\": 17")
    });
    assert!(
        text.contains("summary.json: it does not say what follows"),
        "{text}"
    );

    let mut timing = written.timing.clone();
    timing.transactions_per_s.0 += 1;
    fs::write(out.join(TIMING), timing_bytes(&timing)).unwrap();
    assert!(reason(&out).contains("timing.json: its sums do not follow"));
    timing = written.timing.clone();
    timing.final_batch_hash = Digest([0; 32]);
    fs::write(out.join(TIMING), timing_bytes(&timing)).unwrap();
    assert!(reason(&out).contains("timing.json: it is about another run"));
    fs::write(out.join(TIMING), timing_bytes(&written.timing)).unwrap();
    let page = fs::read(out.join("report.html")).unwrap();
    let body = String::from_utf8(unseal(&page, REPORT_ENDING).unwrap().to_vec()).unwrap();
    let other = body.replace(
        &written.summary.final_batch_hash.to_string(),
        &"0".repeat(64),
    );
    fs::write(
        out.join("report.html"),
        seal(other.into_bytes(), REPORT_ENDING),
    )
    .unwrap();
    assert!(reason(&out).contains("report.html: it is about another run"));
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
        text.replacen("\"format\": 1", "\"format\": 1.0", 1),
        text.replacen("\"format\": 1", "\"format\": 2", 1),
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

//! Outputs whose order receive logs give, and edits of them.

use std::fs;

use hauptbuch_core::config::{FairCommittee, LogSizes, Policy};

use super::super::format::{BATCHES, GENESIS, LOGS, RECEIPTS, SUMMARY};
use super::super::verify;
use super::edits::edited;
use super::{Scratch, go_on, reason};
use crate::output::run_to_directory;
use crate::run::{RunConfig, log_sizes};
use crate::workload::{GeneratorConfig, generate};

/// A small run of three sequencers.
fn written(scratch: &Scratch) {
    let config = RunConfig {
        policy: Policy::Fair(FairCommittee::of(3)),
        logs: LogSizes {
            first_hand_count_max: 16,
            extent_entries_max: 64,
            drained_count_max: 1_024,
            cursor_count_max: 1_024,
            ..log_sizes(3)
        },
        ..RunConfig::default()
    };
    let workload = GeneratorConfig {
        count: 12,
        ..GeneratorConfig::default()
    };
    let workload = generate(&workload).unwrap();
    run_to_directory(&workload, &config, &scratch.out(), go_on).unwrap();
}

#[test]
fn changed_bytes_of_logs_are_found() {
    let scratch = Scratch::new();
    written(&scratch);
    let out = scratch.out();
    verify(&out).unwrap();
    let path = out.join(LOGS);
    let bytes = fs::read(&path).unwrap();
    for at in (0..bytes.len()).step_by(7) {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        fs::write(&path, changed).unwrap();
        assert!(
            reason(&out).contains("logs.jsonl: its SHA-256"),
            "byte {at}"
        );
    }
    fs::write(&path, bytes).unwrap();
    verify(&out).unwrap();
}

#[test]
fn logs_can_not_be_edited_under_a_fitting_manifest() {
    let scratch = Scratch::new();
    written(&scratch);
    let out = scratch.out();
    let text = fs::read_to_string(out.join(LOGS)).unwrap();
    // Every 50th digit becomes another one: all of a line is bound by the slot's cut.
    let digits = text.char_indices().filter(|(_, it)| it.is_ascii_digit());
    for (at, digit) in digits.step_by(50) {
        let other = if digit == '1' { "2" } else { "1" };
        let why = edited(&out, LOGS, |text| {
            format!("{}{other}{}", &text[..at], &text[at + 1..])
        });
        assert!(
            why.contains("batches.jsonl, line") || why.contains("logs.jsonl"),
            "{at}: {why}"
        );
    }
    let why = edited(&out, LOGS, swap_two_ids);
    assert!(
        why.contains("its line in logs.jsonl does not lead to its cut"),
        "{why}"
    );
    let why = edited(&out, LOGS, |text| {
        text.replacen("\"no_ops\"", " \"no_ops\"", 1)
    });
    assert!(why.contains("is not the one that belongs to it"), "{why}");
    let why = edited(&out, LOGS, |text| {
        let kept = text.lines().rev().skip(1).collect::<Vec<_>>();
        kept.iter().rev().map(|line| format!("{line}\n")).collect()
    });
    assert!(why.contains("logs.jsonl ends before it"), "{why}");
    let why = edited(&out, LOGS, |text| {
        let last = text.lines().last().unwrap_or_default().to_owned();
        format!("{text}{last}\n")
    });
    assert!(
        why.contains("logs.jsonl: it goes on after the last slot"),
        "{why}"
    );
}

/// Swaps the first two ids that stand beside each other in a log.
fn swap_two_ids(text: String) -> String {
    // An entry of an id: its kind, rollup, id, not sealed, length; 42 bytes.
    let entry = 84;
    let is_id = |at: usize| {
        let kind = text.get(at..at + 8);
        let sealed = text.get(at + 74..at + 76);
        kind.is_some_and(|it| it == "01000000" || it == "01010000") && sealed == Some("00")
    };
    let at = (0..text.len().saturating_sub(2 * entry))
        .find(|at| is_id(*at) && is_id(at + entry) && text[*at..at + 2 * entry].is_ascii())
        .unwrap();
    let (first, second) = (&text[at..at + entry], &text[at + entry..at + 2 * entry]);
    format!("{}{second}{first}{}", &text[..at], &text[at + 2 * entry..])
}

#[test]
fn what_follows_from_logs_can_not_be_edited_either() {
    let scratch = Scratch::new();
    written(&scratch);
    let out = scratch.out();
    for (from, to) in [
        ("\"discordant_ppm\": ", "\"discordant_ppm\": 1"),
        ("\"largest\": ", "\"largest\": 1"),
        ("\"sequencers\": 3", "\"sequencers\": 4"),
    ] {
        let why = edited(&out, SUMMARY, |text| text.replacen(from, to, 1));
        assert!(
            why.contains("summary.json: it does not say what follows"),
            "{from}: {why}"
        );
    }
    for (from, to) in [
        (
            "\"first_hand_count_max\": 16",
            "\"first_hand_count_max\": 17",
        ),
        ("\"faults\": 0", "\"faults\": 1"),
    ] {
        let why = edited(&out, GENESIS, |text| text.replacen(from, to, 1));
        assert!(why.contains("genesis.json"), "{from}: {why}");
    }
    let why = edited(&out, RECEIPTS, |text| {
        let mut lines: Vec<&str> = text.lines().collect();
        lines.swap(0, 1);
        lines.join("\n") + "\n"
    });
    assert!(why.contains("receipts.jsonl"), "{why}");
    let why = edited(&out, BATCHES, |text| {
        text.lines()
            .skip(1)
            .map(|line| format!("{line}\n"))
            .collect()
    });
    assert!(why.contains("batches.jsonl, line 1"), "{why}");
}

//! Edits under a manifest that was rewritten to fit them: each must show in another part.

use std::fs;
use std::path::Path;

use hauptbuch_core::types::Transaction;
use sha2::{Digest as _, Sha256};

use super::super::format::{BATCHES, GENESIS, MANIFEST, Manifest, RECEIPTS, SUMMARY, TIMING};
use super::super::json::{Digest, Number, document};
use super::super::seal::{REPORT_ENDING, seal, unseal};
use super::super::timing::timing_bytes;
use super::super::verify;
use super::{Scratch, reason, small_workload, written};
use crate::workload::Workload;

/// Makes the manifest fit the files as they are.
pub(super) fn refit_manifest(out: &Path) {
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
pub(super) fn edited(out: &Path, name: &str, edit: impl FnOnce(String) -> String) -> String {
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
    written(&scratch);
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
        text.replace("\"sequencers\": 1", "\"sequencers\": 2")
    });
    assert!(text.contains("it is not spelled in the one way"), "{text}");
    let text = edited(&out, GENESIS, |text| {
        text.replace("\"payload_bytes_max\": ", "\"payload_bytes_max\": 1")
    });
    assert!(
        text.contains("genesis.json: the genesis hash is not"),
        "{text}"
    );
}

#[test]
fn figures_and_the_report_are_bound_to_their_run() {
    let scratch = Scratch::new();
    let written = written(&scratch);
    let out = scratch.out();
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

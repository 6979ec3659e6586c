//! Drives the program as a user would.

mod scratch;

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use scratch::{Scratch, assert_accounted};

#[test]
fn a_run_is_written_and_verified() {
    let scratch = Scratch::new();
    let text = scratch.ok("--count 3000 --seed 5");
    assert!(
        text.contains("submitted") && text.contains("3,000"),
        "{text}"
    );
    assert!(text.contains("hauptbuch verify hauptbuch-out"), "{text}");
    assert!(text.lines().all(|line| line.trim_end() == line));
    assert_eq!(scratch.entries(), ["hauptbuch-out"]);
    let summary: Value =
        serde_json::from_slice(&scratch.read("hauptbuch-out/summary.json")).unwrap();
    assert_accounted(&summary["transactions"]);
    let hash = summary["final_batch_hash"].as_str().unwrap();
    assert!(text.contains(hash));
    assert!(scratch.ok("verify hauptbuch-out").contains(hash));
    let page = String::from_utf8(scratch.read("hauptbuch-out/report.html")).unwrap();
    assert!(page.contains(hash) && page.len() < 1_000_000);
    assert!(
        !page.contains("<script") && !page.contains("http"),
        "one file, without scripts"
    );
}

#[test]
fn the_same_run_gives_the_same_bytes() {
    let scratch = Scratch::new();
    scratch.ok("run --count 2000 --rollups 3 --policy priority --out one");
    scratch.ok("run --count 2000 --rollups 3 --policy priority --out two");
    for name in [
        "genesis.json",
        "batches.jsonl",
        "certificates.jsonl",
        "logs.jsonl",
        "receipts.jsonl",
        "summary.json",
        "manifest.json",
    ] {
        let [one, two] = ["one", "two"].map(|it| scratch.read(&format!("{it}/{name}")));
        assert!(one == two, "{name} differs");
    }
    let other = scratch.json("run --count 2000 --rollups 3 --out one --json");
    let hash = scratch.json("verify two --json")["final_batch_hash"].clone();
    assert_ne!(other["final_batch_hash"], hash, "the policy matters");
}

#[test]
fn json_has_what_machines_need() {
    let scratch = Scratch::new();
    let run = scratch.json("--json --count 1000 --batch-ms 50 --seed 9");
    assert_accounted(&run["transactions"]);
    assert_eq!(run["transactions"]["submitted"], 1000);
    assert_eq!(run["input"]["rows"], 1000);
    assert_eq!((&run["seed"], &run["sequencers"]), (&9.into(), &5.into()));
    assert_eq!(run["rollups"], 2);
    assert_eq!(run["policy"], "fair");
    assert_eq!(run["slot_interval_ns"], 50_000_000);
    assert_eq!(run["signed"], true);
    assert_eq!(run["consensus"]["heights"], run["batches"]);
    let count = |value: &Value| value.as_u64().unwrap();
    assert!(count(&run["delay_ns"]["p50"]) <= count(&run["delay_ns"]["p99"]));
    let parts = run["memory"].as_array().unwrap().iter();
    let parts: u64 = parts.map(|part| count(&part["bytes"])).sum();
    assert_eq!(count(&run["memory_bytes"]), parts);
    let timing = &run["timing"];
    let rate = u128::from(1_000_u64) * 1_000_000_000 / u128::from(count(&timing["elapsed_ns"]));
    assert_eq!(u128::from(count(&timing["transactions_per_s"])), rate);
    let verified = scratch.json("verify hauptbuch-out --json");
    assert_eq!(verified["valid"], true);
    assert_eq!(verified["signed"], true);
    assert_eq!(verified["consensus"], run["consensus"]);
    assert_eq!(verified["batches"], run["batches"]);
    assert_eq!(verified["final_batch_hash"], run["final_batch_hash"]);
    let generated = scratch.json("generate --count 10 --out ten.csv --json");
    assert_eq!(generated["rows"], 10);
}

#[test]
fn a_generated_file_runs_like_the_workload_that_it_holds() {
    let scratch = Scratch::new();
    assert!(
        scratch
            .ok("generate --count 500 --seed 3 --out w.csv")
            .contains("500 transactions")
    );
    scratch.ok("generate --count 500 --seed 3 --out w.csv.gz");
    let plain = scratch.ok("generate --count 500 --seed 3 --out -");
    assert_eq!(plain.as_bytes(), scratch.read("w.csv"));
    scratch.ok("generate --from w.csv.gz --out again.csv");
    assert_eq!(scratch.read("again.csv"), scratch.read("w.csv"));
    let hash = |words: &str| scratch.json(words)["final_batch_hash"].clone();
    let direct = hash("--json --count 500 --seed 3");
    assert_eq!(hash("run --input w.csv --seed 3 --json"), direct);
    assert_eq!(
        hash("run --input w.csv.gz --seed 3 --nonces raw --json"),
        direct
    );
    let names = ["again.csv", "hauptbuch-out", "w.csv", "w.csv.gz"];
    assert_eq!(scratch.entries(), names, "nothing else is left");
}

#[test]
fn an_input_on_one_rollup_can_be_spread() {
    let scratch = Scratch::new();
    scratch.ok("generate --count 400 --rollups 1 --out w.csv");
    let run = scratch.json("run --input w.csv --rollups 4 --json");
    assert_eq!(run["rollups"], 4);
    assert_eq!(
        run["transactions"]["included"], 400,
        "senders keep their lines"
    );
    let notes = run["input"]["notes"].as_array().unwrap();
    assert!(
        notes
            .iter()
            .any(|note| note.as_str().unwrap().contains("spread over 4"))
    );
    scratch.ok("verify hauptbuch-out");
    let line = scratch.refused("run --input w.csv --rollups 17", 2);
    assert!(line.contains("1 to 16"), "{line}");
    scratch.ok("generate --count 400 --rollups 2 --out two.csv");
    let line = scratch.refused("run --input two.csv --rollups 3", 2);
    assert!(line.contains("names 2 rollups of its own"), "{line}");
}

#[test]
fn bad_input_leaves_one_line_and_no_output() {
    let scratch = Scratch::new();
    fs::write(scratch.0.join("empty.csv"), "").unwrap();
    fs::write(scratch.0.join("header.csv"), "sender,nonce,gas,fee\n").unwrap();
    fs::write(scratch.0.join("columns.csv"), "sender,nonse,gas\n1,2,3\n").unwrap();
    let row = format!("0x{},0,21000,1\n", "11".repeat(20));
    let table = format!("sender,nonce,gas,fee\n{row}");
    fs::write(scratch.0.join("short.csv"), format!("{table}0x12,1\n")).unwrap();
    fs::write(scratch.0.join("number.csv"), table.replace("21000", "many")).unwrap();
    fs::write(scratch.0.join("parquet"), b"PAR1....PAR1").unwrap();
    scratch.ok("generate --count 100 --out whole.csv.gz");
    let whole = scratch.read("whole.csv.gz");
    fs::write(scratch.0.join("cut.csv.gz"), &whole[..whole.len() / 2]).unwrap();
    let before = scratch.entries();
    let parquet = if cfg!(feature = "parquet") {
        "Parquet"
    } else {
        "the feature `parquet`"
    };
    for (words, part) in [
        ("run --input none.csv", "none.csv"),
        ("run --input .", "cannot read ."),
        ("run --input empty.csv", "empty.csv: the input is empty"),
        ("run --input header.csv", "no rows"),
        ("run --input columns.csv", "unknown columns: `nonse`"),
        ("run --input columns.csv", "no column for the nonce"),
        ("run --input short.csv", "line 3 has 2 fields"),
        ("run --input number.csv", "line 2, column `gas`"),
        ("run --input cut.csv.gz", "cut off or damaged"),
        ("run --input parquet", parquet),
        ("run --policy best", "there are: fcfs, priority"),
        ("run --sequencers 101", "at most 100"),
        ("run --arrivals none.csv", "none.csv"),
        (
            "run --policy fcfs --arrivals header.csv",
            "one sequencer's arrivals",
        ),
        ("run --sequencers 0", "at least one"),
        ("run --rollups 0", "1 to 16"),
        ("run --rollups 99", "1 to 16"),
        ("run --count 0", "the count must be"),
        ("run --count many", "invalid value 'many'"),
        ("run --seed -1", "-1"),
        ("run --batch-ms 0", "--batch-ms 0"),
        ("run --batch-ms 18446744073709551615", "--batch-ms"),
        ("run --batch-ms 18446744073000", "beyond the year 2554"),
        ("run --nonces raw", "--input"),
        ("run --nonces other --input header.csv", "other"),
        ("run --count 5 --input header.csv", "cannot be used with"),
        ("run --out none/out", "none"),
        ("run --out header.csv", "it is not a directory"),
        ("run --out /", "is not replaced"),
        ("--unknown", "--unknown"),
        ("other", "other"),
        ("verify", "<DIR>"),
        ("verify none", "none"),
        ("verify header.csv", "header.csv"),
        ("generate --count 5", "--out"),
        ("generate --count 5 --out none/w.csv", "none/w.csv"),
        ("generate --count 5 --out .", "."),
        ("generate --json --out -", "standard output"),
    ] {
        let line = scratch.refused(words, 2);
        assert!(line.contains(part), "{words}: {line}");
        assert_eq!(scratch.entries(), before, "{words}");
    }
}

#[test]
fn nothing_but_our_own_output_is_replaced() {
    let scratch = Scratch::new();
    scratch.ok("--count 100");
    scratch.ok("--count 200");
    fs::write(scratch.0.join("hauptbuch-out/notes.txt"), "mine").unwrap();
    let line = scratch.refused("--count 300", 2);
    assert!(line.contains("`notes.txt`, which is no part"), "{line}");
    fs::remove_file(scratch.0.join("hauptbuch-out/notes.txt")).unwrap();
    assert_eq!(
        scratch.json("verify hauptbuch-out --json")["submitted"],
        200
    );
    assert_eq!(scratch.entries(), ["hauptbuch-out"]);
}

#[test]
fn a_changed_output_fails_with_its_reason() {
    let scratch = Scratch::new();
    scratch.ok("--count 300");
    let path = scratch.0.join("hauptbuch-out/receipts.jsonl");
    let mut bytes = fs::read(&path).unwrap();
    bytes[10] ^= 1;
    fs::write(&path, bytes).unwrap();
    let line = scratch.refused("verify hauptbuch-out", 1);
    assert!(
        line.contains("does not hold: receipts.jsonl: its SHA-256"),
        "{line}"
    );
    let output = scratch.hauptbuch("verify hauptbuch-out --json");
    assert_eq!(output.status.code(), Some(1));
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(result["valid"], false);
    assert_eq!(result["file"], "receipts.jsonl");
}

#[test]
fn help_and_version_are_text_for_people() {
    let scratch = Scratch::new();
    let help = scratch.ok("--help");
    for word in ["run", "generate", "verify", "--json"] {
        assert!(help.contains(word), "{word}");
    }
    assert!(scratch.ok("run --help").contains("--batch-ms"));
    assert!(scratch.ok("--version").starts_with("hauptbuch "));
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let scratch = Scratch::new();
    let mut command = scratch.command();
    command.args(["generate", "--count", "20000", "--out", "-"]);
    let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut first = [0; 10];
    child.stdout.take().unwrap().read_exact(&mut first).unwrap();
    // The reading end is closed here, while the program has megabytes left to write.
    let output = child.wait_with_output().unwrap();
    assert_eq!(&first, b"arrival_ns");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(output.stderr, b"");
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_leaves_nothing() {
    let scratch = Scratch::new();
    let mut command = scratch.command();
    command
        .args(["run", "--count", "200000"])
        .stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    // Once the output has been begun the run is on its way, and the handler is set.
    while scratch.entries().is_empty() {
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    let id = child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-INT", &id])
            .status()
            .unwrap()
            .success()
    );
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    let line = String::from_utf8(output.stderr).unwrap();
    assert_eq!(line, "hauptbuch: the run was interrupted\n");
    assert!(scratch.entries().is_empty());
}

/// The transactions of real blocks, where they lie beside the project.
fn real_blocks() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent()?;
    let path = root.join("../shared/data/ethereum-blocks/txs.csv.gz");
    path.exists().then_some(path)
}

#[test]
fn senders_keep_their_order_whatever_the_fees() {
    let scratch = Scratch::new();
    scratch.ok("generate --count 1500 --rollups 1 --out generated.csv");
    let generated = scratch.0.join("generated.csv");
    for (input, rows) in [(Some(generated), 1_500), (real_blocks(), 24_920)] {
        let Some(input) = input else {
            continue;
        };
        let mut command = scratch.command();
        command.args(["run", "--json", "--policy", "priority", "--input"]);
        let output = command.arg(&input).output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        let run: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_accounted(&run["transactions"]);
        assert_eq!(run["transactions"]["submitted"], rows);
        scratch.ok("verify hauptbuch-out");
        assert_nonces_follow(&scratch.read("hauptbuch-out/batches.jsonl"), rows / 2);
    }
}

/// Reads the slots without this project's code: every sender's nonces go up by one.
fn assert_nonces_follow(batches: &[u8], at_least: u64) {
    let mut next = std::collections::HashMap::new();
    let mut seen = 0;
    for line in batches
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
    {
        let line: Value = serde_json::from_slice(line).unwrap();
        let digits = line["encoded"].as_str().unwrap().as_bytes();
        let value = |digit: u8| (digit as char).to_digit(16).unwrap() as u8;
        let bytes = digits.chunks(2).map(|it| value(it[0]) << 4 | value(it[1]));
        let slot: Vec<u8> = bytes.collect();
        let number = |at: usize, len: usize| {
            let bytes = slot[at..at + len].iter().rev();
            bytes.fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte))
        };
        let mut at = 257;
        for part in line["rollups"].as_array().unwrap() {
            let count = part["counts"]["pool"].as_u64().unwrap();
            at += 246;
            for _ in 0..count {
                let account = slot[at + 2..at + 26].to_vec();
                let nonce = number(at + 62, 8);
                let expected = next.insert(account, nonce + 1);
                assert!(expected.is_none_or(|expected| expected == nonce));
                at += 98 + number(at + 94, 4) as usize;
                seen += 1;
            }
            // Where its one slice ends, and the arrivals.
            at += 4 + 16 * count as usize;
        }
        assert_eq!(at, slot.len());
    }
    assert!(seen >= at_least);
}

#[test]
fn a_closed_or_full_standard_output_is_no_panic() {
    let scratch = Scratch::new();
    let full = fs::OpenOptions::new().write(true).open("/dev/full");
    let Ok(mut full) = full else {
        return;
    };
    assert!(
        full.write_all(b"x").is_err(),
        "the device refuses everything"
    );
    let mut command = scratch.command();
    let output = command.arg("--help").stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let line = String::from_utf8(output.stderr).unwrap();
    assert!(line.starts_with("hauptbuch: standard output: "), "{line}");
}

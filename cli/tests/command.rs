//! Drives the program as a user would.

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;

/// A directory of its own for one test, gone with it.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("hauptbuch-cli-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    /// Runs the program in this directory.
    fn hauptbuch(&self, words: &str) -> Output {
        let mut command = self.command();
        command.args(words.split_whitespace()).output().unwrap()
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hauptbuch"));
        command.current_dir(&self.0);
        command
    }

    fn ok(&self, words: &str) -> String {
        let output = self.hauptbuch(words);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{words}: {stderr}");
        assert_eq!(stderr, "", "{words}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn json(&self, words: &str) -> Value {
        let text = self.ok(words);
        assert_eq!(text.lines().count(), 1, "{words}: one object on one line");
        serde_json::from_str(&text).unwrap()
    }

    /// The one line that a failing command leaves.
    fn refused(&self, words: &str, exit_code: i32) -> String {
        let output = self.hauptbuch(words);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(exit_code), "{words}: {stderr}");
        assert_eq!(stderr.lines().count(), 1, "{words}: {stderr}");
        let line = stderr.trim_end().strip_prefix("hauptbuch: ");
        line.expect(&stderr).to_owned()
    }

    fn entries(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    }

    fn read(&self, path: &str) -> Vec<u8> {
        fs::read(self.0.join(path)).unwrap()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Submitted = admitted + all rejected, and admitted = the sum of the ends.
fn assert_sums(transactions: &Value) {
    let of = |name: &str| transactions[name].as_u64().unwrap();
    let rejected = transactions["rejected"].as_object().unwrap().values();
    let rejected: u64 = rejected.map(|count| count.as_u64().unwrap()).sum();
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
    assert_sums(&summary["transactions"]);
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
    assert_sums(&run["transactions"]);
    assert_eq!(run["transactions"]["submitted"], 1000);
    assert_eq!(run["input"]["rows"], 1000);
    assert_eq!((&run["seed"], &run["sequencers"]), (&9.into(), &1.into()));
    assert_eq!(run["rollups"], 2);
    assert_eq!(run["policy"], "fcfs");
    assert_eq!(run["slot_interval_ns"], 50_000_000);
    assert_eq!(run["signed"], false);
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
    assert_eq!(verified["signed"], false);
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
    assert_eq!(hash("run --input w.csv --json"), direct);
    assert_eq!(hash("run --input w.csv.gz --nonces raw --json"), direct);
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
        ("run --policy median", "there are: fcfs, priority"),
        ("run --policy fair", "no such policy in this version"),
        ("run --sequencers 4", "no committee"),
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
        assert_sums(&run["transactions"]);
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
        let mut at = 221;
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

/// The example of the documentation.
fn documented_example() -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/config.md");
    let page = fs::read_to_string(page).unwrap();
    let (_, rest) = page
        .split_once("```toml\n")
        .expect("the page has an example");
    let (example, _) = rest.split_once("```").expect("the example ends");
    example.to_owned()
}

#[test]
fn the_documented_example_holds_every_default() {
    let scratch = Scratch::new();
    fs::write(scratch.0.join("full.toml"), documented_example()).unwrap();
    scratch.ok("run --config full.toml --count 300 --out with --metrics with.prom");
    scratch.ok("run --count 300 --out without --metrics without.prom");
    let same = [
        "genesis.json",
        "batches.jsonl",
        "receipts.jsonl",
        "summary.json",
    ];
    for name in same {
        let read = |dir: &str| fs::read_to_string(scratch.0.join(dir).join(name)).unwrap();
        assert_eq!(read("with"), read("without"), "{name}");
    }
    let metrics = |name: &str| fs::read_to_string(scratch.0.join(name)).unwrap();
    assert_eq!(metrics("with.prom"), metrics("without.prom"));
    assert!(metrics("with.prom").contains("\nhauptbuch_submitted_total 300\n"));
    // What stands in comments is taken as well.
    let mut full = documented_example().replace("\"fcfs\"", "\"time-bucket\"");
    for key in ["bucket_ms", "nonces", "expiry_horizon_ms"] {
        full = full.replace(&format!("# {key}"), key);
    }
    fs::write(scratch.0.join("more.toml"), full).unwrap();
    let ran = scratch.json("--json run --config more.toml --count 300 --out more");
    assert_eq!(ran["policy"], "time-bucket");
    // The built-in workload never expires, so a horizon refuses it.
    assert_eq!(ran["transactions"]["rejected"]["ExpiryMissing"], 300);
}

#[test]
fn flags_go_before_the_file_and_the_file_before_the_defaults() {
    let scratch = Scratch::new();
    let text = "policy = \"priority\"\nseed = 9\nbatch_ms = 50\n[limits]\nslot_count_max = 7\n";
    fs::write(scratch.0.join("a.toml"), text).unwrap();
    let ran = scratch.json("--json run --config a.toml --seed 3 --count 200 --out out");
    assert_eq!(
        (&ran["policy"], &ran["seed"]),
        (&"priority".into(), &3.into())
    );
    assert_eq!(ran["slot_interval_ns"], 50_000_000);
    let genesis = fs::read_to_string(scratch.0.join("out/genesis.json")).unwrap();
    assert!(genesis.contains("\"slot_count_max\": 7,"), "{genesis}");
    scratch.ok("verify out");
}

#[test]
fn what_a_file_must_not_say_is_named() {
    let scratch = Scratch::new();
    for (text, expected) in [
        (
            "speed = 1",
            "a.toml: unknown key `speed`; there are: policy",
        ),
        (
            "[limits]\nslots = 1",
            "a.toml: unknown key `limits.slots`; there are:",
        ),
        (
            "[limits.sender_quota]\nbytes = 1",
            "unknown key `limits.sender_quota.bytes`",
        ),
        (
            "[limits.nobody_quota]\ncount_max = 1",
            "unknown key `limits.nobody_quota.count_max`",
        ),
        ("[pool]\nbump = 1", "unknown key `pool.bump`"),
        ("seed = -1", "seed: must be a whole number"),
        ("seed = \"many\"", "seed: must be a whole number"),
        ("policy = 1", "policy: must be text in quotes"),
        ("limits = 1", "limits: must be a table"),
        (
            "[limits]\nslot_count_max = 4294967296",
            "limits.slot_count_max: must be at most",
        ),
        ("[limits]\nlane_buffer_counts = [1]", "must be 3 numbers"),
        (
            "[limits]\nin_flight_count_max = 17",
            "a.toml: limits: a limit is out of its range",
        ),
        ("expiry_horizon_ms = 0", "expiry_horizon_ms: must be 1 to"),
        ("bucket_ms = 5", "only the policy time-bucket has buckets"),
        ("sequencers = 5", "it runs one sequencer"),
        ("seed = 1\nseed = 2", "a.toml: line 2: "),
    ] {
        fs::write(scratch.0.join("a.toml"), text).unwrap();
        let told = scratch.refused("run --config a.toml --count 10", 2);
        assert!(told.contains(expected), "{text}: {told}");
    }
    let told = scratch.refused("run --config none.toml", 2);
    assert!(told.starts_with("none.toml: "), "{told}");
}

#[test]
fn every_policy_runs_and_its_output_holds() {
    let scratch = Scratch::new();
    let mut lines =
        vec!["arrival_ms,sender,nonce,fee,gas,amount,pool,side,reserve0,reserve1".to_owned()];
    for row in 0..60_u64 {
        let (sender, side) = (row % 12 + 1, if row % 3 == 0 { "sell" } else { "buy" });
        lines.push(format!(
            "{},{sender:040x},{},{},21000,{},{:040x},{side},1000000,2000000",
            row * 7,
            row / 12,
            row * 31 % 17 + 1,
            row + 1,
            row % 2 + 1,
        ));
    }
    fs::write(scratch.0.join("trades.csv"), lines.join("\n")).unwrap();
    let mut hashes = Vec::new();
    for policy in ["fcfs", "priority", "time-bucket", "shuffle", "greedy"] {
        let words = format!("run --input trades.csv --policy {policy} --out {policy}");
        let ran = scratch.json(&format!("--json {words}"));
        assert_eq!(ran["transactions"]["included"], 60, "{policy}");
        assert_eq!(ran["policy"], policy);
        let checked = scratch.json(&format!("--json verify {policy}"));
        assert_eq!(
            checked["final_batch_hash"], ran["final_batch_hash"],
            "{policy}"
        );
        let again = scratch.json(&format!("--json {words}"));
        assert_eq!(
            again["final_batch_hash"], ran["final_batch_hash"],
            "{policy}"
        );
        hashes.push(ran["final_batch_hash"].to_string());
    }
    let other_seed =
        scratch.json("--json run --input trades.csv --policy shuffle --seed 2 --out shuffle");
    hashes.push(other_seed["final_batch_hash"].to_string());
    hashes.sort_unstable();
    hashes.dedup();
    assert_eq!(hashes.len(), 6);
    // Trades come back as they were written.
    scratch.ok("generate --from trades.csv --out records.csv");
    scratch.ok("generate --from records.csv --out again.csv");
    let read = |name: &str| fs::read_to_string(scratch.0.join(name)).unwrap();
    assert_eq!(read("records.csv"), read("again.csv"));
    assert!(read("records.csv").starts_with("arrival_ns,"));
    assert!(
        read("records.csv")
            .lines()
            .all(|line| line.split(',').count() == 16)
    );
}

#[test]
fn greedy_without_trades_says_what_is_missing() {
    let scratch = Scratch::new();
    let told = scratch.refused("run --policy greedy --count 10", 2);
    for word in ["greedy", "pool", "side", "amount", "reserve0", "reserve1"] {
        assert!(told.contains(word), "{told}");
    }
    assert!(scratch.entries().is_empty());
    let row = |side: &str, amount: u32| {
        format!(
            "sender,nonce,fee,gas,amount,pool,side,reserve0,reserve1\n\
             {:040x},0,1,21000,{amount},{:040x},{side},5,5\n",
            1, 2
        )
    };
    for (text, expected) in [
        (row("up", 1), "`buy` or `sell`"),
        (row("buy", 0), "from 1 to 2^128 - 1"),
    ] {
        fs::write(scratch.0.join("bad.csv"), text).unwrap();
        let told = scratch.refused("run --policy greedy --input bad.csv", 2);
        assert!(told.contains(expected), "{told}");
    }
}

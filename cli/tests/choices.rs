//! Configuration files, policies and metrics, as a user would ask for them.

mod scratch;

use std::fs;
use std::path::Path;

use scratch::Scratch;

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
        "logs.jsonl",
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
    let fair = documented_example();
    let (fair_only, rest) = (["faults", "gamma", "gamma_of", "rank"], fair.lines());
    let kept = rest.filter(|line| {
        let key = line.split(' ').next().unwrap_or_default();
        !fair_only.contains(&key)
    });
    let kept: Vec<&str> = kept.collect();
    let mut full = kept.join("\n").replace("\"fair\"", "\"time-bucket\"");
    full = full.replace("sequencers = 5", "sequencers = 1");
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
        (
            "sequencers = 4\nfaults = 1",
            "4 sequencers, 1 faults, gamma 1/1: ",
        ),
        ("faults = 2", "5 sequencers, 2 faults, gamma 1/1: "),
        ("gamma = [1, 2]", "gamma 1/2: "),
        ("gamma = 1", "gamma: must be two numbers in brackets"),
        ("rank = \"best\"", "rank: must be \"copeland\""),
        (
            "policy = \"fcfs\"\nfaults = 0",
            "faults: only the policy fair has it",
        ),
        ("[logs]\nspeed = 1", "unknown key `logs.speed`"),
        (
            "[logs]\nfirst_hand_count_max = 0",
            "limit is out of its range",
        ),
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
fn changes_of_members_that_make_no_sense_are_told() {
    let scratch = Scratch::new();
    for (text, expected) in [
        (
            "membership_change = 4",
            "membership_change: must be tables, as in [[membership_change]]",
        ),
        (
            "[[membership_change]]\nreplace = 2",
            "it must say at which slot",
        ),
        (
            "[[membership_change]]\nslot = 4",
            "one of replace, add and remove is missing",
        ),
        (
            "[[membership_change]]\nslot = 4\nadd = 1\nremove = 1",
            "one of replace, add and remove, and no two",
        ),
        (
            "[[membership_change]]\nslot = 4\nban = 1",
            "unknown key `membership_change.ban`; there are: slot, replace, add, remove",
        ),
        (
            "[[membership_change]]\nslot = 0\nadd = 1",
            "slots begin with 1",
        ),
        (
            "[[membership_change]]\nslot = 4\nreplace = 5",
            "slot 4: sequencer 5 is no member then",
        ),
        (
            "[[membership_change]]\nslot = 4\nremove = 1",
            "slot 4: 4 members are too few for this policy, which takes 5",
        ),
        ("[[membership_change]]\nslot = 4\nadd = 0", "it adds nobody"),
        (
            "[[membership_change]]\nslot = 4\nadd = 124",
            "there can be 128 sequencers",
        ),
        (
            "sequencers = 1\n[[membership_change]]\nslot = 4\nadd = 1",
            "one sequencer alone has no committee",
        ),
    ] {
        fs::write(scratch.0.join("a.toml"), text).unwrap();
        let told = scratch.refused("run --config a.toml --count 10", 2);
        assert!(told.contains(expected), "{text}: {told}");
    }
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
    for policy in [
        "fcfs",
        "priority",
        "time-bucket",
        "shuffle",
        "greedy",
        "fair",
    ] {
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
    assert_eq!(hashes.len(), 7);
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

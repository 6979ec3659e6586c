//! Drives `hauptbuch simulate` as a user would.

mod scratch;

use scratch::Scratch;
use serde_json::Value;

/// What is promised to machines.
const FIELDS: [&str; 9] = [
    "runs",
    "agreement_violations",
    "validity_violations",
    "liveness_violations",
    "double_signatures",
    "false_evidence",
    "heights_decided_min",
    "memory_bytes_max",
    "failed_seeds",
];

#[test]
fn worlds_are_summed_up() {
    let scratch = Scratch::new();
    let words = "--json simulate --sequencers 4 --heights 3 --faults \
                 crash,power-loss,partition,loss,twins,equivocate,withhold,flood \
                 --seed 11 --runs 6";
    let summary = scratch.json(words);
    for field in FIELDS {
        assert!(summary.get(field).is_some(), "{field}");
    }
    assert_eq!(summary["runs"], 6);
    assert_eq!(summary["heights_decided_min"], 3);
    assert_eq!(summary["policy"], "fcfs");
    assert_eq!(summary["signatures"], "keyed-hash");
    assert_eq!(summary["failed_seeds"], Value::Array(Vec::new()));
    for field in &FIELDS[1..6] {
        assert_eq!(summary[*field], 0, "{field}");
    }
    assert!(summary["memory_bytes_max"].as_u64().unwrap() > 1_000);
    assert_eq!(
        scratch.ok(words),
        scratch.ok(words),
        "the same seed, the same bytes"
    );
    assert!(scratch.entries().is_empty(), "nothing is written");
}

#[test]
fn what_is_not_given_has_a_default() {
    let scratch = Scratch::new();
    let summary = scratch.json("--json simulate");
    assert_eq!(
        (&summary["sequencers"], &summary["runs"]),
        (&5.into(), &1.into())
    );
    assert!(summary["faults"].as_str().unwrap().contains("twins"));
    let few = scratch.json("--json simulate --sequencers 3 --heights 2 --seed 9");
    assert_eq!(few["faults"], "crash,power-loss,partition,loss");
    assert_eq!(few["heights_decided_min"], 2);
}

#[test]
fn people_get_a_table_and_a_trace() {
    let scratch = Scratch::new();
    let words = "simulate --sequencers 4 --heights 1 --faults none --seed 2";
    let table = scratch.ok(words);
    assert!(
        table.contains("agreement") && table.contains("keyed-hash"),
        "{table}"
    );
    let traced = scratch.ok(&format!("{words} --trace"));
    assert!(traced.contains("signs proposal h1 r0"), "{traced}");
    assert!(traced.contains("decides"), "{traced}");
    assert!(traced.ends_with(&table), "the table comes last");
}

#[test]
fn bad_input_is_one_line() {
    let scratch = Scratch::new();
    for (words, part) in [
        ("--faults flod", "`flod` is no fault; there are crash,"),
        ("--faults twins --sequencers 3", "at least 4 sequencers"),
        ("--faults crash,twins --sequencers 1", "`twins` needs"),
        ("--sequencers 0", "1 to 100 sequencers"),
        ("--sequencers 101", "1 to 100 sequencers"),
        ("--heights 0", "1 to 10000 heights"),
        ("--runs 0", "--runs"),
        ("--runs 2 --trace", "one run"),
        ("--policy fair", "nothing to order but by `fcfs`"),
        ("--policy unheard", "nothing to order but by `fcfs`"),
        ("--seed first", "--seed"),
        ("--sequencers many", "--sequencers"),
    ] {
        let line = scratch.refused(&format!("simulate {words}"), 2);
        assert!(line.contains(part), "{words}: {line}");
    }
}

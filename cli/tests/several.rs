//! Several sequencers that order fairly, as a user would run them.

mod scratch;

use std::fs;
use std::path::Path;

use scratch::{Scratch, assert_accounted, count};

#[test]
fn five_sequencers_order_all_of_it_and_anyone_can_check() {
    let scratch = Scratch::new();
    let words = "--json run --count 700 --seed 4";
    let run = scratch.json(&format!("{words} --out one"));
    assert_eq!(
        (&run["policy"], &run["sequencers"]),
        (&"fair".into(), &5.into())
    );
    assert_accounted(&run["transactions"]);
    assert_eq!(run["transactions"]["included"], 700);
    let fairness = run["fairness"].as_array().unwrap();
    assert_eq!(fairness.len(), 2, "one for each rollup");
    for figures in fairness {
        assert_eq!(
            figures["arrivals"],
            "generated transactions, modelled arrivals"
        );
        assert_eq!(
            (&figures["faults"], &figures["quorum"]),
            (&1.into(), &5.into())
        );
        assert_eq!(figures["transactions"], figures["ordered"]);
        assert!(count(&figures["gamma"]["bound"]) > 0);
        assert_eq!(figures["gamma"]["violations"], 0);
    }
    let verified = scratch.json("--json verify one");
    assert_eq!(verified["final_batch_hash"], run["final_batch_hash"]);
    scratch.json(&format!("{words} --out two"));
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
    let logs = String::from_utf8(scratch.read("one/logs.jsonl")).unwrap();
    assert_eq!(logs.lines().count() as u64, count(&run["batches"]));
    let text = scratch.ok("run --count 500 --out three");
    for part in [
        "5 sequencers, policy fair",
        "Fairness on rollup 1",
        "Committee of 5, signing with ml-dsa-65",
        "decide",
        "to a decision",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let page = String::from_utf8(scratch.read("three/report.html")).unwrap();
    assert!(page.contains("What attackers achieve") && page.contains("5 sequencers"));
    assert!(page.contains("Who signed") && page.contains("member 4</text>"));
}

#[test]
fn a_committee_signs_every_slot_and_anyone_can_check() {
    let scratch = Scratch::new();
    let run = scratch.json("--json run --count 300 --sequencers 4 --out signed");
    let consensus = &run["consensus"];
    assert_eq!(
        (&consensus["members"], &consensus["suite"]),
        (&4.into(), &"ml-dsa-65".into())
    );
    let slots = count(&run["batches"]);
    assert!(slots > 0 && count(&consensus["heights"]) == slots);
    assert_eq!(count(&run["timing"]["decision_ns"]["count"]), slots);
    let by_member = consensus["certificates_signed"].as_array().unwrap().iter();
    let signed: u64 = by_member.map(count).sum();
    assert!((3 * slots..=4 * slots).contains(&signed), "{consensus}");
    // Each member votes twice a slot, and signs its log.
    assert!(count(&consensus["votes"]) >= 2 * 3 * slots);
    assert!(count(&consensus["signatures_made"]) >= 3 * 4 * slots);
    let verified = scratch.json("--json verify signed");
    assert_eq!(&verified["consensus"], consensus);
    assert_eq!(count(&verified["signatures"]), signed + 4);
    let text = scratch.ok("verify signed");
    assert!(text.contains("certificates") && text.contains("by more than two thirds of 4 members"));
    for name in ["certificates.jsonl", "genesis.json", "logs.jsonl"] {
        let path = scratch.0.join("signed").join(name);
        let whole = fs::read(&path).unwrap();
        let mut changed = whole.clone();
        let place = changed.len() / 2;
        changed[place] ^= 1;
        fs::write(&path, changed).unwrap();
        let why = scratch.refused("verify signed", 1);
        assert!(why.contains(&format!("{name}: its SHA-256")), "{why}");
        fs::write(&path, whole).unwrap();
    }
    scratch.ok("verify signed");
}

#[test]
fn members_can_sign_with_the_suite_of_before_the_standard() {
    let scratch = Scratch::new();
    fs::write(scratch.0.join("old.toml"), "signatures = \"dilithium3\"\n").unwrap();
    let run = scratch.json("--json run --count 100 --sequencers 4 --config old.toml --out one");
    assert_eq!(run["consensus"]["suite"], "dilithium3");
    let verified = scratch.json("--json verify one");
    assert_eq!(verified["consensus"], run["consensus"]);
    // Its keys come from the operating system.
    let again = scratch.json("--json run --count 100 --sequencers 4 --config old.toml --out two");
    assert_ne!(
        again["consensus"]["membership_hash"],
        run["consensus"]["membership_hash"]
    );
    fs::write(scratch.0.join("new.toml"), "signatures = \"rsa\"\n").unwrap();
    let why = scratch.refused("run --config new.toml", 2);
    assert!(why.contains("signatures: must be"), "{why}");
}

#[test]
fn committees_of_other_sizes_and_thresholds_run() {
    let scratch = Scratch::new();
    fs::write(
        scratch.0.join("seven.toml"),
        "faults = 1\ngamma = [6, 7]\nrank = \"path\"\narrival_spread_percent = 10\n",
    )
    .unwrap();
    for (words, n, f, q) in [
        ("--sequencers 7 --config seven.toml", 7, 1, 6),
        ("--sequencers 9", 9, 2, 9),
        ("--sequencers 4", 4, 0, 4),
        ("--sequencers 1 --policy fair", 1, 0, 1),
    ] {
        let run = scratch.json(&format!("--json run --count 400 {words}"));
        assert_accounted(&run["transactions"]);
        assert_eq!(run["transactions"]["included"], 400, "{words}");
        let figures = &run["fairness"][0];
        assert_eq!(
            (
                count(&figures["sequencers"]),
                count(&figures["faults"]),
                count(&figures["quorum"])
            ),
            (n, f, q),
            "{words}"
        );
        scratch.ok("verify hauptbuch-out");
    }
    let run = scratch.json("--json run --count 400 --sequencers 1");
    assert_eq!(run["policy"], "fcfs", "one alone comes and serves first");
    assert!(run.get("fairness").is_none());
}

#[test]
fn several_take_slots_from_their_pools_in_turn() {
    let scratch = Scratch::new();
    for policy in ["fcfs", "priority", "time-bucket", "shuffle"] {
        let words = format!("--json run --count 300 --sequencers 4 --policy {policy} --out pools");
        let run = scratch.json(&words);
        assert_accounted(&run["transactions"]);
        assert_eq!(run["transactions"]["included"], 300, "{policy}");
        assert_eq!(run["sequencers"], 4);
        assert_eq!(run["consensus"]["heights"], run["batches"], "{policy}");
        let verified = scratch.json("--json verify pools");
        assert_eq!(verified["final_batch_hash"], run["final_batch_hash"]);
    }
}

#[test]
fn median_timestamps_order_all_of_it_and_anyone_can_check() {
    let scratch = Scratch::new();
    let run = scratch.json("--json run --count 700 --policy median --out median");
    assert_eq!(
        (&run["policy"], &run["sequencers"]),
        (&"median".into(), &5.into())
    );
    assert_accounted(&run["transactions"]);
    assert_eq!(run["transactions"]["included"], 700);
    assert_eq!(run["fairness"][0]["gamma"]["violations"], 0);
    let verified = scratch.json("--json verify median");
    assert_eq!(verified["final_batch_hash"], run["final_batch_hash"]);
    // The clocks give another order than who received what first.
    let fair = scratch.json("--json run --count 700 --out fair");
    assert_ne!(fair["final_batch_hash"], run["final_batch_hash"]);
    // Logs that were edited no longer give the slots.
    let path = scratch.0.join("median/logs.jsonl");
    let logs = fs::read_to_string(&path).unwrap();
    fs::write(&path, logs.replacen("00", "01", 1)).unwrap();
    assert!(scratch.refused("verify median", 1).contains("logs.jsonl"));
}

#[test]
fn what_can_not_become_ready_expires_and_what_expires_in_line_is_told() {
    let scratch = Scratch::new();
    let mut table = "arrival_ns,sender,nonce,gas,fee,expiry_ns\n".to_owned();
    let start = 1_700_000_000_000_000_000_u64;
    for row in 0..40_u64 {
        let nonce = row / 4 + u64::from(row % 4 == 3 && row > 20);
        // A tenth of a second is less than the first slot takes.
        let expiry = if row % 4 == 2 {
            start + row * 1_000_000 + 100_000_000
        } else {
            u64::MAX
        };
        let sender = row % 4 + 1;
        table += &format!(
            "{},{sender:040x},{nonce},21000,1,{expiry}\n",
            row * 1_000_000
        );
    }
    fs::write(scratch.0.join("w.csv"), table).unwrap();
    let run = scratch.json("--json run --input w.csv --nonces raw");
    assert_accounted(&run["transactions"]);
    let transactions = &run["transactions"];
    assert!(count(&transactions["included"]) >= 20, "{transactions}");
    assert!(count(&transactions["expired"]) > 0, "{transactions}");
    scratch.ok("verify hauptbuch-out");
}

#[test]
fn recorded_arrivals_are_said_to_be_so() {
    let scratch = Scratch::new();
    let mut table = "arrival_ms,sender,nonce,gas,fee,payload\n".to_owned();
    let mut log = "timestamp_ms,hash,source\n".to_owned();
    for row in 0..30_u64 {
        // Payloads begin with the hash by which rows are joined.
        let hash = format!("{:064x}", row + 1);
        table += &format!("{},{:040x},0,21000,1,{hash}\n", row * 5, row + 1);
        for source in 0..5 {
            if row != 7 {
                let at = 1_000 + row * 5 + row * 7 % 11 * source;
                log += &format!("{at},0x{hash},node-{source}\n");
            }
        }
    }
    fs::write(scratch.0.join("w.csv"), table).unwrap();
    fs::write(scratch.0.join("log.csv"), log).unwrap();
    let run = scratch.json("--json run --input w.csv --arrivals log.csv");
    assert_accounted(&run["transactions"]);
    assert_eq!(
        run["transactions"]["included"], 30,
        "what the log lacks arrives as well"
    );
    assert_eq!(run["fairness"][0]["arrivals"], "recorded arrivals");
    scratch.ok("verify hauptbuch-out");
    let told = scratch.refused("run --input w.csv --arrivals log.csv --sequencers 6", 2);
    assert!(told.contains("node-4"), "{told}");
}

#[test]
fn real_transactions_are_told_from_modelled_arrivals() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let path = root.join("../shared/data/ethereum-blocks/txs.csv.gz");
    if !path.exists() {
        eprintln!("skipped: no blocks beside the project");
        return;
    }
    let scratch = Scratch::new();
    // Five members do all the work, and the twin that verifies works by plain means; a build for
    // debugging takes many minutes over all blocks.
    let rows = if cfg!(debug_assertions) {
        1_000
    } else {
        24_920
    };
    let mut table = String::new();
    let file = fs::File::open(&path).unwrap();
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(file), &mut table).unwrap();
    let head: Vec<&str> = table.lines().take(1 + rows).collect();
    fs::write(scratch.0.join("blocks.csv"), head.join("\n")).unwrap();
    let run = scratch.json("--json run --input blocks.csv");
    assert_accounted(&run["transactions"]);
    assert_eq!(run["transactions"]["submitted"], rows);
    assert_eq!(
        run["fairness"][0]["arrivals"],
        "real transactions, modelled arrivals"
    );
    scratch.ok("verify hauptbuch-out");
}

#[test]
fn members_change_while_a_run_goes_on() {
    let scratch = Scratch::new();
    let changes = "[[membership_change]]\nslot = 2\nreplace = 2\n\
                   [[membership_change]]\nslot = 2\nadd = 1\n";
    for policy in ["fair", "fcfs"] {
        let text = format!(
            "policy = \"{policy}\"\nsequencers = 5\nbatch_ms = 40\n\
             [logs]\nfirst_hand_count_max = 64\n{changes}"
        );
        fs::write(scratch.0.join("a.toml"), text).unwrap();
        let run = scratch.json("--json run --config a.toml --count 200 --out out");
        assert_eq!(run["transactions"]["included"], 200);
        let epochs = run["consensus"]["epochs"].as_array().unwrap();
        let last = epochs.last().unwrap();
        assert!(epochs.len() > 1, "{policy}: {epochs:?}");
        assert_eq!(last["members"], 6);
        assert_eq!(last["sequencers"], serde_json::json!([0, 1, 3, 4, 5, 6]));
        assert_eq!(run["fairness"], serde_json::Value::Null);
        let told = scratch.ok("verify out");
        assert!(told.contains("members in epoch 1"), "{told}");
    }
}

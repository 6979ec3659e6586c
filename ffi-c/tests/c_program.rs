//! A C program, built against the library as its users would, does what the core does.

mod replay;
mod toolchain;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use hauptbuch_core::config::Policy;

use toolchain::{compile, library_dir, run, text, valgrind, write};

#[test]
fn the_c_program_takes_the_same_slots_as_the_core() {
    let records = replay::workload(6_000, 1);
    let file = write("workload.csv", &replay::csv(&records));
    let cases = [
        (Policy::Fcfs, 200),
        (Policy::PriorityFee, 200),
        (Policy::Fcfs, 1_000),
    ];
    for (policy, batch_ms) in cases {
        let expected = replay::expected(&records, policy, batch_ms);
        for sign in [
            "refused Duplicate",
            "refused GasTooLarge",
            "refused AlreadyExpired",
        ] {
            assert!(
                expected.contains(sign),
                "the workload tries too little:\n{expected}"
            );
        }
        let batch_ms = batch_ms.to_string();
        let done = run(Command::new(program()).arg(&file).args([
            "--policy",
            policy.name(),
            "--batch-ms",
            &batch_ms,
        ]));
        assert_eq!(text(&done.stdout), expected);
        assert!(done.status.success(), "{}", text(&done.stderr));
    }
}

#[test]
fn a_workload_out_of_order_is_replayed_in_the_order_of_arrival() {
    // The first lines stay, because they number the rollups.
    let records = replay::workload(300, 2);
    let mut shuffled = records.clone();
    shuffled[3..].sort_by_key(|record| std::cmp::Reverse(record.arrival_ns));
    let mut sorted = shuffled.clone();
    sorted.sort_by_key(|record| record.arrival_ns);
    let file = write("shuffled.csv", &replay::csv(&shuffled));
    let done = run(Command::new(program()).arg(&file));
    assert_eq!(
        text(&done.stdout),
        replay::expected(&sorted, Policy::Fcfs, 200)
    );
}

#[test]
fn accounts_move_on_with_what_was_included_although_the_pool_forgets_them() {
    let records = replay::workload_of_many_senders();
    let file = write("many_senders.csv", &replay::csv(&records));
    let expected = replay::expected(&records, Policy::Fcfs, 200);
    assert!(expected.contains("refused NonceUsed 10\n"), "{expected}");
    let done = run(Command::new(program()).arg(&file));
    assert_eq!(text(&done.stdout), expected);
}

#[test]
fn bad_input_ends_with_2_and_one_clear_line() {
    let good = replay::csv(&replay::workload(5, 3));
    let (columns, rows) = good.split_once('\n').expect("there is a first line");
    let row = rows.lines().next().expect("there is a record");
    let with_field = |at: usize, value: &str| {
        let mut fields: Vec<_> = row.split(',').collect();
        fields[at] = value;
        format!("{columns}\n{}\n", fields.join(","))
    };
    let cases = [
        (String::new(), ":1: the file is empty"),
        (
            "a,b\n".to_owned(),
            ":1: the columns are not those of finished records",
        ),
        (format!("{columns}\n1,2\n"), ":2: a record has 12 fields"),
        (
            with_field(0, "-1"),
            ":2: arrival_ns is no time that can be replayed",
        ),
        (
            with_field(0, "18446744073709551615"),
            ":2: arrival_ns is no time",
        ),
        (
            with_field(2, "0x12"),
            ":2: sender and recipient must have 40",
        ),
        (
            with_field(4, "340282366920938463463374607431768211456"),
            ":2: amount, nonce, fee",
        ),
        (
            with_field(8, "soon"),
            ":2: expiry_ns must be empty or a decimal number",
        ),
        (with_field(9, "1"), ":2: the kind of transaction is unknown"),
        (with_field(10, "x"), ":2: account_nonce must be empty"),
        (with_field(11, "abc"), ":2: payload must be hexadecimal"),
        (format!("{columns}\n{row}\0\n"), ":1: the file is no text"),
    ];
    for (content, message) in cases {
        let file = write("bad.csv", &content);
        let done = run(Command::new(program()).arg(&file));
        let told = text(&done.stderr);
        assert_eq!(done.status.code(), Some(2), "{told}");
        assert!(
            told.contains(message) && told.lines().count() == 1,
            "{told} for {content}"
        );
    }
    let missing = run(Command::new(program()).arg("there-is-no-such-file.csv"));
    assert_eq!(missing.status.code(), Some(2));
}

#[test]
fn the_c_program_leaks_nothing_and_touches_nothing_it_should_not() {
    let records = replay::workload(60, 4);
    let file = write("tiny.csv", &replay::csv(&records));
    let done = run(valgrind(program()).arg(&file));
    assert!(done.status.success(), "{}", text(&done.stderr));
    assert_eq!(
        text(&done.stdout),
        replay::expected(&records, Policy::Fcfs, 200)
    );
}

#[test]
#[cfg(target_os = "linux")]
fn the_shared_library_has_its_name_and_gives_out_nothing_but_our_symbols() {
    let library = library_dir().join("libhauptbuch.so");
    let dynamic = run(Command::new("readelf").arg("-d").arg(&library));
    let name = format!("[libhauptbuch.so.{}]", hauptbuch::HB_ABI_VERSION);
    assert!(text(&dynamic.stdout).contains(&name), "no SONAME {name}");
    let symbols = run(Command::new("nm")
        .args(["-D", "--defined-only"])
        .arg(&library));
    let listed = text(&symbols.stdout);
    let names: Vec<_> = listed
        .lines()
        .filter_map(|line| line.split(' ').next_back())
        .collect();
    assert!(names.contains(&"hb_coordinator_open"), "{names:?}");
    // The C code of Dilithium3 calls back into Rust for randomness, by this name.
    let is_ours = |name: &&str| name.starts_with("hb_") || *name == "PQCRYPTO_RUST_randombytes";
    assert!(names.iter().all(is_ours), "{names:?}");
}

/// The C program, compiled once.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| compile("replay", "replay", &[]))
}

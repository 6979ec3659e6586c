//! How long single operations take: percentiles rather than means, beside the time in bursts.
//!
//! `cargo run --release -p hauptbuch-benches --bin latency -- 2026-11-22`
//!
//! prints the rows of the tables in BENCHMARKS.md; `-- 2026-11-22 1048576` those of a pool of that
//! size alone. "Single" operations are timed one by one, so each figure includes one reading of the
//! clock, whose own cost stands in the first row. "In bursts" the clock is read twice for hundreds
//! of them, so nothing that one of them does for the next is left out; that is the median over the
//! bursts. The date is an argument, because it is printed as given.

use std::hint::black_box;
use std::process::ExitCode;

use hauptbuch_benches::operations::{Each, Operation, PlainSubject, Subject, Watch, Whole};
use hauptbuch_benches::transactions::{TIME, Transactions, limits_of};
use hauptbuch_core::config::Config;
use hauptbuch_core::coordinator::TransactionCoordinator;
use hauptbuch_core::types::Tick;

/// Times each operation is measured, at least.
const SAMPLE_COUNT_MIN: usize = 1 << 16;

/// Transactions in the pools that are measured.
const SIZES: [usize; 4] = [1 << 10, 1 << 14, 1 << 16, 1 << 20];

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let Some(date) = arguments.next() else {
        eprintln!("latency: give the date as an argument, such as 2026-11-22");
        return ExitCode::from(2);
    };
    let size = arguments.next().map(|size| size.parse::<usize>());
    let sizes = match size {
        None => SIZES.to_vec(),
        Some(Ok(size)) if SIZES.contains(&size) => vec![size],
        Some(_) => {
            eprintln!("latency: the size is one of {SIZES:?}");
            return ExitCode::from(2);
        }
    };
    println!(
        "CPU: {}, date: {date}, load: {}, nanoseconds",
        cpu_model(),
        load()
    );
    println!();
    println!("| pending | operation | in bursts | plain | single p50 | p90 | p99 | p99.9 | max |");
    println!("|---|---|---|---|---|---|---|---|---|");
    let mut clock = Each::default();
    clock.run(SAMPLE_COUNT_MIN, |_| true);
    report("", "reading the clock", ["", ""], clock);
    for pending in sizes {
        for operation in Operation::ALL {
            measure(operation, pending);
        }
    }
    let mut submissions = Each::default();
    submit(&mut submissions);
    report("", "submit 200 bytes, id included", ["", ""], submissions);
    println!();
    println!("load at the end: {}", load());
    ExitCode::SUCCESS
}

/// Prints the row of one operation.
fn measure(operation: Operation, pending: usize) {
    let plain = PlainSubject::knows(operation).then(|| {
        let mut subject = PlainSubject::new(operation, pending);
        in_bursts(|watch| subject.burst(watch))
    });
    let mut subject = Subject::new(operation, pending);
    let own = in_bursts(|watch| subject.burst(watch));
    let mut each = Each::default();
    while each.ns.len() < SAMPLE_COUNT_MIN {
        subject.burst(&mut each);
    }
    let plain = plain.map(|ns| ns.to_string()).unwrap_or_default();
    let figures = [own.to_string(), plain];
    report(
        &pending.to_string(),
        operation.name(),
        figures.each_ref().map(String::as_str),
        each,
    );
}

/// The median over bursts of what a step takes.
fn in_bursts(mut burst: impl FnMut(&mut Whole)) -> u64 {
    let (mut medians, mut count) = (Vec::new(), 0);
    while count < SAMPLE_COUNT_MIN {
        let mut whole = Whole::default();
        burst(&mut whole);
        count += whole.count;
        medians.push(whole.spent.as_nanos() as u64 / whole.count as u64);
    }
    medians.sort_unstable();
    medians[medians.len() / 2]
}

/// Submissions on the owner's thread, one at a time.
fn submit(times: &mut Each) {
    let limits = limits_of(SAMPLE_COUNT_MIN as u32);
    let coordinator = TransactionCoordinator::new(&Config::default(), &limits);
    let mut coordinator = coordinator.expect("the limits fit each other");
    let transactions = Transactions::new(0, SAMPLE_COUNT_MIN);
    let submissions: Vec<_> = transactions.submissions().collect();
    times.run(SAMPLE_COUNT_MIN, |at| {
        black_box(coordinator.submit(&submissions[at], Tick::ZERO, TIME)).is_ok()
    });
}

fn report(pending: &str, name: &str, [own, plain]: [&str; 2], each: Each) {
    let mut ns = each.ns;
    ns.sort_unstable();
    let at = |per_mille: usize| ns[(ns.len() * per_mille).div_ceil(1_000).max(1) - 1];
    let [p50, p90, p99, p999, max] = [500, 900, 990, 999, 1_000].map(at);
    println!("| {pending} | {name} | {own} | {plain} | {p50} | {p90} | {p99} | {p999} | {max} |");
}

/// What else the machine does: the mean number of threads that want to run, over a minute.
fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or("unknown").to_owned()
}

fn cpu_model() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with("model name"));
    let model = line.and_then(|line| line.split_once(": "));
    model.map_or_else(|| "unknown".into(), |(_, model)| model.to_owned())
}

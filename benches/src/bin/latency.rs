//! How long single operations take: percentiles rather than means.
//!
//! `cargo run --release -p hauptbuch-benches --bin latency -- 2026-11-22`
//!
//! Each operation is timed on its own, so every figure includes one reading of the clock, whose
//! own cost stands in the first row. The date is an argument, because it is printed as given.

use std::hint::black_box;
use std::process::ExitCode;
use std::time::Instant;

use hauptbuch_benches::pool::{BURST, Filled, RULE};
use hauptbuch_benches::transactions::{TIME, Transactions, limits_of};
use hauptbuch_core::bounded::Handle;
use hauptbuch_core::config::Config;
use hauptbuch_core::coordinator::TransactionCoordinator;
use hauptbuch_core::types::{CandidateSource as _, RollupId, Submission, Tick, TxId};

/// Times each operation is measured, at least.
const SAMPLE_COUNT_MIN: usize = 1 << 16;

/// Transactions that are taken before they are acknowledged: a slot.
const SLOT_COUNT: usize = 2_048;

fn main() -> ExitCode {
    let Some(date) = std::env::args().nth(1) else {
        eprintln!("latency: give the date as an argument, such as 2026-11-22");
        return ExitCode::from(2);
    };
    println!("CPU: {}, date: {date}, nanoseconds", cpu_model());
    println!();
    println!("| operation | samples | mean of 64 | p50 | p90 | p99 | p99.9 | max |");
    println!("|---|---|---|---|---|---|---|---|");
    report("reading the clock", clock());
    for pending in [1 << 10, 1 << 14, 1 << 16] {
        pool(pending);
    }
    report("submit 200 bytes, id included", submit());
    ExitCode::SUCCESS
}

/// Inserts, refusals and takes at so many pending transactions.
fn pool(pending: usize) {
    let mut filled = Filled::new(pending);
    let others = Transactions::new(1 << 40, 64 * BURST);
    let others = others.with_ids();

    let cheap = Transactions::new(1 << 50, 64 * BURST).for_nothing();
    let cheap = cheap.with_ids();
    let mut times = Samples::default();
    while times.ns.len() < SAMPLE_COUNT_MIN {
        for known in &cheap {
            times.time(|| filled.admit(known).is_err());
        }
    }
    report(&format!("insert when full, {pending} pending"), times);

    let mut times = Samples::default();
    let residents = filled.transactions.clone();
    let residents = residents.with_ids();
    while times.ns.len() < SAMPLE_COUNT_MIN {
        for known in &residents {
            times.time(|| filled.admit(known).is_err());
        }
    }
    report(&format!("insert a duplicate, {pending} pending"), times);

    report(
        &format!("insert, {pending} pending"),
        inserts(&mut filled, &residents, &others),
    );

    let [takes, acknowledgements] = takes(pending);
    report(&format!("take, {pending} pending at first"), takes);
    report(
        &format!("acknowledge, {pending} pending at first"),
        acknowledgements,
    );
}

/// Takes slot after slot until the pool is empty, and acknowledges each once it is whole.
fn takes(pending: usize) -> [Samples; 2] {
    let [mut takes, mut acknowledgements] = [Samples::default(), Samples::default()];
    let mut filled = Filled::new(pending);
    let mut handles = vec![Handle::default(); SLOT_COUNT.min(pending)];
    while takes.ns.len() < SAMPLE_COUNT_MIN {
        while !filled.pool.is_empty() {
            let mut view = filled.pool.ready(&RULE, &mut handles);
            for _ in 0..SLOT_COUNT.min(pending) {
                takes
                    .time(|| view.best(RollupId::ZERO).is_some() && view.take_best(RollupId::ZERO));
            }
            drop(view);
            for (at, handle) in handles.iter().enumerate() {
                acknowledgements.time(|| {
                    if at % 8 == 0 {
                        filled
                            .pool
                            .look_ahead(&handles[at..(at + 8).min(handles.len())]);
                    }
                    filled.pool.acknowledge(*handle).is_ok()
                });
            }
        }
        filled.refill();
    }
    [takes, acknowledgements]
}

/// Inserts into a pool that is full but for a burst, again and again.
fn inserts(
    filled: &mut Filled,
    residents: &[(TxId, Submission<'_>)],
    others: &[(TxId, Submission<'_>)],
) -> Samples {
    let mut times = Samples::default();
    filled.cancel(&residents[..BURST]);
    for burst in others.chunks_exact(BURST).cycle() {
        for known in burst {
            times.time(|| filled.admit(known).is_ok());
        }
        filled.cancel(burst);
        if times.ns.len() >= SAMPLE_COUNT_MIN {
            break;
        }
    }
    times
}

/// Submissions on the owner's thread, one at a time.
fn submit() -> Samples {
    let mut times = Samples::default();
    let limits = limits_of(SAMPLE_COUNT_MIN as u32);
    let coordinator = TransactionCoordinator::new(&Config::default(), &limits);
    let mut coordinator = coordinator.expect("the limits fit each other");
    for submission in Transactions::new(0, SAMPLE_COUNT_MIN).submissions() {
        times.time(|| coordinator.submit(&submission, Tick::ZERO, TIME).is_ok());
    }
    times
}

fn clock() -> Samples {
    let mut times = Samples::default();
    (0..SAMPLE_COUNT_MIN).for_each(|_| times.time(|| true));
    times
}

/// How long an operation took each time, in nanoseconds.
#[derive(Default)]
struct Samples {
    ns: Vec<u64>,
}

impl Samples {
    /// Times an operation that says whether it did what is measured.
    fn time(&mut self, operation: impl FnOnce() -> bool) {
        let start = Instant::now();
        let is_done = black_box(operation());
        let spent = start.elapsed();
        assert!(is_done, "something else was measured");
        self.ns.push(spent.as_nanos() as u64);
    }
}

fn report(name: &str, mut samples: Samples) {
    let ns = &mut samples.ns;
    let mut bursts: Vec<u64> = ns
        .chunks_exact(64)
        .map(|burst| burst.iter().sum())
        .collect();
    bursts.sort_unstable();
    let in_bursts = bursts[bursts.len() / 2] / 64;
    ns.sort_unstable();
    let at = |per_mille: usize| ns[(ns.len() * per_mille).div_ceil(1_000).max(1) - 1];
    let [p50, p90, p99, p999] = [500, 900, 990, 999].map(at);
    let (count, max) = (ns.len(), at(1_000));
    println!("| {name} | {count} | {in_bursts} | {p50} | {p90} | {p99} | {p999} | {max} |");
}

fn cpu_model() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with("model name"));
    let model = line.and_then(|line| line.split_once(": "));
    model.map_or_else(|| "unknown".into(), |(_, model)| model.to_owned())
}

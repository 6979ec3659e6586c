//! The pool alone, with ids at hand: 200-byte transactions, a sender each, ordered by fee.
#![allow(
    missing_docs,
    reason = "criterion's macros make public items without words"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use hauptbuch_benches::operations::{Operation, PlainSubject, Subject, Whole};
use hauptbuch_benches::pool::BURST;
use hauptbuch_benches::transactions::Transactions;
use prio_graph::{AccessKind, PrioGraph, TopLevelId};

type Group<'a> = BenchmarkGroup<'a, WallTime>;

fn pool(criterion: &mut Criterion) {
    // Criterion measures when it is told so by cargo; otherwise it looks whether all runs.
    let measures = std::env::args().any(|argument| argument == "--bench");
    let sizes = [1 << 10, 1 << 14, 1 << 16, 1 << 20];
    for pending in sizes
        .into_iter()
        .filter(|size| measures || *size == 1 << 10)
    {
        let mut group = criterion.benchmark_group(format!("pool/{pending}"));
        group.sample_size(10);
        for operation in Operation::ALL {
            // Made when it is asked for: a pool of a million takes seconds to fill.
            let mut subject = None;
            let name = format!("hauptbuch/{}", operation.name());
            group.bench_function(name, |bencher| {
                let subject = subject.get_or_insert_with(|| Subject::new(operation, pending));
                bencher.iter_custom(|rounds| each(rounds, |watch| subject.burst(watch)));
            });
            drop(subject);
            if !PlainSubject::knows(operation) {
                continue;
            }
            let mut subject = None;
            let name = format!("plain/{}", operation.name());
            group.bench_function(name, |bencher| {
                let subject = subject.get_or_insert_with(|| PlainSubject::new(operation, pending));
                bencher.iter_custom(|rounds| each(rounds, |watch| subject.burst(watch)));
            });
        }
        if pending <= 1 << 16 {
            graph(&mut group, pending);
        }
        group.finish();
    }
}

/// The time of `rounds` steps, from as many bursts as that takes.
fn each(rounds: u64, mut burst: impl FnMut(&mut Whole)) -> Duration {
    let mut whole = Whole::default();
    while (whole.count as u64) < rounds {
        burst(&mut whole);
    }
    whole.spent.mul_f64(rounds as f64 / whole.count as f64)
}

/// A transaction in the graph: its fee, and a running number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct ByFee(u64, u64);

impl TopLevelId<ByFee> for ByFee {
    fn id(&self) -> ByFee {
        *self
    }
}

/// The graph keeps no bytes and knows no duplicates; each transaction locks an account of its own.
fn graph(group: &mut Group<'_>, pending: usize) {
    let others = Transactions::new(1 << 40, 16 * BURST);
    let fees: Vec<u64> = others
        .submissions()
        .map(|submission| submission.transaction.envelope.fee.get())
        .collect();
    let mut number = 0;
    let mut fill = |graph: &mut PrioGraph<ByFee, u64, ByFee, _>, count: usize| {
        for fee in fees.iter().cycle().take(count) {
            number += 1;
            graph.insert_transaction(ByFee(*fee, number), [(number, AccessKind::Write)]);
        }
    };
    // It has no operation but these two, and counts a burst and a pool as one.
    for measures_insert in [true, false] {
        let name = ["prio-graph/take", "prio-graph/insert"][usize::from(measures_insert)];
        let count = if measures_insert { BURST } else { pending };
        group.throughput(Throughput::Elements(count as u64));
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|rounds| {
                let mut spent = Duration::ZERO;
                for _ in 0..rounds {
                    // It keeps every account that it has seen, so each round starts afresh.
                    let mut graph = PrioGraph::new(|id: &ByFee, _: &_| *id);
                    fill(
                        &mut graph,
                        pending - if measures_insert { BURST } else { 0 },
                    );
                    let start = Instant::now();
                    if measures_insert {
                        fill(&mut graph, BURST);
                    } else {
                        while black_box(graph.pop_and_unblock()).is_some() {}
                    }
                    spent += start.elapsed();
                }
                spent
            });
        });
    }
}

criterion_group!(benches, pool);
criterion_main!(benches);

//! The pool alone, with ids at hand: 200-byte transactions, a sender each, ordered by fee.
#![allow(
    missing_docs,
    reason = "criterion's macros make public items without words"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use hauptbuch_benches::plain;
use hauptbuch_benches::pool::{BURST, Filled};
use hauptbuch_benches::transactions::Transactions;
use hauptbuch_core::pool::AdmissionError;
use hauptbuch_core::types::{Submission, TxId};
use prio_graph::{AccessKind, PrioGraph, TopLevelId};

type Group<'a> = BenchmarkGroup<'a, WallTime>;
type Known<'a> = [(TxId, Submission<'a>)];

fn pool(criterion: &mut Criterion) {
    for pending in [1 << 10, 1 << 14, 1 << 16] {
        let mut group = criterion.benchmark_group(format!("pool/{pending}"));
        group.sample_size(10);
        let others = Transactions::new(1 << 40, 16 * BURST);
        let others = others.with_ids();
        ours(&mut group, pending, &others);
        plainly(&mut group, pending, &others);
        graph(&mut group, pending, &others);
        group.finish();
    }
}

fn ours(group: &mut Group<'_>, pending: usize, others: &Known<'_>) {
    let mut filled = Filled::new(pending);
    let cheap = Transactions::new(1 << 50, BURST).for_nothing();
    let cheap = cheap.with_ids();
    group.throughput(Throughput::Elements(pending as u64));
    group.bench_function("hauptbuch/take_and_acknowledge", |bencher| {
        bencher.iter_custom(|rounds| {
            let mut spent = Duration::ZERO;
            for _ in 0..rounds {
                let start = Instant::now();
                filled.drain();
                spent += start.elapsed();
                filled.refill();
            }
            spent
        });
    });
    group.throughput(Throughput::Elements(BURST as u64));
    group.bench_function("hauptbuch/insert_when_full", |bencher| {
        bencher.iter(|| {
            for known in &cheap {
                let refused = filled.admit(black_box(known));
                assert_eq!(refused, Err(AdmissionError::PoolFull));
            }
        });
    });
    let residents = filled.transactions.clone();
    let residents = residents.with_ids();
    let mut bursts = residents.chunks_exact(BURST).cycle();
    group.bench_function("hauptbuch/insert_duplicate", |bencher| {
        bencher.iter(|| {
            for known in bursts.next().into_iter().flatten() {
                let refused = filled.admit(black_box(known));
                assert_eq!(refused, Err(AdmissionError::Duplicate));
            }
        });
    });
    filled.cancel(&residents[..BURST]);
    let mut bursts = others.chunks_exact(BURST).cycle();
    group.bench_function("hauptbuch/insert", |bencher| {
        bencher.iter_custom(|rounds| {
            let mut spent = Duration::ZERO;
            for burst in bursts.by_ref().take(rounds as usize) {
                let mut handles = Vec::with_capacity(BURST);
                let start = Instant::now();
                for known in burst {
                    handles.push(filled.admit(known));
                }
                spent += start.elapsed();
                assert!(handles.iter().all(Result::is_ok), "there is room");
                filled.cancel(burst);
            }
            spent
        });
    });
}

fn plainly(group: &mut Group<'_>, pending: usize, others: &Known<'_>) {
    let residents = Transactions::new(0, pending);
    let residents = residents.with_ids();
    let mut pool = plain::Pool::new(pending);
    let fill = |pool: &mut plain::Pool, count: usize| {
        for (id, submission) in &residents[..count] {
            assert!(pool.insert(*id.as_bytes(), submission));
        }
    };
    fill(&mut pool, pending);
    group.throughput(Throughput::Elements(pending as u64));
    group.bench_function("plain/take", |bencher| {
        bencher.iter_custom(|rounds| {
            let mut spent = Duration::ZERO;
            for _ in 0..rounds {
                let start = Instant::now();
                while black_box(pool.take_best()).is_some() {}
                spent += start.elapsed();
                fill(&mut pool, pending);
            }
            spent
        });
    });
    group.throughput(Throughput::Elements(BURST as u64));
    group.bench_function("plain/insert_when_full", |bencher| {
        bencher.iter(|| {
            for (id, submission) in &others[..BURST] {
                assert!(!pool.insert(*id.as_bytes(), black_box(submission)));
            }
        });
    });
    while pool.take_best().is_some() {}
    fill(&mut pool, pending - BURST);
    let mut bursts = others.chunks_exact(BURST).cycle();
    group.bench_function("plain/insert", |bencher| {
        bencher.iter_custom(|rounds| {
            let mut spent = Duration::ZERO;
            for burst in bursts.by_ref().take(rounds as usize) {
                let start = Instant::now();
                for (id, submission) in burst {
                    assert!(pool.insert(*id.as_bytes(), submission));
                }
                spent += start.elapsed();
                for (id, _) in burst {
                    assert!(pool.remove(id.as_bytes()));
                }
            }
            spent
        });
    });
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
fn graph(group: &mut Group<'_>, pending: usize, others: &Known<'_>) {
    let fees: Vec<u64> = others
        .iter()
        .map(|(_, submission)| submission.transaction.envelope.fee.get())
        .collect();
    let mut number = 0;
    let mut fill = |graph: &mut PrioGraph<ByFee, u64, ByFee, _>, count: usize| {
        for fee in fees.iter().cycle().take(count) {
            number += 1;
            graph.insert_transaction(ByFee(*fee, number), [(number, AccessKind::Write)]);
        }
    };
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

//! The whole way of 200-byte transactions, in slots of 2,048, beside the plain way.
#![allow(
    missing_docs,
    reason = "criterion's macros make public items without words"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use hauptbuch_benches::chain::Chain;
use hauptbuch_benches::plain::Pipeline;
use hauptbuch_benches::transactions::Transactions;
use hauptbuch_core::config::Policy;

const COUNT: u32 = 2_048;

fn pipeline(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("pipeline");
    group.throughput(Throughput::Elements(u64::from(COUNT)));
    // Policies that order whole sets need seeds or trades, which nothing here supplies.
    for policy in Policy::BY_POOL
        .iter()
        .filter(|policy| !policy.orders_whole_slots())
    {
        let mut chain = Chain::new(*policy, COUNT);
        group.bench_function(format!("hauptbuch/{}", policy.name()), |bencher| {
            bencher.iter_custom(|rounds| {
                timed(
                    rounds,
                    &mut chain,
                    |chain| {
                        black_box(chain.round(|_| ()));
                    },
                    Chain::advance,
                )
            });
        });
    }
    let mut plain = (Pipeline::default(), Transactions::new(0, COUNT as usize));
    group.bench_function("plain/fcfs", |bencher| {
        bencher.iter_custom(|rounds| {
            timed(
                rounds,
                &mut plain,
                |(pipeline, transactions)| {
                    for submission in transactions.submissions() {
                        pipeline.submit(&submission);
                    }
                    pipeline.admit();
                    let (_, bytes) = black_box(pipeline.take());
                    assert_eq!(bytes, 200 * COUNT as usize);
                },
                |(_, transactions)| transactions.advance(),
            )
        });
    });
    group.finish();
}

/// Time in `work` alone; what prepares the next round is left out.
fn timed<S>(
    rounds: u64,
    state: &mut S,
    mut work: impl FnMut(&mut S),
    mut prepare: impl FnMut(&mut S),
) -> Duration {
    let mut spent = Duration::ZERO;
    for _ in 0..rounds {
        let start = Instant::now();
        work(state);
        spent += start.elapsed();
        prepare(state);
    }
    spent
}

criterion_group!(benches, pipeline);
criterion_main!(benches);

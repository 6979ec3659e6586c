//! A follower's check of a slot of 2,048 transactions, beside the hashes that it can't do without.
#![allow(
    missing_docs,
    reason = "criterion's macros make public items without words"
)]

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use hauptbuch_benches::chain::Chain;
use hauptbuch_benches::plain;
use hauptbuch_core::batch::{SlotReader, SlotVerifier};
use hauptbuch_core::config::{Config, Policy};

const COUNT: u32 = 2_048;

fn verify(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("verify");
    group.throughput(Throughput::Elements(u64::from(COUNT)));
    let limits = Chain::limits(COUNT);
    // Policies that order whole sets need seeds or trades, which nothing here supplies.
    for policy in Policy::BY_POOL
        .iter()
        .filter(|policy| !policy.orders_whole_slots())
    {
        let config = Config {
            policy: *policy,
            ..Config::default()
        };
        let mut bytes = Vec::new();
        let hash = Chain::new(*policy, COUNT).round(|slot| bytes.extend_from_slice(slot));
        group.bench_function(format!("hauptbuch/{}", policy.name()), |bencher| {
            bencher.iter_batched_ref(
                || SlotVerifier::new(&config, &limits),
                |verifier| {
                    let verified = verifier.verify(black_box(&bytes));
                    assert_eq!(verified.map(|slot| slot.hash), Ok(hash));
                },
                BatchSize::LargeInput,
            );
        });
        if *policy == Policy::Fcfs {
            group.bench_function("plain/ids and root alone", |bencher| {
                bencher.iter(|| {
                    let mut reader = SlotReader::new(black_box(&bytes), &limits).expect("a slot");
                    let sub_batch = reader.next_sub_batch().ok().flatten().expect("one rollup");
                    let ids: Vec<_> = sub_batch.iter().map(|(own, ..)| plain::id(own)).collect();
                    plain::binary_root(&ids)
                });
            });
        }
    }
    group.finish();
}

criterion_group!(benches, verify);
criterion_main!(benches);

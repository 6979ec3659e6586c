//! Ids and roots, beside the same hash called plainly.
#![allow(
    missing_docs,
    reason = "criterion's macros make public items without words"
)]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use hauptbuch_benches::plain;
use hauptbuch_core::crypto::hash::{Domain, MICRO_BATCH, hash_many};
use hauptbuch_core::crypto::merkle;
use hauptbuch_core::types::Hash;

fn ids(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("id");
    group.throughput(Throughput::Elements(MICRO_BATCH as u64));
    for len in [32, 200, 500, 1_024] {
        let messages: Vec<Vec<u8>> = (0..MICRO_BATCH).map(|i| vec![i as u8; len]).collect();
        let messages: Vec<&[u8]> = messages.iter().map(Vec::as_slice).collect();
        let mut digests = [Hash::ZERO; MICRO_BATCH];
        group.bench_function(format!("hauptbuch/{len} B"), |bencher| {
            bencher.iter(|| {
                hash_many(Domain::TRANSACTION, black_box(&messages), &mut digests);
                digests
            });
        });
        group.bench_function(format!("sha3/{len} B"), |bencher| {
            bencher.iter(|| {
                for (message, digest) in black_box(&messages).iter().zip(&mut digests) {
                    *digest = Hash::new(plain::id(message));
                }
                digests
            });
        });
    }
    group.finish();
}

fn roots(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("root");
    for count in [1_000_u32, 10_000] {
        let leaves: Vec<[u8; 32]> = (0..count).map(|i| plain::id(&i.to_le_bytes())).collect();
        let own: Vec<Hash> = leaves.iter().map(|leaf| Hash::new(*leaf)).collect();
        let mut folded = own.clone();
        group.throughput(Throughput::Elements(u64::from(count)));
        group.bench_function(format!("hauptbuch/{count} leaves"), |bencher| {
            bencher.iter(|| {
                // The tree is folded in place, so every round needs its leaves again.
                folded.copy_from_slice(black_box(&own));
                merkle::root(&mut folded)
            });
        });
        group.bench_function(format!("binary/{count} leaves"), |bencher| {
            bencher.iter(|| plain::binary_root(black_box(&leaves)));
        });
    }
    group.finish();
}

criterion_group!(benches, ids, roots);
criterion_main!(benches);

//! Keys, signatures and their checks, by provider.
#![allow(
    missing_docs,
    reason = "criterion's macros make public items without words"
)]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use hauptbuch_core::crypto::signature::{Provider, Randomness, SecretKey, Seed, VerifyingKey};

/// What a vote signs is about as long.
const MESSAGE: [u8; 96] = [7; 96];
/// How long signing takes depends on the message, so many are signed.
const MESSAGE_COUNT: u8 = 64;

fn key(provider: Provider, number: u8) -> SecretKey {
    SecretKey::from_seed(provider, &Seed::new([number; 32]))
        .or_else(|_| SecretKey::from_system(provider))
        .expect("the provider is built in")
}

fn providers() -> impl Iterator<Item = Provider> {
    let all = Provider::ALL.into_iter();
    all.filter(|provider| provider.is_built_in())
}

fn keys(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("key");
    for provider in providers() {
        group.bench_function(format!("make/{provider:?}"), |bencher| {
            bencher.iter(|| key(provider, black_box(3)));
        });
        let public = key(provider, 3).public_key().clone();
        group.bench_function(format!("prepare/{provider:?}"), |bencher| {
            bencher.iter(|| VerifyingKey::new(provider, black_box(&public)));
        });
    }
    group.finish();
}

fn signatures(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("signature");
    for provider in providers() {
        let key = key(provider, 3);
        let mut number = 0;
        group.bench_function(format!("sign/{provider:?}"), |bencher| {
            bencher.iter(|| {
                number = (number + 1) % MESSAGE_COUNT;
                key.sign(black_box(&[number; 96]), &Randomness::ZERO)
            });
        });
        let public = VerifyingKey::new(provider, key.public_key()).expect("it is built in");
        let signature = key.sign(&MESSAGE, &Randomness::ZERO).expect("it signs");
        group.bench_function(format!("verify/{provider:?}"), |bencher| {
            bencher.iter(|| public.verify(black_box(&MESSAGE), &signature));
        });
    }
    group.finish();
}

criterion_group!(benches, keys, signatures);
criterion_main!(benches);

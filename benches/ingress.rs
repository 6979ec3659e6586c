//! From a producer to the owner on one thread: 200-byte transactions, 256 in and 256 out.
#![allow(
    missing_docs,
    reason = "criterion's macros make public items without words"
)]

use std::hint::black_box;
use std::sync::mpsc::sync_channel;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use crossbeam_queue::ArrayQueue;
use hauptbuch_benches::plain;
use hauptbuch_benches::transactions::{TRANSACTION_BYTES, Transactions};
use hauptbuch_core::ingress::Ingress;
use hauptbuch_core::limits::Limits;

const BURST: usize = 256;

fn ingress(criterion: &mut Criterion) {
    let transactions = Transactions::new(0, BURST);
    let mut group = criterion.benchmark_group("ingress");
    group.throughput(Throughput::Elements(BURST as u64));

    let limits = Limits {
        producer_count_max: 1,
        shared_lane_count_max: 0,
        ..Limits::default()
    };
    let (mut owner, handle) = Ingress::new(&limits);
    let mut producer = handle.register().expect("a lane is free");
    group.bench_function("hauptbuch/own_lane", |bencher| {
        bencher.iter(|| {
            for submission in transactions.submissions() {
                assert!(producer.submit(&submission).is_ok());
            }
            assert_eq!(drain(&mut owner), BURST * TRANSACTION_BYTES);
        });
    });

    let limits = Limits {
        producer_count_max: 0,
        shared_lane_count_max: 1_024,
        ..Limits::default()
    };
    let (mut owner, handle) = Ingress::new(&limits);
    group.bench_function("hauptbuch/shared_lane", |bencher| {
        bencher.iter(|| {
            for submission in transactions.submissions() {
                assert!(handle.submit_shared(&submission).is_ok());
            }
            assert_eq!(drain(&mut owner), BURST * TRANSACTION_BYTES);
        });
    });

    let queue = ArrayQueue::new(1_024);
    group.bench_function("crossbeam ArrayQueue of Vec", |bencher| {
        bencher.iter(|| {
            for submission in transactions.submissions() {
                assert!(queue.push(plain::copy(&submission.transaction)).is_ok());
            }
            let mut bytes = 0;
            while let Some(item) = queue.pop() {
                bytes += black_box(item).len();
            }
            assert_eq!(bytes, BURST * TRANSACTION_BYTES);
        });
    });

    let (sender, receiver) = sync_channel(1_024);
    group.bench_function("std sync_channel of Vec", |bencher| {
        bencher.iter(|| {
            for submission in transactions.submissions() {
                assert!(
                    sender
                        .try_send(plain::copy(&submission.transaction))
                        .is_ok()
                );
            }
            let items = receiver.try_iter();
            let bytes: usize = items.map(|item: Vec<u8>| black_box(item).len()).sum();
            assert_eq!(bytes, BURST * TRANSACTION_BYTES);
        });
    });
    group.finish();
}

fn drain(owner: &mut Ingress) -> usize {
    let mut bytes = 0;
    owner.drain(usize::MAX, |item| bytes += black_box(item.canonical).len());
    bytes
}

criterion_group!(benches, ingress);
criterion_main!(benches);

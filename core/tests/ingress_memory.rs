//! The ingress takes from the allocator what its footprint says, and nothing afterwards.
#![cfg(not(loom))]

#[path = "common/counting.rs"]
mod counting;

use std::sync::Barrier;
use std::thread;

use hauptbuch_core::ingress::footprint::{ring_bytes, shared_lane_bytes};
use hauptbuch_core::ingress::lanes::{SharedLane, lane};
use hauptbuch_core::ingress::{Ingress, IngressHandle, Producer};
use hauptbuch_core::limits::Limits;
use hauptbuch_core::types::{Envelope, Submission, Transaction};

fn taken<T>(make: impl FnOnce() -> T) -> (u64, T) {
    let before = counting::given_bytes();
    let made = make();
    (counting::given_bytes() - before, made)
}

#[test]
fn the_footprint_is_what_is_taken() {
    let default = Limits::default();
    let variants = [
        default.clone(),
        Limits {
            shared_lane_count_max: 0,
            ..default.clone()
        },
        Limits {
            producer_count_max: 0,
            ..default.clone()
        },
        Limits {
            producer_count_max: 0,
            shared_lane_count_max: 0,
            ..default.clone()
        },
        Limits {
            producer_count_max: 1,
            lane_count_max: 1,
            ..default.clone()
        },
        Limits {
            producer_count_max: 33,
            lane_buffer_counts: [0, 0, 1],
            ..default.clone()
        },
        Limits {
            shared_lane_count_max: 7,
            lane_buffer_counts: [9, 0, 3],
            ..default.clone()
        },
        Limits {
            payload_bytes_max: 0,
            ..default.clone()
        },
        Limits {
            payload_bytes_max: 1_001,
            producer_count_max: 5,
            ..default
        },
    ];
    for limits in variants {
        limits.check().unwrap();
        let (bytes, ingress) = taken(|| Ingress::new(&limits));
        assert_eq!(bytes, limits.ingress_footprint(), "{limits:?}");
        drop(ingress);
    }
}

#[test]
fn a_lane_takes_what_its_formula_says() {
    #[derive(Clone, Copy)]
    struct Odd([u8; 13]);
    #[repr(align(64))]
    struct Aligned(u8);
    for capacity in [0, 1, 2, 3, 100] {
        let (bytes, ends) = taken(|| lane::<Odd>(capacity));
        assert_eq!(bytes, ring_bytes::<Odd>(capacity));
        drop(ends);
        let (bytes, ends) = taken(|| lane::<Aligned>(capacity));
        assert_eq!(bytes, ring_bytes::<Aligned>(capacity));
        drop(ends);
        let (bytes, shared) = taken(|| SharedLane::<Odd>::new(capacity));
        assert_eq!(bytes, shared_lane_bytes::<Odd>(capacity));
        assert_eq!(shared.is_some(), capacity > 0);
        let (bytes, _) = taken(|| SharedLane::<Aligned>::new(capacity));
        assert_eq!(bytes, shared_lane_bytes::<Aligned>(capacity));
    }
    // What the elements hold does not matter, only their layout.
    assert_eq!((Odd([0; 13]).0.len(), Aligned(1).0), (13, 1));
}

fn submit_all(handle: &IngressHandle, thread_index: usize, payloads: &[&[u8]]) {
    let mut producer: Option<Producer> = None;
    for (number, payload) in (0_u32..20_000).zip(payloads.iter().cycle()) {
        let submission = Submission::from(Transaction {
            envelope: Envelope::default(),
            payload,
        });
        let own = match &mut producer {
            Some(producer) if thread_index.is_multiple_of(2) => Some(producer),
            _ => None,
        };
        // Full is as good an outcome as any here: neither may allocate.
        let _outcome = match own {
            Some(producer) => producer.submit(&submission).is_ok(),
            None => handle.submit_shared(&submission).is_ok(),
        };
        if number.is_multiple_of(64) {
            drop(producer.take());
            producer = handle.register().ok();
        }
    }
}

#[test]
fn nothing_is_taken_after_construction() {
    let limits = Limits {
        producer_count_max: 2,
        lane_count_max: 16,
        shared_lane_count_max: 8,
        lane_buffer_counts: [8, 4, 2],
        ..Limits::default()
    };
    let lengths = [0, 100, 5_000, 200_000, 300_000];
    let payloads = lengths.map(|len| vec![7_u8; len]);
    let payloads = payloads.each_ref().map(Vec::as_slice);
    let (mut ingress, handle) = Ingress::new(&limits);
    let start = Barrier::new(4);
    thread::scope(|scope| {
        let threads: Vec<_> = (0..3)
            .map(|index| {
                let (handle, start) = (handle.clone(), &start);
                scope.spawn(move || {
                    start.wait();
                    counting::without_calls(|| submit_all(&handle, index, &payloads));
                })
            })
            .collect();
        start.wait();
        let mut count = 0;
        while !threads.iter().all(|thread| thread.is_finished()) {
            count += counting::without_calls(|| {
                ingress.drain(64, |item| assert!(item.canonical.len() >= 98))
            });
        }
        // A thread that stopped at a failed assertion makes the scope fail.
        count += counting::without_calls(|| ingress.drain(usize::MAX, |_| {}));
        assert!(count > 0);
    });
}

//! Models of what the ingress does around its queues: registration, close, and the way of buffers.
//!
//! Every interleaving of two or three threads is run, with queues that loom can see (their own
//! correctness is not what these models show). Run with
//! `RUSTFLAGS="--cfg loom" cargo test -p hauptbuch-core --release --test loom_ingress`.
#![cfg(loom)]

use hauptbuch_core::ingress::{Ingress, IngressHandle, Producer, RegisterError, SubmitError};
use hauptbuch_core::limits::Limits;
use hauptbuch_core::types::{Envelope, Nonce, Submission, Transaction};
use loom::thread;

fn limits() -> Limits {
    Limits {
        payload_bytes_max: 8,
        producer_count_max: 1,
        lane_count_max: 2,
        shared_lane_count_max: 0,
        lane_buffer_counts: [0, 0, 1],
        ..Limits::default()
    }
}

/// The number stands in the nonce, in the payload and beside the transaction, so that a mixture
/// of two submissions shows.
fn submit(number: u64, submit: impl FnOnce(&Submission<'_>) -> bool) -> bool {
    let payload = number.to_le_bytes();
    let envelope = Envelope {
        nonce: Nonce::new(number),
        ..Envelope::default()
    };
    submit(&Submission {
        transaction: Transaction {
            envelope,
            payload: &payload,
        },
        account_nonce: Some(Nonce::new(number)),
        origin: 0,
        hint: None,
    })
}

fn submit_own(producer: &mut Producer, number: u64) -> bool {
    submit(number, |submission| match producer.submit(submission) {
        Ok(()) => true,
        Err(SubmitError::Full(returned)) => {
            assert_eq!(returned, *submission);
            false
        }
        Err(error) => panic!("{error}"),
    })
}

fn submit_shared(handle: &IngressHandle, number: u64) -> bool {
    submit(number, |submission| {
        match handle.submit_shared(submission) {
            Ok(()) => true,
            Err(SubmitError::Full(returned)) => {
                assert_eq!(returned, *submission);
                false
            }
            Err(error) => panic!("{error}"),
        }
    })
}

/// The numbers in the batch, each checked to be whole.
fn batch(ingress: &Ingress) -> Vec<u64> {
    let numbers = ingress.batch().map(|item| {
        let transaction = Transaction::decode(item.canonical, 8).unwrap();
        let number = transaction.envelope.nonce.get();
        assert_eq!(transaction.payload, number.to_le_bytes());
        assert_eq!(item.account_nonce, Some(Nonce::new(number)));
        number
    });
    numbers.collect()
}

fn drain(ingress: &mut Ingress) -> Vec<u64> {
    let mut all = Vec::new();
    while ingress.pop_batch(1) > 0 {
        all.extend(batch(ingress));
        ingress.recycle();
    }
    all
}

/// With nobody else about, exactly `buffer_count` transactions can be on their way at once, if
/// the owner takes each out of the lane and keeps it; and they all come out as they went in.
fn check_buffers(ingress: &mut Ingress, buffer_count: u32, mut submit: impl FnMut(u64) -> bool) {
    let mut taken = Vec::new();
    while submit(100 + taken.len() as u64) {
        taken.push(100 + taken.len() as u64);
        ingress.pop_batch(taken.len());
    }
    assert_eq!(
        taken.len() as u32,
        buffer_count,
        "a buffer was lost or doubled"
    );
    assert_eq!(batch(ingress), taken);
    ingress.recycle();
}

fn check_own_lane(ingress: &mut Ingress, handle: &IngressHandle, buffer_count: u32) {
    let mut producer = handle.register().expect("the lane came back");
    assert_eq!(handle.register().unwrap_err(), RegisterError::NoFreeLane);
    check_buffers(ingress, buffer_count, |number| {
        submit_own(&mut producer, number)
    });
}

#[test]
fn two_threads_take_turns_on_one_lane() {
    loom::model(|| {
        let mut limits = limits();
        limits.lane_buffer_counts = [0, 0, 2];
        let (mut ingress, handle) = Ingress::new(&limits);
        let threads = [1, 2].map(|number| {
            let handle = handle.clone();
            thread::spawn(move || {
                let mut producer = handle.register().ok()?;
                assert!(
                    submit_own(&mut producer, number),
                    "two buffers, two threads"
                );
                Some(number)
            })
        });
        // The owner reads while the lane changes hands.
        let mut delivered = drain(&mut ingress);
        let submitted = threads.map(|thread| thread.join().unwrap());
        delivered.extend(drain(&mut ingress));
        delivered.sort_unstable();
        let submitted: Vec<_> = submitted.into_iter().flatten().collect();
        assert!(!submitted.is_empty(), "one of them finds the lane");
        assert_eq!(delivered, submitted);
        check_own_lane(&mut ingress, &handle, 2);
    });
}

#[test]
fn buffers_go_around_while_their_producer_leaves() {
    buffers_go_around(1, 2);
    buffers_go_around(2, 1);
}

fn buffers_go_around(buffer_count: u32, place_count: u32) {
    loom::model(move || {
        let mut limits = limits();
        limits.lane_count_max = place_count;
        limits.lane_buffer_counts = [0, 0, buffer_count];
        let (mut ingress, handle) = Ingress::new(&limits);
        let thread = {
            let handle = handle.clone();
            thread::spawn(move || {
                let mut producer = handle.register().unwrap();
                let first: Vec<_> = (1..4).filter(|n| submit_own(&mut producer, *n)).collect();
                drop(producer);
                let mut producer = handle.register().unwrap();
                let second: Vec<_> = (4..6).filter(|n| submit_own(&mut producer, *n)).collect();
                [first, second].concat()
            })
        };
        let mut delivered = Vec::new();
        for _ in 0..2 {
            ingress.pop_batch(1);
            let before = batch(&ingress);
            thread::yield_now();
            // Nobody writes into a buffer that the owner has not handed back.
            assert_eq!(batch(&ingress), before);
            delivered.extend(before);
            ingress.recycle();
        }
        let submitted = thread.join().unwrap();
        delivered.extend(drain(&mut ingress));
        assert_eq!(submitted.first(), Some(&1), "the first finds a free buffer");
        assert_eq!(delivered, submitted);
        check_own_lane(&mut ingress, &handle, buffer_count);
    });
}

#[test]
fn the_shared_lane_loses_no_buffer() {
    // As many buffers as places, more buffers than places, and fewer.
    for (buffer_count, place_count) in [(1, 1), (2, 1), (1, 2)] {
        loom::model(move || {
            let mut limits = limits();
            limits.producer_count_max = 0;
            limits.shared_lane_count_max = place_count;
            limits.lane_buffer_counts = [0, 0, buffer_count];
            let (mut ingress, handle) = Ingress::new(&limits);
            let threads = [1, 2].map(|number| {
                let handle = handle.clone();
                thread::spawn(move || submit_shared(&handle, number).then_some(number))
            });
            let mut delivered = drain(&mut ingress);
            let submitted = threads.map(|thread| thread.join().unwrap());
            delivered.extend(drain(&mut ingress));
            delivered.sort_unstable();
            let submitted: Vec<_> = submitted.into_iter().flatten().collect();
            assert!(!submitted.is_empty(), "one of them finds room");
            assert_eq!(delivered, submitted);

            check_buffers(&mut ingress, buffer_count, |number| {
                submit_shared(&handle, number)
            });
        });
    }
}

#[test]
fn an_owner_that_goes_tells_the_producers() {
    loom::model(|| {
        let (ingress, handle) = Ingress::new(&limits());
        let thread = {
            let handle = handle.clone();
            thread::spawn(move || match handle.register() {
                Ok(mut producer) => submit(1, |submission| match producer.submit(submission) {
                    Ok(()) => true,
                    Err(error) => {
                        assert_eq!(error, SubmitError::StaleHandle);
                        false
                    }
                }),
                Err(error) => {
                    assert_eq!(error, RegisterError::StaleHandle);
                    false
                }
            })
        };
        drop(ingress);
        thread.join().unwrap();
        assert_eq!(handle.register().unwrap_err(), RegisterError::StaleHandle);
    });
}

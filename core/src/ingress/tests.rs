//! The ingress against a plain model of queues, and with real threads.

use proptest::prelude::*;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::vec;
use std::vec::Vec;

use super::*;
use crate::codec::Writer;
use crate::error::Code;
use crate::types::{Address, Envelope, Side, Submission, TradeHint, Transaction};

const PRODUCER_COUNT: usize = 3;

fn limits() -> Limits {
    Limits {
        payload_bytes_max: 9_000,
        producer_count_max: PRODUCER_COUNT as u32,
        lane_count_max: 3,
        shared_lane_count_max: 2,
        lane_buffer_counts: [2, 1, 1],
        ..Limits::default()
    }
}

fn submission(number: u64, payload: &[u8]) -> Submission<'_> {
    Submission {
        transaction: Transaction {
            envelope: Envelope {
                nonce: Nonce::new(number),
                ..Envelope::default()
            },
            payload,
        },
        account_nonce: (!number.is_multiple_of(3)).then(|| Nonce::new(number / 2)),
        origin: number as u32 % 5,
        hint: number.is_multiple_of(2).then_some(TradeHint {
            pool: Address::new([number as u8; 20]),
            side: Side::Sell,
            amount: u128::from(number) + 1,
        }),
    }
}

fn canonical(submission: &Submission<'_>) -> Vec<u8> {
    let mut bytes = vec![0; submission.transaction.encoded_len()];
    submission
        .transaction
        .encode(&mut Writer::new(&mut bytes))
        .unwrap();
    bytes
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Register,
    Drop(usize),
    Submit(usize, usize),
    SubmitShared(usize),
    Pop(usize),
    RecycleFirst(usize),
    Drain(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    // Lengths on both sides of each class's size, less the header of 98 bytes.
    let payload_len = || prop::sample::select(vec![0, 7, 414, 415, 8_094, 8_095, 9_000, 9_001]);
    let step = prop_oneof![
        2 => Just(Step::Register),
        1 => (0..PRODUCER_COUNT).prop_map(Step::Drop),
        8 => (0..PRODUCER_COUNT, payload_len()).prop_map(|(i, len)| Step::Submit(i, len)),
        4 => payload_len().prop_map(Step::SubmitShared),
        3 => (0..6_usize).prop_map(Step::Pop),
        3 => (0..6_usize).prop_map(Step::RecycleFirst),
        1 => (0..9_usize).prop_map(Step::Drain),
    ];
    prop::collection::vec(step, 0..120)
}

/// An element of the model: canonical bytes, account nonce, lane, class of its buffer.
type ModelItem = (Vec<u8>, Option<Nonce>, usize, usize);

/// What the ingress should do, without threads, buffers or limits of its own.
struct Model {
    limits: Limits,
    lanes: Vec<VecDeque<ModelItem>>,
    free: Vec<[u32; BUFFER_CLASS_COUNT]>,
    unregistered: VecDeque<usize>,
    batch: VecDeque<ModelItem>,
    next: usize,
}

impl Model {
    fn new(limits: Limits) -> Self {
        let lane_count = PRODUCER_COUNT + usize::from(limits.shared_lane_count_max > 0);
        Self {
            lanes: vec![VecDeque::new(); lane_count],
            free: vec![limits.lane_buffer_counts; lane_count],
            unregistered: (0..PRODUCER_COUNT).collect(),
            batch: VecDeque::new(),
            next: 0,
            limits,
        }
    }

    fn submit(&mut self, lane: usize, submission: &Submission<'_>) -> Option<Code> {
        if submission.transaction.payload.len() > self.limits.payload_bytes_max as usize {
            return Some(Code::PayloadTooLarge);
        }
        if lane == self.lanes.len() {
            return Some(Code::InvalidArgument);
        }
        let is_shared = lane == PRODUCER_COUNT;
        let room = match is_shared {
            true => self.limits.shared_lane_count_max,
            false => self.limits.lane_count_max,
        };
        let bytes = canonical(submission);
        let sizes = self.limits.buffer_bytes();
        let class = (0..BUFFER_CLASS_COUNT)
            .find(|class| bytes.len() <= sizes[*class] as usize && self.free[lane][*class] > 0);
        match class {
            Some(class) if self.lanes[lane].len() < room as usize => {
                self.free[lane][class] -= 1;
                self.lanes[lane].push_back((bytes, submission.account_nonce, lane, class));
                None
            }
            _ => Some(Code::LaneFull),
        }
    }

    fn pop_batch(&mut self, count_max: usize) -> usize {
        let mut empty_count = 0;
        while self.batch.len() < count_max.min(BATCH_COUNT_MAX) && empty_count < self.lanes.len() {
            let item = self.lanes[self.next].pop_front();
            self.next = (self.next + 1) % self.lanes.len();
            empty_count = if item.is_some() { 0 } else { empty_count + 1 };
            self.batch.extend(item);
        }
        self.batch.len()
    }

    fn recycle_first(&mut self, count: usize) -> Vec<ModelItem> {
        let count = count.min(self.batch.len());
        let recycled: Vec<_> = self.batch.drain(..count).collect();
        for (_, _, lane, class) in &recycled {
            self.free[*lane][*class] += 1;
        }
        recycled
    }

    fn waiting_count(&self) -> usize {
        self.batch.len() + self.lanes.iter().map(VecDeque::len).sum::<usize>()
    }
}

fn same(item: IngressItem<'_>, expected: &ModelItem) -> bool {
    let (bytes, account_nonce, lane, _) = expected;
    item.canonical == bytes && item.account_nonce == *account_nonce && item.lane == *lane as u32
}

/// Runs the same steps on the ingress and on the model, and compares all that can be seen.
fn compare(limits: Limits, steps: &[Step]) {
    let (mut ingress, handle) = Ingress::new(&limits);
    let mut model = Model::new(limits);
    let mut producers: [Option<(Producer, usize)>; PRODUCER_COUNT] = Default::default();
    for (number, step) in steps.iter().enumerate() {
        let payload_of = |len| vec![number as u8; len];
        match *step {
            Step::Register => match (handle.register(), model.unregistered.pop_front()) {
                (Ok(producer), Some(lane)) => {
                    let place = producers.iter_mut().find(|place| place.is_none());
                    *place.unwrap() = Some((producer, lane));
                }
                (Err(error), None) => assert_eq!(error.code(), Code::NoFreeLane),
                (real, expected) => panic!("{real:?} where the model has {expected:?}"),
            },
            Step::Drop(place) => {
                if let Some((_, lane)) = producers[place].take() {
                    model.unregistered.push_back(lane);
                }
            }
            Step::Submit(place, len) => {
                let payload = payload_of(len);
                let submission = submission(number as u64, &payload);
                if let Some((producer, lane)) = &mut producers[place] {
                    let result = producer.submit(&submission);
                    check_submitted(result, &submission, model.submit(*lane, &submission));
                }
            }
            Step::SubmitShared(len) => {
                let payload = payload_of(len);
                let submission = submission(number as u64, &payload);
                let result = handle.submit_shared(&submission);
                check_submitted(
                    result,
                    &submission,
                    model.submit(PRODUCER_COUNT, &submission),
                );
            }
            Step::Pop(count) => assert_eq!(ingress.pop_batch(count), model.pop_batch(count)),
            Step::RecycleFirst(count) => {
                ingress.recycle_first(count);
                model.recycle_first(count);
            }
            Step::Drain(count) => {
                let mut expected = VecDeque::new();
                while expected.len() < count {
                    model.pop_batch(count - expected.len());
                    let recycled = model.recycle_first(count - expected.len());
                    if recycled.is_empty() {
                        break;
                    }
                    expected.extend(recycled);
                }
                let drained_count = expected.len();
                let real_count = ingress.drain(count, |item| {
                    assert!(same(item, &expected.pop_front().unwrap()));
                });
                assert_eq!(real_count, drained_count);
            }
        }
        assert_eq!(ingress.batch().len(), model.batch.len());
        assert!(
            ingress
                .batch()
                .zip(&model.batch)
                .all(|(item, expected)| same(item, expected))
        );
        assert_eq!(ingress.waiting_count(), model.waiting_count());
    }
}

fn check_submitted(
    result: Result<(), SubmitError<'_>>,
    submission: &Submission<'_>,
    expected: Option<Code>,
) {
    assert_eq!(result.err().map(|error| error.code()), expected);
    if let Err(SubmitError::Full(returned)) = result {
        assert_eq!(returned, *submission);
    }
}

proptest! {
    // Miri has its own tests below: cases by the hundred take it hours.
    #[test]
    #[cfg_attr(miri, ignore)]
    fn it_does_what_plain_queues_do(steps in steps(), with_shared in any::<bool>()) {
        let mut limits = limits();
        if !with_shared {
            limits.shared_lane_count_max = 0;
        }
        compare(limits, &steps);
    }
}

#[test]
fn a_full_lane_gives_back_and_recovers() {
    let (mut ingress, handle) = Ingress::new(&limits());
    let mut producer = handle.register().unwrap();
    let small = submission(1, b"small");
    // Three places in the lane; the third takes a buffer of the next class.
    for _ in 0..3 {
        producer.submit(&small).unwrap();
    }
    assert_eq!(producer.submit(&small), Err(SubmitError::Full(small)));
    assert_eq!(ingress.pop_batch(usize::MAX), 3);
    // There is room in the lane again, and the only buffer left is of the largest class.
    producer.submit(&small).unwrap();
    assert_eq!(producer.submit(&small), Err(SubmitError::Full(small)));
    ingress.recycle();
    for _ in 0..2 {
        producer.submit(&small).unwrap();
    }
    assert_eq!(
        ingress.drain(usize::MAX, |item| assert_eq!(item.lane, 0)),
        3
    );
}

#[test]
fn refusals_say_why() {
    let long = vec![0; 9_001];
    let (ingress, handle) = Ingress::new(&limits());
    let mut producers: Vec<_> = (0..PRODUCER_COUNT)
        .map(|_| handle.register().unwrap())
        .collect();
    assert_eq!(handle.register().unwrap_err(), RegisterError::NoFreeLane);
    let too_long = submission(0, &long);
    assert_eq!(
        producers[0].submit(&too_long),
        Err(SubmitError::PayloadTooLarge)
    );
    assert_eq!(
        handle.submit_shared(&too_long),
        Err(SubmitError::PayloadTooLarge)
    );

    drop(ingress);
    let good = submission(0, b"good");
    assert_eq!(producers[0].submit(&good), Err(SubmitError::StaleHandle));
    assert_eq!(handle.submit_shared(&good), Err(SubmitError::StaleHandle));
    producers.clear();
    assert_eq!(handle.register().unwrap_err(), RegisterError::StaleHandle);

    let lanes_only = Limits {
        shared_lane_count_max: 0,
        ..limits()
    };
    let (_ingress, handle) = Ingress::new(&lanes_only);
    let error = handle.submit_shared(&good).unwrap_err();
    assert_eq!(
        (error, error.code()),
        (SubmitError::NoSharedLane, Code::InvalidArgument)
    );

    let shared_only = Limits {
        producer_count_max: 0,
        ..limits()
    };
    let (_ingress, handle) = Ingress::new(&shared_only);
    assert_eq!(handle.register().unwrap_err().code(), Code::NoFreeLane);
    assert_eq!(handle.submit_shared(&good), Ok(()));
}

#[test]
fn what_a_dropped_producer_left_is_delivered_first() {
    let one_lane = Limits {
        producer_count_max: 1,
        ..limits()
    };
    let (mut ingress, handle) = Ingress::new(&one_lane);
    for number in 0..3 {
        let mut producer = handle.register().unwrap();
        producer.submit(&submission(number, b"")).unwrap();
    }
    let mut nonces = Vec::new();
    ingress.drain(usize::MAX, |item| {
        nonces.push(
            Transaction::decode(item.canonical, 0)
                .unwrap()
                .envelope
                .nonce
                .get(),
        );
    });
    assert_eq!(nonces, [0, 1, 2]);
}

#[test]
fn a_busy_lane_starves_no_other() {
    let (mut ingress, handle) = Ingress::new(&limits());
    let mut busy = handle.register().unwrap();
    let mut quiet = handle.register().unwrap();
    for round in 0..20 {
        while busy.submit(&submission(0, b"busy")).is_ok() {}
        quiet.submit(&submission(1, b"quiet")).unwrap();
        let mut lanes = Vec::new();
        ingress.drain(2, |item| lanes.push(item.lane));
        lanes.sort_unstable();
        assert_eq!(lanes, [0, 1], "round {round}");
    }
}

fn retry(mut submit: impl FnMut() -> bool) {
    for _ in 0..100_000_000_u32 {
        if submit() {
            return;
        }
        thread::yield_now();
    }
    panic!("no buffer ever came back");
}

/// Threads on lanes of their own, which they give up and take again, and on the shared one.
#[test]
fn threads_lose_and_double_nothing() {
    let per_thread: u64 = if cfg!(miri) { 6 } else { 20_000 };
    let two_lanes = Limits {
        payload_bytes_max: 500,
        producer_count_max: 2,
        ..limits()
    };
    let (mut ingress, handle) = Ingress::new(&two_lanes);
    let done_count = Arc::new(AtomicUsize::new(0));
    let threads: Vec<_> = (0..4_u64)
        .map(|thread_index| {
            let handle = handle.clone();
            let done_count = Arc::clone(&done_count);
            thread::spawn(move || {
                let mut producer = (thread_index < 2).then(|| handle.register().unwrap());
                for number in 0..per_thread {
                    let payload = vec![thread_index as u8; (number % 501) as usize];
                    let submission = submission((thread_index << 32) | number, &payload);
                    retry(|| match &mut producer {
                        Some(producer) => producer.submit(&submission).is_ok(),
                        None => handle.submit_shared(&submission).is_ok(),
                    });
                    if number % 4 == 1 && thread_index < 2 {
                        producer = None;
                        retry(|| {
                            producer = handle.register().ok();
                            producer.is_some()
                        });
                    }
                }
                drop(producer);
                done_count.fetch_add(1, Ordering::Release);
            })
        })
        .collect();

    let mut seen = vec![vec![false; per_thread as usize]; threads.len()];
    loop {
        let done = done_count.load(Ordering::Acquire) == threads.len();
        let count = ingress.drain(usize::MAX, |item| {
            let transaction = Transaction::decode(item.canonical, 500).unwrap();
            let number = transaction.envelope.nonce.get();
            let thread_index = (number >> 32) as usize;
            let index = number as u32 as usize;
            let seen = &mut seen[thread_index];
            assert!(!seen[index], "doubled: {index} of thread {thread_index}");
            // A new registration may get another lane, which may overtake the first.
            let is_first = index == 0 || (thread_index < 2 && index % 4 == 2);
            assert!(
                is_first || seen[index - 1],
                "{index} of thread {thread_index} overtook"
            );
            seen[index] = true;
            assert_eq!(item.account_nonce, submission(number, b"").account_nonce);
            assert_eq!(transaction.payload.len(), index % 501);
            let own = thread_index as u8;
            assert!(transaction.payload.iter().all(|byte| *byte == own));
        });
        if done && count == 0 {
            break;
        }
        thread::yield_now();
    }
    assert!(seen.iter().flatten().all(|seen| *seen), "lost");
    threads
        .into_iter()
        .for_each(|thread| thread.join().unwrap());
}

#[test]
fn handles_cross_threads() {
    fn is_send<T: Send>() {}
    fn is_sync<T: Sync>() {}
    is_send::<Ingress>();
    is_send::<Producer>();
    is_send::<IngressHandle>();
    is_sync::<IngressHandle>();
}

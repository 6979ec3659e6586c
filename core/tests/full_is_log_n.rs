//! What an insert into a full pool costs grows like the logarithm of the pool, and no faster.
//!
//! Steps are counted, not timed: how often the queues compare keys, and how many others an insert
//! ends. Both come from the pool's own order relation and its events, so that no clock is asked.

mod common;

use std::cell::Cell;
use std::cmp::Ordering;

use common::{Seeded, config, envelope};
use hauptbuch_core::bounded::HeapSet;
use hauptbuch_core::config::Policy;
use hauptbuch_core::coordinator::TransactionCoordinator;
use hauptbuch_core::error::Code;
use hauptbuch_core::limits::Limits;
use hauptbuch_core::types::{Address, Envelope, Fee, RollupId, Tick, Transaction, UnixNs};

thread_local! {
    static COMPARISONS: Cell<u64> = const { Cell::new(0) };
}

/// A key that counts how often it is compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counted([u64; 2]);

impl Ord for Counted {
    fn cmp(&self, other: &Self) -> Ordering {
        COMPARISONS.set(COMPARISONS.get() + 1);
        self.0.cmp(&other.0)
    }
}

impl PartialOrd for Counted {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

const SIZES: [u32; 4] = [1 << 10, 1 << 12, 1 << 14, 1 << 16];

/// The most comparisons that displacing the smallest of `size` keys for a new one takes.
fn comparisons_of(size: u32, key_of: &mut dyn FnMut(u64) -> u64) -> u64 {
    let mut queue = HeapSet::<Counted>::new(1, size);
    for number in 0..size {
        queue.push(
            0,
            Counted([key_of(u64::from(number)), u64::from(number)]),
            number,
        );
    }
    let mut most = 0;
    for turn in u64::from(size)..u64::from(size) + 10_000 {
        let before = COMPARISONS.get();
        let (_, number) = queue.pop(0).unwrap();
        assert!(queue.push(0, Counted([key_of(turn), turn]), number));
        most = most.max(COMPARISONS.get() - before);
    }
    assert!(queue.is_consistent());
    most
}

/// Random keys, equal ones, and such as rise: always a path from the root to a leaf, and back.
#[test]
fn a_queue_compares_along_one_path() {
    for size in SIZES {
        let mut random = Seeded(u64::from(size));
        let depth = u64::from(size.ilog(4)) + 1;
        // Down: the least of four children, and whether it is smaller. Up: one parent a level.
        let bound = depth * (3 + 1) + depth + 2;
        let mut patterns: [&mut dyn FnMut(u64) -> u64; 3] =
            [&mut |_| random.next(), &mut |_| 7, &mut |turn| turn];
        for key_of in &mut patterns {
            let most = comparisons_of(size, *key_of);
            assert!(
                most <= bound,
                "{most} comparisons among {size}, more than {bound}"
            );
            // It is no bound that a list would keep, either.
            assert!(bound < u64::from(size) / 16);
        }
    }
}

fn full_pool(size: u32) -> TransactionCoordinator {
    let limits = Limits {
        pending_count_max: size,
        pending_bytes_max: u64::from(size) * 128 + (256 << 10),
        sender_count_max: size * 2,
        rollup_reserved_count: 0,
        quiet_reserved_count: 0,
        producer_count_max: 0,
        shared_lane_count_max: 0,
        ..Limits::default()
    };
    TransactionCoordinator::new(&config(Policy::PriorityFee), &limits).unwrap()
}

fn from_new_sender(number: u64, fee: u64) -> Envelope {
    let mut address = [0; 20];
    address[..8].copy_from_slice(&number.to_le_bytes());
    Envelope {
        sender: Address::new(address),
        fee: Fee::new(fee),
        ..envelope(RollupId::new(1), 0, 0)
    }
}

/// Each insert into a full pool ends exactly one, whatever the size, and the one with the least.
#[test]
fn an_insert_into_a_full_pool_ends_one() {
    for size in [1 << 10, 1 << 14] {
        let mut own = full_pool(size);
        let mut submit = |number: u64, fee: u64| {
            let envelope = from_new_sender(number, fee);
            let transaction = Transaction {
                envelope,
                payload: b"x",
            };
            let result = own.submit(&transaction.into(), Tick::ZERO, UnixNs::new(1));
            let mut ended = Vec::new();
            while let Some(event) = own.poll_event() {
                ended.push((event.code, event.id));
            }
            (result, ended, own.pool().len())
        };
        let mut ids = Vec::new();
        for number in 0..u64::from(size) {
            let (id, ended, _) = submit(number, 10 + number);
            assert!(ended.is_empty());
            ids.push(id.unwrap());
        }
        for turn in 0..1_000_u64 {
            let number = u64::from(size) + turn;
            // Not more than the least pays: refused. One more: that one goes.
            let (refused, ended, _) = submit(number, 10 + turn);
            assert_eq!((refused, ended), (Err(Code::PoolFull), vec![]));
            let (id, ended, len) = submit(number, 10 + number);
            assert_eq!(ended, [(Code::Evicted, ids[turn as usize])]);
            assert_eq!(len, size as usize);
            ids.push(id.unwrap());
        }
        assert_eq!(own.verify(), Ok(()));
    }
}

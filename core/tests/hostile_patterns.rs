//! Who floods, splits accounts or storms neither shuts out a quiet sender nor makes calls dear.
//!
//! In each pattern an attacker hands in 200 transactions a slot, three times what a slot holds.
//! After each of these waves a sender that nobody knows hands in one. What is promised it:
//! - It is admitted at once, at the lowest fee that there is.
//! - First come, first served: it is included within [`SLOTS_MAX`] slots, which is what a full pool
//!   takes to be worked off. By fee: in the next slot, where it pays more than the attacker.
//! - No call ends more than 32 others for one that comes, and nothing is allocated.
#![allow(unsafe_code, reason = "an allocator that counts is an unsafe trait")]

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::collections::BTreeMap;

use common::{ROLLUPS, config, envelope};
use hauptbuch_core::config::Policy;
use hauptbuch_core::coordinator::{TransactionCoordinator, WhenEmpty};
use hauptbuch_core::error::Code;
use hauptbuch_core::limits::{Limits, Quota};
use hauptbuch_core::pool::room::DISPLACED_COUNT_MAX;
use hauptbuch_core::types::{
    Address, Envelope, Fee, Nonce, Submission, Tick, Transaction, TxId, UnixNs,
};

thread_local! {
    static CALLS: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: every call goes to the system's allocator unchanged; counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        CALLS.set(CALLS.get() + 1);
        // SAFETY: the caller's promise about `layout` is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const PENDING: u32 = 512;
const SLOT: u32 = 64;
/// A full pool in slots, and the one that is being taken.
const SLOTS_MAX: u64 = (PENDING / SLOT) as u64 + 1;
const WAVES: u64 = 40;
const WAVE: u64 = 200;
/// Where the attacker's transactions come from, and the others'.
const HOSTILE: u32 = 1;
const HONEST: u32 = 2;

/// With a quota for each origin, or without.
fn limits(has_quota: bool) -> Limits {
    let origin_count_max = if has_quota {
        PENDING - PENDING / 4
    } else {
        PENDING
    };
    Limits {
        pending_count_max: PENDING,
        pending_bytes_max: u64::from(PENDING) * 128,
        payload_bytes_max: 1_024,
        sender_count_max: 4 * PENDING,
        sender_quota: Quota {
            count_max: PENDING,
            bytes_max: 1 << 20,
            gas_max: 1 << 30,
        },
        origin_quota: Quota {
            count_max: origin_count_max,
            bytes_max: 1 << 20,
            gas_max: 1 << 30,
        },
        origin_count_max: 8,
        rollup_reserved_count: 16,
        quiet_reserved_count: 128,
        seen_count_max: 256,
        cancel_count_max: 16,
        slot_count_max: SLOT,
        slot_bytes_max: 64 << 10,
        slot_gas_max: 1 << 20,
        event_count_max: 1_024,
        producer_count_max: 0,
        shared_lane_count_max: 0,
        ..Limits::default()
    }
}

struct World {
    own: TransactionCoordinator,
    time: u64,
    slots: u64,
    /// Quiet ones that wait, with the slot after which they came.
    waiting: BTreeMap<TxId, u64>,
    longest: u64,
    included: u64,
    /// What attackers came to: how often each thing happened.
    outcomes: BTreeMap<Code, u64>,
    /// The attacker's next nonces.
    nonces: BTreeMap<u64, u64>,
}

impl World {
    fn new(policy: Policy, limits: &Limits) -> Self {
        Self {
            own: TransactionCoordinator::new(&config(policy), limits).unwrap(),
            time: 1_000,
            slots: 0,
            waiting: BTreeMap::new(),
            longest: 0,
            included: 0,
            outcomes: BTreeMap::new(),
            nonces: BTreeMap::new(),
        }
    }

    fn submit(&mut self, envelope: Envelope, payload: &[u8], origin: u32) -> Result<TxId, Code> {
        let submission = Submission {
            transaction: Transaction { envelope, payload },
            account_nonce: Some(Nonce::ZERO),
            origin,
        };
        let calls = CALLS.get();
        let time = UnixNs::new(self.time);
        let result = self.own.submit(&submission, Tick::new(self.slots), time);
        assert_eq!(CALLS.get(), calls, "a submission allocated");
        assert!(self.own.event_count() <= DISPLACED_COUNT_MAX);
        self.read_events();
        result
    }

    fn attack(&mut self, envelope: Envelope, payload: &[u8]) -> bool {
        let result = self.submit(envelope, payload, HOSTILE);
        let code = result.err().unwrap_or(Code::Admitted);
        *self.outcomes.entry(code).or_default() += 1;
        result.is_ok()
    }

    /// The next of an attacker's line; what is refused is sent again.
    fn attack_in_line(&mut self, sender: u64, fee: u64) {
        let nonce = self.nonces.get(&sender).copied().unwrap_or(0);
        if self.attack(numbered(sender, nonce, fee), b"line") {
            self.nonces.insert(sender, nonce + 1);
        }
    }

    fn submit_quiet(&mut self, number: u64, fee: u64) {
        let quiet = numbered(1 << 40 | number, 0, fee);
        let id = self.submit(quiet, b"quiet", HONEST);
        self.waiting.insert(id.unwrap(), self.slots);
    }

    fn slot(&mut self) {
        let (now, time) = (Tick::new(self.slots), UnixNs::new(self.time));
        let calls = CALLS.get();
        let slot = self.own.take(now, time, WhenEmpty::EmptySlot).unwrap();
        let height = slot.unwrap().header.height;
        assert_eq!(CALLS.get(), calls, "a slot allocated");
        self.read_events();
        self.own.acknowledge(height, now).unwrap();
        self.slots += 1;
        self.time += 10;
        self.read_events();
        assert_eq!(self.own.verify(), Ok(()));
    }

    fn read_events(&mut self) {
        while let Some(event) = self.own.poll_event() {
            match self.waiting.remove(&event.id) {
                Some(since) => {
                    assert_eq!(event.code, Code::Included, "a quiet one ended otherwise");
                    self.longest = self.longest.max(self.slots - since);
                    self.included += 1;
                }
                None => *self.outcomes.entry(event.code).or_default() += 1,
            }
        }
    }
}

fn numbered(sender: u64, nonce: u64, fee: u64) -> Envelope {
    let mut address = [9; 20];
    address[..8].copy_from_slice(&sender.to_le_bytes());
    Envelope {
        sender: Address::new(address),
        fee: Fee::new(fee),
        ..envelope(ROLLUPS[0], 0, nonce)
    }
}

/// Runs a pattern under both policies, and returns what became of the attacker's transactions.
fn run(limits: &Limits, pattern: &dyn Fn(&mut World, u64)) -> BTreeMap<Code, u64> {
    let mut outcomes = BTreeMap::new();
    for (policy, fee, slots_max) in [
        (Policy::Fcfs, 1, SLOTS_MAX),
        (Policy::PriorityFee, 1_000, 1),
    ] {
        let mut world = World::new(policy, limits);
        let footprint = world.own.limits().footprint().bytes();
        for wave in 0..WAVES {
            pattern(&mut world, wave);
            world.submit_quiet(wave, fee);
            world.slot();
        }
        for _ in 0..SLOTS_MAX {
            world.slot();
        }
        assert_eq!((world.included, world.waiting.len()), (WAVES, 0));
        assert!(
            world.longest <= slots_max,
            "{policy:?}: {} slots",
            world.longest
        );
        assert_eq!(world.own.limits().footprint().bytes(), footprint);
        for (code, count) in world.outcomes {
            *outcomes.entry(code).or_default() += count;
        }
    }
    outcomes
}

#[test]
fn one_senders_flood() {
    let outcomes = run(&limits(false), &|world, _| {
        (0..WAVE).for_each(|_| world.attack_in_line(1, 500));
    });
    assert!(outcomes[&Code::PoolFull] > 500, "{outcomes:?}");
}

#[test]
fn equal_fees() {
    let outcomes = run(&limits(false), &|world, _| {
        (0..WAVE).for_each(|number| world.attack_in_line(1 + number % 20, 1));
    });
    // Nobody displaces what pays the same, but for the quiet one in its reserve.
    let evicted = outcomes.get(&Code::Evicted).copied().unwrap_or(0);
    assert!(evicted <= 2 * WAVES, "{outcomes:?}");
    assert!(outcomes[&Code::PoolFull] > 500, "{outcomes:?}");
}

#[test]
fn nonce_gaps() {
    let outcomes = run(&limits(false), &|world, wave| {
        for number in 0..WAVE {
            let (sender, nonce) = (1 + wave % 8 * 25 + number % 25, 1 + number / 25 * 2);
            world.attack(numbered(sender, nonce, 500), b"gap");
        }
    });
    assert!(outcomes[&Code::MissingPredecessor] > 500, "{outcomes:?}");
    assert!(!outcomes.contains_key(&Code::Included), "{outcomes:?}");
}

#[test]
fn expiry_storms() {
    let outcomes = run(&limits(true), &|world, wave| {
        for number in 0..WAVE {
            let storm = Envelope {
                expiry: UnixNs::new(world.time + 1 + number % 30),
                ..numbered(wave * WAVE + number, 0, 500)
            };
            world.attack(storm, b"storm");
        }
    });
    assert!(outcomes[&Code::Expired] > 1_000, "{outcomes:?}");
}

#[test]
fn replacement_storms() {
    let outcomes = run(&limits(true), &|world, wave| {
        for number in 0..WAVE {
            let fee = 1 + number / 4 * 18;
            let nonce = wave * 4 + number % 4;
            world.attack(numbered(1, nonce, fee), &number.to_le_bytes());
        }
    });
    assert!(outcomes[&Code::Replaced] > 1_000, "{outcomes:?}");
    assert!(
        outcomes[&Code::ReplacementUnderpriced] > 1_000,
        "{outcomes:?}"
    );
}

#[test]
fn account_splitting() {
    let outcomes = run(&limits(true), &|world, wave| {
        for number in 0..WAVE {
            world.attack(numbered(wave * WAVE + number, 0, 500), b"split");
        }
    });
    // What tells them apart from many who are quiet is where they come from.
    assert!(outcomes[&Code::OriginQuotaExceeded] > 1_000, "{outcomes:?}");
}

/// Payloads as large as they may be: the right of quiet ones to displace ends with their bytes.
#[test]
fn quiet_senders_with_large_payloads() {
    let mut world = World::new(Policy::Fcfs, &limits(false));
    for _ in 0..PENDING {
        world.attack_in_line(1, 500);
    }
    // The quiet ones' places were left free; the first four of the line were quiet themselves.
    let held = u64::from(PENDING - 128) + 4;
    assert_eq!(world.nonces[&1], held);
    for number in 0..WAVE {
        world.attack(numbered(2 + number, 0, 1), &[7; 1_024]);
    }
    let displaced = world.outcomes.get(&Code::Evicted).copied().unwrap_or(0);
    // A quarter of the places and of the bytes is for quiet ones; each that goes frees 128 bytes.
    let part = u64::from(PENDING) / 4;
    assert!(displaced <= part, "{:?}", world.outcomes);
    assert!(
        world.outcomes[&Code::PoolBytesFull] > 100,
        "{:?}",
        world.outcomes
    );
    assert_eq!(world.own.verify(), Ok(()));
}

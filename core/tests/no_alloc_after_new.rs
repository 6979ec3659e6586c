//! Nothing allocates after construction: an allocator that ends the process watches a full load.
#![allow(unsafe_code, reason = "an allocator that watches is an unsafe trait")]

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::process::Command;

use common::{ROLLUPS, Seeded, config, envelope, submission, tiny_limits};
use hauptbuch_core::batch::SlotVerifier;
use hauptbuch_core::config::{Config, Policy, ReplayProtection};
use hauptbuch_core::coordinator::{SettleError, TransactionCoordinator, WhenEmpty};
use hauptbuch_core::error::Code;
use hauptbuch_core::limits::Limits;
use hauptbuch_core::types::{Address, Envelope, Fee, Gas, Nonce, Submission, Tick, UnixNs};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Watch {
    Off,
    Count,
    Abort,
}

thread_local! {
    static WATCH: Cell<Watch> = const { Cell::new(Watch::Off) };
    static CALLS: Cell<u64> = const { Cell::new(0) };
}

struct Watching;

fn watch() {
    match WATCH.get() {
        Watch::Off => {}
        Watch::Count => CALLS.set(CALLS.get() + 1),
        Watch::Abort => {
            WATCH.set(Watch::Off);
            let trace = std::backtrace::Backtrace::force_capture();
            eprintln!("an allocation after construction:\n{trace}");
            std::process::abort();
        }
    }
}

// SAFETY: every call goes to the system's allocator unchanged, or ends the process.
unsafe impl GlobalAlloc for Watching {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        watch();
        // SAFETY: the caller's promise about `layout` is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        watch();
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        watch();
        // SAFETY: as above, and `place` was given out by the same allocator.
        unsafe { System.realloc(place, layout, new_size) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // Giving memory back is no less a sign that some was taken.
        watch();
        // SAFETY: as above.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Watching = Watching;

/// Runs `work` in a process that dies with the first allocation on this thread.
fn without_allocating<T>(work: impl FnOnce() -> T) -> T {
    WATCH.set(Watch::Abort);
    let result = work();
    WATCH.set(Watch::Off);
    result
}

/// What a load did: it is worth something only if it went everywhere.
#[derive(Debug, Default)]
struct Done {
    submitted: u64,
    taken: u64,
    acknowledged: u64,
    rolled_back: u64,
    too_many: u64,
    events_full: u64,
    verified: u64,
    damaged: u64,
    expired_unready: u64,
    cancelled: u64,
}

/// A seeded load over a coordinator and a follower; allocates nothing itself.
fn load(
    own: &mut TransactionCoordinator,
    follower: &mut SlotVerifier,
    slot_copy: &mut [u8],
    seed: u64,
    steps: u32,
) -> Done {
    let (mut random, mut done) = (Seeded(seed), Done::default());
    let (mut now, mut time) = (Tick::ZERO, 1_000);
    let payload = [9_u8; 300];
    for _ in 0..steps {
        now = now.saturating_add(random.below(3));
        match random.below(16) {
            0..=7 => {
                let many = core::array::from_fn::<_, 5, _>(|_| {
                    let rollup = random.one_of(&[ROLLUPS[0], ROLLUPS[1]]);
                    let one = Envelope {
                        fee: Fee::new(random.below(6)),
                        gas: Gas::new(random.below(104)),
                        expiry: UnixNs::new(time + random.below(60)),
                        ..envelope(rollup, random.below(200) as u8, random.below(8))
                    };
                    let all = submission(one, &payload[..random.one_of(&[0, 0, 0, 50, 200, 220])]);
                    Submission {
                        account_nonce: all.account_nonce.filter(|_| random.below(2) == 0),
                        ..all
                    }
                });
                let count = random.below(6) as usize;
                let some = many.into_iter().take(count);
                done.submitted += count as u64;
                own.submit_batch(some, now, UnixNs::new(time), |_| {})
                    .unwrap();
            }
            8..=9 => {
                let when_empty = random.one_of(&[WhenEmpty::NoSlot, WhenEmpty::EmptySlot]);
                match own.take(now, UnixNs::new(time), when_empty) {
                    Ok(slot) => done.taken += u64::from(slot.is_some()),
                    Err(_) => done.too_many += 1,
                }
            }
            10..=12 => settle(own, follower, slot_copy, now, random.next(), &mut done),
            13 => {
                let height = follower.tip().height.next();
                done.rolled_back += own.roll_back(height).unwrap_or(0) as u64;
            }
            14 => {
                (0..random.below(12)).for_each(|_| done_reading(own));
                let sender = Address::new([random.below(200) as u8; 20]);
                let nonce = Nonce::new(random.below(8));
                done.cancelled += u64::from(own.cancel_nonce(ROLLUPS[0], sender, nonce).is_ok());
            }
            _ => {
                time += random.below(30);
                if random.below(4) == 0 {
                    done.expired_unready += own.expire_unready().ended as u64;
                }
            }
        }
    }
    done
}

/// Acknowledges the oldest slot, and lets the follower read it, damaged first.
fn settle(
    own: &mut TransactionCoordinator,
    follower: &mut SlotVerifier,
    slot_copy: &mut [u8],
    now: Tick,
    random: u64,
    done: &mut Done,
) {
    let height = follower.tip().height.next();
    let Some(slot) = own.slot(height) else {
        return;
    };
    let len = slot.bytes.len();
    slot_copy[..len].copy_from_slice(slot.bytes);
    if let Err(error) = own.acknowledge(height, now) {
        assert_eq!(error, SettleError::EventsFull);
        done.events_full += 1;
        return;
    }
    done.acknowledged += 1;
    let at = (random % len as u64) as usize;
    slot_copy[at] ^= 0x80;
    // The agreed time stands in bytes 49 to 56 and may be another.
    if !(49..57).contains(&at) {
        assert!(follower.verify(&slot_copy[..len]).is_err());
        done.damaged += 1;
    }
    slot_copy[at] ^= 0x80;
    follower.verify(&slot_copy[..len]).unwrap();
    done.verified += 1;
}

fn done_reading(own: &mut TransactionCoordinator) {
    let _event = own.poll_event();
}

#[test]
fn a_full_load_allocates_nothing() {
    let larger = Limits {
        pending_count_max: 500,
        sender_count_max: 300,
        pending_bytes_max: 20_000,
        slot_count_max: 40,
        slot_bytes_max: 8_000,
        slot_gas_max: 3_000,
        event_count_max: 100,
        ..tiny_limits()
    };
    // Fewer places than payloads fit.
    let few = Limits {
        pending_count_max: 6,
        ..tiny_limits()
    };
    let (mut refused, mut ended) = ([0_u64; 21], [0_u64; 2]);
    for (seed, limits) in (0..).zip([tiny_limits(), larger.clone(), few, larger]) {
        let replay_protection = match seed {
            0 | 1 => ReplayProtection::ByHost,
            _ => ReplayProtection::ByExpiry { horizon_ns: 50 },
        };
        let config = Config {
            replay_protection,
            ..config(Policy::ALL[seed as usize % 2])
        };
        let mut own = TransactionCoordinator::new(&config, &limits).unwrap();
        let mut follower = SlotVerifier::new(&config, &limits);
        let mut slot_copy = vec![0; 10_000];
        let done =
            without_allocating(|| load(&mut own, &mut follower, &mut slot_copy, seed, 6_000));
        let least = [
            done.submitted / 1_000,
            done.taken,
            done.acknowledged,
            done.rolled_back,
            done.events_full,
            done.damaged,
            done.expired_unready,
            done.cancelled,
        ];
        assert!(least.iter().all(|count| *count > 0), "{done:?}");
        assert_eq!(done.verified, done.acknowledged);
        assert_eq!(own.metrics().submitted, done.submitted);
        for (sum, code) in ended.iter_mut().zip([Code::Evicted, Code::Replaced]) {
            *sum += own.metrics().of(code);
        }
        for (code, count) in own
            .metrics()
            .counted()
            .filter(|(code, _)| code.number() / 100 == 1)
        {
            refused[usize::from(code.number()) - 100] += count;
        }
        assert_eq!(own.verify(), Ok(()));
    }
    assert!(ended.iter().all(|count| *count > 0), "{ended:?}");
    for code in [
        Code::PoolFull,
        Code::PoolBytesFull,
        Code::SenderTableFull,
        Code::MissingPredecessor,
    ] {
        assert!(
            refused[usize::from(code.number()) - 100] > 0,
            "{code:?} {refused:?}"
        );
    }
}

#[test]
fn the_watch_counts() {
    WATCH.set(Watch::Count);
    let one = Box::new(1_u8);
    drop(one);
    let mut grows = Vec::with_capacity(1);
    grows.extend([1_u8, 2, 3]);
    WATCH.set(Watch::Off);
    // One and its end, one with a place, and one growth at least.
    assert!(CALLS.get() >= 4, "{} calls", CALLS.get());
}

/// Set in the processes that the test below starts from itself.
const CHILD: &str = "HAUPTBUCH_TEST_WATCH";

#[test]
fn the_watch_ends_the_process() {
    if let Ok(role) = std::env::var(CHILD) {
        if role == "watched" {
            drop(without_allocating(|| std::hint::black_box(Box::new(1_u8))));
        } else {
            drop(std::hint::black_box(Box::new(1_u8)));
            without_allocating(|| ());
        }
        return;
    }
    let this = std::env::current_exe().unwrap();
    let run = |role: &str| {
        let mut command = Command::new(&this);
        command
            .env(CHILD, role)
            .args(["--exact", "the_watch_ends_the_process", "--nocapture"]);
        command.output().unwrap()
    };
    assert!(run("unwatched").status.success());
    let watched = run("watched");
    assert!(!watched.status.success());
    let said = String::from_utf8_lossy(&watched.stderr).into_owned();
    assert!(said.contains("an allocation after construction"), "{said}");
}

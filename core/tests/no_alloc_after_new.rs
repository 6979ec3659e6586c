//! Nothing allocates after construction: an allocator that ends the process watches a full load.

mod common;
#[path = "common/counting.rs"]
mod counting;

use std::process::Command;

use common::{
    POLICIES, ROLLUPS, Seeded, config, envelope, step_open_slot, submission, take_any, tiny_limits,
};
use hauptbuch_core::batch::{SlotContext, SlotVerifier};
use hauptbuch_core::config::{Config, ReplayProtection};
use hauptbuch_core::coordinator::{SettleError, TransactionCoordinator, WhenEmpty};
use hauptbuch_core::error::Code;
use hauptbuch_core::limits::Limits;
use hauptbuch_core::types::{Address, Envelope, Fee, Gas, Hash, Nonce, Submission, Tick, UnixNs};

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
    forced: u64,
    bundles: u64,
    cancelled: u64,
    adopted: u64,
    ended_elsewhere: u64,
}

/// A seeded load over a coordinator, another member that takes its slots over, and a follower;
/// allocates nothing itself.
fn load(
    [own, other]: [&mut TransactionCoordinator; 2],
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
        match random.below(19) {
            0..=7 => {
                let many: [_; 5] =
                    core::array::from_fn(|_| any_submission(&mut random, time, &payload));
                let count = random.below(6) as usize;
                let some = many.into_iter().take(count);
                done.submitted += count as u64;
                let (heard, at) = (random.below(6) as usize, UnixNs::new(time));
                let heard = other.submit_batch(some.clone().skip(heard), now, at, |_| {});
                heard.unwrap();
                own.submit_batch(some, now, at, |_| {}).unwrap();
            }
            8 => {
                let (may_seal, time) = (random.below(2) == 0, UnixNs::new(time));
                let sealed = step_open_slot(own, now, time, may_seal);
                done.taken += u64::from(sealed.is_some());
            }
            9 => {
                let when_empty = random.one_of(&[WhenEmpty::NoSlot, WhenEmpty::EmptySlot]);
                say_context(own, &mut random);
                match take_any(own, now, UnixNs::new(time), when_empty) {
                    Ok(slot) => done.taken += u64::from(slot.is_some()),
                    Err(_) => done.too_many += 1,
                }
            }
            10..=12 => settle(
                [own, other],
                follower,
                slot_copy,
                (now, random.next()),
                &mut done,
            ),
            13 => {
                let height = follower.tip().height.next();
                done.rolled_back += own.roll_back(height).unwrap_or(0) as u64;
            }
            16..=18 => submit_outside(own, &mut random, now, time, &mut done),
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

/// Says what the next slot carries: a change or none, now and then the end of an epoch.
fn say_context(own: &mut TransactionCoordinator, random: &mut Seeded) {
    let change = [1, 2, 3, 0, 0, 0];
    let context = SlotContext {
        changes: &change[..6 * random.below(2) as usize],
        next_membership: Hash::new([u8::from(random.below(8) == 0); 32]),
        state_root: Hash::new([random.below(3) as u8; 32]),
    };
    own.set_slot_context(&context).unwrap();
}

fn any_submission<'a>(random: &mut Seeded, time: u64, payload: &'a [u8]) -> Submission<'a> {
    let one = any_envelope(random, time);
    let all = submission(one, &payload[..random.one_of(&[0, 0, 0, 50, 200, 220])]);
    Submission {
        account_nonce: all.account_nonce.filter(|_| random.below(2) == 0),
        ..all
    }
}

fn any_envelope(random: &mut Seeded, time: u64) -> Envelope {
    let rollup = random.one_of(&[ROLLUPS[0], ROLLUPS[1]]);
    Envelope {
        fee: Fee::new(random.below(6)),
        gas: Gas::new(random.below(104)),
        expiry: UnixNs::new(time + random.below(60)),
        ..envelope(rollup, random.below(200) as u8, random.below(8))
    }
}

/// Submits a forced input or a bundle.
fn submit_outside(
    own: &mut TransactionCoordinator,
    random: &mut Seeded,
    now: Tick,
    time: u64,
    done: &mut Done,
) {
    let payload = [8_u8; 220];
    let legs = core::array::from_fn::<_, 4, _>(|_| {
        let rollup = random.one_of(&[ROLLUPS[0], ROLLUPS[1]]);
        let one = Envelope {
            fee: Fee::new(1 + random.below(6)),
            gas: Gas::new(random.below(40)),
            expiry: UnixNs::new(time + random.below(50)),
            ..envelope(rollup, random.below(200) as u8, random.below(3))
        };
        submission(one, &payload[..random.one_of(&[0, 0, 50, 200, 220])])
    });
    let at = UnixNs::new(time);
    let [first, ..] = &legs;
    if random.below(2) == 0 {
        let index = own
            .pool()
            .next_inbox_index(first.transaction.envelope.rollup);
        let submitted = own.submit_forced(first, index.unwrap_or_default(), at, now, at);
        done.submitted += 1;
        done.forced += u64::from(submitted.is_ok());
        return;
    }
    let count = random.below(5) as usize;
    let expiry = UnixNs::new(time + random.below(90));
    let submitted = own.submit_bundle(&legs[..count], expiry, now, at);
    let is_in = submitted.is_ok();
    done.submitted += if is_in { count as u64 } else { 1 };
    done.bundles += u64::from(is_in);
}

/// Acknowledges the oldest slot, lets the follower read it, damaged first, and the other member
/// take it over.
fn settle(
    [own, other]: [&mut TransactionCoordinator; 2],
    follower: &mut SlotVerifier,
    slot_copy: &mut [u8],
    (now, random): (Tick, u64),
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
    // The agreed time, the next membership and the state root may be others.
    let is_free = [49..57, 93..125, 225..257]
        .iter()
        .any(|own| own.contains(&at));
    if !is_free {
        assert!(follower.verify(&slot_copy[..len]).is_err());
        done.damaged += 1;
    }
    slot_copy[at] ^= 0x80;
    follower.verify(&slot_copy[..len]).unwrap();
    done.verified += 1;
    while other.poll_event().is_some() {}
    let checked = other.check_adoption(&slot_copy[..len]).unwrap();
    assert_eq!(checked.repeated_count, 0);
    let adopted = other.adopt(&slot_copy[..len], now).unwrap();
    done.adopted += 1;
    done.ended_elsewhere += u64::from(adopted.ended_count);
    assert!(other.adopt(&slot_copy[..len], now).is_err());
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
    let (mut refused, mut ended) = ([0_u64; 50], [0_u64; 3]);
    let worlds = [tiny_limits(), larger.clone(), few, larger];
    for (seed, limits) in (0..12).zip(worlds.iter().cycle()) {
        let replay_protection = match seed {
            0..6 => ReplayProtection::ByHost,
            _ => ReplayProtection::ByExpiry { horizon_ns: 50 },
        };
        let config = Config {
            replay_protection,
            ..config(POLICIES[seed as usize % POLICIES.len()])
        };
        let [mut own, mut other] =
            [(); 2].map(|()| TransactionCoordinator::new(&config, limits).unwrap());
        let mut follower = SlotVerifier::new(&config, limits);
        let mut slot_copy = vec![0; 40_000];
        let (members, copy) = ([&mut own, &mut other], &mut slot_copy);
        let done = counting::forbidding(|| load(members, &mut follower, copy, seed, 6_000));
        let least = [
            done.submitted / 1_000,
            done.taken,
            done.acknowledged,
            done.rolled_back,
            done.damaged,
            done.expired_unready,
            done.forced,
            done.bundles,
            done.cancelled,
            done.ended_elsewhere,
        ];
        assert!(least.iter().all(|count| *count > 0), "{done:?}");
        assert_eq!(done.verified, done.acknowledged);
        assert_eq!(done.adopted, done.acknowledged);
        assert_eq!(other.verify(), Ok(()));
        assert_eq!(own.metrics().submitted, done.submitted);
        for (sum, code) in ended.iter_mut().zip([Code::Evicted, Code::Replaced]) {
            *sum += own.metrics().of(code);
        }
        ended[2] += done.events_full;
        let counted = own.metrics().counted();
        for (code, count) in counted.filter(|(code, _)| code.number() / 100 == 1) {
            refused[usize::from(code.number()) - 100] += count;
        }
        assert_eq!(own.verify(), Ok(()));
    }
    assert!(ended.iter().all(|count| *count > 0), "{ended:?}");
    for code in FULL {
        assert!(
            refused[usize::from(code.number()) - 100] > 0,
            "{code:?} {refused:?}"
        );
    }
}

/// Every way in which a pool can be full.
const FULL: [Code; 5] = [
    Code::PoolFull,
    Code::PoolBytesFull,
    Code::SenderTableFull,
    Code::MissingPredecessor,
    Code::HintTableFull,
];

#[test]
fn the_watch_counts() {
    let before = counting::calls();
    // The compiler leaves out what nobody looks at.
    let one = std::hint::black_box(Box::new(1_u8));
    drop(one);
    let mut grows = std::hint::black_box(Vec::with_capacity(1));
    grows.extend([1_u8, 2, 3]);
    // One and its end, one with a place, and one growth at least.
    let calls = counting::calls() - before;
    assert!(calls >= 4, "{calls} calls");
}

/// Set in the processes that the test below starts from itself.
const CHILD: &str = "HAUPTBUCH_TEST_WATCH";

#[test]
fn the_watch_ends_the_process() {
    if let Ok(role) = std::env::var(CHILD) {
        if role == "watched" {
            drop(counting::forbidding(|| {
                std::hint::black_box(Box::new(1_u8))
            }));
        } else {
            drop(std::hint::black_box(Box::new(1_u8)));
            counting::forbidding(|| ());
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

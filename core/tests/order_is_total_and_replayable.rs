//! The same calls give the same bytes, everybody who follows agrees, and no two places are equal.

mod common;

use std::collections::BTreeSet;

use common::{
    POLICIES, ROLLUPS, Seeded, config, envelope, ids_of, step_open_slot, submission, take_any,
    tiny_limits,
};
use hauptbuch_core::batch::{SlotReader, SlotVerifier};
use hauptbuch_core::config::{Config, Policy};
use hauptbuch_core::coordinator::{TransactionCoordinator, WhenEmpty};
use hauptbuch_core::event::Event;
use hauptbuch_core::limits::Limits;
use hauptbuch_core::types::{
    Address, Candidate, Envelope, Fee, Gas, RollupId, SelectionKey, SelectionRule, Tick, TxId,
    UnixNs,
};

/// Everything that a run lets anybody see.
#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    slots: Vec<Vec<u8>>,
    events: Vec<Event>,
    refusals: Vec<u16>,
}

fn limits() -> Limits {
    Limits {
        pending_count_max: 40,
        pending_bytes_max: 8 << 10,
        ..tiny_limits()
    }
}

/// A random history; every slot that is acknowledged goes to a follower too.
fn run(config: &Config, seed: u64) -> Seen {
    let (mut random, mut seen) = (Seeded(seed), Seen::default());
    let mut own = TransactionCoordinator::new(config, &limits()).unwrap();
    let mut follower = SlotVerifier::new(config, &limits());
    let (mut now, mut time) = (Tick::ZERO, 1_000);
    for _ in 0..400 {
        now = now.saturating_add(random.below(3));
        match random.below(10) {
            0..=5 => {
                let (rollup, sender) = (random.one_of(&ROLLUPS), random.below(4) as u8);
                let next = own.pool().next_nonce(rollup, Address::new([sender; 20]));
                // Mostly the one that is wanted, sometimes one before or after it.
                let ahead = random.one_of(&[0, 0, 0, 1, 2, 7]);
                let nonce = (next.unwrap_or_default().get() + ahead).saturating_sub(ahead / 7 * 8);
                let one = Envelope {
                    fee: Fee::new(random.below(5)),
                    gas: Gas::new(random.below(60)),
                    expiry: random.one_of(&[UnixNs::NEVER, UnixNs::new(time + 40)]),
                    ..envelope(rollup, sender, nonce)
                };
                let payload = vec![7; random.below(200) as usize];
                let result = own.submit(&submission(one, &payload), now, UnixNs::new(time));
                seen.refusals.extend(result.err().map(|code| code.number()));
            }
            6 => {
                let when_empty = random.one_of(&[WhenEmpty::NoSlot, WhenEmpty::EmptySlot]);
                let taken = take_any(&mut own, now, UnixNs::new(time), when_empty);
                if let Ok(Some(slot)) = taken {
                    seen.slots.push(slot.bytes.to_vec());
                }
            }
            7 => {
                let (may_seal, time) = (random.below(3) == 0, UnixNs::new(time));
                let sealed = step_open_slot(&mut own, now, time, may_seal);
                let slot = sealed.and_then(|height| own.slot(height));
                seen.slots.extend(slot.map(|slot| slot.bytes.to_vec()));
            }
            8 if random.below(4) == 0 => {
                let next = follower.tip().height.next();
                let _nothing_in_flight = own.roll_back(next);
            }
            8 => {
                let height = follower.tip().height.next();
                let bytes = own
                    .slot(height)
                    .map(|slot| (slot.bytes.to_vec(), slot.hash));
                if let Some((bytes, hash)) = bytes
                    && own.acknowledge(height, now).is_ok()
                {
                    assert_eq!(follower.verify(&bytes).unwrap().hash, hash);
                }
            }
            _ => {
                seen.events.extend(core::iter::from_fn(|| own.poll_event()));
                time += random.below(20);
            }
        }
    }
    // What is in flight verifies as well, and then the follower stands where the coordinator does.
    while let Some(slot) = own.slot(follower.tip().height.next()) {
        let verified = follower.verify(slot.bytes).unwrap();
        assert_eq!((verified.hash, verified.header), (slot.hash, slot.header));
        assert_eq!(verified.transaction_count, slot.transaction_count);
    }
    assert_eq!(follower.tip(), own.tip());
    seen
}

#[test]
fn the_same_calls_give_the_same_bytes_whatever_the_secret() {
    for seed in 0..40 {
        let first = config(POLICIES[seed as usize % POLICIES.len()]);
        let seen = run(&first, seed);
        assert!(seen.slots.len() > 10 && !seen.events.is_empty() && !seen.refusals.is_empty());
        for index_key in [first.index_key, [0, 0], [u64::MAX, 1 << 63], [seed, !seed]] {
            let again = run(
                &Config {
                    index_key,
                    ..first.clone()
                },
                seed,
            );
            assert!(again == seen, "seed {seed}, key {index_key:?}");
        }
    }
}

/// One transaction a sender, in the order given, through as many slots as it takes.
fn order_of(policy: Policy, fees: &[(u8, u64)]) -> Vec<(RollupId, TxId)> {
    let mut own = TransactionCoordinator::new(&config(policy), &limits()).unwrap();
    for (sender, fee) in fees {
        let one = Envelope {
            fee: Fee::new(*fee),
            ..envelope(ROLLUPS[0], *sender, 0)
        };
        own.submit(&submission(one, b""), Tick::ZERO, UnixNs::ZERO)
            .unwrap();
    }
    let mut order = Vec::new();
    while let Some(slot) = own
        .take(Tick::ZERO, UnixNs::ZERO, WhenEmpty::NoSlot)
        .unwrap()
    {
        order.extend(ids_of(slot.bytes, &limits()));
        let height = slot.header.height;
        own.acknowledge(height, Tick::ZERO).unwrap();
        while own.poll_event().is_some() {}
    }
    order
}

fn id_of(sender: u8, fee: u64) -> (RollupId, TxId) {
    let one = Envelope {
        fee: Fee::new(fee),
        ..envelope(ROLLUPS[0], sender, 0)
    };
    let mut bytes = [0; 98];
    let transaction = submission(one, b"").transaction;
    transaction
        .encode(&mut hauptbuch_core::codec::Writer::new(&mut bytes))
        .unwrap();
    (
        ROLLUPS[0],
        hauptbuch_core::crypto::hash::transaction_id(&bytes),
    )
}

/// Every order of `rows`, by exchanging (Heap's algorithm).
fn permutations(rows: &mut Vec<(u8, u64)>, count: usize, visit: &mut impl FnMut(&[(u8, u64)])) {
    if count <= 1 {
        visit(rows);
        return;
    }
    for at in 0..count {
        permutations(rows, count - 1, visit);
        rows.swap(if count.is_multiple_of(2) { at } else { 0 }, count - 1);
    }
}

#[test]
fn every_order_of_submission_has_one_order_of_inclusion() {
    let mut rows = vec![(1, 10), (2, 30), (3, 20), (4, 30), (5, 1)];
    let mut count = 0;
    permutations(&mut rows, 5, &mut |submitted| {
        count += 1;
        let ids = |rows: &[(u8, u64)]| -> Vec<_> {
            rows.iter()
                .map(|(sender, fee)| id_of(*sender, *fee))
                .collect()
        };
        assert_eq!(order_of(Policy::Fcfs, submitted), ids(submitted));
        // A stable sort: equal fees keep the order of arrival.
        let mut by_fee = submitted.to_vec();
        by_fee.sort_by_key(|(_, fee)| core::cmp::Reverse(*fee));
        assert_eq!(order_of(Policy::PriorityFee, submitted), ids(&by_fee));
    });
    assert_eq!(count, 120);
}

#[test]
fn no_two_transactions_share_a_place() {
    let mut count = 0;
    for seed in 100..116 {
        let policy = &POLICIES[seed as usize % POLICIES.len()];
        let mut places = BTreeSet::<(SelectionKey, TxId)>::new();
        for bytes in run(&config(*policy), seed).slots {
            let mut reader = SlotReader::new(&bytes, &limits()).unwrap();
            while let Some(sub_batch) = reader.next_sub_batch().unwrap() {
                for (canonical, transaction, arrival) in sub_batch.iter() {
                    let id = hauptbuch_core::crypto::hash::transaction_id(canonical);
                    let (envelope, encoded_len) = (transaction.envelope, canonical.len() as u32);
                    let candidate = Candidate {
                        id,
                        envelope,
                        arrival,
                        encoded_len,
                    };
                    places.insert((policy.key(&candidate), id));
                }
            }
        }
        // One taken again after a rollback has the place that it had, so ids and keys pair up.
        let keys: BTreeSet<SelectionKey> = places.iter().map(|(key, _)| *key).collect();
        let ids: BTreeSet<TxId> = places.iter().map(|(_, id)| *id).collect();
        assert_eq!((keys.len(), ids.len()), (places.len(), places.len()));
        count += places.len();
    }
    assert!(count > 300, "only {count} transactions");
}

//! What the targets for kept bytes share: a small network, and a life that leaves something of
//! everything in a coordinator.

use hauptbuch_core::config::{Config, NonceMode, Policy, RollupConfig};
use hauptbuch_core::coordinator::{TransactionCoordinator, WhenEmpty};
use hauptbuch_core::limits::Limits;
use hauptbuch_core::ordering::SlotRoom;
use hauptbuch_core::types::{
    Address, Envelope, Gas, Hash, InboxIndex, Nonce, PoolReserves, RollupId, Side, Submission,
    Tick, TradeHint, Transaction, UnixNs,
};

/// So small that inputs reach every limit.
pub fn limits(journal_bytes_max: u32) -> Limits {
    Limits {
        pending_count_max: 8,
        pending_bytes_max: 2_048,
        payload_bytes_max: 256,
        sender_count_max: 6,
        origin_count_max: 2,
        rollup_reserved_count: 0,
        quiet_reserved_count: 2,
        seen_count_max: 4,
        cancel_count_max: 2,
        hint_count_max: 8,
        forced_count_max: 4,
        forced_bytes_max: 1_024,
        bundle_count_max: 2,
        bundle_leg_count_max: 2,
        bundle_bytes_max: 512,
        slot_count_max: 4,
        slot_bytes_max: 1_024,
        slot_gas_max: 600,
        set_aside_count_max: 2,
        in_flight_count_max: 2,
        event_count_max: 16,
        journal_bytes_max,
        producer_count_max: 0,
        shared_lane_count_max: 0,
        ..Limits::default()
    }
}

/// Two rollups, one of each kind of nonces, under a policy by number.
pub fn config(choice: u8) -> Config {
    let rollup = |id, nonce_mode| RollupConfig {
        id: RollupId::new(id),
        nonce_mode,
    };
    let rollups = [
        rollup(0, NonceMode::Sequential),
        rollup(1, NonceMode::Window),
    ];
    let config = Config {
        policy: Policy::BY_POOL[usize::from(choice) % Policy::BY_POOL.len()],
        ..Config::default()
    };
    config.with_rollups(&rollups).unwrap()
}

/// A submission by number.
pub fn submission(number: u64, payload: &[u8]) -> Submission<'_> {
    let envelope = Envelope {
        rollup: RollupId::new((number % 2) as u32),
        nonce: Nonce::new(number / 8 % 4),
        sender: Address::new([(number % 4) as u8; 20]),
        gas: Gas::new(50),
        expiry: UnixNs::new(1_000 + number % 64),
        ..Envelope::default()
    };
    let hint = TradeHint {
        pool: Address::new([(number % 3) as u8; 20]),
        side: [Side::Buy, Side::Sell][(number / 2 % 2) as usize],
        amount: 1 + u128::from(number),
    };
    Submission {
        hint: Some(hint),
        ..Submission::from(Transaction { envelope, payload })
    }
}

/// A step of a host at the coordinator's own time: what `choice` says, with `number`.
pub fn step(own: &mut TransactionCoordinator, choice: u8, number: u64) {
    let (now, time) = (own.now(), own.time());
    let payload = [3; 150];
    let payload = &payload[..(number % 151) as usize];
    match choice % 13 {
        0..=2 => drop(own.submit(&submission(number, payload), now, time)),
        3 => {
            let forced = submission(number, payload);
            let rollup = forced.transaction.envelope.rollup;
            let index = own.pool().next_inbox_index(rollup);
            let index = index.unwrap_or(InboxIndex::ZERO);
            let _ = own.submit_forced(&forced, index, UnixNs::new(number), now, time);
        }
        4 => {
            let legs = [submission(number, b"leg"), submission(number / 3, payload)];
            let count = 1 + (number % 2) as usize;
            let _ = own.submit_bundle(&legs[..count], UnixNs::new(2_000), now, time);
        }
        5 => take(own, now, time, number),
        6 => drop(own.acknowledge(own.acknowledged_height().next(), now)),
        7 => drop(own.roll_back(own.acknowledged_height().saturating_add(1 + number % 2))),
        8 => drop(own.open_slot(now, time)),
        9 => {
            let room = SlotRoom {
                count: 1 + (number % 3) as u32,
                ..SlotRoom::UNLIMITED
            };
            let _ = own.add_slice(now, room);
        }
        10 => {
            let _ = own.seal();
            let _ = own.seal_with_seed(Hash::new([number as u8; 32]));
        }
        11 => adopt(own, number),
        _ => {
            while own.poll_event().is_some() {}
            let later = UnixNs::new(time.get().saturating_add(number % 32));
            let nothing: [Submission<'_>; 0] = [];
            let _ = own.submit_batch(nothing, now, later, |_| {});
        }
    }
}

/// Takes a slot over that another member could propose here, or one with a byte changed.
fn adopt(own: &mut TransactionCoordinator, number: u64) {
    let (now, time) = (own.now(), own.time());
    let policies = Policy::BY_POOL;
    let place = policies.iter().position(|policy| *policy == own.policy());
    let config = config(place.unwrap_or(0) as u8);
    let other = TransactionCoordinator::restore(&config, &limits(0), &snapshot(own));
    let mut other = other.unwrap();
    let next = own.acknowledged_height().next();
    let _ = other.roll_back(next);
    for more in [number, number / 7] {
        let _ = other.submit(&submission(more, b"elsewhere"), now, time);
    }
    take(&mut other, now, time, number);
    let _ = other.seal_with_seed(Hash::ZERO);
    let Some(slot) = other.slot(next) else {
        return;
    };
    let mut bytes = slot.bytes.to_vec();
    if number % 3 == 0 {
        let at = number as usize * 31 % bytes.len();
        bytes[at] ^= 1 << (number % 8);
    }
    let checked = own.check_adoption(&bytes);
    let _ = own.roll_back(next);
    let Ok(adopted) = own.adopt(&bytes, now) else {
        return;
    };
    let checked = checked.expect("what is taken over can be checked");
    assert_eq!(checked.repeated_count, adopted.repeated_count);
    assert!(number % 3 == 0 || adopted.repeated_count == 0);
}

/// Asks for a slot in the way that the policy wants; a set that was fixed stays open.
fn take(own: &mut TransactionCoordinator, now: Tick, time: UnixNs, number: u64) {
    let when_empty = match number % 4 {
        0 => WhenEmpty::EmptySlot,
        _ => WhenEmpty::NoSlot,
    };
    if own.policy().needs_seed() {
        let _ = own.fix_set(now, time, when_empty);
        return;
    }
    let pool = |rollup, pool| PoolReserves {
        rollup: RollupId::new(rollup),
        pool: Address::new([pool; 20]),
        reserve0: 1_000,
        reserve1: 700,
    };
    let reserves = [pool(0, 0), pool(0, 1), pool(1, 0), pool(1, 2)];
    let _ = own.take_with_reserves(now, time, when_empty, &reserves);
}

/// Some steps, the same for the same `seed`.
pub fn live(own: &mut TransactionCoordinator, seed: u8, count: u8) {
    let mut state = u64::from(seed);
    for _ in 0..count {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        step(own, (state >> 56) as u8, state >> 24 & 0xffff);
    }
}

/// Ends all that a coordinator holds, long after everything has expired.
pub fn drain(own: &mut TransactionCoordinator) {
    let (now, time) = (own.now(), UnixNs::new(1 << 40));
    for _ in 0..64 {
        while own.poll_event().is_some() {}
        if own.open_height().is_some() {
            let _ = own.seal();
            let _ = own.seal_with_seed(Hash::ZERO);
        }
        if own
            .acknowledge(own.acknowledged_height().next(), now)
            .is_ok()
        {
            continue;
        }
        take(own, now, time, 1);
        own.expire_unready();
    }
    assert!(own.pool().is_empty() && own.pool().bundle_count() == 0);
    assert_eq!(own.pool().forced_waiting_count(), 0);
}

/// The snapshot of a coordinator.
pub fn snapshot(own: &TransactionCoordinator) -> Vec<u8> {
    let mut bytes = vec![0; own.snapshot_len()];
    own.snapshot(&mut bytes).unwrap();
    bytes
}

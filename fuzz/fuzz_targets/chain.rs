//! Histories from arbitrary bytes: every slot that comes out verifies, every structure stays
//! consistent, and a slot that was tampered with is refused or has another hash.
#![no_main]

use hauptbuch_core::batch::SlotVerifier;
use hauptbuch_core::config::{Config, Policy};
use hauptbuch_core::coordinator::{TransactionCoordinator, WhenEmpty};
use hauptbuch_core::limits::Limits;
use hauptbuch_core::ordering::SlotRoom;
use hauptbuch_core::types::{
    Address, Envelope, Fee, Gas, Hash, Nonce, PoolReserves, RollupId, Side, Submission, Tick,
    TradeHint, Transaction, UnixNs,
};
use libfuzzer_sys::fuzz_target;

/// Limits so small that every one of them is reached.
fn limits() -> Limits {
    Limits {
        pending_count_max: 12,
        rollup_reserved_count: 0,
        quiet_reserved_count: 0,
        pending_bytes_max: 2_048,
        payload_bytes_max: 256,
        sender_count_max: 6,
        nonce_gap_max: 8,
        hint_count_max: 12,
        slot_count_max: 5,
        slot_bytes_max: 1_024,
        slot_gas_max: 600,
        set_aside_count_max: 2,
        event_count_max: 16,
        producer_count_max: 0,
        shared_lane_count_max: 0,
        ..Limits::default()
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((first, calls)) = data.split_first() else {
        return;
    };
    let policy = Policy::BY_POOL[usize::from(*first) % Policy::BY_POOL.len()];
    let rollups = [RollupId::new(0), RollupId::new(1)];
    let config = Config {
        policy,
        ..Config::default()
    };
    let config = config.with_rollups(&rollups).unwrap();
    let limits = limits();
    let mut coordinator = TransactionCoordinator::new(&config, &limits).unwrap();
    let mut follower = SlotVerifier::new(&config, &limits);
    for (now, call) in (1_u64..).zip(calls.chunks_exact(6)) {
        let (now, time) = (Tick::new(now), UnixNs::new(now));
        match call[0] % 8 {
            0..=4 => submit(&mut coordinator, call, now, time),
            5 => {
                if !settle(&mut coordinator, &mut follower, call, now) {
                    return;
                }
            }
            6 => {
                let oldest = coordinator.acknowledged_height().next();
                let _ = coordinator.roll_back(oldest.saturating_add(u64::from(call[1] % 2)));
            }
            _ => take(&mut coordinator, call, now, time),
        }
        assert_eq!(coordinator.verify(), Ok(()));
    }
});

/// Takes a slot in one step, or moves an open one on, whatever the policy offers.
fn take(coordinator: &mut TransactionCoordinator, call: &[u8], now: Tick, time: UnixNs) {
    let pool = |rollup, pool| PoolReserves {
        rollup: RollupId::new(rollup),
        pool: Address::new([pool; 20]),
        reserve0: 200,
        reserve1: 300,
    };
    let reserves = [pool(0, 0), pool(0, 1), pool(1, 0), pool(1, 1)];
    match call[1] % 4 {
        0 => {
            let _ = coordinator.take_with_reserves(now, time, WhenEmpty::NoSlot, &reserves);
        }
        1 => {
            let _ = coordinator.open_slot(now, time);
            let _ = coordinator.fix_set(now, time, WhenEmpty::NoSlot);
        }
        2 => {
            let room = SlotRoom {
                count: u32::from(call[2]),
                ..SlotRoom::UNLIMITED
            };
            let _ = coordinator.add_slice(now, room);
        }
        _ => {
            let _ = coordinator.seal();
            let _ = coordinator.seal_with_seed(Hash::new([call[2]; 32]));
        }
    }
}

fn submit(coordinator: &mut TransactionCoordinator, call: &[u8], now: Tick, time: UnixNs) {
    let never = call[5] & 1 == 0;
    let expiry = if never {
        UnixNs::NEVER
    } else {
        time.saturating_add(u64::from(call[5]))
    };
    let envelope = Envelope {
        rollup: RollupId::new(u32::from(call[1] & 1)),
        sender: Address::new([call[1] >> 1 & 7; 20]),
        nonce: Nonce::new(u64::from(call[2] % 16)),
        fee: Fee::new(u64::from(call[3] & 7)),
        gas: Gas::new(u64::from(call[4]) * 3),
        expiry,
        ..Envelope::default()
    };
    let payload = [call[3]; 260];
    let transaction = Transaction {
        envelope,
        payload: &payload[..usize::from(call[4]) + usize::from(call[3] & 3)],
    };
    let account_nonce = (call[2] & 0x80 != 0).then(|| Nonce::new(u64::from(call[2] & 3)));
    let submission = Submission {
        transaction,
        account_nonce,
        origin: 0,
        hint: Some(TradeHint {
            pool: Address::new([call[3] & 1; 20]),
            side: [Side::Buy, Side::Sell][usize::from(call[4] & 1)],
            amount: u128::from(call[5]) + 1,
        }),
    };
    let _ = coordinator.submit(&submission, now, time);
}

/// Tampers with the oldest slot, verifies the true one, reads the events and acknowledges it.
/// False where the follower went along with another slot that is valid too, so that it can't go on.
fn settle(
    coordinator: &mut TransactionCoordinator,
    follower: &mut SlotVerifier,
    call: &[u8],
    now: Tick,
) -> bool {
    let height = coordinator.acknowledged_height().next();
    let Some(slot) = coordinator.slot(height) else {
        return true;
    };
    let before = follower.tip().clone();
    let mut tampered = slot.bytes.to_vec();
    let at = usize::from(u16::from_le_bytes([call[1], call[2]])) % tampered.len();
    tampered[at] ^= call[3];
    if tampered != slot.bytes {
        match follower.verify(&tampered) {
            // Only what a sequencer may choose can differ, and then the hash tells.
            Ok(other) => {
                assert_ne!(other.hash, slot.hash);
                return false;
            }
            Err(_) => assert_eq!(*follower.tip(), before),
        }
    }
    let verified = follower.verify(slot.bytes).unwrap();
    assert_eq!(verified.hash, slot.hash);
    assert_eq!(verified.transaction_count, slot.transaction_count);
    while coordinator.poll_event().is_some() {}
    coordinator.acknowledge(height, now).unwrap();
    true
}

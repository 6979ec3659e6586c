//! Snapshots from arbitrary bytes: as they are, and with a right envelope around them. What
//! restores is a consistent state that is written as the same bytes, and can be driven on.
#![no_main]

use hauptbuch_core::config::{Config, NonceMode, RollupConfig};
use hauptbuch_core::coordinator::{TransactionCoordinator, WhenEmpty};
use hauptbuch_core::crypto::hash::{Domain, hash};
use hauptbuch_core::limits::Limits;
use hauptbuch_core::types::{Envelope, Gas, Nonce, RollupId, Tick, Transaction, UnixNs};
use libfuzzer_sys::fuzz_target;

/// Bytes before the state, and of the checksum behind it.
const HEAD_LEN: usize = 73;
const CHECKSUM_LEN: usize = 32;

fn limits() -> Limits {
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
        slot_count_max: 3,
        slot_bytes_max: 1_024,
        slot_gas_max: 600,
        set_aside_count_max: 2,
        in_flight_count_max: 2,
        event_count_max: 8,
        producer_count_max: 0,
        shared_lane_count_max: 0,
        ..Limits::default()
    }
}

fn config() -> Config {
    let rollup = |id, nonce_mode| RollupConfig {
        id: RollupId::new(id),
        nonce_mode,
    };
    let rollups = [
        rollup(0, NonceMode::Sequential),
        rollup(1, NonceMode::Window),
    ];
    Config::default().with_rollups(&rollups).unwrap()
}

fuzz_target!(|data: &[u8]| {
    let (config, limits) = (config(), limits());
    let _ = TransactionCoordinator::restore(&config, &limits, data);
    let mut base = worn_in(&config, &limits, data.first().copied().unwrap_or(0));
    let state = match data.get(1) {
        // A true state with some of its bytes changed: (place, value) by threes.
        Some(mode) if mode % 2 == 0 => {
            let mut state = base.split_off(HEAD_LEN);
            state.truncate(state.len() - CHECKSUM_LEN);
            for change in data[2..].chunks_exact(3) {
                let at = usize::from(u16::from_le_bytes([change[0], change[1]])) % state.len();
                state[at] = change[2];
            }
            state
        }
        _ => data.to_vec(),
    };
    base.truncate(HEAD_LEN);
    base.extend_from_slice(&state);
    let len = (base.len() + CHECKSUM_LEN) as u64;
    base[1..9].copy_from_slice(&len.to_le_bytes());
    let checksum = hash(Domain::SNAPSHOT, &base);
    base.extend_from_slice(checksum.as_bytes());
    if let Ok(mut own) = TransactionCoordinator::restore(&config, &limits, &base) {
        own.verify().unwrap();
        let mut again = vec![0; own.snapshot_len()];
        own.snapshot(&mut again).unwrap();
        assert!(again == base);
        drive(&mut own);
    }
});

/// The snapshot of a coordinator with something in it.
fn worn_in(config: &Config, limits: &Limits, count: u8) -> Vec<u8> {
    let mut own = TransactionCoordinator::new(config, limits).unwrap();
    for step in 0..u64::from(count % 16) {
        let envelope = Envelope {
            rollup: RollupId::new((step % 2) as u32),
            nonce: Nonce::new(step / 4),
            sender: hauptbuch_core::types::Address::new([(step % 4) as u8; 20]),
            gas: Gas::new(100),
            expiry: UnixNs::NEVER,
            ..Envelope::default()
        };
        let payload = &[3; 150][..step as usize * 9];
        let transaction = Transaction { envelope, payload };
        let (now, time) = (Tick::new(step), UnixNs::new(step));
        let _ = own.submit(&transaction.into(), now, time);
        if step % 3 == 2 {
            let _ = own.take(now, time, WhenEmpty::NoSlot);
        }
        if step % 6 == 5 {
            let _ = own.acknowledge(own.acknowledged_height().next(), now);
        }
    }
    let mut bytes = vec![0; own.snapshot_len()];
    own.snapshot(&mut bytes).unwrap();
    bytes
}

/// A few steps at the state's own time.
fn drive(own: &mut TransactionCoordinator) {
    let (now, time) = (own.now(), own.time());
    let oldest = own.acknowledged_height().next();
    for step in 0..8 {
        let transaction = Transaction {
            envelope: Envelope {
                rollup: RollupId::new(step % 2),
                nonce: Nonce::new(u64::from(step) / 2),
                gas: Gas::new(1),
                expiry: UnixNs::NEVER,
                ..Envelope::default()
            },
            payload: b"driven",
        };
        let _ = own.submit(&transaction.into(), now, time);
        match step {
            1 => drop(own.roll_back(oldest.next())),
            2 | 5 => drop(own.take(now, time, WhenEmpty::EmptySlot)),
            3 => while own.poll_event().is_some() {},
            4 => drop(own.acknowledge(oldest, now)),
            6 => drop(own.expire_unready()),
            _ => {}
        }
        // An invariant that breaks later is noticed, and the instance refuses further work.
        let _ = own.verify();
    }
}

//! Snapshots from arbitrary bytes: as they are, and with a right envelope around them. What
//! restores is a consistent state that is written as the same bytes, and can be driven on.
#![no_main]

use hauptbuch_core::coordinator::TransactionCoordinator;
use hauptbuch_core::crypto::hash::{Domain, hash};
use hauptbuch_fuzz::{config, limits, live, snapshot, step};
use libfuzzer_sys::fuzz_target;

/// Bytes before the state, and of the checksum behind it.
const HEAD_LEN: usize = 73;
const CHECKSUM_LEN: usize = 32;

fuzz_target!(|data: &[u8]| {
    let ([policy, seed, count, mode], data) = match data.split_first_chunk() {
        Some((choices, data)) => (*choices, data),
        None => ([0; 4], data),
    };
    let (config, limits) = (config(policy), limits(0));
    let _ = TransactionCoordinator::restore(&config, &limits, data);
    let mut lived = TransactionCoordinator::new(&config, &limits).unwrap();
    live(&mut lived, seed, count % 64);
    let mut base = snapshot(&lived);
    let again = TransactionCoordinator::restore(&config, &limits, &base).unwrap();
    assert!(snapshot(&again) == base);
    let mut state = base.split_off(HEAD_LEN);
    if mode % 4 == 0 {
        state = data.to_vec();
    } else {
        // A true state with some of its bytes changed: (place, value) by threes.
        state.truncate(state.len() - CHECKSUM_LEN);
        for change in data.chunks_exact(3) {
            let at = usize::from(u16::from_le_bytes([change[0], change[1]])) % state.len();
            state[at] = change[2];
        }
    }
    base.extend_from_slice(&state);
    let len = (base.len() + CHECKSUM_LEN) as u64;
    base[1..9].copy_from_slice(&len.to_le_bytes());
    let checksum = hash(Domain::SNAPSHOT, &base);
    base.extend_from_slice(checksum.as_bytes());
    if let Ok(mut own) = TransactionCoordinator::restore(&config, &limits, &base) {
        own.verify().unwrap();
        assert!(snapshot(&own) == base);
        for number in 0..12 {
            step(&mut own, number as u8 ^ seed, number * 37);
            // An invariant that breaks later is noticed, and the instance refuses further work.
            let _ = own.verify();
        }
    }
});

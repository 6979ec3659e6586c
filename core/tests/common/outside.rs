//! What tests of forced inputs and bundles start from.

use hauptbuch_core::config::Policy;
use hauptbuch_core::coordinator::TransactionCoordinator;
use hauptbuch_core::limits::Limits;
use hauptbuch_core::types::{Address, Envelope, Fee, Gas, Nonce, Submission, Transaction, UnixNs};

use super::{ROLLUPS, config, tiny_limits};

pub fn limits() -> Limits {
    Limits {
        forced_count_max: 6,
        forced_bytes_max: 2 * 512,
        bundle_count_max: 3,
        bundle_leg_count_max: 3,
        bundle_bytes_max: 1_024,
        event_count_max: 64,
        slot_count_max: 8,
        ..tiny_limits()
    }
}

pub fn coordinator() -> TransactionCoordinator {
    TransactionCoordinator::new(&config(Policy::Fcfs), &limits()).unwrap()
}

pub fn envelope(rollup: usize, sender: u8, nonce: u64) -> Envelope {
    Envelope {
        rollup: ROLLUPS[rollup],
        sender: Address::new([sender; 20]),
        nonce: Nonce::new(nonce),
        fee: Fee::new(5),
        gas: Gas::new(10),
        expiry: UnixNs::NEVER,
        ..Envelope::default()
    }
}

pub fn known(envelope: Envelope, payload: &[u8]) -> Submission<'_> {
    let transaction = Transaction { envelope, payload };
    Submission {
        account_nonce: Some(Nonce::ZERO),
        ..Submission::from(transaction)
    }
}

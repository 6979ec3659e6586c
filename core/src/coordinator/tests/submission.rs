//! What becomes of submissions, one by one and many at once.

use std::vec;

use super::*;
use crate::config::ReplayProtection;
use crate::pool::AdmissionError;

#[test]
fn a_batch_is_reported_in_its_order_whatever_its_sizes() {
    let config = Config::default();
    let limits = Limits {
        pending_count_max: 300,
        rollup_reserved_count: 0,
        quiet_reserved_count: 0,
        sender_count_max: 300,
        nonce_gap_max: 300,
        pending_bytes_max: 1 << 20,
        payload_bytes_max: 40_000,
        slot_bytes_max: 50_000,
        ..Limits::default()
    };
    let mut own = TransactionCoordinator::new(&config, &limits).unwrap();
    let mut single = TransactionCoordinator::new(&config, &limits).unwrap();
    let sizes = [
        0, 40_001, 40_001, 40_000, 512, 414, 415, 40_000, 1, 40_001, 0,
    ];
    let payloads: Vec<Vec<u8>> = (0..150_usize)
        .map(|at| vec![at as u8; sizes[at % 11]])
        .collect();
    let submissions = payloads.iter().enumerate().map(|(at, payload)| {
        // Every seventh is the one before it once more.
        let nonce = (at - usize::from(at % 7 == 6)) as u64;
        let payload: &[u8] = if at % 7 == 6 {
            &payloads[at - 1]
        } else {
            payload
        };
        Submission {
            transaction: Transaction {
                envelope: envelope(1, nonce),
                payload,
            },
            account_nonce: Some(Nonce::ZERO),
            origin: 0,
            hint: None,
        }
    });
    let mut reported = Vec::new();
    own.submit_batch(submissions.clone(), Tick::ZERO, TIME, |admission| {
        reported.push(
            admission
                .result
                .map(|()| admission.id)
                .map_err(AdmissionError::code),
        );
    })
    .unwrap();
    let one_by_one: Vec<_> = submissions
        .map(|submission| single.submit(&submission, Tick::ZERO, TIME))
        .collect();
    assert_eq!(reported, one_by_one);
    let count_of = |code| reported.iter().filter(|one| **one == Err(code)).count() as u64;
    for code in [Code::PayloadTooLarge, Code::Duplicate] {
        assert!(count_of(code) > 0);
        assert_eq!(own.metrics().of(code), count_of(code));
    }
    assert_eq!(
        (own.metrics(), own.metrics().submitted),
        (single.metrics(), 150)
    );
}

#[test]
fn contradictory_limits_and_configurations_are_refused() {
    let refusal = |config: &Config, limits: &Limits| {
        TransactionCoordinator::new(config, limits)
            .map(drop)
            .unwrap_err()
    };
    let (config, limits) = (Config::default(), tiny_limits());
    let events = Limits {
        event_count_max: 5,
        ..limits.clone()
    };
    assert_eq!(refusal(&config, &events), ConfigError::LimitsContradict);
    let bytes = Limits {
        slot_bytes_max: 98 + 255,
        ..limits.clone()
    };
    assert_eq!(refusal(&config, &bytes), ConfigError::LimitsContradict);
    let none = Limits {
        in_flight_count_max: 0,
        ..limits.clone()
    };
    assert_eq!(refusal(&config, &none), ConfigError::LimitOutOfRange);
    let mut empty = config;
    empty.rollups.clear();
    assert_eq!(refusal(&empty, &limits), ConfigError::NoRollup);
}

#[test]
fn nothing_is_included_twice_while_its_expiry_lasts() {
    let config = Config {
        replay_protection: ReplayProtection::ByExpiry { horizon_ns: 100 },
        ..Config::default()
    };
    let limits = Limits {
        sender_count_max: 2,
        set_aside_count_max: 0,
        // Nothing but the cursor remembers what was included.
        seen_count_max: 0,
        ..tiny_limits()
    };
    let mut own = TransactionCoordinator::new(&config, &limits).unwrap();
    let expiry = UnixNs::new(1_100);
    let replayed = Submission::from(Transaction {
        envelope: Envelope {
            expiry,
            ..envelope(1, 0)
        },
        payload: b"",
    });
    own.submit(&replayed, Tick::ZERO, TIME).unwrap();
    take(&mut own).unwrap();
    own.acknowledge(Height::new(1), Tick::ZERO).unwrap();
    for time in 1_000..1_200 {
        for sender in 2..6 {
            let expiry = UnixNs::new(time + 100);
            let other = Transaction {
                envelope: Envelope {
                    expiry,
                    ..envelope(sender, 0)
                },
                payload: b"",
            };
            // Others press for the place of the sender's cursor.
            let _refusal = own.submit(&other.into(), Tick::ZERO, UnixNs::new(time));
        }
        let code = own
            .submit(&replayed, Tick::ZERO, UnixNs::new(time))
            .unwrap_err();
        let expected = if time < 1_100 {
            Code::NonceUsed
        } else {
            Code::AlreadyExpired
        };
        assert_eq!(code, expected);
    }
}

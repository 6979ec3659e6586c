//! The memory that the limits lead to is what the allocator gives out, to the byte.

#[path = "common/counting.rs"]
mod counting;

use std::hint::black_box;

use hauptbuch_core::batch::SlotVerifier;
use hauptbuch_core::config::Config;
use hauptbuch_core::coordinator::TransactionCoordinator;
use hauptbuch_core::limits::Limits;
use hauptbuch_core::pool::TransactionPool;

/// The bytes that are held once `make` is done, and that nothing is left once it is dropped.
fn bytes_of<T>(make: impl FnOnce() -> T) -> u64 {
    let before = counting::held_bytes();
    // Without this the compiler may leave out an allocation that nobody looks at.
    let made = black_box(make());
    let held = counting::held_bytes() - before;
    drop(made);
    assert_eq!(counting::held_bytes(), before, "something leaks");
    u64::try_from(held).unwrap()
}

/// Limits from one transaction to more than the default.
fn all_limits() -> Vec<Limits> {
    let default = Limits::default();
    let least = Limits {
        pending_count_max: 1,
        rollup_reserved_count: 0,
        quiet_reserved_count: 0,
        seen_count_max: 0,
        cancel_count_max: 1,
        origin_count_max: 1,
        pending_bytes_max: 0,
        payload_bytes_max: 0,
        sender_count_max: 1,
        nonce_gap_max: 1,
        slot_count_max: 1,
        slot_bytes_max: 98,
        slot_gas_max: 1,
        set_aside_count_max: 0,
        in_flight_count_max: 1,
        event_count_max: 2,
        ..default.clone()
    };
    let odd = Limits {
        pending_count_max: 1_000,
        rollup_reserved_count: 62,
        quiet_reserved_count: 500,
        seen_count_max: 333,
        cancel_count_max: 3,
        origin_count_max: 7,
        pending_bytes_max: 77_777,
        payload_bytes_max: 33_333,
        sender_count_max: 65,
        slot_count_max: 129,
        slot_bytes_max: 33_431,
        set_aside_count_max: 65,
        in_flight_count_max: 16,
        event_count_max: 259,
        ..default.clone()
    };
    let wide = Limits {
        sender_count_max: 1 << 17,
        in_flight_count_max: 5,
        ..default.clone()
    };
    vec![least, odd, wide, default]
}

#[test]
fn a_coordinator_takes_its_footprint() {
    for limits in all_limits() {
        let config = Config::default();
        let taken = bytes_of(|| TransactionCoordinator::new(&config, &limits).unwrap());
        let footprint = limits.footprint();
        assert_eq!(taken, footprint.bytes(), "{limits:?}\n{footprint}");
        let parts: u64 = footprint.parts().iter().map(|part| part.bytes).sum();
        assert_eq!(parts, footprint.bytes());
    }
}

/// With a journal, and made from a snapshot, it takes the same as a new one, to the byte.
#[test]
fn a_restored_coordinator_takes_its_footprint() {
    for limits in all_limits() {
        let config = Config::default();
        let limits = Limits {
            journal_bytes_max: limits.journal_bytes_min() as u32 + 77,
            ..limits
        };
        let fresh = TransactionCoordinator::new(&config, &limits).unwrap();
        let mut bytes = vec![0; fresh.snapshot_len()];
        fresh.snapshot(&mut bytes).unwrap();
        let taken = bytes_of(|| TransactionCoordinator::restore(&config, &limits, &bytes).unwrap());
        assert_eq!(taken, limits.footprint().bytes(), "{limits:?}");
        let journal = limits.footprint();
        let journal = journal.parts().iter().find(|part| part.name == "journal");
        assert_eq!(journal.unwrap().bytes, u64::from(limits.journal_bytes_max));
    }
}

#[test]
fn its_parts_take_what_they_say() {
    for limits in all_limits() {
        let config = Config::default();
        let taken = bytes_of(|| SlotVerifier::new(&config, &limits));
        assert_eq!(taken, SlotVerifier::footprint_bytes(&limits), "{limits:?}");
        let taken = bytes_of(|| TransactionPool::new(&config, &limits));
        assert_eq!(
            taken,
            TransactionPool::footprint_bytes(&limits)
                .iter()
                .sum::<u64>()
        );
    }
}

/// What the documentation says of the memory a transaction and of the default limits.
#[test]
fn the_documented_sizes_hold() {
    let limits = Limits::default();
    let mib = 1 << 20;
    assert!(
        limits.footprint().bytes() < 128 * mib,
        "{}",
        limits.footprint()
    );
    let [transactions, payloads, senders, ..] = TransactionPool::footprint_bytes(&limits);
    // 319.6 bytes a transaction, with half a sender each and the senders of forced inputs.
    assert_eq!(transactions + senders, 20_943_360);
    let each = (transactions + senders).div_ceil(u64::from(limits.pending_count_max));
    assert!(each <= 320, "{each} bytes a transaction");
    assert!(payloads - limits.pending_bytes_max <= limits.pending_bytes_max / 32);
    let verifier = SlotVerifier::footprint_bytes(&limits) / u64::from(limits.slot_count_max);
    assert!(verifier <= 600, "{verifier} bytes a transaction of a slot");
}

#[test]
fn what_cannot_be_made_takes_nothing() {
    let limits = Limits {
        event_count_max: 1,
        ..Limits::default()
    };
    let calls = counting::growths();
    assert_eq!(
        bytes_of(|| TransactionCoordinator::new(&Config::default(), &limits).is_err()),
        0
    );
    assert_eq!(counting::growths(), calls);
}

/// The instrument itself: what it says of things whose size is known.
#[test]
fn the_allocator_counts() {
    assert_eq!(bytes_of(|| Box::new([0_u8; 1_000])), 1_000);
    assert_eq!(bytes_of(|| vec![0_u64; 3]), 24);
    assert_eq!(bytes_of(Vec::<u64>::new), 0);
    let (calls, bytes) = (counting::growths(), counting::held_bytes());
    let mut grows = vec![1_u8; 10];
    black_box(&mut grows).reserve_exact(90);
    assert_eq!(
        (counting::growths() - calls, counting::held_bytes() - bytes),
        (2, 100)
    );
}

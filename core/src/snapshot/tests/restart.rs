//! A restart at every step changes nothing that anybody could see.

use std::vec::Vec;

use super::world::{Seeded, apply, config, drain, draw, limits, snapshot};
use crate::coordinator::TransactionCoordinator;
use crate::snapshot::{Replayed, replay};

const JOURNAL_BYTES: u32 = 4_096;

#[test]
fn a_restored_coordinator_goes_on_as_if_nothing_had_happened() {
    for seed in 0..super::count("HAUPTBUCH_RESTART_SEEDS", 5) {
        let (config, limits) = (config(seed), limits(0));
        let mut plain = TransactionCoordinator::new(&config, &limits).unwrap();
        let mut restarted = TransactionCoordinator::new(&config, &limits).unwrap();
        let mut random = Seeded(seed);
        for at in 1..250 {
            let step = draw(&mut random);
            let expected = apply(&mut plain, step, at);
            assert_eq!(
                apply(&mut restarted, step, at),
                expected,
                "seed {seed}, step {at}: {step:?}"
            );
            plain.verify().unwrap();
            let bytes = snapshot(&plain);
            assert!(bytes == snapshot(&restarted), "seed {seed}, step {at}");
            restarted = TransactionCoordinator::restore(&config, &limits, &bytes).unwrap();
            assert!(bytes == snapshot(&restarted), "seed {seed}, step {at}");
            assert_eq!(restarted.tip(), plain.tip());
            assert_eq!(restarted.metrics(), plain.metrics());
        }
    }
}

/// The worlds do what they are for: every kind of outcome and of state is met.
#[test]
fn the_steps_reach_what_they_are_for() {
    let mut names = std::collections::BTreeSet::new();
    let mut reached = [false; 8];
    for seed in 0..400 {
        let mut own = TransactionCoordinator::new(&config(seed), &limits(0)).unwrap();
        let mut random = Seeded(seed);
        for at in 1..250 {
            apply(&mut own, draw(&mut random), at);
            let next = own.acknowledged_height().next();
            reached[0] |= own.slot(next.saturating_add(2)).is_some();
            reached[1] |= own.pool().len() >= 10;
            reached[2] |= own.event_count() == 16;
            reached[3] |= own.pool().free_bytes() < 256;
            reached[4] |= own.pool().forced_waiting_count() >= 3;
            reached[5] |= own.pool().bundle_count() == 2;
            reached[6] |= own.open_height().is_some() && own.pool().waiting_count() < 3;
            reached[7] |= own.fixed_set().is_some_and(|set| set.transaction_count > 1);
        }
        names.extend(own.metrics().counted().map(|(code, _)| code.name()));
    }
    assert_eq!(reached, [true; 8]);
    for name in [
        "Included",
        "Expired",
        "Evicted",
        "Replaced",
        "Cancelled",
        "Superseded",
        "AlreadyEnded",
        "CancelledBefore",
        "MissingPredecessor",
        "NonceUsed",
        "NonceOccupied",
        "SenderQuotaExceeded",
        "OriginQuotaExceeded",
        "PoolBytesFull",
        "Duplicate",
        "PayloadTooLarge",
        "UnknownRollup",
        "InboxOutOfOrder",
        "ForcedQueueFull",
        "BundleEmpty",
        "BundleTooLong",
        "BundleTooLarge",
    ] {
        assert!(names.contains(name), "{name} never happened in {names:?}");
    }
}

/// A snapshot and its journal lead to the same state at every step, and the coordinator that
/// replayed them takes over in the middle, sometimes behind a new snapshot.
#[test]
fn a_snapshot_and_its_journal_give_the_state_at_every_step() {
    for seed in 0..super::count("HAUPTBUCH_RESTART_SEEDS", 5) {
        let (config, limits) = (config(seed), limits(JOURNAL_BYTES));
        let mut plain = TransactionCoordinator::new(&config, &super::world::limits(0)).unwrap();
        let mut live = TransactionCoordinator::new(&config, &limits).unwrap();
        let mut base = snapshot(&live);
        let mut journal = Vec::new();
        let mut random = Seeded(seed);
        for at in 1..150 {
            let step = draw(&mut random);
            let place = std::format!("seed {seed}, step {at}: {step:?}");
            assert_eq!(
                apply(&mut live, step, at),
                apply(&mut plain, step, at),
                "{place}"
            );
            drain(&mut live, &mut journal);
            assert!(snapshot(&live) == snapshot(&plain), "{place}");
            let mut again = TransactionCoordinator::restore(&config, &limits, &base).unwrap();
            let Replayed { bytes_used, .. } = replay(&mut again, &journal).unwrap();
            assert_eq!(bytes_used, journal.len());
            assert!(snapshot(&again) == snapshot(&live), "{place}");
            assert_eq!(again.journal_len(), 0);
            match random.below(8) {
                0 => live = again,
                1 => {
                    base = std::vec![0; live.snapshot_len()];
                    assert_eq!(live.checkpoint(&mut base), Ok(base.len()));
                    journal.clear();
                    drain(&mut live, &mut journal);
                }
                _ => {}
            }
        }
    }
}

/// A buffer that is drained seldom gives the same journal as one that is drained at once, but for
/// what is gathered in between.
#[test]
fn records_wait_for_the_host_and_wrap_around_in_the_buffer() {
    let (config, limits) = (config(0), limits(2_000));
    let mut live = TransactionCoordinator::new(&config, &limits).unwrap();
    let base = snapshot(&live);
    let (mut journal, mut random, mut drained) = (Vec::new(), Seeded(7), 0);
    for at in 1..600 {
        if live.journal_len() > 1_300 {
            drain(&mut live, &mut journal);
            drained += 1;
        }
        apply(&mut live, draw(&mut random), at);
    }
    drain(&mut live, &mut journal);
    assert!(drained > 10 && journal.len() > 20_000, "{}", journal.len());
    let mut again = TransactionCoordinator::restore(&config, &limits, &base).unwrap();
    replay(&mut again, &journal).unwrap();
    assert!(snapshot(&again) == snapshot(&live));
}

/// Journals lie beside the state: with another buffer, or none, everything is the same.
#[test]
fn a_journal_changes_nothing_and_can_be_replayed_without_one() {
    let config = config(1);
    let mut live = TransactionCoordinator::new(&config, &limits(JOURNAL_BYTES)).unwrap();
    let base = snapshot(&live);
    let (mut journal, mut random) = (Vec::new(), Seeded(3));
    for at in 1..100 {
        apply(&mut live, draw(&mut random), at);
        drain(&mut live, &mut journal);
    }
    let mut again = TransactionCoordinator::restore(&config, &limits(0), &base).unwrap();
    replay(&mut again, &journal).unwrap();
    assert!(snapshot(&again) == snapshot(&live));
    drain(&mut again, &mut journal);
    assert_eq!(again.journal_len(), 0);
}

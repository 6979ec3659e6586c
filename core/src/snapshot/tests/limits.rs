//! What bytes belong to, room in the journal, and refusals that change nothing.

use std::vec::Vec;

use super::world::{Seeded, Step, apply, config, drain, draw, limits, snapshot};
use crate::config::{Config, ConfigError, PoolConfig};
use crate::coordinator::{Pressure, SubmitError, TransactionCoordinator, WhenEmpty};
use crate::error::Code;
use crate::journal::HEADER_LEN;
use crate::limits::{Limits, LimitsError, Quota};
use crate::pool::AdmissionError;
use crate::snapshot::{JournalError, JournalFault, RestoreError, SnapshotError, replay};
use crate::types::{
    Address, Envelope, Fee, Gas, Height, Nonce, RollupId, Submission, Tick, Transaction, TxId,
    UnixNs,
};

#[test]
fn a_snapshot_belongs_to_one_network_and_one_set_of_limits() {
    let (config, limits) = (config(0), limits(0));
    let bytes = snapshot(&TransactionCoordinator::new(&config, &limits).unwrap());
    let restore =
        |config: &Config, limits: &Limits| TransactionCoordinator::restore(config, limits, &bytes);
    let other = Config {
        chain_id: 1,
        ..config.clone()
    };
    assert_eq!(
        restore(&other, &limits).unwrap_err(),
        RestoreError::WrongNetwork
    );
    let stricter = Config {
        pool: PoolConfig {
            replacement_bump_percent: 11,
            ..config.pool
        },
        ..config.clone()
    };
    assert_eq!(
        restore(&stricter, &limits).unwrap_err(),
        RestoreError::WrongSettings
    );
    let none = Config {
        rollups: heapless::Vec::new(),
        ..config.clone()
    };
    let refused = restore(&none, &limits).unwrap_err();
    assert_eq!(refused, RestoreError::Config(ConfigError::NoRollup));
    assert_eq!(refused.code(), Code::NoRollup);
    // The key of the indexes, the lanes and the journal's buffer decide nothing.
    let other_key = Config {
        index_key: [8, 9],
        ..config.clone()
    };
    let other_lanes = Limits {
        producer_count_max: 3,
        lane_count_max: 9,
        shared_lane_count_max: 5,
        lane_buffer_counts: [5, 6, 7],
        journal_bytes_max: 5_000,
        ..limits.clone()
    };
    assert_eq!(snapshot(&restore(&other_key, &other_lanes).unwrap()), bytes);
}

/// Every limit that decides something, one above what it was.
fn raised(own: &Limits) -> Vec<Limits> {
    let mut all = Vec::new();
    macro_rules! raise {
        ($($name:ident),*) => {$(
            let mut other = own.clone();
            other.$name += 1;
            all.push(other);
        )*};
    }
    raise!(
        pending_count_max,
        pending_bytes_max,
        payload_bytes_max,
        sender_count_max,
        sender_gapped_count_max,
        origin_count_max,
        rollup_reserved_count,
        quiet_reserved_count,
        seen_count_max,
        cancel_count_max,
        hint_count_max,
        forced_count_max,
        forced_bytes_max,
        bundle_count_max,
        bundle_leg_count_max,
        bundle_bytes_max,
        nonce_gap_max,
        slot_count_max,
        slot_bytes_max,
        slot_gas_max,
        set_aside_count_max,
        in_flight_count_max,
        event_count_max
    );
    for change in [
        |quota: &mut Quota| quota.count_max += 1,
        |quota: &mut Quota| quota.bytes_max += 1,
        |quota: &mut Quota| quota.gas_max += 1,
    ] {
        let (mut sender, mut origin) = (own.clone(), own.clone());
        change(&mut sender.sender_quota);
        change(&mut origin.origin_quota);
        all.extend([sender, origin]);
    }
    all
}

#[test]
fn every_limit_that_decides_something_is_bound() {
    let config = config(0);
    // Wide enough that one more of anything contradicts nothing.
    let own = Limits {
        pending_count_max: 64,
        quiet_reserved_count: 4,
        event_count_max: 32,
        ..limits(4_096)
    };
    let fresh = TransactionCoordinator::new(&config, &own).unwrap();
    let bytes = snapshot(&fresh);
    let mut journal = std::vec![0; fresh.journal_len()];
    let mut fresh = fresh;
    fresh.poll_journal(&mut journal);
    for other in raised(&own) {
        other.check().unwrap();
        let error = TransactionCoordinator::restore(&config, &other, &bytes).unwrap_err();
        // What members must agree on stands in the genesis.
        let expected = [RestoreError::WrongNetwork, RestoreError::WrongSettings];
        assert!(expected.contains(&error), "{other:?}");
        let mut other = TransactionCoordinator::new(&config, &other).unwrap();
        let why = replay(&mut other, &journal).unwrap_err().why;
        let expected = [JournalFault::WrongNetwork, JournalFault::WrongSettings];
        assert!(expected.contains(&why), "{why}");
    }
}

#[test]
fn a_journal_belongs_to_the_snapshot_that_it_starts_from() {
    let (config, limits) = (config(0), limits(4_096));
    let mut own = TransactionCoordinator::new(&config, &limits).unwrap();
    let (mut first, mut second) = (Vec::new(), Vec::new());
    drain(&mut own, &mut first);
    assert_eq!(first.len(), HEADER_LEN);
    own.take(Tick::new(1), UnixNs::new(1), WhenEmpty::EmptySlot)
        .unwrap();
    let mut base = std::vec![0; own.snapshot_len()];
    assert_eq!(
        own.checkpoint(&mut base),
        Err(SnapshotError::JournalNotDrained)
    );
    drain(&mut own, &mut first);
    own.checkpoint(&mut base).unwrap();
    drain(&mut own, &mut second);
    let restored = || TransactionCoordinator::restore(&config, &limits, &base).unwrap();
    assert_eq!(
        replay(&mut restored(), &second).map(|all| all.records),
        Ok(0)
    );
    let wrong = JournalError {
        at: 0,
        records: 0,
        why: JournalFault::WrongSnapshot,
    };
    let mut own = restored();
    assert_eq!(replay(&mut own, &first), Err(wrong));
    // It stands where it stood, and its own journal goes on.
    assert_eq!(snapshot(&own), base);
    let mut own_journal = Vec::new();
    drain(&mut own, &mut own_journal);
    assert_eq!(own_journal, second);
}

#[test]
fn a_buffer_that_is_too_small_gets_nothing() {
    let own = TransactionCoordinator::new(&config(0), &limits(0)).unwrap();
    let mut short = std::vec![7; own.snapshot_len() - 1];
    assert_eq!(own.snapshot(&mut short), Err(SnapshotError::BufferTooSmall));
    assert!(short.iter().all(|byte| *byte == 7));
    let mut long = std::vec![7; own.snapshot_len() + 1];
    assert_eq!(own.snapshot(&mut long), Ok(short.len() + 1));
    assert_eq!(long.last(), Some(&7));
}

#[test]
fn a_poisoned_coordinator_gives_no_snapshot() {
    let mut own = TransactionCoordinator::new(&config(0), &limits(0)).unwrap();
    own.poison();
    assert_eq!(own.snapshot(&mut []), Err(SnapshotError::Poisoned));
    assert_eq!(own.checkpoint(&mut []), Err(SnapshotError::Poisoned));
    let error = replay(&mut own, &[]).unwrap_err();
    assert_eq!(error.why, JournalFault::Poisoned);
}

#[test]
fn a_journal_holds_its_longest_record_or_is_refused() {
    let least = limits(0).journal_bytes_min();
    // Header, events that were read, and a bundle of two legs with the largest payload.
    assert_eq!(least, 129 + 57 + 65 + 2 * (9 + 98 + 200));
    assert_eq!(limits(least as u32).check(), Ok(()));
    let too_small = limits(least as u32 - 1);
    assert_eq!(too_small.check(), Err(LimitsError::LimitsContradict));
    assert_eq!(
        limits((1 << 30) + 1).check(),
        Err(LimitsError::LimitOutOfRange)
    );
}

fn longest(nonce: u64) -> Submission<'static> {
    let envelope = Envelope {
        rollup: RollupId::new(1),
        sender: Address::new([1; 20]),
        nonce: Nonce::new(nonce),
        fee: Fee::new(3),
        gas: Gas::new(1),
        expiry: UnixNs::NEVER,
        ..Envelope::default()
    };
    let payload = &[1; 200];
    Submission::from(Transaction { envelope, payload })
}

/// With a full journal every input is refused with a code that can be retried, and no bit changes.
#[test]
fn a_full_journal_refuses_everything_and_nothing_changes() {
    let config = config(0);
    let limits = limits(limits(0).journal_bytes_min() as u32);
    let mut own = TransactionCoordinator::new(&config, &limits).unwrap();
    let (one, two) = (Tick::new(1), UnixNs::new(2));
    own.submit(&longest(0), one, two).unwrap();
    drain(&mut own, &mut Vec::new());
    own.take(one, two, WhenEmpty::NoSlot).unwrap().unwrap();
    own.acknowledge(Height::new(1), one).unwrap();
    own.take(one, two, WhenEmpty::EmptySlot).unwrap().unwrap();
    // Fill what is left with small records.
    while own.expire_unready().is_finished {}
    let before = std::format!("{own:?}");
    let unchanged = |own: &TransactionCoordinator| assert!(std::format!("{own:?}") == before);
    let later = Tick::new(9);
    assert_eq!(own.submit(&longest(1), later, two), Err(Code::JournalFull));
    unchanged(&own);
    let refused = own.submit_batch([longest(1)], later, two, |_| panic!("looked at it"));
    assert_eq!(refused, Err(SubmitError::JournalFull));
    unchanged(&own);
    let taken = own.take(later, two, WhenEmpty::EmptySlot).map(drop);
    assert_eq!(taken.unwrap_err().code(), Code::JournalFull);
    unchanged(&own);
    let settled = own.acknowledge(Height::new(2), later).unwrap_err();
    assert_eq!(settled.code(), Code::JournalFull);
    unchanged(&own);
    let settled = own.roll_back(Height::new(2)).unwrap_err();
    assert_eq!(settled.code(), Code::JournalFull);
    unchanged(&own);
    let cancelled = own.cancel(TxId::ZERO).unwrap_err();
    assert_eq!(cancelled.code(), Code::JournalFull);
    unchanged(&own);
    let sender = Address::ZERO;
    let cancelled = own.cancel_nonce(RollupId::new(1), sender, Nonce::ZERO);
    assert_eq!(cancelled.unwrap_err().code(), Code::JournalFull);
    unchanged(&own);
    assert!(!own.expire_unready().is_finished);
    unchanged(&own);
    let set = own.set_pressure(Pressure::NONE).unwrap_err();
    assert_eq!(set.code(), Code::JournalFull);
    unchanged(&own);
    assert!(Code::JournalFull.is_retryable());
    drain(&mut own, &mut Vec::new());
    own.acknowledge(Height::new(2), later).unwrap();
}

/// Within a batch, and in the lanes, what the journal has no room for waits.
#[test]
fn a_batch_stops_where_the_journal_is_full() {
    let config = config(0);
    let limits = limits(1_200);
    let mut own = TransactionCoordinator::new(&config, &limits).unwrap();
    let (one, two) = (Tick::new(1), UnixNs::new(2));
    let all = [longest(0), longest(1), longest(2), longest(3)];
    let mut results = Vec::new();
    own.submit_batch(all, one, two, |admission| results.push(admission.result))
        .unwrap();
    let full = Err(AdmissionError::JournalFull);
    assert_eq!(results, [Ok(()), Ok(()), full, full]);
    assert_eq!((own.pool().len(), own.metrics().submitted), (2, 2));
    drain(&mut own, &mut Vec::new());
    let mut producer = own.ingress().register().unwrap();
    for nonce in 2..6 {
        producer.submit(&longest(nonce)).unwrap();
    }
    let progress = own.handle_ingress(one, two).unwrap();
    assert_eq!((progress.handled, progress.is_finished), (3, false));
    drain(&mut own, &mut Vec::new());
    let progress = own.handle_ingress(one, two).unwrap();
    assert_eq!((progress.handled, progress.is_finished), (1, true));
}

/// An input that is refused for another reason leaves no record, or one that leads to the same.
#[test]
fn refused_inputs_leave_the_journal_and_the_state_in_step() {
    let (config, limits) = (config(1), limits(8_192));
    let mut own = TransactionCoordinator::new(&config, &limits).unwrap();
    let base = snapshot(&own);
    let (mut journal, mut random) = (Vec::new(), Seeded(11));
    apply(&mut own, Step::PassTime, 1);
    for at in 1..150 {
        apply(&mut own, draw(&mut random), at);
        drain(&mut own, &mut journal);
        let len = journal.len();
        let early = own.take(Tick::ZERO, UnixNs::ZERO, WhenEmpty::NoSlot);
        assert!(early.is_err());
        assert!(
            own.acknowledge(Height::new(1 << 40), Tick::new(at))
                .is_err()
        );
        assert!(own.roll_back(Height::ZERO).is_err());
        drain(&mut own, &mut journal);
        assert_eq!(journal.len(), len);
    }
    let mut again = TransactionCoordinator::restore(&config, &limits, &base).unwrap();
    replay(&mut again, &journal).unwrap();
    assert!(snapshot(&again) == snapshot(&own));
}

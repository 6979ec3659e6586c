//! What receive logs hold stays, and what can't be ordered by them is refused.

mod common;
#[path = "common/logs.rs"]
mod logs;

use hauptbuch_core::config::{
    Config, ConfigError, FairCommittee, NonceMode, Policy, ReplayProtection, RollupConfig,
};
use hauptbuch_core::coordinator::{TakeError, TransactionCoordinator, WhenEmpty};
use hauptbuch_core::error::Code;
use hauptbuch_core::limits::Limits;
use hauptbuch_core::ordering::check_logs;
use hauptbuch_core::ordering::fair::stream::{DrainOutcome, Drained, LoggedId};
use hauptbuch_core::receive_log::Cut;
use hauptbuch_core::types::{
    Address, Envelope, Fee, Gas, Hash, Nonce, RollupId, Submission, Tick, Transaction, TxId, UnixNs,
};
use logs::{BY_EXPIRY, ROLLUPS, carry, config, limits, snapshot_of};

/// What these slots are said to lead to; nobody recomputes it here.
const STATE_ROOT: Hash = Hash::new([8; 32]);

/// One transaction of `sender`, submitted and marked.
fn logged(own: &mut TransactionCoordinator, sender: u8, nonce: u64, fee: u64) -> LoggedId {
    let envelope = Envelope {
        rollup: ROLLUPS[0],
        sender: Address::new([sender; 20]),
        nonce: Nonce::new(nonce),
        fee: Fee::new(fee),
        gas: Gas::new(1),
        expiry: UnixNs::new(100),
        ..Envelope::default()
    };
    let transaction = Transaction {
        envelope,
        payload: b"p",
    };
    let submission = Submission::from(transaction);
    let id = own.submit(&submission, Tick::ZERO, UnixNs::ZERO).unwrap();
    own.mark_logged(id, true).unwrap();
    LoggedId {
        rollup: ROLLUPS[0],
        id,
        body_bytes: transaction.encoded_len() as u32,
    }
}

#[test]
fn what_a_log_holds_stays() {
    let limits = Limits {
        pending_count_max: 76,
        journal_bytes_max: 0,
        ..limits()
    };
    let mut own = TransactionCoordinator::new(&config(BY_EXPIRY), &limits).unwrap();
    let first = logged(&mut own, 1, 0, 1);
    let sent = |own: &mut TransactionCoordinator, sender: u8, nonce, fee, at: u64| {
        let envelope = Envelope {
            rollup: ROLLUPS[0],
            sender: Address::new([sender; 20]),
            nonce: Nonce::new(nonce),
            fee: Fee::new(fee),
            gas: Gas::new(2),
            expiry: UnixNs::new(200),
            ..Envelope::default()
        };
        let payload = &[sender][..];
        let submission = Submission::from(Transaction { envelope, payload });
        own.submit(&submission, Tick::ZERO, UnixNs::new(at))
    };
    // Neither a higher fee nor a full pool moves it; nor does its sender, nor the clock.
    assert_eq!(sent(&mut own, 1, 0, 1_000, 0), Err(Code::LoggedStays));
    assert_eq!(own.cancel(first.id).unwrap_err().code(), Code::LoggedStays);
    let nonce = own.cancel_nonce(ROLLUPS[0], Address::new([1; 20]), Nonce::ZERO);
    assert_eq!(nonce.unwrap_err().code(), Code::LoggedStays);
    for nonce in 0..200 {
        let _ = sent(&mut own, 2, nonce, 50, 0);
        let _ = sent(&mut own, 3 + (nonce % 40) as u8, 0, 9 + nonce, 0);
        while own.poll_event().is_some() {}
    }
    assert_eq!(own.pool().waiting_count(), 76);
    assert!(own.pool().is_logged(first.id));
    let _ = sent(&mut own, 4, 9, 50, 150);
    while let Some(event) = own.poll_event() {
        assert_ne!(event.id, first.id);
    }
    own.expire_unready();
    assert_eq!(
        own.pool().find(first.id).map(|own| own.is_taken),
        Some(false)
    );
    own.verify().unwrap();
    // Without its mark the pool's own rules hold again.
    own.mark_logged(first.id, false).unwrap();
    let cancelled = own.cancel(first.id);
    assert!(cancelled.is_ok(), "{cancelled:?}");
    own.verify().unwrap();
}

#[test]
fn refusals_change_nothing() {
    let mut own = TransactionCoordinator::new(&config(BY_EXPIRY), &limits()).unwrap();
    let (now, time) = (Tick::new(1), UnixNs::new(1));
    let first = logged(&mut own, 1, 0, 1);
    let second = logged(&mut own, 2, 0, 1);
    let included = |id: LoggedId| Drained {
        id,
        outcome: DrainOutcome::Included,
    };
    let cut = Cut::new(5);
    carry(&mut own, STATE_ROOT);
    let before = snapshot_of(&own);
    let mut refuse = |drained: &[Drained], time: UnixNs, cut: &Cut, code: Code, id| {
        let refused = own.take_drained(now, time, cut, drained).unwrap_err();
        assert_eq!((refused.code, refused.id), (code, id));
        assert!(snapshot_of(&own) == before, "something changed");
    };
    let ghost = LoggedId {
        id: TxId::new([9; 32]),
        ..first
    };
    let (one, two) = (included(first), included(second));
    let missing = Some(ghost.id);
    refuse(
        &[one, included(ghost)],
        time,
        &cut,
        Code::BodyMissing,
        missing,
    );
    let longer = LoggedId {
        body_bytes: first.body_bytes + 1,
        ..first
    };
    let blamed = Some(first.id);
    refuse(
        &[two, included(longer)],
        time,
        &cut,
        Code::WrongBody,
        blamed,
    );
    let elsewhere = LoggedId {
        rollup: RollupId::new(9),
        ..first
    };
    refuse(
        &[included(elsewhere)],
        time,
        &cut,
        Code::UnknownRollup,
        blamed,
    );
    refuse(&[one, two, one], time, &cut, Code::DrainedTwice, None);
    let late = UnixNs::new(100);
    refuse(
        &[two, one],
        late,
        &cut,
        Code::ExpiredIncluded,
        Some(second.id),
    );
    refuse(&[one], time, &Cut::new(4), Code::WrongLogCount, None);
    let nothing = Drained {
        id: ghost,
        outcome: DrainOutcome::Gap,
    };
    refuse(&[nothing; 13], time, &cut, Code::DrainedTooMuch, None);
}

#[test]
fn what_is_taken_is_not_taken_again() {
    let mut own = TransactionCoordinator::new(&config(BY_EXPIRY), &limits()).unwrap();
    let (now, time) = (Tick::new(1), UnixNs::new(1));
    let first = logged(&mut own, 1, 0, 1);
    let second = logged(&mut own, 2, 0, 1);
    let drained = |id, outcome| Drained { id, outcome };
    let one = drained(first, DrainOutcome::Included);
    let two = drained(second, DrainOutcome::Included);
    let ghost = LoggedId {
        id: TxId::new([9; 32]),
        ..first
    };
    let nothing = drained(ghost, DrainOutcome::Gap);
    let cut = Cut::new(5);
    let before = snapshot_of(&own);
    let taken = own.take(now, time, WhenEmpty::EmptySlot);
    assert_eq!(taken.unwrap_err(), TakeError::OrderedByLogs);
    let refused = own.take_drained(now, time, &cut, &[two]).unwrap_err();
    assert_eq!((refused.code, refused.id), (Code::StateRootMissing, None));
    assert!(snapshot_of(&own) == before, "something changed");
    carry(&mut own, STATE_ROOT);
    let slot = own.take_drained(now, time, &cut, &[two, nothing, one]);
    assert_eq!(slot.unwrap().transaction_count, 2);
    carry(&mut own, STATE_ROOT);
    let again = own.take_drained(now, time, &cut, &[two]).unwrap_err();
    assert_eq!(
        (again.code, again.id),
        (Code::DrainedTwice, Some(second.id))
    );
    let mark = own.mark_logged(first.id, false).unwrap_err();
    assert_eq!(mark.code(), Code::TakenAlready);
    own.verify().unwrap();
    let mut plain =
        TransactionCoordinator::new(&common::config(Policy::Fcfs), &common::tiny_limits()).unwrap();
    let refused = plain.take_drained(now, time, &cut, &[]).unwrap_err();
    assert_eq!(refused.code, Code::NotOrderedByLogs);
    let mark = plain.mark_logged(first.id, true).unwrap_err();
    assert_eq!(mark.code(), Code::NotOrderedByLogs);
}

/// Two variants of one nonce: each in some log, and the pool holds both until slots drain them.
#[test]
fn variants_of_a_nonce_stand_beside_each_other() {
    let mut own = TransactionCoordinator::new(&config(BY_EXPIRY), &limits()).unwrap();
    let (now, time) = (Tick::new(1), UnixNs::new(1));
    let first = logged(&mut own, 1, 0, 1);
    let envelope = Envelope {
        rollup: ROLLUPS[0],
        sender: Address::new([1; 20]),
        fee: Fee::ZERO,
        gas: Gas::new(1),
        expiry: UnixNs::new(100),
        ..Envelope::default()
    };
    let transaction = Transaction {
        envelope,
        payload: b"variant",
    };
    let submission = Submission::from(transaction);
    assert_eq!(own.submit(&submission, now, time), Err(Code::LoggedStays));
    let id = own.submit_logged(&submission, now, time).unwrap();
    assert_eq!(own.submit_logged(&submission, now, time), Ok(id));
    own.verify().unwrap();
    let second = LoggedId {
        id,
        body_bytes: transaction.encoded_len() as u32,
        ..first
    };
    let drained = [
        Drained {
            id: second,
            outcome: DrainOutcome::Included,
        },
        Drained {
            id: first,
            outcome: DrainOutcome::Superseded,
        },
    ];
    carry(&mut own, STATE_ROOT);
    let slot = own.take_drained(now, time, &Cut::new(5), &drained).unwrap();
    let height = slot.header.height;
    own.acknowledge(height, now).unwrap();
    let ends: Vec<_> = core::iter::from_fn(|| own.poll_event())
        .map(|event| (event.id, event.code, event.position))
        .collect();
    assert_eq!(
        ends,
        [(id, Code::Included, 0), (first.id, Code::Superseded, 1)]
    );
    assert!(own.pool().is_empty());
    own.verify().unwrap();
}

#[test]
fn what_can_not_promise_order_is_refused() {
    let refusal = |config: &Config, limits: &Limits| {
        let made = TransactionCoordinator::new(config, limits).err();
        assert_eq!(check_logs(config, limits).err(), made);
        made
    };
    let fair = config(BY_EXPIRY);
    assert_eq!(refusal(&fair, &limits()), None);
    let committee = |committee: FairCommittee| Config {
        policy: Policy::Fair(committee),
        ..fair.clone()
    };
    let four = FairCommittee {
        member_count: 4,
        quorum: 4,
        ..FairCommittee::FIVE
    };
    let wrong = refusal(&committee(four), &limits());
    assert_eq!(wrong, Some(ConfigError::FairnessInfeasible));
    let above = FairCommittee {
        quorum: 6,
        ..FairCommittee::FIVE
    };
    let wrong = refusal(&committee(above), &limits());
    assert_eq!(wrong, Some(ConfigError::GammaOutOfRange));
    let window = RollupConfig {
        id: RollupId::new(1),
        nonce_mode: NonceMode::Window,
    };
    let windows = fair.clone().with_rollups(&[window]).unwrap();
    let wrong = refusal(&windows, &limits());
    assert_eq!(wrong, Some(ConfigError::WindowsNotOrdered));
    let outside = Limits {
        forced_count_max: 4,
        forced_bytes_max: 1_024,
        ..limits()
    };
    let wrong = refusal(&fair, &outside);
    assert_eq!(wrong, Some(ConfigError::OutsideNeedsHostNonces));
    assert_eq!(refusal(&config(ReplayProtection::ByHost), &outside), None);
    let small = Limits {
        pending_count_max: 75,
        ..limits()
    };
    assert_eq!(refusal(&fair, &small), Some(ConfigError::PoolBelowLogs));
    let mut few = fair.clone();
    few.logs.cursor_count_max = 40;
    assert_eq!(refusal(&few, &limits()), Some(ConfigError::TooFewCursors));
}

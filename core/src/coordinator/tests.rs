//! Every refusal of the coordinator, and what slots in flight promise.

mod open;
mod submission;

use std::format;
use std::string::String;
use std::vec::Vec;

use super::*;
use crate::error::Fault;
use crate::types::{Address, Envelope, Fee, Gas, Nonce, Submission, Transaction, TxId};

const TIME: UnixNs = UnixNs::new(1_000);

fn tiny_limits() -> Limits {
    Limits {
        pending_count_max: 16,
        rollup_reserved_count: 0,
        quiet_reserved_count: 0,
        pending_bytes_max: 4 << 10,
        payload_bytes_max: 256,
        sender_count_max: 16,
        nonce_gap_max: 8,
        slot_count_max: 3,
        slot_bytes_max: 800,
        slot_gas_max: 100,
        set_aside_count_max: 2,
        in_flight_count_max: 3,
        event_count_max: 6,
        producer_count_max: 0,
        shared_lane_count_max: 0,
        ..Limits::default()
    }
}

fn coordinator(policy: Policy) -> TransactionCoordinator {
    let config = Config {
        policy,
        ..Config::default()
    };
    TransactionCoordinator::new(&config, &tiny_limits()).unwrap()
}

fn envelope(sender: u8, nonce: u64) -> Envelope {
    Envelope {
        sender: Address::new([sender; 20]),
        nonce: Nonce::new(nonce),
        gas: Gas::new(10),
        expiry: UnixNs::NEVER,
        ..Envelope::default()
    }
}

fn submit(own: &mut TransactionCoordinator, envelope: Envelope) -> TxId {
    own.submit(
        &Transaction {
            envelope,
            payload: b"",
        }
        .into(),
        own.now,
        TIME,
    )
    .unwrap()
}

fn events(own: &mut TransactionCoordinator) -> Vec<(Code, TxId, u64, u32)> {
    core::iter::from_fn(|| own.poll_event())
        .map(|event| (event.code, event.id, event.height.get(), event.position))
        .collect()
}

/// A slot's height, and its transactions by sender and nonce.
fn take(own: &mut TransactionCoordinator) -> Option<(Height, Vec<u8>)> {
    let slot = own.take(own.now, TIME, WhenEmpty::NoSlot).unwrap()?;
    Some((slot.header.height, slot.bytes.to_vec()))
}

fn senders_of(bytes: &[u8]) -> Vec<(u8, u64)> {
    let mut reader = crate::batch::SlotReader::new(bytes, &tiny_limits()).unwrap();
    let sub_batch = reader.next_sub_batch().unwrap().unwrap();
    let own = sub_batch
        .iter()
        .map(|(_, transaction, _)| transaction.envelope);
    own.map(|envelope| (envelope.sender.as_bytes()[0], envelope.nonce.get()))
        .collect()
}

fn state(own: &TransactionCoordinator) -> String {
    format!("{own:?}")
}

/// Runs a step that has to be refused, and checks that no bit of the coordinator changed.
fn refused<T: core::fmt::Debug, E: Copy + core::fmt::Debug>(
    own: &mut TransactionCoordinator,
    step: impl FnOnce(&mut TransactionCoordinator) -> Result<T, E>,
) -> E {
    let before = state(own);
    let error = step(own).map(|_| ()).unwrap_err();
    assert!(state(own) == before, "{error:?} changed the coordinator");
    assert_eq!(own.verify(), Ok(()));
    error
}

#[test]
fn a_clock_that_goes_back_is_refused_everywhere() {
    let mut own = coordinator(Policy::Fcfs);
    own.now = Tick::new(50);
    submit(&mut own, envelope(1, 0));
    let (height, _) = take(&mut own).unwrap();
    submit(&mut own, envelope(2, 0));
    let early = Tick::new(49);
    let submission = Submission::from(Transaction {
        envelope: envelope(3, 0),
        payload: b"",
    });
    let code = refused(&mut own, |own| own.submit(&submission, early, TIME));
    assert_eq!((code, code.fault()), (Code::TimeWentBack, Fault::Caller));
    let error = refused(&mut own, |own| {
        own.submit_batch([submission], early, TIME, |_| {
            panic!("looked at a transaction")
        })
    });
    assert_eq!(error, SubmitError::TimeWentBack);
    let error = refused(&mut own, |own| {
        own.take(early, TIME, WhenEmpty::EmptySlot).map(drop)
    });
    assert_eq!(error, TakeError::TimeWentBack);
    let error = refused(&mut own, |own| own.acknowledge(height, early));
    assert_eq!(error, SettleError::TimeWentBack);
    own.acknowledge(height, Tick::new(50)).unwrap();
}

#[test]
fn no_more_slots_are_taken_than_can_be_in_flight() {
    let mut own = coordinator(Policy::Fcfs);
    for expected in 1..=3 {
        let slot = own
            .take(Tick::ZERO, TIME, WhenEmpty::EmptySlot)
            .unwrap()
            .unwrap();
        assert_eq!(
            (slot.header.height, slot.transaction_count),
            (Height::new(expected), 0)
        );
    }
    submit(&mut own, envelope(1, 0));
    let error = refused(&mut own, |own| {
        own.take(Tick::MAX, TIME, WhenEmpty::NoSlot).map(drop)
    });
    assert_eq!(error, TakeError::TooManyInFlight);
    assert!(error.code().is_retryable());
    own.acknowledge(Height::new(1), Tick::ZERO).unwrap();
    assert_eq!(take(&mut own).unwrap().0, Height::new(4));
}

#[test]
fn slots_are_settled_once_and_in_order() {
    let mut own = coordinator(Policy::Fcfs);
    let unknown = [0, 1, 9, u64::MAX].map(Height::new);
    for height in unknown {
        let now = own.now;
        assert_eq!(
            refused(&mut own, |own| own.acknowledge(height, now)),
            SettleError::UnknownSlot
        );
        assert_eq!(
            refused(&mut own, |own| own.roll_back(height)),
            SettleError::UnknownSlot
        );
    }
    for sender in 0..9 {
        submit(&mut own, envelope(sender, 0));
    }
    let heights: Vec<Height> = (0..3).map(|_| take(&mut own).unwrap().0).collect();
    assert_eq!(heights, [1, 2, 3].map(Height::new));
    for height in &heights[1..] {
        let error = refused(&mut own, |own| own.acknowledge(*height, Tick::ZERO));
        assert_eq!(error, SettleError::NotOldestSlot);
    }
    own.acknowledge(heights[0], Tick::ZERO).unwrap();
    assert_eq!(own.acknowledged_height(), heights[0]);
    assert_eq!(own.slot(heights[0]), None);
    let again = refused(&mut own, |own| own.acknowledge(heights[0], Tick::ZERO));
    assert_eq!(again, SettleError::AlreadyAcknowledged);
    let back = refused(&mut own, |own| own.roll_back(heights[0]));
    assert_eq!(back, SettleError::AlreadyAcknowledged);
    assert_eq!(own.roll_back(heights[2]), Ok(1));
    assert_eq!(
        refused(&mut own, |own| own.roll_back(heights[2])),
        SettleError::UnknownSlot
    );
    own.acknowledge(heights[1], Tick::ZERO).unwrap();
    assert_eq!(events(&mut own).len(), 6);
}

#[test]
fn a_slot_waits_for_room_for_its_events() {
    let mut own = coordinator(Policy::Fcfs);
    let ids: Vec<TxId> = (0..9)
        .map(|sender| submit(&mut own, envelope(sender, 0)))
        .collect();
    for height in 1..=3 {
        assert_eq!(take(&mut own).unwrap().0, Height::new(height));
    }
    for height in 1..=2 {
        own.acknowledge(Height::new(height), Tick::ZERO).unwrap();
    }
    for readable in 6..9 {
        let error = refused(&mut own, |own| {
            own.acknowledge(Height::new(3), Tick::new(7))
        });
        assert_eq!(
            (error, error.code().is_retryable()),
            (SettleError::EventsFull, true)
        );
        let event = own.poll_event().unwrap();
        let expected = (Code::Included, ids[readable - 6], Height::new(1));
        assert_eq!((event.code, event.id, event.height), expected);
    }
    own.acknowledge(Height::new(3), Tick::new(7)).unwrap();
    let rest = events(&mut own);
    let expected = (3..9).map(|at| (Code::Included, ids[at], 1 + at as u64 / 3, at as u32 % 3));
    assert_eq!(rest, expected.collect::<Vec<_>>());
}

#[test]
fn rolling_back_gives_the_later_slots_back_too_and_the_same_bytes_come_again() {
    let in_one_step = |policy: &&Policy| !policy.orders_whole_slots();
    for policy in Policy::ALL.iter().filter(in_one_step) {
        let mut own = coordinator(*policy);
        for at in 0..9_u64 {
            let fee = Fee::new(at * 7 % 5);
            submit(
                &mut own,
                Envelope {
                    fee,
                    ..envelope(at as u8 % 4, at / 4)
                },
            );
        }
        let fresh_tip = own.tip().clone();
        let slots: Vec<_> = (0..3).map(|_| take(&mut own).unwrap()).collect();
        assert_eq!(own.pool().waiting_count(), 0);
        for from in (0..3).rev() {
            let last_tip = own.tip().clone();
            let height = Height::new(1 + from as u64);
            assert_eq!(own.roll_back(height), Ok(3 - from));
            assert_eq!(own.slot(height), None);
            assert_eq!(own.pool().waiting_count(), 3 * (3 - from));
            assert_eq!(*own.tip() == fresh_tip, from == 0);
            assert_eq!(own.verify(), Ok(()));
            for slot in &slots[from..] {
                assert_eq!(take(&mut own).as_ref(), Some(slot));
            }
            assert_eq!(*own.tip(), last_tip);
        }
        assert_eq!(own.event_count(), 0);
        assert_eq!(
            (own.metrics().slots_taken, own.metrics().slots_rolled_back),
            (9, 6)
        );
        // A slot that was rolled back between two others' acknowledgement changes nothing either.
        own.acknowledge(Height::new(1), Tick::ZERO).unwrap();
        own.roll_back(Height::new(2)).unwrap();
        for slot in &slots[1..] {
            assert_eq!(take(&mut own).as_ref(), Some(slot));
        }
    }
}

#[test]
fn expired_heads_end_and_free_nothing_behind_them() {
    let mut own = coordinator(Policy::Fcfs);
    let expiry = UnixNs::new(1_500);
    let head = submit(
        &mut own,
        Envelope {
            expiry,
            ..envelope(1, 0)
        },
    );
    let behind = submit(&mut own, envelope(1, 1));
    let other = submit(&mut own, envelope(2, 0));
    // At its expiry it is too late: a slot's time must lie before it.
    let slot = own
        .take(Tick::new(9), expiry, WhenEmpty::NoSlot)
        .unwrap()
        .unwrap();
    assert_eq!(senders_of(slot.bytes), [(2, 0)]);
    own.acknowledge(Height::new(1), Tick::new(9)).unwrap();
    let expected = [(Code::Expired, head, 0, 0), (Code::Included, other, 1, 0)];
    assert_eq!(events(&mut own), expected);
    assert_eq!(own.take(Tick::new(9), expiry, WhenEmpty::NoSlot), Ok(None));
    // The one behind waits for its predecessor, and ends with the run.
    let progress = own.expire_unready();
    assert_eq!(
        progress,
        ExpireProgress {
            ended: 1,
            is_finished: true
        }
    );
    assert_eq!(events(&mut own), [(Code::Expired, behind, 0, 0)]);
    assert!(own.pool().is_empty());
}

#[test]
fn an_expired_head_waits_for_room_and_holds_nobody_up() {
    let mut own = coordinator(Policy::Fcfs);
    for sender in 0..6 {
        submit(&mut own, envelope(sender, 0));
    }
    for height in 1..=2 {
        take(&mut own).unwrap();
        own.acknowledge(Height::new(height), Tick::ZERO).unwrap();
    }
    let id = submit(
        &mut own,
        Envelope {
            expiry: UnixNs::new(1_001),
            ..envelope(7, 0)
        },
    );
    submit(&mut own, envelope(8, 0));
    let slot = own
        .take(Tick::ZERO, UnixNs::new(1_001), WhenEmpty::NoSlot)
        .unwrap()
        .unwrap();
    assert_eq!(senders_of(slot.bytes), [(8, 0)]);
    assert!(own.pool().find(id).is_some(), "it ended without an event");
    events(&mut own);
    assert_eq!(own.take(Tick::ZERO, TIME, WhenEmpty::NoSlot), Ok(None));
    assert_eq!(events(&mut own), [(Code::Expired, id, 0, 0)]);
}

#[test]
fn expiring_the_unready_leaves_the_ready_and_stops_where_events_have_no_room() {
    let mut own = coordinator(Policy::Fcfs);
    let ready: Vec<TxId> = [0, 1, 2]
        .map(|nonce| submit(&mut own, envelope(1, nonce)))
        .into();
    let mut unready: Vec<TxId> = [4, 5, 7]
        .map(|nonce| submit(&mut own, envelope(1, nonce)))
        .into();
    for sender in 2..7 {
        let submission = Submission {
            transaction: Transaction {
                envelope: envelope(sender, 3),
                payload: b"",
            },
            account_nonce: Some(Nonce::new(2)),
            origin: 0,
            hint: None,
        };
        unready.push(own.submit(&submission, Tick::ZERO, TIME).unwrap());
    }
    let (height, _) = take(&mut own).unwrap();
    let first = own.expire_unready();
    assert_eq!(
        first,
        ExpireProgress {
            ended: 6,
            is_finished: false
        }
    );
    let again = own.expire_unready();
    assert_eq!(
        again,
        ExpireProgress {
            ended: 0,
            is_finished: false
        }
    );
    let mut ended = events(&mut own);
    assert_eq!(
        own.expire_unready(),
        ExpireProgress {
            ended: 2,
            is_finished: true
        }
    );
    ended.extend(events(&mut own));
    unready.sort_unstable();
    let mut ids: Vec<TxId> = ended.iter().map(|event| event.1).collect();
    ids.sort_unstable();
    assert_eq!(ids, unready);
    assert!(ended.iter().all(|event| event.0 == Code::Expired));
    own.roll_back(height).unwrap();
    assert_eq!(
        own.expire_unready(),
        ExpireProgress {
            ended: 0,
            is_finished: true
        }
    );
    assert!(ready.iter().all(|id| own.pool().find(*id).is_some()));
}

#[test]
fn under_fcfs_nobody_passes_a_head_that_does_not_fit() {
    let mut own = coordinator(Policy::Fcfs);
    for (sender, gas) in [(1, 60), (2, 60), (3, 10)] {
        submit(
            &mut own,
            Envelope {
                gas: Gas::new(gas),
                ..envelope(sender, 0)
            },
        );
    }
    assert_eq!(senders_of(&take(&mut own).unwrap().1), [(1, 0)]);
    assert_eq!(senders_of(&take(&mut own).unwrap().1), [(2, 0), (3, 0)]);
}

#[test]
fn under_priority_a_sender_that_does_not_fit_is_set_aside_and_comes_back() {
    let mut own = coordinator(Policy::PriorityFee);
    let rows = [
        (1, 90, 60),
        (2, 80, 60),
        (2, 70, 1),
        (3, 60, 50),
        (4, 50, 40),
        (5, 40, 30),
    ];
    let mut nonces = [0; 6];
    for (sender, fee, gas) in rows {
        let nonce = nonces[sender as usize];
        nonces[sender as usize] += 1;
        let (fee, gas) = (Fee::new(fee), Gas::new(gas));
        submit(
            &mut own,
            Envelope {
                fee,
                gas,
                ..envelope(sender, nonce)
            },
        );
    }
    // 2 and 3 do not fit beside 1 and are put aside with all that they have; 4 fits, and then two
    // senders have been put aside, so the search ends at 5.
    let (height, bytes) = take(&mut own).unwrap();
    assert_eq!(senders_of(&bytes), [(1, 0), (4, 0)]);
    assert_eq!(own.pool().ready_count(), 3);
    assert_eq!(own.verify(), Ok(()));
    assert_eq!(
        senders_of(&take(&mut own).unwrap().1),
        [(2, 0), (2, 1), (5, 0)]
    );
    own.roll_back(height).unwrap();
    assert_eq!(take(&mut own).unwrap().1, bytes);
}

#[test]
fn the_agreed_time_never_goes_back() {
    let mut own = coordinator(Policy::Fcfs);
    let time_of = |own: &mut TransactionCoordinator, time| {
        own.take(Tick::ZERO, UnixNs::new(time), WhenEmpty::EmptySlot)
            .unwrap()
            .unwrap()
            .header
            .time
    };
    assert_eq!(time_of(&mut own, 500), UnixNs::new(500));
    assert_eq!(time_of(&mut own, 100), UnixNs::new(500));
    let soon = Envelope {
        expiry: UnixNs::new(400),
        ..envelope(1, 0)
    };
    let submission = Submission::from(Transaction {
        envelope: soon,
        payload: b"",
    });
    let code = own
        .submit(&submission, Tick::ZERO, UnixNs::new(300))
        .unwrap_err();
    assert_eq!(code, Code::AlreadyExpired);
}

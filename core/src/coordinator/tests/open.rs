//! Slots that stay open for a while: slices, sets that wait for a seed, and trades.

use super::*;
use crate::batch::SlotVerifier;
use crate::coordinator::{SealError, SliceError};
use crate::ordering::SlotRoom;
use crate::pool::CancelError;
use crate::types::{Hash, PoolReserves, RollupId, Side, TradeHint};

const NOW: Tick = Tick::new(5);

fn config(policy: Policy) -> Config {
    Config {
        policy,
        ..Config::default()
    }
}

fn limits() -> Limits {
    tiny_limits()
}

fn verifier(policy: Policy) -> SlotVerifier {
    SlotVerifier::new(&config(policy), &limits())
}

fn open(own: &mut TransactionCoordinator) -> Height {
    own.open_slot(NOW, TIME).unwrap()
}

fn sell(pool: u8, amount: u128) -> TradeHint {
    TradeHint {
        pool: Address::new([pool; 20]),
        side: Side::Sell,
        amount,
    }
}

fn trade(
    own: &mut TransactionCoordinator,
    sender: u8,
    hint: Option<TradeHint>,
) -> Result<TxId, Code> {
    let transaction = Transaction {
        envelope: envelope(sender, 0),
        payload: b"",
    };
    let submission = Submission {
        hint,
        ..Submission::from(transaction)
    };
    own.submit(&submission, Tick::ZERO, TIME)
}

#[test]
fn slices_promise_what_the_slot_then_holds() {
    let mut own = coordinator(Policy::PriorityFee);
    let fee = |fee| Fee::new(fee);
    submit(
        &mut own,
        Envelope {
            fee: fee(10),
            ..envelope(1, 0)
        },
    );
    let before = own.tip().rollups[0].running_hash;
    let height = open(&mut own);
    assert_eq!(own.open_height(), Some(height));
    let first = own.add_slice(NOW, SlotRoom::UNLIMITED).unwrap().unwrap();
    assert_eq!(
        (first.height, first.slice, first.transactions.len()),
        (height, 0, 1)
    );
    let first = first.receipts[0];
    assert!(first.follows(before) && !first.follows(first.running_hash));
    assert_eq!((first.first_position, first.transaction_count), (0, 1));
    // What pays more comes later, and stands later: the first slice can't change any more.
    submit(
        &mut own,
        Envelope {
            fee: fee(90),
            ..envelope(2, 0)
        },
    );
    submit(
        &mut own,
        Envelope {
            fee: fee(80),
            ..envelope(1, 1)
        },
    );
    let second = own.add_slice(NOW, SlotRoom::UNLIMITED).unwrap().unwrap();
    let second = (second.slice, second.receipts[0]);
    assert_eq!(second.0, 1);
    assert!(second.1.follows(first.running_hash));
    assert_eq!(
        (second.1.first_position, second.1.transaction_count),
        (1, 2)
    );
    assert_eq!(
        own.add_slice(NOW, SlotRoom::UNLIMITED)
            .unwrap()
            .map(|own| own.slice),
        None
    );
    let bytes = own.seal().unwrap().bytes.to_vec();
    assert_eq!(own.open_height(), None);
    assert_eq!(senders_of(&bytes), [(1, 0), (2, 0), (1, 1)]);
    assert_eq!(own.tip().rollups[0].running_hash, second.1.running_hash);
    assert_eq!(
        verifier(Policy::PriorityFee)
            .verify(&bytes)
            .unwrap()
            .transaction_count,
        3
    );
    own.acknowledge(height, NOW).unwrap();
    assert_eq!(own.verify(), Ok(()));
}

#[test]
fn one_slice_is_the_slot_that_is_taken_in_one_step() {
    for policy in [
        Policy::Fcfs,
        Policy::PriorityFee,
        Policy::TimeBucket { width_ns: 3 },
    ] {
        let (mut sliced, mut whole) = (coordinator(policy), coordinator(policy));
        for own in [&mut sliced, &mut whole] {
            (0..3).for_each(|sender| {
                submit(own, envelope(sender, 0));
            });
        }
        open(&mut sliced);
        sliced.add_slice(NOW, SlotRoom::UNLIMITED).unwrap().unwrap();
        let bytes = sliced.seal().unwrap().bytes.to_vec();
        let taken = whole.take(NOW, TIME, WhenEmpty::NoSlot).unwrap().unwrap();
        assert_eq!(bytes, taken.bytes);
    }
}

#[test]
fn a_slice_keeps_within_its_room_and_a_slot_within_its_own() {
    let mut own = coordinator(Policy::Fcfs);
    (0..4).for_each(|sender| {
        submit(&mut own, envelope(sender, 0));
    });
    open(&mut own);
    let room = SlotRoom {
        count: 1,
        ..SlotRoom::UNLIMITED
    };
    let count = |own: &mut TransactionCoordinator, room| {
        own.add_slice(NOW, room)
            .unwrap()
            .map(|slice| slice.transactions.len())
    };
    assert_eq!(count(&mut own, room), Some(1));
    assert_eq!(count(&mut own, SlotRoom::UNLIMITED), Some(2));
    // The slot has room for three.
    assert_eq!(count(&mut own, SlotRoom::UNLIMITED), None);
    assert_eq!(own.seal().unwrap().transaction_count, 3);
}

#[test]
fn rolling_back_gives_back_all_of_an_open_slot() {
    let mut own = coordinator(Policy::Fcfs);
    let ids: Vec<_> = (0..4)
        .map(|sender| submit(&mut own, envelope(sender, 0)))
        .collect();
    let tip = own.tip().clone();
    let fill = |own: &mut TransactionCoordinator| {
        open(own);
        let room = SlotRoom {
            count: 2,
            ..SlotRoom::UNLIMITED
        };
        own.add_slice(NOW, room).unwrap().unwrap();
        own.add_slice(NOW, SlotRoom::UNLIMITED)
            .unwrap()
            .unwrap()
            .receipts[0]
    };
    let first = fill(&mut own);
    assert_eq!(own.cancel(ids[0]), Err(CancelError::TakenAlready));
    assert_eq!(own.roll_back(Height::new(2)), Err(SettleError::UnknownSlot));
    assert_eq!(own.roll_back(Height::new(1)), Ok(1));
    assert_eq!((own.tip(), own.open_height()), (&tip, None));
    assert_eq!(own.pool().waiting_count(), 4);
    assert_eq!(own.verify(), Ok(()));
    // The same comes again; and with the slot before it goes the open one.
    assert_eq!(fill(&mut own), first);
    own.seal().unwrap();
    open(&mut own);
    own.add_slice(NOW, SlotRoom::UNLIMITED).unwrap().unwrap();
    assert_eq!(own.roll_back(Height::new(1)), Ok(2));
    assert_eq!((own.tip(), own.pool().waiting_count()), (&tip, 4));
    assert_eq!(own.verify(), Ok(()));
}

#[test]
fn older_slots_settle_while_one_is_open() {
    let mut own = coordinator(Policy::Fcfs);
    (0..4).for_each(|sender| {
        submit(&mut own, envelope(sender, 0));
    });
    let mut follower = verifier(Policy::Fcfs);
    let (height, bytes) = take(&mut own).unwrap();
    follower.verify(&bytes).unwrap();
    open(&mut own);
    own.add_slice(NOW, SlotRoom::UNLIMITED).unwrap().unwrap();
    own.acknowledge(height, NOW).unwrap();
    let slot = own.seal().unwrap();
    follower.verify(slot.bytes).unwrap();
    assert_eq!(
        (slot.header.height, slot.transaction_count),
        (Height::new(2), 1)
    );
    own.acknowledge(Height::new(2), NOW).unwrap();
    assert!(own.pool().is_empty());
}

#[test]
fn verbs_out_of_turn_are_refused_and_change_nothing() {
    let mut own = coordinator(Policy::Fcfs);
    assert_eq!(own.seal().unwrap_err(), SealError::NoOpenSlot);
    assert_eq!(
        own.seal_with_seed(Hash::ZERO).unwrap_err(),
        SealError::NoOpenSlot
    );
    let refused = own.add_slice(NOW, SlotRoom::UNLIMITED).unwrap_err();
    assert_eq!(refused, SliceError::NoOpenSlot);
    let refused = own.fix_set(NOW, TIME, WhenEmpty::EmptySlot).unwrap_err();
    assert_eq!(refused, TakeError::SeedNotWanted);
    open(&mut own);
    assert_eq!(own.open_slot(NOW, TIME).unwrap_err(), TakeError::SlotOpen);
    let refused = own.take(NOW, TIME, WhenEmpty::NoSlot).unwrap_err();
    assert_eq!(refused, TakeError::SlotOpen);
    assert_eq!(
        own.seal_with_seed(Hash::ZERO).unwrap_err(),
        SealError::SeedNotWanted
    );
    let refused = own.add_slice(Tick::ZERO, SlotRoom::UNLIMITED).unwrap_err();
    assert_eq!(refused, SliceError::TimeWentBack);
    assert_eq!(own.seal().unwrap().transaction_count, 0);
    for policy in [Policy::Shuffle, Policy::Greedy] {
        let mut own = coordinator(policy);
        let refused = own.open_slot(NOW, TIME).unwrap_err();
        assert_eq!(refused, TakeError::SlicesNotOffered);
    }
    let mut own = coordinator(Policy::Shuffle);
    let refused = own.take(NOW, TIME, WhenEmpty::EmptySlot).unwrap_err();
    assert_eq!(refused, TakeError::SeedNeeded);
    own.fix_set(NOW, TIME, WhenEmpty::EmptySlot)
        .unwrap()
        .unwrap();
    assert_eq!(own.seal().unwrap_err(), SealError::SeedNeeded);
    let refused = own.add_slice(NOW, SlotRoom::UNLIMITED).unwrap_err();
    assert_eq!(refused, SliceError::SlicesNotOffered);
}

#[test]
fn a_slot_has_so_many_slices_and_no_more() {
    use crate::limits::SLICE_COUNT_MAX;
    let limits = Limits {
        slot_count_max: 100,
        slot_bytes_max: 100_000,
        slot_gas_max: 100_000,
        pending_count_max: 100,
        pending_bytes_max: 100_000,
        sender_count_max: 100,
        event_count_max: 200,
        ..limits()
    };
    let config = config(Policy::Fcfs);
    let mut own = TransactionCoordinator::new(&config, &limits).unwrap();
    open(&mut own);
    for nonce in 0..SLICE_COUNT_MAX as u64 {
        submit(&mut own, envelope(1, nonce));
        own.add_slice(NOW, SlotRoom::UNLIMITED).unwrap().unwrap();
    }
    submit(&mut own, envelope(2, 0));
    let refused = own.add_slice(NOW, SlotRoom::UNLIMITED).unwrap_err();
    assert_eq!(refused, SliceError::TooManySlices);
    let slot = own.seal().unwrap();
    assert_eq!(usize::from(slot.header.slice_count), SLICE_COUNT_MAX);
    SlotVerifier::new(&config, &limits)
        .verify(slot.bytes)
        .unwrap();
}

#[test]
fn a_set_is_fixed_before_its_seed_and_does_not_depend_on_it() {
    let sealed_with = |seed: u8| {
        let mut own = coordinator(Policy::Shuffle);
        for (sender, nonce) in [(1, 0), (2, 0), (1, 1), (3, 0)] {
            submit(&mut own, envelope(sender, nonce));
        }
        let set = own.fix_set(NOW, TIME, WhenEmpty::NoSlot).unwrap().unwrap();
        assert_eq!((set.height, set.transaction_count), (Height::new(1), 3));
        // What comes now does not get in.
        submit(&mut own, envelope(9, 0));
        let bytes = own
            .seal_with_seed(Hash::new([seed; 32]))
            .unwrap()
            .bytes
            .to_vec();
        let verified = verifier(Policy::Shuffle).verify(&bytes).unwrap();
        assert_eq!(verified.set_root, set.root);
        assert_eq!(own.verify(), Ok(()));
        (set.root, senders_of(&bytes))
    };
    let all: Vec<_> = (0..32).map(sealed_with).collect();
    assert!(all.iter().all(|own| own.0 == all[0].0));
    // Both orders of the two senders come up, and nobody stands around anybody.
    let first = all
        .iter()
        .filter(|own| own.1 == [(1, 0), (1, 1), (2, 0)])
        .count();
    let second = all
        .iter()
        .filter(|own| own.1 == [(2, 0), (1, 0), (1, 1)])
        .count();
    assert!(
        first > 0 && second > 0 && first + second == 32,
        "{first} {second}"
    );
}

#[test]
fn the_greedy_rule_wants_trades_and_pools() {
    let mut own = coordinator(Policy::Greedy);
    assert_eq!(trade(&mut own, 1, None), Err(Code::HintMissing));
    assert_eq!(trade(&mut own, 1, Some(sell(7, 0))), Err(Code::HintInvalid));
    for sender in 0..2 {
        trade(&mut own, sender, Some(sell(7, 10))).unwrap();
    }
    trade(
        &mut own,
        2,
        Some(TradeHint {
            side: Side::Buy,
            ..sell(7, 10)
        }),
    )
    .unwrap();
    trade(&mut own, 3, Some(sell(8, 10))).unwrap();
    assert_eq!(own.pool().hint_count(), 4);
    let pool = |pool: u8| PoolReserves {
        rollup: RollupId::ZERO,
        pool: Address::new([pool; 20]),
        reserve0: 100,
        reserve1: 100,
    };
    for wrong in [
        &[pool(8), pool(7)][..],
        &[pool(7), pool(7)],
        &[PoolReserves {
            reserve0: 0,
            ..pool(7)
        }],
        &[PoolReserves {
            reserve1: 0,
            ..pool(7)
        }],
    ] {
        let refused = own
            .take_with_reserves(NOW, TIME, WhenEmpty::NoSlot, wrong)
            .unwrap_err();
        assert_eq!(refused, TakeError::ReservesInvalid);
    }
    // Without a pool there is nothing to take; a trade with another pool waits.
    assert!(own.take(NOW, TIME, WhenEmpty::NoSlot).unwrap().is_none());
    let pools = [pool(6), pool(7)];
    let slot = own
        .take_with_reserves(NOW, TIME, WhenEmpty::NoSlot, &pools)
        .unwrap()
        .unwrap();
    let (height, bytes) = (slot.header.height, slot.bytes.to_vec());
    assert_eq!(senders_of(&bytes), [(2, 0), (0, 0), (1, 0)]);
    verifier(Policy::Greedy).verify(&bytes).unwrap();
    let mut reader = crate::batch::SlotReader::new(&bytes, &limits()).unwrap();
    let sub_batch = reader.next_sub_batch().unwrap().unwrap();
    assert!(sub_batch.evidence.pools().eq([pool(7)]));
    let trades: Vec<_> = sub_batch.evidence.trades().collect();
    assert_eq!(trades[1], Some(sell(7, 10)));
    own.acknowledge(height, NOW).unwrap();
    assert_eq!((own.pool().hint_count(), own.verify()), (1, Ok(())));
    // Another policy keeps none.
    let mut other = coordinator(Policy::Fcfs);
    trade(&mut other, 1, Some(sell(7, 10))).unwrap();
    assert_eq!(other.pool().hint_count(), 0);
}

#[test]
fn what_expires_beyond_the_open_slots_horizon_waits_for_the_next() {
    let config = Config {
        replay_protection: crate::config::ReplayProtection::ByExpiry { horizon_ns: 50 },
        ..config(Policy::Fcfs)
    };
    let mut own = TransactionCoordinator::new(&config, &limits()).unwrap();
    let mut follower = SlotVerifier::new(&config, &limits());
    open(&mut own);
    // Admitted 30 ns of agreed time after the slot was opened.
    let later = UnixNs::new(TIME.get() + 30);
    for (sender, expires_after) in [(1, 50), (2, 51), (3, 50)] {
        let transaction = Transaction {
            envelope: Envelope {
                expiry: UnixNs::new(TIME.get() + expires_after),
                ..envelope(sender, 0)
            },
            payload: b"",
        };
        own.submit(&transaction.into(), NOW, later).unwrap();
    }
    own.add_slice(NOW, SlotRoom::UNLIMITED).unwrap().unwrap();
    let bytes = own.seal().unwrap().bytes.to_vec();
    // Under first come, first served nobody passes the one that waits.
    assert_eq!(senders_of(&bytes), [(1, 0)]);
    follower.verify(&bytes).unwrap();
    let slot = own.take(NOW, later, WhenEmpty::NoSlot).unwrap().unwrap();
    assert_eq!(senders_of(slot.bytes), [(2, 0), (3, 0)]);
    follower.verify(slot.bytes).unwrap();
}

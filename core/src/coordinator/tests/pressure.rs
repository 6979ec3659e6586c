//! Pressure bounds slots and admission, and nothing else.

use std::vec::Vec;

use crate::config::Config;
use crate::coordinator::{Pressure, TransactionCoordinator, WhenEmpty};
use crate::error::Code;
use crate::limits::Limits;
use crate::types::{Address, Envelope, Fee, Gas, Nonce, Tick, Transaction, UnixNs};

fn transfer(sender: u8, nonce: u64, fee: u64) -> Transaction<'static> {
    let envelope = Envelope {
        sender: Address::new([sender; 20]),
        nonce: Nonce::new(nonce),
        fee: Fee::new(fee),
        gas: Gas::new(21_000),
        expiry: UnixNs::NEVER,
        ..Envelope::default()
    };
    Transaction {
        envelope,
        payload: &[],
    }
}

fn coordinator() -> TransactionCoordinator {
    TransactionCoordinator::new(&Config::default(), &Limits::default()).unwrap()
}

fn take(coordinator: &mut TransactionCoordinator, now: u64) -> u32 {
    let (now, time) = (Tick::new(now), UnixNs::new(1_000 + now));
    let slot = coordinator.take(now, time, WhenEmpty::NoSlot).unwrap();
    let Some(slot) = slot else { return 0 };
    let (height, count) = (slot.header.height, slot.transaction_count);
    coordinator.acknowledge(height, now).unwrap();
    count
}

#[test]
fn a_slot_holds_no_more_than_pressure_allows() {
    let mut coordinator = coordinator();
    for sender in 0..10 {
        let transaction = transfer(sender, 0, 1);
        let (now, time) = (Tick::new(1), UnixNs::new(1_000));
        coordinator.submit(&transaction.into(), now, time).unwrap();
    }
    let slot_count_max = 3;
    coordinator
        .set_pressure(Pressure {
            slot_count_max,
            ..Pressure::NONE
        })
        .unwrap();
    assert_eq!(take(&mut coordinator, 2), 3);
    let slot_bytes_max = 2 * 98 + 50;
    coordinator
        .set_pressure(Pressure {
            slot_bytes_max,
            ..Pressure::NONE
        })
        .unwrap();
    assert_eq!(take(&mut coordinator, 3), 2);
    let slot_gas_max = 4 * 21_000 + 20_999;
    coordinator
        .set_pressure(Pressure {
            slot_gas_max,
            ..Pressure::NONE
        })
        .unwrap();
    assert_eq!(take(&mut coordinator, 4), 4);
    coordinator.set_pressure(Pressure::NONE).unwrap();
    assert_eq!(take(&mut coordinator, 5), 1);

    let metrics = coordinator.metrics();
    assert_eq!(metrics.slot_transactions.sum(), 10);
    assert_eq!(metrics.slot_transactions.count(), 4);
    assert_eq!(metrics.pending_at_take.sum(), 10 + 7 + 5 + 1);
    // Three waited 1 ns, two 2 ns, four 3 ns and one 4 ns.
    assert_eq!(metrics.time_to_batch_ns.sum(), 3 + 4 + 12 + 4);
    assert_eq!(metrics.time_to_batch_ns.count(), 10);
    assert_eq!(metrics.included_fees.sum(), 10);
}

#[test]
fn levels_raise_the_floor_and_shut_out_gaps() {
    let limits = Limits::default();
    let floor = Fee::new(10);
    let levels: Vec<_> = (0..=4)
        .map(|level| Pressure::level(level, &limits, floor))
        .collect();
    assert_eq!(levels[0], Pressure::NONE);
    assert_eq!(levels[3], levels[4]);
    for pair in levels[..4].windows(2) {
        assert!(pair[1].slot_count_max < pair[0].slot_count_max);
        assert!(pair[1].fee_floor > pair[0].fee_floor);
    }
    assert!(
        levels
            .iter()
            .all(|own| own.slot_bytes_max >= limits.transaction_bytes_max())
    );
    assert_eq!(levels.iter().filter(|own| own.refuses_gaps).count(), 3);

    let mut coordinator = coordinator();
    let submit = |coordinator: &mut TransactionCoordinator, transaction: Transaction<'_>| {
        let (now, time) = (Tick::new(1), UnixNs::new(1_000));
        let result = coordinator.submit(&transaction.into(), now, time);
        result.err().unwrap_or(Code::Admitted)
    };
    assert_eq!(submit(&mut coordinator, transfer(1, 0, 1)), Code::Admitted);
    coordinator.set_pressure(levels[2]).unwrap();
    assert_eq!(*coordinator.pressure(), levels[2]);
    assert_eq!(
        submit(&mut coordinator, transfer(2, 0, 39)),
        Code::FeeTooLow
    );
    assert_eq!(submit(&mut coordinator, transfer(2, 0, 40)), Code::Admitted);
    let gapped = submit(&mut coordinator, transfer(2, 2, 40));
    assert_eq!(gapped, Code::MissingPredecessor);
    coordinator.set_pressure(Pressure::NONE).unwrap();
    assert_eq!(submit(&mut coordinator, transfer(2, 2, 1)), Code::Admitted);
}

//! Small histories of what stands outside the pool's lines, and of slots that are open: restored
//! and replayed with nothing lost.

use std::vec::Vec;

use super::world::{config, drain, limits, snapshot};
use crate::config::Config;
use crate::coordinator::{SealError, SettleError, SliceError, TransactionCoordinator, WhenEmpty};
use crate::error::Code;
use crate::ordering::SlotRoom;
use crate::pool::ForcedError;
use crate::snapshot::replay;
use crate::types::{
    Address, Envelope, Gas, Hash, Height, InboxIndex, Nonce, PoolReserves, RollupId, Side,
    Submission, Tick, TradeHint, Transaction, UnixNs,
};

const NOW: Tick = Tick::new(3);
const TIME: UnixNs = UnixNs::new(4);
const JOURNAL_BYTES: u32 = 8_192;

fn transfer(sender: u8, nonce: u64) -> Submission<'static> {
    let envelope = Envelope {
        rollup: RollupId::new(1),
        sender: Address::new([sender; 20]),
        nonce: Nonce::new(nonce),
        gas: Gas::new(10),
        expiry: UnixNs::new(50),
        ..Envelope::default()
    };
    let payload = &[5; 20];
    Submission::from(Transaction { envelope, payload })
}

fn coordinator(config: &Config, journal_bytes_max: u32) -> TransactionCoordinator {
    TransactionCoordinator::new(config, &limits(journal_bytes_max)).unwrap()
}

/// Restored from a snapshot, and replayed from the start: both are what they came from.
fn restored(config: &Config, own: &TransactionCoordinator) -> TransactionCoordinator {
    let bytes = snapshot(own);
    let again = TransactionCoordinator::restore(config, &limits(0), &bytes).unwrap();
    assert!(snapshot(&again) == bytes);
    again
}

fn replayed(config: &Config, journal: &[u8]) -> TransactionCoordinator {
    let mut again = coordinator(config, 0);
    replay(&mut again, journal).unwrap();
    again
}

#[test]
fn the_slices_of_an_open_slot_are_promised_again() {
    let config = config(0);
    let mut own = coordinator(&config, JOURNAL_BYTES);
    let mut journal = Vec::new();
    own.submit(&transfer(1, 0), NOW, TIME).unwrap();
    own.submit_forced(&transfer(3, 0), InboxIndex::ZERO, TIME, NOW, TIME)
        .unwrap();
    let height = own.open_slot(NOW, TIME).unwrap();
    let receipts = |own: &mut TransactionCoordinator| {
        let slice = own.add_slice(NOW, SlotRoom::UNLIMITED).unwrap().unwrap();
        slice.receipts
    };
    let first = receipts(&mut own);
    drain(&mut own, &mut journal);
    for mut again in [restored(&config, &own), replayed(&config, &journal)] {
        assert_eq!(again.open_height(), Some(height));
        let mut live = restored(&config, &own);
        for one in [&mut live, &mut again] {
            one.submit(&transfer(2, 0), NOW, TIME).unwrap();
        }
        let second = receipts(&mut again);
        assert_eq!(second, receipts(&mut live));
        assert!(second[0].follows(first[0].running_hash));
        assert_eq!(again.seal().unwrap(), live.seal().unwrap());
        let slot = again.slot(height).unwrap();
        assert_eq!((slot.transaction_count, slot.header.slice_count), (3, 2));
        again.acknowledge(height, NOW).unwrap();
        again.verify().unwrap();
    }
    let mut again = restored(&config, &own);
    assert_eq!(again.roll_back(height), Ok(1));
    let waiting = (
        again.pool().waiting_count(),
        again.pool().forced_waiting_count(),
    );
    assert_eq!(waiting, (1, 1));
    again.verify().unwrap();
}

#[test]
fn a_fixed_set_waits_for_its_seed_across_a_restart() {
    let config = config(3);
    assert!(config.policy.needs_seed());
    let mut own = coordinator(&config, JOURNAL_BYTES);
    let mut journal = Vec::new();
    own.submit(&transfer(1, 0), NOW, TIME).unwrap();
    own.submit(&transfer(2, 0), NOW, TIME).unwrap();
    let legs = [transfer(3, 0), transfer(1, 1)];
    own.submit_bundle(&legs, UnixNs::NEVER, NOW, TIME).unwrap();
    let set = own.fix_set(NOW, TIME, WhenEmpty::NoSlot).unwrap().unwrap();
    drain(&mut own, &mut journal);
    let mut all = [restored(&config, &own), replayed(&config, &journal)];
    let sealed = own.seal_with_seed(set.root).unwrap();
    assert_eq!(sealed.transaction_count, 4);
    for again in &mut all {
        assert_eq!(again.fixed_set(), Some(set));
        assert_eq!(again.seal().map(drop), Err(SealError::SeedNeeded));
        assert_eq!(again.seal_with_seed(set.root).unwrap(), sealed);
        assert_eq!(again.fixed_set(), None);
    }
    drain(&mut own, &mut journal);
    assert!(snapshot(&replayed(&config, &journal)) == snapshot(&own));
}

#[test]
fn forced_inputs_wait_and_are_in_flight_across_a_restart() {
    let config = config(0);
    let mut own = coordinator(&config, 0);
    let index = |own| InboxIndex::new(own);
    own.submit(&transfer(1, 0), NOW, TIME).unwrap();
    for (number, nonce) in [(0, 0), (1, 7)] {
        own.submit_forced(&transfer(1, nonce), index(number), TIME, NOW, TIME)
            .unwrap();
    }
    let mut waiting = restored(&config, &own);
    assert_eq!(waiting.pool().forced_waiting_count(), 2);
    let slot = own.take(NOW, TIME, WhenEmpty::NoSlot).unwrap().unwrap();
    let height = slot.header.height;
    let taken = waiting.take(NOW, TIME, WhenEmpty::NoSlot).unwrap().unwrap();
    assert_eq!(taken, slot);
    let mut again = restored(&config, &own);
    again.acknowledge(height, NOW).unwrap();
    // The pool's transaction lost its nonce to the first, and the second had a gap before it.
    let codes: Vec<Code> = core::iter::from_fn(|| again.poll_event().map(|own| own.code)).collect();
    assert_eq!(codes, [Code::Superseded, Code::Included, Code::Evicted]);
    let rollup = RollupId::new(1);
    assert_eq!(again.pool().next_inbox_index(rollup), Some(index(2)));
    let early = again.submit_forced(&transfer(1, 1), index(1), TIME, NOW, TIME);
    assert_eq!(early, Err(ForcedError::InboxOutOfOrder));
    again
        .submit_forced(&transfer(1, 1), index(2), TIME, NOW, TIME)
        .unwrap();
    again.verify().unwrap();
    // Rolled back instead, both wait again, and so does the transaction of the pool.
    let mut again = restored(&config, &own);
    assert_eq!(again.roll_back(height), Ok(1));
    assert!(snapshot(&restored(&config, &again)) == snapshot(&again));
    assert_eq!(again.pool().forced_waiting_count(), 2);
    assert_eq!(again.pool().ready_count(), 1);
}

/// What no slot can hold is recorded by its identity, however long it is.
#[test]
fn what_is_too_large_is_recorded_without_its_bytes() {
    let config = config(0);
    let mut own = coordinator(&config, JOURNAL_BYTES);
    let mut journal = Vec::new();
    let huge = std::vec![1; 100_000];
    let mut forced = transfer(1, 0);
    forced.transaction.payload = &huge;
    let id = own.submit_forced(&forced, InboxIndex::ZERO, TIME, NOW, TIME);
    let refused = own.submit_bundle(&[forced], UnixNs::NEVER, NOW, TIME);
    assert_eq!(refused.unwrap_err().code, Code::BundleTooLarge);
    drain(&mut own, &mut journal);
    assert!(journal.len() < 500, "{}", journal.len());
    let mut again = replayed(&config, &journal);
    assert!(snapshot(&again) == snapshot(&own));
    let event = again.poll_event().unwrap();
    assert_eq!((event.code, Ok(event.id)), (Code::Evicted, id));
}

/// Of many reserves a record keeps those of the pools that the slot looked at.
#[test]
fn reserves_are_recorded_as_far_as_they_matter() {
    let config = config(4);
    assert!(config.policy.needs_hints());
    let mut own = coordinator(&config, JOURNAL_BYTES);
    let mut journal = Vec::new();
    let trade = |pool: u8| TradeHint {
        pool: Address::new([pool; 20]),
        side: Side::Sell,
        amount: 9,
    };
    // Six trades, of which a slot holds four; one is with a pool of which nothing is known.
    for (sender, pool) in [(0, 1), (1, 9), (2, 2), (3, 2), (4, 3), (5, 4)] {
        let traded = Submission {
            hint: Some(trade(pool)),
            ..transfer(sender, 0)
        };
        own.submit(&traded, NOW, TIME).unwrap();
    }
    let all: Vec<PoolReserves> = (0..9)
        .map(|pool| PoolReserves {
            rollup: RollupId::new(1),
            pool: Address::new([pool; 20]),
            reserve0: 1_000,
            reserve1: 2_000,
        })
        .collect();
    drain(&mut own, &mut journal);
    let before = journal.len();
    let slot = own.take_with_reserves(NOW, TIME, WhenEmpty::NoSlot, &all);
    assert_eq!(slot.unwrap().unwrap().transaction_count, 4);
    drain(&mut own, &mut journal);
    // Length, kind, clocks; flags, height, hash; three pools and the last one; the checksum.
    assert_eq!(journal.len() - before, 21 + 41 + 4 * 56 + 32);
    let mut again = replayed(&config, &journal);
    assert!(snapshot(&again) == snapshot(&own));
    for one in [&mut own, &mut again] {
        let rest = one.take_with_reserves(NOW, TIME, WhenEmpty::NoSlot, &all);
        assert_eq!(rest.unwrap().unwrap().transaction_count, 1);
    }
    assert_eq!(own.tip(), again.tip());
}

#[test]
fn bundles_wait_and_are_in_flight_across_a_restart() {
    let config = config(0);
    let mut own = coordinator(&config, 0);
    let legs = [transfer(4, 0), transfer(5, 0)];
    own.submit_bundle(&legs, UnixNs::NEVER, NOW, TIME).unwrap();
    let slot = own.take(NOW, TIME, WhenEmpty::NoSlot).unwrap().unwrap();
    assert_eq!(slot.transaction_count, 2);
    own.submit_bundle(&[transfer(4, 1)], UnixNs::NEVER, NOW, TIME)
        .unwrap();
    let mut again = restored(&config, &own);
    assert_eq!(again.pool().bundle_count(), 2);
    for one in [&mut own, &mut again] {
        one.take(NOW, TIME, WhenEmpty::NoSlot).unwrap().unwrap();
    }
    assert_eq!(again.tip(), own.tip());
    let mut again = restored(&config, &own);
    again.roll_back(Height::new(2)).unwrap();
    again.acknowledge(Height::new(1), NOW).unwrap();
    let included = core::iter::from_fn(|| again.poll_event());
    assert_eq!(included.filter(|own| own.code == Code::Included).count(), 2);
    again.verify().unwrap();
    let refused = again.submit(&transfer(5, 0), NOW, TIME).unwrap_err();
    assert_eq!(refused, Code::AlreadyEnded);
}

/// With a full journal none of it is done, and nothing changes.
#[test]
fn a_full_journal_refuses_what_stands_outside_and_open_slots_too() {
    for number in [0, 3] {
        let config = config(number);
        let mut own = coordinator(&config, limits(0).journal_bytes_min() as u32);
        drain(&mut own, &mut Vec::new());
        if config.policy.needs_seed() {
            own.fix_set(NOW, TIME, WhenEmpty::EmptySlot).unwrap();
        } else {
            own.open_slot(NOW, TIME).unwrap();
        }
        while own.expire_unready().is_finished {}
        let before = std::format!("{own:?}");
        let later = Tick::new(9);
        let forced = own.submit_forced(&transfer(1, 0), InboxIndex::ZERO, TIME, later, TIME);
        assert_eq!(forced, Err(ForcedError::JournalFull));
        let bundle = own.submit_bundle(&[transfer(1, 0)], UnixNs::NEVER, later, TIME);
        assert_eq!(bundle.unwrap_err().code, Code::JournalFull);
        let mut full = std::vec![own.roll_back(Height::new(1)).unwrap_err().code()];
        if config.policy.needs_seed() {
            full.push(own.seal_with_seed(Hash::ZERO).unwrap_err().code());
            assert!(own.fix_set(later, TIME, WhenEmpty::EmptySlot).is_err());
        } else {
            full.push(own.seal().unwrap_err().code());
            let slice = own.add_slice(later, SlotRoom::UNLIMITED);
            assert_eq!(slice.map(drop), Err(SliceError::JournalFull));
            assert!(own.open_slot(later, TIME).is_err());
        }
        assert_eq!(full, [Code::JournalFull; 2]);
        assert!(std::format!("{own:?}") == before);
        drain(&mut own, &mut Vec::new());
        own.roll_back(Height::new(1)).unwrap();
    }
}

/// A late answer to a slot that was rolled back does not settle the one that took its place.
#[test]
fn a_slot_is_settled_by_its_hash() {
    let mut own = coordinator(&config(0), 0);
    let take = |own: &mut TransactionCoordinator, time| {
        let slot = own.take(NOW, UnixNs::new(time), WhenEmpty::EmptySlot);
        slot.unwrap().unwrap().hash
    };
    let height = Height::new(1);
    let first = take(&mut own, 4);
    own.roll_back_slot(height, first).unwrap();
    let second = take(&mut own, 5);
    assert_ne!(first, second);
    let before = std::format!("{own:?}");
    let wrong = Err(SettleError::WrongSlot);
    assert_eq!(own.acknowledge_slot(height, first, NOW), wrong);
    assert_eq!(
        own.roll_back_slot(height, first),
        Err(SettleError::WrongSlot)
    );
    let unknown = own.acknowledge_slot(Height::new(2), second, NOW);
    assert_eq!(unknown, Err(SettleError::UnknownSlot));
    assert!(std::format!("{own:?}") == before);
    own.acknowledge_slot(height, second, NOW).unwrap();
    let again = own.acknowledge_slot(height, second, NOW);
    assert_eq!(again, Err(SettleError::AlreadyAcknowledged));
}

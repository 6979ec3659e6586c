//! What a snapshot does not hold and a journal does not record is refused, and nothing is lost.

use std::vec::Vec;

use super::world::{any_config, config, limits, snapshot};
use crate::config::{Config, ConfigError};
use crate::coordinator::{SealError, TakeError, TransactionCoordinator, WhenEmpty};
use crate::error::Code;
use crate::ordering::SlotRoom;
use crate::pool::{BundleRefusal, ForcedError};
use crate::snapshot::{JournalFault, SnapshotError, replay};
use crate::types::{
    Address, Envelope, Gas, InboxIndex, Nonce, RollupId, Submission, Tick, Transaction, UnixNs,
};

const NOW: Tick = Tick::new(3);
const TIME: UnixNs = UnixNs::new(4);

fn transfer(sender: u8, nonce: u64) -> Submission<'static> {
    let envelope = Envelope {
        rollup: RollupId::new(1),
        sender: Address::new([sender; 20]),
        nonce: Nonce::new(nonce),
        gas: Gas::new(10),
        expiry: UnixNs::NEVER,
        ..Envelope::default()
    };
    let payload = &[5; 20];
    Submission::from(Transaction { envelope, payload })
}

fn coordinator(config: &Config, journal_bytes_max: u32) -> TransactionCoordinator {
    TransactionCoordinator::new(config, &limits(journal_bytes_max)).unwrap()
}

/// Neither a snapshot nor a checkpoint is made, and nothing changes by asking.
fn assert_refused(own: &mut TransactionCoordinator, why: SnapshotError) {
    let before = std::format!("{own:?}");
    let mut bytes = std::vec![7; own.snapshot_len()];
    assert_eq!(own.snapshot(&mut bytes), Err(why));
    assert_eq!(own.checkpoint(&mut bytes), Err(why));
    assert!(bytes.iter().all(|byte| *byte == 7));
    assert!(std::format!("{own:?}") == before);
    assert!(why.code().is_retryable());
}

fn restored(config: &Config, own: &TransactionCoordinator) -> TransactionCoordinator {
    let bytes = snapshot(own);
    let again = TransactionCoordinator::restore(config, &limits(0), &bytes).unwrap();
    assert!(snapshot(&again) == bytes);
    again
}

#[test]
fn an_open_slot_is_in_no_snapshot() {
    let config = config(0);
    let mut own = coordinator(&config, 0);
    own.submit(&transfer(1, 0), NOW, TIME).unwrap();
    let height = own.open_slot(NOW, TIME).unwrap();
    assert_refused(&mut own, SnapshotError::SlotOpen);
    own.add_slice(NOW, SlotRoom::UNLIMITED).unwrap().unwrap();
    assert_refused(&mut own, SnapshotError::SlotOpen);
    // What was given back waits in the snapshot, and what was sealed is in flight in it.
    own.roll_back(height).unwrap();
    let mut again = restored(&config, &own);
    assert_eq!(again.pool().waiting_count(), 1);
    for one in [&mut own, &mut again] {
        one.open_slot(NOW, TIME).unwrap();
        one.add_slice(NOW, SlotRoom::UNLIMITED).unwrap().unwrap();
        assert_eq!(one.seal().unwrap().transaction_count, 1);
    }
    assert_eq!(again.tip(), own.tip());
    let mut again = restored(&config, &own);
    assert_eq!(
        again.slot(height).unwrap().bytes,
        own.slot(height).unwrap().bytes
    );
    again.acknowledge(height, NOW).unwrap();
    assert_eq!(again.poll_event().unwrap().code, Code::Included);
}

#[test]
fn a_fixed_set_is_in_no_snapshot() {
    let config = any_config(3);
    assert!(config.policy.needs_seed());
    let mut own = coordinator(&config, 0);
    let mut lasting = transfer(1, 0);
    lasting.transaction.envelope.expiry = UnixNs::new(50);
    own.submit(&lasting, NOW, TIME).unwrap();
    let set = own.fix_set(NOW, TIME, WhenEmpty::NoSlot).unwrap().unwrap();
    assert_refused(&mut own, SnapshotError::SlotOpen);
    own.seal_with_seed(set.root).unwrap();
    let again = restored(&config, &own);
    assert_eq!(again.tip(), own.tip());
}

/// While forced inputs wait or are in flight there is no snapshot; afterwards there is, and it
/// knows how far the inbox was read.
#[test]
fn forced_inputs_are_in_no_snapshot_and_their_indexes_are() {
    let config = config(0);
    let mut own = coordinator(&config, 0);
    let index = |own| InboxIndex::new(own);
    own.submit_forced(&transfer(1, 0), index(0), TIME, NOW, TIME)
        .unwrap();
    assert_refused(&mut own, SnapshotError::OutsideHeld);
    let slot = own.take(NOW, TIME, WhenEmpty::NoSlot).unwrap().unwrap();
    let height = slot.header.height;
    assert_refused(&mut own, SnapshotError::OutsideHeld);
    own.acknowledge(height, NOW).unwrap();
    let mut again = restored(&config, &own);
    assert_eq!(again.poll_event().unwrap().code, Code::Included);
    let rollup = RollupId::new(1);
    assert_eq!(again.pool().next_inbox_index(rollup), Some(index(1)));
    let early = again.submit_forced(&transfer(1, 1), index(0), TIME, NOW, TIME);
    assert_eq!(early, Err(ForcedError::InboxOutOfOrder));
    again
        .submit_forced(&transfer(1, 1), index(1), TIME, NOW, TIME)
        .unwrap();
    again.verify().unwrap();
}

#[test]
fn bundles_are_in_no_snapshot() {
    let config = config(0);
    let mut own = coordinator(&config, 0);
    let legs = [transfer(1, 0), transfer(2, 0)];
    own.submit_bundle(&legs, UnixNs::NEVER, NOW, TIME).unwrap();
    assert_refused(&mut own, SnapshotError::OutsideHeld);
    let slot = own.take(NOW, TIME, WhenEmpty::NoSlot).unwrap().unwrap();
    assert_eq!(slot.transaction_count, 2);
    let height = slot.header.height;
    assert_refused(&mut own, SnapshotError::OutsideHeld);
    own.acknowledge(height, NOW).unwrap();
    let mut again = restored(&config, &own);
    // Both senders' cursors have moved on.
    let refused = again.submit(&transfer(1, 0), NOW, TIME).unwrap_err();
    assert_eq!(refused, Code::AlreadyEnded);
    let mut other = transfer(2, 0);
    other.transaction.payload = b"other";
    let refused = again.submit(&other, NOW, TIME).unwrap_err();
    assert_eq!(refused, Code::NonceUsed);
}

/// A journal is not replayed onto what the hash of a state does not show.
#[test]
fn a_journal_does_not_start_from_what_no_snapshot_holds() {
    let config = config(0);
    let mut live = coordinator(&config, 4_096);
    let mut journal = std::vec![0; live.journal_len()];
    live.poll_journal(&mut journal);
    let mut own = coordinator(&config, 0);
    own.open_slot(Tick::ZERO, UnixNs::ZERO).unwrap();
    let error = replay(&mut own, &journal).unwrap_err();
    assert_eq!((error.at, error.why), (0, JournalFault::WrongSnapshot));
    own.seal().unwrap();
}

/// With a journal, what it can't record is refused, and leaves no trace.
#[test]
fn a_journal_refuses_what_it_does_not_record() {
    for number in [3, 4] {
        let config = any_config(number);
        let refused = TransactionCoordinator::new(&config, &limits(4_096)).unwrap_err();
        assert_eq!(refused, ConfigError::PolicyNotJournalled);
        assert_eq!(refused.code(), Code::PolicyNotJournalled);
    }
    let config = config(0);
    let mut own = coordinator(&config, 4_096);
    let base = snapshot(&own);
    let mut journal = Vec::new();
    super::world::drain(&mut own, &mut journal);
    let before = std::format!("{own:?}");
    let opened = own.open_slot(NOW, TIME);
    assert_eq!(opened, Err(TakeError::NotJournalled));
    let none = own.seal().map(drop);
    assert_eq!(none, Err(SealError::NoOpenSlot));
    let forced = own.submit_forced(&transfer(1, 0), InboxIndex::ZERO, TIME, NOW, TIME);
    assert_eq!(forced, Err(ForcedError::NotJournalled));
    let bundle = own.submit_bundle(&[transfer(1, 0)], TIME, NOW, TIME);
    assert_eq!(bundle, Err(BundleRefusal::whole(Code::NotJournalled)));
    assert!(std::format!("{own:?}") == before);
    assert!(snapshot(&own) == base);
    super::world::drain(&mut own, &mut journal);
    assert_eq!(journal.len(), crate::journal::HEADER_LEN);
}

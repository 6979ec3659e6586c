//! What keeps a decided slot from being taken over, or lets it be only step by step.

mod common;

use common::outside::{envelope, limits};
use common::{config, take_any};
use hauptbuch_core::config::{Config, Policy};
use hauptbuch_core::coordinator::{AdoptError, TransactionCoordinator, WhenEmpty};
use hauptbuch_core::error::Code;
use hauptbuch_core::limits::Limits;
use hauptbuch_core::types::{Nonce, Submission, Tick, Transaction, UnixNs};

struct Member {
    own: TransactionCoordinator,
}

impl Member {
    fn new(config: &Config, limits: &Limits) -> Self {
        let own = TransactionCoordinator::new(config, limits).unwrap();
        Self { own }
    }

    fn snapshot(&self) -> Vec<u8> {
        let mut bytes = vec![0; self.own.snapshot_len()];
        self.own.snapshot(&mut bytes).unwrap();
        bytes
    }
}

/// A slot that ends more here than events can ever wait is taken over in steps, with the same ends.
#[test]
fn a_slot_that_supersedes_more_than_events_can_hold_is_taken_over_in_steps() {
    let config = config(Policy::Fcfs);
    let limits = Limits {
        journal_bytes_max: 1 << 16,
        ..limits()
    };
    let limits = Limits {
        event_count_max: 16,
        pending_count_max: 40,
        pending_bytes_max: 40 * 128,
        nonce_gap_max: 40,
        ..limits
    };
    let (now, time) = (Tick::new(1), UnixNs::new(1_000));
    let mut members = [(); 2].map(|()| Member::new(&config, &limits));
    let base = members[1].snapshot();
    let send = |member: &mut Member, nonce: u64, account: u64| {
        let submission = Submission {
            account_nonce: Some(Nonce::new(account)),
            ..Submission::from(Transaction {
                envelope: envelope(0, 1, nonce),
                payload: b"",
            })
        };
        member.own.submit(&submission, now, time).unwrap();
    };
    (0..40).for_each(|nonce| send(&mut members[1], nonce, 0));
    // The other host says that all of those are used.
    (38..40).for_each(|nonce| send(&mut members[0], nonce, 38));
    let slot = take_any(&mut members[0].own, now, time, WhenEmpty::NoSlot);
    let slot = slot.unwrap().unwrap().bytes.to_vec();
    let mut codes = Vec::new();
    for turn in 0.. {
        let adopted = members[1].own.adopt(&slot, now);
        members[1].own.verify().unwrap();
        codes.extend(core::iter::from_fn(|| members[1].own.poll_event()).map(|own| own.code));
        match adopted {
            Ok(adopted) => {
                assert_eq!(
                    (turn, adopted.included_count, adopted.ended_count),
                    (2, 2, 8)
                );
                break;
            }
            Err(error) => assert_eq!(error, AdoptError::EventsFull),
        }
    }
    let mut expected = vec![Code::Superseded; 38];
    expected.extend([Code::Included; 2]);
    assert_eq!(codes, expected);
    // The journal leads to the same state through the same steps.
    let mut journal = vec![0; members[1].own.journal_len() + 200];
    let len = members[1].own.poll_journal(&mut journal);
    let mut again = TransactionCoordinator::restore(&config, &limits, &base).unwrap();
    hauptbuch_core::snapshot::replay(&mut again, &journal[..len]).unwrap();
    let mut bytes = vec![0; again.snapshot_len()];
    again.snapshot(&mut bytes).unwrap();
    assert!(bytes == members[1].snapshot());
}

/// What keeps a slot from being taken over is told apart, and changes nothing.
#[test]
fn every_refusal_says_what_is_wrong() {
    let config = config(Policy::Fcfs);
    let (now, time) = (Tick::new(5), UnixNs::new(1_000));
    let limits = limits();
    let mut members = [(); 2].map(|()| Member::new(&config, &limits));
    let mut slots = Vec::new();
    for _ in 0..3 {
        let own = &mut members[0].own;
        let slot = take_any(own, now, time, WhenEmpty::EmptySlot);
        let slot = slot.unwrap().unwrap();
        let height = slot.header.height;
        slots.push(slot.bytes.to_vec());
        own.acknowledge(height, now).unwrap();
    }
    let refuse = |own: &mut TransactionCoordinator, slot: &[u8], now: Tick, expected: Code| {
        let mut before = vec![0; own.snapshot_len()];
        own.snapshot(&mut before).unwrap();
        assert_eq!(
            own.adopt(slot, now).map_err(AdoptError::code),
            Err(expected)
        );
        let mut after = vec![0; own.snapshot_len()];
        own.snapshot(&mut after).unwrap();
        assert!(before == after, "{expected:?} changes something");
    };
    let expected = members[0].own.tip().clone();
    let own = &mut members[1].own;
    refuse(own, &slots[1], now, Code::WrongHeight);
    refuse(own, b"", now, Code::Truncated);
    refuse(
        own,
        &[&slots[0][..], b"x"].concat(),
        now,
        Code::TrailingBytes,
    );
    own.adopt(&slots[0], now).unwrap();
    refuse(own, &slots[0], now, Code::AlreadyAdopted);
    refuse(own, &slots[1], Tick::new(4), Code::TimeWentBack);
    own.adopt(&slots[1], now).unwrap();
    refuse(own, &slots[0], now, Code::SlotBehind);
    // Of a fork: at the height of the tip, and behind it.
    let mut fork = Member::new(&config, &limits);
    for _ in 0..3 {
        let later = UnixNs::new(2_000);
        let slot = take_any(&mut fork.own, now, later, WhenEmpty::EmptySlot);
        let (height, bytes) = slot
            .unwrap()
            .map(|slot| (slot.header.height, slot.bytes.to_vec()))
            .unwrap();
        let code = match height.get() {
            3 => Code::WrongParent,
            _ => Code::SlotBehind,
        };
        refuse(own, &bytes, now, code);
        fork.own.acknowledge(height, now).unwrap();
    }
    take_any(own, now, time, WhenEmpty::EmptySlot)
        .unwrap()
        .unwrap();
    refuse(own, &slots[2], now, Code::SlotsNotSettled);
    // Also with a slot in flight it is told what has been settled.
    refuse(own, &slots[1], now, Code::AlreadyAdopted);
    own.roll_back(own.acknowledged_height().next()).unwrap();
    own.open_slot(now, time).unwrap();
    refuse(own, &slots[2], now, Code::SlotsNotSettled);
    own.roll_back(own.acknowledged_height().next()).unwrap();
    own.adopt(&slots[2], now).unwrap();
    assert_eq!(*own.tip(), expected);
}

/// A journal that can never hold a slot is told apart from one that has to be drained.
#[test]
fn a_journal_holds_whole_slots_or_says_that_it_is_too_small() {
    let config = config(Policy::Fcfs);
    let (now, time) = (Tick::new(1), UnixNs::new(1_000));
    let mut proposer = Member::new(&config, &limits());
    for sender in 0..4 {
        let submission = Submission::from(Transaction {
            envelope: envelope(0, sender, 0),
            payload: &[3; 40],
        });
        proposer.own.submit(&submission, now, time).unwrap();
    }
    let slot = take_any(&mut proposer.own, now, time, WhenEmpty::NoSlot);
    let slot = slot.unwrap().unwrap().bytes.to_vec();
    let with_journal = |bytes: u64| Limits {
        journal_bytes_max: bytes as u32,
        ..limits()
    };
    let small = with_journal(limits().journal_bytes_min());
    let mut own = TransactionCoordinator::new(&config, &small).unwrap();
    own.poll_journal(&mut [0; 1_000]);
    assert_eq!(own.adopt(&slot, now), Err(AdoptError::JournalTooSmall));
    let enough = with_journal(limits().journal_bytes_min_to_adopt());
    assert!(enough.journal_bytes_max > small.journal_bytes_max);
    let mut own = TransactionCoordinator::new(&config, &enough).unwrap();
    own.adopt(&slot, now).unwrap();
    assert_eq!(own.tip(), proposer.own.tip());
    let submission = Submission::from(Transaction {
        envelope: envelope(0, 9, 0),
        payload: &[3; 200],
    });
    while own.submit(&submission, now, time) != Err(Code::JournalFull) {}
    let slot = take_any(&mut proposer.own, now, time, WhenEmpty::EmptySlot);
    let slot = slot.unwrap().unwrap().bytes.to_vec();
    assert_eq!(own.adopt(&slot, now), Err(AdoptError::JournalFull));
    own.poll_journal(&mut vec![0; own.journal_len()]);
    own.adopt(&slot, now).unwrap();
}

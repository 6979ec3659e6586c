//! Forced inputs and bundles on their whole way: what is promised of them, and every refusal.

mod common;

use common::outside::{coordinator, envelope, known, limits};
use common::{ROLLUPS, config};
use hauptbuch_core::batch::{ForcedAudit, SlotReader, SlotVerifier};
use hauptbuch_core::config::{Config, ConfigError, Policy, ReplayProtection, SegmentShares};
use hauptbuch_core::coordinator::{TransactionCoordinator, WhenEmpty};
use hauptbuch_core::error::{Code, Fault};
use hauptbuch_core::limits::Limits;
use hauptbuch_core::ordering::SlotRoom;
use hauptbuch_core::pool::{CancelError, Cancelled, ForcedError, bundle_id};
use hauptbuch_core::types::{
    Envelope, Fee, ForcedOutcome, Gas, Height, InboxEntry, InboxIndex, RollupId, Tick, TxId, UnixNs,
};

const TIME: UnixNs = UnixNs::new(1_000);
const NOW: Tick = Tick::new(1);
const LATE: UnixNs = UnixNs::new(9_000);

fn pool(own: &mut TransactionCoordinator, envelope: Envelope) -> TxId {
    own.submit(&known(envelope, b""), NOW, TIME).unwrap()
}

fn force(own: &mut TransactionCoordinator, envelope: Envelope, index: u64) -> TxId {
    own.submit_forced(
        &known(envelope, b"f"),
        InboxIndex::new(index),
        LATE,
        NOW,
        TIME,
    )
    .unwrap()
}

fn ends(own: &mut TransactionCoordinator) -> Vec<(Code, TxId)> {
    own.verify().unwrap();
    std::iter::from_fn(|| own.poll_event())
        .map(|event| (event.code, event.id))
        .collect()
}

fn take(own: &mut TransactionCoordinator) -> Option<(Height, Vec<u8>)> {
    let slot = own.take(NOW, TIME, WhenEmpty::NoSlot).unwrap();
    let taken = slot.map(|slot| (slot.header.height, slot.bytes.to_vec()));
    own.verify().unwrap();
    taken
}

/// Ids and outcomes of the first rollup's forced inputs, then the ids of all its transactions.
fn first_rollup(bytes: &[u8]) -> (Vec<ForcedOutcome>, [u32; 3], Vec<(u8, u64)>) {
    let mut reader = SlotReader::new(bytes, &limits()).unwrap();
    let sub_batch = reader.next_sub_batch().unwrap().unwrap();
    let outcomes = sub_batch.evidence.forced().map(|row| row.outcome).collect();
    let counts = sub_batch.header.counts;
    let all = sub_batch.all().map(|(_, own)| own.envelope);
    (
        outcomes,
        [counts.forced, counts.pool, counts.bundles],
        all.map(|own| (own.sender.as_bytes()[0], own.nonce.get()))
            .collect(),
    )
}

#[test]
fn forced_inputs_stand_first_and_shadow_what_has_their_nonce() {
    let mut own = coordinator();
    let shadowed = pool(&mut own, envelope(0, 1, 0));
    let behind = pool(&mut own, envelope(0, 1, 1));
    let forced = force(
        &mut own,
        Envelope {
            fee: Fee::ZERO,
            ..envelope(0, 1, 0)
        },
        0,
    );
    let (height, bytes) = take(&mut own).unwrap();
    let stands = (
        vec![ForcedOutcome::Applied],
        [1, 1, 0],
        vec![(1, 0), (1, 1)],
    );
    assert_eq!(first_rollup(&bytes), stands);
    // Nothing has ended yet, and giving back undoes all of it.
    assert_eq!(ends(&mut own), []);
    own.roll_back(height).unwrap();
    own.verify().unwrap();
    assert_eq!(
        (own.pool().ready_count(), own.pool().forced_waiting_count()),
        (1, 1)
    );
    assert_eq!(take(&mut own).unwrap().1, bytes);
    let occupied = own.submit(
        &known(
            Envelope {
                fee: Fee::new(90),
                ..envelope(0, 1, 0)
            },
            b"",
        ),
        NOW,
        TIME,
    );
    assert_eq!(occupied, Err(Code::NonceOccupied));
    own.acknowledge(height, NOW).unwrap();
    let expected = [
        (Code::Superseded, shadowed),
        (Code::Included, forced),
        (Code::Included, behind),
    ];
    assert_eq!(ends(&mut own), expected);
    assert!(own.pool().is_empty());
}

#[test]
fn what_a_forced_input_cannot_do_is_a_no_op_in_place() {
    let mut own = coordinator();
    let soon = UnixNs::new(1_500);
    let ids = [
        force(&mut own, envelope(0, 1, 0), 0),
        force(
            &mut own,
            Envelope {
                fee: Fee::new(6),
                ..envelope(0, 1, 0)
            },
            1,
        ),
        force(&mut own, envelope(0, 1, 5), 2),
    ];
    let (height, bytes) = take(&mut own).unwrap();
    let (outcomes, ..) = first_rollup(&bytes);
    use ForcedOutcome::{Applied, Expired, Gap, Superseded};
    assert_eq!(outcomes, [Applied, Superseded, Gap]);
    own.acknowledge(height, NOW).unwrap();
    let codes = [Code::Included, Code::Superseded, Code::Evicted];
    let expected: Vec<_> = codes.into_iter().zip(ids).collect();
    assert_eq!(ends(&mut own), expected);
    let late = force(
        &mut own,
        Envelope {
            expiry: soon,
            ..envelope(0, 1, 1)
        },
        3,
    );
    let slot = own.take(NOW, soon, WhenEmpty::NoSlot).unwrap().unwrap();
    let (height, bytes) = (slot.header.height, slot.bytes.to_vec());
    assert_eq!(first_rollup(&bytes).0, [Expired]);
    own.acknowledge(height, NOW).unwrap();
    assert_eq!(ends(&mut own), [(Code::Expired, late)]);
    // The nonce of an expired one is still free.
    pool(&mut own, envelope(0, 1, 1));
    assert_eq!(first_rollup(&take(&mut own).unwrap().1).1, [0, 1, 0]);
}

#[test]
fn what_no_slot_can_hold_ends_at_once_and_uses_its_index_up() {
    let mut own = coordinator();
    // Half of the gas is the pool segment's.
    let id = force(
        &mut own,
        Envelope {
            gas: Gas::new(51),
            ..envelope(0, 1, 0)
        },
        0,
    );
    let long = vec![0; 201];
    let submission = known(envelope(0, 1, 0), &long);
    let longer = own
        .submit_forced(&submission, InboxIndex::new(1), LATE, NOW, TIME)
        .unwrap();
    assert_eq!(
        ends(&mut own),
        [(Code::Evicted, id), (Code::Evicted, longer)]
    );
    assert_eq!(
        own.pool().next_inbox_index(ROLLUPS[0]),
        Some(InboxIndex::new(2))
    );
    assert_eq!(take(&mut own), None);
}

#[test]
fn every_refusal_of_a_forced_input_has_its_code() {
    let mut own = coordinator();
    let refusal = |own: &mut TransactionCoordinator, envelope, payload: &[u8], index, now| {
        let index = InboxIndex::new(index);
        let result = own.submit_forced(&known(envelope, payload), index, LATE, now, TIME);
        own.verify().unwrap();
        result.unwrap_err()
    };
    let foreign = Envelope {
        rollup: RollupId::new(9),
        ..envelope(0, 1, 0)
    };
    assert_eq!(
        refusal(&mut own, foreign, b"", 0, NOW),
        ForcedError::UnknownRollup
    );
    let wrong = refusal(&mut own, envelope(0, 1, 0), b"", 1, NOW);
    assert_eq!(
        (wrong, wrong.code().fault()),
        (ForcedError::InboxOutOfOrder, Fault::Caller)
    );
    // A rollup has half of the bytes, whatever the other one needs.
    let payload = [7; 200];
    for index in 0..2 {
        let submission = known(envelope(0, 1, index), &payload);
        own.submit_forced(&submission, InboxIndex::new(index), LATE, NOW, TIME)
            .unwrap();
    }
    let full = refusal(&mut own, envelope(0, 1, 2), &payload, 2, NOW);
    assert_eq!(
        (full, full.code().is_retryable()),
        (ForcedError::ForcedBytesFull, true)
    );
    force(&mut own, envelope(1, 1, 0), 0);
    own.submit_forced(
        &known(envelope(0, 1, 2), b""),
        InboxIndex::new(2),
        LATE,
        NOW,
        TIME,
    )
    .unwrap();
    let full = refusal(&mut own, envelope(0, 1, 3), b"", 3, NOW);
    assert_eq!(
        (full, full.code().fault()),
        (ForcedError::ForcedQueueFull, Fault::Operator)
    );
    let back = refusal(&mut own, envelope(0, 1, 3), b"", 3, Tick::ZERO);
    assert_eq!(back, ForcedError::TimeWentBack);
}

#[test]
fn a_full_pool_and_a_full_table_of_senders_keep_no_forced_input_out() {
    let mut own = coordinator();
    for sender in 0..8 {
        pool(&mut own, envelope(0, sender, 0));
    }
    let stranger = known(envelope(0, 99, 0), b"");
    assert_eq!(own.submit(&stranger, NOW, TIME), Err(Code::SenderTableFull));
    for index in 0..3 {
        force(&mut own, envelope(0, 100 + index as u8, 0), index);
    }
    let (_, counts, _) = first_rollup(&take(&mut own).unwrap().1);
    // Six of 98 and 99 bytes are all that 600 hold.
    assert_eq!(counts, [3, 3, 0]);
}

#[test]
fn a_forced_input_is_not_cancelled_and_a_leg_takes_its_bundle_with_it() {
    let mut own = coordinator();
    let forced = force(&mut own, envelope(0, 1, 0), 0);
    assert_eq!(own.cancel(forced), Err(CancelError::NotCancellable));
    assert_eq!(CancelError::NotCancellable.code().fault(), Fault::Caller);
    let again = own.submit(&known(envelope(0, 1, 0), b"f"), NOW, TIME);
    assert_eq!(again, Err(Code::Duplicate));
    let legs = [known(envelope(0, 2, 0), b""), known(envelope(1, 3, 0), b"")];
    own.submit_bundle(&legs, LATE, NOW, TIME).unwrap();
    let (height, _) = take(&mut own).unwrap();
    let mut probe = coordinator();
    let ids = legs.map(|leg| probe.submit(&leg, NOW, TIME).unwrap());
    assert_eq!(own.cancel(ids[1]), Err(CancelError::TakenAlready));
    own.roll_back(height).unwrap();
    assert_eq!(own.cancel(ids[1]), Ok(Cancelled::Now(ids[1])));
    assert_eq!(ends(&mut own), ids.map(|id| (Code::Cancelled, id)));
}

#[test]
fn a_bundle_goes_whole_behind_the_pool_segment_or_waits() {
    let mut own = coordinator();
    let mut verifier = SlotVerifier::new(&config(Policy::Fcfs), &limits());
    let legs = [
        known(envelope(0, 1, 1), b"a"),
        known(envelope(1, 2, 0), b"b"),
        known(envelope(0, 3, 0), b""),
    ];
    let id = own.submit_bundle(&legs, LATE, NOW, TIME).unwrap();
    assert_eq!(take(&mut own), None, "the first leg waits for a nonce");
    let first = pool(&mut own, envelope(0, 1, 0));
    let (height, bytes) = take(&mut own).unwrap();
    let (_, counts, order) = first_rollup(&bytes);
    assert_eq!((counts, order), ([0, 1, 2], vec![(1, 0), (1, 1), (3, 0)]));
    assert_eq!(verifier.verify(&bytes).unwrap().transaction_count, 4);
    own.roll_back(height).unwrap();
    assert_eq!(take(&mut own).unwrap().1, bytes);
    own.acknowledge(height, NOW).unwrap();
    let ended = ends(&mut own);
    assert_eq!(ended[0], (Code::Included, first));
    assert!(ended.iter().all(|(code, _)| *code == Code::Included));
    let ids = ended[1..].iter().map(|(_, id)| *id);
    assert_eq!(bundle_id(ids), Some(id));
    assert_eq!(own.pool().bundle_count(), 0);
}

#[test]
fn a_bundle_ends_as_a_unit() {
    let mut own = coordinator();
    let soon = UnixNs::new(1_200);
    let legs = [
        known(envelope(0, 1, 0), b"a"),
        known(envelope(1, 2, 3), b"b"),
    ];
    own.submit_bundle(&legs, soon, NOW, TIME).unwrap();
    assert_eq!(take(&mut own), None);
    assert_eq!(own.take(NOW, soon, WhenEmpty::NoSlot), Ok(None));
    let codes =
        |own: &mut TransactionCoordinator| ends(own).iter().map(|own| own.0).collect::<Vec<_>>();
    assert_eq!(codes(&mut own), [Code::Expired, Code::Expired]);
    // A used nonce ends the whole.
    let legs = [
        known(envelope(0, 1, 0), b"a"),
        known(envelope(1, 2, 0), b"b"),
    ];
    own.submit_bundle(&legs, LATE, NOW, soon).unwrap();
    own.submit(&known(envelope(0, 1, 0), b"other"), NOW, soon)
        .unwrap();
    let slot = own.take(NOW, soon, WhenEmpty::NoSlot).unwrap().unwrap();
    let height = slot.header.height;
    own.acknowledge(height, NOW).unwrap();
    assert_eq!(own.take(NOW, soon, WhenEmpty::NoSlot), Ok(None));
    assert_eq!(
        codes(&mut own),
        [Code::Included, Code::Superseded, Code::Evicted]
    );
    // What can't become ready ends with the run.
    own.submit_bundle(&[known(envelope(1, 5, 2), b"")], LATE, NOW, soon)
        .unwrap();
    assert!(own.expire_unready().is_finished);
    assert_eq!(codes(&mut own), [Code::Expired]);
}

#[test]
fn shares_are_kept_and_checked() {
    let with = |pool_percent, others_percent| Config {
        shares: SegmentShares {
            pool_percent,
            others_percent,
        },
        ..config(Policy::Fcfs)
    };
    let refusal =
        |config: &Config, limits: &Limits| TransactionCoordinator::new(config, limits).map(drop);
    assert_eq!(
        refusal(&with(60, 41), &limits()),
        Err(ConfigError::LimitOutOfRange)
    );
    assert_eq!(
        refusal(&with(0, 100), &limits()),
        Err(ConfigError::LimitsContradict)
    );
    let few = Limits {
        forced_count_max: 1,
        ..limits()
    };
    assert_eq!(
        refusal(&with(50, 0), &few),
        Err(ConfigError::LimitsContradict)
    );
    // The pool segment leaves its half of the gas to a bundle that comes last.
    let mut own = TransactionCoordinator::new(&with(50, 50), &limits()).unwrap();
    for sender in 0..6 {
        let gas = Gas::new(16);
        pool(
            &mut own,
            Envelope {
                gas,
                ..envelope(0, sender, 0)
            },
        );
    }
    let bundle = known(
        Envelope {
            gas: Gas::new(50),
            ..envelope(0, 5, 1)
        },
        b"",
    );
    own.submit_bundle(&[bundle], LATE, NOW, TIME).unwrap();
    let (_, counts, _) = first_rollup(&take(&mut own).unwrap().1);
    assert_eq!(counts, [0, 3, 0], "its line is not that far");
    let (_, counts, _) = first_rollup(&take(&mut own).unwrap().1);
    assert_eq!(counts, [0, 3, 1]);
}

#[test]
fn slices_stand_between_forced_inputs_and_bundles() {
    let mut own = coordinator();
    let mut verifier = SlotVerifier::new(&config(Policy::Fcfs), &limits());
    force(&mut own, envelope(0, 1, 0), 0);
    own.submit_bundle(&[known(envelope(0, 2, 1), b"")], LATE, NOW, TIME)
        .unwrap();
    own.open_slot(NOW, TIME).unwrap();
    pool(&mut own, envelope(0, 1, 1));
    let slice = own.add_slice(NOW, SlotRoom::UNLIMITED).unwrap().unwrap();
    assert_eq!(slice.receipts[0].first_position, 1);
    pool(&mut own, envelope(0, 2, 0));
    let second = own.add_slice(NOW, SlotRoom::UNLIMITED).unwrap().unwrap();
    let (height, receipt) = (second.height, second.receipts[0]);
    own.verify().unwrap();
    let bytes = own.seal().unwrap().bytes.to_vec();
    assert_eq!(first_rollup(&bytes).1, [1, 2, 1]);
    assert_eq!((receipt.slice, receipt.first_position), (1, 2));
    verifier.verify(&bytes).unwrap();
    own.roll_back(height).unwrap();
    own.verify().unwrap();
    own.open_slot(NOW, TIME).unwrap();
    own.roll_back(height).unwrap();
    own.verify().unwrap();
    assert_eq!(
        (own.pool().forced_waiting_count(), own.pool().ready_count()),
        (1, 1)
    );
}

#[test]
fn an_audit_sees_what_was_left_out_swapped_or_made_up() {
    let (config, limits) = (config(Policy::Fcfs), limits());
    let mut own = coordinator();
    let mut inbox = Vec::new();
    let mut enter = |own: &mut TransactionCoordinator, envelope: Envelope, index, deadline| {
        let deadline = UnixNs::new(deadline);
        let index = InboxIndex::new(index);
        let id = own
            .submit_forced(&known(envelope, b""), index, deadline, NOW, TIME)
            .unwrap();
        inbox.push(InboxEntry {
            rollup: envelope.rollup,
            index,
            id,
            deadline,
            encoded_len: 98,
            gas: envelope.gas,
        });
    };
    enter(&mut own, envelope(0, 1, 0), 0, 999);
    enter(
        &mut own,
        Envelope {
            gas: Gas::new(99),
            ..envelope(0, 1, 0)
        },
        1,
        0,
    );
    enter(
        &mut own,
        Envelope {
            gas: Gas::new(45),
            ..envelope(0, 1, 1)
        },
        2,
        999,
    );
    enter(&mut own, envelope(1, 1, 0), 0, 5_000);
    let first = take(&mut own).unwrap().1;
    let second = take(&mut own).unwrap().1;
    let audit = || ForcedAudit::new(&config, &limits);
    // The third fits no more into the first slot, and the second is more than a slot can hold.
    let mut honest = audit();
    honest.audit(&first, inbox.as_slice()).unwrap();
    honest.audit(&second, inbox.as_slice()).unwrap();
    assert_eq!(honest.next_index(ROLLUPS[0]), Some(InboxIndex::new(3)));
    let code = |audit: &mut ForcedAudit, slot: &[u8], inbox: &[InboxEntry]| {
        let before = format!("{audit:?}");
        let code = audit.audit(slot, inbox).unwrap_err().code;
        assert_eq!(format!("{audit:?}"), before, "{code:?} moved the audit");
        code
    };
    let mut empty = coordinator();
    let slot = empty
        .take(NOW, TIME, WhenEmpty::EmptySlot)
        .unwrap()
        .unwrap();
    assert_eq!(code(&mut audit(), slot.bytes, &inbox), Code::ForcedLeftOut);
    let mut patient = inbox.clone();
    patient.iter_mut().for_each(|own| own.deadline = TIME);
    audit().audit(slot.bytes, patient.as_slice()).unwrap();
    assert_eq!(code(&mut audit(), &second, &inbox), Code::WrongForced);
    assert_eq!(code(&mut audit(), &first, &[]), Code::InboxIncomplete);
    let mut swapped = inbox.clone();
    swapped[0].id = swapped[2].id;
    assert_eq!(code(&mut audit(), &first, &swapped), Code::WrongForced);
}

#[test]
fn a_bundle_that_expires_beyond_the_open_slots_horizon_waits_for_the_next() {
    let config = Config {
        replay_protection: ReplayProtection::ByExpiry { horizon_ns: 50 },
        ..config(Policy::Fcfs)
    };
    let mut own = TransactionCoordinator::new(&config, &limits()).unwrap();
    let mut verifier = SlotVerifier::new(&config, &limits());
    own.open_slot(NOW, TIME).unwrap();
    let later = UnixNs::new(TIME.get() + 30);
    let far = Envelope {
        expiry: UnixNs::new(TIME.get() + 51),
        ..envelope(0, 1, 0)
    };
    own.submit_bundle(&[known(far, b"")], LATE, NOW, later)
        .unwrap();
    let bytes = own.seal().unwrap().bytes.to_vec();
    assert_eq!(first_rollup(&bytes).1, [0, 0, 0]);
    verifier.verify(&bytes).unwrap();
    let slot = own.take(NOW, later, WhenEmpty::NoSlot).unwrap().unwrap();
    assert_eq!(first_rollup(slot.bytes).1, [0, 0, 1]);
    verifier.verify(slot.bytes).unwrap();
}

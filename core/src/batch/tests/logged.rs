//! What a slot records of a cut: written a second time, byte by byte.

use std::vec;
use std::vec::Vec;

use crate::batch::{SlotContext, SlotReader, SlotVerifier};
use crate::config::{Config, FairCommittee, Policy};
use crate::coordinator::TransactionCoordinator;
use crate::error::Code;
use crate::limits::Limits;
use crate::ordering::fair::stream::{DrainOutcome, Drained, LoggedId};
use crate::receive_log::Cut;
use crate::types::{
    Address, Envelope, Gas, Hash, LogPosition, Nonce, RollupId, Submission, Tick, Transaction,
    TxId, UnixNs,
};

use super::plain::{digest, encode_committee};

const ROLLUPS: [RollupId; 2] = [RollupId::new(3), RollupId::new(8)];

fn config() -> Config {
    let config = Config {
        policy: Policy::Fair(FairCommittee::FIVE),
        ..Config::default()
    };
    config.with_rollups(&ROLLUPS).unwrap()
}

fn limits() -> Limits {
    Limits {
        pending_count_max: 1 << 14,
        slot_count_max: 500,
        ..Limits::default()
    }
}

fn cut() -> Cut {
    let mut cut = Cut::new(5);
    for (number, point) in (1..).zip(cut.points_mut()) {
        point.position = LogPosition::new(number);
        point.running = Hash::new([number as u8; 32]);
    }
    cut
}

/// The same cut as bytes.
fn plain_cut() -> Vec<u8> {
    let mut out = vec![1, 5, 0];
    for number in 1_u8..=5 {
        out.extend(u64::from(number).to_le_bytes());
        out.extend([number; 32]);
    }
    out
}

fn plain_no_op(position: u32, id: &LoggedId, why: u8) -> Vec<u8> {
    let mut out = position.to_le_bytes().to_vec();
    out.extend(id.body_bytes.to_le_bytes());
    out.extend(id.id.as_bytes());
    out.push(why);
    out
}

/// Says that the next slot leads to some state.
fn carry(own: &mut TransactionCoordinator) {
    let context = SlotContext {
        state_root: Hash::new([5; 32]),
        ..SlotContext::NONE
    };
    own.set_slot_context(&context).unwrap();
}

fn sent(own: &mut TransactionCoordinator, sender: u8, rollup: RollupId) -> LoggedId {
    let envelope = Envelope {
        rollup,
        sender: Address::new([sender; 20]),
        nonce: Nonce::ZERO,
        gas: Gas::new(1),
        expiry: UnixNs::new(1_000),
        ..Envelope::default()
    };
    let payload = &[sender][..];
    let transaction = Transaction { envelope, payload };
    let submission = Submission::from(transaction);
    let id = own.submit(&submission, Tick::ZERO, UnixNs::ZERO).unwrap();
    LoggedId {
        rollup,
        id,
        body_bytes: 99,
    }
}

#[test]
fn the_evidence_of_a_cut_is_what_the_formats_say() {
    let mut own = TransactionCoordinator::new(&config(), &limits()).unwrap();
    let [first, second] = ROLLUPS;
    let ids: Vec<LoggedId> = (1..=4)
        .map(|sender| sent(&mut own, sender, first))
        .collect();
    let other = sent(&mut own, 9, second);
    let ghost = LoggedId {
        rollup: second,
        id: TxId::new([7; 32]),
        body_bytes: 123,
    };
    let drained = [
        (ids[1], DrainOutcome::Gap),
        (ids[0], DrainOutcome::Included),
        (ids[3], DrainOutcome::Included),
        (ids[2], DrainOutcome::Superseded),
        (other, DrainOutcome::Included),
        (ghost, DrainOutcome::Duplicate),
    ];
    let drained = drained.map(|(id, outcome)| Drained { id, outcome });
    let (now, time) = (Tick::new(1), UnixNs::new(77));
    carry(&mut own);
    let slot = own.take_drained(now, time, &cut(), &drained).unwrap();
    assert_eq!(slot.header.time, time);
    let expected = [
        [
            &2_u32.to_le_bytes()[..],
            &plain_cut(),
            &2_u32.to_le_bytes(),
            &plain_no_op(0, &ids[1], 4),
            &plain_no_op(2, &ids[2], 2),
        ]
        .concat(),
        [
            &1_u32.to_le_bytes()[..],
            &1_u32.to_le_bytes(),
            &plain_no_op(1, &ghost, 3),
        ]
        .concat(),
    ];
    let limits = limits();
    let mut reader = SlotReader::new(slot.bytes, &limits).unwrap();
    let order = [vec![ids[0], ids[3]], vec![other]];
    for (expected, order) in expected.iter().zip(order) {
        let own = reader.next_sub_batch().unwrap().unwrap();
        assert_eq!(own.evidence.bytes, expected);
        let root = digest(b"hb/ev/2", &[expected]);
        assert_eq!(*own.header.evidence_root.as_bytes(), root);
        assert_eq!(own.header.policy.byte(), 6);
        let committee = encode_committee([5, 1, 5, 0, 0]);
        assert_eq!(own.header.policy.parameter(), committee);
        let ids = own.iter().map(|(bytes, ..)| digest(b"hb/tx/1", &[bytes]));
        assert!(ids.eq(order.iter().map(|id| *id.id.as_bytes())));
    }
    assert!(reader.next_sub_batch().unwrap().is_none());
    SlotVerifier::new(&config(), &limits)
        .verify(slot.bytes)
        .unwrap();
}

#[test]
fn without_a_state_root_no_log_gives_the_order() {
    let mut own = TransactionCoordinator::new(&config(), &limits()).unwrap();
    let (now, time) = (Tick::new(1), UnixNs::new(77));
    let refused = own.take_drained(now, time, &cut(), &[]).unwrap_err();
    assert_eq!(refused.code, Code::StateRootMissing);
    carry(&mut own);
    let slot = own.take_drained(now, time, &cut(), &[]).unwrap();
    let mut bytes = slot.bytes.to_vec();
    let mut verifier = SlotVerifier::new(&config(), &limits());
    verifier.check(&bytes).unwrap();
    bytes[225..257].fill(0);
    let refused = verifier.check(&bytes).unwrap_err();
    assert_eq!(refused.code, Code::WrongStateRoot);
}

#[test]
fn damaged_no_ops_are_told_apart() {
    let mut own = TransactionCoordinator::new(&config(), &limits()).unwrap();
    let ids: Vec<LoggedId> = (1..=2)
        .map(|sender| sent(&mut own, sender, ROLLUPS[0]))
        .collect();
    let drained = [(ids[0], DrainOutcome::Gap), (ids[1], DrainOutcome::Expired)];
    let drained = drained.map(|(id, outcome)| Drained { id, outcome });
    carry(&mut own);
    let slot = own.take_drained(Tick::new(1), UnixNs::new(77), &cut(), &drained);
    let bytes = slot.unwrap().bytes.to_vec();
    let start = 257 + 246;
    // Slice end, cut and count stand before the first row.
    let row = start + 4 + plain_cut().len() + 4;
    let refused = |at: usize, value: u8| {
        let mut damaged = bytes.clone();
        damaged[at] = value;
        // The evidence root is made right again, and with it the roots above it.
        let end = row + 2 * 41;
        let root = digest(b"hb/ev/2", &[&damaged[start..end]]);
        damaged[257 + 86..257 + 118].copy_from_slice(&root);
        let verified = SlotVerifier::new(&config(), &limits()).verify(&damaged);
        verified.unwrap_err().code
    };
    assert_eq!(refused(row, 1), Code::NoOpOutOfOrder);
    assert_eq!(refused(row + 41, 1), Code::NoOpOutOfOrder);
    assert_eq!(refused(row + 40, 0), Code::UnknownOutcome);
    assert_eq!(refused(row + 40, 7), Code::UnknownOutcome);
    assert_eq!(refused(row - 4 + 3, 1), Code::LengthOverLimit);
    assert_eq!(refused(start + 4, 9), Code::UnsupportedVersion);
    assert_eq!(refused(row + 8, !bytes[row + 8]), Code::WrongRoot);
}

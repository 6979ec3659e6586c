//! Promises of places in a receive log.

use super::*;
use crate::config::{FairCommittee, Policy};
use crate::receive_log::{
    Entry, LogId, LogSigner, OwnLog, OwnRecord, Point, ReceiveLogLimits, STATEMENT_LEN,
};
use crate::types::{Epoch, LogPosition};

const LIMITS: ReceiveLogLimits = ReceiveLogLimits {
    log_count_max: 5,
    extent_entries_max: 16,
    signature_bytes_max: 3_309,
};
const CHAIN_ID: u64 = 7;
const EPOCH: Epoch = Epoch::new(2);

struct Signer;

impl LogSigner for Signer {
    fn suite(&self) -> u8 {
        SUITE.number()
    }

    fn sign(&mut self, statement: &[u8; STATEMENT_LEN], out: &mut [u8]) -> Option<usize> {
        let signature = key(4).sign(statement, &Randomness::ZERO).ok()?;
        out.get_mut(..signature.as_bytes().len())?
            .copy_from_slice(signature.as_bytes());
        Some(signature.as_bytes().len())
    }
}

fn entry(number: u8) -> Entry {
    Entry::Id {
        rollup: RollupId::new(2),
        id: TxId::new([number; 32]),
        sealed: false,
        body_bytes: 100,
    }
}

/// A member's log of these ids, in extensions of two entries each, and the place of each id.
fn log(epoch: Epoch, numbers: &[u8]) -> (Vec<Vec<u8>>, Vec<LoggedPlace>) {
    let id = LogId {
        chain_id: CHAIN_ID,
        epoch,
        member: 4,
    };
    let start = Point {
        position: LogPosition::ZERO,
        running: id.start(&NETWORK),
    };
    let record = OwnRecord {
        log: id,
        end: start,
        base: Height::ZERO,
        stamp: UnixNs::ZERO,
    };
    let mut own = OwnLog::new(&LIMITS, &record, LogPosition::ZERO);
    let mut before = start.running;
    let (mut extensions, mut places) = (Vec::new(), Vec::new());
    for (turn, pair) in numbers.chunks(2).enumerate() {
        let base = Height::new(turn as u64);
        for number in pair {
            own.append(entry(*number)).unwrap();
            let place = LoggedPlace {
                epoch,
                index: LogPosition::new(places.len() as u64),
                before,
                base,
                rollup: RollupId::new(2),
                id: TxId::new([*number; 32]),
                sealed: false,
                body_bytes: 100,
            };
            before = place.running_hash();
            places.push(place);
        }
        let mut out = vec![0; LIMITS.extension_bytes_max() as usize];
        let len = own.extend(base, &mut Signer, &mut out).unwrap();
        out.truncate(len);
        extensions.push(out);
    }
    (extensions, places)
}

fn receipt(number: u32, place: &LoggedPlace, deadline: u64) -> Vec<u8> {
    let policy = Policy::Fair(FairCommittee::FIVE);
    let promise = Promise::of_entry(place, policy, UnixNs::new(deadline));
    let by = signature(number, &promise, NETWORK);
    encoded(&Receipt::of_entry(&promise, place, SUITE, &by))
}

fn judge(receipt: &[u8], extension: &[u8]) -> Result<(), AccusationError> {
    let accusation = Accusation::of_log(receipt, extension)?;
    let beside = Beside::Logs {
        chain_id: CHAIN_ID,
        limits: &LIMITS,
    };
    accusation.verify(NETWORK, &verifying_key(4), beside)
}

#[test]
fn an_honest_log_keeps_every_place() {
    let (extensions, places) = log(EPOCH, &[1, 2, 3, 4, 5]);
    for (at, place) in places.iter().enumerate() {
        let bytes = receipt(4, place, 9);
        let read = Receipt::decode(&mut Reader::new(&bytes)).unwrap();
        assert_eq!(read.verify(NETWORK, &verifying_key(4)), Ok(()));
        assert_eq!(read.place, Place::LogIndex(LogPosition::new(at as u64)));
        for (number, extension) in extensions.iter().enumerate() {
            // Shown by its own extension, and by the one that begins right behind it.
            let is_shown = number == at / 2 || (at % 2 == 1 && number == at / 2 + 1);
            let expected = match is_shown {
                true => AccusationError::PromiseKept,
                false => AccusationError::LogElsewhere,
            };
            assert_eq!(judge(&bytes, extension), Err(expected), "{at} {number}");
        }
    }
}

#[test]
fn a_log_with_another_entry_at_the_place_convicts() {
    let (_, places) = log(EPOCH, &[1, 2, 3, 4]);
    let (forked, _) = log(EPOCH, &[1, 9, 3, 4]);
    // What was promised before the fork was kept.
    let before = receipt(4, &places[0], 9);
    assert_eq!(
        judge(&before, &forked[0]),
        Err(AccusationError::PromiseKept)
    );
    for (at, extension) in [(1, 0), (1, 1), (2, 1), (3, 1)] {
        // The third and the fourth stand behind another entry than was promised.
        let bytes = receipt(4, &places[at], 9);
        assert_eq!(judge(&bytes, &forked[extension]), Ok(()), "{at}");
    }
    let bytes = receipt(4, &places[1], 9);
    let mut tampered = forked[0].clone();
    let last = tampered.len() - 1;
    tampered[last] ^= 1;
    let invalid = Err(AccusationError::SignatureInvalid);
    assert_eq!(judge(&bytes, &tampered), invalid);
    assert_eq!(judge(&receipt(3, &places[1], 9), &forked[0]), invalid);
    let (elsewhere, _) = log(Epoch::new(3), &[1, 9]);
    assert_eq!(
        judge(&bytes, &elsewhere[0]),
        Err(AccusationError::WrongEpoch)
    );
    let accusation = Accusation::of_log(&bytes, &forked[0]).unwrap();
    let beside = Beside::Logs {
        chain_id: CHAIN_ID + 1,
        limits: &LIMITS,
    };
    assert_eq!(
        accusation.verify(NETWORK, &verifying_key(4), beside),
        Err(AccusationError::ForeignLog)
    );
    assert_eq!(
        judge(&bytes, &forked[0][..last]),
        Err(AccusationError::UnknownAccusation)
    );
}

#[test]
fn two_receipts_for_one_index_convict() {
    let (_, places) = log(EPOCH, &[1, 2, 3]);
    let (_, others) = log(EPOCH, &[1, 9, 3]);
    let (_, of_next_epoch) = log(Epoch::new(3), &[1, 9, 3]);
    let conflict = |one: &[u8], other: &[u8]| {
        let accusation = Accusation::of_receipts(one, other)?;
        accusation.verify(NETWORK, &verifying_key(4), Beside::Nothing)
    };
    let base = receipt(4, &places[1], 9);
    assert_eq!(conflict(&base, &receipt(4, &others[1], 9)), Ok(()));
    // The same id behind another entry.
    let third = receipt(4, &places[2], 9);
    assert_eq!(conflict(&third, &receipt(4, &others[2], 9)), Ok(()));
    let agree = Err(AccusationError::PromisesAgree);
    assert_eq!(conflict(&base, &receipt(4, &places[1], 10)), agree);
    assert_eq!(conflict(&base, &receipt(4, &places[2], 9)), agree);
    assert_eq!(conflict(&base, &receipt(4, &of_next_epoch[1], 9)), agree);
}

#[test]
fn a_log_promises_no_position_and_a_slot_no_index() {
    let (extensions, places) = log(EPOCH, &[1, 2]);
    let world = world(&[&[1]]);
    let told = &world.told[0];
    let position = told.receipt(4, 0, &told.promise(0, TIME));
    let index = receipt(4, &places[0], 9);
    let certificate = decided(world.height, 0, world.hash);
    let wrong = Err(AccusationError::UnknownPlace);
    assert_eq!(Accusation::of_log(&position, &extensions[0]), wrong);
    assert_eq!(Accusation::of_slot(&index, &certificate), wrong);
    assert_eq!(
        Accusation::of_receipts(&position, &index),
        Err(AccusationError::PromisesAgree)
    );
}

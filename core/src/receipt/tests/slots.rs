//! Promises of positions.

use super::*;
use crate::types::LogPosition;

/// Judges a receipt beside the slot that was decided in a round.
fn judge(receipt: &[u8], world: &World, round: u32) -> Result<(), AccusationError> {
    let certificate = decided(world.height, round, world.hash);
    let decision = proof_of(&certificate);
    let accusation = Accusation::of_slot(receipt, &certificate).unwrap();
    let limits = limits();
    let beside = Beside::Slot {
        decision: &decision,
        bytes: &world.slot,
        limits: &limits,
    };
    accusation.verify(NETWORK, &verifying_key(4), beside)
}

fn conflict(one: &[u8], other: &[u8]) -> Result<(), AccusationError> {
    let accusation = Accusation::of_receipts(one, other)?;
    accusation.verify(NETWORK, &verifying_key(4), Beside::Nothing)
}

#[test]
fn every_transaction_of_a_slice_has_a_receipt_and_the_slot_keeps_it() {
    let world = world(&[&[1, 2, 3, 4, 5], &[6, 7]]);
    let key = verifying_key(4);
    let mut positions = Vec::new();
    for told in &world.told {
        let promise = told.promise(0, TIME);
        for at in 0..told.ids.len() {
            let bytes = told.receipt(4, at, &promise);
            let receipt = Receipt::decode(&mut Reader::new(&bytes)).unwrap();
            assert_eq!(receipt.verify(NETWORK, &key), Ok(()));
            assert_eq!(receipt.promise(), Ok(promise));
            assert_eq!(receipt.id, told.ids[at]);
            positions.push((receipt.rollup.get(), receipt.place));
            assert_eq!(judge(&bytes, &world, 0), Err(AccusationError::PromiseKept));
        }
    }
    positions.sort_unstable();
    let expected = ROLLUPS.map(|rollup| (0..7).map(move |at| (rollup, Place::Position(at))));
    assert!(positions.into_iter().eq(expected.into_iter().flatten()));
}

#[test]
fn a_receipt_holds_for_its_key_network_and_fields_only() {
    let world = world(&[&[1, 2, 3]]);
    let told = &world.told[0];
    let promise = told.promise(3, 5_000);
    let by = signature(4, &promise, NETWORK);
    let good = Receipt::of_slice(
        &promise,
        told.before,
        (told.ids[1], told.proof(1)),
        SUITE,
        &by,
    );
    let key = verifying_key(4);
    assert_eq!(good.verify(NETWORK, &key), Ok(()));
    let invalid = Err(ReceiptError::SignatureInvalid);
    assert_eq!(good.verify(NETWORK, &verifying_key(3)), invalid);
    assert_eq!(good.verify(Hash::ZERO, &key), invalid);
    let changed = |change: &dyn Fn(&mut Receipt<'_>)| {
        let mut receipt = good.clone();
        change(&mut receipt);
        receipt.verify(NETWORK, &key)
    };
    // What the running hash binds.
    let wrong = Err(ReceiptError::WrongPromise);
    assert_eq!(changed(&|it| it.rollup = RollupId::new(9)), wrong);
    assert_eq!(changed(&|it| it.height = it.height.next()), wrong);
    assert_eq!(changed(&|it| it.epoch = it.epoch.saturating_add(1)), wrong);
    assert_eq!(changed(&|it| it.id = told.ids[0]), wrong);
    assert_eq!(changed(&|it| it.running_hash = Hash::ZERO), wrong);
    assert_eq!(
        changed(&|it| it.policy = crate::config::Policy::PriorityFee),
        wrong
    );
    assert_eq!(changed(&|it| it.place = Place::Position(0)), wrong);
    assert_eq!(
        changed(&|it| it.place = Place::LogIndex(LogPosition::new(1))),
        wrong
    );
    // What only the signature binds.
    assert_eq!(changed(&|it| it.round = Round::new(2)), invalid);
    assert_eq!(changed(&|it| it.deadline = UnixNs::NEVER), invalid);
    assert_eq!(changed(&|it| it.place = Place::Position(2)), invalid);
    assert_eq!(changed(&|it| it.suite = Suite::Dilithium3), invalid);
}

#[test]
fn the_decided_slot_of_the_round_convicts() {
    let promised = world(&[&[1, 2, 3], &[4]]);
    // Somebody else's transaction came in between, so that a later one stands elsewhere.
    let other = world(&[&[1, 8, 2, 3], &[4]]);
    let told = &promised.told[0];
    let promise = told.promise(0, TIME);
    for at in 0..3 {
        // The first stands where it was promised, yet before others than was promised: the slice
        // is not the one that was signed.
        let receipt = told.receipt(4, at, &promise);
        assert_eq!(judge(&receipt, &other, 0), Ok(()), "{at}");
        assert_eq!(
            judge(&receipt, &promised, 0),
            Err(AccusationError::PromiseKept)
        );
    }
    // A shorter slot, and one whose later slice differs: the first keeps what it promised.
    let shorter = world(&[&[1, 2]]);
    let last = told.receipt(4, 2, &promise);
    assert_eq!(judge(&last, &shorter, 0), Ok(()));
    let later = world(&[&[1, 2, 3], &[5, 6]]);
    assert_eq!(judge(&last, &later, 0), Err(AccusationError::PromiseKept));
    let second = &promised.told[2];
    let second = second.receipt(4, 0, &second.promise(0, TIME));
    assert_eq!(judge(&second, &later, 0), Ok(()));
    assert_eq!(
        judge(&second, &promised, 0),
        Err(AccusationError::PromiseKept)
    );
}

#[test]
fn nobody_is_convicted_by_another_round_height_epoch_time_or_slot() {
    let promised = world(&[&[1, 2, 3]]);
    let other = world(&[&[1, 8, 3]]);
    let told = &promised.told[0];
    let receipt = told.receipt(4, 1, &told.promise(1, TIME));
    assert_eq!(judge(&receipt, &other, 1), Ok(()));
    // A change of round leaves promises behind, the earlier and the later one.
    for round in [0, 2] {
        let left = Err(AccusationError::RoundLeftBehind);
        assert_eq!(judge(&receipt, &other, round), left);
    }
    // The promise was good until just before the slot's time.
    let early = told.receipt(4, 1, &told.promise(1, TIME - 1));
    let lapsed = Err(AccusationError::PromiseLapsed);
    assert_eq!(judge(&early, &other, 1), lapsed);
    let key = verifying_key(4);
    let limits = limits();
    let judge_with = |certificate: &[u8], bytes: &[u8], network: Hash, key: &VerifyingKey| {
        let decision = proof_of(certificate);
        let accusation = Accusation::of_slot(&receipt, certificate).unwrap();
        let beside = Beside::Slot {
            decision: &decision,
            bytes,
            limits: &limits,
        };
        accusation.verify(network, key, beside)
    };
    let good = decided(other.height, 1, other.hash);
    assert_eq!(judge_with(&good, &other.slot, NETWORK, &key), Ok(()));
    let next = decided(other.height.next(), 1, other.hash);
    assert_eq!(
        judge_with(&next, &other.slot, NETWORK, &key),
        Err(AccusationError::CertificateOfOtherHeight)
    );
    let value = decided(other.height, 1, promised.hash);
    assert_eq!(
        judge_with(&value, &other.slot, NETWORK, &key),
        Err(AccusationError::CertificateOfOtherValue)
    );
    // The decided header with bytes that are not the decided ones.
    let mut forged = other.slot.clone();
    let payload = 257 + 246 + 98;
    forged[payload] ^= 1;
    let not_it = Err(AccusationError::OtherSlot);
    assert_eq!(judge_with(&good, &forged, NETWORK, &key), not_it);
    let mut root = other.slot.clone();
    root[257 + 118] ^= 1;
    assert_eq!(judge_with(&good, &root, NETWORK, &key), not_it);
    let short = &other.slot[..other.slot.len() - 1];
    assert_eq!(judge_with(&good, short, NETWORK, &key), not_it);
    // Another's key, another network.
    let invalid = Err(AccusationError::SignatureInvalid);
    assert_eq!(
        judge_with(&good, &other.slot, NETWORK, &verifying_key(3)),
        invalid
    );
    assert_eq!(judge_with(&good, &other.slot, Hash::ZERO, &key), invalid);
    // What stands beside it is of another kind.
    let accusation = Accusation::of_slot(&receipt, &good).unwrap();
    assert_eq!(
        accusation.verify(NETWORK, &key, Beside::Nothing),
        Err(AccusationError::UnknownAccusation)
    );
}

#[test]
fn two_receipts_for_one_position_convict() {
    let (one, other) = (world(&[&[1, 2, 3]]), world(&[&[1, 8, 3]]));
    let receipt = |world: &World, told: usize, at: usize, round: u32, deadline: u64| {
        let told = &world.told[told];
        told.receipt(4, at, &told.promise(round, deadline))
    };
    let base = receipt(&one, 0, 1, 0, TIME);
    // Another transaction at the place; in whichever order they are put.
    let second = receipt(&other, 0, 1, 0, 77);
    assert_eq!(conflict(&base, &second), Ok(()));
    assert_eq!(
        Accusation::of_receipts(&base, &second),
        Accusation::of_receipts(&second, &base)
    );
    // The same transaction behind others than was promised.
    let first = receipt(&one, 0, 0, 0, TIME);
    let behind = receipt(&other, 0, 0, 0, TIME);
    assert_eq!(conflict(&first, &behind), Ok(()));
    let agree = Err(AccusationError::PromisesAgree);
    // Another round, rollup or position, the same promise, and one that differs in its deadline.
    assert_eq!(conflict(&base, &receipt(&other, 0, 1, 1, TIME)), agree);
    assert_eq!(conflict(&base, &receipt(&other, 1, 1, 0, TIME)), agree);
    assert_eq!(conflict(&base, &receipt(&other, 0, 2, 0, TIME)), agree);
    assert_eq!(conflict(&base, &base), agree);
    assert_eq!(conflict(&base, &receipt(&one, 0, 1, 0, 77)), agree);
    // Somebody else's receipt.
    let told = &other.told[0];
    let foreign = told.receipt(3, 1, &told.promise(0, TIME));
    assert_eq!(
        conflict(&base, &foreign),
        Err(AccusationError::SignatureInvalid)
    );
}

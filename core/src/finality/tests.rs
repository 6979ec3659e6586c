//! Every way to final and back, and none past a certificate.

use std::vec::Vec;

use super::*;
use crate::certificate::CommitCertificate;
use crate::certificate::CommitProof;
use crate::certificate::tests::{certificate, electorate};
use crate::sequencer::tests::kit::{membership, precommit};
use crate::types::{Epoch, Hash, Height};
use FinalityEventKind as Kind;

const LIMITS: FinalityLimits = FinalityLimits {
    window_count_max: 8,
    catch_up_count_max: 6,
    event_count_max: 16,
};

fn engine(weights: &[u64]) -> FinalityEngine {
    let electorate = electorate(0, weights);
    FinalityEngine::new(&LIMITS, Height::ZERO, Hash::ZERO, electorate).unwrap()
}

/// The slot `value` of a height behind the slot `parent`.
fn link(height: u64, parent: u8, value: u8) -> Link {
    Link {
        height: Height::new(height),
        epoch: Epoch::ZERO,
        parent: Hash::new([parent; 32]),
        hash: Hash::new([value; 32]),
        next_membership: Hash::ZERO,
    }
}

/// A proof by these members of an epoch with these weights.
fn proof_by(epoch: u64, weights: &[u64], signers: &[u32], height: u64, value: u8) -> CommitProof {
    let bytes = certificate(epoch, &precommit(height, 0, value), signers);
    let certificate = CommitCertificate::decode(&bytes).unwrap();
    certificate.verify(&electorate(epoch, weights)).unwrap()
}

/// A proof by the one member of the first epoch.
fn proof(height: u64, value: u8) -> CommitProof {
    proof_by(0, &[1], &[0], height, value)
}

fn told(engine: &mut FinalityEngine) -> Vec<(FinalityEventKind, u64)> {
    let events = core::iter::from_fn(|| engine.poll_event());
    events
        .map(|event| (event.kind, event.height.get()))
        .collect()
}

/// Makes the heights 1 ..= `to` final, each with its own number as its value.
fn advance(engine: &mut FinalityEngine, to: u8) {
    for height in 1..=to {
        let link = link(u64::from(height), height - 1, height);
        let outcome = engine.handle_certificate(&link, &proof(u64::from(height), height));
        assert_eq!(outcome, Ok(Outcome::Final(link.height)));
    }
    told(engine);
}

#[test]
fn a_height_rises_level_by_level() {
    let mut engine = engine(&[1]);
    let first = link(1, 0, 1);
    assert_eq!(engine.level(first.height), None);
    for (progress, level) in [
        (Progress::Received, Level::Received),
        (Progress::Sequenced, Level::Sequenced),
        (Progress::Proposed, Level::Proposed),
    ] {
        engine.handle_progress(&first, progress).unwrap();
        assert_eq!(engine.level(first.height), Some(level));
        engine.handle_progress(&first, Progress::Received).unwrap();
        assert_eq!(
            engine.level(first.height),
            Some(level),
            "no way back without a roll-back"
        );
    }
    assert_eq!(
        engine.handle_settled(first.height),
        Err(FinalityError::NotFinal)
    );
    let outcome = engine.handle_certificate(&first, &proof(1, 1));
    assert_eq!(outcome, Ok(Outcome::Final(first.height)));
    assert_eq!(engine.level(first.height), Some(Level::Final));
    assert_eq!(engine.tip_proof(), Some(&proof(1, 1)));
    engine.handle_settled(first.height).unwrap();
    engine.handle_settled(first.height).unwrap();
    assert_eq!(engine.level(first.height), Some(Level::Settled));
    let reached = (Kind::Reached, 1);
    let events = told(&mut engine);
    assert_eq!(
        events,
        [
            reached,
            reached,
            reached,
            (Kind::Final, 1),
            (Kind::Settled, 1)
        ]
    );
}

#[test]
fn a_proof_must_be_of_the_slot_that_it_comes_with() {
    let mut engine = engine(&[1]);
    let refused = |engine: &mut FinalityEngine, link: &Link, proof: &CommitProof| {
        let tip = *engine.tip();
        let error = engine.handle_certificate(link, proof).unwrap_err();
        assert_eq!((*engine.tip(), told(engine).len()), (tip, 0));
        error
    };
    let good = link(1, 0, 1);
    use FinalityError as E;
    let other = refused(&mut engine, &good, &proof(2, 1));
    assert_eq!(other, E::CertificateOfOtherHeight);
    let other = refused(&mut engine, &good, &proof(1, 2));
    assert_eq!(other, E::CertificateOfOtherValue);
    let later = proof_by(1, &[1], &[0], 1, 1);
    assert_eq!(refused(&mut engine, &good, &later), E::WrongEpoch);
    // Other members of the same epoch: their word counts for nothing here.
    let others = proof_by(0, &[1, 1], &[0, 1], 1, 1);
    assert_eq!(
        refused(&mut engine, &good, &others),
        E::CertificateOfOtherSet
    );
    engine.handle_certificate(&good, &proof(1, 1)).unwrap();
    assert_eq!(
        engine.handle_certificate(&good, &proof(1, 1)),
        Ok(Outcome::Known)
    );
}

#[test]
fn candidates_must_fit_what_is_below_them() {
    let mut engine = engine(&[1]);
    let progress =
        |engine: &mut FinalityEngine, link: &Link| engine.handle_progress(link, Progress::Received);
    use FinalityError as E;
    assert_eq!(progress(&mut engine, &link(1, 9, 1)), Err(E::WrongParent));
    assert_eq!(
        progress(&mut engine, &link(5, 4, 5)),
        Err(E::HeightOutOfWindow)
    );
    assert_eq!(progress(&mut engine, &link(0, 0, 0)), Err(E::HeightBehind));
    let other_epoch = Link {
        epoch: Epoch::new(1),
        ..link(1, 0, 1)
    };
    assert_eq!(progress(&mut engine, &other_epoch), Err(E::WrongEpoch));
    progress(&mut engine, &link(1, 0, 1)).unwrap();
    assert_eq!(progress(&mut engine, &link(2, 8, 2)), Err(E::WrongParent));
    progress(&mut engine, &link(2, 1, 2)).unwrap();
    assert_eq!(engine.roll_back(Height::new(3)), Err(E::UnknownSlot));
}

#[test]
fn what_gives_way_is_rolled_back_and_what_stood_on_it_revoked() {
    let mut engine = engine(&[1]);
    let build = |engine: &mut FinalityEngine| {
        for height in 1..=3_u8 {
            let link = link(u64::from(height), height - 1, height);
            engine.handle_progress(&link, Progress::Sequenced).unwrap();
        }
        told(engine);
    };
    let (revoked, rolled_back) = (Kind::Revoked, Kind::RolledBack);
    build(&mut engine);
    engine.roll_back(Height::new(2)).unwrap();
    assert_eq!(told(&mut engine), [(revoked, 3), (rolled_back, 2)]);
    assert_eq!(engine.level(Height::new(1)), Some(Level::Sequenced));
    // Another candidate of a height.
    build(&mut engine);
    engine
        .handle_progress(&link(1, 0, 7), Progress::Proposed)
        .unwrap();
    let events = told(&mut engine);
    assert_eq!(
        events,
        [
            (revoked, 3),
            (revoked, 2),
            (rolled_back, 1),
            (Kind::Reached, 1)
        ]
    );
    // A certificate for another one.
    engine
        .handle_progress(&link(2, 7, 2), Progress::Proposed)
        .unwrap();
    told(&mut engine);
    engine
        .handle_certificate(&link(1, 0, 1), &proof(1, 1))
        .unwrap();
    let events = told(&mut engine);
    assert_eq!(events, [(revoked, 2), (rolled_back, 1), (Kind::Final, 1)]);
    assert_eq!(
        engine.roll_back(Height::new(1)),
        Err(FinalityError::AlreadyFinal)
    );
    assert_eq!(engine.final_value(Height::new(1)), Some(Hash::new([1; 32])));
}

#[test]
fn full_events_hold_everything_back() {
    let mut engine = engine(&[1]);
    let one = link(1, 0, 1);
    for value in 1..=9 {
        let candidate = engine.handle_progress(&link(1, 0, value), Progress::Received);
        if let Err(error) = candidate {
            assert_eq!(error, FinalityError::EventsFull);
            break;
        }
    }
    let (tip, level) = (*engine.tip(), engine.level(one.height));
    let full = Err(FinalityError::EventsFull);
    assert_eq!(engine.handle_certificate(&one, &proof(1, 1)), full);
    assert_eq!((*engine.tip(), engine.level(one.height)), (tip, level));
    told(&mut engine);
    engine.handle_certificate(&one, &proof(1, 1)).unwrap();
}

#[test]
fn one_certificate_and_a_chain_of_hashes_catch_up() {
    let mut engine = engine(&[1]);
    advance(&mut engine, 1);
    engine
        .handle_progress(&link(2, 1, 99), Progress::Proposed)
        .unwrap();
    told(&mut engine);
    let outcome = engine.handle_certificate(&link(5, 4, 5), &proof(5, 5));
    assert_eq!(
        outcome,
        Ok(Outcome::Wanted(Height::new(4), Hash::new([4; 32])))
    );
    use FinalityError as E;
    for (wrong, error) in [
        (link(3, 2, 3), E::WrongHeight),
        (link(4, 3, 7), E::WrongParent),
        (
            Link {
                epoch: Epoch::new(1),
                ..link(4, 3, 4)
            },
            E::WrongEpoch,
        ),
        (
            Link {
                next_membership: Hash::new([1; 32]),
                ..link(4, 3, 4)
            },
            E::EpochEnded,
        ),
    ] {
        assert_eq!(engine.handle_header(&wrong), Err(error));
    }
    for height in [4_u8, 3] {
        let outcome = engine.handle_header(&link(u64::from(height), height - 1, height));
        let wanted = (
            Height::new(u64::from(height) - 1),
            Hash::new([height - 1; 32]),
        );
        assert_eq!(outcome, Ok(Outcome::Wanted(wanted.0, wanted.1)));
        assert_eq!(
            engine.tip().height,
            Height::new(1),
            "nothing is final half-way"
        );
    }
    let outcome = engine.handle_header(&link(2, 1, 2));
    assert_eq!(outcome, Ok(Outcome::Final(Height::new(5))));
    assert_eq!(told(&mut engine), [(Kind::RolledBack, 2), (Kind::Final, 5)]);
    let values: Vec<_> = (2..=5)
        .map(|h| engine.final_value(Height::new(h)))
        .collect();
    assert_eq!(
        values,
        [2, 3, 4, 5].map(|value| Some(Hash::new([value; 32])))
    );
    assert_eq!(
        engine.handle_header(&link(4, 3, 4)),
        Err(E::CertificateNotNeeded)
    );
    let far = engine.handle_certificate(&link(12, 11, 12), &proof(12, 12));
    assert_eq!(far, Err(E::CatchUpTooLong));
}

#[test]
fn a_certificate_ahead_can_be_given_up_or_overtaken() {
    let mut engine = engine(&[1]);
    engine
        .handle_certificate(&link(3, 2, 3), &proof(3, 3))
        .unwrap();
    let again = engine.handle_certificate(&link(3, 2, 3), &proof(3, 3));
    assert_eq!(
        again,
        Ok(Outcome::Wanted(Height::new(2), Hash::new([2; 32])))
    );
    engine
        .handle_certificate(&link(4, 3, 4), &proof(4, 4))
        .unwrap();
    assert_eq!(engine.wanted(), Some((Height::new(3), Hash::new([3; 32]))));
    let lower = engine.handle_certificate(&link(2, 1, 2), &proof(2, 2));
    assert_eq!(lower, Err(FinalityError::CertificateNotNeeded));
    // The next height itself needs no ancestors.
    advance(&mut engine, 1);
    engine
        .handle_certificate(&link(4, 3, 4), &proof(4, 4))
        .unwrap();
    engine.abandon_catch_up();
    assert_eq!(engine.wanted(), None);
}

#[test]
fn two_final_values_of_a_height_halt_and_name_who_signed_both() {
    let weights = [1; 4];
    let mut engine = engine(&weights);
    let first = proof_by(0, &weights, &[0, 1, 2], 1, 1);
    let second = proof_by(0, &weights, &[1, 2, 3], 1, 2);
    engine.handle_certificate(&link(1, 0, 1), &first).unwrap();
    told(&mut engine);
    let refused = engine.handle_certificate(&link(1, 0, 2), &second);
    assert_eq!(refused, Err(FinalityError::FinalityConflict));
    let conflict = *engine.conflict().unwrap();
    assert_eq!(
        (conflict.ours, conflict.theirs),
        (first.value(), second.value())
    );
    assert_eq!(
        (conflict.our_proof, conflict.their_proof),
        (Some(first), second)
    );
    assert_eq!(conflict.culprits().bits(), 0b0110);
    assert_eq!(told(&mut engine), [(Kind::Halted, 1)]);
    let halted = FinalityError::FinalityHalted;
    assert_eq!(
        engine.handle_certificate(&link(1, 0, 1), &first),
        Err(halted)
    );
    let progress = engine.handle_progress(&link(2, 1, 2), Progress::Received);
    assert_eq!(progress, Err(halted));
    assert_eq!(engine.handle_settled(Height::new(1)), Err(halted));
    assert_eq!(engine.roll_back(Height::new(2)), Err(halted));
    assert_eq!(engine.handle_header(&link(1, 0, 1)), Err(halted));
    assert_eq!(engine.tip().hash, first.value(), "what was final stays");
}

#[test]
fn a_proven_chain_around_what_is_final_halts() {
    // Right behind it, further above, and two proofs ahead of it.
    let mut direct = engine(&[1]);
    advance(&mut direct, 2);
    let refused = direct.handle_certificate(&link(3, 9, 3), &proof(3, 3));
    assert_eq!(refused, Err(FinalityError::FinalityConflict));
    let conflict = direct.conflict().unwrap();
    assert_eq!(
        (conflict.height.get(), conflict.theirs),
        (2, Hash::new([9; 32]))
    );
    let mut chained = engine(&[1]);
    advance(&mut chained, 2);
    chained
        .handle_certificate(&link(4, 3, 4), &proof(4, 4))
        .unwrap();
    let refused = chained.handle_header(&link(3, 9, 3));
    assert_eq!(refused, Err(FinalityError::FinalityConflict));
    let mut ahead = engine(&[1]);
    ahead
        .handle_certificate(&link(4, 3, 4), &proof(4, 4))
        .unwrap();
    let refused = ahead.handle_certificate(&link(4, 3, 5), &proof(4, 5));
    assert_eq!(refused, Err(FinalityError::FinalityConflict));
    let conflict = ahead.conflict().unwrap();
    assert_eq!(
        (conflict.ours, conflict.culprits().bits()),
        (Hash::new([4; 32]), 1)
    );
}

#[test]
fn heights_that_left_the_window_are_behind() {
    let mut engine = engine(&[1]);
    advance(&mut engine, 9);
    let known = engine.handle_certificate(&link(2, 1, 2), &proof(2, 2));
    assert_eq!(known, Ok(Outcome::Known));
    let gone = engine.handle_certificate(&link(1, 0, 1), &proof(1, 1));
    assert_eq!(gone, Err(FinalityError::HeightBehind));
    assert_eq!(engine.level(Height::new(1)), Some(Level::Final));
}

#[test]
fn an_epoch_hands_over_by_its_last_slot() {
    let mut engine = engine(&[1, 1, 1]);
    let next = membership(1, &[1, 5]);
    let last = Link {
        next_membership: next.hash(),
        ..link(1, 0, 1)
    };
    use FinalityError as E;
    assert_eq!(engine.hand_over(&next), Err(E::EpochNotNext));
    // A candidate on top of the last slot falls, because the next epoch decides there.
    engine
        .handle_progress(&link(1, 0, 1), Progress::Proposed)
        .unwrap();
    engine
        .handle_progress(&link(2, 1, 2), Progress::Received)
        .unwrap();
    told(&mut engine);
    let by_old = |height, value| proof_by(0, &[1, 1, 1], &[0, 1, 2], height, value);
    engine.handle_certificate(&last, &by_old(1, 1)).unwrap();
    let events = told(&mut engine);
    assert_eq!(
        events,
        [
            (Kind::RolledBack, 2),
            (Kind::Final, 1),
            (Kind::EpochEnded, 1)
        ]
    );
    assert_eq!(engine.awaited_membership(), Some(next.hash()));
    let of_next = Link {
        epoch: Epoch::new(1),
        ..link(2, 1, 2)
    };
    let by_new = proof_by(1, &[1, 5], &[1], 2, 2);
    let refused = engine.handle_certificate(&link(2, 1, 2), &by_old(2, 2));
    assert_eq!(refused, Err(E::EpochEnded));
    assert_eq!(
        engine.handle_certificate(&of_next, &by_new),
        Err(E::HandOverMissing)
    );
    engine
        .handle_progress(&of_next, Progress::Received)
        .unwrap();
    assert_eq!(
        engine.hand_over(&membership(2, &[1, 5])),
        Err(E::EpochNotNext)
    );
    assert_eq!(
        engine.hand_over(&membership(1, &[1, 6])),
        Err(E::WrongMembership)
    );
    engine.hand_over(&next).unwrap();
    assert_eq!(engine.epoch(), Epoch::new(1));
    // The old members decide nothing any more, nor do others of the new epoch.
    let refused = engine.handle_certificate(&link(2, 1, 2), &by_old(2, 2));
    assert_eq!(refused, Err(E::CertificateOfOtherSet));
    let others = proof_by(1, &[1, 6], &[1], 2, 2);
    assert_eq!(
        engine.handle_certificate(&of_next, &others),
        Err(E::CertificateOfOtherSet)
    );
    engine.handle_certificate(&of_next, &by_new).unwrap();
    let events = told(&mut engine);
    assert_eq!(
        events,
        [(Kind::Reached, 2), (Kind::EpochBegan, 1), (Kind::Final, 2)]
    );
}

#[test]
fn a_second_value_of_an_epoch_that_ended_is_still_found_out() {
    let mut engine = engine(&[1, 1, 1]);
    let next = membership(1, &[1, 5]);
    let last = Link {
        next_membership: next.hash(),
        ..link(1, 0, 1)
    };
    let by_old = |value| proof_by(0, &[1, 1, 1], &[0, 1, 2], 1, value);
    engine.handle_certificate(&last, &by_old(1)).unwrap();
    engine.hand_over(&next).unwrap();
    let refused = engine.handle_certificate(&link(1, 0, 9), &by_old(9));
    assert_eq!(refused, Err(FinalityError::FinalityConflict));
    assert_eq!(engine.conflict().unwrap().culprits().len(), 3);
}

#[test]
fn a_slot_header_is_a_link_that_its_hash_binds() {
    let header = crate::batch::SlotHeader {
        height: Height::new(3),
        epoch: Epoch::new(1),
        parent: Hash::new([2; 32]),
        time: crate::types::UnixNs::ZERO,
        changes_hash: Hash::ZERO,
        changes_len: 0,
        next_membership: Hash::new([7; 32]),
        sub_batch_count: 1,
        slice_count: 1,
        sub_batch_root: Hash::ZERO,
        bundle_root: Hash::ZERO,
        state_root: Hash::ZERO,
    };
    let link = Link::from(&header);
    assert_eq!(
        (link.height, link.epoch, link.parent),
        (header.height, header.epoch, header.parent)
    );
    assert_eq!(
        (link.hash, link.next_membership),
        (header.hash(), Hash::new([7; 32]))
    );
}

#[test]
fn limits_are_checked() {
    let verdict = |change: fn(&mut FinalityLimits)| {
        let mut limits = FinalityLimits::default();
        change(&mut limits);
        limits.check()
    };
    assert_eq!(verdict(|_| {}), Ok(()));
    assert_eq!(
        verdict(|l| l.window_count_max = 3),
        Err(FinalitySetupError::LimitOutOfRange)
    );
    assert_eq!(
        verdict(|l| l.catch_up_count_max = 0),
        Err(FinalitySetupError::LimitOutOfRange)
    );
    assert_eq!(
        verdict(|l| l.event_count_max = 263),
        Err(FinalitySetupError::LimitsContradict)
    );
}

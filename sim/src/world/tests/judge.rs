//! The judge finds what it is there to find.

use hauptbuch_core::consensus::{EvidencePair, Message, SigningContext, Statement, VoteKind};
use hauptbuch_core::types::{Epoch, Hash, Height, MemberIndex, Round};
use hauptbuch_core::vote::NO_ROUND;

use super::super::judge::{Judge, ValueInfo, Violations};
use super::super::key::Keys;
use super::super::settings::{FaultSet, Settings};
use super::super::wire::CertificateDraft;

const V: Hash = Hash::new([1; 32]);
const W: Hash = Hash::new([2; 32]);
const ONE: Height = Height::new(1);

fn context() -> SigningContext {
    SigningContext {
        chain_id: Hash::new([9; 32]),
        epoch: Epoch::new(1),
        suite_id: 1,
    }
}

fn member(number: u16) -> MemberIndex {
    MemberIndex::new(number)
}

/// Four members of which the last one lies.
fn judge() -> Judge {
    let mut judge = Judge::new(
        Keys::new(1),
        context(),
        &[1; 4],
        vec![true, true, true, false],
    );
    for (value, is_valid) in [(V, true), (W, false)] {
        let info = ValueInfo {
            height: ONE,
            is_valid,
            is_proposed: true,
            holders: Vec::new(),
            hidden_from: None,
        };
        judge.values.insert(value, info);
    }
    judge
}

fn vote(kind: VoteKind, round: u32, value: Option<Hash>, valid_round: i32) -> Statement {
    Statement {
        kind,
        height: ONE,
        round: Round::new(round),
        value,
        valid_round,
        extension_hash: Hash::ZERO,
    }
}

fn prevote(judge: &mut Judge, members: &[u16], round: u32, value: Hash) {
    for by in members {
        judge.sign(
            member(*by),
            &vote(VoteKind::Prevote, round, Some(value), NO_ROUND),
        );
    }
}

/// What was found, and nothing else.
fn found(judge: &Judge, of: fn(&Violations) -> u64) -> u64 {
    assert_eq!(
        judge.violations.total(),
        of(&judge.violations),
        "{:?}",
        judge.first
    );
    assert_eq!(judge.first.is_some(), judge.violations.total() > 0);
    of(&judge.violations)
}

#[test]
fn signing_twice_is_found_in_correct_members_only() {
    let mut judge = judge();
    for by in [0, 3] {
        for value in [None, None, Some(V)] {
            judge.sign(member(by), &vote(VoteKind::Prevote, 0, value, NO_ROUND));
        }
    }
    assert_eq!(found(&judge, |broken| broken.double_signatures), 1);
}

#[test]
fn a_precommit_needs_its_polka() {
    for (voters, is_broken) in [(&[0, 1, 3][..], 0), (&[0, 1][..], 1)] {
        let mut judge = judge();
        prevote(&mut judge, voters, 2, V);
        judge.sign(member(0), &vote(VoteKind::Precommit, 2, Some(V), NO_ROUND));
        assert_eq!(found(&judge, |broken| broken.lock_violations), is_broken);
    }
}

#[test]
fn a_lock_binds_until_a_later_polka() {
    // Locked on V by round 1; a polka for W was in round 0 or is in round 2.
    for (polka, named, is_broken) in [(0, NO_ROUND, 1), (0, 0, 1), (2, 2, 0), (2, 1, 1)] {
        let mut judge = judge();
        let first = [1, 2, 3];
        if polka == 0 {
            // The one that locks later did not see this polka.
            prevote(&mut judge, &first, 0, W);
        }
        prevote(&mut judge, &[0, 3], 1, V);
        judge.sign(member(1), &vote(VoteKind::Prevote, 1, Some(V), NO_ROUND));
        judge.sign(member(0), &vote(VoteKind::Precommit, 1, Some(V), NO_ROUND));
        if polka == 2 {
            prevote(&mut judge, &[2, 3], 2, W);
            // Somebody that is not locked makes the third.
            judge.ledger.sign(
                member(1),
                &vote(VoteKind::Prevote, 2, Some(W), NO_ROUND),
                true,
            );
        }
        judge.sign(member(0), &vote(VoteKind::Prevote, 3, Some(W), named));
        assert_eq!(found(&judge, |broken| broken.lock_violations), is_broken);
    }
}

#[test]
fn decisions_are_held_against_each_other_and_against_what_is_valid() {
    let mut judge = judge();
    judge.check_decision(member(0), ONE, V);
    judge.check_decision(member(1), ONE, V);
    assert_eq!(judge.violations.total(), 0);
    judge.check_decision(member(2), ONE, W);
    assert_eq!(judge.violations.agreement_violations, 1);
    assert_eq!(judge.violations.validity_violations, 1, "W is not valid");
    judge.check_decision(member(0), Height::new(2), V);
    assert_eq!(
        judge.violations.validity_violations, 2,
        "V is of another height"
    );
    judge.check_decision(member(0), Height::new(3), Hash::new([7; 32]));
    assert_eq!(judge.violations.validity_violations, 3, "nobody made it");
}

#[test]
fn certificates_need_a_quorum_that_signed() {
    let limits = Settings::new(4, 1, FaultSet::NONE).limits();
    let signed = vote(VoteKind::Precommit, 0, Some(V), NO_ROUND);
    // Members 0, 1 and 3 have signed; what is claimed, and whether signatures are good.
    for (claimed, is_good_signature, is_broken) in [
        (&[0, 1, 3][..], true, 0),
        (&[0, 1][..], true, 1),
        (&[0, 1, 2][..], true, 1),
        (&[0, 1, 3][..], false, 1),
    ] {
        let mut judge = judge();
        prevote(&mut judge, &[0, 1, 2], 0, V);
        for by in [0, 1, 3] {
            judge.sign(member(by), &signed);
        }
        let entry = |by: &u16| {
            let mut signature = judge.keys.sign(member(*by), &signed.sign_bytes(&context()));
            signature[3] ^= u8::from(!is_good_signature);
            (*by, Hash::ZERO, signature.to_vec())
        };
        let draft = CertificateDraft {
            epoch: context().epoch,
            height: ONE,
            kind: VoteKind::Precommit,
            round: Round::ZERO,
            value: V,
            valid_round: NO_ROUND,
            entries: claimed.iter().map(entry).collect(),
        };
        let bytes = draft.bytes();
        let message = Message::decode(&bytes, &limits).unwrap();
        judge.check_certificate(member(0), &message);
        assert_eq!(
            found(&judge, |broken| broken.certificate_violations),
            is_broken
        );
    }
}

#[test]
fn evidence_must_name_a_liar_and_prove_it() {
    let statements = [V, W].map(|value| vote(VoteKind::Prevote, 0, Some(value), NO_ROUND));
    let same = [statements[0]; 2];
    for (by, statements, is_signed, is_broken) in [
        (3, statements, true, 0),
        (2, statements, true, 1),
        (3, same, true, 1),
        (3, statements, false, 1),
    ] {
        let mut judge = judge();
        let signatures = statements.map(|vote| {
            let mut signature = judge.keys.sign(member(by), &vote.sign_bytes(&context()));
            signature[0] ^= u8::from(!is_signed);
            signature
        });
        let pair = EvidencePair {
            member: member(by),
            statements,
            signatures: [&signatures[0], &signatures[1]],
        };
        judge.check_evidence(member(0), Some(pair));
        assert_eq!(found(&judge, |broken| broken.false_evidence), is_broken);
    }
}

#[test]
fn votes_wait_for_their_record() {
    let mut judge = judge();
    let statement = vote(VoteKind::Prevote, 0, None, NO_ROUND);
    judge.check_barrier(member(0), &statement, None);
    judge.check_barrier(member(0), &statement, Some(&[0; 400]));
    judge.check_record(member(0), &[7; 90]);
    assert_eq!(found(&judge, |broken| broken.barrier_violations), 3);
}

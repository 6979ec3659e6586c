//! Statements and sets of members.

use super::*;
use std::vec::Vec;

fn statement(kind: VoteKind) -> Statement {
    Statement {
        kind,
        height: Height::new(7),
        round: Round::new(3),
        value: Some(Hash::new([9; 32])),
        valid_round: NO_ROUND,
        extension_hash: Hash::ZERO,
    }
}

fn context() -> SigningContext {
    SigningContext {
        chain_id: Hash::new([1; 32]),
        epoch: Epoch::new(2),
        suite_id: 1,
    }
}

#[test]
fn every_field_changes_the_bytes() {
    let base = statement(VoteKind::Precommit);
    let mut seen: Vec<SignBytes> = Vec::new();
    let statements = [
        base,
        statement(VoteKind::Proposal),
        statement(VoteKind::Prevote),
        Statement {
            height: Height::new(8),
            ..base
        },
        Statement {
            round: Round::new(4),
            ..base
        },
        Statement {
            value: None,
            ..base
        },
        Statement {
            value: Some(Hash::ZERO),
            ..base
        },
        Statement {
            valid_round: 2,
            ..base
        },
        Statement {
            extension_hash: Hash::new([1; 32]),
            ..base
        },
    ];
    seen.extend(statements.iter().map(|s| s.sign_bytes(&context())));
    for other in [
        SigningContext {
            chain_id: Hash::new([2; 32]),
            ..context()
        },
        SigningContext {
            epoch: Epoch::new(3),
            ..context()
        },
        SigningContext {
            suite_id: 2,
            ..context()
        },
    ] {
        seen.push(base.sign_bytes(&other));
    }
    for (at, bytes) in seen.iter().enumerate() {
        assert!(bytes.starts_with(b"hb/vt/1"));
        assert!(
            !seen[..at].contains(bytes),
            "statement {at} repeats another"
        );
    }
}

#[test]
fn bytes_stand_where_the_layout_says() {
    let bytes = Statement {
        valid_round: 2,
        ..statement(VoteKind::Prevote)
    }
    .sign_bytes(&context());
    assert_eq!(bytes[7..39], [1; 32]);
    assert_eq!(bytes[39..49], [2, 0, 0, 0, 0, 0, 0, 0, 1, 1]);
    assert_eq!(bytes[49..62], [7, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 1]);
    assert_eq!(bytes[62..94], [9; 32]);
    assert_eq!(bytes[94..98], [2, 0, 0, 0]);
    assert_eq!(bytes[98..], [0; 32]);
}

#[test]
fn fields_that_contradict_each_other_are_found() {
    use VoteKind::{Precommit, Prevote, Proposal};
    for kind in VoteKind::ALL {
        assert!(statement(kind).is_well_formed());
        let nil = Statement {
            value: None,
            ..statement(kind)
        };
        assert_eq!(nil.is_well_formed(), kind != Proposal);
        let extended = Statement {
            extension_hash: Hash::new([1; 32]),
            ..statement(kind)
        };
        assert_eq!(extended.is_well_formed(), kind == Precommit);
        for (valid_round, is_good) in [(0, true), (2, true), (3, false), (-2, false)] {
            let locked = Statement {
                valid_round,
                ..statement(kind)
            };
            assert_eq!(
                locked.is_well_formed(),
                is_good && kind != Precommit,
                "{valid_round}"
            );
        }
        let last = Statement {
            round: Round::MAX,
            ..statement(kind)
        };
        assert!(!last.is_well_formed());
    }
    let nil = Statement {
        value: None,
        valid_round: 1,
        ..statement(Prevote)
    };
    assert!(!nil.is_well_formed(), "nothing needs no polka");
}

#[test]
fn sets_hold_what_was_put_in() {
    let mut set = MemberSet::EMPTY;
    for member in [127, 0, 64, 5, 128, 5] {
        set.insert(MemberIndex::new(member));
    }
    let members = |set: MemberSet| set.iter().map(MemberIndex::get).collect::<Vec<_>>();
    assert_eq!(members(set), [0, 5, 64, 127]);
    assert!(!set.contains(MemberIndex::new(128)));
    set.remove(MemberIndex::new(64));
    assert_eq!(set.len(), 3);
    assert_eq!(members(set.take(2)), [0, 5]);
    assert_eq!(members(set.without(MemberSet::first(6))), [127]);
    assert_eq!(MemberSet::first(128).len(), 128);
    assert_eq!(MemberSet::first(0), MemberSet::EMPTY);
    assert_eq!(set.union(MemberSet::first(2)).len(), 4);
}

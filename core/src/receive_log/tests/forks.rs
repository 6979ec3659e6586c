//! A member that signs two logs: what it proves, and that everybody can still decide.

use super::super::{CutError, Entry, Extents, ForkError, Naming, OwnLog, Point, verify_fork};
use super::world::{
    Keys, LIMITS, admit, cut, evidence, extents, id, log, own, signed, stamp, start, twin_of,
};
use crate::types::{Height, LogPosition};

fn fork_of(bytes: &[u8]) -> Result<u16, ForkError> {
    verify_fork(bytes, &LIMITS, &Keys).map(|log| log.member)
}

/// Extents that hold one branch, and another branch's bytes.
fn forked(one: &[Entry], other: &[Entry]) -> (Extents, std::vec::Vec<u8>) {
    let mut held = extents();
    let mut honest = own(2);
    let mut liar = own(2);
    admit(&mut held, &signed(&mut honest, 1, one)).unwrap();
    (held, signed(&mut liar, 1, other))
}

#[test]
fn every_fork_is_proved_whichever_side_is_longer() {
    for (one, other) in [(1, 1), (3, 1), (1, 3), (3, 3)] {
        let entries = |count: u8, from: u8| -> std::vec::Vec<Entry> {
            (0..count).map(|number| id(from + number)).collect()
        };
        let (mut held, bytes) = forked(&entries(one, 1), &entries(other, 101));
        let (admitted, proof) = evidence(&mut held, &bytes);
        assert_eq!(admitted.entries, 0, "nothing names this branch");
        assert_eq!(fork_of(&proof), Ok(2));
        for at in 0..proof.len() {
            let mut spoilt = proof.clone();
            spoilt[at] ^= 1;
            assert!(fork_of(&spoilt).is_err(), "byte {at}");
            assert!(fork_of(&proof[..at]).is_err());
        }
    }
}

#[test]
fn a_shared_beginning_does_not_hide_a_fork() {
    let (one, other) = ([id(1), id(2), id(3)], [id(1), id(2), id(4), id(5)]);
    let (mut held, bytes) = forked(&one, &other);
    let (_, proof) = evidence(&mut held, &bytes);
    assert_eq!(fork_of(&proof), Ok(2));
}

#[test]
fn a_fork_from_a_hash_that_nobody_holds_is_one_too() {
    let mut held = extents();
    let mut log = own(2);
    admit(&mut held, &signed(&mut log, 1, &[id(1), id(2), id(3)])).unwrap();
    let mut hidden = own(2);
    signed(&mut hidden, 1, &[id(9), id(8)]);
    let tail = signed(&mut hidden, 1, &[id(7)]);
    let (admitted, proof) = evidence(&mut held, &tail);
    assert_eq!((admitted.entries, fork_of(&proof)), (0, Ok(2)));
}

#[test]
fn an_honest_log_gives_no_evidence_in_any_order() {
    let mut log = own(0);
    let pieces = [
        signed(&mut log, 1, &[id(1), stamp(3)]),
        signed(&mut log, 1, &[]),
        signed(&mut log, 2, &[]),
        signed(&mut log, 2, &[id(2)]),
        signed(&mut log, 4, &[id(3), id(4)]),
    ];
    for order in 0..5_usize.pow(5) {
        let mut held = extents();
        for place in 0..5 {
            let piece = &pieces[order / 5_usize.pow(place) % 5];
            if let Ok(admitted) = admit(&mut held, piece) {
                assert_eq!(admitted.fork_bytes, 0);
            }
        }
    }
}

#[test]
fn a_prefix_signed_again_is_no_evidence() {
    // Evidence put together by hand from two honest signatures: each way contradicts the rules.
    let mut honest = own(2);
    let short = signed(&mut honest, 1, &[id(1)]);
    let short_end = honest.record().end;
    let long = signed(&mut honest, 1, &[id(2)]);
    let signature = |bytes: &[u8]| bytes[bytes.len() - 34..].to_vec();
    let shorter = |end: &Point, bytes: &[u8]| {
        [
            &[1][..],
            &end.position.get().to_le_bytes(),
            end.running.as_bytes(),
            &1_u64.to_le_bytes(),
            &signature(bytes),
        ]
        .concat()
    };
    // The longer log goes on from the shorter one's end.
    let proof = [shorter(&short_end, &short), long.clone()].concat();
    assert_eq!(fork_of(&proof), Err(ForkError::NoFork));
    // The shorter end is told at another position.
    let proof = [shorter(&start(2), &short), long.clone()].concat();
    assert_eq!(fork_of(&proof), Err(ForkError::NoFork));
    // The longer log is told to come from another hash: then its signature does not fit.
    let mut bent = long;
    bent[27] ^= 1;
    let proof = [shorter(&short_end, &short), bent].concat();
    assert_eq!(fork_of(&proof), Err(ForkError::WrongSignature));
}

#[test]
fn a_branch_is_kept_for_what_names_it() {
    let (mut held, other) = forked(&[id(1)], &[id(2), id(3)]);
    let mut liar = own(2);
    signed(&mut liar, 1, &[id(2), id(3)]);
    let end = liar.record().end;
    let named = cut(&held, &[(2, end)]);
    assert_eq!(
        held.check_cut(&named, Height::new(5)),
        Err(CutError::CutNotHeld)
    );
    held.name(Naming::Current, &named).unwrap();
    assert_eq!(held.missing(&named).count(), 1);
    let (admitted, proof) = evidence(&mut held, &other);
    assert_eq!((admitted.entries, fork_of(&proof)), (2, Ok(2)));
    held.check_cut(&named, Height::new(5)).unwrap();
    // What came first is still what this node would propose.
    assert_eq!(held.newest(2).unwrap().0.position, LogPosition::new(1));
    held.decide(&named).unwrap();
    assert_eq!(held.decided(2).unwrap().at, end);
    assert_eq!(held.newest(2).unwrap().0, end);
    // The branch that lost is gone, and what comes of it is evidence against the one that won.
    let mut first = own(2);
    let lost = signed(&mut first, 1, &[id(1), id(4), id(5)]);
    let (admitted, proof) = evidence(&mut held, &lost);
    assert_eq!((admitted.entries, fork_of(&proof)), (0, Ok(2)));
}

/// Rule 17: round 0 names branch A of a Byzantine log and only one member sees its polka; in round
/// 1 the proposal names B, all pull B, and the liar falls silent. Who is locked on A must be able
/// to hand A out.
#[test]
fn lock_valid_and_current_value_may_each_name_a_branch_of_their_own() {
    let mut held = extents();
    let branches: std::vec::Vec<(OwnLog, std::vec::Vec<u8>)> = (0..5)
        .map(|number| {
            let mut liar = own(2);
            let bytes = signed(&mut liar, 1, &[id(1), id(10 + number), id(20)]);
            (liar, bytes)
        })
        .collect();
    let cut_of = |held: &Extents, at: usize| cut(held, &[(2, branches[at].0.record().end)]);
    admit(&mut held, &branches[0].1).unwrap();
    for (at, naming) in (1..).zip(Naming::ALL) {
        held.name(naming, &cut_of(&held, at)).unwrap();
        assert_eq!(admit(&mut held, &branches[at].1).unwrap().entries, 2);
    }
    let all_are_held =
        |held: &Extents, which: &[usize]| which.iter().all(|at| held.covers(&cut_of(held, *at)));
    assert!(all_are_held(&held, &[0, 1, 2, 3]));
    assert!(!held.covers(&cut_of(&held, 4)));
    // A new proposal takes the place of the one before, and of no other.
    held.name(Naming::Current, &cut_of(&held, 4)).unwrap();
    assert_eq!(admit(&mut held, &branches[4].1).unwrap().entries, 2);
    assert!(all_are_held(&held, &[0, 1, 2, 4]));
    assert!(!held.covers(&cut_of(&held, 3)));
    // Who missed the lock's branch gets it from here, and decides it.
    let mut bytes = std::vec![0; LIMITS.extension_bytes_max() as usize];
    let lock = cut_of(&held, 1);
    let to = lock.points()[2];
    let len = held.write_extension(2, LogPosition::ZERO, &to, &mut bytes);
    let mut other = extents();
    admit(&mut other, &branches[4].1).unwrap();
    other.name(Naming::Valid, &lock).unwrap();
    admit(&mut other, &bytes[..len.unwrap()]).unwrap();
    other.decide(&lock).unwrap();
    held.decide(&lock).unwrap();
    assert_eq!(other.decided(2), held.decided(2));
    assert!(!held.covers(&cut_of(&extents(), 2)));
}

#[test]
fn names_that_are_taken_away_keep_nothing() {
    let (mut held, other) = forked(&[id(1)], &[id(2)]);
    let mut liar = own(2);
    signed(&mut liar, 1, &[id(2)]);
    let named = cut(&held, &[(2, liar.record().end)]);
    held.name(Naming::Locked, &named).unwrap();
    held.unname(Naming::Locked);
    assert_eq!(admit(&mut held, &other).unwrap().entries, 0);
    assert!(!held.covers(&named));
}

#[test]
fn what_was_named_before_a_decision_is_not_kept_after_it() {
    let (mut held, other) = forked(&[id(1)], &[id(2)]);
    let mut liar = own(2);
    signed(&mut liar, 1, &[id(2)]);
    let named = cut(&held, &[(2, liar.record().end)]);
    held.name(Naming::Locked, &named).unwrap();
    // The slot moves no log, so the branch would still fit.
    let still = cut(&held, &[]);
    held.decide(&still).unwrap();
    let (admitted, proof) = evidence(&mut held, &other);
    assert_eq!((admitted.entries, fork_of(&proof)), (0, Ok(2)));
}

#[test]
fn a_branch_takes_over_all_that_it_shares_with_any_other() {
    let mut held = extents();
    let branches = [[1, 2, 3], [1, 10, 20], [1, 40, 50], [1, 10, 30]];
    let names = [None, Some(0), Some(1), Some(2)];
    for ((numbers, name), fresh) in branches.into_iter().zip(names).zip([3, 2, 2, 1]) {
        let mut liar = own(2);
        let bytes = signed(&mut liar, 1, &numbers.map(id));
        if let Some(name) = name {
            let named = cut(&held, &[(2, liar.record().end)]);
            held.name(Naming::ALL[name], &named).unwrap();
        }
        assert_eq!(admit(&mut held, &bytes).unwrap().entries, fresh);
        let whole = cut(&held, &[(2, liar.record().end)]);
        let entries = held.entries(&whole).unwrap().map(|entry| *entry.entry);
        assert!(entries.eq(numbers.map(id)));
    }
}

#[test]
fn a_branch_that_is_followed_goes_on_from_its_own_end() {
    let (mut held, other) = forked(&[id(1)], &[id(2)]);
    let mut liar = own(2);
    signed(&mut liar, 1, &[id(2)]);
    let named = cut(&held, &[(2, liar.record().end)]);
    held.name(Naming::Current, &named).unwrap();
    admit(&mut held, &other).unwrap();
    let mut second = twin_of(&liar);
    let admitted = admit(&mut held, &signed(&mut second, 1, &[id(3)])).unwrap();
    assert_eq!((admitted.entries, admitted.fork_bytes), (1, 0));
    assert!(held.covers(&cut(&held, &[(2, second.record().end)])));
    assert_eq!(log(2).member, admitted.member);
}

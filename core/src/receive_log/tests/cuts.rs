//! Cuts: what they may cover, what is missing, and what deciding drops.

use std::vec::Vec;

use super::super::{Cut, CutError, Entry, Extents, Missing, OwnLog, Point};
use super::world::{LIMITS, admit, cut, extents, id, own, signed, stamp};
use crate::types::{Hash, Height, LogPosition};

/// Two logs of three entries each, and the place behind each entry.
fn world() -> (Extents, [OwnLog; 2], [Vec<Point>; 2]) {
    let mut held = extents();
    let mut logs = [own(0), own(1)];
    let mut places = [Vec::new(), Vec::new()];
    for (log, places) in logs.iter_mut().zip(&mut places) {
        for number in 1..=3 {
            let bytes = signed(log, u64::from(number), &[id(number)]);
            admit(&mut held, &bytes).unwrap();
            places.push(log.record().end);
        }
    }
    (held, logs, places)
}

#[test]
fn a_cut_may_stand_at_any_position() {
    let (held, _, places) = world();
    for first in &places[0] {
        for second in &places[1] {
            let cut = cut(&held, &[(0, *first), (1, *second)]);
            held.check_cut(&cut, Height::new(9)).unwrap();
            let entries: Vec<_> = held.entries(&cut).unwrap().collect();
            let counts = [first, second].map(|point| point.position.get());
            assert_eq!(entries.len() as u64, counts[0] + counts[1]);
            let order: Vec<(u16, u64)> = entries
                .iter()
                .map(|entry| (entry.member, entry.position.get()))
                .collect();
            assert!(order.is_sorted());
            for entry in entries {
                let number = entry.position.get() + 1;
                assert_eq!(*entry.entry, id(number as u8));
                assert_eq!(entry.base, Height::new(number));
            }
        }
    }
}

#[test]
fn what_a_cut_may_not_do() {
    let (mut held, _, places) = world();
    let nine = Height::new(9);
    let at = |held: &Extents, point| cut(held, &[(0, point)]);
    let check = |held: &Extents, point| held.check_cut(&at(held, point), nine);
    let short = Cut::new(2);
    assert_eq!(held.check_cut(&short, nine), Err(CutError::WrongLogCount));
    // The base of the third entry is slot 3, which slot 3 itself can't know.
    let third = at(&held, places[0][2]);
    assert_eq!(
        held.check_cut(&third, Height::new(3)),
        Err(CutError::BaseNotDecided)
    );
    held.check_cut(&third, Height::new(4)).unwrap();
    held.decide(&at(&held, places[0][1])).unwrap();
    assert_eq!(check(&held, places[0][0]), Err(CutError::CutWentBack));
    let other = Point {
        running: Hash::ZERO,
        ..places[0][1]
    };
    assert_eq!(check(&held, other), Err(CutError::NotDescended));
    let far = Point {
        position: LogPosition::new(11),
        ..other
    };
    assert_eq!(check(&held, far), Err(CutError::LogTooFar));
    let unknown = Point {
        position: LogPosition::new(3),
        ..other
    };
    assert_eq!(check(&held, unknown), Err(CutError::CutNotHeld));
    assert!(!held.covers(&at(&held, unknown)));
    assert!(held.entries(&at(&held, unknown)).is_err());
    assert_eq!(held.decide(&at(&held, unknown)), Err(CutError::CutNotHeld));
    held.close(0);
    assert_eq!(check(&held, places[0][2]), Err(CutError::CutMovesClosedLog));
    check(&held, places[0][1]).unwrap();
}

#[test]
fn what_is_missing_can_be_pulled_from_whoever_holds_it() {
    let (source, logs, places) = world();
    let mut held = extents();
    let wanted = cut(&source, &[(0, places[0][1]), (1, places[1][2])]);
    let missing: Vec<Missing> = held.missing(&wanted).collect();
    let members: Vec<u16> = missing.iter().map(|missing| missing.member).collect();
    assert_eq!(members, [0, 1]);
    for missing in missing {
        let mut bytes = std::vec![0; LIMITS.extension_bytes_max() as usize];
        let Missing { member, from, to } = missing;
        let len = source
            .write_extension(member, from, &to, &mut bytes)
            .unwrap();
        admit(&mut held, &bytes[..len]).unwrap();
    }
    assert!(held.covers(&wanted) && held.missing(&wanted).next().is_none());
    // What was answered goes on to the newest signature.
    assert_eq!(held.newest(0).unwrap().0, logs[0].record().end);
    let mut small = [0; 10];
    let from = LogPosition::ZERO;
    let answer = source.write_extension(0, from, &places[0][1], &mut small);
    assert_eq!(answer, Err(CutError::Truncated));
}

#[test]
fn deciding_drops_what_is_covered_and_keeps_the_rest() {
    let (mut held, mut logs, places) = world();
    let first = cut(&held, &[(0, places[0][1])]);
    held.decide(&first).unwrap();
    assert_eq!(held.decided(0).unwrap().at, places[0][1]);
    assert_eq!(held.decided(1).unwrap().at.position, LogPosition::ZERO);
    admit(&mut held, &signed(&mut logs[0], 4, &[id(4)])).unwrap();
    let mut all = Cut::new(3);
    held.propose(Height::new(9), &mut all).unwrap();
    let rest: Vec<Entry> = held
        .entries(&all)
        .unwrap()
        .map(|entry| *entry.entry)
        .collect();
    assert_eq!(rest, [3, 4, 1, 2, 3].map(id));
    held.decide(&all).unwrap();
    assert_eq!(held.entries(&all).unwrap().count(), 0);
    let gone = held.write_extension(0, LogPosition::ZERO, &all.points()[0], &mut []);
    assert_eq!(gone, Err(CutError::CutWentBack));
}

#[test]
fn a_proposal_leaves_out_what_its_slot_can_not_know() {
    let (mut held, mut logs, places) = world();
    let mut proposal = Cut::new(3);
    held.propose(Height::new(3), &mut proposal).unwrap();
    assert_eq!(proposal.points()[..2], [places[0][1], places[1][1]]);
    held.check_cut(&proposal, Height::new(3)).unwrap();
    held.close(1);
    admit(&mut held, &signed(&mut logs[0], 3, &[stamp(1)])).unwrap();
    held.propose(Height::new(4), &mut proposal).unwrap();
    assert_eq!(proposal.points()[0], logs[0].record().end);
    assert_eq!(proposal.points()[1], held.decided(1).unwrap().at);
    assert_eq!(
        held.propose(Height::new(4), &mut Cut::new(2)),
        Err(CutError::WrongLogCount)
    );
}

//! Each rule on its own.

use std::vec;
use std::vec::Vec;

use super::super::*;
use super::world::{World, entry, id, small_limits};
use crate::types::Height;

use DrainOutcome::{Gap, Included, Superseded};

#[test]
fn what_all_hold_is_drained_at_once() {
    let mut world = World::small(5, 1);
    let ids: Vec<_> = (0..3).map(|name| world.body(name, name, 0)).collect();
    world.everywhere(&[2, 1, 0]).unwrap();
    let order = [ids[2], ids[1], ids[0]].map(|id| (id, Included));
    assert_eq!(world.drained(), order);
    assert_eq!(world.stream.live_count(), 0);
    let charge = world.stream.charge(0, super::world::ROLLUP);
    assert_eq!(charge, Charge::default());
}

#[test]
fn a_cut_charges_no_member_above_its_budget() {
    let mut world = World::small(5, 1);
    let refused = world.slot(&[&[], &[1, 2, 3, 4, 5]]);
    let refusal = CutRefusal {
        member: Some(1),
        reason: CutError::FirstHandCountExceeded,
    };
    assert_eq!(refused, Err(ApplyError::Refused(refusal)));
    assert_eq!(world.stream.height(), Height::ZERO);
    world.slot(&[&[], &[1, 2, 3, 4]]).unwrap();
    assert_eq!(world.stream.charge(1, super::world::ROLLUP).count, 4);
    // What is live at the base is nobody's first-hand id; so five more logs may hold it.
    world
        .bodies
        .0
        .extend((1..5).map(|name| (id(name), super::world::facts(name, 0))));
    world.slot(&[&[2, 3, 4], &[], &[1, 2, 3, 4]]).unwrap();
    assert_eq!(world.stream.charge(0, super::world::ROLLUP).count, 0);
}

#[test]
fn entries_lapse_by_age_and_charges_later() {
    let mut world = World::small(5, 1);
    let age_max = u64::from(small_limits().log_age_slots_max);
    world.slot(&[&[9]]).unwrap();
    for _ in 1..age_max {
        world.slot(&[]).unwrap();
        assert_eq!(world.stream.heads(&id(9)), 1);
    }
    // Slots that moved too few logs do not count.
    world.cut(&[Extent::default(); 5]).unwrap();
    assert_eq!(world.stream.heads(&id(9)), 1);
    world.slot(&[]).unwrap();
    assert_eq!(world.stream.lapsed_ids(), [id(9)]);
    assert!(world.stream.lost_entries()[0].is_of(0));
    for _ in 0..age_max {
        assert_eq!(world.stream.charge(0, super::world::ROLLUP).count, 1);
        world.slot(&[]).unwrap();
    }
    assert_eq!(world.stream.charge(0, super::world::ROLLUP).count, 1);
    world.slot(&[]).unwrap();
    assert_eq!(world.stream.charge(0, super::world::ROLLUP).count, 0);
}

#[test]
fn nonces_are_held_back_until_none_is_missing() {
    // a, b of one sender, nonces 0 and 1; the sender has a cursor at 0 by nobody's word, so first
    // a transaction with nonce 0 of another account is included to show what a cursor does.
    let mut world = World::small(5, 1);
    world.body(50, 1, 0);
    world.everywhere(&[50]).unwrap();
    world.body(1, 1, 1);
    world.body(2, 1, 2);
    world.body(3, 9, 0);
    // h0 `abc`, h1 `c`, byz `bc`: b before c by two heads.
    world.slot(&[&[1, 2, 3], &[3], &[2, 3]]).unwrap();
    assert_eq!(world.drained(), [(id(3), Included)]);
    world.slot(&[&[], &[1, 2], &[1], &[1, 2], &[1, 2]]).unwrap();
    assert_eq!(world.drained(), [(id(1), Included), (id(2), Included)]);
}

#[test]
fn only_a_solid_id_enters_without_a_cursor() {
    let mut world = World::small(5, 1);
    world.body(1, 1, 5);
    world.body(2, 1, 6);
    world.body(3, 9, 0);
    // Of the three only 3 is solid, and 2, whose base nobody knows, comes before it.
    world.slot(&[&[1, 2, 3], &[3], &[2, 3]]).unwrap();
    assert_eq!(world.drained(), []);
    world.slot(&[&[], &[1, 2], &[1], &[1, 2], &[1, 2]]).unwrap();
    let order = [1, 2, 3].map(|name| (id(name), Included));
    assert_eq!(world.drained(), order);
}

#[test]
fn variants_and_gaps_are_no_ops_in_place() {
    let mut world = World::small(5, 1);
    world.body(1, 1, 0);
    world.body(2, 1, 0);
    world.everywhere(&[2, 1]).unwrap();
    assert_eq!(world.drained(), [(id(2), Included), (id(1), Superseded)]);
    // The id between expired: what follows is a gap.
    let middle = world.body(3, 1, 1);
    world.bodies.0.get_mut(&middle).unwrap().expiry = crate::types::UnixNs::new(0);
    world.body(4, 1, 2);
    world.everywhere(&[3, 4]).unwrap();
    let expired = (id(3), DrainOutcome::Expired);
    assert_eq!(world.drained(), [expired, (id(4), Gap)]);
}

#[test]
fn bases_too_far_back_or_before_the_drain_are_void() {
    let mut world = World::small(5, 1);
    world.body(1, 1, 0);
    world.everywhere(&[1]).unwrap();
    let late = [entry(Height::ZERO, id(1))];
    let mut extents = vec![Extent::moved(&[]); 5];
    extents[3] = Extent::moved(&late);
    world.cut(&extents).unwrap();
    let lost = world.stream.lost_entries();
    assert_eq!(lost.len(), 1);
    assert_eq!(
        (lost[0].id, lost[0].reason),
        (id(1), LossReason::DrainedSince)
    );
    assert!(lost[0].is_of(3));
    assert_eq!(world.stream.live_count(), 0);
    for _ in 0..5 {
        world.slot(&[]).unwrap();
    }
    world.cut(&extents).unwrap();
    assert_eq!(
        world.stream.lost_entries()[0].reason,
        LossReason::BaseTooOld
    );
}

#[test]
fn unfit_ids_do_not_block_and_a_paused_rollup_drains_nothing() {
    let mut world = World::small(5, 1);
    let heavy = world.body(1, 1, 0);
    world.bodies.0.get_mut(&heavy).unwrap().gas = crate::types::Gas::new(101);
    world.body(2, 2, 0);
    world.rollups[0].is_paused = true;
    world.everywhere(&[1, 2]).unwrap();
    assert_eq!(world.drained(), []);
    // What is queued does not lapse, however long that takes.
    for _ in 0..20 {
        world.slot(&[]).unwrap();
    }
    assert_eq!(world.stream.live_count(), 2);
    world.rollups[0].is_paused = false;
    world.slot(&[]).unwrap();
    let unfit = (id(1), DrainOutcome::Unfit);
    assert_eq!(world.drained(), [unfit, (id(2), Included)]);

    let mut weak = World::small(5, 1);
    weak.bodies = world.bodies.clone();
    weak.stream.weaken(Weakened {
        unfit_blocks: true,
        ..Weakened::NONE
    });
    weak.everywhere(&[1, 2]).unwrap();
    weak.slot(&[]).unwrap();
    assert_eq!(weak.drained(), []);
}

#[test]
fn the_time_is_the_lower_median_and_never_goes_back() {
    let mut world = World::small(6, 1);
    let stamps = |times: [u64; 6]| {
        times.map(|time| {
            [Entry {
                base: Height::ZERO,
                kind: EntryKind::Stamp(crate::types::UnixNs::new(time)),
            }]
        })
    };
    let forth = stamps([60, 10, 30, 50, 20, 40]);
    let extents: Vec<Extent<'_>> = forth.iter().map(|list| Extent::moved(list)).collect();
    world.cut(&extents).unwrap();
    assert_eq!(world.stream.time().get(), 30);
    let back = stamps([0; 6]);
    let extents: Vec<Extent<'_>> = back.iter().map(|list| Extent::moved(list)).collect();
    world.cut(&extents).unwrap();
    assert_eq!(world.stream.time().get(), 30);
}

#[test]
fn a_bad_cut_names_the_member_and_the_rule() {
    let mut world = World::small(5, 1);
    let refused = |world: &mut World, height: u64, list: &[Entry]| {
        let mut extents = [Extent::default(); 5];
        extents[3] = Extent::moved(list);
        let cut = Cut {
            height: Height::new(height),
            extents: &extents,
        };
        let refusal = world.stream.check(&cut).unwrap_err();
        (refusal.member, refusal.reason)
    };
    let fine = entry(Height::ZERO, id(1));
    let ahead = entry(Height::new(1), id(1));
    assert_eq!(
        refused(&mut world, 1, &[ahead]),
        (Some(3), CutError::BaseAhead)
    );
    assert_eq!(
        refused(&mut world, 2, &[fine]),
        (None, CutError::WrongHeight)
    );
    let long = vec![fine; 25];
    assert_eq!(
        refused(&mut world, 1, &long),
        (Some(3), CutError::ExtentTooLong)
    );
    let mut foreign = id(1);
    foreign.rollup = crate::types::RollupId::new(8);
    let foreign = [entry(Height::ZERO, foreign)];
    let reason = CutError::RollupNotOrdered;
    assert_eq!(refused(&mut world, 1, &foreign), (Some(3), reason));
    let mut large = id(1);
    large.body_bytes = 10_001;
    let large = [entry(Height::ZERO, large)];
    let reason = CutError::FirstHandBytesExceeded;
    assert_eq!(refused(&mut world, 1, &large), (Some(3), reason));
    let cut = Cut {
        height: Height::new(1),
        extents: &[],
    };
    let refusal = world.stream.check(&cut).unwrap_err();
    assert_eq!(refusal.reason, CutError::WrongLogCount);
}

#[test]
fn a_candidate_without_its_body_leaves_the_state_as_it_was() {
    let mut world = World::small(5, 1);
    let before = world.stream.state_hash();
    let missing = ApplyError::FactsMissing(id(4));
    assert_eq!(world.slot(&[&[4], &[4]]), Err(missing));
    assert_eq!(world.stream.state_hash(), before);
    world.body(4, 4, 0);
    world.slot(&[&[4], &[4]]).unwrap();
}

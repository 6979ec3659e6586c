//! What an honest member logs.

use std::vec::Vec;

use super::super::*;
use super::world::{ROLLUP, World, entry, facts, id, parameters, small_limits};
use crate::types::{Height, UnixNs};

fn member() -> FairMember {
    let limits = small_limits();
    let parts = [RollupPart::whole(ROLLUP, &limits)];
    FairMember::new(parameters(5, 1), &limits, &parts, 0, [1, 2]).unwrap()
}

/// The names that the member logs next.
fn logged(member: &mut FairMember, world: &World) -> Vec<LoggedId> {
    let mut out = [entry(Height::ZERO, id(0)); 24];
    let count = member.poll_entries(&world.stream, &NoAccounts, None, &mut out);
    let ids = out[..count].iter().map(|entry| match entry.kind {
        EntryKind::Id(id) => id,
        EntryKind::Stamp(_) | EntryKind::Closed => panic!("neither was given nor decided"),
    });
    ids.collect()
}

fn receive(member: &mut FairMember, world: &mut World, name: u64, sender: u64, nonce: u64) {
    let own = world.body(name, sender, nonce);
    let source = BodySource::FirstHand;
    let taken = member.handle_body(&world.stream, own, facts(sender, nonce), source);
    assert_eq!(taken, Ok(true));
}

#[test]
fn its_own_enter_by_arrival_nonce_and_budget() {
    let (mut world, mut member) = (World::small(5, 1), member());
    // Nonce 1 waits for nonce 0, which comes last; the budget is four.
    for (name, sender, nonce) in [(9, 1, 0), (2, 2, 2), (3, 3, 0), (4, 4, 0), (1, 2, 0)] {
        receive(&mut member, &mut world, name, sender, nonce);
    }
    assert_eq!(logged(&mut member, &world), [9, 3, 4, 1].map(id));
    // What is signed is not signed again, and what it will be charged with counts.
    receive(&mut member, &mut world, 8, 8, 0);
    assert_eq!(logged(&mut member, &world), []);
    world.slot(&[&[9, 3, 4, 1]]).unwrap();
    member.handle_decided(&world.stream, 4).unwrap();
    assert_eq!(logged(&mut member, &world), []);
    let told = member.handle_decided(&world.stream, 1);
    assert_eq!(told, Err(MemberError::WrongTail));
}

#[test]
fn it_follows_cuts_with_the_body_only_and_whatever_its_budget() {
    let (mut world, mut member) = (World::small(5, 1), member());
    for name in 1..5 {
        receive(&mut member, &mut world, name, name, 0);
    }
    assert_eq!(logged(&mut member, &world).len(), 4);
    world.slot(&[&[], &[20, 21]]).unwrap();
    member.handle_decided(&world.stream, 0).unwrap();
    assert_eq!(logged(&mut member, &world), []);
    let missing: Vec<LoggedId> = member.bodies_missing(&world.stream).collect();
    assert_eq!(missing.len(), 2);
    world.body(21, 21, 0);
    let learned = BodySource::Learned;
    let taken = member.handle_body(&world.stream, id(21), facts(21, 0), learned);
    assert_eq!(taken, Ok(true));
    assert_eq!(logged(&mut member, &world), [id(21)]);
    // A body of an id that no decided cut shows counts for nothing.
    let taken = member.handle_body(&world.stream, id(22), facts(22, 0), learned);
    assert_eq!(taken, Ok(false));
}

#[test]
fn what_lapsed_is_logged_again_before_new_ones() {
    let (mut world, mut member) = (World::small(5, 1), member());
    receive(&mut member, &mut world, 5, 5, 0);
    receive(&mut member, &mut world, 3, 3, 0);
    assert_eq!(logged(&mut member, &world), [5, 3].map(id));
    world.slot(&[&[5, 3]]).unwrap();
    member.handle_decided(&world.stream, 2).unwrap();
    for _ in 0..small_limits().log_age_slots_max {
        world.slot(&[]).unwrap();
        member.handle_decided(&world.stream, 0).unwrap();
    }
    receive(&mut member, &mut world, 1, 1, 0);
    assert_eq!(world.stream.live_count(), 0);
    assert_eq!(logged(&mut member, &world), [5, 3, 1].map(id));
    assert_eq!(world.stream.charge(0, ROLLUP).count, 2);
}

#[test]
fn used_nonces_are_followed_only_if_they_were_shown_before() {
    let (mut world, mut member) = (World::small(5, 1), member());
    let learned = BodySource::Learned;
    // Two variants of one nonce; the first is used in the slot that shows the second.
    world.body(1, 1, 0);
    world.body(2, 1, 0);
    world.slot(&[&[], &[1], &[1], &[1, 2], &[1]]).unwrap();
    assert_eq!(world.drained(), [(id(1), DrainOutcome::Included)]);
    member.handle_decided(&world.stream, 0).unwrap();
    member
        .handle_body(&world.stream, id(2), facts(1, 0), learned)
        .unwrap();
    assert_eq!(logged(&mut member, &world), [id(2)]);
    // One that is shown after the nonce was used is not followed.
    world.body(3, 1, 0);
    world.slot(&[&[2], &[3]]).unwrap();
    member.handle_decided(&world.stream, 1).unwrap();
    member
        .handle_body(&world.stream, id(3), facts(1, 0), learned)
        .unwrap();
    assert_eq!(logged(&mut member, &world), []);
    member.weaken(Weakened {
        log_used_nonces: true,
        ..Weakened::NONE
    });
    assert_eq!(logged(&mut member, &world), [id(3)]);
}

#[test]
fn vertices_of_an_undecided_graph_go_in_at_once() {
    let (mut world, mut member) = (World::small(5, 1), member());
    world.everywhere(&[]).unwrap();
    world.body(50, 1, 0);
    world.body(51, 2, 0);
    world.everywhere(&[50, 51]).unwrap();
    world.body(1, 1, 1);
    world.body(2, 2, 1);
    world.body(3, 3, 0);
    world.slot(&[&[], &[2, 1, 3], &[1, 2, 3], &[3]]).unwrap();
    assert_eq!(world.stream.missing_count(ROLLUP, 0), Some(1));
    member.handle_decided(&world.stream, 0).unwrap();
    for (name, sender, nonce) in [(3, 3, 0), (2, 2, 1), (1, 1, 1)] {
        let learned = BodySource::Learned;
        member
            .handle_body(&world.stream, id(name), facts(sender, nonce), learned)
            .unwrap();
    }
    assert_eq!(logged(&mut member, &world), [1, 2, 3].map(id));
}

#[test]
fn new_senders_wait_while_few_cursors_are_free() {
    let limits = FairLimits {
        cursor_count_max: 21,
        ..small_limits()
    };
    let parts = [RollupPart::whole(ROLLUP, &limits)];
    let mut world = World::new(5, 1, &limits, &parts);
    let mut member = FairMember::new(parameters(5, 1), &limits, &parts, 0, [1, 2]).unwrap();
    let mut short = facts(1, 0);
    short.expiry = UnixNs::new(500);
    world.bodies.0.insert(id(1), short);
    world.body(2, 2, 0);
    world.everywhere(&[1, 2]).unwrap();
    assert_eq!(world.stream.free_cursor_count(), 19);
    receive(&mut member, &mut world, 3, 3, 0);
    receive(&mut member, &mut world, 4, 2, 1);
    assert_eq!(logged(&mut member, &world), [id(4)]);
    // Once everything included from a sender has expired, its cursor is free.
    let stamp = [Entry {
        base: Height::ZERO,
        kind: EntryKind::Stamp(UnixNs::new(500)),
    }];
    world.cut(&[Extent::moved(&stamp); 5]).unwrap();
    assert_eq!(world.stream.free_cursor_count(), 20);
    member.handle_decided(&world.stream, 0).unwrap();
    assert_eq!(logged(&mut member, &world), [id(3)]);
}

//! From one epoch to the next, rule by rule.

use std::vec::Vec;

use super::super::*;
use super::world::{ROLLUP, World, entry, facts, id, parameters, small_limits};
use crate::ordering::fair::{Parameters, Rank};
use crate::types::{Epoch, Height, UnixNs};

const STAY: [Option<u32>; 5] = [Some(0), Some(1), Some(2), Some(3), Some(4)];

fn limits() -> FairLimits {
    FairLimits {
        member_count_max: 9,
        leaver_count_max: 2,
        closing_slots_max: 5,
        ..small_limits()
    }
}

fn world() -> World {
    World::new(5, 1, &limits(), &[RollupPart::whole(ROLLUP, &limits())])
}

fn closed(base: Height) -> Entry {
    Entry {
        base,
        kind: EntryKind::Closed,
    }
}

/// A slot in which these logs say that they are closed.
fn close(world: &mut World, logs: &[usize]) {
    let entries = [closed(world.stream.height())];
    let extents: Vec<Extent<'_>> = (0..world.n)
        .map(|log| match logs.contains(&log) {
            true => Extent::moved(&entries),
            false => Extent::moved(&[]),
        })
        .collect();
    world.cut(&extents).unwrap();
}

/// Ends the epoch in two slots.
fn end(world: &mut World) {
    let closing = world.stream.height().next();
    world.stream.close_at(closing).unwrap();
    world.everywhere(&[]).unwrap();
    close(world, &[0, 1, 2, 3]);
    assert_eq!(
        world.stream.epoch_end(),
        Some(EpochEnd {
            height: world.stream.height(),
            is_at_bound: false
        })
    );
}

fn begin(world: &mut World, parameters: Parameters, seats: &[Option<u32>]) {
    let next = NextEpoch { parameters, seats };
    world.stream.begin_epoch(&next).unwrap();
    world.n = parameters.n() as usize;
    assert_eq!(world.stream.verify(), Ok(()));
}

#[test]
fn an_epoch_ends_once_n_minus_f_logs_are_closed() {
    let mut world = world();
    world.everywhere(&[]).unwrap();
    // Nobody can know the closing slot before it is decided.
    world.stream.close_at(Height::new(3)).unwrap();
    close(&mut world, &[0, 1, 2, 3, 4]);
    assert_eq!(
        (world.stream.closed_count(), world.stream.epoch_end()),
        (0, None)
    );
    world.everywhere(&[]).unwrap();
    close(&mut world, &[0, 1, 2]);
    assert_eq!(
        (world.stream.closed_count(), world.stream.epoch_end()),
        (3, None)
    );
    close(&mut world, &[4]);
    let end = EpochEnd {
        height: Height::new(5),
        is_at_bound: false,
    };
    assert_eq!(world.stream.epoch_end(), Some(end));
    let refusal = CutRefusal {
        member: None,
        reason: CutError::LogsEnded,
    };
    assert_eq!(world.everywhere(&[]), Err(ApplyError::Refused(refusal)));
    begin(&mut world, parameters(5, 1), &STAY);
    assert_eq!(world.stream.epoch(), Epoch::new(1));
    assert_eq!(world.stream.closing(), None);
    world.everywhere(&[]).unwrap();
    assert_eq!(world.stream.height(), Height::new(6));
}

#[test]
fn a_bound_ends_an_epoch_whose_logs_stay_open() {
    let mut world = world();
    world.stream.close_at(Height::new(1)).unwrap();
    for _ in 0..5 {
        world.everywhere(&[]).unwrap();
        assert_eq!(world.stream.epoch_end(), None);
    }
    world.everywhere(&[]).unwrap();
    let end = EpochEnd {
        height: Height::new(6),
        is_at_bound: true,
    };
    assert_eq!(world.stream.epoch_end(), Some(end));
}

#[test]
fn an_id_that_logs_can_still_order_keeps_the_epoch_open() {
    let mut world = world();
    for (name, sender, nonce) in [(0, 0, 0), (1, 0, 1), (2, 0, 3), (3, 3, 0)] {
        world.body(name, sender, nonce);
    }
    world.everywhere(&[0]).unwrap();
    world.stream.close_at(Height::new(2)).unwrap();
    // 1 has T heads and its nonce is next; 2 waits for a nonce, and 3 for a base.
    world.slot(&[&[1, 2, 3], &[1, 2, 3]]).unwrap();
    close(&mut world, &[0, 1, 2, 3]);
    assert_eq!(world.stream.epoch_end(), None);
    world.slot(&[&[], &[], &[1]]).unwrap();
    assert_eq!(world.drained(), [(id(1), DrainOutcome::Included)]);
    assert!(world.stream.epoch_end().is_some());
    assert_eq!(world.stream.live_count(), 2);
}

#[test]
fn what_is_first_hand_past_the_closing_slot_is_void() {
    let mut world = world();
    for name in 0..3 {
        world.body(name, name, 0);
    }
    world.slot(&[&[0]]).unwrap();
    world.stream.close_at(Height::new(2)).unwrap();
    let logs: [&[u64]; 2] = [&[], &[1]];
    // Its base is the slot before the closing one.
    world.slot(&logs).unwrap();
    assert!(world.stream.is_live(&id(1)));
    let entries = [entry(Height::new(2), id(0)), entry(Height::new(2), id(2))];
    let late = [entry(Height::new(1), id(2))];
    let extents = [
        Extent::default(),
        Extent::default(),
        Extent::moved(&entries),
        Extent::moved(&[]),
        Extent::moved(&[]),
    ];
    world.cut(&extents).unwrap();
    assert_eq!(world.stream.heads(&id(0)), 2, "it is live at its base");
    assert!(!world.stream.is_live(&id(2)));
    let lost = world.stream.lost_entries();
    assert_eq!(lost.len(), 1);
    assert!(lost[0].is_of(2) && lost[0].reason == LossReason::AfterClosing);
    let mut extents = [Extent::moved(&[]); 5];
    extents[3] = Extent::moved(&late);
    world.cut(&extents).unwrap();
    assert!(world.stream.is_live(&id(2)), "its base lies before");
}

#[test]
fn the_queue_goes_on() {
    let mut world = world();
    for name in 0..3 {
        world.body(name, name, 0);
    }
    world.rollups[0].is_paused = true;
    world.everywhere(&[2, 0, 1]).unwrap();
    end(&mut world);
    begin(&mut world, parameters(9, 2), &STAY);
    assert_eq!(world.stream.live_count(), 3);
    assert_eq!(world.stream.charge(4, ROLLUP).count, 3);
    assert_eq!(world.stream.charge(5, ROLLUP).count, 0);
    // Longer than what waits outside would last.
    for _ in 0..9 {
        world.everywhere(&[]).unwrap();
    }
    world.rollups[0].is_paused = false;
    world.everywhere(&[]).unwrap();
    let order = [2, 0, 1].map(|name| (id(name), DrainOutcome::Included));
    assert_eq!(world.drained(), order);
    assert_eq!(world.stream.charge(4, ROLLUP), Charge::default());
}

#[test]
fn what_is_carried_lapses_like_an_entry_and_is_charged_as_long_again() {
    let mut world = world();
    world.body(0, 0, 0);
    world.slot(&[&[], &[0]]).unwrap();
    end(&mut world);
    begin(
        &mut world,
        parameters(5, 1),
        &[Some(0), None, Some(1), Some(2), Some(3)],
    );
    assert_eq!(world.stream.heads(&id(0)), 0);
    assert!(world.stream.is_live(&id(0)));
    assert_eq!(world.stream.charged_members(&id(0)).count(), 0);
    assert_eq!(world.stream.charge_of_leavers(ROLLUP).count, 1);
    for _ in 0..5 {
        world.everywhere(&[]).unwrap();
    }
    assert!(world.stream.is_live(&id(0)));
    world.everywhere(&[]).unwrap();
    assert!(!world.stream.is_live(&id(0)));
    assert_eq!(world.stream.lapsed_ids(), [id(0)]);
    for _ in 0..6 {
        world.everywhere(&[]).unwrap();
    }
    assert_eq!(world.stream.charge_of_leavers(ROLLUP).count, 1);
    world.everywhere(&[]).unwrap();
    assert_eq!(world.stream.charge_of_leavers(ROLLUP), Charge::default());
}

#[test]
fn a_log_that_brings_a_carried_id_again_is_not_charged() {
    let mut world = world();
    for name in 0..4 {
        world.body(name, name, 0);
    }
    world.slot(&[&[0, 1, 2, 3]]).unwrap();
    end(&mut world);
    let seats = [Some(4), Some(3), Some(2), Some(1), Some(0)];
    begin(&mut world, parameters(5, 1), &seats);
    assert_eq!(world.stream.charge(4, ROLLUP).count, 4);
    world.everywhere(&[3, 1, 2, 0]).unwrap();
    let order = [3, 1, 2, 0].map(|name| (id(name), DrainOutcome::Included));
    assert_eq!(world.drained(), order);
}

#[test]
fn graphs_are_dissolved_at_the_bound() {
    let mut world = world();
    for name in 0..6 {
        world.body(name, name, 0);
    }
    world.everywhere(&[3, 4]).unwrap();
    world.body(0, 3, 1);
    world.body(1, 4, 1);
    // 0 and 1 are shaded and have no edge.
    let open: [&[u64]; 5] = [&[0, 1, 2], &[1, 0, 2], &[2], &[], &[]];
    world.slot(&open).unwrap();
    assert_eq!(world.stream.missing_count(ROLLUP, 0), Some(1));
    let closing = world.stream.height().next();
    world.stream.close_at(closing).unwrap();
    for _ in 0..6 {
        world.everywhere(&[]).unwrap();
    }
    let end = world.stream.epoch_end().unwrap();
    assert!(end.is_at_bound);
    assert_eq!(world.stream.graph_count(ROLLUP), 1);
    begin(&mut world, parameters(5, 1), &STAY);
    assert_eq!(world.stream.graph_count(ROLLUP), 0);
    assert_eq!(world.stream.live_count(), 3);
    world.everywhere(&[1, 0, 2]).unwrap();
    let order = [1, 0, 2].map(|name| (id(name), DrainOutcome::Included));
    assert_eq!(world.drained(), order);
}

#[test]
fn a_closing_slot_lies_ahead_and_is_decided_once() {
    let mut world = world();
    world.everywhere(&[]).unwrap();
    let stream = &mut world.stream;
    assert_eq!(
        stream.close_at(Height::new(1)),
        Err(EpochError::ClosingNotAhead)
    );
    stream.close_at(Height::new(2)).unwrap();
    assert_eq!(
        stream.close_at(Height::new(4)),
        Err(EpochError::ClosingDecided)
    );
    let next = NextEpoch {
        parameters: parameters(5, 1),
        seats: &STAY,
    };
    assert_eq!(stream.begin_epoch(&next), Err(EpochError::EpochNotEnded));
    world.everywhere(&[]).unwrap();
    close(&mut world, &[0, 1, 2, 3]);
    let again = world.stream.close_at(Height::new(9));
    assert_eq!(again, Err(EpochError::LogsEnded));
}

#[test]
fn a_committee_that_the_limits_do_not_allow_is_refused() {
    let mut world = world();
    for name in 0..15 {
        world.body(name, name, 0);
    }
    let full: [&[u64]; 3] = [&[0, 1, 2, 3], &[4, 5, 6, 7], &[8, 9, 10, 11]];
    world.slot(&full).unwrap();
    end(&mut world);
    let before = world.stream.state_hash();
    let ten = parameters(10, 1);
    let median = Parameters::median(5).unwrap();
    let twice = [Some(0), Some(1), Some(1), Some(3), Some(4)];
    let beyond = [Some(0), Some(1), Some(2), Some(3), Some(5)];
    let too_many_leave = [None, None, None, Some(3), Some(4)];
    for (own, seats, error) in [
        (ten, &STAY[..], EpochError::TooManyMembers),
        (median, &STAY[..], EpochError::OrderKindChanged),
        (parameters(5, 1), &STAY[..4], EpochError::SeatsContradict),
        (parameters(5, 1), &twice[..], EpochError::SeatsContradict),
        (parameters(5, 1), &beyond[..], EpochError::SeatsContradict),
        (
            parameters(5, 1),
            &too_many_leave[..],
            EpochError::TooManyLeavers,
        ),
    ] {
        let next = NextEpoch {
            parameters: own,
            seats,
        };
        assert_eq!(world.stream.begin_epoch(&next), Err(error));
        assert_eq!(world.stream.state_hash(), before);
    }
    let two_leave = [None, None, Some(2), Some(3), Some(4)];
    begin(&mut world, parameters(5, 1), &two_leave);
    assert_eq!(world.stream.charge_of_leavers(ROLLUP).count, 8);
}

#[test]
fn limits_name_the_largest_committee() {
    let check = |limits: FairLimits, n| {
        let parts = [RollupPart::whole(ROLLUP, &limits)];
        limits.check(parameters(n, 1), &parts)
    };
    let wide = FairLimits {
        cursor_count_max: 1 << 12,
        ..limits()
    };
    assert_eq!(wide.live_ids_max(parameters(5, 1)), 44);
    assert_eq!(check(wide, 9), Ok(()));
    let with = |member_count_max, leaver_count_max, closing_slots_max| FairLimits {
        member_count_max,
        leaver_count_max,
        closing_slots_max,
        ..wide
    };
    let out = Err(StreamConfigError::LimitOutOfRange);
    assert_eq!(check(with(128, 0, 5), 5), Ok(()));
    assert_eq!(
        check(with(128, 1, 5), 5),
        Err(StreamConfigError::TooManyLogs)
    );
    assert_eq!(check(with(127, 1, 5), 5), Ok(()));
    assert_eq!(
        check(with(129, 0, 5), 5),
        Err(StreamConfigError::TooManyLogs)
    );
    assert_eq!(check(with(9, 129, 5), 5), out);
    assert_eq!(check(with(9, 1, 4), 5), out);
    let few = FairLimits {
        cursor_count_max: 44,
        ..wide
    };
    assert_eq!(check(few, 5), Err(StreamConfigError::TooFewCursors));
}

/// What a member signs now.
fn signed(member: &mut FairMember, stream: &FairStream, stamp: u64, room: usize) -> Vec<EntryKind> {
    let mut out = std::vec![entry(Height::ZERO, id(0)); room];
    let stamp = Some(UnixNs::new(stamp));
    let count = member.poll_entries(stream, &NoAccounts, stamp, &mut out);
    out[..count].iter().map(|entry| entry.kind).collect()
}

#[test]
fn under_median_timestamps_a_new_log_repeats_the_stamps_of_the_old_one() {
    let own = Parameters::median(5).unwrap();
    let parts = [RollupPart::whole(ROLLUP, &limits())];
    let key = [3, 5];
    let stream = FairStream::new(own, &limits(), &parts, Rank::Copeland, key).unwrap();
    let mut world = World { stream, ..world() };
    let member = |me| FairMember::new(own, &limits(), &parts, me, key).unwrap();
    let mut members: Vec<FairMember> = (0..5).map(member).collect();
    // The later one has the smaller id.
    let (early, late) = (world.body(2, 2, 0), world.body(1, 1, 0));
    for member in &mut members {
        for (one, nonce, stamp) in [(early, 2, 10), (late, 1, 20)] {
            let source = BodySource::FirstHand;
            let given = member.handle_body(&world.stream, one, facts(nonce, 0), source);
            assert_eq!(given, Ok(true));
            signed(member, &world.stream, stamp, 24);
        }
    }
    world.stream.close_at(Height::new(1)).unwrap();
    for _ in 0..6 {
        world.everywhere(&[]).unwrap();
    }
    assert!(world.stream.epoch_end().unwrap().is_at_bound);
    for (me, member) in (0..).zip(&mut members) {
        assert_eq!(signed(member, &world.stream, 90, 24), []);
        member.begin_epoch(&world.stream, me).unwrap();
    }
    begin(&mut world, own, &STAY);
    let stamp = |stamp| EntryKind::Stamp(UnixNs::new(stamp));
    let first = [stamp(10), EntryKind::Id(early), stamp(20)];
    let then = [EntryKind::Id(late), stamp(100)];
    let mut logs: Vec<Vec<Entry>> = Vec::new();
    for member in &mut members {
        assert_eq!(signed(member, &world.stream, 100, 3), first);
        assert_eq!(signed(member, &world.stream, 100, 24), then);
        logs.push(member.tail().collect());
    }
    let extents: Vec<Extent<'_>> = logs.iter().map(|log| Extent::moved(log)).collect();
    world.cut(&extents).unwrap();
    let order = [early, late].map(|one| (one, DrainOutcome::Included));
    assert_eq!(world.drained(), order);
}

#[test]
fn a_member_begins_an_epoch_when_the_last_one_has_ended() {
    let mut world = world();
    let parts = [RollupPart::whole(ROLLUP, &limits())];
    let own = parameters(5, 1);
    let mut member = FairMember::new(own, &limits(), &parts, 1, [3, 5]).unwrap();
    let early = member.begin_epoch(&world.stream, 0);
    assert_eq!(early, Err(MemberError::EpochNotEnded));
    let one = world.body(1, 1, 0);
    let given = member.handle_body(&world.stream, one, facts(1, 0), BodySource::FirstHand);
    assert_eq!(given, Ok(true));
    world.stream.close_at(Height::new(1)).unwrap();
    world.everywhere(&[]).unwrap();
    member.handle_decided(&world.stream, 0).unwrap();
    let stamp = EntryKind::Stamp(UnixNs::new(7));
    // It says once that it is closed, and logs nothing first-hand any more.
    assert_eq!(
        signed(&mut member, &world.stream, 7, 24),
        [stamp, EntryKind::Closed]
    );
    assert_eq!(signed(&mut member, &world.stream, 7, 24), [stamp]);
    let waiting: Vec<LoggedId> = member.waiting(&world.stream).map(|(id, _)| id).collect();
    assert_eq!(waiting, [one]);
    close(&mut world, &[0, 1, 2, 3]);
    let unknown = member.begin_epoch(&world.stream, 9);
    assert_eq!(unknown, Err(MemberError::UnknownMember));
    member.begin_epoch(&world.stream, 8).unwrap();
    begin(
        &mut world,
        parameters(9, 2),
        &[None, Some(8), Some(2), Some(3), Some(4)],
    );
    assert_eq!(
        signed(&mut member, &world.stream, 8, 24),
        [EntryKind::Stamp(UnixNs::new(8)), EntryKind::Id(one)]
    );
}

/// Member 1 signs an id that a slot drains without it; then a liar brings the id again.
#[test]
fn what_was_drained_since_it_was_signed_is_not_carried_on() {
    let mut world = world();
    let parts = [RollupPart::whole(ROLLUP, &limits())];
    let own = parameters(5, 1);
    let mut member = FairMember::new(own, &limits(), &parts, 1, [3, 5]).unwrap();
    let one = world.body(1, 1, 0);
    let given = member.handle_body(&world.stream, one, facts(1, 0), BodySource::FirstHand);
    assert_eq!(given, Ok(true));
    signed(&mut member, &world.stream, 7, 24);
    let logs: [&[u64]; 5] = [&[1], &[], &[1], &[1], &[]];
    world.slot(&logs).unwrap();
    assert_eq!(world.drained(), [(one, DrainOutcome::Included)]);
    member.handle_decided(&world.stream, 0).unwrap();
    world.stream.close_at(Height::new(2)).unwrap();
    let again: [&[u64]; 5] = [&[], &[], &[], &[], &[1]];
    world.slot(&again).unwrap();
    assert!(world.stream.is_live(&one));
    member.handle_decided(&world.stream, 0).unwrap();
    close(&mut world, &[0, 1, 2, 3]);
    member.handle_decided(&world.stream, 0).unwrap();
    assert_eq!(member.waiting(&world.stream).count(), 1);
    member.begin_epoch(&world.stream, 1).unwrap();
    begin(&mut world, own, &STAY);
    let stamp = EntryKind::Stamp(UnixNs::new(8));
    assert_eq!(signed(&mut member, &world.stream, 8, 24), [stamp]);
}

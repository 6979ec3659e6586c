//! Rules 20 to 24: how an epoch ends, and what the next one begins with.

use hauptbuch_core::ordering::fair::stream::Weakened;
use hauptbuch_sim::fair_world::{Decided, End, Number, Rules};

use crate::committee::{Committee, rules};

const HONEST: [u32; 4] = [0, 1, 2, 3];
const STAY: [Option<u32>; 5] = [Some(0), Some(1), Some(2), Some(3), Some(4)];

/// Five members, whose epochs end ten slots after the closing slot at the latest.
fn closing_rules(first_hand_count_max: u32) -> Rules {
    let mut rules = rules(5, first_hand_count_max);
    rules.make_room_for(5);
    rules.closing_slots_max = 10;
    rules
}

/// Senders whose first transactions are included, so that their next ones may be shaded.
fn known_senders(logs: &mut Committee, count: u32) {
    let firsts: Vec<Number> = (0..count).map(|sender| logs.write(0, sender, 0)).collect();
    for member in HONEST {
        logs.send(member, &firsts);
    }
    let all: Vec<(u32, &[Number])> = (0..5).map(|log| (log, &firsts[..])).collect();
    logs.step(&[], &all);
    for _ in 0..count {
        if logs.included_count() < count as usize {
            logs.steps(1);
        }
    }
    assert_eq!(logs.included_count(), count as usize);
}

/// Steps until the epoch ends; after how many slots that was, and whether at its bound.
fn end(logs: &mut Committee, slots_max: u64, stale: &[u32]) -> Option<(u64, bool)> {
    let before = logs.slot;
    while logs.slot < before + slots_max {
        logs.step(stale, &[]);
        if let Some(is_at_bound) = logs.state.epoch_end() {
            return Some((logs.slot - before, is_at_bound));
        }
    }
    None
}

/// Clients go on sending, each slot to two members, which is enough for a graph to need it.
#[test]
fn rule_20_nothing_new_enters_an_epoch_that_closes() {
    let run = |weakened| {
        let mut logs = Committee::new(&closing_rules(4), &HONEST, weakened);
        known_senders(&mut logs, 40);
        logs.close_at(logs.slot + 2);
        let mut sender = 0;
        while logs.state.epoch_end().is_none() {
            let number = logs.write(0, sender, 1);
            logs.send(sender % 4, &[number]);
            logs.send((sender + 1) % 4, &[number]);
            logs.step(&[], &[]);
            sender += 1;
        }
        let ended_at_bound = logs.state.epoch_end() == Some(true);
        logs.begin(&STAY, &[], weakened);
        logs.steps(20);
        (
            ended_at_bound,
            logs.included_count() == 40 + sender as usize,
        )
    };
    assert_eq!(run(Weakened::default()), (false, true));
    let weakened = Weakened {
        first_hand_after_closing: true,
        ..Weakened::default()
    };
    assert_eq!(run(weakened), (true, true), "the epoch never gets empty");
}

/// Every honest log has a before b. h0 and the Byzantine log are covered when the closing slot is
/// decided; then h0 is replaced by a liar, and the liar by an honest member that received b first.
#[test]
fn rule_21_an_epoch_ends_when_logs_are_closed_and_no_id_can_be_ordered() {
    let run = |weakened| {
        let mut logs = Committee::new(&closing_rules(8), &[], weakened);
        known_senders(&mut logs, 2);
        let (b, a) = (logs.write(0, 0, 1), logs.write(0, 1, 1));
        logs.close_at(2);
        logs.step(&[1, 2, 3], &[(0, &[a, b]), (4, &[b, a])]);
        if logs.state.epoch_end().is_some() {
            let seats = [None, Some(1), Some(2), Some(3), None];
            logs.begin(&seats, &[], weakened);
            let new: [(u32, &[Number]); 4] =
                [(0, &[b, a]), (4, &[b, a]), (1, &[a, b]), (2, &[a, b])];
            logs.step(&[3], &new);
        } else {
            let rest: [(u32, &[Number]); 3] = [(1, &[a, b]), (2, &[a, b]), (3, &[a, b])];
            let base = logs.slot - 1;
            logs.step_at(base, &[], &rest);
        }
        logs.order_of(&[a, b]) == [a, b]
    };
    assert!(run(Weakened::default()));
    let weakened = Weakened {
        end_without_logs: true,
        ..Weakened::default()
    };
    assert!(
        !run(weakened),
        "one liar in each committee, and the pair is reversed"
    );
}

/// Two honest logs are not covered any more: with f = 1 that is one too many for n - f.
#[test]
fn rule_22_an_epoch_ends_at_its_bound_whoever_is_silent() {
    let run = |weakened| {
        let mut logs = Committee::new(&closing_rules(4), &HONEST, weakened);
        logs.steps(1);
        logs.close_at(2);
        end(&mut logs, 100, &[2, 3])
    };
    assert_eq!(run(Weakened::default()), Some((11, true)));
    let weakened = Weakened {
        no_bound: true,
        ..Weakened::default()
    };
    assert_eq!(run(weakened), None, "the committee can't change any more");
}

/// The cut has h0 `yxz`, h1 `z`, h2 `z`, and the Byzantine log `xyz`; every honest log has y before
/// x, and no more is covered before the bound.
#[test]
fn rule_22_graphs_with_a_missing_pair_are_dissolved_at_the_bound() {
    let run = |weakened| {
        let mut logs = Committee::new(&closing_rules(8), &[], weakened);
        known_senders(&mut logs, 2);
        let (x, y) = (logs.write(0, 0, 1), logs.write(0, 1, 1));
        let [z] = logs.several(1)[..] else {
            unreachable!()
        };
        logs.close_at(2);
        logs.step(
            &[3],
            &[(0, &[y, x, z]), (1, &[z]), (2, &[z]), (4, &[x, y, z])],
        );
        assert_eq!(logs.missing_count(), 1);
        let stale = [0, 1, 2, 3, 4];
        assert_eq!(end(&mut logs, 20, &stale), Some((10, true)));
        logs.begin(&STAY, &[], weakened);
        let logged: [(u32, &[Number]); 5] = [
            (0, &[y, x, z]),
            (1, &[z, y, x]),
            (2, &[z, y, x]),
            (3, &[y, x, z]),
            (4, &[x, y, z]),
        ];
        logs.step(&[], &logged);
        logs.steps(2);
        logs.order_of(&[x, y]) == [y, x]
    };
    assert!(run(Weakened::default()));
    let weakened = Weakened {
        missing_edges_by_id: true,
        ..Weakened::default()
    };
    assert!(!run(weakened), "xyz: reversed");
}

/// Four members bring two ids each and learn the others', but only first-hand entries are covered;
/// so eight survive, and a member may be charged with two.
#[test]
fn rule_23_survivors_stay_live_with_their_charges() {
    let run = |weakened| {
        let mut logs = Committee::new(&closing_rules(2), &HONEST, weakened);
        let mut survivors = vec![];
        for member in HONEST {
            let own = logs.several(2);
            logs.send(member, &own);
            survivors.extend(own);
        }
        logs.step(&[], &[]);
        logs.close_at(2);
        let ended = end(&mut logs, 20, &HONEST);
        assert_eq!(ended, Some((11, true)));
        assert_eq!(logs.included_count(), 0);
        logs.begin(&STAY, &[], weakened);
        logs.step(&[], &[]);
        (logs.refused, logs.order_of(&survivors).len())
    };
    assert_eq!(run(Weakened::default()), (0, 8));
    let weakened = Weakened {
        carried_charged_anew: true,
        ..Weakened::default()
    };
    let (refused, drained) = run(weakened);
    assert!(
        refused > 0 && drained < 8,
        "{refused} times no cut could contain them"
    );
}

/// `a` stands first in every honest log, uncovered at the boundary; b, which the Byzantine log has
/// shown, stands behind it.
#[test]
fn rule_23_new_logs_begin_with_what_the_old_ones_held_in_its_order() {
    let run = |weakened| {
        let mut logs = Committee::new(&closing_rules(2), &HONEST, weakened);
        logs.steps(1);
        let [a, b] = logs.several(2)[..] else {
            unreachable!()
        };
        for member in HONEST {
            logs.send(member, &[a]);
        }
        logs.close_at(3);
        logs.step(&HONEST, &[(4, &[b])]);
        for member in HONEST {
            logs.learn(member, &[b]);
        }
        assert_eq!(end(&mut logs, 20, &HONEST), Some((11, true)));
        logs.begin(&STAY, &[], weakened);
        logs.steps(3);
        assert_eq!(logs.order_of(&[a, b]).len(), 2);
        logs.order_of(&[a, b]) == [a, b]
    };
    assert!(run(Weakened::default()));
    let weakened = Weakened {
        carried_waits: true,
        ..Weakened::default()
    };
    assert!(!run(weakened), "b passes it: a protected pair reversed");
}

/// A client sends everything to one member, which leaves, and so does the one that replaces it.
#[test]
fn rule_24_what_waits_in_a_line_is_handed_on() {
    let run = |weakened| {
        let mut logs = Committee::new(&closing_rules(2), &HONEST, weakened);
        let sent = logs.several(6);
        logs.send(0, &sent);
        logs.close_at(1);
        let replaced = [None, Some(1), Some(2), Some(3), Some(4)];
        for _ in 0..2 {
            let ended = end(&mut logs, 20, &[]);
            assert!(ended.is_some_and(|(_, is_at_bound)| !is_at_bound));
            logs.begin(&replaced, &[0], weakened);
            let closing = logs.slot + 1;
            logs.close_at(closing);
        }
        assert!(end(&mut logs, 20, &[]).is_some());
        logs.begin(&STAY, &[], weakened);
        logs.steps(20);
        let included = sent
            .iter()
            .filter(|number| logs.outcome(**number) == Some(End::Included));
        included.count()
    };
    assert_eq!(run(Weakened::default()), 6);
    let weakened = Weakened {
        lines_stay: true,
        ..Weakened::default()
    };
    assert_eq!(run(weakened), 2, "what waited with the first one is lost");
}

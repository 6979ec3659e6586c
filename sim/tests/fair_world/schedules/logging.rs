//! Rules 1 to 5: what an honest member logs.

use hauptbuch_core::ordering::fair::stream::Weakened;
use hauptbuch_sim::fair_world::{End, Entry, Kind, Number};

use crate::committee::{Committee, rules};

const HONEST: [u32; 4] = [0, 1, 2, 3];

#[test]
fn rule_1_an_id_without_a_body_stops_nobody() {
    let run = |weakened| {
        let mut logs = Committee::new(&rules(5, 4), &HONEST, weakened);
        // Of two ghosts one is always live; each is logged again whenever it has lapsed.
        let ghosts = logs.several(2);
        logs.step(&[], &[(4, &ghosts[..1])]);
        let ids = logs.several(8);
        for member in HONEST {
            logs.send(member, &ids);
        }
        logs.step(&[], &[(4, &ghosts[..1])]);
        for _ in 0..40 {
            logs.step(&[], &[(4, &ghosts)]);
        }
        logs.included_count()
    };
    assert_eq!(run(Weakened::default()), 8);
    let weakened = Weakened {
        log_without_body: true,
        ..Weakened::default()
    };
    assert_eq!(run(weakened), 0, "every honest log stops before the ghost");
}

/// h0 brings two ids that nobody else can get; their entries lapse and they expire; then two more.
#[test]
fn rule_2_the_budget_is_counted_as_the_cut_counts_it() {
    let run = |weakened| {
        let mut logs = Committee::new(&rules(5, 2), &HONEST, weakened);
        logs.fetches = false;
        let old = logs.several(2);
        for number in &old {
            logs.book[*number as usize].expiry_ns = 6_000_000_000;
        }
        logs.send(0, &old);
        logs.steps(8);
        let new = logs.several(2);
        logs.send(0, &new);
        logs.steps(3);
        let refused = logs.refused;
        logs.fetches = true;
        for member in HONEST {
            logs.send(member, &new);
        }
        logs.steps(20);
        (refused, logs.included_count())
    };
    assert_eq!(run(Weakened::default()), (0, 2));
    let weakened = Weakened {
        budget_by_own_log: true,
        ..Weakened::default()
    };
    let (refused, _) = run(weakened);
    assert!(refused > 0, "an honest log was cut short {refused} times");
}

/// Each member gets its own variant of one nonce, and its budget is full of its own.
#[test]
fn rule_3_what_is_learned_needs_no_budget() {
    let run = |weakened| {
        let mut logs = Committee::new(&rules(5, 2), &HONEST, weakened);
        let mut own = vec![];
        for member in HONEST {
            let ids = logs.several(4);
            logs.send(member, &ids);
            own.extend(ids);
        }
        logs.steps(40);
        logs.order_of(&own).len()
    };
    assert_eq!(run(Weakened::default()), 16);
    let weakened = Weakened {
        learned_needs_budget: true,
        ..Weakened::default()
    };
    let drained = run(weakened);
    assert!(
        drained < 16,
        "{drained} of 16 that stand in some honest log"
    );
}

/// The variant of h0 is included before the others learn of those of h2 and h3, whose cuts were
/// shown before that.
#[test]
fn rule_3_variants_that_were_shown_in_time_are_drained() {
    let run = |weakened| {
        let mut logs = Committee::new(&rules(5, 4), &HONEST, weakened);
        let variants: Vec<Number> = (0..4).map(|_| logs.write(0, 7, 0)).collect();
        logs.send(0, &variants[..1]);
        logs.send(1, &variants[1..2]);
        logs.send(2, &variants[2..3]);
        logs.send(3, &variants[3..]);
        logs.fetches = false;
        logs.step(&[], &[]);
        // Only the first one reaches everybody before it is included.
        for member in [1, 2, 3] {
            logs.send(member, &variants[..1]);
        }
        logs.steps(2);
        assert_eq!(logs.outcome(variants[0]), Some(End::Included));
        logs.fetches = true;
        for member in HONEST {
            logs.send(member, &variants);
        }
        logs.steps(5);
        logs.order_of(&variants).len()
    };
    assert_eq!(run(Weakened::default()), 4);
    let weakened = Weakened {
        drop_learned_variants: true,
        ..Weakened::default()
    };
    assert_eq!(
        run(weakened),
        1,
        "the others wait in one log each, for ever"
    );
}

/// The Byzantine member logs nonce 1 at once; nonce 0 comes ten slots later.
#[test]
fn rule_3_a_learned_id_waits_for_lower_nonces() {
    let run = |weakened| {
        let mut logs = Committee::new(&rules(5, 4), &HONEST, weakened);
        let (first, second) = (logs.write(0, 7, 0), logs.write(0, 7, 1));
        for member in HONEST {
            logs.send(member, &[second]);
        }
        logs.step(&[], &[(4, &[second])]);
        logs.steps(3);
        for member in HONEST {
            logs.send(member, &[first]);
        }
        logs.steps(20);
        (logs.outcome(first), logs.outcome(second))
    };
    let both = (Some(End::Included), Some(End::Included));
    assert_eq!(run(Weakened::default()), both);
    let weakened = Weakened {
        learned_ignores_nonces: true,
        ..Weakened::default()
    };
    let (first, second) = run(weakened);
    assert!((first, second) != both, "{first:?} and {second:?}");
}

/// The Byzantine member logs what was drained long ago, again and again.
#[test]
fn rule_3_used_nonces_are_not_logged_again() {
    let run = |weakened| {
        let mut logs = Committee::new(&rules(5, 4), &HONEST, weakened);
        let ids = logs.several(3);
        for member in HONEST {
            logs.send(member, &ids);
        }
        logs.steps(3);
        assert_eq!(logs.included_count(), 3);
        for _ in 0..10 {
            logs.step(&[], &[(4, &ids)]);
            for member in HONEST {
                logs.learn(member, &ids);
            }
            logs.steps(2);
        }
        logs.drained.len() - 3
    };
    assert_eq!(run(Weakened::default()), 0);
    let weakened = Weakened {
        log_used_nonces: true,
        ..Weakened::default()
    };
    let duplicates = run(weakened);
    assert!(
        duplicates > 10,
        "{duplicates} duplicates drained as no-ops that cost nothing"
    );
}

/// Budgets are full of a graph's own ids: h0 has x1 x2 first, the Byzantine log x2 x1.
#[test]
fn rules_4_and_6_vertices_of_an_undecided_graph_need_no_budget() {
    let run = |weakened| {
        let mut logs = Committee::new(&rules(5, 2), &HONEST, weakened);
        // Their senders are known, so that shaded ids may enter.
        for sender in 0..8 {
            let first = logs.write(0, sender, 0);
            logs.send(sender / 2, &[first]);
        }
        logs.steps(6);
        assert_eq!(logs.included_count(), 8);
        let second: Vec<Number> = (0..8).map(|sender| logs.write(0, sender, 1)).collect();
        let [x1, x2, j1, j2, k1, k2, l1, l2] = second[..] else {
            unreachable!()
        };
        logs.fetches = false;
        for (member, own) in [(0, [x1, x2]), (1, [l1, l2]), (2, [k1, k2]), (3, [j1, j2])] {
            logs.send(member, &own);
        }
        logs.step(&[4], &[]);
        logs.fetches = true;
        for (member, others) in [
            (0, vec![j1, j2, k1, k2, l1, l2]),
            (1, vec![j1, j2, k1, k2]),
            (2, vec![j1, j2, l1, l2]),
        ] {
            logs.learn(member, &others);
        }
        logs.step(&[2, 3], &[(4, &[x2, x1, j1, j2])]);
        for member in [1, 2, 3] {
            logs.learn(member, &[x1, x2]);
        }
        let was_missing = logs.missing_count();
        logs.steps(40);
        (was_missing, logs.order_of(&[x1, x2]).len())
    };
    assert_eq!(run(Weakened::default()), (1, 2));
    let weakened = Weakened {
        vertices_need_budget: true,
        ..Weakened::default()
    };
    assert_eq!(run(weakened), (1, 0), "the pair is missing for ever");
}

/// h1 has a variant that the very slot shows which includes the other one.
#[test]
fn rule_3_a_variant_shown_in_the_slot_that_uses_its_nonce_is_drained() {
    let run = |weakened| {
        let mut logs = Committee::new(&rules(5, 4), &HONEST, weakened);
        let (used, other) = (logs.write(0, 7, 0), logs.write(0, 7, 0));
        logs.send(1, &[other]);
        for member in HONEST {
            logs.send(member, &[used]);
        }
        logs.step(&[], &[]);
        assert_eq!(logs.outcome(used), Some(End::Included));
        assert_eq!(logs.outcome(other), None);
        logs.steps(5);
        logs.outcome(other)
    };
    assert_eq!(run(Weakened::default()), Some(End::Superseded));
    let weakened = Weakened {
        drop_learned_variants: true,
        ..Weakened::default()
    };
    assert_eq!(run(weakened), None);
}

/// h0 alone has a and b, whose entries lapse; then it learns of d, and a client sends it c.
#[test]
fn rule_5_what_lapsed_is_logged_again_in_its_order_and_first() {
    let mut logs = Committee::new(&rules(5, 4), &HONEST, Weakened::default());
    logs.fetches = false;
    let [d, c, b, a] = logs.several(4)[..] else {
        unreachable!()
    };
    logs.send(0, &[a, b]);
    logs.steps(6);
    logs.step(&[], &[(4, &[d])]);
    assert_eq!(logs.lost_count, 2, "both entries have lapsed");
    logs.learn(0, &[d]);
    logs.send(0, &[c]);
    logs.step(&[0], &[]);
    let named = |entry: Entry| match entry.kind {
        Kind::Id(number) => Some(number),
        Kind::Stamp(_) | Kind::Closed => None,
    };
    let tail = logs.members[0].as_ref().unwrap().tail();
    let named: Vec<Number> = tail.into_iter().filter_map(named).collect();
    assert_eq!(named, [a, b, d, c]);
}

//! Rules 8, 11 and 12: what lapses, who enters a graph, and which place is whose. That a path which
//! ends in a solid id is always found is shown where graphs are ranked.

use hauptbuch_core::ordering::fair::stream::Weakened;
use hauptbuch_sim::fair_world::{End, Number};

use crate::committee::{Committee, rules};

/// A committee whose logs are all scripted.
fn scripted(n: u32, weakened: Weakened) -> Committee {
    Committee::new(&rules(n, 8), &[], weakened)
}

#[test]
fn rule_8_entries_lapse_and_not_ids() {
    let run = |weakened| {
        let mut logs = scripted(6, weakened);
        let [u, v, z] = logs.several(3)[..] else {
            unreachable!()
        };
        logs.step(&[], &[(5, &[u, v])]);
        logs.steps(5);
        // The slot in which the Byzantine entries lapse covers those of h0 and h1.
        logs.step(&[], &[(0, &[u, v]), (1, &[u, v])]);
        logs.step(
            &[],
            &[(2, &[u, v, z]), (3, &[v, u, z]), (5, &[z]), (0, &[z])],
        );
        logs.steps(30);
        logs.order_of(&[u, v, z]).len()
    };
    assert_eq!(run(Weakened::default()), 3);
    let lapse_ids = Weakened {
        lapse_ids: true,
        ..Weakened::default()
    };
    assert_eq!(
        run(lapse_ids),
        0,
        "u and v wait for an edge that never comes"
    );
}

#[test]
fn rule_8_only_slots_that_move_n_minus_f_logs_age() {
    let run = |weakened| {
        let mut logs = scripted(13, weakened);
        let ids = logs.several(4);
        let away = [10, 11, 12];
        let all: Vec<(u32, &[Number])> = (0..10).map(|log| (log, &ids[..])).collect();
        logs.step(&away, &all);
        for _ in 0..37 {
            logs.step(&away, &[]);
        }
        let lost = logs.lost_count;
        logs.step(&[], &[(10, &ids), (11, &ids)]);
        (lost, logs.included_count())
    };
    assert_eq!(run(Weakened::default()), (0, 4));
    let age_every_slot = Weakened {
        age_every_slot: true,
        ..Weakened::default()
    };
    let (lost, included) = run(age_every_slot);
    assert!(
        lost > 0 && included == 0,
        "{lost} ids lost entries, {included} were included"
    );
}

/// The sender of nonce 0, 1, 2: the first one is included, so that there is a cursor.
fn with_cursor(weakened: Weakened) -> (Committee, [Number; 3]) {
    let mut logs = scripted(5, weakened);
    let first = logs.write(0, 7, 0);
    let (a, b) = (logs.write(0, 7, 1), logs.write(0, 7, 2));
    let c = logs.write(0, 8, 0);
    let all: Vec<(u32, &[Number])> = (0..5)
        .map(|log| (log, std::slice::from_ref(&first)))
        .collect();
    logs.step(&[], &all);
    assert_eq!(logs.outcome(first), Some(End::Included));
    (logs, [a, b, c])
}

#[test]
fn rule_11_an_id_waits_outside_while_a_nonce_before_it_is_missing() {
    let run = |weakened, byzantine_has_a: bool| {
        let (mut logs, [a, b, c]) = with_cursor(weakened);
        let byzantine = if byzantine_has_a {
            vec![b, c, a]
        } else {
            vec![b, c]
        };
        logs.step(&[2, 3], &[(0, &[a, b, c]), (1, &[c]), (4, &byzantine)]);
        logs.step(&[], &[(1, &[a, b]), (2, &[a, b, c]), (3, &[a, b, c])]);
        logs.steps(2);
        (logs.outcome(a), logs.outcome(b))
    };
    let weakened = Weakened {
        no_holding_back: true,
        ..Weakened::default()
    };
    for byzantine_has_a in [false, true] {
        let both = (Some(End::Included), Some(End::Included));
        assert_eq!(run(Weakened::default(), byzantine_has_a), both);
        let (_, b) = run(weakened, byzantine_has_a);
        assert_eq!(
            b,
            Some(End::Gap),
            "although every honest log has a before b"
        );
    }
}

#[test]
fn rule_11_only_a_solid_id_sets_a_base() {
    let run = |weakened| {
        let mut logs = scripted(5, weakened);
        let (a, b) = (logs.write(0, 7, 5), logs.write(0, 7, 6));
        let c = logs.write(0, 8, 0);
        logs.step(&[2, 3], &[(0, &[a, b, c]), (1, &[c]), (4, &[b, c])]);
        logs.step(&[], &[(1, &[a, b]), (2, &[a, b, c]), (3, &[a, b, c])]);
        logs.steps(2);
        (logs.outcome(a), logs.outcome(b))
    };
    let both = (Some(End::Included), Some(End::Included));
    assert_eq!(run(Weakened::default()), both);
    let weakened = Weakened {
        base_by_anyone: true,
        ..Weakened::default()
    };
    let set_by_b = (Some(End::Superseded), Some(End::Included));
    assert_eq!(run(weakened), set_by_b, "6 set the base");
}

/// Every honest log has b before c, and c alone is solid at first.
#[test]
fn rule_11_what_follows_an_id_without_a_base_waits_with_it() {
    let mut logs = scripted(5, Weakened::default());
    let [b, c] = logs.several(2)[..] else {
        unreachable!()
    };
    logs.step(&[2, 3], &[(0, &[b, c]), (1, &[b, c]), (4, &[c])]);
    assert!(logs.order_of(&[b, c]).is_empty(), "c would pass b");
    logs.step(&[], &[(2, &[b, c]), (3, &[b, c])]);
    assert_eq!(logs.order_of(&[b, c]), [b, c]);
}

/// Nonce 1 is solid by the Byzantine log, nonce 0 is in two logs: one before the other in all.
#[test]
fn rule_11_a_lower_nonce_that_is_not_solid_keeps_a_solid_one_waiting() {
    let mut logs = scripted(5, Weakened::default());
    let (first, second) = (logs.write(0, 7, 0), logs.write(0, 7, 1));
    logs.step(
        &[2, 3],
        &[(0, &[first, second]), (1, &[first, second]), (4, &[second])],
    );
    assert_eq!(logs.outcome(second), None);
    logs.step(&[], &[(2, &[first, second]), (3, &[first, second])]);
    assert_eq!(logs.order_of(&[first, second]), [first, second]);
    assert_eq!(logs.outcome(first), Some(End::Included));
}

#[test]
fn rule_12_a_used_nonce_takes_nobodys_place() {
    let run = |weakened| {
        let mut logs = scripted(5, weakened);
        let d = logs.write(0, 7, 0);
        let (a, b) = (logs.write(0, 7, 1), logs.write(0, 8, 0));
        let all: Vec<(u32, &[Number])> =
            (0..5).map(|log| (log, std::slice::from_ref(&d))).collect();
        logs.step(&[], &all);
        logs.steps(20);
        logs.drained.clear();
        let ids = [a, b, d];
        let log = |log| (log, if log < 4 { &ids[..] } else { &ids[2..] });
        let order: Vec<(u32, &[Number])> = (0..5).map(log).collect();
        logs.step(&[], &order);
        logs.steps(2);
        (logs.order_of(&[a, b, d]), [a, b, d])
    };
    let (order, [a, b, d]) = run(Weakened::default());
    assert_eq!(order, [a, b, d]);
    let weakened = Weakened {
        used_nonces_take_places: true,
        ..Weakened::default()
    };
    assert_eq!(
        run(weakened).0,
        [d, b, a],
        "d took the place of a, which came before b"
    );
}

/// v and w have nonce 0, x has nonce 1; all logs have v x y w.
#[test]
fn rule_12_a_variant_pushes_nothing_past_what_it_came_before() {
    let run = |weakened| {
        let mut logs = scripted(5, weakened);
        let (v, w) = (logs.write(0, 7, 0), logs.write(0, 7, 0));
        let (x, y) = (logs.write(0, 7, 1), logs.write(0, 8, 0));
        let ids = [v, x, y, w];
        let all: Vec<(u32, &[Number])> = (0..5).map(|log| (log, &ids[..])).collect();
        logs.step(&[], &all);
        logs.steps(2);
        (logs.order_of(&ids), ids)
    };
    let (order, [v, x, y, w]) = run(Weakened::default());
    assert_eq!(order, [v, x, y, w]);
    let weakened = Weakened {
        used_nonces_take_places: true,
        ..Weakened::default()
    };
    assert_eq!(
        run(weakened).0,
        [v, w, y, x],
        "x came before y in every log"
    );
}

/// The same where v is in the queue already, which drains one id a slot.
#[test]
fn rule_12_a_nonce_in_the_queue_is_taken() {
    let run = |weakened| {
        let mut narrow = rules(5, 8);
        narrow.rollups[0].slot.count = 1;
        let mut logs = Committee::new(&narrow, &[], weakened);
        let before = logs.several(2);
        let (v, w) = (logs.write(0, 7, 0), logs.write(0, 7, 0));
        let (x, y) = (logs.write(0, 7, 1), logs.write(0, 8, 0));
        for ids in [&[before[0], before[1], v], &[x, y, w]] {
            let all: Vec<(u32, &[Number])> = (0..5).map(|log| (log, &ids[..])).collect();
            logs.step(&[], &all);
        }
        logs.steps(6);
        (logs.order_of(&[v, w, x, y]), [v, x, y, w])
    };
    let (order, expected) = run(Weakened::default());
    assert_eq!(order, expected);
    let weakened = Weakened {
        used_nonces_take_places: true,
        ..Weakened::default()
    };
    let [v, x, y, w] = expected;
    assert_eq!(
        run(weakened).0,
        [v, w, y, x],
        "x came before y in every log"
    );
}

//! Rules 6 and 13: what a cut may contain, and what a slot drains.

use hauptbuch_core::ordering::fair::stream::Weakened;
use hauptbuch_sim::fair_world::{Cut, End, Entry, Kind, Number};

use crate::committee::{Committee, rules};

const HONEST: [u32; 4] = [0, 1, 2, 3];

/// h0 logs x while it is live, x lapses, and only then a cut covers the entry of h0.
#[test]
fn rule_6_an_id_is_charged_to_who_brought_it_and_not_to_who_is_seen_first() {
    let run = |weakened| {
        let mut logs = Committee::new(&rules(5, 2), &[], weakened);
        let ids = logs.several(3);
        logs.step(&[], &[(4, &ids[..1])]);
        let seen = logs.ids(&ids[..1]);
        logs.step(&[], &[(0, &ids[1..])]);
        logs.steps(4);
        // The entry of member 4 lapses; that of h0 names a base at which x was live.
        logs.step(&[], &[]);
        let mut cut: Cut = vec![vec![]; 5];
        cut[0] = seen;
        logs.check(&cut)
    };
    assert_eq!(run(Weakened::default()), Ok(()));
    let weakened = Weakened {
        charge_first_sight: true,
        ..Weakened::default()
    };
    let refused = run(weakened).map_err(|refusal| refusal.member);
    assert_eq!(refused, Err(0), "an honest log that nobody may cover");
}

/// One Byzantine log names ids that honest ones show in the same cut.
#[test]
fn rule_6_one_log_cannot_take_the_budgets_of_all() {
    let run = |weakened| {
        let mut logs = Committee::new(&rules(5, 3), &[], weakened);
        let ids = logs.several(12);
        let mut cut: Cut = (0..4).map(|log| logs.ids(&ids[3 * log..][..3])).collect();
        cut.push(logs.ids(&ids));
        logs.check(&cut)
    };
    let refused = run(Weakened::default()).map_err(|refusal| refusal.member);
    assert_eq!(
        refused,
        Err(4),
        "twelve ids first-hand, and a budget of three"
    );
    let weakened = Weakened {
        charge_first_sight: true,
        ..Weakened::default()
    };
    assert_eq!(
        run(weakened),
        Ok(()),
        "it brought twelve and is charged with none"
    );
}

#[test]
fn rule_6_a_paused_rollup_keeps_its_own_part_only() {
    let run = |weakened| {
        let mut rules = rules(5, 4);
        rules.split_into_two_rollups();
        let mut logs = Committee::new(&rules, &HONEST, weakened);
        logs.state.paused[0] = true;
        let other = 20;
        for sender in 0..other {
            for rollup in [0, 0, 1] {
                let number = logs.write(rollup, 100 * rollup + 10_000 + 7 * sender, 0);
                logs.book.last_mut().unwrap().sender = 20_000 + number;
                logs.send(sender % 4, &[number]);
            }
        }
        logs.steps(60);
        logs.included_count()
    };
    assert_eq!(run(Weakened::default()), 20);
    let weakened = Weakened {
        one_budget_for_all_rollups: true,
        ..Weakened::default()
    };
    let included = run(weakened);
    assert!(
        included < 10,
        "{included} of the 20 of a rollup that is not paused"
    );
}

/// More gas than a slot has stands at the head of the queue.
#[test]
fn rule_13_what_no_slot_can_hold_does_not_block_the_queue() {
    let run = |weakened| {
        let mut logs = Committee::new(&rules(5, 8), &[], weakened);
        let ids = logs.several(3);
        logs.book[ids[0] as usize].gas = u64::MAX / 2;
        let all: Vec<(u32, &[Number])> = (0..5).map(|log| (log, &ids[..])).collect();
        logs.step(&[], &all);
        logs.steps(20);
        (logs.outcome(ids[0]), logs.included_count())
    };
    assert_eq!(run(Weakened::default()), (Some(End::Unfit), 2));
    let weakened = Weakened {
        unfit_blocks: true,
        ..Weakened::default()
    };
    assert_eq!(run(weakened), (None, 0), "the queue stands still");
}

/// More new senders than there are cursors, none of which ever ends.
#[test]
fn rule_13_new_senders_wait_while_cursors_are_few() {
    let run = |weakened| {
        let mut rules = rules(5, 3);
        rules.cursor_count_max = 15 + 10;
        let mut logs = Committee::new(&rules, &HONEST, weakened);
        let ids = logs.several(60);
        for member in HONEST {
            logs.send(member, &ids);
        }
        logs.steps(80);
        let lost = logs.drained.iter().filter(|(_, end)| *end != End::Included);
        (logs.included_count(), lost.count())
    };
    let (included, lost) = run(Weakened::default());
    assert!(
        included >= 10 && lost == 0,
        "{included} included, {lost} lost"
    );
    let weakened = Weakened {
        new_senders_never_wait: true,
        ..Weakened::default()
    };
    let (_, lost) = run(weakened);
    assert!(lost > 20, "{lost} honest transactions are no-ops");
}

/// Each kind of cut that rules 6 and 7 refuse.
#[test]
fn rule_7_a_cut_moves_a_log_by_at_most_its_extent() {
    let mut rules = rules(5, 8);
    rules.extent_entries_max = 4;
    let mut logs = Committee::new(&rules, &[], Weakened::default());
    let ids = logs.several(5);
    let mut cut: Cut = vec![vec![]; 5];
    cut[2] = logs.ids(&ids);
    assert_eq!(logs.check(&cut).map_err(|refusal| refusal.member), Err(2));
    cut[2].pop();
    assert_eq!(logs.check(&cut), Ok(()));
    cut[3] = vec![Entry {
        base: 1,
        kind: Kind::Stamp(0),
    }];
    assert_eq!(
        logs.check(&cut).map_err(|refusal| refusal.member),
        Err(3),
        "a base to come"
    );
}

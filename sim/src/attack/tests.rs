use hauptbuch_core::ordering::fair::{Rank, Rounds};

use super::*;

fn scenario(tactic: Tactic, relay: Relay) -> Scenario {
    let all = Scenario::built_in().unwrap();
    let mut found = all
        .into_iter()
        .filter(|it| it.tactic == tactic && it.relay == relay);
    found.next().unwrap()
}

fn percent(scenario: &Scenario, n: u32, f: u32, ordering: Ordering, runs: u64) -> f64 {
    let share = measure(scenario, committee(n, f).unwrap(), ordering, runs, true);
    share.percent().0
}

const PATH: Ordering = Ordering::Fair(Rank::Path);
const DEFAULT: Ordering = Ordering::Fair(Rank::Copeland);

/// Nine members, of which two are silent: all see a before b, and x and y close a circle.
#[test]
fn no_choice_of_ids_makes_the_default_ranking_reverse_what_all_saw() {
    const LISTS: [&[u8]; 7] = [
        b"abxy", b"abxy", b"abxy", b"yabx", b"yabx", b"xyab", b"xyab",
    ];
    let mut reversed = [0, 0];
    let mut assignments = 0;
    for ids in permutations(&[0, 1, 2, 3]) {
        let id = |letter: &u8| {
            ids[usize::from(match letter {
                b'a' => 0_u8,
                b'b' => 1,
                b'x' => 2,
                _ => 3,
            })]
        };
        let lists = LISTS.map(|list| list.iter().map(id).collect::<Vec<u32>>());
        assignments += 1;
        for (count, rank) in reversed.iter_mut().zip([Rank::Path, Rank::Copeland]) {
            let parameters = committee(9, 2).unwrap();
            let mut rounds = Rounds::new(parameters, rank, 4, 1, 0).unwrap();
            rounds.round(&lists, &[]).unwrap();
            let order = rounds.released();
            let place = |letter| order.iter().position(|it| *it == id(&letter)).unwrap();
            *count += u32::from(place(b'b') < place(b'a'));
        }
    }
    assert_eq!(assignments, 24);
    assert!(reversed[0] > 0, "some ids make the path reverse the pair");
    assert_eq!(reversed[1], 0);
}

fn permutations(items: &[u32]) -> Vec<Vec<u32>> {
    if items.is_empty() {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for (at, item) in items.iter().enumerate() {
        let rest: Vec<u32> = [&items[..at], &items[at + 1..]].concat();
        for mut tail in permutations(&rest) {
            tail.push(*item);
            all.push(tail);
        }
    }
    all
}

#[test]
fn the_condorcet_circle_beats_the_plain_path_and_not_the_default_ranking() {
    let scenario = scenario(Tactic::Condorcet, Relay::Cuts);
    for (n, f) in [(5, 1), (21, 5)] {
        let [path, ranked] = [PATH, DEFAULT].map(|it| percent(&scenario, n, f, it, 40));
        assert!(path >= 20.0, "n = {n}: {path}");
        assert!(ranked <= 8.0, "n = {n}: {ranked}");
    }
}

#[test]
fn what_members_tell_each_other_ends_long_ambushes_and_stalls() {
    let told = percent(
        &scenario(Tactic::LongAmbush, Relay::Cuts),
        5,
        1,
        DEFAULT,
        40,
    );
    assert!(told <= 3.0, "{told}");
    let silent = percent(&scenario(Tactic::Partial, Relay::None), 5, 1, DEFAULT, 20);
    let told = percent(&scenario(Tactic::Partial, Relay::Cuts), 5, 1, DEFAULT, 20);
    assert!(silent >= 90.0 && told <= 0.0, "{silent} {told}");
}

#[test]
fn an_ambush_works_where_members_are_slow_to_tell() {
    let slow = percent(&scenario(Tactic::Ambush, Relay::Cuts), 5, 1, DEFAULT, 40);
    let quick = percent(&scenario(Tactic::Ambush, Relay::Receipt), 5, 1, DEFAULT, 40);
    assert!(slow >= 60.0, "{slow}");
    assert!(quick <= slow / 3.0, "{quick}");
}

#[test]
fn floods_halt_nothing() {
    for tactic in [Tactic::DisjointFlood, Tactic::ShiftedFlood] {
        for ordering in Ordering::ALL {
            let share = percent(&scenario(tactic, Relay::Cuts), 5, 1, ordering, 10);
            assert!(share <= 0.0, "{tactic:?} {ordering:?}: {share}");
        }
    }
}

#[test]
fn copies_win_a_shuffle_and_a_proposer_its_own_fcfs() {
    let copies = scenario(Tactic::Copies, Relay::Cuts);
    let share = |ordering| percent(&copies, 5, 1, ordering, 60);
    assert!(share(Ordering::Shuffle) > 55.0);
    assert!(share(Ordering::Shuffle) > share(DEFAULT) + 15.0);
    let cut = scenario(Tactic::SelectiveCut, Relay::Cuts);
    assert!(percent(&cut, 5, 1, Ordering::Fcfs, 20) >= 100.0);
    assert!(percent(&cut, 5, 1, DEFAULT, 60) < 60.0);
}

#[test]
fn a_seed_gives_one_play_and_the_control_is_the_same_world() {
    let parameters = committee(5, 1).unwrap();
    for scenario in Scenario::built_in().unwrap() {
        let plays = |seed| {
            let stage = |is_attacked| stage::Stage::new(&scenario, parameters, seed, is_attacked);
            (stage(true), stage(false))
        };
        let (attacked, quiet) = plays(3);
        let own = attacked.own[0];
        assert_eq!(attacked.sent[..own], quiet.sent[..own]);
        assert_eq!(attacked.sent[own], quiet.sent[own], "{}", scenario.title);
        assert_eq!(attacked.claims, plays(3).0.claims);
        assert_ne!(attacked.claims, plays(4).0.claims);
        assert!(!quiet.is_malicious.iter().any(|it| *it));
        let mut ids = attacked.ids.clone();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), attacked.ids.len(), "{}", scenario.title);
    }
}

#[test]
fn liars_write_nothing_before_it_was_sent() {
    let parameters = committee(5, 1).unwrap();
    for scenario in Scenario::built_in().unwrap() {
        if matches!(scenario.tactic, Tactic::Ambush | Tactic::LongAmbush) {
            continue;
        }
        for seed in 0..20 {
            let stage = stage::Stage::new(&scenario, parameters, seed, true);
            for (sent, claims) in stage.sent.iter().zip(&stage.claims) {
                assert!(
                    claims.iter().flatten().all(|at| at >= sent),
                    "{}",
                    scenario.title
                );
            }
        }
    }
}

#[test]
fn intervals_are_those_of_wilson() {
    let percent = |count, of| {
        let (share, low, high) = Share { count, of }.percent();
        [share, low, high].map(|it| format!("{it:.2}"))
    };
    assert_eq!(percent(0, 1_000), ["0.00", "0.00", "0.38"]);
    assert_eq!(percent(500, 1_000), ["50.00", "46.91", "53.09"]);
    assert_eq!(percent(10, 10), ["100.00", "72.25", "100.00"]);
    assert_eq!(percent(0, 0), ["0.00", "0.00", "100.00"]);
}

#[test]
fn scenarios_are_refused_by_file_line_and_key() {
    const GOOD: &str = "title = \"x\"\ntactic = \"copies\"\ncontrols = \"client\"\n\
                        goal = \"overtake\"\nrelay = \"cuts\"\nreaction_ms = 5\ncount = 4\n";
    let refused = |text: &str| Scenario::parse("a.toml", text).unwrap_err().to_string();
    assert_eq!(Scenario::parse("a.toml", GOOD).unwrap().count, 4);
    for (from, to, line) in [
        (
            "count = 4",
            "count = 0",
            "a.toml, line 7: `count` must be 1 to 1,000",
        ),
        (
            "count = 4\n",
            "",
            "a.toml, line 2: the tactic `copies` needs `count`",
        ),
        (
            "count = 4",
            "count = 4\ngap_ms = 1",
            "a.toml, line 8: the tactic `copies` has no use for `gap_ms`",
        ),
        (
            "\"copies\"",
            "\"reversal\"",
            "a.toml, line 3: the tactic `reversal` needs `controls = \"members\"`",
        ),
        (
            "goal = \"overtake\"",
            "goal = \"rule\"",
            "a.toml, line 4: unknown variant `rule`",
        ),
        ("relay", "replay", "a.toml, line 5: unknown field `replay`"),
        ("count = 4", "count = -4", "a.toml, line 7: invalid value"),
        ("title = \"x\"", "title = ", "a.toml, line 1: "),
    ] {
        let found = refused(&GOOD.replacen(from, to, 1));
        assert!(found.starts_with(line), "{found}");
        assert!(!found.contains('\n'));
    }
    assert!(refused("").contains("missing field `title`"));
    let error = Scenario::read_file(std::path::Path::new("/nowhere.toml")).unwrap_err();
    assert!(error.to_string().starts_with("/nowhere.toml: "), "{error}");
}

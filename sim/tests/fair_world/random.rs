//! Random cuts of random logs, with everything that a world's clients do not do: expiries, gas and
//! bytes at the limits, few cursors, old bases, and ids that come again. No member follows a rule.

use hauptbuch_core::ordering::fair::{Gamma, GammaMode, Parameters};
use hauptbuch_sim::fair_world::{
    Cut, Decided, End, Entry, Envelope, Kind, Number, Random, Rules, WorldConfig,
};
use std::collections::BTreeMap;

use crate::worlds::All;

const SECOND_NS: u64 = 1_000_000_000;

fn random_rules(random: &mut Random) -> Rules {
    let (n, f, numerator, denominator) = random.pick(&WorldConfig::COMMITTEES);
    let gamma = Gamma {
        numerator,
        denominator,
    };
    let parameters = Parameters::new(n, f, gamma, GammaMode::All).unwrap();
    let first_hand_count_max = 4 + random.below(4) as u32;
    let mut rules = Rules::new(parameters, first_hand_count_max, 2 + random.below(5) as u32);
    rules.log_age_slots_max = 2 + random.below(5);
    rules.extent_entries_max = 5 + random.below(8) as u32;
    rules.graph_count_max = 1 + random.below(3) as u32;
    rules.cursor_count_max = n * first_hand_count_max + 1 + random.below(4) as u32;
    rules.first_hand_bytes_max = 1_000 + random.below(2_000);
    rules.rollups[0].first_hand_bytes_max = rules.first_hand_bytes_max;
    rules.rollups[0].slot.gas = 500 + random.below(1_000);
    rules.rollups[0].slot.bytes = 500 + random.below(1_000);
    if random.chance(40) {
        rules.split_into_two_rollups();
    }
    rules
}

fn random_envelope(random: &mut Random, rules: &Rules, slot: u64) -> Envelope {
    let expiry_ns = if random.chance(70) {
        (slot + random.below(30)) * SECOND_NS
    } else {
        u64::MAX / 2
    };
    Envelope {
        rollup: random.below(rules.rollups.len() as u64) as u32,
        sender: random.pick(&[4, 60]).min(random.below(64)) as u32,
        nonce: random.pick(&[0, 0, 0, 1, 1, 2, 3]),
        gas: 1 + random.below(500),
        body_bytes: 1 + random.below(400) as u32,
        expiry_ns,
    }
}

fn random_entry(random: &mut Random, slot: u64, number: Number) -> Entry {
    let kind = if random.chance(15) {
        Kind::Stamp((slot + random.below(3)) * SECOND_NS)
    } else {
        Kind::Id(number)
    };
    // Some bases lie too far back, and a few are yet to come.
    let base = match random.below(100) {
        0 => slot + 1,
        1..30 => slot - random.below(9).min(slot),
        _ => slot,
    };
    Entry { base, kind }
}

/// How often each way of ending was seen.
type Ends = BTreeMap<End, u64>;

fn run(seed: u64, ends: &mut Ends) {
    let mut random = Random::new(seed);
    let rules = random_rules(&mut random);
    let n = rules.parameters.n() as usize;
    let mut all = All::new(&rules);
    let mut book = vec![];
    for slot in 0..40 {
        for _ in 0..1 + random.below(2) {
            book.push(random_envelope(&mut random, &rules, slot));
        }
        let quiet = random.chance(20);
        let newest = book.len() as Number;
        let mut hot: Vec<Number> = (newest.saturating_sub(3)..newest).collect();
        let mut cut: Cut = vec![vec![]; n];
        for extent in &mut cut {
            if quiet && random.chance(50) {
                continue;
            }
            random.shuffle(&mut hot);
            let heard = hot.iter().copied().filter(|_| random.chance(70));
            let mut numbers: Vec<Number> = heard.collect();
            for _ in 0..random.below(3) {
                let recent = u64::from(newest).min(16);
                numbers.push(newest - 1 - random.below(recent) as Number);
            }
            for number in numbers {
                extent.push(random_entry(&mut random, slot, number));
            }
        }
        while let Err(refusal) = all.check(&book, &cut) {
            let extent = &mut cut[refusal.member as usize];
            extent.pop();
        }
        let outcome = all.apply(&book, &cut);
        for (_, end) in outcome.drained {
            *ends.entry(end).or_default() += 1;
        }
        all.image(&book);
    }
}

#[test]
fn random_cuts_mean_the_same_to_all() {
    let count = if cfg!(debug_assertions) { 60 } else { 1_000 };
    let mut ends = Ends::new();
    for seed in 0..count {
        let run = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run(seed, &mut ends)));
        assert!(run.is_ok(), "seed {seed}");
    }
    println!("{ends:?}");
    assert!(ends.len() >= 5, "too few ways to end were seen: {ends:?}");
}

/// Every slot brings new senders, whose cursors never end.
#[test]
fn cursors_that_run_out_mean_the_same_to_all() {
    let parameters = Parameters::new(5, 1, Gamma::ONE, GammaMode::All).unwrap();
    let mut rules = Rules::new(parameters, 4, 8);
    rules.cursor_count_max = 21;
    let mut all = All::new(&rules);
    let mut random = Random::new(1);
    let (mut book, mut ends) = (vec![], Ends::new());
    for slot in 0..10 {
        for sender in 4 * slot..4 * slot + 4 {
            let envelope = random_envelope(&mut random, &rules, slot);
            book.push(Envelope {
                sender: sender as u32,
                gas: 1,
                body_bytes: 1,
                expiry_ns: u64::MAX,
                ..envelope
            });
        }
        let newest = book.len() as Number;
        let entry = |number| Entry {
            base: slot,
            kind: Kind::Id(number),
        };
        let cut: Cut = vec![(newest - 4..newest).map(entry).collect(); 5];
        all.check(&book, &cut).unwrap();
        for (_, end) in all.apply(&book, &cut).drained {
            *ends.entry(end).or_default() += 1;
        }
        all.image(&book);
    }
    assert_eq!(ends, Ends::from([(End::Included, 21), (End::NoCursor, 19)]));
}

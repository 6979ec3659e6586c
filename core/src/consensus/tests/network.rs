//! Hundreds of small worlds: agreement, no double signature, and progress once faults stop.

use super::world::{Liar, Plan, Report, World};
use crate::consensus::{Breaks, ConsensusConfig};
use std::vec;
use std::vec::Vec;

const LIARS: [Liar; 4] = [Liar::None, Liar::Silent, Liar::Twins, Liar::Equivocator];

/// How long after the faults stop everybody must be done, at the latest.
const BOUND_MS: u64 = 10_000;

/// So many seeds, a quarter of them in debug; times `CONSENSUS_SEEDS` where that is set.
fn seeds(count: u64) -> core::ops::Range<u64> {
    let times = std::env::var("CONSENSUS_SEEDS").ok();
    let times = times.and_then(|times| times.parse::<u64>().ok());
    let count = if cfg!(debug_assertions) {
        count / 4
    } else {
        count
    };
    0..(count * times.unwrap_or(1)).max(1)
}

fn assert_good(plan: &Plan) -> Report {
    let report = World::run(plan);
    let line = std::format!("seed {} with {:?}: {report:?}", plan.seed, plan.liar);
    assert!(report.is_safe(), "{line}");
    assert_eq!(report.late, 0, "{line}");
    assert!(report.done_ms <= plan.calm_ms + BOUND_MS, "{line}");
    report
}

/// How long after the faults stopped the last member was done, over all runs.
fn worst_ms(reports: &[Report], calm_ms: u64) -> u64 {
    let after = reports
        .iter()
        .map(|report| report.done_ms.saturating_sub(calm_ms));
    after.max().unwrap_or(0)
}

fn sum(reports: &[Report], of: fn(&Report) -> usize) -> usize {
    reports.iter().map(of).sum()
}

#[test]
fn members_agree_over_links_that_lose_delay_repeat_and_part() {
    let mut reports = Vec::new();
    for seed in seeds(200) {
        for liar in LIARS {
            let plan = Plan {
                liar,
                ..Plan::new(seed)
            };
            reports.push(assert_good(&plan));
        }
    }
    std::println!("done {} ms after the faults", worst_ms(&reports, 4_000));
    assert!(
        reports.iter().any(|report| report.round_max > 2),
        "rounds fail"
    );
    assert!(
        sum(&reports, |report| report.evidence) > 0,
        "lies are found"
    );
}

#[test]
fn members_agree_over_crashes_at_every_effect() {
    let mut reports = Vec::new();
    for seed in seeds(200) {
        for liar in LIARS {
            let plan = Plan {
                liar,
                crash_one_in: 60,
                ..Plan::new(1_000_000 + seed)
            };
            reports.push(assert_good(&plan));
        }
    }
    std::println!("done {} ms after the faults", worst_ms(&reports, 4_000));
    assert!(
        sum(&reports, |report| report.crashes) > reports.len(),
        "they crash"
    );
}

#[test]
fn members_of_different_weight_agree() {
    for seed in seeds(100) {
        for (liar, weights) in [
            (Liar::Twins, vec![3, 4, 4, 2]),
            (Liar::Equivocator, vec![2, 3, 1, 1]),
            (Liar::Silent, vec![5, 6, 6, 6]),
        ] {
            let plan = Plan {
                liar,
                weights,
                crash_one_in: 200,
                ..Plan::new(2_000_000 + seed)
            };
            assert_good(&plan);
        }
    }
}

#[test]
fn the_classic_protocol_agrees_too() {
    for seed in seeds(60) {
        // Without anti-entropy's help in leaving rounds, and without short cuts.
        let plan = Plan {
            liar: LIARS[(seed % 4) as usize],
            config: ConsensusConfig::classic(),
            ..Plan::new(3_000_000 + seed)
        };
        let report = World::run(&plan);
        assert!(report.is_safe(), "seed {}: {report:?}", plan.seed);
    }
}

#[test]
fn the_same_seed_gives_the_same_run() {
    for liar in LIARS {
        let plan = Plan {
            liar,
            crash_one_in: 60,
            ..Plan::new(7)
        };
        assert_eq!(World::run(&plan), World::run(&plan));
    }
}

#[test]
fn without_faults_the_first_round_decides() {
    let plan = Plan {
        calm_ms: 0,
        heights: 5,
        ..Plan::new(1)
    };
    let report = World::run(&plan);
    assert_eq!((report.late, report.round_max), (0, 0), "{report:?}");
    assert!(report.done_ms < 5 * 300, "{report:?}");
}

/// Whether one of some seeds shows the harm.
fn is_harmed(breaks: Breaks, liar: Liar, harm: fn(&Report) -> bool) -> bool {
    (0..600).any(|seed| {
        let plan = Plan {
            liar,
            breaks,
            crash_one_in: 40,
            ..Plan::new(90_000 + seed)
        };
        harm(&World::run(&plan))
    })
}

#[test]
fn who_forgets_what_it_signed_signs_twice() {
    let breaks = Breaks {
        forgets_signed: true,
        ..Breaks::default()
    };
    assert!(is_harmed(breaks, Liar::None, |report| report
        .double_signatures
        > 0));
}

#[test]
fn without_claims_some_never_decide() {
    let breaks = Breaks {
        has_no_claims: true,
        ..Breaks::default()
    };
    assert!(is_harmed(breaks, Liar::Equivocator, |report| report.late > 0));
}

#[test]
fn without_own_votes_of_the_round_before_some_never_decide() {
    let breaks = Breaks {
        keeps_one_round: true,
        ..Breaks::default()
    };
    assert!(is_harmed(breaks, Liar::Silent, |report| report.late > 0));
}

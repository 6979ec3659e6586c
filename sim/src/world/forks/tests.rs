//! Rules 17 to 19: a schedule for each, with the rule and without it, and worlds by chance.

mod costs;
mod schedules;

use super::{ForkReport, ForkSettings, run};

/// How many runs: fewer where code is slow, more where the environment asks for it.
fn runs(count: u64) -> u64 {
    let asked = std::env::var("HAUPTBUCH_WORLDS").ok();
    let times = asked.and_then(|text| text.parse::<u64>().ok()).unwrap_or(1);
    let count = if cfg!(debug_assertions) {
        count / 8
    } else {
        count
    };
    count.max(1) * times.max(1)
}

fn sum(reports: &[ForkReport], of: fn(&ForkReport) -> u64) -> u64 {
    reports.iter().map(of).sum()
}

/// Members agree, hold the extents of what is decided, accuse liars only, and decide in time.
#[test]
fn committees_decide_whatever_forks_they_are_shown() {
    let mut reports = Vec::new();
    let mut worst_ns = 0;
    for seed in 0..runs(400) {
        let settings = ForkSettings::from_seed(seed);
        let report = run(&settings, seed);
        assert!(report.is_good(), "seed {seed} of {settings:?}: {report:?}");
        assert!(report.convicted <= settings.liars.len() as u64);
        worst_ns = worst_ns.max(report.done_ns.saturating_sub(settings.calm_ns));
        reports.push(report);
    }
    println!(
        "{} worlds, done {} ms after the calm",
        reports.len(),
        worst_ns / 1_000_000
    );
    assert!(
        sum(&reports, |report| report.convicted) > 0,
        "liars are found out"
    );
    assert!(
        sum(&reports, |report| report.named_branches) > 0,
        "names matter"
    );
    assert!(sum(&reports, |report| report.crashes) > 0, "members stop");
}

/// The worlds see what the rule is for: without it some member has lost what it is locked on.
#[test]
fn without_names_of_lock_and_valid_value_worlds_lose_extents() {
    let lost = (0..300).find(|seed| {
        let mut settings = ForkSettings::from_seed(*seed);
        settings.breaks.forgets_what_binds = true;
        run(&settings, *seed).lost_extents > 0
    });
    let seed = lost.expect("some world shows the harm");
    println!("seed {seed}");
    let sound = run(&ForkSettings::from_seed(seed), seed);
    assert!(sound.is_good(), "{sound:?}");
}

#[test]
fn the_same_seed_gives_the_same_run() {
    for seed in 0..3 {
        let settings = ForkSettings::from_seed(seed);
        assert_eq!(run(&settings, seed), run(&settings, seed));
    }
}

//! Small worlds, in which no rule is broken.

mod judge;

use std::collections::HashSet;
use std::time::Instant;

use super::twins::{self, Scenario};
use super::{CrashAt, Fault, FaultSet, Mode, RunReport, Settings, Summary, run, run_with_crash};

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

fn settings(sequencers: u16, heights: u64, faults: &str) -> Settings {
    let settings = Settings::new(sequencers, heights, FaultSet::parse(faults).unwrap());
    settings.check().unwrap();
    settings
}

/// Runs some seeds; each has to break no rule.
fn sweep(settings: &Settings, first: u64, count: u64) -> Summary {
    let mut summary = Summary::new(settings, first);
    for seed in first..first + count {
        let report = run(settings, seed, None);
        assert_good(settings, &report);
        summary.add(&report);
    }
    summary
}

fn assert_good(settings: &Settings, report: &RunReport) {
    let line = format!("seed {} of {settings:?}: {:?}", report.seed, report.first);
    assert_eq!(report.violations.total(), 0, "{line}");
}

#[test]
fn members_agree_whatever_single_thing_goes_wrong() {
    for fault in Fault::ALL {
        let summary = sweep(&settings(4, 3, fault.name()), 0, runs(120));
        assert_eq!(summary.heights_decided_min, 3, "{}", fault.name());
        let is_stopping = matches!(fault, Fault::Crash | Fault::PowerLoss);
        assert_eq!(summary.crashes > 0, is_stopping, "{}", fault.name());
        // Twins and equivocators are found out; nobody else can be.
        let is_found = matches!(fault, Fault::Twins | Fault::Equivocate);
        assert_eq!(summary.evidence > 0, is_found, "{}", fault.name());
    }
}

#[test]
fn members_agree_when_all_goes_wrong_at_once() {
    let begun = Instant::now();
    let mut count = 0;
    for (sequencers, heights, wanted) in [(4, 3, 400), (5, 4, 200), (7, 3, 100), (10, 2, 40)] {
        let settings = Settings::new(sequencers, heights, FaultSet::ALL);
        let summary = sweep(&settings, 10_000, runs(wanted));
        assert_eq!(summary.heights_decided_min, heights);
        assert!(summary.round_max > 1, "rounds fail");
        count += summary.runs;
    }
    println!("{count} worlds, {} a second", per_second(count, begun));
}

#[test]
fn no_rule_is_broken_while_nothing_ever_gets_better() {
    for (sequencers, count) in [(4, 200), (7, 60)] {
        let mut settings = Settings::new(sequencers, 4, FaultSet::ALL);
        settings.mode = Mode::Safety;
        let summary = sweep(&settings, 20_000, runs(count));
        assert!(summary.heights_decided_min < 4, "some did not get there");
    }
}

#[test]
fn a_core_decides_without_those_that_never_come_back() {
    for (sequencers, faults) in [
        (4, "crash,loss,partition"),
        (7, "power-loss,loss"),
        (10, "twins,crash"),
    ] {
        let mut settings = settings(sequencers, 3, faults);
        settings.mode = Mode::Core;
        let summary = sweep(&settings, 30_000, runs(80));
        assert_eq!(summary.heights_decided_min, 3);
    }
}

/// The power of one member, or of all, goes at every boundary between two effects in turn.
#[test]
fn a_stop_at_every_effect_harms_nothing() {
    for sequencers in [1, 4] {
        for everybody in [false, true] {
            let settings = settings(sequencers, 2, "none");
            let whole = run(&settings, 5, None);
            assert_good(&settings, &whole);
            assert_eq!(whole.crashes, 0);
            assert!(whole.effects > 8);
            let step = if cfg!(debug_assertions) { 7 } else { 1 };
            for effect in (0..whole.effects).step_by(step) {
                let crash = CrashAt { effect, everybody };
                let report = run_with_crash(&settings, 5, Some(crash));
                assert_eq!(
                    report.violations.total(),
                    0,
                    "{crash:?}: {:?}",
                    report.first
                );
                let stopped = if everybody { u64::from(sequencers) } else { 1 };
                assert_eq!(report.crashes, stopped, "{crash:?}");
            }
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_run_and_the_same_trace() {
    let settings = Settings::new(7, 3, FaultSet::ALL);
    for seed in 0..4 {
        let [first, second] = [(), ()].map(|()| {
            let mut lines = Vec::new();
            let mut trace = |line: &str| lines.push(line.to_owned());
            let report = run(&settings, seed, Some(&mut trace));
            (report, lines)
        });
        assert_eq!(first, second);
        assert_eq!(
            first.0,
            run(&settings, seed, None),
            "watching changes nothing"
        );
        assert!(first.1.len() > 100);
    }
    assert_ne!(run(&settings, 1, None), run(&settings, 2, None));
}

#[test]
fn without_faults_every_height_takes_one_round() {
    for sequencers in [1, 2, 3, 4, 31] {
        let report = run(&settings(sequencers, 5, "none"), 3, None);
        assert_eq!(report.violations.total(), 0, "{:?}", report.first);
        assert_eq!((report.heights_decided_min, report.round_max), (5, 0));
        assert_eq!((report.crashes, report.evidence), (0, 0));
    }
}

#[test]
fn a_large_committee_gets_through_too() {
    let sequencers = if cfg!(debug_assertions) { 16 } else { 40 };
    let settings = Settings::new(sequencers, 2, FaultSet::ALL);
    for seed in 0..runs(3) {
        assert_good(&settings, &run(&settings, seed, None));
    }
}

#[test]
fn worlds_that_cannot_be_are_refused() {
    let refusal = |sequencers, heights, faults: &str| {
        let faults = FaultSet::parse(faults).map_err(|error| error.to_string())?;
        let settings = Settings::new(sequencers, heights, faults);
        settings.check().map_err(|error| error.to_string())
    };
    for fault in Fault::ALL {
        assert_eq!(refusal(4, 1, fault.name()), Ok(()));
        assert_eq!(refusal(3, 1, fault.name()).is_err(), fault.is_byzantine());
    }
    assert!(refusal(4, 1, "crash,flod").unwrap_err().contains("`flod`"));
    assert!(refusal(4, 1, "").unwrap_err().contains("``"));
    assert!(refusal(0, 1, "none").unwrap_err().contains("1 to 100"));
    assert!(refusal(101, 1, "none").unwrap_err().contains("1 to 100"));
    assert!(refusal(4, 0, "none").unwrap_err().contains("1 to 10000"));
    assert!(refusal(3, 1, "twins").unwrap_err().contains("at least 4"));
    let names = "crash,power-loss,partition,loss,twins,equivocate,withhold,flood";
    assert_eq!(FaultSet::parse(names), Ok(FaultSet::ALL));
    assert_eq!(FaultSet::ALL.to_string(), names);
}

fn per_second(count: u64, begun: Instant) -> u64 {
    (count as f64 / begun.elapsed().as_secs_f64()) as u64
}

/// 16^4 partitions a member and kind, half of which are the other half with the twins exchanged.
#[test]
fn each_way_to_part_twins_is_there_once() {
    let all: HashSet<Scenario> = twins::scenarios().collect();
    assert_eq!(all.len(), 2 * 4 * (65_536 + 4_096) / 2);
    assert_eq!(twins::scenarios().count(), all.len());
}

/// Every scenario where `HAUPTBUCH_TWINS` is `all`, otherwise some of them.
#[test]
fn twins_harm_nobody_however_they_are_heard() {
    let settings = twins::settings();
    let is_all = std::env::var("HAUPTBUCH_TWINS").is_ok_and(|value| value == "all");
    let step = match (is_all, cfg!(debug_assertions)) {
        (true, _) => 1,
        (false, false) => 71,
        (false, true) => 1_009,
    };
    let (begun, mut count, mut rounds, mut evidence) = (Instant::now(), 0_u64, 0, 0);
    for scenario in twins::scenarios().step_by(step) {
        let report = twins::run(&settings, &scenario);
        assert_eq!(
            report.violations.total(),
            0,
            "{scenario:?}: {:?}",
            report.first
        );
        assert_eq!(report.heights_decided_min, 1, "{scenario:?}");
        rounds = report.round_max.max(rounds);
        evidence += report.evidence;
        count += 1;
    }
    assert!(rounds >= 3, "some get through all partitions");
    assert!(evidence > 0, "some twins are found out");
    let all = twins::scenarios().count();
    println!(
        "{count} of {all} scenarios, {} a second",
        per_second(count, begun)
    );
}

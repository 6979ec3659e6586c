//! Small worlds, in which no rule is broken.

use std::collections::HashSet;

use super::twins::{self, Scenario};
use super::{CrashAt, Fault, FaultSet, Mode, RunReport, Settings, Summary, run, run_with_crash};

/// A fourth of the runs where code is slow.
fn runs(count: u64) -> u64 {
    let from_outside = std::env::var("HAUPTBUCH_WORLDS").ok();
    let more = from_outside.and_then(|text| text.parse::<u64>().ok());
    let more = more.unwrap_or(1).max(1);
    let count = if cfg!(debug_assertions) {
        count / 8
    } else {
        count
    };
    count.max(1) * more
}

fn settings(sequencers: u16, heights: u64, faults: &str) -> Settings {
    let settings = Settings::new(sequencers, heights, FaultSet::parse(faults).unwrap());
    settings.check().unwrap();
    settings
}

fn all(sequencers: u16, heights: u64) -> Settings {
    Settings::new(sequencers, heights, FaultSet::ALL)
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
    assert_eq!(
        report.violations.total(),
        0,
        "seed {} of {settings:?}: {:?}",
        report.seed,
        report.first
    );
}

#[test]
fn members_agree_whatever_single_thing_goes_wrong() {
    for fault in Fault::ALL {
        let mut faults = FaultSet::NONE;
        faults.insert(fault);
        let settings = Settings::new(4, 3, faults);
        let summary = sweep(&settings, 0, runs(120));
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
    for (sequencers, heights, count) in [(4, 3, 400), (5, 4, 200), (7, 3, 100), (10, 2, 40)] {
        let summary = sweep(&all(sequencers, heights), 10_000, runs(count));
        assert_eq!(summary.heights_decided_min, heights);
        assert!(summary.round_max > 1, "rounds fail");
    }
}

//! What runs came to.

use serde::Serialize;

use super::judge::Violations;
use super::settings::Settings;

/// What one run came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunReport {
    /// Its seed.
    pub seed: u64,
    /// Which rules were broken.
    pub violations: Violations,
    /// What was broken first, in words.
    pub first: Option<String>,
    /// The fewest heights that a member decided which had to decide them, at most those wanted.
    pub heights_decided_min: u64,
    /// The memory of one member's engine, in bytes: constant, by its limits.
    pub memory_bytes: u64,
    /// Events.
    pub events: u64,
    /// Effects that engines wanted.
    pub effects: u64,
    /// The most effects after one input.
    pub effects_max: u64,
    /// Stops of instances.
    pub crashes: u64,
    /// Pieces of evidence that were found.
    pub evidence: u64,
    /// The highest round.
    pub round_max: u32,
    /// When it ended, in nanoseconds of its clock.
    pub done_ns: u64,
}

/// Failing seeds that a summary lists at most; it counts all.
const FAILED_SEEDS_MAX: usize = 1_000;

/// What several runs of one setting came to. The same settings and seeds give the same bytes.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// Members of each world.
    pub sequencers: u16,
    /// Heights that were wanted.
    pub heights: u64,
    /// What might go wrong.
    pub faults: String,
    /// How decided slots are ordered.
    pub policy: String,
    /// What stands for signatures.
    pub signatures: &'static str,
    /// The seed of the first run; the others follow it.
    pub seed: u64,
    /// Runs.
    pub runs: u64,
    /// What was broken, in all runs.
    #[serde(flatten)]
    pub violations: Violations,
    /// The fewest heights that any correct member decided in any run.
    pub heights_decided_min: u64,
    /// The most memory that a member's engine took, in bytes.
    pub memory_bytes_max: u64,
    /// Pieces of evidence that were found.
    pub evidence: u64,
    /// Stops of instances.
    pub crashes: u64,
    /// Events.
    pub events: u64,
    /// The most effects after one input.
    pub effects_max: u64,
    /// The highest round.
    pub round_max: u32,
    /// How many runs broke a rule.
    pub failed_runs: u64,
    /// The seeds of the first of them.
    pub failed_seeds: Vec<u64>,
}

impl Summary {
    /// Of no runs yet.
    #[must_use]
    pub fn new(settings: &Settings, seed: u64) -> Self {
        Self {
            sequencers: settings.sequencers,
            heights: settings.heights,
            faults: settings.faults.to_string(),
            policy: "fcfs".to_owned(),
            signatures: "keyed-hash",
            seed,
            runs: 0,
            violations: Violations::default(),
            heights_decided_min: u64::MAX,
            memory_bytes_max: 0,
            evidence: 0,
            crashes: 0,
            events: 0,
            effects_max: 0,
            round_max: 0,
            failed_runs: 0,
            failed_seeds: Vec::new(),
        }
    }

    /// Adds a run.
    pub fn add(&mut self, run: &RunReport) {
        self.runs += 1;
        self.violations.add(&run.violations);
        self.heights_decided_min = self.heights_decided_min.min(run.heights_decided_min);
        self.memory_bytes_max = self.memory_bytes_max.max(run.memory_bytes);
        self.evidence += run.evidence;
        self.crashes += run.crashes;
        self.events += run.events;
        self.effects_max = self.effects_max.max(run.effects_max);
        self.round_max = self.round_max.max(run.round_max);
        if run.violations.total() > 0 {
            self.failed_runs += 1;
            if self.failed_seeds.len() < FAILED_SEEDS_MAX {
                self.failed_seeds.push(run.seed);
            }
        }
    }
}

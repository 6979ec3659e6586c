//! How long the sequencer's steps take on this machine.

use std::time::Instant;

use super::format::{FORMAT_VERSION, StepTiming, Timing};
use super::json::{Digest, Number, document};
use super::seal::{TIMING_ENDING, seal};
use crate::run::{Quantiles, Step};

/// What stands between the last field and the checksum.
const CHECKSUM_KEY: &str = ",\n  \"checksum\": \"";
/// What the document without a checksum ends with.
const PLAIN_ENDING: &str = "\n}\n";

/// Measures the steps of one run.
#[derive(Debug)]
pub(super) struct Stopwatch {
    run_start: Instant,
    step_start: Instant,
    steps: [StepTimes; 5],
    /// The step that began last.
    step: Option<Step>,
    /// When the first step of the slot that is being decided began.
    slot_start: Instant,
    decisions_ns: Vec<u64>,
}

/// The calls of one step.
#[derive(Debug, Default)]
struct StepTimes {
    transactions: u64,
    calls_ns: Vec<u64>,
}

impl Stopwatch {
    pub(super) fn start() -> Self {
        let now = Instant::now();
        Self {
            run_start: now,
            step_start: now,
            steps: Default::default(),
            step: None,
            slot_start: now,
            decisions_ns: Vec::new(),
        }
    }

    pub(super) fn begin(&mut self, step: Step) {
        self.step_start = Instant::now();
        // A slot begins with the cut where logs decide, and otherwise when it is taken.
        let follows_a_cut = matches!(self.step, Some(Step::Decide | Step::Agree));
        if step == Step::Decide || (step == Step::Take && !follows_a_cut) {
            self.slot_start = self.step_start;
        }
        self.step = Some(step);
    }

    /// The slot that began last is final.
    pub(super) fn decided(&mut self) {
        self.decisions_ns.push(nanoseconds(self.slot_start));
    }

    pub(super) fn end(&mut self, step: Step, count: usize) {
        let elapsed_ns = nanoseconds(self.step_start);
        let place = match step {
            Step::Submit => 0,
            Step::Decide => 1,
            Step::Take => 2,
            Step::Agree => 3,
            Step::Acknowledge => 4,
        };
        let times = &mut self.steps[place];
        times.transactions += count as u64;
        times.calls_ns.push(elapsed_ns);
    }

    /// The figures up to now.
    pub(super) fn finish(&mut self, submitted: u64, final_batch_hash: Digest) -> Timing {
        let total_ns = nanoseconds(self.run_start);
        let names = ["submit", "decide", "take", "agree", "acknowledge"];
        let steps = names.iter().zip(&mut self.steps);
        // Only a policy that orders by logs decides cuts, and only members agree.
        let always = |name: &str| !matches!(name, "decide" | "agree");
        let steps = steps.filter(|(name, times)| always(name) || !times.calls_ns.is_empty());
        let steps: Vec<StepTiming> = steps.map(|(name, times)| times.timing(name)).collect();
        let has_decisions = !self.decisions_ns.is_empty();
        let decisions = Quantiles::of(&mut self.decisions_ns);
        let elapsed_ns = steps.iter().map(|step| step.total_ns.0).sum();
        Timing {
            format: FORMAT_VERSION,
            final_batch_hash,
            elapsed_ns: Number(elapsed_ns),
            total_ns: Number(total_ns),
            transactions_per_s: Number(rate_per_s(submitted, elapsed_ns)),
            steps,
            decision_ns: has_decisions.then(|| decisions.into()),
        }
    }
}

impl StepTimes {
    fn timing(&mut self, name: &str) -> StepTiming {
        StepTiming {
            step: name.into(),
            transactions: Number(self.transactions),
            total_ns: Number(self.calls_ns.iter().sum()),
            call_ns: Quantiles::of(&mut self.calls_ns).into(),
        }
    }
}

/// Nanoseconds since then.
fn nanoseconds(start: Instant) -> u64 {
    u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// How many a second that is, rounded down; 0 where no time passed.
pub(super) fn rate_per_s(count: u64, elapsed_ns: u64) -> u64 {
    let rate = (u128::from(count) * 1_000_000_000).checked_div(u128::from(elapsed_ns));
    u64::try_from(rate.unwrap_or(0)).unwrap_or(u64::MAX)
}

/// The bytes of `timing.json`.
pub(super) fn timing_bytes(timing: &Timing) -> Vec<u8> {
    let mut body = document(timing);
    body.truncate(body.len() - PLAIN_ENDING.len());
    body.extend_from_slice(CHECKSUM_KEY.as_bytes());
    seal(body, TIMING_ENDING)
}

/// What the body of a sealed `timing.json` says; nothing where its form is another.
pub(super) fn parse_body(body: &[u8]) -> Option<Timing> {
    let mut plain = body.strip_suffix(CHECKSUM_KEY.as_bytes())?.to_vec();
    plain.extend_from_slice(PLAIN_ENDING.as_bytes());
    let timing: Timing = serde_json::from_slice(&plain).ok()?;
    (document(&timing) == plain).then_some(timing)
}

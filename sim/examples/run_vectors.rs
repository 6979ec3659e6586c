//! Prints what runs over generated workloads come to, as JSON for the tests of other languages.
//!
//! `cargo run --release -p hauptbuch-sim --example run_vectors > ffi-python/tests/run_vectors.json`

use core::ops::ControlFlow;

use hauptbuch_core::config::Policy;
use hauptbuch_core::coordinator::Slot;
use hauptbuch_core::error::Code;
use hauptbuch_core::event::Event;
use hauptbuch_sim::run::{Observer, RunConfig, run};
use hauptbuch_sim::workload::{GeneratorConfig, generate};

/// A run needs somebody who listens; what it comes to stands in its report.
struct Nobody;

impl Observer for Nobody {
    fn on_slot(&mut self, _: &Slot<'_>) {}
    fn on_event(&mut self, _: &Event) {}
    fn on_progress(&mut self, _: usize) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut rows = Vec::new();
    for (count, seed, rollup_count, batch_ms) in
        [(1, 0, 1, 200), (2_000, 7, 3, 50), (5_000, 1, 2, 200)]
    {
        let workload = generate(&GeneratorConfig {
            count,
            seed,
            rollup_count,
        })?;
        // The greedy rule is left out, because generated transactions trade with no pool.
        let bucket = Policy::TimeBucket {
            width_ns: 100_000_000,
        };
        for policy in [Policy::Fcfs, Policy::PriorityFee, bucket, Policy::Shuffle] {
            let config = RunConfig {
                policy,
                slot_interval_ns: batch_ms * 1_000_000,
                ..RunConfig::default()
            };
            let report = run(&workload, &config, &mut Nobody)?;
            rows.push(format!(
                "  {{\"count\": {count}, \"seed\": {seed}, \"rollups\": {rollup_count}, \
                 \"batch_ms\": {batch_ms}, \"policy\": \"{}\", \"included\": {}, \"slots\": {}, \
                 \"final_batch_hash\": \"{}\"}}",
                policy.name(),
                report.metrics.of(Code::Included),
                report.slot_count,
                report.last_hash,
            ));
        }
    }
    println!("[\n{}\n]", rows.join(",\n"));
    Ok(())
}

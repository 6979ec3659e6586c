//! Orders a workload with modelled arrivals by the fairness kernel, prints the figures as JSON, and
//! writes them as a page to look at.
//!
//! `cargo run --release -p hauptbuch-sim --example fairness_report OUT.html [SCALE_PERMILLE]`

use hauptbuch_core::ordering::fair::Rank;
use hauptbuch_core::types::Tick;
use hauptbuch_sim::arrivals::{ArrivalModel, Origin, Spread};
use hauptbuch_sim::attack::committee;
use hauptbuch_sim::fairness::{measure, replay};
use hauptbuch_sim::output::fairness_page;

/// A transaction every 4 ms, cut every 300 ms.
const COUNT: u64 = 3_000;
const SPACING_NS: u64 = 4_000_000;
const ROUND_NS: u64 = 300_000_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let out = arguments.next().ok_or("give a file to write")?;
    let mut model = ArrivalModel::new(5);
    if let Some(scale) = arguments.next() {
        let scale_permille = scale.parse()?;
        model.spread = Spread::Measured { scale_permille };
    }
    let sent: Vec<Tick> = (0..COUNT).map(|at| Tick::new(at * SPACING_NS)).collect();
    let arrivals = model.of_times(&sent, Origin::GeneratedAndModelled, 1)?;
    let parameters = committee(5, 1).map_err(|error| format!("{error:?}"))?;
    let replay = replay(&arrivals, parameters, Rank::Copeland, ROUND_NS)?;
    let numbers: Vec<u32> = (0..COUNT as u32).collect();
    let mut observed = replay.observed(&arrivals);
    observed.sent = Some(&numbers);
    let report = measure(&observed)?;
    println!("{}", report.to_json());
    std::fs::write(out, fairness_page(&report))?;
    Ok(())
}

//! Prints what each attack achieves under each way to order, as it stands in
//! `docs/fair-ordering.md`.
//!
//! `cargo run --release -p hauptbuch-sim --example attack_table [SEEDS]`

use hauptbuch_sim::attack::{Scenario, committee, table};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let run_count = match std::env::args().nth(1) {
        Some(count) => count.parse()?,
        None => 1_000,
    };
    let scenarios = Scenario::built_in()?;
    for (n, f) in [(5, 1), (21, 5)] {
        let parameters = committee(n, f).map_err(|error| format!("{error:?}"))?;
        println!(
            "{}",
            table(&scenarios, parameters, run_count, |row| eprintln!("{row}"))
        );
    }
    Ok(())
}

//! What attacks achieve, as Markdown.

use core::fmt::Write as _;
use std::collections::HashMap;

use hauptbuch_core::ordering::fair::Parameters;

use super::{Goal, Ordering, Scenario, measure};
use crate::error::grouped;

/// How often something happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// How often.
    pub count: u64,
    /// Out of how many times.
    pub of: u64,
}

impl Share {
    /// The share and the ends of its 95 % interval after Wilson, in percent; for display alone.
    #[must_use]
    pub fn percent(self) -> (f64, f64, f64) {
        const Z: f64 = 1.959_964;
        if self.of == 0 {
            return (0.0, 0.0, 100.0);
        }
        let (count, of) = (self.count as f64, self.of as f64);
        let share = count / of;
        let scale = 1.0 + Z * Z / of;
        let middle = (share + Z * Z / (2.0 * of)) / scale;
        let half = Z / scale * (share * (1.0 - share) / of + Z * Z / (4.0 * of * of)).sqrt();
        let [low, high] = [middle - half, middle + half].map(|end| end.clamp(0.0, 1.0) * 100.0);
        (share * 100.0, low, high)
    }

    fn cell(self) -> String {
        let (share, low, high) = self.percent();
        format!("{share:.1} ({low:.1}–{high:.1})")
    }
}

/// The table of all scenarios under all ways to order, over the seeds below `run_count`.
///
/// Each cell is a share in percent and its 95 % interval; below each attack stands what the same
/// worlds give without it. `on_row` is told each row as it is done.
pub fn table(
    scenarios: &[Scenario],
    parameters: Parameters,
    run_count: u64,
    mut on_row: impl FnMut(&str),
) -> String {
    let mut text = format!(
        "n = {}, f = {}, {} seeds:\n\n| attack | wants to |",
        parameters.n(),
        parameters.f(),
        grouped(run_count)
    );
    for ordering in Ordering::ALL {
        let _ = write!(text, " {} |", ordering.name());
    }
    text.push_str("\n|---|---|");
    text.push_str(&"---|".repeat(Ordering::ALL.len()));
    text.push('\n');
    // Without the attack many scenarios are the same world.
    let mut controls = HashMap::new();
    for scenario in scenarios {
        let goal = match scenario.goal {
            Goal::Overtake => "overtake",
            Goal::Stall => "stall",
        };
        let mut row = format!("| {} | {goal} |", scenario.title);
        let mut control = "| … without it | |".to_owned();
        for ordering in Ordering::ALL {
            let share =
                |is_attacked| measure(scenario, parameters, ordering, run_count, is_attacked);
            let (whom, reaction_ms) = (scenario.controls, scenario.reaction_ms);
            let world = (
                ordering.name(),
                scenario.goal,
                scenario.relay,
                whom,
                reaction_ms,
            );
            let without: &mut Share = controls.entry(world).or_insert_with(|| share(false));
            let _ = write!(control, " {} |", without.cell());
            let _ = write!(row, " {} |", share(true).cell());
        }
        on_row(&row);
        let _ = writeln!(text, "{row}\n{control}");
    }
    text
}

//! The promise, checked window by window.
//!
//! A cycle that excuses a pair may lead through transactions outside the window. So a window in
//! which something looks wrong is checked again with the lists that the order was made from, and
//! then once more with its neighbours; what is still wrong counts.

use hauptbuch_core::ordering::fair::{GammaChecker, GammaReport};

use super::{FairnessError, Observed};
use crate::fairness::report::GammaFigures;

/// How many transactions of the order are checked together.
pub const GAMMA_WINDOW: usize = 1_024;

/// How many, where something looks wrong.
pub(super) const GAMMA_WIDE_WINDOW: usize = 3 * GAMMA_WINDOW;

pub(super) fn check(observed: &Observed<'_>) -> Result<GammaFigures, FairnessError> {
    let mut figures = GammaFigures {
        window: GAMMA_WINDOW as u32,
        ..GammaFigures::default()
    };
    let mut wide = None;
    let mut narrow = checker(observed, GAMMA_WINDOW.min(observed.output.len().max(1)))?;
    for (number, window) in observed.output.chunks(GAMMA_WINDOW).enumerate() {
        let mut report = check_window(&mut narrow, observed, window, false)?;
        if report.violations > 0 {
            report = check_window(&mut narrow, observed, window, true)?;
        }
        let mut violations = report.violations;
        if violations > 0 {
            let start = (number * GAMMA_WINDOW).saturating_sub(GAMMA_WINDOW);
            let end = observed.output.len().min((number + 2) * GAMMA_WINDOW);
            let wide = match &mut wide {
                Some(wide) => wide,
                none => none.insert(checker(observed, GAMMA_WIDE_WINDOW)?),
            };
            let again = check_window(wide, observed, &observed.output[start..end], true)?;
            violations = violations.min(again.violations);
        }
        figures.bound.0 += report.bound_pairs;
        figures.violations.0 += violations;
        figures.reversed_in_cycles.0 += report.reversed_in_cycles + report.violations - violations;
    }
    Ok(figures)
}

fn checker(observed: &Observed<'_>, ids: usize) -> Result<GammaChecker, FairnessError> {
    let checker = GammaChecker::new(observed.parameters, ids as u32);
    checker.map_err(|_| FairnessError::TooManyTransactions { max: ids as u32 })
}

/// Checks a stretch of the output as a history of its own.
fn check_window(
    checker: &mut GammaChecker,
    observed: &Observed<'_>,
    window: &[u32],
    with_evidence: bool,
) -> Result<GammaReport, FairnessError> {
    let mut numbers = vec![u32::MAX; observed.transaction_count as usize];
    for (number, id) in (0..).zip(window) {
        numbers[*id as usize] = number;
    }
    let own = |list: &Vec<u32>| -> Vec<u32> {
        let all = list.iter().map(|id| numbers[*id as usize]);
        all.filter(|number| *number != u32::MAX).collect()
    };
    let received: Vec<Vec<u32>> = observed.received.iter().map(own).collect();
    let begun = checker.begin(window.len() as u32, &received);
    begun.map_err(|_| FairnessError::TooManyLists)?;
    for round in observed.evidence.iter().filter(|_| with_evidence) {
        let lists: Vec<Vec<u32>> = round.iter().map(own).collect();
        if lists.iter().any(|list| !list.is_empty()) {
            let added = checker.add_evidence(&lists);
            added.map_err(|_| FairnessError::TooManyLists)?;
        }
    }
    let output: Vec<u32> = (0..window.len() as u32).collect();
    checker.check(&output).map_err(|_| FairnessError::Repeated)
}

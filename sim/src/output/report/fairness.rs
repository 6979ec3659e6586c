//! The part of a report that says how fair the order is.

use core::fmt::Write as _;

use super::super::json::Number;
use super::super::text::{counted, escape, grouped, percent};
use super::chart::{Axis, Chart};
use super::section;
use crate::fairness::{Agreement, FairnessReport};

/// The sections of a report about fairness, to stand in its grid of sections.
#[must_use]
pub fn fairness_sections(report: &FairnessReport) -> String {
    let mut html = String::new();
    let reach = match report.pairs.places_max {
        max if u64::from(max) + 1 >= report.ordered.0 => String::new(),
        max => format!(" (up to {} places apart)", grouped(u64::from(max))),
    };
    section(
        &mut html,
        "",
        "How sure the sequencers are",
        &format!(
            "{} of transactions{reach}, by how many more of the {} sequencers received the one \
             first; and those that came out against the majority.",
            counted(report.pairs.compared.0, "pair"),
            report.sequencers
        ),
        &distances(report),
    );
    let largest = grouped(u64::from(report.components.largest));
    section(
        &mut html,
        "",
        "Batches",
        &format!(
            "Between batches of order fairness the order is bound, within one it is ranked. The \
             largest of {} has {largest} transactions.",
            grouped(report.components.count.0)
        ),
        &components(report),
    );
    section(
        &mut html,
        "wide",
        "Fairness",
        &format!(
            "{}. n = {}, f = {}: {} of the sequencers bind an order.",
            escape(&super::capital(&report.arrivals)),
            report.sequencers,
            report.faults,
            report.quorum
        ),
        &figures(report),
    );
    html
}

/// The same sections as a page of their own.
#[must_use]
pub fn fairness_page(report: &FairnessReport) -> String {
    let mut html = "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
                    <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
                    <title>Hauptbuch: fairness of an order</title>\n<style>\n"
        .to_owned();
    html.push_str(include_str!("style.css"));
    let _ = write!(
        html,
        "</style>\n</head>\n<body>\n<main>\n<header>\n<h1>Fairness of an order</h1>\n\
         <p class=\"lead\">{} of {} in order.</p>\n</header>\n<div class=\"sections\">\n{}</div>\n\
         </main>\n</body>\n</html>\n",
        grouped(report.ordered.0),
        counted(report.transactions.0, "transaction"),
        fairness_sections(report)
    );
    html
}

/// How far the two ways round of a pair lie apart in votes.
///
/// Most pairs lie far apart in time and are unanimous; only a logarithm shows the others beside
/// them.
fn distances(report: &FairnessReport) -> String {
    let pairs = &report.pairs;
    let most = pairs.by_distance.iter().map(|it| it.0).max().unwrap_or(0);
    let last = pairs.by_distance.len().saturating_sub(1) as u32;
    let x = Axis::whole(last, "difference of votes between the two ways round");
    let y = Axis::log(0.8, most.max(10) as f64, "pairs");
    let mut chart = Chart::new(510, 290, "Pairs by difference of votes", x, y);
    let columns = |counts: &[Number], half: f64| -> Vec<(f64, f64, f64)> {
        let places = counts.iter().enumerate();
        places
            .map(|(at, it)| (at as f64 - half, at as f64 + half, it.0 as f64))
            .collect()
    };
    chart.bars("bar", columns(&pairs.by_distance, 0.4).into_iter());
    let backward = columns(&pairs.backward_by_distance, 0.25).into_iter();
    chart.bars("against", backward);
    chart.legend("against", "against the majority");
    chart.legend("bar", "all");
    chart.finish()
}

/// How many transactions stand in batches of which size.
fn components(report: &FairnessReport) -> String {
    let sizes = &report.components.sizes;
    let all: u64 = sizes.iter().map(|it| it.transactions.0).sum();
    let Some(last) = sizes.last() else {
        return "<p class=\"none\">This policy knows no batches.</p>\n".into();
    };
    let share = |count: u64| count as f64 * 100.0 / all.max(1) as f64;
    let most = sizes.iter().map(|it| it.transactions.0).max().unwrap_or(0);
    let x = Axis::log(1.0, f64::from(last.from) * 2.0, "transactions of a batch");
    let y = Axis::linear(share(most), "% of transactions");
    let mut chart = Chart::new(510, 290, "Transactions by size of their batch", x, y);
    let bars = sizes.iter().map(|it| {
        let from = f64::from(it.from);
        (from, from * 2.0, share(it.transactions.0))
    });
    chart.bars("bar", bars);
    chart.finish()
}

fn figures(report: &FairnessReport) -> String {
    let mut html = "<table>\n<tr><th>What</th><th class=\"n\">Figure</th><th>What it means</th>\
                    </tr>\n"
        .to_owned();
    let agreement = |it: &Agreement| percent(it.discordant.0, it.pairs.0);
    let largest = report.kendall.iter().max_by_key(|it| it.discordant_ppm);
    let none = || "–".to_owned();
    let gamma = &report.gamma;
    let rows = [
        (
            "Violations",
            grouped(gamma.violations.0),
            format!(
                "pairs against a quorum, of {}; the definition allows none",
                grouped(gamma.bound.0)
            ),
        ),
        (
            "Reversed within batches",
            grouped(gamma.reversed_in_cycles.0),
            "pairs against a quorum that a circle excuses".to_owned(),
        ),
        (
            "Against the majority",
            percent(report.pairs.backward.0, report.pairs.compared.0),
            "of the pairs compared".to_owned(),
        ),
        (
            "Unlike a sequencer",
            largest.map_or_else(none, agreement),
            "pairs the other way round than the sequencer has them that differs most".to_owned(),
        ),
        (
            "Unlike the sending",
            report.kendall_sent.as_ref().map_or_else(none, agreement),
            "pairs the other way round than they were sent".to_owned(),
        ),
        (
            "Displacement, 95 %",
            grouped(u64::from(report.displacement.p95)),
            format!(
                "places; at most {}",
                grouped(u64::from(report.displacement.max))
            ),
        ),
        (
            "Rounds waited, 95 %",
            grouped(u64::from(report.deferred_rounds.p95)),
            format!(
                "after the first that could have ordered it; at most {}",
                grouped(u64::from(report.deferred_rounds.max))
            ),
        ),
    ];
    for (what, figure, meaning) in rows {
        let _ = writeln!(
            html,
            "<tr><td>{what}</td><td class=\"n\">{figure}</td><td>{meaning}</td></tr>"
        );
    }
    html.push_str("</table>\n");
    html
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fairness::{ComponentFigures, PairFigures};

    fn report() -> FairnessReport {
        let counts = |counts: [u64; 6]| counts.into_iter().map(Into::into).collect();
        FairnessReport {
            arrivals: "real transactions, <modelled> arrivals".into(),
            sequencers: 5,
            faults: 1,
            quorum: 5,
            threshold: 2,
            transactions: 11.into(),
            ordered: 10.into(),
            kendall: vec![Agreement {
                pairs: 45.into(),
                discordant: 9.into(),
                discordant_ppm: 200_000,
            }],
            kendall_mean_ppm: 200_000,
            kendall_max_ppm: 200_000,
            kendall_sent: None,
            pairs: PairFigures {
                places_max: 9,
                compared: 45.into(),
                backward: 4.into(),
                backward_weight: 4.into(),
                by_distance: counts([0, 10, 0, 5, 0, 30]),
                backward_by_distance: counts([0, 4, 0, 0, 0, 0]),
            },
            gamma: Default::default(),
            displacement: Default::default(),
            components: ComponentFigures::of(&[1, 1, 8]),
            deferred_rounds: Default::default(),
        }
    }

    #[test]
    fn sections_show_what_the_report_has() {
        let html = fairness_sections(&report());
        assert_eq!(html.matches("<section").count(), 3);
        assert_eq!(html.matches("<svg").count(), 2);
        assert!(html.contains("&lt;modelled&gt;") && !html.contains("<modelled>"));
        assert!(html.contains("20.0 %") && html.contains("45 pairs of transactions, by"));
        let mut far = report();
        far.pairs.places_max = 3;
        assert!(fairness_sections(&far).contains("(up to 3 places apart)"));
    }

    #[test]
    fn a_policy_without_batches_says_so() {
        let mut plain = report();
        plain.components = ComponentFigures::default();
        let page = fairness_page(&plain);
        assert!(page.contains("knows no batches"));
        assert_eq!(page.matches("<svg").count(), 1);
        assert!(page.ends_with("</html>\n"));
    }
}

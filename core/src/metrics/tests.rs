//! Figures are listed whole, and sums agree.

use std::vec::Vec;

use super::{Histogram, MetricValue, Metrics};
use crate::error::Code;

static EDGES: [u64; 3] = [0, 8, 64];

#[test]
fn a_value_on_an_edge_is_not_above_it() {
    let mut histogram = Histogram::new(&EDGES);
    for value in [0, 1, 8, 9, 64, 65, u64::MAX] {
        histogram.add(value);
    }
    let buckets: Vec<_> = histogram.buckets().collect();
    assert_eq!(
        buckets,
        [(Some(0), 1), (Some(8), 2), (Some(64), 2), (None, 2)]
    );
    let cumulative: Vec<_> = histogram.cumulative().collect();
    assert_eq!(cumulative, [(0, 1), (8, 3), (64, 5)]);
    assert_eq!(histogram.count(), 7);
    assert_eq!(histogram.sum(), u128::from(u64::MAX) + 147);
}

#[test]
fn edges_of_every_histogram_ascend() {
    let metrics = Metrics::default();
    for (name, _, histogram) in metrics.histograms() {
        let edges: Vec<_> = histogram.cumulative().map(|(edge, _)| edge).collect();
        assert!(edges.windows(2).all(|pair| pair[0] < pair[1]), "{name}");
        assert_eq!(edges.len(), super::HISTOGRAM_EDGE_COUNT_MAX, "{name}");
    }
}

#[test]
fn every_reason_is_listed_once_and_those_of_a_name_together() {
    let mut metrics = Metrics::default();
    Code::ALL.iter().for_each(|code| metrics.count(*code));
    let mut seen: Vec<(&str, Option<(&str, &str)>)> = Vec::new();
    metrics.visit(|metric| {
        seen.push((metric.name, metric.label));
        if metric.label.is_some() {
            assert!(
                matches!(metric.value, MetricValue::Counter(1)),
                "{}",
                metric.name
            );
        }
    });
    let mut sorted = seen.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(sorted.len(), seen.len());
    let mut names: Vec<_> = seen.iter().map(|(name, _)| *name).collect();
    names.dedup();
    let runs = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), runs, "figures of one name stand together");
    let refusals = Code::ALL
        .iter()
        .filter(|code| (100..200).contains(&code.number()));
    for code in refusals {
        assert!(seen.contains(&("refused_total", Some(("reason", code.name())))));
    }
}

//! Metrics as text that Prometheus reads: its exposition format, version 0.0.4.
//!
//! Every name begins with `hauptbuch_`. Counters and histograms come from the core's
//! [`Metrics`], gauges from where a coordinator stands. The same metrics give the same bytes.

use std::fmt::Write as _;

use hauptbuch_core::coordinator::TransactionCoordinator;
use hauptbuch_core::metrics::{Histogram, Metric, MetricValue, Metrics};

/// A gauge: its name, what it says, and its value.
pub type Gauge = (&'static str, &'static str, u64);

/// All metrics of a coordinator.
#[must_use]
pub fn coordinator_text(coordinator: &TransactionCoordinator) -> String {
    text(coordinator.metrics(), &gauges(coordinator))
}

/// Where a coordinator stands at the moment.
#[must_use]
pub fn gauges(coordinator: &TransactionCoordinator) -> Vec<Gauge> {
    let pool = coordinator.pool();
    let tip = coordinator.tip().height.get();
    let acknowledged = coordinator.acknowledged_height().get();
    vec![
        (
            "pool_pending",
            "Transactions in the pool, taken ones included.",
            pool.len() as u64,
        ),
        (
            "pool_waiting",
            "Transactions in the pool that are not taken.",
            pool.waiting_count() as u64,
        ),
        (
            "pool_ready",
            "Transactions that could be taken now.",
            pool.ready_count() as u64,
        ),
        (
            "pool_free_bytes",
            "Bytes that the pool has left for payloads.",
            pool.free_bytes(),
        ),
        (
            "pool_senders",
            "Senders whose next nonce the pool remembers.",
            pool.sender_count() as u64,
        ),
        (
            "pool_quiet",
            "Transactions in the pool that came while their sender had few others.",
            u64::from(pool.quiet_count()),
        ),
        (
            "pool_quiet_bytes",
            "Bytes that the payloads of those take.",
            pool.quiet_bytes(),
        ),
        (
            "pool_quiet_reserved",
            "Places that are kept for them.",
            u64::from(coordinator.limits().quiet_reserved_count),
        ),
        (
            "events_waiting",
            "Events that wait to be read.",
            coordinator.event_count() as u64,
        ),
        (
            "tip_height",
            "The newest slot, acknowledged or in flight.",
            tip,
        ),
        (
            "acknowledged_height",
            "The last slot that was acknowledged.",
            acknowledged,
        ),
        (
            "memory_bytes",
            "Bytes that the coordinator took when it was made.",
            coordinator.limits().footprint().bytes(),
        ),
    ]
}

/// Metrics and gauges as text.
#[must_use]
pub fn text(metrics: &Metrics, gauges: &[Gauge]) -> String {
    let mut out = Text::default();
    metrics.visit(|metric| out.add(metric));
    for (name, help, value) in gauges {
        out.add(&Metric {
            name,
            help,
            label: None,
            value: MetricValue::Gauge(*value),
        });
    }
    out.text
}

#[derive(Default)]
struct Text {
    text: String,
    /// The name of the family whose head was written last.
    family: &'static str,
}

impl Text {
    fn add(&mut self, metric: &Metric<'_>) {
        let kind = match metric.value {
            MetricValue::Counter(_) => "counter",
            MetricValue::Gauge(_) => "gauge",
            MetricValue::Histogram(_) => "histogram",
        };
        let name = metric.name;
        if self.family != name {
            self.family = name;
            let help = escaped(metric.help, false);
            self.line(format_args!("# HELP hauptbuch_{name} {help}"));
            self.line(format_args!("# TYPE hauptbuch_{name} {kind}"));
        }
        let labels = match metric.label {
            Some((label, value)) => format!("{{{label}=\"{}\"}}", escaped(value, true)),
            None => String::new(),
        };
        match metric.value {
            MetricValue::Counter(value) | MetricValue::Gauge(value) => {
                self.line(format_args!("hauptbuch_{name}{labels} {value}"));
            }
            MetricValue::Histogram(histogram) => self.histogram(name, histogram),
        }
    }

    fn histogram(&mut self, name: &str, histogram: &Histogram) {
        for (edge, count) in histogram.cumulative() {
            self.line(format_args!(
                "hauptbuch_{name}_bucket{{le=\"{edge}\"}} {count}"
            ));
        }
        let (count, sum) = (histogram.count(), histogram.sum());
        self.line(format_args!(
            "hauptbuch_{name}_bucket{{le=\"+Inf\"}} {count}"
        ));
        self.line(format_args!("hauptbuch_{name}_sum {sum}"));
        self.line(format_args!("hauptbuch_{name}_count {count}"));
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        // A string takes everything.
        let _ = writeln!(self.text, "{line}");
    }
}

/// Backslashes and line feeds are escaped everywhere, quotes in the values of labels.
fn escaped(text: &str, is_label: bool) -> String {
    let text = text.replace('\\', "\\\\").replace('\n', "\\n");
    if is_label {
        text.replace('"', "\\\"")
    } else {
        text
    }
}

#[cfg(test)]
mod tests;

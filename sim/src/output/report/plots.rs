//! The charts of a report.

use core::fmt::Write as _;

use super::super::text::{bytes, duration, escape, percent};
use super::Page;
use super::chart::{Axis, Chart, round_step};
use super::observations::FeeByPlace;
use crate::run::Quantiles;

/// How many columns the charts have at most.
const COLUMN_COUNT_MAX: f64 = 80.0;
/// How many dots the fee chart has at most, so that a report stays small.
const DOT_COUNT_MAX: usize = 4_000;

impl Page<'_> {
    /// Arrivals and inclusions over simulated time.
    pub(super) fn throughput(&self) -> String {
        let slots = &self.observations.slots;
        let end_ns = slots.last().map_or(1, |slot| slot.0.get());
        let end_ns = end_ns.max(self.workload.last_arrival().get()).max(1);
        let interval = self.summary.slot_interval_ns.0.max(1);
        // Whole slots in every column, so that none stands out for one slot more.
        let least = (end_ns as f64 / COLUMN_COUNT_MAX).max(interval as f64);
        let column_ns = (round_step(least) as u64).next_multiple_of(interval);
        let count = (end_ns / column_ns) as usize + 1;
        let mut included = vec![0_u64; count];
        for (tick, transactions) in slots {
            // A slot holds what arrived before it.
            included[(tick.get().saturating_sub(1) / column_ns) as usize] +=
                u64::from(*transactions);
        }
        let mut arrived = vec![0_u64; count];
        for record in self.workload.records() {
            arrived[(record.arrival.get() / column_ns) as usize] += 1;
        }
        let column_s = column_ns as f64 / 1e9;
        let rate = |count: u64| count as f64 / column_s;
        let most = included.iter().chain(&arrived).copied().max().unwrap_or(0);
        let (unit_ns, unit) = time_unit(end_ns);
        let x_of = |column: usize| (column as u64 * column_ns) as f64 / unit_ns;
        let x = Axis::tight(
            x_of(count),
            format!(
                "simulated time, {unit} (a column is {})",
                duration(column_ns)
            ),
        );
        let y = Axis::linear(rate(most), "transactions/s");
        let mut chart = Chart::new(1_040, 270, "Throughput over simulated time", x, y);
        let bars = included.iter().enumerate();
        chart.bars(
            "bar",
            bars.map(|(at, it)| (x_of(at), x_of(at + 1), rate(*it))),
        );
        let steps = arrived.iter().enumerate();
        let steps = steps.flat_map(|(at, it)| [(x_of(at), rate(*it)), (x_of(at + 1), rate(*it))]);
        chart.line("line", steps);
        chart.legend("line", "arrived");
        chart.legend("bar", "included");
        chart.finish()
    }

    /// How the delays are spread.
    pub(super) fn delays(&self) -> String {
        let quantiles = Quantiles::of(&mut self.delays_ns.to_vec());
        let (unit_ns, unit) = time_unit(quantiles.max);
        let in_unit = |ns: u64| ns as f64 / unit_ns;
        let label = format!("delay from arrival to slot, {unit}");
        // A long tail would press everything else against the left edge.
        let has_tail = quantiles.max > quantiles.p50.saturating_mul(20) && quantiles.p50 > 0;
        let low = in_unit(quantiles.min.max(quantiles.p50 / 1_000).max(1));
        let x = if has_tail {
            Axis::log(low, in_unit(quantiles.max), label)
        } else {
            Axis::linear(in_unit(quantiles.max.max(1)), label)
        };
        let high = x.high();
        let count = 50_u32;
        let edge = |at: u32| match has_tail {
            true => low * (high / low).powf(f64::from(at) / f64::from(count)),
            false => high * f64::from(at) / f64::from(count),
        };
        let edges: Vec<f64> = (0..=count).map(edge).collect();
        let mut columns = vec![0_u64; count as usize];
        for delay in self.delays_ns {
            let above = edges.partition_point(|edge| *edge <= in_unit(*delay));
            columns[above.clamp(1, count as usize) - 1] += 1;
        }
        let all = self.delays_ns.len().max(1) as f64;
        let share = |count: u64| count as f64 * 100.0 / all;
        let most = columns.iter().copied().max().unwrap_or(0);
        // Room above the columns for the labels of the quantiles.
        let y = Axis::linear((share(most) * 1.35).min(100.0), "% of included");
        let mut chart = Chart::new(510, 290, "Distribution of delays", x, y);
        let bars = edges.windows(2).zip(&columns);
        chart.bars(
            "bar",
            bars.map(|(edges, it)| (edges[0], edges[1], share(*it))),
        );
        if !self.delays_ns.is_empty() {
            chart.markers(&[
                (
                    in_unit(quantiles.p50),
                    format!("median {}", duration(quantiles.p50)),
                ),
                (
                    in_unit(quantiles.p90),
                    format!("90 % {}", duration(quantiles.p90)),
                ),
                (
                    in_unit(quantiles.p99),
                    format!("99 % {}", duration(quantiles.p99)),
                ),
            ]);
        }
        chart.finish()
    }

    /// Fees against the place in the sub-batch, which shows the policy at work.
    ///
    /// A fee is drawn as a multiple of its sub-batch's median, because the level of fees changes
    /// from slot to slot and the policy does not.
    pub(super) fn fees(&self) -> String {
        let points = &self.observations.fees_by_place;
        if points.is_empty() {
            return "<p class=\"none\">No slot holds two transactions of one rollup.</p>\n".into();
        }
        let mut multiples: Vec<u64> = points.iter().map(|point| point.fee_per_mille).collect();
        multiples.sort_unstable();
        // The outermost 1 % would take most of the room; it is drawn at the edges.
        let last = multiples.len() - 1;
        let bound = |per_mille: usize| multiples[last * per_mille / 1_000] as f64 / 1_000.0;
        let (low, high) = (bound(5).clamp(0.01, 0.5), bound(995).clamp(2.0, 100.0));
        let x = Axis::tight(100.0, "place in its sub-batch, % (0 = first)");
        let y = Axis::log(low, high, "fee, multiple of the median of its sub-batch");
        let mut chart = Chart::new(510, 290, "Fee against place in the sub-batch", x, y);
        let dots = points.iter().step_by(points.len().div_ceil(DOT_COUNT_MAX));
        chart.dots(
            "dot",
            dots.map(|it| {
                (
                    f64::from(it.place) / 10.0,
                    it.fee_per_mille as f64 / 1_000.0,
                )
            }),
        );
        let medians = medians_by_part(points, 20).into_iter();
        chart.line(
            "median",
            medians.map(|(at, fee)| (at, fee as f64 / 1_000.0)),
        );
        chart.legend("median", "median");
        chart.finish()
    }

    /// What the memory is for.
    pub(super) fn memory(&self) -> String {
        let parts = &self.summary.memory;
        let most = parts
            .iter()
            .map(|part| part.bytes.0)
            .max()
            .unwrap_or(0)
            .max(1);
        let height = 24 * parts.len() + 4;
        let mut svg = format!(
            "<svg viewBox=\"0 0 510 {height}\" role=\"img\" aria-label=\"Memory by part\">\n"
        );
        for (row, part) in parts.iter().enumerate() {
            let y = 24 * row;
            let width = (part.bytes.0 as f64 / most as f64 * 205.0).max(1.0);
            let end = 165.0 + width + 8.0;
            let share = percent(part.bytes.0, self.summary.memory_bytes.0);
            let _ = writeln!(
                svg,
                "<text class=\"name\" x=\"155\" y=\"{}\" text-anchor=\"end\">{}</text>\
                 <path class=\"bar\" d=\"M165 {}h{width:.1}v14h-{width:.1}Z\"/>\
                 <text x=\"{end:.1}\" y=\"{}\">{} · {share}</text>",
                y + 16,
                escape(&part.name),
                y + 5,
                y + 16,
                bytes(part.bytes.0),
            );
        }
        svg.push_str("</svg>\n");
        svg
    }
}

/// The unit in which a time of this length reads best: its nanoseconds and its name.
const fn time_unit(ns: u64) -> (f64, &'static str) {
    match ns {
        0..2_000 => (1.0, "ns"),
        2_000..2_000_000 => (1e3, "µs"),
        2_000_000..2_000_000_000 => (1e6, "ms"),
        2_000_000_000..600_000_000_000 => (1e9, "s"),
        _ => (60e9, "min"),
    }
}

/// The median fee in each of `part_count` equal stretches of places, at the stretch's middle in %.
fn medians_by_part(points: &[FeeByPlace], part_count: usize) -> Vec<(f64, u64)> {
    let mut parts = vec![Vec::new(); part_count];
    for point in points {
        let part = (usize::from(point.place) * part_count / 1_000).min(part_count - 1);
        parts[part].push(point.fee_per_mille);
    }
    let medians = parts.iter_mut().enumerate().filter_map(|(part, fees)| {
        if fees.is_empty() {
            return None;
        }
        let middle = fees.len() / 2;
        let median = *fees.select_nth_unstable(middle).1;
        let at = (part as f64 + 0.5) * 100.0 / part_count as f64;
        Some((at, median))
    });
    medians.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_follow_the_parts() {
        let points = [(0, 9), (10, 7), (20, 8), (999, 1), (1_000, 3)];
        let points = points.map(|(place, fee_per_mille)| FeeByPlace {
            place,
            fee_per_mille,
        });
        assert_eq!(medians_by_part(&points, 2), [(25.0, 8), (75.0, 3)]);
        assert!(medians_by_part(&[], 2).is_empty());
    }
}

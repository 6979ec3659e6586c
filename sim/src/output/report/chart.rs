//! Charts as inline SVG: axes with sensible ticks, and what is drawn between them.
//!
//! Colours come from the page's style by class, so that a chart follows light and dark.

use core::fmt::Write as _;

use super::super::text::grouped;

/// Room for the labels of the axes, in units of the drawing.
const LEFT: f64 = 58.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 26.0;
const BOTTOM: f64 = 44.0;

/// A direction of a chart: its range, its ticks and what it shows.
#[derive(Debug)]
pub(super) struct Axis {
    low: f64,
    high: f64,
    is_log: bool,
    ticks: Vec<f64>,
    step: f64,
    label: String,
}

impl Axis {
    /// From 0 to a round number at or above `high`.
    pub(super) fn linear(high: f64, label: impl Into<String>) -> Self {
        let high = if high > 0.0 { high } else { 1.0 };
        let step = round_step(high / 5.0);
        let count = (high / step - 1e-9).ceil().max(1.0);
        Self {
            low: 0.0,
            high: step * count,
            is_log: false,
            ticks: (0..=count as u32).map(|it| step * f64::from(it)).collect(),
            step,
            label: label.into(),
        }
    }

    /// From 0 to exactly `high`, with ticks as far as they go.
    pub(super) fn tight(high: f64, label: impl Into<String>) -> Self {
        let mut axis = Self::linear(high, label);
        axis.high = high;
        axis.ticks.retain(|tick| *tick <= high);
        axis
    }

    /// Whole numbers from 0 to `last`, each with as much room to its left as to its right.
    pub(super) fn whole(last: u32, label: impl Into<String>) -> Self {
        let step = round_step((f64::from(last) / 12.0).max(1.0));
        Self {
            low: -0.5,
            high: f64::from(last) + 0.5,
            is_log: false,
            ticks: (0..=last).step_by(step as usize).map(f64::from).collect(),
            step,
            label: label.into(),
        }
    }

    /// Over decades, from `low` to `high`, which are both above 0.
    pub(super) fn log(low: f64, high: f64, label: impl Into<String>) -> Self {
        let (low, high) = (low / 1.1, high * 1.1);
        // Few decades have room for ticks between.
        let parts: &[f64] = match (high / low).log10() {
            decades if decades < 2.5 => &[1.0, 2.0, 5.0],
            decades if decades < 4.0 => &[1.0, 3.0],
            _ => &[1.0],
        };
        let decades = low.log10().floor() as i32..=high.log10().ceil() as i32;
        let all = decades.flat_map(|decade| parts.iter().map(move |it| it * 10_f64.powi(decade)));
        Self {
            ticks: all.filter(|tick| (low..=high).contains(tick)).collect(),
            low,
            high,
            is_log: true,
            step: 0.0,
            label: label.into(),
        }
    }

    /// Where the axis ends.
    pub(super) const fn high(&self) -> f64 {
        self.high
    }

    /// Where a value lies, from 0 to 1; values beyond the ends lie at the ends.
    fn share(&self, value: f64) -> f64 {
        let share = if self.is_log {
            (value.max(self.low) / self.low).ln() / (self.high / self.low).ln()
        } else {
            (value - self.low) / (self.high - self.low)
        };
        share.clamp(0.0, 1.0)
    }

    fn tick_label(&self, tick: f64) -> String {
        // More digits than the margin has room for.
        if tick >= 1e6 && tick % 1e6 == 0.0 {
            return format!("{} M", grouped((tick / 1e6) as u64));
        }
        let step = if self.is_log { tick } else { self.step };
        let digits = (-step.log10().floor()).clamp(0.0, 9.0) as usize;
        if digits == 0 {
            grouped(tick.round() as u64)
        } else {
            format!("{tick:.digits$}")
        }
    }
}

/// 1, 2 or 5 times a power of ten, at or above `least`.
pub(super) fn round_step(least: f64) -> f64 {
    let power = 10_f64.powf(least.log10().floor());
    let parts = [1.0, 2.0, 5.0, 10.0];
    let found = parts.iter().find(|part| *part * power >= least * 0.999_999);
    found.unwrap_or(&10.0) * power
}

/// A drawing with two axes.
#[derive(Debug)]
pub(super) struct Chart {
    width: f64,
    height: f64,
    x: Axis,
    y: Axis,
    svg: String,
    legend_end: f64,
}

impl Chart {
    /// An empty chart; `title` is for those who can't see it.
    pub(super) fn new(width: u32, height: u32, title: &str, x: Axis, y: Axis) -> Self {
        let mut chart = Self {
            width: f64::from(width),
            height: f64::from(height),
            x,
            y,
            svg: format!(
                "<svg viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{title}\">\n"
            ),
            legend_end: f64::from(width) - RIGHT,
        };
        chart.draw_axes();
        chart
    }

    /// Columns from `low` to `high` with a height each.
    pub(super) fn bars(&mut self, class: &str, bars: impl Iterator<Item = (f64, f64, f64)>) {
        let base = self.height - BOTTOM;
        let mut path = String::new();
        for (low, high, value) in bars.filter(|bar| bar.2 > 0.0) {
            let (left, right) = (self.at_x(low), self.at_x(high));
            let top = self.at_y(value).min(base - 0.8);
            // A hair's breadth between neighbours, where they are wide enough to see it.
            let gap = if right - left > 3.0 { 0.6 } else { 0.0 };
            let (left, right) = (left + gap, right - gap);
            let _ = write!(path, "M{left:.1} {base:.1}V{top:.1}H{right:.1}V{base:.1}Z");
        }
        self.path(class, &path);
    }

    /// A line through points.
    pub(super) fn line(&mut self, class: &str, points: impl Iterator<Item = (f64, f64)>) {
        let mut path = String::new();
        for (x, y) in points {
            let command = if path.is_empty() { 'M' } else { 'L' };
            let _ = write!(path, "{command}{:.1} {:.1}", self.at_x(x), self.at_y(y));
        }
        self.path(class, &path);
    }

    /// A dot for each point.
    pub(super) fn dots(&mut self, class: &str, points: impl Iterator<Item = (f64, f64)>) {
        let mut path = String::new();
        for (x, y) in points {
            let _ = write!(path, "M{:.1} {:.1}h0", self.at_x(x), self.at_y(y));
        }
        self.path(class, &path);
    }

    /// Upright lines with a label each, from left to right; labels stand below one another, so
    /// that near ones can be told apart.
    pub(super) fn markers(&mut self, markers: &[(f64, String)]) {
        let base = self.height - BOTTOM;
        let mut labels = String::new();
        for (row, (value, label)) in markers.iter().enumerate() {
            let x = self.at_x(*value);
            let top = TOP + 4.0 + 15.0 * row as f64;
            let _ = writeln!(
                self.svg,
                "<path class=\"marker\" d=\"M{x:.1} {base:.1}V{top:.1}\"/>"
            );
            // On the side that has room for it.
            let is_left = x < LEFT + (self.width - LEFT - RIGHT) * 0.6;
            let (at, anchor) = if is_left {
                (x + 5.0, "start")
            } else {
                (x - 5.0, "end")
            };
            let y = top + 8.0;
            let _ = writeln!(
                labels,
                "<text class=\"mark\" x=\"{at:.1}\" y=\"{y:.1}\" \
                 text-anchor=\"{anchor}\">{label}</text>"
            );
        }
        // Over all lines, so that none crosses a label.
        self.svg.push_str(&labels);
    }

    /// Names a class, at the top right; the first call stands rightmost.
    pub(super) fn legend(&mut self, class: &str, text: &str) {
        let width = text.chars().count() as f64 * 7.0;
        let end = self.legend_end;
        let _ = writeln!(
            self.svg,
            "<text x=\"{end:.1}\" y=\"14\" text-anchor=\"end\">{text}</text>\
             <path class=\"{class} key\" d=\"M{:.1} 6h12v8h-12Z\"/>",
            end - width - 18.0
        );
        self.legend_end = end - width - 38.0;
    }

    /// The drawing.
    pub(super) fn finish(mut self) -> String {
        self.svg.push_str("</svg>\n");
        self.svg
    }

    fn path(&mut self, class: &str, path: &str) {
        if !path.is_empty() {
            let _ = writeln!(self.svg, "<path class=\"{class}\" d=\"{path}\"/>");
        }
    }

    fn at_x(&self, value: f64) -> f64 {
        LEFT + self.x.share(value) * (self.width - LEFT - RIGHT)
    }

    fn at_y(&self, value: f64) -> f64 {
        self.height - BOTTOM - self.y.share(value) * (self.height - TOP - BOTTOM)
    }

    fn draw_axes(&mut self) {
        let (end, base) = (self.width - RIGHT, self.height - BOTTOM);
        let mut axes = String::new();
        for tick in &self.y.ticks {
            let (y, label) = (self.at_y(*tick), self.y.tick_label(*tick));
            let _ = writeln!(axes, "<path class=\"grid\" d=\"M{LEFT} {y:.1}H{end}\"/>");
            let (x, y) = (LEFT - 7.0, y + 4.0);
            let _ = writeln!(
                axes,
                "<text x=\"{x}\" y=\"{y:.1}\" text-anchor=\"end\">{label}</text>"
            );
        }
        for tick in &self.x.ticks {
            let (x, label) = (self.at_x(*tick), self.x.tick_label(*tick));
            let _ = writeln!(axes, "<path class=\"axis\" d=\"M{x:.1} {base}v4\"/>");
            let y = base + 17.0;
            let _ = writeln!(
                axes,
                "<text x=\"{x:.1}\" y=\"{y}\" text-anchor=\"middle\">{label}</text>"
            );
        }
        let _ = writeln!(axes, "<path class=\"axis\" d=\"M{LEFT} {base}H{end}\"/>");
        let (middle, y) = (f64::midpoint(LEFT, end), self.height - 8.0);
        let _ = writeln!(
            axes,
            "<text class=\"unit\" x=\"{middle:.1}\" y=\"{y}\" text-anchor=\"middle\">{}</text>\n\
             <text class=\"unit\" x=\"0\" y=\"14\">{}</text>",
            self.x.label, self.y.label
        );
        self.svg.push_str(&axes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_cover_the_range() {
        let axis = Axis::linear(249.0, "");
        assert_eq!(axis.ticks, [0.0, 50.0, 100.0, 150.0, 200.0, 250.0]);
        assert_eq!(axis.tick_label(250.0), "250");
        let small = Axis::linear(0.9, "");
        assert_eq!(small.tick_label(small.high()), "1.0");
        assert_eq!(Axis::linear(0.0, "").high(), 1.0);
        assert_eq!(Axis::linear(12_000.0, "").tick_label(5_000.0), "5,000");
        for high in [0.003, 1.0, 7.7, 1e12] {
            let axis = Axis::linear(high, "");
            assert!(
                axis.high() >= high && (2..=7).contains(&axis.ticks.len()),
                "{high}"
            );
        }
    }

    #[test]
    fn a_tight_axis_ends_where_its_values_do() {
        let axis = Axis::tight(17.3, "");
        assert_eq!((axis.high(), axis.ticks.last()), (17.3, Some(&15.0)));
    }

    #[test]
    fn decades_have_ticks() {
        let axis = Axis::log(4.0, 300.0, "");
        assert_eq!(axis.ticks, [5.0, 10.0, 20.0, 50.0, 100.0, 200.0]);
        assert_eq!(axis.share(0.0), 0.0);
        assert!((axis.share(1_200_f64.sqrt()) - 0.5).abs() < 1e-9);
        let wide = Axis::log(0.001, 1e6, "");
        assert_eq!(wide.ticks.len(), 10);
        assert_eq!(wide.tick_label(0.001), "0.001");
    }
}

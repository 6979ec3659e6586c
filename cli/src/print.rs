//! Standard output, and progress beside it.

use std::io::{self, IsTerminal as _, Write as _};

use hauptbuch_sim::output::text::grouped;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use crate::failure::Failure;

/// Prints text and a line feed. A reader that has gone away is no failure.
pub fn text(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let written = writeln!(out, "{text}").and_then(|()| out.flush());
    settle(written)
}

/// Prints a value as one line of JSON.
pub fn json(value: &impl Serialize) -> Result<(), Failure> {
    let line = serde_json::to_string(value);
    text(&line.map_err(|error| Failure::failed(error.to_string()))?)
}

/// What writing to standard output came to.
pub fn settle(written: io::Result<()>) -> Result<(), Failure> {
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::failed(format!("standard output: {error}")))
        }
        _ => Ok(()),
    }
}

/// A bar on standard error, where that is a terminal.
pub fn progress(count: u64) -> ProgressBar {
    let target = if io::stderr().is_terminal() {
        ProgressDrawTarget::stderr()
    } else {
        ProgressDrawTarget::hidden()
    };
    let bar = ProgressBar::with_draw_target(Some(count), target);
    let template = "{msg:>10} {wide_bar} {human_pos} of {human_len}";
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// Lines of a label, a number and a remark: numbers end below one another.
#[derive(Debug, Default)]
pub struct Table {
    rows: Vec<Row>,
}

#[derive(Debug)]
enum Row {
    Title(String),
    Cells([String; 3]),
    Blank,
}

impl Table {
    /// A line that says what the next ones are about.
    pub fn title(&mut self, text: impl Into<String>) {
        if !self.rows.is_empty() {
            self.rows.push(Row::Blank);
        }
        self.rows.push(Row::Title(text.into()));
    }

    /// A label, a value and a remark.
    pub fn row(&mut self, label: &str, value: impl Into<String>, remark: impl Into<String>) {
        let cells = [label.into(), value.into(), remark.into()];
        self.rows.push(Row::Cells(cells));
    }

    /// A label and a whole number.
    pub fn count(&mut self, label: &str, count: u64, remark: impl Into<String>) {
        self.row(label, grouped(count), remark);
    }

    /// The lines.
    pub fn render(&self) -> String {
        let width_of = |place: usize| {
            let cells = self.rows.iter().filter_map(|row| match row {
                Row::Cells(cells) => Some(cells[place].chars().count()),
                _ => None,
            });
            cells.max().unwrap_or(0)
        };
        let (label_width, value_width) = (width_of(0), width_of(1));
        let lines: Vec<String> = self
            .rows
            .iter()
            .map(|row| match row {
                Row::Title(title) => title.clone(),
                Row::Blank => String::new(),
                Row::Cells([label, value, remark]) => {
                    let line = format!("  {label:<label_width$}  {value:>value_width$}  {remark}");
                    line.trim_end().to_owned()
                }
            })
            .collect();
        lines.join("\n")
    }
}

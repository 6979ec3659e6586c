//! `hauptbuch order`.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use clap::Args;
use hauptbuch_core::ordering::fair::{GammaMode, Parameters, Rank};
use hauptbuch_sim::order::json::{Answer, Lists, Question};
use hauptbuch_sim::order::{Report, RoundReport};
use hauptbuch_sim::output::text::{bytes, counted, grouped};

use crate::failure::Failure;
use crate::print::{self, Table};

/// The most bytes of an input: 256 MiB, room for 1,000 ids of 66 characters in 255 lists 15 times.
const INPUT_BYTES_MAX: u64 = 256 << 20;

/// How many lines a section of the table has at most; `--json` prints all of it.
const SECTION_ROWS_MAX: usize = 40;

/// How many characters a line of ids takes at most, one id at least.
const IDS_CHARS_MAX: usize = 100;

/// How many characters of an id are shown.
const ID_CHARS_MAX: usize = 80;

/// Options of `order`.
#[derive(Debug, Args)]
pub struct OrderOptions {
    /// A JSON object with the lists, `n`, `f`, `gamma` and `mode`; standard input for `-`.
    #[arg(long, value_name = "FILE.json")]
    pub input: PathBuf,
}

/// Answers a question about order.
pub fn order(options: &OrderOptions, json: bool) -> Result<(), Failure> {
    let name = if options.input == Path::new("-") {
        "standard input".to_owned()
    } else {
        options.input.display().to_string()
    };
    let named = |reason: String| Failure::bad_input(format!("{name}: {reason}"));
    let text = read(&options.input).map_err(|error| named(error.to_string()))?;
    if text.len() as u64 > INPUT_BYTES_MAX {
        let most = bytes(INPUT_BYTES_MAX);
        return Err(named(format!(
            "it is larger than {most}, the most that is read"
        )));
    }
    let question = Question::read(&text).map_err(|error| named(error.to_string()))?;
    let answer = question
        .answer()
        .map_err(|error| named(error.to_string()))?;
    if json {
        print::json(&answer)
    } else {
        print::text(&table(&question, &answer).render())
    }
}

/// Reads up to one byte more than is allowed, so that a larger input shows.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    if path == Path::new("-") {
        io::stdin()
            .lock()
            .take(INPUT_BYTES_MAX + 1)
            .read_to_end(&mut text)?;
    } else {
        File::open(path)?
            .take(INPUT_BYTES_MAX + 1)
            .read_to_end(&mut text)?;
    }
    Ok(text)
}

fn table(question: &Question<'_>, answer: &Answer<'_>) -> Table {
    let mut table = Table::default();
    add_parameters(&mut table, question);
    match answer {
        Answer::One(report) => {
            table.title("Classes");
            add_classes(&mut table, report);
            table.title("Batches: number, size, ids in order");
            add_batches(&mut table, report);
            table.title("Order: place, id");
            add_order(&mut table, &report.order, "none");
        }
        Answer::Rounds(all) => {
            for (number, round) in (1..).zip(&all.rounds).take(SECTION_ROWS_MAX) {
                table.title(format!("Round {}", grouped(number)));
                add_round(&mut table, round);
            }
            if let Some(more) = all.rounds.len().checked_sub(SECTION_ROWS_MAX + 1) {
                table.title(format!(
                    "{} after that; --json prints all",
                    counted(more as u64 + 1, "round")
                ));
            }
            table.title("Order of what was released: place, id");
            add_order(&mut table, &all.order, "nothing was released");
        }
    }
    table
}

fn add_parameters(table: &mut Table, question: &Question<'_>) {
    let parameters = question.parameters;
    table.title(title(question));
    let of = |count: u32| u64::from(count);
    let (n, f) = (parameters.n(), parameters.f());
    table.count(
        "members",
        of(n),
        format!("{} of which may lie", grouped(of(f))),
    );
    table.count(
        "quorum",
        of(parameters.quorum()),
        quorum_remark(question, parameters),
    );
    let edge = "lists make an edge, and let an id take part (T)";
    table.count("threshold", of(parameters.threshold()), edge);
    let solid = "lists make an id solid (n - 2f)";
    table.count("solid from", of(parameters.solid_min()), solid);
    let rank = match question.rank {
        Rank::Copeland => "copeland",
        Rank::RankedPairs => "ranked-pairs",
        Rank::Path => "path",
    };
    table.row("rank", "", rank);
}

fn title(question: &Question<'_>) -> String {
    match &question.lists {
        Lists::One(round) if round.updates.is_empty() => {
            format!(
                "Fair order from {}",
                counted(round.lists.len() as u64, "list")
            )
        }
        Lists::One(round) => format!(
            "Fair order from {} and {}",
            counted(round.lists.len() as u64, "list"),
            counted(round.updates.len() as u64, "update")
        ),
        Lists::Rounds(rounds) => {
            format!("Fair order over {}", counted(rounds.len() as u64, "round"))
        }
    }
}

fn quorum_remark(question: &Question<'_>, parameters: Parameters) -> String {
    let (numerator, denominator) = (question.gamma.numerator, question.gamma.denominator);
    let members = match question.mode {
        GammaMode::All => format!("all {}", parameters.n()),
        GammaMode::Honest => format!("the {} honest", parameters.n() - parameters.f()),
    };
    format!("members bind an order: gamma {numerator}/{denominator} of {members}")
}

fn add_classes(table: &mut Table, report: &Report<'_>) {
    add_ids(table, "solid", &report.solid);
    add_ids(table, "shaded", &report.shaded);
    add_ids(table, "  dropped", &report.dropped);
    add_ids(table, "blank", &report.blank);
    add_missing(table, report);
}

fn add_missing(table: &mut Table, report: &Report<'_>) {
    let pairs = report
        .missing
        .iter()
        .map(|[a, b]| format!("{} ? {}", shown(a), shown(b)));
    table.count(
        "missing edges",
        report.missing.len() as u64,
        joined(pairs, ", "),
    );
}

fn add_ids(table: &mut Table, label: &str, ids: &[&str]) {
    let line = joined(ids.iter().map(|id| shown(id)), "  ");
    table.count(label, ids.len() as u64, line);
}

fn add_batches(table: &mut Table, report: &Report<'_>) {
    for (number, batch) in (1..).zip(&report.batches).take(SECTION_ROWS_MAX) {
        let line = joined(batch.iter().map(|id| shown(id)), "  ");
        table.row(&grouped(number), grouped(batch.len() as u64), line);
    }
    add_rest(table, report.batches.len());
    if report.batches.is_empty() {
        table.row("none", "", why_empty(report));
    }
}

const fn why_empty(report: &Report<'_>) -> &'static str {
    if report.missing.is_empty() {
        "no id is solid"
    } else {
        "the order waits for the missing edges"
    }
}

fn add_order(table: &mut Table, order: &[&str], none: &str) {
    for (place, id) in (1..).zip(order).take(SECTION_ROWS_MAX) {
        table.row(&grouped(place), "", shown(id));
    }
    add_rest(table, order.len());
    if order.is_empty() {
        table.row(none, "", "");
    }
}

/// What a section leaves out.
fn add_rest(table: &mut Table, count: usize) {
    if let Some(rest) = count.checked_sub(SECTION_ROWS_MAX).filter(|rest| *rest > 0) {
        table.row("…", grouped(rest as u64), "more; --json prints all");
    }
}

fn add_round(table: &mut Table, round: &RoundReport<'_>) {
    let report = &round.report;
    add_classes(table, report);
    table.count("batches", report.batches.len() as u64, largest(report));
    add_ids(table, "released", &round.released);
}

fn largest(report: &Report<'_>) -> String {
    let sizes = report.batches.iter().map(Vec::len);
    match sizes.max() {
        None => why_empty(report).to_owned(),
        Some(size) => format!("the largest of {}", counted(size as u64, "id")),
    }
}

/// As many as a line has room for, and how many more there are.
fn joined(mut parts: impl ExactSizeIterator<Item = String>, separator: &str) -> String {
    let mut line = parts.next().unwrap_or_default();
    while let Some(part) = parts.next() {
        if line.chars().count() + separator.len() + part.chars().count() > IDS_CHARS_MAX {
            line.push_str(&format!("  … {} more", grouped(parts.len() as u64 + 1)));
            break;
        }
        line.push_str(separator);
        line.push_str(&part);
    }
    line
}

/// An id as it is, or quoted where it would steer a terminal or blur with its neighbours.
fn shown(id: &str) -> String {
    let quoted = format!("{id:?}");
    let is_plain = !id.is_empty()
        && !id.contains(char::is_whitespace)
        && quoted.get(1..quoted.len() - 1) == Some(id);
    let text = if is_plain { id } else { &quoted };
    let mut short: String = text.chars().take(ID_CHARS_MAX).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_cannot_steer_a_terminal() {
        for plain in ["0xab", "é", "a-b", "東京"] {
            assert_eq!(shown(plain), plain);
        }
        for odd in ["", "a b", "\u{1b}[2J", "a\nb", "\u{202e}abc", "\"", "\\"] {
            let shown = shown(odd);
            assert!(shown.starts_with('"') && shown.ends_with('"'), "{shown}");
            assert!(
                !shown.contains(|c: char| c.is_control() || c == '\u{202e}'),
                "{shown}"
            );
        }
        assert_eq!(shown(&"x".repeat(1_000)).chars().count(), ID_CHARS_MAX + 1);
    }

    #[test]
    fn a_line_says_what_it_leaves_out() {
        let ids = |count: usize| (0..count).map(|id| format!("{id:04}"));
        assert_eq!(joined(ids(0), "  "), "");
        assert_eq!(joined(ids(3), "  "), "0000  0001  0002");
        let line = joined(ids(1_000), "  ");
        assert!(line.ends_with("0016  … 983 more"), "{line}");
        let long = ["a".repeat(200), "b".to_owned()];
        assert!(joined(long.into_iter(), "  ").ends_with("a  … 1 more"));
    }
}

//! `report.html`: a run at a glance, in one file without scripts.

mod attacks;
mod chart;
mod committee;
mod ends;
mod fairness;
mod observations;
mod plots;

pub use fairness::{fairness_page, fairness_sections};
pub(super) use observations::Observations;

use core::fmt::Write as _;

use super::format::{Summary, Timing};
use super::json::Digest;
use super::seal::{REPORT_ENDING, seal};
use super::text::{bytes, duration, escape, grouped, percent};
use crate::run::RunConfig;
use crate::workload::Workload;

/// All that a report shows.
pub(super) struct Page<'a> {
    pub(super) summary: &'a Summary,
    pub(super) timing: &'a Timing,
    pub(super) workload: &'a Workload,
    pub(super) delays_ns: &'a [u64],
    pub(super) observations: &'a Observations,
    pub(super) config: &'a RunConfig,
}

/// How the report of the run with this last slot begins.
pub(super) fn head(final_batch_hash: Digest) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"hauptbuch-final-batch-hash\" content=\"{final_batch_hash}\">\n"
    )
}

impl Page<'_> {
    /// The bytes of `report.html`.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut html = head(self.summary.final_batch_hash);
        html.push_str(
            "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <title>Hauptbuch: report of a run</title>\n<style>\n",
        );
        html.push_str(include_str!("style.css"));
        html.push_str("</style>\n</head>\n<body>\n<main>\n");
        html.push_str(&self.header());
        html.push_str(&self.cards());
        let slots = grouped(self.summary.batches.0);
        section(
            &mut html,
            "wide",
            "Throughput",
            &format!("What arrived, and what the {slots} slots took in, over simulated time."),
            &self.throughput(),
        );
        section(
            &mut html,
            "",
            "Time to batch",
            "How long included transactions waited for their slot, in simulated time.",
            &self.delays(),
        );
        section(
            &mut html,
            "",
            "Fees by place",
            self.fee_text(),
            &self.fees(),
        );
        html.push_str(&self.committee());
        html.push_str(&self.fairness());
        section(
            &mut html,
            "wide",
            "Rejections",
            "What never entered the pool, why, by which limit, and who can change that.",
            &self.rejections(),
        );
        section(
            &mut html,
            "wide",
            "Ended without a slot",
            "What entered the pool and left it otherwise.",
            &self.other_ends(),
        );
        let memory = format!(
            "{} in all, taken when the sequencer is made. It never grows.",
            bytes(self.summary.memory_bytes.0)
        );
        section(&mut html, "", "Memory", &memory, &self.memory());
        section(
            &mut html,
            "",
            "Work",
            "Wall-clock time of the sequencer's steps on this machine.",
            &self.work(),
        );
        html.push_str(&self.trust());
        html.push_str("</main>\n</body>\n</html>\n<!-- sha256 ");
        seal(html.into_bytes(), REPORT_ENDING)
    }

    /// How fair each rollup's order is, where logs gave it.
    fn fairness(&self) -> String {
        let mut html = String::new();
        let Some(rollups) = &self.summary.fairness else {
            return html;
        };
        for (rollup, figures) in rollups.iter().enumerate() {
            let title = format!("Rollup {rollup}");
            let text = "Order fairness is promised within a rollup. What each sequencer received \
                        first is what its log says.";
            section(&mut html, "wide", &title, text, "");
            html.push_str(&fairness_sections(figures));
        }
        let table = attacks::table();
        section(&mut html, "wide", attacks::TITLE, attacks::TEXT, &table);
        html
    }

    fn header(&self) -> String {
        let summary = self.summary;
        let input = &summary.input;
        let name = match input.name.as_str() {
            "" => "Built-in workload".to_owned(),
            name => escape(name),
        };
        let rollups = match summary.rollups {
            1 => "one rollup".to_owned(),
            more => format!("{more} rollups"),
        };
        let mut html = format!(
            "<header>\n<h1>{name}</h1>\n<p class=\"lead\">{} transactions for {rollups}, put in \
             order by {}: <b>{}</b>, a slot every {}, seed {}.</p>\n",
            grouped(input.rows.0),
            match summary.sequencers {
                1 => "one sequencer".to_owned(),
                more => format!("{more} sequencers"),
            },
            policy_text(&summary.policy),
            duration(summary.slot_interval_ns.0),
            summary.seed,
        );
        for note in &input.notes {
            let _ = writeln!(html, "<p class=\"note\">{}.</p>", escape(&capital(note)));
        }
        html.push_str("</header>\n");
        html
    }

    fn cards(&self) -> String {
        let counts = &self.summary.transactions;
        let submitted = counts.submitted.0;
        let rejected = counts.rejected.sum();
        let unended = counts.admitted.0 - counts.included.0;
        let cards = [
            (
                "Included",
                percent(counts.included.0, submitted),
                format!("{} of {}", grouped(counts.included.0), grouped(submitted)),
            ),
            (
                "Rejected",
                percent(rejected, submitted),
                match rejected {
                    0 => "nothing".into(),
                    some => format!("{}, reasons below", grouped(some)),
                },
            ),
            (
                "Ended otherwise",
                percent(unended, submitted),
                match unended {
                    0 => "nothing".into(),
                    some => {
                        let expired = grouped(counts.expired.0);
                        format!("{}, of them {expired} expired", grouped(some))
                    }
                },
            ),
            (
                "Speed",
                grouped(self.timing.transactions_per_s.0),
                "transactions/s".into(),
            ),
            (
                "Median delay",
                duration(self.summary.delay_ns.p50.0),
                format!("99 % within {}", duration(self.summary.delay_ns.p99.0)),
            ),
            (
                "Memory",
                bytes(self.summary.memory_bytes.0),
                "fixed from the start".into(),
            ),
        ];
        let mut html = "<div class=\"cards\">\n".to_owned();
        for (label, value, remark) in cards {
            let _ = writeln!(
                html,
                "<div class=\"card\"><span>{label}</span><b>{value}</b>\
                 <small>{remark}</small></div>"
            );
        }
        html.push_str("</div>\n<div class=\"sections\">\n");
        html
    }

    fn fee_text(&self) -> &'static str {
        match self.summary.policy.as_str() {
            "priority" => {
                "Highest fee first: the median falls. High fees far back waited for an earlier \
                 transaction of their sender."
            }
            "fcfs" => {
                "First come, first served: fees play no part, and a slope here is one that the \
                 arrivals had."
            }
            "time-bucket" => {
                "Within a bucket of time the highest fee goes first, and an earlier bucket goes \
                 before a later one whatever it pays."
            }
            "fair" => {
                "What most sequencers received first goes first: fees play no part, and a slope \
                 here is one that the arrivals had."
            }
            "shuffle" => "Shuffled by sender: fees play no part, and the median stays level.",
            _ => "The fee of each transaction beside its place.",
        }
    }

    fn work(&self) -> String {
        let mut html = "<table>\n<tr><th>Step</th><th class=\"n\">In all</th><th class=\"n\">A \
                        transaction</th><th class=\"n\">Call, median</th><th class=\"n\">99 %</th>\
                        </tr>\n"
            .to_owned();
        for step in &self.timing.steps {
            let each = step.total_ns.0.checked_div(step.transactions.0);
            let _ = writeln!(
                html,
                "<tr><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td>\
                 <td class=\"n\">{}</td><td class=\"n\">{}</td></tr>",
                escape(&step.step),
                duration(step.total_ns.0),
                duration(each.unwrap_or(0)),
                duration(step.call_ns.p50.0),
                duration(step.call_ns.p99.0),
            );
        }
        let _ = writeln!(
            html,
            "</table>\n<p>At work {}; {} with hashing and writing the output.</p>",
            duration(self.timing.elapsed_ns.0),
            duration(self.timing.total_ns.0),
        );
        html
    }

    fn trust(&self) -> String {
        let hash = self.summary.final_batch_hash;
        let (title, text) = match (&self.summary.consensus, self.summary.sequencers) {
            (Some(_), _) => (
                "The committee signed every slot.",
                "Its keys follow from the seed of the run, so that the same seed gives the same \
                 bytes: whoever knows the seed can sign as every member. That each slot has a \
                 quorum's certificate, and each log its member's signature, is checked with the \
                 public keys alone.",
            ),
            (None, 1) => (
                "This output is not signed.",
                "One sequencer ran alone: the order is its word, and nobody else vouches for it.",
            ),
            (None, _) => (
                "This output is not signed.",
                "One process played all sequencers: their logs are its word. That the order \
                 follows from these logs is checked.",
            ),
        };
        format!(
            "</div>\n<section class=\"trust\">\n<h2>What you can trust</h2>\n<p><b>{title}</b> \
             {text} What you can check is that nothing was changed since, and that everything \
             follows from the slots: hashes, roots, order, nonces, receipts and the summary.</p>\n\
             <pre>hauptbuch verify DIRECTORY</pre>\n<p>Compare the last slot's hash with one that \
             you got another way; it stands for all that was decided:</p>\n<pre>{hash}</pre>\n\
             <p class=\"note\">The figures under Speed and Work, and the time to a decision, are \
             of this machine and this time. All others are the same wherever the same input is \
             run: SHA-256 of the input {}.</p>\n</section>\n",
            self.summary.input.sha256
        )
    }
}

fn section(html: &mut String, class: &str, title: &str, text: &str, body: &str) {
    let _ = write!(
        html,
        "<section class=\"{class}\">\n<h2>{title}</h2>\n<p>{text}</p>\n{body}</section>\n"
    );
}

fn policy_text(name: &str) -> &str {
    match name {
        "fcfs" => "first come, first served",
        "priority" => "highest fee first",
        "time-bucket" => "buckets of time, in each the highest fee first",
        "shuffle" => "first come, first served, then shuffled by sender",
        "fair" => "by what enough sequencers received first",
        "greedy" => "first come, first served, then the greedy sequencing rule",
        other => other,
    }
}

/// The text with a capital letter at its start.
fn capital(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next();
    first.map_or_else(String::new, |first| {
        first.to_uppercase().chain(characters).collect()
    })
}

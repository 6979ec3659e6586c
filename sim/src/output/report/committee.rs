//! The part of a report that says how the committee agreed.

use core::fmt::Write as _;

use super::super::members::ConsensusSummary;
use super::super::text::{bytes, counted, duration, grouped, percent};
use super::{Page, section};

impl Page<'_> {
    /// Who signed the slots, and what that took; nothing where nobody signs.
    pub(super) fn committee(&self) -> String {
        let mut html = String::new();
        let Some(consensus) = &self.summary.consensus else {
            return html;
        };
        section(
            &mut html,
            "",
            "Who signed",
            &format!(
                "Certificates with each member's signature. More than two thirds of the {} have to \
                 sign a slot.",
                match &consensus.epochs {
                    Some(epochs) if epochs.len() > 1 => "members of its epoch".to_owned(),
                    _ => counted(u64::from(consensus.members), "member"),
                }
            ),
            &signers(consensus),
        );
        section(
            &mut html,
            "",
            "How slots were agreed on",
            &format!(
                "Signed with {}. Members' keys follow from the seed of the run.",
                suite_text(&consensus.suite)
            ),
            &self.agreement(consensus),
        );
        html
    }

    fn agreement(&self, consensus: &ConsensusSummary) -> String {
        let heights = consensus.heights.0;
        let mean = consensus.certificate_bytes.0.checked_div(heights);
        let mut rows = vec![
            (
                "Slots decided",
                grouped(heights),
                "each with a certificate".to_owned(),
            ),
            (
                "Rounds, at most",
                grouped(u64::from(consensus.rounds_max)),
                match consensus.round_changes.0 {
                    0 => "every first proposal was decided".into(),
                    some => format!("{} without a decision", counted(some, "round")),
                },
            ),
            (
                "A certificate",
                bytes(mean.unwrap_or(0)),
                format!("{} in all", bytes(consensus.certificate_bytes.0)),
            ),
            (
                "Messages",
                grouped(consensus.votes.0),
                format!("votes, and {}", counted(consensus.proposals.0, "proposal")),
            ),
            (
                "Signatures",
                grouped(consensus.signatures_made.0),
                format!("made; {} checked", grouped(consensus.signatures_verified.0)),
            ),
        ];
        if let Some(decision) = &self.timing.decision_ns {
            rows.push((
                "To a decision",
                duration(decision.p50.0),
                format!(
                    "median on this machine, all members in one process; 99 % within {}",
                    duration(decision.p99.0)
                ),
            ));
        }
        let mut html = "<table>\n".to_owned();
        for (what, figure, meaning) in rows {
            let _ = writeln!(
                html,
                "<tr><td>{what}</td><td class=\"n\">{figure}</td><td>{meaning}</td></tr>"
            );
        }
        for epoch in consensus.epochs.iter().flatten() {
            let numbers: Vec<String> = epoch.sequencers.iter().map(u32::to_string).collect();
            let _ = writeln!(
                html,
                "<tr><td>Epoch {}</td><td class=\"n\">{}</td><td>from slot {} on: sequencers {}\
                 </td></tr>",
                epoch.epoch,
                counted(u64::from(epoch.members), "member"),
                grouped(epoch.first_height.0),
                numbers.join(", ")
            );
        }
        html.push_str("</table>\n");
        let _ = writeln!(
            html,
            "<p class=\"note\">Members, keys and weights by their hash: <code>{:.16}…</code></p>",
            consensus.membership_hash.to_string()
        );
        html
    }
}

/// A bar for each member: how many certificates bear its signature.
fn signers(consensus: &ConsensusSummary) -> String {
    let heights = consensus.heights.0;
    let rows = consensus.certificates_signed.len();
    // Many members share the page with everything else.
    let pitch = if rows > 20 { 15 } else { 24 };
    let height = pitch * rows + 4;
    let mut svg = format!(
        "<svg viewBox=\"0 0 510 {height}\" role=\"img\" aria-label=\"Certificates signed by \
         member\">\n"
    );
    for (member, count) in consensus.certificates_signed.iter().enumerate() {
        let y = pitch * member;
        let width = (count.0 as f64 / heights.max(1) as f64 * 250.0).max(1.0);
        let end = 90.0 + width + 8.0;
        let share = percent(count.0, heights);
        let _ = writeln!(
            svg,
            "<text class=\"name\" x=\"80\" y=\"{}\" text-anchor=\"end\">member {member}</text>\
             <path class=\"bar\" d=\"M90 {}h{width:.1}v{}h-{width:.1}Z\"/>\
             <text x=\"{end:.1}\" y=\"{}\">{} · {share}</text>",
            y + 16,
            y + 5,
            pitch - 10,
            y + 16,
            grouped(count.0),
        );
    }
    svg.push_str("</svg>\n");
    svg
}

fn suite_text(name: &str) -> &str {
    match name {
        "ml-dsa-65" => "ML-DSA-65 (FIPS 204)",
        "dilithium3" => "Dilithium3, as it was before the standard",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::{Digest, Number};

    #[test]
    fn each_member_has_a_bar_as_long_as_its_share() {
        let consensus = ConsensusSummary {
            suite: "ml-dsa-65".into(),
            members: 4,
            membership_hash: Digest::default(),
            heights: Number(10),
            rounds_max: 2,
            round_changes: Number(1),
            certificate_bytes: Number(100_000),
            certificates_signed: [10, 10, 5, 0].map(Number).to_vec(),
            proposals: Number(11),
            votes: Number(80),
            signatures_made: Number(91),
            signatures_verified: Number(273),
            epochs: None,
        };
        let svg = signers(&consensus);
        assert_eq!(svg.matches("class=\"bar\"").count(), 4);
        assert!(svg.contains("h250.0v14") && svg.contains("h125.0v14") && svg.contains("h1.0v14"));
        assert!(svg.contains("member 3</text>") && svg.contains("5 · 50.0 %"));
        let many = ConsensusSummary {
            certificates_signed: vec![Number(1); 100],
            ..consensus
        };
        assert!(signers(&many).contains("viewBox=\"0 0 510 1504\""));
    }
}

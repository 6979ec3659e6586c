//! What attackers achieve under each policy: figures that were played once and stand here.

use core::fmt::Write as _;

pub(super) const TITLE: &str = "What attackers achieve";

pub(super) const TEXT: &str = "Not of this run: how often attacks succeed in 1,000 seeded small \
    worlds with five sequencers, one of which may lie, in percent. What the same worlds give \
    without the attack stands in brackets.";

/// Rows of the table in `docs/fair-ordering.md` (n = 5, f = 1, seeds 0 to 999), in tenths of a
/// percent: under FCFS, median, shuffle and order fairness, with and without the attack.
const ROWS: [(&str, [(u32, u32); 4]); 8] = [
    (
        "Condorcet circle",
        [(32, 32), (34, 34), (360, 360), (26, 26)],
    ),
    (
        "Ambush within a round, members learn from cuts",
        [(258, 101), (308, 51), (300, 445), (855, 49)],
    ),
    (
        "Ambush within a round, members pass on at once",
        [(219, 73), (29, 37), (131, 458), (58, 21)],
    ),
    (
        "Long ambush, members learn from cuts",
        [(290, 101), (219, 51), (382, 445), (0, 49)],
    ),
    (
        "Reversal by f members",
        [(312, 101), (71, 51), (462, 445), (136, 49)],
    ),
    (
        "Selective cut",
        [(1000, 0), (67, 51), (506, 447), (298, 50)],
    ),
    (
        "Spam copies (4)",
        [(409, 249), (314, 201), (785, 482), (310, 191)],
    ),
    (
        "Partial dissemination, members learn from cuts",
        [(211, 0), (0, 0), (211, 0), (0, 0)],
    ),
];

/// The table.
pub(super) fn table() -> String {
    let mut html = "<table>\n<tr><th>Attack</th><th class=\"n\">FCFS</th><th class=\"n\">Median\
                    </th><th class=\"n\">Shuffle</th><th class=\"n\">Fair</th></tr>\n"
        .to_owned();
    for (attack, cells) in ROWS {
        let _ = write!(html, "<tr><td>{attack}</td>");
        for (with, without) in cells {
            let (with, tenth) = (with / 10, with % 10);
            let (without, its_tenth) = (without / 10, without % 10);
            let _ = write!(
                html,
                "<td class=\"n\">{with}.{tenth} ({without}.{its_tenth})</td>"
            );
        }
        html.push_str("</tr>\n");
    }
    html.push_str(
        "</table>\n<p>The first seven want to overtake a transaction that they saw, the last to \
         halt the order. This run&#39;s arrivals include what sequencers pass on to one another at \
         once.</p>\n",
    );
    html
}

//! How often each thing happened.

use crate::metrics::{Metric, MetricValue};

/// Counters of one coordinator, since it was made; each stops at its largest value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConsensusMetrics {
    /// Heights that were decided here.
    pub heights_decided: u64,
    /// Rounds that decided heights took beyond their first.
    pub rounds_failed: u64,
    /// Epochs that began after the first one.
    pub epochs_started: u64,
    /// Own proposals, prevotes and precommits that were signed.
    pub statements_signed: u64,
    /// Signatures that were given out to be verified.
    pub signatures_checked: u64,
    /// Those of them that were wrong.
    pub signatures_wrong: u64,
    /// Messages that were taken.
    pub messages_taken: u64,
    /// Messages that were refused, in whole or in part.
    pub messages_refused: u64,
    /// Questions for bodies.
    pub bodies_asked: u64,
    /// Bodies that peers sent and that were taken.
    pub bodies_fetched: u64,
    /// Bodies that were not those of their values.
    pub bodies_wrong: u64,
    /// Bodies that were sent to peers.
    pub bodies_served: u64,
    /// Certificates of earlier heights that were sent to peers.
    pub certificates_served: u64,
    /// Answers that found no room.
    pub answers_dropped: u64,
    /// Members that contradicted themselves.
    pub conflicts: u64,
    /// How often nothing was decided for too long.
    pub stalls: u64,
}

impl ConsensusMetrics {
    /// Shows every figure, for hosts that turn them into the text of whatever system they have.
    pub fn visit(&self, mut each: impl FnMut(&Metric<'_>)) {
        for (name, help, value) in self.rows() {
            each(&Metric {
                name,
                help,
                label: None,
                value: MetricValue::Counter(value),
            });
        }
    }

    const fn rows(&self) -> [(&'static str, &'static str, u64); 16] {
        [
            (
                "heights_decided_total",
                "Heights that were decided.",
                self.heights_decided,
            ),
            (
                "rounds_failed_total",
                "Rounds that decided nothing.",
                self.rounds_failed,
            ),
            (
                "epochs_started_total",
                "Epochs that began after the first.",
                self.epochs_started,
            ),
            (
                "statements_signed_total",
                "Own statements signed.",
                self.statements_signed,
            ),
            (
                "signatures_checked_total",
                "Signatures checked.",
                self.signatures_checked,
            ),
            (
                "signatures_wrong_total",
                "Signatures that were wrong.",
                self.signatures_wrong,
            ),
            (
                "messages_taken_total",
                "Messages taken.",
                self.messages_taken,
            ),
            (
                "messages_refused_total",
                "Messages refused.",
                self.messages_refused,
            ),
            ("bodies_asked_total", "Bodies asked for.", self.bodies_asked),
            (
                "bodies_fetched_total",
                "Bodies taken from peers.",
                self.bodies_fetched,
            ),
            (
                "bodies_wrong_total",
                "Bodies not of their values.",
                self.bodies_wrong,
            ),
            (
                "bodies_served_total",
                "Bodies sent to peers.",
                self.bodies_served,
            ),
            (
                "certificates_served_total",
                "Certificates sent to peers.",
                self.certificates_served,
            ),
            (
                "answers_dropped_total",
                "Answers without room.",
                self.answers_dropped,
            ),
            (
                "conflicts_total",
                "Members that contradicted themselves.",
                self.conflicts,
            ),
            (
                "stalls_total",
                "Times nothing was decided for too long.",
                self.stalls,
            ),
        ]
    }
}

/// Counts one more.
pub(super) fn count(counter: &mut u64) {
    *counter = counter.saturating_add(1);
}

//! How often each thing happened.

use crate::metrics::{Metric, MetricValue};

/// Declares the counters, each with what it says.
macro_rules! counters {
    ($($name:ident: $help:literal),* $(,)?) => {
        /// Counters of one coordinator, since it was made; each stops at its largest value.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct ConsensusMetrics {
            $(#[doc = $help] pub $name: u64,)*
        }

        impl ConsensusMetrics {
            /// Shows every figure, for hosts that turn them into the text of whatever system they
            /// have.
            pub fn visit(&self, mut each: impl FnMut(&Metric<'_>)) {
                $(each(&Metric {
                    name: concat!(stringify!($name), "_total"),
                    help: $help,
                    label: None,
                    value: MetricValue::Counter(self.$name),
                });)*
            }
        }
    };
}

counters! {
    heights_decided: "Heights that were decided here.",
    rounds_failed: "Rounds that decided heights took beyond their first.",
    epochs_started: "Epochs that began after the first one.",
    statements_signed: "Own proposals, prevotes and precommits that were signed.",
    signatures_checked: "Signatures that were given out to be verified.",
    signatures_wrong: "Signatures that turned out wrong.",
    messages_taken: "Messages that were taken.",
    messages_refused: "Messages that were refused, in whole or in part.",
    bodies_asked: "Questions for bodies.",
    bodies_fetched: "Bodies that peers sent and that were taken.",
    bodies_wrong: "Bodies that were not those of their values.",
    bodies_served: "Bodies that were sent to peers, or left to the host to send.",
    certificates_served: "Certificates that were sent to peers, or left to the host to send.",
    answers_dropped: "Answers to peers that found no room.",
    conflicts: "Members that contradicted themselves.",
    stalls: "Times that nothing was decided for too long.",
}

/// Counts one more.
pub(super) fn count(counter: &mut u64) {
    *counter = counter.saturating_add(1);
}

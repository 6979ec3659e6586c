//! `report.html`: a run at a glance, in one file without scripts.

mod observations;

pub(super) use observations::Observations;

use super::format::{Summary, Timing};
use super::json::Digest;
use super::seal::{REPORT_ENDING, seal};
use crate::workload::Workload;

/// All that a report shows.
pub(super) struct Page<'a> {
    pub(super) summary: &'a Summary,
    pub(super) timing: &'a Timing,
    pub(super) workload: &'a Workload,
    pub(super) delays_ns: &'a [u64],
    pub(super) observations: &'a Observations,
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
        html.push_str("<title>Hauptbuch</title>\n</head>\n<body>\n");
        html.push_str(&format!(
            "<p>{} transactions ({}) in {} slots; {} waited {} ns at the median; {} fees; {} a second.</p>\n",
            self.workload.len(),
            self.workload.provenance().format.name(),
            self.observations.slots.len(),
            self.delays_ns.len(),
            self.summary.delay_ns.p50,
            self.observations.fees_by_place.len(),
            self.timing.transactions_per_s,
        ));
        html.push_str("</body>\n</html>\n<!-- sha256 ");
        seal(html.into_bytes(), REPORT_ENDING)
    }
}

//! Figures of a run that need more than its report, for whoever writes no directory.

use hauptbuch_core::certificate::CommitCertificate;
use hauptbuch_core::error::Code;
use hauptbuch_core::event::Event;
use hauptbuch_core::sequencer::Membership;
use hauptbuch_core::types::TxId;
use std::collections::HashMap;

use super::error::OutputError;
use super::members::{CertificateTally, ConsensusSummary, MessageCounts};
use super::write;
use crate::committee::Decided;
use crate::fairness::{FairnessReport, LogFigures};
use crate::run::{RunConfig, RunError, RunReport};
use crate::workload::Workload;

/// Hears of a run, and says how fair its order is and how its slots were agreed on, as
/// `summary.json` does.
#[derive(Debug)]
pub struct Figures {
    logs: Option<LogFigures>,
    arrivals: &'static str,
    /// How many submissions came before that of an admitted transaction. Only looked up, never
    /// walked.
    places: HashMap<TxId, u32>,
    submitted: u32,
    certificates: Option<CertificateTally>,
    is_changeable: bool,
}

impl Figures {
    /// Before the first slot of a run of `workload` with `config`.
    ///
    /// # Errors
    /// [`RunError::Config`] where the configuration can't be used.
    pub fn new(workload: &Workload, config: &RunConfig) -> Result<Self, RunError> {
        let config = config.for_workload(workload);
        Ok(Self {
            logs: write::figures(&config, workload.rollups().len())?,
            arrivals: config.arrivals_text(workload),
            places: HashMap::new(),
            submitted: 0,
            certificates: None,
            is_changeable: config.membership.is_changeable(),
        })
    }

    /// Hears what [`Observer::on_event`](crate::run::Observer::on_event) does.
    pub fn on_event(&mut self, event: &Event) {
        if self.logs.is_none() || event.code.is_terminal() {
            return;
        }
        if event.code == Code::Admitted {
            self.places.insert(event.id, self.submitted);
        }
        self.submitted += 1;
    }

    /// Hears what [`Observer::on_decided`](crate::run::Observer::on_decided) does.
    pub fn on_decided(&mut self, decided: &Decided<'_>) {
        if let Some(logs) = &mut self.logs {
            logs.add(decided.entries, decided.stream);
        }
    }

    /// Hears what [`Observer::on_members`](crate::run::Observer::on_members) does.
    pub fn on_members(&mut self, membership: &Membership) {
        match &mut self.certificates {
            Some(tally) => tally.begin_epoch(membership),
            first => {
                *first = Some(CertificateTally::new(
                    membership.clone(),
                    self.is_changeable,
                ))
            }
        }
    }

    /// Hears what [`Observer::on_final`](crate::run::Observer::on_final) does; bytes that are no
    /// certificate count for nothing.
    pub fn on_final(&mut self, certificate: &[u8]) {
        let read = CommitCertificate::decode(certificate).ok();
        if let Some((tally, read)) = self.certificates.as_mut().zip(read) {
            tally.add(&read, certificate.len());
        }
    }

    /// How fair each rollup's order is, where logs give it.
    ///
    /// # Errors
    /// [`OutputError::Contradiction`].
    pub fn fairness(&self) -> Result<Option<Vec<FairnessReport>>, OutputError> {
        let place = |id: &TxId| self.places.get(id).copied();
        let logs = self.logs.as_ref();
        logs.map(|logs| write::fairness(logs, self.arrivals, place))
            .transpose()
    }

    /// How slots were agreed on, where members sign.
    #[must_use]
    pub fn consensus(&self, report: &RunReport) -> Option<ConsensusSummary> {
        let (tally, run) = self.certificates.as_ref().zip(report.consensus.as_ref())?;
        Some(tally.summary(&MessageCounts::of(run)))
    }
}

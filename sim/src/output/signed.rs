//! What members signed, written while a run goes on: certificates, and the ends of logs.

use hauptbuch_core::certificate::CommitCertificate;
use hauptbuch_core::crypto::signature::SIGNATURE_BYTES;
use hauptbuch_core::receive_log::{Extension, ReceiveLogLimits};
use hauptbuch_core::sequencer::Membership;
use hauptbuch_core::types::{Hash, Height};

use super::directory::Staging;
use super::error::OutputError;
use super::format::{CERTIFICATES, FileEntry, LOGS, LogLine};
use super::hashed::HashedFile;
use super::json::push_line;
use super::members::{CertificateLine, CertificateTally, ConsensusSummary, MessageCounts};
use crate::hex;
use crate::run::RunReport;

/// Writes `certificates.jsonl`: nothing, unless members sign.
#[derive(Debug)]
pub(super) struct Certificates {
    file: HashedFile,
    tally: Option<CertificateTally>,
    /// The slot that has no certificate yet.
    expected: Option<(Height, Hash)>,
    is_changeable: bool,
    digits: Vec<u8>,
    line: Vec<u8>,
}

impl Certificates {
    pub(super) fn create(staging: &Staging, is_changeable: bool) -> Result<Self, OutputError> {
        Ok(Self {
            file: HashedFile::create(staging, CERTIFICATES)?,
            tally: None,
            expected: None,
            is_changeable,
            digits: Vec::new(),
            line: Vec::new(),
        })
    }

    /// Who signs from now on.
    pub(super) fn begin(&mut self, membership: &Membership) {
        match &mut self.tally {
            Some(tally) => tally.begin_epoch(membership),
            first => {
                *first = Some(CertificateTally::new(
                    membership.clone(),
                    self.is_changeable,
                ))
            }
        }
    }

    /// Who signs in the first epoch, if anybody does.
    pub(super) fn membership(&self) -> Option<&Membership> {
        self.tally.as_ref().map(|tally| &tally.membership)
    }

    /// The next certificate is about this slot.
    pub(super) const fn expect(&mut self, height: Height, hash: Hash) {
        self.expected = Some((height, hash));
    }

    pub(super) fn add(&mut self, bytes: &[u8]) -> Result<(), OutputError> {
        let wrong = OutputError::Contradiction;
        let tally = self.tally.as_mut();
        let tally = tally.ok_or(wrong("a certificate comes, and nobody signs"))?;
        let certificate = CommitCertificate::decode(bytes);
        let certificate = certificate.map_err(|_| wrong("a certificate does not decode"))?;
        if self.expected.take() != Some((certificate.height, certificate.value)) {
            return Err(wrong("a certificate is not that of its slot"));
        }
        tally.add(&certificate, bytes.len());
        self.digits.clear();
        hex::encode(bytes, &mut self.digits);
        let digits = core::str::from_utf8(&self.digits).unwrap_or_default();
        self.line.clear();
        push_line(&CertificateLine::new(&certificate, digits), &mut self.line);
        self.file.write(&self.line)
    }

    /// The file's entry, and the figures of all certificates, if they agree with the run's own.
    pub(super) fn finish(
        self,
        report: &RunReport,
    ) -> Result<(FileEntry, Option<ConsensusSummary>), OutputError> {
        let wrong = |what| Err(OutputError::Contradiction(what));
        let summary = match (&self.tally, &report.consensus) {
            (None, None) => None,
            (Some(tally), Some(_)) if tally.heights != report.slot_count => {
                return wrong("a slot has no certificate");
            }
            (Some(tally), Some(run)) if tally.agrees_with(run) => {
                Some(tally.summary(&MessageCounts::of(run)))
            }
            _ => return wrong("the figures of consensus are not those of the certificates"),
        };
        Ok((self.file.finish()?, summary))
    }
}

/// Writes `logs.jsonl`. The last line of an epoch alone bears signatures, so each waits for the
/// next one.
#[derive(Debug)]
pub(super) struct LogLines {
    file: HashedFile,
    /// How long extensions can be here: their writers have checked them.
    limits: ReceiveLogLimits,
    waiting: Option<LogLine>,
    /// The signatures of the line that waits, in digits.
    signatures: Vec<String>,
    line: Vec<u8>,
}

impl LogLines {
    pub(super) fn create(staging: &Staging, member_count: u32) -> Result<Self, OutputError> {
        Ok(Self {
            file: HashedFile::create(staging, LOGS)?,
            limits: ReceiveLogLimits {
                log_count_max: member_count,
                extent_entries_max: 1 << 16,
                signature_bytes_max: SIGNATURE_BYTES as u32,
            },
            waiting: None,
            signatures: Vec::new(),
            line: Vec::new(),
        })
    }

    /// Adds the line of a slot to which these extensions led.
    pub(super) fn add(
        &mut self,
        mut line: LogLine,
        extensions: &[Vec<u8>],
        ends_epoch: bool,
    ) -> Result<(), OutputError> {
        self.write_waiting()?;
        self.signatures.clear();
        for bytes in extensions {
            let read = Extension::decode(bytes, &self.limits);
            let read = read.map_err(|_| OutputError::Contradiction("a log does not decode"))?;
            self.signatures.push(hex::text(read.signature));
            line.extensions
                .push(hex::text(&without_signature(bytes, &read)));
        }
        if ends_epoch {
            // Its logs end here, and only members have epochs that end.
            line.signatures = Some(core::mem::take(&mut self.signatures));
        }
        self.waiting = Some(line);
        Ok(())
    }

    pub(super) fn finish(mut self, is_signed: bool) -> Result<FileEntry, OutputError> {
        let open = self
            .waiting
            .as_mut()
            .filter(|line| line.signatures.is_none());
        if let Some(line) = open.filter(|_| is_signed) {
            line.signatures = Some(core::mem::take(&mut self.signatures));
        }
        self.write_waiting()?;
        self.file.finish()
    }

    fn write_waiting(&mut self) -> Result<(), OutputError> {
        let Some(line) = self.waiting.take() else {
            return Ok(());
        };
        self.line.clear();
        push_line(&line, &mut self.line);
        self.file.write(&self.line)
    }
}

/// An extension's bytes with an empty signature in the place of its own, which ends it.
fn without_signature(bytes: &[u8], read: &Extension<'_>) -> Vec<u8> {
    let entries = bytes.len().saturating_sub(read.signature.len() + 2);
    let mut plain = bytes.get(..entries).unwrap_or_default().to_vec();
    plain.extend_from_slice(&[0, 0]);
    plain
}

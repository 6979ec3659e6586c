//! The certificates in `certificates.jsonl`: that a quorum of the members in `genesis.json` decided
//! each slot.

use std::path::Path;

use hauptbuch_core::certificate::{CertificateError, CommitCertificate, Electorate};
use hauptbuch_core::crypto::signature::{KeyError, Provider};
use hauptbuch_core::sequencer::Membership;
use hauptbuch_core::types::{Hash, Height, MemberIndex};
use hauptbuch_core::vote::MEMBER_COUNT_MAX;
use rayon::prelude::*;

use super::for_each_line;
use crate::committee::{CommitteeError, electorate};
use crate::hex;
use crate::output::error::OutputError;
use crate::output::format::{CERTIFICATES, GENESIS};
use crate::output::json::push_line;
use crate::output::members::{CertificateLine, CertificateTally, EncodedCertificate};

/// Checks that there is a certificate for each of these slots, and nothing else; nothing where
/// nobody signs.
///
/// Cost: a signature check a signer, spread over all cores.
pub(super) fn read(
    directory: &Path,
    epochs: Option<(&[(Height, Membership)], bool)>,
    genesis: &Hash,
    slots: &[Hash],
) -> Result<Option<CertificateTally>, OutputError> {
    let Some((epochs @ [(_, first), ..], is_changeable)) = epochs else {
        for_each_line(directory, CERTIFICATES, 1, |number, _| {
            let reason = "it holds certificates, and genesis.json names no members";
            Err(OutputError::invalid_line(CERTIFICATES, number, reason))
        })?;
        return Ok(None);
    };
    let electorates = electorates_of(epochs, genesis);
    let electorates =
        electorates.map_err(|error| OutputError::invalid(GENESIS, error.to_string()))?;
    let mut reading = Reading {
        electorates: &electorates,
        epochs,
        now: 0,
        slots,
        waiting: Vec::new(),
        tally: CertificateTally::new(first.clone(), is_changeable),
    };
    for_each_line(directory, CERTIFICATES, LINE_BYTES_MAX, |number, line| {
        reading.add(number, line)
    })?;
    reading.check_waiting()?;
    let count = reading.tally.heights;
    // An epoch may begin behind the last slot.
    reading.begin_epochs(count + 1);
    if count < slots.len() as u64 {
        let reason = format!("slot {} has no certificate", count + 1);
        return Err(OutputError::invalid(CERTIFICATES, reason));
    }
    Ok(Some(reading.tally))
}

/// What `certificates.jsonl` came to so far.
struct Reading<'a> {
    /// Those who decide, epoch by epoch.
    electorates: &'a [Electorate],
    /// Each epoch's first slot, and its members.
    epochs: &'a [(Height, Membership)],
    /// The epoch of the line at hand.
    now: usize,
    slots: &'a [Hash],
    /// Certificates whose signatures are not verified yet, with their lines and epochs.
    waiting: Vec<(u64, usize, Vec<u8>)>,
    tally: CertificateTally,
}

impl Reading<'_> {
    /// Reads a line. Its signatures are verified together with those of others.
    fn add(&mut self, number: u64, line: &[u8]) -> Result<(), OutputError> {
        let wrong = |reason: String| OutputError::invalid_line(CERTIFICATES, number, reason);
        let bytes = self.read(number, line);
        let bytes = match bytes {
            Ok(bytes) => bytes,
            Err(reason) => {
                // What stands above it comes first.
                self.check_waiting()?;
                return Err(wrong(reason));
            }
        };
        self.waiting.push((number, self.now, bytes));
        if self.waiting.len() == TOGETHER_COUNT {
            self.check_waiting()?;
        }
        Ok(())
    }

    /// Moves on to the epoch of a slot.
    fn begin_epochs(&mut self, number: u64) {
        while let Some((first, members)) = self.epochs.get(self.now + 1) {
            if first.get() > number {
                break;
            }
            self.now += 1;
            self.tally.begin_epoch(members);
        }
    }

    /// The certificate of a line, once all about it is right but its signatures.
    fn read(&mut self, number: u64, line: &[u8]) -> Result<Vec<u8>, String> {
        let parsed: EncodedCertificate<'_> =
            serde_json::from_slice(line).map_err(|_| "it is no line of this version")?;
        let mut bytes = Vec::new();
        if !hex::decode(parsed.certificate.as_bytes(), &mut bytes) {
            return Err("the certificate's bytes are not hexadecimal digits".into());
        }
        let certificate = CommitCertificate::decode(&bytes);
        let certificate = certificate.map_err(|error| format!("its certificate: {error}"))?;
        // A line is in memory, so that its number fits.
        let slot = usize::try_from(number)
            .ok()
            .and_then(|it| it.checked_sub(1));
        let Some(slot) = slot.and_then(|slot| self.slots.get(slot)) else {
            return Err("it goes on after the last slot".into());
        };
        let height = certificate.height;
        if height != Height::new(number) {
            return Err(format!(
                "its certificate decides slot {height}, and not slot {number}"
            ));
        }
        if certificate.value != *slot {
            return Err("its certificate decides another slot than batches.jsonl holds".into());
        }
        self.begin_epochs(number);
        check_signers(&certificate, &self.electorates[self.now])?;
        let mut rendered = Vec::with_capacity(line.len());
        push_line(
            &CertificateLine::new(&certificate, parsed.certificate),
            &mut rendered,
        );
        if rendered != line || hex::text(&bytes) != parsed.certificate {
            return Err("its fields are not those of its certificate".into());
        }
        self.tally.add(&certificate, bytes.len());
        Ok(bytes)
    }

    /// Verifies the signatures of what waits, on all cores.
    fn check_waiting(&mut self) -> Result<(), OutputError> {
        let electorates = self.electorates;
        let waiting = core::mem::take(&mut self.waiting);
        let checked: Vec<Result<(), OutputError>> = waiting
            .par_iter()
            .map(|(number, epoch, bytes)| {
                let checked = check_signatures(bytes, &electorates[*epoch]);
                checked.map_err(|reason| OutputError::invalid_line(CERTIFICATES, *number, reason))
            })
            .collect();
        checked.into_iter().collect()
    }
}

/// Those who decide the slots of each epoch. All votes name the network by its first members.
fn electorates_of(
    epochs: &[(Height, Membership)],
    genesis: &Hash,
) -> Result<Vec<Electorate>, CommitteeError> {
    let mut electorates: Vec<Electorate> = Vec::new();
    for (_, members) in epochs {
        let made = match electorates.first() {
            None => electorate(members, genesis)?,
            Some(first) => {
                let network = first.context().chain_id;
                let provider = Provider::fastest(members.suite());
                let provider = provider.ok_or(KeyError::ProviderMissing)?;
                Electorate::new(network, provider, members, MEMBER_COUNT_MAX)?
            }
        };
        electorates.push(made);
    }
    Ok(electorates)
}

/// Who signed is a quorum of the members, each with a signature of its own.
fn check_signers(
    certificate: &CommitCertificate<'_>,
    electorate: &Electorate,
) -> Result<(), String> {
    match certificate.check(electorate) {
        Ok(_) => {}
        Err(CertificateError::CertificateTooLight) => {
            return Err(format!(
                "its signers weigh {} of {}, and a slot takes more than two thirds",
                electorate.weight_of(certificate.signers),
                electorate.weight_sum()
            ));
        }
        Err(error) => return Err(format!("its certificate: {error}")),
    }
    let mut before: Vec<(MemberIndex, &[u8])> = Vec::new();
    for (member, _, signature) in certificate.entries() {
        let same = before.iter().find(|(_, other)| *other == signature);
        if let Some((other, _)) = same {
            return Err(format!("members {other} and {member} bear one signature"));
        }
        before.push((member, signature));
    }
    Ok(())
}

/// Every signature verifies.
fn check_signatures(bytes: &[u8], electorate: &Electorate) -> Result<(), String> {
    let certificate = CommitCertificate::decode(bytes).map_err(|error| error.to_string())?;
    let check = certificate.check(electorate);
    let check = check.map_err(|error| error.to_string())?;
    match check.jobs().find(|job| !job.run()) {
        None => Ok(()),
        Some(job) => Err(format!(
            "the signature of member {} does not verify",
            job.member
        )),
    }
}

/// Certificates whose signatures are verified together.
const TOGETHER_COUNT: usize = 64;
/// More than a certificate with all signatures and extensions takes in digits, with its fields.
const LINE_BYTES_MAX: u64 = MEMBER_COUNT_MAX as u64 * 2 * 3_400 + 1_024;

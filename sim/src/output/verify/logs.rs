//! The receive logs in `logs.jsonl`, and the order that follows from them.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;

use hauptbuch_core::batch::{ChainTip, FairVerifier, SlotReader, VerifiedSlot};
use hauptbuch_core::crypto::hash::transaction_id;
use hauptbuch_core::limits::Limits;
use hauptbuch_core::ordering::fair::stream::{
    Bodies, DrainOutcome, Entry, Facts, LoggedId, NextEpoch,
};
use hauptbuch_core::receive_log::{
    Cut, Extents, LogId, LogMark, LogVerifier as _, Point, Statement,
};
use hauptbuch_core::sequencer::{Membership, Standing};
use hauptbuch_core::types::{Epoch, Hash, Height, Transaction, TxId};

use super::chain::batch_line_bytes_max;
use super::for_each_line;
use crate::committee::{PublicKeys, Setup, Unsigned, facts_of, sort_entries};
use crate::fairness::LogFigures;
use crate::hex;
use crate::output::error::OutputError;
use crate::output::format::{BATCHES, EncodedSlot, GENESIS, LOGS, LogLine};
use crate::output::json::push_line;
use crate::output::write::figures;
use crate::run::RunConfig;

/// Follows `logs.jsonl` beside the slots.
pub(super) struct Logs {
    verifier: FairVerifier,
    extents: Extents,
    bodies: KnownBodies,
    lines: BufReader<File>,
    line_bytes_max: u64,
    cut: Cut,
    entries: Vec<Vec<Entry>>,
    pub(super) figures: Option<LogFigures>,
    setup: Setup,
    epoch: Epoch,
    limits: Limits,
    chain_id: u64,
    /// What signatures are checked with.
    keys: PublicKeys,
    /// Where each log ends, and the base of its last extension.
    ends: Vec<(Point, Height)>,
    /// What the last line bears.
    signatures: Option<Vec<String>>,
    /// How many lines of epochs that have ended bear, all of them checked.
    signature_count: u64,
    line_count: u64,
    /// Whether an epoch has begun behind the last line.
    has_begun: bool,
    line: Vec<u8>,
    rendered: Vec<u8>,
}

/// What the bodies say that stand in slots, and in `no_ops`. Only looked up, never walked.
#[derive(Debug, Default)]
struct KnownBodies(HashMap<LoggedId, Facts>);

impl Bodies for KnownBodies {
    fn facts(&self, id: &LoggedId) -> Option<Facts> {
        self.0.get(id).copied()
    }
}

impl KnownBodies {
    fn add(&mut self, canonical: &[u8], transaction: &Transaction<'_>) {
        let id = LoggedId {
            rollup: transaction.envelope.rollup,
            id: transaction_id(canonical),
            body_bytes: canonical.len() as u32,
        };
        self.0.insert(id, facts_of(&transaction.envelope));
    }
}

impl Logs {
    /// Reads all bodies; logs and slots follow line by line. Nothing where the policy keeps no
    /// logs.
    pub(super) fn open(
        directory: &Path,
        config: &RunConfig,
        rollup_count: usize,
        keys: Option<PublicKeys>,
    ) -> Result<Option<Box<Self>>, OutputError> {
        let wrong =
            |error: &dyn core::fmt::Display| OutputError::invalid(GENESIS, error.to_string());
        if !config.policy.orders_by_logs() {
            return Ok(None);
        }
        let figures = figures(config, rollup_count).map_err(|error| wrong(&error))?;
        let keys = keys.ok_or_else(|| wrong(&"it names no members, whose logs give the order"))?;
        let core_config = config
            .core_config(rollup_count)
            .map_err(|error| wrong(&error))?;
        let limits = &config.limits;
        let setup = Setup::of(&core_config, limits).map_err(|error| wrong(&error))?;
        let verifier = FairVerifier::new(&core_config, limits).map_err(|error| wrong(&error))?;
        let line_bytes_max = log_line_bytes_max(&setup, limits);
        let path = directory.join(LOGS);
        let file = File::open(&path).map_err(OutputError::io(&path))?;
        let members = setup.member_count();
        Ok(Some(Box::new(Self {
            verifier,
            extents: setup.extents().map_err(|error| wrong(&error))?,
            bodies: read_bodies(directory, limits, line_bytes_max)?,
            lines: BufReader::with_capacity(1 << 18, file),
            line_bytes_max,
            cut: Cut::new(members),
            entries: vec![Vec::new(); members as usize],
            figures,
            limits: limits.clone(),
            chain_id: setup.chain_id,
            setup,
            epoch: Epoch::ZERO,
            signature_count: 0,
            keys,
            ends: vec![(Point::default(), Height::ZERO); members as usize],
            signatures: None,
            line_count: 0,
            has_begun: false,
            line: Vec::new(),
            rendered: Vec::new(),
        })))
    }

    /// Checks the next slot, whose bytes these are, beside the next line of the logs.
    pub(super) fn verify(
        &mut self,
        slot: &[u8],
        standing: &Standing,
    ) -> Result<VerifiedSlot, String> {
        let mut line = core::mem::take(&mut self.line);
        let read = self.next_line(&mut line);
        let verified = read.and_then(|()| self.verify_with(slot, standing, &line));
        self.line = line;
        verified
    }

    /// The last slot.
    pub(super) const fn tip(&self) -> &ChainTip {
        self.verifier.slots().tip()
    }

    /// A slot decided which one closes the epoch.
    pub(super) fn close_at(&mut self, height: Height) -> Result<(), String> {
        let closed = self.verifier.close_at(height);
        closed.map_err(|error| error.to_string())
    }

    /// The last slot ended the epoch of these members; the next one's logs begin at its hash.
    pub(super) fn begin_epoch(
        &mut self,
        before: &Membership,
        next: &Membership,
        boundary: &Hash,
    ) -> Result<(), String> {
        self.check_signatures()
            .map_err(|why| format!("its line in {LOGS}, the last one of an epoch: {why}"))?;
        self.signature_count += self.signatures.take().map_or(0, |it| it.len() as u64);
        let place = |id| next.members().iter().position(|member| member.id == id);
        let seats = before.members().iter();
        let seats: Vec<Option<u32>> = seats
            .map(|member| place(member.id).map(|at| at as u32))
            .collect();
        let count = next.members().len();
        let parameters = self.setup.fair.parameters_of_epoch(count as u32);
        let next_epoch = NextEpoch {
            parameters: parameters.map_err(|error| error.to_string())?,
            seats: &seats,
        };
        let begun = self.verifier.begin_epoch(&next_epoch);
        begun.map_err(|error| error.to_string())?;
        self.epoch = next.epoch();
        let mark = |log| LogMark {
            at: self.setup.new_log(next.epoch(), boundary, log).end,
            ..LogMark::default()
        };
        let marks: Vec<LogMark> = (0..count as u16).map(mark).collect();
        let begun = self.extents.begin(next.epoch(), &marks);
        begun.map_err(|error| error.to_string())?;
        self.keys = PublicKeys::of(next).map_err(|error| error.to_string())?;
        self.cut = Cut::new(count as u32);
        self.entries = vec![Vec::new(); count];
        // Where nothing was logged yet, the line of an epoch ends where its logs begin.
        self.ends = marks.iter().map(|mark| (mark.at, Height::ZERO)).collect();
        self.has_begun = true;
        Ok(())
    }

    /// There is a line for each slot, and no more, and the last one bears the signatures of all
    /// logs.
    pub(super) fn finish(&mut self) -> Result<(), OutputError> {
        let mut line = Vec::new();
        match self.next_line(&mut line) {
            Ok(()) => Err(OutputError::invalid(LOGS, "it goes on after the last slot")),
            Err(_) if self.line_count == 0 || self.has_begun => Ok(()),
            Err(_) => {
                let checked = self.check_signatures();
                checked.map_err(|why| OutputError::invalid_line(LOGS, self.line_count, why))
            }
        }
    }

    /// How many signatures the last lines of all epochs bear.
    pub(super) fn signature_count(&self) -> u64 {
        let last = self.signatures.as_ref().map_or(0, |it| it.len() as u64);
        self.signature_count + last
    }

    /// The signatures over the ends of all logs.
    fn check_signatures(&self) -> Result<(), String> {
        let signatures = self.signatures.as_ref();
        let signatures = signatures.ok_or("the last line bears no signatures")?;
        let keys = &self.keys;
        if signatures.len() != self.ends.len() {
            return Err("it has not a signature for each log".into());
        }
        let ends = (0_u16..).zip(&self.ends);
        for ((member, (end, base)), digits) in ends.zip(signatures) {
            let mut signature = Vec::new();
            let is_spelled = hex::decode(digits.as_bytes(), &mut signature);
            if !is_spelled || hex::text(&signature) != *digits {
                return Err(format!(
                    "the signature of member {member} is not spelled in digits"
                ));
            }
            let log = LogId {
                chain_id: self.chain_id,
                epoch: self.epoch,
                member,
            };
            let statement = Statement {
                log,
                end: end.position,
                running: end.running,
                base: *base,
            };
            if !keys.verify(member, &statement.bytes(keys.suite()), &signature) {
                return Err(format!(
                    "the signature over the log of member {member} does not verify"
                ));
            }
        }
        Ok(())
    }

    fn next_line(&mut self, line: &mut Vec<u8>) -> Result<(), String> {
        line.clear();
        let mut bounded = (&mut self.lines).take(self.line_bytes_max.saturating_add(1));
        let read = bounded.read_until(b'\n', line);
        let len = read.map_err(|error| format!("{LOGS}: {error}"))?;
        if len == 0 {
            Err(format!("{LOGS} ends before it"))
        } else if len as u64 > self.line_bytes_max {
            Err(format!("its line in {LOGS} is too long"))
        } else {
            Ok(())
        }
    }

    fn verify_with(
        &mut self,
        slot: &[u8],
        standing: &Standing,
        line: &[u8],
    ) -> Result<VerifiedSlot, String> {
        let of_log = |what: &str| format!("its line in {LOGS} {what}");
        let parsed: LogLine =
            serde_json::from_slice(line).map_err(|_| of_log("is no line of this version"))?;
        if self.signatures.is_some() {
            return Err(of_log(
                "follows one with signatures, which only the last one bears",
            ));
        }
        self.signatures.clone_from(&parsed.signatures);
        self.line_count += 1;
        self.has_begun = false;
        self.admit(&parsed)?;
        let cut = cut_of(slot, &self.limits).ok_or("it holds no cut")?;
        self.cut.decode(&cut).map_err(|error| error.to_string())?;
        let entries = self.extents.entries(&self.cut);
        let entries =
            entries.map_err(|error| of_log(&format!("does not lead to its cut: {error}")))?;
        sort_entries(entries, &mut self.entries);
        let verified =
            self.verifier
                .verify_in_epoch(slot, standing, &mut self.extents, &self.bodies);
        let verified = verified.map_err(|error| error.to_string())?;
        let is_whole = (0_u16..).zip(self.cut.points()).all(|(member, point)| {
            let newest = self.extents.newest(member);
            newest.is_some_and(|(end, _)| end == *point)
        });
        if !is_whole {
            return Err(of_log("goes beyond its cut"));
        }
        let stream = self.verifier.stream();
        if let Some(figures) = &mut self.figures {
            figures.add(&self.entries, stream);
        }
        let drained = stream.drained().iter();
        let no_ops = drained.filter(|it| it.outcome != DrainOutcome::Included);
        let mut bodies = Vec::new();
        for digits in &parsed.no_ops {
            bodies.push(id_of_body(digits).ok_or_else(|| of_log("holds a body that is none"))?);
        }
        if !no_ops.map(|it| it.id.id).eq(bodies.iter().copied()) {
            return Err(of_log("has not the bodies of its no-ops"));
        }
        let expected = LogLine {
            height: verified.header.height.get().into(),
            cut: hex::text(&cut),
            ..parsed
        };
        self.rendered.clear();
        push_line(&expected, &mut self.rendered);
        if self.rendered.as_slice() != line {
            return Err(of_log("is not the one that belongs to it"));
        }
        Ok(verified)
    }

    /// Takes in an extension of each member.
    fn admit(&mut self, parsed: &LogLine) -> Result<(), String> {
        if parsed.extensions.len() != self.entries.len() {
            return Err(format!(
                "its line in {LOGS} has not an extension for each member"
            ));
        }
        let mut bytes = Vec::new();
        for (member, digits) in parsed.extensions.iter().enumerate() {
            bytes.clear();
            let is_spelled =
                hex::decode(digits.as_bytes(), &mut bytes) && hex::text(&bytes) == *digits;
            if !is_spelled {
                return Err(format!(
                    "the extension of member {member} is not spelled in digits"
                ));
            }
            let before = self
                .extents
                .newest(member as u16)
                .map(|(end, _)| end.position);
            let admitted = self.extents.admit(&bytes, &Unsigned, &mut []);
            admitted.map_err(|error| format!("the extension of member {member}: {error}"))?;
            let newest = self.extents.newest(member as u16);
            let Some(newest) = newest.filter(|(end, _)| Some(end.position) != before) else {
                return Err(format!("the extension of member {member} extends nothing"));
            };
            self.ends[member] = newest;
        }
        Ok(())
    }
}

/// The bytes of the cut that a slot holds.
fn cut_of(slot: &[u8], limits: &Limits) -> Option<Vec<u8>> {
    let mut reader = SlotReader::new(slot, limits).ok()?;
    let sub_batch = reader.next_sub_batch().ok()??;
    Some(sub_batch.evidence.cut().to_vec())
}

/// The identity of a body in digits, in their one spelling.
fn id_of_body(digits: &str) -> Option<TxId> {
    let mut canonical = Vec::new();
    let is_spelled = hex::decode(digits.as_bytes(), &mut canonical);
    (is_spelled && hex::text(&canonical) == digits).then(|| transaction_id(&canonical))
}

/// All bodies that slots and logs hold.
fn read_bodies(
    directory: &Path,
    limits: &Limits,
    log_line_bytes_max: u64,
) -> Result<KnownBodies, OutputError> {
    let mut bodies = KnownBodies::default();
    let mut bytes = Vec::new();
    for_each_line(
        directory,
        BATCHES,
        batch_line_bytes_max(limits),
        |number, line| {
            let wrong = |reason: &str| OutputError::invalid_line(BATCHES, number, reason);
            let parsed: EncodedSlot<'_> =
                serde_json::from_slice(line).map_err(|_| wrong("it is no line of this version"))?;
            bytes.clear();
            if !hex::decode(parsed.encoded.as_bytes(), &mut bytes) {
                return Err(wrong("the slot's bytes are not hexadecimal digits"));
            }
            let mut reader =
                SlotReader::new(&bytes, limits).map_err(|it| wrong(&it.to_string()))?;
            loop {
                let next = reader.next_sub_batch();
                let Some(sub_batch) = next.map_err(|error| wrong(&error.to_string()))? else {
                    return Ok(());
                };
                for (canonical, transaction, _) in sub_batch.iter() {
                    bodies.add(canonical, &transaction);
                }
            }
        },
    )?;
    for_each_line(directory, LOGS, log_line_bytes_max, |number, line| {
        let wrong = |reason: &str| OutputError::invalid_line(LOGS, number, reason);
        let parsed: LogLine =
            serde_json::from_slice(line).map_err(|_| wrong("it is no line of this version"))?;
        for digits in &parsed.no_ops {
            bytes.clear();
            let is_read = hex::decode(digits.as_bytes(), &mut bytes);
            let transaction =
                is_read.then(|| Transaction::decode(&bytes, limits.payload_bytes_max).ok());
            let transaction = transaction
                .flatten()
                .ok_or_else(|| wrong("a no-op's body does not decode"))?;
            bodies.add(&bytes, &transaction);
        }
        Ok(())
    })?;
    Ok(bodies)
}

/// The most bytes of a line: two digits for each byte of what a slot's extents and no-ops can have.
fn log_line_bytes_max(setup: &Setup, limits: &Limits) -> u64 {
    let members = u64::from(setup.log_limits().log_count_max);
    let extensions = setup.log_limits().extension_bytes_max();
    let bodies = u64::from(setup.fair.limits.slot_room.count)
        .saturating_mul(u64::from(limits.payload_bytes_max).saturating_add(256));
    extensions
        .saturating_mul(members)
        .saturating_add(bodies.min(setup.fair.limits.first_hand_bytes_max.saturating_mul(128)))
        // A signature of each, on one line.
        .saturating_add(members.saturating_mul(1 << 12))
        .saturating_mul(2)
        .saturating_add(1 << 15)
}

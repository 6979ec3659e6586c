//! The chain of slots in `batches.jsonl`.

use std::collections::HashMap;
use std::path::Path;

use hauptbuch_core::batch::{ChainTip, SlotVerifier, SubBatch, VerifiedSlot};
use hauptbuch_core::crypto::hash::{Domain, hash};
use hauptbuch_core::limits::Limits;
use hauptbuch_core::sequencer::Membership;
use hauptbuch_core::types::{Address, Hash, Height, Nonce, RollupId};

use super::for_each_line;
use super::logs::Logs;
use super::members::{Members, SlotStanding};
use crate::committee::PublicKeys;
use crate::hex;
use crate::output::error::OutputError;
use crate::output::format::{BATCHES, BatchLine, EncodedSlot, GENESIS};
use crate::output::json::{Digest, push_line};
use crate::run::{EPOCH_UNIX_NS, RunConfig};

/// What a slot says of one transaction.
#[derive(Clone, Copy, Debug)]
pub(super) struct Inclusion {
    pub(super) arrival_index: u64,
    pub(super) arrival_tick: u64,
    pub(super) slot_tick: u64,
    pub(super) id: Hash,
    pub(super) height: Height,
    pub(super) rollup: RollupId,
    pub(super) position: u32,
}

/// Follows `batches.jsonl`.
pub(super) struct Chain {
    pub(super) config: RunConfig,
    pub(super) rollup_count: usize,
    verifier: SlotVerifier,
    /// Under a policy that orders by logs, in place of the verifier.
    pub(super) logs: Option<Box<Logs>>,
    pub(super) inclusions: Vec<Inclusion>,
    /// The next nonce of each sender. Only looked up, never walked.
    pub(super) next_nonces: HashMap<(RollupId, Address), Option<Nonce>>,
    /// The rollups' running hashes, slot by slot.
    pub(super) running_hashes: Vec<Digest>,
    /// The slots' hashes, in their order.
    pub(super) hashes: Vec<Hash>,
    /// Who the members are, epoch by epoch, where members sign.
    pub(super) members: Option<Members>,
}

impl Chain {
    pub(super) fn new(
        directory: &Path,
        config: &RunConfig,
        rollup_count: usize,
        first: Option<&Membership>,
    ) -> Result<Self, OutputError> {
        let wrong =
            |error: &dyn core::fmt::Display| OutputError::invalid(GENESIS, error.to_string());
        let core_config = config.core_config(rollup_count);
        let core_config = core_config.map_err(|error| wrong(&error))?;
        let genesis = core_config.genesis_hash(&config.limits);
        let members = first.map(|first| Members::new(&core_config, &genesis, first));
        let members = members.transpose().map_err(|error| wrong(&error))?;
        if config.membership.is_changeable() && members.is_none() {
            return Err(wrong(&"it names no members, who are to change"));
        }
        let keys = first.map(PublicKeys::of).transpose();
        let keys = keys.map_err(|error| wrong(&error))?;
        Ok(Self {
            members,
            config: config.clone(),
            rollup_count,
            verifier: SlotVerifier::new(&core_config, &config.limits),
            logs: Logs::open(directory, config, rollup_count, keys)?,
            inclusions: Vec::new(),
            next_nonces: HashMap::new(),
            running_hashes: Vec::new(),
            hashes: Vec::new(),
        })
    }

    /// The last slot.
    pub(super) fn tip(&self) -> ChainTip {
        match &self.logs {
            Some(logs) => logs.tip().clone(),
            None => self.verifier.tip().clone(),
        }
    }

    pub(super) fn read(&mut self, directory: &Path) -> Result<(), OutputError> {
        let line_bytes_max = batch_line_bytes_max(&self.config.limits);
        let mut slot = Vec::new();
        let mut rendered = Vec::new();
        for_each_line(directory, BATCHES, line_bytes_max, |number, line| {
            let added = self.add(line, &mut slot, &mut rendered);
            added.map_err(|reason| OutputError::invalid_line(BATCHES, number, reason))
        })?;
        self.logs.as_mut().map_or(Ok(()), |logs| logs.finish())
    }

    /// Checks the next slot, with what it changes of the members, and moves on to it.
    fn verify(&mut self, slot: &[u8]) -> Result<VerifiedSlot, String> {
        let changes = match &mut self.members {
            Some(members) => members.consider(slot, &self.config.limits)?,
            None => SlotStanding::default(),
        };
        let verified = match &mut self.logs {
            Some(logs) => logs.verify(slot, &changes.standing)?,
            None => {
                let verified = self.verifier.verify(slot);
                verified.map_err(|error| error.to_string())?
            }
        };
        if let Some(members) = &mut self.members {
            let by_logs = self.logs.is_some();
            let (closing, next) = members.move_on(&verified, &changes, by_logs)?;
            if let (Some(logs), Some(closing)) = (&mut self.logs, closing) {
                logs.close_at(closing)?;
            }
            if let (Some(logs), Some((before, next))) = (&mut self.logs, next) {
                logs.begin_epoch(&before, &next, &verified.hash)?;
            }
        }
        Ok(verified)
    }

    fn add(
        &mut self,
        line: &[u8],
        slot: &mut Vec<u8>,
        rendered: &mut Vec<u8>,
    ) -> Result<(), String> {
        let parsed: EncodedSlot<'_> =
            serde_json::from_slice(line).map_err(|_| "it is no line of this version")?;
        slot.clear();
        if !hex::decode(parsed.encoded.as_bytes(), slot) {
            return Err("the slot's bytes are not hexadecimal digits".into());
        }
        let verified = self.verify(slot)?;
        // What members agree on is a slot all the same, if it holds nothing.
        if verified.transaction_count == 0 && self.members.is_none() {
            return Err("the slot is empty, and no run takes empty slots".into());
        }
        let slot_tick = verified.header.time.get().checked_sub(EPOCH_UNIX_NS);
        let slot_tick = slot_tick
            .filter(|tick| *tick > 0 && tick.is_multiple_of(self.config.slot_interval_ns))
            .ok_or("the slot's time is not a multiple of the interval")?;
        let Self {
            inclusions,
            next_nonces,
            ..
        } = self;
        let mut fault = None;
        let expected = BatchLine::new(slot, parsed.encoded, &self.config.limits, |sub_batch| {
            let added = add_inclusions(sub_batch, slot_tick, inclusions, next_nonces);
            fault = fault.take().or(added.err());
        });
        let expected = expected.map_err(|error| error.to_string())?;
        if let Some(fault) = fault {
            return Err(fault);
        }
        self.running_hashes
            .extend(expected.rollups.iter().map(|part| part.running_hash));
        self.hashes.push(verified.hash);
        rendered.clear();
        push_line(&expected, rendered);
        if rendered.as_slice() != line {
            return Err("its fields are not those of the slot's bytes".into());
        }
        Ok(())
    }
}

/// Notes the transactions of a sub-batch, and checks that their senders' nonces go on.
fn add_inclusions(
    sub_batch: &SubBatch<'_>,
    slot_tick: u64,
    inclusions: &mut Vec<Inclusion>,
    next_nonces: &mut HashMap<(RollupId, Address), Option<Nonce>>,
) -> Result<(), String> {
    let SubBatch { header, .. } = sub_batch;
    for (position, (canonical, transaction, arrival)) in (0..).zip(sub_batch.iter()) {
        let envelope = &transaction.envelope;
        let account = (header.rollup, envelope.sender);
        let next = envelope.nonce.checked_add(1);
        let expected = next_nonces.insert(account, next);
        let place = || format!("(rollup {}, transaction {position})", header.rollup);
        if expected.is_some_and(|expected| expected != Some(envelope.nonce)) {
            return Err(format!(
                "the sender's nonce does not continue that of an earlier slot {}",
                place()
            ));
        }
        if arrival.tick.get() >= slot_tick {
            return Err(format!("it arrived after its slot {}", place()));
        }
        inclusions.push(Inclusion {
            arrival_index: arrival.index,
            arrival_tick: arrival.tick.get(),
            slot_tick,
            id: hash(Domain::TRANSACTION, canonical),
            height: header.height,
            rollup: header.rollup,
            position,
        });
    }
    Ok(())
}

/// The most bytes of a line.
pub(super) fn batch_line_bytes_max(limits: &Limits) -> u64 {
    // Two digits a byte, and far more than the other fields of the most rollups need.
    hauptbuch_core::batch::slot_encoded_len_max(limits)
        .saturating_mul(2)
        .saturating_add(1 << 15)
}

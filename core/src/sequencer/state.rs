//! The registry as bytes, and back.
//!
//! Two kinds of things stand in it. What the decided slots have made of the registry is the same at
//! every node, and [`SequencerManager::state_hash`] is over that alone. What this node saw beside
//! it (turns, votes, signs of life, records that its host has not read) is its own.

use super::audit::AuditRecord;
use super::{
    SEQUENCER_WEIGHT_MAX, Sequencer, SequencerManager, SequencerSetup, SequencerSetupError,
    SequencerStatus, sequencer_address,
};
use crate::codec::{DecodeError, Reader, Sink, StateError, StateFormat};
use crate::crypto::hash::{Domain, Hasher};
use crate::crypto::signature::PublicKey;
use crate::types::{Epoch, Hash, Height, SequencerId, Tick};

const FORMAT: StateFormat = StateFormat {
    domain: Domain::REGISTRY_STATE,
    version: 1,
};
/// The version of what the hash is over.
const DECIDED_VERSION: u8 = 1;

const LEAVING: u8 = 1;
const HELD: u8 = 2;

impl SequencerManager {
    /// The hash of all that decided slots have made of the registry: the same at every node that
    /// took in the same changes, whatever else it saw.
    ///
    /// SHA3-256 of "hb/rg/1", a version byte and the decided part of the state's bytes
    /// (`docs/formats.md`). Cost: about 2 KB to hash a sequencer.
    #[must_use]
    pub fn state_hash(&self) -> Hash {
        let mut hasher = Hasher::new(Domain::REGISTRY);
        hasher.u8(DECIDED_VERSION);
        self.write_decided(&mut hasher);
        hasher.finish()
    }

    /// Bytes of the state as it is now: about 2 KB a sequencer, and 104 a record that waits.
    #[must_use]
    pub fn state_len(&self) -> usize {
        StateFormat::len(|out| self.write_content(out))
    }

    /// Writes the whole state to the front of `out`, and returns how many bytes that took. Equal
    /// states give equal bytes. `docs/formats.md` draws them.
    ///
    /// # Errors
    /// [`StateError::BufferTooSmall`] where `out` is shorter than [`state_len`](Self::state_len);
    /// nothing is written then.
    pub fn write_state(&self, out: &mut [u8]) -> Result<usize, StateError> {
        FORMAT.write(out, |out| self.write_content(out))
    }

    /// Makes a registry from its bytes, with all the memory that it will ever use. It goes on as
    /// the one that wrote them would have: the same changes give the same records and members, if
    /// the host's ticks go on as well.
    ///
    /// Keys are not proven again, nor is evidence: a checksum tells of accidents, not of somebody
    /// who writes a whole new state. Compare [`state_hash`](Self::state_hash) with what a slot says
    /// where the bytes came from somebody else.
    ///
    /// # Errors
    /// - [`StateError::LimitOutOfRange`], [`StateError::LimitsContradict`],
    ///   [`StateError::ProviderMissing`] where `setup` can't be used;
    /// - [`StateError::Truncated`], [`StateError::TrailingBytes`],
    ///   [`StateError::UnsupportedVersion`], [`StateError::Corrupt`] for damaged bytes;
    /// - [`StateError::WrongNetwork`], [`StateError::WrongSettings`] for those of another network,
    ///   or under other limits or rules;
    /// - [`StateError::Inconsistent`] where they contradict themselves.
    pub fn restore(setup: SequencerSetup, bytes: &[u8]) -> Result<Self, StateError> {
        setup.limits.check()?;
        let mut input = FORMAT.open(bytes)?;
        check_setup(&setup, &mut input)?;
        let mut restored = Self::vacant(setup)?;
        let chain = restored.read_decided(&mut input)?;
        restored.read_seen(chain, &mut input)?;
        input.finish()?;
        restored.check_state()?;
        Ok(restored)
    }

    fn write_content(&self, out: &mut dyn Sink) {
        write_setup(&self.setup, out);
        self.write_decided(out);
        for entry in self.sequencers() {
            let metrics = &entry.metrics;
            out.u64(metrics.turns_taken);
            out.u64(metrics.turns_missed);
            out.u32(metrics.turns_missed_in_row);
            out.u64(metrics.votes);
            out.u64(metrics.last_alive.get());
        }
        // At most 2^20, by the limits.
        out.u32(self.audit.waiting_count() as u32);
        for record in self.audit.waiting() {
            out.bytes(&record.to_bytes());
        }
    }

    fn write_decided(&self, out: &mut dyn Sink) {
        out.u64(self.epoch.get());
        out.u64(self.height.get());
        out.u64(self.audit.count());
        out.bytes(self.audit.hash().as_bytes());
        // At most 1,024, by the limits.
        out.u16(self.len as u16);
        for entry in self.sequencers() {
            out.u32(entry.id.get());
            out.bytes(entry.public_key.as_bytes());
            out.u64(entry.weight);
            out.u64(entry.planned_weight);
            out.u8(entry.status.number());
            out.u8(entry.planned_status.number());
            let leaving = if entry.is_leaving { LEAVING } else { 0 };
            let held = if entry.is_held { HELD } else { 0 };
            out.u8(leaving | held);
            out.u64(entry.planned_at.get());
            out.u32(entry.metrics.evidence);
            out.u64(entry.metrics.epochs);
        }
    }

    /// Reads what is decided; gives how far the audit log's chain had come.
    fn read_decided(&mut self, input: &mut Reader<'_>) -> Result<(u64, Hash), StateError> {
        self.epoch = Epoch::new(input.u64()?);
        self.height = Height::new(input.u64()?);
        let chain = (input.u64()?, Hash::new(input.array()?));
        let count = usize::from(input.u16()?);
        StateError::unless(count <= self.entries.len())?;
        for entry in self.entries.iter_mut().take(count) {
            *entry = read_sequencer(input)?;
        }
        self.len = count;
        Ok(chain)
    }

    /// Reads what only this node saw.
    fn read_seen(
        &mut self,
        (count, hash): (u64, Hash),
        input: &mut Reader<'_>,
    ) -> Result<(), StateError> {
        for entry in self.entries.iter_mut().take(self.len) {
            let metrics = &mut entry.metrics;
            metrics.turns_taken = input.u64()?;
            metrics.turns_missed = input.u64()?;
            metrics.turns_missed_in_row = input.u32()?;
            metrics.votes = input.u64()?;
            metrics.last_alive = Tick::new(input.u64()?);
        }
        let waiting_count = input.u32()?;
        StateError::unless(waiting_count <= self.setup.limits.audit_count_max)?;
        let mut is_whole = true;
        let waiting = (0..waiting_count).map_while(|_| {
            let record = AuditRecord::decode(input).ok();
            is_whole &= record.is_some();
            record
        });
        let follows = self.audit.restore(count, hash, waiting);
        StateError::unless(follows && is_whole && count > 0)
    }

    /// Whether all that the registry promises holds.
    fn check_state(&self) -> Result<(), StateError> {
        let all = self.sequencers();
        let limits = &self.setup.limits;
        let heads = self.setup.rules.heads_min..=limits.member_count_max;
        let has_heads = |of: fn(&Sequencer) -> bool| {
            let count = all.iter().filter(|entry| of(entry)).count();
            u16::try_from(count).is_ok_and(|count| heads.contains(&count))
        };
        let is_ordered = all.is_sorted_by(|before, after| before.id < after.id);
        let is_committee = has_heads(Sequencer::is_member) && has_heads(Sequencer::is_next_member);
        StateError::unless(is_ordered && is_committee)?;
        for (place, entry) in all.iter().enumerate() {
            let mut others = all.iter().take(place);
            let is_single = !others.any(|other| {
                other.address == entry.address || other.public_key == entry.public_key
            });
            let is_equal = !self.setup.rules.equal_weights
                || all.first().is_some_and(|first| {
                    (entry.weight, entry.planned_weight) == (first.weight, first.weight)
                });
            StateError::unless(
                is_single
                    && is_equal
                    && is_consistent(entry)
                    && entry.planned_at <= self.height
                    && entry.is_held == self.must_stay(place),
            )?;
        }
        Ok(())
    }
}

/// Whether one sequencer's fields agree with each other.
fn is_consistent(entry: &Sequencer) -> bool {
    let weights = 1..=SEQUENCER_WEIGHT_MAX;
    let is_weighed = weights.contains(&entry.weight) && weights.contains(&entry.planned_weight);
    // A ban is for good, takes the place of a leaving, and comes with evidence.
    let is_banned = entry.status == SequencerStatus::Banned;
    let is_just = entry.is_convicted() == (entry.metrics.evidence > 0)
        && (!is_banned || entry.is_convicted())
        && !(entry.is_convicted() && entry.is_leaving);
    is_weighed && is_just && (!entry.is_member() || entry.metrics.epochs > 0)
}

fn read_sequencer(input: &mut Reader<'_>) -> Result<Sequencer, StateError> {
    let id = SequencerId::new(input.u32()?);
    let public_key = PublicKey::new(input.array()?);
    let (weight, planned_weight) = (input.u64()?, input.u64()?);
    let mut status = || -> Result<SequencerStatus, StateError> {
        SequencerStatus::from_number(input.u8()?).ok_or(StateError::Inconsistent)
    };
    let (status, planned_status) = (status()?, status()?);
    let flags = input.u8()?;
    StateError::unless(flags & !(LEAVING | HELD) == 0)?;
    let mut entry = Sequencer {
        id,
        address: sequencer_address(&public_key),
        public_key,
        weight,
        planned_weight,
        status,
        planned_status,
        is_leaving: flags & LEAVING != 0,
        is_held: flags & HELD != 0,
        planned_at: Height::new(input.u64()?),
        ..Sequencer::vacant()
    };
    entry.metrics.evidence = input.u32()?;
    entry.metrics.epochs = input.u64()?;
    Ok(entry)
}

fn write_setup(setup: &SequencerSetup, out: &mut dyn Sink) {
    let (limits, rules) = (&setup.limits, &setup.rules);
    out.bytes(setup.network.as_bytes());
    out.u64(setup.chain_id);
    out.u8(setup.provider.suite().number());
    out.u16(limits.sequencer_count_max);
    out.u16(limits.member_count_max);
    out.u32(limits.audit_count_max);
    out.u16(rules.heads_min);
    out.u8(u8::from(rules.equal_weights));
    out.u32(rules.missed_turns_max);
    out.u64(rules.silence_ns_max);
}

/// Whether a state was written under this setup.
fn check_setup(setup: &SequencerSetup, input: &mut Reader<'_>) -> Result<(), StateError> {
    let network: Result<_, DecodeError> =
        (|| Ok((input.array::<32>()?, input.u64()?, input.u8()?)))();
    let own = (
        *setup.network.as_bytes(),
        setup.chain_id,
        setup.provider.suite().number(),
    );
    if network? != own {
        return Err(StateError::WrongNetwork);
    }
    let (limits, rules) = (&setup.limits, &setup.rules);
    let is_same = input.u16()? == limits.sequencer_count_max
        && input.u16()? == limits.member_count_max
        && input.u32()? == limits.audit_count_max
        && input.u16()? == rules.heads_min
        && input.u8()? == u8::from(rules.equal_weights)
        && input.u32()? == rules.missed_turns_max
        && input.u64()? == rules.silence_ns_max;
    is_same.then_some(()).ok_or(StateError::WrongSettings)
}

/// What can be wrong with a setup before there is anybody.
impl From<SequencerSetupError> for StateError {
    fn from(error: SequencerSetupError) -> Self {
        match error {
            SequencerSetupError::LimitsContradict => Self::LimitsContradict,
            SequencerSetupError::ProviderMissing => Self::ProviderMissing,
            _ => Self::LimitOutOfRange,
        }
    }
}

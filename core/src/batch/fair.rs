//! Follows slots whose order receive logs give, beside the logs.

use alloc::boxed::Box;

use super::logged::no_op_rows;
use super::{SlotReader, SlotVerifier, StateParts, SubBatch, VerifiedSlot, VerifyError};
use crate::bounded::{fixed_slice, fixed_slice_bytes};
use crate::config::{Config, ConfigError};
use crate::crypto::hash::transaction_id;
use crate::error::Code;
use crate::limits::Limits;
use crate::ordering::fair::stream::{
    ApplyError, Bodies, Cut as StreamCut, DrainOutcome, Drained, Entry as StreamEntry, EntryKind,
    Extent, FairStream, LoggedId, NextEpoch, STREAM_LOG_COUNT_MAX, StreamTwin,
};
use crate::ordering::{FairSetup, SegmentRooms, SlotRoom};
use crate::receive_log::{Cut, Entry, Extents, Point};
use crate::sequencer::Standing;
use crate::types::{Hash, Height, RollupId};

/// The extents of a cut, that of log i at i.
type CutExtents<'a> = heapless::Vec<Extent<'a>, { STREAM_LOG_COUNT_MAX as usize }>;

/// Follows a chain of slots under order fairness or median timestamps, with the configuration and
/// the members' logs.
///
/// Beyond what [`SlotVerifier`] says, it recomputes from the logs up to each slot's cut what the
/// slot drains, by the decided state and by its twin, and compares: the agreed time, the order
/// within each rollup, every no-op with its reason, and the state root. What it can't see is
/// whether a log says the truth of when its member received something, and whether forced inputs
/// and bundles are right.
///
/// A slot that breaks a rule which can be told beforehand (its form, its cut, a body that is not
/// there) leaves the verifier where it was. One that does not hold what its cut gives ends it: the
/// state has moved on to that cut. So candidates of one height can't be checked one after another
/// as [`SlotVerifier::check`] does it: whoever votes lets [`SlotVerifier`] judge the form and
/// compares the rest with the one slot that its own decided state gives.
///
/// Memory: see [`FairVerifier::footprint_bytes`].
#[derive(Debug)]
pub struct FairVerifier {
    slots: SlotVerifier,
    order: Order,
}

/// All but the slots' form, apart so that both can be borrowed.
#[derive(Debug)]
struct Order {
    setup: FairSetup,
    limits: Limits,
    rooms: SegmentRooms,
    stream: FairStream,
    twin: StreamTwin,
    cut: Cut,
    /// The entries of a cut, log after log.
    entries: Box<[StreamEntry]>,
    is_spent: bool,
}

const NO_ENTRY: StreamEntry = StreamEntry {
    base: Height::ZERO,
    kind: EntryKind::Stamp(crate::types::UnixNs::ZERO),
};

impl FairVerifier {
    /// Starts before the first slot of the network with this configuration.
    ///
    /// # Errors
    /// A [`ConfigError`] as of [`FairSetup::of`].
    pub fn new(config: &Config, limits: &Limits) -> Result<Self, ConfigError> {
        let setup = FairSetup::of(config, limits)?;
        let logs = setup.limits.log_count_max(setup.parameters);
        let mut cut = Cut::new(logs);
        let fits = cut.set_log_count(setup.parameters.n());
        debug_assert!(fits.is_ok(), "the first epoch has no more logs than any");
        Ok(Self {
            slots: SlotVerifier::new(config, limits),
            order: Order {
                limits: limits.clone(),
                rooms: SegmentRooms::of(config, limits),
                stream: setup.stream(config.index_key)?,
                twin: setup.twin()?,
                cut,
                entries: fixed_slice(entry_count(&setup), NO_ENTRY),
                is_spent: false,
                setup,
            },
        })
    }

    /// The bytes that [`FairVerifier::new`] takes.
    ///
    /// # Errors
    /// As [`FairVerifier::new`].
    pub fn footprint_bytes(config: &Config, limits: &Limits) -> Result<u64, ConfigError> {
        let setup = FairSetup::of(config, limits)?;
        let stream = FairStream::footprint_bytes(setup.parameters, &setup.limits, &setup.parts);
        Ok(SlotVerifier::footprint_bytes(limits)
            .saturating_add(stream)
            .saturating_add(setup.twin_footprint_bytes())
            .saturating_add(Cut::footprint_bytes(
                setup.limits.log_count_max(setup.parameters),
            ))
            .saturating_add(fixed_slice_bytes::<StreamEntry>(entry_count(&setup))))
    }

    /// What follows from the slots so far: who waits, charges, cursors.
    #[must_use]
    pub const fn stream(&self) -> &FairStream {
        &self.order.stream
    }

    /// The chain of slots so far.
    #[must_use]
    pub const fn slots(&self) -> &SlotVerifier {
        &self.slots
    }

    /// The slots have decided which one closes the epoch: see [`FairStream::close_at`]. Said behind
    /// the slot that decides it, before the next is verified; what follows from it, a
    /// [`Succession`](crate::sequencer::Succession) tells.
    ///
    /// # Errors
    /// A [`VerifyError`] with the code of an
    /// [`EpochError`](crate::ordering::fair::stream::EpochError).
    pub fn close_at(&mut self, height: Height) -> Result<(), VerifyError> {
        let order = &mut self.order;
        let closed = order.stream.close_at(height);
        closed
            .and_then(|()| order.twin.close_at(height))
            .map_err(|error| VerifyError::slot(error.code()))
    }

    /// The epoch has ended ([`FairStream::epoch_end`]), and the last slot named the next
    /// membership: goes on with its thresholds, which
    /// [`FairSetup::parameters_of_epoch`] gives. `extents` of the next epoch begin at the last
    /// slot's hash. Does not allocate.
    ///
    /// # Errors
    /// A [`VerifyError`] with the code of an
    /// [`EpochError`](crate::ordering::fair::stream::EpochError).
    pub fn begin_epoch(&mut self, next: &NextEpoch<'_>) -> Result<(), VerifyError> {
        let order = &mut self.order;
        let begun = order.stream.begin_epoch(next);
        begun
            .and_then(|()| order.twin.begin_epoch(next))
            .map_err(|error| VerifyError::slot(error.code()))?;
        let resized = order.cut.set_log_count(next.parameters.n());
        resized.map_err(|error| VerifyError::slot(error.code()))
    }

    /// What the order is made from.
    #[must_use]
    pub const fn setup(&self) -> &FairSetup {
        &self.order.setup
    }

    /// Checks the next slot of a network without a registry against the logs, moves on to it, and
    /// drops from `extents` what its cut covers. `bodies` says what the bodies of candidates hold;
    /// those of no-ops are in no slot.
    ///
    /// # Errors
    /// As [`FairVerifier::verify_with_registry`].
    pub fn verify(
        &mut self,
        slot: &[u8],
        extents: &mut Extents,
        bodies: &impl Bodies,
    ) -> Result<VerifiedSlot, VerifyError> {
        self.verify_with_registry(slot, Hash::ZERO, extents, bodies)
    }

    /// The same where a [`Succession`](crate::sequencer::Succession) stands beside the order:
    /// `standing` is what it says of the slot's changes. Beside the registry's part of the state
    /// root the next membership is checked: the one that follows where the slot ends its epoch,
    /// and none otherwise.
    ///
    /// # Errors
    /// As [`FairVerifier::verify_with_registry`]; [`Code::WrongNextMembership`], after which only
    /// [`Code::VerifierSpent`] follows.
    pub fn verify_in_epoch(
        &mut self,
        slot: &[u8],
        standing: &Standing,
        extents: &mut Extents,
        bodies: &impl Bodies,
    ) -> Result<VerifiedSlot, VerifyError> {
        if self.order.is_spent {
            return Err(VerifyError::slot(Code::VerifierSpent));
        }
        let order = &mut self.order;
        self.slots.verify_and(slot, |verified| {
            order.check(slot, standing.registry, verified, extents, bodies)?;
            let is_last = order.stream.epoch_end().is_some();
            if verified.header.next_membership == standing.named_if(is_last) {
                return Ok(());
            }
            order.is_spent = true;
            Err(VerifyError::slot(Code::WrongNextMembership))
        })
    }

    /// The same where a registry of sequencers stands beside the order: `registry` is the hash of
    /// its state behind the slot's changes, which [`SlotReader::changes`] gives.
    ///
    /// Cost: that of [`SlotVerifier::verify`], of the stream and of its twin, and a hash over the
    /// stream's state.
    ///
    /// # Errors
    /// A [`VerifyError`]: those of [`SlotVerifier::verify`]; [`Code::WrongCut`] and the codes of
    /// [`CutError`](crate::receive_log::CutError), among which [`Code::CutNotHeld`] asks for more
    /// of the logs; those of a cut that charges somebody too much; [`Code::FactsMissing`] for a
    /// body. After [`Code::WrongAgreedTime`], [`Code::WrongDrained`], [`Code::WrongNoOp`] and
    /// [`Code::WrongStateRoot`] only [`Code::VerifierSpent`] follows.
    pub fn verify_with_registry(
        &mut self,
        slot: &[u8],
        registry: Hash,
        extents: &mut Extents,
        bodies: &impl Bodies,
    ) -> Result<VerifiedSlot, VerifyError> {
        if self.order.is_spent {
            return Err(VerifyError::slot(Code::VerifierSpent));
        }
        let order = &mut self.order;
        self.slots.verify_and(slot, |verified| {
            order.check(slot, registry, verified, extents, bodies)
        })
    }
}

impl Order {
    fn check(
        &mut self,
        slot: &[u8],
        registry: Hash,
        verified: &VerifiedSlot,
        extents: &mut Extents,
        bodies: &impl Bodies,
    ) -> Result<(), VerifyError> {
        let room = self.read_cut(slot)?;
        let height = verified.header.height;
        let wrong = VerifyError::slot;
        extents
            .check_cut(&self.cut, height)
            .map_err(|error| wrong(error.code()))?;
        let lens = self.read_entries(extents)?;
        let each = self.setup.limits.extent_entries_max as usize;
        let cut_extents = extents_of(&self.cut, &self.entries, each, &lens, extents);
        let cut = StreamCut {
            height,
            extents: &cut_extents,
        };
        let slots = self.setup.slots(room);
        let applied = self.stream.apply(&cut, &slots, bodies);
        applied.map_err(|error: ApplyError| wrong(error.code()))?;
        self.is_spent = true;
        let same = self.twin.apply(&cut, &slots, bodies).is_ok()
            && self.twin.time() == self.stream.time()
            && self.twin.drained() == self.stream.drained();
        if !same {
            return Err(wrong(Code::Poisoned));
        }
        if verified.header.time != self.stream.time() {
            return Err(wrong(Code::WrongAgreedTime));
        }
        self.compare(slot)?;
        let parts = StateParts {
            order: self.stream.state_hash(),
            cut: self.cut.hash(),
            registry,
        };
        if verified.header.state_root != parts.root() {
            return Err(wrong(Code::WrongStateRoot));
        }
        let decided = extents.decide(&self.cut);
        decided.map_err(|error| wrong(error.code()))?;
        self.is_spent = false;
        Ok(())
    }

    /// Reads the slot's cut, and what its forced inputs leave to the pool segment.
    fn read_cut(&mut self, slot: &[u8]) -> Result<SlotRoom, VerifyError> {
        let mut reader = SlotReader::new(slot, &self.limits)?;
        let mut left = SlotRoom::of(&self.limits);
        let mut is_first = true;
        while let Some(sub_batch) = reader.next_sub_batch()? {
            if is_first {
                let decoded = self.cut.decode(sub_batch.evidence.cut());
                decoded.map_err(|_| VerifyError::slot(Code::WrongCut))?;
                is_first = false;
            }
            for (_, transaction) in sub_batch.forced() {
                left = left.minus(SlotRoom {
                    count: 1,
                    bytes: transaction.encoded_len() as u32,
                    gas: transaction.envelope.gas.get(),
                });
            }
        }
        Ok(left.min(self.rooms.pool))
    }

    /// Copies the entries that the cut covers; returns how many each log has.
    fn read_entries(
        &mut self,
        extents: &Extents,
    ) -> Result<heapless::Vec<u32, { STREAM_LOG_COUNT_MAX as usize }>, VerifyError> {
        let wrong = VerifyError::slot;
        let mut lens = heapless::Vec::new();
        let filled = lens.resize(self.cut.points().len(), 0);
        filled.map_err(|_| wrong(Code::WrongLogCount))?;
        let each = self.setup.limits.extent_entries_max;
        let covered = extents.entries(&self.cut);
        for own in covered.map_err(|error| wrong(error.code()))? {
            let kind = match *own.entry {
                Entry::Stamp(time) => EntryKind::Stamp(time),
                Entry::Id { sealed: true, .. } => return Err(wrong(Code::WrongCut)),
                Entry::Id {
                    rollup,
                    id,
                    body_bytes,
                    ..
                } => EntryKind::Id(LoggedId {
                    rollup,
                    id,
                    body_bytes,
                }),
                Entry::Closed => EntryKind::Closed,
                Entry::Inbox { .. } => continue,
            };
            let len = lens.get_mut(usize::from(own.member));
            let len = len.ok_or(wrong(Code::WrongLogCount))?;
            let place = u32::from(own.member)
                .saturating_mul(each)
                .saturating_add(*len);
            let place = self.entries.get_mut(place as usize).filter(|_| *len < each);
            *place.ok_or(wrong(Code::ExtentTooLong))? = StreamEntry {
                base: own.base,
                kind,
            };
            *len = len.saturating_add(1);
        }
        Ok(lens)
    }

    fn compare(&self, slot: &[u8]) -> Result<(), VerifyError> {
        let mut reader = SlotReader::new(slot, &self.limits)?;
        while let Some(sub_batch) = reader.next_sub_batch()? {
            let rollup = sub_batch.header.rollup;
            compare_included(&sub_batch, self.stream.drained(), rollup)?;
            let no_ops = no_op_rows(self.stream.drained().iter().copied(), rollup);
            if !no_ops.eq(sub_batch.evidence.no_ops()) {
                return Err(VerifyError::sub_batch(Code::WrongNoOp, rollup));
            }
        }
        Ok(())
    }
}

/// The extents of a cut as the stream takes them; each log has `each` places for entries.
fn extents_of<'a>(
    cut: &Cut,
    entries: &'a [StreamEntry],
    each: usize,
    lens: &[u32],
    extents: &Extents,
) -> CutExtents<'a> {
    let logs = (0_u16..)
        .zip(cut.points())
        .zip(entries.chunks(each))
        .zip(lens);
    let extent = |(((member, to), own), len): (((u16, &Point), &'a [StreamEntry]), &u32)| Extent {
        is_moved: extents
            .decided(member)
            .is_some_and(|decided| decided.at.position < to.position),
        entries: own.get(..*len as usize).unwrap_or_default(),
    };
    logs.map(extent).collect()
}

/// The pool segment holds what is included, in its order, and each body is as long as its log says.
fn compare_included(
    sub_batch: &SubBatch<'_>,
    drained: &[Drained],
    rollup: RollupId,
) -> Result<(), VerifyError> {
    let included = |one: &&Drained| one.outcome == DrainOutcome::Included;
    let own = |one: &&Drained| one.id.rollup == rollup;
    let mut expected = drained.iter().filter(own).filter(included);
    for (position, (bytes, ..)) in (0..).zip(sub_batch.iter()) {
        let next = expected.next().map(|one| (one.id.id, one.id.body_bytes));
        if next != Some((transaction_id(bytes), bytes.len() as u32)) {
            let position = sub_batch.header.counts.forced.saturating_add(position);
            return Err(VerifyError::transaction(
                Code::WrongDrained,
                rollup,
                position,
            ));
        }
    }
    match expected.next() {
        None => Ok(()),
        Some(_) => Err(VerifyError::sub_batch(Code::WrongDrained, rollup)),
    }
}

const fn entry_count(setup: &FairSetup) -> usize {
    let logs = setup.limits.log_count_max(setup.parameters) as usize;
    logs.saturating_mul(setup.limits.extent_entries_max as usize)
}

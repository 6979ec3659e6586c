//! What a member makes of a cut: the slot that follows from it, before and after it is decided.

use hauptbuch_core::batch::{SlotContext, StateParts};
use hauptbuch_core::codec::Writer;
use hauptbuch_core::consensus::{Validity, Verdict};
use hauptbuch_core::coordinator::{DrainRefusal, SettleError};
use hauptbuch_core::error::Code;
use hauptbuch_core::limits::CHANGES_BYTES_MAX;
use hauptbuch_core::ordering::fair::stream::{
    Cut as StreamCut, DrainOutcome, Extent, LoggedId, TrialError,
};
use hauptbuch_core::receive_log::{Cut, CutError, Point};
use hauptbuch_core::sequencer::{Standing, changes_hash};
use hauptbuch_core::types::{Hash, Height, Round, SequencerId, Tick};

use super::Member;
use crate::committee::known::World;
use crate::committee::seat::{Mind, Parcel, Said};
use crate::committee::{CommitteeError, Setup, sort_entries};
use crate::run::agreed_time;

/// The slot that a member has computed of a candidate, and not settled yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Taken {
    /// The hash of the cut and that of the changes, by which candidates of one height are told
    /// apart.
    name: Hash,
    changes: Hash,
    /// The slot's hash.
    value: Hash,
    /// What its header names of the state behind it.
    state_root: Hash,
    /// What its header names of the next epoch's members.
    next_membership: Hash,
    height: Height,
}

/// The slot that a member settled last.
#[derive(Clone, Debug, Default)]
pub(in crate::committee) struct Settled {
    /// What its header names of the state behind it.
    pub state_root: Hash,
    /// The changes to the membership that it carries.
    pub changes: Vec<u8>,
    /// In an epoch's last slot, what its header names.
    pub next_membership: Hash,
    /// Its bytes, where members change.
    pub slot: Vec<u8>,
    /// Whether it decided which slot closes the epoch, so that the order has moved on from what
    /// its header names.
    pub has_decided_closing: bool,
}

/// Why a member finds a candidate invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// What was proposed is no cut, or one that this member can't take.
    Cut(CutError),
    /// Nothing can follow from the cut.
    Trial(TrialError),
    /// No slot follows from it.
    Drain(Code),
    /// The changes to the membership are refused.
    Changes(Code),
}

impl From<CutError> for Refusal {
    fn from(error: CutError) -> Self {
        Self::Cut(error)
    }
}

impl From<TrialError> for Refusal {
    fn from(error: TrialError) -> Self {
        Self::Trial(error)
    }
}

impl From<DrainRefusal> for Refusal {
    fn from(refusal: DrainRefusal) -> Self {
        Self::Drain(refusal.code)
    }
}

impl From<SettleError> for Refusal {
    fn from(error: SettleError) -> Self {
        Self::Drain(error.code())
    }
}

impl Refusal {
    /// The stable number and message behind it.
    pub(super) const fn code(self) -> Code {
        match self {
            Self::Cut(error) => error.code(),
            Self::Trial(error) => error.code(),
            Self::Drain(code) | Self::Changes(code) => code,
        }
    }
}

impl Member {
    /// A cut through all that every log holds here, as bytes.
    pub(super) fn propose_cut(&mut self) -> Result<Vec<u8>, CommitteeError> {
        let mut cut = Cut::new(self.members.len() as u32);
        self.extents.propose(self.next_height(), &mut cut)?;
        let mut bytes = vec![0; cut.encoded_len()];
        let written = cut.encode(&mut Writer::new(&mut bytes));
        debug_assert!(written.is_ok(), "the buffer has the encoding's length");
        Ok(bytes)
    }

    /// What it would propose: a cut, and behind it the changes to the membership that are due.
    pub(super) fn propose_content(&mut self) -> Result<Vec<u8>, CommitteeError> {
        let mut bytes = self.propose_cut()?;
        if let Some(registrar) = &self.registrar {
            let changes = registrar.due(self.next_height())?;
            bytes.extend_from_slice(&changes);
        }
        Ok(bytes)
    }

    /// Cuts the bytes of a proposal in two: the cut, and the changes.
    fn split<'a>(&self, bytes: &'a [u8]) -> Result<(&'a [u8], &'a [u8]), Refusal> {
        let len = Cut::encoded_len_of(self.members.len());
        let split = bytes.split_at_checked(len).ok_or(CutError::Truncated)?;
        if self.registrar.is_none() && !split.1.is_empty() {
            return Err(CutError::TrailingBytes.into());
        }
        Ok(split)
    }

    /// The hash of the slot that follows from a cut and changes, by this member's own logs, order,
    /// registry and chain. What was computed of another candidate is taken back.
    pub(super) fn evaluate(
        &mut self,
        bytes: &[u8],
        tick: Tick,
        world: &World<'_>,
    ) -> Result<Hash, Refusal> {
        let (cut_bytes, changes) = self.split(bytes)?;
        let mut cut = Cut::new(self.members.len() as u32);
        cut.decode(cut_bytes)?;
        let (name, changed) = (cut.hash(), changes_hash(changes));
        let is_taken = |taken: &Taken| (taken.name, taken.changes) == (name, changed);
        if let Some(taken) = self.taken.filter(is_taken) {
            return Ok(taken.value);
        }
        self.give_back()?;
        let height = self.next_height();
        self.extents.check_cut(&cut, height)?;
        let standing = match &mut self.registrar {
            None => Standing::default(),
            Some(own) => own.consider(height, changes).map_err(Refusal::Changes)?,
        };
        self.cut.copy_from(&cut)?;
        self.order(name, height, world)?;
        let state_root = StateParts {
            order: self.trial.state_hash(),
            cut: name,
            registry: standing.registry,
        }
        .root();
        let stream = self.trial.stream();
        let next_membership = standing.named_if(stream.epoch_end().is_some());
        let time = agreed_time(tick);
        let included = stream.drained().iter();
        for one in included.filter(|one| one.outcome == DrainOutcome::Included) {
            let submission = world.submission(&one.id.id);
            let submission = submission.ok_or(Refusal::Drain(Code::BodyMissing))?;
            let submitted = self.node.submit_logged(&submission, tick, time);
            submitted.map_err(Refusal::Drain)?;
        }
        let (time, drained) = (stream.time(), stream.drained());
        let context = SlotContext {
            changes,
            next_membership,
            state_root,
        };
        let said = self.node.set_slot_context(&context);
        said.map_err(|error| Refusal::Drain(error.code()))?;
        let slot = self.node.take_drained(tick, time, &self.cut, drained)?;
        let taken = Taken {
            name,
            changes: changed,
            value: slot.hash,
            state_root,
            next_membership,
            height,
        };
        self.taken = Some(taken);
        Ok(taken.value)
    }

    /// Applies the candidate to the decided order.
    fn order(&mut self, name: Hash, height: Height, world: &World<'_>) -> Result<(), Refusal> {
        sort_entries(self.extents.entries(&self.cut)?, &mut self.entries);
        let is_moved = |(member, to): (u16, &Point)| {
            let decided = self.extents.decided(member);
            decided.is_some_and(|mark| mark.at.position < to.position)
        };
        let extents: Vec<Extent<'_>> = (0_u16..)
            .zip(self.cut.points())
            .zip(&self.entries)
            .map(|(place, entries)| Extent {
                is_moved: is_moved(place),
                entries,
            })
            .collect();
        let cut = StreamCut {
            height,
            extents: &extents,
        };
        let mut needed: Vec<LoggedId> = Vec::new();
        self.trial
            .bodies_needed(&cut, &self.held, |id| needed.push(*id))?;
        for id in needed {
            // Somebody honest logged it, and so has its body.
            let facts = world.known.facts_of(&id);
            let facts = facts.ok_or(Refusal::Drain(Code::BodyMissing))?;
            self.held.0.insert(id, facts);
        }
        let rooms = self.setup.fair.slots(self.node.pool_room());
        self.trial.try_candidate(name, &cut, &rooms, &self.held)?;
        Ok(())
    }

    /// Takes back what was computed of a candidate.
    pub(super) fn give_back(&mut self) -> Result<(), Refusal> {
        if let Some(taken) = self.taken.take() {
            self.node.roll_back_slot(taken.height, taken.value)?;
        }
        self.trial.roll_back()?;
        Ok(())
    }

    /// The hash of a slot that holds what the candidate drains in reverse; nothing stays of it.
    #[cfg(test)]
    pub(super) fn reversed(&mut self, tick: Tick) -> Hash {
        use hauptbuch_core::ordering::fair::stream::Drained;

        let taken = self.taken.take().expect("a candidate was evaluated");
        let (node, stream) = (&mut self.node, self.trial.stream());
        node.roll_back_slot(taken.height, taken.value)
            .expect("it is in flight");
        let drained: Vec<Drained> = stream.drained().iter().rev().copied().collect();
        let context = SlotContext {
            state_root: taken.state_root,
            ..SlotContext::NONE
        };
        node.set_slot_context(&context)
            .expect("a slot can carry it");
        let slot = node.take_drained(tick, stream.time(), &self.cut, &drained);
        let hash = slot.expect("the bodies are there").hash;
        node.roll_back_slot(taken.height, hash)
            .expect("it is in flight");
        self.give_back().expect("the decided state is kept");
        assert_ne!(hash, taken.value, "the order shows");
        hash
    }
}

impl Member {
    /// The registry moves on with the slot that was settled, and where it decided which slot
    /// closes the epoch, so does the order.
    fn note_changes(&mut self, height: Height) -> Result<(), CommitteeError> {
        let Some(registrar) = &mut self.registrar else {
            return Ok(());
        };
        let before = registrar.standing().closing;
        let after = registrar.decide(height, &self.settled.changes)?.closing;
        if let Some(closing) = after.filter(|_| before.is_none()) {
            let closed = self.trial.close_at(closing);
            closed.map_err(|error| CommitteeError::Refused(error.code()))?;
            self.settled.has_decided_closing = true;
        }
        Ok(())
    }
}

impl Mind for Member {
    fn id(&self) -> SequencerId {
        self.id
    }

    fn next_height(&self) -> Height {
        self.node.acknowledged_height().next()
    }

    /// The slot that follows from all that the logs hold here and the changes that are due: its
    /// hash, the cut, the changes.
    fn propose(
        &mut self,
        round: Round,
        tick: Tick,
        world: &World<'_>,
    ) -> Result<Vec<u8>, CommitteeError> {
        let content = self.propose_content()?;
        let slot = self.evaluate(&content, tick, world);
        let slot = slot.map_err(|refusal| CommitteeError::Refused(refusal.code()))?;
        #[cfg(test)]
        let slot = match self.reverses_first && round == Round::ZERO {
            true => self.reversed(tick),
            false => slot,
        };
        let _ = round;
        Ok([slot.as_bytes().as_slice(), &content].concat())
    }

    /// Another slot than the body names says nothing about that slot, which may follow from another
    /// cut: the body is not its own, and whoever sent it is to blame.
    fn judge(
        &mut self,
        value: Hash,
        body: &[u8],
        tick: Tick,
        world: &World<'_>,
    ) -> Result<Verdict, CommitteeError> {
        let content = body.get(Hash::LEN..).unwrap_or_default();
        match self.evaluate(content, tick, world) {
            Ok(slot) if slot == value => Ok(Verdict::Known(Validity::Valid {
                extension_hash: Hash::ZERO,
            })),
            Err(refusal) if refusal.code() == Code::Poisoned => {
                Err(CommitteeError::Refused(Code::Poisoned))
            }
            Ok(_) | Err(_) => Ok(Verdict::WrongBody),
        }
    }

    /// Where another candidate was evaluated since, the cut of the decided slot is evaluated again.
    fn settle(
        &mut self,
        value: Hash,
        body: &[u8],
        tick: Tick,
        world: &World<'_>,
    ) -> Result<(), CommitteeError> {
        let refused = CommitteeError::Refused;
        let content = body.get(Hash::LEN..).unwrap_or_default();
        if self.taken.is_none_or(|taken| taken.value != value) {
            let again = self.evaluate(content, tick, world);
            again.map_err(|refusal| refused(refusal.code()))?;
        }
        let taken = self.taken.take().filter(|taken| taken.value == value);
        let taken = taken.ok_or(refused(Code::WrongSlot))?;
        let split = self.split(content);
        let (_, changes) = split.map_err(|refusal| refused(refusal.code()))?;
        self.settled = Settled {
            state_root: taken.state_root,
            changes: changes.to_vec(),
            next_membership: taken.next_membership,
            slot: match (&self.registrar, self.node.slot(taken.height)) {
                (Some(_), Some(slot)) => slot.bytes.to_vec(),
                _ => Vec::new(),
            },
            has_decided_closing: false,
        };
        let stream = self.trial.decide(taken.name);
        let stream = stream.map_err(|error| refused(error.code()))?;
        let acknowledged = self.node.acknowledge_slot(taken.height, value, tick);
        acknowledged.map_err(|error| refused(error.code()))?;
        // What became of transactions is heard of at the door.
        while self.node.poll_event().is_some() {}
        let own = usize::from(self.number);
        let end = self.cut.points()[own].position;
        let before = self.extents.decided(self.number);
        let covered = before.map_or(0, |mark| end.saturating_distance(mark.at.position));
        self.extents.decide(&self.cut)?;
        self.side.handle_decided(stream, covered as u32)?;
        self.log.handle_decided(end, stream.time());
        for drained in stream.drained() {
            self.held.0.remove(&drained.id);
        }
        self.note_changes(taken.height)
    }

    fn signed(&self) -> Said {
        Said {
            signatures_made: self.signatures_made,
            signatures_verified: self.signatures_verified,
            ..Said::default()
        }
    }

    fn state(&mut self) -> (Hash, Hash) {
        (self.trial.state_hash(), self.node.tip().hash)
    }
}

/// What travels for a slot: its hash, the cut and the changes that it follows from. The hash binds
/// both, which whoever votes finds out by computing the slot.
pub(in crate::committee) const fn parcel_of(setup: &Setup, has_changes: bool) -> Parcel {
    let logs = setup.fair.limits.log_count_max(setup.fair.parameters);
    let changes = if has_changes { CHANGES_BYTES_MAX } else { 0 };
    Parcel {
        bytes_max: (Hash::LEN + Cut::encoded_len_of(logs as usize)) as u32 + changes,
        identify: named_slot,
    }
}

fn named_slot(body: &[u8]) -> Option<Hash> {
    body.first_chunk().copied().map(Hash::new)
}

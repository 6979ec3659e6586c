//! One correct member: its engine, its logs, its disk, and what it keeps of which cut.

use std::collections::BTreeMap;
use std::rc::Rc;

use hauptbuch_core::consensus::ConsensusEngine;
#[cfg(any(test, feature = "weakened"))]
use hauptbuch_core::receive_log::ExtentsBreaks;
use hauptbuch_core::receive_log::{
    Cut, CutError, Extents, LogId, LogMark, Naming, OwnLog, OwnRecord, Point, ReceiveLogLimits,
};
use hauptbuch_core::types::{Epoch, Hash, Height, LogPosition, MemberIndex, Round, UnixNs};
use hauptbuch_core::vote::MemberSet;

use super::signing::Slot;

/// The number of the network.
pub(super) const CHAIN_ID: u64 = 0x5E;
/// The epoch of every world.
pub(super) const EPOCH: Epoch = Epoch::new(1);
/// The hash at the epoch's boundary.
const BOUNDARY: Hash = Hash::new([0xB0; 32]);

/// Where a member's log begins.
pub(super) fn log_start(member: u16) -> OwnRecord {
    let log = LogId {
        chain_id: CHAIN_ID,
        epoch: EPOCH,
        member,
    };
    OwnRecord {
        log,
        end: Point {
            position: LogPosition::ZERO,
            running: log.start(&BOUNDARY),
        },
        base: Height::ZERO,
        stamp: UnixNs::ZERO,
    }
}

/// A decided height: its value, the certificate, and for each log the extension up to the cut, for
/// those who lag behind.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub value: Hash,
    pub certificate: Rc<[u8]>,
    pub extents: Vec<Option<Rc<[u8]>>>,
}

/// What is durable. One write takes the place of what was there as a whole.
#[derive(Clone, Debug)]
pub(super) struct Disk {
    pub record: Option<Rc<[u8]>>,
    pub own: OwnRecord,
    pub extents: Rc<[u8]>,
    /// Extensions of its own log that it signed and may not have sent.
    pub unsent: Vec<Rc<[u8]>>,
    pub evidence: BTreeMap<u16, Rc<[u8]>>,
    pub decided: Vec<Stored>,
}

/// One correct member.
#[derive(Debug)]
pub(super) struct Host {
    pub me: u16,
    /// Nothing while it is stopped.
    pub engine: Option<Box<ConsensusEngine>>,
    /// Counts starts, so that nothing of an earlier life happens to it.
    pub life: u32,
    pub wake_at: Option<u64>,
    pub extents: Extents,
    pub own: OwnLog,
    pub disk: Disk,
    /// What it decided, that on its way to the disk included.
    pub decided: Vec<Stored>,
    /// Extensions of its own log whose write is under way: nobody may see them yet.
    pub unsent: Vec<Rc<[u8]>>,
    /// Evidence that no slot has decided yet.
    pub evidence: BTreeMap<u16, Rc<[u8]>>,
    pub convicted: MemberSet,
    /// Values that the engine asked about, the oldest first.
    pub wanted: Vec<Hash>,
    /// Those of this height that it was told to be valid.
    pub answered: Vec<Hash>,
    /// The value that is named as the current one, and the round in which it became that.
    pub current: Option<(Hash, Round)>,
    /// Whether it logs nothing at present.
    pub is_log_paused: bool,
    /// Slots in a row in which each log stood still.
    pub still_for: Vec<u64>,
}

impl Host {
    pub fn new(limits: &ReceiveLogLimits, me: u16) -> Self {
        let marks: Vec<LogMark> = (0..limits.log_count_max as u16)
            .map(|member| LogMark {
                at: log_start(member).end,
                ..LogMark::default()
            })
            .collect();
        let extents = Extents::new(limits, CHAIN_ID, EPOCH, &marks);
        let extents = extents.expect("a world's limits are in range");
        let record = log_start(me);
        Self {
            me,
            engine: None,
            life: 0,
            wake_at: None,
            own: OwnLog::new(limits, &record, LogPosition::ZERO),
            disk: Disk {
                record: None,
                own: record,
                extents: state_of(&extents),
                unsent: Vec::new(),
                evidence: BTreeMap::new(),
                decided: Vec::new(),
            },
            extents,
            decided: Vec::new(),
            unsent: Vec::new(),
            evidence: BTreeMap::new(),
            convicted: MemberSet::EMPTY,
            wanted: Vec::new(),
            answered: Vec::new(),
            current: None,
            is_log_paused: false,
            still_for: vec![0; limits.log_count_max as usize],
        }
    }

    /// Takes everything from the disk again.
    pub fn recover(&mut self, limits: &ReceiveLogLimits) {
        let extents = Extents::restore(limits, CHAIN_ID, &self.disk.extents);
        self.extents = extents.expect("the disk holds what was written");
        let log = log_start(self.me).log;
        let decided = self
            .extents
            .decided(self.me)
            .map_or(Point::default(), |mark| mark.at);
        self.own = OwnLog::resume(limits, log, Some(&self.disk.own), &decided);
        self.convicted = MemberSet::EMPTY;
        for member in (0..limits.log_count_max as u16).filter(|at| self.extents.is_closed(*at)) {
            self.convicted.insert(MemberIndex::new(member));
        }
        self.evidence = self.disk.evidence.clone();
        self.decided = self.disk.decided.clone();
        self.wanted.clear();
        self.answered.clear();
        self.current = None;
    }

    /// What a write that begins now makes durable; without a record, the one on disk stays.
    pub fn image(&self, record: Option<Rc<[u8]>>) -> Disk {
        Disk {
            record,
            own: *self.own.record(),
            extents: state_of(&self.extents),
            unsent: self.unsent.clone(),
            evidence: self.evidence.clone(),
            decided: self.decided.clone(),
        }
    }

    #[cfg(any(test, feature = "weakened"))]
    pub fn weaken(&mut self, breaks: &super::ForkBreaks) {
        self.extents.weaken(ExtentsBreaks {
            forgets_what_binds: breaks.forgets_what_binds,
        });
    }

    /// The height that it works on.
    pub fn height(&self) -> Height {
        Height::new(self.decided.len() as u64 + 1)
    }

    /// [Rule 17] Names what the lock and the valid value need, before anything else gets a name.
    pub fn name_what_binds(
        &mut self,
        engine: &ConsensusEngine,
        slots: &BTreeMap<Hash, Rc<Slot>>,
    ) -> bool {
        if engine.height() != self.height() {
            // Decided here, and not begun there: what bound at that height binds no more.
            return true;
        }
        let mut is_held = true;
        for (naming, value) in [
            (Naming::Locked, engine.locked()),
            (Naming::Valid, engine.valid()),
        ] {
            match value.and_then(|(_, value)| slots.get(&value)) {
                Some(slot) => {
                    is_held &= self.extents.name(naming, &slot.cut).is_ok();
                    is_held &= self.extents.covers(&slot.cut);
                }
                None => self.extents.unname(naming),
            }
        }
        is_held
    }

    /// How much a value that is asked about matters: what is decided before what is proposed, and
    /// both before the rest.
    fn rank(engine: &ConsensusEngine, value: Hash) -> u8 {
        match Some(value) {
            own if own == engine.proven() => 3,
            own if own == engine.proposed() => 2,
            _ => 1,
        }
    }

    /// [Rule 17] Chooses the value whose extents are pulled. One of this round stays until the
    /// round is over, the lock has it, or something that matters more has come.
    pub fn choose_current(
        &mut self,
        engine: &ConsensusEngine,
        slots: &BTreeMap<Hash, Rc<Slot>>,
    ) -> bool {
        let held = self
            .current
            .filter(|(value, round)| *round == engine.round() && !engine.must_keep(*value));
        let rank = held.map_or(0, |(value, _)| Self::rank(engine, value));
        let is_other = |value: &Hash| self.current.is_none_or(|(held, _)| held != *value);
        let wanted = self.wanted.iter().copied();
        let ranked = wanted.map(|value| (Self::rank(engine, value), is_other(&value), value));
        let Some((best, _, value)) = ranked.reduce(|best, next| {
            if (next.0, next.1) > (best.0, best.1) {
                next
            } else {
                best
            }
        }) else {
            return false;
        };
        let is_named = self.current == Some((value, engine.round()));
        let Some(slot) = slots.get(&value).filter(|_| best > rank && !is_named) else {
            return false;
        };
        self.current = Some((value, engine.round()));
        self.extents.name(Naming::Current, &slot.cut).is_ok()
    }

    /// Takes back its word on values whose extents have made room for others.
    pub fn take_back(&mut self, engine: &mut ConsensusEngine, slots: &BTreeMap<Hash, Rc<Slot>>) {
        let extents = &self.extents;
        self.answered.retain(|value| {
            let is_held = slots
                .get(value)
                .is_some_and(|slot| extents.covers(&slot.cut));
            is_held || !engine.handle_dropped(engine.height(), *value)
        });
    }

    /// A slot was decided: what it covers is kept for those who lag behind, and dropped.
    ///
    /// # Errors
    /// [`CutError::CutNotHeld`] where its extents are not here.
    pub fn decide(
        &mut self,
        slot: &Slot,
        value: Hash,
        certificate: Rc<[u8]>,
        limits: &ReceiveLogLimits,
    ) -> Result<(), CutError> {
        if !self.extents.covers(&slot.cut) {
            return Err(CutError::CutNotHeld);
        }
        let mut bytes = vec![0; limits.extension_bytes_max() as usize];
        let mut extents = Vec::new();
        for (member, to) in (0..).zip(slot.cut.points()) {
            let from = self
                .extents
                .decided(member)
                .map_or(to.position, |mark| mark.at.position);
            let has_moved = from < to.position;
            let still = &mut self.still_for[usize::from(member)];
            *still = if has_moved { 0 } else { *still + 1 };
            let written = self.extents.write_extension(member, from, to, &mut bytes);
            let written = written.ok().filter(|_| has_moved);
            extents.push(written.map(|len| Rc::from(&bytes[..len])));
        }
        self.extents.decide(&slot.cut)?;
        for (member, _) in &slot.evidence {
            // [Rule 19] From the next slot on; what was counted stays.
            self.extents.close(*member);
            self.convicted.insert(MemberIndex::new(*member));
            self.evidence.remove(member);
        }
        let own = slot.cut.points()[usize::from(self.me)].position;
        self.own.handle_decided(own, UnixNs::ZERO);
        self.decided.push(Stored {
            value,
            certificate,
            extents,
        });
        self.wanted.clear();
        self.answered.clear();
        self.current = None;
        Ok(())
    }

    /// An empty cut to fill.
    pub fn blank_cut(limits: &ReceiveLogLimits) -> Cut {
        Cut::new(limits.log_count_max)
    }
}

fn state_of(extents: &Extents) -> Rc<[u8]> {
    let mut bytes = vec![0; extents.state_len()];
    let written = extents.write_state(&mut bytes);
    written.expect("the state is as long as it says");
    Rc::from(bytes)
}

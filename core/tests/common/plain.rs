//! Forced inputs, bundles and the pool between them as plain lists without any bound: every answer
//! is found by looking at everything, and nothing is kept that follows from something else.
//!
//! Every sender's account starts at nonce 0, and the host keeps replays out.

use std::collections::{BTreeMap, BTreeSet};

use hauptbuch_core::config::{Config, NonceMode, Policy};
use hauptbuch_core::error::Code;
use hauptbuch_core::limits::Limits;
use hauptbuch_core::ordering::{SegmentRooms, SlotRoom};
use hauptbuch_core::types::{Address, Envelope, ForcedOutcome, RollupId, TxId, UnixNs};

/// Whose nonces.
type Line = (RollupId, Address);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlainTransaction {
    pub id: TxId,
    pub envelope: Envelope,
    pub encoded_len: u32,
}

impl PlainTransaction {
    fn line(&self) -> Line {
        (self.envelope.rollup, self.envelope.sender)
    }

    fn nonce(&self) -> u64 {
        self.envelope.nonce.get()
    }

    fn size(&self) -> SlotRoom {
        SlotRoom {
            count: 1,
            bytes: self.encoded_len,
            gas: self.envelope.gas.get(),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlainBundle {
    pub legs: Vec<PlainTransaction>,
    pub expiry: UnixNs,
}

/// What a slot holds.
#[derive(Clone, Debug, Default)]
pub struct PlainSlot {
    pub forced: Vec<(PlainTransaction, ForcedOutcome)>,
    pub pool: Vec<PlainTransaction>,
    pub bundles: Vec<PlainBundle>,
}

/// The identities of one rollup's segments: forced inputs, pool, legs.
pub type Segments = (Vec<(TxId, ForcedOutcome)>, Vec<TxId>, Vec<TxId>);

impl PlainSlot {
    /// The nonces that it uses.
    fn uses(&self) -> impl Iterator<Item = &PlainTransaction> {
        let applied = |own: &&(PlainTransaction, _)| own.1 == ForcedOutcome::Applied;
        let forced = self.forced.iter().filter(applied).map(|own| &own.0);
        forced.chain(&self.pool).chain(self.legs())
    }

    fn legs(&self) -> impl Iterator<Item = &PlainTransaction> {
        self.bundles.iter().flat_map(|bundle| &bundle.legs)
    }

    pub fn of_rollup(&self, rollup: RollupId) -> Segments {
        let is_own = |own: &&PlainTransaction| own.envelope.rollup == rollup;
        let forced = self.forced.iter().filter(|own| is_own(&&own.0));
        (
            forced.map(|own| (own.0.id, own.1)).collect(),
            self.pool.iter().filter(is_own).map(|own| own.id).collect(),
            self.legs().filter(is_own).map(|own| own.id).collect(),
        )
    }

    fn is_empty(&self) -> bool {
        self.forced.is_empty() && self.pool.is_empty() && self.bundles.is_empty()
    }
}

/// How a nonce stands to its line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Next,
    Used,
    InFlight,
    Ahead,
}

/// The end of a transaction: what, which, and its position where it stands in a slot.
pub type End = (Code, TxId, u32);

/// The model.
#[derive(Debug)]
pub struct Plain {
    config: Config,
    limits: Limits,
    /// In the order of arrival; what slots hold stays here until it ends.
    pub pool: Vec<PlainTransaction>,
    /// By rollup, in the order of the inbox; with deadlines.
    pub forced: BTreeMap<RollupId, Vec<(PlainTransaction, UnixNs)>>,
    pub bundles: Vec<PlainBundle>,
    pub flights: Vec<PlainSlot>,
    /// The nonces that acknowledged slots used.
    used: BTreeMap<Line, BTreeSet<u64>>,
    /// What ended for good.
    seen: BTreeSet<TxId>,
    /// Ends since they were taken out last.
    pub ends: Vec<End>,
}

impl Plain {
    pub fn new(config: &Config, limits: &Limits) -> Self {
        let rollups = config.rollups.iter().map(|own| (own.id, Vec::new()));
        Self {
            config: config.clone(),
            limits: limits.clone(),
            pool: Vec::new(),
            forced: rollups.collect(),
            bundles: Vec::new(),
            flights: Vec::new(),
            used: BTreeMap::new(),
            seen: BTreeSet::new(),
            ends: Vec::new(),
        }
    }

    /// How a nonce stands while `building` is being filled behind the slots in flight.
    fn standing(&self, own: &PlainTransaction, building: &PlainSlot) -> Standing {
        let none = BTreeSet::new();
        let settled = self.used.get(&own.line()).unwrap_or(&none);
        let first_unused = (0..).find(|nonce| !settled.contains(nonce)).unwrap();
        let slots = self.flights.iter().chain([building]);
        let in_flight: BTreeSet<u64> = slots
            .flat_map(PlainSlot::uses)
            .filter(|other| other.line() == own.line())
            .map(PlainTransaction::nonce)
            .collect();
        if settled.contains(&own.nonce()) {
            return Standing::Used;
        }
        if in_flight.contains(&own.nonce()) {
            return Standing::InFlight;
        }
        let is_next = match self.config.nonce_mode(own.envelope.rollup) {
            NonceMode::Window => own.nonce() < first_unused + 128,
            _ => (0..own.nonce())
                .all(|before| settled.contains(&before) || in_flight.contains(&before)),
        };
        if is_next {
            Standing::Next
        } else {
            Standing::Ahead
        }
    }

    fn is_in_flight(&self, id: TxId) -> bool {
        let mut slots = self.flights.iter();
        slots.any(|slot| slot.pool.iter().any(|own| own.id == id))
    }

    /// A transaction that the pool admitted; whatever held its nonce is replaced by it.
    pub fn admit(&mut self, own: PlainTransaction) {
        let standing = self.standing(&own, &PlainSlot::default());
        assert!(
            matches!(standing, Standing::Next | Standing::Ahead),
            "{standing:?}: admitted"
        );
        assert_eq!(self.known(own.id), None);
        let same =
            |other: &PlainTransaction| (other.line(), other.nonce()) == (own.line(), own.nonce());
        if let Some(at) = self.pool.iter().position(same) {
            let old = self.pool.remove(at);
            self.end(Code::Replaced, old.id, 0);
        }
        self.pool.push(own);
    }

    /// Why something of this identity is refused.
    fn known(&self, id: TxId) -> Option<Code> {
        let forced = self.forced.values().flatten().map(|own| own.0.id);
        let legs = self.bundles.iter().flat_map(|own| &own.legs);
        let held = self.pool.iter().chain(legs).map(|own| own.id);
        if held.chain(forced).any(|own| own == id) {
            Some(Code::Duplicate)
        } else {
            self.seen.contains(&id).then_some(Code::AlreadyEnded)
        }
    }

    pub fn admit_forced(&mut self, own: PlainTransaction, deadline: UnixNs) {
        let queue = self.forced.get_mut(&own.envelope.rollup).unwrap();
        queue.push((own, deadline));
    }

    /// Admits a bundle, or says why not, and which leg is to blame.
    pub fn admit_bundle(
        &mut self,
        legs: &[PlainTransaction],
        expiry: UnixNs,
        time: UnixNs,
    ) -> Result<(), (Option<u32>, Code)> {
        let size = legs
            .iter()
            .fold(SlotRoom::NONE, |sum, leg| sum.plus(leg.size()));
        let others = SegmentRooms::of(&self.config, &self.limits).others;
        others.without(size).ok_or((None, Code::BundleTooLarge))?;
        for (at, leg) in legs.iter().enumerate() {
            let before = &legs[..at];
            let line = |own: &PlainTransaction| (own.line(), own.nonce());
            let refusals = [
                (leg.envelope.expiry <= time).then_some(Code::AlreadyExpired),
                self.known(leg.id),
                (self.standing(leg, &PlainSlot::default()) == Standing::Used)
                    .then_some(Code::NonceUsed),
                before
                    .iter()
                    .any(|own| own.id == leg.id)
                    .then_some(Code::Duplicate),
                before
                    .iter()
                    .any(|own| line(own) == line(leg))
                    .then_some(Code::NonceOccupied),
            ];
            if let Some(code) = refusals.into_iter().flatten().next() {
                return Err((Some(at as u32), code));
            }
        }
        if expiry <= time {
            return Err((None, Code::AlreadyExpired));
        }
        let legs_expiry = legs.iter().map(|leg| leg.envelope.expiry).min();
        self.bundles.push(PlainBundle {
            legs: legs.to_vec(),
            expiry: legs_expiry.unwrap().min(expiry),
        });
        Ok(())
    }

    /// Cancels the waiting bundle that has this leg; false where a slot holds it.
    pub fn cancel_bundle(&mut self, leg: TxId) -> bool {
        let has = |own: &PlainBundle| own.legs.iter().any(|own| own.id == leg);
        if self.flights.iter().any(|slot| slot.bundles.iter().any(has)) {
            return false;
        }
        let at = self.bundles.iter().position(has).unwrap();
        for own in self.bundles.remove(at).legs {
            self.end(Code::Cancelled, own.id, 0);
        }
        true
    }

    /// Takes a slot at this agreed time; nothing where nothing is ready.
    pub fn take(&mut self, time: UnixNs) -> Option<PlainSlot> {
        let rooms = SegmentRooms::of(&self.config, &self.limits);
        let mut left = [SlotRoom::of(&self.limits), rooms.pool, rooms.others];
        let mut slot = PlainSlot::default();
        self.take_forced(time, &mut slot, &mut left);
        self.take_pool(time, &mut slot, &mut left);
        self.take_bundles(time, &mut slot, &mut left);
        if slot.is_empty() {
            return None;
        }
        self.flights.push(slot.clone());
        Some(slot)
    }

    fn take_forced(&self, time: UnixNs, slot: &mut PlainSlot, left: &mut [SlotRoom; 3]) {
        let mut stopped = BTreeSet::new();
        loop {
            let open = self.forced.iter().filter(|own| !stopped.contains(own.0));
            let next = open.filter_map(|(rollup, queue)| {
                let slots = self.flights.iter().chain([&*slot]);
                let taken = slots.flat_map(|own| &own.forced);
                let taken = taken.filter(|own| own.0.envelope.rollup == *rollup);
                let (own, deadline) = queue.get(taken.count())?;
                Some((*deadline, *rollup, *own))
            });
            let earliest = next.min_by_key(|own| (own.0, own.1));
            let Some((_, rollup, own)) = earliest else {
                return;
            };
            if !fit(left, 2, own.size()) {
                stopped.insert(rollup);
                continue;
            }
            let outcome = if own.envelope.expiry <= time {
                ForcedOutcome::Expired
            } else {
                match self.standing(&own, slot) {
                    Standing::Next => ForcedOutcome::Applied,
                    Standing::Used | Standing::InFlight => ForcedOutcome::Superseded,
                    Standing::Ahead => ForcedOutcome::Gap,
                }
            };
            slot.forced.push((own, outcome));
        }
    }

    fn take_pool(&mut self, time: UnixNs, slot: &mut PlainSlot, left: &mut [SlotRoom; 3]) {
        let waiting = self.pool.iter().filter(|own| !self.is_in_flight(own.id));
        let expired = waiting.filter(|own| own.envelope.expiry <= time);
        let expired: Vec<TxId> = expired.map(|own| own.id).collect();
        for id in expired {
            self.pool.retain(|own| own.id != id);
            self.end(Code::Expired, id, 0);
        }
        let mut aside = BTreeSet::new();
        while left[0].min(left[1]).count > 0 {
            let ready = self.pool.iter().enumerate().filter(|(_, own)| {
                let is_taken = slot.pool.iter().any(|other| other.id == own.id);
                let waits = !is_taken && !self.is_in_flight(own.id) && !aside.contains(&own.id);
                waits && self.standing(own, slot) == Standing::Next
            });
            let by_fee = self.config.policy == Policy::PriorityFee;
            let best = ready.min_by_key(|(arrival, own)| {
                let fee = if by_fee { own.envelope.fee.get() } else { 0 };
                (u64::MAX - fee, *arrival)
            });
            let Some((_, own)) = best else { return };
            if fit(left, 1, own.size()) {
                slot.pool.push(*own);
            } else if by_fee && aside.len() < self.limits.set_aside_count_max as usize {
                aside.insert(own.id);
            } else {
                return;
            }
        }
    }

    fn take_bundles(&mut self, time: UnixNs, slot: &mut PlainSlot, left: &mut [SlotRoom; 3]) {
        for bundle in self.bundles.clone() {
            if self.flights.iter().any(|own| own.bundles.contains(&bundle)) {
                continue;
            }
            let mut with = slot.clone();
            with.bundles.push(PlainBundle {
                legs: Vec::new(),
                expiry: bundle.expiry,
            });
            let mut obstacle = None;
            for (at, leg) in bundle.legs.iter().enumerate() {
                let standing = self.standing(leg, &with);
                if standing != Standing::Next {
                    obstacle = Some((at, standing));
                    break;
                }
                with.bundles.last_mut().unwrap().legs.push(*leg);
            }
            let lost = match obstacle {
                _ if bundle.expiry <= time => Some(None),
                Some((at, Standing::Used)) => Some(Some(at)),
                _ => None,
            };
            if let Some(lost) = lost {
                self.bundles.retain(|own| *own != bundle);
                for (at, leg) in bundle.legs.iter().enumerate() {
                    let code = match lost {
                        None => Code::Expired,
                        Some(lost) if lost == at => Code::Superseded,
                        Some(_) => Code::Evicted,
                    };
                    self.end(code, leg.id, 0);
                }
                continue;
            }
            let legs = bundle.legs.iter();
            let size = legs.fold(SlotRoom::NONE, |sum, leg| sum.plus(leg.size()));
            if obstacle.is_none() && fit(left, 2, size) {
                slot.bundles.push(bundle);
            }
        }
    }

    /// Ends the oldest slot.
    pub fn acknowledge(&mut self) {
        let slot = self.flights.remove(0);
        for used in slot.uses() {
            let nonces = self.used.entry(used.line()).or_default();
            nonces.insert(used.nonce());
            let shadowed = |own: &PlainTransaction| {
                (own.line(), own.nonce()) == (used.line(), used.nonce()) && own.id != used.id
            };
            if let Some(at) = self.pool.iter().position(shadowed) {
                let own = self.pool.remove(at);
                self.end(Code::Superseded, own.id, 0);
            }
        }
        let rollups: Vec<RollupId> = self.forced.keys().copied().collect();
        for rollup in rollups {
            let (forced, pool, legs) = slot.of_rollup(rollup);
            let forced = forced.into_iter().map(|(id, outcome)| {
                let code = match outcome {
                    ForcedOutcome::Applied => Code::Included,
                    ForcedOutcome::Superseded => Code::Superseded,
                    ForcedOutcome::Gap => Code::Evicted,
                    ForcedOutcome::Expired => Code::Expired,
                };
                (code, id, outcome == ForcedOutcome::Applied)
            });
            let forced: Vec<_> = forced.collect();
            self.forced.get_mut(&rollup).unwrap().drain(..forced.len());
            let others = pool.iter().chain(&legs);
            let others = others.map(|id| (Code::Included, *id, true));
            for (position, (code, id, is_final)) in (0..).zip(forced.into_iter().chain(others)) {
                self.pool.retain(|own| own.id != id || !pool.contains(&id));
                self.ends.push((code, id, position));
                if is_final {
                    self.seen.insert(id);
                }
            }
        }
        self.bundles.retain(|own| !slot.bundles.contains(own));
    }

    /// Gives back the slots from the one at this place on.
    pub fn roll_back(&mut self, place: usize) {
        self.flights.truncate(place);
    }

    fn end(&mut self, code: Code, id: TxId, position: u32) {
        self.ends.push((code, id, position));
        if !matches!(code, Code::Evicted | Code::Expired) {
            self.seen.insert(id);
        }
    }
}

/// Takes room of the slot and of one side's part, if it is there in both.
fn fit(left: &mut [SlotRoom; 3], side: usize, size: SlotRoom) -> bool {
    let after = [left[0].without(size), left[side].without(size)];
    let [Some(slot), Some(part)] = after else {
        return false;
    };
    (left[0], left[side]) = (slot, part);
    true
}

//! Bundles: transactions that stand in one slot together, or not at all.
//!
//! # Rules
//! 1. A bundle waits until every leg, in order, has the next nonce of its sender behind the pool
//!    segment and the legs before it, and the slot has room for all of them.
//! 2. It ends as a unit: each leg has a terminal event, and all have the same code. Only where a
//!    leg's nonce was used does that leg end as superseded, and the others as evicted.
//! 3. It expires with the earliest of its own expiry and those of its legs.
//! 4. Bundles are looked at in the order of their arrival; one that waits holds up no other one.

mod check;
mod decided;
mod export;

use super::forced::OutsideTransaction;
use super::outside::NonceState;
use super::{CancelError, Cancelled, TransactionPool};
use crate::bounded::{
    ChunkArena, ChunkList, Handle, HandleIndex, KeyedHash, LinkedSet, NONE, Slab, rounded_bytes,
};
use crate::codec::Writer;
use crate::crypto::hash::{Domain, hash};
use crate::error::Code;
use crate::event::Ledger;
use crate::limits::{BUNDLE_LEG_COUNT_MAX, Limits};
use crate::pool::forced::ForcedCounts;
use crate::types::{
    BundleId, Envelope, Height, SelectionRule, Submission, Transaction, TxId, UnixNs,
};

/// Why a bundle was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BundleRefusal {
    /// The leg that is to blame; nothing where it is the bundle as a whole.
    pub leg: Option<u32>,
    /// Why.
    pub code: Code,
}

impl BundleRefusal {
    /// A refusal of the whole.
    #[must_use]
    pub const fn whole(code: Code) -> Self {
        Self { leg: None, code }
    }
}

impl core::fmt::Display for BundleRefusal {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self.leg {
            Some(leg) => write!(f, "leg {leg}: {}", self.code),
            None => write!(f, "{}", self.code),
        }
    }
}

impl core::error::Error for BundleRefusal {}

/// What a bundle's legs come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BundleSize {
    /// Legs.
    pub count: u32,
    /// Bytes of their canonical encodings.
    pub bytes: u32,
    /// Their gas.
    pub gas: u64,
}

impl BundleSize {
    /// The same with one leg more.
    #[must_use]
    pub const fn with(self, encoded_len: u32, envelope: &Envelope) -> Self {
        Self {
            count: self.count.saturating_add(1),
            bytes: self.bytes.saturating_add(encoded_len),
            gas: self.gas.saturating_add(envelope.gas.get()),
        }
    }
}

/// The identity of a bundle of these legs.
///
/// Nothing where there are more than [`BUNDLE_LEG_COUNT_MAX`].
#[must_use]
pub fn bundle_id(legs: impl Iterator<Item = TxId>) -> Option<BundleId> {
    let mut bytes = [0; BUNDLE_LEG_COUNT_MAX * TxId::LEN];
    let mut out = Writer::new(&mut bytes);
    for leg in legs {
        out.bytes(leg.as_bytes()).ok()?;
    }
    Some(BundleId::new(
        *hash(Domain::BUNDLE, out.written()).as_bytes(),
    ))
}

#[derive(Clone, Copy, Debug)]
struct Leg {
    id: TxId,
    envelope: Envelope,
    payload: ChunkList,
    sender: u32,
}

impl Default for Leg {
    fn default() -> Self {
        Self {
            id: TxId::ZERO,
            envelope: Envelope::default(),
            payload: ChunkList::EMPTY,
            sender: NONE,
        }
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Bundle {
    id: BundleId,
    /// Invariant: `legs[..leg_count]` are its legs in their order.
    legs: [Leg; BUNDLE_LEG_COUNT_MAX],
    leg_count: usize,
    expiry: UnixNs,
    is_taken: bool,
}

impl Bundle {
    fn legs(&self) -> &[Leg] {
        self.legs.get(..self.leg_count).unwrap_or_default()
    }

    fn size(&self) -> BundleSize {
        self.legs().iter().fold(BundleSize::default(), |size, leg| {
            let len = leg.payload.len().saturating_add(Transaction::HEADER_LEN);
            size.with(len, &leg.envelope)
        })
    }
}

/// Bundles that wait or are taken.
///
/// Memory: 1.7 KiB a bundle, and 132 for every 128 bytes of payloads.
#[derive(Debug)]
pub(super) struct BundleTable {
    bundles: Slab<Bundle>,
    /// In the order of arrival.
    order: LinkedSet,
    /// Legs by their ids: the place of the bundle, and that of the leg in its low bits.
    by_id: HandleIndex,
    hash: KeyedHash,
    payloads: ChunkArena,
    leg_count_max: u32,
}

const LEGS: u32 = BUNDLE_LEG_COUNT_MAX as u32;

impl BundleTable {
    pub fn new(limits: &Limits, hash: KeyedHash) -> Self {
        Self {
            bundles: Slab::new(limits.bundle_count_max),
            order: LinkedSet::new(limits.bundle_count_max),
            by_id: HandleIndex::new(limits.bundle_count_max.saturating_mul(LEGS)),
            hash,
            payloads: ChunkArena::new(payload_bytes(limits)),
            leg_count_max: limits.bundle_leg_count_max,
        }
    }

    pub const fn footprint_bytes(limits: &Limits) -> u64 {
        let count = limits.bundle_count_max;
        Slab::<Bundle>::footprint_bytes(count)
            .saturating_add(LinkedSet::footprint_bytes(count))
            .saturating_add(HandleIndex::footprint_bytes(count.saturating_mul(LEGS)))
            .saturating_add(ChunkArena::footprint_bytes(payload_bytes(limits)))
    }

    /// Whether a leg with this identity waits or is taken.
    pub fn holds(&self, id: TxId) -> bool {
        !self.by_id.is_empty() && self.place_of(id).is_some()
    }

    /// The place of the bundle that has this leg.
    fn place_of(&self, id: TxId) -> Option<u32> {
        let is_same = |at: u32| self.leg_at(at).is_some_and(|leg| leg.id == id);
        let at = self.by_id.find(self.hash.bytes32(id.as_bytes()), is_same)?;
        at.checked_div(LEGS)
    }

    fn leg_at(&self, at: u32) -> Option<&Leg> {
        let bundle = self.bundles.get(at.checked_div(LEGS)?)?;
        bundle.legs().get(at.checked_rem(LEGS)? as usize)
    }

    fn index_legs(&mut self, place: u32, bundle: &Bundle) {
        for (at, leg) in (place.saturating_mul(LEGS)..).zip(bundle.legs()) {
            self.by_id.insert(self.hash.bytes32(leg.id.as_bytes()), at);
        }
    }

    fn remove(&mut self, place: u32) -> Option<Bundle> {
        let bundle = *self.bundles.get(place)?;
        for (at, leg) in (place.saturating_mul(LEGS)..).zip(bundle.legs()) {
            self.by_id.remove(self.hash.bytes32(leg.id.as_bytes()), at);
            self.payloads.free(leg.payload);
        }
        self.order.remove(place);
        self.bundles.remove(place)
    }
}

/// No memory for payloads where there can be no bundle.
const fn payload_bytes(limits: &Limits) -> u64 {
    if limits.bundle_count_max == 0 {
        0
    } else {
        limits.bundle_bytes_max
    }
}

impl TransactionPool {
    /// Bundles that wait or are taken.
    #[must_use]
    pub const fn bundle_count(&self) -> usize {
        self.bundles.bundles.len()
    }

    /// How many legs a bundle may have here.
    #[must_use]
    pub const fn bundle_leg_count_max(&self) -> u32 {
        self.bundles.leg_count_max
    }

    /// Takes a bundle in. `legs` and `ids` have the same length, which is within the limit.
    ///
    /// Cost: O(legs²), and a copy of the payloads.
    pub(crate) fn admit_bundle(
        &mut self,
        legs: &[Submission<'_>],
        ids: &[TxId],
        expiry: UnixNs,
        time: UnixNs,
    ) -> Result<BundleId, BundleRefusal> {
        let whole = BundleRefusal::whole;
        let mut bytes = 0_u64;
        for (at, (leg, id)) in (0..).zip(legs.iter().zip(ids)) {
            let refused = |code| BundleRefusal {
                leg: Some(at),
                code,
            };
            self.check_leg(leg, *id, time).map_err(refused)?;
            let before = || legs.iter().zip(ids).take(at as usize);
            if before().any(|(_, other)| other == id) {
                return Err(refused(Code::Duplicate));
            }
            let line = |own: &Submission<'_>| {
                let Envelope {
                    rollup,
                    sender,
                    nonce,
                    ..
                } = own.transaction.envelope;
                (rollup, sender, nonce)
            };
            if before().any(|(other, _)| line(other) == line(leg)) {
                return Err(refused(Code::NonceOccupied));
            }
            bytes = bytes.saturating_add(rounded_bytes(leg.transaction.payload.len()));
        }
        if expiry <= time {
            return Err(whole(Code::AlreadyExpired));
        }
        if self.bundles.bundles.is_full() {
            return Err(whole(Code::BundlesFull));
        }
        if bytes > self.bundles.payloads.free_bytes() {
            return Err(whole(Code::BundleBytesFull));
        }
        for (at, (leg, id)) in (0..).zip(legs.iter().zip(ids)) {
            let Envelope {
                rollup,
                sender,
                nonce,
                ..
            } = leg.transaction.envelope;
            if self.use_cancellation(*id, rollup, sender, nonce) {
                return Err(BundleRefusal {
                    leg: Some(at),
                    code: Code::CancelledBefore,
                });
            }
        }
        let mut bundle = Bundle {
            id: bundle_id(ids.iter().copied()).ok_or(whole(Code::BundleTooLong))?,
            expiry,
            ..Bundle::default()
        };
        self.store_legs(&mut bundle, legs, ids)?;
        let handle = self.bundles.bundles.insert(bundle);
        let handle = handle.ok_or(whole(Code::BundlesFull))?;
        self.bundles.index_legs(handle.index, &bundle);
        self.bundles.order.append(handle.index);
        Ok(bundle.id)
    }

    /// Stores the legs of a bundle for which there is room, and pins their senders.
    fn store_legs(
        &mut self,
        bundle: &mut Bundle,
        legs: &[Submission<'_>],
        ids: &[TxId],
    ) -> Result<(), BundleRefusal> {
        for (leg, id) in legs.iter().zip(ids) {
            let envelope = leg.transaction.envelope;
            let count_max = self.rules.sender_count_max;
            let sender = self.pin_sender(&envelope, leg.account_nonce, count_max);
            let stored = sender.and_then(|_| self.bundles.payloads.store(leg.transaction.payload));
            let place = bundle.legs.get_mut(bundle.leg_count);
            let (Some(sender), Some(payload), Some(place)) = (sender, stored, place) else {
                self.let_go(bundle);
                return Err(BundleRefusal::whole(Code::SenderTableFull));
            };
            *place = Leg {
                id: *id,
                envelope,
                payload,
                sender,
            };
            bundle.leg_count = bundle.leg_count.saturating_add(1);
            bundle.expiry = bundle.expiry.min(envelope.expiry);
        }
        Ok(())
    }

    fn check_leg(&self, leg: &Submission<'_>, id: TxId, time: UnixNs) -> Result<(), Code> {
        let Transaction { envelope, payload } = &leg.transaction;
        self.check_alone(envelope, payload.len(), time)?;
        self.check_identity(id)?;
        let by_account = leg.account_nonce.is_some_and(|next| envelope.nonce < next);
        let known = self.sender_of(envelope.rollup, envelope.sender);
        let state = known.map(|place| self.nonce_state(place, envelope.nonce));
        if by_account || state == Some(NonceState::Used) {
            Err(Code::NonceUsed)
        } else {
            Ok(())
        }
    }

    /// Frees the legs of a bundle that is not in the table.
    fn let_go(&mut self, bundle: &Bundle) {
        for leg in bundle.legs() {
            self.bundles.payloads.free(leg.payload);
            self.unpin_sender(leg.sender);
        }
    }

    /// Takes the bundles that a slot at the agreed time `time` can hold, in the order of arrival,
    /// and writes their handles to `taken`; ends those that expired or lost a nonce.
    ///
    /// `fits` is asked with each bundle's size, and has given it room if it says yes. Cost: O(1)
    /// expected for each leg of each bundle.
    pub(crate) fn take_bundles<R: SelectionRule>(
        &mut self,
        time: UnixNs,
        rule: &R,
        taken: &mut [Handle],
        fits: &mut dyn FnMut(BundleSize) -> bool,
        ledger: &mut Ledger<'_>,
    ) -> usize {
        let mut places = taken.iter_mut();
        let mut count = 0_usize;
        let mut next = self.bundles.order.first();
        while let Some(place) = next {
            next = self.bundles.order.after(place);
            let Some(bundle) = self.bundles.bundles.get(place).copied() else {
                break;
            };
            if bundle.is_taken {
                continue;
            }
            if bundle.expiry <= time {
                self.end_bundle(place, ledger, |_| Code::Expired);
                continue;
            }
            // A slot can have been open since before the bundle came.
            if !self.are_near(&bundle, time) {
                continue;
            }
            match self.use_nonces(&bundle, rule) {
                Err((lost, NonceState::Used)) => {
                    let code = |at| {
                        if at == lost {
                            Code::Superseded
                        } else {
                            Code::Evicted
                        }
                    };
                    self.end_bundle(place, ledger, code);
                    continue;
                }
                Err(_) => continue,
                Ok(()) => {}
            }
            let handle = self.bundles.bundles.handle(place);
            let place_of_handle = if fits(bundle.size()) {
                places.next()
            } else {
                None
            };
            let (Some(handle), Some(out)) = (handle, place_of_handle) else {
                self.give_nonces_back(bundle.legs(), rule);
                continue;
            };
            *out = handle;
            count = count.saturating_add(1);
            if let Some(bundle) = self.bundles.bundles.get_mut(place) {
                bundle.is_taken = true;
            }
        }
        count
    }

    /// Uses the nonces of all legs in order; or none, and says which leg stood in the way.
    fn use_nonces<R: SelectionRule>(
        &mut self,
        bundle: &Bundle,
        rule: &R,
    ) -> Result<(), (usize, NonceState)> {
        for (at, leg) in bundle.legs().iter().enumerate() {
            let state = self.nonce_state(leg.sender, leg.envelope.nonce);
            if state != NonceState::Next {
                self.give_nonces_back(bundle.legs().get(..at).unwrap_or_default(), rule);
                return Err((at, state));
            }
            self.use_nonce(leg.sender, leg.envelope.nonce, rule);
        }
        Ok(())
    }

    fn give_nonces_back<R: SelectionRule>(&mut self, legs: &[Leg], rule: &R) {
        for leg in legs.iter().rev() {
            self.give_nonce_back(leg.sender, leg.envelope.nonce, rule);
        }
    }

    /// Ends a waiting bundle, if there is room to say so of each leg.
    fn end_bundle(
        &mut self,
        place: u32,
        ledger: &mut Ledger<'_>,
        code: impl Fn(usize) -> Code,
    ) -> bool {
        let count = self
            .bundles
            .bundles
            .get(place)
            .map_or(0, |own| own.leg_count);
        if ledger.room() < count {
            return false;
        }
        let Some(bundle) = self.bundles.remove(place) else {
            return false;
        };
        for (at, leg) in bundle.legs().iter().enumerate() {
            self.unpin_sender(leg.sender);
            ledger.end(code(at), leg.id, leg.envelope.rollup);
            if matches!(code(at), Code::Superseded | Code::Cancelled) {
                self.seen.insert(leg.id.as_bytes(), code(at).number());
            }
        }
        true
    }

    /// Makes a taken bundle wait again; false where the handle stands for none.
    pub(crate) fn give_bundle_back<R: SelectionRule>(&mut self, handle: Handle, rule: &R) -> bool {
        let Some(bundle) = self.taken_bundle(handle) else {
            return false;
        };
        self.give_nonces_back(bundle.legs(), rule);
        if let Some(bundle) = self.bundles.bundles.get_mut(handle.index) {
            bundle.is_taken = false;
        }
        true
    }

    /// Ends a taken bundle as included; false where the handle stands for none.
    ///
    /// `positions` are those of the next transaction of each rollup.
    pub(crate) fn acknowledge_bundle(
        &mut self,
        handle: Handle,
        height: Height,
        positions: &mut ForcedCounts,
        ledger: &mut Ledger<'_>,
    ) -> bool {
        if self.taken_bundle(handle).is_none() {
            return false;
        }
        let Some(bundle) = self.bundles.remove(handle.index) else {
            return false;
        };
        for leg in bundle.legs() {
            let Envelope {
                rollup,
                nonce,
                expiry,
                ..
            } = leg.envelope;
            self.settle_nonce(leg.sender, nonce, expiry, ledger);
            self.seen.insert(leg.id.as_bytes(), Code::Included.number());
            self.unpin_sender(leg.sender);
            let heap = self.heap_of(rollup).unwrap_or(NONE) as usize;
            let Some(position) = positions.get_mut(heap) else {
                return false;
            };
            ledger.end_in_slot(Code::Included, leg.id, rollup, height, *position);
            *position = position.saturating_add(1);
        }
        true
    }

    fn taken_bundle(&self, handle: Handle) -> Option<Bundle> {
        let bundle = self.bundles.bundles.resolve(handle)?;
        bundle.is_taken.then_some(*bundle)
    }

    /// A bundle's identity and legs.
    pub(crate) fn bundle(
        &self,
        handle: Handle,
    ) -> Option<(BundleId, impl Iterator<Item = OutsideTransaction<'_>>)> {
        let bundle = self.bundles.bundles.resolve(handle)?;
        let legs = bundle.legs().iter().map(|leg| OutsideTransaction {
            id: leg.id,
            envelope: leg.envelope,
            payload: leg.payload,
            payloads: &self.bundles.payloads,
        });
        Some((bundle.id, legs))
    }

    /// The events that acknowledging these bundles causes.
    pub(crate) fn bundle_event_count(&self, taken: &[Handle]) -> usize {
        let bundles = taken.iter().filter_map(|handle| self.taken_bundle(*handle));
        bundles.fold(0, |sum: usize, bundle| {
            let shadows = |leg: &&Leg| self.shadowed_at(leg.sender, leg.envelope.nonce).is_some();
            sum.saturating_add(bundle.leg_count)
                .saturating_add(bundle.legs().iter().filter(shadows).count())
        })
    }

    /// Cancels the bundle that has this leg; nothing where none has.
    pub(super) fn cancel_leg(
        &mut self,
        id: TxId,
        ledger: &mut Ledger<'_>,
    ) -> Option<Result<Cancelled, CancelError>> {
        let place = self.bundles.place_of(id)?;
        let bundle = *self.bundles.bundles.get(place)?;
        if bundle.is_taken {
            return Some(Err(CancelError::TakenAlready));
        }
        if self.end_bundle(place, ledger, |_| Code::Cancelled) {
            Some(Ok(Cancelled::Now(id)))
        } else {
            Some(Err(CancelError::EventsFull))
        }
    }

    /// Ends waiting bundles that can't be taken before another transaction arrives; false where
    /// there was no room to say so.
    pub(crate) fn expire_unready_bundles(&mut self, ledger: &mut Ledger<'_>) -> bool {
        let mut next = self.bundles.order.first();
        while let Some(place) = next {
            next = self.bundles.order.after(place);
            let Some(bundle) = self.bundles.bundles.get(place).copied() else {
                break;
            };
            let is_stuck = !bundle.is_taken && !self.can_become_ready(&bundle);
            if is_stuck && !self.end_bundle(place, ledger, |_| Code::Expired) {
                return false;
            }
        }
        true
    }
}

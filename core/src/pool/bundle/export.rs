//! Bundles in a snapshot, in the order of their arrival.
//!
//! Which of them are taken follows from the slots that hold them. A restored table numbers its
//! places by arrival; no place decides anything.

use super::{Bundle, Leg};
use crate::bounded::{Handle, rounded_bytes};
use crate::codec::{Reader, Sink};
use crate::crypto::hash::transaction_id;
use crate::pool::{Broken, BundleSize, TransactionPool};
use crate::types::{Transaction, TxId, UnixNs};

impl TransactionPool {
    /// Writes all bundles.
    pub(in crate::pool) fn export_bundles(&self, out: &mut impl Sink) {
        let own = &self.bundles;
        out.u32(own.bundles.len() as u32);
        for bundle in own.order.iter().filter_map(|place| own.bundles.get(place)) {
            out.u64(bundle.expiry.get());
            out.u8(bundle.leg_count as u8);
            for leg in bundle.legs() {
                super::super::export::export_transaction(
                    &leg.envelope,
                    (&own.payloads, leg.payload),
                    out,
                );
            }
        }
    }

    /// Reads all bundles; their senders and the pool's transactions were read before.
    pub(in crate::pool) fn restore_bundles(
        &mut self,
        input: &mut Reader<'_>,
    ) -> Result<(), Broken> {
        for _ in 0..input.u32()? {
            let mut bundle = Bundle {
                expiry: UnixNs::new(input.u64()?),
                ..Bundle::default()
            };
            for _ in 0..input.u8()? {
                self.restore_leg(&mut bundle, input)?;
            }
            let leg_count = bundle.leg_count as u32;
            let has_legs = (1..=self.bundles.leg_count_max).contains(&leg_count);
            check(has_legs, "a bundle has legs, and its limit of them")?;
            let ids = bundle.legs().iter().map(|leg| leg.id);
            let id = super::bundle_id(ids);
            bundle.id = id.ok_or(Broken("a bundle has its limit of legs"))?;
            let handle = self.bundles.bundles.insert(bundle);
            let handle = handle.ok_or(Broken("bundles keep their limit"))?;
            self.bundles.index_legs(handle.index, &bundle);
            self.bundles.order.append(handle.index);
        }
        Ok(())
    }

    fn restore_leg(&mut self, bundle: &mut Bundle, input: &mut Reader<'_>) -> Result<(), Broken> {
        let start = input.rest();
        let transaction = Transaction::decode_from(input, self.rules.payload_bytes_max)?;
        let canonical = start.get(..transaction.encoded_len()).unwrap_or_default();
        let Transaction { envelope, payload } = transaction;
        self.rules.check_admissible(&envelope)?;
        check(
            bundle.expiry <= envelope.expiry,
            "a leg outlives its bundle",
        )?;
        let id = transaction_id(canonical);
        let is_own = |other: &Leg| {
            let (other, own) = (&other.envelope, &envelope);
            (other.rollup, other.sender, other.nonce) == (own.rollup, own.sender, own.nonce)
        };
        let is_new = self.index_of(id).is_none()
            && !self.bundles.holds(id)
            && !bundle.legs().iter().any(is_own);
        check(is_new, "a leg stands once, and uses a nonce of its own")?;
        let sender = self.sender_of(envelope.rollup, envelope.sender);
        let sender = sender.ok_or(Broken("a leg has a sender"))?;
        let has_room = rounded_bytes(payload.len()) <= self.bundles.payloads.free_bytes();
        let payload = self.bundles.payloads.store(payload).filter(|_| has_room);
        let payload = payload.ok_or(Broken("payloads of bundles have room"))?;
        let place = bundle.legs.get_mut(bundle.leg_count);
        let place = place.ok_or(Broken("a bundle has its limit of legs"))?;
        *place = Leg {
            id,
            envelope,
            payload,
            sender,
        };
        bundle.leg_count = bundle.leg_count.saturating_add(1);
        self.pin_restored(sender);
        Ok(())
    }

    /// The bundle that waits and has this leg as its first one.
    pub(crate) fn waiting_bundle(&self, first_leg: TxId) -> Option<Handle> {
        let place = self.bundles.place_of(first_leg)?;
        let bundle = self.bundles.bundles.get(place)?;
        let is_first = bundle.legs().first().map(|leg| leg.id) == Some(first_leg);
        let waits = is_first && !bundle.is_taken;
        self.bundles.bundles.handle(place).filter(|_| waits)
    }

    /// The bundles that wait or are taken, in the order of their arrival.
    pub(crate) fn bundles_by_arrival(&self) -> impl Iterator<Item = Handle> {
        let places = self.bundles.order.iter();
        places.filter_map(|place| self.bundles.bundles.handle(place))
    }

    /// The bundle with this number in the order of arrival, in a table that was just restored.
    pub(crate) fn restored_bundle(&self, number: u32) -> Option<Handle> {
        self.bundles.bundles.handle(number)
    }

    /// Marks a waiting bundle as taken, and says what its legs come to.
    pub(crate) fn restore_bundle_taken(&mut self, handle: Handle) -> Result<BundleSize, Broken> {
        let bundle = self.bundles.bundles.resolve(handle).copied();
        let bundle = bundle.filter(|own| !own.is_taken);
        let bundle = bundle.ok_or(Broken("a slot's bundles are taken once"))?;
        for leg in bundle.legs() {
            self.restore_used(leg.sender, leg.envelope.nonce)?;
        }
        if let Some(own) = self.bundles.bundles.get_mut(handle.index) {
            own.is_taken = true;
        }
        Ok(bundle.size())
    }
}

fn check(holds: bool, invariant: &'static str) -> Result<(), Broken> {
    if holds {
        Ok(())
    } else {
        Err(Broken(invariant))
    }
}

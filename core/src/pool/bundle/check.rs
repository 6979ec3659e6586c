//! What can become of bundles, and whether their table agrees with itself.

use super::{Bundle, Leg, bundle_id};
use crate::config::ReplayProtection;
use crate::limits::BUNDLE_LEG_COUNT_MAX;
use crate::pool::entry::Sender;
use crate::pool::outside::NonceState;
use crate::pool::{Broken, TransactionPool};
use crate::types::{Nonce, RollupId, UnixNs};

impl TransactionPool {
    /// Whether no leg expires beyond the horizon, as seen from a slot at this time.
    pub(super) fn are_near(&self, bundle: &Bundle, time: UnixNs) -> bool {
        match self.rules.replay_protection {
            ReplayProtection::ByHost => true,
            ReplayProtection::ByExpiry { horizon_ns } => bundle
                .legs()
                .iter()
                .all(|leg| leg.envelope.expiry.saturating_distance(time) <= horizon_ns),
        }
    }

    /// Whether each leg's nonce is next once all that is ready of its sender was taken.
    pub(super) fn can_become_ready(&self, bundle: &Bundle) -> bool {
        let mut reached = heapless::Vec::<(u32, Nonce), BUNDLE_LEG_COUNT_MAX>::new();
        bundle.legs().iter().all(|leg| {
            let nonce = leg.envelope.nonce;
            if self.nonce_state(leg.sender, nonce) != NonceState::Ahead {
                return reached.push((leg.sender, nonce.saturating_add(1))).is_ok();
            }
            let ready_end = self.senders.get(leg.sender).map(|own| own.ready_end);
            let is_behind =
                ready_end.is_some_and(|end| nonce <= end) || reached.contains(&(leg.sender, nonce));
            is_behind
                && nonce != Nonce::MAX
                && reached.push((leg.sender, nonce.saturating_add(1))).is_ok()
        })
    }

    /// Nonces that taken legs of a sender use, and how many legs it has.
    pub(in crate::pool) fn legs_of_sender(&self, place: u32) -> (usize, usize) {
        let bundles = self.bundles.bundles.iter();
        bundles.fold((0, 0), |(used, held): (usize, usize), (_, bundle)| {
            let own = bundle.legs().iter().filter(|leg| leg.sender == place);
            let count = own.count();
            let uses = if bundle.is_taken { count } else { 0 };
            (used.saturating_add(uses), held.saturating_add(count))
        })
    }

    /// Whether the table agrees with itself.
    pub(in crate::pool) fn verify_bundles(&self) -> Result<(), Broken> {
        let own = &self.bundles;
        let mut legs = 0_usize;
        for (place, bundle) in own.bundles.iter() {
            let ids = bundle.legs().iter().map(|leg| leg.id);
            let is_known = own.order.contains(place)
                && bundle_id(ids.clone()) == Some(bundle.id)
                && (1..=own.leg_count_max as usize).contains(&bundle.leg_count);
            if !is_known || !ids.into_iter().all(|id| own.place_of(id) == Some(place)) {
                return Err(Broken(
                    "bundles stand in their order, and legs in their index",
                ));
            }
            let lives = |leg: &Leg| {
                let sender = self.senders.get(leg.sender);
                let of = |own: &Sender| -> (RollupId, _) { (own.rollup, own.address) };
                let is_own = sender.map(of) == Some((leg.envelope.rollup, leg.envelope.sender));
                is_own && bundle.expiry <= leg.envelope.expiry
            };
            if !bundle.legs().iter().all(lives) {
                return Err(Broken("a leg has a sender, and outlives its bundle"));
            }
            legs = legs.saturating_add(bundle.leg_count);
        }
        let lists = own.bundles.iter().flat_map(|(_, bundle)| {
            bundle
                .legs
                .iter()
                .take(bundle.leg_count)
                .map(|leg| leg.payload)
        });
        let counted = own.order.len() == own.bundles.len() && own.by_id.len() == legs;
        if counted && own.payloads.is_consistent(lists) {
            Ok(())
        } else {
            Err(Broken("legs are indexed, and their chunks used or free"))
        }
    }
}

//! Bundles, when a decided slot of another member holds some of their legs or used their nonces.

use super::{Bundle, LEGS};
use crate::error::Code;
use crate::event::Ledger;
use crate::limits::BUNDLE_LEG_COUNT_MAX;
use crate::pool::TransactionPool;
use crate::pool::adopt::{DecidedAt, DecidedSet};
use crate::pool::outside::NonceState;
use crate::types::UnixNs;

/// How each leg of a bundle ends: its code, and its place in the slot if it stands there.
type LegEnds = heapless::Vec<(Code, Option<u32>), BUNDLE_LEG_COUNT_MAX>;

impl TransactionPool {
    /// Notes which transactions of the slot are legs here.
    pub(in crate::pool) fn find_legs(&self, set: &mut DecidedSet) {
        let own = &self.bundles;
        let is_empty = own.by_id.is_empty();
        set.find_hits(|id| {
            let is_same = |at: u32| own.leg_at(at).is_some_and(|leg| leg.id == id);
            let hash = own.hash.bytes32(id.as_bytes());
            (!is_empty).then(|| own.by_id.find(hash, is_same)).flatten()
        });
    }

    /// How many legs end with the slot: all of each bundle of which it holds one.
    pub(in crate::pool) fn hit_leg_count(&self, set: &DecidedSet) -> usize {
        let place_of = |at: u32| at.checked_div(LEGS);
        let hits = set.hits();
        let by_bundle = hits.chunk_by(|one, other| place_of(one.at) == place_of(other.at));
        let places = by_bundle.filter_map(|hits| place_of(hits.first()?.at));
        let bundles = places.filter_map(|place| self.bundles.bundles.get(place));
        bundles.fold(0, |sum, own| sum.saturating_add(own.leg_count))
    }

    /// Ends the bundles of which the slot holds a leg, in the order of their arrival; returns how
    /// many legs were included.
    ///
    /// Cost: O(log n) for each leg that waits, and nothing where the slot holds none.
    pub(in crate::pool) fn end_hit_bundles(
        &mut self,
        set: &DecidedSet,
        at: DecidedAt,
        ledger: &mut Ledger<'_>,
    ) -> u32 {
        let mut included = 0_u32;
        if set.hits().is_empty() {
            return included;
        }
        let mut next = self.bundles.order.first();
        while let Some(place) = next {
            next = self.bundles.order.after(place);
            let Some(bundle) = self.bundles.bundles.get(place).copied() else {
                return included;
            };
            let ends = self.leg_ends(place, &bundle, set);
            if ends.iter().all(|(_, position)| position.is_none()) {
                continue;
            }
            self.bundles.remove(place);
            for (leg, (code, position)) in bundle.legs().iter().zip(ends) {
                let rollup = leg.envelope.rollup;
                self.unpin_sender(leg.sender);
                if code == Code::Superseded {
                    self.seen.insert(leg.id.as_bytes(), code.number());
                }
                match position {
                    Some(position) => {
                        included = included.saturating_add(1);
                        ledger.end_included(leg.id, rollup, at.height, position);
                    }
                    None => ledger.end(code, leg.id, rollup),
                }
            }
        }
        included
    }

    /// What becomes of each leg of the bundle at this place once the slot's nonces are used.
    fn leg_ends(&self, place: u32, bundle: &Bundle, set: &DecidedSet) -> LegEnds {
        let first = place.saturating_mul(LEGS);
        let legs = (first..).zip(bundle.legs());
        let ends = legs.map(|(at, leg)| {
            let state = self.nonce_state(leg.sender, leg.envelope.nonce);
            match set.position_of_leg(at) {
                Some(position) => (Code::Included, Some(position)),
                None if state == NonceState::Used => (Code::Superseded, None),
                None => (Code::Evicted, None),
            }
        });
        ends.collect()
    }

    /// Ends waiting bundles that expired at the agreed time or lost a nonce, as long as there is
    /// room to say so of each leg. Cost: O(1) expected for each leg.
    pub(crate) fn end_lost_bundles(&mut self, time: UnixNs, ledger: &mut Ledger<'_>) {
        let mut next = self.bundles.order.first();
        while let Some(place) = next {
            next = self.bundles.order.after(place);
            let Some(bundle) = self.bundles.bundles.get(place).copied() else {
                return;
            };
            let used: heapless::Vec<bool, BUNDLE_LEG_COUNT_MAX> = bundle
                .legs()
                .iter()
                .map(|leg| self.nonce_state(leg.sender, leg.envelope.nonce) == NonceState::Used)
                .collect();
            if bundle.expiry <= time {
                self.end_bundle(place, ledger, |_| Code::Expired);
            } else if used.contains(&true) {
                self.end_bundle(place, ledger, |leg| match used.get(leg) {
                    Some(true) => Code::Superseded,
                    _ => Code::Evicted,
                });
            }
        }
    }
}

//! Slots of other members: the pool takes them over as its plain model does.

use std::vec::Vec;

use proptest::prelude::*;

use super::super::model::PlainDecided;
use super::super::*;
use super::Pair;
use crate::pool::adopt::{DecidedAt, DecidedSet, DecidedTransaction};
use crate::pool::repeats::Repeats;
use crate::types::Height;

impl Pair {
    /// A slot from the step's bytes: of what is held, of what came earlier, and of what never came.
    pub(super) fn adopt_any(&mut self, step: [u8; 10]) {
        let count = usize::from(step[1] % 5);
        let rows = (0..count).filter_map(|turn| {
            let turn = turn as u8;
            let own = step.map(|byte| byte.wrapping_add(turn.wrapping_mul(37)));
            let held = self.plain.held.values().nth(usize::from(own[3] % 8));
            if let Some(held) = held.filter(|_| own[4] % 3 > 0) {
                return Some(PlainDecided {
                    id: held.id,
                    line: held.line(),
                    nonce: held.nonce(),
                    expiry: held.envelope.expiry,
                });
            }
            let (envelope, payload, _) = self.transaction(own);
            self.plain.is_configured(envelope.rollup).then(|| {
                let payload = &payload;
                PlainDecided {
                    id: id_of(&Transaction { envelope, payload }),
                    line: (envelope.rollup, envelope.sender),
                    nonce: envelope.nonce.get(),
                    expiry: envelope.expiry,
                }
            })
        });
        let rows: Vec<_> = rows.collect();
        self.adopt(&rows);
    }

    /// Takes a slot over where events have room for it, after what is in flight was rolled back.
    pub(super) fn adopt(&mut self, slot: &[PlainDecided]) -> bool {
        // What is in flight counts for nothing.
        let in_flight = self.find_repeats(slot);
        self.roll_back_newest(usize::MAX);
        assert_eq!(self.find_repeats(slot), in_flight);
        let mut set = set_of(slot);
        let time = UnixNs::new(self.time);
        let plan = self.pool.plan_adoption(&mut set, time);
        // Which senders give their places up depends on places, which the model lacks.
        let Some(plan) = plan.ok().filter(|plan| plan.victim_count == 0) else {
            return false;
        };
        if plan.event_count > self.room() {
            return false;
        }
        let begun = self.plain.ended.len();
        self.plain.adopt(slot, time);
        let ended = &self.plain.ended[begun..];
        assert_eq!(ended.len(), plan.event_count);
        let included = ended.iter().filter(|(code, ..)| *code == Code::Included);
        let included = included.count() as u32;
        let at = DecidedAt {
            height: Height::new(1),
            time,
        };
        let mut ledger = Ledger::new(&mut self.events, &mut self.metrics, Tick::ZERO);
        let found = self.pool.adopt(&set, plan, at, &self.policy, &mut ledger);
        assert_eq!(found, included);
        true
    }

    /// What a slot repeats, as the pool and its model say.
    fn find_repeats(&mut self, slot: &[PlainDecided]) -> Repeats {
        let time = UnixNs::new(self.time);
        let repeats = self.pool.find_repeats(&mut set_of(slot), time);
        let plain = self.plain.repeats(slot, time);
        let expected = Repeats {
            count: plain.len() as u32,
            first: plain.first().copied(),
        };
        assert_eq!(repeats, expected);
        for (_, code) in plain {
            *self.repeats.entry(code.name()).or_default() += 1;
        }
        repeats
    }

    /// Acknowledges all that is in flight, as a slot for others.
    fn settle(&mut self) -> Vec<PlainDecided> {
        let slot = self.in_flight.iter().map(|index| {
            let own = &self.plain.held[index];
            PlainDecided {
                id: own.id,
                line: own.line(),
                nonce: own.nonce(),
                expiry: own.envelope.expiry,
            }
        });
        let slot = slot.collect();
        self.acknowledge_oldest(usize::MAX);
        slot
    }
}

/// The slot as the pool sees it.
fn set_of(slot: &[PlainDecided]) -> DecidedSet {
    let mut set = DecidedSet::new(&Limits::default());
    for (position, own) in (0..).zip(slot) {
        assert!(set.push(DecidedTransaction {
            id: own.id,
            rollup: own.line.0,
            sender: own.line.1,
            nonce: Nonce::new(own.nonce),
            expiry: own.expiry,
            position,
            forced: None,
        }));
    }
    set
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 96,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Two members with pools of their own take turns; each takes the other's slots over, and
    /// what one of them included comes from neither again.
    #[test]
    fn two_pools_that_take_turns_are_their_plain_models(
        steps in proptest::collection::vec(any::<[u8; 10]>(), 0..240),
        by_expiry in any::<bool>(),
    ) {
        let replay = match by_expiry {
            true => ReplayProtection::ByExpiry { horizon_ns: 50 },
            false => ReplayProtection::ByHost,
        };
        // Nobody is forgotten, and no identity: then nothing ever comes again.
        let limits = Limits {
            sender_count_max: 64,
            seen_count_max: 1 << 12,
            ..crowded_limits()
        };
        let config = config(Policy::PriorityFee, replay);
        let mut members = [(); 2].map(|()| Pair::new(&config, &limits));
        let mut included = Vec::new();
        for step in steps {
            let [first, second] = &mut members;
            let (own, other) = match step[8] % 2 {
                0 => (first, second),
                _ => (second, first),
            };
            if step[0] % 8 == 7 {
                let slot = own.settle();
                own.read_events();
                other.read_events();
                // Slots this small need less room than the events have.
                let ids = slot.iter().map(|row| row.id);
                for id in ids {
                    prop_assert!(!included.contains(&id));
                    included.push(id);
                }
                if !slot.is_empty() {
                    prop_assert_eq!(other.find_repeats(&slot).count, 0);
                    prop_assert!(other.adopt(&slot));
                    prop_assert_eq!(other.find_repeats(&slot).count as usize, slot.len());
                }
                other.compare();
                own.compare();
            } else if step[0] % 32 != 29 && !(19..=20).contains(&(step[0] % 32)) {
                own.step(step);
            }
            let time = members.iter().map(|own| own.time).max().unwrap();
            members.iter_mut().for_each(|own| own.time = time);
        }
    }
}

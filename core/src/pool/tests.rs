//! The pool against a plain model without bounds, and every refusal on its own.

mod admission;
mod model;

use std::collections::BTreeMap;
use std::format;
use std::vec;
use std::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::codec::Writer;
use crate::config::{Config, Policy, ReplayProtection};
use crate::crypto::hash::transaction_id;
use crate::types::{CandidateSource, Gas, Submission, Tick};
use model::{PlainPool, PlainTransaction};

const ROLLUPS: [u32; 2] = [3, 8];

/// So small that every kind of fullness is common.
fn tiny_limits() -> Limits {
    Limits {
        pending_count_max: 7,
        pending_bytes_max: 6 * 128,
        payload_bytes_max: 300,
        sender_count_max: 5,
        nonce_gap_max: 3,
        slot_gas_max: 100,
        set_aside_count_max: 2,
        ..Limits::default()
    }
}

fn config(policy: Policy, replay_protection: ReplayProtection) -> Config {
    let base = Config {
        policy,
        replay_protection,
        fee_floor: Fee::new(2),
        index_key: [11, 12],
        ..Config::default()
    };
    base.with_rollups(&ROLLUPS.map(RollupId::new)).unwrap()
}

fn id_of(transaction: &Transaction<'_>) -> TxId {
    let mut bytes = vec![0; transaction.encoded_len()];
    transaction.encode(&mut Writer::new(&mut bytes)).unwrap();
    transaction_id(&bytes)
}

/// The pool and its model, driven by the same steps.
struct Pair {
    pool: TransactionPool,
    plain: PlainPool,
    policy: Policy,
    handles: BTreeMap<u64, Handle>,
    ended: Vec<Handle>,
    /// What was admitted, to be sent again.
    admitted: Vec<(Envelope, Vec<u8>)>,
    /// What was taken and has not been settled, in the order of taking.
    in_flight: Vec<u64>,
    tick: u64,
    time: u64,
    refusals: BTreeMap<&'static str, u32>,
}

impl Pair {
    fn new(config: &Config, limits: &Limits) -> Self {
        Self {
            pool: TransactionPool::new(config, limits),
            plain: PlainPool::new(config, limits),
            policy: config.policy,
            handles: BTreeMap::new(),
            ended: Vec::new(),
            admitted: Vec::new(),
            in_flight: Vec::new(),
            tick: 0,
            time: 1_000,
            refusals: BTreeMap::new(),
        }
    }

    /// One step from eight random bytes.
    fn step(&mut self, step: [u8; 8]) {
        match step[0] % 16 {
            0..=7 => self.admit(step),
            8..=10 => self.look(step),
            11 => self.acknowledge_oldest(1 + usize::from(step[1] % 3)),
            12 => self.roll_back_newest(1 + usize::from(step[1] % 3)),
            13 => self.remove(usize::from(step[1])),
            14 => self.use_stale_handles(),
            _ if step[1] < 64 => self.remove_unready(),
            _ => self.time += u64::from(step[2] % 20),
        }
        self.compare();
    }

    fn admit(&mut self, [_, sender, nonce, fee, gas, expiry, len, account]: [u8; 8]) {
        let base = match sender % 16 {
            // At the end of the range, where sums overflow.
            7 => u64::MAX - 4,
            _ => 0,
        };
        let envelope = Envelope {
            rollup: RollupId::new([3, 8, 3, 8, 3, 8, 3, 4][usize::from(fee % 8)]),
            sender: Address::new([sender % 8; 20]),
            nonce: Nonce::new(base.saturating_add(u64::from(nonce % 8))),
            fee: Fee::new(1 + u64::from(fee / 16)),
            gas: Gas::new(u64::from(gas % 104)),
            expiry: match expiry % 8 {
                0 => UnixNs::NEVER,
                _ => UnixNs::new(self.time - 1 + u64::from(expiry / 4)),
            },
            ..Envelope::default()
        };
        let payload = vec![gas; [0, 1, 128, 129, 200, 300, 300, 301][usize::from(len % 8)]];
        let again = self.admitted.iter().rev().nth(usize::from(account / 16));
        let (envelope, payload) = match again.filter(|_| expiry % 16 == 9) {
            Some(earlier) => earlier.clone(),
            None => (envelope, payload),
        };
        let transaction = Transaction {
            envelope,
            payload: &payload,
        };
        let account_nonce = match account % 4 {
            0 => Some(Nonce::new(base + u64::from(account / 4 % 4))),
            1 => Some(envelope.nonce),
            _ => None,
        };
        self.tick += u64::from(account % 2);
        let submission = Submission {
            transaction,
            account_nonce,
        };
        let (id, tick, time) = (
            id_of(&transaction),
            Tick::new(self.tick),
            UnixNs::new(self.time),
        );
        let real = self.pool.admit(id, &submission, tick, time, &self.policy);
        let plain = self.plain.admit(id, &submission, tick, time);
        assert_eq!(real.err(), plain.err());
        match (real, plain) {
            (Ok(handle), Ok(index)) => {
                self.handles.insert(index, handle);
                self.admitted.push((envelope, payload));
            }
            (Err(refusal), _) => *self.refusals.entry(refusal.code().name()).or_default() += 1,
            _ => unreachable!("compared above"),
        }
    }

    /// One slot's view: looks, takes, puts aside and removes, as the step's bits say.
    fn look(&mut self, step: [u8; 8]) {
        let mut taken = [Handle::default(); 3];
        let mut view = self.pool.ready(&self.policy, &mut taken);
        let mut taken_now = Vec::new();
        for turn in step[1..].iter().take(usize::from(step[1] % 7)) {
            // The last is not configured: nothing is ever ready there.
            let rollup = RollupId::new([3, 8, 3, 5][usize::from(turn % 4)]);
            let best = self.plain.best(rollup);
            assert_eq!(view.best(rollup), best.map(|own| own.candidate()));
            assert_eq!(
                view.best_key(rollup),
                best.map(|own| self.policy.key(&own.candidate()))
            );
            match (turn / 16 % 4, best) {
                (0, Some(best)) if self.plain.aside.len() < 2 => {
                    assert!(view.set_aside_best(rollup));
                    self.plain.set_aside(best.arrival.index);
                }
                (0, _) => assert!(!view.set_aside_best(rollup)),
                (1, best) if turn & 12 == 0 => {
                    let removed = view.remove_best(rollup).map(|own| own.candidate);
                    assert_eq!(removed, best.map(|own| own.candidate()));
                    if let Some(best) = best {
                        self.plain.remove(best.arrival.index);
                        self.ended
                            .push(self.handles.remove(&best.arrival.index).unwrap());
                    }
                }
                (_, Some(best)) if taken_now.len() < 3 => {
                    assert!(view.take_best(rollup));
                    self.plain.take(best.arrival.index);
                    taken_now.push(best.arrival.index);
                }
                _ => assert!(!view.take_best(rollup)),
            }
            assert_eq!(view.taken_count(), taken_now.len());
        }
        drop(view);
        self.plain.aside.clear();
        for (index, handle) in taken_now.iter().zip(taken) {
            assert_eq!(self.handles[index], handle);
        }
        self.in_flight.extend(taken_now);
    }

    fn acknowledge_oldest(&mut self, count: usize) {
        for index in self.in_flight.drain(..count.min(self.in_flight.len())) {
            let handle = self.handles.remove(&index).unwrap();
            assert!(self.plain.acknowledge(index));
            assert_eq!(self.pool.acknowledge(handle), Ok(()));
            self.ended.push(handle);
        }
    }

    fn roll_back_newest(&mut self, count: usize) {
        for _ in 0..count {
            let Some(index) = self.in_flight.pop() else {
                break;
            };
            assert!(self.plain.roll_back(index));
            assert_eq!(
                self.pool.roll_back(self.handles[&index], &self.policy),
                Ok(())
            );
        }
    }

    /// Removes any held transaction, or is refused because a slot holds it; never settles a
    /// waiting one.
    fn remove(&mut self, pick: usize) {
        let Some((index, handle)) = self.handles.iter().nth(pick % 8).map(|(i, h)| (*i, *h)) else {
            return;
        };
        let own = self.plain.held[&index];
        if own.is_taken {
            assert_eq!(self.pool.remove(handle), Err(HandleError::StaleHandle));
            return;
        }
        assert_eq!(self.pool.acknowledge(handle), Err(HandleError::StaleHandle));
        assert_eq!(
            self.pool.roll_back(handle, &self.policy),
            Err(HandleError::StaleHandle)
        );
        assert_eq!(
            self.pool.remove(handle).map(|own| own.candidate),
            Ok(own.candidate())
        );
        assert!(self.plain.remove(index));
        self.ended.push(self.handles.remove(&index).unwrap());
    }

    fn use_stale_handles(&mut self) {
        for handle in &self.ended {
            assert_eq!(self.pool.get(*handle), None);
            assert_eq!(
                self.pool.acknowledge(*handle),
                Err(HandleError::StaleHandle)
            );
            assert_eq!(self.pool.remove(*handle), Err(HandleError::StaleHandle));
            let rolled_back = self.pool.roll_back(*handle, &self.policy);
            assert_eq!(rolled_back, Err(HandleError::StaleHandle));
        }
    }

    /// Walks the pool as its own doc says, and ends the same set as the model.
    fn remove_unready(&mut self) {
        let mut expected = self.plain.unready();
        let mut place = 0;
        while let Some(found) = self.pool.unready_from(place) {
            assert!(found.handle.index >= place, "the walk went back");
            place = found.handle.index;
            assert!(
                expected.remove(&found.candidate.id),
                "a ready one was given"
            );
            assert_eq!(self.pool.remove(found.handle), Ok(found));
            self.plain.remove(found.candidate.arrival.index);
            self.handles.remove(&found.candidate.arrival.index).unwrap();
        }
        assert!(expected.is_empty(), "unready ones were passed over");
        assert_eq!(self.pool.unready_from(0), None);
    }

    fn compare(&self) {
        assert!(self.pool.is_consistent());
        let taken = self.plain.taken().len();
        assert_eq!(self.pool.len(), self.plain.held.len());
        assert_eq!(self.pool.is_empty(), self.plain.held.is_empty());
        assert_eq!(self.pool.waiting_count(), self.plain.held.len() - taken);
        assert_eq!(self.pool.ready_sender_count(), self.plain.ready_count());
        assert_eq!(self.pool.free_bytes(), self.plain.free_bytes());
        for (index, own) in &self.plain.held {
            self.compare_one(self.handles[index], own);
        }
        let known: Vec<_> = self.plain.lines().collect();
        for rollup in ROLLUPS.map(RollupId::new) {
            for sender in (0..8).map(|sender| Address::new([sender; 20])) {
                let next = self.pool.next_nonce(rollup, sender);
                assert_eq!(next, self.plain.next_nonce((rollup, sender)));
                assert_eq!(next.is_some(), known.contains(&(rollup, sender)));
            }
        }
    }

    fn compare_one(&self, handle: Handle, own: &PlainTransaction) {
        let found = self.pool.find(own.id).unwrap();
        assert_eq!(self.pool.get(handle), Some(found));
        assert_eq!((found.handle, found.is_taken), (handle, own.is_taken));
        assert_eq!(found.candidate, own.candidate());
        let payload: Vec<u8> = self
            .pool
            .payload_parts(found.payload)
            .flatten()
            .copied()
            .collect();
        assert_eq!(payload.len(), own.payload_len);
        assert!(payload.windows(2).all(|pair| pair[0] == pair[1]));
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 128,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_pool_is_its_plain_model(
        steps in proptest::collection::vec(any::<[u8; 8]>(), 0..200),
        by_fee in any::<bool>(),
        by_expiry in any::<bool>(),
    ) {
        let policy = if by_fee { Policy::PriorityFee } else { Policy::Fcfs };
        let replay = match by_expiry {
            true => ReplayProtection::ByExpiry { horizon_ns: 50 },
            false => ReplayProtection::ByHost,
        };
        let mut pair = Pair::new(&config(policy, replay), &tiny_limits());
        for step in steps {
            pair.step(step);
        }
    }
}

/// The random steps above are worth something only if they get everywhere.
#[test]
fn random_steps_reach_every_refusal() {
    let horizon = ReplayProtection::ByExpiry { horizon_ns: 50 };
    let mut reached = BTreeMap::new();
    let mut seed = 1_u64;
    for replay in [ReplayProtection::ByHost, horizon] {
        let mut pair = Pair::new(&config(Policy::PriorityFee, replay), &tiny_limits());
        for _ in 0..4_000 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            pair.step((seed ^ (seed >> 29)).to_be_bytes());
        }
        reached.extend(pair.refusals);
    }
    let names: Vec<_> = reached.keys().copied().collect();
    assert_eq!(names.len(), admission::REFUSALS.len(), "{reached:?}");
}

#[test]
fn a_view_that_put_senders_aside_gives_them_back() {
    let config = config(Policy::Fcfs, ReplayProtection::ByHost);
    let mut pair = Pair::new(&config, &tiny_limits());
    for sender in [1, 2] {
        pair.admit([0, sender, 0, 16, 5, 0, 1, 2]);
    }
    let before = format!(
        "{:?}",
        pair.pool
            .find(pair.plain.best(RollupId::new(3)).unwrap().id)
    );
    let mut taken = [];
    let mut view = pair.pool.ready(&pair.policy, &mut taken);
    assert!(view.set_aside_best(RollupId::new(3)));
    assert!(view.set_aside_best(RollupId::new(3)));
    assert_eq!(view.best(RollupId::new(3)), None);
    drop(view);
    pair.compare();
    let after = format!(
        "{:?}",
        pair.pool
            .find(pair.plain.best(RollupId::new(3)).unwrap().id)
    );
    assert_eq!((before, pair.pool.ready_sender_count()), (after, 2));
}

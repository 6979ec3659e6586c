//! Forced inputs and bundles against plain lists: which are due, which go in, in which order they
//! stand, and how each ends.

mod common;

use common::outside::{envelope, known, limits};
use common::plain::{End, Plain, PlainTransaction, Segments};
use common::{ROLLUPS, Seeded, config};
use hauptbuch_core::batch::SlotReader;
use hauptbuch_core::config::{Config, NonceMode, Policy, RollupConfig};
use hauptbuch_core::coordinator::{TransactionCoordinator, WhenEmpty};
use hauptbuch_core::crypto::hash::transaction_id;
use hauptbuch_core::error::Code;
use hauptbuch_core::limits::{Limits, Quota};
use hauptbuch_core::types::{
    Envelope, Fee, Gas, Height, InboxIndex, Submission, Tick, TxId, UnixNs,
};

const NOW: Tick = Tick::new(1);

/// Slots stay small, and nothing else is ever full.
fn wide() -> Limits {
    let quota = Quota {
        count_max: 1 << 20,
        bytes_max: 1 << 30,
        gas_max: 1 << 40,
    };
    Limits {
        pending_count_max: 4_096,
        pending_bytes_max: 1 << 20,
        sender_count_max: 64,
        sender_gapped_count_max: 64,
        sender_quota: quota,
        origin_quota: quota,
        seen_count_max: 1 << 14,
        cancel_count_max: 64,
        forced_count_max: 1 << 12,
        forced_bytes_max: 1 << 20,
        bundle_count_max: 512,
        bundle_bytes_max: 1 << 20,
        event_count_max: 1 << 12,
        ..limits()
    }
}

struct World {
    own: TransactionCoordinator,
    plain: Plain,
    limits: Limits,
    random: Seeded,
    time: u64,
    next: [u64; 2],
    heights: Vec<Height>,
    /// Bundles and slots with each of their kinds, so that the test shows what it reached.
    met: [u64; 8],
}

#[test]
fn every_history_is_the_one_of_the_plain_model() {
    let mut met = [0; 8];
    for seed in 0..12 {
        let mut world = World::new(seed);
        for step in 0..300 {
            let place = format!("seed {seed}, step {step}");
            world.step(&place);
            world.compare_ends(&place);
            world.own.verify().expect(&place);
        }
        let sum = |(sum, own): (&mut u64, u64)| *sum += own;
        met.iter_mut().zip(world.met).for_each(sum);
    }
    // Forced inputs of each outcome; bundles in slots, ended, refused; slots given back.
    assert!(met.iter().all(|count| *count > 3), "{met:?}");
}

impl World {
    fn new(seed: u64) -> Self {
        let rollups = [
            RollupConfig::from(ROLLUPS[0]),
            RollupConfig {
                id: ROLLUPS[1],
                nonce_mode: NonceMode::Window,
            },
        ];
        let policies = [Policy::Fcfs, Policy::PriorityFee];
        let config: Config = config(policies[seed as usize % 2])
            .with_rollups(&rollups)
            .unwrap();
        let limits = wide();
        Self {
            own: TransactionCoordinator::new(&config, &limits).unwrap(),
            plain: Plain::new(&config, &limits),
            limits,
            random: Seeded(seed),
            time: 1_000,
            next: [0; 2],
            heights: Vec::new(),
            met: [0; 8],
        }
    }

    fn envelope(&mut self) -> Envelope {
        let random = &mut self.random;
        let expiry = [UnixNs::NEVER, UnixNs::new(self.time + 1 + random.below(60))];
        let rollup = random.below(2) as usize;
        // Near what was used, so that nonces are fought for.
        let base = self.time / 40 % 3;
        Envelope {
            gas: Gas::new(1 + random.below(30)),
            fee: Fee::new(1 + random.below(9)),
            expiry: expiry[random.below(2) as usize],
            ..envelope(rollup, random.below(4) as u8, base + random.below(6))
        }
    }

    fn step(&mut self, place: &str) {
        let time = UnixNs::new(self.time);
        match self.random.below(18) {
            0..=4 => {
                let own = self.envelope();
                if self.own.submit(&known(own, b"pool"), NOW, time).is_ok() {
                    self.plain.admit(plain(own, b"pool"));
                }
            }
            5..=6 => self.submit_forced(place),
            7..=10 => self.submit_bundle(place),
            11..=12 => self.take(place),
            13..=14 => {
                let Some(oldest) = self.heights.first().copied() else {
                    return;
                };
                self.own.acknowledge(oldest, NOW).unwrap();
                self.heights.remove(0);
                self.plain.acknowledge();
            }
            15 => {
                let at = self.random.below(1 + self.heights.len() as u64) as usize;
                if let Some(height) = self.heights.get(at) {
                    self.own.roll_back(*height).unwrap();
                    self.heights.truncate(at);
                    self.plain.roll_back(at);
                    self.met[7] += 1;
                }
            }
            16 => {
                let at = self.random.below(1 + self.plain.bundles.len() as u64) as usize;
                if let Some(bundle) = self.plain.bundles.get(at).cloned() {
                    let leg = bundle.legs[self.random.below(bundle.legs.len() as u64) as usize].id;
                    let cancelled = self.own.cancel(leg).is_ok();
                    assert_eq!(cancelled, self.plain.cancel_bundle(leg), "{place}");
                }
            }
            _ => self.time += self.random.below(9),
        }
    }

    fn submit_forced(&mut self, place: &str) {
        let own = self.envelope();
        let at = usize::from(own.rollup == ROLLUPS[1]);
        let deadline = UnixNs::new(self.time + self.random.below(50));
        let (index, time) = (InboxIndex::new(self.next[at]), UnixNs::new(self.time));
        let submission = known(own, b"forced");
        let taken_in = self
            .own
            .submit_forced(&submission, index, deadline, NOW, time);
        let own = plain(own, b"forced");
        assert_eq!(taken_in, Ok(own.id), "{place}");
        self.next[at] += 1;
        self.plain.admit_forced(own, deadline);
    }

    fn submit_bundle(&mut self, place: &str) {
        let legs: Vec<Envelope> = (0..1 + self.random.below(2))
            .map(|_| self.envelope())
            .collect();
        let (time, lifetime) = (UnixNs::new(self.time), self.random.below(60));
        let expiry = UnixNs::new(self.time + lifetime);
        let submissions: Vec<Submission<'_>> = legs.iter().map(|own| known(*own, b"leg")).collect();
        let legs: Vec<PlainTransaction> = legs.iter().map(|own| plain(*own, b"leg")).collect();
        let result = self.own.submit_bundle(&submissions, expiry, NOW, time);
        let result = result
            .map(drop)
            .map_err(|refusal| (refusal.leg, refusal.code));
        let expected = self.plain.admit_bundle(&legs, expiry, time);
        assert_eq!(result, expected, "{place}");
        self.met[6] += u64::from(result.is_err());
    }

    fn take(&mut self, place: &str) {
        if self.heights.len() == self.limits.in_flight_count_max as usize {
            return;
        }
        let time = UnixNs::new(self.time);
        let taken = self.own.take(NOW, time, WhenEmpty::NoSlot).unwrap();
        let taken = taken.map(|slot| (slot.header.height, slot.bytes.to_vec()));
        let expected = self.plain.take(time);
        assert_eq!(taken.is_some(), expected.is_some(), "{place}");
        let (Some((height, bytes)), Some(expected)) = (taken, expected) else {
            return;
        };
        self.heights.push(height);
        for (rollup, own) in ROLLUPS.iter().zip(segments(&bytes, &self.limits)) {
            assert_eq!(own, expected.of_rollup(*rollup), "{place}, {rollup}");
            for (_, outcome) in own.0 {
                self.met[outcome as usize] += 1;
            }
        }
        self.met[4] += expected.bundles.len() as u64;
    }

    fn compare_ends(&mut self, place: &str) {
        let mut own: Vec<End> = core::iter::from_fn(|| self.own.poll_event())
            .map(|event| (event.code, event.id, event.position))
            .collect();
        let mut expected = core::mem::take(&mut self.plain.ends);
        own.sort();
        expected.sort();
        assert_eq!(own, expected, "{place}");
        let evicted = own.iter().filter(|own| own.0 == Code::Evicted);
        self.met[5] += evicted.count() as u64;
    }
}

/// What a slot's bytes hold, rollup by rollup.
fn segments(slot: &[u8], limits: &Limits) -> Vec<Segments> {
    let mut reader = SlotReader::new(slot, limits).unwrap();
    let mut all = Vec::new();
    while let Some(own) = reader.next_sub_batch().unwrap() {
        let forced = own.forced().zip(own.evidence.forced());
        all.push((
            forced
                .map(|((bytes, _), row)| (transaction_id(bytes), row.outcome))
                .collect(),
            own.iter()
                .map(|(bytes, ..)| transaction_id(bytes))
                .collect(),
            own.legs().map(|(bytes, _)| transaction_id(bytes)).collect(),
        ));
    }
    all
}

fn plain(envelope: Envelope, payload: &[u8]) -> PlainTransaction {
    let transaction = known(envelope, payload).transaction;
    let mut bytes = vec![0; transaction.encoded_len()];
    let mut out = hauptbuch_core::codec::Writer::new(&mut bytes);
    transaction.encode(&mut out).unwrap();
    let id: TxId = transaction_id(&bytes);
    PlainTransaction {
        id,
        envelope,
        encoded_len: bytes.len() as u32,
    }
}

//! Forced inputs and bundles under random steps: each end comes once, and followers agree.

mod common;

use std::collections::BTreeMap;

use common::outside::{envelope, known, limits};
use common::{ROLLUPS, Seeded, config};
use hauptbuch_core::batch::{ForcedAudit, SlotVerifier};
use hauptbuch_core::config::{NonceMode, Policy, RollupConfig};
use hauptbuch_core::coordinator::{TransactionCoordinator, WhenEmpty};
use hauptbuch_core::limits::Limits;
use hauptbuch_core::types::{
    Envelope, Fee, Gas, Height, InboxEntry, InboxIndex, Submission, Tick, TxId, UnixNs,
};

const NOW: Tick = Tick::new(1);

/// Random steps against what a host would write down, and against a verifier and an audit.
#[test]
fn each_end_comes_once_whatever_happens() {
    for seed in 0..40 {
        run(seed);
    }
}

struct World {
    own: TransactionCoordinator,
    random: Seeded,
    /// Admissions and ends of each id.
    open: BTreeMap<TxId, i32>,
    inbox: Vec<InboxEntry>,
    next: [u64; 2],
    in_flight: Vec<(Height, Vec<u8>)>,
    time: u64,
}

fn run(seed: u64) {
    let rollups = [
        RollupConfig::from(ROLLUPS[0]),
        RollupConfig {
            id: ROLLUPS[1],
            nonce_mode: NonceMode::Window,
        },
    ];
    let policies = [Policy::Fcfs, Policy::PriorityFee];
    let config = config(policies[seed as usize % 2])
        .with_rollups(&rollups)
        .unwrap();
    let limits = Limits {
        in_flight_count_max: 3,
        ..limits()
    };
    let mut world = World {
        own: TransactionCoordinator::new(&config, &limits).unwrap(),
        random: Seeded(seed),
        open: BTreeMap::new(),
        inbox: Vec::new(),
        next: [0; 2],
        in_flight: Vec::new(),
        time: 1_000,
    };
    let mut verifier = SlotVerifier::new(&config, &limits);
    let mut audit = ForcedAudit::new(&config, &limits);
    for step in 0..400 {
        if let Some(bytes) = world.step() {
            world.inbox.sort_by_key(|own| (own.rollup, own.index));
            verifier
                .verify(&bytes)
                .unwrap_or_else(|error| panic!("seed {seed}, step {step}: {error}"));
            let audited = audit.audit(&bytes, world.inbox.as_slice());
            audited.unwrap_or_else(|error| panic!("seed {seed}, step {step}: {error}"));
        }
        world
            .own
            .verify()
            .unwrap_or_else(|error| panic!("seed {seed}, step {step}: {error}"));
    }
    world.drain();
}

impl World {
    fn envelope(&mut self) -> Envelope {
        let random = &mut self.random;
        let expiry = [UnixNs::NEVER, UnixNs::new(self.time + 1 + random.below(40))];
        Envelope {
            gas: Gas::new(1 + random.below(30)),
            fee: Fee::new(1 + random.below(9)),
            expiry: expiry[random.below(2) as usize],
            ..envelope(
                random.below(2) as usize,
                random.below(5) as u8,
                random.below(12),
            )
        }
    }

    fn admitted(&mut self, id: TxId) {
        *self.open.entry(id).or_insert(0) += 1;
    }

    /// One random step; the bytes of a slot that was acknowledged by it.
    fn step(&mut self) -> Option<Vec<u8>> {
        let now = NOW;
        let time = UnixNs::new(self.time);
        match self.random.below(16) {
            0..=4 => {
                let envelope = self.envelope();
                if let Ok(id) = self.own.submit(&known(envelope, b"p"), now, time) {
                    self.admitted(id);
                }
            }
            5..=6 => {
                let envelope = self.envelope();
                let rollup = usize::from(envelope.rollup == ROLLUPS[1]);
                let (index, deadline) = (InboxIndex::new(self.next[rollup]), time);
                let submission = known(envelope, b"");
                if let Ok(id) = self
                    .own
                    .submit_forced(&submission, index, deadline, now, time)
                {
                    self.next[rollup] += 1;
                    self.admitted(id);
                    let encoded_len = 98;
                    let (rollup, gas) = (envelope.rollup, envelope.gas);
                    self.inbox.push(InboxEntry {
                        rollup,
                        index,
                        id,
                        deadline,
                        encoded_len,
                        gas,
                    });
                }
            }
            7..=8 => {
                let legs: Vec<_> = (0..1 + self.random.below(3))
                    .map(|_| self.envelope())
                    .collect();
                let legs: Vec<_> = legs.iter().map(|own| known(*own, b"leg")).collect();
                let expiry = UnixNs::new(self.time + self.random.below(30));
                if self.own.submit_bundle(&legs, expiry, now, time).is_ok() {
                    for leg in legs {
                        self.admitted(common_id(&leg));
                    }
                }
            }
            9..=10 => {
                if let Ok(Some(slot)) = self.own.take(now, time, WhenEmpty::NoSlot) {
                    self.in_flight
                        .push((slot.header.height, slot.bytes.to_vec()));
                }
            }
            11..=12 => {
                let oldest = self.in_flight.first().map(|own| own.0)?;
                if self.own.acknowledge(oldest, now).is_ok() {
                    return Some(self.in_flight.remove(0).1);
                }
            }
            13 => {
                let at = self.random.below(1 + self.in_flight.len() as u64) as usize;
                if let Some(height) = self.in_flight.get(at).map(|own| own.0) {
                    self.own.roll_back(height).unwrap();
                    self.in_flight.truncate(at);
                }
            }
            14 => self.time += self.random.below(9),
            _ => self.read_events(),
        }
        None
    }

    fn read_events(&mut self) {
        while let Some(event) = self.own.poll_event() {
            assert!(event.code.is_terminal(), "{event:?}");
            let open = self.open.entry(event.id).or_insert(0);
            *open -= 1;
            assert!(*open >= 0, "{event:?} ended what was not open");
        }
    }

    fn drain(&mut self) {
        self.time += 1_000_000;
        for _ in 0..40 {
            self.read_events();
            if let Some((height, _)) = self.in_flight.first().cloned() {
                self.own.acknowledge(height, NOW).unwrap();
                self.in_flight.remove(0);
            } else if let Ok(Some(slot)) =
                self.own
                    .take(NOW, UnixNs::new(self.time), WhenEmpty::NoSlot)
            {
                self.in_flight.push((slot.header.height, Vec::new()));
            } else {
                self.own.expire_unready();
            }
            self.own.verify().unwrap();
        }
        self.read_events();
        let left: Vec<_> = self.open.iter().filter(|(_, open)| **open != 0).collect();
        assert!(left.is_empty(), "{left:?} never ended");
        assert_eq!(
            (self.own.pool().len(), self.own.pool().bundle_count()),
            (0, 0)
        );
    }
}

fn common_id(submission: &Submission<'_>) -> TxId {
    let mut bytes = vec![0; submission.transaction.encoded_len()];
    let mut out = hauptbuch_core::codec::Writer::new(&mut bytes);
    submission.transaction.encode(&mut out).unwrap();
    hauptbuch_core::crypto::hash::transaction_id(&bytes)
}

//! Forced inputs and bundles beside order fairness: what logs drain stands between them, within
//! what the forced inputs leave, and everybody computes the same.

mod common;
#[path = "common/logs.rs"]
mod logs;

use std::collections::BTreeMap;

use hauptbuch_core::batch::{ForcedAudit, SlotReader};
use hauptbuch_core::config::{Config, MedianCommittee, Policy, ReplayProtection};
use hauptbuch_core::coordinator::TransactionCoordinator;
use hauptbuch_core::crypto::hash::transaction_id;
use hauptbuch_core::error::Code;
use hauptbuch_core::limits::Limits;
use hauptbuch_core::ordering::fair::stream::{DrainOutcome, Drained};
use hauptbuch_core::types::{
    Address, Envelope, Fee, ForcedOutcome, Gas, InboxEntry, InboxIndex, Nonce, RollupId,
    Submission, Tick, Transaction, TxId, UnixNs,
};
use logs::{Next, ROLLUPS, World, carry, config, limits, snapshot_of};

/// Limits with room for what comes from outside.
fn with_outside() -> Limits {
    Limits {
        forced_count_max: 8,
        forced_bytes_max: 2 * 1_024,
        bundle_count_max: 4,
        bundle_leg_count_max: 2,
        bundle_bytes_max: 2_048,
        journal_bytes_max: 0,
        ..limits()
    }
}

fn by(policy: Policy) -> Config {
    Config {
        policy,
        ..config(ReplayProtection::ByHost)
    }
}

/// A world with inboxes and bundles, and what became of everything.
struct Outside {
    world: World,
    inbox: Vec<InboxEntry>,
    audit: ForcedAudit,
    /// Next index of each rollup's inbox.
    indexes: [u64; 2],
    /// Next nonce of the senders that only force, and of those that only bundle.
    nonces: [u64; 2],
    ends: BTreeMap<TxId, Vec<Code>>,
    forced_seen: BTreeMap<u8, u32>,
    /// Transactions by segment, over all slots.
    counts: [u32; 3],
}

/// The sender of forced inputs that nobody else uses.
const FORCING: u8 = 100;
/// The sender of bundles' legs that nobody else uses.
const BUNDLING: u8 = 101;

impl Outside {
    fn new(seed: u64, policy: Policy) -> Self {
        let (config, limits) = (by(policy), with_outside());
        Self {
            audit: ForcedAudit::new(&config, &limits),
            world: World::with(seed, config, limits),
            inbox: Vec::new(),
            indexes: [0; 2],
            nonces: [0; 2],
            ends: BTreeMap::new(),
            forced_seen: BTreeMap::new(),
            counts: [0; 3],
        }
    }

    /// Somebody forces an input in: as a sender of its own, or with the next nonce of one whose
    /// transactions logs hold.
    fn force(&mut self) {
        let at = self.world.below(2) as usize;
        let rollup = ROLLUPS[at];
        let is_own = self.world.below(3) > 0;
        let (sender, nonce) = if is_own && at == 0 {
            let nonce = self.nonces[0];
            self.nonces[0] += 1;
            (FORCING, nonce)
        } else {
            let sender = self.world.below(5);
            let nonce = self.world.nonces.get(&(rollup, sender)).copied();
            (sender as u8 + 1, nonce.unwrap_or(0).saturating_sub(1))
        };
        let envelope = envelope(rollup, sender, nonce);
        let payload = [9, self.indexes[at] as u8];
        let transaction = Transaction {
            envelope,
            payload: &payload,
        };
        let (now, time) = (Tick::new(self.world.tick), self.world.stream.time());
        let deadline = time.saturating_add(20_000);
        let index = InboxIndex::new(self.indexes[at]);
        let submission = Submission {
            account_nonce: Some(Nonce::ZERO),
            ..Submission::from(transaction)
        };
        let forced = self
            .world
            .coordinator
            .submit_forced(&submission, index, deadline, now, time);
        if let Ok(id) = forced {
            self.indexes[at] += 1;
            self.inbox.push(InboxEntry {
                rollup,
                index,
                id,
                deadline,
                encoded_len: transaction.encoded_len() as u32,
                gas: envelope.gas,
            });
            self.inbox
                .sort_unstable_by_key(|entry| (entry.rollup, entry.index));
        }
    }

    /// Somebody wants two transactions in, on both rollups, or none.
    fn bundle(&mut self) {
        let nonce = self.nonces[1];
        let legs = ROLLUPS.map(|rollup| Submission {
            account_nonce: Some(Nonce::ZERO),
            ..Submission::from(Transaction {
                envelope: envelope(rollup, BUNDLING, nonce),
                payload: b"leg",
            })
        });
        let (now, time) = (Tick::new(self.world.tick), self.world.stream.time());
        let own = &mut self.world.coordinator;
        let admitted = own.submit_bundle(&legs, time.saturating_add(9_000), now, time);
        // A bundle that expired leaves its nonce to the next one.
        if admitted.is_ok() {
            self.nonces[1] += 1;
        }
    }

    /// One slot: logs, cut, state, slot, and the verifier and the audit behind it.
    fn slot(&mut self) {
        let world = &mut self.world;
        world.log();
        let Next {
            cut,
            drained,
            tick: now,
            time,
            state_root,
        } = world.decide_next();
        let own = &mut world.coordinator;
        let slot = own.take_drained(now, time, &cut, &drained).unwrap();
        let (bytes, height) = (slot.bytes.to_vec(), slot.header.height);
        own.verify().unwrap();
        if world.random.below(3) == 0 {
            own.roll_back(height).unwrap();
            own.verify().unwrap();
            carry(own, state_root);
            let again = own.take_drained(now, time, &cut, &drained).unwrap();
            assert!(again.bytes == bytes, "taken again");
        }
        world.follow(&bytes, height);
        self.audit.audit(&bytes, self.inbox.as_slice()).unwrap();
        let snapshot = snapshot_of(&world.coordinator);
        let restored =
            TransactionCoordinator::restore(&world.config, &world.limits, &snapshot).unwrap();
        restored.verify().unwrap();
        assert!(snapshot_of(&restored) == snapshot, "a restored snapshot");
        let now = Tick::new(world.tick);
        world.coordinator.acknowledge(height, now).unwrap();
        self.check_segments(&bytes, &drained);
        self.read_events();
    }

    /// The pool segment is what was drained, in its order, whatever stands beside it.
    fn check_segments(&mut self, slot: &[u8], drained: &[Drained]) {
        let mut reader = SlotReader::new(slot, &self.world.limits).unwrap();
        while let Some(sub_batch) = reader.next_sub_batch().unwrap() {
            let counts = sub_batch.header.counts;
            let ids: Vec<TxId> = sub_batch.all().map(|(it, _)| transaction_id(it)).collect();
            let (forced, rest) = ids.split_at(counts.forced as usize);
            let (pool, legs) = rest.split_at(counts.pool as usize);
            let included = drained.iter().filter(|one| {
                one.id.rollup == sub_batch.header.rollup && one.outcome == DrainOutcome::Included
            });
            assert!(included.map(|one| one.id.id).eq(pool.iter().copied()));
            for row in sub_batch.evidence.forced() {
                *self.forced_seen.entry(row.outcome as u8).or_default() += 1;
            }
            let segments = [forced.len(), pool.len(), legs.len()];
            for (sum, own) in self.counts.iter_mut().zip(segments) {
                *sum += own as u32;
            }
        }
    }

    fn read_events(&mut self) {
        while let Some(event) = self.world.coordinator.poll_event() {
            self.ends.entry(event.id).or_default().push(event.code);
        }
    }
}

fn envelope(rollup: RollupId, sender: u8, nonce: u64) -> Envelope {
    Envelope {
        rollup,
        sender: Address::new([sender; 20]),
        nonce: Nonce::new(nonce),
        fee: Fee::new(1),
        gas: Gas::new(3),
        expiry: UnixNs::NEVER,
        ..Envelope::default()
    }
}

fn runs(policy: Policy) {
    let (mut counts, mut forced, mut ended) = ([0; 3], BTreeMap::<u8, u32>::new(), 0);
    for seed in 0..8 {
        let mut run = Outside::new(500 + seed, policy);
        for _ in 0..24 {
            for _ in 0..run.world.below(7) {
                run.world.send(false);
            }
            for _ in 0..run.world.below(3) {
                run.force();
            }
            if run.world.below(2) == 0 {
                run.bundle();
            }
            run.slot();
        }
        for (id, codes) in &run.ends {
            assert_eq!(codes.len(), 1, "seed {seed}: {id} ends once, not {codes:?}");
        }
        // Every input of an inbox that a slot holds has ended, in the place that the inbox gives.
        let done: Vec<TxId> = run
            .inbox
            .iter()
            .filter(|entry| run.audit.next_index(entry.rollup) > Some(entry.index))
            .map(|entry| entry.id)
            .collect();
        assert!(
            done.iter().all(|id| run.ends.contains_key(id)),
            "seed {seed}"
        );
        ended += done.len();
        for (sum, own) in counts.iter_mut().zip(run.counts) {
            *sum += own;
        }
        for (outcome, count) in run.forced_seen {
            *forced.entry(outcome).or_default() += count;
        }
    }
    assert!(
        counts.iter().all(|count| *count > 60),
        "by segment: {counts:?}"
    );
    assert!(ended > 60, "{ended} forced inputs ended");
    let applied = forced.get(&(ForcedOutcome::Applied as u8)).copied();
    let shadowed = forced.get(&(ForcedOutcome::Superseded as u8)).copied();
    assert!(applied > Some(40) && shadowed > Some(5), "{forced:?}");
}

#[test]
fn what_logs_drain_stands_between_forced_inputs_and_bundles() {
    runs(config(ReplayProtection::ByHost).policy);
}

#[test]
fn so_it_does_under_median_timestamps() {
    runs(Policy::Median(MedianCommittee { member_count: 5 }));
}

/// More forced inputs leave less to what logs drain, and a verifier counts them too.
#[test]
fn forced_inputs_take_from_the_pool_segment() {
    let mut run = Outside::new(7, config(ReplayProtection::ByHost).policy);
    let free = run.world.coordinator.pool_room();
    for _ in 0..8 {
        run.force();
    }
    let left = run.world.coordinator.pool_room();
    assert!(
        left.count < free.count && left.gas < free.gas,
        "{free:?} {left:?}"
    );
    for _ in 0..40 {
        run.world.send(false);
    }
    for _ in 0..12 {
        run.slot();
    }
    assert!(run.counts[0] >= 4 && run.counts[1] > 8, "{:?}", run.counts);
}

//! Order fairness through the whole core: members' logs, cuts, the decided state, slots of exactly
//! what was drained, and a verifier that recomputes them.

mod common;
#[path = "common/counting.rs"]
mod counting;
#[path = "common/logs.rs"]
mod logs;

use std::collections::{BTreeMap, BTreeSet};

use hauptbuch_core::batch::{FairVerifier, VerifyError};
use hauptbuch_core::config::ReplayProtection;
use hauptbuch_core::coordinator::TransactionCoordinator;
use hauptbuch_core::error::Code;
use hauptbuch_core::ordering::fair::stream::{DrainOutcome, Drained};
use hauptbuch_core::receive_log::Cut;
use hauptbuch_core::snapshot::replay;
use hauptbuch_core::types::{Hash, Height, RollupId, Tick, TxId, UnixNs};
use logs::{
    BY_EXPIRY, NEXT_MEMBERSHIP, Next, ROLLUPS, World, admit, carry, config, extents, limits,
    snapshot_of,
};

/// A world, and what became of everything in it.
struct Run {
    world: World,
    /// Snapshot and journal from which a restart begins.
    snapshot: Vec<u8>,
    journal: Vec<u8>,
    /// What was decided, slot by slot.
    slots: Vec<Vec<u8>>,
    drained: Vec<Vec<Drained>>,
    cuts: Vec<Cut>,
    state_roots: Vec<Hash>,
    ends: BTreeMap<TxId, Code>,
}

impl Run {
    fn new(seed: u64, replay_protection: ReplayProtection) -> Self {
        Self {
            world: World::new(seed, replay_protection),
            snapshot: Vec::new(),
            journal: Vec::new(),
            slots: Vec::new(),
            drained: Vec::new(),
            cuts: Vec::new(),
            state_roots: Vec::new(),
            ends: BTreeMap::new(),
        }
    }

    /// Whether snapshot and journal together give the state, and so does a snapshot of it.
    fn check_restart(&mut self) {
        let own = &mut self.world.coordinator;
        own.verify().unwrap();
        let mut drained = vec![0; 1 << 16];
        let len = own.poll_journal(&mut drained);
        self.journal.extend_from_slice(&drained[..len]);
        let now = snapshot_of(own);
        let (config, limits) = (&self.world.config, &self.world.limits);
        let restored = TransactionCoordinator::restore(config, limits, &now).unwrap();
        restored.verify().unwrap();
        assert!(snapshot_of(&restored) == now, "a restored snapshot");
        let mut again = match self.snapshot.is_empty() {
            true => TransactionCoordinator::new(config, limits).unwrap(),
            false => TransactionCoordinator::restore(config, limits, &self.snapshot).unwrap(),
        };
        replay(&mut again, &self.journal).unwrap();
        assert!(snapshot_of(&again) == now, "a replayed journal");
    }

    fn checkpoint(&mut self) {
        self.check_restart();
        self.snapshot = vec![0; self.world.coordinator.snapshot_len()];
        let own = &mut self.world.coordinator;
        let len = own.checkpoint(&mut self.snapshot).unwrap();
        self.snapshot.truncate(len);
        self.journal.clear();
    }

    fn read_events(&mut self) {
        while let Some(event) = self.world.coordinator.poll_event() {
            let before = self.ends.insert(event.id, event.code);
            let again = &mut self.world.readmitted;
            let place = again
                .iter()
                .position(|id| before.is_some() && *id == event.id);
            let may_end = before.is_none() || place.map(|at| again.remove(at)).is_some();
            assert!(may_end, "{:?} ends twice", event.id);
        }
    }

    /// One slot: logs, cut, state, slot, and the verifier behind it.
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
        let waiting = own.pool().waiting_count() + own.event_count();
        let slot = own.take_drained(now, time, &cut, &drained).unwrap();
        let (bytes, height) = (slot.bytes.to_vec(), slot.header.height);
        // Giving it back changes nothing but that logs hold what was drained.
        if world.random.below(3) == 0 {
            assert_eq!(own.roll_back(height), Ok(1));
            for one in &drained {
                assert!(own.pool().find(one.id.id).is_none_or(|own| !own.is_taken));
            }
            // All wait again, but what expired meanwhile in no log.
            assert_eq!(own.pool().waiting_count() + own.event_count(), waiting);
            carry(own, state_root);
            let slot = own.take_drained(now, time, &cut, &drained).unwrap();
            assert!(slot.bytes == bytes, "taken again");
        }
        world.follow(&bytes, height);
        assert_eq!(world.verifier.slots().tip(), world.coordinator.tip());
        self.slots.push(bytes);
        self.drained.push(drained);
        self.cuts.push(cut);
        self.state_roots.push(state_root);
        if self.world.random.below(3) > 0 || height.get() % 3 == 0 {
            self.settle();
        }
        self.check_restart();
        if self.world.random.below(6) == 0 {
            self.checkpoint();
        }
    }

    fn settle(&mut self) {
        let own = &mut self.world.coordinator;
        let now = Tick::new(self.world.tick);
        while own.slot(own.acknowledged_height().next()).is_some() {
            let next = own.acknowledged_height().next();
            own.acknowledge(next, now).unwrap();
        }
        self.read_events();
    }

    fn run(&mut self, slots: u64, expires: bool) {
        for _ in 0..slots {
            for _ in 0..self.world.below(9) {
                self.world.send(expires);
            }
            self.slot();
        }
        self.settle();
    }
}

const fn code_of(outcome: DrainOutcome) -> Code {
    match outcome {
        DrainOutcome::Included => Code::Included,
        DrainOutcome::Expired => Code::Expired,
        DrainOutcome::Superseded | DrainOutcome::Duplicate => Code::Superseded,
        _ => Code::Evicted,
    }
}

#[test]
fn slots_hold_exactly_what_logs_drain_through_restarts_and_rollbacks() {
    let (mut included, mut no_ops) = (0, BTreeMap::<u16, u32>::new());
    for seed in 0..12 {
        let replay = [BY_EXPIRY, ReplayProtection::ByHost][seed as usize % 2];
        let mut run = Run::new(seed, replay);
        run.run(24, seed % 3 != 0);
        let mut drained = BTreeSet::new();
        for one in run.drained.iter().flatten() {
            let end = run.ends.get(&one.id.id).copied();
            assert_eq!(end, Some(code_of(one.outcome)), "seed {seed} {one:?}");
            assert!(drained.insert(one.id), "seed {seed}: drained twice");
            match one.outcome {
                DrainOutcome::Included => included += 1,
                outcome => *no_ops.entry(code_of(outcome).number()).or_default() += 1,
            }
        }
        // What was not drained waits, or expired without a log.
        for (id, code) in &run.ends {
            let is_drained = drained.iter().any(|own| own.id == *id);
            assert!(
                is_drained || *code == Code::Expired,
                "seed {seed}: {code:?}"
            );
        }
        let own = &run.world.coordinator;
        let admitted = run.world.library.facts.len();
        let again = run.world.readmitted.iter();
        let again = again.filter(|id| run.ends.contains_key(*id)).count();
        assert_eq!(
            own.pool().len() + run.ends.len(),
            admitted + again,
            "seed {seed}"
        );
    }
    assert!(included > 500, "{included} included");
    let expired = no_ops.get(&Code::Expired.number()).copied();
    assert!(expired.unwrap_or(0) > 5, "no-ops: {no_ops:?}");
}

/// A verifier that has followed a run up to before its last slot.
fn verifier_before_last(run: &Run) -> (FairVerifier, hauptbuch_core::receive_log::Extents) {
    let world = &run.world;
    let mut verifier = FairVerifier::new(&world.config, &world.limits).unwrap();
    let boundary = TransactionCoordinator::new(&world.config, &world.limits).unwrap();
    let mut followed = extents(&boundary.tip().hash);
    let each = world.members.len();
    let (last, before) = run.slots.split_last().unwrap();
    for (slot, extensions) in before.iter().zip(world.extensions.chunks(each)) {
        extensions
            .iter()
            .for_each(|bytes| admit(&mut followed, bytes));
        let verified = verifier.verify(slot, &mut followed, &world.library);
        verified.unwrap();
    }
    let extensions = world.extensions.chunks(each).nth(before.len());
    let extensions = extensions.unwrap().iter();
    extensions.for_each(|bytes| admit(&mut followed, bytes));
    assert!(!last.is_empty());
    (verifier, followed)
}

/// A run whose last slot includes several transactions of one rollup, and has a no-op.
fn run_with_a_rich_last_slot() -> (Run, Vec<u8>) {
    for seed in 0..400 {
        let mut run = Run::new(1_000 + seed, BY_EXPIRY);
        for _ in 0..14 {
            for _ in 0..8 {
                run.world.send(true);
            }
            let before = {
                run.settle();
                snapshot_of(&run.world.coordinator)
            };
            run.slot();
            let drained = run.drained.last().unwrap();
            let included = |rollup: RollupId| {
                let own = drained.iter().filter(move |one| one.id.rollup == rollup);
                own.filter(|one| one.outcome == DrainOutcome::Included)
                    .count()
            };
            let has_no_op = drained
                .iter()
                .any(|one| one.outcome != DrainOutcome::Included);
            if has_no_op && ROLLUPS.iter().any(|rollup| included(*rollup) >= 3) {
                return (run, before);
            }
        }
    }
    unreachable!("some seed gives such a slot")
}

#[test]
fn every_flipped_byte_is_refused() {
    let (run, _) = run_with_a_rich_last_slot();
    let last = run.slots.last().unwrap();
    let (mut verifier, mut followed) = verifier_before_last(&run);
    let mut spent = 0;
    for at in 0..last.len() {
        let mut damaged = last.clone();
        damaged[at] ^= 1 << (at % 8);
        if NEXT_MEMBERSHIP.contains(&at) {
            continue;
        }
        let refused = verifier.verify(&damaged, &mut followed, &run.world.library);
        let code = refused.unwrap_err().code;
        if [Code::WrongAgreedTime, Code::WrongStateRoot].contains(&code) {
            let again = verifier.verify(last, &mut followed, &run.world.library);
            assert_eq!(again.unwrap_err().code, Code::VerifierSpent, "byte {at}");
            spent += 1;
            (verifier, followed) = verifier_before_last(&run);
        }
    }
    // All other refusals left it where it was.
    let verified = verifier.verify(last, &mut followed, &run.world.library);
    assert!(verified.is_ok(), "{verified:?}");
    assert!(
        spent > 32,
        "only agreed time and state root stand alone in a slot"
    );
}

/// Slots that are whole in themselves, and are not what the logs give.
#[test]
fn every_consistent_edit_is_refused_by_its_code() {
    let (run, before) = run_with_a_rich_last_slot();
    let world = &run.world;
    let (drained, cut) = (run.drained.last().unwrap(), run.cuts.last().unwrap());
    let time = world.stream.time();
    let state_root = *run.state_roots.last().unwrap();
    let refusal_with = |drained: &[Drained], time: UnixNs, cut: &Cut, state_root: Hash| -> Code {
        let restored = TransactionCoordinator::restore(&world.config, &world.limits, &before);
        let mut own = restored.unwrap();
        carry(&mut own, state_root);
        let slot = own.take_drained(Tick::new(world.tick), time, cut, drained);
        let bytes = slot.unwrap().bytes.to_vec();
        let (mut verifier, mut followed) = verifier_before_last(&run);
        let verified = verifier.verify(&bytes, &mut followed, &world.library);
        verified.map_or_else(|error: VerifyError| error.code, |_| Code::Ok)
    };
    let refusal =
        |drained: &[Drained], time: UnixNs, cut: &Cut| refusal_with(drained, time, cut, state_root);
    assert_eq!(refusal(drained, time, cut), Code::Ok);
    let other = refusal_with(drained, time, cut, Hash::new([1; 32]));
    assert_eq!(other, Code::WrongStateRoot);
    let included: Vec<usize> = (0..drained.len())
        .filter(|at| drained[*at].outcome == DrainOutcome::Included)
        .collect();
    let same_rollup = |pair: &&[usize]| {
        let [a, b] = [&drained[pair[0]], &drained[pair[1]]];
        let sender = |one: &Drained| world.library.facts[&one.id].sender;
        a.id.rollup == b.id.rollup && sender(a) != sender(b)
    };
    let pair = included.windows(2).find(same_rollup).unwrap();
    let mut swapped = drained.clone();
    swapped.swap(pair[0], pair[1]);
    assert_eq!(refusal(&swapped, time, cut), Code::WrongDrained);
    let mut shorter = drained.clone();
    shorter.remove(*included.last().unwrap());
    assert_eq!(refusal(&shorter, time, cut), Code::WrongDrained);
    let no_op = drained
        .iter()
        .position(|one| one.outcome != DrainOutcome::Included)
        .unwrap();
    let mut forgotten = drained.clone();
    forgotten.remove(no_op);
    assert_eq!(refusal(&forgotten, time, cut), Code::WrongNoOp);
    let mut renamed = drained.clone();
    renamed[no_op].outcome = match drained[no_op].outcome {
        DrainOutcome::Gap => DrainOutcome::Unfit,
        _ => DrainOutcome::Gap,
    };
    assert_eq!(refusal(&renamed, time, cut), Code::WrongNoOp);
    let mut longer = drained.clone();
    longer[no_op].id.body_bytes += 1;
    assert_eq!(refusal(&longer, time, cut), Code::WrongNoOp);
    let mut dropped = drained.clone();
    dropped[included[0]].outcome = DrainOutcome::Expired;
    assert_eq!(refusal(&dropped, time, cut), Code::WrongDrained);
    let earlier = UnixNs::new(time.get() - 1);
    assert_eq!(refusal(drained, earlier, cut), Code::WrongAgreedTime);
    let mut other = cut.clone();
    other.points_mut()[0].running = Hash::new([9; 32]);
    assert!(matches!(
        refusal(drained, time, &other),
        Code::CutNotHeld | Code::NotDescended
    ));
}

#[test]
fn nothing_allocates_and_footprints_are_exact() {
    let (fair, limits) = (config(BY_EXPIRY), limits());
    let before = counting::held_bytes();
    let verifier = FairVerifier::new(&fair, &limits).unwrap();
    let held = counting::held_bytes() - before;
    let told = FairVerifier::footprint_bytes(&fair, &limits).unwrap();
    assert_eq!(u64::try_from(held).unwrap(), told);
    drop(verifier);
    let before = counting::held_bytes();
    let coordinator = TransactionCoordinator::new(&fair, &limits).unwrap();
    let held = counting::held_bytes() - before;
    assert_eq!(u64::try_from(held).unwrap(), limits.footprint().bytes());
    drop(coordinator);

    let (run, before) = run_with_a_rich_last_slot();
    let world = &run.world;
    let restored = TransactionCoordinator::restore(&world.config, &world.limits, &before);
    let mut own = restored.unwrap();
    let (mut verifier, mut followed) = verifier_before_last(&run);
    let (drained, cut) = (run.drained.last().unwrap(), run.cuts.last().unwrap());
    let (now, time) = (Tick::new(world.tick), world.stream.time());
    let state_root = *run.state_roots.last().unwrap();
    let mut snapshot = vec![0; 1 << 20];
    counting::without_calls(|| {
        carry(&mut own, state_root);
        let slot = own.take_drained(now, time, cut, drained).unwrap();
        let verified = verifier.verify(slot.bytes, &mut followed, &world.library);
        assert_eq!(verified.unwrap().hash, slot.hash);
        let height = slot.header.height;
        own.snapshot(&mut snapshot).unwrap();
        own.roll_back(height).unwrap();
        carry(&mut own, state_root);
        own.take_drained(now, time, cut, drained).unwrap();
        own.acknowledge(height, now).unwrap();
        while own.poll_event().is_some() {}
    });
    assert_eq!(
        own.acknowledged_height(),
        Height::new(run.slots.len() as u64)
    );
}

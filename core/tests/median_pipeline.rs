//! Median timestamps through the whole core: members' logs, cuts, the decided state, slots of
//! exactly what was drained, and a verifier that recomputes them.

mod common;
#[path = "common/counting.rs"]
mod counting;
#[path = "common/logs.rs"]
mod logs;

use hauptbuch_core::batch::{FairVerifier, VerifyError};
use hauptbuch_core::config::{Config, MedianCommittee, Policy};
use hauptbuch_core::coordinator::TransactionCoordinator;
use hauptbuch_core::error::Code;
use hauptbuch_core::ordering::FairSetup;
use hauptbuch_core::ordering::fair::stream::{DrainOutcome, Drained, FairStream};
use hauptbuch_core::receive_log::{Cut, Extents};
use hauptbuch_core::types::{Hash, Tick, UnixNs};
use logs::{
    BY_EXPIRY, NEXT_MEMBERSHIP, Next, World, admit, carry, config, extents, limits, snapshot_of,
};

fn by_median() -> Config {
    Config {
        policy: Policy::Median(MedianCommittee::FIVE),
        ..config(BY_EXPIRY)
    }
}

/// One slot that was decided, taken, verified and acknowledged.
struct Decided {
    bytes: Vec<u8>,
    drained: Vec<Drained>,
    cut: Cut,
    time: UnixNs,
    state_root: Hash,
    /// The coordinator before it, once its logs were written.
    before: Vec<u8>,
}

fn slot(world: &mut World) -> Decided {
    world.log();
    let before = snapshot_of(&world.coordinator);
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
    world.follow(&bytes, height);
    assert_eq!(
        world.verifier.stream().drained(),
        world.stream.drained(),
        "the verifier's state is the member's"
    );
    world.coordinator.acknowledge(height, now).unwrap();
    while world.coordinator.poll_event().is_some() {}
    let mut journal = vec![0; 1 << 16];
    world.coordinator.poll_journal(&mut journal);
    Decided {
        bytes,
        drained,
        cut,
        time,
        state_root,
        before,
    }
}

fn run(seed: u64, slots: u64, expires: bool) -> (World, Vec<Decided>) {
    let mut world = World::of(seed, by_median());
    let mut decided = Vec::new();
    for _ in 0..slots {
        for _ in 0..world.below(9) {
            world.send(expires);
        }
        decided.push(slot(&mut world));
    }
    (world, decided)
}

fn included(drained: &[Drained]) -> usize {
    let outcomes = drained.iter().map(|one| one.outcome);
    outcomes
        .filter(|one| *one == DrainOutcome::Included)
        .count()
}

#[test]
fn slots_hold_exactly_what_the_logs_drain() {
    let (mut all, mut no_ops) = (0, 0);
    for seed in 0..8 {
        let (world, decided) = run(seed, 30, seed % 2 == 0);
        let own: usize = decided.iter().map(|slot| included(&slot.drained)).sum();
        let drained: usize = decided.iter().map(|slot| slot.drained.len()).sum();
        assert_eq!(
            world.verifier.slots().tip().hash,
            world.coordinator.tip().hash
        );
        all += own;
        no_ops += drained - own;
    }
    assert!(all > 400, "{all} included");
    assert!(no_ops > 0, "nothing expired in a queue");
}

/// A verifier that has followed a run up to before one of its slots.
fn verifier_before(world: &World, decided: &[Decided], at: usize) -> (FairVerifier, Extents) {
    let mut verifier = FairVerifier::new(&world.config, &world.limits).unwrap();
    let start = TransactionCoordinator::new(&world.config, &world.limits).unwrap();
    let mut followed = extents(&start.tip().hash);
    let mut extensions = world.extensions.chunks(world.members.len());
    for slot in &decided[..at] {
        let own = extensions.next().unwrap();
        own.iter().for_each(|bytes| admit(&mut followed, bytes));
        let verified = verifier.verify(&slot.bytes, &mut followed, &world.library);
        verified.unwrap();
    }
    let own = extensions.next().unwrap();
    own.iter().for_each(|bytes| admit(&mut followed, bytes));
    (verifier, followed)
}

#[test]
fn every_consistent_edit_is_refused_by_its_code() {
    let (world, decided) = run(3, 30, false);
    let of_two_senders = |drained: &[Drained]| {
        let sender = |one: &Drained| world.library.facts[&one.id].sender;
        let pairs = drained.windows(2);
        let mut pairs = pairs.map(|pair| {
            pair[0].id.rollup == pair[1].id.rollup
                && sender(&pair[0]) != sender(&pair[1])
                && included(pair) == 2
        });
        pairs.position(|fits| fits)
    };
    let mut tried = 0;
    for (at, slot) in decided.iter().enumerate() {
        let Some(pair) = of_two_senders(&slot.drained) else {
            continue;
        };
        let refusal = |drained: &[Drained], time: UnixNs| -> Code {
            let own = TransactionCoordinator::restore(&world.config, &world.limits, &slot.before);
            let mut own = own.unwrap();
            carry(&mut own, slot.state_root);
            let taken = own.take_drained(Tick::new(world.tick), time, &slot.cut, drained);
            let bytes = taken.unwrap().bytes.to_vec();
            let (mut verifier, mut followed) = verifier_before(&world, &decided, at);
            let verified = verifier.verify(&bytes, &mut followed, &world.library);
            verified.map_or_else(|error: VerifyError| error.code, |_| Code::Ok)
        };
        assert_eq!(refusal(&slot.drained, slot.time), Code::Ok);
        let mut swapped = slot.drained.clone();
        swapped.swap(pair, pair + 1);
        assert_eq!(refusal(&swapped, slot.time), Code::WrongDrained);
        let mut dropped = slot.drained.clone();
        dropped[pair + 1].outcome = DrainOutcome::Expired;
        assert_eq!(refusal(&dropped, slot.time), Code::WrongDrained);
        let later = UnixNs::new(slot.time.get() + 1);
        assert_eq!(refusal(&slot.drained, later), Code::WrongAgreedTime);
        tried += 1;
    }
    assert!(tried > 2, "{tried} slots to edit");
}

#[test]
fn a_flipped_byte_is_refused() {
    let (world, decided) = run(5, 12, false);
    let at = (0..decided.len())
        .max_by_key(|at| decided[*at].drained.len())
        .unwrap();
    let bytes = &decided[at].bytes;
    let (mut verifier, mut followed) = verifier_before(&world, &decided, at);
    for place in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[place] ^= 1 << (place % 8);
        if NEXT_MEMBERSHIP.contains(&place) {
            continue;
        }
        let refused = verifier.verify(&damaged, &mut followed, &world.library);
        let code = refused.unwrap_err().code;
        if [Code::WrongAgreedTime, Code::WrongStateRoot].contains(&code) {
            (verifier, followed) = verifier_before(&world, &decided, at);
        }
    }
    let verified = verifier.verify(bytes, &mut followed, &world.library);
    assert!(verified.is_ok(), "{verified:?}");
}

#[test]
fn nothing_allocates_and_footprints_are_exact() {
    let (own, limits) = (by_median(), limits());
    let before = counting::held_bytes();
    let verifier = FairVerifier::new(&own, &limits).unwrap();
    let held = counting::held_bytes() - before;
    let told = FairVerifier::footprint_bytes(&own, &limits).unwrap();
    assert_eq!(u64::try_from(held).unwrap(), told);
    drop(verifier);
    let setup = FairSetup::of(&own, &limits).unwrap();
    let before = counting::held_bytes();
    let twin = setup.twin().unwrap();
    let held = counting::held_bytes() - before;
    assert_eq!(u64::try_from(held).unwrap(), setup.twin_footprint_bytes());
    drop(twin);
    let before = counting::held_bytes();
    let stream = setup.stream([1, 2]).unwrap();
    let held = counting::held_bytes() - before;
    let told = FairStream::footprint_bytes(setup.parameters, &setup.limits, &setup.parts);
    assert_eq!(u64::try_from(held).unwrap(), told);
    drop(stream);

    let (world, decided) = run(7, 20, false);
    let at = decided.len() - 1;
    let (mut verifier, mut followed) = verifier_before(&world, &decided, at);
    let before = counting::calls();
    let verified = verifier.verify(&decided[at].bytes, &mut followed, &world.library);
    assert_eq!(counting::calls(), before, "the allocator was called");
    assert!(verified.is_ok());
}

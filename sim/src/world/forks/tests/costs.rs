//! What a proposer that has crashed costs, in simulated time: the first time, and from then on.

use super::super::stage::World;
use super::ForkSettings;
use crate::world::plan::MS;

/// Links of one millisecond and writes of two; nothing is lost.
fn world(sequencers: u16) -> World {
    let mut world = World::new(&ForkSettings::new(sequencers, &[], 400), 21);
    world.script = Some(|_, _, _| true);
    world.begin();
    world
}

fn height(world: &World) -> u64 {
    let counts = world.correct().filter(|host| host.engine.is_some());
    counts
        .map(|host| host.disk.decided.len() as u64)
        .min()
        .unwrap_or(0)
}

/// How long the next height takes the members that are there, in nanoseconds.
fn next_ns(world: &mut World) -> u64 {
    let (from_ns, wanted) = (world.now_ns, height(world) + 1);
    assert!(world.run_until(60_000 * MS, |world| height(world) >= wanted));
    world.now_ns - from_ns
}

/// Whose turn it is in round 0 of the next height.
fn turn(world: &World) -> u16 {
    let host = world.correct().find(|host| host.engine.is_some()).unwrap();
    let engine = host.engine.as_ref().unwrap();
    let next = hauptbuch_core::types::Height::new(height(world) + 1);
    engine
        .proposer(next, hauptbuch_core::types::Round::ZERO)
        .get()
}

/// Nanoseconds that the turns of a crashed member take beyond those of others: its first one, and
/// the longest of eight later ones.
fn cost_ns(sequencers: u16) -> (u64, u64) {
    let mut world = world(sequencers);
    let plain_ns = (0..20).map(|_| next_ns(&mut world)).max().unwrap();
    let gone = sequencers - 1;
    while turn(&world) != gone {
        next_ns(&mut world);
    }
    world.stop_now(gone, false);
    let first_ns = next_ns(&mut world).saturating_sub(plain_ns);
    let mut later_ns = 0;
    for _ in 0..8 {
        while turn(&world) != gone {
            next_ns(&mut world);
        }
        later_ns = later_ns.max(next_ns(&mut world).saturating_sub(plain_ns));
    }
    println!(
        "{sequencers} members: a height {} ms; a crashed proposer {} ms, then {} ms",
        plain_ns / MS,
        first_ns / MS,
        later_ns / MS
    );
    (first_ns, later_ns)
}

#[test]
fn a_crashed_proposer_costs_less_than_a_second_once_and_little_after() {
    for sequencers in [4, 5, 7] {
        let (first_ns, later_ns) = cost_ns(sequencers);
        assert!((300 * MS..1_000 * MS).contains(&first_ns), "{first_ns}");
        assert!(later_ns < 50 * MS, "{later_ns}");
    }
}

//! Worlds from seeds.

use hauptbuch_sim::fair_world::{Verdict, World, WorldConfig};

use crate::model::Model;
use crate::model::member::PlainMember;

fn run(seed: u64) -> (WorldConfig, Verdict, u64) {
    let config = WorldConfig::from_seed(seed);
    let rules = config.rules.clone();
    let mut world = World::new(config.clone(), Model::new(&rules), |me| {
        PlainMember::new(me, Model::new(&rules))
    });
    let mut slots = 0;
    while world.is_busy() || !world.waiting().is_empty() {
        world.step();
        slots += 1;
        if slots > 400 {
            eprintln!("seed {seed} waiting {:?}", world.waiting());
            for n in world.waiting().iter().take(4) { eprintln!("  {:?} logged {:?} book {:?}", n, world.chronicle().logged_slot(*n), world.book()[*n as usize]); }
            eprintln!("{:?}", world.image());
            break;
        }
    }
    assert_eq!(world.honest_refused_count(), 0);
    (config, world.chronicle().judge(world.book()), slots)
}

#[test]
fn probe() {
    let seeds: u64 = std::env::var("FAIR_SEEDS").ok().and_then(|v| v.parse().ok()).unwrap_or(50);
    let mut worst = std::collections::BTreeMap::new();
    for seed in 0..seeds {
        let r = std::panic::catch_unwind(|| run(seed));
        let Ok((config, verdict, slots)) = r else { println!("seed {seed} PANIC"); continue };
        if !verdict.violations.is_empty() || !verdict.edges_against.is_empty() || slots > 400 || verdict.worst_wait_slots > 14 {
            println!("seed {seed} n {} {:?} {:?} delay {} slot {:?} slots {slots} viol {:?} against {:?} wait {} bound {} cyc {} drained {}", config.rules.parameters.n(), config.attack, config.clients, config.delay_ticks_max,
              config.rules.rollups[0].slot.count, verdict.violations.len(), verdict.edges_against.len(), verdict.worst_wait_slots, verdict.bound_pairs, verdict.reversed_in_cycles, verdict.drained_count);
        }
        let w = worst.entry((config.attack, config.delay_ticks_max)).or_insert((0, 0, 0));
        w.0 = w.0.max(verdict.worst_wait_slots); w.1 += verdict.bound_pairs; w.2 += verdict.drained_count;
    }
    println!("{worst:#?}");
}

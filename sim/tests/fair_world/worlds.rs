//! Worlds from seeds: the library's members sign, and after every slot the plain model, the library's
//! state and its twin agree.

use std::collections::BTreeMap;

use hauptbuch_core::ordering::fair::Rank;
use hauptbuch_core::ordering::fair::stream::StreamTwin;
use hauptbuch_sim::fair_world::shipped::{Library, ShippedMember, ShippedState, fair_limits};
use hauptbuch_sim::fair_world::{
    Attack, Book, Clients, Cut, Decided, Image, Outcome, Refusal, Rules, Verdict, World, WorldConfig,
};

use crate::model::Model;

/// The model, the library's state and its twin, which must agree.
#[derive(Debug)]
pub struct All {
    pub model: Model,
    pub shipped: ShippedState,
    twin: StreamTwin,
}

impl All {
    pub fn new(rules: &Rules) -> Self {
        let (limits, parts) = fair_limits(rules);
        Self {
            model: Model::new(rules),
            shipped: ShippedState::new(rules),
            twin: StreamTwin::new(rules.parameters, &limits, &parts, Rank::Copeland).unwrap(),
        }
    }
}

impl Decided for All {
    fn check(&mut self, book: &Book, cut: &Cut) -> Result<(), Refusal> {
        let checked = self.model.check(book, cut);
        assert_eq!(self.shipped.check(book, cut), checked, "a cut is refused by one only");
        checked
    }

    fn apply(&mut self, book: &Book, cut: &Cut) -> Outcome {
        let core_cut = self.shipped.cut(book, cut);
        let slots = self.shipped.slots();
        let outcome = self.shipped.apply(book, cut);
        assert_eq!(outcome, self.model.apply(book, cut), "what follows differs from the model");
        self.shipped.stream.verify().unwrap();
        core_cut.with(|cut| self.twin.apply(cut, &slots, &Library(book))).unwrap();
        self.twin.compare(&self.shipped.stream).unwrap();
        outcome
    }

    fn image(&self, book: &Book) -> Image {
        let image = self.shipped.image(book);
        assert_eq!(image, self.model.image(book), "the state differs from the model");
        image
    }
}

fn run(seed: u64) -> (WorldConfig, Verdict, u64) {
    let config = WorldConfig::from_seed(seed);
    let rules = config.rules.clone();
    let mut world = World::new(config.clone(), All::new(&rules), |me| ShippedMember::new(&rules, me));
    let mut slots = 0;
    while world.is_busy() || !world.waiting().is_empty() {
        world.step();
        slots += 1;
        if slots > 400 {
            eprintln!("seed {seed} waiting {:?}", world.waiting());
            for n in world.waiting().iter().take(4) {
                eprintln!(
                    "  {:?} logged {:?} book {:?}",
                    n,
                    world.chronicle().logged_slot(*n),
                    world.book()[*n as usize]
                );
            }
            eprintln!("{:?}", world.image());
            break;
        }
    }
    assert_eq!(world.honest_refused_count(), 0);
    (config, world.chronicle().judge(world.book()), slots)
}

#[test]
fn probe() {
    let seeds: u64 = std::env::var("FAIR_SEEDS")
        .ok()
        .and_then(|v| v.parse().ok())
        .unwrap_or(50);
    let mut worst = std::collections::BTreeMap::new();
    for seed in 0..seeds {
        let r = std::panic::catch_unwind(|| run(seed));
        let Ok((config, verdict, slots)) = r else {
            println!("seed {seed} PANIC");
            continue;
        };
        if !verdict.violations.is_empty()
            || !verdict.orphans.is_empty()
            || !verdict.edges_against.is_empty()
            || slots > 400
            || verdict.worst_wait_slots > u64::from(9 + rules_live(&config))
        {
            println!(
                "seed {seed} n {} {:?} {:?} delay {} slot {:?} slots {slots} viol {:?} orphans {:?} against {:?} wait {} bound {} cyc {} drained {}",
                config.rules.parameters.n(),
                config.attack,
                config.clients,
                config.delay_ticks_max,
                config.rules.rollups[0].slot.count,
                verdict.violations.len(),
                verdict.orphans.len(),
                verdict.edges_against.len(),
                verdict.worst_wait_slots,
                verdict.bound_pairs,
                verdict.reversed_in_cycles,
                verdict.drained_count
            );
        }
        let w = worst
            .entry((config.attack, config.delay_ticks_max))
            .or_insert((0, 0, 0));
        w.0 = w.0.max(verdict.worst_wait_slots);
        w.1 += verdict.bound_pairs;
        w.2 += verdict.drained_count;
    }
    println!("{worst:#?}");
}

#[test]
#[ignore]
fn explain() {
    let seed: u64 = std::env::var("SEED").unwrap().parse().unwrap();
    let config = WorldConfig::from_seed(seed);
    let rules = config.rules.clone();
    let mut world = World::new(config.clone(), All::new(&rules), |me| ShippedMember::new(&rules, me));
    let mut steps = vec![];
    while world.is_busy() || !world.waiting().is_empty() {
        let s = world.step();
        steps.push((s, world.image().clone()));
    }
    let v = world.chronicle().judge(world.book());
    println!(
        "params {:?} honest {:?}",
        rules.parameters,
        (0..rules.parameters.n())
            .map(|m| world.is_honest(m))
            .collect::<Vec<_>>()
    );
    println!("orphans {:?}", v.orphans);
    let (a, b) = v
        .violations
        .first()
        .copied()
        .unwrap_or_else(|| (v.orphans[0], v.orphans[1]));
    println!("{:?}", v.violations);
    println!(
        "{a} {:?}\n{b} {:?}",
        world.book()[a as usize],
        world.book()[b as usize]
    );
    for (s, image) in &steps {
        let mut show = false;
        for (m, e) in s.cut.iter().enumerate() {
            for e in e {
                if e.kind == hauptbuch_sim::fair_world::Kind::Id(a)
                    || e.kind == hauptbuch_sim::fair_world::Kind::Id(b)
                {
                    println!("slot {} cut member {m} {e:?}", s.outcome.slot);
                    show = true;
                }
            }
        }
        for d in &s.outcome.drained {
            if d.0 == a || d.0 == b {
                println!("slot {} drained {d:?}", s.outcome.slot);
                show = true;
            }
        }
        for d in &s.outcome.lapsed {
            if *d == a || *d == b {
                println!("slot {} lapsed {d:?}", s.outcome.slot);
            }
        }
        if show {
            println!(
                "slot {}: counted {:?}\n    graphs {:?} queue {:?} drained {:?}",
                s.outcome.slot, image.counted, image.graphs, image.queues, s.outcome.drained
            );
        }
    }
}

fn rules_live(c: &WorldConfig) -> u32 {
    let r = &c.rules;
    r.parameters.n() * r.first_hand_count_max / r.rollups[0].slot.count
}

//! Worlds from seeds: the library's members sign, and after every slot the plain model, the
//! library's state and its twin agree.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use hauptbuch_core::ordering::fair::Rank;
use hauptbuch_core::ordering::fair::stream::{NextEpoch, StreamTwin};
use hauptbuch_core::types::Height;
use hauptbuch_sim::fair_world::shipped::{Library, ShippedMember, ShippedState, fair_limits};
use hauptbuch_sim::fair_world::{
    Attack, Book, Cut, Decided, Image, Member, Next, Outcome, Refusal, RollupRules, Rules, World,
    WorldConfig,
};

use crate::model::Model;
use crate::model::member::PlainMember;

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
        assert_eq!(
            self.shipped.check(book, cut),
            checked,
            "a cut is refused by one only"
        );
        checked
    }

    fn apply(&mut self, book: &Book, cut: &Cut) -> Outcome {
        let core_cut = self.shipped.cut(book, cut);
        let slots = self.shipped.slots();
        let outcome = self.shipped.apply(book, cut);
        assert_eq!(
            outcome,
            self.model.apply(book, cut),
            "what follows differs from the model"
        );
        self.shipped.stream.verify().unwrap();
        core_cut
            .with(|cut| self.twin.apply(cut, &slots, &Library(book)))
            .unwrap();
        self.twin.compare(&self.shipped.stream).unwrap();
        outcome
    }

    fn close_at(&mut self, slot: u64) {
        self.model.close_at(slot);
        self.shipped.close_at(slot);
        self.twin.close_at(Height::new(slot)).unwrap();
    }

    fn epoch_end(&self) -> Option<bool> {
        let end = self.shipped.epoch_end();
        assert_eq!(end, self.model.epoch_end(), "the epoch ended for one only");
        end
    }

    fn begin_epoch(&mut self, next: &Next) {
        self.model.begin_epoch(next);
        self.shipped.begin_epoch(next);
        self.shipped.stream.verify().unwrap();
        let next = NextEpoch {
            parameters: next.parameters,
            seats: &next.seats,
        };
        self.twin.begin_epoch(&next).unwrap();
        self.twin.compare(&self.shipped.stream).unwrap();
    }

    fn image(&self, book: &Book) -> Image {
        let image = self.shipped.image(book);
        assert_eq!(
            image,
            self.model.image(book),
            "the state differs from the model"
        );
        image
    }
}

/// What the worlds of one attack came to.
#[derive(Debug, Default)]
struct Worst {
    /// By how many transactions a rollup's slot holds: the longest wait from the first entry in an
    /// honest log to draining, in slots.
    wait_slots: BTreeMap<u32, u64>,
    graphs_in_line: usize,
    live: usize,
    bound_pairs: u64,
    reversed_in_cycles: u64,
    drained: u64,
    /// Epochs that ended before their bound and at it.
    epochs: u64,
    epochs_at_bound: u64,
    /// The most slots from a closing slot to the end of its epoch, by the longest delay of a link
    /// in slots.
    closing_slots: BTreeMap<u64, u64>,
    reversed_across_epochs: u64,
}

/// By when everything is drained that all honest members received: what the rules were seen to
/// take under every attack, and the time that a full house takes to leave through narrow slots.
fn wait_slots_max(rules: &Rules) -> u64 {
    let n = rules.parameters.n();
    let budgets = n.max(rules.member_count_max) + rules.leaver_count_max;
    let full_house =
        |own: &RollupRules| (budgets * own.first_hand_count_max).div_ceil(own.slot.count);
    let slowest = rules.rollups.iter().map(full_house).max();
    9 + u64::from(slowest.unwrap_or(0))
}

/// How many slots a world may take to drain once its clients are silent: what is in line behind
/// budgets, and a flood that goes on, are not bounded by the rules.
const QUIET_SLOTS_MAX: u64 = 600;

fn check_slot<M: Member>(world: &World<All, M>, worst: &mut Worst) {
    let (rules, image) = (world.decided().model.rules.clone(), world.image());
    let live_max = rules.live_ids_max();
    assert!(
        image.live.len() <= live_max as usize,
        "more live ids than budgets allow"
    );
    for line in &image.graphs {
        assert!(line.len() <= 3, "{} graphs in line", line.len());
        worst.graphs_in_line = worst.graphs_in_line.max(line.len());
    }
    for number in image.graphs.iter().flatten().flat_map(|graph| &graph.kept) {
        assert!(
            world.is_held(*number),
            "nobody honest holds the body of {number} in a graph"
        );
    }
    worst.live = worst.live.max(image.live.len());
}

fn run<M: Member>(seed: u64, config: &WorldConfig, member: impl Fn(u32) -> M, worst: &mut Worst) {
    let rules = &config.rules;
    let mut world = World::new(config.clone(), All::new(rules), member);
    let mut slots = 0;
    let changes = !config.changes.is_empty();
    let waiting = |world: &World<All, M>| match changes {
        true => world.owed(),
        false => world.waiting(),
    };
    while world.is_busy() || world.is_changing() || !waiting(&world).is_empty() {
        world.step();
        check_slot(&world, worst);
        slots += 1;
        let slots_max = config.busy_slot_count + QUIET_SLOTS_MAX;
        assert!(slots < slots_max, "{:?} never drain", waiting(&world));
    }
    assert_eq!(
        world.honest_refused_count(),
        0,
        "an honest log was cut short"
    );
    let verdict = world.chronicle().judge(world.book());
    assert_eq!(verdict.violations, [], "bound pairs were reversed");
    assert_eq!(verdict.edges_against, [], "edges go against bound pairs");
    assert!(
        verdict.orphans.is_empty(),
        "no-ops whose nonce nobody used: {:?}",
        verdict.orphans
    );
    assert_eq!(verdict.again_count, 0, "drained twice");
    for (closing_slots, is_at_bound) in world.epoch_ends() {
        if *is_at_bound {
            worst.epochs_at_bound += 1;
            assert_eq!(*closing_slots, rules.closing_slots_max);
        } else {
            worst.epochs += 1;
            if *closing_slots > 13 {
                println!("seed {seed}: an epoch took {closing_slots} slots to end");
            }
            let delay = config.delay_ticks_max.div_ceil(WorldConfig::SLOT_TICKS);
            let longest = worst.closing_slots.entry(delay).or_default();
            *longest = (*closing_slots).max(*longest);
        }
    }
    worst.reversed_across_epochs += verdict.reversed_across_epochs;
    let wait_max = wait_slots_max(rules) + world.epoch_ends().iter().map(|end| end.0).sum::<u64>();
    let waited = verdict.worst_included_wait_slots;
    assert!(waited <= wait_max, "seed {seed}: {waited}, not {wait_max}");
    // A used nonce is logged by nobody any more (rule 3): where heads are too few by then, it waits
    // until its entries lapse or a graph takes it along. At the end of an epoch it may come again.
    let no_op_waited = verdict.worst_wait_slots;
    let no_op_wait_max = wait_max + rules.log_age_slots_max;
    assert!(
        changes || no_op_waited <= no_op_wait_max,
        "seed {seed}: a no-op waited {no_op_waited} slots, not {no_op_wait_max}"
    );
    let narrowest = rules
        .rollups
        .iter()
        .map(|own| own.slot.count)
        .min()
        .unwrap();
    let longest = worst.wait_slots.entry(narrowest).or_default();
    *longest = waited.max(*longest);
    worst.bound_pairs += verdict.bound_pairs;
    worst.reversed_in_cycles += verdict.reversed_in_cycles;
    worst.drained += verdict.drained_count;
}

/// The world of a seed under an attack. Of five worlds one has the model's members, so that what
/// the library's state promises does not rest on how its own members log.
fn run_seed(attack: Attack, seed: u64, changes: bool, worst: &mut Worst) {
    let mut config = match changes {
        true => WorldConfig::changing(seed),
        false => WorldConfig::from_seed(seed),
    };
    config.attack = attack;
    let rules = config.rules.clone();
    if seed % 5 == 4 {
        run(
            seed,
            &config,
            |me| PlainMember::new(me, Model::new(&rules)),
            worst,
        );
    } else {
        run(seed, &config, |me| ShippedMember::new(&rules, me), worst);
    }
}

/// Seeds for each attack: `FAIR_SEEDS` in all, or as many as an ordinary run has time for.
fn seed_count() -> u64 {
    let asked = std::env::var("FAIR_SEEDS")
        .ok()
        .and_then(|count| count.parse::<u64>().ok());
    let usual = if cfg!(debug_assertions) { 40 } else { 1_040 };
    asked.unwrap_or(usual).div_ceil(Attack::ALL.len() as u64)
}

/// Runs worlds under an attack; `FAIR_SEED` runs that one alone.
fn worlds(attack: Attack) {
    run_worlds(attack, false);
}

/// The same with committees that change.
fn changing(attack: Attack) {
    run_worlds(attack, true);
}

fn run_worlds(attack: Attack, changes: bool) {
    let mut worst = Worst::default();
    let only = std::env::var("FAIR_SEED")
        .ok()
        .and_then(|seed| seed.parse::<u64>().ok());
    let seeds = only.map_or(0..seed_count(), |seed| seed..seed + 1);
    let mut failed = vec![];
    for seed in seeds {
        let run = catch_unwind(AssertUnwindSafe(|| {
            run_seed(attack, seed, changes, &mut worst)
        }));
        if run.is_err() {
            eprintln!("{attack:?}: seed {seed} failed; FAIR_SEED={seed} replays it");
            failed.push(seed);
        }
    }
    println!("{attack:?}: {worst:?}");
    assert!(
        failed.is_empty(),
        "worlds under {attack:?} failed: {failed:?}"
    );
    if only.is_none() {
        assert!(
            worst.bound_pairs > 10 * worst.drained,
            "too little was at stake: {worst:?}"
        );
    }
}

#[test]
fn with_silent_members() {
    worlds(Attack::Silent);
}

#[test]
fn with_logs_reversed() {
    worlds(Attack::ReversedLog);
}

#[test]
fn with_proposals_that_move_their_own_log_only() {
    worlds(Attack::OwnLogOnly);
}

#[test]
fn with_proposals_that_cut_at_random() {
    worlds(Attack::RandomCuts);
}

#[test]
fn with_a_flood_of_ids_without_bodies() {
    worlds(Attack::BlankFlood);
}

#[test]
fn with_bodies_handed_out_around_the_lapse() {
    worlds(Attack::LateBodies);
}

#[test]
fn with_members_that_do_anything() {
    worlds(Attack::Random);
}

#[test]
fn with_members_that_crash_and_return() {
    worlds(Attack::CrashAndReturn);
}

#[test]
fn with_changes_and_silent_members() {
    changing(Attack::Silent);
}

#[test]
fn with_changes_and_logs_reversed() {
    changing(Attack::ReversedLog);
}

#[test]
fn with_changes_and_proposals_that_move_their_own_log_only() {
    changing(Attack::OwnLogOnly);
}

#[test]
fn with_changes_and_proposals_that_cut_at_random() {
    changing(Attack::RandomCuts);
}

#[test]
fn with_changes_and_a_flood_of_ids_without_bodies() {
    changing(Attack::BlankFlood);
}

#[test]
fn with_changes_and_bodies_handed_out_around_the_lapse() {
    changing(Attack::LateBodies);
}

#[test]
fn with_changes_and_members_that_do_anything() {
    changing(Attack::Random);
}

#[test]
fn with_changes_and_members_that_crash_and_return() {
    changing(Attack::CrashAndReturn);
}

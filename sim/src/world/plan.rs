//! What a seed makes of the settings: who lies, what goes wrong, and until when.

use super::random::Random;
use super::settings::{Fault, FaultSet, Mode, Settings};

pub(super) const MS: u64 = 1_000_000;

/// Which instance stops where, for tests that go through every place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CrashAt {
    /// Before the effect with this number, counted over the whole run from 0.
    pub effect: u64,
    /// All members, or the one whose effect it is.
    pub everybody: bool,
}

/// Which instances hear each other in the first height, by how far the sender is; from the end of
/// the list on, in later heights, and once there is peace, all do.
#[derive(Clone, Debug)]
pub(super) struct Script {
    /// A bit for each instance: those with equal bits are together.
    pub groups: Vec<u32>,
    /// Whether each round has two partitions: one until the sender has precommitted, and one from
    /// then on.
    pub is_by_step: bool,
}

impl Script {
    /// The groups for a message of somebody in this round.
    pub fn groups(&self, round: u32, has_precommitted: bool) -> u32 {
        let round = round as usize;
        let stage = if self.is_by_step {
            round * 2 + usize::from(has_precommitted)
        } else {
            round
        };
        self.groups.get(stage).copied().unwrap_or(0)
    }
}

/// One run, drawn from its seed.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub weights: Vec<u64>,
    /// The way in which each member lies, if it does.
    pub lies: Vec<Option<Fault>>,
    /// Members that never come back once the others have peace.
    pub is_frozen: Vec<bool>,
    pub faults: FaultSet,
    pub heights: u64,
    /// When benign faults stop.
    pub calm_ns: u64,
    /// When the run ends at the latest.
    pub end_ns: u64,
    /// The longest way of a message before the calm; after it, ten milliseconds.
    pub delay_ns: u64,
    pub loss_per_mille: u64,
    pub repeat_per_mille: u64,
    pub late_per_mille: u64,
    /// One effect in so many is not carried out, because its member stops.
    pub crash_one_in: u64,
    /// One stop in so many is everybody's.
    pub power_one_in: u64,
    /// Whether hosts add something to precommits.
    pub extends: bool,
    /// Whether clocks run at different speeds.
    pub skews: bool,
    pub script: Option<Script>,
    pub crash_at: Option<CrashAt>,
}

impl Plan {
    pub fn draw(settings: &Settings, random: &mut Random) -> Self {
        let faults = draw_faults(settings.faults, random);
        let weights = draw_weights(settings.sequencers, random);
        let lies = draw_lies(&weights, faults, random);
        let is_frozen = draw_frozen(&weights, &lies, settings.mode, random);
        let heights = settings.heights;
        let stretch_ns = (500 + random.below(4_500) + heights * random.below(50)) * MS;
        let is_quiet = !faults.has_benign() && settings.mode == Mode::Liveness;
        let calm_ns = if is_quiet { 0 } else { stretch_ns };
        let end_ns = calm_ns + settings.bound_ns();
        let is_safety = settings.mode == Mode::Safety;
        let drawn = |fault| faults.has(fault);
        let has_power = drawn(Fault::PowerLoss);
        let crash_one_in = random.one_of(&[30, 60, 200, 1_000]).unwrap_or(60);
        let (crash_one_in, power_one_in) = match (drawn(Fault::Crash), has_power) {
            (true, true) => (crash_one_in, 12),
            (true, false) => (crash_one_in, 0),
            // Everybody or nobody: rarer, since each stops all.
            (false, true) => (crash_one_in * u64::from(settings.sequencers) * 4, 1),
            (false, false) => (0, 0),
        };
        let is_lossy = drawn(Fault::Loss);
        Self {
            weights,
            lies,
            is_frozen,
            faults,
            heights,
            calm_ns: if is_safety { u64::MAX } else { calm_ns },
            end_ns: if is_safety { stretch_ns * 3 } else { end_ns },
            delay_ns: random.one_of(&[2, 10, 50, 200]).unwrap_or(10) * MS,
            loss_per_mille: if is_lossy { 50 + random.below(350) } else { 0 },
            repeat_per_mille: if is_lossy { 50 } else { 0 },
            late_per_mille: if is_lossy { 50 } else { 0 },
            crash_one_in,
            power_one_in,
            extends: random.one_in(2),
            skews: random.one_in(2),
            script: None,
            crash_at: None,
        }
    }

    /// Nothing goes wrong, and everything takes the same time each time.
    pub fn steady(settings: &Settings) -> Self {
        let count = usize::from(settings.sequencers);
        Self {
            weights: vec![1; count],
            lies: vec![None; count],
            is_frozen: vec![false; count],
            faults: FaultSet::NONE,
            heights: settings.heights,
            calm_ns: 0,
            end_ns: settings.bound_ns(),
            delay_ns: 10 * MS,
            loss_per_mille: 0,
            repeat_per_mille: 0,
            late_per_mille: 0,
            crash_one_in: 0,
            power_one_in: 0,
            extends: false,
            skews: false,
            script: None,
            crash_at: None,
        }
    }

    pub fn is_correct(&self, member: usize) -> bool {
        self.lies.get(member).is_some_and(Option::is_none)
    }

    /// Whether a member has to decide every height.
    pub fn is_awaited(&self, member: usize) -> bool {
        self.is_correct(member) && !self.is_frozen.get(member).copied().unwrap_or(true)
    }
}

/// Two thirds of what may go wrong, and at least one thing.
fn draw_faults(faults: FaultSet, random: &mut Random) -> FaultSet {
    let all: Vec<Fault> = faults.iter().collect();
    let mut drawn = FaultSet::NONE;
    if let Some(one) = random.one_of(&all) {
        drawn.insert(one);
    }
    for fault in all {
        if random.below(3) > 0 {
            drawn.insert(fault);
        }
    }
    drawn
}

/// Equal weights, or in one world of four unequal ones.
fn draw_weights(count: u16, random: &mut Random) -> Vec<u64> {
    let is_equal = !random.one_in(4);
    (0..count)
        .map(|_| if is_equal { 1 } else { 1 + random.below(5) })
        .collect()
}

/// A fixed set below a third, each with one way to lie.
fn draw_lies(weights: &[u64], faults: FaultSet, random: &mut Random) -> Vec<Option<Fault>> {
    let kinds: Vec<Fault> = faults.iter().filter(|fault| fault.is_byzantine()).collect();
    let mut lies = vec![None; weights.len()];
    let wanted = 1 + random.below(weights.len() as u64 / 3);
    let (mut sum, mut count) = (0, 0);
    for member in shuffled(weights.len(), random) {
        if kinds.is_empty() || count == wanted {
            break;
        }
        if fits_below_a_third(weights, sum + weights[member]) {
            lies[member] = random.one_of(&kinds);
            sum += weights[member];
            count += 1;
        }
    }
    lies
}

/// As many correct members as the others can do without.
fn draw_frozen(
    weights: &[u64],
    lies: &[Option<Fault>],
    mode: Mode,
    random: &mut Random,
) -> Vec<bool> {
    let mut frozen = vec![false; weights.len()];
    if mode != Mode::Core {
        return frozen;
    }
    let liars = lies.iter().zip(weights).filter(|(lie, _)| lie.is_some());
    let mut sum: u64 = liars.map(|(_, weight)| weight).sum();
    for member in shuffled(weights.len(), random) {
        if lies[member].is_none() && fits_below_a_third(weights, sum + weights[member]) {
            frozen[member] = true;
            sum += weights[member];
        }
    }
    frozen
}

fn fits_below_a_third(weights: &[u64], weight: u64) -> bool {
    3 * weight < weights.iter().sum()
}

fn shuffled(count: usize, random: &mut Random) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    for at in (1..count).rev() {
        order.swap(at, random.below(at as u64 + 1) as usize);
    }
    order
}

//! Twins, enumerated: every way in which two instances with one key can be heard, round by round.
//!
//! Four members, one of which runs twice, through four partitions: one for each of four rounds, or
//! two for each of two rounds, of which the second begins for a member once it has precommitted. A
//! partition parts the five instances into two groups, one of which may be empty, and messages
//! cross over in neither direction; afterwards, and after four seconds, all hear each other. The
//! schedule gives each member one of the four rounds, so which member has the twin says when the
//! twins lead. Two scenarios that differ only in which twin is called the first are the same, and
//! are run once. After Bano and others, "Twins: BFT systems made robust" (arXiv 2004.10617);
//! partitions within a round are added, because here a lock without a decision needs one.

use super::plan::{MS, Plan, Script};
use super::report::RunReport;
use super::settings::{Fault, FaultSet, Settings};
use super::stage::World;

/// Members of every scenario.
pub const MEMBER_COUNT: u8 = 4;
/// Partitions of every scenario, one after another.
pub const STAGE_COUNT: usize = 4;

/// After so long all hear each other, wherever they are: a group that can't gather a quorum waits
/// until then. Four rounds take less.
const PARTED_NS: u64 = 4_000 * MS;
/// Ways to part five instances into two groups.
const PARTITION_COUNT: u8 = 1 << MEMBER_COUNT;
/// The instance behind all members: the second twin.
const SECOND: u8 = MEMBER_COUNT;

/// One way to be parted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scenario {
    /// Which member runs twice.
    pub twin: u8,
    /// Whether partitions change within a round too, so that there are two for each of two rounds.
    pub is_by_step: bool,
    /// For each partition the group of each instance: bit 0 for the first member, bit 4 for the
    /// second twin. The first member's group is 0, which gives each partition one spelling.
    pub groups: [u8; STAGE_COUNT],
}

impl Scenario {
    /// Whether this is the spelling that is run, of the two that call another twin the first.
    #[must_use]
    pub fn is_canonical(&self) -> bool {
        self.groups <= self.groups.map(|groups| swapped(groups, self.twin))
    }
}

/// The partition with the two twins in each other's place.
const fn swapped(groups: u8, twin: u8) -> u8 {
    let (first, second) = (groups >> twin & 1, groups >> SECOND & 1);
    let others = groups & !(1 << twin) & !(1 << SECOND);
    let exchanged = others | second << twin | first << SECOND;
    if exchanged & 1 == 1 {
        !exchanged & ((1 << (MEMBER_COUNT + 1)) - 1)
    } else {
        exchanged
    }
}

/// Every scenario, once.
pub fn scenarios() -> impl Iterator<Item = Scenario> {
    let partitions = u32::from(PARTITION_COUNT);
    let of_twin = partitions.pow(STAGE_COUNT as u32);
    let of_kind = u32::from(MEMBER_COUNT) * of_twin;
    (0..2 * of_kind)
        .map(move |number| {
            let mut rest = number % of_twin;
            let groups = core::array::from_fn(|_| {
                // The first member's bit is not counted.
                let groups = (rest % partitions) << 1;
                rest /= partitions;
                groups as u8
            });
            Scenario {
                twin: (number % of_kind / of_twin) as u8,
                is_by_step: number >= of_kind,
                groups,
            }
        })
        .filter(Scenario::is_canonical)
}

/// What the scenarios ask for: one height.
#[must_use]
pub fn settings() -> Settings {
    let mut faults = FaultSet::NONE;
    faults.insert(Fault::Twins);
    Settings::new(u16::from(MEMBER_COUNT), 1, faults)
}

/// Runs a scenario. The report's seed is the same for all, since nothing is left to chance.
#[must_use]
pub fn run(settings: &Settings, scenario: &Scenario) -> RunReport {
    let mut plan = Plan::steady(settings);
    plan.faults = settings.faults;
    plan.calm_ns = PARTED_NS;
    plan.end_ns = PARTED_NS + settings.bound_ns();
    plan.lies[usize::from(scenario.twin)] = Some(Fault::Twins);
    plan.script = Some(Script {
        groups: scenario.groups.map(u32::from).to_vec(),
        is_by_step: scenario.is_by_step,
    });
    World::new(settings, plan, 1, None).run()
}

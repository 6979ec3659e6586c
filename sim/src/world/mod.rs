//! A deterministic world for consensus: real engines, and everything around them from a seed.
//!
//! A world has a virtual clock, a queue of events, links that lose, delay, repeat, reorder and
//! part, disks that lose or tear what they had not acknowledged, members that stop between any two
//! effects, and liars. The engines are the core's own. After every input a judge, which sees what
//! no member sees, looks whether a rule was broken; [`Violations`] counts them by rule.
//!
//! ```
//! use hauptbuch_sim::world::{FaultSet, Settings, run};
//!
//! let settings = Settings::new(4, 3, FaultSet::parse("crash,loss,twins")?);
//! settings.check()?;
//! let report = run(&settings, 7, None);
//! assert_eq!(report.violations.total(), 0, "{:?}", report.first);
//! assert_eq!(report.heights_decided_min, 3);
//! # Ok::<(), hauptbuch_sim::world::SettingsError>(())
//! ```
//!
//! A run follows from its settings and its seed alone, so a seed that fails is all that is needed
//! to see it fail again, with a trace. What is decided are values without content: 32-byte names
//! of which the world knows whether they are valid and who holds their bodies. Signatures are a
//! keyed mix that only this world can make. `docs/simulation.md` says what else is left out.
//!
//! Cost: some microseconds an event; a run of four members over three heights about a millisecond.

mod disk;
mod effects;
mod flood;
pub mod forks;
mod instance;
mod judge;
mod key;
mod ledger;
mod liar;
mod links;
mod plan;
mod queue;
mod random;
mod report;
mod settings;
mod stage;
#[cfg(test)]
mod tests;
mod trace;
pub mod twins;
mod wire;

pub use judge::Violations;
pub use plan::CrashAt;
pub use report::{RunReport, Summary};
pub use settings::{
    Fault, FaultSet, HEIGHT_COUNT_MAX, Mode, SEQUENCER_COUNT_MAX, Settings, SettingsError,
};

use plan::Plan;
use random::Random;
use stage::World;

/// Where the lines of a trace go.
pub type Trace<'a> = &'a mut dyn FnMut(&str);

/// Runs one world to its end.
///
/// The settings are taken to hold ([`Settings::check`]).
#[must_use]
pub fn run(settings: &Settings, seed: u64, trace: Option<Trace<'_>>) -> RunReport {
    let plan = Plan::draw(settings, &mut Random::new(seed));
    World::new(settings, plan, seed, trace).run()
}

/// The same as [`run`] with one stop more, at a place of the caller's choice.
#[must_use]
pub fn run_with_crash(settings: &Settings, seed: u64, crash: Option<CrashAt>) -> RunReport {
    let mut plan = Plan::draw(settings, &mut Random::new(seed));
    plan.crash_at = crash;
    World::new(settings, plan, seed, None).run()
}

/// The same as [`run`], telling whenever the core is entered (`true`) and left (`false`), so that a
/// test can see what it allocates.
#[must_use]
pub fn run_probed(settings: &Settings, seed: u64, probe: fn(bool)) -> RunReport {
    let plan = Plan::draw(settings, &mut Random::new(seed));
    let mut world = World::new(settings, plan, seed, None);
    world.set_probe(probe);
    world.run()
}

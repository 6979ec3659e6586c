//! Worlds in which members fork their receive logs while the committee decides cuts through them.
//!
//! Each correct member is the core's own [`ConsensusEngine`] with the core's own
//! [`Extents`] and [`OwnLog`](hauptbuch_core::receive_log::OwnLog). What is decided are cuts with
//! evidence: whoever is to vote on one pulls the extents that it names. Disks keep what was
//! acknowledged, members stop and come back, links lose until a seeded time, and liars sign several
//! branches of their log, show each to whom they like, and vote as they like.
//!
//! This is where rules 17 to 19 of the receive logs are shown: a schedule for each, and worlds by
//! chance. Bodies of transactions, epochs and the meaning of entries are not in it; the cut itself
//! is taken to come with its proposal.
//!
//! Cost: a run of five members over four heights takes some milliseconds.
//!
//! [`ConsensusEngine`]: hauptbuch_core::consensus::ConsensusEngine
//! [`Extents`]: hauptbuch_core::receive_log::Extents

mod host;
mod liar;
mod signing;
mod stage;
#[cfg(test)]
mod tests;
mod work;

use hauptbuch_core::receive_log::ReceiveLogLimits;

use super::key::SIGNATURE_LEN;
use super::plan::MS;
use super::random::Random;
use stage::World;

/// What a world of forks is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForkSettings {
    /// Members, of equal weight; 4 ..= 100.
    pub sequencers: u16,
    /// Members that follow no rule, less than a third.
    pub liars: Vec<u16>,
    /// Heights that each correct member has to decide.
    pub heights: u64,
    /// So many of a thousand messages are lost before the calm.
    pub loss_per_mille: u64,
    /// One effect in so many is not carried out before the calm, because its member stops; 0 for
    /// never.
    pub crash_one_in: u64,
    /// When faults stop, in nanoseconds; liars go on.
    pub calm_ns: u64,
    /// How long after the calm all correct members may take.
    pub bound_ns: u64,
    /// Rules that correct members leave out, to show what they are for.
    #[cfg(any(test, feature = "weakened"))]
    pub breaks: ForkBreaks,
}

impl ForkSettings {
    /// So many members of which some lie, without any other fault.
    #[must_use]
    pub fn new(sequencers: u16, liars: &[u16], heights: u64) -> Self {
        Self {
            sequencers,
            liars: liars.to_vec(),
            heights,
            loss_per_mille: 0,
            crash_one_in: 0,
            calm_ns: 0,
            bound_ns: 10_000 * MS,
            #[cfg(any(test, feature = "weakened"))]
            breaks: ForkBreaks::default(),
        }
    }

    /// What a seed makes of it: members, liars and faults.
    #[must_use]
    pub fn from_seed(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let sequencers = random.one_of(&[4, 5, 7]).unwrap_or(4);
        let first = random.below(u64::from(sequencers)) as u16;
        let liars: &[u16] = match (sequencers, random.below(4)) {
            (_, 0) => &[],
            (7, 2..) => &[first, (first + 3) % 7],
            _ => &[first],
        };
        Self {
            loss_per_mille: random.below(300),
            crash_one_in: random.one_of(&[0, 60, 200]).unwrap_or(0),
            calm_ns: (200 + random.below(2_000)) * MS,
            ..Self::new(sequencers, liars, 4)
        }
    }

    /// The limits of every member's receive logs.
    #[must_use]
    pub const fn log_limits(&self) -> ReceiveLogLimits {
        ReceiveLogLimits {
            log_count_max: self.sequencers as u32,
            extent_entries_max: 16,
            signature_bytes_max: SIGNATURE_LEN as u32,
        }
    }
}

/// Rules of logs and cuts left out. All off unless a test turns one on.
#[cfg(any(test, feature = "weakened"))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ForkBreaks {
    /// Rule 17: members keep the extents of the proposal only, not those of lock and valid value.
    pub forgets_what_binds: bool,
    /// Rule 17: a precommit leaves before the extents of its value are on disk.
    pub votes_before_durable: bool,
    /// Rule 19: a log that stood still for so many slots is closed as if evidence were decided.
    pub silence_closes_after: Option<u64>,
    /// Rule 19: the rounds of the convicted are waited for like any other's.
    pub waits_for_convicted: bool,
}

/// What came of a world.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ForkReport {
    /// The fewest heights that a correct member decided.
    pub heights_decided_min: u64,
    /// Heights for which two correct members decided differently.
    pub agreement_violations: u64,
    /// Evidence that names a member that signed one log, or does not verify.
    pub false_evidence: u64,
    /// Times that a correct member did not hold what its lock, its valid value or a decision names.
    pub lost_extents: u64,
    /// Times that a host or an engine was refused what it may do.
    pub refusals: u64,
    /// Correct members that did not decide all heights in time.
    pub late: u64,
    /// Liars whose evidence was decided.
    pub convicted: u64,
    /// Stops of correct members.
    pub crashes: u64,
    /// Branches that were taken because a name leads to them.
    pub named_branches: u64,
    /// The latest round of a correct member.
    pub round_max: u32,
    /// When the last correct member was done, or the run ended.
    pub done_ns: u64,
}

impl ForkReport {
    /// Whether no rule was broken.
    #[must_use]
    pub const fn is_good(&self) -> bool {
        self.agreement_violations == 0
            && self.false_evidence == 0
            && self.lost_extents == 0
            && self.refusals == 0
            && self.late == 0
    }
}

/// Runs one world to its end.
///
/// # Panics
/// Where the settings are out of the library's ranges: no members, or more than 100.
#[must_use]
pub fn run(settings: &ForkSettings, seed: u64) -> ForkReport {
    let mut world = World::new(settings, seed);
    world.begin();
    world.lie_at_random();
    world.run_to_the_end();
    world.finish()
}

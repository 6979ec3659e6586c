//! What a world is asked for.

use core::fmt;

use hauptbuch_core::consensus::Timeout;
use hauptbuch_core::consensus::{ConsensusConfig, ConsensusLimits};
use hauptbuch_core::types::Round;

use super::key::SIGNATURE_LEN;

/// The most members of a world.
pub const SEQUENCER_COUNT_MAX: u16 = 100;
/// The most heights of a run.
pub const HEIGHT_COUNT_MAX: u64 = 10_000;

/// What can go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Fault {
    /// A member stops between two effects and comes back from its disk.
    Crash = 0,
    /// All members stop at once.
    PowerLoss = 1,
    /// Some can't reach others, both ways or one way.
    Partition = 2,
    /// Messages are lost, repeated, and late by much.
    Loss = 3,
    /// Byzantine: two instances act with one key, each heard by some.
    Twins = 4,
    /// Byzantine: says one thing to some and another to others, at will.
    Equivocate = 5,
    /// Byzantine: follows the rules, but keeps messages and values from some.
    Withhold = 6,
    /// Byzantine: sends as much as it can of what makes work.
    Flood = 7,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Crash,
        Self::PowerLoss,
        Self::Partition,
        Self::Loss,
        Self::Twins,
        Self::Equivocate,
        Self::Withhold,
        Self::Flood,
    ];

    /// Its name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Crash => "crash",
            Self::PowerLoss => "power-loss",
            Self::Partition => "partition",
            Self::Loss => "loss",
            Self::Twins => "twins",
            Self::Equivocate => "equivocate",
            Self::Withhold => "withhold",
            Self::Flood => "flood",
        }
    }

    /// Whether a member must lie for it.
    #[must_use]
    pub const fn is_byzantine(self) -> bool {
        matches!(
            self,
            Self::Twins | Self::Equivocate | Self::Withhold | Self::Flood
        )
    }
}

/// Some of the faults.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FaultSet(u8);

impl FaultSet {
    /// None.
    pub const NONE: Self = Self(0);
    /// All of them.
    pub const ALL: Self = Self(u8::MAX);

    /// Reads names with commas between them; `none` alone for no fault.
    ///
    /// # Errors
    /// [`SettingsError::UnknownFault`] for a name that is none.
    pub fn parse(list: &str) -> Result<Self, SettingsError> {
        if list == "none" {
            return Ok(Self::NONE);
        }
        let mut set = Self::NONE;
        for name in list.split(',') {
            let found = Fault::ALL
                .into_iter()
                .find(|fault| fault.name() == name.trim());
            let fault = found.ok_or_else(|| SettingsError::UnknownFault(name.trim().to_owned()))?;
            set.insert(fault);
        }
        Ok(set)
    }

    /// Whether it has this one.
    #[must_use]
    pub const fn has(self, fault: Fault) -> bool {
        self.0 & (1 << fault as u8) != 0
    }

    /// Puts one in.
    pub const fn insert(&mut self, fault: Fault) {
        self.0 |= 1 << fault as u8;
    }

    /// Those in it, in order.
    pub fn iter(self) -> impl Iterator<Item = Fault> {
        Fault::ALL.into_iter().filter(move |fault| self.has(*fault))
    }

    /// Whether a member must lie for one of them.
    #[must_use]
    pub fn has_byzantine(self) -> bool {
        self.iter().any(Fault::is_byzantine)
    }

    /// Whether one of them comes without a lie.
    #[must_use]
    pub fn has_benign(self) -> bool {
        self.iter().any(|fault| !fault.is_byzantine())
    }
}

impl fmt::Display for FaultSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.iter().map(Fault::name).collect();
        f.write_str(if names.is_empty() { "none" } else { "" })?;
        f.write_str(&names.join(","))
    }
}

/// What is demanded of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Benign faults stop at a seeded time; then all correct members must get there in time.
    #[default]
    Liveness,
    /// The same of a core that can decide alone; as many members as that allows never come back.
    Core,
    /// Faults never stop, and nothing is demanded but that no rule is broken.
    Safety,
}

/// What a world is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Members, 1 ..= 100.
    pub sequencers: u16,
    /// Heights that each correct member has to decide, 1 ..= 10,000.
    pub heights: u64,
    /// What may go wrong. Each run draws from these.
    pub faults: FaultSet,
    /// What is demanded.
    pub mode: Mode,
    /// Rules that correct members leave out, to show what the rules are for.
    #[cfg(feature = "weakened")]
    pub breaks: hauptbuch_core::consensus::Breaks,
}

impl Settings {
    /// Members and heights with these faults.
    #[must_use]
    pub fn new(sequencers: u16, heights: u64, faults: FaultSet) -> Self {
        Self {
            sequencers,
            heights,
            faults,
            mode: Mode::default(),
            #[cfg(feature = "weakened")]
            breaks: hauptbuch_core::consensus::Breaks::default(),
        }
    }

    /// Whether there can be such a world.
    ///
    /// # Errors
    /// [`SettingsError`]: a number out of its range, or too few members for one of them to lie.
    pub fn check(&self) -> Result<(), SettingsError> {
        if !(1..=SEQUENCER_COUNT_MAX).contains(&self.sequencers) {
            return Err(SettingsError::SequencerCount);
        }
        if !(1..=HEIGHT_COUNT_MAX).contains(&self.heights) {
            return Err(SettingsError::HeightCount);
        }
        let lie = self.faults.iter().find(|fault| fault.is_byzantine());
        match lie {
            Some(fault) if self.sequencers < 4 => Err(SettingsError::TooFew {
                fault,
                sequencers: self.sequencers,
            }),
            _ => Ok(()),
        }
    }

    /// The limits of every engine of the world.
    #[must_use]
    pub fn limits(&self) -> ConsensusLimits {
        ConsensusLimits {
            validator_count_max: self.sequencers,
            signature_bytes_max: SIGNATURE_LEN as u16,
            schedule_count_max: self.sequencers.saturating_mul(4).max(64),
            reply_count_max: self.sequencers.saturating_mul(8).max(64),
            ..ConsensusLimits::default()
        }
    }

    /// The choices of every engine of the world.
    #[must_use]
    pub fn config(&self) -> ConsensusConfig {
        ConsensusConfig::default()
    }

    /// How long the wanted heights may take once faults have stopped, in nanoseconds: for each,
    /// twice as many rounds as Byzantine proposers can waste, and three more; and twenty seconds
    /// for members to find each other.
    #[must_use]
    pub fn bound_ns(&self) -> u64 {
        const SECOND: u64 = 1_000_000_000;
        let config = self.config();
        let waste = u32::from(self.sequencers.saturating_sub(1) / 3);
        let rounds = waste.saturating_mul(2).saturating_add(3);
        let round_ns = |round| {
            let of = |timeout: Timeout| timeout.in_round(Round::new(round), config.timeout_max_ns);
            of(config.propose) + of(config.prevote) + of(config.precommit) + SECOND / 10
        };
        let height_ns: u64 = (0..=rounds).map(round_ns).sum();
        20 * SECOND + height_ns.saturating_mul(self.heights)
    }
}

/// Why there is no such world.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SettingsError {
    /// No fault has this name.
    UnknownFault(String),
    /// There are not 1 to [`SEQUENCER_COUNT_MAX`] members.
    SequencerCount,
    /// There are not 1 to [`HEIGHT_COUNT_MAX`] heights.
    HeightCount,
    /// A single liar would weigh a third or more.
    TooFew {
        /// The fault that needs a liar.
        fault: Fault,
        /// How many members there are.
        sequencers: u16,
    },
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownFault(name) => {
                let names = Fault::ALL.map(Fault::name).join(", ");
                write!(f, "`{name}` is no fault; there are {names}, and `none`")
            }
            Self::SequencerCount => {
                write!(f, "a world has 1 to {SEQUENCER_COUNT_MAX} sequencers")
            }
            Self::HeightCount => write!(f, "a run has 1 to {HEIGHT_COUNT_MAX} heights"),
            Self::TooFew { fault, sequencers } => write!(
                f,
                "`{}` needs at least 4 sequencers: of {sequencers} one liar is a third or more",
                fault.name()
            ),
        }
    }
}

impl core::error::Error for SettingsError {}

//! One running copy of a member: its engine, its disk and its clock.

use hauptbuch_core::consensus::ConsensusEngine;
use hauptbuch_core::types::{Height, MemberIndex, Tick};

use super::disk::Disk;
use super::random::Random;
use super::settings::Fault;

/// A monotonic clock that starts anywhere, begins anew with each start, and is a little off.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    start_ns: u64,
    offset_ns: u64,
    /// How far it goes while 1,024 nanoseconds pass.
    rate: u64,
}

impl Clock {
    /// A clock that is started now; up to a fortieth fast or slow where clocks are skewed.
    pub fn start(now_ns: u64, is_skewed: bool, random: &mut Random) -> Self {
        let (offset_ns, rate) = if is_skewed {
            (random.below(1 << 50), 1_000 + random.below(49))
        } else {
            (0, 1_024)
        };
        Self {
            start_ns: now_ns,
            offset_ns,
            rate,
        }
    }

    /// What it shows.
    pub fn read(self, now_ns: u64) -> Tick {
        let passed = u128::from(now_ns.saturating_sub(self.start_ns)) * u128::from(self.rate);
        Tick::new(self.offset_ns + (passed >> 10) as u64)
    }

    /// When it will show this, or a little more.
    pub fn when(self, tick: Tick) -> u64 {
        let ahead = u128::from(tick.get().saturating_sub(self.offset_ns)) << 10;
        self.start_ns + ahead.div_ceil(u128::from(self.rate)) as u64
    }
}

/// One running copy of a member. Twins are two of one.
#[derive(Debug)]
pub(super) struct Instance {
    pub member: MemberIndex,
    pub lie: Option<Fault>,
    /// Nothing while it is stopped, and ever for who follows no rules.
    pub engine: Option<Box<ConsensusEngine>>,
    /// Counts starts, so that answers to an earlier life are not heard.
    pub life: u32,
    pub disk: Disk,
    pub clock: Clock,
    /// When it is woken next, if it is.
    pub wake_at: Option<u64>,
    /// The height and round that it was in when it last acted, and whether it had precommitted.
    pub reached: (Height, u32, bool),
}

impl Instance {
    pub fn new(member: usize, lie: Option<Fault>) -> Self {
        Self {
            member: MemberIndex::new(member as u16),
            lie,
            engine: None,
            life: 0,
            disk: Disk::default(),
            clock: Clock {
                start_ns: 0,
                offset_ns: 0,
                rate: 1_024,
            },
            wake_at: None,
            reached: (Height::ZERO, 0, false),
        }
    }

    /// Whether it follows the rules in whatever it says.
    pub const fn is_correct(&self) -> bool {
        self.lie.is_none()
    }

    /// Whether it runs an engine at all.
    pub const fn follows_rules(&self) -> bool {
        !matches!(self.lie, Some(Fault::Equivocate | Fault::Flood))
    }
}

//! Arrivals drawn from a seed.

use hauptbuch_core::ordering::fair::LOG_COUNT_MAX;
use hauptbuch_core::types::Tick;

use super::skew::{self, SCALE_PERMILLE_MAX};
use super::{Arrival, Arrivals, ArrivalsError, Origin};
use crate::workload::{Format, Random, Workload};

/// How far apart the arrivals of one transaction lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spread {
    /// All at once: only the base latencies tell sequencers apart.
    None,
    /// As measured ([`skew`]), scaled by so many thousandths.
    Measured {
        /// 1,000 leaves the spread as it was measured.
        scale_permille: u32,
    },
    /// Each delay on its own, uniform between nothing and so much.
    Uniform {
        /// The largest delay in nanoseconds.
        ns_max: u64,
    },
}

/// How arrivals follow from the time of sending.
///
/// A transaction sent at t reaches sequencer i at t + base(i) + d(i). With a measured spread s, one
/// sequencer has d = 0, another d = s, and those between are uniform in 0..s; who is who is drawn
/// anew for each transaction, so that nobody is closer to everyone. Base latencies are what makes
/// one sequencer farther away than another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArrivalModel {
    /// How many sequencers there are.
    pub sequencer_count: u32,
    /// The spread of one transaction.
    pub spread: Spread,
    /// By sequencer, what each arrival there takes at least, in nanoseconds; empty for none.
    pub base_ns: Vec<u64>,
}

impl ArrivalModel {
    /// The spread as it was measured, and no base latency.
    #[must_use]
    pub const fn new(sequencer_count: u32) -> Self {
        Self {
            sequencer_count,
            spread: Spread::Measured {
                scale_permille: 1_000,
            },
            base_ns: Vec::new(),
        }
    }

    /// Checks the model.
    ///
    /// # Errors
    /// [`ArrivalsError::SequencerCount`], [`ArrivalsError::BaseCount`],
    /// [`ArrivalsError::ScaleTooLarge`].
    pub const fn check(&self) -> Result<(), ArrivalsError> {
        let sequencers = self.sequencer_count;
        if sequencers == 0 || sequencers > LOG_COUNT_MAX {
            return Err(ArrivalsError::SequencerCount { wanted: sequencers });
        }
        let found = self.base_ns.len();
        if found != 0 && found != sequencers as usize {
            return Err(ArrivalsError::BaseCount { sequencers, found });
        }
        match self.spread {
            Spread::Measured { scale_permille } if scale_permille > SCALE_PERMILLE_MAX => {
                Err(ArrivalsError::ScaleTooLarge {
                    permille: scale_permille,
                })
            }
            _ => Ok(()),
        }
    }

    /// The arrivals of a workload, whose own times are those of sending.
    ///
    /// # Errors
    /// As [`ArrivalModel::check`].
    pub fn of_workload(&self, workload: &Workload, seed: u64) -> Result<Arrivals, ArrivalsError> {
        let origin = match workload.provenance().format {
            Format::Generated => Origin::GeneratedAndModelled,
            _ => Origin::Modelled,
        };
        let sent: Vec<Tick> = workload.records().iter().map(|it| it.arrival).collect();
        self.of_times(&sent, origin, seed)
    }

    /// The arrivals of transactions sent at these times; times beyond 2^64 ns stay there.
    ///
    /// # Errors
    /// As [`ArrivalModel::check`].
    pub fn of_times(
        &self,
        sent: &[Tick],
        origin: Origin,
        seed: u64,
    ) -> Result<Arrivals, ArrivalsError> {
        self.check()?;
        let mut random = Random::from_seed(b"hauptbuch/sim/arrivals/1", seed);
        let sequencers = self.sequencer_count as usize;
        let transaction_count = sent.len() as u32;
        let mut lists = vec![Vec::with_capacity(sent.len()); sequencers];
        let mut delays = vec![0; sequencers];
        for (transaction, sent) in (0..).zip(sent) {
            self.draw(&mut random, &mut delays);
            for ((sequencer, list), delay) in (0..).zip(&mut lists).zip(&delays) {
                list.push(Arrival {
                    at: Tick::new(sent.get().saturating_add(*delay)),
                    transaction,
                    sequencer,
                });
            }
        }
        let names = (0..sequencers).map(|number| format!("sequencer-{number}"));
        Ok(Arrivals::new(
            origin,
            names.collect(),
            lists,
            transaction_count,
            vec![self.note()],
        ))
    }

    /// Draws the delay of one transaction to each sequencer, base latency and all.
    pub(crate) fn draw(&self, random: &mut Random, delays: &mut [u64]) {
        match self.spread {
            Spread::None => delays.fill(0),
            Spread::Uniform { ns_max } => {
                for delay in delays.iter_mut() {
                    *delay = random.below(ns_max.saturating_add(1));
                }
            }
            Spread::Measured { scale_permille } => {
                let spread = u128::from(skew::draw_ns(random)) * u128::from(scale_permille);
                let spread = u64::try_from(spread / 1_000).unwrap_or(u64::MAX);
                let last = delays.len() as u64;
                let first_at = random.below(last);
                let last_at = (first_at + 1 + random.below(last.saturating_sub(1))) % last.max(1);
                for (at, delay) in (0..).zip(delays.iter_mut()) {
                    *delay = match at {
                        at if at == first_at => 0,
                        at if at == last_at => spread,
                        _ => random.below(spread.saturating_add(1)),
                    };
                }
            }
        }
        for (delay, base) in delays.iter_mut().zip(&self.base_ns) {
            *delay = delay.saturating_add(*base);
        }
    }

    fn note(&self) -> String {
        match self.spread {
            Spread::None => "arrivals at all sequencers at once but for base latencies".into(),
            Spread::Uniform { ns_max } => format!(
                "arrivals delayed by up to {}, each on its own",
                crate::output::text::duration(ns_max)
            ),
            Spread::Measured {
                scale_permille: 1_000,
            } => "arrivals spread as measured over nodes on three continents".into(),
            Spread::Measured { scale_permille } => format!(
                "arrivals spread as measured over nodes on three continents, scaled by {}.{:03}",
                scale_permille / 1_000,
                scale_permille % 1_000
            ),
        }
    }
}

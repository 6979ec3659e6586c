//! Drives one sequencer or a committee of several through a workload, in simulated time and to the
//! byte the same every time.
//!
//! # The schedule
//! Everybody who replays a workload (the command line, C, Python) does exactly this:
//! 1. The agreed time at tick t is [`EPOCH_UNIX_NS`] + t. The interval between slots is D; slots
//!    are taken at the ticks k · D, k = 1, 2, ….
//! 2. A record's account nonce is the one that it names, or the nonce after the sender's last
//!    included one, whichever is higher: a host's accounts move on with what is included.
//! 3. At k · D everything that arrives before it and was not submitted yet is submitted in the
//!    order of the workload, each record at its own tick. A refusal is final: nothing is tried
//!    again.
//! 4. Then one slot is taken, without transactions none, and acknowledged at once. A shuffle's seed
//!    is [`slot_seed`] of the set that was fixed; the reserves of a pool are those that the last
//!    record named that traded with it.
//! 5. Quiet time is jumped over: while something is ready the next k follows, and otherwise the
//!    first k whose tick lies after the next record's.
//! 6. When no record is left and a take yields no slot, what waits for a missing nonce ends as
//!    expired, and the run is over.
//!
//! Several sequencers agree on the slot at each k · D ([`committee`](crate::committee)): then the
//! coordinator of the schedule is the run's door, which lets transactions in and follows what is
//! decided. A slot can be empty there, because a proposer has nothing yet.
//!
//! Transactions go the whole way: through a producer's lane, the pool, the policy, a slot. The run
//! stands for the host of the accounts too, and a host forgets no account: the pool follows at
//! least as many senders as the workload has ([`RunConfig::for_workload`]).
//!
//! What became of each submission, admitted or refused, is heard in the order of the workload: the
//! k-th such event is about the k-th record.

mod accounts;
mod config;
mod consensus;
mod delays;
mod logged;
mod pooled;
mod sequencers;
#[cfg(test)]
mod tests;

pub(crate) use config::index_key;
pub use config::{ArrivalSource, FIRST_HAND_COUNT_OF_FIVE, RunConfig, log_sizes};
pub use consensus::ConsensusReport;
pub use delays::{Delays, Quantiles};
pub use logged::CommitteeReport;

use core::fmt;
use core::ops::ControlFlow;
use std::collections::BTreeMap;

use hauptbuch_core::batch::SlotReader;
use hauptbuch_core::codec::Writer;
use hauptbuch_core::config::ConfigError;
use hauptbuch_core::coordinator::{Slot, TransactionCoordinator, WhenEmpty};
use hauptbuch_core::crypto::hash::transaction_id;
use hauptbuch_core::error::Code;
use hauptbuch_core::event::Event;
use hauptbuch_core::ingress::{Producer, SubmitError};
use hauptbuch_core::limits::Limits;
use hauptbuch_core::metrics::Metrics;
use hauptbuch_core::sequencer::Membership;
use hauptbuch_core::types::{
    Address, Hash, Height, PoolReserves, RollupId, Submission, Tick, UnixNs,
};
use sha2::{Digest as _, Sha256};

use crate::committee::{CommitteeError, Decided, PlanError};
use crate::prometheus::{Gauge, gauges};
use crate::workload::Workload;
use accounts::Accounts;
use sequencers::{Sequencers, committee_of};

/// The agreed time at tick 0: 14 November 2023, 22:13:20 UTC.
pub const EPOCH_UNIX_NS: u64 = 1_700_000_000_000_000_000;

/// A part of the work, for whoever measures how long it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Transactions cross a lane and are admitted or refused.
    Submit,
    /// Members write and sign their logs, and check those of the others.
    Decide,
    /// The committee agrees on a slot: each member computes it, and votes.
    Agree,
    /// A slot is chosen, put in order and written.
    Take,
    /// A slot's transactions end.
    Acknowledge,
}

/// Hears of all that happens in a run, in order.
pub trait Observer {
    /// A slot was taken. Its transactions' [`Code::Included`] events follow.
    fn on_slot(&mut self, slot: &Slot<'_>);
    /// Something became of a transaction.
    fn on_event(&mut self, event: &Event);
    /// A slot follows from a cut through all logs; [`Observer::on_slot`] hears of it next. Only
    /// under policies that order by logs.
    fn on_decided(&mut self, _decided: &Decided<'_>) {}
    /// Who signs, before anything else; only where members do. Again behind the last slot of each
    /// epoch, with the members of the next.
    fn on_members(&mut self, _membership: &Membership) {}
    /// A slot is final, after [`Observer::on_slot`] heard of it: the bytes are its commit
    /// certificate, as [`CommitCertificate`](hauptbuch_core::certificate::CommitCertificate) reads
    /// them. Only where members sign.
    fn on_final(&mut self, _height: Height, _certificate: &[u8]) {}
    /// `submitted` of all records have been submitted; [`ControlFlow::Break`] ends the run.
    fn on_progress(&mut self, submitted: usize) -> ControlFlow<()>;
    /// A step over `count` transactions begins (their number may not be known yet: 0).
    fn step_begins(&mut self, _step: Step) {}
    /// The step that began last has ended; it was about `count` transactions.
    fn step_ends(&mut self, _step: Step, _count: usize) {}
}

/// What a run came to.
#[derive(Clone, Debug)]
pub struct RunReport {
    /// How often each thing happened.
    pub metrics: Metrics,
    /// Slots that were acknowledged.
    pub slot_count: u64,
    /// The last slot's height; [`Height::ZERO`] where there was none.
    pub last_height: Height,
    /// The last slot's hash; the genesis hash where there was none.
    pub last_hash: Hash,
    /// The tick of the last slot.
    pub last_tick: Tick,
    /// From arrival to slot, in simulated time.
    pub delays: Delays,
    /// Bytes that the sequencer took when it was made.
    pub footprint_bytes: u64,
    /// Where the sequencer stood at the end.
    pub gauges: Vec<Gauge>,
    /// What became of logs, under a policy that orders by them.
    pub committee: Option<CommitteeReport>,
    /// How slots were agreed on, where members sign.
    pub consensus: Option<ConsensusReport>,
}

/// Why a run did not come to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RunError {
    /// The configuration can't be used.
    Config(ConfigError),
    /// The interval between slots is zero.
    ZeroInterval,
    /// The run would reach beyond the last agreed time, in the year 2554.
    TooLong,
    /// The observer ended it.
    Interrupted,
    /// The sequencer refused a step that it must not refuse: a defect of this library.
    Refused(Code),
    /// The arrivals at several sequencers can't be had, and why.
    Arrivals(String),
    /// What is planned for the members can't be carried out.
    Plan(PlanError),
    /// The committee refused a step that it must not refuse: a defect of this library.
    Committee(CommitteeError),
    /// Slots go by, and this many transactions that logs hold stay where they are.
    Stuck(u32),
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(error) => error.fmt(f),
            Self::ZeroInterval => f.write_str("the interval between slots is zero"),
            Self::TooLong => f.write_str("the last arrival lies beyond the year 2554"),
            Self::Interrupted => f.write_str("the run was interrupted"),
            Self::Refused(code) => write!(f, "the sequencer refused a step: {code}"),
            Self::Arrivals(reason) => f.write_str(reason),
            Self::Plan(error) => error.fmt(f),
            Self::Committee(error) => write!(f, "the committee refused a step: {error}"),
            Self::Stuck(count) => write!(f, "{count} transactions in logs are never drained"),
        }
    }
}

impl core::error::Error for RunError {}

impl From<CommitteeError> for RunError {
    fn from(error: CommitteeError) -> Self {
        match error {
            CommitteeError::Config(error) => Self::Config(error),
            other => Self::Committee(other),
        }
    }
}

impl From<PlanError> for RunError {
    fn from(error: PlanError) -> Self {
        Self::Plan(error)
    }
}

impl From<ConfigError> for RunError {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}

/// Runs one sequencer over the workload, or a committee of several.
///
/// # Errors
/// A [`RunError`]; the observer has then heard of what happened before.
pub fn run(
    workload: &Workload,
    config: &RunConfig,
    observer: &mut impl Observer,
) -> Result<RunReport, RunError> {
    if config.slot_interval_ns == 0 {
        return Err(RunError::ZeroInterval);
    }
    let config = config.for_workload(workload);
    let core_config = config.core_config(workload.rollups().len())?;
    let coordinator = TransactionCoordinator::new(&core_config, &config.limits)?;
    let producer = coordinator.ingress().register();
    let producer = producer.map_err(|error| RunError::Refused(error.code()))?;
    let sequencers = committee_of(workload, &config, &core_config, observer)?;
    Runner {
        workload,
        interval: config.slot_interval_ns,
        limits: config.limits,
        coordinator,
        producer,
        observer,
        submitted: 0,
        accounts: Accounts::default(),
        seed: config.seed,
        pools: Pools::new(),
        delays: Delays::default(),
        slot_tick: Tick::ZERO,
        refused_at_lane: 0,
        sequencers,
        heard: 0,
    }
    .run()
}

/// What each pool holds, by rollup and address.
pub(crate) type Pools = BTreeMap<(RollupId, Address), PoolReserves>;

struct Runner<'a, O> {
    workload: &'a Workload,
    interval: u64,
    limits: Limits,
    coordinator: TransactionCoordinator,
    producer: Producer,
    observer: &'a mut O,
    /// Records that have been submitted.
    submitted: usize,
    accounts: Accounts,
    seed: u64,
    /// What each pool holds, as the last record that traded with it said.
    pools: Pools,
    delays: Delays,
    slot_tick: Tick,
    /// Transactions that were refused before they entered a lane.
    refused_at_lane: u64,
    sequencers: Sequencers,
    /// Records of which it is known whether they were admitted.
    heard: u32,
}

impl<O: Observer> Runner<'_, O> {
    fn run(mut self) -> Result<RunReport, RunError> {
        let mut boundary = Tick::ZERO;
        while let Some(next) = self.next_boundary(boundary)? {
            boundary = next;
            self.submit_before(boundary)?;
            match self.sequencers {
                Sequencers::One => self.take_and_acknowledge(boundary)?,
                Sequencers::Logged(_) => self.decide_and_acknowledge(boundary)?,
                Sequencers::Pooled(_) => self.agree_and_adopt(boundary)?,
            }
        }
        let stuck_count = match &mut self.sequencers {
            Sequencers::One => 0,
            Sequencers::Logged(committee) => {
                committee.check_agreement()?;
                committee.stuck_count()
            }
            Sequencers::Pooled(committee) => {
                committee.check_agreement()?;
                self.coordinator.pool().ready_count() as u32
            }
        };
        if stuck_count > 0 {
            return Err(RunError::Stuck(stuck_count));
        }
        self.expire_rest()?;
        let mut metrics = self.coordinator.metrics().clone();
        metrics.submitted += self.refused_at_lane;
        (0..self.refused_at_lane).for_each(|_| metrics.count(Code::PayloadTooLarge));
        let tip = self.coordinator.tip();
        Ok(RunReport {
            slot_count: match &self.sequencers {
                // Slots that were taken over count as none that were acknowledged here.
                Sequencers::Pooled(_) => tip.height.get(),
                _ => metrics.slots_acknowledged,
            },
            last_height: tip.height,
            last_hash: tip.hash,
            last_tick: self.slot_tick,
            delays: self.delays,
            gauges: gauges(&self.coordinator),
            footprint_bytes: self.coordinator.limits().footprint().bytes(),
            committee: match &self.sequencers {
                Sequencers::Logged(committee) => Some(CommitteeReport::of(committee)),
                _ => None,
            },
            consensus: match &self.sequencers {
                Sequencers::One => None,
                Sequencers::Logged(committee) => Some(committee.consensus_report()),
                Sequencers::Pooled(committee) => Some(committee.consensus_report()),
            },
            metrics,
        })
    }

    /// The tick of the next slot; nothing when no slot can follow any more.
    fn next_boundary(&self, last: Tick) -> Result<Option<Tick>, RunError> {
        let waits = self.coordinator.pool().ready_count() > 0;
        let (is_ready, at_members) = match &self.sequencers {
            Sequencers::One => (waits, None),
            Sequencers::Logged(committee) => (committee.is_busy(), committee.next_arrival()),
            Sequencers::Pooled(committee) => (waits && !committee.is_stuck(), None),
        };
        let next_record = self.workload.records().get(self.submitted);
        let next_arrival = next_record.map(|next| next.arrival);
        let next_arrival = next_arrival.into_iter().chain(at_members).min();
        let boundary = match next_arrival {
            _ if is_ready => last.checked_add(self.interval),
            Some(arrival) => {
                // The first multiple of the interval after the arrival, and after the last slot.
                let intervals = (arrival.get() / self.interval).checked_add(1);
                let first = intervals.and_then(|count| count.checked_mul(self.interval));
                let following = last.checked_add(self.interval);
                first
                    .zip(following)
                    .map(|(first, following)| Tick::new(first).max(following))
            }
            None => return Ok(None),
        };
        let last_tick = u64::MAX - EPOCH_UNIX_NS;
        boundary
            .filter(|tick| tick.get() < last_tick)
            .map(Some)
            .ok_or(RunError::TooLong)
    }

    /// Submits every record that arrives before the boundary, each at its own tick.
    fn submit_before(&mut self, boundary: Tick) -> Result<(), RunError> {
        let rest = self.workload.iter().skip(self.submitted);
        let mut due = rest
            .take_while(|(arrival, _)| *arrival < boundary)
            .peekable();
        while let Some((tick, _)) = due.peek().copied() {
            self.observer.step_begins(Step::Submit);
            let mut count = 0;
            while let Some((_, submission)) = due.next_if(|(arrival, _)| *arrival == tick) {
                self.submit(&submission, tick)?;
                count += 1;
            }
            self.drain_lanes(tick)?;
            self.observer.step_ends(Step::Submit, count);
            self.learn_reserves(count);
            self.submitted += count;
            self.read_events();
        }
        match self.observer.on_progress(self.submitted) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(RunError::Interrupted),
        }
    }

    /// Learns from the next `count` records what the pools hold that they trade with.
    fn learn_reserves(&mut self, count: usize) {
        let records = self.workload.records().iter().skip(self.submitted);
        for record in records.take(count) {
            let Some(trade) = self.workload.trade(record) else {
                continue;
            };
            let (rollup, pool) = (record.envelope.rollup, trade.hint.pool);
            let reserves = PoolReserves {
                rollup,
                pool,
                reserve0: trade.reserve0,
                reserve1: trade.reserve1,
            };
            self.pools.insert((rollup, pool), reserves);
        }
    }

    /// Puts a submission into the lane; empties the lane where it is full.
    fn submit(&mut self, submission: &Submission<'_>, tick: Tick) -> Result<(), RunError> {
        let submission = &self.accounts.update(*submission);
        if self.producer.submit(submission).is_ok() {
            return Ok(());
        }
        self.drain_lanes(tick)?;
        match self.producer.submit(submission) {
            Ok(()) => Ok(()),
            Err(SubmitError::PayloadTooLarge) => {
                self.refuse_too_large(submission, tick);
                Ok(())
            }
            Err(error) => Err(RunError::Refused(error.code())),
        }
    }

    /// A transaction that no lane can carry never reaches the owner; this stands in for it.
    fn refuse_too_large(&mut self, submission: &Submission<'_>, tick: Tick) {
        // What was submitted before it is heard of before it.
        self.read_events();
        let transaction = &submission.transaction;
        let mut canonical = vec![0; transaction.encoded_len()];
        let written = transaction.encode(&mut Writer::new(&mut canonical));
        debug_assert!(written.is_ok(), "the buffer has the encoding's length");
        let (id, rollup) = (transaction_id(&canonical), transaction.envelope.rollup);
        self.refused_at_lane += 1;
        self.hear(&Event::outside_slot(
            Code::PayloadTooLarge,
            id,
            rollup,
            tick,
        ));
    }

    /// Lets the owner admit all that waits in the lanes.
    fn drain_lanes(&mut self, tick: Tick) -> Result<(), RunError> {
        loop {
            let drained = self.coordinator.handle_ingress(tick, agreed_time(tick));
            let drained = drained.map_err(|error| RunError::Refused(error.code()))?;
            if drained.is_finished {
                return Ok(());
            }
            self.read_events();
        }
    }

    fn take_and_acknowledge(&mut self, tick: Tick) -> Result<(), RunError> {
        self.observer.step_begins(Step::Take);
        let when_empty = WhenEmpty::NoSlot;
        let slot = take(
            &mut self.coordinator,
            &self.pools,
            self.seed,
            tick,
            when_empty,
        )
        .map_err(RunError::Refused)?;
        let count = slot.map_or(0, |slot| slot.transaction_count as usize);
        self.observer.step_ends(Step::Take, count);
        let Some(slot) = slot else {
            self.read_events();
            return Ok(());
        };
        self.observer.on_slot(&slot);
        note_included(&slot, &self.limits, &mut self.accounts, |_, arrived| {
            self.delays.add(tick, arrived);
        });
        let height = slot.header.height;
        self.settle(height, tick, count)
    }

    /// Acknowledges a slot of `count` transactions.
    fn settle(&mut self, height: Height, tick: Tick, count: usize) -> Result<(), RunError> {
        self.read_events();
        self.observer.step_begins(Step::Acknowledge);
        self.coordinator
            .acknowledge(height, tick)
            .map_err(|error| RunError::Refused(error.code()))?;
        self.observer.step_ends(Step::Acknowledge, count);
        self.slot_tick = tick;
        self.read_events();
        Ok(())
    }

    /// Ends what waits for a nonce that will never come.
    fn expire_rest(&mut self) -> Result<(), RunError> {
        loop {
            let progress = self.coordinator.expire_unready();
            self.read_events();
            if progress.is_finished {
                return Ok(());
            }
            if progress.ended == 0 {
                return Err(RunError::Refused(Code::EventsFull));
            }
        }
    }

    fn read_events(&mut self) {
        while let Some(event) = self.coordinator.poll_event() {
            self.hear(&event);
        }
    }

    fn hear(&mut self, event: &Event) {
        self.observer.on_event(event);
        self.tell_members(event);
    }
}

/// Notes of what a slot includes that its sender's account moved on, and tells its canonical bytes
/// and when it arrived, which slots do not say where logs give the order.
fn note_included(
    slot: &Slot<'_>,
    limits: &Limits,
    accounts: &mut Accounts,
    mut arrived: impl FnMut(&[u8], Tick),
) {
    if let Ok(mut reader) = SlotReader::new(slot.bytes, limits) {
        while let Ok(Some(sub_batch)) = reader.next_sub_batch() {
            for (canonical, transaction, arrival) in sub_batch.iter() {
                arrived(canonical, arrival.tick);
                accounts.include(&transaction.envelope);
            }
        }
    }
}

/// Takes a slot, and gives the policy what it needs.
pub(crate) fn take<'a>(
    coordinator: &'a mut TransactionCoordinator,
    pools: &Pools,
    seed: u64,
    tick: Tick,
    when_empty: WhenEmpty,
) -> Result<Option<Slot<'a>>, Code> {
    let time = agreed_time(tick);
    if !coordinator.policy().needs_seed() {
        let reserves: Vec<PoolReserves> = pools.values().copied().collect();
        let slot = coordinator.take_with_reserves(tick, time, when_empty, &reserves);
        return slot.map_err(|error| error.code());
    }
    let set = coordinator.fix_set(tick, time, when_empty);
    let Some(set) = set.map_err(|error| error.code())? else {
        return Ok(None);
    };
    let slot = coordinator.seal_with_seed(slot_seed(seed, &set.root));
    slot.map(Some).map_err(|error| error.code())
}

/// The seed that a run shuffles a fixed set with: SHA-256 of a tag, the run's seed as eight bytes,
/// the lowest first, and the set's root.
///
/// It follows from the set, so that nothing else has to be kept to run the same again; a network
/// would draw it where nobody can know it before.
#[must_use]
pub fn slot_seed(seed: u64, set_root: &Hash) -> Hash {
    let mut hash = Sha256::new();
    hash.update(b"hauptbuch/run/shuffle/1\0");
    hash.update(seed.to_le_bytes());
    hash.update(set_root.as_bytes());
    Hash::new(hash.finalize().into())
}

/// The agreed time at a tick.
#[must_use]
pub const fn agreed_time(tick: Tick) -> UnixNs {
    UnixNs::new(EPOCH_UNIX_NS.saturating_add(tick.get()))
}

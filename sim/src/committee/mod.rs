//! Several honest sequencers in one process: what each receives, logs, and what follows from all
//! logs together.
//!
//! # What is modelled
//! - Each sequencer has [`Arrivals`] of its own. They include gossip: an arrival is when a body
//!   first reached that sequencer, from its client or from another sequencer.
//! - At the end of each interval every sequencer stamps its log with the tick of the slot, logs
//!   what the rules of [`stream`] let it log, and signs nothing ([`Unsigned`]).
//! - The proposer cuts at all that every log holds, and everybody computes the same from that cut.
//! - A body that a decided cut shows and a sequencer lacks is fetched before the next slot ends.
//! - What does not fit a member's budget or its room for bodies waits at that member, in order.
//!
//! Nobody is silent, slow to vote, or lies, and clocks agree; worlds with attackers and faults are
//! those of [`attack`](crate::attack).
//!
//! [`stream`]: hauptbuch_core::ordering::fair::stream
//!
//! # Cost
//! A slot costs O(bodies held + live ids) for each member and what the graphs cost; an entry two
//! permutations of SHA3-256, one to write it and one to check it.

mod error;
mod known;
mod seat;
#[cfg(test)]
mod tests;
mod unsigned;

use hauptbuch_core::batch::StateParts;
use hauptbuch_core::config::{Config, ConfigError};
use hauptbuch_core::limits::Limits;
use hauptbuch_core::ordering::FairSetup;
use hauptbuch_core::ordering::fair::stream::{
    Cut as StreamCut, Entry, EntryKind, Extent, Facts, FairMember, FairStream, LoggedId, RollupSlot,
};
use hauptbuch_core::receive_log::{
    self, Cut, CutEntry, Extents, LogId, LogMark, Point, ReceiveLogLimits,
};
use hauptbuch_core::types::{
    Envelope, Epoch, Hash, Height, LogPosition, Nonce, Tick, TxId, UnixNs,
};

use crate::arrivals::Arrivals;
use crate::run::index_key;
pub use error::CommitteeError;
use known::Hosts;
pub use known::Known;
use seat::Seat;
pub use unsigned::{UNSIGNED_SUITE, Unsigned};

/// What a committee orders by: the same for all members and every verifier.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Thresholds, sizes, and each rollup's part.
    pub fair: FairSetup,
    /// Names the network.
    pub chain_id: u64,
    /// The genesis hash, where all logs begin.
    pub boundary: Hash,
}

impl Setup {
    /// What follows from a run's configuration.
    ///
    /// # Errors
    /// A [`ConfigError`] where the policy orders by no logs, or its committee is infeasible.
    pub fn of(config: &Config, limits: &Limits) -> Result<Self, ConfigError> {
        Ok(Self {
            fair: FairSetup::of(config, limits)?,
            chain_id: config.chain_id,
            boundary: config.genesis_hash(limits),
        })
    }

    /// How many members there are.
    #[must_use]
    pub const fn member_count(&self) -> u32 {
        self.fair.parameters.n()
    }

    /// The sizes of receive logs: signatures of no length have room for one byte.
    #[must_use]
    pub const fn log_limits(&self) -> ReceiveLogLimits {
        ReceiveLogLimits {
            log_count_max: self.member_count(),
            extent_entries_max: self.fair.limits.extent_entries_max,
            signature_bytes_max: 1,
        }
    }

    /// The decided state before the first slot.
    ///
    /// # Errors
    /// [`CommitteeError::Config`].
    pub fn stream(&self) -> Result<FairStream, CommitteeError> {
        let key = index_key(self.chain_id);
        self.fair.stream(key).map_err(CommitteeError::Config)
    }

    /// All logs, empty.
    ///
    /// # Errors
    /// [`CommitteeError::Limits`].
    pub fn extents(&self) -> Result<Extents, CommitteeError> {
        let marks: Vec<LogMark> = (0..self.member_count() as u16)
            .map(|member| {
                let log = LogId {
                    chain_id: self.chain_id,
                    epoch: Epoch::new(0),
                    member,
                };
                let at = Point {
                    position: LogPosition::new(0),
                    running: log.start(&self.boundary),
                };
                LogMark {
                    at,
                    ..LogMark::default()
                }
            })
            .collect();
        let made = Extents::new(&self.log_limits(), self.chain_id, Epoch::new(0), &marks);
        made.map_err(CommitteeError::Limits)
    }

    /// The bytes that one member's part in ordering takes.
    #[must_use]
    pub fn footprint_bytes(&self) -> u64 {
        let (parameters, limits) = (self.fair.parameters, &self.fair.limits);
        FairStream::footprint_bytes(parameters, limits, &self.fair.parts)
            + FairMember::footprint_bytes(parameters, limits, &self.fair.parts)
            + self.log_limits().footprint_bytes()
    }
}

/// One decided slot, as far as order fairness goes.
#[derive(Clone, Copy, Debug)]
pub struct Decided<'a> {
    /// Its number.
    pub height: Height,
    /// The bytes of each member's extension, in the order of members.
    pub extensions: &'a [Vec<u8>],
    /// The cut.
    pub cut: &'a Cut,
    /// What the slot's header names of the state that follows.
    pub state_root: Hash,
    /// The state that follows, with what the slot drained.
    pub stream: &'a FairStream,
    /// What each log brought, in the order of members.
    pub entries: &'a [Vec<Entry>],
    /// The transactions that were admitted and have not ended.
    pub known: &'a Known,
}

/// All members, and the state that every one of them computes alike.
pub struct Committee {
    setup: Setup,
    stream: FairStream,
    extents: Extents,
    seats: Vec<Seat>,
    known: Known,
    hosts: Hosts,
    cut: Cut,
    extensions: Vec<Vec<u8>>,
    entries: Vec<Vec<Entry>>,
    /// Ids that the newest extensions name.
    logged_count: usize,
    /// Slots in a row in which nothing was logged, nor drained, though something is live.
    still_count: u32,
    live_max: u32,
}

impl Committee {
    /// Makes one for transactions that reach its members at these arrivals; a transaction is the
    /// number of its record.
    ///
    /// # Errors
    /// [`CommitteeError`] where the setup is infeasible, or has not as many members as arrivals.
    pub fn new(setup: &Setup, arrivals: &Arrivals) -> Result<Self, CommitteeError> {
        if arrivals.sequencer_count() != setup.member_count() {
            return Err(CommitteeError::WrongSequencerCount);
        }
        let members = arrivals.lists().len();
        let lists = (0..).zip(arrivals.lists());
        let seats = lists.map(|(number, list)| Seat::new(number, setup, list.to_vec()));
        Ok(Self {
            stream: setup.stream()?,
            extents: setup.extents()?,
            seats: seats.collect::<Result<_, _>>()?,
            known: Known::new(arrivals.transaction_count() as usize),
            hosts: Hosts::default(),
            cut: Cut::new(setup.member_count()),
            extensions: vec![Vec::new(); members],
            entries: vec![Vec::new(); members],
            logged_count: 0,
            still_count: 0,
            live_max: 0,
            setup: setup.clone(),
        })
    }

    /// A transaction was admitted: from now on its body is one that members find valid.
    pub fn admit(
        &mut self,
        record: u32,
        id: TxId,
        body_bytes: u32,
        envelope: &Envelope,
        account_nonce: Option<Nonce>,
    ) {
        if let Some(nonce) = account_nonce {
            self.hosts.name(envelope.rollup, envelope.sender, nonce);
        }
        let id = LoggedId {
            rollup: envelope.rollup,
            id,
            body_bytes,
        };
        self.known.admit(record, id, facts_of(envelope));
    }

    /// A transaction ended; one that was included moves its sender's account on.
    pub fn end(&mut self, id: &TxId, is_included: bool) {
        let Some((id, facts)) = self.known.end(id) else {
            return;
        };
        if is_included {
            self.hosts.include(id.rollup, facts.sender, facts.nonce);
        }
        for seat in &mut self.seats {
            seat.forget(&id);
        }
    }

    /// Lets all members log what reached them before `tick` and decides the slot at it, whose
    /// rollups drain by `rollups`.
    ///
    /// Call [`Committee::settle`] once the slot is acknowledged, and before the next one.
    ///
    /// # Errors
    /// A [`CommitteeError`] that says what was refused: honest members give no reason for any.
    pub fn decide(
        &mut self,
        tick: Tick,
        stamp: UnixNs,
        rollups: &[RollupSlot],
    ) -> Result<Decided<'_>, CommitteeError> {
        self.logged_count = 0;
        // Honest members leave no evidence of a fork.
        let mut evidence = [];
        for (seat, kept) in self.seats.iter_mut().zip(&mut self.extensions) {
            if self.setup.fair.parameters.orders_by_median() {
                let (stream, hosts) = (&self.stream, &self.hosts);
                self.logged_count +=
                    seat.log_by_arrival(tick, stamp, stream, hosts, &self.known)?;
            }
            seat.receive(tick, &self.stream, &self.known);
            let (bytes, logged) = seat.extend(&self.stream, &self.hosts, stamp)?;
            self.logged_count += logged;
            self.extents.admit(bytes, &Unsigned, &mut evidence)?;
            kept.clear();
            kept.extend_from_slice(bytes);
        }
        let height = self.stream.height().next();
        self.extents.propose(height, &mut self.cut)?;
        self.extents.check_cut(&self.cut, height)?;
        sort_entries(self.extents.entries(&self.cut)?, &mut self.entries);
        let extents: Vec<Extent<'_>> = self.entries.iter().map(|it| Extent::moved(it)).collect();
        let cut = StreamCut {
            height,
            extents: &extents,
        };
        self.stream.apply(&cut, rollups, &self.known)?;
        self.live_max = self.live_max.max(self.stream.live_count());
        let is_still = self.logged_count == 0 && self.stream.drained().is_empty();
        self.still_count = if is_still { self.still_count + 1 } else { 0 };
        let parts = StateParts {
            order: self.stream.state_hash(),
            cut: self.cut.hash(),
            registry: Hash::ZERO,
        };
        Ok(Decided {
            height,
            state_root: parts.root(),
            extensions: &self.extensions,
            cut: &self.cut,
            stream: &self.stream,
            entries: &self.entries,
            known: &self.known,
        })
    }

    /// The slot is acknowledged: members learn of it, and what it covers is dropped.
    ///
    /// # Errors
    /// A [`CommitteeError`], as above.
    pub fn settle(&mut self) -> Result<(), CommitteeError> {
        self.extents.decide(&self.cut)?;
        self.seats
            .iter_mut()
            .try_for_each(|seat| seat.settle(&self.stream))
    }

    /// The decided state.
    #[must_use]
    pub const fn stream(&self) -> &FairStream {
        &self.stream
    }

    /// What it orders by.
    #[must_use]
    pub const fn setup(&self) -> &Setup {
        &self.setup
    }

    /// When the next body reaches a member; nothing once all have.
    #[must_use]
    pub fn next_arrival(&self) -> Option<Tick> {
        let next = self.seats.iter().filter_map(Seat::next_arrival);
        next.min()
    }

    /// Whether a further slot can bring something without a further arrival.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        let is_pushing_back = self.seats.iter().any(Seat::is_pushing_back);
        let can_go_on = self.logged_count > 0 || self.stream.live_count() > 0 || is_pushing_back;
        can_go_on && self.still_count < STILL_COUNT_MAX
    }

    /// Ids that are live though several slots in a row moved nothing.
    #[must_use]
    pub fn stuck_count(&self) -> u32 {
        if self.is_busy() {
            0
        } else {
            self.stream.live_count()
        }
    }

    /// The most ids that were live at one time.
    #[must_use]
    pub const fn live_max(&self) -> u32 {
        self.live_max
    }

    /// By member, the most bodies that waited in line for a place at one time.
    #[must_use]
    pub fn pushed_back_max(&self) -> Vec<u32> {
        let seats = self.seats.iter();
        seats.map(|seat| seat.waiting_max() as u32).collect()
    }
}

/// What a body says, as order fairness reads it.
#[must_use]
pub const fn facts_of(envelope: &Envelope) -> Facts {
    Facts {
        sender: envelope.sender,
        nonce: envelope.nonce,
        gas: envelope.gas,
        expiry: envelope.expiry,
    }
}

/// The entries of a cut by member, as order fairness reads them.
pub fn sort_entries<'a>(entries: impl Iterator<Item = CutEntry<'a>>, by_log: &mut [Vec<Entry>]) {
    by_log.iter_mut().for_each(Vec::clear);
    for entry in entries {
        let kind = match entry.entry {
            receive_log::Entry::Id {
                rollup,
                id,
                body_bytes,
                sealed: false,
            } => EntryKind::Id(LoggedId {
                rollup: *rollup,
                id: *id,
                body_bytes: *body_bytes,
            }),
            receive_log::Entry::Stamp(time) => EntryKind::Stamp(*time),
            receive_log::Entry::Closed => EntryKind::Closed,
            _ => continue,
        };
        if let Some(log) = by_log.get_mut(usize::from(entry.member)) {
            let base = entry.base;
            log.push(Entry { base, kind });
        }
    }
}

/// Slots in a row without any change, after which nothing is waited for any more: longer than
/// entries take to lapse and to be logged again by default.
const STILL_COUNT_MAX: u32 = 64;

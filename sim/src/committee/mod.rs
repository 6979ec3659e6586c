//! Several sequencers in one process: what each receives, logs and signs, and what all of them
//! agree on.
//!
//! # What is modelled
//! - A transaction is let in or refused at the run's door. What was let in reaches each sequencer
//!   at a time of its own ([`Arrivals`]). That includes gossip: an arrival is when a body first
//!   reached that sequencer, from its client or from another sequencer.
//! - Who has no seat, because it joins in a later epoch or has left, passes on what reaches it to
//!   all members.
//! - Each sequencer is a member with a state of its own: what it holds, its log, its copy of the
//!   others' logs, its order, its chain of slots, its keys. Only the bytes of transactions are in
//!   memory once for all.
//! - At the end of each interval every member stamps its log with the tick of the slot, logs what
//!   the rules of [`stream`] let it log, and signs that. The others take it in only with a good
//!   signature.
//! - The proposer cuts at all that every log holds. Each member computes the slot from that cut by
//!   its own logs and order, and accepts no other ([`consensus`](crate::run)).
//! - A body that a proposed or decided cut shows and a member lacks is fetched.
//! - What does not fit a member's budget or its room for bodies waits at that member, in order.
//!
//! Nobody is slow to vote or lies, and clocks agree; worlds with attackers and faults are those of
//! [`attack`](crate::attack). Nobody is silent either, unless a [`MembershipPlan`] says who.
//!
//! # Epochs
//! Where a [`MembershipPlan`] has changes, whoever proposes puts those that are due into its slot.
//! Each member checks them by its own registry and accepts none that it did not agree to. From the
//! decided slots alone follow the slot that closes the epoch
//! ([`Succession`](hauptbuch_core::sequencer::Succession)) and, by rule 21 of [`stream`], the one
//! that ends it, whose header names the next members.
//! - Members that stay hand over: registry, order, their side of it, logs, keys and consensus.
//! - One that joins believes the first members, and through the certificates at the end of each
//!   epoch those of the present one. It takes the states of a peer as bytes and compares them with
//!   what the last slot names; and it asks all for the bodies that wait in their lines (rule 24).
//! - One that leaves gives its own lines to all, and stops.
//! - One that was away comes back in the same way as one that joins, and goes on with its log if
//!   the epoch is still the same.
//!
//! [`stream`]: hauptbuch_core::ordering::fair::stream
//!
//! # Cost
//! A slot costs O(bodies held + live ids) for each member and what the graphs cost; an entry two
//! permutations of SHA3-256 at each, one to write it or to check it and one to name it; a slot a
//! signature for each member's log and its check at each other one. Members work side by side on as
//! many threads as there are.

mod agree;
mod error;
mod handover;
mod inbox;
mod keys;
mod known;
mod member;
mod plan;
mod pooled;
mod registrar;
mod seat;
#[cfg(test)]
mod tests;
mod trail;
mod unsigned;

use std::sync::Arc;

use hauptbuch_core::config::{Config, ConfigError};
use hauptbuch_core::crypto::signature::SIGNATURE_BYTES;
use hauptbuch_core::limits::Limits;
use hauptbuch_core::ordering::FairSetup;
use hauptbuch_core::ordering::fair::stream::{
    Entry, EntryKind, Facts, FairMember, FairStream, LoggedId, TrialStream,
};
use hauptbuch_core::receive_log::{
    self, Cut, CutEntry, Extents, LogId, LogMark, OwnRecord, Point, ReceiveLogLimits,
};
use hauptbuch_core::types::{
    Envelope, Epoch, Hash, Height, LogPosition, Nonce, SequencerId, Tick, TxId, UnixNs,
};
use rayon::iter::{
    IndexedParallelIterator as _, IntoParallelIterator as _, IntoParallelRefMutIterator as _,
    ParallelIterator as _,
};

use crate::arrivals::Arrivals;
use crate::run::{ConsensusReport, index_key};
use crate::workload::Workload;
pub use agree::MESSAGE_DELAY_NS;
use agree::{Agreement, check_agreement};
pub use error::CommitteeError;
use inbox::{Inbox, Unseated};
pub use keys::{
    Application, MemberKeys, MemberSigner, PublicKeys, electorate, electorate_with_room,
    network_hash,
};
pub use known::Known;
use known::Outside;
use member::Member;
pub use plan::{Absence, LEAD_SLOTS, MembershipPlan, MembershipStep, PlanError, PlannedChange};
pub use pooled::{Adoptable, PoolCommittee, SlotRefusal};
use registrar::Registrar;
pub use registrar::{first_succession, registry_setup, succession_rules};
use seat::{Seat, Table};
use trail::Trail;
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

    /// The sizes of receive logs.
    #[must_use]
    pub const fn log_limits(&self) -> ReceiveLogLimits {
        ReceiveLogLimits {
            log_count_max: self.fair.limits.log_count_max(self.fair.parameters),
            extent_entries_max: self.fair.limits.extent_entries_max,
            signature_bytes_max: SIGNATURE_BYTES as u32,
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

    /// All logs of the first epoch, empty.
    ///
    /// # Errors
    /// [`CommitteeError::Limits`].
    pub fn extents(&self) -> Result<Extents, CommitteeError> {
        let mark = |member| LogMark {
            at: self.new_log(Epoch::ZERO, &self.boundary, member).end,
            ..LogMark::default()
        };
        let marks: Vec<LogMark> = (0..self.member_count() as u16).map(mark).collect();
        let made = Extents::new(&self.log_limits(), self.chain_id, Epoch::ZERO, &marks);
        made.map_err(CommitteeError::Limits)
    }

    /// A member's log of an epoch before its first entry; `boundary` is the hash of the last slot
    /// before it, or of the genesis.
    #[must_use]
    pub fn new_log(&self, epoch: Epoch, boundary: &Hash, member: u16) -> OwnRecord {
        let log = LogId {
            chain_id: self.chain_id,
            epoch,
            member,
        };
        OwnRecord {
            log,
            end: Point {
                position: LogPosition::ZERO,
                running: log.start(boundary),
            },
            base: Height::ZERO,
            stamp: UnixNs::ZERO,
        }
    }

    /// The bytes that one member's part in ordering takes.
    #[must_use]
    pub fn footprint_bytes(&self) -> u64 {
        let (parameters, limits) = (self.fair.parameters, &self.fair.limits);
        TrialStream::footprint_bytes(parameters, limits, &self.fair.parts)
            + FairMember::footprint_bytes(parameters, limits, &self.fair.parts)
            + self.log_limits().footprint_bytes()
    }
}

/// One decided slot, as far as order fairness goes.
#[derive(Clone, Copy, Debug)]
pub struct Decided<'a> {
    /// Its number.
    pub height: Height,
    /// Its hash, which all members computed alike.
    pub slot: Hash,
    /// The bytes of each member's signed extension, in the order of members.
    pub extensions: &'a [Vec<u8>],
    /// The cut.
    pub cut: &'a Cut,
    /// The epoch that it belongs to.
    pub epoch: Epoch,
    /// The members of that epoch, in their order.
    pub members: &'a [SequencerId],
    /// The changes to the membership that it carries.
    pub changes: &'a [u8],
    /// Where it ends its epoch, the hash of the next one's membership; otherwise zero.
    pub next_membership: Hash,
    /// What the slot's header names of the state that follows.
    pub state_root: Hash,
    /// The state that follows, with what the slot drained.
    pub stream: &'a FairStream,
    /// What each log brought, in the order of members.
    pub entries: &'a [Vec<Entry>],
    /// The transactions that were let in and have not ended.
    pub known: &'a Known,
    /// The commit certificate.
    pub certificate: &'a [u8],
}

/// What a committee is made from beside its [`Setup`].
#[derive(Clone, Copy, Debug)]
pub struct Parts<'a> {
    /// The core's configuration, the same for all.
    pub config: &'a Config,
    /// Every maximum, the same for all.
    pub limits: &'a Limits,
    /// What members sign with, and those that join later.
    pub keys: &'a MemberKeys,
    /// What members have agreed to change about themselves.
    pub plan: &'a MembershipPlan,
}

/// What all members, and those that join, are made from.
struct Kit {
    setup: Setup,
    config: Config,
    limits: Limits,
    keys: MemberKeys,
    plan: Arc<MembershipPlan>,
}

impl Kit {
    /// Where all logs and votes begin.
    const fn genesis(&self) -> Hash {
        self.setup.boundary
    }

    /// The registry of a member before the first slot, where anything of the members changes.
    fn registrar(&self) -> Result<Option<Registrar>, CommitteeError> {
        let is_wanted = !self.plan.is_empty();
        let made = is_wanted
            .then(|| Registrar::new(&self.config, &self.genesis(), &self.keys, &self.plan));
        made.transpose()
    }
}

/// All members, and what lies between them.
pub struct Committee {
    kit: Kit,
    table: Table,
    /// In the order of the members of the epoch.
    seats: Vec<Seat<Member>>,
    /// How each epoch handed over to the next, for whoever joins.
    trail: Trail,
    unseated: Unseated,
    outside: Outside,
    extensions: Vec<Vec<u8>>,
    agreement: Agreement,
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
    pub fn new(
        setup: &Setup,
        parts: &Parts<'_>,
        arrivals: &Arrivals,
    ) -> Result<Self, CommitteeError> {
        let member_count = setup.member_count();
        let sequencer_count = member_count.max(parts.plan.sequencer_count());
        if arrivals.sequencer_count() != sequencer_count {
            return Err(CommitteeError::WrongSequencerCount);
        }
        let kit = Kit {
            setup: setup.clone(),
            config: parts.config.clone(),
            limits: parts.limits.clone(),
            keys: parts.keys.clone(),
            plan: Arc::new(parts.plan.clone()),
        };
        let most = setup.log_limits().log_count_max as u16;
        let parcel = member::parcel_of(setup, !parts.plan.is_empty());
        let table = Table::new(parts.keys, &setup.boundary, most, parcel);
        let first = parts.keys.membership();
        let mut unseated = Unseated::new(arrivals);
        let ids = (0..member_count).map(SequencerId::new);
        let inboxes: Vec<Inbox> = ids.map(|id| unseated.take(id)).collect();
        let seats = inboxes.into_par_iter().enumerate().map(|(number, inbox)| {
            let mind = Member::new(number as u16, &kit, inbox)?;
            Seat::new(mind, &table, first)
        });
        Ok(Self {
            seats: seats.collect::<Result<_, CommitteeError>>()?,
            trail: Trail::new(table.network, first, table.member_count_max),
            outside: Outside::new(arrivals.transaction_count() as usize),
            extensions: vec![Vec::new(); member_count as usize],
            agreement: Agreement::default(),
            logged_count: 0,
            still_count: 0,
            live_max: 0,
            unseated,
            kit,
            table,
        })
    }

    /// A transaction was let in: from now on its body is one that members find valid.
    pub fn admit(
        &mut self,
        record: u32,
        id: TxId,
        body_bytes: u32,
        envelope: &Envelope,
        account_nonce: Option<Nonce>,
    ) {
        self.outside
            .admit(record, id, body_bytes, envelope, account_nonce);
    }

    /// A transaction ended; one that was included moves its sender's account on.
    pub fn end(&mut self, id: &TxId, is_included: bool) {
        let Some(id) = self.outside.end(id, is_included) else {
            return;
        };
        for seat in &mut self.seats {
            seat.mind.forget(&id);
        }
    }

    /// Lets all members log and sign what reached them before `tick`, where `stamp` is the time,
    /// and take in each other's logs; how many ids they named. Where the last slot ended an epoch,
    /// the next one begins first.
    ///
    /// # Errors
    /// A [`CommitteeError`] that says what was refused: honest members give no reason for any.
    pub fn log(
        &mut self,
        tick: Tick,
        stamp: UnixNs,
        workload: &Workload,
    ) -> Result<usize, CommitteeError> {
        self.change_members(tick, workload)?;
        let inboxes = self.seats.iter_mut().map(|seat| &mut seat.mind.inbox);
        self.unseated.pass_on(tick, inboxes);
        let world = self.outside.world(workload);
        let extended = self.seats.par_iter_mut().zip(&mut self.extensions);
        extended.try_for_each(|(seat, kept)| {
            kept.clear();
            if seat.is_up {
                seat.mind.extend(tick, stamp, &world)?;
                kept.extend_from_slice(seat.mind.extension());
            }
            Ok::<(), CommitteeError>(())
        })?;
        let extensions = &self.extensions;
        let present = self.seats.par_iter_mut().filter(|seat| seat.is_up);
        present.try_for_each(|seat| {
            let mut said = extensions.iter().filter(|it| !it.is_empty());
            said.try_for_each(|it| seat.mind.admit(it))
        })?;
        let present = self.seats.iter().filter(|seat| seat.is_up);
        self.logged_count = present.map(|seat| seat.mind.logged_count()).sum();
        Ok(self.logged_count)
    }

    /// Agrees on the slot at `tick`, which follows from what was logged, and settles it at every
    /// member.
    ///
    /// # Errors
    /// A [`CommitteeError`], as above.
    pub fn decide(
        &mut self,
        tick: Tick,
        workload: &Workload,
    ) -> Result<Decided<'_>, CommitteeError> {
        let world = self.outside.world(workload);
        let slot = self.agreement.agree(&mut self.seats, tick, &world)?;
        let is_drained = self.first()?.mind.stream().drained().is_empty();
        let is_still = self.logged_count == 0 && is_drained;
        self.live_max = self.live_max.max(self.live_count());
        self.still_count = if is_still { self.still_count + 1 } else { 0 };
        let seat = self.first()?;
        let first = &seat.mind;
        let settled = first.settled();
        Ok(Decided {
            height: first.stream().height(),
            slot,
            epoch: first.stream().epoch(),
            members: first.members(),
            changes: &settled.changes,
            next_membership: settled.next_membership,
            extensions: &self.extensions,
            cut: &first.cut,
            state_root: settled.state_root,
            stream: first.stream(),
            entries: &first.entries,
            known: &self.outside.known,
            certificate: seat.certificate(),
        })
    }

    /// The first member that takes part. What is shown of a slot is shown as it stands there, since
    /// all agree.
    fn first(&self) -> Result<&Seat<Member>, CommitteeError> {
        let first = self.seats.iter().find(|seat| seat.is_up);
        first.ok_or(CommitteeError::WrongSequencerCount)
    }

    /// Whether all members have come to the same order and chain.
    ///
    /// # Errors
    /// [`CommitteeError::Diverged`].
    pub fn check_agreement(&mut self) -> Result<(), CommitteeError> {
        check_agreement(&mut self.seats)
    }

    /// What agreeing came to so far.
    #[must_use]
    pub fn consensus_report(&self) -> ConsensusReport {
        self.agreement.report(&self.seats)
    }

    /// What it orders by.
    #[must_use]
    pub const fn setup(&self) -> &Setup {
        &self.kit.setup
    }

    /// When the next body reaches a member; nothing once all have.
    #[must_use]
    pub fn next_arrival(&self) -> Option<Tick> {
        let present = self.seats.iter().filter(|seat| seat.is_up);
        let next = present.filter_map(|it| it.mind.next_arrival());
        next.chain(self.unseated.next_tick()).min()
    }

    /// Whether a further slot can bring something without a further arrival.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        let mut present = self.seats.iter().filter(|seat| seat.is_up);
        let is_pushing_back = present.any(|it| it.mind.is_pushing_back());
        let is_ending = self.first().is_ok_and(|seat| seat.mind.is_epoch_ending());
        let can_go_on =
            self.logged_count > 0 || self.live_count() > 0 || is_pushing_back || is_ending;
        can_go_on && self.still_count < STILL_COUNT_MAX
    }

    /// Ids that are live though several slots in a row moved nothing.
    #[must_use]
    pub fn stuck_count(&self) -> u32 {
        if self.is_busy() { 0 } else { self.live_count() }
    }

    fn live_count(&self) -> u32 {
        let first = self.first();
        first.map_or(0, |seat| seat.mind.stream().live_count())
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
        seats.map(|seat| seat.mind.waiting_max() as u32).collect()
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

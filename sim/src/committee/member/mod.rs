//! One member of the committee: what reaches it, what it logs and signs, what it knows of the
//! others' logs, and what it makes of the cuts that are proposed.

mod epoch;
#[cfg(test)]
mod tests;
mod vote;

use std::collections::{HashMap, VecDeque};

use hauptbuch_core::coordinator::TransactionCoordinator;
use hauptbuch_core::error::Full;
use hauptbuch_core::limits::Limits;
use hauptbuch_core::ordering::fair::stream::{
    Bodies, BodySource, Entry, EntryKind, Facts, FairMember, FairStream, LoggedId, TrialStream,
};
use hauptbuch_core::receive_log::{self, Cut, Extents, LogVerifier, OwnLog, STATEMENT_LEN};
use hauptbuch_core::types::{Epoch, Height, LogPosition, SequencerId, Tick, UnixNs};

use super::inbox::Inbox;
use super::known::World;
use super::registrar::Registrar;
use super::{CommitteeError, Kit, MemberSigner, PublicKeys, Setup};
use crate::run::index_key;
pub(super) use epoch::Offer;
pub(super) use vote::Settled;
use vote::Taken;
pub(super) use vote::parcel_of;

/// How far apart the stamps of a log are under median timestamps, and so how fine their order is.
const STAMP_STEP_NS: u64 = 10_000_000;

/// A member, with all that it keeps for itself. Members share the transactions' bytes, which a run
/// has in memory once; which of them a member holds, it knows alone.
pub(super) struct Member {
    id: SequencerId,
    /// Its place among the members of the epoch, and so the number of its log.
    number: u16,
    /// The members of the epoch, in their order.
    members: Vec<SequencerId>,
    /// Where members change, what it knows of that.
    registrar: Option<Registrar>,
    /// What it would log next.
    side: FairMember,
    log: OwnLog,
    /// What all members logged, as far as it reached this one.
    extents: Extents,
    /// The order as it is decided, and as a candidate would make it.
    trial: TrialStream,
    /// Its own chain of slots, and the bodies that these drain.
    node: TransactionCoordinator,
    held: Held,
    pub(super) inbox: Inbox,
    /// What it pushed back because as many bodies wait as can; tried again at each slot.
    waiting: VecDeque<u32>,
    waiting_max: usize,
    polled: Vec<Entry>,
    extension: Vec<u8>,
    extension_len: usize,
    /// Ids that the newest extension names.
    logged_count: usize,
    /// The cut of the candidate, and its entries by log.
    pub(super) cut: Cut,
    pub(super) entries: Vec<Vec<Entry>>,
    taken: Option<Taken>,
    /// The slot that was settled last.
    settled: Settled,
    /// It took a peer's state, and has logged nothing under it yet.
    is_new: bool,
    setup: Setup,
    signer: MemberSigner,
    public: PublicKeys,
    /// Signatures that it made under its log, and checked under those of others.
    signatures_made: u64,
    signatures_verified: u64,
    /// In a first round it proposes what its cut gives in reverse.
    #[cfg(test)]
    reverses_first: bool,
}

/// Bodies that a member holds, by what they say. Only looked up, never walked.
#[derive(Debug, Default)]
struct Held(HashMap<LoggedId, Facts>);

impl Bodies for Held {
    fn facts(&self, id: &LoggedId) -> Option<Facts> {
        self.0.get(id).copied()
    }
}

/// Takes a member's own extensions without a check, because it has just signed them.
struct Others<'a> {
    own: u16,
    public: &'a PublicKeys,
}

impl LogVerifier for Others<'_> {
    fn suite(&self) -> u8 {
        LogVerifier::suite(self.public)
    }

    fn verify(&self, member: u16, statement: &[u8; STATEMENT_LEN], signature: &[u8]) -> bool {
        member == self.own || self.public.verify(member, statement, signature)
    }
}

impl Member {
    /// A member of the first epoch, before the first slot.
    pub(super) fn new(number: u16, kit: &Kit, inbox: Inbox) -> Result<Self, CommitteeError> {
        let Kit { setup, keys, .. } = kit;
        let logs = setup.log_limits();
        let record = setup.new_log(Epoch::ZERO, &setup.boundary, number);
        let blank = Entry {
            base: Height::ZERO,
            kind: EntryKind::Stamp(UnixNs::ZERO),
        };
        let key = index_key(u64::from(number));
        let signer = keys.signer(number);
        let members = setup.member_count();
        let first = keys.membership().members();
        Ok(Self {
            id: SequencerId::new(number.into()),
            number,
            members: first.iter().map(|member| member.id).collect(),
            registrar: kit.registrar()?,
            side: setup.fair.member(number.into(), key)?,
            log: OwnLog::new(&logs, &record, LogPosition::ZERO),
            extents: setup.extents()?,
            trial: TrialStream::new(setup.stream()?),
            node: TransactionCoordinator::new(&kit.config, &pool_of(setup, &kit.limits))?,
            held: Held::default(),
            inbox,
            waiting: VecDeque::new(),
            waiting_max: 0,
            polled: vec![blank; logs.extent_entries_max as usize],
            extension: vec![0; logs.extension_bytes_max() as usize],
            extension_len: 0,
            logged_count: 0,
            cut: Cut::new(members),
            entries: vec![Vec::new(); members as usize],
            taken: None,
            settled: Settled::default(),
            is_new: false,
            setup: setup.clone(),
            signer: signer.ok_or(CommitteeError::WrongSequencerCount)?,
            public: keys.public().clone(),
            signatures_made: 0,
            signatures_verified: 0,
            #[cfg(test)]
            reverses_first: false,
        })
    }

    /// The decided state. Between slots there is no other.
    pub(super) const fn stream(&self) -> &FairStream {
        self.trial.stream()
    }

    /// When the next body reaches it.
    pub(super) fn next_arrival(&self) -> Option<Tick> {
        self.inbox.next_tick()
    }

    /// Whether the epoch is to end, or has ended.
    pub(super) fn is_epoch_ending(&self) -> bool {
        self.trial.stream().closing().is_some()
    }

    /// Whether bodies wait that it pushed back.
    pub(super) fn is_pushing_back(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// The most bodies that it pushed back at one time.
    pub(super) const fn waiting_max(&self) -> usize {
        self.waiting_max
    }

    /// How many ids its newest extension names.
    pub(super) const fn logged_count(&self) -> usize {
        self.logged_count
    }

    /// The bytes of its newest extension.
    pub(super) fn extension(&self) -> &[u8] {
        &self.extension[..self.extension_len]
    }

    /// Lets what reached it before `tick`, where `stamp` is the time, into its log, and signs it.
    pub(super) fn extend(
        &mut self,
        tick: Tick,
        stamp: UnixNs,
        world: &World<'_>,
    ) -> Result<(), CommitteeError> {
        self.logged_count = 0;
        if self.setup.fair.parameters.orders_by_median() {
            self.log_by_arrival(tick, stamp, world)?;
        }
        self.receive(tick, world);
        self.log(stamp, world)?;
        let base = self.trial.stream().height();
        self.extension_len = self
            .log
            .extend(base, &mut self.signer, &mut self.extension)?;
        self.signatures_made += 1;
        Ok(())
    }

    /// Takes in an extension of any member's log, if its signature is that member's.
    pub(super) fn admit(&mut self, bytes: &[u8]) -> Result<(), CommitteeError> {
        let verifier = Others {
            own: self.number,
            public: &self.public,
        };
        // Evidence of a fork is told to nobody in a run: nobody forks.
        let admitted = self.extents.admit(bytes, &verifier, &mut [])?;
        self.signatures_verified += u64::from(admitted.member != self.number);
        Ok(())
    }

    /// Takes in what reaches it before `tick`, and fetches what decided cuts showed and it lacks.
    fn receive(&mut self, tick: Tick, world: &World<'_>) {
        let mut again = std::mem::take(&mut self.waiting);
        while let Some(record) = again.pop_front() {
            self.offer(record, world);
        }
        while let Some(arrival) = self.inbox.pop_before(tick) {
            self.offer(arrival.transaction, world);
        }
        self.waiting_max = self.waiting_max.max(self.waiting.len());
        let stream = self.trial.stream();
        let mut missing: Vec<LoggedId> = self.side.bodies_missing(stream).collect();
        missing.sort_unstable();
        for id in missing {
            if let Some(facts) = self.fetch(&id, world) {
                let stream = self.trial.stream();
                // What is live has a place of its own.
                let held = self
                    .side
                    .handle_body(stream, id, facts, BodySource::Learned);
                debug_assert!(held.is_ok(), "a live id finds room");
            }
        }
    }

    /// Gets a body that others logged, from them; what it says.
    fn fetch(&mut self, id: &LoggedId, world: &World<'_>) -> Option<Facts> {
        if let Some(facts) = self.held.facts(id) {
            return Some(facts);
        }
        let facts = world.known.facts_of(id)?;
        self.held.0.insert(*id, facts);
        Some(facts)
    }

    /// A body reaches the member; where it pushes back, the body waits in line.
    fn offer(&mut self, record: u32, world: &World<'_>) {
        // What has ended needs no body any more, and what the door refused has none.
        let Some((id, facts)) = world.known.body(record) else {
            return;
        };
        let stream = self.trial.stream();
        if !self.waiting.is_empty() && !stream.is_live(&id) {
            self.waiting.push_back(record);
            return;
        }
        let first_hand = BodySource::FirstHand;
        match self.side.handle_body(stream, id, facts, first_hand) {
            Err(Full(_)) => self.waiting.push_back(record),
            Ok(_) => {
                self.held.0.insert(id, facts);
            }
        }
    }

    /// Logs window by window what reaches it before that in which `tick` lies, each under a stamp
    /// of its own: median timestamps order by nothing else.
    fn log_by_arrival(
        &mut self,
        tick: Tick,
        stamp: UnixNs,
        world: &World<'_>,
    ) -> Result<(), CommitteeError> {
        while let Some(next) = self.next_arrival() {
            let end = (next.get() / STAMP_STEP_NS + 1).saturating_mul(STAMP_STEP_NS);
            if end >= tick.get() {
                break;
            }
            self.receive(Tick::new(end), world);
            let time = stamp.get().saturating_sub(tick.get() - end);
            self.log(UnixNs::new(time), world)?;
        }
        Ok(())
    }

    /// Logs what it may under a stamp.
    fn log(&mut self, stamp: UnixNs, world: &World<'_>) -> Result<(), CommitteeError> {
        let stream = self.trial.stream();
        let polled = &mut self.polled;
        let count = self
            .side
            .poll_entries(stream, world.hosts, Some(stamp), polled);
        for entry in &self.polled[..count] {
            self.log.append(to_log(entry))?;
        }
        self.logged_count += count.saturating_sub(1);
        Ok(())
    }

    /// A transaction ended before this member logged it.
    pub(super) fn forget(&mut self, id: &LoggedId) {
        self.side.forget(id);
        self.held.0.remove(id);
    }

    /// The slot that was settled last.
    pub(super) const fn settled(&self) -> &Settled {
        &self.settled
    }
}

/// The maxima of a member's own pool, which holds what is live and what the slot at hand drains:
/// all that comes to it came through the run's door.
fn pool_of(setup: &Setup, limits: &Limits) -> Limits {
    let live_ids_max = setup.fair.limits.live_ids_max(setup.fair.parameters);
    Limits {
        pending_count_max: live_ids_max.saturating_add(limits.slot_count_max),
        rollup_reserved_count: 0,
        quiet_reserved_count: 0,
        origin_count_max: 1,
        seen_count_max: 0,
        cancel_count_max: 1,
        hint_count_max: 0,
        in_flight_count_max: 1,
        event_count_max: limits.slot_count_max.saturating_mul(2),
        producer_count_max: 0,
        shared_lane_count_max: 0,
        lane_count_max: 1,
        ..limits.clone()
    }
}

/// An entry as the log's bytes have it.
const fn to_log(entry: &Entry) -> receive_log::Entry {
    match entry.kind {
        EntryKind::Id(id) => receive_log::Entry::Id {
            rollup: id.rollup,
            id: id.id,
            sealed: false,
            body_bytes: id.body_bytes,
        },
        EntryKind::Stamp(time) => receive_log::Entry::Stamp(time),
        _ => receive_log::Entry::Closed,
    }
}

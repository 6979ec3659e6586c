//! One honest member of the committee.

use std::collections::VecDeque;

use hauptbuch_core::error::Full;
use hauptbuch_core::ordering::fair::stream::{
    BodySource, Entry, EntryKind, FairMember, FairStream, LoggedId,
};
use hauptbuch_core::receive_log::{self, LogId, OwnLog, OwnRecord, Point};
use hauptbuch_core::types::{Epoch, Height, LogPosition, Tick, UnixNs};

use super::known::{Hosts, Known};
use super::{CommitteeError, Setup, Unsigned};
use crate::arrivals::Arrival;
use crate::run::index_key;

/// How far apart the stamps of a log are under median timestamps, and so how fine their order is.
const STAMP_STEP_NS: u64 = 10_000_000;

/// A member: what reaches it, what it holds, and the log that it writes.
pub(super) struct Seat {
    member: FairMember,
    log: OwnLog,
    /// In the order in which they reach it.
    arrivals: Vec<Arrival>,
    delivered: usize,
    /// What it pushed back because as many bodies wait as can; tried again at each slot.
    waiting: VecDeque<u32>,
    waiting_max: usize,
    entries: Vec<Entry>,
    extension: Vec<u8>,
}

impl Seat {
    pub(super) fn new(
        number: u32,
        setup: &Setup,
        arrivals: Vec<Arrival>,
    ) -> Result<Self, CommitteeError> {
        let logs = setup.log_limits();
        let log = LogId {
            chain_id: setup.chain_id,
            epoch: Epoch::new(0),
            member: number as u16,
        };
        let record = OwnRecord {
            log,
            end: Point {
                position: LogPosition::new(0),
                running: log.start(&setup.boundary),
            },
            base: Height::ZERO,
            stamp: UnixNs::ZERO,
        };
        let blank = Entry {
            base: Height::ZERO,
            kind: EntryKind::Stamp(UnixNs::ZERO),
        };
        let key = index_key(u64::from(number));
        Ok(Self {
            member: setup.fair.member(number, key)?,
            log: OwnLog::new(&logs, &record, LogPosition::new(0)),
            arrivals,
            delivered: 0,
            waiting: VecDeque::new(),
            waiting_max: 0,
            entries: vec![blank; logs.extent_entries_max as usize],
            extension: vec![0; logs.extension_bytes_max() as usize],
        })
    }

    /// When the next body reaches it.
    pub(super) fn next_arrival(&self) -> Option<Tick> {
        self.arrivals.get(self.delivered).map(|arrival| arrival.at)
    }

    /// Whether bodies wait that it pushed back.
    pub(super) fn is_pushing_back(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// The most bodies that it pushed back at one time.
    pub(super) const fn waiting_max(&self) -> usize {
        self.waiting_max
    }

    /// Takes in what reaches it before `tick`, and fetches what decided cuts showed and it lacks.
    pub(super) fn receive(&mut self, tick: Tick, stream: &FairStream, known: &Known) {
        let mut again = std::mem::take(&mut self.waiting);
        while let Some(record) = again.pop_front() {
            self.offer(record, stream, known);
        }
        while let Some(arrival) = self.arrivals.get(self.delivered).copied() {
            if arrival.at >= tick {
                break;
            }
            self.delivered += 1;
            self.offer(arrival.transaction, stream, known);
        }
        self.waiting_max = self.waiting_max.max(self.waiting.len());
        let mut missing: Vec<LoggedId> = self.member.bodies_missing(stream).collect();
        missing.sort_unstable();
        for id in missing {
            if let Some(facts) = known.facts_of(&id) {
                // What is live has a place of its own.
                let held = self
                    .member
                    .handle_body(stream, id, facts, BodySource::Learned);
                debug_assert!(held.is_ok(), "a live id finds room");
            }
        }
    }

    /// A body reaches the member; where it pushes back, the body waits in line.
    fn offer(&mut self, record: u32, stream: &FairStream, known: &Known) {
        // What has ended needs no body any more, and what the pool refused has none.
        let Some((id, facts)) = known.body(record) else {
            return;
        };
        if !self.waiting.is_empty() && !stream.is_live(&id) {
            self.waiting.push_back(record);
            return;
        }
        let held = self
            .member
            .handle_body(stream, id, facts, BodySource::FirstHand);
        if let Err(Full(_)) = held {
            self.waiting.push_back(record);
        }
    }

    /// Takes in what reaches it before `tick`, where `stamp` is the time, and logs it window by
    /// window, each under a stamp of its own: median timestamps order by nothing else. Returns how
    /// many ids it logged before the window in which `tick` lies.
    pub(super) fn log_by_arrival(
        &mut self,
        tick: Tick,
        stamp: UnixNs,
        stream: &FairStream,
        hosts: &Hosts,
        known: &Known,
    ) -> Result<usize, CommitteeError> {
        let mut logged = 0;
        while let Some(next) = self.next_arrival() {
            let end = (next.get() / STAMP_STEP_NS + 1).saturating_mul(STAMP_STEP_NS);
            if end >= tick.get() {
                break;
            }
            self.receive(Tick::new(end), stream, known);
            let time = stamp.get().saturating_sub(tick.get() - end);
            logged += self.log(stream, hosts, UnixNs::new(time))?;
        }
        Ok(logged)
    }

    /// Logs what it may under a stamp, and returns how many ids that were.
    fn log(
        &mut self,
        stream: &FairStream,
        hosts: &Hosts,
        stamp: UnixNs,
    ) -> Result<usize, CommitteeError> {
        let count = self
            .member
            .poll_entries(stream, hosts, Some(stamp), &mut self.entries);
        for entry in &self.entries[..count] {
            self.log.append(to_log(entry))?;
        }
        Ok(count.saturating_sub(1))
    }

    /// Logs what it may, and returns the bytes of its extension and how many ids they name.
    pub(super) fn extend(
        &mut self,
        stream: &FairStream,
        hosts: &Hosts,
        stamp: UnixNs,
    ) -> Result<(&[u8], usize), CommitteeError> {
        let logged = self.log(stream, hosts, stamp)?;
        let len = self
            .log
            .extend(stream.height(), &mut Unsigned, &mut self.extension)?;
        Ok((&self.extension[..len], logged))
    }

    /// The slot was decided with a cut that covers all that it signed.
    pub(super) fn settle(&mut self, stream: &FairStream) -> Result<(), CommitteeError> {
        let covered = self.member.tail().count() as u32;
        self.member.handle_decided(stream, covered)?;
        let end = self.log.record().end.position;
        self.log.handle_decided(end, stream.time());
        Ok(())
    }

    /// A transaction ended before this member logged it.
    pub(super) fn forget(&mut self, id: &LoggedId) {
        self.member.forget(id);
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

//! The honest member's side: which ids it logs next (rules 1 to 5).

use alloc::boxed::Box;

use super::decided::FairStream;
use super::entry::{Accounts, Entry, EntryKind, Facts, LoggedId};
use super::error::{MemberError, StreamConfigError};
use super::held::{Held, HeldBodies, Lines};
use super::limits::{FairLimits, RollupPart};
use super::outcome::{Charge, LossReason};
use super::records::only;
use super::release::is_expired;
use super::weakened::Weakened;
use crate::bounded::{NONE, Ring, fixed_slice, fixed_slice_bytes};
use crate::error::Full;
use crate::ordering::fair::Parameters;
use crate::types::{Height, UnixNs};

/// How a body came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodySource {
    /// From a client: the member may bring it as its own.
    FirstHand,
    /// Fetched because a decided cut showed its id.
    Learned,
}

/// An entry that the member signed and no decided cut covers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Signed {
    pub(super) entry: Entry,
    /// The body that it names, or [`NONE`] where it names none.
    pub(super) held: u32,
    /// Whether its id was not live at its base.
    pub(super) is_first_hand: bool,
}

impl Default for Signed {
    fn default() -> Self {
        Self {
            entry: Entry {
                base: Height::ZERO,
                kind: EntryKind::Stamp(UnixNs::ZERO),
            },
            held: NONE,
            is_first_hand: false,
        }
    }
}

/// What an honest member logs (rules 1 to 5).
///
/// Inputs are [`FairMember::handle_body`] and [`FairMember::handle_decided`], the output is
/// [`FairMember::poll_entries`]. It learns of others' ids from the [`FairStream`] alone, so that
/// what gossip says before it is decided changes nothing.
///
/// Memory: see [`FairMember::footprint_bytes`].
#[derive(Debug)]
pub struct FairMember {
    pub(super) me: u32,
    limits: FairLimits,
    live_ids_max: u32,
    pub(super) weakened: Weakened,
    pub(super) bodies: HeldBodies,
    lines: Lines,
    pub(super) tail: Ring<Signed>,
    /// Rollup after rollup, what the member's budget is used for at a poll.
    used: Box<[Charge]>,
    /// Rollup after rollup, whether an id did not fit at a poll, so that none may pass it.
    full: Box<[bool]>,
    pub(super) scratch: Box<[u32]>,
    logged_count: u64,
    pub(super) last_stamp: UnixNs,
    /// Whether its log of this epoch says that it is closed.
    pub(super) is_closed: bool,
}

impl FairMember {
    /// Makes the side of member `me` (its number among the logs).
    ///
    /// # Errors
    /// As [`FairLimits::check`]; [`StreamConfigError::LimitOutOfRange`] unless `me` < n.
    pub fn new(
        parameters: Parameters,
        limits: &FairLimits,
        rollups: &[RollupPart],
        me: u32,
        key: [u64; 2],
    ) -> Result<Self, StreamConfigError> {
        limits.check(parameters, rollups)?;
        if me >= parameters.n() {
            return Err(StreamConfigError::LimitOutOfRange);
        }
        let live_ids_max = limits.live_ids_max(parameters);
        let body_count_max = body_count_max(limits, live_ids_max);
        Ok(Self {
            me,
            limits: *limits,
            live_ids_max,
            weakened: Weakened::NONE,
            bodies: HeldBodies::new(body_count_max, key),
            lines: Lines::new(body_count_max + live_ids_max, key),
            tail: Ring::new(limits.extent_entries_max),
            used: fixed_slice(rollups.len(), Charge::default()),
            full: fixed_slice(rollups.len(), false),
            scratch: fixed_slice(body_count_max as usize, 0),
            logged_count: 0,
            last_stamp: UnixNs::ZERO,
            is_closed: false,
        })
    }

    /// The bytes that [`FairMember::new`] takes.
    #[must_use]
    pub const fn footprint_bytes(
        parameters: Parameters,
        limits: &FairLimits,
        rollups: &[RollupPart],
    ) -> u64 {
        let live_ids_max = limits.live_ids_max(parameters);
        let body_count_max = body_count_max(limits, live_ids_max);
        HeldBodies::footprint_bytes(body_count_max)
            + Lines::footprint_bytes(body_count_max + live_ids_max)
            + fixed_slice_bytes::<Signed>(limits.extent_entries_max as usize)
            + fixed_slice_bytes::<Charge>(rollups.len())
            + fixed_slice_bytes::<bool>(rollups.len())
            + fixed_slice_bytes::<u32>(body_count_max as usize)
    }

    /// Leaves rules out, in tests.
    #[cfg(any(test, feature = "weakened"))]
    pub const fn weaken(&mut self, weakened: Weakened) {
        self.weakened = weakened;
    }

    /// A body is held and valid; false if that changes nothing: it is known already, its rollup is
    /// not ordered here, it is larger than its rollup's part, it was drained, or it was learned and
    /// is not live.
    ///
    /// # Errors
    /// The id, if as many bodies from clients wait as can.
    pub fn handle_body(
        &mut self,
        stream: &FairStream,
        id: LoggedId,
        facts: Facts,
        source: BodySource,
    ) -> Result<bool, Full<LoggedId>> {
        let Some(rollup) = stream.rollup_number(id.rollup) else {
            return Ok(false);
        };
        let is_first_hand = source == BodySource::FirstHand;
        let part = &stream.rollups[rollup].part;
        let is_live = stream.is_live(&id);
        let is_too_large = u64::from(id.body_bytes) > part.first_hand_bytes_max;
        if let Some(known) = self.bodies.find(&id) {
            if is_first_hand && self.bodies.first_hand_count() < self.limits.arrival_count_max {
                self.bodies.set_first_hand(known);
            }
            return Ok(false);
        }
        let was_drained = !is_live && stream.past.find(&id).is_some();
        if is_too_large || was_drained || (!is_first_hand && !is_live) {
            return Ok(false);
        }
        // What is live has a place of its own, whoever brought it.
        let has_place = self.bodies.first_hand_count() < self.limits.arrival_count_max;
        if is_first_hand && !is_live && !has_place {
            return Err(Full(id));
        }
        let added = self.bodies.add(Held {
            id,
            facts,
            rollup: rollup as u32,
            is_first_hand: is_first_hand && has_place,
            is_in_tail: false,
            is_lost: false,
            is_carried: false,
            logged: 0,
            stamp: UnixNs::ZERO,
        });
        if added { Ok(true) } else { Err(Full(id)) }
    }

    /// The stream has applied a slot, whose cut covered the next `covered_count` entries of this
    /// member's log. O(bodies held).
    ///
    /// # Errors
    /// [`MemberError::WrongTail`] if that is more than it signed.
    pub fn handle_decided(
        &mut self,
        stream: &FairStream,
        covered_count: u32,
    ) -> Result<(), MemberError> {
        if covered_count as usize > self.tail.len() {
            return Err(MemberError::WrongTail);
        }
        for _ in 0..covered_count {
            let signed = self.tail.pop().unwrap_or_default();
            if signed.held != NONE {
                self.bodies.get_mut(signed.held).is_in_tail = false;
            }
        }
        for lost in stream.lost_entries() {
            if lost.is_of(self.me)
                && lost.reason != LossReason::DrainedSince
                && let Some(number) = self.bodies.find(&lost.id)
            {
                self.bodies.get_mut(number).is_lost = true;
            }
        }
        for drained in stream.drained() {
            if let Some(number) = self.bodies.find(&drained.id)
                && !self.bodies.get(number).is_in_tail
            {
                self.bodies.remove(number);
            }
        }
        self.sweep(stream);
        Ok(())
    }

    /// Forgets a body that has not been logged; false if there is none.
    pub fn forget(&mut self, id: &LoggedId) -> bool {
        let found = self.bodies.find(id);
        let number = found.filter(|number| self.bodies.get(*number).logged == 0);
        if let Some(number) = number {
            self.bodies.remove(number);
        }
        number.is_some()
    }

    /// The next entries to sign, written to `out`; how many.
    ///
    /// A stamp goes first if one is given and there is room; it never goes back within an epoch.
    /// Once the closing slot is known the log says so, and brings no new first-hand id. Ids follow:
    /// those that the log of the last epoch held, those whose entries were lost, vertices of
    /// undecided graphs, learned ones, then the member's own. Under median timestamps what the last
    /// log held goes before the stamp, with the stamps that it had there.
    /// What is returned counts as signed. Nothing is where the epoch has ended.
    /// O(bodies held + live ids).
    pub fn poll_entries(
        &mut self,
        stream: &FairStream,
        accounts: &impl Accounts,
        stamp: Option<UnixNs>,
        out: &mut [Entry],
    ) -> usize {
        if stream.epoch_end().is_some() {
            return 0;
        }
        let mut poll = Poll {
            stream,
            out,
            count: 0,
        };
        self.draw_lines(stream, accounts);
        self.count_budget(stream);
        let by_median = stream.parameters.orders_by_median();
        if by_median {
            self.log_carried(&mut poll, true);
        }
        if let Some(stamp) = stamp {
            self.sign_stamp(&mut poll, stamp);
        }
        if stream.is_closing_known() && !self.is_closed && self.has_room(&poll) {
            self.is_closed = true;
            self.sign(&mut poll, EntryKind::Closed, NONE, false);
        }
        if !by_median {
            self.log_carried(&mut poll, false);
        }
        self.log_lost(&mut poll);
        self.log_vertices(&mut poll);
        if self.follows_blindly(stream) {
            return poll.count;
        }
        self.log_learned(&mut poll);
        self.log_first_hand(&mut poll);
        poll.count
    }

    /// The entries that it signed and no decided cut covers, in order.
    pub fn tail(&self) -> impl Iterator<Item = Entry> + '_ {
        self.tail.iter().map(|signed| signed.entry)
    }

    /// Live ids whose bodies it does not hold, in no order that means anything: what to fetch.
    pub fn bodies_missing<'a>(
        &'a self,
        stream: &'a FairStream,
    ) -> impl Iterator<Item = LoggedId> + 'a {
        let live = stream.records.iter().filter(|(_, record)| record.is_live());
        live.map(|(_, record)| record.id)
            .filter(|id| self.bodies.find(id).is_none())
    }

    /// Drops bodies that cannot be logged any more.
    fn sweep(&mut self, stream: &FairStream) {
        let mut next = self.bodies.first();
        while let Some(number) = next {
            next = self.bodies.after(number);
            let held = *self.bodies.get(number);
            if held.is_in_tail || stream.is_live(&held.id) {
                continue;
            }
            let cursor = stream
                .cursors
                .next(held.rollup as usize, &held.facts.sender);
            let is_used = cursor.is_some_and(|next| held.facts.nonce < next);
            let is_nobodys = !held.is_first_hand && !held.is_lost && !held.is_carried;
            let was_drained = stream.past.find(&held.id).is_some();
            if is_used || was_drained || is_nobodys || is_expired(&held.facts, stream.time) {
                self.bodies.remove(number);
            }
        }
    }

    /// Works out up to which nonce each sender's line has no gap.
    fn draw_lines(&mut self, stream: &FairStream, accounts: &impl Accounts) {
        self.lines.begin();
        for number in self.bodies.iter() {
            let held = self.bodies.get(number);
            let (rollup, sender) = (held.rollup as usize, &held.facts.sender);
            let cursor = stream.cursors.next(rollup, sender);
            let base = cursor.or_else(|| accounts.next_nonce(held.id.rollup, sender));
            self.lines.name(held.rollup, &held.facts, base);
            if held.is_in_tail || stream.is_logged_by(self.me, &held.id) {
                self.lines.take(held.rollup, &held.facts);
            }
        }
        for (_, record) in stream.records.iter() {
            let taken = record.is_live() && !record.is_outside();
            if let Some(facts) = record.facts.filter(|_| taken) {
                self.lines.take(record.rollup, &facts);
            }
        }
    }

    /// Counts what the member is charged with, and what its undecided entries will charge it with.
    fn count_budget(&mut self, stream: &FairStream) {
        let rollups = self.used.len();
        let charges = &stream.records.charges()[self.me as usize * rollups..][..rollups];
        self.used.copy_from_slice(charges);
        self.full.fill(false);
        if self.weakened.budget_by_own_log() {
            self.used.fill(Charge::default());
            for (_, record) in stream.records.iter() {
                if record.heads & record.charged & only(self.me as usize) != 0 {
                    add(&mut self.used[record.rollup as usize], &record.id);
                }
            }
        }
        for signed in self.tail.iter().filter(|signed| signed.is_first_hand) {
            let held = self.bodies.get(signed.held);
            if !is_charged(stream, self.me, &held.id) {
                add(&mut self.used[held.rollup as usize], &held.id);
            }
        }
    }

    /// Rule 5: what was lost is logged again, in the order in which it stood.
    fn log_lost(&mut self, poll: &mut Poll<'_>) {
        let count = self.sort_by_place(|held| held.is_lost && !held.is_in_tail);
        for at in 0..count {
            let number = self.scratch[at];
            if self.is_logged(poll.stream, number) {
                self.bodies.get_mut(number).is_lost = false;
            } else {
                self.try_log(poll, number);
            }
        }
    }

    /// Rule 4: vertices of undecided graphs, in the order of their ids.
    fn log_vertices(&mut self, poll: &mut Poll<'_>) {
        let stream = poll.stream;
        for own in &stream.rollups {
            for place in 0..own.line.len() {
                let slot = own.line.slot(place);
                let graph = own.line.in_slot(slot);
                if graph.is_complete() {
                    continue;
                }
                for vertex in graph.kept() {
                    let record = own.vertices[slot * own.vertex_count_max + vertex as usize];
                    let found = self.bodies.find(&stream.records.get(record).id);
                    let Some(number) = found.filter(|number| !self.is_logged(stream, *number))
                    else {
                        continue;
                    };
                    if !self.weakened.vertices_need_budget()
                        || (self.is_ready(stream, number) && self.fits_budget(stream, number))
                    {
                        self.log(poll, number, false);
                    }
                }
            }
        }
    }

    /// Rule 3: learned ids, in the order in which their bodies came.
    fn log_learned(&mut self, poll: &mut Poll<'_>) {
        let stream = poll.stream;
        let mut next = self.bodies.first();
        while let Some(number) = next.filter(|_| self.has_room(poll)) {
            next = self.bodies.after(number);
            let held = *self.bodies.get(number);
            let found = stream.records.find(&held.id);
            let live = found.map(|number| stream.records.get(number));
            // What has its turn needs no more logs.
            let Some(record) = live.filter(|record| record.is_live() && record.is_outside()) else {
                continue;
            };
            if self.is_logged(stream, number) || self.is_stale(stream, &held, record.first_shown) {
                continue;
            }
            let is_ready = self.weakened.learned_ignores_nonces() || self.is_ready(stream, number);
            let fits = !self.weakened.learned_needs_budget() || self.fits_budget(stream, number);
            if is_ready && fits {
                self.log(poll, number, false);
            }
        }
    }

    /// Rule 2: the member's own, in the order in which they came.
    fn log_first_hand(&mut self, poll: &mut Poll<'_>) {
        let stream = poll.stream;
        let mut next = self.bodies.first();
        while let Some(number) = next.filter(|_| self.has_room(poll)) {
            next = self.bodies.after(number);
            let held = *self.bodies.get(number);
            let is_own = held.is_first_hand && !stream.is_live(&held.id);
            if is_own && !self.is_logged(stream, number) && self.is_ready(stream, number) {
                self.try_log(poll, number);
            }
        }
    }

    /// Logs an id if it is live, or its nonce is unused and the member's budget has room; where a
    /// rollup's part has none, what comes behind it of that rollup waits too.
    pub(super) fn try_log(&mut self, poll: &mut Poll<'_>, number: u32) {
        let stream = poll.stream;
        let held = *self.bodies.get(number);
        if stream.is_live(&held.id) {
            self.log(poll, number, false);
            return;
        }
        if stream.is_closing() {
            return;
        }
        let cursor = stream
            .cursors
            .next(held.rollup as usize, &held.facts.sender);
        let is_used = cursor.is_some_and(|next| held.facts.nonce < next);
        if is_used && !self.weakened.log_used_nonces() {
            return;
        }
        if !self.full[held.rollup as usize] && self.fits_budget(stream, number) {
            self.log(poll, number, true);
        } else {
            self.full[held.rollup as usize] = true;
        }
    }

    /// Whether the cut would still be valid with this id charged to the member.
    fn fits_budget(&self, stream: &FairStream, number: u32) -> bool {
        let held = self.bodies.get(number);
        if is_charged(stream, self.me, &held.id) && !self.weakened.budget_by_own_log() {
            return true;
        }
        let bytes = u64::from(held.id.body_bytes);
        let count: u32 = self.used.iter().map(|charge| charge.count).sum();
        let all_bytes: u64 = self.used.iter().map(|charge| charge.bytes).sum();
        let (part, used) = (
            &stream.rollups[held.rollup as usize].part,
            &self.used[held.rollup as usize],
        );
        let fits_part = used.count < part.first_hand_count_max
            && used.bytes + bytes <= part.first_hand_bytes_max;
        count < self.limits.first_hand_count_max
            && all_bytes + bytes <= self.limits.first_hand_bytes_max
            && (fits_part || self.weakened.one_budget_for_all_rollups())
    }

    /// Whether its nonce is next in line, and its sender has a cursor or may take a free one.
    fn is_ready(&mut self, stream: &FairStream, number: u32) -> bool {
        let held = *self.bodies.get(number);
        let has_cursor = stream
            .cursors
            .next(held.rollup as usize, &held.facts.sender)
            .is_some();
        let may_enter = has_cursor
            || stream.free_cursor_count() >= self.live_ids_max
            || self.weakened.new_senders_never_wait();
        may_enter && self.lines.is_in_line(held.rollup, &held.facts)
    }

    /// Rule 3: whether a learned id's nonce was used before the cut that first showed it.
    fn is_stale(&self, stream: &FairStream, held: &Held, first_shown: Height) -> bool {
        let (sender, nonce) = (&held.facts.sender, held.facts.nonce);
        let cursor = stream.cursors.next(held.rollup as usize, sender);
        if cursor.is_none_or(|next| nonce >= next) || self.weakened.log_used_nonces() {
            return false;
        }
        let user = stream.past.user(held.id.rollup.get(), sender, nonce);
        self.weakened.drop_learned_variants() || user.is_none_or(|past| past.height < first_shown)
    }

    pub(super) fn is_logged(&self, stream: &FairStream, number: u32) -> bool {
        let held = self.bodies.get(number);
        held.is_in_tail || stream.is_logged_by(self.me, &held.id)
    }

    /// Without rule 1 an id whose body is missing keeps everything behind it out of the log.
    fn follows_blindly(&self, stream: &FairStream) -> bool {
        self.weakened.log_without_body()
            && stream.records.iter().any(|(_, record)| {
                record.is_live() && record.is_outside() && self.bodies.find(&record.id).is_none()
            })
    }

    pub(super) fn has_room(&self, poll: &Poll<'_>) -> bool {
        self.tail.room() > 0 && poll.count < poll.out.len()
    }

    pub(super) fn log(&mut self, poll: &mut Poll<'_>, number: u32, is_first_hand: bool) {
        if !self.has_room(poll) {
            return;
        }
        let stream = poll.stream;
        self.logged_count += 1;
        let held = self.bodies.get_mut(number);
        held.is_in_tail = true;
        held.is_lost = false;
        held.is_carried = false;
        held.logged = self.logged_count;
        held.stamp = self.last_stamp;
        let held = *held;
        self.lines.take(held.rollup, &held.facts);
        if is_first_hand && !is_charged(stream, self.me, &held.id) {
            add(&mut self.used[held.rollup as usize], &held.id);
        }
        self.sign(poll, EntryKind::Id(held.id), number, is_first_hand);
    }

    pub(super) fn sign(
        &mut self,
        poll: &mut Poll<'_>,
        kind: EntryKind,
        held: u32,
        is_first_hand: bool,
    ) {
        let entry = Entry {
            base: poll.stream.height,
            kind,
        };
        let pushed = self.tail.push(Signed {
            entry,
            held,
            is_first_hand,
        });
        debug_assert!(pushed.is_ok(), "the room was checked");
        poll.out[poll.count] = entry;
        poll.count += 1;
    }
}

/// One call of [`FairMember::poll_entries`].
pub(super) struct Poll<'a> {
    pub(super) stream: &'a FairStream,
    out: &'a mut [Entry],
    count: usize,
}

/// Those from clients, those that are live, and those whose entries lapsed.
const fn body_count_max(limits: &FairLimits, live_ids_max: u32) -> u32 {
    limits.arrival_count_max + 2 * live_ids_max
}

pub(super) fn is_charged(stream: &FairStream, me: u32, id: &LoggedId) -> bool {
    let found = stream.records.find(id);
    found.is_some_and(|number| stream.records.get(number).charged & only(me as usize) != 0)
}

fn add(charge: &mut Charge, id: &LoggedId) {
    charge.count += 1;
    charge.bytes += u64::from(id.body_bytes);
}

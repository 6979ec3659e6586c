//! What decided slots are known to have used, and who uses it again.
//!
//! Whoever votes on a slot may refuse it because of what slots decided before; but only because of
//! what every honest proposer must know too, or else honest slots would fail.
//!
//! # Rules
//! 1. Only decided slots count, those that were acknowledged here and those that were taken over. A
//!    cursor that a host's account nonce moved, a base that was guessed and a slot in flight, one's
//!    own too, say nothing: other hosts may not know of them.
//! 2. A transaction whose identity a decided slot included repeats it.
//! 3. One nonce after another: a nonce at or below the last that a decided slot used repeats it.
//!    The last and not the highest, so that a member that remembers more than the quorum that
//!    decided goes on with the quorum.
//! 4. In a window: a nonce that a decided slot used repeats it, and so does one that the window
//!    has left behind for a decided nonce, 128 and more below it. What lies below the base that a
//!    window began with here says nothing, because another member's may have begun lower.
//! 5. The second of two transactions of a slot with one nonce repeats the first.
//! 6. A forced input repeats something only where it is recorded as applied.
//! 7. Where expiry keeps replays out, rules 3 and 4 hold for a sender only as long as something
//!    that was included from it has not expired at the slot's time, and rule 2 only for what
//!    expires. Once all of it has expired a cursor may be forgotten, and whoever has may begin
//!    anew; so a window that is still remembered begins anew as well, with the first nonce that is
//!    used then.
//!
//! # Why no honest proposer is refused
//! By expiry: a cursor may be forgotten once the time of a decided slot has passed the latest
//! expiry of what was included from the sender. Slots are the same for everybody, so an honest
//! proposer has remembered a sender at least since its window last began anew here, and has moved
//! its cursor with every slot decided since; rule 3 counts the last of these only. By host: the
//! cursors of an honest proposer are a cache, so what it has forgotten its host knows, if the
//! account nonces that it gives count the slots whose senders the cache has lost. Where they do
//! not, such a proposer's rounds are lost while what it repeats waits with it, and no height is:
//! whoever refuses it proposes without it.
//!
//! # Why nothing repeats
//! By expiry every honest member remembers the cursors of all that has not expired at the next
//! slot's time, so a repetition finds the votes of Byzantine members only. By host those who
//! remember refuse, and a repetition needs a quorum that has forgotten; the host makes it a no-op.
//!
//! Cost: O(1) expected for each transaction of a slot once it is sorted. No memory of its own: one
//! byte of a sender for windows, and where nonces follow one another the bytes of the window.

use super::TransactionPool;
use super::adopt::{DecidedSet, DecidedTransaction, window_start};
use super::entry::{Sender, Window};
use super::line::LineMode;
use crate::config::ReplayProtection;
use crate::error::Code;
use crate::types::{Nonce, UnixNs};

/// What of a slot repeats what was decided before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Repeats {
    /// How many of its transactions do.
    pub count: u32,
    /// The first of them in the slot's order, by its number there, and what is wrong with it.
    pub first: Option<(u32, Code)>,
}

impl Repeats {
    fn add(&mut self, number: u32, code: Code) {
        self.count = self.count.saturating_add(1);
        if self.first.is_none_or(|(first, _)| number < first) {
            self.first = Some((number, code));
        }
    }
}

impl TransactionPool {
    /// Says what the next slot, whose agreed time is `time`, would repeat, and changes nothing but
    /// the set's order.
    pub(crate) fn find_repeats(&self, set: &mut DecidedSet, time: UnixNs) -> Repeats {
        set.sort();
        let mut repeats = Repeats::default();
        for group in set.senders() {
            let place = self.sender_of(group.first().rollup, group.first().sender);
            let known = place.and_then(|place| self.senders.get(place));
            let known = known.filter(|own| self.binds(own.keep_until, time));
            let mode = self.line_mode(group.first().rollup);
            let mut before = None;
            for (number, row) in group.rows() {
                let was_used = known.is_some_and(|own| own.was_used(mode, row.nonce));
                if self.was_included(row) {
                    repeats.add(number, Code::AlreadyEnded);
                } else if was_used {
                    repeats.add(number, Code::NonceUsed);
                } else if before == Some(row.nonce) {
                    repeats.add(number, Code::NonceOutOfOrder);
                }
                before = Some(row.nonce);
            }
        }
        repeats
    }

    /// Notes that a decided slot uses a nonce, before the sender's cursor or window moves.
    pub(super) fn note_decided(&mut self, place: u32, nonce: Nonce, expiry: UnixNs) {
        let mode = self.mode_of_sender(place);
        let may_lapse = self.rules.replay_protection != ReplayProtection::ByHost;
        let time = self.decided_time;
        let Some(own) = self.senders.get_mut(place) else {
            return;
        };
        if expiry != UnixNs::NEVER {
            if may_lapse && mode == LineMode::Window && own.keep_until <= time {
                own.begin_anew();
            }
            own.keep_until = own.keep_until.max(expiry);
        }
        if mode == LineMode::Sequential {
            own.included = Window::of_nonce(nonce.saturating_add(1));
        }
    }

    /// Whether every honest member knows at `time` what was included until this expiry.
    fn binds(&self, keep_until: UnixNs, time: UnixNs) -> bool {
        match self.rules.replay_protection {
            ReplayProtection::ByHost => true,
            ReplayProtection::ByExpiry { .. } => keep_until > time,
        }
    }

    fn was_included(&self, row: &DecidedTransaction) -> bool {
        let by_host = self.rules.replay_protection == ReplayProtection::ByHost;
        let note = self.seen.get(row.id.as_bytes());
        (by_host || row.expiry != UnixNs::NEVER) && note == Some(Code::Included.number())
    }
}

impl Sender {
    /// Stands for all nonces below `next`.
    pub const ALL_USED: u8 = u8::MAX;

    /// One nonce after another: behind the last nonce that a decided slot used; zero where none
    /// did.
    pub const fn decided_next(&self) -> Nonce {
        let [next, _] = self.included.words();
        Nonce::new(next)
    }

    /// Window: notes a nonce that a decided slot uses, at `next` or above and not noted yet, and
    /// returns by how much the window moves on.
    pub fn use_in_window(&mut self, nonce: Nonce) -> u64 {
        let before = self.next;
        let base = before.get().saturating_sub(u64::from(self.used_below));
        if window_start(Nonce::ZERO, nonce).get() >= base {
            self.used_below = Self::ALL_USED;
        }
        let start = window_start(before, nonce);
        self.included.move_on(start.saturating_distance(before));
        let moved = self.included.insert(nonce.saturating_distance(start));
        self.next = start.saturating_add(moved);
        let moved = self.next.saturating_distance(before);
        if self.used_below != Self::ALL_USED {
            // What is not out of reach of the base yet lies less than a window above it.
            let below = u64::from(self.used_below).saturating_add(moved);
            self.used_below = below.min(Window::LEN) as u8;
        }
        moved
    }

    /// Window: forgets what was used, because all of it has expired.
    const fn begin_anew(&mut self) {
        self.included = Window::of_nonce(Nonce::ZERO);
        self.used_below = 0;
    }

    /// Whether a nonce was used by a decided slot, or left behind for one.
    fn was_used(&self, mode: LineMode, nonce: Nonce) -> bool {
        match mode {
            LineMode::Sequential => nonce < self.decided_next(),
            LineMode::Window if nonce < self.next => {
                let below = self.next.saturating_distance(nonce);
                self.used_below == Self::ALL_USED || below <= u64::from(self.used_below)
            }
            LineMode::Window => self.included.contains(nonce.saturating_distance(self.next)),
            LineMode::Logged => false,
        }
    }
}

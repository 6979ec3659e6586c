//! A slot of another member, found by looking at everything.

use std::collections::BTreeSet;
use std::vec::Vec;

use super::{LineKey, PlainLine, PlainPool};
use crate::config::ReplayProtection;
use crate::error::Code;
use crate::types::{TxId, UnixNs};

/// One transaction of the slot.
#[derive(Clone, Copy, Debug)]
pub struct PlainDecided {
    pub id: TxId,
    pub line: LineKey,
    pub nonce: u64,
    pub expiry: UnixNs,
}

impl PlainPool {
    /// Takes the slot over, its transactions one after another.
    pub fn adopt(&mut self, slot: &[PlainDecided], time: UnixNs) {
        self.decided_time = time;
        for own in slot {
            self.see(own.id, Code::Included);
            if !self.lines.contains_key(&own.line) && !self.begin_adopted(own) {
                continue;
            }
            self.note_decided(own.line, own.expiry);
            if self.is_sequential(own.line) {
                self.adopt_in_line(own);
            } else {
                self.adopt_in_window(own);
            }
            self.ends += 1;
            self.lines.get_mut(&own.line).unwrap().idle_since = self.ends;
        }
    }

    /// What of the slot repeats something, by its number there, and in which way.
    pub fn repeats(&self, slot: &[PlainDecided], time: UnixNs) -> Vec<(u32, Code)> {
        let by_host = self.config.replay_protection == ReplayProtection::ByHost;
        let way = |at: usize, own: &PlainDecided| {
            let was_included = self.seen.contains(&own.id) && self.included_ids.contains(&own.id);
            if was_included && (by_host || own.expiry != UnixNs::NEVER) {
                return Some(Code::AlreadyEnded);
            }
            let line = self.lines.get(&own.line);
            let line = line.filter(|line| by_host || line.keep_until > time.get());
            if line.is_some_and(|line| self.was_decided(own, line)) {
                return Some(Code::NonceUsed);
            }
            let mut before = slot[..at].iter();
            let is_same = |other: &PlainDecided| (other.line, other.nonce) == (own.line, own.nonce);
            before.any(is_same).then_some(Code::NonceOutOfOrder)
        };
        let rows = slot.iter().enumerate();
        rows.filter_map(|(at, own)| Some((at as u32, way(at, own)?)))
            .collect()
    }

    /// Whether decided slots used the nonce, or left it behind.
    fn was_decided(&self, own: &PlainDecided, line: &PlainLine) -> bool {
        if self.is_sequential(own.line) {
            // No slot that verifies holds the largest nonce.
            let next = line.decided.last().map_or(0, |last| last.saturating_add(1));
            return own.nonce < next;
        }
        let highest = line.decided.iter().max().copied();
        let left_behind = highest.map_or(0, |highest| highest.saturating_sub(127));
        let reaches_base = left_behind >= line.base;
        line.decided.contains(&own.nonce) || (reaches_base && own.nonce < left_behind)
    }

    /// Notes until when a line is needed; one in a window begins anew if it was not any more.
    pub(super) fn note_decided(&mut self, key: LineKey, expiry: UnixNs) {
        let by_host = self.config.replay_protection == ReplayProtection::ByHost;
        let is_window = !self.is_sequential(key);
        let line = self.lines.get_mut(&key).unwrap();
        if expiry == UnixNs::NEVER {
            return;
        }
        if is_window && !by_host && line.keep_until <= self.decided_time.get() {
            (line.included, line.decided, line.base) = (BTreeSet::new(), Vec::new(), line.next);
        }
        line.keep_until = line.keep_until.max(expiry.get());
    }

    /// Remembers how something ended.
    pub(super) fn see(&mut self, id: TxId, code: Code) {
        self.seen.insert(id);
        match code {
            Code::Included => self.included_ids.insert(id),
            _ => self.included_ids.remove(&id),
        };
    }

    /// A new sender's line: by host only if there is a place for it, by expiry always.
    fn begin_adopted(&mut self, own: &PlainDecided) -> bool {
        let may_stay_out = self.config.replay_protection == ReplayProtection::ByHost;
        if self.is_full_of_senders() && self.forget_one().is_err() && may_stay_out {
            return false;
        }
        let next = match self.is_sequential(own.line) {
            true => own.nonce,
            false => own.nonce.saturating_sub(64),
        };
        let line = PlainLine {
            next,
            base: next,
            ..PlainLine::default()
        };
        self.lines.insert(own.line, line);
        true
    }

    fn adopt_in_line(&mut self, own: &PlainDecided) {
        let line = self.lines.get_mut(&own.line).unwrap();
        line.decided.push(own.nonce);
        if line.is_base_fixed && own.nonce < line.next {
            return;
        }
        (line.next, line.is_base_fixed) = (own.nonce.saturating_add(1), true);
        let next = line.next;
        let mut passed: Vec<_> = self
            .of_line(own.line)
            .filter(|held| held.nonce() < next)
            .map(|held| (held.nonce(), held.arrival.index))
            .collect();
        passed.sort_unstable();
        for (_, index) in passed {
            self.end_adopted(index, own);
        }
    }

    fn adopt_in_window(&mut self, own: &PlainDecided) {
        let line = self.lines.get_mut(&own.line).unwrap();
        if own.nonce < line.next || line.included.contains(&own.nonce) {
            return;
        }
        line.decided.push(own.nonce);
        let start = line.next.max(own.nonce.saturating_sub(127));
        line.included.retain(|nonce| *nonce >= start);
        line.included.insert(own.nonce);
        (line.next, line.is_base_fixed) = (start, true);
        while line.included.remove(&line.next) {
            line.next += 1;
        }
        if let Some(held) = self.at(own.line, own.nonce) {
            self.end_adopted(held.arrival.index, own);
        }
        let left: Vec<_> = self
            .of_line(own.line)
            .filter(|held| held.nonce() < start)
            .map(|held| held.arrival.index)
            .collect();
        for index in left {
            self.end_adopted(index, own);
        }
    }

    fn end_adopted(&mut self, index: u64, own: &PlainDecided) {
        let code = match self.held[&index].id == own.id {
            true => Code::Included,
            false => Code::Superseded,
        };
        self.end(index, code);
    }
}

//! A slot of another member, found by looking at everything.

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
        for own in slot {
            self.seen.insert(own.id);
            if !self.lines.contains_key(&own.line) && !self.begin_adopted(own, time) {
                continue;
            }
            let line = self.lines.get_mut(&own.line).unwrap();
            if own.expiry != UnixNs::NEVER {
                line.keep_until = line.keep_until.max(own.expiry.get());
            }
            if self.is_sequential(own.line) {
                self.adopt_in_line(own);
            } else {
                self.adopt_in_window(own);
            }
            self.ends += 1;
            self.lines.get_mut(&own.line).unwrap().idle_since = self.ends;
        }
    }

    /// A new sender's line: by host only if there is a place for it, by expiry always.
    fn begin_adopted(&mut self, own: &PlainDecided, time: UnixNs) -> bool {
        let may_stay_out = self.config.replay_protection == ReplayProtection::ByHost;
        if self.is_full_of_senders() && self.forget_one(time).is_err() && may_stay_out {
            return false;
        }
        let next = match self.is_sequential(own.line) {
            true => own.nonce,
            false => own.nonce.saturating_sub(64),
        };
        let line = PlainLine {
            next,
            ..PlainLine::default()
        };
        self.lines.insert(own.line, line);
        true
    }

    fn adopt_in_line(&mut self, own: &PlainDecided) {
        let line = self.lines.get_mut(&own.line).unwrap();
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

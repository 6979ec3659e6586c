//! Who has to go for a newcomer, found by looking at everything.

use std::cmp::Reverse;
use std::vec;
use std::vec::Vec;

use super::{LineKey, PlainPool, PlainTransaction, rounded};
use crate::config::ReplayProtection;
use crate::pool::AdmissionError;
use crate::types::{Fee, RollupId};
use AdmissionError as Refusal;

/// A newcomer, as far as room goes.
pub struct Newcomer {
    pub line: LineKey,
    pub fee: Fee,
    pub bytes: u64,
    pub is_quiet: bool,
    pub is_ready: bool,
}

impl PlainPool {
    /// Forgets a sender without a transaction: by host the one longest so, by expiry the one whose
    /// cursor may go earliest, if it may go now.
    pub fn forget_one(&mut self) -> Result<(), AdmissionError> {
        let by_expiry = self.config.replay_protection != ReplayProtection::ByHost;
        let lines = self.lines.iter();
        let idle = lines.filter(|(line, _)| self.of_line(**line).next().is_none());
        let first = idle.min_by_key(|(line, own)| match by_expiry {
            true => (own.keep_until, **line),
            false => (own.idle_since, LineKey::default()),
        });
        let (line, own) = first.ok_or(Refusal::SenderTableFull)?;
        if by_expiry && own.keep_until > self.decided_time.get() {
            return Err(Refusal::SenderTableFull);
        }
        let line = *line;
        self.lines.remove(&line);
        Ok(())
    }

    /// What the newcomer lacks once those gone have gone.
    fn lack(&self, newcomer: &Newcomer, gone: &[u64]) -> Option<AdmissionError> {
        let left: Vec<_> = self.left(gone).collect();
        let reserved = self.limits.rollup_reserved_count as usize;
        let of_rollup = |rollup: RollupId| left.iter().filter(|own| own.line().0 == rollup).count();
        let free = self.limits.pending_count_max as usize - left.len();
        let quiet = left.iter().filter(|own| own.is_quiet).count();
        let for_quiet = match newcomer.is_quiet {
            true => 0,
            false => (self.limits.quiet_reserved_count as usize).saturating_sub(quiet),
        };
        let others = self.config.rollups.iter().map(|own| own.id);
        let others = others.filter(|id| *id != newcomer.line.0);
        let for_others: usize = match of_rollup(newcomer.line.0) < reserved {
            true => 0,
            false => others
                .map(|id| reserved.saturating_sub(of_rollup(id)))
                .sum(),
        };
        let used: u64 = left.iter().map(|own| rounded(own.payload_len)).sum();
        if free <= for_quiet.max(for_others) {
            Some(Refusal::PoolFull)
        } else if used + newcomer.bytes > rounded(self.limits.pending_bytes_max as usize) {
            Some(Refusal::PoolBytesFull)
        } else {
            None
        }
    }

    fn left(&self, gone: &[u64]) -> impl Iterator<Item = &PlainTransaction> {
        let held = self.held.values();
        held.filter(move |own| !gone.contains(&own.arrival.index))
    }

    /// Whether the rollup of this one has more than its share, or is the newcomer's.
    fn may_go(&self, newcomer: &Newcomer, own: &PlainTransaction, gone: &[u64]) -> bool {
        let rollup = own.line().0;
        let left = self.left(gone).filter(|own| own.line().0 == rollup).count();
        rollup == newcomer.line.0 || left > self.limits.rollup_reserved_count as usize
    }

    /// The one that has to go next, if any may.
    fn cheapest(&self, newcomer: &Newcomer, gone: &[u64]) -> Option<PlainTransaction> {
        let waiting = |is_quiet: bool| {
            let waiting = self.left(gone).filter(move |own| !own.is_taken);
            waiting
                .filter(move |own| own.is_quiet == is_quiet && self.may_go(newcomer, own, gone))
                .min_by_key(|own| (own.envelope.fee, Reverse(own.arrival.index)))
        };
        let quiet: Vec<_> = self.left(gone).filter(|own| own.is_quiet).collect();
        let quiet_bytes: u64 = quiet.iter().map(|own| rounded(own.payload_len)).sum();
        let bytes_share = self.limits.pending_bytes_max
            * u64::from(self.limits.quiet_reserved_count)
            / u64::from(self.limits.pending_count_max);
        let has_right = newcomer.is_quiet
            && quiet.len() < self.limits.quiet_reserved_count as usize
            && quiet_bytes + newcomer.bytes <= bytes_share;
        let pays_less = |own: &PlainTransaction| own.envelope.fee < newcomer.fee;
        let loud = waiting(false).filter(|own| has_right || pays_less(own));
        let quiet = waiting(true).filter(|own| newcomer.is_quiet && pays_less(own));
        loud.or(quiet).copied()
    }

    /// Who has to go for the newcomer, in order.
    pub fn who_goes(&self, newcomer: &Newcomer) -> Result<Vec<u64>, AdmissionError> {
        let mut gone = vec![];
        while let Some(lack) = self.lack(newcomer, &gone) {
            let found = self.cheapest(newcomer, &gone);
            let found = found.filter(|own| newcomer.is_ready && own.line() != newcomer.line);
            let found = found.ok_or(lack)?;
            loop {
                let behind = |own: &&PlainTransaction| {
                    own.line() == found.line() && own.nonce() >= found.nonce()
                };
                let last = match self.is_sequential(found.line()) {
                    true => self
                        .left(&gone)
                        .filter(behind)
                        .max_by_key(|own| own.nonce()),
                    false => Some(&found),
                };
                let last = last.unwrap();
                if gone.len() == 32 {
                    return Err(lack);
                }
                gone.push(last.arrival.index);
                if self.lack(newcomer, &gone).is_none() {
                    return Ok(gone);
                }
                if last.id == found.id || !self.may_go(newcomer, &found, &gone) {
                    break;
                }
            }
        }
        Ok(gone)
    }
}

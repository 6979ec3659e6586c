//! Who may take room in the pool, and who has to make it.
//!
//! # Rules
//! 1. A sender and an origin hold at most their quotas of transactions, payload bytes and gas.
//! 2. Every rollup has a share of the places that the others can't take.
//! 3. A transaction that comes while its sender has fewer than `quiet_pending_count_max` others is
//!    *quiet*, the rest is *loud*. `quiet_reserved_count` places are for quiet ones: where loud
//!    ones stand in them, a quiet newcomer displaces the cheapest loud one, whatever its own fee.
//! 4. Otherwise a newcomer displaces only what pays less per gas than itself: loud ones first, and
//!    quiet ones only if it is quiet too.
//! 5. Who has to go is found by the lowest fee, then the latest arrival. Out goes not that one but
//!    the end of its line, so that nobody's line is torn, until it is the end itself.
//! 6. A newcomer never displaces its own sender's transactions, and at most
//!    [`DISPLACED_COUNT_MAX`] others. Either all that is needed goes, or nothing.

use super::admission::AdmissionError;
use super::entry::{Entry, Sender};
use super::{InUse, TransactionPool};
use crate::bounded::NONE;
use crate::config::NonceMode;
use crate::error::Code;
use crate::event::Ledger;
use crate::limits::{Quota, ROLLUP_COUNT_MAX};
use crate::types::{Envelope, Fee};

/// The most transactions that one newcomer displaces.
pub const DISPLACED_COUNT_MAX: usize = 32;

/// The queues of what can be displaced: loud ones, and quiet ones.
pub(super) const LOUD: u32 = 0;
pub(super) const QUIET: u32 = 1;

/// Lowest fee first, then latest arrival.
pub(super) type DisplaceKey = [u64; 2];

/// Who has to go for a newcomer.
pub(super) type Displaced = heapless::Vec<u32, DISPLACED_COUNT_MAX>;

/// A newcomer, as far as room goes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Newcomer {
    pub fee: Fee,
    pub payload_len: usize,
    pub is_quiet: bool,
    /// The place of its sender, or `NONE`.
    pub sender: u32,
    /// The place of its rollup.
    pub heap: u32,
}

impl TransactionPool {
    /// Checks the quotas of a sender and an origin for one transaction more.
    pub(super) fn check_quotas(
        &self,
        envelope: &Envelope,
        payload_len: usize,
        sender: u32,
        origin: Option<u32>,
    ) -> Result<(), AdmissionError> {
        let more = InUse {
            count: 1,
            bytes: payload_len as u64,
            gas: envelope.gas.get(),
        };
        let of_sender = self
            .senders
            .get(sender)
            .map(Sender::in_use)
            .unwrap_or_default();
        let of_origin = self.use_of_origin(origin);
        check_quota(of_sender, more, &self.rules.sender_quota)
            .ok_or(AdmissionError::SenderQuotaExceeded)?;
        check_quota(of_origin, more, &self.rules.origin_quota)
            .ok_or(AdmissionError::OriginQuotaExceeded)
    }

    /// The same for a transaction that takes the place of `old`.
    pub(super) fn check_quotas_of_replacement(
        &self,
        old: &Entry,
        envelope: &Envelope,
        payload_len: usize,
        origin: Option<u32>,
    ) -> Result<(), AdmissionError> {
        let more = InUse {
            count: 1,
            bytes: payload_len as u64,
            gas: envelope.gas.get(),
        };
        let of_sender = self
            .senders
            .get(old.sender)
            .map(Sender::in_use)
            .unwrap_or_default();
        check_quota(of_sender.without(old), more, &self.rules.sender_quota)
            .ok_or(AdmissionError::SenderQuotaExceeded)?;
        let of_origin = self.use_of_origin(origin);
        let is_same = origin.is_some_and(|place| place == old.origin);
        let of_origin = if is_same {
            of_origin.without(old)
        } else {
            of_origin
        };
        check_quota(of_origin, more, &self.rules.origin_quota)
            .ok_or(AdmissionError::OriginQuotaExceeded)
    }

    fn use_of_origin(&self, origin: Option<u32>) -> InUse {
        origin
            .and_then(|place| self.origins.get(place as usize))
            .copied()
            .unwrap_or_default()
    }

    /// Finds who has to go so that a newcomer has room; nobody where there is room already.
    pub(super) fn plan_room(&mut self, newcomer: Newcomer) -> Result<Displaced, AdmissionError> {
        let mut displaced = Displaced::new();
        let mut passed = heapless::Vec::<(u32, DisplaceKey, u32), DISPLACED_COUNT_MAX>::new();
        let planned = self.plan_with(newcomer, &mut displaced, &mut passed);
        for (heap, key, index) in passed {
            self.displaceable.push(heap, key, index);
        }
        planned.map(|()| displaced)
    }

    /// Looks at what can be displaced in order; what it looks at goes to `passed`.
    fn plan_with(
        &mut self,
        newcomer: Newcomer,
        displaced: &mut Displaced,
        passed: &mut heapless::Vec<(u32, DisplaceKey, u32), DISPLACED_COUNT_MAX>,
    ) -> Result<(), AdmissionError> {
        let mut freed_bytes = 0_u64;
        loop {
            let lack = match self.lack_of_room(newcomer, displaced, freed_bytes) {
                None => return Ok(()),
                Some(lack) => lack,
            };
            let (heap, key, index) = self.cheapest(newcomer).ok_or(lack)?;
            self.displaceable.remove(heap, index);
            passed.push((heap, key, index)).map_err(|_| lack)?;
            let entry = *self.entries.get(index).ok_or(lack)?;
            if entry.sender == newcomer.sender {
                return Err(lack);
            }
            // From the end of the line up to the one that was found, and no further than needed.
            let mut at = match self.mode_of_sender(entry.sender) {
                NonceMode::Sequential => {
                    self.senders.get(entry.sender).map_or(NONE, |own| own.last)
                }
                NonceMode::Window => index,
            };
            while self
                .lack_of_room(newcomer, displaced, freed_bytes)
                .is_some()
            {
                let last = *self.entries.get(at).ok_or(lack)?;
                if !displaced.contains(&at) {
                    displaced.push(at).map_err(|_| lack)?;
                    freed_bytes = freed_bytes
                        .saturating_add(self.payloads.rounded_bytes(last.payload.len() as usize));
                }
                if at == index {
                    break;
                }
                at = last.before;
            }
        }
    }

    /// What a newcomer lacks if those displaced go.
    fn lack_of_room(
        &self,
        newcomer: Newcomer,
        displaced: &[u32],
        freed_bytes: u64,
    ) -> Option<AdmissionError> {
        let free = self
            .rules
            .pending_count_max
            .saturating_sub(self.entries.len() as u32);
        let free = free.saturating_add(displaced.len() as u32);
        let kept_for_rollups = self.kept_for_other_rollups(newcomer.heap, displaced);
        let quiet_count = self.quiet_count.saturating_sub(self.count_quiet(displaced));
        let kept_for_quiet = if newcomer.is_quiet {
            0
        } else {
            self.rules.quiet_reserved_count.saturating_sub(quiet_count)
        };
        if free <= kept_for_rollups.max(kept_for_quiet) {
            return Some(AdmissionError::PoolFull);
        }
        let free_bytes = self.payloads.free_bytes().saturating_add(freed_bytes);
        let has_bytes = self.payloads.rounded_bytes(newcomer.payload_len) <= free_bytes;
        if has_bytes {
            None
        } else {
            Some(AdmissionError::PoolBytesFull)
        }
    }

    fn count_quiet(&self, displaced: &[u32]) -> u32 {
        let quiet = displaced.iter().filter(|index| {
            self.entries
                .get(**index)
                .is_some_and(|entry| entry.is_quiet)
        });
        quiet.count() as u32
    }

    /// Places that the other rollups have not used of their shares.
    fn kept_for_other_rollups(&self, heap: u32, displaced: &[u32]) -> u32 {
        let reserved = self.rules.rollup_reserved_count;
        let own = self.rollup_counts.get(heap as usize).copied().unwrap_or(0);
        if own < reserved || reserved == 0 {
            return 0;
        }
        let mut gone = [0_u32; ROLLUP_COUNT_MAX];
        for index in displaced {
            let place = self
                .entries
                .get(*index)
                .and_then(|entry| self.heap_of_sender(entry.sender));
            if let Some(count) = place.and_then(|place| gone.get_mut(place as usize)) {
                *count = count.saturating_add(1);
            }
        }
        let others = (0_u32..)
            .zip(&self.rollup_counts)
            .zip(gone)
            .take(self.rules.rollups.len());
        others
            .filter(|((place, _), _)| *place != heap)
            .map(|((_, count), gone)| reserved.saturating_sub(count.saturating_sub(gone)))
            .fold(0, u32::saturating_add)
    }

    /// The cheapest that this newcomer may displace.
    fn cheapest(&self, newcomer: Newcomer) -> Option<(u32, DisplaceKey, u32)> {
        let loud = self.displaceable.peek(LOUD);
        let in_reserve = newcomer.is_quiet && self.quiet_count < self.rules.quiet_reserved_count;
        let pays_less =
            |key: &DisplaceKey| key.first().is_some_and(|fee| *fee < newcomer.fee.get());
        let loud = loud.filter(|(key, _)| in_reserve || pays_less(key));
        let quiet = || {
            let quiet = self
                .displaceable
                .peek(QUIET)
                .filter(|(key, _)| pays_less(key));
            quiet
                .filter(|_| newcomer.is_quiet)
                .map(|(key, index)| (QUIET, key, index))
        };
        loud.map(|(key, index)| (LOUD, key, index)).or_else(quiet)
    }

    /// Ends those that were found as evicted.
    pub(super) fn displace(&mut self, displaced: &Displaced, ledger: &mut Ledger<'_>) {
        for index in displaced {
            let Some(entry) = self.entries.get(*index).copied() else {
                continue;
            };
            self.end(*index, &entry, Code::Evicted, ledger);
        }
    }

    /// Notes that a waiting transaction may be displaced.
    pub(super) fn allow_displacing(&mut self, index: u32, entry: &Entry) {
        let key = [entry.fee.get(), !entry.arrival.index];
        self.displaceable
            .push(if entry.is_quiet { QUIET } else { LOUD }, key, index);
    }
}

/// Whether `more` fits into a quota beside what is in use.
fn check_quota(in_use: InUse, more: InUse, quota: &Quota) -> Option<()> {
    let fits = in_use.count.saturating_add(more.count) <= quota.count_max
        && in_use.bytes.saturating_add(more.bytes) <= quota.bytes_max
        && in_use.gas.saturating_add(more.gas) <= quota.gas_max;
    fits.then_some(())
}

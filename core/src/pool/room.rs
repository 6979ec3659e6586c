//! Who may take room in the pool, and who has to make it.
//!
//! # Rules
//! 1. A sender and an origin hold at most their quotas of transactions, payload bytes and gas.
//! 2. Every rollup has a share of the places. Who is not of that rollup can't take what is free of
//!    it, and displaces nobody who stands in it.
//! 3. A transaction that comes while its sender has fewer than `quiet_pending_count_max` others is
//!    *quiet*, the rest is *loud*. `quiet_reserved_count` places, and as large a part of the
//!    payload bytes, are for quiet ones. A loud newcomer leaves those places free; where loud ones
//!    stand in them, a quiet newcomer displaces the cheapest loud one, whatever its own fee.
//! 4. Otherwise a newcomer displaces only what pays less per gas than itself: loud ones first, and
//!    quiet ones only if it is quiet too. One that waits for a missing nonce displaces nobody.
//! 5. Who has to go is found by the lowest fee, then the latest arrival. Out goes not that one but
//!    the end of its line, so that nobody's line is torn, until it is the end itself.
//! 6. Where the cheapest is the newcomer's own sender's, the newcomer is refused: it would stand
//!    behind that one, whatever it pays itself. It displaces at most [`DISPLACED_COUNT_MAX`]
//!    others, and either all that is needed goes, or nothing.

use super::ahead::TAKES_BETWEEN;
use super::entry::{Entry, Sender};
use super::line::LineMode;
use super::refusal::AdmissionError;
use super::{InUse, TransactionPool};
use crate::bounded::NONE;
use crate::error::Code;
use crate::event::Ledger;
use crate::limits::{Limits, Quota, ROLLUP_COUNT_MAX};
use crate::types::{Envelope, Fee};

/// The most transactions that one newcomer displaces.
pub const DISPLACED_COUNT_MAX: usize = 32;

/// The queues of what can be displaced: for each rollup one of loud ones and one of quiet ones.
pub(super) const QUEUE_COUNT: u32 = 2 * ROLLUP_COUNT_MAX as u32;

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
    /// Whether it may displace others at all.
    pub is_ready: bool,
    /// The place of its sender, or `NONE`.
    pub sender: u32,
    /// The place of its rollup.
    pub heap: u32,
}

impl TransactionPool {
    /// How many quiet transactions the pool holds, taken ones included.
    #[must_use]
    pub const fn quiet_count(&self) -> u32 {
        self.quiet_count
    }

    /// Bytes that payloads of quiet transactions take, in whole chunks.
    #[must_use]
    pub const fn quiet_bytes(&self) -> u64 {
        self.quiet_bytes
    }

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
    ///
    /// They have left their queues: they are displaced then, or else spared. Cost:
    /// O(rollups); O(log n) more for each that has to go, and nothing that depends on n else.
    pub(super) fn plan_room(&mut self, newcomer: Newcomer) -> Result<Displaced, AdmissionError> {
        let mut plan = Plan::default();
        let planned = self.plan_with(newcomer, &mut plan);
        if planned.is_err() {
            self.spare(&plan.displaced);
        }
        planned.map(|()| plan.displaced)
    }

    /// Brings those that were found back into their queues.
    pub(super) fn spare(&mut self, displaced: &Displaced) {
        for index in displaced {
            if let Some(entry) = self.entries.get(*index).copied() {
                self.allow_displacing(*index, &entry);
            }
        }
    }

    /// Plans who goes; those leave their queues for that time.
    fn plan_with(&mut self, newcomer: Newcomer, plan: &mut Plan) -> Result<(), AdmissionError> {
        while let Some(lack) = self.lack_of_room(newcomer, plan) {
            let found = self.cheapest(newcomer, plan).filter(|_| newcomer.is_ready);
            let index = found.ok_or(lack)?;
            let entry = *self.entries.get(index).ok_or(lack)?;
            if entry.sender == newcomer.sender {
                return Err(lack);
            }
            // From the end of the line up to the one that was found, and no further than needed.
            let mut at = match self.mode_of_sender(entry.sender) {
                LineMode::Sequential => self.senders.get(entry.sender).map_or(NONE, |own| own.last),
                LineMode::Window | LineMode::Logged => index,
            };
            loop {
                let last = *self.entries.get(at).ok_or(lack)?;
                // What stands in no queue is planned to go already.
                if self.displaceable.contains(at) {
                    self.plan_one(at, &last, plan).ok_or(lack)?;
                }
                let is_done = at == index || self.lack_of_room(newcomer, plan).is_none();
                if is_done || self.is_protected(newcomer, last.sender, plan) {
                    break;
                }
                at = last.before;
            }
        }
        Ok(())
    }

    /// Notes that one has to go, and takes it out of its queue; nothing where too many have to.
    fn plan_one(&mut self, index: u32, entry: &Entry, plan: &mut Plan) -> Option<()> {
        plan.displaced.push(index).ok()?;
        let bytes = self.payloads.rounded_bytes(entry.payload.len() as usize);
        plan.bytes = plan.bytes.saturating_add(bytes);
        if entry.is_quiet {
            plan.quiet_count = plan.quiet_count.saturating_add(1);
            plan.quiet_bytes = plan.quiet_bytes.saturating_add(bytes);
        }
        let heap = self.heap_of_sender(entry.sender)?;
        let gone = plan.of_rollup.get_mut(heap as usize)?;
        *gone = gone.saturating_add(1);
        let queue = self.displace_queue(entry)?;
        self.displaceable.remove(queue, index).then_some(())
    }

    /// What a newcomer lacks if those planned go.
    fn lack_of_room(&self, newcomer: Newcomer, plan: &Plan) -> Option<AdmissionError> {
        let free = self
            .rules
            .pending_count_max
            .saturating_sub(self.entries.len() as u32)
            .saturating_add(plan.displaced.len() as u32);
        let kept_for_quiet = if newcomer.is_quiet {
            0
        } else {
            let quiet_count = self.quiet_count.saturating_sub(plan.quiet_count);
            self.rules.quiet_reserved_count.saturating_sub(quiet_count)
        };
        if free <= kept_for_quiet.max(self.kept_for_other_rollups(newcomer.heap, plan)) {
            return Some(AdmissionError::PoolFull);
        }
        let free_bytes = self.payloads.free_bytes().saturating_add(plan.bytes);
        let has_bytes = self.payloads.rounded_bytes(newcomer.payload_len) <= free_bytes;
        (!has_bytes).then_some(AdmissionError::PoolBytesFull)
    }

    /// Places that the other rollups have not used of their shares.
    fn kept_for_other_rollups(&self, heap: u32, plan: &Plan) -> u32 {
        let reserved = self.rules.rollup_reserved_count;
        if reserved == 0 || self.count_of_rollup(heap, plan) < reserved {
            return 0;
        }
        let others = (0..self.rules.rollups.len() as u32).filter(|other| *other != heap);
        others
            .map(|other| reserved.saturating_sub(self.count_of_rollup(other, plan)))
            .fold(0, u32::saturating_add)
    }

    /// What a rollup holds if those planned go.
    fn count_of_rollup(&self, heap: u32, plan: &Plan) -> u32 {
        let held = self.rollup_counts.get(heap as usize).copied().unwrap_or(0);
        let gone = plan.of_rollup.get(heap as usize).copied().unwrap_or(0);
        held.saturating_sub(gone)
    }

    /// Whether a sender's transactions stand in the share of a rollup that is not the newcomer's.
    fn is_protected(&self, newcomer: Newcomer, sender: u32, plan: &Plan) -> bool {
        self.heap_of_sender(sender).is_none_or(|heap| {
            let reserved = self.rules.rollup_reserved_count;
            heap != newcomer.heap && self.count_of_rollup(heap, plan) <= reserved
        })
    }

    /// The cheapest that this newcomer may displace.
    fn cheapest(&self, newcomer: Newcomer, plan: &Plan) -> Option<u32> {
        let quiet_count = self.quiet_count.saturating_sub(plan.quiet_count);
        let quiet_bytes = self.quiet_bytes.saturating_sub(plan.quiet_bytes);
        let quiet_bytes =
            quiet_bytes.saturating_add(self.payloads.rounded_bytes(newcomer.payload_len));
        let in_reserve = newcomer.is_quiet
            && quiet_count < self.rules.quiet_reserved_count
            && quiet_bytes <= self.rules.quiet_reserved_bytes;
        let pays_less = |[fee, _]: DisplaceKey| fee < newcomer.fee.get();
        let loud = self.cheapest_of(newcomer, plan, false);
        let loud = loud.filter(|(key, _)| in_reserve || pays_less(*key));
        let quiet = || {
            self.cheapest_of(newcomer, plan, true)
                .filter(|(key, _)| newcomer.is_quiet && pays_less(*key))
        };
        loud.or_else(quiet).map(|(_, index)| index)
    }

    fn cheapest_of(
        &self,
        newcomer: Newcomer,
        plan: &Plan,
        is_quiet: bool,
    ) -> Option<(DisplaceKey, u32)> {
        let reserved = self.rules.rollup_reserved_count;
        let rollups = (0..self.rules.rollups.len() as u32)
            .filter(|heap| *heap == newcomer.heap || self.count_of_rollup(*heap, plan) > reserved);
        let queues = rollups.map(|heap| queue_of(heap, is_quiet));
        queues
            .filter_map(|queue| self.displaceable.peek(queue))
            .min()
    }

    /// Ends those that were found as evicted.
    pub(super) fn displace(&mut self, displaced: &Displaced, ledger: &mut Ledger<'_>) {
        for index in displaced {
            let Some(entry) = self.entries.get(*index).copied() else {
                continue;
            };
            // Where one is displaced, others mostly follow.
            if self.arrivals.is_multiple_of(TAKES_BETWEEN as u64)
                && let Some(queue) = self.displace_queue(&entry)
            {
                self.look_ahead_at_cheapest(queue);
            }
            self.end(*index, &entry, Code::Evicted, ledger);
        }
    }

    /// Notes that a waiting transaction may be displaced.
    pub(super) fn allow_displacing(&mut self, index: u32, entry: &Entry) {
        let key = [entry.fee.get(), !entry.arrival.index];
        if let Some(queue) = self.displace_queue(entry) {
            self.displaceable.push(queue, key, index);
        }
    }

    /// The queue in which a transaction that waits can be displaced.
    pub(super) fn displace_queue(&self, entry: &Entry) -> Option<u32> {
        Some(queue_of(self.heap_of_sender(entry.sender)?, entry.is_quiet))
    }
}

/// Who has to go for a newcomer, and what that leaves.
#[derive(Debug, Default)]
struct Plan {
    /// They stand in no queue while the plan is made.
    displaced: Displaced,
    bytes: u64,
    quiet_count: u32,
    quiet_bytes: u64,
    of_rollup: [u32; ROLLUP_COUNT_MAX],
}

const fn queue_of(heap: u32, is_quiet: bool) -> u32 {
    heap.saturating_mul(2).saturating_add(is_quiet as u32)
}

/// The part of the payload bytes that belongs to the quiet ones' places.
pub(super) fn quiet_reserved_bytes(limits: &Limits) -> u64 {
    let bytes = u128::from(limits.pending_bytes_max)
        .saturating_mul(u128::from(limits.quiet_reserved_count))
        .checked_div(u128::from(limits.pending_count_max));
    u64::try_from(bytes.unwrap_or(0)).unwrap_or(u64::MAX)
}

/// Whether `more` fits into a quota beside what is in use.
fn check_quota(in_use: InUse, more: InUse, quota: &Quota) -> Option<()> {
    let fits = in_use.count.saturating_add(more.count) <= quota.count_max
        && in_use.bytes.saturating_add(more.bytes) <= quota.bytes_max
        && in_use.gas.saturating_add(more.gas) <= quota.gas_max;
    fits.then_some(())
}

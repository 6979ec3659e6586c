//! Follows a chain of slots and checks every one of them.

mod error;
mod nonces;
mod step;

pub use error::VerifyError;

use alloc::boxed::Box;
use core::ops::Range;

use super::evidence::{EvidenceRow, check_slices};
use super::order::OrderTwin;
use super::segments::{BUNDLES_STEP, FORCED_STEP, LegRow, LegTable, RoomLeft, Segment};
use super::{ChainTip, RollupTip, SlotHeader, SlotReader, SubBatch, SubBatchHeader};
use crate::bounded::{HandleIndex, KeyedHash, fixed_slice, fixed_slice_bytes};
use crate::config::{Config, ReplayProtection};
use crate::crypto::hash::{Domain, MICRO_BATCH, hash, hash_many};
use crate::crypto::merkle;
use crate::error::Code;
use crate::limits::{Limits, ROLLUP_COUNT_MAX};
use crate::ordering::SlotRoom;
use crate::ordering::shuffle::SetRoot;
use crate::types::{
    Address, Arrival, Candidate, Epoch, Hash, InboxIndex, Nonce, Transaction, TxId, UnixNs,
};
use step::{Next, check_changes};

/// A slot that was verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerifiedSlot {
    /// Its header.
    pub header: SlotHeader,
    /// Its hash.
    pub hash: Hash,
    /// Its transactions, over all rollups.
    pub transaction_count: u32,
    /// Bytes of its transactions.
    pub transaction_bytes: u64,
    /// Gas of its transactions.
    pub gas: u64,
    /// Under the shuffle, what binds the set of its transactions: to be compared with the root that
    /// was told before the seed was known. Zero under every other policy.
    pub set_root: Hash,
}

impl VerifiedSlot {
    /// Counts one sub-batch more.
    const fn add(&mut self, header: &SubBatchHeader) {
        self.transaction_count = self.transaction_count.saturating_add(header.counts.total());
        self.transaction_bytes = self.transaction_bytes.saturating_add(header.bytes);
        self.gas = self.gas.saturating_add(header.gas);
    }
}

/// What the verifier keeps of one transaction while it goes through a sub-batch.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    sender: Address,
    nonce: Nonce,
}

/// Follows a chain of slots with nothing but the configuration.
///
/// [`verify`](Self::verify) checks the next slot and moves on to it. Where several candidates stand
/// at one height, [`check`](Self::check) judges each and stays, and
/// [`advance`](Self::advance) moves on to the one that was decided.
///
/// It checks form, limits, chain, epochs, roots, sums, running hashes, the form of membership
/// changes, that no transaction stands twice in a slot, that each sender's nonces follow each other
/// within it, slices, and the policy's order. What it can't see: whether a transaction was included
/// in an earlier slot (the host's nonces or a [`crate::pool`] decide that); whether recorded
/// arrivals, trades and reserves are true; whether arrivals agree with those of other rollups and
/// slots; where a seed came from; whether membership changes are right; and whether a slot's time,
/// next membership and state root, which nothing in the slot repeats, are those that were agreed on
/// (a registry and [`FairVerifier`](super::FairVerifier) say that). Another of them is another
/// hash, so followers of the two part ways.
///
/// Memory: about 560 bytes for each transaction of a slot.
#[derive(Debug)]
pub struct SlotVerifier {
    config: Config,
    limits: Limits,
    tip: ChainTip,
    hash: KeyedHash,
    leaves: Box<[Hash]>,
    /// Ids that a root is folded over, or a set sorted in.
    folded: Box<[Hash]>,
    seen: Box<[Seen]>,
    arrivals: Box<[Arrival]>,
    by_id: HandleIndex,
    by_sender: HandleIndex,
    order: OrderTwin,
    legs: LegTable,
    /// Of the sub-batch at hand: its forced inputs, and the leg that was checked last.
    forced_count: u32,
    /// Where its pool segment ends.
    pool_end: u32,
    last_leg: Option<LegRow>,
    /// The least inbox index that each rollup's next forced input can have.
    inbox_next: [InboxIndex; ROLLUP_COUNT_MAX],
}

impl SlotVerifier {
    /// Starts before the first slot of the network with this configuration.
    #[must_use]
    pub fn new(config: &Config, limits: &Limits) -> Self {
        let count = limits.slot_count_max;
        Self {
            tip: ChainTip::genesis(config, limits),
            hash: KeyedHash::new(config.index_key),
            leaves: fixed_slice(count as usize, Hash::ZERO),
            folded: fixed_slice(count as usize, Hash::ZERO),
            seen: fixed_slice(count as usize, Seen::default()),
            arrivals: fixed_slice(count as usize, Arrival::default()),
            by_id: HandleIndex::new(count),
            by_sender: HandleIndex::new(count),
            order: OrderTwin::new(config.policy, count),
            legs: LegTable::new(count),
            forced_count: 0,
            pool_end: 0,
            last_leg: None,
            inbox_next: [InboxIndex::ZERO; ROLLUP_COUNT_MAX],
            config: config.clone(),
            limits: limits.clone(),
        }
    }

    /// The bytes that [`SlotVerifier::new`] takes.
    #[must_use]
    pub const fn footprint_bytes(limits: &Limits) -> u64 {
        let count = limits.slot_count_max;
        fixed_slice_bytes::<[Hash; 2]>(count as usize)
            .saturating_add(fixed_slice_bytes::<Seen>(count as usize))
            .saturating_add(fixed_slice_bytes::<Arrival>(count as usize))
            .saturating_add(HandleIndex::footprint_bytes(count))
            .saturating_add(HandleIndex::footprint_bytes(count))
            .saturating_add(OrderTwin::footprint_bytes(count))
            .saturating_add(LegTable::footprint_bytes(count))
    }

    /// Where the chain stands after the slots that were verified.
    #[must_use]
    pub const fn tip(&self) -> &ChainTip {
        &self.tip
    }

    /// Checks all of a slot that could be the next one, and says what follows from it.
    fn check_next(&mut self, bytes: &[u8]) -> Result<(VerifiedSlot, Next), VerifyError> {
        let mut reader = SlotReader::new(bytes, &self.limits)?;
        let header = *reader.header();
        self.check_slot_header(&header)?;
        check_changes(&reader)?;
        let mut tip = self.tip.clone();
        let mut left = RoomLeft::of(&self.config, &self.limits);
        let mut inbox_next = self.inbox_next;
        self.legs.clear();
        let mut slot = VerifiedSlot {
            header,
            hash: header.hash(),
            transaction_count: 0,
            transaction_bytes: 0,
            gas: 0,
            set_root: Hash::ZERO,
        };
        let mut set_root = SetRoot::new(&header.parent, header.height, header.time);
        let (mut filled, mut seed) = (0, None);
        let mut hashes = [Hash::ZERO; ROLLUP_COUNT_MAX];
        let mut places = 0..self.tip.rollups.len();
        while let Some(sub_batch) = reader.next_sub_batch()? {
            let place = places
                .next()
                .ok_or(VerifyError::slot(Code::WrongRollupOrder))?;
            if *seed.get_or_insert(sub_batch.header.seed) != sub_batch.header.seed {
                let rollup = sub_batch.header.rollup;
                return Err(VerifyError::sub_batch(Code::WrongSeed, rollup));
            }
            if let Some(next) = inbox_next.get_mut(place) {
                check_inbox(&sub_batch, next)
                    .map_err(|code| VerifyError::sub_batch(code, sub_batch.header.rollup))?;
            }
            filled |= self.check_sub_batch(&sub_batch, place, &header, &mut left)?;
            self.add_to_set(&sub_batch, &mut set_root);
            let (Some(own), Some(hash)) = (tip.rollups.get_mut(place), hashes.get_mut(place))
            else {
                return Err(VerifyError::slot(Code::WrongRollupOrder));
            };
            *hash = own.advance(&sub_batch.header);
            slot.add(&sub_batch.header);
        }
        let hashes = hashes.get_mut(..tip.rollups.len()).unwrap_or_default();
        if merkle::root(hashes) != header.sub_batch_root {
            return Err(VerifyError::slot(Code::WrongRoot));
        }
        let bundle_root = self.legs.root(&mut self.folded);
        if bundle_root.map_err(VerifyError::slot)? != header.bundle_root {
            return Err(VerifyError::slot(Code::WrongRoot));
        }
        // A slice that holds nothing promised nothing, unless it is the only one.
        let all_filled = u64::MAX.wrapping_shr(64_u32.wrapping_sub(header.slice_count.into()));
        if header.slice_count > 1 && filled != all_filled {
            return Err(VerifyError::slot(Code::WrongSlices));
        }
        if self.config.policy.needs_seed() {
            slot.set_root = set_root.finish();
        }
        tip.advance(&header);
        Ok((slot, Next { tip, inbox_next }))
    }

    fn check_sub_batch(
        &mut self,
        sub_batch: &SubBatch<'_>,
        place: usize,
        slot: &SlotHeader,
        left: &mut RoomLeft,
    ) -> Result<u64, VerifyError> {
        let header = &sub_batch.header;
        let wrong = |code| VerifyError::sub_batch(code, header.rollup);
        let tip = *self
            .tip
            .rollups
            .get(place)
            .ok_or(wrong(Code::WrongRollupOrder))?;
        let head_fault = if header.rollup != tip.rollup {
            Some(Code::WrongRollupOrder)
        } else if header.height != slot.height {
            Some(Code::WrongHeight)
        } else if header.parent != tip.sub_batch {
            Some(Code::WrongParent)
        } else if header.policy != self.config.policy {
            Some(Code::WrongPolicy)
        } else if hash(Domain::EVIDENCE, sub_batch.evidence.bytes) != header.evidence_root {
            Some(Code::WrongRoot)
        } else {
            None
        };
        head_fault.map_or(Ok(()), |code| Err(wrong(code)))?;
        let filled = check_slices(&sub_batch.evidence, header.counts.pool).map_err(wrong)?;
        self.order.begin(sub_batch).map_err(wrong)?;
        let before = *left;
        self.check_drained(sub_batch, place == 0, left)
            .map_err(wrong)?;
        self.check_transactions(sub_batch, slot.time, left)?;
        let used = before.slot.minus(left.slot);
        if (header.bytes, header.gas) != (u64::from(used.bytes), used.gas) {
            return Err(wrong(Code::WrongCount));
        }
        self.check_arrivals(header.counts.pool).map_err(wrong)?;
        self.order
            .finish(self.config.nonce_mode(header.rollup))
            .map_err(|(code, position)| VerifyError {
                code,
                rollup: Some(header.rollup),
                position,
            })?;
        self.check_roots(sub_batch, tip, slot).map_err(wrong)?;
        Ok(filled)
    }

    /// Checks the form of what a sub-batch records of its cut and its no-ops; whether they follow
    /// from the logs, only [`FairVerifier`](super::FairVerifier) can say.
    fn check_drained(
        &self,
        sub_batch: &SubBatch<'_>,
        is_first: bool,
        left: &mut RoomLeft,
    ) -> Result<(), Code> {
        let Some(log_count) = self.config.policy.log_count() else {
            return Ok(());
        };
        let evidence = &sub_batch.evidence;
        let count = evidence.cut_log_count();
        // How many members a later epoch has, only a registry can say.
        let fits = match self.tip.epoch {
            Epoch::ZERO => count == u16::from(log_count),
            _ => (1..=self.config.log_count_max(log_count)).contains(&count),
        };
        if is_first && !fits {
            return Err(Code::WrongCut);
        }
        let mut position = 0_u32;
        for row in evidence.no_ops() {
            if row.position < position || row.position > sub_batch.header.counts.pool {
                return Err(Code::NoOpOutOfOrder);
            }
            position = row.position;
        }
        let count = evidence.no_ops().count() as u32;
        *left = left.after_no_ops(count).ok_or(Code::SlotOverLimit)?;
        Ok(())
    }

    /// Checks the transaction root, and the running hash slice by slice.
    fn check_roots(
        &mut self,
        sub_batch: &SubBatch<'_>,
        mut tip: RollupTip,
        slot: &SlotHeader,
    ) -> Result<(), Code> {
        let header = &sub_batch.header;
        let counts = header.counts;
        let count = counts.total() as usize;
        if self.root_over(0..count) != header.transaction_root {
            return Err(Code::WrongRoot);
        }
        let forced = counts.forced as usize;
        if forced > 0 {
            let root = self.root_over(0..forced);
            tip.promise(header.policy, slot.epoch, slot.height, FORCED_STEP, root);
        }
        let mut start = forced;
        for (slice, end) in (0..).zip(sub_batch.evidence.slice_ends()) {
            let range = start..forced.saturating_add(end as usize);
            start = range.end;
            let root = if range == (0..count) {
                header.transaction_root
            } else {
                self.root_over(range)
            };
            tip.promise(header.policy, slot.epoch, slot.height, slice, root);
        }
        if counts.bundles > 0 {
            let root = self.root_over(start..count);
            tip.promise(header.policy, slot.epoch, slot.height, BUNDLES_STEP, root);
        }
        if tip.running_hash == header.running_hash {
            Ok(())
        } else {
            Err(Code::WrongRunningHash)
        }
    }

    /// The Merkle root over a range of the ids at hand.
    fn root_over(&mut self, range: Range<usize>) -> Hash {
        merkle::root(self.fold(range))
    }

    /// A copy of a range of the ids at hand, to work in.
    fn fold(&mut self, range: Range<usize>) -> &mut [Hash] {
        let ids = self.leaves.get(range).unwrap_or_default();
        let folded = self.folded.get_mut(..ids.len()).unwrap_or_default();
        folded.copy_from_slice(ids);
        folded
    }

    /// Adds the sub-batch that was just checked to what the shuffle's set root binds.
    fn add_to_set(&mut self, sub_batch: &SubBatch<'_>, set_root: &mut SetRoot) {
        if self.config.policy.needs_seed() {
            let counts = sub_batch.header.counts;
            let start = counts.forced as usize;
            let ids = self.fold(start..start.saturating_add(counts.pool as usize));
            set_root.add(sub_batch.header.rollup, ids);
        }
    }

    /// Goes through the transactions in order, and leaves their ids in `leaves`.
    fn check_transactions(
        &mut self,
        sub_batch: &SubBatch<'_>,
        time: UnixNs,
        left: &mut RoomLeft,
    ) -> Result<(), VerifyError> {
        // Clearing costs as much as the largest slot, so an empty sub-batch is spared it.
        if !self.by_id.is_empty() {
            self.by_id.clear();
            self.by_sender.clear();
        }
        let mut messages: [&[u8]; MICRO_BATCH] = [&[]; MICRO_BATCH];
        let mut ids = [Hash::ZERO; MICRO_BATCH];
        let mut ahead = sub_batch.all();
        let evidence = &sub_batch.evidence;
        let segments = (evidence.forced().map(Segment::Forced))
            .chain(evidence.rows().map(Segment::Pool))
            .chain(evidence.legs().map(Segment::Leg));
        let mut behind = sub_batch.all().zip(segments);
        self.forced_count = sub_batch.header.counts.forced;
        let pool_count = sub_batch.header.counts.pool;
        self.pool_end = self.forced_count.saturating_add(pool_count);
        self.last_leg = None;
        let mut position = 0_u32;
        loop {
            let mut gathered = 0_usize;
            for (message, (bytes, ..)) in messages.iter_mut().zip(ahead.by_ref()) {
                *message = bytes;
                gathered = gathered.saturating_add(1);
            }
            if gathered == 0 {
                return Ok(());
            }
            hash_many(
                Domain::TRANSACTION,
                messages.get(..gathered).unwrap_or_default(),
                &mut ids,
            );
            for (id, ((_, transaction), segment)) in ids.iter().take(gathered).zip(behind.by_ref())
            {
                self.check_transaction(*id, &transaction, &segment, position, time, left)
                    .and_then(|()| {
                        let own = transaction.envelope.rollup == sub_batch.header.rollup;
                        own.then_some(()).ok_or(Code::ForeignTransaction)
                    })
                    .map_err(|code| {
                        VerifyError::transaction(code, sub_batch.header.rollup, position)
                    })?;
                position = position.saturating_add(1);
            }
        }
    }

    fn check_transaction(
        &mut self,
        id: Hash,
        transaction: &Transaction<'_>,
        segment: &Segment,
        position: u32,
        time: UnixNs,
        left: &mut RoomLeft,
    ) -> Result<(), Code> {
        let envelope = &transaction.envelope;
        let size = SlotRoom {
            count: 1,
            bytes: transaction.encoded_len() as u32,
            gas: envelope.gas.get(),
        };
        *left = left.after(segment, size).ok_or(Code::SlotOverLimit)?;
        let leaf = self.leaves.get_mut(position as usize);
        *leaf.ok_or(Code::SlotOverLimit)? = id;
        match segment {
            Segment::Forced(row) => {
                if !self.check_forced(envelope, row.outcome, position, time)? {
                    return Ok(());
                }
            }
            Segment::Pool(_) => self.check_admissible(transaction, time)?,
            Segment::Leg(row) => {
                self.check_admissible(transaction, time)?;
                if self.last_leg.is_some_and(|last| last >= *row) {
                    return Err(Code::WrongBundle);
                }
                self.last_leg = Some(*row);
                self.legs.push(*row, TxId::from_hash(id))?;
            }
        }
        let id_hash = self.hash.bytes32(id.as_bytes());
        let is_same = |at| self.leaves.get(at as usize) == Some(&id) && self.meets(at, position);
        if self.by_id.find(id_hash, is_same).is_some() {
            return Err(Code::RepeatedTransaction);
        }
        let (line_hash, predecessor) = self.find_predecessor(envelope, position)?;
        if let Segment::Pool(row) = segment {
            self.check_order(id, transaction, row, position, predecessor)?;
        }
        let seen = self.seen.get_mut(position as usize);
        *seen.ok_or(Code::SlotOverLimit)? = Seen {
            sender: envelope.sender,
            nonce: envelope.nonce,
        };
        self.by_id.insert(id_hash, position);
        if let Some(own) = predecessor {
            self.by_sender.remove(line_hash, own);
        }
        self.by_sender.insert(line_hash, position);
        Ok(())
    }

    /// Checks a transaction of the pool segment against the policy's order.
    fn check_order(
        &mut self,
        id: Hash,
        transaction: &Transaction<'_>,
        row: &EvidenceRow,
        position: u32,
        predecessor: Option<u32>,
    ) -> Result<(), Code> {
        let candidate = Candidate {
            id: TxId::from_hash(id),
            envelope: transaction.envelope,
            arrival: row.arrival,
            encoded_len: transaction.encoded_len() as u32,
        };
        // The order counts from the start of the segment, and whoever stands before it made room
        // before it began.
        let at = position.saturating_sub(self.forced_count);
        let predecessor = predecessor.and_then(|own| own.checked_sub(self.forced_count));
        let mode = self.config.nonce_mode(transaction.envelope.rollup);
        self.order
            .check_next(&candidate, row, at, predecessor, mode)?;
        let place = self.arrivals.get_mut(at as usize);
        *place.ok_or(Code::SlotOverLimit)? = row.arrival;
        Ok(())
    }

    /// What admission would have refused must not stand in a slot.
    fn check_admissible(&self, transaction: &Transaction<'_>, time: UnixNs) -> Result<(), Code> {
        let envelope = &transaction.envelope;
        if envelope.expiry <= time {
            return Err(Code::ExpiredIncluded);
        }
        let expires_in_time = match self.config.replay_protection {
            ReplayProtection::ByHost => true,
            ReplayProtection::ByExpiry { horizon_ns } => {
                envelope.expiry != UnixNs::NEVER
                    && envelope.expiry.saturating_distance(time) <= horizon_ns
            }
        };
        let is_admissible = expires_in_time
            && envelope.fee >= self.config.fee_floor
            && envelope.nonce != Nonce::MAX;
        if is_admissible {
            Ok(())
        } else {
            Err(Code::RefusableIncluded)
        }
    }

    /// Recorded arrivals are distinct, and their clock never goes back.
    fn check_arrivals(&mut self, count: u32) -> Result<(), Code> {
        let arrivals = self
            .arrivals
            .get_mut(..count as usize)
            .ok_or(Code::SlotOverLimit)?;
        if self.config.policy.orders_by_logs() {
            return Ok(());
        }
        arrivals.sort_unstable();
        let in_order = arrivals.windows(2).all(|pair| match pair {
            [before, after] => before.index < after.index && before.tick <= after.tick,
            _ => true,
        });
        if in_order {
            Ok(())
        } else {
            Err(Code::EvidenceOutOfOrder)
        }
    }
}

/// Forced inputs stand in the order of their inbox, over all slots. What is missing between them
/// only somebody who knows the inbox can judge; see [`ForcedAudit`](super::ForcedAudit).
fn check_inbox(sub_batch: &SubBatch<'_>, next: &mut InboxIndex) -> Result<(), Code> {
    for row in sub_batch.evidence.forced() {
        if row.index < *next || row.index == InboxIndex::MAX {
            return Err(Code::ForcedOutOfOrder);
        }
        *next = row.index.saturating_add(1);
    }
    Ok(())
}

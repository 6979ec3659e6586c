//! Follows a chain of slots and checks every one of them.

use alloc::boxed::Box;
use core::fmt;
use core::ops::Range;

use super::evidence::{EvidenceRow, check_slices};
use super::order::OrderTwin;
use super::{ChainTip, RollupTip, SlotHeader, SlotReader, SubBatch};
use crate::bounded::{HandleIndex, KeyedHash, fixed_slice, fixed_slice_bytes};
use crate::codec::DecodeError;
use crate::config::{Config, NonceMode, ReplayProtection};
use crate::crypto::hash::{Domain, MICRO_BATCH, hash, hash_many};
use crate::crypto::merkle;
use crate::error::Code;
use crate::limits::{Limits, ROLLUP_COUNT_MAX};
use crate::ordering::SlotRoom;
use crate::ordering::shuffle::SetRoot;
use crate::types::{
    Address, Arrival, Candidate, Envelope, Hash, Nonce, RollupId, Transaction, TxId, UnixNs,
};

/// What is wrong with a slot, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerifyError {
    /// What is wrong.
    pub code: Code,
    /// In which rollup's sub-batch, where it is one.
    pub rollup: Option<RollupId>,
    /// At which transaction of it, where it is one.
    pub position: Option<u32>,
}

impl VerifyError {
    const fn slot(code: Code) -> Self {
        Self {
            code,
            rollup: None,
            position: None,
        }
    }

    const fn sub_batch(code: Code, rollup: RollupId) -> Self {
        Self {
            code,
            rollup: Some(rollup),
            position: None,
        }
    }

    const fn transaction(code: Code, rollup: RollupId, position: u32) -> Self {
        Self {
            code,
            rollup: Some(rollup),
            position: Some(position),
        }
    }
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code.message())?;
        if let Some(rollup) = self.rollup {
            write!(f, " (rollup {rollup}")?;
            match self.position {
                Some(position) => write!(f, ", transaction {position})")?,
                None => f.write_str(")")?,
            }
        }
        Ok(())
    }
}

impl core::error::Error for VerifyError {}

impl From<DecodeError> for VerifyError {
    fn from(error: DecodeError) -> Self {
        Self::slot(error.code())
    }
}

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

/// What the verifier keeps of one transaction while it goes through a sub-batch.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    sender: Address,
    nonce: Nonce,
}

/// Follows a chain of slots with nothing but the configuration.
///
/// It checks form, limits, chain, roots, sums, running hashes, that no transaction stands twice in
/// a slot, that each sender's nonces follow each other within it, slices, and the policy's order.
/// What it can't see: whether a transaction was included in an earlier slot (the host's nonces or a
/// [`crate::pool`] decide that); whether recorded arrivals, trades and reserves are true, and
/// whether arrivals agree with those of other rollups and slots; where a seed came from; and whether a
/// slot's time, which nothing in the slot repeats, is the one that was agreed on. Another time is
/// another hash, so followers of the two part ways.
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
    }

    /// Where the chain stands after the slots that were verified.
    #[must_use]
    pub const fn tip(&self) -> &ChainTip {
        &self.tip
    }

    /// Checks the next slot, and moves on to it.
    ///
    /// # Errors
    /// A [`VerifyError`]; the verifier stays where it was then.
    pub fn verify(&mut self, bytes: &[u8]) -> Result<VerifiedSlot, VerifyError> {
        let mut reader = SlotReader::new(bytes, &self.limits)?;
        let header = *reader.header();
        self.check_slot_header(&header)?;
        let mut tip = self.tip.clone();
        let mut left = SlotRoom::of(&self.limits);
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
            filled |= self.check_sub_batch(&sub_batch, place, &header, &mut left)?;
            self.add_to_set(&sub_batch, &mut set_root);
            let (Some(own), Some(hash)) = (tip.rollups.get_mut(place), hashes.get_mut(place))
            else {
                return Err(VerifyError::slot(Code::WrongRollupOrder));
            };
            *hash = own.advance(&sub_batch.header);
            slot.transaction_count = slot
                .transaction_count
                .saturating_add(sub_batch.header.counts.pool);
            slot.transaction_bytes = slot
                .transaction_bytes
                .saturating_add(sub_batch.header.bytes);
            slot.gas = slot.gas.saturating_add(sub_batch.header.gas);
        }
        let hashes = hashes.get_mut(..tip.rollups.len()).unwrap_or_default();
        if merkle::root(hashes) != header.sub_batch_root {
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
        self.tip = tip;
        Ok(slot)
    }

    fn check_slot_header(&self, header: &SlotHeader) -> Result<(), VerifyError> {
        let wrong = if header.height != self.tip.height.next() || header.epoch != self.tip.epoch {
            Code::WrongHeight
        } else if header.parent != self.tip.hash {
            Code::WrongParent
        } else if header.time < self.tip.time {
            Code::TimeBeforeParent
        } else if usize::from(header.sub_batch_count) != self.tip.rollups.len() {
            Code::WrongRollupOrder
        } else {
            return Ok(());
        };
        Err(VerifyError::slot(wrong))
    }

    fn check_sub_batch(
        &mut self,
        sub_batch: &SubBatch<'_>,
        place: usize,
        slot: &SlotHeader,
        left: &mut SlotRoom,
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
        self.check_transactions(sub_batch, slot.time, left)?;
        let used = before.minus(*left);
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

    /// Checks the transaction root, and the running hash slice by slice.
    fn check_roots(
        &mut self,
        sub_batch: &SubBatch<'_>,
        mut tip: RollupTip,
        slot: &SlotHeader,
    ) -> Result<(), Code> {
        let header = &sub_batch.header;
        let count = header.counts.pool as usize;
        if self.root_over(0..count) != header.transaction_root {
            return Err(Code::WrongRoot);
        }
        let mut start = 0;
        for (slice, end) in (0..).zip(sub_batch.evidence.slice_ends()) {
            let range = start..end as usize;
            start = range.end;
            let root = if range == (0..count) {
                header.transaction_root
            } else {
                self.root_over(range)
            };
            tip.promise(header.policy, slot.epoch, slot.height, slice, root);
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
            let ids = self.fold(0..sub_batch.header.counts.pool as usize);
            set_root.add(sub_batch.header.rollup, ids);
        }
    }

    /// Goes through the transactions in order, and leaves their ids in `leaves`.
    fn check_transactions(
        &mut self,
        sub_batch: &SubBatch<'_>,
        time: UnixNs,
        left: &mut SlotRoom,
    ) -> Result<(), VerifyError> {
        // Clearing costs as much as the largest slot, so an empty sub-batch is spared it.
        if !self.by_id.is_empty() {
            self.by_id.clear();
            self.by_sender.clear();
        }
        let mut messages: [&[u8]; MICRO_BATCH] = [&[]; MICRO_BATCH];
        let mut ids = [Hash::ZERO; MICRO_BATCH];
        let mut ahead = sub_batch.iter();
        let mut behind = sub_batch.iter().zip(sub_batch.evidence.rows());
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
            for (id, ((_, transaction, _), row)) in ids.iter().take(gathered).zip(behind.by_ref()) {
                self.check_transaction(*id, &transaction, &row, position, time, left)
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
        row: &EvidenceRow,
        position: u32,
        time: UnixNs,
        left: &mut SlotRoom,
    ) -> Result<(), Code> {
        let envelope = &transaction.envelope;
        self.check_admissible(transaction, time)?;
        let candidate = Candidate {
            id: TxId::from_hash(id),
            envelope: *envelope,
            arrival: row.arrival,
            encoded_len: transaction.encoded_len() as u32,
        };
        *left = left.after(&candidate).ok_or(Code::SlotOverLimit)?;
        let id_hash = self.hash.bytes32(id.as_bytes());
        let leaves = &self.leaves;
        if self
            .by_id
            .find(id_hash, |at| leaves.get(at as usize) == Some(&id))
            .is_some()
        {
            return Err(Code::RepeatedTransaction);
        }
        let (line_hash, predecessor) = self.find_predecessor(envelope)?;
        let mode = self.config.nonce_mode(envelope.rollup);
        self.order
            .check_next(&candidate, row, position, predecessor, mode)?;
        let at = position as usize;
        let (Some(leaf), Some(seen), Some(place)) = (
            self.leaves.get_mut(at),
            self.seen.get_mut(at),
            self.arrivals.get_mut(at),
        ) else {
            return Err(Code::SlotOverLimit);
        };
        *leaf = id;
        *seen = Seen {
            sender: envelope.sender,
            nonce: envelope.nonce,
        };
        *place = row.arrival;
        self.by_id.insert(id_hash, position);
        if let Some(own) = predecessor {
            self.by_sender.remove(line_hash, own);
        }
        self.by_sender.insert(line_hash, position);
        Ok(())
    }

    /// The hash under which a transaction is noted, and the one of its sender that it follows.
    ///
    /// In a window of nonces a transaction follows no other one, and is noted by its nonce too.
    fn find_predecessor(&self, envelope: &Envelope) -> Result<(u64, Option<u32>), Code> {
        let of_sender = self
            .hash
            .number_and_bytes20(envelope.rollup.get(), envelope.sender.as_bytes());
        let seen = |at: u32| self.seen.get(at as usize).copied().unwrap_or_default();
        let mode = self.config.nonce_mode(envelope.rollup);
        if mode == NonceMode::Window {
            let of_nonce = self.hash.words([of_sender, envelope.nonce.get()]);
            let is_same = |at| {
                let other = seen(at);
                other.sender == envelope.sender && other.nonce == envelope.nonce
            };
            let repeated = self.by_sender.find(of_nonce, is_same).is_some();
            return if repeated {
                Err(Code::NonceOutOfOrder)
            } else {
                Ok((of_nonce, None))
            };
        }
        let predecessor = self
            .by_sender
            .find(of_sender, |at| seen(at).sender == envelope.sender);
        let follows =
            predecessor.is_none_or(|own| seen(own).nonce.checked_add(1) == Some(envelope.nonce));
        if follows {
            Ok((of_sender, predecessor))
        } else {
            Err(Code::NonceOutOfOrder)
        }
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

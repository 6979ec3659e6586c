//! From one slot to the next: judging candidates, and moving on to one of them.

use super::{SlotVerifier, VerifiedSlot, VerifyError, check_inbox};
use crate::batch::{ChainTip, SlotHeader, SlotReader};
use crate::crypto::hash::{Domain, hash};
use crate::crypto::merkle;
use crate::error::Code;
use crate::limits::ROLLUP_COUNT_MAX;
use crate::sequencer::changes_hash;
use crate::types::{Epoch, Hash, InboxIndex};

/// Where the verifier stands behind a slot.
#[derive(Clone, Debug)]
pub(super) struct Next {
    pub tip: ChainTip,
    pub inbox_next: [InboxIndex; ROLLUP_COUNT_MAX],
}

impl SlotVerifier {
    /// Checks the next slot, and moves on to it.
    ///
    /// # Errors
    /// A [`VerifyError`]; the verifier stays where it was then.
    pub fn verify(&mut self, bytes: &[u8]) -> Result<VerifiedSlot, VerifyError> {
        self.verify_and(bytes, |_| Ok(()))
    }

    /// Checks a slot that could be the next one, and stays where it is: for whoever votes on
    /// several candidates of one height. Cost: that of [`verify`](Self::verify).
    ///
    /// # Errors
    /// As [`verify`](Self::verify).
    pub fn check(&mut self, bytes: &[u8]) -> Result<VerifiedSlot, VerifyError> {
        self.check_next(bytes).map(|(slot, _)| slot)
    }

    /// Moves on to the slot with this hash, which [`check`](Self::check) accepted here, without
    /// another look at its transactions. Cost: the hashes of its headers and of its evidence.
    ///
    /// A slot that was never checked can be moved on to as well, where a certificate that was
    /// verified names its hash: a quorum has judged it then.
    ///
    /// # Errors
    /// What [`verify`](Self::verify) says of form, chain, epoch, changes and roots over headers;
    /// [`Code::OtherSlot`] where the bytes are those of another slot. The verifier stays where it
    /// was then.
    pub fn advance(&mut self, bytes: &[u8], slot: Hash) -> Result<(), VerifyError> {
        let mut reader = SlotReader::new(bytes, &self.limits)?;
        let header = *reader.header();
        if header.hash() != slot {
            return Err(VerifyError::slot(Code::OtherSlot));
        }
        self.check_slot_header(&header)?;
        check_changes(&reader)?;
        let mut tip = self.tip.clone();
        let mut inbox_next = self.inbox_next;
        let mut hashes = [Hash::ZERO; ROLLUP_COUNT_MAX];
        let count = tip.rollups.len();
        let places = tip.rollups.iter_mut().zip(&mut inbox_next).zip(&mut hashes);
        for ((own, inbox), place) in places {
            let wrong = |code| VerifyError::sub_batch(code, own.rollup);
            let sub_batch = reader.next_sub_batch()?;
            let sub_batch = sub_batch.ok_or(wrong(Code::WrongRollupOrder))?;
            let evidence = sub_batch.evidence;
            if hash(Domain::EVIDENCE, evidence.bytes) != sub_batch.header.evidence_root {
                return Err(wrong(Code::WrongRoot));
            }
            check_inbox(&sub_batch, inbox).map_err(wrong)?;
            *place = own.advance(&sub_batch.header);
        }
        if reader.next_sub_batch()?.is_some() {
            return Err(VerifyError::slot(Code::WrongRollupOrder));
        }
        if merkle::root(hashes.get_mut(..count).unwrap_or_default()) != header.sub_batch_root {
            return Err(VerifyError::slot(Code::WrongRoot));
        }
        tip.advance(&header);
        self.move_to(Next { tip, inbox_next });
        Ok(())
    }

    /// Checks the next slot, and moves on only where `also` finds nothing wrong either.
    pub(in crate::batch) fn verify_and(
        &mut self,
        bytes: &[u8],
        also: impl FnOnce(&VerifiedSlot) -> Result<(), VerifyError>,
    ) -> Result<VerifiedSlot, VerifyError> {
        let (slot, next) = self.check_next(bytes)?;
        also(&slot)?;
        self.move_to(next);
        Ok(slot)
    }

    pub(super) fn check_slot_header(&self, header: &SlotHeader) -> Result<(), VerifyError> {
        let needs_state = self.config.policy.orders_by_logs();
        let wrong = if header.height != self.tip.height.next() {
            Code::WrongHeight
        } else if header.epoch != self.tip.epoch
            || (header.ends_epoch() && header.epoch == Epoch::MAX)
        {
            Code::WrongSlotEpoch
        } else if header.parent != self.tip.hash {
            Code::WrongParent
        } else if header.time < self.tip.time {
            Code::TimeBeforeParent
        } else if usize::from(header.sub_batch_count) != self.tip.rollups.len() {
            Code::WrongRollupOrder
        } else if needs_state && header.state_root == Hash::ZERO {
            Code::WrongStateRoot
        } else {
            return Ok(());
        };
        Err(VerifyError::slot(wrong))
    }

    fn move_to(&mut self, next: Next) {
        self.tip = next.tip;
        self.inbox_next = next.inbox_next;
    }
}

/// The membership changes are those that the header binds, and each of them decodes.
pub(super) fn check_changes(reader: &SlotReader<'_>) -> Result<(), VerifyError> {
    if changes_hash(reader.changes_bytes()) != reader.header().changes_hash {
        return Err(VerifyError::slot(Code::WrongChanges));
    }
    for change in reader.changes() {
        change.map_err(|error| VerifyError::slot(error.code()))?;
    }
    Ok(())
}

//! Follows a slot that was verified elsewhere, to take over what it holds.

use super::{ChainTip, SlotHeader, SlotReader, SubBatch, VerifyError, slot_encoded_len_max};
use crate::config::Policy;
use crate::crypto::merkle;
use crate::error::Code;
use crate::limits::{Limits, ROLLUP_COUNT_MAX};
use crate::types::{Epoch, Hash};

/// Reads the slot that follows `tip`, shows each sub-batch, and says where the chain stands after.
///
/// It checks that the slot continues the chain, form and lengths, and that the slot's hash binds
/// the headers of its sub-batches. All else, [`SlotVerifier`](super::SlotVerifier) has checked.
///
/// # Errors
/// What is wrong with the slot, or what `each` finds.
pub(crate) fn follow(
    tip: &ChainTip,
    policy: Policy,
    limits: &Limits,
    bytes: &[u8],
    mut each: impl FnMut(&SubBatch<'_>) -> Result<(), VerifyError>,
) -> Result<(SlotHeader, ChainTip), VerifyError> {
    if bytes.len() as u64 > slot_encoded_len_max(limits) {
        return Err(VerifyError::slot(Code::SlotOverLimit));
    }
    let mut reader = SlotReader::new(bytes, limits)?;
    let header = *reader.header();
    check_header(tip, &header).map_err(VerifyError::slot)?;
    let mut after = tip.clone();
    let mut hashes = [Hash::ZERO; ROLLUP_COUNT_MAX];
    let rollup_count = after.rollups.len();
    for (own, hash) in after.rollups.iter_mut().zip(&mut hashes) {
        let sub_batch = reader.next_sub_batch()?;
        let sub_batch = sub_batch.ok_or(VerifyError::slot(Code::WrongRollupOrder))?;
        let found = &sub_batch.header;
        let wrong = if found.rollup != own.rollup {
            Some(Code::WrongRollupOrder)
        } else if found.height != header.height {
            Some(Code::WrongHeight)
        } else if found.parent != own.sub_batch {
            Some(Code::WrongParent)
        } else if found.policy != policy {
            Some(Code::WrongPolicy)
        } else {
            None
        };
        if let Some(code) = wrong {
            return Err(VerifyError::sub_batch(code, found.rollup));
        }
        each(&sub_batch)?;
        *hash = own.advance(found);
    }
    // The bytes must end here.
    if reader.next_sub_batch()?.is_some() {
        return Err(VerifyError::slot(Code::WrongRollupOrder));
    }
    let hashes = hashes.get_mut(..rollup_count).unwrap_or_default();
    if merkle::root(hashes) != header.sub_batch_root {
        return Err(VerifyError::slot(Code::WrongRoot));
    }
    after.advance(&header);
    Ok((header, after))
}

fn check_header(tip: &ChainTip, header: &SlotHeader) -> Result<(), Code> {
    if header.height != tip.height.next() {
        Err(Code::WrongHeight)
    } else if header.epoch != tip.epoch || (header.ends_epoch() && header.epoch == Epoch::MAX) {
        Err(Code::WrongSlotEpoch)
    } else if header.parent != tip.hash {
        Err(Code::WrongParent)
    } else if header.time < tip.time {
        Err(Code::TimeBeforeParent)
    } else if usize::from(header.sub_batch_count) != tip.rollups.len() {
        Err(Code::WrongRollupOrder)
    } else {
        Ok(())
    }
}

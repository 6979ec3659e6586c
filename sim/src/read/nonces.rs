//! Nonces without gaps.

use hauptbuch_core::types::Nonce;

use crate::workload::Record;

/// What renumbering did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Renumbered {
    /// Pairs of consecutive nonces of a sender that did not follow each other.
    pub(super) gap_count: u64,
    /// Nonces that were equal to the one before them.
    pub(super) equal_count: u64,
}

/// Renumbers each sender's nonces on each rollup from its lowest one on, and makes that one the
/// account's.
///
/// # Errors
/// The index of the record whose nonce would pass the largest one.
pub(super) fn close_gaps(records: &mut [Record]) -> Result<Renumbered, usize> {
    let mut order: Vec<u32> = (0..records.len() as u32).collect();
    order.sort_unstable_by_key(|index| {
        let envelope = &records[*index as usize].envelope;
        (envelope.rollup, envelope.sender, envelope.nonce, *index)
    });
    let mut done = Renumbered::default();
    // The record before: whose it is, its nonce as it was and as it is, and the lowest.
    let mut before = None;
    for index in order {
        let record = &mut records[index as usize];
        let account = (record.envelope.rollup, record.envelope.sender);
        let old = record.envelope.nonce;
        let (new, lowest) = match before {
            Some((same, old_before, new_before, lowest)) if same == account => {
                done.gap_count += u64::from(old.saturating_distance(old_before) > 1);
                done.equal_count += u64::from(old == old_before);
                let next = Nonce::checked_add(new_before, 1).ok_or(index as usize)?;
                (next, lowest)
            }
            _ => (old, old),
        };
        record.envelope.nonce = new;
        record.account_nonce = Some(lowest);
        before = Some((account, old, new, lowest));
    }
    Ok(done)
}

//! Every maximum of consensus, with its range and its reason.

use crate::error::operation_error;
use crate::vote::MEMBER_COUNT_MAX;

operation_error! {
    /// Why limits don't hold together.
    ConsensusLimitsError { LimitOutOfRange }
}

/// Every maximum of one member's consensus engine.
///
/// ```
/// use hauptbuch_core::consensus::ConsensusLimits;
///
/// let limits = ConsensusLimits::default();
/// limits.check().unwrap();
/// assert!(limits.footprint().bytes() < 1 << 20);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsensusLimits {
    /// Members of the committee.
    ///
    /// Range: 1 ..= 128. Why: a set of them is one word of 128 bits; memory grows with it.
    pub validator_count_max: u16,
    /// Bytes of one signature.
    ///
    /// Range: 1 ..= 8,192. Why: 3,309 for ML-DSA-65 and for Dilithium3.
    pub signature_bytes_max: u16,
    /// Signatures from one peer that wait to be verified.
    ///
    /// Range: 1 ..= 64. Why: what a peer sends in one go, so that a hostile one fills its own
    /// places and nobody else's.
    pub pending_per_peer_max: u8,
    /// Votes in one message.
    ///
    /// Range: 1 ..= 128. Why: a message of 8 large signatures is 27 KB.
    pub votes_per_message_max: u8,
    /// Replies to peers that wait to be sent; beyond it they are dropped, and asked for again.
    ///
    /// Range: 8 ..= 4,096. Why: a few for each member.
    pub reply_count_max: u16,
    /// Conflicts of members that wait to be read; beyond it they are taken up when seen again.
    ///
    /// Range: 1 ..= 384. Why: a host reads them in every turn, so a few are enough.
    pub evidence_count_max: u16,
    /// Entries of the proposers' schedule.
    ///
    /// Range: 1 ..= 4,096. Why: each member's share of them is its share of weight, within one.
    pub schedule_count_max: u16,
}

impl Default for ConsensusLimits {
    fn default() -> Self {
        Self {
            validator_count_max: 9,
            signature_bytes_max: 3_309,
            pending_per_peer_max: 8,
            votes_per_message_max: 8,
            reply_count_max: 64,
            evidence_count_max: 8,
            schedule_count_max: 1_024,
        }
    }
}

impl ConsensusLimits {
    /// Whether every limit is in its range.
    ///
    /// # Errors
    /// [`ConsensusLimitsError::LimitOutOfRange`].
    pub fn check(&self) -> Result<(), ConsensusLimitsError> {
        let is_good = (1..=MEMBER_COUNT_MAX).contains(&self.validator_count_max)
            && (1..=8_192).contains(&self.signature_bytes_max)
            && (1..=64).contains(&self.pending_per_peer_max)
            && (1..=128).contains(&self.votes_per_message_max)
            && (8..=4_096).contains(&self.reply_count_max)
            && (1..=384).contains(&self.evidence_count_max)
            && (1..=4_096).contains(&self.schedule_count_max);
        is_good
            .then_some(())
            .ok_or(ConsensusLimitsError::LimitOutOfRange)
    }
}

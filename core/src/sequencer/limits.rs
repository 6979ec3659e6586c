//! Every maximum and every choice of the registry.

use crate::crypto::signature::Provider;
use crate::types::Hash;
use crate::vote::MEMBER_COUNT_MAX;

use super::SequencerSetupError;

/// Every maximum of the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SequencerLimits {
    /// Sequencers that are registered, whatever their status; banned ones stay for good.
    ///
    /// Range: `member_count_max` ..= 1,024. Why: a network has 100 of them by default.
    pub sequencer_count_max: u16,
    /// Members of one epoch.
    ///
    /// Range: 1 ..= 128. Why: a set of them is one word of 128 bits.
    pub member_count_max: u16,
    /// Records of the audit log that wait to be drained.
    ///
    /// Range: twice `sequencer_count_max` and 8 more ..= 2^20. Why: the end of an epoch can change
    /// every sequencer at once.
    pub audit_count_max: u32,
}

impl Default for SequencerLimits {
    fn default() -> Self {
        Self {
            sequencer_count_max: 100,
            member_count_max: 9,
            audit_count_max: 1_024,
        }
    }
}

impl SequencerLimits {
    /// The fewest records that must fit between two drains.
    #[must_use]
    pub const fn audit_count_min(&self) -> u32 {
        (self.sequencer_count_max as u32)
            .saturating_mul(2)
            .saturating_add(8)
    }

    /// Whether every limit is in its range.
    ///
    /// # Errors
    /// [`SequencerSetupError::LimitOutOfRange`] and [`SequencerSetupError::LimitsContradict`].
    pub fn check(&self) -> Result<(), SequencerSetupError> {
        let is_in_range = (1..=MEMBER_COUNT_MAX).contains(&self.member_count_max)
            && self.sequencer_count_max <= 1_024
            && self.audit_count_max <= 1 << 20;
        if !is_in_range {
            return Err(SequencerSetupError::LimitOutOfRange);
        }
        let is_consistent = self.member_count_max <= self.sequencer_count_max
            && self.audit_count_max >= self.audit_count_min();
        is_consistent
            .then_some(())
            .ok_or(SequencerSetupError::LimitsContradict)
    }
}

/// What the network demands of its members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SequencerRules {
    /// The fewest members of an epoch: what order fairness needs for its f and gamma, or the
    /// sealing for its thresholds; 1 where neither is on.
    pub heads_min: u16,
    /// Whether all weigh the same, as order fairness and sealed transactions want, which count
    /// heads where consensus counts weight.
    pub equal_weights: bool,
    /// Turns in a row that a member may miss before its suspension is due.
    pub missed_turns_max: u32,
    /// Nanoseconds without a sign of life before a member's suspension is due.
    pub silence_ns_max: u64,
}

impl Default for SequencerRules {
    /// One head, weights as they come, 50 turns, 30 seconds.
    fn default() -> Self {
        Self {
            heads_min: 1,
            equal_weights: false,
            missed_turns_max: 50,
            silence_ns_max: 30_000_000_000,
        }
    }
}

/// All that a registry starts from beside its first members.
#[derive(Clone, Copy, Debug)]
pub struct SequencerSetup {
    /// The number in the preamble of proofs of possession.
    pub chain_id: u64,
    /// The network: the hash of its genesis, which votes and the audit log bind.
    pub network: Hash,
    /// Who checks signatures; its suite is every member's.
    pub provider: Provider,
    /// Every maximum.
    pub limits: SequencerLimits,
    /// What members must be.
    pub rules: SequencerRules,
}

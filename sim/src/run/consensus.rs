//! What it took to agree on the slots of a run.

/// What it took to agree on the slots of a run, summed over its heights and over all members.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConsensusReport {
    /// Heights that were decided: the slots.
    pub heights: u64,
    /// The most rounds that a height took; 1 where every first proposal was decided.
    pub rounds_max: u32,
    /// Rounds that ended without a decision.
    pub round_changes: u64,
    /// Proposals that members sent.
    pub proposals: u64,
    /// Prevotes and precommits that members sent.
    pub votes: u64,
    /// Signatures that members made: under proposals, votes and logs.
    pub signatures_made: u64,
    /// Signatures that members checked.
    pub signatures_verified: u64,
    /// Bytes of the certificates, one for each height.
    pub certificate_bytes: u64,
}

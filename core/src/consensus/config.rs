//! The choices of consensus: timeouts, rates, and switches for comparison with others.

use crate::error::operation_error;
use crate::types::Round;

operation_error! {
    /// Why a configuration is refused.
    ConsensusConfigError { TimeoutOutOfRange }
}

/// How long a step waits in a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeout {
    /// In round 0, in nanoseconds.
    pub base_ns: u64,
    /// Added for each round after it.
    pub increment_ns: u64,
}

impl Timeout {
    /// How long it is in `round`, never more than `max_ns`.
    #[must_use]
    pub const fn in_round(self, round: Round, max_ns: u64) -> u64 {
        let added = self.increment_ns.saturating_mul(round.get() as u64);
        let sum = self.base_ns.saturating_add(added);
        if sum < max_ns { sum } else { max_ns }
    }
}

/// How much work a peer may cause: a bucket of tokens that fills up again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Tokens of a full bucket.
    pub burst_count: u16,
    /// After how many nanoseconds one comes back.
    pub refill_ns: u64,
}

/// Which prevotes count for a proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrevoteRule {
    /// Those that name the proposal's value and its valid round, so that whoever forgets a lock is
    /// told by its own signatures.
    WithValidRound,
    /// Those that name its value, as in the paper; prevotes then carry no valid round.
    Classic,
}

/// The choices of one member. Members may differ in all but [`ConsensusConfig::prevotes`].
///
/// The default suits one data centre; [`ConsensusConfig::wide_area`] the Internet. Timeouts grow
/// up to `timeout_max_ns`, which must lie above what messages really take for progress to be
/// certain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsensusConfig {
    /// How long to wait for a proposal.
    pub propose: Timeout,
    /// How long to wait for prevotes to agree, once enough have come.
    pub prevote: Timeout,
    /// How long to wait for precommits to agree, once enough have come.
    pub precommit: Timeout,
    /// No timeout is longer.
    pub timeout_max_ns: u64,
    /// Without a change of step for so long, peers are told where this member stands.
    pub status_ns: u64,
    /// The interval doubles up to this.
    pub status_max_ns: u64,
    /// How long a certificate that was asked for may take, before another peer is asked.
    pub pull_ns: u64,
    /// E1: how long to wait for the proposal of a member that has been silent.
    pub propose_inactive_ns: u64,
    /// E1: after how many decided heights without a sign of it a member counts as silent.
    pub inactive_height_count: u16,
    /// Answers to peers, and their costly questions.
    pub reply_rate: Rate,
    /// Signatures by a peer that turned out wrong, and votes for rounds that are not kept.
    pub verify_rate: Rate,
    /// Which prevotes count for a proposal.
    pub prevotes: PrevoteRule,
    /// Whether a round is left only with votes cast in it, so that those behind can leave it too.
    pub votes_on_leaving: bool,
    /// E1: whether silent proposers are waited for less long.
    pub hurries_inactive: bool,
    /// E2: whether a round in which nothing can be decided any more is left at once.
    pub hurries_split: bool,
    /// Whether a proposer of a later round hears first what others know.
    pub waits_for_claims: bool,
}

impl Default for ConsensusConfig {
    fn default() -> Self {
        const MS: u64 = 1_000_000;
        let step = Timeout {
            base_ns: 100 * MS,
            increment_ns: 100 * MS,
        };
        Self {
            propose: Timeout {
                base_ns: 300 * MS,
                increment_ns: 100 * MS,
            },
            prevote: step,
            precommit: step,
            timeout_max_ns: 30_000 * MS,
            status_ns: 50 * MS,
            status_max_ns: 1_000 * MS,
            pull_ns: 200 * MS,
            propose_inactive_ns: 20 * MS,
            inactive_height_count: 3,
            reply_rate: Rate {
                burst_count: 32,
                refill_ns: 5 * MS,
            },
            verify_rate: Rate {
                burst_count: 16,
                refill_ns: 100 * MS,
            },
            prevotes: PrevoteRule::WithValidRound,
            votes_on_leaving: true,
            hurries_inactive: true,
            hurries_split: true,
            waits_for_claims: true,
        }
    }
}

impl ConsensusConfig {
    /// Timeouts for members on several continents.
    #[must_use]
    pub fn wide_area() -> Self {
        const MS: u64 = 1_000_000;
        let step = Timeout {
            base_ns: 400 * MS,
            increment_ns: 300 * MS,
        };
        Self {
            propose: Timeout {
                base_ns: 1_000 * MS,
                increment_ns: 300 * MS,
            },
            prevote: step,
            precommit: step,
            status_ns: 100 * MS,
            pull_ns: 1_000 * MS,
            propose_inactive_ns: 250 * MS,
            ..Self::default()
        }
    }

    /// The paper's protocol and nothing beside it, for comparison with other implementations.
    #[must_use]
    pub fn classic() -> Self {
        Self {
            prevotes: PrevoteRule::Classic,
            votes_on_leaving: false,
            hurries_inactive: false,
            hurries_split: false,
            waits_for_claims: false,
            ..Self::default()
        }
    }

    /// Whether every time is positive and none above the largest.
    ///
    /// # Errors
    /// [`ConsensusConfigError::TimeoutOutOfRange`].
    pub fn check(&self) -> Result<(), ConsensusConfigError> {
        let bases = [
            self.propose.base_ns,
            self.prevote.base_ns,
            self.precommit.base_ns,
            self.propose_inactive_ns,
        ];
        let others = [
            self.status_ns,
            self.status_max_ns,
            self.pull_ns,
            self.reply_rate.refill_ns,
            self.verify_rate.refill_ns,
        ];
        let is_good = bases.iter().all(|ns| *ns <= self.timeout_max_ns)
            && bases.iter().chain(&others).all(|ns| *ns > 0)
            && self.status_ns <= self.status_max_ns
            && self.reply_rate.burst_count > 0
            && self.verify_rate.burst_count > 0;
        is_good
            .then_some(())
            .ok_or(ConsensusConfigError::TimeoutOutOfRange)
    }
}

/// Rules left out, so that a test can show what each is for. All off unless a test turns one on.
#[cfg(any(test, feature = "weakened"))]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Breaks {
    /// A lock is forgotten when a round ends.
    pub forgets_lock: bool,
    /// After a restart nothing is known of what was signed.
    pub forgets_signed: bool,
    /// Nobody claims or asks for certificates.
    pub has_no_claims: bool,
    /// Own votes are kept for the current round only, and not for the one before.
    pub keeps_one_round: bool,
    /// A polka for any value allows a proposal to be sent again.
    pub ignores_polka_value: bool,
    /// A polka under examination takes the place of the one that proves the valid value.
    pub has_single_polka_slot: bool,
}

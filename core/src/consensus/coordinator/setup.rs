//! What a coordinator is made from: maxima, choices and members.

use super::Bodies;
use crate::bounded::{Ring, fixed_slice_bytes};
use crate::consensus::tables::Buckets;
use crate::consensus::{
    ConsensusConfig, ConsensusConfigError, ConsensusLimits, ConsensusLimitsError,
    ConsensusValidator, Rate, message_bytes_max,
};
use crate::crypto::hash::{Domain, hash};
use crate::crypto::signature::{Provider, SIGNATURE_BYTES};
use crate::limits::Footprint;
use crate::sequencer::Membership;
use crate::types::{Hash, Height, SequencerId};

/// How the id of a value follows from its body: nothing for bytes that are no body at all.
///
/// It must bind every byte of the body, as a hash over all of them does; or the host tells a body
/// that is not the value's by [`Verdict::WrongBody`](super::Verdict::WrongBody). A function that
/// binds less, such as the hash of a header whose roots nobody compared, would let a peer pass off
/// a false body for a true value.
pub type Identify = fn(&[u8]) -> Option<Hash>;

/// The plainest [`Identify`]: SHA3-256 of the body, with a domain.
#[must_use]
pub fn body_hash(body: &[u8]) -> Option<Hash> {
    Some(hash(Domain::VALUE_BODY, body))
}

/// Every maximum of a coordinator.
///
/// ```
/// use hauptbuch_core::consensus::CoordinatorLimits;
/// use hauptbuch_core::crypto::signature::Provider;
///
/// let limits = CoordinatorLimits::default();
/// limits.check().unwrap();
/// assert!(limits.footprint(Provider::MlDsa65).bytes() < 8 << 20);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CoordinatorLimits {
    /// The maxima of the engine.
    ///
    /// Range: each its own; signatures of 3,309 bytes must fit. Why: the engine can be used alone.
    pub consensus: ConsensusLimits,
    /// Bytes of a value's body.
    ///
    /// Range: 1 ..= 2^28. Why: memory is this many bytes for each body that is held, and a message
    /// that carries one is as long.
    pub value_bytes_max: u32,
    /// Bodies of the present height that are held at once.
    ///
    /// Range: 4 ..= 12. Why: four can matter to one member's next steps: what is decided, what it
    /// is locked on, what it would propose, and what the round's proposal names. More spare
    /// fetches where proposers contradict themselves.
    pub body_count_max: u8,
    /// The newest certificates that are kept for peers that are behind.
    ///
    /// Range: 1 ..= 4,096. Why: peers a few heights behind are served from memory, those further
    /// behind from the host's disk.
    pub certificate_count_max: u16,
    /// Answers to peers that wait to be sent; beyond it they are dropped, and asked for again.
    ///
    /// Range: 8 ..= 4,096. Why: a few for each member.
    pub answer_count_max: u16,
}

impl Default for CoordinatorLimits {
    fn default() -> Self {
        Self {
            consensus: ConsensusLimits::default(),
            value_bytes_max: 1 << 20,
            body_count_max: 4,
            certificate_count_max: 16,
            answer_count_max: 64,
        }
    }
}

impl CoordinatorLimits {
    /// Whether every limit is in its range, and a signature of the suites fits.
    ///
    /// # Errors
    /// [`ConsensusLimitsError::LimitOutOfRange`].
    pub fn check(&self) -> Result<(), ConsensusLimitsError> {
        self.consensus.check()?;
        let is_good = (1..=1 << 28).contains(&self.value_bytes_max)
            && (4..=12).contains(&self.body_count_max)
            && (1..=4_096).contains(&self.certificate_count_max)
            && (8..=4_096).contains(&self.answer_count_max)
            && usize::from(self.consensus.signature_bytes_max) >= SIGNATURE_BYTES;
        is_good
            .then_some(())
            .ok_or(ConsensusLimitsError::LimitOutOfRange)
    }

    /// The memory that [`ConsensusCoordinator::new`](super::ConsensusCoordinator::new) takes, to
    /// the byte; the keys' part depends on who computes.
    #[must_use]
    pub fn footprint(&self, provider: Provider) -> Footprint {
        let members = usize::from(self.consensus.validator_count_max);
        let ids = fixed_slice_bytes::<SequencerId>(members)
            .saturating_add(fixed_slice_bytes::<Height>(members));
        let buckets = Buckets::footprint_bytes(self.bucket_count());
        Footprint::default()
            .with("engine", self.consensus.footprint().bytes())
            .with(
                "validator",
                ConsensusValidator::footprint_bytes(&self.consensus, provider),
            )
            .with("bodies", Bodies::footprint_bytes(self))
            .with("certificates", super::Certificates::footprint_bytes(self))
            .with("peers", ids.saturating_add(buckets))
            .with(
                "answers",
                Ring::<super::Answer>::footprint_bytes(u32::from(self.answer_count_max)),
            )
    }

    /// Bytes of the longest message that goes from or to a peer.
    #[must_use]
    pub const fn message_bytes_max(&self) -> usize {
        let body = super::message::put_body_len(self.value_bytes_max as usize);
        let other = message_bytes_max(&self.consensus);
        if body > other { body } else { other }
    }

    /// A bucket for each member, and one that all others share.
    pub(super) const fn bucket_count(&self) -> u16 {
        self.consensus.validator_count_max.saturating_add(1)
    }
}

/// The choices of one coordinator. Members may differ in all but the engine's rule for prevotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CoordinatorConfig {
    /// The choices of the engine.
    pub consensus: ConsensusConfig,
    /// How long a peer that was asked for a body may take before another is asked.
    pub fetch_ns: u64,
    /// After how long without a decision a stall is told, again and again.
    pub stall_ns: u64,
    /// Bodies and certificates that a peer may ask for. Those who are no members share one
    /// allowance.
    pub serve_rate: Rate,
}

impl Default for CoordinatorConfig {
    fn default() -> Self {
        const MS: u64 = 1_000_000;
        Self {
            consensus: ConsensusConfig::default(),
            fetch_ns: 200 * MS,
            stall_ns: 60_000 * MS,
            serve_rate: Rate {
                burst_count: 16,
                refill_ns: 10 * MS,
            },
        }
    }
}

impl CoordinatorConfig {
    /// Whether every time and rate is positive.
    ///
    /// # Errors
    /// [`ConsensusConfigError::TimeoutOutOfRange`].
    pub fn check(&self) -> Result<(), ConsensusConfigError> {
        self.consensus.check()?;
        let times = [self.fetch_ns, self.stall_ns, self.serve_rate.refill_ns];
        let is_good = times.iter().all(|ns| *ns > 0) && self.serve_rate.burst_count > 0;
        is_good
            .then_some(())
            .ok_or(ConsensusConfigError::TimeoutOutOfRange)
    }
}

/// Everything that a coordinator is made from.
#[derive(Clone, Copy, Debug)]
pub struct CoordinatorSetup<'a> {
    /// The maxima.
    pub limits: &'a CoordinatorLimits,
    /// The choices.
    pub config: &'a CoordinatorConfig,
    /// The network: the hash of its genesis.
    pub network: Hash,
    /// Who computes signature checks.
    pub provider: Provider,
    /// The members of the epoch to begin with.
    pub membership: &'a Membership,
    /// This node's number. Where it is none of the members, the node follows and never votes.
    pub me: Option<SequencerId>,
    /// How a value's id follows from its body.
    pub identify: Identify,
}

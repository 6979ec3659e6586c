//! One member's state machine.

mod admission;
mod answers;
#[cfg(any(test, feature = "weakened"))]
mod canonical;
mod epoch;
mod host;
mod output;
mod rules;
mod state;
mod sync;
mod verify;

pub(super) use host::Need;
pub use state::Restored;

use alloc::boxed::Box;

#[cfg(any(test, feature = "weakened"))]
use super::Breaks;
use super::committee::{Committee, CommitteeView};
use super::tables::{
    Buckets, CertificateSlot, EvidenceTable, OwnVotes, Pending, Proposals, SignatureStore, Values,
    VoteRows,
};
use super::{
    Claim, ConsensusConfig, ConsensusError, ConsensusLimits, ConsensusMisuse, Outgoing, Recipient,
    Schedule, Step, TimerKind, TimerTag,
};
use crate::bounded::{Ring, fixed_slice, fixed_slice_bytes};
use crate::limits::Footprint;
use crate::types::{Hash, Height, MemberIndex, Round, Tick};
use crate::vote::{SigningContext, VoteKind};

/// Rounds that prevotes are kept of: the one before, this one, the next, and that of the valid
/// value.
const PREVOTE_ROW_COUNT: usize = 4;
/// Rounds that precommits are kept of: the one before, this one, and the next.
const PRECOMMIT_ROW_COUNT: usize = 3;
/// Certificates that are kept: of the valid value, the one being examined, and the decision.
const CERTIFICATE_COUNT: usize = 3;

/// One member's part in deciding one height after another.
///
/// See the [module](super) for the order of calls. Every input leaves the engine consistent, and
/// one that is refused changes nothing but the sender's allowance.
///
/// Memory: [`ConsensusLimits::footprint`], taken by [`ConsensusEngine::new`]; nothing allocates
/// afterwards.
#[derive(Clone, Debug)]
pub struct ConsensusEngine {
    limits: ConsensusLimits,
    config: ConsensusConfig,
    context: SigningContext,
    committee: Committee,
    schedule: Schedule,
    now: Tick,

    /// The height being decided; zero before the first one is started.
    height: Height,
    round: Round,
    step: Step,
    decision: Option<Decision>,
    /// The last round and value that this member precommitted in.
    locked: Option<(Round, Hash)>,
    /// The value of the latest polka for a valid value, and its round.
    ///
    /// Invariant: `polka` proves it.
    valid: Option<(Round, Hash)>,
    own: OwnVotes,

    signatures: SignatureStore,
    prevotes: VoteRows,
    precommits: VoteRows,
    proposals: Proposals,
    values: Values,
    /// The polka of `valid`. Only one of a later round takes its place.
    polka: CertificateSlot,
    /// A polka that a peer sent.
    examined: CertificateSlot,
    /// What decides the height.
    commit: CertificateSlot,
    evidence: EvidenceTable,
    pending: Pending,

    /// One more than the highest round in which a verified statement of each member was seen; 0
    /// for none.
    highest: Box<[u32]>,
    /// The weight of the members that were seen in a later round than this member's.
    ahead_weight: u64,
    /// The height in which a verified statement of each member was last seen.
    seen_at: Box<[Height]>,
    /// Who spoke of the next height before it was started here.
    early: crate::vote::MemberSet,
    /// Whose turns to propose go to others, in this height and from the next one on.
    skipped: crate::vote::MemberSet,
    skipped_next: crate::vote::MemberSet,

    reply_buckets: Buckets,
    verify_buckets: Buckets,
    pulls: Box<[Option<Pull>]>,
    replies: Ring<Reply>,
    timers: [Option<Tick>; 5],
    status_interval_ns: u64,
    in_round: InRound,
    #[cfg(any(test, feature = "weakened"))]
    breaks: Breaks,
}

/// What decided a height.
#[derive(Clone, Copy, Debug)]
struct Decision {
    round: Round,
    value: Hash,
    is_told: bool,
}

/// What happens at most once a round, and who was heard in it.
#[derive(Clone, Copy, Debug, Default)]
struct InRound {
    /// R4 was taken.
    has_polka: bool,
    /// R3 was taken.
    waits_for_prevotes: bool,
    /// R6 was taken.
    waits_for_precommits: bool,
    /// This member proposes, and hears others first.
    hears_claims: bool,
    /// Who has told where it stands.
    heard: crate::vote::MemberSet,
    /// Whether the host is asked for a value.
    get_value: GetValue,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum GetValue {
    #[default]
    NotNeeded,
    ToAsk,
    Asked,
}

/// A certificate that was asked of a peer.
#[derive(Clone, Copy, Debug)]
struct Pull {
    claim: Claim,
    until: Tick,
}

/// An answer to a peer that waits to be sent.
#[derive(Clone, Copy, Debug)]
enum Reply {
    Message(Recipient, Outgoing),
    Decided(MemberIndex, Height),
}

impl Default for Reply {
    fn default() -> Self {
        Self::Message(Recipient::All, Outgoing::Status)
    }
}

impl ConsensusEngine {
    /// Makes an engine that has not begun.
    ///
    /// # Errors
    /// [`ConsensusError`] where limits, configuration or committee don't hold.
    pub fn new(
        limits: &ConsensusLimits,
        config: &ConsensusConfig,
        context: SigningContext,
        committee: CommitteeView<'_>,
    ) -> Result<Self, ConsensusError> {
        limits.check()?;
        config.check()?;
        let committee = Committee::new(committee, limits)?;
        let schedule = Schedule::new(&committee, limits);
        let count = limits.validator_count_max;
        let places = usize::from(count);
        Ok(Self {
            limits: limits.clone(),
            config: config.clone(),
            context,
            committee,
            schedule,
            now: Tick::ZERO,
            height: Height::ZERO,
            round: Round::ZERO,
            step: Step::Decided,
            decision: None,
            locked: None,
            valid: None,
            own: OwnVotes::default(),
            signatures: SignatureStore::new(
                limits.signature_count_max(),
                limits.signature_bytes_max,
            ),
            prevotes: VoteRows::new(VoteKind::Prevote, PREVOTE_ROW_COUNT, count),
            precommits: VoteRows::new(VoteKind::Precommit, PRECOMMIT_ROW_COUNT, count),
            proposals: Proposals::default(),
            values: Values::default(),
            polka: CertificateSlot::new(VoteKind::Prevote, count),
            examined: CertificateSlot::new(VoteKind::Prevote, count),
            commit: CertificateSlot::new(VoteKind::Precommit, count),
            evidence: EvidenceTable::new(limits.evidence_count_max),
            pending: Pending::new(limits.pending_per_peer_max, count),
            highest: fixed_slice(places, 0),
            ahead_weight: 0,
            seen_at: fixed_slice(places, Height::ZERO),
            early: crate::vote::MemberSet::EMPTY,
            skipped: crate::vote::MemberSet::EMPTY,
            skipped_next: crate::vote::MemberSet::EMPTY,
            reply_buckets: Buckets::new(config.reply_rate, count),
            verify_buckets: Buckets::new(config.verify_rate, count),
            pulls: fixed_slice(places, None),
            replies: Ring::new(u32::from(limits.reply_count_max)),
            timers: [None; 5],
            status_interval_ns: config.status_ns,
            in_round: InRound::default(),
            #[cfg(any(test, feature = "weakened"))]
            breaks: Breaks::default(),
        })
    }

    /// Leaves rules out, to show what they are for.
    #[cfg(any(test, feature = "weakened"))]
    pub const fn weaken(&mut self, breaks: Breaks) {
        self.breaks = breaks;
    }

    /// The height that is being decided, or was decided last; 0 before the first.
    #[must_use]
    pub const fn height(&self) -> Height {
        self.height
    }

    /// The round that this member is in.
    #[must_use]
    pub const fn round(&self) -> Round {
        self.round
    }

    /// The step that it is in.
    #[must_use]
    pub const fn step(&self) -> Step {
        self.step
    }

    /// What it is locked on: the round and value of its last precommit for a value.
    #[must_use]
    pub const fn locked(&self) -> Option<(Round, Hash)> {
        self.locked
    }

    /// The value that it would propose, and the round of the polka for it.
    #[must_use]
    pub const fn valid(&self) -> Option<(Round, Hash)> {
        self.valid
    }

    /// The round and value that decided this height, once it is.
    #[must_use]
    pub fn decided(&self) -> Option<(Round, Hash)> {
        self.decision
            .map(|decision| (decision.round, decision.value))
    }

    /// Who votes.
    #[must_use]
    pub const fn committee(&self) -> &Committee {
        &self.committee
    }

    /// Who proposes in a round of a height, with those left out that are skipped at present.
    #[must_use]
    pub fn proposer(&self, height: Height, round: Round) -> MemberIndex {
        self.schedule.proposer_without(height, round, self.skipped)
    }

    /// What every signature binds.
    #[must_use]
    pub const fn context(&self) -> &SigningContext {
        &self.context
    }

    /// The limits that it was made with.
    #[must_use]
    pub const fn limits(&self) -> &ConsensusLimits {
        &self.limits
    }

    /// The choices that it was made with.
    #[must_use]
    pub const fn config(&self) -> &ConsensusConfig {
        &self.config
    }

    /// The time of the last [`handle_now`](Self::handle_now).
    #[must_use]
    pub const fn now(&self) -> Tick {
        self.now
    }

    /// When [`handle_now`](Self::handle_now) has something to do; nothing while no timer runs.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Tick> {
        self.timers.iter().flatten().min().copied()
    }

    /// The tag and deadline of a timer that runs.
    #[must_use]
    pub fn timer(&self, kind: TimerKind) -> Option<(TimerTag, Tick)> {
        let deadline = self.timers.get(kind as usize).copied().flatten()?;
        let tag = TimerTag {
            height: self.height,
            round: self.round,
            kind,
        };
        Some((tag, deadline))
    }

    /// Tells the time. Timers that are due go off, in the order of [`TimerKind::ALL`].
    ///
    /// # Errors
    /// [`ConsensusMisuse::TimeWentBack`]; nothing changes then.
    pub fn handle_now(&mut self, now: Tick) -> Result<(), ConsensusMisuse> {
        if now < self.now {
            return Err(ConsensusMisuse::TimeWentBack);
        }
        self.now = now;
        for kind in TimerKind::ALL {
            let due = self.timer(kind).filter(|(_, deadline)| *deadline <= now);
            if let Some((tag, _)) = due {
                self.handle_timer(tag);
            }
        }
        Ok(())
    }

    /// A timer went off, for hosts that keep them themselves; false for one that is stale.
    pub fn handle_timer(&mut self, tag: TimerTag) -> bool {
        if self
            .timer(tag.kind)
            .is_none_or(|(current, _)| current != tag)
        {
            return false;
        }
        self.stop_timer(tag.kind);
        self.time_out(tag.kind);
        self.run_rules();
        true
    }

    fn start_timer(&mut self, kind: TimerKind, after_ns: u64) {
        if let Some(timer) = self.timers.get_mut(kind as usize) {
            *timer = Some(self.now.saturating_add(after_ns));
        }
    }

    fn stop_timer(&mut self, kind: TimerKind) {
        if let Some(timer) = self.timers.get_mut(kind as usize) {
            *timer = None;
        }
    }

    /// Whether a test left this rule out; never, in a build without such switches.
    #[cfg(any(test, feature = "weakened"))]
    fn breaks(&self, broken: fn(&Breaks) -> bool) -> bool {
        broken(&self.breaks)
    }
}

impl ConsensusLimits {
    /// The memory that [`ConsensusEngine::new`] takes, to the byte.
    #[must_use]
    pub fn footprint(&self) -> Footprint {
        let count = self.validator_count_max;
        let rows = VoteRows::footprint_bytes;
        let certificates =
            CertificateSlot::footprint_bytes(count).saturating_mul(CERTIFICATE_COUNT as u64);
        let per_member = fixed_slice_bytes::<u32>(usize::from(count))
            .saturating_add(fixed_slice_bytes::<Height>(usize::from(count)))
            .saturating_add(fixed_slice_bytes::<Option<Pull>>(usize::from(count)))
            .saturating_add(Buckets::footprint_bytes(count).saturating_mul(2));
        let signatures =
            SignatureStore::footprint_bytes(self.signature_count_max(), self.signature_bytes_max);
        Footprint::default()
            .with("committee", Committee::footprint_bytes(self))
            .with("schedule", Schedule::footprint_bytes(self))
            .with("signatures", signatures)
            .with(
                "votes",
                rows(PREVOTE_ROW_COUNT, count).saturating_add(rows(PRECOMMIT_ROW_COUNT, count)),
            )
            .with("certificates", certificates)
            .with(
                "pending",
                Pending::footprint_bytes(self.pending_per_peer_max, count),
            )
            .with(
                "evidence",
                EvidenceTable::footprint_bytes(self.evidence_count_max),
            )
            .with(
                "replies",
                Ring::<Reply>::footprint_bytes(u32::from(self.reply_count_max)),
            )
            .with("peers", per_member)
    }

    /// Signatures that an engine holds at most: a place for everybody who may hold one.
    #[must_use]
    pub(super) fn signature_count_max(&self) -> usize {
        let rows = PREVOTE_ROW_COUNT
            .saturating_add(PRECOMMIT_ROW_COUNT)
            .saturating_add(CERTIFICATE_COUNT);
        let per_member = rows.saturating_add(usize::from(self.pending_per_peer_max));
        // Own statements of two rounds, and two proposals for each of three rounds.
        let fixed = 12_usize;
        usize::from(self.validator_count_max)
            .saturating_mul(per_member)
            .saturating_add(fixed)
            .saturating_add(usize::from(self.evidence_count_max).saturating_mul(2))
    }
}

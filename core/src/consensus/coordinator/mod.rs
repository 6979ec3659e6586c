//! What a host embeds: the engine with its keys, its values' bodies, its certificates and epochs.

mod bodies;
mod certificates;
mod effect;
mod error;
mod input;
mod message;
mod metrics;
mod output;
mod peers;
mod setup;

pub use effect::{CoordinatorEffect, CoordinatorMessage, Destination, Verdict, VerifyBatch};
pub use error::{CoordinatorError, CoordinatorMisuse, RefusedBody, RefusedInput};
pub use message::{BodyName, PeerMessage, write_put_body};
pub use metrics::ConsensusMetrics;
pub use setup::{CoordinatorConfig, CoordinatorLimits, CoordinatorSetup, Identify, body_hash};

use alloc::boxed::Box;

use bodies::{Ask, Bodies, Entry};
use certificates::Certificates;
use effect::Answer;
use metrics::count;

use super::engine::Need;
use super::tables::Buckets;
use super::validator::view_of;
use super::{
    ConsensusBroken, ConsensusEngine, ConsensusValidator, EvidencePair, RecordError, Restored, Step,
};
use crate::bounded::{Ring, fixed_slice};
use crate::sequencer::Membership;
use crate::types::{Epoch, Hash, Height, MemberIndex, Round, SequencerId, Tick};
use crate::vote::{MEMBER_COUNT_MAX, MemberSet};

/// One node's part in deciding one slot after another, over epochs.
///
/// It owns an engine, the epoch's keys, the bodies of the values that matter in the present height,
/// and the newest certificates. Bodies are fetched from peers, compared with what they claim to be,
/// made durable by the host and found valid by it before anything is voted for. Peers that are
/// behind are served; a node that is behind catches up by certificates and bodies.
///
/// It holds no secret: [`CoordinatorEffect::Sign`] gives out what this node's key is to sign.
///
/// # The four kinds of method
/// - *Commands*: [`start`](Self::start), [`resume`](Self::resume),
///   [`start_next`](Self::start_next), [`start_epoch`](Self::start_epoch).
/// - *Inputs*: [`handle_now`](Self::handle_now), [`handle_message`](Self::handle_message), and the
///   answers to effects: [`handle_persisted`](Self::handle_persisted),
///   [`handle_signed`](Self::handle_signed), [`handle_verified`](Self::handle_verified),
///   [`handle_value`](Self::handle_value), [`handle_stored`](Self::handle_stored),
///   [`handle_loaded`](Self::handle_loaded), [`handle_validity`](Self::handle_validity). Answers
///   that come too late are ignored.
/// - *Outputs*: [`poll_effect`](Self::poll_effect), until it gives nothing; for the bytes
///   [`write_message`](Self::write_message), [`write_record`](Self::write_record),
///   [`verify_batch`](Self::verify_batch), [`body`](Self::body),
///   [`certificate`](Self::certificate) and [`evidence`](Self::evidence).
/// - *Getters*: [`next_deadline`](Self::next_deadline), [`metrics`](Self::metrics), and where the
///   node stands.
///
/// Memory: [`CoordinatorLimits::footprint`], taken by [`ConsensusCoordinator::new`]; nothing
/// allocates afterwards.
///
/// # Example
/// A committee of one decides a height. With more members, what [`CoordinatorEffect::Send`] asks
/// for goes to the others' [`handle_message`](Self::handle_message).
///
/// ```
/// use hauptbuch_core::consensus::{
///     ConsensusCoordinator, CoordinatorConfig, CoordinatorEffect, CoordinatorLimits,
///     CoordinatorSetup, Validity, Verdict, body_hash,
/// };
/// use hauptbuch_core::crypto::signature::{Provider, Randomness, SecretKey, Seed, Suite};
/// use hauptbuch_core::sequencer::Membership;
/// use hauptbuch_core::types::{Epoch, Hash, Height, SequencerId, Tick};
///
/// let key = SecretKey::from_seed(Provider::MlDsa65, &Seed::new([7; 32])).unwrap();
/// let me = SequencerId::new(1);
/// let mut membership = Membership::with_room(9, Suite::MlDsa65);
/// let members = [(me, 1, key.public_key())];
/// membership.fill(Epoch::ZERO, Suite::MlDsa65, members.into_iter()).unwrap();
///
/// let mut node = ConsensusCoordinator::new(&CoordinatorSetup {
///     limits: &CoordinatorLimits::default(),
///     config: &CoordinatorConfig::default(),
///     network: Hash::new([1; 32]),
///     provider: Provider::MlDsa65,
///     membership: &membership,
///     me: Some(me),
///     identify: body_hash,
/// })
/// .unwrap();
/// node.handle_now(Tick::ZERO).unwrap();
/// node.start(Height::new(1)).unwrap();
///
/// let mut decided = None;
/// while let Some(effect) = node.poll_effect() {
///     match effect {
///         // A real host writes to its disk before it answers.
///         CoordinatorEffect::Persist { seq } => node.handle_persisted(seq).unwrap(),
///         CoordinatorEffect::StoreBody { height, value } => {
///             assert_eq!(node.body(value), Some(b"slot".as_slice()));
///             node.handle_stored(height, value);
///         }
///         CoordinatorEffect::Sign { ticket, bytes } => {
///             let signature = key.sign(&bytes, &Randomness::ZERO).unwrap();
///             node.handle_signed(&ticket, signature.as_bytes()).unwrap();
///         }
///         CoordinatorEffect::Verify { batch, .. } => {
///             let good = node.verify_batch(batch).verify();
///             node.handle_verified(batch, good).unwrap();
///         }
///         CoordinatorEffect::GetValue { height, round, .. } => {
///             node.handle_value(height, round, b"slot", Hash::ZERO).unwrap();
///         }
///         CoordinatorEffect::Decide { height, value, .. } => decided = Some((height, value)),
///         other => panic!("a committee of one wants nothing else: {other:?}"),
///     }
/// }
/// let (height, value) = decided.unwrap();
/// assert_eq!(Some(value), body_hash(b"slot"));
/// let certificate = node.certificate(height).unwrap();
/// let proof = node.validator().verify_certificate(certificate).unwrap();
/// assert_eq!((proof.height(), proof.value()), (height, value));
/// node.start_next().unwrap();
/// ```
#[derive(Debug)]
pub struct ConsensusCoordinator {
    limits: CoordinatorLimits,
    config: CoordinatorConfig,
    identify: Identify,
    me: Option<SequencerId>,

    engine: ConsensusEngine,
    validator: ConsensusValidator,
    /// The members' numbers, ascending, as they stand in the membership.
    ids: Box<[SequencerId]>,
    member_count: usize,

    bodies: Bodies,
    certificates: Certificates,
    answers: Ring<Answer>,
    serve_buckets: Buckets,

    /// The height and round in which the host was asked for a value.
    asked: Option<(Height, Round)>,
    /// The highest height that each member was seen in.
    seen_in: Box<[Height]>,
    /// The height in which a peer was asked for a certificate because it was far ahead.
    asked_ahead: Height,
    /// Who sent a wrong body in this height, and of whom the host has yet to be told.
    blamed: MemberSet,
    blame_to_tell: MemberSet,

    /// Since when nothing was decided, and when that is told next.
    decided_at: Tick,
    stall_at: Option<Tick>,
    is_stall_to_tell: bool,
    metrics: ConsensusMetrics,
}

impl ConsensusCoordinator {
    /// Makes a coordinator that has not begun. Preparing keys takes up to 0.1 ms a member.
    ///
    /// # Errors
    /// [`CoordinatorError`] where limits, choices or members don't hold, or this build lacks the
    /// provider.
    pub fn new(setup: &CoordinatorSetup<'_>) -> Result<Self, CoordinatorError> {
        let (limits, config) = (setup.limits, setup.config);
        limits.check()?;
        config.check()?;
        let validator = ConsensusValidator::new(
            &limits.consensus,
            setup.network,
            setup.provider,
            setup.membership,
        )?;
        let mut weights = [0; MEMBER_COUNT_MAX as usize];
        let me = index_of(setup.membership, setup.me);
        let view = view_of(setup.membership, &mut weights, me);
        let context = *validator.context();
        let engine = ConsensusEngine::new(&limits.consensus, &config.consensus, context, view)?;
        let members = usize::from(limits.consensus.validator_count_max);
        let mut coordinator = Self {
            limits: limits.clone(),
            config: config.clone(),
            identify: setup.identify,
            me: setup.me,
            engine,
            validator,
            ids: fixed_slice(members, SequencerId::ZERO),
            member_count: 0,
            bodies: Bodies::new(limits),
            certificates: Certificates::new(limits),
            answers: Ring::new(u32::from(limits.answer_count_max)),
            serve_buckets: Buckets::new(config.serve_rate, limits.bucket_count()),
            asked: None,
            seen_in: fixed_slice(members, Height::ZERO),
            asked_ahead: Height::ZERO,
            blamed: MemberSet::EMPTY,
            blame_to_tell: MemberSet::EMPTY,
            decided_at: Tick::ZERO,
            stall_at: None,
            is_stall_to_tell: false,
            metrics: ConsensusMetrics::default(),
        };
        coordinator.take_ids(setup.membership);
        Ok(coordinator)
    }

    /// Begins a height: the first, or one that the host has caught up to by other means.
    ///
    /// # Errors
    /// [`CoordinatorMisuse::HeightNotNext`] unless it lies above the last one; nothing changes
    /// then.
    pub fn start(&mut self, height: Height) -> Result<(), CoordinatorMisuse> {
        self.engine.start_height(height)?;
        self.begin_height();
        Ok(())
    }

    /// Begins the first height after a restart, with the newest record from disk
    /// ([`newest_record`](super::newest_record)).
    ///
    /// Whatever the record says was said is said again, word for word, and never contradicted. The
    /// bodies that belong to it are asked for by [`CoordinatorEffect::LoadBody`].
    ///
    /// # Errors
    /// As [`ConsensusEngine::resume_height`].
    pub fn resume(&mut self, height: Height, record: &[u8]) -> Result<Restored, RecordError> {
        let restored = self.engine.resume_height(height, record)?;
        self.begin_height();
        Ok(restored)
    }

    /// Begins the height after the decided one, whose certificate is durable, with the same
    /// members.
    ///
    /// # Errors
    /// [`CoordinatorMisuse::NotDecided`] while the height is not; nothing changes then.
    pub fn start_next(&mut self) -> Result<(), CoordinatorMisuse> {
        if self.engine.decided().is_none() {
            return Err(CoordinatorMisuse::NotDecided);
        }
        self.start(self.engine.height().next())
    }

    /// Hands over to the members of the next epoch, which the slot that was decided last named, and
    /// begins their first height. Its certificate is durable.
    ///
    /// Evidence against old members that was not read is forgotten: poll effects until there are
    /// none before. Peers that are still in the old epoch get its certificates, and nothing else.
    ///
    /// # Errors
    /// - [`CoordinatorMisuse::NotDecided`] while the height is not;
    /// - [`CoordinatorMisuse::InvalidArgument`] for an epoch that does not come later;
    /// - [`CoordinatorError`] for members that can't vote, sign with another suite or are too many.
    ///
    /// Nothing has changed then.
    pub fn start_epoch(&mut self, membership: &Membership) -> Result<(), CoordinatorError> {
        if self.engine.decided().is_none() {
            return Err(CoordinatorMisuse::NotDecided.into());
        }
        let height = self.engine.height().checked_add(1);
        let Some(height) = height.filter(|_| membership.epoch() > self.epoch()) else {
            return Err(CoordinatorMisuse::InvalidArgument.into());
        };
        self.validator.replace(membership)?;
        let mut weights = [0; MEMBER_COUNT_MAX as usize];
        let me = index_of(membership, self.me);
        let view = view_of(membership, &mut weights, me);
        let context = *self.validator.context();
        self.engine.start_epoch(context, view, height)?;
        self.take_ids(membership);
        self.seen_in.fill(Height::ZERO);
        self.serve_buckets.fill(self.engine.now());
        count(&mut self.metrics.epochs_started);
        self.begin_height();
        Ok(())
    }

    /// Tells the time. Timers that are due go off.
    ///
    /// # Errors
    /// [`CoordinatorMisuse::TimeWentBack`]; nothing changes then.
    pub fn handle_now(&mut self, now: Tick) -> Result<(), CoordinatorMisuse> {
        self.engine.handle_now(now)?;
        self.search_on(now);
        if self.stall_at.is_some_and(|at| at <= now) && !self.is_decided() {
            self.is_stall_to_tell = true;
            self.stall_at = Some(now.saturating_add(self.config.stall_ns));
            count(&mut self.metrics.stalls);
        }
        Ok(())
    }

    /// When [`handle_now`](Self::handle_now) has something to do; nothing while no timer runs.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Tick> {
        let stall = self.stall_at.filter(|_| !self.is_decided());
        let deadlines = [
            self.engine.next_deadline(),
            self.bodies.next_deadline(),
            stall,
        ];
        deadlines.into_iter().flatten().min()
    }

    /// The height that is being decided, or was decided last; 0 before the first.
    #[must_use]
    pub const fn height(&self) -> Height {
        self.engine.height()
    }

    /// The round that this node is in.
    #[must_use]
    pub const fn round(&self) -> Round {
        self.engine.round()
    }

    /// The epoch whose members decide.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        self.engine.context().epoch
    }

    /// The members of the epoch in the order of their places.
    #[must_use]
    pub fn members(&self) -> &[SequencerId] {
        self.ids.get(..self.member_count).unwrap_or_default()
    }

    /// Whether this node votes in this epoch.
    #[must_use]
    pub const fn is_member(&self) -> bool {
        self.engine.me().is_some()
    }

    /// What was decided in this height, once it is.
    #[must_use]
    pub fn decided(&self) -> Option<(Round, Hash)> {
        self.engine.decided()
    }

    /// The body of a value of this height, where it is held. Those that matter to what this node
    /// does next always find room; others give way to them.
    #[must_use]
    pub fn body(&self, value: Hash) -> Option<&[u8]> {
        self.bodies.body(value)
    }

    /// The certificate of one of the newest decided heights, as
    /// [`CommitCertificate`](crate::certificate::CommitCertificate) reads it.
    #[must_use]
    pub fn certificate(&self, height: Height) -> Option<&[u8]> {
        self.certificates.get(height)
    }

    /// The epoch's keys with what can be checked by them; may be shared with any threads.
    #[must_use]
    pub const fn validator(&self) -> &ConsensusValidator {
        &self.validator
    }

    /// The engine, to look at.
    #[must_use]
    pub const fn engine(&self) -> &ConsensusEngine {
        &self.engine
    }

    /// The two statements that the last [`CoordinatorEffect::Evidence`] is about.
    #[must_use]
    pub fn evidence(&self) -> Option<EvidencePair<'_>> {
        self.engine.evidence()
    }

    /// How often each thing happened.
    #[must_use]
    pub const fn metrics(&self) -> &ConsensusMetrics {
        &self.metrics
    }

    /// The limits that it was made with.
    #[must_use]
    pub const fn limits(&self) -> &CoordinatorLimits {
        &self.limits
    }

    /// The time of the last [`handle_now`](Self::handle_now).
    #[must_use]
    pub const fn now(&self) -> Tick {
        self.engine.now()
    }

    /// Walks through everything; for tests and fuzzing.
    ///
    /// # Errors
    /// The first invariant that does not hold.
    pub fn verify(&self) -> Result<(), ConsensusBroken> {
        self.engine.verify()?;
        let holds = |is_so: bool, what| is_so.then_some(()).ok_or(ConsensusBroken(what));
        holds(self.bodies.is_consistent(), "bodies and their places agree")?;
        holds(
            self.members().is_sorted() && self.member_count > 0,
            "members stand in the order of their numbers",
        )?;
        holds(
            *self.engine.context() == *self.validator.context(),
            "engine and keys are of one epoch",
        )
    }

    fn is_decided(&self) -> bool {
        self.engine.step() == Step::Decided
    }

    fn take_ids(&mut self, membership: &Membership) {
        for (place, member) in self.ids.iter_mut().zip(membership.members()) {
            *place = member.id;
        }
        self.member_count = membership.members().len().min(self.ids.len());
    }

    /// Forgets what belonged to the height before.
    fn begin_height(&mut self) {
        self.bodies.clear();
        self.asked = None;
        self.blamed = MemberSet::EMPTY;
        self.blame_to_tell = MemberSet::EMPTY;
        self.is_stall_to_tell = false;
        self.decided_at = self.engine.now();
        self.stall_at = Some(self.decided_at.saturating_add(self.config.stall_ns));
        // Whoever was seen further on has the certificate of this height.
        if let Some(peer) = self.someone_ahead() {
            self.answer(Answer::AskDecided(self.id_of(peer)));
        }
    }

    /// A member that was seen in a later height. Each height begins its search with another, so
    /// that one that only claims to be ahead is asked in its turn and no more.
    fn someone_ahead(&self) -> Option<MemberIndex> {
        let height = self.engine.height();
        let members = self.seen_in.iter().take(self.member_count);
        let first = height.get().checked_rem(self.member_count as u64);
        let first = first.unwrap_or(0) as usize;
        let ahead = members.enumerate().filter(|(_, seen)| **seen > height);
        let at = ahead
            .map(|(at, _)| at)
            .min_by_key(|at| (*at < first, *at))?;
        Some(MemberIndex::new(u16::try_from(at).ok()?))
    }

    /// How much a value matters: what the engine says, and more for an own one that is on its way.
    fn need_of(engine: &ConsensusEngine, entry: &Entry) -> Need {
        let is_on_its_way = entry.own.is_some_and(|(round, _)| round == engine.round());
        let need = engine.need_of(entry.value);
        if is_on_its_way {
            need.max(Need::Current)
        } else {
            need
        }
    }

    /// Which member has this number.
    fn member_of(&self, id: SequencerId) -> Option<MemberIndex> {
        let at = self.members().binary_search(&id).ok()?;
        Some(MemberIndex::new(u16::try_from(at).ok()?))
    }

    /// The number of a member.
    fn id_of(&self, member: MemberIndex) -> SequencerId {
        let id = self.members().get(usize::from(member.get()));
        id.copied().unwrap_or(SequencerId::ZERO)
    }
}

/// Which of the members has this number.
fn index_of(membership: &Membership, id: Option<SequencerId>) -> Option<MemberIndex> {
    let mut members = membership.members().iter();
    let at = members.position(|member| Some(member.id) == id)?;
    Some(MemberIndex::new(u16::try_from(at).ok()?))
}

#[cfg(test)]
mod tests;

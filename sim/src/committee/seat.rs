//! A member's seat at the table: what its coordinator of consensus wants done, whatever the slots
//! are made of.

use hauptbuch_core::consensus::{
    ConsensusConfig, ConsensusCoordinator, ConsensusLimits, CoordinatorConfig, CoordinatorEffect,
    CoordinatorLimits, CoordinatorSetup, Destination, Identify, Verdict, VoteKind,
};
use hauptbuch_core::sequencer::Membership;
use hauptbuch_core::types::{Hash, Height, Round, SequencerId, Tick};

use super::known::World;
use super::{CommitteeError, MemberKeys, MemberSigner, network_hash};

/// What a member knows of slots: makes them, judges those of others, moves on to what is decided.
pub(super) trait Mind: Send {
    /// The number under which it is registered.
    fn id(&self) -> SequencerId;

    /// The height that it would vote on next.
    fn next_height(&self) -> Height;

    /// What travels for the slot that it would propose.
    fn propose(
        &mut self,
        round: Round,
        tick: Tick,
        world: &World<'_>,
    ) -> Result<Vec<u8>, CommitteeError>;

    /// Whether the slot with this hash is one that it would propose itself, or accept from others.
    fn judge(
        &mut self,
        value: Hash,
        body: &[u8],
        tick: Tick,
        world: &World<'_>,
    ) -> Result<Verdict, CommitteeError>;

    /// The slot with this hash is decided.
    fn settle(
        &mut self,
        value: Hash,
        body: &[u8],
        tick: Tick,
        world: &World<'_>,
    ) -> Result<(), CommitteeError>;

    /// Signatures that it made and checked beside those of votes.
    fn signed(&self) -> Said;

    /// All that members agree on: hashes of the decided order and of the chain of slots.
    fn state(&mut self) -> (Hash, Hash);
}

/// A message on its way: from whom, to whom, its bytes.
#[derive(Clone, Debug)]
pub(super) struct Letter {
    pub from: SequencerId,
    pub to: Destination,
    pub bytes: Vec<u8>,
}

/// What one member said and checked since it was made.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Said {
    pub proposals: u64,
    pub votes: u64,
    pub signatures_made: u64,
    pub signatures_verified: u64,
}

/// How slots travel: how many bytes they have at most, and how one is named.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parcel {
    pub bytes_max: u32,
    pub identify: Identify,
}

/// What all seats of a network have in common.
#[derive(Clone, Debug)]
pub(super) struct Table {
    /// The network, as votes name it.
    pub network: Hash,
    /// What sequencers sign with.
    pub keys: MemberKeys,
    /// The most members of any epoch.
    pub member_count_max: u16,
    pub parcel: Parcel,
}

impl Table {
    /// `genesis` names the network, together with its first members.
    pub fn new(keys: &MemberKeys, genesis: &Hash, member_count_max: u16, parcel: Parcel) -> Self {
        let first = keys.membership();
        // A membership has 128 members at most.
        let first_count = first.members().len() as u16;
        Self {
            network: network_hash(genesis, first),
            keys: keys.clone(),
            member_count_max: first_count.max(member_count_max),
            parcel,
        }
    }
}

/// A member with its part in agreeing.
#[derive(Debug)]
pub(super) struct Seat<M> {
    pub mind: M,
    /// Whether it takes part; one that is away keeps its seat.
    pub is_up: bool,
    /// The members of the next epoch, from its beginning to its first height.
    pub next_members: Option<Membership>,
    coordinator: ConsensusCoordinator,
    signer: MemberSigner,
    scratch: Vec<u8>,
    outbox: Vec<Letter>,
    decided: Option<(Round, Hash)>,
    /// The certificate of the slot that was decided last, which was checked.
    certificate: Vec<u8>,
    said: Said,
}

impl Said {
    /// Adds what another member said.
    pub const fn add(&mut self, other: Self) {
        self.proposals += other.proposals;
        self.votes += other.votes;
        self.signatures_made += other.signatures_made;
        self.signatures_verified += other.signatures_verified;
    }
}

impl<M: Mind> Seat<M> {
    /// A seat that begins with these members.
    pub fn new(mind: M, table: &Table, membership: &Membership) -> Result<Self, CommitteeError> {
        let Table { keys, parcel, .. } = table;
        let limits = limits_of(table.member_count_max, parcel.bytes_max);
        let config = CoordinatorConfig {
            consensus: ConsensusConfig::default(),
            ..CoordinatorConfig::default()
        };
        let coordinator = ConsensusCoordinator::new(&CoordinatorSetup {
            limits: &limits,
            config: &config,
            network: table.network,
            provider: keys.provider(),
            membership,
            me: Some(mind.id()),
            identify: parcel.identify,
        })?;
        let signer = keys.signer(mind.id().get() as u16);
        Ok(Self {
            mind,
            is_up: true,
            next_members: None,
            coordinator,
            signer: signer.ok_or(CommitteeError::WrongSequencerCount)?,
            scratch: vec![0; limits.message_bytes_max()],
            outbox: Vec::new(),
            decided: None,
            certificate: Vec::new(),
            said: Said::default(),
        })
    }

    /// Begins to agree on the slot after the one that was decided last.
    pub fn begin_height(&mut self, now: Tick) -> Result<(), CommitteeError> {
        self.decided = None;
        self.outbox.clear();
        self.coordinator.handle_now(now)?;
        match self.next_members.take() {
            Some(members) => self.coordinator.start_epoch(&members)?,
            None if self.coordinator.height() == Height::ZERO => {
                self.coordinator.start(self.mind.next_height())?;
            }
            None => self.coordinator.start_next()?,
        }
        Ok(())
    }

    /// Takes in the messages that have come, and does whatever follows; what it has to say to
    /// others waits in [`Seat::take_letters`].
    pub fn take_turn(
        &mut self,
        now: Tick,
        letters: &[&Letter],
        tick: Tick,
        world: &World<'_>,
    ) -> Result<(), CommitteeError> {
        self.coordinator.handle_now(now)?;
        for letter in letters {
            // What is refused of a peer's message is the peer's doing, and counted.
            let _refused = self.coordinator.handle_message(letter.from, &letter.bytes);
        }
        while let Some(effect) = self.coordinator.poll_effect() {
            self.carry_out(effect, tick, world)?;
        }
        Ok(())
    }

    fn carry_out(
        &mut self,
        effect: CoordinatorEffect,
        tick: Tick,
        world: &World<'_>,
    ) -> Result<(), CommitteeError> {
        let coordinator = &mut self.coordinator;
        match effect {
            // A run's members do not stop, so that what they write is there at once.
            CoordinatorEffect::Persist { seq } => coordinator.handle_persisted(seq)?,
            CoordinatorEffect::StoreBody { height, value } => {
                coordinator.handle_stored(height, value);
            }
            CoordinatorEffect::LoadBody { height, value } => {
                coordinator.handle_loaded(height, value, None)?;
            }
            CoordinatorEffect::Sign { ticket, bytes } => {
                let signature = self.signer.sign(&bytes)?;
                self.said.signatures_made += 1;
                match ticket.statement.kind {
                    VoteKind::Proposal => self.said.proposals += 1,
                    VoteKind::Prevote | VoteKind::Precommit => self.said.votes += 1,
                }
                coordinator.handle_signed(&ticket, signature.as_bytes())?;
            }
            CoordinatorEffect::Send { to, message } => {
                let len = coordinator.write_message(&message, &mut self.scratch);
                let len = len.map_err(|error| CommitteeError::Refused(error.code()))?;
                if len > 0 {
                    self.outbox.push(Letter {
                        from: self.mind.id(),
                        to,
                        bytes: self.scratch[..len].to_vec(),
                    });
                }
            }
            CoordinatorEffect::Verify { batch, count } => {
                let good = coordinator.verify_batch(batch).verify();
                self.said.signatures_verified += u64::from(count);
                coordinator.handle_verified(batch, good)?;
            }
            CoordinatorEffect::GetValue { height, round, .. } => {
                let body = self.mind.propose(round, tick, world)?;
                coordinator.handle_value(height, round, &body, Hash::ZERO)?;
            }
            CoordinatorEffect::Validate { height, value } => {
                let body = coordinator.body(value).unwrap_or_default();
                let verdict = self.mind.judge(value, body, tick, world)?;
                coordinator.handle_validity(height, value, verdict);
            }
            CoordinatorEffect::Decide {
                height,
                round,
                value,
            } => self.note_decision(height, round, value)?,
            // Nobody is behind, contradicts itself or stalls; and no disk has what memory lacks.
            _ => {}
        }
        Ok(())
    }

    /// Checks the certificate of what was decided, with nothing but public keys.
    fn note_decision(
        &mut self,
        height: Height,
        round: Round,
        value: Hash,
    ) -> Result<(), CommitteeError> {
        let certificate = self.coordinator.certificate(height).unwrap_or_default();
        let proof = self.coordinator.validator().verify_certificate(certificate);
        let proof = proof.map_err(|error| CommitteeError::Refused(error.code()))?;
        self.said.signatures_verified += proof.signers().len() as u64;
        let expected = proof.expect(height, value);
        expected.map_err(|error| CommitteeError::Refused(error.code()))?;
        self.certificate.clear();
        self.certificate.extend_from_slice(certificate);
        self.decided = Some((round, value));
        Ok(())
    }

    /// Moves on to the slot that was decided, which must be this one.
    pub fn settle(
        &mut self,
        value: Hash,
        tick: Tick,
        world: &World<'_>,
    ) -> Result<(), CommitteeError> {
        if self.decided.map(|(_, own)| own) != Some(value) {
            return Err(CommitteeError::Diverged);
        }
        let body = self.coordinator.body(value).unwrap_or_default();
        self.mind.settle(value, body, tick, world)
    }

    /// The round and slot that were decided, once they are.
    pub const fn decided(&self) -> Option<(Round, Hash)> {
        self.decided
    }

    /// The body of a slot of this height, where it is held.
    pub fn body(&self, value: Hash) -> Option<&[u8]> {
        self.coordinator.body(value)
    }

    /// The certificate of the slot that was decided last.
    pub fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    /// Whether it has not begun with any height.
    pub fn is_fresh(&self) -> bool {
        self.coordinator.height() == Height::ZERO
    }

    /// Takes over what another seat of the same sequencer has said so far.
    pub const fn go_on_from(&mut self, said: Said) {
        self.said = said;
    }

    /// What it has to say to others, in its order.
    pub fn take_letters(&mut self) -> Vec<Letter> {
        std::mem::take(&mut self.outbox)
    }

    /// When it has something to do without a message.
    pub fn next_deadline(&self) -> Option<Tick> {
        self.coordinator.next_deadline()
    }

    /// What it has said and checked so far.
    pub fn said(&self) -> Said {
        let beside = self.mind.signed();
        Said {
            signatures_made: self.said.signatures_made + beside.signatures_made,
            signatures_verified: self.said.signatures_verified + beside.signatures_verified,
            ..self.said
        }
    }
}

/// Maxima for committees of up to so many whose slots travel in so many bytes.
fn limits_of(member_count: u16, value_bytes_max: u32) -> CoordinatorLimits {
    CoordinatorLimits {
        consensus: ConsensusLimits {
            validator_count_max: member_count,
            ..ConsensusLimits::default()
        },
        value_bytes_max,
        // Nobody is behind in a run.
        certificate_count_max: 4,
        ..CoordinatorLimits::default()
    }
}

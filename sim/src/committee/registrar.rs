//! What a member knows of who the members are: the registry, as decided slots make it, and the
//! changes that it agreed to.

use std::sync::Arc;

use hauptbuch_core::codec::{Reader, StateError, Writer};
use hauptbuch_core::config::Config;
use hauptbuch_core::crypto::signature::Provider;
use hauptbuch_core::error::Code;
use hauptbuch_core::limits::CHANGES_BYTES_MAX;
use hauptbuch_core::sequencer::{
    Change, Membership, SequencerLimits, SequencerManager, SequencerRules, SequencerSetup,
    Standing, Succession, SuccessionRules,
};
use hauptbuch_core::types::{Hash, Height, SequencerId, Tick};
use hauptbuch_core::vote::MEMBER_COUNT_MAX;

use super::plan::{Bill, MembershipPlan, Wish};
use super::{CommitteeError, MemberKeys, network_hash};

/// Sequencers that a run's registry has room for, over all epochs.
const SEQUENCER_COUNT_MAX: u16 = 256;

/// What a registry of a run is set up with: it follows from the configuration and the first
/// members, so that every verifier has the same.
#[must_use]
pub fn registry_setup(config: &Config, genesis: &Hash, first: &Membership) -> SequencerSetup {
    let first_count = first.members().len() as u16;
    let sizes = &config.epochs;
    SequencerSetup {
        chain_id: config.chain_id,
        network: network_hash(genesis, first),
        provider: Provider::fastest(first.suite()).unwrap_or(Provider::MlDsa65),
        limits: SequencerLimits {
            sequencer_count_max: SEQUENCER_COUNT_MAX,
            member_count_max: first_count.max(sizes.member_count_max.into()),
            ..SequencerLimits::default()
        },
        rules: SequencerRules {
            heads_min: config
                .heads_min(u8::try_from(first_count).unwrap_or(u8::MAX))
                .into(),
            equal_weights: true,
            ..SequencerRules::default()
        },
    }
}

/// How decided changes turn into epochs in a network with this configuration.
#[must_use]
pub const fn succession_rules(config: &Config) -> SuccessionRules {
    SuccessionRules {
        lead_slots: config.epochs.lead_slots as u64,
        leaver_count_max: config.epochs.leaver_count_max as u16,
    }
}

/// The registry before the first slot, with the rules of its epochs.
///
/// # Errors
/// [`CommitteeError::Refused`] where the first members can't be a committee.
pub fn first_succession(
    config: &Config,
    genesis: &Hash,
    first: &Membership,
) -> Result<Succession, CommitteeError> {
    let setup = registry_setup(config, genesis, first);
    let registry = SequencerManager::of_genesis(setup, first, Tick::ZERO);
    let registry = registry.map_err(|error| CommitteeError::Refused(error.code()))?;
    let made = Succession::new(succession_rules(config), registry, None);
    made.map_err(|error| CommitteeError::Refused(error.code()))
}

/// A member's registry with what it agreed to.
#[derive(Debug)]
pub(super) struct Registrar {
    succession: Succession,
    plan: Arc<MembershipPlan>,
    /// How many of the plan's bills are decided.
    passed: usize,
    keys: MemberKeys,
    chain_id: u64,
}

impl Registrar {
    pub fn new(
        config: &Config,
        genesis: &Hash,
        keys: &MemberKeys,
        plan: &Arc<MembershipPlan>,
    ) -> Result<Self, CommitteeError> {
        Ok(Self {
            succession: first_succession(config, genesis, keys.membership())?,
            plan: Arc::clone(plan),
            passed: 0,
            keys: keys.clone(),
            chain_id: config.chain_id,
        })
    }

    /// Goes on from a peer's bytes; the hash of what they hold is still to be compared.
    pub fn resume(
        config: &Config,
        genesis: &Hash,
        keys: &MemberKeys,
        of_peer: &RegistrarState,
    ) -> Result<Self, CommitteeError> {
        let refused = |error: StateError| CommitteeError::Refused(error.code());
        let setup = registry_setup(config, genesis, keys.membership());
        let registry = SequencerManager::restore(setup, &of_peer.registry).map_err(refused)?;
        let rules = succession_rules(config);
        Ok(Self {
            succession: Succession::new(rules, registry, of_peer.closing).map_err(refused)?,
            plan: Arc::clone(&of_peer.plan),
            passed: of_peer.passed,
            keys: keys.clone(),
            chain_id: config.chain_id,
        })
    }

    /// What a node that joins gets of a peer.
    pub fn state(&self) -> Result<RegistrarState, CommitteeError> {
        let registry = self.succession.registry();
        let mut bytes = vec![0; registry.state_len()];
        let written = registry.write_state(&mut bytes);
        written.map_err(|error| CommitteeError::Refused(error.code()))?;
        Ok(RegistrarState {
            registry: bytes,
            closing: self.succession.standing().closing,
            plan: Arc::clone(&self.plan),
            passed: self.passed,
        })
    }

    pub const fn standing(&self) -> &Standing {
        self.succession.standing()
    }

    /// The bytes of the changes that it would propose in a slot; none where none are due.
    pub fn due(&self, height: Height) -> Result<Vec<u8>, CommitteeError> {
        let Some(bill) = self.due_bill(height) else {
            return Ok(Vec::new());
        };
        let epoch = self.succession.epoch();
        let mut bytes = vec![0; CHANGES_BYTES_MAX as usize];
        let mut out = Writer::new(&mut bytes);
        for wish in &bill.wishes {
            let written = match *wish {
                Wish::Admit(own) => {
                    let application = self.keys.application(own, self.chain_id, epoch)?;
                    Change::Admit(application.view()).encode(&mut out)
                }
                Wish::Remove(own) => Change::Remove(SequencerId::new(own)).encode(&mut out),
                Wish::Activate(own) => Change::Activate(SequencerId::new(own)).encode(&mut out),
            };
            written.map_err(|_| CommitteeError::Refused(Code::BufferTooSmall))?;
        }
        let len = out.len();
        bytes.truncate(len);
        Ok(bytes)
    }

    /// Where the members would stand behind a slot with these changes: what the registry refuses
    /// is refused, and so is what this member did not agree to.
    pub fn consider(&mut self, height: Height, changes: &[u8]) -> Result<Standing, Code> {
        let standing = self.succession.consider(height, changes);
        let standing = standing.map_err(|error| error.code())?;
        if changes.is_empty() || self.is_agreed(height, changes) {
            Ok(standing)
        } else {
            Err(Code::ChangeNotAgreed)
        }
    }

    /// A slot with these changes is decided.
    pub fn decide(&mut self, height: Height, changes: &[u8]) -> Result<Standing, CommitteeError> {
        let refused = |code| CommitteeError::Refused(code);
        let is_agreed = !changes.is_empty() && self.is_agreed(height, changes);
        let standing = self.succession.decide(height, changes);
        let standing = standing.map_err(|error| refused(error.code()))?;
        self.passed += usize::from(is_agreed);
        // A run's audit log is read by nobody; a host would write it down here.
        while self.succession.poll_audit().is_some() {}
        Ok(standing)
    }

    /// The members of the epoch.
    pub fn membership(&self) -> Result<Membership, CommitteeError> {
        let registry = self.succession.registry();
        let mut now = Membership::with_room(MEMBER_COUNT_MAX, registry.suite());
        registry.fill_membership(&mut now)?;
        Ok(now)
    }

    /// The members of the epoch that follows, as far as it is decided.
    pub fn next_membership(&self) -> Result<Membership, CommitteeError> {
        let suite = self.succession.registry().suite();
        let mut next = Membership::with_room(MEMBER_COUNT_MAX, suite);
        self.succession.fill_next_membership(&mut next)?;
        Ok(next)
    }

    /// The slot was the epoch's last one.
    pub fn begin_epoch(&mut self, height: Height, now: Tick) -> Result<(), CommitteeError> {
        let begun = self.succession.begin_epoch(height, now);
        begun.map_err(|error| CommitteeError::Refused(error.code()))?;
        while self.succession.poll_audit().is_some() {}
        Ok(())
    }

    fn due_bill(&self, height: Height) -> Option<&Bill> {
        let next = self.plan.bills().get(self.passed)?;
        (next.slot <= height.get()).then_some(next)
    }

    /// Whether changes are those of the bill that is due, whatever the proofs in them.
    fn is_agreed(&self, height: Height, changes: &[u8]) -> bool {
        let Some(bill) = self.due_bill(height) else {
            return false;
        };
        let mut wishes = bill.wishes.iter();
        let mut input = Reader::new(changes);
        while !input.rest().is_empty() {
            let own = wishes.next().zip(Change::decode(&mut input).ok());
            let is_same = match own {
                Some((Wish::Admit(own), Change::Admit(admission))) => {
                    let key = self.keys.public_key(*own);
                    admission.id.get() == *own
                        && admission.weight == 1
                        && key.is_some_and(|key| key.as_bytes() == admission.public_key)
                }
                Some((Wish::Remove(own), Change::Remove(id)))
                | Some((Wish::Activate(own), Change::Activate(id))) => id.get() == *own,
                _ => false,
            };
            if !is_same {
                return false;
            }
        }
        wishes.next().is_none()
    }
}

/// A registrar's state, as a peer gives it to a node that joins.
#[derive(Clone, Debug)]
pub(super) struct RegistrarState {
    registry: Vec<u8>,
    closing: Option<Height>,
    plan: Arc<MembershipPlan>,
    passed: usize,
}

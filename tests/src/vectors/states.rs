//! States of a node as bytes: registry, finality, extents, own log, and the order that logs gave.

use hauptbuch_core::certificate::{CommitCertificate, Electorate, write_commit_certificate};
use hauptbuch_core::codec::{StateError, Writer};
use hauptbuch_core::crypto::signature::{
    Provider, PublicKey, Randomness, SecretKey, Seed, Signature, Suite,
};
use hauptbuch_core::error::Code;
use hauptbuch_core::finality::{FinalityEngine, FinalityLimits, Link, Progress};
use hauptbuch_core::sequencer::{
    Admission, Change, Membership, SequencerLimits, SequencerManager, SequencerRules,
    SequencerSetup, SlotTurn, possession_bytes,
};
use hauptbuch_core::types::{Epoch, Hash, Height, MemberIndex, Round, SequencerId, Tick};
use hauptbuch_core::vote::{MemberSet, NO_ROUND, SigningContext, Statement, VoteKind};
use serde::{Deserialize, Serialize};

use super::{fair_chain, receive_log};
use crate::hex;

const SUITE: Suite = Suite::MlDsa65;
const CHAIN_ID: u64 = 7;
const NETWORK: Hash = Hash::new([0x4e; 32]);
const FINALITY_LIMITS: FinalityLimits = FinalityLimits {
    window_count_max: 8,
    catch_up_count_max: 6,
    event_count_max: 16,
};

/// States of a node as bytes.
#[derive(Debug, Deserialize, Serialize)]
pub struct StatesFile {
    /// What the file holds.
    pub about: String,
    /// The network of registry and finality: the hash of its genesis.
    pub network: String,
    /// The states.
    pub states: Vec<StateVector>,
}

/// One state.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct StateVector {
    /// `registry`, `finality`, `extents`, `own log`, or the name of a chain of `fair_chains.json`,
    /// whose order it is then.
    pub name: String,
    /// The domain of its checksum, or of its hash where it has none.
    pub domain: String,
    /// What slots bind of it: the registry's hash and that of an order.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub hash: Option<String>,
    /// Its bytes.
    pub bytes: String,
}

impl StateVector {
    /// Makes the state from these bytes, and gives what it writes and what slots bind of it.
    ///
    /// # Errors
    /// The code of what is wrong with them.
    pub fn rewrite(&self, bytes: &[u8]) -> Result<(Vec<u8>, Option<Hash>), Code> {
        match self.name.as_str() {
            "registry" => {
                let own = SequencerManager::restore(setup(), bytes).map_err(StateError::code)?;
                let mut again = vec![0; own.state_len()];
                own.write_state(&mut again).map_err(StateError::code)?;
                Ok((again, Some(own.state_hash())))
            }
            "finality" => {
                let own = FinalityEngine::restore(&FINALITY_LIMITS, electorate(), bytes);
                let own = own.map_err(StateError::code)?;
                let mut again = vec![0; own.state_len()];
                own.write_state(&mut again).map_err(StateError::code)?;
                Ok((again, None))
            }
            "extents" => Ok((receive_log::rewritten_extents(bytes)?, None)),
            "own log" => Ok((receive_log::rewritten_log(bytes)?, None)),
            chain => {
                let (again, hash) = fair_chain::rewritten(chain, bytes)?;
                Ok((again, Some(hash)))
            }
        }
    }
}

pub(super) fn compute() -> StatesFile {
    let [extents, own_log] = receive_log::states();
    let framed = [
        ("registry", "hb/rs/1", registry()),
        ("finality", "hb/fi/1", finality()),
        ("extents", "hb/xs/1", extents),
        ("own log", "hb/os/1", own_log),
    ];
    let orders = fair_chain::open_states().into_iter();
    let orders = orders.map(|(name, bytes)| (name, "hb/fs/1", bytes));
    let states = framed
        .into_iter()
        .chain(orders)
        .map(|(name, domain, bytes)| {
            let mut vector = StateVector {
                name: name.into(),
                domain: domain.into(),
                hash: None,
                bytes: hex::encode(&bytes),
            };
            let (_, hash) = vector.rewrite(&bytes).expect("the core wrote it");
            vector.hash = hash.map(|hash| hash.to_string());
            vector
        });
    StatesFile {
        about: "States of a node as bytes. Whoever reads one and writes it again gets the same \
                bytes; with any byte changed it is refused, or another state where there is no \
                checksum. Sequencer i has the ML-DSA-65 key of the seed i, i, and so on."
            .into(),
        network: NETWORK.to_string(),
        states: states.collect(),
    }
}

fn key(number: u32) -> SecretKey {
    let seed = Seed::new([number as u8; 32]);
    SecretKey::from_seed(Provider::MlDsa65, &seed).expect("a key for each seed")
}

fn setup() -> SequencerSetup {
    SequencerSetup {
        chain_id: CHAIN_ID,
        network: NETWORK,
        provider: Provider::MlDsa65,
        limits: SequencerLimits {
            sequencer_count_max: 6,
            member_count_max: 4,
            audit_count_max: 32,
        },
        rules: SequencerRules::default(),
    }
}

/// Two members and one that waits; one of the two leaves, the other grows; both did something.
fn registry() -> Vec<u8> {
    let applicants = [1, 2, 3].map(|number| {
        let (id, key) = (SequencerId::new(number), key(number));
        let message = possession_bytes(SUITE, CHAIN_ID, Epoch::ZERO, id, key.public_key());
        let possession = key.sign(&message, &Randomness::ZERO);
        (id, key.public_key().clone(), possession.expect("it signs"))
    });
    let admissions = applicants
        .each_ref()
        .map(|(id, key, possession)| Admission {
            id: *id,
            weight: 10 * u64::from(id.get()),
            public_key: key.as_bytes(),
            possession: possession.as_bytes(),
        });
    let [first, second, third] = admissions;
    let manager = SequencerManager::new(setup(), &[first, second], Tick::new(5));
    let mut manager = manager.expect("two good members");
    let changes = [
        (3, Change::Admit(third)),
        (3, Change::Activate(third.id)),
        (4, Change::Suspend(second.id)),
        (6, Change::SetWeight(first.id, 99)),
    ];
    for (height, change) in &changes {
        let decided = manager.decide_change(Height::new(*height), change);
        decided.expect("the change is allowed");
    }
    let turn = SlotTurn {
        height: Height::new(6),
        proposer: MemberIndex::new(0),
        missed: MemberSet::from_bits(0b10),
        voters: MemberSet::from_bits(0b01),
    };
    manager.handle_slot(&turn, Tick::new(1_000));
    let mut state = vec![0; manager.state_len()];
    manager.write_state(&mut state).expect("it has room");
    state
}

fn electorate() -> Electorate {
    let key: PublicKey = key(1).public_key().clone();
    let mut membership = Membership::with_room(1, SUITE);
    let rows = [(SequencerId::new(1), 10, &key)];
    let filled = membership.fill(Epoch::ZERO, SUITE, rows.into_iter());
    filled.expect("one member");
    Electorate::new(NETWORK, Provider::MlDsa65, &membership, 1).expect("the key is one")
}

/// One final slot with its proof and one that is settled, others on their way, and what is known of
/// a height far ahead.
fn finality() -> Vec<u8> {
    let link = |number: u64| Link {
        height: Height::new(number),
        epoch: Epoch::ZERO,
        parent: Hash::new([number as u8 - 1; 32]),
        hash: Hash::new([number as u8; 32]),
        next_membership: Hash::ZERO,
    };
    let engine = FinalityEngine::new(&FINALITY_LIMITS, Height::ZERO, Hash::ZERO, electorate());
    let mut engine = engine.expect("limits are in their ranges");
    let key = key(1);
    for number in [1, 2] {
        let statement = Statement {
            kind: VoteKind::Precommit,
            height: Height::new(number),
            round: Round::ZERO,
            value: Some(link(number).hash),
            valid_round: NO_ROUND,
            extension_hash: Hash::ZERO,
        };
        let context = SigningContext {
            chain_id: NETWORK,
            epoch: Epoch::ZERO,
            suite_id: SUITE.number(),
        };
        let signature = key.sign(&statement.sign_bytes(&context), &Randomness::ZERO);
        let signature: Signature = signature.expect("it signs");
        let mut bytes = vec![0; 8_192];
        let mut out = Writer::new(&mut bytes);
        let entries = [(MemberIndex::new(0), Hash::ZERO, &signature)];
        write_commit_certificate(&mut out, Epoch::ZERO, &statement, entries.into_iter())
            .expect("it has room");
        let certificate = CommitCertificate::decode(out.written()).expect("it was written");
        let proof = certificate.verify(&electorate()).expect("a quorum signed");
        let outcome = engine.handle_certificate(&link(number), &proof);
        outcome.expect("it is the next one");
    }
    let settled = engine.handle_settled(Height::new(1));
    settled.expect("it is final");
    while engine.poll_event().is_some() {}
    for (number, to) in [(3, Progress::Proposed), (4, Progress::Sequenced)] {
        let progress = engine.handle_progress(&link(number), to);
        progress.expect("it follows");
    }
    let mut state = vec![0; engine.state_len()];
    engine.write_state(&mut state).expect("it has room");
    state
}

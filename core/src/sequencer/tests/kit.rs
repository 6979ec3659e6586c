//! Keys, applicants and registries for tests.

use std::boxed::Box;
use std::sync::OnceLock;
use std::vec::Vec;

use crate::crypto::signature::{
    PUBLIC_KEY_BYTES, Provider, PublicKey, Randomness, SIGNATURE_BYTES, SecretKey, Seed, Suite,
};
use crate::sequencer::*;
use crate::types::{Epoch, Hash, Height, Round, SequencerId, Tick};
use crate::vote::{NO_ROUND, SigningContext, Statement, VoteKind};

pub(crate) const CHAIN_ID: u64 = 7;
pub(crate) const NETWORK: Hash = Hash::new([5; 32]);
const KEY_COUNT: usize = 12;

/// One of a few keys that all tests share, because making one takes a while.
pub(crate) fn key(number: u32) -> &'static SecretKey {
    static KEYS: [OnceLock<SecretKey>; KEY_COUNT] = [const { OnceLock::new() }; KEY_COUNT];
    KEYS[number as usize].get_or_init(|| {
        let seed = Seed::new([number as u8 + 1; 32]);
        SecretKey::from_seed(Provider::MlDsa65, &seed).unwrap()
    })
}

/// A sequencer that wants in; its number is that of its key.
#[derive(Clone)]
pub(crate) struct Applicant {
    pub id: SequencerId,
    pub weight: u64,
    pub public_key: Box<[u8; PUBLIC_KEY_BYTES]>,
    pub possession: Box<[u8; SIGNATURE_BYTES]>,
}

impl Applicant {
    pub fn new(number: u32, weight: u64, epoch: u64) -> Self {
        Self::under(number, number, weight, epoch)
    }

    /// Registers the key of that number under another number.
    pub fn under(id: u32, key_number: u32, weight: u64, epoch: u64) -> Self {
        let (id, key) = (SequencerId::new(id), key(key_number));
        let message = possession_bytes(
            Suite::MlDsa65,
            CHAIN_ID,
            Epoch::new(epoch),
            id,
            key.public_key(),
        );
        let possession = key.sign(&message, &Randomness::ZERO).unwrap();
        Self {
            id,
            weight,
            public_key: Box::new(*key.public_key().as_bytes()),
            possession: Box::new(*possession.as_bytes()),
        }
    }

    pub fn view(&self) -> Admission<'_> {
        Admission {
            id: self.id,
            weight: self.weight,
            public_key: &self.public_key,
            possession: &self.possession,
        }
    }
}

pub(crate) fn setup(rules: SequencerRules) -> SequencerSetup {
    SequencerSetup {
        chain_id: CHAIN_ID,
        network: NETWORK,
        provider: Provider::MlDsa65,
        limits: SequencerLimits {
            sequencer_count_max: 10,
            member_count_max: 6,
            audit_count_max: 64,
        },
        rules,
    }
}

/// A registry whose first members have the numbers 1 ..= `count` and these weights.
pub(crate) fn registry(weights: &[u64], rules: SequencerRules) -> SequencerManager {
    let first: Vec<_> = (1..)
        .zip(weights)
        .map(|(number, weight)| Applicant::new(number, *weight, 0))
        .collect();
    let views: Vec<_> = first.iter().map(Applicant::view).collect();
    SequencerManager::new(setup(rules), &views, Tick::ZERO).unwrap()
}

/// The members with the keys 0 .. count.
pub(crate) fn membership(epoch: u64, weights: &[u64]) -> Membership {
    let keys: Vec<PublicKey> = (0..weights.len() as u32)
        .map(|number| key(number).public_key().clone())
        .collect();
    let rows = weights.iter().zip(&keys).enumerate();
    let rows = rows.map(|(at, (weight, key))| (SequencerId::new(at as u32), *weight, key));
    let mut membership = Membership::with_room(16, Suite::MlDsa65);
    membership
        .fill(Epoch::new(epoch), Suite::MlDsa65, rows)
        .unwrap();
    membership
}

pub(crate) fn id(number: u32) -> SequencerId {
    SequencerId::new(number)
}

pub(crate) fn height(number: u64) -> Height {
    Height::new(number)
}

pub(crate) fn precommit(height: u64, round: u32, value: u8) -> Statement {
    Statement {
        kind: VoteKind::Precommit,
        height: Height::new(height),
        round: Round::new(round),
        value: Some(Hash::new([value; 32])),
        valid_round: NO_ROUND,
        extension_hash: Hash::ZERO,
    }
}

pub(crate) fn context(epoch: u64) -> SigningContext {
    SigningContext {
        chain_id: NETWORK,
        epoch: Epoch::new(epoch),
        suite_id: Suite::MlDsa65.number(),
    }
}

pub(crate) fn sign(
    number: u32,
    statement: &Statement,
    context: &SigningContext,
) -> Box<[u8; SIGNATURE_BYTES]> {
    let message = statement.sign_bytes(context);
    let signature = key(number).sign(&message, &Randomness::ZERO).unwrap();
    Box::new(*signature.as_bytes())
}

/// Reads all records that wait.
pub(crate) fn records(manager: &mut SequencerManager) -> Vec<AuditRecord> {
    core::iter::from_fn(|| manager.poll_audit()).collect()
}

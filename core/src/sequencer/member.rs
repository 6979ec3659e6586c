//! One sequencer.

use super::SequencerStatus;
use crate::crypto::hash::{Domain, hash};
use crate::crypto::signature::{PUBLIC_KEY_BYTES, PublicKey};
use crate::types::{Address, Height, SequencerId, Tick};

/// One sequencer of the registry.
#[derive(Clone, Debug)]
pub struct Sequencer {
    /// Its number; members stand in the order of their numbers.
    pub id: SequencerId,
    /// What follows from its key: see [`sequencer_address`].
    pub address: Address,
    /// What its signatures are checked with.
    pub public_key: PublicKey,
    /// Its weight in consensus, 1 ..= 2^32.
    pub weight: u64,
    /// What it may do in this epoch.
    pub status: SequencerStatus,
    /// What it may do in the next one, as far as it is decided.
    pub planned_status: SequencerStatus,
    /// Its weight in the next epoch.
    pub planned_weight: u64,
    /// Whether it leaves the registry with the next epoch.
    pub is_leaving: bool,
    /// Whether it stays a member although its leaving is decided, because nobody came in its
    /// place.
    pub is_held: bool,
    /// The slot that decided what is planned.
    pub planned_at: Height,
    /// What it did.
    pub metrics: SequencerMetrics,
}

impl Sequencer {
    /// Whether it is a member of this epoch.
    #[must_use]
    pub fn is_member(&self) -> bool {
        self.status == SequencerStatus::Active
    }

    /// Whether it is meant to be a member of the next epoch; one that is held is not meant to.
    #[must_use]
    pub fn is_planned_member(&self) -> bool {
        self.planned_status == SequencerStatus::Active && !self.is_leaving
    }

    /// Whether it will be a member of the next epoch, as things stand.
    #[must_use]
    pub fn is_next_member(&self) -> bool {
        self.is_planned_member() || self.is_held
    }

    /// Whether a ban is decided: its rounds are skipped and its log is closed from then on,
    /// whenever the ban takes effect.
    #[must_use]
    pub fn is_convicted(&self) -> bool {
        self.planned_status == SequencerStatus::Banned
    }

    /// An empty place of the registry.
    pub(super) const fn vacant() -> Self {
        Self {
            id: SequencerId::ZERO,
            address: Address::ZERO,
            public_key: PublicKey::new([0; PUBLIC_KEY_BYTES]),
            weight: 0,
            status: SequencerStatus::Inactive,
            planned_status: SequencerStatus::Inactive,
            planned_weight: 0,
            is_leaving: false,
            is_held: false,
            planned_at: Height::ZERO,
            metrics: SequencerMetrics::NONE,
        }
    }
}

/// What a sequencer did, as this node saw it.
///
/// Which votes a certificate holds, and in which round a height was decided here, differs from node
/// to node: these counts lead to proposals and never decide by themselves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SequencerMetrics {
    /// Slots that it proposed and that were decided.
    pub turns_taken: u64,
    /// Turns in which a round failed.
    pub turns_missed: u64,
    /// Turns missed since it last proposed or voted.
    pub turns_missed_in_row: u32,
    /// Slots whose certificate holds its vote.
    pub votes: u64,
    /// Bans that were decided, and further evidence after it.
    pub evidence: u32,
    /// Epochs as a member, this one included.
    pub epochs: u64,
    /// When it last gave a sign of life.
    pub last_alive: Tick,
}

impl SequencerMetrics {
    const NONE: Self = Self {
        turns_taken: 0,
        turns_missed: 0,
        turns_missed_in_row: 0,
        votes: 0,
        evidence: 0,
        epochs: 0,
        last_alive: Tick::ZERO,
    };
}

/// The address of a public key: the first 20 bytes of SHA3-256 of a domain and the key.
///
/// `CometBFT` takes SHA-256 without a domain; an adapter computes that beside this one, so that the
/// core needs no second hash function.
#[must_use]
pub fn sequencer_address(public_key: &PublicKey) -> Address {
    let digest = hash(Domain::SEQUENCER_ADDRESS, public_key.as_bytes());
    let mut address = [0; Address::LEN];
    for (byte, from) in address.iter_mut().zip(digest.as_bytes()) {
        *byte = *from;
    }
    Address::new(address)
}

//! SHA3-256 with domains, one message or many; Keccak-256 for the names that EVM rollups use.
//!
//! Everything that is hashed starts with a [`Domain`], so that no two kinds of object can share a
//! digest. A domain has 7 bytes, which leaves room for four digests in one permutation
//! (7 + 4 · 32 = 135, the most that SHA3-256 absorbs at once).
//!
//! Callers hash in micro-batches through [`hash_many`]; kernels that work on several messages at
//! once can stand behind that call without a change elsewhere.
//!
//! Cost: one permutation per started 136 bytes, domain included.

use sha3::{Digest as _, Keccak256, Sha3_256};

use crate::types::{Hash, TxId};

/// How many messages callers gather before they call [`hash_many`].
pub const MICRO_BATCH: usize = 64;

/// Names what is hashed: project, object and version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Domain([u8; 7]);

impl Domain {
    /// A transaction's canonical bytes.
    pub const TRANSACTION: Self = Self(*b"hb/tx/1");
    /// Up to four children of a Merkle tree.
    pub const MERKLE_NODE: Self = Self(*b"hb/mn/1");
    /// A Merkle tree's leaf count and top.
    pub const MERKLE_ROOT: Self = Self(*b"hb/mr/1");
    /// The configuration that a chain of slots starts from.
    pub const GENESIS: Self = Self(*b"hb/gn/1");
    /// A slot's header.
    pub const SLOT: Self = Self(*b"hb/sl/3");
    /// A sub-batch's header.
    pub const SUB_BATCH: Self = Self(*b"hb/sb/2");
    /// The evidence that a policy's verifier needs beside the transactions.
    pub const EVIDENCE: Self = Self(*b"hb/ev/2");
    /// One step of the chain over all that a sequencer promised.
    pub const RUNNING_HASH: Self = Self(*b"hb/rh/2");
    /// A sender's place in a shuffle.
    pub const SHUFFLE: Self = Self(*b"hb/sd/1");
    /// The ids of a bundle's legs.
    pub const BUNDLE: Self = Self(*b"hb/bu/1");
    /// The set of a slot's transactions, before their order is known.
    pub const SET: Self = Self(*b"hb/st/1");
    /// A coordinator's state.
    pub const SNAPSHOT: Self = Self(*b"hb/sn/4");
    /// The limits and choices that a snapshot belongs to.
    pub const SETTINGS: Self = Self(*b"hb/se/1");
    /// A journal's header, and one record after another.
    pub const JOURNAL: Self = Self(*b"hb/jr/3");
    /// Where a member's receive log starts.
    pub const LOG_START: Self = Self(*b"hb/ls/1");
    /// One entry of a receive log, chained to those before.
    pub const LOG_ENTRY: Self = Self(*b"hb/le/1");
    /// What a member signs of its receive log.
    pub const LOG_SIGNED: Self = Self(*b"hb/lg/1");
    /// What a member keeps of its own receive log.
    pub const LOG_RECORD: Self = Self(*b"hb/lr/1");
    /// A cut through all receive logs.
    pub const CUT: Self = Self(*b"hb/ct/1");
    /// The parts of what follows from a chain of slots.
    pub const STATE_ROOT: Self = Self(*b"hb/sr/1");
    /// The decided state of order fairness over slots.
    pub const FAIR_STREAM: Self = Self(*b"hb/fs/1");
    /// What a committee's member signs: a proposal, a prevote or a precommit.
    pub const VOTE: Self = Self(*b"hb/vt/1");
    /// What a committee's member keeps on disk, so that it never contradicts itself.
    pub const CONSENSUS_RECORD: Self = Self(*b"hb/cr/1");
    /// The body of a value that a committee decides about.
    pub const VALUE_BODY: Self = Self(*b"hb/vb/1");
    /// A sequencer's public key, which its address comes from.
    pub const SEQUENCER_ADDRESS: Self = Self(*b"hb/sa/1");
    /// What a sequencer signs to show that it holds the key that it registers.
    pub const POSSESSION: Self = Self(*b"hb/pp/1");
    /// The members of an epoch with their keys and weights.
    pub const MEMBERSHIP: Self = Self(*b"hb/ms/1");
    /// The changes to the membership that a slot decides.
    pub const MEMBERSHIP_CHANGES: Self = Self(*b"hb/mc/1");
    /// Two statements that one member signed and that contradict each other.
    pub const CONFLICT: Self = Self(*b"hb/cf/1");
    /// What a sequencer signs of what it promised.
    pub const RECEIPT: Self = Self(*b"hb/rc/1");
    /// Proof that a sequencer broke a promise.
    pub const BROKEN_PROMISE: Self = Self(*b"hb/bp/1");
    /// One record after another of what became of the sequencers.
    pub const AUDIT: Self = Self(*b"hb/au/1");
    /// What the decided changes have made of the registry of sequencers.
    pub const REGISTRY: Self = Self(*b"hb/rg/1");
    /// What a node keeps of the registry of sequencers.
    pub const REGISTRY_STATE: Self = Self(*b"hb/rs/1");
    /// What a node keeps of which slots are final.
    pub const FINALITY_STATE: Self = Self(*b"hb/fi/1");
    /// What a node keeps of the receive logs' undecided extents.
    pub const EXTENTS_STATE: Self = Self(*b"hb/xs/1");
    /// What a member keeps of the log that it writes.
    pub const OWN_LOG_STATE: Self = Self(*b"hb/os/1");

    /// The bytes that go before the message.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 7] {
        &self.0
    }
}

/// SHA3-256 of the domain and `message`.
#[must_use]
pub fn hash(domain: Domain, message: &[u8]) -> Hash {
    hash_parts(domain, &[message])
}

/// SHA3-256 of the domain and all `parts`, one after another.
#[must_use]
pub fn hash_parts(domain: Domain, parts: &[&[u8]]) -> Hash {
    let mut hasher = Hasher::new(domain);
    for part in parts {
        hasher.update(part);
    }
    hasher.finish()
}

/// SHA3-256 of the domain and each message; `out[i]` belongs to `messages[i]`.
///
/// Writes as many digests as both slices have places for.
///
/// ```
/// use hauptbuch_core::crypto::hash::{Domain, hash, hash_many};
/// use hauptbuch_core::types::Hash;
///
/// let mut digests = [Hash::ZERO; 2];
/// hash_many(Domain::TRANSACTION, &[b"a", b"b"], &mut digests);
/// assert_eq!(digests[1], hash(Domain::TRANSACTION, b"b"));
/// ```
pub fn hash_many(domain: Domain, messages: &[&[u8]], out: &mut [Hash]) {
    for (message, digest) in messages.iter().zip(out) {
        *digest = hash(domain, message);
    }
}

/// The identity of the transaction with these canonical bytes.
#[must_use]
pub fn transaction_id(canonical: &[u8]) -> TxId {
    TxId::from_hash(hash(Domain::TRANSACTION, canonical))
}

/// Keccak-256 of the plain bytes, without a domain: an EVM rollup's own transaction hash.
#[must_use]
pub fn keccak256(message: &[u8]) -> Hash {
    Hash::new(Keccak256::digest(message).into())
}

/// SHA3-256 over a message that comes in pieces.
#[derive(Clone, Debug)]
pub struct Hasher(Sha3_256);

impl Hasher {
    /// Starts with the domain.
    #[must_use]
    pub fn new(domain: Domain) -> Self {
        let mut hasher = Sha3_256::new();
        hasher.update(domain.as_bytes());
        Self(hasher)
    }

    /// Adds bytes to the message.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest.
    #[must_use]
    pub fn finish(self) -> Hash {
        Hash::new(self.0.finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn digests_are_those_of_the_standards() {
        // FIPS 202, SHA3-256 of the empty message, reached by way of the hasher underneath.
        assert_eq!(
            Hash::new(Sha3_256::digest(b"").into()).to_string(),
            "a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a"
        );
        assert_eq!(
            keccak256(b"").to_string(),
            "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
        );
    }

    #[test]
    fn a_domain_goes_before_the_message() {
        let plain = Hash::new(Sha3_256::digest(b"hb/tx/1message").into());
        assert_eq!(hash(Domain::TRANSACTION, b"message"), plain);
        assert_eq!(
            hash_parts(Domain::TRANSACTION, &[b"mess", b"", b"age"]),
            plain
        );
        assert_eq!(transaction_id(b"message"), TxId::from_hash(plain));
    }

    #[test]
    fn many_digests_equal_single_ones() {
        let bytes: std::vec::Vec<u8> = (0..700_u32).map(|i| (i * 7) as u8).collect();
        let messages: std::vec::Vec<&[u8]> = (0..700).map(|len| &bytes[..len]).collect();
        let mut digests = std::vec![Hash::ZERO; 700];
        hash_many(Domain::MERKLE_NODE, &messages, &mut digests);
        for (message, digest) in messages.iter().zip(&digests) {
            assert_eq!(*digest, hash(Domain::MERKLE_NODE, message));
        }
    }
}

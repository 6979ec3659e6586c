//! The keys with which the members of a run's committee sign.
//!
//! [`MemberKeys`] follow from the run's seed, so that the same seed gives the same signatures, byte
//! for byte, by every provider of a suite. That also says what they can't show: the seed stands in
//! the run's genesis, so whoever reads it can sign as everybody. They show that slots were agreed
//! on by the rules, and let an output be checked with public keys alone; a network whose members
//! keep their secrets to themselves is checked in the same way.
//!
//! Dilithium3 takes no seed: its keys come from the operating system, and no run with it repeats.
//!
//! # Cost
//! Making a key takes about as long as signing: 0.1 to 1 ms by provider, and up to
//! [`KEY_STACK_BYTES_MAX`](hauptbuch_core::crypto::signature::KEY_STACK_BYTES_MAX) of stack.

use std::sync::Arc;

use hauptbuch_core::certificate::Electorate;
use hauptbuch_core::crypto::signature::{
    KeyError, Provider, PublicKey, Randomness, SIGNATURE_BYTES, SecretKey, Seed, Signature, Suite,
    VerifyingKey,
};
use hauptbuch_core::receive_log::{LogSigner, LogVerifier, STATEMENT_LEN};
use hauptbuch_core::sequencer::{Admission, Membership, possession_bytes};
use hauptbuch_core::types::{Epoch, Hash, MemberIndex, SequencerId};
use hauptbuch_core::vote::MEMBER_COUNT_MAX;
use sha2::{Digest as _, Sha256};

use super::CommitteeError;

/// What a committee's members sign and are checked with, and the membership of epoch 0 that names
/// them: numbers from 0, equal weights of 1.
///
/// ```
/// use hauptbuch_core::crypto::signature::Suite;
/// use hauptbuch_sim::committee::MemberKeys;
///
/// let keys = MemberKeys::new(Suite::MlDsa65, 7, 4).unwrap();
/// let signature = keys.signer(2).unwrap().sign(b"message").unwrap();
/// assert!(keys.public().verify(2, b"message", signature.as_bytes()));
/// assert!(!keys.public().verify(1, b"message", signature.as_bytes()));
/// ```
#[derive(Clone, Debug)]
pub struct MemberKeys {
    membership: Membership,
    secrets: Vec<Arc<SecretKey>>,
    public: PublicKeys,
}

impl MemberKeys {
    /// The keys of `member_count` members of the run with this seed, by the fastest provider of
    /// the suite that this build has.
    ///
    /// # Errors
    /// [`CommitteeError::Keys`] where this build has no provider of the suite;
    /// [`CommitteeError::Membership`] for no member, or more than [`MEMBER_COUNT_MAX`].
    pub fn new(suite: Suite, seed: u64, member_count: u16) -> Result<Self, CommitteeError> {
        Self::with_later(suite, seed, member_count, 0)
    }

    /// The same with the keys of so many more that may join later; their numbers follow.
    ///
    /// # Errors
    /// As [`MemberKeys::new`].
    pub fn with_later(
        suite: Suite,
        seed: u64,
        member_count: u16,
        later_count: u16,
    ) -> Result<Self, CommitteeError> {
        let provider = Provider::fastest(suite).ok_or(KeyError::ProviderMissing)?;
        let first_count = member_count.min(MEMBER_COUNT_MAX.saturating_add(1));
        let secrets = (0..first_count.saturating_add(later_count)).map(|member| {
            let key = match provider {
                Provider::Dilithium3 => SecretKey::from_system(provider),
                _ => SecretKey::from_seed(provider, &member_seed(seed, member)),
            };
            key.map(Arc::new)
        });
        let secrets: Vec<Arc<SecretKey>> = secrets.collect::<Result<_, _>>()?;
        let first = secrets.iter().take(first_count.into());
        let membership = equal_membership(suite, first.map(|key| key.public_key()))?;
        Ok(Self {
            public: PublicKeys::of(&membership)?,
            membership,
            secrets,
        })
    }

    /// Who the members are, with their public keys.
    #[must_use]
    pub const fn membership(&self) -> &Membership {
        &self.membership
    }

    /// Who computes.
    #[must_use]
    pub const fn provider(&self) -> Provider {
        self.public.provider
    }

    /// All public keys, prepared for many checks.
    #[must_use]
    pub const fn public(&self) -> &PublicKeys {
        &self.public
    }

    /// The public key of a sequencer that is a member or may become one.
    #[must_use]
    pub fn public_key(&self, number: u32) -> Option<&PublicKey> {
        let key = self.secrets.get(number as usize)?;
        Some(key.public_key())
    }

    /// What a sequencer shows to be admitted in an epoch: its key, and that it holds it.
    ///
    /// # Errors
    /// [`CommitteeError::WrongSequencerCount`] for one that has no keys here;
    /// [`CommitteeError::Keys`] where signing fails.
    pub fn application(
        &self,
        number: u32,
        chain_id: u64,
        epoch: Epoch,
    ) -> Result<Application, CommitteeError> {
        let key = self.secrets.get(number as usize);
        let key = key.ok_or(CommitteeError::WrongSequencerCount)?;
        let id = SequencerId::new(number);
        let suite = self.provider().suite();
        let message = possession_bytes(suite, chain_id, epoch, id, key.public_key());
        Ok(Application {
            id,
            public_key: key.public_key().clone(),
            possession: key.sign(&message, &Randomness::ZERO)?,
        })
    }

    /// What a sequencer signs with.
    #[must_use]
    pub fn signer(&self, member: u16) -> Option<MemberSigner> {
        let key = self.secrets.get(usize::from(member))?;
        Some(MemberSigner(Arc::clone(key)))
    }

    /// Whose certificates decide the slots of the network that starts from this genesis hash.
    ///
    /// # Errors
    /// [`CommitteeError::Electorate`].
    pub fn electorate(&self, genesis: &Hash) -> Result<Electorate, CommitteeError> {
        electorate(&self.membership, genesis)
    }
}

/// A sequencer that wants to be admitted, with a weight of 1.
#[derive(Clone, Debug)]
pub struct Application {
    /// Its number.
    pub id: SequencerId,
    /// Its public key.
    pub public_key: PublicKey,
    /// Its signature over both.
    pub possession: Signature,
}

impl Application {
    /// As a change has it.
    #[must_use]
    pub fn view(&self) -> Admission<'_> {
        Admission {
            id: self.id,
            weight: 1,
            public_key: self.public_key.as_bytes(),
            possession: self.possession.as_bytes(),
        }
    }
}

/// One member's secret key, shared by whoever signs for it.
#[derive(Clone, Debug)]
pub struct MemberSigner(Arc<SecretKey>);

impl MemberSigner {
    /// Signs a message, always in the same way.
    ///
    /// # Errors
    /// [`KeyError::SigningGaveUp`], which happens less often than hardware fails.
    pub fn sign(&self, message: &[u8]) -> Result<Signature, KeyError> {
        self.0.sign(message, &Randomness::ZERO)
    }

    /// The key that others check its signatures with.
    #[must_use]
    pub fn public_key(&self) -> &PublicKey {
        self.0.public_key()
    }

    /// The key itself.
    #[must_use]
    pub fn secret_key(&self) -> &SecretKey {
        &self.0
    }
}

impl LogSigner for MemberSigner {
    fn suite(&self) -> u8 {
        self.0.suite().number()
    }

    fn sign(&mut self, statement: &[u8; STATEMENT_LEN], out: &mut [u8]) -> Option<usize> {
        let signature = MemberSigner::sign(self, statement).ok()?;
        out.get_mut(..SIGNATURE_BYTES)?
            .copy_from_slice(signature.as_bytes());
        Some(SIGNATURE_BYTES)
    }
}

/// The public keys of all members, prepared for many checks; may be shared between threads.
#[derive(Clone, Debug)]
pub struct PublicKeys {
    provider: Provider,
    keys: Arc<[VerifyingKey]>,
}

impl PublicKeys {
    /// Prepares the keys of a membership.
    ///
    /// # Errors
    /// [`CommitteeError::Keys`] where this build has no provider of its suite.
    pub fn of(membership: &Membership) -> Result<Self, CommitteeError> {
        let provider = Provider::fastest(membership.suite()).ok_or(KeyError::ProviderMissing)?;
        let members = membership.members().iter();
        let keys = members.map(|member| VerifyingKey::new(provider, &member.public_key));
        Ok(Self {
            provider,
            keys: keys.collect::<Result<_, _>>()?,
        })
    }

    /// Whether a member signed the message; nobody else did.
    #[must_use]
    pub fn verify(&self, member: u16, message: &[u8], signature: &[u8]) -> bool {
        let key = self.keys.get(usize::from(member));
        let signature = Signature::from_slice(signature);
        key.zip(signature)
            .is_some_and(|(key, signature)| key.verify(message, &signature))
    }

    /// A member's key.
    #[must_use]
    pub fn key(&self, member: MemberIndex) -> Option<&VerifyingKey> {
        self.keys.get(usize::from(member.get()))
    }
}

impl LogVerifier for PublicKeys {
    fn suite(&self) -> u8 {
        self.provider.suite().number()
    }

    fn verify(&self, member: u16, statement: &[u8; STATEMENT_LEN], signature: &[u8]) -> bool {
        PublicKeys::verify(self, member, statement, signature)
    }
}

/// Whose certificates decide the slots of the network with these members and this genesis hash.
///
/// # Errors
/// [`CommitteeError::Keys`] where this build has no provider of the suite;
/// [`CommitteeError::Electorate`].
pub fn electorate(membership: &Membership, genesis: &Hash) -> Result<Electorate, CommitteeError> {
    electorate_with_room(membership, genesis, 0)
}

/// The same with room for later epochs of up to so many members.
///
/// # Errors
/// As [`electorate`].
pub fn electorate_with_room(
    first: &Membership,
    genesis: &Hash,
    member_count_max: u16,
) -> Result<Electorate, CommitteeError> {
    let provider = Provider::fastest(first.suite()).ok_or(KeyError::ProviderMissing)?;
    // At most 128, as a membership has.
    let count = member_count_max.max(first.members().len() as u16);
    let network = network_hash(genesis, first);
    Electorate::new(network, provider, first, count).map_err(CommitteeError::Electorate)
}

/// What names a run's network in its members' votes: SHA-256 of a tag, the genesis hash and the
/// hash of the first membership.
///
/// The genesis hash covers the configuration and not who the members are. Votes bind both, so that
/// no number, weight or key of a member can be changed under certificates that were signed.
#[must_use]
pub fn network_hash(genesis: &Hash, membership: &Membership) -> Hash {
    let mut hash = Sha256::new();
    hash.update(b"hauptbuch/run/network/1\0");
    hash.update(genesis.as_bytes());
    hash.update(membership.hash().as_bytes());
    Hash::new(hash.finalize().into())
}

/// The members with these keys as epoch 0: numbers from 0, equal weights.
fn equal_membership<'a>(
    suite: Suite,
    keys: impl Iterator<Item = &'a PublicKey>,
) -> Result<Membership, CommitteeError> {
    let mut membership = Membership::with_room(MEMBER_COUNT_MAX, suite);
    let members = (0..).zip(keys);
    let members = members.map(|(id, key)| (SequencerId::new(id), 1, key));
    membership.fill(Epoch::ZERO, suite, members)?;
    Ok(membership)
}

/// What a member's key is made from: SHA-256 of a tag, the run's seed and the member's number, the
/// lowest byte first.
fn member_seed(seed: u64, member: u16) -> Seed {
    let mut hash = Sha256::new();
    hash.update(b"hauptbuch/run/member-key/1\0");
    hash.update(seed.to_le_bytes());
    hash.update(member.to_le_bytes());
    Seed::new(hash.finalize().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_follow_from_the_seed_and_differ_by_member() {
        let [one, same, other] =
            [1, 1, 2].map(|seed| MemberKeys::new(Suite::MlDsa65, seed, 3).unwrap());
        assert_eq!(one.membership(), same.membership());
        assert_ne!(one.membership().hash(), other.membership().hash());
        let members = one.membership().members();
        let ids: Vec<u32> = members.iter().map(|member| member.id.get()).collect();
        assert_eq!(ids, [0, 1, 2]);
        assert!(members.iter().all(|member| member.weight == 1));
        let sign = |keys: &MemberKeys| keys.signer(1).unwrap().sign(b"m").unwrap();
        assert_eq!(sign(&one), sign(&same));
        assert!(one.signer(3).is_none());
        assert!(!one.public().verify(3, b"m", sign(&one).as_bytes()));
        assert!(
            !one.public()
                .verify(1, b"m", &sign(&one).as_bytes()[..3_308])
        );
    }

    #[test]
    fn logs_are_signed_and_checked_by_the_same_keys() {
        let keys = MemberKeys::new(Suite::MlDsa65, 5, 2).unwrap();
        let (mut out, statement) = ([0; SIGNATURE_BYTES], [7; STATEMENT_LEN]);
        let mut signer = keys.signer(0).unwrap();
        assert_eq!(LogSigner::suite(&signer), Suite::MlDsa65.number());
        let len = LogSigner::sign(&mut signer, &statement, &mut out);
        assert_eq!(len, Some(SIGNATURE_BYTES));
        assert!(LogVerifier::verify(keys.public(), 0, &statement, &out));
        assert!(!LogVerifier::verify(keys.public(), 1, &statement, &out));
        assert_eq!(
            LogSigner::sign(&mut signer, &statement, &mut out[1..]),
            None
        );
    }

    #[test]
    fn votes_bind_genesis_and_members() {
        let [three, four] = [3, 4].map(|count| MemberKeys::new(Suite::MlDsa65, 1, count).unwrap());
        let hashes = [
            network_hash(&Hash::ZERO, three.membership()),
            network_hash(&Hash::new([1; 32]), three.membership()),
            network_hash(&Hash::ZERO, four.membership()),
        ];
        assert!(hashes[0] != hashes[1] && hashes[0] != hashes[2] && hashes[1] != hashes[2]);
        let electorate = three.electorate(&Hash::ZERO).unwrap();
        assert_eq!(electorate.context().chain_id, hashes[0]);
        assert_eq!(electorate.weight_sum(), 3);
    }

    #[test]
    fn a_committee_has_members_and_not_too_many() {
        for count in [0, MEMBER_COUNT_MAX + 1] {
            let refused = MemberKeys::new(Suite::MlDsa65, 1, count);
            assert!(matches!(refused, Err(CommitteeError::Membership(_))));
        }
    }
}

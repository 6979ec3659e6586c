//! Whose signatures count, and how much.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::ElectorateError;
use crate::bounded::{fixed_slice, fixed_slice_bytes};
use crate::crypto::signature::{PUBLIC_KEY_BYTES, Provider, PublicKey, VerifyingKey};
use crate::sequencer::Membership;
use crate::types::{Epoch, Hash, MemberIndex};
use crate::vote::{MEMBER_COUNT_MAX, MemberSet, SigningContext};

/// The members of one epoch, with their keys prepared for many checks.
#[derive(Debug)]
pub struct Electorate {
    context: SigningContext,
    membership: Hash,
    count: u16,
    weights: Box<[u64]>,
    sum: u64,
    keys: Box<[VerifyingKey]>,
}

impl Electorate {
    /// Prepares the keys of a membership, with room for those of later ones.
    ///
    /// `network` is the hash of the genesis. Preparing takes up to 0.1 ms a key.
    ///
    /// # Errors
    /// - [`ElectorateError::ProviderMissing`] where this build lacks the provider;
    /// - [`ElectorateError::UnknownSuite`] where the members sign with another suite than it
    ///   checks;
    /// - [`ElectorateError::MemberCountOutOfRange`] where they are none, or more than there is room
    ///   for.
    pub fn new(
        network: Hash,
        provider: Provider,
        membership: &Membership,
        member_count_max: u16,
    ) -> Result<Self, ElectorateError> {
        let count_max = usize::from(member_count_max.min(MEMBER_COUNT_MAX));
        let vacant = PublicKey::new([0; PUBLIC_KEY_BYTES]);
        // Reserved at once, so that the footprint is what is taken.
        let mut keys = Vec::with_capacity(count_max);
        for _ in 0..count_max {
            keys.push(VerifyingKey::new(provider, &vacant)?);
        }
        let mut electorate = Self {
            context: SigningContext {
                chain_id: network,
                epoch: Epoch::ZERO,
                suite_id: provider.suite().number(),
            },
            membership: Hash::ZERO,
            count: 0,
            weights: fixed_slice(count_max, 0),
            sum: 0,
            keys: keys.into_boxed_slice(),
        };
        electorate.replace(membership)?;
        Ok(electorate)
    }

    /// The bytes that [`Electorate::new`] takes.
    #[must_use]
    pub fn footprint_bytes(provider: Provider, member_count_max: u16) -> u64 {
        let count_max = member_count_max.min(MEMBER_COUNT_MAX);
        let behind = VerifyingKey::footprint_bytes(provider).saturating_mul(u64::from(count_max));
        fixed_slice_bytes::<u64>(usize::from(count_max))
            .saturating_add(fixed_slice_bytes::<VerifyingKey>(usize::from(count_max)))
            .saturating_add(behind)
    }

    /// Takes another epoch's members in their place, without allocating.
    ///
    /// # Errors
    /// [`ElectorateError::UnknownSuite`] and [`ElectorateError::MemberCountOutOfRange`]; nothing
    /// has changed then.
    pub fn replace(&mut self, membership: &Membership) -> Result<(), ElectorateError> {
        if membership.suite().number() != self.context.suite_id {
            return Err(ElectorateError::UnknownSuite);
        }
        let members = membership.members();
        if members.is_empty() || members.len() > self.keys.len() {
            return Err(ElectorateError::MemberCountOutOfRange);
        }
        let places = self.keys.iter_mut().zip(&mut self.weights);
        self.sum = 0;
        for ((key, weight), member) in places.zip(members) {
            key.replace(&member.public_key);
            *weight = member.weight;
            self.sum = self.sum.saturating_add(member.weight);
        }
        // No more than 128, as there are places.
        self.count = members.len() as u16;
        self.context.epoch = membership.epoch();
        self.membership = membership.hash();
        Ok(())
    }

    /// What every vote of the epoch binds.
    #[must_use]
    pub const fn context(&self) -> &SigningContext {
        &self.context
    }

    /// The epoch.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        self.context.epoch
    }

    /// The hash of the membership that it was made from.
    #[must_use]
    pub const fn membership_hash(&self) -> Hash {
        self.membership
    }

    /// All members.
    #[must_use]
    pub const fn members(&self) -> MemberSet {
        MemberSet::first(self.count)
    }

    /// A member's prepared key.
    #[must_use]
    pub fn key(&self, member: MemberIndex) -> Option<&VerifyingKey> {
        let keys = self.keys.get(..usize::from(self.count))?;
        keys.get(usize::from(member.get()))
    }

    /// The weight of a set; who is no member weighs nothing. O(members in it).
    #[must_use]
    pub fn weight_of(&self, members: MemberSet) -> u64 {
        let known = members.without(members.without(self.members()));
        let weight = |member: MemberIndex| self.weights.get(usize::from(member.get()));
        let weights = known.iter().filter_map(weight);
        weights.fold(0, |sum, weight| sum.saturating_add(*weight))
    }

    /// The weight of all.
    #[must_use]
    pub const fn weight_sum(&self) -> u64 {
        self.sum
    }

    /// Whether this is more than two thirds of all.
    #[must_use]
    pub const fn is_quorum(&self, weight: u64) -> bool {
        // At most 3 · 128 · 2^32 on either side.
        weight.saturating_mul(3) > self.sum.saturating_mul(2)
    }
}

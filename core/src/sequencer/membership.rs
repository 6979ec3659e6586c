//! The members of one epoch as canonical bytes with a hash.

use alloc::boxed::Box;

use super::{MembershipError, SEQUENCER_WEIGHT_MAX};
use crate::bounded::{fixed_slice, fixed_slice_bytes};
use crate::codec::{Reader, Sink, Writer};
use crate::crypto::hash::{Domain, Hasher};
use crate::crypto::signature::{PUBLIC_KEY_BYTES, PublicKey, Suite};
use crate::types::{Epoch, Hash, MemberIndex, SequencerId};
use crate::vote::MEMBER_COUNT_MAX;

/// The version of the encoding.
const VERSION: u8 = 1;

/// One member of an epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its number in the registry.
    pub id: SequencerId,
    /// Its weight, 1 ..= 2^32.
    pub weight: u64,
    /// What its signatures are checked with.
    pub public_key: PublicKey,
}

impl Member {
    /// Bytes of its encoding.
    pub const LEN: usize = 12 + PUBLIC_KEY_BYTES;
}

/// The members of one epoch: all that it takes to check what they decide.
///
/// The last slot of an epoch names the hash of the next one's membership, so that a certificate by
/// the old members hands over to the new ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    epoch: Epoch,
    suite: Suite,
    count: usize,
    members: Box<[Member]>,
}

impl Membership {
    /// Makes room for so many members; it holds none yet, as epoch 0.
    #[must_use]
    pub fn with_room(member_count_max: u16, suite: Suite) -> Self {
        let vacant = Member {
            id: SequencerId::ZERO,
            weight: 0,
            public_key: PublicKey::new([0; PUBLIC_KEY_BYTES]),
        };
        let count_max = usize::from(member_count_max.min(MEMBER_COUNT_MAX));
        Self {
            epoch: Epoch::ZERO,
            suite,
            count: 0,
            members: fixed_slice(count_max, vacant),
        }
    }

    /// The bytes that [`Membership::with_room`] takes.
    #[must_use]
    pub fn footprint_bytes(member_count_max: u16) -> u64 {
        fixed_slice_bytes::<Member>(usize::from(member_count_max.min(MEMBER_COUNT_MAX)))
    }

    /// Takes in these members, which stand in the order of their numbers. Does not allocate.
    ///
    /// # Errors
    /// - [`MembershipError::MemberCountOutOfRange`] for none, or more than there is room for;
    /// - [`MembershipError::WeightOutOfRange`] unless each weight is in 1 ..= 2^32;
    /// - [`MembershipError::MembersOutOfOrder`], [`MembershipError::PublicKeyTaken`] where a number
    ///   or a key stands twice.
    ///
    /// Whatever it held before is gone then.
    pub fn fill<'a>(
        &mut self,
        epoch: Epoch,
        suite: Suite,
        members: impl Iterator<Item = (SequencerId, u64, &'a PublicKey)>,
    ) -> Result<(), MembershipError> {
        self.epoch = epoch;
        self.suite = suite;
        self.count = 0;
        for (id, weight, public_key) in members {
            self.push(id, weight, public_key)?;
        }
        self.check_count()
    }

    /// Reads a membership. O(members²) comparisons of keys, which mostly end at the first bytes.
    ///
    /// ```text
    ///  0  version      1   1
    ///  1  suite        1   1 = ML-DSA-65, 2 = Dilithium3
    ///  2  epoch        8
    /// 10  count        2   1 ..= 128
    /// 12  members          in ascending order of id, each: id 4, weight 8, public key 1,952
    /// ```
    ///
    /// # Errors
    /// One for each way in which bytes can fail to be one: see [`MembershipError`]. What it held
    /// before is gone then.
    pub fn decode(&mut self, bytes: &[u8]) -> Result<(), MembershipError> {
        self.count = 0;
        let mut reader = Reader::new(bytes);
        reader.version(VERSION)?;
        let suite = Suite::from_number(reader.u8()?).ok_or(MembershipError::UnknownSuite)?;
        self.suite = suite;
        self.epoch = Epoch::new(reader.u64()?);
        let count = usize::from(reader.u16()?);
        if count > self.members.len() {
            return Err(MembershipError::MemberCountOutOfRange);
        }
        for _ in 0..count {
            let id = SequencerId::new(reader.u32()?);
            let weight = reader.u64()?;
            let public_key = PublicKey::new(reader.array()?);
            self.push(id, weight, &public_key)?;
        }
        reader.finish()?;
        self.check_count()
    }

    /// Writes its bytes.
    ///
    /// # Errors
    /// [`MembershipError::BufferTooSmall`]: [`Membership::encoded_len`] says how many it takes.
    pub fn encode(&self, out: &mut Writer<'_>) -> Result<(), MembershipError> {
        let place = out.reserve(self.encoded_len());
        let place = place.map_err(|_| MembershipError::BufferTooSmall)?;
        write_members(
            &mut crate::codec::Filled::new(place),
            self.epoch,
            self.suite,
            self.rows(),
        );
        Ok(())
    }

    /// Bytes of its encoding.
    #[must_use]
    pub const fn encoded_len(&self) -> usize {
        self.count.saturating_mul(Member::LEN).saturating_add(12)
    }

    /// What a header names it by: SHA3-256 of its bytes, with a domain.
    #[must_use]
    pub fn hash(&self) -> Hash {
        membership_hash(self.epoch, self.suite, self.rows())
    }

    /// The epoch that it is for.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// What the members sign with.
    #[must_use]
    pub const fn suite(&self) -> Suite {
        self.suite
    }

    /// The members, in the order of their numbers.
    #[must_use]
    pub fn members(&self) -> &[Member] {
        self.members.get(..self.count).unwrap_or_default()
    }

    /// The member with this place.
    #[must_use]
    pub fn member(&self, index: MemberIndex) -> Option<&Member> {
        self.members().get(usize::from(index.get()))
    }

    fn rows(&self) -> impl Iterator<Item = (SequencerId, u64, &PublicKey)> + Clone {
        let rows = self.members().iter();
        rows.map(|member| (member.id, member.weight, &member.public_key))
    }

    fn push(
        &mut self,
        id: SequencerId,
        weight: u64,
        key: &PublicKey,
    ) -> Result<(), MembershipError> {
        if !(1..=SEQUENCER_WEIGHT_MAX).contains(&weight) {
            return Err(MembershipError::WeightOutOfRange);
        }
        let held = self.members();
        if held.last().is_some_and(|last| last.id >= id) {
            return Err(MembershipError::MembersOutOfOrder);
        }
        if held.iter().any(|member| member.public_key == *key) {
            return Err(MembershipError::PublicKeyTaken);
        }
        let place = self.members.get_mut(self.count);
        let place = place.ok_or(MembershipError::MemberCountOutOfRange)?;
        place.id = id;
        place.weight = weight;
        place.public_key.clone_from(key);
        self.count = self.count.saturating_add(1);
        Ok(())
    }

    fn check_count(&self) -> Result<(), MembershipError> {
        let is_there = self.count > 0;
        is_there
            .then_some(())
            .ok_or(MembershipError::MemberCountOutOfRange)
    }
}

/// The hash of a membership that stands in several places.
pub(super) fn membership_hash<'a>(
    epoch: Epoch,
    suite: Suite,
    members: impl Iterator<Item = (SequencerId, u64, &'a PublicKey)> + Clone,
) -> Hash {
    let mut hasher = Hasher::new(Domain::MEMBERSHIP);
    write_members(&mut hasher, epoch, suite, members);
    hasher.finish()
}

/// Writes the encoding, into whatever takes it.
fn write_members<'a>(
    out: &mut impl Sink,
    epoch: Epoch,
    suite: Suite,
    members: impl Iterator<Item = (SequencerId, u64, &'a PublicKey)> + Clone,
) {
    out.u8(VERSION);
    out.u8(suite.number());
    out.u64(epoch.get());
    // At most 128 of them.
    out.u16(members.clone().count() as u16);
    for (id, weight, public_key) in members {
        out.u32(id.get());
        out.u64(weight);
        out.bytes(public_key.as_bytes());
    }
}

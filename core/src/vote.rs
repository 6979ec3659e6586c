//! What a committee's members sign when they decide, and sets of members.
//!
//! Proposals, prevotes and precommits are signed over one layout of fixed length, so that no bytes
//! can be read as two statements. Whoever checks a certificate builds the same bytes from it: this
//! is their one place.

use crate::crypto::hash::Domain;
use crate::types::{Epoch, Hash, Height, MemberIndex, Round};

/// The most members of a committee that votes: a set of them fits 128 bits.
pub const MEMBER_COUNT_MAX: u16 = 128;

/// Bytes that a member signs.
pub const SIGN_BYTES_LEN: usize = 130;

/// Bytes that a member signs.
pub type SignBytes = [u8; SIGN_BYTES_LEN];

/// The valid round of whoever names none.
pub const NO_ROUND: i32 = -1;

/// The three statements that a member signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum VoteKind {
    /// The round's proposer names a value.
    Proposal = 0,
    /// A member accepts the proposal, or nothing.
    Prevote = 1,
    /// A member saw enough prevotes for a value, or for nothing.
    Precommit = 2,
}

impl VoteKind {
    /// All kinds, in the order of their numbers.
    pub const ALL: [Self; 3] = [Self::Proposal, Self::Prevote, Self::Precommit];

    /// The kind with this number.
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::Proposal),
            1 => Some(Self::Prevote),
            2 => Some(Self::Precommit),
            _ => None,
        }
    }
}

/// What every signature of an epoch binds beside the statement itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SigningContext {
    /// The network: the hash of its genesis.
    pub chain_id: Hash,
    /// The stretch of heights with one membership.
    pub epoch: Epoch,
    /// The signature suite, because two suites share lengths.
    pub suite_id: u8,
}

/// One signed statement, without who signed it and the signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Statement {
    /// What kind.
    pub kind: VoteKind,
    /// The slot that is being decided.
    pub height: Height,
    /// The attempt at it.
    pub round: Round,
    /// The value; nothing for a vote for nil. A proposal always has one.
    pub value: Option<Hash>,
    /// Proposal and prevote: the round of the polka that allows it, or [`NO_ROUND`]. Otherwise
    /// [`NO_ROUND`].
    pub valid_round: i32,
    /// Precommit for a value: the hash of what the voter's host adds to it; zero otherwise.
    pub extension_hash: Hash,
}

impl Statement {
    /// Whether the fields agree with each other, whoever signed.
    #[must_use]
    pub fn is_well_formed(&self) -> bool {
        let has_round = self.valid_round != NO_ROUND;
        let is_below = self.valid_round >= 0 && i64::from(self.valid_round) < self.number();
        let is_round_good = !has_round || is_below;
        let has_extension = self.extension_hash != Hash::ZERO;
        let fits_kind = match self.kind {
            VoteKind::Proposal => self.value.is_some() && !has_extension,
            VoteKind::Prevote => (self.value.is_some() || !has_round) && !has_extension,
            VoteKind::Precommit => !has_round && (self.value.is_some() || !has_extension),
        };
        is_round_good && fits_kind && self.round.get() <= ROUND_MAX.get()
    }

    /// The bytes to sign.
    ///
    /// ```text
    ///   0  domain          7   "hb/vt/1"
    ///   7  chain id       32
    ///  39  epoch           8
    ///  47  suite id        1
    ///  48  kind            1   0 = proposal, 1 = prevote, 2 = precommit
    ///  49  height          8
    ///  57  round           4
    ///  61  has a value     1   0 or 1
    ///  62  value          32   zero for nil
    ///  94  valid round     4   two's complement; -1 for none
    ///  98  extension hash 32
    /// ```
    #[must_use]
    pub fn sign_bytes(&self, context: &SigningContext) -> SignBytes {
        let mut bytes = [0; SIGN_BYTES_LEN];
        let value = self.value.unwrap_or(Hash::ZERO);
        let fields: [&[u8]; 11] = [
            Domain::VOTE.as_bytes(),
            context.chain_id.as_bytes(),
            &context.epoch.get().to_le_bytes(),
            &[context.suite_id],
            &[self.kind as u8],
            &self.height.get().to_le_bytes(),
            &self.round.get().to_le_bytes(),
            &[u8::from(self.value.is_some())],
            value.as_bytes(),
            &self.valid_round.to_le_bytes(),
            self.extension_hash.as_bytes(),
        ];
        let mut rest = bytes.as_mut_slice();
        for field in fields {
            let whole = core::mem::take(&mut rest);
            if let Some((place, after)) = whole.split_at_mut_checked(field.len()) {
                place.copy_from_slice(field);
                rest = after;
            }
        }
        debug_assert!(rest.is_empty(), "the fields have the length that is told");
        bytes
    }

    fn number(&self) -> i64 {
        i64::from(self.round.get())
    }
}

/// The last round of a height, so that every round fits a signed 32-bit field.
pub const ROUND_MAX: Round = Round::new(i32::MAX as u32 - 1);

/// A set of members, one bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct MemberSet(u128);

impl MemberSet {
    /// No member.
    pub const EMPTY: Self = Self(0);

    /// The set with these bits; bit 0 stands for the first member.
    #[must_use]
    pub const fn from_bits(bits: u128) -> Self {
        Self(bits)
    }

    /// The first `count` members, at most 128.
    #[must_use]
    pub const fn first(count: u16) -> Self {
        match 1_u128.checked_shl(count as u32) {
            Some(above) => Self(above.wrapping_sub(1)),
            None => Self(u128::MAX),
        }
    }

    /// The bits.
    #[must_use]
    pub const fn bits(self) -> u128 {
        self.0
    }

    /// Whether `member` is one of them.
    #[must_use]
    pub const fn contains(self, member: MemberIndex) -> bool {
        self.0 & bit(member) != 0
    }

    /// Adds a member; those beyond [`MEMBER_COUNT_MAX`] are in no set.
    pub const fn insert(&mut self, member: MemberIndex) {
        self.0 |= bit(member);
    }

    /// Takes a member out.
    pub const fn remove(&mut self, member: MemberIndex) {
        self.0 &= !bit(member);
    }

    /// Whether nobody is in it.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// How many members.
    #[must_use]
    pub const fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// Those that are not in `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Those that are in either.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The first `count` of them.
    #[must_use]
    pub fn take(self, count: usize) -> Self {
        let mut taken = Self::EMPTY;
        for member in self.iter().take(count) {
            taken.insert(member);
        }
        taken
    }

    /// The members in ascending order.
    pub fn iter(self) -> impl Iterator<Item = MemberIndex> + Clone {
        let mut rest = self.0;
        core::iter::from_fn(move || {
            let lowest = rest.checked_ilog2().map(|_| rest.trailing_zeros())?;
            rest &= rest.wrapping_sub(1);
            Some(MemberIndex::new(lowest as u16))
        })
    }
}

const fn bit(member: MemberIndex) -> u128 {
    match 1_u128.checked_shl(member.get() as u32) {
        Some(bit) => bit,
        None => 0,
    }
}

#[cfg(test)]
mod tests;

//! The types that malachite's driver is made over: ids of 32 bytes, members by number, and
//! signatures of as many bytes as somebody wants to have copied.

use std::fmt;

use arc_malachitebft_core_types as types;
use types::{NilOrVal, Round, SigningScheme, VoteType};

/// A committee of the other implementation whose signatures have `LEN` bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer<const LEN: usize>;

/// A member, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Address(pub u16);

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl types::Address for Address {}

/// The slot that is being decided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Height(pub u64);

impl fmt::Display for Height {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl types::Height for Height {
    const ZERO: Self = Self(0);
    const INITIAL: Self = Self(1);

    fn increment_by(&self, n: u64) -> Self {
        Self(self.0 + n)
    }

    fn decrement_by(&self, n: u64) -> Option<Self> {
        self.0.checked_sub(n).map(Self)
    }

    fn as_u64(&self) -> u64 {
        self.0
    }
}

/// A value, which is its own id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Value(pub [u8; 32]);

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02x}", self.0[0])
    }
}

impl types::Value for Value {
    type Id = Self;

    fn id(&self) -> Self {
        *self
    }
}

/// A signature that is never looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Signature<const LEN: usize>(pub [u8; LEN]);

/// The scheme of those signatures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scheme<const LEN: usize>;

impl<const LEN: usize> SigningScheme for Scheme<LEN> {
    type DecodingError = &'static str;
    type Signature = Signature<LEN>;
    type PublicKey = ();
    type PrivateKey = ();

    fn decode_signature(bytes: &[u8]) -> Result<Self::Signature, Self::DecodingError> {
        bytes
            .try_into()
            .map(Signature)
            .map_err(|_| "a wrong length")
    }

    fn encode_signature(signature: &Self::Signature) -> Vec<u8> {
        signature.0.to_vec()
    }

    fn decode_public_key(_: &[u8]) -> Result<Self::PublicKey, Self::DecodingError> {
        Ok(())
    }

    fn encode_public_key((): &Self::PublicKey) -> Vec<u8> {
        Vec::new()
    }
}

/// A member with its weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    pub address: Address,
    pub weight: u64,
}

impl<const LEN: usize> types::Validator<Peer<LEN>> for Member {
    fn address(&self) -> &Address {
        &self.address
    }

    fn public_key(&self) -> &() {
        &()
    }

    fn voting_power(&self) -> u64 {
        self.weight
    }
}

/// The members, at the places of their numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Members(pub std::sync::Arc<[Member]>);

impl Members {
    /// Members with these weights.
    pub fn new(weights: &[u64]) -> Self {
        let members = weights.iter().zip(0..).map(|(weight, number)| Member {
            address: Address(number),
            weight: *weight,
        });
        Self(members.collect())
    }
}

impl<const LEN: usize> types::ValidatorSet<Peer<LEN>> for Members {
    fn count(&self) -> usize {
        self.0.len()
    }

    fn total_voting_power(&self) -> u64 {
        self.0.iter().map(|member| member.weight).sum()
    }

    fn get_by_address(&self, address: &Address) -> Option<&Member> {
        self.0.get(usize::from(address.0))
    }

    fn get_by_index(&self, index: usize) -> Option<&Member> {
        self.0.get(index)
    }
}

/// A proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proposal {
    pub height: Height,
    pub round: Round,
    pub value: Value,
    pub pol_round: Round,
    pub address: Address,
}

impl<const LEN: usize> types::Proposal<Peer<LEN>> for Proposal {
    fn height(&self) -> Height {
        self.height
    }

    fn round(&self) -> Round {
        self.round
    }

    fn value(&self) -> &Value {
        &self.value
    }

    fn take_value(self) -> Value {
        self.value
    }

    fn pol_round(&self) -> Round {
        self.pol_round
    }

    fn validator_address(&self) -> &Address {
        &self.address
    }
}

/// A prevote or precommit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vote {
    pub kind: VoteType,
    pub height: Height,
    pub round: Round,
    pub value: NilOrVal<Value>,
    pub address: Address,
}

impl<const LEN: usize> types::Vote<Peer<LEN>> for Vote {
    fn height(&self) -> Height {
        self.height
    }

    fn round(&self) -> Round {
        self.round
    }

    fn value(&self) -> &NilOrVal<Value> {
        &self.value
    }

    fn take_value(self) -> NilOrVal<Value> {
        self.value
    }

    fn vote_type(&self) -> VoteType {
        self.kind
    }

    fn validator_address(&self) -> &Address {
        &self.address
    }

    fn extension(&self) -> Option<&types::SignedExtension<Peer<LEN>>> {
        None
    }

    fn take_extension(&mut self) -> Option<types::SignedExtension<Peer<LEN>>> {
        None
    }

    fn extend(self, _: types::SignedExtension<Peer<LEN>>) -> Self {
        self
    }
}

/// Values travel whole, so there are no parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part;

impl<const LEN: usize> types::ProposalPart<Peer<LEN>> for Part {
    fn is_first(&self) -> bool {
        true
    }

    fn is_last(&self) -> bool {
        true
    }
}

impl<const LEN: usize> types::Context for Peer<LEN> {
    type Address = Address;
    type Height = Height;
    type ProposalPart = Part;
    type Proposal = Proposal;
    type Validator = Member;
    type ValidatorSet = Members;
    type Timeouts = types::LinearTimeouts;
    type Value = Value;
    type Vote = Vote;
    type Extension = ();
    type SigningScheme = Scheme<LEN>;

    /// Never asked by the driver: whoever starts a round names its proposer.
    fn select_proposer<'a>(&self, members: &'a Members, _: Height, _: Round) -> &'a Member {
        &members.0[0]
    }

    fn new_proposal(
        &self,
        height: Height,
        round: Round,
        value: Value,
        pol_round: Round,
        address: Address,
    ) -> Proposal {
        Proposal {
            height,
            round,
            value,
            pol_round,
            address,
        }
    }

    fn new_prevote(
        &self,
        height: Height,
        round: Round,
        value: NilOrVal<Value>,
        address: Address,
    ) -> Vote {
        Vote {
            kind: VoteType::Prevote,
            height,
            round,
            value,
            address,
        }
    }

    fn new_precommit(
        &self,
        height: Height,
        round: Round,
        value: NilOrVal<Value>,
        address: Address,
    ) -> Vote {
        Vote {
            kind: VoteType::Precommit,
            height,
            round,
            value,
            address,
        }
    }
}

//! What a host says and asks beside the protocol: whom to skip, and what it has to keep.

use super::ConsensusEngine;
use crate::consensus::tables::Stage;
use crate::types::{Hash, Height};
use crate::vote::{MemberSet, VoteKind};

/// How much a value matters to what a member does next; more matters more.
///
/// Of the two largest kinds and [`Need::Current`] there are four values at most: what is decided,
/// the locked one, the valid one, and that of the round's proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::consensus) enum Need {
    /// The engine does not know it, and would ask anew.
    Unknown,
    /// Nothing refers to it at the moment. The engine has asked about it, and will not ask again if
    /// it comes to matter.
    Nothing,
    /// A proposal of another round names it, or a second one of this round.
    Heard,
    /// A polka that a peer sent is for it.
    Examined,
    /// It is what the round's first proposal names.
    Current,
    /// The member is locked on it, or would propose it.
    Held,
    /// It is decided, and only its validity is awaited.
    Decided,
}

impl ConsensusEngine {
    /// Gives the turns to propose of these members to whoever stands next in the schedule, from the
    /// next height that begins on: of those against whom evidence was decided [rule 19]. Their
    /// votes count as before.
    ///
    /// It has to follow from decided slots alone, because all members must agree on whose turn it
    /// is; so a host says it before each height that it begins, after a restart as well, and in the
    /// places that members have in that height's epoch. Silence is
    /// no reason: whoever is silent costs little by E1 already.
    pub const fn skip(&mut self, members: MemberSet) {
        self.skipped_next = members;
    }

    /// Whose turns are given to others at this height.
    #[must_use]
    pub const fn skipped(&self) -> MemberSet {
        self.skipped
    }

    /// The host no longer holds a value that it found valid, because it has made room for another:
    /// this member votes for it again only after it has asked again.
    ///
    /// False, and nothing changes, for a value that it has to keep ([`must_keep`](Self::must_keep))
    /// or that is unknown.
    pub fn handle_dropped(&mut self, height: Height, value: Hash) -> bool {
        height == self.height && !self.must_keep(value) && self.values.forget(value)
    }

    /// Whether the host must hold a value until the height is decided: because this member is
    /// locked on it, would propose it, or can prove that it is decided.
    #[must_use]
    pub fn must_keep(&self, value: Hash) -> bool {
        self.is_bound_to(value) || self.proven() == Some(value)
    }

    /// The value that this height has decided, as far as this member can prove it, whether or not
    /// it holds the value.
    #[must_use]
    pub fn proven(&self) -> Option<Hash> {
        self.commit.is_verified().then_some(self.commit.value)
    }

    /// The value that the present round's proposal names, if that has come; of two the first.
    #[must_use]
    pub fn proposed(&self) -> Option<Hash> {
        let proposal = self.proposals.of(self.round).next();
        proposal.map(|proposal| proposal.value)
    }

    /// Whether this member is locked on a value, or would propose it.
    fn is_bound_to(&self, value: Hash) -> bool {
        let bound = [self.locked, self.valid];
        bound.into_iter().flatten().any(|(_, own)| own == value)
    }

    /// How much a value matters.
    pub(in crate::consensus) fn need_of(&self, value: Hash) -> Need {
        if self.commit.stage != Stage::Empty && self.commit.value == value {
            return Need::Decided;
        }
        if self.is_bound_to(value) {
            return Need::Held;
        }
        let own = self.own.get(VoteKind::Proposal, self.round);
        let own = own.and_then(|vote| vote.statement.value);
        if own == Some(value) || self.proposed() == Some(value) {
            return Need::Current;
        }
        if self.examined.stage != Stage::Empty && self.examined.value == value {
            return Need::Examined;
        }
        if self.proposals.values().any(|proposed| proposed == value) {
            return Need::Heard;
        }
        match self.values.state(value) {
            Some(_) => Need::Nothing,
            None => Need::Unknown,
        }
    }
}

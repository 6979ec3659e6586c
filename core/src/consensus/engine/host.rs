//! What a host says and asks beside the protocol: whom to skip, and what it has to keep.

use super::ConsensusEngine;
use crate::types::{Hash, Height};
use crate::vote::MemberSet;

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
        let held = [self.locked, self.valid];
        let is_held = held.into_iter().flatten().any(|(_, held)| held == value);
        is_held || self.proven() == Some(value)
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
}

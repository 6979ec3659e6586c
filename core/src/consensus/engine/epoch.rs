//! From one epoch's members to the next one's, in the same memory.

use super::ConsensusEngine;
use crate::consensus::tables::Stage;
use crate::consensus::{CommitteeView, ConsensusError, ConsensusMisuse};
use crate::types::{Hash, Height, MemberIndex, Round};
use crate::vote::{MemberSet, SigningContext, VoteKind};

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
    /// Hands over to the members of a later epoch, and begins their first height. The last height
    /// of the epoch before must be decided, and durable with its certificate.
    ///
    /// What the engine knew of the old members is forgotten, with evidence that was not read: poll
    /// effects until there are none before. Records go on counting. Nothing allocates.
    ///
    /// # Errors
    /// [`ConsensusError::Committee`] for members that can't vote or are more than the limit,
    /// [`ConsensusMisuse::InvalidArgument`] unless the epoch lies after this one in the same
    /// network, and [`ConsensusMisuse::HeightNotNext`] unless the height lies above the last one.
    /// Nothing has changed then.
    pub fn start_epoch(
        &mut self,
        context: SigningContext,
        committee: CommitteeView<'_>,
        height: Height,
    ) -> Result<(), ConsensusError> {
        let is_later =
            context.epoch > self.context.epoch && context.chain_id == self.context.chain_id;
        if !is_later {
            return Err(ConsensusMisuse::InvalidArgument.into());
        }
        if height <= self.height {
            return Err(ConsensusMisuse::HeightNotNext.into());
        }
        self.committee.replace(committee)?;
        self.schedule.replace(&self.committee);
        self.context = context;
        self.pending.clear(&mut self.signatures);
        self.evidence.clear(&mut self.signatures);
        while self.replies.pop().is_some() {}
        self.early = MemberSet::EMPTY;
        self.reply_buckets.fill(self.now);
        self.verify_buckets.fill(self.now);
        self.clear_height(height)?;
        // Nobody of them has been silent yet.
        self.seen_at.fill(height);
        self.enter_round(Round::ZERO);
        self.run_rules();
        Ok(())
    }

    /// How much a value matters.
    pub(in crate::consensus) fn need_of(&self, value: Hash) -> Need {
        if self.commit.stage != Stage::Empty && self.commit.value == value {
            return Need::Decided;
        }
        let held = [self.locked, self.valid];
        if held.into_iter().flatten().any(|(_, held)| held == value) {
            return Need::Held;
        }
        let own = self.own.get(VoteKind::Proposal, self.round);
        let own = own.and_then(|vote| vote.statement.value);
        let proposed = self.proposals.of(self.round).next();
        if own == Some(value) || proposed.is_some_and(|proposal| proposal.value == value) {
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

    /// Everybody but this member.
    pub(in crate::consensus) fn others(&self) -> MemberSet {
        self.committee.others()
    }

    /// Which member this one is.
    pub(in crate::consensus) const fn me(&self) -> Option<MemberIndex> {
        self.committee.me()
    }
}

//! From one epoch's members to the next one's, in the same memory.

use super::ConsensusEngine;
use crate::consensus::{CommitteeView, ConsensusError, ConsensusMisuse};
use crate::types::{Height, MemberIndex, Round};
use crate::vote::{MemberSet, SigningContext};

impl ConsensusEngine {
    /// Hands over to the members of a later epoch, and begins their first height. The last height
    /// of the epoch before must be decided, and durable with its certificate.
    ///
    /// What the engine knew of the old members is forgotten, with evidence that was not read: poll
    /// effects until there are none before. Whom [`skip`](Self::skip) named last has to be in the
    /// places of the new members. Records go on counting. Nothing allocates.
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

    /// Everybody but this member.
    pub(in crate::consensus) fn others(&self) -> MemberSet {
        self.committee.others()
    }

    /// Which member this one is.
    pub(in crate::consensus) const fn me(&self) -> Option<MemberIndex> {
        self.committee.me()
    }
}

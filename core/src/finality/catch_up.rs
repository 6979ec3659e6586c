//! From one certificate down to what is final here, by hashes.

use super::{FinalityEngine, FinalityError, Link, Outcome};
use crate::certificate::CommitProof;
use crate::types::{Hash, Height};

impl FinalityEngine {
    /// Takes in an ancestor of the slot whose certificate waits: the one that was wanted.
    ///
    /// # Errors
    /// - [`FinalityError::CertificateNotNeeded`] where no ancestor is wanted;
    /// - [`FinalityError::WrongHeight`], [`FinalityError::WrongParent`] unless it has the height
    ///   and the hash that are wanted;
    /// - [`FinalityError::WrongEpoch`], [`FinalityError::EpochEnded`] where it says that an epoch
    ///   changed in between, so that the certificate proves nothing about it;
    /// - [`FinalityError::FinalityConflict`] where the chain does not lead to what is final here:
    ///   the engine halts;
    /// - [`FinalityError::EventsFull`], [`FinalityError::FinalityHalted`].
    pub fn handle_header(&mut self, link: &Link) -> Result<Outcome, FinalityError> {
        self.go_on()?;
        self.need_room(self.event_room_wanted())?;
        let Some((height, hash)) = self.wanted() else {
            return Err(FinalityError::CertificateNotNeeded);
        };
        if link.height != height {
            return Err(FinalityError::WrongHeight);
        }
        if link.hash != hash {
            return Err(FinalityError::WrongParent);
        }
        if link.epoch != self.electorate.epoch() {
            return Err(FinalityError::WrongEpoch);
        }
        if link.next_membership != Hash::ZERO {
            return Err(FinalityError::EpochEnded);
        }
        self.push_link(link)
    }

    /// The height and hash of the header that is wanted next, where a certificate waits for one.
    #[must_use]
    pub fn wanted(&self) -> Option<(Height, Hash)> {
        self.pending?;
        let last = self.chain.get(self.chain_len.checked_sub(1)?)?;
        let height = last.height.get().checked_sub(1)?;
        Some((Height::new(height), last.parent))
    }

    /// Gives up a certificate whose ancestors nobody has; a later one can begin again.
    pub fn abandon_catch_up(&mut self) {
        self.pending = None;
        self.chain_len = 0;
    }

    /// Starts a chain with the slot that a proof is for.
    pub(super) fn begin_chain(
        &mut self,
        link: &Link,
        proof: &CommitProof,
    ) -> Result<Outcome, FinalityError> {
        if let Some(pending) = self.pending {
            if pending.height() == link.height && pending.value() != link.hash {
                return Err(self.halt(link.height, link.hash, proof));
            }
            let is_next = link.height == self.tip.height.next();
            if pending.height() > link.height && !is_next {
                return Err(FinalityError::CertificateNotNeeded);
            }
            if pending.height() == link.height
                && let Some((height, hash)) = self.wanted()
            {
                return Ok(Outcome::Wanted(height, hash));
            }
        }
        let distance = link.height.saturating_distance(self.tip.height);
        if distance > self.chain.len() as u64 {
            return Err(FinalityError::CatchUpTooLong);
        }
        self.chain_len = 0;
        self.pending = Some(*proof);
        self.push_link(link)
    }

    /// Appends a link that fits, and makes all of them final where they reach what is.
    fn push_link(&mut self, link: &Link) -> Result<Outcome, FinalityError> {
        let Some(proof) = self.pending else {
            return Err(FinalityError::CertificateNotNeeded);
        };
        let is_last = link.height == self.tip.height.next();
        if is_last && link.parent != self.tip.hash {
            // A quorum stands behind a chain that goes around what is final.
            self.abandon_catch_up();
            return Err(self.halt(self.tip.height, link.parent, &proof));
        }
        let place = self.chain.get_mut(self.chain_len);
        *place.ok_or(FinalityError::CatchUpTooLong)? = *link;
        self.chain_len = self.chain_len.saturating_add(1);
        if is_last {
            return Ok(self.finalize(&proof));
        }
        match self.wanted() {
            Some((height, hash)) => Ok(Outcome::Wanted(height, hash)),
            None => Err(FinalityError::WrongHeight),
        }
    }
}

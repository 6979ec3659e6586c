//! The host's answers to effects.

use super::{Ask, ConsensusCoordinator, CoordinatorMisuse, Verdict, count};
use crate::consensus::{BatchId, SignTicket, Validity};
use crate::types::{Hash, Height, MemberIndex, Round, Tick};

impl ConsensusCoordinator {
    /// The record with this number, and all before it, are durable.
    ///
    /// # Errors
    /// [`CoordinatorMisuse::UnknownPersist`] for one that was never asked for.
    pub fn handle_persisted(&mut self, seq: u64) -> Result<(), CoordinatorMisuse> {
        Ok(self.engine.handle_persisted(seq)?)
    }

    /// The signature that was asked for; false where the statement is over.
    ///
    /// # Errors
    /// [`CoordinatorMisuse::InvalidArgument`] for a signature that is empty or longer than the
    /// limit.
    pub fn handle_signed(
        &mut self,
        ticket: &SignTicket,
        signature: &[u8],
    ) -> Result<bool, CoordinatorMisuse> {
        let is_taken = self.engine.handle_signed(ticket, signature)?;
        if is_taken {
            count(&mut self.metrics.statements_signed);
        }
        Ok(is_taken)
    }

    /// Which signatures of a batch are good, one bit each; false for a batch that is over, or has
    /// been answered.
    ///
    /// # Errors
    /// [`CoordinatorMisuse::InvalidArgument`] for bits beyond the batch; nothing changes then.
    pub fn handle_verified(
        &mut self,
        batch: BatchId,
        good: u128,
    ) -> Result<bool, CoordinatorMisuse> {
        let asked = self.verify_batch(batch).len() as u64;
        let is_taken = self.engine.handle_verified(batch, good)?;
        if is_taken {
            let wrong = asked.saturating_sub(u64::from(good.count_ones()));
            let sum = self.metrics.signatures_wrong.saturating_add(wrong);
            self.metrics.signatures_wrong = sum;
        }
        Ok(is_taken)
    }

    /// A value to propose, by its body, which the host vouches for; false where the round is over.
    ///
    /// It is to be made durable ([`CoordinatorEffect::StoreBody`](super::CoordinatorEffect)) before
    /// the proposal leaves. `extension_hash` is as in [`Validity::Valid`].
    ///
    /// # Errors
    /// - [`CoordinatorMisuse::BodyTooLarge`] for a body that is empty or longer than the limit;
    /// - [`CoordinatorMisuse::InvalidArgument`] where it is no body, says the host's own
    ///   [`Identify`](super::Identify), or was found invalid before.
    pub fn handle_value(
        &mut self,
        height: Height,
        round: Round,
        body: &[u8],
        extension_hash: Hash,
    ) -> Result<bool, CoordinatorMisuse> {
        if body.is_empty() || body.len() > self.limits.value_bytes_max as usize {
            return Err(CoordinatorMisuse::BodyTooLarge);
        }
        if self.asked != Some((height, round)) || self.engine.round() != round {
            return Ok(false);
        }
        let value = (self.identify)(body).ok_or(CoordinatorMisuse::InvalidArgument)?;
        let engine = &self.engine;
        let need = |entry: &super::Entry| Self::need_of(engine, entry);
        let entry = self.bodies.follow(value, need);
        if entry.verdict == Some(Validity::Invalid) {
            return Err(CoordinatorMisuse::InvalidArgument);
        }
        entry.own = Some((round, extension_hash));
        entry.verdict = Some(Validity::Valid { extension_hash });
        self.asked = None;
        // A body that is there already is this one.
        let is_new = self.bodies.put(value, None, body, need).is_ok();
        let entry = self.bodies.entry_mut(value);
        let Some(entry) = entry.filter(|entry| is_new || !entry.lacks_body()) else {
            self.bodies.forget(value);
            return Ok(false);
        };
        entry.advance();
        self.settle(value);
        Ok(true)
    }

    /// The body of a value is durable; false where nobody waits for that.
    pub fn handle_stored(&mut self, height: Height, value: Hash) -> bool {
        if height != self.engine.height() {
            return false;
        }
        let entry = self.bodies.entry_mut(value);
        let Some(entry) = entry.filter(|entry| entry.store == Ask::Asked) else {
            return false;
        };
        entry.store = Ask::Done;
        self.settle(value);
        true
    }

    /// The body that this node stored before it stopped; nothing where its disk has none, and peers
    /// are asked. False where nobody waits for it.
    ///
    /// # Errors
    /// [`CoordinatorMisuse::InvalidArgument`] for another body than this value's; peers are asked
    /// then too.
    pub fn handle_loaded(
        &mut self,
        height: Height,
        value: Hash,
        body: Option<&[u8]>,
    ) -> Result<bool, CoordinatorMisuse> {
        let entry = self.bodies.entry_mut(value);
        let waits = entry.filter(|entry| entry.load == Ask::Asked);
        let Some(entry) = waits.filter(|_| height == self.engine.height()) else {
            return Ok(false);
        };
        entry.load = Ask::Done;
        let Some(body) = body else {
            self.search(value, None);
            return Ok(true);
        };
        if (self.identify)(body) != Some(value) {
            self.search(value, None);
            return Err(CoordinatorMisuse::InvalidArgument);
        }
        let engine = &self.engine;
        let placed = self
            .bodies
            .put(value, None, body, |entry| Self::need_of(engine, entry));
        // It came from the disk, so it is there.
        if let Ok(entry) = placed {
            entry.store = Ask::Done;
        }
        self.settle(value);
        Ok(true)
    }

    /// What the host found out about a body; false where nobody waits for it. Only the first answer
    /// about a value in a height counts.
    pub fn handle_validity(&mut self, height: Height, value: Hash, verdict: Verdict) -> bool {
        if height != self.engine.height() {
            return false;
        }
        let entry = self.bodies.entry_mut(value);
        let Some(entry) = entry.filter(|entry| entry.validate == Ask::Asked) else {
            return false;
        };
        match verdict {
            Verdict::Known(validity) => {
                entry.validate = Ask::Done;
                entry.verdict = Some(validity);
                entry.advance();
                self.settle(value);
            }
            Verdict::WrongBody => {
                if let Some(from) = self.bodies.drop_body(value) {
                    self.blame(from);
                }
                self.search(value, None);
            }
        }
        true
    }

    /// Tells the engine of a value once all is known that it may be told.
    pub(super) fn settle(&mut self, value: Hash) {
        let height = self.engine.height();
        let Some(entry) = self.bodies.entry_mut(value) else {
            return;
        };
        let Some(validity) = entry.settled() else {
            return;
        };
        let (own, is_wanted) = (entry.own.take(), entry.is_wanted);
        entry.is_wanted = false;
        if let Some((round, extension_hash)) = own {
            // Where the round has passed, nothing comes of it.
            let _is_in_time = self
                .engine
                .handle_value(height, round, value, extension_hash);
        }
        if is_wanted {
            self.engine.handle_validity(height, value, validity);
        }
    }

    /// A member sent what it should not have.
    pub(super) fn blame(&mut self, member: MemberIndex) {
        count(&mut self.metrics.bodies_wrong);
        if !self.blamed.contains(member) {
            self.blamed.insert(member);
            self.blame_to_tell.insert(member);
        }
    }

    /// Asks peers for a body, `first` before others.
    pub(super) fn search(&mut self, value: Hash, first: Option<MemberIndex>) {
        let until = self.engine.now().saturating_add(self.config.fetch_ns);
        let others = self.engine.others();
        self.bodies.fetch(value, first, others, until);
    }

    /// Asks others where those who were asked have not answered in time.
    pub(super) fn search_on(&mut self, now: Tick) {
        if self.is_decided() {
            return;
        }
        // Each turn moves one deadline past `now`, or ends one search.
        while let Some(value) = self.bodies.due(now) {
            // The engine asks once about a value, so the search goes on for as long as it knows it,
            // whether it matters now or not: what had a polka once can be proposed again.
            if self.engine.need_of(value) == super::Need::Unknown {
                self.bodies.forget(value);
            } else {
                self.search(value, None);
            }
        }
    }
}

//! Heights and rounds: how they begin, and how a member goes on after a restart.

use super::{ConsensusEngine, GetValue, InRound};
use crate::consensus::record::Record;
use crate::consensus::tables::Stage;
use crate::consensus::{
    ConsensusMisuse, Outgoing, Recipient, RecordError, Request, Step, TimerKind,
};
use crate::types::{Hash, Height, MemberIndex, Round};
use crate::vote::{MemberSet, NO_ROUND, ROUND_MAX, Statement, VoteKind};

/// What a record gave back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restored {
    /// The record is of this height, and the member goes on where it stood.
    SameHeight,
    /// The record is of a height before, so that nothing was said in this one.
    FreshHeight,
}

impl ConsensusEngine {
    /// R10: begins a height. The one before must be decided, and durable with its certificate; a
    /// host that caught up by other means may leave heights out, and never goes back.
    ///
    /// # Errors
    /// [`ConsensusMisuse::HeightNotNext`] unless it lies above the last one; nothing changes then.
    pub fn start_height(&mut self, height: Height) -> Result<(), ConsensusMisuse> {
        self.clear_height(height)?;
        self.enter_round(Round::ZERO);
        self.greet_early();
        self.run_rules();
        Ok(())
    }

    /// Begins a height after a restart, with the newest record from disk
    /// ([`newest_record`](crate::consensus::newest_record)).
    ///
    /// Whatever the record says was said is said again, word for word, and never contradicted.
    ///
    /// # Errors
    /// - [`RecordError::Corrupt`] for bytes that are no record, [`RecordError::Inconsistent`] for
    ///   one that contradicts itself;
    /// - [`RecordError::WrongNetwork`], [`RecordError::WrongSettings`] for another network's, or
    ///   another epoch's, suite's or member's;
    /// - [`RecordError::RecordAhead`] where it is of a later height: the host has lost decided
    ///   values, and must get them back first.
    pub fn resume_height(
        &mut self,
        height: Height,
        record: &[u8],
    ) -> Result<Restored, RecordError> {
        let record = Record::decode(record, &self.limits)?;
        if record.chain_id != self.context.chain_id {
            return Err(RecordError::WrongNetwork);
        }
        if record.height > height {
            return Err(RecordError::RecordAhead);
        }
        if record.height == height {
            self.check_record(&record)?;
        }
        self.clear_height(height)
            .map_err(|_| RecordError::RecordAhead)?;
        self.own.wanted = record.counter;
        self.own.emitted = record.counter;
        self.own.persisted = record.counter;
        let restored = if record.height == height {
            self.restore(&record);
            Restored::SameHeight
        } else {
            self.enter_round(Round::ZERO);
            Restored::FreshHeight
        };
        self.run_rules();
        Ok(restored)
    }

    fn check_record(&self, record: &Record<'_>) -> Result<(), RecordError> {
        let me = self.committee.me();
        if record.epoch != self.context.epoch
            || record.suite_id != self.context.suite_id
            || Some(record.member) != me
        {
            return Err(RecordError::WrongSettings);
        }
        let polka = record
            .polka
            .as_ref()
            .map(|polka| (polka.round, polka.value));
        let has_strangers = record.polka.as_ref().is_some_and(|polka| {
            let weight = self.committee.weight_of(polka.signers);
            let strangers = polka.signers.without(self.committee.members());
            !strangers.is_empty() || !self.committee.is_quorum(weight)
        });
        if polka != record.valid || has_strangers {
            return Err(RecordError::Inconsistent);
        }
        Ok(())
    }

    fn restore(&mut self, record: &Record<'_>) {
        self.locked = record.locked;
        self.valid = record.valid;
        if let Some(polka) = &record.polka {
            let source = record.member;
            if self
                .polka
                .fill_from_message(polka, source, &mut self.signatures)
            {
                self.polka.stage = Stage::Verified;
            }
        }
        #[cfg(any(test, feature = "weakened"))]
        let forgets = self.breaks(|breaks| breaks.forgets_signed);
        #[cfg(not(any(test, feature = "weakened")))]
        let forgets = false;
        if !forgets {
            for statement in record.votes() {
                let age = usize::from(statement.round != record.round);
                self.own.restore(age, statement);
            }
        }
        self.enter_restored(record.round);
        for (_, value) in [self.valid, self.locked].into_iter().flatten() {
            self.want_value(value, record.member);
        }
    }

    /// Empties everything that belongs to one height.
    pub(super) fn clear_height(&mut self, height: Height) -> Result<(), ConsensusMisuse> {
        if height <= self.height {
            return Err(ConsensusMisuse::HeightNotNext);
        }
        if self.height == Height::ZERO {
            // Nobody has been silent yet.
            self.seen_at.fill(height);
        }
        self.height = height;
        self.decision = None;
        self.locked = None;
        self.valid = None;
        self.own.clear(&mut self.signatures);
        self.prevotes.keep(&[], &mut self.signatures);
        self.precommits.keep(&[], &mut self.signatures);
        self.proposals.keep(&[], &mut self.signatures);
        self.values.clear();
        for slot in [&mut self.polka, &mut self.examined, &mut self.commit] {
            slot.clear(&mut self.signatures);
        }
        self.evidence.start_height();
        self.highest.fill(0);
        self.pulls.fill(None);
        Ok(())
    }

    /// Tells those who were here before where this member stands, so that they send what it missed.
    fn greet_early(&mut self) {
        let early = core::mem::take(&mut self.early);
        for member in early.iter() {
            self.reply(Recipient::One(member), Outgoing::Status);
        }
    }

    /// R0: begins a round.
    pub(super) fn enter_round(&mut self, round: Round) {
        self.own.start_round(&mut self.signatures);
        #[cfg(any(test, feature = "weakened"))]
        if self.breaks(|breaks| breaks.keeps_one_round) {
            self.own.forget_older(&mut self.signatures);
        }
        #[cfg(any(test, feature = "weakened"))]
        if self.breaks(|breaks| breaks.forgets_lock) {
            self.locked = None;
        }
        self.step = Step::Propose;
        self.begin(round);
        let proposer = self.schedule.proposer(self.height, round);
        self.start_timer(TimerKind::Propose, self.propose_ns(proposer));
        if self.committee.me() == Some(proposer) {
            self.begin_proposing();
        } else if round > Round::ZERO {
            // S1 at once: the new proposer should hear what others can prove.
            self.reply(Recipient::One(proposer), Outgoing::Status);
        }
    }

    /// The same after a restart, in which something may have been said already.
    fn enter_restored(&mut self, round: Round) {
        let has = |kind| self.own.get(kind, round).is_some();
        let (has_proposed, has_prevoted) = (has(VoteKind::Proposal), has(VoteKind::Prevote));
        self.step = match (has(VoteKind::Precommit), has_prevoted) {
            (true, _) => Step::Precommit,
            (false, true) => Step::Prevote,
            (false, false) => Step::Propose,
        };
        self.begin(round);
        if self.step == Step::Propose {
            let proposer = self.schedule.proposer(self.height, round);
            self.start_timer(TimerKind::Propose, self.propose_ns(proposer));
            if self.committee.me() == Some(proposer) && !has_proposed {
                self.begin_proposing();
            }
        }
    }

    /// What every beginning of a round has in common.
    fn begin(&mut self, round: Round) {
        self.round = round;
        self.in_round = InRound::default();
        self.timers = [None; 5];
        self.touch_status();
        let before = round.get().checked_sub(1).map(Round::new);
        let next = round.checked_add(1).filter(|next| *next <= ROUND_MAX);
        let valid = self.valid.map(|(round, _)| round);
        let wanted = [before, Some(round), next, valid];
        self.prevotes.keep(&wanted, &mut self.signatures);
        self.precommits
            .keep(&[before, Some(round), next], &mut self.signatures);
        self.proposals
            .keep(&[Some(round), next, valid], &mut self.signatures);
        self.count_ahead();
    }

    fn propose_ns(&self, proposer: MemberIndex) -> u64 {
        let config = &self.config;
        let max_ns = config.timeout_max_ns;
        // E1: only a wait is shorter, so nothing but time depends on who is right about it.
        let seen_at = self.seen_at.get(usize::from(proposer.get())).copied();
        let silent = self
            .height
            .saturating_distance(seen_at.unwrap_or(self.height));
        if config.hurries_inactive
            && config.inactive_height_count > 0
            && silent >= u64::from(config.inactive_height_count)
            && self.committee.me() != Some(proposer)
        {
            return config.propose_inactive_ns;
        }
        config.propose.in_round(self.round, max_ns)
    }

    /// The proposer's part of R0: hears claims first where there may be some.
    fn begin_proposing(&mut self) {
        let hears = self.round > Round::ZERO
            && self.config.waits_for_claims
            && !self.committee.others().is_empty();
        self.in_round.hears_claims = hears;
        if hears {
            let max_ns = self.config.timeout_max_ns;
            let wait_ns = self.config.propose.in_round(self.round, max_ns) >> 1;
            self.start_timer(TimerKind::Claims, wait_ns);
        } else {
            self.propose();
        }
    }

    /// Whether everybody was heard, and nothing that they claimed is still awaited.
    pub(super) fn has_heard_all(&self) -> bool {
        let missing = self.committee.others().without(self.in_round.heard);
        let awaits = self
            .pulls
            .iter()
            .flatten()
            .any(|pull| pull.claim.kind == VoteKind::Prevote && pull.until > self.now);
        missing.is_empty() && !awaits && !self.is_examining()
    }

    /// Whether a polka of a peer is on its way through verification or validation.
    fn is_examining(&self) -> bool {
        match self.examined.stage {
            Stage::Empty => false,
            Stage::Waiting | Stage::Verifying => true,
            Stage::Verified => self.values.state(self.examined.value).is_some_and(|state| {
                use crate::consensus::tables::ValueState::{Asked, ToAsk};
                matches!(state, ToAsk | Asked)
            }),
        }
    }

    /// R0: proposes the valid value, or asks the host for a new one.
    pub(super) fn propose(&mut self) {
        self.in_round.hears_claims = false;
        self.stop_timer(TimerKind::Claims);
        // A polka of this very round would be of a proposal of this member's, which it has made.
        match self
            .valid
            .filter(|(valid_round, _)| *valid_round < self.round)
        {
            Some((valid_round, value)) => {
                self.cast(
                    VoteKind::Proposal,
                    Some(value),
                    valid_round.get() as i32,
                    Hash::ZERO,
                );
            }
            None => self.in_round.get_value = GetValue::ToAsk,
        }
    }

    /// Says something in this round. It leaves once it is on disk and signed.
    pub(super) fn cast(
        &mut self,
        kind: VoteKind,
        value: Option<Hash>,
        valid_round: i32,
        extension_hash: Hash,
    ) {
        if self.committee.me().is_none() || self.own.get(kind, self.round).is_some() {
            return;
        }
        let is_nil = value.is_none();
        self.own.cast(Statement {
            kind,
            height: self.height,
            round: self.round,
            value,
            valid_round: if is_nil { NO_ROUND } else { valid_round },
            extension_hash,
        });
    }

    /// Leaves a round that did not decide.
    pub(super) fn leave_round(&mut self, to: Round) {
        // So that those behind can always gather votes of a quorum in the round from correct
        // members alone.
        if self.config.votes_on_leaving {
            self.cast(VoteKind::Prevote, None, NO_ROUND, Hash::ZERO);
            self.cast(VoteKind::Precommit, None, NO_ROUND, Hash::ZERO);
        }
        self.enter_round(to);
    }

    /// Sums up who is in a later round. O(members), once a round.
    pub(super) fn count_ahead(&mut self) {
        let round = u64::from(self.round.get());
        let mut ahead = MemberSet::EMPTY;
        for (member, highest) in self.highest.iter().enumerate() {
            if u64::from(*highest) > round.saturating_add(1) {
                ahead.insert(MemberIndex::new(member as u16));
            }
        }
        self.ahead_weight = self.committee.weight_of(ahead);
    }

    /// Asks the host about a value, unless it was.
    pub(super) fn want_value(&mut self, value: Hash, source: MemberIndex) {
        let held = [self.locked, self.valid];
        let slots = [&self.examined, &self.commit]
            .map(|slot| (slot.stage != Stage::Empty).then_some(slot.value));
        let proposals = &self.proposals;
        self.values.want(value, source, |needed| {
            held.iter().flatten().any(|(_, value)| *value == needed)
                || slots.contains(&Some(needed))
                || proposals.values().any(|value| value == needed)
        });
    }

    /// Sends a reply, or drops it where too many wait: whoever wants it asks again.
    pub(super) fn reply(&mut self, to: Recipient, message: Outgoing) {
        let _dropped = self.replies.push(super::Reply::Message(to, message));
    }

    /// Asks a peer for a certificate.
    pub(super) fn request(&mut self, peer: MemberIndex, request: Request) {
        self.reply(Recipient::One(peer), Outgoing::Request(request));
    }
}

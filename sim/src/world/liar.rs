//! A member that equivocates at will, with the help of everything that was ever signed.
//!
//! It sees where every correct member stands, and uses any signature that exists. What it can't do
//! is sign for others. That is more than a real one has.

use std::rc::Rc;

use hauptbuch_core::consensus::{
    Claim, Message, MessageBody, Request, SignedVote, Statement, Status, Step,
};
use hauptbuch_core::types::{Hash, Height, MemberIndex, Round};
use hauptbuch_core::vote::{MemberSet, NO_ROUND, VoteKind};

use super::judge::ValueInfo;
use super::plan::MS;
use super::queue::Event;
use super::stage::World;
use super::wire::CertificateDraft;

/// Where a member stands that is lied to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target {
    pub at: usize,
    pub height: Height,
    pub round: Round,
    pub lock: Option<(Round, Hash)>,
}

impl World<'_> {
    /// Some lies, and the time of the next ones.
    pub fn lie(&mut self, at: usize) {
        for _ in 0..=self.random.below(4) {
            let Some(target) = self.a_target() else {
                break;
            };
            match self.random.below(12) {
                0..=5 => self.vote_somehow(at, &target),
                6..=8 => self.propose_somehow(at, &target),
                9 => self.claim_somehow(at, &target),
                10 => self.certify_somehow(at, &target),
                _ => self.request_somehow(at, &target),
            }
        }
        self.soon(30 * MS, Event::Lie { at });
    }

    /// A correct instance that runs.
    pub fn a_target(&mut self) -> Option<Target> {
        let running: Vec<usize> = (0..self.instances.len())
            .filter(|at| self.instances[*at].is_correct() && self.instances[*at].engine.is_some())
            .collect();
        let at = self.random.one_of(&running)?;
        let engine = self.instances[at].engine.as_ref()?;
        Some(Target {
            at,
            height: engine.height(),
            round: engine.round(),
            lock: engine.locked(),
        })
    }

    /// A vote for what was proposed, for what the target is locked on, for anything, or nothing:
    /// to some members, and something else to others.
    fn vote_somehow(&mut self, at: usize, target: &Target) {
        let kind = match self.random.below(2) {
            0 => VoteKind::Prevote,
            _ => VoteKind::Precommit,
        };
        let round = self.a_round(target.round);
        let proposals = self.judge.ledger.proposals(target.height);
        let of_round = proposals.iter().filter(|vote| vote.round == round);
        let of_round: Vec<Statement> = of_round.copied().collect();
        let (value, valid_round) = match (self.random.below(6), target.lock) {
            (0, _) => (None, NO_ROUND),
            (1, Some((_, value))) => (Some(value), NO_ROUND),
            (2, _) => (Some(self.a_value(at, target.height)), NO_ROUND),
            _ => match self.random.one_of(&of_round) {
                Some(proposal) => (proposal.value, proposal.valid_round),
                None => (None, NO_ROUND),
            },
        };
        let is_prevote = kind == VoteKind::Prevote;
        let vote = Statement {
            kind,
            height: target.height,
            round,
            value,
            valid_round: if is_prevote { valid_round } else { NO_ROUND },
            extension_hash: Hash::ZERO,
        };
        self.say(at, target.at, &vote);
    }

    /// A proposal, where it is this member's turn: fresh, old, or by a polka that is of something
    /// else.
    fn propose_somehow(&mut self, at: usize, target: &Target) {
        let own = self.instances[at].member;
        let proposer = |world: &Self, round: Round| {
            let engine = world.instances[target.at].engine.as_ref();
            engine.map(|engine| engine.proposer(target.height, round))
        };
        let next = target.round.checked_add(1).unwrap_or(target.round);
        let turns = [target.round, next];
        let turn = turns
            .into_iter()
            .find(|round| proposer(self, *round) == Some(own));
        let Some(round) = turn else {
            self.vote_somehow(at, target);
            return;
        };
        let polkas = self.judge.ledger.polkas(target.height);
        let older: Vec<(Round, Hash, i32)> = polkas
            .iter()
            .filter(|(of, ..)| *of < round)
            .copied()
            .collect();
        let (value, valid_round) = match (self.random.below(4), self.random.one_of(&older)) {
            // An honest re-proposal, to whom it will harm.
            (0 | 1, Some((of, value, _))) => (value, of.get() as i32),
            // The round of a polka, and another value.
            (2, Some((of, ..))) => (self.a_value(at, target.height), of.get() as i32),
            _ => (self.a_value(at, target.height), NO_ROUND),
        };
        let vote = Statement {
            kind: VoteKind::Proposal,
            height: target.height,
            round,
            value: Some(value),
            valid_round,
            extension_hash: Hash::ZERO,
        };
        for to in 0..self.instances.len() {
            if self.random.one_in(2) {
                self.say(at, to, &vote);
            }
        }
    }

    fn claim_somehow(&mut self, at: usize, target: &Target) {
        let polkas = self.judge.ledger.polkas(target.height).to_vec();
        let true_claim = self.random.one_of(&polkas);
        let claim = match true_claim {
            Some((round, value, _)) if self.random.one_in(2) => Claim {
                kind: VoteKind::Prevote,
                round,
                value,
            },
            _ => Claim {
                kind: self
                    .random
                    .one_of(&[VoteKind::Prevote, VoteKind::Precommit])
                    .unwrap_or(VoteKind::Prevote),
                round: self.a_round(target.round),
                value: self.a_value(at, target.height),
            },
        };
        let held = MemberSet::first(self.plan.weights.len() as u16).bits();
        let status = Status {
            round: self.a_round(target.round),
            step: self
                .random
                .one_of(&[Step::Propose, Step::Precommit, Step::Decided])
                .unwrap_or_default(),
            has_proposal: self.random.one_in(2),
            prevotes: MemberSet::from_bits(u128::from(self.random.next()) & held),
            precommits: MemberSet::from_bits(u128::from(self.random.next()) & held),
            claims: [Some(claim), None],
        };
        self.tell(at, target, MessageBody::Status(status));
    }

    /// A polka that there was, or a certificate that proves nothing.
    fn certify_somehow(&mut self, at: usize, target: &Target) {
        let polkas = self.judge.ledger.polkas(target.height).to_vec();
        let Some((round, value, valid_round)) = self.random.one_of(&polkas) else {
            self.claim_somehow(at, target);
            return;
        };
        let is_true = self.random.below(3) > 0;
        let kind = if is_true {
            VoteKind::Prevote
        } else {
            VoteKind::Precommit
        };
        let voters =
            self.judge
                .ledger
                .voters(VoteKind::Prevote, target.height, round, value, valid_round);
        let vote = Statement {
            kind,
            height: target.height,
            round,
            value: Some(value),
            valid_round: if is_true { valid_round } else { NO_ROUND },
            extension_hash: Hash::ZERO,
        };
        let bytes = vote.sign_bytes(&self.judge.context);
        let mut entries = Vec::new();
        for member in (0..128_u16).filter(|member| voters >> member & 1 == 1) {
            // For a false one the signatures are those of prevotes, or noise.
            let signature = if is_true {
                self.judge
                    .keys
                    .sign(MemberIndex::new(member), &bytes)
                    .to_vec()
            } else {
                self.random.bytes()[..16].to_vec()
            };
            entries.push((member, Hash::ZERO, signature));
        }
        let draft = CertificateDraft {
            epoch: self.judge.context.epoch,
            height: target.height,
            kind,
            round,
            value,
            valid_round: vote.valid_round,
            entries,
        };
        let bytes = Rc::from(draft.bytes());
        self.transmit(at, target.at, &bytes);
    }

    fn request_somehow(&mut self, at: usize, target: &Target) {
        let request = if self.random.one_in(2) {
            Request::Commit
        } else {
            Request::Polka {
                round: self.a_round(target.round),
                value: self.a_value(at, target.height),
            }
        };
        self.tell(at, target, MessageBody::Request(request));
    }

    /// Signs a statement and sends it to one instance.
    pub fn say(&mut self, at: usize, to: usize, vote: &Statement) {
        if !vote.is_well_formed() || !self.instances[to].follows_rules() {
            return;
        }
        let member = self.instances[at].member;
        let signature = self.judge.sign(member, vote);
        if self.is_traced() {
            let words = super::trace::statement(vote);
            self.note(|| format!("liar {at} tells instance {to} {words}"));
        }
        let body = MessageBody::Vote(SignedVote {
            statement: *vote,
            member,
            signature: &signature,
        });
        self.send_body(at, to, vote.height, body);
    }

    fn tell(&mut self, at: usize, target: &Target, body: MessageBody<'_>) {
        self.send_body(at, target.at, target.height, body);
    }

    /// Writes a message and sends it to one instance.
    pub fn send_body(&mut self, at: usize, to: usize, height: Height, body: MessageBody<'_>) {
        let message = Message {
            epoch: self.judge.context.epoch,
            height,
            body,
        };
        let mut scratch = core::mem::take(&mut self.scratch);
        let written = message.encode(&mut scratch).ok();
        let bytes: Option<Rc<[u8]>> = written.and_then(|len| scratch.get(..len)).map(Rc::from);
        self.scratch = scratch;
        if let Some(bytes) = bytes {
            self.transmit(at, to, &bytes);
        }
    }

    /// This round, the next one or the one before.
    fn a_round(&mut self, round: Round) -> Round {
        match self.random.below(6) {
            0 => Round::new(round.get().saturating_sub(1)),
            1 => round.checked_add(1).unwrap_or(round),
            _ => round,
        }
    }

    /// A value that was proposed in the height, or a new one, good or bad, whose body some get.
    pub fn a_value(&mut self, at: usize, height: Height) -> Hash {
        let known = self.judge.ledger.proposals(height);
        let known: Vec<Hash> = known.iter().filter_map(|vote| vote.value).collect();
        if self.random.below(4) > 0
            && let Some(value) = self.random.one_of(&known)
        {
            return value;
        }
        let value = Hash::new(self.random.bytes());
        let hidden = self.random.next();
        let info = ValueInfo {
            height,
            is_valid: self.random.below(3) > 0,
            is_proposed: false,
            holders: vec![at],
            hidden_from: self.random.one_in(2).then_some(hidden),
        };
        self.judge.values.insert(value, info);
        value
    }
}

//! A member that sends as much as it can of what makes others work.

use std::rc::Rc;

use hauptbuch_core::consensus::{MessageBody, Request, SignedVote, Statement, Status, Step};
use hauptbuch_core::types::{Hash, Height, MemberIndex, Round};
use hauptbuch_core::vote::{MemberSet, NO_ROUND, VoteKind};

use super::liar::Target;
use super::plan::MS;
use super::queue::Event;
use super::stage::World;
use super::wire::CertificateDraft;

/// Messages in one burst.
const BURST_COUNT: u64 = 12;
/// The longest time between two bursts.
const PAUSE_NS_MAX: u64 = 10 * MS;

impl World<'_> {
    /// A burst, and the time of the next one.
    pub fn flood(&mut self, at: usize) {
        for _ in 0..BURST_COUNT {
            let Some(target) = self.a_target() else {
                break;
            };
            match self.random.below(8) {
                0 => self.send_noise(at, &target),
                1 | 2 => self.send_wrong_signature(at, &target),
                3 | 4 => self.send_far_vote(at, &target),
                5 => self.send_question(at, &target),
                6 => self.send_status(at, &target),
                _ => self.send_empty_certificate(at, &target),
            }
        }
        self.soon(PAUSE_NS_MAX, Event::Flood { at });
    }

    /// Bytes that are no message, or only just.
    fn send_noise(&mut self, at: usize, target: &Target) {
        let mut bytes = self.random.bytes().to_vec();
        if self.random.one_in(2) {
            bytes[0] = 1;
            bytes[1] = 1 + self.random.below(6) as u8;
            bytes[2..10].copy_from_slice(&self.judge.context.epoch.get().to_le_bytes());
            bytes[10..18].copy_from_slice(&target.height.get().to_le_bytes());
        }
        for _ in 0..self.random.below(8) {
            bytes.extend_from_slice(&self.random.bytes());
        }
        self.transmit(at, target.at, &Rc::from(bytes));
    }

    /// Somebody's vote with a signature that is nobody's.
    fn send_wrong_signature(&mut self, at: usize, target: &Target) {
        let member = MemberIndex::new(self.random.below(self.plan.weights.len() as u64) as u16);
        let signature = self.random.bytes();
        let kind = if self.random.one_in(2) {
            VoteKind::Prevote
        } else {
            VoteKind::Precommit
        };
        let body = MessageBody::Vote(SignedVote {
            statement: Statement {
                kind,
                height: target.height,
                round: target.round,
                value: Some(Hash::new(self.random.bytes())),
                valid_round: NO_ROUND,
                extension_hash: Hash::ZERO,
            },
            member,
            signature: &signature[..16],
        });
        self.send_body(at, target.at, target.height, body);
    }

    /// Its own vote for a round that nobody is in.
    fn send_far_vote(&mut self, at: usize, target: &Target) {
        let bits = self.random.below(30);
        let far = 1 + self.random.below(1 << bits) as u32;
        let vote = Statement {
            kind: VoteKind::Precommit,
            height: target.height,
            round: Round::new(target.round.get().saturating_add(far)),
            value: None,
            valid_round: NO_ROUND,
            extension_hash: Hash::ZERO,
        };
        self.say(at, target.at, &vote);
    }

    /// A request for a certificate of this height, of one before, or of one to come.
    fn send_question(&mut self, at: usize, target: &Target) {
        let ahead = target.height.get() + 2;
        let height = Height::new(1 + self.random.below(ahead));
        let request = if self.random.one_in(2) {
            Request::Commit
        } else {
            Request::Polka {
                round: target.round,
                value: Hash::new(self.random.bytes()),
            }
        };
        self.send_body(at, target.at, height, MessageBody::Request(request));
    }

    /// A status that lacks everything, so that all is sent again.
    fn send_status(&mut self, at: usize, target: &Target) {
        let status = Status {
            round: target.round,
            step: Step::Propose,
            has_proposal: false,
            prevotes: MemberSet::EMPTY,
            precommits: MemberSet::EMPTY,
            claims: [None; 2],
        };
        self.send_body(at, target.at, target.height, MessageBody::Status(status));
    }

    /// A certificate of everybody's name and nobody's signature.
    fn send_empty_certificate(&mut self, at: usize, target: &Target) {
        let mut entries = Vec::new();
        for member in 0..self.plan.weights.len() as u16 {
            entries.push((member, Hash::ZERO, self.random.bytes()[..16].to_vec()));
        }
        let is_polka = self.random.one_in(2);
        let draft = CertificateDraft {
            epoch: self.judge.context.epoch,
            height: target.height,
            kind: if is_polka {
                VoteKind::Prevote
            } else {
                VoteKind::Precommit
            },
            round: target.round,
            value: Hash::new(self.random.bytes()),
            valid_round: NO_ROUND,
            entries,
        };
        let bytes = Rc::from(draft.bytes());
        self.transmit(at, target.at, &bytes);
    }
}

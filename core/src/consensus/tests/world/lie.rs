//! What the equivocator says.

use std::vec;

use super::super::kit::{MS, context, member, sign};
use super::{Event, World};
use crate::consensus::*;
use crate::types::{Hash, Round};
use crate::vote::NO_ROUND;

impl World {
    /// The liar says something to somebody.
    pub(super) fn lie(&mut self) {
        let after = 1 + self.random(40 * MS);
        self.push(after, Event::Lie);
        let to = 1 + self.random(3) as usize;
        let Some(engine) = self.nodes[to].engine.as_ref() else {
            return;
        };
        let (height, current) = (engine.height(), engine.round().get());
        let proposer = |round| engine.proposer(height, Round::new(round));
        let valid_round = engine
            .valid()
            .map_or(NO_ROUND, |(round, _)| round.get() as i32);
        let limits = engine.limits().clone();
        let proposers = [proposer(current), proposer(current + 1)];
        let round = current + self.random(2) as u32;
        let value = self.a_value();
        let kind = VoteKind::ALL[self.random(3) as usize];
        if kind == VoteKind::Proposal && proposers[(round - current) as usize] != member(0) {
            return;
        }
        let value = (kind == VoteKind::Proposal || self.random(4) > 0).then_some(value);
        let may_refer = kind != VoteKind::Precommit && value.is_some();
        let refers = may_refer && valid_round < round as i32 && self.random(2) == 0;
        let statement = Statement {
            kind,
            height,
            round: Round::new(round),
            value,
            valid_round: if refers { valid_round } else { NO_ROUND },
            extension_hash: Hash::ZERO,
        };
        let signature = sign(member(0), &statement.sign_bytes(&context()));
        let mut bytes = vec![0; message_bytes_max(&limits)];
        let body = if self.random(6) == 0 {
            let claim = Claim {
                kind: VoteKind::Prevote,
                round: Round::new(round),
                value: value.unwrap_or(Hash::ZERO),
            };
            MessageBody::Status(Status {
                round: Round::new(round),
                step: Step::Propose,
                has_proposal: self.random(2) == 0,
                prevotes: MemberSet::EMPTY,
                precommits: MemberSet::EMPTY,
                claims: [Some(claim), None],
            })
        } else {
            let vote = SignedVote {
                statement,
                member: member(0),
                signature: &signature,
            };
            MessageBody::Vote(vote)
        };
        let message = Message {
            epoch: context().epoch,
            height,
            body,
        };
        let len = message.encode(&mut bytes).unwrap();
        bytes.truncate(len);
        self.transmit(0, to, member(0), bytes);
    }

    /// A value that was heard of, or a new one, good or bad.
    fn a_value(&mut self) -> Hash {
        let count = self.seen_values.len() as u64;
        if count > 0 && self.random(4) > 0 {
            let back = self.random(count.min(4)) as usize;
            return self.seen_values[count as usize - 1 - back];
        }
        let mut bytes = [if self.random(3) == 0 { 0xBD } else { 0xAA }; 32];
        bytes[1] = self.random(3) as u8;
        Hash::new(bytes)
    }
}

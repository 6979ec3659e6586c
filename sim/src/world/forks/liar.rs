//! A member that signs several branches of its log, and votes as it likes.

use std::rc::Rc;

use hauptbuch_core::consensus::{
    Message, MessageBody, SignedVote, Statement, VoteKind, message_bytes_max,
};
use hauptbuch_core::receive_log::{Cut, Entry, LogMark, OwnLog, OwnRecord, Point};
use hauptbuch_core::types::{Hash, Height, MemberIndex, Round};
use hauptbuch_core::vote::NO_ROUND;

use super::host::log_start;
use super::signing::{LogKey, Slot};
use super::stage::{Packet, World, new_id};

/// Branches of one height that a liar signs at most.
const BRANCH_COUNT_MAX: usize = 5;

/// One branch of a liar's log, from what is decided to its end.
#[derive(Clone, Debug)]
pub(super) struct Fork {
    pub height: Height,
    pub end: Point,
    pub bytes: Rc<[u8]>,
}

/// A member that follows no rule.
#[derive(Debug)]
pub(super) struct Liar {
    pub member: u16,
    /// What it signed, of every height.
    pub forks: Vec<Fork>,
    /// Until when it answers those who pull, in nanoseconds.
    pub answers_until_ns: u64,
    /// Whether it answers all of them until then.
    pub is_obliging: bool,
}

impl Liar {
    pub const fn new(member: u16) -> Self {
        Self {
            member,
            forks: Vec::new(),
            answers_until_ns: u64::MAX,
            is_obliging: false,
        }
    }
}

impl World {
    /// Signs another branch of a liar's log, which goes on from what a host knows to be decided.
    pub fn fork(
        &mut self,
        liar: usize,
        decided: &LogMark,
        height: Height,
        entries: &[Entry],
    ) -> Fork {
        let member = self.liars[liar].member;
        let record = OwnRecord {
            end: decided.at,
            base: decided.base,
            stamp: decided.stamp,
            ..log_start(member)
        };
        let mut log = OwnLog::new(&self.logs, &record, decided.at.position);
        for entry in entries {
            let _full = log.append(*entry);
        }
        let mut bytes = vec![0; self.logs.extension_bytes_max() as usize];
        let mut key = LogKey {
            keys: &self.keys,
            member,
        };
        let base = Height::new(height.get() - 1).max(decided.base);
        let len = log.extend(base, &mut key, &mut bytes).unwrap_or(0);
        let fork = Fork {
            height,
            end: log.record().end,
            bytes: Rc::from(&bytes[..len]),
        };
        self.liars[liar].forks.push(fork.clone());
        fork
    }

    /// Says something in a liar's name to one member.
    pub fn say(&mut self, liar: usize, to: u16, statement: &Statement) {
        let member = MemberIndex::new(self.liars[liar].member);
        let signature = self.keys.sign(member, &statement.sign_bytes(&self.context));
        let message = Message {
            epoch: self.context.epoch,
            height: statement.height,
            body: MessageBody::Vote(SignedVote {
                statement: *statement,
                member,
                signature: &signature,
            }),
        };
        let mut bytes = vec![0; message_bytes_max(&self.limits)];
        if let Ok(len) = message.encode(&mut bytes) {
            let packet = Packet::Consensus(Rc::from(&bytes[..len]));
            self.send(member.get(), to, packet);
        }
    }

    pub fn liar_hears(&mut self, liar: usize, from: u16, packet: &Packet) {
        let Packet::Pull { log, to, .. } = packet else {
            return;
        };
        let own = &self.liars[liar];
        let (member, is_obliging) = (own.member, own.is_obliging);
        if *log != member || self.now_ns > own.answers_until_ns {
            return;
        }
        let found = own.forks.iter().find(|fork| fork.end == *to);
        if let Some(bytes) = found.map(|fork| Rc::clone(&fork.bytes))
            && (is_obliging || self.random.one_in(2))
        {
            self.send(member, from, Packet::Extension(bytes));
        }
    }

    /// One lie by chance.
    pub fn lie(&mut self, liar: usize) {
        let running: Vec<u16> = self
            .correct()
            .filter(|host| host.engine.is_some())
            .map(|host| host.me)
            .collect();
        let Some(target) = self.random.one_of(&running) else {
            return;
        };
        match self.random.below(8) {
            0 => self.fork_somehow(liar, target),
            1..=3 => self.propose_somehow(liar, target),
            _ => self.vote_somehow(liar, target),
        }
    }

    /// Where a member stands: its height and round, and what it knows of a log.
    fn stand(&self, at: u16, log: u16) -> Option<(Height, Round, LogMark)> {
        let host = self.hosts[usize::from(at)].as_ref()?;
        let engine = host.engine.as_ref()?;
        let mark = host.extents.decided(log)?;
        Some((engine.height(), engine.round(), *mark))
    }

    fn fork_somehow(&mut self, liar: usize, target: u16) {
        let member = self.liars[liar].member;
        let Some((height, _, mark)) = self.stand(target, member) else {
            return;
        };
        let of_height = self.liars[liar]
            .forks
            .iter()
            .filter(|fork| fork.height == height);
        if of_height.count() >= BRANCH_COUNT_MAX {
            return;
        }
        let entries: Vec<Entry> = (0..=self.random.below(4))
            .map(|_| new_id(self.random.next(), member))
            .collect();
        let fork = self.fork(liar, &mark, height, &entries);
        for to in 0..self.settings.sequencers {
            if to != member && self.random.one_in(2) {
                self.send(member, to, Packet::Extension(Rc::clone(&fork.bytes)));
            }
        }
    }

    /// A slot whose cut names one of a liar's branches, or none.
    pub fn forged_slot(&mut self, at: u16, height: Height, log: u16, end: Option<Point>) -> Hash {
        let mut cut = Cut::new(self.logs.log_count_max);
        if let Some(host) = self.hosts[usize::from(at)].as_ref() {
            let _same_count = host.extents.propose(height, &mut cut);
        }
        if let (Some(end), Some(place)) = (end, cut.points_mut().get_mut(usize::from(log))) {
            *place = end;
        }
        self.register(Slot {
            height,
            cut,
            evidence: Vec::new(),
        })
    }

    /// Proposes where it is a liar's turn: one thing to some, another to others.
    fn propose_somehow(&mut self, liar: usize, target: u16) {
        let member = self.liars[liar].member;
        let Some((height, round, _)) = self.stand(target, member) else {
            return;
        };
        let host = self.hosts[usize::from(target)].as_ref();
        let engine = host.and_then(|host| host.engine.as_ref());
        let turn = engine.map(|engine| engine.proposer(height, round).get());
        if turn != Some(member) {
            self.fork_somehow(liar, target);
            return;
        }
        let ends: Vec<Point> = self.liars[liar]
            .forks
            .iter()
            .filter(|fork| fork.height == height)
            .map(|fork| fork.end)
            .collect();
        let end = self.random.one_of(&ends);
        let value = self.forged_slot(target, height, member, end);
        let statement = Statement {
            kind: VoteKind::Proposal,
            height,
            round,
            value: Some(value),
            valid_round: NO_ROUND,
            extension_hash: Hash::ZERO,
        };
        for to in 0..self.settings.sequencers {
            if to != member && !self.random.one_in(3) {
                self.say(liar, to, &statement);
            }
        }
    }

    fn vote_somehow(&mut self, liar: usize, target: u16) {
        let member = self.liars[liar].member;
        let Some((height, round, _)) = self.stand(target, member) else {
            return;
        };
        let host = self.hosts[usize::from(target)].as_ref();
        let engine = host.and_then(|host| host.engine.as_ref());
        let proposed = engine.and_then(|engine| engine.proposed());
        let values: Vec<Hash> = self
            .slots
            .iter()
            .filter(|(_, slot)| slot.height == height)
            .map(|(value, _)| *value)
            .collect();
        let value = match self.random.below(4) {
            0 => None,
            1 => self.random.one_of(&values),
            _ => proposed,
        };
        let kind = if self.random.one_in(2) {
            VoteKind::Prevote
        } else {
            VoteKind::Precommit
        };
        let statement = Statement {
            kind,
            height,
            round,
            value,
            valid_round: NO_ROUND,
            extension_hash: Hash::ZERO,
        };
        for to in 0..self.settings.sequencers {
            if to == target || (to != member && self.random.one_in(3)) {
                self.say(liar, to, &statement);
            }
        }
    }
}

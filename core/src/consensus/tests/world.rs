//! A small world: members with disks, links that lose, delay, repeat and reorder, and a liar.
//!
//! Everything follows from a seed. Faults stop at a time, after which every correct member has to
//! reach the wanted height.

mod lie;

use std::collections::{BTreeMap, HashMap};
use std::vec;
use std::vec::Vec;

use super::kit::{MS, context, limits, member, sign, verify};
use crate::consensus::*;
use crate::types::{Hash, Height, MemberIndex, Round, Tick};

/// The one that lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Liar {
    None,
    Silent,
    /// Two engines with one key, each heard by some.
    Twins,
    /// Votes for whatever it has heard of, another to each, with claims of it.
    Equivocator,
}

/// What goes wrong until `calm_ms`.
#[derive(Clone, Debug)]
pub struct Plan {
    pub seed: u64,
    pub weights: Vec<u64>,
    pub liar: Liar,
    pub config: ConsensusConfig,
    pub breaks: Breaks,
    pub heights: u64,
    pub calm_ms: u64,
    pub end_ms: u64,
    pub loss_percent: u64,
    pub delay_ms: u64,
    /// One in so many effects is cut short by a crash; 0 for none.
    pub crash_one_in: u64,
}

impl Plan {
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            weights: vec![1; 4],
            liar: Liar::None,
            config: ConsensusConfig::default(),
            breaks: Breaks::default(),
            heights: 2,
            calm_ms: 4_000,
            end_ms: 40_000,
            loss_percent: 15,
            delay_ms: 150,
            crash_one_in: 0,
        }
    }
}

/// What a run showed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    pub agreement_violations: usize,
    pub double_signatures: usize,
    pub false_evidence: usize,
    pub invalid_decisions: usize,
    /// Correct members that did not get there in time.
    pub late: usize,
    /// When the last one got there.
    pub done_ms: u64,
    pub evidence: usize,
    pub crashes: usize,
    pub round_max: u32,
    pub events: usize,
}

impl Report {
    pub fn is_safe(&self) -> bool {
        self.agreement_violations
            + self.double_signatures
            + self.false_evidence
            + self.invalid_decisions
            == 0
    }
}

struct Node {
    member: MemberIndex,
    engine: Option<ConsensusEngine>,
    is_correct: bool,
    life: u32,
    disk: [Vec<u8>; 2],
    decided: Vec<(Hash, Vec<u8>)>,
    proposed: u64,
}

enum Event {
    Deliver {
        to: usize,
        from: MemberIndex,
        bytes: Vec<u8>,
    },
    Persisted {
        node: usize,
        life: u32,
        seq: u64,
        bytes: Vec<u8>,
    },
    Checked {
        node: usize,
        life: u32,
        height: Height,
        value: Hash,
    },
    Verified {
        node: usize,
        life: u32,
        batch: BatchId,
        good: u128,
    },
    Restart {
        node: usize,
    },
    Lie,
}

pub struct World {
    plan: Plan,
    random: u64,
    now: u64,
    queue: BTreeMap<(u64, u64), Event>,
    sequence: u64,
    nodes: Vec<Node>,
    signed: HashMap<(MemberIndex, Height, Round, VoteKind), Statement>,
    seen_values: Vec<Hash>,
    groups: u64,
    groups_until: u64,
    report: Report,
}

impl World {
    /// Runs a plan to its end.
    pub fn run(plan: &Plan) -> Report {
        let mut world = Self::new(plan.clone());
        for node in 0..world.nodes.len() {
            world.restart(node);
        }
        if plan.liar == Liar::Equivocator {
            world.push(1, Event::Lie);
        }
        while world.now < plan.end_ms * MS && !world.is_done() {
            world.step();
        }
        let wanted = plan.heights as usize;
        let late = |node: &&Node| node.is_correct && node.decided.len() < wanted;
        world.report.late = world.nodes.iter().filter(late).count();
        world.report.done_ms = world.now / MS;
        world.report
    }

    fn new(plan: Plan) -> Self {
        let count = plan.weights.len();
        let mut nodes: Vec<Node> = (0..count)
            .map(|at| Node {
                member: member(at as u16),
                engine: None,
                is_correct: plan.liar == Liar::None || at != 0,
                life: 0,
                disk: [Vec::new(), Vec::new()],
                decided: Vec::new(),
                proposed: 0,
            })
            .collect();
        match plan.liar {
            Liar::Twins => {
                let twin = Node {
                    member: member(0),
                    engine: None,
                    is_correct: false,
                    life: 0,
                    disk: [Vec::new(), Vec::new()],
                    decided: Vec::new(),
                    proposed: 1_000,
                };
                nodes.push(twin);
            }
            Liar::Silent | Liar::Equivocator | Liar::None => {}
        }
        Self {
            random: plan.seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1,
            plan,
            now: 0,
            queue: BTreeMap::new(),
            sequence: 0,
            nodes,
            signed: HashMap::new(),
            seen_values: Vec::new(),
            groups: 0,
            groups_until: 0,
            report: Report::default(),
        }
    }

    fn random(&mut self, below: u64) -> u64 {
        self.random = self.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % below
    }

    fn is_calm(&self) -> bool {
        self.now >= self.plan.calm_ms * MS
    }

    fn push(&mut self, after_ns: u64, event: Event) {
        self.sequence += 1;
        self.queue
            .insert((self.now + after_ns, self.sequence), event);
    }

    fn is_done(&self) -> bool {
        let wanted = self.plan.heights as usize;
        self.nodes
            .iter()
            .all(|node| !node.is_correct || node.decided.len() >= wanted)
    }

    fn step(&mut self) {
        self.report.events += 1;
        let timer = self
            .nodes
            .iter()
            .enumerate()
            .filter_map(|(at, node)| Some((node.engine.as_ref()?.next_deadline()?.get(), at)))
            .min();
        let event = self.queue.keys().next().map(|(at, _)| *at);
        match (timer, event) {
            (Some((due, node)), event) if event.is_none_or(|event| due < event) => {
                self.now = self.now.max(due);
                self.touch(node, |_| {});
            }
            (_, Some(_)) => {
                let ((at, _), event) = self.queue.pop_first().unwrap();
                self.now = at;
                self.happen(event);
            }
            _ => self.now = self.plan.end_ms * MS,
        }
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Deliver { to, from, bytes } => self.touch(to, |engine| {
                let limits = engine.limits().clone();
                if let Ok(message) = Message::decode(&bytes, &limits) {
                    let _refused = engine.handle_message(from, &message);
                }
            }),
            Event::Persisted {
                node,
                life,
                seq,
                bytes,
            } => {
                if self.nodes[node].life == life {
                    self.nodes[node].disk[(seq % 2) as usize] = bytes;
                    self.touch(node, |engine| engine.handle_persisted(seq).unwrap());
                }
            }
            Event::Checked {
                node,
                life,
                height,
                value,
            } => {
                let validity = if value.as_bytes()[0] == 0xBD {
                    Validity::Invalid
                } else {
                    Validity::Valid {
                        extension_hash: Hash::ZERO,
                    }
                };
                if self.nodes[node].life == life {
                    self.touch(node, |engine| {
                        engine.handle_validity(height, value, validity);
                    });
                }
            }
            Event::Verified {
                node,
                life,
                batch,
                good,
            } => {
                if self.nodes[node].life == life {
                    self.touch(node, |engine| {
                        engine.handle_verified(batch, good).unwrap();
                    });
                }
            }
            Event::Restart { node } => self.restart(node),
            Event::Lie => self.lie(),
        }
    }

    /// Starts a node from its disk.
    fn restart(&mut self, node: usize) {
        let count = self.plan.weights.len() as u16;
        let limits = limits(count);
        let this = &mut self.nodes[node];
        this.life += 1;
        if this.member == member(0) && self.plan.liar == Liar::Silent
            || this.member == member(0) && self.plan.liar == Liar::Equivocator
        {
            return;
        }
        let view = CommitteeView {
            weights: &self.plan.weights,
            me: Some(this.member),
        };
        let mut engine = ConsensusEngine::new(&limits, &self.plan.config, context(), view).unwrap();
        if this.is_correct {
            engine.weaken(self.plan.breaks);
        }
        engine.handle_now(Tick::new(self.now)).unwrap();
        let height = Height::new(this.decided.len() as u64 + 1);
        let record = newest_record([&this.disk[0], &this.disk[1]], &limits).unwrap();
        match record {
            Some(record) => {
                engine.resume_height(height, record).unwrap();
            }
            None => engine.start_height(height).unwrap(),
        }
        this.engine = Some(engine);
        self.drain(node);
    }

    /// Hands a node something in, and carries out what it wants.
    fn touch(&mut self, node: usize, work: impl FnOnce(&mut ConsensusEngine)) {
        let now = self.now;
        let Some(engine) = self.nodes[node].engine.as_mut() else {
            return;
        };
        engine.handle_now(Tick::new(now)).unwrap();
        work(engine);
        engine.verify().unwrap();
        self.report.round_max = self.report.round_max.max(engine.round().get());
        self.drain(node);
    }

    fn drain(&mut self, node: usize) {
        loop {
            let one_in = self.plan.crash_one_in;
            let may_crash = one_in > 0 && !self.is_calm() && self.nodes[node].is_correct;
            if may_crash && self.random(one_in) == 0 {
                self.crash(node);
                if self.random(20) == 0 {
                    (0..self.nodes.len()).for_each(|node| self.crash(node));
                }
                return;
            }
            let Some(engine) = self.nodes[node].engine.as_mut() else {
                return;
            };
            let Some(effect) = engine.poll_effect() else {
                return;
            };
            self.carry_out(node, effect);
        }
    }

    /// Loses all that was not on disk; a write that was under way may be torn.
    fn crash(&mut self, node: usize) {
        if self.nodes[node].engine.take().is_none() || !self.nodes[node].is_correct {
            return;
        }
        self.report.crashes += 1;
        self.nodes[node].life += 1;
        let lost: Vec<(u64, u64)> = self
            .queue
            .iter()
            .filter(|(_, event)| matches!(event, Event::Persisted { node: at, .. } if *at == node))
            .map(|(key, _)| *key)
            .collect();
        for key in lost {
            let Some(Event::Persisted { seq, mut bytes, .. }) = self.queue.remove(&key) else {
                continue;
            };
            match self.random(3) {
                0 => {}
                1 => {
                    let torn = self.random(bytes.len() as u64) as usize;
                    bytes[torn..].fill(0xEE);
                    self.nodes[node].disk[(seq % 2) as usize] = bytes;
                }
                _ => self.nodes[node].disk[(seq % 2) as usize] = bytes,
            }
        }
        let after = 1 + self.random(800 * MS);
        self.push(after, Event::Restart { node });
    }

    fn carry_out(&mut self, node: usize, effect: Effect) {
        let life = self.nodes[node].life;
        let engine = self.nodes[node].engine.as_mut().unwrap();
        match effect {
            Effect::Persist { seq } => {
                let mut bytes = vec![0; record_bytes_max(engine.limits())];
                let len = engine.write_record(&mut bytes).unwrap();
                bytes.truncate(len);
                let after = 1 + self.random(5 * MS);
                self.push(
                    after,
                    Event::Persisted {
                        node,
                        life,
                        seq,
                        bytes,
                    },
                );
            }
            Effect::Sign { ticket, bytes } => self.sign(node, &ticket, &bytes),
            Effect::Send { to, message } => {
                let mut bytes = vec![0; message_bytes_max(engine.limits())];
                let len = engine.write_message(&message, &mut bytes).unwrap();
                bytes.truncate(len);
                if len > 0 {
                    self.send(node, to, &bytes);
                }
            }
            Effect::Verify { batch, count } => {
                let good = verify(engine, batch, count);
                let after = 1 + self.random(MS);
                self.push(
                    after,
                    Event::Verified {
                        node,
                        life,
                        batch,
                        good,
                    },
                );
            }
            Effect::GetValue { height, round, .. } => self.name_value(node, height, round),
            Effect::Validate { height, value, .. } => self.check(node, height, value),
            Effect::Decide { height, value, .. } => self.decide(node, height, value),
            Effect::SendDecided { to, height } => {
                let stored = self.nodes[node]
                    .decided
                    .get(height.get() as usize - 1)
                    .cloned();
                if let Some((_, bytes)) = stored {
                    self.send(node, Recipient::One(to), &bytes);
                }
            }
            Effect::Evidence { .. } => {
                let by = engine.evidence().unwrap().member;
                self.report.evidence += 1;
                let is_false = self.plan.liar == Liar::None || by != member(0);
                self.report.false_evidence += usize::from(is_false);
            }
        }
    }

    fn sign(&mut self, node: usize, ticket: &SignTicket, bytes: &[u8]) {
        let by = self.nodes[node].member;
        self.note_signed(node, ticket.statement);
        let engine = engine_of(&mut self.nodes[node]);
        engine.handle_signed(ticket, &sign(by, bytes)).unwrap();
    }

    /// Has a value checked, which takes a while.
    fn check(&mut self, node: usize, height: Height, value: Hash) {
        self.seen_values.push(value);
        let life = self.nodes[node].life;
        let after = 1 + self.random(10 * MS);
        self.push(
            after,
            Event::Checked {
                node,
                life,
                height,
                value,
            },
        );
    }

    /// A value that nobody has named before.
    fn name_value(&mut self, node: usize, height: Height, round: Round) {
        let this = &mut self.nodes[node];
        this.proposed += 1;
        let mut bytes = [this.member.get() as u8 + 1; 32];
        bytes[8..16].copy_from_slice(&height.get().to_le_bytes());
        bytes[16..24].copy_from_slice(&this.proposed.to_le_bytes());
        bytes[24..28].copy_from_slice(&this.life.to_le_bytes());
        engine_of(this).handle_value(height, round, Hash::new(bytes), Hash::ZERO);
    }

    fn note_signed(&mut self, node: usize, statement: Statement) {
        if !self.nodes[node].is_correct {
            return;
        }
        let by = self.nodes[node].member;
        let key = (by, statement.height, statement.round, statement.kind);
        let first = *self.signed.entry(key).or_insert(statement);
        self.report.double_signatures += usize::from(first != statement);
    }

    /// Stores a decision with its certificate, and goes on.
    fn decide(&mut self, node: usize, height: Height, value: Hash) {
        let this = &mut self.nodes[node];
        let engine = this.engine.as_mut().unwrap();
        let mut bytes = vec![0; message_bytes_max(engine.limits())];
        let len = engine
            .write_message(&Outgoing::CommitCertificate, &mut bytes)
            .unwrap();
        bytes.truncate(len);
        assert!(len > 0, "a decision has its certificate");
        assert_eq!(this.decided.len() as u64 + 1, height.get());
        this.decided.push((value, bytes));
        engine.start_height(height.next()).unwrap();
        if this.is_correct {
            let at = this.decided.len() - 1;
            let own = this.member;
            let others = self
                .nodes
                .iter()
                .filter(|node| node.is_correct && node.member != own);
            let differs =
                others.filter(|node| node.decided.get(at).is_some_and(|(v, _)| *v != value));
            self.report.agreement_violations += differs.count();
            self.report.invalid_decisions += usize::from(value.as_bytes()[0] == 0xBD);
        }
    }

    fn send(&mut self, node: usize, to: Recipient, bytes: &[u8]) {
        let from = self.nodes[node].member;
        for at in 0..self.nodes.len() {
            let target = self.nodes[at].member;
            let is_meant = match to {
                Recipient::All => target != from,
                Recipient::One(one) => target == one,
            };
            if is_meant {
                self.transmit(node, at, from, bytes.to_vec());
            }
        }
    }

    /// One message over one link, with what happens to it.
    fn transmit(&mut self, sender: usize, to: usize, from: MemberIndex, bytes: Vec<u8>) {
        if self.groups_until <= self.now {
            self.groups = self.random(1 << 16);
            self.groups_until = self.now + 200 * MS + self.random(1_000 * MS);
        }
        // A twin is heard by some only, whatever the weather.
        let twin_count = self.plan.weights.len();
        let is_twin = self.plan.liar == Liar::Twins && from == member(0);
        if is_twin && ((self.groups >> (to % 4)) & 1 == 0) == (sender == twin_count) {
            return;
        }
        if self.is_calm() {
            let after = 1 + self.random(10 * MS);
            self.push(after, Event::Deliver { to, from, bytes });
            return;
        }
        let is_parted = (self.groups >> 8).is_multiple_of(3)
            && (self.groups >> (sender % 4)) & 1 != (self.groups >> (to % 4)) & 1;
        if is_parted || self.random(100) < self.plan.loss_percent {
            return;
        }
        let copies = 1 + u64::from(self.random(20) == 0);
        for _ in 0..copies {
            let after = 1 + self.random(self.plan.delay_ms * MS);
            self.push(
                after,
                Event::Deliver {
                    to,
                    from,
                    bytes: bytes.clone(),
                },
            );
        }
    }
}

fn engine_of(node: &mut Node) -> &mut ConsensusEngine {
    node.engine.as_mut().unwrap()
}

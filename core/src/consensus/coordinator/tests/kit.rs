//! A committee in one process: links that deliver in order, disks, and members that misbehave.

use std::boxed::Box;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::format;
use std::vec;
use std::vec::Vec;

use crate::certificate::{CommitCertificate, CommitProof, Electorate};
use crate::consensus::*;
use crate::crypto::hash::{Domain, hash_parts};
use crate::crypto::signature::{Provider, Randomness, SIGNATURE_BYTES, Signature};
use crate::sequencer::Membership;
use crate::sequencer::tests::kit::{NETWORK, key, membership};
use crate::types::{Hash, Height, SequencerId, Tick};

pub const MS: u64 = 1_000_000;
/// How long a message takes.
const DELAY_NS: u64 = 2 * MS;

pub fn limits() -> CoordinatorLimits {
    CoordinatorLimits {
        value_bytes_max: 4_096,
        certificate_count_max: 4,
        ..CoordinatorLimits::default()
    }
}

/// What a member does that it must not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Gives no body to anybody.
    Withholds,
    /// Gives wrong bodies.
    SendsWrongBodies,
}

/// What goes wrong by chance until it ends.
pub struct Chance {
    state: u64,
    /// From when on nothing goes wrong any more.
    pub until: Tick,
}

impl Chance {
    pub fn new(seed: u64, until: Tick) -> Self {
        let state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        Self { state, until }
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        (self.state >> 11) % bound
    }

    /// Whether a node stops before its next effect.
    fn stops(&mut self, now: Tick) -> bool {
        now < self.until && self.below(300) == 0
    }

    /// Whether a message is lost.
    fn loses(&mut self, now: Tick) -> bool {
        now < self.until && self.below(6) == 0
    }
}

/// A signature that only this test could make.
fn cheap_signature(member: u16, bytes: &[u8]) -> Signature {
    let digest = hash_parts(Domain::VOTE, &[&member.to_le_bytes(), bytes]);
    let mut signature = [0; SIGNATURE_BYTES];
    signature[..Hash::LEN].copy_from_slice(digest.as_bytes());
    Signature::new(signature)
}

/// What survives a stop.
#[derive(Default)]
pub struct Disk {
    pub places: [Vec<u8>; 2],
    pub bodies: BTreeMap<Hash, Vec<u8>>,
    /// By height: the value and its certificate.
    pub decided: BTreeMap<u64, (Hash, Vec<u8>)>,
}

pub struct Node {
    pub id: SequencerId,
    /// Nothing while it is stopped.
    pub coordinator: Option<ConsensusCoordinator>,
    pub disk: Disk,
    pub fault: Option<Fault>,
    pub effects: Vec<CoordinatorEffect>,
    pub refused: Vec<RefusedInput>,
}

pub struct Net {
    pub nodes: Vec<Node>,
    pub now: Tick,
    pub config: CoordinatorConfig,
    /// By time and order: to whom, from whom, what.
    queue: BTreeMap<(u64, u64), (usize, SequencerId, Vec<u8>)>,
    sent_count: u64,
    /// Nobody begins a height above this.
    pub last: u64,
    /// The members from epoch 0 on, and the last height of each epoch but the newest.
    pub epochs: Vec<(Membership, u64)>,
    /// Signatures and certificates that were checked before: one check serves all members, since
    /// all have the same keys.
    checked: BTreeMap<Vec<u8>, bool>,
    proofs: RefCell<BTreeMap<Vec<u8>, CommitProof>>,
    /// What goes wrong by chance, and signatures that cost nothing; nothing in most tests.
    pub chance: Option<Chance>,
    /// How many did, or will.
    pub restart_count: u64,
    /// When stopped nodes come back.
    restarts: BTreeMap<(u64, usize), ()>,
    /// Which values hosts find bad.
    pub is_bad: fn(&[u8]) -> bool,
}

impl Net {
    /// Nodes 0 .. `node_count`, of which the first `member_count` are the members of epoch 0.
    pub fn new(node_count: u32, member_count: usize) -> Self {
        let mut net = Self {
            nodes: Vec::new(),
            now: Tick::new(1),
            config: CoordinatorConfig::default(),
            queue: BTreeMap::new(),
            sent_count: 0,
            last: 0,
            epochs: vec![(membership(0, &vec![1; member_count]), u64::MAX)],
            checked: BTreeMap::new(),
            proofs: RefCell::new(BTreeMap::new()),
            chance: None,
            restart_count: 0,
            restarts: BTreeMap::new(),
            is_bad: |_| false,
        };
        for number in 0..node_count {
            net.nodes.push(Node {
                id: SequencerId::new(number),
                coordinator: None,
                disk: Disk::default(),
                fault: None,
                effects: Vec::new(),
                refused: Vec::new(),
            });
        }
        net
    }

    /// The number of the epoch that a height belongs to.
    pub fn epoch_of(&self, height: u64) -> usize {
        let ended = self.epochs.iter().take_while(|(_, last)| *last < height);
        ended.count()
    }

    /// Starts a node, from its disk where it has one.
    pub fn start(&mut self, at: usize) {
        let next = self.nodes[at].disk.decided.len() as u64 + 1;
        let members = &self.epochs[self.epoch_of(next)].0;
        let mut coordinator = ConsensusCoordinator::new(&CoordinatorSetup {
            limits: &limits(),
            config: &self.config,
            network: NETWORK,
            provider: Provider::MlDsa65,
            membership: members,
            me: Some(self.nodes[at].id),
            identify: body_hash,
        })
        .unwrap();
        coordinator.handle_now(self.now).unwrap();
        let places = &self.nodes[at].disk.places;
        let newest = newest_record([&places[0], &places[1]], &limits().consensus).unwrap();
        match newest {
            Some(record) => {
                coordinator.resume(Height::new(next), record).unwrap();
            }
            None => coordinator.start(Height::new(next)).unwrap(),
        }
        self.nodes[at].coordinator = Some(coordinator);
        self.drain(at);
    }

    pub fn start_all(&mut self) {
        for at in 0..self.nodes.len() {
            self.start(at);
        }
    }

    /// Stops a node; messages on their way to it are lost.
    pub fn stop(&mut self, at: usize) {
        self.nodes[at].coordinator = None;
    }

    /// Goes on until this holds, for so much time at most.
    pub fn run_until(&mut self, most_ns: u64, is_done: impl Fn(&Self) -> bool) {
        let end = self.now.saturating_add(most_ns);
        while !is_done(self) {
            assert!(self.now < end, "it is not done after {most_ns} ns");
            self.step();
        }
    }

    /// Until every running node has decided this height.
    pub fn run_to(&mut self, height: u64) {
        self.last = self.last.max(height);
        for at in 0..self.nodes.len() {
            self.go_on(at);
            self.drain(at);
        }
        self.run_until(60_000 * MS, |net| {
            let mut running = net.nodes.iter().filter(|node| node.coordinator.is_some());
            running.all(|node| node.disk.decided.len() as u64 >= height)
        });
    }

    /// The next message or timer.
    pub fn step(&mut self) {
        let timers = self
            .nodes
            .iter()
            .filter_map(|node| node.coordinator.as_ref());
        let timer = timers.filter_map(|node| node.next_deadline()).min();
        let message = self.queue.keys().next().map(|(at, _)| Tick::new(*at));
        let restart = self.restarts.keys().next().map(|(at, _)| Tick::new(*at));
        let next = [timer, message, restart].into_iter().flatten().min();
        self.now = next.expect("somebody waits for something").max(self.now);
        while let Some(entry) = self.restarts.first_entry() {
            let (due, at) = *entry.key();
            if due > self.now.get() {
                break;
            }
            entry.remove();
            self.start(at);
        }
        while let Some(entry) = self.queue.first_entry() {
            if entry.key().0 > self.now.get() {
                break;
            }
            let (to, from, bytes) = entry.remove();
            self.deliver(to, from, &bytes);
        }
        for at in 0..self.nodes.len() {
            if let Some(node) = &mut self.nodes[at].coordinator {
                node.handle_now(self.now).unwrap();
            }
            self.drain(at);
        }
    }

    pub fn deliver(&mut self, to: usize, from: SequencerId, bytes: &[u8]) {
        let now = self.now;
        let node = &mut self.nodes[to];
        let Some(coordinator) = &mut node.coordinator else {
            return;
        };
        coordinator.handle_now(now).unwrap();
        if let Err(refused) = coordinator.handle_message(from, bytes) {
            node.refused.push(refused);
        }
        coordinator.verify().unwrap();
        self.drain(to);
    }

    /// Carries out what a node wants until it wants nothing.
    pub fn drain(&mut self, at: usize) {
        let Some(mut node) = self.nodes[at].coordinator.take() else {
            return;
        };
        let mut count = 0;
        while let Some(effect) = node.poll_effect() {
            count += 1;
            assert!(count < 2_000, "effects come to an end");
            if let Some(chance) = &mut self.chance
                && chance.stops(self.now)
            {
                let back = self.now.get() + chance.below(200) * MS;
                self.restart_count += 1;
                self.restarts.insert((back, at), ());
                return;
            }
            self.nodes[at].effects.push(effect);
            self.carry_out(at, &mut node, effect);
        }
        node.verify().unwrap();
        self.nodes[at].coordinator = Some(node);
    }

    fn carry_out(&mut self, at: usize, node: &mut ConsensusCoordinator, effect: CoordinatorEffect) {
        let disk = &mut self.nodes[at].disk;
        match effect {
            CoordinatorEffect::Persist { seq } => {
                let mut record = vec![0; record_bytes_max(&limits().consensus)];
                let len = node.write_record(&mut record).unwrap();
                disk.places[(seq % 2) as usize] = record[..len].to_vec();
                node.handle_persisted(seq).unwrap();
            }
            CoordinatorEffect::Sign { ticket, bytes } => {
                let signature = self.sign(at, &bytes);
                node.handle_signed(&ticket, signature.as_bytes()).unwrap();
            }
            CoordinatorEffect::Send { to, message } => {
                let mut bytes = vec![0; limits().message_bytes_max()];
                let len = node.write_message(&message, &mut bytes).unwrap();
                self.send(at, node, to, &bytes[..len]);
            }
            CoordinatorEffect::Verify { batch, count } => {
                let work = node.verify_batch(batch);
                assert_eq!(work.len(), usize::from(count));
                let good = self.verify(&work);
                assert_eq!(node.handle_verified(batch, good), Ok(true));
            }
            CoordinatorEffect::GetValue { height, round, .. } => {
                let body = format!("slot {height} of {at} in round {round}").into_bytes();
                let is_taken = node.handle_value(height, round, &body, Hash::ZERO);
                assert_eq!(is_taken, Ok(true));
            }
            CoordinatorEffect::StoreBody { height, value } => {
                let body = node.body(value).unwrap();
                disk.bodies.insert(value, body.to_vec());
                assert!(node.handle_stored(height, value));
            }
            CoordinatorEffect::LoadBody { height, value } => {
                let body = disk.bodies.get(&value).map(Vec::as_slice);
                assert_eq!(node.handle_loaded(height, value, body), Ok(true));
            }
            CoordinatorEffect::Validate { height, value } => {
                let is_bad = (self.is_bad)(node.body(value).unwrap());
                let extension_hash = Hash::ZERO;
                let validity = match is_bad {
                    true => Validity::Invalid,
                    false => Validity::Valid { extension_hash },
                };
                assert!(node.handle_validity(height, value, Verdict::Known(validity)));
            }
            CoordinatorEffect::SendBody { to, height, value } => {
                self.send_stored_body(at, node, to, height, value);
            }
            CoordinatorEffect::SendDecided { to, height } => {
                if let Some((_, certificate)) = disk.decided.get(&height.get()).cloned() {
                    self.send(at, node, Destination::One(to), &certificate);
                }
            }
            CoordinatorEffect::Decide { height, value, .. } => self.decide(at, node, height, value),
            CoordinatorEffect::Evidence { .. } => assert!(node.evidence().is_some()),
            CoordinatorEffect::WrongBody { .. } | CoordinatorEffect::Stalled { .. } => {}
        }
    }

    fn sign(&self, at: usize, bytes: &[u8]) -> Signature {
        let number = self.nodes[at].id.get();
        match self.chance {
            Some(_) => cheap_signature(number as u16, bytes),
            None => key(number).sign(bytes, &Randomness::ZERO).unwrap(),
        }
    }

    fn verify(&mut self, work: &VerifyBatch<'_>) -> u128 {
        let mut good = 0;
        for position in 0..work.len() {
            let item = work.item(position).unwrap();
            let is_good = if self.chance.is_some() {
                let own = cheap_signature(item.member.get(), &item.bytes);
                own.as_bytes() == item.signature
            } else {
                let member = item.member.get().to_le_bytes();
                let what = [&member, item.bytes.as_slice(), item.signature].concat();
                let checked = self.checked.entry(what);
                *checked.or_insert_with(|| work.is_good(position))
            };
            good |= u128::from(is_good) << position;
        }
        good
    }

    fn send_stored_body(
        &mut self,
        at: usize,
        node: &ConsensusCoordinator,
        to: SequencerId,
        height: Height,
        value: Hash,
    ) {
        let Some(body) = self.nodes[at].disk.bodies.get(&value) else {
            return;
        };
        let name = BodyName {
            epoch: node.epoch(),
            height,
            value,
        };
        let mut bytes = vec![0; limits().message_bytes_max()];
        let len = write_put_body(&mut bytes, &name, body).unwrap();
        self.send(at, node, Destination::One(to), &bytes[..len]);
    }

    fn decide(&mut self, at: usize, node: &mut ConsensusCoordinator, height: Height, value: Hash) {
        let certificate = node.certificate(height).unwrap().to_vec();
        if self.chance.is_none() {
            let proof = self.check(height.get(), &certificate);
            proof.expect(height, value).unwrap();
        }
        let disk = &mut self.nodes[at].disk;
        assert!(
            disk.bodies.contains_key(&value),
            "what is decided is stored"
        );
        disk.decided.insert(height.get(), (value, certificate));
        self.go_on_with(node);
    }

    /// Checks a certificate with nothing but the public keys of its epoch.
    pub fn check(&self, height: u64, certificate: &[u8]) -> CommitProof {
        if let Some(proof) = self.proofs.borrow().get(certificate) {
            return *proof;
        }
        let members = &self.epochs[self.epoch_of(height)].0;
        let electorate = Electorate::new(NETWORK, Provider::MlDsa65, members, 16).unwrap();
        let decoded = CommitCertificate::decode(certificate).unwrap();
        let proof = decoded.verify(&electorate).unwrap();
        self.proofs.borrow_mut().insert(certificate.to_vec(), proof);
        proof
    }

    fn go_on(&mut self, at: usize) {
        if let Some(mut node) = self.nodes[at].coordinator.take() {
            self.go_on_with(&mut node);
            self.nodes[at].coordinator = Some(node);
        }
    }

    fn go_on_with(&self, node: &mut ConsensusCoordinator) {
        let height = node.height().get();
        if node.decided().is_none() || height >= self.last {
            return;
        }
        let epoch = self.epoch_of(height);
        if self.epochs[epoch].1 == height {
            node.start_epoch(&self.epochs[epoch + 1].0).unwrap();
        } else {
            node.start_next().unwrap();
        }
    }

    /// What a member's fault makes of a message.
    fn tamper(&self, at: usize, bytes: &[u8]) -> Option<Vec<u8>> {
        let mut bytes = bytes.to_vec();
        let is_body = bytes.get(1) == Some(&8);
        match self.nodes[at].fault.filter(|_| is_body) {
            None => Some(bytes),
            Some(Fault::Withholds) => None,
            Some(Fault::SendsWrongBodies) => {
                let last = bytes.last_mut()?;
                *last ^= 1;
                Some(bytes)
            }
        }
    }

    fn send(&mut self, at: usize, node: &ConsensusCoordinator, to: Destination, bytes: &[u8]) {
        let bytes = match self.tamper(at, bytes) {
            Some(bytes) if !bytes.is_empty() => bytes,
            _ => return,
        };
        let from = self.nodes[at].id;
        let receivers: Box<[SequencerId]> = match to {
            Destination::Members => node.members().into(),
            Destination::One(id) => [id].into(),
        };
        for to in receivers.iter().filter(|id| **id != from) {
            self.sent_count += 1;
            let mut delay_ns = DELAY_NS;
            if let Some(chance) = &mut self.chance {
                if chance.loses(self.now) {
                    continue;
                }
                delay_ns += chance.below(20) * MS;
            }
            let due = (self.now.get() + delay_ns, self.sent_count);
            let message = (to.get() as usize, from, bytes.clone());
            self.queue.insert(due, message);
        }
    }

    /// Whether all that was decided agrees, height by height.
    pub fn assert_agreement(&self) {
        let mut decided = BTreeMap::new();
        for node in &self.nodes {
            for (height, (value, _)) in &node.disk.decided {
                assert_eq!(
                    decided.entry(*height).or_insert(*value),
                    value,
                    "height {height}"
                );
            }
        }
    }

    pub fn node(&self, at: usize) -> &ConsensusCoordinator {
        self.nodes[at].coordinator.as_ref().unwrap()
    }
}

//! What happens in a world of forks, one event after another.

use std::collections::BTreeMap;
use std::rc::Rc;

use hauptbuch_core::consensus::{
    CommitteeView, ConsensusConfig, ConsensusEngine, ConsensusLimits, Message, Recipient,
    SigningContext, message_bytes_max, record_bytes_max,
};
use hauptbuch_core::receive_log::{Entry, ExtensionError, Point, ReceiveLogLimits, verify_fork};
use hauptbuch_core::types::{Hash, Height, LogPosition, MemberIndex, RollupId, Tick, TxId};

use super::super::key::{Keys, SIGNATURE_LEN};
use super::super::plan::MS;
use super::super::random::Random;
use super::host::{Disk, EPOCH, Host};
use super::liar::Liar;
use super::signing::{LogKeys, SUITE, Slot};
use super::{ForkReport, ForkSettings};

/// How long a write takes; equal for all, so that none overtakes another.
pub(super) const WRITE_NS: u64 = 2 * MS;
/// How long a host waits before it asks for an extent again.
pub(super) const PULL_AGAIN_NS: u64 = 20 * MS;
/// How long a message takes at most.
const DELAY_NS: u64 = 5 * MS;

/// What goes over a link.
#[derive(Clone, Debug)]
pub(super) enum Packet {
    Consensus(Rc<[u8]>),
    Extension(Rc<[u8]>),
    /// Asks for an extent of a log.
    Pull {
        height: Height,
        log: u16,
        from: LogPosition,
        to: Point,
    },
}

#[derive(Debug)]
pub(super) enum Event {
    Deliver {
        from: u16,
        to: u16,
        packet: Packet,
    },
    Wake {
        at: u16,
        life: u32,
    },
    Written {
        at: u16,
        life: u32,
        write: Box<Write>,
    },
    PullAgain {
        at: u16,
        life: u32,
    },
    Restart {
        at: u16,
    },
    Lie {
        liar: usize,
    },
}

/// A write, and what waits for it.
#[derive(Debug)]
pub(super) struct Write {
    pub image: Disk,
    pub seq: Option<u64>,
    pub gossip: Option<Rc<[u8]>>,
    pub starts: Option<Height>,
}

/// Whether a packet from one to another gets through; a schedule's own.
pub(super) type Script = fn(from: u16, to: u16, packet: &Packet) -> bool;

/// One run.
pub(super) struct World {
    pub settings: ForkSettings,
    pub limits: ConsensusLimits,
    pub logs: ReceiveLogLimits,
    pub config: ConsensusConfig,
    pub context: SigningContext,
    pub keys: Keys,
    pub random: Random,
    pub now_ns: u64,
    pub hosts: Vec<Option<Host>>,
    pub liars: Vec<Liar>,
    pub slots: BTreeMap<Hash, Rc<Slot>>,
    pub report: ForkReport,
    pub script: Option<Script>,
    /// Whether hosts log ids beside their stamps.
    pub logs_ids: bool,
    queue: BTreeMap<(u64, u64), Event>,
    event_count: u64,
    pub entry_count: u64,
    pub scratch: Vec<u8>,
}

impl World {
    pub fn new(settings: &ForkSettings, seed: u64) -> Self {
        let count = settings.sequencers;
        let limits = ConsensusLimits {
            validator_count_max: count,
            signature_bytes_max: SIGNATURE_LEN as u16,
            schedule_count_max: 64,
            ..ConsensusLimits::default()
        };
        let logs = settings.log_limits();
        let room = message_bytes_max(&limits)
            .max(record_bytes_max(&limits))
            .max(logs.extension_bytes_max() as usize);
        let is_liar = |member: &u16| settings.liars.contains(member);
        let host = |member: u16| (!is_liar(&member)).then(|| Host::new(&logs, member));
        Self {
            settings: settings.clone(),
            config: ConsensusConfig::default(),
            context: SigningContext {
                chain_id: Hash::new([0x5E; 32]),
                epoch: EPOCH,
                suite_id: SUITE,
            },
            keys: Keys::new(seed),
            random: Random::new(seed ^ 0xF0F0),
            now_ns: 0,
            hosts: (0..count).map(host).collect(),
            liars: settings
                .liars
                .iter()
                .map(|member| Liar::new(*member))
                .collect(),
            slots: BTreeMap::new(),
            report: ForkReport::default(),
            script: None,
            logs_ids: true,
            queue: BTreeMap::new(),
            event_count: 0,
            entry_count: 0,
            scratch: vec![0; room],
            limits,
            logs,
        }
    }

    pub fn begin(&mut self) {
        for at in 0..self.settings.sequencers {
            self.restart(at);
        }
    }

    pub fn lie_at_random(&mut self) {
        for liar in 0..self.liars.len() {
            self.push(MS, Event::Lie { liar });
        }
    }

    pub const fn is_calm(&self) -> bool {
        self.now_ns >= self.settings.calm_ns
    }

    /// The correct members that are there.
    pub fn correct(&self) -> impl Iterator<Item = &Host> {
        self.hosts.iter().flatten()
    }

    fn is_done(&self) -> bool {
        let heights = self.settings.heights;
        self.correct()
            .all(|host| host.disk.decided.len() as u64 >= heights)
    }

    /// Goes on until all is done, or the time is over.
    pub fn run_to_the_end(&mut self) {
        let end_ns = self.settings.calm_ns + self.settings.bound_ns;
        while !self.is_done() && self.now_ns < end_ns && self.step() {}
    }

    /// Goes on until something holds; false where it did not within so long.
    #[cfg(test)]
    pub fn run_until(&mut self, within_ns: u64, holds: impl Fn(&Self) -> bool) -> bool {
        let end_ns = self.now_ns + within_ns;
        while !holds(self) {
            if self.now_ns >= end_ns || !self.step() {
                return false;
            }
        }
        true
    }

    pub fn finish(mut self) -> ForkReport {
        let heights = self.settings.heights;
        let counts: Vec<u64> = self
            .correct()
            .map(|host| host.disk.decided.len() as u64)
            .collect();
        self.report.heights_decided_min = counts.iter().copied().min().unwrap_or(0);
        self.report.late = counts.iter().filter(|count| **count < heights).count() as u64;
        for height in 0..heights as usize {
            let values = self
                .correct()
                .filter_map(|host| host.disk.decided.get(height));
            let values: Vec<Hash> = values.map(|stored| stored.value).collect();
            let differs = values.iter().any(|value| Some(value) != values.first());
            self.report.agreement_violations += u64::from(differs);
        }
        let convicted = self.correct().map(|host| host.convicted.len() as u64);
        self.report.convicted = convicted.max().unwrap_or(0);
        self.report.done_ns = self.now_ns;
        self.report
    }

    pub fn push(&mut self, after_ns: u64, event: Event) {
        self.event_count += 1;
        let key = (self.now_ns + after_ns, self.event_count);
        self.queue.insert(key, event);
    }

    fn step(&mut self) -> bool {
        let Some(((at_ns, _), event)) = self.queue.pop_first() else {
            return false;
        };
        self.now_ns = at_ns;
        match event {
            Event::Deliver { from, to, packet } => self.arrive(from, to, &packet),
            Event::Wake { at, life } => {
                let now_ns = self.now_ns;
                self.touch(at, Some(life), |_, host, _| {
                    if host.wake_at == Some(now_ns) {
                        host.wake_at = None;
                    }
                });
            }
            Event::Written { at, life, write } => self.written(at, life, *write),
            Event::PullAgain { at, life } => self.touch(at, Some(life), |world, host, _| {
                world.pull(host);
            }),
            Event::Restart { at } => self.restart(at),
            Event::Lie { liar } => {
                self.lie(liar);
                self.push(3 * MS, Event::Lie { liar });
            }
        }
        true
    }

    /// Sends over a link, with what happens to it on the way.
    pub fn send(&mut self, from: u16, to: u16, packet: Packet) {
        let passes = self.script.is_none_or(|script| script(from, to, &packet));
        let is_lost = !self.is_calm() && self.random.per_mille(self.settings.loss_per_mille);
        if !passes || is_lost {
            return;
        }
        let delay_ns = match self.script {
            Some(_) => MS,
            None => 1 + self.random.below(DELAY_NS),
        };
        self.push(delay_ns, Event::Deliver { from, to, packet });
    }

    pub fn broadcast(&mut self, from: u16, to: Recipient, packet: &Packet) {
        for other in (0..self.settings.sequencers).filter(|other| *other != from) {
            let is_meant = match to {
                Recipient::All => true,
                Recipient::One(one) => one.get() == other,
            };
            if is_meant {
                self.send(from, other, packet.clone());
            }
        }
    }

    fn arrive(&mut self, from: u16, to: u16, packet: &Packet) {
        let liar = self.liars.iter().position(|liar| liar.member == to);
        if let Some(liar) = liar.filter(|_| self.hosts[usize::from(to)].is_none()) {
            self.liar_hears(liar, from, packet);
            return;
        }
        match packet {
            Packet::Consensus(bytes) => {
                let limits = self.limits.clone();
                self.touch(to, None, |world, _, engine| {
                    match Message::decode(bytes, &limits) {
                        Ok(message) => {
                            let sender = MemberIndex::new(from);
                            let _refused = engine.handle_message(sender, &message);
                        }
                        Err(_) => world.report.refusals += 1,
                    }
                });
            }
            Packet::Extension(bytes) => {
                let bytes = Rc::clone(bytes);
                self.touch(to, None, |world, host, engine| {
                    world.admit(host, &bytes);
                    host.take_back(engine, &world.slots);
                });
            }
            Packet::Pull {
                height,
                log,
                from: start,
                to: end,
            } => self.answer(to, from, *height, *log, *start, end),
        }
    }

    /// Gives an extent to who asks for it, of this height or of one that is decided.
    fn answer(
        &mut self,
        at: u16,
        to: u16,
        height: Height,
        log: u16,
        from: LogPosition,
        end: &Point,
    ) {
        let Some(host) = self.hosts[usize::from(at)].as_ref() else {
            return;
        };
        if host.engine.is_none() {
            return;
        }
        let stored = host.decided.get(height.get() as usize - 1);
        let bytes = match stored {
            Some(stored) => stored.extents[usize::from(log)].clone(),
            None => {
                let mut bytes = core::mem::take(&mut self.scratch);
                let written = host.extents.write_extension(log, from, end, &mut bytes);
                let copy = written.ok().map(|len| Rc::from(&bytes[..len]));
                self.scratch = bytes;
                copy
            }
        };
        if let Some(bytes) = bytes {
            self.send(at, to, Packet::Extension(bytes));
        }
    }

    /// Takes an extension, and keeps the evidence that comes of it.
    pub fn admit(&mut self, host: &mut Host, bytes: &[u8]) {
        let mut proof = vec![0; self.logs.fork_bytes_max() as usize];
        let admitted = host.extents.admit(bytes, &LogKeys(&self.keys), &mut proof);
        let admitted = match admitted {
            Ok(admitted) => admitted,
            Err(ExtensionError::BufferTooSmall) => {
                self.report.refusals += 1;
                return;
            }
            Err(_) => return,
        };
        if admitted.fork_bytes == 0 {
            return;
        }
        self.report.named_branches += u64::from(admitted.entries > 0);
        proof.truncate(admitted.fork_bytes);
        if self.is_proof(admitted.member, &proof) {
            host.evidence
                .entry(admitted.member)
                .or_insert_with(|| Rc::from(proof));
        } else {
            self.report.false_evidence += 1;
        }
    }

    /// Whether evidence verifies and names a member that lies.
    fn is_proof(&self, member: u16, proof: &[u8]) -> bool {
        let named = verify_fork(proof, &self.logs, &LogKeys(&self.keys));
        let forks = self.liars.iter().any(|liar| liar.member == member);
        named.is_ok_and(|log| log.member == member && log.epoch == EPOCH) && forks
    }

    /// Hands something in, and carries out all that the engine and its host want then.
    pub fn touch(
        &mut self,
        at: u16,
        life: Option<u32>,
        input: impl FnOnce(&mut Self, &mut Host, &mut ConsensusEngine),
    ) {
        let Some(mut host) = self.hosts[usize::from(at)].take() else {
            return;
        };
        // An answer to an earlier life is not heard.
        let is_meant = life.is_none_or(|life| life == host.life);
        let engine = if is_meant { host.engine.take() } else { None };
        let Some(mut engine) = engine else {
            self.hosts[usize::from(at)] = Some(host);
            return;
        };
        self.report.refusals += u64::from(engine.handle_now(Tick::new(self.now_ns)).is_err());
        input(self, &mut host, &mut engine);
        if self.carry_on(&mut host, &mut engine) {
            let due = engine.next_deadline().map(|due| due.get().max(self.now_ns));
            if due != host.wake_at {
                host.wake_at = due;
                let life = host.life;
                if let Some(due) = due {
                    self.push(due - self.now_ns, Event::Wake { at, life });
                }
            }
            host.engine = Some(engine);
        } else {
            self.stop(&mut host);
        }
        self.hosts[usize::from(at)] = Some(host);
    }

    /// Loses all that is not on disk.
    fn stop(&mut self, host: &mut Host) {
        host.engine = None;
        host.life += 1;
        host.wake_at = None;
        self.report.crashes += 1;
        let after_ns = self.random.below(300 * MS);
        self.push(after_ns, Event::Restart { at: host.me });
    }

    /// Stops a member, whatever it is doing.
    #[cfg(test)]
    pub fn stop_now(&mut self, at: u16, comes_back: bool) {
        if let Some(mut host) = self.hosts[usize::from(at)].take() {
            self.stop(&mut host);
            self.hosts[usize::from(at)] = Some(host);
        }
        let is_return = |event: &Event| matches!(event, Event::Restart { at: own } if *own == at);
        self.queue
            .retain(|_, event| comes_back || !is_return(event));
    }

    /// Starts a member from its disk.
    fn restart(&mut self, at: u16) {
        let Some(mut host) = self.hosts[usize::from(at)].take() else {
            return;
        };
        let weights = vec![1; usize::from(self.settings.sequencers)];
        let view = CommitteeView {
            weights: &weights,
            me: Some(MemberIndex::new(at)),
        };
        host.recover(&self.logs);
        host.unsent.clear();
        for bytes in host.disk.unsent.clone() {
            self.admit(&mut host, &bytes);
            self.broadcast(at, Recipient::All, &Packet::Extension(bytes));
        }
        #[cfg(any(test, feature = "weakened"))]
        host.weaken(&self.settings.breaks);
        let made = ConsensusEngine::new(&self.limits, &self.config, self.context, view);
        let mut engine = made.expect("a world's committee is in range");
        engine.skip(self.skipped(&host));
        let height = host.height();
        let begun = engine.handle_now(Tick::new(self.now_ns)).is_ok()
            && match host.disk.record.clone() {
                Some(record) => engine.resume_height(height, &record).is_ok(),
                None => engine.start_height(height).is_ok(),
            };
        self.report.refusals += u64::from(!begun);
        host.engine = Some(Box::new(engine));
        self.hosts[usize::from(at)] = Some(host);
        self.touch(at, None, |world, host, _| world.log_something(host));
    }
}

/// An id that nobody logged before.
pub(super) fn new_id(number: u64, member: u16) -> Entry {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    bytes[8..10].copy_from_slice(&member.to_be_bytes());
    Entry::Id {
        rollup: RollupId::ZERO,
        id: TxId::new(bytes),
        sealed: false,
        body_bytes: 1,
    }
}

//! The world itself: what happens, one event after another.

use std::rc::Rc;

use hauptbuch_core::consensus::{
    CommitteeView, ConsensusConfig, ConsensusEngine, ConsensusLimits, Message, SigningContext,
    Validity, message_bytes_max, record_bytes_max,
};
use hauptbuch_core::types::{Epoch, Hash, Height, Round};

use super::Trace;
use super::instance::{Clock, Instance};
use super::judge::{Judge, ValueInfo};
use super::key::Keys;
use super::links::Links;
use super::plan::{MS, Plan};
use super::queue::{Event, Queue};
use super::random::Random;
use super::report::RunReport;
use super::settings::{Fault, Settings};

/// How long messages take at most once there is peace.
const CALM_DELAY_NS: u64 = 10 * MS;
/// How long a host waits before it asks for a body again.
const FETCH_AGAIN_NS: u64 = 20 * MS;
/// How long a stopped member stays away at most.
const STOP_NS_MAX: u64 = 800 * MS;

/// One run.
pub(super) struct World<'a> {
    #[cfg(feature = "weakened")]
    breaks: hauptbuch_core::consensus::Breaks,
    pub plan: Plan,
    pub limits: ConsensusLimits,
    config: ConsensusConfig,
    pub random: Random,
    pub now_ns: u64,
    pub queue: Queue,
    pub instances: Vec<Instance>,
    pub links: Links,
    pub judge: Judge,
    pub report: RunReport,
    pub scratch: Vec<u8>,
    /// Instances that have to decide more heights.
    awaited_count: usize,
    trace: Option<Trace<'a>>,
    probe: Option<fn(bool)>,
}

impl<'a> World<'a> {
    pub fn new(settings: &Settings, plan: Plan, seed: u64, trace: Option<Trace<'a>>) -> Self {
        let limits = settings.limits();
        let context = SigningContext {
            chain_id: Hash::new([0x5E; 32]),
            epoch: Epoch::new(1),
            suite_id: 1,
        };
        let count = plan.weights.len();
        let mut instances: Vec<Instance> = (0..count)
            .map(|member| Instance::new(member, plan.lies[member]))
            .collect();
        let twins = (0..count).filter(|member| plan.lies[*member] == Some(Fault::Twins));
        instances.extend(twins.map(|member| Instance::new(member, Some(Fault::Twins))));
        let is_correct = (0..count).map(|member| plan.is_correct(member)).collect();
        let engine_bytes = size_of::<ConsensusEngine>() as u64;
        let room = message_bytes_max(&limits).max(record_bytes_max(&limits));
        Self {
            #[cfg(feature = "weakened")]
            breaks: settings.breaks,
            config: settings.config(),
            random: Random::new(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15)),
            now_ns: 0,
            queue: Queue::default(),
            links: Links::new(instances.len(), &plan),
            judge: Judge::new(Keys::new(seed), context, &plan.weights, is_correct),
            report: RunReport {
                seed,
                memory_bytes: limits.footprint().bytes() + engine_bytes,
                ..RunReport::default()
            },
            scratch: vec![0; room],
            awaited_count: (0..count).filter(|member| plan.is_awaited(*member)).count(),
            limits,
            instances,
            plan,
            trace,
            probe: None,
        }
    }

    pub fn set_probe(&mut self, probe: fn(bool)) {
        self.probe = Some(probe);
    }

    /// Runs to the end, and says what came of it.
    pub fn run(mut self) -> RunReport {
        self.begin();
        while let Some((at_ns, event)) = self.queue.pop() {
            if at_ns > self.plan.end_ns || self.awaited_count == 0 {
                break;
            }
            self.now_ns = at_ns;
            self.report.events += 1;
            self.happen(event);
        }
        self.finish()
    }

    fn begin(&mut self) {
        let faults = self.plan.faults;
        self.note(|| format!("faults drawn: {faults}"));
        for member in 0..self.plan.lies.len() {
            if let Some(lie) = self.plan.lies[member] {
                self.note(|| format!("member {member} lies: {}", lie.name()));
            }
        }
        self.queue.push(0, Event::Weather);
        if self.plan.calm_ns < u64::MAX {
            self.queue.push(self.plan.calm_ns, Event::Calm);
        }
        for at in 0..self.instances.len() {
            match self.instances[at].lie {
                Some(Fault::Equivocate) => self.queue.push(1, Event::Lie { at }),
                Some(Fault::Flood) => self.queue.push(1, Event::Flood { at }),
                _ => self.restart(at),
            }
        }
    }

    fn finish(mut self) -> RunReport {
        self.report.done_ns = self.now_ns;
        let wanted = self.plan.heights;
        let decided: Vec<u64> = (0..self.plan.weights.len())
            .filter(|member| self.plan.is_awaited(*member))
            .map(|member| (self.instances[member].disk.decided().len() as u64).min(wanted))
            .collect();
        self.report.heights_decided_min = decided.iter().copied().min().unwrap_or(0);
        let late = decided.iter().filter(|count| **count < wanted).count() as u64;
        if late > 0 && self.plan.calm_ns < u64::MAX {
            let calm_ms = self.plan.calm_ns / MS;
            let words =
                format!("{late} members did not decide {wanted} heights: calm at {calm_ms} ms");
            self.judge
                .blame(|broken| &mut broken.liveness_violations, || words);
            self.judge.violations.liveness_violations += late - 1;
        }
        self.report.violations = self.judge.violations;
        self.report.first = self.judge.first.take();
        self.report
    }

    pub const fn is_calm(&self) -> bool {
        self.now_ns >= self.plan.calm_ns
    }

    /// A line of the trace, if somebody reads it.
    pub fn note(&mut self, line: impl FnOnce() -> String) {
        if let Some(trace) = self.trace.as_mut() {
            let (ms, ns) = (self.now_ns / MS, self.now_ns % MS);
            trace(&format!("{ms:>6}.{ns:06} ms  {}", line()));
        }
    }

    pub const fn is_traced(&self) -> bool {
        self.trace.is_some()
    }

    /// Calls into the core.
    pub fn core<T>(&self, work: impl FnOnce() -> T) -> T {
        if let Some(probe) = self.probe {
            probe(true);
        }
        let result = work();
        if let Some(probe) = self.probe {
            probe(false);
        }
        result
    }

    /// Something happens within `within_ns`.
    pub fn soon(&mut self, within_ns: u64, event: Event) {
        // Where a script says who hears whom, time brings no chance in.
        let after_ns = match &self.plan.script {
            Some(_) => within_ns / 2,
            None => self.random.below(within_ns),
        };
        self.queue.push(self.now_ns + 1 + after_ns, event);
    }

    fn lives(&self, at: usize, life: u32) -> bool {
        self.instances[at].life == life && self.instances[at].engine.is_some()
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Deliver { to, from, bytes } => self.deliver(to, from, &bytes),
            Event::Wake { at } => {
                if self.instances[at].wake_at == Some(self.now_ns) {
                    self.instances[at].wake_at = None;
                    self.touch(at, |_, _| true);
                }
            }
            Event::RecordWritten { at, life } => {
                if self.lives(at, life) {
                    self.record_written(at);
                }
            }
            Event::DecisionWritten { at, life } => {
                if self.lives(at, life) {
                    self.decision_written(at);
                }
            }
            Event::Verified {
                at,
                life,
                batch,
                good,
            } => {
                if self.lives(at, life) {
                    self.touch(at, |_, engine| engine.handle_verified(batch, good).is_ok());
                }
            }
            Event::Value {
                at,
                life,
                height,
                round,
            } => {
                if self.lives(at, life) {
                    self.name_value(at, height, round);
                }
            }
            Event::Fetch {
                at,
                life,
                height,
                value,
            } => {
                if self.lives(at, life) {
                    self.fetch(at, life, height, value);
                }
            }
            Event::Restart { at } => self.restart(at),
            Event::Weather => self.weather(),
            Event::Calm => self.calm(),
            Event::Lie { at } => self.lie(at),
            Event::Flood { at } => self.flood(at),
        }
    }

    fn deliver(&mut self, to: usize, from: usize, bytes: &[u8]) {
        let sender = self.instances[from].member;
        let is_correct = self.instances[from].is_correct();
        let limits = self.limits.clone();
        self.touch(to, |world, engine| {
            match world.core(|| Message::decode(bytes, &limits)) {
                Ok(message) => {
                    let _refused = world.core(|| engine.handle_message(sender, &message));
                    true
                }
                // Only a liar's bytes may be no message.
                Err(_) => !is_correct,
            }
        });
    }

    /// Hands an instance something in, and carries out all that it wants. The input says whether
    /// the engine took it as it should.
    pub fn touch(
        &mut self,
        at: usize,
        input: impl FnOnce(&mut Self, &mut ConsensusEngine) -> bool,
    ) {
        let Some(mut engine) = self.instances[at].engine.take() else {
            return;
        };
        let now = self.instances[at].clock.read(self.now_ns);
        let is_told = self.core(|| engine.handle_now(now)).is_ok();
        let is_good = input(self, &mut engine) && is_told;
        if !is_good {
            let words = format!("instance {at} refused what a host may do");
            self.judge
                .blame(|broken| &mut broken.broken_invariants, || words);
        }
        self.judge.check_engine(at, &engine);
        self.carry_on(at, engine);
    }

    /// Carries out what an engine wants, and lets it sleep, or stop.
    fn carry_on(&mut self, at: usize, mut engine: Box<ConsensusEngine>) {
        if !self.drain(at, &mut engine) {
            drop(engine);
            self.stop(at);
            return;
        }
        let instance = &mut self.instances[at];
        let due = engine.next_deadline().map(|tick| instance.clock.when(tick));
        let due = due.map(|due| due.max(self.now_ns));
        if due != instance.wake_at {
            instance.wake_at = due;
            if let Some(due) = due {
                self.queue.push(due, Event::Wake { at });
            }
        }
        instance.engine = Some(engine);
    }

    fn record_written(&mut self, at: usize) {
        let instance = &mut self.instances[at];
        let Some(seq) = instance.disk.finish_record() else {
            return;
        };
        if let Some(record) = instance.disk.acknowledged()
            && instance.is_correct()
        {
            let member = instance.member;
            self.judge.check_record(member, record);
        }
        self.note(|| format!("instance {at} has record {seq} on disk"));
        self.touch(at, |world, engine| {
            world.core(|| engine.handle_persisted(seq)).is_ok()
        });
    }

    fn decision_written(&mut self, at: usize) {
        if !self.instances[at].disk.finish_decision() {
            return;
        }
        let height = self.instances[at].disk.decided().len() as u64;
        let is_awaited = at < self.plan.weights.len() && self.plan.is_awaited(at);
        if is_awaited && height == self.plan.heights {
            self.awaited_count -= 1;
        }
        if height.is_multiple_of(16) {
            let correct = self.instances.iter().filter(|one| one.is_correct());
            let least = correct.map(|one| one.disk.decided().len() as u64).min();
            self.judge
                .ledger
                .forget_below(Height::new(least.unwrap_or(0)));
        }
        if self.plan.script.is_some() && height >= self.plan.heights {
            // Where all is enumerated, those who are done only help the others.
            return;
        }
        self.touch(at, |world, engine| {
            let next = Height::new(height + 1);
            world.core(|| engine.start_height(next)).is_ok()
        });
    }

    /// A host makes a value and stores its body before it names it.
    fn name_value(&mut self, at: usize, height: Height, round: Round) {
        let value = Hash::new(self.random.bytes());
        let is_withheld = self.instances[at].lie == Some(Fault::Withhold);
        let hidden_from = is_withheld.then(|| self.random.next() | self.random.next());
        self.judge.values.insert(
            value,
            ValueInfo {
                height,
                is_valid: true,
                is_proposed: false,
                holders: vec![at],
                hidden_from,
            },
        );
        let extension = self.extension(at, value);
        self.touch(at, |world, engine| {
            world.core(|| engine.handle_value(height, round, value, extension));
            true
        });
    }

    /// What a host adds to its precommit of a value: always the same.
    fn extension(&self, at: usize, value: Hash) -> Hash {
        if !self.plan.extends {
            return Hash::ZERO;
        }
        let mut bytes = *value.as_bytes();
        bytes[0] ^= self.instances[at].member.get() as u8;
        bytes[1] ^= 0xE7;
        Hash::new(bytes)
    }

    /// A host tries to get a value's body from whoever has it, and says what it is worth.
    fn fetch(&mut self, at: usize, life: u32, height: Height, value: Hash) {
        let engine_height = self.instances[at].engine.as_ref().map(|it| it.height());
        if engine_height != Some(height) {
            return;
        }
        let is_lost = !self.is_calm() && self.random.per_mille(self.plan.loss_per_mille);
        if is_lost || !self.can_fetch(at, value) {
            self.soon(
                FETCH_AGAIN_NS,
                Event::Fetch {
                    at,
                    life,
                    height,
                    value,
                },
            );
            return;
        }
        let Some(info) = self.judge.values.get_mut(&value) else {
            return;
        };
        if !info.holders.contains(&at) {
            info.holders.push(at);
        }
        let is_valid = info.is_valid && info.height == height;
        let validity = if is_valid {
            Validity::Valid {
                extension_hash: self.extension(at, value),
            }
        } else {
            Validity::Invalid
        };
        self.touch(at, |world, engine| {
            world.core(|| engine.handle_validity(height, value, validity));
            true
        });
    }

    fn can_fetch(&self, at: usize, value: Hash) -> bool {
        let Some(info) = self.judge.values.get(&value) else {
            return false;
        };
        info.holders.iter().any(|holder| {
            let instance = &self.instances[*holder];
            let is_up = instance.engine.is_some() || !instance.follows_rules();
            let is_maker = info.holders.first() == Some(holder);
            let is_hidden = is_maker
                && info
                    .hidden_from
                    .is_some_and(|hidden| hidden >> (at % 64) & 1 == 1);
            let is_reached = self.links.is_open(at, *holder, &self.instances)
                && self.links.is_open(*holder, at, &self.instances);
            *holder == at || (is_up && !is_hidden && is_reached)
        })
    }

    fn weather(&mut self) {
        let is_calm = self.is_calm();
        self.links.redraw(&self.plan, is_calm, &mut self.random);
        let at_ns = self.now_ns + (100 + self.random.below(900)) * MS;
        self.queue.push(at_ns, Event::Weather);
    }

    /// Benign faults stop; who never comes back stops for good.
    fn calm(&mut self) {
        self.note(|| "benign faults stop".to_owned());
        let is_calm = self.is_calm();
        self.links.redraw(&self.plan, is_calm, &mut self.random);
        for at in 0..self.plan.is_frozen.len() {
            if self.plan.is_frozen[at] {
                self.stop(at);
            }
        }
    }

    /// Loses all that was not on disk. It comes back after a while, unless it is not to.
    pub fn stop(&mut self, at: usize) {
        let instance = &mut self.instances[at];
        instance.engine = None;
        instance.life += 1;
        instance.wake_at = None;
        instance.disk.stop(&mut self.random);
        self.report.crashes += 1;
        self.note(|| format!("instance {at} stops"));
        let is_frozen = self.plan.is_frozen.get(at).copied().unwrap_or(false);
        if !(is_frozen && self.is_calm()) {
            self.soon(STOP_NS_MAX, Event::Restart { at });
        }
    }

    /// Starts an instance from its disk.
    fn restart(&mut self, at: usize) {
        let is_frozen = self.plan.is_frozen.get(at).copied().unwrap_or(false);
        if self.instances[at].engine.is_some() || (is_frozen && self.is_calm() && self.now_ns > 0) {
            return;
        }
        let view = CommitteeView {
            weights: &self.plan.weights,
            me: Some(self.instances[at].member),
        };
        let made = ConsensusEngine::new(&self.limits, &self.config, self.judge.context, view);
        let Ok(mut engine) = made else {
            let words = "the committee was refused".to_owned();
            self.judge
                .blame(|broken| &mut broken.broken_invariants, || words);
            return;
        };
        #[cfg(feature = "weakened")]
        if self.instances[at].is_correct() {
            engine.weaken(self.breaks);
        }
        let instance = &mut self.instances[at];
        instance.clock = Clock::start(self.now_ns, self.plan.skews, &mut self.random);
        let height = Height::new(instance.disk.decided().len() as u64 + 1);
        let now = instance.clock.read(self.now_ns);
        let place = instance.disk.recover(&self.limits);
        let begun = engine.handle_now(now).is_ok()
            && match (place, instance.disk.acknowledged()) {
                (Ok(()), Some(record)) => engine.resume_height(height, record).is_ok(),
                (Ok(()), None) => engine.start_height(height).is_ok(),
                (Err(_), _) => false,
            };
        let (member, is_correct) = (instance.member, instance.is_correct());
        self.note(|| format!("instance {at} starts in height {height}"));
        if !begun {
            let words = format!("instance {at} could not go on from its disk in height {height}");
            self.judge
                .blame(|broken| &mut broken.broken_invariants, || words);
            return;
        }
        self.judge.note_restart(at);
        if is_correct {
            self.judge.check_restart(member, &engine);
        }
        self.judge.check_engine(at, &engine);
        self.carry_on(at, Box::new(engine));
    }

    /// One message over one link, with what happens to it on the way.
    pub fn transmit(&mut self, sender: usize, to: usize, bytes: &Rc<[u8]>) {
        let kind = bytes.get(1).copied().unwrap_or(0);
        let is_open = self.links.is_open(sender, to, &self.instances);
        let withheld = self
            .links
            .is_withheld(&self.instances[sender], sender, to, kind);
        if !is_open || withheld {
            return;
        }
        let deliver = Event::Deliver {
            to,
            from: sender,
            bytes: Rc::clone(bytes),
        };
        if self.is_calm() {
            self.soon(self.plan.delay_ns.min(CALM_DELAY_NS), deliver);
            return;
        }
        if self.random.per_mille(self.plan.loss_per_mille) {
            return;
        }
        if self.random.per_mille(self.plan.repeat_per_mille) {
            self.soon(self.plan.delay_ns * 2, deliver.clone());
        }
        let is_late = self.random.per_mille(self.plan.late_per_mille);
        let within = self.plan.delay_ns * if is_late { 8 } else { 1 };
        self.soon(within, deliver);
    }
}

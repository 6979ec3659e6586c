//! What engines want, carried out by hosts that may stop between any two effects.

use std::rc::Rc;

use hauptbuch_core::consensus::{
    BatchId, ConsensusEngine, Effect, Message, Outgoing, Recipient, SignTicket, Step,
};
use hauptbuch_core::types::{Hash, Height};

use super::disk::Stored;
use super::plan::MS;
use super::queue::Event;
use super::stage::World;

/// How long a write takes at most.
const WRITE_NS_MAX: u64 = 5 * MS;
/// How long signatures take to be verified at most.
const VERIFY_NS_MAX: u64 = MS;
/// How long a host takes to make a value at most.
const MAKE_NS_MAX: u64 = 5 * MS;

impl World<'_> {
    /// Carries out effects until there are none; false where the instance stops before one.
    pub fn drain(&mut self, at: usize, engine: &mut ConsensusEngine) -> bool {
        let mut count = 0;
        while let Some(effect) = self.core(|| engine.poll_effect()) {
            if self.stops_here(at) {
                return false;
            }
            count += 1;
            let has_precommitted = engine.step() >= Step::Precommit;
            let round = engine.round().get();
            self.instances[at].reached = (engine.height(), round, has_precommitted);
            self.report.round_max = self.report.round_max.max(round);
            self.carry_out(at, engine, effect);
        }
        self.report.effects_max = self.report.effects_max.max(count);
        if count > self.effects_bound() {
            let words = format!("instance {at} gave {count} effects for one input");
            self.judge
                .blame(|broken| &mut broken.unbounded_inputs, || words);
        }
        true
    }

    /// The most effects that one input may lead to: every reply and piece of evidence that can
    /// wait, record, signature and message for each of six own statements, a batch for each
    /// member's waiting signatures and each certificate, a question for each value that is kept,
    /// a value and a decision.
    fn effects_bound(&self) -> u64 {
        const OWN: u64 = 3 * 6;
        const VALUES: u64 = 16;
        u64::from(self.limits.reply_count_max)
            + u64::from(self.limits.evidence_count_max)
            + u64::from(self.limits.validator_count_max)
            + OWN
            + VALUES
            + 4
    }

    /// Whether a fault falls between the last effect and this one.
    fn stops_here(&mut self, at: usize) -> bool {
        let number = self.report.effects;
        self.report.effects += 1;
        if let Some(crash) = self.plan.crash_at
            && crash.effect == number
        {
            if crash.everybody {
                self.stop_others(at);
            }
            return true;
        }
        if self.is_calm() || !self.random.one_in(self.plan.crash_one_in) {
            return false;
        }
        if self.random.one_in(self.plan.power_one_in) {
            self.stop_others(at);
            return true;
        }
        // Where only the power fails, nobody stops alone.
        self.plan.power_one_in != 1
    }

    fn stop_others(&mut self, at: usize) {
        self.note(|| "the power fails".to_owned());
        for other in 0..self.instances.len() {
            if other != at && self.instances[other].engine.is_some() {
                self.stop(other);
            }
        }
    }

    fn carry_out(&mut self, at: usize, engine: &mut ConsensusEngine, effect: Effect) {
        let life = self.instances[at].life;
        match effect {
            Effect::Persist { seq } => self.persist(at, engine, seq),
            Effect::Sign { ticket, bytes } => {
                debug_assert_eq!(bytes, ticket.statement.sign_bytes(&self.judge.context));
                self.sign(at, engine, &ticket);
            }
            Effect::Send { to, message } => self.send(at, engine, to, &message),
            Effect::Verify { batch, count } => {
                let good = self.verify(engine, batch, count);
                let event = Event::Verified {
                    at,
                    life,
                    batch,
                    good,
                };
                self.soon(VERIFY_NS_MAX, event);
            }
            Effect::GetValue { height, round, .. } => {
                let event = Event::Value {
                    at,
                    life,
                    height,
                    round,
                };
                self.soon(MAKE_NS_MAX, event);
            }
            Effect::Validate { height, value, .. } => {
                let event = Event::Fetch {
                    at,
                    life,
                    height,
                    value,
                };
                self.soon(WRITE_NS_MAX + self.plan.delay_ns.min(10 * MS), event);
            }
            Effect::Decide { height, value, .. } => self.decide(at, engine, height, value),
            Effect::SendDecided { to, height } => {
                let index = height.get().saturating_sub(1) as usize;
                let stored = self.instances[at].disk.decided().get(index).cloned();
                if let Some(stored) = stored {
                    self.note(|| format!("instance {at} sends {to} the decision of {height}"));
                    self.send_bytes(at, Recipient::One(to), &stored.certificate);
                }
            }
            Effect::Evidence { .. } => {
                self.report.evidence += 1;
                let by = self.instances[at].member;
                if self.instances[at].is_correct() {
                    self.judge.check_evidence(by, engine.evidence());
                }
            }
        }
    }

    fn persist(&mut self, at: usize, engine: &ConsensusEngine, seq: u64) {
        let mut scratch = core::mem::take(&mut self.scratch);
        let written = self.core(|| engine.write_record(&mut scratch));
        let bytes = written.ok().and_then(|len| scratch.get(..len));
        let is_begun =
            bytes.is_some_and(|bytes| self.instances[at].disk.begin_record(seq, bytes.to_vec()));
        self.scratch = scratch;
        if !is_begun {
            let words = format!("instance {at} wants record {seq} while another is written");
            self.judge
                .blame(|broken| &mut broken.broken_invariants, || words);
        }
        let life = self.instances[at].life;
        self.soon(WRITE_NS_MAX, Event::RecordWritten { at, life });
    }

    fn sign(&mut self, at: usize, engine: &mut ConsensusEngine, ticket: &SignTicket) {
        let instance = &self.instances[at];
        let member = instance.member;
        let statement = &ticket.statement;
        if instance.is_correct() {
            let record = instance.disk.acknowledged();
            self.judge.check_barrier(member, statement, record);
        }
        let signature = self.judge.sign(member, statement);
        if self.is_traced() {
            let words = super::trace::statement(statement);
            self.note(|| format!("instance {at} signs {words}"));
        }
        let is_taken = self.core(|| engine.handle_signed(ticket, &signature));
        if is_taken.is_err() {
            let words = format!("instance {at} refused its own signature");
            self.judge
                .blame(|broken| &mut broken.broken_invariants, || words);
        }
    }

    fn verify(&self, engine: &ConsensusEngine, batch: BatchId, count: u8) -> u128 {
        let items = (0..count).map(|position| {
            let item = engine.verify_item(batch, usize::from(position));
            item.is_some_and(|item| {
                self.judge
                    .keys
                    .is_good(item.member, &item.bytes, item.signature)
            })
        });
        items.enumerate().fold(0, |mask, (position, is_good)| {
            mask | u128::from(is_good) << position
        })
    }

    fn send(&mut self, at: usize, engine: &ConsensusEngine, to: Recipient, message: &Outgoing) {
        let Some(bytes) = self.write(engine, message) else {
            return;
        };
        let is_certificate = matches!(
            message,
            Outgoing::PolkaCertificate { .. } | Outgoing::CommitCertificate
        );
        if is_certificate && self.instances[at].is_correct() {
            self.check_certificate(at, &bytes);
        }
        if self.is_traced() {
            let words = super::trace::message(&bytes, &self.limits);
            self.note(|| format!("instance {at} sends {to:?} {words}"));
        }
        self.send_bytes(at, to, &bytes);
    }

    /// The bytes of a message; nothing where there is nothing to say any more.
    fn write(&mut self, engine: &ConsensusEngine, message: &Outgoing) -> Option<Rc<[u8]>> {
        let mut scratch = core::mem::take(&mut self.scratch);
        let written = self.core(|| engine.write_message(message, &mut scratch));
        let bytes = written.ok().and_then(|len| scratch.get(..len));
        let bytes: Option<Rc<[u8]>> = bytes.filter(|bytes| !bytes.is_empty()).map(Rc::from);
        self.scratch = scratch;
        bytes
    }

    fn check_certificate(&mut self, at: usize, bytes: &[u8]) {
        let member = self.instances[at].member;
        match Message::decode(bytes, &self.limits) {
            Ok(message) => self.judge.check_certificate(member, &message),
            Err(error) => self.judge.blame(
                |broken| &mut broken.certificate_violations,
                || format!("{member} gave out a certificate that is none: {error}"),
            ),
        }
    }

    /// Sends bytes to every instance of whoever is meant.
    pub fn send_bytes(&mut self, at: usize, to: Recipient, bytes: &Rc<[u8]>) {
        let own = self.instances[at].member;
        for target in 0..self.instances.len() {
            let member = self.instances[target].member;
            let is_meant = match to {
                Recipient::All => member != own,
                Recipient::One(one) => member == one,
            };
            if is_meant && self.instances[target].follows_rules() {
                self.transmit(at, target, bytes);
            }
        }
    }

    fn decide(&mut self, at: usize, engine: &ConsensusEngine, height: Height, value: Hash) {
        let certificate = self.write(engine, &Outgoing::CommitCertificate);
        let member = self.instances[at].member;
        self.note(|| format!("instance {at} decides {value} in height {height}"));
        if self.instances[at].is_correct() {
            self.judge.check_decision(member, height, value);
            match &certificate {
                Some(bytes) => self.check_certificate(at, bytes),
                None => self.judge.blame(
                    |broken| &mut broken.certificate_violations,
                    || format!("{member} decided {height} without a certificate"),
                ),
            }
        }
        let Some(certificate) = certificate else {
            return;
        };
        let stored = Stored { certificate };
        self.instances[at].disk.begin_decision(stored);
        let life = self.instances[at].life;
        self.soon(WRITE_NS_MAX, Event::DecisionWritten { at, life });
    }
}

//! What engines want, carried out by their hosts.

use std::rc::Rc;

use hauptbuch_core::consensus::{BatchId, ConsensusEngine, Effect, Outgoing, Recipient, Validity};
use hauptbuch_core::receive_log::{CutError, Entry, verify_fork};
use hauptbuch_core::types::{Hash, Height, MemberIndex, UnixNs};

#[cfg(any(test, feature = "weakened"))]
use super::host::Disk;
use super::host::{EPOCH, Host};
use super::signing::{LogKey, LogKeys, Slot};
use super::stage::{Event, PULL_AGAIN_NS, Packet, WRITE_NS, World, Write, new_id};

impl World {
    /// Carries effects out until there are none; false where the member stops on the way.
    pub fn carry_on(&mut self, host: &mut Host, engine: &mut ConsensusEngine) -> bool {
        loop {
            while let Some(effect) = engine.poll_effect() {
                if !self.is_calm() && self.random.one_in(self.settings.crash_one_in) {
                    return false;
                }
                self.report.round_max = self.report.round_max.max(engine.round().get());
                // Before anything else gets a name.
                let is_held = host.name_what_binds(engine, &self.slots);
                self.report.lost_extents += u64::from(!is_held);
                self.carry_out(host, engine, effect);
            }
            if !self.consider(host, engine) {
                return true;
            }
        }
    }

    fn carry_out(&mut self, host: &mut Host, engine: &mut ConsensusEngine, effect: Effect) {
        match effect {
            Effect::Persist { seq } => self.persist(host, engine, seq),
            Effect::Sign { ticket, bytes } => {
                let signature = self.keys.sign(MemberIndex::new(host.me), &bytes);
                let signed = engine.handle_signed(&ticket, &signature);
                self.report.refusals += u64::from(signed.is_err());
            }
            Effect::Send { to, message } => {
                if let Some(bytes) = self.message(engine, &message) {
                    self.broadcast(host.me, to, &Packet::Consensus(bytes));
                }
            }
            Effect::Verify { batch, count } => {
                let good = self.verify(engine, batch, count);
                self.report.refusals += u64::from(engine.handle_verified(batch, good).is_err());
            }
            Effect::GetValue { height, round, .. } => {
                let value = self.propose(host, height);
                engine.handle_value(height, round, value, Hash::ZERO);
            }
            Effect::Validate { value, .. } => host.wanted.push(value),
            Effect::Decide { value, .. } => self.decide(host, engine, value),
            Effect::SendDecided { to, height } => {
                let stored = host.decided.get(height.get() as usize - 1);
                if let Some(bytes) = stored.map(|stored| Rc::clone(&stored.certificate)) {
                    self.send(host.me, to.get(), Packet::Consensus(bytes));
                }
            }
            Effect::Evidence { .. } => {}
        }
    }

    fn message(&mut self, engine: &ConsensusEngine, message: &Outgoing) -> Option<Rc<[u8]>> {
        let written = engine.write_message(message, &mut self.scratch);
        let bytes = written.ok().and_then(|len| self.scratch.get(..len));
        bytes.filter(|bytes| !bytes.is_empty()).map(Rc::from)
    }

    fn verify(&self, engine: &ConsensusEngine, batch: BatchId, count: u8) -> u128 {
        (0..count).fold(0, |good, position| {
            let item = engine.verify_item(batch, usize::from(position));
            let is_good = item
                .is_some_and(|item| self.keys.is_good(item.member, &item.bytes, item.signature));
            good | u128::from(is_good) << position
        })
    }

    /// [Rule 17] What the lock and the valid value name goes to disk with the record.
    fn persist(&mut self, host: &Host, engine: &ConsensusEngine, seq: u64) {
        let written = engine.write_record(&mut self.scratch);
        let Some(bytes) = written.ok().and_then(|len| self.scratch.get(..len)) else {
            self.report.refusals += 1;
            return;
        };
        let image = host.image(Some(Rc::from(bytes)));
        #[cfg(any(test, feature = "weakened"))]
        let image = if self.settings.breaks.votes_before_durable {
            Disk {
                extents: Rc::clone(&host.disk.extents),
                ..image
            }
        } else {
            image
        };
        let write = Write {
            image,
            seq: Some(seq),
            gossip: None,
            starts: None,
        };
        self.write(host, write);
    }

    fn write(&mut self, host: &Host, write: Write) {
        let (at, life) = (host.me, host.life);
        let write = Box::new(write);
        self.push(WRITE_NS, Event::Written { at, life, write });
    }

    pub fn written(&mut self, at: u16, life: u32, write: Write) {
        self.touch(at, Some(life), |world, host, engine| {
            let record = write.image.record.clone();
            let record = record.or_else(|| host.disk.record.take());
            host.disk = write.image;
            host.disk.record = record;
            if let Some(seq) = write.seq {
                world.report.refusals += u64::from(engine.handle_persisted(seq).is_err());
            }
            if let Some(bytes) = write.gossip {
                host.unsent.retain(|own| *own != bytes);
                world.admit(host, &bytes);
                host.take_back(engine, &world.slots);
                world.broadcast(host.me, Recipient::All, &Packet::Extension(bytes));
            }
            if let Some(height) = write.starts {
                engine.skip(world.skipped(host));
                world.report.refusals += u64::from(engine.start_height(height).is_err());
                world.log_something(host);
            }
        });
    }

    pub fn skipped(&self, host: &Host) -> hauptbuch_core::vote::MemberSet {
        #[cfg(any(test, feature = "weakened"))]
        if self.settings.breaks.waits_for_convicted {
            return hauptbuch_core::vote::MemberSet::EMPTY;
        }
        host.convicted
    }

    /// Signs what it logs in this height; it leaves once it is on disk.
    pub fn log_something(&mut self, host: &mut Host) {
        if host.is_log_paused {
            return;
        }
        let _full = host.own.append(Entry::Stamp(UnixNs::new(self.now_ns)));
        if self.logs_ids {
            self.entry_count += 1;
            let _full = host.own.append(new_id(self.entry_count, host.me));
        }
        let mut bytes = vec![0; self.logs.extension_bytes_max() as usize];
        let base = Height::new(host.decided.len() as u64);
        let mut key = LogKey {
            keys: &self.keys,
            member: host.me,
        };
        let Ok(len) = host.own.extend(base, &mut key, &mut bytes) else {
            return;
        };
        let bytes: Rc<[u8]> = Rc::from(&bytes[..len]);
        host.unsent.push(Rc::clone(&bytes));
        let write = Write {
            image: host.image(None),
            seq: None,
            gossip: Some(bytes),
            starts: None,
        };
        self.write(host, write);
    }

    /// A slot of this member's: its cut follows what came first, with all evidence that it has.
    pub fn propose(&mut self, host: &Host, height: Height) -> Hash {
        let mut cut = Host::blank_cut(&self.logs);
        self.report.refusals += u64::from(host.extents.propose(height, &mut cut).is_err());
        let evidence = host.evidence.iter();
        let slot = Slot {
            height,
            cut,
            evidence: evidence
                .map(|(member, bytes)| (*member, Rc::clone(bytes)))
                .collect(),
        };
        self.register(slot)
    }

    /// The cut comes with its proposal, so whoever hears of a value knows it.
    pub fn register(&mut self, slot: Slot) -> Hash {
        let value = slot.value();
        self.slots.insert(value, Rc::new(slot));
        value
    }

    /// Answers what can be answered, and pulls what the current value misses; true where the engine
    /// was told something.
    fn consider(&mut self, host: &mut Host, engine: &mut ConsensusEngine) -> bool {
        let is_held = host.name_what_binds(engine, &self.slots);
        self.report.lost_extents += u64::from(!is_held);
        if host.choose_current(engine, &self.slots) {
            self.pull(host);
        }
        let height = engine.height();
        let mut has_told = false;
        for value in core::mem::take(&mut host.wanted) {
            match self.judge(host, height, value) {
                Some(is_valid) => {
                    let extension_hash = Hash::ZERO;
                    let validity = if is_valid {
                        host.answered.push(value);
                        Validity::Valid { extension_hash }
                    } else {
                        Validity::Invalid
                    };
                    has_told |= engine.handle_validity(height, value, validity);
                }
                None => host.wanted.push(value),
            }
        }
        has_told
    }

    /// Whether a slot may be decided; nothing while its extents are not here.
    fn judge(&self, host: &Host, height: Height, value: Hash) -> Option<bool> {
        let slot = self.slots.get(&value)?;
        if slot.height != height {
            return Some(false);
        }
        match host.extents.check_cut(&slot.cut, height) {
            Err(CutError::CutNotHeld) => return None,
            Err(_) => return Some(false),
            Ok(()) => {}
        }
        let is_sorted = slot.evidence.is_sorted_by(|one, next| one.0 < next.0);
        let mut evidence = slot.evidence.iter();
        let keys = LogKeys(&self.keys);
        let is_proven = evidence.all(|(member, bytes)| {
            let named = verify_fork(bytes, &self.logs, &keys);
            let is_named = named.is_ok_and(|log| (log.member, log.epoch) == (*member, EPOCH));
            is_named && !host.extents.is_closed(*member)
        });
        Some(is_sorted && is_proven)
    }

    /// Asks everybody for what the current value's cut misses.
    pub fn pull(&mut self, host: &Host) {
        let current = host
            .current
            .and_then(|(value, _)| self.slots.get(&value))
            .cloned();
        let Some(slot) = current else {
            return;
        };
        let height = host.height();
        let missing: Vec<_> = host.extents.missing(&slot.cut).collect();
        for one in &missing {
            let packet = Packet::Pull {
                height,
                log: one.member,
                from: one.from,
                to: one.to,
            };
            self.broadcast(host.me, Recipient::All, &packet);
        }
        if !missing.is_empty() {
            let (at, life) = (host.me, host.life);
            self.push(PULL_AGAIN_NS, Event::PullAgain { at, life });
        }
    }

    fn decide(&mut self, host: &mut Host, engine: &ConsensusEngine, value: Hash) {
        let certificate = self.message(engine, &Outgoing::CommitCertificate);
        let slot = self.slots.get(&value).cloned();
        let (Some(certificate), Some(slot)) = (certificate, slot) else {
            self.report.refusals += 1;
            return;
        };
        if host.decide(&slot, value, certificate, &self.logs).is_err() {
            self.report.lost_extents += 1;
            return;
        }
        #[cfg(any(test, feature = "weakened"))]
        if let Some(after) = self.settings.breaks.silence_closes_after {
            for member in 0..self.settings.sequencers {
                if host.still_for[usize::from(member)] >= after {
                    host.extents.close(member);
                }
            }
        }
        let write = Write {
            image: host.image(None),
            seq: None,
            gossip: None,
            starts: Some(host.height()),
        };
        self.write(host, write);
    }
}

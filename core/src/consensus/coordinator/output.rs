//! Effects, and the bytes that belong to them.

use super::bodies::Task;
use super::message::{write_get_body, write_put_body};
use super::{
    Answer, Ask, BodyName, ConsensusCoordinator, CoordinatorEffect, CoordinatorMessage,
    CoordinatorMisuse, Destination, VerifyBatch, count,
};
use crate::codec::{EncodeError, Writer};
use crate::consensus::{BatchId, Effect, Outgoing, Recipient, Request};
use crate::types::{Hash, Height, MemberIndex, Round, SequencerId};

impl ConsensusCoordinator {
    /// The next thing to do; nothing once all is done.
    ///
    /// A statement of this node is given out to be signed only after the record that holds it, and
    /// the body of its value, were reported durable, and sent only after it was signed.
    pub fn poll_effect(&mut self) -> Option<CoordinatorEffect> {
        // Each of the engine's effects is passed on, or answered here and done with.
        while let Some(effect) = self.engine.poll_effect() {
            if let Some(effect) = self.pass_on(effect) {
                return Some(effect);
            }
        }
        if !self.is_decided() {
            self.search_for_starving();
        }
        self.poll_bodies()
            .or_else(|| self.poll_answer())
            .or_else(|| self.poll_notice())
    }

    /// What an effect of the engine is to the host; nothing for what the coordinator does itself.
    fn pass_on(&mut self, effect: Effect) -> Option<CoordinatorEffect> {
        Some(match effect {
            Effect::Persist { seq } => CoordinatorEffect::Persist { seq },
            Effect::Sign { ticket, bytes } => CoordinatorEffect::Sign { ticket, bytes },
            Effect::Send { to, message } => CoordinatorEffect::Send {
                to: match to {
                    Recipient::All => Destination::Members,
                    Recipient::One(member) => Destination::One(self.id_of(member)),
                },
                message: CoordinatorMessage::Consensus(message),
            },
            Effect::Verify { batch, count } => {
                let sum = self.metrics.signatures_checked;
                self.metrics.signatures_checked = sum.saturating_add(u64::from(count));
                CoordinatorEffect::Verify { batch, count }
            }
            Effect::GetValue {
                height,
                round,
                deadline,
            } => {
                self.asked = Some((height, round));
                CoordinatorEffect::GetValue {
                    height,
                    round,
                    deadline,
                }
            }
            Effect::Validate { value, source, .. } => {
                self.want(value, source);
                return None;
            }
            Effect::Decide {
                height,
                round,
                value,
            } => self.keep_decision(height, round, value),
            Effect::SendDecided { to, height } => {
                self.answer(Answer::Decided(self.id_of(to), height));
                return None;
            }
            Effect::Evidence { member, kind } => {
                count(&mut self.metrics.conflicts);
                CoordinatorEffect::Evidence {
                    member: self.id_of(member),
                    kind,
                }
            }
        })
    }

    /// The engine wants to know about a value.
    fn want(&mut self, value: Hash, source: MemberIndex) {
        let engine = &self.engine;
        let is_own = engine.me() == Some(source);
        let entry = self
            .bodies
            .follow(value, |entry| Self::need_of(engine, entry));
        entry.is_wanted = true;
        if entry.settled().is_some() {
            self.settle(value);
            return;
        }
        if !entry.lacks_body() {
            return;
        }
        // What this node named before it stopped, its own disk has.
        if is_own && entry.load == Ask::No {
            entry.load = Ask::Due;
        } else {
            self.search(value, Some(source));
        }
    }

    fn keep_decision(&mut self, height: Height, round: Round, value: Hash) -> CoordinatorEffect {
        let engine = &self.engine;
        self.certificates.keep(height, value, |place| {
            let written = engine.write_message(&Outgoing::CommitCertificate, place);
            written.ok().filter(|len| *len > 0)
        });
        self.bodies.stop();
        count(&mut self.metrics.heights_decided);
        let failed = u64::from(round.get());
        self.metrics.rounds_failed = self.metrics.rounds_failed.saturating_add(failed);
        CoordinatorEffect::Decide {
            height,
            round,
            value,
        }
    }

    /// A body that gave way before the host was told of it is looked for again.
    fn search_for_starving(&mut self) {
        let others = self.engine.others();
        // Each turn starts one search.
        while let Some(value) = self.bodies.starving(others) {
            self.search(value, None);
        }
    }

    fn poll_bodies(&mut self) -> Option<CoordinatorEffect> {
        let height = self.engine.height();
        Some(match self.bodies.poll()? {
            Task::Load(value) => CoordinatorEffect::LoadBody { height, value },
            Task::Store(value) => CoordinatorEffect::StoreBody { height, value },
            Task::Validate(value) => CoordinatorEffect::Validate { height, value },
            Task::Fetch(value, peer) => {
                count(&mut self.metrics.bodies_asked);
                let message = CoordinatorMessage::GetBody { value };
                send_to(self.id_of(peer), message)
            }
        })
    }

    fn poll_answer(&mut self) -> Option<CoordinatorEffect> {
        let now_at = self.engine.height();
        Some(match self.answers.pop()? {
            Answer::Decided(to, height) => {
                count(&mut self.metrics.certificates_served);
                if self.certificates.get(height).is_some() {
                    let message = CoordinatorMessage::Decided { height };
                    send_to(to, message)
                } else {
                    CoordinatorEffect::SendDecided { to, height }
                }
            }
            Answer::Body(to, height, value) => {
                count(&mut self.metrics.bodies_served);
                if height == now_at && self.bodies.body(value).is_some() {
                    send_to(to, CoordinatorMessage::PutBody { value })
                } else {
                    CoordinatorEffect::SendBody { to, height, value }
                }
            }
            Answer::AskDecided(to) => {
                let request = Outgoing::Request(Request::Commit);
                send_to(to, CoordinatorMessage::Consensus(request))
            }
        })
    }

    fn poll_notice(&mut self) -> Option<CoordinatorEffect> {
        let height = self.engine.height();
        let blamed = self.blame_to_tell.iter().next();
        if let Some(member) = blamed {
            self.blame_to_tell.remove(member);
            return Some(CoordinatorEffect::WrongBody {
                member: self.id_of(member),
                height,
            });
        }
        let is_stalled = core::mem::take(&mut self.is_stall_to_tell) && !self.is_decided();
        is_stalled.then(|| CoordinatorEffect::Stalled {
            height,
            round: self.engine.round(),
            since: self.decided_at,
        })
    }

    /// Writes the message of a [`CoordinatorEffect::Send`] to the front of `out` and returns its
    /// length; 0 where there is nothing to say any more.
    /// [`CoordinatorLimits::message_bytes_max`](super::CoordinatorLimits::message_bytes_max) bytes
    /// are always enough.
    ///
    /// # Errors
    /// [`EncodeError::BufferTooSmall`].
    pub fn write_message(
        &self,
        message: &CoordinatorMessage,
        out: &mut [u8],
    ) -> Result<usize, EncodeError> {
        let name = |value| BodyName {
            epoch: self.epoch(),
            height: self.engine.height(),
            value,
        };
        match message {
            CoordinatorMessage::Consensus(message) => self.engine.write_message(message, out),
            CoordinatorMessage::Decided { height } => {
                let mut writer = Writer::new(out);
                writer.bytes(self.certificates.get(*height).unwrap_or_default())?;
                Ok(writer.len())
            }
            CoordinatorMessage::GetBody { value } => write_get_body(out, &name(*value)),
            CoordinatorMessage::PutBody { value } => match self.bodies.body(*value) {
                Some(body) => write_put_body(out, &name(*value), body),
                None => Ok(0),
            },
        }
    }

    /// Writes the record of a [`CoordinatorEffect::Persist`] to the front of `out` and returns its
    /// length, as the engine's [`write_record`](crate::consensus::ConsensusEngine::write_record)
    /// does: record n goes into place n mod 2.
    ///
    /// # Errors
    /// [`CoordinatorMisuse::InvalidArgument`] for a buffer below
    /// [`record_bytes_max`](crate::consensus::record_bytes_max).
    pub fn write_record(&self, out: &mut [u8]) -> Result<usize, CoordinatorMisuse> {
        Ok(self.engine.write_record(out)?)
    }

    /// The signatures of a batch with the keys to check them; none for a batch that is over.
    #[must_use]
    pub fn verify_batch(&self, batch: BatchId) -> VerifyBatch<'_> {
        VerifyBatch {
            validator: &self.validator,
            engine: &self.engine,
            batch,
            count: self.engine.verify_count(batch),
        }
    }
}

const fn send_to(to: SequencerId, message: CoordinatorMessage) -> CoordinatorEffect {
    CoordinatorEffect::Send {
        to: Destination::One(to),
        message,
    }
}

//! What peers send, and what those that are behind are given.

use super::effect::BucketIndex;
use super::{
    Answer, BodyName, ConsensusCoordinator, PeerMessage, RefusedBody, RefusedInput, count,
};
use crate::consensus::{Message, MessageBody, RefusedMessage, Request, Step};
use crate::types::{Height, MemberIndex, SequencerId};

impl ConsensusCoordinator {
    /// A message of a sequencer, whom the host's channel has authenticated. Sequencers that are no
    /// members of this epoch are given certificates and bodies, and nothing they say counts.
    ///
    /// # Errors
    /// [`RefusedInput`]: why nothing, or not everything, was taken. Many reasons are harmless; of
    /// those that are retryable the sender sends again by itself.
    pub fn handle_message(&mut self, from: SequencerId, bytes: &[u8]) -> Result<(), RefusedInput> {
        let result = self.take_message(from, bytes);
        count(match result {
            Ok(()) => &mut self.metrics.messages_taken,
            Err(_) => &mut self.metrics.messages_refused,
        });
        result
    }

    fn take_message(&mut self, from: SequencerId, bytes: &[u8]) -> Result<(), RefusedInput> {
        match PeerMessage::decode(bytes, &self.limits)? {
            PeerMessage::Consensus(message) => Ok(self.hear(from, &message)?),
            _ if self.me == Some(from) => Err(RefusedBody::OwnMessage.into()),
            PeerMessage::GetBody(name) => Ok(self.serve_body(from, &name)?),
            PeerMessage::PutBody(name, body) => Ok(self.take_body(from, &name, body)?),
        }
    }

    fn hear(&mut self, from: SequencerId, message: &Message<'_>) -> Result<(), RefusedMessage> {
        let height = self.engine.height();
        let is_past = message.height < height || (message.height == height && self.is_decided());
        let asks = match &message.body {
            MessageBody::Status(status) => status.step != Step::Decided,
            MessageBody::Request(request) => *request == Request::Commit,
            _ => false,
        };
        let member = self.member_of(from);
        let is_of_epoch = member.is_some() && message.epoch == self.epoch();
        // Old epochs and strangers are answered with certificates only.
        if !is_of_epoch && is_past && asks && message.height > Height::ZERO {
            self.take_token(from)
                .map_err(|_| RefusedMessage::RateExceeded)?;
            self.answer(Answer::Decided(from, message.height));
            return Ok(());
        }
        let member = member.ok_or(RefusedMessage::UnknownMember)?;
        if message.height > height {
            self.note_ahead(member, message);
        }
        self.engine.handle_message(member, message)
    }

    /// A member was seen in a later height. One height is the ordinary race between decisions;
    /// behind more, this node asks for the certificate of its own, once.
    fn note_ahead(&mut self, member: MemberIndex, message: &Message<'_>) {
        let height = self.engine.height();
        if let Some(seen) = self.seen_in.get_mut(usize::from(member.get())) {
            *seen = message.height.max(*seen);
        }
        let is_far = message.height > height.next() || message.epoch > self.epoch();
        if is_far && height > Height::ZERO && !self.is_decided() && self.asked_ahead < height {
            self.asked_ahead = height;
            self.answer(Answer::AskDecided(self.id_of(member)));
        }
    }

    /// A peer wants a body of this height, or of one before.
    fn serve_body(&mut self, from: SequencerId, name: &BodyName) -> Result<(), RefusedBody> {
        let height = self.engine.height();
        if name.height > height || height == Height::ZERO {
            return Err(RefusedBody::HeightAhead);
        }
        let decided = self.certificates.value(name.height);
        let is_followed = || self.bodies.entry(name.value).is_some();
        let may_be_held = match decided {
            Some(value) if name.height < height => value == name.value,
            _ => name.height < height || is_followed(),
        };
        if !may_be_held {
            return Err(RefusedBody::BodyNotHeld);
        }
        self.take_token(from)?;
        self.answer(Answer::Body(from, name.height, name.value));
        Ok(())
    }

    /// A body came.
    fn take_body(
        &mut self,
        from: SequencerId,
        name: &BodyName,
        body: &[u8],
    ) -> Result<(), RefusedBody> {
        let member = self.member_of(from).ok_or(RefusedBody::BodyNotWanted)?;
        let entry = self.bodies.entry(name.value);
        let is_wanted = entry.is_some_and(|entry| entry.is_wanted && entry.lacks_body());
        if name.height != self.engine.height() || !is_wanted {
            return Err(RefusedBody::BodyNotWanted);
        }
        // Whoever lied about this value is not listened to again about it: the check costs a hash
        // over the whole body.
        if entry.is_some_and(|entry| entry.is_liar(member)) {
            return Err(RefusedBody::BodyNotWanted);
        }
        if (self.identify)(body) != Some(name.value) {
            self.bodies.note_liar(name.value, member);
            self.blame(member);
            self.search(name.value, None);
            return Err(RefusedBody::BodyNotOfValue);
        }
        let engine = &self.engine;
        self.bodies
            .put(name.value, Some(member), body, |e| Self::need_of(engine, e))?;
        count(&mut self.metrics.bodies_fetched);
        Ok(())
    }

    /// A token for something that a peer asks for. Those who are no members share one bucket.
    fn take_token(&mut self, from: SequencerId) -> Result<(), RefusedBody> {
        let strangers = BucketIndex::new(self.limits.consensus.validator_count_max);
        let bucket = self.member_of(from).unwrap_or(strangers);
        let has_any = self.serve_buckets.take(bucket, self.engine.now());
        has_any.then_some(()).ok_or(RefusedBody::RateExceeded)
    }

    /// Lets something wait to be sent, or drops it where too much waits: whoever wants it asks
    /// again.
    pub(super) fn answer(&mut self, answer: Answer) {
        if self.answers.push(answer).is_err() {
            count(&mut self.metrics.answers_dropped);
        }
    }
}

//! One engine on a bench: everybody else is played by the test.

use std::vec;
use std::vec::Vec;

use crate::consensus::*;
use crate::types::{Epoch, Hash, Height, MemberIndex, Round};
use crate::vote::NO_ROUND;

pub const MS: u64 = 1_000_000;

/// A short name for a value.
pub fn value(number: u8) -> Hash {
    Hash::new([number; 32])
}

pub fn member(number: u16) -> MemberIndex {
    MemberIndex::new(number)
}

pub fn round(number: u32) -> Round {
    Round::new(number)
}

pub fn context() -> SigningContext {
    SigningContext {
        chain_id: value(0xC1),
        epoch: Epoch::new(3),
        suite_id: 1,
    }
}

/// Limits for short signatures.
pub fn limits(count: u16) -> ConsensusLimits {
    ConsensusLimits {
        validator_count_max: count,
        signature_bytes_max: 16,
        pending_per_peer_max: 16,
        schedule_count_max: 64,
        ..ConsensusLimits::default()
    }
}

/// A signature that only this test could make: a mix of the key's number and the bytes.
pub fn sign(member: MemberIndex, bytes: &[u8]) -> [u8; 16] {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64 ^ (u64::from(member.get()) << 48);
    let mut out = [0; 16];
    for half in out.chunks_exact_mut(8) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            state = (state ^ u64::from_le_bytes(word)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            state ^= state >> 29;
        }
        half.copy_from_slice(&state.to_le_bytes());
    }
    out
}

pub fn engine(weights: &[u64], me: Option<u16>, config: &ConsensusConfig) -> ConsensusEngine {
    let view = CommitteeView {
        weights,
        me: me.map(member),
    };
    let limits = limits(weights.len() as u16);
    ConsensusEngine::new(&limits, config, context(), view).unwrap()
}

/// Checks a batch with the keys of [`sign`].
pub fn verify(engine: &ConsensusEngine, batch: BatchId, count: u8) -> u128 {
    let mut good = 0;
    for at in 0..count {
        let item = engine.verify_item(batch, usize::from(at)).unwrap();
        if item.signature == sign(item.member, &item.bytes) {
            good |= 1 << at;
        }
    }
    assert!(engine.verify_item(batch, usize::from(count)).is_none());
    good
}

/// An engine, and how the host answers.
pub struct Bench {
    pub engine: ConsensusEngine,
    /// Every effect so far.
    pub effects: Vec<Effect>,
    /// Every message so far, with whom it went to.
    pub sent: Vec<(Recipient, Vec<u8>)>,
    /// Both statements of each piece of evidence.
    pub evidence: Vec<(MemberIndex, [Statement; 2])>,
    /// The last record that was written.
    pub record: Vec<u8>,
    /// Values that the host finds bad, and those that it does not answer about.
    pub invalid: Vec<Hash>,
    pub unknown: Vec<Hash>,
    /// What the host proposes when asked; nothing for no answer.
    pub proposal: Option<Hash>,
    pub auto_persist: bool,
    pub auto_verify: bool,
}

impl Bench {
    /// One of four equal members, in height 1; member 1 proposes in round 0 (see the schedule).
    pub fn new(me: u16) -> Self {
        Self::with(me, &ConsensusConfig::default())
    }

    pub fn with(me: u16, config: &ConsensusConfig) -> Self {
        Self::of(engine(&[1; 4], Some(me), config))
    }

    pub fn of(engine: ConsensusEngine) -> Self {
        let mut bench = Self::idle(engine);
        bench.engine.start_height(Height::new(1)).unwrap();
        bench.drain();
        bench
    }

    /// The same before any height.
    pub fn idle(engine: ConsensusEngine) -> Self {
        Self {
            engine,
            effects: Vec::new(),
            sent: Vec::new(),
            evidence: Vec::new(),
            record: Vec::new(),
            invalid: Vec::new(),
            unknown: Vec::new(),
            proposal: Some(value(99)),
            auto_persist: true,
            auto_verify: true,
        }
    }

    /// Carries effects out until there are none.
    pub fn drain(&mut self) {
        while let Some(effect) = self.engine.poll_effect() {
            self.effects.push(effect);
            self.carry_out(effect);
        }
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Persist { seq } => {
                self.record = vec![0; record_bytes_max(self.engine.limits())];
                let len = self.engine.write_record(&mut self.record).unwrap();
                self.record.truncate(len);
                if self.auto_persist {
                    self.engine.handle_persisted(seq).unwrap();
                }
            }
            Effect::Sign { ticket, bytes } => {
                assert_eq!(bytes, ticket.statement.sign_bytes(&context()));
                let me = self.engine.committee().me().unwrap();
                assert!(
                    self.engine
                        .handle_signed(&ticket, &sign(me, &bytes))
                        .unwrap()
                );
            }
            Effect::Send { to, message } => {
                let mut bytes = vec![0; message_bytes_max(self.engine.limits())];
                let len = self.engine.write_message(&message, &mut bytes).unwrap();
                bytes.truncate(len);
                if len > 0 {
                    let decoded = Message::decode(&bytes, self.engine.limits()).unwrap();
                    let mut again = vec![0; len];
                    assert_eq!(decoded.encode(&mut again), Ok(len));
                    assert_eq!(again, bytes, "one spelling");
                    self.sent.push((to, bytes));
                }
            }
            Effect::Verify { batch, count } if self.auto_verify => {
                let good = verify(&self.engine, batch, count);
                assert!(self.engine.handle_verified(batch, good).unwrap());
            }
            Effect::GetValue { height, round, .. } => {
                if let Some(value) = self.proposal {
                    self.engine.handle_value(height, round, value, Hash::ZERO);
                }
            }
            Effect::Validate { height, value, .. } if !self.unknown.contains(&value) => {
                let validity = if self.invalid.contains(&value) {
                    Validity::Invalid
                } else {
                    Validity::Valid {
                        extension_hash: Hash::ZERO,
                    }
                };
                self.engine.handle_validity(height, value, validity);
            }
            Effect::Evidence { member, kind } => {
                let pair = self.engine.evidence().unwrap();
                assert_eq!((pair.member, pair.statements[0].kind), (member, kind));
                for (statement, signature) in pair.statements.iter().zip(pair.signatures) {
                    assert_eq!(signature, sign(member, &statement.sign_bytes(&context())));
                }
                self.evidence.push((member, pair.statements));
            }
            _ => {}
        }
    }

    /// Moves the clock on.
    pub fn pass(&mut self, ms: u64) {
        let now = self.engine.now().saturating_add(ms * MS);
        self.engine.handle_now(now).unwrap();
        self.drain();
    }

    /// A timer of this round goes off, whatever the clock says.
    pub fn time_out(&mut self, kind: TimerKind) {
        let (tag, _) = self.engine.timer(kind).expect("the timer runs");
        assert!(self.engine.handle_timer(tag));
        self.drain();
    }

    pub fn statement(
        &self,
        kind: VoteKind,
        at: u32,
        value: Option<Hash>,
        valid_round: i32,
    ) -> Statement {
        Statement {
            kind,
            height: self.engine.height(),
            round: round(at),
            value,
            valid_round,
            extension_hash: Hash::ZERO,
        }
    }

    /// Hands in a statement of `by`, sent by `from`.
    pub fn relay(
        &mut self,
        from: u16,
        by: u16,
        statement: Statement,
    ) -> Result<(), RefusedMessage> {
        let signature = sign(member(by), &statement.sign_bytes(&context()));
        let vote = SignedVote {
            statement,
            member: member(by),
            signature: &signature,
        };
        let result = self.body(from, MessageBody::Vote(vote));
        self.drain();
        result
    }

    pub fn body(&mut self, from: u16, body: MessageBody<'_>) -> Result<(), RefusedMessage> {
        let message = Message {
            epoch: context().epoch,
            height: self.engine.height(),
            body,
        };
        self.engine.handle_message(member(from), &message)
    }

    pub fn say(&mut self, by: u16, statement: Statement) -> Result<(), RefusedMessage> {
        self.relay(by, by, statement)
    }

    /// The proposer of a round proposes.
    pub fn propose(&mut self, at: u32, value: Hash, valid_round: i32) {
        let by = self.engine.proposer(self.engine.height(), round(at));
        let statement = self.statement(VoteKind::Proposal, at, Some(value), valid_round);
        self.say(by.get(), statement).unwrap();
    }

    /// Prevotes of some members.
    pub fn prevote(&mut self, by: &[u16], at: u32, value: Option<Hash>, valid_round: i32) {
        for member in by {
            let statement = self.statement(VoteKind::Prevote, at, value, valid_round);
            self.say(*member, statement).unwrap();
        }
    }

    /// Precommits of some members.
    pub fn precommit(&mut self, by: &[u16], at: u32, value: Option<Hash>) {
        for member in by {
            let statement = self.statement(VoteKind::Precommit, at, value, NO_ROUND);
            self.say(*member, statement).unwrap();
        }
    }

    /// What this member said of a kind in a round, if it has left.
    pub fn said(&self, kind: VoteKind, at: u32) -> Option<(Option<Hash>, i32)> {
        let statements = self.own_statements();
        let mut found = statements
            .iter()
            .filter(|s| (s.kind, s.round) == (kind, round(at)));
        let first = found.next()?;
        assert!(
            found.all(|other| other == first),
            "one statement of a kind in a round"
        );
        Some((first.value, first.valid_round))
    }

    /// Every statement of this member that left.
    pub fn own_statements(&self) -> Vec<Statement> {
        let me = self.engine.committee().me();
        let mut statements = Vec::new();
        for (_, bytes) in &self.sent {
            let message = Message::decode(bytes, self.engine.limits()).unwrap();
            match message.body {
                MessageBody::Vote(vote) if Some(vote.member) == me => {
                    statements.push(vote.statement);
                }
                MessageBody::Votes(votes) => {
                    let own = votes.iter().filter(|vote| Some(vote.member) == me);
                    statements.extend(own.map(|vote| vote.statement));
                }
                _ => {}
            }
        }
        statements
    }

    /// The members beside this one, in order.
    pub fn others(&self) -> Vec<u16> {
        self.engine
            .committee()
            .others()
            .iter()
            .map(MemberIndex::get)
            .collect()
    }

    /// Messages that went to one member since the last call.
    pub fn take_sent(&mut self) -> Vec<(Recipient, Vec<u8>)> {
        core::mem::take(&mut self.sent)
    }

    /// A polka certificate by some members.
    pub fn polka_bytes(&self, by: &[u16], at: u32, value: Hash, valid_round: i32) -> Vec<u8> {
        self.certificate_bytes(VoteKind::Prevote, by, at, value, valid_round)
    }

    /// A certificate by some members, as bytes.
    pub fn certificate_bytes(
        &self,
        kind: VoteKind,
        by: &[u16],
        at: u32,
        value: Hash,
        valid_round: i32,
    ) -> Vec<u8> {
        let statement = self.statement(kind, at, Some(value), valid_round);
        let signatures: Vec<[u8; 16]> = by
            .iter()
            .map(|by| sign(member(*by), &statement.sign_bytes(&context())))
            .collect();
        let mut signers = MemberSet::EMPTY;
        by.iter().for_each(|by| signers.insert(member(*by)));
        let fields = message::CertificateFields {
            epoch: context().epoch,
            height: self.engine.height(),
            is_polka: kind == VoteKind::Prevote,
            round: round(at),
            value,
            valid_round,
            signers,
        };
        let mut out = vec![0; 4_096];
        let mut writer = crate::codec::Writer::new(&mut out);
        let entries = signatures
            .iter()
            .map(|signature| (Hash::ZERO, &signature[..]));
        message::write_certificate(&mut writer, &fields, entries).unwrap();
        let len = writer.len();
        out.truncate(len);
        out
    }

    /// Hands in bytes of a peer.
    pub fn bytes(&mut self, from: u16, bytes: &[u8]) -> Result<(), RefusedMessage> {
        let limits = self.engine.limits().clone();
        let message = Message::decode(bytes, &limits).unwrap();
        let result = self.engine.handle_message(member(from), &message);
        self.drain();
        result
    }
}

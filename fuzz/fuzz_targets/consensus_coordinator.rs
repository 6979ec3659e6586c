//! Messages between coordinators from arbitrary bytes: decoding ends, what decodes has one
//! spelling, and no sequence of messages, bodies, answers, ticks and epochs breaks a coordinator's
//! invariants.
#![no_main]

use hauptbuch_core::consensus::{
    BodyName, ConsensusCoordinator, CoordinatorConfig, CoordinatorEffect, CoordinatorLimits,
    CoordinatorMessage, CoordinatorSetup, Destination, Message, MessageBody, PeerMessage,
    SignedVote, Statement, Validity, Verdict, VoteKind, body_hash,
};
use hauptbuch_core::crypto::signature::{
    PUBLIC_KEY_BYTES, Provider, PublicKey, SIGNATURE_BYTES, Suite,
};
use hauptbuch_core::sequencer::Membership;
use hauptbuch_core::types::{Epoch, Hash, Height, MemberIndex, Round, SequencerId, Tick};
use libfuzzer_sys::fuzz_target;

const MEMBER_COUNT: u8 = 4;

fn limits() -> CoordinatorLimits {
    let mut limits = CoordinatorLimits {
        value_bytes_max: 32,
        certificate_count_max: 2,
        answer_count_max: 8,
        ..CoordinatorLimits::default()
    };
    limits.consensus.validator_count_max = u16::from(MEMBER_COUNT);
    limits.consensus.pending_per_peer_max = 4;
    limits.consensus.votes_per_message_max = 2;
    limits.consensus.reply_count_max = 8;
    limits.consensus.schedule_count_max = 16;
    limits
}

/// Members 2, 3, 4 and so on, whose keys nobody made: the host's answers are the input's.
fn membership(epoch: u64) -> Membership {
    let count = if epoch % 2 == 0 {
        MEMBER_COUNT
    } else {
        MEMBER_COUNT - 1
    };
    let keys: Vec<PublicKey> = (0..count)
        .map(|number| PublicKey::new([number; PUBLIC_KEY_BYTES]))
        .collect();
    let rows = keys.iter().zip(2..);
    let rows = rows.map(|(key, id)| (SequencerId::new(id), 1, key));
    let mut membership = Membership::with_room(u16::from(MEMBER_COUNT), Suite::MlDsa65);
    membership
        .fill(Epoch::new(epoch), Suite::MlDsa65, rows)
        .expect("good members");
    membership
}

/// What the host has and does.
struct Host {
    node: ConsensusCoordinator,
    /// Which answers come: bits of the input.
    mood: u8,
    out: Vec<u8>,
}

impl Host {
    fn drain(&mut self) {
        let mut count = 0;
        while let Some(effect) = self.node.poll_effect() {
            count += 1;
            assert!(
                count < 4_096,
                "an input ends in a bounded number of effects"
            );
            self.carry_out(effect);
        }
        self.node.verify().expect("everything agrees");
    }

    fn carry_out(&mut self, effect: CoordinatorEffect) {
        match effect {
            CoordinatorEffect::Persist { seq } if self.mood & 1 == 0 => {
                self.node.handle_persisted(seq).expect("it was asked for");
            }
            CoordinatorEffect::Sign { ticket, .. } => {
                let taken = self.node.handle_signed(&ticket, &[1; SIGNATURE_BYTES]);
                taken.expect("a good length");
            }
            CoordinatorEffect::Send { message, to } => {
                let len = self
                    .node
                    .write_message(&message, &mut self.out)
                    .expect("it fits");
                if len > 0 {
                    let own = PeerMessage::decode(&self.out[..len], self.node.limits());
                    assert!(own.is_ok(), "own bytes decode");
                }
                if let (CoordinatorMessage::GetBody { value }, Destination::One(peer)) =
                    (message, to)
                {
                    self.send_body(peer, value, self.mood & 2 == 0);
                }
            }
            CoordinatorEffect::Verify { batch, count } => {
                assert_eq!(self.node.verify_batch(batch).len(), usize::from(count));
                let all = u128::MAX >> (128 - u32::from(count));
                let good = if self.mood & 4 == 0 { all } else { all >> 1 };
                assert_eq!(self.node.handle_verified(batch, good), Ok(true));
            }
            CoordinatorEffect::GetValue { height, round, .. } if self.mood & 8 == 0 => {
                let body = body(round.get() as u8 & 3);
                let taken = self.node.handle_value(height, round, &body, Hash::ZERO);
                assert!(taken.is_ok(), "{taken:?}");
            }
            CoordinatorEffect::LoadBody { height, value } => {
                assert_eq!(self.node.handle_loaded(height, value, None), Ok(true));
            }
            CoordinatorEffect::StoreBody { height, value } if self.mood & 16 == 0 => {
                assert!(self.node.handle_stored(height, value));
            }
            CoordinatorEffect::Validate { height, value } => {
                let verdict = match self.node.body(value).and_then(|body| body.first()) {
                    Some(0x40..) if self.mood & 32 == 0 => Verdict::Known(Validity::Invalid),
                    Some(0x30..) if self.mood & 32 == 0 => Verdict::WrongBody,
                    _ => Verdict::Known(Validity::Valid {
                        extension_hash: Hash::ZERO,
                    }),
                };
                assert!(self.node.handle_validity(height, value, verdict));
            }
            CoordinatorEffect::Decide { height, .. } => {
                let certificate = self.node.certificate(height).expect("it is kept");
                assert!(self.node.validator().decode(certificate).is_ok());
                if self.mood & 64 == 0 {
                    self.node.start_next().expect("it is decided");
                } else {
                    let next = membership(self.node.epoch().get() + 1);
                    self.node.start_epoch(&next).expect("it is decided");
                }
            }
            CoordinatorEffect::Evidence { .. } => assert!(self.node.evidence().is_some()),
            _ => {}
        }
    }

    /// A body whose first byte tells which value it is of; sometimes the wrong one.
    fn send_body(&mut self, peer: SequencerId, value: Hash, is_right: bool) {
        let right = (0..=u8::MAX).find(|number| body_hash(&body(*number)) == Some(value));
        let number = right.filter(|_| is_right).unwrap_or(0);
        let name = BodyName {
            epoch: self.node.epoch(),
            height: self.node.height(),
            value,
        };
        let mut bytes = [0; 128];
        let message = PeerMessage::PutBody(name, &body(number)).encode(&mut bytes);
        let len = message.expect("it fits");
        let _refused = self.node.handle_message(peer, &bytes[..len]);
    }

    /// A vote that could be meant, from a few bytes.
    fn vote(&mut self, bytes: [u8; 6]) {
        let [from, by, kind, round, number, valid_round] = bytes;
        let round = self.node.round().get().saturating_add(u32::from(round % 5));
        let value = body_hash(&body(number & 0x73));
        let height = self.node.height();
        let statement = Statement {
            kind: VoteKind::ALL[usize::from(kind % 3)],
            height,
            round: Round::new(round.saturating_sub(2)),
            value: value.filter(|_| number & 0x80 == 0),
            valid_round: i32::from(valid_round % 6) - 1,
            extension_hash: Hash::ZERO,
        };
        let body = MessageBody::Vote(SignedVote {
            statement,
            member: MemberIndex::new(u16::from(by % 5)),
            signature: &[number; 4],
        });
        let message = Message {
            epoch: self.node.epoch(),
            height,
            body,
        };
        let mut bytes = [0; 256];
        if let Ok(len) = message.encode(&mut bytes) {
            let from = SequencerId::new(2 + u32::from(from % 5));
            let _refused = self.node.handle_message(from, &bytes[..len]);
        }
    }

    /// Everybody else votes for one value in this round, so that something is decided.
    fn unison(&mut self, number: u8) {
        let (height, round) = (self.node.height(), self.node.round());
        let proposer = self.node.engine().proposer(height, round).get() as u8;
        self.vote([proposer, proposer, 0, 2, number, 0]);
        self.drain();
        for kind in [1, 2] {
            for by in 0..MEMBER_COUNT {
                if (height, round) == (self.node.height(), self.node.round()) {
                    self.vote([by, by, kind, 2, number, 0]);
                    self.drain();
                }
            }
        }
    }
}

fn body(number: u8) -> [u8; 8] {
    [number; 8]
}

fuzz_target!(|data: &[u8]| {
    let limits = limits();
    if let Ok(message) = PeerMessage::decode(data, &limits) {
        let mut again = vec![0; data.len()];
        assert_eq!(message.encode(&mut again), Ok(data.len()));
        assert_eq!(again, data);
    }
    let Some((first, mut rest)) = data.split_first() else {
        return;
    };
    let node = ConsensusCoordinator::new(&CoordinatorSetup {
        limits: &limits,
        config: &CoordinatorConfig::default(),
        network: Hash::new([5; 32]),
        provider: Provider::MlDsa65,
        membership: &membership(0),
        me: Some(SequencerId::new(2 + u32::from(first % 5))),
        identify: body_hash,
    });
    let mut host = Host {
        node: node.expect("a good setup"),
        mood: 0,
        out: vec![0; limits.message_bytes_max()],
    };
    host.node.handle_now(Tick::new(1)).expect("the first");
    host.node.start(Height::new(1)).expect("the first");
    host.drain();
    for _ in 0..400 {
        let Some((operation, after)) = rest.split_first() else {
            break;
        };
        rest = after;
        match operation % 8 {
            0..=3 => {
                let Some((bytes, after)) = rest.split_first_chunk::<6>() else {
                    break;
                };
                rest = after;
                host.vote(*bytes);
            }
            4 => {
                // A whole message, from wherever the bytes lead.
                let len = rest.len().min(usize::from(operation >> 3) * 8);
                let (bytes, after) = rest.split_at(len);
                rest = after;
                let from = SequencerId::new(u32::from(operation >> 3));
                let _refused = host.node.handle_message(from, bytes);
            }
            5 => host.mood = operation >> 3 << 1 | operation >> 7,
            6 => {
                let name = usize::from(operation >> 3);
                let value = body_hash(&body(name as u8 * 3)).unwrap_or_default();
                host.send_body(SequencerId::new(3), value, name % 2 == 0);
            }
            _ if operation >> 7 == 1 => host.unison(operation >> 3),
            _ => {
                let later = host.node.now();
                let later = later.saturating_add(u64::from(operation >> 3) << 26);
                host.node.handle_now(later).expect("it goes on");
            }
        }
        host.drain();
    }
});

//! How long a committee in one process takes to decide, by provider of signatures: every member on
//! one thread, every message as bytes, every signature made and checked.
#![allow(
    missing_docs,
    reason = "criterion's macros make public items without words"
)]

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use hauptbuch_core::consensus::{
    BatchId, CommitteeView, ConsensusConfig, ConsensusEngine, ConsensusLimits, Effect, Message,
    Outgoing, Recipient, SigningContext, Validity, message_bytes_max,
};
use hauptbuch_core::crypto::signature::{
    Provider, Randomness, SecretKey, Seed, Signature, VerifyingKey,
};
use hauptbuch_core::types::{Epoch, Hash, Height, MemberIndex};

/// The smallest committee that bears a fault, and a middling one.
const MEMBER_COUNTS: [u16; 2] = [4, 16];

struct Member {
    engine: ConsensusEngine,
    key: SecretKey,
}

/// Members, what is on its way between them, and everybody's keys.
struct Network {
    members: Vec<Member>,
    keys: Vec<VerifyingKey>,
    /// From whom, to whom, and the bytes.
    waiting: VecDeque<(u16, u16, Vec<u8>)>,
    limits: ConsensusLimits,
    height: u64,
}

impl Network {
    fn new(provider: Provider, count: u16) -> Self {
        let limits = ConsensusLimits {
            validator_count_max: count,
            ..ConsensusLimits::default()
        };
        let context = SigningContext {
            chain_id: Hash::new([7; 32]),
            epoch: Epoch::new(1),
            suite_id: provider.suite().number(),
        };
        let weights = vec![1; usize::from(count)];
        let member = |number: u16| {
            let view = CommitteeView {
                weights: &weights,
                me: Some(MemberIndex::new(number)),
            };
            let engine = ConsensusEngine::new(&limits, &ConsensusConfig::default(), context, view);
            let key = SecretKey::from_seed(provider, &Seed::new([number as u8; 32]))
                .or_else(|_| SecretKey::from_system(provider));
            Member {
                engine: engine.expect("the committee is in range"),
                key: key.expect("the provider is built in"),
            }
        };
        let members: Vec<Member> = (0..count).map(member).collect();
        let keys = members.iter().map(|member| {
            VerifyingKey::new(provider, member.key.public_key()).expect("a key of its own")
        });
        Self {
            keys: keys.collect(),
            members,
            waiting: VecDeque::new(),
            limits,
            height: 0,
        }
    }

    /// All decide the next height; no timer goes off.
    fn decide(&mut self) {
        self.height += 1;
        let height = Height::new(self.height);
        for at in 0..self.members.len() {
            let engine = &mut self.members[at].engine;
            engine.start_height(height).expect("the next height");
            self.drain(at);
        }
        while let Some((from, to, bytes)) = self.waiting.pop_front() {
            let message = Message::decode(&bytes, &self.limits).expect("a member wrote it");
            let engine = &mut self.members[usize::from(to)].engine;
            // Votes that come after a decision may be refused.
            let _refused = engine.handle_message(MemberIndex::new(from), &message);
            self.drain(usize::from(to));
        }
        let decided = |member: &Member| member.engine.decided();
        assert!(decided(&self.members[0]).is_some());
        assert!(
            self.members
                .iter()
                .all(|member| decided(member) == decided(&self.members[0]))
        );
    }

    fn drain(&mut self, at: usize) {
        while let Some(effect) = self.members[at].engine.poll_effect() {
            let Member { engine, key } = &mut self.members[at];
            match effect {
                Effect::Persist { seq } => engine.handle_persisted(seq).expect("asked for"),
                Effect::Sign { ticket, bytes } => {
                    let signature = key.sign(&bytes, &Randomness::ZERO).expect("it signs");
                    let taken = engine.handle_signed(&ticket, signature.as_bytes());
                    assert!(taken.expect("it fits"));
                }
                Effect::Verify { batch, count } => self.verify(at, batch, count),
                Effect::GetValue { height, round, .. } => {
                    let value = Hash::new([height.get() as u8; 32]);
                    engine.handle_value(height, round, value, Hash::ZERO);
                }
                Effect::Validate { height, value, .. } => {
                    let good = Validity::Valid {
                        extension_hash: Hash::ZERO,
                    };
                    engine.handle_validity(height, value, good);
                }
                Effect::Send { to, message } => self.send(at, to, &message),
                _ => {}
            }
        }
    }

    fn verify(&mut self, at: usize, batch: BatchId, count: u8) {
        let engine = &mut self.members[at].engine;
        let mut good = 0;
        for position in 0..count {
            let item = engine
                .verify_item(batch, usize::from(position))
                .expect("it is out");
            let key = &self.keys[usize::from(item.member.get())];
            let signature = Signature::from_slice(item.signature).expect("a whole one");
            good |= u128::from(key.verify(&item.bytes, &signature)) << position;
        }
        let taken = engine.handle_verified(batch, good);
        assert!(taken.expect("bits of the batch"));
    }

    fn send(&mut self, at: usize, to: Recipient, message: &Outgoing) {
        let mut bytes = vec![0; message_bytes_max(&self.limits)];
        let engine = &self.members[at].engine;
        let len = engine.write_message(message, &mut bytes).expect("it fits");
        bytes.truncate(len);
        if bytes.is_empty() {
            return;
        }
        for other in engine.committee().others().iter() {
            let is_meant = match to {
                Recipient::All => true,
                Recipient::One(one) => one == other,
            };
            if is_meant {
                let message = (at as u16, other.get(), bytes.clone());
                self.waiting.push_back(message);
            }
        }
    }
}

fn decisions(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("consensus/decision");
    group.sample_size(10);
    for count in MEMBER_COUNTS {
        for provider in Provider::ALL {
            let mut network = Network::new(provider, count);
            group.bench_function(format!("{provider:?}/{count}"), |bencher| {
                bencher.iter_custom(|rounds| {
                    let mut spent = Duration::ZERO;
                    for _ in 0..rounds {
                        let start = Instant::now();
                        network.decide();
                        spent += start.elapsed();
                    }
                    spent
                });
            });
        }
    }
    group.finish();
}

criterion_group!(benches, decisions);
criterion_main!(benches);

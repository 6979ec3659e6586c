//! Bodies that come to matter again after the round that named them.

use std::vec;
use std::vec::Vec;

use super::kit::{MS, limits};
use crate::consensus::*;
use crate::crypto::signature::{Provider, SIGNATURE_BYTES};
use crate::sequencer::tests::kit::{NETWORK, membership, precommit};
use crate::types::{Epoch, Hash, Height, MemberIndex, Round, SequencerId, Tick};
use crate::vote::NO_ROUND;

const SIGNATURE: [u8; SIGNATURE_BYTES] = [3; SIGNATURE_BYTES];
const BODY: &[u8] = b"the body that nobody gives at first";

/// One coordinator in height 1, whose host answers at once and finds every signature good.
struct Bench {
    node: ConsensusCoordinator,
    /// Whom it asked for which body.
    asked: Vec<(SequencerId, Hash)>,
    proposed: u8,
}

impl Bench {
    fn new() -> Self {
        let mut node = ConsensusCoordinator::new(&CoordinatorSetup {
            limits: &limits(),
            config: &CoordinatorConfig::default(),
            network: NETWORK,
            provider: Provider::MlDsa65,
            membership: &membership(0, &[1; 4]),
            me: Some(SequencerId::new(0)),
            identify: body_hash,
        })
        .unwrap();
        node.handle_now(Tick::new(1)).unwrap();
        node.start(Height::new(1)).unwrap();
        let mut bench = Self {
            node,
            asked: Vec::new(),
            proposed: 0,
        };
        bench.drain();
        bench
    }

    fn drain(&mut self) {
        while let Some(effect) = self.node.poll_effect() {
            match effect {
                CoordinatorEffect::Persist { seq } => self.node.handle_persisted(seq).unwrap(),
                CoordinatorEffect::Sign { ticket, .. } => {
                    self.node.handle_signed(&ticket, &SIGNATURE).unwrap();
                }
                CoordinatorEffect::Verify { batch, count } => {
                    let all = u128::MAX >> (128 - u32::from(count));
                    self.node.handle_verified(batch, all).unwrap();
                }
                CoordinatorEffect::Send {
                    to: Destination::One(peer),
                    message: CoordinatorMessage::GetBody { value },
                } => self.asked.push((peer, value)),
                CoordinatorEffect::GetValue { height, round, .. } => {
                    self.proposed += 1;
                    let body = [self.proposed; 40];
                    let taken = self.node.handle_value(height, round, &body, Hash::ZERO);
                    assert_eq!(taken, Ok(true));
                }
                CoordinatorEffect::StoreBody { height, value } => {
                    assert!(self.node.handle_stored(height, value));
                }
                CoordinatorEffect::Validate { height, value } => {
                    let extension_hash = Hash::ZERO;
                    let valid = Verdict::Known(Validity::Valid { extension_hash });
                    assert!(self.node.handle_validity(height, value, valid));
                }
                _ => {}
            }
        }
        self.node.verify().unwrap();
    }

    fn hear(&mut self, from: u16, bytes: &[u8]) -> Result<(), RefusedInput> {
        let result = self
            .node
            .handle_message(SequencerId::new(from.into()), bytes);
        self.drain();
        result
    }

    fn vote(&mut self, kind: VoteKind, by: u16, round: u32, value: Option<Hash>) {
        let statement = Statement {
            kind,
            height: Height::new(1),
            round: Round::new(round),
            value,
            valid_round: NO_ROUND,
            extension_hash: Hash::ZERO,
        };
        let vote = SignedVote {
            statement,
            member: MemberIndex::new(by),
            signature: &SIGNATURE,
        };
        let message = Message {
            epoch: Epoch::ZERO,
            height: Height::new(1),
            body: MessageBody::Vote(vote),
        };
        let mut bytes = vec![0; 4_000];
        let len = message.encode(&mut bytes).unwrap();
        self.hear(by, &bytes[..len]).unwrap();
    }

    fn wait(&mut self, ns: u64) {
        let later = self.node.now().saturating_add(ns);
        self.node.handle_now(later).unwrap();
        self.drain();
    }

    fn give(&mut self, from: u16, body: &[u8]) -> Result<(), RefusedInput> {
        let name = BodyName {
            epoch: Epoch::ZERO,
            height: Height::new(1),
            value: body_hash(body).unwrap(),
        };
        let mut bytes = vec![0; 4_200];
        let len = write_put_body(&mut bytes, &name, body).unwrap();
        self.hear(from, &bytes[..len])
    }
}

/// The certificate of a value in round 0 by members 1, 2 and 3, whose signatures this host takes.
fn certificate(value: Hash) -> Vec<u8> {
    let statement = Statement {
        value: Some(value),
        ..precommit(1, 0, 0)
    };
    crate::certificate::tests::certificate(0, &statement, &[1, 2, 3])
}

#[test]
fn a_body_is_looked_for_after_its_round_since_it_may_turn_out_to_be_decided() {
    let mut bench = Bench::new();
    let value = body_hash(BODY).unwrap();
    let proposer = bench.node.engine().proposer(Height::new(1), Round::ZERO);
    bench.vote(VoteKind::Proposal, proposer.get(), 0, Some(value));
    let source = SequencerId::new(u32::from(proposer.get()));
    assert_eq!(bench.asked, [(source, value)]);
    // The others go on without a decision, and nothing names the value any more.
    for by in [1, 2] {
        bench.vote(VoteKind::Prevote, by, 5, None);
    }
    assert_eq!(bench.node.round().get(), 5);
    bench.wait(10 * MS);
    for _ in 0..6 {
        bench.wait(200 * MS);
    }
    let mut peers: Vec<_> = bench.asked.iter().map(|(peer, _)| peer.get()).collect();
    assert!(peers.len() >= 6, "{peers:?}");
    peers.truncate(6);
    peers.sort_unstable();
    assert_eq!(peers, [1, 1, 2, 2, 3, 3], "all in turn");
    // It was decided all the same, as a certificate shows later.
    bench.hear(3, &certificate(value)).unwrap();
    assert_eq!(bench.node.decided(), None, "not without its body");
    bench.give(2, BODY).unwrap();
    assert_eq!(bench.node.decided(), Some((Round::ZERO, value)));
    assert_eq!(bench.node.body(value), Some(BODY));
}

#[test]
fn what_matters_finds_room_however_many_values_are_named() {
    let mut bench = Bench::new();
    // Each round another value, all of whose bodies come: far more than there are places.
    let mut last = Hash::ZERO;
    for round in 0..30_u8 {
        for by in [1, 2] {
            bench.vote(VoteKind::Prevote, by, u32::from(round), None);
        }
        let now = bench.node.round();
        assert_eq!(now.get(), u32::from(round));
        let proposer = bench.node.engine().proposer(Height::new(1), now).get();
        if proposer == 0 {
            continue;
        }
        let body = [100 + round; 4_000];
        last = body_hash(&body).unwrap();
        bench.vote(VoteKind::Proposal, proposer, u32::from(round), Some(last));
        bench.give(proposer, &body).unwrap();
        assert_eq!(
            bench.node.body(last),
            Some(body.as_slice()),
            "round {round}"
        );
    }
    assert_ne!(last, Hash::ZERO);
    // And one from before, which had given way, is decided.
    let old = [100 + 1; 4_000];
    let value = body_hash(&old).unwrap();
    bench.hear(1, &certificate(value)).unwrap();
    if bench.node.decided().is_none() {
        bench.give(1, &old).unwrap();
    }
    assert_eq!(bench.node.decided(), Some((Round::ZERO, value)));
    assert_eq!(bench.node.metrics().bodies_wrong, 0);
}

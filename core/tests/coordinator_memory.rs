//! A committee's coordinator takes the memory that its limits lead to, to the byte, and none
//! afterwards: over heights, hand-overs, and whatever peers send.

#[path = "common/counting.rs"]
mod counting;

use hauptbuch_core::consensus::{
    BodyName, CommitteeView, ConsensusConfig, ConsensusCoordinator, ConsensusEngine,
    CoordinatorConfig, CoordinatorEffect, CoordinatorLimits, CoordinatorMessage, CoordinatorSetup,
    Destination, Message, MessageBody, PeerMessage, SignedVote, Statement, Validity, Verdict,
    VoteKind, body_hash, newest_record, record_bytes_max,
};
use hauptbuch_core::crypto::signature::{PUBLIC_KEY_BYTES, Provider, PublicKey, Suite};
use hauptbuch_core::sequencer::Membership;
use hauptbuch_core::types::{Epoch, Hash, Height, MemberIndex, Round, SequencerId, Tick};

const NETWORK: Hash = Hash::new([7; 32]);
const SIGNATURE: [u8; 3_309] = [9; 3_309];

fn limits(count: u16) -> CoordinatorLimits {
    let mut limits = CoordinatorLimits {
        value_bytes_max: 10_000,
        certificate_count_max: 3,
        ..CoordinatorLimits::default()
    };
    limits.consensus.validator_count_max = count;
    limits
}

/// Members 10, 11, 12 and so on, whose keys nobody made: this test's host finds every signature
/// good, so that what is looked at is memory.
fn membership(epoch: u64, count: u16) -> Membership {
    let keys: Vec<PublicKey> = (0..count)
        .map(|number| PublicKey::new([number as u8; PUBLIC_KEY_BYTES]))
        .collect();
    let mut membership = Membership::with_room(count, Suite::MlDsa65);
    let rows = keys
        .iter()
        .zip(10..)
        .map(|(key, id)| (SequencerId::new(id), 1, key));
    membership
        .fill(Epoch::new(epoch), Suite::MlDsa65, rows)
        .unwrap();
    membership
}

fn coordinator(limits: &CoordinatorLimits, membership: &Membership) -> ConsensusCoordinator {
    ConsensusCoordinator::new(&CoordinatorSetup {
        limits,
        config: &CoordinatorConfig::default(),
        network: NETWORK,
        provider: Provider::MlDsa65,
        membership,
        me: Some(SequencerId::new(10)),
        identify: body_hash,
    })
    .unwrap()
}

#[test]
fn the_footprint_is_what_is_taken() {
    for count in [1, 4, 9, 31, 100, 128] {
        let (limits, members) = (limits(count), membership(0, count));
        let expected = limits.footprint(Provider::MlDsa65);
        let before = counting::held_bytes();
        let made = coordinator(&limits, &members);
        let taken = counting::held_bytes() - before;
        made.verify().unwrap();
        assert_eq!(
            taken,
            expected.bytes() as i64,
            "{count} members: {expected}"
        );
        println!("n = {count}: {} KiB", expected.bytes() / 1_024);
    }
    let limits = CoordinatorLimits::default();
    println!("default: {}", limits.footprint(Provider::MlDsa65));
    assert!(limits.footprint(Provider::MlDsa65).bytes() < 8 << 20);
}

/// A host that answers at once, without a heap.
struct Host {
    node: ConsensusCoordinator,
    message: Box<[u8]>,
    record: Box<[u8]>,
    bodies_asked: u64,
    sent: u64,
    decided: u64,
    stalls: u64,
}

impl Host {
    fn new(limits: &CoordinatorLimits, membership: &Membership) -> Self {
        let mut node = coordinator(limits, membership);
        node.handle_now(Tick::new(1)).unwrap();
        node.start(Height::new(1)).unwrap();
        Self {
            node,
            message: vec![0; limits.message_bytes_max()].into(),
            record: vec![0; record_bytes_max(&limits.consensus)].into(),
            bodies_asked: 0,
            sent: 0,
            decided: 0,
            stalls: 0,
        }
    }

    fn drain(&mut self) {
        while let Some(effect) = self.node.poll_effect() {
            match effect {
                CoordinatorEffect::Persist { seq } => {
                    let len = self.node.write_record(&mut self.record).unwrap();
                    let limits = &self.node.limits().consensus;
                    let newest = newest_record([&self.record[..len], &[]], limits);
                    assert!(newest.unwrap().is_some());
                    self.node.handle_persisted(seq).unwrap();
                }
                CoordinatorEffect::Sign { ticket, .. } => {
                    self.node.handle_signed(&ticket, &SIGNATURE).unwrap();
                }
                CoordinatorEffect::Verify { batch, count } => {
                    let all = u128::MAX >> (128 - u32::from(count));
                    assert!(self.node.verify_batch(batch).item(0).is_some());
                    self.node.handle_verified(batch, all).unwrap();
                }
                CoordinatorEffect::Send { to, message } => {
                    self.sent += 1;
                    self.node
                        .write_message(&message, &mut self.message)
                        .unwrap();
                    if let CoordinatorMessage::GetBody { value } = message {
                        self.bodies_asked += 1;
                        let Destination::One(peer) = to else {
                            panic!("one peer is asked")
                        };
                        self.send_body(peer, value);
                    }
                }
                CoordinatorEffect::GetValue { height, round, .. } => {
                    let body = body(height.get());
                    self.node
                        .handle_value(height, round, &body, Hash::ZERO)
                        .unwrap();
                }
                CoordinatorEffect::StoreBody { height, value } => {
                    assert!(self.node.handle_stored(height, value));
                }
                CoordinatorEffect::Validate { height, value } => {
                    let extension_hash = Hash::ZERO;
                    let verdict = Verdict::Known(Validity::Valid { extension_hash });
                    assert!(self.node.handle_validity(height, value, verdict));
                }
                CoordinatorEffect::Decide { height, .. } => {
                    self.decided += 1;
                    assert!(self.node.certificate(height).is_some());
                }
                CoordinatorEffect::Stalled { .. } => self.stalls += 1,
                _ => {}
            }
        }
        self.node.verify().unwrap();
    }

    /// The asked peer has the body of the height, and of nothing else.
    fn send_body(&mut self, peer: SequencerId, value: Hash) {
        let height = self.node.height();
        let name = BodyName {
            epoch: self.node.epoch(),
            height,
            value,
        };
        let body = body(height.get());
        let len = PeerMessage::PutBody(name, &body)
            .encode(&mut self.message)
            .unwrap();
        let _refused = self.node.handle_message(peer, &self.message[..len]);
    }

    fn hear(&mut self, from: u16, statement: Statement) {
        let vote = SignedVote {
            statement,
            member: MemberIndex::new(from),
            signature: &SIGNATURE,
        };
        let message = Message {
            epoch: self.node.epoch(),
            height: statement.height,
            body: MessageBody::Vote(vote),
        };
        let len = message.encode(&mut self.message).unwrap();
        let from = SequencerId::new(10 + u32::from(from));
        let _refused = self.node.handle_message(from, &self.message[..len]);
        self.drain();
    }

    fn statement(&self, kind: VoteKind, value: Hash) -> Statement {
        Statement {
            kind,
            height: self.node.height(),
            round: self.node.round(),
            value: Some(value),
            valid_round: -1,
            extension_hash: Hash::ZERO,
        }
    }

    /// One height in which everybody else votes.
    fn height(&mut self, count: u16) {
        self.drain();
        let value = body_hash(&body(self.node.height().get())).unwrap();
        let proposer = self.node.engine().proposer(self.node.height(), Round::ZERO);
        if proposer.get() != 0 {
            self.hear(proposer.get(), self.statement(VoteKind::Proposal, value));
        }
        for kind in [VoteKind::Prevote, VoteKind::Precommit] {
            let statement = self.statement(kind, value);
            for by in 1..count {
                self.hear(by, statement);
            }
        }
        assert_eq!(self.node.decided().map(|(_, value)| value), Some(value));
    }
}

fn body(height: u64) -> [u8; 500] {
    [height as u8; 500]
}

#[test]
fn nothing_allocates_after_construction() {
    for count in [4_u16, 31] {
        let limits = limits(count);
        let (first, second) = (membership(0, count), membership(1, count - 1));
        let mut host = Host::new(&limits, &first);
        counting::without_calls(|| {
            for _ in 0..12 {
                host.height(count);
                host.node.start_next().unwrap();
            }
            host.height(count);
            host.node.start_epoch(&second).unwrap();
            for _ in 0..5 {
                host.height(count - 1);
                host.node.start_next().unwrap();
            }
            flood(&mut host, count - 1);
        });
        assert_eq!(host.decided, 18);
        assert!(host.bodies_asked > 10 && host.sent > 80 && host.stalls > 0);
        assert_eq!(host.node.metrics().epochs_started, 1);
    }
}

/// Rounds, values and bodies that nobody needs, for more than a minute.
fn flood(host: &mut Host, count: u16) {
    for at in 0..2_000_u32 {
        let from = 1 + (at % (u32::from(count) - 1)) as u16;
        let mut statement = host.statement(VoteKind::Prevote, Hash::new([at as u8; 32]));
        statement.round = Round::new(at * 7 % 50);
        if at % 3 == 0 {
            let round = host.node.round();
            statement = host.statement(VoteKind::Proposal, Hash::new([at as u8; 32]));
            statement.round = round;
            let proposer = host.node.engine().proposer(statement.height, round);
            if proposer.get() != 0 {
                host.hear(proposer.get(), statement);
            }
        } else {
            host.hear(from, statement);
        }
        host.send_body(
            SequencerId::new(10 + u32::from(from)),
            Hash::new([at as u8; 32]),
        );
        let later = host.node.now().saturating_add(40_000_000);
        host.node.handle_now(later).unwrap();
        host.drain();
    }
}

#[test]
fn an_engine_alone_takes_what_it_takes_inside() {
    let limits = limits(9);
    let view = CommitteeView {
        weights: &[1; 9],
        me: None,
    };
    let context = *coordinator(&limits, &membership(0, 9)).engine().context();
    let before = counting::held_bytes();
    let engine = ConsensusEngine::new(
        &limits.consensus,
        &ConsensusConfig::default(),
        context,
        view,
    )
    .unwrap();
    let taken = counting::held_bytes() - before;
    engine.verify().unwrap();
    let footprint = limits.footprint(Provider::MlDsa65);
    let mut parts = footprint.parts().iter();
    let inside = parts.find(|part| part.name == "engine").unwrap();
    assert_eq!(taken, inside.bytes as i64);
}

//! What a vote costs a member without its signature's check, and what a flood of votes for rounds
//! to come takes; beside another implementation's driver, with the same votes and signatures.
#![allow(
    missing_docs,
    reason = "criterion's macros make public items without words"
)]

use std::time::{Duration, Instant};

use arc_malachitebft_core_driver::{Driver, Input, Output, ThresholdParams};
use arc_malachitebft_core_types::{
    NilOrVal, Round as TheirRound, SignedMessage, Validity, VoteType,
};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use hauptbuch_core::consensus::{
    CommitteeView, ConsensusConfig, ConsensusEngine, ConsensusLimits, Effect, Message, MessageBody,
    SignedVote, SigningContext, Statement, Validity as OurValidity, VoteKind,
};
use hauptbuch_core::types::{Epoch, Hash, Height, MemberIndex, Round};

#[path = "../tests/tests/differential/context.rs"]
mod context;

use context::{Address, Members, Peer, Proposal, Signature, Value, Vote};

/// Bytes of an ML-DSA-65 signature.
const SIGNATURE_LEN: usize = 3_309;
const SIGNATURE: [u8; SIGNATURE_LEN] = [9; SIGNATURE_LEN];
const NO_ROUND: i32 = -1;
const COMMITTEES: [u16; 3] = [4, 31, 100];
const MEMBERS_MAX: usize = 100;
/// Votes of one member for rounds to come.
const FLOOD_COUNT: u32 = 2_000;

fn value(height: u64) -> [u8; 32] {
    let mut value = [7; 32];
    value[..8].copy_from_slice(&height.to_le_bytes());
    value
}

/// Our engine as member 0, whose host answers at once.
struct Ours {
    engine: ConsensusEngine,
    count: u16,
}

impl Ours {
    fn new(count: u16) -> Self {
        let view = CommitteeView {
            weights: &[1; MEMBERS_MAX][..usize::from(count)],
            me: Some(MemberIndex::ZERO),
        };
        let context = SigningContext {
            chain_id: Hash::new([7; 32]),
            epoch: Epoch::new(1),
            suite_id: 1,
        };
        let config = ConsensusConfig::default();
        let engine = ConsensusEngine::new(&Self::limits(count), &config, context, view);
        Self {
            engine: engine.expect("the committee is in range"),
            count,
        }
    }

    fn limits(count: u16) -> ConsensusLimits {
        ConsensusLimits {
            validator_count_max: count,
            ..ConsensusLimits::default()
        }
    }

    fn drain(&mut self) {
        while let Some(effect) = self.engine.poll_effect() {
            let engine = &mut self.engine;
            match effect {
                Effect::Persist { seq } => engine.handle_persisted(seq).expect("asked for"),
                Effect::Sign { ticket, .. } => {
                    engine.handle_signed(&ticket, &SIGNATURE).expect("it fits");
                }
                Effect::Verify { batch, count } => {
                    let good = u128::MAX >> (128 - u32::from(count));
                    engine.handle_verified(batch, good).expect("it fits");
                }
                Effect::GetValue { height, round, .. } => {
                    let value = Hash::new(value(height.get()));
                    engine.handle_value(height, round, value, Hash::ZERO);
                }
                Effect::Validate { height, value, .. } => {
                    let good = OurValidity::Valid {
                        extension_hash: Hash::ZERO,
                    };
                    engine.handle_validity(height, value, good);
                }
                _ => {}
            }
        }
    }

    fn hear(&mut self, by: u16, kind: VoteKind, round: u32, value: Hash) {
        let height = self.engine.height();
        let member = MemberIndex::new(by);
        let statement = Statement {
            kind,
            height,
            round: Round::new(round),
            value: Some(value),
            valid_round: NO_ROUND,
            extension_hash: Hash::ZERO,
        };
        let vote = SignedVote {
            statement,
            member,
            signature: &SIGNATURE,
        };
        let message = Message {
            epoch: Epoch::new(1),
            height,
            body: MessageBody::Vote(vote),
        };
        // A flood is refused once it has used up what it may cost.
        let _refused = self.engine.handle_message(member, &message);
        self.drain();
    }

    /// A height in which each vote comes by itself.
    fn height(&mut self, number: u64) {
        let height = Height::new(number);
        self.engine.start_height(height).expect("the next height");
        self.drain();
        let value = Hash::new(value(number));
        let proposer = self.engine.proposer(height, Round::ZERO).get();
        if proposer != 0 {
            self.hear(proposer, VoteKind::Proposal, 0, value);
        }
        for kind in [VoteKind::Prevote, VoteKind::Precommit] {
            for by in 1..self.count {
                self.hear(by, kind, 0, value);
            }
        }
        assert!(self.engine.decided().is_some());
    }
}

type Malachite = Driver<Peer<SIGNATURE_LEN>>;

/// The peer, at the same place.
struct Theirs {
    driver: Malachite,
    members: Members,
    count: u16,
}

impl Theirs {
    fn new(count: u16) -> Self {
        let members = Members::new(&[1; MEMBERS_MAX][..usize::from(count)]);
        let (height, me) = (context::Height(0), Address(0));
        let driver = Driver::new(
            Peer,
            height,
            members.clone(),
            me,
            ThresholdParams::default(),
        );
        Self {
            driver,
            members,
            count,
        }
    }

    fn process(&mut self, input: Input<Peer<SIGNATURE_LEN>>) {
        let outputs = self.driver.process(input).expect("a good input");
        for output in outputs {
            if let Output::Vote(vote) = output {
                self.process(Input::Vote(signed(vote)));
            }
        }
    }

    fn hear(&mut self, by: u16, kind: VoteType, round: u32, value: Value) {
        let vote = Vote {
            kind,
            height: self.driver.height(),
            round: TheirRound::new(round),
            value: NilOrVal::Val(value),
            address: Address(by),
        };
        self.process(Input::Vote(signed(vote)));
    }

    fn height(&mut self, number: u64) {
        let height = context::Height(number);
        self.driver.move_to_height(height, self.members.clone());
        let proposer = Address(1);
        self.process(Input::NewRound(height, TheirRound::ZERO, proposer));
        let value = Value(value(number));
        let proposal = Proposal {
            height,
            round: TheirRound::ZERO,
            value,
            pol_round: TheirRound::Nil,
            address: proposer,
        };
        self.process(Input::Proposal(signed(proposal), Validity::Valid));
        for kind in [VoteType::Prevote, VoteType::Precommit] {
            for by in 1..self.count {
                self.hear(by, kind, 0, value);
            }
        }
        assert!(self.driver.decided_value().is_some());
    }
}

fn signed<T>(message: T) -> SignedMessage<Peer<SIGNATURE_LEN>, T> {
    SignedMessage::new(message, Signature(SIGNATURE))
}

/// Whole heights over their votes, both votes of each member.
fn votes(criterion: &mut Criterion) {
    for count in COMMITTEES {
        let mut group = criterion.benchmark_group(format!("consensus/votes/{count}"));
        let votes = 2 * u64::from(count);
        group.throughput(Throughput::Elements(votes));
        let (mut ours, mut theirs) = (Ours::new(count), Theirs::new(count));
        let (mut our_height, mut their_height) = (0, 0);
        group.bench_function("hauptbuch", |bencher| {
            bencher.iter_custom(|rounds| each(rounds, &mut our_height, |at| ours.height(at)));
        });
        group.bench_function("malachite", |bencher| {
            bencher.iter_custom(|rounds| each(rounds, &mut their_height, |at| theirs.height(at)));
        });
        group.finish();
    }
}

/// The time of so many heights in a row.
fn each(rounds: u64, height: &mut u64, mut run: impl FnMut(u64)) -> Duration {
    let start = Instant::now();
    for _ in 0..rounds {
        *height += 1;
        run(*height);
    }
    start.elapsed()
}

/// One member votes in thousands of rounds to come: prints what that takes.
///
/// Memory is the process's address space, so the bytes are the kernel's, in pages and whatever the
/// allocator takes at once; nothing is printed where the system does not tell.
fn flood(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("consensus/flood");
    for count in COMMITTEES {
        let mut ours = Ours::new(count);
        ours.engine.start_height(Height::new(1)).expect("the first");
        let mut theirs = Theirs::new(count);
        theirs
            .driver
            .move_to_height(context::Height(1), theirs.members.clone());
        theirs.process(Input::NewRound(
            context::Height(1),
            TheirRound::ZERO,
            Address(1),
        ));
        let value = value(1);
        let before = address_space_bytes();
        for round in 1..=FLOOD_COUNT {
            ours.hear(2, VoteKind::Prevote, round, Hash::new(value));
        }
        let between = address_space_bytes();
        for round in 1..=FLOOD_COUNT {
            theirs.hear(2, VoteType::Prevote, round, Value(value));
        }
        let after = address_space_bytes();
        if let (Some(before), Some(between), Some(after)) = (before, between, after) {
            println!(
                "{count} members, {FLOOD_COUNT} votes of one for rounds to come: hauptbuch +{} of \
                 {} bytes held from the start, malachite +{}",
                between.saturating_sub(before),
                Ours::limits(count).footprint().bytes(),
                after.saturating_sub(between),
            );
        }
        let mut round = FLOOD_COUNT;
        group.bench_function(format!("hauptbuch/{count}"), |bencher| {
            bencher.iter(|| {
                round += 1;
                ours.hear(2, VoteKind::Prevote, round, Hash::new(value));
            });
        });
    }
    group.finish();
}

fn address_space_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = status.split_whitespace().next()?.parse().ok()?;
    Some(pages * 4_096)
}

criterion_group!(benches, votes, flood);
criterion_main!(benches);

//! Consensus takes the memory that its limits lead to, to the byte, and none afterwards, whatever
//! peers send.
#![allow(unsafe_code, reason = "an allocator that counts is an unsafe trait")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::time::Instant;

use hauptbuch_core::consensus::{
    BatchId, CommitteeView, ConsensusConfig, ConsensusEngine, ConsensusLimits, Effect, Message,
    MessageBody, Outgoing, Recipient, SignedVote, SigningContext, Statement, Validity, VoteKind,
    message_bytes_max, newest_record, record_bytes_max,
};
use hauptbuch_core::types::{Epoch, Hash, Height, MemberIndex, Round, Tick};

thread_local! {
    /// Bytes given out to this thread, less those given back.
    static BYTES: Cell<i64> = const { Cell::new(0) };
    /// How often this thread asked.
    static CALLS: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

fn count(bytes: i64) {
    BYTES.set(BYTES.get() + bytes);
    CALLS.set(CALLS.get() + 1);
}

// SAFETY: every call goes to the system's allocator unchanged; counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as i64);
        // SAFETY: the caller's promise about `layout` is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as i64);
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        count(new_size as i64 - layout.size() as i64);
        // SAFETY: as above, and `place` was given out by the same allocator.
        unsafe { System.realloc(place, layout, new_size) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        count(-(layout.size() as i64));
        // SAFETY: as above.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const NO_ROUND: i32 = -1;

fn limits(count: u16) -> ConsensusLimits {
    ConsensusLimits {
        validator_count_max: count,
        ..ConsensusLimits::default()
    }
}

fn engine(count: u16, me: u16) -> ConsensusEngine {
    let view = CommitteeView {
        weights: &[1; 128][..usize::from(count)],
        me: Some(MemberIndex::new(me)),
    };
    let context = SigningContext {
        chain_id: Hash::new([7; 32]),
        epoch: Epoch::new(1),
        suite_id: 1,
    };
    ConsensusEngine::new(&limits(count), &ConsensusConfig::default(), context, view).unwrap()
}

#[test]
fn the_footprint_is_what_is_taken() {
    for count in [1, 4, 9, 31, 100, 128] {
        let limits = limits(count);
        let expected = limits.footprint().bytes() as i64;
        let before = BYTES.get();
        let made = engine(count, 0);
        let taken = BYTES.get() - before;
        assert!(made.verify().is_ok());
        assert_eq!(taken, expected, "{count} members: {}", limits.footprint());
        println!("n = {count}: {} KiB", expected / 1_024);
        drop(made);
    }
    // One engine of the default committee, and of a hundred members.
    assert!(limits(9).footprint().bytes() < 1 << 20);
    assert!(limits(100).footprint().bytes() < 8 << 20);
}

/// A host that answers everything at once, without a heap.
struct Host {
    engine: ConsensusEngine,
    signature: [u8; 3_309],
    message: Box<[u8]>,
    record: Box<[u8]>,
    sent_count: u64,
    decided_count: u64,
}

impl Host {
    fn new(count: u16, me: u16) -> Self {
        let limits = limits(count);
        Self {
            engine: engine(count, me),
            signature: [3; 3_309],
            message: vec![0; message_bytes_max(&limits)].into(),
            record: vec![0; record_bytes_max(&limits)].into(),
            sent_count: 0,
            decided_count: 0,
        }
    }

    fn drain(&mut self, writes: bool) {
        while let Some(effect) = self.engine.poll_effect() {
            match effect {
                Effect::Persist { seq } => {
                    if writes {
                        let len = self.engine.write_record(&mut self.record).unwrap();
                        let newest =
                            newest_record([&self.record[..len], &[]], self.engine.limits());
                        assert!(newest.unwrap().is_some());
                    }
                    self.engine.handle_persisted(seq).unwrap();
                }
                Effect::Sign { ticket, .. } => {
                    self.engine.handle_signed(&ticket, &self.signature).unwrap();
                }
                Effect::Send { message, .. } => {
                    self.sent_count += 1;
                    if writes {
                        self.engine
                            .write_message(&message, &mut self.message)
                            .unwrap();
                    }
                }
                Effect::Verify { batch, count } => self.verified(batch, count),
                Effect::GetValue { height, round, .. } => {
                    let value = Hash::new([height.get() as u8; 32]);
                    self.engine.handle_value(height, round, value, Hash::ZERO);
                }
                Effect::Validate { height, value, .. } => {
                    let good = Validity::Valid {
                        extension_hash: Hash::ZERO,
                    };
                    self.engine.handle_validity(height, value, good);
                }
                Effect::Decide { .. } => {
                    self.decided_count += 1;
                    if writes {
                        let commit = Outgoing::CommitCertificate;
                        self.engine
                            .write_message(&commit, &mut self.message)
                            .unwrap();
                    }
                }
                Effect::SendDecided { .. } | Effect::Evidence { .. } => {}
            }
        }
    }

    fn verified(&mut self, batch: BatchId, count: u8) {
        let good = u128::MAX >> (128 - u32::from(count));
        assert!(self.engine.verify_item(batch, 0).is_some());
        self.engine.handle_verified(batch, good).unwrap();
    }

    fn statement(&self, kind: VoteKind, value: Option<Hash>) -> Statement {
        Statement {
            kind,
            height: self.engine.height(),
            round: self.engine.round(),
            value,
            valid_round: NO_ROUND,
            extension_hash: Hash::ZERO,
        }
    }

    fn hear(&mut self, from: u16, statement: Statement, signature: &[u8]) -> bool {
        let vote = SignedVote {
            statement,
            member: MemberIndex::new(from),
            signature,
        };
        let message = Message {
            epoch: Epoch::new(1),
            height: statement.height,
            body: MessageBody::Vote(vote),
        };
        self.engine
            .handle_message(MemberIndex::new(from), &message)
            .is_ok()
    }

    /// One height in which all votes come in one by one; how many were taken.
    fn height(&mut self, number: u64, others: &[u16], signature: &[u8], writes: bool) -> u64 {
        self.engine.start_height(Height::new(number)).unwrap();
        self.drain(writes);
        let proposer = self.engine.proposer(Height::new(number), Round::ZERO);
        let value = Hash::new([number as u8; 32]);
        if self.engine.committee().me() != Some(proposer) {
            let proposal = self.statement(VoteKind::Proposal, Some(value));
            assert!(self.hear(proposer.get(), proposal, signature));
            self.drain(writes);
        }
        let mut taken = 0;
        for kind in [VoteKind::Prevote, VoteKind::Precommit] {
            let statement = self.statement(kind, Some(value));
            for by in others {
                taken += u64::from(self.hear(*by, statement, signature));
                self.drain(writes);
            }
        }
        assert!(self.engine.decided().is_some());
        taken
    }
}

#[test]
fn nothing_allocates_after_construction() {
    for count in [4, 31] {
        let others: Vec<u16> = (1..count).collect();
        let mut host = Host::new(count, 0);
        let signature = [9; 3_309];
        let before = CALLS.get();
        for number in 1..40 {
            host.height(number, &others, &signature, true);
        }
        // Floods of rounds, values and conflicts.
        host.engine.start_height(Height::new(40)).unwrap();
        for at in 0..3_000_u32 {
            let from = 1 + (at % (u32::from(count) - 1)) as u16;
            let mut statement = host.statement(VoteKind::Prevote, Some(Hash::new([at as u8; 32])));
            statement.round = Round::new(at * 7 % 50);
            host.hear(from, statement, &signature);
            host.engine
                .handle_now(Tick::new(u64::from(at) * 5_000_000))
                .unwrap();
            host.drain(true);
        }
        let calls = CALLS.get() - before;
        assert_eq!(calls, 0, "{count} members");
        host.engine.verify().unwrap();
        assert!(host.sent_count > 80 && host.decided_count == 39);
    }
}

/// Prints what a vote costs without its signature check; `cargo test --release -- --nocapture`.
#[test]
fn votes_are_cheap() {
    let signature = [9; 3_309];
    for (count, heights) in [(4_u16, 2_000_u64), (31, 300), (100, 100)] {
        let others: Vec<u16> = (1..count).collect();
        let mut costs = Vec::new();
        for _ in 0..9 {
            let mut host = Host::new(count, 0);
            host.height(1, &others, &signature, false);
            let start = Instant::now();
            for number in 2..2 + heights {
                host.height(number, &others, &signature, false);
            }
            // Both votes of every member, this one's included, carry the cost of the whole height.
            let spent = start.elapsed().as_nanos() as u64;
            costs.push(spent / (heights * 2 * u64::from(count)));
        }
        costs.sort_unstable();
        println!(
            "n = {count}: {} ns a vote, a whole height over its votes",
            costs[4]
        );
        // Generous, since tests share a machine: it is the order of magnitude that is held.
        let most_ns = if cfg!(debug_assertions) {
            200_000
        } else {
            20_000
        };
        assert!(costs[0] < most_ns, "n = {count}: {costs:?}");
    }
}

#[test]
fn replies_go_to_whoever_asked() {
    let mut host = Host::new(4, 0);
    host.engine.start_height(Height::new(1)).unwrap();
    host.drain(true);
    let message = Message {
        epoch: Epoch::new(1),
        height: Height::new(1),
        body: MessageBody::Status(host.engine.status()),
    };
    let ahead = Message {
        height: Height::new(2),
        ..message
    };
    host.engine
        .handle_message(MemberIndex::new(3), &ahead)
        .unwrap();
    let mut found = false;
    while let Some(effect) = host.engine.poll_effect() {
        if let Effect::Send { to, .. } = effect {
            found |= to == Recipient::One(MemberIndex::new(3));
        }
    }
    assert!(found);
}
